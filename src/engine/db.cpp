// SPDX-License-Identifier: MIT
#include "engine/db.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "backends/registry.hpp"
#include "db/url.hpp"
#include "engine/gate.hpp"
#include "engine/migrator.hpp"
#include "engine/url_settings.hpp"

namespace mtdb::engine {
namespace {

using base::milliseconds;

// Descriptors that the db may use: as asked, else what the process has left after a reserve for the
// host.
int64_t files_bound(const Options& options) {
    rlimit limit{};
    const bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    const auto all =
        known ? static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 30)) : int64_t{1} << 30;
    const int64_t usable = std::max<int64_t>(all - options.integer("files_reserve"), 8);
    const int64_t asked = options.integer("files_max");
    return asked > 0 ? std::min(asked, usable) : usable;
}

std::string real_root(const db::Url& url) {
    if (url.scheme != "sqlite" || url.target == ":memory:") return {};
    const std::unique_ptr<char, void (*)(void*)> path(realpath(url.target.c_str(), nullptr),
                                                      std::free);
    return path != nullptr ? path.get() : std::string();
}

// What `tenancy` means for this backend. Throws Error(unsupported) for one that it does not have.
Tenancy tenancy_of(const Options& options, const db::Dialect& dialect) {
    const std::string asked = options.text("tenancy");
    const bool file = dialect.tenant_unit == db::Namespace::file;
    const bool schema = dialect.tenant_unit == db::Namespace::schema;
    if (asked == "auto") return file ? Tenancy::file : schema ? Tenancy::schema : Tenancy::database;
    if (asked == "file" && file) return Tenancy::file;
    if (asked == "schema" && schema) return Tenancy::schema;
    if (asked == "database" && !file) return Tenancy::database;
    if (asked == "server" && !file) {
        if (options.text("tenant.routes") == "template")
            throw Error(Code::invalid_argument, "tenancy 'server' needs tenant.routes=map or resolver");
        return Tenancy::server;
    }
    throw Error(Code::unsupported, "tenancy '" + asked + "' is not one of backend '" + std::string(dialect.name) +
                                       "': use " +
                                       (file     ? "file"
                                        : schema ? "schema, database or server"
                                                 : "database or server"));
}

}  // namespace

std::string backend_names() { return backends::names(); }

Ref<Db> Db::open(std::string_view url, const Options& options) {
    const db::Url parsed = db::Url::parse(url);
    const Options merged = with_url_settings(options, parsed.settings);
    merged.check_scope(Scope::db);
    Ref<Db> db = make<Db>(merged, parsed);
    if (merged.has("migrate.source")) {
        const Ref<Migrator> migrator = Migrator::open(db, merged);
        migrator->enable();
    }
    return db;
}

pool::Settings Db::pool_settings(const Options& options, const db::Backend& backend) {
    pool::Settings settings;
    settings.limits.size_max = options.integer("pool.size_max");
    settings.limits.leases_max = options.integer("tenant.leases_max");
    settings.limits.tenants_max = options.integer("pool.tenants_max");
    settings.limits.connections_max = options.integer("connections_max");
    settings.limits.files_max = files_bound(options);
    settings.limits.memory_max = options.integer("memory_max_bytes");
    settings.idle_max = options.integer("pool.idle_max");
    settings.idle = milliseconds(options.integer("pool.idle_ms"));
    settings.lifetime = milliseconds(options.integer("pool.lifetime_ms"));
    settings.jitter_percent = options.integer("pool.jitter_percent");
    settings.sweep = milliseconds(options.integer("pool.sweep_ms"));
    settings.statements_max = options.integer("statement_cache");
    settings.checkpoint_pages = options.integer("sqlite.checkpoint_pages");
    settings.tenant_memory_max = options.integer("tenant.memory_max_bytes");
    settings.file_cost = backend.file_cost();
    settings.helpers = options.text("threads") == "auto";
    settings.shares_connections = backend.dialect().shares_connections;
    settings.touched_max = options.integer("pool.touched_max");
    settings.retries_max = options.integer("retry.max");
    settings.retry_interval = milliseconds(options.integer("retry.interval_ms"));
    settings.retry_interval_max = milliseconds(options.integer("retry.interval_max_ms"));
    return settings;
}

tenant::RouteRules Db::route_rules(const Options& options, const db::Url& url,
                                   const db::Dialect& dialect) {
    tenant::RouteRules rules;
    const std::string routes = options.text("tenant.routes");
    rules.source = routes == "map"        ? tenant::RouteSource::map
                   : routes == "resolver" ? tenant::RouteSource::resolver
                                          : tenant::RouteSource::path_template;
    rules.path_template = options.text("tenant.path");
    for (const auto& [tenant, place] : options.prefixed("tenant.map."))
        rules.map.emplace_back(tenant, place);
    rules.scheme = dialect.name;
    rules.root = real_root(url);
    rules.outside = options.boolean("route.outside");
    if (dialect.tenant_unit == db::Namespace::file) return rules;
    rules.name_template = options.text("tenant.namespace");
    rules.user_template = options.text("tenant.user");
    rules.name_is_database =
        tenancy_of(options, dialect) == Tenancy::database && dialect.tenant_unit == db::Namespace::schema;
    rules.shared = options.text("tenant.shared");
    rules.shared_folds = dialect.tenant_unit == db::Namespace::database;
    rules.reserved = dialect.reserved;
    return rules;
}

Db::Db(const Options& options, const db::Url& url)
    : options_(options),
      portable_(options.text("placeholders") == "portable"),
      result_buffer_max_(options.integer("result_buffer_max_bytes")),
      acquire_timeout_ms_(options.integer("acquire_timeout_ms")),
      query_timeout_ms_(options.integer("query_timeout_ms")),
      create_on_first_use_(options.text("tenant.create") == "on_first_use"),
      helpers_(options.text("threads") == "auto"),
      shared_(options.text("tenant.shared")),
      root_(real_root(url)),
      backend_(backends::open(url, options_)),
      reserved_(backend_->dialect().reserved.empty() ? tenant::file_reserved() : backend_->dialect().reserved),
      shared_path_(shared_.empty() || backend_->dialect().tenant_unit != db::Namespace::file
                       ? std::string()
                       : tenant::PathTemplate::parse(options.text("tenant.path"))
                             .expand(tenant::Id::parse(shared_))),
      tenancy_(tenancy_of(options_, backend_->dialect())),
      router_(route_rules(options_, url, backend_->dialect())),
      requests_(milliseconds(options.integer("route.ttl_ms")),
                milliseconds(options.integer("route.request_ms"))),
      events_(options.integer("events.queue"), telemetry::parse_level(options.text("events.level")),
              options.text("events.audit") == "fail" ? telemetry::AuditLoss::fail
                                                     : telemetry::AuditLoss::count),
      pools_(
          pool_settings(options_, *backend_),
          [this](const db::Place& place, const Wait& wait) { return open_connection(place, wait); },
          [this](db::Connection& connection) { return backend_->checkpoint(connection); },
          [this](pool::Notice notice) { on_notice(std::move(notice)); }),
      holds_(*this, pools_),
      maintenance_(pools_, {&holds_}) {}

// No lease is out: each keeps its db alive.
Db::~Db() {
    if (!inherited()) close(Wait{Deadline::in(milliseconds(0))});
}

void Db::check_open() const {
    if (closing_.load(std::memory_order_acquire)) throw Error(Code::closed, "the db is closed");
}

void Db::check_timeout(int64_t timeout_ms) {
    if (timeout_ms < MTDB_FOREVER)
        throw Error(Code::invalid_argument, "timeout_ms is " + std::to_string(timeout_ms) +
                                                ": take 0 or more, MTDB_DEFAULT or MTDB_FOREVER");
}

Wait Db::wait(int64_t timeout_ms, const Ref<Cancel>& cancel, Patience patience) const {
    check_timeout(timeout_ms);
    if (timeout_ms == MTDB_DEFAULT) {
        switch (patience) {
            case Patience::acquire:
                timeout_ms = acquire_timeout_ms_;
                break;
            case Patience::query:
                timeout_ms = query_timeout_ms_ > 0 ? query_timeout_ms_ : MTDB_FOREVER;
                break;
            case Patience::shutdown:
                timeout_ms = options_.integer("shutdown_timeout_ms");
                break;
        }
    }
    Wait wait{Deadline::never(), cancel ? &cancel->token : nullptr, &shutdown_};
    // A long deadline may be late by a few milliseconds; its clock is cheaper.
    constexpr int64_t coarse_from = 1000;
    constexpr milliseconds coarse_slack(8);
    if (timeout_ms >= coarse_from)
        wait.deadline = Deadline::in(milliseconds(timeout_ms), base::coarse_now() + coarse_slack);
    else if (timeout_ms >= 0)
        wait.deadline = Deadline::in(milliseconds(timeout_ms));
    return wait;
}

// ---- routes -------------------------------------------------------------------------------------

tenant::Id Db::id_of(std::string_view tenant) const {
    tenant::Id id = tenant::Id::parse(tenant, reserved_);
    if (is_shared(id))
        throw Error(Code::invalid_argument,
                    "tenant id '" + id.text() + "' is reserved for the shared tables");
    return id;
}

bool Db::is_shared(const tenant::Id& id) const {
    if (shared_.empty()) return false;
    return tenancy_ == Tenancy::file ? id.text() == shared_ : router_.leads_to_shared(id);
}

db::Place Db::not_shared(db::Place place, const tenant::Id& id) const {
    if (!shared_path_.empty() && place.path == shared_path_)
        throw Error(Code::permission,
                    "the route of tenant '" + id.text() + "' leads to the shared tables")
            .with_tenant(id.text());
    return place;
}

db::Place Db::locate(const tenant::Id& id, const Wait& wait) {
    tenant::Route route = router_.locate(id);
    if (route.state == tenant::Route::State::found) return not_shared(std::move(route.place), id);
    if (route.state == tenant::Route::State::ask) return place_in(requests_.locate(id, wait), id);
    throw Error(Code::tenant_unknown, "no tenant '" + id.text() + "'").with_tenant(id.text());
}

// Where the host says that the tenant is.
db::Place Db::place_in(tenant::Requests::Answer answer, const tenant::Id& id) const {
    using State = tenant::Requests::State;
    if (answer.state == State::answered) return not_shared(router_.as_tenant(std::move(answer.place), id), id);
    if (answer.state != State::refused) throw Error(Code::needs, "the host must answer");
    throw Error(Code::tenant_unknown, "no tenant '" + id.text() + "': " + answer.reason).with_tenant(id.text());
}

// A template's place is computed only when it is needed; the host's may change and is asked for
// each time.
pool::Target Db::target_of(const tenant::Id& id, const Wait& wait, const db::Place* known) {
    if (router_.source() == tenant::RouteSource::path_template)
        return {[this, &id] { return router_.locate(id).place; }, true};
    return {[place = known != nullptr ? *known : locate(id, wait)] { return place; },
            router_.source() == tenant::RouteSource::map};
}

std::optional<tenant::Requests::Request> Db::take_request(const Wait& wait) {
    check_open();
    return requests_.take(wait);
}

void Db::answer(int64_t id, std::string_view value) {
    check_open();
    requests_.answer(id, router_.place_of(value),
                     [this](const db::Place& place) { return pools_.key_at(place); });
}

void Db::refuse(int64_t id, std::string_view reason) {
    check_open();
    requests_.refuse(id, reason);
}

// ---- leases -------------------------------------------------------------------------------------

std::unique_ptr<db::Connection> Db::open_connection(const db::Place& place, const Wait& wait) {
    if (helpers_) maintenance_.ensure();
    try {
        return backend_->open(place, wait);
    } catch (const Error& error) {
        if (tenancy_ == Tenancy::server && error.code() == Code::not_found)
            throw error.with_code(Code::tenant_unknown);  // the database of a route's own url
        if (error.code() != Code::tenant_unknown || !create_on_first_use_ || backend_->dialect().shares_connections)
            throw;
    }
    try {
        auto audit_place = reserve_audit();
        backend_->create(place, wait);
        audit("tenant.created", tenant_at(place.path).value_or(place.path),
              "created at its first use", {}, std::move(audit_place));
    } catch (const Error& error) {
        if (error.code() != Code::exists) throw;  // another process was first
    }
    return backend_->open(place, wait);
}

// Where connections are shared: opening one says nothing about its tenant, or not which one it is.
void Db::create_on_server(const tenant::Id& id, const Wait& wait, const db::Place* known) {
    const db::Place place = router_.as_owner(known != nullptr ? *known : locate(id, wait));
    if (backend_->exists(place, wait)) return;
    try {
        auto audit_place = reserve_audit();
        backend_->create(place, wait);
        audit("tenant.created", id.text(), "created at its first use", {}, std::move(audit_place));
    } catch (const Error& error) {
        if (error.code() != Code::exists) throw;  // another process was first
    }
}

pool::Lease Db::pooled(const tenant::Id& id, const Wait& wait, pool::Holder* holder, const db::Place* known) {
    for (;;) {
        pool::Lease held = pools_.acquire(id.text(), target_of(id, wait, known), wait, holder);
        if (!held.confirm()) continue;
        if (create_on_first_use_ && !held.proved()) create_on_server(id, wait, known);
        return held;
    }
}

// Asks what holds the tenant before, for who must wait anyway, and again once the lease is counted.
pool::Lease Db::lease(const tenant::Id& id, const Wait& wait, pool::Holder* holder, const Asker& asker, bool proved) {
    for (;;) {
        const uint64_t pass = holds_.admit(id.text(), wait, asker);
        pool::Lease held;
        if (proved) {
            pool::Target target = target_of(id, wait, asker.place);
            target.proved = true;
            held = pools_.acquire(id.text(), target, wait, holder);
        } else {
            held = lease_unasked(id, wait, holder, asker.place);
        }
        if (pass != 0) held.set_pass(pass);
        if (holds_.lets(id.text(), asker)) return held;
        held.give_back();
    }
}

pool::Lease Db::lease_unasked(const tenant::Id& id, const Wait& wait, pool::Holder* holder,
                              const db::Place* known) {
    try {
        try {
            return pooled(id, wait, holder, known);
        } catch (const Error& error) {
            if (error.code() != Code::tenant_unknown || !create_on_first_use_ ||
                !backend_->dialect().shares_connections)
                throw;
        }
        create_on_server(id, wait, known);
        return pooled(id, wait, holder, known);
    } catch (const Error& error) {
        if (error.code() == Code::tenant_unknown && error.tenant().empty()) {
            throw error.with_message("no tenant '" + id.text() + "'").with_tenant(id.text());
        }
        if (error.code() == Code::needs) throw;
        throw error.with_tenant(id.text());
    }
}

Ref<Conn> Db::acquire(std::string_view tenant, LeaseOptions&& options, const Asked& asked) {
    check_open();
    check_timeout(asked.timeout_ms);
    Ref<Conn> conn = Ref<Conn>::adopt(new Conn(Ref<Db>::share(this), tenant, std::move(options)));
    struct Start {  // also when it fails: an empty conn can be entered, and so released
        Conn& conn;
        pool::Lease lease;
        bool passed = false;
        ~Start() {
            if (!passed) lease.give_back();
            conn.start(std::move(lease));
        }
    } start{*conn, {}};
    Gate* const gate = gate_.load(std::memory_order_acquire);
    // A tenant with a warm connection had a valid id and a route when that was opened.
    if (router_.source() != tenant::RouteSource::resolver && !holds_.shut())
        start.lease = pools_.try_idle(tenant, conn->holder());
    if (start.lease) start.lease.confirm();
    if (start.lease && !holds_.open()) start.lease.give_back();
    start.passed = start.lease && (gate == nullptr || gate->has_passed(start.lease));
    if (start.passed) return conn;
    Wait wait = this->wait(asked.timeout_ms, asked.cancel, Patience::acquire);
    const tenant::Id id = id_of(tenant);
    if (!start.lease) start.lease = lease(id, wait, conn->holder());
    // Scripts that ran leave their session to nobody: the lease is given back and taken anew.
    while (gate != nullptr && gate->admit(*this, start.lease, id.text(), wait)) {
        start.lease.give_back();
        if (gate->has_own_time())
            wait = this->wait(asked.timeout_ms, asked.cancel, Patience::acquire);
        start.lease = lease(id, wait, conn->holder());
    }
    if (gate != nullptr) start.lease.connection().mark_lease();
    start.passed = true;
    return conn;
}

pool::Lease Db::lease_for(std::string_view tenant, const Wait& wait, pool::Holder* holder) {
    check_open();
    const tenant::Id id = id_of(tenant);
    pool::Lease held = lease(id, wait, holder);
    Gate* const gate = gate_.load(std::memory_order_acquire);
    while (gate != nullptr && gate->admit(*this, held, id.text(), wait)) {
        held.give_back();
        held = lease(id, wait, holder);
    }
    held.connection().mark_lease();
    return held;
}

pool::Lease Db::lease_anew(std::string_view tenant, const Wait& wait, pool::Holder* holder) {
    return lease(id_of(tenant), wait, holder, {}, true);
}

pool::Lease Db::lease_for_verb(std::string_view tenant, const Wait& wait, std::string_view token,
                               const db::Place* place) {
    check_open();
    const tenant::Id id = id_of(tenant);
    for (;;) {
        pool::Lease held = lease(id, wait, nullptr, {.verb = true, .token = token, .place = place});
        if (held.connection().in_place()) return held;
        held.give_back();  // which discards it: the next one may be as old, or opens what is there now
        wait.check("a connection to the tenant's present file");
    }
}

pool::Lease Db::lease_beside(const pool::Lease& first, std::string_view tenant, const Wait& wait) {
    check_open();
    const db::Place place = first.place();
    pool::Lease held = lease_unasked(id_of(tenant), wait, nullptr, &place);
    held.set_pass(first.pass());
    return held;
}

int64_t Db::exec(std::string_view tenant, std::string_view sql, const db::BlockView* parameters,
                 const Asked& asked) {
    const Ref<Conn> conn =
        acquire(tenant, {.tag = {}, .read_only = false, .one_shot = true}, asked);
    const int64_t affected =
        conn->exec(sql, parameters, conn->wait(asked.timeout_ms, asked.cancel, Patience::query));
    conn->close();
    return affected;
}

Ref<Result> Db::query(std::string_view tenant, std::string_view sql,
                      const db::BlockView* parameters, const Asked& asked) {
    const Ref<Conn> conn =
        acquire(tenant, {.tag = {}, .read_only = false, .one_shot = true}, asked);
    return conn->query(sql, parameters, conn->wait(asked.timeout_ms, asked.cancel, Patience::query),
                       asked.cancel);
}

void Db::ping(std::string_view tenant, const Wait& wait) {
    check_open();
    const tenant::Id id = id_of(tenant);
    if (!backend_->exists(locate(id, wait), wait))
        throw Error(Code::tenant_unknown, "no tenant '" + id.text() + "'").with_tenant(id.text());
    const pool::Lease held = lease_for_verb(tenant, wait);
    const auto statement = held.connection().prepare(backend_->dialect().ping, nullptr, wait);
    statement->run(wait);
}

// ---- maintenance, shutdown ----------------------------------------------------------------------

bool Db::maintain(int64_t budget_ms) {
    check_open();
    const Deadline end =
        budget_ms == MTDB_FOREVER ? Deadline::never() : Deadline::in(milliseconds(budget_ms));
    while (maintenance_.step() || pools_.step())
        if (end.passed()) return true;
    return false;
}

int64_t Db::close(const Wait& wait) {
    if (closing_.exchange(true)) return 0;
    requests_.close();
    pools_.refuse();
    holds_.refuse();
    const bool returned = pools_.wait_until_returned(wait);
    shutdown_.store(true, std::memory_order_release);
    holds_.stop();
    constexpr milliseconds grace(5000);  // for interrupted statements to notice
    const int64_t out = pools_.close_all(Deadline::in(grace));
    maintenance_.stop();
    holds_.withdraw();
    const int64_t forced = returned ? 0 : out;
    if (forced > 0)
        note(telemetry::Level::warn, "db.forced", {},
             {std::to_string(forced), " leases were interrupted by shutdown"});
    events_.close();
    return forced;
}

void Db::enable(std::shared_ptr<Gate> gate) {
    check_open();
    Gate* none = nullptr;
    if (!gate_.compare_exchange_strong(none, gate.get()))
        throw Error(Code::invalid_state, "the db has an enabled migrator already");
    gate_owner_ = std::move(gate);
}

void Db::on_notice(pool::Notice notice) noexcept {
    using pool::Notice;
    switch (notice.kind) {
        case Notice::Kind::abandoned:
            note(telemetry::Level::warn, "lease.abandoned", notice.tenant,
                 {"a lease acquired at ", notice.detail, " was released unclosed"});
            break;
        case Notice::Kind::rolled_back:
            note(telemetry::Level::warn, "lease.rolled_back", notice.tenant,
                 {notice.detail, " with an open transaction: rolled back"});
            break;
        case Notice::Kind::log_blocked:
            note(telemetry::Level::warn, "wal.blocked", notice.tenant, {notice.detail});
            break;
    }
}

}  // namespace mtdb::engine
