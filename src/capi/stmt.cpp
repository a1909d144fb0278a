// SPDX-License-Identifier: MIT
#include <limits>

#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using db::Type;
using db::Value;
using engine::Patience;

namespace {

Type type_of(int32_t type, db::Carrier carrier) {
    if (type < 0 || type >= db::type_count || db::carrier_of(static_cast<Type>(type)) != carrier)
        throw Error(Code::invalid_argument,
                    "type " + std::to_string(type) + " is not carried by this call");
    return static_cast<Type>(type);
}

mtdb_status bind(mtdb_stmt* stmt, int32_t index, const Value& value) {
    live(stmt, "stmt").bind(index, value);
    return MTDB_OK;
}

}  // namespace

extern "C" {

mtdb_status mtdb_stmt_prepare(mtdb_conn* conn, const char* sql, int64_t sql_len, int64_t timeout_ms,
                              mtdb_cancel* cancel, mtdb_stmt** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_stmt*& handle = required(out, "out");
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        handle = handle_of<mtdb_stmt>(engine::Stmt::prepare(
            self, text(sql, sql_len, "sql"), self.wait(timeout_ms, held, Patience::query)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_parameter_count(mtdb_stmt* stmt, int32_t* count, mtdb_error** err) {
    clear(count);
    return boundary(err, [&] {
        required(count, "count") = live(stmt, "stmt").parameter_count();
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_parameter_index(mtdb_stmt* stmt, const char* name, int64_t name_len,
                                      int32_t* index, mtdb_error** err) {
    clear(index);
    return boundary(err, [&] {
        required(index, "index") = live(stmt, "stmt").parameter_index(text(name, name_len, "name"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_bind_null(mtdb_stmt* stmt, int32_t index, mtdb_error** err) {
    return boundary(err, [&] { return bind(stmt, index, Value::null()); });
}

mtdb_status mtdb_stmt_bind_integer(mtdb_stmt* stmt, int32_t index, int32_t type, int64_t value,
                                   mtdb_error** err) {
    return boundary(err, [&] {
        return bind(stmt, index, Value::integer(value, type_of(type, db::Carrier::integer)));
    });
}

mtdb_status mtdb_stmt_bind_int64(mtdb_stmt* stmt, int32_t index, int64_t value, mtdb_error** err) {
    return boundary(err, [&] { return bind(stmt, index, Value::integer(value)); });
}

mtdb_status mtdb_stmt_bind_double(mtdb_stmt* stmt, int32_t index, double value, mtdb_error** err) {
    return boundary(err, [&] { return bind(stmt, index, Value::real(value)); });
}

mtdb_status mtdb_stmt_bind_text(mtdb_stmt* stmt, int32_t index, const char* value,
                                int64_t value_len, mtdb_error** err) {
    return boundary(
        err, [&] { return bind(stmt, index, Value::text(text(value, value_len, "value"))); });
}

mtdb_status mtdb_stmt_bind_bytes(mtdb_stmt* stmt, int32_t index, const void* value,
                                 int64_t value_len, mtdb_error** err) {
    return boundary(err, [&] {
        return bind(stmt, index, Value::text(bytes(value, value_len, "value"), Type::bytes));
    });
}

mtdb_status mtdb_stmt_bind_typed(mtdb_stmt* stmt, int32_t index, int32_t type, const void* value,
                                 int64_t value_len, mtdb_error** err) {
    return boundary(err, [&] {
        const Type wanted = type_of(type, db::Carrier::bytes);
        return bind(stmt, index, Value::text(bytes(value, value_len, "value"), wanted));
    });
}

mtdb_status mtdb_stmt_bind_block(mtdb_stmt* stmt, const void* block, int64_t block_len,
                                 mtdb_error** err) {
    return boundary(err, [&] {
        const std::string_view given = bytes(block, block_len, "block");
        live(stmt, "stmt").bind_block(given.data(), static_cast<int64_t>(given.size()));
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_clear(mtdb_stmt* stmt, mtdb_error** err) {
    return boundary(err, [&] {
        live(stmt, "stmt").clear();
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_execute(mtdb_stmt* stmt, int64_t timeout_ms, mtdb_cancel* cancel,
                              mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Stmt& self = live(stmt, "stmt");
        auto held = token(cancel);
        const Wait wait = self.conn().wait(timeout_ms, held, Patience::query);
        handle = handle_of<mtdb_result>(self.execute(wait, std::move(held)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_stmt_close(mtdb_stmt* stmt, mtdb_error** err) {
    return boundary(err, [&] {
        live(stmt, "stmt").close();
        return MTDB_OK;
    });
}

void mtdb_stmt_release(mtdb_stmt* owned) { release(owned); }

}  // extern "C"
