// SPDX-License-Identifier: MIT
// 10,000 rows a transaction by bind_block; against one prepared execute per row in a transaction.
#include "bulk.hpp"
#include "servers.hpp"

namespace bench {
namespace {

constexpr char insert[] = "INSERT INTO item(id, price, name) VALUES (?, ?, ?)";

void insert_rows(MYSQL* connection, MYSQL_STMT* stmt, const std::vector<Row>& data) {
    int64_t id = 0;
    double price = 0;
    MYSQL_BIND values[3] = {};
    values[0].buffer_type = MYSQL_TYPE_LONGLONG;
    values[0].buffer = &id;
    values[1].buffer_type = MYSQL_TYPE_DOUBLE;
    values[1].buffer = &price;
    values[2].buffer_type = MYSQL_TYPE_STRING;
    mysql_exec(connection, "START TRANSACTION");
    for (const Row& row : data) {
        id = row.id;
        price = row.price;
        values[2].buffer = const_cast<char*>(row.name.data());  // libmariadb only reads it
        values[2].buffer_length = row.name.size();
        must_mysql(mysql_stmt_bind_param(stmt, values), stmt, "bind");
        must_mysql(mysql_stmt_execute(stmt), stmt, "insert");
    }
    mysql_exec(connection, "COMMIT");
}

// Keeps the file as long as it was, so that its growth, which the disk decides, is not measured.
void empty(MYSQL* connection) {
    mysql_exec(connection, "DELETE FROM item");
    mysql_exec(connection, "SET GLOBAL innodb_max_purge_lag_wait = 0");  // waits for the purge
}

}  // namespace

void my_bulk_insert() {
    const MysqlDatabases databases;
    databases.make_tenants(2, 1);
    const std::string our_tenant = tenant_name(0), peer_tenant = tenant_name(1);
    const auto our_side = databases.connect(our_tenant), peer_side = databases.connect(peer_tenant);
    for (MYSQL* connection : {our_side.get(), peer_side.get()})
        mysql_exec(connection,
                   "CREATE TABLE item(id BIGINT PRIMARY KEY, price DOUBLE NOT NULL,"
                   " name VARCHAR(40) NOT NULL)");
    const auto stmt = mysql_prepared(peer_side.get(), insert);
    const auto data = make_rows();
    const auto block = make_block(data);
    auto db = open_db(databases.url(), {{"tenant.namespace", databases.tenant_namespace()}});
    auto conn = acquire(db.get(), our_tenant);
    const Figures figures = in_turns(
        7,
        [&] {
            empty(our_side.get());
            return timed([&] { insert_block(conn.get(), insert, block.get()); }) / bulk_rows;
        },
        [&] {
            empty(peer_side.get());
            return timed([&] { insert_rows(peer_side.get(), stmt.get(), data); }) / bulk_rows;
        });
    print("my_bulk_insert", "10000 rows, an execute per row", "ns/row", figures.ours, figures.peer,
          figures.peer / figures.ours, at_least(8));
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
