// SPDX-License-Identifier: MIT
#include "fixture.h"

TestSuite(stats, .init = open_db, .fini = close_db, .timeout = 60);

static int64_t db_stat(const char *name) {
    mtdb_result *result = NULL;
    ok(mtdb_db_stats(db, &result, &err));
    return stat_of(result, name);
}

static int64_t tenant_stat(const char *tenant, const char *name) {
    mtdb_result *result = NULL;
    ok(mtdb_tenant_stats(db, tenant, -1, &result, &err));
    return stat_of(result, name);
}

// A figure of the one open pool; -1 when there is none.
static int64_t pool_stat(int32_t column) {
    mtdb_result *result = NULL;
    ok(mtdb_pool_stats(db, &result, &err));
    const int64_t value = mtdb_result_next(result, NULL) == MTDB_OK ? mtdb_value_int64(result, column) : -1;
    finish(result);
    return value;
}

Test(stats, every_figure_of_the_db_has_a_name_and_a_unit) {
    mtdb_result *result = NULL;
    ok(mtdb_db_stats(db, &result, &err));
    int64_t rows = 0;
    for (; mtdb_result_next(result, NULL) == MTDB_OK; ++rows) {
        cr_assert_gt(strlen(text_at(result, 0)), 0);
        cr_assert_gt(strlen(text_at(result, 1)), 0, "%s has no unit", text_at(result, 0));
    }
    cr_assert_gt(rows, 5);
    finish(result);
}

Test(stats, leases_out_are_counted) {
    create_tenant("acme");
    mtdb_conn *first = lease("acme"), *second = lease("acme");
    cr_assert_eq(db_stat("leases.now"), 2);
    give_back(first);
    give_back(second);
    cr_assert_eq(db_stat("leases.now"), 0);
}

Test(stats, a_pool_shows_open_idle_and_leased_connections) {
    enum { OPEN = 1, IDLE, LEASED, WAITING, WRITING, FILES };
    create_tenant("acme");
    cr_assert_eq(pool_stat(OPEN), -1, "creating a tenant opened a pool");
    mtdb_conn *first = lease("acme"), *second = lease("acme");
    cr_assert_eq(pool_stat(OPEN), 2);
    cr_assert_eq(pool_stat(LEASED), 2);
    give_back(second);
    cr_assert_eq(pool_stat(IDLE), 1);
    cr_assert_eq(pool_stat(LEASED), 1);
    cr_assert_geq(pool_stat(FILES), 3);
    ok(mtdb_tx_begin(first, NULL, PLENTY_MS, NULL, &err));
    cr_assert_eq(pool_stat(WRITING), 1);
    give_back(first);
    cr_assert_eq(pool_stat(WRITING), 0);
}

Test(stats, a_tenant_not_used_yet_reads_as_nothing) {
    create_tenant("acme");
    mtdb_result *result = NULL;
    ok(mtdb_tenant_stats(db, "acme", -1, &result, &err));
    int64_t rows = 0;
    for (; mtdb_result_next(result, NULL) == MTDB_OK; ++rows) cr_assert_eq(mtdb_value_int64(result, 2), 0);
    cr_assert_gt(rows, 0);
    finish(result);
}

Test(stats, a_tenant_counts_its_own_leases_only) {
    create_tenant("acme");
    create_tenant("beta");
    for (int i = 0; i < 3; ++i) give_back(lease("acme"));
    cr_assert_eq(tenant_stat("acme", "leases.acquired"), 3);
    cr_assert_eq(tenant_stat("beta", "leases.acquired"), 0);
}

Test(stats, of_a_closed_db_are_closed) {
    mtdb_result *result = GARBAGE;
    ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
    fails(MTDB_CLOSED, mtdb_db_stats(db, &result, &err));
    cr_assert_null(result);
}
