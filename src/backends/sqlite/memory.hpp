// SPDX-License-Identifier: MIT
// Tenants in memory, for tests and caches: they live as long as the backend.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backends/sqlite/connection.hpp"
#include "base/guarded.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::sqlite {

class MemoryBackend final : public db::Backend {
public:
    explicit MemoryBackend(const db::Settings& settings);

    const db::Dialect& dialect() const override;
    db::FileCost file_cost() const override { return {0, 0}; }
    std::unique_ptr<db::Connection> open(const db::Place& place, const Wait& wait) override;
    void create(const db::Place& place, const Wait& wait) override;
    bool exists(const db::Place& place, const Wait& wait) override;
    void drop(const db::Place& place, const Wait& wait) override;
    void copy(db::Connection& source, const db::Place& target, const Wait& wait) override;
    std::unique_ptr<db::TenantCursor> list(const Wait& wait) override;
    bool checkpoint(db::Connection&) override { return false; }

private:
    // A database of SQLite's "memdb" lives while a connection is open: the anchor is that
    // connection.
    struct Anchor {
        std::string name;
        Handle handle;
    };
    struct State {
        std::map<std::string, Anchor, std::less<>> places;
    };
    class Listing;

    Anchor make_anchor();
    void add(const std::string& place, Anchor anchor);
    std::optional<std::string> name_of(const std::string& place);

    const std::shared_ptr<const Config> config_;
    const std::string shared_name_;
    const std::string shared_path_;
    std::shared_ptr<Guarded<State>> state_;  // a listing may outlive the backend
};

}  // namespace mtdb::backends::sqlite
