// SPDX-License-Identifier: MIT
#include "base/process.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mtdb::base;

namespace {

// What `work` returns in a child, as its exit code.
template <class Work>
int in_child(Work&& work) {
    const pid_t child = fork();
    if (child == 0) _exit(work());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a generation stays within a process and differs in its children and theirs") {
    const uint64_t mine = process_generation();
    CHECK(mine != 0);
    CHECK(process_generation() == mine);
    const int code = in_child([mine] {
        const uint64_t child = process_generation();
        if (child == mine || child == 0 || process_generation() != child) return 1;
        return in_child([mine, child] {
            const uint64_t grandchild = process_generation();
            return grandchild == mine || grandchild == child ? 1 : 0;
        });
    });
    CHECK(code == 0);
    CHECK(process_generation() == mine);
}

TEST_CASE("a child knows that its parent had files open, and so does a child of that child") {
    CHECK_FALSE(inherited_open_files());
    CHECK(in_child([] { return inherited_open_files() ? 1 : 0; }) == 0);
    file_opened();
    CHECK_FALSE(inherited_open_files());
    CHECK(in_child([] {
              if (!inherited_open_files()) return 1;
              return in_child([] { return inherited_open_files() ? 0 : 1; });
          }) == 0);
    CHECK(in_child([] { return in_child([] { return inherited_open_files() ? 0 : 1; }); }) == 0);
    file_closed();
    CHECK(in_child([] { return inherited_open_files() ? 1 : 0; }) == 0);
}
