// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>

static mtdb_migrator *migrator;

static void begin(void) {
    open_db();
    create_tenant("acme");
}

static void end(void) {
    mtdb_migrator_release(migrator);
    close_db();
}

TestSuite(migrations, .init = begin, .fini = end, .timeout = 60);

static void make_migrator(mtdb_options *owned) {
    mtdb_migrator_release(migrator);
    ok(mtdb_migrator_new(db, owned, &migrator, &err));
    mtdb_options_release(owned);
}

static void add(const char *version, const char *up, const char *down) {
    ok(mtdb_migrator_add(migrator, version, -1, "a step", -1, up, -1, down, down != NULL ? -1 : 0, &err));
}

static void make_inline(void) {
    make_migrator(NULL);
    add("1", "CREATE TABLE person(id INTEGER PRIMARY KEY)", "DROP TABLE person");
    add("2", "CREATE TABLE pet(id INTEGER PRIMARY KEY); INSERT INTO pet VALUES (1)", "DROP TABLE pet");
}

static mtdb_migrator *make_folder(const char *folder) {
    make_migrator(OPTIONS("migrate.source", path_of(folder)));
    return migrator;
}

static void write_flyway(void) {
    write_file("fly/V1__person.sql", "CREATE TABLE person(id INTEGER PRIMARY KEY);\n");
    write_file("fly/V1.2__pet.sql", "CREATE TABLE pet(id INTEGER PRIMARY KEY);\n");
    write_file("fly/U1.2__pet.sql", "DROP TABLE pet;\n");
    write_file("fly/R__view.sql", "DROP VIEW IF EXISTS beings;\nCREATE VIEW beings AS SELECT id FROM person;\n");
}

static void write_golang(void) {
    write_file("go/1_person.up.sql", "CREATE TABLE person(id INTEGER PRIMARY KEY);\n");
    write_file("go/1_person.down.sql", "DROP TABLE person;\n");
    write_file("go/2_pet.up.sql", "CREATE TABLE pet(id INTEGER PRIMARY KEY);\n");
    write_file("go/2_pet.down.sql", "DROP TABLE pet;\n");
}

static int64_t migrate(const char *target) {
    int64_t applied = -1;
    ok(mtdb_migrator_migrate(migrator, "acme", -1, target, -1, PLENTY_MS, NULL, &applied, &err));
    return applied;
}

static int64_t undo(const char *target) {
    int64_t undone = -1;
    ok(mtdb_migrator_undo(migrator, "acme", -1, target, -1, PLENTY_MS, NULL, &undone, &err));
    return undone;
}

static int64_t tables(const char *name) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_master WHERE name = '%s'", name);
    return int_in("acme", sql);
}

enum { TENANT, CURRENT, TARGET, STATE, PENDING, APPLIED_AT, HISTORY, PROBLEM };

static mtdb_result *status_row(void) {
    mtdb_result *row = NULL;
    ok(mtdb_migrator_status(migrator, "acme", -1, PLENTY_MS, NULL, &row, &err));
    ok(mtdb_result_next(row, &err));
    return row;
}

Test(migrations, inline_scripts_run_once_in_order) {
    make_inline();
    cr_assert_eq(migrate("latest"), 2);
    cr_assert_eq(migrate(""), 0);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM pet"), 1);
    cr_assert_eq(tables("flyway_schema_history"), 1);
}

Test(migrations, stop_at_a_target) {
    make_inline();
    cr_assert_eq(migrate("1"), 1);
    cr_assert_eq(tables("person"), 1);
    cr_assert_eq(tables("pet"), 0);
    cr_assert_eq(migrate("latest"), 1);
}

Test(migrations, a_version_is_added_once_and_not_after_a_verb) {
    make_inline();
    fails(MTDB_EXISTS, mtdb_migrator_add(migrator, "1.0", -1, "same", -1, "SELECT 1", -1, NULL, 0, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_migrator_add(migrator, "one", -1, "word", -1, "SELECT 1", -1, NULL, 0, &err));
    migrate("latest");
    fails(MTDB_INVALID_STATE, mtdb_migrator_add(migrator, "3", -1, "late", -1, "SELECT 1", -1, NULL, 0, &err));
}

Test(migrations, a_flyway_folder_writes_flyways_history) {
    write_flyway();
    make_folder("fly");
    cr_assert_eq(migrate("latest"), 3);
    cr_assert_eq(migrate("latest"), 0);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM flyway_schema_history WHERE success = 1"), 3);
    static const char row[] =
        "SELECT count(*) FROM flyway_schema_history WHERE version = '1.2' AND description = 'pet' AND type = 'SQL'"
        " AND script = 'V1.2__pet.sql'";
    cr_assert_eq(int_in("acme", row), 1);
    cr_assert_eq(tables("schema_migrations"), 0);
}

Test(migrations, a_repeatable_runs_again_when_it_changed) {
    write_flyway();
    make_folder("fly");
    migrate("latest");
    write_file("fly/R__view.sql", "DROP VIEW IF EXISTS beings;\nCREATE VIEW beings AS SELECT id FROM pet;\n");
    make_folder("fly");
    cr_assert_eq(migrate("latest"), 1);
}

Test(migrations, a_golang_folder_writes_golang_migrates_history) {
    write_golang();
    make_folder("go");
    cr_assert_eq(migrate("latest"), 2);
    cr_assert_eq(int_in("acme", "SELECT version FROM schema_migrations WHERE dirty = 0"), 2);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM schema_migrations"), 1);
    cr_assert_eq(tables("flyway_schema_history"), 0);
}

Test(migrations, undo_goes_back_to_a_version_and_to_nothing) {
    write_golang();
    make_folder("go");
    migrate("latest");
    cr_assert_eq(undo("1"), 1);
    cr_assert_eq(tables("pet"), 0);
    cr_assert_eq(undo("empty"), 1);
    cr_assert_eq(tables("person"), 0);
    cr_assert_eq(migrate("latest"), 2);
}

Test(migrations, undo_of_inline_scripts_makes_them_pending_again) {
    make_inline();
    migrate("latest");
    cr_assert_eq(undo("1"), 1);
    cr_assert_eq(migrate("latest"), 1);
}

Test(migrations, undo_without_a_script_is_not_found_and_changes_nothing) {
    write_flyway();
    make_folder("fly");
    migrate("latest");
    fails(MTDB_NOT_FOUND, mtdb_migrator_undo(migrator, "acme", -1, "empty", -1, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(tables("person"), 1);
}

Test(migrations, a_plan_tells_the_steps_and_touches_nothing) {
    make_inline();
    mtdb_result *plan = NULL;
    ok(mtdb_migrator_plan(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &plan, &err));
    ok(mtdb_result_next(plan, &err));
    cr_assert_str_eq(text_at(plan, 0), "1");
    cr_assert_str_eq(text_at(plan, 5), "pending");
    ok(mtdb_result_next(plan, &err));
    cr_assert_str_eq(text_at(plan, 0), "2");
    cr_assert_eq(mtdb_value_int64(plan, 8), 2);
    returns(MTDB_DONE, mtdb_result_next(plan, &err));
    finish(plan);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM sqlite_master"), 0);
}

Test(migrations, status_tells_where_a_tenant_stands) {
    make_inline();
    mtdb_result *row = status_row();
    cr_assert_eq(mtdb_value_type(row, CURRENT), MTDB_TYPE_NULL);
    cr_assert_str_eq(text_at(row, STATE), "outdated");
    cr_assert_eq(mtdb_value_int64(row, PENDING), 2);
    finish(row);
    migrate("latest");
    row = status_row();
    cr_assert_str_eq(text_at(row, TENANT), "acme");
    cr_assert_str_eq(text_at(row, CURRENT), "2");
    cr_assert_str_eq(text_at(row, TARGET), "2");
    cr_assert_str_eq(text_at(row, STATE), "up_to_date");
    cr_assert_neq(mtdb_value_type(row, APPLIED_AT), MTDB_TYPE_NULL);
    finish(row);
}

Test(migrations, validate_finds_an_edited_script_and_migrate_refuses_it) {
    write_flyway();
    make_folder("fly");
    migrate("latest");
    write_file("fly/V1__person.sql", "CREATE TABLE person(id INTEGER PRIMARY KEY, edited);\n");
    make_folder("fly");
    mtdb_result *problems = NULL;
    ok(mtdb_migrator_validate(migrator, "acme", -1, PLENTY_MS, NULL, &problems, &err));
    ok(mtdb_result_next(problems, &err));
    cr_assert_str_eq(text_at(problems, 0), "CHECKSUM_MISMATCH");
    cr_assert_str_eq(text_at(problems, 1), "1");
    cr_assert_eq(rows_left(problems), 0);
    finish(problems);
    fails(MTDB_MIGRATION_CHECKSUM,
          mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, NULL, &err));
}

Test(migrations, info_tells_rows_and_scripts_in_flyways_order) {
    write_flyway();
    make_folder("fly");
    migrate("1");
    mtdb_result *entries = NULL;
    ok(mtdb_migrator_info(migrator, "acme", -1, "", -1, PLENTY_MS, NULL, &entries, &err));
    ok(mtdb_result_next(entries, &err));
    cr_assert_str_eq(text_at(entries, 0), "Versioned");
    cr_assert_str_eq(text_at(entries, 1), "1");
    cr_assert_str_eq(text_at(entries, 5), "success");
    cr_assert_eq(mtdb_value_int64(entries, 6), 1);
    cr_assert_eq(mtdb_value_int64(entries, 11), 0);
    ok(mtdb_result_next(entries, &err));
    cr_assert_str_eq(text_at(entries, 0), "Repeatable");
    ok(mtdb_result_next(entries, &err));
    cr_assert_str_eq(text_at(entries, 1), "1.2");
    cr_assert_str_eq(text_at(entries, 5), "pending");
    cr_assert_eq(mtdb_value_type(entries, 6), MTDB_TYPE_NULL);
    cr_assert_eq(mtdb_value_int64(entries, 11), 1);
    cr_assert_eq(rows_left(entries), 0);
    finish(entries);
}

Test(migrations, repair_aligns_an_edited_script_when_told_to) {
    write_flyway();
    make_folder("fly");
    migrate("latest");
    write_file("fly/V1__person.sql", "CREATE TABLE person(id INTEGER PRIMARY KEY, edited);\n");
    make_folder("fly");
    for (int32_t apply = 0; apply <= 1; ++apply) {
        mtdb_result *repairs = NULL;
        fails(MTDB_MIGRATION_CHECKSUM,
              mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, NULL, &err));
        ok(mtdb_migrator_repair(migrator, "acme", -1, apply, PLENTY_MS, NULL, &repairs, &err));
        ok(mtdb_result_next(repairs, &err));
        cr_assert_str_eq(text_at(repairs, 0), "align");
        cr_assert_str_eq(text_at(repairs, 1), "1");
        cr_assert_eq(rows_left(repairs), 0);
        finish(repairs);
    }
    cr_assert_eq(migrate("latest"), 0);
}

Test(migrations, baseline_takes_over_tables_without_a_history) {
    run_in("acme", "CREATE TABLE person(id INTEGER PRIMARY KEY)");
    make_inline();
    ok(mtdb_migrator_baseline(migrator, "acme", -1, "1", -1, "as found", -1, PLENTY_MS, NULL, &err));
    ok(mtdb_migrator_baseline(migrator, "acme", -1, "1", -1, "as found", -1, PLENTY_MS, NULL, &err));
    fails(MTDB_INVALID_STATE,
          mtdb_migrator_baseline(migrator, "acme", -1, "2", -1, "as found", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(migrate("latest"), 1);
}

Test(migrations, force_sets_golang_migrates_version_only) {
    write_golang();
    make_folder("go");
    cr_assert_eq(migrate("1"), 1);
    ok(mtdb_migrator_force(migrator, "acme", -1, "2", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(migrate("latest"), 0);
    fails(MTDB_INVALID_ARGUMENT, mtdb_migrator_force(migrator, "acme", -1, "1.2", -1, PLENTY_MS, NULL, &err));
    create_tenant("other");
    make_inline();
    fails(MTDB_UNSUPPORTED, mtdb_migrator_force(migrator, "other", -1, "1", -1, PLENTY_MS, NULL, &err));
}

Test(migrations, drop_needs_leave) {
    make_inline();
    migrate("latest");
    int64_t dropped = -1;
    fails(MTDB_INVALID_STATE, mtdb_migrator_drop(migrator, "acme", -1, PLENTY_MS, NULL, &dropped, &err));
    cr_assert_eq(dropped, 0);
    make_migrator(OPTIONS("migrate.drop", "allow"));
    ok(mtdb_migrator_drop(migrator, "acme", -1, PLENTY_MS, NULL, &dropped, &err));
    cr_assert_eq(dropped, 3);
    make_inline();
    cr_assert_eq(migrate("latest"), 2);
}

Test(migrations, validate_is_silent_when_all_is_well) {
    make_inline();
    migrate("latest");
    mtdb_result *problems = NULL;
    ok(mtdb_migrator_validate(migrator, "acme", -1, PLENTY_MS, NULL, &problems, &err));
    cr_assert_eq(rows_left(problems), 0);
    finish(problems);
}

Test(migrations, a_failing_script_names_its_place_and_leaves_nothing_of_itself) {
    make_migrator(NULL);
    add("1", "CREATE TABLE person(id)", NULL);
    add("2", "CREATE TABLE pet(id);\nINSERT INTO missing VALUES (1)", NULL);
    add("3", "CREATE TABLE never(id)", NULL);
    int64_t applied = -1;
    fails(MTDB_MIGRATION_FAILED,
          mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, &applied, &err));
    cr_assert_eq(applied, 1);
    cr_assert_eq(mtdb_error_statement(err), 2);
    cr_assert_eq(mtdb_error_line(err), 2);
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_COMMITTED, "the first script is");
    cr_assert_gt(strlen(error_text(MTDB_ERROR_SCRIPT)), 0);
    cr_assert_str_eq(error_text(MTDB_ERROR_TENANT), "acme");
    cr_assert_eq(tables("person"), 1);
    cr_assert_eq(tables("pet"), 0);
    cr_assert_eq(tables("never"), 0);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM flyway_schema_history"), 1);
}

Test(migrations, a_failing_first_script_is_rolled_back) {
    make_migrator(NULL);
    add("1", "CREATE TABLE pet(id);\nINSERT INTO missing VALUES (1)", NULL);
    fails(MTDB_MIGRATION_FAILED,
          mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_ROLLED_BACK);
    cr_assert_eq(tables("pet"), 0);
}

Test(migrations, tables_without_a_history_are_not_migrated_by_guess) {
    make_inline();
    run_in("acme", "CREATE TABLE pet(mine)");
    drop_error();
    cr_assert_lt(mtdb_migrator_migrate(migrator, "acme", -1, "latest", -1, PLENTY_MS, NULL, NULL, &err), 0);
    cr_assert_eq(tables("person"), 0);
    cr_assert_eq(tables("flyway_schema_history"), 0);
}

Test(migrations, a_missing_folder_is_not_found) {
    mtdb_options *options = OPTIONS("migrate.source", path_of("missing"));
    migrator = GARBAGE;
    fails(MTDB_NOT_FOUND, mtdb_migrator_new(db, options, &migrator, &err));
    cr_assert_null(migrator);
    mtdb_options_release(options);
}

Test(migrations, two_files_of_one_version_are_refused) {
    write_golang();
    write_file("go/0001_again.up.sql", "SELECT 1;\n");
    mtdb_options *options = OPTIONS("migrate.source", path_of("go"));
    fails(MTDB_INVALID_ARGUMENT, mtdb_migrator_new(db, options, &migrator, &err));
    mtdb_options_release(options);
}

Test(migrations, auto_migrates_at_the_first_lease) {
    make_migrator(OPTIONS("migrate.mode", "auto"));
    add("1", "CREATE TABLE person(id)", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    cr_assert_eq(tables("person"), 1);
}

Test(migrations, auto_by_the_options_of_the_db_needs_no_migrator) {
    write_golang();
    reopen(NULL, OPTIONS("migrate.source", path_of("go"), "migrate.mode", "auto"));
    cr_assert_eq(tables("pet"), 1);
}

struct caller {
    pthread_t thread;
    mtdb_status status;
};

static void *call(void *argument) {
    struct caller *caller = argument;
    static const char sql[] = "INSERT INTO person DEFAULT VALUES";
    caller->status = mtdb_db_exec(db, "acme", -1, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, NULL);
    return NULL;
}

Test(migrations, twenty_first_leases_at_once_migrate_exactly_once) {
    make_migrator(OPTIONS("migrate.mode", "auto"));
    add("1", "CREATE TABLE person(id INTEGER PRIMARY KEY)", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    struct caller callers[20];
    for (int i = 0; i < 20; ++i) pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    for (int i = 0; i < 20; ++i) {
        pthread_join(callers[i].thread, NULL);
        cr_assert_eq(callers[i].status, MTDB_OK, "%s", mtdb_status_name(callers[i].status));
    }
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM person"), 20);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM flyway_schema_history"), 1);
}

Test(migrations, a_failing_script_fails_the_leases_with_its_error_and_without_a_hang) {
    make_migrator(OPTIONS("migrate.mode", "auto", "migrate.backoff_ms", "200"));
    add("1", "CREATE TABLE person(id);\nnonsense", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    for (int i = 0; i < 3; ++i) {
        mtdb_conn *conn = GARBAGE;
        const int64_t start = now_ms();
        fails(MTDB_MIGRATION_FAILED, mtdb_db_acquire(db, "acme", -1, NULL, 5000, NULL, &conn, &err));
        cr_assert_null(conn);
        cr_assert_lt(now_ms() - start, 4000);
        cr_assert_eq(mtdb_error_line(err), 2);
    }
}

static const char slow_script[] =
    "CREATE TABLE person(id); INSERT INTO person WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 6000000) SELECT max(i) FROM n";

Test(migrations, an_automatic_one_may_have_more_time_than_its_lease) {
    make_migrator(OPTIONS("migrate.mode", "auto", "migrate.timeout_ms", "60000"));
    add("1", slow_script, NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    mtdb_conn *conn = NULL;
    ok(mtdb_db_acquire(db, "acme", -1, NULL, 300, NULL, &conn, &err));
    give_back(conn);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM person"), 1);
}

Test(migrations, an_automatic_one_may_have_less_time_than_its_lease) {
    make_migrator(OPTIONS("migrate.mode", "auto", "migrate.timeout_ms", "50"));
    add("1", slow_script, NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    mtdb_conn *conn = NULL;
    const int64_t start = now_ms();
    const mtdb_status status = mtdb_db_acquire(db, "acme", -1, NULL, MTDB_FOREVER, NULL, &conn, NULL);
    cr_assert_eq(status, MTDB_TIMEOUT, "%s after %" PRId64 " ms", mtdb_status_name(status), now_ms() - start);
}

Test(migrations, a_failed_one_is_retried_after_the_back_off) {
    make_migrator(OPTIONS("migrate.mode", "auto", "migrate.backoff_ms", "50"));
    add("1", "CREATE TABLE person(id)", NULL);
    add("2", "INSERT INTO later VALUES (1)", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    mtdb_conn *conn = NULL;
    fails(MTDB_MIGRATION_FAILED, mtdb_db_acquire(db, "acme", -1, NULL, 5000, NULL, &conn, &err));
    run_elsewhere("acme.db", "CREATE TABLE later(v)");
    sleep_ms(100);
    ok(mtdb_db_acquire(db, "acme", -1, NULL, 5000, NULL, &conn, &err));
    give_back(conn);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM later"), 1);
}

Test(migrations, check_refuses_an_outdated_tenant_and_lets_a_migrated_one_through) {
    make_migrator(OPTIONS("migrate.mode", "check"));
    add("1", "CREATE TABLE person(id)", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    mtdb_conn *conn = GARBAGE;
    fails(MTDB_TENANT_OUTDATED, mtdb_db_acquire(db, "acme", -1, NULL, 1000, NULL, &conn, &err));
    cr_assert_null(conn);
    cr_assert_eq(migrate("latest"), 1);
    give_back(lease("acme"));
}

Test(migrations, check_refuses_a_tenant_newer_than_the_scripts_unless_told) {
    write_golang();
    make_folder("go");
    migrate("latest");
    remove(path_of("go/2_pet.up.sql"));
    remove(path_of("go/2_pet.down.sql"));
    mtdb_migrator_release(migrator);
    migrator = NULL;
    reopen(NULL, OPTIONS("migrate.source", path_of("go"), "migrate.mode", "check"));
    mtdb_conn *conn = GARBAGE;
    fails(MTDB_TENANT_NEWER, mtdb_db_acquire(db, "acme", -1, NULL, 1000, NULL, &conn, &err));
    reopen(NULL, OPTIONS("migrate.source", path_of("go"), "migrate.mode", "check", "migrate.newer", "true"));
    give_back(lease("acme"));
}

Test(migrations, manual_does_nothing_at_the_first_lease) {
    make_migrator(OPTIONS("migrate.mode", "manual"));
    add("1", "CREATE TABLE person(id)", NULL);
    ok(mtdb_migrator_enable(migrator, &err));
    cr_assert_eq(tables("person"), 0);
}

Test(migrations, a_db_has_one_enabled_migrator) {
    make_inline();
    ok(mtdb_migrator_enable(migrator, &err));
    mtdb_migrator *second = NULL;
    ok(mtdb_migrator_new(db, NULL, &second, &err));
    fails(MTDB_INVALID_STATE, mtdb_migrator_enable(second, &err));
    mtdb_migrator_release(second);
}

Test(migrations, an_unknown_tenant_is_not_made) {
    make_inline();
    fails(MTDB_TENANT_UNKNOWN,
          mtdb_migrator_migrate(migrator, "ghost", -1, "latest", -1, PLENTY_MS, NULL, NULL, &err));
    cr_assert_not(has_tenant("ghost"));
}

// Runs a verb over a list (NULL: all) and counts the rows by their status.
static void run_all(const char *verb, const char *list, int64_t *good, int64_t *bad) {
    mtdb_options *options = OPTIONS("run.workers", "4");
    mtdb_result *rows = NULL;
    const int64_t list_len = list != NULL ? -1 : 0;
    ok(mtdb_migrator_run(migrator, verb, -1, "latest", -1, list, list_len, options, PLENTY_MS, NULL, &rows, &err));
    *good = *bad = 0;
    while (mtdb_result_next(rows, NULL) == MTDB_OK) ++*(mtdb_value_int64(rows, 1) == MTDB_OK ? good : bad);
    finish(rows);
    mtdb_options_release(options);
}

Test(migrations, a_run_covers_all_tenants) {
    int64_t good = 0, bad = 0;
    for (int i = 0; i < 30; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%d", i);
        create_tenant(id);
    }
    make_inline();
    run_all("migrate", NULL, &good, &bad);
    cr_assert_eq(good, 31);
    cr_assert_eq(bad, 0);
    cr_assert_eq(int_in("t17", "SELECT count(*) FROM pet"), 1);
}

Test(migrations, a_run_goes_on_after_a_failure_and_keeps_the_order_of_the_list) {
    create_tenant("beta");
    make_inline();
    migrate("1");
    run_in("acme", "CREATE TABLE pet(mine)");
    mtdb_result *rows = NULL;
    static const char list[] = "ghost\nacme\nbeta";
    ok(mtdb_migrator_run(migrator, "migrate", -1, "latest", -1, list, -1, NULL, PLENTY_MS, NULL, &rows, &err));
    static const struct {
        const char *tenant;
        mtdb_status status;
    } expected[] = {{"ghost", MTDB_TENANT_UNKNOWN}, {"acme", MTDB_MIGRATION_FAILED}, {"beta", MTDB_OK}};
    for (size_t i = 0; i < 3; ++i) {
        ok(mtdb_result_next(rows, &err));
        cr_assert_str_eq(text_at(rows, 0), expected[i].tenant);
        cr_assert_eq(mtdb_value_int64(rows, 1), expected[i].status, "%s: %s", expected[i].tenant, text_at(rows, 5));
    }
    cr_assert_eq(rows_left(rows), 0);
    finish(rows);
}

Test(migrations, a_run_repairs_what_validate_found) {
    int64_t good = 0, bad = 0;
    create_tenant("beta");
    make_inline();
    run_all("migrate", NULL, &good, &bad);
    run_in("beta", "UPDATE flyway_schema_history SET checksum = 7 WHERE version = '1'");
    run_all("validate", NULL, &good, &bad);
    cr_assert_eq(bad, 1);
    run_all("repair", NULL, &good, &bad);
    cr_assert_eq(bad, 0);
    run_all("validate", NULL, &good, &bad);
    cr_assert_eq(bad, 0);
}

Test(migrations, an_unknown_verb_is_an_invalid_argument) {
    make_inline();
    mtdb_result *rows = GARBAGE;
    fails(MTDB_INVALID_ARGUMENT,
          mtdb_migrator_run(migrator, "destroy", -1, "", -1, NULL, 0, NULL, PLENTY_MS, NULL, &rows, &err));
    cr_assert_null(rows);
}

Test(migrations, keep_their_db_alive) {
    make_inline();
    mtdb_db_release(db);
    db = NULL;
    cr_assert_eq(migrate("latest"), 2);
}
