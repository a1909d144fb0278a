// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

std::string tenant_of(mtdb_conn* conn) {
    char id[64];
    int64_t needed = 0;
    ok([&](mtdb_error** err) { return mtdb_conn_tenant(conn, id, sizeof id, &needed, err); });
    return {id, static_cast<std::size_t>(needed)};
}

std::string current_of(mtdb_conn* conn) {
    char id[64];
    int64_t needed = 0;
    ok([&](mtdb_error** err) { return mtdb_conn_current(conn, plenty_ms, nullptr, id, sizeof id, &needed, err); });
    return {id, static_cast<std::size_t>(needed)};
}

Answer use(mtdb_conn* conn, const std::string& tenant) {
    return ask(
        [&](mtdb_error** err) { return mtdb_conn_use(conn, tenant.data(), size_of(tenant), plenty_ms, nullptr, err); });
}

void lives(Suite& suite) {
    suite.claim("a lease knows its tenant", [](World& world) {
        const Conn conn = world.lease();
        same(world.tenant(), tenant_of(conn.get()));
    });
    suite.claim("a lease that was given back answers CLOSED, and may be closed again", [](World& world) {
        const Conn conn = world.lease();
        must(give_back(conn.get()));
        must_be(MTDB_CLOSED, exec(conn.get(), world.words().one));
        must(give_back(conn.get()));
    });
    suite.claim("a lease that was released without close comes back to the pool", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        world.tenant();
        world.lease().reset();
        must(exec(world.lease().get(), world.words().one));
    });
    suite.claim("a concurrent entry into a lease is MISUSE", [](World& world) {
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        std::thread busy([&] { exec(conn.get(), world.words().endless, plenty_ms, cancel.get()); });
        Answer answer;
        for (int i = 0; i < 500 && answer.status != MTDB_MISUSE; ++i) {
            sleep_ms(2);
            answer = exec(conn.get(), world.words().one, 0);
        }
        mtdb_cancel_trigger(cancel.get(), 0, nullptr);
        busy.join();
        must_be(MTDB_MISUSE, answer);
    });
    suite.claim("db, lease, statement and result are released in any order", [](World& world) {
        Conn conn = world.lease();
        Stmt stmt = prepare(conn.get(), world.words().one);
        Result result = execute(stmt.get());
        world.end();
        conn.reset();
        stmt.reset();
        result.reset();
    });
}

void lives_on(Suite& suite) {
    suite.claim("a result keeps what it needs: lease and statement go first", [](World& world) {
        Conn conn = world.lease();
        Stmt stmt = prepare(conn.get(), world.words().rows(10));
        const Result result = execute(stmt.get());
        stmt.reset();
        conn.reset();
        same(10, rows_left(result.get()));
    });
    suite.claim("a session that a lease left changed loses no acknowledged write of its tenant's next lease",
                {Need::tables}, [](World& world) {
                    world.open({{"pool.size_max", "1"}});
                    for (const std::string& sql : world.words().session) {
                        const Conn conn = world.lease();
                        exec(conn.get(), sql);
                        must(give_back(conn.get()));
                        const std::string& id = world.tenant();
                        const Answer written = exec(world.db(), id, "INSERT INTO t(id, v) VALUES(1, 'kept')");
                        const Db other = world.another();
                        const int64_t rows = int_in(other.get(), id, "SELECT count(*) FROM t");
                        check(!written.ok() || rows == 1, "lost after " + sql);
                        must(exec(other.get(), id, "DELETE FROM t"));
                    }
                });
    suite.claim("a lease of read_only refuses to write and still reads", [](World& world) {
        world.tenant();
        const Options options = options_of({{"lease.read_only", "true"}});
        mtdb_conn* made = nullptr;
        const std::string& id = world.tenant();
        ok([&](mtdb_error** err) {
            return mtdb_db_acquire(world.db(), id.data(), size_of(id), options.get(), plenty_ms, nullptr, &made, err);
        });
        const Conn conn(made);
        must(exec(made, world.words().one));
        must_be(MTDB_READ_ONLY, exec(made, world.words().write));
    });
}

void pools(Suite& suite) {
    suite.claim("an exhausted pool is POOL_EXHAUSTED within the deadline and names the option", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        const Conn conn = world.lease();
        Conn second;
        const int64_t began = now_ms();
        const Answer answer = acquire(world.db(), world.tenant(), second, 100);
        must_be(MTDB_POOL_EXHAUSTED, answer);
        same("pool.size_max", answer.limit);
        check(now_ms() - began < 5000, "it took too long");
    });
    suite.claim("a waiter gets the connection that comes free", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        Conn conn = world.lease();
        std::thread giver([&] {
            sleep_ms(50);
            give_back(conn.get());
        });
        Conn second;
        const Answer answer = acquire(world.db(), world.tenant(), second, 20000);
        giver.join();
        must(answer);
        must(exec(second.get(), world.words().one));
    });
    suite.claim("a cancel ends the wait for a connection", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        std::thread canceller([&] {
            sleep_ms(30);
            mtdb_cancel_trigger(cancel.get(), 0, nullptr);
        });
        Conn second;
        const Answer answer = acquire(world.db(), world.tenant(), second, plenty_ms, cancel.get());
        canceller.join();
        must_be(MTDB_CANCELLED, answer);
    });
}

void shutdowns(Suite& suite) {
    suite.claim("an endless wait of one does not keep another tenant's from its turn", [](World& world) {
        world.open({{"pool.size_max", "2"}});
        const Conn first = world.lease("a");
        const Conn second = world.lease("b");
        Conn third;
        acquire(world.db(), world.tenant("a"), third, 30);
        must(give_back(second.get()));
        must(acquire(world.db(), world.tenant("b"), third, 20000));
    });
    suite.claim("a closed db refuses new work and answers CLOSED to leases that are out", [](World& world) {
        const Conn conn = world.lease();
        mtdb_db* db = world.db();
        ok([&](mtdb_error** err) { return mtdb_db_close(db, 0, nullptr, nullptr, err); });
        Conn other;
        must_be(MTDB_CLOSED, acquire(db, world.tenant(), other));
        must_be(MTDB_CLOSED, exec(conn.get(), world.words().one));
        must(close_db(db));
    });
    suite.claim("a close waits for running work, then interrupts it", [](World& world) {
        const Conn conn = world.lease();
        Answer ran;
        std::thread busy([&] { ran = exec(conn.get(), world.words().endless); });
        sleep_ms(100);
        int64_t forced = 0;
        const int64_t began = now_ms();
        ok([&](mtdb_error** err) { return mtdb_db_close(world.db(), 100, nullptr, &forced, err); });
        const int64_t took = now_ms() - began;
        busy.join();
        same(1, forced);
        check(!ran.ok(), "an endless statement succeeded");
        check(took < 10000, "close took " + std::to_string(took) + " ms");
    });
}

void uses(Suite& suite) {
    suite.claim("a lease is used for another tenant, and reset to its own", [](World& world) {
        const Conn conn = world.lease("a");
        must(use(conn.get(), world.tenant("b")));
        same(world.tenant("b"), tenant_of(conn.get()));
        ok([&](mtdb_error** err) { return mtdb_conn_reset(conn.get(), plenty_ms, nullptr, err); });
        same(world.tenant("a"), tenant_of(conn.get()));
    });
    suite.claim("what a used lease writes is the other tenant's", {Need::tables}, [](World& world) {
        const Conn conn = world.lease("a");
        must(use(conn.get(), world.tenant("b")));
        put(conn.get(), 1, "b");
        must(give_back(conn.get()));
        same(0, int_in(world.db(), world.tenant("a"), "SELECT count(*) FROM t"));
        same(1, int_in(world.db(), world.tenant("b"), "SELECT count(*) FROM t"));
    });
    suite.claim("a lease is never used for a tenant that does not exist", [](World& world) {
        const Conn conn = world.lease("a");
        const Answer used = use(conn.get(), world.id("x"));
        must_be(MTDB_TENANT_UNKNOWN, used.ok() ? exec(conn.get(), world.words().one) : used);
        check(!exec(conn.get(), world.words().one).ok(), "it is bound to somebody");
        must(use(conn.get(), world.tenant("a")));
        must(exec(conn.get(), world.words().one));
    });
    suite.claim("a lease in a transaction stays with its tenant", [](World& world) {
        const Conn conn = world.lease("a");
        const std::string other = world.tenant("b");
        must(begin(conn.get()));
        must_be(MTDB_INVALID_STATE, use(conn.get(), other));
        same(world.tenant("a"), tenant_of(conn.get()));
        must(rollback(conn.get()));
    });
    suite.claim("the server is asked where a lease stands", [](World& world) {
        const Conn conn = world.lease("a");
        must(exec(conn.get(), world.words().one));
        same(world.tenant("a"), current_of(conn.get()));
    });
}

}  // namespace

void claim_leases(Suite& suite) {
    lives(suite);
    lives_on(suite);
    pools(suite);
    shutdowns(suite);
    uses(suite);
}

}  // namespace conformance
