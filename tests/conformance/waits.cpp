// SPDX-License-Identifier: MIT
// Deadlines and cancels at each phase of a call.
#include <thread>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

constexpr int64_t soon_ms = 5000;  // for what a wait of 100 ms may take on a busy machine

// Triggers a token after a while.
class After {
public:
    After(mtdb_cancel* cancel, int64_t delay_ms)
        : thread_([cancel, delay_ms] {
              sleep_ms(delay_ms);
              mtdb_cancel_trigger(cancel, 0, nullptr);
          }) {}
    After(const After&) = delete;
    ~After() { thread_.join(); }

private:
    std::thread thread_;
};

Answer read_all(mtdb_result* result) {
    for (;;) {
        const Answer answer = ask([&](mtdb_error** err) { return mtdb_result_next(result, err); });
        if (answer.status != MTDB_OK) return answer;
    }
}

void late_rows(Suite& suite) {
    suite.claim("rows whose first one does not come in time end with TIMEOUT, and the lease works", [](World& world) {
        const Conn conn = world.lease();
        for (int i = 0; i < 3; ++i) {
            mtdb_result* made = nullptr;
            const std::string& sql = world.words().endless;
            Answer answer = ask([&](mtdb_error** err) {
                return mtdb_conn_query(conn.get(), sql.data(), size_of(sql), nullptr, 0, 30, nullptr, &made, err);
            });
            const Result result(made);
            if (answer.ok()) answer = read_all(made);
            must_be(MTDB_TIMEOUT, answer);
            must(exec(conn.get(), world.words().one));
        }
    });
}

void deadlines(Suite& suite) {
    suite.claim("a statement ends at its deadline with TIMEOUT", [](World& world) {
        const Conn conn = world.lease();
        const int64_t began = now_ms();
        must_be(MTDB_TIMEOUT, exec(conn.get(), world.words().endless, 100));
        check(now_ms() - began < soon_ms, "it took " + std::to_string(now_ms() - began) + " ms");
    });
    suite.claim("the lease works after a deadline", [](World& world) {
        const Conn conn = world.lease();
        for (int i = 0; i < 3; ++i) {
            must_be(MTDB_TIMEOUT, exec(conn.get(), world.words().endless, 30));
            const Result result = query(conn.get(), world.words().one);
            check(next(result.get()), "no row");
            same(1, mtdb_value_int64(result.get(), 0));
        }
    });
    suite.claim("the option's deadline holds where the call gives none", [](World& world) {
        world.open({{"query_timeout_ms", "100"}});
        const Conn conn = world.lease();
        const int64_t began = now_ms();
        must_be(MTDB_TIMEOUT, exec(conn.get(), world.words().endless, MTDB_DEFAULT));
        check(now_ms() - began < soon_ms, "it took too long");
    });
    suite.claim("a deadline covers the reading of the rows", [](World& world) {
        const Conn conn = world.lease();
        mtdb_result* made = nullptr;
        const std::string sql = world.words().rows(100000);
        ok([&](mtdb_error** err) {
            return mtdb_conn_query(conn.get(), sql.data(), size_of(sql), nullptr, 0, 300, nullptr, &made, err);
        });
        const Result result(made);
        check(next(made), "no row");
        sleep_ms(400);
        must_be(MTDB_TIMEOUT, read_all(made));
        must(exec(conn.get(), world.words().one));
    });
    suite.claim("a timed-out write wrote nothing, or says that it cannot know", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        const Conn other = world.lease();
        must(begin(other.get()));
        put(other.get(), 1, "held");
        const Answer answer = exec(conn.get(), "INSERT INTO t(id, v) VALUES(1, 'waits')", 200);
        must_be_one_of({MTDB_TIMEOUT, MTDB_BUSY}, answer);
        check(answer.effect != MTDB_EFFECT_COMMITTED, answer.text());
        must(rollback(other.get()));
        if (answer.effect != MTDB_EFFECT_UNKNOWN) same(0, count_of(other.get()));
        must(exec(conn.get(), "DELETE FROM t"));
    });
    suite.claim("a deadline in a transaction leaves it to be rolled back", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "gone");
        must_be(MTDB_TIMEOUT, exec(conn.get(), world.words().endless, 50));
        must(rollback(conn.get()));
        same(0, count_of(conn.get()));
        must(exec(conn.get(), world.words().one));
    });
    suite.claim("an expired deadline sends nothing", [](World& world) {
        const Conn conn = world.lease();
        const Answer answer = exec(conn.get(), world.words().endless, 0);
        must_be(MTDB_TIMEOUT, answer);
        must(exec(conn.get(), world.words().one));
    });
}

void cancels(Suite& suite) {
    suite.claim("a cancel ends a running statement", [](World& world) {
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        const After after(cancel.get(), 80);
        const int64_t began = now_ms();
        must_be(MTDB_CANCELLED, exec(conn.get(), world.words().endless, plenty_ms, cancel.get()));
        check(now_ms() - began < soon_ms, "it took too long");
        must(exec(conn.get(), world.words().one));
    });
    suite.claim("a triggered token cancels before anything runs", [](World& world) {
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        mtdb_cancel_trigger(cancel.get(), 0, nullptr);
        const Answer answer = exec(conn.get(), world.words().write, plenty_ms, cancel.get());
        must_be(MTDB_CANCELLED, answer);
        same(MTDB_EFFECT_NONE, answer.effect);
        mtdb_cancel_reset(cancel.get(), nullptr, nullptr);
        must(exec(conn.get(), world.words().write, plenty_ms, cancel.get()));
    });
    suite.claim("a cancel ends the reading of rows", [](World& world) {
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        mtdb_result* made = nullptr;
        const std::string sql = world.words().rows(100000);
        ok([&](mtdb_error** err) {
            return mtdb_conn_query(conn.get(), sql.data(), size_of(sql), nullptr, 0, plenty_ms, cancel.get(), &made,
                                   err);
        });
        const Result result(made);
        check(next(made), "no row");
        mtdb_cancel_trigger(cancel.get(), 0, nullptr);
        must_be(MTDB_CANCELLED, read_all(made));
        must(exec(conn.get(), world.words().one));
    });
}

void cancels_apart(Suite& suite) {
    suite.claim("a cancelled transaction rolls back and the lease is whole", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        must(begin(conn.get()));
        put(conn.get(), 1, "gone");
        const Cancel cancel = new_cancel();
        {
            const After after(cancel.get(), 50);
            must_be(MTDB_CANCELLED, exec(conn.get(), world.words().endless, plenty_ms, cancel.get()));
        }
        must(rollback(conn.get()));
        same(0, count_of(conn.get()));
    });
    suite.claim("200 cancels at random moments never hit another statement", [](World& world) {
        Random random(42);
        world.open({{"pool.size_max", "1"}});
        world.tenant();
        for (int i = 0; i < 200; ++i) {
            const Conn conn = world.lease();
            const Cancel cancel = new_cancel();
            {
                const After after(cancel.get(), pick(random, 0, 2));
                exec(conn.get(), world.words().rows(pick(random, 1, 3000)), plenty_ms, cancel.get());
            }
            const Result result = query(conn.get(), world.words().one);
            check(next(result.get()), "no row");
            same(1, mtdb_value_int64(result.get(), 0));
            check(!next(result.get()), "a second row");
        }
    });
    suite.claim("a late trigger of an old generation touches nothing", [](World& world) {
        const Conn conn = world.lease();
        const Cancel cancel = new_cancel();
        must(exec(conn.get(), world.words().one, plenty_ms, cancel.get()));
        mtdb_cancel_reset(cancel.get(), nullptr, nullptr);
        same(MTDB_DONE, mtdb_cancel_trigger(cancel.get(), 1, nullptr));
        must(exec(conn.get(), world.words().one, plenty_ms, cancel.get()));
    });
}

}  // namespace

void claim_waits(Suite& suite) {
    deadlines(suite);
    late_rows(suite);
    cancels(suite);
    cancels_apart(suite);
}

}  // namespace conformance
