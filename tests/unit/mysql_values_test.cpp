// SPDX-License-Identifier: MIT
#include "backends/mysql/values.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::backends::mysql;
using db::Type;
using db::Value;

namespace {

// A column definition as a server sends it; `extension`: MariaDB's part, with its length.
std::string definition(uint8_t wire, uint32_t flags, uint32_t charset, uint32_t length,
                       const std::string& extension = {}) {
    std::string out;
    for (const char* text : {"def", "db", "t", "t", "c", "c"}) {
        append_length(out, std::string_view(text).size());
        out += text;
    }
    out += extension;
    append_length(out, 12);
    append_fixed(out, charset, 2);
    append_fixed(out, length, 4);
    append_fixed(out, wire, 1);
    append_fixed(out, flags, 2);
    append_fixed(out, 0, 3);
    return out;
}

std::string named(char kind, const std::string& name) {
    std::string inner(1, kind);
    append_length(inner, name.size());
    inner += name;
    std::string out;
    append_length(out, inner.size());
    return out + inner;
}

// A value as one row of the binary protocol.
Value through_binary(const Field& field, const Value& value, std::string& row, std::string& store) {
    row.assign(1, '\0');
    row += '\0';
    append_parameter(row, value);
    const std::size_t size = row.size();
    row += '\0';
    static std::vector<Field> fields;
    fields = {field};
    std::vector<Value> values;
    RowDecoder(fields, Protocol::binary, ZeroDates::null).decode(row.data(), size, values, store);
    return values.at(0);
}

}  // namespace

TEST_CASE("mysql values: columns have the types that the table says") {
    struct Row {
        uint8_t wire;
        uint32_t flags, charset, length;
        std::string extension;
        Type type;
        const char* declared;
    };
    const Row rows[] = {
        {1, 0, 63, 1, "", Type::boolean, "TINYINT(1)"},
        {1, 32, 63, 1, "", Type::int64, "TINYINT UNSIGNED"},
        {1, 0, 63, 4, "", Type::int64, "TINYINT"},
        {8, 32, 63, 20, "", Type::uint64, "BIGINT UNSIGNED"},
        {246, 0, 63, 12, "", Type::decimal, "DECIMAL"},
        {7, 0, 63, 19, "", Type::timestamptz, "TIMESTAMP"},
        {12, 0, 63, 19, "", Type::timestamp, "DATETIME"},
        {252, 144, 63, 65535, "", Type::bytes, "BLOB"},
        {252, 16, 45, 262140, "", Type::text, "TEXT"},
        {252, 16, 45, 4294967295U, "", Type::text, "LONGTEXT"},
        {252, 16, 45, 4294967295U, named(1, "json"), Type::json, "JSON"},
        {254, 0, 8, 36, named(0, "uuid"), Type::uuid, "UUID"},
        {254, 0, 8, 39, named(0, "inet6"), Type::other, "INET6"},
        {255, 144, 63, 4294967295U, named(0, "point"), Type::bytes, "POINT"},
        {254, 256, 45, 4, "", Type::text, "ENUM"},
        {254, 2048, 45, 4, "", Type::text, "SET"},
        {245, 144, 63, 4294967295U, "", Type::json, "JSON"},
        {6, 0, 63, 0, "", Type::null, "NULL"},
        {16, 32, 63, 8, "", Type::uint64, "BIT"},
        {200, 0, 63, 8, "", Type::other, "UNKNOWN"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.declared);
        std::string extension = row.extension;
        for (int i = 0; i < 2; ++i) {
            const Field field = field_of(definition(row.wire, row.flags, row.charset, row.length, extension));
            CHECK((field.type == row.type));
            CHECK(field.declared == row.declared);
            CHECK(field.nullable == 1);
            if (!extension.empty()) break;
            extension = std::string(1, '\0');  // a server that sends the part, empty
        }
    }
    CHECK(field_of(definition(3, 1, 63, 11)).nullable == 0);
}

TEST_CASE("mysql values: days, times and timestamps come back as they went in") {
    const Field date = field_of(definition(10, 0, 63, 10));
    const Field time = field_of(definition(11, 0, 63, 10));
    const Field stamp = field_of(definition(12, 0, 63, 26));
    std::string row, store;
    for (int64_t days = -719'162; days <= 2'932'896; days += 97)  // 0001-01-01 to 9999-12-31
        REQUIRE(through_binary(date, Value::integer(days, Type::date), row, store).slot == days);
    std::minstd_rand random(1);
    for (int i = 0; i < 10'000; ++i) {
        const int64_t micros =
            static_cast<int64_t>(random()) * 140'000'000 % 200'000'000'000'000'000 - 60'000'000'000'000'000;
        REQUIRE(through_binary(stamp, Value::integer(micros, Type::timestamp), row, store).slot == micros);
        const int64_t span = static_cast<int64_t>(random()) * 2'000 % 3'020'399'999'999 * (i % 2 == 0 ? 1 : -1);
        REQUIRE(through_binary(time, Value::integer(span, Type::time), row, store).slot == span);
    }
}

TEST_CASE("mysql values: bytes that make no sense are an error, never read past their end") {
    std::minstd_rand random(7);
    const std::string good = definition(254, 0, 8, 36, named(0, "uuid"));
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_THROWS_AS(field_of(std::string(good, 0, size)), Error);
    std::vector<Field> fields;
    for (const int wire : {1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 16, 246, 252, 253, 254})
        fields.push_back(field_of(definition(static_cast<uint8_t>(wire), 0, 63, 20)));
    int errors = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string packet(random() % 60, '\0');
        for (char& byte : packet) byte = static_cast<char>(random() % (i % 2 == 0 ? 256 : 12));
        std::vector<char> exact(packet.begin(), packet.end());
        exact.push_back('\0');
        for (const Protocol protocol : {Protocol::text, Protocol::binary}) {
            std::vector<Value> values;
            std::string store;
            std::vector<char> copy = exact;
            try {
                RowDecoder(fields, protocol, ZeroDates::text).decode(copy.data(), packet.size(), values, store);
            } catch (const Error& error) {
                CHECK(error.code() == Code::io);
                ++errors;
            }
            try {
                field_of(packet);
            } catch (const Error&) {
            }
        }
    }
    CHECK(errors > 1000);
}

TEST_CASE("mysql values: lengths are encoded as the protocol has them") {
    for (const uint64_t length : {uint64_t{0}, uint64_t{250}, uint64_t{251}, uint64_t{65535}, uint64_t{65536},
                                  uint64_t{1} << 24, uint64_t{1} << 40}) {
        std::string out;
        append_length(out, length);
        CHECK(PacketReader(out).length() == length);
    }
}
