// SPDX-License-Identifier: MIT
// Behind PgBouncer in transaction mode: the environment variable MTDB_TEST_PGBOUNCER leads to one that stands in
// front of the tests' server.
#include <thread>

#include "backends/postgres/conninfo.hpp"
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

std::string pooler() {
    pg::Keywords keywords = pg::parse_target(environment("MTDB_TEST_PGBOUNCER"));
    keywords["user"] = pg::parse_target(server()).at("user");
    return conninfo_of(keywords);
}

struct Pooled {
    World world;
    std::unique_ptr<db::Backend> backend = pg::make({"postgres", pooler(), {}}, Settings());
    std::unique_ptr<db::Connection> open(const std::string& tenant) {
        auto connection = backend->open({}, forever);
        connection->pin({tenant}, false);
        return connection;
    }
};

}  // namespace

TEST_CASE("postgres pooler: it is noticed, and statements run where they must on whatever session they get") {
    Pooled pooled;
    const auto one = pooled.open(pooled.world.a);
    const auto two = pooled.open(pooled.world.b);
    CHECK(of(*one).pooling() == pg::Pooling::transaction);
    CHECK(of(*two).pooling() == pg::Pooling::transaction);
    const auto read = prepare(*one, "SELECT who, 1.5::numeric, '2000-01-01'::date, '1 day'::interval FROM mark");
    for (int i = 0; i < 20; ++i) {
        read->reset();
        REQUIRE(read->next(forever));
        CHECK(shown(read->value(0)) == pooled.world.a);
        CHECK(read->value(2).slot == 10957);
        CHECK_FALSE(read->next(forever));
        CHECK(ask(*two, "SELECT who FROM mark") == pooled.world.b);
        World::pass(*two, pooled.world.a);
        CHECK(ask(*two, "SELECT who FROM mark") == pooled.world.a);
        World::pass(*two, pooled.world.b);
    }
    CHECK(pooled.world.outside.ask("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == "0");
}

TEST_CASE("postgres pooler: nothing of a tenant's path stays in a session that others get") {
    Pooled pooled;
    const auto connection = pooled.open(pooled.world.a);
    CHECK(run(*connection, "INSERT INTO mark VALUES(2, 'x')") == 1);
    connection->begin({}, forever);
    run(*connection, "INSERT INTO mark VALUES(3, 'x')");
    connection->savepoint("s");
    CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
    connection->rollback_to("s");
    run(*connection, "INSERT INTO mark VALUES(4, 'x')");
    connection->commit(forever);
    CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "4");
    const auto naked = pg::make({"postgres", pooler(), {}}, Settings({{"tenancy", "server"}}))->open({}, forever);
    for (int i = 0; i < 5; ++i) CHECK(ask(*naked, "SHOW search_path").find(pooled.world.a) == std::string::npos);
    connection->pin({"tx_nobody"}, true);
    CHECK(error_of([&] { run(*connection, "CREATE TABLE made_1(x int)"); }).code() == Code::tenant_unknown);
    connection->begin({}, forever);
    CHECK(error_of([&] { run(*connection, "CREATE TABLE made_1(x int)"); }).code() == Code::tenant_unknown);
    connection->rollback();
}

TEST_CASE("postgres pooler: what a function leaves in the session is not the next one's") {
    Pooled pooled;
    for (const std::string& tenant : {pooled.world.a, pooled.world.b}) {
        pooled.world.outside.run("CREATE SEQUENCE " + tenant + ".s");
        pooled.world.outside.run("CREATE FUNCTION " + tenant +
                                 ".report() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN"
                                 " CREATE TEMP TABLE IF NOT EXISTS seen(who text);"
                                 " INSERT INTO seen SELECT who FROM mark;"
                                 " PERFORM nextval('s'); PERFORM set_config('mtdb.secret', 'x', false);"
                                 " RETURN (SELECT count(*) FROM seen); END $$");
    }
    const auto connection = pooled.open(pooled.world.a);
    for (int i = 0; i < 6; ++i) {
        CAPTURE(i);
        const bool first = i % 2 == 0;
        World::pass(*connection, first ? pooled.world.a : pooled.world.b);
        CHECK(ask(*connection, "SELECT coalesce(current_setting('mtdb.secret', true), '')").empty());
        CHECK(error_of([&] { ask(*connection, "SELECT lastval()"); }).sqlstate() == "55000");
        connection->begin({.isolation = db::Isolation::serializable}, forever);
        CHECK(ask(*connection, "SELECT report()") == "1");
        connection->commit(forever);
    }
    pooled.world.outside.run("CREATE FUNCTION " + pooled.world.a +
                             ".become() RETURNS text LANGUAGE sql AS"
                             " $$ SELECT set_config('role', 'pg_monitor', false) $$");
    World::pass(*connection, pooled.world.a);
    ask(*connection, "SELECT become()");
    World::pass(*connection, pooled.world.b);
    CHECK(ask(*connection, "SELECT current_user = session_user") == "1");
}

TEST_CASE("postgres pooler: a procedure that commits cannot leave the tenant's path behind") {
    Pooled pooled;
    pooled.world.outside.run("CREATE PROCEDURE " + pooled.world.a +
                             ".twice() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mark VALUES(2, 'p'); COMMIT;"
                             " INSERT INTO mark VALUES(3, 'p'); END $$");
    pooled.world.outside.run("CREATE PROCEDURE " + pooled.world.a +
                             ".once() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mark VALUES(2, 'p'); END $$");
    const auto connection = pooled.open(pooled.world.a);
    CHECK(error_of([&] { run(*connection, "CALL twice()"); }).sqlstate() == "2D000");
    run(*connection, "CALL once()");
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "2");
    CHECK(pooled.world.outside.ask("SELECT count(*) FROM public.mark") == "1");
}

TEST_CASE("postgres pooler: what needs a session is refused, with the reason") {
    Pooled pooled;
    const auto connection = pooled.open(pooled.world.a);
    for (const char* sql :
         {"LISTEN x", "SET work_mem = '1MB'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
          "CREATE TEMP TABLE t(x int)", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(1)",
          "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "PREPARE p AS SELECT 1", "DISCARD ALL", "VACUUM mark"}) {
        CAPTURE(std::string(sql));
        const Error error = error_of([&] { run(*connection, sql); });
        CHECK(error.code() == Code::unsupported);
        CHECK(error.message().find("pooler") != std::string::npos);
    }
    connection->begin({}, forever);
    run(*connection, "SET LOCAL work_mem = '1MB'");
    ask(*connection, "SELECT pg_advisory_xact_lock(1)");
    run(*connection, "DECLARE c CURSOR FOR SELECT who FROM mark");
    CHECK(ask(*connection, "FETCH c") == pooled.world.a);
    connection->commit(forever);
}

TEST_CASE("postgres pooler: after a cancel the connection is not used again") {
    Pooled pooled;
    const auto connection = pooled.open(pooled.world.a);
    CHECK(error_of([&] { ask(*connection, "SELECT pg_sleep(30)", within(100ms)); }).code() == Code::timeout);
    CHECK(connection->end_lease() == db::Reuse::discard);
}

TEST_CASE("postgres pooler: verbs work through it") {
    Pooled pooled;
    pooled.backend->create({pooled.world.a + "_new"}, forever);
    CHECK(pooled.backend->exists({pooled.world.a + "_new"}, forever));
    pooled.backend->drop({pooled.world.a + "_new"}, forever);
    CHECK(error_of([&] { pooled.backend->drop({pooled.world.a + "_new"}, forever); }).code() == Code::tenant_unknown);
}

TEST_CASE("postgres pooler: a batch and both ways of COPY stand in their tenant, and leave no path behind") {
    Pooled pooled;
    const auto connection = pooled.open(pooled.world.a);
    const auto insert = prepare(*connection, "INSERT INTO mark VALUES(2, 'x')");
    const auto update = prepare(*connection, "UPDATE mark SET who = 'y'");
    db::BatchItem items[] = {{insert.get(), nullptr}, {update.get(), nullptr}};
    const int64_t before = of(*connection).trips();
    REQUIRE(connection->run_batch(items, forever));
    CHECK(of(*connection).trips() - before == 1);
    CHECK(items[1].affected == 2);
    const auto out = prepare(*connection, "COPY mark TO STDOUT");
    int rows = 0;
    while (out->next(forever)) ++rows;
    CHECK(rows == 2);
    const auto in = prepare(*connection, "COPY mark FROM STDIN");
    in->bind(1, db::Value::text("3\tz\n"), db::Lifetime::copied);
    in->run(forever);
    CHECK(in->affected() == 1);
    connection->begin({}, forever);
    in->bind(1, db::Value::text("4\tz\n"), db::Lifetime::copied);
    in->run(forever);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "4");
    connection->rollback();
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "3");
    const auto naked = pg::make({"postgres", pooler(), {}}, Settings({{"tenancy", "server"}}))->open({}, forever);
    for (int i = 0; i < 5; ++i) CHECK(ask(*naked, "SHOW search_path").find(pooled.world.a) == std::string::npos);
    connection->pin({"tx_nobody"}, true);
    CHECK(error_of([&] { prepare(*connection, "COPY mark TO STDOUT")->run(forever); }).code() == Code::tenant_unknown);
}
