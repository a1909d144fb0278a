// SPDX-License-Identifier: MIT
// Five scripts over 1,000 tenants, first and with nothing to do; against the least SQL that does
// the same by hand: a handle a tenant, one transaction a script with its row of history.
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 1000;
constexpr int rounds = 5;
constexpr int noop_rounds = 3;               // of all tenants
constexpr int64_t share = tenants / rounds;  // tenants of one round and side

struct Script {
    const char* version;
    const char* up;
};
constexpr std::array<Script, 5> scripts{{
    {"1", "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT)"},
    {"2",
     "CREATE TABLE pet(id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES person, name TEXT "
     "NOT NULL)"},
    {"3", "CREATE INDEX pet_owner ON pet(owner)"},
    {"4", "ALTER TABLE person ADD COLUMN born TEXT"},
    {"5", "INSERT INTO person(name, city) VALUES ('first', 'Oslo'), ('second', 'Rome')"},
}};

// Empty tenants in the folder, as the library makes them.
void make_tenants(const Folder& folder, int64_t first, int64_t count) {
    if (!std::filesystem::exists(folder.path("template.db"))) {
        auto db = open_db(folder.path());
        create_tenant(db.get(), "template");
        close_db(std::move(db));
        std::filesystem::rename(folder.path("template.db"), folder.path("template.file"));
    }
    for (int64_t i = first; i < first + count; ++i)
        copy_file(folder.path("template.file"), folder.path(tenant_name(i) + ".db"));
}

std::string tenant_list(int64_t first, int64_t count) {
    std::string list;
    for (int64_t i = first; i < first + count; ++i)
        list += (list.empty() ? "" : "\n") + tenant_name(i);
    return list;
}

// From an open db to a closed one, so that what was opened is also closed within the clock.
double migrate_ours(const Folder& folder, int64_t first, int64_t count, int workers,
                    int64_t expected) {
    const std::string list = tenant_list(first, count);
    const auto options = make_options({{"run.workers", std::to_string(workers)}});
    return timed([&] {
               auto db = open_db(folder.path());
               mtdb_migrator* migrator = nullptr;
               mtdb_result* rows = nullptr;
               int64_t applied = 0;
               MUST(mtdb_migrator_new(db.get(), nullptr, &migrator, &bench_error));
               for (const Script& script : scripts)
                   MUST(mtdb_migrator_add(migrator, script.version, -1, "a step", -1, script.up, -1,
                                          nullptr, 0, &bench_error));
               MUST(mtdb_migrator_run(migrator, "migrate", -1, "latest", -1, list.c_str(), -1,
                                      options.get(), MTDB_FOREVER, nullptr, &rows, &bench_error));
               while (MUST(mtdb_result_next(rows, &bench_error)) == MTDB_OK)
                   applied += mtdb_value_int64(rows, 2);
               if (applied != expected) fail("applied " + std::to_string(applied) + " scripts");
               mtdb_result_release(rows);
               mtdb_migrator_release(migrator);
               close_db(std::move(db));
           }) /
           static_cast<double>(count) / 1000;
}

constexpr char history_table[] =
    "CREATE TABLE IF NOT EXISTS history(rank INTEGER PRIMARY KEY, version TEXT, checksum INTEGER, "
    "at TEXT)";
constexpr char history_insert[] =
    "INSERT INTO history(version, checksum, at) VALUES (?, 42, datetime('now'))";

bool has_history(sqlite3* handle) {
    const auto stmt = raw_prepare(handle, "SELECT 1 FROM sqlite_master WHERE name = 'history'");
    return sqlite3_step(stmt.get()) == SQLITE_ROW;
}

std::size_t applied_to(sqlite3* handle) {
    if (!has_history(handle)) return 0;
    const auto stmt = raw_prepare(handle, "SELECT version, checksum FROM history ORDER BY rank");
    std::size_t rows = 0;
    while (sqlite3_step(stmt.get()) == SQLITE_ROW) {
        const std::string_view version(
            reinterpret_cast<const char*>(sqlite3_column_text(stmt.get(), 0)));
        if (rows >= scripts.size() || version != scripts[rows].version ||
            sqlite3_column_int64(stmt.get(), 1) != 42)
            fail("another history");
        ++rows;
    }
    return rows;
}

void migrate_one(const std::string& path) {
    const auto handle = raw_open(path);
    for (std::size_t next = applied_to(handle.get()); next < scripts.size(); ++next) {
        raw_exec(handle.get(), "BEGIN IMMEDIATE");
        if (next == 0) raw_exec(handle.get(), history_table);
        raw_exec(handle.get(), scripts[next].up);
        const auto row = raw_prepare(handle.get(), history_insert);
        sqlite3_bind_text(row.get(), 1, scripts[next].version, -1, SQLITE_STATIC);
        must_sqlite(sqlite3_step(row.get()), handle.get(), "history");
        raw_exec(handle.get(), "COMMIT");
    }
}

double migrate_peer(const Folder& folder, int64_t first, int64_t count, int workers) {
    return timed([&] {
               std::atomic<int64_t> next{first};
               std::vector<std::thread> threads;
               const auto work = [&] {
                   for (int64_t i; (i = next.fetch_add(1)) < first + count;)
                       migrate_one(folder.path(tenant_name(i) + ".db"));
               };
               for (int i = 1; i < workers; ++i) threads.emplace_back(work);
               work();
               for (auto& thread : threads) thread.join();
           }) /
           static_cast<double>(count) / 1000;
}

std::string case_of(int workers) {
    return "1000 tenants, 5 scripts, " + std::to_string(workers) +
           (workers == 1 ? " worker" : " workers");
}

}  // namespace

void migrate_first() {
    for (const int workers : {1, 2}) {
        const Folder our_folder, peer_folder;
        make_tenants(our_folder, 0, tenants);
        make_tenants(peer_folder, 0, tenants);
        int64_t our_next = 0, peer_next = 0;
        const Figures figures = in_turns_cold(
            rounds,
            [&] {
                const int64_t first = std::exchange(our_next, our_next + share);
                return migrate_ours(our_folder, first, share, workers,
                                    share * static_cast<int64_t>(scripts.size()));
            },
            [&] {
                return migrate_peer(peer_folder, std::exchange(peer_next, peer_next + share), share,
                                    workers);
            });
        print("migrate_first", case_of(workers), "us/tenant", figures.ours, figures.peer,
              figures.ratio(), at_most(1.25));
    }
}

void migrate_noop() {
    const Folder our_folder, peer_folder;
    make_tenants(our_folder, 0, 1);
    make_tenants(peer_folder, 0, 1);
    migrate_ours(our_folder, 0, 1, 1, static_cast<int64_t>(scripts.size()));
    migrate_peer(peer_folder, 0, 1, 1);
    for (int64_t i = 1; i < tenants; ++i) {
        copy_file(our_folder.path(tenant_name(0) + ".db"), our_folder.path(tenant_name(i) + ".db"));
        copy_file(peer_folder.path(tenant_name(0) + ".db"),
                  peer_folder.path(tenant_name(i) + ".db"));
    }
    for (const int workers : {1, 2}) {
        const Figures figures = in_turns(
            noop_rounds, [&] { return migrate_ours(our_folder, 0, tenants, workers, 0); },
            [&] { return migrate_peer(peer_folder, 0, tenants, workers); });
        print("migrate_noop", case_of(workers), "us/tenant", figures.ours, figures.peer,
              figures.ratio(), at_most(1.25));
    }
}

}  // namespace bench
