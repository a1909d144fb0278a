// SPDX-License-Identifier: MIT
// Migrations with DDL that every SQL backend takes, in both layouts.
#include <atomic>
#include <filesystem>
#include <thread>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

constexpr const char* one_up = "CREATE TABLE one(id BIGINT PRIMARY KEY, v VARCHAR(50))";
constexpr const char* two_up = "CREATE TABLE two(id BIGINT PRIMARY KEY); INSERT INTO two(id) VALUES(1)";

Migrator migrator_of(mtdb_db* db, const std::string& folder) { return new_migrator(db, {{"migrate.source", folder}}); }

std::string state_of(mtdb_migrator* migrator, const std::string& tenant) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_migrator_status(migrator, tenant.data(), size_of(tenant), plenty_ms, nullptr, &made, err);
    });
    const Result result(made);
    check(next(made), "no row");
    return text_at(made, 3);
}

Answer undo(mtdb_migrator* migrator, const std::string& tenant, int64_t* undone) {
    return ask([&](mtdb_error** err) {
        return mtdb_migrator_undo(migrator, tenant.data(), size_of(tenant), "empty", -1, plenty_ms, nullptr, undone,
                                  err);
    });
}

void inline_scripts(Suite& suite) {
    suite.claim("inline scripts are applied once, in order", {Need::tables}, [](World& world) {
        const std::string& id = world.bare_tenant();
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 2, two_up);
        add_script(migrator.get(), 1, one_up);
        int64_t applied = 0;
        must(migrate(migrator.get(), id, "latest", &applied));
        same(2, applied);
        must(migrate(migrator.get(), id, "latest", &applied));
        same(0, applied);
        same("up_to_date", state_of(migrator.get(), id));
        same(1, int_in(world.db(), id, "SELECT count(*) FROM two"));
    });
    suite.claim("a target stops the migration there", {Need::tables}, [](World& world) {
        const std::string& id = world.bare_tenant();
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, one_up);
        add_script(migrator.get(), 2, two_up);
        int64_t applied = 0;
        must(migrate(migrator.get(), id, "1", &applied));
        same(1, applied);
        same("outdated", state_of(migrator.get(), id));
    });
    suite.claim("a failing script is MIGRATION_FAILED, and the scripts before it stay", {Need::tables},
                [](World& world) {
                    const std::string& id = world.bare_tenant();
                    const Migrator migrator = new_migrator(world.db());
                    add_script(migrator.get(), 1, one_up);
                    add_script(migrator.get(), 2, "INSERT INTO nowhere VALUES(1)");
                    int64_t applied = 0;
                    must_be(MTDB_MIGRATION_FAILED, migrate(migrator.get(), id, "latest", &applied));
                    same(1, applied);
                    same(0, int_in(world.db(), id, "SELECT count(*) FROM one"));
                });
    suite.claim("a failed script leaves nothing of itself", {Need::tables, Need::transactional_ddl}, [](World& world) {
        const std::string& id = world.bare_tenant();
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, "CREATE TABLE half(a BIGINT); INSERT INTO nowhere VALUES(1)");
        must_be(MTDB_MIGRATION_FAILED, migrate(migrator.get(), id));
        must_be(MTDB_SQL_ERROR, exec(world.db(), id, "SELECT * FROM half"));
    });
    suite.claim("tables without a history stop the first migration, also when the history was lost", {Need::tables},
                [](World& world) {
                    const std::string& id = world.bare_tenant();
                    const Migrator migrator = new_migrator(world.db());
                    add_script(migrator.get(), 1, one_up);
                    must(exec(world.db(), id, "CREATE TABLE old_one(a BIGINT)"));
                    must_be(MTDB_INVALID_STATE, migrate(migrator.get(), id));
                    must(exec(world.db(), id, "DROP TABLE old_one"));
                    must(migrate(migrator.get(), id));
                    must(exec(world.db(), id, "DROP TABLE flyway_schema_history"));
                    must_be(MTDB_INVALID_STATE, migrate(migrator.get(), id));
                });
    suite.claim("each tenant has its own history", {Need::tables}, [](World& world) {
        const std::string first = world.bare_tenant("a");
        const std::string second = world.bare_tenant("b");
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, one_up);
        must(migrate(migrator.get(), first));
        same("up_to_date", state_of(migrator.get(), first));
        same("outdated", state_of(migrator.get(), second));
        must(migrate(migrator.get(), second));
    });
}

// What other processes and a broken script leave.
void histories(Suite& suite) {
    suite.claim("where DDL commits, a script that broke off goes on at the statement that failed",
                {Need::tables, Need::ddl_commits}, [](World& world) {
                    const std::string first = "CREATE TABLE half(a BIGINT); INSERT INTO half VALUES(1); ";
                    for (const std::string history : {"flyway", "golang"}) {
                        const std::string& id = world.bare_tenant(history);
                        const auto run = [&](const std::string& rest) {
                            const Migrator migrator = new_migrator(world.db(), {{"migrate.history", history}});
                            add_script(migrator.get(), 1, first + rest);
                            return migrate(migrator.get(), id);
                        };
                        for (int i = 0; i < 2; ++i) {
                            const Answer answer = run("INSERT INTO nowhere VALUES(1)");
                            must_be(MTDB_MIGRATION_FAILED, answer);
                            same(MTDB_EFFECT_COMMITTED, answer.effect);
                        }
                        must(run("INSERT INTO half VALUES(2)"));
                        same(2, int_in(world.db(), id, "SELECT count(*) FROM half"));
                    }
                });
    suite.claim("where DDL commits and the journal is gone, a script that broke off stops the next run",
                {Need::tables, Need::ddl_commits}, [](World& world) {
                    const std::string& id = world.bare_tenant();
                    const Migrator migrator = new_migrator(world.db());
                    add_script(migrator.get(), 1, "CREATE TABLE half(a BIGINT); INSERT INTO nowhere VALUES(1)");
                    must_be(MTDB_MIGRATION_FAILED, migrate(migrator.get(), id));
                    must(exec(world.db(), id, "DROP TABLE mtdb_migration"));
                    must_be(MTDB_MIGRATION_DIRTY, migrate(migrator.get(), id));
                });
    suite.claim("of 8 dbs that migrate one tenant at once, each script is run by one", {Need::tables},
                [](World& world) {
                    const std::string id = world.bare_tenant();
                    std::vector<Migrator> migrators;  // each keeps its db
                    for (int i = 0; i < 8; ++i) {
                        migrators.push_back(new_migrator(world.another().get()));
                        add_script(migrators.back().get(), 1, one_up);
                        add_script(migrators.back().get(), 2, two_up);
                    }
                    std::atomic<int64_t> applied{0}, failed{0};
                    std::vector<std::thread> threads;
                    for (const Migrator& migrator : migrators)
                        threads.emplace_back([&] {
                            int64_t own = 0;
                            if (!migrate(migrator.get(), id, "latest", &own).ok()) failed.fetch_add(1);
                            applied.fetch_add(own);
                        });
                    for (auto& thread : threads) thread.join();
                    same(0, failed);
                    same(2, applied);
                    same(1, int_in(world.db(), id, "SELECT count(*) FROM two"));
                    same(2, int_in(world.db(), id, "SELECT count(*) FROM flyway_schema_history"));
                });
}

void many_tenants(Suite& suite) {
    suite.claim("a run migrates many tenants and says how each went", {Need::tables}, [](World& world) {
        std::string tenants;
        for (int i = 0; i < 4; ++i) tenants += world.bare_tenant("m" + std::to_string(i)) + "\n";
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, one_up);
        const Options options = options_of({{"run.workers", "2"}});
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_run(migrator.get(), "migrate", -1, "latest", -1, tenants.data(), size_of(tenants),
                                     options.get(), plenty_ms, nullptr, &made, err);
        });
        const Result result(made);
        for (int i = 0; i < 4; ++i) {
            check(next(made), "no row");
            same(world.bare_tenant("m" + std::to_string(i)), text_at(made, 0));
            same(0, mtdb_value_int64(made, 1));
            same(1, mtdb_value_int64(made, 2));
        }
    });
    suite.claim("mode auto migrates at the first lease, mode check refuses", {Need::tables}, [](World& world) {
        const std::string first = world.bare_tenant("a");
        const std::string second = world.bare_tenant("b");
        for (const std::string mode : {"auto", "check"}) {
            const Db db = world.another();
            const Migrator migrator = new_migrator(db.get(), {{"migrate.mode", mode}});
            add_script(migrator.get(), 1, one_up);
            ok([&](mtdb_error** err) { return mtdb_migrator_enable(migrator.get(), err); });
            if (mode == "auto")
                same(0, int_in(db.get(), first, "SELECT count(*) FROM one"));
            else
                must_be(MTDB_TENANT_OUTDATED, exec(db.get(), second, "SELECT 1"));
        }
    });
    suite.claim("a lease prepared before a migration works after it", {Need::tables}, [](World& world) {
        const std::string& id = world.tenant();
        world.open({{"pool.size_max", "2"}});
        for (int i = 0; i < 4; ++i) {
            const Conn conn = world.lease();
            execute(prepare(conn.get(), "SELECT * FROM t").get());
        }
        const Migrator migrator = new_migrator(world.db(), {{"migrate.history", "golang"}});
        add_script(migrator.get(), 1, "ALTER TABLE t ADD COLUMN late VARCHAR(10)");
        must(migrate(migrator.get(), id));
        for (int i = 0; i < 4; ++i) {
            const Conn conn = world.lease();
            const Result result = execute(prepare(conn.get(), "SELECT * FROM t").get());
            int32_t columns = 0;
            ok([&](mtdb_error** err) { return mtdb_result_column_count(result.get(), &columns, err); });
            same(3, columns);
        }
    });
}

void folders(Suite& suite) {
    suite.claim("a folder in golang-migrate's layout goes up and down", {Need::tables}, [](World& world) {
        const Folder folder;
        write_file(folder / "1_one.up.sql", one_up);
        write_file(folder / "1_one.down.sql", "DROP TABLE one");
        write_file(folder / "2_two.up.sql", two_up);
        write_file(folder / "2_two.down.sql", "DROP TABLE two");
        const std::string& id = world.bare_tenant();
        const Migrator migrator = migrator_of(world.db(), folder.path());
        int64_t steps = 0;
        must(migrate(migrator.get(), id, "latest", &steps));
        same(2, steps);
        same("2", text_in(world.db(), id, "SELECT version FROM schema_migrations"));
        must(undo(migrator.get(), id, &steps));
        same(2, steps);
        must_be(MTDB_SQL_ERROR, exec(world.db(), id, "SELECT * FROM one"));
    });
    suite.claim("a folder in Flyway's layout goes up, validates, and goes down", {Need::tables}, [](World& world) {
        const Folder folder;
        write_file(folder / "V1__one.sql", one_up);
        write_file(folder / "U1__one.sql", "DROP TABLE one");
        write_file(folder / "V1.1__two.sql", two_up);
        write_file(folder / "U1.1__two.sql", "DROP TABLE two");
        write_file(folder / "R__refresh.sql", "DELETE FROM two; INSERT INTO two(id) VALUES(9)");
        const std::string& id = world.bare_tenant();
        const Migrator migrator = migrator_of(world.db(), folder.path());
        int64_t steps = 0;
        must(migrate(migrator.get(), id, "latest", &steps));
        same(3, steps);
        same(9, int_in(world.db(), id, "SELECT id FROM two"));
        same(3, int_in(world.db(), id, "SELECT count(*) FROM flyway_schema_history"));
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_validate(migrator.get(), id.data(), size_of(id), plenty_ms, nullptr, &made, err);
        });
        same(0, rows_left(Result(made).get()));
        must(undo(migrator.get(), id, &steps));
        same(2, steps);
    });
    suite.claim("a changed script is MIGRATION_CHECKSUM", {Need::tables}, [](World& world) {
        const Folder folder;
        write_file(folder / "V1__one.sql", one_up);
        const std::string& id = world.bare_tenant();
        must(migrate(migrator_of(world.db(), folder.path()).get(), id));
        write_file(folder / "V1__one.sql", "CREATE TABLE other(a BIGINT)");
        must_be(MTDB_MIGRATION_CHECKSUM, migrate(migrator_of(world.db(), folder.path()).get(), id));
    });
    suite.claim("a plan touches nothing", {Need::tables}, [](World& world) {
        const std::string& id = world.bare_tenant();
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, one_up);
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_plan(migrator.get(), id.data(), size_of(id), "latest", -1, plenty_ms, nullptr, &made,
                                      err);
        });
        same(1, rows_left(Result(made).get()));
        must_be(MTDB_SQL_ERROR, exec(world.db(), id, "SELECT * FROM one"));
        must_be(MTDB_SQL_ERROR, exec(world.db(), id, "SELECT * FROM flyway_schema_history"));
    });
}

void verbs_on_tables(Suite& suite) {
    suite.claim("drop empties a tenant when it may, and the tenant stays", {Need::tables}, [](World& world) {
        const std::string& id = world.bare_tenant();
        for (const char* sql : {one_up, "CREATE TABLE kid(id BIGINT, FOREIGN KEY (id) REFERENCES one(id))",
                                "CREATE VIEW seen AS SELECT id FROM one"})
            must(exec(world.db(), id, sql));
        int64_t dropped = -1;
        const auto drop = [&](const std::string& leave) {
            const Migrator migrator = new_migrator(world.db(), {{"migrate.drop", leave}});
            return ask([&](mtdb_error** err) {
                return mtdb_migrator_drop(migrator.get(), id.data(), size_of(id), plenty_ms, nullptr, &dropped, err);
            });
        };
        must_be(MTDB_INVALID_STATE, drop("refuse"));
        same(0, int_in(world.db(), id, "SELECT count(*) FROM seen"));
        must(drop("allow"));
        check(dropped >= 3, "dropped " + std::to_string(dropped));
        must(exec(world.db(), id, one_up));
    });
}

void what_scripts_hold(Suite& suite) {
    suite.claim("routines and data in a script are cut as the database has them", {Need::tables}, [](World& world) {
        const std::string& id = world.bare_tenant();
        const bool postgres = contains(world.backend().name, "postgres");
        const bool mariadb = contains(world.backend().name, "mariadb");
        std::string script = std::string(one_up) + ";\nINSERT INTO one VALUES (1, ';');\n";
        if (postgres)
            script += "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM one; END;\n"
                      "COPY one (id, v) FROM stdin;\n2\tit's;\n3\t\\N\n\\.\nINSERT INTO one VALUES (4, NULL);\n";
        else if (mariadb)
            script += "CREATE OR REPLACE PROCEDURE p() BEGIN INSERT INTO one VALUES (2, 'a'); SELECT 1; END;\n"
                      "BEGIN NOT ATOMIC INSERT INTO one VALUES (3, 'b'); INSERT INTO one VALUES (4, 'c'); END;\n"
                      "DELIMITER //\nINSERT INTO one VALUES (2, '//');//\nDELIMITER ;\n";
        else
            script += "CREATE TRIGGER t AFTER DELETE ON one BEGIN INSERT INTO one VALUES (9, ''); SELECT 1; END;\n"
                      "INSERT INTO one VALUES (2, ''), (3, ''), (4, '');\n";
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, script);
        must(migrate(migrator.get(), id));
        same(10, int_in(world.db(), id, "SELECT sum(id) FROM one"));
        if (!postgres) return;
        const Migrator bad = new_migrator(world.db());
        add_script(bad.get(), 1, script);
        add_script(bad.get(), 2, "CREATE TABLE gone(id INT);\n\n  COPY one (id, v) FROM stdin;\n1\tagain\n\\.\n");
        const auto failure = failure_of([&](mtdb_error** err) {
            return mtdb_migrator_migrate(bad.get(), id.data(), size_of(id), "", -1, plenty_ms, nullptr, nullptr, err);
        });
        same(MTDB_MIGRATION_FAILED, failure.status);
        same(3, failure.line);
        same(10, int_in(world.db(), id, "SELECT sum(id) FROM one"));
    });
    suite.claim("what cannot run in a transaction runs without, beside others only if it may", {Need::tables},
                [](World& world) {
                    const std::string& id = world.bare_tenant();
                    const bool postgres = contains(world.backend().name, "postgres");
                    const bool mariadb = contains(world.backend().name, "mariadb");  // no script has a transaction
                    const std::string script =
                        std::string(one_up) +
                        (postgres  ? ";\nCREATE INDEX CONCURRENTLY i ON one(v);\n"
                         : mariadb ? ";\nCREATE INDEX i ON one(v);\n"
                                   : ";\nVACUUM;\n");
                    const Migrator strict = new_migrator(world.db());
                    add_script(strict.get(), 1, script);
                    must_be(mariadb ? MTDB_OK : MTDB_MIGRATION_FAILED, migrate(strict.get(), id));
                    const Migrator mixed = new_migrator(world.db(), {{"migrate.mixed", "true"}});
                    add_script(mixed.get(), 1, script);
                    must(migrate(mixed.get(), id));
                    same("up_to_date", state_of(mixed.get(), id));
                });
}

void scripts_outside_transactions(Suite& suite) {
    suite.claim("a script without a transaction that broke off goes on on servers, with the data of COPY written once",
                {Need::tables}, [](World& world) {
                    const std::string& id = world.bare_tenant();
                    const bool postgres = contains(world.backend().name, "postgres");
                    const bool mariadb = contains(world.backend().name, "mariadb");
                    const std::string row =
                        postgres ? "COPY half (a) FROM stdin;\n2\n\\.\n" : "INSERT INTO half VALUES(2);\n";
                    const std::string alone = postgres  ? "CREATE INDEX CONCURRENTLY i ON half(a);\n"
                                              : mariadb ? "CREATE INDEX i ON half(a);\n"
                                                        : "VACUUM;\n";
                    const auto run = [&](const std::string& data, const std::string& rest) {
                        const Migrator migrator = new_migrator(world.db(), {{"migrate.mixed", "true"}});
                        add_script(migrator.get(), 1, "CREATE TABLE half(a BIGINT);\n" + data + alone + rest);
                        return migrate(migrator.get(), id);
                    };
                    must_be(MTDB_MIGRATION_FAILED, run(row, "INSERT INTO later VALUES(1)"));
                    same(2, int_in(world.db(), id, "SELECT sum(a) FROM half"));
                    std::string other = row;
                    other[other.find('2')] = '3';
                    must_be(MTDB_MIGRATION_DIRTY, run(other, "INSERT INTO half VALUES(4)"));
                    const Answer answer = run(row, "INSERT INTO half VALUES(4)");
                    must_be(postgres || mariadb ? MTDB_OK : MTDB_MIGRATION_DIRTY, answer);
                    same(postgres || mariadb ? 6 : 2, int_in(world.db(), id, "SELECT sum(a) FROM half"));
                });
}

}  // namespace

void claim_migrations(Suite& suite) {
    inline_scripts(suite);
    histories(suite);
    many_tenants(suite);
    folders(suite);
    verbs_on_tables(suite);
    what_scripts_hold(suite);
    scripts_outside_transactions(suite);
}

}  // namespace conformance
