// SPDX-License-Identifier: MIT
#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

Answer begin_with(mtdb_conn* conn, Settings settings) {
    const Options options = options_of(settings);
    return ask([&](mtdb_error** err) { return mtdb_tx_begin(conn, options.get(), plenty_ms, nullptr, err); });
}

int32_t state_of(mtdb_conn* conn) {
    int32_t state = -1;
    ok([&](mtdb_error** err) { return mtdb_tx_state(conn, &state, err); });
    return state;
}

using Verb = mtdb_status (*)(mtdb_conn*, const char*, int64_t, mtdb_error**);
Answer mark(Verb verb, mtdb_conn* conn, const char* name) {
    return ask([&](mtdb_error** err) { return verb(conn, name, -1, err); });
}

void basics(Suite& suite) {
    suite.claim("a transaction's state is told", [](World& world) {
        const Conn conn = world.lease();
        same(0, state_of(conn.get()));
        must(begin(conn.get()));
        same(1, state_of(conn.get()));
        must(commit(conn.get()));
        same(0, state_of(conn.get()));
    });
    suite.claim("a lease has one transaction, and commit needs one", [](World& world) {
        const Conn conn = world.lease();
        must_be(MTDB_INVALID_STATE, commit(conn.get()));
        must(rollback(conn.get()));
        must(begin(conn.get()));
        must_be(MTDB_INVALID_STATE, begin(conn.get()));
        must(rollback(conn.get()));
    });
    suite.claim("a commit keeps", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "kept");
        must(commit(conn.get()));
        must(give_back(conn.get()));
        same(1, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
    });
    suite.claim("a rollback undoes", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "gone");
        must(rollback(conn.get()));
        same(0, count_of(conn.get()));
    });
    suite.claim("a lease given back in a transaction is rolled back", {Need::tables}, [](World& world) {
        {
            const Conn conn = world.lease();
            must(begin(conn.get()));
            put(conn.get(), 1, "gone");
            must(give_back(conn.get()));
        }
        same(0, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
    });
    suite.claim("a lease released in a transaction is rolled back", {Need::tables}, [](World& world) {
        world.open({{"pool.size_max", "1"}});
        {
            const Conn conn = world.lease();
            must(begin(conn.get()));
            put(conn.get(), 1, "gone");
        }
        same(0, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
    });
}

void failures(Suite& suite) {
    suite.claim("another lease does not see what is uncommitted", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "soon");
        same(0, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
        must(commit(conn.get()));
        same(1, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
    });
    suite.claim("a failed statement leaves a transaction that rolls back, and then the lease is whole", {Need::tables},
                [](World& world) {
                    const Conn conn = world.lease();
                    must(begin(conn.get()));
                    put(conn.get(), 1, "gone");
                    check(!exec(conn.get(), world.words().no_table).ok(), "it ran");
                    must(rollback(conn.get()));
                    same(0, count_of(conn.get()));
                    put(conn.get(), 1, "kept");
                });
    suite.claim("DDL is part of the transaction", {Need::tables, Need::transactional_ddl}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        must(exec(conn.get(), "CREATE TABLE inside(a BIGINT)"));
        must(rollback(conn.get()));
        must_be(MTDB_SQL_ERROR, exec(conn.get(), "SELECT * FROM inside"));
    });
    suite.claim("a transaction that DDL committed is lost until its rollback, and nothing runs outside it",
                {Need::tables, Need::ddl_commits}, [](World& world) {
                    const Conn conn = world.lease();
                    must(begin(conn.get()));
                    put(conn.get(), 1, "committed by the server");
                    exec(conn.get(), "CREATE TABLE inside(a BIGINT)");
                    same(2, state_of(conn.get()));
                    must_be(MTDB_TX_LOST, exec(conn.get(), "INSERT INTO t(id, v) VALUES(2, 'outside')"));
                    must_be(MTDB_TX_LOST, commit(conn.get()));
                    must(rollback(conn.get()));
                    same(0, state_of(conn.get()));
                    same(0, int_of(conn.get(), "SELECT count(*) FROM t WHERE id = 2"));
                });
    suite.claim("BEGIN, COMMIT and ROLLBACK as text do not confuse the lease", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        for (const char* sql : {"BEGIN", "COMMIT", "ROLLBACK"}) exec(conn.get(), sql);
        if (state_of(conn.get()) != 0) must(rollback(conn.get()));
        put(conn.get(), 1, "kept");
        must(give_back(conn.get()));
        same(1, int_in(world.db(), world.tenant(), "SELECT count(*) FROM t"));
    });
}

void savepoints(Suite& suite) {
    suite.claim("savepoints nest", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "kept");
        must(mark(mtdb_tx_savepoint, conn.get(), "one"));
        put(conn.get(), 2, "kept");
        must(mark(mtdb_tx_savepoint, conn.get(), "two"));
        put(conn.get(), 3, "gone");
        must(mark(mtdb_tx_rollback_to, conn.get(), "two"));
        must(mark(mtdb_tx_release_savepoint, conn.get(), "one"));
        must(commit(conn.get()));
        same(2, count_of(conn.get()));
    });
    suite.claim("a savepoint stays after the rollback to it", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        must(mark(mtdb_tx_savepoint, conn.get(), "s"));
        for (int i = 0; i < 3; ++i) {
            put(conn.get(), 1, "again");
            must(mark(mtdb_tx_rollback_to, conn.get(), "s"));
        }
        must(commit(conn.get()));
        same(0, count_of(conn.get()));
    });
    suite.claim("a failed statement is undone by the rollback to a savepoint", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "kept");
        must(mark(mtdb_tx_savepoint, conn.get(), "s"));
        must_be(MTDB_CONSTRAINT, exec(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'twice')"));
        must(mark(mtdb_tx_rollback_to, conn.get(), "s"));
        put(conn.get(), 2, "kept");
        must(commit(conn.get()));
        same(2, count_of(conn.get()));
    });
    suite.claim("an unknown savepoint is NOT_FOUND, a hostile name INVALID_ARGUMENT, and none without a transaction",
                [](World& world) {
                    const Conn conn = world.lease();
                    must_be(MTDB_INVALID_STATE, mark(mtdb_tx_savepoint, conn.get(), "s"));
                    must(begin(conn.get()));
                    must_be(MTDB_NOT_FOUND, mark(mtdb_tx_rollback_to, conn.get(), "nobody"));
                    must_be(MTDB_NOT_FOUND, mark(mtdb_tx_release_savepoint, conn.get(), "nobody"));
                    for (const char* name : {"", "a b", "a;b", "a'b", "a\"b", "a-b"})
                        must_be(MTDB_INVALID_ARGUMENT, mark(mtdb_tx_savepoint, conn.get(), name));
                    must(rollback(conn.get()));
                });
}

void modes(Suite& suite) {
    suite.claim("a read-only transaction refuses writes and still reads", [](World& world) {
        const Conn conn = world.lease();
        must(begin_with(conn.get(), {{"tx.read_only", "true"}}));
        must(exec(conn.get(), world.words().one));
        must_be(MTDB_READ_ONLY, exec(conn.get(), world.words().write));
        must(rollback(conn.get()));
    });
    suite.claim("the transaction after a read-only one writes", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin_with(conn.get(), {{"tx.read_only", "true"}}));
        must(rollback(conn.get()));
        must(begin(conn.get()));
        put(conn.get(), 1, "kept");
        must(commit(conn.get()));
        put(conn.get(), 2, "kept");
    });
    suite.claim("every isolation is taken", [](World& world) {
        const Conn conn = world.lease();
        for (const char* level : {"standard", "read_committed", "repeatable_read", "serializable"}) {
            must(begin_with(conn.get(), {{"tx.isolation", level}}));
            must(exec(conn.get(), world.words().one));
            must(commit(conn.get()));
        }
    });
    suite.claim(
        "read committed sees what others commit, repeatable read does not", {Need::tables, Need::isolation},
        [](World& world) {
            const Conn reader = world.lease();
            const Conn writer = world.lease();
            int64_t id = 0;
            for (const auto& [level, seen] : {std::pair("read_committed", 1), std::pair("repeatable_read", 0)}) {
                must(begin_with(reader.get(), {{"tx.isolation", level}}));
                const int64_t before = count_of(reader.get());
                put(writer.get(), ++id, "new");
                same(before + seen, count_of(reader.get()));
                must(commit(reader.get()));
            }
        });
    suite.claim("two writers of one row: one fails with SERIALIZATION at most, and none hangs",
                {Need::tables, Need::concurrent_writers}, [](World& world) {
                    const Conn first = world.lease();
                    const Conn second = world.lease();
                    put(first.get(), 1, "start");
                    must(begin_with(first.get(), {{"tx.isolation", "serializable"}}));
                    must(begin_with(second.get(), {{"tx.isolation", "serializable"}}));
                    same(1, count_of(first.get()));
                    const Answer one = exec(first.get(), "UPDATE t SET v = 'first' WHERE id = 1", 3000);
                    const Answer two = exec(second.get(), "UPDATE t SET v = 'second' WHERE id = 1", 500);
                    must(one);
                    must_be_one_of({MTDB_SERIALIZATION, MTDB_TIMEOUT, MTDB_BUSY, MTDB_TX_LOST}, two);
                    must(rollback(second.get()));
                    must(commit(first.get()));
                    same("first", text_in(world.db(), world.tenant(), "SELECT v FROM t"));
                });
    suite.claim(
        "a deferred key fails at commit with CONSTRAINT, and nothing is kept", {Need::tables, Need::deferred_keys},
        [](World& world) {
            const Conn conn = world.lease();
            must(exec(conn.get(), "CREATE TABLE child(p BIGINT REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)"));
            must(begin(conn.get()));
            must(exec(conn.get(), "INSERT INTO child VALUES(7)"));
            must_be(MTDB_CONSTRAINT, commit(conn.get()));
            must(rollback(conn.get()));
            same(0, count_of(conn.get(), "child"));
        });
}

}  // namespace

void claim_transactions(Suite& suite) {
    basics(suite);
    failures(suite);
    savepoints(suite);
    modes(suite);
}

}  // namespace conformance
