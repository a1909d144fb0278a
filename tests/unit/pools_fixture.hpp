// SPDX-License-Identifier: MIT
// Pools over connections that are only counted. Nothing here sleeps: what must come is waited for,
// and maintenance is a call.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pool/pools.hpp"

namespace pools_test {

using namespace mtdb;
using base::Clock;
using base::milliseconds;
using pool::Lease;
using pool::Pools;

// What the fake database sees: connections open now, what is to fail, who closed what.
struct World {
    std::mutex mutex;
    std::condition_variable changed;
    int64_t open = 0;
    int64_t open_peak = 0;
    int64_t opened = 0;
    int64_t connecting = 0;
    int64_t connecting_peak = 0;  // at the same time, for one place
    bool hold = false;            // connecting waits until this is false
    std::deque<Error> failures;   // of the next openings
    std::optional<Error> down;    // of all openings
    int64_t dials = 0;
    std::map<std::string, int64_t> connecting_at;
    std::multiset<std::thread::id> closers;
    std::atomic<int64_t> memory_each{1000};
    std::atomic<int64_t> log_pages{0};
    std::atomic<int64_t> rollbacks{0};
    std::atomic<bool> soiled{false};  // end_lease() says discard
    std::atomic<int64_t> lost{0};     // the connections up to this one are dead
    std::atomic<int64_t> pins{0};
    std::function<void()> on_io;  // called wherever a real connection could wait or send

    void hold_opening(bool value) {
        const std::lock_guard lock(mutex);
        hold = value;
        changed.notify_all();
    }
    void be_down(std::optional<Error> error) {
        const std::lock_guard lock(mutex);
        down = std::move(error);
    }
    int64_t dialled() {
        const std::lock_guard lock(mutex);
        return dials;
    }
    void wait_connecting(int64_t count) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return connecting == count; });
    }
};

class FakeConnection final : public db::Connection {
public:
    FakeConnection(World& world, int64_t number, std::string where)
        : id(number), place(std::move(where)), world_(world) {}
    ~FakeConnection() override {
        if (world_.on_io) world_.on_io();
        const std::lock_guard lock(world_.mutex);
        --world_.open;
        world_.closers.insert(std::this_thread::get_id());
        world_.changed.notify_all();
    }
    std::unique_ptr<db::Statement> prepare(std::string_view, std::string_view*,
                                           const Wait&) override {
        return nullptr;
    }
    bool in_transaction() const override { return open_transaction; }
    void begin(const db::TransactionMode&, const Wait&) override { open_transaction = true; }
    void commit(const Wait&) override { open_transaction = false; }
    void rollback() override { open_transaction = false; }
    void savepoint(std::string_view) override {}
    void rollback_to(std::string_view) override {}
    void release_savepoint(std::string_view) override {}
    int64_t insert_id() const override { return 0; }
    void mark_lease() noexcept override { ++leases; }
    void pin(const db::Place& where, bool another) noexcept override {
        if (inside.exchange(true)) FAIL_CHECK("two threads at once in one connection");
        ++world_.pins;
        ++pins;
        place = where.path;
        cleans = another;
        if (world_.on_io) world_.on_io();
        inside = false;
    }
    bool in_place() noexcept override {
        ++looks;
        return id > world_.lost;
    }
    db::Reuse end_lease() noexcept override {
        if (open_transaction) ++world_.rollbacks;
        open_transaction = false;
        return world_.soiled || id <= world_.lost ? db::Reuse::discard : db::Reuse::clean;
    }
    int64_t memory_bytes() const override { return shed ? 10 : world_.memory_each.load(); }
    void shed_memory() noexcept override { shed = true; }
    int64_t log_pages() const noexcept override { return world_.log_pages; }

    const int64_t id;
    std::string place;  // opened on, or pinned to last
    int64_t leases = 0;
    int64_t pins = 0;
    bool cleans = false;  // the last pin was said to be another tenant's
    int64_t looks = 0;    // questions whether it is in place
    std::atomic<bool> inside{false};
    bool open_transaction = false;
    bool shed = false;

private:
    World& world_;
};

inline FakeConnection& fake(const Lease& lease) {
    return static_cast<FakeConnection&>(lease.connection());
}
inline int64_t id_of(const Lease& lease) { return fake(lease).id; }

inline const Wait forever = Wait::forever();
inline Wait at_once() { return Wait{Deadline::in(milliseconds(0))}; }

inline pool::Target at(const std::string& place) {
    return {[place] { return db::Place{place}; }, true};
}

// The error that `work` throws; fails the test when it throws none.
template <class Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return Error(Code::internal, "");
}

// The settings' bounds are the fixture's to choose; everything it made must be gone at its end.
class Fixture {
public:
    explicit Fixture(pool::Settings settings = {})
        : settings_(settings), pools(settings, opener(), checkpoint(), listener()) {}
    ~Fixture() {
        consistent();
        pools.close_all(Deadline::in(milliseconds(0)));
        const pool::Stats stats = pools.stats();
        CHECK(stats.connections_now == 0);
        CHECK(stats.files_now == 0);
        CHECK(stats.memory_now == 0);
        CHECK(stats.closing_now == 0);
        CHECK(stats.idle_now == 0);
        CHECK(stats.leased_now == 0);
        CHECK(stats.waiting_now == 0);
        CHECK(stats.pools_now == 0);
        CHECK(stats.opens == stats.closes);
        CHECK(world.open == 0);
    }

    // A lease that was used: only then is its connection cleaned at the end.
    Lease acquire(const std::string& key, const Wait& wait = forever) {
        Lease lease = pools.acquire(key, at(key), wait);
        lease.connection();
        return lease;
    }
    Error refused(const std::string& key, const Wait& wait = at_once()) {
        return error_of([&] { acquire(key, wait); });
    }
    // Maintenance, until nothing is due.
    void maintain() {
        while (pools.step()) {
        }
    }
    // Opens and gives back one connection, so that it is idle.
    void warm(const std::string& key) { acquire(key); }
    // Comes back once so many callers wait in the key's queue.
    void await_waiting(const std::string& key, int64_t count) {
        while (pools.tenant_stats(key).waiting_now != count) std::this_thread::yield();
    }
    bool open(const std::string& key) {
        for (const pool::PoolStats& row : pools.pool_stats())
            if (row.server == 0 && row.key == key && row.open > 0) return true;
        return false;
    }
    // The figures of the pools add up to those of the db. Only while nobody is in the middle of
    // something.
    void consistent() {
        const pool::Stats stats = pools.stats();
        int64_t open = 0, idle = 0, leased = 0, files = 0, waiting = 0, tenants = 0;
        pool::PoolStats servers;
        int64_t servers_open = 0;
        for (const pool::PoolStats& row : pools.pool_stats()) {
            if (row.server > 0) {
                servers.open += row.open;
                servers.idle += row.idle;
                servers.leased += row.leased;
                servers.files += row.files;
                servers.waiting += row.waiting;
                servers_open += row.open > 0 ? 1 : 0;
                continue;
            }
            open += row.open;
            idle += row.idle;
            leased += row.leased;
            files += row.files;
            waiting += row.waiting;
            tenants += row.open > 0 ? 1 : 0;
        }
        CHECK(stats.connections_now == open + stats.closing_now);
        CHECK(stats.connections_now == world.open);
        CHECK(stats.idle_now == idle);
        CHECK(stats.leased_now == leased);
        CHECK(stats.idle_now + stats.leased_now == open);
        CHECK(stats.files_now == files);
        CHECK(stats.waiting_now == waiting);
        if (!settings_.shares_connections) {
            CHECK(stats.pools_now == tenants);
            return;
        }
        CHECK(stats.pools_now == servers_open);
        CHECK(servers.open == open);
        CHECK(servers.idle == idle);
        CHECK(servers.leased == leased);
        CHECK(servers.files == files);
        CHECK(servers.waiting == waiting);
    }

private:
    const pool::Settings settings_;

public:
    World world;
    std::mutex notices_mutex;
    std::vector<pool::Notice> notices;
    std::atomic<bool> checkpoint_blocked{false};
    Pools pools;

private:
    Pools::Opener opener() {
        return [this](const db::Place& place, const Wait&) -> std::unique_ptr<db::Connection> {
            if (world.on_io) world.on_io();
            std::unique_lock lock(world.mutex);
            ++world.connecting;
            ++world.dials;
            const std::string& where = settings_.shares_connections ? place.server : place.path;
            world.connecting_peak = std::max(world.connecting_peak, ++world.connecting_at[where]);
            world.changed.notify_all();
            world.changed.wait(lock, [&] { return !world.hold; });
            --world.connecting;
            --world.connecting_at[where];
            world.changed.notify_all();
            if (world.down.has_value()) throw *world.down;
            if (!world.failures.empty()) {
                const Error error = world.failures.front();
                world.failures.pop_front();
                throw error;
            }
            world.open_peak = std::max(world.open_peak, ++world.open);
            return std::make_unique<FakeConnection>(world, ++world.opened, place.path);
        };
    }
    Pools::Checkpoint checkpoint() {
        return [this](db::Connection&) { return checkpoint_blocked.load(); };
    }
    Pools::Listener listener() {
        return [this](pool::Notice notice) {
            const std::lock_guard lock(notices_mutex);
            notices.push_back(std::move(notice));
        };
    }
};

// One caller on a thread of its own.
class Caller {
public:
    Caller(Fixture& fixture, const std::string& key, Wait wait = forever)
        : thread_([this, &fixture, key, wait] {
              try {
                  lease_ = fixture.acquire(key, wait);
              } catch (const Error& error) {
                  error_ = error;
              }
          }) {}
    Caller(const Caller&) = delete;
    ~Caller() { join(); }

    void join() {
        if (thread_.joinable()) thread_.join();
    }
    Lease& lease() {
        join();
        REQUIRE(lease_);
        return lease_;
    }
    Error error() {
        join();
        REQUIRE(error_.has_value());
        return *error_;
    }

private:
    Lease lease_;
    std::optional<Error> error_;
    std::thread thread_;
};

// Maintenance on a thread, as a db has it.
class Maintainer {
public:
    explicit Maintainer(Pools& pools)
        : pools_(pools), thread_([this] {
              while (!stopping_) {
                  while (!stopping_ && pools_.step()) {
                  }
                  pools_.wait_for_work();
              }
          }) {}
    ~Maintainer() {
        stopping_ = true;
        pools_.stop_waiting();
        thread_.join();
    }

private:
    Pools& pools_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace pools_test
