// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

namespace {

// What a connection is taken to need before its first sample.
constexpr int64_t memory_guess = 128 * 1024;

int64_t microseconds_since(Time begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - begin)
        .count();
}

}  // namespace

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

}  // namespace mtdb::pool
