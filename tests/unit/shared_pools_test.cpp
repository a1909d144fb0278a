// SPDX-License-Identifier: MIT
// Pools whose tenants share the connections of their server.
#include <doctest/doctest.h>

#include <algorithm>

#include "pool/pools.hpp"
#include "pools_fixture.hpp"

using namespace pools_test;

namespace {

pool::Settings shared(pool::Limits limits = {}) {
    pool::Settings settings;
    settings.limits = limits;
    settings.file_cost = {.first = 1, .further = 1};
    settings.shares_connections = true;
    settings.retry_interval = milliseconds(1);
    settings.retry_interval_max = milliseconds(5);
    return settings;
}

pool::Target on(const std::string& server, const std::string& path, bool constant = true) {
    return {[=] { return db::Place{path, server}; }, constant};
}

pool::Target proved(const std::string& path) {
    pool::Target target = at(path);
    target.proved = true;
    return target;
}

pool::PoolStats server_row(Fixture& pools, int64_t number = 1) {
    for (const pool::PoolStats& row : pools.pools.pool_stats())
        if (row.server == number) return row;
    return {};
}

const Error unavailable(Code::unavailable, "connection refused");
const Error denied(Code::auth, "password authentication failed");

}  // namespace

// ---- affinity, moving, the pin ------------------------------------------------------------------

TEST_CASE("a tenant gets the warmest connection that stands in it, without a pin") {
    Fixture pools(shared());
    Lease a = pools.acquire("t");
    Lease b = pools.acquire("t");
    const int64_t first = id_of(a);
    const int64_t second = id_of(b);
    CHECK(fake(a).pins == 1);
    CHECK_FALSE(fake(a).cleans);
    b = Lease();
    a = Lease();
    pools.warm("t");
    Lease again = pools.acquire("t");
    CHECK(id_of(again) == first);
    CHECK(fake(again).pins == 1);
    Lease warm = pools.pools.try_idle("t", nullptr);
    REQUIRE(warm);
    CHECK(id_of(warm) == second);
    CHECK(fake(warm).pins == 1);
    CHECK(pools.pools.stats().moves == 0);
    pools.consistent();
}

TEST_CASE("without one of its own a tenant gets the coldest of its server, pinned before it is seen") {
    Fixture pools(shared());
    std::vector<Lease> all;
    for (const char* key : {"a", "b", "c"}) all.push_back(pools.acquire(key));
    for (Lease& lease : all) lease = Lease();
    CHECK_FALSE(pools.pools.try_idle("new", nullptr));
    Lease moved = pools.acquire("new");
    CHECK(id_of(moved) == 1);
    CHECK(fake(moved).place == "new");
    CHECK(fake(moved).cleans);
    CHECK(fake(moved).pins == 2);
    CHECK_FALSE(pools.open("a"));
    CHECK(pools.open("new"));
    CHECK(id_of(pools.acquire("b")) == 2);  // its own, though colder than c's
    CHECK(pools.pools.stats().moves == 1);
    CHECK(pools.pools.stats().opens == 3);
    CHECK(pools.pools.stats().pools_now == 1);
    pools.consistent();
}

TEST_CASE("tenants of different servers never share a connection") {
    Fixture pools(shared({.size_max = 1}));
    { const Lease a = pools.pools.acquire("a", on("?dbname=x", "s"), forever); }
    { const Lease b = pools.pools.acquire("b", on("?dbname=y", "s"), forever); }
    CHECK(pools.pools.stats().opens == 2);
    CHECK(pools.pools.stats().moves == 0);
    CHECK(pools.pools.stats().pools_now == 2);
    CHECK(server_row(pools, 1).key == "server:1");
    CHECK(server_row(pools, 2).key == "server:2");
    pools.consistent();
}

TEST_CASE("pin, connecting and closing happen without the lock, also for who waited") {
    Fixture pools(shared({.size_max = 1}));
    pools.world.on_io = [&] { pools.pools.stats(); };  // would never come back
    pools.warm("a");
    pools.warm("b");
    Lease held = pools.acquire("a");
    Caller waiting(pools, "b");
    pools.await_waiting("b", 1);
    held = Lease();
    CHECK(fake(waiting.lease()).place == "b");
    CHECK(fake(waiting.lease()).cleans);
    pools.world.soiled = true;
    waiting.lease() = Lease();
    pools.maintain();
    CHECK(pools.pools.stats().closes == 1);
    pools.world.soiled = false;
    pools.warm("c");
    CHECK(pools.pools.close_all(Deadline::in(milliseconds(0))) == 0);
}

TEST_CASE("size_max bounds the connections of a server, whoever has them, and the error says so") {
    Fixture pools(shared({.size_max = 2}));
    const Lease a = pools.acquire("a");
    const Lease b = pools.acquire("b");
    const Error error = pools.refused("c");
    CHECK(error.code() == Code::pool_exhausted);
    CHECK(error.limit() == "pool.size_max");
    CHECK(error.message() ==
          "no connection for tenant 'c' within the deadline: 2 connections of its server are "
          "leased (pool.size_max)");
    CHECK(pools.pools.acquire("other", on("?host=other", "c"), forever));
    pools.consistent();
}

TEST_CASE("leases_max bounds one tenant, and holds up nobody else") {
    Fixture pools(shared({.size_max = 3, .leases_max = 1}));
    Lease a = pools.acquire("a");
    pools.warm("b");
    CHECK(pools.refused("a").limit() == "tenant.leases_max");
    Caller second(pools, "a");
    pools.await_waiting("a", 1);
    CHECK(pools.acquire("c"));
    const int64_t id = id_of(a);
    a = Lease();
    CHECK(id_of(second.lease()) == id);
}

TEST_CASE("idle_max bounds what a server keeps idle") {
    pool::Settings settings = shared();
    settings.idle_max = 2;
    Fixture pools(settings);
    std::vector<Lease> all;
    for (const char* key : {"a", "b", "c", "d"}) all.push_back(pools.acquire(key));
    for (Lease& lease : all) lease = Lease();
    CHECK(pools.pools.stats().idle_now == 2);
    CHECK(pools.pools.stats().evictions == 0);
    pools.consistent();
}

TEST_CASE("connections_max: another server's coldest makes room") {
    Fixture pools(shared({.connections_max = 2}));
    Maintainer maintainer(pools.pools);
    { const Lease a = pools.pools.acquire("a", on("one", "a"), forever); }
    const Lease b = pools.pools.acquire("b", on("two", "b"), forever);
    const Lease c = pools.pools.acquire("c", on("three", "c"), forever);
    CHECK_FALSE(pools.open("a"));
    CHECK(error_of([&] { pools.pools.acquire("d", on("four", "d"), at_once()); }).limit() ==
          "connections_max");
}

TEST_CASE("files and servers are bounded too, a connection a file") {
    {
        Fixture pools(shared({.files_max = 2}));
        const Lease a = pools.acquire("a");
        const Lease b = pools.acquire("b");
        CHECK(pools.refused("c").limit() == "files_max");
        CHECK(pools.pools.stats().files_now == 2);
    }
    Fixture pools(shared({.tenants_max = 1}));
    { const Lease a = pools.pools.acquire("a", on("one", "a"), forever); }
    Maintainer maintainer(pools.pools);
    const Lease b = pools.pools.acquire("b", on("two", "b"), forever);
    CHECK_FALSE(pools.open("a"));
    CHECK(error_of([&] { pools.pools.acquire("c", on("three", "c"), at_once()); }).limit() ==
          "pool.tenants_max");
}

TEST_CASE("a connection that has stood in touched_max tenants is closed when it comes back") {
    pool::Settings settings = shared({.size_max = 1});
    settings.touched_max = 3;
    Fixture pools(settings);
    Maintainer maintainer(pools.pools);
    for (int round = 0; round < 5; ++round)
        for (const char* key : {"a", "b"}) pools.warm(key);
    CHECK(pools.pools.stats().opens == 1);
    pools.warm("c");
    CHECK(pools.pools.stats().retired == 1);
    CHECK(pools.pools.stats().idle_now == 0);
    Lease next = pools.acquire("d");
    CHECK(id_of(next) == 2);
    CHECK_FALSE(fake(next).cleans);
}

TEST_CASE("distinct tenants are counted exactly, however many") {
    pool::Touched touched;
    for (int round = 0; round < 3; ++round)
        for (uint64_t tenant = 1; tenant <= 1000; ++tenant) touched.add(tenant * 7919);
    CHECK(touched.size() == 1000);
}

// ---- what is known of a tenant ------------------------------------------------------------------

TEST_CASE("mark and scope outlive the connection's leaving, for tenants that there are") {
    Fixture pools(shared({.size_max = 1}));
    uint64_t scope = 0;
    {
        Lease real = pools.acquire("real");
        real.prove();
        real.set_mark(7);
        scope = real.scope();
        CHECK(scope != 0);
    }
    pools.warm("ghost");
    pools.warm("other");
    CHECK(pools.pools.stats().known_now == 2);
    CHECK(pools.pools.tenant_stats("ghost").acquires == 0);
    Lease real = pools.acquire("real");
    CHECK(real.mark() == 7);
    CHECK(real.scope() == scope);
    CHECK(pools.pools.tenant_stats("real").acquires == 2);
}

TEST_CASE("a new version of a tenant's schema is its own new scope, on all its connections") {
    Fixture pools(shared());
    Lease a = pools.acquire("t");
    const Lease b = pools.acquire("t");
    const Lease other = pools.acquire("u");
    const uint64_t before = a.scope();
    const uint64_t others = other.scope();
    CHECK(before != others);
    a.bump_schema();
    CHECK(a.scope() != before);
    CHECK(b.scope() == a.scope());
    CHECK(other.scope() == others);
    CHECK(pool::Scope::tenant_of(a.scope()) == pool::Scope::tenant_of(before));
}

TEST_CASE("where connections are not shared there is no scope") {
    Fixture pools;
    Lease lease = pools.acquire("t");
    lease.bump_schema();
    lease.prove();
    CHECK(lease.scope() == 0);
    CHECK(fake(lease).pins == 0);
}

TEST_CASE("a route that changed on the same server is a pin, on another server another connection") {
    Fixture pools(shared());
    const auto lease = [&](const char* server, const char* path) {
        return pools.pools.acquire("t", on(server, path, false), forever);
    };
    uint64_t scope = 0;
    {
        Lease here = lease("one", "here");
        here.set_mark(1);
        here.prove();
        scope = here.scope();
        CHECK(error_of([&] { lease("one", "there"); }).code() == Code::busy);
    }
    {
        const Lease there = lease("one", "there");
        CHECK(id_of(there) == 1);
        CHECK(fake(there).place == "there");
        CHECK(fake(there).pins == 2);
        CHECK_FALSE(fake(there).cleans);
        CHECK(there.mark() == 0);
        CHECK(there.scope() != scope);
    }
    CHECK(id_of(lease("two", "there")) == 2);
    pools.maintain();
    CHECK(pools.world.open == 1);
    pools.consistent();
}

// ---- turns --------------------------------------------------------------------------------------

TEST_CASE("what comes back is its own tenant's for a burst, then the next tenant's in line") {
    Fixture pools(shared({.size_max = 1}));
    Lease held = pools.acquire("noisy");
    std::mutex mutex;
    std::vector<std::string> order;
    std::vector<std::thread> callers;
    const auto call = [&](const std::string& key, int count) {
        for (int i = 0; i < count; ++i)
            callers.emplace_back([&, key] {
                const Lease lease = pools.acquire(key);
                const std::lock_guard lock(mutex);
                order.push_back(key);
            });
        pools.await_waiting(key, count);
    };
    call("noisy", 12);
    call("a", 2);
    call("b", 1);
    held = Lease();
    for (std::thread& caller : callers) caller.join();
    // Its burst, its turn; then a's and b's; a has another, within its burst.
    CHECK(order == std::vector<std::string>{"noisy", "noisy", "noisy", "noisy", "noisy", "noisy",
                                            "noisy", "noisy", "noisy", "a", "a", "b", "noisy",
                                            "noisy", "noisy"});
    CHECK(pools.pools.stats().moves == 3);
}

TEST_CASE("64 waiters of a noisy tenant delay each of 50 quiet ones by a bounded number of leases") {
    constexpr int64_t size = 8;
    constexpr int noise = 64, quiet = 50;
    Fixture pools(shared({.size_max = size}));
    std::mutex mutex;
    std::deque<Lease> held;
    std::vector<std::thread> callers;
    const auto call = [&](const std::string& key) {
        callers.emplace_back([&, key] {
            Lease lease = pools.acquire(key);
            const std::lock_guard lock(mutex);
            held.push_back(std::move(lease));
        });
    };
    const auto quiet_key = [](int i) { return "q" + std::to_string(i); };
    for (int64_t i = 0; i < size; ++i) held.push_back(pools.acquire("noisy"));
    for (int i = 0; i < noise; ++i) call("noisy");
    pools.await_waiting("noisy", noise);
    for (int i = 0; i < quiet; ++i) {
        call(quiet_key(i));
        pools.await_waiting(quiet_key(i), 1);
    }
    int next = 0;  // the quiet ones come in turn
    for (int64_t given = 0; given < size + noise + quiet;) {
        Lease lease;
        {
            const std::lock_guard lock(mutex);
            if (held.empty()) continue;
            lease = std::move(held.front());
            held.pop_front();
        }
        lease = Lease();  // what it gives way to is granted now, on this thread
        ++given;
        while (next < quiet && pools.pools.tenant_stats(quiet_key(next)).waiting_now == 0) {
            CAPTURE(next);
            CHECK(given <= 4 + 1 + 4 + next + 1);  // the noisy tenant's burst, turn and burst
            ++next;
        }
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(next == quiet);
}

TEST_CASE("a newcomer overtakes nobody, and one who gave up does not hold up the line") {
    Fixture pools(shared({.size_max = 1}));
    Lease held = pools.acquire("a");
    CancelToken cancel;
    Caller gone(pools, "b", Wait{Deadline::never(), &cancel});
    pools.await_waiting("b", 1);
    Caller next(pools, "c");
    pools.await_waiting("c", 1);
    CHECK_FALSE(pools.pools.try_idle("a", nullptr));
    cancel.trigger(0);
    CHECK(gone.error().code() == Code::cancelled);
    held = Lease();
    CHECK(fake(next.lease()).place == "c");
    pools.consistent();
}

TEST_CASE("tenants of two servers take turns under a bound that both share") {
    Fixture pools(shared({.size_max = 4, .connections_max = 1}));
    Maintainer maintainer(pools.pools);
    Lease held = pools.pools.acquire("a", on("one", "a"), forever);
    std::atomic<int> noisy{0}, before{-1};
    std::vector<std::thread> callers;
    for (int i = 0; i < 40; ++i)
        callers.emplace_back([&, i] {
            const std::string key = "n" + std::to_string(i % 4);
            const Lease lease = pools.pools.acquire(key, on("one", key), forever);
            ++noisy;
        });
    while (pools.pools.stats().waiting_now != 40) std::this_thread::yield();
    callers.emplace_back([&] {
        const Lease lease = pools.pools.acquire("quiet", on("two", "quiet"), forever);
        before = noisy.load();
    });
    pools.await_waiting("quiet", 1);
    held = Lease();
    for (std::thread& caller : callers) caller.join();
    CHECK(before <= 12);
}

TEST_CASE("without a maintenance thread who waits at a server does its work") {
    pool::Settings settings = shared({.size_max = 1});
    settings.helpers = false;
    Fixture pools(settings);
    Lease lost = pools.acquire("a");
    lost.connection().begin({}, forever);
    Caller waiting(pools, "b");
    pools.await_waiting("b", 1);
    lost.abandon("main.c(f+8)");
    CHECK(fake(waiting.lease()).place == "b");
    CHECK(pools.world.rollbacks == 1);
}

// ---- connecting ---------------------------------------------------------------------------------

TEST_CASE("two connect at a time to a server that never answered, then as many as are asked for") {
    Fixture pools(shared({.size_max = 6}));
    pools.world.hold_opening(true);
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 6; ++i)
        callers.push_back(std::make_unique<Caller>(pools, "t" + std::to_string(i)));
    pools.world.wait_connecting(2);
    while (pools.pools.stats().waiting_now != 4) std::this_thread::yield();
    CHECK(server_row(pools).connecting == 2);
    CHECK(pools.world.connecting_peak == 2);
    pools.world.hold_opening(false);
    for (auto& caller : callers) CHECK(caller->lease());
    CHECK(pools.pools.stats().opens == 6);
}

TEST_CASE("a dead server is asked by one at a time, and all get its error at their deadlines") {
    pool::Settings settings = shared({.size_max = 64});
    settings.retry_interval = settings.retry_interval_max = milliseconds(20);
    Fixture pools(settings);
    pools.world.be_down(unavailable);
    const auto began = Clock::now();
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 40; ++i)
        callers.push_back(std::make_unique<Caller>(pools, "t" + std::to_string(i),
                                                   Wait{Deadline::in(milliseconds(200))}));
    for (auto& caller : callers) {
        const Error error = caller->error();
        CHECK(error.code() == Code::unavailable);
        CHECK(error.message() == "connection refused");
    }
    CHECK(pools.world.connecting_peak <= 2);
    CHECK(pools.world.dialled() >= 3);
    // No pause is shorter than half of the interval.
    const int64_t spent = std::chrono::duration_cast<milliseconds>(Clock::now() - began).count();
    CHECK(pools.world.dialled() <= 2 + spent / 10 + 1);
    CHECK(pools.pools.stats().connections_now == 0);
    pools.consistent();
}

TEST_CASE("the first that reaches a server again wakes up the others") {
    Fixture pools(shared({.size_max = 4}));
    pools.world.be_down(unavailable);
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 4; ++i)
        callers.push_back(std::make_unique<Caller>(pools, "t" + std::to_string(i)));
    while (pools.pools.stats().open_failures < 4) std::this_thread::yield();
    pools.world.be_down(std::nullopt);
    for (auto& caller : callers) CHECK(caller->lease());
    CHECK(server_row(pools).failures == 0);
    pools.consistent();
}

TEST_CASE("a caller sits through no more failures than it is told") {
    pool::Settings settings = shared();
    settings.retries_max = 2;
    Fixture pools(settings);
    pools.world.be_down(unavailable);
    CHECK(pools.refused("t", forever).code() == Code::unavailable);
    CHECK(pools.world.dialled() == 3);
    settings.retries_max = 0;
    Fixture once(settings);
    once.world.be_down(unavailable);
    CHECK(once.refused("t", forever).code() == Code::unavailable);
    CHECK(once.world.dialled() == 1);
}

TEST_CASE("a refused password is told at once, to all, and the server is let alone for a while") {
    pool::Settings settings = shared();
    settings.retry_interval = settings.retry_interval_max = milliseconds(60000);
    Fixture pools(settings);
    pools.world.be_down(denied);
    pools.world.hold_opening(true);
    Caller a(pools, "a");
    Caller b(pools, "b");
    pools.world.wait_connecting(2);
    Caller c(pools, "c");
    Caller d(pools, "d");
    while (pools.pools.stats().waiting_now != 2) std::this_thread::yield();
    pools.world.hold_opening(false);
    for (Caller* caller : {&a, &b, &c, &d}) CHECK(caller->error().code() == Code::auth);
    CHECK(c.error().tenant() == "c");
    CHECK(pools.refused("e", forever).code() == Code::auth);
    CHECK(pools.world.dialled() == 2);
    pools.consistent();
}

TEST_CASE("what is missing is told at once, and asked for again by the next caller") {
    pool::Settings settings = shared();
    settings.retry_interval = settings.retry_interval_max = milliseconds(60000);
    Fixture pools(settings);
    pools.world.be_down(Error(Code::tenant_unknown, "no such database"));
    CHECK(pools.refused("t", forever).code() == Code::tenant_unknown);
    pools.world.be_down(std::nullopt);
    CHECK(pools.acquire("t"));
}

TEST_CASE("a caller's own deadline or cancel is no failure of the server") {
    pool::Settings settings = shared();
    settings.retry_interval = settings.retry_interval_max = milliseconds(60000);
    Fixture pools(settings);
    pools.world.hold_opening(true);
    pools.world.failures.push_back(Error(Code::timeout, "timed out connecting"));
    Caller late(pools, "a", Wait{Deadline::in(milliseconds(1))});
    pools.world.wait_connecting(1);
    while (!Deadline::in(milliseconds(0)).passed()) {
    }
    std::this_thread::sleep_for(milliseconds(3));
    pools.world.hold_opening(false);
    CHECK(late.error().code() == Code::timeout);
    CHECK(server_row(pools).failures == 0);
    CHECK(pools.acquire("b"));
}

TEST_CASE("while a server cannot be connected to, its living connections still serve") {
    pool::Settings settings = shared();
    settings.retry_interval = settings.retry_interval_max = milliseconds(60000);
    Fixture pools(settings);
    Lease living = pools.acquire("a");
    pools.world.be_down(denied);
    Caller waiting(pools, "b");
    pools.await_waiting("b", 1);
    while (pools.pools.stats().open_failures == 0) std::this_thread::yield();
    living = Lease();
    CHECK(id_of(waiting.lease()) == 1);
}

TEST_CASE("servers that nobody stands in are forgotten, that of the db's url is not") {
    pool::Settings settings = shared();
    settings.sweep = milliseconds(1);
    Fixture pools(settings);
    pools.world.be_down(Error(Code::tenant_unknown, "no such database"));
    for (int i = 0; i < 20; ++i)
        error_of([&] {
            pools.pools.acquire("t" + std::to_string(i), on("?dbname=" + std::to_string(i), ""),
                                forever);
        });
    pools.refused("t", forever);
    CHECK(pools.pools.pool_stats().size() == 21);
    const auto end = base::coarse_now() + milliseconds(20);
    while (base::coarse_now() < end) std::this_thread::yield();
    pools.maintain();
    CHECK(pools.pools.pool_stats().size() == 1);
    CHECK(pools.pools.stats().known_now == 0);
}

// ---- lost servers -------------------------------------------------------------------------------

TEST_CASE("after a loss the idle ones are looked at before they are leased, and dead ones replaced") {
    Fixture pools(shared());
    std::vector<Lease> all;
    for (const char* key : {"a", "b", "c", "d"}) all.push_back(pools.acquire(key));
    for (std::size_t i = 1; i < all.size(); ++i) all[i] = Lease();
    pools.world.lost = 4;  // the server restarted
    all[0] = Lease();      // this one's holder noticed
    CHECK(pools.pools.stats().losses == 1);
    Lease b = pools.acquire("b");
    CHECK(id_of(b) == 5);  // three were found dead on the way
    CHECK_FALSE(pools.pools.try_idle("c", nullptr));
    CHECK(pools.pools.stats().discards == 4);
    CHECK(pools.pools.stats().losses == 1);
    CHECK(fake(b).looks == 0);
    b = Lease();
    CHECK(fake(pools.acquire("b")).looks == 0);
    pools.maintain();
    CHECK(pools.world.open == 1);
    pools.consistent();
}

TEST_CASE("a connection that was idle over a sweep is looked at once, a dead one replaced") {
    pool::Settings settings = shared();
    settings.sweep = milliseconds(1);
    Fixture pools(settings);
    const auto sweep = [&] {
        const auto end = base::coarse_now() + milliseconds(8);
        while (base::coarse_now() < end) std::this_thread::yield();
        pools.maintain();
    };
    pools.warm("a");
    sweep();
    CHECK(fake(pools.acquire("b")).looks == 1);
    CHECK(fake(pools.acquire("b")).looks == 1);
    pools.world.lost = 1;
    sweep();
    CHECK(id_of(pools.acquire("b")) == 2);
    CHECK(pools.pools.stats().losses == 1);
}

TEST_CASE("a connection that answered after the loss is trusted again") {
    Fixture pools(shared());
    Lease dead = pools.acquire("a");
    pools.warm("b");
    pools.world.lost = 1;
    dead = Lease();
    {
        Lease b = pools.acquire("b");
        CHECK(fake(b).looks == 1);
        b.prove();
    }
    const Lease b = pools.acquire("b");
    CHECK(id_of(b) == 2);
    CHECK(fake(b).looks == 1);
}

TEST_CASE("a second try after a lost connection never gets one that may be dead") {
    Fixture pools(shared());
    Lease noticed = pools.acquire("a");
    Lease unnoticed = pools.acquire("c");
    pools.warm("b");  // half-open: it seems to be in place
    pools.world.lost = 1;
    noticed = Lease();
    const Lease again = pools.pools.acquire("a", proved("a"), forever);
    CHECK(id_of(again) == 4);
    CHECK(pools.pools.stats().evictions == 1);
    const Lease more = pools.pools.acquire("a", proved("a"), forever);
    CHECK(id_of(more) == 5);
    pools.maintain();
    CHECK(pools.world.open == 3);
}

TEST_CASE("a waiter's second try discards one that may be dead, and takes the next") {
    Fixture pools(shared({.size_max = 2}));
    Maintainer maintainer(pools.pools);
    Lease noticed = pools.acquire("a");
    Lease unproved = pools.acquire("b");
    pools.world.lost = 1;
    noticed = Lease();
    const Lease fresh = pools.acquire("c");
    std::optional<Lease> got;
    std::thread caller([&] { got = pools.pools.acquire("a", proved("a"), forever); });
    pools.await_waiting("a", 1);
    unproved = Lease();  // never used since: back to the line as it was
    caller.join();
    CHECK(id_of(*got) == 4);
}

// ---- fence, shutdown ----------------------------------------------------------------------------

TEST_CASE("a fence closes what stands in its tenant only, and nothing moves into it") {
    Fixture pools(shared({.size_max = 4}));
    Maintainer maintainer(pools.pools);
    uint64_t scope = 0;
    {
        std::vector<Lease> all;
        for (const char* key : {"t", "t", "u"}) all.push_back(pools.acquire(key));
        all[0].prove();
        all[0].set_mark(1);
        scope = all[0].scope();
    }
    {
        const pool::Fence fence = pools.pools.fence("t", at("t"), forever);
        CHECK(pools.world.open == 1);
        CHECK_FALSE(pools.open("t"));
        CHECK(pools.refused("t").message().find("being dropped") != std::string::npos);
        CHECK(id_of(pools.acquire("u")) == 3);
        CHECK(error_of([&] { pools.pools.fence("t", at("t"), forever); }).code() == Code::busy);
    }
    Lease again = pools.acquire("t");
    CHECK(id_of(again) == 3);
    CHECK(again.mark() == 0);
    CHECK(again.scope() != scope);
}

TEST_CASE("who waits behind a fence goes on when it is gone") {
    Fixture pools(shared({.size_max = 1}));
    Maintainer maintainer(pools.pools);
    pools.warm("t");
    std::optional<pool::Fence> fence(pools.pools.fence("t", at("t"), forever));
    pools.warm("other");
    Caller waiting(pools, "t");
    pools.await_waiting("t", 1);
    CHECK(pools.acquire("other"));
    fence.reset();
    CHECK(fake(waiting.lease()).place == "t");
    CHECK(pools.pools.stats().moves == 1);
}

namespace {

struct FakeHolder : pool::Holder {
    void surrender() noexcept override {}
    bool shows_row() const noexcept override { return false; }
};

}  // namespace

TEST_CASE("shutdown takes moved connections like any, and tells those who wait") {
    Fixture pools(shared({.size_max = 2}));
    pools.warm("a");
    FakeHolder holder;
    Lease moved = pools.pools.acquire("b", at("b"), forever, &holder);
    holder.guard = pool::Holder::guard_free;
    Lease other = pools.acquire("c");
    Caller waiting(pools, "d");
    pools.await_waiting("d", 1);
    CHECK(pools.pools.close_all(Deadline::in(milliseconds(0))) == 2);
    CHECK(waiting.error().code() == Code::closed);
    CHECK(holder.guard == pool::Holder::guard_dead);
    CHECK(pools.world.open == 1);
    moved = Lease();
    other = Lease();
    CHECK(pools.world.open == 0);
}

TEST_CASE("an opening of a shared connection that ends after refuse is given back") {
    Fixture pools(shared());
    pools.world.hold_opening(true);
    Caller late(pools, "t");
    pools.world.wait_connecting(1);
    pools.pools.refuse();
    pools.world.hold_opening(false);
    CHECK(late.error().code() == Code::closed);
    CHECK(pools.world.open == 0);
    pools.consistent();
}

TEST_CASE("the writer turn and the figures are each tenant's own") {
    Fixture pools(shared({.size_max = 3}));
    Lease a = pools.acquire("a");
    Lease b = pools.acquire("b");
    a.take_turn(forever);
    b.take_turn(at_once());
    pools.warm("c");
    const pool::PoolStats server = server_row(pools);
    CHECK(server.open == 3);
    CHECK(server.idle == 1);
    CHECK(server.leased == 2);
    CHECK(server.writing == 2);
    CHECK(server.memory == 1000);
    CHECK(pools.pools.tenant_stats("a").leased_now == 1);
    CHECK(pools.pools.tenant_stats("a").writer_turns == 1);
    pools.consistent();
}

TEST_CASE("idle times and lifetimes end moved connections too") {
    pool::Settings settings = shared();
    settings.idle = settings.sweep = milliseconds(1);
    settings.lifetime = milliseconds(100000);
    Fixture pools(settings);
    pools.warm("a");
    pools.warm("b");
    for (int sweep = 0; sweep < 3; ++sweep) {
        const auto end = base::coarse_now() + milliseconds(8);
        while (base::coarse_now() < end) std::this_thread::yield();
        pools.maintain();
    }
    CHECK(pools.pools.stats().connections_now == 0);
    CHECK(pools.pools.stats().moves == 1);
    pools.consistent();
}
