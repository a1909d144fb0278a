// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

namespace {

// How long a place's writer turn may go to newcomers while others wait for it: a hand-over costs
// more than a small transaction, and whoever wrote last has the pages at hand.
constexpr milliseconds turn_burst(10);
// How long it may then lie unused before the first of those who wait takes it.
constexpr std::chrono::microseconds turn_look(100);

}  // namespace

void Pools::take_turn(Pool& pool, const Wait& wait) {
    auto state = state_.lock();
    ++state->stats.writer_turns;
    ++pool.entry->writer_turns;
    const bool others = !pool.writers.empty();
    if (!pool.writing && (!others || base::Clock::now() < pool.turn_burst_end)) {
        pool.writing = true;
        if (others) pool.writer_returns = true;
        return;
    }
    if (!others) pool.turn_burst_end = base::Clock::now() + turn_burst;
    Waiter waiter;
    const auto place = pool.writers.insert(pool.writers.end(), &waiter);
    ++state->stats.writer_waits;
    while (waiter.outcome == Waiter::Outcome::waiting && !wait.over()) {
        if (turn_unused(pool) && pool.writers.front() == &waiter) {
            pool.writer_returns = false;
            return hand_turn(pool);
        }
        if (!settings_.helpers && help(state)) continue;  // an abandoned lease may hold the turn
        sleep_for_turn(state, pool, waiter, wait);
    }
    if (waiter.outcome == Waiter::Outcome::has_turn) return;
    pool.writers.erase(place);
    if (!pool.writing && !pool.writers.empty()) pool.writers.front()->wake.notify_one();
    ++state->stats.timeouts;
    throw wait.error("the tenant's writer turn").with_tenant(pool.key);
}

void Pools::give_turn(Pool& pool) noexcept {
    auto state = state_.lock();
    leave_turn(pool);
}

// Within a burst the turn is left free for whoever comes first. As long as newcomers do come nobody
// is woken for it: the first who waits looks by itself.
void Pools::leave_turn(Pool& pool) noexcept {
    pool.writing = false;
    if (pool.writers.empty()) return;
    Waiter& next = *pool.writers.front();
    pool.turn_left = base::Clock::now();
    const bool over = pool.turn_left >= pool.turn_burst_end;
    if (over) hand_turn(pool);
    if (over || !pool.writer_returns || !next.looking) next.wake.notify_one();
}

// To the first who waits; another burst begins.
void Pools::hand_turn(Pool& pool) noexcept {
    pool.writers.front()->outcome = Waiter::Outcome::has_turn;
    pool.writers.pop_front();
    pool.writing = true;
    pool.turn_burst_end = base::Clock::now() + turn_burst;
}

// Left free, and not because its last writer is between two transactions.
bool Pools::turn_unused(const Pool& pool) noexcept {
    if (pool.writing) return false;
    return !pool.writer_returns || base::Clock::now() >= pool.turn_left + turn_look;
}

// A short sleep only while the turn may be left free: after the burst it is handed over.
void Pools::sleep_for_turn(Access& state, Pool& pool, Waiter& waiter, const Wait& wait) {
    const Time now = base::Clock::now();
    Wait nap = wait;
    const bool first = pool.writers.front() == &waiter;
    waiter.looking = first && (!pool.writing || now < pool.turn_burst_end);
    const Time look = (pool.writing ? now : pool.turn_left) + turn_look;
    if (waiter.looking) nap.deadline = wait.deadline.earlier(Deadline::at(look));
    nap.sleep(state.held(), waiter.wake);
    waiter.looking = false;
}

}  // namespace mtdb::pool
