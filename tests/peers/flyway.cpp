// SPDX-License-Identifier: MIT
// Flyway and mtdb on one history: what one writes the other continues, and both see the same picture.
#include <algorithm>

#include "world.hpp"

namespace peers {

using namespace harness;

namespace {

// Flyway on the world's tenant.
class Flyway {
public:
    Flyway(World& world, Process& process) : world_(world), process_(process) {}

    Process::Reply ask(const std::string& verb, const Lines& settings = {}) {
        const Place& place = world_.place();
        std::vector<std::string> words = {verb, "url=" + place.jdbc(world_.tenant()), "user=" + place.user,
                                          "password=" + place.password, "locations=filesystem:" + world_.folder()};
        if (place.backend == "postgres") words.push_back("schemas=" + world_.tenant());
        // A failed script outside a transaction leaves its row on PostgreSQL only with a lock of the session.
        if (place.backend == "postgres") words.push_back("sessionLock=true");
        words.insert(words.end(), settings.begin(), settings.end());
        return process_.ask(words);
    }
    Lines must(const std::string& verb, const Lines& settings = {}) {
        const auto reply = ask(verb, settings);
        check(reply.error.empty(), "flyway " + verb + ": " + reply.error);
        return reply.lines;
    }
    void migrate(int64_t expected, const Lines& settings = {}) {
        same({"executed " + std::to_string(expected)}, must("migrate", settings));
    }
    // As World::info().
    Lines info(const Lines& settings = {}) {
        Lines lines;
        for (std::string line : must("info", settings)) {
            line = line.substr(5);
            Lines cells(1);
            for (const char c : line) {
                if (c == '|')
                    cells.emplace_back();
                else
                    cells.back() += c;
            }
            check(cells.size() == 5, "not a line of info: " + line);
            if (cells[0] == "-") cells[0].clear();
            if (cells[4] == "null") cells[4].clear();
            std::string state;
            for (const char c : cells[3])
                if (c == ' ')
                    state += '_';
                else if (c != '(' && c != ')')
                    state += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            lines.push_back(cells[0] + "|" + cells[1] + "|" + cells[2] + "|" + state + "|" + cells[4]);
        }
        return lines;
    }

private:
    World& world_;
    Process& process_;
};

// Both see the same, and nothing wrong in it.
void agree(World& world, Flyway& flyway, harness::Place at = harness::Place::here()) {
    same(flyway.info(), world.info(), at);
    same({}, flyway.must("validate"), at);
    same({}, world.problems(), at);
}

std::string table(const std::string& name) { return "CREATE TABLE " + name + "(id INT);\n"; }

void versions_repeatables_and_undo(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_v");
    Flyway flyway(world, process);
    world.write("V1__first.sql", table("one"));
    world.write("V1.1__second_step.sql", "INSERT INTO one VALUES (1);\r\nINSERT INTO one VALUES (2);\r\n");
    world.write("R__view.sql", "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT id FROM one;\n");
    flyway.migrate(3);
    agree(world, flyway);

    world.write("V2__third.sql", table("two"));
    world.write("U2__third.sql", "DROP TABLE two;\n");
    world.write("R__view.sql", "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT id + 1 AS id FROM one;\n");
    check(world.migrate() == 2, "a version and a changed repeatable");
    agree(world, flyway);

    world.undo("1.1");
    same(flyway.info(), world.info());
    flyway.migrate(1);
    agree(world, flyway);
    world.undo("next");
    check(world.migrate() == 1, "undone and done again");
    agree(world, flyway);
    flyway.migrate(0);
}

void edited_and_missing_scripts(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_e");
    Flyway flyway(world, process);
    world.write("V1__a.sql", table("one"));
    world.write("V2__b.sql", table("two"));
    world.write("V3__c.sql", table("three"));
    flyway.migrate(3);
    world.write("V1__a.sql", table("one") + "-- edited\n");
    world.write("V2__renamed.sql", table("two"));
    world.remove("V2__b.sql");
    same(Lines{"1 CHECKSUM_MISMATCH", "2 DESCRIPTION_MISMATCH"}, world.problems());
    same(Lines{"invalid 1 CHECKSUM_MISMATCH", "invalid 2 DESCRIPTION_MISMATCH"}, flyway.must("validate"));
    same(Lines{"align 1", "align 2"}, world.repair(0));
    same(Lines{"align 1", "align 2"}, world.repair());
    agree(world, flyway);

    world.remove("V2__renamed.sql");
    same(Lines{"2 APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED"}, world.problems());
    same(Lines{"mark 2"}, world.repair());
    agree(world, flyway);
    world.remove("V1__a.sql");
    flyway.must("repair");
    agree(world, flyway);

    world.write("V2__again.sql", "INSERT INTO two VALUES (1);\n");
    const Lines out_of_order = {"outOfOrder=true"};
    check(world.migrate({{"migrate.out_of_order", "true"}}) == 1, "an older version runs when it may");
    same(flyway.info(out_of_order), world.info({{"migrate.out_of_order", "true"}}));
}

// What validate says, as World::problems() has it.
Lines problems_of(Flyway& flyway, const Lines& settings = {}) {
    Lines lines;
    for (const std::string& line : flyway.must("validate", settings)) lines.push_back(line.substr(8));
    return lines;
}

void states_of_all_kinds(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_m");
    Flyway flyway(world, process);
    const auto compare = [&](const Lines& theirs = {}, const World::Settings& ours = {},
                             harness::Place at = harness::Place::here()) {
        same(flyway.info(theirs), world.info(ours), at);
        same(problems_of(flyway, theirs), world.problems(ours), at);
    };
    for (const char* version : {"1", "2", "3"})
        world.write("V" + std::string(version) + "__v.sql", "INSERT INTO t VALUES (" + std::string(version) + ");\n");
    world.write("V1__v.sql", table("t"));
    world.write("R__a.sql", "INSERT INTO t VALUES (10);\n");
    world.write("R__b.sql", "INSERT INTO t VALUES (20);\n");
    compare();
    flyway.migrate(5);
    world.write("R__a.sql", "INSERT INTO t VALUES (11);\n");
    world.write("V0.5__late.sql", "INSERT INTO t VALUES (0);\n");
    world.remove("V3__v.sql");
    world.remove("R__b.sql");
    compare();
    compare({"outOfOrder=true"}, {{"migrate.out_of_order", "true"}});
    const std::string some = "*:missing,repeatable:pending";
    compare({"ignoreMigrationPatterns=" + some}, {{"migrate.ignore", some}});
    compare({"ignoreMigrationPatterns=*:ignored"}, {{"migrate.ignore", "*:ignored"}});
    world.repair();
    compare();
    flyway.must("repair", {"ignoreMigrationPatterns=*:ignored"});
    compare();
    world.write("V3__v.sql", "INSERT INTO t VALUES (3);\n");
    world.write("R__b.sql", "INSERT INTO t VALUES (20);\n");
    compare();
    check(world.migrate({{"migrate.out_of_order", "true"}}) == 4, "what was deleted, changed and late runs");
    compare();
}

// Flyway marks a schema that it made by a row of its own, of rank 0.
void schemas_of_flyway(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_s");
    Flyway flyway(world, process);
    world.drop_tenant();
    world.write("V1__a.sql", table("one"));
    flyway.migrate(1);
    same(Lines{"0,1"}, Lines{world.text("SELECT installed_rank FROM flyway_schema_history ORDER BY 1")});
    agree(world, flyway);
    world.write("V2__b.sql", table("two"));
    check(world.migrate() == 1, "mtdb goes on");
    world.write("V3__c.sql", table("three"));
    flyway.migrate(1);
    agree(world, flyway);
    same({}, world.repair());
}

void failed_scripts(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_f");
    Flyway flyway(world, process);
    const std::string good = table("three_a") + table("three_b");
    const std::string bad = table("three_a") + "INSERT INTO no_such_table VALUES (1);\n";
    world.write("V1__a.sql", table("one"));
    world.write("V3__c.sql", bad);
    world.write("V3__c.sql.conf", "executeInTransaction=false\n");
    check(!flyway.ask("migrate").error.empty(), "a bad script fails");
    same(flyway.info(), world.info());
    must_be(MTDB_MIGRATION_DIRTY, world.try_migrate());
    same(Lines{"3 FAILED_VERSIONED_MIGRATION"}, world.problems());
    same(Lines{"remove 3"}, world.repair());
    world.run("DROP TABLE three_a");

    must_be(MTDB_MIGRATION_FAILED, world.try_migrate());
    same(flyway.info(), world.info());
    check(!flyway.ask("migrate").error.empty(), "flyway sees what mtdb left");
    flyway.must("repair");
    world.run("DROP TABLE three_a");
    world.write("V3__c.sql", good);
    flyway.migrate(1);
    agree(world, flyway);
}

void baselines(const peers::Place& place, Process& process) {
    for (const bool flyway_first : {true, false}) {
        World world(place, "peer_flyway_b");
        Flyway flyway(world, process);
        world.write("V1__a.sql", table("one"));
        world.write("V3__c.sql", table("three"));
        world.write("B2__base.sql", table("one") + table("two"));
        flyway_first ? flyway.migrate(2) : static_cast<void>(world.migrate());
        agree(world, flyway);
        world.write("V4__d.sql", table("four"));
        world.write("B4__base.sql", table("other"));
        flyway_first ? static_cast<void>(world.migrate()) : flyway.migrate(1);
        same(flyway.info(), world.info());
        check(world.text("SELECT count(*) FROM four") == "0", "version 4 ran, its baseline did not");
    }
    for (const bool flyway_first : {true, false}) {
        World world(place, "peer_flyway_b");
        Flyway flyway(world, process);
        world.run(table("one"));
        world.write("V1__a.sql", table("one"));
        world.write("V2__b.sql", table("two"));
        must_be(MTDB_INVALID_STATE, world.try_migrate());
        flyway_first ? static_cast<void>(flyway.must("baseline")) : world.baseline("1");
        flyway_first ? static_cast<void>(world.migrate()) : flyway.migrate(1);
        agree(world, flyway);
    }
}

void placeholders_and_callbacks(const peers::Place& place, Process& process) {
    World world(place, "peer_flyway_p");
    Flyway flyway(world, process);
    const Lines theirs = {"placeholders.who=bob"};
    const World::Settings ours = {{"migrate.placeholder.who", "bob"}};
    world.write("V1__a.sql", "CREATE TABLE ${WHO}(v VARCHAR(200));\n");
    const std::string repeatable =
        "INSERT INTO bob VALUES ('${flyway:defaultSchema} ${flyway:filename} $$${who} $${who}');";
    world.write("R__r.sql", repeatable + "\n");
    world.write("beforeEachMigrate.sql", "SELECT 1;\n");
    flyway.migrate(2, theirs);
    same(flyway.info(theirs), world.info(ours));
    same({}, world.problems(ours));
    const std::string written = world.text("SELECT max(v) FROM bob");
    world.write("R__r.sql", repeatable + " \n");
    check(world.migrate(ours) == 1, "the repeatable changed");
    same(Lines{written}, Lines{world.text("SELECT min(v) FROM bob")});
    same(flyway.info(theirs), world.info(ours));
    same({}, flyway.must("validate", theirs));
}

}  // namespace

void tell_flyway(const Place& place, Process& flyway) {
    const std::string on = " (" + place.backend + ")";
    test("versions, repeatables and undone versions pass from Flyway to mtdb and back" + on,
         [&] { versions_repeatables_and_undo(place, flyway); });
    test("edited and missing scripts are repaired by either" + on, [&] { edited_and_missing_scripts(place, flyway); });
    test("both see the same in a history of all kinds" + on, [&] { states_of_all_kinds(place, flyway); });
    if (place.backend == "postgres")
        test("a schema that Flyway made is a tenant" + on, [&] { schemas_of_flyway(place, flyway); });
    test("a failed script of one is seen and repaired by the other" + on, [&] { failed_scripts(place, flyway); });
    test("baselines of both kinds count for both" + on, [&] { baselines(place, flyway); });
    test("placeholders are replaced alike" + on, [&] { placeholders_and_callbacks(place, flyway); });
}

}  // namespace peers
