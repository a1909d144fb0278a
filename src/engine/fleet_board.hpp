// SPDX-License-Identifier: MIT
// What a fleet run's workers take and what they bring back. The caller's thread puts tenants on it and takes what is
// done off it; nobody else writes the ledger.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/guarded.hpp"
#include "base/wait.hpp"

namespace mtdb::engine {

class Board {
public:
    struct Job {
        std::size_t place = 0;                // in the run's list
        std::optional<std::size_t> server{};  // shared with others; none: it is bound by nothing but the workers
    };
    // What the caller has to do, all of it taken off the board.
    struct News {
        std::vector<std::size_t> finished;
        std::vector<std::size_t> announced;  // about to be changed: to be written down, then confirmed
        std::size_t under_way = 0;           // put on and not finished
    };

    // Workers may bring back as many as `jobs` without a failure. At most `server_max` of one server at a time.
    void open(std::size_t jobs, std::size_t server_max);
    void put(std::span<const Job> jobs);
    News news();
    void confirm(std::span<const std::size_t> announced);
    // What no worker has begun; it is no longer on the board.
    std::vector<std::size_t> take_back();
    // Until there are news, at most `time`.
    void sleep(const Wait& wait, base::milliseconds time);
    // For `time`, or until woken by a run that is stopping.
    void rest(const Wait& wait, base::milliseconds time, const std::atomic<bool>& stopping);
    void wake() noexcept;
    // Nothing more is handed out; who waits for a confirmation gets none.
    void close();

    // Workers. Nothing: the board is closed.
    std::optional<Job> take();
    void bring(const Job& job) noexcept;
    // Returns once it is written down; false: it never will be.
    bool announce(std::size_t place);
    // The server refuses connections: fewer of it at a time from now on. False: it has one at a time already.
    bool ease(std::size_t server);

private:
    struct Server {
        std::size_t running = 0;
        std::size_t most = 0;
        std::size_t well = 0;  // ended since it refused last
    };
    struct State {
        std::deque<Job> ready;
        std::vector<std::size_t> finished, announced, confirmed;
        std::vector<Server> servers;
        std::size_t running = 0;
        std::size_t server_max = 0;
        bool closed = true;
    };
    static std::deque<Job>::iterator next(State& state);
    Guarded<State> state_;
    std::condition_variable changed_;
};

}  // namespace mtdb::engine
