// SPDX-License-Identifier: MIT
// Whole tables, several in one trip.
#include <stdexcept>

#include "migrate/histories.hpp"
#include "migrate/source.hpp"
#include "postgres_fixture.hpp"

namespace migrate = mtdb::migrate;
using namespace postgres_test;

namespace {

using Texts = std::vector<std::string>;

// "0:|1|acme": the table, and its fields; NULL as a word in brackets.
Texts read(db::Connection& connection, const Texts& tables, const Wait& wait = forever) {
    Texts rows;
    const bool offered = connection.read_tables(
        tables,
        [&](std::size_t table, std::span<const db::Value> fields) {
            std::string row = std::to_string(table) + ":";
            for (const db::Value& field : fields)
                row += "|" + (field.type == db::Type::null ? "[null]" : std::string(field.view()));
            rows.push_back(std::move(row));
        },
        wait);
    REQUIRE(offered);
    return rows;
}

std::string table_of(const std::string& tenant) { return pg::quoted(tenant) + ".mark (id, who)"; }

void add(World& world, const std::string& tenant, const std::string& value) {
    const auto connection = world.open(tenant);
    run(*connection, "INSERT INTO mark VALUES (2, " + value + ")");
}

}  // namespace

TEST_CASE("postgres tables: each row says which table it is of") {
    World world;
    Outside outside;
    CHECK(read(outside.connection(), {table_of(world.a), table_of(world.b), table_of(world.a)}) ==
          Texts{"0:|1|" + world.a, "1:|1|" + world.b, "2:|1|" + world.a});
    CHECK(read(outside.connection(), {}).empty());
}

TEST_CASE("postgres tables: a field is what was written, whatever it holds") {
    for (const auto& [sql, text] : {std::pair("NULL", "[null]"), {"''", ""}, {R"('\N')", R"(\N)"},
                                    {R"(E'a\tb\nc\rd\be\ff\x0bg\\h')", "a\tb\nc\rd\be\ff\vg\\h"},
                                    {"'NN\xC3\xA9\xF0\x9F\x98\x80'", "NN\xC3\xA9\xF0\x9F\x98\x80"}}) {
        World world;
        Outside outside;
        add(world, world.a, sql);
        CHECK(read(outside.connection(), {table_of(world.a)}).back() == std::string("0:|2|") + text);
    }
}

TEST_CASE("postgres tables: one that is not there fails them all, and the connection goes on") {
    World world;
    Outside outside;
    try {
        read(outside.connection(), {table_of(world.a), pg::quoted(world.a) + ".none (id)", table_of(world.b)});
        FAIL("it is not there");
    } catch (const Error& error) {
        CHECK(error.sqlstate() == "42P01");
    }
    CHECK(read(outside.connection(), {table_of(world.b)}) == Texts{"0:|1|" + world.b});
    CHECK(outside.ask("SELECT 7") == "7");
}

TEST_CASE("postgres tables: what the reader throws comes out, and the connection goes on") {
    World world;
    Outside outside;
    const Texts tables{table_of(world.a), table_of(world.b)};
    int rows = 0;
    CHECK_THROWS_AS(outside.connection().read_tables(
                        tables,
                        [&](std::size_t, std::span<const db::Value>) {
                            ++rows;
                            throw std::length_error("no more");
                        },
                        forever),
                    std::length_error);
    CHECK(rows == 1);
    CHECK(read(outside.connection(), tables).size() == 2);
}

TEST_CASE("postgres tables: a wait for a locked one ends in time, and the connection goes on") {
    World world;
    Outside outside;
    const auto locker = world.open(world.a);
    locker->begin({}, forever);
    run(*locker, "LOCK TABLE mark IN ACCESS EXCLUSIVE MODE");
    try {
        read(outside.connection(), {table_of(world.b), table_of(world.a)},
             Wait{Deadline::in(mtdb::base::milliseconds(50))});
        FAIL("it is locked");
    } catch (const Error& error) {
        CHECK(error.code() == Code::timeout);
    }
    locker->rollback();
    CHECK(read(outside.connection(), {table_of(world.a)}) == Texts{"0:|1|" + world.a});
}

TEST_CASE("postgres tables: a session that was moved is put back first") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "SELECT 1");
    run(*connection, "SELECT set_config('search_path', 'public', false)");
    CHECK(read(*connection, {table_of(world.b)}) == Texts{"0:|1|" + world.b});
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE("postgres tables: histories of many tenants take one trip") {
    World world;
    for (const std::string& tenant : {world.a, world.b}) {
        world.outside.run("CREATE TABLE " + tenant + ".schema_migrations(version bigint PRIMARY KEY, dirty boolean)");
        world.outside.run("INSERT INTO " + tenant + ".schema_migrations VALUES(" + (tenant == world.a ? "7" : "9") +
                          ", false)");
    }
    const auto connection = world.open(world.a);
    run(*connection, "SELECT 1");
    const db::Dialect& dialect = world.backend->dialect();
    const auto source = migrate::Source::from_inline(std::vector<migrate::InlineScript>{});
    const migrate::HistoryTexts texts(*source, {}, dialect);
    migrate::Histories histories(texts, dialect, *connection, forever);
    const int64_t before = of(*connection).trips();
    const auto views = histories.read(Texts{world.a, world.b, world.a + "_none"}, forever);
    CHECK(of(*connection).trips() == before + 1);
    REQUIRE(views.size() == 3);
    REQUIRE(views[0]);
    CHECK(views[0]->version == 7);
    REQUIRE(views[1]);
    CHECK(views[1]->version == 9);
    CHECK_FALSE(views[2]);
}
