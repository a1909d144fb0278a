// SPDX-License-Identifier: MIT
// A thousand tenants, many threads, constant eviction, and everything that can go wrong with a lease: no row of one
// tenant is ever seen through a lease of another.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "shared.hpp"

using namespace harness;

namespace {

constexpr int tenants = 1000;

std::string name_of(int tenant) { return "t" + std::to_string(tenant); }

// What all processes of a run share.
struct Board {
    std::array<std::atomic<int64_t>, tenants> written{};  // rows acknowledged
    std::array<std::atomic<int64_t>, tenants> unknown{};  // rows whose fate an error left open
    std::atomic<int64_t> rows_read{0};
    std::atomic<int64_t> failures{0};  // calls that failed on purpose or by lack of something
    std::atomic<int64_t> evicted{0};
    std::atomic<bool> broken{false};
};

// What a crowded, cancelled, timed-out call may answer.
void must_be_tolerable(const Answer& answer) {
    must_be_one_of({MTDB_OK, MTDB_DONE, MTDB_POOL_EXHAUSTED, MTDB_TIMEOUT, MTDB_CANCELLED, MTDB_BUSY, MTDB_TX_LOST,
                    MTDB_SERIALIZATION, MTDB_CONSTRAINT, MTDB_SQL_ERROR, MTDB_PERMISSION},
                   answer);
}

// Triggers tokens of its friends at random moments.
class Canceller {
public:
    Canceller() : thread_([this] {
        Random random(11);
        while (!over_) {
            sleep_ms(1);
            const std::lock_guard lock(mutex_);
            if (tokens_.empty()) continue;
            mtdb_cancel_trigger(
                tokens_[static_cast<std::size_t>(pick(random, 0, static_cast<int64_t>(tokens_.size()) - 1))], 0,
                nullptr);
        }
    }) {}
    Canceller(const Canceller&) = delete;
    ~Canceller() {
        over_ = true;
        thread_.join();
    }
    void watch(mtdb_cancel* token) {
        const std::lock_guard lock(mutex_);
        tokens_.push_back(token);
    }
    void forget(mtdb_cancel* token) {
        const std::lock_guard lock(mutex_);
        std::erase(tokens_, token);
    }

private:
    std::mutex mutex_;
    std::vector<mtdb_cancel*> tokens_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

class Worker {
public:
    Worker(mtdb_db* db, Board& board, Canceller& canceller, uint64_t number)
        : db_(db), board_(board), canceller_(canceller), random_(number), cancel_(new_cancel()) {
        canceller_.watch(cancel_.get());
    }
    Worker(const Worker&) = delete;
    ~Worker() { canceller_.forget(cancel_.get()); }

    void act() {
        // Half of the work hits a few tenants, so that their pools are contended too.
        tenant_ = static_cast<int>(pick(random_, 0, 1) == 0 ? pick(random_, 0, 7) : pick(random_, 0, tenants - 1));
        name_ = name_of(tenant_);
        mtdb_cancel_reset(cancel_.get(), nullptr, nullptr);
        switch (pick(random_, 0, 9)) {
            case 0: return one_shot_write();
            case 1: return one_shot_read();
            default: return with_lease();
        }
    }

private:
    mtdb_cancel* maybe_cancel() { return pick(random_, 0, 2) == 0 ? cancel_.get() : nullptr; }
    std::string insert() const { return "INSERT INTO t(mark) VALUES('" + name_ + "')"; }

    bool tolerate(const Answer& answer) {
        must_be_tolerable(answer);
        if (!answer.ok()) board_.failures.fetch_add(1);
        return answer.ok();
    }
    void account(const Answer& answer, int64_t rows) {
        if (answer.ok()) board_.written[static_cast<std::size_t>(tenant_)].fetch_add(rows);
        if (answer.effect == MTDB_EFFECT_UNKNOWN) board_.unknown[static_cast<std::size_t>(tenant_)].fetch_add(rows);
        check(answer.effect != MTDB_EFFECT_COMMITTED, answer.text());
    }

    void see(mtdb_result* result) {
        board_.rows_read.fetch_add(1);
        const std::string mark = mtdb_value_text(result, 0, nullptr);
        if (mark == name_) return;
        board_.broken = true;
        throw Failed("a lease of " + name_ + " shows a row of " + mark);
    }

    void read_some(mtdb_result* result) {
        const int64_t rows = pick(random_, 1, 30);
        for (int64_t i = 0; i < rows; ++i) {
            const Answer answer = ask([&](mtdb_error** err) { return mtdb_result_next(result, err); });
            if (!tolerate(answer) || answer.status == MTDB_DONE) return;
            see(result);
        }
    }

    void one_shot_write() {
        const std::string sql = insert();
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_db_exec(db_, name_.c_str(), -1, sql.c_str(), -1, nullptr, 0, pick(random_, 0, 50),
                                maybe_cancel(), nullptr, err);
        });
        tolerate(answer);
        account(answer, 1);
    }

    void one_shot_read() {
        mtdb_result* made = nullptr;
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_db_query(db_, name_.c_str(), -1, "SELECT mark FROM t", -1, nullptr, 0, pick(random_, 1, 50),
                                 maybe_cancel(), &made, err);
        });
        const Result result(made);
        if (tolerate(answer)) read_some(made);  // often given up half-read
    }

    void with_lease() {
        Conn conn;
        if (!tolerate(acquire(db_, name_, conn, pick(random_, 0, 30), maybe_cancel()))) return;
        const int64_t acts = pick(random_, 1, 4);
        bool open = false;
        for (int64_t i = 0; i < acts && !open; ++i) {
            switch (pick(random_, 0, 6)) {
                case 0: write(conn.get()); break;
                case 1: open = transaction(conn.get()); break;
                case 2: fail(conn.get()); break;
                case 3: run_too_long(conn.get()); break;
                default: prepared_read(conn.get()); break;
            }
        }
        if (pick(random_, 0, 9) > 0) must(give_back(conn.get()));  // else it is abandoned
    }

    void write(mtdb_conn* conn) {
        const Answer answer = exec(conn, insert(), pick(random_, 0, 50), maybe_cancel());
        tolerate(answer);
        account(answer, 1);
    }

    // True when it was left open: whoever ends the lease rolls it back.
    bool transaction(mtdb_conn* conn) {
        if (!tolerate(ask([&](mtdb_error** err) {
                return mtdb_tx_begin(conn, nullptr, pick(random_, 0, 50), maybe_cancel(), err);
            })))
            return false;
        const int64_t rows = pick(random_, 1, 4);
        bool whole = true;
        for (int64_t i = 0; i < rows && whole; ++i) whole = tolerate(exec(conn, insert(), plenty_ms, maybe_cancel()));
        const int64_t end = pick(random_, 0, 7);
        if (end == 0) return true;
        if (whole && end > 2) {
            const Answer answer = commit(conn);
            tolerate(answer);
            account(answer, rows);
            if (answer.ok()) return false;
        }
        must(rollback(conn));
        return false;
    }

    void fail(mtdb_conn* conn) {
        static const char* const wrong[] = {
            "SELECT nothing", "INSERT INTO t(id, mark) VALUES(1, 'foreign')", "ATTACH 't0.db' AS other",
            "UPDATE t SET mark = NULL", "PRAGMA journal_mode=DELETE"};
        const Answer answer = exec(conn, wrong[pick(random_, 0, 4)]);
        check(!answer.ok(), "a wrong statement succeeded");
        tolerate(answer);
    }

    void run_too_long(mtdb_conn* conn) {
        const Answer answer =
            exec(conn,
                 "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n)",
                 1, maybe_cancel());
        check(!answer.ok(), "an endless query ended");
        tolerate(answer);
    }

    void prepared_read(mtdb_conn* conn) {
        mtdb_stmt* prepared = nullptr;
        if (!tolerate(ask([&](mtdb_error** err) {
                return mtdb_stmt_prepare(conn, "SELECT mark FROM t WHERE id >= ?", -1, plenty_ms, maybe_cancel(),
                                         &prepared, err);
            })))
            return;
        const Stmt stmt(prepared);
        ok([&](mtdb_error** err) { return mtdb_stmt_bind_int64(prepared, 1, pick(random_, 0, 20), err); });
        mtdb_result* made = nullptr;
        const Answer answer = ask(
            [&](mtdb_error** err) { return mtdb_stmt_execute(prepared, plenty_ms, maybe_cancel(), &made, err); });
        const Result result(made);
        if (tolerate(answer)) read_some(made);
    }

    mtdb_db* db_;
    Board& board_;
    Canceller& canceller_;
    Random random_;
    Cancel cancel_;
    int tenant_ = 0;
    std::string name_;
};

Db open_crowded(const std::string& root) {
    return open_db(root, {{"pool.tenants_max", "24"},
                          {"files_max", "90"},
                          {"pool.size_max", "3"},
                          {"statement_cache", "4"},
                          {"sqlite.checkpoint_pages", "30"},
                          {"sqlite.synchronous", "off"}});
}

void make_tenants(const std::string& root) {
    const Db db = open_crowded(root);
    for (int tenant = 0; tenant < tenants; ++tenant) {
        const std::string name = name_of(tenant);
        must(create(db.get(), name));
        must(exec(db.get(), name, "CREATE TABLE t(id INTEGER PRIMARY KEY, mark TEXT NOT NULL)"));
        must(exec(db.get(), name, "INSERT INTO t(mark) VALUES('" + name + "'),('" + name + "')"));
    }
}

int64_t figure(mtdb_db* db, const std::string& name) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_stats(db, &made, err); });
    const Result result(made);
    while (mtdb_result_next(made, nullptr) == MTDB_OK)
        if (name == mtdb_value_text(made, 0, nullptr)) return mtdb_value_int64(made, 2);
    throw Failed("no figure " + name);
}

void run(const std::string& root, Board& board, int threads, int64_t acts, uint64_t first_seed) {
    const Db db = open_crowded(root);
    std::mutex mutex;
    std::string failure;
    {
        Canceller canceller;
        std::vector<std::thread> running;
        for (int i = 0; i < threads; ++i)
            running.emplace_back([&, i] {
                try {
                    Worker worker(db.get(), board, canceller, first_seed + static_cast<uint64_t>(i));
                    for (int64_t act = 0; act < acts && !board.broken; ++act) worker.act();
                } catch (const std::exception& error) {
                    board.broken = true;
                    const std::lock_guard lock(mutex);
                    failure = error.what();
                }
            });
        for (auto& thread : running) thread.join();
    }
    check(failure.empty(), failure);
    board.evicted.fetch_add(figure(db.get(), "connections.evicted"));
    must(close_db(db.get()));
}

void verify(const std::string& root, Board& board, int64_t acts) {
    const Db db = open_crowded(root);
    for (int tenant = 0; tenant < tenants; ++tenant) {
        const std::string name = name_of(tenant);
        check(int_in(db.get(), name, "SELECT count(*) FROM t WHERE mark <> '" + name + "'") == 0,
              name + " holds a foreign row");
        const int64_t held = int_in(db.get(), name, "SELECT count(*) FROM t") - 2;
        const int64_t written = board.written[static_cast<std::size_t>(tenant)];
        const int64_t unknown = board.unknown[static_cast<std::size_t>(tenant)];
        check(held >= written && held <= written + unknown,
              name + " holds " + std::to_string(held) + " rows, acknowledged were " + std::to_string(written));
    }
    std::printf("%lld acts, %lld rows read, %lld calls failed, %lld connections evicted\n",
                static_cast<long long>(acts), static_cast<long long>(board.rows_read),
                static_cast<long long>(board.failures), static_cast<long long>(board.evicted));
    check(board.rows_read > acts / 2, "too few rows were read to mean something");
    check(board.failures > acts / 20, "too few calls failed to mean something");
    check(board.evicted > acts / 20, "too few connections were evicted to mean something");
}

}  // namespace

int main() {
    const uint64_t given = seed("stress.isolation");
    const Folder root(Folder::Kind::speedy);
    make_tenants(root.path());
    const int64_t acts = scaled(2500);
    test("16 threads of one process see only their tenants' rows", [&] {
        const Shared<Board> board;
        in_child(
            [&] {
                run(root.path(), *board, 16, acts, given);
                check(live_handles() == 0, std::to_string(live_handles()) + " handles are left over");
            },
            Ending::handlers);
        in_child([&] { verify(root.path(), *board, acts * 16); });
    });
    const Folder second(Folder::Kind::speedy);
    make_tenants(second.path());
    test("two processes on one root see only their tenants' rows", [&] {
        const Shared<Board> board;
        std::vector<pid_t> children;
        for (uint64_t i = 0; i < 2; ++i)
            children.push_back(spawn([&, i] { run(second.path(), *board, 8, acts / 2 + 1, given + 100 * (i + 1)); }));
        for (const pid_t child : children) join(child, 600000);
        in_child([&] { verify(second.path(), *board, acts * 8); });
    });
    return summary();
}
