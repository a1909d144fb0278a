// SPDX-License-Identifier: MIT
#include "backends/sqlite/statement.hpp"

#include <cmath>
#include <limits>
#include <thread>

#include "db/block.hpp"
#include "sqlite_fixture.hpp"

using namespace sqlite_test;
using db::Fill;
using db::Lifetime;
using db::Type;
using db::Value;

namespace {

std::string bound(db::Connection& connection, const Value& value,
                  const char* sql = "SELECT typeof(?1) || ':' || ?1") {
    const auto statement = prepare(connection, sql);
    statement->bind(1, value, Lifetime::copied);
    REQUIRE(statement->next(forever));
    return statement->value(0).type == Type::null ? "NULL"
                                                  : std::string(statement->value(0).view());
}

}  // namespace

TEST_CASE("sqlite statement: every type is bound as sqlite stores it") {
    Folder folder;
    const auto c = folder.make("a.db");
    CHECK(bound(*c, Value::null(), "SELECT typeof(?1)") == "null");
    CHECK(bound(*c, Value::integer(7, Type::boolean)) == "integer:1");
    CHECK(bound(*c, Value::integer(std::numeric_limits<int64_t>::min())) ==
          "integer:-9223372036854775808");
    CHECK(bound(*c, Value::integer(5, Type::uint64)) == "integer:5");
    CHECK(bound(*c, Value::real(1.5)) == "real:1.5");
    CHECK(bound(*c, Value::real(0.5, Type::float32)) == "real:0.5");
    CHECK(bound(*c, Value::text("12.340", Type::decimal)) == "text:12.340");
    CHECK(bound(*c, Value::text("héllo")) == "text:héllo");
    CHECK(bound(*c, Value::text({}), "SELECT typeof(?1) || length(?1)") == "text0");
    CHECK(bound(*c, Value::text({}, Type::bytes), "SELECT typeof(?1) || length(?1)") == "blob0");
    CHECK(bound(*c, Value::text(std::string_view("a\0b", 3), Type::bytes),
                "SELECT typeof(?1) || hex(?1)") == "blob610062");
    CHECK(bound(*c, Value::text(std::string_view("a\0b", 3)), "SELECT hex(?1)") == "610062");
    CHECK(bound(*c, Value::text("{}", Type::json)) == "text:{}");
    CHECK(bound(*c, Value::text("x", Type::other)) == "text:x");
    CHECK(bound(*c, Value::integer(0, Type::date)) == "text:1970-01-01");
    CHECK(bound(*c, Value::integer(-1'000'000, Type::time)) == "text:-00:00:01.000000");
    CHECK(bound(*c, Value::integer(1, Type::timestamp)) == "text:1970-01-01 00:00:00.000001");
    CHECK(bound(*c, Value::integer(1, Type::timestamptz)) ==
          "text:1970-01-01 00:00:00.000001+00:00");
    CHECK(bound(*c, Value::text(std::string(16, '\xab'), Type::uuid)) ==
          "text:abababab-abab-abab-abab-abababababab");
    CHECK(bound(*c, Value::text(std::string(16, '\0'), Type::interval)) == "text:PT0S");
    CHECK(bound(*c, Value::integer(19'782, Type::date), "SELECT strftime('%d.%m.%Y', ?1)") ==
          "29.02.2024");
}

TEST_CASE("sqlite statement: what sqlite cannot hold is refused before anything runs") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement = prepare(*c, "SELECT ?1, ?3");
    const auto code = [&](int32_t index, const Value& value) {
        return error_of([&] { statement->bind(index, value, Lifetime::copied); }).code();
    };
    CHECK(code(1, Value::integer(-1, Type::uint64)) == Code::limit);
    CHECK(code(1, Value::real(std::nan(""))) == Code::invalid_argument);
    CHECK(code(1, Value{Type::bytes, 0, "x", int64_t{1} << 40}) == Code::limit);
    CHECK(code(1, Value{Type::text, 0, "x", 1'000'000'001}) == Code::limit);
    CHECK(code(0, Value::null()) == Code::invalid_argument);
    CHECK(code(4, Value::null()) == Code::invalid_argument);
    CHECK(code(1, Value::text("short", Type::uuid)) == Code::invalid_argument);
    CHECK(code(1, Value{Type::variant, 0, nullptr, 0}) == Code::invalid_argument);
}

TEST_CASE("sqlite statement: parameters are found with and without sigil") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement = prepare(*c, "SELECT :a, @b, $c, ?9, ?");
    CHECK(statement->parameter_count() == 10);
    for (const char* name : {"a", ":a"}) CHECK(statement->parameter_index(name) == 1);
    for (const char* name : {"b", "@b"}) CHECK(statement->parameter_index(name) == 2);
    for (const char* name : {"c", "$c"}) CHECK(statement->parameter_index(name) == 3);
    for (const char* name : {"9", "?9"}) CHECK(statement->parameter_index(name) == 9);
    for (const char* name : {"", "d", "@a", ":"}) CHECK(statement->parameter_index(name) == 0);
}

TEST_CASE("sqlite statement: a syntax error tells line and column in characters") {
    Folder folder;
    const auto c = folder.make("a.db");
    const Error error = error_of([&] { prepare(*c, "SELECT 'é',\r\n  'é' frm t x"); });
    CHECK(error.code() == Code::sql_error);
    CHECK(error.line() == 2);
    CHECK(error.column() == 11);
    CHECK(error.native() == SQLITE_ERROR);
    CHECK(error.engine() == "sqlite");
    CHECK(error.effect() == Effect::none);
    const Error missing = error_of([&] { prepare(*c, "SELECT * FROM\n nowhere"); });
    CHECK(missing.message() == "no such table: nowhere");
    const Error nul = error_of([&] { prepare(*c, std::string_view("SELECT 1;\n\0DROP", 15)); });
    CHECK(nul.code() == Code::sql_error);
    CHECK(nul.line() == 2);
}

TEST_CASE("sqlite statement: texts are taken statement by statement") {
    Folder folder;
    const auto c = folder.make("a.db");
    const std::string_view sql = "SELECT 1; -- one\nSELECT 2 ; /* end */ ";
    std::string_view tail;
    auto statement = c->prepare(sql, &tail, forever);
    REQUIRE(statement);
    CHECK(tail == " -- one\nSELECT 2 ; /* end */ ");
    statement = c->prepare(tail, &tail, forever);
    REQUIRE(statement);
    CHECK(statement->next(forever));
    CHECK(statement->value(0).slot == 2);
    CHECK(c->prepare(tail, &tail, forever) == nullptr);
    CHECK(tail.empty());
    CHECK(c->prepare({}, &tail, forever) == nullptr);
}

TEST_CASE("sqlite statement: the cursor reads every storage class, and nothing after the end") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement =
        prepare(*c, "SELECT 1, 2.5, 'text', x'00ff', NULL, '', x'' UNION ALL SELECT 2,2,2,2,2,2,2");
    CHECK(statement->column_count() == 7);
    REQUIRE(statement->next(forever));
    CHECK(statement->reading());
    CHECK(statement->value(0).type == Type::int64);
    CHECK(statement->value(1).real() == 2.5);
    CHECK(statement->value(2).view() == "text");
    CHECK(statement->value(2).data[4] == '\0');
    CHECK(statement->value(3).view() == std::string_view("\0\xff", 2));
    CHECK(statement->value(4).type == Type::null);
    CHECK(statement->value(5).type == Type::text);
    CHECK(statement->value(6).type == Type::bytes);
    CHECK(statement->value(6).data != nullptr);
    CHECK(statement->next(forever));
    CHECK_FALSE(statement->next(forever));
    CHECK_FALSE(statement->reading());
    CHECK_FALSE(statement->next(forever));
    statement->reset();
    CHECK(statement->next(forever));
}

TEST_CASE("sqlite statement: columns have names and declared types") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE t(a INTEGER NOT NULL, b VARCHAR(20))");
    const auto statement = prepare(*c, "SELECT a, b AS other, a + 1 FROM t");
    CHECK(statement->column(0).name == "a");
    CHECK(statement->column(0).declared == "INTEGER");
    CHECK(statement->column(0).type == Type::variant);
    CHECK(statement->column(1).name == "other");
    CHECK(statement->column(1).declared == "VARCHAR(20)");
    CHECK(statement->column(2).declared.empty());
}

TEST_CASE("sqlite statement: blocks hold every row once, whatever their size") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE t(a, b, c)");
    run(*c,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
        "INSERT INTO t SELECT i, i * 0.5, CASE WHEN i % 7 THEN printf('row %d', i) END FROM n");
    for (const std::size_t size :
         {std::size_t{700}, std::size_t{1000}, std::size_t{5000}, std::size_t{100000}}) {
        CAPTURE(size);
        const auto statement = prepare(*c, "SELECT * FROM t ORDER BY a");
        std::vector<char> buffer(size);
        int64_t row = 0;
        for (Fill fill = Fill::more; fill == Fill::more;) {
            db::BlockWriter writer(buffer.data(), static_cast<int64_t>(size), 3, 0, 8);
            fill = statement->fill(writer, forever);
            REQUIRE(fill != Fill::too_small);
            const auto view = db::BlockView::parse(buffer.data(), writer.finish());
            for (int32_t i = 0; i < view.rows(); ++i) {
                ++row;
                CHECK(view.at(i, 0).slot == row);
                CHECK(view.at(i, 1).real() == static_cast<double>(row) * 0.5);
                if (row % 7 == 0)
                    CHECK(view.at(i, 2).type == Type::null);
                else
                    CHECK(view.at(i, 2).view() == "row " + std::to_string(row));
            }
        }
        CHECK(row == 500);
    }
}

TEST_CASE(
    "sqlite statement: a row that is too large for the buffer is kept, and the cursor can take "
    "it") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement =
        prepare(*c, "SELECT 1, printf('%.*c', 5000, 'x') UNION ALL SELECT 2, 'y'");
    std::vector<char> buffer(300);
    db::BlockWriter small(buffer.data(), 300, 2, 0);
    CHECK(statement->fill(small, forever) == Fill::too_small);
    CHECK(small.needed() > 5000);
    buffer.resize(static_cast<std::size_t>(small.needed()));
    db::BlockWriter enough(buffer.data(), small.needed(), 2, 1);
    CHECK(statement->fill(enough, forever) == Fill::more);
    CHECK(enough.rows() == 1);
    CHECK(statement->next(forever));
    CHECK(statement->value(0).slot == 2);
    CHECK_FALSE(statement->next(forever));
}

TEST_CASE("sqlite statement: mixed values keep their own types") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement = prepare(*c, "VALUES (1), ('two'), (3.5), (x'04'), (NULL)");
    std::vector<char> buffer(4096);
    db::BlockWriter writer(buffer.data(), 4096, 1, 0);
    CHECK(statement->fill(writer, forever) == Fill::done);
    const auto view = db::BlockView::parse(buffer.data(), writer.finish());
    CHECK(view.column_type(0) == Type::variant);
    CHECK(view.at(0, 0).slot == 1);
    CHECK(view.at(1, 0).view() == "two");
    CHECK(view.at(2, 0).real() == 3.5);
    CHECK(view.at(3, 0).view() == "\x04");
    CHECK(view.at(4, 0).type == Type::null);
}

TEST_CASE("sqlite statement: affected counts rows of this statement only") {
    Folder folder;
    const auto c = folder.make("a.db");
    CHECK(run(*c, "CREATE TABLE t(a)") == 0);
    CHECK(run(*c, "INSERT INTO t VALUES(1),(2),(3)") == 3);
    CHECK(run(*c, "CREATE TABLE u(a)") == 0);
    CHECK(run(*c, "UPDATE t SET a = 0 WHERE a > 1") == 2);
    CHECK(run(*c, "UPDATE t SET a = 0 WHERE a > 100") == 0);
    CHECK(run(*c, "SELECT * FROM t") == 0);
    CHECK(run(*c, "DELETE FROM t") == 3);
    CHECK(run(*c, "VACUUM") == 0);
    const auto returning = prepare(*c, "INSERT INTO t VALUES(7),(8) RETURNING a");
    while (returning->next(forever)) {
    }
    CHECK(returning->affected() == 2);
}

TEST_CASE("sqlite statement: a schema changed elsewhere is noticed") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE t(a)");
    run(*c, "INSERT INTO t VALUES(1)");
    const auto star = prepare(*c, "SELECT * FROM t");
    const auto block = prepare(*c, "SELECT * FROM t");
    CHECK(star->column_count() == 1);
    run(*folder.open("a.db"), "ALTER TABLE t ADD COLUMN b DEFAULT 'new'");
    REQUIRE(star->next(forever));
    CHECK(star->column_count() == 2);
    CHECK(star->value(1).view() == "new");
    CHECK(star->column(1).name == "b");

    std::vector<char> buffer(1000);
    db::BlockWriter stale(buffer.data(), 1000, 1, 0);
    const Error error = error_of([&] { block->fill(stale, forever); });
    CHECK(error.code() == Code::serialization);
    CHECK(error.retryable());
    db::BlockWriter fresh(buffer.data(), 1000, block->column_count(), 0);
    CHECK(block->fill(fresh, forever) == Fill::done);
    CHECK(fresh.rows() == 1);
}

TEST_CASE("sqlite statement: bindings stay over a reset and go when cleared") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement = prepare(*c, "SELECT ?");
    const std::string text = "kept";
    statement->bind(1, Value::text(text), Lifetime::borrowed);
    REQUIRE(statement->next(forever));
    CHECK(error_of([&] { statement->bind(1, Value::null(), Lifetime::copied); }).code() ==
          Code::invalid_state);
    statement->reset();
    REQUIRE(statement->next(forever));
    CHECK(statement->value(0).view() == "kept");
    statement->reset();
    statement->clear_bindings();
    REQUIRE(statement->next(forever));
    CHECK(statement->value(0).type == Type::null);
}

TEST_CASE(
    "sqlite statement: an endless query ends at its deadline or cancel, and the next one runs") {
    Folder folder;
    const auto c = folder.make("a.db");
    const char* endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    CHECK(error_of([&] { prepare(*c, endless)->run(Wait{Deadline::in(10ms)}); }).code() ==
          Code::timeout);
    mtdb::CancelToken token;
    token.trigger(0);
    const Wait cancelled{Deadline::never(), &token};
    const auto statement = prepare(*c, endless);
    CHECK(error_of([&] { statement->run(cancelled); }).code() == Code::cancelled);
    CHECK(error_of([&] { prepare(*c, "SELECT 1")->next(cancelled); }).code() == Code::cancelled);
    CHECK(ask(*c, "SELECT 1") == "1");
}

TEST_CASE("sqlite statement: one long call of a function comes too late, and writing says so not") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE t(a)");
    const std::string slow = "length(hex(zeroblob(100000000)))";  // nothing ends it
    const auto brief = [] { return Wait{Deadline::in(10ms)}; };
    const auto read = prepare(*c, "SELECT " + slow);
    CHECK(error_of([&] { read->run(brief()); }).code() == Code::timeout);
    CHECK(error_of([&] { read->settle_columns(brief()); }).code() == Code::timeout);
    CHECK_FALSE(read->reading());
    mtdb::CancelToken token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(10ms);
        token.trigger(0);
    });
    CHECK(error_of([&] {
              read->settle_columns(Wait{Deadline::never(), &token});
          }).code() == Code::cancelled);
    canceller.join();
    prepare(*c, "INSERT INTO t SELECT " + slow)->run(brief());
    CHECK(ask(*c, "SELECT a FROM t") == "200000000");
}

TEST_CASE("sqlite statement: where each row calls a function the deadline is looked at for each") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto read =
        prepare(*c,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                "i < 50) SELECT i, length(hex(zeroblob(20000000 + i))) FROM n");
    const Wait brief{Deadline::in(100ms)};
    int rows = 0;
    CHECK(error_of([&] {
              while (read->next(brief)) ++rows;
          }).code() == Code::timeout);
    CHECK(rows < 40);
    std::vector<int64_t> buffer(1000);
    db::BlockWriter writer(buffer.data(), 8000, 2, 0);
    read->reset();
    CHECK(error_of([&] { read->fill(writer, Wait{Deadline::in(100ms)}); }).code() == Code::timeout);
    CHECK(writer.rows() < 40);
}

TEST_CASE("sqlite statement: a value is no longer than the option says") {
    Folder folder;
    folder.make("a.db");
    const auto backend = folder.reopen({{"sqlite.length_max_bytes", "5000"}});
    const auto c = backend->open({"a.db"}, forever);
    CHECK(ask(*c, "SELECT length(zeroblob(5000))") == "5000");
    CHECK(error_of([&] { ask(*c, "SELECT length(hex(zeroblob(5000)))"); }).code() == Code::limit);
    const std::string text(5001, 'x');
    CHECK_THROWS_WITH_AS(bound(*c, Value{Type::text, 0, text.data(), 5001}),
                         "parameter 1 has 5001 bytes, more than the 5000 that sqlite takes", Error);
}

TEST_CASE("sqlite statement: a deadline covers the reading of the rows") {
    Folder folder;
    const auto c = folder.make("a.db");
    const auto statement = prepare(
        *c, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n");
    const Error error = error_of([&] {
        const Wait wait{Deadline::in(10ms)};
        while (statement->next(wait)) {
        }
    });
    CHECK(error.code() == Code::timeout);
    CHECK_FALSE(statement->reading());
}

TEST_CASE("sqlite statement: what writes is known before it runs") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE t(a)");
    CHECK(prepare(*c, "SELECT * FROM t")->read_only());
    CHECK(prepare(*c, "BEGIN")->read_only());
    CHECK_FALSE(prepare(*c, "BEGIN IMMEDIATE")->read_only());
    CHECK_FALSE(prepare(*c, "INSERT INTO t VALUES(1)")->read_only());
    CHECK_FALSE(prepare(*c, "PRAGMA user_version = 1")->read_only());
    CHECK_FALSE(prepare(*c, "CREATE TABLE u(a)")->read_only());
}
