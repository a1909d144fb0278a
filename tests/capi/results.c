// SPDX-License-Identifier: MIT
#include "fixture.h"

#include "block_reader.h"

static _Alignas(8) char block[1 << 20];
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

TestSuite(results, .init = begin, .fini = end, .timeout = 60);

// t gets 1, 2, ..., count.
#define COUNT_TO(count) \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " count ") INSERT INTO t SELECT i FROM n"
#define MIXED \
    "SELECT 1 AS v UNION ALL SELECT 2.5 UNION ALL SELECT 'text' UNION ALL SELECT x'00ff' UNION ALL SELECT NULL"

static mtdb_result *query(const char *sql) {
    mtdb_result *result = NULL;
    ok(mtdb_conn_query(conn, sql, -1, NULL, 0, PLENTY_MS, NULL, &result, &err));
    return result;
}

// One block of all rows, sound.
static int64_t fetch_all(const char *sql) {
    mtdb_result *result = query(sql);
    int64_t rows = 0, used = 0;
    drop_error();
    const mtdb_status status = mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err);
    cr_assert_eq(status, MTDB_DONE, "%s %s", mtdb_status_name(status), mtdb_error_message(err));
    cr_assert(block_is_sound(block, used));
    cr_assert_eq(block_rows(block), rows);
    finish(result);
    return rows;
}

Test(results, a_column_of_integers_is_int64) {
    cr_assert_eq(fetch_all("VALUES (1), (9223372036854775807), (-9223372036854775807 - 1)"), 3);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_INT64);
    cr_assert_eq(cell_int64(block, 1, 0), INT64_MAX);
    cr_assert_eq(cell_int64(block, 2, 0), INT64_MIN);
}

Test(results, doubles_text_and_bytes_have_their_own_types) {
    cr_assert_eq(fetch_all("SELECT 0.1, 'caf\xc3\xa9', x'0102' UNION ALL SELECT -1e300, '', x''"), 2);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_DOUBLE);
    cr_assert_eq(block_column_type(block, 1), MTDB_TYPE_TEXT);
    cr_assert_eq(block_column_type(block, 2), MTDB_TYPE_BYTES);
    cr_assert(cell_double(block, 1, 0) == -1e300);
    cr_assert(cell_is(block, 0, 1, "caf\xc3\xa9"));
    cr_assert(cell_is(block, 1, 1, ""));
    cr_assert(cell_is(block, 0, 2, "\x01\x02"));
}

Test(results, a_null_among_values_is_a_clear_bit) {
    cr_assert_eq(fetch_all("SELECT 1 UNION ALL SELECT NULL UNION ALL SELECT 3"), 3);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_INT64);
    cr_assert_eq(cell_type(block, 1, 0), MTDB_TYPE_NULL);
    cr_assert_eq(cell_int64(block, 2, 0), 3);
}

Test(results, a_column_of_nulls_has_no_type_and_no_data) {
    cr_assert_eq(fetch_all("SELECT NULL, 1 UNION ALL SELECT NULL, 2"), 2);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_NULL);
    cr_assert_eq(cell_type(block, 1, 0), MTDB_TYPE_NULL);
    cr_assert_eq(cell_int64(block, 1, 1), 2);
}

Test(results, a_mixed_column_is_variant) {
    cr_assert_eq(fetch_all(MIXED), 5);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_VARIANT);
    cr_assert_eq(cell_type(block, 0, 0), MTDB_TYPE_INT64);
    cr_assert_eq(cell_int64(block, 0, 0), 1);
    cr_assert_eq(cell_type(block, 1, 0), MTDB_TYPE_DOUBLE);
    cr_assert(cell_double(block, 1, 0) == 2.5);
    cr_assert(cell_is(block, 2, 0, "text"));
    cr_assert_eq(cell_type(block, 3, 0), MTDB_TYPE_BYTES);
    cr_assert_eq(cell_type(block, 4, 0), MTDB_TYPE_NULL);
}

Test(results, integers_and_doubles_never_merge) {
    cr_assert_eq(fetch_all("SELECT 1 UNION ALL SELECT 2.0"), 2);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_VARIANT);
}

Test(results, a_declared_type_never_changes_a_value) {
    run(conn, "CREATE TABLE declared(flag BOOLEAN, at DATETIME, price DECIMAL(10,2))");
    run(conn, "INSERT INTO declared VALUES (1, '2024-01-02', 'cheap')");
    cr_assert_eq(fetch_all("SELECT * FROM declared"), 1);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_INT64);
    cr_assert_eq(block_column_type(block, 1), MTDB_TYPE_TEXT);
    cr_assert(cell_is(block, 0, 2, "cheap"));
}

Test(results, columns_have_names_declared_types_and_what_is_known_before) {
    mtdb_result *result = query("SELECT v AS answer, 1 + 1 FROM t");
    char text[32];
    int64_t needed = 0;
    int32_t count = 0, type = 0, nullable = 9;
    ok(mtdb_result_column_count(result, &count, &err));
    cr_assert_eq(count, 2);
    ok(mtdb_result_column_name(result, 0, text, (int64_t)sizeof text, &needed, &err));
    cr_assert_eq(needed, 6);
    cr_assert_eq(memcmp(text, "answer", 6), 0);
    ok(mtdb_result_column_declared(result, 1, text, (int64_t)sizeof text, &needed, &err));
    cr_assert_eq(needed, 0);
    ok(mtdb_result_column_type(result, 0, &type, &nullable, &err));
    cr_assert_eq(type, MTDB_TYPE_VARIANT);
    fails(MTDB_INVALID_ARGUMENT, mtdb_result_column_name(result, 2, text, (int64_t)sizeof text, &needed, &err));
    finish(result);
}

Test(results, a_statement_without_rows_has_no_columns_and_is_done) {
    mtdb_result *result = query("INSERT INTO t VALUES (1)");
    int32_t count = 9;
    int64_t rows = 9, used = 9;
    ok(mtdb_result_column_count(result, &count, &err));
    cr_assert_eq(count, 0);
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    cr_assert_eq(rows, 0);
    returns(MTDB_DONE, mtdb_result_next_set(result, &err));
    finish(result);
}

Test(results, an_empty_answer_is_a_block_without_rows) {
    mtdb_result *result = query("SELECT v, 1 FROM t");
    int64_t rows = 9, used = 0;
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    cr_assert_eq(rows, 0);
    cr_assert(block_is_sound(block, used));
    cr_assert_eq(block_columns(block), 2);
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    finish(result);
}

Test(results, a_block_has_at_most_max_rows) {
    run(conn, COUNT_TO("25"));
    mtdb_result *result = query("SELECT v FROM t ORDER BY v");
    int64_t rows = 0, used = 0, seen = 0;
    mtdb_status status = MTDB_OK;
    while (status == MTDB_OK) {
        drop_error();
        status = mtdb_result_fetch(result, block, (int64_t)sizeof block, 10, &rows, &used, &err);
        cr_assert_leq(rows, 10);
        for (int32_t row = 0; row < rows; ++row) cr_assert_eq(cell_int64(block, row, 0), ++seen);
    }
    cr_assert_eq(status, MTDB_DONE);
    cr_assert_eq(seen, 25);
    finish(result);
}

Test(results, a_row_too_big_for_the_buffer_stays_and_tells_its_size) {
    mtdb_result *result = query("SELECT 1, hex(zeroblob(5000)) UNION ALL SELECT 2, 'small'");
    int64_t rows = 9, used = 0, len = 0;
    returns(MTDB_TRUNCATED, mtdb_result_fetch(result, block, 256, 0, &rows, &used, &err));
    cr_assert_eq(rows, 0);
    cr_assert_gt(used, 10000);
    cr_assert_leq(used, (int64_t)sizeof block);
    const int64_t needed = used;
    drop_error();
    cr_assert_geq(mtdb_result_fetch(result, block, needed, 1, &rows, &used, &err), 0);
    cr_assert_eq(rows, 1);
    cr_assert_eq(cell_int64(block, 0, 0), 1);
    cell_text(block, 0, 1, &len);
    cr_assert_eq(len, 10000);
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    cr_assert_eq(rows, 1);
    cr_assert(cell_is(block, 0, 1, "small"));
    finish(result);
}

Test(results, a_small_buffer_only_means_more_blocks) {
    run(conn, COUNT_TO("500"));
    mtdb_result *result = query(
        "SELECT v, 'row ' || v, CASE v % 3 WHEN 0 THEN NULL WHEN 1 THEN v ELSE 'x' || v END FROM t ORDER BY v");
    int64_t seen = 0;
    for (mtdb_status status = MTDB_OK; status == MTDB_OK;) {
        int64_t rows = 0, used = 0;
        drop_error();
        status = mtdb_result_fetch(result, block, 1000, 0, &rows, &used, &err);
        cr_assert_geq(status, 0, "%s", mtdb_error_message(err));
        cr_assert_leq(used, 1000);
        cr_assert(block_is_sound(block, used));
        for (int32_t row = 0; row < rows; ++row) {
            char text[32];
            snprintf(text, sizeof text, "row %" PRId64, ++seen);
            cr_assert(cell_is(block, row, 1, text));
            cr_assert_eq(cell_type(block, row, 2), seen % 3 == 0 ? MTDB_TYPE_NULL
                                                   : seen % 3 == 1 ? MTDB_TYPE_INT64
                                                                   : MTDB_TYPE_TEXT);
        }
    }
    cr_assert_eq(seen, 500);
    finish(result);
}

Test(results, the_buffer_need_not_be_aligned) {
    mtdb_result *result = query(MIXED);
    int64_t rows = 0, used = 0;
    returns(MTDB_DONE, mtdb_result_fetch(result, block + 3, 4096, 0, &rows, &used, &err));
    cr_assert_eq(rows, 5);
    cr_assert(block_is_sound(block + 3, used));
    cr_assert(cell_is(block + 3, 2, 0, "text"));
    finish(result);
}

Test(results, fetch_and_cursor_read_the_same_rows) {
    static const char sql[] = "SELECT v, v * 0.5, 'row ' || v, CASE v % 2 WHEN 0 THEN v END FROM t ORDER BY v";
    run(conn, COUNT_TO("100"));
    cr_assert_eq(fetch_all(sql), 100);
    mtdb_result *cursor = query(sql);
    for (int32_t row = 0; row < 100; ++row) {
        ok(mtdb_result_next(cursor, &err));
        for (int32_t column = 0; column < 4; ++column)
            cr_assert_eq(mtdb_value_type(cursor, column), cell_type(block, row, column));
        cr_assert_eq(mtdb_value_int64(cursor, 0), cell_int64(block, row, 0));
        cr_assert(mtdb_value_double(cursor, 1) == cell_double(block, row, 1));
        cr_assert(cell_is(block, row, 2, text_at(cursor, 2)));
    }
    returns(MTDB_DONE, mtdb_result_next(cursor, &err));
    returns(MTDB_DONE, mtdb_result_next(cursor, &err));
    finish(cursor);
}

Test(results, a_value_without_a_row_or_column_is_null) {
    mtdb_result *result = query("SELECT 1");
    cr_assert_eq(mtdb_value_type(result, 0), MTDB_TYPE_NULL);
    ok(mtdb_result_next(result, &err));
    cr_assert_eq(mtdb_value_type(result, 1), MTDB_TYPE_NULL);
    cr_assert_eq(mtdb_value_type(result, -1), MTDB_TYPE_NULL);
    cr_assert_null(mtdb_value_text(result, 0, NULL));
    finish(result);
}

Test(results, an_error_in_the_middle_of_the_rows_ends_them) {
    mtdb_result *result = query("SELECT abs(v) FROM (SELECT 1 AS v UNION ALL SELECT -9223372036854775807 - 1)");
    ok(mtdb_result_next(result, &err));
    fails(MTDB_SQL_ERROR, mtdb_result_next(result, &err));
    finish(result);
}

Test(results, writing_while_rows_are_read_works_on_the_same_lease) {
    run(conn, "INSERT INTO t VALUES (1), (2), (3)");
    mtdb_result *result = query("SELECT v FROM t ORDER BY v");
    ok(mtdb_result_next(result, &err));
    run(conn, "CREATE TABLE u(v)");
    run(conn, "INSERT INTO u VALUES (1)");
    cr_assert_eq(rows_left(result), 2);
    finish(result);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM u"), 1);
}

Test(results, close_is_idempotent_and_then_answers_closed) {
    mtdb_result *result = query("SELECT 1");
    int64_t rows = 0, used = 0;
    ok(mtdb_result_close(result, &err));
    ok(mtdb_result_close(result, &err));
    fails(MTDB_CLOSED, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    fails(MTDB_CLOSED, mtdb_result_next(result, &err));
    mtdb_result_release(result);
}

Test(results, columns_stay_known_after_the_last_row) {
    mtdb_result *result = query("SELECT 1 AS answer");
    char name[16];
    int32_t count = 0;
    int64_t rows = 0, used = 0, needed = 0;
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    cr_assert_eq(rows, 1);
    ok(mtdb_result_column_count(result, &count, &err));
    cr_assert_eq(count, 1);
    ok(mtdb_result_column_name(result, 0, name, (int64_t)sizeof name, &needed, &err));
    cr_assert_eq(memcmp(name, "answer", 6), 0);
    finish(result);
}

// The statement is compiled again inside its first step, and then has more columns than before it.
Test(results, a_block_has_the_columns_that_another_program_added) {
    run(conn, "INSERT INTO t VALUES (1)");
    mtdb_stmt *stmt = NULL;
    mtdb_result *result = NULL;
    int64_t rows = 0, used = 0;
    ok(mtdb_stmt_prepare(conn, "SELECT * FROM t", -1, PLENTY_MS, NULL, &stmt, &err));
    run_elsewhere("acme.db", "ALTER TABLE t ADD COLUMN w DEFAULT 'new'");
    ok(mtdb_stmt_execute(stmt, PLENTY_MS, NULL, &result, &err));
    returns(MTDB_DONE, mtdb_result_fetch(result, block, (int64_t)sizeof block, 0, &rows, &used, &err));
    cr_assert(block_is_sound(block, used));
    cr_assert_eq(block_columns(block), 2);
    cr_assert(cell_is(block, 0, 1, "new"));
    finish(result);
    mtdb_stmt_release(stmt);
}
