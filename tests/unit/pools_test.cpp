// SPDX-License-Identifier: MIT
#include "pool/pools.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "pools_fixture.hpp"

using namespace pools_test;

namespace {

pool::Settings bounded(pool::Limits limits) {
    pool::Settings settings;
    settings.limits = limits;
    return settings;
}

}  // namespace

// ---- one pool -----------------------------------------------------------------------------------

TEST_CASE("the connection that was given back last is leased first") {
    Fixture pools;
    Lease a = pools.acquire("t");
    Lease b = pools.acquire("t");
    const int64_t first = id_of(a);
    const int64_t second = id_of(b);
    b = Lease();
    a = Lease();
    CHECK(id_of(pools.acquire("t")) == first);
    Lease again = pools.acquire("t");
    CHECK(id_of(again) == first);
    CHECK(id_of(pools.acquire("t")) == second);
    pools.consistent();
}

TEST_CASE(
    "each lease is marked on its connection, and a tenant's connection never serves another") {
    Fixture pools;
    pools.warm("a");
    Lease other = pools.acquire("b");
    CHECK(fake(other).place == "b");
    CHECK(fake(other).leases == 1);
    CHECK(fake(pools.acquire("a")).leases == 2);
}

TEST_CASE("a pool grows to size_max, then the error names the option and the holder") {
    Fixture pools(bounded({.size_max = 2}));
    const Lease a = pools.acquire("t");
    const Lease b = pools.acquire("t");
    const Error error = pools.refused("t");
    CHECK(error.code() == Code::pool_exhausted);
    CHECK(error.limit() == "pool.size_max");
    CHECK(error.tenant() == "t");
    CHECK(error.message() ==
          "no connection for tenant 't' within the deadline: 2 of its connections are leased "
          "(pool.size_max)");
    CHECK(pools.pools.stats().exhausted == 1);
    CHECK(pools.pools.tenant_stats("t").failures == 1);
    pools.consistent();
}

TEST_CASE("a tenant's leases end at leases_max, whatever is idle") {
    Fixture pools(bounded({.size_max = 4, .leases_max = 1}));
    {
        const Lease a = pools.acquire("t");
        CHECK(pools.refused("t").limit() == "tenant.leases_max");
        const Lease other = pools.acquire("u");
    }
    CHECK(pools.acquire("t"));
}

TEST_CASE("a returned connection goes to the first in the queue") {
    Fixture pools(bounded({.size_max = 1}));
    Lease held = pools.acquire("t");
    Caller first(pools, "t");
    pools.await_waiting("t", 1);
    Caller second(pools, "t");
    pools.await_waiting("t", 2);
    held = Lease();
    CHECK(id_of(first.lease()) == 1);
    CHECK(pools.pools.tenant_stats("t").waiting_now == 1);
    first.lease() = Lease();
    CHECK(id_of(second.lease()) == 1);
    CHECK(pools.pools.stats().waits == 2);
    pools.consistent();
}

TEST_CASE("one waiter's deadline or cancel does not fail the others") {
    Fixture pools(bounded({.size_max = 1}));
    Lease held = pools.acquire("t");
    CancelToken cancel;
    Caller cancelled(pools, "t", Wait{Deadline::never(), &cancel});
    pools.await_waiting("t", 1);
    Caller patient(pools, "t");
    pools.await_waiting("t", 2);
    CHECK(pools.refused("t", Wait{Deadline::in(milliseconds(1))}).code() == Code::pool_exhausted);
    cancel.trigger(0);
    CHECK(cancelled.error().code() == Code::cancelled);
    CHECK(pools.pools.tenant_stats("t").waiting_now == 1);
    held = Lease();
    CHECK(patient.lease());
}

TEST_CASE("connecting is single flight per tenant, and several tenants connect at once") {
    Fixture pools;
    pools.world.hold_opening(true);
    Caller a(pools, "t");
    pools.world.wait_connecting(1);
    Caller b(pools, "t");
    Caller c(pools, "t");
    pools.await_waiting("t", 2);
    Caller other(pools, "u");
    pools.world.wait_connecting(2);
    pools.world.hold_opening(false);
    CHECK(a.lease());
    CHECK(b.lease());
    CHECK(c.lease());
    CHECK(other.lease());
    CHECK(pools.world.connecting_peak == 1);
    pools.consistent();
}

TEST_CASE("who finds another caller connecting is told so at its deadline") {
    Fixture pools;
    pools.world.hold_opening(true);
    Caller a(pools, "t");
    pools.world.wait_connecting(1);
    const Error error = pools.refused("t");
    CHECK(error.code() == Code::pool_exhausted);
    CHECK(error.message().find("still connecting") != std::string::npos);
    pools.world.hold_opening(false);
    CHECK(a.lease());
}

TEST_CASE("a failed opening fails its caller only, and the next one tries") {
    Fixture pools;
    pools.world.hold_opening(true);
    pools.world.failures.push_back(Error(Code::io, "the disk is on fire"));
    Caller unlucky(pools, "t");
    pools.world.wait_connecting(1);
    Caller next(pools, "t");
    pools.await_waiting("t", 1);
    pools.world.hold_opening(false);
    CHECK(unlucky.error().message() == "the disk is on fire");
    CHECK(next.lease());
    const pool::Stats stats = pools.pools.stats();
    CHECK(stats.open_failures == 1);
    CHECK(stats.opens == 1);
    pools.consistent();
}

TEST_CASE("tenants that were never opened leave nothing behind") {
    Fixture pools;
    pools.warm("known");
    for (int i = 0; i < 100; ++i) {
        pools.world.failures.push_back(Error(Code::tenant_unknown, "no"));
        CHECK(pools.refused("unknown" + std::to_string(i)).code() == Code::tenant_unknown);
    }
    const pool::Target lost{[]() -> db::Place { throw Error(Code::tenant_unknown, "no route"); },
                            true};
    CHECK(error_of([&] { pools.pools.acquire("lost", lost, forever); }).message() == "no route");
    CHECK(pools.pools.stats().known_now == 1);
    CHECK(pools.pools.pool_stats().size() == 1);
    pools.consistent();
}

TEST_CASE("what cannot be proved clean is closed, not reused") {
    Fixture pools;
    pools.world.soiled = true;
    pools.warm("t");
    CHECK(pools.pools.stats().discards == 1);
    CHECK(pools.pools.stats().idle_now == 0);
    pools.world.soiled = false;
    CHECK(id_of(pools.acquire("t")) == 2);
    pools.consistent();
}

TEST_CASE("a lease whose connection nobody touched comes back without any cleaning") {
    Fixture pools;
    pools.warm("t");
    pools.world.soiled = true;
    { const Lease untouched = pools.pools.acquire("t", at("t"), forever); }
    CHECK(pools.pools.stats().idle_now == 1);
}

TEST_CASE("try_idle takes a warm connection or nothing, and never overtakes") {
    Fixture pools(bounded({.size_max = 3, .leases_max = 2}));
    CHECK_FALSE(pools.pools.try_idle("t", nullptr));
    CHECK(pools.pools.stats().known_now == 0);
    pools.warm("t");
    {
        const Lease warm = pools.pools.try_idle("t", nullptr);
        CHECK(warm);
        CHECK_FALSE(pools.pools.try_idle("t", nullptr));
    }
    Lease a = pools.acquire("t");
    Lease b = pools.acquire("t");
    Caller waiting(pools, "t");
    pools.await_waiting("t", 1);
    a = Lease();
    CHECK_FALSE(
        pools.pools.try_idle("t", nullptr));  // it went to who waited, and leases_max is reached
    CHECK(waiting.lease());
    pools.pools.refuse();
    b = Lease();
    CHECK_FALSE(pools.pools.try_idle("t", nullptr));
}

TEST_CASE("no more than idle_max connections are kept idle") {
    pool::Settings settings;
    settings.idle_max = 1;
    Fixture pools(settings);
    {
        const Lease a = pools.acquire("t");
        const Lease b = pools.acquire("t");
        const Lease c = pools.acquire("t");
    }
    pools.maintain();
    CHECK(pools.pools.stats().idle_now == 1);
    CHECK(pools.pools.stats().connections_now == 1);
    pools.consistent();
}

TEST_CASE("giving a lease back tells whether something was rolled back") {
    Fixture pools;
    Lease lease = pools.acquire("t");
    CHECK_FALSE(lease.give_back());
    lease = pools.acquire("t");
    lease.connection().begin({}, forever);
    CHECK(lease.give_back());
    CHECK(pools.world.rollbacks == 1);
    CHECK_FALSE(lease.give_back());
}

TEST_CASE("a mark lives as long as something of the pool is open") {
    Fixture pools;
    {
        Lease lease = pools.acquire("t");
        CHECK(lease.mark() == 0);
        lease.set_mark(7);
    }
    CHECK(pools.acquire("t").mark() == 7);
    {
        const pool::Fence fence = [&] {
            Maintainer maintainer(pools.pools);
            return pools.pools.fence("t", at("t"), forever);
        }();
    }
    CHECK(pools.acquire("t").mark() == 0);
}

TEST_CASE(
    "memory is sampled anew as leases come back, and a tenant over its share gives some back") {
    pool::Settings settings;
    settings.tenant_memory_max = 8000;
    Fixture pools(settings);
    pools.warm("t");
    CHECK(pools.pools.stats().memory_now == 1000);
    pools.world.memory_each = 5000;
    for (int i = 0; i < 32; ++i) pools.warm("t");
    CHECK(pools.pools.stats().memory_now == 10);
    pools.consistent();
}

// ---- shared bounds ------------------------------------------------------------------------------

TEST_CASE("tenants_max: the pool unused longest goes, and never a leased one") {
    Fixture pools(bounded({.tenants_max = 3}));
    const Lease leased = pools.acquire("leased");
    pools.warm("old");
    pools.warm("young");
    CHECK(pools.acquire("new"));  // at once: it does not wait for the closing
    CHECK_FALSE(pools.open("old"));
    CHECK(pools.open("young"));
    CHECK(pools.open("leased"));
    CHECK(pools.pools.stats().evictions == 1);
    CHECK(pools.world.open == 4);
    pools.maintain();
    CHECK(pools.world.open == 3);
    pools.consistent();
}

TEST_CASE("tenants_max: when all are leased, the error names the option and the top holder") {
    Fixture pools(bounded({.tenants_max = 2}));
    const Lease a1 = pools.acquire("a");
    const Lease a2 = pools.acquire("a");
    const Lease b = pools.acquire("b");
    const Error error = pools.refused("c");
    CHECK(error.limit() == "pool.tenants_max");
    CHECK(error.message() ==
          "no connection for tenant 'c' within the deadline: the limit pool.tenants_max is reached "
          "by 3 leases, 2 of them of tenant 'a'");
    CHECK(pools.pools.stats().known_now == 2);
    pools.consistent();
}

TEST_CASE("connections_max: an idle connection of another tenant makes room, once it is closed") {
    Fixture pools(bounded({.connections_max = 2}));
    const Lease busy = pools.acquire("a");
    pools.warm("a");  // takes the second: a is partly leased, one connection idle
    { const Lease second = pools.acquire("a"); }
    CHECK(pools.pools.stats().idle_now == 1);
    Caller other(pools, "b");
    pools.await_waiting("b", 1);
    pools.maintain();
    CHECK(fake(other.lease()).place == "b");
    CHECK(pools.world.open == 2);
    CHECK(pools.refused("c").limit() == "connections_max");
    pools.consistent();
}

TEST_CASE(
    "connections_max: a connection being closed counts until it is closed, and is not evicted for "
    "twice") {
    Fixture pools(bounded({.connections_max = 3}));
    for (const char* key : {"a", "b", "c"}) pools.warm(key);
    Caller d(pools, "d");
    pools.await_waiting("d", 1);
    Caller e(pools, "e");
    pools.await_waiting("e", 1);
    CHECK(pools.pools.stats().evictions <= 2);
    pools.maintain();
    CHECK(d.lease());
    pools.maintain();
    CHECK(e.lease());
    CHECK(pools.pools.stats().evictions == 2);
    CHECK(pools.open("c"));
    pools.consistent();
}

TEST_CASE(
    "files: three for the first connection, two for each further one at the peak, back with the "
    "last") {
    Fixture pools(bounded({.files_max = 100}));
    Lease a = pools.acquire("t");
    CHECK(pools.pools.stats().files_now == 3);
    Lease b = pools.acquire("t");
    Lease c = pools.acquire("t");
    CHECK(pools.pools.stats().files_now == 7);
    pools.world.soiled = true;  // they are closed as they come back
    c = Lease();
    b = Lease();
    pools.maintain();
    CHECK(pools.world.open == 1);
    CHECK(pools.pools.stats().files_now == 7);
    b = pools.acquire("t");
    CHECK(pools.pools.stats().files_now == 7);
    b = Lease();
    a = Lease();
    CHECK(pools.pools.stats().files_now == 7);
    pools.maintain();
    CHECK(pools.pools.stats().files_now == 0);
    pools.world.soiled = false;
    a = pools.acquire("t");
    CHECK(pools.pools.stats().files_now == 3);
    pools.consistent();
}

TEST_CASE("files: an opening that failed gives its files back") {
    Fixture pools(bounded({.files_max = 3}));
    pools.world.failures.push_back(Error(Code::io, "no"));
    pools.refused("t");
    CHECK(pools.pools.stats().files_now == 0);
    CHECK(pools.acquire("u"));
}

TEST_CASE("files: idle pools are closed to make room, and no more of them than it takes") {
    Fixture pools(bounded({.files_max = 9}));
    for (const char* key : {"a", "b", "c"}) pools.warm(key);
    Caller d(pools, "d");
    pools.await_waiting("d", 1);
    CHECK(pools.pools.stats().evictions == 1);
    pools.maintain();
    CHECK(d.lease());
    CHECK_FALSE(pools.open("a"));
    CHECK(pools.pools.stats().files_now == 9);
    pools.consistent();
}

TEST_CASE(
    "files: a pool that opens again while its last connection is being closed keeps its peak") {
    Fixture pools(bounded({.files_max = 100}));
    pools.world.soiled = true;
    pools.warm("t");
    pools.world.soiled = false;
    CHECK(pools.pools.stats().closing_now == 1);
    Lease lease = pools.acquire("t");
    CHECK(pools.pools.stats().files_now == 5);
    pools.maintain();
    CHECK(pools.pools.stats().files_now == 5);
    lease = Lease();
    pools.world.soiled = true;
    lease = pools.acquire("t");
    lease = Lease();
    pools.maintain();
    CHECK(pools.pools.stats().files_now == 0);
}

TEST_CASE("memory: idle connections go until the next one fits, and the very first always fits") {
    pool::Settings settings = bounded({.memory_max = 400000});
    Fixture pools(settings);
    pools.world.memory_each = 130000;
    for (const char* key : {"a", "b"}) pools.warm(key);
    CHECK(pools.pools.stats().memory_now == 260000);
    Lease c = pools.acquire("c");
    CHECK(pools.pools.stats().memory_now == 390000);
    Caller d(pools, "d");
    pools.await_waiting("d", 1);
    CHECK(pools.pools.stats().evictions == 1);
    pools.maintain();
    CHECK(d.lease());
    CHECK(pools.open("b"));
    pools.consistent();
}

TEST_CASE("memory: a bound below one connection still serves one") {
    Fixture pools(bounded({.memory_max = 1}));
    const Lease only = pools.acquire("a");
    CHECK(pools.refused("b").limit() == "memory_max_bytes");
}

TEST_CASE("near a bound, room is made ahead of need") {
    Fixture pools(bounded({.connections_max = 64}));
    for (int i = 0; i < 62; ++i) pools.warm("t" + std::to_string(i));
    CHECK(pools.pools.stats().evictions == 2);
    CHECK_FALSE(pools.open("t0"));
    pools.maintain();
    CHECK(pools.pools.stats().connections_now == 60);
    pools.consistent();
}

TEST_CASE("a tenant's second caller gets room too, once the first has connected") {
    Fixture pools(bounded({.connections_max = 2}));
    Maintainer maintainer(pools.pools);
    pools.warm("a");
    pools.world.hold_opening(true);
    Caller first(pools, "b");
    pools.world.wait_connecting(1);
    Caller second(pools, "b");  // waits for the first; then the only room is a's
    pools.await_waiting("b", 1);
    pools.world.hold_opening(false);
    CHECK(first.lease());
    CHECK(fake(second.lease()).place == "b");
}

TEST_CASE("the closing of an evicted connection is never on a caller's path") {
    Fixture pools(bounded({.size_max = 2, .connections_max = 2}));
    const auto caller = std::this_thread::get_id();
    pools.warm("a");
    pools.warm("b");
    {
        Maintainer maintainer(pools.pools);
        pools.warm("c");
        pools.world.soiled = true;
        pools.warm("d");
        pools.world.soiled = false;
    }
    CHECK(pools.world.closers.count(caller) == 0);
    CHECK(pools.world.closers.size() >= 2);
}

TEST_CASE("without a maintenance thread the callers that wait do its work") {
    pool::Settings settings = bounded({.connections_max = 1});
    settings.helpers = false;
    Fixture pools(settings);
    pools.warm("a");
    CHECK(fake(pools.acquire("b")).place == "b");  // closed a's connection itself
    CHECK(pools.world.open == 1);
    Lease held = pools.acquire("a");
    Caller waiting(pools, "b");
    pools.await_waiting("b", 1);
    held = Lease();  // idle, evicted for b: b, asleep, must close it
    CHECK(fake(waiting.lease()).place == "b");
    pools.consistent();
}

TEST_CASE("without a maintenance thread an abandoned lease is cleaned by who waits for it") {
    pool::Settings settings = bounded({.size_max = 1});
    settings.helpers = false;
    Fixture pools(settings);
    Lease lost = pools.acquire("t");
    lost.connection().begin({}, forever);
    Caller waiting(pools, "t");
    pools.await_waiting("t", 1);
    lost.abandon("main.c(f+8)");
    CHECK_FALSE(waiting.lease().connection().in_transaction());
    CHECK(pools.world.rollbacks == 1);
}

TEST_CASE(
    "without a maintenance thread the turn of an abandoned lease is passed on by who waits for "
    "it") {
    pool::Settings settings;
    settings.helpers = false;
    Fixture pools(settings);
    Lease lost = pools.acquire("t");
    lost.take_turn(forever);
    Lease next = pools.acquire("t");
    std::thread writer([&] { next.take_turn(forever); });
    while (pools.pools.stats().writer_waits != 1) std::this_thread::yield();
    lost.abandon("main.c(f+8)");
    writer.join();
    CHECK(next.has_turn());
}

// ---- fairness -----------------------------------------------------------------------------------

namespace {

// One tenant holds every lease that a shared bound allows and has many more callers; then another
// tenant's first one asks. Returns how many leases the first tenant gives back before the other has
// its one.
int64_t delay_of_newcomer(pool::Limits limits, int64_t leases, int64_t memory_each) {
    Fixture pools(bounded(limits));
    pools.world.memory_each = memory_each;
    std::mutex mutex;
    std::vector<Lease> held;
    for (int64_t i = 0; i < leases; ++i) held.push_back(pools.acquire("noisy"));
    constexpr int callers = 60;
    std::vector<std::thread> noise;
    for (int i = 0; i < callers; ++i)
        noise.emplace_back([&] {
            Lease lease = pools.acquire("noisy");
            const std::lock_guard lock(mutex);
            held.push_back(std::move(lease));
        });
    pools.await_waiting("noisy", callers);
    std::thread quiet([&] { pools.acquire("quiet"); });
    pools.await_waiting("quiet", 1);
    const auto give_one_back = [&] {
        Lease lease;
        const std::lock_guard lock(mutex);
        if (!held.empty()) {
            lease = std::move(held.back());
            held.pop_back();
        }
        return static_cast<bool>(lease);
    };
    int64_t given = 0;
    int64_t delay = -1;
    while (given < leases + callers) {
        given += give_one_back() ? 1 : 0;
        pools.maintain();
        if (delay < 0 &&
            pools.pools.tenant_stats("quiet").opens + pools.pools.tenant_stats("quiet").leased_now >
                0)
            delay = given;
    }
    quiet.join();
    for (std::thread& caller : noise) caller.join();
    pools.maintain();
    return delay;
}

}  // namespace

TEST_CASE(
    "a tenant with a thousand requests delays another's first by a few leases, under each shared "
    "bound") {
    constexpr int64_t few = 16;
    SUBCASE("connections") { CHECK(delay_of_newcomer({.connections_max = 4}, 4, 1000) <= few); }
    SUBCASE("tenants") {
        CHECK(delay_of_newcomer({.size_max = 4, .tenants_max = 1}, 4, 1000) <= few);
    }
    SUBCASE("files") { CHECK(delay_of_newcomer({.files_max = 9}, 4, 1000) <= few); }
    SUBCASE("memory") { CHECK(delay_of_newcomer({.memory_max = 600000}, 4, 150000) <= few); }
    SUBCASE("one connection for all") {
        CHECK(delay_of_newcomer({.connections_max = 1}, 1, 1000) <= few);
    }
}

TEST_CASE("many tenants share one connection in turn") {
    Fixture pools(bounded({.connections_max = 1}));
    Maintainer maintainer(pools.pools);
    Lease held = pools.acquire("first");
    std::mutex mutex;
    std::vector<std::string> order;
    std::vector<std::thread> callers;
    for (int i = 0; i < 5; ++i) {
        const std::string key = "t" + std::to_string(i);
        for (int j = 0; j < 8; ++j)
            callers.emplace_back([&, key] {
                const Lease lease = pools.acquire(key);
                const std::lock_guard lock(mutex);
                order.push_back(key);
            });
        pools.await_waiting(key, 8);
    }
    held = Lease();
    for (std::thread& caller : callers) caller.join();
    REQUIRE(order.size() == 40);
    for (int i = 0; i < 5; ++i) {
        const auto first =
            std::find(order.begin(), order.end(), "t" + std::to_string(i)) - order.begin();
        CHECK(first <= i * 6);  // each tenant before it: a turn, and a burst
    }
}

TEST_CASE("a caller that gave up does not hold up the line") {
    Fixture pools(bounded({.size_max = 1, .connections_max = 1}));
    Maintainer maintainer(pools.pools);
    Lease held = pools.acquire("a");
    CancelToken cancel;
    Caller gone(pools, "b", Wait{Deadline::never(), &cancel});
    pools.await_waiting("b", 1);
    Caller next(pools, "c");
    pools.await_waiting("c", 1);
    cancel.trigger(0);
    CHECK(gone.error().code() == Code::cancelled);
    CHECK(pools.pools.stats().known_now == 2);  // b was never opened
    held = Lease();
    CHECK(fake(next.lease()).place == "c");
}

// ---- time ---------------------------------------------------------------------------------------

namespace {

void let_pass(milliseconds time) {
    const auto end = base::coarse_now() + time;
    while (base::coarse_now() < end) std::this_thread::yield();
}

}  // namespace

TEST_CASE("idle connections past their time are closed, warm ones are not") {
    pool::Settings settings;
    settings.idle = milliseconds(1);
    settings.sweep = milliseconds(1);
    Fixture pools(settings);
    const Lease leased = pools.acquire("leased");
    pools.warm("t");
    for (int sweep = 0; sweep < 3; ++sweep) {
        let_pass(milliseconds(5));
        pools.maintain();
    }
    CHECK_FALSE(pools.open("t"));
    CHECK(pools.open("leased"));
    CHECK(pools.pools.stats().evictions == 1);
    pools.consistent();
}

TEST_CASE("with no idle time an idle connection is kept") {
    pool::Settings settings;
    settings.idle = milliseconds(0);
    settings.sweep = milliseconds(1);
    Fixture pools(settings);
    pools.warm("t");
    for (int sweep = 0; sweep < 3; ++sweep) {
        let_pass(milliseconds(5));
        pools.maintain();
    }
    CHECK(pools.open("t"));
}

TEST_CASE("a connection ends with its lifetime: idle by the sweep, leased when it comes back") {
    pool::Settings settings;
    settings.lifetime = milliseconds(1);
    settings.sweep = milliseconds(1);
    Fixture pools(settings);
    Lease leased = pools.acquire("t");
    pools.warm("t");
    let_pass(milliseconds(5));
    pools.maintain();
    CHECK(pools.pools.stats().connections_now == 1);
    leased = Lease();
    CHECK(pools.pools.stats().idle_now == 0);
    CHECK(id_of(pools.acquire("t")) == 3);
}

TEST_CASE("lifetimes vary by the jitter, downwards only") {
    pool::Settings settings;
    settings.lifetime = milliseconds(1000000);
    settings.jitter_percent = 10;
    Fixture pools(settings);
    const auto before = base::coarse_now();
    std::set<base::Time> ends;
    std::vector<Lease> leases;
    for (int i = 0; i < 8; ++i) {
        leases.push_back(pools.acquire("t"));
        const auto expires = leases.back().slot().expires;
        CHECK(expires > before + milliseconds(899000));
        CHECK(expires <= base::coarse_now() + milliseconds(1000000));
        ends.insert(expires);
    }
    CHECK(ends.size() > 1);
}

// ---- writer turn --------------------------------------------------------------------------------

TEST_CASE("the writer turn passes in the order of asking") {
    Fixture pools(bounded({.size_max = 8}));
    std::vector<Lease> leases;
    for (int i = 0; i < 5; ++i) leases.push_back(pools.acquire("t"));
    leases[0].take_turn(forever);
    leases[0].take_turn(forever);  // idempotent
    CHECK(leases[0].has_turn());
    std::vector<int> order;
    std::vector<std::thread> writers;
    for (int i = 1; i < 5; ++i) {
        writers.emplace_back([&, i] {
            leases[static_cast<std::size_t>(i)].take_turn(forever);
            order.push_back(i);
            leases[static_cast<std::size_t>(i)].give_turn();
        });
        while (pools.pools.stats().writer_waits != i) std::this_thread::yield();
    }
    leases[0].give_turn();
    for (std::thread& writer : writers) writer.join();
    CHECK(order == std::vector<int>{1, 2, 3, 4});
    CHECK(pools.pools.stats().writer_turns == 5);
}

TEST_CASE("a writer that comes back overtakes those who wait, but not for long") {
    Fixture pools;
    Lease busy = pools.acquire("t");
    Lease patient = pools.acquire("t");
    std::atomic<bool> served{false};
    busy.take_turn(forever);
    std::thread waiter([&] {
        patient.take_turn(forever);
        served.store(true);
        patient.give_turn();
    });
    while (pools.pools.stats().writer_waits != 1) std::this_thread::yield();
    const auto begin = base::Clock::now();
    while (!served.load()) {
        busy.give_turn();
        busy.take_turn(forever);
    }
    CHECK(base::Clock::now() - begin < std::chrono::seconds(2));
    busy.give_turn();
    waiter.join();
    CHECK(pools.pools.stats().writer_turns > 2);
}

TEST_CASE("a writer turn that nobody comes back for goes to the one who waits") {
    Fixture pools;
    Lease gone = pools.acquire("t");
    Lease patient = pools.acquire("t");
    for (int i = 0; i < 20; ++i) {
        const int64_t waits = pools.pools.stats().writer_waits;
        gone.take_turn(forever);
        std::thread waiter([&] { patient.take_turn(Wait{Deadline::in(milliseconds(5000))}); });
        while (pools.pools.stats().writer_waits == waits) std::this_thread::yield();
        gone.give_turn();
        waiter.join();
        CHECK(patient.has_turn());
        patient.give_turn();
    }
}

TEST_CASE("who waits for the writer turn ends at its deadline or cancel, and the turn passes on") {
    Fixture pools;
    Lease a = pools.acquire("t");
    Lease b = pools.acquire("t");
    Lease c = pools.acquire("t");
    a.take_turn(forever);
    const Error late = error_of([&] { b.take_turn(at_once()); });
    CHECK(late.code() == Code::timeout);
    CHECK(late.message() == "timed out waiting for the tenant's writer turn");
    CHECK(late.tenant() == "t");
    CancelToken cancel;
    std::optional<Error> error;
    std::thread cancelled([&] {
        try {
            b.take_turn(Wait{Deadline::never(), &cancel});
        } catch (const Error& thrown) {
            error = thrown;
        }
    });
    while (pools.pools.stats().writer_waits != 2) std::this_thread::yield();
    std::thread patient([&] { c.take_turn(forever); });
    while (pools.pools.stats().writer_waits != 3) std::this_thread::yield();
    cancel.trigger(0);
    cancelled.join();
    CHECK(error->code() == Code::cancelled);
    a.give_turn();
    patient.join();
    CHECK(c.has_turn());
    CHECK_FALSE(b.has_turn());
}

TEST_CASE("the turn goes back with the lease, and each tenant has its own") {
    Fixture pools;
    Lease a = pools.acquire("t");
    a.take_turn(forever);
    Lease other = pools.acquire("u");
    other.take_turn(at_once());
    Lease b = pools.acquire("t");
    std::thread writer([&] { b.take_turn(forever); });
    while (pools.pools.stats().writer_waits != 1) std::this_thread::yield();
    a = Lease();
    writer.join();
    CHECK(b.has_turn());
}

// ---- abandoned leases, checkpoints --------------------------------------------------------------

TEST_CASE("an abandoned lease comes back clean by maintenance, with its turn and an event") {
    Fixture pools;
    Lease lost = pools.acquire("t");
    lost.take_turn(forever);
    lost.connection().begin({}, forever);
    const int64_t id = id_of(lost);
    lost.abandon("reader.c(load+12)");
    CHECK_FALSE(lost);
    CHECK(pools.world.rollbacks == 0);
    pools.maintain();
    REQUIRE(pools.notices.size() == 2);
    CHECK(pools.notices[0].kind == pool::Notice::Kind::abandoned);
    CHECK(pools.notices[0].tenant == "t");
    CHECK(pools.notices[0].detail == "reader.c(load+12)");
    CHECK(pools.notices[1].kind == pool::Notice::Kind::rolled_back);
    CHECK(pools.pools.stats().abandoned == 1);
    Lease again = pools.acquire("t");
    CHECK(id_of(again) == id);
    again.take_turn(at_once());
    pools.consistent();
}

TEST_CASE(
    "a long write-ahead log asks for a checkpoint once, and a reader that blocks it is told") {
    pool::Settings settings;
    settings.checkpoint_pages = 100;
    Fixture pools(settings);
    pools.world.log_pages = 99;
    pools.warm("t");
    pools.maintain();
    CHECK(pools.pools.stats().checkpoints == 0);
    pools.world.log_pages = 100;
    pools.checkpoint_blocked = true;
    pools.warm("t");
    pools.maintain();
    CHECK(pools.pools.stats().checkpoints == 1);
    REQUIRE(pools.notices.size() == 1);
    CHECK(pools.notices[0].kind == pool::Notice::Kind::log_blocked);
    pools.warm("t");
    pools.maintain();
    CHECK(pools.pools.stats().checkpoints == 1);
    pools.consistent();
}

TEST_CASE("a pool that was forgotten is not checkpointed") {
    pool::Settings settings;
    settings.checkpoint_pages = 1;
    Fixture pools(settings);
    pools.world.log_pages = 5;
    pools.warm("t");
    {
        const pool::Fence fence =
            (Maintainer(pools.pools), pools.pools.fence("u", at("u"), forever));
    }
    {
        Maintainer maintainer(pools.pools);
        const pool::Fence fence = pools.pools.fence("t", at("t"), forever);
    }
    pools.maintain();
    CHECK(pools.pools.stats().connections_now == 0);
}

// ---- fence --------------------------------------------------------------------------------------

TEST_CASE("a fence is refused while the tenant is leased or waited for, and another fence stands") {
    Fixture pools;
    Maintainer maintainer(pools.pools);
    {
        const Lease lease = pools.acquire("t");
        const Error error = error_of([&] { pools.pools.fence("t", at("t"), forever); });
        CHECK(error.code() == Code::busy);
        CHECK(error.tenant() == "t");
    }
    const pool::Fence fence = pools.pools.fence("t", at("t"), forever);
    CHECK(pools.world.open == 0);
    CHECK(error_of([&] { pools.pools.fence("t", at("t"), forever); }).code() == Code::busy);
    const Error waiting = pools.refused("t");
    CHECK(waiting.code() == Code::pool_exhausted);
    CHECK(waiting.message().find("being dropped") != std::string::npos);
    CHECK(pools.acquire("u"));
}

TEST_CASE("who waits behind a fence goes on when it is gone, with room made for it") {
    Fixture pools(bounded({.connections_max = 1}));
    Maintainer maintainer(pools.pools);
    pools.warm("t");
    std::optional<pool::Fence> fence(pools.pools.fence("t", at("t"), forever));
    pools.warm("other");  // has the only connection now, idle
    Caller waiting(pools, "t");
    pools.await_waiting("t", 1);
    fence.reset();
    CHECK(fake(waiting.lease()).place == "t");
}

TEST_CASE("a fence waits for abandoned leases, and gives up at its deadline without leaving one") {
    Fixture pools;
    Lease lost = pools.acquire("t");
    lost.abandon("");
    const Error late = error_of([&] { pools.pools.fence("t", at("t"), at_once()); });
    CHECK(late.code() == Code::timeout);
    {
        Maintainer maintainer(pools.pools);
        const pool::Fence fence = pools.pools.fence("t", at("t"), forever);
        CHECK(pools.world.open == 0);
    }
    CHECK(pools.acquire("t"));
    CHECK(pools.notices.empty());
}

TEST_CASE("a fence of a tenant that was never opened leaves nothing behind") {
    Fixture pools;
    { const pool::Fence fence = pools.pools.fence("t", at("t"), forever); }
    CHECK(pools.pools.stats().known_now == 0);
}

// ---- routes -------------------------------------------------------------------------------------

TEST_CASE("a route that changed takes effect at once when nothing is leased") {
    Fixture pools;
    const auto moving = [](const char* place) {
        return pool::Target{[place] { return db::Place{place}; }, false};
    };
    Lease old = pools.pools.acquire("t", moving("here"), forever);
    CHECK(error_of([&] { pools.pools.acquire("t", moving("there"), forever); }).code() ==
          Code::busy);
    CHECK(pools.pools.acquire("t", moving("here"), forever));
    old = Lease();
    CHECK(fake(pools.pools.acquire("t", moving("there"), forever)).place == "there");
    pools.maintain();
    pools.consistent();
}

// ---- shutdown -----------------------------------------------------------------------------------

namespace {

// As a conn does it, in a few lines.
struct FakeHolder : pool::Holder {
    std::atomic<int> surrenders{0};
    void surrender() noexcept override { ++surrenders; }
    bool shows_row() const noexcept override { return showing; }
    bool showing = false;
};

}  // namespace

TEST_CASE(
    "after refuse nobody gets a lease: who asks and who waits is told that the db is closed") {
    Fixture pools(bounded({.size_max = 1}));
    Lease held = pools.acquire("t");
    Caller waiting(pools, "t");
    pools.await_waiting("t", 1);
    pools.pools.refuse();
    CHECK(waiting.error().code() == Code::closed);
    CHECK(pools.refused("t").code() == Code::closed);
    CHECK(error_of([&] { pools.pools.fence("u", at("u"), forever); }).code() == Code::closed);
    CHECK_FALSE(pools.pools.wait_until_returned(at_once()));
    held = Lease();
    CHECK(pools.pools.wait_until_returned(at_once()));
    CHECK(pools.world.open == 0);  // closed as it came back
}

TEST_CASE("an opening that ends after refuse is given back") {
    Fixture pools;
    pools.world.hold_opening(true);
    Caller late(pools, "t");
    pools.world.wait_connecting(1);
    pools.pools.refuse();
    pools.world.hold_opening(false);
    CHECK(late.error().code() == Code::closed);
    pools.consistent();
}

TEST_CASE("close_all takes leases that nobody is inside of, and counts them as forced") {
    Fixture pools;
    FakeHolder free, inside;
    Lease claimed = pools.pools.acquire("t", at("t"), forever, &free);
    Lease busy = pools.pools.acquire("t", at("t"), forever, &inside);
    pools.warm("idle");
    claimed.connection().begin({}, forever);
    free.guard = pool::Holder::guard_free;
    CHECK(pools.pools.close_all(Deadline::in(milliseconds(0))) == 2);
    CHECK(free.guard == pool::Holder::guard_dead);
    CHECK(inside.guard == pool::Holder::guard_inside);
    CHECK(free.surrenders == 1);
    CHECK(inside.surrenders == 0);
    CHECK(pools.world.rollbacks == 1);
    CHECK(pools.world.open == 1);
    CHECK(pools.pools.stats().leased_now == 2);
    claimed = Lease();  // nothing is left to give back
    busy = Lease();
    CHECK(pools.world.open == 0);
}

TEST_CASE("close_all leaves a lease that shows a row, and does not wait for it") {
    Fixture pools;
    FakeHolder reader;
    reader.showing = true;
    Lease lease = pools.pools.acquire("t", at("t"), forever, &reader);
    reader.guard = pool::Holder::guard_free;
    CHECK(pools.pools.close_all(Deadline::never()) == 1);
    CHECK(reader.guard == pool::Holder::guard_free);
    CHECK(pools.world.open == 1);
    lease = Lease();
    CHECK(pools.world.open == 0);
}

TEST_CASE("a lease abandoned after the end of maintenance is given back at once") {
    Fixture pools;
    Lease lost = pools.acquire("t");
    CHECK(pools.pools.close_all(Deadline::in(milliseconds(0))) == 1);
    pools.pools.stop_waiting();
    lost.abandon("late");
    CHECK(pools.world.open == 0);
}

TEST_CASE("figures of a pool, a tenant and the db tell the same story") {
    Fixture pools(bounded({.size_max = 2, .files_max = 50}));
    Lease a = pools.acquire("t");
    pools.warm("t");
    a.take_turn(forever);
    const auto rows = pools.pools.pool_stats();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].key == "t");
    CHECK(rows[0].open == 2);
    CHECK(rows[0].idle == 1);
    CHECK(rows[0].leased == 1);
    CHECK(rows[0].writing == 1);
    CHECK(rows[0].files == 5);
    const pool::TenantStats tenant = pools.pools.tenant_stats("t");
    CHECK(tenant.acquires == 2);
    CHECK(tenant.opens == 2);
    CHECK(tenant.writer_turns == 1);
    CHECK(tenant.leased_now == 1);
    CHECK(pools.pools.tenant_stats("nobody").acquires == 0);
    const pool::Stats stats = pools.pools.stats();
    CHECK(stats.acquires == 2);
    CHECK(stats.files_max == 50);
    CHECK(stats.known_now == 1);
}
