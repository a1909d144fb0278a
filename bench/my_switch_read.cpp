// SPDX-License-Identifier: MIT
// Lease, prepared read, give back, another tenant every time, on one connection; against libmariadb
// by hand: mysql_select_db and a read that was prepared in that database; and, for what the
// clean-up between tenants costs, the same behind mysql_reset_connection, which ends every prepared
// statement.
#include <vector>

#include "servers.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 100;
constexpr int64_t rows = 100;
constexpr int64_t reads = 2000;
constexpr char point_query[] = "SELECT v FROM kv WHERE id = ?";

int64_t nth_tenant(int64_t k) { return k * 37 % tenants; }

template <class Work>
double run(Work work) {
    return timed([&] {
               for (int64_t k = 0; k < reads; ++k) {
                   const int64_t tenant = nth_tenant(k), id = 1 + k % rows;
                   if (work(static_cast<std::size_t>(tenant), id) != id * 3 + tenant)
                       fail("a row of another tenant");
               }
           }) /
           reads;
}

}  // namespace

void my_switch_read() {
    const MysqlDatabases databases;
    databases.make_tenants(tenants, rows);
    auto db = open_db(databases.url(), {{"tenant.namespace", databases.tenant_namespace()},
                                        {"pool.size_max", "1"},
                                        {"statement_cache", std::to_string(2 * tenants)}});
    const auto kept = databases.connect(), cleaned = databases.connect();
    std::vector<std::string> names, places;
    std::vector<Handle<MYSQL_STMT>> statements;
    const auto select = [&](MYSQL* connection, std::size_t tenant) {
        must_mysql(mysql_select_db(connection, places[tenant].c_str()), connection, "select");
    };
    for (int64_t i = 0; i < tenants; ++i) {
        names.push_back(tenant_name(i));
        places.push_back(databases.database_of(names.back()));
        select(kept.get(), static_cast<std::size_t>(i));
        statements.push_back(mysql_prepared(kept.get(), point_query));
    }

    const std::vector<double> figures = in_turns(
        9, {[&] {
                return run([&](std::size_t tenant, int64_t id) {
                    return lease_and_read(db.get(), names[tenant], point_query, id);
                });
            },
            [&] {
                return run([&](std::size_t tenant, int64_t id) {
                    select(kept.get(), tenant);
                    return mysql_read(statements[tenant].get(), id);
                });
            },
            [&] {
                return run([&](std::size_t tenant, int64_t id) {
                    must_mysql(mysql_reset_connection(cleaned.get()), cleaned.get(), "reset");
                    select(cleaned.get(), tenant);
                    return mysql_read(mysql_prepared(cleaned.get(), point_query).get(), id);
                });
            }});
    print("my_switch_read", "mysql_select_db and a prepared read", "ns/op", figures[0], figures[1],
          figures[0] / figures[1], at_most(1.10));
    print("my_switch_read", "the same behind mysql_reset_connection", "ns/op", figures[0],
          figures[2], figures[0] / figures[2], {});
    close_db(std::move(db));
}

}  // namespace bench
