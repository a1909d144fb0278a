// SPDX-License-Identifier: MIT
// 100,000 rows in blocks, every byte read by C; against libpq in single-row mode with binary
// values.
#include "scan.hpp"
#include "servers.hpp"

namespace bench {
namespace {

Sums scan_peer(PGconn* connection) {
    Sums sums;
    if (PQsendQueryPrepared(connection, "scan", 0, nullptr, nullptr, nullptr, 1) != 1 ||
        PQsetSingleRowMode(connection) != 1)
        fail(PQerrorMessage(connection));
    while (const Handle<PGresult> row{PQgetResult(connection)}) {
        must_postgres(connection, row.get(), "scan");
        if (PQresultStatus(row.get()) != PGRES_SINGLE_TUPLE) continue;
        sums.ids += postgres_int64(row.get(), 0);
        sums.prices += postgres_double(row.get(), 1);
        if (PQgetlength(row.get(), 0, 2) != 16) fail("a name has another length");
        sums.add_name(PQgetvalue(row.get(), 0, 2));
        ++sums.rows;
    }
    return sums;
}

}  // namespace

void pg_scan_block() {
    const PostgresDatabase database;
    const std::string tenant = tenant_name(0);
    database.make_tenants(1, 1);
    const auto connection = database.connect(tenant);
    postgres_exec(connection.get(),
                  "CREATE TABLE item(id bigint PRIMARY KEY, price double precision NOT NULL,"
                  " name text NOT NULL)");
    postgres_exec(connection.get(),
                  "INSERT INTO item SELECT n, n * 0.5, 'name of ' || lpad(n::text, 8, '0')"
                  " FROM generate_series(1, 100000) n");
    postgres_exec(connection.get(), "ANALYZE item");
    postgres_prepare(connection.get(), "scan", scan_query);
    auto db = open_db(database.url());
    auto conn = acquire(db.get(), tenant);
    const Figures figures = scan_in_turns(conn.get(), [&] { return scan_peer(connection.get()); });
    print("pg_scan_block", "100000 rows", "ns/row", figures.ours, figures.peer, figures.ratio(),
          at_most(1.10));
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
