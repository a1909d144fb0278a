// SPDX-License-Identifier: MIT
// Commit, savepoint, rollback; and a transaction that is lost says so until it is rolled back.
#include "example.h"

static mtdb_conn *conn;

static mtdb_status exec(const char *sql, int64_t timeout_ms) {
    return mtdb_conn_exec(conn, sql, -1, NULL, 0, timeout_ms, NULL, NULL, &err);
}

static int64_t balance(void) {
    mtdb_result *row = NULL;
    check(mtdb_conn_query(conn, "SELECT sum(amount) FROM entry", -1, NULL, 0, MTDB_DEFAULT, NULL, &row, &err));
    expect(check(mtdb_result_next(row, &err)) == MTDB_OK);
    const int64_t value = mtdb_value_int64(row, 0);
    mtdb_result_release(row);
    return value;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(exec("CREATE TABLE entry(amount INTEGER NOT NULL)", MTDB_DEFAULT));

    check(mtdb_tx_begin(conn, NULL, MTDB_DEFAULT, NULL, &err));
    check(exec("INSERT INTO entry VALUES (100)", MTDB_DEFAULT));
    check(mtdb_tx_savepoint(conn, "doubtful", -1, &err));
    check(exec("INSERT INTO entry VALUES (-500)", MTDB_DEFAULT));
    check(mtdb_tx_rollback_to(conn, "doubtful", -1, &err));
    check(mtdb_tx_commit(conn, MTDB_DEFAULT, NULL, &err));
    expect(balance() == 100);

    // A write that its deadline ends takes the whole transaction with it. What follows must not run on its own.
    check(mtdb_tx_begin(conn, NULL, MTDB_DEFAULT, NULL, &err));
    check(exec("INSERT INTO entry VALUES (1)", MTDB_DEFAULT));
    expect(exec("INSERT INTO entry WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT i FROM n", 20) ==
           MTDB_TIMEOUT);
    expect(mtdb_error_effect(err) == MTDB_EFFECT_ROLLED_BACK);
    mtdb_error_release(err);
    expect(exec("INSERT INTO entry VALUES (2)", MTDB_DEFAULT) == MTDB_TX_LOST);
    puts(mtdb_error_message(err));
    mtdb_error_release(err);
    check(mtdb_tx_rollback(conn, &err));
    expect(balance() == 100);

    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
