// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <math.h>
#include <stdlib.h>

static mtdb_conn *conn;

static void begin(void) {
    open_db();
    conn = lease_with_table("acme");
}

static void end(void) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    close_db();
}

TestSuite(statements, .init = begin, .fini = end, .timeout = 60);

static mtdb_stmt *prepare(const char *sql) {
    mtdb_stmt *stmt = NULL;
    ok(mtdb_stmt_prepare(conn, sql, -1, PLENTY_MS, NULL, &stmt, &err));
    return stmt;
}

static void end_stmt(mtdb_stmt *stmt) {
    ok(mtdb_stmt_close(stmt, &err));
    mtdb_stmt_release(stmt);
}

static mtdb_result *execute(mtdb_stmt *stmt) {
    mtdb_result *result = NULL;
    ok(mtdb_stmt_execute(stmt, PLENTY_MS, NULL, &result, &err));
    return result;
}

Test(statements, every_kind_of_value_comes_back_as_it_was_bound) {
    mtdb_stmt *stmt = prepare("SELECT ?, ?, ?, ?, ?");
    int32_t count = 0;
    int64_t len = 0;
    ok(mtdb_stmt_parameter_count(stmt, &count, &err));
    cr_assert_eq(count, 5);
    ok(mtdb_stmt_bind_int64(stmt, 1, INT64_MIN, &err));
    ok(mtdb_stmt_bind_double(stmt, 2, 0.1, &err));
    ok(mtdb_stmt_bind_text(stmt, 3, "\xf0\x9f\x8c\x8d\0x", 6, &err));
    ok(mtdb_stmt_bind_bytes(stmt, 4, "\0\xff", 2, &err));
    ok(mtdb_stmt_bind_null(stmt, 5, &err));
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), INT64_MIN);
    cr_assert(mtdb_value_double(row, 1) == 0.1);
    cr_assert_eq(memcmp(mtdb_value_text(row, 2, &len), "\xf0\x9f\x8c\x8d\0x", 6), 0);
    cr_assert_eq(len, 6);
    cr_assert_eq(mtdb_value_type(row, 3), MTDB_TYPE_BYTES);
    cr_assert_eq(memcmp(mtdb_value_text(row, 3, &len), "\0\xff", 2), 0);
    cr_assert_eq(len, 2);
    cr_assert_eq(mtdb_value_type(row, 4), MTDB_TYPE_NULL);
    finish(row);
    end_stmt(stmt);
}

Test(statements, empty_text_and_empty_bytes_are_not_null) {
    mtdb_stmt *stmt = prepare("SELECT ?1 IS NULL, ?2 IS NULL, typeof(?2)");
    ok(mtdb_stmt_bind_text(stmt, 1, NULL, 0, &err));
    ok(mtdb_stmt_bind_bytes(stmt, 2, NULL, 0, &err));
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), 0);
    cr_assert_eq(mtdb_value_int64(row, 1), 0);
    cr_assert_str_eq(text_at(row, 2), "blob");
    finish(row);
    end_stmt(stmt);
}

Test(statements, parameters_are_found_by_name_with_and_without_the_sigil) {
    mtdb_stmt *stmt = prepare("SELECT :first, @second, $third, :first");
    int32_t index = 0;
    ok(mtdb_stmt_parameter_index(stmt, "second", -1, &index, &err));
    cr_assert_eq(index, 2);
    ok(mtdb_stmt_parameter_index(stmt, "$third", -1, &index, &err));
    cr_assert_eq(index, 3);
    ok(mtdb_stmt_parameter_index(stmt, ":first", -1, &index, &err));
    cr_assert_eq(index, 1);
    fails(MTDB_NOT_FOUND, mtdb_stmt_parameter_index(stmt, "fourth", -1, &index, &err));
    cr_assert_eq(index, 0);
    end_stmt(stmt);
}

Test(statements, a_parameter_that_is_not_there_is_refused) {
    mtdb_stmt *stmt = prepare("SELECT ?");
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_int64(stmt, 0, 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_int64(stmt, 2, 1, &err));
    end_stmt(stmt);
}

Test(statements, nan_is_refused_because_sqlite_would_store_null) {
    mtdb_stmt *stmt = prepare("SELECT ?");
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_double(stmt, 1, (double)NAN, &err));
    end_stmt(stmt);
}

Test(statements, typed_values_travel_in_their_carrier) {
    mtdb_stmt *stmt = prepare("SELECT ?, ?, ?");
    ok(mtdb_stmt_bind_integer(stmt, 1, MTDB_TYPE_BOOL, 1, &err));
    ok(mtdb_stmt_bind_typed(stmt, 2, MTDB_TYPE_DECIMAL, "12.50", 5, &err));
    ok(mtdb_stmt_bind_typed(stmt, 3, MTDB_TYPE_JSON, "{}", 2, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_integer(stmt, 1, MTDB_TYPE_TEXT, 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_typed(stmt, 1, MTDB_TYPE_UUID, "short", 5, &err));
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), 1);
    cr_assert_str_eq(text_at(row, 1), "12.50");
    finish(row);
    end_stmt(stmt);
}

Test(statements, clear_makes_every_parameter_null) {
    mtdb_stmt *stmt = prepare("SELECT ?1 IS NULL");
    ok(mtdb_stmt_bind_int64(stmt, 1, 5, &err));
    ok(mtdb_stmt_clear(stmt, &err));
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), 1);
    finish(row);
    end_stmt(stmt);
}

Test(statements, binds_stay_from_one_execution_to_the_next) {
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (?)");
    ok(mtdb_stmt_bind_text(stmt, 1, "kept", -1, &err));
    for (int i = 0; i < 3; ++i) finish(execute(stmt));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t WHERE v = 'kept'"), 3);
    end_stmt(stmt);
}

Test(statements, binding_while_its_rows_are_read_is_refused) {
    mtdb_stmt *stmt = prepare("SELECT ? UNION ALL SELECT 2");
    mtdb_result *rows = execute(stmt);
    ok(mtdb_result_next(rows, &err));
    fails(MTDB_INVALID_STATE, mtdb_stmt_bind_int64(stmt, 1, 5, &err));
    finish(rows);
    ok(mtdb_stmt_bind_int64(stmt, 1, 5, &err));
    end_stmt(stmt);
}

Test(statements, executing_again_ends_the_earlier_result) {
    mtdb_stmt *stmt = prepare("SELECT 1 UNION ALL SELECT 2");
    mtdb_result *first = execute(stmt);
    ok(mtdb_result_next(first, &err));
    mtdb_result *second = execute(stmt);
    fails(MTDB_INVALID_STATE, mtdb_result_next(first, &err));
    cr_assert_eq(rows_left(second), 2);
    finish(first);
    finish(second);
    end_stmt(stmt);
}

Test(statements, affected_rows_and_the_key_stay_readable_after_the_result_is_closed) {
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (1), (2)");
    mtdb_result *result = execute(stmt);
    int64_t affected = 0, id = 0;
    ok(mtdb_result_close(result, &err));
    ok(mtdb_result_affected(result, &affected, &err));
    ok(mtdb_result_insert_id(result, &id, &err));
    cr_assert_eq(affected, 2);
    cr_assert_eq(id, 2);
    mtdb_result_release(result);
    end_stmt(stmt);
}

Test(statements, returning_gives_rows_of_a_finished_write) {
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (7) RETURNING v, rowid");
    mtdb_result *result = execute(stmt);
    ok(mtdb_result_next(result, &err));
    cr_assert_eq(mtdb_value_int64(result, 0), 7);
    finish(result);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
    end_stmt(stmt);
}

static mtdb_block *numbers(int64_t count) {
    mtdb_block *block = NULL;
    ok(mtdb_block_new(&block, &err));
    for (int64_t i = 0; i < count; ++i) {
        ok(mtdb_block_add_int64(block, i, &err));
        ok(mtdb_block_end_row(block, &err));
    }
    return block;
}

Test(statements, a_block_runs_once_per_row_in_one_transaction) {
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (?)");
    mtdb_block *block = numbers(1000);
    const void *data = NULL;
    int64_t data_len = 0, affected = 0;
    ok(mtdb_block_data(block, &data, &data_len, &err));
    ok(mtdb_stmt_bind_block(stmt, data, data_len, &err));
    mtdb_block_release(block);
    mtdb_result *result = execute(stmt);
    ok(mtdb_result_affected(result, &affected, &err));
    cr_assert_eq(affected, 1000);
    finish(result);
    cr_assert_eq(int_of(conn, "SELECT sum(v) FROM t"), 499500);
    end_stmt(stmt);
}

Test(statements, a_block_that_fails_in_the_middle_leaves_nothing) {
    run(conn, "CREATE UNIQUE INDEX one_v ON t(v)");
    run(conn, "INSERT INTO t VALUES (500)");
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (?)");
    mtdb_block *block = numbers(1000);
    mtdb_result *result = GARBAGE;
    const void *data = NULL;
    int64_t data_len = 0;
    ok(mtdb_block_data(block, &data, &data_len, &err));
    ok(mtdb_stmt_bind_block(stmt, data, data_len, &err));
    fails(MTDB_CONSTRAINT, mtdb_stmt_execute(stmt, PLENTY_MS, NULL, &result, &err));
    cr_assert_null(result);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
    mtdb_block_release(block);
    end_stmt(stmt);
}

Test(statements, a_block_with_too_few_columns_is_refused) {
    mtdb_stmt *stmt = prepare("SELECT ?, ?");
    mtdb_block *block = numbers(1);
    const void *data = NULL;
    int64_t data_len = 0;
    ok(mtdb_block_data(block, &data, &data_len, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_block(stmt, data, data_len, &err));
    mtdb_block_release(block);
    end_stmt(stmt);
}

Test(statements, a_damaged_block_is_refused_whole) {
    mtdb_stmt *stmt = prepare("INSERT INTO t VALUES (?)");
    mtdb_block *block = numbers(16);
    const void *data = NULL;
    int64_t data_len = 0;
    ok(mtdb_block_data(block, &data, &data_len, &err));
    char *copy = malloc((size_t)data_len);
    for (int64_t cut = 0; cut < data_len; cut += 8) {
        memcpy(copy, data, (size_t)data_len);
        fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_block(stmt, copy, cut, &err));
    }
    copy[0] ^= 1;
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_bind_block(stmt, copy, data_len, &err));
    free(copy);
    mtdb_block_release(block);
    end_stmt(stmt);
}

Test(statements, parameters_of_a_one_shot_exec_travel_as_a_block) {
    mtdb_block *block = numbers(3);
    const void *data = NULL;
    int64_t data_len = 0, affected = 0;
    ok(mtdb_block_data(block, &data, &data_len, &err));
    ok(mtdb_conn_exec(conn, "INSERT INTO t VALUES (?)", -1, data, data_len, PLENTY_MS, NULL, &affected, &err));
    cr_assert_eq(affected, 3);
    mtdb_block_release(block);
}

Test(statements, text_after_the_statement_is_refused) {
    mtdb_stmt *stmt = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_prepare(conn, "SELECT 1; DROP TABLE t", -1, PLENTY_MS, NULL, &stmt, &err));
    cr_assert_null(stmt);
    fails(MTDB_INVALID_ARGUMENT,
          mtdb_conn_exec(conn, "DELETE FROM t; DROP TABLE t", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    end_stmt(prepare("SELECT 1 ;  -- a comment\n /* another */ "));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(statements, a_text_without_a_statement_is_refused) {
    mtdb_stmt *stmt = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_prepare(conn, " -- nothing", -1, PLENTY_MS, NULL, &stmt, &err));
    cr_assert_null(stmt);
}

Test(statements, the_same_text_is_compiled_once) {
    mtdb_result *stats = NULL;
    end_stmt(prepare("SELECT v FROM t WHERE v = ?"));
    ok(mtdb_db_stats(db, &stats, &err));
    const int64_t before = stat_of(stats, "statements.hits");
    cr_assert_geq(before, 0);
    for (int i = 0; i < 10; ++i) end_stmt(prepare("SELECT v FROM t WHERE v = ?"));
    give_back(conn);  // The figures of a lease are added up when it comes back.
    conn = lease("acme");
    ok(mtdb_db_stats(db, &stats, &err));
    cr_assert_eq(stat_of(stats, "statements.hits") - before, 10);
}

Test(statements, a_cached_one_comes_without_the_binds_of_its_last_user) {
    mtdb_stmt *stmt = prepare("SELECT ?1 IS NULL");
    ok(mtdb_stmt_bind_int64(stmt, 1, 5, &err));
    end_stmt(stmt);
    stmt = prepare("SELECT ?1 IS NULL");
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), 1);
    finish(row);
    end_stmt(stmt);
}

Test(statements, two_of_the_same_text_live_side_by_side) {
    mtdb_stmt *one = prepare("SELECT ? AS v");
    mtdb_stmt *two = prepare("SELECT ? AS v");
    ok(mtdb_stmt_bind_int64(one, 1, 1, &err));
    ok(mtdb_stmt_bind_int64(two, 1, 2, &err));
    mtdb_result *first = execute(one), *second = execute(two);
    ok(mtdb_result_next(first, &err));
    ok(mtdb_result_next(second, &err));
    cr_assert_eq(mtdb_value_int64(first, 0), 1);
    cr_assert_eq(mtdb_value_int64(second, 0), 2);
    finish(first);
    finish(second);
    end_stmt(one);
    end_stmt(two);
}

Test(statements, survive_a_change_of_the_schema) {
    mtdb_stmt *stmt = prepare("SELECT * FROM t");
    finish(execute(stmt));
    run(conn, "ALTER TABLE t ADD COLUMN w");
    run(conn, "INSERT INTO t VALUES (1, 'new')");
    mtdb_result *result = execute(stmt);
    ok(mtdb_result_next(result, &err));
    int32_t columns = 0;
    ok(mtdb_result_column_count(result, &columns, &err));
    cr_assert_eq(columns, 2);
    cr_assert_str_eq(text_at(result, 1), "new");
    finish(result);
    end_stmt(stmt);
}

Test(statements, portable_placeholders_are_rewritten_outside_of_literals) {
    give_back(conn);
    reopen(NULL, OPTIONS("placeholders", "portable"));
    conn = lease("acme");
    mtdb_stmt *stmt = prepare("SELECT '?' || ':name', ? -- ? :no\n");
    int32_t count = 0, index = 0;
    ok(mtdb_stmt_parameter_count(stmt, &count, &err));
    cr_assert_eq(count, 1);
    end_stmt(stmt);
    stmt = prepare("SELECT ':no', :first, :second, :first /* :no */");
    ok(mtdb_stmt_parameter_count(stmt, &count, &err));
    cr_assert_eq(count, 2);
    ok(mtdb_stmt_parameter_index(stmt, "second", -1, &index, &err));
    cr_assert_eq(index, 2);
    end_stmt(stmt);
}

Test(statements, an_error_in_portable_text_is_placed_in_what_the_caller_wrote) {
    give_back(conn);
    reopen(NULL, OPTIONS("placeholders", "portable"));
    conn = lease("acme");
    mtdb_stmt *none = NULL;
    fails(MTDB_SQL_ERROR,
          mtdb_stmt_prepare(conn, "SELECT :long_name,\n :long_name, missing FROM t", -1, PLENTY_MS, NULL, &none, &err));
    cr_assert_eq(mtdb_error_line(err), 2);
    cr_assert_eq(mtdb_error_column(err), 14);
    fails(MTDB_SQL_ERROR,
          mtdb_conn_exec(conn, "SELECT ?, ?, missing FROM t", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_column(err), 14);
}

Test(statements, portable_text_with_both_kinds_of_placeholders_is_refused) {
    give_back(conn);
    reopen(NULL, OPTIONS("placeholders", "portable"));
    conn = lease("acme");
    mtdb_stmt *stmt = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_prepare(conn, "SELECT ?, :name", -1, PLENTY_MS, NULL, &stmt, &err));
    cr_assert_null(stmt);
}

Test(statements, keep_their_lease_alive_until_they_are_released) {
    mtdb_stmt *stmt = prepare("SELECT 1");
    mtdb_conn_release(conn);
    mtdb_result *row = execute(stmt);
    ok(mtdb_result_next(row, &err));
    cr_assert_eq(mtdb_value_int64(row, 0), 1);
    finish(row);
    end_stmt(stmt);
    conn = lease("acme");
}
