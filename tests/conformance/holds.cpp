// SPDX-License-Identifier: MIT
// The hold of one tenant, and a quiesce flag, over leases of every backend.
#include <thread>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

using Quiesce = std::unique_ptr<mtdb_quiesce, Release<mtdb_quiesce_release>>;

Answer hold(World& world, int32_t mode, int32_t cancel_running, int64_t timeout_ms) {
    const std::string& tenant = world.tenant();
    return ask([&](mtdb_error** err) {
        return mtdb_tenant_hold(world.db(), tenant.data(), size_of(tenant), mode, cancel_running, timeout_ms, nullptr,
                                err);
    });
}

Answer resume(World& world) {
    const std::string& tenant = world.tenant();
    return ask([&](mtdb_error** err) { return mtdb_tenant_resume(world.db(), tenant.data(), size_of(tenant), err); });
}

Answer try_lease(World& world, const std::string& name, int64_t timeout_ms = plenty_ms) {
    Conn conn;
    const Answer answer = acquire(world.db(), world.tenant(name), conn, timeout_ms);
    if (answer.ok()) must(give_back(conn.get()));
    return answer;
}

void holds(Suite& suite) {
    suite.claim("a held tenant refuses leases, another does not", [](World& world) {
        must(hold(world, MTDB_HOLD_REFUSE, 0, plenty_ms));
        must_be(MTDB_TENANT_HELD, try_lease(world, "a"));
        must(try_lease(world, "b"));
        must(resume(world));
        must(try_lease(world, "a"));
    });
    suite.claim("a lease that waits for a held tenant is let in at its resume", [](World& world) {
        must(hold(world, MTDB_HOLD_WAIT, 0, plenty_ms));
        std::thread later([&] {
            sleep_ms(50);
            must(resume(world));
        });
        const Answer answer = try_lease(world, "a");
        later.join();
        must(answer);
    });
    suite.claim("a hold waits for a lease that is out, and fails at its deadline without holding", [](World& world) {
        const Conn conn = world.lease();
        must_be(MTDB_TIMEOUT, hold(world, MTDB_HOLD_REFUSE, 0, 30));
        must(exec(conn.get(), world.words().one));
        must(give_back(conn.get()));
        must(hold(world, MTDB_HOLD_REFUSE, 0, plenty_ms));
    });
    suite.claim("a hold that cancels ends what runs", [](World& world) {
        const Conn conn = world.lease();
        Answer ended;
        std::thread runs([&] { ended = exec(conn.get(), world.words().endless); });
        const Answer held = hold(world, MTDB_HOLD_REFUSE, 1, 100);
        runs.join();
        must(held);
        must_be(MTDB_TENANT_HELD, ended);
        must_be(MTDB_TENANT_HELD, exec(conn.get(), world.words().one));
        must(resume(world));
        must(try_lease(world, "a"));
    });
    suite.claim("a hold that cancels rolls back what is open", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "lost");
        must(hold(world, MTDB_HOLD_REFUSE, 1, 30));
        must_be(MTDB_TENANT_HELD, commit(conn.get()));
        must(resume(world));
        const Conn next_one = world.lease();
        same(0, count_of(next_one.get()));
        put(next_one.get(), 2, "kept");
        same(1, count_of(next_one.get()));
    });
    suite.claim("a lease cannot move to a held tenant", [](World& world) {
        const Conn conn = world.lease("b");
        must(hold(world, MTDB_HOLD_REFUSE, 0, plenty_ms));
        const std::string& tenant = world.tenant();
        must_be(MTDB_TENANT_HELD, ask([&](mtdb_error** err) {
                    return mtdb_conn_use(conn.get(), tenant.data(), size_of(tenant), plenty_ms, nullptr, err);
                }));
    });
}

void flags(Suite& suite) {
    suite.claim("no lease is granted between parking and the end of a flag", [](World& world) {
        const Options options = options_of({{"quiesce.refresh_ms", "20"}, {"quiesce.announce_ms", "2000"}});
        mtdb_quiesce* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_quiesce_new(world.db(), options.get(), &made, err); });
        const Quiesce quiesce(made);
        ok([&](mtdb_error** err) { return mtdb_quiesce_enable(made, plenty_ms, nullptr, err); });
        Conn conn = world.lease();
        char token[32];
        int64_t needed = 0;
        ok([&](mtdb_error** err) {
            return mtdb_quiesce_set(made, "global", -1, "", 0, "", 0, 60000, 0, plenty_ms, nullptr, token, sizeof token,
                                    &needed, nullptr, err);
        });
        const auto parked = [&](int64_t timeout_ms) {
            mtdb_result* rows = nullptr;
            const Answer answer = ask([&](mtdb_error** err) {
                return mtdb_quiesce_wait_parked(made, "global", -1, timeout_ms, nullptr, &rows, err);
            });
            mtdb_result_release(rows);
            return answer;
        };
        must_be(MTDB_TIMEOUT, parked(100));
        must(exec(conn.get(), world.words().one));
        must(give_back(conn.get()));
        must(parked(plenty_ms));
        must_be(MTDB_TENANT_HELD, try_lease(world, "a"));
        ok([&](mtdb_error** err) {
            return mtdb_quiesce_clear(made, "global", -1, "", 0, token, sizeof token, 0, plenty_ms, nullptr, err);
        });
        const int64_t end = now_ms() + plenty_ms;
        while (!try_lease(world, "a").ok()) check(now_ms() < end, "it stays held");
    });
}

}  // namespace

void claim_holds(Suite& suite) {
    holds(suite);
    flags(suite);
}

}  // namespace conformance
