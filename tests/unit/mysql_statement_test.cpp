// SPDX-License-Identifier: MIT
#include <cstring>
#include <thread>

#include "backends/mysql/statement.hpp"
#include "db/block.hpp"
#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;
using db::Type;
using db::Value;

namespace {

constexpr int64_t second = 1'000'000;
constexpr int64_t day = 86'400 * second;

// Every row of a statement as one block each of `rows_max`, its cells as (type, text).
std::vector<std::vector<Value>> blocks_of(db::Statement& statement, int64_t rows_max,
                                          std::vector<std::vector<char>>& keep) {
    statement.settle_columns(within());
    std::vector<std::vector<Value>> rows;
    for (;;) {
        std::vector<char> buffer(1 << 20);
        db::BlockWriter writer(buffer.data(), static_cast<int64_t>(buffer.size()), statement.column_count(),
                               rows_max);
        const db::Fill filled = statement.fill(writer, within());
        REQUIRE(filled != db::Fill::too_small);
        const int64_t used = writer.finish();
        const db::BlockView view = db::BlockView::parse(buffer.data(), used);
        for (int32_t row = 0; row < view.rows(); ++row) {
            std::vector<Value>& cells = rows.emplace_back();
            for (int32_t i = 0; i < view.columns(); ++i) cells.push_back(view.at(row, i));
        }
        keep.push_back(std::move(buffer));
        if (filled == db::Fill::done) return rows;
    }
}

// The block of parameters with one row per element.
std::vector<char> block_of(const std::vector<std::vector<Value>>& rows) {
    db::BlockBuilder builder;
    for (const auto& row : rows) {
        for (const Value& value : row) builder.add(value);
        builder.end_row();
    }
    return builder.finish();
}

void check_value(const Value& value, const Value& wanted) {
    CHECK(static_cast<int>(value.type) == static_cast<int>(wanted.type));
    if (db::carrier_of(wanted.type) == db::Carrier::bytes)
        CHECK(std::string(value.view()) == std::string(wanted.view()));
    else
        CHECK(value.slot == wanted.slot);
}

struct TypeRow {
    const char* type;     // of the column
    const char* literal;  // of SQL
    Value value;          // as it is read
    const char* declared;
};

const char uuid_bytes[] = "\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\x00";

std::vector<TypeRow> type_rows() {
    return {
        {"BOOL", "TRUE", Value::integer(1, Type::boolean), "TINYINT(1)"},
        {"TINYINT(1)", "-3", Value::integer(-3), "TINYINT(1)"},
        {"TINYINT", "-128", Value::integer(-128), "TINYINT"},
        {"TINYINT UNSIGNED", "255", Value::integer(255), "TINYINT UNSIGNED"},
        {"SMALLINT", "-32768", Value::integer(-32768), "SMALLINT"},
        {"MEDIUMINT", "-8388608", Value::integer(-8388608), "MEDIUMINT"},
        {"INT", "-2147483648", Value::integer(-2147483648LL), "INT"},
        {"INT UNSIGNED", "4294967295", Value::integer(4294967295LL), "INT UNSIGNED"},
        {"BIGINT", "-9223372036854775808", Value::integer(std::numeric_limits<int64_t>::min()), "BIGINT"},
        {"BIGINT UNSIGNED", "18446744073709551615", Value::integer(-1, Type::uint64), "BIGINT UNSIGNED"},
        {"DECIMAL(30,10)", "-12345678901234567890.0123456789",
         Value::text("-12345678901234567890.0123456789", Type::decimal), "DECIMAL"},
        {"FLOAT", "1.5", Value::real(1.5, Type::float32), "FLOAT"},
        {"DOUBLE", "-1.7976931348623157e308", Value::real(-1.7976931348623157e308), "DOUBLE"},
        {"DATE", "'1969-12-31'", Value::integer(-1, Type::date), "DATE"},
        {"DATE", "'9999-12-31'", Value::integer(2'932'896, Type::date), "DATE"},
        {"TIME(6)", "'-838:59:59.000001'",
         Value::integer(-((838 * 3600LL + 59 * 60 + 59) * second + 1), Type::time), "TIME"},
        {"DATETIME(6)", "'2024-02-29 23:59:59.999999'", Value::integer(19782 * day + day - 1, Type::timestamp),
         "DATETIME"},
        {"TIMESTAMP(6) NULL", "'2024-02-29 12:00:00.5'",
         Value::integer(19782 * day + day / 2 + second / 2, Type::timestamptz), "TIMESTAMP"},
        {"YEAR", "2024", Value::integer(2024), "YEAR"},
        {"BIT(64)", "b'1000000000000000000000000000000000000000000000000000000000000001'",
         Value::integer(std::numeric_limits<int64_t>::min() + 1, Type::uint64), "BIT"},
        {"CHAR(5)", "'ä€𝄞'", Value::text("ä€𝄞"), "CHAR"},
        {"VARCHAR(20)", "''", Value::text(""), "VARCHAR"},
        {"TEXT", "'it''s \\0'", Value::text(std::string_view("it's \0", 6)), "TEXT"},
        {"LONGTEXT", "REPEAT('x',300)", Value::text(std::string_view()), "LONGTEXT"},
        {"VARBINARY(10)", "X'00FF00'", Value::text(std::string_view("\0\xff\0", 3), Type::bytes), "VARBINARY"},
        {"BLOB", "X'DEADBEEF'", Value::text("\xde\xad\xbe\xef", Type::bytes), "BLOB"},
        {"ENUM('a','b')", "'b'", Value::text("b"), "ENUM"},
        {"SET('a','b','c')", "'a,c'", Value::text("a,c"), "SET"},
        {"JSON", "'{\"a\": 1}'", Value::text("{\"a\": 1}", Type::json), "JSON"},
        {"UUID", "'123e4567-e89b-12d3-a456-426614174000'", Value::text({uuid_bytes, 16}, Type::uuid), "UUID"},
        {"INET6", "'::1'", Value::text("::1", Type::other), "INET6"},
    };
}

}  // namespace

TEST_CASE("mysql: every type is read alike by text and binary protocol, by rows and by blocks") {
    static const std::string long_text(300, 'x');
    Mysql my;
    const auto conn = my.at(my.tenant());
    for (const TypeRow& row : type_rows()) {
        CAPTURE(row.type);
        my.run(*conn, std::string("CREATE OR REPLACE TABLE types(k INT NOT NULL, c ") + row.type + ")");
        my.run(*conn, std::string("INSERT INTO types VALUES(1,") + row.literal + "),(2,NULL)");
        Value wanted = row.value;
        if (std::string_view(row.type) == "LONGTEXT") wanted = Value::text(long_text);
        for (const bool binary : {false, true}) {
            CAPTURE(binary);
            const auto statement = conn->prepare(
                binary ? "SELECT k,c FROM types WHERE k>? ORDER BY k" : "SELECT k,c FROM types ORDER BY k", nullptr,
                within());
            if (binary) statement->bind(1, Value::integer(0), db::Lifetime::copied);
            statement->settle_columns(within());
            REQUIRE(statement->column_count() == 2);
            CHECK(std::string(statement->column(1).declared) == row.declared);
            CHECK(statement->column(0).nullable == 0);
            CHECK(statement->column(1).nullable == 1);
            REQUIRE(statement->next(within()));
            check_value(statement->value(1), wanted);
            if (db::carrier_of(wanted.type) == db::Carrier::bytes)
                CHECK(statement->value(1).data[statement->value(1).size] == '\0');
            REQUIRE(statement->next(within()));
            CHECK(statement->value(0).slot == 2);
            CHECK(statement->value(1).type == Type::null);
            CHECK(!statement->next(within()));
            statement->reset();
            std::vector<std::vector<char>> keep;
            const auto rows = blocks_of(*statement, 1, keep);
            REQUIRE(rows.size() == 2);
            check_value(rows[0][1], wanted);
            CHECK(rows[1][1].type == Type::null);
        }
    }
}

TEST_CASE("mysql: a statement without parameters says the same each time it runs in a session") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn, "CREATE TABLE n(f FLOAT, d DOUBLE(10,2), e DOUBLE)");
    my.run(*conn, "INSERT INTO n VALUES(16777217,0.1,0.1),(1.23456789,0.2,0.7)");
    for (const char* sql :
         {"SELECT f FROM n", "SELECT SUM(d) FROM n", "SELECT SUM(e) FROM n", "SELECT e*3,1,'x' FROM n"}) {
        CAPTURE(sql);
        const auto statement = conn->prepare(sql, nullptr, within());
        std::vector<std::vector<char>> keep;
        const auto first = blocks_of(*statement, 10, keep);
        for (int again = 0; again < 3; ++again) {
            statement->reset();
            const auto rows = blocks_of(*statement, 10, keep);
            REQUIRE(rows.size() == first.size());
            for (std::size_t i = 0; i < rows.size(); ++i)
                for (std::size_t j = 0; j < rows[i].size(); ++j) check_value(rows[i][j], first[i][j]);
        }
    }
}

TEST_CASE("mysql: a statement that ran before sees what has changed since") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto all = conn->prepare("SELECT * FROM t LIMIT 1", nullptr, within());
    const auto joined = conn->prepare("SELECT 'a' || 'b'", nullptr, within());
    const auto named = conn->prepare("SELECT v FROM t LIMIT 1", nullptr, within());
    for (int again = 0; again < 3; ++again)
        for (db::Statement* statement : {all.get(), joined.get(), named.get()}) {
            statement->reset();
            REQUIRE(statement->next(within()));
            statement->reset();
        }
    CHECK(all->column_count() == 2);
    my.run(*conn, "ALTER TABLE t ADD COLUMN w VARCHAR(10) DEFAULT 'new'");
    REQUIRE(all->next(within()));
    REQUIRE(all->column_count() == 3);
    CHECK(std::string(all->value(2).view()) == "new");
    all->reset();
    my.run(*conn, "SET sql_mode=CONCAT(@@sql_mode,',PIPES_AS_CONCAT')");
    REQUIRE(joined->next(within()));
    CHECK(std::string(joined->value(0).view()) == "ab");
    joined->reset();
    my.run(*conn, "CREATE TEMPORARY TABLE t AS SELECT 'mine' AS v");
    REQUIRE(named->next(within()));
    CHECK(std::string(named->value(0).view()) == "mine");
}

TEST_CASE("mysql: every value goes in and comes out again, one by one and in bulk") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    for (const TypeRow& row : type_rows()) {
        CAPTURE(row.type);
        if (std::string_view(row.type) == "LONGTEXT") continue;
        my.run(*conn, std::string("CREATE OR REPLACE TABLE types(k INT NOT NULL, c ") + row.type + ")");
        const bool bits = std::string_view(row.declared) == "BIT";
        my.run(*conn, "INSERT INTO types VALUES(?,?)", {Value::integer(1), row.value});
        const auto insert = conn->prepare("INSERT INTO types VALUES(?,?)", nullptr, within());
        const auto block = block_of({{Value::integer(2), row.value}, {Value::integer(3), Value::null()}});
        const auto done =
            insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within());
        REQUIRE(done);
        CHECK(*done == 2);
        const auto statement = conn->prepare("SELECT c FROM types ORDER BY k", nullptr, within());
        REQUIRE(statement->next(within()));
        check_value(statement->value(0), row.value);
        REQUIRE(statement->next(within()));
        check_value(statement->value(0), row.value);
        REQUIRE(statement->next(within()));
        CHECK(statement->value(0).type == Type::null);
        statement->reset();
        if (bits || row.value.type == Type::json || row.value.type == Type::float32) continue;
        CHECK(my.one(*conn, "SELECT COUNT(*) FROM types WHERE c=?", {row.value}) == "2");
    }
}

TEST_CASE("mysql: intervals go in as text; what the server cannot hold is refused before it is sent") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    char interval[16];
    const int32_t months = 14, days = -3;
    const int64_t micros = 3'723'500'000;
    std::memcpy(interval, &months, 4);
    std::memcpy(interval + 4, &days, 4);
    std::memcpy(interval + 8, &micros, 8);
    CHECK(my.one(*conn, "SELECT ?", {Value::text({interval, 16}, Type::interval)}) == "P1Y2M-3DT1H2M3.500000S");
    const auto code = [&](const Value& value) {
        return error_of([&] { my.one(*conn, "SELECT ?", {value}); }).code();
    };
    CHECK(code(Value::integer(840 * 3600 * second, Type::time)) == Code::limit);
    CHECK(code(Value::integer(std::numeric_limits<int64_t>::max(), Type::timestamp)) == Code::limit);
    CHECK(code(Value::integer(std::numeric_limits<int64_t>::min(), Type::date)) == Code::limit);
    CHECK(code(Value::real(std::numeric_limits<double>::quiet_NaN())) == Code::invalid_argument);
    CHECK(code(Value::real(std::numeric_limits<double>::infinity())) == Code::invalid_argument);
    CHECK(code(Value::text("short", Type::uuid)) == Code::invalid_argument);
    CHECK(my.one(*conn, "SELECT 1") == "1");
}

TEST_CASE("mysql: zero dates are NULL, an error or text, as the option says") {
    for (const std::string option : {"null", "error", "text"}) {
        CAPTURE(option);
        MysqlSettings settings;
        settings.values["zero_dates"] = option;
        Mysql my(settings);
        const auto conn = my.at(my.tenant());
        my.run(*conn, "SET sql_mode=''");
        my.run(*conn, "CREATE TABLE z(k INT, d DATE, t DATETIME(6))");
        my.run(
            *conn,
            "INSERT INTO z VALUES(1,'0000-00-00','0000-00-00 00:00:00'),(2,'2024-00-10','2024-01-00 10:11:12.5')");
        for (const char* sql : {"SELECT d FROM z WHERE k=?", "SELECT t FROM z WHERE k=?"}) {
            const bool date = std::string_view(sql).find("SELECT d") == 0;
            for (const int64_t k : {1, 2}) {
                const std::string text = std::string(sql).replace(std::string(sql).find('?'), 1, std::to_string(k));
                const auto both = [&](auto&& check) {
                    check([&] { return my.one(*conn, sql, {Value::integer(k)}); });
                    check([&] { return my.one(*conn, text); });
                };
                if (option == "null") both([&](auto&& read) { CHECK(read() == "NULL"); });
                if (option == "error") both([&](auto&& read) { CHECK(error_of(read).code() == Code::limit); });
                if (option != "text") continue;
                const std::string wanted = date ? (k == 1 ? "0000-00-00" : "2024-00-10")
                                                : (k == 1 ? "0000-00-00 00:00:00" : "2024-01-00 10:11:12.500000");
                both([&](auto&& read) { CHECK(read() == wanted); });
            }
        }
        CHECK(my.one(*conn, "SELECT v IS NOT NULL FROM t") == "1");
    }
}

TEST_CASE("mysql: prepare() sends nothing and knows what the words say") {
    Mysql my;
    const auto conn = my.at("mt_no_such_database");
    std::string_view tail;
    const auto read = conn->prepare(" SELECT '?', `?`, ? /* ? */ -- ?\n; SELECT 2", &tail, within());
    CHECK(read->parameter_count() == 1);
    CHECK(read->read_only());
    CHECK(tail == " SELECT 2");
    CHECK(conn->prepare("  -- nothing\n", &tail, within()) == nullptr);
    CHECK(!conn->prepare("SELECT 1 FOR UPDATE", &tail, within())->read_only());
    CHECK(!conn->prepare("SELECT 1 /*! FOR UPDATE */", &tail, within())->read_only());
    CHECK(conn->prepare("START TRANSACTION", &tail, within())->control() == db::Control::begin);
    CHECK(conn->prepare("COMMIT", &tail, within())->control() == db::Control::commit);
}

TEST_CASE("mysql: a parameter that stands in several places is bound once") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto statement = conn->prepare("SELECT CONCAT(?,?,?)", nullptr, within());
    statement->set_order({2, 1, 2}, 2);
    CHECK(statement->parameter_count() == 2);
    statement->bind(1, Value::text("a"), db::Lifetime::copied);
    statement->bind(2, Value::text("b"), db::Lifetime::copied);
    REQUIRE(statement->next(within()));
    CHECK(statement->value(0).view() == "bab");
}

TEST_CASE("mysql: a statement runs again with other values, in one trip each") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto statement = conn->prepare("SELECT ? + 1", nullptr, within());
    for (int64_t i = 0; i < 5; ++i) {
        statement->bind(1, Value::integer(i), db::Lifetime::copied);
        REQUIRE(statement->next(within()));
        CHECK(statement->value(0).slot == i + 1);
        CHECK(!statement->next(within()));
        statement->reset();
    }
    CHECK(my.one(*conn, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'") == "Com_stmt_prepare");
    const auto status = conn->prepare(
        "SELECT variable_value FROM information_schema.session_status WHERE variable_name='COM_STMT_PREPARE'",
        nullptr, within());
    REQUIRE(status->next(within()));
    CHECK(status->value(0).view() == "1");
}

TEST_CASE("mysql: rows are streamed in blocks, and one that does not fit waits for a bigger one") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto statement =
        conn->prepare("SELECT seq, REPEAT('x', 5000) FROM seq_1_to_1000 WHERE seq>?", nullptr, within());
    statement->bind(1, Value::integer(0), db::Lifetime::copied);
    statement->settle_columns(within());
    CHECK(statement->reading());
    int64_t seen = 0;
    int64_t capacity = 100;
    for (;;) {
        std::vector<char> buffer(static_cast<std::size_t>(capacity));
        db::BlockWriter writer(buffer.data(), capacity, 2, 0);
        const db::Fill filled = statement->fill(writer, within());
        if (filled == db::Fill::too_small) {
            CHECK(writer.needed() > capacity);
            capacity = std::max(writer.needed(), int64_t{20'000});
            continue;
        }
        const int64_t used = writer.finish();
        const db::BlockView view = db::BlockView::parse(buffer.data(), used);
        for (int32_t row = 0; row < view.rows(); ++row) {
            CHECK(view.at(row, 0).slot == ++seen);
            CHECK(view.at(row, 1).size == 5000);
        }
        if (filled == db::Fill::done) break;
    }
    CHECK(seen == 1000);
    CHECK(!statement->reading());
}

TEST_CASE("mysql: values of several packets and values beyond max_allowed_packet") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn, "CREATE TABLE big(b LONGBLOB)");
    const uint64_t most = Mysql::session(*conn).packet_max();
    REQUIRE(most >= 1 << 24);
    std::string value(static_cast<std::size_t>(most) - 1000, 'b');
    value[12345] = '\0';
    CHECK(my.run(*conn, "INSERT INTO big VALUES(?)", {Value::text(value, Type::bytes)}) == 1);
    const auto read = conn->prepare("SELECT b FROM big", nullptr, within());
    REQUIRE(read->next(within()));
    CHECK(read->value(0).view() == value);
    read->reset();
    value.resize(static_cast<std::size_t>(most) + 1);
    const Error error =
        error_of([&] { my.run(*conn, "INSERT INTO big VALUES(?)", {Value::text(value, Type::bytes)}); });
    CHECK(error.code() == Code::limit);
    CHECK(error.effect() == Effect::none);
    CHECK(error_of([&] { my.run(*conn, "SELECT '" + value + "'"); }).code() == Code::limit);
    const auto block = block_of({{Value::text("small")}, {Value::text(value)}});
    const auto insert = conn->prepare("INSERT INTO big VALUES(?)", nullptr, within());
    CHECK(error_of([&] {
              insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within());
          }).code() == Code::limit);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM big") == "1");
}

TEST_CASE("mysql: an INSERT whose values can stand several times is told from others") {
    using backends::mysql::tuple_of;
    const auto tuple = tuple_of("INSERT INTO t(a,`values`) VALUES (?, CONCAT('(',?), (1)) -- end", 2);
    REQUIRE(tuple);
    CHECK(tuple->head == "INSERT INTO t(a,`values`) VALUES ");
    CHECK(tuple->values == "(?, CONCAT('(',?), (1))");
    for (const char* sql :
         {"INSERT INTO t VALUES(?),(?)", "INSERT INTO t VALUES(?) ON DUPLICATE KEY UPDATE a=?",
          "INSERT INTO t SELECT ?", "INSERT INTO t SET a=?", "UPDATE t SET a=?", "INSERT INTO t VALUES(?"})
        CHECK(!tuple_of(sql, 1));
    CHECK(tuple_of("REPLACE t VALUE(?)", 1));
}

TEST_CASE("mysql: a block of rows is one transaction, or a part of the one that is open") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    SUBCASE("in bulk") {}
    SUBCASE("in an INSERT of many rows") { Mysql::session(*conn).forbid_bulk(); }
    my.run(*conn, "CREATE TABLE rows_(id INT PRIMARY KEY, v VARCHAR(20), d DATETIME)");
    const auto insert = conn->prepare("INSERT INTO rows_ VALUES(?,?,?)", nullptr, within());
    std::vector<std::string> texts;
    std::vector<std::vector<Value>> rows;
    for (int i = 0; i < 10'000; ++i) texts.push_back("v" + std::to_string(i));
    for (int i = 0; i < 10'000; ++i)
        rows.push_back({Value::integer(i),
                        i % 7 == 0 ? Value::null() : Value::text(texts[static_cast<std::size_t>(i)]),
                        Value::integer(i * second, Type::timestamp)});
    const auto run = [&](const std::vector<std::vector<Value>>& some) {
        const auto block = block_of(some);
        return insert->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within());
    };
    CHECK(run(rows) == 10'000);
    CHECK(my.one(*conn, "SELECT CONCAT_WS(' ',COUNT(*),COUNT(v),SUM(id),MAX(d)) FROM rows_") ==
          "10000 8571 49995000 1970-01-01 02:46:39");
    CHECK(!conn->in_transaction());
    const Error error = error_of([&] {
        run({{Value::integer(20'000), Value::null(), Value::null()},
             {Value::integer(5), Value::null(), Value::null()}});
    });
    CHECK(error.code() == Code::constraint);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM rows_") == "10000");
    conn->begin({}, within());
    CHECK(run({{Value::integer(30'000), Value::null(), Value::null()}}) == 1);
    const Error nested = error_of([&] {
        run({{Value::integer(30'001), Value::null(), Value::null()},
             {Value::integer(30'000), Value::null(), Value::null()}});
    });
    CHECK(nested.effect() == Effect::none);
    CHECK(conn->in_transaction());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM rows_") == "10001");
    conn->commit(within());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM rows_") == "10001");
    if (!Mysql::session(*conn).bulk()) return;
    const auto update = conn->prepare("UPDATE rows_ SET v=? WHERE id=?", nullptr, within());
    const auto block = block_of({{Value::text("u"), Value::integer(1)}, {Value::text("u"), Value::integer(2)}});
    CHECK(update->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within()) == 2);
    const auto select = conn->prepare("SELECT ?,?", nullptr, within());
    CHECK(!select->run_rows(db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())), within()));
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM rows_ WHERE v='u'") == "2");
}

TEST_CASE("mysql: rows matched are rows affected; generated keys and RETURNING") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    CHECK(my.run(*conn, "UPDATE t SET v=v") == 1);
    CHECK(my.run(*conn, "DELETE FROM t WHERE id=99") == 0);
    conn->mark_lease();
    CHECK(conn->insert_id() == 0);
    CHECK(my.run(*conn, "INSERT INTO t(v) VALUES('a'),('b')") == 2);
    CHECK(conn->insert_id() == 2);
    my.one(*conn, "SELECT 1");
    CHECK(conn->insert_id() == 2);
    CHECK(my.column(*conn, "INSERT INTO t(v) VALUES('c'),('d') RETURNING id") ==
          std::vector<std::string>{"4", "5"});
    CHECK(my.column(*conn, "DELETE FROM t WHERE id>? RETURNING id", {Value::integer(3)}).size() == 2);
    const auto erase = conn->prepare("DELETE FROM t WHERE id>=? RETURNING id", nullptr, within());
    erase->bind(1, Value::integer(2), db::Lifetime::copied);
    erase->run(within());
    CHECK(erase->affected() == 2);
}

TEST_CASE("mysql: a procedure's first rows are its result, the rest is read and dropped") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn,
           "CREATE PROCEDURE p(n INT) BEGIN SELECT seq FROM seq_1_to_3; SELECT 'other'; INSERT INTO t(v) "
           "VALUES(n); END");
    CHECK(my.column(*conn, "CALL p(1)") == std::vector<std::string>{"1", "2", "3"});
    CHECK(my.column(*conn, "CALL p(?)", {Value::integer(2)}) == std::vector<std::string>{"1", "2", "3"});
    my.run(*conn, "CALL p(3)");
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "4");
}

TEST_CASE("mysql: warnings of a writing statement are notices, at most ten and a count") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn, "DROP TABLE IF EXISTS nothing_here");
    REQUIRE(conn->has_notices());
    const auto notes = conn->take_notices();
    REQUIRE(notes.size() == 1);
    CHECK(!notes[0].warning);
    CHECK(notes[0].sqlstate == "1051");
    my.run(*conn, "SET sql_mode=''");
    my.run(*conn, "CREATE TABLE w(i TINYINT)");
    my.run(*conn, "INSERT INTO w SELECT 1000 FROM seq_1_to_20");
    const auto warnings = conn->take_notices();
    REQUIRE(warnings.size() == 11);
    CHECK(warnings[0].warning);
    CHECK(!conn->has_notices());
}

TEST_CASE("mysql: an error says where, never more of the text than a word") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const Error error = error_of([&] { my.run(*conn, "SELECT 1\n  FORM t WHERE v='secret value'"); });
    CHECK(error.code() == Code::sql_error);
    CHECK(error.sqlstate() == "42000");
    CHECK(error.native() == 1064);
    CHECK(error.engine() == "mysql");
    CHECK(error.line() == 2);
    CHECK(error.message().find("secret") == std::string::npos);
    CHECK(error.message().find('\n') == std::string::npos);
    const Error literal = error_of([&] { my.run(*conn, "CREATE USER x IDENTIFIED BY BY 'secret'"); });
    CHECK(literal.message().find("secret") == std::string::npos);
    CHECK(literal.message().size() < 120);
}

TEST_CASE("mysql: comments that the server runs are sent, wherever they stand") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn, "CREATE TABLE p(i INT PRIMARY KEY) /*!50100 PARTITION BY HASH(i) PARTITIONS 3 */");
    CHECK(my.one(*conn,
                 "SELECT COUNT(*) FROM information_schema.partitions WHERE table_schema=DATABASE() AND "
                 "table_name='p'") == "3");
    my.run(*conn, "/*!40101 SET @hidden=1 */");
    CHECK(my.one(*conn, "SELECT @hidden /*!, 2 */") == "1");
    CHECK_THROWS_AS(my.run(*conn, "SELECT 1 /*!40101 ; SET @hidden=2 */"), Error);
    CHECK(my.one(*conn, "SELECT @hidden") == "1");
}

TEST_CASE("mysql: an error's place is that of the caller's text") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const Error error =
        error_of([&] { my.run(*conn, "-- a comment\n;  SELECT 1 FORM t WHERE v=?", {Value::integer(1)}); });
    CHECK(error.line() == 2);
    CHECK(error.column() == 18);
}

TEST_CASE("mysql: a script runs in one go and says which statement failed where") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    int64_t ran = 0;
    CHECK(conn->run_script("CREATE TABLE a(i INT);\n-- ; a comment\nINSERT INTO a VALUES(1);;\nSELECT * FROM a;",
                           ran, within()));
    CHECK(ran == 3);
    const Error error = error_of([&] {
        conn->run_script(
            "INSERT INTO a VALUES(2);\nINSERT INTO a VALUES(3);\n  INSERT INTO a VALUES(4,5);\nDROP TABLE a", ran,
            within());
    });
    CHECK(error.statement() == 3);
    CHECK(error.code() == Code::sql_error);
    CHECK(error.effect() == Effect::committed);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM a") == "3");
    const Error syntax =
        error_of([&] { conn->run_script("INSERT INTO a VALUES(9);\nSELECT 1\n FORM FROM FROM a", ran, within()); });
    CHECK(syntax.statement() == 2);
    CHECK(syntax.line() == 3);
    // What changes the database or the transaction is run one by one by the caller.
    for (const char* text : {"USE mysql; SELECT 1", "BEGIN; SELECT 1; COMMIT", "CALL p(); SELECT 1",
                             "SELECT ?; SELECT 2", "SELECT 1 /*!;USE mysql*/; SELECT 2", "SELECT 1"})
        CHECK(!conn->run_script(text, ran, within()));
}
