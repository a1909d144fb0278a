// SPDX-License-Identifier: MIT
// What the benchmarks of servers share: where the servers are, plain connections of the client
// libraries, tenants made by hand, threads that start together.
#pragma once

#include <libpq-fe.h>
#include <mysql.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "harness.hpp"

namespace bench {

struct HandleCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
    void operator()(MYSQL* connection) const { mysql_close(connection); }
    void operator()(MYSQL_STMT* stmt) const { mysql_stmt_close(stmt); }
};
template <class T>
using Handle = std::unique_ptr<T, HandleCloser>;

// ---- PostgreSQL

// The search path that the library gives a tenant.
std::string search_path(const std::string& schema);

// A database of the benchmark's own, dropped at its end with all who are still in it.
class PostgresDatabase {
public:
    PostgresDatabase();
    ~PostgresDatabase();
    PostgresDatabase(const PostgresDatabase&) = delete;
    PostgresDatabase& operator=(const PostgresDatabase&) = delete;
    const std::string& name() const { return name_; }
    std::string url() const;
    // Stands in that schema; with "" in one that nobody has, as the library parks its own.
    Handle<PGconn> connect(const std::string& schema = {}) const;
    // Tenants 0 to `count` - 1, each with a table kv of `rows` rows, which is never analysed: one
    // that is in the middle of a run would give the sides different plans.
    void make_tenants(int64_t count, int64_t rows) const;

private:
    std::string name_;
};

// One INT64 as a parameter in binary form.
class Int64Parameter {
public:
    explicit Int64Parameter(int64_t value);
    const char* const* values() const { return values_; }
    const int* lengths() const { return lengths_; }
    const int* formats() const { return formats_; }

private:
    uint64_t bytes_;
    const char* values_[1];
    int lengths_[1];
    int formats_[1];
};

void must_postgres(PGconn* connection, const PGresult* result, const char* what);
void postgres_exec(PGconn* connection, const std::string& sql);
void postgres_prepare(PGconn* connection, const std::string& name, const char* sql);
int64_t postgres_int64(const PGresult* result, int column);  // of row 0, in binary form
double postgres_double(const PGresult* result, int column);  // likewise
// The one value of a prepared read with one parameter.
int64_t postgres_read(PGconn* connection, const char* name, int64_t id);

// ---- MariaDB

// Tenants' databases with a prefix of the benchmark's own, dropped at its end.
class MysqlDatabases {
public:
    MysqlDatabases();
    ~MysqlDatabases();
    MysqlDatabases(const MysqlDatabases&) = delete;
    MysqlDatabases& operator=(const MysqlDatabases&) = delete;
    std::string url() const;
    std::string tenant_namespace() const { return prefix_ + "{id}"; }
    std::string database_of(const std::string& tenant) const { return prefix_ + tenant; }
    Handle<MYSQL> connect(const std::string& tenant = {}) const;
    void make_tenants(int64_t count, int64_t rows) const;

private:
    std::string prefix_;
};

void mysql_exec(MYSQL* connection, const std::string& sql);
void must_mysql(int failed, MYSQL* connection, const char* what);
void must_mysql(int failed, MYSQL_STMT* stmt, const char* what);
Handle<MYSQL_STMT> mysql_prepared(MYSQL* connection, const std::string& sql);
// The one value of a prepared read with one parameter.
int64_t mysql_read(MYSQL_STMT* stmt, int64_t id);

// ---- both

// Lease, prepared read of one INT64, give back.
int64_t lease_and_read(mtdb_db* db, const std::string& tenant, const char* sql, int64_t id);

// Nanoseconds from the common start of the threads to the end of the last.
double in_threads(int count, const std::function<void(int)>& body);

}  // namespace bench
