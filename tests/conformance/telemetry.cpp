// SPDX-License-Identifier: MIT
#include <cstring>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

int64_t figure(mtdb_result* owned, const std::string& name) {
    const Result result(owned);
    while (next(owned))
        if (text_at(owned, 0) == name) return mtdb_value_int64(owned, 2);
    throw Failed("no figure " + name);
}

// The bytes of all events that are there now.
std::string events(mtdb_db* db, int64_t wait_ms) {
    std::string all;
    std::vector<int64_t> buf(8192);
    for (int i = 0; i < 100; ++i) {
        int64_t rows = 0, used = 0, dropped = 0;
        const Answer answer = ask([&](mtdb_error** err) {
            return mtdb_events_poll(db, wait_ms, nullptr, buf.data(), static_cast<int64_t>(buf.size() * 8), &rows,
                                    &used, &dropped, err);
        });
        must(answer);
        if (answer.status != MTDB_OK) return all;
        all.append(reinterpret_cast<const char*>(buf.data()), static_cast<std::size_t>(used));
        wait_ms = 0;
    }
    return all;
}

void figures(Suite& suite) {
    suite.claim("the db's figures count leases", [](World& world) {
        const Conn conn = world.lease();
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_db_stats(world.db(), &made, err); });
        check(figure(made, "leases.now") == 1, "leases.now");
    });
    suite.claim("a tenant's figures count its own leases", [](World& world) {
        for (int i = 0; i < 3; ++i) must(exec(world.lease("a").get(), world.words().one));
        world.tenant("b");
        mtdb_result* made = nullptr;
        const std::string& first = world.tenant("a");
        ok([&](mtdb_error** err) { return mtdb_tenant_stats(world.db(), first.data(), size_of(first), &made, err); });
        int64_t rows = rows_left(Result(made).get());
        check(rows > 0, "no figure");
    });
    suite.claim("each open pool has a row", [](World& world) {
        const Conn conn = world.lease();
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_pool_stats(world.db(), &made, err); });
        check(rows_left(Result(made).get()) >= 1, "no pool");
    });
    suite.claim("a lease given back in a transaction is an event that names its tenant", [](World& world) {
        {
            const Conn conn = world.lease();
            events(world.db(), 0);
            must(begin(conn.get()));
            must(exec(conn.get(), world.words().write));
            must(give_back(conn.get()));
        }
        const std::string seen = events(world.db(), 2000);
        check(contains(seen, world.tenant()), "no event of " + world.tenant());
    });
    suite.claim("a tenant that its first use makes is there, and an event names it", [](World& world) {
        const std::string id = world.id("x");
        mtdb_db* db = world.open({{"tenant.create", "on_first_use"}});
        for (int i = 0; i < 2; ++i) must(exec(db, id, world.words().one));
        check(exists(db, id), "it does not exist");
        const std::string seen = events(db, 2000);
        check(contains(seen, "tenant.created") && contains(seen, id), "no event of " + id);
    });
    suite.claim("an abandoned lease is an event with its tag", [](World& world) {
        world.open({{"pool.size_max", "1"}});
        const std::string& id = world.tenant();
        const Options options = options_of({{"lease.tag", "who-forgot-me"}});
        events(world.db(), 0);
        mtdb_conn* made = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_db_acquire(world.db(), id.data(), size_of(id), options.get(), plenty_ms, nullptr, &made, err);
        });
        Conn(made).reset();
        must(exec(world.lease().get(), world.words().one));
        std::string seen;
        for (int i = 0; i < 20 && !contains(seen, "who-forgot-me"); ++i) seen += events(world.db(), 200);
        check(contains(seen, "who-forgot-me"), "no such event");
    });
    suite.claim("no event holds the password of the url", [](World& world) {
        must(exec(world.db(), world.tenant(), world.words().one));
        exec(world.db(), world.tenant(), world.words().wrong);
        const std::string seen = events(world.db(), 100);
        check(!contains(seen, "app-secret"), "a password");
    });
}

}  // namespace

void claim_telemetry(Suite& suite) { figures(suite); }

}  // namespace conformance
