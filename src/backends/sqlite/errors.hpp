// SPDX-License-Identifier: MIT
// What SQLite's result codes mean.
#pragma once

#include <sqlite3.h>

#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace mtdb::backends::sqlite {

struct CodeRule {
    int result;  // extended or primary
    Code code;
    std::string_view sqlstate;
};

// Ascending by result code.
std::span<const CodeRule> code_rules() noexcept;
// The rule of the extended code, else of its primary code, else of SQLITE_ERROR.
const CodeRule& rule_of(int result) noexcept;
// What the operating system's error says more precisely than SQLite's code, if it does.
std::optional<Code> code_of_errno(int number) noexcept;

// The error that the handle has just had, with its text. `db` may be null.
Error engine_error(sqlite3* db, int result);
// The same with a text of our own.
Error engine_error(int result, std::string message, int system_errno = 0);

// A failed system call: "cannot open 'x': permission denied".
Error system_error(std::string_view what, std::string_view name, int number);

}  // namespace mtdb::backends::sqlite
