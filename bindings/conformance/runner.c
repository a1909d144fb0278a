/* SPDX-License-Identifier: MIT
 * Usage: conformance_runner FILE...
 * Runs the shared vectors (README.md) against libmtdb, says what differs, and ends with `N passed, N failed`. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mtdb.h"
#include "parallel.h"
#include "value.h"

enum { CELLS_MAX = 20000, COLUMNS_MAX = 64, BLOCKS_MAX = 64 };

/* What a test works with; a step finds its handles here. */
struct run {
    const char *file;
    const char *test;
    const cJSON *step;
    int number;
    int passed;
    int failed;
    int wrong; /* checks of the present test that did not hold */
    mtdb_db *db;
    mtdb_conn *conn;
    char tenant[32];
};

/* Rows as they came, with the column types of each block. */
struct table {
    int64_t columns;
    int64_t cells;
    int64_t blocks;
    struct value *values;
    int32_t types[BLOCKS_MAX][COLUMNS_MAX];
};

static void complain(struct run *run, const char *what, const char *got, const char *want) {
    ++run->wrong;
    printf("FAILED %s: %s: step %d: %s: got %s, want %s\n", run->file, run->test, run->number, what, got, want);
}

static void expect_text(struct run *run, const char *what, const char *got, const char *want) {
    if (strcmp(got, want) != 0) complain(run, what, got, want);
}

static void expect_number(struct run *run, const char *what, int64_t got, int64_t want) {
    char texts[2][32];
    if (got == want) return;
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)got);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)want);
    complain(run, what, texts[0], texts[1]);
}

static const char *text_of(const cJSON *object, const char *key, const char *otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

static int64_t number_of(const cJSON *object, const char *key, int64_t otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

/* The call's text: `sql`, and `sql_len` where a test is about lengths. */
static const char *sql_of(const struct run *run, int64_t *length) {
    *length = number_of(run->step, "sql_len", -1);
    return text_of(run->step, "sql", NULL);
}

static void expect_error_field(struct run *run, const mtdb_error *err, const cJSON *field) {
    static const struct {
        const char *name;
        int32_t text;
    } texts[] = {{"sqlstate", MTDB_ERROR_SQLSTATE},
                 {"engine", MTDB_ERROR_ENGINE},
                 {"tenant", MTDB_ERROR_TENANT},
                 {"message", MTDB_ERROR_MESSAGE}};
    static const struct {
        const char *name;
        int64_t (*get)(const mtdb_error *);
    } numbers[] = {{"native", mtdb_error_native},
                   {"line", mtdb_error_line},
                   {"column", mtdb_error_column},
                   {"statement", mtdb_error_statement}};
    static const char *const effects[] = {"none", "rolled_back", "committed", "unknown"};
    char buf[1024] = "";
    int64_t needed = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
        if (strcmp(texts[i].name, field->string) != 0) continue;
        mtdb_error_text(err, texts[i].text, buf, sizeof buf - 1, &needed);
        buf[needed < (int64_t)sizeof buf ? needed : 0] = '\0';
        expect_text(run, field->string, buf, field->valuestring);
        return;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
        if (strcmp(numbers[i].name, field->string) != 0) continue;
        expect_number(run, field->string, numbers[i].get(err), (int64_t)field->valuedouble);
        return;
    }
    const int32_t effect = mtdb_error_effect(err);
    if (strcmp(field->string, "effect") == 0)
        expect_text(run, "effect", effect >= 0 && effect <= 3 ? effects[effect] : "no effect", field->valuestring);
    else if (strcmp(field->string, "retryable") == 0)
        expect_number(run, "retryable", mtdb_error_retryable(err), cJSON_IsTrue(field));
    else
        complain(run, "error", "a field that the runner does not know", field->string);
}

/* Compares with the step's `status` (OK without one) and `error`, and gives the error back. */
static void expect_outcome(struct run *run, mtdb_status status, mtdb_error *err) {
    const char *want = text_of(run->step, "status", "OK");
    if (strcmp(mtdb_status_name(status), want) != 0) {
        complain(run, "status", mtdb_status_name(status), want);
        if (err != NULL) printf("    %s\n", mtdb_error_message(err));
    } else {
        const cJSON *field;
        cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(run->step, "error")) {
            expect_error_field(run, err, field);
        }
    }
    if (status < 0) expect_number(run, "status of the error", mtdb_error_status(err), status);
    mtdb_error_release(err);
}

/* ---- rows ---- */

static void take_block(struct run *run, struct table *table, const char *block) {
    mtdb_block_header header;
    memcpy(&header, block, sizeof header);
    expect_number(run, "magic", header.magic, MTDB_BLOCK_MAGIC);
    table->columns = header.columns;
    if (header.rows == 0) return;
    if (header.columns > COLUMNS_MAX || table->blocks == BLOCKS_MAX ||
        table->cells + (int64_t)header.rows * header.columns > CELLS_MAX) {
        complain(run, "rows", "more than the runner holds", "fewer");
        return;
    }
    for (int32_t column = 0; column < header.columns; ++column) {
        mtdb_block_column entry;
        memcpy(&entry, block + sizeof header + (size_t)column * sizeof entry, sizeof entry);
        table->types[table->blocks][column] = entry.type;
    }
    ++table->blocks;
    for (int32_t row = 0; row < header.rows; ++row)
        for (int32_t column = 0; column < header.columns; ++column)
            table->values[table->cells++] = value_of_cell(block, column, row);
}

static mtdb_status read_all(struct run *run, mtdb_result *result, struct table *table, mtdb_error **err) {
    const int64_t max_rows = number_of(run->step, "max_rows", 0);
    int64_t cap = number_of(run->step, "buffer", 65536);
    char *buf = malloc((size_t)cap);
    mtdb_status status = MTDB_OK;
    while (status == MTDB_OK || status == MTDB_TRUNCATED) {
        int64_t rows = 0;
        int64_t used = 0;
        status = mtdb_result_fetch(result, buf, cap, max_rows, &rows, &used, err);
        if (status == MTDB_TRUNCATED) {
            if (used <= cap) complain(run, "fetch", "TRUNCATED that needs no more", "a greater need");
            cap = used > cap ? used : 2 * cap;
            buf = realloc(buf, (size_t)cap);
        } else if (status >= 0) {
            take_block(run, table, buf);
        }
    }
    free(buf);
    return status;
}

static void expect_cell(struct run *run, const struct value *got, const cJSON *expected, int64_t row, int64_t column) {
    struct value want;
    char texts[2][160];
    char what[48];
    if (!value_parse(expected->valuestring, &want)) {
        complain(run, "vector", expected->valuestring, "a tagged value");
    } else if (!value_equal(got, &want)) {
        snprintf(what, sizeof what, "row %lld column %lld", (long long)row, (long long)column);
        value_print(got, texts[0], sizeof texts[0]);
        value_print(&want, texts[1], sizeof texts[1]);
        complain(run, what, texts[0], texts[1]);
    }
    value_drop(&want);
}

static void expect_rows(struct run *run, const struct table *table) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(run->step, "rows");
    const cJSON *row;
    const cJSON *cell;
    int64_t index = 0;
    if (rows == NULL) return;
    const int64_t got = table->columns == 0 ? 0 : table->cells / table->columns;
    expect_number(run, "rows", got, cJSON_GetArraySize(rows));
    if (got != cJSON_GetArraySize(rows)) return;
    cJSON_ArrayForEach(row, rows) {
        expect_number(run, "columns", table->columns, cJSON_GetArraySize(row));
        if (table->columns != cJSON_GetArraySize(row)) return;
        cJSON_ArrayForEach(cell, row) {
            expect_cell(run, &table->values[index], cell, index / table->columns, index % table->columns);
            ++index;
        }
    }
}

/* `types`: of each column in the first block; `blocks`: a list of such lists, one for each block. */
static void expect_types(struct run *run, const struct table *table) {
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(run->step, "types");
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(run->step, "blocks");
    const cJSON *item;
    int64_t column = 0;
    cJSON_ArrayForEach(item, types) {
        expect_text(run, "type", type_name(table->types[0][column]), item->valuestring);
        ++column;
    }
    if (blocks == NULL) return;
    expect_number(run, "blocks", table->blocks, cJSON_GetArraySize(blocks));
    for (int64_t block = 0; block < table->blocks && block < cJSON_GetArraySize(blocks); ++block) {
        column = 0;
        cJSON_ArrayForEach(item, cJSON_GetArrayItem(blocks, (int)block)) {
            expect_text(run, "type in a block", type_name(table->types[block][column]), item->valuestring);
            ++column;
        }
    }
}

static void expect_columns(struct run *run, mtdb_result *result) {
    const cJSON *item;
    int32_t column = 0;
    char buf[256];
    int64_t needed = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(run->step, "columns")) {
        const mtdb_status status = mtdb_result_column_name(result, column++, buf, sizeof buf - 1, &needed, NULL);
        buf[status == MTDB_OK ? needed : 0] = '\0';
        expect_text(run, "column name", buf, item->valuestring);
    }
    column = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(run->step, "declared")) {
        const mtdb_status status = mtdb_result_column_declared(result, column++, buf, sizeof buf - 1, &needed, NULL);
        buf[status == MTDB_OK ? needed : 0] = '\0';
        expect_text(run, "declared type", buf, item->valuestring);
    }
}

static void expect_counts(struct run *run, mtdb_result *result) {
    int64_t number = 0;
    if (cJSON_HasObjectItem(run->step, "affected")) {
        mtdb_result_affected(result, &number, NULL);
        expect_number(run, "affected", number, number_of(run->step, "affected", 0));
    }
    if (cJSON_HasObjectItem(run->step, "insert_id")) {
        mtdb_result_insert_id(result, &number, NULL);
        expect_number(run, "insert_id", number, number_of(run->step, "insert_id", 0));
    }
}

/* Reads the result to its end; `status` and `err` are of the call that made it. */
static void expect_result(struct run *run, mtdb_result *result, mtdb_status status, mtdb_error *err) {
    struct table *table = calloc(1, sizeof *table);
    table->values = calloc(CELLS_MAX, sizeof *table->values);
    if (status == MTDB_OK) {
        expect_columns(run, result);
        status = read_all(run, result, table, &err);
        if (status == MTDB_DONE) status = MTDB_OK;
        expect_counts(run, result);
        expect_rows(run, table);
        expect_types(run, table);
    } else if (result != NULL) {
        complain(run, "result of a failed call", "a handle", "none");
    }
    expect_outcome(run, status, err);
    mtdb_result_release(result);
    for (int64_t i = 0; i < table->cells; ++i) value_drop(&table->values[i]);
    free(table->values);
    free(table);
}

/* ---- parameters ---- */

static int parse_item(struct run *run, const cJSON *item, struct value *value) {
    if (value_parse(cJSON_IsNull(item) ? NULL : item->valuestring, value)) return 1;
    complain(run, "vector", cJSON_IsNull(item) ? "null" : item->valuestring, "a tagged value");
    value_drop(value);
    return 0;
}

/* `params`: one row, or with `params_rows` several. NULL without either. */
static mtdb_block *parameters_of(struct run *run, const void **data, int64_t *size) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(run->step, "params_rows");
    const cJSON *single = cJSON_GetObjectItemCaseSensitive(run->step, "params");
    const int count = rows != NULL ? cJSON_GetArraySize(rows) : single != NULL;
    mtdb_block *block = NULL;
    *data = NULL;
    *size = 0;
    if (count == 0) return NULL;
    mtdb_status status = mtdb_block_new(&block, NULL);
    for (int i = 0; i < count; ++i) {
        const cJSON *row = rows != NULL ? cJSON_GetArrayItem(rows, i) : single;
        const cJSON *item;
        cJSON_ArrayForEach(item, row) {
            struct value value;
            if (!parse_item(run, item, &value)) continue;
            if (status == MTDB_OK) status = value_add(block, &value, NULL);
            value_drop(&value);
        }
        if (status == MTDB_OK) status = mtdb_block_end_row(block, NULL);
    }
    if (status == MTDB_OK) status = mtdb_block_data(block, data, size, NULL);
    expect_text(run, "parameters", mtdb_status_name(status), "OK");
    return block;
}

static int32_t index_of(struct run *run, mtdb_stmt *stmt, const cJSON *item) {
    int32_t index = 0;
    char *end;
    const long position = strtol(item->string, &end, 10);
    if (*end == '\0') return (int32_t)position;
    const mtdb_status status = mtdb_stmt_parameter_index(stmt, item->string, -1, &index, NULL);
    if (status != MTDB_OK) complain(run, "parameter name", mtdb_status_name(status), item->string);
    return index;
}

/* `bind`: values by index or by name. Stops at the first failure. */
static mtdb_status bind_all(struct run *run, mtdb_stmt *stmt, mtdb_error **err) {
    const cJSON *item;
    mtdb_status status = MTDB_OK;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(run->step, "bind")) {
        struct value value;
        if (!parse_item(run, item, &value)) continue;
        if (status == MTDB_OK) status = value_bind(stmt, index_of(run, stmt, item), &value, err);
        value_drop(&value);
    }
    return status;
}

/* ---- calls ---- */

static void call_query(struct run *run) {
    int64_t length;
    const char *sql = sql_of(run, &length);
    const void *data;
    int64_t size;
    mtdb_block *block = parameters_of(run, &data, &size);
    mtdb_result *result;
    mtdb_error *err;
    const int64_t timeout_ms = number_of(run->step, "timeout_ms", MTDB_FOREVER);
    const mtdb_status status = mtdb_conn_query(run->conn, sql, length, data, size, timeout_ms, NULL, &result, &err);
    expect_result(run, result, status, err);
    mtdb_block_release(block);
}

static void call_db_query(struct run *run) {
    int64_t length;
    const char *sql = sql_of(run, &length);
    const void *data;
    int64_t size;
    mtdb_block *block = parameters_of(run, &data, &size);
    mtdb_result *result;
    mtdb_error *err;
    const char *tenant = text_of(run->step, "tenant", run->tenant);
    const mtdb_status status =
        mtdb_db_query(run->db, tenant, -1, sql, length, data, size, MTDB_FOREVER, NULL, &result, &err);
    expect_result(run, result, status, err);
    mtdb_block_release(block);
}

static void call_exec(struct run *run) {
    int64_t length;
    const char *sql = sql_of(run, &length);
    const void *data;
    int64_t size;
    int64_t affected;
    mtdb_block *block = parameters_of(run, &data, &size);
    mtdb_error *err;
    const int64_t timeout_ms = number_of(run->step, "timeout_ms", MTDB_FOREVER);
    const mtdb_status status = mtdb_conn_exec(run->conn, sql, length, data, size, timeout_ms, NULL, &affected, &err);
    if (cJSON_HasObjectItem(run->step, "affected"))
        expect_number(run, "affected", affected, number_of(run->step, "affected", 0));
    expect_outcome(run, status, err);
    mtdb_block_release(block);
}

static void call_script(struct run *run) {
    int64_t length;
    const char *text = sql_of(run, &length);
    int64_t statements;
    mtdb_error *err;
    const mtdb_status status =
        mtdb_conn_exec_script(run->conn, text, length, MTDB_FOREVER, NULL, &statements, &err);
    expect_number(run, "statements", statements, number_of(run->step, "statements", statements));
    expect_outcome(run, status, err);
}

static void call_statement(struct run *run) {
    int64_t length;
    const char *sql = sql_of(run, &length);
    mtdb_stmt *stmt;
    mtdb_result *result = NULL;
    mtdb_error *err;
    mtdb_status status = mtdb_stmt_prepare(run->conn, sql, length, MTDB_FOREVER, NULL, &stmt, &err);
    if (status == MTDB_OK && cJSON_HasObjectItem(run->step, "parameters")) {
        int32_t count = -1;
        mtdb_stmt_parameter_count(stmt, &count, NULL);
        expect_number(run, "parameters", count, number_of(run->step, "parameters", 0));
    }
    if (status == MTDB_OK) status = bind_all(run, stmt, &err);
    if (status == MTDB_OK && cJSON_HasObjectItem(run->step, "params_rows")) {
        const void *data;
        int64_t size;
        mtdb_block *block = parameters_of(run, &data, &size);
        status = mtdb_stmt_bind_block(stmt, data, size, &err);
        mtdb_block_release(block);
    }
    if (status == MTDB_OK) status = mtdb_stmt_execute(stmt, MTDB_FOREVER, NULL, &result, &err);
    expect_result(run, result, status, err);
    mtdb_stmt_release(stmt);
}

/* A block that is none: `block` in hexadecimal. */
static void call_bad_block(struct run *run) {
    struct value block;
    int64_t length;
    const char *sql = sql_of(run, &length);
    mtdb_error *err;
    if (!value_parse(text_of(run->step, "block", "bytes:"), &block)) complain(run, "vector", "block", "bytes");
    const mtdb_status status =
        mtdb_conn_exec(run->conn, sql, length, block.bytes, block.size, MTDB_FOREVER, NULL, NULL, &err);
    expect_outcome(run, status, err);
    value_drop(&block);
}

static void call_insert_id(struct run *run) {
    int64_t id;
    mtdb_error *err;
    const mtdb_status status = mtdb_conn_insert_id(run->conn, &id, &err);
    expect_number(run, "insert_id", id, number_of(run->step, "insert_id", id));
    expect_outcome(run, status, err);
}

static void call_begin(struct run *run) {
    mtdb_options *options;
    mtdb_error *err;
    const cJSON *item;
    mtdb_options_new(&options, NULL);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(run->step, "options")) {
        mtdb_options_set_str(options, item->string, -1, item->valuestring, -1, NULL);
    }
    const mtdb_status status = mtdb_tx_begin(run->conn, options, MTDB_FOREVER, NULL, &err);
    expect_outcome(run, status, err);
    mtdb_options_release(options);
}

static void call_commit(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_commit(run->conn, MTDB_FOREVER, NULL, &err);
    expect_outcome(run, status, err);
}

static void call_rollback(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_rollback(run->conn, &err);
    expect_outcome(run, status, err);
}

static void call_savepoint(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_savepoint(run->conn, text_of(run->step, "name", ""), -1, &err);
    expect_outcome(run, status, err);
}

static void call_rollback_to(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_rollback_to(run->conn, text_of(run->step, "name", ""), -1, &err);
    expect_outcome(run, status, err);
}

static void call_release_savepoint(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_release_savepoint(run->conn, text_of(run->step, "name", ""), -1, &err);
    expect_outcome(run, status, err);
}

static void call_state(struct run *run) {
    static const char *const states[] = {"none", "open", "lost"};
    int32_t state;
    mtdb_error *err;
    const mtdb_status status = mtdb_tx_state(run->conn, &state, &err);
    const char *got = state >= 0 && state <= 2 ? states[state] : "unknown";
    expect_text(run, "state", got, text_of(run->step, "state", "none"));
    expect_outcome(run, status, err);
}

static void call_acquire(struct run *run) {
    mtdb_conn *conn;
    mtdb_error *err;
    const char *tenant = text_of(run->step, "tenant", run->tenant);
    const mtdb_status status = mtdb_db_acquire(run->db, tenant, -1, NULL, MTDB_FOREVER, NULL, &conn, &err);
    expect_outcome(run, status, err);
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
}

static void call_check_tenant(struct run *run) {
    struct value id;
    mtdb_error *err;
    if (!value_parse(text_of(run->step, "id", "text:"), &id)) complain(run, "vector", "id", "a tagged text");
    const mtdb_status status = mtdb_tenant_check(run->db, id.bytes, id.size, &err);
    expect_outcome(run, status, err);
    value_drop(&id);
}

static void call_create(struct run *run) {
    mtdb_error *err;
    const char *tenant = text_of(run->step, "tenant", run->tenant);
    const mtdb_status status = mtdb_tenant_create(run->db, tenant, -1, MTDB_FOREVER, NULL, &err);
    expect_outcome(run, status, err);
}

/* Ends the test's lease; the steps after it meet a closed one. */
static void call_close(struct run *run) {
    mtdb_error *err;
    const mtdb_status status = mtdb_conn_close(run->conn, &err);
    expect_outcome(run, status, err);
}

/* Sets an option of a fresh set. */
static void call_option(struct run *run) {
    mtdb_options *options;
    mtdb_error *err;
    mtdb_options_new(&options, NULL);
    const mtdb_status status = mtdb_options_set_str(options, text_of(run->step, "key", ""), -1,
                                                    text_of(run->step, "value", ""), -1, &err);
    expect_outcome(run, status, err);
    mtdb_options_release(options);
}

/* A name for a status number, known or not. */
static void call_status_name(struct run *run) {
    const int32_t number = (int32_t)number_of(run->step, "number", 0);
    expect_text(run, "name", mtdb_status_name(number), text_of(run->step, "name", ""));
}

/* ---- scans: all rows are read, by the cursor, and none is kept ---- */

static void *trigger_soon(void *token) {
    const struct timespec pause = {0, 50 * 1000 * 1000};
    nanosleep(&pause, NULL);
    mtdb_cancel_trigger(token, 0, NULL);
    return NULL;
}

/* Cancels `cancel` after the first row where the step says so. */
static mtdb_status read_on(struct run *run, mtdb_result *result, mtdb_cancel *cancel, mtdb_error **err) {
    const char *phase = text_of(run->step, "cancel", "");
    int64_t rows = 0;
    int64_t sum = 0;
    mtdb_status status;
    char text[32];
    while ((status = mtdb_result_next(result, err)) == MTDB_OK) {
        sum += mtdb_value_int64(result, 0);
        if (++rows == 1 && strcmp(phase, "rows") == 0) mtdb_cancel_trigger(cancel, 0, NULL);
    }
    if (strcmp(phase, "rows") == 0 && rows == 0) complain(run, "rows before the cancel", "0", "1");
    expect_number(run, "rows_count", rows, number_of(run->step, "rows_count", rows));
    snprintf(text, sizeof text, "%lld", (long long)sum);
    expect_text(run, "rows_sum", text, text_of(run->step, "rows_sum", text));
    return status;
}

static void call_scan(struct run *run) {
    const char *phase = text_of(run->step, "cancel", "");
    const int64_t timeout_ms = number_of(run->step, "timeout_ms", MTDB_FOREVER);
    mtdb_cancel *cancel = NULL;
    mtdb_result *result;
    mtdb_error *err;
    pthread_t other;
    int64_t length;
    const char *sql = sql_of(run, &length);
    expect_text(run, "token", mtdb_status_name(mtdb_cancel_new(&cancel, NULL)), "OK");
    if (strcmp(phase, "before") == 0) mtdb_cancel_trigger(cancel, 0, NULL);
    const int running = strcmp(phase, "running") == 0;
    if (running && pthread_create(&other, NULL, trigger_soon, cancel) != 0) abort();
    mtdb_status status = mtdb_conn_query(run->conn, sql, length, NULL, 0, timeout_ms, cancel, &result, &err);
    if (status == MTDB_OK) status = read_on(run, result, cancel, &err);
    if (running) pthread_join(other, NULL);
    expect_outcome(run, status < 0 ? status : MTDB_OK, err);
    mtdb_result_release(result);
    mtdb_cancel_release(cancel);
}

static void call_parallel(struct run *run) {
    const struct parallel what = {.db = run->db,
                                  .prefix = run->tenant,
                                  .create = text_of(run->step, "create", ""),
                                  .write = text_of(run->step, "write", ""),
                                  .others = text_of(run->step, "others", ""),
                                  .all = text_of(run->step, "all", ""),
                                  .threads = (int)number_of(run->step, "threads", 1),
                                  .tenants = (int)number_of(run->step, "tenants", 1),
                                  .rounds = (int)number_of(run->step, "rounds", 1)};
    const struct parallel_result got = parallel_run(&what);
    const int64_t rows = (int64_t)what.threads * what.rounds / what.tenants;
    expect_number(run, "calls that failed", got.failures, 0);
    expect_number(run, "rows of others", got.strangers, 0);
    expect_number(run, "rows of the poorest tenant", got.rows_min, rows);
    expect_number(run, "rows of the richest tenant", got.rows_max, rows);
}

/* ---- events ---- */

static int cell_is(const char *block, int32_t column, int32_t row, const char *text) {
    struct value cell = value_of_cell(block, column, row);
    const size_t size = strlen(text);
    const int same = cell.type == MTDB_TYPE_TEXT && cell.size == (int64_t)size && memcmp(cell.bytes, text, size) == 0;
    value_drop(&cell);
    return same;
}

/* Takes events until the one that is looked for; those of its block are taken with it. */
static void call_event(struct run *run) {
    const char *name = text_of(run->step, "name", "");
    const char *tenant = text_of(run->step, "tenant", run->tenant);
    mtdb_status status = MTDB_OK;
    mtdb_error *err = NULL;
    char *buf = malloc(65536);
    int found = 0;
    while (!found && status == MTDB_OK) {
        int64_t rows;
        int64_t used;
        int64_t dropped;
        status = mtdb_events_poll(run->db, 10000, NULL, buf, 65536, &rows, &used, &dropped, &err);
        for (int32_t row = 0; status == MTDB_OK && row < rows; ++row)
            found |= cell_is(buf, 4, row, name) && cell_is(buf, 5, row, tenant);
    }
    if (!found) complain(run, "event", "none within 10 s", name);
    expect_outcome(run, status < 0 ? status : MTDB_OK, err);
    free(buf);
}

static const struct {
    const char *name;
    void (*run)(struct run *);
} calls[] = {
    {"acquire", call_acquire},
    {"bad_block", call_bad_block},
    {"begin", call_begin},
    {"check_tenant", call_check_tenant},
    {"close", call_close},
    {"commit", call_commit},
    {"create", call_create},
    {"db_query", call_db_query},
    {"event", call_event},
    {"exec", call_exec},
    {"insert_id", call_insert_id},
    {"option", call_option},
    {"parallel", call_parallel},
    {"query", call_query},
    {"release_savepoint", call_release_savepoint},
    {"rollback", call_rollback},
    {"rollback_to", call_rollback_to},
    {"savepoint", call_savepoint},
    {"scan", call_scan},
    {"script", call_script},
    {"state", call_state},
    {"statement", call_statement},
    {"status_name", call_status_name},
};

static void run_step(struct run *run) {
    const char *name = text_of(run->step, "call", "");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; ++i) {
        if (strcmp(calls[i].name, name) != 0) continue;
        calls[i].run(run);
        return;
    }
    complain(run, "call", name, "a call that the runner knows");
}

/* A server keeps the tenants of the run before. */
static void make_tenant_anew(struct run *run, mtdb_status *status, mtdb_error **err) {
    int32_t exists = 0;
    *status = mtdb_tenant_exists(run->db, run->tenant, -1, &exists, err);
    if (*status == MTDB_OK && exists != 0)
        *status = mtdb_tenant_drop(run->db, run->tenant, -1, MTDB_FOREVER, NULL, err);
    if (*status == MTDB_OK) *status = mtdb_tenant_create(run->db, run->tenant, -1, MTDB_FOREVER, NULL, err);
}

/* Every test has a tenant and a lease of its own. */
static void run_test(struct run *run, const cJSON *test, int number) {
    mtdb_status status;
    mtdb_error *err;
    run->test = text_of(test, "name", "unnamed");
    run->wrong = 0;
    run->number = 0;
    snprintf(run->tenant, sizeof run->tenant, "t%d", number);
    make_tenant_anew(run, &status, &err);
    if (status == MTDB_OK)
        status = mtdb_db_acquire(run->db, run->tenant, -1, NULL, MTDB_FOREVER, NULL, &run->conn, &err);
    if (status != MTDB_OK) {
        complain(run, mtdb_error_message(err), mtdb_status_name(status), "OK");
        mtdb_error_release(err);
    } else {
        cJSON_ArrayForEach(run->step, cJSON_GetObjectItemCaseSensitive(test, "steps")) {
            ++run->number;
            run_step(run);
        }
        mtdb_conn_close(run->conn, NULL);
    }
    mtdb_conn_release(run->conn);
    run->conn = NULL;
    if (run->wrong == 0 && run->number > 0)
        ++run->passed;
    else
        ++run->failed;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    if (text != NULL && fread(text, 1, (size_t)size, file) != (size_t)size) text[0] = '\0';
    fclose(file);
    return text;
}

/* `url`: an address, or the environment's with that name. */
static const char *url_of(const cJSON *vectors) {
    const char *url = text_of(vectors, "url", "");
    if (strncmp(url, "env:", 4) != 0) return url;
    const char *named = getenv(url + 4);
    return named != NULL ? named : url;
}

static void run_file(struct run *run, const char *path) {
    const char *slash = strrchr(path, '/');
    char *text = read_file(path);
    cJSON *vectors = text != NULL ? cJSON_Parse(text) : NULL;
    mtdb_error *err = NULL;
    run->file = slash != NULL ? slash + 1 : path;
    const cJSON *test;
    int number = 0;
    if (mtdb_db_open(url_of(vectors), -1, NULL, &run->db, &err) != MTDB_OK) {
        ++run->failed;
        printf("FAILED %s: %s\n", run->file, vectors == NULL ? "not JSON" : mtdb_error_message(err));
    }
    cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(vectors, "tests")) {
        if (run->db != NULL) run_test(run, test, ++number);
    }
    mtdb_error_release(err);
    mtdb_db_close(run->db, MTDB_DEFAULT, NULL, NULL, NULL);
    mtdb_db_release(run->db);
    run->db = NULL;
    cJSON_Delete(vectors);
    free(text);
}

int main(int count, char **arguments) {
    struct run run = {0};
    for (int i = 1; i < count; ++i) run_file(&run, arguments[i]);
    printf("%d passed, %d failed\n", run.passed, run.failed);
    return run.failed > 0 || run.passed == 0;
}
