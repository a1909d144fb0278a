// SPDX-License-Identifier: MIT
#include "engine/maintenance.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>

namespace mtdb::engine {

void Maintenance::ensure() {
    if (started_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(starting_);
    if (started_.load(std::memory_order_relaxed) || stopping_.load()) return;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all,
                    &before);  // inherited by the thread: signals stay the host's
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    started_.store(true, std::memory_order_release);
}

void Maintenance::run() noexcept {
    pthread_setname_np(pthread_self(), "mtdb-maintain");
    while (!stopping_.load(std::memory_order_acquire)) {
        while (!stopping_.load(std::memory_order_acquire) && (step() || pools_.step())) {
        }
        base::Time next = base::Time::max();
        for (Chore* chore : chores_) next = std::min(next, chore->due());
        pools_.wait_for_work(next);
    }
}

bool Maintenance::step() noexcept {
    for (Chore* chore : chores_) {
        const base::Time due = chore->due();
        if (due > base::Clock::now()) continue;
        chore->work();
        return true;
    }
    return false;
}

void Maintenance::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    pools_.stop_waiting();
    const std::lock_guard lock(starting_);
    if (thread_.joinable()) thread_.join();
}

}  // namespace mtdb::engine
