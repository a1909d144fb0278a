// SPDX-License-Identifier: MIT
#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

using Batch = std::unique_ptr<mtdb_batch, Release<mtdb_batch_release>>;

Batch new_batch() {
    mtdb_batch* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_batch_new(&made, err); });
    return Batch(made);
}

void add(mtdb_batch* batch, const std::string& sql) {
    ok([&](mtdb_error** err) {
        return mtdb_batch_add(batch, sql.data(), size_of(sql), nullptr, 0, err);
    });
}

// With an integer and a text as its parameters.
void add(mtdb_batch* batch, const std::string& sql, int64_t number, const std::string& text) {
    mtdb_block* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_block_new(&made, err); });
    const Block block(made);
    const void* data = nullptr;
    int64_t len = 0;
    ok([&](mtdb_error** err) { return mtdb_block_add_int64(made, number, err); });
    ok([&](mtdb_error** err) {
        return mtdb_block_add_text(made, text.data(), size_of(text), err);
    });
    ok([&](mtdb_error** err) { return mtdb_block_end_row(made, err); });
    ok([&](mtdb_error** err) { return mtdb_block_data(made, &data, &len, err); });
    ok([&](mtdb_error** err) {
        return mtdb_batch_add(batch, sql.data(), size_of(sql), data, len, err);
    });
}

Result run(mtdb_conn* conn, mtdb_batch* batch) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_conn_exec_batch(conn, batch, plenty_ms, nullptr, &made, err);
    });
    return Result(made);
}

Failure failure(mtdb_conn* conn, mtdb_batch* batch, int64_t timeout_ms = plenty_ms) {
    mtdb_result* made = nullptr;
    return failure_of([&](mtdb_error** err) {
        return mtdb_conn_exec_batch(conn, batch, timeout_ms, nullptr, &made, err);
    });
}

// "1:2:0 2:1:7": a row's statement, affected rows and generated key.
std::string told(mtdb_result* result) {
    std::string out;
    while (next(result)) {
        if (!out.empty()) out += ' ';
        for (int32_t i = 0; i < 3; ++i) {
            same(MTDB_TYPE_INT64, mtdb_value_type(result, i));
            out += (i > 0 ? ":" : "") + std::to_string(mtdb_value_int64(result, i));
        }
    }
    return out;
}

constexpr const char* insert = "INSERT INTO t(id, v) VALUES(?, ?)";

void wholes(Suite& suite) {
    suite.claim(
        "a batch runs its statements in order and tells of each", {Need::tables}, [](World& world) {
            const Conn conn = world.lease();
            const Batch batch = new_batch();
            add(batch.get(), insert, 1, "a");
            add(batch.get(), insert, 2, "b");
            add(batch.get(), "UPDATE t SET v = 'c'");
            add(batch.get(), "SELECT * FROM t");
            add(batch.get(), "INSERT INTO t(id, v) VALUES(:id, :v)", 3, "d");
            add(batch.get(), "UPDATE t SET id = :id, v = :v WHERE id = :id AND v <> :v", 3, "e");
            add(batch.get(), "DELETE FROM t WHERE id <= 2");
            const Result result = run(conn.get(), batch.get());
            std::string seen;
            for (int32_t row = 1; next(result.get()); ++row) {
                same(row, mtdb_value_int64(result.get(), 0));
                seen += std::to_string(mtdb_value_int64(result.get(), 1)) + " ";
            }
            same("1 1 2 0 1 1 2 ", seen);
            same(8, affected(result.get()));
            same("e", text_in(world.db(), world.tenant(), "SELECT v FROM t"));
        });
    suite.claim("a batch runs again, on another tenant too", {Need::tables}, [](World& world) {
        const Batch batch = new_batch();
        add(batch.get(), insert, 1, "a");
        for (const std::string name : {"a", "b"}) run(world.lease(name).get(), batch.get());
        for (const std::string name : {"a", "b"}) same(1, count_of(world.lease(name).get()));
        ok([&](mtdb_error** err) { return mtdb_batch_clear(batch.get(), err); });
        same("", told(run(world.lease().get(), batch.get()).get()));
    });
    suite.claim("a batch of nothing does nothing", [](World& world) {
        same("", told(run(world.lease().get(), new_batch().get()).get()));
    });
}

void answers(Suite& suite) {
    suite.claim("a batch drops the rows of RETURNING, and counts them", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), "INSERT INTO t(id, v) VALUES(1, 'a'), (2, 'b') RETURNING id");
                    const Result result = run(conn.get(), batch.get());
                    check(next(result.get()), "no row");
                    same(2, count_of(conn.get()));
                });
    suite.claim("a batch tells the keys that it generated", {Need::tables, Need::insert_id},
                [](World& world) {
                    const Conn conn = world.lease();
                    must(exec(conn.get(), "CREATE TABLE s(id " + world.words().serial + ", v " +
                                              world.words().text + ")"));
                    const Batch batch = new_batch();
                    add(batch.get(), "INSERT INTO s(v) VALUES('a')");
                    add(batch.get(), "UPDATE s SET v = 'b'");
                    add(batch.get(), "INSERT INTO s(v) VALUES('c')");
                    same("1:1:1 2:1:0 3:1:2", told(run(conn.get(), batch.get()).get()));
                });
    suite.claim("a statement of a batch uses what an earlier one made",
                {Need::tables, Need::transactional_ddl}, [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), "CREATE TABLE made(id BIGINT)");
                    add(batch.get(), "INSERT INTO made VALUES(1)");
                    run(conn.get(), batch.get());
                    same(1, count_of(conn.get(), "made"));
                });
    suite.claim("a batch of a thousand statements", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Batch batch = new_batch();
        for (int64_t i = 0; i < 1000; ++i)
            add(batch.get(), i % 2 == 0 ? insert : "UPDATE t SET id = ? + 0, v = ? WHERE id = -1",
                i, "v");
        run(conn.get(), batch.get());
        same(500, count_of(conn.get()));
    });
}

void failures(Suite& suite) {
    suite.claim("a batch that fails writes nothing and names its statement", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    put(conn.get(), 7, "before");
                    const Batch batch = new_batch();
                    add(batch.get(), insert, 1, "a");
                    add(batch.get(), "DELETE FROM t WHERE id = 7");
                    add(batch.get(), insert, 1, "again");
                    add(batch.get(), insert, 3, "c");
                    const Failure failed = failure(conn.get(), batch.get());
                    same(MTDB_CONSTRAINT, failed.status);
                    same(3, failed.statement);
                    same(MTDB_EFFECT_ROLLED_BACK, failed.effect);
                    same("before", text_in(world.db(), world.tenant(), "SELECT v FROM t"));
                    must(exec(conn.get(), world.words().one));
                });
    suite.claim("an error of a batch has its place in that statement's text",
                {Need::tables, Need::position}, [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), "DELETE FROM t");
                    add(batch.get(), "SELECT id\nFROM t WHERE ? = 1 AND v = ? ORDER BI id", 1, "x");
                    const Failure failed = failure(conn.get(), batch.get());
                    same(MTDB_SQL_ERROR, failed.status);
                    same(2, failed.statement);
                    same(2, failed.line);
                });
    suite.claim("a batch that fails in a transaction undoes itself alone", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    must(begin(conn.get()));
                    put(conn.get(), 1, "before");
                    const Batch bad = new_batch();
                    add(bad.get(), insert, 2, "a");
                    add(bad.get(), insert, 1, "again");
                    const Failure failed = failure(conn.get(), bad.get());
                    same(MTDB_CONSTRAINT, failed.status);
                    same(2, failed.statement);
                    same(MTDB_EFFECT_NONE, failed.effect);
                    const Batch good = new_batch();
                    add(good.get(), insert, 3, "after");
                    run(conn.get(), good.get());
                    must(commit(conn.get()));
                    same(2, count_of(conn.get()));
                    same(0, int_of(conn.get(), "SELECT count(*) FROM t WHERE id = 2"));
                });
    suite.claim("a batch goes with the transaction that it ran in", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    must(begin(conn.get()));
                    const Batch batch = new_batch();
                    add(batch.get(), insert, 1, "a");
                    run(conn.get(), batch.get());
                    must(rollback(conn.get()));
                    same(0, count_of(conn.get()));
                });
    suite.claim("a deadline ends a batch, and nothing of it stays", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), insert, 1, "a");
                    add(batch.get(), world.words().endless);
                    const Failure failed = failure(conn.get(), batch.get(), 200);
                    same(MTDB_TIMEOUT, failed.status);
                    same(0, count_of(conn.get()));
                });
}

void refusals(Suite& suite) {
    suite.claim("a batch with a statement that controls the transaction runs nothing",
                {Need::tables}, [](World& world) {
                    const Conn conn = world.lease();
                    for (const char* sql : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s"}) {
                        const Batch batch = new_batch();
                        add(batch.get(), insert, 1, "a");
                        add(batch.get(), sql);
                        const Failure failed = failure(conn.get(), batch.get());
                        same(MTDB_INVALID_ARGUMENT, failed.status);
                        same(2, failed.statement);
                        same(0, count_of(conn.get()));
                    }
                });
    suite.claim("a batch that would commit by itself runs nothing",
                {Need::tables, Need::ddl_commits}, [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), insert, 1, "a");
                    add(batch.get(), "CREATE TABLE made(id BIGINT)");
                    const Failure failed = failure(conn.get(), batch.get());
                    same(MTDB_INVALID_ARGUMENT, failed.status);
                    same(2, failed.statement);
                    same(0, count_of(conn.get()));
                });
    suite.claim("a batch that writes runs nothing on a read-only lease", {Need::tables},
                [](World& world) {
                    world.tenant();
                    const Options options = options_of({{"lease.read_only", "true"}});
                    mtdb_conn* made = nullptr;
                    const std::string& id = world.tenant();
                    ok([&](mtdb_error** err) {
                        return mtdb_db_acquire(world.db(), id.data(), size_of(id), options.get(),
                                               plenty_ms, nullptr, &made, err);
                    });
                    const Conn conn(made);
                    const Batch batch = new_batch();
                    add(batch.get(), "SELECT * FROM t");
                    run(conn.get(), batch.get());
                    add(batch.get(), insert, 1, "a");
                    const Failure failed = failure(conn.get(), batch.get());
                    same(MTDB_READ_ONLY, failed.status);
                    same(2, failed.statement);
                    same(0, count_of(conn.get()));
                });
    suite.claim("parameters of a batch that do not fit are refused before anything runs",
                {Need::tables}, [](World& world) {
                    const Conn conn = world.lease();
                    const Batch batch = new_batch();
                    add(batch.get(), insert, 1, "a");
                    add(batch.get(), insert);
                    const Failure failed = failure(conn.get(), batch.get());
                    same(MTDB_INVALID_ARGUMENT, failed.status);
                    same(2, failed.statement);
                    same(0, count_of(conn.get()));
                    must_be(MTDB_INVALID_ARGUMENT, ask([&](mtdb_error** err) {
                                return mtdb_batch_add(batch.get(), "SELECT ?", -1, "no block", 8,
                                                      err);
                            }));
                });
}

}  // namespace

void claim_batches(Suite& suite) {
    wholes(suite);
    answers(suite);
    failures(suite);
    refusals(suite);
}

}  // namespace conformance
