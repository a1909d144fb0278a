// SPDX-License-Identifier: MIT
// Eight processes take leases and run verbs of a migrator while flags are set, renewed, cleared and left to expire: no
// lease is out once parked was reported, nobody stays held after the end, and no token but the owner's is heard. Some
// processes live minutes off the true time.
// Usage: quiesce [VARIABLE]: the environment variable that has the store's url; without one a file.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

constexpr int workers = 8;
constexpr int64_t rounds = 100;
constexpr int64_t announce_ms = 1500;

// Shared by all; it begins as zeros.
struct Board {
    std::atomic<int64_t> parked{0};  // the round in which parked was reported and holds; 0: none
    std::atomic<bool> stop{false};
    std::atomic<bool> rest{false};  // worker 0 takes no new lease and says so
    std::atomic<bool> rests{false};
    std::array<std::atomic<int64_t>, workers> leases{};
    std::array<std::atomic<int64_t>, workers> refusals{};
    std::array<std::atomic<int64_t>, workers> verbs{};
    std::array<std::atomic<int64_t>, 4 * rounds> broken{};  // leases that were out in a parked round
    std::atomic<int> failures{0};
    std::array<char, 400> failure{};

    void fail(const std::string& why) {
        if (failures.fetch_add(1) == 0) std::snprintf(failure.data(), failure.size(), "%s", why.c_str());
    }
    void look() {
        if (const int64_t round = parked.load()) broken[static_cast<std::size_t>(round) % broken.size()].fetch_add(1);
    }
};

using Quiesce = std::unique_ptr<mtdb_quiesce, Release<mtdb_quiesce_release>>;

Quiesce open_flags(mtdb_db* db, const std::string& store) {
    const Options options = options_of({{"quiesce.store", store},
                                        {"quiesce.refresh_ms", "50"},
                                        {"quiesce.announce_ms", std::to_string(announce_ms)},
                                        {"quiesce.on_error", "closed"}});
    mtdb_quiesce* out = nullptr;
    ok([&](mtdb_error** err) { return mtdb_quiesce_new(db, options.get(), &out, err); });
    return Quiesce(out);
}

// ---- a worker -----------------------------------------------------------------------------------

void use_a_lease(mtdb_db* db, Board& board, std::size_t index) {
    Conn conn;
    const Answer answer = acquire(db, index % 2 == 0 ? "acme" : "beta", conn);
    if (answer.status == MTDB_TENANT_HELD || answer.status == MTDB_UNAVAILABLE) {
        board.refusals[index].fetch_add(1);
        sleep_ms(1);
        return;
    }
    must(answer);
    board.look();
    const int64_t looks = board.leases[index].fetch_add(1) % 16 == 0 ? 30 : 1;  // some stay out for long
    for (int64_t i = 0; i < looks; ++i) {
        sleep_ms(2);
        board.look();
    }
    must(give_back(conn.get()));
}

void use_a_verb(mtdb_migrator* migrator, Board& board, std::size_t index) {
    const int64_t before = board.parked.load();
    mtdb_result* out = nullptr;
    const Answer answer = ask([&](mtdb_error** err) {
        return mtdb_migrator_status(migrator, "acme", -1, plenty_ms, nullptr, &out, err);
    });
    const Result rows(out);
    if (answer.status == MTDB_TENANT_HELD || answer.status == MTDB_UNAVAILABLE) return;
    must(answer);
    if (before != 0 && board.parked.load() == before) board.look();
    board.verbs[index].fetch_add(1);
}

void work(Board& board, std::size_t index, const std::string& root, const std::string& store) {
    const Db db = open_db(root);
    const Quiesce flags = open_flags(db.get(), store);
    const Migrator migrator = new_migrator(db.get());
    add_script(migrator.get(), 1, "CREATE TABLE t(v)");
    ok([&](mtdb_error** err) { return mtdb_quiesce_enable(flags.get(), plenty_ms, nullptr, err); });
    while (!board.stop) {
        board.rests = index == 0 && board.rest;
        if (index == 0 && board.rest) {
            sleep_ms(1);
            continue;
        }
        use_a_lease(db.get(), board, index);
        if (index >= 6) use_a_verb(migrator.get(), board, index);
    }
    must(close_db(db.get()));
}

int worker_main(char** arguments) {
    void* const memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(arguments[2]), 0);
    if (memory == MAP_FAILED) return 2;
    auto& board = *static_cast<Board*>(memory);
    try {
        work(board, static_cast<std::size_t>(std::atoi(arguments[3])), arguments[4], arguments[5]);
    } catch (const std::exception& error) {
        board.fail(error.what());
        return 1;
    }
    return 0;
}

// ---- the operator -------------------------------------------------------------------------------

class Crew {
public:
    Crew(std::string root, std::string store, bool skewed) {
        const int fd = memfd_create("board", 0);
        if (fd < 0 || ftruncate(fd, sizeof(Board)) != 0) throw Failed("no shared memory");
        void* const memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) throw Failed("no shared memory");
        board_ = static_cast<Board*>(memory);
        for (int i = 0; i < workers; ++i) children_.push_back(start(i, fd, root, store, skewed));
        close(fd);
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew() {
        board_->stop = true;
        for (const pid_t child : children_) {
            kill(child, SIGCONT);
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
        }
        munmap(board_, sizeof(Board));
    }
    Board& board() { return *board_; }
    pid_t child(std::size_t index) const { return children_[index]; }
    void dismiss() {
        board_->stop = true;
        for (const pid_t child : std::exchange(children_, {})) join(child);
    }
    // Everyone gets a lease again.
    void wait_for_work() {
        std::array<int64_t, workers> before{};
        for (std::size_t i = 0; i < workers; ++i) before[i] = board_->leases[i];
        const int64_t end = now_ms() + 3 * plenty_ms;
        for (std::size_t i = 0; i < workers; ++i)
            while (board_->leases[i] == before[i]) {
                check(board_->failures == 0, board_->failure.data());
                check(now_ms() < end, "worker " + std::to_string(i) + " is held after the end of the flag");
                sleep_ms(1);
            }
    }

private:
    static pid_t start(int index, int fd, const std::string& root, const std::string& store, bool skewed) {
        const std::string skew = index == 1 ? "+7m" : "-11m";
        const bool off = skewed && (index == 1 || index == 2);
        std::fflush(stdout);
        const pid_t child = fork();
        if (child < 0) throw Failed("cannot fork");
        if (child > 0) return child;
        if (off) {
            setenv("LD_PRELOAD", MTDB_FAKETIME, 1);
            setenv("FAKETIME", skew.c_str(), 1);
            setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
        }
        execl("/proc/self/exe", "quiesce", "--worker", std::to_string(fd).c_str(), std::to_string(index).c_str(),
              root.c_str(), store.c_str(), nullptr);
        _exit(127);
    }

    Board* board_ = nullptr;
    std::vector<pid_t> children_;
};

Answer set(mtdb_quiesce* flags, int64_t ttl_ms, std::string& token) {
    char text[32];
    int64_t needed = 0;
    const Answer answer = ask([&](mtdb_error** err) {
        return mtdb_quiesce_set(flags, "global", -1, "operator", -1, "a round", -1, ttl_ms, 0, plenty_ms, nullptr, text,
                                sizeof text, &needed, nullptr, err);
    });
    token.assign(text, answer.ok() ? sizeof text : 0);
    return answer;
}

Answer clear(mtdb_quiesce* flags, const std::string& token) {
    return ask([&](mtdb_error** err) {
        return mtdb_quiesce_clear(flags, "global", -1, "operator", -1, token.data(),
                                  static_cast<int64_t>(token.size()), 0, plenty_ms, nullptr, err);
    });
}

Answer renew(mtdb_quiesce* flags, const std::string& token, int64_t ttl_ms) {
    return ask([&](mtdb_error** err) {
        return mtdb_quiesce_renew(flags, "global", -1, token.data(), static_cast<int64_t>(token.size()), ttl_ms,
                                  plenty_ms, nullptr, nullptr, err);
    });
}

Answer wait_parked(mtdb_quiesce* flags, int64_t& processes) {
    mtdb_result* out = nullptr;
    const Answer answer = ask([&](mtdb_error** err) {
        return mtdb_quiesce_wait_parked(flags, "global", -1, plenty_ms, nullptr, &out, err);
    });
    const Result rows(out);
    for (processes = 0; out != nullptr && mtdb_result_next(out, nullptr) == MTDB_OK;) ++processes;
    return answer;
}

struct Operator {
    mtdb_quiesce* flags;
    mtdb_quiesce* rival;
    Board& board;
    Crew& crew;
    int64_t late = 0;  // rounds that parked too late to be looked at
    int64_t seen = 0;
    int64_t broken = 0;

    void check_rival() {
        must_be(MTDB_PERMISSION, clear(rival, {}));
        must_be(MTDB_PERMISSION, clear(rival, "00000000000000000000000000000000"));
        must_be(MTDB_PERMISSION, renew(rival, "00000000000000000000000000000000", 1000));
        std::string token;
        must_be(MTDB_EXISTS, set(rival, 1000, token));
    }

    // One round of: set and clear; set, renew and clear; set and let expire.
    void run(int64_t round) {
        enum { clears, renews, expires };
        const int64_t kind = round % 3;
        const int64_t ttl_ms = kind == expires ? 400 : 20000;
        std::string token;
        must(set(flags, ttl_ms, token));
        const int64_t end = now_ms() + ttl_ms;  // later than the flag's
        const int64_t sure = end - ttl_ms / 4;
        int64_t processes = 0;
        const Answer parked = wait_parked(flags, processes);
        if (parked.ok() && now_ms() < sure) {
            board.parked = round;
            if (kind != expires) check_rival();
            sleep_ms(kind == expires ? 15 : 25);
            if (kind == renews) must(renew(flags, token, 20000));
            if (kind == renews) sleep_ms(20);
            board.parked = 0;
            ++seen;
            check(processes == workers, "parked were " + std::to_string(processes));
            if (now_ms() < sure) broken += board.broken[static_cast<std::size_t>(round) % board.broken.size()];
        } else {
            if (kind != expires) must(parked);
            ++late;
        }
        if (kind != expires) must(clear(flags, token));
        crew.wait_for_work();
    }
};

// A worker that sleeps past its announcement counts as gone; awake again it looks before it grants.
void check_sleeper(Crew& crew, mtdb_quiesce* flags) {
    Board& board = crew.board();
    board.rest = true;
    while (!board.rests) sleep_ms(1);
    sleep_ms(20);  // the last lease has gone back
    kill(crew.child(0), SIGSTOP);
    sleep_ms(announce_ms + 200);
    std::string token;
    int64_t processes = 0;
    must(set(flags, 20000, token));
    must(wait_parked(flags, processes));
    check(processes == workers - 1, "parked were " + std::to_string(processes));
    constexpr int64_t round = 4 * rounds - 1;
    board.parked = round;
    board.rest = false;
    const int64_t refusals = board.refusals[0];
    kill(crew.child(0), SIGCONT);
    const int64_t end = now_ms() + plenty_ms;
    while (board.refusals[0] < refusals + 20) {
        check(now_ms() < end, "the worker does not look");
        sleep_ms(1);
    }
    check(board.broken[round] == 0, "a lease was granted before the flag was read again");
    board.parked = 0;
    must(clear(flags, token));
    crew.wait_for_work();
}

void run_all(const std::string& store, bool skewed) {
    const Folder folder(Folder::Kind::speedy);
    const std::string address = store.empty() ? folder / "control.sqlite" : store;
    const std::string root = folder / "tenants";
    must(ask([&](mtdb_error**) { return mkdir(root.c_str(), 0700) == 0 ? MTDB_OK : MTDB_IO; }));
    const Db db = open_db(root);
    must(create(db.get(), "acme"));
    must(create(db.get(), "beta"));
    const Quiesce flags = open_flags(db.get(), address);
    const Quiesce rival = open_flags(db.get(), address);
    ok([&](mtdb_error** err) { return mtdb_quiesce_create(flags.get(), plenty_ms, nullptr, err); });
    Crew crew(root, address, skewed);
    crew.wait_for_work();
    Operator boss{flags.get(), rival.get(), crew.board(), crew};
    test("no lease is out once parked was reported, and none stays held after the end", [&] {
        for (int64_t round = 1; round <= std::min(scaled(rounds), 4 * rounds - 2); ++round) boss.run(round);
        check(boss.broken == 0, std::to_string(boss.broken) + " leases were out");
        check(boss.seen > boss.late, "too few rounds parked in time");
    });
    test("a process that slept past its announcement grants nothing before it has read the flag again",
         [&] { check_sleeper(crew, flags.get()); });
    std::printf("  %lld rounds parked, %lld too late to be looked at\n", static_cast<long long>(boss.seen),
                static_cast<long long>(boss.late));
    test("every process ends by itself", [&] { crew.dismiss(); });
}

// On MariaDB flags need a database: one of this test's own.
std::string with_database(const std::string& url) {
    if (!url.starts_with("mysql:")) return url;
    const std::string name = "mtdb_stress_control";
    const Db server = open_db(url);
    if (!exists(server.get(), name)) must(create(server.get(), name));
    std::string own = url;
    return own.insert(std::min(url.find('?'), url.size()), name);
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 6 && std::string_view(arguments[1]) == "--worker") return worker_main(arguments);
    std::string store;
    if (count > 1) {
        const char* const url = std::getenv(arguments[1]);
        if (url == nullptr) {
            std::printf("%s names no server: start one, it is not optional\n", arguments[1]);
            return 1;
        }
        store = with_database(url);
    }
    // A file's clock is the process's own.
    try {
        run_all(store, !store.empty());
    } catch (const std::exception& error) {
        std::printf("%s\n", error.what());
        return 1;
    }
    return summary();
}
