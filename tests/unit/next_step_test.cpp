// SPDX-License-Identifier: MIT
#include "pool/next_step.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mtdb::pool;

namespace {

struct Row {
    const char* name;
    Situation situation;
    Limits limits;
    Decision decision;
};

constexpr Decision open{Step::open, Bound::none};
constexpr Decision take{Step::take_idle, Bound::none};
constexpr Decision wait_for(Bound bound) { return {Step::wait, bound}; }

constexpr Limits all{.size_max = 4,
                     .leases_max = 3,
                     .tenants_max = 10,
                     .connections_max = 20,
                     .files_max = 60,
                     .memory_max = 1000};
constexpr Limits none{.size_max = 0,
                      .leases_max = 0,
                      .tenants_max = 0,
                      .connections_max = 0,
                      .files_max = 0,
                      .memory_max = 0};

const Row rows[] = {
    {"nothing is open", {}, all, open},
    {"an idle one is taken", {.idle = 1, .open = 1}, all, take},
    {"an idle one is taken, whatever the shared bounds",
     {.idle = 1,
      .open = 4,
      .leased = 2,
      .connecting = true,
      .tenants = 10,
      .connections = 20,
      .files = 60,
      .memory = 2000},
     all,
     take},
    {"a fence stands before everything",
     {.idle = 1, .open = 1, .fenced = true},
     all,
     wait_for(Bound::fence)},
    {"the tenant's leases stand before its idle ones",
     {.idle = 1, .open = 4, .leased = 3},
     all,
     wait_for(Bound::tenant_leases)},
    {"one connects at a time",
     {.open = 1, .leased = 1, .connecting = true},
     all,
     wait_for(Bound::connecting)},
    {"the pool is full", {.open = 4, .leased = 2}, all, wait_for(Bound::pool_size)},
    {"tenants: a new one waits", {.tenants = 10, .connections = 10}, all, wait_for(Bound::tenants)},
    {"tenants: an open one grows",
     {.open = 1, .leased = 1, .tenants = 10, .connections = 10},
     all,
     open},
    {"connections",
     {.open = 1, .leased = 1, .tenants = 5, .connections = 20},
     all,
     wait_for(Bound::connections)},
    {"files: just fits",
     {.tenants = 1, .connections = 1, .files = 57, .files_needed = 3},
     all,
     open},
    {"files: one too many",
     {.tenants = 1, .connections = 1, .files = 58, .files_needed = 3},
     all,
     wait_for(Bound::files)},
    {"files: none needed",
     {.open = 1, .leased = 1, .tenants = 1, .connections = 1, .files = 60},
     all,
     open},
    {"memory: just fits",
     {.tenants = 1, .connections = 1, .memory = 900, .memory_needed = 100},
     all,
     open},
    {"memory: too much",
     {.tenants = 1, .connections = 1, .memory = 901, .memory_needed = 100},
     all,
     wait_for(Bound::memory)},
    {"memory: the first of all", {.memory_needed = 5000}, all, open},
    {"no bounds at all",
     {.open = 900,
      .leased = 900,
      .tenants = 900,
      .connections = 90000,
      .files = 90000,
      .files_needed = 3,
      .memory = 1 << 30},
     none,
     open},
};

}  // namespace

TEST_CASE("the next step in every situation") {
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK((next_step(row.situation, row.limits) == row.decision));
    }
}

TEST_CASE("each bound of an option names it; shared ones can be lifted by evicting") {
    struct Named {
        Bound bound;
        const char* option;
        bool shared;
    };
    for (const Named& row :
         {Named{Bound::none, "", false}, Named{Bound::fence, "", false},
          Named{Bound::connecting, "", false}, Named{Bound::pool_size, "pool.size_max", false},
          Named{Bound::tenant_leases, "tenant.leases_max", false},
          Named{Bound::tenants, "pool.tenants_max", true},
          Named{Bound::connections, "connections_max", true},
          Named{Bound::files, "files_max", true}, Named{Bound::memory, "memory_max_bytes", true}}) {
        CHECK(std::string(option_of(row.bound)) == row.option);
        CHECK(shared_bound(row.bound) == row.shared);
    }
}
