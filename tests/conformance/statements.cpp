// SPDX-License-Identifier: MIT
#include <cstring>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

Answer exec_params(mtdb_conn* conn, const std::string& sql, mtdb_block* block, int64_t* affected) {
    const void* data = nullptr;
    int64_t len = 0;
    ok([&](mtdb_error** err) { return mtdb_block_data(block, &data, &len, err); });
    return ask([&](mtdb_error** err) {
        return mtdb_conn_exec(conn, sql.data(), size_of(sql), data, len, plenty_ms, nullptr, affected, err);
    });
}

Block new_block() {
    mtdb_block* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_block_new(&made, err); });
    return Block(made);
}

Block numbered(int64_t first, int64_t count) {
    Block block = new_block();
    for (int64_t i = first; i < first + count; ++i) {
        const std::string text = "row " + std::to_string(i);
        ok([&](mtdb_error** err) { return mtdb_block_add_int64(block.get(), i, err); });
        ok([&](mtdb_error** err) { return mtdb_block_add_text(block.get(), text.data(), size_of(text), err); });
        ok([&](mtdb_error** err) { return mtdb_block_end_row(block.get(), err); });
    }
    return block;
}

void bind_block(mtdb_stmt* stmt, mtdb_block* block) {
    const void* data = nullptr;
    int64_t len = 0;
    ok([&](mtdb_error** err) { return mtdb_block_data(block, &data, &len, err); });
    ok([&](mtdb_error** err) { return mtdb_stmt_bind_block(stmt, data, len, err); });
}

// Fetches all rows in blocks of this capacity; how many there were.
int64_t fetched(mtdb_result* result, std::size_t cap) {
    std::vector<int64_t> buf(cap / 8);
    int64_t total = 0;
    for (;;) {
        int64_t rows = 0, used = 0;
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_result_fetch(result, buf.data(), static_cast<int64_t>(buf.size() * 8), 0, &rows, &used, err);
        });
        must(answer);
        if (answer.status == MTDB_TRUNCATED) {
            buf.resize(static_cast<std::size_t>(used) / 8 + 1);
            continue;
        }
        total += rows;
        if (answer.status == MTDB_DONE) return total;
        mtdb_block_header header;
        std::memcpy(&header, buf.data(), sizeof header);
        same(MTDB_BLOCK_MAGIC, header.magic);
        same(rows, header.rows);
    }
}

int64_t insert_id(mtdb_conn* conn) {
    int64_t id = -1;
    ok([&](mtdb_error** err) { return mtdb_conn_insert_id(conn, &id, err); });
    return id;
}

Answer script(mtdb_conn* conn, const std::string& text, int64_t* statements) {
    return ask([&](mtdb_error** err) {
        return mtdb_conn_exec_script(conn, text.data(), size_of(text), plenty_ms, nullptr, statements, err);
    });
}

void queries(Suite& suite) {
    suite.claim("a query gives its row, then DONE", [](World& world) {
        const Conn conn = world.lease();
        const Result result = query(conn.get(), world.words().one);
        check(next(result.get()), "no row");
        same(1, mtdb_value_int64(result.get(), 0));
        check(!next(result.get()), "a second row");
    });
    suite.claim("a one-shot query gives its rows and the lease back", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        const std::string& id = world.tenant();
        for (int i = 0; i < 5; ++i) {
            std::string seen;
            must(harness::query(world.db(), id, world.words().one, seen));
            same("1", seen);
        }
    });
    suite.claim("exec drops rows", [](World& world) { must(exec(world.lease().get(), world.words().rows(100))); });
    suite.claim("a query without rows has no columns", [](World& world) {
        const Conn conn = world.lease();
        const Result result = query(conn.get(), world.words().write);
        int32_t columns = -1;
        ok([&](mtdb_error** err) { return mtdb_result_column_count(result.get(), &columns, err); });
        same(0, columns);
        check(!next(result.get()), "a row");
    });
    suite.claim("100,000 rows arrive by cursor", [](World& world) {
        const Conn conn = world.lease();
        same(100000, rows_left(query(conn.get(), world.words().rows(100000)).get()));
    });
    suite.claim("100,000 rows arrive in blocks", [](World& world) {
        const Conn conn = world.lease();
        same(100000, fetched(query(conn.get(), world.words().rows(100000)).get(), 65536));
    });
}

void open_results(Suite& suite) {
    suite.claim("rows arrive through a buffer that is too small at first", [](World& world) {
        const Conn conn = world.lease();
        same(50, fetched(query(conn.get(), world.words().rows(50)).get(), 64));
    });
    suite.claim("a result given up half-read leaves the lease usable", [](World& world) {
        const Conn conn = world.lease();
        for (int i = 0; i < 5; ++i) {
            const Result result = query(conn.get(), world.words().rows(20000));
            check(next(result.get()), "no row");
            ok([&](mtdb_error** err) { return mtdb_result_close(result.get(), err); });
            must(exec(conn.get(), world.words().one));
        }
    });
    suite.claim("several results of a lease are read side by side", [](World& world) {
        const Conn conn = world.lease();
        const Result first = query(conn.get(), world.words().rows(1000));
        check(next(first.get()), "no row");
        const Result second = query(conn.get(), world.words().rows(500));
        check(next(second.get()), "no row");
        same(999, rows_left(first.get()));
        same(499, rows_left(second.get()));
    });
    suite.claim("a statement runs while rows of an earlier one are unread", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 1, "one");
        put(conn.get(), 2, "two");
        const Result first = query(conn.get(), "SELECT v FROM t ORDER BY id");
        check(next(first.get()), "no row");
        put(conn.get(), 3, "three");
        check(next(first.get()), "no second row");
        same("two", text_at(first.get(), 0));
        same(3, count_of(conn.get()));
    });
}

void statements(Suite& suite) {
    suite.claim("a statement runs again with other values", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)");
        for (int64_t i = 1; i <= 50; ++i) {
            bind_int(stmt.get(), 1, i);
            bind_text(stmt.get(), 2, "v" + std::to_string(i));
            same(1, affected(execute(stmt.get()).get()));
        }
        same(50, count_of(conn.get()));
        same("v50", text_in(world.db(), world.tenant(), "SELECT v FROM t WHERE id = 50"));
    });
    suite.claim("parameters are bound by name, one in two places", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 7, "seven");
        const Stmt stmt =
            prepare(conn.get(), "SELECT v FROM t WHERE id = :id AND v = :v AND id = :id AND '?' = '?' AND ':v' = ':v'");
        int32_t count = 0, index = 0;
        ok([&](mtdb_error** err) { return mtdb_stmt_parameter_count(stmt.get(), &count, err); });
        same(2, count);
        ok([&](mtdb_error** err) { return mtdb_stmt_parameter_index(stmt.get(), "id", -1, &index, err); });
        bind_int(stmt.get(), index, 7);
        ok([&](mtdb_error** err) { return mtdb_stmt_parameter_index(stmt.get(), ":v", -1, &index, err); });
        bind_text(stmt.get(), index, "seven");
        const Result result = execute(stmt.get());
        check(next(result.get()), "no row");
        same("seven", text_at(result.get(), 0));
    });
    suite.claim("a parameter that is not there is NOT_FOUND by name, INVALID_ARGUMENT by index", [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), world.words().one);
        int32_t index = -1;
        must_be(MTDB_NOT_FOUND, ask([&](mtdb_error** err) {
                    return mtdb_stmt_parameter_index(stmt.get(), "nobody", -1, &index, err);
                }));
        must_be(MTDB_INVALID_ARGUMENT,
                ask([&](mtdb_error** err) { return mtdb_stmt_bind_int64(stmt.get(), 1, 1, err); }));
        must_be(MTDB_INVALID_ARGUMENT,
                ask([&](mtdb_error** err) { return mtdb_stmt_bind_int64(stmt.get(), 0, 1, err); }));
    });
    suite.claim("an unbound or cleared parameter is NULL", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)");
        bind_int(stmt.get(), 1, 1);
        execute(stmt.get());
        bind_text(stmt.get(), 2, "gone");
        ok([&](mtdb_error** err) { return mtdb_stmt_clear(stmt.get(), err); });
        bind_int(stmt.get(), 1, 2);
        execute(stmt.get());
        same(2, int_of(conn.get(), "SELECT count(*) FROM t WHERE v IS NULL"));
    });
}

void texts_and_columns(Suite& suite) {
    suite.claim("executing again ends the earlier result", [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), world.words().rows(1000));
        const Result first = execute(stmt.get());
        check(next(first.get()), "no row");
        const Result second = execute(stmt.get());
        must_be(MTDB_INVALID_STATE, ask([&](mtdb_error** err) { return mtdb_result_next(first.get(), err); }));
        same(1000, rows_left(second.get()));
    });
    suite.claim("a second statement in the text is refused, nothing of it runs", [](World& world) {
        const Conn conn = world.lease();
        const std::string& one = world.words().one;
        must(exec(conn.get(), one + " ; -- and a comment\n"));
        const Answer answer = exec(conn.get(), one + "; " + one);
        must_be_one_of({MTDB_INVALID_ARGUMENT, MTDB_SQL_ERROR}, answer);
        check(untouched(answer.effect), answer.text());
    });
    suite.claim("an empty text is refused", [](World& world) {
        const Conn conn = world.lease();
        for (const std::string sql : {"", "  ", "-- nothing", ";"})
            check(!exec(conn.get(), sql).ok(), "'" + sql + "' ran");
    });
    suite.claim("columns have their names", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Result result = query(conn.get(), "SELECT id AS first, v AS \xc3\xa9t\xc3\xa9 FROM t");
        char name[32];
        int64_t needed = 0;
        ok([&](mtdb_error** err) { return mtdb_result_column_name(result.get(), 0, name, sizeof name, &needed, err); });
        same("first", std::string(name, static_cast<std::size_t>(needed)));
        ok([&](mtdb_error** err) { return mtdb_result_column_name(result.get(), 1, name, sizeof name, &needed, err); });
        same("\xc3\xa9t\xc3\xa9", std::string(name, static_cast<std::size_t>(needed)));
    });
    suite.claim("a table made between two executions is seen by the second", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must_be(MTDB_SQL_ERROR, exec(conn.get(), "SELECT * FROM late"));
        must(exec(conn.get(), "CREATE TABLE late(a BIGINT)"));
        must(exec(conn.get(), "SELECT * FROM late"));
        must(exec(conn.get(), "ALTER TABLE late ADD COLUMN b BIGINT"));
        const Result result = query(conn.get(), "SELECT * FROM late");
        int32_t columns = 0;
        ok([&](mtdb_error** err) { return mtdb_result_column_count(result.get(), &columns, err); });
        same(2, columns);
    });
}

void writes(Suite& suite) {
    suite.claim("affected rows are counted as changed by each statement", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        for (int64_t i = 1; i <= 5; ++i) put(conn.get(), i, "x");
        same(5, affected(query(conn.get(), "UPDATE t SET v = 'y'").get()));
        same(0, affected(query(conn.get(), "UPDATE t SET v = 'z' WHERE id > 100").get()));
        same(2, affected(query(conn.get(), "DELETE FROM t WHERE id <= 2").get()));
        same(0, affected(query(conn.get(), "SELECT * FROM t").get()));
    });
    suite.claim(
        "the generated key is told, and belongs to the lease", {Need::tables, Need::insert_id}, [](World& world) {
            {
                const Conn conn = world.lease();
                must(exec(conn.get(), "CREATE TABLE s(id " + world.words().serial + ", v " + world.words().text + ")"));
                same(0, insert_id(conn.get()));
                must(exec(conn.get(), "INSERT INTO s(v) VALUES('a')"));
                same(1, insert_id(conn.get()));
                must(exec(conn.get(), "INSERT INTO s(v) VALUES('b')"));
                same(2, insert_id(conn.get()));
                must(exec(conn.get(), "SELECT 1"));
                same(2, insert_id(conn.get()));
            }
            same(0, insert_id(world.lease().get()));
        });
    suite.claim("RETURNING gives the generated key", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(exec(conn.get(), "CREATE TABLE s(id " + world.words().serial + ", v " + world.words().text + ")"));
        for (int64_t i = 1; i <= 3; ++i) {
            const Result result = query(conn.get(), "INSERT INTO s(v) VALUES('a') RETURNING id");
            check(next(result.get()), "no row");
            same(i, mtdb_value_int64(result.get(), 0));
        }
    });
    suite.claim("RETURNING is complete although nobody reads its rows", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        query(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'a'), (2, 'b'), (3, 'c') RETURNING id").reset();
        same(3, count_of(conn.get()));
    });
    suite.claim("parameters travel as a block of one row", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        int64_t rows = 0;
        const Block block = numbered(5, 1);
        must(exec_params(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)", block.get(), &rows));
        same(1, rows);
        same("row 5", text_in(world.db(), world.tenant(), "SELECT v FROM t"));
    });
}

void blocks(Suite& suite) {
    suite.claim("a block of 5,000 rows is written by one call", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)");
        const Block block = numbered(0, 5000);
        bind_block(stmt.get(), block.get());
        same(5000, affected(execute(stmt.get()).get()));
        same(5000, count_of(conn.get()));
        same("row 4999", text_in(world.db(), world.tenant(), "SELECT v FROM t WHERE id = 4999"));
    });
    suite.claim("a block with one bad row writes nothing", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 70, "in the way");
        int64_t rows = -1;
        const Block block = numbered(0, 100);
        const Answer answer = exec_params(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)", block.get(), &rows);
        must_be(MTDB_CONSTRAINT, answer);
        check(untouched(answer.effect), answer.text());
        same(1, count_of(conn.get()));
    });
    suite.claim("a bad block in a transaction undoes its own rows alone", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 70, "before");
        const Block block = numbered(0, 100);
        must_be(MTDB_CONSTRAINT, exec_params(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)", block.get(), nullptr));
        must(commit(conn.get()));
        same(1, count_of(conn.get()));
    });
    suite.claim("a block updates and counts all rows it changed", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Block block = numbered(0, 100);
        must(exec_params(conn.get(), "INSERT INTO t(id, v) VALUES(?, ?)", block.get(), nullptr));
        const Block keys = new_block();
        for (int64_t i = 0; i < 150; i += 2) {
            ok([&](mtdb_error** err) { return mtdb_block_add_int64(keys.get(), i, err); });
            ok([&](mtdb_error** err) { return mtdb_block_end_row(keys.get(), err); });
        }
        int64_t rows = 0;
        must(exec_params(conn.get(), "DELETE FROM t WHERE id = ?", keys.get(), &rows));
        same(50, rows);
        same(50, count_of(conn.get()));
    });
}

void scripts(Suite& suite) {
    suite.claim("a script runs its statements in order", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        int64_t ran = 0;
        must(script(conn.get(),
                    "CREATE TABLE s(v " + world.words().text +
                        "); INSERT INTO s VALUES('a;b'); -- c;\n"
                        "INSERT INTO s VALUES('it''s');\n/* d; */ DELETE FROM s WHERE v = 'a;b';",
                    &ran));
        same(4, ran);
        same("it's", text_in(world.db(), world.tenant(), "SELECT v FROM s"));
    });
    suite.claim("a script of nothing runs nothing", [](World& world) {
        int64_t ran = -1;
        must(script(world.lease().get(), " ;; -- only a comment\n", &ran));
        same(0, ran);
    });
    suite.claim("a failing script stops there and names statement and line", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        int64_t ran = -1;
        const std::string text =
            "INSERT INTO t(id, v) VALUES(1, 'a');\nINSERT INTO t(id, v) VALUES(2, 'b');\n"
            "INSERT INTO t(id, v) VALUES(1, 'c');\nINSERT INTO t(id, v) VALUES(3, 'd');";
        const Failure failure = failure_of([&](mtdb_error** err) {
            return mtdb_conn_exec_script(conn.get(), text.data(), size_of(text), plenty_ms, nullptr, &ran, err);
        });
        same(MTDB_CONSTRAINT, failure.status);
        same(3, failure.statement);
        same(3, failure.line);
        same(2, ran);
        same(2, count_of(conn.get()));
    });
    suite.claim("a script in a transaction goes with it", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        must(script(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'a'); INSERT INTO t(id, v) VALUES(2, 'b')", nullptr));
        must(rollback(conn.get()));
        same(0, count_of(conn.get()));
    });
}

}  // namespace

void claim_statements(Suite& suite) {
    queries(suite);
    open_results(suite);
    statements(suite);
    texts_and_columns(suite);
    writes(suite);
    blocks(suite);
    scripts(suite);
}

}  // namespace conformance
