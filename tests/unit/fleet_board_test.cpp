// SPDX-License-Identifier: MIT
#include "engine/fleet_board.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace mtdb::engine {
namespace {

using Job = Board::Job;

std::size_t taken(Board& board) {
    const auto job = board.take();
    REQUIRE(job.has_value());
    return job->place;
}

}  // namespace

TEST_CASE("board: a server has as many workers as it may, others overtake") {
    Board board;
    board.open(8, 2);
    const Job jobs[] = {{0, 0}, {1, 0}, {2, 0}, {3, 1}, {4, {}}};
    board.put(jobs);
    CHECK(taken(board) == 0);
    CHECK(taken(board) == 1);
    CHECK(taken(board) == 3);  // 2 would be the third of its server
    CHECK(taken(board) == 4);
    board.bring(jobs[1]);
    CHECK(taken(board) == 2);
    const Board::News news = board.news();
    CHECK(news.finished == std::vector<std::size_t>{1});
    CHECK(news.under_way == 4);
}

TEST_CASE("board: a server that refuses gets half, then one, and more again as it takes them") {
    Board board;
    board.open(40, 4);
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < 30; ++i) jobs.push_back({i, 0});
    board.put(jobs);
    for (std::size_t i = 0; i < 4; ++i) CHECK(taken(board) == i);
    CHECK(board.ease(0));
    CHECK(board.ease(0));
    CHECK_FALSE(board.ease(0));  // one at a time: what fails now is the tenant's
    for (std::size_t i = 0; i < 4; ++i) board.bring(jobs[i]);  // that it took while there is one at a time
    CHECK(taken(board) == 4);
    CHECK(taken(board) == 5);  // two again
    CHECK(board.ease(0));
}

TEST_CASE("board: what is announced waits until it is confirmed, or never is") {
    Board board;
    board.open(2, 1);
    const Job jobs[] = {{7, {}}, {8, {}}};
    board.put(jobs);
    bool first = false, second = true;
    std::thread worker([&] {
        first = board.announce(board.take()->place);
        second = board.announce(board.take()->place);
    });
    const auto announced = [&] {
        for (;;) {
            const Board::News news = board.news();
            if (!news.announced.empty()) return news.announced;
            board.sleep({}, base::milliseconds(1000));
        }
    };
    const auto one = announced();
    CHECK(one == std::vector<std::size_t>{7});
    board.confirm(one);
    CHECK(announced() == std::vector<std::size_t>{8});
    board.close();
    worker.join();
    CHECK(first);
    CHECK_FALSE(second);
}

TEST_CASE("board: what nobody has begun is taken back") {
    Board board;
    board.open(3, 1);
    const Job jobs[] = {{0, {}}, {1, {}}, {2, {}}};
    board.put(jobs);
    CHECK(taken(board) == 0);
    CHECK(board.take_back() == std::vector<std::size_t>{1, 2});
    CHECK(board.news().under_way == 1);
    board.close();
    CHECK_FALSE(board.take().has_value());
}

}  // namespace mtdb::engine
