// SPDX-License-Identifier: MIT
// What stands before each lease of a db: the holds of single tenants, and the quiesce flags of the deployment.
#pragma once

#include <time.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "control/parking.hpp"
#include "control/quiesce.hpp"
#include "engine/maintenance.hpp"
#include "pool/pools.hpp"

namespace mtdb::engine {

class Db;

enum class HoldMode { wait, refuse };

// How a db obeys the flags.
struct QuiesceRules {
    base::milliseconds refresh{1000};
    base::milliseconds announce{10000};
    bool leases_wait = false;
    bool leases_open = true;       // while the flags cannot be read
    bool migrations_open = false;  // the same
};

// Who asks for a lease.
struct Asker {
    bool verb = false;            // of the migrator: it passes flags that it owns
    bool keeper = false;          // of the application's own hold: that one does not stand in its way
    std::string_view token = {};  // of the migrator
    // Of a run: where the tenant was when its turn began. None: its route is looked for.
    const db::Place* place = nullptr;
};

// The order that makes it safe: whoever grants a lease takes it from the pools first, where it is counted, and asks
// open() or lets() afterwards; whoever closes publishes first, and counts the leases afterwards. Both counts go
// through the pools' lock, so either the count has the lease, or its owner sees that it is closed and gives it back.
class Holds final : public Chore {
public:
    Holds(Db& db, pool::Pools& pools) : db_(db), pools_(pools) {}

    // The warm path. shut(): nothing is granted without a look at who asks. open(): everything is, at this moment.
    bool shut() const noexcept { return open_until_.load(std::memory_order_relaxed) == 0; }
    bool open() const noexcept {
        const int64_t until = open_until_.load(std::memory_order_acquire);
        if (until == always) return true;
        timespec now{};  // as base::coarse_now(), without a call and a conversion
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return now.tv_sec * nanoseconds + now.tv_nsec < until;
    }
    // For a lease that has been counted.
    bool lets(std::string_view tenant, const Asker& asker) {
        return (!asker.verb && open()) || lets_asker(tenant, asker);
    }
    // Waits, or throws Error(tenant_held), Error(unavailable), or what ends the wait. Returns the pass to be set on the
    // lease; 0: none.
    uint64_t admit(std::string_view tenant, const Wait& wait, const Asker& asker);

    // Holds of the application.
    void hold(const std::string& tenant, HoldMode mode);  // Error(exists)
    void resume(const std::string& tenant);               // Error(not_found)

    // Quiesce. From watch() on the flags of the store are obeyed. Error(invalid_state) when there is a store already.
    void watch(std::shared_ptr<control::Store> store, control::Announcement self, const QuiesceRules& rules,
               const Wait& wait);
    bool watching();
    // The owner's tokens of flags that a handle of this db has set: its migrator's verbs pass them.
    void own(const std::string& scope, std::string token);
    void disown(const std::string& scope);
    // A flag has changed: looks at once.
    void poke() noexcept;
    // Looks now when a round is due and no other thread does it.
    void catch_up() noexcept;

    // Shutdown: those who wait get Error(closed); then what is on its way ends; then the announcement goes when no
    // lease is out.
    void refuse() noexcept;
    void stop() noexcept;
    void withdraw() noexcept;

    base::Time due() noexcept override;
    void work() noexcept override;

    struct Figures {
        int64_t held_tenants = 0;
        int64_t flags = 0;
        int64_t parked = 0;
        int64_t refused = 0;  // calls
        int64_t waited = 0;   // calls
    };
    Figures figures();
    bool holds(std::string_view tenant);

private:
    static constexpr int64_t always = INT64_MAX;
    static constexpr int64_t nanoseconds = 1'000'000'000;  // of a second
    enum class Answer { free, held, quiesced, stale };
    struct State {
        std::map<std::string, HoldMode, std::less<>> tenants;
        std::vector<std::pair<std::string, std::string>> tokens;  // scope, token
        std::vector<control::Flag> flags;                          // as Parking::held()
        std::size_t active = 0;                                    // as Parking::active()
        base::Time flags_until = base::Time::max();  // when the first of them is over, as last read
        base::Time known_until{};                    // how long what was read may be acted on
        base::Time lenient_until{};                  // who may goes on though nothing could be read
        base::Time tried_at{};
        base::Time looked_at{};
        bool parked = false;
        bool watching = false;
        bool failing = false;   // the last round
        bool rounding = false;  // one thread is at it; it alone touches parking_
        bool poked = false;     // a flag has changed that no round has begun to read
        bool chasing = false;   // a round is under way for that: the flags here are those of before
        bool refusing = false;
        int64_t refused = 0;
        int64_t waited = 0;
    };
    using Access = Guarded<State>::Access;

    // This process has changed a flag, and what is in force now was read before that.
    static bool changing(const State& state) noexcept { return state.poked || state.chasing; }
    bool lets_asker(std::string_view tenant, const Asker& asker);
    Answer judge(const State& state, std::string_view tenant, const Asker& asker, base::Time now,
                 const control::Flag** flag) const;
    uint64_t pass_of(const State& state, std::string_view tenant, const Asker& asker) const;
    static bool owns(const State& state, const control::Flag& flag, const Asker& asker);
    Error refusal(const State& state, Answer answer, std::string_view tenant, const control::Flag* flag) const;
    void publish(State& state) noexcept;
    void round(Access& state, const Wait& wait);
    void run_round(const Wait& wait);
    void look(Access& state);
    void announce_news(const Wait& wait);
    int64_t leases_out(const control::Flag& flag);
    void note_change(const std::vector<control::Flag>& before, const std::vector<control::Flag>& after) noexcept;
    Wait own_wait() const noexcept;

    Db& db_;
    pool::Pools& pools_;
    std::atomic<int64_t> open_until_{always};  // of the coarse clock; 0: shut
    std::atomic<bool> stopping_{false};
    Guarded<State> state_;
    std::condition_variable changed_;
    // Set once by watch(), before State::watching.
    std::shared_ptr<control::Store> store_;
    std::optional<control::Parking> parking_;
    QuiesceRules rules_;
};

}  // namespace mtdb::engine
