// SPDX-License-Identifier: MIT
// Tenants as databases of one server.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/connection.hpp"
#include "db/backend.hpp"
#include "db/retry.hpp"

namespace mtdb::backends::mysql {

const db::Dialect& dialect() noexcept;

class ServerBackend final : public db::Backend {
public:
    ServerBackend(const db::Url& url, const db::Settings& settings);

    const db::Dialect& dialect() const override { return mysql::dialect(); }
    db::FileCost file_cost() const override { return {2, 2}; }  // a socket and what wakes a wait
    std::unique_ptr<db::Connection> open(const db::Place& place, const Wait& wait) override;
    void create(const db::Place& place, const Wait& wait) override;
    bool exists(const db::Place& place, const Wait& wait) override;
    void make_shared(const db::Place& place, const Wait& wait) override;
    void drop(const db::Place& place, const Wait& wait) override;
    void rename(const db::Place& place, const db::Place& target, const Wait& wait) override;
    void copy(db::Connection& source, const db::Place& target, const Wait& wait) override;
    std::unique_ptr<db::TenantCursor> list(const Wait& wait) override;
    bool checkpoint(db::Connection&) override { return false; }

private:
    using Rows = std::vector<std::vector<std::string>>;

    std::shared_ptr<const Conninfo> conninfo_for(const db::Place& place) const;
    // A session of a verb's own: it ends with the verb.
    std::unique_ptr<Session> session_for(const db::Place& place, const Wait& wait) const;
    std::string database_of(const db::Place& place, const Session& session) const;
    void create_database(Session& session, const std::string& name, const Wait& wait) const;
    void lock(Session& session, std::string_view name, const Wait& wait) const;
    void rename_database(Session& session, const std::string& from, const std::string& to, const Wait& wait) const;
    void move_tables(Session& session, const std::string& from, const std::string& to, const Wait& wait) const;
    void drop_tables(Session& session, const std::string& database, const Wait& wait) const;
    void check_movable(Session& session, const std::string& database, const Wait& wait) const;

    std::shared_ptr<const Conninfo> conninfo_;
    std::string shared_;
    std::size_t drop_batch_;
    const db::Retry retry_;
};

}  // namespace mtdb::backends::mysql
