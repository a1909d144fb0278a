// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "mtdb.h"

namespace mtdb::db {

enum class Type : int32_t {
    null = MTDB_TYPE_NULL,
    boolean = MTDB_TYPE_BOOL,
    int64 = MTDB_TYPE_INT64,
    uint64 = MTDB_TYPE_UINT64,
    float32 = MTDB_TYPE_FLOAT,
    float64 = MTDB_TYPE_DOUBLE,
    decimal = MTDB_TYPE_DECIMAL,
    text = MTDB_TYPE_TEXT,
    bytes = MTDB_TYPE_BYTES,
    date = MTDB_TYPE_DATE,
    time = MTDB_TYPE_TIME,
    timestamp = MTDB_TYPE_TIMESTAMP,
    timestamptz = MTDB_TYPE_TIMESTAMPTZ,
    uuid = MTDB_TYPE_UUID,
    json = MTDB_TYPE_JSON,
    interval = MTDB_TYPE_INTERVAL,
    variant = MTDB_TYPE_VARIANT,
    other = MTDB_TYPE_OTHER,
};
constexpr int32_t type_count = 18;

// Where a value of a type lives: in the integer, in the double's bits, or in bytes.
enum class Carrier { none, integer, real, bytes };
constexpr Carrier carrier_of(Type type) {
    switch (type) {
        case Type::null:
        case Type::variant:
            return Carrier::none;
        case Type::boolean:
        case Type::int64:
        case Type::uint64:
        case Type::date:
        case Type::time:
        case Type::timestamp:
        case Type::timestamptz:
            return Carrier::integer;
        case Type::float32:
        case Type::float64:
            return Carrier::real;
        default:
            return Carrier::bytes;  // uuid: 16 bytes; interval: int32, int32, int64
    }
}

// One value, by view: bytes belong to whoever made it.
struct Value {
    Type type = Type::null;
    int64_t slot = 0;  // the integer, or the bits of the double
    const char* data = nullptr;
    int64_t size = 0;

    static Value null() { return {}; }
    static Value integer(int64_t value, Type type = Type::int64) {
        return {type, value, nullptr, 0};
    }
    static Value real(double value, Type type = Type::float64) {
        return {type, std::bit_cast<int64_t>(value), nullptr, 0};
    }
    static Value text(std::string_view value, Type type = Type::text) {
        return {type, 0, value.data(), static_cast<int64_t>(value.size())};
    }
    double real() const { return std::bit_cast<double>(slot); }
    std::string_view view() const { return {data, static_cast<std::size_t>(size)}; }
};

}  // namespace mtdb::db
