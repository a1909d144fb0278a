// SPDX-License-Identifier: MIT
// The program itself says where a tenant lives. The library never calls back: a call that needs a route answers NEEDS,
// the program answers the open requests and calls again.
#include "example.h"

// The program's own directory of tenants.
static const char *home_of(const char *tenant) {
    if (strcmp(tenant, "acme") == 0) return "gold/acme.db";
    if (strcmp(tenant, "beta") == 0) return "free/beta.db";
    if (strcmp(tenant, "gamma") == 0) return "free/gamma.db";
    return NULL;
}

static int answer_requests(mtdb_db *db) {
    int count = 0;
    int64_t id = 0, len = 0;
    int32_t kind = 0;
    char tenant[65];
    while (check(mtdb_db_request(db, 0, NULL, &id, &kind, tenant, sizeof tenant - 1, &len, &err)) == MTDB_OK) {
        expect(kind == MTDB_REQUEST_ROUTE);
        tenant[len] = '\0';
        const char *home = home_of(tenant);
        printf("%s lives in %s\n", tenant, home != NULL ? home : "no place of ours");
        if (home != NULL)
            check(mtdb_db_answer(db, id, home, -1, &err));
        else
            check(mtdb_db_refuse(db, id, "not a customer", -1, &err));
        ++count;
    }
    return count;
}

static mtdb_status exec(mtdb_db *db, const char *tenant, const char *sql) {
    mtdb_status status;
    while ((status = mtdb_db_exec(db, tenant, -1, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err)) == MTDB_NEEDS)
        answer_requests(db);
    return status;
}

// A run over many tenants asks in the same way, for many at a time.
static int64_t migrate_all(mtdb_db *db, const char *const *tenants, int count) {
    mtdb_migrator *migrator = NULL;
    check(mtdb_migrator_new(db, NULL, &migrator, &err));
    check(mtdb_migrator_add(migrator, "1", -1, "orders", -1, "CREATE TABLE orders(id INTEGER)", -1, NULL, 0, &err));
    mtdb_options *options = NULL;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_str(options, "fleet.on_failure", -1, "continue", -1, &err));
    mtdb_fleet *fleet = NULL;
    check(mtdb_fleet_new(db, migrator, options, &fleet, &err));
    mtdb_options_release(options);
    for (int i = 0; i < count; ++i) check(mtdb_fleet_add(fleet, tenants[i], -1, &err));
    int64_t failed = 0;
    mtdb_status status;
    while ((status = mtdb_fleet_run(fleet, MTDB_DEFAULT, NULL, &failed, &err)) == MTDB_NEEDS)
        if (answer_requests(db) == 0) check(mtdb_fleet_decide(fleet, 1, &err));
    check(status);
    mtdb_fleet_release(fleet);
    mtdb_migrator_release(migrator);
    return failed;
}

int main(int argc, char **argv) {
    mtdb_options *options = NULL;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_str(options, "tenant.routes", -1, "resolver", -1, &err));
    check(mtdb_options_set_str(options, "tenant.create", -1, "on_first_use", -1, &err));
    mtdb_db *db = example_open(argc, argv, options);
    mtdb_options_release(options);

    check(exec(db, "acme", "CREATE TABLE t(v)"));
    check(exec(db, "acme", "INSERT INTO t VALUES (1)"));  // The answer is remembered: no second question.
    check(exec(db, "beta", "CREATE TABLE t(v)"));

    expect(exec(db, "ghost", "SELECT 1") == MTDB_TENANT_UNKNOWN);
    printf("%s\n", mtdb_error_message(err));
    mtdb_error_release(err);
    err = NULL;

    const char *const tenants[] = {"gamma", "ghost"};
    expect(migrate_all(db, tenants, 2) == 1);  // One is no customer.
    return example_close(db);
}
