// SPDX-License-Identifier: MIT
// The deployment's pause and the hold of one tenant, as a binding sees them.
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fixture.h"

static mtdb_quiesce *quiesce;
static char token[64];
static int64_t token_len;

static const char *store_path(void) { return path_of("control.sqlite"); }

static mtdb_quiesce *new_quiesce(mtdb_options *owned) {
    mtdb_quiesce *made = NULL;
    ok(mtdb_quiesce_new(db, owned, &made, &err));
    mtdb_options_release(owned);
    return made;
}

static mtdb_quiesce *in_file(void) {
    return new_quiesce(
        OPTIONS("quiesce.store", store_path(), "quiesce.refresh_ms", "20", "quiesce.announce_ms", "2000"));
}

static void begin(void) {
    open_db();
    create_tenant("acme");
    create_tenant("beta");
    quiesce = new_quiesce(NULL);
}

static void end(void) {
    mtdb_quiesce_release(quiesce);
    quiesce = NULL;
    close_db();
}

TestSuite(quiesce, .init = begin, .fini = end);

static mtdb_status set_of(mtdb_quiesce *handle, const char *scope, int64_t ttl_ms, int32_t force) {
    return mtdb_quiesce_set(handle, scope, -1, "tests", -1, "because", -1, ttl_ms, force, PLENTY_MS, NULL, token,
                            sizeof token, &token_len, NULL, &err);
}

static mtdb_status acquire_in(const char *tenant, int64_t timeout_ms) {
    mtdb_conn *conn = NULL;
    const mtdb_status status = mtdb_db_acquire(db, tenant, -1, NULL, timeout_ms, NULL, &conn, &err);
    if (status == MTDB_OK) mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    return status;
}

// As soon as the process has seen the end of a flag.
static void granted_again(const char *tenant) {
    for (const int64_t late = now_ms() + PLENTY_MS; acquire_in(tenant, PLENTY_MS) != MTDB_OK;) {
        drop_error();
        cr_assert_lt(now_ms(), late);
    }
}

static const char *state_of(const char *scope, int32_t column) {
    static char text[256];
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_query(quiesce, scope, -1, PLENTY_MS, NULL, &rows, &err));
    ok(mtdb_result_next(rows, &err));
    snprintf(text, sizeof text, "%s", text_at(rows, column));
    finish(rows);
    return text;
}

Test(quiesce, a_set_flag_refuses_leases_and_names_who_and_until_when) {
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    ok(acquire_in("acme", PLENTY_MS));
    ok(set_of(quiesce, "", 60000, 0));
    cr_assert_eq(token_len, 32);
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "global", -1, PLENTY_MS, NULL, &rows, &err));
    cr_assert_eq(rows_left(rows), 1);
    finish(rows);
    fails(MTDB_TENANT_HELD, acquire_in("acme", PLENTY_MS));
    cr_assert_eq(mtdb_error_retryable(err), 1);
    cr_assert_str_eq(error_text(MTDB_ERROR_TENANT), "acme");
    message_has("'global'");
    message_has("'tests' (because) until 20");
    fails(MTDB_TENANT_HELD, mtdb_db_exec(db, "acme", -1, "SELECT 1", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_quiesce_clear(quiesce, "", 0, "tests", -1, token, token_len, 0, PLENTY_MS, NULL, &err));
    granted_again("acme");
}

Test(quiesce, a_handle_that_the_db_does_not_obey_stops_nobody) {
    ok(set_of(quiesce, "global", 60000, 0));
    ok(acquire_in("acme", PLENTY_MS));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "global", -1, PLENTY_MS, NULL, &rows, &err));
    cr_assert_eq(rows_left(rows), 0);
    finish(rows);
}

Test(quiesce, only_the_owner_renews_and_clears_unless_forced) {
    mtdb_quiesce *other = new_quiesce(NULL);
    int64_t granted = 0;
    ok(set_of(quiesce, "global", 60000, 0));
    cr_assert_str_eq(state_of("global", 1), "active");
    cr_assert_str_eq(state_of("global", 7), "self");
    fails(MTDB_EXISTS, set_of(other, "global", 60000, 0));
    fails(MTDB_PERMISSION, mtdb_quiesce_renew(other, "global", -1, "", 0, 60000, PLENTY_MS, NULL, &granted, &err));
    fails(MTDB_PERMISSION, mtdb_quiesce_clear(other, "global", -1, "x", -1, "", 0, 0, PLENTY_MS, NULL, &err));
    fails(MTDB_PERMISSION, mtdb_quiesce_clear(other, "global", -1, "x", -1, "feed", -1, 0, PLENTY_MS, NULL, &err));
    ok(mtdb_quiesce_renew(other, "global", -1, token, 32, 30000, PLENTY_MS, NULL, &granted, &err));
    cr_assert_eq(granted, 30000);
    ok(set_of(other, "global", 60000, 1));
    cr_assert_str_eq(state_of("global", 7), "other");
    fails(MTDB_PERMISSION, mtdb_quiesce_clear(quiesce, "global", -1, "x", -1, "", 0, 0, PLENTY_MS, NULL, &err));
    ok(mtdb_quiesce_clear(quiesce, "global", -1, "x", -1, "", 0, 1, PLENTY_MS, NULL, &err));
    cr_assert_str_eq(state_of("global", 1), "cleared");
    fails(MTDB_NOT_FOUND, mtdb_quiesce_clear(quiesce, "global", -1, "x", -1, "", 0, 1, PLENTY_MS, NULL, &err));
    mtdb_quiesce_release(other);
}

Test(quiesce, times_are_checked_and_what_was_clamped_is_told) {
    int64_t granted = 0;
    fails(MTDB_INVALID_ARGUMENT, set_of(quiesce, "global", -1, 0));
    fails(MTDB_INVALID_ARGUMENT, set_of(quiesce, "region:eu", 1, 0));
    ok(mtdb_quiesce_set(quiesce, "", 0, "", 0, "", 0, 86400000, 0, PLENTY_MS, NULL, token, sizeof token, &token_len,
                        &granted, &err));
    cr_assert_eq(granted, 7200000);
    ok(mtdb_quiesce_renew(quiesce, "", 0, "", 0, 0, PLENTY_MS, NULL, &granted, &err));
    cr_assert_eq(granted, 1800000);
}

Test(quiesce, a_buffer_that_holds_no_token_sets_no_flag) {
    int64_t needed = 0;
    returns(MTDB_TRUNCATED, mtdb_quiesce_set(quiesce, "", 0, "", 0, "", 0, 0, 0, PLENTY_MS, NULL, token, 31, &needed,
                                             NULL, &err));
    cr_assert_eq(needed, 32);
    cr_assert_str_eq(state_of("global", 1), "none");
}

Test(quiesce, an_expired_flag_lets_leases_in_and_is_tidied_by_anyone) {
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    ok(set_of(quiesce, "global", 50, 0));
    for (const int64_t late = now_ms() + PLENTY_MS; strcmp(state_of("global", 1), "expired") != 0;)
        cr_assert_lt(now_ms(), late);
    granted_again("acme");
    ok(mtdb_quiesce_clear(quiesce, "", 0, "x", -1, "", 0, 0, PLENTY_MS, NULL, &err));
}

Test(quiesce, a_watch_tells_of_each_change_and_of_the_end) {
    int64_t stamp = 0, next = 0;
    int32_t state = -1;
    ok(mtdb_quiesce_watch(quiesce, "", 0, 0, PLENTY_MS, NULL, &stamp, &state, &err));
    cr_assert_eq(state, MTDB_QUIESCE_NONE);
    returns(MTDB_DONE, mtdb_quiesce_watch(quiesce, "", 0, stamp, 20, NULL, &next, &state, &err));
    cr_assert_eq(next, stamp);
    ok(set_of(quiesce, "", 60000, 0));
    ok(mtdb_quiesce_watch(quiesce, "", 0, stamp, PLENTY_MS, NULL, &next, &state, &err));
    cr_assert_eq(state, MTDB_QUIESCE_ACTIVE);
    stamp = next;
    ok(mtdb_quiesce_renew(quiesce, "", 0, "", 0, 20, PLENTY_MS, NULL, NULL, &err));
    for (state = MTDB_QUIESCE_ACTIVE; state == MTDB_QUIESCE_ACTIVE; stamp = next)
        ok(mtdb_quiesce_watch(quiesce, "", 0, stamp, PLENTY_MS, NULL, &next, &state, &err));
    cr_assert_eq(state, MTDB_QUIESCE_EXPIRED);
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    trigger *soon = trigger_after(cancel, 30);
    fails(MTDB_CANCELLED, mtdb_quiesce_watch(quiesce, "", 0, stamp, PLENTY_MS, cancel, &next, &state, &err));
    trigger_join(soon);
    mtdb_cancel_release(cancel);
}

Test(quiesce, a_tenants_scope_holds_that_tenant_alone) {
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    mtdb_conn *conn = lease("beta");
    ok(set_of(quiesce, "tenant:acme", 60000, 0));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "tenant:acme", -1, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    fails(MTDB_TENANT_HELD, acquire_in("acme", PLENTY_MS));
    fails(MTDB_TENANT_HELD, mtdb_conn_use(conn, "acme", -1, PLENTY_MS, NULL, &err));
    ok(acquire_in("beta", PLENTY_MS));
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
}

Test(quiesce, waiting_for_the_parking_names_who_has_a_lease) {
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    mtdb_conn *conn = lease("acme");
    mtdb_result *rows = NULL;
    fails(MTDB_INVALID_STATE, mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    ok(set_of(quiesce, "", 60000, 0));
    fails(MTDB_TIMEOUT, mtdb_quiesce_wait_parked(quiesce, "", 0, 100, NULL, &rows, &err));
    message_has("(pid ");
    give_back(conn);
    ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
}

static void *clear_later(void *unused) {
    (void)unused;
    sleep_ms(60);
    mtdb_quiesce_clear(quiesce, "", 0, "x", -1, "", 0, 0, PLENTY_MS, NULL, NULL);
    return NULL;
}

Test(quiesce, leases_wait_for_the_end_of_a_flag_when_the_option_says_so) {
    mtdb_quiesce_release(quiesce);
    quiesce = new_quiesce(OPTIONS("quiesce.leases", "wait"));
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    ok(set_of(quiesce, "", 60000, 0));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    fails(MTDB_TENANT_HELD, acquire_in("acme", 20));
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, clear_later, NULL), 0);
    ok(acquire_in("acme", PLENTY_MS));
    pthread_join(thread, NULL);
}

Test(quiesce, a_migrator_passes_its_own_flag_and_no_other) {
    mtdb_migrator *migrator = NULL;
    int64_t applied = 0;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    ok(set_of(quiesce, "", 60000, 0));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    ok(mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
    cr_assert_eq(applied, 1);
    ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    ok(mtdb_quiesce_close(quiesce, &err));
    fails(MTDB_CLOSED, mtdb_quiesce_query(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    mtdb_quiesce_release(quiesce);
    quiesce = new_quiesce(NULL);
    ok(set_of(quiesce, "", 60000, 1));
    ok(mtdb_migrator_migrate(migrator, "beta", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
    mtdb_migrator_release(migrator);
}

// The flag that was taken over is let go by the process's next rounds, which may be under way at any point.
Test(quiesce, a_flag_that_was_taken_over_holds_nobody_up) {
    enum { ROUNDS = 200 };
    mtdb_migrator *migrator = NULL;
    int64_t applied = 0;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    for (int round = 0; round < ROUNDS; round++) {
        ok(set_of(quiesce, "", 60000, 1));
        ok(mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
        if (round % 2 == 0) continue;
        mtdb_result *rows = NULL;
        ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
        finish(rows);
    }
    mtdb_migrator_release(migrator);
}

Test(quiesce, another_processes_flag_refuses_migrations_but_for_its_token) {
    mtdb_quiesce *mine = in_file();
    ok(mtdb_quiesce_create(mine, PLENTY_MS, NULL, &err));
    mtdb_db *elsewhere = NULL;
    ok(mtdb_db_open(root, -1, NULL, &elsewhere, &err));
    mtdb_quiesce *theirs = NULL;
    mtdb_options *options = OPTIONS("quiesce.store", store_path());
    ok(mtdb_quiesce_new(elsewhere, options, &theirs, &err));
    mtdb_options_release(options);
    ok(mtdb_quiesce_enable(mine, PLENTY_MS, NULL, &err));
    ok(set_of(theirs, "global", 60000, 0));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(theirs, "global", -1, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    mtdb_migrator *migrator = NULL;
    int64_t applied = 0;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    fails(MTDB_TENANT_HELD, mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
    fails(MTDB_TENANT_HELD, mtdb_migrator_status(migrator, "acme", -1, PLENTY_MS, NULL, &rows, &err));
    mtdb_migrator_release(migrator);
    token[32] = '\0';
    options = OPTIONS("migrate.quiesce_token", token);
    ok(mtdb_migrator_new(db, options, &migrator, &err));
    mtdb_options_release(options);
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    ok(mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
    ok(mtdb_quiesce_wait_parked(theirs, "global", -1, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    mtdb_migrator_release(migrator);
    mtdb_quiesce_release(mine);
    mtdb_quiesce_release(theirs);
    ok(mtdb_db_close(elsewhere, PLENTY_MS, NULL, NULL, &err));
    mtdb_db_release(elsewhere);
}

Test(quiesce, a_store_without_tables_is_refused_by_name) {
    mtdb_quiesce *handle = in_file();
    fails(MTDB_NOT_FOUND, mtdb_quiesce_enable(handle, PLENTY_MS, NULL, &err));
    message_has("mtdb_quiesce_create()");
    ok(acquire_in("acme", PLENTY_MS));
    ok(mtdb_quiesce_create(handle, PLENTY_MS, NULL, &err));
    ok(mtdb_quiesce_enable(handle, PLENTY_MS, NULL, &err));
    fails(MTDB_INVALID_STATE, mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    mtdb_quiesce_release(handle);
}

static void lose_the_store(const char *on_error) {
    mtdb_quiesce *handle =
        new_quiesce(OPTIONS("quiesce.store", store_path(), "quiesce.refresh_ms", "20", "quiesce.announce_ms", "200",
                            "quiesce.on_error", on_error));
    ok(mtdb_quiesce_create(handle, PLENTY_MS, NULL, &err));
    ok(mtdb_quiesce_enable(handle, PLENTY_MS, NULL, &err));
    mtdb_quiesce_release(handle);
    run_elsewhere("control.sqlite", "PRAGMA busy_timeout=20000; DROP TABLE mtdb_quiesce");
    cr_assert(event_comes("quiesce.unreachable", PLENTY_MS, NULL, 0));
    sleep_ms(250);  // what was read is too old by now
}

Test(quiesce, without_its_store_leases_go_on_and_migrations_stop) {
    lose_the_store("auto");
    ok(acquire_in("acme", PLENTY_MS));
    mtdb_migrator *migrator = NULL;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    fails(MTDB_UNAVAILABLE, mtdb_migrator_migrate(migrator, "acme", -1, "", 0, PLENTY_MS, NULL, NULL, &err));
    mtdb_migrator_release(migrator);
}

Test(quiesce, without_its_store_nothing_goes_on_where_the_option_says_closed) {
    lose_the_store("closed");
    fails(MTDB_UNAVAILABLE, acquire_in("acme", PLENTY_MS));
}

Test(quiesce, without_threads_leases_see_the_flags_and_maintain_parks) {
    reopen(NULL, OPTIONS("threads", "none"));
    mtdb_quiesce_release(quiesce);
    quiesce = new_quiesce(OPTIONS("quiesce.refresh_ms", "10", "quiesce.announce_ms", "100"));
    ok(mtdb_quiesce_enable(quiesce, PLENTY_MS, NULL, &err));
    ok(set_of(quiesce, "", 60000, 0));
    sleep_ms(150);  // its announcement has expired: the next lease looks itself
    fails(MTDB_TENANT_HELD, acquire_in("acme", PLENTY_MS));
    mtdb_result *rows = NULL;
    ok(mtdb_quiesce_wait_parked(quiesce, "", 0, PLENTY_MS, NULL, &rows, &err));
    finish(rows);
    ok(mtdb_quiesce_clear(quiesce, "", 0, "x", -1, "", 0, 0, PLENTY_MS, NULL, &err));
    returns(MTDB_DONE, mtdb_db_maintain(db, PLENTY_MS, &err));
    ok(acquire_in("acme", PLENTY_MS));
}

Test(quiesce, setting_and_clearing_are_audited) {
    char message[256];
    ok(set_of(quiesce, "", 60000, 0));
    cr_assert(event_comes("quiesce.set", PLENTY_MS, message, sizeof message));
    ok(mtdb_quiesce_clear(quiesce, "", 0, "", 0, "", 0, 0, PLENTY_MS, NULL, &err));
    cr_assert(event_comes("quiesce.cleared", PLENTY_MS, message, sizeof message));
}

Test(quiesce, a_store_that_is_not_there_tells_nothing_of_its_address) {
    mtdb_quiesce *handle = NULL;
    mtdb_options *options = OPTIONS("quiesce.store", "postgres://u:geheim@127.0.0.1:1/x");
    ok(mtdb_quiesce_new(db, options, &handle, &err));
    mtdb_result *rows = NULL;
    fails(MTDB_UNAVAILABLE, mtdb_quiesce_query(handle, "", 0, PLENTY_MS, NULL, &rows, &err));
    cr_assert_null(strstr(mtdb_error_message(err), "geheim"));
    char shown[16];
    int64_t needed = 0;
    ok(mtdb_options_get(options, "quiesce.store", -1, shown, sizeof shown, &needed, &err));
    cr_assert_eq(strncmp(shown, "***", 3), 0);
    mtdb_options_release(options);
    mtdb_quiesce_release(handle);
}

// ---- the hold of one tenant ---------------------------------------------------------------------

static mtdb_status hold(int32_t mode, int32_t cancel_running, int64_t timeout_ms) {
    return mtdb_tenant_hold(db, "acme", -1, mode, cancel_running, timeout_ms, NULL, &err);
}

Test(quiesce, a_held_tenant_refuses_leases_until_it_is_resumed) {
    ok(hold(MTDB_HOLD_REFUSE, 0, PLENTY_MS));
    cr_assert(event_comes("tenant.held", PLENTY_MS, NULL, 0));
    fails(MTDB_TENANT_HELD, acquire_in("acme", PLENTY_MS));
    message_has("held by the application");
    ok(acquire_in("beta", PLENTY_MS));
    fails(MTDB_EXISTS, hold(MTDB_HOLD_REFUSE, 0, PLENTY_MS));
    mtdb_result *stats = NULL;
    ok(mtdb_tenant_stats(db, "acme", -1, &stats, &err));
    cr_assert_eq(stat_of(stats, "held.now"), 1);
    ok(mtdb_db_stats(db, &stats, &err));
    cr_assert_eq(stat_of(stats, "tenants.held_now"), 1);
    ok(mtdb_tenant_resume(db, "acme", -1, &err));
    fails(MTDB_NOT_FOUND, mtdb_tenant_resume(db, "acme", -1, &err));
    ok(acquire_in("acme", PLENTY_MS));
    cr_assert(event_comes("tenant.resumed", PLENTY_MS, NULL, 0));
}

static void *resume_later(void *unused) {
    (void)unused;
    sleep_ms(60);
    mtdb_tenant_resume(db, "acme", -1, NULL);
    return NULL;
}

Test(quiesce, leases_that_wait_for_a_held_tenant_are_let_in_at_its_resume) {
    ok(hold(MTDB_HOLD_WAIT, 0, PLENTY_MS));
    fails(MTDB_TENANT_HELD, acquire_in("acme", 20));
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, resume_later, NULL), 0);
    ok(acquire_in("acme", PLENTY_MS));
    pthread_join(thread, NULL);
}

static atomic_bool verb_is_over;

// A verb that waits is let in, and then has succeeded where it should have failed.
static void *resume_once_somebody_waits(void *unused) {
    (void)unused;
    int64_t waited = 0;
    while (waited == 0 && !atomic_load(&verb_is_over)) {
        mtdb_result *stats = NULL;
        mtdb_db_stats(db, &stats, NULL);
        waited = stat_of(stats, "leases.held_back");
        sleep_ms(5);
    }
    mtdb_tenant_resume(db, "acme", -1, NULL);
    return NULL;
}

Test(quiesce, a_verb_on_a_held_tenant_does_not_wait_for_its_resume) {
    mtdb_migrator *migrator = NULL;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    ok(hold(MTDB_HOLD_WAIT, 0, PLENTY_MS));
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, resume_once_somebody_waits, NULL), 0);
    fails(MTDB_TENANT_HELD, mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, MTDB_FOREVER, NULL, NULL, &err));
    atomic_store(&verb_is_over, true);
    pthread_join(thread, NULL);
    mtdb_migrator_release(migrator);
}

Test(quiesce, a_fleet_passes_by_a_held_tenant) {
    mtdb_migrator *migrator = NULL;
    mtdb_fleet *fleet = NULL;
    int64_t failed = 0;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE t1(v)", -1, NULL, 0, &err));
    mtdb_options *own = OPTIONS("fleet.on_failure", "continue", "fleet.workers", "1", "fleet.retries_max", "0");
    ok(mtdb_fleet_new(db, migrator, own, &fleet, &err));
    mtdb_options_release(own);
    ok(hold(MTDB_HOLD_WAIT, 0, PLENTY_MS));
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, resume_once_somebody_waits, NULL), 0);
    ok(mtdb_fleet_run(fleet, MTDB_FOREVER, NULL, &failed, &err));
    atomic_store(&verb_is_over, true);
    pthread_join(thread, NULL);
    cr_assert_eq(failed, 1);
    mtdb_fleet_release(fleet);
    mtdb_migrator_release(migrator);
}

Test(quiesce, a_hold_that_cannot_get_the_leases_back_in_time_holds_nothing) {
    mtdb_conn *conn = lease("acme");
    fails(MTDB_TIMEOUT, hold(MTDB_HOLD_REFUSE, 0, 30));
    message_has("1 leases");
    ok(acquire_in("acme", PLENTY_MS));
    give_back(conn);
}

Test(quiesce, a_hold_that_cancels_takes_idle_leases_and_their_transactions) {
    mtdb_conn *conn = lease_with_table("gamma");
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    ok(mtdb_tenant_hold(db, "gamma", -1, MTDB_HOLD_REFUSE, 1, 30, NULL, &err));
    fails(MTDB_TENANT_HELD, mtdb_conn_exec(conn, "SELECT 1", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_tenant_resume(db, "gamma", -1, &err));
    run_in("gamma", "INSERT INTO t VALUES (2)");  // the writer turn is free again
    cr_assert_eq(int_in("gamma", "SELECT sum(v) FROM t"), 2);
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
}

static void *run_long(void *conn) {
    static const char endless[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    mtdb_error *error = NULL;
    const mtdb_status status = mtdb_conn_exec(conn, endless, -1, NULL, 0, PLENTY_MS, NULL, NULL, &error);
    mtdb_error_release(error);
    return (void *)(intptr_t)status;
}

Test(quiesce, a_hold_that_cancels_ends_what_runs) {
    mtdb_conn *conn = lease("acme");
    pthread_t thread;
    void *status = NULL;
    cr_assert_eq(pthread_create(&thread, NULL, run_long, conn), 0);
    ok(hold(MTDB_HOLD_REFUSE, 1, 100));
    pthread_join(thread, &status);
    cr_assert_eq((mtdb_status)(intptr_t)status, MTDB_TENANT_HELD);
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
}

Test(quiesce, a_held_tenant_can_be_copied_and_dropped) {
    ok(hold(MTDB_HOLD_REFUSE, 0, PLENTY_MS));
    ok(mtdb_tenant_copy(db, "acme", -1, "copy", -1, PLENTY_MS, NULL, &err));
    ok(acquire_in("copy", PLENTY_MS));
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    ok(mtdb_tenant_resume(db, "acme", -1, &err));
}

Test(quiesce, a_mode_that_is_none_is_refused) { fails(MTDB_INVALID_ARGUMENT, hold(2, 0, PLENTY_MS)); }
