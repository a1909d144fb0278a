// SPDX-License-Identifier: MIT
// What every target shares: the input as text, refusal as the only allowed failure, and claims that must hold.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"

namespace mtdb::fuzz {

inline std::string_view text_of(const uint8_t* data, std::size_t size) {
    return size == 0 ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(data), size);
}

inline void claim(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

// Runs `work`; an Error is an answer, and has the form that every message has. Anything else is a bug.
template <class Work>
void may_refuse(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        claim(!error.message().empty(), "a refusal says why");
        claim(error.message().find_first_of("\r\n") == std::string::npos, "a message is one line");
        claim(error.code() != Code::internal, "a refusal is not our own mistake");
    }
}

}  // namespace mtdb::fuzz
