// SPDX-License-Identifier: MIT
// Prepare once, bind by index or by name, execute often; a thousand rows travel in one call.
#include "example.h"

static void insert_one(mtdb_conn *conn) {
    mtdb_stmt *insert = NULL;
    mtdb_result *done = NULL;
    int32_t name = 0;
    int64_t id = 0;
    check(mtdb_stmt_prepare(conn, "INSERT INTO city(name, people) VALUES (:name, :people)", -1, MTDB_DEFAULT, NULL,
                            &insert, &err));
    check(mtdb_stmt_parameter_index(insert, "name", -1, &name, &err));
    check(mtdb_stmt_bind_text(insert, name, "Oslo", -1, &err));
    check(mtdb_stmt_bind_int64(insert, 2, 709037, &err));
    check(mtdb_stmt_execute(insert, MTDB_DEFAULT, NULL, &done, &err));
    check(mtdb_result_insert_id(done, &id, &err));
    expect(id == 1);
    mtdb_result_release(done);
    mtdb_stmt_release(insert);
}

static void insert_many(mtdb_conn *conn) {
    mtdb_block *rows = NULL;
    const void *data = NULL;
    int64_t data_len = 0, affected = 0;
    check(mtdb_block_new(&rows, &err));
    for (int64_t i = 0; i < 1000; ++i) {
        char name[16];
        snprintf(name, sizeof name, "city %d", (int)i);
        check(mtdb_block_add_text(rows, name, -1, &err));
        check(mtdb_block_add_int64(rows, i, &err));
        check(mtdb_block_end_row(rows, &err));
    }
    check(mtdb_block_data(rows, &data, &data_len, &err));
    check(mtdb_conn_exec(conn, "INSERT INTO city(name, people) VALUES (?, ?)", -1, data, data_len, MTDB_DEFAULT, NULL,
                         &affected, &err));
    expect(affected == 1000);
    mtdb_block_release(rows);
}

int main(int argc, char **argv) {
    mtdb_db *db = example_open(argc, argv, NULL);
    mtdb_conn *conn = NULL;
    mtdb_stmt *stmt = NULL;
    check(mtdb_tenant_create(db, "acme", -1, MTDB_DEFAULT, NULL, &err));
    check(mtdb_db_acquire(db, "acme", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    check(mtdb_conn_exec(conn, "CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, people INTEGER)", -1, NULL, 0,
                         MTDB_DEFAULT, NULL, NULL, &err));
    insert_one(conn);
    insert_many(conn);

    // Several statements run only where a call says so.
    expect(mtdb_stmt_prepare(conn, "SELECT 1; DROP TABLE city", -1, MTDB_DEFAULT, NULL, &stmt, &err) ==
           MTDB_INVALID_ARGUMENT);
    mtdb_error_release(err);
    int64_t statements = 0;
    check(mtdb_conn_exec_script(conn, "DELETE FROM city; DROP TABLE city;", -1, MTDB_DEFAULT, NULL, &statements, &err));
    expect(statements == 2);

    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
    return example_close(db);
}
