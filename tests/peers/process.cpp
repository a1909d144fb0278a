// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace peers {

Process::Process(const std::vector<std::string>& command) {
    std::array<int, 2> to{}, from{};
    if (pipe(to.data()) != 0 || pipe(from.data()) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (const int end : {to[0], to[1], from[0], from[1]}) close(end);
        std::vector<char*> arguments;
        for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        execvp(arguments.front(), arguments.data());
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = fdopen(to[1], "w");
    out_ = fdopen(from[0], "r");
}

Process::~Process() {
    fclose(in_);  // which ends it
    fclose(out_);
    waitpid(child_, nullptr, 0);
}

Process::Reply Process::ask(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : "\t") + word;
    line += '\n';
    if (fputs(line.c_str(), in_) < 0 || fflush(in_) != 0) throw std::runtime_error("the peer is gone");
    Reply reply;
    for (;;) {
        char* text = nullptr;
        std::size_t room = 0;
        const ssize_t size = getline(&text, &room, out_);
        std::string got(text != nullptr && size > 0 ? text : "", size > 0 ? static_cast<std::size_t>(size) : 0);
        free(text);
        if (size <= 0) throw std::runtime_error("the peer is gone");
        if (got.ends_with('\n')) got.pop_back();
        if (got == "ok") return reply;
        if (got.starts_with("error ")) {
            reply.error = got.substr(6);
            return reply;
        }
        reply.lines.push_back(got);
    }
}

}  // namespace peers
