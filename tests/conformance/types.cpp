// SPDX-License-Identifier: MIT
// Each type both ways, extremes included: what is bound comes back with its type and its bytes.
#include <cmath>
#include <cstring>
#include <limits>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

// A table u(id, v) with v of this type of the backend.
Conn lease_of(World& world, const std::string& type) {
    Conn conn = world.lease();
    must(exec(conn.get(), "CREATE TABLE u(id BIGINT PRIMARY KEY, v " + type + " NULL)"));
    return conn;
}

const std::string& column_of(World& world, int32_t type) { return world.words().columns.at(type); }

using Bind = std::function<mtdb_status(mtdb_stmt*, mtdb_error**)>;

// Stores one value and brings it back, by a prepared statement and after another connection may have cached it.
Result round_trip(mtdb_conn* conn, int64_t id, const Bind& bind) {
    const Stmt write = prepare(conn, "INSERT INTO u(id, v) VALUES(?, ?)");
    bind_int(write.get(), 1, id);
    ok([&](mtdb_error** err) { return bind(write.get(), err); });
    execute(write.get());
    const Stmt read = prepare(conn, "SELECT v FROM u WHERE id = ?");
    bind_int(read.get(), 1, id);
    Result result = execute(read.get());
    check(next(result.get()), "no row");
    return result;
}

void integers_both_ways(mtdb_conn* conn, int32_t type, std::initializer_list<int64_t> values) {
    int64_t id = 0;
    for (const int64_t value : values) {
        const Result result = round_trip(conn, ++id, [&](mtdb_stmt* stmt, mtdb_error** err) {
            return mtdb_stmt_bind_integer(stmt, 2, type, value, err);
        });
        same(type, mtdb_value_type(result.get(), 0));
        same(value, mtdb_value_int64(result.get(), 0));
    }
    const Result null =
        round_trip(conn, ++id, [](mtdb_stmt* stmt, mtdb_error** err) { return mtdb_stmt_bind_null(stmt, 2, err); });
    same(MTDB_TYPE_NULL, mtdb_value_type(null.get(), 0));
}

void texts_both_ways(mtdb_conn* conn, int32_t type, const std::vector<std::string>& values) {
    int64_t id = 0;
    for (const std::string& value : values) {
        const Result result = round_trip(conn, ++id, [&](mtdb_stmt* stmt, mtdb_error** err) {
            return mtdb_stmt_bind_typed(stmt, 2, type, value.data(), size_of(value), err);
        });
        same(type, mtdb_value_type(result.get(), 0));
        same(value, text_at(result.get(), 0));
    }
    const Result null =
        round_trip(conn, ++id, [](mtdb_stmt* stmt, mtdb_error** err) { return mtdb_stmt_bind_null(stmt, 2, err); });
    same(MTDB_TYPE_NULL, mtdb_value_type(null.get(), 0));
}

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes;
}

void basics(Suite& suite) {
    suite.claim("INT64 both ways, extremes and NULL", {Need::tables}, [](World& world) {
        integers_both_ways(
            lease_of(world, world.words().integer).get(), MTDB_TYPE_INT64,
            {0, 1, -1, 2147483648, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()});
    });
    suite.claim("DOUBLE both ways, extremes", {Need::tables}, [](World& world) {
        const Conn conn = lease_of(world, world.words().real);
        int64_t id = 0;
        for (const double value : {0.0, 0.1, -1.5, 1e308, 2.2250738585072014e-308, 1.0 / 3, 123456789.123456789,
                                   std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()}) {
            const Result result = round_trip(conn.get(), ++id, [&](mtdb_stmt* stmt, mtdb_error** err) {
                return mtdb_stmt_bind_double(stmt, 2, value, err);
            });
            same(MTDB_TYPE_DOUBLE, mtdb_value_type(result.get(), 0));
            check(mtdb_value_double(result.get(), 0) == value, "wanted " + std::to_string(value));
        }
    });
    suite.claim("TEXT both ways: empty, quotes, emoji, line ends, NULL", {Need::tables}, [](World& world) {
        const Conn conn = lease_of(world, world.words().text);
        texts_both_ways(
            conn.get(), MTDB_TYPE_TEXT,
            {"", " ", "it's \"quoted\" `so` \\ and \\'", "\xf0\x9f\x90\x98\xf0\x9f\x8e\x89 \xc3\xa9\xe4\xb8\xad",
             "a\r\nb\tc", "NULL", "\\N", "?:x$1", std::string(70000, 'x')});
    });
    suite.claim("an empty text is not NULL", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 1, "");
        same(1, int_of(conn.get(), "SELECT count(*) FROM t WHERE v IS NOT NULL AND v = ''"));
    });
    suite.claim("a NUL inside TEXT is kept", {Need::tables, Need::nul_in_text}, [](World& world) {
        texts_both_ways(lease_of(world, world.words().text).get(), MTDB_TYPE_TEXT, {std::string("a\0b", 3)});
    });
    suite.claim("BYTES both ways: empty, every byte, NULL", {Need::tables}, [](World& world) {
        texts_both_ways(lease_of(world, world.words().bytes).get(), MTDB_TYPE_BYTES,
                        {"", std::string(1, '\0'), all_bytes(), std::string(70000, '\xff')});
    });
    suite.claim("8 MiB of text and of bytes both ways", {Need::tables}, [](World& world) {
        const Conn conn = lease_of(world, world.words().bytes);
        std::string large(8 << 20, '\0');
        for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761u >> 13);
        texts_both_ways(conn.get(), MTDB_TYPE_BYTES, {large});
        const std::string text(8 << 20, 'z');
        put(conn.get(), 1, text);
        const Result result = query(conn.get(), "SELECT v FROM t");
        check(next(result.get()), "no row");
        same(text, text_at(result.get(), 0));
    });
    suite.claim("values of a row keep their order and types", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), "SELECT id, v, id + 1, NULL FROM t WHERE id = ?");
        put(conn.get(), 41, "text");
        bind_int(stmt.get(), 1, 41);
        const Result result = execute(stmt.get());
        check(next(result.get()), "no row");
        same(41, mtdb_value_int64(result.get(), 0));
        same("text", text_at(result.get(), 1));
        same(42, mtdb_value_int64(result.get(), 2));
        same(MTDB_TYPE_NULL, mtdb_value_type(result.get(), 3));
    });
}

void numbers(Suite& suite) {
    suite.claim("BOOL both ways", {Need::tables, Need::type_bool}, [](World& world) {
        integers_both_ways(lease_of(world, column_of(world, MTDB_TYPE_BOOL)).get(), MTDB_TYPE_BOOL, {0, 1});
    });
    suite.claim("UINT64 both ways, extremes", {Need::tables, Need::type_uint64}, [](World& world) {
        const Conn conn = lease_of(world, column_of(world, MTDB_TYPE_UINT64));
        mtdb_block* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_block_new(&made, err); });
        const Block block(made);
        for (const int64_t bits : {int64_t{0}, int64_t{1}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
            ok([&](mtdb_error** err) { return mtdb_block_add_integer(made, MTDB_TYPE_UINT64, bits, err); });
            ok([&](mtdb_error** err) { return mtdb_block_end_row(made, err); });
        }
        const void* data = nullptr;
        int64_t len = 0;
        ok([&](mtdb_error** err) { return mtdb_block_data(made, &data, &len, err); });
        must(exec(conn.get(), "CREATE TABLE w(v " + column_of(world, MTDB_TYPE_UINT64) + ")"));
        ok([&](mtdb_error** err) {
            return mtdb_conn_exec(conn.get(), "INSERT INTO w(v) VALUES(?)", -1, data, len, plenty_ms, nullptr, nullptr,
                                  err);
        });
        const Result result = query(conn.get(), "SELECT v FROM w ORDER BY v DESC");
        check(next(result.get()), "no row");
        same(MTDB_TYPE_UINT64, mtdb_value_type(result.get(), 0));
        same(-1, mtdb_value_int64(result.get(), 0));
        check(next(result.get()), "no row");
        same(std::numeric_limits<int64_t>::min(), mtdb_value_int64(result.get(), 0));
    });
    suite.claim("FLOAT comes back as FLOAT", {Need::tables, Need::type_float}, [](World& world) {
        const Conn conn = lease_of(world, column_of(world, MTDB_TYPE_FLOAT));
        const Result result = round_trip(
            conn.get(), 1, [](mtdb_stmt* stmt, mtdb_error** err) { return mtdb_stmt_bind_double(stmt, 2, 1.5, err); });
        same(MTDB_TYPE_FLOAT, mtdb_value_type(result.get(), 0));
        check(mtdb_value_double(result.get(), 0) == 1.5, "another number");
    });
    suite.claim("DECIMAL both ways, 38 digits", {Need::tables, Need::type_decimal}, [](World& world) {
        texts_both_ways(lease_of(world, column_of(world, MTDB_TYPE_DECIMAL)).get(), MTDB_TYPE_DECIMAL,
                        {"0.00000", "-1.50000", "123456789012345678901234567890123.12345",
                         "-999999999999999999999999999999999.99999"});
    });
}

constexpr int64_t day_us = 86400000000;

void times(Suite& suite) {
    suite.claim("DATE both ways, years 1 and 9999", {Need::tables, Need::type_date}, [](World& world) {
        integers_both_ways(lease_of(world, column_of(world, MTDB_TYPE_DATE)).get(), MTDB_TYPE_DATE,
                           {0, -1, 19000, -719162, 2932896});
    });
    suite.claim("TIME both ways, to the microsecond", {Need::tables, Need::type_time}, [](World& world) {
        integers_both_ways(lease_of(world, column_of(world, MTDB_TYPE_TIME)).get(), MTDB_TYPE_TIME,
                           {0, 1, 12345678901, day_us - 1});
    });
    suite.claim("TIMESTAMP both ways, years 1 and 9999", {Need::tables, Need::type_timestamp}, [](World& world) {
        integers_both_ways(lease_of(world, column_of(world, MTDB_TYPE_TIMESTAMP)).get(), MTDB_TYPE_TIMESTAMP,
                           {0, -1, 1700000000123456, -719162 * day_us, 2932897 * day_us - 1});
    });
    suite.claim("TIMESTAMPTZ both ways, whatever the session's zone", {Need::tables, Need::type_timestamptz},
                [](World& world) {
                    const Conn conn = lease_of(world, column_of(world, MTDB_TYPE_TIMESTAMPTZ));
                    integers_both_ways(conn.get(), MTDB_TYPE_TIMESTAMPTZ, {0, -1, 1700000000123456, -719162 * day_us});
                    must(exec(conn.get(), "SET TIME ZONE 'America/New_York'"));
                    const Result result = query(conn.get(), "SELECT v FROM u WHERE id = 3");
                    check(next(result.get()), "no row");
                    same(1700000000123456, mtdb_value_int64(result.get(), 0));
                });
    suite.claim("INTERVAL comes back as months, days, microseconds", {Need::tables, Need::type_interval},
                [](World& world) {
                    const Conn conn = lease_of(world, column_of(world, MTDB_TYPE_INTERVAL));
                    must(exec(conn.get(), "INSERT INTO u(id, v) VALUES(1, '1 year 2 mons -3 days 04:05:06.789')"));
                    const Result result = query(conn.get(), "SELECT v FROM u");
                    check(next(result.get()), "no row");
                    same(MTDB_TYPE_INTERVAL, mtdb_value_type(result.get(), 0));
                    const std::string bytes = text_at(result.get(), 0);
                    same(16, size_of(bytes));
                    int32_t months = 0, days = 0;
                    int64_t micros = 0;
                    std::memcpy(&months, bytes.data(), 4);
                    std::memcpy(&days, bytes.data() + 4, 4);
                    std::memcpy(&micros, bytes.data() + 8, 8);
                    same(14, months);
                    same(-3, days);
                    same(14706789000, micros);
                });
}

void others(Suite& suite) {
    suite.claim("UUID both ways", {Need::tables, Need::type_uuid}, [](World& world) {
        texts_both_ways(lease_of(world, column_of(world, MTDB_TYPE_UUID)).get(), MTDB_TYPE_UUID,
                        {std::string(16, '\0'), std::string(16, '\xff'), all_bytes().substr(100, 16)});
    });
    suite.claim("JSON both ways", {Need::tables, Need::type_json}, [](World& world) {
        texts_both_ways(lease_of(world, column_of(world, MTDB_TYPE_JSON)).get(), MTDB_TYPE_JSON,
                        {"{}", "{\"a\":[1,2.5,null,\"\xf0\x9f\x90\x98\"]}", "\"text\"", "null"});
    });
    suite.claim("a column's type is known before its values", {Need::tables, Need::column_types}, [](World& world) {
        const Conn conn = world.lease();
        const Result result = query(conn.get(), "SELECT id, v FROM t");
        int32_t type = -1;
        ok([&](mtdb_error** err) { return mtdb_result_column_type(result.get(), 0, &type, nullptr, err); });
        same(MTDB_TYPE_INT64, type);
        ok([&](mtdb_error** err) { return mtdb_result_column_type(result.get(), 1, &type, nullptr, err); });
        same(MTDB_TYPE_TEXT, type);
    });
    suite.claim("a value of a wrong form is refused and writes nothing", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Failure failure =
            exec_failure(conn.get(), "INSERT INTO t(id, v) VALUES(" + std::string("9999999999999999999999") +
                                         ", 'x') , (CAST('x' AS nothing), 'y')");
        check(failure.status < 0, "it was taken");
        same(0, count_of(conn.get()));
    });
}

}  // namespace

void claim_types(Suite& suite) {
    basics(suite);
    numbers(suite);
    times(suite);
    others(suite);
}

}  // namespace conformance
