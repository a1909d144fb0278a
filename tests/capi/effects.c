// SPDX-License-Identifier: MIT
// What a failed call says it did is what it did.
#include "fixture.h"

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

TestSuite(effects, .init = begin, .fini = end, .timeout = 120);

static mtdb_status query(const char *sql, int64_t timeout_ms, mtdb_cancel *cancel) {
    mtdb_result *rows = NULL;
    drop_error();
    const mtdb_status status = mtdb_conn_query(conn, sql, -1, NULL, 0, timeout_ms, cancel, &rows, &err);
    if (rows != NULL) finish(rows);
    return status;
}

Test(effects, a_script_that_stops_after_a_commit_says_committed_and_is_not_retryable) {
    int64_t ran = 0;
    fails(MTDB_SQL_ERROR, mtdb_conn_exec_script(conn, "INSERT INTO t VALUES (1);\nbogus;", -1,
                                                PLENTY_MS, NULL, &ran, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_COMMITTED);
    cr_assert_eq(mtdb_error_retryable(err), 0);
    cr_assert_eq(ran, 1);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
}

Test(effects, a_script_that_stops_within_a_transaction_says_none) {
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    fails(MTDB_SQL_ERROR, mtdb_conn_exec_script(conn, "INSERT INTO t VALUES (1); bogus", -1,
                                                PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(effects, a_cancelled_insert_that_returns_rows_is_there_only_when_it_says_so) {
    const char *insert =
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i FROM n"
        " RETURNING v";
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    for (int64_t delay = 0; delay < 60; delay += 3) {
        run(conn, "DELETE FROM t");
        trigger *late = trigger_after(cancel, delay);
        const mtdb_status status = query(insert, PLENTY_MS, cancel);
        const int32_t effect = mtdb_error_effect(err);
        trigger_join(late);
        ok(mtdb_cancel_reset(cancel, NULL, &err));
        const int64_t rows = int_of(conn, "SELECT count(*) FROM t");
        cr_assert_eq(rows, status == MTDB_OK || effect == MTDB_EFFECT_COMMITTED ? 60000 : 0);
    }
    mtdb_cancel_release(cancel);
}

Test(effects, rows_that_are_too_many_to_keep_do_not_hide_that_their_insert_is_committed) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    reopen(NULL, OPTIONS("result_buffer_max_bytes", "65536"));
    conn = lease("acme");
    const char *insert =
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n"
        " RETURNING v";
    cr_assert_eq(query(insert, PLENTY_MS, NULL), MTDB_LIMIT);
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_COMMITTED);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 10000);
}

Test(effects, rows_that_are_too_many_to_keep_were_not_written_in_an_open_transaction) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    reopen(NULL, OPTIONS("result_buffer_max_bytes", "65536"));
    conn = lease("acme");
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    const char *insert =
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n"
        " RETURNING v";
    cr_assert_eq(query(insert, PLENTY_MS, NULL), MTDB_LIMIT);
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
    cr_assert_eq(query("INSERT INTO t VALUES (2) RETURNING v", PLENTY_MS, NULL), MTDB_OK);
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 2);
}

Test(effects, rows_that_are_too_many_do_not_hide_that_the_commit_failed) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    reopen(NULL, OPTIONS("result_buffer_max_bytes", "65536"));
    conn = lease("acme");
    run(conn, "CREATE TABLE parent(id INTEGER PRIMARY KEY)");
    run(conn, "CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
    const char *insert =
        "INSERT INTO child WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
        " SELECT i FROM n RETURNING p";
    cr_assert_eq(query(insert, PLENTY_MS, NULL), MTDB_CONSTRAINT);
    cr_assert_neq(mtdb_error_effect(err), MTDB_EFFECT_COMMITTED);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM child"), 0);
}

Test(effects, a_generated_key_belongs_to_the_statement_that_generated_it) {
    mtdb_result *result = NULL;
    int64_t id = -1;
    run(conn, "INSERT INTO t(rowid, v) VALUES (77, 'a')");
    ok(mtdb_conn_query(conn, "UPDATE t SET v = 'b'", -1, NULL, 0, PLENTY_MS, NULL, &result, &err));
    ok(mtdb_result_insert_id(result, &id, &err));
    finish(result);
    cr_assert_eq(id, 0);
    ok(mtdb_conn_insert_id(conn, &id, &err));
    cr_assert_eq(id, 77);
}

Test(effects, savepoints_whose_names_differ_in_case_only_are_the_engines_one_name) {
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    ok(mtdb_tx_savepoint(conn, "outer", -1, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_savepoint(conn, "OUTER", -1, &err));
    run(conn, "INSERT INTO t VALUES (2)");
    ok(mtdb_tx_release_savepoint(conn, "outer", -1, &err));  // the inner one
    ok(mtdb_tx_rollback_to(conn, "outer", -1, &err));        // the outer one
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(effects, a_read_only_lease_refuses_a_select_that_writes) {
    run(conn, "CREATE VIRTUAL TABLE f USING fts4(x)");
    for (int i = 0; i < 5; ++i) run(conn, "INSERT INTO f VALUES ('word')");
    mtdb_conn* reader = NULL;
    mtdb_options* options = OPTIONS("lease.read_only", "true");
    ok(mtdb_db_acquire(db, "acme", -1, options, PLENTY_MS, NULL, &reader, &err));
    mtdb_options_release(options);
    fails(MTDB_READ_ONLY, mtdb_conn_exec(reader, "SELECT optimize(f) FROM f LIMIT 1", -1, NULL, 0,
                                         PLENTY_MS, NULL, NULL, &err));
    fails(MTDB_READ_ONLY,
          mtdb_conn_exec(reader, "PRAGMA optimize", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    give_back(reader);
}

Test(effects, an_endless_select_that_writes_ends_at_its_deadline) {
    run(conn, "CREATE VIRTUAL TABLE f USING fts4(x)");
    run(conn, "INSERT INTO f VALUES ('word')");
    const char *endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT i, (SELECT optimize(f) FROM f LIMIT 1) FROM n";
    cr_assert_eq(query(endless, 300, NULL), MTDB_TIMEOUT);
}

Test(effects, a_refused_second_statement_has_done_nothing) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_conn_exec(conn, "SELECT 1; PRAGMA foreign_keys = off", -1,
                                                NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(int_of(conn, "PRAGMA foreign_keys"), 1);
}

Test(effects, an_error_does_not_quote_a_value) {
    fails(MTDB_SQL_ERROR, mtdb_conn_exec(conn, "INSERT INTO t VALUES ('hunter2", -1, NULL, 0,
                                         PLENTY_MS, NULL, NULL, &err));
    cr_assert_null(strstr(mtdb_error_message(err), "hunter2"));
}
