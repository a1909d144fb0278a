// SPDX-License-Identifier: MIT
// The connections of one db: a pool per tenant, one budget over all, leases, writer turns, and the
// work that maintenance does. Where connections are shared, the tenants of one server have them
// together: an idle one moves from tenant to tenant.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/checksum.hpp"
#include "base/guarded.hpp"
#include "base/wait.hpp"
#include "db/backend.hpp"
#include "pool/next_step.hpp"
#include "pool/statement_cache.hpp"

namespace mtdb::pool {

using base::milliseconds;
using base::Time;

struct Settings {
    Limits limits;
    int64_t idle_max = 8;
    milliseconds idle{300000};    // 0: idle connections are kept
    milliseconds lifetime{0};     // 0: no end
    int64_t jitter_percent = 10;  // of lifetime
    milliseconds sweep{5000};
    int64_t statements_max = 64;
    int64_t checkpoint_pages = 1000;
    int64_t tenant_memory_max = 0;
    db::FileCost file_cost;
    bool helpers = true;  // a maintenance thread exists; otherwise callers that wait do its work
    // Tenants whose places are on one server share its connections. What follows counts only then.
    bool shares_connections = false;
    int64_t touched_max = 0;   // tenants that one connection has stood in; 0: no bound
    int64_t retries_max = -1;  // failures to connect that a caller sits through; -1: until its deadline
    milliseconds retry_interval{100};
    milliseconds retry_interval_max{30000};
};

// Something worth an event. Reported without any lock held.
struct Notice {
    enum class Kind { abandoned, rolled_back, log_blocked };
    Kind kind;
    std::string tenant;
    std::string detail;
};

// Figures since the start; `now` figures are of this moment.
struct Stats {
    int64_t acquires = 0, waits = 0, wait_us = 0, exhausted = 0, timeouts = 0;
    int64_t opens = 0, open_failures = 0, closes = 0, evictions = 0, discards = 0, abandoned = 0;
    int64_t writer_turns = 0, writer_waits = 0, statement_hits = 0, statement_misses = 0,
            checkpoints = 0;
    // Of shared connections: leases that moved one, ends by touched_max, servers found lost.
    int64_t moves = 0, retired = 0, losses = 0;
    int64_t pools_now = 0, known_now = 0, connections_now = 0, idle_now = 0, leased_now = 0,
            waiting_now = 0;
    int64_t files_now = 0, files_max = 0, memory_now = 0, closing_now = 0;
};
struct TenantStats {
    int64_t acquires = 0, waits = 0, wait_us = 0, writer_turns = 0, opens = 0, failures = 0;
    int64_t leased_now = 0, idle_now = 0, waiting_now = 0;
};
struct PoolStats {
    std::string key;
    int64_t open = 0, idle = 0, leased = 0, waiting = 0, writing = 0, files = 0, memory = 0;
    milliseconds idle_for{0};
    // Above 0: the row of a server, "server:<n>", which holds all that its tenants' rows hold; `open` of a tenant's row
    // are the connections that stand in it now.
    int64_t server = 0;
    // Of a server's row.
    int64_t connecting = 0;
    int64_t failures = 0;  // to connect, in a row
};

struct Endpoint;
struct Party;
struct Pool;
class Pools;

// Whoever holds a lease. Operations enter its guard from free and leave it free; a thread that only
// ends what it released enters as tidying; shutdown claims a free one, has it let go of the
// connection's statements and leaves it dead.
class Holder {
public:
    enum Guard : int32_t { guard_free, guard_inside, guard_tidying, guard_claimed, guard_dead };
    std::atomic<int32_t> guard{
        guard_inside};  // inside at first: the holder frees it once it can be entered
    virtual void surrender() noexcept = 0;
    // True while somebody may be reading a row in the connection's memory: then shutdown leaves it
    // alone.
    virtual bool shows_row() const noexcept = 0;
    // Its lease is to end: what runs ends soon. Called with the pools' lock held.
    virtual void revoke() noexcept {}
    // After surrender(), once its connection is gone: gives the writer turn.
    virtual void let_go() noexcept {}

protected:
    ~Holder() = default;
};

// What a lease is asked for: where its connections open.
struct Target {
    std::function<db::Place()>
        place;  // asked only when nothing of the pool is open, or when it is not constant
    bool constant = true;  // the place of a key never changes
    // Of shared connections: none that may be dead since its server was lost. For a caller whose
    // last lease was such a one.
    bool proved = false;
};

// The distinct tenants that a connection has stood in, by hash. Without memory it counts too many.
class Touched {
public:
    void add(uint64_t tenant) noexcept;
    int64_t size() const noexcept { return size_; }

private:
    bool insert(std::vector<uint64_t>& table, uint64_t tenant) noexcept;

    std::vector<uint64_t> table_;  // open addressing, at most half full; 0: free
    int64_t size_ = 0;
};

// One connection and what belongs to it.
struct Slot {
    explicit Slot(int64_t statements_max) : statements(statements_max) {}
    std::unique_ptr<db::Connection> connection;
    StatementCache statements;
    Pool* pool = nullptr;
    Endpoint* endpoint = nullptr;  // of a shared connection
    uint64_t idle_sweep =
        0;  // how many sweeps there had been when it came back: no clock is read for it
    uint64_t confirmed_sweep = 0;  // the same, for when its place was last known to be its own
    bool unconfirmed = false;      // there was a sweep since: whoever takes it asks
    Time expires = Time::max();
    int64_t memory = 0;  // at the last sample
    uint32_t returns = 0;
    int64_t log_seen = 0;      // log_pages() when it last asked for a checkpoint
    Holder* holder = nullptr;  // while leased to one; under the pools' lock
    bool in_maintenance = false;
    bool taken = false;  // its connection was taken from the holder
    bool passing = false;  // nobody is to have it after the present lease
    uint64_t pass = 0;   // while leased: Lease::set_pass()
    // Neighbours in the list of idle slots, coldest first, or of leased ones.
    Slot* previous = nullptr;
    Slot* next = nullptr;
    // Of a shared connection.
    Slot* endpoint_previous = nullptr;  // in its server's list of idle slots, coldest first
    Slot* endpoint_next = nullptr;
    uint64_t tenant = 0;       // whom it was pinned to last; 0: nobody
    uint64_t place_stamp = 0;  // of the place that it was pinned to
    uint64_t proved_at = 0;    // the server's count of losses when it is known to have worked
    uint64_t leased_at = 0;    // the same, when it was leased
    bool answered = false;     // a statement of the present lease was answered
    bool opened = false;       // for the present lease
    Touched touched;
};
// A connection bound to one tenant; gives itself back.
class Lease {
public:
    Lease() = default;
    Lease(Pools& pools, Pool& pool, std::unique_ptr<Slot> slot)
        : pools_(&pools), pool_(&pool), slot_(std::move(slot)) {}
    Lease(Lease&& other) noexcept
        : pools_(other.pools_),
          pool_(other.pool_),
          slot_(std::move(other.slot_)),
          turn_(std::exchange(other.turn_, false)),
          used_(other.used_) {}
    Lease& operator=(Lease&& other) noexcept {
        if (this == &other) return *this;
        give_back();
        pools_ = other.pools_;
        pool_ = other.pool_;
        slot_ = std::move(other.slot_);
        turn_ = std::exchange(other.turn_, false);
        used_ = other.used_;
        return *this;
    }
    ~Lease() { give_back(); }

    explicit operator bool() const noexcept { return slot_ != nullptr; }
    Slot& slot() const noexcept { return *slot_; }
    // Whoever asks may change its state: from then on it is cleaned when it comes back.
    db::Connection& connection() const noexcept {
        used_ = true;
        return *slot_->connection;
    }
    // Its compiled statements, which whoever asks may run.
    StatementCache& statements() const noexcept {
        used_ = true;
        return slot_->statements;
    }
    bool has_turn() const noexcept { return turn_; }
    // A word of the holder's that lives as long as the pool stays open: for what is checked once
    // per opening. 0 at first.
    uint64_t mark() const noexcept;
    void set_mark(uint64_t mark) noexcept;
    // Of whom statements are compiled for StatementCache; 0 where connections are not shared.
    uint64_t scope() const noexcept;
    // The tenant's schema has changed: what any connection compiled for it is never taken again.
    void bump_schema() noexcept;
    // A statement was answered in the tenant's place: there is such a tenant, and the connection
    // lives. Cheap: to be called after each.
    void prove() noexcept;
    // Whether prove() was called for this tenant lately; always where connections are not shared.
    bool proved() const noexcept;

    // Whose permission the lease stands on, for Pools::leased(); 0 at first.
    void set_pass(uint64_t pass) noexcept;
    uint64_t pass() const noexcept;

    // Asks a warm connection, once per sweep, whether its place is still its own. False: it is not,
    // and the lease was given back.
    bool confirm() noexcept;

    // Gives it back; a connection that was opened for it is closed, by this thread. Where connections are not shared.
    void close() noexcept;

    // The place's writer turn: in order of asking, but for a short while newcomers may go first.
    // Idempotent.
    void take_turn(const Wait& wait);
    void give_turn() noexcept;

    // Ends the lease: rolls back, cleans; what cannot be proved clean is closed. Returns true when
    // it rolled something back.
    bool give_back() noexcept { return slot_ != nullptr && return_slot(); }
    // For a thread that must not do I/O: maintenance will give it back. `origin` goes into the
    // event; empty: no event.
    void abandon(std::string origin) noexcept;

private:
    friend class Pools;
    bool return_slot() noexcept;

    Pools* pools_ = nullptr;
    Pool* pool_ = nullptr;
    std::unique_ptr<Slot> slot_;
    bool turn_ = false;
    mutable bool used_ = false;
};

// Keeps a tenant's pool empty while it lives: for drop.
class Fence {
public:
    Fence(Pools& pools, Pool& pool) : pools_(&pools), pool_(&pool) {}
    Fence(Fence&& other) noexcept
        : pools_(std::exchange(other.pools_, nullptr)), pool_(other.pool_) {}
    Fence& operator=(Fence&&) = delete;
    ~Fence();

private:
    Pools* pools_;
    Pool* pool_;
};

class Pools {
public:
    using Opener = std::function<std::unique_ptr<db::Connection>(const db::Place&, const Wait&)>;
    using Listener = std::function<void(Notice)>;

    using Checkpoint = std::function<bool(db::Connection&)>;  // true: a reader kept the log from
                                                              // being written back whole

    Pools(Settings settings, Opener opener, Checkpoint checkpoint, Listener listener);
    ~Pools();

    // `key` names the pool (the tenant). A null holder's lease is never taken by shutdown.
    Lease acquire(std::string_view key, const Target& target, const Wait& wait,
                  Holder* holder = nullptr);
    // A warm connection when one is to be had at once; an empty lease otherwise. For keys whose
    // place is constant.
    Lease try_idle(std::string_view key, Holder* holder) noexcept;
    // Waits until nobody but the caller can reach the place. Error(busy) while it is leased.
    Fence fence(std::string_view key, const Target& target, const Wait& wait);

    // Leases out, of one key or of all (empty), but for those on `pass` (0: none is left out). What a lease's grant
    // saw before it was counted here, it saw before this count.
    int64_t leased(std::string_view key, uint64_t pass = 0);
    // Until no lease of the key is out; false when the wait is over.
    bool wait_until_back(std::string_view key, const Wait& wait);
    // Ends what the key's leases run and takes their connections. Those without a holder, and those that show a row,
    // are left. Returns how many are still out after the grace.
    int64_t revoke(std::string_view key, Deadline grace);

    // No new leases; those who wait get Error(closed).
    void refuse() noexcept;
    bool wait_until_returned(const Wait& wait);  // false at the deadline
    // After the flag that ends running operations was raised: takes the connections of leases that
    // nobody is inside of, and closes all idle ones. What shows a row, or is still running after
    // the grace, is closed when it comes back. Returns how many leases are (or were) out.
    int64_t close_all(Deadline grace);

    // Maintenance. `step` does one piece of work; false when nothing is due.
    bool step();
    // Closes one of those that wait for it.
    bool close_one();
    // Sleeps until something may be due, `until`, or `stop_waiting` was called.
    void wait_for_work(Time until = Time::max());
    void wake_work() noexcept;
    void stop_waiting() noexcept;

    // Whose pool has a place open; none: nobody's.
    std::optional<std::string> key_at(const db::Place& place);

    Stats stats();
    TenantStats tenant_stats(std::string_view key);
    std::vector<PoolStats> pool_stats();

private:
    friend class Lease;
    friend class Fence;
    friend struct Pool;
    friend struct Party;
    friend struct Endpoint;
    struct Waiter;
    struct Abandoned {
        std::unique_ptr<Slot> slot;
        bool turn;
        std::string origin;
    };
    struct Kept {  // of a tenant, while none of the shared connections stands in it
        uint64_t scope = 0;
        uint64_t mark = 0;
        uint64_t place = 0;  // hashed: for another one, neither counts
    };
    struct Entry {  // a known tenant: kept small, there may be a hundred thousand
        int64_t acquires = 0;
        int64_t wait_us = 0;
        uint32_t waits = 0, writer_turns = 0, opens = 0, failures = 0;
        std::unique_ptr<Pool> pool;  // while something of it is open, leased or awaited
        std::unique_ptr<Kept> kept;  // where connections are shared
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept { return base::hash64(key); }
    };
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
    template <Slot* Slot::*Previous, Slot* Slot::*Next>
    struct IntrusiveList {
        Slot* first = nullptr;
        Slot* last = nullptr;
        int64_t size = 0;
        void push_back(Slot& slot) noexcept;
        void remove(Slot& slot) noexcept;
    };
    using SlotList = IntrusiveList<&Slot::previous, &Slot::next>;
    using EndpointList = IntrusiveList<&Slot::endpoint_previous, &Slot::endpoint_next>;
    using Endpoints = std::unordered_map<std::string, std::unique_ptr<Endpoint>>;
    struct State {
        Entries entries;
        SlotList idle;  // coldest first
        SlotList leased;
        std::list<Party*> line;  // those whose waiters a shared bound holds up, in turn
        Endpoints endpoints;    // by Place::server
        Pool* emptied = nullptr;  // pools that may have nothing left, for tidy()
        uint64_t last_tenant = 0;
        uint64_t last_stamp = 0;
        int64_t last_server = 0;
        std::vector<std::unique_ptr<Slot>> closing;
        std::vector<Abandoned> abandoned;
        std::list<Pool*> to_checkpoint;
        Stats stats;
        int64_t tenants = 0;
        int64_t connections = 0;
        int64_t files = 0;
        int64_t memory = 0;
        // The part of these that is on its way out: no need to evict more for it.
        int64_t closing_slots = 0;
        int64_t closing_files = 0;
        int64_t closing_memory = 0;
        Time next_sweep{};
        uint64_t sweeps = 1;
        bool refusing = false;
        bool work = false;
        bool stopped = false;
    };
    using Access = Guarded<State>::Access;

    Pool& pool_of(State& state, std::string_view key, const Target& target);
    void follow_route(State& state, Pool& pool, db::Place place);
    Situation situation_of(const State& state, const Pool& pool) const;
    Decision decide(const State& state, const Pool& pool) const;
    Lease wait_for_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder);
    void await(Access& state, Pool& pool, Waiter& waiter, const Wait& wait);
    void doze(Access& state, Pool& pool, Waiter& waiter, const Wait& wait);
    Error failure_to_lease(const State& state, const Pool& pool, const Waiter& waiter,
                           const Wait& wait) const;
    Lease open_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder);
    std::unique_ptr<Slot> opened(Pool& pool, const Wait& wait);
    Lease enrol(State& state, Pool& pool, std::unique_ptr<Slot> slot, Holder* holder);
    std::unique_ptr<Slot> take_idle(State& state, Pool& pool, Holder* holder);
    void reserve(State& state, Pool& pool);
    void unreserve(State& state, Pool& pool);
    bool grant(State& state, Pool& pool, Step step) noexcept;
    bool grant_first(State& state, Party& party, Step step) noexcept;
    bool others_in_line(const State& state, const Party& party) const noexcept;
    bool held_back(const State& state, const Party& party) const noexcept;
    void count_burst(const State& state, Party& party) const noexcept;
    void stand_in_line(State& state, Party& party) noexcept;
    void leave_line(State& state, Party& party) noexcept;
    void serve_pool(State& state, Pool& pool) noexcept;
    void serve_party(State& state, Party& party) noexcept;
    void serve_line(State& state) noexcept;
    void serve_all(State& state, Pool& pool) noexcept;
    // Where connections are shared.
    Endpoint& endpoint_of(State& state, const std::string& server);
    void join(State& state, Pool& pool, Endpoint& endpoint) noexcept;
    void hand_out(Slot& slot) noexcept;
    Lease acquire_shared(Access& state, std::string_view key, const Target& target,
                         const Wait& wait, Holder* holder);
    Lease lease_shared(Access& state, Pool& pool, const Wait& wait, Holder* holder);
    Lease open_shared(Access& state, Pool& pool, const Waiter& waiter, const Wait& wait);
    Lease try_shared(Access& state, Pool& pool, Holder* holder) noexcept;
    bool prepared(Lease& lease, bool proved) noexcept;
    std::unique_ptr<Slot> move_idle(State& state, Pool& pool, Holder* holder);
    void queue_up(Pool& pool) noexcept;
    void serve_tenant(State& state, Pool& pool) noexcept;
    void serve_endpoint(State& state, Endpoint& endpoint) noexcept;
    void note_failure(Endpoint& endpoint, const Error& error, Failure failure,
                      int64_t failures_before) noexcept;
    void fail_waiters(Endpoint& endpoint, bool all) noexcept;
    bool gives_up(const Endpoint& endpoint, uint64_t failures_seen) const noexcept;
    void drop_unproved(State& state, Endpoint& endpoint);
    void note_return(State& state, Slot& slot, db::Reuse reuse, bool lost) noexcept;
    void new_scope(Pool& pool) noexcept;
    void mark_if_empty(State& state, Pool& pool) noexcept;
    void tidy(State& state) noexcept;
    bool forget_endpoints(State& state);
    int64_t files_of_one() const noexcept { return settings_.file_cost.first; }
    void evict_for(State& state, const Pool& pool, Bound bound);
    void evict_ahead(State& state);
    bool evict_coldest_pool(State& state);
    bool evict_some(State& state);
    void evict(State& state, Slot& slot);
    void evict_pool(State& state, Pool& pool);
    std::unique_ptr<Slot> take_from_idle(State& state, Slot& slot);
    void retire(State& state, std::unique_ptr<Slot> slot) noexcept;
    void forget(State& state, Pool& pool);
    void put_back(std::unique_ptr<Slot> slot, bool turn, db::Reuse reuse) noexcept;
    void sample(Slot& slot, db::Reuse reuse) noexcept;
    void account(State& state, Slot& slot);
    bool usable(const State& state, const Slot& slot) const;
    void take_turn(Pool& pool, const Wait& wait);
    void give_turn(Pool& pool) noexcept;
    void leave_turn(Pool& pool) noexcept;
    void hand_turn(Pool& pool) noexcept;
    static bool turn_unused(const Pool& pool) noexcept;
    void sleep_for_turn(Access& state, Pool& pool, Waiter& waiter, const Wait& wait);
    void wake_maintenance(State& state, Pool* pool) noexcept;
    void wake_helper(State& state, Pool* pool) noexcept;
    bool help(Access& state);
    bool clean_abandoned(Access& state);
    bool close_one(Access& state);
    bool checkpoint_one(Access& state);
    bool sweep(State& state);
    bool claim_one(Access& state, int64_t& showing, const Pool* only = nullptr);
    static int64_t count_leased(const State& state, std::string_view key, uint64_t pass) noexcept;
    Error exhausted(const State& state, const Pool& pool) const;
    void report(Notice::Kind kind, const Pool& pool, std::string_view detail) const noexcept;

    Settings settings_;
    Opener opener_;
    Listener listener_;
    Guarded<State> state_;
    std::condition_variable work_;      // maintenance sleeps here
    std::condition_variable returned_;  // shutdown and fences sleep here
    Checkpoint checkpoint_;
};

}  // namespace mtdb::pool
