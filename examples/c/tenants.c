// SPDX-License-Identifier: MIT
// A tenant's life: checked, created, copied while it lives, listed, dropped.
#include "example.h"

static void exec(mtdb_db *db, const char *tenant, const char *sql) {
    check(mtdb_db_exec(db, tenant, -1, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
}

static int64_t list(mtdb_db *db) {
    mtdb_result *tenants = NULL;
    int64_t count = 0;
    check(mtdb_tenant_list(db, MTDB_DEFAULT, NULL, &tenants, &err));
    for (; check(mtdb_result_next(tenants, &err)) == MTDB_OK; ++count)
        printf("  %s\n", mtdb_value_text(tenants, 0, NULL));
    mtdb_result_release(tenants);
    return count;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    int32_t found = 0;

    // An id is checked before anything is touched, and a tenant is made only by this call.
    expect(mtdb_tenant_check(db, "../etc", -1, &err) == MTDB_INVALID_ARGUMENT);
    printf("%s\n", mtdb_error_message(err));
    mtdb_error_release(err);
    expect(mtdb_db_ping(db, "acme", -1, MTDB_DEFAULT, NULL, &err) == MTDB_TENANT_UNKNOWN);
    mtdb_error_release(err);
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_ping(db, "acme", -1, MTDB_DEFAULT, NULL, &err));

    // A copy is a snapshot of a living tenant, complete or absent.
    exec(db, "acme", "CREATE TABLE t(v)");
    exec(db, "acme", "INSERT INTO t VALUES (1)");
    check(mtdb_tenant_copy(db, "acme", -1, "acme-staging", -1, MTDB_DEFAULT, NULL, &err));
    exec(db, "acme-staging", "DELETE FROM t");
    expect(list(db) == 2);

    // Nobody can lose a tenant that is in use.
    mtdb_conn *conn = NULL;
    check(mtdb_db_acquire(db, "acme-staging", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    expect(mtdb_tenant_drop(db, "acme-staging", -1, 0, NULL, &err) == MTDB_BUSY);
    mtdb_error_release(err);
    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);

    check(mtdb_tenant_drop(db, "acme-staging", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_tenant_exists(db, "acme-staging", -1, &found, &err));
    expect(found == 0);
    expect(list(db) == 1);
    return example_close(db);
}
