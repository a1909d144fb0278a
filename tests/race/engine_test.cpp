// SPDX-License-Identifier: MIT
#include "race.hpp"

using namespace race;

namespace {

constexpr auto on_first_use = Setting{"tenant.create", "on_first_use"};

}  // namespace

TEST_CASE(
    "leases are taken, used, evicted and given back by many threads, and each sees its own tenant "
    "only") {
    const Folder folder;
    const Ref<Db> db = open(folder.url(), {on_first_use,
                                           {"pool.tenants_max", "4"},
                                           {"pool.size_max", "3"},
                                           {"sqlite.synchronous", "off"},
                                           {"pool.sweep_ms", "1"},
                                           {"pool.idle_ms", "2"}});
    constexpr int tenants = 8;
    for (int t = 0; t < tenants; ++t) {
        const std::string tenant = "t" + std::to_string(t);
        db->exec(tenant, "CREATE TABLE mark(tenant INTEGER)", nullptr, {20000, no_cancel});
        db->exec(tenant, "INSERT INTO mark VALUES(" + std::to_string(t) + ")", nullptr,
                 {20000, no_cancel});
    }
    together(6, [&](int i) {
        std::mt19937 random(static_cast<unsigned>(i));
        for (int round = 0; round < rounds(60); ++round) {
            const int t = static_cast<int>(random() % tenants);
            const Ref<Conn> conn = acquire(*db, "t" + std::to_string(t));
            CHECK(number(*conn, "SELECT tenant FROM mark LIMIT 1") == t);
            if (random() % 4 == 0)
                conn->exec("INSERT INTO mark VALUES(" + std::to_string(t) + ")", nullptr,
                           Wait::forever());
            if (random() % 3 != 0) conn->close();  // else it is abandoned
        }
    });
    for (int t = 0; t < tenants; ++t)
        CHECK(number(*acquire(*db, "t" + std::to_string(t)),
                     "SELECT count(*) FROM mark WHERE tenant <> " + std::to_string(t)) == 0);
    CHECK(db->close(Wait::forever()) == 0);
}

TEST_CASE("a cancel ends the operation it is meant for and never a later one") {
    const Ref<Db> db = open("sqlite::memory:", {on_first_use});
    const Ref<Cancel> cancel = engine::make<Cancel>();
    const Ref<Conn> conn = acquire(*db, "t");
    const int each = rounds(10000);
    std::atomic<int64_t> generation{1};
    std::atomic<bool> done{false};
    std::atomic<int> cancelled{0}, finished{0}, wrong{0};
    together(2, [&](int i) {
        if (i == 1) {
            while (!done) {
                cancel->token.trigger(generation.load());
                std::this_thread::yield();
            }
            return;
        }
        const Wait wait{Deadline::never(), &cancel->token};
        for (int round = 0; round < each; ++round) {
            try {
                number(*conn,
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                       "50) SELECT max(i) FROM n",
                       wait);
                ++finished;
            } catch (const Error& error) {
                allow(error, {Code::cancelled});
                ++cancelled;
            }
            const int64_t next = cancel->token.reset();
            try {  // nobody knows the new generation yet
                if (number(*conn, "SELECT 7", wait) != 7) ++wrong;
            } catch (const Error&) {
                ++wrong;
            }
            generation = next;
        }
        done = true;
    });
    CHECK(wrong == 0);
    CHECK(cancelled + finished == each);
}

TEST_CASE(
    "two threads in one lease: one is served, the other is told of its misuse, nothing breaks") {
    const Ref<Db> db = open("sqlite::memory:", {on_first_use});
    const Ref<Conn> conn = acquire(*db, "t");
    conn->exec("CREATE TABLE x(i)", nullptr, Wait::forever());
    const Ref<Stmt> stmt = Stmt::prepare(*conn, "SELECT 1 UNION SELECT 2", Wait::forever());
    const Ref<Result> shared = stmt->execute(Wait::forever(), {});
    std::atomic<int64_t> inserted{0};
    together(4, [&](int i) {
        for (int round = 0; round < rounds(500); ++round) {
            try {
                if (i == 0) {
                    conn->exec("INSERT INTO x VALUES(1)", nullptr, Wait::forever());
                    ++inserted;
                } else if (i == 1) {
                    number(*conn, "SELECT count(*) FROM x");
                } else if (i == 2) {
                    shared->next();
                    shared->column(0);
                } else {
                    std::vector<char> block(500);
                    int64_t rows = 0, used = 0;
                    shared->fetch(block.data(), 500, 0, rows, used);
                }
            } catch (const Error& error) {
                allow(error, {Code::misuse});
            }
        }
    });
    CHECK(number(*conn, "SELECT count(*) FROM x") == inserted);
}

TEST_CASE(
    "statements and results released by other threads never disturb the thread that uses the "
    "lease") {
    const Ref<Db> db = open("sqlite::memory:", {on_first_use, {"statement_cache", "4"}});
    const Ref<Conn> conn = acquire(*db, "t");
    std::mutex mutex;
    std::vector<Ref<Stmt>> stmts;
    std::vector<Ref<Result>> results;
    std::atomic<bool> done{false};
    together(3, [&](int i) {
        if (i > 0) {
            while (!done) {
                std::vector<Ref<Stmt>> some;
                std::vector<Ref<Result>> more;
                {
                    const std::lock_guard lock(mutex);
                    (i == 1 ? some.swap(stmts) : more.swap(results));
                }
            }
            return;
        }
        for (int round = 0; round < rounds(3000); ++round) {
            const Ref<Stmt> stmt =
                Stmt::prepare(*conn, "SELECT " + std::to_string(round % 9), Wait::forever());
            const Ref<Result> result = stmt->execute(Wait::forever(), {});
            CHECK(result->next());
            CHECK(result->value(0).slot == round % 9);
            const Ref<Result> other = conn->query("SELECT 5", nullptr, Wait::forever(), {});
            CHECK(other->next());
            const std::lock_guard lock(mutex);
            stmts.push_back(stmt);
            results.push_back(result);
            results.push_back(other);
        }
        done = true;
    });
    stmts.clear();
    results.clear();
    CHECK(number(*conn, "SELECT 3") == 3);
}

TEST_CASE(
    "a db is closed while everything runs: who is inside ends, who comes later is told, nothing "
    "leaks") {
    const int64_t before = engine::Counted::live();
    for (int round = 0; round < rounds(6); ++round) {
        const Folder folder;
        Ref<Db> db = open(folder.url(),
                          {on_first_use, {"sqlite.synchronous", "off"}, {"pool.tenants_max", "3"}});
        db->exec("t0", "CREATE TABLE x(i)", nullptr, {20000, no_cancel});
        std::atomic<int> working{0};
        together(8, [&](int i) {
            if (i == 7) {
                while (working < 7) std::this_thread::yield();
                db->close(Wait{Deadline::in(milliseconds(5))});
                return;
            }
            bool counted = false;
            const auto working_now = [&] {
                if (!std::exchange(counted, true)) ++working;
            };
            try {
                for (int n = 0;; ++n) {
                    const Ref<Conn> conn = acquire(*db, "t" + std::to_string((i + n) % 5));
                    working_now();
                    if (i % 4 == 0) {
                        const Ref<Result> result = conn->query(
                            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                            "SELECT i, 'text' || i FROM n",
                            nullptr, Wait::forever(), {});
                        while (result->next())
                            if (result->value(1).view().substr(0, 4) != "text")
                                FAIL_CHECK("a row was taken away");
                    } else if (i % 4 == 1) {
                        conn->begin({}, Wait{Deadline::in(milliseconds(2000))});
                        conn->exec("CREATE TABLE IF NOT EXISTS y(i)", nullptr, Wait::forever());
                        conn->commit(Wait::forever());
                    } else {
                        number(*conn, "SELECT 1");
                    }
                }
            } catch (const Error& error) {
                working_now();
                allow(error, {Code::closed, Code::timeout, Code::misuse, Code::pool_exhausted,
                              Code::busy});
            }
        });
    }
    CHECK(engine::Counted::live() == before);
}

TEST_CASE(
    "a lease whose cursor shows a row is left alone by shutdown, and closed when it comes back") {
    const Ref<Db> db = open("sqlite::memory:", {on_first_use});
    Ref<Conn> conn = acquire(*db, "t");
    const Ref<Result> result = conn->query("SELECT 'shown'", nullptr, Wait::forever(), {});
    REQUIRE(result->next());
    CHECK(db->close(Wait{Deadline::in(milliseconds(0))}) == 1);
    CHECK(result->value(0).view() == "shown");
    CHECK_THROWS_AS(result->next(), Error);
    CHECK_THROWS_AS(conn->exec("SELECT 1", nullptr, Wait::forever()), Error);
    conn->close();
}

TEST_CASE("without a thread, callers and maintain() do its work together") {
    const Folder folder;
    const Ref<Db> db = open(folder.url(), {on_first_use,
                                           {"threads", "none"},
                                           {"pool.tenants_max", "2"},
                                           {"connections_max", "3"},
                                           {"sqlite.synchronous", "off"}});
    std::atomic<int> left{4};
    together(5, [&](int i) {
        if (i == 4) {
            while (left > 0) db->maintain(1);
            return;
        }
        for (int round = 0; round < rounds(40); ++round) {
            const Ref<Conn> conn = acquire(*db, "t" + std::to_string((i * 7 + round) % 6));
            CHECK(number(*conn, "SELECT 4") == 4);
        }
        --left;
    });
    CHECK(db->close(Wait::forever()) == 0);
}

TEST_CASE("events are polled by several threads: each event once") {
    const Ref<Db> db = open("echo:", {{"events.queue", "100000"}});
    const int each = rounds(300);
    std::atomic<int> noting{3};
    std::atomic<int64_t> taken{0};
    std::atomic<int64_t> sum{0};
    together(6, [&](int i) {
        if (i < 3) {
            for (int n = 0; n < each; ++n)
                db->note(telemetry::Level::warn, "test.event", "t", {"message"});
            --noting;
            return;
        }
        std::vector<char> buffer(4096);
        for (;;) {
            const bool last = noting == 0;
            int64_t rows = 0, used = 0, dropped = 0;
            db->poll_events(buffer.data(), 4096, Wait{Deadline::in(milliseconds(1))}, rows, used,
                            dropped);
            if (rows > 0) {
                const db::BlockView view = db::BlockView::parse(buffer.data(), used);
                for (int32_t r = 0; r < view.rows(); ++r) sum += view.at(r, 0).slot;
                taken += rows;
            } else if (last) {
                return;
            }
        }
    });
    const int64_t all = 3 * each;
    CHECK(taken == all);
    CHECK(sum == all * (all + 1) / 2);
}

TEST_CASE("routes that the host answers are shared by all who ask at once") {
    const Folder folder;
    const Ref<Db> db = open(folder.url(), {on_first_use,
                                           {"tenant.routes", "resolver"},
                                           {"route.ttl_ms", "1"},
                                           {"sqlite.synchronous", "off"}});
    std::atomic<int> left{6};
    together(7, [&](int i) {
        if (i == 6) {  // the host
            while (left > 0)
                if (const auto request = db->take_request(Wait{Deadline::in(milliseconds(1))}))
                    db->answer(request->id, request->tenant + ".db");
            return;
        }
        for (int round = 0; round < rounds(30); ++round) {
            for (;;) {
                try {
                    const Ref<Conn> conn = acquire(*db, "t" + std::to_string(round % 4));
                    CHECK(number(*conn, "SELECT 1") == 1);
                    break;
                } catch (const Error& error) {
                    allow(error, {Code::needs});
                    std::this_thread::yield();
                }
            }
        }
        --left;
    });
}
