// SPDX-License-Identifier: MIT
// The declared differences: all that the claims may ask a backend's name for.
#include "suite.hpp"

namespace conformance {

namespace {

constexpr const char* storage_classes = "SQLite has five storage classes: the value comes back as one of them";
constexpr const char* no_sql = "the echo language stores nothing";

constexpr Difference differences[] = {
    {"echo", Need::tables, no_sql},
    {"echo", Need::transactional_ddl, no_sql},
    {"echo", Need::deferred_keys, no_sql},
    {"echo", Need::isolation, no_sql},
    {"echo", Need::concurrent_writers, no_sql},
    {"echo", Need::ddl_commits, no_sql},
    {"echo", Need::histories_together, no_sql},
    {"echo", Need::rename, "an echo tenant has nothing that could be renamed"},
    {"sqlite", Need::ddl_commits, "SQLite's DDL is part of the transaction"},
    {"sqlite", Need::isolation, "SQLite's transactions are serializable, whatever is asked"},
    {"sqlite", Need::concurrent_writers, "a SQLite file has one writer at a time"},
    {"sqlite", Need::histories_together, "each tenant is a file of its own"},
    {"sqlite", Need::rename, "a file's name comes from the id: copy and drop"},
    {"sqlite", Need::column_types, "a SQLite column has a type per value"},
    {"sqlite", Need::type_bool, storage_classes},
    {"sqlite", Need::type_uint64, storage_classes},
    {"sqlite", Need::type_float, storage_classes},
    {"sqlite", Need::type_decimal, storage_classes},
    {"sqlite", Need::type_date, storage_classes},
    {"sqlite", Need::type_time, storage_classes},
    {"sqlite", Need::type_timestamp, storage_classes},
    {"sqlite", Need::type_timestamptz, storage_classes},
    {"sqlite", Need::type_uuid, storage_classes},
    {"sqlite", Need::type_json, storage_classes},
    {"sqlite", Need::type_interval, storage_classes},
    {"postgres", Need::insert_id, "PostgreSQL tells generated keys by RETURNING only"},
    {"postgres", Need::native_code, "PostgreSQL's errors have a SQLSTATE and no number"},
    {"postgres", Need::ddl_commits, "PostgreSQL's DDL is part of the transaction"},
    {"postgres", Need::type_uint64, "PostgreSQL has no unsigned integers"},
    {"postgres", Need::nul_in_text, "PostgreSQL's text cannot hold a NUL"},
    {"postgres", Need::copy, "PostgreSQL has no snapshot of one schema or of a database in use"},
    {"postgres/database", Need::histories_together, "a connection sees one database"},
    {"mariadb", Need::transactional_ddl, "MariaDB commits at each DDL statement"},
    {"mariadb", Need::deferred_keys, "MariaDB checks keys at each statement"},
    {"mariadb", Need::position, "MariaDB names no place, only the text near it"},
    {"mariadb", Need::type_bool, "MariaDB's BOOLEAN is TINYINT"},
    {"mariadb", Need::type_interval, "MariaDB has no interval type"},
    {"mariadb", Need::type_timestamptz, "MariaDB's TIMESTAMP comes without a zone"},
    {"mariadb", Need::type_uuid, "MariaDB's UUID arrives as text"},
    {"mariadb", Need::copy, "MariaDB has no snapshot of a database"},
};

constexpr const char* names[] = {
    "none",          "tables",      "insert_id",          "transactional_ddl", "deferred_keys",   "position",
    "native_code",   "isolation",   "concurrent_writers", "ddl_commits",       "rows_of_numbers", "many_results",
    "histories_together",
    "copy",          "rename",      "type_bool",          "type_uint64",       "type_float",      "type_decimal",
    "type_date",     "type_time",   "type_timestamp",     "type_timestamptz",  "type_uuid",       "type_json",
    "type_interval", "nul_in_text", "column_types"};
static_assert(std::size(names) == static_cast<std::size_t>(Need::count_));

}  // namespace

const char* name_of(Need need) { return names[static_cast<std::size_t>(need)]; }

const char* difference(std::string_view backend, Need need) {
    const std::string_view product = backend.substr(0, backend.find('/'));
    for (const Difference& each : differences)
        if (each.need == need && (each.backend == backend || each.backend == product)) return each.reason;
    return nullptr;
}

}  // namespace conformance
