// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "migrate/runner.hpp"
#include "unit/migrate_sqlite.hpp"

using namespace mtdb::migrate;
using mtdb::Code;
using mtdb::Wait;
using mtdb::test::BareConnection;

namespace {

using Texts = std::vector<std::string>;

const std::vector<InlineScript> three = {
    {"1", "people", "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);",
     "DROP TABLE people;"},
    {"2", "pets",
     "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people);\nINSERT INTO "
     "people VALUES (1, 'a');",
     "DROP TABLE pets;"},
    {"3", "tail", "ALTER TABLE pets ADD COLUMN tail INTEGER;",
     "ALTER TABLE pets DROP COLUMN tail;"},
};

Runner runner_of(const std::vector<InlineScript>& scripts, Options options = {}) {
    return Runner(Source::from_inline(scripts), std::move(options), mtdb::test::sqlite_dialect);
}

Options golang(std::string table = "") { return {{HistoryChoice::golang, std::move(table)}, {}}; }
Options flyway(std::string table = "") { return {{HistoryChoice::flyway, std::move(table)}, {}}; }

int64_t migrate(const Runner& runner, BareConnection& db, const char* target = "latest") {
    Progress progress;
    runner.migrate(db, Wait::forever(), Target::of_migrate(target), progress);
    return progress.done;
}

int64_t undo(const Runner& runner, BareConnection& db, const char* target) {
    Progress progress;
    runner.undo(db, Wait::forever(), Target::of_undo(target), progress);
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

const char* const rows_sql =
    "SELECT installed_rank, version, description, type, script, checksum, installed_by, success "
    "FROM flyway_schema_history";

}  // namespace

TEST_CASE("the Flyway table has the reference's columns, types, defaults and index") {
    BareConnection db;
    CHECK(migrate(runner_of(three), db) == 3);
    CHECK(db.rows("SELECT name, type, \"notnull\", dflt_value, pk FROM "
                  "pragma_table_info('flyway_schema_history')") ==
          Texts{"installed_rank|INT|1|NULL|1", "version|VARCHAR(50)|0|NULL|0",
                "description|VARCHAR(200)|1|NULL|0", "type|VARCHAR(20)|1|NULL|0",
                "script|VARCHAR(1000)|1|NULL|0", "checksum|INT|0|NULL|0",
                "installed_by|VARCHAR(100)|1|NULL|0",
                "installed_on|TEXT|1|strftime('%Y-%m-%d %H:%M:%f','now')|0",
                "execution_time|INT|1|NULL|0", "success|BOOLEAN|1|NULL|0"});
    CHECK(db.rows("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL") ==
          Texts{"flyway_schema_history_s_idx"});
    CHECK(db.rows("SELECT name FROM pragma_index_info('flyway_schema_history_s_idx')") ==
          Texts{"success"});
    CHECK(db.rows("SELECT DISTINCT typeof(installed_rank), typeof(checksum), "
                  "typeof(execution_time), typeof(success) "
                  "FROM flyway_schema_history") == Texts{"integer|integer|integer|integer"});
    CHECK(db.rows("SELECT count(*) FROM flyway_schema_history WHERE installed_on GLOB "
                  "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] "
                  "[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]'") == Texts{"3"});
}

TEST_CASE("undo and redo leave the rows that Flyway's repair and migrate leave") {
    BareConnection db;
    const Runner runner = runner_of(three);
    migrate(runner, db);
    const auto sum = [](std::size_t i) { return std::to_string(flyway_checksum(three[i].up)); };
    const Texts first = {"1|1|people|SQL|V1__people.sql|" + sum(0) + "||1",
                         "2|2|pets|SQL|V2__pets.sql|" + sum(1) + "||1",
                         "3|3|tail|SQL|V3__tail.sql|" + sum(2) + "||1"};
    CHECK(db.rows(rows_sql) == first);
    CHECK(undo(runner, db, "1") == 2);
    Texts then = first;
    then.push_back("4|3|tail|DELETE|V3__tail.sql|" + sum(2) + "||1");
    then.push_back("5|2|pets|DELETE|V2__pets.sql|" + sum(1) + "||1");
    CHECK(db.rows(rows_sql) == then);
    CHECK(db.rows(
              "SELECT DISTINCT execution_time FROM flyway_schema_history WHERE type = 'DELETE'") ==
          Texts{"0"});
    CHECK(runner.status(db, Wait::forever()).status.current == "1");
    db.run("DELETE FROM people");
    CHECK(migrate(runner, db) == 2);
    then.push_back("6|2|pets|SQL|V2__pets.sql|" + sum(1) + "||1");
    then.push_back("7|3|tail|SQL|V3__tail.sql|" + sum(2) + "||1");
    CHECK(db.rows(rows_sql) == then);
    CHECK(runner.validate(db, Wait::forever()).empty());
    CHECK(undo(runner, db, "empty") == 3);
    CHECK(runner.status(db, Wait::forever()).status.pending == 3);
    CHECK(migrate(runner, db) == 3);
    CHECK(runner.validate(db, Wait::forever()).empty());
}

TEST_CASE("the golang-migrate table and its rows are as its driver writes them") {
    BareConnection db;
    const Runner runner = runner_of(three, golang());
    CHECK(migrate(runner, db, "2") == 2);
    CHECK(db.rows("SELECT name, type, \"notnull\", dflt_value, pk FROM "
                  "pragma_table_info('schema_migrations')") ==
          Texts{"version|uint64|0|NULL|0", "dirty|bool|0|NULL|0"});
    CHECK(db.rows("SELECT name, \"unique\" FROM pragma_index_list('schema_migrations')") ==
          Texts{"version_unique|1"});
    CHECK(db.rows("SELECT version, dirty, typeof(version), typeof(dirty) FROM schema_migrations") ==
          Texts{"2|0|integer|integer"});
    CHECK(migrate(runner, db) == 1);
    CHECK(db.rows("SELECT version, dirty FROM schema_migrations") == Texts{"3|0"});
    CHECK(undo(runner, db, "2") == 1);
    CHECK(db.rows("SELECT version, dirty FROM schema_migrations") == Texts{"2|0"});
    CHECK(undo(runner, db, "empty") == 2);
    CHECK(db.rows("SELECT count(*) FROM schema_migrations") == Texts{"0"});
    CHECK(migrate(runner, db) == 3);
    CHECK(db.rows("SELECT name FROM sqlite_master WHERE name LIKE 'flyway%'").empty());
}

TEST_CASE("golang-migrate's dirty flag is read in every form it was ever written") {
    for (const char* dirty : {"1", "'true'"}) {
        BareConnection db;
        db.run(
            "CREATE TABLE schema_migrations (version uint64,dirty bool); INSERT INTO "
            "schema_migrations VALUES (1, " +
            std::string(dirty) + ")");
        CHECK(error_of([&] { migrate(runner_of(three), db); }).code() == Code::migration_dirty);
    }
    for (const char* clean : {"0", "'false'"}) {
        BareConnection db;
        db.run(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE "
            "schema_migrations (version uint64,dirty bool);"
            "INSERT INTO schema_migrations VALUES (1, " +
            std::string(clean) + ")");
        CHECK(migrate(runner_of(three), db) == 2);
    }
}

TEST_CASE("a history table that lacks its columns is an error, never an empty history") {
    for (const char* table : {"schema_migrations", "flyway_schema_history"}) {
        BareConnection db;
        db.run("CREATE TABLE " + std::string(table) + " (a)");
        const auto error = error_of([&] { migrate(runner_of(three), db); });
        CHECK(error.code() == Code::invalid_state);
        CHECK(error.message().find(table) != std::string::npos);
    }
}

TEST_CASE(
    "which history: the table that is there, else the layout, and a contradiction is an error") {
    SUBCASE("both tables") {
        BareConnection db;
        db.run(
            "CREATE TABLE schema_migrations (version uint64,dirty bool); CREATE TABLE "
            "flyway_schema_history (a)");
        const auto error = error_of([&] { runner_of(three).status(db, Wait::forever()); });
        CHECK(error.code() == Code::invalid_state);
        CHECK(error.message().find("two histories") != std::string::npos);
    }
    SUBCASE("an existing table beats the layout but not an option") {
        BareConnection db;
        db.run("CREATE TABLE schema_migrations (version uint64,dirty bool)");
        CHECK(runner_of(three).status(db, Wait::forever()).history == "schema_migrations");
        CHECK(error_of([&] { migrate(runner_of(three, flyway()), db); }).code() ==
              Code::invalid_state);
        CHECK(error_of([&] { migrate(runner_of(three, flyway("mine")), db); }).code() ==
              Code::invalid_state);
        CHECK(migrate(runner_of(three), db) == 3);
    }
    SUBCASE("the option renames the table") {
        BareConnection db;
        CHECK(migrate(runner_of(three, flyway("my \"history")), db) == 3);
        CHECK(db.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") ==
              Texts{"my \"history", "people", "pets"});
        CHECK(migrate(runner_of(three, flyway("my \"history")), db) == 0);
        BareConnection other;
        CHECK(migrate(runner_of(three, golang("v")), other) == 3);
        CHECK(migrate(runner_of(three, golang("V")), other) == 0);
    }
    SUBCASE("a new name does not hide the old table") {
        BareConnection db;
        migrate(runner_of(three), db);
        CHECK(error_of([&] { migrate(runner_of(three, flyway("mine")), db); }).code() ==
              Code::invalid_state);
    }
    SUBCASE("scripts that golang-migrate's table cannot hold") {
        BareConnection db;
        CHECK(error_of([&] {
                  migrate(runner_of({{"1.2", "d", "SELECT 1", {}}}, golang()), db);
              }).code() == Code::invalid_state);
    }
    SUBCASE("tables without a history") {
        BareConnection db;
        db.run("CREATE TABLE a (b)");
        const auto error = error_of([&] { migrate(runner_of(three), db); });
        CHECK(error.code() == Code::invalid_state);
        CHECK(error.message().find("NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE") !=
              std::string::npos);
        CHECK(migrate(runner_of(three, golang()), db) == 3);
    }
}

TEST_CASE("nothing to do takes no lock and two statements") {
    BareConnection db;
    const Runner runner = runner_of(three);
    migrate(runner, db);
    db.prepared = db.begun = 0;
    CHECK(migrate(runner, db) == 0);
    CHECK(db.begun == 0);
    CHECK(db.prepared == 2);
}

TEST_CASE(
    "a failing statement names script, statement and place, and leaves what was committed before") {
    BareConnection db;
    std::vector<InlineScript> scripts = three;
    scripts[2].up = "CREATE TABLE more (a);\n\n  INSERT INTO pets\n  VALUES (1, nothing, 2);";
    Progress progress;
    const auto error = error_of(
        [&] { runner_of(scripts).migrate(db, Wait::forever(), Target::latest(), progress); });
    CHECK(error.code() == Code::migration_failed);
    CHECK(error.native() == SQLITE_ERROR);
    CHECK(error.engine() == "sqlite");
    CHECK(error.script() == "V3__tail.sql");
    CHECK(error.statement() == 2);
    CHECK(error.line() >= 3);
    CHECK(error.effect() == mtdb::Effect::committed);
    CHECK(error.message().find("last committed: 'V2__pets.sql'") != std::string::npos);
    CHECK(progress.done == 2);
    CHECK(progress.last_script == "V2__pets.sql");
    CHECK(db.rows("SELECT count(*) FROM flyway_schema_history") == Texts{"2"});
    CHECK(db.rows("SELECT name FROM sqlite_master WHERE name = 'more'").empty());
    CHECK_FALSE(db.in_transaction());
}

TEST_CASE("a first script that fails leaves no history table") {
    BareConnection db;
    const auto error = error_of([&] {
        migrate(runner_of({{"1", "d", "CREATE TABLE a (b); SELECT nothing;", {}}}), db);
    });
    CHECK(error.code() == Code::migration_failed);
    CHECK(error.effect() == mtdb::Effect::rolled_back);
    CHECK(db.rows("SELECT name FROM sqlite_master").empty());
}

TEST_CASE("a script that cannot run stops the plan before anything runs") {
    BareConnection db;
    std::vector<InlineScript> scripts = three;
    scripts[2].up = "SELECT 1;\nCOMMIT;";
    const auto error = error_of([&] { migrate(runner_of(scripts), db); });
    CHECK(error.code() == Code::migration_failed);
    CHECK(error.script() == "V3__tail.sql");
    CHECK(error.statement() == 2);
    CHECK(error.line() == 2);
    CHECK(db.rows("SELECT name FROM sqlite_master").empty());
    const auto rows = rows_of(runner_of(scripts).plan(db, Wait::forever(), Target::latest()));
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].problem.starts_with("SCRIPT_REFUSED "));
    CHECK(rows[1].script == "V1__people.sql");
}

TEST_CASE("what another runner applied meanwhile is not applied again") {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("mtdb-race-" + std::to_string(getpid()) + ".db"))
            .string();
    for (const Options& options : {flyway(), golang()}) {
        std::filesystem::remove(path);
        {
            BareConnection db(path), other(path);
            const Runner runner = runner_of(three, options);
            db.on_begin = [&] { migrate(runner, other, "2"); };
            CHECK(migrate(runner, db) == 1);
            CHECK(runner.status(db, Wait::forever()).status.standing == Standing::up_to_date);
            db.on_begin = [&] { undo(runner, other, "1"); };
            CHECK(undo(runner, db, "empty") == 1);
            CHECK(runner.status(db, Wait::forever()).status.pending == 3);
        }
        std::filesystem::remove(path);
    }
}

TEST_CASE("a history that was read before counts only as long as it is so") {
    for (const Options& options : {flyway(), golang()}) {
        BareConnection db;
        const Runner runner = runner_of(three, options);
        const auto migrate_from = [&](const HistoryView& view) {
            Progress progress;
            progress.want_status = true;
            progress.known = Known{view, {}};
            runner.migrate(db, Wait::forever(), Target::latest(), progress);
            CHECK(runner.status(db, Wait::forever()).status.standing == Standing::up_to_date);
            CHECK_FALSE(progress.known);
            CHECK(progress.status->current == "3");
            return progress;
        };
        const HistoryView nothing = runner.read(db, Wait::forever());
        migrate(runner, db, "1");
        const HistoryView one = runner.read(db, Wait::forever());
        migrate(runner, db, "2");
        Progress progress = migrate_from(one);
        CHECK(progress.done == 1);
        CHECK(progress.before == "2");
        CHECK(migrate_from(one).done == 0);
        CHECK(migrate_from(nothing).done == 0);
        const HistoryView all = runner.read(db, Wait::forever());
        undo(runner, db, "empty");
        progress = migrate_from(all);  // which would have had nothing to do
        CHECK(progress.done == 3);
        CHECK(progress.before == "");
    }
}

TEST_CASE("a history that was read before saves a look") {
    BareConnection db;
    const Runner runner = runner_of(three);
    migrate(runner, db, "2");
    Progress progress;
    progress.known = Known{runner.read(db, Wait::forever()), {}};
    db.prepared = 0;
    runner.migrate(db, Wait::forever(), Target::latest(), progress);
    CHECK(progress.done == 1);
    CHECK(db.prepared == 3);  // the count under the lock, the script, its row
}

TEST_CASE("foreign keys are off for the script that says so, checked, and put back") {
    BareConnection db;
    const std::string orphan = "INSERT INTO pets (id, owner) VALUES (1, 99);";
    std::vector<InlineScript> scripts = three;
    scripts.push_back({"4", "bad", "PRAGMA foreign_keys = OFF; " + orphan, {}});
    const auto error = error_of([&] { migrate(runner_of(scripts), db); });
    CHECK(error.code() == Code::migration_failed);
    CHECK(error.message().find("'pets'") != std::string::npos);
    CHECK(db.rows("PRAGMA foreign_keys") == Texts{"1"});
    CHECK(db.rows("SELECT count(*) FROM pets") == Texts{"0"});
    scripts.back().up =
        "PRAGMA foreign_keys = OFF; " + orphan + " DELETE FROM pets; PRAGMA foreign_keys = ON;";
    CHECK(migrate(runner_of(scripts), db) == 1);
    CHECK(db.rows("PRAGMA foreign_keys") == Texts{"1"});
}

TEST_CASE("vacuum runs outside a transaction and is recorded") {
    BareConnection db;
    CHECK(migrate(runner_of({{"1", "shrink", "VACUUM;", {}}}), db) == 1);
    CHECK(db.rows("SELECT script FROM flyway_schema_history") == Texts{"V1__shrink.sql"});
}

TEST_CASE("a cancel stops before the next script and says what was committed last") {
    BareConnection db;
    mtdb::CancelToken cancel;
    Progress progress;
    progress.on_step = [&](const Step& step, int64_t) {
        if (step.script->version.text() == "2") cancel.trigger(0);
    };
    Wait wait;
    wait.cancel = &cancel;
    const auto error =
        error_of([&] { runner_of(three).migrate(db, wait, Target::latest(), progress); });
    CHECK(error.code() == Code::cancelled);
    CHECK(progress.done == 2);
    CHECK(error.message().find("last committed: 'V2__pets.sql'") != std::string::npos);
    CHECK(db.rows("SELECT count(*) FROM flyway_schema_history") == Texts{"2"});
}

TEST_CASE("each script that writes has its turn") {
    BareConnection db;
    Progress progress;
    int64_t turns = 0;
    int64_t held = 0;
    progress.enter_write = [&](const Wait&) {
        ++turns;
        ++held;
        return std::shared_ptr<void>(&held, [](void* count) { --*static_cast<int64_t*>(count); });
    };
    runner_of(three).migrate(db, Wait::forever(), Target::latest(), progress);
    CHECK(turns == 3);
    CHECK(held == 0);
}

TEST_CASE("a plan shows what would run and touches nothing") {
    BareConnection db;
    const Runner runner = runner_of(three);
    const auto rows = rows_of(runner.plan(db, Wait::forever(), Target::latest()));
    REQUIRE(rows.size() == 3);
    CHECK(rows[1].version == "2");
    CHECK(rows[1].kind == "versioned");
    CHECK(rows[1].state == "pending");
    CHECK(rows[1].statements == 2);
    CHECK(rows[1].checksum == flyway_checksum(three[1].up));
    CHECK(db.rows("SELECT name FROM sqlite_master").empty());
    migrate(runner, db);
    const auto down = rows_of(runner.plan_undo(db, Wait::forever(), Target::of_undo("2")));
    REQUIRE(down.size() == 1);
    CHECK(down[0].kind == "undo");
    CHECK(down[0].destructive == "ALTER TABLE DROP COLUMN (line 1)");
}

TEST_CASE("repeatables run after the versions and again when they change") {
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / ("mtdb-repeat-" + std::to_string(getpid()));
    fs::create_directories(folder);
    const auto write = [&](const char* file, const char* text) {
        std::FILE* out = std::fopen((folder / file).c_str(), "w");
        std::fputs(text, out);
        std::fclose(out);
    };
    const auto run = [&](BareConnection& db) {
        return migrate(Runner(Source::from_folder(folder.string(), LayoutChoice::automatic), {},
                              mtdb::test::sqlite_dialect),
                       db);
    };
    BareConnection db;
    write("V1__a.sql", "CREATE TABLE a (b);");
    write("R__view.sql", "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1;");
    CHECK(run(db) == 2);
    CHECK(run(db) == 0);
    write("R__view.sql", "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 2;");
    CHECK(run(db) == 1);
    CHECK(run(db) == 0);
    CHECK(db.rows("SELECT installed_rank, version, description, type, script FROM "
                  "flyway_schema_history") == Texts{"1|1|a|SQL|V1__a.sql",
                                                    "2|NULL|view|SQL|R__view.sql",
                                                    "3|NULL|view|SQL|R__view.sql"});
    fs::remove_all(folder);
}

namespace {

// A database whose definitions commit by themselves, and one whose lock is a query; both on SQLite.
mtdb::db::Dialect unsafe_dialect() {
    mtdb::db::Dialect dialect = mtdb::test::sqlite_dialect;
    dialect.transactional_ddl = false;
    dialect.history.flyway_user = "'me'";
    dialect.locks = mtdb::test::session_locks;
    dialect.journal = mtdb::test::sqlite_journal;
    return dialect;
}

Runner unsafe_runner(const std::vector<InlineScript>& scripts, Options options = {}) {
    return Runner(Source::from_inline(scripts), std::move(options), unsafe_dialect());
}

const std::vector<InlineScript> stumbling = {
    {"1", "a", "CREATE TABLE a (x);", "DROP TABLE a; DROP TABLE nowhere;"},
    {"2", "b", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);", "DROP TABLE b;"},
};
std::vector<InlineScript> mended() {
    auto scripts = stumbling;
    scripts[1].up = "CREATE TABLE IF NOT EXISTS b (x);";
    return scripts;
}

}  // namespace

TEST_CASE("where nothing undoes a script, Flyway's history says that it failed until it is done") {
    BareConnection db;
    Progress progress;
    const auto error = error_of(
        [&] { unsafe_runner(stumbling).migrate(db, Wait::forever(), Target::latest(), progress); });
    CHECK(error.code() == Code::migration_failed);
    CHECK(error.statement() == 2);
    CHECK(error.line() == 2);
    CHECK(error.effect() == mtdb::Effect::committed);
    CHECK(progress.done == 1);
    const std::string rows = "SELECT installed_rank, version, type, installed_by, success FROM flyway_schema_history";
    CHECK(db.rows(rows) == Texts{"1|1|SQL|me|1", "2|2|SQL|me|0"});
    CHECK(db.rows("SELECT name FROM sqlite_master WHERE name = 'b'") == Texts{"b"});
    CHECK(error_of([&] { migrate(unsafe_runner(mended()), db); }).code() == Code::migration_dirty);
    db.run("DELETE FROM flyway_schema_history WHERE installed_rank = 2");
    CHECK(migrate(unsafe_runner(mended()), db) == 1);
    CHECK(db.rows(rows) == Texts{"1|1|SQL|me|1", "2|2|SQL|me|1"});
    CHECK(unsafe_runner(mended()).validate(db, Wait::forever()).empty());
    CHECK_FALSE(db.in_transaction());
}

TEST_CASE("where nothing undoes a script, a failed undo marks the row that it was to take back") {
    BareConnection db;
    const Runner runner = unsafe_runner(mended());
    CHECK(migrate(runner, db) == 2);
    CHECK(undo(runner, db, "1") == 1);
    const std::string rows = "SELECT installed_rank, version, type, success FROM flyway_schema_history";
    CHECK(db.rows(rows) == Texts{"1|1|SQL|1", "2|2|SQL|1", "3|2|DELETE|1"});
    const auto error = error_of([&] { undo(runner, db, "empty"); });
    CHECK(error.statement() == 2);
    CHECK(error.effect() == mtdb::Effect::committed);
    CHECK(db.rows(rows) == Texts{"1|1|SQL|0", "2|2|SQL|1", "3|2|DELETE|1"});
    CHECK(error_of([&] { migrate(runner, db); }).code() == Code::migration_dirty);
    // What it did is known: the statement that failed is tried again, and only that.
    const auto again = error_of([&] { undo(runner, db, "empty"); });
    CHECK(again.code() == Code::migration_failed);
    CHECK(again.statement() == 2);
    db.run("CREATE TABLE nowhere (x)");
    CHECK(undo(runner, db, "empty") == 1);
    CHECK(db.rows(rows) == Texts{"1|1|SQL|1", "2|2|SQL|1", "3|2|DELETE|1", "4|1|DELETE|1"});
}

TEST_CASE("where nothing undoes a script, golang-migrate's version is dirty until it is done") {
    BareConnection db;
    CHECK(error_of([&] { migrate(unsafe_runner(stumbling, golang()), db); }).effect() == mtdb::Effect::committed);
    CHECK(db.rows("SELECT version, dirty FROM schema_migrations") == Texts{"2|1"});
    CHECK(error_of([&] { migrate(unsafe_runner(mended(), golang()), db); }).code() == Code::migration_dirty);
    db.run("UPDATE schema_migrations SET version = 1, dirty = 0");
    CHECK(migrate(unsafe_runner(mended(), golang()), db) == 1);
    CHECK(db.rows("SELECT version, dirty FROM schema_migrations") == Texts{"2|0"});
    CHECK(undo(unsafe_runner(mended(), golang()), db, "1") == 1);
    CHECK_THROWS_AS(undo(unsafe_runner(mended(), golang()), db, "empty"), mtdb::Error);
    CHECK(db.rows("SELECT version, dirty FROM schema_migrations") == Texts{"-1|1"});
}

TEST_CASE("a failure before the history says so has no effect") {
    BareConnection db;
    db.run("CREATE TABLE flyway_schema_history (installed_rank, version, description, type, script, checksum, "
           "installed_on, success)");  // a row cannot be written
    const auto error = error_of([&] { migrate(unsafe_runner(three), db); });
    CHECK(error.effect() == mtdb::Effect::none);
    CHECK(db.rows("SELECT name FROM sqlite_master WHERE name = 'people'").empty());
}

TEST_CASE("a lock that somebody else holds is polled until the deadline") {
    for (const bool of_session : {true, false}) {
        CAPTURE(of_session);
        BareConnection db;
        auto dialect = unsafe_dialect();
        dialect.transactional_ddl = !of_session;
        dialect.locks.try_session = of_session ? "SELECT 0" : "";
        dialect.locks.try_transaction = of_session ? "" : "SELECT 0";
        const Runner runner(Source::from_inline(three), {}, dialect);
        Progress progress;
        const Wait wait{mtdb::Deadline::in(std::chrono::milliseconds(60)), nullptr, nullptr};
        const auto error = error_of([&] { runner.migrate(db, wait, Target::latest(), progress); });
        CHECK(error.code() == Code::migration_locked);
        CHECK(error.effect() == mtdb::Effect::none);
        CHECK(error.retryable());
        CHECK(db.rows("SELECT name FROM sqlite_master").empty());
        CHECK_FALSE(db.in_transaction());
    }
}

TEST_CASE("a lock that becomes free is taken, and what was done meanwhile is not done again") {
    for (const bool of_session : {true, false}) {
        CAPTURE(of_session);
        BareConnection db;
        db.run("CREATE TEMP TABLE held (left)");
        db.run("INSERT INTO held VALUES (2)");
        auto dialect = unsafe_dialect();
        dialect.transactional_ddl = !of_session;
        dialect.locks.try_session = of_session ? "UPDATE held SET left = left - 1 RETURNING left < 0" : "";
        dialect.locks.try_transaction = of_session ? "" : "SELECT 1";
        const Runner runner(Source::from_inline(three), {}, dialect);
        CHECK(migrate(runner, db) == 3);
        CHECK(migrate(runner, db) == 0);
        CHECK(db.rows("SELECT count(*), max(installed_rank) FROM flyway_schema_history WHERE success") ==
              Texts{"3|3"});
    }
}

namespace {

// A file that two connections share.
struct TwoConnections {
    std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("mtdb-steps-" + std::to_string(getpid()) + ".db");
    BareConnection first{file.string()}, second{file.string()};
    ~TwoConnections() { std::filesystem::remove(file); }
};

const std::vector<InlineScript> five = {{"1", "a", "CREATE TABLE a(x)", "DROP TABLE a"},
                                        {"2", "b", "CREATE TABLE b(x)", "DROP TABLE b"},
                                        {"3", "c", "CREATE TABLE c(x)", "DROP TABLE c"},
                                        {"4", "d", "CREATE TABLE d(x)", "DROP TABLE d"},
                                        {"5", "e", "CREATE TABLE e(x)", "DROP TABLE e"}};

}  // namespace

TEST_CASE("steps that are done are not done again when another writes the history in between") {
    for (const Options& options : {flyway(), golang()}) {
        TwoConnections file;
        const Runner runner = runner_of(five, options);
        const auto meddle = [&](Progress& progress, auto work) {  // behind the first script, before the second
            progress.on_step = [&, work](const Step&, int64_t) {
                if (progress.done == 1) file.first.on_begin = work;
            };
        };
        Progress up;
        meddle(up, [&] { CHECK(migrate(runner, file.second, "next") == 1); });
        runner.migrate(file.first, Wait::forever(), Target::of_migrate("+2"), up);
        CHECK(up.done == 2);
        CHECK(runner.status(file.first, Wait::forever()).status.current == "3");
        CHECK(migrate(runner, file.first) == 2);
        Progress down;
        meddle(down, [&] { CHECK(undo(runner, file.second, "next") == 1); });
        runner.undo(file.first, Wait::forever(), Target::of_undo("-2"), down);
        CHECK(down.done == 2);
        CHECK(runner.status(file.first, Wait::forever()).status.current == "2");
    }
}

TEST_CASE("a target in steps has a goal that means the same when some of them are done") {
    for (const Options& options : {flyway(), golang()}) {
        BareConnection db;
        const Runner runner = runner_of(five, options);
        const auto goal = [&](bool down, const char* target) {
            Progress progress;
            progress.want_status = true;
            down ? runner.undo(db, Wait::forever(), Target::of_undo(target), progress)
                 : runner.migrate(db, Wait::forever(), Target::of_migrate(target), progress);
            return progress.goal;
        };
        CHECK(goal(false, "+2") == "2?");
        CHECK(migrate(runner, db, "2?") == 0);
        CHECK(goal(false, "4").empty());
        CHECK(goal(false, "+9") == "5?");
        CHECK(goal(false, "next") == "current");
        CHECK(goal(true, "-2") == "3?");
        CHECK(undo(runner, db, "3?") == 0);
        CHECK(goal(true, "-3") == "empty");
    }
}
