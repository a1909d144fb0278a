// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;
using engine::Scope;

extern "C" {

mtdb_status mtdb_fleet_new(mtdb_db* db, mtdb_migrator* migrator, const mtdb_options* options, mtdb_fleet** out,
                           mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_fleet*& handle = required(out, "out");
        const auto self = engine::Ref<engine::Db>::share(&live(db, "db"));
        engine::Ref<engine::Migrator> scripts;
        if (migrator != nullptr) scripts = engine::Ref<engine::Migrator>::share(&live(migrator, "migrator"));
        handle = handle_of<mtdb_fleet>(
            engine::Fleet::open(self, std::move(scripts), options_of(options, Scope::fleet)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_add(mtdb_fleet* fleet, const char* tenant, int64_t tenant_len, mtdb_error** err) {
    return boundary(err, [&] {
        live(fleet, "fleet").add(text(tenant, tenant_len, "tenant"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_add_wave(mtdb_fleet* fleet, const char* tenants, int64_t tenants_len, mtdb_error** err) {
    return boundary(err, [&] {
        live(fleet, "fleet").add_wave(text(tenants, tenants_len, "tenants"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_share(mtdb_fleet* fleet, mtdb_migrator* migrator, mtdb_error** err) {
    return boundary(err, [&] {
        live(fleet, "fleet").share(engine::Ref<engine::Migrator>::share(&live(migrator, "migrator")));
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_run(mtdb_fleet* fleet, int64_t timeout_ms, mtdb_cancel* cancel, int64_t* failed,
                           mtdb_error** err) {
    clear(failed);
    return boundary(err, [&] {
        engine::Fleet& self = live(fleet, "fleet");
        const auto held = token(cancel);
        struct Report {
            engine::Fleet& fleet;
            int64_t* failed;
            ~Report() {
                if (failed != nullptr) *failed = fleet.failed();
            }
        } report{self, failed};
        const auto turn = self.run(self.db().wait(timeout_ms, held, Patience::query));
        return turn == engine::Fleet::Turn::verdict ? MTDB_NEEDS : MTDB_OK;
    });
}

mtdb_status mtdb_fleet_query(mtdb_fleet* fleet, int64_t timeout_ms, mtdb_cancel* cancel, mtdb_result** out,
                             mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Fleet& self = live(fleet, "fleet");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(self.query(self.db().wait(timeout_ms, held, Patience::query), held));
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_decide(mtdb_fleet* fleet, int32_t go_on, mtdb_error** err) {
    return boundary(err, [&] {
        live(fleet, "fleet").decide(go_on != 0);
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_stop(mtdb_fleet* fleet, mtdb_error** err) {
    return boundary(err, [&] {
        live(fleet, "fleet").stop();
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_progress(mtdb_fleet* fleet, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        handle = handle_of<mtdb_result>(live(fleet, "fleet").progress());
        return MTDB_OK;
    });
}

mtdb_status mtdb_fleet_results(mtdb_fleet* fleet, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        handle = handle_of<mtdb_result>(live(fleet, "fleet").results());
        return MTDB_OK;
    });
}

void mtdb_fleet_release(mtdb_fleet* owned) { release(owned); }

}  // extern "C"
