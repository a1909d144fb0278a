// SPDX-License-Identifier: MIT
#include "backends/sqlite/backend.hpp"

#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "sqlite_fixture.hpp"

using namespace sqlite_test;
using namespace mtdb::backends::sqlite;

TEST_CASE("sqlite backend: a created place is an empty database in the chosen journal mode") {
    for (const char* journal : {"wal", "delete"}) {
        CAPTURE(journal);
        Folder folder{{"sqlite.journal", journal}};
        CHECK_FALSE(folder.backend->exists({"a.db"}, {}));
        const auto connection = folder.make("a.db");
        CHECK(folder.backend->exists({"a.db"}, {}));
        CHECK(ask(*connection, "PRAGMA journal_mode") == journal);
        CHECK(ask(*connection, "PRAGMA integrity_check") == "ok");
        run(*connection, "CREATE TABLE t(x)");
        CHECK(ask(*connection, "SELECT count(*) FROM t") == "0");
        CHECK(error_of([&] { folder.backend->create({"a.db"}, forever); }).code() == Code::exists);
    }
}

TEST_CASE("sqlite backend: a drop leaves nothing, and nothing cannot be dropped") {
    Folder folder;
    {
        const auto connection = folder.make("a.db");
        run(*connection, "CREATE TABLE t(x)");
        folder.backend->drop({"a.db"}, forever);
    }
    CHECK(fs::is_empty(folder.root));
    CHECK(error_of([&] { folder.backend->drop({"a.db"}, forever); }).code() ==
          Code::tenant_unknown);
}

TEST_CASE("sqlite backend: a copy is what the source saw, while others write") {
    Folder folder;
    const auto source = folder.make("a.db");
    run(*source, "CREATE TABLE t(x)");
    run(*source, "INSERT INTO t VALUES(zeroblob(3000000))");
    run(*source, "CREATE TABLE pair(a, b)");
    run(*source, "INSERT INTO pair VALUES(0, 0)");
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        const auto connection = folder.open("a.db");
        while (!stop) run(*connection, "UPDATE pair SET a = a + 1, b = b + 1");
    });
    for (int i = 0; i < 5; ++i) {
        const std::string path = "copy" + std::to_string(i) + ".db";
        folder.backend->copy(*source, {path}, forever);
        const auto copy = folder.open(path);
        CHECK(ask(*copy, "PRAGMA integrity_check") == "ok");
        CHECK(ask(*copy, "SELECT a = b FROM pair") == "1");
        CHECK(ask(*copy, "PRAGMA journal_mode") == "wal");
    }
    stop = true;
    writer.join();
    CHECK_FALSE(source->in_transaction());
    CHECK(error_of([&] { folder.backend->copy(*source, {"copy0.db"}, forever); }).code() ==
          Code::exists);
}

TEST_CASE("sqlite backend: a copy that runs out of time leaves nothing") {
    Folder folder;
    const auto source = folder.make("a.db");
    run(*source, "CREATE TABLE t(x)");
    mtdb::CancelToken token;
    token.trigger(0);
    CHECK(error_of([&] {
              folder.backend->copy(*source, {"b.db"}, Wait{Deadline::never(), &token});
          }).code() == Code::cancelled);
    CHECK_FALSE(source->in_transaction());
    CHECK(all(*folder.backend->list({})) == std::vector<std::string>{"a.db"});
}

TEST_CASE("sqlite backend: threads copy to one name and one of them wins") {
    Folder folder;
    run(*folder.make("a.db"), "CREATE TABLE t(x)");
    std::atomic<int> made{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            const auto source = folder.open("a.db");
            try {
                folder.backend->copy(*source, {"b.db"}, forever);
                ++made;
            } catch (const Error& error) {
                if (error.code() != Code::exists) made += 100;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(made == 1);
    CHECK(ask(*folder.open("b.db"), "SELECT count(*) FROM t") == "0");
}

TEST_CASE("sqlite backend: a checkpoint leaves the shared file alone") {
    Folder folder{{"tenant.shared", "plans"}};
    const auto shared = folder.make("plans.db");
    const auto tenant = folder.make("a.db");
    run(*shared, "CREATE TABLE price(x)");
    CHECK(ask(*tenant, "SELECT count(*) FROM price") == "0");
    for (const char* sql : {"PRAGMA wal_checkpoint", "pragma WAL_CHECKPOINT(full)",
                            "PRAGMA main.wal_checkpoint", "PRAGMA wal_checkpoint = 'Truncate'"}) {
        CAPTURE(sql);
        run(*tenant, "CREATE TABLE IF NOT EXISTS t(x)");
        CHECK(ask(*tenant, sql) == "0");
    }
    CHECK(fs::file_size(folder.root / "a.db-wal") == 0);
    CHECK(ask(*tenant, "EXPLAIN PRAGMA wal_checkpoint") == "0");
}

TEST_CASE(
    "sqlite backend: the shared file is read under its name by every tenant and written by none") {
    Folder folder{{"tenant.shared", "pl-ans"}, {"tenant.path", "{hash:1}{hash:1}/{id}.db"}};
    const std::string path = expand_template("{hash:1}{hash:1}/{id}.db", "pl-ans");
    CHECK(path.size() == 12);
    folder.backend->create({"00/a.db"}, forever);
    CHECK(error_of([&] { folder.open("00/a.db"); }).code() == Code::not_found);
    const auto shared = folder.make(path);
    run(*shared, "CREATE TABLE price(x)");
    run(*shared, "INSERT INTO price VALUES(42)");
    const auto tenant = folder.open("00/a.db");
    CHECK(ask(*tenant, "SELECT x FROM \"pl-ans\".price") == "42");
    const Error error = error_of([&] { run(*tenant, "INSERT INTO \"pl-ans\".price VALUES(1)"); });
    CHECK(error.code() == Code::read_only);
    CHECK(error_of([&] { run(*tenant, "DETACH \"pl-ans\""); }).code() == Code::permission);
    run(*tenant, "CREATE TABLE own(x)");
    run(*shared, "INSERT INTO price VALUES(43)");
    CHECK(ask(*tenant, "SELECT count(*) FROM \"pl-ans\".price") == "2");
    CHECK(tenant->end_lease() == db::Reuse::clean);
    CHECK(folder.backend->file_cost().of(3) == 2 * db::FileCost{}.of(3));
}

TEST_CASE("sqlite backend: the descriptors that a place holds stay within its cost") {
    for (const char* journal : {"wal", "delete"}) {
        CAPTURE(journal);
        Folder folder{{"sqlite.journal", journal}};
        const auto count = [] {
            return std::distance(fs::directory_iterator("/proc/self/fd"), {});
        };
        const auto before = count();
        std::vector<std::unique_ptr<db::Connection>> connections;
        connections.push_back(folder.make("a.db"));
        run(*connections.back(), "CREATE TABLE t(x)");
        while (connections.size() < 5) connections.push_back(folder.open("a.db"));
        for (const auto& connection : connections) ask(*connection, "SELECT count(*) FROM t");
        connections.front()->begin({}, forever);
        run(*connections.front(), "INSERT INTO t VALUES(zeroblob(10000))");
        CHECK(count() - before <= folder.backend->file_cost().of(5));
        connections.clear();
        CHECK(count() == before);
    }
}

TEST_CASE("sqlite backend: a child of a process with open files cannot open one") {
    Folder folder;
    const auto connection = folder.make("a.db");
    const pid_t child = fork();
    if (child == 0) {
        int status = 1;
        try {
            folder.open("a.db").release();
        } catch (const Error& error) {
            status = error.code() == Code::forked ? 0 : 2;
        }
        _exit(status);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(ask(*connection, "SELECT 1") == "1");
}

TEST_CASE("sqlite backend: a read-only file is read, and a write says why not") {
    if (geteuid() == 0) return;  // root writes everything
    Folder folder;
    run(*folder.make("a.db"), "CREATE TABLE t(x)");
    fs::permissions(folder.root / "a.db", fs::perms::owner_read);
    const auto connection = folder.open("a.db");
    CHECK(error_of([&] { run(*connection, "INSERT INTO t VALUES(1)"); }).code() == Code::read_only);
}

TEST_CASE("sqlite backend: a name that needs quoting in a uri is opened as it is") {
    Folder folder{{"tenant.shared", "it's 100%?#"}};
    const auto shared = folder.make("it's 100%?#.db");
    run(*shared, "CREATE TABLE t(x)");
    CHECK(ask(*folder.make("a.db"), "SELECT count(*) FROM \"it's 100%?#\".t") == "0");
}

TEST_CASE("sqlite backend: an option that names a schema of sqlite's own is refused") {
    Folder folder;
    CHECK(error_of([&] {
              folder.reopen({{"tenant.shared", "MAIN"}});
          }).code() == Code::invalid_argument);
}
