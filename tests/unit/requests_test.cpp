// SPDX-License-Identifier: MIT
#include "tenant/requests.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::tenant;
using State = Requests::State;
using std::chrono::milliseconds;

namespace {

const Wait look{Deadline::in(milliseconds(0)), nullptr};
const Id a = Id::parse("a");
const Id b = Id::parse("b");

Requests long_lived() { return Requests(milliseconds(60000), milliseconds(60000)); }

}  // namespace

TEST_CASE("all callers of a tenant share one request, and the answer serves them all") {
    Requests requests = long_lived();
    CHECK(requests.find(a).state == State::needs);
    CHECK(requests.find(a).state == State::needs);
    CHECK(requests.find(b).state == State::needs);
    const auto first = requests.take(look);
    REQUIRE(first);
    CHECK(first->tenant == "a");
    CHECK(requests.take(look)->tenant == "b");
    CHECK_FALSE(requests.take(look));
    CHECK(requests.find(a).state == State::taken);
    CHECK(requests.tenant_of(first->id) == "a");
    requests.answer(first->id, {"a.db"});
    for (int i = 0; i < 3; ++i) {
        const auto answer = requests.find(a);
        CHECK(answer.state == State::answered);
        CHECK(answer.place.path == "a.db");
    }
    CHECK_THROWS_AS(requests.answer(first->id, {"a.db"}), Error);
    CHECK_THROWS_AS(requests.refuse(99, "no"), Error);
}

TEST_CASE("a refusal serves its callers with the reason, and is forgotten after its time") {
    Requests requests = long_lived();
    requests.find(a);
    requests.refuse(requests.take(look)->id, "no such\ncustomer");
    const auto answer = requests.find(a);
    CHECK(answer.state == State::refused);
    CHECK(answer.reason == "no such customer");
    CHECK(requests.find(a, base::Clock::now() + milliseconds(60001)).state == State::needs);
    CHECK(requests.take(look)->tenant == "a");
}

TEST_CASE("an answer is believed for its time, but at least once") {
    Requests requests(milliseconds(1), milliseconds(60000));
    requests.find(a);
    requests.answer(requests.take(look)->id, {"a.db"});
    const base::Time later = base::Clock::now() + milliseconds(1000);
    CHECK(requests.find(a, later).state == State::answered);
    CHECK(requests.find(a, later).state == State::needs);
}

TEST_CASE("a request whose taker does not answer is open again, and a late answer still counts") {
    Requests requests = long_lived();
    requests.find(a);
    const auto taken = requests.take(look);
    CHECK(requests.find(a).state == State::taken);
    CHECK(requests.find(a, base::Clock::now() + milliseconds(60001)).state == State::needs);
    requests.answer(taken->id, {"a.db"});
    CHECK(requests.find(a).state == State::answered);
    CHECK_FALSE(requests.take(look));
}

TEST_CASE("a request put back is the first in line") {
    Requests requests = long_lived();
    requests.find(a);
    requests.find(b);
    requests.put_back(requests.take(look)->id);
    CHECK(requests.find(a).state == State::needs);
    CHECK(requests.take(look)->tenant == "a");
}

TEST_CASE("a place of a live tenant is refused for another one, and the request stays") {
    Requests requests = long_lived();
    requests.find(a);
    requests.find(b);
    requests.answer(requests.take(look)->id, {"x.db"});
    const int64_t second = requests.take(look)->id;
    CHECK_THROWS_WITH_AS(requests.answer(second, {"x.db"}),
                         "the answer for tenant 'b' is the place of tenant 'a'", Error);
    CHECK(requests.find(b).state == State::taken);
    const auto holder = [](const db::Place& place) {
        return place.path == "y.db" ? std::optional<std::string>("c") : std::nullopt;
    };
    CHECK_THROWS_AS(requests.answer(second, {"y.db"}, holder), Error);
    requests.forget(a);
    requests.answer(second, {"x.db"}, holder);
    CHECK(requests.find(b).place.path == "x.db");
    CHECK(requests.find(a).state == State::needs);
}

TEST_CASE("the number of requests has a limit, and old answers make room") {
    Requests requests(milliseconds(60000), milliseconds(60000), 2);
    requests.find(a);
    requests.find(b);
    CHECK_THROWS_WITH_AS(requests.find(Id::parse("c")), "more than 2 requests for routes are open",
                         Error);
    requests.answer(requests.take(look)->id, {"a.db"});
    CHECK(requests.find(Id::parse("c")).state == State::needs);
    CHECK(requests.find(b).state == State::needs);
}

TEST_CASE(
    "waiters of a taken request wake at its answer, its re-opening, a cancel, the deadline and the "
    "close") {
    Requests requests(milliseconds(60000), milliseconds(60000));
    requests.find(a);
    const int64_t id = requests.take(look)->id;
    CHECK_THROWS_AS(requests.locate(a, {Deadline::in(milliseconds(1)), nullptr}), Error);
    std::atomic<int> served{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 4; ++i) {
        waiters.emplace_back([&] {
            served += requests.locate(a, Wait::forever()).state == State::answered ? 1 : 0;
        });
    }
    requests.answer(id, {"a.db"});
    for (std::thread& waiter : waiters) waiter.join();
    CHECK(served == 4);

    Requests hasty(milliseconds(60000), milliseconds(5));
    hasty.find(a);
    hasty.take(look);
    CHECK(hasty.locate(a, Wait::forever()).state == State::needs);

    CancelToken token;
    token.trigger(0);
    CHECK_THROWS_AS(requests.take({Deadline::never(), &token}), Error);
    std::thread closer([&] { requests.close(); });
    CHECK_THROWS_AS(requests.take(Wait::forever()), Error);
    closer.join();
    CHECK_THROWS_AS(requests.find(b), Error);
}

TEST_CASE("asking and looking are no use of an answer") {
    Requests requests(milliseconds(10), milliseconds(60000));
    const auto now = base::Clock::now();
    CHECK(requests.glance(a, now).state == State::needs);
    CHECK_FALSE(requests.take(look));  // looking asks for nothing
    CHECK(requests.ask(a, now) == State::needs);
    const auto request = requests.take(look);
    REQUIRE(request);
    CHECK(requests.ask(a, now) == State::taken);
    CHECK(requests.glance(a, now).state == State::taken);
    requests.answer(request->id, {"a.db"});
    const auto later = base::Clock::now() + milliseconds(1000);  // too old for anybody who was served
    CHECK(requests.ask(a, later) == State::answered);
    CHECK(requests.glance(a, later).place.path == "a.db");
    CHECK(requests.find(a, later).state == State::answered);
    CHECK(requests.glance(a, later).state == State::needs);
    CHECK(requests.ask(a, later) == State::needs);
}

TEST_CASE("a list is answered as a whole or not at all") {
    Requests requests(milliseconds(10), milliseconds(60000));
    const std::vector<Id> list{a, b, a};
    CHECK(requests.find_all(list).state == State::needs);
    const auto first = requests.take(look);
    const auto second = requests.take(look);
    REQUIRE(second);
    CHECK_FALSE(requests.take(look));
    CHECK(requests.find_all(list).state == State::taken);
    requests.answer(first->id, {"a.db"});
    CHECK(requests.find_all(list).list.empty());
    requests.refuse(second->id, "no");
    const auto later = base::Clock::now() + milliseconds(1000);  // the first was not used up by the look before
    const auto answers = requests.find_all(list, later);
    REQUIRE(answers.state == State::answered);
    REQUIRE(answers.list.size() == 3);
    CHECK(answers.list[0].place.path == "a.db");
    CHECK(answers.list[1].state == State::refused);
    CHECK(answers.list[2].place.path == "a.db");
    CHECK(requests.find_all(list, later).state == State::needs);
}

TEST_CASE("who awaits an answer is woken by any, and not before") {
    Requests requests = long_lived();
    requests.ask(a);
    const auto request = requests.take(look);
    REQUIRE(request);
    const uint64_t seen = requests.settled();
    requests.await_settled(seen, look);  // the wait is over: it returns
    CHECK(requests.settled() == seen);
    std::jthread host([&] { requests.answer(request->id, {"a.db"}); });
    requests.await_settled(seen, Wait::forever());
    CHECK(requests.settled() != seen);
    requests.close();
    CHECK_THROWS_AS(requests.await_settled(requests.settled(), Wait::forever()), Error);
}
