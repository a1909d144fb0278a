// SPDX-License-Identifier: MIT
#include "base/poll.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <thread>

namespace mtdb {
namespace {

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() { REQUIRE(pipe(ends) == 0); }
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
};

}  // namespace

TEST_CASE("poll: a ready socket is told at once, also past the deadline") {
    Pipe pipe;
    REQUIRE(write(pipe.ends[1], "x", 1) == 1);
    Waker waker;
    CHECK(waker.poll(pipe.ends[0], POLLIN, Wait{}));
    CHECK(waker.poll(pipe.ends[0], POLLIN, Wait{Deadline::in(base::milliseconds(0))}));
}

TEST_CASE("poll: the deadline ends the wait") {
    Pipe pipe;
    Waker waker;
    const Wait wait{Deadline::in(base::milliseconds(20))};
    CHECK_FALSE(waker.poll(pipe.ends[0], POLLIN, wait));
    CHECK(wait.deadline.passed());
}

TEST_CASE("poll: a cancel from another thread ends the wait, and its ring does not reach the next one") {
    Pipe pipe;
    Waker waker;
    CancelToken token;
    std::thread other([&] { token.trigger(0); });
    CHECK_FALSE(waker.poll(pipe.ends[0], POLLIN, Wait{Deadline::never(), &token}));
    other.join();
    token.reset();
    CHECK_FALSE(waker.poll(pipe.ends[0], POLLIN, Wait{Deadline::in(base::milliseconds(20)), &token}));
    CHECK_FALSE(token.triggered());
}

TEST_CASE("poll: a shutdown is noticed") {
    Pipe pipe;
    Waker waker;
    std::atomic<bool> shutdown{false};
    std::thread other([&] { shutdown = true; });
    CHECK_FALSE(waker.poll(pipe.ends[0], POLLIN, Wait{Deadline::never(), nullptr, &shutdown}));
    other.join();
}

}  // namespace mtdb
