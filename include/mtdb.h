/* SPDX-License-Identifier: MIT
 *
 * mtdb: multi-tenant access to SQL databases behind one stable C ABI.
 *
 * This header reads top to bottom as a tutorial: conventions, version, status and error, options, cancel, db, tenants,
 * leases, statements, results and blocks, batches, transactions, one-shot calls, migrations, fleet runs, drivers,
 * quiesce, events, stats.
 *
 * The conventions, once:
 *
 *   Shape      mtdb_status mtdb_<noun>_<verb>(self, inputs, outputs, mtdb_error **err). `err` may be NULL; it is always
 *              written (NULL on success) and never read, so it need not be initialised. When a call fails every output
 *              is NULL or 0 and nothing is owed.
 *   Status     0 is MTDB_OK; a positive status is an outcome, not an error; a negative one is an error class.
 *   Text in    (const char *x, int64_t x_len): UTF-8; x_len -1 means NUL-terminated. NULL with length 0 is the empty
 *              text.
 *   Buffer out (void *buf, int64_t cap, int64_t *needed): writes the bytes, no NUL, their count to *needed. When cap
 *              is too small: MTDB_TRUNCATED, nothing is written but *needed.
 *   Ownership  what arrives through `T **out` is the caller's and goes back through mtdb_<noun>_release(). A borrowed
 *              `const` pointer says until when it lives.
 *   Lifetime   `close` ends a thing: idempotent, may do I/O, may fail. `release` drops one reference: any thread, any
 *              order, NULL is fine, never waits on a network. A child keeps its parents alive.
 *   Threads    `@thread any` functions may be called from every thread at once. `@thread serial` objects serve one
 *              thread at a time; a concurrent entry is refused with MTDB_MISUSE.
 *   Waiting    (int64_t timeout_ms, mtdb_cancel *cancel): MTDB_DEFAULT takes the option's value, MTDB_FOREVER never
 *              ends, 0 does not wait. The whole call shares this one deadline.
 *   Fork       after fork() every handle of the parent is refused with MTDB_FORKED in the child: open the db there.
 *   Indexes    parameters count from 1, columns from 0.
 *
 * | handle         | made by                                 | ends with                                     | thread |
 * |----------------|-----------------------------------------|-----------------------------------------------|--------|
 * | mtdb_error     | any call, through err                   | mtdb_error_release                            | any    |
 * | mtdb_options   | mtdb_options_new                        | mtdb_options_release                          | serial |
 * | mtdb_cancel    | mtdb_cancel_new                         | mtdb_cancel_release                           | any    |
 * | mtdb_db        | mtdb_db_open                            | mtdb_db_close, mtdb_db_release                | any    |
 * | mtdb_conn      | mtdb_db_acquire                         | mtdb_conn_close, mtdb_conn_release            | serial |
 * | mtdb_stmt      | mtdb_stmt_prepare                       | mtdb_stmt_close, mtdb_stmt_release            | serial |
 * | mtdb_result    | mtdb_*_query, mtdb_stmt_execute, lists  | mtdb_result_close, mtdb_result_release        | serial |
 * | mtdb_block     | mtdb_block_new                          | mtdb_block_release                            | serial |
 * | mtdb_batch     | mtdb_batch_new                          | mtdb_batch_release                            | serial |
 * | mtdb_migrator  | mtdb_migrator_new                       | mtdb_migrator_release                         | any    |
 * | mtdb_fleet     | mtdb_fleet_new                          | mtdb_fleet_release                            | any    |
 * | mtdb_driver    | mtdb_driver_open, mtdb_driver_from_conn | mtdb_driver_close, mtdb_driver_release        | serial |
 * | mtdb_quiesce   | mtdb_quiesce_new                        | mtdb_quiesce_close, mtdb_quiesce_release      | any    |
 */
#ifndef MTDB_H
#define MTDB_H

#include <stdint.h>

#if defined(_WIN32)
#define MTDB_API
#elif defined(__GNUC__)
#define MTDB_API __attribute__((visibility("default")))
#else
#define MTDB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mtdb_error mtdb_error;
typedef struct mtdb_options mtdb_options;
typedef struct mtdb_cancel mtdb_cancel;
typedef struct mtdb_db mtdb_db;
typedef struct mtdb_conn mtdb_conn;
typedef struct mtdb_stmt mtdb_stmt;
typedef struct mtdb_result mtdb_result;
typedef struct mtdb_block mtdb_block;
typedef struct mtdb_batch mtdb_batch;
typedef struct mtdb_migrator mtdb_migrator;
typedef struct mtdb_fleet mtdb_fleet;
typedef struct mtdb_driver mtdb_driver;
typedef struct mtdb_quiesce mtdb_quiesce;

/* ---------------------------------------------------------------------------------------------------------------------
 * Version and build. Example: examples/c/version.c
 * ------------------------------------------------------------------------------------------------------------------ */

#define MTDB_VERSION_MAJOR 0
#define MTDB_VERSION_MINOR 1
#define MTDB_VERSION_PATCH 0

/** Outcome of a call: MTDB_OK, a positive outcome or a negative error class. Unknown negative codes of newer libraries
 * are to be treated as errors, unknown positive ones as success. */
typedef int32_t mtdb_status;

/** The library's version as text, such as "0.1.0".
 *
 * @returns @borrows until the process ends
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API const char *mtdb_version(void);

/** The ABI version of the loaded library: major * 1000 + minor.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int32_t mtdb_abi_version(void);

/** Checks that the loaded library serves a program built for this ABI version. Bindings call it once at load.
 *
 * @param major  MTDB_VERSION_MAJOR of the header the program was built with
 * @param minor  MTDB_VERSION_MINOR of it; until 1.0 it must match exactly, afterwards the library's may be higher
 * @errors UNSUPPORTED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_abi_require(int32_t major, int32_t minor, mtdb_error **err);

/** Tells one fact about the build and its client libraries.
 *
 * @param key  one of "version", "compiler", "backends", "sqlite.version", "sqlite.source_id", "sqlite.threadsafe"
 * @param key_len bytes of key, -1: NUL-terminated
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the answer
 * @returns OK, TRUNCATED
 * @errors NOT_FOUND, INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_build_info(const char *key, int64_t key_len, void *buf, int64_t cap, int64_t *needed,
                                     mtdb_error **err);

/* ---------------------------------------------------------------------------------------------------------------------
 * Status and error. Example: examples/c/errors.c
 *
 * The numbers are final: never reused, never renumbered. Who raises what, and what to do about it: docs/errors.md.
 * ------------------------------------------------------------------------------------------------------------------ */

#define MTDB_OK 0
#define MTDB_DONE 1       /* nothing more: the end of rows, of requests, of work */
#define MTDB_MORE 2       /* there is more to do: call again */
#define MTDB_TRUNCATED 3  /* the buffer is too small; *needed says how many bytes it takes */
#define MTDB_NEEDS 4      /* the library needs something from the host: see mtdb_db_request() */

#define MTDB_INVALID_ARGUMENT -1
#define MTDB_INVALID_STATE -2
#define MTDB_CLOSED -3
#define MTDB_MISUSE -4
#define MTDB_NOT_FOUND -5
#define MTDB_EXISTS -6
#define MTDB_CONSTRAINT -7
#define MTDB_SERIALIZATION -8
#define MTDB_BUSY -9
#define MTDB_TIMEOUT -10
#define MTDB_CANCELLED -11
#define MTDB_AUTH -12
#define MTDB_PERMISSION -13
#define MTDB_UNAVAILABLE -14
#define MTDB_SQL_ERROR -15
#define MTDB_DISK_FULL -16
#define MTDB_IO -17
#define MTDB_READ_ONLY -18
#define MTDB_TX_LOST -19
#define MTDB_TENANT_UNKNOWN -20
#define MTDB_TENANT_OUTDATED -21
#define MTDB_TENANT_NEWER -22
#define MTDB_TENANT_HELD -23
#define MTDB_POOL_EXHAUSTED -24
#define MTDB_MIGRATION_CHECKSUM -25
#define MTDB_MIGRATION_FAILED -26
#define MTDB_MIGRATION_DIRTY -27
#define MTDB_MIGRATION_LOCKED -28
#define MTDB_UNSUPPORTED -29
#define MTDB_LIMIT -30
#define MTDB_CORRUPT -31
#define MTDB_NOMEM -32
#define MTDB_FORKED -33
#define MTDB_INTERNAL -34

/* What a failed call did to the data: mtdb_error_effect(). */
#define MTDB_EFFECT_NONE 0        /* nothing was written */
#define MTDB_EFFECT_ROLLED_BACK 1 /* the transaction was undone */
#define MTDB_EFFECT_COMMITTED 2   /* what was written before the failure is committed */
#define MTDB_EFFECT_UNKNOWN 3     /* it cannot be known: read before you write again */

/* Texts of an error: mtdb_error_text(). */
#define MTDB_ERROR_MESSAGE 1  /* one line, names the thing, never a secret or a whole SQL text */
#define MTDB_ERROR_SQLSTATE 2 /* always five characters */
#define MTDB_ERROR_ENGINE 3   /* "sqlite", "echo", or "mtdb" when no engine was asked */
#define MTDB_ERROR_TENANT 4   /* the tenant id, or empty */
#define MTDB_ERROR_SCRIPT 5   /* the migration script, or empty */
#define MTDB_ERROR_LIMIT 6    /* POOL_EXHAUSTED: the option that was reached, or empty */

/** The name of a status: "OK", "TENANT_UNKNOWN"; "UNKNOWN" for a number this library does not know.
 *
 * @returns @borrows until the process ends
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API const char *mtdb_status_name(mtdb_status status);

/** The name of a status, for callers that need a copy.
 *
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the name
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_status_text(mtdb_status status, void *buf, int64_t cap, int64_t *needed, mtdb_error **err);

/** The error's class; MTDB_OK for NULL.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_error_status(const mtdb_error *error);

/** The engine's own code (SQLite: the extended result code); 0 when no engine was asked.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int64_t mtdb_error_native(const mtdb_error *error);

/** What the failed call did to the data: an MTDB_EFFECT_ value.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int32_t mtdb_error_effect(const mtdb_error *error);

/** 1 when the same call may succeed later without a change, and no write happened; else 0.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int32_t mtdb_error_retryable(const mtdb_error *error);

/** Line of the failing place in the SQL text or script, from 1; 0 when unknown.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int64_t mtdb_error_line(const mtdb_error *error);

/** Column of the failing place, in characters from 1; 0 when unknown.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int64_t mtdb_error_column(const mtdb_error *error);

/** Number of the failing statement of a script or batch, from 1; 0 when there was one or none.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int64_t mtdb_error_statement(const mtdb_error *error);

/** The message as C text; "" for NULL.
 *
 * @returns @borrows until the error is released
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API const char *mtdb_error_message(const mtdb_error *error);

/** One text of an error.
 *
 * @param error  may be NULL: its texts are empty
 * @param field  an MTDB_ERROR_ value
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the text
 * @returns OK, TRUNCATED; INVALID_ARGUMENT for an unknown field
 * @errors INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_error_text(const mtdb_error *error, int32_t field, void *buf, int64_t cap, int64_t *needed);

/** The whole error as one JSON object: status, name, message, sqlstate, engine, native, effect, retryable, tenant,
 * script, statement, line, column, limit.
 *
 * @param error  may be NULL: status 0 and name OK alone
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the JSON text
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT, NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_error_json(const mtdb_error *error, void *buf, int64_t cap, int64_t *needed);

/** Takes one more reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_error_retain(mtdb_error *error);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_error_release(mtdb_error *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Options. Example: examples/c/options.c
 *
 * One kind of object for every call that takes options: keys and values. An unknown key is an error that names the
 * nearest one. Every key, its scope, type, default and meaning: docs/options.md, or mtdb_options_describe().
 * ------------------------------------------------------------------------------------------------------------------ */

/** Makes an empty set of options. It is copied where it is used: change or release it at any time afterwards.
 *
 * @param[out] out @owns the options; give them back with mtdb_options_release()
 * @errors NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_new(mtdb_options **out, mtdb_error **err);

/** Sets a key from text. Numbers and booleans ("true", "false", "1", "0") are parsed by the key's type.
 *
 * @param key  an option's name, key_len bytes (-1: NUL-terminated)
 * @param value  value_len bytes (-1: NUL-terminated); copied
 * @errors INVALID_ARGUMENT (unknown key, wrong type, out of range)
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_set_str(mtdb_options *options, const char *key, int64_t key_len, const char *value,
                                          int64_t value_len, mtdb_error **err);

/** Sets a key from an integer.
 *
 * @param key  an option's name, key_len bytes (-1: NUL-terminated)
 * @param value  in the unit that the key's name ends with: _ms, _bytes, or a count
 * @errors INVALID_ARGUMENT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_set_int(mtdb_options *options, const char *key, int64_t key_len, int64_t value,
                                          mtdb_error **err);

/** Sets a key from a boolean.
 *
 * @param key  an option's name, key_len bytes (-1: NUL-terminated)
 * @param value  0 is false, anything else true
 * @errors INVALID_ARGUMENT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_set_bool(mtdb_options *options, const char *key, int64_t key_len, int32_t value,
                                           mtdb_error **err);

/** Reads a key back as text: what was set, else the default. A secret reads as "***".
 *
 * @param key  an option's name, key_len bytes (-1: NUL-terminated)
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the value
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_get(const mtdb_options *options, const char *key, int64_t key_len, void *buf,
                                      int64_t cap, int64_t *needed, mtdb_error **err);

/** How many options the library knows.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int32_t mtdb_options_count(void);

/** Describes one option as a JSON object: key, scope, type, default, min, max, values, secret, since, doc.
 *
 * @param index  from 0 to mtdb_options_count() - 1
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the JSON text
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_options_describe(int32_t index, void *buf, int64_t cap, int64_t *needed, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_options_release(mtdb_options *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Cancel. Example: examples/c/cancel.c
 *
 * A token is passed to the calls it may end. It counts generations: a trigger names the generation it means, so one
 * that comes late never touches the next operation.
 * ------------------------------------------------------------------------------------------------------------------ */

#define MTDB_DEFAULT -1 /* timeout_ms: the value of the matching option */
#define MTDB_FOREVER -2 /* timeout_ms: no deadline */

/** Makes a token in generation 1.
 *
 * @param[out] out @owns the token; give it back with mtdb_cancel_release()
 * @errors NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_cancel_new(mtdb_cancel **out, mtdb_error **err);

/** Ends the waits and statements that carry this token, with MTDB_CANCELLED. Sticky until mtdb_cancel_reset(). Never
 * blocks.
 *
 * @param generation  the generation meant; an older one than the token's does nothing; 0 means the present one
 * @returns OK, or DONE when the generation has passed
 * @errors INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_cancel_trigger(mtdb_cancel *cancel, int64_t generation, mtdb_error **err);

/** Begins a new generation: the token is armed again, and triggers for older generations no longer touch it.
 *
 * @param[out] generation  the new generation; may be NULL
 * @errors INVALID_ARGUMENT
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_cancel_reset(mtdb_cancel *cancel, int64_t *generation, mtdb_error **err);

/** Drops one reference; calls that carry the token keep it alive. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_cancel_release(mtdb_cancel *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Db: the root of everything. Example: examples/c/hello.c, examples/c/resolver.c
 *
 * One db serves all tenants. It owns the pools, the budgets and, from first need, one maintenance thread (or none:
 * option `threads=none`, then call mtdb_db_maintain()).
 * ------------------------------------------------------------------------------------------------------------------ */

/** Opens a db. No tenant is opened, nothing is created.
 *
 * @param url  where the tenants live, url_len bytes (-1: NUL-terminated): "sqlite:DIR", or a plain DIR, for one file
 *             per tenant below that folder; "sqlite::memory:" for in-memory tenants; "echo:" for the echo backend
 * @param options  of scope "db"; may be NULL
 * @param[out] out @owns the db; end it with mtdb_db_close(), then mtdb_db_release()
 * @errors INVALID_ARGUMENT, NOT_FOUND (no such folder), PERMISSION, UNSUPPORTED, FORKED, NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_open(const char *url, int64_t url_len, const mtdb_options *options, mtdb_db **out,
                                  mtdb_error **err);

/** Shuts a db down: refuses new work, lets running work end, interrupts what is left at the deadline, then frees all.
 * Idempotent. Leases that are still out stay valid memory and answer CLOSED.
 *
 * @param timeout_ms  how long running work may take to end; MTDB_DEFAULT: option `shutdown_timeout_ms`. What is then
 *                    interrupted has up to 5 seconds more to notice
 * @param cancel  interrupts at once when triggered; may be NULL
 * @param[out] forced  leases that had to be interrupted; may be NULL
 * @errors INVALID_ARGUMENT, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_close(mtdb_db *db, int64_t timeout_ms, mtdb_cancel *cancel, int64_t *forced,
                                   mtdb_error **err);

/** Opens and reads one existing tenant; never creates one.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, POOL_EXHAUSTED, TIMEOUT, CANCELLED, CORRUPT, IO, PERMISSION, INVALID_ARGUMENT, CLOSED,
 *         FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_ping(mtdb_db *db, const char *tenant, int64_t tenant_len, int64_t timeout_ms,
                                  mtdb_cancel *cancel, mtdb_error **err);

/** Does a share of the maintenance: closes evicted files, expires idle connections, cleans abandoned leases,
 * checkpoints. Needed only with `threads=none`; harmless otherwise.
 *
 * @param budget_ms  stop after about this time; MTDB_FOREVER: do all that is due
 * @returns DONE when nothing is due, MORE when the budget ended first
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_maintain(mtdb_db *db, int64_t budget_ms, mtdb_error **err);

/* What the library can need from the host: mtdb_db_request(). */
#define MTDB_REQUEST_ROUTE 1 /* answer: the tenant's file below the root; elsewhere with `route.outside` */

/** Takes one open request behind MTDB_NEEDS. All callers of one tenant share one request; the taker must answer or
 * refuse it. Calls for that tenant wait, within their deadlines, for a request that was taken.
 *
 * @param timeout_ms  how long to wait for a request; 0: only look
 * @param cancel  may be NULL
 * @param[out] id  names the request in mtdb_db_answer() and mtdb_db_refuse()
 * @param[out] kind  an MTDB_REQUEST_ value
 * @param[out] buf @owns the caller; cap bytes: the tenant id (64 bytes are always enough)
 * @param[out] needed bytes of the tenant id
 * @returns OK, DONE (no request), TRUNCATED (the request stays open)
 * @errors INVALID_ARGUMENT, CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_request(mtdb_db *db, int64_t timeout_ms, mtdb_cancel *cancel, int64_t *id, int32_t *kind,
                                     void *buf, int64_t cap, int64_t *needed, mtdb_error **err);

/** Answers a request. The answer serves every caller and lives `route.ttl_ms`.
 *
 * @param id  from mtdb_db_request()
 * @param value  value_len bytes (-1: NUL-terminated); for a route: a path relative to the root, or a sqlite: URL
 * @errors NOT_FOUND (no such request), INVALID_ARGUMENT (not a valid answer; the request stays), CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_answer(mtdb_db *db, int64_t id, const char *value, int64_t value_len, mtdb_error **err);

/** Refuses a request: its callers fail with TENANT_UNKNOWN and the reason.
 *
 * @param id  from mtdb_db_request()
 * @param reason  reason_len bytes (-1: NUL-terminated), one line, shown in the error
 * @errors NOT_FOUND, INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_refuse(mtdb_db *db, int64_t id, const char *reason, int64_t reason_len, mtdb_error **err);

/** Drops one reference. The last one closes what is still open, without waiting for leases. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_db_release(mtdb_db *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Tenants. Example: examples/c/tenants.c
 *
 * A tenant id is 1 to 63 bytes of A-Z a-z 0-9 _ and -, not beginning with -, compared byte for byte. Reserved names of
 * the backend, and an id that differs only in case from an existing one where the file system folds case, are refused.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Checks an id by the rules of this db, without any I/O.
 *
 * @param tenant  tenant_len bytes (-1: NUL-terminated)
 * @errors INVALID_ARGUMENT naming the rule, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_check(mtdb_db *db, const char *tenant, int64_t tenant_len, mtdb_error **err);

/** Creates a tenant: durable when the call returns, never half-made, race-free between processes.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors EXISTS, INVALID_ARGUMENT, PERMISSION, DISK_FULL, IO, TIMEOUT, CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_create(mtdb_db *db, const char *tenant, int64_t tenant_len, int64_t timeout_ms,
                                        mtdb_cancel *cancel, mtdb_error **err);

/** Tells whether a tenant exists.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param[out] found  1 or 0
 * @returns OK, NEEDS
 * @errors INVALID_ARGUMENT, PERMISSION, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_exists(mtdb_db *db, const char *tenant, int64_t tenant_len, int32_t *found,
                                        mtdb_error **err);

/** Lists the tenants, in no particular order, in constant memory. One TEXT column: "tenant".
 *
 * @param timeout_ms  for the whole listing, fetches included
 * @param cancel  may be NULL; kept by the result
 * @param[out] out @owns the result
 * @errors UNSUPPORTED (routes come from the host), PERMISSION, IO, CLOSED, FORKED
 * @thread any; the result then serves one thread at a time
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_list(mtdb_db *db, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                      mtdb_error **err);

/** Copies a live tenant to a new one: a consistent snapshot, complete or absent, durable when the call returns.
 *
 * @param source  id of an existing tenant, source_len bytes (-1: NUL-terminated)
 * @param target  id of the new tenant, target_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, EXISTS, INVALID_ARGUMENT, DISK_FULL, IO, TIMEOUT, CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_copy(mtdb_db *db, const char *source, int64_t source_len, const char *target,
                                      int64_t target_len, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Gives a tenant another id and its place another name; its data stay. Refused while any lease of either is out.
 *
 * PostgreSQL renames the schema or database. MySQL and MariaDB have no such verb: the tables move to a new database,
 * and a tenant with views, triggers, routines or events is refused before anything is touched.
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param target  the new id, target_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, EXISTS, BUSY (leased), UNSUPPORTED (the backend, or routes that the program gave),
 *         INVALID_ARGUMENT, PERMISSION, IO, TIMEOUT, CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_rename(mtdb_db *db, const char *tenant, int64_t tenant_len, const char *target,
                                        int64_t target_len, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Drops a tenant with all its data. Refused while any lease of it is out.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, BUSY (leased), INVALID_ARGUMENT, PERMISSION, IO, TIMEOUT, CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_drop(mtdb_db *db, const char *tenant, int64_t tenant_len, int64_t timeout_ms,
                                      mtdb_cancel *cancel, mtdb_error **err);

/* What new leases of a held tenant do: mtdb_tenant_hold(). */
#define MTDB_HOLD_WAIT 0   /* wait for the end of the hold, within their own deadline */
#define MTDB_HOLD_REFUSE 1 /* fail at once */

/** Holds one tenant in this db: no new lease of it, and none out when this returns. It lasts until
 * mtdb_tenant_resume(). Other processes are not held: see mtdb_quiesce_set() with a scope "tenant:NAME".
 *
 * Leases that are out are waited for until timeout_ms; then, with cancel_running, what they run ends with TENANT_HELD
 * and so does every later use of them. A migration is never cancelled, nor a lease whose cursor shows a row. When a
 * lease is still out, the call fails and the tenant is not held.
 * Meanwhile it can be dropped, renamed and copied; a migrator's verbs on it are TENANT_HELD.
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param mode  MTDB_HOLD_WAIT or MTDB_HOLD_REFUSE
 * @param cancel_running  0: running leases are only waited for
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @errors EXISTS (held already), TIMEOUT, CANCELLED, LIMIT (`events.audit=fail`), INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any, but for one that has a lease of the tenant
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_hold(mtdb_db *db, const char *tenant, int64_t tenant_len, int32_t mode,
                                      int32_t cancel_running, int64_t timeout_ms, mtdb_cancel *cancel,
                                      mtdb_error **err);

/** Ends the hold of a tenant: those who wait are let in at once.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @errors NOT_FOUND (it is not held), LIMIT (`events.audit=fail`), INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_resume(mtdb_db *db, const char *tenant, int64_t tenant_len, mtdb_error **err);

/* ---------------------------------------------------------------------------------------------------------------------
 * Leases. Example: examples/c/leases.c
 *
 * A lease is a connection bound to one tenant until it is given back. Close it, then release it.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Borrows a connection bound to one tenant.
 *
 * Where tenants share a server's connections, nothing is sent: a tenant that does not exist is TENANT_UNKNOWN at the
 * first statement, which then did not run.
 * Waits at most timeout_ms in total: for a hold of the tenant to end, for a route, for a connection to come free, for a
 * new one to open, for the tenant to be migrated when a migrator is enabled in mode `auto`.
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param options  of scope "lease"; may be NULL
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param cancel  may be NULL
 * @param[out] out @owns the lease; give it back with mtdb_conn_close(), then mtdb_conn_release()
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, TENANT_OUTDATED, TENANT_NEWER, TENANT_HELD (a hold, a quiesce flag), POOL_EXHAUSTED, TIMEOUT,
 *         CANCELLED, CORRUPT, PERMISSION, IO, MIGRATION_*, UNAVAILABLE (quiesce flags that cannot be read, with
 *         `quiesce.on_error=closed`), INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any; the lease then serves one thread at a time
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_acquire(mtdb_db *db, const char *tenant, int64_t tenant_len, const mtdb_options *options,
                                     int64_t timeout_ms, mtdb_cancel *cancel, mtdb_conn **out, mtdb_error **err);

/** The tenant that a lease is bound to: the one it was acquired for, or the one of mtdb_conn_use().
 *
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the id
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT, FORKED
 * @thread any, but not while mtdb_conn_use() or mtdb_conn_reset() of the lease runs
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_tenant(const mtdb_conn *conn, void *buf, int64_t cap, int64_t *needed, mtdb_error **err);

/** Runs one statement that returns no rows (rows that it returns are dropped).
 *
 * A deadline or a cancel cannot end a single call of an SQL function. A statement that reads then fails once that call
 * has returned; one that writes may be complete, and is OK. Option `sqlite.length_max_bytes` bounds such calls.
 *
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated)
 * @param params  a block with one column per parameter, params_len bytes; each of its rows runs the statement once, all
 *                in one transaction; NULL and 0 for none
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @param[out] affected  rows changed; may be NULL
 * @errors SQL_ERROR, CONSTRAINT, SERIALIZATION, BUSY, TIMEOUT, CANCELLED, PERMISSION, READ_ONLY, DISK_FULL, IO,
 *         CORRUPT, TX_LOST, TENANT_HELD (a hold ended the lease), LIMIT, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_exec(mtdb_conn *conn, const char *sql, int64_t sql_len, const void *params,
                                    int64_t params_len, int64_t timeout_ms, mtdb_cancel *cancel, int64_t *affected,
                                    mtdb_error **err);

/** Runs one statement and returns its rows. Its first row is computed before this returns. A statement that writes is
 * complete then; when its rows are more than option `result_buffer_max_bytes` holds, LIMIT: in an open transaction the
 * statement is undone (effect NONE), outside of one it is COMMITTED.
 *
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated)
 * @param params  a block with one row and one column per parameter, params_len bytes; NULL and 0 for none
 * @param timeout_ms  covers the reading of the rows too; MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  kept by the result; may be NULL
 * @param[out] out @owns the result; it keeps the lease alive until it is done or released
 * @errors as mtdb_conn_exec()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_query(mtdb_conn *conn, const char *sql, int64_t sql_len, const void *params,
                                     int64_t params_len, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                     mtdb_error **err);

/** Runs a text of several statements in order and stops at the first failure, which names statement, line and column.
 * Each statement commits by itself unless a transaction is open. Rows are dropped. A text with a NUL byte is refused
 * before any of it runs.
 *
 * @param text  statements separated by semicolons, text_len bytes (-1: NUL-terminated); no parameters
 * @param[out] statements  how many ran; also written on failure, as the one output that is; may be NULL
 * @errors as mtdb_conn_exec()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_exec_script(mtdb_conn *conn, const char *text, int64_t text_len, int64_t timeout_ms,
                                           mtdb_cancel *cancel, int64_t *statements, mtdb_error **err);

/** The key that the last successful INSERT of this lease generated (SQLite: the rowid); 0 when there was none.
 *
 * @param[out] id  the key
 * @errors INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_insert_id(mtdb_conn *conn, int64_t *id, mtdb_error **err);

/** Binds the lease to another tenant, as if it were given back and acquired anew: statements and results end.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param cancel  may be NULL
 * @returns OK, NEEDS
 * @errors as mtdb_db_acquire(), and INVALID_STATE while a transaction is open (the lease then stays as it is); after
 *         any other the lease is bound to nobody: use another tenant, reset or close it
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_use(mtdb_conn *conn, const char *tenant, int64_t tenant_len, int64_t timeout_ms,
                                   mtdb_cancel *cancel, mtdb_error **err);

/** Binds the lease to the tenant again that it was acquired for.
 *
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param cancel  may be NULL
 * @returns OK, NEEDS
 * @errors as mtdb_conn_use()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_reset(mtdb_conn *conn, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** The tenant that the session stands in now, asked of the server: after a USE or SET search_path of the program's own
 * it may be another one than the lease's, until the next statement, which the library pins first. Where each tenant has
 * connections of its own (SQLite, echo, tenancy `server`, PostgreSQL databases) it is the lease's tenant. Behind a
 * pooler in transaction mode no session is the lease's, and the answer says nothing.
 *
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  may be NULL
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the id
 * @returns OK, TRUNCATED
 * @errors TENANT_UNKNOWN (it stands in no tenant's place), as mtdb_conn_exec()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_current(mtdb_conn *conn, int64_t timeout_ms, mtdb_cancel *cancel, void *buf, int64_t cap,
                                       int64_t *needed, mtdb_error **err);

/** Gives the lease back: rolls back what is open (and says so by event), leaves the connection clean. Idempotent.
 *
 * @errors IO, INVALID_ARGUMENT, MISUSE, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_close(mtdb_conn *conn, mtdb_error **err);

/** Drops one reference. A lease that was never closed becomes *abandoned*: maintenance cleans its connection and an
 * event names the place that acquired it. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_conn_release(mtdb_conn *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Value types. A column's type belongs to the block (docs/types.md has the table per backend).
 * ------------------------------------------------------------------------------------------------------------------ */

#define MTDB_TYPE_NULL 0
#define MTDB_TYPE_BOOL 1         /* int8 */
#define MTDB_TYPE_INT64 2        /* int64 */
#define MTDB_TYPE_UINT64 3       /* uint64 */
#define MTDB_TYPE_FLOAT 4        /* IEEE 32 bit */
#define MTDB_TYPE_DOUBLE 5       /* IEEE 64 bit */
#define MTDB_TYPE_DECIMAL 6      /* text */
#define MTDB_TYPE_TEXT 7         /* UTF-8 */
#define MTDB_TYPE_BYTES 8        /* bytes */
#define MTDB_TYPE_DATE 9         /* int32: days since 1970-01-01 */
#define MTDB_TYPE_TIME 10        /* int64: microseconds, signed */
#define MTDB_TYPE_TIMESTAMP 11   /* int64: microseconds since 1970-01-01 00:00:00, no zone */
#define MTDB_TYPE_TIMESTAMPTZ 12 /* int64: microseconds since 1970-01-01 00:00:00 UTC */
#define MTDB_TYPE_UUID 13        /* 16 bytes */
#define MTDB_TYPE_JSON 14        /* text */
#define MTDB_TYPE_INTERVAL 15    /* int32 months, int32 days, int64 microseconds */
#define MTDB_TYPE_VARIANT 16     /* values of this column differ in type within this block */
#define MTDB_TYPE_OTHER 17       /* text, with the engine's own type name in mtdb_result_column_declared() */

/* ---------------------------------------------------------------------------------------------------------------------
 * Statements. Example: examples/c/statements.c
 *
 * A prepared statement keeps its lease alive. Preparing the same text again on the same connection costs a look-up: the
 * compiled form is cached per connection (option `statement_cache`).
 * ------------------------------------------------------------------------------------------------------------------ */

/** Prepares one statement. Text after it, other than blanks, comments and a semicolon, is refused.
 *
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated); placeholders are the backend's own, or `?` and `:name`
 *             with option `placeholders=portable`
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  may be NULL
 * @param[out] out @owns the statement
 * @errors SQL_ERROR, PERMISSION, BUSY, TIMEOUT, CANCELLED, TX_LOST, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_prepare(mtdb_conn *conn, const char *sql, int64_t sql_len, int64_t timeout_ms,
                                       mtdb_cancel *cancel, mtdb_stmt **out, mtdb_error **err);

/** How many parameters the statement has.
 *
 * @param[out] count  the highest parameter index
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_parameter_count(mtdb_stmt *stmt, int32_t *count, mtdb_error **err);

/** The index of a named parameter, for the binds that take an index.
 *
 * @param name  without its sigil (`id` for `:id`) or with it, name_len bytes (-1: NUL-terminated)
 * @param[out] index  from 1
 * @errors NOT_FOUND, INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_parameter_index(mtdb_stmt *stmt, const char *name, int64_t name_len, int32_t *index,
                                               mtdb_error **err);

/** Binds SQL NULL.
 *
 * @param index  from 1
 * @errors INVALID_ARGUMENT (no such parameter), INVALID_STATE (its rows are being read), MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_null(mtdb_stmt *stmt, int32_t index, mtdb_error **err);

/** Binds a value that an integer carries: BOOL, INT64, DATE, TIME, TIMESTAMP, TIMESTAMPTZ.
 *
 * @param index  from 1
 * @param type  an MTDB_TYPE_ value of those
 * @param value  as the type's comment says
 * @errors as mtdb_stmt_bind_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_integer(mtdb_stmt *stmt, int32_t index, int32_t type, int64_t value,
                                            mtdb_error **err);

/** Binds an INT64.
 *
 * @param index  from 1
 * @errors as mtdb_stmt_bind_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_int64(mtdb_stmt *stmt, int32_t index, int64_t value, mtdb_error **err);

/** Binds a DOUBLE. SQLite stores NaN as NULL; that is refused here with INVALID_ARGUMENT.
 *
 * @param index  from 1
 * @errors as mtdb_stmt_bind_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_double(mtdb_stmt *stmt, int32_t index, double value, mtdb_error **err);

/** Binds TEXT; NUL bytes inside are kept. Copied.
 *
 * @param index  from 1
 * @param value  UTF-8, value_len bytes (-1: NUL-terminated)
 * @errors as mtdb_stmt_bind_null(); LIMIT (too long for the backend)
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_text(mtdb_stmt *stmt, int32_t index, const char *value, int64_t value_len,
                                         mtdb_error **err);

/** Binds BYTES. Copied.
 *
 * @param index  from 1
 * @param value  value_len bytes
 * @errors as mtdb_stmt_bind_null(); LIMIT (too long for the backend)
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_bytes(mtdb_stmt *stmt, int32_t index, const void *value, int64_t value_len,
                                          mtdb_error **err);

/** Binds a value that text or bytes carry: DECIMAL, TEXT, BYTES, UUID (16 bytes), JSON, OTHER. Copied.
 *
 * @param index  from 1
 * @param type  an MTDB_TYPE_ value of those
 * @param value  value_len bytes
 * @errors as mtdb_stmt_bind_null(); LIMIT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_typed(mtdb_stmt *stmt, int32_t index, int32_t type, const void *value,
                                          int64_t value_len, mtdb_error **err);

/** Binds many rows at once: the next execute runs the statement once per row, all in one transaction (the open one, or
 * its own), and returns no rows. Column i of the block is parameter i + 1. Copied.
 *
 * @param block  as mtdb_block_data() makes it, block_len bytes; checked whole before any of it is used
 * @errors INVALID_ARGUMENT (not a block, or not a column per parameter), INVALID_STATE, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_bind_block(mtdb_stmt *stmt, const void *block, int64_t block_len, mtdb_error **err);

/** Sets every parameter to NULL and forgets a bound block.
 *
 * @errors INVALID_STATE, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_clear(mtdb_stmt *stmt, mtdb_error **err);

/** Runs the statement. A statement that writes is complete when this returns; of a SELECT the first row is computed,
 * the others as they are fetched. Executing again ends the earlier result.
 *
 * @param timeout_ms  covers the reading of the rows too; MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  kept by the result; may be NULL
 * @param[out] out @owns the result, also when there are no rows
 * @errors as mtdb_conn_exec()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_execute(mtdb_stmt *stmt, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                       mtdb_error **err);

/** Ends the statement; its compiled form goes back to the connection's cache. Idempotent.
 *
 * @errors INVALID_ARGUMENT, MISUSE, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_stmt_close(mtdb_stmt *stmt, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_stmt_release(mtdb_stmt *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Results, row blocks and the C cursor. Example: examples/c/results.c, examples/c/blocks.c
 *
 * Rows leave the library in blocks: columnar, little-endian, every array 8-aligned, offsets from the block's start,
 * after Arrow's physical rules. The bytes of a block:
 *
 *   mtdb_block_header, then `columns` times mtdb_block_column, then the arrays.
 *   validity  0, or where a bitmap begins: bit i (least significant first) is 1 when row i has a value.
 *   data      fixed-width types: `rows` values. TEXT, BYTES, DECIMAL, JSON, OTHER: `rows`+1 int32 offsets into the
 *             heap. VARIANT: `rows` int8 type codes, padded to 8, then `rows` int64 slots: an integer, the bits of a
 *             double, or heap offset << 32 | length. NULL: 0, nothing.
 *   heap      where the bytes of text begin.
 *
 * The same form carries parameters in: mtdb_stmt_bind_block(). mtdb_block_* below builds it.
 * ------------------------------------------------------------------------------------------------------------------ */

#define MTDB_BLOCK_MAGIC 0x3142544d /* "MTB1" */
#define MTDB_BLOCK_VERSION 1

/** First 32 bytes of a block. Frozen. */
typedef struct mtdb_block_header {
    int32_t magic;    /* MTDB_BLOCK_MAGIC */
    int32_t version;  /* MTDB_BLOCK_VERSION */
    int32_t columns;
    int32_t rows;
    int64_t total;    /* bytes of the block, this header included */
    int64_t reserved; /* 0 */
} mtdb_block_header;

/** One column of a block: 32 bytes. Frozen. */
typedef struct mtdb_block_column {
    int32_t type;     /* an MTDB_TYPE_ value */
    int32_t reserved; /* 0 */
    int64_t validity; /* offset of the bitmap, or 0 when no value is NULL */
    int64_t data;     /* offset of the values, offsets or tags */
    int64_t heap;     /* offset of the bytes of text, or 0 */
} mtdb_block_column;

/** How many columns the present result set has; 0 for a statement without rows.
 *
 * @param[out] count  columns
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_column_count(mtdb_result *result, int32_t *count, mtdb_error **err);

/** A column's name.
 *
 * @param column  from 0
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the name
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_column_name(mtdb_result *result, int32_t column, void *buf, int64_t cap,
                                             int64_t *needed, mtdb_error **err);

/** A column's declared type, in the engine's words; empty for an expression. It never changes a value.
 *
 * @param column  from 0
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the type
 * @returns OK, TRUNCATED
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_column_declared(mtdb_result *result, int32_t column, void *buf, int64_t cap,
                                                 int64_t *needed, mtdb_error **err);

/** What is known of a column before its values: its type (MTDB_TYPE_VARIANT where each value has its own, as on SQLite)
 * and whether it can be NULL.
 *
 * @param column  from 0
 * @param[out] type  an MTDB_TYPE_ value
 * @param[out] nullable  1 yes, 0 no, -1 unknown; may be NULL
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_column_type(mtdb_result *result, int32_t column, int32_t *type, int32_t *nullable,
                                             mtdb_error **err);

/** Fills a buffer with the next rows as one block.
 *
 * @param[out] buf @owns the caller; cap bytes, 8-aligned for direct access; 64 KiB is a good start
 * @param max_rows  at most so many rows; 0: as many as fit
 * @param[out] rows  rows in the block
 * @param[out] used  bytes of the block; with TRUNCATED: bytes that the next row alone needs
 * @returns OK (there may be more), DONE (these were the last rows, perhaps none), TRUNCATED (not one row fits)
 * @errors TIMEOUT, CANCELLED, SQL_ERROR, IO, CORRUPT, INVALID_STATE (executed again), TX_LOST, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_fetch(mtdb_result *result, void *buf, int64_t cap, int64_t max_rows, int64_t *rows,
                                       int64_t *used, mtdb_error **err);

/** Moves the C cursor to the next row. Fetch and cursor read the same rows; use one of them.
 *
 * @returns OK (a row), DONE
 * @errors as mtdb_result_fetch()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_next(mtdb_result *result, mtdb_error **err);

/** The type of a value in the cursor's row; MTDB_TYPE_NULL without a row or column.
 *
 * @param column  from 0
 * @errors none
 * @thread serial
 * @since 0.1 */
MTDB_API int32_t mtdb_value_type(const mtdb_result *result, int32_t column);

/** A value of the cursor's row as an integer: integer-carried types as they are, a double that is a whole number
 * converted, anything else 0.
 *
 * @param column  from 0
 * @errors none
 * @thread serial
 * @since 0.1 */
MTDB_API int64_t mtdb_value_int64(const mtdb_result *result, int32_t column);

/** A value of the cursor's row as a double: DOUBLE, FLOAT and integers converted, anything else 0.
 *
 * @param column  from 0
 * @errors none
 * @thread serial
 * @since 0.1 */
MTDB_API double mtdb_value_double(const mtdb_result *result, int32_t column);

/** The bytes of a text-carried or BYTES value of the cursor's row, NUL-terminated; NULL for other types.
 *
 * @param column  from 0
 * @param[out] len  bytes without the NUL; may be NULL
 * @returns @borrows until the next call on this result
 * @errors none
 * @thread serial
 * @since 0.1 */
MTDB_API const char *mtdb_value_text(const mtdb_result *result, int32_t column, int64_t *len);

/** Rows changed by the statement behind this result; 0 for one that reads.
 *
 * @param[out] affected  rows
 * @errors INVALID_ARGUMENT, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_affected(mtdb_result *result, int64_t *affected, mtdb_error **err);

/** The key that the statement behind this result generated; 0 when it generated none.
 *
 * @param[out] id  the key
 * @errors INVALID_ARGUMENT, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_insert_id(mtdb_result *result, int64_t *id, mtdb_error **err);

/** Moves to the next result set of the same call. SQLite statements have one.
 *
 * @returns OK, DONE
 * @errors as mtdb_result_fetch()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_next_set(mtdb_result *result, mtdb_error **err);

/** Ends the reading; rows not read are dropped. The affected rows stay readable. Idempotent.
 *
 * @errors INVALID_ARGUMENT, MISUSE, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_result_close(mtdb_result *result, mtdb_error **err);

/** Drops one reference; the last one closes. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_result_release(mtdb_result *owned);

/** Makes an empty block builder: cells are added left to right, mtdb_block_end_row() ends a row.
 *
 * @param[out] out @owns the builder
 * @errors NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_new(mtdb_block **out, mtdb_error **err);

/** Adds a NULL cell.
 *
 * @errors LIMIT, INVALID_STATE (more cells than the first row), INVALID_ARGUMENT, NOMEM
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_null(mtdb_block *block, mtdb_error **err);

/** Adds a cell that an integer carries.
 *
 * @param type  MTDB_TYPE_BOOL, _INT64, _UINT64 (its bits), _DATE, _TIME, _TIMESTAMP or _TIMESTAMPTZ
 * @param value  as the type's comment says
 * @errors as mtdb_block_add_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_integer(mtdb_block *block, int32_t type, int64_t value, mtdb_error **err);

/** Adds an INT64 cell.
 *
 * @errors as mtdb_block_add_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_int64(mtdb_block *block, int64_t value, mtdb_error **err);

/** Adds a DOUBLE cell.
 *
 * @errors as mtdb_block_add_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_double(mtdb_block *block, double value, mtdb_error **err);

/** Adds a TEXT cell. Copied.
 *
 * @param value  UTF-8, value_len bytes (-1: NUL-terminated)
 * @errors as mtdb_block_add_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_text(mtdb_block *block, const char *value, int64_t value_len, mtdb_error **err);

/** Adds a cell that text or bytes carry. Copied.
 *
 * @param type  MTDB_TYPE_DECIMAL, _TEXT, _BYTES, _UUID (16 bytes), _JSON or _OTHER
 * @param value  value_len bytes
 * @errors as mtdb_block_add_null()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_add_typed(mtdb_block *block, int32_t type, const void *value, int64_t value_len,
                                          mtdb_error **err);

/** Ends the row. The first row decides the number of columns; a shorter row is refused.
 *
 * @errors INVALID_STATE, LIMIT, INVALID_ARGUMENT, NOMEM
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_end_row(mtdb_block *block, mtdb_error **err);

/** The finished block, for C callers.
 *
 * @param[out] data  @borrows until the builder is changed, reset or released
 * @param[out] data_len  bytes
 * @errors INVALID_STATE (a row is unfinished), LIMIT, INVALID_ARGUMENT, NOMEM
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_data(mtdb_block *block, const void **data, int64_t *data_len, mtdb_error **err);

/** Copies the finished block out.
 *
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] needed bytes of the block
 * @returns OK, TRUNCATED
 * @errors as mtdb_block_data()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_copy(mtdb_block *block, void *buf, int64_t cap, int64_t *needed, mtdb_error **err);

/** Forgets all cells, keeps the memory.
 *
 * @errors INVALID_ARGUMENT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_block_reset(mtdb_block *block, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_block_release(mtdb_block *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Batches. Example: examples/c/batch.c
 *
 * Different statements that run together, all or none. PostgreSQL gets them in one flight: one trip, however many they
 * are. A batch is bound to no lease: it can be run again, on this lease or another.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Makes an empty batch.
 *
 * @param[out] out @owns the batch
 * @errors NOMEM
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_batch_new(mtdb_batch **out, mtdb_error **err);

/** Adds a statement behind those that the batch has. It is looked at when the batch runs.
 *
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated). Copied
 * @param params  a block with one row and one column per parameter, params_len bytes; NULL and 0 for none. Copied
 * @errors INVALID_ARGUMENT (not a block of one row), NOMEM
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_batch_add(mtdb_batch *batch, const char *sql, int64_t sql_len, const void *params,
                                    int64_t params_len, mtdb_error **err);

/** Forgets all statements.
 *
 * @errors INVALID_ARGUMENT
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_batch_clear(mtdb_batch *batch, mtdb_error **err);

/** Runs the statements of a batch in their order, all or none: outside a transaction they are one; inside one a failure
 * undoes the batch only, unless it ends the transaction. A statement that controls the transaction, that cannot run
 * inside one, or that writes on a read-only lease is refused before anything runs. Rows that statements return are
 * dropped. An error's statement (from 1) says which one failed, its line and column are of that statement's text.
 *
 * @param batch  not changed, nor kept
 * @param timeout_ms  for all of them; MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  may be NULL
 * @param[out] out @owns the result, a row per statement: statement INT64 (from 1), affected INT64, insert_id INT64 (the
 *             key that it generated, or 0)
 * @errors as mtdb_conn_exec()
 * @thread serial, also for the batch
 * @since 0.1 */
MTDB_API mtdb_status mtdb_conn_exec_batch(mtdb_conn *conn, mtdb_batch *batch, int64_t timeout_ms, mtdb_cancel *cancel,
                                          mtdb_result **out, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_batch_release(mtdb_batch *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Transactions. Example: examples/c/transactions.c
 *
 * A lease has at most one transaction. One that ended without commit or rollback of the caller (a cancelled write, a
 * full disk) is *lost*: every call but mtdb_tx_rollback() then answers TX_LOST, so nothing runs outside it by accident.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Begins a transaction.
 *
 * @param options  of scope "tx": `tx.read_only`, `tx.isolation`, `tx.immediate`; may be NULL
 * @param timeout_ms  covers the wait for the tenant's writer turn; MTDB_DEFAULT: option `query_timeout_ms`
 * @param cancel  may be NULL
 * @errors INVALID_STATE (one is open), BUSY, TIMEOUT, CANCELLED, UNSUPPORTED, READ_ONLY, TX_LOST, MISUSE, CLOSED,
 *         FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_begin(mtdb_conn *conn, const mtdb_options *options, int64_t timeout_ms,
                                   mtdb_cancel *cancel, mtdb_error **err);

/** Commits. When it fails the error's effect says what became of the transaction.
 *
 * @errors INVALID_STATE (none is open), TX_LOST, CONSTRAINT (deferred keys; still open), BUSY, TIMEOUT, CANCELLED,
 *         DISK_FULL, IO, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_commit(mtdb_conn *conn, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Rolls back; also ends a lost transaction. Without a transaction it does nothing.
 *
 * @errors IO, MISUSE, INVALID_ARGUMENT, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_rollback(mtdb_conn *conn, mtdb_error **err);

/** Sets a savepoint in the open transaction.
 *
 * @param name  1 to 63 bytes of letters, digits and _, name_len bytes (-1: NUL-terminated); names nest, and `a` is the
 *              same name as `A`
 * @errors INVALID_STATE, INVALID_ARGUMENT, TX_LOST, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_savepoint(mtdb_conn *conn, const char *name, int64_t name_len, mtdb_error **err);

/** Undoes everything after a savepoint; the savepoint stays.
 *
 * @param name  name_len bytes (-1: NUL-terminated)
 * @errors NOT_FOUND (no such savepoint), INVALID_STATE, INVALID_ARGUMENT, TX_LOST, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_rollback_to(mtdb_conn *conn, const char *name, int64_t name_len, mtdb_error **err);

/** Forgets a savepoint, and those after it; what was done since stays in the transaction.
 *
 * @param name  name_len bytes (-1: NUL-terminated)
 * @errors as mtdb_tx_rollback_to()
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_release_savepoint(mtdb_conn *conn, const char *name, int64_t name_len, mtdb_error **err);

/** The state of the lease's transaction.
 *
 * @param[out] state  0 none, 1 open, 2 lost
 * @errors INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tx_state(mtdb_conn *conn, int32_t *state, mtdb_error **err);

/* ---------------------------------------------------------------------------------------------------------------------
 * One-shot calls: a lease is taken inside and given back when the call, or the result, is done. Example:
 * examples/c/hello.c
 * ------------------------------------------------------------------------------------------------------------------ */

/** Runs one statement in a tenant. As mtdb_db_acquire(), mtdb_conn_exec() and mtdb_conn_close() in one.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated)
 * @param params  a block, params_len bytes; NULL and 0 for none
 * @param timeout_ms  for all of it; MTDB_DEFAULT: the two options' values, one after the other
 * @param cancel  may be NULL
 * @param[out] affected  rows changed; may be NULL
 * @returns OK, NEEDS
 * @errors as mtdb_db_acquire() and mtdb_conn_exec()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_exec(mtdb_db *db, const char *tenant, int64_t tenant_len, const char *sql, int64_t sql_len,
                                  const void *params, int64_t params_len, int64_t timeout_ms, mtdb_cancel *cancel,
                                  int64_t *affected, mtdb_error **err);

/** Runs one statement in a tenant and returns its rows. The lease goes back when the rows are read to the end, or the
 * result is closed or released.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param sql  one statement, sql_len bytes (-1: NUL-terminated)
 * @param params  a block with one row, params_len bytes; NULL and 0 for none
 * @param timeout_ms  covers the reading of the rows too
 * @param cancel  kept by the result; may be NULL
 * @param[out] out @owns the result
 * @returns OK, NEEDS
 * @errors as mtdb_db_acquire() and mtdb_conn_query()
 * @thread any; the result then serves one thread at a time
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_query(mtdb_db *db, const char *tenant, int64_t tenant_len, const char *sql,
                                   int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                                   mtdb_cancel *cancel, mtdb_result **out, mtdb_error **err);

/* ---------------------------------------------------------------------------------------------------------------------
 * Migrations. Example: examples/c/migrations.c
 *
 * A migrator holds one ordered set of scripts: inline, a folder in golang-migrate layout, or a folder in Flyway layout.
 * The history is written as that tool writes it (docs/migrations.md), so it can take over at any time, and mtdb from
 * it.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Makes a migrator. With option `migrate.source` its scripts are read now.
 *
 * @param options  of scope "migrator": `migrate.source`, `migrate.layout`, `migrate.history`, `migrate.table`,
 *                 `migrate.mode` and others; may be NULL
 * @param[out] out @owns the migrator
 * @errors NOT_FOUND (no such folder), INVALID_ARGUMENT (two scripts of one version, undecodable text, a malformed
 *         configuration beside a script, a repeatable whose placeholder has no value), UNSUPPORTED (a callback that is
 *         a program, `shouldExecute`, a location that is no folder), IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_new(mtdb_db *db, const mtdb_options *options, mtdb_migrator **out, mtdb_error **err);

/** Adds one inline script. Not after a verb has run, nor to a migrator that reads a folder.
 *
 * @param version  dotted numbers such as "3" or "2024.1.7", version_len bytes (-1: NUL-terminated)
 * @param description  description_len bytes (-1: NUL-terminated)
 * @param up  the statements, up_len bytes (-1: NUL-terminated)
 * @param down  the statements that undo them, down_len bytes; NULL and 0 for none
 * @errors EXISTS (that version is there), INVALID_ARGUMENT, INVALID_STATE
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_add(mtdb_migrator *migrator, const char *version, int64_t version_len,
                                       const char *description, int64_t description_len, const char *up, int64_t up_len,
                                       const char *down, int64_t down_len, mtdb_error **err);

/** Makes the db ask this migrator at each tenant's first lease, in its `migrate.mode`: `auto` migrates, `check` refuses
 * outdated and newer tenants, `manual` does nothing.
 *
 * @errors INVALID_STATE (the db has one), INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_enable(mtdb_migrator *migrator, mtdb_error **err);

/** Computes what would run, touching nothing. Columns: version TEXT, description TEXT, script TEXT, kind TEXT, checksum
 * INT64, state TEXT (pending, applied, ...), problem TEXT, transactional INT64, statements INT64, destructive TEXT.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param target  a version ("5?": or none), "latest" or empty, "current", "next", "+2", target_len bytes (-1:
 *                NUL-terminated)
 * @param[out] out @owns the result: the steps in the order they would run; problems first, those too that migrate fails
 *                 with
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, NOT_FOUND (no such target), INVALID_STATE (two histories, an option against the table, a
 *         table that is no history), INVALID_ARGUMENT, TIMEOUT, CANCELLED, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_plan(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                        const char *target, int64_t target_len, int64_t timeout_ms, mtdb_cancel *cancel,
                                        mtdb_result **out, mtdb_error **err);

/** Migrates one tenant. Each script commits together with its history row; a cancel stops between scripts.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param target  a version ("5?": or none), "latest" or empty, "current", "next", "+2", target_len bytes (-1:
 *                NUL-terminated)
 * @param[out] applied  scripts applied by this call; also written on failure; may be NULL
 * @returns OK, NEEDS
 * @errors MIGRATION_FAILED (names script, statement, line), MIGRATION_CHECKSUM, MIGRATION_DIRTY, MIGRATION_LOCKED,
 *         TENANT_NEWER, TENANT_UNKNOWN, NOT_FOUND (no such target, the history's version has no script), INVALID_STATE
 *         (two histories, an option against the table, tables but no history), UNSUPPORTED (a program), LIMIT
 *         (`events.audit=fail`), TENANT_HELD (another's quiesce flag, a hold), UNAVAILABLE (flags that cannot be
 *         read), INVALID_ARGUMENT, TIMEOUT, CANCELLED, DISK_FULL, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_migrate(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                           const char *target, int64_t target_len, int64_t timeout_ms,
                                           mtdb_cancel *cancel, int64_t *applied, mtdb_error **err);

/** Undoes applied scripts above a target, newest first.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param target  the version to stay at, "empty" to undo all, "next" or "-2" for the newest ones, target_len bytes (-1:
 *                NUL-terminated)
 * @param[out] undone  scripts undone by this call; also written on failure; may be NULL
 * @returns OK, NEEDS
 * @errors NOT_FOUND (a script has no undo), and as mtdb_migrator_migrate()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_undo(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                        const char *target, int64_t target_len, int64_t timeout_ms, mtdb_cancel *cancel,
                                        int64_t *undone, mtdb_error **err);

/** The whole picture of a tenant, a row per entry of its history and per script that is not applied, in Flyway's order:
 * category TEXT ("Versioned", "Repeatable", "Baseline", or empty for a marker), version TEXT (NULL: none), description
 * TEXT, type TEXT, script TEXT, state TEXT ("pending", "success", "out_of_order", ...), installed_rank INT64 (NULL: not
 * applied, as the next), checksum INT64, installed_on TEXT, installed_by TEXT, execution_ms INT64, undoable INT64.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param target  as mtdb_migrator_migrate() takes it: scripts above it are "above_target"; target_len bytes (-1:
 *                NUL-terminated)
 * @param[out] out @owns the result
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, INVALID_STATE (two histories, an option against the table, a table that is no history),
 *         MIGRATION_FAILED (a callback), INVALID_ARGUMENT, TIMEOUT, CANCELLED, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_info(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                        const char *target, int64_t target_len, int64_t timeout_ms, mtdb_cancel *cancel,
                                        mtdb_result **out, mtdb_error **err);

/** Puts a history right, a row per change: action TEXT, version TEXT (NULL: none), description TEXT, script TEXT,
 * detail TEXT. Flyway's history, as Flyway's repair: "remove" (the row of a failed script), "mark" (a script that is no
 * more gets a row of type DELETE), "align" (description, type and checksum become the script's). golang-migrate's:
 * "set" (a dirty version becomes the one that the tenant's tables show), or "explain" (they do not show it, and nothing
 * changes).
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param apply  0: only tells; else changes it, all in one transaction
 * @param[out] out @owns the result
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, INVALID_STATE, MIGRATION_LOCKED, MIGRATION_FAILED (a callback), LIMIT (`events.audit=fail`),
 *         INVALID_ARGUMENT, TIMEOUT, CANCELLED, DISK_FULL, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_repair(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                          int32_t apply, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                          mtdb_error **err);

/** Says that a tenant that has no history stands at a version: scripts up to it never run. The same again does nothing.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param version  version_len bytes (-1: NUL-terminated); empty: option `migrate.baseline_version`
 * @param description  description_len bytes (-1: NUL-terminated); empty: option `migrate.baseline_description`
 * @returns OK, NEEDS
 * @errors INVALID_STATE (there is another baseline, scripts were applied), TENANT_UNKNOWN, MIGRATION_LOCKED,
 *         MIGRATION_FAILED (a callback), LIMIT (`events.audit=fail`), INVALID_ARGUMENT, TIMEOUT, CANCELLED, DISK_FULL,
 *         IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_baseline(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                            const char *version, int64_t version_len, const char *description,
                                            int64_t description_len, int64_t timeout_ms, mtdb_cancel *cancel,
                                            mtdb_error **err);

/** Sets the version of golang-migrate's history, not dirty, whatever it is now.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param version  a number, or "empty" for none, version_len bytes (-1: NUL-terminated)
 * @returns OK, NEEDS
 * @errors UNSUPPORTED (the history is Flyway's), TENANT_UNKNOWN, INVALID_STATE, MIGRATION_LOCKED, LIMIT
 *         (`events.audit=fail`), INVALID_ARGUMENT, TIMEOUT, CANCELLED, DISK_FULL, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_force(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                         const char *version, int64_t version_len, int64_t timeout_ms,
                                         mtdb_cancel *cancel, mtdb_error **err);

/** Drops all that is in a tenant's namespace, the history too; the tenant itself stays. Needs `migrate.drop=allow`.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param[out] dropped  objects dropped, without those that went with others; may be NULL
 * @returns OK, NEEDS
 * @errors INVALID_STATE (the option refuses it), TENANT_UNKNOWN, MIGRATION_LOCKED, MIGRATION_FAILED (a callback), LIMIT
 *         (`events.audit=fail`), INVALID_ARGUMENT, TIMEOUT, CANCELLED, IO, CLOSED, FORKED; what was dropped before
 *         stays dropped
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_drop(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                        int64_t timeout_ms, mtdb_cancel *cancel, int64_t *dropped, mtdb_error **err);

/** Where a tenant stands: one row with tenant TEXT, current TEXT (NULL: nothing applied), target TEXT, state TEXT
 * (up_to_date, outdated, newer, problem), pending INT64, applied_at TEXT (NULL: the history does not say), history
 * TEXT, problem TEXT.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param[out] out @owns the result
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, INVALID_STATE (two histories, an option against the table, a table that is no history),
 *         INVALID_ARGUMENT, TIMEOUT, CANCELLED, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_status(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                          int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out, mtdb_error **err);

/** Compares a tenant's history with the scripts and returns every problem, a row each: code TEXT (Flyway's), version
 * TEXT, description TEXT, script TEXT, message TEXT, repair TEXT (what repair would change; NULL: nothing). No row: all
 * is well.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param[out] out @owns the result
 * @returns OK, NEEDS
 * @errors TENANT_UNKNOWN, INVALID_STATE (two histories, an option against the table, a table that is no history),
 *         INVALID_ARGUMENT, TIMEOUT, CANCELLED, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_validate(mtdb_migrator *migrator, const char *tenant, int64_t tenant_len,
                                            int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                            mtdb_error **err);

/** Runs one verb over many tenants with `run.workers` threads, goes on after a failure, and returns one row per tenant
 * in the order of the list: tenant TEXT, status INT64, applied INT64, version TEXT, state TEXT, message TEXT (NULL:
 * none), error TEXT (the JSON of mtdb_error_json(), NULL: none).
 *
 * @param verb  "migrate", "undo", "status" (or "info"), "validate", "repair" or "baseline", verb_len bytes (-1:
 *              NUL-terminated)
 * @param target  as the verb takes it, for baseline the version; may be empty; target_len bytes (-1: NUL-terminated)
 * @param tenants  ids separated by newlines, tenants_len bytes (-1: NUL-terminated); NULL and 0: all tenants
 * @param options  of scope "run"; may be NULL
 * @param[out] out @owns the result
 * @errors INVALID_ARGUMENT, UNSUPPORTED (all tenants, but routes come from the host), CANCELLED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_migrator_run(mtdb_migrator *migrator, const char *verb, int64_t verb_len, const char *target,
                                       int64_t target_len, const char *tenants, int64_t tenants_len,
                                       const mtdb_options *options, int64_t timeout_ms, mtdb_cancel *cancel,
                                       mtdb_result **out, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_migrator_release(mtdb_migrator *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Fleet runs. Example: examples/c/fleet.c
 *
 * A fleet run does one thing to many tenants: a canary first, then waves; it halts when its budget of failures is
 * spent, and drains what has begun, never kills it. A ledger in the control store (option `control`) has a durable row
 * per tenant, written before the tenant is changed and after, so that a run which was killed is taken up where it
 * stopped: option `fleet.resume`. What counts is each tenant's own history; a ledger that was lost loses nothing but
 * the reports, and what `fleet.resume=applied` would undo.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Makes a fleet run, or takes up one by its name. Nothing is done before mtdb_fleet_run().
 *
 * @param migrator  of the same db; may be NULL for `fleet.verb=sql`
 * @param options  of scope "fleet": `fleet.verb`, `fleet.target`, `fleet.run`, `fleet.resume`, `fleet.canary`,
 *                 `fleet.waves` and others; may be NULL
 * @param[out] out @owns the run
 * @errors INVALID_ARGUMENT (options that contradict each other), CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_new(mtdb_db *db, mtdb_migrator *migrator, const mtdb_options *options,
                                    mtdb_fleet **out, mtdb_error **err);

/** Adds a tenant to the run's list, whose order is that of the run and of its results. A run without a list takes all
 * tenants there are, in the order of their ids.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @errors INVALID_STATE (the run has begun), INVALID_ARGUMENT (also: it is in the list already), CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_add(mtdb_fleet *fleet, const char *tenant, int64_t tenant_len, mtdb_error **err);

/** Adds tenants to the run's list that are a wave of their own, in the order of the calls: behind the canary, before
 * those of mtdb_fleet_add(), which go in waves by size.
 *
 * @param tenants  ids separated by newlines, tenants_len bytes (-1: NUL-terminated)
 * @errors INVALID_STATE (the run has begun), INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_add_wave(mtdb_fleet *fleet, const char *tenants, int64_t tenants_len,
                                         mtdb_error **err);

/** Gives the run the scripts of the shared tables. They run once, under a lock of their own, before any tenant, where
 * option `tenant.shared` of the db says, which is made if need be; the tenants' scripts may rely on them. If they fail
 * the run halts before it touches a tenant. With `fleet.verb=migrate` only.
 *
 * @param migrator  of the same db: its scripts are not the tenants'
 * @errors INVALID_STATE (the run has begun, or the db has no shared tables), INVALID_ARGUMENT, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_share(mtdb_fleet *fleet, mtdb_migrator *migrator, mtdb_error **err);

/** Runs until the run has ended, or the host must say whether it goes on: with `fleet.verdict` after each wave but the
 * last. Histories of tenants that share a server are read hundreds at a time; those that have nothing to do cost no
 * connection. With `fleet.on_failure=continue` the run ends well though tenants failed: look at `failed`.
 *
 * @param cancel  ends the run as the deadline does: tenants stop between two scripts and stay due; may be NULL
 * @param[out] failed  tenants of the run that have failed so far; also written on failure; may be NULL
 * @returns OK, NEEDS (mtdb_fleet_decide() first)
 * @errors what the first tenant failed with (the run halted: its budget was spent), CANCELLED (also
 *         mtdb_fleet_stop()), TENANT_HELD (another's quiesce flag: what had begun was done to its end; run again
 *         later), TIMEOUT, NOT_FOUND (no such run in the ledger), EXISTS (the ledger has a run of that name),
 *         INVALID_STATE (the run has ended, or somebody else took it up), INVALID_ARGUMENT (no control store, another
 *         plan than the ledger's), MISUSE, DISK_FULL, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_run(mtdb_fleet *fleet, int64_t timeout_ms, mtdb_cancel *cancel, int64_t *failed,
                                    mtdb_error **err);

/** Runs a query on each tenant, as mtdb_fleet_run() with `fleet.verb=sql`, and gives its rows as they come: a column
 * tenant TEXT, then the query's own. Rows of one tenant keep their order, tenants come as they answer. The run goes on
 * while the result is read, in threads of the library, a few blocks ahead of the reader: the memory is the same for
 * any number of rows. The columns are those of the first tenant that answered; one that has others fails. Rows of a
 * tenant that fails afterwards were given: mtdb_fleet_results() says which ones did. mtdb_result_close() before the
 * end stops the run and waits until what has begun is done; a release without it does not wait.
 *
 * @param cancel  ends the run; may be NULL
 * @param[out] out @owns the result; reading it fails with what mtdb_fleet_run() would
 * @errors as mtdb_fleet_run(); INVALID_ARGUMENT also for another verb, and with `fleet.verdict`
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_query(mtdb_fleet *fleet, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                      mtdb_error **err);

/** Says whether a run that waits for a verdict goes on: then mtdb_fleet_run() again. Else it halts.
 *
 * @param go_on  1: on with the next wave; 0: halt
 * @errors INVALID_STATE (it does not wait for one), INVALID_ARGUMENT, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_decide(mtdb_fleet *fleet, int32_t go_on, mtdb_error **err);

/** Asks the run to stop: what has begun is done to its end, nothing else is begun, mtdb_fleet_run() says CANCELLED.
 *
 * @errors INVALID_ARGUMENT, FORKED
 * @thread any, while mtdb_fleet_run() runs too
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_stop(mtdb_fleet *fleet, mtdb_error **err);

/** Where the run stands: one row with run TEXT, state TEXT (fresh, running, verdict, halted, stopped, done), wave INT64
 * (from 1), waves INT64, tenants INT64, done INT64, failed INT64, left INT64, elapsed_ms INT64, rate DOUBLE (tenants a
 * second), reason TEXT (why it halted, or NULL).
 *
 * @param[out] out @owns the result
 * @errors INVALID_ARGUMENT, FORKED
 * @thread any, while mtdb_fleet_run() runs too
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_progress(mtdb_fleet *fleet, mtdb_result **out, mtdb_error **err);

/** What became of each tenant, in the order of the list: tenant TEXT, wave INT64 (from 1), state TEXT (pending,
 * running, done, failed), status INT64, attempts INT64, applied INT64, before TEXT (the version it stood at, or
 * NULL), version TEXT, standing TEXT (up_to_date, outdated, newer, problem), duration_ms INT64, message TEXT (NULL:
 * none), error TEXT (the JSON of mtdb_error_json(), NULL: none).
 *
 * @param[out] out @owns the result
 * @errors INVALID_STATE (mtdb_fleet_run() is running), INVALID_ARGUMENT, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_fleet_results(mtdb_fleet *fleet, mtdb_result **out, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_fleet_release(mtdb_fleet *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Drivers. Example: examples/c/driver.c
 *
 * The contract of golang-migrate's database drivers, for programs that bring their own migration engine: lock, version,
 * run, set the version, unlock. What is written is golang-migrate's own table, its locks are its own too, so both tools
 * may work on one database. A driver serves one thread at a time, but not always the same one. Own drivers are
 * registered with mtdb_callback.h. All of it: docs/driver.md.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Opens a driver by url: the scheme picks it, its x- keys set its options. Makes the version table if there is none.
 *
 * @param url  url_len bytes (-1: NUL-terminated): "sqlite3://PATH", "postgres://...", "pgx5://...", "mysql://...", each
 *             with or without "mtdb+" in front, or the scheme of a registered driver
 * @param options  of scope "driver" or "db", which win over the url's keys; may be NULL
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] out @owns the driver; end it with mtdb_driver_close(), then mtdb_driver_release()
 * @errors INVALID_ARGUMENT (no scheme, a bad key), UNSUPPORTED (no such driver), INVALID_STATE (no schema or database
 *         is chosen), PERMISSION, AUTH, UNAVAILABLE, MIGRATION_LOCKED, TIMEOUT, CANCELLED, IO, CORRUPT, FORKED, NOMEM
 * @thread any; the driver then serves one thread at a time
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_open(const char *url, int64_t url_len, const mtdb_options *options, int64_t timeout_ms,
                                      mtdb_cancel *cancel, mtdb_driver **out, mtdb_error **err);

/** Makes a driver of a lease that the program has. The lease stays the program's: the driver never closes it, and keeps
 * it alive. Makes the version table if there is none.
 *
 * @param options  of scope "driver"; may be NULL
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms` of the db
 * @param[out] out @owns the driver; end it with mtdb_driver_close(), then mtdb_driver_release()
 * @errors INVALID_ARGUMENT, INVALID_STATE (a transaction is open), READ_ONLY, TENANT_UNKNOWN, MISUSE, CLOSED, FORKED,
 *         and as mtdb_driver_open()
 * @thread serial; the driver uses the lease during its own calls only
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_from_conn(mtdb_conn *conn, const mtdb_options *options, int64_t timeout_ms,
                                           mtdb_cancel *cancel, mtdb_driver **out, mtdb_error **err);

/** Gives back the lock if it is held, and what the driver opened itself. Idempotent.
 *
 * @errors INVALID_ARGUMENT, MISUSE, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_close(mtdb_driver *driver, mtdb_error **err);

/** Keeps all other migrators of this version table out, those of other processes and of golang-migrate too (whose
 * SQLite driver takes no lock). Asks again and again until the deadline, never waiting inside of the server.
 *
 * @param timeout_ms  0: one try; MTDB_DEFAULT: option `acquire_timeout_ms`
 * @errors MIGRATION_LOCKED (by this driver, at once; by another one, at the deadline), CANCELLED, UNSUPPORTED (a pooler
 *         in transaction mode), UNAVAILABLE, PERMISSION, IO, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_lock(mtdb_driver *driver, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Gives the lock back. After a failure too the driver does not hold it.
 *
 * @errors INVALID_STATE (not locked), UNAVAILABLE (the lock was lost before), INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_unlock(mtdb_driver *driver, mtdb_error **err);

/** Runs a migration's text. PostgreSQL and SQLite: all of it or nothing, unless an option says otherwise. MySQL: up to
 * the statement that failed. Whatever happens, no transaction stays open.
 *
 * @param text  the statements, text_len bytes (-1: NUL-terminated); an empty text is fine
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @errors MIGRATION_FAILED (with line, column and statement where they are known, and in its message), TIMEOUT,
 *         CANCELLED, UNAVAILABLE, BUSY, READ_ONLY, DISK_FULL, IO, INVALID_STATE (a transaction of the lease is open),
 *         INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_run(mtdb_driver *driver, const char *text, int64_t text_len, int64_t timeout_ms,
                                     mtdb_cancel *cancel, mtdb_error **err);

/** Writes the version, in place of the one before. Makes the version table if it is gone.
 *
 * @param version  -1 (no version) or more
 * @param dirty  not 0: a migration to this version has begun and not ended; it is kept with version -1 too
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @errors INVALID_ARGUMENT, INVALID_STATE (a transaction of the lease is open), PERMISSION, TIMEOUT, CANCELLED,
 *         UNAVAILABLE, BUSY, READ_ONLY, DISK_FULL, IO, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_set_version(mtdb_driver *driver, int64_t version, int32_t dirty, int64_t timeout_ms,
                                             mtdb_cancel *cancel, mtdb_error **err);

/** Reads the version. No row, or no table, is version -1 and clean; a table that cannot be read is an error.
 *
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @param[out] version  -1: none
 * @param[out] dirty  1 or 0
 * @errors INVALID_STATE (the table is not one of golang-migrate, a transaction of the lease is open), TIMEOUT,
 *         CANCELLED, UNAVAILABLE, PERMISSION, BUSY, IO, CORRUPT, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_version(mtdb_driver *driver, int64_t timeout_ms, mtdb_cancel *cancel, int64_t *version,
                                         int32_t *dirty, mtdb_error **err);

/** Drops everything in the database or schema, the version table with it. The driver stays usable.
 *
 * @param timeout_ms  MTDB_DEFAULT: option `query_timeout_ms`
 * @errors INVALID_STATE (a transaction of the lease is open), PERMISSION, BUSY, TIMEOUT, CANCELLED, UNAVAILABLE,
 *         READ_ONLY, IO, SQL_ERROR, INVALID_ARGUMENT, MISUSE, CLOSED, FORKED
 * @thread serial
 * @since 0.1 */
MTDB_API mtdb_status mtdb_driver_drop(mtdb_driver *driver, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Drops one reference. The last one closes what the driver opened itself. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_driver_release(mtdb_driver *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Quiesce. Example: examples/c/quiesce.c
 *
 * A flag in a database that all processes of a deployment share: while it is set, a db that obeys it grants no lease.
 * Who sets it gets a token, without which nobody renews or clears it unless forced, and can wait until every process
 * has parked. The flag of scope "global" is kept as go-bricks keeps it, so each obeys the other's. Scopes beside it:
 * "server:NAME" and "group:NAME", obeyed by processes that list them in `quiesce.scopes`, and "tenant:NAME", obeyed by
 * all for that tenant. What is guaranteed, and when: docs/quiesce.md.
 * ------------------------------------------------------------------------------------------------------------------ */

/* The state of a flag. */
#define MTDB_QUIESCE_NONE 0    /* never set */
#define MTDB_QUIESCE_ACTIVE 1  /* it pauses its scope */
#define MTDB_QUIESCE_EXPIRED 2 /* its time is over; it pauses nobody */
#define MTDB_QUIESCE_CLEARED 3

/** Makes a handle to the flags of a store. Nothing is opened yet, and the db obeys nothing yet.
 *
 * @param options  of scope "quiesce": `quiesce.store`, `quiesce.table`, `quiesce.scopes` and others; may be NULL
 * @param[out] out @owns the handle
 * @errors INVALID_ARGUMENT, NOT_FOUND (no folder for an SQLite file), UNSUPPORTED, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_new(mtdb_db *db, const mtdb_options *options, mtdb_quiesce **out, mtdb_error **err);

/** Makes the tables that are missing, and an SQLite file.
 *
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @errors UNAVAILABLE, AUTH, PERMISSION, SQL_ERROR, TIMEOUT, CANCELLED, DISK_FULL, IO, INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_create(mtdb_quiesce *quiesce, int64_t timeout_ms, mtdb_cancel *cancel,
                                         mtdb_error **err);

/** Makes the db obey the flags, until it is closed: leases and the migrator's verbs are TENANT_HELD while one is
 * active, and the process announces what it has seen and whether it is parked. Maintenance does that (`threads`).
 *
 * @param timeout_ms  for the first look; MTDB_DEFAULT: option `acquire_timeout_ms`
 * @errors INVALID_STATE (the db obeys a store already), NOT_FOUND (no tables: mtdb_quiesce_create()), UNAVAILABLE,
 *         AUTH, PERMISSION, SQL_ERROR, TIMEOUT, CANCELLED, IO, INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_enable(mtdb_quiesce *quiesce, int64_t timeout_ms, mtdb_cancel *cancel,
                                         mtdb_error **err);

/** Sets the flag of a scope. One that is active already stays, unless forced.
 *
 * Migrators of this db pass the flag, others with the token in option `migrate.quiesce_token`.
 * @param scope  "global" or empty, "server:NAME", "group:NAME" or "tenant:NAME", scope_len bytes (-1: NUL-terminated)
 * @param by  who sets it, at most 255 characters, by_len bytes (-1: NUL-terminated); may be empty
 * @param reason  reason_len bytes (-1: NUL-terminated); may be empty
 * @param ttl_ms  after which it expires by the store's clock; 0: 30 minutes; more than 2 hours become 2 hours
 * @param force  not 0: takes over an active flag
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] buf @owns the caller; cap bytes: the owner's token
 * @param[out] needed bytes of the token: 32
 * @param[out] granted_ms  the time until it expires, less than ttl_ms when that was too long; may be NULL
 * @returns OK, TRUNCATED (and no flag was set)
 * @errors EXISTS (an active flag; the message names it), NOT_FOUND (no tables), INVALID_ARGUMENT, LIMIT
 *         (`events.audit=fail`), UNAVAILABLE, AUTH, PERMISSION, SQL_ERROR, SERIALIZATION, BUSY, READ_ONLY, TIMEOUT,
 *         CANCELLED, IO, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_set(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len, const char *by,
                                      int64_t by_len, const char *reason, int64_t reason_len, int64_t ttl_ms,
                                      int32_t force, int64_t timeout_ms, mtdb_cancel *cancel, void *buf, int64_t cap,
                                      int64_t *needed, int64_t *granted_ms, mtdb_error **err);

/** Moves the end of an active flag: ttl_ms from now, sooner or later than before.
 *
 * @param scope  as mtdb_quiesce_set(), scope_len bytes (-1: NUL-terminated)
 * @param token  the owner's, token_len bytes (-1: NUL-terminated); empty: the one that this handle got
 * @param ttl_ms  as mtdb_quiesce_set()
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] granted_ms  as mtdb_quiesce_set(); may be NULL
 * @errors PERMISSION (another's flag, or nobody's), NOT_FOUND (no flag, or a cleared one), INVALID_STATE (it has
 *         expired), and as mtdb_quiesce_set()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_renew(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len, const char *token,
                                        int64_t token_len, int64_t ttl_ms, int64_t timeout_ms, mtdb_cancel *cancel,
                                        int64_t *granted_ms, mtdb_error **err);

/** Clears a flag. An active one only with its owner's token, unless forced; an expired one without.
 *
 * @param scope  as mtdb_quiesce_set(), scope_len bytes (-1: NUL-terminated)
 * @param by  who clears it: for the audit event only, by_len bytes (-1: NUL-terminated); may be empty
 * @param token  the owner's, token_len bytes (-1: NUL-terminated); empty: the one that this handle got
 * @param force  not 0: clears another's flag, or nobody's
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @errors PERMISSION (another's flag, or nobody's), NOT_FOUND (no flag, or a cleared one), and as mtdb_quiesce_set()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_clear(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len, const char *by,
                                        int64_t by_len, const char *token, int64_t token_len, int32_t force,
                                        int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);

/** Reads flags, a row each: scope TEXT, state TEXT (none, active, expired, cleared), set_at TIMESTAMPTZ, set_by TEXT,
 * reason TEXT, expires_at TIMESTAMPTZ (NULL: without end), cleared_at TIMESTAMPTZ (NULL: not cleared), owner TEXT
 * (self: this handle, other, none: nobody's token).
 *
 * @param scope  as mtdb_quiesce_set(), scope_len bytes (-1: NUL-terminated); empty: all uncleared ones, and global
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] out @owns the result
 * @errors NOT_FOUND (no tables), UNAVAILABLE, AUTH, PERMISSION, SQL_ERROR, TIMEOUT, CANCELLED, IO, INVALID_ARGUMENT,
 *         CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_query(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len, int64_t timeout_ms,
                                        mtdb_cancel *cancel, mtdb_result **out, mtdb_error **err);

/** Waits until a flag has changed: set, renewed, cleared, expired.
 *
 * @param scope  as mtdb_quiesce_set(), scope_len bytes (-1: NUL-terminated)
 * @param since  the stamp that the last call gave; 0: returns at once
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] stamp  of the flag as it is now; never 0
 * @param[out] state  an MTDB_QUIESCE_ value
 * @returns OK, DONE (no change within the time)
 * @errors as mtdb_quiesce_query()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_watch(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len, int64_t since,
                                        int64_t timeout_ms, mtdb_cancel *cancel, int64_t *stamp, int32_t *state,
                                        mtdb_error **err);

/** Waits until every process that obeys an active flag has parked: it has seen the flag, has no lease out and grants
 * none, or its announcement has expired. Leases of the flag's owner (its migrations) do not count.
 *
 * Rows: process TEXT, host TEXT, pid INT64, state TEXT (parked; gone: its announcement ended meanwhile).
 * @param scope  as mtdb_quiesce_set(), scope_len bytes (-1: NUL-terminated)
 * @param timeout_ms  MTDB_DEFAULT: option `acquire_timeout_ms`
 * @param[out] out @owns the result
 * @errors TIMEOUT (names those that are not parked), INVALID_STATE (the flag is not active, or no longer), and as
 *         mtdb_quiesce_query()
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_wait_parked(mtdb_quiesce *quiesce, const char *scope, int64_t scope_len,
                                              int64_t timeout_ms, mtdb_cancel *cancel, mtdb_result **out,
                                              mtdb_error **err);

/** Ends the use of this handle. A db that was enabled with it goes on obeying until it is closed. Idempotent.
 *
 * @errors INVALID_ARGUMENT, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_quiesce_close(mtdb_quiesce *quiesce, mtdb_error **err);

/** Drops one reference. NULL is fine.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API void mtdb_quiesce_release(mtdb_quiesce *owned);

/* ---------------------------------------------------------------------------------------------------------------------
 * Events. Example: examples/c/events.c
 *
 * No thread of the library ever calls into the program: what happens is kept in a bounded queue until it is polled.
 * Each event is a row of a block: seq INT64, at TIMESTAMPTZ, class TEXT ("log", "metric", "audit", "progress"), level
 * TEXT, name TEXT, tenant TEXT (NULL: none), message TEXT, fields JSON. The names: docs/events.md.
 * ------------------------------------------------------------------------------------------------------------------ */

/** Takes the oldest events out of the queue, as one block.
 *
 * @param timeout_ms  how long to wait for the first event; 0: only look
 * @param cancel  may be NULL
 * @param[out] buf @owns the caller; cap bytes
 * @param[out] rows  events in the block
 * @param[out] used  bytes of the block; with TRUNCATED: bytes that the next event alone needs
 * @param[out] dropped  events lost since the last poll because the queue was full
 * @returns OK, DONE (none), TRUNCATED
 * @errors INVALID_ARGUMENT, CANCELLED, CLOSED (and the queue is empty), FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_events_poll(mtdb_db *db, int64_t timeout_ms, mtdb_cancel *cancel, void *buf, int64_t cap,
                                      int64_t *rows, int64_t *used, int64_t *dropped, mtdb_error **err);

/* ---------------------------------------------------------------------------------------------------------------------
 * Stats. Example: examples/c/stats.c
 * ------------------------------------------------------------------------------------------------------------------ */

/** Figures of the whole db: rows of name TEXT, unit TEXT, value INT64. The names: docs/stats.md.
 *
 * @param[out] out @owns the result
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_db_stats(mtdb_db *db, mtdb_result **out, mtdb_error **err);

/** Figures of each open pool, a row each: pool TEXT, open INT64, idle INT64, leased INT64, waiting INT64,
 * writing INT64, files INT64, memory_bytes INT64, idle_ms INT64, connecting INT64, failures INT64. A server has a row
 * of its own, "server:<n>".
 *
 * @param[out] out @owns the result
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_pool_stats(mtdb_db *db, mtdb_result **out, mtdb_error **err);

/** Figures of one tenant since the db was opened: rows of name TEXT, unit TEXT, value INT64. All 0 for an unused one.
 *
 * @param tenant  id, tenant_len bytes (-1: NUL-terminated)
 * @param[out] out @owns the result
 * @errors INVALID_ARGUMENT, CLOSED, FORKED
 * @thread any
 * @since 0.1 */
MTDB_API mtdb_status mtdb_tenant_stats(mtdb_db *db, const char *tenant, int64_t tenant_len, mtdb_result **out,
                                       mtdb_error **err);

#ifdef __cplusplus
}
#endif

#endif /* MTDB_H */
