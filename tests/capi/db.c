// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

TestSuite(db, .init = open_db, .fini = close_db, .timeout = 60);

Test(db, opens_by_url_and_by_plain_folder) {
    char url[80];
    snprintf(url, sizeof url, "sqlite:%s", root);
    create_tenant("acme");
    reopen(url, NULL);
    cr_assert(has_tenant("acme"));
}

Test(db, opening_creates_nothing) {
    mtdb_db *other = GARBAGE;
    fails(MTDB_NOT_FOUND, mtdb_db_open(path_of("missing"), -1, NULL, &other, &err));
    cr_assert_null(other);
    cr_assert_not(file_exists("missing"));
}

Test(db, an_unknown_scheme_is_unsupported) {
    mtdb_db *other = GARBAGE;
    fails(MTDB_UNSUPPORTED, mtdb_db_open("oracle:somewhere", -1, NULL, &other, &err));
    message_has("oracle");
}

Test(db, an_empty_url_or_one_with_a_nul_is_an_invalid_argument) {
    mtdb_db *other = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_open("", -1, NULL, &other, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_open("sqlite:/tmp\0/x", 14, NULL, &other, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_open(NULL, -1, NULL, &other, &err));
}

Test(db, in_memory_tenants_live_as_long_as_the_db) {
    reopen("sqlite::memory:", OPTIONS("pool.idle_ms", "1", "pool.sweep_ms", "1"));
    create_tenant("acme");
    run_in("acme", "CREATE TABLE t(v)");
    run_in("acme", "INSERT INTO t VALUES (7)");
    sleep_ms(50);
    while (mtdb_db_maintain(db, MTDB_FOREVER, NULL) == MTDB_MORE) continue;
    cr_assert_eq(int_in("acme", "SELECT v FROM t"), 7);
}

Test(db, close_is_idempotent) {
    ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
}

Test(db, answers_closed_after_close) {
    create_tenant("acme");
    ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
    mtdb_conn *conn = GARBAGE;
    mtdb_result *result = GARBAGE;
    int32_t found = 9;
    fails(MTDB_CLOSED, mtdb_db_acquire(db, "acme", -1, NULL, 10, NULL, &conn, &err));
    fails(MTDB_CLOSED, mtdb_db_ping(db, "acme", -1, 10, NULL, &err));
    fails(MTDB_CLOSED, mtdb_tenant_create(db, "beta", -1, 10, NULL, &err));
    fails(MTDB_CLOSED, mtdb_tenant_exists(db, "acme", -1, &found, &err));
    fails(MTDB_CLOSED, mtdb_tenant_list(db, 10, NULL, &result, &err));
    fails(MTDB_CLOSED, mtdb_db_maintain(db, 0, &err));
    cr_assert_null(conn);
    cr_assert_null(result);
    cr_assert_eq(found, 0);
}

Test(db, close_waits_for_running_work_and_forces_nothing) {
    mtdb_conn *conn = lease_with_table("acme");
    give_back(conn);
    int64_t forced = 99;
    ok(mtdb_db_close(db, PLENTY_MS, NULL, &forced, &err));
    cr_assert_eq(forced, 0);
}

struct worker {
    mtdb_conn *conn;
    atomic_bool started;
    mtdb_status status;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    atomic_store(&worker->started, true);
    worker->status = mtdb_conn_exec(worker->conn, ENDLESS_QUERY, -1, NULL, 0, PLENTY_MS, NULL, NULL, NULL);
    return NULL;
}

Test(db, close_interrupts_what_runs_at_the_deadline_and_says_so) {
    struct worker worker = {.conn = lease_with_table("acme")};
    pthread_t thread;
    pthread_create(&thread, NULL, work, &worker);
    while (!atomic_load(&worker.started)) sleep_ms(1);
    sleep_ms(50);
    int64_t forced = 0;
    const int64_t start = now_ms();
    ok(mtdb_db_close(db, 100, NULL, &forced, &err));
    cr_assert_lt(now_ms() - start, 5000);
    pthread_join(thread, NULL);
    cr_assert_eq(forced, 1);
    cr_assert_lt(worker.status, 0);
    fails(MTDB_CLOSED, mtdb_conn_exec(worker.conn, "SELECT 1", -1, NULL, 0, 10, NULL, NULL, &err));
    mtdb_conn_release(worker.conn);
}

Test(db, a_cancel_forces_close_at_once) {
    mtdb_cancel *cancel = NULL;
    mtdb_conn *conn = lease_with_table("acme");
    int64_t forced = 0;
    ok(mtdb_cancel_new(&cancel, &err));
    ok(mtdb_cancel_trigger(cancel, 0, &err));
    const int64_t start = now_ms();
    ok(mtdb_db_close(db, PLENTY_MS, cancel, &forced, &err));
    cr_assert_lt(now_ms() - start, 5000);
    cr_assert_eq(forced, 1);
    mtdb_conn_release(conn);
    mtdb_cancel_release(cancel);
}

Test(db, a_lease_that_is_out_at_close_answers_closed) {
    mtdb_conn *conn = lease_with_table("acme");
    ok(mtdb_db_close(db, 0, NULL, NULL, &err));
    fails(MTDB_CLOSED, mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, 10, NULL, NULL, &err));
    ok(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
}

Test(db, works_without_a_thread_of_its_own) {
    reopen(NULL, OPTIONS("threads", "none", "pool.idle_ms", "1", "pool.sweep_ms", "1"));
    create_tenant("acme");
    run_in("acme", "CREATE TABLE t(v)");
    int64_t open = 1;
    for (int round = 0; round < 100 && open > 0; ++round) {
        mtdb_result *pools = NULL;
        sleep_ms(5);
        drop_error();
        cr_assert_geq(mtdb_db_maintain(db, MTDB_FOREVER, &err), 0, "%s", mtdb_error_message(err));
        ok(mtdb_pool_stats(db, &pools, &err));
        open = rows_left(pools);
        finish(pools);
    }
    cr_assert_eq(open, 0, "an idle pool stays open");
}

Test(db, ping_reads_a_tenant_that_exists) {
    create_tenant("acme");
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
}

Test(db, ping_never_creates_a_tenant) {
    reopen(NULL, OPTIONS("tenant.create", "on_first_use"));
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, PLENTY_MS, NULL, &err));
    cr_assert_not(file_exists("ghost.db"));
}

Test(db, ping_notices_a_file_that_is_no_database) {
    write_file("acme.db", "this is not a database, whatever its name says, and long enough to be read as one\n");
    fails(MTDB_CORRUPT, mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
}
