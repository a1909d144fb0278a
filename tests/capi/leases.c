// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

TestSuite(leases, .init = open_db, .fini = close_db, .timeout = 60);

Test(leases, know_their_tenant) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    char id[64];
    int64_t needed = 0;
    ok(mtdb_conn_tenant(conn, id, (int64_t)sizeof id, &needed, &err));
    cr_assert_eq(needed, 4);
    cr_assert_eq(memcmp(id, "acme", 4), 0);
    give_back(conn);
}

Test(leases, of_two_tenants_never_see_each_other) {
    mtdb_conn *acme = lease_with_table("acme");
    mtdb_conn *beta = lease_with_table("beta");
    run(acme, "INSERT INTO t VALUES ('acme')");
    run(beta, "INSERT INTO t VALUES ('beta')");
    cr_assert_eq(int_of(acme, "SELECT count(*) FROM t WHERE v <> 'acme'"), 0);
    cr_assert_eq(int_of(beta, "SELECT count(*) FROM t WHERE v <> 'beta'"), 0);
    give_back(acme);
    give_back(beta);
}

Test(leases, exec_tells_the_affected_rows) {
    mtdb_conn *conn = lease_with_table("acme");
    int64_t affected = 0;
    run(conn, "INSERT INTO t VALUES (1), (2), (3)");
    ok(mtdb_conn_exec(conn, "DELETE FROM t WHERE v > 1", -1, NULL, 0, PLENTY_MS, NULL, &affected, &err));
    cr_assert_eq(affected, 2);
    ok(mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, PLENTY_MS, NULL, &affected, &err));
    cr_assert_eq(affected, 0);
    give_back(conn);
}

Test(leases, know_the_key_of_the_last_insert_of_their_own) {
    mtdb_conn *conn = lease_with_table("acme");
    int64_t id = 99;
    ok(mtdb_conn_insert_id(conn, &id, &err));
    cr_assert_eq(id, 0);
    run(conn, "INSERT INTO t(rowid, v) VALUES (41, 'x')");
    ok(mtdb_conn_insert_id(conn, &id, &err));
    cr_assert_eq(id, 41);
    give_back(conn);
    conn = lease("acme");
    ok(mtdb_conn_insert_id(conn, &id, &err));
    cr_assert_eq(id, 0, "the key of an earlier lease shows");
    give_back(conn);
}

// The statement comes compiled from the lease before: the connection is cleaned after it all the same.
Test(leases, leave_no_state_behind_through_a_kept_statement) {
    static const char defer[] = "PRAGMA defer_foreign_keys = 1";
    create_tenant("acme");
    for (int round = 0; round < 2; ++round) {
        mtdb_conn *conn = lease("acme");
        mtdb_result *rows = NULL;
        ok(mtdb_conn_query(conn, defer, -1, NULL, 0, PLENTY_MS, NULL, &rows, &err));
        rows_left(rows);
        finish(rows);
        give_back(conn);
    }
    mtdb_conn *conn = lease("acme");
    cr_assert_eq(int_of(conn, "PRAGMA defer_foreign_keys"), 0, "it is still on");
    give_back(conn);
}

Test(leases, a_script_runs_statement_by_statement) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    int64_t statements = 0;
    static const char text[] =
        "CREATE TABLE t(v); -- a comment; with a semicolon\n"
        "CREATE TRIGGER twice AFTER INSERT ON t WHEN new.v < 2 BEGIN INSERT INTO t VALUES (new.v + 1); END;\n"
        "INSERT INTO t VALUES (1); INSERT INTO t VALUES ('a;b');;";
    ok(mtdb_conn_exec_script(conn, text, -1, PLENTY_MS, NULL, &statements, &err));
    cr_assert_eq(statements, 4);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 3);
    give_back(conn);
}

Test(leases, a_failing_script_names_the_place_and_keeps_what_ran) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    int64_t statements = 99;
    static const char text[] = "CREATE TABLE t(v);\nINSERT INTO t VALUES (1);\nINSERT INTO missing VALUES (1)";
    fails(MTDB_SQL_ERROR, mtdb_conn_exec_script(conn, text, -1, PLENTY_MS, NULL, &statements, &err));
    cr_assert_eq(statements, 2);
    cr_assert_eq(mtdb_error_statement(err), 3);
    cr_assert_eq(mtdb_error_line(err), 3);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 1);
    give_back(conn);
}

Test(leases, a_statement_that_fails_at_its_run_is_placed_at_its_first_word) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    static const char text[] =
        "CREATE TABLE t(v UNIQUE);\nINSERT INTO t VALUES (1);; -- once; more\n"
        "/* and\n again */  INSERT INTO t VALUES (1)";
    fails(MTDB_CONSTRAINT, mtdb_conn_exec_script(conn, text, -1, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_statement(err), 3);
    cr_assert_eq(mtdb_error_line(err), 4);
    cr_assert_eq(mtdb_error_column(err), 12);
    give_back(conn);
}

Test(leases, a_script_with_a_nul_byte_is_refused_before_anything_of_it_runs) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    static const char text[] = "CREATE TABLE t(v);\n\0CREATE TABLE u(v)";
    fails(MTDB_SQL_ERROR, mtdb_conn_exec_script(conn, text, sizeof text - 1, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_line(err), 2);
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM sqlite_schema"), 0);
    give_back(conn);
}

Test(leases, a_long_script_costs_each_byte_once) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    enum { statements = 20000, comment = 16 << 20 };
    static char text[statements * 9 + comment + 1];
    for (int i = 0; i < statements; ++i) memcpy(text + i * 9, "SELECT 1;", 9);
    memset(text + statements * 9, ' ', comment);
    int64_t done = 0;
    ok(mtdb_conn_exec_script(conn, text, sizeof text - 1, PLENTY_MS, NULL, &done, &err));  // else 160 GB are copied
    cr_assert_eq(done, statements);
    give_back(conn);
}

Test(leases, a_flag_pragma_acts_each_time_it_runs_and_only_then) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    mtdb_stmt *stmt = NULL;
    ok(mtdb_stmt_prepare(conn, "PRAGMA foreign_keys = off", -1, PLENTY_MS, NULL, &stmt, &err));
    mtdb_stmt_release(stmt);
    cr_assert_eq(int_of(conn, "PRAGMA foreign_keys"), 1);
    for (int i = 0; i < 2; ++i) {  // the second time from the cache
        run(conn, "PRAGMA foreign_keys = off");
        cr_assert_eq(int_of(conn, "PRAGMA foreign_keys"), 0);
        mtdb_result *result = NULL;
        ok(mtdb_conn_query(conn, "PRAGMA foreign_keys = on", -1, NULL, 0, PLENTY_MS, NULL, &result, &err));
        finish(result);
        cr_assert_eq(int_of(conn, "PRAGMA foreign_keys"), 1);
    }
    give_back(conn);
}

Test(leases, a_read_only_one_refuses_to_write) {
    give_back(lease_with_table("acme"));
    mtdb_options *options = OPTIONS("lease.read_only", "true");
    mtdb_conn *conn = NULL;
    ok(mtdb_db_acquire(db, "acme", -1, options, PLENTY_MS, NULL, &conn, &err));
    fails(MTDB_READ_ONLY, mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    give_back(conn);
    mtdb_options_release(options);
    run_in("acme", "INSERT INTO t VALUES (1)");
}

Test(leases, the_pool_limit_is_named_when_it_is_reached) {
    reopen(NULL, OPTIONS("pool.size_max", "2"));
    create_tenant("acme");
    mtdb_conn *first = lease("acme"), *second = lease("acme"), *third = GARBAGE;
    fails(MTDB_POOL_EXHAUSTED, mtdb_db_acquire(db, "acme", -1, NULL, 30, NULL, &third, &err));
    cr_assert_null(third);
    cr_assert_str_eq(error_text(MTDB_ERROR_LIMIT), "pool.size_max");
    cr_assert_eq(mtdb_error_retryable(err), 1);
    give_back(second);
    third = lease("acme");
    give_back(third);
    give_back(first);
}

Test(leases, a_limit_of_the_tenant_is_named_when_it_is_reached) {
    reopen(NULL, OPTIONS("tenant.leases_max", "1"));
    create_tenant("acme");
    create_tenant("beta");
    mtdb_conn *first = lease("acme"), *second = GARBAGE;
    fails(MTDB_POOL_EXHAUSTED, mtdb_db_acquire(db, "acme", -1, NULL, 30, NULL, &second, &err));
    cr_assert_str_eq(error_text(MTDB_ERROR_LIMIT), "tenant.leases_max");
    give_back(lease("beta"));
    give_back(first);
}

Test(leases, a_limit_of_the_db_is_named_when_it_is_reached) {
    reopen(NULL, OPTIONS("connections_max", "1"));
    create_tenant("acme");
    create_tenant("beta");
    mtdb_conn *first = lease("acme"), *second = GARBAGE;
    fails(MTDB_POOL_EXHAUSTED, mtdb_db_acquire(db, "beta", -1, NULL, 30, NULL, &second, &err));
    cr_assert_str_eq(error_text(MTDB_ERROR_LIMIT), "connections_max");
    give_back(first);
    give_back(lease("beta"));
}

Test(leases, more_tenants_than_the_budget_take_turns) {
    reopen(NULL, OPTIONS("pool.tenants_max", "4"));
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 40; ++i) {
            char id[16];
            snprintf(id, sizeof id, "t%02d", i);
            if (round == 0) give_back(lease_with_table(id));
            run_in(id, "INSERT INTO t VALUES (1)");
            cr_assert_eq(int_in(id, "SELECT count(*) FROM t"), round + 1);
        }
    }
}

static void *give_back_later(void *argument) {
    sleep_ms(50);
    mtdb_conn_close(argument, NULL);
    mtdb_conn_release(argument);
    return NULL;
}

Test(leases, a_waiter_gets_the_connection_that_comes_back) {
    reopen(NULL, OPTIONS("pool.size_max", "1"));
    create_tenant("acme");
    pthread_t holder;
    pthread_create(&holder, NULL, give_back_later, lease("acme"));
    give_back(lease("acme"));
    pthread_join(holder, NULL);
}

Test(leases, nothing_of_a_lease_is_left_for_the_next) {
    reopen(NULL, OPTIONS("pool.size_max", "1"));
    mtdb_conn *conn = lease_with_table("acme");
    run(conn, "CREATE TEMP TABLE mine(v)");
    run(conn, "INSERT INTO mine VALUES (1)");
    give_back(conn);
    conn = lease("acme");
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM sqlite_temp_master"), 0);
    cr_assert_eq(int_of(conn, "SELECT changes() + last_insert_rowid()"), 0);
    give_back(conn);
}

Test(leases, close_is_idempotent_and_then_answers_closed) {
    create_tenant("acme");
    mtdb_conn *conn = lease("acme");
    mtdb_stmt *stmt = GARBAGE;
    ok(mtdb_conn_close(conn, &err));
    ok(mtdb_conn_close(conn, &err));
    fails(MTDB_CLOSED, mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, 10, NULL, NULL, &err));
    fails(MTDB_CLOSED, mtdb_stmt_prepare(conn, "SELECT 1", -1, 10, NULL, &stmt, &err));
    fails(MTDB_CLOSED, mtdb_tx_begin(conn, NULL, 10, NULL, &err));
    cr_assert_null(stmt);
    mtdb_conn_release(conn);
}

Test(leases, one_released_unclosed_comes_back_clean_and_is_reported_with_its_tag) {
    reopen(NULL, OPTIONS("pool.size_max", "1"));
    give_back(lease_with_table("acme"));
    mtdb_options *options = OPTIONS("lease.tag", "the page that forgot");
    mtdb_conn *conn = NULL;
    char message[256] = "";
    ok(mtdb_db_acquire(db, "acme", -1, options, PLENTY_MS, NULL, &conn, &err));
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    mtdb_conn_release(conn);
    mtdb_options_release(options);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 0);
    cr_assert(event_comes("lease.abandoned", 3000, message, sizeof message));
    cr_assert_not_null(strstr(message, "the page that forgot"), "%s", message);
}

Test(leases, a_query_timeout_option_ends_a_statement_without_one) {
    reopen(NULL, OPTIONS("query_timeout_ms", "50"));
    mtdb_conn *conn = lease_with_table("acme");
    fails(MTDB_TIMEOUT, mtdb_conn_exec(conn, ENDLESS_QUERY, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    give_back(conn);
}
