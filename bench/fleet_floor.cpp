// SPDX-License-Identifier: MIT
// What a fleet costs beyond the work itself: one ALTER a schema, against the same SQL sent by hand; and a migrator's
// lock, against one that is a row. Both sides by the server's socket, every commit flushed.
#include <vector>

#include "fleet.hpp"

namespace bench {
namespace {

constexpr std::size_t rounds = 2;  // each of all the schemas: connections are a part of a fleet, and not a larger one
constexpr int workers = 8;

std::string in(const std::string& schema, const std::string& text) {
    std::string out = text;
    for (std::size_t at = out.find("{s}"); at != std::string::npos; at = out.find("{s}", at))
        out.replace(at, 3, schema);
    return out;
}

// A transaction a schema in one pipeline: all is sent before the first answer is read.
double pipelined(PGconn* connection, const Names& schemas, const std::vector<std::string>& statements) {
    const double spent = timed([&] {
        if (PQenterPipelineMode(connection) != 1) fail("no pipeline");
        for (const std::string& schema : schemas) {
            for (const std::string& text : statements)
                if (PQsendQueryParams(connection, in(schema, text).c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) !=
                    1)
                    fail(PQerrorMessage(connection));
            if (PQpipelineSync(connection) != 1) fail("no sync");
        }
        for (std::size_t i = 0; i < schemas.size(); ++i) {
            for (std::size_t k = 0; k <= statements.size(); ++k) {
                const Handle<PGresult> result(PQgetResult(connection));
                must_postgres(connection, result.get(), "pipeline");
                if (k < statements.size() && PQgetResult(connection) != nullptr) fail("two results");
            }
        }
        if (PQexitPipelineMode(connection) != 1) fail("the pipeline is not at its end");
    });
    return spent / static_cast<double>(schemas.size()) / 1000;
}

const std::vector<std::string> by_hand = {
    "BEGIN", "ALTER TABLE {s}.person ADD COLUMN born TEXT",
    "INSERT INTO {s}.flyway_schema_history(installed_rank, version, description, type, script, checksum, installed_by,"
    " execution_time, success) VALUES (4, '4', 'born', 'SQL', 'V4__born.sql', 42, current_user, 1, true)",
    "COMMIT"};

}  // namespace

void fleet_floor() {
    Grounds grounds(Backend::postgres);
    grounds.use_socket();
    const std::string before = write_scripts(grounds.folder(), Layout::flyway, 3);
    const std::string with_alter = write_scripts(grounds.folder(), Layout::flyway, 4);
    const int64_t count = scaled(1000);
    const int64_t all = count * static_cast<int64_t>(rounds);
    const Names ours = grounds.make('a', all), theirs = grounds.make('p', all);
    for (const Names* names : {&ours, &theirs}) fleet_of_mtdb(grounds, *names, {before, 3 * all, workers});
    const auto connection = grounds.postgres().connect();
    std::size_t our_turn = 0, turn = 0;
    const Figures figures = in_turns_cold(
        static_cast<int>(rounds),
        [&] {
            const Names now = part_of(ours, our_turn++, rounds);
            return fleet_of_mtdb(grounds, now, {with_alter, static_cast<int64_t>(now.size()), workers});
        },
        [&] { return pipelined(connection.get(), part_of(theirs, turn++, rounds), by_hand); });
    print("fleet_floor",
          "pg, " + counted(count, "schemas") + ", 1 ALTER and its row of history, by hand in one pipeline", "us/tenant",
          figures.ours, figures.peer, figures.peer / figures.ours, at_least(0.7));
}

// ---- the lock

namespace {

// The transaction is the lock: taken, the history read under it, and left; nothing is written.
double locked_by_mtdb(mtdb_migrator* migrator, const Names& schemas) {
    return timed([&] {
               for (const std::string& schema : schemas) {
                   mtdb_result* rows = nullptr;
                   MUST(mtdb_migrator_repair(migrator, schema.data(), static_cast<int64_t>(schema.size()), 1,
                                             MTDB_DEFAULT, nullptr, &rows, &bench_error));
                   mtdb_result_release(rows);
               }
           }) /
           static_cast<double>(schemas.size()) / 1000;
}

double locked_by_row(PGconn* connection, const Names& schemas) {
    static const std::vector<std::string> commits = {
        "INSERT INTO {s}.lease VALUES (1, 1, 'me', now() + interval '1 minute') ON CONFLICT (id) DO UPDATE"
        " SET epoch = lease.epoch + 1, holder = 'me', expires = excluded.expires WHERE lease.expires < now()"
        " RETURNING epoch",
        "UPDATE {s}.lease SET expires = now() + interval '1 minute' WHERE id = 1 AND holder = 'me' RETURNING epoch",
        "UPDATE {s}.lease SET expires = now() - interval '1 minute' WHERE id = 1 AND holder = 'me' RETURNING epoch"};
    return timed([&] {
               for (const std::string& schema : schemas)
                   for (const std::string& text : commits) {
                       const Handle<PGresult> result(PQexec(connection, in(schema, text).c_str()));
                       must_postgres(connection, result.get(), "lease");
                       if (PQntuples(result.get()) != 1) fail("the lease is another's");
                   }
           }) /
           static_cast<double>(schemas.size()) / 1000;
}

}  // namespace

void fleet_lock() {
    Grounds grounds(Backend::postgres);
    grounds.use_socket();
    const std::string scripts = write_scripts(grounds.folder(), Layout::flyway, 1);
    const int64_t count = scaled(1000);
    const Names schemas = grounds.make('a', count);
    fleet_of_mtdb(grounds, schemas, {scripts, count, workers});
    const auto connection = grounds.postgres().connect();
    for (const std::string& schema : schemas)
        postgres_exec(connection.get(), in(schema, "CREATE TABLE {s}.lease(id int PRIMARY KEY, epoch bigint NOT NULL,"
                                                   " holder text NOT NULL, expires timestamptz NOT NULL)"));
    auto db = grounds.open();
    const auto settings = make_options({{"migrate.source", scripts}});
    mtdb_migrator* migrator = nullptr;
    MUST(mtdb_migrator_new(db.get(), settings.get(), &migrator, &bench_error));
    const Figures figures = in_turns(static_cast<int>(rounds), [&] { return locked_by_mtdb(migrator, schemas); },
                                     [&] { return locked_by_row(connection.get(), schemas); });
    print("fleet_lock", "pg, " + counted(count, "schemas") + ", take, fence and release; a lease row, three commits",
          "us/tenant", figures.ours, figures.peer, figures.peer / figures.ours, at_least(1.5));
    mtdb_migrator_release(migrator);
    close_db(std::move(db));
}

}  // namespace bench
