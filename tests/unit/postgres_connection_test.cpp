// SPDX-License-Identifier: MIT
// Whose data a connection shows, and what becomes of transactions.
#include "backends/postgres/connection.hpp"

#include <atomic>
#include <thread>

#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

// What a statement on the connection finds is the tenant's, and one trip was enough.
void check_stands(db::Connection& connection, const std::string& tenant) {
    CHECK(ask(connection, "SELECT who FROM mark WHERE id = 1") == tenant);
    CHECK(connection.standing(forever) == tenant);
}

int64_t objects_in_temporary(World& world) {
    return std::stoll(
        world.outside.ask("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                          " WHERE n.nspname LIKE 'pg\\_temp\\_%' AND c.relname LIKE 'made%'"));
}

int64_t made_anywhere(World& world) {
    return std::stoll(world.outside.ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'made%'"));
}

}  // namespace

TEST_CASE("postgres connection: a tenant's statements see its schema, and public never") {
    World world;
    const auto connection = world.open(world.a);
    check_stands(*connection, world.a);
    CHECK(error_of([&] { ask(*connection, "SELECT * FROM only_public"); }).sqlstate() == "42P01");
    CHECK(ask(*connection, "SELECT current_setting('search_path')") == "\"" + world.a + "\", pg_catalog, pg_temp");
}

TEST_CASE("postgres connection: the first statement of a lease and each one after take one trip") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT who FROM mark");
    const auto trips_of = [&](auto&& work) {
        const int64_t before = of(*connection).trips();
        work();
        return of(*connection).trips() - before;
    };
    const auto read = [&] {
        statement->reset();
        while (statement->next(forever)) {
        }
    };
    CHECK(trips_of(read) == 1);
    CHECK(trips_of(read) == 1);
    World::pass(*connection, world.b);
    CHECK(trips_of(read) == 1);
    CHECK(trips_of([&] { World::pass(*connection, world.b, false); }) == 0);
    CHECK(trips_of(read) == 1);
    CHECK(trips_of([&] {
              connection->begin({}, forever);
              connection->savepoint("s");
              run(*connection, "UPDATE mark SET who = who");
              connection->release_savepoint("s");
              connection->commit(forever);
          }) == 2);
    CHECK(trips_of([&] {
              connection->begin({}, forever);
              connection->commit(forever);
          }) == 0);
}

TEST_CASE("postgres connection: a tenant that does not exist is unknown, and nothing is made or read") {
    World world;
    const auto connection = world.open("tx_nobody");
    for (const char* sql : {"SELECT who FROM mark", "CREATE TABLE made_1(x int)", "INSERT INTO mark VALUES(9)"}) {
        CAPTURE(sql);
        const Error error = error_of([&] { run(*connection, sql); });
        CHECK(error.code() == Code::tenant_unknown);
        CHECK(error.effect() == Effect::none);
    }
    connection->begin({}, forever);
    CHECK(error_of([&] { run(*connection, "CREATE TABLE made_2(x int)"); }).code() == Code::tenant_unknown);
    CHECK_FALSE(connection->in_transaction());
    connection->rollback();
    int64_t statements = 0;
    CHECK(error_of([&] { connection->run_script("CREATE TABLE made_3(x int)", statements, forever); }).code() ==
          Code::tenant_unknown);
    CHECK(error_of([&] { run(*connection, "VACUUM mark"); }).code() == Code::tenant_unknown);
    CHECK(made_anywhere(world) == 0);
    World::pass(*connection, world.a);
    check_stands(*connection, world.a);
}

TEST_CASE("postgres connection: a namespace that is dropped, renamed or revoked under a lease is missed at once") {
    const char* const changes[] = {"DROP SCHEMA %s CASCADE", "ALTER SCHEMA %s RENAME TO %s_new"};
    for (std::string change : changes) {
        CAPTURE(change);
        World world;
        const auto connection = world.open(world.a);
        check_stands(*connection, world.a);
        for (std::size_t at; (at = change.find("%s")) != change.npos;) change.replace(at, 2, world.a);
        world.outside.run(change);
        for (const char* sql : {"SELECT who FROM mark", "CREATE TABLE made_1(x int)",
                                "CREATE TEMP TABLE made_2(x int)", "INSERT INTO mark VALUES(9)", "VACUUM mark"}) {
            CAPTURE(sql);
            CHECK(error_of([&] { run(*connection, sql); }).code() == Code::tenant_unknown);
        }
        int64_t statements = 0;
        CHECK(error_of([&] { connection->run_script("CREATE TABLE made_3(x int)", statements, forever); }).code() ==
              Code::tenant_unknown);
        CHECK(made_anywhere(world) == 0);
        CHECK(world.outside.ask("SELECT count(*) FROM public.mark") == "1");
        World::pass(*connection, world.b);
        check_stands(*connection, world.b);
    }
}

TEST_CASE("postgres connection: a dropped namespace inside a transaction ends it, and DDL lands nowhere") {
    World world;
    const auto connection = world.open(world.a);
    connection->begin({}, forever);
    CHECK(ask(*connection, "SELECT 1") == "1");
    world.outside.run("DROP SCHEMA " + world.a + " CASCADE");
    // The server takes notice of it when it looks a name up, not before: then there is nowhere to go.
    const Error error = error_of([&] { run(*connection, "CREATE TABLE made_1(x int)"); });
    CHECK(error.effect() == Effect::rolled_back);
    CHECK_FALSE(connection->in_transaction());
    CHECK(made_anywhere(world) == 0);
    connection->rollback();
    World::pass(*connection, world.b);
    check_stands(*connection, world.b);
}

TEST_CASE("postgres connection: without USAGE on the namespace nothing runs, also once it was pinned") {
    World world;
    world.outside.run("DROP ROLE IF EXISTS mtdb_reader");
    world.outside.run("CREATE ROLE mtdb_reader LOGIN");
    world.outside.run("GRANT USAGE ON SCHEMA " + world.a + " TO mtdb_reader");
    world.outside.run("GRANT ALL ON ALL TABLES IN SCHEMA " + world.a + " TO mtdb_reader");
    const auto connection = world.backend->open({{}, "?user=mtdb_reader"}, forever);
    connection->pin({world.b}, false);
    CHECK(error_of([&] { ask(*connection, "SELECT who FROM mark"); }).code() == Code::tenant_unknown);
    World::pass(*connection, world.a);
    check_stands(*connection, world.a);
    world.outside.run("REVOKE USAGE ON SCHEMA " + world.a + " FROM mtdb_reader");
    for (const char* sql :
         {"SELECT who FROM mark", "CREATE TABLE made_1(x int)", "INSERT INTO mark VALUES(7, 'x')"}) {
        CAPTURE(sql);
        CHECK(error_of([&] { run(*connection, sql); }).code() == Code::tenant_unknown);
    }
    CHECK(made_anywhere(world) == 0);
    world.outside.run("DROP OWNED BY mtdb_reader");
}

TEST_CASE("postgres connection: a function that moves the path is noticed before the next statement") {
    World world;
    world.outside.run("CREATE FUNCTION " + world.a +
                      ".stray() RETURNS text LANGUAGE sql AS $$ SELECT set_config('search_path', '" + world.b +
                      ", public', false) $$");
    const auto connection = world.open(world.a);
    SUBCASE("outside a transaction it is pinned again, and the statement runs where it must") {
        CHECK(ask(*connection, "SELECT stray()") == world.b + ", public");
        CHECK(connection->standing(forever) == world.b);
        check_stands(*connection, world.a);
        ask(*connection, "SELECT stray()");
        CHECK(run(*connection, "INSERT INTO mark VALUES(2, 'new')") == 1);
        ask(*connection, "SELECT stray()");
        int64_t statements = 0;
        CHECK(connection->run_script("INSERT INTO mark VALUES(3, 'new'); INSERT INTO mark VALUES(4, 'new')",
                                     statements, forever));
        CHECK(statements == 2);
        ask(*connection, "SELECT stray()");
        connection->begin({}, forever);
        run(*connection, "INSERT INTO mark VALUES(5, 'new')");
        connection->commit(forever);
        ask(*connection, "SELECT stray()");
        run(*connection, "VACUUM mark");
        CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "5");
    }
    SUBCASE("inside a transaction it ends it") {
        connection->begin({}, forever);
        ask(*connection, "SELECT stray()");
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(2, 'new')"); });
        CHECK(error.code() == Code::tenant_unknown);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK_FALSE(connection->in_transaction());
        check_stands(*connection, world.a);
    }
    SUBCASE("a commit does not run deferred work on a moved path") {
        connection->begin({}, forever);
        ask(*connection, "SELECT stray()");
        CHECK(error_of([&] { connection->commit(forever); }).code() == Code::tenant_unknown);
        check_stands(*connection, world.a);
    }
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.b + ".mark") == "1");
    CHECK(world.outside.ask("SELECT count(*) FROM public.mark") == "1");
    World::pass(*connection, world.b);
    check_stands(*connection, world.b);
}

TEST_CASE("postgres connection: a function that puts another schema behind the tenant's shows nothing of it") {
    World world;
    world.outside.run("CREATE TABLE " + world.b + ".only_b(who text)");
    const auto connection = world.open(world.a);
    const std::string stray = "SELECT set_config('search_path', '" + world.a + ", " + world.b + "', false)";
    const auto statement = prepare(*connection, "INSERT INTO only_b VALUES('of a')");
    ask(*connection, stray);
    CHECK(error_of([&] { ask(*connection, "SELECT who FROM only_b"); }).sqlstate() == "42P01");
    ask(*connection, stray);
    CHECK(error_of([&] { statement->run(forever); }).sqlstate() == "42P01");
    ask(*connection, stray);
    int64_t statements = 0;
    CHECK(error_of([&] {
              connection->run_script("SELECT 1; INSERT INTO only_b VALUES('of a')", statements, forever);
          }).sqlstate() == "42P01");
    connection->begin({}, forever);
    ask(*connection, stray);
    CHECK(error_of([&] { statement->run(forever); }).code() == Code::tenant_unknown);
    CHECK_FALSE(connection->in_transaction());
    ask(*connection, stray);
    World::pass(*connection, world.a);
    CHECK(error_of([&] { ask(*connection, "SELECT who FROM only_b"); }).sqlstate() == "42P01");
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.b + ".only_b") == "0");
    check_stands(*connection, world.a);
}

TEST_CASE("postgres connection: a path that the tenant sets itself holds for no statement of ours") {
    World world;
    const auto connection = world.open(world.a);
    for (const std::string& sql :
         {"SET search_path = " + world.b, std::string("RESET search_path"), std::string("RESET ALL"),
          std::string("DISCARD ALL"),
          "DO $$ BEGIN PERFORM set_config('search_path', '" + world.b + "', false); END $$",
          std::string("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"), std::string("SET ROLE NONE")}) {
        CAPTURE(sql);
        run(*connection, sql);
        check_stands(*connection, world.a);
    }
    for (const bool commits : {true, false}) {
        CAPTURE(commits);
        connection->begin({}, forever);
        run(*connection, "SET search_path = " + world.b);
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
        if (commits)
            connection->commit(forever);
        else
            connection->rollback();
        check_stands(*connection, world.a);
        connection->begin({}, forever);
        run(*connection, "SET LOCAL search_path = " + world.b);
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
        if (commits)
            connection->commit(forever);
        else
            connection->rollback();
        check_stands(*connection, world.a);
    }
    int64_t statements = 0;
    connection->run_script("SET search_path = " + world.b + "; SELECT 1", statements, forever);
    check_stands(*connection, world.a);
}

TEST_CASE("postgres connection: the pin survives failures, rollbacks and rollbacks to a savepoint") {
    World world;
    const auto connection = world.open(world.b);
    check_stands(*connection, world.b);
    SUBCASE("a first statement that fails") {
        World::pass(*connection, world.a);
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        check_stands(*connection, world.a);
    }
    SUBCASE("a first transaction that is rolled back") {
        World::pass(*connection, world.a);
        connection->begin({}, forever);
        run(*connection, "DELETE FROM mark");
        connection->rollback();
        check_stands(*connection, world.a);
    }
    SUBCASE("a first transaction whose first statement fails") {
        World::pass(*connection, world.a);
        connection->begin({}, forever);
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        CHECK_FALSE(connection->in_transaction());
        connection->rollback();
        check_stands(*connection, world.a);
    }
    SUBCASE("a savepoint behind a path that was set") {
        World::pass(*connection, world.a);
        connection->begin({}, forever);
        connection->savepoint("s");
        run(*connection, "SET search_path = " + world.b);
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
        connection->rollback_to("s");
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
        run(*connection, "ROLLBACK TO s");
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
        connection->commit(forever);
        check_stands(*connection, world.a);
    }
    SUBCASE("a script that rolls back") {
        World::pass(*connection, world.a);
        int64_t statements = 0;
        connection->run_script("INSERT INTO mark VALUES(2, 'x'); ROLLBACK; INSERT INTO mark VALUES(3, 'y')",
                               statements, forever);
        CHECK(statements == 3);
        CHECK(world.outside.ask("SELECT max(id) FROM " + world.a + ".mark") == "3");
        CHECK(world.outside.ask("SELECT count(*) FROM " + world.b + ".mark") == "1");
    }
    SUBCASE("a statement that is cancelled") {
        World::pass(*connection, world.a);
        const Error error = error_of([&] { ask(*connection, "SELECT pg_sleep(30)", within(100ms)); });
        CHECK(error.code() == Code::timeout);
        CHECK(error.effect() == Effect::none);
        check_stands(*connection, world.a);
    }
    World::pass(*connection, world.b);
    check_stands(*connection, world.b);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.b + ".mark") == "1");
}

TEST_CASE("postgres connection: what a tenant's schema calls = or / or current_schema does not fool the guard") {
    World world;
    for (const char* sql :
         {"CREATE FUNCTION %s.current_schema() RETURNS name LANGUAGE sql AS $$ SELECT 'ta'::name $$",
          "CREATE FUNCTION %s.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$",
          "CREATE FUNCTION %s.yes(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
          "CREATE OPERATOR %s.= (LEFTARG = name, RIGHTARG = name, FUNCTION = %s.yes)",
          "CREATE FUNCTION %s.one(integer, integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$",
          "CREATE OPERATOR %s./ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = %s.one)",
          "CREATE DOMAIN %s.name AS text"}) {
        std::string text = sql;
        for (std::size_t at; (at = text.find("%s")) != text.npos;) text.replace(at, 2, world.a);
        world.outside.run(text);
    }
    const auto connection = world.open(world.a);
    check_stands(*connection, world.a);
    for (int i = 0; i < 10; ++i) CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
    world.outside.run("ALTER SCHEMA " + world.a + " RENAME TO " + world.a + "_new");
    CHECK(error_of([&] { ask(*connection, "SELECT who FROM mark"); }).code() == Code::tenant_unknown);
}

TEST_CASE("postgres connection: a temporary table of the tenant's does not hide its own") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TEMP TABLE mark(id int, who text)");
    run(*connection, "INSERT INTO pg_temp.mark VALUES(1, 'temporary')");
    CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
    CHECK(objects_in_temporary(world) == 0);
}

// ---- transactions -------------------------------------------------------------------------------

TEST_CASE("postgres connection: a failed transaction is over, unless there is a savepoint to go back to") {
    World world;
    const auto connection = world.open(world.a);
    SUBCASE("without one") {
        connection->begin({}, forever);
        run(*connection, "INSERT INTO mark VALUES(2, 'x')");
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(2, 'x')"); });
        CHECK(error.code() == Code::constraint);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK_FALSE(connection->in_transaction());
        connection->rollback();
        CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
    }
    SUBCASE("with one") {
        connection->begin({}, forever);
        run(*connection, "INSERT INTO mark VALUES(2, 'x')");
        connection->savepoint("Here");
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(2, 'x')"); });
        CHECK(error.effect() == Effect::none);
        CHECK(connection->in_transaction());
        CHECK(error_of([&] { run(*connection, "SELECT 1"); }).code() == Code::tx_lost);
        connection->rollback_to("here");
        run(*connection, "INSERT INTO mark VALUES(3, 'x')");
        connection->release_savepoint("here");
        CHECK(error_of([&] { connection->rollback_to("here"); }).code() == Code::not_found);
        connection->commit(forever);
        CHECK(ask(*connection, "SELECT count(*) FROM mark") == "3");
    }
    SUBCASE("a commit of it says that it was rolled back") {
        connection->begin({}, forever);
        connection->savepoint("s");
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        const Error error = error_of([&] { connection->commit(forever); });
        CHECK(error.code() == Code::tx_lost);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK_FALSE(connection->in_transaction());
        run(*connection, "BEGIN");
        run(*connection, "SAVEPOINT s");
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        CHECK(error_of([&] { run(*connection, "COMMIT"); }).effect() == Effect::rolled_back);
    }
    SUBCASE("by its own words") {
        run(*connection, "BEGIN ISOLATION LEVEL SERIALIZABLE");
        CHECK(connection->in_transaction());
        CHECK(ask(*connection, "SHOW transaction_isolation") == "serializable");
        run(*connection, "SAVEPOINT s");
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        CHECK(connection->in_transaction());
        run(*connection, "ROLLBACK TO s");
        run(*connection, "INSERT INTO mark VALUES(2, 'x')");
        run(*connection, "COMMIT");
        CHECK_FALSE(connection->in_transaction());
        CHECK(ask(*connection, "SELECT count(*) FROM mark") == "2");
    }
    World::pass(*connection, world.b);
    check_stands(*connection, world.b);
}

TEST_CASE("postgres connection: a transaction has the isolation and the right to write that it was begun with") {
    World world;
    const auto connection = world.open(world.b);
    check_stands(*connection, world.b);
    World::pass(*connection, world.a);  // the clean-up comes before it
    connection->begin({.isolation = db::Isolation::serializable}, forever);
    CHECK(ask(*connection, "SHOW transaction_isolation") == "serializable");
    connection->commit(forever);
    connection->begin({.isolation = db::Isolation::repeatable_read}, forever);
    CHECK(ask(*connection, "SHOW transaction_isolation") == "repeatable read");
    connection->commit(forever);
    connection->begin({.read_only = true}, forever);
    CHECK(error_of([&] { run(*connection, "DELETE FROM mark"); }).code() == Code::read_only);
    connection->rollback();
    check_stands(*connection, world.a);
}

TEST_CASE("postgres connection: a commit that the server refuses is rolled back, and said so") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TABLE child(id int REFERENCES mark(id) DEFERRABLE INITIALLY DEFERRED)");
    connection->begin({}, forever);
    run(*connection, "INSERT INTO child VALUES(77)");
    Error error = error_of([&] { connection->commit(forever); });
    CHECK(error.code() == Code::constraint);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK_FALSE(connection->in_transaction());
    error = error_of([&] { run(*connection, "INSERT INTO child VALUES(78)"); });  // refused when its flight ends
    CHECK(error.code() == Code::constraint);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(ask(*connection, "SELECT count(*) FROM child") == "0");
}

TEST_CASE("postgres connection: an open transaction is rolled back when the lease ends") {
    World world;
    const auto connection = world.open(world.a);
    connection->begin({}, forever);
    run(*connection, "DELETE FROM mark");
    World::pass(*connection, world.b);
    check_stands(*connection, world.b);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "1");
    connection->begin({}, forever);
    CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
    World::pass(*connection, world.a);
    CHECK(world.outside.ask("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'") == "0");
    check_stands(*connection, world.a);
}

TEST_CASE("postgres connection: procedures that commit run, and what cannot run in a transaction runs alone") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection,
        "CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mark VALUES(20, 'p'); COMMIT;"
        " INSERT INTO mark VALUES(21, 'p'); END $$");
    run(*connection, "CALL twice()");
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "3");
    run(*connection,
        "CREATE PROCEDURE half() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mark VALUES(22, 'p'); COMMIT;"
        " RAISE EXCEPTION 'no'; END $$");
    for (const char* sql : {"CALL half()", "DO $$ BEGIN CALL half(); END $$"}) {
        CAPTURE(sql);
        CHECK(error_of([&] { run(*connection, sql); }).effect() == Effect::unknown);
        CHECK(ask(*connection, "DELETE FROM mark WHERE id = 22 RETURNING id") == "22");
    }
    CHECK(error_of([&] { run(*connection, "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$"); }).effect() ==
          Effect::rolled_back);
    run(*connection, "VACUUM mark");
    run(*connection, "CREATE INDEX CONCURRENTLY by_who ON mark(who)");
    CHECK(world.outside.ask("SELECT count(*) FROM pg_indexes WHERE schemaname = '" + world.a +
                            "' AND indexname = 'by_who'") == "1");
    connection->begin({}, forever);
    CHECK(error_of([&] { run(*connection, "VACUUM mark"); }).code() == Code::invalid_state);
    connection->rollback();
    check_stands(*connection, world.a);
}

// ---- waits --------------------------------------------------------------------------------------

TEST_CASE("postgres connection: a cancel ends what runs and never what comes after") {
    World world;
    const auto connection = world.open(world.a);
    mtdb::CancelToken token;
    for (int i = 0; i < 30; ++i) {
        token.reset();
        std::thread canceller([&, i] {
            std::this_thread::sleep_for(std::chrono::microseconds(700 * i));
            token.trigger(0);
        });
        try {
            ask(*connection, "SELECT pg_sleep(0.01)", Wait{Deadline::never(), &token, nullptr});
        } catch (const Error& error) {
            CHECK(error.code() == Code::cancelled);
        }
        canceller.join();
        CHECK(ask(*connection, "SELECT pg_sleep(0.001)") == "");
        check_stands(*connection, world.a);
    }
}

TEST_CASE("postgres connection: a deadline while writing says what became of it") {
    World world;
    const auto connection = world.open(world.a);
    Error error = error_of([&] { run(*connection, "INSERT INTO mark SELECT 2, pg_sleep(30)::text", within(50ms)); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(connection->in_place());
    connection->begin({}, forever);
    run(*connection, "INSERT INTO mark VALUES(2, 'x')");
    error = error_of([&] { ask(*connection, "SELECT pg_sleep(30)", within(50ms)); });
    CHECK(error.effect() == Effect::rolled_back);
    CHECK_FALSE(connection->in_transaction());
    connection->rollback();
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
    CHECK(error_of([&] { ask(*connection, "SELECT 1", within(0ms)); }).effect() == Effect::none);
}

TEST_CASE("postgres connection: a server that ends the session leaves a connection that says so") {
    World world;
    const auto kill = [&](db::Connection& connection) {
        world.outside.run("SELECT pg_terminate_backend(" + ask(connection, "SELECT pg_backend_pid()") + ", 5000)");
    };
    SUBCASE("while idle: noticed by the next lease before it sends anything") {
        const auto connection = world.open(world.a);
        kill(*connection);
        connection->pin({world.b}, true);
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(2, 'x')"); });
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::none);
        CHECK(error.retryable());
        CHECK_FALSE(connection->has_sent());
        CHECK_FALSE(connection->in_place());
        CHECK(connection->end_lease() == db::Reuse::discard);
    }
    SUBCASE("in a transaction: rolled back") {
        const auto connection = world.open(world.a);
        connection->begin({}, forever);
        run(*connection, "INSERT INTO mark VALUES(2, 'x')");
        kill(*connection);
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(3, 'x')"); });
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK(error_of([&] { connection->rollback(); }).code() == Code::io);
        CHECK(connection->end_lease() == db::Reuse::discard);
    }
    SUBCASE("at the commit: unknown") {
        const auto connection = world.open(world.a);
        connection->begin({}, forever);
        run(*connection, "INSERT INTO mark VALUES(2, 'x')");
        kill(*connection);
        CHECK(error_of([&] { connection->commit(forever); }).effect() == Effect::unknown);
        CHECK_FALSE(connection->in_transaction());
        connection->rollback();  // says nothing of what may be committed
    }
    SUBCASE("while it runs a function, which may have written: unknown") {
        const auto connection = world.open(world.a);
        run(*connection,
            "CREATE FUNCTION last() RETURNS bool LANGUAGE sql AS"
            " $$ SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()) $$");
        const Error error = error_of([&] { ask(*connection, "SELECT last()"); });
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::unknown);
        CHECK_FALSE(error.retryable());
        CHECK(connection->has_sent());
    }
    SUBCASE("while it writes: unknown") {
        const auto connection = world.open(world.a);
        const std::string pid = ask(*connection, "SELECT pg_backend_pid()");
        std::thread killer([&] {
            std::this_thread::sleep_for(100ms);
            world.outside.run("SELECT pg_terminate_backend(" + pid + ", 5000)");
        });
        const Error error = error_of([&] { run(*connection, "INSERT INTO mark SELECT 2, pg_sleep(30)::text"); });
        killer.join();
        CHECK(error.code() == Code::unavailable);
        CHECK(error.effect() == Effect::unknown);
    }
}

TEST_CASE("postgres connection: notices are kept for whoever asks") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$");
    REQUIRE(connection->has_notices());
    const auto notices = connection->take_notices();
    REQUIRE(notices.size() == 2);
    CHECK(notices[0].text == "one");
    CHECK_FALSE(notices[0].warning);
    CHECK(notices[1].text == "two");
    CHECK(notices[1].warning);
    CHECK(notices[1].sqlstate == "01000");
    CHECK_FALSE(connection->has_notices());
}

TEST_CASE("postgres connection: an advisory lock of the session is free when the lease has ended") {
    World world;
    const auto connection = world.open(world.a);
    const std::string held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 90125";
    ask(*connection, "SELECT pg_try_advisory_lock(90125)");
    CHECK(world.outside.ask(held) == "1");
    CHECK(connection->end_lease() == db::Reuse::clean);
    CHECK(world.outside.ask(held) == "0");
}

TEST_CASE("postgres connection: a script runs in one go, and its errors know where they are") {
    World world;
    const auto connection = world.open(world.a);
    int64_t statements = 0;
    CHECK(connection->run_script("INSERT INTO mark VALUES(2, 'x');\nINSERT INTO mark VALUES(3, 'x');", statements,
                                 forever));
    CHECK(statements == 2);
    const Error error = error_of(
        [&] { connection->run_script("SELECT 1;\nSELECT 'ä';\n  SELECT nothing FROM mark;", statements, forever); });
    CHECK(error.statement() == 3);
    CHECK(error.line() == 3);
    CHECK(error.column() == 10);
    CHECK(error_of([&] { connection->run_script("SELECT 1; COPY mark FROM STDIN;", statements, forever); }).code() ==
          Code::unsupported);
    const Error zero = error_of([&] { connection->run_script("SELECT 1; SELECT 1 / 0", statements, forever); });
    CHECK(zero.sqlstate() == "22012");  // as the guard's own failure, but it is not
    CHECK(zero.statement() == 2);
    CHECK_FALSE(connection->run_script("SELECT 1; VACUUM", statements, forever));
    CHECK(connection->run_script("-- head\rINSERT INTO mark VALUES(5, 'x'); -- more\rDELETE FROM mark WHERE id = 5",
                                 statements, forever));
    CHECK(statements == 2);
    CHECK(connection->run_script("BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO mark VALUES(4, 'x')", statements,
                                 forever));
    CHECK(connection->in_transaction());
    connection->commit(forever);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "4");
}
