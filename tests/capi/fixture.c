// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "block_reader.h"
#define MTDB_UNSTABLE
#include "mtdb_unstable.h"

char root[64];
mtdb_db *db;
mtdb_error *err;

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

void make_root(void) {
    snprintf(root, sizeof root, "/tmp/mtdb-capi-XXXXXX");
    if (mkdtemp(root) == NULL) abort();
}

void open_db(void) {
    make_root();
    reopen(NULL, NULL);
}

void close_db(void) {
    drop_error();
    mtdb_db_release(db);
    db = NULL;
    if (root[0] != '\0') nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    const int64_t left = mtdb_unstable_live_handles();
    if (left == 0) return;
    fprintf(stderr, "%" PRId64 " handles are left over\n", left);
    abort();
}

mtdb_options *options_of(const char *const *pairs) {
    mtdb_options *options = NULL;
    ok(mtdb_options_new(&options, &err));
    for (; pairs[0] != NULL; pairs += 2) ok(mtdb_options_set_str(options, pairs[0], -1, pairs[1], -1, &err));
    return options;
}

void reopen(const char *url, mtdb_options *owned) {
    if (db != NULL) ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
    mtdb_db_release(db);
    db = NULL;
    ok(mtdb_db_open(url != NULL ? url : root, -1, owned, &db, &err));
    mtdb_options_release(owned);
}

void drop_error(void) {
    mtdb_error_release(err);
    err = NULL;
}

const char *error_text(int32_t field) {
    static char text[512];
    int64_t needed = 0;
    cr_assert_eq(mtdb_error_text(err, field, text, (int64_t)sizeof text - 1, &needed), MTDB_OK);
    text[needed] = '\0';
    return text;
}

void create_tenant(const char *tenant) { ok(mtdb_tenant_create(db, tenant, -1, PLENTY_MS, NULL, &err)); }

mtdb_conn *lease(const char *tenant) {
    mtdb_conn *conn = NULL;
    ok(mtdb_db_acquire(db, tenant, -1, NULL, PLENTY_MS, NULL, &conn, &err));
    return conn;
}

mtdb_conn *lease_with_table(const char *tenant) {
    create_tenant(tenant);
    mtdb_conn *conn = lease(tenant);
    run(conn, "CREATE TABLE t(v)");
    return conn;
}

void give_back(mtdb_conn *conn) {
    ok(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
}

void run(mtdb_conn *conn, const char *sql) {
    ok(mtdb_conn_exec(conn, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
}

void run_in(const char *tenant, const char *sql) {
    ok(mtdb_db_exec(db, tenant, -1, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
}

static int64_t first_int(mtdb_result *result) {
    ok(mtdb_result_next(result, &err));
    const int64_t value = mtdb_value_int64(result, 0);
    finish(result);
    return value;
}

int64_t int_of(mtdb_conn *conn, const char *sql) {
    mtdb_result *result = NULL;
    ok(mtdb_conn_query(conn, sql, -1, NULL, 0, PLENTY_MS, NULL, &result, &err));
    return first_int(result);
}

int64_t int_in(const char *tenant, const char *sql) {
    mtdb_result *result = NULL;
    ok(mtdb_db_query(db, tenant, -1, sql, -1, NULL, 0, PLENTY_MS, NULL, &result, &err));
    return first_int(result);
}

void finish(mtdb_result *result) {
    ok(mtdb_result_close(result, &err));
    mtdb_result_release(result);
}

const char *text_at(const mtdb_result *result, int32_t column) {
    const char *text = mtdb_value_text(result, column, NULL);
    return text != NULL ? text : "";
}

int64_t rows_left(mtdb_result *result) {
    int64_t rows = 0;
    mtdb_status status;
    drop_error();
    while ((status = mtdb_result_next(result, &err)) == MTDB_OK) ++rows;
    cr_assert_eq(status, MTDB_DONE, "%s", mtdb_error_message(err));
    return rows;
}

bool has_tenant(const char *tenant) {
    int32_t found = -1;
    ok(mtdb_tenant_exists(db, tenant, -1, &found, &err));
    return found == 1;
}

int64_t stat_of(mtdb_result *result, const char *name) {
    int64_t value = -1;
    while (mtdb_result_next(result, NULL) == MTDB_OK)
        if (strcmp(text_at(result, 0), name) == 0) value = mtdb_value_int64(result, 2);
    finish(result);
    return value;
}

bool event_comes(const char *name, int64_t timeout_ms, char *message, size_t message_cap) {
    static _Alignas(8) char block[65536];
    const int64_t end = now_ms() + timeout_ms;
    for (int64_t left = timeout_ms; left >= 0; left = end - now_ms()) {
        int64_t rows = 0, used = 0, dropped = 0, len = 0;
        const mtdb_status status = mtdb_events_poll(db, left, NULL, block, 2048, &rows, &used, &dropped, NULL);
        cr_assert_geq(status, 0);
        for (int32_t row = 0; status == MTDB_OK && row < rows; ++row) {
            if (!cell_is(block, row, 4, name)) continue;
            const char *text = cell_text(block, row, 6, &len);
            if (message != NULL) snprintf(message, message_cap, "%.*s", (int)len, text != NULL ? text : "");
            return true;
        }
    }
    return false;
}

const char *path_of(const char *name) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

void write_file(const char *name, const char *content) {
    char path[256];
    snprintf(path, sizeof path, "%s", path_of(name));
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) abort();
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) abort();
    fputs(content, file);
    fclose(file);
}

bool file_exists(const char *name) {
    struct stat info;
    return lstat(path_of(name), &info) == 0;
}

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int64_t time_ms) {
    const struct timespec time = {.tv_sec = time_ms / 1000, .tv_nsec = time_ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

void run_elsewhere(const char *file, const char *sql) {
    sqlite3 *stranger = NULL;
    cr_assert_eq(sqlite3_open_v2(path_of(file), &stranger, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(stranger, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(stranger));
    sqlite3_close(stranger);
}

struct trigger {
    pthread_t thread;
    mtdb_cancel *cancel;
    int64_t delay_ms;
};

static void *pull(void *argument) {
    const trigger *self = argument;
    sleep_ms(self->delay_ms);
    mtdb_cancel_trigger(self->cancel, 0, NULL);
    return NULL;
}

trigger *trigger_after(mtdb_cancel *cancel, int64_t delay_ms) {
    trigger *self = malloc(sizeof *self);
    if (self == NULL) abort();
    *self = (trigger){.cancel = cancel, .delay_ms = delay_ms};
    if (pthread_create(&self->thread, NULL, pull, self) != 0) abort();
    return self;
}

void trigger_join(trigger *owned) {
    pthread_join(owned->thread, NULL);
    free(owned);
}
