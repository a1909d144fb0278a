// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mtdb::db {

// Where a db is: "sqlite:DIR", "sqlite:///DIR", "file:DIR", a plain DIR, "sqlite::memory:", "echo:", a libpq URI
// ("postgres://", "postgresql://") or key/value string ("host=... dbname=..."), "mysql://", "mariadb://", and the
// form of Go's driver, "user:password@tcp(host:port)/database?key=value" (with or without "mysql://" in front).
struct Url {
    std::string scheme;  // lower case, one per backend: "sqlite", "postgres", "mysql", "echo"
    // The folder, ":memory:", or empty; percent-decoded for the // forms and file:. For a server the whole text
    // without `settings`, as its backend parses it. It may hold a password.
    std::string target;
    // Taken out of a server's url: keys that begin with mtdb_, gmt_ or x-, as they stand there, values decoded.
    std::vector<std::pair<std::string, std::string>> settings = {};
    // Throws Error(invalid_argument): empty, a NUL byte, a bad escape, a query part of a folder. Its message holds
    // no more of a server's url than the scheme.
    static Url parse(std::string_view text);
};

// Percent-decoding; `plus`: '+' is a space. Throws Error(invalid_argument) without the text.
std::string percent_decoded(std::string_view text, bool plus = false);
std::string percent_encoded(std::string_view text);

}  // namespace mtdb::db
