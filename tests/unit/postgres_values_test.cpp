// SPDX-License-Identifier: MIT
#include "backends/postgres/values.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>

#include "base/error.hpp"

using namespace mtdb::backends::postgres;
using mtdb::Code;
using mtdb::Error;
namespace db = mtdb::db;
using db::Type;
using db::Value;

namespace {

std::string text_of(const Value& value) {
    std::string out;
    append_text(out, value);
    return out;
}

int64_t read(Oid oid, std::string_view text) {
    Scratch scratch;
    return decode(rule_of(oid), Format::text, text.data(), static_cast<int64_t>(text.size()), scratch).slot;
}

std::string numeric(std::string_view bytes) {
    Scratch scratch;
    return std::string(
        decode(rule_of(1700), Format::binary, bytes.data(), static_cast<int64_t>(bytes.size()), scratch).view());
}

constexpr Oid date = 1082;
constexpr Oid timestamp = 1114;
constexpr Oid timestamptz = 1184;

}  // namespace

TEST_CASE("postgres values: dates and times as the server writes them") {
    CHECK(read(date, "1970-01-01") == 0);
    CHECK(read(date, "2000-02-29") == 11016);
    CHECK(read(date, "0001-01-01") == -719162);
    CHECK(read(date, "0001-12-31 BC") == -719163);
    CHECK(read(date, "0044-03-15 BC") == -735160);
    CHECK(read(date, "12345-06-07") == 3789548);
    CHECK(read(date, "infinity") == std::numeric_limits<int32_t>::max());
    CHECK(read(timestamp, "1969-12-31 23:59:59.999999") == -1);
    CHECK(read(timestamp, "2000-01-01 00:00:00.5") == 946684800500000);
    CHECK(read(timestamptz, "2000-01-01 05:30:00+05:30") == 946684800000000);
    CHECK(read(timestamptz, "1999-12-31 19:00:00-05") == 946684800000000);
    CHECK(read(timestamptz, "1999-12-31 23:15:30-00:44:30") == 946684800000000);
    CHECK(read(timestamptz, "-infinity") == std::numeric_limits<int64_t>::min());
    CHECK(read(timestamp, "294247-01-10 04:00:54.775806") == std::numeric_limits<int64_t>::max() - 1);
    CHECK_THROWS_AS(read(timestamp, "294276-12-31 23:59:59.999999"), const Error&);  // the server's last one
    const std::string last("\x7f\xff\xff\x5b\xb3\xb2\x9f\xff", 8);
    Scratch scratch;
    CHECK_THROWS_AS(decode(rule_of(timestamp), Format::binary, last.data(), 8, scratch), const Error&);
    for (const char* other : {"01.02.2000", "2000/01/02", "01/02/2000", "", "2000-01"}) {
        CAPTURE(std::string(other));
        CHECK_THROWS_AS(read(date, other), const Error&);
    }
}

TEST_CASE("postgres values: dates and times as the server reads them") {
    CHECK(text_of(Value::integer(0, Type::date)) == "1970-01-01");
    CHECK(text_of(Value::integer(-719163, Type::date)) == "0001-12-31 BC");
    CHECK(text_of(Value::integer(3789548, Type::date)) == "12345-06-07");
    CHECK(text_of(Value::integer(std::numeric_limits<int32_t>::min(), Type::date)) == "-infinity");
    CHECK(text_of(Value::integer(-1, Type::timestamp)) == "1969-12-31 23:59:59.999999");
    CHECK(text_of(Value::integer(946684800500000, Type::timestamptz)) == "2000-01-01 00:00:00.5+00");
    CHECK(text_of(Value::integer(std::numeric_limits<int64_t>::max(), Type::timestamptz)) == "infinity");
    CHECK(text_of(Value::integer(86399000001, Type::time)) == "23:59:59.000001");
    CHECK_THROWS_AS(text_of(Value::integer(-1, Type::time)), const Error&);
    CHECK_THROWS_AS(text_of(Value::integer(86400000001, Type::time)), const Error&);
}

TEST_CASE("postgres values: numbers, truth and identities as the server reads them") {
    CHECK(text_of(Value::integer(-1, Type::uint64)) == "18446744073709551615");
    CHECK(text_of(Value::integer(std::numeric_limits<int64_t>::min())) == "-9223372036854775808");
    CHECK(text_of(Value::integer(1, Type::boolean)) == "true");
    CHECK(text_of(Value::real(0.1)) == "0.1");
    CHECK(text_of(Value::real(static_cast<double>(0.1F), Type::float32)) == "0.1");
    CHECK(text_of(Value::real(std::numeric_limits<double>::infinity())) == "Infinity");
    CHECK(text_of(Value::real(std::numeric_limits<double>::quiet_NaN())) == "NaN");
    CHECK(text_of(Value::text("0123456789abcdef", Type::uuid)) == "30313233-3435-3637-3839-616263646566");
    CHECK_THROWS_AS(text_of(Value::text("short", Type::uuid)), const Error&);
    CHECK_THROWS_AS(text_of(Value{Type::variant}), const Error&);
}

TEST_CASE("postgres values: bytes that are not of their type are refused") {
    Scratch scratch;
    for (const Oid oid :
         {16U, 20U, 21U, 23U, 26U, 700U, 701U, 1082U, 1083U, 1114U, 1184U, 1186U, 1266U, 1700U, 2950U, 3802U}) {
        CAPTURE(oid);
        CHECK_THROWS_AS(decode(rule_of(oid), Format::binary, "abc", 3, scratch), const Error&);
        CHECK_THROWS_AS(decode(rule_of(oid), Format::binary, "", 0, scratch), const Error&);
    }
    for (const Oid oid : {20U, 701U, 1082U, 1083U, 1186U, 2950U})
        CHECK_THROWS_AS(decode(rule_of(oid), Format::text, "abc", 3, scratch), const Error&);
    CHECK_THROWS_AS(decode(rule_of(17), Format::text, "\\xabc", 5, scratch), const Error&);
    CHECK_THROWS_AS(numeric(std::string_view("\0\2\0\0\0\0\0\0\0\1", 10)), const Error&);
}

TEST_CASE("postgres values: a binary numeric is written as the server would") {
    CHECK(numeric(std::string_view("\0\0\0\0\0\0\0\0", 8)) == "0");
    CHECK(numeric(std::string_view("\0\0\0\0\0\0\0\2", 8)) == "0.00");
    CHECK(numeric(std::string_view("\0\2\0\0\x40\0\0\1\0\1\x13\x88", 12)) == "-1.5");
    CHECK(numeric(std::string_view("\0\1\0\1\0\0\0\0\0\1", 10)) == "10000");
    CHECK(numeric(std::string_view("\0\1\xff\xff\0\0\0\4\0\1", 10)) == "0.0001");
    CHECK(numeric(std::string_view("\0\0\0\0\xc0\0\0\0", 8)) == "NaN");
}

TEST_CASE("postgres values: a type that is not known is text, and asked for as text") {
    CHECK(rule_of(987654).type == Type::other);
    CHECK(rule_of(987654).name.empty());
    CHECK_FALSE(has_binary(rule_of(987654)));
    CHECK_FALSE(has_binary(rule_of(1007)));
    CHECK(has_binary(rule_of(1700)));
    Scratch scratch;
    CHECK(decode(rule_of(987654), Format::text, "{1,2}", 5, scratch).view() == "{1,2}");
}

TEST_CASE("postgres values: a row of COPY keeps every byte and tells NULL from empty") {
    Parameters parameters;
    parameters.resize(5);
    parameters.set(0, Value::text("a\tb\\c\nd\r"), db::Lifetime::copied);
    parameters.set(1, Value::null(), db::Lifetime::copied);
    parameters.set(2, Value::text(""), db::Lifetime::copied);
    parameters.set(3, Value::text(std::string_view("\0\xff", 2), Type::bytes), db::Lifetime::borrowed);
    parameters.set(4, Value::integer(-7), db::Lifetime::copied);
    std::string row;
    parameters.append_copy_row(row);
    CHECK(row == "a\\tb\\\\c\\nd\\r\t\\N\t\t\\\\x00ff\t-7\n");
}
