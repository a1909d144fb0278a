// SPDX-License-Identifier: MIT
// Which process this is: a fork is noticed without a system call, a handler or a thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace mtdb::base {

// In a page that the kernel wipes at fork; null until it is asked for, or where the kernel cannot
// do that.
extern std::atomic<std::atomic<uint64_t>*> generation_word;
uint64_t find_generation() noexcept;

// Differs in every process of a fork tree. Two loads, as every call of the library asks for it.
inline uint64_t process_generation() noexcept {
    if (const auto* word = generation_word.load(std::memory_order_acquire))
        if (const uint64_t generation = word->load(std::memory_order_relaxed); generation != 0)
            return generation;
    return find_generation();
}

// Counts the engine's open files of this process and, inherited, of its parent at the fork.
void file_opened() noexcept;
void file_closed() noexcept;
// True in a child whose parent had engine files open when it forked: opening one here would take no
// kernel locks.
bool inherited_open_files() noexcept;

}  // namespace mtdb::base
