// SPDX-License-Identifier: MIT
#include "engine/fleet_board.hpp"

#include <algorithm>
#include <utility>

namespace mtdb::engine {

void Board::open(std::size_t jobs, std::size_t server_max) {
    auto state = state_.lock();
    state->closed = false;
    state->server_max = server_max;
    state->finished.reserve(jobs);
    state->announced.reserve(jobs);
    state->confirmed.reserve(jobs);
}

void Board::put(std::span<const Job> jobs) {
    auto state = state_.lock();
    for (const Job& job : jobs) {
        if (job.server && *job.server >= state->servers.size())
            state->servers.resize(*job.server + 1, Server{0, state->server_max, 0});
        state->ready.push_back(job);
    }
    changed_.notify_all();
}

Board::News Board::news() {
    auto state = state_.lock();
    News news;
    // Copied, so that the room which was reserved stays.
    news.finished = state->finished;
    news.announced = state->announced;
    state->finished.clear();
    state->announced.clear();
    news.under_way = state->ready.size() + state->running;
    return news;
}

void Board::confirm(std::span<const std::size_t> announced) {
    if (announced.empty()) return;
    auto state = state_.lock();
    state->confirmed.insert(state->confirmed.end(), announced.begin(), announced.end());
    changed_.notify_all();
}

std::vector<std::size_t> Board::take_back() {
    auto state = state_.lock();
    std::vector<std::size_t> places;
    for (const Job& job : std::exchange(state->ready, {})) places.push_back(job.place);
    return places;
}

void Board::sleep(const Wait& wait, base::milliseconds time) {
    Wait brief{Deadline::in(time), wait.cancel, wait.shutdown};
    if (wait.deadline.time() < brief.deadline.time()) brief.deadline = wait.deadline;
    auto state = state_.lock();
    if (!state->finished.empty() || !state->announced.empty()) return;
    if (wait.over())  // what is under way still comes to its end
        changed_.wait_for(state.held(), base::milliseconds(50));
    else
        brief.sleep(state.held(), changed_);
}

void Board::rest(const Wait& wait, base::milliseconds time, const std::atomic<bool>& stopping) {
    Wait brief = wait;
    brief.deadline = wait.deadline.earlier(Deadline::in(time));
    auto state = state_.lock();
    while (!brief.over() && !stopping.load(std::memory_order_acquire)) brief.sleep(state.held(), changed_);
}

void Board::wake() noexcept {
    const auto state = state_.lock();  // else who is about to sleep would miss it
    changed_.notify_all();
}

void Board::close() {
    auto state = state_.lock();
    state->ready.clear();
    state->closed = true;
    changed_.notify_all();
}

// The first in the list whose server has room.
std::deque<Board::Job>::iterator Board::next(State& state) {
    return std::ranges::find_if(state.ready, [&](const Job& job) {
        return !job.server || state.servers[*job.server].running < state.servers[*job.server].most;
    });
}

std::optional<Board::Job> Board::take() {
    auto state = state_.lock();
    auto found = next(*state);
    while (found == state->ready.end()) {
        if (state->closed) return std::nullopt;
        changed_.wait(state.held());
        found = next(*state);
    }
    const Job job = *found;
    state->ready.erase(found);
    ++state->running;
    if (job.server) ++state->servers[*job.server].running;
    return job;
}

void Board::bring(const Job& job) noexcept {
    auto state = state_.lock();
    --state->running;
    if (job.server) {
        Server& server = state->servers[*job.server];
        --server.running;
        // It takes more again, one by one, as it proves that it can.
        if (server.most < state->server_max && ++server.well >= 4 * server.most) {
            ++server.most;
            server.well = 0;
        }
    }
    state->finished.push_back(job.place);  // has room
    changed_.notify_all();
}

bool Board::announce(std::size_t place) {
    auto state = state_.lock();
    if (state->closed) return false;
    state->announced.push_back(place);
    changed_.notify_all();
    for (;;) {
        const auto mine = std::ranges::find(state->confirmed, place);
        if (mine != state->confirmed.end()) {
            state->confirmed.erase(mine);
            return true;
        }
        if (state->closed) return false;
        changed_.wait(state.held());
    }
}

bool Board::ease(std::size_t server) {
    auto state = state_.lock();
    Server& one = state->servers[server];
    one.well = 0;
    if (one.most <= 1) return false;
    // By what really ran: the bound may be far above what the server was ever asked for.
    one.most = std::max<std::size_t>(1, std::min(one.most, one.running) / 2);
    return true;
}

}  // namespace mtdb::engine
