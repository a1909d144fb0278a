// SPDX-License-Identifier: MIT
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

TestSuite(transactions, .init = begin, .fini = end, .timeout = 60);

enum { NONE, OPEN, LOST };

static int32_t state(void) {
    int32_t now = -1;
    ok(mtdb_tx_state(conn, &now, &err));
    return now;
}

static void start(mtdb_options *owned) {
    ok(mtdb_tx_begin(conn, owned, PLENTY_MS, NULL, &err));
    mtdb_options_release(owned);
}

static mtdb_status try(const char *sql) {
    drop_error();
    return mtdb_conn_exec(conn, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, &err);
}

Test(transactions, commit_keeps) {
    start(NULL);
    cr_assert_eq(state(), OPEN);
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(state(), NONE);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 1);
}

Test(transactions, rollback_undoes) {
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(transactions, rollback_without_one_does_nothing) { ok(mtdb_tx_rollback(conn, &err)); }

Test(transactions, a_second_begin_and_a_commit_without_one_are_invalid) {
    fails(MTDB_INVALID_STATE, mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    start(NULL);
    fails(MTDB_INVALID_STATE, mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    cr_assert_eq(state(), OPEN);
    ok(mtdb_tx_rollback(conn, &err));
}

Test(transactions, a_failed_statement_leaves_it_open_with_what_was_done_before) {
    run(conn, "CREATE UNIQUE INDEX one_v ON t(v)");
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    cr_assert_eq(try("INSERT INTO t VALUES (2), (1)"), MTDB_CONSTRAINT);
    cr_assert_eq(state(), OPEN);
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT sum(v) FROM t"), 1);
}

Test(transactions, a_cancelled_write_loses_it_and_nothing_runs_outside_by_accident) {
    start(NULL);
    run(conn, "INSERT INTO t VALUES ('before')");
    fails(MTDB_TIMEOUT, mtdb_conn_exec(conn, ENDLESS_INSERT, -1, NULL, 0, 50, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_ROLLED_BACK);
    cr_assert_eq(state(), LOST);
    cr_assert_eq(try("INSERT INTO t VALUES ('after')"), MTDB_TX_LOST);
    cr_assert_eq(try("SELECT 1"), MTDB_TX_LOST);
    fails(MTDB_TX_LOST, mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    fails(MTDB_TX_LOST, mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    fails(MTDB_TX_LOST, mtdb_tx_savepoint(conn, "one", -1, &err));
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(state(), NONE);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(transactions, a_cancelled_write_by_token_loses_it_too) {
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    start(NULL);
    trigger *other = trigger_after(cancel, 50);
    fails(MTDB_CANCELLED, mtdb_conn_exec(conn, ENDLESS_INSERT, -1, NULL, 0, PLENTY_MS, cancel, NULL, &err));
    trigger_join(other);
    cr_assert_eq(try("INSERT INTO t VALUES ('after')"), MTDB_TX_LOST);
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    mtdb_cancel_release(cancel);
}

Test(transactions, a_cancelled_read_does_not_lose_it) {
    start(NULL);
    run(conn, "INSERT INTO t VALUES ('before')");
    fails(MTDB_TIMEOUT, mtdb_conn_exec(conn, ENDLESS_QUERY, -1, NULL, 0, 50, NULL, NULL, &err));
    cr_assert_eq(state(), OPEN);
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
}

Test(transactions, a_conflict_clause_that_rolls_back_loses_it) {
    run(conn, "CREATE UNIQUE INDEX one_v ON t(v)");
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    cr_assert_eq(try("INSERT OR ROLLBACK INTO t VALUES (1)"), MTDB_CONSTRAINT);
    cr_assert_eq(try("INSERT INTO t VALUES (2)"), MTDB_TX_LOST);
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(transactions, closing_the_lease_rolls_back_and_says_so) {
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_conn_close(conn, &err));
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 0);
    cr_assert(event_comes("lease.rolled_back", 3000, NULL, 0));
}

Test(transactions, savepoints_nest) {
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_savepoint(conn, "outer", -1, &err));
    run(conn, "INSERT INTO t VALUES (2)");
    ok(mtdb_tx_savepoint(conn, "inner", -1, &err));
    run(conn, "INSERT INTO t VALUES (4)");
    ok(mtdb_tx_rollback_to(conn, "inner", -1, &err));
    run(conn, "INSERT INTO t VALUES (8)");
    ok(mtdb_tx_release_savepoint(conn, "inner", -1, &err));
    fails(MTDB_NOT_FOUND, mtdb_tx_rollback_to(conn, "inner", -1, &err));
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT sum(v) FROM t"), 11);
}

Test(transactions, rolling_back_to_a_savepoint_keeps_it) {
    start(NULL);
    ok(mtdb_tx_savepoint(conn, "again", -1, &err));
    for (int i = 0; i < 3; ++i) {
        run(conn, "INSERT INTO t VALUES (1)");
        ok(mtdb_tx_rollback_to(conn, "again", -1, &err));
    }
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
}

Test(transactions, a_savepoint_needs_a_transaction_and_a_plain_name) {
    fails(MTDB_INVALID_STATE, mtdb_tx_savepoint(conn, "one", -1, &err));
    start(NULL);
    fails(MTDB_INVALID_ARGUMENT, mtdb_tx_savepoint(conn, "", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_tx_savepoint(conn, "a;DROP TABLE t", -1, &err));
    fails(MTDB_NOT_FOUND, mtdb_tx_rollback_to(conn, "missing", -1, &err));
    ok(mtdb_tx_rollback(conn, &err));
}

Test(transactions, a_read_only_one_refuses_to_write_and_waits_for_nobody) {
    mtdb_conn *writer = lease("acme");
    ok(mtdb_tx_begin(writer, NULL, PLENTY_MS, NULL, &err));
    run(writer, "INSERT INTO t VALUES (1)");
    start(OPTIONS("tx.read_only", "true"));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    cr_assert_eq(try("INSERT INTO t VALUES (2)"), MTDB_READ_ONLY);
    ok(mtdb_tx_commit(writer, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0, "a snapshot moved");
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
    give_back(writer);
}

Test(transactions, writing_works_again_after_a_read_only_one) {
    start(OPTIONS("tx.read_only", "true"));
    ok(mtdb_tx_rollback(conn, &err));
    run(conn, "INSERT INTO t VALUES (1)");
}

Test(transactions, every_isolation_is_served_by_the_stronger_one) {
    static const char *const levels[] = {"standard", "read_committed", "repeatable_read", "serializable"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; ++i) {
        start(OPTIONS("tx.isolation", levels[i]));
        run(conn, "INSERT INTO t VALUES (1)");
        ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    }
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 4);
}

Test(transactions, one_that_is_not_immediate_takes_the_turn_at_its_first_write) {
    mtdb_conn *writer = lease("acme");
    ok(mtdb_tx_begin(writer, NULL, PLENTY_MS, NULL, &err));
    start(OPTIONS("tx.immediate", "false"));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    fails(MTDB_TIMEOUT, mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, 50, NULL, NULL, &err));
    ok(mtdb_tx_rollback(writer, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    give_back(writer);
}

Test(transactions, a_deferred_key_fails_at_commit_and_leaves_it_open) {
    run(conn, "CREATE TABLE parent(id INTEGER PRIMARY KEY)");
    run(conn, "CREATE TABLE child(id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
    start(NULL);
    run(conn, "INSERT INTO child VALUES (1)");
    fails(MTDB_CONSTRAINT, mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(state(), OPEN);
    run(conn, "INSERT INTO parent VALUES (1)");
    ok(mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
}

Test(transactions, sql_begin_and_commit_are_the_same_transaction) {
    run(conn, "BEGIN");
    cr_assert_eq(state(), OPEN);
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tx_rollback(conn, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    start(NULL);
    run(conn, "INSERT INTO t VALUES (1)");
    run(conn, "COMMIT");
    cr_assert_eq(state(), NONE);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
}

Test(transactions, writers_of_one_process_never_meet_busy) {
    mtdb_conn *other = lease("acme");
    for (int i = 0; i < 50; ++i) {
        run(conn, "INSERT INTO t VALUES (1)");
        run(other, "INSERT INTO t VALUES (2)");
    }
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 100);
    give_back(other);
}
