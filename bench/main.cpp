// SPDX-License-Identifier: MIT
// mtdb_bench [NAME...]: runs the benchmarks of those names, or all; one JSON object per case on
// stdout.
#include <algorithm>
#include <cstdio>
#include <span>
#include <string_view>

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
    {"write_contention", bench::write_contention},
    {"migrate_noop", bench::migrate_noop},
    {"migrate_first", bench::migrate_first},
    {"memory", bench::memory},
};

bool known(std::string_view name) {
    return std::ranges::any_of(benchmarks,
                               [&](const Benchmark& benchmark) { return benchmark.name == name; });
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> names(argv + 1, static_cast<std::size_t>(argc - 1));
    for (const std::string_view name : names) {
        if (known(name)) continue;
        std::fprintf(stderr, "no benchmark '%s'; there are:\n", name.data());
        for (const Benchmark& benchmark : benchmarks)
            std::fprintf(stderr, "  %s\n", benchmark.name.data());
        return 2;
    }
    for (const Benchmark& benchmark : benchmarks)
        if (names.empty() || std::ranges::find(names, benchmark.name, [](const char* n) {
                                 return std::string_view(n);
                             }) != names.end())
            benchmark.run();
}
