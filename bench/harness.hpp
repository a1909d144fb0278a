// SPDX-License-Identifier: MIT
// How every figure is taken: both sides in turns within one process, on the same data with the same
// durability, the median of several rounds; and what the sides share: checked calls, temporary
// folders, plain SQLite handles.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mtdb.h"

namespace bench {

struct Reach {
    enum class Kind { at_most, at_least, none };
    Kind kind = Kind::none;
    double bound = 0;
};
inline Reach at_most(double bound) { return {Reach::Kind::at_most, bound}; }
inline Reach at_least(double bound) { return {Reach::Kind::at_least, bound}; }

// One JSON line on stdout. `ratio` is the number that the reach speaks of.
void print(const std::string& name, const std::string& text, const char* unit, double ours,
           double peer, double ratio, Reach reach);

struct Figures {
    double ours;
    double peer;
    double ratio() const { return ours / peer; }
};

using Side = std::function<double()>;  // runs one round and returns its figure
// The medians of `rounds` rounds of each side, in turns, after one round of each to warm up.
Figures in_turns(int rounds, const Side& ours, const Side& peer);
Figures in_turns_cold(int rounds, const Side& ours, const Side& peer);  // without the warm-up
// Likewise for any number of sides.
std::vector<double> in_turns(int rounds, const std::vector<Side>& sides);
std::vector<double> in_turns_cold(int rounds, const std::vector<Side>& sides);
double median(std::vector<double> values);
double percentile(std::vector<double>& values, double share);  // sorts them

inline int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Nanoseconds that `work` takes.
template <class Work>
double timed(Work&& work) {
    const int64_t start = now_ns();
    work();
    return static_cast<double>(now_ns() - start);
}

[[noreturn]] void fail(const std::string& what);
mtdb_status checked(mtdb_status status, mtdb_error* error, const char* call);
// Ends the program when a call of the library fails. `call` is a call whose last argument is
// `&bench_error`.
#define MUST(call)                                                 \
    ([&] {                                                         \
        mtdb_error* bench_error = nullptr;                         \
        const mtdb_status bench_status = (call);                   \
        return ::bench::checked(bench_status, bench_error, #call); \
    }())
void must_sqlite(int code, sqlite3* handle, const char* what);

// A folder that is removed with all its files.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string path(const std::string& name = {}) const {
        return name.empty() ? path_ : path_ + "/" + name;
    }

private:
    std::string path_;
};

std::string tenant_name(int64_t number);  // "t0000042"
void copy_file(const std::string& from, const std::string& to);

using Options = std::initializer_list<std::pair<const char*, std::string>>;
struct Releaser {
    void operator()(mtdb_db* db) const { mtdb_db_release(db); }
    void operator()(mtdb_conn* conn) const { mtdb_conn_release(conn); }
    void operator()(mtdb_stmt* stmt) const { mtdb_stmt_release(stmt); }
    void operator()(mtdb_result* result) const { mtdb_result_release(result); }
    void operator()(mtdb_block* block) const { mtdb_block_release(block); }
    void operator()(mtdb_migrator* migrator) const { mtdb_migrator_release(migrator); }
    void operator()(mtdb_options* options) const { mtdb_options_release(options); }
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
    void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
template <class T>
using Owned = std::unique_ptr<T, Releaser>;

Owned<mtdb_options> make_options(Options options);
Owned<mtdb_db> open_db(const std::string& url, Options options = {});
void close_db(Owned<mtdb_db> db);
Owned<mtdb_conn> acquire(mtdb_db* db, const std::string& tenant);
void give_back(Owned<mtdb_conn> conn);
void exec(mtdb_db* db, const std::string& tenant, const std::string& sql);
void create_tenant(mtdb_db* db, const std::string& tenant);

// A handle as the library opens one: no mutex, foreign keys, the same cache, synchronous=FULL, and
// the file's own journal.
Owned<sqlite3> raw_open(const std::string& path);
Owned<sqlite3_stmt> raw_prepare(sqlite3* handle, const char* sql);
void raw_exec(sqlite3* handle, const char* sql);

// Small, fast, the same on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
    uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    int64_t below(int64_t bound) {
        return static_cast<int64_t>(next() % static_cast<uint64_t>(bound));
    }

private:
    uint64_t state_;
};

// The benchmarks, one file each.
void sqlite_point_read();
void sqlite_scan_block();
void sqlite_bulk_insert();
void sqlite_cold_open();
void pool_checkout();
void gate();
void fleet_first();
void fleet_noop();
void fleet_noop_cli();
void fleet_floor();
void fleet_lock();
void fleet_growth();
void split();
void write_contention();
void migrate_noop();
void migrate_first();
void memory();
void pg_point_read();
void pg_switch_read();
void pg_scan_block();
void pg_bulk_insert();
void my_switch_read();
void my_scan_block();
void my_bulk_insert();
void many_tenants();
void fairness();

}  // namespace bench
