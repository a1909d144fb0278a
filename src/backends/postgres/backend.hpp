// SPDX-License-Identifier: MIT
// Tenants as schemas of one database, as databases of one server, or as servers.
#pragma once

#include <memory>
#include <string>

#include "backends/postgres/connector.hpp"
#include "backends/postgres/provision.hpp"
#include "db/backend.hpp"
#include "db/retry.hpp"
#include "db/url.hpp"

namespace mtdb::backends::postgres {

class Backend final : public db::Backend {
public:
    Backend(const db::Url& url, const db::Settings& settings);

    const db::Dialect& dialect() const override;
    db::FileCost file_cost() const override { return {2, 2}; }  // a socket, and what a cancel wakes it with
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
    bool is_database(const db::Place& place) const noexcept { return place.path.empty(); }
    // The schema, or the database that the place's server names.
    std::string name_of(const db::Place& place) const;
    Connector::Admin admin(const db::Place& place, const Wait& wait);
    void create_any(const db::Place& place, const Wait& wait);

    const bool databases_;  // a tenant is a database
    const int64_t batch_;
    const db::Retry retry_;
    const Protected protected_;
    std::shared_ptr<Connector> connector_;
};

}  // namespace mtdb::backends::postgres
