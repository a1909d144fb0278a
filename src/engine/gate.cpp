// SPDX-License-Identifier: MIT
#include "engine/gate.hpp"

#include <algorithm>
#include <new>

#include "engine/db.hpp"
#include "engine/json.hpp"

namespace mtdb::engine {

void audit_step(Db& db, const std::string& tenant, const migrate::Step& step, int64_t execution_ms,
                telemetry::Events::AuditPlace place) noexcept {
    std::string name;
    std::string fields;
    try {
        name = step.name();
        fields = Json::object().add("script", name).add("execution_ms", execution_ms).text();
    } catch (const std::bad_alloc&) {
        // The script is committed and cannot fail any more: its event tells less.
    }
    db.audit(step.direction == migrate::Direction::up ? "migration.applied" : "migration.undone", tenant,
             std::move(name), std::move(fields), std::move(place));
}

void run_verb(Db& db, pool::Lease& lease, const migrate::Runner& runner, const std::string& tenant,
              bool undo, const migrate::Target& target, const Wait& wait,
              migrate::Progress& progress, const std::function<void()>& before_write) {
    telemetry::Events::AuditPlace place;  // of the script that runs
    progress.enter_write = [&](const Wait& turn_wait) -> std::shared_ptr<void> {
        if (before_write) before_write();
        place = db.reserve_audit();
        lease.take_turn(turn_wait);
        return {static_cast<void*>(&lease),
                [](void* held) { static_cast<pool::Lease*>(held)->give_turn(); }};
    };
    progress.name = db.namespace_of(tenant);
    progress.second = [&](const Wait& second_wait) {
        auto second = std::make_shared<pool::Lease>(db.lease_beside(lease, tenant, second_wait));
        return std::shared_ptr<db::Connection>(second, &second->connection());
    };
    progress.on_step = [&](const migrate::Step& step, int64_t execution_ms) {
        db.forget_schema(lease);
        audit_step(db, tenant, step, execution_ms, std::exchange(place, {}));
    };
    try {
        undo ? runner.undo(lease.connection(), wait, target, progress)
             : runner.migrate(lease.connection(), wait, target, progress);
    } catch (const Error& error) {
        db.note(telemetry::Level::error, "migration.failed", tenant, {error.message()});
        throw error.with_tenant(tenant);
    }
}

bool Gate::admit(Db& db, pool::Lease& lease, const std::string& tenant, const Wait& wait) {
    if (has_passed(lease)) return false;
    if (mode_ != Mode::check) return migrate(db, lease, tenant, wait);
    check(lease, tenant, wait);
    return false;
}

void Gate::check(pool::Lease& lease, const std::string& tenant, const Wait& wait) const {
    const migrate::Status status = runner_->status(lease.connection(), wait).status;
    const std::string at =
        "tenant '" + tenant + "' is at version " + status.current.value_or("(none)");
    switch (status.standing) {
        case migrate::Standing::up_to_date:
            break;
        case migrate::Standing::outdated:
            throw Error(Code::tenant_outdated,
                        at + ", the scripts are at " + status.target.value_or("(none)"))
                .with_tenant(tenant);
        case migrate::Standing::newer:
            if (newer_) break;
            throw Error(Code::tenant_newer, at + ", newer than the scripts, which are at " +
                                                status.target.value_or("(none)"))
                .with_tenant(tenant);
        case migrate::Standing::problem:
            throw Error(
                status.problem_status,
                at + ": " + status.problem.value_or("its history does not match the scripts"))
                .with_tenant(tenant);
    }
    lease.set_mark(passed);
}

bool Gate::migrate(Db& db, pool::Lease& lease, const std::string& tenant, const Wait& wait) {
    if (!begin_flight(lease, tenant, wait)) return false;
    migrate::Progress progress;
    Wait own_wait = wait;
    if (has_own_time()) own_wait.deadline = Deadline::in(timeout_);
    try {
        // A lease may be granted while the quiesce flags cannot be read; a migration is another matter.
        db.holds().admit(tenant, own_wait, {.verb = true});
        run_verb(db, lease, *runner_, tenant, false, migrate::Target::latest(), own_wait, progress);
    } catch (const Error& error) {
        // A deadline, a cancel or somebody else's lock says nothing about the script: the next one
        // tries at once.
        const bool own = error.retryable() || error.code() == Code::cancelled ||
                         error.code() == Code::closed || error.code() == Code::limit;
        end_flight(tenant, own ? Landing::given_up : Landing::failed, &error);
        throw;
    } catch (...) {
        end_flight(tenant, Landing::given_up);
        throw;
    }
    lease.set_mark(passed);
    end_flight(tenant, Landing::migrated);
    return progress.done > 0;
}

// True: this caller migrates. False: another one did.
bool Gate::begin_flight(pool::Lease& lease, const std::string& tenant, const Wait& wait) {
    auto flights = flights_.lock();
    for (;;) {
        if (lease.mark() == passed) return false;
        Flight& flight = (*flights)[tenant];
        if (!flight.running) {
            if (flight.failure && base::Clock::now() < flight.retry_at) throw *flight.failure;
            flight.running = true;
            return true;
        }
        if (wait.over())
            throw wait.error("the tenant's migration by another caller").with_tenant(tenant);
        wait.sleep(flights.held(), landed_);
    }
}

void Gate::end_flight(const std::string& tenant, Landing landing, const Error* failure) {
    auto flights = flights_.lock();
    Flight& flight = (*flights)[tenant];
    flight.running = false;
    if (landing == Landing::failed) {
        constexpr base::milliseconds longest(60000);
        flight.retry_at =
            base::Clock::now() +
            std::min(longest, backoff_ * (int64_t{1} << std::min(flight.failures, 16)));
        ++flight.failures;
        flight.failure = *failure;
    } else if (landing == Landing::migrated || !flight.failure) {
        flights->erase(tenant);
    }
    landed_.notify_all();
}

}  // namespace mtdb::engine
