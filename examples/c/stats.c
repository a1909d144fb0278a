// SPDX-License-Identifier: MIT
// The figures of a db, of its pools, of one tenant.
#include "example.h"

static int64_t print_rows(mtdb_result *owned) {
    int64_t rows = 0;
    int32_t columns = 0;
    check(mtdb_result_column_count(owned, &columns, &err));
    for (; check(mtdb_result_next(owned, &err)) == MTDB_OK; ++rows) {
        for (int32_t column = 0; column < columns; ++column) {
            const char *text = mtdb_value_text(owned, column, NULL);
            if (text != NULL)
                printf(" %-28s", text);
            else
                printf(" %8lld", (long long)mtdb_value_int64(owned, column));
        }
        puts("");
    }
    mtdb_result_release(owned);
    return rows;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;
    mtdb_result *figures = NULL;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_conn_exec(conn, "CREATE TABLE t(v)", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));

    puts("the db: name, unit, value");
    check(mtdb_db_stats(db, &figures, &err));
    expect(print_rows(figures) > 0);

    puts("its pools: open, idle, leased, waiting, writing, files, bytes, idle ms");
    check(mtdb_pool_stats(db, &figures, &err));
    expect(print_rows(figures) == 1);

    puts("acme");
    check(mtdb_tenant_stats(db, "acme", -1, &figures, &err));
    expect(print_rows(figures) > 0);

    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
