// SPDX-License-Identifier: MIT
// How each backend spells what every one has.
#include "suite.hpp"

namespace conformance {

namespace {

Words echo_words() {
    Words words;
    words.one = "echo 1";
    words.endless = "sleep 600000";
    words.wrong = "no such verb";
    words.no_table = "fail SQL_ERROR 'no such table'";
    words.rows = [](int64_t count) { return "rows " + std::to_string(count); };
    words.write = "write 1";
    words.reserved = {"con", "NUL"};
    return words;
}

Words sql_words() {
    Words words;
    words.one = "SELECT 1";
    words.wrong = "SELECT 1\n  FROM WHERE nothing";
    words.no_table = "SELECT * FROM no_such_table";
    words.write = "UPDATE t SET v = 'written' WHERE id = 1";
    words.integer = "BIGINT";
    words.key = "VARCHAR(100)";
    return words;
}

Words sqlite_words() {
    Words words = sql_words();
    words.endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    words.rows = [](int64_t count) {
        return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " + std::to_string(count) +
               ") SELECT i FROM n";
    };
    words.serial = "INTEGER PRIMARY KEY";
    words.real = "REAL";
    words.text = "TEXT";
    words.bytes = "BLOB";
    words.session = {"CREATE TEMP TABLE t(id BIGINT, v TEXT)", "BEGIN", "PRAGMA query_only = on"};
    words.reserved = {"con", "NUL"};
    return words;
}

Words postgres_words() {
    Words words = sql_words();
    words.endless = "SELECT pg_sleep(600)";
    words.rows = [](int64_t count) {
        return "SELECT i FROM generate_series(1, " + std::to_string(count) + ") AS g(i)";
    };
    words.serial = "BIGSERIAL PRIMARY KEY";
    words.real = "DOUBLE PRECISION";
    words.text = "TEXT";
    words.bytes = "BYTEA";
    words.session = {"CREATE TEMP TABLE t(id BIGINT, v TEXT)",
                     "BEGIN",
                     "SET default_transaction_read_only = on",
                     "SET search_path TO pg_temp",
                     "SET ROLE guest",
                     "SET statement_timeout = 1"};
    words.reserved = {"pg_catalog", "information_schema", "public", "PG_toast", "pg_mine"};
    words.columns = {{MTDB_TYPE_BOOL, "BOOLEAN"},
                     {MTDB_TYPE_FLOAT, "REAL"},
                     {MTDB_TYPE_DECIMAL, "NUMERIC"},
                     {MTDB_TYPE_DATE, "DATE"},
                     {MTDB_TYPE_TIME, "TIME"},
                     {MTDB_TYPE_TIMESTAMP, "TIMESTAMP"},
                     {MTDB_TYPE_TIMESTAMPTZ, "TIMESTAMPTZ"},
                     {MTDB_TYPE_UUID, "UUID"},
                     {MTDB_TYPE_JSON, "JSON"},
                     {MTDB_TYPE_INTERVAL, "INTERVAL"}};
    return words;
}

Words mariadb_words() {
    Words words = sql_words();
    words.endless = "SELECT SLEEP(600)";
    words.rows = [](int64_t count) { return "SELECT seq FROM seq_1_to_" + std::to_string(count); };
    words.serial = "BIGINT AUTO_INCREMENT PRIMARY KEY";
    words.real = "DOUBLE";
    words.text = "LONGTEXT";
    words.bytes = "LONGBLOB";
    words.session = {"SET autocommit = 0", "CREATE TEMPORARY TABLE t(id BIGINT, v TEXT)", "BEGIN",
                     "SET SESSION TRANSACTION READ ONLY", "LOCK TABLES t READ"};
    words.reserved = {"mysql", "information_schema", "Performance_Schema", "sys"};
    words.columns = {{MTDB_TYPE_UINT64, "BIGINT UNSIGNED"},
                     {MTDB_TYPE_FLOAT, "FLOAT"},
                     {MTDB_TYPE_DECIMAL, "DECIMAL(38,5)"},
                     {MTDB_TYPE_DATE, "DATE"},
                     {MTDB_TYPE_TIME, "TIME(6)"},
                     {MTDB_TYPE_TIMESTAMP, "DATETIME(6)"},
                     {MTDB_TYPE_JSON, "JSON"}};
    return words;
}

}  // namespace

Backend backend_of(const std::string& name, const std::string& url) {
    Backend backend{name, url, {}, {}};
    const std::string product = name.substr(0, name.find('/'));
    if (product == "echo") backend.words = echo_words();
    if (product == "sqlite") backend.words = sqlite_words();
    if (product == "postgres") backend.words = postgres_words();
    if (product == "mariadb") backend.words = mariadb_words();
    harness::check(!backend.words.one.empty(), "no words for backend " + name);
    if (name.size() > product.size()) backend.settings.emplace_back("tenancy", name.substr(product.size() + 1));
    return backend;
}

}  // namespace conformance
