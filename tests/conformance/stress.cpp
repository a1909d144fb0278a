// SPDX-License-Identifier: MIT
// Usage: stress BACKEND URL|VARIABLE: postgres/schema, postgres/pgbouncer or mariadb, under tests/servers/run.
// 500 tenants over 8 connections, 16 threads, and everything that can go wrong with a lease, its connection killed from
// outside included: every row that a lease shows carries its tenant's mark; one foreign row ends the run.
// MTDB_SCALE 6 is about two minutes.
#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "harness.hpp"
#include "side.hpp"

namespace {

using namespace harness;
using conformance::environment;
using conformance::Side;

constexpr int tenants = 500;
constexpr int threads = 16;

std::string name_of(int tenant) { return "st" + std::to_string(tenant); }

struct Board {
    std::array<std::atomic<int64_t>, tenants> written{};  // rows acknowledged
    std::array<std::atomic<int64_t>, tenants> unknown{};  // rows whose fate an error left open
    std::atomic<int64_t> rows_read{0}, failures{0}, cancels{0}, kills{0};
    bool killing = true;
    std::atomic<bool> broken{false}, over{false};
    std::mutex mutex;
    std::string wrong;

    void break_with(const std::string& what) {
        const std::lock_guard lock(mutex);
        if (wrong.empty()) wrong = what;
        broken = true;
    }
};

struct Texts {
    std::string endless, many;
    bool cancels = true;             // PgBouncer 1.18 ends itself when many cancels pass ("server in bad state")
    std::vector<std::string> wrong;  // each fails
    std::vector<std::string> moves;  // each tries to stand in another tenant
};

Texts texts_of(const std::string& backend) {
    Texts texts;
    texts.cancels = backend != "postgres/pgbouncer";
    texts.wrong = {"SELECT nothing FROM nowhere", "INSERT INTO t(id, mark) VALUES(1, 'foreign')",
                   "UPDATE t SET mark = NULL", "SELECT * FROM st0_absent", "INSERT INTO t(mark) VALUES('x', 'y')"};
    if (backend.starts_with("postgres")) {
        texts.endless = "SELECT pg_sleep(60)";
        texts.many = "SELECT mark FROM t, generate_series(1, 2000) AS g(i)";
        texts.moves = {
            "SET search_path TO st0",       "SELECT set_config('search_path', 'st1', false)", "RESET ALL",
            "SET LOCAL search_path TO st2", "CREATE TEMP TABLE t(id BIGINT, mark TEXT)",      "DEALLOCATE ALL"};
    } else {
        texts.endless = "SELECT SLEEP(60)";
        texts.many = "SELECT mark FROM t, seq_1_to_2000";
        texts.moves = {"USE st0", "USE information_schema", "SET @mark = 'st1'", "SET time_zone = '+05:00'"};
    }
    return texts;
}

// What a crowded, cancelled, killed call may answer.
void tolerable(const Answer& answer) {
    must_be_one_of({MTDB_OK, MTDB_DONE, MTDB_POOL_EXHAUSTED, MTDB_TIMEOUT, MTDB_CANCELLED, MTDB_BUSY, MTDB_TX_LOST,
                    MTDB_SERIALIZATION, MTDB_CONSTRAINT, MTDB_SQL_ERROR, MTDB_PERMISSION, MTDB_UNAVAILABLE,
                    MTDB_UNSUPPORTED, MTDB_INVALID_STATE},
                   answer);
}

class Worker {
public:
    Worker(mtdb_db* db, const Texts& texts, Board& board, uint64_t number)
        : db_(db), texts_(texts), board_(board), random_(number), cancel_(new_cancel()) {}

    void act() {
        // Half of the work hits a few tenants, so that affinity and contention are tried too.
        tenant_ = static_cast<int>(pick(random_, 0, 1) == 0 ? pick(random_, 0, 7) : pick(random_, 0, tenants - 1));
        name_ = name_of(tenant_);
        mtdb_cancel_reset(cancel_.get(), nullptr, nullptr);
        switch (pick(random_, 0, 9)) {
            case 0:
                return one_shot_write();
            case 1:
            case 2:
                return one_shot_read();
            default:
                return with_lease();
        }
    }
    mtdb_cancel* token() const { return cancel_.get(); }

private:
    mtdb_cancel* maybe_cancel() { return texts_.cancels && pick(random_, 0, 2) == 0 ? cancel_.get() : nullptr; }
    int64_t time(int64_t least, int64_t most) { return texts_.cancels ? pick(random_, least, most) : plenty_ms; }
    std::string insert() const { return "INSERT INTO t(mark) VALUES('" + name_ + "')"; }
    std::size_t slot() const { return static_cast<std::size_t>(tenant_); }
    const std::string& any(const std::vector<std::string>& texts) {
        return texts[static_cast<std::size_t>(pick(random_, 0, static_cast<int64_t>(texts.size()) - 1))];
    }

    bool tolerate(const Answer& answer) {
        tolerable(answer);
        if (!answer.ok()) board_.failures.fetch_add(1);
        return answer.ok();
    }
    void account(const Answer& answer, int64_t rows) {
        if (answer.ok())
            board_.written[slot()].fetch_add(rows);
        else if (answer.effect == MTDB_EFFECT_UNKNOWN)
            board_.unknown[slot()].fetch_add(rows);
        else
            check(answer.effect != MTDB_EFFECT_COMMITTED, answer.text());
    }

    void see(mtdb_result* result) {
        board_.rows_read.fetch_add(1);
        const char* mark = mtdb_value_text(result, 0, nullptr);
        if (mark != nullptr && name_ == mark) return;
        throw Failed("a lease of " + name_ + " shows a row of " + (mark != nullptr ? mark : "nobody"));
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
            return mtdb_db_exec(db_, name_.c_str(), -1, sql.c_str(), -1, nullptr, 0, time(5, 2000), maybe_cancel(),
                                nullptr, err);
        });
        tolerate(answer);
        account(answer, 1);
    }

    void one_shot_read() {
        mtdb_result* made = nullptr;
        const std::string sql = pick(random_, 0, 3) == 0 ? texts_.many : "SELECT mark FROM t";
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_db_query(db_, name_.c_str(), -1, sql.c_str(), -1, nullptr, 0, time(5, 2000), maybe_cancel(),
                                 &made, err);
        });
        const Result result(made);
        if (tolerate(answer)) read_some(made);  // often given up half-read
    }

    void with_lease() {
        Conn conn;
        if (!tolerate(acquire(db_, name_, conn, time(5, 3000), maybe_cancel()))) return;
        const int64_t acts = pick(random_, 1, 4);
        clean_ = true;
        bool open = false;
        for (int64_t i = 0; i < acts && !open; ++i) {
            switch (pick(random_, 0, 7)) {
                case 0:
                    write(conn.get());
                    break;
                case 1:
                    open = transaction(conn.get());
                    break;
                case 2:
                    tolerate(exec(conn.get(), any(texts_.wrong), 5000));
                    break;
                case 3:
                    run_too_long(conn.get());
                    break;
                case 4:
                    move(conn.get());
                    break;
                default:
                    prepared_read(conn.get());
                    break;
            }
        }
        if (pick(random_, 0, 9) > 0) give_back(conn.get());  // else it is abandoned
    }

    // After it the lease only reads: a temporary table may hide what it would write.
    void move(mtdb_conn* conn) {
        tolerate(exec(conn, any(texts_.moves), 5000));
        clean_ = false;
    }

    void write(mtdb_conn* conn) {
        if (!clean_) return;
        const Answer answer = exec(conn, insert(), time(1, 2000), maybe_cancel());
        tolerate(answer);
        account(answer, 1);
    }

    // True when it was left open: whoever ends the lease rolls it back.
    bool transaction(mtdb_conn* conn) {
        if (!clean_) return false;
        if (!tolerate(ask(
                [&](mtdb_error** err) { return mtdb_tx_begin(conn, nullptr, time(1, 2000), maybe_cancel(), err); })))
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
        rollback(conn);
        return false;
    }

    void run_too_long(mtdb_conn* conn) {
        if (!texts_.cancels) return;
        const Answer answer = exec(conn, texts_.endless, pick(random_, 1, 20), maybe_cancel());
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
        const Answer answer =
            ask([&](mtdb_error** err) { return mtdb_stmt_execute(prepared, plenty_ms, maybe_cancel(), &made, err); });
        const Result result(made);
        if (tolerate(answer)) read_some(made);
    }

    mtdb_db* db_;
    const Texts& texts_;
    Board& board_;
    Random random_;
    Cancel cancel_;
    int tenant_ = 0;
    bool clean_ = true;
    std::string name_;
};

Db open_crowded(const std::string& url) {
    return open_db(url, {{"placeholders", "portable"},
                         {"pool.size_max", "8"},
                         {"statement_cache", "8"},
                         {"pool.touched_max", "60"},
                         {"events.queue", "16"},
                         {"retry.interval_ms", "5"}});
}

void make_tenants(const std::string& backend, const std::string& url) {
    const Db db = open_crowded(url);
    std::vector<std::thread> makers;
    std::atomic<int> turn{0};
    std::string wrong;
    std::mutex mutex;
    for (int i = 0; i < 4; ++i)
        makers.emplace_back([&] {
            try {
                for (int tenant; (tenant = turn.fetch_add(1)) < tenants;) {
                    const std::string name = name_of(tenant);
                    must(create(db.get(), name));
                    must(exec(db.get(), name,
                              backend.starts_with("postgres")
                                  ? "CREATE TABLE t(id BIGSERIAL PRIMARY KEY, mark TEXT NOT NULL)"
                                  : "CREATE TABLE t(id BIGINT AUTO_INCREMENT PRIMARY KEY, mark VARCHAR(20) NOT NULL)"));
                    must(exec(db.get(), name, "INSERT INTO t(mark) VALUES('" + name + "'),('" + name + "')"));
                }
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex);
                wrong = error.what();
            }
        });
    for (auto& maker : makers) maker.join();
    check(wrong.empty(), wrong);
}

// Ends sessions of the application from outside, a few per second.
void kill_some(const std::string& backend, Board& board) {
    try {
        const auto side = conformance::side_of(backend, backend.starts_with("postgres") ? "stress" : "");
        const std::string victim =
            backend.starts_with("postgres")
                ? "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND datname = 'stress' "
                  "AND "
                  "backend_type = 'client backend' ORDER BY random() LIMIT 1"
                : "SELECT id FROM information_schema.processlist WHERE user = 'app' AND db REGEXP '^st[0-9]+$' ORDER "
                  "BY RAND() LIMIT 1";
        while (!board.over) {
            sleep_ms(150);
            const std::string answer = side->run(victim);
            if (answer.empty()) continue;
            if (!backend.starts_with("postgres")) side->end(answer);
            board.kills.fetch_add(1);
        }
    } catch (const std::exception& error) {
        board.break_with(error.what());
    }
}

void run(const std::string& backend, const std::string& url, Board& board, int64_t acts, uint64_t first_seed) {
    const Db db = open_crowded(url);
    const Texts texts = texts_of(backend);
    std::vector<std::unique_ptr<Worker>> workers;
    for (uint64_t i = 0; i < threads; ++i)
        workers.push_back(std::make_unique<Worker>(db.get(), texts, board, first_seed + i));
    // PgBouncer 1.18 ends itself ("server in bad state") when a session that it is to cancel dies: rows that nobody
    // reads are cancelled too.
    board.killing = texts.cancels;
    std::thread killer([&] {
        if (board.killing) kill_some(backend, board);
    });
    std::thread canceller([&] {
        Random random(11);
        while (!board.over) {
            sleep_ms(1);
            const auto victim = static_cast<std::size_t>(pick(random, 0, threads - 1));
            mtdb_cancel_trigger(workers[victim]->token(), 0, nullptr);
            board.cancels.fetch_add(1);
        }
    });
    std::vector<std::thread> running;
    for (const auto& worker : workers)
        running.emplace_back([&board, &worker, acts] {
            try {
                for (int64_t act = 0; act < acts && !board.broken; ++act) worker->act();
            } catch (const std::exception& error) {
                board.break_with(error.what());
            }
        });
    for (auto& thread : running) thread.join();
    board.over = true;
    killer.join();
    canceller.join();
    check(!board.broken, board.wrong);
    workers.clear();
    must(close_db(db.get()));
}

void verify(const std::string& url, Board& board, int64_t acts) {
    const Db db = open_crowded(url);
    for (int tenant = 0; tenant < tenants; ++tenant) {
        const std::string name = name_of(tenant);
        check(int_in(db.get(), name, "SELECT count(*) FROM t WHERE mark <> '" + name + "'") == 0,
              name + " holds a foreign row");
        const int64_t held = int_in(db.get(), name, "SELECT count(*) FROM t") - 2;
        const int64_t written = board.written[static_cast<std::size_t>(tenant)];
        const int64_t unknown = board.unknown[static_cast<std::size_t>(tenant)];
        check(held >= written && held <= written + unknown, name + " holds " + std::to_string(held) +
                                                                " rows, acknowledged were " + std::to_string(written) +
                                                                ", unknown " + std::to_string(unknown));
    }
    std::printf("%lld acts, %lld rows read, %lld calls failed, %lld sessions killed\n", static_cast<long long>(acts),
                static_cast<long long>(board.rows_read), static_cast<long long>(board.failures),
                static_cast<long long>(board.kills));
    check(board.rows_read > acts / 2, "too few rows were read to mean something");
    check(board.failures > acts / 20, "too few calls failed to mean something");
    check(board.kills > 0 || !board.killing, "no session was killed");
}

// Fresh places for the tenants; the url that leads to them.
std::string prepared_url(const std::string& backend, std::string url) {
    const auto side = conformance::side_of(backend);
    if (backend.starts_with("postgres")) {
        side->run("DROP DATABASE IF EXISTS stress WITH (FORCE)");
        side->run("CREATE DATABASE stress OWNER app");
        if (const std::size_t at = url.find("/app?"); at != std::string::npos) url.replace(at, 5, "/stress?");
        return url;
    }
    for (int tenant = 0; tenant < tenants; ++tenant) side->run("DROP DATABASE IF EXISTS " + name_of(tenant));
    return url;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: stress BACKEND URL|VARIABLE\n");
        return 2;
    }
    try {
        const std::string backend = argv[1];
        const uint64_t given = seed(("stress " + backend).c_str());
        const std::string target = argv[2];
        const std::string url = prepared_url(backend, target.starts_with("MTDB_TEST_") ? environment(argv[2]) : target);
        make_tenants(backend, url);
        const int64_t acts = scaled(400);
        test(backend + ": 16 threads over 8 connections see only their tenants' rows", [&] {
            Board board;
            run(backend, url, board, acts, given);
            verify(url, board, acts * threads);
            check(live_handles() == 0, std::to_string(live_handles()) + " handles are left over");
        });
        prepared_url(backend, url);
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "stress: %s\n", error.what());
        return 1;
    }
}
