// SPDX-License-Identifier: MIT
// A tenant that somebody else drops or replaces while this db has it open, and routes that meet where they must not.
#include "fixture.h"

static mtdb_db *other;  // as another process: it knows nothing of this db's leases
static mtdb_conn *conn;

static void begin(void) {
    open_db();
    conn = lease_with_table("acme");
    mtdb_options *options = OPTIONS("threads", "none");
    ok(mtdb_db_open(root, -1, options, &other, &err));
    mtdb_options_release(options);
}

static void end(void) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    mtdb_db_close(other, 0, NULL, NULL, NULL);
    mtdb_db_release(other);
    close_db();
}

TestSuite(replaced, .init = begin, .fini = end, .timeout = 60);

static void replace(void) {
    ok(mtdb_tenant_drop(other, "acme", -1, PLENTY_MS, NULL, &err));
    ok(mtdb_tenant_create(other, "acme", -1, PLENTY_MS, NULL, &err));
}

Test(replaced, a_write_is_refused_and_the_next_lease_sees_the_new_file) {
    replace();
    fails(MTDB_UNAVAILABLE, mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    ok(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    conn = lease("acme");
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM sqlite_schema"), 0);
}

Test(replaced, a_commit_is_refused_and_says_rolled_back) {
    ok(mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    run(conn, "INSERT INTO t VALUES (1)");
    replace();
    fails(MTDB_UNAVAILABLE, mtdb_tx_commit(conn, PLENTY_MS, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_ROLLED_BACK);
}

Test(replaced, a_transaction_does_not_begin) {
    replace();
    fails(MTDB_UNAVAILABLE, mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, &err));
    cr_assert_eq(mtdb_error_effect(err), MTDB_EFFECT_NONE);
    int32_t state = -1;
    ok(mtdb_tx_state(conn, &state, &err));
    cr_assert_eq(state, 0);  // none
    mtdb_options *options = OPTIONS("tx.read_only", "true");
    fails(MTDB_UNAVAILABLE, mtdb_tx_begin(conn, options, PLENTY_MS, NULL, &err));
    mtdb_options_release(options);
}

Test(replaced, a_new_lease_reads_the_new_file_once_maintenance_has_looked_around) {
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    reopen(NULL, OPTIONS("pool.sweep_ms", "50"));
    conn = lease("acme");
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM sqlite_schema"), 1);  // leaves a second one idle
    give_back(conn);
    replace();
    sleep_ms(500);
    conn = lease("acme");
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM sqlite_schema"), 0);
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM sqlite_schema"), 0);
}

Test(replaced, a_migration_and_a_ping_go_to_the_file_that_is_there_now) {
    mtdb_migrator *migrator = NULL;
    int64_t applied = -1;
    ok(mtdb_conn_close(conn, &err));
    replace();
    ok(mtdb_migrator_new(db, NULL, &migrator, &err));
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1, "CREATE TABLE u(x)", -1, NULL, 0, &err));
    ok(mtdb_migrator_migrate(migrator, "acme", -1, "", 0, PLENTY_MS, NULL, &applied, &err));
    cr_assert_eq(applied, 1);
    mtdb_migrator_release(migrator);
    ok(mtdb_db_ping(db, "acme", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM u"), 0);
}

Test(replaced, no_tenant_is_routed_onto_the_shared_tables) {
    mtdb_db* mapped = NULL;
    mtdb_options* options =
        OPTIONS("tenant.routes", "map", "tenant.map.thief", "acme.db", "tenant.shared", "acme");
    ok(mtdb_db_open(root, -1, options, &mapped, &err));
    mtdb_options_release(options);
    fails(MTDB_PERMISSION, mtdb_db_exec(mapped, "thief", -1, "DELETE FROM t", -1, NULL, 0,
                                        PLENTY_MS, NULL, NULL, &err));
    fails(MTDB_PERMISSION, mtdb_tenant_drop(mapped, "thief", -1, PLENTY_MS, NULL, &err));
    mtdb_db_close(mapped, 0, NULL, NULL, NULL);
    mtdb_db_release(mapped);
    cr_assert(has_tenant("acme"));
}

Test(replaced, an_automatic_migration_leaves_its_session_to_nobody) {
    mtdb_migrator *migrator = NULL;
    mtdb_options *options = OPTIONS("migrate.mode", "auto");
    ok(mtdb_migrator_new(db, options, &migrator, &err));
    mtdb_options_release(options);
    ok(mtdb_migrator_add(migrator, "1", -1, "one", -1,
                         "CREATE TABLE users(x); INSERT INTO users VALUES (1); CREATE TEMP TABLE users(y)", -1, NULL, 0,
                         &err));
    ok(mtdb_migrator_enable(migrator, &err));
    create_tenant("fresh");
    cr_assert_eq(int_in("fresh", "SELECT count(*) FROM users"), 1);
    mtdb_migrator_release(migrator);
}
