// SPDX-License-Identifier: MIT
// How long an operation may take and what may end it: made once at the edge, passed down to every
// wait.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.hpp"

namespace mtdb::base {

using Clock = std::chrono::steady_clock;  // Never the wall clock: that one jumps.
using Time = Clock::time_point;
using std::chrono::milliseconds;

// The same clock, late by a few milliseconds at most and several times cheaper.
Time coarse_now() noexcept;

class Deadline {
public:
    static Deadline never() { return Deadline(Time::max()); }
    static Deadline at(Time time) { return Deadline(time); }
    // Saturates: a huge timeout is never.
    static Deadline in(milliseconds timeout, Time now = Clock::now());

    bool passed() const { return time_ != Time::max() && Clock::now() >= time_; }
    bool endless() const { return time_ == Time::max(); }
    Time time() const { return time_; }
    Deadline earlier(Deadline other) const {
        return Deadline(time_ < other.time_ ? time_ : other.time_);
    }
    bool operator==(const Deadline&) const = default;

private:
    explicit Deadline(Time time) : time_(time) {}
    Time time_;
};

// Something that sleeps on a condition and must be woken by a cancel.
struct Sleeper {
    std::mutex* mutex;
    std::condition_variable* wake;
    Sleeper* next = nullptr;
    Sleeper** link = nullptr;
    int event = -1;  // of a sleeper that polls: rung instead of wake, and mutex is null
    bool waking = false;  // a trigger is about to use mutex and wake: leave() waits for it
    bool woken = false;
};

// A cancel token: sticky within its generation, armed again by reset(). Any thread.
class CancelToken {
public:
    bool triggered() const noexcept {
        return triggered_.load(std::memory_order_acquire) >=
               generation_.load(std::memory_order_acquire);
    }
    // False when that generation has passed; 0 means the present one. Wakes every sleeper.
    bool trigger(int64_t generation) noexcept;
    int64_t reset() noexcept;

    // For Wait only: a sleeper is listed while it sleeps. enrol() with the sleeper's mutex held,
    // leave() without.
    void enrol(Sleeper& sleeper) noexcept;
    void leave(Sleeper& sleeper) noexcept;

private:
    Sleeper* next_to_wake() noexcept;  // with mutex_ held

    std::atomic<int64_t> generation_{1};
    std::atomic<int64_t> triggered_{0};
    std::mutex
        mutex_;  // after a sleeper's mutex, never before: trigger() drops it while it wakes one
    std::condition_variable settled_;
    Sleeper* sleepers_ = nullptr;
};

// A deadline, a token, and the flags of a shutdown and of one lease's end, each of which may be absent. Cheap to copy;
// what it points to outlives it.
struct Wait {
    Deadline deadline = Deadline::never();
    CancelToken* cancel = nullptr;
    const std::atomic<bool>* shutdown =
        nullptr;  // once true, the operation ends with Error(closed)
    const std::atomic<bool>* revoked = nullptr;  // once true, it ends with Error(tenant_held)

    static Wait forever() { return {}; }
    bool cancelled() const noexcept { return cancel != nullptr && cancel->triggered(); }
    bool shut_down() const noexcept {
        return (shutdown != nullptr && shutdown->load(std::memory_order_acquire)) || taken_away();
    }
    bool taken_away() const noexcept {
        return revoked != nullptr && revoked->load(std::memory_order_acquire);
    }
    bool over() const { return cancelled() || shut_down() || deadline.passed(); }
    // Throws Error(cancelled), Error(closed) or Error(timeout); `what` completes "timed out waiting
    // for …".
    void check(const char* what) const;
    Error error(const char* what) const;

    // Sleeps on `wake` (whose mutex `held` holds) until notified, cancelled, or the deadline;
    // spurious wake-ups happen, so the caller loops over its condition and over().
    void sleep(std::unique_lock<std::mutex>& held, std::condition_variable& wake) const;
    // Sleeps at most `time`, less when cancelled or at the deadline.
    void pause(milliseconds time) const;
};

}  // namespace mtdb::base

namespace mtdb {
using base::CancelToken;
using base::Deadline;
using base::Wait;
}  // namespace mtdb
