// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

// Parties whose waiters a shared bound holds up stand in one line. Its first gets what comes free,
// then goes to the end. A party that can go on without the shared bound may do so for a burst, then
// it stands in line like the others.

bool Pools::others_in_line(const State& state, const Party& party) const noexcept {
    return !state.line.empty() && !(party.in_line && state.line.size() == 1);
}

bool Pools::held_back(const State& state, const Party& party) const noexcept {
    return party.burst >= burst_max && others_in_line(state, party);
}

void Pools::count_burst(const State& state, Party& party) const noexcept {
    party.burst = others_in_line(state, party) ? party.burst + 1 : 0;
}

// Where the party's first waiter is held up by what others share.
void Pools::stand_in_line(State& state, Party& party) noexcept {
    const Pool* const first = first_of(party);
    if (party.in_line || first == nullptr) return;
    const Decision decision = decide(state, *first);
    if (decision.step == Step::wait ? !shared_bound(decision.bound) : !held_back(state, party))
        return;
    party.in_line = true;
    state.line.splice(state.line.end(), party.line_node);
}

// Also a tenant the line of its server.
void Pools::leave_line(State& state, Party& party) noexcept {
    if (!std::exchange(party.in_line, false)) return;
    const bool tenant = party.pool != nullptr && party.pool->endpoint != nullptr;
    party.line_node.splice(party.line_node.end(),
                           tenant ? party.pool->endpoint->line : state.line, party.line_place);
}

// Serves a pool's own waiters as far as they can be served now.
void Pools::serve_pool(State& state, Pool& pool) noexcept {
    if (state.refusing) return;
    if (pool.endpoint != nullptr) return serve_tenant(state, pool);
    while (!pool.waiters.empty() && !held_back(state, pool) &&
           grant(state, pool, decide(state, pool).step))
        count_burst(state, pool);
    stand_in_line(state, pool);
}

void Pools::serve_party(State& state, Party& party) noexcept {
    if (party.pool != nullptr) return serve_pool(state, *party.pool);
    serve_endpoint(state, static_cast<Endpoint&>(party));
}

// Serves the line, one lease each, as far as it can be served now.
void Pools::serve_line(State& state) noexcept {
    while (!state.line.empty() && !state.refusing) {
        Party& party = *state.line.front();
        const Pool* const pool = first_of(party);
        Decision decision = pool == nullptr ? Decision{} : decide(state, *pool);
        if (decision.step == Step::wait && shared_bound(decision.bound)) {
            evict_for(state, *pool, decision.bound);
            decision = decide(state, *pool);
            if (decision.step == Step::wait) return;  // it stays first
        }
        leave_line(state, party);
        party.burst = 0;
        if (pool == nullptr || !grant_first(state, party, decision.step)) continue;
        if (first_of(party) == nullptr) continue;
        party.in_line = !state.line.empty();  // to its end; alone, it is served as any party
        if (party.in_line)
            state.line.splice(state.line.end(), party.line_node);
        else
            serve_party(state, party);
    }
}

// What came free is for the line first, then for the pool that it came from.
void Pools::serve_all(State& state, Pool& pool) noexcept {
    serve_line(state);
    serve_pool(state, pool);
    serve_line(state);
}

// Gives the party's first waiter what the step allows.
bool Pools::grant_first(State& state, Party& party, Step step) noexcept {
    Pool& pool = *first_of(party);
    if (!grant(state, pool, step)) return false;
    if (pool.endpoint == nullptr) return true;
    pool.burst = 0;  // it had its turn
    leave_line(state, pool);
    queue_up(pool);
    return true;
}

}  // namespace mtdb::pool
