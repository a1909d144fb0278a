// SPDX-License-Identifier: MIT
// What to do for one who asks for a connection: a pure decision that the pool obeys.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/error.hpp"

namespace mtdb::pool {

// Bounds from the options; 0 means none.
struct Limits {
    int64_t size_max = 8;         // connections of one pool, or of one server where they are shared
    int64_t leases_max = 0;       // leases of one tenant
    int64_t tenants_max = 0;      // open pools
    int64_t connections_max = 0;  // of all pools
    int64_t files_max = 0;        // descriptors of all pools
    int64_t memory_max = 0;       // bytes of all connections' caches
};

// How things stand for one pool at one moment.
struct Situation {
    int64_t idle = 0;     // of this pool
    int64_t movable = 0;  // where connections are shared: idle in other tenants of the same server
    int64_t open = 0;     // idle, leased, connecting: of this pool, or of its server
    int64_t closing = 0;  // of its server: it still has them
    int64_t leased = 0;   // of this pool
    bool connecting = false;   // as many as may connect at once
    bool backing_off = false;  // connecting failed, and its next try is not due
    bool fenced = false;       // the tenant is being dropped
    int64_t tenants = 0;       // open pools, those being closed left out
    int64_t connections = 0;   // of all pools, those being closed included
    int64_t files = 0;         // of all pools, those being closed included
    int64_t files_needed = 0;  // by one connection more of this pool
    int64_t memory = 0;
    int64_t memory_needed = 0;
};

// move: an idle connection of the same server changes its tenant.
enum class Step { take_idle, move, open, wait };
// Which bound stands in the way; named in POOL_EXHAUSTED by option_of().
enum class Bound {
    none,
    fence,
    connecting,
    back_off,
    pool_size,
    tenant_leases,
    tenants,
    connections,
    files,
    memory
};

struct Decision {
    Step step = Step::wait;
    Bound bound = Bound::none;
    bool operator==(const Decision&) const = default;
};

Decision next_step(const Situation& situation, const Limits& limits) noexcept;
// True for a bound that evicting somebody else's idle connection can lift.
bool shared_bound(Bound bound) noexcept;
// The option behind a bound; "" when there is none.
const char* option_of(Bound bound) noexcept;

// ---- connecting to a server ---------------------------------------------------------------------

// How things stand with one server.
struct Dialing {
    int64_t connecting = 0;  // now
    int64_t failures = 0;    // in a row
    bool reached = false;    // it was connected to at some time
    bool early = false;      // the wait after the last failure is not over
};
// busy: others are at it, and as many as is good.
enum class Dial { go, busy, back_off };
Dial next_dial(const Dialing& dialing) noexcept;

// What a failed connecting says. own: about its caller only. missing: there is no such place now, and asking again
// is cheap. permanent: asking again soon helps nobody. transient: the server may be back soon.
enum class Failure { own, missing, permanent, transient };
Failure failure_of(Code code) noexcept;

// How long to wait after so many failures in a row: the interval doubled each time, bounded, and of that between
// half and all.
std::chrono::milliseconds backoff(int64_t failures, std::chrono::milliseconds interval,
                                  std::chrono::milliseconds interval_max, uint64_t random) noexcept;

}  // namespace mtdb::pool
