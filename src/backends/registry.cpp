// SPDX-License-Identifier: MIT
#include "backends/registry.hpp"

#include "backends/echo/echo.hpp"
#include "backends/sqlite/sqlite.hpp"
#include "base/text.hpp"

namespace mtdb::backends {

namespace {

struct Entry {
    std::string_view scheme;
    std::unique_ptr<db::Backend> (*make)(const db::Url&, const db::Settings&);
};

constexpr Entry entries[] = {
    {"sqlite", &sqlite::make},
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
