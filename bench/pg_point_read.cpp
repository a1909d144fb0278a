// SPDX-License-Identifier: MIT
// Lease, guarded prepared read, give back, always the same tenant; against a prepared read on one
// open connection of libpq, without a guard.
#include "servers.hpp"

namespace bench {
namespace {

constexpr int64_t rows = 1000;
constexpr int64_t reads = 5000;
constexpr char point_query[] = "SELECT v FROM kv WHERE id = $1";

}  // namespace

void pg_point_read() {
    const PostgresDatabase database;
    database.make_tenants(1, rows);
    auto db = open_db(database.url());
    const std::string tenant = tenant_name(0);
    const auto connection = database.connect(tenant);
    postgres_prepare(connection.get(), "read", point_query);

    uint64_t round = 0;
    int64_t our_sum = 0, peer_sum = 0;
    const auto ours = [&] {
        Random random(++round);
        return timed([&] {
                   for (int64_t i = 0; i < reads; ++i)
                       our_sum +=
                           lease_and_read(db.get(), tenant, point_query, 1 + random.below(rows));
               }) /
               reads;
    };
    const auto peer = [&] {
        Random random(round);
        return timed([&] {
                   for (int64_t i = 0; i < reads; ++i)
                       peer_sum += postgres_read(connection.get(), "read", 1 + random.below(rows));
               }) /
               reads;
    };
    const Figures figures = in_turns(15, ours, peer);
    if (our_sum != peer_sum) fail("the sides read different rows");
    print("pg_point_read", "the same tenant", "ns/op", figures.ours, figures.peer, figures.ratio(),
          at_most(1.25));
    close_db(std::move(db));
}

}  // namespace bench
