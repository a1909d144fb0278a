// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using engine::Patience;
using engine::Scope;

extern "C" {

mtdb_status mtdb_migrator_new(mtdb_db* db, const mtdb_options* options, mtdb_migrator** out,
                              mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_migrator*& handle = required(out, "out");
        const auto self = engine::Ref<engine::Db>::share(&live(db, "db"));
        handle = handle_of<mtdb_migrator>(
            engine::Migrator::open(self, options_of(options, Scope::migrator)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_add(mtdb_migrator* migrator, const char* version, int64_t version_len,
                              const char* description, int64_t description_len, const char* up,
                              int64_t up_len, const char* down, int64_t down_len,
                              mtdb_error** err) {
    return boundary(err, [&] {
        migrate::InlineScript script;
        script.version = text(version, version_len, "version");
        script.description = text(description, description_len, "description");
        script.up = text(up, up_len, "up");
        if (down != nullptr || down_len != 0)
            script.down = std::string(text(down, down_len, "down"));
        live(migrator, "migrator").add(std::move(script));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_enable(mtdb_migrator* migrator, mtdb_error** err) {
    return boundary(err, [&] {
        live(migrator, "migrator").enable();
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_plan(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                               const char* target, int64_t target_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.plan(text(tenant, tenant_len, "tenant"), text(target, target_len, "target"),
                      self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_migrate(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                                  const char* target, int64_t target_len, int64_t timeout_ms,
                                  mtdb_cancel* cancel, int64_t* applied, mtdb_error** err) {
    clear(applied);
    return boundary(err, [&] {
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        int64_t unwanted = 0;
        self.migrate(text(tenant, tenant_len, "tenant"), text(target, target_len, "target"),
                     self.db().wait(timeout_ms, held, Patience::query),
                     applied != nullptr ? *applied : unwanted);
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_undo(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                               const char* target, int64_t target_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, int64_t* undone, mtdb_error** err) {
    clear(undone);
    return boundary(err, [&] {
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        int64_t unwanted = 0;
        self.undo(text(tenant, tenant_len, "tenant"), text(target, target_len, "target"),
                  self.db().wait(timeout_ms, held, Patience::query),
                  undone != nullptr ? *undone : unwanted);
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_info(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                               const char* target, int64_t target_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.info(text(tenant, tenant_len, "tenant"), text(target, target_len, "target"),
                      self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_repair(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len, int32_t apply,
                                 int64_t timeout_ms, mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(self.repair(text(tenant, tenant_len, "tenant"), apply != 0,
                                                    self.db().wait(timeout_ms, held, Patience::query)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_baseline(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                                   const char* version, int64_t version_len, const char* description,
                                   int64_t description_len, int64_t timeout_ms, mtdb_cancel* cancel,
                                   mtdb_error** err) {
    return boundary(err, [&] {
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        self.baseline(text(tenant, tenant_len, "tenant"), text(version, version_len, "version"),
                      text(description, description_len, "description"), self.token(),
                      self.db().wait(timeout_ms, held, Patience::query));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_force(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len, const char* version,
                                int64_t version_len, int64_t timeout_ms, mtdb_cancel* cancel, mtdb_error** err) {
    return boundary(err, [&] {
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        self.force(text(tenant, tenant_len, "tenant"), text(version, version_len, "version"),
                   self.db().wait(timeout_ms, held, Patience::query));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_drop(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len, int64_t timeout_ms,
                               mtdb_cancel* cancel, int64_t* dropped, mtdb_error** err) {
    clear(dropped);
    return boundary(err, [&] {
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        int64_t unwanted = 0;
        self.drop(text(tenant, tenant_len, "tenant"), self.db().wait(timeout_ms, held, Patience::query),
                  dropped != nullptr ? *dropped : unwanted);
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_status(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                                 int64_t timeout_ms, mtdb_cancel* cancel, mtdb_result** out,
                                 mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.status(text(tenant, tenant_len, "tenant"),
                        self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_validate(mtdb_migrator* migrator, const char* tenant, int64_t tenant_len,
                                   int64_t timeout_ms, mtdb_cancel* cancel, mtdb_result** out,
                                   mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.validate(text(tenant, tenant_len, "tenant"),
                          self.db().wait(timeout_ms, held, Patience::acquire)));
        return MTDB_OK;
    });
}

mtdb_status mtdb_migrator_run(mtdb_migrator* migrator, const char* verb, int64_t verb_len,
                              const char* target, int64_t target_len, const char* tenants,
                              int64_t tenants_len, const mtdb_options* options, int64_t timeout_ms,
                              mtdb_cancel* cancel, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        engine::Migrator& self = live(migrator, "migrator");
        const auto held = token(cancel);
        handle = handle_of<mtdb_result>(
            self.run(text(verb, verb_len, "verb"), text(target, target_len, "target"),
                     text(tenants, tenants_len, "tenants"), options_of(options, Scope::run),
                     self.db().wait(timeout_ms, held, Patience::query)));
        return MTDB_OK;
    });
}

void mtdb_migrator_release(mtdb_migrator* owned) { release(owned); }

}  // extern "C"
