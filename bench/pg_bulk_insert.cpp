// SPDX-License-Identifier: MIT
// 10,000 rows a transaction by bind_block; against one prepared execute per row in a transaction,
// and with bulk=copy against COPY by hand.
#include <charconv>

#include "bulk.hpp"
#include "servers.hpp"

namespace bench {
namespace {

constexpr char insert[] = "INSERT INTO item(id, price, name) VALUES ($1, $2, $3)";

template <class T>
const char* text_of(char (&buffer)[32], T value) {
    *std::to_chars(buffer, buffer + sizeof buffer - 1, value).ptr = 0;
    return buffer;
}

void insert_rows(PGconn* connection, const std::vector<Row>& data) {
    char id[32], price[32];
    postgres_exec(connection, "BEGIN");
    for (const Row& row : data) {
        const char* const values[] = {text_of(id, row.id), text_of(price, row.price),
                                      row.name.c_str()};
        const Handle<PGresult> result(
            PQexecPrepared(connection, "insert", 3, values, nullptr, nullptr, 0));
        must_postgres(connection, result.get(), "insert");
    }
    postgres_exec(connection, "COMMIT");
}

void copy_rows(PGconn* connection, const std::vector<Row>& data) {
    constexpr std::size_t chunk = 65536;
    char number[32];
    std::string bytes;
    const auto put = [&] {
        if (PQputCopyData(connection, bytes.data(), static_cast<int>(bytes.size())) != 1)
            fail(PQerrorMessage(connection));
        bytes.clear();
    };
    postgres_exec(connection, "COPY item(id, price, name) FROM STDIN");
    for (const Row& row : data) {
        bytes.append(text_of(number, row.id)).push_back('\t');
        bytes.append(text_of(number, row.price)).push_back('\t');
        bytes.append(row.name).push_back('\n');
        if (bytes.size() >= chunk) put();
    }
    put();
    if (PQputCopyEnd(connection, nullptr) != 1) fail(PQerrorMessage(connection));
    while (const Handle<PGresult> result{PQgetResult(connection)})
        must_postgres(connection, result.get(), "copy");
}

}  // namespace

void pg_bulk_insert() {
    const PostgresDatabase database;
    database.make_tenants(2, 1);
    const std::string our_tenant = tenant_name(0), peer_tenant = tenant_name(1);
    const auto our_side = database.connect(our_tenant), peer_side = database.connect(peer_tenant);
    for (PGconn* connection : {our_side.get(), peer_side.get()})
        postgres_exec(connection,
                      "CREATE TABLE item(id bigint PRIMARY KEY,"
                      " price double precision NOT NULL, name text NOT NULL) WITH "
                      "(autovacuum_enabled = false)");
    postgres_prepare(peer_side.get(), "insert", insert);
    const auto data = make_rows();
    const auto block = make_block(data);

    const auto compare = [&](const char* bulk, int rounds, auto by_hand) {
        auto db = open_db(database.url(), {{"bulk", bulk}});
        auto conn = acquire(db.get(), our_tenant);
        const Figures figures = in_turns(
            rounds,
            [&] {
                postgres_exec(our_side.get(), "TRUNCATE item");
                return timed([&] { insert_block(conn.get(), insert, block.get()); }) / bulk_rows;
            },
            [&] {
                postgres_exec(peer_side.get(), "TRUNCATE item");
                return timed([&] { by_hand(peer_side.get(), data); }) / bulk_rows;
            });
        give_back(std::move(conn));
        close_db(std::move(db));
        return figures;
    };
    const Figures flight = compare("flight", 7, insert_rows);
    print("pg_bulk_insert", "10000 rows, an execute per row", "ns/row", flight.ours, flight.peer,
          flight.peer / flight.ours, at_least(8));
    const Figures copy = compare("copy", 15, copy_rows);
    print("pg_bulk_insert", "10000 rows, COPY", "ns/row", copy.ours, copy.peer, copy.ratio(),
          at_most(1.2));
}

}  // namespace bench
