// SPDX-License-Identifier: MIT
// The 99th percentile of what 50 quiet tenants wait and read, while one noisy tenant keeps all 8
// connections busy and 64 more of its threads waiting; against the quiet ones alone. A read takes 4
// ms of the server's time and none of a processor's, so that the turns in the pool decide and not
// how many cores the machine has.
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "servers.hpp"

namespace bench {
namespace {

constexpr int64_t rows = 10;
constexpr int quiet = 50;
constexpr int connections = 8;
constexpr int noisy_threads = connections + 64;
constexpr int64_t reads = 25;  // of each quiet tenant and round
constexpr int64_t pause_us = 50000;
constexpr char slow_query[] = "SELECT v FROM kv, pg_sleep(0.004) WHERE id = $1";

void pause(Random& random) {
    std::this_thread::sleep_for(std::chrono::microseconds(pause_us / 2 + random.below(pause_us)));
}

// Milliseconds.
double quiet_p99(mtdb_db* db) {
    std::mutex mutex;
    std::vector<double> all;
    in_threads(quiet, [&](int thread) {
        const std::string tenant = tenant_name(1 + thread);
        std::vector<double> times;
        Random random(static_cast<uint64_t>(thread) + 1);
        for (int64_t k = 0; k < reads; ++k) {
            pause(random);
            times.push_back(timed([&] { lease_and_read(db, tenant, slow_query, 1 + k % rows); }));
        }
        const std::lock_guard lock(mutex);
        all.insert(all.end(), times.begin(), times.end());
    });
    return percentile(all, 0.99) / 1e6;
}

double quiet_p99_beside_noise(mtdb_db* db) {
    std::atomic<bool> over{false};
    std::vector<std::thread> noise;
    for (int i = 0; i < noisy_threads; ++i)
        noise.emplace_back([&] {
            while (!over.load()) lease_and_read(db, tenant_name(0), slow_query, 1);
        });
    const double p99 = quiet_p99(db);
    over.store(true);
    for (auto& thread : noise) thread.join();
    return p99;
}

}  // namespace

void fairness() {
    const PostgresDatabase database;
    database.make_tenants(1 + quiet, rows);
    auto db = open_db(database.url(), {{"pool.size_max", std::to_string(connections)}});
    const Figures figures = in_turns(
        5, [&] { return quiet_p99_beside_noise(db.get()); }, [&] { return quiet_p99(db.get()); });
    print("fairness", "50 quiet tenants beside a noisy one, p99", "ms", figures.ours, figures.peer,
          figures.ratio(), at_most(3));
    close_db(std::move(db));
}

}  // namespace bench
