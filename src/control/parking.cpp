// SPDX-License-Identifier: MIT
#include "control/parking.hpp"

#include <algorithm>

namespace mtdb::control {

bool Parking::note(const Snapshot& snapshot) {
    std::vector<Flag> active;
    for (const Flag& flag : snapshot.flags)
        if (state_of(flag, snapshot.now) == FlagState::active && obeys(self_, flag.scope)) active.push_back(flag);
    std::vector<std::string> seen;
    for (const Flag& flag : active) seen.push_back(mark_of(flag));
    // Still called parked, and not active any more: held until a write has taken that back.
    std::vector<Flag> lingering;
    for (const Flag& flag : held_) {
        const std::string mark = mark_of(flag);
        const bool gone = std::find(seen.begin(), seen.end(), mark) == seen.end();
        if (gone && parked_for(self_, flag)) lingering.push_back(flag);
    }
    std::erase_if(self_.parked, [&](const std::string& mark) {
        return std::find(seen.begin(), seen.end(), mark) == seen.end();
    });
    self_.seen = std::move(seen);
    held_ = std::move(active);
    held_.insert(held_.end(), lingering.begin(), lingering.end());
    return lingering.empty();
}

void Parking::look(const std::function<int64_t(const Flag&)>& leases_out) {
    std::vector<std::string> parked;
    for (const Flag& flag : held_) {
        std::string mark = mark_of(flag);
        if (std::find(self_.seen.begin(), self_.seen.end(), mark) == self_.seen.end()) continue;
        // Once parked it stays so: what is counted for a moment is given back ungranted.
        if (parked_for(self_, flag) || leases_out(flag) == 0) parked.push_back(std::move(mark));
    }
    self_.parked = std::move(parked);
}

}  // namespace mtdb::control
