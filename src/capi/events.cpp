// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;

extern "C" {

mtdb_status mtdb_events_poll(mtdb_db* db, int64_t timeout_ms, mtdb_cancel* cancel, void* buf,
                             int64_t cap, int64_t* rows, int64_t* used, int64_t* dropped,
                             mtdb_error** err) {
    clear(rows);
    clear(used);
    clear(dropped);
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        check_buffer(buf, cap);
        const auto held = token(cancel);
        Wait wait = self.wait(timeout_ms, held, engine::Patience::query);
        wait.shutdown = nullptr;  // what shutdown itself had to say can still be polled
        return self.poll_events(buf, cap, wait, required(rows, "rows"), required(used, "used"),
                                required(dropped, "dropped"));
    });
}

}  // extern "C"
