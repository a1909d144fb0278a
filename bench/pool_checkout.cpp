// SPDX-License-Identifier: MIT
// Acquire and give back, warm; against locking and unlocking a std::mutex with the same number of
// threads.
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t pairs = 200000;

// Nanoseconds per pair of all threads together, from a common start.
template <class Work>
double in_threads(int count, Work work) {
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&] {
            while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
            for (int64_t done = 0; done < pairs / count; ++done) work();
        });
    const double spent = timed([&] {
        go.store(true, std::memory_order_release);
        for (auto& thread : threads) thread.join();
    });
    return spent / static_cast<double>(pairs / count * count);
}

}  // namespace

void pool_checkout() {
    auto db = open_db("sqlite::memory:", {{"pool.size_max", "32"}, {"pool.idle_max", "32"}});
    create_tenant(db.get(), "acme");
    const std::string tenant = "acme";
    std::mutex mutex;
    int64_t guarded = 0;
    for (const int threads : {1, 2, 8, 32}) {
        const auto ours = [&] {
            return in_threads(threads, [&] { give_back(acquire(db.get(), tenant)); });
        };
        const auto peer = [&] {
            return in_threads(threads, [&] {
                const std::lock_guard<std::mutex> lock(mutex);
                ++guarded;
            });
        };
        const Figures figures = in_turns(9, ours, peer);
        print("pool_checkout", std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
              "ns/op", figures.ours, figures.peer, figures.ratio(),
              threads == 1 ? at_most(12) : Reach{});
    }
    if (guarded == 0) fail("the peer did nothing");
    close_db(std::move(db));
}

}  // namespace bench
