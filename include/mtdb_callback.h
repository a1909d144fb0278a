/* SPDX-License-Identifier: MIT
 *
 * mtdb: for C programs that extend the library with code of their own. Not for bindings: a function here may call back.
 *
 * A callback runs only on the thread that called mtdb_driver_*, during that call, and never twice at once for one
 * driver. It must not unwind into the library: no longjmp, no exception.
 */
#ifndef MTDB_CALLBACK_H
#define MTDB_CALLBACK_H

#include "mtdb.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MTDB_DRIVER_FUNCTIONS_VERSION 1

/** What a driver of golang-migrate's contract does. Every function is given.
 *
 * Each returns MTDB_OK or a negative status. With a negative one it may write one line to `problem`: at most
 * problem_cap bytes, NUL-terminated; it arrives as that text's buffer, empty. timeout_ms is what is left of the call's
 * time, or MTDB_FOREVER. `driver` is what `open` gave. The library keeps a driver from being locked twice or used by
 * two threads, and from being used after its end, before it calls any of these. */
typedef struct mtdb_driver_functions {
    int32_t size;    /* sizeof(mtdb_driver_functions) */
    int32_t version; /* MTDB_DRIVER_FUNCTIONS_VERSION */
    /* The url is the one of mtdb_driver_open(), without "mtdb+"; `user` is what was registered. */
    mtdb_status (*open)(void *user, const char *url, int64_t url_len, int64_t timeout_ms, void **driver, char *problem,
                        int64_t problem_cap);
    /* Gives back everything. Called once for each driver that `open` gave, from mtdb_driver_close() or, without that,
     * the last mtdb_driver_release(). */
    void (*close)(void *driver);
    mtdb_status (*lock)(void *driver, int64_t timeout_ms, char *problem, int64_t problem_cap);
    mtdb_status (*unlock)(void *driver, char *problem, int64_t problem_cap);
    /* Of a failure, *line and *column: where it is in the text, from 1; they arrive as 0, unknown. */
    mtdb_status (*run)(void *driver, const char *text, int64_t text_len, int64_t timeout_ms, int64_t *line,
                       int64_t *column, char *problem, int64_t problem_cap);
    mtdb_status (*set_version)(void *driver, int64_t version, int32_t dirty, int64_t timeout_ms, char *problem,
                               int64_t problem_cap);
    /* They arrive as -1 and 0: no version. */
    mtdb_status (*get_version)(void *driver, int64_t timeout_ms, int64_t *version, int32_t *dirty, char *problem,
                               int64_t problem_cap);
    mtdb_status (*drop)(void *driver, int64_t timeout_ms, char *problem, int64_t problem_cap);
} mtdb_driver_functions;

/** Makes a scheme known to mtdb_driver_open(), for the rest of the process.
 *
 * @param scheme  a small letter, then small letters, digits, "+", "-" or ".", scheme_len bytes (-1: NUL-terminated)
 * @param functions  copied
 * @param user  given to `open`; stays the caller's
 * @errors EXISTS (a driver of that scheme is there), INVALID_ARGUMENT (no functions, one of them NULL, another version)
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_register(const char *scheme, int64_t scheme_len,
                                          const mtdb_driver_functions *functions, void *user, mtdb_error **err);

#ifdef __cplusplus
}
#endif

#endif /* MTDB_CALLBACK_H */
