// SPDX-License-Identifier: MIT
// One set of claims over the C ABI for every backend. What a backend spells differently is a word (words.cpp), what it
// does not have is a declared difference with a reason (differences.cpp); nothing else is conditional.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness.hpp"

namespace conformance {

using harness::Answer;
using harness::Conn;
using harness::Db;
using harness::Place;
using harness::Result;
using harness::Stmt;

// What a claim needs of a backend beyond what all have.
enum class Need {
    none,
    tables,     // SQL that stores rows
    insert_id,  // generated keys without RETURNING
    transactional_ddl,
    deferred_keys,
    position,     // of an error in the text
    native_code,  // a number of the engine's own
    isolation,    // of levels that can be told apart
    concurrent_writers,
    ddl_commits,      // a CREATE TABLE ends the transaction
    rows_of_numbers,  // rows made without a table
    many_results,     // of a lease at once, while rows stay unread
    histories_together,  // of many tenants, in one query
    copy,             // of a tenant
    rename,           // of a tenant
    type_bool,
    type_uint64,
    type_float,
    type_decimal,
    type_date,
    type_time,
    type_timestamp,
    type_timestamptz,
    type_uuid,
    type_json,
    type_interval,
    nul_in_text,
    column_types,  // known before the values
    count_
};
const char* name_of(Need need);

struct Difference {
    std::string_view backend;
    Need need;
    const char* reason;
};
// Why this backend does not have it; nullptr: it does.
const char* difference(std::string_view backend, Need need);

// How a backend spells what every one has.
struct Words {
    std::string one;                                      // gives one row with the integer 1
    std::string endless;                                  // ends by cancel or deadline only
    std::string wrong;                                    // what no server understands
    std::string no_table;                                 // reads a table that is not there
    std::function<std::string(int64_t)> rows;             // so many rows of one integer
    std::string serial, integer, real, text, bytes, key;  // types of columns; key: short text that can be a key
    std::map<int32_t, std::string> columns;               // by MTDB_TYPE_: a column that gives that type back
    std::string write;                                    // changes one row, with table t(id, v) if there are tables
    std::vector<std::string> session;                     // change the session so that a later write may go astray
    std::vector<std::string> reserved;                    // ids that no tenant may have
};

struct Backend {
    std::string name;  // "postgres/schema"
    std::string url;
    std::vector<std::pair<std::string, std::string>> settings;
    Words words;
};
Backend backend_of(const std::string& name, const std::string& url);

// An error with all that it tells.
struct Failure {
    mtdb_status status = MTDB_OK;
    int32_t effect = 0, retryable = 0;
    int64_t line = 0, column = 0, statement = 0, native = 0;
    std::string message, sqlstate, engine, tenant, limit, json;
};
template <class Call>
Failure failure_of(Call&& call);
Failure failure_of_error(mtdb_status status, mtdb_error* owned);

// One claim's db and tenants; the tenants go with it.
class World {
public:
    World(const Backend& backend, int number) : backend_(backend), number_(number) {}
    World(const World&) = delete;
    ~World();

    const Backend& backend() const { return backend_; }
    const Words& words() const { return backend_.words; }
    // Ends the present db and opens another with these settings too.
    mtdb_db* open(const std::vector<std::pair<std::string, std::string>>& settings = {});
    mtdb_db* db();
    Db another() const { return opened({}); }
    // The id that this claim has for "a": made by nobody yet.
    std::string id(const std::string& name);
    // A tenant of that id, made at first need; with tables it has t(id, v).
    const std::string& tenant(const std::string& name = "a");
    // One without t.
    const std::string& bare_tenant(const std::string& name = "a");
    Conn lease(const std::string& name = "a");
    void end() { db_.reset(); }

private:
    Db opened(const std::vector<std::pair<std::string, std::string>>& settings) const;
    const Backend& backend_;
    const int number_;
    Db db_;
    std::map<std::string, std::string> made_;
    std::vector<std::string> ids_;
};

class Suite {
public:
    explicit Suite(Backend backend, std::string only) : backend_(std::move(backend)), only_(std::move(only)) {}
    using Body = void (*)(World&);
    void claim(const char* name, Body body) { claim(name, {}, body); }
    void claim(const char* name, std::initializer_list<Need> needs, Body body);
    // Prints the backend's line; the program's exit code.
    int summary() const;

private:
    void run(const std::string& name, Body body);
    Backend backend_;
    std::string only_;
    int64_t claims_ = 0, failed_ = 0;
    std::vector<bool> used_ = std::vector<bool>(static_cast<std::size_t>(Need::count_));
};

void claim_tenants(Suite& suite);
void claim_leases(Suite& suite);
void claim_statements(Suite& suite);
void claim_batches(Suite& suite);
void claim_types(Suite& suite);
void claim_transactions(Suite& suite);
void claim_errors(Suite& suite);
void claim_waits(Suite& suite);
void claim_migrations(Suite& suite);
void claim_fleets(Suite& suite);
void claim_telemetry(Suite& suite);
void claim_holds(Suite& suite);

// ---- short forms ----

int64_t size_of(std::string_view text);
// Must hold, with both sides shown.
void same(int64_t wanted, int64_t got, Place at = Place::here());
void same(const std::string& wanted, const std::string& got, Place at = Place::here());

Failure exec_failure(mtdb_conn* conn, const std::string& sql);
Stmt prepare(mtdb_conn* conn, const std::string& sql);
Result execute(mtdb_stmt* stmt);
Result query(mtdb_conn* conn, const std::string& sql);
// To the next row; false: no more.
bool next(mtdb_result* result);
int64_t rows_left(mtdb_result* result);
int64_t affected(mtdb_result* result);
std::string text_at(mtdb_result* result, int32_t column);
void bind_text(mtdb_stmt* stmt, int32_t index, const std::string& value);
void bind_int(mtdb_stmt* stmt, int32_t index, int64_t value);
int64_t count_of(mtdb_conn* conn, const std::string& table = "t");
// INSERT INTO t(id, v), once.
void put(mtdb_conn* conn, int64_t id, const std::string& v);
bool contains(std::string_view text, std::string_view part);
// Nothing of a failed call is in the data.
bool untouched(int32_t effect);

template <class Call>
Failure failure_of(Call&& call) {
    mtdb_error* err = nullptr;
    const mtdb_status status = call(&err);
    return failure_of_error(status, err);
}

}  // namespace conformance
