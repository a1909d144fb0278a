// SPDX-License-Identifier: MIT
// How values that SQLite has no storage class for are written: as the text that its own functions
// read.
#pragma once

#include <cstdint>
#include <string_view>

#include "db/value.hpp"

namespace mtdb::backends::sqlite {

// Room for the longest of the texts below.
class ValueText {
public:
    std::string_view view() const noexcept { return {bytes_, size_}; }
    void append(std::string_view text) noexcept;
    void append_number(int64_t value, int width = 1) noexcept;  // padded with zeros; not negative

private:
    char bytes_[128];
    std::size_t size_ = 0;
};

// 'YYYY-MM-DD', from days since 1970-01-01. Throws Error(limit) outside the years 0000 to 9999,
// which SQLite's functions end at.
ValueText date_text(int64_t days);
// '[-]HH:MM:SS.ffffff', from microseconds.
ValueText time_text(int64_t micros);
// 'YYYY-MM-DD HH:MM:SS.ffffff' and a suffix, from microseconds since 1970-01-01.
ValueText timestamp_text(int64_t micros, std::string_view zone);
// 36 characters, lower case. Throws Error(invalid_argument) unless there are 16 bytes.
ValueText uuid_text(std::string_view bytes);
// An ISO 8601 duration, as 'P1Y2M3DT4H5M6.5S'; each part has its own sign. Throws
// Error(invalid_argument) unless there are 16 bytes.
ValueText interval_text(std::string_view bytes);

}  // namespace mtdb::backends::sqlite
