// SPDX-License-Identifier: MIT
#include "pool/next_step.hpp"

#include <algorithm>

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
    if (s.movable > 0) return {Step::move, Bound::none};
    if (s.connecting) return {Step::wait, Bound::connecting};
    if (reached(s.open + s.closing, limits.size_max)) return {Step::wait, Bound::pool_size};
    if (s.backing_off) return {Step::wait, Bound::back_off};
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

// Until a server has answered, a few ask it; after a failure, one.
Dial next_dial(const Dialing& dialing) noexcept {
    constexpr int64_t unknown_max = 2;
    if (dialing.failures > 0) {
        if (dialing.connecting > 0) return Dial::busy;
        return dialing.early ? Dial::back_off : Dial::go;
    }
    return !dialing.reached && dialing.connecting >= unknown_max ? Dial::busy : Dial::go;
}

Failure failure_of(Code code) noexcept {
    switch (code) {
        case Code::not_found:
        case Code::tenant_unknown:
            return Failure::missing;
        case Code::auth:
        case Code::permission:
        case Code::unsupported:
        case Code::invalid_argument:
            return Failure::permanent;
        case Code::unavailable:
        case Code::timeout:
        case Code::busy:
        case Code::io:
        case Code::limit:
        case Code::pool_exhausted:
            return Failure::transient;
        default:
            return Failure::own;
    }
}

std::chrono::milliseconds backoff(int64_t failures, std::chrono::milliseconds interval,
                                  std::chrono::milliseconds interval_max,
                                  uint64_t random) noexcept {
    int64_t wait = interval.count();
    for (int64_t i = 1; i < failures && wait > 0 && wait < interval_max.count(); ++i)
        wait = wait > interval_max.count() / 2 ? interval_max.count() : wait * 2;
    wait = std::min(wait, interval_max.count());
    const int64_t half = wait / 2;
    return std::chrono::milliseconds(wait - static_cast<int64_t>(random % static_cast<uint64_t>(half + 1)));
}

}  // namespace mtdb::pool
