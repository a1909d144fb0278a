// SPDX-License-Identifier: MIT
// What every store of quiesce flags does, whatever database it is in; and short ways to ask one.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/parking.hpp"
#include "control/quiesce.hpp"

namespace quiesce_test {

using namespace mtdb;
using control::Announcement;
using control::Flag;
using control::FlagState;
using control::Store;

inline Wait soon() { return Wait{Deadline::in(base::milliseconds(20'000))}; }

inline Code code_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return Code::ok;
}

inline std::optional<Flag> flag_in(Store& store, std::string_view scope = "global") {
    const control::Snapshot snapshot = store.read(scope, soon());
    const Flag* const flag = snapshot.find(scope);
    return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

inline FlagState state_in(Store& store, std::string_view scope = "global") {
    const control::Snapshot snapshot = store.read(scope, soon());
    const Flag* const flag = snapshot.find(scope);
    return flag != nullptr ? control::state_of(*flag, snapshot.now) : FlagState::none;
}

inline Flag set_in(Store& store, const std::string& scope = "global", int64_t ttl_ms = 60'000, bool force = false) {
    return store.set({scope, "deploy-7", "schema change", ttl_ms, force}, soon());
}

inline void wait_for_expiry(Store& store, const std::string& scope) {
    while (state_in(store, scope) == FlagState::active) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

inline Announcement process(const std::string& id) {
    Announcement self;
    self.process = id;
    self.name = "worker";
    self.host = "here";
    self.pid = 42;
    self.scopes = {"server:eu1", "group:beta"};
    self.seen = {"global@1", "tenant:acme@2"};
    self.parked = {"global@1"};
    return self;
}

// `store` has its tables, and they are empty.
inline void keeps_flags(Store& store) {
    for (const std::string scope : {"global", "tenant:acme"}) {
        CAPTURE(scope);
        CHECK(state_in(store, scope) == FlagState::none);
        CHECK(code_of([&] { store.clear(scope, {}, true, soon()); }) == Code::not_found);
        const Flag flag = set_in(store, scope);
        CHECK(flag.token.size() == 32);
        CHECK(flag.expires_at - flag.set_at == 60'000'000);
        CHECK(flag_in(store, scope) == flag);
        CHECK(state_in(store, scope) == FlagState::active);
        CHECK(code_of([&] { set_in(store, scope); }) == Code::exists);
        CHECK(code_of([&] { store.renew(scope, "0123", 1000, soon()); }) == Code::permission);
        CHECK(code_of([&] { store.renew(scope, {}, 1000, soon()); }) == Code::permission);
        CHECK(code_of([&] { store.clear(scope, "0123", false, soon()); }) == Code::permission);
        const Flag renewed = store.renew(scope, flag.token, 120'000, soon());
        CHECK(renewed.set_at == flag.set_at);
        CHECK(renewed.expires_at > flag.expires_at);
        CHECK(flag_in(store, scope) == renewed);
        const Flag taken = set_in(store, scope, 60'000, true);
        CHECK(code_of([&] { store.clear(scope, flag.token, false, soon()); }) == Code::permission);
        const Flag cleared = store.clear(scope, taken.token, false, soon());
        CHECK(cleared.cleared_at.has_value());
        CHECK(cleared.set_by == "deploy-7");
        CHECK(state_in(store, scope) == FlagState::cleared);
        CHECK(code_of([&] { store.clear(scope, taken.token, false, soon()); }) == Code::not_found);
        CHECK(code_of([&] { store.renew(scope, taken.token, 1000, soon()); }) == Code::not_found);
        set_in(store, scope, 30);
        wait_for_expiry(store, scope);
        CHECK(state_in(store, scope) == FlagState::expired);
        const Flag again = set_in(store, scope, 30);
        wait_for_expiry(store, scope);
        CHECK(code_of([&] { store.renew(scope, again.token, 1000, soon()); }) == Code::invalid_state);
        CHECK(code_of([&] { store.clear(scope, {}, false, soon()); }) == Code::ok);
    }
    CHECK(store.read({}, soon()).find("tenant:acme") == nullptr);
}

inline void keeps_announcements(Store& store) {
    store.announce(process("one"), 60'000, soon());
    store.announce(process("two"), 30, soon());
    const auto ids = [&] {
        std::vector<std::string> list;
        for (const Announcement& each : store.processes(soon())) list.push_back(each.process);
        std::sort(list.begin(), list.end());
        return list;
    };
    while (ids().size() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(ids() == std::vector<std::string>{"one"});
    const Announcement found = store.processes(soon()).front();
    CHECK(found.name == "worker");
    CHECK(found.host == "here");
    CHECK(found.pid == 42);
    CHECK(found.scopes == process("one").scopes);
    CHECK(found.seen == process("one").seen);
    CHECK(found.parked == process("one").parked);
    Announcement changed = process("one");
    changed.parked.clear();
    store.announce(changed, 60'000, soon());
    CHECK(store.processes(soon()).front().parked.empty());
    store.withdraw("one", soon());
    CHECK(ids().empty());
}

// Many set the same flag at once, by one store object each: one of them gets it.
inline void gives_a_flag_to_one(const std::function<std::shared_ptr<Store>()>& open) {
    for (int round = 0; round < 5; ++round) {
        std::atomic<int> won{0}, lost{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                const auto store = open();
                const Code code = code_of([&] { set_in(*store, "group:" + std::to_string(round)); });
                if (code == Code::ok) ++won;
                if (code == Code::exists) ++lost;
            });
        for (std::thread& thread : threads) thread.join();
        CHECK(won == 1);
        CHECK(lost == 3);
    }
    const auto store = open();
    std::atomic<int> won{0}, lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto mine = open();
            const Code code = code_of([&] { set_in(*mine); });
            if (code == Code::ok) ++won;
            if (code == Code::exists) ++lost;
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(won == 1);
    CHECK(lost == 3);
    store->clear("global", {}, true, soon());
}

}  // namespace quiesce_test
