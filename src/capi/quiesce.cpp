// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;
using engine::Scope;

namespace {

constexpr int64_t token_size = 32;

}  // namespace

extern "C" {

mtdb_status mtdb_quiesce_new(mtdb_db* db, const mtdb_options* options, mtdb_quiesce** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_quiesce*& handle = required(out, "out");
        const auto self = engine::Ref<engine::Db>::share(&live(db, "db"));
        handle = handle_of<mtdb_quiesce>(engine::Quiesce::open(self, options_of(options, Scope::quiesce)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_create(mtdb_quiesce* quiesce, int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = token(cancel);
        self.create(self.db().wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_enable(mtdb_quiesce* quiesce, int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = token(cancel);
        self.enable(self.db().wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_set(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, const char* by,
                             int64_t by_len, const char* reason, int64_t reason_len, int64_t ttl_ms, int32_t force,
                             int64_t timeout_ms, mtdb_cancel* cancel, void* buf, int64_t cap, int64_t* needed,
                             int64_t* granted_ms, mtdb_error** err) {
    clear(needed);
    clear(granted_ms);
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        check_buffer(buf, cap);
        required(needed, "needed");
        const auto held = token(cancel);
        const Wait wait = self.db().wait(timeout_ms, held, Patience::acquire);
        if (cap < token_size) {
            *needed = token_size;
            return MTDB_TRUNCATED;
        }
        const auto granted = self.set(text(scope, scope_len, "scope"), text(by, by_len, "by"),
                                      text(reason, reason_len, "reason"), ttl_ms, force != 0, wait);
        if (granted_ms != nullptr) *granted_ms = granted.ttl_ms;
        return give(granted.token, buf, cap, needed);
    });
}

mtdb_status mtdb_quiesce_renew(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, const char* token,
                               int64_t token_len, int64_t ttl_ms, int64_t timeout_ms, mtdb_cancel* cancel,
                               int64_t* granted_ms, mtdb_error** err) {
    clear(granted_ms);
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = capi::token(cancel);
        const int64_t granted =
            self.renew(text(scope, scope_len, "scope"), text(token, token_len, "token"), ttl_ms,
                       self.db().wait(timeout_ms, held, Patience::acquire));
        if (granted_ms != nullptr) *granted_ms = granted;
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_clear(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, const char* by,
                               int64_t by_len, const char* token, int64_t token_len, int32_t force, int64_t timeout_ms,
                               mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = capi::token(cancel);
        self.clear(text(scope, scope_len, "scope"), text(by, by_len, "by"), text(token, token_len, "token"),
                   force != 0, self.db().wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_query(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.query(text(scope, scope_len, "scope"), self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_watch(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, int64_t since,
                               int64_t timeout_ms, mtdb_cancel* cancel, int64_t* stamp, int32_t* state,
                               mtdb_error** err) {
    clear(stamp);
    clear(state);
    return boundary(err, [&] {
        engine::Quiesce& self = live(quiesce, "quiesce");
        required(stamp, "stamp");
        required(state, "state");
        const auto held = token(cancel);
        engine::Quiesce::Seen seen;
        const bool changed = self.watch(text(scope, scope_len, "scope"), since,
                                        self.db().wait(timeout_ms, held, Patience::acquire), seen);
        *stamp = seen.stamp;
        *state = static_cast<int32_t>(seen.state);
        return changed ? MTDB_OK : MTDB_DONE;
    });
}

mtdb_status mtdb_quiesce_wait_parked(mtdb_quiesce* quiesce, const char* scope, int64_t scope_len, int64_t timeout_ms,
                                     mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Quiesce& self = live(quiesce, "quiesce");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.wait_parked(text(scope, scope_len, "scope"), self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_quiesce_close(mtdb_quiesce* quiesce, mtdb_error** err) {
    return boundary(err, [&] {
        live(quiesce, "quiesce").close();
        return MTDB_OK;
    });
}

void mtdb_quiesce_release(mtdb_quiesce* owned) { release(owned); }

}  // extern "C"
