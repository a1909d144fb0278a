// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;

extern "C" {

mtdb_status mtdb_conn_tenant(const mtdb_conn* conn, void* buf, int64_t cap, int64_t* needed,
                             mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] { return give(live(conn, "conn").tenant(), buf, cap, needed); });
}

mtdb_status mtdb_conn_exec_script(mtdb_conn* conn, const char* script, int64_t script_len,
                                  int64_t timeout_ms, mtdb_cancel* cancel, int64_t* statements,
                                  mtdb_error** err) {
    clear(statements);
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        int64_t unwanted = 0;
        self.exec_script(text(script, script_len, "text"),
                         statements != nullptr ? *statements : unwanted,
                         self.wait(timeout_ms, held, Patience::query));
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_insert_id(mtdb_conn* conn, int64_t* id, mtdb_error** err) {
    clear(id);
    return boundary(err, [&] {
        required(id, "id") = live(conn, "conn").insert_id();
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_use(mtdb_conn* conn, const char* tenant, int64_t tenant_len, int64_t timeout_ms,
                          mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        self.use(text(tenant, tenant_len, "tenant"), self.db().wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_reset(mtdb_conn* conn, int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        self.reset(self.db().wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_current(mtdb_conn* conn, int64_t timeout_ms, mtdb_cancel* cancel, void* buf, int64_t cap,
                              int64_t* needed, mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        return give(self.current(self.wait(timeout_ms, held, Patience::query)), buf, cap, needed);
    });
}

mtdb_status mtdb_conn_close(mtdb_conn* conn, mtdb_error** err) {
    return boundary(err, [&] {
        live(conn, "conn").close();
        return MTDB_OK;
    });
}

void mtdb_conn_release(mtdb_conn* owned) { release(owned); }

}  // extern "C"
