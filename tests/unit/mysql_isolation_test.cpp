// SPDX-License-Identifier: MIT
// What one tenant leaves in a session, and what another must not see of it.
#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;

namespace {

// A connection that `first` has used, handed to `second`.
struct Handed {
    Mysql my;
    std::string first = my.tenant();
    std::string second = my.tenant();
    std::unique_ptr<db::Connection> conn = my.at(first);
    void hand_over() {
        REQUIRE(conn->end_lease() == db::Reuse::clean);
        conn->pin({second}, true);
    }
    std::string one(std::string_view sql) { return Mysql::one(*conn, sql); }
    int64_t run(std::string_view sql) { return Mysql::run(*conn, sql); }
};

}  // namespace

TEST_CASE("mysql: a database that was dropped between pin and statement is TENANT_UNKNOWN and nothing runs") {
    Mysql my;
    const std::string gone = my.tenant();
    const std::string other = my.tenant();
    const auto conn = my.at(other);
    CHECK(my.one(*conn, "SELECT v FROM t") == other);
    conn->pin({gone}, true);
    my.backend->drop({gone}, within());
    for (const char* sql : {"SELECT v FROM t", "INSERT INTO t(v) VALUES('x')", "CREATE TABLE made(i INT)"}) {
        const Error error = error_of([&] { my.run(*conn, sql); });
        CHECK(error.code() == Code::tenant_unknown);
        CHECK(error.effect() == Effect::none);
    }
    const Error prepared = error_of([&] { my.run(*conn, "INSERT INTO t(v) VALUES(?)", {db::Value::text("x")}); });
    CHECK(prepared.code() == Code::tenant_unknown);
    CHECK(error_of([&] { conn->begin({}, within()); }).code() == Code::tenant_unknown);
    CHECK(!conn->in_transaction());
    conn->pin({other}, true);
    CHECK(my.one(*conn, "SELECT GROUP_CONCAT(v) FROM t") == other);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema=DATABASE()") == "1");
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name='made'") == "0");
}

TEST_CASE("mysql: a database that is dropped under a session that stands in it shows and takes nothing") {
    Mysql my;
    const std::string gone = my.tenant();
    const auto conn = my.at(gone);
    CHECK(my.one(*conn, "SELECT v FROM t") == gone);
    CHECK(my.one(*conn, "SELECT v FROM t WHERE id=?", {db::Value::integer(1)}) == gone);
    my.backend->drop({gone}, within());
    for (const char* sql : {"SELECT v FROM t", "INSERT INTO t(v) VALUES('x')"}) {
        const Error error = error_of([&] { my.run(*conn, sql); });
        CHECK((error.code() == Code::tenant_unknown || error.code() == Code::sql_error));
    }
    CHECK(error_of([&] { my.run(*conn, "CREATE TABLE made(i INT)"); }).code() == Code::tenant_unknown);
    CHECK_THROWS_AS(my.one(*conn, "SELECT v FROM t WHERE id=?", {db::Value::integer(1)}), Error);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name='made'") == "0");
}

TEST_CASE("mysql: a database that was renamed is unknown by its old name") {
    Mysql my;
    const std::string from = my.tenant();
    const std::string to = my.fresh_name();
    const auto conn = my.at(from);
    CHECK(my.one(*conn, "SELECT v FROM t") == from);
    my.backend->rename({from}, {to}, within());
    CHECK_THROWS_AS(my.one(*conn, "SELECT v FROM t"), Error);
    CHECK(conn->end_lease() == db::Reuse::clean);
    conn->pin({from}, true);
    CHECK(error_of([&] { my.one(*conn, "SELECT v FROM t"); }).code() == Code::tenant_unknown);
    conn->pin({to}, true);
    CHECK(my.one(*conn, "SELECT v FROM t") == from);
}

TEST_CASE("mysql: a pin to a database without a grant is TENANT_UNKNOWN") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string other = my.tenant();
    const auto root = my.at(tenant);
    const std::string user = "u_" + std::to_string(getpid());
    my.run(*root, "CREATE OR REPLACE USER " + user + "@localhost IDENTIFIED BY 'a:b@c/d?e=f'");
    my.run(*root, "GRANT ALL ON " + tenant + ".* TO " + user + "@localhost");
    auto settings = my.settings;
    settings.values["password"] = "a:b@c/d?e=f";
    const auto backend = backends::mysql::make({"mysql", mysql_url() + "&user=" + user}, settings);
    const auto conn = backend->open({"x"}, within());
    conn->pin({tenant}, false);
    CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
    conn->pin({other}, true);
    CHECK(error_of([&] { my.one(*conn, "SELECT v FROM t"); }).code() == Code::tenant_unknown);
    my.run(*root, "REVOKE ALL ON " + tenant + ".* FROM " + user + "@localhost");
    conn->pin({tenant}, true);
    CHECK(error_of([&] { my.one(*conn, "SELECT v FROM t"); }).code() == Code::tenant_unknown);
    CHECK(error_of([&] { my.run(*conn, "INSERT INTO t(v) VALUES('x')"); }).code() == Code::tenant_unknown);
    my.run(*root, "DROP USER " + user + "@localhost");
}

TEST_CASE("mysql: the server's own databases, odd names and no name are never stood in") {
    Mysql my;
    const auto conn = my.open();
    CHECK(error_of([&] { my.one(*conn, "SELECT 1"); }).code() == Code::invalid_state);
    for (const char* name : {"mysql", "MySQL", "sys", "information_schema", "performance_schema"}) {
        conn->pin({name}, false);
        CHECK(error_of([&] { my.one(*conn, "SELECT 1"); }).code() == Code::permission);
    }
    for (const std::string& name : {std::string("a/b"), std::string("#mysql50#a"), std::string(65, 'a'),
                                    std::string("a\0b", 3), std::string("a ")}) {
        conn->pin({name}, false);
        CHECK(error_of([&] { my.one(*conn, "SELECT 1"); }).code() == Code::invalid_argument);
    }
}

TEST_CASE("mysql: after a USE of the tenant's own the next statement runs in its database again") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string other = my.tenant();
    const auto conn = my.at(tenant);
    const std::vector<std::string> moves = {
        "USE " + other,
        "/*!50000 USE " + other + " */",
        "EXECUTE IMMEDIATE 'USE " + other + "'",
        "EXECUTE IMMEDIATE CONCAT('US','E " + other + "')",
    };
    for (const std::string& move : moves) {
        CAPTURE(move);
        try {
            my.run(*conn, move);
        } catch (const Error& error) {  // a server that does not take it has not moved
            MESSAGE(move << ": " << error.message());
        }
        CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
        CHECK(my.one(*conn, "SELECT v FROM t WHERE id=?", {db::Value::integer(1)}) == tenant);
        CHECK(my.one(*conn, "SELECT DATABASE()") == tenant);
        CHECK(conn->end_lease() == db::Reuse::clean);
        conn->pin({tenant}, false);
        CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
    }
}

TEST_CASE("mysql: USE is noticed with the schema tracker switched off, and inside a transaction") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string other = my.tenant();
    const auto conn = my.at(tenant);
    my.run(*conn, "SET session_track_schema=0");
    my.run(*conn, "USE " + other);
    CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
    conn->begin({}, within());
    my.run(*conn, "USE " + other);
    CHECK(my.run(*conn, "UPDATE t SET v='mine'") == 1);
    conn->commit(within());
    const auto look = my.at(other);
    CHECK(my.one(*look, "SELECT v FROM t") == other);
    conn->end_lease();
    conn->pin({tenant}, false);
    CHECK(my.one(*conn, "SELECT @@session_track_schema") == "1");
}

TEST_CASE("mysql: a procedure that moves the session moves no later statement") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string other = my.tenant();
    const auto conn = my.at(tenant);
    my.run(*conn,
           "CREATE PROCEDURE move() BEGIN EXECUTE IMMEDIATE 'SET session_track_schema=0'; "
           "EXECUTE IMMEDIATE 'USE " +
               other + "'; END");
    try {
        my.run(*conn, "CALL move()");
    } catch (const Error& error) {
        MESSAGE(error.message());
    }
    CHECK(my.one(*conn, "SELECT v FROM t") == tenant);
    CHECK(my.one(*conn, "SELECT v FROM t WHERE id=?", {db::Value::integer(1)}) == tenant);
    conn->end_lease();
    conn->pin({other}, true);
    CHECK(my.one(*conn, "SELECT v FROM t") == other);
}

TEST_CASE("mysql: a tenant that drops its own database is unknown to its next statement") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    my.run(*conn, "DROP DATABASE " + tenant);
    CHECK(error_of([&] { my.one(*conn, "SELECT 1"); }).code() == Code::tenant_unknown);
}

TEST_CASE("mysql: with the schema tracker switched off, a database made anew is stood in anew") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    my.run(*conn, "SET session_track_schema=0");
    my.run(*conn, "DROP DATABASE " + tenant);
    CHECK(error_of([&] { my.one(*conn, "SELECT 1"); }).code() == Code::tenant_unknown);
    my.backend->create({tenant}, within());
    CHECK(my.one(*conn, "SELECT DATABASE()") == tenant);
}

TEST_CASE("mysql: a prepared statement is prepared anew after a reset for the same tenant") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    const auto statement = conn->prepare("SELECT v FROM t WHERE id=?", nullptr, within());
    statement->bind(1, db::Value::integer(1), db::Lifetime::copied);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(statement->next(within()));
        CHECK(statement->value(0).view() == tenant);
        statement->reset();
        my.run(*conn, "SET @dirty=1");
        CHECK(conn->end_lease() == db::Reuse::clean);
        conn->pin({tenant}, false);
    }
}

TEST_CASE("mysql: a statement prepared in the first tenant's database reads the second's") {
    Handed h;
    const auto read = h.conn->prepare("SELECT v FROM t WHERE id=?", nullptr, within());
    const auto write = h.conn->prepare("UPDATE t SET v=? WHERE id=1", nullptr, within());
    read->bind(1, db::Value::integer(1), db::Lifetime::copied);
    REQUIRE(read->next(within()));
    CHECK(read->value(0).view() == h.first);
    read->reset();
    write->bind(1, db::Value::text(h.first), db::Lifetime::copied);
    write->run(within());
    h.hand_over();
    REQUIRE(read->next(within()));
    CHECK(read->value(0).view() == h.second);
    read->reset();
    write->bind(1, db::Value::text("changed"), db::Lifetime::copied);
    write->run(within());
    CHECK(h.one("SELECT v FROM t") == "changed");
    CHECK(Mysql::one(*h.my.at(h.first), "SELECT v FROM t") == h.first);
    // And back, without a reset between.
    h.conn->pin({h.first}, false);
    REQUIRE(read->next(within()));
    CHECK(read->value(0).view() == h.first);
    read->reset();
}

TEST_CASE("mysql: a switch that fails never runs the statement behind it") {
    Handed h;
    const auto write = h.conn->prepare("INSERT INTO t(v) VALUES(?)", nullptr, within());
    write->bind(1, db::Value::text("mine"), db::Lifetime::copied);
    write->run(within());
    h.conn->pin({"mt_no_such_database"}, true);
    CHECK(error_of([&] { write->run(within()); }).code() == Code::tenant_unknown);
    CHECK(error_of([&] { h.run("INSERT INTO t(v) VALUES('lost')"); }).code() == Code::tenant_unknown);
    int64_t ran = 0;
    CHECK(error_of([&] {
              h.conn->run_script("INSERT INTO t(v) VALUES('l1'); INSERT INTO t(v) VALUES('l2')", ran, within());
          }).code() == Code::tenant_unknown);
    h.conn->pin({h.first}, false);
    CHECK(h.one("SELECT COUNT(*) FROM t") == "2");
    h.conn->pin({h.second}, false);
    CHECK(h.one("SELECT COUNT(*) FROM t") == "1");
}

TEST_CASE("mysql: an unknown prepared text runs nothing of the statement before it") {
    Handed h;
    Mysql::run(*h.conn, "INSERT INTO t(v) VALUES(?)", {db::Value::text("once")});
    CHECK_THROWS_AS(Mysql::run(*h.conn, "INSERT INTO nosuch(v) VALUES(?)", {db::Value::text("twice")}), Error);
    CHECK_THROWS_AS(Mysql::run(*h.conn, "INSRT INTO t(v) VALUES(?)", {db::Value::text("twice")}), Error);
    CHECK(h.conn->in_place());
    CHECK(h.one("SELECT COUNT(*) FROM t") == "2");
}

TEST_CASE("mysql: nothing of a session is seen by the next tenant") {
    Handed h;
    SUBCASE("user variables") {
        h.run("SET @secret='s'");
        h.one("SELECT @other:='o'");
        h.hand_over();
        CHECK(h.one("SELECT @secret") == "NULL");
        CHECK(h.one("SELECT @other") == "NULL");
    }
    SUBCASE("temporary tables, also of the same name as a table") {
        h.run("CREATE TEMPORARY TABLE t(v VARCHAR(10))");
        h.run("CREATE TEMPORARY TABLE " + h.second + ".t(v VARCHAR(10))");
        h.run("INSERT INTO " + h.second + ".t VALUES('temporary')");
        h.hand_over();
        CHECK(h.one("SELECT v FROM t") == h.second);
    }
    SUBCASE("named locks") {
        CHECK(h.one("SELECT GET_LOCK('mt_lock',0)") == "1");
        REQUIRE(h.conn->end_lease() == db::Reuse::clean);
        // Not even until the next lease.
        CHECK(Mysql::one(*h.my.at(h.second), "SELECT IS_FREE_LOCK('mt_lock')") == "1");
    }
    SUBCASE("table locks") {
        h.run("LOCK TABLES t WRITE");
        REQUIRE(h.conn->end_lease() == db::Reuse::clean);
        CHECK(Mysql::one(*h.my.at(h.first), "SELECT v FROM t", {}, within(2000)) == h.first);
    }
    SUBCASE("LAST_INSERT_ID, ROW_COUNT and FOUND_ROWS") {
        h.run("INSERT INTO t(id,v) VALUES(4711,'x')");
        h.run("INSERT INTO t(v) VALUES('y')");
        CHECK(h.one("SELECT LAST_INSERT_ID()") == "4712");
        CHECK(Mysql::column(*h.conn, "SELECT SQL_CALC_FOUND_ROWS v FROM t LIMIT 1").size() == 1);
        h.hand_over();
        CHECK(h.one("SELECT FOUND_ROWS()") != "3");
        CHECK(h.one("SELECT LAST_INSERT_ID()") == "0");
        h.conn->pin({h.first}, true);
        h.run("UPDATE t SET v='z'");
        h.hand_over();
        CHECK(h.one("SELECT ROW_COUNT()") != "3");
        CHECK(h.conn->insert_id() == 0);
    }
    SUBCASE("session settings") {
        h.run(
            "SET SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES', time_zone='+05:00', autocommit=0, "
            "foreign_key_checks=0, tx_isolation='READ-UNCOMMITTED', max_statement_time=1");
        h.run("SET NAMES latin1");
        h.run("SET character_set_results=NULL");
        h.hand_over();
        CHECK(
            h.one("SELECT CONCAT_WS(' ',@@time_zone,@@autocommit,@@foreign_key_checks,@@tx_isolation,"
                  "@@character_set_client,@@character_set_results,@@collation_connection,@@max_statement_time)") ==
            "+00:00 ON ON REPEATABLE-READ utf8mb4 utf8mb4 utf8mb4_general_ci 0.000000");
        CHECK(h.one("SELECT @@sql_mode LIKE '%ANSI%' OR @@sql_mode LIKE '%BACKSLASH%'") == "0");
    }
    SUBCASE("an open transaction") {
        h.conn->begin({}, within());
        h.run("INSERT INTO t(v) VALUES('uncommitted')");
        h.hand_over();
        CHECK(!h.conn->in_transaction());
        CHECK(h.one("SELECT COUNT(*) FROM t") == "1");
        CHECK(Mysql::one(*h.my.at(h.first), "SELECT COUNT(*) FROM t") == "1");
    }
}

TEST_CASE("mysql: nor settings, roles and what else a session holds") {
    Handed h;
    SUBCASE("a transaction that autocommit=0 opened") {
        h.run("SET autocommit=0");
        h.run("INSERT INTO t(v) VALUES('uncommitted')");
        CHECK(h.conn->in_transaction());
        h.hand_over();
        h.run("INSERT INTO t(v) VALUES('committed')");
        CHECK(!h.conn->in_transaction());
        CHECK(Mysql::one(*h.my.at(h.first), "SELECT COUNT(*) FROM t") == "1");
        CHECK(Mysql::one(*h.my.at(h.second), "SELECT COUNT(*) FROM t") == "2");
    }
    SUBCASE("the isolation and the mode of the next transaction") {
        h.run("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ ONLY");
        h.hand_over();
        h.run("INSERT INTO t(v) VALUES('written')");
        CHECK(h.one("SELECT COUNT(*) FROM t") == "2");
    }
    SUBCASE("prepared statements of its own by name") {
        h.run("PREPARE mine FROM 'SELECT v FROM t'");
        h.hand_over();
        CHECK_THROWS_AS(h.run("EXECUTE mine"), Error);
    }
    SUBCASE("handlers and cursors") {
        h.run("HANDLER t OPEN AS leaf");
        h.hand_over();
        CHECK_THROWS_AS(h.run("HANDLER leaf READ FIRST"), Error);
    }
    SUBCASE("an XA transaction") {
        h.run("XA START 'mt_xa'");
        h.run("INSERT INTO t(v) VALUES('xa')");
        if (h.conn->end_lease() == db::Reuse::clean) {
            h.conn->pin({h.second}, true);
            CHECK(h.one("SELECT COUNT(*) FROM t") == "1");
        }
        h.conn.reset();
        CHECK(Mysql::one(*h.my.at(h.first), "SELECT COUNT(*) FROM t") == "1");
    }
    SUBCASE("a role") {
        const std::string role = "r_" + std::to_string(getpid());
        h.run("CREATE OR REPLACE ROLE " + role);
        h.run("SET ROLE " + role);
        h.hand_over();
        CHECK(h.one("SELECT CURRENT_ROLE()") == "NULL");
        h.run("DROP ROLE " + role);
    }
    SUBCASE("warnings of the first tenant's statement") {
        h.run("DROP TABLE IF EXISTS no_such_table");
        CHECK(h.conn->has_notices());
        h.hand_over();
        CHECK(!h.conn->has_notices());
        CHECK(Mysql::column(*h.conn, "SHOW WARNINGS").empty());
    }
    SUBCASE("the previous value of a sequence") {
        h.run("CREATE SEQUENCE s");
        h.one("SELECT NEXTVAL(s)");
        h.hand_over();
        CHECK_THROWS_AS(h.one("SELECT PREVIOUS VALUE FOR " + h.first + ".no"), Error);
        CHECK(h.one("SELECT PREVIOUS VALUE FOR " + h.first + ".s") == "NULL");
    }
}

TEST_CASE("mysql: rows that nobody read are not the next statement's") {
    Handed h;
    h.run("INSERT INTO t(v) SELECT CONCAT('row ',seq) FROM seq_1_to_50000");
    auto rows = h.conn->prepare("SELECT v FROM t", nullptr, within());
    REQUIRE(rows->next(within()));
    CHECK(error_of([&] { h.one("SELECT 1"); }).code() == Code::invalid_state);
    CHECK(h.conn->end_lease() == db::Reuse::discard);
    rows->reset();
    CHECK(h.one("SELECT 'mine'") == "mine");
    auto again = h.conn->prepare("SELECT v FROM t WHERE id>?", nullptr, within());
    again->bind(1, db::Value::integer(0), db::Lifetime::copied);
    REQUIRE(again->next(within()));
    again.reset();
    h.hand_over();
    CHECK(h.one("SELECT v FROM t") == h.second);
}

TEST_CASE("mysql: a lease that left something in the session is followed by a reset for the same tenant, too") {
    Handed h;
    h.run("SET @mine=1");
    REQUIRE(h.conn->end_lease() == db::Reuse::clean);
    h.conn->pin({h.first}, false);
    CHECK(h.one("SELECT @mine") == "NULL");
    CHECK(h.one("SELECT v FROM t") == h.first);
}

TEST_CASE("mysql: a failing statement, a rollback and a savepoint leave the session in the tenant's database") {
    Handed h;
    h.hand_over();
    CHECK_THROWS_AS(h.run("SELECT nonsense FROM nowhere"), Error);
    CHECK(h.one("SELECT v FROM t") == h.second);
    h.conn->begin({}, within());
    h.conn->savepoint("a");
    h.run("UPDATE t SET v='x'");
    h.conn->rollback_to("a");
    CHECK(h.one("SELECT v FROM t") == h.second);
    h.conn->rollback();
    CHECK(h.one("SELECT v FROM t") == h.second);
    CHECK(h.conn->standing(within()) == h.second);
}

TEST_CASE("mysql: two statements in one text are refused outside scripts, before and after one") {
    Handed h;
    const auto both = [&] {
        auto& session = Mysql::session(*h.conn);
        const Wait wait = within();
        const backends::mysql::Operation operation(session, wait, backends::mysql::Operation::Kill::allowed);
        return session.run("SELECT 1; SELECT 2");
    };
    CHECK(both().kind == backends::mysql::Reply::Kind::error);
    int64_t ran = 0;
    CHECK(h.conn->run_script("INSERT INTO t(v) VALUES('a'); INSERT INTO t(v) VALUES('b')", ran, within()));
    CHECK(ran == 2);
    CHECK(both().kind == backends::mysql::Reply::Kind::error);
    CHECK_THROWS_AS(
        h.conn->run_script("INSERT INTO t(v) VALUES('c'); INSERT INTO nowhere VALUES(1)", ran, within()), Error);
    CHECK(both().kind == backends::mysql::Reply::Kind::error);
    h.hand_over();
    CHECK(h.one("SELECT v FROM t") == h.second);
    CHECK(both().kind == backends::mysql::Reply::Kind::error);
}

TEST_CASE("mysql: a killed backend is closed, never reused, and says what became of the statement") {
    Handed h;
    const auto root = h.my.at(h.second);
    SUBCASE("while it was idle: nothing was sent") {
        Mysql::run(*root, "KILL " + std::to_string(Mysql::session(*h.conn).id()));
        h.conn->end_lease();
        h.conn->pin({h.second}, true);
        usleep(50'000);
        const Error error = error_of([&] { h.run("INSERT INTO t(v) VALUES('x')"); });
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::none);
        CHECK(error.retryable());
        CHECK(!h.conn->has_sent());
    }
    SUBCASE("in a transaction: rolled back") {
        h.conn->begin({}, within());
        h.run("INSERT INTO t(v) VALUES('x')");
        Mysql::run(*root, "KILL " + std::to_string(Mysql::session(*h.conn).id()));
        const Error error = error_of([&] { h.run("INSERT INTO t(v) VALUES('y')"); });
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK(!h.conn->in_transaction());
    }
    SUBCASE("in a function, which may have written: unknown") {
        Mysql::run(*root, "CREATE FUNCTION " + h.first + ".pause() RETURNS INT RETURN SLEEP(30)");
        std::thread killer([&] {
            usleep(200'000);
            Mysql::run(*root, "KILL " + std::to_string(Mysql::session(*h.conn).id()));
        });
        h.conn->pin({h.first}, true);
        const Error error = error_of([&] { h.one("SELECT pause()"); });
        killer.join();
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::unknown);
        CHECK(h.conn->has_sent());
    }
    SUBCASE("before COMMIT: unknown") {
        h.conn->begin({}, within());
        h.run("INSERT INTO t(v) VALUES('x')");
        Mysql::run(*root, "KILL " + std::to_string(Mysql::session(*h.conn).id()));
        CHECK(error_of([&] { h.conn->commit(within()); }).effect() == Effect::unknown);
    }
    CHECK(h.conn->end_lease() == db::Reuse::discard);
    CHECK(!h.conn->in_place());
    CHECK(error_of([&] { h.one("SELECT 1"); }).code() == Code::unavailable);
}
