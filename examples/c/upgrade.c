// SPDX-License-Identifier: MIT
// Brings all tenants of a db up to date, as a deployment does: upgrade URL SCRIPTS LEDGER. Without these it first makes
// a few tenants and scripts of its own.
#include "example.h"

#include <stdlib.h>

static mtdb_options *option(const char *key, const char *value) {
    mtdb_options *made = NULL;
    check(mtdb_options_new(&made, &err));
    check(mtdb_options_set_str(made, key, -1, value, -1, &err));
    return made;
}

static int upgrade(mtdb_db *db, const char *scripts) {
    mtdb_options *settings = option("migrate.source", scripts);
    mtdb_options *options = option("fleet.on_failure", "continue");
    mtdb_migrator *migrator = NULL;
    mtdb_fleet *fleet = NULL;
    mtdb_result *row = NULL;
    int64_t failed = 0;
    check(mtdb_migrator_new(db, settings, &migrator, &err));
    check(mtdb_fleet_new(db, migrator, options, &fleet, &err));
    check(mtdb_fleet_run(fleet, MTDB_FOREVER, NULL, &failed, &err));
    check(mtdb_fleet_progress(fleet, &row, &err));
    expect(check(mtdb_result_next(row, &err)) == MTDB_OK);
    printf("%lld tenants: %lld up to date, %lld failed\n", (long long)mtdb_value_int64(row, 4),
           (long long)mtdb_value_int64(row, 5), (long long)failed);
    mtdb_result_release(row);
    mtdb_fleet_release(fleet);
    mtdb_migrator_release(migrator);
    mtdb_options_release(options);
    mtdb_options_release(settings);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void write_script(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", example_folder(), name);
    FILE *file = fopen(path, "w");
    expect(file != NULL);
    fputs(text, file);
    expect(fclose(file) == 0);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        mtdb_db *db = example_open(argc, argv, NULL);
        write_script("V1__orders.sql", "CREATE TABLE orders(id INTEGER PRIMARY KEY);\n");
        write_script("V2__dates.sql", "ALTER TABLE orders ADD COLUMN day TEXT;\n");
        check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
        check(mtdb_tenant_create(db, "zenith", -1, MTDB_DEFAULT, NULL, &err));
        expect(upgrade(db, example_folder()) == EXIT_SUCCESS);
        return example_close(db);
    }
    mtdb_options *options = option("control", argv[3]);
    mtdb_db *db = NULL;
    check(mtdb_db_open(argv[1], -1, options, &db, &err));
    const int status = upgrade(db, argv[2]);
    check(mtdb_db_close(db, MTDB_DEFAULT, NULL, NULL, &err));
    mtdb_db_release(db);
    mtdb_options_release(options);
    return status;
}
