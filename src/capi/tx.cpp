// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;

namespace {

db::TransactionMode mode_of(const mtdb_options* options) {
    db::TransactionMode mode;
    if (options == nullptr) return mode;
    const engine::Options given = options_of(options, engine::Scope::tx);
    mode.read_only = given.boolean("tx.read_only");
    mode.immediate = given.boolean("tx.immediate");
    const std::string isolation = given.text("tx.isolation");
    mode.isolation = isolation == "read_committed"    ? db::Isolation::read_committed
                     : isolation == "repeatable_read" ? db::Isolation::repeatable_read
                     : isolation == "serializable"    ? db::Isolation::serializable
                                                      : db::Isolation::standard;
    return mode;
}

}  // namespace

extern "C" {

mtdb_status mtdb_tx_begin(mtdb_conn* conn, const mtdb_options* options, int64_t timeout_ms,
                          mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        self.begin(mode_of(options), self.wait(timeout_ms, held, Patience::query));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_commit(mtdb_conn* conn, int64_t timeout_ms, mtdb_cancel* cancel,
                           mtdb_error** err) {
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const auto held = token(cancel);
        self.commit(self.wait(timeout_ms, held, Patience::query));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_rollback(mtdb_conn* conn, mtdb_error** err) {
    return boundary(err, [&] {
        live(conn, "conn").rollback();
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_savepoint(mtdb_conn* conn, const char* name, int64_t name_len,
                              mtdb_error** err) {
    return boundary(err, [&] {
        live(conn, "conn").savepoint(text(name, name_len, "name"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_rollback_to(mtdb_conn* conn, const char* name, int64_t name_len,
                                mtdb_error** err) {
    return boundary(err, [&] {
        live(conn, "conn").rollback_to(text(name, name_len, "name"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_release_savepoint(mtdb_conn* conn, const char* name, int64_t name_len,
                                      mtdb_error** err) {
    return boundary(err, [&] {
        live(conn, "conn").release_savepoint(text(name, name_len, "name"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tx_state(mtdb_conn* conn, int32_t* state, mtdb_error** err) {
    clear(state);
    return boundary(err, [&] {
        required(state, "state") = static_cast<int32_t>(live(conn, "conn").tx_state());
        return MTDB_OK;
    });
}

}  // extern "C"
