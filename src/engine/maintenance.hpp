// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "pool/pools.hpp"

namespace mtdb::engine {

// The one thread of a db: started at first need, named, deaf to signals, never calling into the
// host, joined by stop().
class Maintenance {
public:
    explicit Maintenance(pool::Pools& pools) : pools_(pools) {}
    Maintenance(const Maintenance&) = delete;
    Maintenance& operator=(const Maintenance&) = delete;
    ~Maintenance() { stop(); }

    void ensure();  // any thread; cheap once it runs
    void stop() noexcept;

private:
    void run() noexcept;

    pool::Pools& pools_;
    std::atomic<bool> started_{false};
    std::atomic<bool> stopping_{false};
    std::mutex starting_;
    std::thread thread_;
};

}  // namespace mtdb::engine
