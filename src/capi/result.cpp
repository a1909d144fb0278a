// SPDX-License-Identifier: MIT
#include <cmath>

#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using db::Carrier;
using db::Type;
using db::Value;

namespace {

Value value_of(const mtdb_result* result, int32_t column) noexcept {
    const engine::Result* self = core_of(result);
    return self == nullptr || self->inherited() ? Value::null() : self->value(column);
}

}  // namespace

extern "C" {

mtdb_status mtdb_result_column_count(mtdb_result* result, int32_t* count, mtdb_error** err) {
    clear(count);
    return boundary(err, [&] {
        required(count, "count") = live(result, "result").column_count();
        return MTDB_OK;
    });
}

mtdb_status mtdb_result_column_name(mtdb_result* result, int32_t column, void* buf, int64_t cap,
                                    int64_t* needed, mtdb_error** err) {
    clear(needed);
    return boundary(
        err, [&] { return give(live(result, "result").column(column).name, buf, cap, needed); });
}

mtdb_status mtdb_result_column_declared(mtdb_result* result, int32_t column, void* buf, int64_t cap,
                                        int64_t* needed, mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] {
        return give(live(result, "result").column(column).declared, buf, cap, needed);
    });
}

mtdb_status mtdb_result_column_type(mtdb_result* result, int32_t column, int32_t* type,
                                    int32_t* nullable, mtdb_error** err) {
    clear(type);
    clear(nullable);
    return boundary(err, [&] {
        int32_t& asked = required(type, "type");
        const engine::Result::ColumnFacts known = live(result, "result").column(column);
        asked = static_cast<int32_t>(known.type);
        if (nullable != nullptr) *nullable = known.nullable;
        return MTDB_OK;
    });
}

mtdb_status mtdb_result_fetch(mtdb_result* result, void* buf, int64_t cap, int64_t max_rows,
                              int64_t* rows, int64_t* used, mtdb_error** err) {
    clear(rows);
    clear(used);
    return boundary(err, [&] {
        engine::Result& self = live(result, "result");
        check_buffer(buf, cap);
        if (max_rows < 0) throw Error(Code::invalid_argument, "max_rows is negative");
        return self.fetch(buf, cap, max_rows, required(rows, "rows"), required(used, "used"));
    });
}

mtdb_status mtdb_result_next(mtdb_result* result, mtdb_error** err) {
    return boundary(err, [&] { return live(result, "result").next() ? MTDB_OK : MTDB_DONE; });
}

int32_t mtdb_value_type(const mtdb_result* result, int32_t column) {
    return static_cast<int32_t>(value_of(result, column).type);
}

int64_t mtdb_value_int64(const mtdb_result* result, int32_t column) {
    const Value value = value_of(result, column);
    const Carrier carrier = db::carrier_of(value.type);
    if (carrier == Carrier::integer) return value.slot;
    constexpr double two_to_63 = 9223372036854775808.0;
    const double real = value.real();
    const bool whole = carrier == Carrier::real && real >= -two_to_63 && real < two_to_63 &&
                       std::trunc(real) == real;
    return whole ? static_cast<int64_t>(real) : 0;
}

double mtdb_value_double(const mtdb_result* result, int32_t column) {
    const Value value = value_of(result, column);
    if (db::carrier_of(value.type) == Carrier::real) return value.real();
    if (value.type == Type::uint64) return static_cast<double>(static_cast<uint64_t>(value.slot));
    return db::carrier_of(value.type) == Carrier::integer ? static_cast<double>(value.slot) : 0.0;
}

const char* mtdb_value_text(const mtdb_result* result, int32_t column, int64_t* len) {
    const Value value = value_of(result, column);
    const bool has_bytes = db::carrier_of(value.type) == Carrier::bytes;
    if (len != nullptr) *len = has_bytes ? value.size : 0;
    if (!has_bytes) return nullptr;
    return value.data != nullptr ? value.data : "";
}

mtdb_status mtdb_result_affected(mtdb_result* result, int64_t* affected, mtdb_error** err) {
    clear(affected);
    return boundary(err, [&] {
        required(affected, "affected") = live(result, "result").affected();
        return MTDB_OK;
    });
}

mtdb_status mtdb_result_insert_id(mtdb_result* result, int64_t* id, mtdb_error** err) {
    clear(id);
    return boundary(err, [&] {
        required(id, "id") = live(result, "result").insert_id();
        return MTDB_OK;
    });
}

mtdb_status mtdb_result_next_set(mtdb_result* result, mtdb_error** err) {
    return boundary(err, [&] { return live(result, "result").next_set() ? MTDB_OK : MTDB_DONE; });
}

mtdb_status mtdb_result_close(mtdb_result* result, mtdb_error** err) {
    return boundary(err, [&] {
        live(result, "result").close();
        return MTDB_OK;
    });
}

void mtdb_result_release(mtdb_result* owned) { release(owned); }

}  // extern "C"
