// SPDX-License-Identifier: MIT
// Runs over many tenants where the host says where they live.
#include <pthread.h>

#include "fixture.h"

static mtdb_migrator *migrator;
static mtdb_fleet *fleet;

static void open_routed(const char *ttl_ms) {
    reopen(NULL, OPTIONS("tenant.routes", "resolver", "tenant.create", "on_first_use", "route.ttl_ms", ttl_ms));
}

static void make_migrator(void) {
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "notes", -1, "CREATE TABLE note(id INTEGER PRIMARY KEY)", -1,
                         "DROP TABLE note", -1, &err));
    ok(mtdb_migrator_add(migrator, "2", -1, "first", -1, "INSERT INTO note VALUES(1)", -1, "DELETE FROM note", -1,
                         &err));
}

static void drop_handles(void) {
    mtdb_fleet_release(fleet);
    fleet = NULL;
    mtdb_migrator_release(migrator);
    migrator = NULL;
}

static void begin(void) {
    open_db();
    open_routed("60000");
    make_migrator();
}

static void end(void) {
    drop_handles();
    close_db();
}

TestSuite(fleet_routes, .init = begin, .fini = end, .timeout = 60);

// With answers that are believed for that long.
static void begin_anew(const char *ttl_ms) {
    drop_handles();
    open_routed(ttl_ms);
    make_migrator();
}

static mtdb_fleet *fleet_of(mtdb_options *owned, int count) {
    mtdb_fleet *made = NULL;
    ok(mtdb_fleet_new(db, migrator, owned, &made, &err));
    mtdb_options_release(owned);
    for (int i = 0; i < count; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%04d", i);
        ok(mtdb_fleet_add(made, id, -1, &err));
    }
    return made;
}

// Takes an open request; 0: there is none.
static int64_t take(char tenant[static 65]) {
    int64_t id = 0, needed = 0;
    int32_t kind = 0;
    if (mtdb_db_request(db, 0, NULL, &id, &kind, tenant, 64, &needed, NULL) != MTDB_OK) return 0;
    tenant[needed] = '\0';
    return id;
}

static void answer(int64_t id, const char *tenant) {
    char path[80];
    snprintf(path, sizeof path, "far/%s.db", tenant);
    ok(mtdb_db_answer(db, id, path, -1, &err));
}

// Answers what is open, but refuses one tenant; how many requests there were.
static int answer_all_but(const char *refused) {
    int count = 0;
    char tenant[65];
    for (int64_t id; (id = take(tenant)) != 0; ++count)
        if (refused != NULL && strcmp(tenant, refused) == 0)
            ok(mtdb_db_refuse(db, id, "no contract", -1, &err));
        else
            answer(id, tenant);
    return count;
}

static int answer_all(void) { return answer_all_but(NULL); }

static mtdb_status step(void) {
    drop_error();
    return mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err);
}

enum { TENANT, WAVE, STATE, STATUS, ATTEMPTS, APPLIED };

static int64_t in_state(const char *state) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    int64_t count = 0;
    while (mtdb_result_next(rows, &err) == MTDB_OK) count += strcmp(text_at(rows, STATE), state) == 0;
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

// Each was migrated, once.
static void all_are_done(int count) {
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    for (int i = 0; i < count; ++i) {
        ok(mtdb_result_next(rows, &err));
        cr_assert_str_eq(text_at(rows, STATE), "done", "%s", text_at(rows, 10));
        cr_assert_eq(mtdb_value_int64(rows, STATUS), 0);
        cr_assert_eq(mtdb_value_int64(rows, ATTEMPTS), 1);
        cr_assert_eq(mtdb_value_int64(rows, APPLIED), 2);
    }
    returns(MTDB_DONE, mtdb_result_next(rows, &err));
    finish(rows);
}

// ---- the migrator's runs ------------------------------------------------------------------------

static mtdb_status run_over(const char *verb, const char *target, const char *tenants, mtdb_result **rows) {
    drop_error();
    return mtdb_migrator_run(migrator, verb, -1, target, -1, tenants, -1, NULL, PLENTY_MS, NULL, rows, &err);
}

Test(fleet_routes, a_migrators_run_asks_for_all_routes_before_it_does_anything) {
    mtdb_result *rows = GARBAGE;
    returns(MTDB_NEEDS, run_over("migrate", "", "a\nb\nc", &rows));
    cr_assert_null(rows);
    char tenant[65];
    answer(take(tenant), tenant);
    returns(MTDB_NEEDS, run_over("migrate", "", "a\nb\nc", &rows));
    cr_assert_not(file_exists("far/a.db"), "its route is known, but the list is not complete");
    cr_assert_eq(answer_all_but("b"), 2);
    returns(MTDB_OK, run_over("migrate", "", "a\nb\nc", &rows));
    static const int64_t statuses[] = {0, MTDB_TENANT_UNKNOWN, 0};
    for (int i = 0; i < 3; ++i) {
        ok(mtdb_result_next(rows, &err));
        cr_assert_eq(mtdb_value_int64(rows, 1), statuses[i], "%s", text_at(rows, 5));
        cr_assert_eq(mtdb_value_int64(rows, 2), statuses[i] == 0 ? 2 : 0);
        cr_assert_eq(strstr(text_at(rows, 5), "no contract") != NULL, statuses[i] != 0);
    }
    finish(rows);
}

Test(fleet_routes, a_migrators_run_keeps_to_its_routes_however_short_answers_live) {
    begin_anew("1");
    char list[1024] = "";
    for (int i = 0; i < 40; ++i) snprintf(list + strlen(list), sizeof list - strlen(list), "t%02d\n", i);
    mtdb_result *rows = NULL;
    static const char *const verbs[][2] = {{"migrate", ""}, {"validate", ""}, {"undo", "next"}, {"status", ""}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; ++i) {
        returns(MTDB_NEEDS, run_over(verbs[i][0], verbs[i][1], list, &rows));
        cr_assert_eq(answer_all(), 40);
        returns(MTDB_OK, run_over(verbs[i][0], verbs[i][1], list, &rows));
        for (int at = 0; at < 40; ++at) {
            ok(mtdb_result_next(rows, &err));
            cr_assert_eq(mtdb_value_int64(rows, 1), 0, "%s", text_at(rows, 5));
            cr_assert_str_eq(text_at(rows, 3), i < 2 ? "2" : "1");
        }
        finish(rows);
    }
}

Test(fleet_routes, an_id_that_is_none_fails_in_its_row_and_is_not_asked_for) {
    mtdb_result *rows = NULL;
    returns(MTDB_NEEDS, run_over("migrate", "", "a\n../b", &rows));
    cr_assert_eq(answer_all(), 1);
    returns(MTDB_OK, run_over("migrate", "", "a\n../b", &rows));
    ok(mtdb_result_next(rows, &err));
    cr_assert_eq(mtdb_value_int64(rows, 1), 0);
    ok(mtdb_result_next(rows, &err));
    cr_assert_eq(mtdb_value_int64(rows, 1), MTDB_INVALID_ARGUMENT);
    finish(rows);
}

static void *answer_soon(void *argument) {
    int64_t *ids = argument;
    sleep_ms(100);
    for (int i = 0; i < 3; ++i) {
        char path[32];
        snprintf(path, sizeof path, "far/%d.db", i);
        mtdb_db_answer(db, ids[i], path, -1, NULL);
    }
    return NULL;
}

Test(fleet_routes, a_migrators_run_waits_for_requests_that_were_taken) {
    mtdb_result *rows = NULL;
    returns(MTDB_NEEDS, run_over("migrate", "", "a\nb\nc", &rows));
    char tenant[65];
    int64_t ids[3];
    for (int i = 0; i < 3; ++i) ids[i] = take(tenant);
    pthread_t host;
    pthread_create(&host, NULL, answer_soon, ids);
    returns(MTDB_OK, run_over("migrate", "", "a\nb\nc", &rows));
    cr_assert_eq(rows_left(rows), 3);
    finish(rows);
    pthread_join(host, NULL);
}

Test(fleet_routes, a_cancel_ends_the_wait_for_requests_that_were_taken) {
    mtdb_result *rows = NULL;
    returns(MTDB_NEEDS, run_over("migrate", "", "a", &rows));
    char tenant[65];
    const int64_t id = take(tenant);
    mtdb_cancel *cancel = NULL;
    ok(mtdb_cancel_new(&cancel, &err));
    trigger *other = trigger_after(cancel, 50);
    fails(MTDB_CANCELLED, mtdb_migrator_run(migrator, "migrate", -1, "", 0, "a", -1, NULL, PLENTY_MS, cancel, &rows,
                                            &err));
    trigger_join(other);
    fleet = fleet_of(NULL, 0);
    ok(mtdb_fleet_add(fleet, "a", -1, &err));
    ok(mtdb_cancel_reset(cancel, NULL, &err));
    other = trigger_after(cancel, 50);
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, PLENTY_MS, cancel, NULL, &err));
    trigger_join(other);
    answer(id, tenant);
    cr_assert_eq(step(), MTDB_OK, "%s", mtdb_error_message(err));
    mtdb_cancel_release(cancel);
}

// ---- fleets -------------------------------------------------------------------------------------

Test(fleet_routes, tenants_that_are_known_go_on_while_the_host_is_asked_for_the_others) {
    cr_assert_eq(mtdb_db_ping(db, "t0001", -1, PLENTY_MS, NULL, NULL), MTDB_NEEDS);
    cr_assert_eq(answer_all(), 1);
    fleet = fleet_of(OPTIONS("fleet.on_failure", "continue"), 4);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_str_eq(phase(), "running");
    cr_assert_eq(in_state("done"), 1);
    cr_assert_eq(int_in("t0001", "SELECT count(*) FROM note"), 1);
    cr_assert_eq(answer_all_but("t0002"), 3);
    int64_t failed = -1;
    ok(mtdb_fleet_run(fleet, PLENTY_MS, NULL, &failed, &err));
    cr_assert_eq(failed, 1);
    cr_assert_eq(in_state("done"), 3);
    mtdb_result *rows = NULL;
    ok(mtdb_fleet_results(fleet, &rows, &err));
    for (int i = 0; i < 3; ++i) ok(mtdb_result_next(rows, &err));
    cr_assert_eq(mtdb_value_int64(rows, STATUS), MTDB_TENANT_UNKNOWN);
    cr_assert_not_null(strstr(text_at(rows, 10), "no contract"));
    finish(rows);
}

Test(fleet_routes, a_refused_tenant_counts_in_the_budget_of_failures) {
    fleet = fleet_of(OPTIONS("fleet.waves", "1"), 3);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(answer_all_but("t0000"), 1, "a wave asks for its own tenants");
    fails(MTDB_TENANT_UNKNOWN, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    message_has("halted");
    cr_assert_str_eq(error_text(MTDB_ERROR_TENANT), "t0000");
    cr_assert_eq(in_state("pending"), 2);
}

Test(fleet_routes, a_run_that_nobody_answers_says_so_again_and_changes_nothing) {
    fleet = fleet_of(NULL, 3);
    for (int i = 0; i < 3; ++i) cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(in_state("pending"), 3);
    cr_assert_eq(answer_all(), 3, "asked for once");
    cr_assert_eq(step(), MTDB_OK);
    all_are_done(3);
}

Test(fleet_routes, every_tenant_is_done_once_however_short_answers_live) {
    begin_anew("1");
    fleet = fleet_of(OPTIONS("fleet.workers", "3"), 60);
    mtdb_status status;
    int rounds = 0;
    while ((status = step()) == MTDB_NEEDS && ++rounds < 60) answer_all();
    cr_assert_eq(status, MTDB_OK, "%s", mtdb_error_message(err));
    all_are_done(60);
    drop_handles();
    make_migrator();
    fleet = fleet_of(OPTIONS("fleet.verb", "undo", "fleet.target", "empty"), 60);
    while ((status = step()) == MTDB_NEEDS && ++rounds < 120) answer_all();
    cr_assert_eq(status, MTDB_OK, "%s", mtdb_error_message(err));
    all_are_done(60);
}

Test(fleet_routes, not_all_of_a_long_list_is_asked_for_at_once) {
    fleet = fleet_of(OPTIONS("fleet.on_failure", "continue", "fleet.ledger", "off"), 2500);
    mtdb_status status;
    int64_t asked = 0;
    char tenant[65];
    while ((status = step()) == MTDB_NEEDS) {
        int count = 0;
        for (int64_t id; (id = take(tenant)) != 0; ++count) ok(mtdb_db_refuse(db, id, "closed", -1, &err));
        cr_assert_leq(count, 1000);
        asked += count;
    }
    cr_assert_eq(status, MTDB_OK);
    cr_assert_eq(asked, 2500);
    cr_assert_eq(in_state("failed"), 2500);
}

Test(fleet_routes, two_runs_share_their_requests) {
    mtdb_fleet *other = fleet_of(OPTIONS("fleet.run", "other"), 3);
    fleet = fleet_of(OPTIONS("fleet.run", "one"), 3);
    cr_assert_eq(step(), MTDB_NEEDS);
    returns(MTDB_NEEDS, mtdb_fleet_run(other, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(answer_all(), 3);
    cr_assert_eq(step(), MTDB_OK);
    all_are_done(3);
    ok(mtdb_fleet_run(other, PLENTY_MS, NULL, NULL, &err));
    mtdb_fleet_release(other);
}

Test(fleet_routes, a_run_waits_for_requests_that_another_took) {
    fleet = fleet_of(NULL, 3);
    cr_assert_eq(step(), MTDB_NEEDS);
    char tenant[65];
    int64_t ids[3];
    for (int i = 0; i < 3; ++i) ids[i] = take(tenant);
    fails(MTDB_TIMEOUT, mtdb_fleet_run(fleet, 50, NULL, NULL, &err));
    pthread_t host;
    pthread_create(&host, NULL, answer_soon, ids);
    cr_assert_eq(step(), MTDB_OK, "%s", mtdb_error_message(err));
    pthread_join(host, NULL);
    all_are_done(3);
}

Test(fleet_routes, requests_and_verdicts_are_told_apart) {
    fleet = fleet_of(OPTIONS("fleet.waves", "1", "fleet.verdict", "true"), 2);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_str_eq(phase(), "running");
    fails(MTDB_INVALID_STATE, mtdb_fleet_decide(fleet, 1, &err));
    cr_assert_eq(answer_all(), 1);
    for (int i = 0; i < 2; ++i) {  // and again, to a host that first answers others' requests
        cr_assert_eq(step(), MTDB_NEEDS);
        cr_assert_str_eq(phase(), "verdict");
        cr_assert_eq(answer_all(), 0);
    }
    ok(mtdb_fleet_decide(fleet, 1, &err));
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(answer_all(), 1);
    cr_assert_eq(step(), MTDB_OK);
    all_are_done(2);
}

Test(fleet_routes, a_run_that_was_left_in_the_middle_is_taken_up) {
    fleet = fleet_of(OPTIONS("fleet.run", "autumn", "fleet.waves", "2"), 4);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(answer_all(), 2);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(in_state("done"), 2);
    begin_anew("60000");
    fleet = fleet_of(OPTIONS("fleet.run", "autumn", "fleet.resume", "rest"), 0);
    cr_assert_eq(step(), MTDB_NEEDS);
    cr_assert_eq(answer_all(), 2, "those that were done are not asked for");
    cr_assert_eq(step(), MTDB_OK);
    all_are_done(4);
}

Test(fleet_routes, a_stop_ends_a_run_that_waits_for_answers) {
    fleet = fleet_of(NULL, 2);
    cr_assert_eq(step(), MTDB_NEEDS);
    ok(mtdb_fleet_stop(fleet, &err));
    fails(MTDB_CANCELLED, mtdb_fleet_run(fleet, PLENTY_MS, NULL, NULL, &err));
    cr_assert_str_eq(phase(), "stopped");
}

Test(fleet_routes, tenants_that_have_nothing_to_do_cost_no_lease) {
    drop_handles();
    reopen(NULL, OPTIONS("tenant.routes", "resolver", "tenant.create", "on_first_use", "sqlite.journal", "delete"));
    for (int turn = 0; turn < 2; ++turn) {
        drop_handles();
        make_migrator();
        mtdb_result *stats = NULL;
        ok(mtdb_db_stats(db, &stats, &err));
        const int64_t before = stat_of(stats, "leases.acquired");
        fleet = fleet_of(NULL, 5);
        cr_assert_eq(step(), turn == 0 ? MTDB_NEEDS : MTDB_OK);
        answer_all();
        if (turn == 0) cr_assert_eq(step(), MTDB_OK);
        cr_assert_eq(in_state("done"), 5);
        ok(mtdb_db_stats(db, &stats, &err));
        cr_assert_eq(stat_of(stats, "leases.acquired") - before, turn == 0 ? 5 : 0);
    }
}

// ---- rows ---------------------------------------------------------------------------------------

static mtdb_status next_row(mtdb_result *rows) {
    drop_error();
    return mtdb_result_next(rows, &err);
}

Test(fleet_routes, a_query_asks_before_its_first_row_and_between_waves) {
    fleet = fleet_of(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT 7 AS v", "fleet.waves", "2"), 4);
    mtdb_result *rows = GARBAGE;
    for (int i = 0; i < 2; ++i) {
        returns(MTDB_NEEDS, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
        cr_assert_null(rows);
    }
    cr_assert_eq(answer_all(), 2);
    ok(mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    for (int i = 0; i < 2; ++i) {
        cr_assert_eq(next_row(rows), MTDB_OK, "%s", mtdb_error_message(err));
        cr_assert_eq(mtdb_value_int64(rows, 1), 7);
    }
    cr_assert_eq(next_row(rows), MTDB_NEEDS);
    cr_assert_eq(next_row(rows), MTDB_NEEDS);
    cr_assert_null(err);
    cr_assert_eq(answer_all(), 2);
    for (int i = 0; i < 2; ++i) cr_assert_eq(next_row(rows), MTDB_OK, "%s", mtdb_error_message(err));
    cr_assert_eq(next_row(rows), MTDB_DONE);
    finish(rows);
    cr_assert_eq(in_state("done"), 4);
    cr_assert_str_eq(phase(), "done");
}

Test(fleet_routes, blocks_of_a_query_stop_for_the_host_too) {
    fleet = fleet_of(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT 7 AS v", "fleet.waves", "2"), 4);
    mtdb_result *rows = NULL;
    returns(MTDB_NEEDS, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    cr_assert_eq(answer_all(), 2);
    ok(mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    static int64_t block[4096];
    int64_t count = 0, used = 0, read = 0;
    mtdb_status status;
    int asked = 0;
    for (;;) {
        drop_error();
        status = mtdb_result_fetch(rows, block, (int64_t)sizeof block, 0, &count, &used, &err);
        read += count;
        if (status == MTDB_NEEDS)
            asked += answer_all();
        else if (status != MTDB_OK)
            break;
    }
    cr_assert_eq(status, MTDB_DONE, "%s", mtdb_error_message(err));
    cr_assert_eq(read, 4);
    cr_assert_eq(asked, 2);
    finish(rows);
}

Test(fleet_routes, a_reader_that_gives_up_while_the_host_is_asked_stops_the_run) {
    fleet = fleet_of(OPTIONS("fleet.verb", "sql", "fleet.sql", "SELECT 7 AS v", "fleet.waves", "1"), 2);
    mtdb_result *rows = NULL;
    returns(MTDB_NEEDS, mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    answer_all();
    ok(mtdb_fleet_query(fleet, PLENTY_MS, NULL, &rows, &err));
    cr_assert_eq(next_row(rows), MTDB_OK);
    cr_assert_eq(next_row(rows), MTDB_NEEDS);
    finish(rows);
    cr_assert_str_eq(phase(), "stopped");
    cr_assert_eq(in_state("pending"), 1);
}
