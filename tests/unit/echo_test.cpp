// SPDX-License-Identifier: MIT
#include "backends/echo/echo.hpp"

#include <doctest/doctest.h>

#include <set>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::db;
using std::chrono::milliseconds;

namespace {

class NoSettings final : public Settings {
    std::string text(std::string_view) const override { return {}; }
    int64_t integer(std::string_view) const override { return 0; }
    bool boolean(std::string_view) const override { return false; }
};

struct Echo {
    Echo() : backend(backends::echo::make(Url::parse("echo:"), NoSettings())) {
        backend->create({"acme"}, Wait::forever());
        connection = backend->open({"acme"}, Wait::forever());
    }
    std::unique_ptr<Statement> prepare(std::string_view sql) {
        return connection->prepare(sql, nullptr, Wait::forever());
    }
    void run(std::string_view sql) { prepare(sql)->run(Wait::forever()); }

    std::unique_ptr<Backend> backend;
    std::unique_ptr<Connection> connection;
};

Code code_of(Echo& echo, std::string_view sql) {
    try {
        echo.run(sql);
    } catch (const Error& error) {
        return error.code();
    }
    return Code::ok;
}

}  // namespace

TEST_CASE("echo gives literals and parameters back in their exact types") {
    Echo echo;
    auto statement = echo.prepare("echo 12, -1.5e3, 'it''s', x'00fF', true, null, ?, :name, ?7");
    CHECK(statement->parameter_count() == 7);
    CHECK(statement->parameter_index("name") == 2);
    CHECK(statement->parameter_index(":name") == 2);
    CHECK(statement->parameter_index("nobody") == 0);
    statement->bind(1, Value::integer(-3, Type::timestamptz), Lifetime::copied);
    statement->bind(2, Value::text(std::string_view("\U0001F600\0", 5)), Lifetime::borrowed);
    CHECK_THROWS_AS(statement->bind(8, Value::null(), Lifetime::copied), Error);
    REQUIRE(statement->column_count() == 9);
    REQUIRE(statement->next(Wait::forever()));
    CHECK(statement->reading());
    CHECK(statement->value(0).slot == 12);
    CHECK(statement->value(1).real() == -1500.0);
    CHECK(statement->value(2).view() == "it's");
    CHECK(statement->value(3).view() == std::string_view("\0\xff", 2));
    CHECK(statement->value(4).type == Type::boolean);
    CHECK(statement->value(5).type == Type::null);
    CHECK(statement->value(6).type == Type::timestamptz);
    CHECK(statement->value(7).view() == std::string_view("\U0001F600\0", 5));
    CHECK(statement->value(8).type == Type::null);
    CHECK_FALSE(statement->next(Wait::forever()));
    CHECK_FALSE(statement->reading());
    CHECK(echo.prepare("params 3")->parameter_count() == 3);
}

TEST_CASE("rows makes every type with NULLs, the same each time, and a block of them says so") {
    Echo echo;
    auto statement = echo.prepare(
        "rows 14 null, boolean, int64, uint64, float, double, decimal, text, bytes, date, time, "
        "timestamp, timestamptz, uuid,"
        " json, interval, variant, other");
    REQUIRE(statement->column_count() == type_count);
    std::vector<char> buffer(65536);
    BlockWriter writer(buffer.data(), 65536, type_count, 0, 200);
    CHECK(statement->fill(writer, Wait::forever()) == Fill::done);
    const BlockView view = BlockView::parse(buffer.data(), writer.finish());
    CHECK(view.rows() == 14);
    for (int32_t column = 0; column < type_count; ++column) {
        CAPTURE(column);
        CHECK(view.column_type(column) == static_cast<Type>(column));
        CHECK(statement->column(column).type == static_cast<Type>(column));
        int nulls = 0;
        for (int32_t row = 0; row < 14; ++row)
            nulls += view.at(row, column).type == Type::null ? 1 : 0;
        CHECK(nulls == (column == 0 ? 14 : 2));
    }
    CHECK(view.at(1, 2).slot == INT64_MIN);
    CHECK(view.at(2, 3).slot == -1);
    CHECK(view.at(2, 7).view() == "\U0001F600 \u00e9\u4e16");
    CHECK(view.at(3, 7).view() == std::string_view("nul\0inside", 10));
    CHECK(view.at(1, 13).size == 16);
    CHECK(view.at(4, 14).view() == "{\"row\":4}");
}

TEST_CASE("text, tenant, params and counts from parameters") {
    Echo echo;
    auto text = echo.prepare("text ?");
    text->bind(1, Value::integer(30), Lifetime::copied);
    REQUIRE(text->next(Wait::forever()));
    CHECK(text->value(0).view() == "abcdefghijklmnopqrstuvwxyzabcd");
    auto tenant = echo.prepare("TENANT");
    REQUIRE(tenant->next(Wait::forever()));
    CHECK(tenant->value(0).view() == "acme");
    auto rows = echo.prepare("rows ?");
    CHECK_THROWS_AS(rows->run(Wait::forever()), Error);
    rows->bind(1, Value::integer(0), Lifetime::copied);
    CHECK_FALSE((rows->reset(), rows->next(Wait::forever())));
}

TEST_CASE("a row that does not fit comes again, and not after a reset") {
    Echo echo;
    auto statement = echo.prepare("text 100");
    std::vector<char> small(120);
    BlockWriter tight(small.data(), 120, 1, 0);
    CHECK(statement->fill(tight, Wait::forever()) == Fill::too_small);
    std::vector<char> buffer(4096);
    BlockWriter writer(buffer.data(), 4096, 1, 0, 100);
    CHECK(statement->fill(writer, Wait::forever()) == Fill::done);
    CHECK(writer.rows() == 1);
    statement->reset();
    BlockWriter again(small.data(), 120, 1, 0);
    CHECK(statement->fill(again, Wait::forever()) == Fill::too_small);
    statement->reset();
    BlockWriter last(buffer.data(), 4096, 1, 0, 100);
    CHECK(statement->fill(last, Wait::forever()) == Fill::done);
    CHECK(last.rows() == 1);
}

TEST_CASE("fail fails with every status, by name and by number, with its text and after its rows") {
    Echo echo;
    for (int32_t status = -1; status >= MTDB_INTERNAL; --status) {
        CHECK(code_of(echo, "fail " + std::string(base::name_of(status))) == Code{status});
        CHECK(code_of(echo, "fail " + std::to_string(status)) == Code{status});
    }
    CHECK_THROWS_WITH_AS(echo.run("fail busy 'come back'"), "come back", Error);
    auto statement = echo.prepare("fail IO after 2");
    CHECK(statement->next(Wait::forever()));
    CHECK(statement->next(Wait::forever()));
    CHECK_THROWS_AS(statement->next(Wait::forever()), Error);
    CHECK_FALSE(statement->reading());
}

TEST_CASE("sleep and slow end at the deadline and at a cancel") {
    Echo echo;
    auto sleep = echo.prepare("sleep 60000");
    CHECK_THROWS_AS(sleep->run({Deadline::in(milliseconds(2)), nullptr}), Error);
    CancelToken token;
    auto slow = echo.prepare("slow 3 1");
    CHECK(slow->next({Deadline::never(), &token}));
    token.trigger(0);
    CHECK_THROWS_AS(slow->next({Deadline::never(), &token}), Error);
    token.reset();
    slow->run({Deadline::never(), &token});
    echo.run("sleep 1");
}

TEST_CASE("transactions are tracked, and a lost one ends") {
    Echo echo;
    Connection& connection = *echo.connection;
    echo.run("begin read only");
    CHECK(connection.in_transaction());
    CHECK(code_of(echo, "write 1") == Code::read_only);
    CHECK(code_of(echo, "begin") == Code::invalid_state);
    echo.run("savepoint a");
    echo.run("savepoint b");
    echo.run("rollback to a");
    CHECK(code_of(echo, "release b") == Code::not_found);
    echo.run("release a");
    echo.run("commit");
    CHECK(code_of(echo, "commit") == Code::invalid_state);
    CHECK(code_of(echo, "savepoint a") == Code::invalid_state);
    connection.begin({}, Wait::forever());
    CHECK(code_of(echo, "fail serialization") == Code::serialization);
    CHECK_FALSE(connection.in_transaction());
    connection.rollback();
    connection.begin({}, Wait::forever());
    CHECK(connection.end_lease() == Reuse::clean);
    CHECK_FALSE(connection.in_transaction());
    CHECK(echo.prepare("begin")->control() == Control::begin);
    CHECK(echo.prepare("rollback to x")->control() == Control::savepoint);
}

TEST_CASE("write tells affected rows and the insert id of the lease") {
    Echo echo;
    auto statement = echo.prepare("write 3");
    CHECK_FALSE(statement->read_only());
    statement->run(Wait::forever());
    CHECK(statement->affected() == 3);
    CHECK(echo.connection->insert_id() == 3);
    echo.connection->mark_lease();
    CHECK(echo.connection->insert_id() == 0);
}

TEST_CASE("statements are separated by semicolons, and an error has its position") {
    Echo echo;
    std::string_view tail;
    CHECK(echo.connection->prepare("/* x */ ; tenant -- y\n; echo 1", &tail, Wait::forever()) !=
          nullptr);
    CHECK(tail == " echo 1");
    CHECK(echo.connection->prepare(" -- nothing\n ;;", &tail, Wait::forever()) == nullptr);
    CHECK(tail.empty());
    struct Row {
        std::string_view sql;
        int64_t line, column;
    };
    for (const Row& row :
         {Row{"select 1", 1, 1}, Row{"echo 1,\n  bad", 2, 3}, Row{"echo 'open", 1, 6},
          Row{"rows 1 blob", 1, 8}, Row{"fail OK", 1, 6}, Row{"fail -99", 1, 6},
          Row{"echo 1 2", 1, 8}, Row{"echo 9223372036854775808", 1, 6}, Row{"echo 1x", 1, 6},
          Row{"echo ?0", 1, 8}, Row{"echo", 1, 5}, Row{"echo ?99999", 1, 12}}) {
        CAPTURE(row.sql);
        try {
            echo.prepare(row.sql);
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.code() == Code::sql_error);
            CHECK(error.engine() == "echo");
            CHECK(error.line() == row.line);
            CHECK(error.column() == row.column);
        }
    }
}

TEST_CASE("places are made, listed, copied and dropped") {
    Echo echo;
    CHECK_THROWS_AS(echo.backend->create({"acme"}, Wait::forever()), Error);
    CHECK_THROWS_AS(echo.backend->open({"ghost"}, Wait::forever()), Error);
    echo.backend->copy(*echo.connection, {"twin"}, Wait::forever());
    std::set<std::string> listed;
    const auto cursor = echo.backend->list({});
    while (const auto place = cursor->next()) listed.insert(*place);
    CHECK(listed == std::set<std::string>{"acme", "twin"});
    echo.backend->drop({"twin"}, Wait::forever());
    CHECK_FALSE(echo.backend->exists({"twin"}, {}));
    CHECK_THROWS_AS(echo.backend->drop({"twin"}, Wait::forever()), Error);
    CHECK_THROWS_AS(backends::echo::make(Url::parse("echo:x"), NoSettings()), Error);
}
