// SPDX-License-Identifier: MIT
#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

// What every error keeps.
void well_formed(World& world, const Failure& failure) {
    check(failure.status < 0, "it succeeded");
    same(5, size_of(failure.sqlstate));
    check(!failure.message.empty() && !contains(failure.message, "\n"), "message '" + failure.message + "'");
    same(world.tenant(), failure.tenant);
    check(contains(failure.json, "\"tenant\""), failure.json);
}

// Of a statement with one parameter, prepared or executed: engines compile at different times.
Failure portable_failure(mtdb_conn* conn, const std::string& sql, const std::string& value) {
    mtdb_stmt* made = nullptr;
    const Failure failure = failure_of([&](mtdb_error** err) {
        return mtdb_stmt_prepare(conn, sql.data(), size_of(sql), plenty_ms, nullptr, &made, err);
    });
    if (failure.status != MTDB_OK) return failure;
    const Stmt stmt(made);
    bind_text(made, 1, value);
    mtdb_result* result = nullptr;
    const Failure late =
        failure_of([&](mtdb_error** err) { return mtdb_stmt_execute(made, plenty_ms, nullptr, &result, err); });
    mtdb_result_release(result);
    return late;
}

void classes(Suite& suite) {
    suite.claim("a text that the server does not understand is SQL_ERROR, and wrote nothing", [](World& world) {
        const Failure failure = exec_failure(world.lease().get(), world.words().wrong);
        well_formed(world, failure);
        same(MTDB_SQL_ERROR, failure.status);
        same(0, failure.retryable);
        check(untouched(failure.effect), failure.json);
    });
    suite.claim("a missing table is SQL_ERROR", [](World& world) {
        const Failure failure = exec_failure(world.lease().get(), world.words().no_table);
        well_formed(world, failure);
        same(MTDB_SQL_ERROR, failure.status);
    });
    suite.claim("an error names line and column of its place", {Need::tables, Need::position}, [](World& world) {
        const Failure failure = exec_failure(world.lease().get(), "SELECT 1,\n  2 +* 3\n FROM t");
        same(2, failure.line);
        check(failure.column >= 4 && failure.column <= 6, "column " + std::to_string(failure.column));
    });
    suite.claim("a column is counted in characters, and in the text as it was given", {Need::tables, Need::position},
                [](World& world) {
                    const Conn conn = world.lease();
                    const Failure plain = exec_failure(conn.get(), "SELECT 'xxxx' , nowhere FROM t");
                    const Failure wide =
                        exec_failure(conn.get(), "SELECT '\xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\x98x' , nowhere FROM t");
                    same(17, plain.column);
                    same(17, wide.column);
                    must(begin(conn.get()));
                    same(17, exec_failure(conn.get(), "SELECT 'xxxx' , nowhere FROM t").column);
                    must(rollback(conn.get()));
                });
    suite.claim("a column behind portable placeholders counts in the text as it was given",
                {Need::tables, Need::position}, [](World& world) {
                    const std::string sql = "SELECT v FROM t WHERE v = :first_name OR v <> :first_name OR nowhere = 1";
                    const Failure failure = portable_failure(world.lease().get(), sql, "x");
                    same(MTDB_SQL_ERROR, failure.status);
                    same(62, failure.column);
                });
    suite.claim("a broken key is CONSTRAINT with its SQLSTATE class", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 1, "first");
        const Failure failure = exec_failure(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'second')");
        well_formed(world, failure);
        same(MTDB_CONSTRAINT, failure.status);
        same("23", failure.sqlstate.substr(0, 2));
        check(untouched(failure.effect), failure.json);
        same(0, failure.retryable);
    });
}

void places_and_keys(Suite& suite) {
    suite.claim("an error has the engine's own number", {Need::native_code}, [](World& world) {
        const Failure failure = exec_failure(world.lease().get(), world.words().no_table);
        check(failure.native != 0, failure.json);
    });
    suite.claim("NOT NULL, CHECK and foreign keys are CONSTRAINT", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(exec(conn.get(),
                  "CREATE TABLE c(a BIGINT NOT NULL, b BIGINT, p BIGINT, CHECK(b > 0), "
                  "FOREIGN KEY(p) REFERENCES t(id))"));
        same(MTDB_CONSTRAINT, exec_failure(conn.get(), "INSERT INTO c(a) VALUES(NULL)").status);
        same(MTDB_CONSTRAINT, exec_failure(conn.get(), "INSERT INTO c(a, b) VALUES(1, -1)").status);
        same(MTDB_CONSTRAINT, exec_failure(conn.get(), "INSERT INTO c(a, p) VALUES(1, 77)").status);
        same(0, count_of(conn.get(), "c"));
    });
    suite.claim("a statement that failed half-way wrote nothing", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 3, "in the way");
        must_be(MTDB_CONSTRAINT, exec(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'a'), (2, 'b'), (3, 'c')"));
        same(1, count_of(conn.get()));
    });
    suite.claim("errors of prepare, execute and one-shot calls are the same", [](World& world) {
        const Conn conn = world.lease();
        const std::string& sql = world.words().no_table;
        mtdb_stmt* made = nullptr;
        Failure failure = failure_of([&](mtdb_error** err) {
            return mtdb_stmt_prepare(conn.get(), sql.data(), size_of(sql), plenty_ms, nullptr, &made, err);
        });
        const Stmt stmt(made);
        if (failure.status == MTDB_OK) {
            mtdb_result* result = nullptr;
            failure =
                failure_of([&](mtdb_error** err) { return mtdb_stmt_execute(made, plenty_ms, nullptr, &result, err); });
            // A row may be asked for before the failure is told.
            const Result kept(result);
            if (failure.status == MTDB_OK)
                failure = failure_of([&](mtdb_error** err) { return mtdb_result_next(result, err); });
        }
        same(MTDB_SQL_ERROR, failure.status);
        must_be(MTDB_SQL_ERROR, exec(world.db(), world.tenant(), sql));
    });
}

void after_failures(Suite& suite) {
    suite.claim("no message repeats values or the text of the statement", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 1, "x");
        for (const std::string sql :
             {"INSERT INTO t(id, v) VALUES(1, 'hunter2-secret')", "SELECT 'hunter2-secret' FROM nowhere_at_all",
              "UPDATE nowhere_at_all SET password = 'hunter2-secret' WHERE secret = 'hunter2-secret'"}) {
            const Failure failure = exec_failure(conn.get(), sql);
            check(!contains(failure.message, "hunter2"), failure.message);
            check(!contains(failure.json, "hunter2"), failure.json);
        }
    });
    suite.claim("an unknown tenant's error names it", [](World& world) {
        const std::string id = world.id("x");
        Failure failure = failure_of([&](mtdb_error** err) {
            return mtdb_db_ping(world.db(), id.data(), size_of(id), plenty_ms, nullptr, err);
        });
        same(MTDB_TENANT_UNKNOWN, failure.status);
        same(id, failure.tenant);
        same(MTDB_EFFECT_NONE, failure.effect);
        check(contains(failure.message, id), failure.message);
    });
    suite.claim("the lease works after every kind of failure", [](World& world) {
        const Conn conn = world.lease();
        for (const std::string& sql :
             {world.words().wrong, world.words().no_table, std::string("?"), std::string("'")}) {
            check(!exec(conn.get(), sql).ok(), "'" + sql + "' ran");
            must(exec(conn.get(), world.words().one));
        }
    });
    suite.claim("a closed statement and a released result refuse with CLOSED", [](World& world) {
        const Conn conn = world.lease();
        const Stmt stmt = prepare(conn.get(), world.words().one);
        ok([&](mtdb_error** err) { return mtdb_stmt_close(stmt.get(), err); });
        mtdb_result* made = nullptr;
        must_be(MTDB_CLOSED,
                ask([&](mtdb_error** err) { return mtdb_stmt_execute(stmt.get(), plenty_ms, nullptr, &made, err); }));
        const Result result = query(conn.get(), world.words().one);
        ok([&](mtdb_error** err) { return mtdb_result_close(result.get(), err); });
        must_be(MTDB_CLOSED, ask([&](mtdb_error** err) { return mtdb_result_next(result.get(), err); }));
    });
}

}  // namespace

void claim_errors(Suite& suite) {
    classes(suite);
    places_and_keys(suite);
    after_failures(suite);
}

}  // namespace conformance
