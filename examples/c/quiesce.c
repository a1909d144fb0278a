// SPDX-License-Identifier: MIT
// A deployment pauses the application, changes its schemas, and lets it go on; and the hold of one tenant.
#include "example.h"

static mtdb_status try_lease(mtdb_db *db, const char *tenant) {
    mtdb_conn *conn = NULL;
    mtdb_error *error = NULL;
    const mtdb_status status = mtdb_db_acquire(db, tenant, -1, NULL, MTDB_DEFAULT, NULL, &conn, &error);
    if (status < 0) printf("refused: %s\n", mtdb_error_message(error));
    if (status == MTDB_OK) check(mtdb_conn_close(conn, &err));
    mtdb_error_release(error);
    mtdb_conn_release(conn);
    return status;
}

// Pauses everyone, migrates, and lets them go on.
static void deploy(mtdb_db *db, mtdb_quiesce *quiesce) {
    char token[32];
    int64_t needed = 0, granted_ms = 0, applied = 0;
    mtdb_result *parked = NULL;
    mtdb_migrator *migrator = NULL;

    check(mtdb_quiesce_set(quiesce, "global", -1, "release 42", -1, "new column", -1, 10 * 60 * 1000, 0, MTDB_DEFAULT,
                           NULL, token, sizeof token, &needed, &granted_ms, &err));
    expect(granted_ms == 10 * 60 * 1000);
    check(mtdb_quiesce_wait_parked(quiesce, "global", -1, 30000, NULL, &parked, &err));
    while (check(mtdb_result_next(parked, &err)) == MTDB_OK)
        printf("%s is parked\n", mtdb_value_text(parked, 0, NULL));
    mtdb_result_release(parked);
    expect(try_lease(db, "acme") == MTDB_TENANT_HELD);

    // This db's migrator passes the flag; one elsewhere would take the token as option migrate.quiesce_token.
    check(mtdb_migrator_new(db, NULL, &migrator, &err));
    check(mtdb_migrator_add(migrator, "1", -1, "notes", -1, "CREATE TABLE notes(v)", -1, NULL, 0, &err));
    check(mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, MTDB_DEFAULT, NULL, &applied, &err));
    mtdb_migrator_release(migrator);

    check(mtdb_quiesce_clear(quiesce, "global", -1, "release 42", -1, token, sizeof token, 0, MTDB_DEFAULT, NULL,
                             &err));
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_quiesce *quiesce = NULL;
    int64_t stamp = 0, next = 0;
    int32_t state = 0;

    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_quiesce_new(db, NULL, &quiesce, &err));  // in memory: a real one has option quiesce.store
    check(mtdb_quiesce_create(quiesce, MTDB_DEFAULT, NULL, &err));
    check(mtdb_quiesce_enable(quiesce, MTDB_DEFAULT, NULL, &err));
    check(mtdb_quiesce_watch(quiesce, "global", -1, 0, 0, NULL, &stamp, &state, &err));
    deploy(db, quiesce);
    check(mtdb_quiesce_watch(quiesce, "global", -1, stamp, MTDB_DEFAULT, NULL, &next, &state, &err));
    expect(state == MTDB_QUIESCE_CLEARED);
    while (try_lease(db, "acme") != MTDB_OK) continue;  // until this process has seen it too

    check(mtdb_tenant_hold(db, "acme", -1, MTDB_HOLD_REFUSE, 0, MTDB_DEFAULT, NULL, &err));
    expect(try_lease(db, "acme") == MTDB_TENANT_HELD);
    check(mtdb_tenant_resume(db, "acme", -1, &err));
    expect(try_lease(db, "acme") == MTDB_OK);

    check(mtdb_quiesce_close(quiesce, &err));
    mtdb_quiesce_release(quiesce);
    return example_close(db);
}
