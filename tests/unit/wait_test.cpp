// SPDX-License-Identifier: MIT
#include "base/wait.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace mtdb;
using base::Clock;
using base::milliseconds;

TEST_CASE("a deadline saturates: a huge timeout is never, a negative one is now") {
    CHECK(Deadline::in(milliseconds::max()).endless());
    CHECK(Deadline::in(milliseconds(int64_t{1} << 60)).endless());
    CHECK_FALSE(Deadline::in(milliseconds::max()).passed());
    CHECK(Deadline::in(milliseconds(0)).passed());
    CHECK(Deadline::in(milliseconds(-5)).passed());
    CHECK(Deadline::in(milliseconds::min()).passed());
    const auto now = Clock::now();
    CHECK(Deadline::in(milliseconds(1500), now).time() == now + milliseconds(1500));
    CHECK_FALSE(Deadline::in(milliseconds(100000)).passed());
}

TEST_CASE("the earlier of two deadlines counts") {
    const Deadline soon = Deadline::in(milliseconds(10));
    const Deadline late = Deadline::in(milliseconds(1000));
    CHECK(soon.earlier(late) == soon);
    CHECK(late.earlier(soon) == soon);
    CHECK(Deadline::never().earlier(late) == late);
    CHECK(Deadline::never().earlier(Deadline::never()).endless());
}

TEST_CASE("the coarse clock lags behind by little and never runs ahead") {
    const auto coarse = base::coarse_now();
    const auto fine = Clock::now();
    CHECK(coarse <= fine);
    CHECK(fine - coarse < milliseconds(1000));
}

TEST_CASE("a cancel is sticky within its generation, and a late one touches nothing") {
    CancelToken token;
    CHECK_FALSE(token.triggered());
    CHECK(token.trigger(1));
    CHECK(token.triggered());
    CHECK(token.trigger(0));
    CHECK(token.reset() == 2);
    CHECK_FALSE(token.triggered());
    CHECK_FALSE(token.trigger(1));
    CHECK_FALSE(token.trigger(3));
    CHECK_FALSE(token.triggered());
    CHECK(token.trigger(2));
    CHECK(token.triggered());
}

TEST_CASE("what ends a wait is told: cancel before shutdown before the deadline") {
    CancelToken token;
    std::atomic<bool> shutdown{false};
    const Wait wait{Deadline::in(milliseconds(0)), &token, &shutdown};
    CHECK(wait.over());
    CHECK(wait.error("a turn").code() == Code::timeout);
    CHECK(wait.error("a turn").message() == "timed out waiting for a turn");
    shutdown = true;
    CHECK(wait.error("a turn").code() == Code::closed);
    token.trigger(0);
    CHECK(wait.error("a turn").code() == Code::cancelled);
    CHECK_THROWS_AS(wait.check("a turn"), Error);
    CHECK_NOTHROW(Wait::forever().check("anything"));
    CHECK_FALSE(Wait::forever().over());
}

TEST_CASE(
    "a pause ends at its time, at the deadline, at a cancel that came before, and at shutdown") {
    Wait::forever().pause(milliseconds(1));
    Wait{Deadline::in(milliseconds(1))}.pause(milliseconds(1000000));
    CancelToken token;
    token.trigger(0);
    Wait{Deadline::never(), &token}.pause(milliseconds(1000000));
    std::atomic<bool> shutdown{false};
    std::thread stopper([&] { shutdown = true; });
    Wait{Deadline::never(), nullptr, &shutdown}.pause(milliseconds(1000000));
    stopper.join();
}

TEST_CASE("a cancel wakes those who pause and those who sleep on a condition") {
    CancelToken token;
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<int> started{0};
    std::thread pausing([&] {
        ++started;
        Wait{Deadline::never(), &token}.pause(milliseconds(1000000));
    });
    std::thread sleeping([&] {
        const Wait wait{Deadline::never(), &token};
        std::unique_lock held(mutex);
        ++started;
        while (!wait.over()) wait.sleep(held, wake);
    });
    while (started < 2) std::this_thread::yield();
    token.trigger(0);
    pausing.join();
    sleeping.join();
}

TEST_CASE("a notified sleeper wakes without its token") {
    std::mutex mutex;
    std::condition_variable wake;
    bool ready = false;
    CancelToken token;
    std::thread sleeping([&] {
        std::unique_lock held(mutex);
        while (!ready) Wait{Deadline::never(), &token}.sleep(held, wake);
    });
    {
        const std::lock_guard lock(mutex);
        ready = true;
    }
    wake.notify_one();
    sleeping.join();
    CHECK_FALSE(token.triggered());
}
