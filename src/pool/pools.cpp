// SPDX-License-Identifier: MIT
#include "pool/pools.hpp"

#include <algorithm>
#include <bit>
#include <thread>

namespace mtdb::pool {
namespace {

// How many leases a pool may give out while other tenants stand in line for a shared bound; then it
// waits for its own turn in that line, and what comes back to it makes room for the others.
constexpr int32_t burst_max = 4;
// How long a place's writer turn may go to newcomers while others wait for it: a hand-over costs
// more than a small transaction, and whoever wrote last has the pages at hand.
constexpr milliseconds turn_burst(10);
// How long it may then lie unused before the first of those who wait takes it.
constexpr std::chrono::microseconds turn_look(100);
// The clock that times are compared with lags behind by at most this.
constexpr milliseconds coarse_lag(10);
// What a connection is taken to need before its first sample.
constexpr int64_t memory_guess = 128 * 1024;

int64_t microseconds_since(Time begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - begin)
        .count();
}

}  // namespace

// One thread in a queue: of a pool for a lease, or of a pool's writers for the turn.
struct Pools::Waiter {
    enum class Outcome { waiting, has_slot, may_open, has_turn, refused, failed };
    Outcome outcome = Outcome::waiting;
    Holder* holder = nullptr;
    bool again = false;          // it was first already, and tried to connect
    uint64_t failures_seen = 0;  // by its server when it came
    std::unique_ptr<Slot> slot;
    bool looking = false;  // for the turn: its sleep is short
    std::condition_variable wake;
};

// Who stands in the db's line: a pool, or where connections are shared a server for its tenants,
// who stand in a line of its own.
struct Party {
    explicit Party(Pool* itself) : pool(itself) {}

    Pool* const pool;   // null: a server
    int32_t burst = 0;  // leases since others stand in line and this one does not have its turn
    bool in_line = false;
    // Its node of the line, here while it is in none: standing in line must not need memory.
    std::list<Party*> line_node{this};
    const std::list<Party*>::iterator line_place = line_node.begin();
};

// A server whose connections its tenants share.
struct Endpoint : Party {
    explicit Endpoint(int64_t which) : Party(nullptr), number(which) {}

    const int64_t number;
    int64_t pools = 0;    // tenants' pools of it
    int64_t open = 0;     // idle, leased and connecting
    int64_t closing = 0;  // no longer counted as open
    Pools::EndpointList idle;
    std::list<Party*> line;  // tenants that wait and whose own bounds let them, in turn
    int64_t connecting = 0;
    int64_t failures = 0;         // to connect, in a row
    uint64_t failures_total = 0;  // those that came at the same time count once
    bool reached = false;
    bool permanent = false;  // the last failure
    Time retry_at{};
    std::optional<Error> error;  // the last failure's
    uint64_t losses = 0;         // how often a connection that had worked was found dead
};

struct Pool : Party {
    explicit Pool(db::Place where) : Party(this), place(std::move(where)) {}

    Endpoint* endpoint = nullptr;  // where connections are shared
    std::string_view key;
    Pools::Entry* entry = nullptr;
    db::Place place;
    std::vector<std::unique_ptr<Slot>> idle;  // warmest last
    std::list<Pools::Waiter*> waiters;
    std::list<Pools::Waiter*> failed;  // were told, and have not gone yet
    std::list<Pools::Waiter*> writers;
    int64_t open = 0;     // idle, leased and connecting
    int64_t leased = 0;   // connecting included
    int64_t quiet = 0;    // of those, in the hands of maintenance, or without their connection any more
    int64_t closing = 0;  // no longer counted as open
    int64_t peak = 0;     // of open + closing since its file was last closed
    int64_t files = 0;
    bool connecting = false;
    bool fenced = false;
    bool files_closing = false;
    bool writing = false;
    bool writer_returns = false;  // a newcomer came, when the turn was last left to one
    Time turn_burst_end{};
    Time turn_left{};
    bool wants_checkpoint = false;
    std::atomic<uint64_t> mark{0};
    std::list<Pool*> checkpoint_node{this};
    const std::list<Pool*>::iterator checkpoint_place = checkpoint_node.begin();
    // Where connections are shared; then `open` are those that stand in this tenant.
    uint64_t tenant = 0;
    uint64_t place_stamp = 0;
    std::atomic<uint64_t> scope{0};
    std::atomic<bool> proved{false};  // there is such a tenant
    bool emptied = false;             // it is in the list of those
    Pool* next_emptied = nullptr;

    bool empty() const noexcept {
        return open == 0 && closing == 0 && leased == 0 && !fenced && waiters.empty() &&
               failed.empty() && writers.empty();
    }
};

namespace {

Party& party_of(Pool& pool) noexcept {
    return pool.endpoint != nullptr ? static_cast<Party&>(*pool.endpoint) : pool;
}

// Whose first waiter is the party's first; none: nobody waits.
Pool* first_of(const Party& party) noexcept {
    if (party.pool != nullptr) return party.pool->waiters.empty() ? nullptr : party.pool;
    const auto& line = static_cast<const Endpoint&>(party).line;
    return line.empty() ? nullptr : line.front()->pool;
}

uint64_t hash_of(const db::Place& place) noexcept {
    return base::hash64(place.path) ^ base::hash64(place.server) * 31;
}

}  // namespace

// ---- Lease, Fence -------------------------------------------------------------------------------

uint64_t Lease::mark() const noexcept { return pool_->mark.load(std::memory_order_acquire); }
void Lease::set_mark(uint64_t mark) noexcept { pool_->mark.store(mark, std::memory_order_release); }

uint64_t Lease::scope() const noexcept { return pool_->scope.load(std::memory_order_acquire); }
void Lease::bump_schema() noexcept {
    if (pool_->endpoint == nullptr) return;
    auto state = pools_->state_.lock();
    pools_->new_scope(*pool_);
}
void Lease::prove() noexcept {
    slot_->answered = true;
    if (!pool_->proved.load(std::memory_order_relaxed))
        pool_->proved.store(true, std::memory_order_release);
}

bool Lease::proved() const noexcept {
    return pool_->endpoint == nullptr || pool_->proved.load(std::memory_order_acquire);
}

bool Lease::confirm() noexcept {
    if (!std::exchange(slot_->unconfirmed, false) || connection().in_place()) return true;
    give_back();
    return false;
}

void Lease::set_pass(uint64_t pass) noexcept {
    auto state = pools_->state_.lock();
    slot_->pass = pass;
}

uint64_t Lease::pass() const noexcept {
    const auto state = pools_->state_.lock();
    return slot_->pass;
}

void Lease::take_turn(const Wait& wait) {
    if (turn_) return;
    pools_->take_turn(*pool_, wait);
    turn_ = true;
}

void Lease::give_turn() noexcept {
    if (std::exchange(turn_, false)) pools_->give_turn(*pool_);
}

void Lease::close() noexcept {
    if (slot_ == nullptr) return;
    slot_->passing = slot_->returns == 0;
    const bool closes = slot_->passing;
    give_back();
    if (closes) pools_->close_one();
}

bool Lease::return_slot() noexcept {
    bool rolled_back = false;
    db::Reuse reuse = db::Reuse::discard;
    if (slot_->connection != nullptr && !used_) {
        reuse = db::Reuse::clean;
    } else if (slot_->connection != nullptr) {
        rolled_back = slot_->connection->in_transaction();
        reuse = slot_->connection->end_lease();
        slot_->connection
            ->mark_lease();  // the next one: here it costs nobody who only takes and returns
        pools_->sample(*slot_, reuse);
    }
    pools_->put_back(std::move(slot_), std::exchange(turn_, false), reuse);
    return rolled_back;
}

void Lease::abandon(std::string origin) noexcept {
    if (slot_ == nullptr) return;
    auto state = pools_->state_.lock();
    if (slot_->connection == nullptr ||
        state->stopped) {  // shutdown took it, or there is no maintenance any more
        state.held().unlock();
        give_back();
        return;
    }
    ++pool_->quiet;
    slot_->in_maintenance = true;
    slot_->holder = nullptr;
    state->abandoned.push_back({std::move(slot_), std::exchange(turn_, false), std::move(origin)});
    pools_->wake_maintenance(*state, pool_);
    pools_->returned_.notify_all();
}

Fence::~Fence() {
    if (pools_ == nullptr) return;
    auto state = pools_->state_.lock();
    pool_->fenced = false;
    pools_->serve_all(*state, *pool_);
    pools_->returned_.notify_all();
    pools_->forget(*state, *pool_);
}

// ---- lists --------------------------------------------------------------------------------------

template <Slot* Slot::*Previous, Slot* Slot::*Next>
void Pools::IntrusiveList<Previous, Next>::push_back(Slot& slot) noexcept {
    slot.*Previous = last;
    slot.*Next = nullptr;
    (last != nullptr ? last->*Next : first) = &slot;
    last = &slot;
    ++size;
}

template <Slot* Slot::*Previous, Slot* Slot::*Next>
void Pools::IntrusiveList<Previous, Next>::remove(Slot& slot) noexcept {
    (slot.*Previous != nullptr ? slot.*Previous->*Next : first) = slot.*Next;
    (slot.*Next != nullptr ? slot.*Next->*Previous : last) = slot.*Previous;
    slot.*Previous = slot.*Next = nullptr;
    --size;
}

bool Touched::insert(std::vector<uint64_t>& table, uint64_t tenant) noexcept {
    if (tenant == 0) tenant = 1;  // 0 is a free place
    std::size_t at = (tenant * 0x9e3779b97f4a7c15U >> 32) & (table.size() - 1);
    while (table[at] != 0 && table[at] != tenant) at = (at + 1) & (table.size() - 1);
    return std::exchange(table[at], tenant) == 0;
}

void Touched::add(uint64_t tenant) noexcept {
    try {
        if (2 * static_cast<std::size_t>(size_) >= table_.size()) {
            std::vector<uint64_t> grown(std::max<std::size_t>(16, 2 * table_.size()));
            for (const uint64_t each : table_)
                if (each != 0) insert(grown, each);
            table_ = std::move(grown);
        }
        if (insert(table_, tenant)) ++size_;
    } catch (const std::bad_alloc&) {
        ++size_;
    }
}

// ---- acquire ------------------------------------------------------------------------------------

Pools::Pools(Settings settings, Opener opener, Checkpoint checkpoint, Listener listener)
    : settings_(settings),
      opener_(std::move(opener)),
      listener_(std::move(listener)),
      checkpoint_(std::move(checkpoint)) {
    state_.lock()->next_sweep = base::coarse_now() + settings_.sweep;
}

Pools::~Pools() = default;

Pool& Pools::pool_of(State& state, std::string_view key, const Target& target) {
    auto found = state.entries.find(key);
    if (found != state.entries.end() && found->second.pool != nullptr) {
        Pool& pool = *found->second.pool;
        if (!target.constant) follow_route(state, pool, target.place());
        return pool;
    }
    auto pool = std::make_unique<Pool>(target.place());
    Endpoint* const endpoint =
        settings_.shares_connections ? &endpoint_of(state, pool->place.server) : nullptr;
    auto kept = endpoint != nullptr && (found == state.entries.end() || !found->second.kept)
                    ? std::make_unique<Kept>()
                    : nullptr;
    if (found == state.entries.end())
        found = state.entries.emplace(std::string(key), Entry{}).first;
    pool->key = found->first;
    pool->entry = &found->second;
    if (kept != nullptr) found->second.kept = std::move(kept);
    if (endpoint != nullptr) join(state, *pool, *endpoint);
    found->second.pool = std::move(pool);
    return *found->second.pool;
}

// The tenant may have moved: idle connections of the old place go, leases there hold the new one
// up.
void Pools::follow_route(State& state, Pool& pool, db::Place place) {
    if (pool.place == place) return;
    const bool elsewhere = pool.endpoint != nullptr && pool.place.server != place.server;
    if (pool.leased > 0 || pool.fenced || (elsewhere && !pool.waiters.empty()))
        throw Error(Code::busy,
                    "the tenant's route changed while it is in use; it takes effect once its "
                    "leases are back");
    if (pool.endpoint == nullptr || elsewhere) evict_pool(state, pool);
    if (elsewhere) {
        Endpoint& endpoint = endpoint_of(state, place.server);
        --pool.endpoint->pools;
        ++endpoint.pools;
        pool.endpoint = &endpoint;
    }
    pool.place = std::move(place);
    if (pool.endpoint == nullptr) return;
    pool.place_stamp = ++state.last_stamp;
    pool.mark.store(0, std::memory_order_release);
    pool.entry->kept->place = hash_of(pool.place);
    new_scope(pool);
}

Situation Pools::situation_of(const State& state, const Pool& pool) const {
    Situation now;
    now.idle = static_cast<int64_t>(pool.idle.size());
    now.leased = pool.leased;
    now.fenced = pool.fenced;
    now.tenants = state.tenants;
    now.connections = state.connections;
    now.files = state.files;
    if (const Endpoint* const endpoint = pool.endpoint) {
        now.movable = endpoint->idle.size - now.idle;
        now.open = endpoint->open;
        now.closing = endpoint->closing;
        const Dial dial = next_dial(
            {.connecting = endpoint->connecting,
             .failures = endpoint->failures,
             .reached = endpoint->reached,
             .early = endpoint->failures > 0 && base::Clock::now() < endpoint->retry_at});
        now.connecting = dial == Dial::busy;
        now.backing_off = dial == Dial::back_off;
        now.files_needed = files_of_one();
    } else {
        now.open = pool.open;
        now.connecting = pool.connecting;
        const auto peak = static_cast<int32_t>(std::max(pool.peak, pool.open + pool.closing + 1));
        now.files_needed = settings_.file_cost.of(peak) - pool.files;
    }
    now.memory = state.memory;
    now.memory_needed = state.connections > 0
                            ? std::max(memory_guess, state.memory / state.connections)
                            : memory_guess;
    return now;
}

Decision Pools::decide(const State& state, const Pool& pool) const {
    return next_step(situation_of(state, pool), settings_.limits);
}

Lease Pools::acquire(std::string_view key, const Target& target, const Wait& wait, Holder* holder) {
    auto state = state_.lock();
    if (state->refusing) throw Error(Code::closed, "the db is closed");
    if (settings_.shares_connections) return acquire_shared(state, key, target, wait, holder);
    Pool& pool = pool_of(*state, key, target);
    ++state->stats.acquires;
    ++pool.entry->acquires;
    if (pool.waiters.empty() && !held_back(*state, pool)) {  // nobody is overtaken
        Decision decision = decide(*state, pool);
        if (decision.step == Step::wait && shared_bound(decision.bound)) {
            evict_for(*state, pool, decision.bound);
            decision = decide(*state, pool);
        }
        if (decision.step == Step::take_idle) {
            count_burst(*state, pool);
            return Lease(*this, pool, take_idle(*state, pool, holder));
        }
        if (decision.step == Step::open) {
            reserve(*state, pool);
            count_burst(*state, pool);
            return open_lease(state, pool, wait, holder);
        }
    }
    return wait_for_lease(state, pool, wait, holder);
}

Lease Pools::try_idle(std::string_view key, Holder* holder) noexcept {
    auto state = state_.lock();
    const auto found = state->entries.find(key);
    if (found == state->entries.end() || state->refusing) return {};
    Pool* const pool = found->second.pool.get();
    if (pool == nullptr || pool->idle.empty() || !pool->waiters.empty() || pool->fenced) return {};
    if (pool->endpoint != nullptr) return try_shared(state, *pool, holder);
    if (held_back(*state, *pool)) return {};
    const int64_t leases_max = settings_.limits.leases_max;
    if (leases_max > 0 && pool->leased >= leases_max) return {};
    ++state->stats.acquires;
    ++found->second.acquires;
    count_burst(*state, *pool);
    return Lease(*this, *pool, take_idle(*state, *pool, holder));
}

Lease Pools::wait_for_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder) {
    Waiter waiter;
    waiter.holder = holder;
    await(state, pool, waiter, wait);
    if (waiter.outcome == Waiter::Outcome::has_slot)
        return Lease(*this, pool, std::move(waiter.slot));
    return open_lease(state, pool, wait, holder);
}

// Until the waiter has a slot or may open one; throws otherwise.
void Pools::await(Access& state, Pool& pool, Waiter& waiter, const Wait& wait) {
    const Time begin = base::Clock::now();
    const auto place =
        pool.waiters.insert(waiter.again ? pool.waiters.begin() : pool.waiters.end(), &waiter);
    ++state->stats.waits;
    if (pool.endpoint != nullptr) queue_up(pool);
    stand_in_line(*state, party_of(pool));
    if (waiter.again) serve_all(*state, pool);
    while (waiter.outcome == Waiter::Outcome::waiting && !wait.over()) {
        if (!settings_.helpers && help(state)) continue;
        doze(state, pool, waiter, wait);
    }
    Entry& entry = *pool.entry;
    const int64_t waited = microseconds_since(begin);
    ++entry.waits;
    entry.wait_us += waited;
    state->stats.wait_us += waited;
    if (waiter.outcome == Waiter::Outcome::has_slot || waiter.outcome == Waiter::Outcome::may_open)
        return;
    // Until here it kept the pool.
    (waiter.outcome == Waiter::Outcome::failed ? pool.failed : pool.waiters).erase(place);
    if (pool.endpoint != nullptr) queue_up(pool);
    ++entry.failures;
    struct Leave {  // also when there is no memory for the error
        Pools& pools;
        State& state;
        Pool& pool;
        ~Leave() {
            pools.serve_all(state, pool);
            if (!state.closing.empty() || !state.abandoned.empty())
                pools.wake_helper(state, pool.endpoint != nullptr ? &pool : nullptr);
            if (pool.endpoint == nullptr) pools.forget(state, pool);
        }
    } leave{*this, *state, pool};
    if (waiter.outcome == Waiter::Outcome::waiting && !wait.cancelled() && !wait.shut_down())
        ++state->stats.exhausted;
    throw failure_to_lease(*state, pool, waiter, wait);
}

// The first in a server's line also wakes up when connecting is to be tried again.
void Pools::doze(Access& state, Pool& pool, Waiter& waiter, const Wait& wait) {
    Wait nap = wait;
    if (const Endpoint* const endpoint = pool.endpoint;
        endpoint != nullptr && endpoint->failures > 0 && first_of(*endpoint) == &pool &&
        pool.waiters.front() == &waiter) {
        const Decision decision = decide(*state, pool);
        if (decision.bound == Bound::back_off)
            nap.deadline = wait.deadline.earlier(Deadline::at(endpoint->retry_at));
        else if (decision.step != Step::wait)
            serve_all(*state, pool);
        if (waiter.outcome != Waiter::Outcome::waiting) return;
    }
    nap.sleep(state.held(), waiter.wake);
}

Error Pools::failure_to_lease(const State& state, const Pool& pool, const Waiter& waiter,
                              const Wait& wait) const {
    if (waiter.outcome == Waiter::Outcome::refused)
        return Error(Code::closed, "the db is closed");
    if (waiter.outcome == Waiter::Outcome::failed) return pool.endpoint->error->with_tenant(pool.key);
    if (wait.cancelled() || wait.shut_down()) return wait.error("a connection");
    if (pool.endpoint != nullptr && pool.endpoint->failures > 0) {
        const Bound bound = decide(state, pool).bound;
        if (bound == Bound::none || bound == Bound::back_off || bound == Bound::connecting)
            return pool.endpoint->error->with_tenant(pool.key);
    }
    return exhausted(state, pool);
}

std::unique_ptr<Slot> Pools::opened(Pool& pool, const Wait& wait) {
    auto slot = std::make_unique<Slot>(settings_.statements_max);
    slot->connection = opener_(pool.place, wait);
    slot->memory = slot->connection->memory_bytes();
    slot->connection->mark_lease();
    return slot;
}

// The place was reserved. Connects without the lock; what goes wrong is this caller's alone.
Lease Pools::open_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder) {
    std::unique_ptr<Slot> slot;
    try {
        slot = state.unlocked([&] { return opened(pool, wait); });
    } catch (...) {
        unreserve(*state, pool);
        ++state->stats.open_failures;
        ++pool.entry->failures;
        serve_all(*state, pool);
        returned_.notify_all();
        forget(*state, pool);
        throw;
    }
    pool.connecting = false;
    Lease lease = enrol(*state, pool, std::move(slot), holder);
    if (state->refusing) {
        state.held().unlock();
        lease = Lease();
        throw Error(Code::closed, "the db is closed");
    }
    serve_all(*state, pool);
    evict_ahead(*state);
    return lease;
}

// A new connection is one of those that are leased.
Lease Pools::enrol(State& state, Pool& pool, std::unique_ptr<Slot> slot, Holder* holder) {
    slot->pool = &pool;
    slot->confirmed_sweep = state.sweeps;
    if (settings_.lifetime.count() > 0) {
        const int64_t lifetime = settings_.lifetime.count();
        const auto spread = std::max<int64_t>(1, lifetime * settings_.jitter_percent / 100);
        const auto random = static_cast<int64_t>(reinterpret_cast<uintptr_t>(slot.get()) / 16 %
                                                 static_cast<uint64_t>(spread));
        slot->expires = base::coarse_now() + milliseconds(lifetime - random);
    }
    state.memory += slot->memory;
    ++state.stats.opens;
    ++pool.entry->opens;
    slot->holder = holder;
    state.leased.push_back(*slot);
    return Lease(*this, pool, std::move(slot));
}

std::unique_ptr<Slot> Pools::take_idle(State& state, Pool& pool, Holder* holder) {
    std::unique_ptr<Slot> slot = std::move(pool.idle.back());
    pool.idle.pop_back();
    state.idle.remove(*slot);
    if (slot->endpoint != nullptr) hand_out(*slot);
    ++pool.leased;
    slot->holder = holder;
    slot->unconfirmed |= std::exchange(slot->confirmed_sweep, state.sweeps) != state.sweeps;
    state.leased.push_back(*slot);
    return slot;
}

namespace {

void room(auto& list, int64_t size) {
    const auto wanted = static_cast<std::size_t>(size);
    if (list.capacity() < wanted) list.reserve(std::max(wanted, 2 * list.capacity()));
}

}  // namespace

// Also takes the memory that the connection's way back needs: giving back must not fail.
void Pools::reserve(State& state, Pool& pool) {
    room(pool.idle, pool.open + 1);
    room(state.closing, state.connections + 1);
    room(state.abandoned, state.connections + 1);
    if (Endpoint* const endpoint = pool.endpoint) {
        if (endpoint->open == 0) ++state.tenants;
        ++endpoint->open;
        ++endpoint->connecting;
        ++pool.open;
        ++pool.leased;
        ++state.connections;
        state.files += files_of_one();
        return;
    }
    if (pool.files_closing) {
        pool.files_closing = false;
        state.closing_files -= pool.files;
    }
    if (pool.open == 0) ++state.tenants;
    ++pool.open;
    ++pool.leased;
    ++state.connections;
    pool.connecting = true;
    pool.peak = std::max(pool.peak, pool.open + pool.closing);
    const int64_t files = settings_.file_cost.of(static_cast<int32_t>(pool.peak));
    state.files += files - pool.files;
    pool.files = files;
}

void Pools::unreserve(State& state, Pool& pool) {
    pool.connecting = false;
    --pool.leased;
    --state.connections;
    if (Endpoint* const endpoint = pool.endpoint) {
        --endpoint->connecting;
        --pool.open;
        if (--endpoint->open == 0) --state.tenants;
        state.files -= files_of_one();
        return;
    }
    if (--pool.open > 0) return;
    --state.tenants;
    if (pool.closing > 0) {
        pool.files_closing = true;
        state.closing_files += pool.files;
        return;
    }
    state.files -= pool.files;
    pool.files = pool.peak = 0;
}

// Gives the pool's first waiter what the step allows.
bool Pools::grant(State& state, Pool& pool, Step step) noexcept {
    Waiter& waiter = *pool.waiters.front();
    if (step == Step::take_idle) {
        waiter.slot = take_idle(state, pool, waiter.holder);
        waiter.outcome = Waiter::Outcome::has_slot;
    } else if (step == Step::move || step == Step::open) {
        try {
            if (step == Step::move)
                waiter.slot = move_idle(state, pool, waiter.holder);
            else
                reserve(state, pool);
        } catch (const std::bad_alloc&) {
            return false;  // it goes on waiting
        }
        waiter.outcome =
            step == Step::move ? Waiter::Outcome::has_slot : Waiter::Outcome::may_open;
    } else {
        return false;
    }
    pool.waiters.pop_front();
    waiter.wake.notify_one();
    return true;
}

// ---- the line -----------------------------------------------------------------------------------
// Parties whose waiters a shared bound holds up stand in one line. Its first gets what comes free,
// then goes to the end. A party that can go on without the shared bound may do so for a burst, then
// it stands in line like the others.

bool Pools::others_in_line(const State& state, const Party& party) const noexcept {
    return !state.line.empty() && !(party.in_line && state.line.size() == 1);
}

bool Pools::held_back(const State& state, const Party& party) const noexcept {
    return party.burst >= burst_max && others_in_line(state, party);
}

void Pools::count_burst(const State& state, Party& party) const noexcept {
    party.burst = others_in_line(state, party) ? party.burst + 1 : 0;
}

// Where the party's first waiter is held up by what others share.
void Pools::stand_in_line(State& state, Party& party) noexcept {
    const Pool* const first = first_of(party);
    if (party.in_line || first == nullptr) return;
    const Decision decision = decide(state, *first);
    if (decision.step == Step::wait ? !shared_bound(decision.bound) : !held_back(state, party))
        return;
    party.in_line = true;
    state.line.splice(state.line.end(), party.line_node);
}

// Also a tenant the line of its server.
void Pools::leave_line(State& state, Party& party) noexcept {
    if (!std::exchange(party.in_line, false)) return;
    const bool tenant = party.pool != nullptr && party.pool->endpoint != nullptr;
    party.line_node.splice(party.line_node.end(),
                           tenant ? party.pool->endpoint->line : state.line, party.line_place);
}

// Serves a pool's own waiters as far as they can be served now.
void Pools::serve_pool(State& state, Pool& pool) noexcept {
    if (state.refusing) return;
    if (pool.endpoint != nullptr) return serve_tenant(state, pool);
    while (!pool.waiters.empty() && !held_back(state, pool) &&
           grant(state, pool, decide(state, pool).step))
        count_burst(state, pool);
    stand_in_line(state, pool);
}

void Pools::serve_party(State& state, Party& party) noexcept {
    if (party.pool != nullptr) return serve_pool(state, *party.pool);
    serve_endpoint(state, static_cast<Endpoint&>(party));
}

// Serves the line, one lease each, as far as it can be served now.
void Pools::serve_line(State& state) noexcept {
    while (!state.line.empty() && !state.refusing) {
        Party& party = *state.line.front();
        const Pool* const pool = first_of(party);
        Decision decision = pool == nullptr ? Decision{} : decide(state, *pool);
        if (decision.step == Step::wait && shared_bound(decision.bound)) {
            evict_for(state, *pool, decision.bound);
            decision = decide(state, *pool);
            if (decision.step == Step::wait) return;  // it stays first
        }
        leave_line(state, party);
        party.burst = 0;
        if (pool == nullptr || !grant_first(state, party, decision.step)) continue;
        if (first_of(party) == nullptr) continue;
        party.in_line = !state.line.empty();  // to its end; alone, it is served as any party
        if (party.in_line)
            state.line.splice(state.line.end(), party.line_node);
        else
            serve_party(state, party);
    }
}

// What came free is for the line first, then for the pool that it came from.
void Pools::serve_all(State& state, Pool& pool) noexcept {
    serve_line(state);
    serve_pool(state, pool);
    serve_line(state);
}

// Gives the party's first waiter what the step allows.
bool Pools::grant_first(State& state, Party& party, Step step) noexcept {
    Pool& pool = *first_of(party);
    if (!grant(state, pool, step)) return false;
    if (pool.endpoint == nullptr) return true;
    pool.burst = 0;  // it had its turn
    leave_line(state, pool);
    queue_up(pool);
    return true;
}

// ---- shared connections -------------------------------------------------------------------------
// A server's line holds its tenants that wait and that neither a fence nor their own bound on
// leases holds up: its first gets what comes free, then goes to the end. What a tenant gives back is
// its own waiter's for a burst.

Endpoint& Pools::endpoint_of(State& state, const std::string& server) {
    auto found = state.endpoints.find(server);
    if (found == state.endpoints.end())
        found = state.endpoints
                    .emplace(server, std::make_unique<Endpoint>(state.last_server + 1))
                    .first;
    state.last_server = std::max(state.last_server, found->second->number);
    return *found->second;
}

void Pools::join(State& state, Pool& pool, Endpoint& endpoint) noexcept {
    Kept& kept = *pool.entry->kept;
    ++endpoint.pools;
    pool.endpoint = &endpoint;
    pool.place_stamp = ++state.last_stamp;
    const uint64_t place = hash_of(pool.place);
    const bool known = kept.scope != 0;
    if (!known) kept.scope = Scope::first_of(++state.last_tenant);
    if (known && kept.place == place) pool.mark.store(kept.mark, std::memory_order_release);
    if (known && kept.place != place) kept.scope = Scope::next(kept.scope);
    kept.place = place;
    pool.proved.store(known, std::memory_order_release);
    pool.scope.store(kept.scope, std::memory_order_release);
    pool.tenant = Scope::tenant_of(kept.scope);
}

void Pools::new_scope(Pool& pool) noexcept {
    uint64_t& scope = pool.entry->kept->scope;
    scope = Scope::next(scope);
    pool.scope.store(scope, std::memory_order_release);
}

Lease Pools::acquire_shared(Access& state, std::string_view key, const Target& target,
                            const Wait& wait, Holder* holder) {
    for (;;) {  // each time round has closed a connection that was dead
        Pool& pool = pool_of(*state, key, target);
        ++state->stats.acquires;
        ++pool.entry->acquires;
        if (target.proved) drop_unproved(*state, *pool.endpoint);
        Lease lease = lease_shared(state, pool, wait, holder);
        tidy(*state);
        const bool refusing = state->refusing;
        state.held().unlock();
        if (refusing) {
            lease = Lease();
            throw Error(Code::closed, "the db is closed");
        }
        if (prepared(lease, target.proved)) return lease;
        put_back(std::move(lease.slot_), false, db::Reuse::discard);
        state.held().lock();
        if (state->refusing) throw Error(Code::closed, "the db is closed");
    }
}

// An idle one of the tenant's own. Nobody is overtaken.
Lease Pools::try_shared(Access& state, Pool& pool, Holder* holder) noexcept {
    Endpoint& endpoint = *pool.endpoint;
    if (first_of(endpoint) != nullptr || held_back(*state, endpoint)) return {};
    const int64_t leases_max = settings_.limits.leases_max;
    if (leases_max > 0 && pool.leased >= leases_max) return {};
    ++state->stats.acquires;
    ++pool.entry->acquires;
    count_burst(*state, endpoint);
    Lease lease(*this, pool, take_idle(*state, pool, holder));
    state.held().unlock();
    if (!prepared(lease, false)) put_back(std::move(lease.slot_), false, db::Reuse::discard);
    return lease;
}

Lease Pools::lease_shared(Access& state, Pool& pool, const Wait& wait, Holder* holder) try {
    Endpoint& endpoint = *pool.endpoint;
    Waiter waiter;
    waiter.holder = holder;
    waiter.failures_seen = endpoint.failures_total;
    if (endpoint.permanent && endpoint.open == 0 && base::Clock::now() < endpoint.retry_at) {
        ++pool.entry->failures;
        throw endpoint.error->with_tenant(pool.key);
    }
    // Nobody is overtaken.
    if (pool.waiters.empty() && first_of(endpoint) == nullptr && !held_back(*state, endpoint)) {
        Decision decision = decide(*state, pool);
        if (decision.step == Step::wait && shared_bound(decision.bound)) {
            evict_for(*state, pool, decision.bound);
            decision = decide(*state, pool);
        }
        if (decision.step == Step::open) {
            reserve(*state, pool);
            waiter.outcome = Waiter::Outcome::may_open;
        } else if (decision.step != Step::wait) {
            waiter.slot = decision.step == Step::move ? move_idle(*state, pool, holder)
                                                      : take_idle(*state, pool, holder);
            waiter.outcome = Waiter::Outcome::has_slot;
        }
        if (decision.step != Step::wait) count_burst(*state, endpoint);
    }
    for (;;) {
        if (waiter.outcome == Waiter::Outcome::waiting) await(state, pool, waiter, wait);
        if (waiter.outcome == Waiter::Outcome::has_slot)
            return Lease(*this, pool, std::move(waiter.slot));
        waiter.outcome = Waiter::Outcome::waiting;
        Lease lease = open_shared(state, pool, waiter, wait);
        if (lease) return lease;
        waiter.again = true;
    }
} catch (...) {
    forget(*state, pool);
    throw;
}

// The place was reserved. Connects without the lock. An empty lease: it failed, and is worth waiting
// for the next try.
Lease Pools::open_shared(Access& state, Pool& pool, const Waiter& waiter, const Wait& wait) {
    Endpoint& endpoint = *pool.endpoint;
    const int64_t failures_before = endpoint.failures;
    const uint64_t losses_before = endpoint.losses;
    std::unique_ptr<Slot> slot;
    try {
        slot = state.unlocked([&] { return opened(pool, wait); });
    } catch (const std::exception& thrown) {
        const auto* const error = dynamic_cast<const Error*>(&thrown);
        unreserve(*state, pool);
        ++state->stats.open_failures;
        const Failure failure =
            error == nullptr || wait.over() || state->refusing ? Failure::own : failure_of(error->code());
        if (failure != Failure::own) note_failure(endpoint, *error, failure, failures_before);
        const bool hopeless = failure == Failure::missing ||
                              (failure == Failure::permanent && endpoint.open == 0);
        if (failure != Failure::own) fail_waiters(endpoint, hopeless && endpoint.open == 0);
        returned_.notify_all();
        if (failure != Failure::own && !hopeless && !gives_up(endpoint, waiter.failures_seen))
            return {};
        ++pool.entry->failures;
        serve_all(*state, pool);
        throw;
    }
    --endpoint.connecting;
    endpoint.failures = 0;
    endpoint.reached = true;
    endpoint.permanent = false;
    slot->endpoint = &endpoint;
    slot->opened = true;
    slot->proved_at = losses_before;
    slot->leased_at = endpoint.losses;
    Lease lease = enrol(*state, pool, std::move(slot), waiter.holder);
    serve_all(*state, pool);
    evict_ahead(*state);
    return lease;
}

void Pools::note_failure(Endpoint& endpoint, const Error& error, Failure failure,
                         int64_t failures_before) noexcept {
    endpoint.error = error;
    if (failure == Failure::missing) {
        ++endpoint.failures_total;
        return;
    }
    endpoint.permanent = failure == Failure::permanent;
    if (endpoint.failures != failures_before) return;  // another one failed at the same time
    ++endpoint.failures_total;
    ++endpoint.failures;
    const Time now = base::Clock::now();
    endpoint.retry_at = now + backoff(endpoint.failures, settings_.retry_interval,
                                      settings_.retry_interval_max,
                                      static_cast<uint64_t>(now.time_since_epoch().count()) *
                                              0x9e3779b97f4a7c15U >>
                                          20);
}

bool Pools::gives_up(const Endpoint& endpoint, uint64_t failures_seen) const noexcept {
    return settings_.retries_max >= 0 &&
           endpoint.failures_total - failures_seen > static_cast<uint64_t>(settings_.retries_max);
}

// Those who have sat through enough failures, or all.
void Pools::fail_waiters(Endpoint& endpoint, bool all) noexcept {
    for (auto at = endpoint.line.begin(); at != endpoint.line.end();) {
        Pool& pool = *(*at++)->pool;
        for (auto each = pool.waiters.begin(); each != pool.waiters.end();) {
            const auto waiter = each++;
            if (!all && !gives_up(endpoint, (*waiter)->failures_seen)) continue;
            (*waiter)->outcome = Waiter::Outcome::failed;
            (*waiter)->wake.notify_one();
            pool.failed.splice(pool.failed.end(), pool.waiters, waiter);
        }
        queue_up(pool);
    }
}

// By the thread that got the lease, before anyone uses it; sends nothing. False: the connection may
// be dead.
bool Pools::prepared(Lease& lease, bool proved) noexcept {
    Slot& slot = *lease.slot_;
    const Pool& pool = *lease.pool_;
    const bool suspect = !slot.opened && slot.proved_at < slot.leased_at;
    const bool unconfirmed = std::exchange(slot.unconfirmed, false);
    if (suspect && proved) return false;
    if ((suspect || unconfirmed) && !slot.connection->in_place()) return false;
    if (slot.tenant == pool.tenant && slot.place_stamp == pool.place_stamp) return true;
    slot.connection->pin(pool.place, slot.tenant != 0 && slot.tenant != pool.tenant);
    slot.tenant = pool.tenant;
    slot.place_stamp = pool.place_stamp;
    if (settings_.touched_max > 0) slot.touched.add(base::hash64(pool.key));
    return true;
}

void Pools::hand_out(Slot& slot) noexcept {
    slot.endpoint->idle.remove(slot);
    slot.leased_at = slot.endpoint->losses;
    slot.answered = slot.opened = false;
}

// The server's coldest idle connection changes its tenant.
std::unique_ptr<Slot> Pools::move_idle(State& state, Pool& pool, Holder* holder) {
    room(pool.idle, pool.open + 1);
    Slot& coldest = *pool.endpoint->idle.first;
    Pool& before = *coldest.pool;
    std::unique_ptr<Slot> slot = take_from_idle(state, coldest);
    slot->leased_at = pool.endpoint->losses;
    slot->answered = slot->opened = false;
    --before.open;
    mark_if_empty(state, before);
    slot->unconfirmed |= std::exchange(slot->confirmed_sweep, state.sweeps) != state.sweeps;
    slot->pool = &pool;
    slot->holder = holder;
    ++pool.open;
    ++pool.leased;
    ++state.stats.moves;
    state.leased.push_back(*slot);
    return slot;
}

// In or out of its server's line, as its own bounds say now.
void Pools::queue_up(Pool& pool) noexcept {
    const int64_t leases_max = settings_.limits.leases_max;
    const bool waits = !pool.waiters.empty() && !pool.fenced &&
                       (leases_max == 0 || pool.leased < leases_max);
    auto& line = pool.endpoint->line;
    if (waits == pool.in_line) return;
    pool.in_line = waits;
    if (waits)
        line.splice(line.end(), pool.line_node);
    else
        pool.line_node.splice(pool.line_node.end(), line, pool.line_place);
}

// The tenant's own idle connections go to its waiters for a burst, all else to the server's line.
void Pools::serve_tenant(State& state, Pool& pool) noexcept {
    Endpoint& endpoint = *pool.endpoint;
    queue_up(pool);
    while (pool.in_line && !pool.idle.empty() && !held_back(state, endpoint)) {
        const bool alone = endpoint.line.size() == 1;
        if (!alone && pool.burst >= burst_max) break;
        if (!grant(state, pool, Step::take_idle)) break;
        pool.burst = alone ? 0 : pool.burst + 1;
        count_burst(state, endpoint);
        queue_up(pool);
    }
    serve_endpoint(state, endpoint);
}

void Pools::serve_endpoint(State& state, Endpoint& endpoint) noexcept {
    while (first_of(endpoint) != nullptr && !held_back(state, endpoint) &&
           grant_first(state, endpoint, decide(state, *first_of(endpoint)).step))
        count_burst(state, endpoint);
    stand_in_line(state, endpoint);
    if (endpoint.failures > 0 && first_of(endpoint) != nullptr)  // it looks when to try again
        first_of(endpoint)->waiters.front()->wake.notify_one();
}

void Pools::drop_unproved(State& state, Endpoint& endpoint) {
    for (Slot* slot = endpoint.idle.first; slot != nullptr;) {
        Slot* const next = slot->endpoint_next;
        if (slot->proved_at < endpoint.losses) evict(state, *slot);
        slot = next;
    }
}

// A connection that worked as late as any other was found dead: perhaps all are.
void Pools::note_return(State& state, Slot& slot, db::Reuse reuse, bool lost) noexcept {
    Endpoint& endpoint = *slot.endpoint;
    if (slot.answered && reuse == db::Reuse::clean)
        slot.proved_at = std::max(slot.proved_at, slot.leased_at);
    if (!lost || slot.proved_at < endpoint.losses) return;
    ++endpoint.losses;
    ++state.stats.losses;
}

void Pools::mark_if_empty(State& state, Pool& pool) noexcept {
    if (pool.emptied || !pool.empty()) return;
    pool.emptied = true;
    pool.next_emptied = std::exchange(state.emptied, &pool);
}

// Frees the pools of tenants that no connection stands in any more. What is known of a tenant stays
// when there is such a one.
void Pools::tidy(State& state) noexcept {
    while (Pool* const pool = state.emptied) {
        state.emptied = std::exchange(pool->next_emptied, nullptr);
        pool->emptied = false;
        if (!pool->empty()) continue;
        leave_line(state, *pool);
        if (pool->wants_checkpoint)
            pool->checkpoint_node.splice(pool->checkpoint_node.end(), state.to_checkpoint,
                                         pool->checkpoint_place);
        --pool->endpoint->pools;
        if (pool->proved.load(std::memory_order_acquire)) {
            pool->entry->kept->mark = pool->mark.load(std::memory_order_acquire);
            pool->entry->pool.reset();
        } else {
            state.entries.erase(state.entries.find(pool->key));
        }
    }
}

// Servers without a tenant. That of the db's own url stays, and those whose back-off is on.
bool Pools::forget_endpoints(State& state) {
    const Time now = base::Clock::now();
    return std::erase_if(state.endpoints, [&](const auto& each) {
               Endpoint& endpoint = *each.second;
               if (endpoint.pools > 0 || endpoint.open > 0 || endpoint.closing > 0) return false;
               if (now < endpoint.retry_at || each.first.empty()) return false;
               leave_line(state, endpoint);
               return true;
           }) > 0;
}

// ---- what is in the way -------------------------------------------------------------------------

Error Pools::exhausted(const State& state, const Pool& pool) const {
    const std::string key(pool.key);
    Bound bound = decide(state, pool).bound;
    if (bound == Bound::none && !state.line.empty() && first_of(*state.line.front()) != nullptr)
        bound = decide(state, *first_of(*state.line.front())).bound;
    const char* option = option_of(bound);
    std::string message = "no connection for tenant '" + key + "' within the deadline: ";
    if (bound == Bound::pool_size && pool.endpoint != nullptr) {
        message += std::to_string(pool.endpoint->open - pool.endpoint->idle.size) +
                   " connections of its server are leased (" + option + ")";
    } else if (bound == Bound::pool_size || bound == Bound::tenant_leases) {
        message += std::to_string(pool.leased) + " of its connections are leased (" + option + ")";
    } else if (bound == Bound::fence) {
        message += "it is being dropped";
    } else if (bound == Bound::connecting) {
        message += "another caller is still connecting";
    } else {
        std::string_view top;
        int64_t most = 0;
        for (const auto& [name, entry] : state.entries)
            if (entry.pool != nullptr && entry.pool->leased > most) {
                most = entry.pool->leased;
                top = name;
            }
        message += std::string("the limit ") + option + " is reached by " +
                   std::to_string(state.leased.size) + " leases";
        if (most > 0)
            message +=
                ", " + std::to_string(most) + " of them of tenant '" + std::string(top) + "'";
    }
    return Error(Code::pool_exhausted, message).with_tenant(key).with_limit(option);
}

// ---- eviction -----------------------------------------------------------------------------------

std::unique_ptr<Slot> Pools::take_from_idle(State& state, Slot& slot) {
    auto& idle = slot.pool->idle;
    const auto found = std::find_if(idle.begin(), idle.end(),
                                    [&](const auto& each) { return each.get() == &slot; });
    std::unique_ptr<Slot> taken = std::move(*found);
    idle.erase(found);
    state.idle.remove(slot);
    if (slot.endpoint != nullptr) slot.endpoint->idle.remove(slot);
    return taken;
}

// To the closing list: closing is I/O, so somebody does it without the lock.
void Pools::retire(State& state, std::unique_ptr<Slot> slot) noexcept {
    Pool& pool = *slot->pool;
    --pool.open;
    ++pool.closing;
    ++state.closing_slots;
    state.closing_memory += slot->memory;
    if (Endpoint* const endpoint = slot->endpoint) {
        ++endpoint->closing;
        if (--endpoint->open == 0) --state.tenants;
        state.closing_files += files_of_one();
    } else if (pool.open == 0) {
        --state.tenants;
        pool.mark.store(0, std::memory_order_release);
        pool.files_closing = true;
        state.closing_files += pool.files;
    }
    state.closing.push_back(std::move(slot));
    wake_maintenance(state, &pool);
}

void Pools::evict(State& state, Slot& slot) {
    ++state.stats.evictions;
    retire(state, take_from_idle(state, slot));
}

void Pools::evict_pool(State& state, Pool& pool) {
    while (!pool.idle.empty()) evict(state, *pool.idle.back());
}

// The pool, or the server, that has been unused longest, among those of which nothing is leased.
bool Pools::evict_coldest_pool(State& state) {
    for (Slot* slot = state.idle.first; slot != nullptr; slot = slot->next) {
        if (Endpoint* const endpoint = slot->endpoint) {
            if (endpoint->open > endpoint->idle.size) continue;
            while (endpoint->idle.first != nullptr) evict(state, *endpoint->idle.first);
            return true;
        }
        if (slot->pool->leased > 0) continue;
        evict_pool(state, *slot->pool);
        return true;
    }
    return false;
}

// As little as gives files back.
bool Pools::evict_some(State& state) {
    if (!settings_.shares_connections) return evict_coldest_pool(state);
    if (state.idle.first == nullptr) return false;
    evict(state, *state.idle.first);
    return true;
}

// Makes room for one connection of `pool`, counting what is already on its way out.
void Pools::evict_for(State& state, const Pool& pool, Bound bound) {
    const Limits& limits = settings_.limits;
    const Situation now = situation_of(state, pool);
    switch (bound) {
        case Bound::tenants:
            evict_coldest_pool(state);
            break;
        case Bound::connections:
            if (state.connections - state.closing_slots >= limits.connections_max &&
                state.idle.first != nullptr)
                evict(state, *state.idle.first);
            break;
        case Bound::files:
            while (state.files - state.closing_files + now.files_needed > limits.files_max &&
                   evict_some(state)) {
            }
            break;
        case Bound::memory:
            while (state.memory - state.closing_memory + now.memory_needed > limits.memory_max &&
                   state.idle.first != nullptr)
                evict(state, *state.idle.first);
            break;
        default:
            break;
    }
}

// Near a bound, the coldest pools go before anyone has to wait for their closing.
void Pools::evict_ahead(State& state) {
    if (!settings_.helpers) return;
    const auto high = [](int64_t value, int64_t bound) {
        return bound >= 64 && value > bound - bound / 16;
    };
    const auto crowded = [&] {
        return high(state.files - state.closing_files, settings_.limits.files_max) ||
               high(state.connections - state.closing_slots, settings_.limits.connections_max);
    };
    while (crowded() && evict_some(state)) {
    }
}

// Frees what a pool needs only while something of it is open or awaited.
void Pools::forget(State& state, Pool& pool) {
    if (pool.endpoint != nullptr) {
        mark_if_empty(state, pool);
        return tidy(state);
    }
    if (!pool.empty()) return;
    leave_line(state, pool);
    if (pool.wants_checkpoint)
        pool.checkpoint_node.splice(pool.checkpoint_node.end(), state.to_checkpoint,
                                    pool.checkpoint_place);
    if (pool.entry->opens > 0) {
        pool.entry->pool.reset();
        return;
    }
    // Never opened: perhaps there is no such tenant, and whoever asks for a million of those must
    // not fill the memory.
    state.entries.erase(state.entries.find(pool.key));
}

// ---- return -------------------------------------------------------------------------------------

bool Pools::usable(const State& state, const Slot& slot) const {
    if (state.refusing || slot.pool->fenced || slot.passing) return false;
    if (slot.expires != Time::max() && base::coarse_now() >= slot.expires) return false;
    if (const Endpoint* const endpoint = slot.endpoint)
        return first_of(*endpoint) != nullptr || endpoint->idle.size < settings_.idle_max;
    return slot.pool->waiters.size() > 0 ||
           static_cast<int64_t>(slot.pool->idle.size()) < settings_.idle_max;
}

// Folds a returned connection's own figures into the shared ones.
void Pools::account(State& state, Slot& slot) {
    state.stats.statement_hits += slot.statements.take_hits();
    state.stats.statement_misses += slot.statements.take_misses();
    slot.holder = nullptr;
    if (std::exchange(slot.in_maintenance, false)) --slot.pool->quiet;
}

// Now and then a returned connection's memory is measured, and cut when its tenant has a bound.
void Pools::sample(Slot& slot, db::Reuse reuse) noexcept {
    constexpr uint32_t every = 128;
    if (reuse != db::Reuse::clean) return;
    const uint32_t returns = ++slot.returns;  // at first often: that is when its caches fill
    if (returns % every != 0 && !std::has_single_bit(returns)) return;
    int64_t memory = slot.connection->memory_bytes();
    const int64_t share =
        settings_.tenant_memory_max / std::max<int64_t>(1, settings_.limits.size_max);
    if (settings_.tenant_memory_max > 0 && memory > share) {
        slot.connection->shed_memory();
        memory = slot.connection->memory_bytes();
    }
    state_.lock()->memory += memory - slot.memory;
    slot.memory = memory;
}

void Pools::put_back(std::unique_ptr<Slot> slot, bool turn, db::Reuse reuse) noexcept {
    Pool& pool = *slot->pool;
    // Without memory even ROLLBACK can fail: then only closing gives the file's lock back.
    const bool stuck = reuse == db::Reuse::discard && slot->connection != nullptr &&
                       slot->connection->in_transaction();
    const bool lost = reuse == db::Reuse::discard && slot->endpoint != nullptr &&
                      slot->connection != nullptr && !slot->connection->in_place();
    auto state = state_.lock();
    state->leased.remove(*slot);
    --pool.leased;
    slot->pass = 0;
    if (slot->taken) --pool.quiet;
    if (turn) leave_turn(pool);
    account(*state, *slot);
    if (slot->endpoint != nullptr) note_return(*state, *slot, reuse, lost);
    const bool worn = slot->endpoint != nullptr && settings_.touched_max > 0 &&
                      slot->touched.size() >= settings_.touched_max;
    if (slot->connection == nullptr) {  // shutdown took it
        slot.reset();
    } else if (reuse == db::Reuse::discard || worn || !usable(*state, *slot)) {
        if (reuse == db::Reuse::discard)
            ++state->stats.discards;
        else if (worn)
            ++state->stats.retired;
        retire(*state, std::move(slot));
    } else {
        const int64_t pages = slot->connection->log_pages();
        if (pages >= settings_.checkpoint_pages && pages != slot->log_seen &&
            !pool.wants_checkpoint) {
            pool.wants_checkpoint = true;
            slot->log_seen = pages;
            state->to_checkpoint.splice(state->to_checkpoint.end(), pool.checkpoint_node);
            wake_maintenance(*state, nullptr);
        }
        slot->idle_sweep = state->sweeps;
        state->idle.push_back(*slot);
        if (slot->endpoint != nullptr) slot->endpoint->idle.push_back(*slot);
        pool.idle.push_back(std::move(slot));
    }
    if (pool.endpoint != nullptr || !pool.waiters.empty()) serve_pool(*state, pool);
    if (!state->line.empty()) serve_line(*state);
    if (pool.leased == 0 || state->refusing) returned_.notify_all();
    if (state->refusing || stuck)
        while (close_one(state)) {
        }
    else if (pool.open == 0 || state->emptied != nullptr)
        forget(*state, pool);
}

// ---- writer turn --------------------------------------------------------------------------------

void Pools::take_turn(Pool& pool, const Wait& wait) {
    auto state = state_.lock();
    ++state->stats.writer_turns;
    ++pool.entry->writer_turns;
    const bool others = !pool.writers.empty();
    if (!pool.writing && (!others || base::Clock::now() < pool.turn_burst_end)) {
        pool.writing = true;
        if (others) pool.writer_returns = true;
        return;
    }
    if (!others) pool.turn_burst_end = base::Clock::now() + turn_burst;
    Waiter waiter;
    const auto place = pool.writers.insert(pool.writers.end(), &waiter);
    ++state->stats.writer_waits;
    while (waiter.outcome == Waiter::Outcome::waiting && !wait.over()) {
        if (turn_unused(pool) && pool.writers.front() == &waiter) {
            pool.writer_returns = false;
            return hand_turn(pool);
        }
        if (!settings_.helpers && help(state)) continue;  // an abandoned lease may hold the turn
        sleep_for_turn(state, pool, waiter, wait);
    }
    if (waiter.outcome == Waiter::Outcome::has_turn) return;
    pool.writers.erase(place);
    if (!pool.writing && !pool.writers.empty()) pool.writers.front()->wake.notify_one();
    ++state->stats.timeouts;
    throw wait.error("the tenant's writer turn").with_tenant(pool.key);
}

void Pools::give_turn(Pool& pool) noexcept {
    auto state = state_.lock();
    leave_turn(pool);
}

// Within a burst the turn is left free for whoever comes first. As long as newcomers do come nobody
// is woken for it: the first who waits looks by itself.
void Pools::leave_turn(Pool& pool) noexcept {
    pool.writing = false;
    if (pool.writers.empty()) return;
    Waiter& next = *pool.writers.front();
    pool.turn_left = base::Clock::now();
    const bool over = pool.turn_left >= pool.turn_burst_end;
    if (over) hand_turn(pool);
    if (over || !pool.writer_returns || !next.looking) next.wake.notify_one();
}

// To the first who waits; another burst begins.
void Pools::hand_turn(Pool& pool) noexcept {
    pool.writers.front()->outcome = Waiter::Outcome::has_turn;
    pool.writers.pop_front();
    pool.writing = true;
    pool.turn_burst_end = base::Clock::now() + turn_burst;
}

// Left free, and not because its last writer is between two transactions.
bool Pools::turn_unused(const Pool& pool) noexcept {
    if (pool.writing) return false;
    return !pool.writer_returns || base::Clock::now() >= pool.turn_left + turn_look;
}

// A short sleep only while the turn may be left free: after the burst it is handed over.
void Pools::sleep_for_turn(Access& state, Pool& pool, Waiter& waiter, const Wait& wait) {
    const Time now = base::Clock::now();
    Wait nap = wait;
    const bool first = pool.writers.front() == &waiter;
    waiter.looking = first && (!pool.writing || now < pool.turn_burst_end);
    const Time look = (pool.writing ? now : pool.turn_left) + turn_look;
    if (waiter.looking) nap.deadline = wait.deadline.earlier(Deadline::at(look));
    nap.sleep(state.held(), waiter.wake);
    waiter.looking = false;
}

// ---- fence, shutdown ----------------------------------------------------------------------------

Fence Pools::fence(std::string_view key, const Target& target, const Wait& wait) {
    auto state = state_.lock();
    if (state->refusing) throw Error(Code::closed, "the db is closed");
    Pool& pool = pool_of(*state, key, target);
    if (pool.fenced)
        throw Error(Code::busy, "the tenant is being dropped or replaced by another caller")
            .with_tenant(key);
    const auto used = [&] { return pool.leased - pool.quiet > 0 || !pool.waiters.empty(); };
    if (used()) {
        throw Error(Code::busy, "tenant '" + std::string(key) + "' has " +
                                    std::to_string(pool.leased - pool.quiet) + " leases out and " +
                                    std::to_string(pool.waiters.size()) + " callers waiting")
            .with_tenant(key);
    }
    pool.fenced = true;
    Fence fence(*this, pool);
    if (pool.endpoint != nullptr) {  // whoever comes after the fence finds another tenant
        pool.mark.store(0, std::memory_order_release);
        pool.proved.store(false, std::memory_order_release);
        new_scope(pool);
    }
    evict_pool(*state, pool);
    while (pool.open > 0 || pool.closing > 0) {
        if (wait.over()) {
            state.held().unlock();  // the fence goes first, and takes the lock
            throw wait.error("the tenant's connections to close").with_tenant(key);
        }
        if (!settings_.helpers && help(state)) continue;
        wait.sleep(state.held(), returned_);
    }
    return fence;
}

void Pools::refuse() noexcept {
    auto state = state_.lock();
    state->refusing = true;
    for (auto& [key, entry] : state->entries) {
        if (entry.pool == nullptr) continue;
        for (Waiter* waiter : entry.pool->waiters) {
            waiter->outcome = Waiter::Outcome::refused;
            waiter->wake.notify_one();
        }
    }
}

bool Pools::wait_until_returned(const Wait& wait) {
    auto state = state_.lock();
    const auto out = [&] {
        return state->leased.size > static_cast<int64_t>(state->abandoned.size());
    };
    while (out() && !wait.over()) wait.sleep(state.held(), returned_);
    return !out();
}

// Takes the connection of one lease that nobody is inside of; false when there is none. `showing`
// counts those that show a row.
bool Pools::claim_one(Access& state, int64_t& showing, const Pool* only) {
    showing = 0;
    for (Slot* slot = state->leased.first; slot != nullptr; slot = slot->next) {
        Holder* const holder = slot->holder;
        int32_t expected = Holder::guard_free;
        if (slot->taken || holder == nullptr || (only != nullptr && slot->pool != only)) continue;
        if (!holder->guard.compare_exchange_strong(expected, Holder::guard_claimed)) continue;
        if (holder->shows_row()) {
            holder->guard.store(Holder::guard_free);
            ++showing;
            continue;
        }
        state.unlocked([&] {
            holder->surrender();
            slot->statements.clear();
            slot->connection->end_lease();
            slot->connection.reset();
            if (only != nullptr) holder->let_go();
        });
        Pool& pool = *slot->pool;
        slot->taken = true;
        ++pool.quiet;
        --pool.open;
        --state->connections;
        state->memory -= slot->memory;
        if (Endpoint* const endpoint = slot->endpoint) {
            if (--endpoint->open == 0) --state->tenants;
            state->files -= files_of_one();
        } else if (pool.open == 0) {
            --state->tenants;
            if (pool.closing == 0) {
                state->files -= pool.files;
                pool.files = pool.peak = 0;
            }
        }
        ++state->stats.closes;
        slot->holder = nullptr;
        holder->guard.store(Holder::guard_dead, std::memory_order_release);  // it may go now
        returned_.notify_all();
        return true;
    }
    return false;
}

int64_t Pools::count_leased(const State& state, std::string_view key, uint64_t pass) noexcept {
    int64_t count = 0;
    for (const Slot* slot = state.leased.first; slot != nullptr; slot = slot->next)
        if (!slot->taken && (key.empty() || slot->pool->key == key) && (pass == 0 || slot->pass != pass)) ++count;
    return count;
}

int64_t Pools::leased(std::string_view key, uint64_t pass) {
    auto state = state_.lock();
    return count_leased(*state, key, pass);
}

bool Pools::wait_until_back(std::string_view key, const Wait& wait) {
    constexpr milliseconds look(20);  // a connection of the same key that opens keeps returns quiet
    auto state = state_.lock();
    while (count_leased(*state, key, 0) > 0) {
        if (wait.over()) return false;
        if (!settings_.helpers && help(state)) continue;
        Wait nap = wait;
        nap.deadline = wait.deadline.earlier(Deadline::in(look));
        nap.sleep(state.held(), returned_);
    }
    return true;
}

int64_t Pools::revoke(std::string_view key, Deadline grace) {
    auto state = state_.lock();
    for (;;) {
        Pool* pool = nullptr;
        for (Slot* slot = state->leased.first; slot != nullptr; slot = slot->next) {
            if (slot->taken || slot->pool->key != key) continue;
            pool = slot->pool;
            if (slot->holder != nullptr) slot->holder->revoke();
        }
        if (pool == nullptr) return 0;
        for (Waiter* writer : pool->writers) writer->wake.notify_one();  // it looks at its lease's flag
        int64_t showing = 0;
        if (claim_one(state, showing, pool)) {
            serve_all(*state, *pool);
            continue;
        }
        if (clean_abandoned(state)) continue;
        if (grace.passed()) return count_leased(*state, key, 0);
        Wait{grace.earlier(Deadline::in(milliseconds(2)))}.sleep(state.held(), returned_);
    }
}

int64_t Pools::close_all(Deadline grace) {
    refuse();
    auto state = state_.lock();
    const int64_t forced = state->leased.size - static_cast<int64_t>(state->abandoned.size());
    for (auto& [key, entry] : state->entries)  // their waits look at the shutdown flag
        if (entry.pool != nullptr)
            for (Waiter* writer : entry.pool->writers) writer->wake.notify_one();
    while (state->idle.first != nullptr) evict(*state, *state->idle.first);
    for (;;) {
        int64_t showing = 0;
        while (claim_one(state, showing) || clean_abandoned(state) || close_one(state)) {
        }
        const bool running = state->connections > showing;
        if (!running || grace.passed()) return forced;
        Wait{grace.earlier(Deadline::in(milliseconds(2)))}.sleep(state.held(), returned_);
    }
}

// ---- maintenance --------------------------------------------------------------------------------

void Pools::wake_maintenance(State& state, Pool* pool) noexcept {
    wake_helper(state, pool);
    if (std::exchange(state.work, true)) return;
    work_.notify_one();
}

// Without a maintenance thread, one who waits does its work: in this pool, else the first in line.
void Pools::wake_helper(State& state, Pool* pool) noexcept {
    if (settings_.helpers) return;
    if (pool != nullptr && !pool->writers.empty()) pool->writers.front()->wake.notify_one();
    if (pool != nullptr && pool->waiters.empty() && pool->endpoint != nullptr)
        pool = first_of(*pool->endpoint);
    if ((pool == nullptr || pool->waiters.empty()) && !state.line.empty())
        pool = first_of(*state.line.front());
    if (pool != nullptr && !pool->waiters.empty()) pool->waiters.front()->wake.notify_one();
}

// A caller that waits does what maintenance would do. True when there was something.
bool Pools::help(Access& state) { return close_one(state) || clean_abandoned(state); }

bool Pools::close_one() {
    auto state = state_.lock();
    return close_one(state);
}

bool Pools::close_one(Access& state) {
    if (state->closing.empty()) return false;
    std::unique_ptr<Slot> slot = std::move(state->closing.back());
    state->closing.pop_back();
    Pool& pool = *slot->pool;
    const int64_t memory = slot->memory;
    Endpoint* const endpoint = slot->endpoint;
    state.unlocked([&] {
        slot->statements.clear();
        slot.reset();
    });
    --pool.closing;
    --state->closing_slots;
    --state->connections;
    state->memory -= memory;
    state->closing_memory -= memory;
    ++state->stats.closes;
    if (endpoint != nullptr) {
        --endpoint->closing;
        state->files -= files_of_one();
        state->closing_files -= files_of_one();
    } else if (pool.open == 0 && pool.closing == 0) {
        if (std::exchange(pool.files_closing, false)) state->closing_files -= pool.files;
        state->files -= pool.files;
        pool.files = pool.peak = 0;
    }
    serve_all(*state, pool);
    returned_.notify_all();
    forget(*state, pool);
    return true;
}

bool Pools::clean_abandoned(Access& state) {
    if (state->abandoned.empty()) return false;
    Abandoned lost = std::move(state->abandoned.back());
    state->abandoned.pop_back();
    Pool& pool = *lost.slot->pool;
    if (!lost.origin.empty()) ++state->stats.abandoned;
    state.unlocked([&] {
        if (!lost.origin.empty()) report(Notice::Kind::abandoned, pool, lost.origin);
        const bool open = lost.slot->connection->in_transaction();
        const db::Reuse reuse = lost.slot->connection->end_lease();
        lost.slot->connection->mark_lease();
        if (open && !lost.origin.empty())
            report(Notice::Kind::rolled_back, pool, "the lease was abandoned");
        put_back(std::move(lost.slot), lost.turn, reuse);
    });
    return true;
}

bool Pools::checkpoint_one(Access& state) {
    while (!state->to_checkpoint.empty()) {
        Pool& pool = *state->to_checkpoint.back();
        pool.checkpoint_node.splice(pool.checkpoint_node.end(), state->to_checkpoint,
                                    pool.checkpoint_place);
        pool.wants_checkpoint = false;
        if (pool.idle.empty() || pool.fenced) continue;
        std::unique_ptr<Slot> slot = take_idle(*state, pool, nullptr);
        slot->in_maintenance = true;
        ++pool.quiet;
        ++state->stats.checkpoints;
        state.unlocked([&] {
            try {
                if (checkpoint_(*slot->connection))
                    report(Notice::Kind::log_blocked, pool,
                           "a reader keeps the write-ahead log from being written back");
            } catch (const std::exception& error) {  // it is tried again when the log has grown
                report(Notice::Kind::log_blocked, pool,
                       std::string("the write-ahead log was not written back: ") + error.what());
            }
            put_back(std::move(slot), false, db::Reuse::clean);
        });
        return true;
    }
    return false;
}

// Idle connections past their time. Coldest first, so it stops at the first warm one unless
// lifetimes are bounded.
bool Pools::sweep(State& state) {
    const Time now = base::coarse_now();
    if (now < state.next_sweep) return false;
    state.next_sweep = now + settings_.sweep;
    ++state.sweeps;
    bool any = false;
    for (Slot* slot = state.idle.first; slot != nullptr;) {
        Slot* const next = slot->next;
        // At least so long: it came back some time after the sweep that it remembers.
        const auto idle =
            settings_.sweep * static_cast<int64_t>(state.sweeps - slot->idle_sweep - 1);
        const bool cold = settings_.idle.count() > 0 && idle >= settings_.idle;
        if (cold || now >= slot->expires) {
            evict(state, *slot);
            any = true;
        } else if (settings_.lifetime.count() == 0) {
            break;
        }
        slot = next;
    }
    const int64_t bound = settings_.limits.memory_max;
    while (bound > 0 && state.memory - state.closing_memory > bound &&
           state.idle.first != nullptr) {
        evict(state, *state.idle.first);
        any = true;
    }
    if (settings_.shares_connections && forget_endpoints(state)) any = true;
    return any;
}

bool Pools::step() {
    auto state = state_.lock();
    return close_one(state) || clean_abandoned(state) || checkpoint_one(state) || sweep(*state);
}

void Pools::wait_for_work(Time until) {
    auto state = state_.lock();
    if (!state->work && !state->stopped)
        Wait{Deadline::at(std::min(until, state->next_sweep + coarse_lag))}.sleep(state.held(), work_);
    state->work = false;
}

void Pools::wake_work() noexcept {
    auto state = state_.lock();
    state->work = true;
    work_.notify_all();
}

void Pools::stop_waiting() noexcept {
    auto state = state_.lock();
    state->stopped = true;
    work_.notify_all();
}

void Pools::report(Notice::Kind kind, const Pool& pool, std::string_view detail) const noexcept {
    try {
        if (listener_) listener_({kind, std::string(pool.key), std::string(detail)});
    } catch (const std::bad_alloc&) {
        // An event is not worth failing the work that it tells of.
    }
}

// ---- figures ------------------------------------------------------------------------------------

std::optional<std::string> Pools::key_at(const db::Place& place) {
    auto state = state_.lock();
    for (const auto& [key, entry] : state->entries)
        if (entry.pool != nullptr && entry.pool->place == place) return key;
    return std::nullopt;
}

Stats Pools::stats() {
    auto state = state_.lock();
    State& now = *state;
    Stats stats = now.stats;
    stats.pools_now = now.tenants;
    stats.known_now = static_cast<int64_t>(now.entries.size());
    stats.connections_now = now.connections;
    stats.idle_now = now.idle.size;
    stats.leased_now = now.leased.size;
    for (const auto& [key, entry] : now.entries)
        if (entry.pool != nullptr)
            stats.waiting_now += static_cast<int64_t>(entry.pool->waiters.size());
    stats.files_now = now.files;
    stats.files_max = settings_.limits.files_max;
    stats.memory_now = now.memory;
    stats.closing_now = now.closing_slots;
    return stats;
}

TenantStats Pools::tenant_stats(std::string_view key) {
    auto state = state_.lock();
    const auto found = state->entries.find(key);
    if (found == state->entries.end()) return {};
    const Entry& entry = found->second;
    TenantStats stats{entry.acquires,
                      entry.waits,
                      entry.wait_us,
                      entry.writer_turns,
                      entry.opens,
                      entry.failures,
                      0,
                      0,
                      0};
    if (entry.pool != nullptr) {
        stats.leased_now = entry.pool->leased;
        stats.idle_now = static_cast<int64_t>(entry.pool->idle.size());
        stats.waiting_now = static_cast<int64_t>(entry.pool->waiters.size());
    }
    return stats;
}

std::vector<PoolStats> Pools::pool_stats() {
    auto state = state_.lock();
    std::vector<PoolStats> all;
    std::unordered_map<const Endpoint*, PoolStats> servers;
    for (const auto& [key, entry] : state->entries) {
        if (entry.pool == nullptr) continue;
        const Pool& pool = *entry.pool;
        PoolStats row;
        row.key = key;
        row.open = pool.open;
        row.idle = static_cast<int64_t>(pool.idle.size());
        row.leased = pool.leased;
        row.waiting = static_cast<int64_t>(pool.waiters.size());
        row.writing = pool.writing ? 1 : 0;
        row.files =
            pool.endpoint != nullptr ? files_of_one() * (pool.open + pool.closing) : pool.files;
        for (const auto& slot : pool.idle) {
            row.memory += slot->memory;
            row.idle_for = settings_.sweep * static_cast<int64_t>(state->sweeps - slot->idle_sweep);
        }
        if (pool.endpoint != nullptr) {
            PoolStats& server = servers[pool.endpoint];
            server.waiting += row.waiting;
            server.writing += row.writing;
            server.memory += row.memory;
        }
        all.push_back(std::move(row));
    }
    for (const auto& [place, endpoint] : state->endpoints) {
        PoolStats& row = servers[endpoint.get()];
        row.key = "server:" + std::to_string(endpoint->number);
        row.server = endpoint->number;
        row.open = endpoint->open;
        row.idle = endpoint->idle.size;
        row.leased = endpoint->open - endpoint->idle.size;
        row.files = files_of_one() * (endpoint->open + endpoint->closing);
        row.connecting = endpoint->connecting;
        row.failures = endpoint->failures;
        if (endpoint->idle.last != nullptr)
            row.idle_for = settings_.sweep * static_cast<int64_t>(state->sweeps -
                                                                  endpoint->idle.last->idle_sweep);
        all.push_back(std::move(row));
    }
    return all;
}

}  // namespace mtdb::pool
