// SPDX-License-Identifier: MIT
// The pause of a deployment: what a flag says at a moment, who may change it, and where flags are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wait.hpp"

namespace mtdb::control {

// Times are microseconds since 1970-01-01 UTC by the store's clock, never by this process's.
using Micros = int64_t;
constexpr Micros no_end = INT64_MAX;  // a row written by hand may never expire

// The scope of the whole deployment: the one that other tools know.
constexpr std::string_view global_scope = "global";

// One flag as it is stored. Uncleared and unexpired, it pauses its scope.
struct Flag {
    std::string scope;
    Micros set_at = 0;  // also the flag's epoch: renewing keeps it
    std::string set_by;
    std::string reason;
    Micros expires_at = 0;
    std::optional<Micros> cleared_at;
    std::string token;  // its owner's; empty: nobody owns it
    bool operator==(const Flag&) const = default;
};

enum class FlagState { none, active, expired, cleared };
const char* name_of(FlagState state) noexcept;
FlagState state_of(const Flag& flag, Micros now) noexcept;
// A flag that is not there: none.
FlagState state_of(const std::optional<Flag>& flag, Micros now) noexcept;

struct Ttl {
    int64_t ms = 0;
    bool clamped = false;
};
// 0 stands for half an hour; more than two hours are cut to two. Throws Error(invalid_argument) for less than 0.
Ttl ttl_of(int64_t asked_ms);

// "global" (or empty), or "server:NAME", "group:NAME", "tenant:NAME". Throws Error(invalid_argument).
std::string scope_of(std::string_view text);
// The tenant of a scope "tenant:NAME"; empty for others.
std::string_view tenant_of(std::string_view scope) noexcept;

// Who asks for a change. Throws Error(invalid_argument) for more than 255 characters.
void check_principal(std::string_view by);

// 128 random bits as 32 hexadecimal digits.
std::string new_token();

// Each throws when the change must not be made.
// Error(exists): an active flag is there, and not to be taken over.
void check_set(const std::optional<Flag>& present, Micros now, bool force);
// Error(not_found), Error(invalid_state) once it has expired, Error(permission) for another's token.
void check_renew(const std::optional<Flag>& present, Micros now, std::string_view token);
// Error(not_found), Error(permission). An expired flag pauses nobody: anyone may clear it.
void check_clear(const std::optional<Flag>& present, Micros now, std::string_view token, bool force);

// "2026-01-02T03:04:05.123456000Z": UTC, nine digits of a second; "never" for no_end.
std::string time_text(Micros time);
// For messages: "scope 'global' is quiesced by 'deploy' until 2026-...".
std::string describe(const Flag& flag);

// What a process says of itself.
struct Announcement {
    std::string process;  // its id: random, one per db that obeys
    std::string name;     // for people
    std::string host;
    int64_t pid = 0;
    std::vector<std::string> scopes;  // that it obeys, besides "global" and every "tenant:NAME"
    std::vector<std::string> seen;    // marks (mark_of) of the active flags that it last read
    std::vector<std::string> parked;  // of those, the ones for which no lease is out or can be granted
    Micros expires_at = 0;            // given by the store
};

// A flag and its epoch, in an announcement.
std::string mark_of(const Flag& flag);
bool obeys(const Announcement& process, std::string_view scope) noexcept;
bool parked_for(const Announcement& process, const Flag& flag) noexcept;

// All uncleared flags and the global one in any state, at one moment of the store's clock.
struct Snapshot {
    Micros now = 0;
    std::vector<Flag> flags;
    const Flag* find(std::string_view scope) const noexcept;
};

struct SetRequest {
    std::string scope;
    std::string by;
    std::string reason;
    int64_t ttl_ms = 0;  // as ttl_of() gave it
    bool force = false;
};

// Flags and announcements of all processes of a deployment. Any thread. Each call is atomic, and a read sees every
// change that was complete when the read began: the order that parking relies on (parking.hpp).
class Store {
public:
    virtual ~Store() = default;
    // Makes what is missing.
    virtual void create(const Wait& wait) = 0;
    // Of `scope` a cleared flag too.
    virtual Snapshot read(std::string_view scope, const Wait& wait) = 0;
    // The flag as it was written, with its token, or an Error of check_set().
    virtual Flag set(const SetRequest& request, const Wait& wait) = 0;
    virtual Flag renew(const std::string& scope, std::string_view token, int64_t ttl_ms, const Wait& wait) = 0;
    virtual Flag clear(const std::string& scope, std::string_view token, bool force, const Wait& wait) = 0;
    // The announcement holds for so long from the moment of the write, by the store's clock.
    virtual void announce(const Announcement& announcement, int64_t lifetime_ms, const Wait& wait) = 0;
    virtual void withdraw(const std::string& process, const Wait& wait) = 0;
    // Those that have not expired by the store's clock.
    virtual std::vector<Announcement> processes(const Wait& wait) = 0;
    // False: flags are this process's own, and cost nothing to read.
    virtual bool remote() const noexcept { return true; }
};

}  // namespace mtdb::control
