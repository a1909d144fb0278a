// SPDX-License-Identifier: MIT
// Figures, as rows.
#include "engine/db.hpp"

namespace mtdb::engine {
namespace {

using db::Type;

std::unique_ptr<TableRows> figures() {
    return std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"name", "TEXT", Type::text},
                                        {"unit", "TEXT", Type::text},
                                        {"value", "INT64", Type::int64}});
}

void add(TableRows& rows, std::string_view name, std::string_view unit, int64_t value) {
    rows.add_text(name);
    rows.add_text(unit);
    rows.add_integer(value);
}

}  // namespace

Ref<Result> Db::stats() {
    check_open();
    const pool::Stats stats = pools_.stats();
    auto rows = figures();
    add(*rows, "leases.acquired", "count", stats.acquires);
    add(*rows, "leases.waited", "count", stats.waits);
    add(*rows, "leases.wait_time", "us", stats.wait_us);
    add(*rows, "leases.exhausted", "count", stats.exhausted);
    add(*rows, "leases.abandoned", "count", stats.abandoned);
    add(*rows, "leases.now", "count", stats.leased_now);
    add(*rows, "leases.waiting_now", "count", stats.waiting_now);
    const Holds::Figures held = holds_.figures();
    add(*rows, "leases.held_back", "count", held.waited);
    add(*rows, "leases.held_off", "count", held.refused);
    add(*rows, "tenants.held_now", "count", held.held_tenants);
    add(*rows, "quiesce.flags_now", "count", held.flags);
    add(*rows, "quiesce.parked_now", "count", held.parked);
    add(*rows, "connections.opened", "count", stats.opens);
    add(*rows, "connections.open_failures", "count", stats.open_failures);
    add(*rows, "connections.closed", "count", stats.closes);
    add(*rows, "connections.evicted", "count", stats.evictions);
    add(*rows, "connections.discarded", "count", stats.discards);
    add(*rows, "connections.moved", "count", stats.moves);
    add(*rows, "connections.retired", "count", stats.retired);
    add(*rows, "connections.now", "count", stats.connections_now);
    add(*rows, "connections.idle_now", "count", stats.idle_now);
    add(*rows, "connections.closing_now", "count", stats.closing_now);
    add(*rows, "servers.lost", "count", stats.losses);
    add(*rows, "pools.now", "count", stats.pools_now);
    add(*rows, "tenants.known_now", "count", stats.known_now);
    add(*rows, "files.now", "count", stats.files_now);
    add(*rows, "files.max", "count", stats.files_max);
    add(*rows, "memory.now", "bytes", stats.memory_now);
    add(*rows, "writer_turns.taken", "count", stats.writer_turns);
    add(*rows, "writer_turns.waited", "count", stats.writer_waits);
    add(*rows, "statements.hits", "count", stats.statement_hits);
    add(*rows, "statements.misses", "count", stats.statement_misses);
    add(*rows, "checkpoints.run", "count", stats.checkpoints);
    add(*rows, "events.dropped", "count", events_.dropped_total());
    add(*rows, "events.now", "count", events_.size());
    return Result::of_rows(std::move(rows));
}

Ref<Result> Db::pool_stats() {
    check_open();
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"pool", "TEXT", Type::text},
                                        {"open", "INT64", Type::int64},
                                        {"idle", "INT64", Type::int64},
                                        {"leased", "INT64", Type::int64},
                                        {"waiting", "INT64", Type::int64},
                                        {"writing", "INT64", Type::int64},
                                        {"files", "INT64", Type::int64},
                                        {"memory_bytes", "INT64", Type::int64},
                                        {"idle_ms", "INT64", Type::int64},
                                        {"connecting", "INT64", Type::int64},
                                        {"failures", "INT64", Type::int64}});
    for (const pool::PoolStats& pool : pools_.pool_stats()) {
        rows->add_text(pool.key);
        for (const int64_t value : {pool.open, pool.idle, pool.leased, pool.waiting, pool.writing,
                                    pool.files, pool.memory, int64_t{pool.idle_for.count()},
                                    pool.connecting, pool.failures})
            rows->add_integer(value);
    }
    return Result::of_rows(std::move(rows));
}

Ref<Result> Db::tenant_stats(std::string_view tenant) {
    check_open();
    const tenant::Id id = id_of(tenant);
    const pool::TenantStats stats = pools_.tenant_stats(id.text());
    auto rows = figures();
    add(*rows, "leases.acquired", "count", stats.acquires);
    add(*rows, "leases.waited", "count", stats.waits);
    add(*rows, "leases.wait_time", "us", stats.wait_us);
    add(*rows, "leases.failed", "count", stats.failures);
    add(*rows, "leases.now", "count", stats.leased_now);
    add(*rows, "leases.waiting_now", "count", stats.waiting_now);
    add(*rows, "connections.opened", "count", stats.opens);
    add(*rows, "connections.idle_now", "count", stats.idle_now);
    add(*rows, "writer_turns.taken", "count", stats.writer_turns);
    add(*rows, "held.now", "count", holds_.holds(id.text()) ? 1 : 0);
    return Result::of_rows(std::move(rows));
}

}  // namespace mtdb::engine
