// SPDX-License-Identifier: MIT
#include "null_calls_subjects.h"

mtdb_error *a_error;
mtdb_options *a_options;
mtdb_cancel *a_cancel;
mtdb_conn *a_conn;
mtdb_stmt *a_stmt;
mtdb_result *a_result;
mtdb_block *a_block;
mtdb_batch *a_batch;
mtdb_migrator *a_migrator;
mtdb_fleet *a_fleet;
mtdb_driver *a_driver;
mtdb_quiesce *a_quiesce;
const void *some_block;
int64_t some_block_len;

void make_subjects(void) {
    open_db();
    a_conn = lease_with_table("acme");
    fails(MTDB_NOT_FOUND, mtdb_build_info("no such fact", -1, NULL, 0, &(int64_t){0}, &err));
    a_error = err;
    err = NULL;
    ok(mtdb_options_new(&a_options, &err));
    ok(mtdb_cancel_new(&a_cancel, &err));
    ok(mtdb_stmt_prepare(a_conn, "SELECT ?", -1, PLENTY_MS, NULL, &a_stmt, &err));
    ok(mtdb_conn_query(a_conn, "SELECT 'text' AS v", -1, NULL, 0, PLENTY_MS, NULL, &a_result, &err));
    ok(mtdb_migrator_new(db, NULL, &a_migrator, &err));
    ok(mtdb_batch_new(&a_batch, &err));
    ok(mtdb_fleet_new(db, a_migrator, NULL, &a_fleet, &err));
    ok(mtdb_driver_open("echo:", -1, NULL, PLENTY_MS, NULL, &a_driver, &err));
    ok(mtdb_quiesce_new(db, NULL, &a_quiesce, &err));
    ok(mtdb_block_new(&a_block, &err));
    ok(mtdb_block_add_int64(a_block, 1, &err));
    ok(mtdb_block_end_row(a_block, &err));
    ok(mtdb_block_data(a_block, &some_block, &some_block_len, &err));
}

void drop_subjects(void) {
    mtdb_batch_release(a_batch);
    mtdb_block_release(a_block);
    mtdb_fleet_release(a_fleet);
    mtdb_driver_release(a_driver);
    mtdb_migrator_release(a_migrator);
    mtdb_quiesce_release(a_quiesce);
    mtdb_result_release(a_result);
    mtdb_stmt_release(a_stmt);
    mtdb_conn_close(a_conn, NULL);
    mtdb_conn_release(a_conn);
    mtdb_cancel_release(a_cancel);
    mtdb_options_release(a_options);
    mtdb_error_release(a_error);
    close_db();
}

void check_error(const char *call, mtdb_status status, mtdb_error *error) {
    cr_expect_neq((void *)error, GARBAGE, "%s: *err was not written", call);
    if ((void *)error == GARBAGE) return;
    if (status < 0) {
        cr_expect_not_null(error, "%s: %s without an error object", call, mtdb_status_name(status));
        cr_expect_eq(mtdb_error_status(error), status, "%s: the error says %s, the status %s", call,
                     mtdb_status_name(mtdb_error_status(error)), mtdb_status_name(status));
        cr_expect_neq(mtdb_error_message(error)[0], '\0', "%s: no message", call);
    } else {
        cr_expect_null(error, "%s: %s with an error object", call, mtdb_status_name(status));
    }
    mtdb_error_release(error);
}

void check_refused(const char *call, mtdb_status status, bool subject) {
    cr_expect_lt(status, 0, "%s: answered %s", call, mtdb_status_name(status));
    if (!subject) return;
    cr_expect_eq(status, MTDB_INVALID_ARGUMENT, "%s: answered %s, not INVALID_ARGUMENT", call,
                 mtdb_status_name(status));
}

void check_nulled(const char *call, const char *output, const void *value) {
    cr_expect_null(value, "%s: failed, but *%s is %p", call, output, value);
}

void check_zeroed(const char *call, const char *output, int64_t value) {
    cr_expect_eq(value, 0, "%s: failed, but *%s is %" PRId64, call, output, value);
}
