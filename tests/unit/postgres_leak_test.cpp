// SPDX-License-Identifier: MIT
// What one tenant leaves in a session, and that the next one does not find it.
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

struct Leftover {
    const char* left;    // run by the first tenant
    const char* looked;  // asked by the next
    const char* clean;   // the answer of a session where nothing was left; begins with '!': the SQLSTATE of an error
};

const Leftover leftovers[] = {
    {"CREATE TEMP TABLE left_over(x int)", "SELECT count(*) FROM pg_temp.left_over", "!42P01"},
    {"CREATE TEMP TABLE left_over(x int)", "SELECT to_regclass('left_over') IS NULL", "1"},
    {"CREATE TEMP SEQUENCE left_over", "SELECT to_regclass('pg_temp.left_over') IS NULL", "1"},
    {"SELECT pg_advisory_lock(4711)",
     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0"},
    {"SELECT pg_advisory_lock_shared(4711)",
     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0"},
    {"LISTEN channel", "SELECT count(*) FROM pg_listening_channels()", "0"},
    {"SET work_mem = '77kB'", "SELECT current_setting('work_mem') = '77kB'", "0"},
    {"SELECT set_config('work_mem', '77kB', false)", "SELECT current_setting('work_mem') = '77kB'", "0"},
    {"SELECT set_config('app.tenant', 'secret', false)", "SELECT coalesce(current_setting('app.tenant', true), '')",
     ""},
    {"SET statement_timeout = '77s'", "SHOW statement_timeout", "0"},
    {"SET TimeZone = 'Pacific/Auckland'", "SELECT current_setting('TimeZone') = 'Pacific/Auckland'", "0"},
    {"SET DateStyle = 'German'", "SHOW DateStyle", "ISO, MDY"},
    {"SET default_transaction_read_only = on", "SHOW default_transaction_read_only", "off"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation",
     "read committed"},
    {"SET ROLE mtdb_other", "SELECT current_user = 'mtdb_other'", "0"},
    {"SELECT set_config('role', 'mtdb_other', false)", "SELECT current_user = 'mtdb_other'", "0"},
    {"SET SESSION AUTHORIZATION mtdb_other", "SELECT session_user = 'mtdb_other' OR current_user = 'mtdb_other'",
     "0"},
    {"DECLARE left_over CURSOR WITH HOLD FOR SELECT 'secret'", "FETCH left_over", "!34000"},
    {"PREPARE left_over AS SELECT 'secret'", "EXECUTE left_over", "!26000"},
    {"PREPARE left_over AS SELECT 'secret'", "SELECT count(*) FROM pg_prepared_statements WHERE from_sql", "0"},
    {"DO $$ BEGIN EXECUTE 'PREPARE left_over AS SELECT 1'; END $$", "EXECUTE left_over", "!26000"},
    {"SELECT remember()", "EXECUTE left_over", "!26000"},
    {"SELECT nextval('counter')", "SELECT lastval()", "!55000"},
    {"SELECT nextval('counter')", "SELECT currval('counter')", "!55000"},
    {"SET search_path = public", "SELECT to_regclass('only_public') IS NULL", "1"},
    {"SELECT set_config('search_path', 'public', false)", "SELECT to_regclass('only_public') IS NULL", "1"},
    {"SET standard_conforming_strings = off", "SHOW standard_conforming_strings", "on"},
    {"SET client_min_messages = error", "SHOW client_min_messages", "notice"},
    {"DISCARD ALL", "SELECT who FROM mark WHERE id = 1", nullptr},
    {"DEALLOCATE ALL", "SELECT who FROM mark WHERE id = 1", nullptr},
    {"RESET ALL", "SELECT who FROM mark WHERE id = 1", nullptr},
    {"SELECT deallocate()", "SELECT who FROM mark WHERE id = 1", nullptr},
};

void prepare_world(World& world) {
    world.outside.run("DROP ROLE IF EXISTS mtdb_other");
    world.outside.run("CREATE ROLE mtdb_other");
    for (const std::string& name : {world.a, world.b}) {
        world.outside.run("CREATE SEQUENCE " + name + ".counter");
        world.outside.run("CREATE FUNCTION " + name +
                          ".remember() RETURNS void LANGUAGE plpgsql AS"
                          " $$ BEGIN EXECUTE 'PREPARE left_over AS SELECT 1'; END $$");
        world.outside.run("CREATE FUNCTION " + name +
                          ".deallocate() RETURNS void LANGUAGE plpgsql AS"
                          " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
    }
}

std::string answer(db::Connection& connection, const char* sql) {
    try {
        return ask(connection, sql);
    } catch (const Error& error) {
        return "!" + std::string(error.sqlstate());
    }
}

void leave(db::Connection& connection, const char* sql) {
    const auto statement = prepare(connection, sql);
    while (statement->next(forever)) {
    }
}

}  // namespace

TEST_CASE("postgres leaks: what a tenant leaves is not there for the next one") {
    World world;
    prepare_world(world);
    const auto connection = world.open(world.a);
    for (const Leftover& each : leftovers) {
        CAPTURE(std::string(each.left));
        CAPTURE(std::string(each.looked));
        const std::string expected = each.clean == nullptr ? world.b : each.clean;
        leave(*connection, each.left);
        World::pass(*connection, world.b);
        CHECK(answer(*connection, each.looked) == expected);
        World::pass(*connection, world.a);
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
    }
}

TEST_CASE("postgres leaks: neither when the next one's first statement fails, or is rolled back") {
    World world;
    prepare_world(world);
    const auto connection = world.open(world.a);
    for (const Leftover& each : leftovers) {
        CAPTURE(std::string(each.left));
        CAPTURE(std::string(each.looked));
        const std::string expected = each.clean == nullptr ? world.b : each.clean;
        leave(*connection, each.left);
        World::pass(*connection, world.b);
        CHECK_THROWS_AS(run(*connection, "SELECT 1/0"), const Error&);
        CHECK(answer(*connection, each.looked) == expected);
        World::pass(*connection, world.a);
        leave(*connection, each.left);
        World::pass(*connection, world.b);
        connection->begin({}, forever);
        CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.b);
        connection->rollback();
        CHECK(answer(*connection, each.looked) == expected);
        World::pass(*connection, world.a);
        leave(*connection, each.left);
        World::pass(*connection, world.b);
        connection->begin({}, forever);
        CHECK(answer(*connection, each.looked) == expected);
        connection->rollback();
        World::pass(*connection, world.a);
    }
}

TEST_CASE("postgres leaks: nor in a script") {
    World world;
    prepare_world(world);
    const auto connection = world.open(world.a);
    leave(*connection, "CREATE TEMP TABLE left_over(x int)");
    leave(*connection, "SET work_mem = '77kB'");
    World::pass(*connection, world.b);
    int64_t statements = 0;
    connection->run_script(
        "CREATE TABLE seen AS SELECT to_regclass('pg_temp.left_over') IS NULL AS clean, current_setting('work_mem') "
        "AS memory",
        statements, forever);
    CHECK(ask(*connection, "SELECT clean AND memory <> '77kB' FROM seen") == "1");
}

TEST_CASE("postgres leaks: a tenant's own next lease finds a clean session after it changed it") {
    World world;
    prepare_world(world);
    const auto connection = world.open(world.a);
    leave(*connection, "SET work_mem = '77kB'");
    leave(*connection, "CREATE TEMP TABLE left_over(x int)");
    World::pass(*connection, world.a, false);
    CHECK(ask(*connection, "SELECT current_setting('work_mem') = '77kB'") == "0");
    CHECK(ask(*connection, "SELECT to_regclass('pg_temp.left_over') IS NULL") == "1");
}

TEST_CASE("postgres leaks: rows that nobody read are not the next one's") {
    World world;
    const auto connection = world.open(world.a);
    const auto rows = prepare(*connection, "SELECT i FROM generate_series(1, 3000000) i");
    REQUIRE(rows->next(forever));
    rows->reset();
    World::pass(*connection, world.b);
    CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.b);
    const auto more = prepare(*connection, "SELECT i FROM generate_series(1, 3000000) i");
    REQUIRE(more->next(forever));
    CHECK(error_of([&] { ask(*connection, "SELECT 1"); }).code() == Code::invalid_state);
    World::pass(*connection, world.a);
    CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
}

TEST_CASE("postgres leaks: a statement prepared under one tenant reads the next one's tables") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT * FROM mark WHERE id = 1");
    const auto who = [&] {
        statement->reset();
        std::string found;
        while (statement->next(forever)) found = shown(statement->value(1));
        return found;
    };
    for (int i = 0; i < 10; ++i) {
        CHECK(who() == world.a);
        World::pass(*connection, world.b);
        CHECK(who() == world.b);
        World::pass(*connection, world.a);
    }
    world.outside.run("ALTER TABLE " + world.b + ".mark ADD COLUMN more int");  // another version of the schema
    World::pass(*connection, world.b);
    CHECK(who() == world.b);
    CHECK(statement->column_count() == 3);
    World::pass(*connection, world.a);
    CHECK(who() == world.a);
    CHECK(statement->column_count() == 2);
}
