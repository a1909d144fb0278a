// SPDX-License-Identifier: MIT
// Two processes and twenty threads of each start at once: a tenant is migrated exactly once, and created exactly once.
#include <array>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "shared.hpp"

using namespace harness;

namespace {

constexpr int processes = 2;
constexpr int threads = 20;
constexpr int tenants = 8;
constexpr int creators = 30;
constexpr int scripts = 3;

std::string name_of(int64_t tenant) { return "tenant-" + std::to_string(tenant); }

struct Board {
    std::atomic<int> waiting{0};
    std::atomic<int64_t> applied{0};
    std::atomic<int> made{0};
    std::atomic<int> existed{0};
    std::atomic<int> other{0};
    std::array<char, 400> failure{};

    // All of them start here, or not at all.
    void start(int count) {
        waiting.fetch_add(1);
        const int64_t end = now_ms() + plenty_ms;
        while (waiting < count && now_ms() < end) std::this_thread::yield();
    }
    void fail(const std::string& why) {
        if (other.fetch_add(1) == 0) std::snprintf(failure.data(), failure.size(), "%s", why.c_str());
    }
};

// Runs `body` in every thread of every process, each process with a db of its own, all at once.
template <class Body>
void everywhere(const std::string& root, int each, Board& board, Body&& body) {
    std::vector<pid_t> children;
    for (int process = 0; process < processes; ++process)
        children.push_back(spawn([&] {
            const Db db = open_db(root);
            body(db.get(), each);
        }));
    for (const pid_t child : children) join(child, 300000);
    check(board.other == 0, board.failure.data());
}

void run_threads(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> running;
    for (int i = 0; i < count; ++i) running.emplace_back([&body, i] { body(i); });
    for (auto& thread : running) thread.join();
}

Migrator counting_migrator(mtdb_db* db, Settings settings = {}) {
    Migrator migrator = new_migrator(db, settings);
    add_script(migrator.get(), 1, "CREATE TABLE runs(script);INSERT INTO runs VALUES(1)");
    // Long enough for everybody else to arrive meanwhile.
    add_script(migrator.get(), 2,
               "INSERT INTO runs VALUES(2);CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
               "FROM n WHERE"
               " i < 20000) SELECT i FROM n");
    add_script(migrator.get(), 3, "INSERT INTO runs VALUES(3)");
    return migrator;
}

void must_have_run_once(const std::string& root) {
    in_child([&] {
        const Db db = open_db(root);
        for (int tenant = 0; tenant < tenants; ++tenant) {
            const std::string runs = text_in(db.get(), name_of(tenant), "SELECT script FROM runs ORDER BY rowid");
            check(runs == "1,2,3", name_of(tenant) + " ran scripts " + runs);
            check(int_in(db.get(), name_of(tenant), "SELECT count(*) FROM flyway_schema_history") == scripts,
                  "history");
        }
    });
}

void make_tenants(const std::string& root) {
    in_child([&] {
        const Db db = open_db(root);
        for (int tenant = 0; tenant < tenants; ++tenant) must(create(db.get(), name_of(tenant)));
    });
}

void by_verb() {
    const Folder root(Folder::Kind::speedy);
    make_tenants(root.path());
    const Shared<Board> board;
    everywhere(root.path(), threads, *board, [&](mtdb_db* db, int count) {
        const Migrator migrator = counting_migrator(db);
        run_threads(count, [&](int number) {
            board->start(processes * threads);
            for (int i = 0; i < tenants; ++i) {
                int64_t applied = 0;
                const Answer answer = migrate(migrator.get(), name_of((number + i) % tenants), "latest", &applied);
                board->applied.fetch_add(applied);
                if (!answer.ok()) board->fail(answer.text());
            }
        });
    });
    check(board->applied == tenants * scripts,
          std::to_string(board->applied) + " scripts are said to have been applied");
    must_have_run_once(root.path());
}

void at_first_lease() {
    const Folder root(Folder::Kind::speedy);
    make_tenants(root.path());
    const Shared<Board> board;
    everywhere(root.path(), threads, *board, [&](mtdb_db* db, int count) {
        const Migrator migrator = counting_migrator(db, {{"migrate.mode", "auto"}});
        ok([&](mtdb_error** err) { return mtdb_migrator_enable(migrator.get(), err); });
        run_threads(count, [&](int number) {
            board->start(processes * threads);
            for (int i = 0; i < tenants; ++i) {
                std::string seen;
                const Answer answer = query(db, name_of((number + i) % tenants), "SELECT count(*) FROM runs", seen);
                if (!answer.ok() || seen != "3") board->fail("a lease shows " + seen + " scripts; " + answer.text());
            }
        });
    });
    must_have_run_once(root.path());
}

void creators_race(int64_t round) {
    const Folder root(Folder::Kind::speedy);
    const Shared<Board> board;
    everywhere(root.path(), creators / processes, *board, [&](mtdb_db* db, int count) {
        run_threads(count, [&](int) {
            board->start(creators);
            const Answer answer = create(db, name_of(round));
            if (answer.status == MTDB_OK)
                board->made.fetch_add(1);
            else if (answer.status == MTDB_EXISTS)
                board->existed.fetch_add(1);
            else
                board->fail(answer.text());
            const Answer read = ping(db, name_of(round));
            if (!read.ok()) board->fail(read.text());
        });
    });
    check(board->made == 1 && board->existed == creators - 1,
          std::to_string(board->made) + " made it, " + std::to_string(board->existed) + " found it");
}

}  // namespace

int main() {
    seed("stress.once");
    for (int64_t round = 0; round < scaled(3); ++round) {
        test("40 threads of two processes migrate each tenant once", by_verb);
        test("40 threads of two processes migrate each tenant once at its first lease", at_first_lease);
    }
    for (int64_t round = 0; round < scaled(15); ++round)
        test("of 30 creators one is OK, the others find it", [&] { creators_race(round); });
    return summary();
}
