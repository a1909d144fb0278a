// SPDX-License-Identifier: MIT
// The histories of a fleet's tenants, read ahead by hundreds where they share a server.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "migrate/histories.hpp"
#include "migrate/runner.hpp"

namespace mtdb::engine {

class Db;

// One thread.
class HistoriesAhead {
public:
    HistoriesAhead(Db& db, std::shared_ptr<const migrate::Runner> runner);
    // False: each tenant must be looked at by itself.
    bool offered() const;
    // The same for files, which are looked at one by one, without a lease: Db::glance().
    bool offered_files() const;
    // One per tenant, in their order. Nothing: it must be looked at by itself.
    std::vector<std::optional<migrate::Known>> read(std::span<const std::string> tenants, const Wait& wait);

private:
    struct Server {  // one connection that reads the histories of many
        std::unique_ptr<db::Connection> connection;
        std::unique_ptr<migrate::Histories> histories;
    };
    bool need_tenants() const;
    Server& server_at(const std::string& address, const std::string& first, const Wait& wait);

    Db& db_;
    const std::shared_ptr<const migrate::Runner> runner_;
    std::map<std::string, Server> servers_;
};

}  // namespace mtdb::engine
