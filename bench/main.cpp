// SPDX-License-Identifier: MIT
// mtdb_bench [NAME...]: runs the benchmarks of those names, or all; one JSON object per case on
// stdout.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "harness.hpp"

namespace {

struct Benchmark {
    std::string_view name;
    void (*run)();
};

constexpr Benchmark benchmarks[] = {
    {"sqlite_point_read", bench::sqlite_point_read},
    {"sqlite_scan_block", bench::sqlite_scan_block},
    {"sqlite_bulk_insert", bench::sqlite_bulk_insert},
    {"sqlite_cold_open", bench::sqlite_cold_open},
    {"pool_checkout", bench::pool_checkout},
    {"gate", bench::gate},
    {"split", bench::split},
    {"write_contention", bench::write_contention},
    {"migrate_noop", bench::migrate_noop},
    {"migrate_first", bench::migrate_first},
    {"memory", bench::memory},
    {"pg_point_read", bench::pg_point_read},
    {"pg_switch_read", bench::pg_switch_read},
    {"pg_scan_block", bench::pg_scan_block},
    {"pg_bulk_insert", bench::pg_bulk_insert},
    {"my_switch_read", bench::my_switch_read},
    {"my_scan_block", bench::my_scan_block},
    {"my_bulk_insert", bench::my_bulk_insert},
    {"many_tenants", bench::many_tenants},
    {"fairness", bench::fairness},
    {"fleet_first", bench::fleet_first},
    {"fleet_noop", bench::fleet_noop},
    {"fleet_noop_cli", bench::fleet_noop_cli},
    {"fleet_floor", bench::fleet_floor},
    {"fleet_lock", bench::fleet_lock},
    {"fleet_growth", bench::fleet_growth},
};

bool known(std::string_view name) {
    return std::ranges::any_of(benchmarks,
                               [&](const Benchmark& benchmark) { return benchmark.name == name; });
}

int run(const std::vector<std::string_view>& names) {
    for (const Benchmark& benchmark : benchmarks) {
        if (!names.empty() && std::ranges::find(names, benchmark.name) == names.end()) continue;
        try {
            benchmark.run();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", benchmark.name.data(), error.what());
            return 1;
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> names(argv + 1, argv + argc);
    for (const std::string_view name : names) {
        if (known(name)) continue;
        std::fprintf(stderr, "no benchmark '%s'; there are:\n", name.data());
        for (const Benchmark& benchmark : benchmarks)
            std::fprintf(stderr, "  %s\n", benchmark.name.data());
        return 2;
    }
    return run(names);
}
