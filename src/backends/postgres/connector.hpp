// SPDX-License-Identifier: MIT
// How a backend comes to its connections: for leases, and the few of its own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "backends/postgres/connection.hpp"
#include "backends/postgres/conninfo.hpp"

namespace mtdb::backends::postgres {

// What option postgres.pooler says.
enum class PoolerOption { find_out, none, session, transaction };

class Connector : public std::enable_shared_from_this<Connector> {
public:
    Connector(Keywords base, ConnectOptions options, PoolerOption pooler, bool parked, Config config);

    // A connection that stands nowhere.
    std::unique_ptr<Connection> open(const std::string& server, const Wait& wait);
    // As open(), to the same server's other database, where databases are made and dropped.
    std::unique_ptr<Connection> open_beside(const std::string& server, const Wait& wait);
    // The database that a server's connections are for.
    std::string database_of(const std::string& server) const;
    const std::string& base_database() const noexcept { return base_database_; }

    // A connection for the backend's own work, kept for the next; it takes itself back.
    class Admin {
    public:
        Admin(Connector& owner, std::string key, std::unique_ptr<Connection> connection)
            : owner_(&owner), key_(std::move(key)), connection_(std::move(connection)) {}
        Admin(Admin&&) = default;
        Admin& operator=(Admin&&) = delete;
        ~Admin();
        Connection& operator*() const noexcept { return *connection_; }
        Connection* operator->() const noexcept { return connection_.get(); }

    private:
        Connector* owner_;
        std::string key_;
        std::unique_ptr<Connection> connection_;
    };
    enum class Where { database, beside };
    Admin admin(const std::string& server, Where where, const Wait& wait);

    // As Config::type_name.
    std::string type_name(const std::string& server, Oid oid) noexcept;
    // The types' names are asked for through it from now on.
    void serve_type_names();

private:
    std::unique_ptr<Connection> connect(const Keywords& keywords, const std::string& server, const Wait& wait);
    void check_extensions(Connection& connection, const std::string& server, const Wait& wait);
    std::unique_ptr<Connection> dial(const Keywords& keywords, const std::string& server, Startup startup,
                                     Pooling pooling, const Wait& wait);

    const Keywords base_;
    const ConnectOptions options_;
    const bool parked_;
    std::string base_database_;
    std::shared_ptr<Config> config_;

    std::mutex mutex_;
    PoolerOption pooler_;  // find_out until it was
    std::string kept_key_;
    std::unique_ptr<Connection> kept_;
    std::map<std::pair<std::string, Oid>, std::string> type_names_;
    std::set<std::string> checked_;  // servers whose extension schemas hold nothing else
};

}  // namespace mtdb::backends::postgres
