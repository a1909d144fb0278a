// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "migrate/journal.hpp"
#include "migrate/runner.hpp"
#include "unit/migrate_sqlite.hpp"

using namespace mtdb::migrate;
using mtdb::Code;
using mtdb::Wait;
using mtdb::test::BareConnection;
using Texts = std::vector<std::string>;

namespace {

mtdb::db::Dialect committing() {
    mtdb::db::Dialect dialect = mtdb::test::sqlite_dialect;
    dialect.transactional_ddl = false;
    dialect.locks = mtdb::test::session_locks;
    dialect.journal = mtdb::test::sqlite_journal;
    return dialect;
}

Runner runner_of(const std::string& up, HistoryChoice choice = HistoryChoice::flyway,
                 const mtdb::db::Dialect& dialect = committing()) {
    const std::vector<InlineScript> scripts = {{"1", "a", up, "DROP TABLE a;"}};
    return Runner(Source::from_inline(scripts, dialect), {{choice, ""}, {}, {}}, dialect);
}

int64_t migrate(const Runner& runner, BareConnection& db) {
    Progress progress;
    runner.migrate(db, Wait::forever(), Target::latest(), progress);
    return progress.done;
}

template <class Work>
mtdb::Error error_of(Work&& work) {
    try {
        work();
    } catch (const mtdb::Error& error) {
        return error;
    }
    FAIL("no error");
    return mtdb::Error(Code::ok, "");
}

const std::string broken = "CREATE TABLE a (x); INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);";
const std::string history = "SELECT installed_rank, version, success FROM flyway_schema_history";
const std::string columns =
    "(installed_rank INT NOT NULL PRIMARY KEY, version, description, type, script, checksum, installed_by, "
    "installed_on, execution_time, success)";
const std::string journal = "SELECT holder, script, statement, stage FROM mtdb_migration";

}  // namespace

TEST_CASE("a script that broke off goes on at the statement that failed, whatever became of that statement") {
    for (const auto choice : {HistoryChoice::flyway, HistoryChoice::golang}) {
        BareConnection db;
        const auto error = error_of([&] { migrate(runner_of(broken, choice), db); });
        CHECK(error.code() == Code::migration_failed);
        CHECK(error.statement() == 3);
        CHECK(db.rows("SELECT holder, statement, stage FROM mtdb_migration") == Texts{"|2|done"});
        SUBCASE("as it was") {
            db.run("CREATE TABLE nowhere (x)");
            CHECK(migrate(runner_of(broken, choice), db) == 1);
        }
        SUBCASE("mended") {
            const std::string text = "CREATE TABLE a (x); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);";
            CHECK(migrate(runner_of(text, choice), db) == 1);
        }
        CHECK(db.rows("SELECT count(*) FROM a WHERE x = 1") == Texts{"1"});
        CHECK(db.rows(journal) == Texts{"||0|"});
        CHECK(runner_of(broken, choice).status(db, Wait::forever()).status.current == "1");
        CHECK_FALSE(db.in_transaction());
    }
}

TEST_CASE("the checksum of a script that was mended is in its row") {
    BareConnection db;
    error_of([&] { migrate(runner_of(broken), db); });
    const Runner mended = runner_of("CREATE TABLE a (x); INSERT INTO a VALUES (1); DELETE FROM a;");
    CHECK(migrate(mended, db) == 1);
    CHECK(mended.validate(db, Wait::forever()).empty());
    CHECK(db.rows(history) == Texts{"1|1|1"});
}

TEST_CASE("a script that was changed where it had run is dirty") {
    BareConnection db;
    error_of([&] { migrate(runner_of(broken), db); });
    for (const auto* text : {"CREATE TABLE b (x); INSERT INTO a VALUES (1); DELETE FROM a;",
                             "CREATE TABLE a (x); INSERT INTO a VALUES (9); DELETE FROM a;", "CREATE TABLE a (x);"})
        CHECK(error_of([&] { migrate(runner_of(text), db); }).code() == Code::migration_dirty);
    CHECK(db.rows(history) == Texts{"1|1|0"});
}

TEST_CASE("of a statement that was begun it is known whether it was done, or both states are told") {
    BareConnection db;
    const auto begun = [&](const std::string& evidence) {
        db.run("UPDATE mtdb_migration SET statement = 2, stage = 'started', evidence = '" + evidence +
               "', hash_before = (SELECT hash_before FROM kept), hash_statement = (SELECT hash_statement FROM kept), "
               "script = 'V1__a.sql', direction = 'up', target = 1");
        db.run("UPDATE flyway_schema_history SET success = 0");
    };
    const std::string script = "CREATE TABLE a (x); DROP TABLE b; INSERT INTO nowhere VALUES (1)";
    db.run("CREATE TABLE b (x)");
    db.run("CREATE TABLE flyway_schema_history" + columns);
    error_of([&] { migrate(runner_of(script), db); });
    db.run("CREATE TABLE kept AS SELECT hash_before, hash_statement FROM mtdb_migration");
    SUBCASE("done") {
        begun("TABLE b 0123456789abcdef");
        db.run("CREATE TABLE nowhere (x)");
        CHECK(migrate(runner_of(script), db) == 1);
        CHECK(db.rows("SELECT x FROM nowhere") == Texts{"1"});
    }
    SUBCASE("not done") {
        begun("TABLE b absent");
        CHECK(error_of([&] { migrate(runner_of(script), db); }).statement() == 2);  // tried again
    }
    SUBCASE("unknown") {
        begun("TABLE b 0123456789abcdef, TABLE c 0123456789abcdef");
        const auto error = error_of([&] { migrate(runner_of(script), db); });
        CHECK(error.code() == Code::migration_dirty);
        CHECK(error.message().find("before [TABLE b 0123456789abcdef, TABLE c 0123456789abcdef], "
                                   "now [TABLE b absent]") != std::string::npos);
        CHECK(db.rows(history) == Texts{"1|1|0"});
    }
}

TEST_CASE("another run's failure is not continued by the journal of an earlier one") {
    BareConnection db;
    error_of([&] { migrate(runner_of(broken), db); });
    db.run("CREATE TABLE nowhere (x)");
    SUBCASE("another tool wrote the row") {
        db.run("UPDATE flyway_schema_history SET installed_on = '2000-01-01'");
        const auto error = error_of([&] { migrate(runner_of(broken), db); });
        CHECK(error.code() == Code::migration_dirty);
        CHECK(error.message().find("in a run that the journal knows nothing of") != std::string::npos);
        CHECK(db.rows(history) == Texts{"1|1|0"});
        CHECK(db.rows("SELECT count(*) FROM a") == Texts{"1"});
    }
    SUBCASE("repair ended it") {
        Progress progress;
        runner_of(broken).repair(db, Wait::forever(), Runner::Apply::yes, progress);
        CHECK(db.rows(journal) == Texts{"||0|"});
        db.run("DROP TABLE a");
        CHECK(migrate(runner_of(broken), db) == 1);  // from its beginning
    }
}

TEST_CASE("without the journal a script that broke off is dirty, as with the tools") {
    BareConnection db;
    error_of([&] { migrate(runner_of(broken), db); });
    db.run("DROP TABLE mtdb_migration");
    CHECK(error_of([&] { migrate(runner_of(broken), db); }).code() == Code::migration_dirty);
    db.run("DELETE FROM flyway_schema_history");
    db.run("DROP TABLE a");
    CHECK(migrate(runner_of("CREATE TABLE a (x)"), db) == 1);  // and it is made again
    CHECK(db.rows(journal) == Texts{"||0|"});
}

TEST_CASE("whoever lost the row to another writes nothing any more") {
    BareConnection db;
    // The first transaction marks the history, the second runs the first statement.
    db.on_begin = [&] {
        db.on_begin = [&] { db.run("UPDATE mtdb_migration SET epoch = epoch + 1, holder = 'another'"); };
    };
    const auto error = error_of([&] { migrate(runner_of("INSERT INTO t VALUES (1)"), db); });
    CHECK(error.code() == Code::migration_locked);
    CHECK(error.message().find("another process has taken over the migration") != std::string::npos);
    CHECK(db.rows(history) == Texts{"1|1|0"});
    CHECK(db.rows("SELECT epoch, holder, statement FROM mtdb_migration") == Texts{"2|another|0"});
}

TEST_CASE("where locks do not hold on the whole of the server, a holder must be gone") {
    BareConnection db;
    mtdb::db::Dialect dialect = committing();
    error_of([&] { migrate(runner_of(broken), db); });
    db.run("UPDATE mtdb_migration SET holder = 'other'");
    db.run("CREATE TABLE nowhere (x)");
    dialect.journal.partial_locks_query = "SELECT 'wsrep_on', 'ON'";
    const auto run = [&] { return migrate(runner_of(broken, HistoryChoice::flyway, dialect), db); };
    dialect.journal.gone_query = "SELECT 1";
    CHECK(error_of(run).code() == Code::migration_locked);  // not expired
    db.run("UPDATE mtdb_migration SET expires_at = 0");
    dialect.journal.gone_query = "SELECT NULL";
    CHECK(error_of(run).code() == Code::migration_locked);
    dialect.journal.gone_query = "SELECT '{holder}' = 'other'";
    CHECK(run() == 1);
}

TEST_CASE("a holder's row is renewed on a second connection until it is done") {
    const std::string path = "/tmp/mtdb-renew-" + std::to_string(getpid()) + ".db";
    {
        BareConnection db(path), reader(path);
        const auto dialect = committing();
        const HistoryTexts texts(*Source::from_inline(std::vector<InlineScript>{}), {}, dialect);
        Lock lock(db, dialect.locks, texts, {});
        Journal own(db, dialect, texts, lock, std::chrono::milliseconds(60));
        HistoryView view;
        own.create(view, Wait::forever());
        own.take(Format::golang, "V1__a.sql", "up", 1, Wait::forever());
        reader.run("PRAGMA busy_timeout = 10000");
        db.run("PRAGMA busy_timeout = 10000");
        const auto renewed = [&] { return reader.rows("SELECT expires_at > 0 FROM mtdb_migration") == Texts{"1"}; };
        int opened = 0;
        own.renew_with(
            [&](const Wait&) {
                ++opened;
                return std::make_shared<BareConnection>(path);
            },
            Journal::Reserve::now, Wait::forever());
        CHECK(opened == 1);
        reader.run("UPDATE mtdb_migration SET expires_at = 0");
        while (!renewed()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        own.finish(Wait::forever());
        reader.run("UPDATE mtdb_migration SET expires_at = 0");
        CHECK(opened == 1);
        CHECK(own.read(Format::golang, Wait::forever())->expired);
    }
    std::filesystem::remove(path);
}
