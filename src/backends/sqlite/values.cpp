// SPDX-License-Identifier: MIT
#include "backends/sqlite/values.hpp"

#include <charconv>
#include <cstring>

#include "base/error.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr int64_t micros_per_second = 1'000'000;
constexpr int64_t seconds_per_day = 86'400;
constexpr int64_t first_day = -719'528;  // 0000-01-01
constexpr int64_t last_day = 2'932'896;  // 9999-12-31

// The proleptic Gregorian calendar, in eras of 400 years that begin on a first of March.
void append_date(ValueText& out, int64_t days) {
    if (days < first_day || days > last_day)
        throw Error(Code::limit, "a date outside the years 0000 to 9999 is more than sqlite takes");
    const int64_t from_march = days + 719'468;
    const int64_t era = (from_march >= 0 ? from_march : from_march - 146'096) / 146'097;
    const int64_t day_of_era = from_march - era * 146'097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    out.append_number(year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
    out.append("-");
    out.append_number(month, 2);
    out.append("-");
    out.append_number(day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

void append_clock(ValueText& out, uint64_t micros) {
    const auto seconds = static_cast<int64_t>(micros / static_cast<uint64_t>(micros_per_second));
    out.append_number(seconds / 3600, 2);
    out.append(":");
    out.append_number(seconds / 60 % 60, 2);
    out.append(":");
    out.append_number(seconds % 60, 2);
    out.append(".");
    out.append_number(static_cast<int64_t>(micros % static_cast<uint64_t>(micros_per_second)), 6);
}

uint64_t magnitude(int64_t value) noexcept {
    return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

void append_part(ValueText& out, int64_t value, std::string_view unit) {
    if (value == 0) return;
    if (value < 0) out.append("-");
    out.append_number(static_cast<int64_t>(magnitude(value)));
    out.append(unit);
}

void check_sixteen(std::string_view bytes, const char* what) {
    if (bytes.size() != 16)
        throw Error(Code::invalid_argument, std::string(what) + " has not 16 bytes");
}

}  // namespace

void ValueText::append(std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), sizeof bytes_ - size_);
    std::memcpy(bytes_ + size_, text.data(), size);
    size_ += size;
}

void ValueText::append_number(int64_t value, int width) noexcept {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    for (auto size = end - digits; size < width; ++size) append("0");
    append({digits, static_cast<std::size_t>(end - digits)});
}

ValueText date_text(int64_t days) {
    ValueText out;
    append_date(out, days);
    return out;
}

ValueText time_text(int64_t micros) {
    ValueText out;
    if (micros < 0) out.append("-");
    append_clock(out, magnitude(micros));
    return out;
}

ValueText timestamp_text(int64_t micros, std::string_view zone) {
    constexpr int64_t micros_per_day = seconds_per_day * micros_per_second;
    int64_t days = micros / micros_per_day;
    int64_t rest = micros % micros_per_day;
    if (rest < 0) {
        rest += micros_per_day;
        --days;
    }
    ValueText out;
    append_date(out, days);
    out.append(" ");
    append_clock(out, static_cast<uint64_t>(rest));
    out.append(zone);
    return out;
}

ValueText uuid_text(std::string_view bytes) {
    check_sixteen(bytes, "a uuid");
    constexpr std::string_view digits = "0123456789abcdef";
    ValueText out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out.append("-");
        const auto byte = static_cast<unsigned char>(bytes[i]);
        out.append(digits.substr(byte >> 4, 1));
        out.append(digits.substr(byte & 15, 1));
    }
    return out;
}

ValueText interval_text(std::string_view bytes) {
    check_sixteen(bytes, "an interval");
    int32_t months = 0;
    int32_t days = 0;
    int64_t micros = 0;
    std::memcpy(&months, bytes.data(), 4);
    std::memcpy(&days, bytes.data() + 4, 4);
    std::memcpy(&micros, bytes.data() + 8, 8);
    ValueText out;
    if (months == 0 && days == 0 && micros == 0) {
        out.append("PT0S");
        return out;
    }
    out.append("P");
    append_part(out, months / 12, "Y");
    append_part(out, months % 12, "M");
    append_part(out, days, "D");
    if (micros == 0) return out;
    out.append("T");
    append_part(out, micros / (3600 * micros_per_second), "H");
    append_part(out, micros / (60 * micros_per_second) % 60, "M");
    const int64_t rest = micros % (60 * micros_per_second);
    if (rest == 0) return out;
    if (rest < 0) out.append("-");
    const auto parts = static_cast<int64_t>(magnitude(rest));
    out.append_number(parts / micros_per_second);
    if (int64_t fraction = parts % micros_per_second; fraction != 0) {
        int width = 6;
        for (; fraction % 10 == 0; fraction /= 10) --width;
        out.append(".");
        out.append_number(fraction, width);
    }
    out.append("S");
    return out;
}

}  // namespace mtdb::backends::sqlite
