// SPDX-License-Identifier: MIT
// Failures that may pass by themselves: how often and how long they are waited out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "base/error.hpp"
#include "base/wait.hpp"
#include "db/backend.hpp"

namespace mtdb::db {

struct Retry {
    int64_t max = 0;
    base::milliseconds interval{0};
    base::milliseconds interval_max{0};

    static Retry of(const Settings& settings) {
        return {settings.integer("retry.max"),
                base::milliseconds(settings.integer("retry.interval_ms")),
                base::milliseconds(settings.integer("retry.interval_max_ms"))};
    }

    // Runs work again after a failure that may pass and changed nothing: longer each time, and
    // differently for everyone.
    template <class Work>
    decltype(auto) run(const Wait& wait, Work&& work) const {
        base::milliseconds pause = interval;
        std::minstd_rand jitter(
            static_cast<uint32_t>(base::Clock::now().time_since_epoch().count()));
        for (int64_t retries = 0;; ++retries) {
            try {
                return work();
            } catch (const Error& error) {
                if (!error.retryable() || error.code() == Code::timeout || retries >= max ||
                    wait.over())
                    throw;
            }
            const int64_t half = pause.count() / 2;
            wait.pause(
                base::milliseconds(pause.count() - half +
                                   (half > 0 ? static_cast<int64_t>(jitter()) % (half + 1) : 0)));
            pause = std::min(pause * 2, interval_max);
        }
    }
};

}  // namespace mtdb::db
