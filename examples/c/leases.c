// SPDX-License-Identifier: MIT
// Threads borrow connections; each lease stands in one tenant and sees nothing else.
#include <pthread.h>

#include "example.h"

enum { THREADS = 4, ROUNDS = 50 };

struct worker {
    pthread_t thread;
    mtdb_db *db;
    const char *tenant;
    mtdb_status status;
};

static mtdb_status write_mark(mtdb_db *db, const char *tenant) {
    char sql[64];
    mtdb_conn *conn = NULL;
    snprintf(sql, sizeof sql, "INSERT INTO mark VALUES ('%s')", tenant);
    mtdb_status status = mtdb_db_acquire(db, tenant, -1, NULL, MTDB_DEFAULT, NULL, &conn, NULL);
    if (status != MTDB_OK) return status;
    status = mtdb_conn_exec(conn, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, NULL);
    mtdb_conn_close(conn, NULL);  // gives the connection back
    mtdb_conn_release(conn);      // gives the handle back
    return status;
}

static void *work(void *argument) {
    struct worker *self = argument;
    for (int i = 0; i < ROUNDS && self->status == MTDB_OK; ++i) self->status = write_mark(self->db, self->tenant);
    return NULL;
}

static int64_t count(mtdb_db *db, const char *tenant, const char *sql) {
    mtdb_result *row = NULL;
    check(mtdb_db_query(db, tenant, -1, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, &row, &err));
    expect(check(mtdb_result_next(row, &err)) == MTDB_OK);
    const int64_t value = mtdb_value_int64(row, 0);
    mtdb_result_release(row);
    return value;
}

int main(int argc, char **argv) {
    static const char *const tenants[] = {"acme", "beta"};
    mtdb_db *db = example_open(argc, argv, NULL);
    struct worker workers[THREADS] = {0};

    for (int i = 0; i < 2; ++i) {
        check(mtdb_tenant_create(db, tenants[i], -1, MTDB_DEFAULT, NULL, &err));
        check(mtdb_db_exec(db, tenants[i], -1, "CREATE TABLE mark(tenant)", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL,
                           &err));
    }
    for (int i = 0; i < THREADS; ++i) {
        workers[i] = (struct worker){.db = db, .tenant = tenants[i % 2]};
        expect(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(workers[i].thread, NULL);
        expect(workers[i].status == MTDB_OK);
    }
    expect(count(db, "acme", "SELECT count(*) FROM mark WHERE tenant = 'acme'") == THREADS / 2 * ROUNDS);
    expect(count(db, "acme", "SELECT count(*) FROM mark WHERE tenant <> 'acme'") == 0);
    expect(count(db, "beta", "SELECT count(*) FROM mark WHERE tenant <> 'beta'") == 0);
    puts("every row is where it belongs");
    return example_close(db);
}
