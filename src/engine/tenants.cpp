// SPDX-License-Identifier: MIT
// The verbs on tenants.
#include "control/quiesce_memory.hpp"
#include "engine/db.hpp"
#include "engine/json.hpp"

#include <algorithm>

namespace mtdb::engine {
namespace {

// An error of a place, told of the tenant.
Error of_tenant(const Error& error, const std::string& tenant) {
    if (error.code() == Code::needs) return error;
    const Error named = error.with_tenant(tenant);
    if (error.code() == Code::tenant_unknown)
        return named.with_message("no tenant '" + tenant + "'");
    if (error.code() == Code::exists)
        return named.with_message("tenant '" + tenant + "' exists: " + error.message());
    return named;
}

// The tenants of a listing, one id at a time.
class TenantRows final : public db::Rows {
public:
    TenantRows(Ref<Db> db, std::unique_ptr<db::TenantCursor> cursor)
        : db_(std::move(db)), cursor_(std::move(cursor)) {}

    int32_t column_count() const override { return 1; }
    db::Column column(int32_t) const override { return {"tenant", "TEXT", db::Type::text, 0}; }
    bool next(const Wait& wait) override {
        while (const std::optional<std::string> path = cursor_->next()) {
            wait.check("the list of tenants");
            std::optional<std::string> tenant = db_->tenant_at(*path);
            if (!tenant) continue;
            tenant_ = std::move(*tenant);
            return true;
        }
        return false;
    }
    db::Value value(int32_t) const override { return db::Value::text(tenant_); }

private:
    Ref<Db> db_;
    std::unique_ptr<db::TenantCursor> cursor_;
    std::string tenant_;
};

}  // namespace

void Db::check_tenant(std::string_view tenant) const {
    check_open();
    id_of(tenant);
}

void Db::create_tenant(std::string_view tenant, const Wait& wait) {
    check_open();
    const tenant::Id id = id_of(tenant);
    auto place = reserve_audit();
    try {
        backend_->create(router_.as_owner(locate(id, wait)), wait);
    } catch (const Error& error) {
        throw of_tenant(error, id.text());
    }
    audit("tenant.created", id.text(), "created", {}, std::move(place));
}

bool Db::tenant_exists(std::string_view tenant) {
    return tenant_exists(tenant, wait(MTDB_DEFAULT, {}, Patience::acquire));
}

bool Db::tenant_exists(std::string_view tenant, const Wait& wait) {
    check_open();
    const tenant::Id id = id_of(tenant);
    try {
        return backend_->exists(router_.as_owner(locate(id, wait)), wait);
    } catch (const Error& error) {
        if (error.code() == Code::tenant_unknown) return false;
        throw of_tenant(error, id.text());
    }
}

std::unique_ptr<db::TenantCursor> Db::tenant_cursor(const Wait& wait) {
    check_open();
    if (router_.source() == tenant::RouteSource::resolver)
        throw Error(Code::unsupported,
                    "routes come from the host, so the library cannot list the tenants");
    return backend_->list(wait);
}

std::optional<std::string> Db::tenant_at(const std::string& path) const {
    if (router_.source() == tenant::RouteSource::resolver) return std::nullopt;
    const std::optional<tenant::Id> id = router_.match(path);
    if (!id || is_shared(*id)) return std::nullopt;
    return id->text();
}

std::vector<std::string> Db::all_tenants(const Wait& wait) {
    std::vector<std::string> all;
    const auto cursor = tenant_cursor(wait);
    while (const auto path = cursor->next()) {
        wait.check("the list of tenants");
        if (auto tenant = tenant_at(*path)) all.push_back(std::move(*tenant));
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::optional<db::Place> Db::place_of(std::string_view tenant) const {
    if (router_.source() == tenant::RouteSource::resolver) return std::nullopt;
    const tenant::Route route = router_.locate(id_of(tenant));
    if (route.state != tenant::Route::State::found) return std::nullopt;
    return route.place;
}

std::string Db::namespace_of(std::string_view tenant) const {
    if (!tenants_are_namespaces()) return {};
    const std::optional<db::Place> place = place_of(tenant);
    return place ? place->path : std::string();
}

std::string Db::identity_of(std::string_view tenant) const {
    const std::optional<db::Place> place = place_of(tenant);
    return place ? backend_->identity(*place) : std::string();
}

std::unique_ptr<db::Glance> Db::glance(std::string_view tenant, const Wait& wait) const {
    const std::optional<db::Place> place = place_of(tenant);
    return place ? backend_->glance(*place, wait) : nullptr;
}

std::unique_ptr<db::Connection> Db::server_connection(const db::Place& place, const Wait& wait) {
    auto connection = backend_->open({{}, place.server}, wait);
    connection->pin(place, false);
    return connection;
}

std::unique_ptr<db::Connection> Db::shared_connection(const Wait& wait) {
    check_open();
    if (shared_.empty())
        throw Error(Code::invalid_state, "there are no shared tables: option tenant.shared names where they are");
    const db::Place place{shared_path_.empty() ? shared_ : shared_path_, {}};
    try {
        backend_->make_shared(place, wait);
    } catch (const Error& error) {
        if (error.code() != Code::exists) throw;  // another process was first
    }
    auto connection = backend_->open(place, wait);
    connection->pin(place, false);
    return connection;
}

Ref<Result> Db::list_tenants(const Wait& wait, Ref<Cancel> cancel) {
    return Result::of_rows(std::make_unique<TenantRows>(Ref<Db>::share(this), tenant_cursor(wait)),
                           wait, std::move(cancel));
}

void Db::copy_tenant(std::string_view source, std::string_view target, const Wait& wait) {
    check_open();
    const tenant::Id from = id_of(source);
    const tenant::Id to = id_of(target);
    const db::Place place = locate(to, wait);
    auto audit_place = reserve_audit();
    std::string message = "copied from " + from.text();  // now: once copied, nothing may fail
    if (backend_->exists(place, wait))
        throw Error(Code::exists, "tenant '" + to.text() + "' exists").with_tenant(to.text());
    const pool::Lease held = lease(from, wait, nullptr, {.keeper = true});
    try {
        backend_->copy(held.connection(), place, wait);
    } catch (const Error& error) {
        throw of_tenant(error, to.text());
    }
    audit("tenant.copied", to.text(), std::move(message), {}, std::move(audit_place));
}

void Db::rename_tenant(std::string_view tenant, std::string_view target, const Wait& wait) {
    check_open();
    if (router_.source() != tenant::RouteSource::path_template)
        throw Error(Code::unsupported, "a tenant's id is in the routes that the program gave: change it there");
    const tenant::Id from = id_of(tenant);
    const tenant::Id to = id_of(target);
    const db::Place place = locate(from, wait);
    const db::Place next = locate(to, wait);
    auto audit_place = reserve_audit();
    std::string message = "renamed to " + to.text();  // now: once renamed, nothing may fail
    try {
        const db::Place owned = router_.as_owner(place);
        if (!backend_->exists(owned, wait)) throw Error(Code::tenant_unknown, "no such place");
        const pool::Fence old_fence = pools_.fence(from.text(), {[&] { return place; }, false}, wait);
        const pool::Fence new_fence = pools_.fence(to.text(), {[&] { return next; }, false}, wait);
        backend_->rename(owned, router_.as_owner(next), wait);
    } catch (const Error& error) {
        throw of_tenant(error, error.code() == Code::exists ? to.text() : from.text());
    }
    audit("tenant.renamed", from.text(), std::move(message), {}, std::move(audit_place));
}

void Db::hold_tenant(std::string_view tenant, HoldMode mode, bool cancel_running, const Wait& wait) {
    check_open();
    const tenant::Id id = id_of(tenant);
    auto place = reserve_audit();
    std::string fields = Json::object()
                             .add("mode", std::string_view(mode == HoldMode::wait ? "wait" : "refuse"))
                             .text();  // now: once held, nothing may fail
    std::string message = "no lease is out";
    holds_.hold(id.text(), mode);
    try {
        if (!pools_.wait_until_back(id.text(), wait)) {
            constexpr base::milliseconds grace(5000);  // for what runs to notice
            const bool revokes = cancel_running && !wait.cancelled() && !wait.shut_down();
            const int64_t out = revokes ? pools_.revoke(id.text(), Deadline::in(grace)) : pools_.leased(id.text());
            if (out > 0 || !revokes)
                throw wait.error(("the " + std::to_string(out) + " leases of the tenant").c_str());
        }
    } catch (const Error& error) {
        holds_.resume(id.text());
        throw error.with_tenant(id.text());
    }
    audit("tenant.held", id.text(), std::move(message), std::move(fields), std::move(place));
}

void Db::resume_tenant(std::string_view tenant) {
    check_open();
    const tenant::Id id = id_of(tenant);
    auto place = reserve_audit();
    holds_.resume(id.text());
    audit("tenant.resumed", id.text(), "leases are granted again", {}, std::move(place));
}

std::shared_ptr<control::Store> Db::memory_store() {
    auto store = memory_store_.lock();
    if (*store == nullptr) *store = std::make_shared<control::MemoryStore>();
    return *store;
}

void Db::drop_tenant(std::string_view tenant, const Wait& wait) {
    check_open();
    const tenant::Id id = id_of(tenant);
    const db::Place place = locate(id, wait);
    auto audit_place = reserve_audit();
    try {
        const db::Place owned = router_.as_owner(place);
        if (!backend_->exists(owned, wait)) throw Error(Code::tenant_unknown, "no such place");
        const pool::Fence fence = pools_.fence(id.text(), {[&] { return place; }, false}, wait);
        backend_->drop(owned, wait);
    } catch (const Error& error) {
        throw of_tenant(error, id.text());
    }
    requests_.forget(id);
    audit("tenant.dropped", id.text(), "dropped", {}, std::move(audit_place));
}

}  // namespace mtdb::engine
