// SPDX-License-Identifier: MIT
// Verbs over folders in Flyway's and golang-migrate's layout: callbacks, baselines, repair, steps, drop.
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "migrate/runner.hpp"
#include "unit/migrate_sqlite.hpp"

using namespace mtdb::migrate;
using mtdb::Code;
using mtdb::Wait;
using mtdb::test::BareConnection;

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

constexpr std::string_view empty_queries[] = {
    "SELECT 'DROP VIEW ' || name FROM sqlite_master WHERE type = 'view'",
    "SELECT 'DROP TABLE ' || name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
};

mtdb::db::Dialect dialect() {
    mtdb::db::Dialect dialect = mtdb::test::sqlite_dialect;
    dialect.history.empty_queries = empty_queries;
    dialect.history.before_empty = "PRAGMA foreign_keys = OFF";
    dialect.history.after_empty = "PRAGMA foreign_keys = ON";
    return dialect;
}

// A folder of scripts and a database.
class Bench {
public:
    Bench() {
        std::string pattern = (fs::temp_directory_path() / "mtdb-verbs-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() { fs::remove_all(folder_); }

    void write(const std::string& file, const std::string& text) const {
        std::ofstream(folder_ / file, std::ios::binary) << text;
    }
    void remove(const std::string& file) const { fs::remove(folder_ / file); }
    Runner runner(Rules rules = {}) const {
        Options options;
        options.rules = std::move(rules);
        return Runner(Source::from_folder(folder_.string(), source), options, engine);
    }
    int64_t migrate(const std::string& target = "", Rules rules = {}) {
        Progress progress;
        runner(std::move(rules)).migrate(db, Wait::forever(), Target::of_migrate(target), progress);
        return progress.done;
    }
    int64_t undo(const std::string& target) {
        Progress progress;
        runner().undo(db, Wait::forever(), Target::of_undo(target), progress);
        return progress.done;
    }
    Texts info(const std::string& target = "", Rules rules = {}) {
        Progress progress;
        Texts out;
        const Runner scripts = runner(std::move(rules));
        for (const InfoRow& row : scripts.info(db, Wait::forever(), Target::of_migrate(target), progress))
            out.push_back(row.category + "|" + row.version + "|" + row.type + "|" + row.state);
        return out;
    }
    Texts repair(Runner::Apply apply = Runner::Apply::yes, Rules rules = {}) {
        Progress progress;
        Texts out;
        for (const RepairRow& row : runner(std::move(rules)).repair(db, Wait::forever(), apply, progress))
            out.push_back(row.action + " " + row.version + ": " + row.detail);
        return out;
    }
    Code code_of_migrate(Rules rules = {}) {
        try {
            migrate("", std::move(rules));
        } catch (const mtdb::Error& error) {
            message = error.message();
            return error.code();
        }
        return Code::ok;
    }
    Texts log() { return db.rows("SELECT e FROM log ORDER BY n"); }

    SourceOptions source;
    mtdb::db::Dialect engine = dialect();
    BareConnection db;
    std::string message;

private:
    fs::path folder_;
};

const char* const brief = "SELECT installed_rank, version, type, script, success FROM flyway_schema_history";

}  // namespace

TEST_CASE("callbacks run in Flyway's order, those of a script in its transaction") {
    Bench bench;
    bench.db.run("CREATE TABLE log (n INTEGER PRIMARY KEY, e TEXT)");
    for (const char* event :
         {"afterConnect", "beforeValidate", "afterValidate", "createSchema", "beforeCreateSchema", "beforeMigrate",
          "beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement", "afterEachMigrate",
          "afterVersioned", "beforeRepeatables", "afterMigrateApplied", "afterMigrate"})
        bench.write(std::string(event) + ".sql", std::string("INSERT INTO log(e) VALUES ('") + event + "');");
    bench.write("V1__a.sql", "INSERT INTO log(e) VALUES ('1');\nINSERT INTO log(e) VALUES ('2');");
    bench.write("R__r.sql", "INSERT INTO log(e) VALUES ('r');");
    Rules rules;
    rules.baseline_on_migrate = true;
    rules.baseline_version = "0";
    CHECK(bench.migrate("", rules) == 2);
    const Texts head = {"afterConnect", "beforeValidate", "afterValidate", "createSchema", "beforeCreateSchema",
                        "beforeMigrate"};
    Texts expected = head;
    for (const char* event : {"beforeEachMigrate", "beforeEachMigrateStatement", "1", "afterEachMigrateStatement",
                              "beforeEachMigrateStatement", "2", "afterEachMigrateStatement", "afterEachMigrate",
                              "afterVersioned", "beforeRepeatables", "beforeEachMigrate", "beforeEachMigrateStatement",
                              "r", "afterEachMigrateStatement", "afterEachMigrate", "afterMigrateApplied",
                              "afterMigrate"})
        expected.emplace_back(event);
    CHECK(bench.log() == expected);
    bench.db.run("DELETE FROM log");
    CHECK(bench.migrate("", rules) == 0);
    expected = head;
    expected.emplace_back("afterVersioned");
    expected.emplace_back("afterMigrate");
    CHECK(bench.log() == expected);
}

TEST_CASE("a callback that fails fails the verb and takes its script along") {
    Bench bench;
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    bench.write("afterEachMigrate__check.sql", "SELECT 1;\n  INSERT INTO nowhere VALUES (1);");
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    CHECK(bench.message.find("callback 'afterEachMigrate__check.sql'") != std::string::npos);
    CHECK(bench.db.rows("SELECT name FROM sqlite_master") == Texts{});
    bench.remove("afterEachMigrate__check.sql");
    bench.write("beforeMigrate.sql", "INSERT INTO nowhere VALUES (1);");
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    bench.remove("beforeMigrate.sql");
    bench.db.run("CREATE TABLE log (n INTEGER PRIMARY KEY, e TEXT)");
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    Rules rules;
    rules.baseline_on_migrate = true;
    rules.baseline_version = "0.5";
    bench.write("V2__b.sql", "INSERT INTO nowhere VALUES (1);");
    bench.write("afterEachMigrateError.sql", "INSERT INTO log(e) VALUES ('each');");
    bench.write("afterMigrateError.sql", "INSERT INTO log(e) VALUES ('all');");
    CHECK(bench.code_of_migrate(rules) == Code::migration_failed);
    CHECK(bench.message.find("V2__b.sql") != std::string::npos);
    CHECK(bench.log() == Texts{"each", "all"});
}

TEST_CASE("a run that goes on with a script fires the callbacks of what it runs") {
    Bench bench;
    bench.engine.transactional_ddl = false;
    bench.engine.locks = mtdb::test::session_locks;
    bench.engine.journal = mtdb::test::sqlite_journal;
    bench.db.run("CREATE TABLE log (n INTEGER PRIMARY KEY, e TEXT)");
    for (const char* event : {"beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement",
                              "afterEachMigrate", "afterEachMigrateError"})
        bench.write(std::string(event) + ".sql", std::string("INSERT INTO log(e) VALUES ('") + event + "');");
    bench.write("V1__a.sql", "INSERT INTO log(e) VALUES ('1');\nINSERT INTO later VALUES (1);");
    Rules rules;
    rules.baseline_on_migrate = true;
    rules.baseline_version = "0";
    CHECK(bench.code_of_migrate(rules) == Code::migration_failed);
    CHECK(bench.log() == Texts{"beforeEachMigrate", "beforeEachMigrateStatement", "1", "afterEachMigrateStatement",
                               "beforeEachMigrateStatement", "afterEachMigrateError"});
    bench.db.run("DELETE FROM log");
    bench.db.run("CREATE TABLE later (x)");
    Rules recording = rules;
    recording.record_only = true;
    CHECK(bench.code_of_migrate(recording) == Code::migration_dirty);
    CHECK(bench.log().empty());
    CHECK(bench.migrate("", rules) == 1);
    CHECK(bench.log() ==
          Texts{"beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement", "afterEachMigrate"});
    CHECK(bench.db.rows("SELECT x FROM later") == Texts{"1"});
}

TEST_CASE("a history without a journal marks a script all the same") {
    Bench bench;
    bench.engine.transactional_ddl = false;
    bench.write("V1__a.sql", "CREATE TABLE a (x);\nINSERT INTO nowhere VALUES (1);");
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    CHECK(bench.code_of_migrate() == Code::migration_dirty);
    CHECK(bench.db.rows("SELECT name FROM sqlite_master WHERE name = 'mtdb_migration'").empty());
}

TEST_CASE("the highest baseline runs on an empty tenant and is ignored on another") {
    Bench bench;
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    bench.write("V3__c.sql", "CREATE TABLE c (x);");
    bench.write("B2__base.sql", "CREATE TABLE a (x); CREATE TABLE b (x);");
    CHECK(bench.info() == Texts{"Versioned|1|SQL|below_baseline", "Baseline|2|SQL_BASELINE|pending",
                                "Versioned|3|SQL|pending"});
    CHECK(bench.migrate() == 2);
    CHECK(bench.db.rows(brief) ==
          Texts{"1|2|SQL_BASELINE|B2__base.sql|1", "2|3|SQL|V3__c.sql|1"});
    bench.write("B4__more.sql", "CREATE TABLE d (x);");
    bench.write("V2__same.sql", "CREATE TABLE e (x);");
    CHECK(bench.info() ==
          Texts{"Versioned|1|SQL|below_baseline", "Versioned|2|SQL|ignored_baseline",
                "Baseline|2|SQL_BASELINE|baseline", "Versioned|3|SQL|success", "Baseline|4|SQL_BASELINE|ignored"});
}

TEST_CASE("baseline says where a tenant with tables stands, once") {
    Bench bench;
    bench.db.run("CREATE TABLE a (x)");
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    bench.write("V2__b.sql", "CREATE TABLE b (x);");
    CHECK(bench.code_of_migrate() == Code::invalid_state);
    const auto baseline = [&](const char* version) {
        Progress progress;
        bench.runner().baseline(bench.db, Wait::forever(), Version::parse(version), "<< Flyway Baseline >>", progress);
    };
    baseline("1");
    CHECK_NOTHROW(baseline("1"));
    CHECK_THROWS_AS(baseline("2"), mtdb::Error);
    CHECK(bench.db.rows("SELECT installed_rank, version, description, type, script, checksum, execution_time, success "
                        "FROM flyway_schema_history") ==
          Texts{"1|1|<< Flyway Baseline >>|BASELINE|<< Flyway Baseline >>|NULL|0|1"});
    CHECK(bench.migrate() == 1);
    CHECK_THROWS_AS(baseline("3"), mtdb::Error);
}

TEST_CASE("targets count steps") {
    Bench bench;
    for (const char* version : {"1", "2", "3", "4"})
        bench.write("V" + std::string(version) + "__t.sql", "CREATE TABLE t" + std::string(version) + " (x);");
    for (const char* version : {"2", "3", "4"})
        bench.write("U" + std::string(version) + "__t.sql", "DROP TABLE t" + std::string(version) + ";");
    bench.write("R__r.sql", "SELECT 1;");
    CHECK(bench.migrate("next") == 2);
    CHECK(bench.migrate("current") == 0);
    CHECK(bench.migrate("+2") == 2);
    CHECK(bench.migrate("2.5?") == 0);
    CHECK_THROWS_AS(bench.migrate("2.5"), mtdb::Error);
    CHECK_THROWS_AS(bench.migrate("+0"), mtdb::Error);
    CHECK(bench.migrate("+9") == 1);
    CHECK(bench.undo("-2") == 2);
    CHECK(bench.undo("next") == 1);
    CHECK(bench.info().front() == "Versioned|1|SQL|success");
    CHECK_THROWS_AS(bench.undo("-1"), mtdb::Error);  // there is no U1
}

TEST_CASE("repair does what Flyway's does, and tells it beforehand") {
    Bench bench;
    for (const char* version : {"1", "2", "3"})
        bench.write("V" + std::string(version) + "__t.sql", "CREATE TABLE t" + std::string(version) + " (x);");
    CHECK(bench.migrate() == 3);
    bench.db.run("INSERT INTO flyway_schema_history SELECT 4, '4', 'f', 'SQL', 'V4__f.sql', 1, '', installed_on, 0, 0 "
                 "FROM flyway_schema_history WHERE installed_rank = 1");
    bench.db.run("INSERT INTO flyway_schema_history SELECT 5, '9', 'n', 'SQL', 'V9__n.sql', 1, '', installed_on, 0, 1 "
                 "FROM flyway_schema_history WHERE installed_rank = 1");
    bench.db.run("UPDATE flyway_schema_history SET checksum = NULL WHERE installed_rank = 3");
    bench.write("V1__renamed.sql", "CREATE TABLE t1 (x, y);");
    bench.remove("V1__t.sql");
    bench.remove("V2__t.sql");
    CHECK(bench.code_of_migrate() == Code::migration_checksum);
    const Texts expected = {"remove 4: the script is recorded as failed", "mark 2: the script is no more",
                            "align 1: description 't' -> 'renamed', checksum " + bench.db.rows(
                                "SELECT checksum FROM flyway_schema_history WHERE installed_rank = 1")[0] + " -> " +
                                std::to_string(flyway_checksum("CREATE TABLE t1 (x, y);"))};
    Texts told = bench.repair(Runner::Apply::no);
    REQUIRE(told.size() == 4);
    CHECK(told[3].starts_with("align 3: checksum none -> "));
    told.pop_back();
    CHECK(told == expected);
    CHECK(bench.repair().size() == 4);
    CHECK(bench.db.rows(brief) ==
          Texts{"1|1|SQL|V1__t.sql|1", "2|2|SQL|V2__t.sql|1", "3|3|SQL|V3__t.sql|1", "5|9|SQL|V9__n.sql|1",
                "6|2|DELETE|V2__t.sql|1"});
    CHECK(bench.repair().empty());
    Rules rules;
    rules.ignore.clear();
    CHECK(bench.repair(Runner::Apply::yes, rules).size() == 1);
    CHECK(bench.info().back() == "Versioned|9|SQL|deleted");
}

TEST_CASE("patterns say what validate overlooks") {
    Bench bench;
    bench.write("V1__t.sql", "CREATE TABLE t1 (x);");
    bench.write("V2__t.sql", "CREATE TABLE t2 (x);");
    CHECK(bench.migrate() == 2);
    bench.remove("V1__t.sql");
    CHECK(bench.code_of_migrate() == Code::migration_checksum);
    Rules rules;
    rules.ignore = ignore_patterns("repeatable:*, versioned:missing");
    CHECK(bench.code_of_migrate(rules) == Code::ok);
    for (const char* bad : {"missing", "*:gone", "other:*", "*:"}) CHECK_THROWS_AS(ignore_patterns(bad), mtdb::Error);
}

TEST_CASE("a group is one transaction") {
    Bench bench;
    Rules rules;
    rules.group = true;
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    bench.write("V2__b.sql", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);");
    CHECK(bench.code_of_migrate(rules) == Code::migration_failed);
    CHECK(bench.db.rows("SELECT name FROM sqlite_master") == Texts{});
    bench.write("V2__b.sql", "CREATE TABLE b (x);");
    const int64_t begun = bench.db.begun;
    CHECK(bench.migrate("", rules) == 2);
    CHECK(bench.db.begun == begun + 1);
    bench.write("V3__c.sql", "VACUUM;");
    CHECK(bench.code_of_migrate(rules) == Code::migration_failed);
}

TEST_CASE("a mixed script runs without a transaction and is recorded as failed until it is done") {
    Bench bench;
    bench.write("V1__a.sql", "CREATE TABLE a (x);\nVACUUM;\nINSERT INTO nowhere VALUES (1);");
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    CHECK(bench.message.find("migrate.mixed") != std::string::npos);
    bench.source.mixing = Mixing::allowed;
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    CHECK(bench.db.rows(brief) == Texts{"1|1|SQL|V1__a.sql|0"});
    CHECK(bench.code_of_migrate() == Code::migration_dirty);
    CHECK(bench.repair() == Texts{"remove 1: the script is recorded as failed"});
    bench.db.run("DROP TABLE a");
    bench.write("V1__a.sql", "CREATE TABLE a (x);\nVACUUM;");
    CHECK(bench.migrate() == 1);
    CHECK(bench.db.rows(brief) == Texts{"1|1|SQL|V1__a.sql|1"});
}

TEST_CASE("a script that is configured to run without a transaction is marked even if it is one statement") {
    Bench bench;
    bench.write("V1__a.sql", "INSERT INTO nowhere VALUES (1);");
    bench.write("V1__a.sql.conf", "executeInTransaction=false");
    CHECK(bench.code_of_migrate() == Code::migration_failed);
    CHECK(bench.db.rows(brief) == Texts{"1|1|SQL|V1__a.sql|0"});
}

TEST_CASE("what is only recorded does not run") {
    Bench bench;
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    bench.write("V2__b.sh", "exit 1");
    CHECK(bench.code_of_migrate() == Code::unsupported);
    Rules rules;
    rules.record_only = true;
    CHECK(bench.migrate("", rules) == 2);
    CHECK(bench.db.rows(brief) == Texts{"1|1|SQL|V1__a.sql|1", "2|2|SCRIPT|V2__b.sh|1"});
    CHECK(bench.db.rows("SELECT name FROM sqlite_master WHERE name = 'a'") == Texts{});
    CHECK(bench.migrate() == 0);
}

TEST_CASE("drop leaves nothing, keys, views and counters notwithstanding") {
    Bench bench;
    bench.write("V1__a.sql",
                "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO a VALUES (1);\n"
                "CREATE TABLE b (a REFERENCES a);\nINSERT INTO b VALUES (1);\nCREATE VIEW v AS SELECT * FROM a;");
    bench.write("beforeClean.sql", "SELECT 1;");
    CHECK(bench.migrate() == 1);
    Progress progress;
    CHECK(bench.runner().drop(bench.db, Wait::forever(), 2, progress) == 4);
    CHECK(bench.db.rows("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'") == Texts{});
    CHECK(bench.db.rows("PRAGMA foreign_keys") == Texts{"1"});
    CHECK(bench.migrate() == 1);
}

TEST_CASE("a dirty version is repaired where the tables tell, else explained") {
    Bench bench;
    bench.write("1_a.up.sql", "CREATE TABLE a (x);");
    bench.write("1_a.down.sql", "DROP TABLE a;");
    bench.write("2_b.up.sql", "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);");
    bench.write("2_b.down.sql", "DROP TABLE b;");
    bench.write("3_c.up.sql", "INSERT INTO a VALUES (1);");
    const auto dirty = [&](int version) {
        bench.db.run("UPDATE schema_migrations SET version = " + std::to_string(version) + ", dirty = 1");
    };
    const auto row = [&] { return bench.db.rows("SELECT version, dirty FROM schema_migrations"); };
    CHECK(bench.migrate("1") == 1);
    dirty(2);
    CHECK(bench.code_of_migrate() == Code::migration_dirty);
    bench.write("2_b.up.sql", "CREATE TABLE b (x);");
    bench.remove("3_c.up.sql");
    CHECK(bench.repair(Runner::Apply::no).size() == 1);
    CHECK(row() == Texts{"2|1"});
    CHECK(bench.repair() ==
          Texts{"set 1: version 2 is dirty: nothing of '2_b.up.sql' is there, so the tenant is at version 1"});
    CHECK(row() == Texts{"1|0"});
    CHECK(bench.migrate() == 1);
    dirty(1);
    CHECK(bench.repair()[0].starts_with("set 2: "));  // its undoing did not happen
    dirty(2);
    CHECK(bench.repair()[0].starts_with("explain "));  // the table is there: by it, or before it
    CHECK(row() == Texts{"2|1"});
    Progress progress;
    bench.runner().force(bench.db, Wait::forever(), 2, progress);
    CHECK(row() == Texts{"2|0"});
    bench.runner().force(bench.db, Wait::forever(), std::nullopt, progress);
    CHECK(row() == Texts{});
}

TEST_CASE("force is refused on Flyway's history") {
    Bench bench;
    bench.write("V1__a.sql", "CREATE TABLE a (x);");
    CHECK(bench.migrate() == 1);
    Progress progress;
    CHECK_THROWS_AS(bench.runner().force(bench.db, Wait::forever(), 1, progress), mtdb::Error);
}
