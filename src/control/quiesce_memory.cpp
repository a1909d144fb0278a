// SPDX-License-Identifier: MIT
#include "control/quiesce_memory.hpp"

#include <algorithm>
#include <chrono>

namespace mtdb::control {
namespace {

constexpr Micros us_per_ms = 1000;

template <class Duration>
Micros microseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

MemoryStore::MemoryStore()
    : begin_(base::Clock::now()), begin_us_(microseconds(std::chrono::system_clock::now().time_since_epoch())) {}

Micros MemoryStore::now() const { return begin_us_ + microseconds(base::Clock::now() - begin_); }

std::optional<Flag> MemoryStore::find(const State& state, std::string_view scope) {
    const auto found = state.flags.find(scope);
    return found == state.flags.end() ? std::nullopt : std::optional(found->second);
}

Snapshot MemoryStore::read(std::string_view scope, const Wait&) {
    auto state = state_.lock();
    Snapshot snapshot;
    snapshot.now = now();
    for (const auto& [name, flag] : state->flags)
        if (!flag.cleared_at || name == scope || name == global_scope) snapshot.flags.push_back(flag);
    return snapshot;
}

Flag MemoryStore::set(const SetRequest& request, const Wait&) {
    Flag flag{request.scope, 0, request.by, request.reason, 0, std::nullopt, new_token()};
    auto state = state_.lock();
    const std::optional<Flag> present = find(*state, request.scope);
    const Micros time = now();
    check_set(present, time, request.force);
    flag.set_at = present ? std::max(time, present->set_at + 1) : time;
    flag.expires_at = time + request.ttl_ms * us_per_ms;
    state->flags.insert_or_assign(request.scope, flag);
    return flag;
}

Flag MemoryStore::renew(const std::string& scope, std::string_view token, int64_t ttl_ms, const Wait&) {
    auto state = state_.lock();
    const Micros time = now();
    check_renew(find(*state, scope), time, token);
    Flag& flag = state->flags.at(scope);
    flag.expires_at = time + ttl_ms * us_per_ms;
    return flag;
}

Flag MemoryStore::clear(const std::string& scope, std::string_view token, bool force, const Wait&) {
    auto state = state_.lock();
    const Micros time = now();
    check_clear(find(*state, scope), time, token, force);
    Flag& flag = state->flags.at(scope);
    flag.cleared_at = time;
    return flag;
}

void MemoryStore::announce(const Announcement& announcement, int64_t lifetime_ms, const Wait&) {
    auto state = state_.lock();
    Announcement& mine = state->processes[announcement.process];
    mine = announcement;
    mine.expires_at = now() + lifetime_ms * us_per_ms;
}

void MemoryStore::withdraw(const std::string& process, const Wait&) { state_.lock()->processes.erase(process); }

std::vector<Announcement> MemoryStore::processes(const Wait&) {
    auto state = state_.lock();
    const Micros time = now();
    std::vector<Announcement> alive;
    for (const auto& [id, announcement] : state->processes)
        if (time < announcement.expires_at) alive.push_back(announcement);
    return alive;
}

}  // namespace mtdb::control
