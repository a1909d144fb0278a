// SPDX-License-Identifier: MIT
#include "control/rollout.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::control {
namespace {

constexpr std::array<std::string_view, 4> item_names = {"pending", "running", "done", "failed"};

}  // namespace

std::size_t Share::of(std::size_t total) const noexcept {
    const auto whole = static_cast<std::size_t>(count);
    if (!percent) return std::min(whole, total);
    const std::size_t part = total / 100 * whole + total % 100 * whole / 100;
    return count > 0 && total > 0 ? std::max<std::size_t>(part, 1) : 0;
}

Share parse_share(std::string_view text, std::string_view option) {
    const std::string_view whole = base::trim(text);
    std::string_view digits = whole;
    Share share;
    share.percent = digits.ends_with('%');
    if (share.percent) digits.remove_suffix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), share.count);
    const bool number = error == std::errc() && end == digits.data() + digits.size() && share.count >= 0;
    if (!number || (share.percent && share.count > 100))
        throw Error(Code::invalid_argument, "option " + std::string(option) + ": '" + base::excerpt(whole) +
                                                "' is no count and no share such as 5%");
    return share;
}

std::vector<Share> parse_shares(std::string_view text, std::string_view option) {
    std::vector<Share> shares;
    while (!base::trim(text).empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        shares.push_back(parse_share(text.substr(0, comma), option));
        if (shares.back().count == 0)
            throw Error(Code::invalid_argument, "option " + std::string(option) + ": a wave of no tenants");
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return shares;
}

std::vector<std::size_t> wave_ends(std::size_t tenants, std::size_t canary, const std::vector<Share>& waves) {
    std::vector<std::size_t> ends;
    std::size_t end = std::min(canary, tenants);
    if (end > 0) ends.push_back(end);
    for (std::size_t wave = 0; end < tenants; ++wave) {
        const std::size_t size = waves.empty() ? tenants : waves[std::min(wave, waves.size() - 1)].of(tenants);
        end = std::min(end + std::max<std::size_t>(size, 1), tenants);
        ends.push_back(end);
    }
    return ends;
}

WaveRules parse_waves(std::string_view canary, std::string_view waves) {
    WaveRules rules;
    rules.sizes = parse_shares(waves, "fleet.waves");
    const std::string_view text = base::trim(canary);
    const bool number = !text.empty() && text.find_first_not_of("0123456789%") == std::string_view::npos;
    if (text.empty() || number) {
        if (number) rules.canary = parse_share(text, "fleet.canary");
        return rules;
    }
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        if (const auto id = base::trim(rest.substr(0, comma)); !id.empty()) rules.canary_ids.emplace_back(id);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (rules.canary_ids.empty()) throw Error(Code::invalid_argument, "option fleet.canary: a list of no tenants");
    return rules;
}

std::vector<int64_t> assign_waves(std::span<const std::string> tenants, std::span<const int64_t> listed,
                                  const WaveRules& rules) {
    constexpr int64_t unassigned = -1;
    std::vector<int64_t> waves(tenants.size(), unassigned);
    for (const std::string& id : rules.canary_ids) {
        const auto found = std::ranges::find(tenants, id);
        if (found == tenants.end())
            throw Error(Code::invalid_argument,
                        "option fleet.canary: tenant '" + base::excerpt(id) + "' is not in the run's list");
        waves[static_cast<std::size_t>(found - tenants.begin())] = canary_wave;
    }
    const std::size_t first = rules.canary.of(tenants.size());
    int64_t last = canary_wave;
    for (std::size_t i = 0; i < tenants.size(); ++i) {
        if (i < first) waves[i] = canary_wave;
        if (waves[i] == unassigned && listed[i] > 0) waves[i] = listed[i];
        last = std::max(last, listed[i]);
    }
    const auto left = static_cast<std::size_t>(std::ranges::count(waves, unassigned));
    const std::size_t gone = tenants.size() - left;
    std::vector<std::size_t> ends = wave_ends(tenants.size(), gone, rules.sizes);
    std::size_t wave = gone > 0 ? 1 : 0;  // the first of the ends is that of those who have one already
    for (std::size_t i = 0, at = gone; i < tenants.size(); ++i) {
        if (waves[i] != unassigned) continue;
        while (at >= ends[wave]) ++wave;
        waves[i] = last + static_cast<int64_t>(wave) + (gone > 0 ? 0 : 1);
        ++at;
    }
    return waves;
}

std::optional<std::string> halt_reason(const Budget& budget, const Tally& tally, std::size_t tenants) {
    if (tally.failed == 0) return std::nullopt;
    if (budget.canary_must_pass && tally.canary_failed > 0) return "a tenant of the canary failed";
    if (budget.stop_at_first) return "a tenant failed";
    const auto said = [&](const std::string& bound) {
        return std::to_string(tally.failed) + " tenants failed, the budget is " + bound;
    };
    if (budget.failures && tally.failed > budget.failures->of(tenants))
        return said(std::to_string(budget.failures->of(tenants)));
    if (budget.consecutive && *budget.consecutive > 0 &&
        tally.consecutive >= static_cast<std::size_t>(*budget.consecutive))
        return std::to_string(tally.consecutive) + " tenants failed in a row";
    return std::nullopt;
}

std::string_view name_of(ItemState state) { return item_names[static_cast<std::size_t>(state)]; }

std::optional<ItemState> item_state(std::string_view name) {
    const auto found = std::find(item_names.begin(), item_names.end(), name);
    if (found == item_names.end()) return std::nullopt;
    return static_cast<ItemState>(found - item_names.begin());
}

bool is_due(ItemState state, bool begun, Resume resume) noexcept {
    switch (resume) {
        case Resume::rest:
            return state == ItemState::pending || state == ItemState::running;
        case Resume::failed:
            return state != ItemState::done;
        case Resume::applied:
            return begun;
    }
    return false;
}

}  // namespace mtdb::control
