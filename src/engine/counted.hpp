// SPDX-License-Identifier: MIT
// Objects behind C handles: counted by reference, so that a child keeps its parents alive whatever
// order they are released in.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/process.hpp"

namespace mtdb::engine {

class Counted {
public:
    Counted() noexcept : Counted(true) {}
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    // In a child of the process that made it the object is leaked on purpose: freeing it could send
    // or unlock something.
    void release() noexcept {
        if (inherited()) return;
        // The only one cannot become two meanwhile: nobody else has one to share.
        if (references_.load(std::memory_order_acquire) == 1 ||
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            last_release();
    }
    bool inherited() const noexcept { return generation_ != base::process_generation(); }
    // Objects of this process that are alive, but for those that keep another one, which is counted:
    // 0 when a program has released all it was given.
    static int64_t live() noexcept { return live_.load(std::memory_order_relaxed); }

protected:
    // Not `listed`: it keeps an object that is.
    explicit Counted(bool listed) noexcept
        : generation_(base::process_generation()), listed_(listed) {
        if (listed_) live_.fetch_add(1, std::memory_order_relaxed);
    }
    virtual ~Counted() {
        if (listed_) live_.fetch_sub(1, std::memory_order_relaxed);
    }
    virtual void last_release() noexcept { delete this; }

private:
    static inline std::atomic<int64_t> live_{0};
    std::atomic<int64_t> references_{1};
    const uint64_t generation_;
    const bool listed_;
};

// One reference.
template <class T>
class Ref {
public:
    Ref() = default;
    Ref(const Ref& other) noexcept : object_(other.object_) {
        if (object_ != nullptr) object_->retain();
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) object_->release();
    }

    static Ref adopt(T* object) noexcept {  // takes over the reference that `new` made
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    static Ref share(T* object) noexcept {
        if (object != nullptr) object->retain();
        return adopt(object);
    }
    T* get() const noexcept { return object_; }
    T* detach() noexcept { return std::exchange(object_, nullptr); }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    T* object_ = nullptr;
};

template <class T, class... Arguments>
Ref<T> make(Arguments&&... arguments) {
    return Ref<T>::adopt(new T(std::forward<Arguments>(arguments)...));
}

}  // namespace mtdb::engine
