// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(tenants, .init = open_db, .fini = close_db, .timeout = 60);

#define TEXT(literal) {literal, (int64_t)sizeof(literal) - 1}

static const struct {
    const char *id;
    int64_t len;
} hostile[] = {
    TEXT(""), TEXT("."), TEXT(".."), TEXT("../acme"), TEXT("/etc/passwd"), TEXT("a/b"), TEXT("a\\b"), TEXT("a.b"),
    TEXT("-a"), TEXT("a b"), TEXT(" a"), TEXT("a\n"), TEXT("a\0b"), TEXT("\0"), TEXT("a;b"), TEXT("a'b"), TEXT("a\"b"),
    TEXT("a%2fb"), TEXT("caf\xc3\xa9"), TEXT("\xff\xfe"), TEXT("a\x7f"), TEXT("a:b"), TEXT("~"), TEXT("file:a"),
    TEXT("sqlite::memory:"), TEXT("{id}"), TEXT("a123456789b123456789c123456789d123456789e123456789f123456789g123"),
};

Test(tenants, a_hostile_id_is_refused_before_any_file_is_touched) {
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; ++i) {
        mtdb_conn *conn = GARBAGE;
        fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_check(db, hostile[i].id, hostile[i].len, &err));
        fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_create(db, hostile[i].id, hostile[i].len, 100, NULL, &err));
        fails(MTDB_INVALID_ARGUMENT, mtdb_db_acquire(db, hostile[i].id, hostile[i].len, NULL, 100, NULL, &conn, &err));
        cr_assert_null(conn);
    }
    mtdb_result *list = NULL;
    ok(mtdb_tenant_list(db, PLENTY_MS, NULL, &list, &err));
    cr_assert_eq(rows_left(list), 0);
    finish(list);
}

Test(tenants, an_id_of_63_bytes_works_and_is_never_cut) {
    static const char longest[] = "a123456789b123456789c123456789d123456789e123456789f123456789g12";
    create_tenant(longest);
    cr_assert(has_tenant(longest));
    char shorter[64];
    snprintf(shorter, sizeof shorter, "%.*s", 62, longest);
    cr_assert_not(has_tenant(shorter));
}

Test(tenants, a_reserved_name_is_refused) {
    static const char *const reserved[] = {"con", "NUL", "aux", "com1", "LPT9"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; ++i)
        fails(MTDB_INVALID_ARGUMENT, mtdb_tenant_check(db, reserved[i], -1, &err));
}

Test(tenants, ids_are_compared_byte_for_byte) {
    create_tenant("acme");
    cr_assert_not(has_tenant("ACME"));
    cr_assert_not(has_tenant("acm"));
    cr_assert_not(has_tenant("acme1"));
}

Test(tenants, creating_is_an_explicit_act) {
    mtdb_conn *conn = GARBAGE;
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_acquire(db, "acme", -1, NULL, 100, NULL, &conn, &err));
    cr_assert_not(file_exists("acme.db"));
    create_tenant("acme");
    cr_assert(file_exists("acme.db"));
    give_back(lease("acme"));
}

Test(tenants, on_first_use_creates_at_the_first_lease) {
    reopen(NULL, OPTIONS("tenant.create", "on_first_use"));
    give_back(lease("acme"));
    cr_assert(file_exists("acme.db"));
}

Test(tenants, one_that_exists_is_not_made_twice) {
    create_tenant("acme");
    run_in("acme", "CREATE TABLE t(v)");
    fails(MTDB_EXISTS, mtdb_tenant_create(db, "acme", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 0);
}

struct racer {
    pthread_t thread;
    mtdb_status status;
};

static void *create_raced(void *argument) {
    struct racer *racer = argument;
    racer->status = mtdb_tenant_create(db, "raced", -1, PLENTY_MS, NULL, NULL);
    return NULL;
}

Test(tenants, of_many_creators_one_wins_and_the_others_hear_exists) {
    struct racer racers[8];
    int made = 0, existed = 0;
    for (int i = 0; i < 8; ++i) pthread_create(&racers[i].thread, NULL, create_raced, &racers[i]);
    for (int i = 0; i < 8; ++i) {
        pthread_join(racers[i].thread, NULL);
        made += racers[i].status == MTDB_OK;
        existed += racers[i].status == MTDB_EXISTS;
    }
    cr_assert_eq(made, 1);
    cr_assert_eq(existed, 7);
}

Test(tenants, a_symlink_below_the_root_is_not_followed) {
    create_tenant("acme");
    cr_assert_eq(symlink("acme.db", path_of("alias.db")), 0);
    mtdb_conn *conn = GARBAGE;
    drop_error();
    cr_assert_lt(mtdb_db_acquire(db, "alias", -1, NULL, 100, NULL, &conn, &err), 0);
    cr_assert_null(conn);
}

Test(tenants, a_file_with_a_second_hard_link_is_refused) {
    create_tenant("acme");
    cr_assert_eq(link(path_of("acme.db"), path_of("twin.db")), 0);
    mtdb_conn *conn = GARBAGE;
    drop_error();
    cr_assert_lt(mtdb_db_acquire(db, "twin", -1, NULL, 100, NULL, &conn, &err), 0);
    cr_assert_null(conn);
}

Test(tenants, the_list_has_each_once) {
    char seen[300] = {0};
    for (int i = 0; i < 300; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%03d", i);
        create_tenant(id);
    }
    write_file("notes.txt", "not a tenant");
    mtdb_result *list = NULL;
    ok(mtdb_tenant_list(db, PLENTY_MS, NULL, &list, &err));
    while (mtdb_result_next(list, NULL) == MTDB_OK) {
        const int number = atoi(text_at(list, 0) + 1);
        cr_assert(number >= 0 && number < 300 && text_at(list, 0)[0] == 't', "%s", text_at(list, 0));
        ++seen[number];
    }
    finish(list);
    for (int i = 0; i < 300; ++i) cr_assert_eq(seen[i], 1, "t%03d is listed %d times", i, seen[i]);
}

Test(tenants, a_path_template_spreads_the_files_and_the_list_finds_them) {
    reopen(NULL, OPTIONS("tenant.path", "{hash:2}/{id}.db"));
    create_tenant("acme");
    run_in("acme", "CREATE TABLE t(v)");
    cr_assert_not(file_exists("acme.db"));
    mtdb_result *list = NULL;
    ok(mtdb_tenant_list(db, PLENTY_MS, NULL, &list, &err));
    ok(mtdb_result_next(list, &err));
    cr_assert_str_eq(text_at(list, 0), "acme");
    finish(list);
}

Test(tenants, a_map_names_each_file) {
    reopen(NULL, OPTIONS("tenant.routes", "map", "tenant.map.acme", "first.db"));
    create_tenant("acme");
    cr_assert(file_exists("first.db"));
    fails(MTDB_TENANT_UNKNOWN, mtdb_db_ping(db, "beta", -1, 100, NULL, &err));
}

Test(tenants, drop_refuses_while_leased) {
    mtdb_conn *conn = lease_with_table("acme");
    fails(MTDB_BUSY, mtdb_tenant_drop(db, "acme", -1, 50, NULL, &err));
    cr_assert_eq(int_of(conn, "SELECT count(*) FROM t"), 0);
    give_back(conn);
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
}

Test(tenants, drop_leaves_no_file_behind) {
    give_back(lease_with_table("acme"));
    run_in("acme", "INSERT INTO t VALUES (1)");
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    cr_assert_not(has_tenant("acme"));
    cr_assert_not(file_exists("acme.db"));
    cr_assert_not(file_exists("acme.db-wal"));
    cr_assert_not(file_exists("acme.db-shm"));
    fails(MTDB_TENANT_UNKNOWN, mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
}

Test(tenants, one_made_again_after_a_drop_is_empty) {
    give_back(lease_with_table("acme"));
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    create_tenant("acme");
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM sqlite_master"), 0);
}

static atomic_bool stop;

// Pairs of rows in one transaction: a snapshot has an even number of them.
static void *write_pairs(void *argument) {
    mtdb_conn *conn = argument;
    while (!atomic_load(&stop)) {
        if (mtdb_tx_begin(conn, NULL, PLENTY_MS, NULL, NULL) != MTDB_OK) continue;
        mtdb_conn_exec(conn, "INSERT INTO t VALUES (1)", -1, NULL, 0, PLENTY_MS, NULL, NULL, NULL);
        mtdb_conn_exec(conn, "INSERT INTO t VALUES (2)", -1, NULL, 0, PLENTY_MS, NULL, NULL, NULL);
        mtdb_tx_commit(conn, PLENTY_MS, NULL, NULL);
    }
    return NULL;
}

Test(tenants, a_copy_of_one_that_is_written_is_a_consistent_snapshot) {
    mtdb_conn *conn = lease_with_table("acme");
    pthread_t writer;
    pthread_create(&writer, NULL, write_pairs, conn);
    for (int i = 0; i < 5; ++i) {
        char copy[16];
        snprintf(copy, sizeof copy, "copy%d", i);
        sleep_ms(20);
        ok(mtdb_tenant_copy(db, "acme", -1, copy, -1, PLENTY_MS, NULL, &err));
        cr_assert_eq(int_in(copy, "SELECT count(*) % 2 FROM t"), 0);
        cr_assert_eq(int_in(copy, "SELECT count(*) FROM t WHERE v = 1") * 2, int_in(copy, "SELECT count(*) FROM t"));
    }
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    give_back(conn);
}

Test(tenants, a_copy_is_apart_from_its_source) {
    give_back(lease_with_table("acme"));
    ok(mtdb_tenant_copy(db, "acme", -1, "beta", -1, PLENTY_MS, NULL, &err));
    run_in("beta", "INSERT INTO t VALUES (1)");
    cr_assert_eq(int_in("acme", "SELECT count(*) FROM t"), 0);
}

Test(tenants, a_copy_never_overwrites) {
    create_tenant("acme");
    create_tenant("beta");
    fails(MTDB_EXISTS, mtdb_tenant_copy(db, "acme", -1, "beta", -1, PLENTY_MS, NULL, &err));
    fails(MTDB_TENANT_UNKNOWN, mtdb_tenant_copy(db, "ghost", -1, "gamma", -1, PLENTY_MS, NULL, &err));
    cr_assert_not(has_tenant("gamma"));
}

Test(tenants, shared_data_is_readable_by_name_and_read_only) {
    create_tenant("plans");
    run_in("plans", "CREATE TABLE price(v)");
    run_in("plans", "INSERT INTO price VALUES (42)");
    reopen(NULL, OPTIONS("tenant.shared", "plans"));
    create_tenant("acme");
    cr_assert_eq(int_in("acme", "SELECT v FROM plans.price"), 42);
    drop_error();
    static const char sql[] = "UPDATE plans.price SET v = 1";
    cr_assert_lt(mtdb_db_exec(db, "acme", -1, sql, -1, NULL, 0, PLENTY_MS, NULL, NULL, &err), 0);
    cr_assert_eq(int_in("acme", "SELECT v FROM plans.price"), 42);
}

Test(tenants, a_statement_cannot_leave_its_tenant) {
    static const char *const forbidden[] = {
        "ATTACH 'beta.db' AS other", "ATTACH ':memory:' AS other", "DETACH main", "VACUUM INTO '/tmp/stolen.db'",
        "SELECT load_extension('x')", "PRAGMA journal_mode=off", "PRAGMA locking_mode=exclusive",
        "PRAGMA writable_schema=on", "PRAGMA query_only=off", "PRAGMA trusted_schema=on",
    };
    create_tenant("beta");
    mtdb_conn *conn = lease_with_table("acme");
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; ++i) {
        drop_error();
        const mtdb_status status = mtdb_conn_exec(conn, forbidden[i], -1, NULL, 0, PLENTY_MS, NULL, NULL, &err);
        cr_assert(status == MTDB_PERMISSION || (i == 4 && status == MTDB_SQL_ERROR), "%s: %s", forbidden[i],
                  mtdb_status_name(status));
    }
    run(conn, "VACUUM");
    cr_assert_eq(int_of(conn, "PRAGMA foreign_keys"), 1);
    give_back(conn);
}
