// SPDX-License-Identifier: MIT
// One operation over many tenants.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "suite.hpp"

namespace conformance {

using namespace harness;

namespace {

struct ReleaseFleet {
    void operator()(mtdb_fleet* fleet) const { mtdb_fleet_release(fleet); }
};
using Fleet = std::unique_ptr<mtdb_fleet, ReleaseFleet>;

constexpr const char* make_table = "CREATE TABLE note(id BIGINT PRIMARY KEY)";
constexpr const char* fill_table = "INSERT INTO note(id) VALUES(1)";

Migrator scripts(mtdb_db* db) {
    Migrator migrator = new_migrator(db);
    add_script(migrator.get(), 1, make_table);
    add_script(migrator.get(), 2, fill_table);
    return migrator;
}

std::vector<std::string> tenants(World& world, int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back(world.bare_tenant("f" + std::to_string(i)));
    return ids;
}

Fleet fleet_of(mtdb_db* db, mtdb_migrator* migrator, const std::vector<std::string>& ids,
               harness::Settings settings) {
    const Options options = options_of(settings);
    mtdb_fleet* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_new(db, migrator, options.get(), &made, err); });
    Fleet fleet(made);
    for (const std::string& id : ids)
        ok([&](mtdb_error** err) { return mtdb_fleet_add(made, id.data(), size_of(id), err); });
    return fleet;
}

Answer run(mtdb_fleet* fleet, int64_t* failed = nullptr) {
    return ask([&](mtdb_error** err) { return mtdb_fleet_run(fleet, plenty_ms, nullptr, failed, err); });
}

std::string states(mtdb_fleet* fleet) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_results(fleet, &made, err); });
    const Result result(made);
    std::string all;
    while (next(made)) all += (all.empty() ? "" : ",") + text_at(made, 2) + " " + text_at(made, 7);
    return all;
}

int64_t figure(mtdb_db* db, const std::string& name) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_stats(db, &made, err); });
    const Result result(made);
    while (next(made))
        if (text_at(made, 0) == name) return mtdb_value_int64(made, 2);
    return -1;
}

int64_t leases(mtdb_db* db) { return figure(db, "leases.acquired"); }

void outcomes(Suite& suite) {
    suite.claim("a fleet run migrates its tenants, and the next one finds nothing to do", {Need::tables},
                [](World& world) {
                    const auto ids = tenants(world, 5);
                    mtdb_db* const db = world.db();
                    const Migrator migrator = scripts(db);
                    for (int turn = 0; turn < 2; ++turn) {
                        const Fleet fleet =
                            fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}, {"fleet.canary", "1"}});
                        int64_t failed = -1;
                        must(run(fleet.get(), &failed));
                        same(0, failed);
                        same("done 2,done 2,done 2,done 2,done 2", states(fleet.get()));
                    }
                    for (const std::string& id : ids) same(1, int_in(db, id, "SELECT count(*) FROM note"));
                });
    suite.claim("tenants of one server that have nothing to do cost no lease",
                {Need::tables, Need::histories_together}, [](World& world) {
                    const auto ids = tenants(world, 5);
                    mtdb_db* const db = world.db();
                    const Migrator migrator = scripts(db);
                    must(run(fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}}).get()));
                    const int64_t before = leases(db);
                    const Fleet again = fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}});
                    must(run(again.get()));
                    same(before, leases(db));
                    same("done 2,done 2,done 2,done 2,done 2", states(again.get()));
                });
    suite.claim("a history that cannot be read fails its tenant alone", {Need::tables}, [](World& world) {
        const auto ids = tenants(world, 4);
        mtdb_db* const db = world.db();
        const Migrator migrator = scripts(db);
        must(run(fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}}).get()));
        must(exec(db, ids[1], "DROP TABLE flyway_schema_history"));
        must(exec(db, ids[1], "CREATE TABLE flyway_schema_history(nonsense BIGINT)"));
        const Fleet again =
            fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}, {"fleet.on_failure", "continue"}});
        int64_t failed = 0;
        must(run(again.get(), &failed));
        same(1, failed);
        same("done 2,failed (no text),done 2,done 2", states(again.get()));
    });
    suite.claim("a tenant that is not there fails alone, and keeps its place in the results", {Need::tables},
                [](World& world) {
                    auto ids = tenants(world, 3);
                    ids.insert(ids.begin() + 1, world.id("nobody"));
                    mtdb_db* const db = world.db();
                    const Migrator migrator = scripts(db);
                    const Fleet fleet = fleet_of(db, migrator.get(), ids,
                                                 {{"fleet.ledger", "off"}, {"fleet.on_failure", "continue"}});
                    must(run(fleet.get()));
                    same("done 2,failed (no text),done 2,done 2", states(fleet.get()));
                });
}

// "tenant value" of each row of a query over tenants, in the order of the tenants.
std::vector<std::string> rows_of(mtdb_fleet* fleet) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_fleet_query(fleet, plenty_ms, nullptr, &made, err); });
    const Result result(made);
    std::vector<std::string> rows;
    while (next(made)) rows.push_back(text_at(made, 0) + " " + std::to_string(mtdb_value_int64(made, 1)));
    std::sort(rows.begin(), rows.end());
    return rows;
}

void rows(Suite& suite) {
    suite.claim("a query over tenants gives the rows of each with its id", {Need::tables}, [](World& world) {
        const auto ids = tenants(world, 5);
        mtdb_db* const db = world.db();
        const Migrator migrator = scripts(db);
        must(run(fleet_of(db, migrator.get(), ids, {{"fleet.ledger", "off"}}).get()));
        must(exec(db, ids[3], "INSERT INTO note(id) VALUES(7)"));
        const Fleet fleet = fleet_of(
            db, nullptr, ids,
            {{"fleet.ledger", "off"}, {"fleet.verb", "sql"}, {"fleet.sql", "SELECT id FROM note ORDER BY id"}});
        std::vector<std::string> wanted;
        for (const std::string& id : ids) wanted.push_back(id + " 1");
        wanted.push_back(ids[3] + " 7");
        std::sort(wanted.begin(), wanted.end());
        check(rows_of(fleet.get()) == wanted, "other rows");
        const Fleet writing = fleet_of(
            db, nullptr, ids,
            {{"fleet.ledger", "off"}, {"fleet.verb", "sql"}, {"fleet.sql", "DELETE FROM note"}});
        must_be(MTDB_READ_ONLY, run(writing.get()));
        same(2, int_in(db, ids[3], "SELECT count(*) FROM note"));
    });
    suite.claim("fewer workers of one server than of the run do all of the work", {Need::tables}, [](World& world) {
        const auto ids = tenants(world, 6);
        mtdb_db* const db = world.db();
        const Migrator migrator = scripts(db);
        const Fleet fleet = fleet_of(
            db, migrator.get(), ids,
            {{"fleet.ledger", "off"}, {"fleet.workers", "4"}, {"fleet.server_workers", "1"}});
        must(run(fleet.get()));
        for (const std::string& id : ids) same(1, int_in(db, id, "SELECT count(*) FROM note"));
    });
}

// 100,000 rows: more than are on their way.
std::string many_rows() {
    std::string ten = "(SELECT 1 AS n";
    for (int i = 2; i <= 10; ++i) ten += " UNION ALL SELECT " + std::to_string(i);
    ten += ") AS d";
    std::string sql = "SELECT 'a text that fills the blocks' AS text_of_it FROM " + ten + "0";
    for (int i = 1; i < 5; ++i) sql += " CROSS JOIN " + ten + std::to_string(i);
    return sql;
}

void reader_that_stops(Suite& suite) {
    suite.claim("a reader that stops leaves no lease out", {Need::tables}, [](World& world) {
        const auto ids = tenants(world, 4);
        mtdb_db* const db = world.db();
        const Fleet fleet = fleet_of(
            db, nullptr, ids, {{"fleet.ledger", "off"}, {"fleet.verb", "sql"}, {"fleet.sql", many_rows()}});
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_fleet_query(fleet.get(), plenty_ms, nullptr, &made, err); });
        const Result result(made);
        check(next(made), "no row");
        ok([&](mtdb_error** err) { return mtdb_result_close(made, err); });
        same(0, figure(db, "leases.now"));
        same(0, figure(db, "leases.abandoned"));
    });
}

void shared_tables(Suite& suite) {
    suite.claim("the place of the shared tables is made before the tenants' scripts rely on it",
                {Need::tables, Need::histories_together}, [](World& world) {
                    const std::string shared = world.id("plans");
                    mtdb_db* const db = world.open({{"tenant.shared", shared}});
                    const auto ids = tenants(world, 3);
                    const Migrator common = new_migrator(db);
                    add_script(common.get(), 1, "CREATE TABLE plan(id BIGINT)");
                    add_script(common.get(), 2, "INSERT INTO plan VALUES(42)");
                    const Migrator own = new_migrator(db);
                    const std::string fill = "INSERT INTO note SELECT id FROM " + shared + ".plan";
                    add_script(own.get(), 1, make_table);
                    add_script(own.get(), 2, fill.c_str());
                    const Fleet fleet = fleet_of(db, own.get(), ids, {{"fleet.ledger", "off"}});
                    ok([&](mtdb_error** err) { return mtdb_fleet_share(fleet.get(), common.get(), err); });
                    must(run(fleet.get()));
                    for (const std::string& id : ids) same(42, int_in(db, id, "SELECT id FROM note"));
                });
}

}  // namespace

void claim_fleets(Suite& suite) {
    outcomes(suite);
    rows(suite);
    reader_that_stops(suite);
    shared_tables(suite);
    suite.claim("a run is taken up from its ledger, and undone from it", {Need::tables}, [](World& world) {
        const std::string folder = "control-" + world.id("store");
        std::filesystem::create_directory(folder);
        mtdb_db* const db = world.open({{"control", folder + "/control.db"}});
        const auto ids = tenants(world, 4);
        const Migrator migrator = scripts(db);
        must(exec(db, ids[2], "CREATE TABLE flyway_schema_history(nonsense BIGINT)"));
        const Fleet first =
            fleet_of(db, migrator.get(), ids, {{"fleet.run", "r"}, {"fleet.on_failure", "continue"}});
        must(run(first.get()));
        same("done 2,done 2,failed (no text),done 2", states(first.get()));
        must(exec(db, ids[2], "DROP TABLE flyway_schema_history"));
        const Fleet second = fleet_of(db, migrator.get(), {}, {{"fleet.run", "r"}, {"fleet.resume", "failed"}});
        must(run(second.get()));
        same("done 2,done 2,done 2,done 2", states(second.get()));
        same(1, int_in(db, ids[2], "SELECT count(*) FROM note"));
        std::filesystem::remove_all(folder);
    });
}

}  // namespace conformance
