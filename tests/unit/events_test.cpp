// SPDX-License-Identifier: MIT
#include "telemetry/events.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::telemetry;
using std::chrono::milliseconds;

namespace {

const Wait look{Deadline::in(milliseconds(0)), nullptr};

Event event(Class kind, const char* name, Level level = Level::info) {
    Event made;
    made.kind = kind;
    made.level = level;
    made.name = name;
    return made;
}

std::string names(const Events::Taken& taken) {
    std::string all;
    for (const Event& one : taken.events) all += one.name;
    return all;
}

}  // namespace

TEST_CASE("events come out in order, numbered and dated, each once") {
    Events events(16, Level::info, AuditLoss::count);
    events.emit(event(Class::log, "a"));
    events.emit(event(Class::audit, "b"));
    events.emit(event(Class::metric, "c"));
    const auto first = events.take(2, look);
    CHECK(names(first) == "ab");
    CHECK(first.events[0].seq == 1);
    CHECK(first.events[1].seq == 2);
    CHECK(first.events[0].at_us > 1600000000000000);
    CHECK(names(events.take(9, look)) == "c");
    CHECK(events.take(9, look).events.empty());
}

TEST_CASE("a full queue loses its oldest event that is no audit, and counts it") {
    Events events(3, Level::info, AuditLoss::count);
    events.emit(event(Class::audit, "A"));
    events.emit(event(Class::log, "a"));
    events.emit(event(Class::log, "b"));
    events.emit(event(Class::log, "c"));
    events.emit(event(Class::audit, "B"));
    const auto taken = events.take(9, look);
    CHECK(names(taken) == "AcB");
    CHECK(taken.dropped == 2);
    CHECK(events.take(9, look).dropped == 0);
    CHECK(events.dropped_total() == 2);
}

TEST_CASE("a queue full of audits loses newcomers by count, or refuses before the operation") {
    Events counting(2, Level::info, AuditLoss::count);
    for (const char* name : {"A", "B", "C"})
        counting.emit(event(Class::audit, name), counting.reserve_audit());
    counting.emit(event(Class::log, "x"));
    const auto taken = counting.take(9, look);
    CHECK(names(taken) == "AB");
    CHECK(taken.dropped == 2);

    Events failing(2, Level::info, AuditLoss::fail);
    failing.emit(event(Class::log, "x"));
    auto first = failing.reserve_audit();
    {
        auto second = failing.reserve_audit();
        CHECK_THROWS_WITH_AS(failing.reserve_audit(),
                             "the event queue is full of 2 audit events: poll it", Error);
    }
    failing.emit(event(Class::log, "y"));
    failing.emit(event(Class::log, "z"));
    failing.emit(event(Class::audit, "A"), std::move(first));
    CHECK(names(failing.take(9, look)) == "zA");
}

TEST_CASE("events below the level are not kept, but audits are") {
    Events events(16, Level::warn, AuditLoss::count);
    CHECK_FALSE(events.wanted(Level::info));
    events.emit(event(Class::log, "a"));
    events.emit(event(Class::log, "b", Level::error));
    events.emit(event(Class::audit, "c", Level::debug));
    CHECK(names(events.take(9, look)) == "bc");
    CHECK(parse_level("debug") == Level::debug);
    CHECK_THROWS_AS(parse_level("loud"), Error);
}

TEST_CASE("what was put back comes again, in its place, with the count of lost events") {
    Events events(2, Level::info, AuditLoss::count);
    for (const char* name : {"a", "b", "c"}) events.emit(event(Class::log, name));
    auto taken = events.take(9, look);
    CHECK(names(taken) == "bc");
    events.put_back(std::move(taken.events), taken.dropped);
    const auto again = events.take(1, look);
    CHECK(names(again) == "b");
    CHECK(again.dropped == 1);
    events.emit(event(Class::log, "d"));
    CHECK(names(events.take(9, look)) == "cd");
}

TEST_CASE("a closed queue is emptied first, then closed") {
    Events events(16, Level::info, AuditLoss::count);
    events.emit(event(Class::log, "a"));
    events.close();
    CHECK(names(events.take(9, Wait::forever())) == "a");
    CHECK_THROWS_AS(events.take(9, Wait::forever()), Error);
    CancelToken token;
    token.trigger(0);
    Events open(16, Level::info, AuditLoss::count);
    CHECK_THROWS_AS(open.take(9, {Deadline::never(), &token}), Error);
}

TEST_CASE("two pollers and four emitters lose nothing and share nothing") {
    Events events(100000, Level::info, AuditLoss::count);
    std::set<int64_t> seen[2];
    std::vector<std::thread> pollers;
    for (auto& mine : seen) {
        pollers.emplace_back([&events, &mine] {
            try {
                while (true) {
                    for (const Event& one : events.take(7, Wait::forever()).events)
                        mine.insert(one.seq);
                }
            } catch (const Error&) {
            }
        });
    }
    std::vector<std::thread> emitters;
    for (int i = 0; i < 4; ++i) {
        emitters.emplace_back([&] {
            for (int n = 0; n < 500; ++n) events.emit(event(Class::log, "x"));
        });
    }
    for (std::thread& emitter : emitters) emitter.join();
    events.close();
    for (std::thread& poller : pollers) poller.join();
    CHECK(seen[0].size() + seen[1].size() == 2000);
    seen[0].merge(seen[1]);
    CHECK(seen[0].size() == 2000);
}
