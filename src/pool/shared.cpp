// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

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

}  // namespace mtdb::pool
