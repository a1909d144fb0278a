// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <mutex>

namespace mtdb::base {

// State behind its lock: it is reached only through lock(), so forgetting the lock does not
// compile.
template <class State>
class Guarded {
public:
    class Access {
    public:
        State* operator->() noexcept { return &owner_->state_; }
        State& operator*() noexcept { return owner_->state_; }
        std::unique_lock<std::mutex>& held() noexcept { return held_; }

        // Runs work without the lock: for I/O and anything slow.
        template <class Work>
        decltype(auto) unlocked(Work&& work) {
            held_.unlock();
            struct Relock {
                std::unique_lock<std::mutex>& held;
                ~Relock() { held.lock(); }
            } relock{held_};
            return work();
        }

    private:
        friend class Guarded;
        explicit Access(Guarded& owner) : owner_(&owner), held_(owner.mutex_) {}
        Guarded* owner_;
        std::unique_lock<std::mutex> held_;
    };

    Access lock() { return Access(*this); }

private:
    std::mutex mutex_;
    State state_;
};

}  // namespace mtdb::base

namespace mtdb {
using base::Guarded;
}  // namespace mtdb
