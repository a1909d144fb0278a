// SPDX-License-Identifier: MIT
// What every test of the C ABI shares: a folder, a db in it, and short forms of the calls that a test is not about.
#ifndef MTDB_TESTS_CAPI_FIXTURE_H
#define MTDB_TESTS_CAPI_FIXTURE_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mtdb.h"

#define PLENTY_MS 20000  // long enough for anything that is expected to end by itself
#define GARBAGE ((void *)(uintptr_t)0x5a5a5a58)  // what an output holds before the call

// Runs until it is cancelled or its deadline comes.
#define ENDLESS_QUERY "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
#define ENDLESS_INSERT \
    "INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

extern char root[64];    // a temporary folder, made by make_root()
extern mtdb_db *db;      // opened in it by open_db() or reopen()
extern mtdb_error *err;  // of the last call under ok(), returns() or fails()

void make_root(void);
void open_db(void);   // make_root() and a db with default options
void close_db(void);  // gives all back; aborts when a handle is left over, because a failed assertion here would pass

// Key, value, key, value, ...: a new set of options.
#define OPTIONS(...) options_of((const char *const[]){__VA_ARGS__, NULL})
mtdb_options *options_of(const char *const *pairs);
void reopen(const char *url, mtdb_options *owned);  // ends `db` and opens another; url NULL: the same root

void drop_error(void);
const char *error_text(int32_t field);  // of `err`; lives until the next call

#define returns(expected, call)                                                                       \
    do {                                                                                              \
        drop_error();                                                                                 \
        const mtdb_status status_ = (call);                                                           \
        cr_assert_eq(status_, (expected), "%s\n  expected %s, got %s: %s", #call,                     \
                     mtdb_status_name(expected), mtdb_status_name(status_), mtdb_error_message(err)); \
    } while (0)
#define ok(call) returns(MTDB_OK, call)
// A failure: the status, and an error that says the same.
#define fails(expected, call)                                       \
    do {                                                            \
        returns(expected, call);                                    \
        cr_assert_not_null(err, "%s: no error object", #call);      \
        cr_assert_eq(mtdb_error_status(err), (mtdb_status)(expected)); \
    } while (0)
#define message_has(part)                                                                            \
    cr_assert_not_null(strstr(mtdb_error_message(err), part), "\"%s\" is not in \"%s\"", part, \
                       mtdb_error_message(err))

void create_tenant(const char *tenant);
mtdb_conn *lease(const char *tenant);
mtdb_conn *lease_with_table(const char *tenant);  // creates the tenant with "CREATE TABLE t(v)"
void give_back(mtdb_conn *conn);
void run(mtdb_conn *conn, const char *sql);
void run_in(const char *tenant, const char *sql);
int64_t int_of(mtdb_conn *conn, const char *sql);      // first column of the first row
int64_t int_in(const char *tenant, const char *sql);
void finish(mtdb_result *result);                      // close and release
const char *text_at(const mtdb_result *result, int32_t column);  // of the cursor's row; "" for NULL
int64_t rows_left(mtdb_result *result);                // reads to the end and counts
bool has_tenant(const char *tenant);
int64_t stat_of(mtdb_result *result, const char *name);  // from name, unit, value rows; finishes it; -1: no such name

// Polls events until one of that name comes (true) or the time is over.
bool event_comes(const char *name, int64_t timeout_ms, char *message, size_t message_cap);

void write_file(const char *name, const char *content);  // below root; folders are made
const char *path_of(const char *name);                   // below root; lives until the fourth next call
bool file_exists(const char *name);
int64_t now_ms(void);
void sleep_ms(int64_t time_ms);

void run_elsewhere(const char *file, const char *sql);  // as another program that opens this file below root

// Calls mtdb_cancel_trigger() on another thread after a delay.
typedef struct trigger trigger;
trigger *trigger_after(mtdb_cancel *cancel, int64_t delay_ms);
void trigger_join(trigger *owned);

#endif
