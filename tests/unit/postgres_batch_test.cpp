// SPDX-License-Identifier: MIT
// Different statements in one flight.
#include <deque>
#include <thread>

#include "db/block.hpp"
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

// Statements with their parameters, for run_batch().
class Batch {
public:
    explicit Batch(db::Connection& connection) : connection_(connection) {}
    Batch& add(std::string_view sql, std::initializer_list<db::Value> values = {}) {
        statements_.push_back(prepare(connection_, sql));
        return again(values);
    }
    // The last statement once more.
    Batch& again(std::initializer_list<db::Value> values = {}) {
        db::BatchItem item;
        item.statement = statements_.back().get();
        if (values.size() > 0) {
            db::BlockBuilder builder;
            for (const db::Value& value : values) builder.add(value);
            builder.end_row();
            const std::vector<char>& block = blocks_.emplace_back(builder.finish());
            item.parameters = &views_.emplace_back(
                db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())));
        }
        items_.push_back(item);
        return *this;
    }
    Batch& run(const Wait& wait = forever) {
        REQUIRE(connection_.run_batch(items_, wait));
        return *this;
    }
    Error error(const Wait& wait = forever) {
        return error_of([&] { connection_.run_batch(items_, wait); });
    }
    int64_t affected(std::size_t index) const { return items_.at(index).affected; }

private:
    db::Connection& connection_;
    std::deque<std::unique_ptr<db::Statement>> statements_;
    std::deque<std::vector<char>> blocks_;
    std::deque<db::BlockView> views_;
    std::vector<db::BatchItem> items_;
};

}  // namespace

TEST_CASE("postgres batch: statements, their pin and their guards are one trip") {
    World world;
    const auto connection = world.open(world.a);
    Batch batch(*connection);
    batch
        .add("INSERT INTO mark VALUES($1, $2), ($1 + 1, $2)",
             {db::Value::integer(10), db::Value::text("ten")})
        .again({db::Value::integer(20), db::Value::text("twenty")})
        .add("UPDATE mark SET who = 'x' WHERE id >= $1", {db::Value::integer(10)})
        .add("CREATE TABLE made(id int)")
        .add("INSERT INTO made SELECT generate_series(1, 3) RETURNING id")
        .add("SELECT * FROM mark")
        .add("DELETE FROM mark WHERE id = 21");
    const int64_t before = of(*connection).trips();
    batch.run();
    CHECK(of(*connection).trips() - before == 1);
    CHECK(batch.affected(0) == 2);
    CHECK(batch.affected(1) == 2);
    CHECK(batch.affected(2) == 4);
    CHECK(batch.affected(3) == 0);
    CHECK(batch.affected(4) == 3);
    CHECK(batch.affected(5) == 0);
    CHECK(batch.affected(6) == 1);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark WHERE who = 'x'") == "3");
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".made") == "3");
}

TEST_CASE("postgres batch: in a transaction it is one trip too, with the transaction's begin") {
    World world;
    const auto connection = world.open(world.a);
    connection->begin({}, forever);
    const int64_t before = of(*connection).trips();
    Batch(*connection)
        .add("INSERT INTO mark VALUES(2, 'b')")
        .add("INSERT INTO mark VALUES(3, 'c')")
        .run();
    CHECK(of(*connection).trips() - before == 1);
    const Error error = Batch(*connection)
                            .add("INSERT INTO mark VALUES(4, 'd')")
                            .add("INSERT INTO mark\nVALUES(5, 'e', 'f')")
                            .add("INSERT INTO mark VALUES(6, 'g')")
                            .error();
    CHECK(error.statement() == 2);
    CHECK(error.line() == 2);
    CHECK(error.column() == 16);
    CHECK(error.effect() == Effect::none);
    CHECK(connection->in_transaction());
    run(*connection, "INSERT INTO mark VALUES(7, 'h')");
    connection->commit(forever);
    CHECK(world.outside.ask("SELECT string_agg(id::text, ' ' ORDER BY id) FROM " + world.a +
                            ".mark") == "1 2 3 7");
}

TEST_CASE("postgres batch: a failure undoes all of it and names its statement") {
    World world;
    const auto connection = world.open(world.a);
    const Error error = Batch(*connection)
                            .add("INSERT INTO mark VALUES(2, 'b')")
                            .add("INSERT INTO mark VALUES($1, 'again')", {db::Value::integer(3)})
                            .again({db::Value::integer(1)})
                            .add("INSERT INTO mark VALUES(4, 'd')")
                            .error();
    CHECK(error.code() == Code::constraint);
    CHECK(error.statement() == 3);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "1");
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
    const Error later = Batch(*connection).add("DELETE FROM mark").add("SELECT 1/0").error();
    CHECK(later.statement() == 2);
    CHECK(later.code() == Code::sql_error);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE("postgres batch: what cannot share a transaction is refused before anything runs") {
    World world;
    const auto connection = world.open(world.a);
    const int64_t before = of(*connection).trips();
    for (const char* sql : {"VACUUM", "CREATE INDEX CONCURRENTLY i ON mark(id)", "DISCARD ALL",
                            "DEALLOCATE ALL", "COPY mark TO STDOUT", "COPY mark FROM STDIN"}) {
        CAPTURE(sql);
        const Error error = Batch(*connection).add("DELETE FROM mark").add(sql).error();
        CHECK(error.statement() == 2);
        CHECK(error.effect() == Effect::none);
    }
    CHECK(of(*connection).trips() == before);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
}

TEST_CASE("postgres batch: a procedure that commits cannot keep what stands before it") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE PROCEDURE ends() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$");
    const Error error = Batch(*connection)
                            .add("INSERT INTO mark VALUES(2, 'b')")
                            .add("CALL ends()")
                            .add("SELECT 1")
                            .error();
    CHECK(error.statement() == 2);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "1");
    Batch(*connection).add("LOCK TABLE mark").add("INSERT INTO mark VALUES(2, 'b')").run();
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "2");
}

TEST_CASE(
    "postgres batch: a statement that moves the path leaves the next one nothing to write to") {
    World world;
    const auto connection = world.open(world.a);
    const std::string move =
        "SELECT pg_catalog.set_config('search_path', '" + world.b + "', false)";
    const Error error = Batch(*connection)
                            .add("INSERT INTO mark VALUES(2, 'b')")
                            .add(move)
                            .add("INSERT INTO mark VALUES(3, 'c')")
                            .error();
    CHECK(error.code() == Code::tenant_unknown);
    CHECK(error.statement() == 3);
    for (const std::string& tenant : {world.a, world.b})
        CHECK(world.outside.ask("SELECT count(*) FROM " + tenant + ".mark") == "1");
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE(
    "postgres batch: a namespace that was dropped, renamed or revoked lets nothing be written") {
    for (const char* how : {"DROP SCHEMA % CASCADE", "ALTER SCHEMA % RENAME TO %_new"}) {
        CAPTURE(how);
        World world;
        const auto connection = world.open(world.a);
        Batch(*connection).add("INSERT INTO mark VALUES(2, 'b')").run();
        std::string sql = how;
        for (std::size_t at; (at = sql.find('%')) != sql.npos;) sql.replace(at, 1, world.a);
        world.outside.run(sql);
        const Error error = Batch(*connection)
                                .add("INSERT INTO mark VALUES(3, 'c')")
                                .add("CREATE TABLE made(id int)")
                                .add("UPDATE mark SET who = 'gone'")
                                .error();
        CHECK(error.code() == Code::tenant_unknown);
        CHECK(error.effect() == Effect::none);
        CHECK(world.outside.ask("SELECT count(*) FROM pg_class WHERE relname = 'made'") == "0");
        CHECK(world.outside.ask("SELECT who FROM public.mark") == "public");
    }
}

TEST_CASE(
    "postgres batch: after another tenant it is cleaned, pinned and guarded in its own trip") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "SET statement_timeout = 12345");
    World::pass(*connection, world.b);
    const int64_t before = of(*connection).trips();
    Batch(*connection)
        .add("INSERT INTO mark VALUES(2, current_setting('statement_timeout'))")
        .run();
    CHECK(of(*connection).trips() - before == 1);
    CHECK(world.outside.ask("SELECT who FROM " + world.b + ".mark WHERE id = 2") == "0");
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "1");
}

TEST_CASE("postgres batch: ten thousand statements fill no buffer, in one trip") {
    World world;
    const auto connection = world.open(world.a);
    Batch batch(*connection);
    const std::string text(2000, 'x');
    batch.add("INSERT INTO mark VALUES($1, $2) RETURNING id, who",
              {db::Value::integer(2), db::Value::text(text)});
    for (int64_t i = 3; i < 10'000; ++i)
        batch.again({db::Value::integer(i), db::Value::text(text)});
    const int64_t before = of(*connection).trips();
    batch.run();
    CHECK(of(*connection).trips() - before == 1);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "9999");
}

TEST_CASE("postgres batch: a deadline ends it in the middle and nothing of it stays") {
    World world;
    const auto connection = world.open(world.a);
    const Error error = Batch(*connection)
                            .add("INSERT INTO mark VALUES(2, 'b')")
                            .add("SELECT generate_series(1, 100000000000)")
                            .add("INSERT INTO mark VALUES(3, 'c')")
                            .error(within(300ms));
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
}

TEST_CASE("postgres batch: a plan that another connection outdated is made anew") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT * FROM mark");
    db::BatchItem item{statement.get(), nullptr};
    REQUIRE(connection->run_batch({&item, 1}, forever));
    world.outside.run("ALTER TABLE " + world.a + ".mark ADD COLUMN more int");
    CHECK(connection->run_batch({&item, 1}, forever));
}
