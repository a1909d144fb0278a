// SPDX-License-Identifier: MIT
// Waiting for a socket within a deadline, a cancel token and a shutdown.
#pragma once

#include "base/wait.hpp"

namespace mtdb::base {

// What a cancel wakes a poll with: one per connection, made when it is first needed. One thread at a time.
class Waker {
public:
    Waker() = default;
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    // Until `fd` is ready for one of `events` (POLLIN, POLLOUT; an error or a hang-up counts): true. False: the
    // wait is over; wait.error() says why. Throws Error(io) when the process has no descriptor left to wait with.
    bool poll(int fd, short events, const Wait& wait);

private:
    int event_ = -1;
};

}  // namespace mtdb::base

namespace mtdb {
using base::Waker;
}  // namespace mtdb
