// SPDX-License-Identifier: MIT
// Another tool's library in a process of its own, asked line by line.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace peers {

class Process {
public:
    explicit Process(const std::vector<std::string>& command);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    struct Reply {
        std::vector<std::string> lines;
        std::string error;  // empty: it went well
    };
    // Throws std::runtime_error when the process is gone.
    Reply ask(const std::vector<std::string>& words);

private:
    pid_t child_ = -1;
    FILE* in_ = nullptr;   // of the child
    FILE* out_ = nullptr;  // of the child
};

}  // namespace peers
