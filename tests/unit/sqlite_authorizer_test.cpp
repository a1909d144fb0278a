// SPDX-License-Identifier: MIT
#include "backends/sqlite/authorizer.hpp"

#include "sqlite_fixture.hpp"

using namespace sqlite_test;
using namespace mtdb::backends::sqlite;

namespace {

Error refused(db::Connection& connection, const std::string& sql) {
    CAPTURE(sql);
    const Error error = error_of([&] {
        const auto statement = prepare(connection, sql);
        while (statement->next(forever)) {
        }
    });
    CHECK(error.code() == Code::permission);
    CHECK(error.sqlstate().size() == 5);
    return error;
}

}  // namespace

TEST_CASE("sqlite authorizer: a statement cannot reach another file") {
    Folder folder;
    const auto connection = folder.make("a.db");
    folder.backend->create({"b.db"}, forever);
    refused(*connection, "ATTACH '" + (folder.root / "b.db").string() + "' AS b");
    refused(*connection, "ATTACH 'file:x?mode=memory' AS b");
    refused(*connection, "ATTACH ':memory:' AS b");
    refused(*connection, "ATTACH ? AS b");
    refused(*connection, "ATTACH '' || 'b.db' AS b");
    refused(*connection, "DETACH main");
    refused(*connection, "VACUUM INTO '" + (folder.root / "c.db").string() + "'");
    refused(*connection, "SELECT load_extension('x')");
    refused(*connection, "SELECT LOAD_EXTENSION('x', 'y')");
    refused(*connection, "SELECT fts3_tokenizer('simple')");
    refused(*connection, "SELECT * FROM sqlite_stmt");
    CHECK_FALSE(fs::exists(folder.root / "c.db"));
    CHECK(connection->end_lease() == db::Reuse::clean);
}

TEST_CASE("sqlite authorizer: plain VACUUM works and leaves the connection clean") {
    Folder folder;
    const auto connection = folder.make("a.db");
    run(*connection, "CREATE TABLE t(x)");
    run(*connection, "INSERT INTO t VALUES(zeroblob(100000))");
    run(*connection, "DELETE FROM t");
    run(*connection, "VACUUM");
    CHECK(std::stoll(ask(*connection, "PRAGMA page_count")) < 10);
    CHECK(connection->end_lease() == db::Reuse::clean);
}

TEST_CASE("sqlite authorizer: pragmas that others rely on cannot be set") {
    Folder folder;
    const auto connection = folder.make("a.db");
    for (const char* name : {"locking_mode",
                             "journal_mode",
                             "writable_schema",
                             "query_only",
                             "synchronous",
                             "mmap_size",
                             "cache_size",
                             "temp_store",
                             "busy_timeout",
                             "hard_heap_limit",
                             "soft_heap_limit",
                             "journal_size_limit",
                             "wal_autocheckpoint",
                             "schema_version",
                             "cell_size_check",
                             "trusted_schema",
                             "ignore_check_constraints",
                             "reverse_unordered_selects",
                             "case_sensitive_like",
                             "data_store_directory",
                             "temp_store_directory",
                             "page_size",
                             "encoding",
                             "auto_vacuum",
                             "secure_delete",
                             "max_page_count",
                             "threads",
                             "cache_spill",
                             "read_uncommitted",
                             "automatic_index",
                             "lock_proxy_file",
                             "default_cache_size",
                             "fullfsync"}) {
        CAPTURE(name);
        for (const char* form : {" = 1", "(1)", " = 'x'"}) {
            const Error error = refused(*connection, std::string("PRAGMA ") + name + form);
            CHECK(error.message().find(name) != std::string::npos);
        }
        refused(*connection, std::string("PRAGMA main.") + name + " = 1");
    }
    refused(*connection, "PRAGMA JOURNAL_MODE = DELETE");
    refused(*connection, "PRAGMA Writable_Schema = 1");
    refused(*connection, "PRAGMA no_such_pragma");
    CHECK(connection->end_lease() == db::Reuse::clean);
}

TEST_CASE("sqlite authorizer: pragmas that only tell are open") {
    Folder folder;
    const auto connection = folder.make("a.db");
    run(*connection, "CREATE TABLE t(x PRIMARY KEY)");
    CHECK(ask(*connection, "PRAGMA journal_mode") == "wal");
    CHECK(ask(*connection, "PRAGMA synchronous") == "2");
    CHECK(ask(*connection, "PRAGMA foreign_keys") == "1");
    CHECK(ask(*connection, "PRAGMA trusted_schema") == "0");
    CHECK(ask(*connection, "PRAGMA integrity_check") == "ok");
    CHECK(ask(*connection, "PRAGMA quick_check(1)") == "ok");
    CHECK(ask(*connection, "PRAGMA foreign_key_check") == "none");
    CHECK(ask(*connection, "PRAGMA table_info(t)") == "0");
    CHECK(ask(*connection, "SELECT name FROM pragma_table_xinfo('t')") == "x");
    CHECK(ask(*connection, "SELECT count(*) FROM json_each('[1,2]')") == "2");
    CHECK(ask(*connection, "SELECT count(*) > 0 FROM dbstat") == "1");
    run(*connection, "PRAGMA user_version = 7");
    run(*connection, "PRAGMA application_id = 8");
    run(*connection, "PRAGMA optimize");
    run(*connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(ask(*connection, "PRAGMA user_version") == "7");
    CHECK(connection->end_lease() == db::Reuse::clean);
}

TEST_CASE("sqlite authorizer: what outlives the lease makes the connection unfit for the next") {
    for (const std::string sql :
         {"PRAGMA foreign_keys = OFF", "PRAGMA recursive_triggers = 1",
          "PRAGMA legacy_alter_table = 1", "PRAGMA analysis_limit = 10", "CREATE TEMP TABLE x(a)",
          "CREATE TABLE temp.x(a)", "CREATE TEMP VIEW x AS SELECT 1",
          "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
          "CREATE VIRTUAL TABLE temp.f USING fts5(a)", "ATTACH '' AS scratch",
          "PRAGMA temp.user_version = 5", "PRAGMA TEMP.application_id(5)"}) {
        CAPTURE(sql);
        Folder folder;
        const auto connection = folder.make("a.db");
        run(*connection, "CREATE TABLE t(x)");
        CHECK(connection->end_lease() == db::Reuse::clean);
        run(*connection, sql);
        CHECK(connection->end_lease() == db::Reuse::discard);
    }
}

TEST_CASE("sqlite authorizer: a flag pragma acts at each run, and not when it is prepared") {
    Folder folder;
    const auto connection = folder.make("a.db");
    for (const std::string flag : {"foreign_keys", "recursive_triggers", "legacy_alter_table",
                                   "defer_foreign_keys", "analysis_limit"}) {
        CAPTURE(flag);
        const std::string show = "PRAGMA " + flag;
        run(*connection, show + "=0");
        const auto set = prepare(*connection, show + "=1");
        const auto unset = prepare(*connection, show + "=0");
        const auto explain = prepare(*connection, "EXPLAIN " + show + "=1");
        CHECK(ask(*connection, show) == "0");
        explain->run(forever);
        CHECK(ask(*connection, show) == "0");
        for (int i = 0; i < 2; ++i) {
            set->run(forever);
            CHECK(ask(*connection, show) == "1");
            unset->settle_columns(forever);
            CHECK(ask(*connection, show) == "0");
            unset->reset();
        }
        CHECK_THROWS_AS(set->run(Wait{Deadline::in(0ms)}), Error);
        CHECK(ask(*connection, show) == "0");
    }
}

TEST_CASE("sqlite authorizer: a flag pragma that is only prepared leaves the connection clean") {
    Folder folder;
    const auto connection = folder.make("a.db");
    prepare(*connection, "PRAGMA foreign_keys = OFF");
    prepare(*connection, "EXPLAIN PRAGMA foreign_keys = OFF")->run(forever);
    CHECK(connection->end_lease() == db::Reuse::clean);
    CHECK(ask(*connection, "PRAGMA foreign_keys") == "1");
}

TEST_CASE("sqlite authorizer: a pragma shows the same columns as in sqlite once it runs") {
    Folder folder;
    const auto connection = folder.make("a.db");
    CHECK(ask(*connection, "PRAGMA analysis_limit = 7") == "7");
    CHECK(ask(*connection, "PRAGMA foreign_keys = 0") == "none");
}

TEST_CASE("sqlite authorizer: deferred keys end with the lease") {
    Folder folder;
    const auto connection = folder.make("a.db");
    run(*connection, "PRAGMA defer_foreign_keys = 1");
    CHECK(ask(*connection, "PRAGMA defer_foreign_keys") == "1");
    CHECK(connection->end_lease() == db::Reuse::clean);
    CHECK(ask(*connection, "PRAGMA defer_foreign_keys") == "0");
}

TEST_CASE("sqlite authorizer: full text and spatial modules are open, others are not") {
    Folder folder;
    const auto connection = folder.make("a.db");
    for (const char* module : {"fts3", "fts4", "fts5"}) {
        CAPTURE(module);
        const std::string name = std::string("t_") + module;
        run(*connection, "CREATE VIRTUAL TABLE " + name + " USING " + module + "(body)");
        run(*connection, "INSERT INTO " + name + " VALUES('hello world')");
        CHECK(ask(*connection,
                  "SELECT count(*) FROM " + name + " WHERE " + name + " MATCH 'hello'") == "1");
        run(*connection, "DROP TABLE " + name);
    }
    run(*connection, "CREATE VIRTUAL TABLE r USING rtree(id, a, b)");
    run(*connection, "INSERT INTO r VALUES(1, 2, 3)");
    CHECK(ask(*connection, "SELECT id FROM r WHERE a < 3") == "1");
    refused(*connection, "CREATE VIRTUAL TABLE d USING dbstat(main)");
    CHECK(connection->end_lease() == db::Reuse::clean);
}

TEST_CASE("sqlite authorizer: the schema cannot be written as a table") {
    Folder folder;
    const auto connection = folder.make("a.db");
    run(*connection, "CREATE TABLE t(x)");
    CHECK(error_of([&] { run(*connection, "UPDATE sqlite_master SET sql = 'x'"); }).code() ==
          Code::sql_error);
}

TEST_CASE("sqlite authorizer: a statement tells what it does to the transaction") {
    Folder folder;
    const auto connection = folder.make("a.db");
    const auto control = [&](const char* sql) { return prepare(*connection, sql)->control(); };
    CHECK(control("BEGIN") == db::Control::begin);
    CHECK(control("begin exclusive") == db::Control::begin);
    CHECK(control("COMMIT") == db::Control::commit);
    CHECK(control("END") == db::Control::commit);
    CHECK(control("ROLLBACK") == db::Control::rollback);
    CHECK(control("SAVEPOINT a") == db::Control::savepoint);
    CHECK(control("RELEASE a") == db::Control::savepoint);
    CHECK(control("ROLLBACK TO a") == db::Control::savepoint);
    CHECK(control("SELECT 1") == db::Control::none);
    CHECK(control("EXPLAIN COMMIT") == db::Control::none);
}
