// SPDX-License-Identifier: MIT
// What a fleet run was told to do: its options, read and checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/wait.hpp"
#include "control/rollout.hpp"
#include "engine/migrator.hpp"
#include "engine/options.hpp"

namespace mtdb::engine {

struct FleetSettings {
    // Throws Error(invalid_argument) for options that make no sense, alone or together.
    explicit FleetSettings(const Options& options);

    std::string verb_name;
    std::optional<Verb> verb;  // none: any SQL
    std::string target;
    std::string sql;
    bool write;
    std::string run;  // its name; empty: not given
    control::Resume resume;
    bool resumes;
    bool ledger;
    bool trusts_ledger;
    control::Budget budget;
    control::WaveRules waves;
    std::size_t workers;
    std::size_t server_workers;
    int64_t retries_max;
    base::milliseconds retry_pause;
    base::milliseconds soak;
    bool verdict;
    std::string token;  // of a quiesce flag's owner

    bool undoes_run() const noexcept { return resumes && resume == control::Resume::applied; }
    bool is(Verb one) const noexcept { return verb == one; }
    // From where each tenant stands: what did it once would do more the next time.
    bool counts_steps() const noexcept {
        return target == "next" || target.starts_with('+') || target.starts_with('-');
    }
};

}  // namespace mtdb::engine
