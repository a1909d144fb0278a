// SPDX-License-Identifier: MIT
// What to do for one who asks for a connection: a pure decision that the pool obeys.
#pragma once

#include <cstdint>

namespace mtdb::pool {

// Bounds from the options; 0 means none.
struct Limits {
    int64_t size_max = 8;         // connections of one pool
    int64_t leases_max = 0;       // leases of one tenant
    int64_t tenants_max = 0;      // open pools
    int64_t connections_max = 0;  // of all pools
    int64_t files_max = 0;        // descriptors of all pools
    int64_t memory_max = 0;       // bytes of all connections' caches
};

// How things stand for one pool at one moment.
struct Situation {
    int64_t idle = 0;    // of this pool
    int64_t open = 0;    // of this pool: idle, leased, connecting
    int64_t leased = 0;  // of this pool
    bool connecting = false;
    bool fenced = false;       // the tenant is being dropped
    int64_t tenants = 0;       // open pools, those being closed left out
    int64_t connections = 0;   // of all pools, those being closed included
    int64_t files = 0;         // of all pools, those being closed included
    int64_t files_needed = 0;  // by one connection more of this pool
    int64_t memory = 0;
    int64_t memory_needed = 0;
};

enum class Step { take_idle, open, wait };
// Which bound stands in the way; named in POOL_EXHAUSTED by option_of().
enum class Bound {
    none,
    fence,
    connecting,
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

}  // namespace mtdb::pool
