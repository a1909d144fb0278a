// SPDX-License-Identifier: MIT
// Eight threads, one tenant, small transactions; against plain handles that meet each other with a
// busy timeout.
#include <atomic>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int threads = 8;
constexpr int rounds = 5;
constexpr char update[] = "UPDATE counter SET v = v + 1 WHERE id = 1";
constexpr char insert[] = "INSERT INTO entry(v) VALUES ('a small row')";

// With FULL the disk decides how many commits there are; with NORMAL, how the lock changes hands.
struct Durability {
    const char* name;
    const char* pragma;
    int transactions;  // of each thread and round
};
constexpr Durability durabilities[] = {
    {"full", "PRAGMA synchronous=2", 50},
    {"normal", "PRAGMA synchronous=1", 500},
};

struct Round {
    double per_second;
    double p99_ms;
};

// `make` gives each thread its own transaction to repeat.
template <class Make>
Round contend(int transactions, Make make) {
    std::vector<std::vector<double>> times(threads);
    std::vector<std::thread> workers;
    std::atomic<bool> go{false};
    for (int i = 0; i < threads; ++i)
        workers.emplace_back([&, i] {
            auto transaction = make();
            while (!go.load()) std::this_thread::yield();
            for (int done = 0; done < transactions; ++done)
                times[static_cast<std::size_t>(i)].push_back(timed(transaction));
        });
    const double spent = timed([&] {
        go.store(true);
        for (auto& worker : workers) worker.join();
    });
    std::vector<double> all;
    for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
    return {threads * transactions / (spent / 1e9), percentile(all, 0.99) / 1e6};
}

void run(mtdb_conn* conn, const char* sql) {
    MUST(mtdb_conn_exec(conn, sql, -1, nullptr, 0, MTDB_FOREVER, nullptr, nullptr, &bench_error));
}

Round round_ours(mtdb_db* db, int transactions) {
    return contend(transactions, [db] {
        return [db] {
            auto conn = acquire(db, "ours");
            MUST(mtdb_tx_begin(conn.get(), nullptr, MTDB_FOREVER, nullptr, &bench_error));
            run(conn.get(), update);
            run(conn.get(), insert);
            MUST(mtdb_tx_commit(conn.get(), MTDB_FOREVER, nullptr, &bench_error));
            give_back(std::move(conn));
        };
    });
}

struct Peer {
    Peer(const std::string& path, const char* pragma) : handle(raw_open(path)) {
        raw_exec(handle.get(), pragma);
        sqlite3_busy_timeout(handle.get(), 60000);
        for (const char* sql : {"BEGIN IMMEDIATE", update, insert, "COMMIT"})
            steps.push_back(raw_prepare(handle.get(), sql));
    }
    void operator()() {
        for (const auto& step : steps) {
            must_sqlite(sqlite3_step(step.get()), handle.get(), "a transaction");
            sqlite3_reset(step.get());
        }
    }
    Owned<sqlite3> handle;
    std::vector<Owned<sqlite3_stmt>> steps;
};

void contend_with(const Durability& durability) {
    const Folder folder;
    auto db = open_db(folder.path(), {{"sqlite.synchronous", durability.name}});
    for (const char* tenant : {"ours", "peer"}) {
        create_tenant(db.get(), tenant);
        exec(db.get(), tenant, "CREATE TABLE counter(id INTEGER PRIMARY KEY, v INTEGER NOT NULL)");
        exec(db.get(), tenant, "CREATE TABLE entry(id INTEGER PRIMARY KEY, v TEXT NOT NULL)");
        exec(db.get(), tenant, "INSERT INTO counter VALUES (1, 0)");
    }
    const std::string peer_path = folder.path("peer.db");
    std::vector<double> ours_speed, peer_speed, ours_p99, peer_p99;
    for (int i = 0; i < rounds; ++i) {
        const Round ours = round_ours(db.get(), durability.transactions);
        const Round peer =
            contend(durability.transactions, [&] { return Peer(peer_path, durability.pragma); });
        ours_speed.push_back(ours.per_second);
        ours_p99.push_back(ours.p99_ms);
        peer_speed.push_back(peer.per_second);
        peer_p99.push_back(peer.p99_ms);
    }
    const Figures speed{median(ours_speed), median(peer_speed)};
    const Figures p99{median(ours_p99), median(peer_p99)};
    const std::string text = std::string("8 threads, synchronous=") + durability.name;
    print("write_contention", text + ", throughput", "tx/s", speed.ours, speed.peer, speed.ratio(),
          at_least(1.5));
    print("write_contention", text + ", p99", "ms", p99.ours, p99.peer, p99.ratio(), at_most(0.5));
    close_db(std::move(db));
}

}  // namespace

void write_contention() {
    for (const Durability& durability : durabilities) contend_with(durability);
}

}  // namespace bench
