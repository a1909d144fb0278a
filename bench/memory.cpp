// SPDX-License-Identifier: MIT
// Bytes on the heap per tenant that the db has met, and per tenant that is open; against a plain
// handle's own bytes.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr char first_query[] = "SELECT v FROM kv WHERE id = 7";
constexpr double free_bytes_min = 12e9;  // below this, 100,000 open handles are not tried

double heap_bytes() {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// In rollback mode: an open tenant that is only read holds one descriptor, so that ten thousand fit
// into most limits.
void make_files(const Folder& folder, int64_t count) {
    {
        auto db = open_db(folder.path(), {{"sqlite.journal", "delete"}});
        create_tenant(db.get(), "template");
        exec(db.get(), "template", "CREATE TABLE kv(id INTEGER PRIMARY KEY, v TEXT NOT NULL)");
        exec(db.get(), "template", "INSERT INTO kv VALUES (7, 'seven')");
        close_db(std::move(db));
    }
    for (int64_t i = 0; i < count; ++i)
        copy_file(folder.path("template.db"), folder.path(tenant_name(i) + ".db"));
}

void read_ours(mtdb_db* db, int64_t tenant) {
    mtdb_result* result = nullptr;
    const std::string name = tenant_name(tenant);
    MUST(mtdb_db_query(db, name.c_str(), -1, first_query, -1, nullptr, 0, MTDB_DEFAULT, nullptr,
                       &result, &bench_error));
    if (MUST(mtdb_result_next(result, &bench_error)) != MTDB_OK) fail("no row");
    mtdb_result_release(result);
}

// What evicted tenants still hold on the maintenance thread is given back after this.
void settle(mtdb_db* db) {
    while (MUST(mtdb_db_maintain(db, MTDB_FOREVER, &bench_error)) == MTDB_MORE) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

void known(const Folder& folder) {
    const auto db = open_db(folder.path(), {{"pool.tenants_max", "4"}, {"events.queue", "16"}});
    int64_t met = 0;
    for (; met < 8; ++met) read_ours(db.get(), met);
    settle(db.get());
    const double before = heap_bytes();
    const int64_t first = met;
    for (const int64_t count : {100, 10000, 100000}) {
        for (; met < first + count; ++met) read_ours(db.get(), met);
        settle(db.get());
        const double each = (heap_bytes() - before) / static_cast<double>(count);
        print("memory", std::to_string(count) + " known", "bytes/tenant", each, 0, each,
              at_most(200));
    }
}

struct Raw {
    Owned<sqlite3> handle;
    Owned<sqlite3_stmt> stmt;  // finalized before its handle is closed
};

void read_peer(sqlite3_stmt* stmt) {
    if (sqlite3_step(stmt) != SQLITE_ROW) fail("no row");
    sqlite3_reset(stmt);
}

void print_open(const std::string& text, double ours, double peer) {
    print("memory", text, "bytes/tenant", ours, peer, ours - peer, at_most(8192));
}

void open_files(const Folder& folder, int64_t count) {
    double ours = 0, peer = 0;
    {
        const std::string tenants = std::to_string(count);
        const auto db =
            open_db(folder.path(), {{"pool.tenants_max", tenants}, {"files_max", "1000000"}});
        const double before = heap_bytes();
        for (int64_t i = 0; i < count; ++i) read_ours(db.get(), i);
        ours = (heap_bytes() - before) / static_cast<double>(count);
    }
    {
        std::vector<Raw> raw(static_cast<std::size_t>(count));
        const double before = heap_bytes();
        for (int64_t i = 0; i < count; ++i) {
            Raw& one = raw[static_cast<std::size_t>(i)];
            one.handle = raw_open(folder.path(tenant_name(i) + ".db"));
            one.stmt = raw_prepare(one.handle.get(), first_query);
            read_peer(one.stmt.get());
        }
        peer = (heap_bytes() - before) / static_cast<double>(count);
    }
    print_open(std::to_string(count) + " open", ours, peer);
}

// No process has descriptors for so many files.
void open_in_memory(int64_t count) {
    static constexpr char table[] = "CREATE TABLE kv(id INTEGER PRIMARY KEY, v TEXT NOT NULL)";
    static constexpr char row[] = "INSERT INTO kv VALUES (7, 'seven')";
    double ours = 0, peer = 0;
    {
        const std::string tenants = std::to_string(count);
        const auto db = open_db("sqlite::memory:", {{"pool.tenants_max", tenants},
                                                    {"connections_max", tenants},
                                                    {"files_max", "1000000"},
                                                    {"events.queue", "16"}});
        const double before = heap_bytes();
        for (int64_t i = 0; i < count; ++i) {
            create_tenant(db.get(), tenant_name(i));
            exec(db.get(), tenant_name(i), table);
            exec(db.get(), tenant_name(i), row);
            read_ours(db.get(), i);
        }
        ours = (heap_bytes() - before) / static_cast<double>(count);
    }
    {
        std::vector<Raw> raw(static_cast<std::size_t>(count));
        std::vector<Owned<sqlite3_stmt>>
            writes;  // The library keeps the two writing statements cached as well.
        writes.reserve(raw.size() * 2);
        const double before = heap_bytes();
        for (Raw& one : raw) {
            one.handle = raw_open(":memory:");
            for (const char* sql : {table, row}) {
                writes.push_back(raw_prepare(one.handle.get(), sql));
                must_sqlite(sqlite3_step(writes.back().get()), one.handle.get(), sql);
                sqlite3_reset(writes.back().get());
            }
            one.stmt = raw_prepare(one.handle.get(), first_query);
            read_peer(one.stmt.get());
        }
        peer = (heap_bytes() - before) / static_cast<double>(count);
        writes.clear();
    }
    print_open(std::to_string(count) + " open, in memory", ours, peer);
}

bool raise_files(int64_t count) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > static_cast<rlim_t>(count);
}

}  // namespace

void memory() {
    {
        const Folder folder;
        make_files(folder, 100108);
        known(folder);
        open_files(folder, 100);
        if (raise_files(10500))
            open_files(folder, 10000);
        else
            std::fprintf(stderr,
                         "memory: 10000 open left out: the limit of descriptors is lower\n");
    }
    const double free_bytes =
        static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (free_bytes >= free_bytes_min)
        open_in_memory(100000);
    else
        std::fprintf(stderr, "memory: 100000 open left out: less than 12 GB are free\n");
}

}  // namespace bench
