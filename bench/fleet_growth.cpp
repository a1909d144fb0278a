// SPDX-License-Identifier: MIT
// A fleet with nothing to do, from 100 tenants to as many as there may be: each against itself at 1,000; and what the
// ledger alone decides, against stat() of the same files.
#include <sys/stat.h>

#include <algorithm>

#include "fleet.hpp"

namespace bench {
namespace {

constexpr int rounds = 3;
constexpr int workers = 8;

double stats(const Grounds& grounds, const Names& tenants) {
    int64_t present = 0;
    const double spent = timed([&] {
        struct stat info {};
        for (const std::string& tenant : tenants) {
            const std::string file = grounds.file(tenant);
            present += stat(file.c_str(), &info) == 0 ? 1 : 0;
            present += stat((file + "-wal").c_str(), &info) == 0 ? 1 : 0;
        }
    });
    if (present != static_cast<int64_t>(tenants.size())) fail("files that should be there, or should not");
    return spent / static_cast<double>(tenants.size()) / 1000;
}

// One that was migrated, again and again: as files, or as schemas.
Names make_fleet(Grounds& grounds, const std::string& scripts, int64_t count) {
    if (grounds.backend() == Backend::postgres) {
        Names names = grounds.make('a', count);
        fleet_of_mtdb(grounds, names, {scripts, count, workers});
        return names;
    }
    Names names = grounds.make('a', 1);
    fleet_of_mtdb(grounds, names, {scripts, 1, workers});
    for (int64_t i = 1; i < count; ++i) {
        names.push_back("a" + tenant_name(i));
        copy_file(grounds.file(names.front()), grounds.file(names.back()));
    }
    return names;
}

void growth(Backend backend, std::vector<int64_t> sizes) {
    Grounds grounds(backend);
    const std::string scripts = write_scripts(grounds.folder(), Layout::flyway, 1);
    for (int64_t& size : sizes) size = scaled(size);
    const Names all = make_fleet(grounds, scripts, sizes.back());
    std::vector<Side> sides;
    for (const int64_t size : sizes)
        sides.emplace_back([&grounds, &scripts, first = Names(all.begin(), all.begin() + size)] {
            return fleet_of_mtdb(grounds, first, {scripts, 0, workers});
        });
    if (backend != Backend::postgres) {
        fleet_of_mtdb(grounds, all, {scripts, 0, workers});
        sides.emplace_back([&] { return fleet_of_mtdb(grounds, all, {scripts, 0, workers, true}); });
        sides.emplace_back([&] { return stats(grounds, all); });
    }
    const std::vector<double> figures = in_turns(rounds, sides);
    const std::string where = std::string(name_of(backend)) + ", ";
    for (std::size_t i = 0; i < sizes.size(); ++i)
        print("fleet_growth",
              where + counted(sizes[i], tenants_of(backend)) + "; itself at " + std::to_string(sizes[1]), "us/tenant",
              figures[i], figures[1], figures[i] / figures[1], at_most(1.2));
    if (backend == Backend::postgres) return;
    const double ours = figures[sizes.size()], peer = figures[sizes.size() + 1];
    print("fleet_growth", where + counted(sizes.back(), "files") + " by the ledger; stat() of each and its -wal",
          "us/tenant", ours, peer, ours / peer, at_most(1.5));
}

}  // namespace

void fleet_growth() {
    growth(Backend::postgres, {100, 1000, 10000});
    growth(Backend::sqlite_wal, {100, 1000, 10000, 100000});
}

}  // namespace bench
