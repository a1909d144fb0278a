// SPDX-License-Identifier: MIT
// The root: one db serves all tenants. Here routes, pools, migrations and events meet.
#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "db/backend.hpp"
#include "db/url.hpp"
#include "engine/conn.hpp"
#include "engine/counted.hpp"
#include "engine/holds.hpp"
#include "engine/maintenance.hpp"
#include "engine/options.hpp"
#include "engine/table_rows.hpp"
#include "migrate/runner.hpp"
#include "pool/pools.hpp"
#include "telemetry/events.hpp"
#include "tenant/requests.hpp"
#include "tenant/router.hpp"

namespace mtdb::engine {

class Gate;

enum class Tenancy { file, schema, database, server };

// Of the backends in this build, separated by commas.
std::string backend_names();

// Which option a call's MTDB_DEFAULT stands for.
enum class Patience : int { acquire, query, shutdown };

class Db final : public Counted {
public:
    static Ref<Db> open(std::string_view url, const Options& options);

    // The deadline of a call, made once at the edge. Throws Error(invalid_argument) for another
    // negative number.
    Wait wait(int64_t timeout_ms, const Ref<Cancel>& cancel, Patience patience) const;
    static void check_timeout(int64_t timeout_ms);
    const Options& options() const noexcept { return options_; }
    const db::Dialect& dialect() const noexcept { return backend_->dialect(); }
    bool portable() const noexcept { return portable_; }
    // False where each tenant's connections are its own: they stand nowhere else.
    bool tenants_are_namespaces() const noexcept {
        return tenancy_ == Tenancy::schema ||
               (tenancy_ == Tenancy::database && dialect().tenant_unit == db::Namespace::database);
    }
    int64_t result_buffer_max() const noexcept { return result_buffer_max_; }
    bool shutting_down() const noexcept { return shutdown_.load(std::memory_order_acquire); }
    void check_open() const;

    // A call's timeout and token; its deadline is computed when somebody has to wait.
    struct Asked {
        int64_t timeout_ms;
        const Ref<Cancel>& cancel;
    };
    Ref<Conn> acquire(std::string_view tenant, LeaseOptions&& options, const Asked& asked);
    // For a conn that changes its tenant: as acquire(), for the conn's own handle.
    pool::Lease lease_for(std::string_view tenant, const Wait& wait, pool::Holder* holder);
    // For one whose connection turned out to be dead: another one, known to live.
    pool::Lease lease_anew(std::string_view tenant, const Wait& wait, pool::Holder* holder);
    int64_t exec(std::string_view tenant, std::string_view sql, const db::BlockView* parameters,
                 const Asked& asked);
    Ref<Result> query(std::string_view tenant, std::string_view sql,
                      const db::BlockView* parameters, const Asked& asked);
    void ping(std::string_view tenant, const Wait& wait);
    bool maintain(int64_t budget_ms);  // true: there is more
    int64_t close(const Wait& wait);   // leases that were interrupted

    // Tenants (tenants.cpp).
    void check_tenant(std::string_view tenant) const;
    void create_tenant(std::string_view tenant, const Wait& wait);
    bool tenant_exists(std::string_view tenant);
    bool tenant_exists(std::string_view tenant, const Wait& wait);
    Ref<Result> list_tenants(const Wait& wait, Ref<Cancel> cancel);
    std::unique_ptr<db::TenantCursor> tenant_cursor(const Wait& wait);
    std::optional<std::string> tenant_at(const std::string& path) const;
    std::vector<std::string> all_tenants(const Wait& wait);  // in the order of their ids
    // Where a tenant is, as far as that can be told without asking the host.
    std::optional<db::Place> place_of(std::string_view tenant) const;
    // Something that is another when the tenant may have changed; empty: not to be told.
    std::string identity_of(std::string_view tenant) const;
    // What its sessions stand in; empty: only they know.
    std::string namespace_of(std::string_view tenant) const;
    bool creates_on_first_use() const noexcept { return create_on_first_use_; }
    // As db::Backend::glance().
    std::unique_ptr<db::Glance> glance(std::string_view tenant, const Wait& wait) const;
    // To a server that tenants share, outside of the pools: for what reads all of them. The caller's alone.
    std::unique_ptr<db::Connection> server_connection(const db::Place& place, const Wait& wait);
    // To where the shared tables are (option tenant.shared), which is made if need be; outside of the pools. The
    // caller's alone. Throws Error(invalid_state) where there are none.
    std::unique_ptr<db::Connection> shared_connection(const Wait& wait);
    const std::string& shared_name() const noexcept { return shared_; }
    // The folder of the tenants' files; empty on servers and in memory.
    const std::string& root() const noexcept { return root_; }
    void copy_tenant(std::string_view source, std::string_view target, const Wait& wait);
    void rename_tenant(std::string_view tenant, std::string_view target, const Wait& wait);
    void drop_tenant(std::string_view tenant, const Wait& wait);

    // Holds of one tenant, and the deployment's flags.
    void hold_tenant(std::string_view tenant, HoldMode mode, bool cancel_running, const Wait& wait);
    void resume_tenant(std::string_view tenant);
    Holds& holds() noexcept { return holds_; }
    // The flags that live in this db's memory.
    std::shared_ptr<control::Store> memory_store();
    void ensure_maintenance() {
        if (helpers_) maintenance_.ensure();
    }

    // What the library needs from the host.
    std::optional<tenant::Requests::Request> take_request(const Wait& wait);
    void put_back_request(int64_t id) { requests_.put_back(id); }
    void answer(int64_t id, std::string_view value);
    void refuse(int64_t id, std::string_view reason);

    // Migrations: what is asked at a tenant's first lease (gate.cpp), and a lease for a verb.
    void enable(std::shared_ptr<Gate> gate);
    // `token`: of a quiesce flag's owner, who passes it.
    pool::Lease lease_for_verb(std::string_view tenant, const Wait& wait, std::string_view token = {});
    // A second one of the same tenant for what runs on `first`: it stands on the same permission, no quiesce flag is
    // asked again. Any thread.
    pool::Lease lease_beside(const pool::Lease& first, std::string_view tenant, const Wait& wait);
    void forget_schema(pool::Lease& lease) noexcept {
        lease.set_mark(0);
        lease.bump_schema();
    }

    // Events and figures (events.cpp, stats.cpp).
    telemetry::Events& events() noexcept { return events_; }
    // `message` in parts: they are joined where a lack of memory costs the event only.
    void note(telemetry::Level level, std::string_view name, std::string_view tenant,
              std::initializer_list<std::string_view> message) noexcept;
    telemetry::Events::AuditPlace reserve_audit() { return events_.reserve_audit(); }
    void audit(std::string_view name, std::string_view tenant, std::string message,
               std::string fields, telemetry::Events::AuditPlace place) noexcept;
    int32_t poll_events(void* buffer, int64_t capacity, const Wait& wait, int64_t& rows,
                        int64_t& used, int64_t& dropped);
    Ref<Result> stats();
    Ref<Result> pool_stats();
    Ref<Result> tenant_stats(std::string_view tenant);

private:
    template <class T, class... Arguments>
    friend Ref<T> make(Arguments&&...);
    Db(const Options& options, const db::Url& url);
    ~Db() override;

    tenant::Id id_of(std::string_view tenant) const;
    bool is_shared(const tenant::Id& id) const;
    db::Place locate(const tenant::Id& id, const Wait& wait);
    db::Place not_shared(db::Place place, const tenant::Id& id) const;
    pool::Target target_of(const tenant::Id& id, const Wait& wait);
    void create_on_server(const tenant::Id& id, const Wait& wait);
    pool::Lease lease(const tenant::Id& id, const Wait& wait, pool::Holder* holder, const Asker& asker = {},
                      bool proved = false);
    pool::Lease lease_unasked(const tenant::Id& id, const Wait& wait, pool::Holder* holder);
    pool::Lease pooled(const tenant::Id& id, const Wait& wait, pool::Holder* holder);
    std::unique_ptr<db::Connection> open_connection(const db::Place& place, const Wait& wait);
    void on_notice(pool::Notice notice) noexcept;
    static pool::Settings pool_settings(const Options& options, const db::Backend& backend);
    static tenant::RouteRules route_rules(const Options& options, const db::Url& url,
                                          const db::Dialect& dialect);

    const Options options_;
    const bool portable_;
    const int64_t result_buffer_max_;
    const int64_t acquire_timeout_ms_;
    const int64_t query_timeout_ms_;
    const bool create_on_first_use_;
    const bool helpers_;
    const std::string shared_;  // the id of the shared file, or the shared namespace, or empty
    const std::string root_;  // of the tenants' files, or empty
    const std::unique_ptr<db::Backend> backend_;
    const std::span<const db::Reserved> reserved_;
    const std::string shared_path_;  // of the shared file, or empty
    const Tenancy tenancy_;
    tenant::Router router_;
    tenant::Requests requests_;
    telemetry::Events events_;
    pool::Pools pools_;
    Holds holds_;
    Guarded<std::shared_ptr<control::Store>> memory_store_;
    Maintenance maintenance_;  // after what it works on: joined before that goes
    std::atomic<bool> closing_{false};
    std::atomic<bool> shutdown_{false};
    std::atomic<Gate*> gate_{nullptr};
    std::shared_ptr<Gate> gate_owner_;  // written once, before gate_
};

}  // namespace mtdb::engine
