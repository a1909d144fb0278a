// SPDX-License-Identifier: MIT
// Which process this is: a fork is noticed without a system call, a handler or a thread.
#pragma once

#include <cstdint>

namespace mtdb::base {

// Differs in every process of a fork tree: a word in a page that the kernel wipes at fork (where it cannot: getpid).
uint64_t process_generation() noexcept;

// Counts the engine's open files of this process and, inherited, of its parent at the fork.
void file_opened() noexcept;
void file_closed() noexcept;
// True in a child whose parent had engine files open when it forked: opening one here would take no kernel locks.
bool inherited_open_files() noexcept;

}  // namespace mtdb::base
