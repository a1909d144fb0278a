// SPDX-License-Identifier: MIT
#include "pool/next_step.hpp"

namespace mtdb::pool {
namespace {

// A bound of 0 is no bound.
bool reached(int64_t value, int64_t bound) noexcept { return bound > 0 && value >= bound; }
bool exceeded(int64_t value, int64_t bound) noexcept { return bound > 0 && value > bound; }

}  // namespace

Decision next_step(const Situation& s, const Limits& limits) noexcept {
    if (s.fenced) return {Step::wait, Bound::fence};
    if (reached(s.leased, limits.leases_max)) return {Step::wait, Bound::tenant_leases};
    if (s.idle > 0) return {Step::take_idle, Bound::none};
    if (s.connecting) return {Step::wait, Bound::connecting};
    if (reached(s.open, limits.size_max)) return {Step::wait, Bound::pool_size};
    if (s.open == 0 && reached(s.tenants, limits.tenants_max)) return {Step::wait, Bound::tenants};
    if (reached(s.connections, limits.connections_max)) return {Step::wait, Bound::connections};
    if (exceeded(s.files + s.files_needed, limits.files_max)) return {Step::wait, Bound::files};
    // The first connection of all is let through: a bound below one connection would serve nobody.
    if (s.connections > 0 && exceeded(s.memory + s.memory_needed, limits.memory_max))
        return {Step::wait, Bound::memory};
    return {Step::open, Bound::none};
}

bool shared_bound(Bound bound) noexcept {
    return bound == Bound::tenants || bound == Bound::connections || bound == Bound::files ||
           bound == Bound::memory;
}

const char* option_of(Bound bound) noexcept {
    switch (bound) {
        case Bound::pool_size:
            return "pool.size_max";
        case Bound::tenant_leases:
            return "tenant.leases_max";
        case Bound::tenants:
            return "pool.tenants_max";
        case Bound::connections:
            return "connections_max";
        case Bound::files:
            return "files_max";
        case Bound::memory:
            return "memory_max_bytes";
        default:
            return "";
    }
}

}  // namespace mtdb::pool
