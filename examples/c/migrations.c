// SPDX-License-Identifier: MIT
// Scripts, a plan that touches nothing, one tenant, then all of them; and a step back.
#include "example.h"

static void add(mtdb_migrator *migrator, const char *version, const char *what, const char *up, const char *down) {
    check(mtdb_migrator_add(migrator, version, -1, what, -1, up, -1, down, -1, &err));
}

static void print_plan(mtdb_migrator *migrator, const char *tenant) {
    mtdb_result *steps = NULL;
    check(mtdb_migrator_plan(migrator, tenant, -1, "latest", -1, MTDB_DEFAULT, NULL, &steps, &err));
    while (check(mtdb_result_next(steps, &err)) == MTDB_OK)
        printf("%s would get %s, %s\n", tenant, mtdb_value_text(steps, 0, NULL), mtdb_value_text(steps, 1, NULL));
    mtdb_result_release(steps);
}

// Every script and every row of the history, with its state.
static void print_info(mtdb_migrator *migrator, const char *tenant) {
    mtdb_result *entries = NULL;
    check(mtdb_migrator_info(migrator, tenant, -1, "", -1, MTDB_DEFAULT, NULL, &entries, &err));
    while (check(mtdb_result_next(entries, &err)) == MTDB_OK)
        printf("%s: %s is %s\n", tenant, mtdb_value_text(entries, 1, NULL), mtdb_value_text(entries, 5, NULL));
    mtdb_result_release(entries);
}

static int64_t migrate_all(mtdb_migrator *migrator) {
    mtdb_result *outcomes = NULL;
    int64_t applied = 0;
    check(mtdb_migrator_run(migrator, "migrate", -1, "latest", -1, NULL, 0, NULL, MTDB_DEFAULT, NULL, &outcomes, &err));
    while (check(mtdb_result_next(outcomes, &err)) == MTDB_OK) {
        expect(mtdb_value_int64(outcomes, 1) == MTDB_OK);
        applied += mtdb_value_int64(outcomes, 2);
    }
    mtdb_result_release(outcomes);
    return applied;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_migrator *migrator = NULL;
    int64_t applied = 0, undone = 0;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_tenant_create(db, "beta", -1, MTDB_DEFAULT, NULL, &err));

    // Inline here; a folder in Flyway or golang-migrate layout comes by option `migrate.source`.
    check(mtdb_migrator_new(db, NULL, &migrator, &err));
    add(migrator, "1", "people", "CREATE TABLE person(id INTEGER PRIMARY KEY)", "DROP TABLE person");
    add(migrator, "2", "pets", "CREATE TABLE pet(id INTEGER PRIMARY KEY)", "DROP TABLE pet");

    print_plan(migrator, "acme");
    check(mtdb_migrator_migrate(migrator, "acme", -1, "1", -1, MTDB_DEFAULT, NULL, &applied, &err));
    expect(applied == 1);
    print_plan(migrator, "acme");

    expect(migrate_all(migrator) == 3);  // one more for acme, two for beta
    expect(migrate_all(migrator) == 0);

    check(mtdb_migrator_undo(migrator, "beta", -1, "1", -1, MTDB_DEFAULT, NULL, &undone, &err));
    expect(undone == 1);
    print_info(migrator, "beta");

    // Nothing is wrong with this history: repair would change nothing.
    mtdb_result *repairs = NULL;
    check(mtdb_migrator_repair(migrator, "beta", -1, 0, MTDB_DEFAULT, NULL, &repairs, &err));
    expect(check(mtdb_result_next(repairs, &err)) == MTDB_DONE);
    mtdb_result_release(repairs);
    mtdb_migrator_release(migrator);
    return example_close(db);
}
