// SPDX-License-Identifier: MIT
#include "control/rollout.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

namespace mtdb::control {
namespace {

using Ends = std::vector<std::size_t>;

Ends ends(std::size_t tenants, std::size_t canary, std::string_view waves) {
    return wave_ends(tenants, canary, parse_shares(waves, "fleet.waves"));
}

}  // namespace

TEST_CASE("rollout: shares are counts or percents, and at least one tenant") {
    CHECK(parse_share(" 10 ", "x") == Share{10, false});
    CHECK(parse_share("5%", "x").of(1000) == 50);
    CHECK(parse_share("1%", "x").of(7) == 1);
    CHECK(parse_share("0", "x").of(7) == 0);
    CHECK(parse_share("100%", "x").of(7) == 7);
    CHECK(parse_share("9", "x").of(7) == 7);
    for (const char* wrong : {"", "-1", "101%", "ten", "1.5", "5 %x", "99999999999999999999"})
        CHECK_THROWS_AS(parse_share(wrong, "x"), Error);
    CHECK_THROWS_AS(parse_shares("10,0", "x"), Error);
}

TEST_CASE("rollout: waves cover every tenant once, the canary first, the last size repeated") {
    CHECK(ends(0, 0, "") == Ends{});
    CHECK(ends(5, 0, "") == Ends{5});
    CHECK(ends(5, 9, "") == Ends{5});
    CHECK(ends(100, 3, "10,40") == Ends{3, 13, 53, 93, 100});
    CHECK(ends(10, 0, "30%") == Ends{3, 6, 9, 10});
    CHECK(ends(3, 1, "1") == Ends{1, 2, 3});
}

TEST_CASE("rollout: a run halts at its first failure, or when the budget is spent") {
    const Budget first;
    CHECK_FALSE(halt_reason(first, {.done = 5}, 10).has_value());
    CHECK(halt_reason(first, {.done = 5, .failed = 1, .consecutive = 1}, 10).has_value());

    Budget any;
    any.stop_at_first = false;
    CHECK_FALSE(halt_reason(any, {.failed = 9, .consecutive = 9}, 10).has_value());
    CHECK(halt_reason(any, {.failed = 1, .consecutive = 1, .canary_failed = 1}, 10).has_value());

    Budget some = any;
    some.failures = Share{20, true};
    CHECK_FALSE(halt_reason(some, {.failed = 2}, 10).has_value());
    CHECK(halt_reason(some, {.failed = 3}, 10).has_value());
    some.failures = Share{0, false};
    CHECK(halt_reason(some, {.failed = 1}, 10).has_value());

    Budget row = any;
    row.consecutive = 3;
    CHECK_FALSE(halt_reason(row, {.failed = 7, .consecutive = 2}, 10).has_value());
    CHECK(halt_reason(row, {.failed = 7, .consecutive = 3}, 10).has_value());
}

TEST_CASE("rollout: what is taken up again depends on what became of it") {
    const auto due = [](ItemState state, int64_t applied, Resume resume) {
        return is_due(state, applied, resume);
    };
    CHECK(due(ItemState::pending, 0, Resume::rest));
    CHECK(due(ItemState::running, 0, Resume::rest));  // it may have been killed there
    CHECK_FALSE(due(ItemState::failed, 0, Resume::rest));
    CHECK_FALSE(due(ItemState::done, 2, Resume::rest));
    CHECK(due(ItemState::failed, 0, Resume::failed));
    CHECK_FALSE(due(ItemState::done, 2, Resume::failed));
    CHECK(due(ItemState::done, 2, Resume::applied));
    CHECK(due(ItemState::failed, 1, Resume::applied));
    CHECK_FALSE(due(ItemState::done, 0, Resume::applied));
    for (const ItemState state : {ItemState::pending, ItemState::running, ItemState::done, ItemState::failed})
        CHECK(item_state(name_of(state)) == state);
    CHECK_FALSE(item_state("else").has_value());
}

}  // namespace mtdb::control
