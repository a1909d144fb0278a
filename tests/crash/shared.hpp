// SPDX-License-Identifier: MIT
// Memory that a process and its forked children share.
#pragma once

#include <sys/mman.h>

#include <new>

#include "harness.hpp"

template <class T>
class Shared {
public:
    Shared() : memory_(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        harness::check(memory_ != MAP_FAILED, "no shared memory");
        object_ = new (memory_) T();
    }
    Shared(const Shared&) = delete;
    ~Shared() { munmap(memory_, sizeof(T)); }
    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }

private:
    void* memory_;
    T* object_ = nullptr;
};
