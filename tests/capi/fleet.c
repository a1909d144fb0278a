// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "fixture.h"

static mtdb_migrator *migrator;
static mtdb_fleet *fleet;

static void begin(void) { open_db(); }

static void drop_handles(void) {
    mtdb_fleet_release(fleet);
    fleet = NULL;
    mtdb_migrator_release(migrator);
    migrator = NULL;
}

static void end(void) {
    drop_handles();
    close_db();
}

TestSuite(fleet, .init = begin, .fini = end, .timeout = 60);

static void create_tenants(int count) {
    for (int i = 0; i < count; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        create_tenant(id);
    }
}

static void make_migrator(void) {
    mtdb_migrator_release(migrator);
    migrator = NULL;
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "notes", -1, "CREATE TABLE note(id INTEGER PRIMARY KEY)", -1,
                         "DROP TABLE note", -1, &err));
    ok(mtdb_migrator_add(migrator, "2", -1, "first", -1, "INSERT INTO note VALUES(1)", -1, "DELETE FROM note", -1,
                         &err));
}

static void make_fleet(mtdb_options *owned) {
    mtdb_fleet_release(fleet);
    fleet = NULL;
    ok(mtdb_fleet_new(db, migrator, owned, &fleet, &err));
    mtdb_options_release(owned);
}

static int64_t run_fleet(void) {
    int64_t failed = -1;
    ok(mtdb_fleet_run(fleet, PLENTY_MS, NULL, &failed, &err));
    return failed;
}

enum { TENANT, WAVE, STATE, STATUS, ATTEMPTS, APPLIED, BEFORE, VERSION };

// How many tenants of the results are in a state.
static int64_t in_state(const char *state) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) count += strcmp(text_at(rows, STATE), state) == 0;
    finish(rows);
    return count;
}

// How often the run worked on a tenant: those that it skipped not at all.
static int64_t attempts(void) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) count += mtdb_value_int64(rows, ATTEMPTS);
    finish(rows);
    return count;
}

static const char *phase(void) {
    static char name[32];
    mtdb_result *row = NULL;
    ok(mtdb_fleet_progress(fleet, &row, &err));
    ok(mtdb_result_next(row, &err));
    snprintf(name, sizeof name, "%s", text_at(row, 1));
    finish(row);
    return name;
}

static int64_t migrated(int count) {
    int64_t done = 0;
    for (int i = 0; i < count; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        done += int_in(id, "SELECT count(*) FROM sqlite_master WHERE name = 'note'");
    }
    return done;
}

// Something in the way of the first script.
static void break_tenant(const char *id) { run_in(id, "CREATE TABLE flyway_schema_history(nonsense)"); }
static void mend_tenant(const char *id) { run_in(id, "DROP TABLE flyway_schema_history"); }

Test(fleet, migrates_every_tenant_and_says_how_each_went) {
    create_tenants(12);
    make_migrator();
    make_fleet(NULL);
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(migrated(12), 12);
    cr_assert_eq(in_state("done"), 12);
    cr_assert_str_eq(phase(), "done");
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    ok(mtdb_result_next(rows, &err));
    cr_assert_str_eq(text_at(rows, TENANT), "t000");
    cr_assert_eq(mtdb_value_int64(rows, APPLIED), 2);
    cr_assert_eq(mtdb_value_type(rows, BEFORE), MTDB_TYPE_NULL);
    cr_assert_str_eq(text_at(rows, VERSION), "2");
    finish(rows);
}

Test(fleet, keeps_the_order_of_a_list_that_it_was_given) {
    create_tenants(3);
    make_migrator();
    make_fleet(NULL);
    ok(mtdb_fleet_add(fleet, "t002", -1, &err));
    ok(mtdb_fleet_add(fleet, "t000", -1, &err));
    run_fleet();
    fails(MTDB_INVALID_STATE, mtdb_fleet_add(fleet, "t001", -1, &err));
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    ok(mtdb_result_next(rows, &err));
    cr_assert_str_eq(text_at(rows, TENANT), "t002");
    ok(mtdb_result_next(rows, &err));
    cr_assert_str_eq(text_at(rows, TENANT), "t000");
    returns(MTDB_DONE, mtdb_result_next(rows, &err));
    finish(rows);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM sqlite_master"), 0);
}

Test(fleet, a_broken_canary_stops_it_before_anybody_else_is_touched) {
    create_tenants(10);
    break_tenant("t001");
    make_migrator();
    make_fleet(OPTIONS("fleet.canary", "2", "fleet.on_failure", "continue", "fleet.workers", "1"));
    int64_t failed = -1;
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, &failed, &err));
    message_has("canary");
    cr_assert_eq(failed, 1);
    cr_assert_eq(migrated(10), 1);
    cr_assert_str_eq(phase(), "halted");
    cr_assert_eq(in_state("pending"), 8);
}

Test(fleet, goes_on_past_failures_when_told_to_and_counts_them) {
    create_tenants(10);
    break_tenant("t003");
    break_tenant("t007");
    make_migrator();
    make_fleet(OPTIONS("fleet.on_failure", "continue"));
    cr_assert_eq(run_fleet(), 2);
    cr_assert_eq(in_state("failed"), 2);
    cr_assert_eq(in_state("done"), 8);
}

Test(fleet, halts_when_the_budget_of_failures_is_spent) {
    create_tenants(20);
    for (int i = 0; i < 20; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        break_tenant(id);
    }
    make_migrator();
    make_fleet(OPTIONS("fleet.on_failure", "continue", "fleet.failures_max", "10%", "fleet.workers", "1",
                       "fleet.waves", "1"));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("budget");
    cr_assert_eq(in_state("failed"), 3);
}

Test(fleet, retries_what_failed_and_undoes_only_what_it_applied) {
    create_tenants(6);
    break_tenant("t002");
    make_migrator();
    run_in("t005", "CREATE TABLE other(x)");
    mtdb_migrator *ahead = migrator;  // one tenant is there already
    ok(mtdb_migrator_migrate(ahead, "t000", -1, "1", -1, PLENTY_MS, NULL, NULL, &err));
    make_fleet(OPTIONS("fleet.run", "june", "fleet.on_failure", "continue"));
    const int64_t before = run_fleet();
    cr_assert_eq(before, 2);  // t002, and t005 has tables but no history
    mend_tenant("t002");
    run_in("t005", "DROP TABLE other");
    make_fleet(OPTIONS("fleet.run", "june", "fleet.resume", "failed"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(in_state("done"), 6);
    cr_assert_eq(migrated(6), 6);
    make_fleet(OPTIONS("fleet.run", "june", "fleet.resume", "applied", "fleet.verb", "undo"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(migrated(6), 1);  // t000 is back at 1
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM note"), 0);
}

Test(fleet, a_run_that_was_stopped_is_taken_up_where_it_stopped) {
    create_tenants(9);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "autumn", "fleet.waves", "3", "fleet.verdict", "true"));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(migrated(9), 3);
    cr_assert_str_eq(phase(), "verdict");
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_fleet_decide(fleet, 1, &err));
    ok(mtdb_fleet_stop(fleet, &err));
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_str_eq(phase(), "stopped");
    make_fleet(OPTIONS("fleet.run", "autumn"));
    fails(MTDB_EXISTS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    make_fleet(OPTIONS("fleet.run", "autumn", "fleet.resume", "rest"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(migrated(9), 9);
}

Test(fleet, the_rest_of_a_run_that_a_failure_halted_goes_on_without_the_failed_one) {
    create_tenants(4);
    break_tenant("t001");
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "halted", "fleet.waves", "1"));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(migrated(4), 1);
    make_fleet(OPTIONS("fleet.run", "halted", "fleet.resume", "rest"));
    cr_assert_eq(run_fleet(), 1);
    cr_assert_eq(in_state("done"), 3);
    cr_assert_eq(in_state("failed"), 1);
    cr_assert_eq(migrated(4), 3);
}

Test(fleet, a_verdict_halts_it) {
    create_tenants(4);
    make_migrator();
    make_fleet(OPTIONS("fleet.canary", "1", "fleet.verdict", "true"));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_fleet_decide(fleet, 0, &err));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(migrated(4), 1);
    fails(MTDB_INVALID_STATE, mtdb_fleet_decide(fleet, 1, &err));
}

Test(fleet, trusts_its_ledger_only_while_a_file_is_unchanged) {
    create_tenants(5);
    make_migrator();
    make_fleet(NULL);
    run_fleet();
    reopen(NULL, NULL);  // the files are closed, and so as they stay
    make_migrator();
    make_fleet(NULL);
    run_fleet();
    reopen(NULL, NULL);
    make_migrator();
    make_fleet(OPTIONS("fleet.trust", "ledger"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(attempts(), 0);
    cr_assert_eq(in_state("done"), 5);
    reopen(NULL, NULL);
    run_elsewhere("t003.db", "DROP TABLE note; DELETE FROM flyway_schema_history");
    make_migrator();
    make_fleet(OPTIONS("fleet.trust", "ledger"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(attempts(), 1);
    cr_assert_eq(migrated(5), 5);
}

Test(fleet, a_run_without_a_ledger_cannot_be_taken_up) {
    create_tenants(2);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "light", "fleet.ledger", "off"));
    run_fleet();
    cr_assert_not(file_exists(".mtdb/control.db"));
    make_fleet(OPTIONS("fleet.run", "light", "fleet.resume", "rest"));
    fails(MTDB_NOT_FOUND, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
}

Test(fleet, another_plan_does_not_take_up_a_run) {
    create_tenants(2);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "one"));
    run_fleet();
    ok(mtdb_migrator_new(db, NULL, &migrator, (mtdb_migrator_release(migrator), &err)));
    ok(mtdb_migrator_add(migrator, "1", -1, "else", -1, "SELECT 1", -1, NULL, 0, &err));
    make_fleet(OPTIONS("fleet.run", "one", "fleet.resume", "rest"));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
}

Test(fleet, sql_writes_only_when_allowed) {
    create_tenants(3);
    make_migrator();
    make_fleet(NULL);
    run_fleet();
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "DELETE FROM note", "fleet.on_failure", "continue"));
    cr_assert_eq(run_fleet(), 3);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM note"), 1);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "DELETE FROM note", "fleet.write", "true"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM note"), 0);
}

Test(fleet, a_cancel_leaves_the_rest_due) {
    create_tenants(4);
    make_migrator();
    ok(mtdb_migrator_new(db, NULL, &migrator, (mtdb_migrator_release(migrator), &err)));
    ok(mtdb_migrator_add(migrator, "1", -1, "endless", -1, "CREATE TABLE t(v); " ENDLESS_INSERT, -1, NULL, 0,
                         &err));
    make_fleet(OPTIONS("fleet.run", "long", "fleet.workers", "2"));
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    trigger *later = trigger_after(cancel, 300);
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, PLENTY_MS, cancel, NULL, &err));
    trigger_join(later);
    mtdb_cancel_release(cancel);
    cr_assert_eq(in_state("failed"), 0);
    cr_assert_eq(in_state("done"), 0);
}

static void *stop_soon(void *unused) {
    sleep_ms(100);
    mtdb_fleet_stop(fleet, NULL);
    return unused;
}

Test(fleet, a_stop_drains_what_has_begun) {
    create_tenants(200);
    make_migrator();
    make_fleet(OPTIONS("fleet.workers", "2"));
    pthread_t thread;
    pthread_create(&thread, NULL, stop_soon, NULL);
    const mtdb_status status = mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, NULL);
    pthread_join(thread, NULL);
    cr_assert(status == MTDB_CANCELLED || status == MTDB_OK);
    cr_assert_eq(in_state("running"), 0);
    cr_assert_eq(in_state("failed"), 0);
    cr_assert_eq(migrated(200), in_state("done"));
}

Test(fleet, options_that_make_no_sense_are_refused_at_once) {
    make_migrator();
    static const char *const wrong[][4] = {{"fleet.waves", "0", NULL, NULL},
                                           {"fleet.canary", "101%", NULL, NULL},
                                           {"fleet.verb", "sql", NULL, NULL},
                                           {"fleet.resume", "rest", NULL, NULL},
                                           {"fleet.resume", "applied", "fleet.run", "x"},
                                           {"fleet.failures_max", "many", NULL, NULL},
                                           {"fleet.target", "one", NULL, NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        mtdb_options *options =
            options_of((const char *const[]){wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], NULL});
        fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_new(db, migrator, options, &fleet, &err));
        mtdb_options_release(options);
    }
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_new(db, NULL, NULL, &fleet, &err));
}

static mtdb_quiesce *flags_of(mtdb_db *of) {
    mtdb_quiesce *quiesce = NULL;
    mtdb_options *options = OPTIONS("quiesce.store", path_of("flags.sqlite"), "quiesce.refresh_ms", "20");
    ok(mtdb_quiesce_new(of, options, &quiesce, &err));
    mtdb_options_release(options);
    ok(mtdb_quiesce_create(quiesce, PLENTY_MS, NULL, &err));
    return quiesce;
}

Test(fleet, a_quiesce_flag_of_others_pauses_it_and_leaves_its_tenants_due) {
    create_tenants(4);
    make_migrator();
    mtdb_quiesce *obeyed = flags_of(db);
    ok(mtdb_quiesce_enable(obeyed, PLENTY_MS, NULL, &err));
    mtdb_db *deployer = NULL;
    ok(mtdb_db_open(root, -1, NULL, &deployer, &err));
    mtdb_quiesce *flags = flags_of(deployer);
    char token[64];
    int64_t needed = 0;
    ok(mtdb_quiesce_set(flags, "", 0, "deploy", -1, "", 0, 60000, 0, PLENTY_MS, NULL, token, sizeof token, &needed,
                        NULL, &err));
    mtdb_conn *conn = NULL;  // until the db has read the flag
    while (mtdb_db_acquire(db, "t000", -1, NULL, PLENTY_MS, NULL, &conn, NULL) == MTDB_OK) {
        give_back(conn);
        sleep_ms(5);
    }
    make_fleet(OPTIONS("fleet.on_failure", "continue"));
    fails(MTDB_TENANT_HELD, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(in_state("pending"), 4);
    ok(mtdb_quiesce_clear(flags, "", 0, "deploy", -1, token, needed, 0, PLENTY_MS, NULL, &err));
    mtdb_status status = MTDB_TENANT_HELD;
    for (int i = 0; i < 100 && status == MTDB_TENANT_HELD; ++i) {
        sleep_ms(20);
        status = mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, NULL);
    }
    cr_assert_eq(status, MTDB_OK);
    cr_assert_eq(in_state("done"), 4);
    mtdb_quiesce_release(flags);
    mtdb_db_release(deployer);
    mtdb_quiesce_release(obeyed);
}
