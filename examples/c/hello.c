// SPDX-License-Identifier: MIT
// Hello, tenants: open a db, make a tenant, write a row, read it back. Nothing else is needed.
#include <mtdb.h>
#include <stdio.h>
#include <stdlib.h>

static mtdb_error *err;

static void check(mtdb_status status) {
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", mtdb_status_name(status), mtdb_error_message(err));
    exit(EXIT_FAILURE);
}

int main(void) {
    mtdb_db *db = NULL;
    mtdb_result *rows = NULL;
    check(mtdb_db_open("sqlite::memory:", -1, NULL, &db, &err));
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_exec(db, "acme", -1, "CREATE TABLE t(v)", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_db_exec(db, "acme", -1, "INSERT INTO t VALUES ('hello')", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_db_query(db, "acme", -1, "SELECT v FROM t", -1, NULL, 0, MTDB_DEFAULT, NULL, &rows, &err));
    while (mtdb_result_next(rows, &err) == MTDB_OK) puts(mtdb_value_text(rows, 0, NULL));
    mtdb_result_release(rows);
    mtdb_db_release(db);
}
