// SPDX-License-Identifier: MIT
// Reads rows with the cursor: names, types, values. On SQLite each value has a type of its own.
#include "example.h"

static void print_value(const mtdb_result *row, int32_t column) {
    int64_t len = 0;
    const char *text = mtdb_value_text(row, column, &len);
    switch (mtdb_value_type(row, column)) {
        case MTDB_TYPE_NULL: printf(" NULL"); break;
        case MTDB_TYPE_INT64: printf(" %lld", (long long)mtdb_value_int64(row, column)); break;
        case MTDB_TYPE_DOUBLE: printf(" %g", mtdb_value_double(row, column)); break;
        case MTDB_TYPE_TEXT: printf(" '%.*s'", (int)len, text); break;
        default: printf(" %d bytes", (int)len);
    }
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;
    mtdb_result *rows = NULL;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_conn_exec_script(conn,
                                "CREATE TABLE item(id INTEGER PRIMARY KEY, value);"
                                "INSERT INTO item(value) VALUES (42), (2.5), ('text'), (x'00ff'), (NULL);",
                                -1, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_conn_query(conn, "SELECT id, value FROM item ORDER BY id", -1, NULL, 0, MTDB_DEFAULT, NULL, &rows,
                          &err));

    int32_t columns = 0;
    check(mtdb_result_column_count(rows, &columns, &err));
    expect(columns == 2);
    for (int32_t column = 0; column < columns; ++column) {
        char name[32];
        int64_t len = 0;
        check(mtdb_result_column_name(rows, column, name, sizeof name, &len, &err));
        printf("%.*s ", (int)len, name);
    }
    puts("");

    int count = 0;
    for (; check(mtdb_result_next(rows, &err)) == MTDB_OK; ++count) {
        for (int32_t column = 0; column < columns; ++column) print_value(rows, column);
        puts("");
    }
    expect(count == 5);

    mtdb_result_release(rows);
    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
