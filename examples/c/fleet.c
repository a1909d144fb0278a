// SPDX-License-Identifier: MIT
// A fleet run: a canary, waves with a verdict of ours between them, and a failure that is mended and tried again.
#include "example.h"

static mtdb_options *options(const char *const pairs[][2], int count) {
    mtdb_options *made = NULL;
    check(mtdb_options_new(&made, &err));
    for (int i = 0; i < count; ++i) check(mtdb_options_set_str(made, pairs[i][0], -1, pairs[i][1], -1, &err));
    return made;
}

static mtdb_fleet *fleet_of(mtdb_db *db, mtdb_migrator *migrator, const char *const pairs[][2], int count) {
    mtdb_options *settings = options(pairs, count);
    mtdb_fleet *fleet = NULL;
    check(mtdb_fleet_new(db, migrator, settings, &fleet, &err));
    mtdb_options_release(settings);
    return fleet;
}

// Prints where the run stands, and says yes.
static void look(mtdb_fleet *fleet) {
    mtdb_result *row = NULL;
    check(mtdb_fleet_progress(fleet, &row, &err));
    expect(check(mtdb_result_next(row, &err)) == MTDB_OK);
    printf("wave %lld of %lld: %lld done, %lld left\n", (long long)mtdb_value_int64(row, 2),
           (long long)mtdb_value_int64(row, 3), (long long)mtdb_value_int64(row, 5),
           (long long)mtdb_value_int64(row, 7));
    mtdb_result_release(row);
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_migrator *migrator = NULL;
    int64_t failed = 0;
    for (int i = 0; i < 12; ++i) {
        char id[16];
        snprintf(id, sizeof id, "shop%02d", i);
        check(mtdb_tenant_create(db, id, -1, MTDB_DEFAULT, NULL, &err));
    }
    check(mtdb_migrator_new(db, NULL, &migrator, &err));
    check(mtdb_migrator_add(migrator, "1", -1, "orders", -1, "CREATE TABLE orders(id INTEGER PRIMARY KEY)", -1,
                            NULL, 0, &err));

    // Somebody made a table by hand: its migration will fail there.
    check(mtdb_db_exec(db, "shop07", -1, "CREATE TABLE orders(by_hand INTEGER)", -1, NULL, 0, MTDB_DEFAULT, NULL,
                       NULL, &err));

    const char *const waves[][2] = {{"fleet.run", "orders"},
                                    {"fleet.canary", "1"},
                                    {"fleet.waves", "50%"},
                                    {"fleet.on_failure", "continue"},
                                    {"fleet.verdict", "true"}};
    mtdb_fleet *fleet = fleet_of(db, migrator, waves, 5);
    while (check(mtdb_fleet_run(fleet, MTDB_DEFAULT, NULL, &failed, &err)) == MTDB_NEEDS) {
        look(fleet);
        check(mtdb_fleet_decide(fleet, 1, &err));
    }
    printf("%lld failed\n", (long long)failed);
    expect(failed == 1);
    mtdb_fleet_release(fleet);

    check(mtdb_db_exec(db, "shop07", -1, "DROP TABLE orders", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err));
    const char *const again[][2] = {{"fleet.run", "orders"}, {"fleet.resume", "failed"}};
    fleet = fleet_of(db, migrator, again, 2);
    expect(check(mtdb_fleet_run(fleet, MTDB_DEFAULT, NULL, &failed, &err)) == MTDB_OK);
    expect(failed == 0);
    look(fleet);
    mtdb_fleet_release(fleet);
    mtdb_migrator_release(migrator);
    return example_close(db);
}
