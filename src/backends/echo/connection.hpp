// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/echo/command.hpp"
#include "db/connection.hpp"

namespace mtdb::backends::echo {

// What a connection and its statements share. Statements may outlive their connection's use, never
// the connection.
struct Session {
    std::string place;
    bool open = false;  // a transaction
    bool read_only = false;
    std::vector<std::string> savepoints;  // oldest first
    int64_t insert_id = 0;
    int64_t lease_insert_id = 0;  // what mtdb_conn_insert_id() tells

    void begin(bool read_only_mode);
    void end(const char* verb);
    void rollback() noexcept;
    void savepoint(std::string_view name);
    void rollback_to(std::string_view name);
    void release(std::string_view name);
    // Where in savepoints the newest of that name is. Throws Error(not_found), and
    // Error(invalid_state) without a transaction.
    std::size_t find(std::string_view name) const;
};

class Connection final : public db::Connection {
public:
    explicit Connection(std::string place) { session_.place = std::move(place); }
    const std::string& place() const noexcept { return session_.place; }

    std::unique_ptr<db::Statement> prepare(std::string_view sql, std::string_view* tail,
                                           const Wait& wait) override;
    bool in_transaction() const override { return session_.open; }
    void begin(const db::TransactionMode& mode, const Wait& wait) override;
    void commit(const Wait& wait) override;
    void rollback() override { session_.rollback(); }
    void savepoint(std::string_view name) override { session_.savepoint(name); }
    void rollback_to(std::string_view name) override { session_.rollback_to(name); }
    void release_savepoint(std::string_view name) override { session_.release(name); }
    int64_t insert_id() const override { return session_.lease_insert_id; }
    void mark_lease() noexcept override { session_.lease_insert_id = 0; }
    db::Reuse end_lease() noexcept override;
    int64_t memory_bytes() const override { return 0; }
    void shed_memory() noexcept override {}
    int64_t log_pages() const noexcept override { return 0; }

private:
    Session session_;
};

}  // namespace mtdb::backends::echo
