// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "pool/pools.hpp"

namespace mtdb::engine {

// Work that is due at times of its own. Any thread; it never calls into the host.
class Chore {
public:
    virtual base::Time due() noexcept = 0;  // Time::max(): never, until somebody wakes the maintenance
    virtual void work() noexcept = 0;       // afterwards it is due later

protected:
    ~Chore() = default;
};

// The one thread of a db: started at first need, named, deaf to signals, never calling into the
// host, joined by stop().
class Maintenance {
public:
    // The chores outlive it.
    Maintenance(pool::Pools& pools, std::vector<Chore*> chores) : pools_(pools), chores_(std::move(chores)) {}
    Maintenance(const Maintenance&) = delete;
    Maintenance& operator=(const Maintenance&) = delete;
    ~Maintenance() { stop(); }

    void ensure();  // any thread; cheap once it runs
    void stop() noexcept;
    // Does one chore that is due; false when none is.
    bool step() noexcept;

private:
    void run() noexcept;

    pool::Pools& pools_;
    const std::vector<Chore*> chores_;
    std::atomic<bool> started_{false};
    std::atomic<bool> stopping_{false};
    std::mutex starting_;
    std::thread thread_;
};

}  // namespace mtdb::engine
