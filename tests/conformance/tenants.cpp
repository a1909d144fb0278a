// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

Answer drop(mtdb_db* db, const std::string& tenant) {
    return ask([&](mtdb_error** err) {
        return mtdb_tenant_drop(db, tenant.data(), size_of(tenant), plenty_ms, nullptr, err);
    });
}

int64_t times_listed(mtdb_db* db, const std::string& tenant) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_tenant_list(db, plenty_ms, nullptr, &made, err); });
    const Result result(made);
    int64_t times = 0;
    while (next(made)) times += text_at(made, 0) == tenant ? 1 : 0;
    return times;
}

void verbs(Suite& suite) {
    suite.claim("a tenant that was created exists",
                [](World& world) { check(exists(world.db(), world.tenant()), "it does not exist"); });
    suite.claim("a tenant that nobody made does not exist",
                [](World& world) { check(!exists(world.db(), world.id("x")), "it exists"); });
    suite.claim("a tenant is created once only",
                [](World& world) { must_be(MTDB_EXISTS, create(world.db(), world.tenant())); });
    suite.claim("a refused second creation leaves the first one's data", {Need::tables}, [](World& world) {
        const Conn conn = world.lease();
        put(conn.get(), 1, "kept");
        must_be(MTDB_EXISTS, create(world.db(), world.tenant()));
        same(1, count_of(conn.get()));
    });
    suite.claim("of 16 that create one tenant at once, one succeeds", [](World& world) {
        const std::string id = world.id("x");
        mtdb_db* db = world.db();
        std::atomic<int> made{0}, other{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 16; ++i)
            threads.emplace_back([&] {
                const Answer answer = create(db, id);
                if (answer.ok())
                    made.fetch_add(1);
                else if (answer.status != MTDB_EXISTS)
                    other.fetch_add(1);
            });
        for (auto& thread : threads) thread.join();
        same(1, made);
        same(0, other);
    });
    suite.claim("a ping answers for a tenant that is there",
                [](World& world) { must(ping(world.db(), world.tenant())); });
    suite.claim("a list names each tenant once", [](World& world) {
        world.tenant("a");
        world.tenant("b");
        same(1, times_listed(world.db(), world.tenant("a")));
        same(1, times_listed(world.db(), world.tenant("b")));
        same(0, times_listed(world.db(), world.id("x")));
    });
    suite.claim("a dropped tenant is gone", [](World& world) {
        const std::string id = world.tenant();
        must(drop(world.db(), id));
        check(!exists(world.db(), id), "it exists");
        same(0, times_listed(world.db(), id));
        must_be(MTDB_TENANT_UNKNOWN, ping(world.db(), id));
    });
    suite.claim("dropping what is not there is TENANT_UNKNOWN",
                [](World& world) { must_be(MTDB_TENANT_UNKNOWN, drop(world.db(), world.id("x"))); });
    suite.claim("a leased tenant is not dropped", [](World& world) {
        const Conn conn = world.lease();
        must_be(MTDB_BUSY, drop(world.db(), world.tenant()));
        must(give_back(conn.get()));
        must(drop(world.db(), world.tenant()));
    });
    suite.claim("a tenant made again begins empty", {Need::tables}, [](World& world) {
        const std::string id = world.tenant();
        must(exec(world.db(), id, "INSERT INTO t(id, v) VALUES(1, 'old')"));
        must(drop(world.db(), id));
        must(create(world.db(), id));
        must_be(MTDB_SQL_ERROR, exec(world.db(), id, "SELECT * FROM t"));
    });
    suite.claim("another db sees the tenants", {Need::tables}, [](World& world) {
        const std::string id = world.tenant();
        const Db other = world.another();
        check(exists(other.get(), id), "it does not exist");
    });
}

void names(Suite& suite) {
    suite.claim("hostile ids are refused by every verb, before any I/O", [](World& world) {
        const std::string hostile[] = {"",
                                       "-a",
                                       "a/b",
                                       "../a",
                                       ".",
                                       "a b",
                                       "a;b",
                                       "a'b",
                                       "a\"b",
                                       "a`b",
                                       "a%b",
                                       "a\\b",
                                       "a.b",
                                       "\xc3\xa9",
                                       std::string("a\0b", 3),
                                       std::string(64, 'a'),
                                       "$user"};
        for (const std::string& id : hostile) {
            Conn conn;
            must_be(MTDB_INVALID_ARGUMENT, create(world.db(), id));
            must_be(MTDB_INVALID_ARGUMENT, drop(world.db(), id));
            must_be(MTDB_INVALID_ARGUMENT, ping(world.db(), id));
            must_be(MTDB_INVALID_ARGUMENT, acquire(world.db(), id, conn));
            must_be(MTDB_INVALID_ARGUMENT, exec(world.db(), id, world.words().one));
        }
    });
    suite.claim("reserved ids are refused", [](World& world) {
        for (const std::string& id : world.words().reserved) {
            must_be(MTDB_INVALID_ARGUMENT, create(world.db(), id));
            must_be(MTDB_INVALID_ARGUMENT, ping(world.db(), id));
        }
    });
    suite.claim("an id of 63 bytes with every kind of letter works", [](World& world) {
        std::string id = world.id("_Az-09");
        id.resize(63, 'Z');
        must(create(world.db(), id));
        must(exec(world.db(), id, world.words().one));
        same(1, times_listed(world.db(), id));
        must(drop(world.db(), id));
    });
}

void unknown_names(Suite& suite) {
    suite.claim("an id that is a keyword works", [](World& world) {
        if (exists(world.db(), "select")) must(drop(world.db(), "select"));
        must(create(world.db(), "select"));
        must(exec(world.db(), "select", world.words().one));
        must(drop(world.db(), "select"));
    });
    suite.claim("an unknown tenant is TENANT_UNKNOWN for every call, and is not made by it", [](World& world) {
        const std::string id = world.id("x");
        Conn conn;
        // A server is asked by the first statement, not by the lease.
        const Answer leased = acquire(world.db(), id, conn);
        must_be(MTDB_TENANT_UNKNOWN, leased.ok() ? exec(conn.get(), world.words().one) : leased);
        must_be(MTDB_TENANT_UNKNOWN, ping(world.db(), id));
        must_be(MTDB_TENANT_UNKNOWN, exec(world.db(), id, world.words().one));
        check(!exists(world.db(), id), "it was made");
    });
    suite.claim("a tenant is made on first use where the option says so", [](World& world) {
        mtdb_db* db = world.open({{"tenant.create", "on_first_use"}});
        const std::string id = world.id("x");
        must(exec(db, id, world.words().one));
        check(exists(db, id), "it does not exist");
        must(drop(db, id));
    });
    suite.claim("a copy has the rows of its source and a life of its own", {Need::tables, Need::copy},
                [](World& world) {
                    must(exec(world.db(), world.tenant(), "INSERT INTO t(id, v) VALUES(1, 'one')"));
                    const std::string target = world.id("x");
                    const std::string source = world.tenant();
                    ok([&](mtdb_error** err) {
                        return mtdb_tenant_copy(world.db(), source.data(), size_of(source), target.data(),
                                                size_of(target), plenty_ms, nullptr, err);
                    });
                    must(exec(world.db(), source, "DELETE FROM t"));
                    same("one", text_in(world.db(), target, "SELECT v FROM t"));
                });
}

void moves(Suite& suite) {
    suite.claim("a renamed tenant keeps its rows under the new id alone", {Need::tables, Need::rename},
                [](World& world) {
                    const std::string source = world.tenant();
                    const std::string target = world.id("x");
                    must(exec(world.db(), source, "INSERT INTO t(id, v) VALUES(1, 'moved')"));
                    ok([&](mtdb_error** err) {
                        return mtdb_tenant_rename(world.db(), source.data(), size_of(source), target.data(),
                                                  size_of(target), plenty_ms, nullptr, err);
                    });
                    same("moved", text_in(world.db(), target, "SELECT v FROM t"));
                    must_be(MTDB_TENANT_UNKNOWN, ping(world.db(), source));
                });
    suite.claim("nothing is renamed over an existing tenant, nor while it is leased", {Need::rename}, [](World& world) {
        const std::string source = world.tenant("a");
        const std::string target = world.tenant("b");
        const std::string fresh = world.id("x");
        const auto rename = [&](const std::string& to) {
            return ask([&](mtdb_error** err) {
                return mtdb_tenant_rename(world.db(), source.data(), size_of(source), to.data(), size_of(to), plenty_ms,
                                          nullptr, err);
            });
        };
        must_be(MTDB_EXISTS, rename(target));
        const Conn conn = world.lease("a");
        must_be(MTDB_BUSY, rename(fresh));
    });
    suite.claim("the rows of one tenant are not seen by another", {Need::tables}, [](World& world) {
        must(exec(world.db(), world.tenant("a"), "INSERT INTO t(id, v) VALUES(1, 'a')"));
        must(exec(world.db(), world.tenant("b"), "INSERT INTO t(id, v) VALUES(1, 'b')"));
        for (int i = 0; i < 20; ++i)
            for (const std::string name : {"a", "b"})
                same(name, text_in(world.db(), world.tenant(name), "SELECT v FROM t"));
    });
    suite.claim("32 threads over 12 tenants see only their tenants' rows", {Need::tables}, [](World& world) {
        std::vector<std::string> ids;
        for (int i = 0; i < 12; ++i) {
            ids.push_back(world.tenant("m" + std::to_string(i)));
            must(exec(world.db(), ids.back(), "INSERT INTO t(id, v) VALUES(1, '" + ids.back() + "')"));
        }
        mtdb_db* db = world.db();
        std::atomic<int> foreign{0}, failed{0};
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 32; ++i)
            threads.emplace_back([&, i] {
                for (unsigned round = 0; round < 20; ++round) {
                    const std::string& id = ids[(i * 7 + round * 5) % ids.size()];
                    std::string seen;
                    if (!harness::query(db, id, "SELECT v FROM t", seen).ok())
                        failed.fetch_add(1);
                    else if (seen != id)
                        foreign.fetch_add(1);
                }
            });
        for (auto& thread : threads) thread.join();
        same(0, foreign);
        same(0, failed);
    });
}

}  // namespace

void claim_tenants(Suite& suite) {
    verbs(suite);
    names(suite);
    unknown_names(suite);
    moves(suite);
}

}  // namespace conformance
