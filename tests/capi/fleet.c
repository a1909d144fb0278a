// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <unistd.h>

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
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
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
                                           {"fleet.canary", " ,", NULL, NULL},
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

// ---- rows of queries ----

static mtdb_result *query_fleet(void) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    return rows;
}

static void fill_notes(int tenants, int rows) {
    create_tenants(tenants);
    for (int i = 0; i < tenants; ++i) {
        char id[16];
        char sql[200];
        snprintf(id, sizeof id, "t%03d", i);
        run_in(id, "CREATE TABLE note(id INTEGER PRIMARY KEY, v TEXT)");
        snprintf(sql, sizeof sql,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                 " INSERT INTO note SELECT i, 'note ' || i FROM n",
                 rows);
        run_in(id, sql);
    }
}

Test(fleet, a_query_gives_the_rows_of_every_tenant_with_its_id) {
    fill_notes(20, 50);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT id, v FROM note ORDER BY id"));
    mtdb_result *rows = query_fleet();
    int32_t columns = 0;
    ok(mtdb_result_column_count(rows, &columns, &err));
    cr_assert_eq(columns, 3);
    int64_t next_of[20] = {0};
    while (mtdb_result_next(rows, &err) == MTDB_OK) {
        const int tenant = atoi(text_at(rows, 0) + 1);
        cr_assert_eq(mtdb_value_int64(rows, 1), ++next_of[tenant]);  // a tenant's rows keep their order
        char expected[32];
        snprintf(expected, sizeof expected, "note %lld", (long long)next_of[tenant]);
        cr_assert_str_eq(text_at(rows, 2), expected);
    }
    finish(rows);
    for (int i = 0; i < 20; ++i) cr_assert_eq(next_of[i], 50);
    cr_assert_eq(in_state("done"), 20);
    cr_assert_str_eq(phase(), "done");
}

Test(fleet, blocks_of_a_query_have_many_rows) {
    fill_notes(4, 5000);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT id, v FROM note"));
    mtdb_result *rows = query_fleet();
    static char buffer[256 * 1024];
    int64_t total = 0, fetches = 0;
    mtdb_status status = MTDB_OK;
    while (status != MTDB_DONE) {
        int64_t count = 0, used = 0;
        status = mtdb_result_fetch(rows, buffer, sizeof buffer, 0, &count, &used, &err);
        cr_assert(status == MTDB_OK || status == MTDB_DONE);
        total += count;
        ++fetches;
    }
    finish(rows);
    cr_assert_eq(total, 20000);
    cr_assert_leq(fetches, 40);
}

Test(fleet, a_reader_that_stops_stops_the_run_and_it_can_be_taken_up) {
    fill_notes(40, 3000);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT id, v FROM note", "fleet.run", "read"));
    mtdb_result *rows = query_fleet();
    ok(mtdb_result_next(rows, &err));
    ok(mtdb_result_close(rows, &err));
    mtdb_result_release(rows);
    cr_assert_str_eq(phase(), "stopped");
    cr_assert_gt(in_state("pending"), 0);  // a few blocks were on their way, not all tenants
    cr_assert_eq(in_state("failed"), 0);
    const int64_t done = in_state("done");
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT id, v FROM note", "fleet.run", "read",
                       "fleet.resume", "rest"));
    rows = query_fleet();
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) ++count;
    finish(rows);
    cr_assert_eq(count, (40 - done) * 3000);
    cr_assert_eq(in_state("done"), 40);
}

Test(fleet, rows_before_a_failure_are_read_and_then_the_failure) {
    fill_notes(60, 10);
    run_in("t003", "DROP TABLE note");
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT id FROM note", "fleet.workers", "1"));
    mtdb_result *rows = query_fleet();
    int64_t count = 0;
    mtdb_status status;
    while ((status = mtdb_result_next(rows, &err)) == MTDB_OK) ++count;
    cr_assert_eq(status, MTDB_SQL_ERROR);
    message_has("halted");
    drop_error();
    finish(rows);
    cr_assert_geq(count, 30);  // a worker may have begun the next before the failure was seen
    cr_assert_lt(count, 300);
}

Test(fleet, a_tenant_with_other_columns_fails_alone) {
    fill_notes(4, 2);
    run_in("t002", "ALTER TABLE note RENAME COLUMN v TO w");
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT * FROM note", "fleet.on_failure", "continue",
                       "fleet.workers", "1"));
    mtdb_result *rows = query_fleet();
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) ++count;
    finish(rows);
    cr_assert_eq(count, 6);
    cr_assert_eq(in_state("failed"), 1);
}

Test(fleet, a_query_that_writes_is_refused_unless_allowed) {
    fill_notes(3, 4);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "DELETE FROM note WHERE id < 3 RETURNING id"));
    mtdb_result *rows = NULL;
    fails(MTDB_READ_ONLY, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    cr_assert_null(rows);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM note"), 4);
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "DELETE FROM note WHERE id < 3 RETURNING id", "fleet.write",
                       "true"));
    rows = query_fleet();
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) ++count;
    finish(rows);
    cr_assert_eq(count, 6);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM note"), 2);
}

Test(fleet, a_query_needs_verb_sql_and_no_verdicts) {
    make_migrator();
    mtdb_result *rows = NULL;
    make_fleet(NULL);
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT 1", "fleet.verdict", "true"));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
}

// ---- waves and canaries by name ----

static int64_t wave_of(const char *id) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    int64_t wave = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK)
        if (strcmp(text_at(rows, TENANT), id) == 0) wave = mtdb_value_int64(rows, WAVE);
    finish(rows);
    return wave;
}

Test(fleet, a_canary_of_names_goes_first_wherever_it_stands) {
    create_tenants(8);
    break_tenant("t006");
    make_migrator();
    make_fleet(OPTIONS("fleet.canary", "t006,t002", "fleet.on_failure", "continue", "fleet.workers", "1"));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("canary");
    cr_assert_eq(in_state("pending"), 6);
    cr_assert_eq(wave_of("t002"), 1);
    cr_assert_eq(wave_of("t000"), 2);
    make_fleet(OPTIONS("fleet.canary", "ghost,"));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("ghost");
}

Test(fleet, waves_by_list_go_in_their_order_and_are_kept_by_the_ledger) {
    create_tenants(6);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "lists", "fleet.verdict", "true"));
    ok(mtdb_fleet_add(fleet, "t000", -1, &err));
    ok(mtdb_fleet_add_wave(fleet, "t005\nt003\n", -1, &err));
    ok(mtdb_fleet_add_wave(fleet, "t001", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_add_wave(fleet, "\n", -1, &err));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(wave_of("t005"), 1);
    cr_assert_eq(wave_of("t001"), 2);
    cr_assert_eq(wave_of("t000"), 3);
    cr_assert_eq(in_state("done"), 2);
    make_fleet(OPTIONS("fleet.run", "lists", "fleet.resume", "rest", "fleet.verdict", "true"));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));  // nothing left of the first
    ok(mtdb_fleet_decide(fleet, 1, &err));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(in_state("done"), 3);
    ok(mtdb_fleet_decide(fleet, 1, &err));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(in_state("done"), 4);
}

// ---- verbs ----

Test(fleet, repairs_and_baselines_every_tenant) {
    create_tenants(5);
    for (int i = 0; i < 5; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        run_in(id, "CREATE TABLE note(id INTEGER PRIMARY KEY)");
    }
    make_migrator();
    make_fleet(OPTIONS("fleet.verb", "baseline", "fleet.target", "1"));
    cr_assert_eq(run_fleet(), 0);
    make_fleet(NULL);
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(int_in("t003", "SELECT count(*) FROM note"), 1);  // script 2 only
    run_in("t001", "UPDATE flyway_schema_history SET checksum = 7 WHERE version = '2'");
    make_fleet(OPTIONS("fleet.verb", "validate", "fleet.on_failure", "continue"));
    cr_assert_eq(run_fleet(), 1);
    make_fleet(OPTIONS("fleet.verb", "repair"));
    cr_assert_eq(run_fleet(), 0);
    make_fleet(OPTIONS("fleet.verb", "validate", "fleet.on_failure", "continue"));
    cr_assert_eq(run_fleet(), 0);
    mtdb_fleet_release(fleet);
    mtdb_options *nonsense = OPTIONS("fleet.verb", "baseline", "fleet.target", "one");
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_new(db, migrator, nonsense, &fleet, &err));
    mtdb_options_release(nonsense);
}

// ---- shared tables ----

static mtdb_migrator *shared_migrator(const char *script) {
    mtdb_migrator *shared = NULL;
    ok(mtdb_migrator_new(db, NULL, &shared, &err));
    ok(mtdb_migrator_add(shared, "1", -1, "plans", -1, script, -1, NULL, 0, &err));
    return shared;
}

Test(fleet, scripts_of_the_shared_tables_run_once_before_the_tenants) {
    create_tenants(5);
    reopen(NULL, OPTIONS("tenant.shared", "plans"));
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "copy", -1, "CREATE TABLE mine AS SELECT name FROM plans.plan", -1, NULL,
                         0, &err));
    mtdb_migrator *shared = shared_migrator("CREATE TABLE plan(name TEXT); INSERT INTO plan VALUES('free')");
    for (int turn = 0; turn < 2; ++turn) {
        make_fleet(NULL);
        ok(mtdb_fleet_share(fleet, shared, &err));
        cr_assert_eq(run_fleet(), 0);
        cr_assert_eq(in_state("done"), 5);
    }
    cr_assert_eq(int_in("t004", "SELECT count(*) FROM mine"), 1);
    cr_assert_eq(int_in("t004", "SELECT count(*) FROM plans.plan"), 1);
    cr_assert_eq(int_in("t004", "SELECT count(*) FROM plans.flyway_schema_history"), 1);
    mtdb_migrator_release(shared);
}

Test(fleet, shared_scripts_that_fail_halt_it_before_any_tenant) {
    create_tenants(3);
    reopen(NULL, OPTIONS("tenant.shared", "plans"));
    make_migrator();
    mtdb_migrator *shared = shared_migrator("CREATE TABLE plan(name TEXT); INSERT INTO nowhere VALUES(1)");
    make_fleet(OPTIONS("fleet.on_failure", "continue"));
    ok(mtdb_fleet_share(fleet, shared, &err));
    fails(MTDB_MIGRATION_FAILED, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("shared");
    cr_assert_str_eq(phase(), "halted");
    cr_assert_eq(in_state("pending"), 3);
    mtdb_migrator_release(shared);
}

Test(fleet, without_shared_tables_there_is_nothing_to_share) {
    make_migrator();
    make_fleet(NULL);
    fails(MTDB_INVALID_STATE, mtdb_fleet_share(fleet, migrator, &err));
}

// ---- the ledger ----

Test(fleet, a_ledger_that_was_lost_loses_no_work) {
    create_tenants(6);
    break_tenant("t004");
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "lost", "fleet.on_failure", "continue"));
    cr_assert_eq(run_fleet(), 1);
    drop_handles();
    reopen(NULL, NULL);
    static const char *const files[] = {".mtdb/control.db", ".mtdb/control.db-wal", ".mtdb/control.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) remove(path_of(files[i]));
    mend_tenant("t004");
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "lost", "fleet.resume", "failed"));
    fails(MTDB_NOT_FOUND, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    make_fleet(OPTIONS("fleet.run", "lost"));  // a new one of that name: the histories say what is done
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(in_state("done"), 6);
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    while (mtdb_result_next(rows, &err) == MTDB_OK) {
        const bool late = strcmp(text_at(rows, TENANT), "t004") == 0;
        cr_assert_eq(mtdb_value_int64(rows, APPLIED), late ? 2 : 0);
        cr_assert_str_eq(text_at(rows, VERSION), "2");
    }
    finish(rows);
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM note"), 1);
}

Test(fleet, undoing_a_run_leaves_alone_whom_it_never_changed) {
    create_tenants(5);
    make_migrator();
    for (int i = 0; i < 5; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        ok(mtdb_migrator_migrate(migrator, id, -1, "1", -1, PLENTY_MS, NULL, NULL, &err));
    }
    make_fleet(OPTIONS("fleet.run", "half", "fleet.waves", "2", "fleet.verdict", "true"));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    ok(mtdb_fleet_decide(fleet, 0, &err));
    make_fleet(OPTIONS("fleet.run", "half", "fleet.resume", "applied", "fleet.verb", "undo"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(migrated(5), 5);  // all are at 1, as they were before
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM note"), 0);
    cr_assert_eq(attempts(), 4);  // two tenants, forth and back
}

// ---- what is done once ----

// As a process leaves the ledger that was killed while it worked on t001.
static void kill_run_at_t001(void) {
    run_elsewhere(".mtdb/control.db", "UPDATE mtdb_fleet_tenants SET state = 'running' WHERE tenant = 't001';"
                                      "UPDATE mtdb_fleet_runs SET state = 'running'");
}

static int64_t versions_in(const char *id) {
    return int_in(id, "SELECT count(*) FROM flyway_schema_history WHERE type = 'SQL'") -
           int_in(id, "SELECT count(*) FROM flyway_schema_history WHERE type = 'DELETE'");
}

Test(fleet, a_tenant_is_in_the_list_once) {
    create_tenants(3);
    make_migrator();
    make_fleet(NULL);
    ok(mtdb_fleet_add(fleet, "t000", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_add(fleet, "t000", -1, &err));
    message_has("t000");
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_add_wave(fleet, "t001\nt000", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_fleet_add_wave(fleet, "t002\nt002", -1, &err));
    ok(mtdb_fleet_add_wave(fleet, "t001\nt002", -1, &err));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(in_state("done"), 3);
    mtdb_result *rows = NULL;
    fails(MTDB_INVALID_ARGUMENT, mtdb_migrator_run(migrator, "undo", -1, "next", -1, "t001\nt000\nt001", -1, NULL,
                                                   PLENTY_MS, NULL, &rows, &err));
    cr_assert_eq(versions_in("t001"), 2);
}

Test(fleet, steps_that_a_killed_run_had_done_are_not_done_again) {
    create_tenants(2);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "up", "fleet.target", "+1"));
    cr_assert_eq(run_fleet(), 0);
    kill_run_at_t001();
    make_fleet(OPTIONS("fleet.run", "up", "fleet.target", "+1", "fleet.resume", "rest"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(versions_in("t000"), 1);
    cr_assert_eq(versions_in("t001"), 1);
    make_fleet(NULL);
    cr_assert_eq(run_fleet(), 0);
    make_fleet(OPTIONS("fleet.verb", "undo", "fleet.run", "down", "fleet.target", "next"));
    cr_assert_eq(run_fleet(), 0);
    kill_run_at_t001();
    make_fleet(OPTIONS("fleet.verb", "undo", "fleet.run", "down", "fleet.target", "next", "fleet.resume", "failed"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(versions_in("t000"), 1);
    cr_assert_eq(versions_in("t001"), 1);
}

Test(fleet, a_ledger_is_not_trusted_about_a_target_in_steps) {
    create_tenants(2);
    make_migrator();
    for (int64_t turn = 1; turn <= 2; ++turn) {
        make_fleet(OPTIONS("fleet.target", "next", "fleet.trust", "ledger"));
        cr_assert_eq(run_fleet(), 0);
        cr_assert_eq(versions_in("t000"), turn);
    }
}

#define MAKE_SUMS "CREATE TABLE sums(v)"
#define ADD_SUM "INSERT INTO sums VALUES(1)"

static void make_writer(const char *sql, const char *run, const char *resume) {
    make_fleet(OPTIONS("fleet.verb", "sql", "fleet.write", "true", "fleet.sql", sql, "fleet.run", run, "fleet.resume",
                       resume));
}

Test(fleet, sql_of_a_killed_run_is_done_again_only_when_told_to) {
    create_tenants(2);
    run_in("t000", MAKE_SUMS);
    run_in("t001", MAKE_SUMS);
    make_writer(ADD_SUM, "sums", "new");
    cr_assert_eq(run_fleet(), 0);
    kill_run_at_t001();
    make_writer(ADD_SUM, "sums", "rest");
    cr_assert_eq(run_fleet(), 1);
    cr_assert_eq(in_state("failed"), 1);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM sums"), 1);
    make_writer(ADD_SUM, "sums", "failed");
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM sums"), 2);
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM sums"), 1);
}

static void *cancel_once_a_sum_is_there(void *cancel) {
    for (int64_t sums = 0; sums == 0; sleep_ms(10)) {
        mtdb_result *rows = NULL;
        ok(mtdb_db_query(db, "t000", -1, "SELECT count(*) FROM sums", -1, NULL, 0, PLENTY_MS, NULL, &rows, NULL));
        ok(mtdb_result_next(rows, NULL));
        sums = mtdb_value_int64(rows, 0);
        mtdb_result_release(rows);
    }
    ok(mtdb_cancel_trigger(cancel, 0, NULL));
    return NULL;
}

Test(fleet, sql_that_wrote_before_it_was_cancelled_is_not_due_again) {
    create_tenants(1);
    run_in("t000", MAKE_SUMS);
    run_in("t000", "CREATE TABLE t(v)");
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    make_writer(ADD_SUM "; " ENDLESS_INSERT, "late", "new");
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_once_a_sum_is_there, cancel);
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, MTDB_FOREVER, cancel, NULL, &err));
    pthread_join(thread, NULL);
    cr_assert_eq(in_state("failed"), 1);
    make_writer(ADD_SUM "; " ENDLESS_INSERT, "late", "rest");
    cr_assert_eq(run_fleet(), 1);
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM sums"), 1);
    mtdb_cancel_release(cancel);
}

Test(fleet, who_takes_a_run_up_ends_the_turn_of_who_had_it) {
    create_tenants(4);
    for (int i = 0; i < 4; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        run_in(id, MAKE_SUMS);
    }
    mtdb_options *own = OPTIONS("fleet.verb", "sql", "fleet.write", "true", "fleet.sql", ADD_SUM, "fleet.run", "shared",
                                "fleet.canary", "1", "fleet.verdict", "true");
    mtdb_fleet *first = NULL;
    ok(mtdb_fleet_new(db, NULL, own, &first, &err));
    mtdb_options_release(own);
    returns(MTDB_NEEDS, mtdb_fleet_run(first, PLENTY_MS, NULL, NULL, &err));
    make_writer(ADD_SUM, "shared", "rest");
    cr_assert_eq(run_fleet(), 0);
    ok(mtdb_fleet_decide(first, 1, &err));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(first, PLENTY_MS, NULL, NULL, &err));
    message_has("taken up");
    cr_assert_eq(int_in("t000", "SELECT count(*) FROM sums"), 1);
    cr_assert_eq(int_in("t003", "SELECT count(*) FROM sums"), 1);
    mtdb_fleet_release(first);
}

Test(fleet, a_ledger_that_is_gone_ends_the_run_before_more_is_changed) {
    create_tenants(3);
    make_migrator();
    make_fleet(OPTIONS("fleet.run", "lost", "fleet.canary", "1", "fleet.verdict", "true"));
    returns(MTDB_NEEDS, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(unlink(path_of(".mtdb/control.db")), 0);
    ok(mtdb_fleet_decide(fleet, 1, &err));
    fails(MTDB_IO, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_COMMITTED);
    message_has("ledger");
    cr_assert_eq(versions_in("t000"), 2);
    cr_assert_eq(int_in("t001", "SELECT count(*) FROM sqlite_master"), 0);
    make_fleet(OPTIONS("fleet.run", "anew"));
    cr_assert_eq(run_fleet(), 0);
    cr_assert_eq(versions_in("t001"), 2);
}

// ---- the budget ----

Test(fleet, a_row_of_failures_halts_it_though_others_succeed_meanwhile) {
    create_tenants(12);
    break_tenant("t000");
    break_tenant("t001");
    make_migrator();
    make_fleet(OPTIONS("fleet.on_failure", "continue", "fleet.failures_in_row_max", "2", "fleet.workers", "1"));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("in a row");
    cr_assert_eq(in_state("failed"), 2);
    make_fleet(OPTIONS("fleet.on_failure", "continue", "fleet.failures_in_row_max", "3"));
    cr_assert_eq(run_fleet(), 2);
}

Test(fleet, a_canary_of_all_tenants_is_one) {
    create_tenants(3);
    break_tenant("t001");
    make_migrator();
    make_fleet(OPTIONS("fleet.on_failure", "continue", "fleet.canary", "100%"));
    fails(MTDB_INVALID_STATE, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("canary");
}

// ---- stopping ----

static void *stop_once_a_wave_is_done(void *unused) {
    for (;;) {
        mtdb_result *row = NULL;
        ok(mtdb_fleet_progress(fleet, &row, NULL));
        ok(mtdb_result_next(row, NULL));
        const bool soaks = mtdb_value_int64(row, 2) > 1;
        mtdb_result_release(row);
        if (soaks) break;
        sleep_ms(10);
    }
    ok(mtdb_fleet_stop(fleet, NULL));
    return unused;
}

Test(fleet, a_stop_does_not_wait_for_the_next_wave) {
    create_tenants(3);
    make_migrator();
    make_fleet(OPTIONS("fleet.waves", "1", "fleet.soak_ms", "3600000"));
    pthread_t thread;
    pthread_create(&thread, NULL, stop_once_a_wave_is_done, NULL);
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, MTDB_FOREVER, NULL, NULL, &err));
    pthread_join(thread, NULL);
    cr_assert_eq(in_state("done"), 1);
    cr_assert_eq(in_state("pending"), 2);
}

Test(fleet, a_stop_does_not_wait_for_the_next_try) {
    create_tenants(1);
    make_migrator();
    make_fleet(OPTIONS("fleet.retry_ms", "3600000"));
    ok(mtdb_tenant_hold(db, "t000", -1, MTDB_HOLD_REFUSE, 0, PLENTY_MS, NULL, &err));
    pthread_t thread;
    pthread_create(&thread, NULL, stop_soon, NULL);
    const mtdb_status status = mtdb_fleet_run(fleet, MTDB_FOREVER, NULL, NULL, NULL);
    pthread_join(thread, NULL);
    cr_assert(status == MTDB_TENANT_HELD || status == MTDB_CANCELLED);
}

Test(fleet, a_run_that_is_stopped_before_it_begins_runs_nothing) {
    create_tenants(2);
    reopen(NULL, OPTIONS("tenant.shared", "plans"));
    make_migrator();
    mtdb_migrator *shared = shared_migrator("CREATE TABLE plan(name TEXT)");
    make_fleet(NULL);
    ok(mtdb_fleet_share(fleet, shared, &err));
    ok(mtdb_fleet_stop(fleet, &err));
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_not(file_exists("plans.db"));
    cr_assert_eq(in_state("pending"), 2);
    mtdb_migrator_release(shared);
}
