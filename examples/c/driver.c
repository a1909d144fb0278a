// SPDX-License-Identifier: MIT
// A migration engine of one's own on golang-migrate's driver contract: by url, and on a lease that stays the program's.
#include "example.h"

static const char *const scripts[] = {
    "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE pet(id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person(id))",
};
enum { newest = sizeof scripts / sizeof *scripts };

// What an engine does with every driver: lock, look, and for each step mark it dirty, run it, mark it clean.
static int64_t migrate(mtdb_driver *driver) {
    int64_t version = 0, steps = 0;
    int32_t dirty = 0;
    check(mtdb_driver_lock(driver, 5000, NULL, &err));
    check(mtdb_driver_version(driver, MTDB_DEFAULT, NULL, &version, &dirty, &err));
    expect(!dirty);  // else a person has to look: a step began and did not end
    for (int64_t next = version < 1 ? 1 : version + 1; next <= newest; ++next, ++steps) {
        check(mtdb_driver_set_version(driver, next, 1, MTDB_DEFAULT, NULL, &err));
        check(mtdb_driver_run(driver, scripts[next - 1], -1, MTDB_DEFAULT, NULL, &err));
        check(mtdb_driver_set_version(driver, next, 0, MTDB_DEFAULT, NULL, &err));
    }
    check(mtdb_driver_unlock(driver, &err));
    return steps;
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_driver *driver = NULL;
    char url[512];

    // The url of golang-migrate's own command line; postgres:// and mysql:// work the same.
    snprintf(url, sizeof url, "sqlite3://%s/acme.db?x-migrations-table=schema_migrations", example_folder());
    check(mtdb_driver_open(url, -1, NULL, MTDB_DEFAULT, NULL, &driver, &err));
    expect(migrate(driver) == 2);
    expect(migrate(driver) == 0);

    // A failing text says where it is wrong, and leaves nothing behind.
    const char *const wrong = "CREATE TABLE a(id);\nCREATE TABLEE b(id)";
    const mtdb_status failed = mtdb_driver_run(driver, wrong, -1, MTDB_DEFAULT, NULL, &err);
    expect(failed == MTDB_MIGRATION_FAILED && mtdb_error_line(err) == 2);
    printf("%s\n", mtdb_error_message(err));
    mtdb_error_release(err);
    check(mtdb_driver_close(driver, &err));
    mtdb_driver_release(driver);

    // The same file is a tenant of this db: a lease of it makes a driver, too.
    mtdb_conn *lease = NULL;
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &lease, &err));
    check(mtdb_driver_from_conn(lease, NULL, MTDB_DEFAULT, NULL, &driver, &err));
    expect(migrate(driver) == 0);
    check(mtdb_driver_close(driver, &err));
    mtdb_driver_release(driver);
    check(mtdb_conn_exec(lease, "INSERT INTO person(name) VALUES('Ada')", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    check(mtdb_conn_close(lease, &err));
    mtdb_conn_release(lease);
    return example_close(db);
}
