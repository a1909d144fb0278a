// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

#include <thread>

namespace mtdb::pool {

namespace {

// The clock that times are compared with lags behind by at most this.
constexpr milliseconds coarse_lag(10);

}  // namespace

void Pools::wake_maintenance(State& state, Pool* pool) noexcept {
    wake_helper(state, pool);
    if (std::exchange(state.work, true)) return;
    work_.notify_one();
}

// Without a maintenance thread, one who waits does its work: in this pool, else the first in line.
void Pools::wake_helper(State& state, Pool* pool) noexcept {
    if (settings_.helpers) return;
    if (pool != nullptr && !pool->writers.empty()) pool->writers.front()->wake.notify_one();
    if (pool != nullptr && pool->waiters.empty() && pool->endpoint != nullptr)
        pool = first_of(*pool->endpoint);
    if ((pool == nullptr || pool->waiters.empty()) && !state.line.empty())
        pool = first_of(*state.line.front());
    if (pool != nullptr && !pool->waiters.empty()) pool->waiters.front()->wake.notify_one();
}

// A caller that waits does what maintenance would do. True when there was something.
bool Pools::help(Access& state) { return close_one(state) || clean_abandoned(state); }

bool Pools::close_one() {
    auto state = state_.lock();
    return close_one(state);
}

bool Pools::close_one(Access& state) {
    if (state->closing.empty()) return false;
    std::unique_ptr<Slot> slot = std::move(state->closing.back());
    state->closing.pop_back();
    Pool& pool = *slot->pool;
    const int64_t memory = slot->memory;
    Endpoint* const endpoint = slot->endpoint;
    state.unlocked([&] {
        slot->statements.clear();
        slot.reset();
    });
    --pool.closing;
    --state->closing_slots;
    --state->connections;
    state->memory -= memory;
    state->closing_memory -= memory;
    ++state->stats.closes;
    if (endpoint != nullptr) {
        --endpoint->closing;
        state->files -= files_of_one();
        state->closing_files -= files_of_one();
    } else if (pool.open == 0 && pool.closing == 0) {
        if (std::exchange(pool.files_closing, false)) state->closing_files -= pool.files;
        state->files -= pool.files;
        pool.files = pool.peak = 0;
    }
    serve_all(*state, pool);
    returned_.notify_all();
    forget(*state, pool);
    return true;
}

bool Pools::clean_abandoned(Access& state) {
    if (state->abandoned.empty()) return false;
    Abandoned lost = std::move(state->abandoned.back());
    state->abandoned.pop_back();
    Pool& pool = *lost.slot->pool;
    if (!lost.origin.empty()) ++state->stats.abandoned;
    state.unlocked([&] {
        if (!lost.origin.empty()) report(Notice::Kind::abandoned, pool, lost.origin);
        const bool open = lost.slot->connection->in_transaction();
        const db::Reuse reuse = lost.slot->connection->end_lease();
        lost.slot->connection->mark_lease();
        if (open && !lost.origin.empty())
            report(Notice::Kind::rolled_back, pool, "the lease was abandoned");
        put_back(std::move(lost.slot), lost.turn, reuse);
    });
    return true;
}

bool Pools::checkpoint_one(Access& state) {
    while (!state->to_checkpoint.empty()) {
        Pool& pool = *state->to_checkpoint.back();
        pool.checkpoint_node.splice(pool.checkpoint_node.end(), state->to_checkpoint,
                                    pool.checkpoint_place);
        pool.wants_checkpoint = false;
        if (pool.idle.empty() || pool.fenced) continue;
        std::unique_ptr<Slot> slot = take_idle(*state, pool, nullptr);
        slot->in_maintenance = true;
        ++pool.quiet;
        ++state->stats.checkpoints;
        state.unlocked([&] {
            try {
                if (checkpoint_(*slot->connection))
                    report(Notice::Kind::log_blocked, pool,
                           "a reader keeps the write-ahead log from being written back");
            } catch (const std::exception& error) {  // it is tried again when the log has grown
                report(Notice::Kind::log_blocked, pool,
                       std::string("the write-ahead log was not written back: ") + error.what());
            }
            put_back(std::move(slot), false, db::Reuse::clean);
        });
        return true;
    }
    return false;
}

// Idle connections past their time. Coldest first, so it stops at the first warm one unless
// lifetimes are bounded.
bool Pools::sweep(State& state) {
    const Time now = base::coarse_now();
    if (now < state.next_sweep) return false;
    state.next_sweep = now + settings_.sweep;
    ++state.sweeps;
    bool any = false;
    for (Slot* slot = state.idle.first; slot != nullptr;) {
        Slot* const next = slot->next;
        // At least so long: it came back some time after the sweep that it remembers.
        const auto idle =
            settings_.sweep * static_cast<int64_t>(state.sweeps - slot->idle_sweep - 1);
        const bool cold = settings_.idle.count() > 0 && idle >= settings_.idle;
        if (cold || now >= slot->expires) {
            evict(state, *slot);
            any = true;
        } else if (settings_.lifetime.count() == 0) {
            break;
        }
        slot = next;
    }
    const int64_t bound = settings_.limits.memory_max;
    while (bound > 0 && state.memory - state.closing_memory > bound &&
           state.idle.first != nullptr) {
        evict(state, *state.idle.first);
        any = true;
    }
    if (settings_.shares_connections && forget_endpoints(state)) any = true;
    return any;
}

bool Pools::step() {
    auto state = state_.lock();
    return close_one(state) || clean_abandoned(state) || checkpoint_one(state) || sweep(*state);
}

void Pools::wait_for_work(Time until) {
    auto state = state_.lock();
    if (!state->work && !state->stopped)
        Wait{Deadline::at(std::min(until, state->next_sweep + coarse_lag))}.sleep(state.held(), work_);
    state->work = false;
}

void Pools::wake_work() noexcept {
    auto state = state_.lock();
    state->work = true;
    work_.notify_all();
}

void Pools::stop_waiting() noexcept {
    auto state = state_.lock();
    state->stopped = true;
    work_.notify_all();
}

void Pools::report(Notice::Kind kind, const Pool& pool, std::string_view detail) const noexcept {
    try {
        if (listener_) listener_({kind, std::string(pool.key), std::string(detail)});
    } catch (const std::bad_alloc&) {
        // An event is not worth failing the work that it tells of.
    }
}

}  // namespace mtdb::pool
