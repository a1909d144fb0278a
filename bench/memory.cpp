// SPDX-License-Identifier: MIT
// Bytes on the heap per tenant that the db has met, and per tenant that is open; against a plain
// handle's own bytes.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr char first_query[] = "SELECT v FROM kv WHERE id = 7";

double heap_bytes() {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// In rollback mode: cheaper to open a hundred thousand times, and not what is measured.
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

int64_t figure(mtdb_db* db, const char* name) {
    mtdb_result* rows = nullptr;
    int64_t value = -1;
    MUST(mtdb_db_stats(db, &rows, &bench_error));
    while (MUST(mtdb_result_next(rows, &bench_error)) == MTDB_OK)
        if (std::string(mtdb_value_text(rows, 0, nullptr)) == name)
            value = mtdb_value_int64(rows, 2);
    mtdb_result_release(rows);
    return value;
}

// Evicted tenants are closed on the maintenance thread: until it has done so.
void settle(mtdb_db* db) {
    do std::this_thread::sleep_for(std::chrono::milliseconds(20));
    while (MUST(mtdb_db_maintain(db, MTDB_FOREVER, &bench_error)) == MTDB_MORE ||
           figure(db, "connections.closing_now") > 0);
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

// Opens `count` tenants on each side.
void open_files(const Folder& folder, int64_t count) {
    double ours = 0;
    {
        const std::string tenants = std::to_string(count * 2);
        const auto db =
            open_db(folder.path(), {{"pool.tenants_max", tenants}, {"events.queue", "16"}});
        const double before = heap_bytes();
        for (int64_t i = 0; i < count; ++i) read_ours(db.get(), i);
        ours = (heap_bytes() - before) / static_cast<double>(count);
        if (figure(db.get(), "connections.idle_now") != count) fail("some tenants were evicted");
    }
    std::vector<Raw> raw(static_cast<std::size_t>(count));
    const double before = heap_bytes();
    for (int64_t i = 0; i < count; ++i) {
        Raw& one = raw[static_cast<std::size_t>(i)];
        one.handle = raw_open(folder.path(tenant_name(i) + ".db"));
        one.stmt = raw_prepare(one.handle.get(), first_query);
        read_peer(one.stmt.get());
    }
    const double peer = (heap_bytes() - before) / static_cast<double>(count);
    print("memory", std::to_string(count) + " open", "bytes/tenant", ours, peer, ours - peer,
          at_most(8192));
}

// How many tenants the process has descriptors for, once its limit is raised as far as it goes. The
// library counts three a tenant and closes some before the last is taken.
int64_t tenants_that_fit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<int64_t>(limit.rlim_cur) / 4;
}

}  // namespace

void memory() {
    const Folder folder;
    make_files(folder, 100108);
    known(folder);
    int64_t done = 0;
    for (const int64_t wanted : {100, 10000, 100000}) {
        const int64_t count = std::min(wanted, tenants_that_fit());
        if (count < wanted)
            std::fprintf(stderr, "memory: %d open tenants of %d: the limit of descriptors\n",
                         static_cast<int>(count), static_cast<int>(wanted));
        if (count > done) open_files(folder, count);
        done = count;
    }
}

}  // namespace bench
