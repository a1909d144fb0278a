// SPDX-License-Identifier: MIT
// First row from a tenant that is not open, 10,000 tenants, 100 open at a time; against
// sqlite3_open_v2 and the pragmas.
#include <deque>
#include <numeric>
#include <vector>

#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 10000;
constexpr int64_t open_max = 100;
constexpr int rounds = 10;
constexpr char first_query[] = "SELECT v FROM kv WHERE id = 7";

void make_files(const Folder& folder) {
    {
        auto db = open_db(folder.path());
        create_tenant(db.get(), "template");
        exec(db.get(), "template", "CREATE TABLE kv(id INTEGER PRIMARY KEY, v TEXT NOT NULL)");
        exec(db.get(), "template", "INSERT INTO kv VALUES (7, 'seven')");
        close_db(std::move(db));
    }
    for (int64_t i = 0; i < tenants; ++i)
        copy_file(folder.path("template.db"), folder.path(tenant_name(i) + ".db"));
}

void read_ours(mtdb_db* db, const std::string& tenant) {
    mtdb_result* result = nullptr;
    MUST(mtdb_db_query(db, tenant.c_str(), -1, first_query, sizeof first_query - 1, nullptr, 0,
                       MTDB_DEFAULT, nullptr, &result, &bench_error));
    if (MUST(mtdb_result_next(result, &bench_error)) != MTDB_OK) fail("no row");
    mtdb_result_release(result);
}

Owned<sqlite3> read_peer(const std::string& path) {
    auto handle = raw_open(path);
    const auto stmt = raw_prepare(handle.get(), first_query);
    if (sqlite3_step(stmt.get()) != SQLITE_ROW) fail("no row");
    return handle;
}

enum class Closes { counted, left_out };
void measure(const std::string& text, Closes closes);

}  // namespace

// A round is half a share of all tenants for each side, each tenant once. The library closes what
// it evicts on its maintenance thread; the peer has to close its oldest handle itself, which the
// one case counts and the other leaves out.
void sqlite_cold_open() {
    measure("10000 tenants, evicting", Closes::counted);
    measure("10000 tenants, the peer's closes not counted", Closes::left_out);
}

namespace {

void measure(const std::string& text, Closes closes) {
    const Folder folder;
    make_files(folder);
    auto db = open_db(folder.path(), {{"pool.tenants_max", std::to_string(open_max)}});
    std::vector<int64_t> order(tenants);
    std::iota(order.begin(), order.end(), 0);
    Random random(42);
    for (int64_t i = tenants - 1; i > 0; --i)
        std::swap(order[static_cast<std::size_t>(i)],
                  order[static_cast<std::size_t>(random.below(i + 1))]);

    constexpr int64_t share = tenants / (2 * rounds);
    std::size_t next = 0;
    std::deque<Owned<sqlite3>> open;
    const auto ours = [&] {
        double spent = 0;
        for (int64_t i = 0; i < share; ++i) {
            const std::string tenant = tenant_name(order[next++]);
            spent += timed([&] { read_ours(db.get(), tenant); });
        }
        return spent / share;
    };
    const auto peer = [&] {
        double spent = 0;
        for (int64_t i = 0; i < share; ++i) {
            const std::string path = folder.path(tenant_name(order[next++]) + ".db");
            const auto evict = [&] {
                if (static_cast<int64_t>(open.size()) >= open_max) open.pop_front();
            };
            if (closes == Closes::left_out) evict();
            spent += timed([&] {
                if (closes == Closes::counted) evict();
                open.push_back(read_peer(path));
            });
        }
        return spent / share;
    };
    const Figures figures = in_turns_cold(rounds, ours, peer);
    print("sqlite_cold_open", text, "ns/op", figures.ours, figures.peer, figures.ratio(),
          at_most(1.15));
    close_db(std::move(db));
}

}  // namespace
}  // namespace bench
