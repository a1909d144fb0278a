// SPDX-License-Identifier: MIT
#include "backends/registry.hpp"

#include "backends/echo/echo.hpp"
#include "backends/sqlite/sqlite.hpp"
#ifdef MTDB_WITH_POSTGRES
#include "backends/postgres/postgres.hpp"
#endif
#ifdef MTDB_WITH_MYSQL
#include "backends/mysql/mysql.hpp"
#endif
#include "base/text.hpp"

namespace mtdb::backends {

namespace {

struct Entry {
    std::string_view scheme;
    std::unique_ptr<db::Backend> (*make)(const db::Url&, const db::Settings&);
};

constexpr Entry entries[] = {
    {"sqlite", &sqlite::make},
#ifdef MTDB_WITH_POSTGRES
    {"postgres", &postgres::make},
#endif
#ifdef MTDB_WITH_MYSQL
    {"mysql", &mysql::make},
#endif
    {"echo", &echo::make},
};

}  // namespace

std::unique_ptr<db::Backend> open(const db::Url& url, const db::Settings& settings) {
    for (const Entry& entry : entries)
        if (entry.scheme == url.scheme) return entry.make(url, settings);
    throw Error(Code::unsupported,
                "no backend for '" + base::excerpt(url.scheme) + ":'; there are: " + names());
}

std::string names() {
    std::string out;
    for (const Entry& entry : entries) {
        if (!out.empty()) out += ", ";
        out += entry.scheme;
    }
    return out;
}

}  // namespace mtdb::backends
