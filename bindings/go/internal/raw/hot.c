// SPDX-License-Identifier: MIT
#include "hot.h"

#include <mtdb.h>
#include <string.h>

static void put(char *at, int32_t number) { memcpy(at, &number, 4); }

// A column is four numbers (type, nullable, bytes of the name, bytes of the declared type) and the two texts. The name
// of a type that the library has no rule for would be asked of the server: its length is -1.
static int64_t describe(mtdb_result *result, int32_t columns, char *meta, int64_t cap, int64_t *calls) {
    int64_t used = 0;
    for (int32_t i = 0; i < columns; ++i) {
        int32_t type = 0, nullable = -1;
        int64_t name = 0, declared = -1;
        if (cap - used < 16) return -1;
        char *head = meta + used;
        used += 16;
        *calls += 2;
        if (mtdb_result_column_type(result, i, &type, &nullable, NULL) != MTDB_OK) return -1;
        if (mtdb_result_column_name(result, i, meta + used, cap - used, &name, NULL) != MTDB_OK) return -1;
        used += name;
        if (type != MTDB_TYPE_OTHER) {
            ++*calls;
            if (mtdb_result_column_declared(result, i, meta + used, cap - used, &declared, NULL) != MTDB_OK) return -1;
            used += declared;
        }
        put(head, type);
        put(head + 4, nullable);
        put(head + 8, (int32_t)name);
        put(head + 12, (int32_t)declared);
    }
    return used;
}

static int32_t first(mtdb_result *result, void *buf, int64_t cap, char *meta, int64_t meta_cap, int64_t *out) {
    int32_t columns = 0;
    mtdb_error *err = NULL;
    out[MTDB_GO_CALLS] += 2;
    mtdb_result_column_count(result, &columns, NULL);
    out[MTDB_GO_META] = describe(result, columns, meta, meta_cap, &out[MTDB_GO_CALLS]);
    const mtdb_status status =
        mtdb_result_fetch(result, buf, cap, 0, &out[MTDB_GO_ROWS], &out[MTDB_GO_USED], &err);
    out[MTDB_GO_FETCH] = status;
    out[MTDB_GO_RESULT] = (int64_t)(uintptr_t)result;
    // What is read to its end is given back here, unless something is still to be asked of it.
    if (status < 0 || (status == MTDB_DONE && out[MTDB_GO_META] >= 0)) {
        out[MTDB_GO_CALLS] += 3;
        mtdb_result_affected(result, &out[MTDB_GO_AFFECTED], NULL);
        mtdb_result_insert_id(result, &out[MTDB_GO_INSERT_ID], NULL);
        mtdb_result_release(result);
        out[MTDB_GO_RESULT] = 0;
    }
    out[MTDB_GO_ERR] = (int64_t)(uintptr_t)err;
    return status < 0 ? status : MTDB_OK;
}

static int32_t start(uintptr_t db, uintptr_t conn, const char *tenant, int64_t tenant_len,
                     const char *sql, int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                     uintptr_t cancel, mtdb_result **result, mtdb_error **err) {
    mtdb_cancel *token = (mtdb_cancel *)cancel;
    if (conn != 0)
        return mtdb_conn_query((mtdb_conn *)conn, sql, sql_len, params, params_len, timeout_ms, token, result, err);
    return mtdb_db_query((mtdb_db *)db, tenant, tenant_len, sql, sql_len, params, params_len, timeout_ms, token, result,
                         err);
}

int32_t mtdb_go_query(uintptr_t db, uintptr_t conn, const char *tenant, int64_t tenant_len,
                      const char *sql, int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                      uintptr_t cancel, void *buf, int64_t cap, void *meta, int64_t meta_cap, int64_t *out) {
    mtdb_result *result = NULL;
    mtdb_error *err = NULL;
    const mtdb_status status = start(db, conn, tenant, tenant_len, sql, sql_len, params, params_len, timeout_ms,
                                     cancel, &result, &err);
    out[MTDB_GO_ERR] = (int64_t)(uintptr_t)err;
    out[MTDB_GO_CALLS] = 1;
    return status == MTDB_OK ? first(result, buf, cap, meta, meta_cap, out) : status;
}

int32_t mtdb_go_first(uintptr_t result, void *buf, int64_t cap, void *meta, int64_t meta_cap, int64_t *out) {
    return first((mtdb_result *)result, buf, cap, meta, meta_cap, out);
}

int32_t mtdb_go_exec(uintptr_t db, uintptr_t conn, const char *tenant, int64_t tenant_len,
                     const char *sql, int64_t sql_len, const void *params, int64_t params_len, int64_t timeout_ms,
                     uintptr_t cancel, int64_t *out) {
    mtdb_result *result = NULL;
    mtdb_error *err = NULL;
    mtdb_status status = start(db, conn, tenant, tenant_len, sql, sql_len, params, params_len, timeout_ms, cancel,
                               &result, &err);
    out[MTDB_GO_CALLS] = 1;
    if (status == MTDB_OK) {
        while ((status = mtdb_result_next(result, &err)) == MTDB_OK) ++out[MTDB_GO_CALLS];
        if (status == MTDB_DONE) status = MTDB_OK;
        mtdb_result_affected(result, &out[MTDB_GO_AFFECTED], NULL);
        mtdb_result_insert_id(result, &out[MTDB_GO_INSERT_ID], NULL);
        mtdb_result_release(result);
        out[MTDB_GO_CALLS] += 4;
    }
    out[MTDB_GO_ERR] = (int64_t)(uintptr_t)err;
    return status;
}
