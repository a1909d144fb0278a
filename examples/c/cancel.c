// SPDX-License-Identifier: MIT
// Ends a statement from another thread, or by its deadline. A cancel that comes late never hits the next statement.
#define _POSIX_C_SOURCE 200809L  // nanosleep
#include <pthread.h>
#include <time.h>

#include "example.h"

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

struct order {
    mtdb_cancel *cancel;
    int64_t generation;  // which operation is meant
};

static void *trigger_soon(void *argument) {
    const struct order *order = argument;
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    mtdb_cancel_trigger(order->cancel, order->generation, NULL);
    return NULL;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;
    struct order order = {0};
    pthread_t other;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_cancel_new(&order.cancel, &err));
    check(mtdb_cancel_reset(order.cancel, &order.generation, &err));

    expect(pthread_create(&other, NULL, trigger_soon, &order) == 0);
    expect(mtdb_conn_exec(conn, ENDLESS, -1, NULL, 0, MTDB_FOREVER, order.cancel, NULL, &err) == MTDB_CANCELLED);
    puts(mtdb_error_message(err));
    mtdb_error_release(err);
    pthread_join(other, NULL);

    // The next operation is a new generation: triggers for the old one answer DONE and touch nothing.
    check(mtdb_cancel_reset(order.cancel, NULL, &err));
    expect(check(mtdb_cancel_trigger(order.cancel, order.generation, &err)) == MTDB_DONE);
    check(mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, MTDB_DEFAULT, order.cancel, NULL, &err));

    // A deadline needs no second thread.
    expect(mtdb_conn_exec(conn, ENDLESS, -1, NULL, 0, 20, NULL, NULL, &err) == MTDB_TIMEOUT);
    puts(mtdb_error_message(err));
    mtdb_error_release(err);

    mtdb_cancel_release(order.cancel);
    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
