// SPDX-License-Identifier: MIT
// COPY TO STDOUT and FROM STDIN as statements.
#include <sys/resource.h>

#include <fstream>

#include "db/block.hpp"
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

class Data {
public:
    explicit Data(std::initializer_list<std::string_view> rows, db::Type type = db::Type::text) {
        for (const std::string_view row : rows) {
            builder_.add(db::Value::text(row, type));
            builder_.end_row();
        }
    }
    db::BlockBuilder& builder() { return builder_; }
    db::BlockView view() {
        const std::vector<char>& block = builder_.finish();
        return db::BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
    }

private:
    db::BlockBuilder builder_;
};

int64_t feed(db::Connection& connection, std::string_view sql, Data data,
             const Wait& wait = forever) {
    return prepare(connection, sql)->run_rows(data.view(), wait).value();
}

std::vector<std::string> rows_of(db::Connection& connection, std::string_view sql) {
    const auto statement = prepare(connection, sql);
    std::vector<std::string> rows;
    while (statement->next(forever)) rows.emplace_back(statement->value(0).view());
    return rows;
}

int64_t resident_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (word == "VmRSS:") {
            int64_t kib = 0;
            status >> kib;
            return kib;
        }
    return 0;
}

}  // namespace

TEST_CASE("postgres copy: TO STDOUT gives a row per message, of one column") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "INSERT INTO mark VALUES(2, NULL), (3, E'tab\\there')");
    const auto statement = prepare(*connection, "COPY (SELECT * FROM mark ORDER BY id) TO STDOUT");
    CHECK(statement->read_only());
    statement->settle_columns(forever);
    REQUIRE(statement->column_count() == 1);
    CHECK(statement->column(0).name == "copy");
    CHECK(statement->column(0).type == db::Type::text);
    std::vector<std::string> rows;
    while (statement->next(forever)) rows.emplace_back(statement->value(0).view());
    CHECK(rows == std::vector<std::string>{"1\t" + world.a + "\n", "2\t\\N\n", "3\ttab\\there\n"});
    CHECK(ask(*connection, "SELECT who FROM mark WHERE id = 1") == world.a);
    CHECK(rows_of(*connection, "COPY mark (id) TO STDOUT WITH (FORMAT csv, HEADER)").size() == 4);
    CHECK_FALSE(
        prepare(*connection, "COPY (DELETE FROM mark RETURNING id) TO STDOUT")->read_only());
    CHECK_FALSE(prepare(*connection, "COPY mark FROM STDIN")->read_only());
}

TEST_CASE("postgres copy: what went out in binary form comes in again") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "INSERT INTO mark SELECT i, repeat('x', i) FROM generate_series(2, 1000) i");
    const auto statement = prepare(*connection, "COPY mark TO STDOUT (FORMAT binary)");
    Data data({});
    while (statement->next(forever)) {
        CHECK(statement->column(0).type == db::Type::bytes);
        data.builder().add(statement->value(0));
        data.builder().end_row();
    }
    run(*connection, "CREATE TABLE other(id int, who text)");
    CHECK(feed(*connection, "COPY other FROM STDIN (FORMAT binary)", std::move(data)) == 1000);
    CHECK(ask(*connection, "SELECT count(*) FROM mark JOIN other USING (id, who)") == "1000");
}

TEST_CASE("postgres copy: FROM STDIN takes the bytes as they are, wherever its rows end") {
    World world;
    const auto connection = world.open(world.a);
    CHECK(feed(*connection, "COPY mark FROM STDIN",
               Data({"2\tb\n3\t", "\\N\n4", "\tdd"}, db::Type::bytes)) == 3);
    CHECK(rows_of(*connection, "COPY (SELECT * FROM mark WHERE id > 1 ORDER BY id) TO STDOUT") ==
          std::vector<std::string>{"2\tb\n", "3\t\\N\n", "4\tdd\n"});
    const std::string big = "5\t" + std::string(5'000'000, 'y') + "\n";
    CHECK(feed(*connection, "COPY mark FROM STDIN", Data({big, "6\tz\n"})) == 2);
    CHECK(ask(*connection, "SELECT length(who) FROM mark WHERE id = 5") == "5000000");
    const auto one = prepare(*connection, "COPY mark FROM STDIN");
    one->bind(1, db::Value::text("7\tseven\n"), db::Lifetime::copied);
    one->run(forever);
    CHECK(one->affected() == 1);
}

TEST_CASE(
    "postgres copy: a failure writes nothing, is the server's, and leaves the connection usable") {
    World world;
    const auto connection = world.open(world.a);
    const Error error = error_of([&] {
        feed(*connection, "COPY mark FROM STDIN", Data({"2\tb\n", "1\tagain\n", "3\tc\n"}));
    });
    CHECK(error.code() == Code::constraint);
    CHECK(error.sqlstate() == "23505");
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
    const Error wrong = error_of(
        [&] { feed(*connection, "COPY mark\nFROM STDIN (FORMAT nonsense)", Data({"x"})); });
    CHECK(wrong.line() == 2);
    CHECK(wrong.column() == 13);
    CHECK(error_of([&] { rows_of(*connection, "COPY nothing TO STDOUT"); }).sqlstate() == "42P01");
    CHECK(error_of([&] {
              rows_of(*connection, "COPY (SELECT 1 / (id - 1) FROM mark) TO STDOUT");
          }).sqlstate() == "22012");
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE("postgres copy: in a transaction a failed FROM STDIN undoes its own rows only") {
    World world;
    const auto connection = world.open(world.a);
    connection->begin({}, forever);
    run(*connection, "INSERT INTO mark VALUES(2, 'b')");
    const Error error = error_of([&] {
        feed(*connection, "COPY mark FROM STDIN", Data({"3\tc\n", "2\tagain\n"}));
    });
    CHECK(error.effect() == Effect::none);
    CHECK(feed(*connection, "COPY mark FROM STDIN", Data({"4\td\n"})) == 1);
    CHECK(rows_of(*connection, "COPY (SELECT id FROM mark ORDER BY id) TO STDOUT").size() == 3);
    connection->commit(forever);
    CHECK(world.outside.ask("SELECT string_agg(id::text, ' ' ORDER BY id) FROM " + world.a +
                            ".mark") == "1 2 4");
}

TEST_CASE("postgres copy: without data it is a typed error and nothing is sent") {
    World world;
    const auto connection = world.open(world.a);
    const int64_t before = of(*connection).trips();
    CHECK(error_of([&] { run(*connection, "COPY mark FROM STDIN"); }).code() ==
          Code::invalid_argument);
    const auto statement = prepare(*connection, "COPY mark FROM STDIN");
    CHECK(statement->parameter_count() == 1);
    CHECK(error_of([&] {
              statement->bind(1, db::Value::integer(1), db::Lifetime::copied);
          }).code() == Code::invalid_argument);
    db::BlockBuilder builder;
    builder.add(db::Value::null());
    builder.end_row();
    const std::vector<char>& block = builder.finish();
    const auto view = db::BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
    CHECK(error_of([&] { statement->run_rows(view, forever); }).code() == Code::invalid_argument);
    CHECK(of(*connection).trips() == before);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE("postgres copy: neither way leaves the tenant's namespace") {
    for (const char* how : {"DROP SCHEMA % CASCADE", "ALTER SCHEMA % RENAME TO %_new"}) {
        CAPTURE(how);
        World world;
        const auto connection = world.open(world.a);
        CHECK(rows_of(*connection, "COPY mark TO STDOUT").size() == 1);
        std::string sql = how;
        for (std::size_t at; (at = sql.find('%')) != sql.npos;) sql.replace(at, 1, world.a);
        world.outside.run(sql);
        CHECK(error_of([&] { rows_of(*connection, "COPY mark TO STDOUT"); }).code() ==
              Code::tenant_unknown);
        CHECK(error_of([&] {
                  feed(*connection, "COPY mark FROM STDIN", Data({"5\tgone\n"}));
              }).code() == Code::tenant_unknown);
        CHECK(world.outside.ask("SELECT count(*) FROM public.mark") == "1");
    }
}

TEST_CASE("postgres copy: a path that was moved is pinned again before it") {
    World world;
    const auto connection = world.open(world.a);
    const std::string move =
        "SELECT pg_catalog.set_config('search_path', '" + world.b + "', false)";
    ask(*connection, move);
    CHECK(rows_of(*connection, "COPY (SELECT who FROM mark) TO STDOUT") ==
          std::vector<std::string>{world.a + "\n"});
    ask(*connection, move);
    CHECK(feed(*connection, "COPY mark FROM STDIN", Data({"5\tmine\n"})) == 1);
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.a + ".mark") == "2");
    World::pass(*connection, world.b);
    CHECK(rows_of(*connection, "COPY (SELECT who FROM mark) TO STDOUT") ==
          std::vector<std::string>{world.b + "\n"});
}

TEST_CASE("postgres copy: rows that nobody reads do not reach the next statement") {
    World world;
    const auto connection = world.open(world.a);
    for (const bool inside : {false, true}) {
        if (inside) connection->begin({}, forever);
        const auto statement = prepare(
            *connection, inside ? "COPY (SELECT generate_series(1, 200000)) TO STDOUT"
                                : "COPY (SELECT generate_series(1, 100000000000)) TO STDOUT");
        REQUIRE(statement->next(forever));
        CHECK(error_of([&] { ask(*connection, "SELECT 1"); }).code() == Code::invalid_state);
        statement->reset();
        CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
        if (inside) connection->commit(forever);
    }
    {
        const auto statement =
            prepare(*connection, "COPY (SELECT generate_series(1, 100000000000)) TO STDOUT");
        REQUIRE(statement->next(forever));
    }
    World::pass(*connection, world.b);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.b);
}

TEST_CASE("postgres copy: a cancel and a deadline end both ways") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement =
        prepare(*connection, "COPY (SELECT generate_series(1, 100000000000)) TO STDOUT");
    const Wait brief = within(200ms);
    const Error error = error_of([&] {
        while (statement->next(brief)) {
        }
    });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::none);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
    const auto asleep = prepare(*connection, "COPY (SELECT pg_sleep(60)) TO STDOUT");
    CHECK(error_of([&] { asleep->next(within(200ms)); }).code() == Code::timeout);

    world.outside.run("BEGIN");
    world.outside.run("LOCK TABLE " + world.a + ".mark");
    CHECK(error_of([&] {
              feed(*connection, "COPY mark FROM STDIN", Data({"5\tlate\n"}), within(200ms));
          }).code() == Code::timeout);
    world.outside.run("ROLLBACK");
    CHECK(ask(*connection, "SELECT count(*) FROM mark") == "1");
}

TEST_CASE("postgres copy: a million rows out need the memory of a few") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement =
        prepare(*connection,
                "COPY (SELECT i, repeat('x', 100) FROM generate_series(1, 1000000) i) TO STDOUT");
    REQUIRE(statement->next(forever));
    const int64_t before = resident_kib();
    int64_t rows = 1;
    while (statement->next(forever)) ++rows;
    CHECK(rows == 1'000'000);
#ifdef __SANITIZE_ADDRESS__
    constexpr int64_t spare_kib = 300 << 10;  // the sanitizer keeps freed memory for a while
#else
    constexpr int64_t spare_kib = 8192;
#endif
    CHECK(resident_kib() - before < spare_kib);
}
