// SPDX-License-Identifier: MIT
// Parameters, rows, types and blocks of statements.
#include "backends/postgres/statement.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "db/block.hpp"
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

// What a value comes back as: as text by the first execution, in binary form by the second.
db::Type round_trip(db::Connection& connection, const std::string& type, const db::Value& value, std::string& first,
                    std::string& second) {
    const auto statement = prepare(connection, "SELECT $1::" + type);
    db::Type seen = db::Type::null;
    for (std::string* answer : {&first, &second}) {
        statement->reset();
        statement->bind(1, value, db::Lifetime::copied);
        REQUIRE(statement->next(forever));
        const db::Value got = statement->value(0);
        seen = got.type;
        *answer = shown(got);
        REQUIRE_FALSE(statement->next(forever));
    }
    if (value.type != db::Type::null) CHECK(statement->column(0).type == seen);
    return seen;
}

std::string interval(int32_t months, int32_t days, int64_t micros) {
    std::string bytes(16, '\0');
    std::memcpy(bytes.data(), &months, 4);
    std::memcpy(bytes.data() + 4, &days, 4);
    std::memcpy(bytes.data() + 8, &micros, 8);
    return bytes;
}

std::vector<char> block_of(int32_t rows, int32_t first = 0) {
    db::BlockBuilder builder;
    for (int32_t i = 0; i < rows; ++i) {
        builder.add(db::Value::integer(first + i));
        builder.add(db::Value::text("row " + std::to_string(i)));
        builder.end_row();
    }
    return builder.finish();
}

}  // namespace

TEST_CASE("postgres statement: every type goes there and comes back, in text and in binary form") {
    World world;
    const auto connection = world.open(world.a);
    using db::Type;
    using db::Value;
    const auto check = [&](const std::string& type, const Value& value, Type expected, const std::string& text) {
        CAPTURE(type);
        CAPTURE(text);
        std::string first, second;
        CHECK(round_trip(*connection, type, value, first, second) == expected);
        CHECK(first == text);
        CHECK(second == text);
    };
    check("bool", Value::integer(1, Type::boolean), Type::boolean, "1");
    check("smallint", Value::integer(-32768), Type::int64, "-32768");
    check("int", Value::integer(-2147483648LL), Type::int64, "-2147483648");
    check("bigint", Value::integer(std::numeric_limits<int64_t>::min()), Type::int64, "-9223372036854775808");
    check("oid", Value::integer(4294967295LL), Type::int64, "4294967295");
    check("numeric", Value::integer(-1, Type::uint64), Type::decimal, "18446744073709551615");
    check("float8", Value::real(0.1), Type::float64, std::to_string(0.1));
    check("float8", Value::real(-INFINITY), Type::float64, "-inf");
    check("float8", Value::real(1.7976931348623157e308), Type::float64, std::to_string(1.7976931348623157e308));
    check("real", Value::real(0.25, Type::float32), Type::float32, "0.250000");
    for (const char* number : {"0", "0.00", "1.50", "-1234567890123456789012345678.000100", "0.00001", "10000",
                               "99999999", "NaN", "Infinity", "-Infinity", "12345678.9", "-0.0000000000000000001"})
        check("numeric", Value::text(number, Type::decimal), Type::decimal, number);
    check("text", Value::text("grün ' \\ \t\n"), Type::text, "grün ' \\ \t\n");
    check("text", Value::text(""), Type::text, "");
    check("varchar(5)", Value::text("ab"), Type::text, "ab");
    check("char(5)", Value::text("ab"), Type::text, "ab   ");
    check("name", Value::text("ab"), Type::text, "ab");
    check("bytea", Value::text(std::string_view("\0\xff\\x'", 5), Type::bytes), Type::bytes,
          std::string("\0\xff\\x'", 5));
    check("bytea", Value::text("", Type::bytes), Type::bytes, "");
    check("date", Value::integer(0, Type::date), Type::date, "0");
    check("date", Value::integer(-1000000, Type::date), Type::date, "-1000000");
    check("date", Value::integer(20000000, Type::date), Type::date, "20000000");
    check("date", Value::integer(2147483647, Type::date), Type::date, "2147483647");
    check("date", Value::integer(-2147483648LL, Type::date), Type::date, "-2147483648");
    check("time", Value::integer(86399999999, Type::time), Type::time, "86399999999");
    check("time", Value::integer(86400000000, Type::time), Type::time, "86400000000");
    for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1234567890123456}, int64_t{-210866803200000000},
                                 std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
        check("timestamp", Value::integer(micros, Type::timestamp), Type::timestamp, std::to_string(micros));
        check("timestamptz", Value::integer(micros, Type::timestamptz), Type::timestamptz, std::to_string(micros));
    }
    check("uuid", Value::text("0123456789abcdef", Type::uuid), Type::uuid, "0123456789abcdef");
    check("json", Value::text("{\"a\": [1,  2]}", Type::json), Type::json, "{\"a\": [1,  2]}");
    check("jsonb", Value::text("{\"a\":[1,2]}", Type::json), Type::json, "{\"a\": [1, 2]}");
    check("timetz", Value::text("12:34:56.7+05:30", Type::other), Type::other, "12:34:56.7+05:30");
    check("int[]", Value::text("{1,2,NULL}", Type::other), Type::other, "{1,2,NULL}");
    check("inet", Value::text("10.0.0.1/8", Type::other), Type::other, "10.0.0.1/8");
    for (const auto& [months, days, micros] :
         {std::tuple{14, -3, int64_t{-1}}, std::tuple{0, 0, int64_t{0}},
          std::tuple{-25, 40, int64_t{400000000000000000}}, std::tuple{1, 1, int64_t{3723000001}},
          std::tuple{-1, 0, int64_t{-86400000000}}}) {
        const std::string bytes = interval(months, days, micros);
        check("interval", Value::text(bytes, Type::interval), Type::interval, bytes);
    }
    check("int", Value::null(), Type::null, "NULL");
}

TEST_CASE("postgres statement: other styles of text are read, or refused, never misread") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "SET bytea_output = escape");
    CHECK(ask(*connection, "SELECT '\\x00ff5c27'::bytea") == std::string("\0\xff\\'", 4));
    run(*connection, "SET TimeZone = 'Asia/Kolkata'");
    CHECK(ask(*connection, "SELECT '2000-01-01 00:00:00Z'::timestamptz") == "946684800000000");
    run(*connection, "SET TimeZone = 'Africa/Monrovia'");  // an offset with seconds
    CHECK(ask(*connection, "SELECT '1900-01-01 00:00:00Z'::timestamptz") == "-2208988800000000");
    run(*connection, "SET DateStyle = 'SQL'");
    CHECK(error_of([&] { ask(*connection, "SELECT '2000-01-01'::date"); }).code() == Code::unsupported);
    run(*connection, "SET IntervalStyle = iso_8601");
    const auto statement = prepare(*connection, "SELECT '1 day'::interval");
    CHECK(error_of([&] { statement->next(forever); }).code() == Code::unsupported);
    CHECK(statement->value(0).type == db::Type::null);  // which cannot fail
    statement->reset();
    CHECK(ask(*connection, "SELECT 1") == "1");
}

TEST_CASE("postgres statement: columns have names, types and, where asked, the names of user types") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TYPE mood AS ENUM('good', 'bad')");
    const auto statement = prepare(
        *connection, "SELECT 'good'::mood AS m, ARRAY['bad']::mood[] AS ms, 1::bigint AS n, '{}'::int[] AS i");
    statement->settle_columns(forever);
    REQUIRE(statement->column_count() == 4);
    CHECK(statement->column(0).name == "m");
    CHECK(statement->column(0).declared == "mood");
    CHECK(statement->column(0).type == db::Type::other);
    CHECK(statement->column(1).declared == "mood[]");
    CHECK(statement->column(2).declared == "bigint");
    CHECK(statement->column(3).declared == "integer[]");
    REQUIRE(statement->next(forever));
    CHECK(shown(statement->value(0)) == "good");
    CHECK(shown(statement->value(1)) == "{bad}");
}

TEST_CASE("postgres statement: what the server cannot take is refused before anything is sent") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT $1::text");
    const int64_t trips = of(*connection).trips();
    CHECK(error_of([&] {
              statement->bind(1, db::Value::text(std::string_view("a\0b", 3)), db::Lifetime::copied);
          }).code() == Code::invalid_argument);
    const db::Value huge{db::Type::text, 0, "", int64_t{1} << 30};
    CHECK(error_of([&] { statement->bind(1, huge, db::Lifetime::borrowed); }).code() == Code::limit);
    CHECK(error_of([&] { statement->bind(2, db::Value::null(), db::Lifetime::copied); }).code() ==
          Code::invalid_argument);
    CHECK(error_of([&] { connection->prepare(std::string_view("SELECT 1\0", 9), nullptr, forever); }).line() == 1);
    CHECK(of(*connection).trips() == trips);
}

TEST_CASE("postgres statement: an error has its state, its place in the text and no value") {
    World world;
    const auto connection = world.open(world.a);
    Error error = error_of([&] { run(*connection, "SELECT 'ü',\n  nothing FROM mark"); });
    CHECK(error.code() == Code::sql_error);
    CHECK(error.sqlstate() == "42703");
    CHECK(error.engine() == "postgres");
    CHECK(error.line() == 2);
    CHECK(error.column() == 3);
    error = error_of([&] { run(*connection, "INSERT INTO mark VALUES(1, 'secret')"); });
    CHECK(error.code() == Code::constraint);
    CHECK(error.sqlstate() == "23505");
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(error.message().find("secret") == std::string::npos);
    error = error_of([&] { ask(*connection, "SELECT 'secret'::int"); });
    CHECK(error.message().find("secret") == std::string::npos);
    CHECK(error.effect() == Effect::none);
    CHECK(error_of([&] { ask(*connection, "SELEC 'secret'"); }).message().find("secret") == std::string::npos);
}

TEST_CASE("postgres statement: affected rows are those that were written") {
    World world;
    const auto connection = world.open(world.a);
    CHECK(run(*connection, "INSERT INTO mark SELECT i, 'x' FROM generate_series(2, 11) i") == 10);
    CHECK(run(*connection, "UPDATE mark SET who = 'y' WHERE id > 5") == 6);
    CHECK(run(*connection, "SELECT * FROM mark") == 0);
    CHECK(run(*connection, "CREATE TABLE copy AS SELECT * FROM mark") == 11);
    CHECK(run(*connection, "DELETE FROM mark") == 11);
    CHECK(run(*connection, "CREATE TABLE t(x int)") == 0);
    const auto returning = prepare(*connection, "INSERT INTO mark VALUES(1, 'z') RETURNING who");
    returning->settle_columns(forever);
    CHECK(returning->column_count() == 1);
    REQUIRE(returning->next(forever));
    CHECK_FALSE(returning->next(forever));
    CHECK(returning->affected() == 1);
}

TEST_CASE("postgres statement: settling a statement that has no columns runs it once") {
    World world;
    const auto connection = world.open(world.a);
    for (const char* sql :
         {"INSERT INTO mark VALUES(2, 'x')", "WITH w AS (SELECT 3) INSERT INTO mark SELECT *, 'x' FROM w",
          "CREATE TABLE t AS SELECT 1"}) {
        CAPTURE(std::string(sql));
        const auto statement = prepare(*connection, sql);
        statement->settle_columns(forever);
        CHECK(statement->column_count() == 0);
        statement->run(forever);
        CHECK(statement->affected() == 1);
        CHECK_THROWS_AS(statement->run(forever), const Error&);  // a second time
    }
}

TEST_CASE("postgres statement: rows stream into blocks, and a block's rows are the cursor's") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement =
        prepare(*connection,
                "SELECT i, i::text, i * 0.5::float8, CASE WHEN i % 3 = 0 THEN NULL ELSE i END, i::numeric / 4,"
                " ('2000-01-01'::date + i), '{}'::jsonb, decode(lpad(to_hex(i), 8, '0'), 'hex')"
                " FROM generate_series(1, 5000) i");
    for (int pass = 0; pass < 3; ++pass) {
        statement->reset();
        statement->settle_columns(forever);
        std::vector<char> buffer(20'000);
        int64_t rows = 0;
        for (db::Fill filled = db::Fill::more; filled == db::Fill::more;) {
            db::BlockWriter writer(buffer.data(), static_cast<int64_t>(buffer.size()), statement->column_count(), 0,
                                   64);
            filled = statement->fill(writer, forever);
            REQUIRE(filled != db::Fill::too_small);
            const int64_t size = writer.finish();
            const db::BlockView view = db::BlockView::parse(buffer.data(), size);
            for (int32_t row = 0; row < view.rows(); ++row) {
                ++rows;
                REQUIRE(view.at(row, 0).slot == rows);
                REQUIRE(view.at(row, 1).view() == std::to_string(rows));
                REQUIRE(view.at(row, 2).real() == static_cast<double>(rows) / 2);
                REQUIRE((view.at(row, 3).type == db::Type::null) == (rows % 3 == 0));
                REQUIRE(view.at(row, 5).slot == 10957 + rows);
            }
        }
        CHECK(rows == 5000);
        CHECK(statement->next(forever) == false);
    }
    std::vector<char> tiny(64);
    statement->reset();
    statement->settle_columns(forever);
    db::BlockWriter writer(tiny.data(), 64, statement->column_count(), 0, 8);
    CHECK(statement->fill(writer, forever) == db::Fill::too_small);
    std::vector<char> enough(static_cast<std::size_t>(writer.needed()));
    db::BlockWriter again(enough.data(), writer.needed(), statement->column_count(), 1, 8);
    CHECK(statement->fill(again, forever) == db::Fill::more);
    CHECK(again.rows() == 1);
}

TEST_CASE("postgres statement: a deadline among the rows ends them, and the connection goes on") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT i FROM generate_series(1, 100000000) i");
    const Wait wait = within(150ms);
    const Error error = error_of([&] {
        while (statement->next(wait)) {
        }
    });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::none);
    CHECK_FALSE(statement->reading());
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
}

TEST_CASE("postgres statement: prepared statements that the server lost are prepared again") {
    World world;
    world.outside.run("CREATE FUNCTION " + world.a +
                      ".forget() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT who FROM mark");
    const auto read = [&] {
        statement->reset();
        std::string who;
        while (statement->next(forever)) who = shown(statement->value(0));
        return who;
    };
    CHECK(read() == world.a);
    CHECK(read() == world.a);
    for (const char* sql : {"DEALLOCATE ALL", "DISCARD ALL", "SELECT forget()", "DISCARD PLANS"}) {
        CAPTURE(std::string(sql));
        ask(*connection, sql);
        CHECK(read() == world.a);
        CHECK(read() == world.a);
    }
    connection->begin({}, forever);
    ask(*connection, "SELECT forget()");
    const Error error = error_of([&] { read(); });
    CHECK(error.code() == Code::serialization);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(error.retryable());
    connection->rollback();
    CHECK(read() == world.a);
}

TEST_CASE("postgres statement: a table that changed shape is read anew") {
    World world;
    const auto connection = world.open(world.a);
    const auto statement = prepare(*connection, "SELECT * FROM mark");
    const auto columns = [&] {
        statement->reset();
        statement->settle_columns(forever);
        while (statement->next(forever)) {
        }
        return statement->column_count();
    };
    CHECK(columns() == 2);
    CHECK(columns() == 2);
    world.outside.run("ALTER TABLE " + world.a + ".mark ADD COLUMN one int");
    CHECK(columns() == 3);
    connection->begin({}, forever);
    run(*connection, "ALTER TABLE mark ADD COLUMN two inet");  // by this connection: known beforehand
    CHECK(columns() == 4);
    CHECK(columns() == 4);
    connection->rollback();
    CHECK(columns() == 3);
}

TEST_CASE("postgres statement: closed statements are closed at the server, without a trip of their own") {
    World world;
    const auto connection = world.open(world.a);
    for (int i = 0; i < 50; ++i) ask(*connection, "SELECT " + std::to_string(i));
    ask(*connection, "SELECT 'last'");
    ask(*connection, "SELECT 'last'");
    CHECK(std::stoi(ask(*connection, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT%'")) <
          6);
}

TEST_CASE("postgres statement: rows of a block are one flight, all or nothing") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TABLE t(id int PRIMARY KEY, s text)");
    const auto insert = prepare(*connection, "INSERT INTO t VALUES($1, $2)");
    const auto run_block = [&](const std::vector<char>& block) {
        return insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), forever)
            .value();
    };
    int64_t trips = of(*connection).trips();
    CHECK(run_block(block_of(10'000)) == 10'000);
    CHECK(of(*connection).trips() - trips == 1);
    CHECK(error_of([&] { run_block(block_of(3000, 8000)); }).code() == Code::constraint);
    CHECK(ask(*connection, "SELECT count(*) FROM t") == "10000");
    connection->begin({}, forever);
    CHECK(run_block(block_of(10, 20'000)) == 10);
    Error error = error_of([&] { run_block(block_of(10, 20'005)); });
    CHECK(error.code() == Code::constraint);
    CHECK(error.effect() == Effect::none);
    CHECK(connection->in_transaction());
    CHECK(run_block(block_of(10, 30'000)) == 10);
    connection->commit(forever);
    CHECK(ask(*connection, "SELECT count(*) FROM t") == "10020");
    World::pass(*connection, world.b);
    CHECK(error_of([&] { run_block(block_of(10, 40'000)); }).sqlstate() == "42P01");
    CHECK(run_block(block_of(0)) == 0);
}

TEST_CASE("postgres statement: with bulk=copy the rows of a plain INSERT are copied, all or nothing") {
    World world({{"bulk", "copy"}});
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TABLE t(id int PRIMARY KEY, s text, b bytea)");
    const auto block = [](int32_t rows, int32_t first) {
        db::BlockBuilder builder;
        for (int32_t i = 0; i < rows; ++i) {
            builder.add(db::Value::integer(first + i));
            if (i % 10 == 0)
                builder.add(db::Value::null());
            else
                builder.add(db::Value::text("tab\there \\N \\. line\nend " + std::to_string(i)));
            builder.add(db::Value::text(std::string_view("\0\xff\t", 3), db::Type::bytes));
            builder.end_row();
        }
        return builder.finish();
    };
    for (const char* sql : {"INSERT INTO t (id, s, b) VALUES ($1, $2, $3)", "INSERT INTO t VALUES ($1, $2, $3)"}) {
        CAPTURE(std::string(sql));
        const auto insert = prepare(*connection, sql);
        const auto run_block = [&](const std::vector<char>& bytes) {
            return insert->run_rows(db::BlockView::parse(bytes.data(), static_cast<int64_t>(bytes.size())), forever)
                .value();
        };
        CHECK(run_block(block(20'000, 0)) == 20'000);
        CHECK(
            ask(*connection,
                "SELECT count(*) FROM t WHERE s = E'tab\\there \\\\N \\\\. line\\nend ' || id AND b = '\\x00ff09'") ==
            "18000");
        CHECK(ask(*connection, "SELECT count(*) FROM t WHERE s IS NULL") == "2000");
        Error error = error_of([&] { run_block(block(10, 19'995)); });
        CHECK(error.code() == Code::constraint);
        CHECK(error.effect() == Effect::rolled_back);
        CHECK_FALSE(connection->in_transaction());
        connection->begin({}, forever);
        CHECK(run_block(block(10, 20'000)) == 10);
        error = error_of([&] { run_block(block(10, 20'005)); });
        CHECK(error.effect() == Effect::none);
        CHECK(run_block(block(10, 20'010)) == 10);
        connection->commit(forever);
        CHECK(ask(*connection, "SELECT count(*) FROM t") == "20020");
        run(*connection, "TRUNCATE t");
    }
    World::pass(*connection, world.b);
    const auto insert = prepare(*connection, "INSERT INTO t (id, s, b) VALUES ($1, $2, $3)");
    const std::vector<char> bytes = block(5, 0);
    CHECK(error_of([&] {
              insert->run_rows(db::BlockView::parse(bytes.data(), static_cast<int64_t>(bytes.size())), forever);
          }).sqlstate() == "42P01");
    CHECK(pg::insert_target("INSERT INTO \"T\".x (a, \"b\") VALUES ($1, $2)") == "\"T\".x (a, \"b\") ");
    for (const char* sql :
         {"INSERT INTO t (a) VALUES ($1) RETURNING a", "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING",
          "INSERT INTO t (a, b) VALUES ($2, $1)", "INSERT INTO t (a, b) VALUES ($1, now())",
          "INSERT INTO t (a) SELECT $1", "INSERT INTO t (a) VALUES ($1 + 1)", "UPDATE t SET a = $1"})
        CHECK(pg::insert_target(sql).empty());
}

TEST_CASE("postgres statement: a block that is bigger than all buffers does not stand still") {
    World world;
    const auto connection = world.open(world.a);
    run(*connection, "CREATE TABLE t(id int, s text)");
    run(*connection,
        "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', repeat('x', 500);"
        " RETURN NEW; END $$");
    run(*connection, "CREATE TRIGGER loud BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION loud()");
    const std::vector<char> block = block_of(60'000);
    const auto insert = prepare(*connection, "INSERT INTO t VALUES($1, $2)");
    CHECK(insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within(60s))
              .value() == 60'000);
    const Error error = error_of([&] {
        insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within(50ms));
    });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(ask(*connection, "SELECT count(*) FROM t") == "60000");
}
TEST_CASE("postgres statement: when a row's trigger moves the path, no row of the block stays anywhere") {
    World world;
    for (const std::string& tenant : {world.a, world.b})
        world.outside.run("CREATE TABLE " + tenant + ".row_of(v int)");
    world.outside.run("CREATE FUNCTION " + world.a + ".move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM"
                      " pg_catalog.set_config('search_path', '" + world.b + "', false); RETURN NEW; END $$");
    world.outside.run("CREATE TRIGGER moves BEFORE INSERT ON " + world.a + ".row_of FOR EACH ROW EXECUTE FUNCTION " +
                      world.a + ".move()");
    const auto connection = world.open(world.a);
    db::BlockBuilder rows;
    for (int64_t v = 0; v < 3; ++v) {
        rows.add(db::Value::integer(v));
        rows.end_row();
    }
    const auto& block = rows.finish();
    // Not a plain INSERT: each row is an execution of its own.
    const auto insert = prepare(*connection, "INSERT INTO row_of SELECT $1::int");
    const Error error = error_of([&] {
        insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), forever);
    });
    CHECK(error.code() == Code::tenant_unknown);
    for (const std::string& tenant : {world.a, world.b})
        CHECK(world.outside.ask("SELECT count(*) FROM " + tenant + ".row_of") == "0");
    CHECK(ask(*connection, "SELECT count(*) FROM row_of") == "0");
}
