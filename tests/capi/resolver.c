// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>

static void begin(void) {
    open_db();
    reopen(NULL, OPTIONS("tenant.routes", "resolver", "route.request_ms", "2000"));
}

TestSuite(resolver, .init = begin, .fini = close_db, .timeout = 60);

// Takes the one open request.
static int64_t take(const char *tenant) {
    int64_t id = 0, needed = 0;
    int32_t kind = 0;
    char name[64];
    ok(mtdb_db_request(db, 1000, NULL, &id, &kind, name, (int64_t)sizeof name, &needed, &err));
    cr_assert_eq(kind, MTDB_REQUEST_ROUTE);
    cr_assert_eq((size_t)needed, strlen(tenant));
    cr_assert_eq(memcmp(name, tenant, strlen(tenant)), 0);
    return id;
}

static mtdb_status create(const char *tenant) {
    drop_error();
    return mtdb_tenant_create(db, tenant, -1, PLENTY_MS, NULL, &err);
}

static void resolve(const char *tenant, const char *path) {
    cr_assert_eq(mtdb_db_ping(db, tenant, -1, PLENTY_MS, NULL, NULL), MTDB_NEEDS);
    ok(mtdb_db_answer(db, take(tenant), path, -1, &err));
}

Test(resolver, a_call_needs_a_route_and_works_once_it_is_answered) {
    mtdb_conn *conn = GARBAGE;
    returns(MTDB_NEEDS, mtdb_db_acquire(db, "acme", -1, NULL, PLENTY_MS, NULL, &conn, &err));
    cr_assert_null(conn);
    cr_assert_null(err);
    ok(mtdb_db_answer(db, take("acme"), "here/acme.db", -1, &err));
    cr_assert_eq(create("acme"), MTDB_OK, "%s", mtdb_error_message(err));
    cr_assert(file_exists("here/acme.db"));
    give_back(lease("acme"));
}

Test(resolver, there_is_no_request_when_nothing_is_needed) {
    int64_t id = 9, needed = 9;
    int32_t kind = 9;
    returns(MTDB_DONE, mtdb_db_request(db, 0, NULL, &id, &kind, NULL, 0, &needed, &err));
    cr_assert_eq(id, 0);
}

Test(resolver, all_callers_of_a_tenant_share_one_request) {
    int64_t id = 0, needed = 0;
    int32_t kind = 0;
    char name[64];
    for (int i = 0; i < 5; ++i) returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    const int64_t first = take("acme");
    returns(MTDB_DONE, mtdb_db_request(db, 0, NULL, &id, &kind, name, (int64_t)sizeof name, &needed, &err));
    ok(mtdb_db_answer(db, first, "acme.db", -1, &err));
    cr_assert_eq(create("acme"), MTDB_OK);
}

Test(resolver, a_short_buffer_leaves_the_request_open) {
    int64_t id = 0, needed = 0;
    int32_t kind = 0;
    char name[2];
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    returns(MTDB_TRUNCATED, mtdb_db_request(db, 0, NULL, &id, &kind, name, 2, &needed, &err));
    cr_assert_eq(needed, 4);
    ok(mtdb_db_refuse(db, take("acme"), "moved away", -1, &err));
}

Test(resolver, a_refusal_fails_the_callers_with_its_reason) {
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    ok(mtdb_db_refuse(db, take("acme"), "no contract", -1, &err));
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
    message_has("no contract");
}

Test(resolver, an_answer_outside_the_root_is_refused_and_the_request_stays) {
    static const char *const outside[] = {"../acme.db", "/etc/passwd", "a/../../b.db", "", "sqlite:/tmp/x.db"};
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    const int64_t id = take("acme");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; ++i)
        fails(MTDB_INVALID_ARGUMENT, mtdb_db_answer(db, id, outside[i], -1, &err));
    ok(mtdb_db_answer(db, id, "acme.db", -1, &err));
    cr_assert_eq(create("acme"), MTDB_OK);
}

Test(resolver, an_answer_to_no_request_is_not_found) {
    fails(MTDB_NOT_FOUND, mtdb_db_answer(db, 4711, "acme.db", -1, &err));
    fails(MTDB_NOT_FOUND, mtdb_db_refuse(db, 4711, "why", -1, &err));
}

static void *answer_soon(void *argument) {
    int64_t *id = argument;
    sleep_ms(100);
    mtdb_db_answer(db, *id, "acme.db", -1, NULL);
    return NULL;
}

Test(resolver, callers_wait_for_a_request_that_was_taken) {
    resolve("acme", "acme.db");
    cr_assert_eq(create("acme"), MTDB_OK);
    reopen(NULL, OPTIONS("tenant.routes", "resolver"));
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    int64_t id = take("acme");
    pthread_t host;
    pthread_create(&host, NULL, answer_soon, &id);
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
    pthread_join(host, NULL);
}

Test(resolver, an_unanswered_request_times_its_callers_out) {
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    take("acme");
    const int64_t start = now_ms();
    fails(MTDB_TIMEOUT, mtdb_db_ping(db, "acme", -1, 100, NULL, &err));
    cr_assert_lt(now_ms() - start, 1500);
}

Test(resolver, a_cancel_ends_the_wait_for_an_answer) {
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, 0, NULL, &err));
    take("acme");
    trigger *other = trigger_after(cancel, 50);
    fails(MTDB_CANCELLED, mtdb_db_ping(db, "acme", -1, PLENTY_MS, cancel, &err));
    trigger_join(other);
    mtdb_cancel_release(cancel);
}

Test(resolver, an_answer_lives_as_long_as_the_option_says) {
    reopen(NULL, OPTIONS("tenant.routes", "resolver", "route.ttl_ms", "50"));
    resolve("acme", "acme.db");
    cr_assert_eq(create("acme"), MTDB_OK, "%s", mtdb_error_message(err));
    sleep_ms(100);
    returns(MTDB_NEEDS, mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
    ok(mtdb_db_answer(db, take("acme"), "acme.db", -1, &err));
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
}

Test(resolver, tenants_of_the_host_cannot_be_listed) {
    mtdb_result *list = GARBAGE;
    fails(MTDB_UNSUPPORTED, mtdb_tenant_list(db, PLENTY_MS, NULL, &list, &err));
    cr_assert_null(list);
}

Test(resolver, two_tenants_never_share_a_file) {
    resolve("acme", "same.db");
    cr_assert_eq(create("acme"), MTDB_OK);
    returns(MTDB_NEEDS, mtdb_db_ping(db, "beta", -1, 0, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_answer(db, take("beta"), "same.db", -1, &err));
}
