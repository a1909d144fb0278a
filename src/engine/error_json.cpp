// SPDX-License-Identifier: MIT
#include "engine/error_json.hpp"

#include "engine/json.hpp"

namespace mtdb::engine {

std::string json_of(const Error& error) {
    const auto status = static_cast<int32_t>(error.code());
    constexpr const char* effects[] = {"none", "rolled_back", "committed", "unknown"};
    Json json = Json::object();
    json.add("status", int64_t{status});
    json.add("name", std::string_view(base::name_of(status)));
    json.add("message", std::string_view(error.message()));
    json.add("sqlstate", error.sqlstate());
    json.add("engine", error.engine());
    json.add("native", error.native());
    json.add("effect", std::string_view(effects[static_cast<int32_t>(error.effect())]));
    json.add("retryable", int64_t{error.retryable() ? 1 : 0});
    json.add("tenant", std::string_view(error.tenant()));
    json.add("script", std::string_view(error.script()));
    json.add("statement", error.statement());
    json.add("line", error.line());
    json.add("column", error.column());
    json.add("limit", std::string_view(error.limit()));
    return json.text();
}

}  // namespace mtdb::engine
