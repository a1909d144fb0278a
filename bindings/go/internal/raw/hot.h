// SPDX-License-Identifier: MIT
// Several calls of the library in one crossing from Go: what a statement costs most is the way between the languages.
#ifndef MTDB_GO_HOT_H
#define MTDB_GO_HOT_H

#include <stdint.h>

// Places of what comes back, in an array of MTDB_GO_OUTS numbers.
#define MTDB_GO_ERR 0      // the error, or 0
#define MTDB_GO_RESULT 1   // the result, or 0 when it was read to its end and released
#define MTDB_GO_ROWS 2     // rows of the first block
#define MTDB_GO_USED 3     // its bytes, or what the first row needs
#define MTDB_GO_FETCH 4    // status of the fetch: OK, DONE or TRUNCATED
#define MTDB_GO_META 5     // bytes of the columns' description, -1: it did not fit
#define MTDB_GO_AFFECTED 6
#define MTDB_GO_INSERT_ID 7
#define MTDB_GO_CALLS 8    // calls of the library that were made
#define MTDB_GO_OUTS 9

// Runs a statement on a lease, or else in a tenant of a db, describes its columns into `meta`, and fetches the first
// block into `buf`.
int32_t mtdb_go_query(uintptr_t db, uintptr_t conn, const char *tenant, int64_t tenant_len,
                      const char *sql, int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                      uintptr_t cancel, void *buf, int64_t cap, void *meta, int64_t meta_cap, int64_t *out);

// The same for a result that another call made.
int32_t mtdb_go_first(uintptr_t result, void *buf, int64_t cap, void *meta, int64_t meta_cap, int64_t *out);

// Runs a statement to its end, drops its rows, and tells the affected ones and the key that it generated.
int32_t mtdb_go_exec(uintptr_t db, uintptr_t conn, const char *tenant, int64_t tenant_len,
                     const char *sql, int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                     uintptr_t cancel, int64_t *out);

#endif
