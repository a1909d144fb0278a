// SPDX-License-Identifier: MIT
// Tenants as files below a folder.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "backends/sqlite/connection.hpp"
#include "backends/sqlite/files.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::sqlite {

// Views first; tables take their indexes and triggers with them, virtual ones their shadows.
constexpr std::string_view empty_queries[] = {
    "SELECT 'DROP VIEW IF EXISTS main.\"' || replace(name, '\"', '\"\"') || '\"' FROM main.sqlite_master"
    " WHERE type = 'view'",
    "SELECT 'DROP TABLE IF EXISTS main.\"' || replace(name, '\"', '\"\"') || '\"' FROM main.sqlite_master"
    " WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'",
    "SELECT 'DROP TABLE IF EXISTS main.\"' || replace(name, '\"', '\"\"') || '\"' FROM main.sqlite_master"
    " WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
};

constexpr db::HistoryDialect history_dialect{
    .current_namespace = "main",
    .tables_query = "SELECT name FROM sqlite_master WHERE type = 'table'",
    .flyway_timestamp = "TEXT NOT NULL DEFAULT ((strftime('%Y-%m-%d %H:%M:%f','now')))",
    .golang_columns = "(version uint64,dirty bool)",
    .empty_queries = empty_queries,
    .before_empty = "PRAGMA foreign_keys = OFF",
    .after_empty = "PRAGMA foreign_keys = ON",
};

constexpr std::string_view drop_statements[] = {
    "SELECT 'DROP ' || CASE type WHEN 'view' THEN 'VIEW' ELSE 'TABLE' END || ' IF EXISTS main.\"' ||"
    " replace(name, '\"', '\"\"') || '\"' FROM pragma_table_list WHERE schema = ?1"
    " AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type <> 'view'"};
constexpr db::DriverDialect driver_dialect{
    .place_query = "SELECT 'main', 'main'",
    .table_query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND ?1 = 'main' AND name = ?2 COLLATE NOCASE",
    .wraps_texts = true,
    .drop_queries = drop_statements,
    .before_drop = "PRAGMA foreign_keys=OFF",
    .restore_query = "SELECT 'PRAGMA foreign_keys=' || foreign_keys FROM pragma_foreign_keys",
    .drops_together = true,
    .after_drop = "VACUUM",
};

class FileBackend final : public db::Backend {
public:
    FileBackend(const std::string& folder, const db::Settings& settings);

    const db::Dialect& dialect() const override;
    db::FileCost file_cost() const override;
    std::unique_ptr<db::Connection> open(const db::Place& place, const Wait& wait) override;
    void create(const db::Place& place, const Wait& wait) override;
    bool exists(const db::Place& place, const Wait& wait) override;
    std::string identity(const db::Place& place) override;
    std::unique_ptr<db::Glance> glance(const db::Place& place, const Wait& wait) override;
    void drop(const db::Place& place, const Wait& wait) override;
    void copy(db::Connection& source, const db::Place& target, const Wait& wait) override;
    std::unique_ptr<db::TenantCursor> list(const Wait& wait) override;
    bool checkpoint(db::Connection& connection) override;

private:
    // A place as a root and a path below it. An absolute place has its folder for a root.
    struct Location {
        std::optional<Root> own;
        std::string path;
    };
    const Root& root_of(const Location& location) const {
        return location.own ? *location.own : root_;
    }
    Location locate(const db::Place& place) const;
    std::optional<Shared> shared_for(const Location& location) const;
    void sweep_sometimes(const Location& location) noexcept;

    const Root root_;
    const std::shared_ptr<const Config> config_;
    const bool outside_;
    const int depth_;                // folders between the root and the tenants' files
    const std::string shared_name_;  // empty: none
    const std::string shared_path_;
    const std::string empty_database_;  // the bytes of a new tenant's file
    std::atomic<uint32_t> creates_{0};
};

// The path that the template of option `tenant.path` gives an id.
std::string expand_template(std::string_view text, std::string_view id);
// The bytes of an empty database file.
std::string empty_database(const Config& config);
// "file:…?mode=ro", with everything encoded that a URI or a SQL literal would not keep.
std::string read_only_uri(std::string_view path, std::string_view more = {});

}  // namespace mtdb::backends::sqlite
