// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

TestSuite(misuse, .init = open_db, .fini = close_db, .timeout = 60);

struct user {
    mtdb_conn *conn;
    mtdb_cancel *cancel;
    mtdb_status status;
};

static void *stay_inside(void *argument) {
    struct user *user = argument;
    do {  // until the other one is not in it
        user->status = mtdb_conn_exec(user->conn, ENDLESS_QUERY, -1, NULL, 0, PLENTY_MS, user->cancel, NULL, NULL);
    } while (user->status == MTDB_MISUSE);
    return NULL;
}

Test(misuse, a_second_thread_in_one_lease_is_refused_and_the_first_is_not_disturbed) {
    struct user user = {.conn = lease_with_table("acme")};
    pthread_t thread;
    ok(mtdb_cancel_new(&user.cancel, &err));
    pthread_create(&thread, NULL, stay_inside, &user);
    mtdb_status status = MTDB_OK;
    const int64_t start = now_ms();
    while (status != MTDB_MISUSE && now_ms() - start < 5000) {
        int32_t state = 0;
        drop_error();
        status = mtdb_tx_state(user.conn, &state, &err);
        sleep_ms(1);
    }
    cr_assert_eq(status, MTDB_MISUSE);
    fails(MTDB_MISUSE, mtdb_conn_exec(user.conn, "SELECT 1", -1, NULL, 0, 10, NULL, NULL, &err));
    fails(MTDB_MISUSE, mtdb_conn_close(user.conn, &err));
    ok(mtdb_cancel_trigger(user.cancel, 0, &err));
    pthread_join(thread, NULL);
    cr_assert_eq(user.status, MTDB_CANCELLED);
    run(user.conn, "INSERT INTO t VALUES (1)");
    give_back(user.conn);
    mtdb_cancel_release(user.cancel);
}

Test(misuse, null_handles_are_invalid_arguments) {
    int64_t number = 0;
    mtdb_conn *conn = GARBAGE;
    mtdb_stmt *stmt = GARBAGE;
    mtdb_result *result = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_acquire(NULL, "acme", -1, NULL, 0, NULL, &conn, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_conn_exec(NULL, "SELECT 1", -1, NULL, 0, 0, NULL, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_prepare(NULL, "SELECT 1", -1, 0, NULL, &stmt, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_stmt_execute(NULL, 0, NULL, &result, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_result_affected(NULL, &number, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_tx_begin(NULL, NULL, 0, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_close(NULL, 0, NULL, NULL, &err));
    cr_assert_null(conn);
    cr_assert_null(stmt);
    cr_assert_null(result);
}

Test(misuse, a_null_output_is_an_invalid_argument) {
    create_tenant("acme");
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_acquire(db, "acme", -1, NULL, PLENTY_MS, NULL, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_exists(db, "acme", -1, NULL, &err));
    give_back(lease("acme"));
}

Test(misuse, a_null_text_with_a_length_and_a_negative_length_are_invalid) {
    mtdb_conn *conn = lease_with_table("acme");
    fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_check(db, NULL, 4, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_check(db, NULL, -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_check(db, "acme", -7, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_conn_exec(conn, NULL, 8, NULL, 0, 0, NULL, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, -77, NULL, NULL, &err));
    give_back(conn);
}

Test(misuse, statement_text_that_is_no_utf_8_or_holds_a_nul_is_refused) {
    mtdb_conn *conn = lease_with_table("acme");
    fails(MTDB_INVALID_ARGUMENT, mtdb_conn_exec(conn, "SELECT 1\0 + 1", 13, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    give_back(conn);
}
