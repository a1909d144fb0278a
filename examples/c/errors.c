// SPDX-License-Identifier: MIT
// What a failure tells: its class, its place, what it did to the data, whether to try again.
#include "example.h"

static void print_error(void) {
    static const struct {
        int32_t field;
        const char *name;
    } texts[] = {{MTDB_ERROR_MESSAGE, "message"}, {MTDB_ERROR_SQLSTATE, "sqlstate"}, {MTDB_ERROR_TENANT, "tenant"}};

    puts(mtdb_status_name(mtdb_error_status(err)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        char text[256];
        int64_t len = 0;
        expect(mtdb_error_text(err, texts[i].field, text, sizeof text, &len) == MTDB_OK);
        printf("  %-9s %.*s\n", texts[i].name, (int)len, text);
    }
    printf("  place     line %d, column %d\n", (int)mtdb_error_line(err), (int)mtdb_error_column(err));
    printf("  written   %s\n", mtdb_error_effect(err) == MTDB_EFFECT_NONE ? "nothing" : "perhaps something");
    printf("  again     %s\n", mtdb_error_retryable(err) != 0 ? "may succeed" : "will fail the same way");
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;

    // A failed call owes nothing: its outputs are NULL, and the error is the caller's to release.
    expect(mtdb_db_acquire(db, "ghost", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err) == MTDB_TENANT_UNKNOWN);
    expect(conn == NULL);
    print_error();
    mtdb_error_release(err);

    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    expect(mtdb_conn_exec(conn, "SELECT 1,\n       nonsense", -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err) ==
           MTDB_SQL_ERROR);
    expect(mtdb_error_line(err) == 2);
    print_error();

    // The same as JSON, for a log.
    char json[1024];
    int64_t len = 0;
    expect(mtdb_error_json(err, json, sizeof json, &len) == MTDB_OK);
    printf("%.*s\n", (int)len, json);
    mtdb_error_release(err);

    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
