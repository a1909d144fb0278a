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

TEST_CASE("rollout: a canary is a count, a share or ids") {
    CHECK(parse_waves("3", "").canary == Share{3, false});
    CHECK(parse_waves("5%", "").canary == Share{5, true});
    CHECK(parse_waves("acme, 7", "").canary_ids == std::vector<std::string>{"acme", "7"});
    CHECK(parse_waves("7,", "").canary_ids == std::vector<std::string>{"7"});
    CHECK_FALSE(parse_waves("", "").given());
    CHECK_FALSE(parse_waves("0", "").given());
    CHECK(parse_waves("", "10").given());
    CHECK_THROWS_AS(parse_waves("101%", ""), Error);
}

TEST_CASE("rollout: each tenant has the wave of the canary, of its list, or of its size") {
    const std::vector<std::string> tenants{"a", "b", "c", "d", "e", "f"};
    using Waves = std::vector<int64_t>;
    struct Row {
        Waves listed;
        const char *canary, *sizes;
        Waves expected;
    };
    const Row rows[] = {
        {{0, 0, 0, 0, 0, 0}, "", "", {1, 1, 1, 1, 1, 1}},
        {{0, 0, 0, 0, 0, 0}, "", "2,3", {1, 1, 2, 2, 2, 3}},
        {{0, 0, 0, 0, 0, 0}, "1", "2", {0, 1, 1, 2, 2, 3}},
        {{0, 0, 0, 0, 0, 0}, "d,a", "", {0, 1, 1, 0, 1, 1}},
        {{0, 0, 0, 0, 0, 0}, "d,a", "3", {0, 1, 1, 0, 1, 2}},
        {{1, 0, 2, 0, 1, 2}, "", "", {1, 3, 2, 3, 1, 2}},
        {{1, 0, 2, 0, 1, 2}, "c", "1", {1, 3, 0, 4, 1, 2}},
        {{1, 1, 1, 1, 1, 1}, "2", "1", {0, 0, 1, 1, 1, 1}},
        {{0, 0, 0, 0, 0, 0}, "100%", "1", {0, 0, 0, 0, 0, 0}},
    };
    for (const Row& row : rows)
        CHECK(assign_waves(tenants, row.listed, parse_waves(row.canary, row.sizes)) == row.expected);
    CHECK_THROWS_AS(assign_waves(tenants, Waves(6), parse_waves("ghost,", "")), Error);
    CHECK(assign_waves({}, {}, parse_waves("1", "2")).empty());
}

TEST_CASE("rollout: what is taken up again depends on what became of it") {
    CHECK(is_due(ItemState::pending, false, Resume::rest));
    CHECK(is_due(ItemState::running, true, Resume::rest));  // it may have been killed there
    CHECK_FALSE(is_due(ItemState::failed, true, Resume::rest));
    CHECK_FALSE(is_due(ItemState::done, true, Resume::rest));
    CHECK(is_due(ItemState::failed, false, Resume::failed));
    CHECK_FALSE(is_due(ItemState::done, true, Resume::failed));
    CHECK(is_due(ItemState::done, true, Resume::applied));
    CHECK(is_due(ItemState::failed, true, Resume::applied));
    CHECK(is_due(ItemState::running, true, Resume::applied));
    CHECK_FALSE(is_due(ItemState::done, false, Resume::applied));
    CHECK_FALSE(is_due(ItemState::pending, false, Resume::applied));
    for (const ItemState state : {ItemState::pending, ItemState::running, ItemState::done, ItemState::failed})
        CHECK(item_state(name_of(state)) == state);
    CHECK_FALSE(item_state("else").has_value());
}

}  // namespace mtdb::control
