// SPDX-License-Identifier: MIT
// Usage: broken BACKEND URL|VARIABLE TENANTS: sqlite, postgres/schema or mariadb; servers under tests/servers/run. A
// fleet of which seven are broken: the canary stops it, told to continue it goes on, killed in the middle it is taken
// up, mended it ends. After each of these the ledger, the results and the tenants' own rows say the same.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

using Fleet = std::unique_ptr<mtdb_fleet, Release<mtdb_fleet_release>>;

constexpr int canary = 10;
constexpr int broken = 7;
constexpr int scripts = 4;

std::string url, prefix, ledger_name;
int tenants = 0;
bool on_sqlite = false;

std::string id_of(int tenant) {
    char id[32];
    std::snprintf(id, sizeof id, "%s_%05d", prefix.c_str(), tenant);
    return id;
}
// One in the canary, the others all over the list.
bool is_broken(int tenant) { return tenant % ((tenants + broken - 1) / broken) == 3; }

Db open_fleet_db() {
    if (on_sqlite) return open_db(url);
    return open_db(url, {{"control", url}, {"control.namespace", ledger_name}});
}

// The store of the ledger, as a tenant: its file is one below its own folder, its namespace one of the server.
Db open_ledger() { return on_sqlite ? open_db(url + "/.mtdb") : open_db(url); }

Migrator migrator_of(mtdb_db* db) {
    Migrator migrator = new_migrator(db);
    add_script(migrator.get(), 1, "CREATE TABLE step(n INTEGER)");
    add_script(migrator.get(), 2, "INSERT INTO step(n) VALUES(2)");
    add_script(migrator.get(), 3, "CREATE TABLE extra(n INTEGER)");
    add_script(migrator.get(), 4, "INSERT INTO step(n) VALUES(4)");
    return migrator;
}

Fleet fleet_of(mtdb_db* db, mtdb_migrator* migrator, Settings settings) {
    const Options options = options_of(settings);
    mtdb_fleet* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_new(db, migrator, options.get(), &made, err); });
    return Fleet(made);
}

Answer run(mtdb_fleet* fleet, int64_t* failed = nullptr) {
    return ask([&](mtdb_error** err) { return mtdb_fleet_run(fleet, plenty_ms, nullptr, failed, err); });
}

std::string cell(mtdb_result* result, int32_t column) {
    int64_t size = 0;
    const char* text = mtdb_value_text(result, column, &size);
    return text == nullptr ? std::string("-") : std::string(text, static_cast<std::size_t>(size));
}

int64_t done_so_far(mtdb_fleet* fleet) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_progress(fleet, &made, err); });
    const Result row(made);
    ok([&](mtdb_error** err) { return mtdb_result_next(made, err); });
    return mtdb_value_int64(made, 5);
}

struct Row {
    std::string state, version;
    bool operator==(const Row&) const = default;
};
using Rows = std::map<std::string, Row>;

Rows results_of(mtdb_fleet* fleet) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_results(fleet, &made, err); });
    const Result result(made);
    Rows rows;
    while (mtdb_result_next(made, nullptr) == MTDB_OK) rows[cell(made, 0)] = {cell(made, 2), cell(made, 7)};
    return rows;
}

Rows ledger_rows() {
    const Db db = open_ledger();
    const std::string store = on_sqlite ? "control" : ledger_name;
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_db_query(db.get(), store.c_str(), -1,
                             "SELECT tenant, state, version FROM mtdb_fleet_tenants WHERE run = 'story'", -1, nullptr,
                             0, plenty_ms, nullptr, &made, err);
    });
    const Result result(made);
    Rows rows;
    while (mtdb_result_next(made, nullptr) == MTDB_OK) {
        const std::string version = cell(made, 2);
        rows[cell(made, 0)] = {cell(made, 1), version.empty() ? "-" : version};
    }
    return rows;
}

// Of the ledger's rows that are done: when each was last written, and how often it was worked on.
std::string written() {
    const Db db = open_ledger();
    const char* const row = on_sqlite ? "tenant || ' ' || attempts || ' ' || changed_us"
                                      : "concat(tenant, ' ', attempts, ' ', changed_us)";
    return text_in(db.get(), on_sqlite ? "control" : ledger_name,
                   std::string("SELECT ") + row +
                       " FROM mtdb_fleet_tenants WHERE run = 'story' AND state = 'done' ORDER BY number");
}

int count_in(const Rows& rows, const std::string& state) {
    int count = 0;
    for (const auto& [tenant, row] : rows) count += row.state == state ? 1 : 0;
    return count;
}

void same(int64_t wanted, int64_t got, const std::string& what, Place at = Place::here()) {
    check(wanted == got, what + ": wanted " + std::to_string(wanted) + ", got " + std::to_string(got), at);
}

// What the history of each tenant says, against what the ledger says of it: nothing ran twice, nothing is missing.
void agree(mtdb_db* db, const Rows& ledger) {
    same(tenants, static_cast<int64_t>(ledger.size()), "rows of the ledger");
    for (int i = 0; i < tenants; ++i) {
        const std::string id = id_of(i);
        const std::string versions =
            text_in(db, id, "SELECT version FROM flyway_schema_history WHERE success ORDER BY installed_rank");
        const std::string steps = text_in(db, id, "SELECT n FROM step ORDER BY n");
        const Row& row = ledger.at(id);
        const std::string seen = id + " is " + row.state + " at " + row.version + ": " + versions + ": " + steps;
        if (row.state == "done")
            check(versions == "1,2,3,4" && steps == "2,4" && row.version == "4", seen);
        else if (row.state == "failed")
            check(versions == "1,2" && steps == "2", seen);
        else  // somewhere on its way, or not begun
            check(std::string("1,2,3,4").starts_with(versions) && std::string("2,4").starts_with(steps), seen);
    }
}

void in_own_process(const char* claim, const std::function<void()>& body) {
    test(claim, [&] { in_child(body, Ending::handlers); });
}

// ---- the story, each part in a process of its own ----

void prepare() {
    const Db db = open_fleet_db();
    const Migrator migrator = migrator_of(db.get());
    for (int i = 0; i < tenants; ++i) must(create(db.get(), id_of(i)));
    const Fleet first = fleet_of(db.get(), migrator.get(), {{"fleet.target", "1"}, {"fleet.ledger", "off"}});
    for (int i = 0; i < tenants; ++i)
        ok([&](mtdb_error** err) { return mtdb_fleet_add(first.get(), id_of(i).c_str(), -1, err); });
    must(run(first.get()));
    int count = 0;
    for (int i = 0; i < tenants; ++i) {
        if (!is_broken(i)) continue;
        must(exec(db.get(), id_of(i), "CREATE TABLE extra(by_hand INTEGER)"));
        ++count;
    }
    same(broken, count, "broken tenants");
}

void canary_stops() {
    const Db db = open_fleet_db();
    const Migrator migrator = migrator_of(db.get());
    const Fleet fleet = fleet_of(db.get(), migrator.get(),
                                 {{"fleet.run", "story"},
                                  {"fleet.canary", std::to_string(canary)},
                                  {"fleet.waves", "10%"},
                                  {"fleet.on_failure", "continue"}});
    for (int i = 0; i < tenants; ++i)
        ok([&](mtdb_error** err) { return mtdb_fleet_add(fleet.get(), id_of(i).c_str(), -1, err); });
    int64_t failed = 0;
    const Answer answer = run(fleet.get(), &failed);
    check(!answer.ok() && answer.message.find("canary") != std::string::npos, answer.text());
    same(1, failed, "failed");
    const Rows ledger = ledger_rows();
    check(ledger == results_of(fleet.get()), "results and ledger differ");
    same(1, count_in(ledger, "failed"), "failed in the ledger");
    check(count_in(ledger, "pending") >= tenants - canary, "tenants behind the canary were touched");
    agree(db.get(), ledger);
    for (int i = canary; i < tenants; ++i)
        same(1, int_in(db.get(), id_of(i), "SELECT count(*) FROM flyway_schema_history"), id_of(i));
}

// Goes on with what is left, and dies of SIGKILL when about half of that is done.
[[noreturn]] void die_in_the_middle() {
    const Db db = open_fleet_db();
    const Migrator migrator = migrator_of(db.get());
    const Fleet fleet =
        fleet_of(db.get(), migrator.get(),
                 {{"fleet.run", "story"}, {"fleet.resume", "rest"}, {"fleet.on_failure", "continue"}});
    const std::thread watcher([&] {
        while (done_so_far(fleet.get()) < tenants / 2) usleep(200);
        kill(getpid(), SIGKILL);
    });
    must(run(fleet.get()));
    std::puts("  the run ended before it was killed");
    std::fflush(stdout);
    _exit(1);
}

std::string kill_in_the_middle() {
    int status = 0;
    waitpid(spawn(die_in_the_middle), &status, 0);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it was not killed");
    std::string before;
    int pipes[2];
    check(pipe(pipes) == 0, "no pipe");
    const pid_t child = spawn(
        [&] {
            const Rows ledger = ledger_rows();
            const int done = count_in(ledger, "done");
            check(done >= tenants / 2 && done < tenants - broken, std::to_string(done) + " done");
            const Db db = open_fleet_db();
            agree(db.get(), ledger);
            const std::string rows = written();
            check(write(pipes[1], rows.data(), rows.size()) == static_cast<ssize_t>(rows.size()), "no room");
        },
        Ending::handlers);
    close(pipes[1]);
    char bytes[4096];
    for (ssize_t got = 0; (got = read(pipes[0], bytes, sizeof bytes)) > 0;)
        before.append(bytes, static_cast<std::size_t>(got));
    close(pipes[0]);
    join(child);
    return before;
}

void taken_up(const std::string& before) {
    const Db db = open_fleet_db();
    const Migrator migrator = migrator_of(db.get());
    const Fleet fleet =
        fleet_of(db.get(), migrator.get(),
                 {{"fleet.run", "story"}, {"fleet.resume", "rest"}, {"fleet.on_failure", "continue"}});
    int64_t failed = 0;
    must(run(fleet.get(), &failed));
    same(broken, failed, "failed");
    const Rows ledger = ledger_rows();
    check(ledger == results_of(fleet.get()), "results and ledger differ");
    same(broken, count_in(ledger, "failed"), "failed in the ledger");
    same(tenants - broken, count_in(ledger, "done"), "done in the ledger");
    agree(db.get(), ledger);
    // Rows that were done when it was killed are the same to the microsecond.
    const std::string after = "," + written() + ",";
    for (std::size_t at = 0; at < before.size();) {
        const std::size_t end = std::min(before.find(',', at), before.size());
        const std::string row = before.substr(at, end - at);
        check(after.find("," + row + ",") != std::string::npos, "done once more: " + row);
        at = end + 1;
    }
}

void mended() {
    const Db db = open_fleet_db();
    const Migrator migrator = migrator_of(db.get());
    for (int i = 0; i < tenants; ++i)
        if (is_broken(i)) must(exec(db.get(), id_of(i), "DROP TABLE extra"));
    const std::string before = written();
    const Fleet fleet =
        fleet_of(db.get(), migrator.get(), {{"fleet.run", "story"}, {"fleet.resume", "failed"}});
    int64_t failed = -1;
    must(run(fleet.get(), &failed));
    same(0, failed, "failed");
    const Rows ledger = ledger_rows();
    check(ledger == results_of(fleet.get()), "results and ledger differ");
    same(tenants, count_in(ledger, "done"), "done in the ledger");
    agree(db.get(), ledger);
}

void clear_away() {
    if (on_sqlite) return;  // the folder goes with all
    const Db db = open_db(url);
    const auto drop = [&](const std::string& id) {
        must(ask([&](mtdb_error** err) {
            return mtdb_tenant_drop(db.get(), id.c_str(), -1, plenty_ms, nullptr, err);
        }));
    };
    for (int i = 0; i < tenants; ++i) drop(id_of(i));
    drop(ledger_name);
}

}  // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::fputs("usage: broken BACKEND URL|VARIABLE TENANTS\n", stderr);
        return 2;
    }
    const Folder folder(Folder::Kind::speedy);
    const std::string backend = words[1];
    on_sqlite = backend == "sqlite";
    tenants = std::atoi(words[3]);
    prefix = "brk" + std::to_string(getpid());
    ledger_name = prefix + "_ledger";
    const char* const address = std::getenv(words[2]);
    url = on_sqlite ? folder.path() : address != nullptr ? address : words[2];
    in_own_process("tenants at version 1, seven of them broken", prepare);
    in_own_process("a broken canary stops the run before anybody else is touched", canary_stops);
    std::string before;
    test("what a killed run's ledger calls done is done", [&] { before = kill_in_the_middle(); });
    in_own_process("taken up, it repeats nothing and goes on past the broken", [&] { taken_up(before); });
    in_own_process("mended, the failed end it", mended);
    in_own_process("all is cleared away", clear_away);
    return summary();
}
