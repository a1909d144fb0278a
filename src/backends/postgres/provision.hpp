// SPDX-License-Identifier: MIT
// What makes, finds, renames and drops schemas and databases.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/postgres/connection.hpp"
#include "backends/postgres/connector.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::postgres {

// Names that no verb touches: of the system, and those that the db keeps for itself.
class Protected {
public:
    explicit Protected(std::vector<std::string> own) : own_(std::move(own)) {}
    bool covers(std::string_view name) const;
    void check(std::string_view name, const char* verb) const;  // throws Error(permission)
    const std::vector<std::string>& own() const noexcept { return own_; }

private:
    std::vector<std::string> own_;
};

void create_schema(Connection& connection, const std::string& name, const Wait& wait);
void create_database(Connection& connection, const std::string& name, const Wait& wait);
bool schema_exists(Connection& connection, const std::string& name, const Wait& wait);
bool database_exists(Connection& connection, const std::string& name, const Wait& wait);
void rename_schema(Connection& connection, const std::string& name, const std::string& target, const Wait& wait);
void rename_database(Connection& connection, const std::string& name, const std::string& target, const Wait& wait);
// `batch` objects per transaction, so that the server's lock table holds them; what is dropped stays dropped when
// a later batch fails.
void drop_schema(Connection& connection, const std::string& name, int64_t batch, const Wait& wait);
void drop_database(Connection& connection, const std::string& name, const Wait& wait);

// One query, streamed.
std::unique_ptr<db::TenantCursor> list_names(Connector::Admin connection, std::shared_ptr<Connector> connector,
                                             bool databases, Protected kept, const Wait& wait);

}  // namespace mtdb::backends::postgres
