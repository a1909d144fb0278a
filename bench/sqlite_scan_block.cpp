// SPDX-License-Identifier: MIT
// 100,000 rows (int64, double, 16 bytes of text) in blocks, every byte read by C; against
// sqlite3_step and column calls.
#include <cstring>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t rows_total = 100000;
constexpr char scan_query[] = "SELECT id, price, name FROM item";

struct Sums {
    int64_t ids = 0;
    double prices = 0;
    uint64_t names = 0;
    int64_t rows = 0;
    bool operator==(const Sums&) const = default;

    void add_name(const char* bytes) {
        uint64_t halves[2];
        std::memcpy(halves, bytes, sizeof halves);
        names += halves[0] ^ halves[1];
    }
};

void add_block(const char* block, Sums& sums) {
    mtdb_block_header header;
    mtdb_block_column columns[3];
    std::memcpy(&header, block, sizeof header);
    if (header.rows == 0) return;
    std::memcpy(columns, block + sizeof header, sizeof columns);
    if (columns[0].type != MTDB_TYPE_INT64 || columns[1].type != MTDB_TYPE_DOUBLE ||
        columns[2].type != MTDB_TYPE_TEXT)
        fail("a column has another type");
    const auto* ids = reinterpret_cast<const int64_t*>(block + columns[0].data);
    const auto* prices = reinterpret_cast<const double*>(block + columns[1].data);
    const auto* offsets = reinterpret_cast<const int32_t*>(block + columns[2].data);
    const char* names = block + columns[2].heap;
    for (int32_t row = 0; row < header.rows; ++row) {
        if (offsets[row + 1] - offsets[row] != 16) fail("a name has another length");
        sums.ids += ids[row];
        sums.prices += prices[row];
        sums.add_name(names + offsets[row]);
    }
    sums.rows += header.rows;
}

Sums scan_ours(mtdb_conn* conn, std::vector<char>& buffer) {
    Sums sums;
    mtdb_result* result = nullptr;
    MUST(mtdb_conn_query(conn, scan_query, -1, nullptr, 0, MTDB_DEFAULT, nullptr, &result,
                         &bench_error));
    for (mtdb_status status = MTDB_OK; status == MTDB_OK;) {
        int64_t rows = 0, used = 0;
        const auto cap = static_cast<int64_t>(buffer.size());
        status = MUST(mtdb_result_fetch(result, buffer.data(), cap, 0, &rows, &used, &bench_error));
        add_block(buffer.data(), sums);
    }
    mtdb_result_release(result);
    return sums;
}

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
    std::vector<char> buffer(256 * 1024);
    Sums our_sums, peer_sums;
    const Figures figures = in_turns(
        15, [&] { return timed([&] { our_sums = scan_ours(conn.get(), buffer); }) / rows_total; },
        [&] { return timed([&] { peer_sums = scan_peer(stmt.get()); }) / rows_total; });
    if (our_sums != peer_sums || our_sums.rows != rows_total) fail("the sides read different rows");
    print("sqlite_scan_block", "100000 rows", "ns/row", figures.ours, figures.peer, figures.ratio(),
          at_most(1.15));
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
