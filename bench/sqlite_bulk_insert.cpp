// SPDX-License-Identifier: MIT
// 10,000 rows a transaction by bind_block; against a loop over one prepared insert inside one
// transaction.
#include <cstdio>
#include <string>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t rows = 10000;
constexpr char insert[] = "INSERT INTO item(id, price, name) VALUES (?, ?, ?)";

struct Row {
    int64_t id;
    double price;
    std::string name;
};

std::vector<Row> make_rows() {
    std::vector<Row> made;
    for (int64_t i = 0; i < rows; ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "name of %08d", static_cast<int>(i));
        made.push_back({i, static_cast<double>(i) * 0.5, name});
    }
    return made;
}

void fill(mtdb_block* block, const std::vector<Row>& data) {
    MUST(mtdb_block_reset(block, &bench_error));
    for (const Row& row : data) {
        MUST(mtdb_block_add_int64(block, row.id, &bench_error));
        MUST(mtdb_block_add_double(block, row.price, &bench_error));
        MUST(mtdb_block_add_text(block, row.name.data(), static_cast<int64_t>(row.name.size()),
                                 &bench_error));
        MUST(mtdb_block_end_row(block, &bench_error));
    }
}

void insert_ours(mtdb_conn* conn, mtdb_block* block) {
    const void* data = nullptr;
    int64_t data_len = 0;
    mtdb_stmt* stmt = nullptr;
    mtdb_result* result = nullptr;
    MUST(mtdb_block_data(block, &data, &data_len, &bench_error));
    MUST(mtdb_stmt_prepare(conn, insert, sizeof insert - 1, MTDB_DEFAULT, nullptr, &stmt,
                           &bench_error));
    MUST(mtdb_stmt_bind_block(stmt, data, data_len, &bench_error));
    MUST(mtdb_stmt_execute(stmt, MTDB_DEFAULT, nullptr, &result, &bench_error));
    mtdb_result_release(result);
    mtdb_stmt_release(stmt);
}

void insert_peer(sqlite3* handle, sqlite3_stmt* stmt, const std::vector<Row>& data) {
    raw_exec(handle, "BEGIN IMMEDIATE");
    for (const Row& row : data) {
        sqlite3_bind_int64(stmt, 1, row.id);
        sqlite3_bind_double(stmt, 2, row.price);
        sqlite3_bind_text(stmt, 3, row.name.data(), static_cast<int>(row.name.size()),
                          SQLITE_STATIC);
        must_sqlite(sqlite3_step(stmt), handle, "insert");
        sqlite3_reset(stmt);
    }
    raw_exec(handle, "COMMIT");
}

// Both files begin each round empty, with an empty log.
void empty(sqlite3* handle) {
    raw_exec(handle, "DELETE FROM item; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

void sqlite_bulk_insert() {
    const Folder folder;
    auto db = open_db(folder.path());
    for (const char* tenant : {"ours", "peer"}) {
        create_tenant(db.get(), tenant);
        exec(db.get(), tenant,
             "CREATE TABLE item(id INTEGER PRIMARY KEY, price REAL NOT NULL, name TEXT NOT NULL)");
    }
    auto conn = acquire(db.get(), "ours");
    const auto our_file = raw_open(folder.path("ours.db"));
    const auto peer_file = raw_open(folder.path("peer.db"));
    const auto stmt = raw_prepare(peer_file.get(), insert);
    const auto data = make_rows();
    mtdb_block* raw_block = nullptr;
    MUST(mtdb_block_new(&raw_block, &bench_error));
    const Owned<mtdb_block> block(raw_block);
    fill(block.get(), data);

    const auto peer = [&] {
        empty(peer_file.get());
        return timed([&] { insert_peer(peer_file.get(), stmt.get(), data); }) / rows;
    };
    const Figures ready = in_turns(
        15,
        [&] {
            empty(our_file.get());
            return timed([&] { insert_ours(conn.get(), block.get()); }) / rows;
        },
        peer);
    print("sqlite_bulk_insert", "10000 rows", "ns/row", ready.ours, ready.peer, ready.ratio(),
          at_most(1.05));
    const Figures built = in_turns(
        15,
        [&] {
            empty(our_file.get());
            return timed([&] {
                       fill(block.get(), data);
                       insert_ours(conn.get(), block.get());
                   }) /
                   rows;
        },
        peer);
    print("sqlite_bulk_insert", "10000 rows, building the block too", "ns/row", built.ours,
          built.peer, built.ratio(), {});
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
