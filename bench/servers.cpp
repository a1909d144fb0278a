// SPDX-License-Identifier: MIT
#include "servers.hpp"

#include <endian.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {
namespace {

constexpr int64_t tenants_per_batch = 250;  // the server keeps a lock for each of their tables

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr)
        fail(std::string(name) +
             " is not set: scripts/bench starts the servers, or tests/servers/start does");
    return value;
}

std::string own_name() { return "bench_" + std::to_string(getpid()); }

Handle<PGconn> postgres_connect(const std::string& database, const std::string& path) {
    const std::string folder = environment("MTDB_TEST_POSTGRES_SOCKET_FOLDER");
    const std::string port = environment("MTDB_TEST_POSTGRES_PORT");
    const std::string user = environment("MTDB_TEST_APP_USER");
    const char* const keys[] = {"host", "port", "user", "dbname", nullptr};
    const char* const values[] = {folder.c_str(), port.c_str(), user.c_str(), database.c_str(),
                                  nullptr};
    Handle<PGconn> connection(PQconnectdbParams(keys, values, 0));
    if (PQstatus(connection.get()) != CONNECTION_OK) fail(PQerrorMessage(connection.get()));
    if (!path.empty()) postgres_exec(connection.get(), "SET search_path TO " + path);
    return connection;
}

}  // namespace

// ---- PostgreSQL

std::string search_path(const std::string& schema) {
    return "\"" + schema + "\", pg_catalog, pg_temp";
}

PostgresDatabase::PostgresDatabase() : name_(own_name()) {
    postgres_exec(postgres_connect("app", {}).get(), "CREATE DATABASE " + name_);
}

PostgresDatabase::~PostgresDatabase() {
    try {
        postgres_exec(postgres_connect("app", {}).get(),
                      "DROP DATABASE " + name_ + " WITH (FORCE)");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
}

std::string PostgresDatabase::url() const {
    return "postgres://" + environment("MTDB_TEST_APP_USER") + "@/" + name_ +
           "?host=" + environment("MTDB_TEST_POSTGRES_SOCKET_FOLDER") +
           "&port=" + environment("MTDB_TEST_POSTGRES_PORT");
}

Handle<PGconn> PostgresDatabase::connect(const std::string& schema) const {
    return postgres_connect(name_, schema.empty() ? "nobodys" : search_path(schema));
}

void PostgresDatabase::make_tenants(int64_t count, int64_t rows) const {
    const auto connection = connect();
    for (int64_t first = 0; first < count; first += tenants_per_batch) {
        const int64_t last = std::min(first + tenants_per_batch, count) - 1;
        postgres_exec(connection.get(),
                      "DO $$ DECLARE s text; BEGIN FOR i IN " + std::to_string(first) + ".." +
                          std::to_string(last) +
                          " LOOP s := 't' || lpad(i::text, 7, '0');"
                          " EXECUTE format('CREATE SCHEMA %I', s);"
                          " EXECUTE format('CREATE TABLE %I.kv"
                          "(id bigint PRIMARY KEY, v bigint NOT NULL)"
                          " WITH (autovacuum_enabled = false)', s);"
                          " EXECUTE format('INSERT INTO %I.kv SELECT n, n * 3 + %s"
                          " FROM generate_series(1, " +
                          std::to_string(rows) + ") n', s, i); END LOOP; END $$");
    }
}

Int64Parameter::Int64Parameter(int64_t value)
    : bytes_(htobe64(static_cast<uint64_t>(value))),
      values_{reinterpret_cast<const char*>(&bytes_)},
      lengths_{sizeof bytes_},
      formats_{1} {}

void must_postgres(PGconn* connection, const PGresult* result, const char* what) {
    switch (PQresultStatus(result)) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_SINGLE_TUPLE:
        case PGRES_PIPELINE_SYNC:
        case PGRES_COPY_IN:
            return;
        default:
            fail(std::string(what) + ": " + PQerrorMessage(connection));
    }
}

void postgres_exec(PGconn* connection, const std::string& sql) {
    const Handle<PGresult> result(PQexec(connection, sql.c_str()));
    must_postgres(connection, result.get(), sql.c_str());
}

void postgres_prepare(PGconn* connection, const std::string& name, const char* sql) {
    const Handle<PGresult> result(PQprepare(connection, name.c_str(), sql, 0, nullptr));
    must_postgres(connection, result.get(), sql);
}

int64_t postgres_int64(const PGresult* result, int column) {
    uint64_t bytes = 0;
    if (PQgetlength(result, 0, column) != sizeof bytes) fail("no INT64");
    std::memcpy(&bytes, PQgetvalue(result, 0, column), sizeof bytes);
    return static_cast<int64_t>(be64toh(bytes));
}

double postgres_double(const PGresult* result, int column) {
    return std::bit_cast<double>(postgres_int64(result, column));
}

int64_t postgres_read(PGconn* connection, const char* name, int64_t id) {
    const Int64Parameter parameter(id);
    const Handle<PGresult> result(PQexecPrepared(connection, name, 1, parameter.values(),
                                                 parameter.lengths(), parameter.formats(), 1));
    must_postgres(connection, result.get(), name);
    return postgres_int64(result.get(), 0);
}

// ---- MariaDB

MysqlDatabases::MysqlDatabases() : prefix_(own_name() + "_") {}

MysqlDatabases::~MysqlDatabases() {
    try {
        const auto connection = connect();
        mysql_exec(connection.get(), "SHOW DATABASES LIKE '" + own_name() + "\\_%'");
        MYSQL_RES* const result = mysql_store_result(connection.get());
        std::vector<std::string> names;
        while (const MYSQL_ROW row = mysql_fetch_row(result)) names.emplace_back(row[0]);
        mysql_free_result(result);
        for (const std::string& name : names) mysql_exec(connection.get(), "DROP DATABASE " + name);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
}

std::string MysqlDatabases::url() const { return environment("MTDB_TEST_MYSQL"); }

Handle<MYSQL> MysqlDatabases::connect(const std::string& tenant) const {
    Handle<MYSQL> connection(mysql_init(nullptr));
    const std::string database = tenant.empty() ? "" : database_of(tenant);
    if (mysql_real_connect(connection.get(), "localhost", environment("MTDB_TEST_APP_USER").c_str(),
                           environment("MTDB_TEST_APP_PASSWORD").c_str(),
                           tenant.empty() ? nullptr : database.c_str(), 0,
                           environment("MTDB_TEST_MYSQL_SOCKET").c_str(), 0) == nullptr)
        fail(mysql_error(connection.get()));
    return connection;
}

void MysqlDatabases::make_tenants(int64_t count, int64_t rows) const {
    const auto connection = connect();
    for (int64_t i = 0; i < count; ++i) {
        const std::string database = database_of(tenant_name(i));
        mysql_exec(connection.get(), "CREATE DATABASE " + database);
        mysql_exec(connection.get(), "USE " + database);
        mysql_exec(connection.get(), "CREATE TABLE kv(id BIGINT PRIMARY KEY, v BIGINT NOT NULL)");
        mysql_exec(connection.get(), "INSERT INTO kv SELECT seq, seq * 3 + " + std::to_string(i) +
                                         " FROM seq_1_to_" + std::to_string(rows));
    }
}

void mysql_exec(MYSQL* connection, const std::string& sql) {
    must_mysql(mysql_real_query(connection, sql.data(), sql.size()), connection, sql.c_str());
}

void must_mysql(int failed, MYSQL* connection, const char* what) {
    if (failed != 0) fail(std::string(what) + ": " + mysql_error(connection));
}

void must_mysql(int failed, MYSQL_STMT* stmt, const char* what) {
    if (failed != 0) fail(std::string(what) + ": " + mysql_stmt_error(stmt));
}

Handle<MYSQL_STMT> mysql_prepared(MYSQL* connection, const std::string& sql) {
    Handle<MYSQL_STMT> stmt(mysql_stmt_init(connection));
    must_mysql(mysql_stmt_prepare(stmt.get(), sql.data(), sql.size()), stmt.get(), "prepare");
    return stmt;
}

int64_t mysql_read(MYSQL_STMT* stmt, int64_t id) {
    int64_t value = 0;
    MYSQL_BIND parameter{}, column{};
    parameter.buffer_type = column.buffer_type = MYSQL_TYPE_LONGLONG;
    parameter.buffer = &id;
    column.buffer = &value;
    must_mysql(mysql_stmt_bind_param(stmt, &parameter), stmt, "bind");
    must_mysql(mysql_stmt_execute(stmt), stmt, "execute");
    must_mysql(mysql_stmt_bind_result(stmt, &column), stmt, "bind the result");
    must_mysql(mysql_stmt_fetch(stmt), stmt, "fetch");
    mysql_stmt_free_result(stmt);
    return value;
}

// ---- both

int64_t lease_and_read(mtdb_db* db, const std::string& tenant, const char* sql, int64_t id) {
    mtdb_stmt* stmt = nullptr;
    mtdb_result* result = nullptr;
    auto conn = acquire(db, tenant);
    MUST(mtdb_stmt_prepare(conn.get(), sql, -1, MTDB_DEFAULT, nullptr, &stmt, &bench_error));
    MUST(mtdb_stmt_bind_int64(stmt, 1, id, &bench_error));
    MUST(mtdb_stmt_execute(stmt, MTDB_DEFAULT, nullptr, &result, &bench_error));
    if (MUST(mtdb_result_next(result, &bench_error)) != MTDB_OK) fail("no row");
    const int64_t value = mtdb_value_int64(result, 0);
    mtdb_result_release(result);
    mtdb_stmt_release(stmt);
    give_back(std::move(conn));
    return value;
}

double in_threads(int count, const std::function<void(int)>& body) {
    std::atomic<bool> go{false};
    std::mutex mutex;
    std::exception_ptr failure;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            go.wait(false);
            try {
                body(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                failure = std::current_exception();
            }
        });
    const double spent = timed([&] {
        go.store(true);
        go.notify_all();
        for (auto& thread : threads) thread.join();
    });
    if (failure) std::rethrow_exception(failure);
    return spent;
}

}  // namespace bench
