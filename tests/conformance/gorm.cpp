// SPDX-License-Identifier: MIT
// Usage: gorm BACKEND VARIABLE [PART]: postgres/schema or mariadb, at the url in an environment variable, under
// tests/servers/run. What docs/gorm-multitenancy.md claims of servers and the common claims do not show: the keys of
// its urls, shared tables, a credential per tenant, verbs beside an open transaction.
#include <unistd.h>

#include <cstdio>
#include <future>

#include "side.hpp"
#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

bool on_postgres(const World& world) { return world.backend().name.starts_with("postgres"); }

std::unique_ptr<Side> side(const World& world) { return side_of(world.backend().name); }

Db opened(const std::string& url, Settings settings = {}) { return open_db(url, settings); }

Answer opening(const std::string& url, Settings settings = {}) {
    const Options options = options_of(settings);
    return ask([&](mtdb_error** err) {
        mtdb_db* made = nullptr;
        const mtdb_status status = mtdb_db_open(url.data(), size_of(url), options.get(), &made, err);
        mtdb_db_release(made);
        return status;
    });
}

Answer drop(mtdb_db* db, const std::string& tenant) {
    return ask([&](mtdb_error** err) {
        return mtdb_tenant_drop(db, tenant.data(), size_of(tenant), plenty_ms, nullptr, err);
    });
}

int64_t figure(mtdb_db* db, const std::string& name) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_stats(db, &made, err); });
    const Result result(made);
    while (next(made))
        if (text_at(made, 0) == name) return mtdb_value_int64(made, 2);
    throw Failed("no figure " + name);
}

int64_t times_listed(mtdb_db* db, const std::string& tenant) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_tenant_list(db, plenty_ms, nullptr, &made, err); });
    const Result result(made);
    int64_t times = 0;
    while (next(made)) times += text_at(made, 0) == tenant ? 1 : 0;
    return times;
}

// What is left of a tenant's namespace, seen from outside.
bool is_there(const World& world, const std::string& name) {
    const std::string query =
        on_postgres(world) ? "SELECT count(*) FROM pg_namespace WHERE nspname = '" + name + "'"
                           : "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '" + name + "'";
    return side(world)->run(query) == "1";
}

// ---- urls ---------------------------------------------------------------------------------------

// Nobody listens there.
std::string dead_url(const World& world, const std::string& keys) {
    return (on_postgres(world) ? "postgres://app@/app?host=/nonexistent-mtdb&"
                               : "mysql://app@localhost/?socket=/nonexistent-mtdb.sock&") +
           keys;
}

// How often a call that cannot connect has tried.
int64_t tries(const World& world, const std::string& keys, Settings settings = {}) {
    const Db db = opened(dead_url(world, keys), settings);
    must_be(MTDB_UNAVAILABLE, exec(db.get(), "nobody", world.words().one));
    return figure(db.get(), "connections.open_failures");
}

void urls(Suite& suite) {
    suite.claim("a url with gorm-multitenancy's keys connects", [](World& world) {
        const Db db =
            opened(world.backend().url +
                   "&gmt_disable_retry=false&gmt_max_retries=7&gmt_retry_interval=2s&gmt_retry_max_interval=1m");
        const std::string& id = world.tenant();
        must(exec(db.get(), id, "INSERT INTO t(id, v) VALUES(1, 'one')"));
        same("one", text_in(db.get(), id, "SELECT v FROM t"));
    });
    suite.claim("the retries of a url are its number, not a floor, and none when they are disabled", [](World& world) {
        const std::string quick = "gmt_retry_interval=1ms&gmt_retry_max_interval=2ms&";
        same(3, tries(world, quick + "gmt_max_retries=2"));
        same(1, tries(world, quick + "gmt_max_retries=0"));
        same(1, tries(world, quick + "gmt_disable_retry=true&gmt_max_retries=2"));
        same(1, tries(world, quick + "gmt_max_retries=2&gmt_disable_retry=true"));
        same(2, tries(world, quick + "gmt_max_retries=4", {{"retry.max", "1"}}));
    });
    suite.claim("of a key that a url gives twice the last counts", [](World& world) {
        same(2, tries(world, "gmt_retry_interval=1h&gmt_retry_interval=1ms&gmt_max_retries=4&gmt_max_retries=1"));
    });
    suite.claim("a key of a url that is unknown or has a bad value is refused by its name", [](World& world) {
        for (const std::string key : {"gmt_retries=1", "x-schema=a", "mtdb_retries=1", "gmt_disable_retry=maybe",
                                      "gmt_retry_interval=2", "x-no-lock=true"}) {
            const Answer answer = opening(world.backend().url + "&" + key);
            must_be(MTDB_INVALID_ARGUMENT, answer);
            check(contains(answer.message, key.substr(0, key.find('='))), answer.message);
        }
        const std::string foreign = world.backend().url + "&no_such_key=1";
        Answer answer = opening(foreign);
        if (answer.ok()) answer = exec(opened(foreign).get(), "nobody", world.words().one);
        must_be(MTDB_INVALID_ARGUMENT, answer);
        check(contains(answer.message, "no_such_key"), answer.message);
    });
}

// ---- shared tables ------------------------------------------------------------------------------

constexpr const char* plans = "CREATE TABLE plans(id BIGINT PRIMARY KEY); INSERT INTO plans(id) VALUES(1)";

void shared_tables(Suite& suite) {
    suite.claim("shared tables are migrated by a second db, to which they are a tenant's", [](World& world) {
        const std::string shared = world.bare_tenant("s");
        const Migrator migrator = new_migrator(world.db());
        add_script(migrator.get(), 1, plans);
        must(migrate(migrator.get(), shared));
        const std::string id = world.bare_tenant();
        const Db db = opened(world.backend().url, {{"tenant.shared", shared}});
        same(1, int_in(db.get(), id, "SELECT id FROM " + shared + ".plans"));
        must_be(MTDB_INVALID_ARGUMENT, exec(db.get(), shared, "SELECT id FROM plans"));
        must_be(MTDB_INVALID_ARGUMENT, drop(db.get(), shared));
        same(0, times_listed(db.get(), shared));
        same(1, times_listed(db.get(), id));
        check(is_there(world, shared), "it is gone");
    });
    suite.claim("foreign keys lead from a tenant's table to a shared one, and within a tenant", [](World& world) {
        const std::string shared = world.bare_tenant("s");
        must(exec(world.db(), shared, "CREATE TABLE plans(id BIGINT PRIMARY KEY)"));
        must(exec(world.db(), shared, "INSERT INTO plans(id) VALUES(1)"));
        const std::string id = world.bare_tenant();
        const Db db = opened(world.backend().url, {{"tenant.shared", shared}});
        must(exec(db.get(), id,
                  "CREATE TABLE customers(id BIGINT PRIMARY KEY, plan BIGINT, FOREIGN KEY (plan) REFERENCES " + shared +
                      ".plans(id))"));
        must(exec(db.get(), id,
                  "CREATE TABLE orders(id BIGINT PRIMARY KEY, customer BIGINT, "
                  "FOREIGN KEY (customer) REFERENCES customers(id))"));
        must(exec(db.get(), id, "INSERT INTO customers(id, plan) VALUES(1, 1)"));
        must_be(MTDB_CONSTRAINT, exec(db.get(), id, "INSERT INTO customers(id, plan) VALUES(2, 2)"));
        must(exec(db.get(), id, "INSERT INTO orders(id, customer) VALUES(1, 1)"));
        must_be(MTDB_CONSTRAINT, exec(db.get(), id, "INSERT INTO orders(id, customer) VALUES(2, 2)"));
        must_be(MTDB_CONSTRAINT, exec(world.db(), shared, "DELETE FROM plans"));
        must_be(MTDB_CONSTRAINT, exec(db.get(), id, "DELETE FROM customers"));
        must(drop(db.get(), id));  // so that the shared one can go
    });
    suite.claim("what the template makes of an id is shared, not what the id looks like", [](World& world) {
        const std::string plain = world.id("s");
        const std::string shared = "t_" + plain;
        must(create(world.db(), world.id("x")));  // its prefix is free for others
        const Db db = opened(world.backend().url, {{"tenant.namespace", "t_{id}"}, {"tenant.shared", shared}});
        must_be(MTDB_INVALID_ARGUMENT, create(db.get(), plain));
        must_be(MTDB_INVALID_ARGUMENT, exec(db.get(), plain, world.words().one));
        must(create(db.get(), shared));
        check(is_there(world, "t_" + shared), "it is not there");
        check(!is_there(world, shared), "the shared one was made");
        must(drop(db.get(), shared));
    });
}

// ---- verbs --------------------------------------------------------------------------------------

// The lock that creating a schema takes, by the same key as gorm-multitenancy.
std::string lock_key(const std::string& name) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    return std::to_string(static_cast<int64_t>(hash));
}

void retried(Suite& suite) {
    suite.claim("a retried verb starts its transaction anew", {Need::transactional_ddl}, [](World& world) {
        const std::string id = world.id("x");
        const auto holder = side(world);
        holder->run("SELECT pg_advisory_lock(" + lock_key(id) + ")");
        const Db db = opened(world.backend().url +
                             "&options=-c%20lock_timeout%3D50&gmt_max_retries=1000"
                             "&gmt_retry_interval=1ms&gmt_retry_max_interval=5ms");
        auto created = std::async(std::launch::async, [&] { return create(db.get(), id); });
        const auto watch = side(world);
        const std::string waiters =
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        std::string first;
        while (first.empty()) first = watch->run(waiters);
        watch->await("SELECT count(*) FROM (" + waiters + " AND virtualtransaction <> '" + first + "') AS later", "1");
        holder->run("SELECT pg_advisory_unlock_all()");
        must(created.get());
        check(is_there(world, id), "it is not there");
    });
}

void beside(Suite& suite) {
    suite.claim("verbs on tenants are done beside an open transaction, with a pool of one", [](World& world) {
        const std::string& id = world.tenant();
        const std::string other = world.id("x");
        mtdb_db* db = world.open({{"pool.size_max", "1"}, {"connections_max", "1"}});
        const Conn conn = lease(db, id);
        must(begin(conn.get()));
        put(conn.get(), 1, "kept");
        must(create(db, other));
        check(exists(db, other), "it does not exist");
        same(1, times_listed(db, other));
        must(drop(db, other));
        must(commit(conn.get()));
        same(1, count_of(conn.get()));
    });
    suite.claim("a migration beside an open transaction waits for a pool of one no longer than its deadline",
                [](World& world) {
                    const std::string& id = world.tenant();
                    mtdb_db* db = world.open({{"pool.size_max", "1"}});
                    const Conn conn = lease(db, id);
                    must(begin(conn.get()));
                    put(conn.get(), 1, "kept");
                    const Migrator migrator = new_migrator(db);
                    add_script(migrator.get(), 1, plans);
                    must_be(MTDB_POOL_EXHAUSTED, ask([&](mtdb_error** err) {
                                return mtdb_migrator_migrate(migrator.get(), id.data(), size_of(id), "latest", -1, 100,
                                                             nullptr, nullptr, err);
                            }));
                    must(commit(conn.get()));
                    same(1, count_of(conn.get()));
                });
}

// ---- a credential per tenant --------------------------------------------------------------------

// A user of the tenant's own, who may read and write its tables and nothing else.
class User {
public:
    User(const World& world, const std::string& tenant)
        : postgres_(on_postgres(world)), name_("u_" + tenant), side_(side(world)) {
        if (postgres_)
            side_->run("CREATE ROLE " + name_ + " LOGIN");
        else
            side_->run("CREATE USER " + name_ + " IDENTIFIED BY '" + environment("MTDB_TEST_APP_PASSWORD") + "'");
    }
    User(const User&) = delete;
    ~User() {
        try {
            if (postgres_) side_->run("DROP OWNED BY " + name_);
            side_->run((postgres_ ? "DROP ROLE " : "DROP USER ") + name_);
        } catch (const Failed& error) {
            std::printf("  a user stays: %s\n", error.what());
        }
    }
    void grant(const std::string& tenant) {
        if (postgres_) {
            side_->run("GRANT USAGE ON SCHEMA " + tenant + " TO " + name_);
            side_->run("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA " + tenant + " TO " + name_);
        } else {
            side_->run("GRANT SELECT, INSERT ON " + tenant + ".* TO " + name_);
        }
    }

private:
    const bool postgres_;
    const std::string name_;
    const std::unique_ptr<Side> side_;
};

const char* who(const World& world) {
    return on_postgres(world) ? "SELECT current_user::text" : "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)";
}

void users(Suite& suite) {
    suite.claim("with a user per tenant the server itself refuses another tenant's rows", [](World& world) {
        const std::string a = world.tenant("a");
        const std::string b = world.tenant("b");
        User first(world, a), second(world, b);
        first.grant(a);
        second.grant(b);
        const Db db = opened(world.backend().url, {{"tenant.user", "u_{id}"}});
        for (int round = 0; round < 3; ++round)
            for (const std::string& id : {a, b}) {
                same("u_" + id, text_in(db.get(), id, who(world)));
                must(exec(db.get(), id, "INSERT INTO t(id, v) VALUES(" + std::to_string(round) + ", '" + id + "')"));
                const std::string& other = id == a ? b : a;
                must_be(MTDB_PERMISSION, exec(db.get(), id, "INSERT INTO " + other + ".t(id, v) VALUES(9, 'foreign')"));
                std::string rows;
                must_be(MTDB_PERMISSION, harness::query(db.get(), id, "SELECT v FROM " + other + ".t", rows));
            }
        for (const std::string& id : {a, b}) {
            same(3, int_in(world.db(), id, "SELECT count(*) FROM t"));
            same(id, text_in(world.db(), id, "SELECT DISTINCT v FROM t"));
        }
    });
    suite.claim("with a user per tenant verbs are the url's user's", [](World& world) {
        const std::string id = world.id("x");
        const std::string renamed = world.id("y");
        User user(world, id), later(world, renamed);  // neither may create or drop
        const Db db = opened(world.backend().url, {{"tenant.user", "u_{id}"}});
        must(create(db.get(), id));
        check(exists(db.get(), id), "it does not exist");
        same(1, times_listed(db.get(), id));
        user.grant(id);
        same("u_" + id, text_in(db.get(), id, who(world)));
        must_be_one_of({MTDB_PERMISSION}, exec(db.get(), id, "CREATE TABLE mine(a BIGINT)"));
        ok([&](mtdb_error** err) {
            return mtdb_tenant_rename(db.get(), id.data(), size_of(id), renamed.data(), size_of(renamed), plenty_ms,
                                      nullptr, err);
        });
        check(is_there(world, renamed) && !is_there(world, id), "it was not renamed");
        must(drop(db.get(), renamed));
        check(!is_there(world, renamed), "it is there");
    });
    suite.claim("a tenant of a map logs in as its own user too", [](World& world) {
        const std::string a = world.tenant("a");
        User user(world, a);
        user.grant(a);
        const Db db = opened(world.backend().url,
                             {{"tenant.user", "u_{id}"}, {"tenant.routes", "map"}, {("tenant.map." + a).c_str(), a}});
        same("u_" + a, text_in(db.get(), a, who(world)));
    });
}

// ---- tenancy `server` ---------------------------------------------------------------------------

// The url of another database of the same server.
std::string in_database(const World& world, const std::string& name) {
    std::string url = world.backend().url;
    const std::string before = on_postgres(world) ? "/app?" : "/?";
    url.replace(url.find(before), before.size(), "/" + name + "?");
    return url;
}

void servers(Suite& suite) {
    suite.claim("a url without mtdb_namespace makes its own database the tenant", [](World& world) {
        const std::string whole = world.id("w");
        const std::string part = world.id("p");
        const std::string none = world.id("n");
        const std::string url = in_database(world, whole);
        const std::string of_whole = "tenant.map." + whole, of_part = "tenant.map." + part,
                          of_none = "tenant.map." + none;
        const Db db = opened(world.backend().url, {{"tenancy", "server"},
                                                   {"tenant.routes", "map"},
                                                   {"pool.size_max", "1"},
                                                   {of_whole.c_str(), url},
                                                   {of_part.c_str(), url + "&mtdb_namespace=" + part},
                                                   {of_none.c_str(), in_database(world, none)}});
        check(!exists(db.get(), whole), "it exists");
        must(create(db.get(), whole));
        must_be(MTDB_EXISTS, create(db.get(), whole));
        must(create(db.get(), part));
        check(exists(db.get(), whole) && exists(db.get(), part), "it does not exist");
        must_be(MTDB_TENANT_UNKNOWN, ping(db.get(), none));
        must_be(MTDB_TENANT_UNKNOWN, exec(db.get(), none, world.words().one));
        // Both over one connection, in turn.
        for (const std::string& id : {whole, part})
            must(exec(db.get(), id, "CREATE TABLE t(id BIGINT PRIMARY KEY, v VARCHAR(50))"));
        for (int round = 0; round < 3; ++round)
            for (const std::string& id : {whole, part})
                must(exec(db.get(), id, "INSERT INTO t(id, v) VALUES(" + std::to_string(round) + ", '" + id + "')"));
        for (const std::string& id : {whole, part}) {
            same(3, int_in(db.get(), id, "SELECT count(*) FROM t"));
            same(id, text_in(db.get(), id, "SELECT DISTINCT v FROM t"));
        }
        must(drop(db.get(), part));
        check(!exists(db.get(), part) && exists(db.get(), whole), "the wrong one was dropped");
        must(drop(db.get(), whole));
        check(!exists(db.get(), whole), "it exists");
        must_be(MTDB_TENANT_UNKNOWN, drop(db.get(), whole));
    });
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
    using namespace conformance;
    if (argc < 3) {
        std::fprintf(stderr, "usage: gorm BACKEND VARIABLE [PART]\n");
        return 2;
    }
    try {
        Suite suite(backend_of(argv[1], environment(argv[2])), argc > 3 ? argv[3] : "");
        for (const auto claims : {urls, shared_tables, retried, beside, users, servers}) claims(suite);
        return suite.summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gorm: %s\n", error.what());
        return 1;
    }
}
