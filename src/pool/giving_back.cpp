// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

#include <bit>

namespace mtdb::pool {

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

}  // namespace mtdb::pool
