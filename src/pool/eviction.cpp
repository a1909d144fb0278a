// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

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

}  // namespace mtdb::pool
