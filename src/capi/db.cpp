// SPDX-License-Identifier: MIT
#include <optional>

#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;
using engine::Scope;

namespace {

// A parameter block that may be absent.
std::optional<db::BlockView> parameters_of(const void* params, int64_t params_len) {
    const std::string_view given = bytes(params, params_len, "params");
    if (given.empty()) return std::nullopt;
    return db::BlockView::parse(given.data(), static_cast<int64_t>(given.size()));
}

engine::LeaseOptions lease_options(const mtdb_options* options, const void* origin) {
    engine::LeaseOptions lease;
    lease.origin = origin;
    if (options == nullptr) return lease;
    const engine::Options given = options_of(options, Scope::lease);
    lease.tag = given.text("lease.tag");
    lease.read_only = given.boolean("lease.read_only");
    return lease;
}

}  // namespace

extern "C" {

mtdb_status mtdb_db_open(const char* url, int64_t url_len, const mtdb_options* options,
                         mtdb_db** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_db*& handle = required(out, "out");
        handle = handle_of<mtdb_db>(
            engine::Db::open(text(url, url_len, "url"), options_of(options, Scope::db)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_close(mtdb_db* db, int64_t timeout_ms, mtdb_cancel* cancel, int64_t* forced,
                          mtdb_error** err) {
    clear(forced);
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        Wait wait = self.wait(timeout_ms, held, Patience::shutdown);
        wait.shutdown = nullptr;  // it is this call that raises the flag
        const int64_t interrupted = self.close(wait);
        if (forced != nullptr) *forced = interrupted;
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_ping(mtdb_db* db, const char* tenant, int64_t tenant_len, int64_t timeout_ms,
                         mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        self.ping(text(tenant, tenant_len, "tenant"),
                  self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_maintain(mtdb_db* db, int64_t budget_ms, mtdb_error** err) {
    return boundary(err, [&] {
        if (budget_ms < 0 && budget_ms != MTDB_FOREVER)
            throw Error(Code::invalid_argument, "budget_ms takes 0 or more, or MTDB_FOREVER");
        return live(db, "db").maintain(budget_ms) ? MTDB_MORE : MTDB_DONE;
    });
}

mtdb_status mtdb_db_request(mtdb_db* db, int64_t timeout_ms, mtdb_cancel* cancel, int64_t* id,
                            int32_t* kind, void* buf, int64_t cap, int64_t* needed,
                            mtdb_error** err) {
    clear(id);
    clear(kind);
    clear(needed);
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        check_buffer(buf, cap);
        required(id, "id");
        required(kind, "kind");
        required(needed, "needed");
        const auto held = token(cancel);
        const auto request = self.take_request(self.wait(timeout_ms, held, Patience::acquire));
        if (!request) return MTDB_DONE;
        const mtdb_status status = give(request->tenant, buf, cap, needed);
        if (status == MTDB_TRUNCATED) {
            self.put_back_request(request->id);
            return status;
        }
        *id = request->id;
        *kind = MTDB_REQUEST_ROUTE;
        return status;
    });
}

mtdb_status mtdb_db_answer(mtdb_db* db, int64_t id, const char* value, int64_t value_len,
                           mtdb_error** err) {
    return boundary(err, [&] {
        live(db, "db").answer(id, text(value, value_len, "value"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_refuse(mtdb_db* db, int64_t id, const char* reason, int64_t reason_len,
                           mtdb_error** err) {
    return boundary(err, [&] {
        live(db, "db").refuse(id, text(reason, reason_len, "reason"));
        return MTDB_OK;
    });
}

void mtdb_db_release(mtdb_db* owned) { release(owned); }

mtdb_status mtdb_db_acquire(mtdb_db* db, const char* tenant, int64_t tenant_len,
                            const mtdb_options* options, int64_t timeout_ms, mtdb_cancel* cancel,
                            mtdb_conn** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&, origin = __builtin_return_address(0)] {
        mtdb_conn*& handle = required(out, "out");
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        handle =
            handle_of<mtdb_conn>(self.acquire(text(tenant, tenant_len, "tenant"),
                                              lease_options(options, origin), {timeout_ms, held}));
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_exec(mtdb_db* db, const char* tenant, int64_t tenant_len, const char* sql,
                         int64_t sql_len, const void* params, int64_t params_len,
                         int64_t timeout_ms, mtdb_cancel* cancel, int64_t* affected,
                         mtdb_error** err) {
    clear(affected);
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        const auto parameters = parameters_of(params, params_len);
        const int64_t changed =
            self.exec(text(tenant, tenant_len, "tenant"), text(sql, sql_len, "sql"),
                      parameters ? &*parameters : nullptr, {timeout_ms, held});
        if (affected != nullptr) *affected = changed;
        return MTDB_OK;
    });
}

mtdb_status mtdb_db_query(mtdb_db* db, const char* tenant, int64_t tenant_len, const char* sql,
                          int64_t sql_len, const void* params, int64_t params_len,
                          int64_t timeout_ms, mtdb_cancel* cancel, mtdb_result** out,
                          mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        const auto parameters = parameters_of(params, params_len);
        handle = handle_of<mtdb_result>(
            self.query(text(tenant, tenant_len, "tenant"), text(sql, sql_len, "sql"),
                       parameters ? &*parameters : nullptr, {timeout_ms, held}));
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_exec(mtdb_conn* conn, const char* sql, int64_t sql_len, const void* params,
                           int64_t params_len, int64_t timeout_ms, mtdb_cancel* cancel,
                           int64_t* affected, mtdb_error** err) {
    clear(affected);
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        const auto parameters = parameters_of(params, params_len);
        const int64_t changed =
            self.exec(text(sql, sql_len, "sql"), parameters ? &*parameters : nullptr,
                      self.wait(timeout_ms, held, Patience::query));
        if (affected != nullptr) *affected = changed;
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_query(mtdb_conn* conn, const char* sql, int64_t sql_len, const void* params,
                            int64_t params_len, int64_t timeout_ms, mtdb_cancel* cancel,
                            mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        const auto parameters = parameters_of(params, params_len);
        handle = handle_of<mtdb_result>(
            self.query(text(sql, sql_len, "sql"), parameters ? &*parameters : nullptr,
                       self.wait(timeout_ms, held, Patience::query), held));
        return MTDB_OK;
    });
}

}  // extern "C"
