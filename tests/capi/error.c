// SPDX-License-Identifier: MIT
#include "fixture.h"

TestSuite(error, .init = open_db, .fini = close_db, .timeout = 60);

Test(error, every_status_has_its_name) {
    static const struct {
        mtdb_status status;
        const char *name;
    } rows[] = {
        {MTDB_OK, "OK"},
        {MTDB_DONE, "DONE"},
        {MTDB_MORE, "MORE"},
        {MTDB_TRUNCATED, "TRUNCATED"},
        {MTDB_NEEDS, "NEEDS"},
        {MTDB_INVALID_ARGUMENT, "INVALID_ARGUMENT"},
        {MTDB_TX_LOST, "TX_LOST"},
        {MTDB_TENANT_UNKNOWN, "TENANT_UNKNOWN"},
        {MTDB_POOL_EXHAUSTED, "POOL_EXHAUSTED"},
        {MTDB_MIGRATION_LOCKED, "MIGRATION_LOCKED"},
        {MTDB_INTERNAL, "INTERNAL"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        cr_assert_str_eq(mtdb_status_name(rows[i].status), rows[i].name);
    for (mtdb_status status = MTDB_INTERNAL; status <= MTDB_NEEDS; ++status)
        cr_assert_str_neq(mtdb_status_name(status), "UNKNOWN", "%d has no name", status);
}

Test(error, a_status_of_a_newer_library_is_unknown) {
    cr_assert_str_eq(mtdb_status_name(-4711), "UNKNOWN");
    cr_assert_str_eq(mtdb_status_name(4711), "UNKNOWN");
}

Test(error, a_copy_of_the_name_equals_the_borrowed_one) {
    char name[32];
    int64_t needed = 0;
    ok(mtdb_status_text(MTDB_TX_LOST, name, (int64_t)sizeof name, &needed, &err));
    cr_assert_eq(needed, 7);
    cr_assert_eq(memcmp(name, "TX_LOST", 7), 0);
}

Test(error, null_has_no_status_and_no_text) {
    cr_assert_eq(mtdb_error_status(NULL), MTDB_OK);
    cr_assert_str_eq(mtdb_error_message(NULL), "");
    cr_assert_eq(mtdb_error_native(NULL), 0);
    mtdb_error_release(NULL);
}

Test(error, success_writes_null_over_garbage) {
    mtdb_error *written = GARBAGE;
    cr_assert_eq(mtdb_tenant_check(db, "acme", -1, &written), MTDB_OK);
    cr_assert_null(written);
}

Test(error, failure_writes_null_to_the_outputs) {
    mtdb_conn *conn = GARBAGE;
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_acquire(db, "ghost", -1, NULL, 100, NULL, &conn, &err));
    cr_assert_null(conn);
}

Test(error, a_caller_may_do_without_the_object) {
    cr_assert_eq(mtdb_db_ping(db, "ghost", -1, 100, NULL, NULL), MTDB_TENANT_UNKNOWN);
}

Test(error, a_failed_statement_tells_its_place_and_its_engine) {
    mtdb_conn *conn = lease_with_table("acme");
    static const char sql[] = "SELECT 1,\n  nonsense FROM t";
    fails(MTDB_SQL_ERROR, mtdb_conn_exec(conn, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_str_eq(error_text(MTDB_ERROR_ENGINE), "sqlite");
    cr_assert_str_eq(error_text(MTDB_ERROR_TENANT), "acme");
    cr_assert_eq(mtdb_error_native(err), 1);
    cr_assert_eq(mtdb_error_line(err), 2);
    cr_assert_eq(mtdb_error_column(err), 3);
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    cr_assert_eq(mtdb_error_retryable(err), 0);
    message_has("nonsense");
    give_back(conn);
}

Test(error, a_broken_constraint_has_a_class_23_state_and_the_extended_code) {
    mtdb_conn *conn = lease_with_table("acme");
    run(conn, "CREATE UNIQUE INDEX one_v ON t(v)");
    run(conn, "INSERT INTO t VALUES (1)");
    fails(MTDB_CONSTRAINT,
          mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_str_eq(error_text(MTDB_ERROR_SQLSTATE), "23505");
    cr_assert_eq(mtdb_error_native(err), 2067);
    give_back(conn);
}

Test(error, a_wrong_id_and_an_unknown_tenant_never_look_alike) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_ping(db, "no/slash", -1, 100, NULL, &err));
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 100, NULL, &err));
    message_has("ghost");
    cr_assert_str_eq(error_text(MTDB_ERROR_SQLSTATE), "3D000");
}

Test(error, json_holds_every_fact) {
    static const char *const keys[] = {"status", "name",   "message", "sqlstate",  "engine", "native", "effect",
                                       "retryable", "tenant", "script",  "statement", "line",   "column", "limit"};
    char json[2048];
    int64_t needed = 0;
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 100, NULL, &err));
    cr_assert_eq(mtdb_error_json(err, json, (int64_t)sizeof json - 1, &needed), MTDB_OK);
    json[needed] = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "\"%s\":", keys[i]);
        cr_assert_not_null(strstr(json, quoted), "%s is not in %s", keys[i], json);
    }
    cr_assert_not_null(strstr(json, "\"TENANT_UNKNOWN\""));
}

Test(error, a_short_buffer_for_a_text_is_left_alone) {
    char text[8] = "same";
    int64_t needed = 0;
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 100, NULL, &err));
    cr_assert_eq(mtdb_error_text(err, MTDB_ERROR_SQLSTATE, text, 4, &needed), MTDB_TRUNCATED);
    cr_assert_eq(needed, 5);
    cr_assert_str_eq(text, "same");
}

Test(error, an_unknown_text_is_an_invalid_argument) {
    int64_t needed = 7;
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 100, NULL, &err));
    cr_assert_eq(mtdb_error_text(err, 99, NULL, 0, &needed), MTDB_INVALID_ARGUMENT);
    cr_assert_eq(needed, 0);
}

Test(error, outlives_its_db_when_retained) {
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 100, NULL, &err));
    mtdb_error *kept = err;
    mtdb_error_retain(kept);
    drop_error();
    mtdb_db_release(db);
    db = NULL;
    cr_assert_eq(mtdb_error_status(kept), MTDB_TENANT_UNKNOWN);
    mtdb_error_release(kept);
}
