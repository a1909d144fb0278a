// SPDX-License-Identifier: MIT
// Usage: hazards postgres/schema|mariadb VARIABLE, under tests/servers/run. Scripts that leave a
// session, a lock or a half-done statement behind them: nothing of it reaches the next user of the
// connection, nothing is taken for done that was not, nothing is done twice.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"
#include "side.hpp"

namespace {

using namespace harness;
using conformance::environment;
using conformance::Side;
using Texts = std::vector<std::string>;

class Fixture {
public:
    Fixture(const std::string& backend, const std::string& variable)
        : backend_(backend),
          commits_(backend == "mariadb"),
          url_(environment(variable.c_str())),
          db_(open()),
          side_(conformance::side_of(backend)) {}

    bool commits() const { return commits_; }
    mtdb_db* db() const { return db_.get(); }
    Side& side() const { return *side_; }
    const std::string& url() const { return url_; }
    std::string tenancy() const { return commits_ ? "database" : "schema"; }
    Db open() const { return open_db(url_, {{"tenancy", tenancy()}, {"pool.size_max", "2"}}); }

    // One case over a tenant of its own.
    template <class Body>
    void claim(const std::string& name, Body&& body) {
        test(backend_ + ": " + name, [&] {
            const std::string id = "hazard" + std::to_string(++tenants_);
            if (exists(db(), id)) drop(id);
            must(create(db(), id));
            body(id);
            drop(id);
        });
    }
    void drop(const std::string& id) const {
        ok([&](mtdb_error** err) {
            return mtdb_tenant_drop(db(), id.c_str(), -1, plenty_ms, nullptr, err);
        });
    }

    Answer migrate(const std::string& id, const Texts& scripts, Settings settings = {}) const {
        const Migrator migrator = new_migrator(db(), settings);
        for (std::size_t i = 0; i < scripts.size(); ++i)
            add_script(migrator.get(), static_cast<int>(i) + 1, scripts[i]);
        return harness::migrate(migrator.get(), id);
    }
    void same(const std::string& id, const std::string& sql, const std::string& expected,
              Place at = Place::here()) const {
        const std::string seen = text_in(db(), id, sql);
        check(seen == expected, sql + ": " + seen + ", not " + expected, at);
    }
    // Nobody has the tenant's locks, ours or Flyway's.
    void check_unlocked(const std::string& id, Place at = Place::here()) const {
        if (commits_) {
            int32_t hash = 0;
            for (const char c : "`" + id + "`.`flyway_schema_history`")
                hash = static_cast<int32_t>(31 * static_cast<uint32_t>(hash) +
                                            static_cast<unsigned char>(c));
            const std::string holder = settled(
                "SELECT IS_USED_LOCK('Flyway-" + std::to_string(hash) + "')", "NULL");
            check(holder == "NULL", "session " + holder + " has Flyway's lock", at);
        } else {
            const std::string held =
                settled("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
            check(held == "0", held + " locks are held", at);
        }
        const Db other = open();
        const Migrator migrator = new_migrator(other.get());
        mtdb_result* result = nullptr;
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_migrator_repair(migrator.get(), id.c_str(), -1, 1, 3000, nullptr, &result,
                                        err);
        });
        mtdb_result_release(result);
        must(answer, at);
    }

private:
    // A server ends a session, and with it its locks, a moment after the client has heard of it.
    std::string settled(const std::string& query, const std::string& expected) const {
        std::string seen = side().run(query);
        for (const int64_t end = now_ms() + plenty_ms; seen != expected && now_ms() < end;) {
            sleep_ms(5);
            seen = side().run(query);
        }
        return seen;
    }

    const std::string backend_;
    const bool commits_;
    const std::string url_;
    const Db db_;
    const std::unique_ptr<Side> side_;
    int tenants_ = 0;
};

const std::string table = "CREATE TABLE seen(n BIGINT NOT NULL)";

// ---- what a failed statement is taken for ----

void dynamic_definitions(Fixture& all) {
    all.claim("a definition by EXECUTE that failed is not taken for done",
              [&](const std::string& id) {
                  const Texts scripts = {
                      table + "; CREATE TABLE made(a INT)",
                      "INSERT INTO seen VALUES(1); EXECUTE IMMEDIATE 'CREATE TABLE made(b INT)'"};
                  must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts));
                  must(exec(all.db(), id, "DROP TABLE made"));
                  const Answer next = all.migrate(id, scripts);
                  if (next.ok())
                      all.same(id, "SELECT count(*) FROM made", "0");
                  else
                      must_be(MTDB_MIGRATION_DIRTY, next);
                  all.same(id, "SELECT n FROM seen", "1");
              });
}

void indices_that_were_there(Fixture& all) {
    all.claim("an index of the same name is not taken for the one that was to be built",
              [&](const std::string& id) {
                  const Texts scripts = {
                      table + "; ALTER TABLE seen ADD m BIGINT; CREATE INDEX i ON seen(n)",
                      "CREATE INDEX CONCURRENTLY i ON seen(m)"};
                  for (int i = 0; i < 3; ++i)
                      must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts));
                  must(exec(all.db(), id, "DROP INDEX i"));
                  must(all.migrate(id, scripts));
                  all.same(id,
                           "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '% i ON " + id +
                               ".seen USING btree (m)'",
                           "1");
              });
    all.claim("an index that is missing was not dropped by the script", [&](const std::string& id) {
        const Texts scripts = {table, "DROP INDEX CONCURRENTLY i"};
        for (int i = 0; i < 3; ++i) must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts));
    });
    all.claim("a label that was there is not taken for the one that was to be added",
              [&](const std::string& id) {
                  const Texts scripts = {"CREATE TYPE mood AS ENUM('a', 'b')",
                                         "VACUUM; ALTER TYPE mood ADD VALUE 'b'"};
                  for (int i = 0; i < 3; ++i) check(!all.migrate(id, scripts).ok(), "it went well");
              });
}

void an_index_of_others(Fixture& all) {
    all.claim("an index that somebody else is building is waited for", [&](const std::string& id) {
        must(all.migrate(id, {table}));
        const auto keeper = conformance::side_of("postgres/schema"),
                   builder = conformance::side_of("postgres/schema");
        keeper->run("BEGIN; INSERT INTO " + id + ".seen VALUES(1)");
        std::string failure;
        Answer answer;
        std::thread building([&] {
            try {
                builder->run("CREATE INDEX CONCURRENTLY i ON " + id + ".seen(n)");
            } catch (const Failed& failed) {
                failure = failed.what();
            }
        });
        all.side().await(
            "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('" + id + ".i')", "1");
        const std::string number = all.side().run(
            "SELECT indexrelid FROM pg_index WHERE indexrelid = to_regclass('" + id + ".i')");
        std::thread migrating([&] {
            answer =
                all.migrate(id, {table, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON seen(n)"});
        });
        all.side().await("SELECT count(*) FROM " + id + ".flyway_schema_history WHERE NOT success",
                         "1");
        sleep_ms(1700);  // it has met the index
        keeper->run("COMMIT");
        building.join();
        migrating.join();
        check(failure.empty(), failure);
        must(answer);
        all.same(id,
                 "SELECT indexrelid::bigint FROM pg_index WHERE indexrelid = to_regclass('i') AND "
                 "indisvalid",
                 number);
    });
}

// ---- a journal that is another run's ----

void stale_journal(Fixture& all) {
    const Texts scripts = {
        table,
        "INSERT INTO seen VALUES(1); INSERT INTO seen VALUES(2); INSERT INTO nowhere VALUES(3)"};
    const Texts good = {
        table,
        "INSERT INTO seen VALUES(1); INSERT INTO seen VALUES(2); INSERT INTO seen VALUES(3)"};
    all.claim(
        "what Flyway left failed is not continued by the journal of an earlier run",
        [&](const std::string& id) {
            must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts));
            // As Flyway's repair and its next run, which undid what it could, would leave it.
            must(exec(all.db(), id, "DELETE FROM seen"));
            must(exec(
                all.db(), id,
                "UPDATE flyway_schema_history SET installed_on = installed_on + INTERVAL 60 SECOND,"
                " execution_time = 7 WHERE installed_rank = 2"));
            const Answer next = all.migrate(id, good);
            if (next.ok())
                all.same(id, "SELECT n FROM seen ORDER BY n", "1,2,3");
            else
                must_be(MTDB_MIGRATION_DIRTY, next);
        });
    all.claim("after repair a script begins anew", [&](const std::string& id) {
        must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts));
        const Migrator migrator = new_migrator(all.db());
        add_script(migrator.get(), 1, scripts[0]);
        add_script(migrator.get(), 2, scripts[1]);
        must(exec(
            all.db(), id,
            "CREATE TABLE kept AS SELECT * FROM flyway_schema_history WHERE installed_rank = 2"));
        mtdb_result* result = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_repair(migrator.get(), id.c_str(), -1, 1, plenty_ms, nullptr,
                                        &result, err);
        });
        mtdb_result_release(result);
        all.same(id, "SELECT script FROM mtdb_migration", "");
        must(exec(all.db(), id, "DELETE FROM seen"));
        // Flyway's own run, which fails.
        must(exec(all.db(), id, "INSERT INTO flyway_schema_history SELECT * FROM kept"));
        must(exec(all.db(), id, "DROP TABLE kept"));
        const Answer next = all.migrate(id, good);
        if (next.ok())
            all.same(id, "SELECT n FROM seen ORDER BY n", "1,2,3");
        else
            must_be(MTDB_MIGRATION_DIRTY, next);
    });
    all.claim("after force a script begins anew", [&](const std::string& id) {
        must_be(MTDB_MIGRATION_FAILED, all.migrate(id, scripts, {{"migrate.history", "golang"}}));
        const Migrator migrator = new_migrator(all.db(), {{"migrate.history", "golang"}});
        add_script(migrator.get(), 1, scripts[0]);
        add_script(migrator.get(), 2, scripts[1]);
        ok([&](mtdb_error** err) {
            return mtdb_migrator_force(migrator.get(), id.c_str(), -1, "1", -1, plenty_ms, nullptr,
                                       err);
        });
        must(exec(all.db(), id, "DELETE FROM seen"));
        must(exec(
            all.db(), id,
            "UPDATE schema_migrations SET version = 2, dirty = 1"));  // golang-migrate, which fails
        const Answer next = all.migrate(id, good, {{"migrate.history", "golang"}});
        must_be(MTDB_MIGRATION_DIRTY, next);
    });
}

// ---- what the next user of the connection sees ----

const std::string settings_of_mariadb =
    "SELECT CONCAT_WS(' ', @@autocommit, @@lock_wait_timeout, @@innodb_lock_wait_timeout, "
    "@@sql_mode, @@foreign_key_checks,"
    " @@character_set_client, DATABASE())";
const std::string settings_of_postgres =
    "SELECT concat_ws(' ', current_user, current_setting('lock_timeout'), "
    "current_setting('statement_timeout'),"
    " current_setting('search_path'), current_setting('row_security'), "
    "current_setting('client_min_messages'))";

void sessions(Fixture& all) {
    const std::string query = all.commits() ? settings_of_mariadb : settings_of_postgres;
    const Texts scripts =
        all.commits()
            ? Texts{table,
                    "SET sql_mode = 'ANSI_QUOTES'; SET foreign_key_checks = 0; SET NAMES latin1;"
                    " INSERT INTO seen VALUES(1)"}
            : Texts{table,
                    "SET client_min_messages = error; SET row_security = off; SET "
                    "statement_timeout = 100000;"
                    " SET lock_timeout = 77; INSERT INTO seen VALUES(1)"};
    const auto plain = [&](const std::string& id) {
        const Db fresh = all.open();
        return text_in(fresh.get(), id, query);
    };
    all.claim("what scripts set in the session is gone for the next lease",
              [&](const std::string& id) {
                  must(all.migrate(id, scripts));
                  all.same(id, query, plain(id));
                  Texts bad = scripts;
                  bad.push_back("SET lock_timeout = 5; INSERT INTO nowhere VALUES(1)");
                  if (all.commits())
                      bad.back() = "SET sql_mode = ''; INSERT INTO nowhere VALUES(1)";
                  must_be(MTDB_MIGRATION_FAILED, all.migrate(id, bad));
                  all.same(id, query, plain(id));
              });
    all.claim("the lease that migrated its tenant first sees nothing of what scripts set",
              [&](const std::string& id) {
                  const std::string expected = plain(id);
                  const Db db = all.open();
                  const Migrator migrator = new_migrator(db.get(), {{"migrate.mode", "auto"}});
                  for (std::size_t i = 0; i < scripts.size(); ++i)
                      add_script(migrator.get(), static_cast<int>(i) + 1, scripts[i]);
                  ok([&](mtdb_error** err) { return mtdb_migrator_enable(migrator.get(), err); });
                  const std::string seen = text_in(db.get(), id, query);
                  check(seen == expected, seen + ", not " + expected);
              });
}

void locks_left(Fixture& all) {
    const std::string begin = all.commits() ? "INSERT INTO seen VALUES(1); " : "VACUUM seen; ";
    const std::string slow = all.commits() ? "DO SLEEP(30)" : "SELECT pg_sleep(30)";
    const auto run = [&](const std::string& id, const std::string& script, int64_t timeout_ms,
                         mtdb_cancel* cancel) {
        const Migrator migrator = new_migrator(all.db(), {{"migrate.mixed", "true"}});
        add_script(migrator.get(), 1, table);
        add_script(migrator.get(), 2, script);
        return ask([&](mtdb_error** err) {
            return mtdb_migrator_migrate(migrator.get(), id.c_str(), -1, "latest", -1, timeout_ms,
                                         cancel, nullptr, err);
        });
    };
    all.claim("no lock is left after an error", [&](const std::string& id) {
        must_be(MTDB_MIGRATION_FAILED,
                run(id, begin + "INSERT INTO nowhere VALUES(1)", plenty_ms, nullptr));
        all.check_unlocked(id);
    });
    all.claim("no lock is left after a deadline", [&](const std::string& id) {
        must_be(MTDB_TIMEOUT, run(id, begin + slow, 700, nullptr));
        all.check_unlocked(id);
    });
    all.claim("no lock is left after a cancel", [&](const std::string& id) {
        const Cancel cancel = new_cancel();
        std::thread canceller([&] {
            const std::string seen =
                all.commits() ? "SELECT COUNT(*) > 0 FROM information_schema.PROCESSLIST WHERE "
                                "INFO LIKE 'DO SLEEP%'"
                              : "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE "
                                "'SELECT pg_sleep%' AND state = 'active'";
            for (int64_t end = now_ms() + plenty_ms;
                 all.side().run(seen) != (all.commits() ? "1" : "t") && now_ms() < end;)
                sleep_ms(5);
            static_cast<void>(
                ask([&](mtdb_error** err) { return mtdb_cancel_trigger(cancel.get(), 0, err); }));
        });
        const Answer answer = run(id, begin + slow, plenty_ms, cancel.get());
        canceller.join();
        must_be(MTDB_CANCELLED, answer);
        all.check_unlocked(id);
    });
    all.claim(
        "no lock is left when the session is ended in the script", [&](const std::string& id) {
            const std::string own = all.commits() ? "KILL CONNECTION_ID()"
                                                  : "SELECT pg_terminate_backend(pg_backend_pid())";
            check(!run(id, begin + own, plenty_ms, nullptr).ok(), "it went well");
            all.check_unlocked(id);
        });
}

void locked_tables(Fixture& all) {
    all.claim("tables that a failed script locked are free", [&](const std::string& id) {
        must_be(MTDB_MIGRATION_FAILED,
                all.migrate(
                    id, {table,
                         "LOCK TABLES seen WRITE; INSERT INTO nowhere VALUES(1); UNLOCK TABLES"}));
        all.side().run("SET lock_wait_timeout = 2");
        const std::string seen = all.side().run("SELECT COUNT(*) FROM `" + id + "`.seen");
        check(seen == "0", seen);
    });
    all.claim("FLUSH TABLES WITH READ LOCK of a failed script is over", [&](const std::string& id) {
        must_be(
            MTDB_MIGRATION_FAILED,
            all.migrate(id, {table, "FLUSH TABLES WITH READ LOCK; INSERT INTO nowhere VALUES(1)"}));
        all.side().run("SET lock_wait_timeout = 2");
        all.side().run("INSERT INTO `" + id + "`.seen VALUES(1)");
    });
}

// ---- scripts that leave their tenant or their transaction ----

void wanderers(Fixture& all) {
    all.claim("a script that goes elsewhere stays with its tenant", [&](const std::string& id) {
        const std::string other = id + "other";
        if (exists(all.db(), other)) all.drop(other);
        must(create(all.db(), other));
        must(all.migrate(
            id, {table, all.commits()
                            ? "USE `" + other + "`; CREATE TABLE strayed(a INT)"
                            : "SET search_path = " + other + "; CREATE TABLE strayed(a INT)"}));
        all.same(id, "SELECT count(*) FROM strayed", "0");
        all.same(
            id,
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '" + other + "'",
            "0");
        all.drop(other);
    });
    if (all.commits()) {
        all.claim("a script that turns autocommit off is refused", [&](const std::string& id) {
            must(all.migrate(id, {table}));
            must_be(MTDB_MIGRATION_FAILED,
                    all.migrate(id, {table, "SET autocommit = 0; INSERT INTO seen VALUES(1)"}));
            all.same(id, "SELECT count(*) FROM seen", "0");
        });
        return;
    }
    all.claim("a role that a script took is nobody's afterwards", [&](const std::string& id) {
        must(all.migrate(id, {table}));
        must(exec(all.db(), id, "GRANT USAGE ON SCHEMA " + id + " TO guest"));
        must_be(MTDB_MIGRATION_FAILED,
                all.migrate(id, {table, "SET ROLE guest; INSERT INTO seen VALUES(1)"}));
        all.same(id, "SELECT current_user", "app");
        all.same(id, "SELECT count(*) FROM seen", "0");
    });
}

// ---- servers that refuse ----

// The db's url with another user, for as long as the guest is there.
struct Guest {
    Fixture& all;
    std::string name = "hazardguest";
    explicit Guest(Fixture& fixture, const std::string& id) : all(fixture) {
        leave();
        if (all.commits()) {
            all.side().run("CREATE USER " + name + "@'%' IDENTIFIED BY 'guest'");
            all.side().run("GRANT SELECT, INSERT, UPDATE, DELETE, ALTER ON `" + id + "`.* TO " +
                           name + "@'%'");
            return;
        }
        all.side().run("CREATE ROLE " + name + " LOGIN; GRANT USAGE ON SCHEMA " + id + " TO " +
                       name);
        all.side().run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + id +
                       " TO " + name);
    }
    ~Guest() {
        try {
            leave();
        } catch (const Failed&) {
        }
    }
    void leave() const {
        if (all.commits())
            all.side().run("DROP USER IF EXISTS " + name + "@'%'");
        else
            all.side().run("DO $$BEGIN IF EXISTS(SELECT 1 FROM pg_roles WHERE rolname = '" + name +
                           "') THEN DROP OWNED BY " + name + "; DROP ROLE " + name +
                           "; END IF; END$$");
    }
    Db open() const {
        std::string url = all.url();
        const auto at = url.find('@'), begin = url.find("//") + 2;
        url.replace(begin, at - begin, all.commits() ? name + ":guest" : name);
        return open_db(url, {{"tenancy", all.tenancy()}});
    }
};

Answer migrate_on(mtdb_db* db, const std::string& id, const Texts& scripts,
                  int64_t timeout_ms = plenty_ms) {
    const Migrator migrator = new_migrator(db, {{"migrate.mixed", "true"}});
    for (std::size_t i = 0; i < scripts.size(); ++i)
        add_script(migrator.get(), static_cast<int>(i) + 1, scripts[i]);
    return ask([&](mtdb_error** err) {
        return mtdb_migrator_migrate(migrator.get(), id.c_str(), -1, "latest", -1, timeout_ms,
                                     nullptr, nullptr, err);
    });
}

void refusals(Fixture& all) {
    const Texts scripts = {table, all.commits() ? "INSERT INTO seen VALUES(1)"
                                                : "INSERT INTO seen VALUES(1); ANALYZE; VACUUM"};
    all.claim("without the right to make the journal nothing runs", [&](const std::string& id) {
        must(all.migrate(id, {table}));
        if (all.commits()) must(exec(all.db(), id, "DROP TABLE mtdb_migration"));
        const Guest guest(all, id);
        const Answer answer = migrate_on(guest.open().get(), id, scripts);
        must_be(MTDB_MIGRATION_FAILED, answer);
        check(answer.untouched(), answer.text());
        all.same(id, "SELECT count(*) FROM seen", "0");
        must(migrate_on(all.db(), id, scripts));
        all.same(id, "SELECT n FROM seen", "1");
    });
    all.claim("one session is enough", [&](const std::string& id) {
        must(all.migrate(id, {table}));
        const Guest guest(all, id);
        if (all.commits()) {
            all.side().run("GRANT ALL ON `" + id + "`.* TO " + guest.name +
                           "@'%' WITH MAX_USER_CONNECTIONS 1");
        } else {
            all.side().run("GRANT CREATE ON SCHEMA " + id + " TO " + guest.name + "; ALTER ROLE " +
                           guest.name + " CONNECTION LIMIT 1");
        }
        must(migrate_on(guest.open().get(), id, scripts));
        all.same(id, "SELECT n FROM seen", "1");
        if (!all.commits())
            all.side().run("DROP TABLE " + id + ".mtdb_migration");  // it is the guest's
    });
    all.claim("a server that is read only says so", [&](const std::string& id) {
        must(all.migrate(id, {table}));
        const Guest guest(all, id);
        if (all.commits())
            all.side().run("SET GLOBAL read_only = 1");
        else
            all.side().run("GRANT CREATE ON SCHEMA " + id + " TO " + guest.name + "; ALTER ROLE " +
                           guest.name + " SET default_transaction_read_only = on");
        const Answer answer = migrate_on(guest.open().get(), id, scripts, 3000);
        if (all.commits()) all.side().run("SET GLOBAL read_only = 0");
        must_be(MTDB_READ_ONLY, answer);
        check(answer.untouched(), answer.text());
        must(migrate_on(all.db(), id, scripts));
        all.same(id, "SELECT n FROM seen", "1");
    });
}

void names(Fixture& all) {
    all.claim("tenants whose names differ in case migrate at once", [&](const std::string& id) {
        const std::string other = "H" + id.substr(1);
        if (exists(all.db(), other)) all.drop(other);
        must(create(all.db(), other));
        const std::string slow = all.commits() ? "DO SLEEP(0.3)" : "SELECT pg_sleep(0.3)";
        std::vector<Answer> answers(2);
        std::vector<std::thread> threads;
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&, i] {
                answers[i] = migrate_on(all.db(), i == 0 ? id : other,
                                        {table, slow, "INSERT INTO seen VALUES(1)"});
            });
        for (auto& thread : threads) thread.join();
        for (const Answer& answer : answers) must(answer);
        for (const std::string& name : {id, other}) all.same(name, "SELECT n FROM seen", "1");
        all.drop(other);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: hazards BACKEND VARIABLE\n");
        return 2;
    }
    try {
        Fixture all(argv[1], argv[2]);
        if (all.commits()) {
            dynamic_definitions(all);
            stale_journal(all);
            locked_tables(all);
        } else {
            indices_that_were_there(all);
            an_index_of_others(all);
        }
        sessions(all);
        locks_left(all);
        wanderers(all);
        refusals(all);
        names(all);
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hazards: %s\n", error.what());
        return 1;
    }
}
