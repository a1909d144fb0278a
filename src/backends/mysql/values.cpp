// SPDX-License-Identifier: MIT
#include "backends/mysql/values.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::backends::mysql {
namespace {

using db::Type;

constexpr int64_t micros_per_second = 1'000'000;
constexpr int64_t micros_per_day = 86'400 * micros_per_second;
constexpr int64_t first_day = -719'528;  // 0000-01-01
constexpr int64_t last_day = 2'932'896;  // 9999-12-31
constexpr int64_t time_max = (838 * 3600 + 59 * 60 + 59) * micros_per_second + 999'999;

// Type codes of the protocol.
enum Wire : uint8_t {
    wire_decimal = 0,
    wire_tiny = 1,
    wire_short = 2,
    wire_long = 3,
    wire_float = 4,
    wire_double = 5,
    wire_null = 6,
    wire_timestamp = 7,
    wire_longlong = 8,
    wire_int24 = 9,
    wire_date = 10,
    wire_time = 11,
    wire_datetime = 12,
    wire_year = 13,
    wire_newdate = 14,
    wire_varchar = 15,
    wire_bit = 16,
    wire_timestamp2 = 17,
    wire_datetime2 = 18,
    wire_time2 = 19,
    wire_json = 245,
    wire_newdecimal = 246,
    wire_enum = 247,
    wire_set = 248,
    wire_tiny_blob = 249,
    wire_medium_blob = 250,
    wire_long_blob = 251,
    wire_blob = 252,
    wire_var_string = 253,
    wire_string = 254,
    wire_geometry = 255
};
constexpr uint32_t flag_not_null = 1, flag_unsigned = 32, flag_enum = 256, flag_set = 2048;
constexpr uint32_t binary_charset = 63;
constexpr uint32_t any_decimals = 31;
constexpr uint8_t null_cell = 0xfb;

[[noreturn]] void malformed() { throw Error(Code::io, "the server sent bytes that make no sense"); }

uint64_t little_endian(const char* bytes, std::size_t size) noexcept {
    uint64_t value = 0;
    std::memcpy(&value, bytes, size);
    return value;
}
static_assert(std::endian::native == std::endian::little);

// ---- the calendar: proleptic Gregorian, in eras of 400 years that begin on a first of March

constexpr int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2 ? 1 : 0;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

struct Day {
    int64_t year, month, day;
};
constexpr Day day_of(int64_t days) {
    const int64_t from_march = days + 719'468;
    const int64_t era = (from_march >= 0 ? from_march : from_march - 146'096) / 146'097;
    const int64_t day_of_era = from_march - era * 146'097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

// A date, a clock or both, as the server writes them.
struct Moment {
    uint32_t year = 0, month = 0, day = 0;
    int64_t micros = 0;  // of the day; of the duration
    bool zero() const noexcept { return month == 0 || day == 0; }
};

uint32_t digits(const char*& at, const char* end) {
    const char* const begin = at;
    uint32_t value = 0;
    while (at < end && *at >= '0' && *at <= '9' && at - begin < 9)
        value = value * 10 + static_cast<uint32_t>(*at++ - '0');
    if (at == begin) malformed();
    return value;
}
void expect(const char*& at, const char* end, char wanted) {
    if (at == end || *at != wanted) malformed();
    ++at;
}

int64_t clock_of(const char*& at, const char* end) {
    const int64_t hours = digits(at, end);
    expect(at, end, ':');
    const int64_t minutes = digits(at, end);
    expect(at, end, ':');
    const int64_t seconds = digits(at, end);
    int64_t micros = 0;
    if (at < end && *at == '.') {
        ++at;
        int64_t scale = micros_per_second;
        while (at < end && *at >= '0' && *at <= '9') {
            scale /= 10;
            micros += (*at++ - '0') * scale;
        }
    }
    return ((hours * 60 + minutes) * 60 + seconds) * micros_per_second + micros;
}

Moment text_moment(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    Moment moment;
    moment.year = digits(at, end);
    expect(at, end, '-');
    moment.month = digits(at, end);
    expect(at, end, '-');
    moment.day = digits(at, end);
    if (at < end) {
        expect(at, end, ' ');
        moment.micros = clock_of(at, end);
    }
    if (at != end) malformed();
    return moment;
}

int64_t text_time(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const bool negative = at < end && *at == '-';
    if (negative) ++at;
    const int64_t micros = clock_of(at, end);
    if (at != end) malformed();
    return negative ? -micros : micros;
}

Moment binary_moment(std::string_view bytes) {
    Moment moment;
    if (bytes.empty()) return moment;
    if (bytes.size() != 4 && bytes.size() != 7 && bytes.size() != 11) malformed();
    const char* const at = bytes.data();
    moment.year = static_cast<uint32_t>(little_endian(at, 2));
    moment.month = static_cast<uint8_t>(at[2]);
    moment.day = static_cast<uint8_t>(at[3]);
    if (bytes.size() >= 7)
        moment.micros = ((static_cast<uint8_t>(at[4]) * int64_t{60} + static_cast<uint8_t>(at[5])) * 60 +
                         static_cast<uint8_t>(at[6])) *
                        micros_per_second;
    if (bytes.size() == 11) moment.micros += static_cast<int64_t>(little_endian(at + 7, 4));
    return moment;
}

constexpr int64_t days_max = 1'000'000;  // a TIME has 34; more than this is no answer of a server

int64_t binary_time(std::string_view bytes) {
    if (bytes.empty()) return 0;
    if (bytes.size() != 8 && bytes.size() != 12) malformed();
    const char* const at = bytes.data();
    const auto days = static_cast<int64_t>(little_endian(at + 1, 4));
    if (days < 0 || days > days_max) malformed();
    int64_t micros = days * micros_per_day +
                     ((static_cast<uint8_t>(at[5]) * int64_t{60} + static_cast<uint8_t>(at[6])) * 60 +
                      static_cast<uint8_t>(at[7])) *
                         micros_per_second;
    if (bytes.size() == 12) micros += static_cast<int64_t>(little_endian(at + 8, 4));
    return at[0] != 0 ? -micros : micros;
}

void append_digits(std::string& out, int64_t value, std::size_t width) {
    const std::string text = std::to_string(value);
    if (text.size() < width) out.append(width - text.size(), '0');
    out += text;
}

std::string moment_text(const Moment& moment, bool clock) {
    std::string out;
    append_digits(out, moment.year, 4);
    out += '-';
    append_digits(out, moment.month, 2);
    out += '-';
    append_digits(out, moment.day, 2);
    if (!clock) return out;
    const int64_t seconds = moment.micros / micros_per_second;
    out += ' ';
    append_digits(out, seconds / 3600, 2);
    out += ':';
    append_digits(out, seconds / 60 % 60, 2);
    out += ':';
    append_digits(out, seconds % 60, 2);
    if (const int64_t micros = moment.micros % micros_per_second; micros != 0) {
        out += '.';
        append_digits(out, micros, 6);
    }
    return out;
}

// ---- numbers in text

int64_t text_integer(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    if (text.empty() || text.size() > 20) malformed();
    uint64_t value = 0;
    for (const char digit : text) {
        const auto step = static_cast<uint8_t>(digit - '0');
        if (step > 9) malformed();
        value = value * 10 + step;
    }
    return static_cast<int64_t>(negative ? ~value + 1 : value);
}

double text_real(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || (error != std::errc() && error != std::errc::result_out_of_range))
        malformed();
    return value;
}

float text_real32(std::string_view text) {
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || (error != std::errc() && error != std::errc::result_out_of_range))
        malformed();
    return value;
}

int64_t bits_of(double value) noexcept { return std::bit_cast<int64_t>(value); }

int64_t bit_integer(std::string_view bytes) {
    if (bytes.size() > 8) malformed();
    uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
    return static_cast<int64_t>(value);
}

struct Uuid {
    char bytes[16];
};
std::optional<Uuid> uuid_of(std::string_view text) noexcept {
    Uuid uuid{};
    int count = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0 || count == 32) return std::nullopt;
        char& byte = uuid.bytes[count / 2];
        byte = static_cast<char>(count % 2 == 0 ? digit << 4 : (static_cast<uint8_t>(byte) | digit));
        ++count;
    }
    if (count != 32) return std::nullopt;
    return uuid;
}

// ---- rows

// Where decoded cells go. Blocks copy the bytes, values look at the packet.
struct BlockSink {
    db::BlockWriter& writer;
    void null(std::size_t i) { writer.put_null(static_cast<int32_t>(i)); }
    void slot(std::size_t i, Type type, int64_t slot) { writer.put_slot(static_cast<int32_t>(i), type, slot); }
    void bytes(std::size_t i, Type type, std::string_view bytes) {
        writer.put_bytes(static_cast<int32_t>(i), type, bytes.data(), static_cast<int64_t>(bytes.size()));
    }
    void made(std::size_t i, Type type, std::string_view bytes) { this->bytes(i, type, bytes); }
};

struct ValueSink {
    std::vector<db::Value>& values;
    std::string& store;  // of bytes that are not in the packet; reserved: it does not move
    void null(std::size_t i) { values[i] = db::Value::null(); }
    void slot(std::size_t i, Type type, int64_t slot) { values[i] = {type, slot, nullptr, 0}; }
    void bytes(std::size_t i, Type type, std::string_view bytes) { values[i] = db::Value::text(bytes, type); }
    void made(std::size_t i, Type type, std::string_view bytes) {
        const std::size_t at = store.size();
        store.append(bytes);
        store += '\0';
        values[i] = {type, 0, store.data() + at, static_cast<int64_t>(bytes.size())};
    }
};

template <class Sink>
void put_moment(Sink& sink, std::size_t i, const Field& field, const Moment& moment, ZeroDates zero_dates) {
    const bool clock = field.reading == Reading::timestamp;
    if (moment.zero()) {
        if (zero_dates == ZeroDates::null) return sink.null(i);
        if (zero_dates == ZeroDates::text) return sink.made(i, Type::text, moment_text(moment, clock));
        throw Error(Code::limit,
                    "column '" + base::excerpt(field.name) + "' has a zero date, which zero_dates=error refuses");
    }
    const int64_t days = days_of(moment.year, moment.month, moment.day);
    sink.slot(i, field.type, clock ? days * micros_per_day + moment.micros : days);
}

template <class Sink>
void put_bytes(Sink& sink, std::size_t i, const Field& field, std::string_view bytes) {
    if (field.reading == Reading::bit) return sink.slot(i, field.type, bit_integer(bytes));
    if (field.reading == Reading::uuid) {
        if (const auto uuid = uuid_of(bytes)) return sink.made(i, Type::uuid, {uuid->bytes, 16});
        return sink.bytes(i, Type::text, bytes);
    }
    sink.bytes(i, field.type, bytes);
}

// A boolean column is an integer one: what is neither 0 nor 1 is not lost.
template <class Sink>
void put_boolean(Sink& sink, std::size_t i, int64_t value) {
    sink.slot(i, value == 0 || value == 1 ? Type::boolean : Type::int64, value);
}

template <class Sink>
void text_cell(Sink& sink, std::size_t i, const Field& field, std::string_view text, ZeroDates zero_dates) {
    switch (field.reading) {
        case Reading::null:
            return sink.null(i);
        case Reading::integer:
        case Reading::unsigned_integer:
            return sink.slot(i, field.type, text_integer(text));
        case Reading::boolean:
            return put_boolean(sink, i, text_integer(text));
        case Reading::real32:
            return sink.slot(i, field.type, bits_of(static_cast<double>(text_real32(text))));
        case Reading::real64:
            return sink.slot(i, field.type, bits_of(text_real(text)));
        case Reading::date:
        case Reading::timestamp:
            return put_moment(sink, i, field, text_moment(text), zero_dates);
        case Reading::time:
            return sink.slot(i, field.type, text_time(text));
        case Reading::bytes:
        case Reading::bit:
        case Reading::uuid:
            return put_bytes(sink, i, field, text);
    }
}

int64_t extended(const char* at, uint8_t width, bool is_signed) noexcept {
    const uint64_t value = little_endian(at, width);
    if (!is_signed || width == 8) return static_cast<int64_t>(value);
    const int shift = 64 - 8 * width;
    return static_cast<int64_t>(value << shift) >> shift;
}

template <class Sink>
void binary_cell(Sink& sink, std::size_t i, const Field& field, PacketReader& row, ZeroDates zero_dates) {
    switch (field.reading) {
        case Reading::null:
            return sink.null(i);
        case Reading::integer:
            return sink.slot(i, field.type, extended(row.bytes(field.width).data(), field.width, true));
        case Reading::unsigned_integer:
            return sink.slot(i, field.type, extended(row.bytes(field.width).data(), field.width, false));
        case Reading::boolean:
            return put_boolean(sink, i, extended(row.bytes(field.width).data(), field.width, true));
        case Reading::real32:
            return sink.slot(i, field.type, bits_of(std::bit_cast<float>(static_cast<uint32_t>(row.fixed(4)))));
        case Reading::real64:
            return sink.slot(i, field.type, static_cast<int64_t>(row.fixed(8)));
        case Reading::date:
        case Reading::timestamp:
            return put_moment(sink, i, field, binary_moment(row.text()), zero_dates);
        case Reading::time:
            return sink.slot(i, field.type, binary_time(row.text()));
        case Reading::bytes:
        case Reading::bit:
        case Reading::uuid:
            return put_bytes(sink, i, field, row.text());
    }
}

template <class Sink>
void text_row(std::string_view packet, const std::vector<Field>& fields, Sink& sink, ZeroDates zero_dates) {
    PacketReader row(packet);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (row.left() > 0 && static_cast<uint8_t>(*row.at()) == null_cell) {
            row.skip(1);
            sink.null(i);
            continue;
        }
        text_cell(sink, i, fields[i], row.text(), zero_dates);
    }
}

template <class Sink>
void binary_row(std::string_view packet, const std::vector<Field>& fields, Sink& sink, ZeroDates zero_dates) {
    PacketReader row(packet);
    row.skip(1);
    const char* const nulls = row.bytes((fields.size() + 9) / 8).data();
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t bit = i + 2;
        if ((static_cast<uint8_t>(nulls[bit / 8]) >> (bit % 8) & 1) != 0)
            sink.null(i);
        else
            binary_cell(sink, i, fields[i], row, zero_dates);
    }
}

// ---- types

struct Shape {
    Type type;
    Reading reading;
    uint8_t width;
    const char* declared;
};

Shape integer_shape(uint8_t wire, bool is_unsigned, uint32_t length) {
    const Reading reading = is_unsigned ? Reading::unsigned_integer : Reading::integer;
    switch (wire) {
        case wire_tiny:
            if (!is_unsigned && length == 1) return {Type::boolean, Reading::boolean, 1, "TINYINT(1)"};
            return {Type::int64, reading, 1, is_unsigned ? "TINYINT UNSIGNED" : "TINYINT"};
        case wire_short:
            return {Type::int64, reading, 2, is_unsigned ? "SMALLINT UNSIGNED" : "SMALLINT"};
        case wire_int24:
            return {Type::int64, reading, 4, is_unsigned ? "MEDIUMINT UNSIGNED" : "MEDIUMINT"};
        case wire_long:
            return {Type::int64, reading, 4, is_unsigned ? "INT UNSIGNED" : "INT"};
        default:
            return {is_unsigned ? Type::uint64 : Type::int64, reading, 8,
                    is_unsigned ? "BIGINT UNSIGNED" : "BIGINT"};
    }
}

Shape string_shape(uint8_t wire, uint32_t flags, uint32_t charset, uint32_t length) {
    const bool binary = charset == binary_charset;
    if ((flags & flag_enum) != 0 || wire == wire_enum) return {Type::text, Reading::bytes, 0, "ENUM"};
    if ((flags & flag_set) != 0 || wire == wire_set) return {Type::text, Reading::bytes, 0, "SET"};
    const Type type = binary ? Type::bytes : Type::text;
    if (wire == wire_string) return {type, Reading::bytes, 0, binary ? "BINARY" : "CHAR"};
    if (wire == wire_varchar || wire == wire_var_string)
        return {type, Reading::bytes, 0, binary ? "VARBINARY" : "VARCHAR"};
    const uint64_t size =
        binary ? length : (uint64_t{length} + 3) / 4;  // utf8mb4: counted at four bytes a character
    if (size <= 255) return {type, Reading::bytes, 0, binary ? "TINYBLOB" : "TINYTEXT"};
    if (size <= 65535) return {type, Reading::bytes, 0, binary ? "BLOB" : "TEXT"};
    if (size <= 16777215) return {type, Reading::bytes, 0, binary ? "MEDIUMBLOB" : "MEDIUMTEXT"};
    return {type, Reading::bytes, 0, binary ? "LONGBLOB" : "LONGTEXT"};
}

Shape shape_of(uint8_t wire, uint32_t flags, uint32_t charset, uint32_t length) {
    const bool is_unsigned = (flags & flag_unsigned) != 0;
    switch (wire) {
        case wire_decimal:
        case wire_newdecimal:
            return {Type::decimal, Reading::bytes, 0, "DECIMAL"};
        case wire_tiny:
        case wire_short:
        case wire_int24:
        case wire_long:
        case wire_longlong:
            return integer_shape(wire, is_unsigned, length);
        case wire_year:
            return {Type::int64, Reading::unsigned_integer, 2, "YEAR"};
        case wire_float:
            return {Type::float32, Reading::real32, 4, "FLOAT"};
        case wire_double:
            return {Type::float64, Reading::real64, 8, "DOUBLE"};
        case wire_null:
            return {Type::null, Reading::null, 0, "NULL"};
        case wire_timestamp:
        case wire_timestamp2:
            return {Type::timestamptz, Reading::timestamp, 0, "TIMESTAMP"};
        case wire_datetime:
        case wire_datetime2:
            return {Type::timestamp, Reading::timestamp, 0, "DATETIME"};
        case wire_date:
        case wire_newdate:
            return {Type::date, Reading::date, 0, "DATE"};
        case wire_time:
        case wire_time2:
            return {Type::time, Reading::time, 0, "TIME"};
        case wire_bit:
            return {Type::uint64, Reading::bit, 0, "BIT"};
        case wire_json:
            return {Type::json, Reading::bytes, 0, "JSON"};
        case wire_geometry:
            return {Type::bytes, Reading::bytes, 0, "GEOMETRY"};
        case wire_varchar:
        case wire_enum:
        case wire_set:
        case wire_tiny_blob:
        case wire_medium_blob:
        case wire_long_blob:
        case wire_blob:
        case wire_var_string:
        case wire_string:
            return string_shape(wire, flags, charset, length);
        default:
            return {Type::other, Reading::bytes, 0, "UNKNOWN"};
    }
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

// MariaDB's own types arrive as texts with a name beside them.
void apply_extension(Field& field, std::string_view extension) {
    PacketReader reader(extension);
    while (reader.left() > 1) {
        const uint64_t kind = reader.fixed(1);
        const std::string_view name = reader.text();
        if (kind == 1 && name == "json") {
            field.type = Type::json;
            field.declared = "JSON";
        }
        if (kind != 0 || name.empty()) continue;
        field.declared = upper(name);
        if (name == "uuid") {
            field.type = Type::uuid;
            field.reading = Reading::uuid;
        } else if (name == "inet6" || name == "inet4" || field.type != Type::bytes) {
            field.type = Type::other;
        }
    }
}

}  // namespace

uint64_t PacketReader::fixed(std::size_t bytes) {
    if (left() < bytes) malformed();
    const uint64_t value = little_endian(at_, bytes);
    at_ += bytes;
    return value;
}

uint64_t PacketReader::length() {
    if (at_ == end_) malformed();
    const auto first = static_cast<uint8_t>(*at_++);
    if (first < null_cell) return first;
    switch (first) {
        case 0xfc:
            return fixed(2);
        case 0xfd:
            return fixed(3);
        case 0xfe:
            return fixed(8);
        default:
            malformed();
    }
}

std::string_view PacketReader::bytes(std::size_t size) {
    if (left() < size) malformed();
    const std::string_view out(at_, size);
    at_ += size;
    return out;
}

std::string_view PacketReader::text() { return bytes(length()); }

Field field_of(std::string_view packet) {
    PacketReader reader(packet);
    for (int skipped = 0; skipped < 4; ++skipped) reader.text();  // catalog, schema, alias and name of the table
    Field field;
    field.name = reader.text();
    reader.text();  // the column's own name
    constexpr std::size_t fixed_part = 13;
    std::string_view extension;
    if (reader.left() > fixed_part) extension = reader.text();
    if (reader.length() != fixed_part - 1) malformed();
    const auto charset = static_cast<uint32_t>(reader.fixed(2));
    const auto length = static_cast<uint32_t>(reader.fixed(4));
    const auto wire = static_cast<uint8_t>(reader.fixed(1));
    const auto flags = static_cast<uint32_t>(reader.fixed(2));
    const auto decimals = static_cast<uint32_t>(reader.fixed(1));
    reader.skip(2);  // nothing
    const Shape shape = shape_of(wire, flags, charset, length);
    field.type = shape.type;
    field.reading = shape.reading;
    field.width = shape.width;
    field.declared = shape.declared;
    field.nullable = (flags & flag_not_null) != 0 ? 0 : 1;
    field.rounded = wire == wire_float || (wire == wire_double && decimals < any_decimals);
    apply_extension(field, extension);
    return field;
}

void RowDecoder::put(std::string_view row, db::BlockWriter& writer) const {
    BlockSink sink{writer};
    if (protocol_ == Protocol::text)
        text_row(row, *fields_, sink, zero_dates_);
    else
        binary_row(row, *fields_, sink, zero_dates_);
}

void RowDecoder::decode(char* row, std::size_t size, std::vector<db::Value>& values, std::string& store) const {
    values.resize(fields_->size());
    store.clear();
    store.reserve(fields_->size() * 32);
    ValueSink sink{values, store};
    if (protocol_ == Protocol::text)
        text_row({row, size}, *fields_, sink, zero_dates_);
    else
        binary_row({row, size}, *fields_, sink, zero_dates_);
    for (db::Value& value : values) {
        if (db::carrier_of(value.type) != db::Carrier::bytes || value.data < row || value.data > row + size)
            continue;
        row[value.data - row + value.size] = '\0';
    }
}

// ---- parameters ---------------------------------------------------------------------------------

void append_fixed(std::string& out, uint64_t value, std::size_t bytes) {
    char buffer[8];
    std::memcpy(buffer, &value, 8);
    out.append(buffer, bytes);
}

void append_length(std::string& out, uint64_t length) {
    if (length < null_cell) {
        append_fixed(out, length, 1);
    } else if (length < 1U << 16) {
        out += '\xfc';
        append_fixed(out, length, 2);
    } else if (length < 1U << 24) {
        out += '\xfd';
        append_fixed(out, length, 3);
    } else {
        out += '\xfe';
        append_fixed(out, length, 8);
    }
}

namespace {

void append_text(std::string& out, std::string_view text) {
    append_length(out, text.size());
    out += text;
}

Day checked_day(int64_t days) {
    if (days < first_day || days > last_day)
        throw Error(Code::limit, "a date outside the years 0000 to 9999 is more than mysql takes");
    return day_of(days);
}

void append_day(std::string& out, const Day& day) {
    append_fixed(out, static_cast<uint64_t>(day.year), 2);
    append_fixed(out, static_cast<uint64_t>(day.month), 1);
    append_fixed(out, static_cast<uint64_t>(day.day), 1);
}

void append_clock(std::string& out, int64_t micros) {
    const int64_t seconds = micros / micros_per_second;
    append_fixed(out, static_cast<uint64_t>(seconds / 3600), 1);
    append_fixed(out, static_cast<uint64_t>(seconds / 60 % 60), 1);
    append_fixed(out, static_cast<uint64_t>(seconds % 60), 1);
    append_fixed(out, static_cast<uint64_t>(micros % micros_per_second), 4);
}

void append_timestamp(std::string& out, int64_t micros) {
    int64_t days = micros / micros_per_day;
    int64_t rest = micros % micros_per_day;
    if (rest < 0) {
        rest += micros_per_day;
        --days;
    }
    const Day day = checked_day(days);
    append_fixed(out, 11, 1);
    append_day(out, day);
    append_clock(out, rest);
}

void append_time(std::string& out, int64_t micros) {
    if (micros > time_max || micros < -time_max)
        throw Error(Code::limit, "a time of more than 838:59:59 is more than mysql takes");
    const int64_t size = micros < 0 ? -micros : micros;
    append_fixed(out, 12, 1);
    append_fixed(out, micros < 0 ? 1 : 0, 1);
    append_fixed(out, static_cast<uint64_t>(size / micros_per_day), 4);
    append_clock(out, size % micros_per_day);
}

std::string uuid_text(std::string_view bytes) {
    if (bytes.size() != 16) throw Error(Code::invalid_argument, "a uuid has 16 bytes");
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        const auto byte = static_cast<uint8_t>(bytes[i]);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

void append_part(std::string& out, int64_t value, char unit) {
    if (value == 0) return;
    out += std::to_string(value);
    out += unit;
}

// An ISO 8601 duration; each part has its own sign. MySQL has no type for it.
std::string interval_text(std::string_view bytes) {
    if (bytes.size() != 16) throw Error(Code::invalid_argument, "an interval has 16 bytes");
    int32_t months = 0;
    int32_t days = 0;
    int64_t micros = 0;
    std::memcpy(&months, bytes.data(), 4);
    std::memcpy(&days, bytes.data() + 4, 4);
    std::memcpy(&micros, bytes.data() + 8, 8);
    std::string out = "P";
    append_part(out, months / 12, 'Y');
    append_part(out, months % 12, 'M');
    append_part(out, days, 'D');
    if (micros != 0) {
        out += 'T';
        const int64_t seconds = micros / micros_per_second;
        append_part(out, seconds / 3600, 'H');
        append_part(out, seconds / 60 % 60, 'M');
        const int64_t rest = micros % micros_per_second;
        if (seconds % 60 != 0 || rest != 0) {
            if (micros < 0) out += '-';
            out += std::to_string(seconds % 60 < 0 ? -(seconds % 60) : seconds % 60);
            if (rest != 0) {
                out += '.';
                append_digits(out, rest < 0 ? -rest : rest, 6);
            }
            out += 'S';
        }
    }
    return out == "P" ? "PT0S" : out;
}

void check_finite(double value) {
    if (!std::isfinite(value)) throw Error(Code::invalid_argument, "mysql has neither NaN nor infinity");
}

}  // namespace

uint16_t parameter_type(const db::Value& value) {
    constexpr uint16_t unsigned_flag = 0x8000;
    switch (value.type) {
        case Type::null:
            return wire_null;
        case Type::boolean:
            return wire_tiny;
        case Type::int64:
            return wire_longlong;
        case Type::uint64:
            return wire_longlong | unsigned_flag;
        case Type::float32:
            return wire_float;
        case Type::float64:
            return wire_double;
        case Type::decimal:
            return wire_newdecimal;
        case Type::bytes:
            return wire_blob;
        case Type::date:
            return wire_date;
        case Type::time:
            return wire_time;
        case Type::timestamp:
        case Type::timestamptz:
            return wire_datetime;
        case Type::text:
        case Type::json:
        case Type::other:
        case Type::uuid:
        case Type::interval:
            return wire_var_string;
        case Type::variant:
            break;
    }
    throw Error(Code::invalid_argument, "a value cannot be of type variant");
}

void append_parameter(std::string& out, const db::Value& value) {
    switch (value.type) {
        case Type::null:
        case Type::variant:
            return;
        case Type::boolean:
            return append_fixed(out, value.slot != 0 ? 1 : 0, 1);
        case Type::int64:
        case Type::uint64:
            return append_fixed(out, static_cast<uint64_t>(value.slot), 8);
        case Type::float32: {
            check_finite(value.real());
            const auto narrow = static_cast<float>(value.real());
            return append_fixed(out, std::bit_cast<uint32_t>(narrow), 4);
        }
        case Type::float64:
            check_finite(value.real());
            return append_fixed(out, static_cast<uint64_t>(value.slot), 8);
        case Type::date:
            append_fixed(out, 4, 1);
            return append_day(out, checked_day(value.slot));
        case Type::time:
            return append_time(out, value.slot);
        case Type::timestamp:
        case Type::timestamptz:
            return append_timestamp(out, value.slot);
        case Type::uuid:
            return append_text(out, uuid_text(value.view()));
        case Type::interval:
            return append_text(out, interval_text(value.view()));
        case Type::decimal:
        case Type::text:
        case Type::bytes:
        case Type::json:
        case Type::other:
            return append_text(out, value.view());
    }
}

std::size_t parameter_size(const db::Value& value) noexcept {
    constexpr std::size_t most = 64;  // of anything but bytes
    return most + (db::carrier_of(value.type) == db::Carrier::bytes ? static_cast<std::size_t>(value.size) : 0);
}

}  // namespace mtdb::backends::mysql
