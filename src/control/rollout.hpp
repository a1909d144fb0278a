// SPDX-License-Identifier: MIT
// How a fleet run goes out to its tenants: in which waves, and when it must halt. Decides only; touches nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mtdb::control {

// A number of tenants, or a share of them.
struct Share {
    int64_t count = 0;
    bool percent = false;
    // Of `total`; a share of at least one tenant is one at least.
    std::size_t of(std::size_t total) const noexcept;
    bool operator==(const Share&) const = default;
};

// "10" or "5%"; throws Error(invalid_argument) that names `option`.
Share parse_share(std::string_view text, std::string_view option);
// Separated by commas.
std::vector<Share> parse_shares(std::string_view text, std::string_view option);

// Where each wave ends, ascending, the last one at `tenants`; the canary is a wave of its own in front. The last
// of `waves` is repeated until all have had their turn; without any the rest goes in one wave.
std::vector<std::size_t> wave_ends(std::size_t tenants, std::size_t canary, const std::vector<Share>& waves);

// Who goes when.
struct WaveRules {
    Share canary;                          // the first of the list
    std::vector<std::string> canary_ids;   // or these
    std::vector<Share> sizes;
    bool given() const noexcept { return canary.count > 0 || !canary_ids.empty() || !sizes.empty(); }
};
// `canary` is a count, a share, or ids separated by commas: what could be a count is one, unless a comma follows it.
WaveRules parse_waves(std::string_view canary, std::string_view waves);

constexpr int64_t canary_wave = 0;
// The wave of each tenant of a list: the canary, then the waves that were given as lists (`listed`: from 1; 0: in none
// of them), then waves by size of those that are left. Throws Error(invalid_argument) for a canary that is not in the
// list.
std::vector<int64_t> assign_waves(std::span<const std::string> tenants, std::span<const int64_t> listed,
                                  const WaveRules& rules);

struct Budget {
    bool stop_at_first = true;
    std::optional<Share> failures;       // more than so many halt the run
    std::optional<int64_t> consecutive;  // so many in a row halt it
    bool canary_must_pass = true;        // a failure in the canary halts it whatever else is allowed
};

struct Tally {
    std::size_t done = 0;
    std::size_t failed = 0;
    // The longest row of failures without a success in between, in the order of their ends: a row that was long enough
    // halts the run though somebody succeeds before anybody looks.
    std::size_t consecutive = 0;
    std::size_t canary_failed = 0;
};

// Why the run must halt; nothing: it goes on.
std::optional<std::string> halt_reason(const Budget& budget, const Tally& tally, std::size_t tenants);

// What a tenant stood at before the run changed it, where that was nothing.
constexpr std::string_view before_empty = "empty";

enum class ItemState { pending, running, done, failed };
std::string_view name_of(ItemState state);
std::optional<ItemState> item_state(std::string_view name);

// What a run that is taken up again does with the tenants of its ledger. `begun`: it changed the tenant, or was about
// to.
enum class Resume { rest, failed, applied };
bool is_due(ItemState state, bool begun, Resume resume) noexcept;

}  // namespace mtdb::control
