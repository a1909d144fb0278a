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
    enum class Outcome { waiting, has_slot, may_open, has_turn, refused };
    Outcome outcome = Outcome::waiting;
    Holder* holder = nullptr;
    std::unique_ptr<Slot> slot;
    bool looking = false;  // for the turn: its sleep is short
    std::condition_variable wake;
};

struct Pool {
    explicit Pool(db::Place where) : place(std::move(where)) {}

    std::string_view key;
    Pools::Entry* entry = nullptr;
    db::Place place;
    std::vector<std::unique_ptr<Slot>> idle;  // warmest last
    std::list<Pools::Waiter*> waiters;
    std::list<Pools::Waiter*> writers;
    int64_t open = 0;     // idle, leased and connecting
    int64_t leased = 0;   // connecting included
    int64_t quiet = 0;    // of those, in the hands of maintenance
    int64_t closing = 0;  // no longer counted as open
    int64_t peak = 0;     // of open + closing since its file was last closed
    int64_t files = 0;
    int32_t burst = 0;  // leases since others stand in line and this pool does not have its turn
    bool connecting = false;
    bool fenced = false;
    bool in_line = false;
    bool files_closing = false;
    bool writing = false;
    bool writer_returns = false;  // a newcomer came, when the turn was last left to one
    Time turn_burst_end{};
    Time turn_left{};
    bool wants_checkpoint = false;
    std::atomic<uint64_t> mark{0};
    // Its nodes of the db's lists, here while it is in neither: standing in line must not need
    // memory.
    std::list<Pool*> line_node{this};
    std::list<Pool*> checkpoint_node{this};
    const std::list<Pool*>::iterator line_place = line_node.begin();
    const std::list<Pool*>::iterator checkpoint_place = checkpoint_node.begin();
};

// ---- Lease, Fence -------------------------------------------------------------------------------

Lease::Lease(Lease&& other) noexcept
    : pools_(other.pools_),
      pool_(other.pool_),
      slot_(std::move(other.slot_)),
      turn_(std::exchange(other.turn_, false)),
      used_(other.used_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this != &other) {
        give_back();
        pools_ = other.pools_;
        pool_ = other.pool_;
        slot_ = std::move(other.slot_);
        turn_ = std::exchange(other.turn_, false);
        used_ = other.used_;
    }
    return *this;
}

uint64_t Lease::mark() const noexcept { return pool_->mark.load(std::memory_order_acquire); }
void Lease::set_mark(uint64_t mark) noexcept { pool_->mark.store(mark, std::memory_order_release); }

bool Lease::confirm() noexcept {
    if (!std::exchange(slot_->unconfirmed, false) || connection().in_place()) return true;
    give_back();
    return false;
}

void Lease::take_turn(const Wait& wait) {
    if (turn_) return;
    pools_->take_turn(*pool_, wait);
    turn_ = true;
}

void Lease::give_turn() noexcept {
    if (std::exchange(turn_, false)) pools_->give_turn(*pool_);
}

bool Lease::give_back() noexcept {
    if (slot_ == nullptr) return false;
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

void Pools::SlotList::push_back(Slot& slot) noexcept {
    slot.previous = last;
    slot.next = nullptr;
    (last != nullptr ? last->next : first) = &slot;
    last = &slot;
    ++size;
}

void Pools::SlotList::remove(Slot& slot) noexcept {
    (slot.previous != nullptr ? slot.previous->next : first) = slot.next;
    (slot.next != nullptr ? slot.next->previous : last) = slot.previous;
    slot.previous = slot.next = nullptr;
    --size;
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
    if (found == state.entries.end())
        found = state.entries.emplace(std::string(key), Entry{}).first;
    pool->key = found->first;
    pool->entry = &found->second;
    found->second.pool = std::move(pool);
    return *found->second.pool;
}

// The tenant may have moved: idle connections of the old place go, leases there hold the new one
// up.
void Pools::follow_route(State& state, Pool& pool, db::Place place) {
    if (pool.place == place) return;
    if (pool.leased > 0 || pool.fenced)
        throw Error(Code::busy,
                    "the tenant's route changed while it is in use; it takes effect once its "
                    "leases are back");
    evict_pool(state, pool);
    pool.place = std::move(place);
}

Situation Pools::situation_of(const State& state, const Pool& pool) const {
    Situation now;
    now.idle = static_cast<int64_t>(pool.idle.size());
    now.open = pool.open;
    now.leased = pool.leased;
    now.connecting = pool.connecting;
    now.fenced = pool.fenced;
    now.tenants = state.tenants;
    now.connections = state.connections;
    now.files = state.files;
    const auto peak = static_cast<int32_t>(std::max(pool.peak, pool.open + pool.closing + 1));
    now.files_needed = settings_.file_cost.of(peak) - pool.files;
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
    if (held_back(*state, *pool)) return {};
    const int64_t leases_max = settings_.limits.leases_max;
    if (leases_max > 0 && pool->leased >= leases_max) return {};
    ++state->stats.acquires;
    ++found->second.acquires;
    count_burst(*state, *pool);
    return Lease(*this, *pool, take_idle(*state, *pool, holder));
}

Lease Pools::wait_for_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder) {
    const Time begin = base::Clock::now();
    Waiter waiter;
    waiter.holder = holder;
    const auto place = pool.waiters.insert(pool.waiters.end(), &waiter);
    ++state->stats.waits;
    stand_in_line(*state, pool);
    while (waiter.outcome == Waiter::Outcome::waiting && !wait.over()) {
        if (!settings_.helpers && help(state)) continue;
        wait.sleep(state.held(), waiter.wake);
    }
    Entry& entry = *pool.entry;
    const int64_t waited = microseconds_since(begin);
    ++entry.waits;
    entry.wait_us += waited;
    state->stats.wait_us += waited;
    if (waiter.outcome == Waiter::Outcome::has_slot)
        return Lease(*this, pool, std::move(waiter.slot));
    if (waiter.outcome == Waiter::Outcome::may_open) return open_lease(state, pool, wait, holder);
    pool.waiters.erase(place);  // until here it kept the pool
    ++entry.failures;
    struct Leave {  // also when there is no memory for the error
        Pools& pools;
        State& state;
        Pool& pool;
        ~Leave() {
            pools.serve_all(state, pool);
            if (!state.closing.empty() || !state.abandoned.empty())
                pools.wake_helper(state, nullptr);
            pools.forget(state, pool);
        }
    } leave{*this, *state, pool};
    if (waiter.outcome == Waiter::Outcome::refused) throw Error(Code::closed, "the db is closed");
    if (wait.cancelled() || wait.shut_down()) throw wait.error("a connection");
    ++state->stats.exhausted;
    throw exhausted(*state, pool);
}

// The place was reserved. Connects without the lock; what goes wrong is this caller's alone.
Lease Pools::open_lease(Access& state, Pool& pool, const Wait& wait, Holder* holder) {
    std::unique_ptr<Slot> slot;
    try {
        slot = state.unlocked([&] {
            auto opened = std::make_unique<Slot>(settings_.statements_max);
            opened->connection = opener_(pool.place, wait);
            opened->memory = opened->connection->memory_bytes();
            opened->connection->mark_lease();
            return opened;
        });
    } catch (...) {
        unreserve(*state, pool);
        ++state->stats.open_failures;
        ++pool.entry->failures;
        serve_all(*state, pool);
        returned_.notify_all();
        forget(*state, pool);
        throw;
    }
    slot->pool = &pool;
    slot->confirmed_sweep = state->sweeps;
    if (settings_.lifetime.count() > 0) {
        const int64_t lifetime = settings_.lifetime.count();
        const auto spread = std::max<int64_t>(1, lifetime * settings_.jitter_percent / 100);
        const auto random = static_cast<int64_t>(reinterpret_cast<uintptr_t>(slot.get()) / 16 %
                                                 static_cast<uint64_t>(spread));
        slot->expires = base::coarse_now() + milliseconds(lifetime - random);
    }
    pool.connecting = false;
    state->memory += slot->memory;
    ++state->stats.opens;
    ++pool.entry->opens;
    slot->holder = holder;
    state->leased.push_back(*slot);
    Lease lease(*this, pool, std::move(slot));
    if (state->refusing) {
        state.held().unlock();
        lease = Lease();
        throw Error(Code::closed, "the db is closed");
    }
    serve_all(*state, pool);
    evict_ahead(*state);
    return lease;
}

std::unique_ptr<Slot> Pools::take_idle(State& state, Pool& pool, Holder* holder) {
    std::unique_ptr<Slot> slot = std::move(pool.idle.back());
    pool.idle.pop_back();
    state.idle.remove(*slot);
    ++pool.leased;
    slot->holder = holder;
    slot->unconfirmed |= std::exchange(slot->confirmed_sweep, state.sweeps) != state.sweeps;
    state.leased.push_back(*slot);
    return slot;
}

// Also takes the memory that the connection's way back needs: giving back must not fail.
void Pools::reserve(State& state, Pool& pool) {
    const auto room = [](auto& list, int64_t size) {
        const auto wanted = static_cast<std::size_t>(size);
        if (list.capacity() < wanted) list.reserve(std::max(wanted, 2 * list.capacity()));
    };
    room(pool.idle, pool.open + 1);
    room(state.closing, state.connections + 1);
    room(state.abandoned, state.connections + 1);
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
    } else if (step == Step::open) {
        try {
            reserve(state, pool);
        } catch (const std::bad_alloc&) {
            return false;  // it goes on waiting
        }
        waiter.outcome = Waiter::Outcome::may_open;
    } else {
        return false;
    }
    pool.waiters.pop_front();
    waiter.wake.notify_one();
    return true;
}

// ---- the line -----------------------------------------------------------------------------------
// Pools whose waiters a shared bound holds up stand in one line. Its first gets what comes free,
// then goes to the end. A pool that can go on without the shared bound may do so for a burst, then
// it stands in line like the others.

bool Pools::others_in_line(const State& state, const Pool& pool) const noexcept {
    return !state.line.empty() && !(pool.in_line && state.line.size() == 1);
}

bool Pools::held_back(const State& state, const Pool& pool) const noexcept {
    return pool.burst >= burst_max && others_in_line(state, pool);
}

void Pools::count_burst(const State& state, Pool& pool) const noexcept {
    pool.burst = others_in_line(state, pool) ? pool.burst + 1 : 0;
}

// Where the pool's first waiter is held up by what others share.
void Pools::stand_in_line(State& state, Pool& pool) noexcept {
    if (pool.in_line || pool.waiters.empty()) return;
    const Decision decision = decide(state, pool);
    if (decision.step == Step::wait ? !shared_bound(decision.bound) : !held_back(state, pool))
        return;
    pool.in_line = true;
    state.line.splice(state.line.end(), pool.line_node);
}

void Pools::leave_line(State& state, Pool& pool) noexcept {
    if (!std::exchange(pool.in_line, false)) return;
    pool.line_node.splice(pool.line_node.end(), state.line, pool.line_place);
}

// Serves a pool's own waiters as far as they can be served now.
void Pools::serve_pool(State& state, Pool& pool) noexcept {
    if (state.refusing) return;
    while (!pool.waiters.empty() && !held_back(state, pool) &&
           grant(state, pool, decide(state, pool).step))
        count_burst(state, pool);
    stand_in_line(state, pool);
}

// Serves the line, one lease each, as far as it can be served now.
void Pools::serve_line(State& state) noexcept {
    while (!state.line.empty() && !state.refusing) {
        Pool& pool = *state.line.front();
        Decision decision = pool.waiters.empty() ? Decision{} : decide(state, pool);
        if (decision.step == Step::wait && shared_bound(decision.bound)) {
            evict_for(state, pool, decision.bound);
            decision = decide(state, pool);
            if (decision.step == Step::wait) return;  // it stays first
        }
        leave_line(state, pool);
        pool.burst = 0;
        if (pool.waiters.empty() || !grant(state, pool, decision.step)) continue;
        if (pool.waiters.empty()) continue;
        pool.in_line = !state.line.empty();  // to its end; alone, it is served as any pool
        if (pool.in_line)
            state.line.splice(state.line.end(), pool.line_node);
        else
            serve_pool(state, pool);
    }
}

// What came free is for the line first, then for the pool that it came from.
void Pools::serve_all(State& state, Pool& pool) noexcept {
    serve_line(state);
    serve_pool(state, pool);
    serve_line(state);
}

Error Pools::exhausted(const State& state, const Pool& pool) const {
    const std::string key(pool.key);
    Bound bound = decide(state, pool).bound;
    if (bound == Bound::none && !state.line.empty())
        bound = decide(state, *state.line.front()).bound;
    const char* option = option_of(bound);
    std::string message = "no connection for tenant '" + key + "' within the deadline: ";
    if (bound == Bound::pool_size || bound == Bound::tenant_leases) {
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
    return taken;
}

// To the closing list: closing is I/O, so somebody does it without the lock.
void Pools::retire(State& state, std::unique_ptr<Slot> slot) noexcept {
    Pool& pool = *slot->pool;
    --pool.open;
    ++pool.closing;
    ++state.closing_slots;
    state.closing_memory += slot->memory;
    if (pool.open == 0) {
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

// The pool that has been unused longest, among those of which nothing is leased.
Pool* Pools::coldest_idle_pool(State& state) const {
    for (Slot* slot = state.idle.first; slot != nullptr; slot = slot->next)
        if (slot->pool->leased == 0) return slot->pool;
    return nullptr;
}

// Makes room for one connection of `pool`, counting what is already on its way out.
void Pools::evict_for(State& state, const Pool& pool, Bound bound) {
    const Limits& limits = settings_.limits;
    const Situation now = situation_of(state, pool);
    switch (bound) {
        case Bound::tenants:
            if (Pool* victim = coldest_idle_pool(state)) evict_pool(state, *victim);
            break;
        case Bound::connections:
            if (state.connections - state.closing_slots >= limits.connections_max &&
                state.idle.first != nullptr)
                evict(state, *state.idle.first);
            break;
        case Bound::files:
            while (state.files - state.closing_files + now.files_needed > limits.files_max) {
                Pool* victim = coldest_idle_pool(state);
                if (victim == nullptr) break;
                evict_pool(state, *victim);
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
    while (crowded()) {
        Pool* victim = coldest_idle_pool(state);
        if (victim == nullptr) return;
        evict_pool(state, *victim);
    }
}

// Frees what a pool needs only while something of it is open or awaited.
void Pools::forget(State& state, Pool& pool) {
    if (pool.open > 0 || pool.closing > 0 || pool.leased > 0 || pool.fenced) return;
    if (!pool.waiters.empty() || !pool.writers.empty()) return;
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
    if (state.refusing || slot.pool->fenced) return false;
    if (slot.expires != Time::max() && base::coarse_now() >= slot.expires) return false;
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
    auto state = state_.lock();
    state->leased.remove(*slot);
    --pool.leased;
    if (turn) leave_turn(pool);
    account(*state, *slot);
    if (slot->connection == nullptr) {  // shutdown took it
        slot.reset();
    } else if (reuse == db::Reuse::discard || !usable(*state, *slot)) {
        if (reuse == db::Reuse::discard) ++state->stats.discards;
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
        pool.idle.push_back(std::move(slot));
    }
    serve_pool(*state, pool);
    serve_line(*state);
    if (pool.leased == 0 || state->refusing) returned_.notify_all();
    if (state->refusing || stuck)
        while (close_one(state)) {
        }
    else if (pool.open == 0)
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
bool Pools::claim_one(Access& state, int64_t& showing) {
    showing = 0;
    for (Slot* slot = state->leased.first; slot != nullptr; slot = slot->next) {
        Holder* const holder = slot->holder;
        int32_t expected = Holder::guard_free;
        if (slot->connection == nullptr || holder == nullptr) continue;
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
        });
        Pool& pool = *slot->pool;
        --pool.open;
        --state->connections;
        state->memory -= slot->memory;
        if (pool.open == 0) --state->tenants;
        if (pool.open == 0 && pool.closing == 0) {
            state->files -= pool.files;
            pool.files = pool.peak = 0;
        }
        ++state->stats.closes;
        slot->holder = nullptr;
        holder->guard.store(Holder::guard_dead, std::memory_order_release);  // it may go now
        returned_.notify_all();
        return true;
    }
    return false;
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
    if ((pool == nullptr || pool->waiters.empty()) && !state.line.empty())
        pool = state.line.front();
    if (pool != nullptr && !pool->waiters.empty()) pool->waiters.front()->wake.notify_one();
}

// A caller that waits does what maintenance would do. True when there was something.
bool Pools::help(Access& state) { return close_one(state) || clean_abandoned(state); }

bool Pools::close_one(Access& state) {
    if (state->closing.empty()) return false;
    std::unique_ptr<Slot> slot = std::move(state->closing.back());
    state->closing.pop_back();
    Pool& pool = *slot->pool;
    const int64_t memory = slot->memory;
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
    if (pool.open == 0 && pool.closing == 0) {
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
    return any;
}

bool Pools::step() {
    auto state = state_.lock();
    return close_one(state) || clean_abandoned(state) || checkpoint_one(state) || sweep(*state);
}

void Pools::wait_for_work() {
    auto state = state_.lock();
    if (!state->work && !state->stopped)
        Wait{Deadline::at(state->next_sweep + coarse_lag)}.sleep(state.held(), work_);
    state->work = false;
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
    for (const auto& [key, entry] : state->entries) {
        if (entry.pool == nullptr) continue;
        const Pool& pool = *entry.pool;
        PoolStats row{key,
                      pool.open,
                      static_cast<int64_t>(pool.idle.size()),
                      pool.leased,
                      static_cast<int64_t>(pool.waiters.size()),
                      pool.writing ? 1 : 0,
                      pool.files,
                      0,
                      milliseconds(0)};
        for (const auto& slot : pool.idle) {
            row.memory += slot->memory;
            row.idle_for = settings_.sweep * static_cast<int64_t>(state->sweeps - slot->idle_sweep);
        }
        all.push_back(std::move(row));
    }
    return all;
}

}  // namespace mtdb::pool
