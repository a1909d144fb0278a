// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

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

}  // namespace mtdb::pool
