// SPDX-License-Identifier: MIT
#include "pool/pools.hpp"

#include "race.hpp"
#include "unit/pools_fixture.hpp"

using namespace race;
using pool::Lease;
using pools_test::Fixture;
using pools_test::Maintainer;

namespace {

// Threads that lease, write, abandon and fence random tenants under tight bounds until each has had
// its rounds.
void storm(Fixture& pools, int threads, int each, int tenants) {
    std::atomic<int64_t> served{0};
    together(threads, [&](int i) {
        std::mt19937 random(static_cast<unsigned>(i));
        CancelToken cancel;
        for (int round = 0; round < each; ++round) {
            const std::string key = "t" + std::to_string(static_cast<int>(random()) % tenants);
            const Wait wait{Deadline::in(milliseconds(random() % 4 == 0 ? 0 : 5000)), &cancel};
            try {
                switch (random() % 16) {
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
                        break;
                    }
                    case 3:
                        pools.pools.pool_stats();
                        break;
                    case 4: {
                        const Lease warm = pools.pools.try_idle(key, nullptr);
                        break;
                    }
                    default: {
                        const Lease lease = pools.acquire(key, wait);
                        if (pools_test::fake(lease).place != key)
                            FAIL_CHECK("a connection of another tenant");
                        ++served;
                    }
                }
            } catch (const Error& error) {
                allow(error,
                      {Code::pool_exhausted, Code::busy, Code::timeout, Code::tenant_unknown});
            }
        }
    });
    CHECK(served > 0);
}

pool::Settings tight() {
    pool::Settings settings;
    settings.limits = {.size_max = 3,
                       .leases_max = 0,
                       .tenants_max = 5,
                       .connections_max = 8,
                       .files_max = 30,
                       .memory_max = 0};
    settings.idle_max = 2;
    settings.sweep = milliseconds(1);
    settings.idle = milliseconds(3);
    settings.lifetime = milliseconds(20);
    settings.checkpoint_pages = 1;
    return settings;
}

}  // namespace

TEST_CASE(
    "a storm of leases over tight bounds keeps every figure right, with a maintenance thread") {
    Fixture pools(tight());
    pools.world.log_pages = 3;
    {
        Maintainer maintainer(pools.pools);
        storm(pools, 8, rounds(400), 12);
    }
    pools.maintain();
    pools.consistent();
}

TEST_CASE("a storm of leases over tight bounds keeps every figure right, without a thread") {
    pool::Settings settings = tight();
    settings.helpers = false;
    Fixture pools(settings);
    storm(pools, 8, rounds(400), 12);
    pools.maintain();
    pools.consistent();
}

TEST_CASE("shutdown in the middle of a storm leaves nothing open") {
    for (int round = 0; round < rounds(10); ++round) {
        Fixture pools(tight());
        Maintainer maintainer(pools.pools);
        std::atomic<int> ended{0};
        together(7, [&](int i) {
            if (i == 6) {
                while (pools.pools.stats().acquires < 100) std::this_thread::yield();
                pools.pools.close_all(Deadline::in(milliseconds(1000)));
                return;
            }
            std::mt19937 random(static_cast<unsigned>(i));
            try {
                for (;;) {
                    Lease lease = pools.acquire("t" + std::to_string(random() % 9));
                    if (random() % 8 == 0) lease.abandon("late");
                }
            } catch (const Error& error) {
                allow(error, {Code::closed});
                ++ended;
            }
        });
        CHECK(ended == 6);
    }
}
