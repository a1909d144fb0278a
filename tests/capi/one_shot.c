// SPDX-License-Identifier: MIT
#include "fixture.h"

static void begin(void) {
    open_db();
    reopen(NULL, OPTIONS("pool.size_max", "1"));
    give_back(lease_with_table("acme"));
}

TestSuite(one_shot, .init = begin, .fini = close_db, .timeout = 60);

Test(one_shot, exec_writes_and_gives_its_lease_back) {
    int64_t affected = 0;
    for (int i = 0; i < 3; ++i)
        ok(mtdb_db_exec(db, "acme", -1, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, NULL, &affected, &err));
    cr_assert_eq(affected, 1);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 3);
}

Test(one_shot, exec_takes_parameters) {
    mtdb_block *block = NULL;
    const void *data = NULL;
    int64_t data_len = 0;
    ok(mtdb_block_new(&block, &err));
    ok(mtdb_block_add_text(block, "bound", -1, &err));
    ok(mtdb_block_end_row(block, &err));
    ok(mtdb_block_data(block, &data, &data_len, &err));
    ok(mtdb_db_exec(db, "acme", -1, "INSERT INTO t VALUES (?)", -1, data, data_len, PLENTY_MS, NULL, NULL, &err));
    mtdb_result *row = NULL;
    ok(mtdb_db_query(db, "acme", -1, "SELECT v FROM t WHERE v = ?", -1, data, data_len, PLENTY_MS, NULL, &row, &err));
    ok(mtdb_result_next(row, &err));
    cr_assert_str_eq(text_at(row, 0), "bound");
    finish(row);
    mtdb_block_release(block);
}

Test(one_shot, a_query_holds_its_lease_until_the_rows_are_read) {
    mtdb_result *rows = NULL;
    mtdb_conn *conn = GARBAGE;
    ok(mtdb_db_query(db, "acme", -1, "SELECT 1 UNION ALL SELECT 2", -1, NULL, 0, PLENTY_MS, NULL, &rows, &err));
    ok(mtdb_result_next(rows, &err));
    fails(MTDB_POOL_EXHAUSTED, mtdb_db_acquire(db, "acme", -1, NULL, 20, NULL, &conn, &err));
    cr_assert_eq(rows_left(rows), 1);
    give_back(lease("acme"));
    finish(rows);
}

Test(one_shot, closing_the_result_gives_the_lease_back) {
    mtdb_result *rows = NULL;
    ok(mtdb_db_query(db, "acme", -1, "SELECT 1 UNION ALL SELECT 2", -1, NULL, 0, PLENTY_MS, NULL, &rows, &err));
    ok(mtdb_result_close(rows, &err));
    give_back(lease("acme"));
    mtdb_result_release(rows);
}

Test(one_shot, releasing_the_result_gives_the_lease_back) {
    mtdb_result *rows = NULL;
    ok(mtdb_db_query(db, "acme", -1, "SELECT 1 UNION ALL SELECT 2", -1, NULL, 0, PLENTY_MS, NULL, &rows, &err));
    mtdb_result_release(rows);
    give_back(lease("acme"));
}

Test(one_shot, a_failed_one_gives_the_lease_back) {
    mtdb_result *rows = GARBAGE;
    fails(MTDB_SQL_ERROR, mtdb_db_query(db, "acme", -1, "SELECT nonsense", -1, NULL, 0, PLENTY_MS, NULL, &rows, &err));
    cr_assert_null(rows);
    fails(MTDB_SQL_ERROR, mtdb_db_exec(db, "acme", -1, "nonsense", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    give_back(lease("acme"));
}

Test(one_shot, a_transaction_of_one_statement_is_rolled_back) {
    ok(mtdb_db_exec(db, "acme", -1, "BEGIN", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    run_in("acme", "INSERT INTO t VALUES (1)");
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 1);
}

Test(one_shot, an_unknown_tenant_is_named) {
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_exec(db, "ghost", -1, "SELECT 1", -1, NULL, 0, 100, NULL, NULL, &err));
    cr_assert_str_eq(error_text(MTDB_ERROR_TENANT), "ghost");
}
