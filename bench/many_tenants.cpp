// SPDX-License-Identifier: MIT
// 10,000 tenants over 8 connections from 32 threads, some tenants far more often than others;
// against the same work with a connection opened per lease, and against 8 connections of libpq that
// the threads share without any tenants.
#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "servers.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 10000;
constexpr int64_t rows = 10;
constexpr int threads = 32;
constexpr int connections = 8;
constexpr int64_t reads = 250;    // of each thread and round
constexpr int64_t openings = 10;  // likewise
constexpr char point_query[] = "SELECT v FROM kv WHERE id = $1";

// Tenants by Zipf's law with exponent 1: the n-th is met 1/n times as often as the first.
class Zipf {
public:
    Zipf() {
        double sum = 0;
        for (int64_t i = 1; i <= tenants; ++i) sums_.push_back(sum += 1.0 / static_cast<double>(i));
    }
    int64_t pick(Random& random) const {
        const double share = static_cast<double>(random.next() >> 11) * 0x1p-53 * sums_.back();
        return std::upper_bound(sums_.begin(), sums_.end() - 1, share) - sums_.begin();
    }

private:
    std::vector<double> sums_;
};

// Connections that stand in one schema, with the read prepared, for whoever comes.
class SharedConnections {
public:
    explicit SharedConnections(const PostgresDatabase& database) {
        for (int i = 0; i < connections; ++i) {
            idle_.push_back(database.connect(tenant_name(0)));
            postgres_prepare(idle_.back().get(), "read", point_query);
        }
    }
    int64_t read(int64_t id) {
        Handle<PGconn> connection;
        {
            std::unique_lock lock(mutex_);
            returned_.wait(lock, [this] { return !idle_.empty(); });
            connection = std::move(idle_.back());
            idle_.pop_back();
        }
        const int64_t value = postgres_read(connection.get(), "read", id);
        {
            const std::lock_guard lock(mutex_);
            idle_.push_back(std::move(connection));
        }
        returned_.notify_one();
        return value;
    }

private:
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<Handle<PGconn>> idle_;
};

int64_t open_and_read(const PostgresDatabase& database, const std::string& tenant, int64_t id) {
    const auto connection = database.connect(tenant);
    const Int64Parameter parameter(id);
    const Handle<PGresult> result(PQexecParams(connection.get(), point_query, 1, nullptr,
                                               parameter.values(), parameter.lengths(),
                                               parameter.formats(), 1));
    must_postgres(connection.get(), result.get(), "read");
    return postgres_int64(result.get(), 0);
}

// Nanoseconds per read; each round meets the same tenants on every side that reads as often.
template <class Work>
double run(const Zipf& zipf, uint64_t round, int64_t count, Work work) {
    const double spent = in_threads(threads, [&](int thread) {
        Random random(round * 1000 + static_cast<uint64_t>(thread) + 1);
        for (int i = 0; i < 8; ++i) random.next();  // small seeds begin alike
        for (int64_t k = 0; k < count; ++k) work(zipf.pick(random), 1 + k % rows);
    });
    return spent / static_cast<double>(threads * count);
}

}  // namespace

void many_tenants() {
    const PostgresDatabase database;
    database.make_tenants(tenants, rows);
    const Zipf zipf;
    SharedConnections shared(database);
    auto db = open_db(database.url(), {{"pool.size_max", std::to_string(connections)}});
    std::vector<std::string> names;
    for (int64_t i = 0; i < tenants; ++i) names.push_back(tenant_name(i));
    const auto check = [](int64_t value, int64_t tenant, int64_t id) {
        if (value != id * 3 + tenant) fail("a row of another tenant");
    };

    uint64_t round = 0;
    const std::vector<double> figures =
        in_turns(5, {[&] {
                         return run(zipf, ++round, reads, [&](int64_t tenant, int64_t id) {
                             const std::string& name = names[static_cast<std::size_t>(tenant)];
                             check(lease_and_read(db.get(), name, point_query, id), tenant, id);
                         });
                     },
                     [&] {
                         return run(zipf, round, openings, [&](int64_t tenant, int64_t id) {
                             const std::string& name = names[static_cast<std::size_t>(tenant)];
                             check(open_and_read(database, name, id), tenant, id);
                         });
                     },
                     [&] {
                         return run(zipf, round, reads,
                                    [&](int64_t, int64_t id) { check(shared.read(id), 0, id); });
                     }});
    print("many_tenants", "10000 tenants, a connection opened per lease", "ns/op", figures[0],
          figures[1], figures[1] / figures[0], at_least(20));
    print("many_tenants", "10000 tenants, 8 connections without tenants", "ns/op", figures[0],
          figures[2], figures[0] / figures[2], at_most(2.5));
    close_db(std::move(db));
}

}  // namespace bench
