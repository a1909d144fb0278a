// SPDX-License-Identifier: MIT
// Usage: breaks BACKEND URL|VARIABLE: postgres/schema, postgres/pgbouncer or mariadb, under tests/servers/run, or
// sqlite. Migrations whose process is killed at every message that it sends, and at 200 random moments; two at once;
// one that sleeps while another takes over. Afterwards each statement has run exactly once.
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>
#include <vector>

#include "../crash/shared.hpp"
#include "harness.hpp"
#include "side.hpp"

namespace {

// The message of this process before (or after) which it dies, or stops; 0: none.
std::atomic<int64_t> fatal_message{0};
std::atomic<int64_t> messages{0};
bool after_it = false;
int fatal_signal = SIGKILL;

void count_message(bool sent) {
    if (fatal_message.load() == 0 || sent != after_it) return;
    if (messages.fetch_add(1) + 1 == fatal_message.load()) kill(getpid(), fatal_signal);
}

template <class Call>
Call next_of(const char* name) {
    return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

// What the client libraries send with.
ssize_t send(int socket, const void* bytes, size_t size, int flags) {
    static const auto next = next_of<ssize_t (*)(int, const void*, size_t, int)>("send");
    count_message(false);
    const ssize_t out = next(socket, bytes, size, flags);
    count_message(true);
    return out;
}

}  // extern "C"

namespace {

using namespace harness;
using conformance::environment;
using conformance::Side;

struct Setting {
    std::string backend, url;
    bool server = true, commits = false;
    std::string tenancy;
};

Db open_setting(const Setting& setting) {
    if (setting.tenancy.empty()) return open_db(setting.url);
    return open_db(setting.url, {{"tenancy", setting.tenancy}});
}

std::vector<std::string> scripts_of(const Setting& setting) {
    const bool alone = setting.backend == "postgres/schema";
    return {"CREATE TABLE seen(n BIGINT NOT NULL); INSERT INTO seen VALUES(1)",
            "CREATE TABLE two(a BIGINT); INSERT INTO seen VALUES(2); ALTER TABLE two ADD COLUMN b BIGINT; INSERT INTO "
            "seen VALUES(3)",
            "INSERT INTO seen VALUES(4); INSERT INTO seen VALUES(5)",
            alone ? "CREATE INDEX CONCURRENTLY two_a ON two(a)"
                  : "CREATE INDEX two_a ON two(a); ALTER TABLE two DROP COLUMN b",
            "INSERT INTO seen VALUES(6); ALTER TABLE two RENAME TO three; INSERT INTO seen VALUES(7)"};
}

Migrator migrator_of(mtdb_db* db, const Setting& setting, bool golang) {
    Migrator migrator = new_migrator(db, {{"migrate.history", golang ? "golang" : "flyway"}});
    int version = 0;
    for (const std::string& script : scripts_of(setting)) add_script(migrator.get(), ++version, script);
    return migrator;
}

void drop(mtdb_db* db, const std::string& id) {
    must(ask([&](mtdb_error** err) {
        return mtdb_tenant_drop(db, id.data(), static_cast<int32_t>(id.size()), plenty_ms, nullptr, err);
    }));
}

// The tenant is at the newest version, and each statement ran once.
void verify(mtdb_db* db, const std::string& id, bool golang) {
    const auto same = [&](const std::string& expected, const std::string& sql) {
        const std::string seen = text_in(db, id, sql);
        check(seen == expected, sql + ": " + seen);
    };
    same("1,2,3,4,5,6,7", "SELECT n FROM seen ORDER BY n");
    same("0", "SELECT count(*) FROM three");
    if (golang)
        same("5", "SELECT version FROM schema_migrations WHERE dirty IN ('0', 'f') OR NOT dirty");
    else
        same("1,2,3,4,5", "SELECT installed_rank FROM flyway_schema_history WHERE success ORDER BY 1");
}

void migrate_well(const Setting& setting, const std::string& id, bool golang) {
    const Db db = open_setting(setting);
    must(migrate(migrator_of(db.get(), setting, golang).get(), id));
    verify(db.get(), id, golang);
    drop(db.get(), id);
}

void make_tenant(const Setting& setting, const std::string& id) {
    in_child(
        [&] {
            const Db db = open_setting(setting);
            if (exists(db.get(), id)) drop(db.get(), id);  // of a run that broke off
            must(create(db.get(), id));
        },
        Ending::handlers);
}

bool was_killed(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    check(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "the migration ended otherwise");
    return killed;
}

// ---- rounds ----

// Rounds that have nothing to do with each other, each with a number from 1 and a tenant, some at a time: a server
// waits for its disk most of the time. `round` says whether there is another one; its failure is told with its number.
void in_lanes(const std::string& claim, const std::function<bool(int64_t number)>& round) {
    constexpr int64_t lanes = 4, patience_ms = 600000;
    std::vector<pid_t> children;
    for (int64_t lane = 1; lane <= lanes; ++lane)
        children.push_back(spawn([&round, lane] {
            for (int64_t number = lane;; number += lanes) {
                try {
                    if (!round(number)) return;
                } catch (const Failed& failed) {
                    throw Failed("round " + std::to_string(number) + ": " + failed.what());
                }
            }
        }));
    for (const pid_t child : children) test(claim, [&] { join(child, patience_ms); });
}

// ---- killed at every message, and at random moments ----

void kill_at_messages(const Setting& setting, bool after, bool golang) {
    const std::string prefix = std::string("m") + (after ? "a" : "b") + (golang ? "g" : "f");
    in_lanes(setting.backend + ": a kill " + (after ? "after" : "before") + " any message", [&](int64_t message) {
        const std::string id = prefix + std::to_string(message);
        make_tenant(setting, id);
        const bool killed = was_killed(spawn([&] {
            const Db db = open_setting(setting);
            const Migrator migrator = migrator_of(db.get(), setting, golang);
            after_it = after;
            fatal_message = message;
            must(migrate(migrator.get(), id));
        }));
        in_child([&] { migrate_well(setting, id, golang); }, Ending::handlers);
        return killed;
    });
}

void kill_at_random(const Setting& setting, uint64_t seed) {
    in_lanes(setting.backend + ": a kill at a random moment", [&](int64_t round) {
        if (round > scaled(200)) return false;
        const bool golang = round % 2 != 0;
        const std::string id = "r" + std::to_string(round);
        make_tenant(setting, id);
        const Shared<std::atomic<bool>> began;
        const pid_t child = spawn([&] {
            const Db db = open_setting(setting);
            const Migrator migrator = migrator_of(db.get(), setting, golang);
            *began = true;
            must(migrate(migrator.get(), id));
        });
        while (!*began) usleep(100);
        Random random(seed + static_cast<uint64_t>(round));
        usleep(static_cast<useconds_t>(pick(random, 0, setting.server ? 250000 : 20000)));
        kill(child, SIGKILL);
        was_killed(child);
        in_child([&] { migrate_well(setting, id, golang); }, Ending::handlers);
        return true;
    });
}

// ---- killed where a transaction does not undo, or a word does not tell ----

// Scripts whose statements are harder to judge; what they leave is asked with `query`, and is `expected` whenever the
// next run does not stop at a listed unknown.
struct Story {
    std::string name;
    std::vector<std::string> scripts;
    std::string query, expected;
};

std::vector<Story> stories_of(const Setting& setting) {
    const std::string base = "CREATE TABLE seen(n BIGINT NOT NULL)";
    const std::string rows = "SELECT n FROM seen ORDER BY n";
    if (!setting.commits)
        return {{"index", {base, "CREATE INDEX CONCURRENTLY i ON seen(n)", "DROP INDEX CONCURRENTLY i; ",
                           "CREATE INDEX CONCURRENTLY i ON seen(n)", "INSERT INTO seen VALUES(1)"},
                 rows, "1"}};
    return {
        {"view of a table without transactions",
         {base, "CREATE TABLE plain(n BIGINT) ENGINE=Aria; CREATE VIEW v AS SELECT n FROM plain",
          "INSERT INTO v VALUES(1); INSERT INTO v VALUES(2)"},
         "SELECT n FROM plain ORDER BY n", "1,2"},
        {"trigger into a table without transactions",
         {base, "CREATE TABLE plain(n BIGINT) ENGINE=Aria; CREATE TRIGGER t AFTER INSERT ON seen FOR EACH ROW"
                " INSERT INTO plain VALUES(NEW.n)",
          "INSERT INTO seen VALUES(1); INSERT INTO seen VALUES(2)"},
         "SELECT n FROM plain ORDER BY n", "1,2"},
        {"EXECUTE", {base, "INSERT INTO seen VALUES(1); EXECUTE IMMEDIATE 'ALTER TABLE seen ADD m BIGINT DEFAULT 7'"},
         "SELECT m FROM seen", "7"},
        {"sql_mode", {base, "SET sql_mode = 'ANSI_QUOTES'; ALTER TABLE seen ADD m BIGINT DEFAULT 7;"
                            " INSERT INTO seen(n) VALUES(1)", "INSERT INTO seen(n) VALUES(2)"},
         "SELECT m + n FROM seen ORDER BY n", "8,9"},
        {"comment that runs", {base, "/*!40101 SET sql_mode = 'ANSI_QUOTES' */; INSERT INTO \"seen\" VALUES(1);"
                                     " INSERT INTO \"seen\" VALUES(2)"},
         rows, "1,2"},
        {"swapped tables", {base, "CREATE TABLE other(n BIGINT NOT NULL); INSERT INTO other VALUES(1)",
                            "RENAME TABLE seen TO kept, other TO seen, kept TO other"},
         rows, "1"},
        {"emptied table", {base, "INSERT INTO seen VALUES(1)", "TRUNCATE seen; INSERT INTO seen VALUES(2)"}, rows, "2"},
    };
}

void kill_in_stories(const Setting& setting) {
    int tale = 0;
    for (const Story& story : stories_of(setting)) {
        const std::string prefix = "story" + std::to_string(++tale) + "x";
        const Shared<std::atomic<int>> finished;
        in_lanes(setting.backend + ": a kill with a " + story.name, [&](int64_t message) {
            const std::string id = prefix + std::to_string(message);
            make_tenant(setting, id);
            const auto run = [&](mtdb_db* db, bool mortal) {
                const Migrator migrator = new_migrator(db);
                int version = 0;
                for (const std::string& script : story.scripts) add_script(migrator.get(), ++version, script);
                after_it = message % 2 == 0;
                fatal_message = mortal ? (message + 1) / 2 : 0;
                return migrate(migrator.get(), id);
            };
            const bool killed = was_killed(spawn([&] { must(run(open_setting(setting).get(), true)); }));
            in_child(
                [&] {
                    const Db db = open_setting(setting);
                    const Answer answer = run(db.get(), false);
                    must_be_one_of({MTDB_OK, MTDB_MIGRATION_DIRTY}, answer);
                    if (answer.ok()) {
                        const std::string left = text_in(db.get(), id, story.query);
                        check(left == story.expected, story.query + ": " + left);
                        ++*finished;
                    }
                    drop(db.get(), id);
                },
                Ending::handlers);
            return killed;
        });
        test(setting.backend + ": most kills with a " + story.name + " are not noticed",
             [&] { check(*finished > 0, "each run stopped"); });
    }
}

void kill_in_undo(const Setting& setting, bool golang) {
    in_lanes(setting.backend + ": a kill while scripts are undone", [&](int64_t message) {
        const std::string id = std::string("undo") + (golang ? "g" : "f") + std::to_string(message);
        make_tenant(setting, id);
        const auto undo = [&](mtdb_db* db, bool mortal) {
            const Migrator migrator = new_migrator(db, {{"migrate.history", golang ? "golang" : "flyway"}});
            add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
            const auto add = [&](const char* version, const std::string& up, const std::string& down) {
                ok([&](mtdb_error** err) {
                    return mtdb_migrator_add(migrator.get(), version, -1, "step", -1, up.c_str(), -1, down.c_str(), -1,
                                             err);
                });
            };
            add("2", "CREATE TABLE two(a BIGINT)", "INSERT INTO seen VALUES(3); DROP TABLE two;"
                                                   " INSERT INTO seen VALUES(4)");
            add("3", "ALTER TABLE two ADD b BIGINT", "INSERT INTO seen VALUES(1); ALTER TABLE two DROP COLUMN b;"
                                                     " INSERT INTO seen VALUES(2)");
            if (mortal) must(migrate(migrator.get(), id));
            after_it = message % 2 == 0;
            fatal_message = mortal ? (message + 1) / 2 : 0;
            must(ask([&](mtdb_error** err) {
                return mtdb_migrator_undo(migrator.get(), id.c_str(), -1, "1", -1, plenty_ms, nullptr, nullptr, err);
            }));
            if (!mortal) must(migrate(migrator.get(), id));
        };
        const bool killed = was_killed(spawn([&] { undo(open_setting(setting).get(), true); }));
        in_child(
            [&] {
                const Db db = open_setting(setting);
                undo(db.get(), false);
                const std::string rows = text_in(db.get(), id, "SELECT n FROM seen ORDER BY n");
                check(rows == "1,2,3,4", rows);
                check(text_in(db.get(), id, "SELECT b FROM two").empty(), "version 3 is not there again");
                drop(db.get(), id);
            },
            Ending::handlers);
        return killed;
    });
}

// ---- two at once ----

void two_at_once(const Setting& setting) {
    in_lanes(setting.backend + ": two at once", [&](int64_t round) {
        if (round > scaled(50)) return false;
        const bool golang = round % 2 != 0;
        const std::string id = "t" + std::to_string(round);
        make_tenant(setting, id);
        const Shared<std::atomic<int>> ready, applied;
        const auto work = [&] {
            const Db db = open_setting(setting);
            const Migrator migrator = migrator_of(db.get(), setting, golang);
            ready->fetch_add(1);
            while (ready->load() < 2) usleep(50);
            int64_t own = 0;
            must(migrate(migrator.get(), id, "latest", &own));
            applied->fetch_add(static_cast<int>(own));
        };
        const pid_t one = spawn(work), other = spawn(work);
        join(one);
        join(other);
        check(applied->load() == 5, std::to_string(applied->load()) + " scripts were applied");
        in_child([&] { migrate_well(setting, id, golang); }, Ending::handlers);
        return true;
    });
}

// ---- one that sleeps ----

// A holder that is stopped, loses its session as a server's own limits would end it, and wakes when another is done.
void sleeper(const Setting& setting, const std::string& name, const std::string& slow, const std::string& seen_as) {
    const std::string id = "s" + name;
    make_tenant(setting, id);
    test(setting.backend + ": one that sleeps in " + name + " past another's run does nothing when it wakes", [&] {
        const auto run = [&](mtdb_db* db) {
            const Migrator migrator = new_migrator(db, {});
            add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL); INSERT INTO seen VALUES(1)");
            add_script(migrator.get(), 2, slow);
            add_script(migrator.get(), 3, "INSERT INTO seen VALUES(3)");
            return migrate(migrator.get(), id);
        };
        const Shared<std::atomic<int>> blocked;
        const auto side = conformance::side_of(setting.backend);
        const pid_t child = spawn([&] {
            const Db db = open_setting(setting);
            check(!run(db.get()).ok(), "the one that slept went on");
        });
        side->await("SELECT count(*) > 0 " + seen_as, setting.commits ? "1" : "t");
        const std::string session =
            side->run((setting.commits ? "SELECT ID " : "SELECT pid ") + seen_as);
        kill(child, SIGSTOP);
        side->end(session.substr(0, session.find(',')));
        in_child(
            [&] {
                const Db db = open_setting(setting);
                must(run(db.get()));
            },
            Ending::handlers);
        kill(child, SIGCONT);
        join(child);
        in_child(
            [&] {
                const Db db = open_setting(setting);
                const std::string rows = text_in(db.get(), id, "SELECT n FROM seen ORDER BY n");
                check(rows == "1,2,3", rows);
                const std::string history =
                    text_in(db.get(), id, "SELECT installed_rank FROM flyway_schema_history WHERE success ORDER BY 1");
                check(history == "1,2,3", history);
                must(run(db.get()));
                drop(db.get(), id);
            },
            Ending::handlers);
    });
}

// Does not stay stopped for ever when its round fails.
struct Stopped {
    pid_t child;
    ~Stopped() { kill(child, SIGKILL); }
};

// The lease row is over by the clock, unless its holder is about to write it.
void let_expire(const Setting& setting, const std::string& id) {
    const auto side = conformance::side_of(setting.backend);
    const std::string table = setting.commits ? "`" + id + "`.mtdb_migration" : "\"" + id + "\".mtdb_migration";
    side->run(setting.commits ? "SET innodb_lock_wait_timeout = 0, lock_wait_timeout = 1" : "SET lock_timeout = 100");
    try {
        side->run("UPDATE " + table + " SET expires_at = '2000-01-01'");
    } catch (const Failed&) {  // NOLINT(bugprone-empty-catch)
        // Or there is none yet.
    }
}

// A holder that stops before a message and wakes when another has come and gone, while its session stays: with the
// locks that it has, and without those of its session, which a script gives away. Its lease is over by the clock.
void stopped_at_messages(const Setting& setting, bool bereft, bool golang) {
    const std::string away = setting.commits ? "DO RELEASE_ALL_LOCKS(); " : "SELECT pg_advisory_unlock_all(); ";
    std::vector<std::string> scripts = scripts_of(setting);
    if (!setting.commits) {  // these stand in no transaction
        scripts[1] = "INSERT INTO seen VALUES(2); VACUUM seen; CREATE TABLE two(a BIGINT); INSERT INTO seen VALUES(3)";
        scripts[4] = "INSERT INTO seen VALUES(6); ALTER TABLE two RENAME TO three; VACUUM seen;"
                     " INSERT INTO seen VALUES(7)";
    }
    if (bereft)
        for (std::string& script : scripts) script.insert(0, script.find("CONCURRENTLY") != script.npos ? "" : away);
    const auto run = [&](mtdb_db* db, const std::string& id, int64_t message, int64_t timeout_ms) {
        const Migrator migrator = new_migrator(db, {{"migrate.history", golang ? "golang" : "flyway"},
                                                    {"migrate.mixed", "true"},
                                                    {"migrate.lock_timeout_ms", "1000"},
                                                    {"migrate.lock_retries", "0"}});
        int version = 0;
        for (const std::string& script : scripts) add_script(migrator.get(), ++version, script);
        fatal_signal = SIGSTOP;
        fatal_message = message;
        return ask([&](mtdb_error** err) {
            return mtdb_migrator_migrate(migrator.get(), id.c_str(), -1, "latest", -1, timeout_ms, nullptr, nullptr,
                                         err);
        });
    };
    const std::string prefix = std::string("stop") + (bereft ? "b" : "l") + (golang ? "g" : "f");
    const int64_t stride = std::max<int64_t>(1, 6 / scaled(1));
    const std::string with = bereft ? "without" : "with";
    in_lanes(setting.backend + ": one that stops at any message " + with + " its lock", [&](int64_t round) {
        const std::string id = prefix + std::to_string(round);
        make_tenant(setting, id);
        const pid_t child = spawn([&] {
            const Db db = open_setting(setting);
            // Who was overtaken says so, or finds a history that another has finished.
            must_be_one_of({MTDB_OK, MTDB_MIGRATION_LOCKED, MTDB_MIGRATION_DIRTY, MTDB_MIGRATION_FAILED, MTDB_BUSY},
                           run(db.get(), id, 1 + (round - 1) * stride, plenty_ms));
        });
        int status = 0;
        waitpid(child, &status, WUNTRACED);
        const bool stopped = WIFSTOPPED(status);
        if (stopped) {
            const Stopped guard{child};
            in_child(
                [&] {
                    const Db db = open_setting(setting);
                    let_expire(setting, id);
                    const Answer answer = run(db.get(), id, 0, 400);
                    // Its time may be over before it has a connection.
                    must_be_one_of({MTDB_OK, MTDB_MIGRATION_LOCKED, MTDB_MIGRATION_DIRTY, MTDB_BUSY, MTDB_TIMEOUT,
                                    MTDB_UNAVAILABLE},
                                   answer);
                },
                Ending::handlers);
            kill(child, SIGCONT);
            join(child);
        }
        in_child(
            [&] {
                const Db db = open_setting(setting);
                must(run(db.get(), id, 0, plenty_ms));
                verify(db.get(), id, golang);
                drop(db.get(), id);
            },
            Ending::handlers);
        return stopped;
    });
}

void sleepers(const Setting& setting) {
    for (const bool bereft : {false, true})
        for (const bool golang : {false, true}) stopped_at_messages(setting, bereft, golang);
    if (setting.commits) {
        sleeper(setting, "rows", "SELECT SLEEP(2); INSERT INTO seen VALUES(2)",
                "FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(2)%'");
        return;
    }
    sleeper(setting, "rows", "SELECT pg_sleep(2); INSERT INTO seen VALUES(2)",
            "FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(2)%'");
}

// An index that is built concurrently while somebody keeps it from ending, and is broken off.
void broken_index(const Setting& setting) {
    const std::string id = "index";
    make_tenant(setting, id);
    test(setting.backend + ": what an index that broke off left is dropped, and it is built", [&] {
        const auto side = conformance::side_of(setting.backend);
        const auto run = [&](mtdb_db* db) {
            const Migrator migrator = new_migrator(db, {});
            add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
            add_script(migrator.get(), 2, "CREATE INDEX CONCURRENTLY seen_n ON seen(n)");
            return migrate(migrator.get(), id);
        };
        in_child(
            [&] {
                const Db db = open_setting(setting);
                const Migrator migrator = new_migrator(db.get(), {});
                add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
                must(migrate(migrator.get(), id));
            },
            Ending::handlers);
        const auto keeper = conformance::side_of(setting.backend);
        keeper->run("BEGIN; INSERT INTO \"" + id + "\".seen VALUES(1)");
        const pid_t child = spawn([&] {
            const Db db = open_setting(setting);
            run(db.get());
        });
        side->await("SELECT count(*) > 0 FROM pg_index WHERE indexrelid = to_regclass('" + id +
                        ".seen_n') AND NOT indisvalid",
                    "t");
        in_child(
            [&] {
                const Db db = open_setting(setting);
                const Migrator migrator = new_migrator(db.get(), {});
                add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
                add_script(migrator.get(), 2, "CREATE INDEX CONCURRENTLY seen_n ON seen(n)");
                const Answer answer = ask([&](mtdb_error** err) {
                    return mtdb_migrator_migrate(migrator.get(), id.data(), static_cast<int32_t>(id.size()), "latest",
                                                 -1, 300, nullptr, nullptr, err);
                });
                must_be(MTDB_MIGRATION_LOCKED, answer);
                check(answer.message.find("blocked by session") != std::string::npos &&
                          answer.message.find("CREATE INDEX CONCURRENTLY") != std::string::npos,
                      answer.message);
            },
            Ending::handlers);
        kill(child, SIGKILL);
        was_killed(child);
        side->run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'"
                  " AND state = 'active'");
        keeper->run("COMMIT");
        in_child(
            [&] {
                const Db db = open_setting(setting);
                must(run(db.get()));
            },
            Ending::handlers);
        const std::string valid =
            side->run("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('" + id + ".seen_n')");
        check(valid == "t", valid);
        in_child([&] { drop(open_setting(setting).get(), id); }, Ending::handlers);
    });
}

int32_t java_hash(const std::string& text) {
    uint32_t hash = 0;
    for (const char c : text) hash = 31 * hash + static_cast<unsigned char>(c);
    return static_cast<int32_t>(hash);
}

// Flyway's and golang-migrate's own locks, held by somebody else.
void locks_of_tools(const Setting& setting) {
    const std::string id = "tools";
    make_tenant(setting, id);
    const std::string table = "flyway_schema_history";
    const auto held = [&](bool golang, const std::string& lock, const std::string& unlock) {
        test(setting.backend + ": " + lock + " keeps us out", [&] {
            const auto side = conformance::side_of(setting.backend);
            side->run(lock);
            const auto run = [&](int64_t timeout_ms) {
                const Db db = open_setting(setting);
                const Migrator migrator = migrator_of(db.get(), setting, golang);
                return ask([&](mtdb_error** err) {
                    return mtdb_migrator_migrate(migrator.get(), id.data(), static_cast<int32_t>(id.size()), "1", -1,
                                                 timeout_ms, nullptr, nullptr, err);
                });
            };
            in_child(
                [&] {
                    const Answer answer = run(300);
                    must_be(MTDB_MIGRATION_LOCKED, answer);
                    check(answer.message.find("blocked by session " + side->run(side->self)) != std::string::npos,
                          answer.message);
                },
                Ending::handlers);
            side->run(unlock);
            in_child(
                [&] {
                    must(run(plenty_ms));
                    const Db db = open_setting(setting);
                    drop(db.get(), id);
                    must(create(db.get(), id));
                },
                Ending::handlers);
        });
    };
    if (setting.commits) {
        const std::string name = "'Flyway-" + std::to_string(java_hash("`" + id + "`.`" + table + "`")) + "'";
        held(false, "SELECT GET_LOCK(" + name + ", 0)", "SELECT RELEASE_LOCK(" + name + ")");
        const std::string golang =
            "CAST(CRC32('" + id + ":schema_migrations') * 1486364155 % 4294967296 AS CHAR)";
        held(true, "SELECT GET_LOCK(" + golang + ", 0)", "SELECT RELEASE_LOCK(" + golang + ")");
    } else {
        const int64_t key = 77431708279161 + java_hash("\"" + id + "\".\"" + table + "\"");
        held(false, "SELECT pg_advisory_lock(" + std::to_string(key) + ")",
             "SELECT pg_advisory_unlock(" + std::to_string(key) + ")");
    }
    in_child([&] { drop(open_setting(setting).get(), id); }, Ending::handlers);
}

void one_connection(const Setting& setting) {
    const std::string id = "one";
    make_tenant(setting, id);
    test(setting.backend + ": a pool of one connection is enough for a script that stands alone", [&] {
        in_child(
            [&] {
                const Db db = open_db(setting.url, {{"tenancy", setting.tenancy}, {"pool.size_max", "1"}});
                const Migrator migrator = new_migrator(db.get(), {});
                add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
                add_script(migrator.get(), 2, "VACUUM seen");
                must(migrate(migrator.get(), id));
                drop(db.get(), id);
            },
            Ending::handlers);
    });
}

// A statement that waits for a table that somebody else works with.
void lock_of_others(const Setting& setting) {
    const std::string id = "waits";
    make_tenant(setting, id);
    test(setting.backend + ": a wait for others' locks is bounded, and they are named", [&] {
        const auto run = [&](const std::string& retries) {
            const Db db = open_setting(setting);
            const Migrator migrator = new_migrator(
                db.get(), {{"migrate.lock_timeout_ms", "1000"}, {"migrate.lock_retries", retries}});
            add_script(migrator.get(), 1, "CREATE TABLE seen(n BIGINT NOT NULL)");
            if (retries != "0") add_script(migrator.get(), 2, "ALTER TABLE seen ADD COLUMN m BIGINT");
            return migrate(migrator.get(), id);
        };
        in_child([&] { must(run("0")); }, Ending::handlers);
        const auto keeper = conformance::side_of(setting.backend);
        const std::string table = setting.commits ? "`" + id + "`.seen" : "\"" + id + "\".seen";
        keeper->run("BEGIN");
        keeper->run("INSERT INTO " + table + " VALUES(1)");
        in_child(
            [&] {
                const Answer answer = run("1");
                must_be(MTDB_MIGRATION_LOCKED, answer);
                check(answer.message.find("blocked by session") != std::string::npos, answer.message);
            },
            Ending::handlers);
        const pid_t child = spawn([&] { must(run("10")); });
        sleep_ms(1500);  // it has been refused once at least
        keeper->run("COMMIT");
        join(child);
        in_child([&] { drop(open_setting(setting).get(), id); }, Ending::handlers);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: breaks BACKEND URL|VARIABLE\n");
        return 2;
    }
    try {
        Setting setting;
        setting.backend = argv[1];
        const std::string target = argv[2];
        setting.url = target.starts_with("MTDB_TEST_") ? environment(argv[2]) : target;
        setting.server = setting.backend != "sqlite";
        setting.commits = setting.backend == "mariadb";
        if (setting.server) setting.tenancy = setting.commits ? "database" : "schema";
        const Folder folder(Folder::Kind::speedy);
        if (!setting.server) setting.url = folder.path();
        const uint64_t first = seed(("breaks " + setting.backend).c_str());
        if (setting.server)
            for (const bool after : {false, true}) kill_at_messages(setting, after, after);
        kill_at_random(setting, first);
        two_at_once(setting);
        if (setting.backend == "postgres/schema" || setting.commits) {
            kill_in_stories(setting);
            for (const bool golang : {false, true}) kill_in_undo(setting, golang);
            sleepers(setting);
            locks_of_tools(setting);
            lock_of_others(setting);
        }
        if (setting.backend == "postgres/schema") {
            broken_index(setting);
            one_connection(setting);
        }
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "breaks: %s\n", error.what());
        return 1;
    }
}
