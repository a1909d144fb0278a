// SPDX-License-Identifier: MIT
// What a tenant's first lease must pass: nothing, a check of its schema, or its migration, once for
// all who wait.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/guarded.hpp"
#include "migrate/runner.hpp"
#include "pool/pools.hpp"
#include "telemetry/events.hpp"

namespace mtdb::engine {

class Db;

enum class Mode { manual, automatic, check };

class Gate {
public:
    Gate(std::shared_ptr<const migrate::Runner> runner, Mode mode, bool newer,
         base::milliseconds backoff, base::milliseconds timeout)
        : runner_(std::move(runner)),
          mode_(mode),
          newer_(newer),
          backoff_(backoff),
          timeout_(timeout) {}

    // Lets a new lease through or throws. Single flight per tenant: the others wait within their
    // own deadlines; a script's failure fails them all, and is tried again after a back-off.
    bool has_passed(const pool::Lease& lease) const noexcept {
        return mode_ == Mode::manual || lease.mark() == passed;
    }
    // True: a migration's deadline is not that of the lease that it was run for.
    bool has_own_time() const noexcept { return timeout_.count() > 0; }
    // Returns true when it ran scripts: they may have left session state on the connection.
    bool admit(Db& db, pool::Lease& lease, const std::string& tenant, const Wait& wait);

private:
    struct Flight {
        bool running = false;
        int32_t failures = 0;
        std::optional<Error> failure;
        base::Time retry_at{};
    };
    using Flights = std::unordered_map<std::string, Flight>;
    bool begin_flight(pool::Lease& lease, const std::string& tenant, const Wait& wait);
    enum class Landing { migrated, failed, given_up };
    void end_flight(const std::string& tenant, Landing landing, const Error* failure = nullptr);
    void check(pool::Lease& lease, const std::string& tenant, const Wait& wait) const;
    bool migrate(Db& db, pool::Lease& lease, const std::string& tenant, const Wait& wait);

    static constexpr uint64_t passed = 1;  // the mark of a pool whose tenant was let through
    std::shared_ptr<const migrate::Runner> runner_;
    const Mode mode_;
    const bool newer_;
    const base::milliseconds backoff_;
    const base::milliseconds timeout_;  // of one migration; 0: the lease's
    Guarded<Flights> flights_;
    std::condition_variable landed_;
};

// Tells of a script that is committed.
void audit_step(Db& db, const std::string& tenant, const migrate::Step& step, int64_t execution_ms,
                telemetry::Events::AuditPlace place) noexcept;

// Runs one migrating verb on a lease: takes the writer turn for each script and audits what was
// done. `before_write` is called before each time that something is changed.
void run_verb(Db& db, pool::Lease& lease, const migrate::Runner& runner, const std::string& tenant,
              bool undo, const migrate::Target& target, const Wait& wait,
              migrate::Progress& progress, const std::function<void()>& before_write = {});

}  // namespace mtdb::engine
