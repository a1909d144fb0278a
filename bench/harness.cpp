// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace bench {
namespace fs = std::filesystem;

void print(const std::string& name, const std::string& text, const char* unit, double ours,
           double peer, double ratio, Reach reach) {
    char bound[32] = "none";
    bool ok = true;
    if (reach.kind == Reach::Kind::at_most) {
        std::snprintf(bound, sizeof bound, "<=%g", reach.bound);
        ok = ratio <= reach.bound;
    } else if (reach.kind == Reach::Kind::at_least) {
        std::snprintf(bound, sizeof bound, ">=%g", reach.bound);
        ok = ratio >= reach.bound;
    }
    std::printf(
        "{\"name\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"peer\":%.6g,\"ratio\":%."
        "4g,"
        "\"reach\":\"%s\",\"ok\":%s}\n",
        name.c_str(), text.c_str(), unit, ours, peer, ratio, bound, ok ? "true" : "false");
    std::fflush(stdout);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double>& values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * share)];
}

std::vector<double> in_turns_cold(int rounds, const std::vector<Side>& sides) {
    std::vector<std::vector<double>> figures(sides.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < sides.size(); ++i) figures[i].push_back(sides[i]());
    std::vector<double> middles;
    for (std::vector<double>& values : figures) middles.push_back(median(std::move(values)));
    return middles;
}

Figures in_turns_cold(int rounds, const Side& ours, const Side& peer) {
    const std::vector<double> figures = in_turns_cold(rounds, std::vector<Side>{ours, peer});
    return {figures[0], figures[1]};
}

Figures in_turns(int rounds, const Side& ours, const Side& peer) {
    const std::vector<double> figures = in_turns(rounds, {ours, peer});
    return {figures[0], figures[1]};
}

std::vector<double> in_turns(int rounds, const std::vector<Side>& sides) {
    for (const Side& side : sides) side();
    return in_turns_cold(rounds, sides);
}

void fail(const std::string& what) { throw std::runtime_error(what); }

mtdb_status checked(mtdb_status status, mtdb_error* error, const char* call) {
    if (status < 0)
        fail(std::string(call) + ": " + mtdb_status_name(status) + ": " +
             mtdb_error_message(error));
    return status;
}

void must_sqlite(int code, sqlite3* handle, const char* what) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fail(std::string(what) + ": " +
         (handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
}

Folder::Folder() {
    std::string name = fs::temp_directory_path() / "mtdb-bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) fail("no temporary folder");
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string tenant_name(int64_t number) {
    char name[16];
    std::snprintf(name, sizeof name, "t%07lld", static_cast<long long>(number));
    return name;
}

void copy_file(const std::string& from, const std::string& to) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

Owned<mtdb_options> make_options(Options pairs) {
    mtdb_options* options = nullptr;
    MUST(mtdb_options_new(&options, &bench_error));
    Owned<mtdb_options> owned(options);
    for (const auto& [key, value] : pairs)
        MUST(mtdb_options_set_str(options, key, -1, value.c_str(), -1, &bench_error));
    return owned;
}

Owned<mtdb_db> open_db(const std::string& url, Options pairs) {
    mtdb_db* db = nullptr;
    const auto options = make_options(pairs);
    MUST(mtdb_db_open(url.c_str(), -1, options.get(), &db, &bench_error));
    return Owned<mtdb_db>(db);
}

void close_db(Owned<mtdb_db> db) {
    MUST(mtdb_db_close(db.get(), MTDB_DEFAULT, nullptr, nullptr, &bench_error));
}

Owned<mtdb_conn> acquire(mtdb_db* db, const std::string& tenant) {
    mtdb_conn* conn = nullptr;
    MUST(mtdb_db_acquire(db, tenant.c_str(), -1, nullptr, MTDB_DEFAULT, nullptr, &conn,
                         &bench_error));
    return Owned<mtdb_conn>(conn);
}

void give_back(Owned<mtdb_conn> conn) { MUST(mtdb_conn_close(conn.get(), &bench_error)); }

void exec(mtdb_db* db, const std::string& tenant, const std::string& sql) {
    MUST(mtdb_db_exec(db, tenant.c_str(), -1, sql.c_str(), -1, nullptr, 0, MTDB_DEFAULT, nullptr,
                      nullptr, &bench_error));
}

void create_tenant(mtdb_db* db, const std::string& tenant) {
    MUST(mtdb_tenant_create(db, tenant.c_str(), -1, MTDB_DEFAULT, nullptr, &bench_error));
}

Owned<sqlite3> raw_open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Owned<sqlite3> owned(handle);
    must_sqlite(code, handle, "open");
    raw_exec(handle, "PRAGMA foreign_keys=1; PRAGMA synchronous=2; PRAGMA cache_size=-2000");
    return owned;
}

Owned<sqlite3_stmt> raw_prepare(sqlite3* handle, const char* sql) {
    sqlite3_stmt* stmt = nullptr;
    must_sqlite(sqlite3_prepare_v3(handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, nullptr),
                handle, "prepare");
    return Owned<sqlite3_stmt>(stmt);
}

void raw_exec(sqlite3* handle, const char* sql) {
    must_sqlite(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), handle, "exec");
}

}  // namespace bench
