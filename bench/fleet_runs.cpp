// SPDX-License-Identifier: MIT
// The same fleet migrated from nothing, and then with nothing to do, by mtdb, by Flyway's library in a warm JVM and by
// golang-migrate's library, four threads each. Every history is really read, except where the ledger is trusted; mtdb
// keeps its ledger throughout.
#include <algorithm>

#include "fleet.hpp"

namespace bench {
namespace {

constexpr std::size_t rounds = 5;
constexpr int workers = 8;  // of mtdb: connections cost it nothing per tenant
constexpr int64_t warm_tenants = 40;

int64_t tenants_on(Backend backend) { return scaled(backend == Backend::mysql ? 300 : 1000); }

std::string case_of(Backend backend, int64_t count, const std::string& what) {
    return std::string(name_of(backend)) + ", " + counted(count, tenants_of(backend)) + ", " + what;
}

struct Folders {
    std::string flyway, golang;
};
Folders write_both(Grounds& grounds) {
    return {write_scripts(grounds.folder(), Layout::flyway), write_scripts(grounds.folder(), Layout::golang)};
}

int64_t scripts_for(const Names& tenants) { return static_cast<int64_t>(tenants.size()) * all_scripts; }

void print_both(const char* name, const std::string& text, const std::vector<double>& figures, double reach) {
    print(name, text + ", golang-migrate", "us/tenant", figures[0], figures[1], figures[1] / figures[0],
          at_least(reach));
    print(name, text + ", Flyway", "us/tenant", figures[0], figures[2], figures[2] / figures[0], at_least(reach));
}

// Both peers have migrated a few tenants when the clock starts.
struct Peers {
    explicit Peers(Grounds& grounds, const Folders& folders) {
        for (const char series : {'w', 'x'}) {
            const Names warm = grounds.make(series, warm_tenants);
            series == 'w' ? flyway.migrate(grounds, warm, {folders.flyway, scripts_for(warm)})
                          : golang.migrate(grounds, warm, {folders.golang, scripts_for(warm)});
        }
    }
    Flyway flyway;
    Golang golang;
};

void first(Backend backend, double reach) {
    Grounds grounds(backend);
    const Folders folders = write_both(grounds);
    Peers peers(grounds, folders);
    const int64_t count = tenants_on(backend);
    const Names ours = grounds.make('a', count), of_golang = grounds.make('g', count),
                of_flyway = grounds.make('f', count);
    std::size_t turn = 0;
    const std::vector<double> figures = in_turns_cold(
        rounds, {[&] {
                     const Names now = part_of(ours, turn, rounds);
                     return fleet_of_mtdb(grounds, now, {folders.flyway, scripts_for(now), workers});
                 },
                 [&] {
                     const Names now = part_of(of_golang, turn, rounds);
                     return peers.golang.migrate(grounds, now, {folders.golang, scripts_for(now)});
                 },
                 [&] {
                     const Names now = part_of(of_flyway, turn++, rounds);
                     return peers.flyway.migrate(grounds, now, {folders.flyway, scripts_for(now)});
                 }});
    print_both("fleet_first", case_of(backend, count, "5 scripts"), figures, reach);
}

// mtdb and Flyway read the same histories; golang-migrate's, which mtdb wrote as well, are beside them.
void noop(Backend backend, double reach) {
    Grounds grounds(backend);
    const Folders folders = write_both(grounds);
    Peers peers(grounds, folders);
    const int64_t count = tenants_on(backend);
    const Names ours = grounds.make('a', count), of_golang = grounds.make('g', count);
    fleet_of_mtdb(grounds, ours, {folders.flyway, scripts_for(ours), workers});
    fleet_of_mtdb(grounds, of_golang, {folders.golang, scripts_for(of_golang), workers});
    const bool files = backend == Backend::sqlite_wal || backend == Backend::sqlite_delete;
    std::size_t turn = 0;
    std::vector<Side> sides = {
        [&] { return fleet_of_mtdb(grounds, ours, {folders.flyway, 0, workers}); },
        [&] { return peers.golang.migrate(grounds, part_of(of_golang, turn, rounds), {folders.golang, 0}); },
        [&] { return peers.flyway.migrate(grounds, part_of(ours, turn++, rounds), {folders.flyway, 0}); }};
    if (files) {
        fleet_of_mtdb(grounds, ours, {folders.flyway, 0, workers});  // the ledger has seen them all
        sides.emplace_back([&] { return fleet_of_mtdb(grounds, ours, {folders.flyway, 0, workers, true}); });
    }
    std::vector<double> figures = in_turns_cold(rounds, sides);
    print_both("fleet_noop", case_of(backend, count, "histories read"), figures, reach);
    if (!files) return;
    figures[0] = figures[3];
    print_both("fleet_noop", case_of(backend, count, "by the ledger"), figures, 50);
}

}  // namespace

void fleet_first() {
    first(Backend::postgres, 5);
    first(Backend::mysql, 1.2);
    first(Backend::sqlite_wal, 3);
    first(Backend::sqlite_delete, 3);
}

void fleet_noop() {
    noop(Backend::postgres, 50);
    noop(Backend::mysql, 10);
    noop(Backend::sqlite_delete, 1.0);
    noop(Backend::sqlite_wal, 1.5);
}

}  // namespace bench
