// SPDX-License-Identifier: MIT
// Usage: cuts BACKEND [garble]: postgres or mariadb, under tests/servers/run. The stream is cut, halved, delayed and
// hung at every message of both directions: no crash, no hang past the deadline, no acknowledged commit lost, no commit
// that was not acknowledged told as done (that is effect unknown). With garble 50 bytes of each direction, MTDB_SCALE
// times, are made random instead.
#include <cstdio>
#include <thread>

#include "conformance/side.hpp"
#include "harness.hpp"
#include "proxy.hpp"

namespace {

using namespace harness;
using conformance::environment;
using proxy::Harm;
using proxy::Protocol;

constexpr int64_t slack_ms = 15000;  // grace of a cancel, and a busy machine

struct Bench {
    std::string backend;
    Protocol protocol;
    proxy::Target target;
    std::string direct;  // the url without the proxy
    std::string text;    // type of a text
    std::string pays;    // the function pay(k), which writes a row
    std::string tenant = "cuts";

    std::string through(int port) const {
        if (protocol == Protocol::postgres)
            return "postgres://app@127.0.0.1:" + std::to_string(port) + "/app?sslmode=disable";
        return "mysql://app:" + environment("MTDB_TEST_APP_PASSWORD") + "@127.0.0.1:" + std::to_string(port) + "/";
    }
};

Bench bench_of(const std::string& backend) {
    if (backend == "postgres")
        return {
            backend,
            Protocol::postgres,
            {environment("MTDB_TEST_POSTGRES_SOCKET_FOLDER") + "/.s.PGSQL." + environment("MTDB_TEST_POSTGRES_PORT"),
             0},
            environment("MTDB_TEST_POSTGRES"),
            "TEXT",
            "LANGUAGE sql AS $$ INSERT INTO paid VALUES(k) RETURNING id $$"};
    check(backend == "mariadb", "no backend " + backend);
    return {backend,
            Protocol::mysql,
            {environment("MTDB_TEST_MYSQL_SOCKET"), 0},
            environment("MTDB_TEST_MYSQL"),
            "LONGTEXT",
            "MODIFIES SQL DATA BEGIN INSERT INTO paid VALUES(k); RETURN k; END"};
}

// What a workload came to: rows that it may, must or must not have left.
struct Outcome {
    bool acknowledged = false, unknown = false;
    std::string said;
};

// One transaction that writes `id`, and some reads around it.
Outcome work(mtdb_db* db, const std::string& tenant, int64_t id, int64_t timeout_ms) {
    Outcome outcome;
    const auto failed = [&](const Answer& answer) {
        if (answer.ok()) return false;
        outcome.said = answer.text();
        outcome.unknown = outcome.unknown || answer.effect == MTDB_EFFECT_UNKNOWN;
        return true;
    };
    Conn conn;
    if (failed(acquire(db, tenant, conn, timeout_ms))) return outcome;
    if (failed(exec(conn.get(), "SELECT count(*) FROM t", timeout_ms))) return outcome;
    if (failed(ask([&](mtdb_error** err) { return mtdb_tx_begin(conn.get(), nullptr, timeout_ms, nullptr, err); })))
        return outcome;
    const std::string row = "INSERT INTO t(id, v) VALUES(" + std::to_string(id) + ", 'row')";
    if (failed(exec(conn.get(), row, timeout_ms))) {
        outcome.unknown = false;  // the transaction was never committed, whatever became of the statement
        return outcome;
    }
    const Answer committed =
        ask([&](mtdb_error** err) { return mtdb_tx_commit(conn.get(), timeout_ms, nullptr, err); });
    outcome.acknowledged = !failed(committed);
    if (outcome.acknowledged) failed(exec(conn.get(), "SELECT v FROM t WHERE id = " + std::to_string(id), timeout_ms));
    return outcome;
}

void judge(const Outcome& outcome, bool there) {
    if (outcome.acknowledged)
        check(there, "an acknowledged commit is lost");
    else if (!outcome.unknown)
        check(!there, "a commit was told as not done, and it is: " + outcome.said);
}

class Sweep {
public:
    Sweep(Bench bench, conformance::Side& side) : bench_(std::move(bench)), side_(side) {}

    // Harms message 1, 2, 3, ... until a workload ends before its message comes.
    void run(Harm::Kind kind, proxy::Side from, int64_t step, int64_t timeout_ms) {
        for (int64_t message = 1; message < 400; message += step) {
            proxy::Proxy proxy({bench_.protocol, bench_.target, {}});
            Harm harm;
            harm.kind = kind;
            harm.from = from;
            harm.message = message;
            harm.delay_ms = 20;
            proxy.harm(harm);
            ++runs_;
            bool there = false;
            const Outcome outcome = once(proxy, timeout_ms, there);
            judge(outcome, there);
            if (proxy.harms() == 0) {
                check(outcome.acknowledged, "an undisturbed workload failed: " + outcome.said);
                return;
            }
            if (kind == Harm::Kind::delay) check(outcome.acknowledged, "a delay made it fail: " + outcome.said);
        }
        throw Failed("the workload never ends");
    }
    // A query that writes, in a function or behind a view: no answer of the first connection is waited for twice.
    void run_query(const std::string& sql) {
        for (int64_t message = 1; message < 100; ++message) {
            proxy::Proxy proxy({bench_.protocol, bench_.target, {}});
            Harm harm;
            harm.kind = Harm::Kind::cut;
            harm.from = proxy::Side::server;
            harm.message = message;
            harm.connection = 1;
            proxy.harm(harm);
            ++runs_;
            side_.run("DELETE FROM cuts.paid");
            bool answered = false;
            {
                const Db db = open_db(bench_.through(proxy.port()), {{"pool.size_max", "1"}});
                exec(db.get(), bench_.tenant, "SELECT count(*) FROM t");
                answered = exec(db.get(), bench_.tenant, sql).ok();
                close_db(db.get());
            }
            proxy.cut_all();
            const std::string paid = side_.run("SELECT count(*) FROM cuts.paid");
            check(paid == "1" || (paid == "0" && !answered), "it was run " + paid + " times");
            if (proxy.harms() == 0) return;
        }
        throw Failed("the workload never ends");
    }
    // Bytes of this side's messages are changed, from a random message on, until so many were. What the nonsense
    // says is not to be judged, and may be true by chance.
    int64_t garble(proxy::Side from, int64_t bytes, Random& random) {
        int64_t done = 0;
        for (int64_t rounds = 0; done < bytes; ++rounds) {
            check(rounds < 20 * bytes, "too few messages pass");
            proxy::Proxy proxy({bench_.protocol, bench_.target, {}});
            Harm harm;
            harm.kind = Harm::Kind::garble;
            harm.from = from;
            harm.message = pick(random, 1, 40);
            harm.one_in = pick(random, 10, 300);
            harm.seed = random();
            proxy.harm(harm);
            ++runs_;
            bool there = false;
            once(proxy, 1000, there);
            done += proxy.garbled();
        }
        proxy::Proxy proxy({bench_.protocol, bench_.target, {}});
        bool there = false;
        const Outcome outcome = once(proxy, 20000, there);
        check(outcome.acknowledged && there, "the server is not well afterwards: " + outcome.said);
        return done;
    }
    int64_t runs() const { return runs_; }

private:
    Outcome once(proxy::Proxy& proxy, int64_t timeout_ms, bool& there) {
        const int64_t id = ++id_;
        const int64_t began = now_ms();
        Outcome outcome;
        {
            const Db db = open_db(bench_.through(proxy.port()), {{"retry.max", "0"},
                                                                 {"connect_timeout_ms", std::to_string(timeout_ms)},
                                                                 {"shutdown_timeout_ms", "500"},
                                                                 {"pool.size_max", "1"}});
            outcome = work(db.get(), bench_.tenant, id, timeout_ms);
            close_db(db.get());
        }
        const int64_t took = now_ms() - began;
        check(took < 6 * timeout_ms + slack_ms, "it hung for " + std::to_string(took) + " ms");
        proxy.cut_all();
        // A commit that nobody heard of may still be on its way.
        if (!outcome.acknowledged) sleep_ms(5);
        there = side_.run("SELECT count(*) FROM cuts.t WHERE id = " + std::to_string(id)) == "1";
        return outcome;
    }

    const Bench bench_;
    conformance::Side& side_;
    int64_t id_ = 0, runs_ = 0;
};

void prepare(const Bench& bench) {
    const Db db = open_db(bench.direct);
    ask([&](mtdb_error** err) { return mtdb_tenant_drop(db.get(), "cuts", -1, plenty_ms, nullptr, err); });
    must(create(db.get(), "cuts"));
    must(exec(db.get(), "cuts", "CREATE TABLE t(id BIGINT PRIMARY KEY, v " + bench.text + ")"));
}

void garble_all(const std::string& backend) {
    const Bench bench = bench_of(backend);
    const auto side = conformance::side_of(backend);
    prepare(bench);
    Random random(seed("garble"));
    Sweep sweep(bench, *side);
    int64_t bytes = 0;
    for (const proxy::Side from : {proxy::Side::client, proxy::Side::server})
        test(backend + ": random bytes of the " + (from == proxy::Side::client ? "client" : "server") +
                 " neither crash nor hang it",
             [&] { bytes += sweep.garble(from, scaled(50), random); });
    std::printf("garble %s: %lld bytes in %lld workloads\n", backend.c_str(), static_cast<long long>(bytes),
                static_cast<long long>(sweep.runs()));
    const Db db = open_db(bench.direct);
    mtdb_tenant_drop(db.get(), "cuts", -1, plenty_ms, nullptr, nullptr);
}

// A server that refuses for a while: verbs on tenants wait it out as retry.max says, and say so with none.
void retries(const Bench& bench) {
    test(bench.backend + ": verbs on tenants are tried again, as often as retry.max says", [&] {
        proxy::Proxy proxy({bench.protocol, bench.target, {}});
        const auto verbs = [&](const char* retries_max, const std::string& name) {
            const Db db =
                open_db(bench.through(proxy.port()), {{"retry.max", retries_max}, {"retry.interval_ms", "50"}});
            proxy.refuse(true);
            std::thread back([&] {
                sleep_ms(300);
                proxy.refuse(false);
            });
            const Answer answer = create(db.get(), name);
            back.join();
            return answer;
        };
        must_be(MTDB_UNAVAILABLE, verbs("0", "cuts_retried"));
        must(verbs("1000", "cuts_retried"));
        const Db db = open_db(bench.direct);
        check(exists(db.get(), "cuts_retried"), "it is not there");
        ok([&](mtdb_error** err) { return mtdb_tenant_drop(db.get(), "cuts_retried", -1, plenty_ms, nullptr, err); });
    });
}

void sweep_all(const std::string& backend) {
    const Bench bench = bench_of(backend);
    const auto side = conformance::side_of(backend);
    prepare(bench);
    retries(bench);
    {
        const Db db = open_db(bench.direct);
        must(exec(db.get(), "cuts", "CREATE TABLE paid(id BIGINT)"));
        must(exec(db.get(), "cuts", "CREATE FUNCTION pay(k BIGINT) RETURNS BIGINT " + bench.pays));
        must(exec(db.get(), "cuts", "CREATE VIEW payment AS SELECT pay(1) AS id"));
    }
    Sweep sweep(bench, *side);
    for (const char* sql : {"SELECT pay(1)", "SELECT id FROM payment"})
        test(backend + ": a query that writes runs once at most: " + sql, [&] { sweep.run_query(sql); });
    struct Kind {
        const char* name;
        Harm::Kind kind;
        int64_t step, timeout_ms;
    };
    for (const Kind& each :
         {Kind{"cut in front of", Harm::Kind::cut, 1, 3000}, Kind{"halved at", Harm::Kind::halve, 1, 3000},
          Kind{"delayed at", Harm::Kind::delay, 1, 20000}, Kind{"hung at", Harm::Kind::hang, 15, 1000}})
        for (const proxy::Side from : {proxy::Side::client, proxy::Side::server})
            test(backend + ": a stream that is " + each.name + " each message of the " +
                     (from == proxy::Side::client ? "client" : "server"),
                 [&] { sweep.run(each.kind, from, each.step, each.timeout_ms); });
    std::printf("cuts %s: %lld workloads harmed\n", backend.c_str(), static_cast<long long>(sweep.runs()));
    const Db db = open_db(bench.direct);
    mtdb_tenant_drop(db.get(), "cuts", -1, plenty_ms, nullptr, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    const bool garbles = argc == 3 && std::string_view(argv[2]) == "garble";
    if (argc != 2 && !garbles) {
        std::fprintf(stderr, "usage: cuts BACKEND [garble]\n");
        return 2;
    }
    try {
        garbles ? garble_all(argv[1]) : sweep_all(argv[1]);
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "cuts: %s\n", error.what());
        return 1;
    }
}
