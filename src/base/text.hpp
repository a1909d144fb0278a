// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mtdb::base {

// Line and column of a byte offset in UTF-8 text, both from 1, the column in characters. CRLF is
// one line end.
struct Position {
    int64_t line = 1;
    int64_t column = 1;
    bool operator==(const Position&) const = default;
};
Position position_of(std::string_view text, std::size_t offset);
// The byte that position_of() gives this place for; the text's size when it has no such place.
std::size_t offset_of(std::string_view text, Position position);

// The candidate with the smallest edit distance to `text`, if it is near enough to be a slip.
std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates);

// `text` cut to `size_max` characters at a character's border, with "..." when cut, control
// characters as spaces: for messages.
std::string excerpt(std::string_view text, std::size_t size_max = 60);

bool valid_utf8(std::string_view text) noexcept;
std::vector<std::string_view> split_lines(
    std::string_view text);  // at LF, CRLF or CR; a last line end opens no line
std::string_view trim(std::string_view text) noexcept;
bool equal_fold(std::string_view a, std::string_view b) noexcept;  // ASCII letters only
std::string lower(std::string_view text);                          // ASCII letters only

}  // namespace mtdb::base
