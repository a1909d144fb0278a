// SPDX-License-Identifier: MIT
// Finalizers run in any order on any thread: every order of release must be safe, and nothing may be left over.
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MTDB_UNSTABLE
#include "mtdb_unstable.h"

enum { THREADS = 6, ROUNDS = 40, TENANTS = 3, HANDLES_MAX = 64 };

typedef void (*releaser)(void *owned);

struct owned {
    releaser release;
    void *handle;
};

static struct owned pile[HANDLES_MAX];
static int piled;
static atomic_int taken;

static void release_db(void *owned) { mtdb_db_release(owned); }
static void release_conn(void *owned) { mtdb_conn_release(owned); }
static void release_stmt(void *owned) { mtdb_stmt_release(owned); }
static void release_result(void *owned) { mtdb_result_release(owned); }
static void release_cancel(void *owned) { mtdb_cancel_release(owned); }
static void release_error(void *owned) { mtdb_error_release(owned); }
static void release_migrator(void *owned) { mtdb_migrator_release(owned); }

static void keep(releaser release, void *handle) {
    cr_assert_not_null(handle);
    cr_assert_lt(piled, HANDLES_MAX);
    pile[piled++] = (struct owned){release, handle};
}

// Everything a tenant's work leaves behind, closed or not.
static void keep_work_of(const char *tenant, mtdb_cancel *cancel, bool closed) {
    mtdb_conn *conn = lease(tenant);
    mtdb_stmt *stmt = NULL;
    mtdb_result *rows = NULL, *one_shot = NULL;
    ok(mtdb_stmt_prepare(conn, "SELECT v FROM t", -1, PLENTY_MS, cancel, &stmt, &err));
    ok(mtdb_stmt_execute(stmt, PLENTY_MS, cancel, &rows, &err));
    ok(mtdb_result_next(rows, &err));
    ok(mtdb_db_query(db, tenant, -1, "SELECT v FROM t", -1, NULL, 0, PLENTY_MS, cancel, &one_shot, &err));
    if (closed) {
        ok(mtdb_result_close(rows, &err));
        ok(mtdb_stmt_close(stmt, &err));
        ok(mtdb_conn_close(conn, &err));
    }
    keep(release_conn, conn);
    keep(release_stmt, stmt);
    keep(release_result, rows);
    keep(release_result, one_shot);
}

static void fill_pile(unsigned seed) {
    mtdb_cancel *cancel = NULL;
    mtdb_migrator *migrator = NULL;
    piled = 0;
    reopen(NULL, NULL);
    ok(mtdb_cancel_new(&cancel, &err));
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    for (int i = 0; i < TENANTS; ++i) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", i);
        keep_work_of(tenant, cancel, (seed + (unsigned)i) % 2 == 0);
    }
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "ghost", -1, 0, NULL, &err));
    keep(release_error, err);
    keep(release_cancel, cancel);
    keep(release_migrator, migrator);
    keep(release_db, db);
    err = NULL;
    db = NULL;
}

static void shuffle(unsigned seed) {
    for (int i = piled - 1; i > 0; --i) {
        seed = seed * 1664525U + 1013904223U;
        const int other = (int)((seed >> 8) % (unsigned)(i + 1));
        const struct owned kept = pile[i];
        pile[i] = pile[other];
        pile[other] = kept;
    }
}

static void *release_some(void *unused) {
    for (int i; (i = atomic_fetch_add(&taken, 1)) < piled;) pile[i].release(pile[i].handle);
    return unused;
}

static void begin(void) {
    open_db();
    for (int i = 0; i < TENANTS; ++i) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", i);
        mtdb_conn *conn = lease_with_table(tenant);
        run(conn, "INSERT INTO t VALUES (1), (2), (3)");
        give_back(conn);
    }
    mtdb_db_release(db);
    db = NULL;
}

TestSuite(release, .init = begin, .fini = close_db, .timeout = 120);

Test(release, in_every_order_on_one_thread_leaves_nothing) {
    for (unsigned seed = 0; seed < ROUNDS; ++seed) {
        fill_pile(seed);
        shuffle(seed);
        atomic_store(&taken, 0);
        release_some(NULL);
        cr_assert_eq(mtdb_unstable_live_handles(), 0, "seed %u", seed);
    }
}

Test(release, in_every_order_from_many_threads_leaves_nothing) {
    for (unsigned seed = 0; seed < ROUNDS; ++seed) {
        pthread_t threads[THREADS];
        fill_pile(seed);
        shuffle(seed);
        atomic_store(&taken, 0);
        for (int i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, release_some, NULL);
        for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
        cr_assert_eq(mtdb_unstable_live_handles(), 0, "seed %u", seed);
    }
}

Test(release, of_null_does_nothing) {
    mtdb_error_release(NULL);
    mtdb_options_release(NULL);
    mtdb_cancel_release(NULL);
    mtdb_db_release(NULL);
    mtdb_conn_release(NULL);
    mtdb_stmt_release(NULL);
    mtdb_result_release(NULL);
    mtdb_block_release(NULL);
    mtdb_migrator_release(NULL);
}
