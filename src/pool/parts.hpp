// SPDX-License-Identifier: MIT
// What the pools consist of: for the files of this folder only.
#pragma once

#include <algorithm>

#include "pool/pools.hpp"

namespace mtdb::pool {

// How many leases a pool may give out while other tenants stand in line for a shared bound; then it
// waits for its own turn in that line, and what comes back to it makes room for the others.
constexpr int32_t burst_max = 4;

// One thread in a queue: of a pool for a lease, or of a pool's writers for the turn.
struct Pools::Waiter {
    enum class Outcome { waiting, has_slot, may_open, has_turn, refused, failed };
    Outcome outcome = Outcome::waiting;
    Holder* holder = nullptr;
    bool again = false;          // it was first already, and tried to connect
    uint64_t failures_seen = 0;  // by its server when it came
    std::unique_ptr<Slot> slot;
    bool looking = false;  // for the turn: its sleep is short
    std::condition_variable wake;
};

// Who stands in the db's line: a pool, or where connections are shared a server for its tenants,
// who stand in a line of its own.
struct Party {
    explicit Party(Pool* itself) : pool(itself) {}

    Pool* const pool;   // null: a server
    int32_t burst = 0;  // leases since others stand in line and this one does not have its turn
    bool in_line = false;
    // Its node of the line, here while it is in none: standing in line must not need memory.
    std::list<Party*> line_node{this};
    const std::list<Party*>::iterator line_place = line_node.begin();
};

// A server whose connections its tenants share.
struct Endpoint : Party {
    explicit Endpoint(int64_t which) : Party(nullptr), number(which) {}

    const int64_t number;
    int64_t pools = 0;    // tenants' pools of it
    int64_t open = 0;     // idle, leased and connecting
    int64_t closing = 0;  // no longer counted as open
    Pools::EndpointList idle;
    std::list<Party*> line;  // tenants that wait and whose own bounds let them, in turn
    int64_t connecting = 0;
    int64_t failures = 0;         // to connect, in a row
    uint64_t failures_total = 0;  // those that came at the same time count once
    bool reached = false;
    bool permanent = false;  // the last failure
    Time retry_at{};
    std::optional<Error> error;  // the last failure's
    uint64_t losses = 0;         // how often a connection that had worked was found dead
};

struct Pool : Party {
    explicit Pool(db::Place where) : Party(this), place(std::move(where)) {}

    Endpoint* endpoint = nullptr;  // where connections are shared
    std::string_view key;
    Pools::Entry* entry = nullptr;
    db::Place place;
    std::vector<std::unique_ptr<Slot>> idle;  // warmest last
    std::list<Pools::Waiter*> waiters;
    std::list<Pools::Waiter*> failed;  // were told, and have not gone yet
    std::list<Pools::Waiter*> writers;
    int64_t open = 0;     // idle, leased and connecting
    int64_t leased = 0;   // connecting included
    int64_t quiet = 0;    // of those, in the hands of maintenance, or without their connection any more
    int64_t closing = 0;  // no longer counted as open
    int64_t peak = 0;     // of open + closing since its file was last closed
    int64_t files = 0;
    bool connecting = false;
    bool fenced = false;
    bool files_closing = false;
    bool writing = false;
    bool writer_returns = false;  // a newcomer came, when the turn was last left to one
    Time turn_burst_end{};
    Time turn_left{};
    bool wants_checkpoint = false;
    std::atomic<uint64_t> mark{0};
    std::list<Pool*> checkpoint_node{this};
    const std::list<Pool*>::iterator checkpoint_place = checkpoint_node.begin();
    // Where connections are shared; then `open` are those that stand in this tenant.
    uint64_t tenant = 0;
    uint64_t place_stamp = 0;
    std::atomic<uint64_t> scope{0};
    std::atomic<bool> proved{false};  // there is such a tenant
    bool emptied = false;             // it is in the list of those
    Pool* next_emptied = nullptr;

    bool empty() const noexcept {
        return open == 0 && closing == 0 && leased == 0 && !fenced && waiters.empty() &&
               failed.empty() && writers.empty();
    }
};

inline Party& party_of(Pool& pool) noexcept {
    return pool.endpoint != nullptr ? static_cast<Party&>(*pool.endpoint) : pool;
}

// Whose first waiter is the party's first; none: nobody waits.
inline Pool* first_of(const Party& party) noexcept {
    if (party.pool != nullptr) return party.pool->waiters.empty() ? nullptr : party.pool;
    const auto& line = static_cast<const Endpoint&>(party).line;
    return line.empty() ? nullptr : line.front()->pool;
}

inline uint64_t hash_of(const db::Place& place) noexcept {
    return base::hash64(place.path) ^ base::hash64(place.server) * 31;
}

// So that what follows needs no memory.
inline void room(auto& list, int64_t size) {
    const auto wanted = static_cast<std::size_t>(size);
    if (list.capacity() < wanted) list.reserve(std::max(wanted, 2 * list.capacity()));
}

template <Slot* Slot::*Previous, Slot* Slot::*Next>
void Pools::IntrusiveList<Previous, Next>::push_back(Slot& slot) noexcept {
    slot.*Previous = last;
    slot.*Next = nullptr;
    (last != nullptr ? last->*Next : first) = &slot;
    last = &slot;
    ++size;
}

template <Slot* Slot::*Previous, Slot* Slot::*Next>
void Pools::IntrusiveList<Previous, Next>::remove(Slot& slot) noexcept {
    (slot.*Previous != nullptr ? slot.*Previous->*Next : first) = slot.*Next;
    (slot.*Next != nullptr ? slot.*Next->*Previous : last) = slot.*Previous;
    slot.*Previous = slot.*Next = nullptr;
    --size;
}

}  // namespace mtdb::pool
