// SPDX-License-Identifier: MIT
// golang-migrate's database drivers for this library's backends.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/driver.hpp"
#include "engine/driver_session.hpp"
#include "engine/options.hpp"
#include "migrate/history.hpp"

namespace mtdb::engine {

struct DriverSettings {
    enum class Lock { advisory, table, none };
    std::string schema;  // of the version table; empty: the session's
    std::string table;
    Lock lock = Lock::advisory;
    std::string lock_table;
    int64_t statement_timeout_ms = 0;  // 0: none
    bool multi_statement = false;
    int64_t statement_size_max = 0;  // bytes
    bool wraps = true;
    // Throws Error(invalid_argument) for what the backend does not have.
    static DriverSettings read(const Options& options, const db::Dialect& dialect);
};

// The number of golang-migrate's advisory lock that is made of this text.
uint32_t driver_lock_id(std::string_view text) noexcept;

class SqlDriver final : public DriverBody {
public:
    // Makes the version table if there is none.
    SqlDriver(std::unique_ptr<DriverSession> session, DriverSettings settings, const Wait& wait);

    void lock(const Wait& wait) override;
    void unlock() override;
    void run(std::string_view text, const Wait& wait) override;
    void set_version(int64_t version, bool dirty, const Wait& wait) override;
    Version version(const Wait& wait) override;
    void drop(const Wait& wait) override;

private:
    using Row = std::vector<std::optional<std::string>>;
    void find_place(db::Connection& connection, const Wait& wait);
    std::vector<Row> ask(db::Connection& connection, std::string_view query,
                         const Wait& wait) const;
    bool has_table(db::Connection& connection, const std::string& schema, const std::string& table,
                   const Wait& wait) const;
    std::string in_namespace(const std::string& table) const;

    void make_table(const Wait& wait);
    void make_table_in(db::Connection& connection, const Wait& wait) const;
    template <class Work>
    void in_transaction(db::Connection& connection, const Wait& wait, Work&& work) const;

    std::vector<uint32_t> ids(std::span<const std::string_view> names) const;
    bool try_lock(const Wait& wait);
    bool try_advisory(db::Connection& connection, const Wait& wait) const;
    bool try_session_lock(db::Connection& connection, const Wait& wait) const;
    std::string lock_key() const;
    bool try_rows(db::Connection& connection, const Wait& wait) const;
    bool give_back(db::Connection& connection, const Wait& wait) const;
    bool lock_call(db::Connection& connection, std::string_view query, uint32_t id,
                   const Wait& wait) const;
    std::string lock_rows(const std::string& separator) const;

    Wait timed(const Wait& wait) const;
    void run_on(db::Connection& connection, std::string_view text, const Wait& wait) const;
    void run_each(db::Connection& connection, std::string_view text, bool wrapped,
                  const Wait& wait) const;
    void run_pieces(db::Connection& connection, std::string_view text, const Wait& wait) const;
    void drop_all(db::Connection& connection, const Wait& wait) const;

    const std::unique_ptr<DriverSession> session_;
    const db::Dialect& dialect_;
    const DriverSettings settings_;
    std::string database_, namespace_;
    migrate::GolangTexts texts_;  // of the version table
    std::unique_ptr<db::Held> held_;
    Version kept_;  // without tables
};

}  // namespace mtdb::engine
