// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

namespace peers {

// Where tenants are, for each tool.
struct Place {
    std::string backend;  // "sqlite", "postgres", "mariadb"
    std::string url;      // mtdb's
    // With the tenant's name in it.
    std::function<std::string(const std::string&)> jdbc, golang;
    std::string user, password;
};
// `root`: of SQLite's files; `database`: PostgreSQL's. Both servers by TCP and without TLS, but for mtdb's url.
Place place_of(const std::string& backend, const std::string& root, const std::string& database = "app");

}  // namespace peers
