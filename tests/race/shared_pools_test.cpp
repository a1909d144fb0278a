// SPDX-License-Identifier: MIT
// Many tenants over the few connections of a server.
#include "pool/pools.hpp"
#include "race.hpp"
#include "unit/pools_fixture.hpp"

using namespace race;
using pool::Lease;
using pools_test::FakeConnection;
using pools_test::Fixture;
using pools_test::Maintainer;

namespace {

constexpr int64_t size = 8;

pool::Settings shared() {
    pool::Settings settings;
    settings.limits = {.size_max = size, .leases_max = 4, .connections_max = 12, .files_max = 11};
    settings.file_cost = {.first = 1, .further = 1};
    settings.idle_max = 6;
    settings.sweep = milliseconds(1);
    settings.idle = milliseconds(3);
    settings.lifetime = milliseconds(50);
    settings.shares_connections = true;
    settings.touched_max = 40;
    settings.retry_interval = milliseconds(1);
    settings.retry_interval_max = milliseconds(2);
    return settings;
}

// As a holder works: the connection stands in the tenant, and nobody else is in it.
void work(Lease& lease, const std::string& key) {
    FakeConnection& connection = pools_test::fake(lease);
    if (connection.inside.exchange(true)) FAIL_CHECK("two threads at once in one connection");
    if (connection.place != key) FAIL_CHECK("a connection that stands in another tenant");
    if (connection.in_place()) lease.prove();
    connection.inside = false;
}

void one_round(Fixture& pools, std::mt19937& random, const std::string& key, const Wait& wait) {
    switch (random() % 32) {
        case 0: {
            const pool::Fence fence = pools.pools.fence(key, pools_test::at(key), wait);
            break;
        }
        case 1:
            pools.acquire(key, wait).abandon("storm");
            break;
        case 2: {
            Lease lease = pools.acquire(key, wait);
            lease.take_turn(wait);
            lease.connection().begin({}, wait);
            work(lease, key);
            break;
        }
        case 3:
            pools.pools.pool_stats();
            break;
        case 4: {
            const std::lock_guard lock(pools.world.mutex);
            if (random() % 4 == 0) pools.world.lost = pools.world.opened;
            if (random() % 4 == 0)
                pools.world.failures.push_back(Error(Code::unavailable, "refused"));
            break;
        }
        case 5: {
            Lease lease = pools.acquire(key, wait);
            lease.bump_schema();
            lease.set_mark(1);
            break;
        }
        case 6: {
            pool::Target target = pools_test::at(key);
            target.proved = true;
            Lease lease = pools.pools.acquire(key, target, wait);
            work(lease, key);
            break;
        }
        default: {
            Lease lease = pools.pools.try_idle(key, nullptr);
            if (!lease) lease = pools.acquire(key, wait);
            work(lease, key);
        }
    }
}

void storm(Fixture& pools, int threads, int each, int tenants) {
    together(threads, [&](int i) {
        std::mt19937 random(static_cast<unsigned>(i));
        CancelToken cancel;
        for (int round = 0; round < each; ++round) {
            // One tenant is asked for as often as all others together.
            const std::string key =
                "t" + std::to_string(random() % 2 == 0 ? 0 : static_cast<int>(random()) % tenants);
            const Wait wait{Deadline::in(milliseconds(random() % 8 == 0 ? 0 : 5000)), &cancel};
            try {
                one_round(pools, random, key, wait);
            } catch (const Error& error) {
                allow(error, {Code::pool_exhausted, Code::busy, Code::timeout, Code::unavailable});
            }
        }
    });
    CHECK(pools.world.open_peak <= size);
    CHECK(pools.pools.stats().moves > 0);
}

}  // namespace

TEST_CASE("16 threads, 500 tenants, 8 connections: each lease stands in its tenant, no bound breaks") {
    SUBCASE("with a maintenance thread") {
        Fixture pools(shared());
        {
            Maintainer maintainer(pools.pools);
            storm(pools, 16, rounds(600), 500);
        }
        pools.maintain();
        pools.consistent();
    }
    SUBCASE("without a thread") {
        pool::Settings settings = shared();
        settings.helpers = false;
        Fixture pools(settings);
        storm(pools, 16, rounds(600), 500);
        pools.maintain();
        pools.consistent();
    }
}

TEST_CASE("servers that share a bound, in a storm, keep every figure right") {
    Fixture pools(shared());
    {
        Maintainer maintainer(pools.pools);
        together(8, [&](int i) {
            std::mt19937 random(static_cast<unsigned>(i));
            for (int round = 0; round < rounds(300); ++round) {
                const std::string server = "s" + std::to_string(random() % 4);
                const std::string key = server + "t" + std::to_string(random() % 5);
                try {
                    Lease lease = pools.pools.acquire(
                        key, {[&] { return db::Place{key, server}; }, true}, Wait::forever());
                    work(lease, key);
                } catch (const Error& error) {
                    allow(error, {Code::unavailable});
                }
            }
        });
    }
    pools.maintain();
    CHECK(pools.world.open_peak <= 12);
}

TEST_CASE("shutdown in the middle of a storm of shared connections leaves nothing open") {
    for (int round = 0; round < rounds(10); ++round) {
        Fixture pools(shared());
        Maintainer maintainer(pools.pools);
        std::atomic<int> ended{0};
        together(13, [&](int i) {
            if (i == 12) {
                while (pools.pools.stats().acquires < 200) std::this_thread::yield();
                pools.pools.close_all(Deadline::in(milliseconds(1000)));
                return;
            }
            std::mt19937 random(static_cast<unsigned>(i));
            try {
                for (;;) {
                    Lease lease = pools.acquire("t" + std::to_string(random() % 30));
                    if (random() % 8 == 0) lease.abandon("late");
                }
            } catch (const Error& error) {
                allow(error, {Code::closed});
                ++ended;
            }
        });
        CHECK(ended == 12);
    }
}
