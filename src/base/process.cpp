// SPDX-License-Identifier: MIT
#include "base/process.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace mtdb::base {
namespace {

// Two facts of a process. `generation` lives in a page that a child gets zeroed; the rest is
// inherited as it was.
struct Page {
    std::atomic<uint64_t> generation{1};
};

std::atomic<uint64_t> last_generation{1};
std::atomic<int64_t> open_files{0};
std::atomic<bool> inherited_files{false};  // by this process or one before it, since the last exec

Page* make_page() noexcept {
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    if (madvise(memory, 4096, MADV_WIPEONFORK) != 0) {
        munmap(memory, 4096);
        return nullptr;
    }
    return new (memory) Page;
}

Page* page() noexcept {
    static Page* const made = make_page();
    return made;
}

// First look in a child: give it a generation of its own and remember what its parent had open.
// Lock-free: another thread of the parent may have held any lock when it forked.
uint64_t adopt(std::atomic<uint64_t>& word) noexcept {
    uint64_t expected = 0;
    const uint64_t mine = last_generation.fetch_add(1) + 1;
    const int64_t open = open_files.load();
    if (open > 0)
        inherited_files.store(
            true);  // before anybody sees the new generation; a grandchild's stays true
    if (!word.compare_exchange_strong(expected, mine)) return expected;
    open_files.fetch_sub(open);
    return mine;
}

// Where the kernel cannot wipe a page.
uint64_t generation_by_pid() noexcept {
    static std::atomic<uint64_t> owner{0};
    const auto mine = static_cast<uint64_t>(getpid());
    uint64_t known = owner.load();
    if (known == mine) return mine;
    const int64_t open = open_files.load();
    if (known != 0 && open > 0) inherited_files.store(true);
    if (owner.compare_exchange_strong(known, mine) && known != 0) open_files.fetch_sub(open);
    return mine;
}

}  // namespace

std::atomic<std::atomic<uint64_t>*> generation_word{nullptr};

uint64_t find_generation() noexcept {
    Page* const known = page();
    if (known == nullptr) return generation_by_pid();
    generation_word.store(&known->generation, std::memory_order_release);
    const uint64_t generation = known->generation.load(std::memory_order_acquire);
    return generation != 0 ? generation : adopt(known->generation);
}

void file_opened() noexcept { open_files.fetch_add(1, std::memory_order_relaxed); }

void file_closed() noexcept { open_files.fetch_sub(1, std::memory_order_relaxed); }

bool inherited_open_files() noexcept {
    process_generation();
    return inherited_files.load(std::memory_order_acquire);
}

}  // namespace mtdb::base
