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
constexpr Decision move{Step::move, Bound::none};
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
    {"its own idle one before another tenant's", {.idle = 1, .movable = 3, .open = 4}, all, take},
    {"another tenant's idle one before a new one", {.movable = 1, .open = 1}, all, move},
    {"another tenant's idle one, whatever the bounds on opening",
     {.movable = 1,
      .open = 4,
      .leased = 2,
      .connecting = true,
      .backing_off = true,
      .tenants = 10,
      .connections = 20,
      .files = 60,
      .files_needed = 1,
      .memory = 2000},
     all,
     move},
    {"the tenant's leases stand before another tenant's idle ones",
     {.movable = 1, .open = 4, .leased = 3},
     all,
     wait_for(Bound::tenant_leases)},
    {"a fence stands before another tenant's idle ones",
     {.movable = 1, .open = 1, .fenced = true},
     all,
     wait_for(Bound::fence)},
    {"connecting failed a moment ago", {.backing_off = true}, all, wait_for(Bound::back_off)},
    {"a server is full until its connections are closed",
     {.open = 2, .closing = 2},
     all,
     wait_for(Bound::pool_size)},
    {"a full server is named before its back-off",
     {.open = 4, .leased = 1, .backing_off = true},
     all,
     wait_for(Bound::pool_size)},
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
          Named{Bound::connecting, "", false},
          Named{Bound::back_off, "", false}, Named{Bound::pool_size, "pool.size_max", false},
          Named{Bound::tenant_leases, "tenant.leases_max", false},
          Named{Bound::tenants, "pool.tenants_max", true},
          Named{Bound::connections, "connections_max", true},
          Named{Bound::files, "files_max", true}, Named{Bound::memory, "memory_max_bytes", true}}) {
        CHECK(std::string(option_of(row.bound)) == row.option);
        CHECK(shared_bound(row.bound) == row.shared);
    }
}

TEST_CASE("whether to connect to a server in every situation") {
    struct Row {
        const char* name;
        Dialing dialing;
        Dial dial;
    };
    for (const Row& row : {
             Row{"nobody has tried", {}, Dial::go},
             Row{"unknown: a second may try", {.connecting = 1}, Dial::go},
             Row{"unknown: a third may not", {.connecting = 2}, Dial::busy},
             Row{"reached: any number", {.connecting = 50, .reached = true}, Dial::go},
             Row{"failed: too early", {.failures = 1, .early = true}, Dial::back_off},
             Row{"failed: due", {.failures = 1}, Dial::go},
             Row{"failed: one at a time", {.connecting = 1, .failures = 1}, Dial::busy},
             Row{"failed: one at a time, early or not",
                 {.connecting = 1, .failures = 3, .reached = true, .early = true},
                 Dial::busy},
             Row{"failed, though reached before",
                 {.failures = 9, .reached = true, .early = true},
                 Dial::back_off},
         }) {
        CAPTURE(row.name);
        CHECK(next_dial(row.dialing) == row.dial);
    }
}

TEST_CASE("what a failed connecting says about its server") {
    using mtdb::Code;
    for (const Code code : {Code::unavailable, Code::timeout, Code::io, Code::busy})
        CHECK(failure_of(code) == Failure::transient);
    for (const Code code : {Code::auth, Code::permission, Code::unsupported})
        CHECK(failure_of(code) == Failure::permanent);
    for (const Code code : {Code::not_found, Code::tenant_unknown})
        CHECK(failure_of(code) == Failure::missing);
    for (const Code code : {Code::nomem, Code::cancelled, Code::closed, Code::forked, Code::needs})
        CHECK(failure_of(code) == Failure::own);
}

TEST_CASE("the wait after failures doubles up to its bound, and varies between half and all") {
    using std::chrono::milliseconds;
    struct Row {
        int64_t failures, interval, interval_max, longest;
    };
    for (const Row& row : {Row{1, 100, 30000, 100}, Row{2, 100, 30000, 200},
                           Row{3, 100, 30000, 400}, Row{9, 100, 30000, 25600},
                           Row{10, 100, 30000, 30000}, Row{1000000, 100, 30000, 30000},
                           Row{1, 500, 200, 200}, Row{5, 0, 30000, 0}, Row{5, 100, 0, 0},
                           Row{63, 1, INT64_MAX, INT64_MAX / 2 + 1}, Row{70, 1, INT64_MAX, INT64_MAX}}) {
        CAPTURE(row.failures);
        const auto wait = [&](uint64_t random) {
            return backoff(row.failures, milliseconds(row.interval),
                           milliseconds(row.interval_max), random)
                .count();
        };
        CHECK(wait(0) == row.longest);
        for (const uint64_t random : {uint64_t{1}, uint64_t{77}, uint64_t{49999}, ~uint64_t{0}}) {
            CHECK(wait(random) <= row.longest);
            CHECK(wait(random) >= row.longest - row.longest / 2);
        }
    }
}
