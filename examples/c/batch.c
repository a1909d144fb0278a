// SPDX-License-Identifier: MIT
// Moves money in one batch: three different statements, all or none. On PostgreSQL they are one trip to the server.
#include "example.h"

// A block of one row: an amount and an account.
static void add(mtdb_batch *batch, mtdb_block *block, const char *sql, int64_t amount, const char *account) {
    const void *row = NULL;
    int64_t row_len = 0;
    check(mtdb_block_reset(block, &err));
    check(mtdb_block_add_int64(block, amount, &err));
    check(mtdb_block_add_text(block, account, -1, &err));
    check(mtdb_block_end_row(block, &err));
    check(mtdb_block_data(block, &row, &row_len, &err));
    check(mtdb_batch_add(batch, sql, -1, row, row_len, &err));
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;
    mtdb_batch *batch = NULL;
    mtdb_block *block = NULL;
    mtdb_result *result = NULL;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_conn_exec_script(conn,
                                "CREATE TABLE account(name TEXT PRIMARY KEY, balance INTEGER CHECK(balance >= 0));"
                                "CREATE TABLE journal(amount INTEGER, account TEXT);"
                                "INSERT INTO account VALUES('ann', 100), ('bob', 0);",
                                -1, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_batch_new(&batch, &err));
    check(mtdb_block_new(&block, &err));

    add(batch, block, "UPDATE account SET balance = balance - ? WHERE name = ?", 70, "ann");
    add(batch, block, "UPDATE account SET balance = balance + ? WHERE name = ?", 70, "bob");
    add(batch, block, "INSERT INTO journal VALUES(?, ?)", 70, "bob");
    check(mtdb_conn_exec_batch(conn, batch, MTDB_DEFAULT, NULL, &result, &err));
    while (check(mtdb_result_next(result, &err)) == MTDB_OK)
        printf("statement %d: %d rows\n", (int)mtdb_value_int64(result, 0), (int)mtdb_value_int64(result, 1));
    mtdb_result_release(result);

    // Once more is too much: the first statement fails, and nothing of the batch stays.
    expect(mtdb_conn_exec_batch(conn, batch, MTDB_DEFAULT, NULL, &result, &err) == MTDB_CONSTRAINT);
    expect(mtdb_error_statement(err) == 1 && mtdb_error_effect(err) == MTDB_EFFECT_ROLLED_BACK);
    printf("%s\n", mtdb_error_message(err));
    mtdb_error_release(err);
    check(mtdb_conn_query(conn, "SELECT count(*) FROM journal", -1, NULL, 0, MTDB_DEFAULT, NULL, &result, &err));
    expect(mtdb_result_next(result, NULL) == MTDB_OK && mtdb_value_int64(result, 0) == 1);

    mtdb_result_release(result);
    mtdb_block_release(block);
    mtdb_batch_release(batch);
    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
