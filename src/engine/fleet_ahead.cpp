// SPDX-License-Identifier: MIT
#include "engine/fleet_ahead.hpp"

#include <utility>

#include "engine/db.hpp"
#include "migrate/runner.hpp"

namespace mtdb::engine {

HistoriesAhead::HistoriesAhead(Db& db, std::shared_ptr<const migrate::Runner> runner)
    : db_(db), runner_(std::move(runner)) {}

// Scripts that differ from tenant to tenant, and callbacks that run where nothing is to do, need the tenant itself.
bool HistoriesAhead::need_tenants() const {
    return runner_->source().differs_by_tenant() || !runner_->source().callbacks().empty();
}

bool HistoriesAhead::offered() const {
    return db_.tenants_are_namespaces() && migrate::Histories::offered(db_.dialect()) && !need_tenants();
}

bool HistoriesAhead::offered_files() const { return !db_.dialect().shares_connections && !need_tenants(); }

HistoriesAhead::Server& HistoriesAhead::server_at(const std::string& address, const std::string& first,
                                                  const Wait& wait) {
    Server& server = servers_[address];
    if (server.connection == nullptr || !server.connection->in_place()) {
        server.histories.reset();
        server.connection = db_.server_connection({first, address}, wait);
        server.histories = std::make_unique<migrate::Histories>(runner_->texts(), runner_->dialect(),
                                                                *server.connection, wait);
    }
    return server;
}

std::vector<std::optional<migrate::Known>> HistoriesAhead::read(std::span<const std::string> tenants,
                                                                const Wait& wait) {
    struct Group {
        std::vector<std::size_t> places;  // in `tenants`
        std::vector<std::string> namespaces;
    };
    std::map<std::string, Group> by_server;
    for (std::size_t i = 0; i < tenants.size(); ++i) {
        auto where = db_.place_of(tenants[i]);
        if (!where || where->path.empty()) continue;
        Group& group = by_server[where->server];
        group.places.push_back(i);
        group.namespaces.push_back(std::move(where->path));
    }
    std::vector<std::optional<migrate::Known>> known(tenants.size());
    for (const auto& [address, group] : by_server) {
        try {
            Server& server = server_at(address, group.namespaces.front(), wait);
            auto read = server.histories->read(group.namespaces, wait);
            for (std::size_t i = 0; i < read.size(); ++i)
                if (read[i])
                    known[group.places[i]] = {std::move(*read[i]), server.histories->database()};
        } catch (const Error&) {
            // Each tenant will say for itself what is wrong.
            servers_.erase(address);
            if (wait.over()) throw;
        }
    }
    return known;
}

}  // namespace mtdb::engine
