// SPDX-License-Identifier: MIT
// What happens inside is told by polling: no thread of the library ever calls into the program.
#include "example.h"

enum { SEQ, AT, CLASS, LEVEL, NAME, TENANT, MESSAGE, FIELDS };

static _Alignas(8) char buffer[64 * 1024];

static void print_text(const mtdb_block_column *column, int32_t row) {
    if (column->type != MTDB_TYPE_TEXT) return;  // a column of NULLs
    const int32_t *offsets = (const void *)(buffer + column->data);
    printf(" %.*s", (int)(offsets[row + 1] - offsets[row]), buffer + column->heap + offsets[row]);
}

int main(int argc, char **argv) {
    mtdb_options *options = NULL;
    mtdb_conn *conn = NULL;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_str(options, "lease.tag", -1, "events.c, the forgetful part", -1, &err));
    mtdb_db *db = example_open(argc, argv, NULL);

    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, options, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_conn_exec(conn, "CREATE TABLE t(v)", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_tx_begin(conn, NULL, MTDB_DEFAULT, NULL, &err));
    check(mtdb_conn_close(conn, &err));  // with an open transaction: rolled back, and told
    mtdb_conn_release(conn);
    mtdb_options_release(options);

    int64_t rows = 0, used = 0, dropped = 0, seen = 0;
    while (check(mtdb_events_poll(db, 0, NULL, buffer, sizeof buffer, &rows, &used, &dropped, &err)) == MTDB_OK) {
        const mtdb_block_column *columns = (const void *)(buffer + sizeof(mtdb_block_header));
        const int64_t *numbers = (const void *)(buffer + columns[SEQ].data);
        for (int32_t row = 0; row < rows; ++row, ++seen) {
            printf("%d", (int)numbers[row]);
            print_text(&columns[LEVEL], row);
            print_text(&columns[NAME], row);
            print_text(&columns[MESSAGE], row);
            puts("");
        }
        expect(dropped == 0);
    }
    expect(seen > 0);
    return example_close(db);
}
