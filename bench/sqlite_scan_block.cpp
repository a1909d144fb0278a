// SPDX-License-Identifier: MIT
// 100,000 rows (int64, double, 16 bytes of text) in blocks, every byte read by C; against
// sqlite3_step and column calls.
#include "scan.hpp"

namespace bench {
namespace {

Sums scan_peer(sqlite3_stmt* stmt) {
    Sums sums;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        sums.ids += sqlite3_column_int64(stmt, 0);
        sums.prices += sqlite3_column_double(stmt, 1);
        const auto* name = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 2));
        if (sqlite3_column_bytes(stmt, 2) != 16) fail("a name has another length");
        sums.add_name(name);
        ++sums.rows;
    }
    sqlite3_reset(stmt);
    return sums;
}

}  // namespace

void sqlite_scan_block() {
    const Folder folder;
    auto db = open_db(folder.path());
    create_tenant(db.get(), "acme");
    exec(db.get(), "acme",
         "CREATE TABLE item(id INTEGER PRIMARY KEY, price REAL NOT NULL, name TEXT NOT NULL)");
    exec(db.get(), "acme",
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
         " INSERT INTO item SELECT i, i * 0.5, printf('name of %08d', i) FROM n");
    auto conn = acquire(db.get(), "acme");
    const auto handle = raw_open(folder.path("acme.db"));
    const auto stmt = raw_prepare(handle.get(), scan_query);
    const Figures figures = scan_in_turns(conn.get(), [&] { return scan_peer(stmt.get()); });
    print("sqlite_scan_block", "100000 rows", "ns/row", figures.ours, figures.peer, figures.ratio(),
          at_most(1.15));
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
