// SPDX-License-Identifier: MIT
// golang-migrate and mtdb on one version.
#include "world.hpp"

namespace peers {

using namespace harness;

namespace {

class Golang {
public:
    Golang(World& world, Process& process) : world_(world), process_(process) {}

    Process::Reply ask(const std::string& verb, int64_t number = 0) {
        return process_.ask({verb, world_.place().golang(world_.tenant()), "file://" + world_.folder(),
                             std::to_string(number)});
    }
    Lines must(const std::string& verb, int64_t number = 0) {
        const auto reply = ask(verb, number);
        check(reply.error.empty(), "golang-migrate " + verb + ": " + reply.error);
        return reply.lines;
    }

private:
    World& world_;
    Process& process_;
};

std::string table(const std::string& name) { return "CREATE TABLE " + name + "(id INT);\n"; }

void write_three(const World& world) {
    world.write("1_one.up.sql", table("one"));
    world.write("1_one.down.sql", "DROP TABLE one;\n");
    world.write("2_two.up.sql", table("two"));
    world.write("2_two.down.sql", "DROP TABLE two;\n");
    world.write("0004_four.up.sql", table("four") + "INSERT INTO four VALUES (1);\n");
    world.write("0004_four.down.sql", "DROP TABLE four;\n");
}

void steps_of_both(const peers::Place& place, Process& process) {
    World world(place, "peer_golang_s");
    Golang golang(world, process);
    write_three(world);
    golang.must("steps", 2);
    check(world.migrate() == 1, "the third is left");
    same({"version 4 false"}, golang.must("version"));
    same({}, world.problems());
    golang.must("steps", -1);
    world.undo("next");
    same({"version 1 false"}, golang.must("version"));
    golang.must("up");
    world.undo("empty");
    same({"version none"}, golang.must("version"));
    check(world.migrate() == 3, "all again");
    check(golang.ask("up").error == "no change", "nothing is left for golang-migrate");
}

void a_version_is_taken_over_and_forced(const peers::Place& place, Process& process) {
    World world(place, "peer_golang_b");
    Golang golang(world, process);
    write_three(world);
    world.run(table("one"));
    world.baseline("1");
    same({"version 1 false"}, golang.must("version"));
    golang.must("steps", 1);
    world.force("4");
    same({"version 4 false"}, golang.must("version"));
    world.force("empty");
    same({"version none"}, golang.must("version"));
}

void dirty_versions(const peers::Place& place, Process& process) {
    World world(place, "peer_golang_d");
    Golang golang(world, process);
    write_three(world);
    // Its first statement fails: nothing of it is there, on every database.
    world.write("0004_four.up.sql", "CREATE TABLE four(id INT, id INT);\n" + table("five"));
    check(!golang.ask("up").error.empty(), "a bad script fails");
    same({"version 4 true"}, golang.must("version"));
    must_be(MTDB_MIGRATION_DIRTY, world.try_migrate());
    same(Lines{"set 2"}, world.repair(0));
    same({"version 4 true"}, golang.must("version"));
    same(Lines{"set 2"}, world.repair());
    same({"version 2 false"}, golang.must("version"));

    // Its second one fails: undone by PostgreSQL and SQLite, left half way by MariaDB, which a person must look at.
    world.write("0004_four.up.sql", table("four") + "INSERT INTO no_such_table VALUES (1);\n");
    check(!golang.ask("up").error.empty(), "a bad script fails");
    if (place.backend == "mariadb") {
        same(Lines{"explain "}, world.repair());
        must_be(MTDB_MIGRATION_DIRTY, world.try_migrate());
        world.run("DROP TABLE four");
        world.force("2");
    } else {
        same(Lines{"set 2"}, world.repair());
    }
    write_three(world);
    check(world.migrate() == 1, "what failed runs");
    same({"version 4 false"}, golang.must("version"));

    // A step down that failed says the version below.
    world.write("0004_four.down.sql", "DROP TABLE no_such_table;\n");
    check(!golang.ask("steps", -1).error.empty(), "a bad script fails");
    same({"version 2 true"}, golang.must("version"));
    if (place.backend == "mariadb") {
        same(Lines{"explain "}, world.repair());
        world.force("4");
    } else {
        same(Lines{"set 4"}, world.repair());
    }
    same({"version 4 false"}, golang.must("version"));
    check(golang.ask("up").error == "no change", "golang-migrate goes on");
}

}  // namespace

void tell_golang(const Place& place, Process& golang) {
    const std::string on = " (" + place.backend + ")";
    test("steps of golang-migrate and mtdb follow each other" + on, [&] { steps_of_both(place, golang); });
    test("a version that one says the other takes" + on, [&] { a_version_is_taken_over_and_forced(place, golang); });
    test("what golang-migrate left dirty is explained, and repaired where the tables tell" + on,
         [&] { dirty_versions(place, golang); });
}

}  // namespace peers
