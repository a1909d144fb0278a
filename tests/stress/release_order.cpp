// SPDX-License-Identifier: MIT
// Handles released in random order on random threads, closed or not, while their relatives are in use: nothing crashes,
// nothing is left over.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

constexpr int tenants = 5;
constexpr int releasers = 6;

std::string name_of(int64_t tenant) { return "tenant-" + std::to_string(tenant); }

// Handles that wait for their release; each in the hands of one thread only.
using Releases = std::vector<std::function<void()>>;

template <class Owner>
void give(Releases& releases, Owner& owner) {
    releases.push_back([handle = owner.release(), deleter = owner.get_deleter()] { deleter(handle); });
}

Stmt prepare(mtdb_conn* conn, const char* sql) {
    mtdb_stmt* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_stmt_prepare(conn, sql, -1, plenty_ms, nullptr, &made, err); });
    return Stmt(made);
}

Result execute(mtdb_stmt* stmt, mtdb_cancel* cancel) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_stmt_execute(stmt, plenty_ms, cancel, &made, err); });
    return Result(made);
}

// A lease with statements and results in every state; its handles go to `releases`. `writing`: tenants whose writer
// turn is taken.
void add_family(mtdb_db* db, Random& random, Releases& releases, std::set<int64_t>& writing) {
    const int64_t tenant = pick(random, 0, tenants - 1);
    Conn conn = lease(db, name_of(tenant));
    Cancel cancel = new_cancel();
    if (writing.insert(tenant).second) {
        must(begin(conn.get()));
        must(exec(conn.get(), "INSERT INTO t VALUES(1)"));
    }
    for (int64_t i = pick(random, 0, 3); i > 0; --i) {
        Stmt stmt = prepare(conn.get(), "SELECT v FROM t");
        for (int64_t j = pick(random, 0, 2); j > 0; --j) {
            Result result = execute(stmt.get(), pick(random, 0, 1) == 0 ? cancel.get() : nullptr);
            if (pick(random, 0, 1) == 0) ok([&](mtdb_error** err) { return mtdb_result_next(result.get(), err); });
            if (pick(random, 0, 3) == 0) ok([&](mtdb_error** err) { return mtdb_result_close(result.get(), err); });
            give(releases, result);
        }
        if (pick(random, 0, 3) == 0) ok([&](mtdb_error** err) { return mtdb_stmt_close(stmt.get(), err); });
        give(releases, stmt);
    }
    if (pick(random, 0, 2) == 0) must(give_back(conn.get()));
    give(releases, conn);
    give(releases, cancel);
}

void add_strangers(mtdb_db* db, Random& random, Releases& releases) {
    Migrator migrator = new_migrator(db);
    add_script(migrator.get(), 1, "SELECT 1");
    give(releases, migrator);
    mtdb_result* listed = nullptr;
    ok([&](mtdb_error** err) { return mtdb_tenant_list(db, plenty_ms, nullptr, &listed, err); });
    Result result(listed);
    if (pick(random, 0, 1) == 0) ok([&](mtdb_error** err) { return mtdb_result_next(listed, err); });
    give(releases, result);
    mtdb_result* rows = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_db_query(db, name_of(pick(random, 0, tenants - 1)).c_str(), -1, "SELECT v FROM t", -1, nullptr, 0,
                             plenty_ms, nullptr, &rows, err);
    });
    result.reset(rows);
    give(releases, result);
}

// Uses one lease, its statement and its results until told to stop; their db may be released meanwhile.
void use(Conn conn, std::atomic<bool>& over, std::atomic<int64_t>& rows) {
    while (!over) {
        const Stmt stmt = prepare(conn.get(), "SELECT v FROM t LIMIT 3");
        Result result = execute(stmt.get(), nullptr);
        while (mtdb_result_next(result.get(), nullptr) == MTDB_OK) rows.fetch_add(1);
        must(exec(conn.get(), "INSERT INTO t VALUES(2)"));
    }
}

void round(uint64_t number) {
    Random random(number);
    const Folder root(Folder::Kind::speedy);
    Db db = open_db(root.path(), {{"pool.size_max", "40"},
                                  {"pool.idle_max", std::to_string(pick(random, 0, 3))},
                                  {"sqlite.synchronous", "off"},
                                  {"threads", number % 4 == 0 ? "none" : "auto"}});
    for (int tenant = 0; tenant < tenants; ++tenant) {
        must(create(db.get(), name_of(tenant)));
        must(exec(db.get(), name_of(tenant), "CREATE TABLE t(v)"));
        must(exec(db.get(), name_of(tenant), "INSERT INTO t VALUES(1),(2),(3),(4)"));
    }
    std::atomic<bool> over{false};
    std::atomic<int64_t> rows{0};
    std::atomic<bool> failed{false};
    std::vector<std::thread> running;
    // Tenants of their own: a transaction among the handles to release keeps its tenant's writer turn.
    for (int i = 0; i < 3; ++i) {
        const std::string name = "user-" + std::to_string(i);
        must(create(db.get(), name));
        must(exec(db.get(), name, "CREATE TABLE t(v)"));
        running.emplace_back([&, conn = lease(db.get(), name)]() mutable {
            try {
                use(std::move(conn), over, rows);
            } catch (const std::exception& error) {
                std::printf("  a user: %s\n", error.what());
                failed = true;
            }
        });
    }
    Releases releases;
    add_strangers(db.get(), random, releases);
    std::set<int64_t> writing;
    for (int i = 0; i < 12; ++i) add_family(db.get(), random, releases, writing);
    if (pick(random, 0, 3) == 0) {
        mtdb_options* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_options_new(&made, err); });
        Options options(made);
        give(releases, options);
    }
    give(releases, db);
    std::shuffle(releases.begin(), releases.end(), random);
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < releasers; ++i)
        threads.emplace_back([&] {
            for (std::size_t at = next.fetch_add(1); at < releases.size(); at = next.fetch_add(1)) releases[at]();
        });
    for (auto& thread : threads) thread.join();
    over = true;
    for (auto& thread : running) thread.join();
    check(!failed, "a lease in use was disturbed");
    // The last reference may go on the maintenance thread's way out.
    for (const int64_t end = now_ms() + 5000; live_handles() > 0 && now_ms() < end;) sleep_ms(1);
    check(live_handles() == 0, std::to_string(live_handles()) + " handles are left over");
}

}  // namespace

int main() {
    const uint64_t given = seed("stress.release_order");
    for (int64_t i = 0; i < scaled(150); ++i)
        test("round " + std::to_string(i) + ": any order of releases leaves nothing",
             [&] { round(given + static_cast<uint64_t>(i)); });
    return summary();
}
