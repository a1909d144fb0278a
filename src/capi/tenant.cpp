// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;

extern "C" {

mtdb_status mtdb_tenant_check(mtdb_db* db, const char* tenant, int64_t tenant_len,
                              mtdb_error** err) {
    return boundary(err, [&] {
        live(db, "db").check_tenant(text(tenant, tenant_len, "tenant"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_create(mtdb_db* db, const char* tenant, int64_t tenant_len,
                               int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        self.create_tenant(text(tenant, tenant_len, "tenant"),
                           self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_exists(mtdb_db* db, const char* tenant, int64_t tenant_len, int32_t* found,
                               mtdb_error** err) {
    clear(found);
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        required(found, "found") = self.tenant_exists(text(tenant, tenant_len, "tenant")) ? 1 : 0;
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_list(mtdb_db* db, int64_t timeout_ms, mtdb_cancel* cancel,
                             mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.list_tenants(self.wait(timeout_ms, held, Patience::query), held));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_copy(mtdb_db* db, const char* source, int64_t source_len,
                             const char* target, int64_t target_len, int64_t timeout_ms,
                             mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        self.copy_tenant(text(source, source_len, "source"), text(target, target_len, "target"),
                         self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_rename(mtdb_db* db, const char* tenant, int64_t tenant_len,
                               const char* target, int64_t target_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        self.rename_tenant(text(tenant, tenant_len, "tenant"), text(target, target_len, "target"),
                           self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_drop(mtdb_db* db, const char* tenant, int64_t tenant_len,
                             int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        const auto held = token(cancel);
        self.drop_tenant(text(tenant, tenant_len, "tenant"),
                         self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_hold(mtdb_db* db, const char* tenant, int64_t tenant_len, int32_t mode,
                             int32_t cancel_running, int64_t timeout_ms, mtdb_cancel* cancel,
                             mtdb_error** err) {
    return boundary(err, [&] {
        engine::Db& self = live(db, "db");
        if (mode != MTDB_HOLD_WAIT && mode != MTDB_HOLD_REFUSE)
            throw Error(Code::invalid_argument, "mode is MTDB_HOLD_WAIT or MTDB_HOLD_REFUSE");
        const auto held = token(cancel);
        self.hold_tenant(text(tenant, tenant_len, "tenant"),
                         mode == MTDB_HOLD_WAIT ? engine::HoldMode::wait : engine::HoldMode::refuse,
                         cancel_running != 0, self.wait(timeout_ms, held, Patience::acquire));
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_resume(mtdb_db* db, const char* tenant, int64_t tenant_len,
                               mtdb_error** err) {
    return boundary(err, [&] {
        live(db, "db").resume_tenant(text(tenant, tenant_len, "tenant"));
        return MTDB_OK;
    });
}

}  // extern "C"
