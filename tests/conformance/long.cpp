// SPDX-License-Identifier: MIT
// Usage: long BACKEND URL|VARIABLE: postgres/schema or mariadb, under tests/servers/run. What needs
// many turns: cancels at random moments, and more rows than memory holds.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "harness.hpp"
#include "side.hpp"

namespace {

using namespace harness;

constexpr int threads = 8;
constexpr int64_t turns_time_ms = 60'000;
constexpr int64_t many_rows = 10'000'000;

bool is_postgres(const std::string& backend) { return backend.starts_with("postgres"); }

// On MariaDB a table of numbers is found out at its first use, and says so when that is killed:
// always the same one.
std::string some_rows(const std::string& backend, int64_t rows) {
    return is_postgres(backend)
               ? "SELECT i FROM generate_series(1, " + std::to_string(rows) + ") AS g(i)"
               : "SELECT seq FROM seq_1_to_20000 LIMIT " + std::to_string(rows);
}

// ---- cancels ----

// Triggers a token once per turn, at a random moment of it.
class Canceller {
public:
    Canceller(mtdb_cancel* cancel, uint64_t seed)
        : thread_([this, cancel, seed] { run(cancel, seed); }) {}
    Canceller(const Canceller&) = delete;
    ~Canceller() {
        over_ = true;
        turn_.fetch_add(1);
        turn_.notify_all();
        thread_.join();
    }
    void begin() {
        turn_.fetch_add(1);
        turn_.notify_all();
    }
    void await() {
        for (int64_t done; (done = done_) < turn_; done_.wait(done)) {
        }
    }

private:
    void run(mtdb_cancel* cancel, uint64_t seed) {
        Random random(seed);
        for (int64_t turn = 0; !over_; done_ = turn, done_.notify_all()) {
            turn_.wait(turn++);
            if (over_) break;
            std::this_thread::sleep_for(std::chrono::microseconds(pick(random, 0, 3000)));
            mtdb_cancel_trigger(cancel, 0, nullptr);
        }
    }
    std::atomic<int64_t> turn_{0}, done_{0};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

struct Score {
    std::atomic<int64_t> left{0}, done{0}, hit{0}, closed{0};
    std::mutex mutex;
    std::string wrong;
};

// The next statement of whoever gets the connection gives its own row, and nothing else.
void own_row(mtdb_db* db, const std::string& tenant, int64_t number) {
    const std::string sql = "SELECT " + std::to_string(number);
    std::string seen;
    must(query(db, tenant, sql, seen));
    check(seen == std::to_string(number), "the answer to " + sql + " was " + seen);
}

void cancel_many(mtdb_db* db, const std::string& backend, Score& score, uint64_t number) {
    Random random(number);
    const Cancel cancel = new_cancel();
    Canceller canceller(cancel.get(), number + 1000);
    const int64_t until = now_ms() + turns_time_ms;
    while (score.left.fetch_sub(1) > 0 && now_ms() < until) {
        const std::string tenant = "lg" + std::to_string(pick(random, 0, 3));
        const std::string sql = some_rows(backend, pick(random, 1, 20'000));
        mtdb_cancel_reset(cancel.get(), nullptr, nullptr);
        canceller.begin();
        {
            const Conn conn = lease(db, tenant);
            const Answer answer = exec(conn.get(), sql, plenty_ms, cancel.get());
            must_be_one_of({MTDB_OK, MTDB_CANCELLED}, answer);
            if (!answer.ok()) score.hit.fetch_add(1);
            const std::string mine = std::to_string(pick(random, 1, 1'000'000'000));
            std::string seen;
            const Answer next = query(conn.get(), "SELECT " + mine, seen);
            must_be_one_of({MTDB_OK, MTDB_UNAVAILABLE}, next);  // what cannot be proved to have settled is closed
            if (!next.ok()) score.closed.fetch_add(1);
            check(!next.ok() || seen == mine, "the answer to SELECT " + mine + " was " + seen);
        }
        own_row(db, tenant, pick(random, 1, 1'000'000'000));
        canceller.await();
        score.done.fetch_add(1);
    }
}

void cancels(const std::string& backend, const std::string& url, uint64_t first_seed) {
    const int64_t wanted = scaled(10'000);
    const Db db = open_db(url, {{"pool.size_max", "4"}});
    for (int i = 0; i < 4; ++i) {
        const std::string tenant = "lg" + std::to_string(i);
        must(create(db.get(), tenant));
        must(exec(db.get(), tenant, some_rows(backend, 1)));
    }
    Score score;
    score.left = wanted;
    std::vector<std::thread> workers;
    for (uint64_t i = 0; i < threads; ++i)
        workers.emplace_back([&, i] {
            try {
                cancel_many(db.get(), backend, score, first_seed + i);
            } catch (const std::exception& error) {
                const std::lock_guard lock(score.mutex);
                score.wrong = error.what();
                score.left = 0;
            }
        });
    for (std::thread& worker : workers) worker.join();
    check(score.wrong.empty(), score.wrong);
    std::printf("%lld of %lld cancels in time, %lld ended a statement, %lld closed its connection\n",
                static_cast<long long>(score.done), static_cast<long long>(wanted),
                static_cast<long long>(score.hit), static_cast<long long>(score.closed));
    check(score.closed <= score.done / 20, "too many connections were closed");
    check(score.done >= wanted / 20, "too few to mean something");
    check(score.hit >= score.done / 20, "too few cancels met their statement");
}

// ---- rows ----

int64_t memory_kib(const std::string& which) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (word == which) {
            int64_t kib = 0;
            status >> kib;
            return kib;
        }
    return 0;
}

// The peak begins anew.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

int64_t sum_of(const std::vector<int64_t>& block) {
    mtdb_block_header header;
    mtdb_block_column column;
    const char* const bytes = reinterpret_cast<const char*>(block.data());
    std::memcpy(&header, bytes, sizeof header);
    std::memcpy(&column, bytes + sizeof header, sizeof column);
    int64_t sum = 0;
    for (int32_t row = 0; row < header.rows; ++row) {
        int64_t value = 0;
        std::memcpy(&value, bytes + column.data + int64_t{8} * row, sizeof value);
        sum += value;
    }
    return sum;
}

void stream(const std::string& backend, const std::string& url) {
    const Db db = open_db(url);
    const Conn conn = lease(db.get(), "lg0");
    const std::string count = std::to_string(many_rows);
    const std::string sql = is_postgres(backend)
                                ? "SELECT i FROM generate_series(1, " + count + ") AS g(i)"
                                : "SELECT seq FROM seq_1_to_" + count;
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_conn_query(conn.get(), sql.c_str(), -1, nullptr, 0, 10 * plenty_ms, nullptr,
                               &made, err);
    });
    const Result result(made);
    std::vector<int64_t> block(65'536 / 8);
    int64_t total = 0, sum = 0, before = 0;
    for (Answer answer; answer.status != MTDB_DONE;) {
        int64_t rows = 0, used = 0;
        answer = ask([&](mtdb_error** err) {
            return mtdb_result_fetch(made, block.data(), 65'536, 0, &rows, &used, err);
        });
        must(answer);
        if (total == 0) {
            forget_peak();
            before = memory_kib("VmRSS:");
        }
        total += rows;
        sum += sum_of(block);
    }
    const int64_t grown = memory_kib("VmHWM:") - before;
    std::printf("%lld rows, peak memory grew by %lld KiB\n", static_cast<long long>(total),
                static_cast<long long>(grown));
    check(total == many_rows, std::to_string(total) + " rows");
    check(sum == many_rows * (many_rows + 1) / 2, "the rows' sum is " + std::to_string(sum));
    check(before > 0 && grown < 8 * 1024, "memory grew by " + std::to_string(grown) + " KiB");
}

void drop_all(const std::string& url) {
    const Db db = open_db(url);
    for (int i = 0; i < 4; ++i)
        mtdb_tenant_drop(db.get(), ("lg" + std::to_string(i)).c_str(), -1, plenty_ms, nullptr,
                         nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: long BACKEND URL|VARIABLE\n");
        return 2;
    }
    try {
        const std::string backend = argv[1];
        const uint64_t given = seed(("long " + backend).c_str());
        const std::string target = argv[2];
        const std::string url =
            target.starts_with("MTDB_TEST_") ? conformance::environment(argv[2]) : target;
        drop_all(url);
        test(backend + ": 10,000 cancels at random moments never hit another statement",
             [&] { cancels(backend, url, given); });
        test(backend + ": ten million rows are read in constant memory",
             [&] { stream(backend, url); });
        drop_all(url);
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "long: %s\n", error.what());
        return 1;
    }
}
