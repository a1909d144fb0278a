// SPDX-License-Identifier: MIT
// SIGKILL at random moments of a fleet run: it is taken up from its ledger, and every script ran once.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "harness.hpp"

using namespace harness;

namespace {

constexpr int tenants = 60;
constexpr int scripts = 5;

std::string id_of(int tenant) { return "t" + std::to_string(tenant); }

Migrator migrator_of(mtdb_db* db) {
    Migrator migrator = new_migrator(db);
    add_script(migrator.get(), 1, "CREATE TABLE step(n INTEGER)");
    for (int i = 2; i <= scripts; ++i)
        add_script(migrator.get(), i, "INSERT INTO step VALUES(" + std::to_string(i) + ")");
    return migrator;
}

using Fleet = std::unique_ptr<mtdb_fleet, Release<mtdb_fleet_release>>;

Answer run(mtdb_db* db, mtdb_migrator* migrator, const char* resume) {
    const Options options = options_of({{"fleet.run", "the run"}, {"fleet.resume", resume}});
    mtdb_fleet* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_new(db, migrator, options.get(), &made, err); });
    const Fleet fleet(made);
    return ask([&](mtdb_error** err) { return mtdb_fleet_run(made, plenty_ms, nullptr, nullptr, err); });
}

// Begins the run, or takes up what is there.
void work(const std::string& root) {
    const Db db = open_db(root);
    const Migrator migrator = migrator_of(db.get());
    const Answer begun = run(db.get(), migrator.get(), "new");
    must(begun.status == MTDB_EXISTS ? run(db.get(), migrator.get(), "rest") : begun);
}

void same(int64_t wanted, int64_t got, const std::string& where) {
    check(wanted == got, "wanted " + std::to_string(wanted) + ", got " + std::to_string(got) + where);
}

void verify(const std::string& root) {
    const Db db = open_db(root);
    for (int i = 0; i < tenants; ++i) {
        const std::string where = " of " + id_of(i);
        same(scripts, int_in(db.get(), id_of(i), "SELECT count(*) FROM flyway_schema_history WHERE success"),
             where);
        same(scripts - 1, int_in(db.get(), id_of(i), "SELECT count(*) FROM step"), where);
        same(scripts - 1, int_in(db.get(), id_of(i), "SELECT count(DISTINCT n) FROM step"), where);
    }
}

// How often it was killed before it came to its end.
int64_t round(Random& random) {
    const Folder folder(Folder::Kind::speedy);
    in_child(
        [&] {
            const Db db = open_db(folder.path());
            for (int i = 0; i < tenants; ++i) must(create(db.get(), id_of(i)));
        },
        Ending::handlers);
    int64_t kills = 0;
    for (;; ++kills) {
        const pid_t child = spawn([&] { work(folder.path()); });
        usleep(static_cast<useconds_t>(pick(random, 1000, 60000)));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFEXITED(status)) {
            check(WEXITSTATUS(status) == 0, "the run failed");
            break;
        }
        check(kills < 200, "the run never ends");
    }
    in_child([&] { verify(folder.path()); }, Ending::handlers);
    return kills;
}

}  // namespace

int main() {
    Random random(seed("crash.fleet"));
    int64_t kills = 0;
    for (int64_t i = 0; i < scaled(6); ++i)
        test("round " + std::to_string(i) + ": each script of each tenant ran once",
             [&] { kills += round(random); });
    test("the runs were killed often enough to mean something",
         [&] { check(kills >= scaled(6), std::to_string(kills) + " kills"); });
    return summary();
}
