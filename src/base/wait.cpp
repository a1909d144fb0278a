// SPDX-License-Identifier: MIT
#include "base/wait.hpp"

#include <time.h>
#include <unistd.h>

#include <string>

namespace mtdb::base {

Time coarse_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Deadline Deadline::in(milliseconds timeout, Time now) {
    if (timeout <= milliseconds(0)) return at(now);
    const auto room = std::chrono::duration_cast<milliseconds>(Time::max() - now);
    return timeout >= room ? never() : at(now + timeout);
}

bool CancelToken::trigger(int64_t generation) noexcept {
    std::unique_lock lock(mutex_);
    const int64_t present = generation_.load(std::memory_order_relaxed);
    if (generation != 0 && generation != present) return false;
    triggered_.store(present, std::memory_order_release);
    for (Sleeper* sleeper = sleepers_; sleeper != nullptr; sleeper = sleeper->next)
        sleeper->woken = false;
    while (Sleeper* sleeper = next_to_wake()) {
        if (sleeper->mutex == nullptr) {
            const uint64_t ring = 1;
            const auto rung = write(sleeper->event, &ring, sizeof ring);  // full: rung already
            static_cast<void>(rung);
            sleeper->woken = true;
            continue;
        }
        sleeper->waking = true;
        lock.unlock();
        {
            // Passing through its mutex: it either sleeps already or has yet to look at the flag.
            const std::lock_guard pass(*sleeper->mutex);
        }
        sleeper->wake->notify_all();
        lock.lock();
        sleeper->waking = false;
        sleeper->woken = true;
        settled_.notify_all();
    }
    return true;
}

Sleeper* CancelToken::next_to_wake() noexcept {
    for (Sleeper* sleeper = sleepers_; sleeper != nullptr; sleeper = sleeper->next)
        if (!sleeper->woken && !sleeper->waking) return sleeper;
    return nullptr;
}

int64_t CancelToken::reset() noexcept {
    const std::lock_guard lock(mutex_);
    return generation_.fetch_add(1, std::memory_order_acq_rel) + 1;
}

void CancelToken::enrol(Sleeper& sleeper) noexcept {
    const std::lock_guard lock(mutex_);
    sleeper.next = sleepers_;
    sleeper.link = &sleepers_;
    if (sleepers_ != nullptr) sleepers_->link = &sleeper.next;
    sleepers_ = &sleeper;
}

void CancelToken::leave(Sleeper& sleeper) noexcept {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [&] { return !sleeper.waking; });
    *sleeper.link = sleeper.next;
    if (sleeper.next != nullptr) sleeper.next->link = sleeper.link;
}

Error Wait::error(const char* what) const {
    if (cancelled())
        return Error(Code::cancelled, std::string("cancelled while waiting for ") + what);
    if (taken_away())
        return Error(Code::tenant_held, std::string("the lease was ended by a hold while waiting for ") + what);
    if (shut_down())
        return Error(Code::closed, std::string("the db was shut down while waiting for ") + what);
    return Error(Code::timeout, std::string("timed out waiting for ") + what);
}

void Wait::check(const char* what) const {
    if (over()) throw error(what);
}

void Wait::sleep(std::unique_lock<std::mutex>& held, std::condition_variable& wake) const {
    const auto doze = [&] {
        if (deadline.endless())
            wake.wait(held);
        else
            wake.wait_until(held, deadline.time());
    };
    if (cancel == nullptr) return doze();
    Sleeper sleeper{held.mutex(), &wake};
    cancel->enrol(sleeper);
    if (!cancel->triggered()) doze();
    held.unlock();
    cancel->leave(sleeper);
    held.lock();
}

void Wait::pause(milliseconds time) const {
    constexpr milliseconds shutdown_look(20);
    const Deadline end = deadline.earlier(Deadline::in(time));
    std::mutex mutex;
    std::condition_variable never_notified;
    std::unique_lock held(mutex);
    while (!end.passed() && !over()) {
        const Deadline look = shutdown != nullptr ? end.earlier(Deadline::in(shutdown_look)) : end;
        Wait{look, cancel, nullptr}.sleep(held, never_notified);
    }
}

}  // namespace mtdb::base
