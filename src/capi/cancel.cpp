// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;

extern "C" {

mtdb_status mtdb_cancel_new(mtdb_cancel** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_cancel*& handle = required(out, "out");
        handle = handle_of<mtdb_cancel>(engine::make<engine::Cancel>());
        return MTDB_OK;
    });
}

mtdb_status mtdb_cancel_trigger(mtdb_cancel* cancel, int64_t generation, mtdb_error** err) {
    return boundary(err, [&] {
        if (generation < 0) throw Error(Code::invalid_argument, "generation is negative");
        return live(cancel, "cancel").token.trigger(generation) ? MTDB_OK : MTDB_DONE;
    });
}

mtdb_status mtdb_cancel_reset(mtdb_cancel* cancel, int64_t* generation, mtdb_error** err) {
    clear(generation);
    return boundary(err, [&] {
        const int64_t fresh = live(cancel, "cancel").token.reset();
        if (generation != nullptr) *generation = fresh;
        return MTDB_OK;
    });
}

void mtdb_cancel_release(mtdb_cancel* owned) { release(owned); }

}  // extern "C"
