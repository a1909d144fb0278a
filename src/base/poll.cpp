// SPDX-License-Identifier: MIT
#include "base/poll.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace mtdb::base {
namespace {

constexpr milliseconds shutdown_look(20);

// Milliseconds to sleep, rounded up so that a wait is never over early; -1: without end.
int sleep_of(const Wait& wait) {
    Deadline end = wait.deadline;
    if (wait.shutdown != nullptr) end = end.earlier(Deadline::in(shutdown_look));
    if (end.endless()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(end.time() - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

Waker::~Waker() {
    if (event_ >= 0) close(event_);
}

bool Waker::poll(int fd, short events, const Wait& wait) {
    if (wait.cancel != nullptr && event_ < 0) {
        event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event_ < 0) throw Error(Code::io, "no descriptor is left to wait for a cancel with");
    }
    struct Enrolled {  // listed while it polls
        CancelToken* cancel;
        Sleeper sleeper;
        Enrolled(CancelToken* token, int event) : cancel(token), sleeper{nullptr, nullptr} {
            sleeper.event = event;
            if (cancel != nullptr) cancel->enrol(sleeper);
        }
        ~Enrolled() {
            if (cancel != nullptr) cancel->leave(sleeper);
        }
    } enrolled(wait.cancel, event_);
    pollfd watched[2] = {{fd, events, 0}, {event_, POLLIN, 0}};
    for (;;) {
        const bool over = wait.over();
        const int ready = ::poll(watched, wait.cancel != nullptr ? 2 : 1, over ? 0 : sleep_of(wait));
        if (ready < 0 && errno != EINTR) throw Error(Code::io, "a socket cannot be waited for");
        if (ready > 0 && watched[0].revents != 0) return true;
        if (over) return false;
        if (ready > 0 && watched[1].revents != 0) {  // rung now, or for an operation before
            uint64_t rings = 0;
            if (read(event_, &rings, sizeof rings) < 0) continue;
        }
    }
}

}  // namespace mtdb::base
