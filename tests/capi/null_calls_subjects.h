// SPDX-License-Identifier: MIT
// What the generated null_calls.c works on: one live object of every kind, and the checks after a call.
#ifndef MTDB_TESTS_CAPI_NULL_CALLS_SUBJECTS_H
#define MTDB_TESTS_CAPI_NULL_CALLS_SUBJECTS_H

#include "fixture.h"

#define GARBAGE_INT 0x5a5a5a5a

extern mtdb_error *a_error;
extern mtdb_options *a_options;
extern mtdb_cancel *a_cancel;
extern mtdb_conn *a_conn;
extern mtdb_stmt *a_stmt;
extern mtdb_result *a_result;
extern mtdb_block *a_block;
extern mtdb_batch *a_batch;
extern mtdb_migrator *a_migrator;
extern mtdb_fleet *a_fleet;
extern mtdb_driver *a_driver;
extern mtdb_quiesce *a_quiesce;
extern const void *some_block;
extern int64_t some_block_len;

void make_subjects(void);
void drop_subjects(void);

// The error object says what the status says; it is released.
void check_error(const char *call, mtdb_status status, mtdb_error *error);
// A call that must fail did, and with INVALID_ARGUMENT when it was the subject that was NULL.
void check_refused(const char *call, mtdb_status status, bool subject);
void check_nulled(const char *call, const char *output, const void *value);
void check_zeroed(const char *call, const char *output, int64_t value);

#endif
