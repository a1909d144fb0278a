// SPDX-License-Identifier: MIT
// 10,000 rows a transaction by bind_block; against a loop over one prepared insert inside one
// transaction.
#include <vector>

#include "bulk.hpp"

namespace bench {
namespace {

constexpr char insert[] = "INSERT INTO item(id, price, name) VALUES (?, ?, ?)";

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
    const auto block = make_block(data);

    const auto peer = [&] {
        empty(peer_file.get());
        return timed([&] { insert_peer(peer_file.get(), stmt.get(), data); }) / bulk_rows;
    };
    const Figures ready = in_turns(
        15,
        [&] {
            empty(our_file.get());
            return timed([&] { insert_block(conn.get(), insert, block.get()); }) / bulk_rows;
        },
        peer);
    print("sqlite_bulk_insert", "10000 rows", "ns/row", ready.ours, ready.peer, ready.ratio(),
          at_most(1.05));
    const Figures built = in_turns(
        15,
        [&] {
            empty(our_file.get());
            return timed([&] {
                       fill_block(block.get(), data);
                       insert_block(conn.get(), insert, block.get());
                   }) /
                   bulk_rows;
        },
        peer);
    print("sqlite_bulk_insert", "10000 rows, building the block too", "ns/row", built.ours,
          built.peer, built.ratio(), {});
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
