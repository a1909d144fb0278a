// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

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
