// SPDX-License-Identifier: MIT
// 100,000 rows in blocks, every byte read by C; against unbuffered fetches of libmariadb: of
// text that is converted, and of a prepared statement into bound values.
#include <charconv>

#include "scan.hpp"
#include "servers.hpp"

namespace bench {
namespace {

Sums scan_text(MYSQL* connection) {
    Sums sums;
    mysql_exec(connection, scan_query);
    MYSQL_RES* const result = mysql_use_result(connection);
    if (result == nullptr) fail(mysql_error(connection));
    while (const MYSQL_ROW row = mysql_fetch_row(result)) {
        const unsigned long* const lengths = mysql_fetch_lengths(result);
        int64_t id = 0;
        double price = 0;
        std::from_chars(row[0], row[0] + lengths[0], id);
        std::from_chars(row[1], row[1] + lengths[1], price);
        if (lengths[2] != 16) fail("a name has another length");
        sums.ids += id;
        sums.prices += price;
        sums.add_name(row[2]);
        ++sums.rows;
    }
    mysql_free_result(result);
    return sums;
}

Sums scan_bound(MYSQL_STMT* stmt) {
    Sums sums;
    int64_t id = 0;
    double price = 0;
    char name[32];
    unsigned long name_len = 0;
    MYSQL_BIND columns[3] = {};
    columns[0].buffer_type = MYSQL_TYPE_LONGLONG;
    columns[0].buffer = &id;
    columns[1].buffer_type = MYSQL_TYPE_DOUBLE;
    columns[1].buffer = &price;
    columns[2].buffer_type = MYSQL_TYPE_STRING;
    columns[2].buffer = name;
    columns[2].buffer_length = sizeof name;
    columns[2].length = &name_len;
    must_mysql(mysql_stmt_execute(stmt), stmt, "execute");
    must_mysql(mysql_stmt_bind_result(stmt, columns), stmt, "bind the result");
    for (;;) {
        const int fetched = mysql_stmt_fetch(stmt);
        if (fetched == MYSQL_NO_DATA) break;
        must_mysql(fetched, stmt, "fetch");
        if (name_len != 16) fail("a name has another length");
        sums.ids += id;
        sums.prices += price;
        sums.add_name(name);
        ++sums.rows;
    }
    mysql_stmt_free_result(stmt);
    return sums;
}

}  // namespace

void my_scan_block() {
    const MysqlDatabases databases;
    const std::string tenant = tenant_name(0);
    databases.make_tenants(1, 1);
    const auto connection = databases.connect(tenant);
    mysql_exec(connection.get(),
               "CREATE TABLE item(id BIGINT PRIMARY KEY, price DOUBLE NOT NULL,"
               " name VARCHAR(40) NOT NULL)");
    mysql_exec(connection.get(),
               "INSERT INTO item SELECT seq, seq * 0.5, CONCAT('name of ', LPAD(seq, 8, '0'))"
               " FROM seq_1_to_100000");
    const auto stmt = mysql_prepared(connection.get(), scan_query);
    auto db = open_db(databases.url(), {{"tenant.namespace", databases.tenant_namespace()}});
    auto conn = acquire(db.get(), tenant);
    const auto line = [&](const char* text, const std::function<Sums()>& peer) {
        const Figures figures = scan_in_turns(conn.get(), peer);
        print("my_scan_block", text, "ns/row", figures.ours, figures.peer, figures.ratio(),
              at_most(1.10));
    };
    line("100000 rows, text converted", [&] { return scan_text(connection.get()); });
    line("100000 rows, bound values", [&] { return scan_bound(stmt.get()); });
    give_back(std::move(conn));
    close_db(std::move(db));
}

}  // namespace bench
