// SPDX-License-Identifier: MIT
#include "mtdb_callback.h"

#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static mtdb_driver *driver;

static void begin(void) {
    open_db();
    create_tenant("acme");
}

static void end(void) {
    mtdb_driver_release(driver);
    close_db();
}

TestSuite(driver, .init = begin, .fini = end, .timeout = 60);

static void open_driver(const char *url) {
    ok(mtdb_driver_open(url, -1, NULL, PLENTY_MS, NULL, &driver, &err));
}

static const char *file_url(void) {
    static char url[128];
    snprintf(url, sizeof url, "sqlite3://%s/own.db", root);
    return url;
}

static void version_is(int64_t wanted, int32_t wanted_dirty) {
    int64_t version = 99;
    int32_t dirty = 99;
    ok(mtdb_driver_version(driver, PLENTY_MS, NULL, &version, &dirty, &err));
    cr_assert_eq(version, wanted, "version %" PRId64 ", not %" PRId64, version, wanted);
    cr_assert_eq(dirty, wanted_dirty);
}

static void set_version(int64_t version, int32_t dirty) {
    ok(mtdb_driver_set_version(driver, version, dirty, PLENTY_MS, NULL, &err));
    version_is(version, dirty);
}

// golang-migrate's acceptance order, v4.
static void pass_acceptance(const char *text) {
    version_is(-1, 0);
    ok(mtdb_driver_lock(driver, PLENTY_MS, NULL, &err));
    fails(MTDB_MIGRATION_LOCKED, mtdb_driver_lock(driver, PLENTY_MS, NULL, &err));
    ok(mtdb_driver_unlock(driver, &err));
    ok(mtdb_driver_lock(driver, PLENTY_MS, NULL, &err));
    ok(mtdb_driver_unlock(driver, &err));
    ok(mtdb_driver_run(driver, text, -1, PLENTY_MS, NULL, &err));
    set_version(1, 1);
    set_version(1, 1);
    set_version(2, 0);
    set_version(2, 0);
    set_version(-1, 1);
    set_version(-1, 0);
    ok(mtdb_driver_drop(driver, PLENTY_MS, NULL, &err));
}

Test(driver, a_url_without_a_known_scheme_is_refused) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_open("", 0, NULL, PLENTY_MS, NULL, &driver, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_open("acme.db", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    message_has("no scheme");
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_open("://acme.db", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    fails(MTDB_UNSUPPORTED, mtdb_driver_open("oracle://secret@host/db", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    message_has("no driver 'oracle'");
    message_has("pgx5");
    cr_assert_null(strstr(mtdb_error_message(err), "secret"));
    cr_assert_null(driver);
}

Test(driver, options_of_another_scope_are_refused) {
    mtdb_options *of_run = OPTIONS("run.workers", "2");
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_open(file_url(), -1, of_run, PLENTY_MS, NULL, &driver, &err));
    message_has("of scope db,driver");
    mtdb_options_release(of_run);
    mtdb_options *of_db = OPTIONS("acquire_timeout_ms", "5");
    mtdb_conn *conn = lease("acme");
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_from_conn(conn, of_db, PLENTY_MS, NULL, &driver, &err));
    mtdb_options_release(of_db);
    give_back(conn);
}

Test(driver, echo_keeps_a_version_without_a_table) {
    open_driver("echo:");
    pass_acceptance("echo 1");
    fails(MTDB_MIGRATION_FAILED, mtdb_driver_run(driver, "no such command", -1, PLENTY_MS, NULL, &err));
}

Test(driver, a_url_and_a_lease_reach_the_same_version) {
    char url[128];
    snprintf(url, sizeof url, "mtdb+sqlite://%s/acme.db", root);
    open_driver(url);
    set_version(3, 1);
    mtdb_driver_release(driver);
    mtdb_conn *conn = lease("acme");
    ok(mtdb_driver_from_conn(conn, NULL, PLENTY_MS, NULL, &driver, &err));
    version_is(3, 1);
    ok(mtdb_driver_close(driver, &err));
    cr_assert_eq(int_of(conn, "SELECT version FROM schema_migrations"), 3);
    give_back(conn);
}

Test(driver, an_open_transaction_of_the_lease_is_not_touched) {
    mtdb_conn *conn = lease("acme");
    ok(mtdb_driver_from_conn(conn, NULL, PLENTY_MS, NULL, &driver, &err));
    run(conn, "BEGIN");
    run(conn, "CREATE TABLE mine(id)");
    fails(MTDB_INVALID_STATE, mtdb_driver_run(driver, "CREATE TABLE other(id)", -1, PLENTY_MS, NULL, &err));
    fails(MTDB_INVALID_STATE, mtdb_driver_set_version(driver, 1, 0, PLENTY_MS, NULL, &err));
    run(conn, "COMMIT");
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM mine"), 0);
    version_is(-1, 0);
    give_back(conn);
    fails(MTDB_CLOSED, mtdb_driver_run(driver, "SELECT 1", -1, PLENTY_MS, NULL, &err));
}

Test(driver, a_read_only_lease_reads_the_version_and_runs_nothing) {
    open_driver(file_url());
    mtdb_driver_release(driver);
    driver = NULL;
    mtdb_conn *conn = NULL;
    mtdb_options *options = OPTIONS("lease.read_only", "true");
    ok(mtdb_db_acquire(db, "own", -1, options, PLENTY_MS, NULL, &conn, &err));
    mtdb_options_release(options);
    ok(mtdb_driver_from_conn(conn, NULL, PLENTY_MS, NULL, &driver, &err));
    version_is(-1, 0);
    fails(MTDB_READ_ONLY, mtdb_driver_run(driver, "CREATE TABLE a(id)", -1, PLENTY_MS, NULL, &err));
    fails(MTDB_READ_ONLY, mtdb_driver_set_version(driver, 1, 0, PLENTY_MS, NULL, &err));
    give_back(conn);
}

Test(driver, statements_of_a_lease_see_what_a_text_changed) {
    mtdb_conn *conn = lease_with_table("beta");
    ok(mtdb_driver_from_conn(conn, NULL, PLENTY_MS, NULL, &driver, &err));
    run(conn, "INSERT INTO t(v) VALUES(1)");
    ok(mtdb_driver_run(driver, "ALTER TABLE t ADD COLUMN w DEFAULT 5", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT w FROM t"), 5);
    give_back(conn);
}

Test(driver, after_close_everything_but_close_is_closed) {
    open_driver(file_url());
    ok(mtdb_driver_lock(driver, 0, NULL, &err));
    ok(mtdb_driver_close(driver, &err));
    ok(mtdb_driver_close(driver, &err));
    int64_t version = 0;
    int32_t dirty = 0;
    fails(MTDB_CLOSED, mtdb_driver_lock(driver, 0, NULL, &err));
    fails(MTDB_CLOSED, mtdb_driver_unlock(driver, &err));
    fails(MTDB_CLOSED, mtdb_driver_run(driver, "SELECT 1", -1, PLENTY_MS, NULL, &err));
    fails(MTDB_CLOSED, mtdb_driver_set_version(driver, 1, 0, PLENTY_MS, NULL, &err));
    fails(MTDB_CLOSED, mtdb_driver_version(driver, PLENTY_MS, NULL, &version, &dirty, &err));
    fails(MTDB_CLOSED, mtdb_driver_drop(driver, PLENTY_MS, NULL, &err));
}

Test(driver, a_child_of_a_fork_is_refused) {
    open_driver(file_url());
    ok(mtdb_driver_lock(driver, 0, NULL, &err));
    const pid_t child = fork();
    if (child == 0) {
        const bool refused = mtdb_driver_unlock(driver, NULL) == MTDB_FORKED &&
                             mtdb_driver_close(driver, NULL) == MTDB_FORKED;
        mtdb_driver_release(driver);
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    mtdb_driver *second = NULL;
    ok(mtdb_driver_open(file_url(), -1, NULL, PLENTY_MS, NULL, &second, &err));
    fails(MTDB_MIGRATION_LOCKED, mtdb_driver_lock(second, 0, NULL, &err));
    ok(mtdb_driver_unlock(driver, &err));
    ok(mtdb_driver_lock(second, 0, NULL, &err));
    mtdb_driver_release(second);
}

// ---- a driver of the program's own ------------------------------------------------------------------

// A version in memory. What it was asked to do, and by which thread.
static struct state {
    int64_t version;
    int32_t dirty;
    bool locked, alien;
    pthread_t owner;
    int opened, closed;
    char url[64];
    pthread_barrier_t inside;
    bool waits;
} state;

static void note_thread(void) { state.alien = state.alien || !pthread_equal(pthread_self(), state.owner); }

static mtdb_status fail(mtdb_status status, const char *why, char *problem, int64_t problem_cap) {
    snprintf(problem, (size_t)problem_cap, "%s", why);
    return status;
}

static mtdb_status my_open(void *user, const char *url, int64_t url_len, int64_t timeout_ms, void **made, char *problem,
                           int64_t problem_cap) {
    (void)timeout_ms;
    note_thread();
    snprintf(state.url, sizeof state.url, "%.*s", (int)url_len, url);
    if (strstr(state.url, "bad") != NULL) return fail(MTDB_AUTH, "who are you", problem, problem_cap);
    if (strstr(state.url, "mute") != NULL) return MTDB_IO;
    if (strstr(state.url, "odd") != NULL) return -9999;
    ++state.opened;
    *made = user;
    return MTDB_OK;
}
static void my_close(void *self) { ++((struct state *)self)->closed; }
static mtdb_status my_lock(void *self, int64_t timeout_ms, char *problem, int64_t problem_cap) {
    struct state *const mine = self;
    note_thread();
    if (timeout_ms == 0) return fail(MTDB_MIGRATION_LOCKED, "somebody has it", problem, problem_cap);
    mine->locked = true;
    return MTDB_OK;
}
static mtdb_status my_unlock(void *self, char *problem, int64_t problem_cap) {
    (void)problem, (void)problem_cap;
    ((struct state *)self)->locked = false;
    return MTDB_OK;
}
static mtdb_status my_run(void *self, const char *text, int64_t text_len, int64_t timeout_ms, int64_t *line,
                          int64_t *column, char *problem, int64_t problem_cap) {
    (void)timeout_ms;
    struct state *const mine = self;
    note_thread();
    if (mine->waits) {
        pthread_barrier_wait(&mine->inside);
        pthread_barrier_wait(&mine->inside);
    }
    if (text_len != 5 || memcmp(text, "wrong", 5) != 0) return MTDB_OK;
    *line = mine->dirty ? -3 : 3;
    *column = mine->dirty ? INT64_MIN : 7;
    return fail(MTDB_SQL_ERROR, "no such word", problem, problem_cap);
}
static mtdb_status my_set(void *self, int64_t version, int32_t dirty, int64_t timeout_ms, char *problem,
                          int64_t problem_cap) {
    (void)timeout_ms, (void)problem, (void)problem_cap;
    ((struct state *)self)->version = version;
    ((struct state *)self)->dirty = dirty;
    return MTDB_OK;
}
static mtdb_status my_get(void *self, int64_t timeout_ms, int64_t *version, int32_t *dirty, char *problem,
                          int64_t problem_cap) {
    (void)timeout_ms, (void)problem, (void)problem_cap;
    *version = ((struct state *)self)->version == 13 ? -13 : ((struct state *)self)->version;
    *dirty = ((struct state *)self)->dirty;
    return MTDB_OK;
}
static mtdb_status my_drop(void *self, int64_t timeout_ms, char *problem, int64_t problem_cap) {
    return my_set(self, -1, 0, timeout_ms, problem, problem_cap);
}

static mtdb_driver_functions mine(void) {
    return (mtdb_driver_functions){.size = sizeof(mtdb_driver_functions),
                                   .version = MTDB_DRIVER_FUNCTIONS_VERSION,
                                   .open = my_open,
                                   .close = my_close,
                                   .lock = my_lock,
                                   .unlock = my_unlock,
                                   .run = my_run,
                                   .set_version = my_set,
                                   .get_version = my_get,
                                   .drop = my_drop};
}

static void register_mine(void) {
    const mtdb_driver_functions functions = mine();
    state.version = -1;
    state.owner = pthread_self();
    ok(mtdb_driver_register("mine", -1, &functions, &state, &err));
}

Test(driver, a_registered_driver_passes_the_acceptance_order_on_the_callers_thread) {
    register_mine();
    open_driver("mtdb+mine://somewhere?x=1");
    cr_assert_str_eq(state.url, "mine://somewhere?x=1");
    pass_acceptance("SELECT 1");
    cr_assert_not(state.alien);
    ok(mtdb_driver_lock(driver, PLENTY_MS, NULL, &err));
    ok(mtdb_driver_close(driver, &err));
    cr_assert_not(state.locked);
    cr_assert_eq(state.closed, 1);
    mtdb_driver_release(driver);
    open_driver("mine:");
    mtdb_driver_release(driver);
    driver = NULL;
    cr_assert_eq(state.opened, 2);
    cr_assert_eq(state.closed, 2);
}

Test(driver, a_registered_drivers_failures_arrive_with_its_words) {
    register_mine();
    fails(MTDB_AUTH, mtdb_driver_open("mine:bad", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    message_has("who are you");
    fails(MTDB_IO, mtdb_driver_open("mine:mute", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    message_has("the driver 'mine' failed to open");
    fails(MTDB_INTERNAL, mtdb_driver_open("mine:odd", -1, NULL, PLENTY_MS, NULL, &driver, &err));
    open_driver("mine:");
    fails(MTDB_MIGRATION_LOCKED, mtdb_driver_lock(driver, 0, NULL, &err));
    message_has("somebody has it");
    fails(MTDB_INVALID_STATE, mtdb_driver_unlock(driver, &err));
    fails(MTDB_MIGRATION_FAILED, mtdb_driver_run(driver, "wrong", -1, PLENTY_MS, NULL, &err));
    cr_assert_str_eq(mtdb_error_message(err), "migration failed: no such word (column 7) in line 3");
    cr_assert_eq(mtdb_error_line(err), 3);
    cr_assert_eq(mtdb_error_column(err), 7);
}

Test(driver, a_registered_drivers_nonsense_does_not_arrive) {
    int64_t version = 99;
    int32_t dirty = 99;
    register_mine();
    open_driver("mine:");
    ok(mtdb_driver_set_version(driver, 13, 1, PLENTY_MS, NULL, &err));
    fails(MTDB_INTERNAL, mtdb_driver_version(driver, PLENTY_MS, NULL, &version, &dirty, &err));
    message_has("'mine' gave version -13");
    fails(MTDB_MIGRATION_FAILED, mtdb_driver_run(driver, "wrong", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(mtdb_error_line(err), 0);
    cr_assert_eq(mtdb_error_column(err), 0);
}

static void *run_slowly(void *unused) {
    (void)unused;
    mtdb_driver_run(driver, "SELECT 1", -1, PLENTY_MS, NULL, NULL);
    return NULL;
}

Test(driver, a_second_thread_inside_is_misuse) {
    register_mine();
    open_driver("mine:");
    state.waits = true;
    pthread_barrier_init(&state.inside, NULL, 2);
    pthread_t other;
    cr_assert_eq(pthread_create(&other, NULL, run_slowly, NULL), 0);
    pthread_barrier_wait(&state.inside);
    fails(MTDB_MISUSE, mtdb_driver_lock(driver, 0, NULL, &err));
    fails(MTDB_MISUSE, mtdb_driver_close(driver, &err));
    pthread_barrier_wait(&state.inside);
    pthread_join(other, NULL);
    state.waits = false;
    ok(mtdb_driver_lock(driver, PLENTY_MS, NULL, &err));
}

Test(driver, a_scheme_is_registered_once_and_wholly) {
    mtdb_driver_functions functions = mine();
    const char *const taken[] = {"sqlite3", "postgres", "pgx5", "mysql", "echo"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; ++i)
        fails(MTDB_EXISTS, mtdb_driver_register(taken[i], -1, &functions, NULL, &err));
    const char *const odd[] = {"", "Mine", "1st", "a b", "mtdb+x"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i)
        fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register(odd[i], -1, &functions, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register(NULL, -1, &functions, NULL, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register("mine", -1, NULL, NULL, &err));
    functions.run = NULL;
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register("mine", -1, &functions, NULL, &err));
    functions = mine();
    functions.version = 2;
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register("mine", -1, &functions, NULL, &err));
    functions = mine();
    functions.size -= (int32_t)sizeof(void *);
    fails(MTDB_INVALID_ARGUMENT, mtdb_driver_register("mine", -1, &functions, NULL, &err));
    register_mine();
    functions = mine();
    fails(MTDB_EXISTS, mtdb_driver_register("mine", -1, &functions, NULL, &err));
}
