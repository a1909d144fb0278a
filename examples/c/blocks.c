// SPDX-License-Identifier: MIT
// Reads ten thousand rows in blocks, straight from the bytes: one call for hundreds of rows, no call per value.
#include "example.h"

enum { ROWS = 10000 };

static _Alignas(8) char buffer[64 * 1024];

// Adds up column 0 (INT64) and the bytes of column 1 (TEXT) of one block.
static void read_block(int64_t *sum, int64_t *text_bytes) {
    const mtdb_block_header *header = (const void *)buffer;
    const mtdb_block_column *columns = (const void *)(header + 1);
    expect(header->magic == MTDB_BLOCK_MAGIC && header->version == MTDB_BLOCK_VERSION && header->columns == 2);
    if (header->rows == 0) return;  // The last block may be empty: then its columns have no type.

    expect(columns[0].type == MTDB_TYPE_INT64 && columns[0].validity == 0);
    expect(columns[1].type == MTDB_TYPE_TEXT && columns[1].validity == 0);
    const int64_t *numbers = (const void *)(buffer + columns[0].data);
    const int32_t *offsets = (const void *)(buffer + columns[1].data);
    for (int32_t row = 0; row < header->rows; ++row) *sum += numbers[row];
    *text_bytes += offsets[header->rows] - offsets[0];
    if (numbers[0] == 1) printf("the first text is '%.*s'\n", (int)(offsets[1] - offsets[0]), buffer + columns[1].heap);
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_result *result = NULL;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_query(db, "acme", -1,
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                        " SELECT i, 'row ' || i FROM n",
                        -1, NULL, 0, MTDB_DEFAULT, NULL, &result, &err));

    int64_t sum = 0, text_bytes = 0, total = 0, blocks = 0;
    for (mtdb_status status = MTDB_OK; status == MTDB_OK; ++blocks) {
        int64_t rows = 0, used = 0;
        status = check(mtdb_result_fetch(result, buffer, sizeof buffer, 0, &rows, &used, &err));
        expect(status != MTDB_TRUNCATED);
        read_block(&sum, &text_bytes);
        total += rows;
    }
    printf("%d rows in %d blocks, %d bytes of text\n", (int)total, (int)blocks, (int)text_bytes);
    expect(total == ROWS);
    expect(sum == (int64_t)ROWS * (ROWS + 1) / 2);

    mtdb_result_release(result);
    return example_close(db);
}
