/* SPDX-License-Identifier: MIT */
#include "parallel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ID_MAX = 64 };

struct worker {
    const struct parallel *what;
    int number;
    pthread_t thread;
    int64_t strangers;
    int64_t failures;
};

static void name_tenant(const struct parallel *what, int number, char *id) {
    snprintf(id, ID_MAX, "%sx%d", what->prefix, number % what->tenants);
}

static int64_t failed(const char *id, mtdb_status status, mtdb_error *err) {
    if (status >= 0) return 0;
    printf("    %s: %s\n", id, mtdb_error_message(err));
    mtdb_error_release(err);
    return 1;
}

/* Parameters of one text. */
static mtdb_block *text_block(const char *text, const void **data, int64_t *size) {
    mtdb_block *block = NULL;
    mtdb_status status = mtdb_block_new(&block, NULL);
    if (status == MTDB_OK) status = mtdb_block_add_text(block, text, -1, NULL);
    if (status == MTDB_OK) status = mtdb_block_end_row(block, NULL);
    if (status == MTDB_OK) status = mtdb_block_data(block, data, size, NULL);
    if (status != MTDB_OK) abort();
    return block;
}

/* The number that a query of one row gives; adds to `failures`. */
static int64_t count(mtdb_db *db, const char *id, const char *sql, const void *data, int64_t size,
                     int64_t *failures) {
    mtdb_result *result;
    mtdb_error *err;
    int64_t number = 0;
    mtdb_status status = mtdb_db_query(db, id, -1, sql, -1, data, size, MTDB_FOREVER, NULL, &result, &err);
    if (status == MTDB_OK) status = mtdb_result_next(result, &err);
    if (status == MTDB_OK) number = mtdb_value_int64(result, 0);
    *failures += failed(id, status, err);
    mtdb_result_close(result, NULL);
    mtdb_result_release(result);
    return number;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    const struct parallel *what = worker->what;
    for (int round = 0; round < what->rounds; ++round) {
        char id[ID_MAX];
        const void *data;
        int64_t size;
        mtdb_error *err;
        name_tenant(what, worker->number + round, id);
        mtdb_block *block = text_block(id, &data, &size);
        const mtdb_status status =
            mtdb_db_exec(what->db, id, -1, what->write, -1, data, size, MTDB_FOREVER, NULL, NULL, &err);
        worker->failures += failed(id, status, err);
        worker->strangers += count(what->db, id, what->others, data, size, &worker->failures);
        mtdb_block_release(block);
    }
    return NULL;
}

/* A server keeps the tenants of the run before. */
static int64_t make_tenant(const struct parallel *what, const char *id) {
    int32_t exists = 0;
    mtdb_error *err;
    mtdb_status status = mtdb_tenant_exists(what->db, id, -1, &exists, &err);
    if (status == MTDB_OK && exists != 0) status = mtdb_tenant_drop(what->db, id, -1, MTDB_FOREVER, NULL, &err);
    if (status == MTDB_OK) status = mtdb_tenant_create(what->db, id, -1, MTDB_FOREVER, NULL, &err);
    if (status == MTDB_OK)
        status = mtdb_db_exec(what->db, id, -1, what->create, -1, NULL, 0, MTDB_FOREVER, NULL, NULL, &err);
    return failed(id, status, err);
}

struct parallel_result parallel_run(const struct parallel *what) {
    struct parallel_result result = {0, 0, INT64_MAX, 0};
    struct worker *workers = calloc((size_t)what->threads, sizeof *workers);
    char id[ID_MAX];
    if (workers == NULL) abort();
    for (int i = 0; i < what->tenants; ++i) {
        name_tenant(what, i, id);
        result.failures += make_tenant(what, id);
    }
    for (int i = 0; i < what->threads; ++i) {
        workers[i].what = what;
        workers[i].number = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) abort();
    }
    for (int i = 0; i < what->threads; ++i) {
        pthread_join(workers[i].thread, NULL);
        result.strangers += workers[i].strangers;
        result.failures += workers[i].failures;
    }
    free(workers);
    for (int i = 0; i < what->tenants; ++i) {
        name_tenant(what, i, id);
        const int64_t rows = count(what->db, id, what->all, NULL, 0, &result.failures);
        if (rows < result.rows_min) result.rows_min = rows;
        if (rows > result.rows_max) result.rows_max = rows;
    }
    return result;
}
