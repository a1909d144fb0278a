// SPDX-License-Identifier: MIT
// A bare db::Connection over one SQLite handle: what the migrate tests run against without a
// backend.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "db/backend.hpp"

namespace mtdb::test {

inline constexpr db::Dialect sqlite_dialect{
    .name = "sqlite",
    .history = {.current_namespace = "main",
                .tables_query = "SELECT name FROM sqlite_master WHERE type = 'table'",
                .flyway_timestamp = "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))",
                .golang_columns = "(version uint64,dirty bool)"},
};

// Locks of sessions that are always to be had, and a journal, for a dialect whose definitions commit.
inline constexpr db::LockDialect session_locks{
    .keys = db::LockDialect::Keys::names, .try_session = "SELECT 1", .release_session = "SELECT 1"};
inline constexpr db::JournalDialect sqlite_journal{
    .columns = "(id INTEGER NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, holder TEXT NOT NULL,"
               " expires_at REAL NOT NULL, script TEXT NOT NULL, direction TEXT NOT NULL, target INTEGER NOT NULL,"
               " statement INTEGER NOT NULL, stage TEXT NOT NULL, hash_before INTEGER NOT NULL,"
               " hash_statement INTEGER NOT NULL, origin TEXT NOT NULL, evidence TEXT NOT NULL)",
    .flyway_origin = "CAST(h.installed_on AS TEXT)",
    .holder = "'me'",
    .ahead = "julianday('now') + {ms} / 86400000.0",
    .show = "SELECT sql FROM sqlite_master WHERE name = '{name}' AND upper(type) = '{kind}'",
};

inline Error sqlite_error(sqlite3* db) {
    const int code = sqlite3_extended_errcode(db);
    const Code kind = (code & 0xFF) == SQLITE_BUSY         ? Code::busy
                      : (code & 0xFF) == SQLITE_CONSTRAINT ? Code::constraint
                                                           : Code::sql_error;
    return Error(kind, sqlite3_errmsg(db)).with_native("sqlite", code);
}

class BareStatement final : public db::Statement {
public:
    BareStatement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
    BareStatement(const BareStatement&) = delete;
    BareStatement& operator=(const BareStatement&) = delete;
    ~BareStatement() override { sqlite3_finalize(statement_); }

    int32_t column_count() const override { return sqlite3_column_count(statement_); }
    db::Column column(int32_t index) const override {
        return {sqlite3_column_name(statement_, index), {}};
    }
    bool next(const Wait&) override {
        const int result = sqlite3_step(statement_);
        if (result == SQLITE_ROW) return true;
        if (result == SQLITE_DONE) return false;
        const Error error = sqlite_error(db_);
        sqlite3_reset(statement_);
        throw error;
    }
    db::Value value(int32_t index) const override {
        switch (sqlite3_column_type(statement_, index)) {
            case SQLITE_NULL:
                return db::Value::null();
            case SQLITE_INTEGER:
                return db::Value::integer(sqlite3_column_int64(statement_, index));
            case SQLITE_FLOAT:
                return db::Value::real(sqlite3_column_double(statement_, index));
            default:
                break;
        }
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
        return db::Value::text(
            {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, index))});
    }
    int32_t parameter_count() const override { return sqlite3_bind_parameter_count(statement_); }
    int32_t parameter_index(std::string_view) const override { return 0; }
    void bind(int32_t index, const db::Value& value, db::Lifetime) override {
        if (value.type == db::Type::null)
            sqlite3_bind_null(statement_, index);
        else if (value.type == db::Type::int64)
            sqlite3_bind_int64(statement_, index, value.slot);
        else
            sqlite3_bind_text(statement_, index, value.data, static_cast<int>(value.size),
                              SQLITE_TRANSIENT);
    }
    void clear_bindings() noexcept override { sqlite3_clear_bindings(statement_); }
    bool read_only() const override { return sqlite3_stmt_readonly(statement_) != 0; }
    db::Control control() const override { return db::Control::none; }
    void run(const Wait& wait) override {
        sqlite3_reset(statement_);
        while (next(wait)) {
        }
        sqlite3_reset(statement_);
    }
    int64_t affected() const override { return sqlite3_changes64(db_); }
    void reset() noexcept override { sqlite3_reset(statement_); }
    bool reading() const override { return sqlite3_stmt_busy(statement_) != 0; }

private:
    sqlite3* db_;
    sqlite3_stmt* statement_;
};

class BareConnection final : public db::Connection {
public:
    explicit BareConnection(const std::string& path = ":memory:") {
        sqlite3_open(path.c_str(), &db_);
        run("PRAGMA foreign_keys = ON");
    }
    BareConnection(const BareConnection&) = delete;
    BareConnection& operator=(const BareConnection&) = delete;
    ~BareConnection() override { sqlite3_close_v2(db_); }

    std::unique_ptr<db::Statement> prepare(std::string_view sql, std::string_view* tail,
                                           const Wait&) override {
        sqlite3_stmt* statement = nullptr;
        const char* rest = nullptr;
        ++prepared;
        if (sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, &rest) !=
            SQLITE_OK) {
            const int offset = sqlite3_error_offset(db_);
            Error error = sqlite_error(db_);
            if (offset >= 0) {
                const auto place = base::position_of(sql, static_cast<std::size_t>(offset));
                error = error.with_position(place.line, place.column);
            }
            throw error;
        }
        if (tail != nullptr) *tail = sql.substr(static_cast<std::size_t>(rest - sql.data()));
        if (statement == nullptr) return nullptr;
        return std::make_unique<BareStatement>(db_, statement);
    }
    bool in_transaction() const override { return sqlite3_get_autocommit(db_) == 0; }
    void begin(const db::TransactionMode&, const Wait&) override {
        ++begun;
        if (on_begin) std::exchange(on_begin, nullptr)();
        run("BEGIN IMMEDIATE");
    }
    void commit(const Wait&) override { run("COMMIT"); }
    void rollback() override {
        if (in_transaction()) run("ROLLBACK");
    }
    void savepoint(std::string_view) override {}
    void rollback_to(std::string_view) override {}
    void release_savepoint(std::string_view) override {}
    int64_t insert_id() const override { return 0; }
    void mark_lease() noexcept override {}
    db::Reuse end_lease() noexcept override { return db::Reuse::clean; }
    int64_t memory_bytes() const override { return 0; }
    void shed_memory() noexcept override {}
    int64_t log_pages() const noexcept override { return 0; }

    void run(const std::string& sql) {
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            throw sqlite_error(db_);
    }
    // One line per row, cells separated by "|", NULL for NULL.
    std::vector<std::string> rows(const std::string& sql) {
        std::vector<std::string> lines;
        const auto statement = prepare(sql, nullptr, Wait::forever());
        while (statement->next(Wait::forever())) {
            std::string line;
            for (int32_t i = 0; i < statement->column_count(); ++i) {
                const db::Value value = statement->value(i);
                if (i > 0) line += '|';
                line += value.type == db::Type::null    ? "NULL"
                        : value.type == db::Type::int64 ? std::to_string(value.slot)
                                                        : std::string(value.view());
            }
            lines.push_back(line);
        }
        return lines;
    }

    int64_t prepared = 0;
    int64_t begun = 0;
    std::function<void()> on_begin;  // once, just before the next transaction

private:
    sqlite3* db_ = nullptr;
};

}  // namespace mtdb::test
