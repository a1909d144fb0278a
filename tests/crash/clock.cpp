// SPDX-License-Identifier: MIT
// The wall clock jumps by hours while waits, leases and timers go on: nothing ends early, nothing hangs.
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "harness.hpp"

using namespace harness;

namespace {

std::atomic<int64_t> jump_s{0};  // what the wall clock is off by
std::atomic<int64_t> looks{0};   // at the wall clock

template <class Function>
Function* next(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    if (found == nullptr) std::abort();
    return reinterpret_cast<Function*>(found);
}

}  // namespace

// These stand before the C library's: whoever asks for the wall clock gets the jumping one.
extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
    static auto* const real = next<decltype(clock_gettime)>("clock_gettime");
    const int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += jump_s.load();
        looks.fetch_add(1);
    }
    return result;
}

int gettimeofday(timeval* now, void*) noexcept {
    timespec precise{};
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    *now = {precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}

}  // extern "C"

namespace {

// Jumps forth and back every millisecond, up to four days, while it lives.
class Jumps {
public:
    Jumps() : thread_([this] {
        Random random(7);
        while (!over_) {
            jump_s = pick(random, -4 * 24 * 3600, 4 * 24 * 3600);
            usleep(1000);
        }
        jump_s = 0;
    }) {}
    Jumps(const Jumps&) = delete;
    ~Jumps() {
        over_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> over_{false};
    std::thread thread_;
};

constexpr int64_t timeout_ms = 300;

// Runs a wait of timeout_ms: it ends with that status, neither early nor late.
template <class Wait>
void must_take_its_time(mtdb_status expected, Wait&& wait) {
    const int64_t begin = now_ms();
    const Answer answer = wait();
    const int64_t taken = now_ms() - begin;
    must_be(expected, answer);
    check(taken >= timeout_ms - 1 && taken < timeout_ms + 8000, "it took " + std::to_string(taken) + " ms");
}

struct World {
    Folder root;
    Db db;
    explicit World(Settings settings = {}) : db(open_db(root.path(), settings)) {
        must(create(db.get(), "tenant"));
        must(exec(db.get(), "tenant", "CREATE TABLE t(v)"));
    }
};

void waits() {
    World world({{"pool.size_max", "2"}});
    const Conn held = lease(world.db.get(), "tenant");
    must(exec(held.get(), "INSERT INTO t VALUES(1)"));
    const Conn other = lease(world.db.get(), "tenant");
    Conn conn;
    must_take_its_time(MTDB_POOL_EXHAUSTED, [&] { return acquire(world.db.get(), "tenant", conn, timeout_ms); });
    must(begin(held.get()));
    must_take_its_time(MTDB_TIMEOUT, [&] { return exec(other.get(), "INSERT INTO t VALUES(2)", timeout_ms); });
    // Another db on the same folder is as good as another process: SQLite's own lock.
    const Db second = open_db(world.root.path());
    const Conn foreign = lease(second.get(), "tenant");
    const int64_t begun = now_ms();
    must_be_one_of({MTDB_BUSY, MTDB_TIMEOUT}, exec(foreign.get(), "INSERT INTO t VALUES(3)", timeout_ms));
    check(now_ms() - begun >= timeout_ms - 1, "it gave up early");
    must(rollback(held.get()));
    must_take_its_time(MTDB_TIMEOUT, [&] {
        return exec(
            other.get(),
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n)",
            timeout_ms);
    });
    must(exec(other.get(), "INSERT INTO t VALUES(4)", timeout_ms));
}

void events_and_cancels() {
    World world;
    alignas(8) char block[4096];
    int64_t rows = 0;
    int64_t used = 0;
    int64_t dropped = 0;
    while (mtdb_events_poll(world.db.get(), 0, nullptr, block, sizeof block, &rows, &used, &dropped, nullptr) ==
           MTDB_OK) {
    }
    must_take_its_time(MTDB_DONE, [&] {
        return ask([&](mtdb_error** err) {
            return mtdb_events_poll(world.db.get(), timeout_ms, nullptr, block, sizeof block, &rows, &used, &dropped,
                                    err);
        });
    });
    const Cancel cancel = new_cancel();
    std::thread trigger([&] {
        sleep_ms(100);
        mtdb_cancel_trigger(cancel.get(), 0, nullptr);
    });
    const int64_t begun = now_ms();
    const Answer answer = ask([&](mtdb_error** err) {
        return mtdb_events_poll(world.db.get(), MTDB_FOREVER, cancel.get(), block, sizeof block, &rows, &used, &dropped,
                                err);
    });
    trigger.join();
    must_be(MTDB_CANCELLED, answer);
    check(now_ms() - begun < 8000, "the cancel came late");
}

int64_t stat(mtdb_db* db, const std::string& name) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_stats(db, &made, err); });
    const Result result(made);
    while (mtdb_result_next(made, nullptr) == MTDB_OK)
        if (name == mtdb_value_text(made, 0, nullptr)) return mtdb_value_int64(made, 2);
    throw Failed("no figure " + name);
}

void idle_connections() {
    World patient({{"pool.idle_ms", "60000"}, {"pool.sweep_ms", "10"}, {"pool.lifetime_ms", "60000"}});
    World hasty({{"pool.idle_ms", "50"}, {"pool.sweep_ms", "10"}});
    sleep_ms(400);
    check(stat(patient.db.get(), "connections.now") == 1, "an idle connection was closed early");
    const int64_t end = now_ms() + 8000;
    while (stat(hasty.db.get(), "connections.now") > 0 && now_ms() < end) sleep_ms(10);
    check(stat(hasty.db.get(), "connections.now") == 0, "an idle connection was never closed");
}

void routes() {
    const Folder root;
    {
        const Db db = open_db(root.path());
        must(create(db.get(), "tenant"));
    }
    const Db db = open_db(root.path(), {{"tenant.routes", "resolver"}, {"route.ttl_ms", "60000"}});
    must_be(MTDB_NEEDS, ping(db.get(), "tenant"));
    int64_t id = 0;
    int32_t kind = 0;
    char name[64];
    int64_t needed = 0;
    ok([&](mtdb_error** err) {
        return mtdb_db_request(db.get(), 0, nullptr, &id, &kind, name, sizeof name, &needed, err);
    });
    ok([&](mtdb_error** err) { return mtdb_db_answer(db.get(), id, "tenant.db", -1, err); });
    for (int i = 0; i < 100; ++i) {
        must_be(MTDB_OK, ping(db.get(), "tenant"));
        sleep_ms(2);
    }
}

void migrations() {
    World world;
    must(create(world.db.get(), "other"));
    const Migrator migrator = new_migrator(world.db.get(), {{"migrate.mode", "auto"}, {"migrate.backoff_ms", "300"}});
    add_script(migrator.get(), 1, "CREATE TABLE m(v)");
    add_script(migrator.get(), 2, "INSERT INTO absent VALUES(1)");
    ok([&](mtdb_error** err) { return mtdb_migrator_enable(migrator.get(), err); });
    Conn conn;
    must_be(MTDB_MIGRATION_FAILED, acquire(world.db.get(), "other", conn));
    const int64_t failed = now_ms();
    // Repaired behind its back by another db: during the back-off the old failure is answered, then the script runs.
    const Db second = open_db(world.root.path());
    must(exec(second.get(), "other", "CREATE TABLE absent(v)"));
    Answer answer;
    while (now_ms() < failed + 8000) {
        answer = acquire(world.db.get(), "other", conn);
        if (answer.ok()) break;
        sleep_ms(5);
    }
    must(answer);
    check(now_ms() - failed >= 290, "the back-off ended after " + std::to_string(now_ms() - failed) + " ms");
}

}  // namespace

int main() {
    seed("crash.clock");
    test("waits end at their deadline while the wall clock jumps", [] {
        const Jumps jumps;
        waits();
    });
    test("events and cancels keep their time while the wall clock jumps", [] {
        const Jumps jumps;
        events_and_cancels();
    });
    test("idle times are those of the monotonic clock", [] {
        const Jumps jumps;
        idle_connections();
    });
    test("a route lives as long as it should", [] {
        const Jumps jumps;
        routes();
    });
    test("a back-off lasts as long as it should", [] {
        const Jumps jumps;
        migrations();
    });
    test("the library did see the jumping clock", [] { check(looks > 0, "nobody looked"); });
    test("nothing is left over", [] { check(live_handles() == 0, std::to_string(live_handles()) + " handles"); });
    return summary();
}
