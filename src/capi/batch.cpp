// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;

extern "C" {

mtdb_status mtdb_batch_new(mtdb_batch** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_batch*& handle = required(out, "out");
        handle = handle_of<mtdb_batch>(engine::make<BatchHandle>());
        return MTDB_OK;
    });
}

mtdb_status mtdb_batch_add(mtdb_batch* batch, const char* sql, int64_t sql_len, const void* params,
                           int64_t params_len, mtdb_error** err) {
    return boundary(err, [&] {
        live(batch, "batch")
            .batch.add(text(sql, sql_len, "sql"), bytes(params, params_len, "params"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_batch_clear(mtdb_batch* batch, mtdb_error** err) {
    return boundary(err, [&] {
        live(batch, "batch").batch.clear();
        return MTDB_OK;
    });
}

mtdb_status mtdb_conn_exec_batch(mtdb_conn* conn, mtdb_batch* batch, int64_t timeout_ms,
                                 mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        engine::Conn& self = live(conn, "conn");
        const engine::Batch& given = live(batch, "batch").batch;
        mtdb_result*& handle = required(out, "out");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.exec_batch(given, self.db().wait(timeout_ms, held, Patience::query)));
        return MTDB_OK;
    });
}

void mtdb_batch_release(mtdb_batch* owned) { release(owned); }

}  // extern "C"
