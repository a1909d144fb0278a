// SPDX-License-Identifier: MIT
// When one process may grant leases, and when it may say that it is parked. Pure: the caller does the I/O.
//
// Whoever waits for the parking reads, after its flag is durable, the announcements of all processes, and believes
// that a process grants no lease when it says that it is parked for that flag, when its announcement has expired by
// the store's clock, or when it has none. That holds because of two rules:
//
//   1. A lease is granted only while the last round was a write W of an announcement that says "not parked", followed
//      by a read R that saw no active flag, and only until the announcement's lifetime after the begin of W, measured
//      by the monotonic clock. The store's clock gives W's row an expiry that is no earlier.
//   2. "Parked" is written only after the gate was closed and the leases were then seen to be back.
//
// Let the waiter look at T. No announcement, or an expired one: a grant after T stands on a W after T, or on one whose
// row expired after T, which the waiter would have seen; so W came after T, R after W, and R saw the flag. Parked: a
// grant after T stands on a W that says "not parked"; that W came after what the waiter saw, R after W, and R saw the
// flag. A flag that was renewed, cleared and set again, or that expired while its renewal was on its way changes
// nothing: R decides, and R follows W.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control/quiesce.hpp"

namespace mtdb::control {

// One thread at a time.
class Parking {
public:
    explicit Parking(Announcement self) : self_(std::move(self)) {}

    // What is to be written next; written() once it was.
    const Announcement& announcement() const noexcept { return self_; }
    void written() { written_ = {self_.seen, self_.parked}; }
    // There is news that nobody can read yet. Writing it needs no read after it.
    bool has_news() const { return written_ != std::pair(self_.seen, self_.parked); }

    // After the announcement was written, and then the flags were read. False: another round is needed before what
    // held() names may be let go.
    bool note(const Snapshot& snapshot);
    // The flags that no lease may be granted against: all active ones that this process obeys, and those that the
    // last write still called parked.
    const std::vector<Flag>& held() const noexcept { return held_; }
    // So many of them, the first, are active; the others are over, and go with the next round.
    std::size_t active() const noexcept { return self_.seen.size(); }

    // Looks at the leases, which the gate keeps from growing: how many are out against a flag.
    void look(const std::function<int64_t(const Flag&)>& leases_out);
    // Every active flag that it obeys.
    bool parked() const noexcept { return self_.parked.size() == self_.seen.size(); }

private:
    Announcement self_;
    std::vector<Flag> held_;
    std::pair<std::vector<std::string>, std::vector<std::string>> written_;
};

}  // namespace mtdb::control
