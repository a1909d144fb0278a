// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace mtdb::db {

// Where a db is: "sqlite:DIR", "sqlite:///DIR", "file:DIR", a plain DIR, "sqlite::memory:",
// "echo:".
struct Url {
    std::string scheme;  // lower case: "sqlite", "echo"
    std::string
        target;  // the folder, ":memory:", or empty; percent-decoded for the // forms and file:
    // Throws Error(invalid_argument): empty, a NUL byte, a bad escape, a query part (none is
    // known).
    static Url parse(std::string_view text);
};

}  // namespace mtdb::db
