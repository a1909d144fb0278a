// SPDX-License-Identifier: MIT
#include "backends/postgres/values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

using db::Type;
using db::Value;

constexpr int64_t micros_per_second = 1'000'000;
constexpr int64_t micros_per_day = 86'400 * micros_per_second;
constexpr int64_t epoch_days = 10'957;  // from 1970-01-01, ours, to 2000-01-01, the server's
constexpr int64_t epoch_micros = epoch_days * micros_per_day;
constexpr int64_t date_max = std::numeric_limits<int32_t>::max();
constexpr int64_t date_min = std::numeric_limits<int32_t>::min();
constexpr int64_t time_max = std::numeric_limits<int64_t>::max();
constexpr int64_t time_min = std::numeric_limits<int64_t>::min();

constexpr TypeRule listed[] = {
    {16, Type::boolean, Decoder::boolean, "boolean"},
    {17, Type::bytes, Decoder::bytes, "bytea"},
    {18, Type::text, Decoder::text, "\"char\""},
    {19, Type::text, Decoder::text, "name"},
    {20, Type::int64, Decoder::int64, "bigint"},
    {21, Type::int64, Decoder::int16, "smallint"},
    {23, Type::int64, Decoder::int32, "integer"},
    {24, Type::other, Decoder::opaque, "regproc"},
    {25, Type::text, Decoder::text, "text"},
    {26, Type::int64, Decoder::oid, "oid"},
    {27, Type::other, Decoder::opaque, "tid"},
    {28, Type::int64, Decoder::oid, "xid"},
    {29, Type::int64, Decoder::oid, "cid"},
    {114, Type::json, Decoder::text, "json"},
    {142, Type::other, Decoder::opaque, "xml"},
    {600, Type::other, Decoder::opaque, "point"},
    {603, Type::other, Decoder::opaque, "box"},
    {650, Type::other, Decoder::opaque, "cidr"},
    {700, Type::float32, Decoder::float32, "real"},
    {701, Type::float64, Decoder::float64, "double precision"},
    {705, Type::text, Decoder::text, "unknown"},
    {774, Type::other, Decoder::opaque, "macaddr8"},
    {790, Type::other, Decoder::opaque, "money"},
    {829, Type::other, Decoder::opaque, "macaddr"},
    {869, Type::other, Decoder::opaque, "inet"},
    {1000, Type::other, Decoder::opaque, "boolean[]"},
    {1001, Type::other, Decoder::opaque, "bytea[]"},
    {1005, Type::other, Decoder::opaque, "smallint[]"},
    {1007, Type::other, Decoder::opaque, "integer[]"},
    {1009, Type::other, Decoder::opaque, "text[]"},
    {1014, Type::other, Decoder::opaque, "character[]"},
    {1015, Type::other, Decoder::opaque, "character varying[]"},
    {1016, Type::other, Decoder::opaque, "bigint[]"},
    {1021, Type::other, Decoder::opaque, "real[]"},
    {1022, Type::other, Decoder::opaque, "double precision[]"},
    {1028, Type::other, Decoder::opaque, "oid[]"},
    {1042, Type::text, Decoder::text, "character"},
    {1043, Type::text, Decoder::text, "character varying"},
    {1082, Type::date, Decoder::date, "date"},
    {1083, Type::time, Decoder::time, "time without time zone"},
    {1114, Type::timestamp, Decoder::timestamp, "timestamp without time zone"},
    {1115, Type::other, Decoder::opaque, "timestamp without time zone[]"},
    {1182, Type::other, Decoder::opaque, "date[]"},
    {1184, Type::timestamptz, Decoder::timestamp, "timestamp with time zone"},
    {1185, Type::other, Decoder::opaque, "timestamp with time zone[]"},
    {1186, Type::interval, Decoder::interval, "interval"},
    {1231, Type::other, Decoder::opaque, "numeric[]"},
    {1266, Type::other, Decoder::timetz, "time with time zone"},
    {1560, Type::other, Decoder::opaque, "bit"},
    {1562, Type::other, Decoder::opaque, "bit varying"},
    {1700, Type::decimal, Decoder::numeric, "numeric"},
    {2205, Type::other, Decoder::opaque, "regclass"},
    {2206, Type::other, Decoder::opaque, "regtype"},
    {2249, Type::other, Decoder::opaque, "record"},
    {2278, Type::other, Decoder::text, "void"},
    {2950, Type::uuid, Decoder::uuid, "uuid"},
    {2951, Type::other, Decoder::opaque, "uuid[]"},
    {3220, Type::other, Decoder::opaque, "pg_lsn"},
    {3614, Type::other, Decoder::opaque, "tsvector"},
    {3615, Type::other, Decoder::opaque, "tsquery"},
    {3802, Type::json, Decoder::jsonb, "jsonb"},
    {3807, Type::other, Decoder::opaque, "jsonb[]"},
    {5069, Type::other, Decoder::opaque, "xid8"},
};
static_assert(std::is_sorted(std::begin(listed), std::end(listed),
                             [](const TypeRule& a, const TypeRule& b) { return a.oid < b.oid; }));

constexpr TypeRule unlisted{0, Type::other, Decoder::opaque, {}};

Error bad_bytes(const TypeRule& rule) {
    return Error(Code::corrupt, "the server sent a value that is not of type " + std::string(rule.name));
}

template <class Integer>
Integer big_endian(const char* data) noexcept {
    Integer value;
    std::memcpy(&value, data, sizeof value);
    if constexpr (sizeof value == 2)
        return static_cast<Integer>(__builtin_bswap16(static_cast<uint16_t>(value)));
    else if constexpr (sizeof value == 4)
        return static_cast<Integer>(__builtin_bswap32(static_cast<uint32_t>(value)));
    else
        return static_cast<Integer>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

// ---- the calendar -------------------------------------------------------------------------------

// The proleptic Gregorian calendar, in eras of 400 years that begin on a first of March; days from 1970-01-01.
int64_t days_of(int64_t year, int64_t month, int64_t day) noexcept {
    year -= month <= 2 ? 1 : 0;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

void append_number(std::string& out, int64_t value, std::size_t width = 0) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    const auto size = static_cast<std::size_t>(end - digits);
    if (size < width) out.append(width - size, '0');
    out.append(digits, size);
}

// Returns what must follow the time of day: " BC" or nothing.
std::string_view append_date(std::string& out, int64_t days) {
    const int64_t from_march = days + 719'468;
    const int64_t era = (from_march >= 0 ? from_march : from_march - 146'096) / 146'097;
    const int64_t day_of_era = from_march - era * 146'097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    append_number(out, year > 0 ? year : 1 - year, 4);
    out += '-';
    append_number(out, month, 2);
    out += '-';
    append_number(out, day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
    return year > 0 ? "" : " BC";
}

void append_clock(std::string& out, int64_t micros) {
    const int64_t seconds = micros / micros_per_second;
    append_number(out, seconds / 3600, 2);
    out += ':';
    append_number(out, seconds / 60 % 60, 2);
    out += ':';
    append_number(out, seconds % 60, 2);
    if (const int64_t fraction = micros % micros_per_second; fraction != 0) {
        out += '.';
        append_number(out, fraction, 6);
        out.resize(out.find_last_not_of('0') + 1);
    }
}

void append_timestamp(std::string& out, int64_t micros, std::string_view zone) {
    if (micros == time_max || micros == time_min) {
        out += micros > 0 ? "infinity" : "-infinity";
        return;
    }
    int64_t days = micros / micros_per_day;
    int64_t rest = micros % micros_per_day;
    if (rest < 0) {
        rest += micros_per_day;
        --days;
    }
    const std::string_view era = append_date(out, days);
    out += ' ';
    append_clock(out, rest);
    out += zone;
    out += era;
}

void append_hex(std::string& out, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

void append_uuid(std::string& out, std::string_view bytes) {
    constexpr std::size_t groups[] = {4, 2, 2, 2, 6};
    for (const std::size_t size : groups) {
        if (size != 4) out += '-';
        append_hex(out, bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
}

void append_interval(std::string& out, std::string_view bytes) {
    int32_t months = 0;
    int32_t days = 0;
    int64_t micros = 0;
    std::memcpy(&months, bytes.data(), 4);
    std::memcpy(&days, bytes.data() + 4, 4);
    std::memcpy(&micros, bytes.data() + 8, 8);
    append_number(out, months);
    out += " mons ";
    append_number(out, days);
    out += " days ";
    // Hours and the rest apart: the whole in microseconds is more than the server reads as one number.
    append_number(out, micros / (3600 * micros_per_second));
    out += " hours ";
    append_number(out, micros % (3600 * micros_per_second));
    out += " microseconds";
}

// ---- reading text -------------------------------------------------------------------------------

// What is left of a text; each part is taken from its front.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}
    bool empty() const noexcept { return text_.empty(); }
    bool take(std::string_view word) noexcept {
        if (!text_.starts_with(word)) return false;
        text_.remove_prefix(word.size());
        return true;
    }
    // Digits, without a sign; no more than `digits_max`.
    bool number(int64_t& value, std::size_t digits_max = 18, std::size_t* digits = nullptr) noexcept {
        const std::size_t limit = std::min(text_.size(), digits_max);
        std::size_t size = 0;
        value = 0;
        for (; size < limit && text_[size] >= '0' && text_[size] <= '9'; ++size)
            value = value * 10 + (text_[size] - '0');
        text_.remove_prefix(size);
        if (digits != nullptr) *digits = size;
        return size > 0;
    }
    // "HH:MM:SS[.ffffff]" in microseconds.
    bool clock(int64_t& micros) noexcept {
        int64_t hours = 0, minutes = 0, seconds = 0;
        if (!number(hours) || !take(":") || !number(minutes) || !take(":") || !number(seconds)) return false;
        micros = ((hours * 60 + minutes) * 60 + seconds) * micros_per_second;
        if (!take(".")) return true;
        int64_t fraction = 0;
        std::size_t digits = 0;
        if (!number(fraction, 6, &digits)) return false;
        for (; digits < 6; ++digits) fraction *= 10;
        micros += fraction;
        return true;
    }
    bool date(int64_t& year, int64_t& month, int64_t& day) noexcept {
        return number(year) && take("-") && number(month) && take("-") && number(day);
    }
    // "+HH[:MM[:SS]]" in seconds east.
    bool zone(int64_t& seconds) noexcept {
        const bool west = text_.starts_with('-');
        if (!take("+") && !take("-")) return false;
        int64_t hours = 0, minutes = 0, rest = 0;
        if (!number(hours)) return false;
        if (take(":") && !number(minutes)) return false;
        if (take(":") && !number(rest)) return false;
        seconds = (hours * 60 + minutes) * 60 + rest;
        if (west) seconds = -seconds;
        return true;
    }
    std::string_view rest() const noexcept { return text_; }

private:
    std::string_view text_;
};

Error other_style(const TypeRule& rule) {
    return Error(Code::unsupported, "a " + std::string(rule.name) +
                                        " came in another style than ISO: the session's DateStyle or "
                                        "IntervalStyle was changed");
}

int64_t read_date(const TypeRule& rule, std::string_view text) {
    if (text == "infinity") return date_max;
    if (text == "-infinity") return date_min;
    Reader reader(text);
    int64_t year = 0, month = 0, day = 0;
    if (!reader.date(year, month, day)) throw other_style(rule);
    if (reader.take(" BC")) year = 1 - year;
    if (!reader.empty()) throw other_style(rule);
    return days_of(year, month, day);
}

int64_t read_time(const TypeRule& rule, std::string_view text) {
    Reader reader(text);
    int64_t micros = 0;
    if (!reader.clock(micros) || !reader.empty()) throw bad_bytes(rule);
    return micros;
}

// The server's timestamps reach 29 years further than the slot.
Error too_late(const TypeRule& rule) {
    return Error(Code::limit, "a " + std::string(rule.name) + " later than 294247-01-10 does not fit its 64 bits");
}

int64_t read_timestamp(const TypeRule& rule, std::string_view text) {
    if (text == "infinity") return time_max;
    if (text == "-infinity") return time_min;
    Reader reader(text);
    int64_t year = 0, month = 0, day = 0, micros = 0, zone = 0;
    if (!reader.date(year, month, day) || !reader.take(" ") || !reader.clock(micros)) throw other_style(rule);
    if (rule.type == Type::timestamptz && !reader.zone(zone)) throw other_style(rule);
    if (reader.take(" BC")) year = 1 - year;
    if (!reader.empty()) throw other_style(rule);
    int64_t time = 0;
    if (__builtin_mul_overflow(days_of(year, month, day), micros_per_day, &time) ||
        __builtin_add_overflow(time, micros - zone * micros_per_second, &time))
        throw too_late(rule);
    return time;
}

struct Interval {
    int32_t months = 0;
    int32_t days = 0;
    int64_t micros = 0;
};

// As IntervalStyle postgres writes it: "1 year 2 mons -3 days +04:05:06.789", each part optional.
Interval read_interval(const TypeRule& rule, std::string_view text) {
    Interval out;
    int64_t months = 0, days = 0;
    Reader reader(text);
    while (!reader.empty()) {
        const bool negative = reader.take("-");
        if (!negative) reader.take("+");
        Reader clock = reader;
        int64_t number = 0;
        if (clock.clock(number)) {
            out.micros = negative ? -number : number;
            reader = clock;
        } else {
            if (!reader.number(number) || !reader.take(" ")) throw other_style(rule);
            if (negative) number = -number;
            if (reader.take("year"))
                months += 12 * number;
            else if (reader.take("mon"))
                months += number;
            else if (reader.take("day"))
                days += number;
            else
                throw other_style(rule);
            reader.take("s");
        }
        if (!reader.empty() && !reader.take(" ")) throw other_style(rule);
    }
    out.months = static_cast<int32_t>(months);
    out.days = static_cast<int32_t>(days);
    return out;
}

int hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// Both of bytea_output's forms.
void read_bytes(const TypeRule& rule, std::string_view text, std::string& out) {
    out.clear();
    if (text.starts_with("\\x")) {
        text.remove_prefix(2);
        if (text.size() % 2 != 0) throw bad_bytes(rule);
        out.resize(text.size() / 2);
        for (std::size_t i = 0; i < out.size(); ++i) {
            const int high = hex_digit(text[2 * i]);
            const int low = hex_digit(text[2 * i + 1]);
            if (high < 0 || low < 0) throw bad_bytes(rule);
            out[i] = static_cast<char>(high * 16 + low);
        }
        return;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '\\') {
            out += text[++i];
        } else if (i + 3 < text.size()) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            throw bad_bytes(rule);
        }
    }
}

void read_uuid(const TypeRule& rule, std::string_view text, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i + 1 < text.size();) {
        if (text[i] == '-') {
            ++i;
            continue;
        }
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) throw bad_bytes(rule);
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    if (out.size() != 16) throw bad_bytes(rule);
}

double read_real(const TypeRule& rule, std::string_view text) {
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (rule.type == Type::float32) {  // rounded once, not twice
        float value = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc::invalid_argument)
            throw bad_bytes(rule);
        return static_cast<double>(value);
    }
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc::invalid_argument)
        throw bad_bytes(rule);
    return value;
}

int64_t read_integer(const TypeRule& rule, std::string_view text) {
    int64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) throw bad_bytes(rule);
    return value;
}

Value stored_interval(const Interval& interval, std::string& out) {
    out.resize(16);
    std::memcpy(out.data(), &interval.months, 4);
    std::memcpy(out.data() + 4, &interval.days, 4);
    std::memcpy(out.data() + 8, &interval.micros, 8);
    return Value::text(out, Type::interval);
}

Value decode_text(const TypeRule& rule, std::string_view text, Scratch& scratch) {
    switch (rule.decoder) {
        case Decoder::boolean:
            return Value::integer(text.starts_with('t') ? 1 : 0, Type::boolean);
        case Decoder::int16:
        case Decoder::int32:
        case Decoder::int64:
        case Decoder::oid:
            return Value::integer(read_integer(rule, text));
        case Decoder::float32:
        case Decoder::float64:
            return Value::real(read_real(rule, text), rule.type);
        case Decoder::bytes: {
            std::string& out = scratch.next();
            read_bytes(rule, text, out);
            return Value::text(out, Type::bytes);
        }
        case Decoder::date:
            return Value::integer(read_date(rule, text), Type::date);
        case Decoder::time:
            return Value::integer(read_time(rule, text), Type::time);
        case Decoder::timestamp:
            return Value::integer(read_timestamp(rule, text), rule.type);
        case Decoder::interval:
            return stored_interval(read_interval(rule, text), scratch.next());
        case Decoder::uuid: {
            std::string& out = scratch.next();
            read_uuid(rule, text, out);
            return Value::text(out, Type::uuid);
        }
        default:
            return Value::text(text, rule.type);
    }
}

// ---- reading binary -----------------------------------------------------------------------------

// Groups of four decimal digits, the weight of the first, a sign and how many digits follow the point.
void read_numeric(const TypeRule& rule, const char* data, int64_t size, std::string& out) {
    out.clear();
    if (size < 8) throw bad_bytes(rule);
    const int64_t groups = big_endian<uint16_t>(data);
    const int64_t weight = big_endian<int16_t>(data + 2);
    const uint16_t sign = big_endian<uint16_t>(data + 4);
    const int64_t scale = big_endian<uint16_t>(data + 6);
    if (size != 8 + 2 * groups) throw bad_bytes(rule);
    if (sign == 0xC000) out = "NaN";
    if (sign == 0xD000) out = "Infinity";
    if (sign == 0xF000) out = "-Infinity";
    if (!out.empty()) return;
    if (sign == 0x4000) out += '-';
    const auto group = [&](int64_t at) {
        return at >= 0 && at < groups ? int64_t{big_endian<int16_t>(data + 8 + 2 * at)} : 0;
    };
    if (weight < 0) out += '0';
    for (int64_t i = 0; i <= weight; ++i) append_number(out, group(i), i == 0 ? 0 : 4);
    if (scale == 0) return;
    out += '.';
    const std::size_t point = out.size();
    for (int64_t i = 0; i < scale; i += 4) append_number(out, group(weight + 1 + i / 4), 4);
    out.resize(point + static_cast<std::size_t>(scale));
}

void check_size(const TypeRule& rule, int64_t size, int64_t expected) {
    if (size != expected) throw bad_bytes(rule);
}

int64_t date_of(int32_t days) noexcept {
    if (days == date_max || days == date_min) return days;
    return days + epoch_days;
}

int64_t timestamp_of(const TypeRule& rule, int64_t micros) {
    if (micros == time_max || micros == time_min) return micros;
    int64_t time = 0;
    if (__builtin_add_overflow(micros, epoch_micros, &time)) throw too_late(rule);
    return time;
}

Value read_timetz(const char* data, std::string& out) {
    out.clear();
    append_clock(out, big_endian<int64_t>(data));
    const int32_t west = big_endian<int32_t>(data + 8);
    const int32_t seconds = std::abs(west);
    out += west > 0 ? '-' : '+';
    append_number(out, seconds / 3600, 2);
    if (seconds % 3600 != 0) {
        out += ':';
        append_number(out, seconds / 60 % 60, 2);
    }
    if (seconds % 60 != 0) {
        out += ':';
        append_number(out, seconds % 60, 2);
    }
    return Value::text(out, Type::other);
}

Value decode_binary(const TypeRule& rule, const char* data, int64_t size, Scratch& scratch) {
    switch (rule.decoder) {
        case Decoder::boolean:
            check_size(rule, size, 1);
            return Value::integer(data[0] != 0 ? 1 : 0, Type::boolean);
        case Decoder::int16:
            check_size(rule, size, 2);
            return Value::integer(big_endian<int16_t>(data));
        case Decoder::int32:
            check_size(rule, size, 4);
            return Value::integer(big_endian<int32_t>(data));
        case Decoder::int64:
            check_size(rule, size, 8);
            return Value::integer(big_endian<int64_t>(data));
        case Decoder::oid:
            check_size(rule, size, 4);
            return Value::integer(big_endian<uint32_t>(data));
        case Decoder::float32:
            check_size(rule, size, 4);
            return Value::real(static_cast<double>(std::bit_cast<float>(big_endian<uint32_t>(data))), Type::float32);
        case Decoder::float64:
            check_size(rule, size, 8);
            return Value::real(std::bit_cast<double>(big_endian<uint64_t>(data)));
        case Decoder::numeric: {
            std::string& out = scratch.next();
            read_numeric(rule, data, size, out);
            return Value::text(out, Type::decimal);
        }
        case Decoder::date:
            check_size(rule, size, 4);
            return Value::integer(date_of(big_endian<int32_t>(data)), Type::date);
        case Decoder::time:
            check_size(rule, size, 8);
            return Value::integer(big_endian<int64_t>(data), Type::time);
        case Decoder::timetz:
            check_size(rule, size, 12);
            return read_timetz(data, scratch.next());
        case Decoder::timestamp:
            check_size(rule, size, 8);
            return Value::integer(timestamp_of(rule, big_endian<int64_t>(data)), rule.type);
        case Decoder::interval:
            check_size(rule, size, 16);
            return stored_interval(
                {big_endian<int32_t>(data + 12), big_endian<int32_t>(data + 8), big_endian<int64_t>(data)},
                scratch.next());
        case Decoder::uuid:
            check_size(rule, size, 16);
            return Value::text({data, 16}, Type::uuid);
        case Decoder::jsonb:
            if (size < 1 || data[0] != 1) throw bad_bytes(rule);
            return Value::text({data + 1, static_cast<std::size_t>(size - 1)}, Type::json);
        case Decoder::opaque:
            throw Error(Code::internal, "a type without a binary decoder came in binary form");
        case Decoder::text:
        case Decoder::bytes:
            break;
    }
    return Value::text({data, static_cast<std::size_t>(size)}, rule.type);
}

// ---- writing ------------------------------------------------------------------------------------

void append_real(std::string& out, const Value& value) {
    const double real = value.real();
    if (std::isnan(real) || std::isinf(real)) {
        out += std::isnan(real) ? "NaN" : real > 0 ? "Infinity" : "-Infinity";
        return;
    }
    char digits[40];
    const auto end = value.type == Type::float32
                         ? std::to_chars(digits, digits + sizeof digits, static_cast<float>(real)).ptr
                         : std::to_chars(digits, digits + sizeof digits, real).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

void check_sixteen(const Value& value, const char* what) {
    if (value.size != 16) throw Error(Code::invalid_argument, std::string(what) + " has not 16 bytes");
}

bool is_text(Type type) noexcept {
    return type == Type::text || type == Type::decimal || type == Type::json || type == Type::other;
}

}  // namespace

const TypeRule& rule_of(Oid oid) noexcept {
    const auto rule = std::lower_bound(std::begin(listed), std::end(listed), oid,
                                       [](const TypeRule& each, Oid wanted) { return each.oid < wanted; });
    return rule != std::end(listed) && rule->oid == oid ? *rule : unlisted;
}

std::string& Scratch::next() {
    if (used_ == strings_.size()) strings_.push_back(std::make_unique<std::string>());
    return *strings_[used_++];
}

Value decode(const TypeRule& rule, Format format, const char* data, int64_t size, Scratch& scratch) {
    if (format == Format::binary) return decode_binary(rule, data, size, scratch);
    return decode_text(rule, {data, static_cast<std::size_t>(size)}, scratch);
}

void append_text(std::string& out, const Value& value) {
    switch (value.type) {
        case Type::boolean:
            out += value.slot != 0 ? "true" : "false";
            return;
        case Type::int64:
            return append_number(out, value.slot);
        case Type::uint64: {
            char digits[20];
            const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<uint64_t>(value.slot)).ptr;
            out.append(digits, static_cast<std::size_t>(end - digits));
            return;
        }
        case Type::float32:
        case Type::float64:
            return append_real(out, value);
        case Type::date:
            if (value.slot == date_max || value.slot == date_min) {
                out += value.slot > 0 ? "infinity" : "-infinity";
                return;
            }
            out += append_date(out, value.slot);
            return;
        case Type::time:
            if (value.slot < 0 || value.slot > micros_per_day)
                throw Error(Code::limit, "a time outside 00:00 to 24:00 is more than postgres takes");
            return append_clock(out, value.slot);
        case Type::timestamp:
            return append_timestamp(out, value.slot, "");
        case Type::timestamptz:
            return append_timestamp(out, value.slot, "+00");
        case Type::uuid:
            check_sixteen(value, "a uuid");
            return append_uuid(out, value.view());
        case Type::interval:
            check_sixteen(value, "an interval");
            return append_interval(out, value.view());
        case Type::variant:
            throw Error(Code::invalid_argument, "a value cannot be of type variant");
        default:
            if (value.size > 0) out += value.view();
    }
}

void Parameters::resize(int32_t count) {
    const auto size = static_cast<std::size_t>(count);
    parameters_.resize(size);
    values_.resize(size);
    lengths_.resize(size);
    formats_.resize(size);
}

void Parameters::clear() noexcept {
    for (Parameter& parameter : parameters_) parameter.kind = Parameter::Kind::null;
}

void Parameters::check(int32_t index, const Value& value) {
    const auto name = [&] { return "parameter " + std::to_string(index + 1); };
    if (value.size > value_bytes_max)
        throw Error(Code::limit,
                    name() + " has " + std::to_string(value.size) + " bytes; postgres takes values below 1 GB");
    if (is_text(value.type) && value.size > 0 &&
        std::memchr(value.data, 0, static_cast<std::size_t>(value.size)) != nullptr)
        throw Error(Code::invalid_argument, name() + " is a text with a NUL byte, which postgres does not take");
}

void Parameters::set(int32_t index, const Value& value, db::Lifetime lifetime) {
    check(index, value);
    Parameter& parameter = parameters_[static_cast<std::size_t>(index)];
    parameter.kind = Parameter::Kind::null;
    parameter.format = value.type == Type::bytes ? Format::binary : Format::text;
    if (value.type == Type::null) return;
    if (value.type == Type::bytes && lifetime == db::Lifetime::borrowed) {
        parameter.borrowed = value.size == 0 ? std::string_view("") : value.view();
        parameter.kind = Parameter::Kind::borrowed;
        return;
    }
    parameter.stored.clear();
    if (value.type == Type::bytes)
        parameter.stored.append(value.size == 0 ? std::string_view() : value.view());
    else
        append_text(parameter.stored, value);
    parameter.kind = Parameter::Kind::stored;
}

void Parameters::check_total() const {
    int64_t total = 0;
    for (const Parameter& parameter : parameters_)
        if (parameter.kind != Parameter::Kind::null) total += static_cast<int64_t>(parameter.bytes().size()) + 16;
    if (total > value_bytes_max)
        throw Error(Code::limit,
                    "the parameters have " + std::to_string(total) + " bytes; postgres takes messages below 1 GB");
}

Parameters::View Parameters::view() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const Parameter& parameter = parameters_[i];
        const std::string_view bytes = parameter.bytes();
        values_[i] = parameter.kind == Parameter::Kind::null ? nullptr : bytes.data();
        lengths_[i] = static_cast<int>(bytes.size());
        formats_[i] = static_cast<int>(parameter.format);
    }
    return {count(), values_.data(), lengths_.data(), formats_.data()};
}

void Parameters::append_copy_row(std::string& out) const {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (i > 0) out += '\t';
        const Parameter& parameter = parameters_[i];
        if (parameter.kind == Parameter::Kind::null) {
            out += "\\N";
            continue;
        }
        const std::string_view bytes = parameter.bytes();
        if (parameter.format == Format::binary) {
            out += "\\\\x";
            append_hex(out, bytes);
            continue;
        }
        for (const char c : bytes) {
            constexpr std::string_view escaped = "\\\n\r\t";
            constexpr std::string_view letters = "\\nrt";
            const std::size_t at = escaped.find(c);
            if (at != escaped.npos) out += '\\';
            out += at != escaped.npos ? letters[at] : c;
        }
    }
    out += '\n';
}

}  // namespace mtdb::backends::postgres
