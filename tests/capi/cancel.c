// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { ROUNDS = 10000, SOON_MS = 3000 };

static mtdb_cancel *cancel;

static void begin(void) {
    open_db();
    ok(mtdb_cancel_new(&cancel, &err));
}

static void end(void) {
    mtdb_cancel_release(cancel);
    close_db();
}

TestSuite(cancel, .init = begin, .fini = end, .timeout = 120);

static int64_t next_generation(void) {
    int64_t generation = 0;
    ok(mtdb_cancel_reset(cancel, &generation, &err));
    return generation;
}

Test(cancel, is_sticky_until_reset) {
    create_tenant("acme");
    ok(mtdb_cancel_trigger(cancel, 0, &err));
    fails(MTDB_CANCELLED, mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
    fails(MTDB_CANCELLED, mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
    next_generation();
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
}

Test(cancel, a_trigger_for_a_passed_generation_does_nothing) {
    create_tenant("acme");
    const int64_t now = next_generation();
    returns(MTDB_DONE, mtdb_cancel_trigger(cancel, now - 1, &err));
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
}

Test(cancel, a_trigger_for_the_present_generation_works_by_its_number) {
    create_tenant("acme");
    ok(mtdb_cancel_trigger(cancel, next_generation(), &err));
    fails(MTDB_CANCELLED, mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
}

struct late {
    _Atomic int64_t target;  // the generation to trigger: always of an operation that is over
    atomic_bool stop;
    int64_t pulled;
};

static void *pull_late(void *argument) {
    struct late *late = argument;
    while (!atomic_load(&late->stop)) {
        const int64_t target = atomic_load(&late->target);
        if (target > 0) mtdb_cancel_trigger(cancel, target, NULL);
        ++late->pulled;
    }
    return NULL;
}

Test(cancel, a_late_one_never_touches_the_next_operation) {
    mtdb_conn *conn = lease_with_table("acme");
    struct late late = {0};
    pthread_t puller;
    pthread_create(&puller, NULL, pull_late, &late);
    int64_t cancelled = 0;
    for (int round = 0; round < ROUNDS; ++round) {
        const int64_t generation = next_generation();
        const mtdb_status status =
            mtdb_conn_exec(conn, "SELECT count(*) FROM t", -1, NULL, 0, PLENTY_MS, cancel, NULL, NULL);
        if (status != MTDB_OK) ++cancelled;
        next_generation();
        atomic_store(&late.target, generation);
    }
    atomic_store(&late.stop, true);
    pthread_join(puller, NULL);
    cr_assert_eq(cancelled, 0);
    give_back(conn);
}

Test(cancel, one_that_hits_leaves_the_connection_whole) {
    mtdb_conn *conn = lease_with_table("acme");
    struct late puller_state = {0};
    pthread_t puller;
    pthread_create(&puller, NULL, pull_late, &puller_state);
    for (int round = 0; round < ROUNDS; ++round) {
        atomic_store(&puller_state.target, next_generation());
        const mtdb_status status =
            mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, cancel, NULL, NULL);
        cr_assert(status == MTDB_OK || status == MTDB_CANCELLED, "%s", mtdb_status_name(status));
        if (round % 10 == 0) run(conn, "DELETE FROM t");
    }
    atomic_store(&puller_state.stop, true);
    pthread_join(puller, NULL);
    cr_assert_eq(int_of(conn, "SELECT 41 + 1"), 42);
    give_back(conn);
}

Test(cancel, from_another_thread_ends_a_long_query) {
    mtdb_conn *conn = lease_with_table("acme");
    trigger *other = trigger_after(cancel, 50);
    const int64_t start = now_ms();
    fails(MTDB_CANCELLED, mtdb_conn_exec(conn, ENDLESS_QUERY, -1, NULL, 0, PLENTY_MS, cancel, NULL, &err));
    cr_assert_lt(now_ms() - start, SOON_MS);
    trigger_join(other);
    cr_assert_eq(int_of(conn, "SELECT 42"), 42);
    give_back(conn);
}

Test(cancel, a_deadline_ends_a_long_query) {
    mtdb_conn *conn = lease_with_table("acme");
    const int64_t start = now_ms();
    fails(MTDB_TIMEOUT, mtdb_conn_exec(conn, ENDLESS_QUERY, -1, NULL, 0, 50, NULL, NULL, &err));
    cr_assert_lt(now_ms() - start, SOON_MS);
    cr_assert_geq(now_ms() - start, 49);
    give_back(conn);
}

Test(cancel, a_deadline_covers_the_reading_of_rows) {
    mtdb_conn *conn = lease_with_table("acme");
    mtdb_result *result = NULL;
    ok(mtdb_conn_query(conn, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", -1,
                       NULL, 0, 100, NULL, &result, &err));
    mtdb_status status = MTDB_OK;
    const int64_t start = now_ms();
    while (status == MTDB_OK && now_ms() - start < SOON_MS) {
        drop_error();
        status = mtdb_result_next(result, &err);
    }
    cr_assert_eq(status, MTDB_TIMEOUT);
    finish(result);
    give_back(conn);
}

Test(cancel, ends_the_reading_of_rows_and_the_lease_stays_whole) {
    mtdb_conn *conn = lease_with_table("acme");
    mtdb_result *result = NULL;
    ok(mtdb_conn_query(conn, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", -1,
                       NULL, 0, PLENTY_MS, cancel, &result, &err));
    ok(mtdb_result_next(result, &err));
    ok(mtdb_cancel_trigger(cancel, 0, &err));
    mtdb_status status = MTDB_OK;
    for (const int64_t start = now_ms(); status == MTDB_OK && now_ms() - start < SOON_MS;) {
        drop_error();
        status = mtdb_result_next(result, &err);
    }
    cr_assert_eq(status, MTDB_CANCELLED);
    finish(result);
    cr_assert_eq(int_of(conn, "SELECT 42"), 42);
    give_back(conn);
}

Test(cancel, ends_a_wait_for_the_pool) {
    reopen(NULL, OPTIONS("pool.size_max", "1"));
    mtdb_conn *holder = lease_with_table("acme");
    mtdb_conn *waiter = GARBAGE;
    trigger *other = trigger_after(cancel, 50);
    const int64_t start = now_ms();
    fails(MTDB_CANCELLED, mtdb_db_acquire(db, "acme", -1, NULL, PLENTY_MS, cancel, &waiter, &err));
    cr_assert_null(waiter);
    cr_assert_lt(now_ms() - start, SOON_MS);
    trigger_join(other);
    give_back(holder);
}

Test(cancel, ends_a_wait_for_the_writer_turn) {
    mtdb_conn *writer = lease_with_table("acme");
    mtdb_conn *waiter = lease("acme");
    ok(mtdb_tx_begin(writer, NULL, PLENTY_MS, NULL, &err));
    trigger *other = trigger_after(cancel, 50);
    const int64_t start = now_ms();
    fails(MTDB_CANCELLED,
          mtdb_conn_exec(waiter, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, cancel, NULL, &err));
    cr_assert_lt(now_ms() - start, SOON_MS);
    trigger_join(other);
    ok(mtdb_tx_rollback(writer, &err));
    run(waiter, "INSERT INTO t VALUES (2)");
    give_back(waiter);
    give_back(writer);
}

Test(cancel, a_deadline_ends_a_wait_for_the_writer_turn) {
    mtdb_conn *writer = lease_with_table("acme");
    mtdb_conn *waiter = lease("acme");
    ok(mtdb_tx_begin(writer, NULL, PLENTY_MS, NULL, &err));
    fails(MTDB_TIMEOUT, mtdb_tx_begin(waiter, NULL, 50, NULL, &err));
    give_back(writer);
    give_back(waiter);
}

// Another program's lock on the tenant's file.
static sqlite3 *stranger_writes(void) {
    sqlite3 *stranger = NULL;
    cr_assert_eq(sqlite3_open_v2(path_of("acme.db"), &stranger, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    static const char sql[] = "BEGIN IMMEDIATE; INSERT INTO t VALUES ('theirs')";
    cr_assert_eq(sqlite3_exec(stranger, sql, NULL, NULL, NULL), SQLITE_OK);
    return stranger;
}

Test(cancel, ends_a_wait_for_a_file_that_another_program_writes) {
    mtdb_conn *conn = lease_with_table("acme");
    sqlite3 *stranger = stranger_writes();
    trigger *other = trigger_after(cancel, 50);
    const int64_t start = now_ms();
    fails(MTDB_CANCELLED,
          mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, cancel, NULL, &err));
    cr_assert_lt(now_ms() - start, SOON_MS);
    trigger_join(other);
    sqlite3_close(stranger);
    run(conn, "INSERT INTO t VALUES (2)");
    give_back(conn);
}

Test(cancel, a_deadline_ends_a_wait_for_a_file_that_another_program_writes) {
    mtdb_conn *conn = lease_with_table("acme");
    sqlite3 *stranger = stranger_writes();
    const int64_t start = now_ms();
    drop_error();
    const mtdb_status status =
        mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, 100, NULL, NULL, &err);
    cr_assert(status == MTDB_TIMEOUT || status == MTDB_BUSY, "%s", mtdb_status_name(status));
    cr_assert_geq(now_ms() - start, 90);
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    sqlite3_close(stranger);
    give_back(conn);
}

Test(cancel, a_file_that_another_program_leaves_is_taken_at_once) {
    mtdb_conn *conn = lease_with_table("acme");
    sqlite3 *stranger = stranger_writes();
    cr_assert_eq(sqlite3_exec(stranger, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    run(conn, "INSERT INTO t VALUES (1)");
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 2);
    sqlite3_close(stranger);
    give_back(conn);
}
