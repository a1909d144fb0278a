// SPDX-License-Identifier: MIT
// Lease, cached statement, one row, give back, over 100 warm tenants; against prepared statements
// on open handles.
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 100;
constexpr int64_t rows = 1000;
constexpr int64_t reads = 20000;
constexpr char point_query[] = "SELECT v FROM kv WHERE id = ?";

void fill(mtdb_db* db) {
    for (int64_t i = 0; i < tenants; ++i) {
        create_tenant(db, tenant_name(i));
        exec(db, tenant_name(i), "CREATE TABLE kv(id INTEGER PRIMARY KEY, v TEXT NOT NULL)");
        exec(db, tenant_name(i),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
             " INSERT INTO kv SELECT i, 'value ' || i FROM n");
    }
}

int64_t read_ours(mtdb_db* db, const std::string& tenant, int64_t id) {
    mtdb_stmt* stmt = nullptr;
    mtdb_result* result = nullptr;
    int64_t len = 0;
    auto conn = acquire(db, tenant);
    MUST(mtdb_stmt_prepare(conn.get(), point_query, sizeof point_query - 1, MTDB_DEFAULT, nullptr,
                           &stmt, &bench_error));
    MUST(mtdb_stmt_bind_int64(stmt, 1, id, &bench_error));
    MUST(mtdb_stmt_execute(stmt, MTDB_DEFAULT, nullptr, &result, &bench_error));
    if (MUST(mtdb_result_next(result, &bench_error)) != MTDB_OK) fail("no row");
    mtdb_value_text(result, 0, &len);
    mtdb_result_release(result);
    mtdb_stmt_release(stmt);
    give_back(std::move(conn));
    return len;
}

int64_t read_peer(sqlite3_stmt* stmt, int64_t id) {
    sqlite3_bind_int64(stmt, 1, id);
    if (sqlite3_step(stmt) != SQLITE_ROW) fail("no row");
    sqlite3_column_text(stmt, 0);
    const int64_t len = sqlite3_column_bytes(stmt, 0);
    sqlite3_reset(stmt);
    return len;
}

}  // namespace

void sqlite_point_read() {
    const Folder folder;
    auto db = open_db(folder.path());
    fill(db.get());
    std::vector<std::string> names;
    std::vector<Owned<sqlite3>> handles;
    std::vector<Owned<sqlite3_stmt>> statements;
    for (int64_t i = 0; i < tenants; ++i) {
        names.push_back(tenant_name(i));
        handles.push_back(raw_open(folder.path(names.back() + ".db")));
        statements.push_back(raw_prepare(handles.back().get(), point_query));
    }

    uint64_t round = 0;
    int64_t our_bytes = 0, peer_bytes = 0;
    const auto ours = [&] {
        Random random(++round);
        return timed([&] {
                   for (int64_t i = 0; i < reads; ++i) {
                       const std::string& tenant =
                           names[static_cast<std::size_t>(random.below(tenants))];
                       our_bytes += read_ours(db.get(), tenant, 1 + random.below(rows));
                   }
               }) /
               reads;
    };
    const auto peer = [&] {
        Random random(round);
        return timed([&] {
                   for (int64_t i = 0; i < reads; ++i) {
                       sqlite3_stmt* stmt =
                           statements[static_cast<std::size_t>(random.below(tenants))].get();
                       peer_bytes += read_peer(stmt, 1 + random.below(rows));
                   }
               }) /
               reads;
    };
    const Figures figures = in_turns(9, ours, peer);
    if (our_bytes != peer_bytes) fail("the sides read different rows");
    print("sqlite_point_read", "100 tenants", "ns/op", figures.ours, figures.peer, figures.ratio(),
          at_most(1.15));
    close_db(std::move(db));
}

}  // namespace bench
