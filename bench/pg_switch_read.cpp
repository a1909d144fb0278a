// SPDX-License-Identifier: MIT
// Lease, guarded prepared read, give back, another tenant every time, over 1 connection and then 4;
// against libpq by hand: the same flight, the flight without guard and clean-up, SET and the read
// in two trips, and the best that can be done without guard and clean-up: a SET that is prepared
// for each tenant, in one flight with the read (what calls a function is analysed anew on another
// path).
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "servers.hpp"

namespace bench {
namespace {

constexpr int64_t tenants = 100;
constexpr int64_t rows = 100;
constexpr int64_t reads = 2000;
constexpr char point_query[] = "SELECT v FROM kv WHERE id = $1";

// What a tenant may leave in a session, and where the session stands: raises unless it is the
// tenant's schema.
constexpr const char* clean_up[] = {"RESET ALL", "CLOSE ALL", "UNLISTEN *", "DISCARD TEMP",
                                    "DISCARD SEQUENCES"};
constexpr char clean_pin[] =
    "SELECT WHERE 1 / (CASE WHEN set_config('session_authorization', NULL, false) IS NULL"
    " OR set_config('role', 'none', false) IS NULL OR pg_advisory_unlock_all() IS NULL"
    " OR set_config('search_path', $2, false) IS NULL THEN 0"
    " WHEN current_setting('transaction_isolation') <>"
    " current_setting('default_transaction_isolation')"
    " OR current_setting('transaction_read_only') <>"
    " current_setting('default_transaction_read_only') THEN 0"
    " WHEN current_schema() = $1::name THEN 1 ELSE 0 END) = 0";
constexpr char pin[] = "SELECT set_config('search_path', $1, false)";

// The k-th tenant of a thread: never the one before, nor what another thread has at that moment.
int64_t nth_tenant(int thread, int64_t k) { return (k * 37 + thread * 23) % tenants; }

struct Tenant {
    std::string schema, path, statement, set, pin;
};

std::vector<Tenant> make_tenants() {
    std::vector<Tenant> made;
    for (int64_t i = 0; i < tenants; ++i) {
        const std::string schema = tenant_name(i), path = search_path(schema);
        made.push_back(
            {schema, path, "read_" + schema, "SET search_path TO " + path, "pin_" + schema});
    }
    return made;
}

// A connection on which each tenant's read is prepared, and what goes in front of it.
class Peer {
public:
    Peer(const PostgresDatabase& database, const std::vector<Tenant>& all)
        : connection_(database.connect()) {
        for (std::size_t i = 0; i < std::size(clean_up); ++i) {
            names_[i] = "clean_" + std::to_string(i);
            postgres_prepare(get(), names_[i], clean_up[i]);
        }
        postgres_prepare(get(), "clean_pin", clean_pin);
        postgres_prepare(get(), "pin", pin);
        for (const Tenant& tenant : all) {
            postgres_exec(get(), tenant.set);
            postgres_prepare(get(), tenant.statement, point_query);
            postgres_prepare(get(), tenant.pin, tenant.set.c_str());
        }
        // Where RESET ALL leads back to.
        postgres_exec(get(), "RESET ALL");
    }

    int64_t read_guarded(const Tenant& tenant, int64_t id) {
        enter_pipeline();
        for (const std::string& name : names_) send(name.c_str(), 0, nullptr);
        const char* const values[] = {tenant.schema.c_str(), tenant.path.c_str()};
        send("clean_pin", 2, values);
        return finish(tenant, id, static_cast<int>(names_.size()) + 1);
    }

    int64_t read_unguarded(const Tenant& tenant, int64_t id) {
        enter_pipeline();
        const char* const values[] = {tenant.path.c_str()};
        send("pin", 1, values);
        return finish(tenant, id, 1);
    }

    int64_t read_set(const Tenant& tenant, int64_t id) {
        enter_pipeline();
        send(tenant.pin.c_str(), 0, nullptr);
        return finish(tenant, id, 1);
    }

    int64_t read_in_two_trips(const Tenant& tenant, int64_t id) {
        if (PQpipelineStatus(get()) != PQ_PIPELINE_OFF && PQexitPipelineMode(get()) != 1)
            fail("the pipeline does not end");
        postgres_exec(get(), tenant.set);
        return postgres_read(get(), tenant.statement.c_str(), id);
    }

private:
    PGconn* get() const { return connection_.get(); }

    void enter_pipeline() {
        if (PQpipelineStatus(get()) == PQ_PIPELINE_OFF && PQenterPipelineMode(get()) != 1)
            fail("no pipeline");
    }

    void send(const char* name, int count, const char* const* values) {
        if (PQsendQueryPrepared(get(), name, count, values, nullptr, nullptr, 0) != 1) fail(name);
    }

    // The answers to one statement of the flight, which ends with a null.
    Handle<PGresult> take() {
        Handle<PGresult> result(PQgetResult(get()));
        must_postgres(get(), result.get(), "the flight");
        if (PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC &&
            Handle<PGresult>(PQgetResult(get())) != nullptr)
            fail("one result too many");
        return result;
    }

    int64_t finish(const Tenant& tenant, int64_t id, int before) {
        const Int64Parameter parameter(id);
        if (PQsendQueryPrepared(get(), tenant.statement.c_str(), 1, parameter.values(),
                                parameter.lengths(), parameter.formats(), 1) != 1 ||
            PQpipelineSync(get()) != 1)
            fail("the flight is not sent");
        for (; before > 0; --before) take();
        const int64_t value = postgres_int64(take().get(), 0);
        take();
        return value;
    }

    Handle<PGconn> connection_;
    std::array<std::string, std::size(clean_up)> names_;
};

using Read = int64_t (Peer::*)(const Tenant&, int64_t);

class Sides {
public:
    Sides(const PostgresDatabase& database, int connections)
        : connections_(connections), tenants_(make_tenants()) {
        // A statement per tenant stays prepared, as on the other sides.
        db_ = open_db(database.url(), {{"pool.size_max", std::to_string(connections)},
                                       {"statement_cache", std::to_string(2 * tenants)}});
        for (int i = 0; i < connections; ++i)
            peers_.push_back(std::make_unique<Peer>(database, tenants_));
        // Each connection meets each tenant before anything is measured.
        for (int i = 0; i < 2 * connections; ++i) ours();
    }
    ~Sides() = default;
    Sides(const Sides&) = delete;

    double ours() {
        return run([this](int, const Tenant& tenant, int64_t id) {
            return lease_and_read(db_.get(), tenant.schema, point_query, id);
        });
    }
    double by_hand(Read read) {
        return run([this, read](int thread, const Tenant& tenant, int64_t id) {
            return (peers_[static_cast<std::size_t>(thread)].get()->*read)(tenant, id);
        });
    }
    void close() { close_db(std::move(db_)); }

private:
    template <class Work>
    double run(Work work) {
        const double spent = in_threads(connections_, [&](int thread) {
            for (int64_t k = 0; k < reads; ++k) {
                const int64_t tenant = nth_tenant(thread, k), id = 1 + k % rows;
                const int64_t v = work(thread, tenants_[static_cast<std::size_t>(tenant)], id);
                if (v != id * 3 + tenant) fail("a row of another tenant");
            }
        });
        return spent / static_cast<double>(reads * connections_);
    }

    int connections_;
    std::vector<Tenant> tenants_;
    Owned<mtdb_db> db_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

void switch_over(const PostgresDatabase& database, int connections) {
    Sides sides(database, connections);
    const std::vector<double> figures = in_turns(
        9, {[&] { return sides.ours(); }, [&] { return sides.by_hand(&Peer::read_guarded); },
            [&] { return sides.by_hand(&Peer::read_unguarded); },
            [&] { return sides.by_hand(&Peer::read_in_two_trips); },
            [&] { return sides.by_hand(&Peer::read_set); }});
    const std::string text =
        connections == 1 ? "1 connection" : std::to_string(connections) + " connections";
    const auto line = [&](const char* peer, std::size_t index, Reach reach) {
        print("pg_switch_read", text + ", " + peer, "ns/op", figures[0], figures[index],
              figures[0] / figures[index], reach);
    };
    line("the same flight by hand", 1, at_most(1.10));
    line("the flight without guard and clean-up", 2, at_most(1.35));
    line("SET and read in two trips", 3, at_most(1.0));
    line("a prepared SET per tenant and the read in one flight", 4, {});
    sides.close();
}

}  // namespace

void pg_switch_read() {
    const PostgresDatabase database;
    database.make_tenants(tenants, rows);
    for (const int connections : {1, 4}) switch_over(database, connections);
}

}  // namespace bench
