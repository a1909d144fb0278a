// SPDX-License-Identifier: MIT
#include "backends/sqlite/connection.hpp"

#include <thread>

#include "sqlite_fixture.hpp"

using namespace sqlite_test;
using db::TransactionMode;

namespace {

constexpr const char* million =
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < "
    "100000000) SELECT i FROM n";

// A table `t(a UNIQUE)` with the row 1.
std::unique_ptr<db::Connection> with_table(Folder& folder) {
    auto connection = folder.make("a.db");
    run(*connection, "CREATE TABLE t(a UNIQUE)");
    run(*connection, "INSERT INTO t VALUES(1)");
    return connection;
}

}  // namespace

TEST_CASE("sqlite connection: begin, commit and rollback do what they say") {
    Folder folder;
    const auto c = with_table(folder);
    CHECK_FALSE(c->in_transaction());
    c->begin({}, forever);
    CHECK(c->in_transaction());
    run(*c, "INSERT INTO t VALUES(2)");
    c->rollback();
    c->begin({.immediate = false, .isolation = db::Isolation::read_committed}, forever);
    run(*c, "INSERT INTO t VALUES(3)");
    CHECK(error_of([&] { c->begin({}, forever); }).code() == Code::invalid_state);
    c->commit(forever);
    CHECK_FALSE(c->in_transaction());
    CHECK(error_of([&] { c->commit(forever); }).code() == Code::invalid_state);
    c->rollback();
    CHECK(ask(*c, "SELECT group_concat(a) FROM t") == "1,3");
}

TEST_CASE("sqlite connection: savepoints nest, and an unknown one is not found") {
    Folder folder;
    const auto c = with_table(folder);
    c->begin({}, forever);
    c->savepoint("a\"b");
    run(*c, "INSERT INTO t VALUES(2)");
    c->savepoint("inner");
    run(*c, "INSERT INTO t VALUES(3)");
    c->rollback_to("inner");
    c->release_savepoint("a\"b");
    CHECK(error_of([&] { c->rollback_to("inner"); }).code() == Code::not_found);
    CHECK(error_of([&] { c->release_savepoint("x"); }).code() == Code::not_found);
    c->commit(forever);
    CHECK(ask(*c, "SELECT group_concat(a) FROM t") == "1,2");
}

TEST_CASE("sqlite connection: a read-only transaction sees one snapshot and refuses writes") {
    Folder folder;
    const auto reader = with_table(folder);
    const auto writer = folder.open("a.db");
    reader->begin({.read_only = true}, forever);
    run(*writer, "INSERT INTO t VALUES(2)");
    CHECK(ask(*reader, "SELECT count(*) FROM t") == "1");
    const Error error = error_of([&] { run(*reader, "INSERT INTO t VALUES(3)"); });
    CHECK(error.code() == Code::read_only);
    CHECK(error.effect() == Effect::none);
    CHECK(reader->in_transaction());
    reader->commit(forever);
    run(*reader, "INSERT INTO t VALUES(3)");
    CHECK(ask(*reader, "SELECT count(*) FROM t") == "3");
    reader->begin({.read_only = true}, forever);
    run(*reader, "COMMIT");
    run(*reader, "BEGIN");
    run(*reader, "INSERT INTO t VALUES(4)");
    run(*reader, "COMMIT");
}

TEST_CASE("sqlite connection: a constraint error changes nothing and keeps the transaction") {
    Folder folder;
    const auto c = with_table(folder);
    const Error alone = error_of([&] { run(*c, "INSERT INTO t VALUES(2),(1)"); });
    CHECK(alone.code() == Code::constraint);
    CHECK(alone.sqlstate() == "23505");
    CHECK(alone.native() == 2067);
    CHECK(alone.effect() == Effect::none);
    c->begin({}, forever);
    CHECK(error_of([&] { run(*c, "INSERT INTO t VALUES(2),(1)"); }).effect() == Effect::none);
    CHECK(c->in_transaction());
    c->commit(forever);
    CHECK(ask(*c, "SELECT count(*) FROM t") == "1");
}

TEST_CASE("sqlite connection: OR FAIL keeps the rows before the failure, and the error says so") {
    Folder folder;
    const auto c = with_table(folder);
    CHECK(error_of([&] { run(*c, "INSERT OR FAIL INTO t VALUES(2),(1),(3)"); }).effect() ==
          Effect::committed);
    CHECK(ask(*c, "SELECT group_concat(a) FROM t") == "1,2");
    CHECK(error_of([&] { run(*c, "INSERT OR FAIL INTO t VALUES(1),(3)"); }).effect() ==
          Effect::none);
    CHECK_FALSE(error_of([&] { run(*c, "INSERT OR FAIL INTO t VALUES(5),(1)"); }).retryable());
}

TEST_CASE("sqlite connection: OR ROLLBACK ends the transaction, and the error says so") {
    Folder folder;
    const auto c = with_table(folder);
    c->begin({}, forever);
    run(*c, "INSERT INTO t VALUES(2)");
    CHECK(error_of([&] { run(*c, "INSERT OR ROLLBACK INTO t VALUES(1)"); }).effect() ==
          Effect::rolled_back);
    CHECK_FALSE(c->in_transaction());
    CHECK(ask(*c, "SELECT count(*) FROM t") == "1");
}

TEST_CASE("sqlite connection: a cancelled INSERT takes its transaction along") {
    Folder folder;
    const auto c = with_table(folder);
    c->begin({}, forever);
    run(*c, "INSERT INTO t VALUES(2)");
    const auto insert = prepare(*c, million);
    const Error error = error_of([&] { insert->run(Wait{Deadline::in(20ms)}); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(error.native() == SQLITE_INTERRUPT);
    CHECK_FALSE(c->in_transaction());
    CHECK(ask(*c, "SELECT count(*) FROM t") == "1");
}

TEST_CASE("sqlite connection: a cancel from another thread ends a write, and the next write runs") {
    Folder folder;
    const auto c = with_table(folder);
    mtdb::CancelToken token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(10ms);
        token.trigger(0);
    });
    const Error error = error_of([&] {
        prepare(*c, million)->run(Wait{Deadline::never(), &token});
    });
    canceller.join();
    CHECK(error.code() == Code::cancelled);
    CHECK(error.effect() == Effect::none);
    CHECK(run(*c, "INSERT INTO t VALUES(2)") == 1);
}

TEST_CASE(
    "sqlite connection: a lock held elsewhere is BUSY at the deadline and CANCELLED at a cancel") {
    Folder folder;
    const auto c = with_table(folder);
    const auto holder = folder.open("a.db");
    holder->begin({}, forever);
    const Error busy = error_of([&] { c->begin({}, Wait{Deadline::in(10ms)}); });
    CHECK(busy.code() == Code::busy);
    CHECK(busy.retryable());
    CHECK(busy.message() == "another connection holds the lock of 'a.db'");
    CHECK(error_of([&] {
              prepare(*c, "INSERT INTO t VALUES(9)")->run(Wait{Deadline::in(10ms)});
          }).code() == Code::busy);
    mtdb::CancelToken token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(10ms);
        token.trigger(0);
    });
    CHECK(error_of([&] {
              c->begin({}, Wait{Deadline::never(), &token});
          }).code() == Code::cancelled);
    canceller.join();
    std::thread releaser([&] {
        std::this_thread::sleep_for(10ms);
        holder->rollback();
    });
    c->begin({}, Wait{Deadline::in(5s)});
    releaser.join();
    c->rollback();
}

TEST_CASE("sqlite connection: a snapshot that is too old to write is a serialization error") {
    Folder folder;
    const auto c = with_table(folder);
    const auto other = folder.open("a.db");
    c->begin({.immediate = false}, forever);
    CHECK(ask(*c, "SELECT count(*) FROM t") == "1");
    run(*other, "INSERT INTO t VALUES(2)");
    const Error error = error_of([&] { run(*c, "INSERT INTO t VALUES(3)"); });
    CHECK(error.code() == Code::serialization);
    CHECK(error.sqlstate() == "40001");
    CHECK(error.effect() == Effect::none);
    CHECK(error.message() ==
          "another connection has written since this transaction read: roll back and run it again, "
          "begun immediate");
    c->rollback();
    const auto open = prepare(*c, "SELECT a FROM t");
    REQUIRE(open->next(forever));
    run(*other, "INSERT INTO t VALUES(4)");
    CHECK(error_of([&] { run(*c, "INSERT INTO t VALUES(5)"); }).message() ==
          "another connection has written since an open result was begun: close the result and run "
          "the statement again");
}

TEST_CASE("sqlite connection: deferred keys fail the commit and leave the transaction open") {
    Folder folder;
    const auto c = folder.make("a.db");
    run(*c, "CREATE TABLE p(a PRIMARY KEY)");
    run(*c, "CREATE TABLE c(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    c->begin({}, forever);
    run(*c, "INSERT INTO c VALUES(1)");
    const Error error = error_of([&] { c->commit(forever); });
    CHECK(error.code() == Code::constraint);
    CHECK(error.sqlstate() == "23503");
    CHECK(error.effect() == Effect::none);
    CHECK(c->in_transaction());
    run(*c, "INSERT INTO p VALUES(1)");
    c->commit(forever);
}

TEST_CASE(
    "sqlite connection: the end of a lease rolls back, stops readers and forgets the insert id") {
    Folder folder;
    const auto c = with_table(folder);
    c->mark_lease();
    CHECK(c->insert_id() == 0);
    run(*c, "INSERT INTO t VALUES(2)");
    CHECK(c->insert_id() == 2);
    c->begin({}, forever);
    run(*c, "INSERT INTO t VALUES(3)");
    const auto reading = prepare(*c, "SELECT * FROM t");
    REQUIRE(reading->next(forever));
    CHECK(c->end_lease() == db::Reuse::clean);
    CHECK_FALSE(c->in_transaction());
    CHECK_FALSE(reading->reading());
    c->mark_lease();
    CHECK(c->insert_id() == 0);
    CHECK(ask(*c, "SELECT count(*) FROM t") == "2");
}

TEST_CASE("sqlite connection: its memory is told and can be given back") {
    Folder folder;
    const auto c = with_table(folder);
    run(*c, "INSERT INTO t VALUES(zeroblob(500000))");
    CHECK(ask(*c, "SELECT length(group_concat(a)) > 0 FROM t") == "1");
    const int64_t before = c->memory_bytes();
    CHECK(before > 400'000);
    c->shed_memory();
    CHECK(c->memory_bytes() < before / 2);
}

TEST_CASE("sqlite connection: the cache follows the tenant's share of memory") {
    Folder folder{{"tenant.memory_max_bytes", "4194304"},
                  {"sqlite.synchronous", "normal"},
                  {"sqlite.mmap_bytes", "65536"}};
    const auto c = folder.make("a.db");
    CHECK(ask(*c, "PRAGMA cache_size") == "-512");
    CHECK(ask(*c, "PRAGMA synchronous") == "1");
    CHECK(ask(*c, "PRAGMA mmap_size") == "65536");
}

TEST_CASE("sqlite connection: the log's pages are told, and a checkpoint writes them back") {
    Folder folder;
    const auto c = with_table(folder);
    CHECK(c->log_pages() > 0);
    CHECK_FALSE(folder.backend->checkpoint(*c));
    CHECK(c->log_pages() == 0);
    const auto reader = folder.open("a.db");
    reader->begin({.read_only = true}, forever);
    run(*c, "INSERT INTO t VALUES(2)");
    CHECK(folder.backend->checkpoint(*c));
    reader->rollback();
    CHECK_FALSE(folder.backend->checkpoint(*c));
}

TEST_CASE("sqlite connection: a checkpoint cuts a log above its limit") {
    Folder folder{{"sqlite.wal_size_max_bytes", "65536"}};
    const auto c = with_table(folder);
    CHECK_FALSE(folder.backend->checkpoint(*c));
    CHECK(fs::file_size(folder.root / "a.db-wal") > 0);
    run(*c, "INSERT INTO t VALUES(zeroblob(200000))");
    CHECK(fs::file_size(folder.root / "a.db-wal") > 65536);
    CHECK_FALSE(folder.backend->checkpoint(*c));
    CHECK(fs::file_size(folder.root / "a.db-wal") == 0);
}

TEST_CASE("sqlite connection: a commit checkpoints by itself once eight checkpoints are overdue") {
    Folder folder{{"sqlite.checkpoint_pages", "10"}};
    const auto c = with_table(folder);
    run(*c, "INSERT INTO t VALUES(zeroblob(100000))");
    CHECK(c->log_pages() > 10);
    CHECK(c->log_pages() < 80);
    run(*c, "INSERT INTO t VALUES(zeroblob(100001))");
    CHECK(c->log_pages() == 0);
}

TEST_CASE("sqlite connection: foreign keys are on unless the option says otherwise") {
    Folder folder;
    CHECK(ask(*folder.make("a.db"), "PRAGMA foreign_keys") == "1");
    const auto backend = folder.reopen({{"sqlite.foreign_keys", "false"}});
    CHECK(ask(*backend->open({"a.db"}, forever), "PRAGMA foreign_keys") == "0");
}

TEST_CASE(
    "sqlite connection: a damaged file is an error of its own and ends the connection's use") {
    Folder folder;
    {
        const auto c = with_table(folder);
        run(*c, "INSERT INTO t VALUES(zeroblob(100000))");
    }
    {
        std::fstream file(folder.root / "a.db", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(4096, '\xff');
    }
    const auto c = folder.open("a.db");
    const Error error =
        error_of([&] { ask(*c, "SELECT count(*), sum(length(a)) FROM t NOT INDEXED"); });
    CHECK(error.code() == Code::corrupt);
    CHECK(c->end_lease() == db::Reuse::discard);
}
