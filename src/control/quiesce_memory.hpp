// SPDX-License-Identifier: MIT
// Flags of one process, for programs that are alone and for tests.
#pragma once

#include <map>
#include <memory>

#include "base/guarded.hpp"
#include "control/quiesce.hpp"

namespace mtdb::control {

class MemoryStore final : public Store {
public:
    // Its clock begins at the wall clock's present and then runs as the monotonic one does: a jump changes nothing.
    MemoryStore();

    void create(const Wait&) override {}
    Snapshot read(std::string_view scope, const Wait& wait) override;
    Flag set(const SetRequest& request, const Wait& wait) override;
    Flag renew(const std::string& scope, std::string_view token, int64_t ttl_ms, const Wait& wait) override;
    Flag clear(const std::string& scope, std::string_view token, bool force, const Wait& wait) override;
    void announce(const Announcement& announcement, int64_t lifetime_ms, const Wait& wait) override;
    void withdraw(const std::string& process, const Wait& wait) override;
    std::vector<Announcement> processes(const Wait& wait) override;
    bool remote() const noexcept override { return false; }

private:
    struct State {
        std::map<std::string, Flag, std::less<>> flags;
        std::map<std::string, Announcement> processes;
    };
    static std::optional<Flag> find(const State& state, std::string_view scope);
    Micros now() const;

    const base::Time begin_;
    const Micros begin_us_;
    Guarded<State> state_;
};

}  // namespace mtdb::control
