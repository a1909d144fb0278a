// SPDX-License-Identifier: MIT
#include <set>
#include <thread>

#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;

TEST_CASE("mysql: a tenant is made, found, listed, and dropped") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string absent = my.fresh_name();
    CHECK(my.backend->exists({tenant}, within()));
    CHECK(!my.backend->exists({absent}, within()));
    const Error again = error_of([&] { my.backend->create({tenant}, within()); });
    CHECK(again.code() == Code::exists);
    std::set<std::string> names;
    const auto list = my.backend->list(within());
    while (const auto name = list->next()) names.insert(*name);
    CHECK(names.count(tenant) == 1);
    CHECK(names.count("mysql") + names.count("sys") + names.count("information_schema") +
              names.count("performance_schema") ==
          0);
    CHECK(my.one(*my.at(tenant),
                 "SELECT default_character_set_name FROM information_schema.schemata WHERE "
                 "schema_name=DATABASE()") == "utf8mb4");
    my.backend->drop({tenant}, within());
    CHECK(!my.backend->exists({tenant}, within()));
    CHECK(error_of([&] { my.backend->drop({tenant}, within()); }).code() == Code::tenant_unknown);
}

TEST_CASE("mysql: of thirty creators of one tenant exactly one succeeds") {
    Mysql my;
    const std::string name = my.fresh_name();
    std::atomic<int> made{0}, existing{0}, other{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 30; ++i)
        threads.emplace_back([&] {
            try {
                my.backend->create({name}, within());
                ++made;
            } catch (const Error& error) {
                ++(error.code() == Code::exists ? existing : other);
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(made == 1);
    CHECK(existing == 29);
    CHECK(other == 0);
}

TEST_CASE("mysql: a creation waits for the lock of another, within its deadline") {
    Mysql my;
    const std::string name = my.fresh_name();
    const auto holder = my.at(my.tenant());
    CHECK(my.one(*holder, "SELECT GET_LOCK('mtdb:" + name + "',0)") == "1");
    CHECK(error_of([&] { my.backend->create({name}, within(200)); }).code() == Code::timeout);
    CHECK(!my.backend->exists({name}, within()));
    holder->end_lease();
    my.backend->create({name}, within());
}

TEST_CASE("mysql: a drop takes tables in batches, whatever refers to whatever") {
    MysqlSettings settings;
    settings.values["drop.batch"] = "3";
    Mysql my(settings);
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    my.run(*conn, "CREATE TABLE parent(i INT PRIMARY KEY)");
    for (int i = 0; i < 8; ++i)
        my.run(*conn, "CREATE TABLE child" + std::to_string(i) + "(i INT, FOREIGN KEY(i) REFERENCES parent(i))");
    my.run(*conn, "CREATE VIEW seen AS SELECT * FROM parent");
    my.run(*conn, "CREATE SEQUENCE s");
    my.run(*conn, "CREATE TABLE `odd ``name; DROP`(i INT)");
    my.run(*conn, "CREATE PROCEDURE p() SELECT 1");
    my.backend->drop({tenant}, within());
    CHECK(!my.backend->exists({tenant}, within()));
}

TEST_CASE("mysql: the server's own databases and the shared one are never made, dropped, renamed or asked for") {
    MysqlSettings settings;
    settings.values["tenant.shared"] = "mt_shared";
    Mysql my(settings);
    for (const char* name :
         {"mysql", "sys", "Information_Schema", "performance_schema", "mt_shared", "MT_shared"}) {
        CHECK(error_of([&] { my.backend->drop({name}, within()); }).code() == Code::permission);
        CHECK(error_of([&] { my.backend->create({name}, within()); }).code() == Code::permission);
        CHECK(error_of([&] { my.backend->exists({name}, within()); }).code() == Code::permission);
        CHECK(error_of([&] { my.backend->rename({name}, {"mt_x"}, within()); }).code() == Code::permission);
    }
    CHECK(error_of([&] { my.backend->drop({"a/b"}, within()); }).code() == Code::invalid_argument);
    CHECK(error_of([&] { my.backend->drop({""}, within()); }).code() == Code::invalid_argument);
}

TEST_CASE("mysql: a rename moves every table, or refuses before anything is touched") {
    Mysql my;
    const std::string from = my.tenant();
    const std::string to = my.fresh_name();
    const auto conn = my.at(from);
    my.run(*conn, "CREATE TABLE parent(i INT PRIMARY KEY)");
    my.run(*conn, "CREATE TABLE child(i INT, FOREIGN KEY(i) REFERENCES parent(i))");
    my.run(*conn, "INSERT INTO parent VALUES(1)");
    my.run(*conn, "INSERT INTO child VALUES(1)");
    for (const auto& [make, undo] : std::vector<std::pair<std::string, std::string>>{
             {"CREATE VIEW seen AS SELECT 1", "DROP VIEW seen"},
             {"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v=1", "DROP TRIGGER tr"},
             {"CREATE PROCEDURE p() SELECT 1", "DROP PROCEDURE p"},
             {"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "DROP EVENT e"}}) {
        my.run(*conn, make);
        const Error error = error_of([&] { my.backend->rename({from}, {to}, within()); });
        CHECK(error.code() == Code::unsupported);
        CHECK(!my.backend->exists({to}, within()));
        my.run(*conn, undo);
    }
    const std::string taken = my.tenant();
    CHECK(error_of([&] { my.backend->rename({from}, {taken}, within()); }).code() == Code::exists);
    CHECK(error_of([&] { my.backend->rename({"mt_no_such"}, {to}, within()); }).code() == Code::tenant_unknown);
    my.backend->rename({from}, {to}, within());
    CHECK(!my.backend->exists({from}, within()));
    const auto moved = my.at(to);
    CHECK(my.one(*moved, "SELECT v FROM t") == from);
    CHECK(error_of([&] { my.run(*moved, "INSERT INTO child VALUES(2)"); }).code() == Code::constraint);
}

TEST_CASE("mysql: names that differ only in case are different tenants, or the capital one is refused") {
    Mysql my;
    const std::string tenant = my.tenant();
    std::string capital = tenant;
    capital[0] = 'M';
    const auto conn = my.open();
    conn->pin({capital}, false);
    const Error error = error_of([&] { my.one(*conn, "SELECT v FROM t"); });
    CHECK((error.code() == Code::tenant_unknown || error.code() == Code::invalid_argument));
    CHECK(!my.backend->exists({capital}, within()));
    backends::mysql::check_name("lower", true);
    CHECK_THROWS_AS(backends::mysql::check_name("Lower", true), Error);
    backends::mysql::check_name("Lower", false);
}

TEST_CASE("mysql: a credential per tenant is a server setting of its place") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto root = my.at(tenant);
    const std::string user = "p_" + std::to_string(getpid());
    my.run(*root, "CREATE OR REPLACE USER " + user + "@localhost IDENTIFIED BY 'a&b=c%d'");
    my.run(*root, "GRANT ALL ON " + tenant + ".* TO " + user + "@localhost");
    const std::string server = "?user=" + user + "&password=a%26b%3dc%25d";
    const auto conn = my.backend->open({tenant, server}, within());
    conn->pin({tenant, server}, false);
    CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
    CHECK(my.one(*conn, "SELECT CURRENT_USER()") == user + "@localhost");
    my.run(*root, "DROP USER " + user + "@localhost");
}

TEST_CASE("mysql: what the dialect says") {
    const db::Dialect& dialect = backends::mysql::dialect();
    CHECK(dialect.shares_connections);
    CHECK(!dialect.transactional_ddl);
    CHECK(!dialect.concurrent_results);
    CHECK(dialect.lexis.style == db::PlaceholderStyle::question);
    Mysql my;
    const auto conn = my.at(my.tenant());
    CHECK(my.one(*conn, dialect.history.tables_query) == "t");
    my.run(*conn, "CREATE TABLE schema_migrations " + std::string(dialect.history.golang_columns));
    my.run(*conn, "INSERT INTO schema_migrations VALUES(?,?)",
           {db::Value::integer(1), db::Value::integer(1, db::Type::boolean)});
    CHECK(my.one(*conn, "SELECT dirty FROM schema_migrations") == "1");
    CHECK(my.one(*conn, dialect.ping) == "1");
}
