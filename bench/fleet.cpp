// SPDX-License-Identifier: MIT
#include "fleet.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace bench {
namespace {

constexpr int64_t schemas_per_batch = 250;

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr) fail(std::string(name) + " is not set: run by scripts/bench");
    return value;
}

void write(const std::string& file, const std::string& text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    if (!out.flush()) fail("cannot write " + file);
}

std::string list_of(Grounds& grounds, const Names& tenants) {
    std::string text;
    for (const std::string& tenant : tenants) text += tenant + "\n";
    std::string file = grounds.folder().path("names");
    write(file, text);
    return file;
}

struct Script {
    const char* name;
    const char* text;
};
constexpr std::array<Script, all_scripts> scripts{{
    {"people", "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);\n"},
    {"pets",
     "CREATE TABLE pet(id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES person(id), name TEXT NOT NULL);\n"},
    {"owners", "CREATE INDEX pet_owner ON pet(owner);\n"},
    {"born", "ALTER TABLE person ADD COLUMN born TEXT;\n"},
    {"first", "INSERT INTO person(id, name, city) VALUES (1, 'first', 'Oslo'), (2, 'second', 'Rome');\n"},
}};

}  // namespace

int64_t scaled(int64_t count) {
    const char* const scale = std::getenv("MTDB_SCALE");
    const double times = scale != nullptr ? std::atof(scale) : 1;
    return std::max<int64_t>(20, std::llround(static_cast<double>(count) * times));
}

std::string counted(int64_t count, const char* what) { return std::to_string(count) + " " + what; }

Names part_of(const Names& names, std::size_t index, std::size_t parts) {
    const auto at = [&](std::size_t i) {
        return names.begin() + static_cast<std::ptrdiff_t>(names.size() * i / parts);
    };
    return {at(index), at(index + 1)};
}

const char* name_of(Backend backend) {
    constexpr const char* names[] = {"pg", "my", "sqlite WAL", "sqlite DELETE"};
    return names[static_cast<std::size_t>(backend)];
}

const char* tenants_of(Backend backend) {
    constexpr const char* names[] = {"schemas", "databases", "files", "files"};
    return names[static_cast<std::size_t>(backend)];
}

// ---- the tenants

Grounds::Grounds(Backend backend) : backend_(backend) {
    if (backend == Backend::postgres) {
        postgres_.emplace();
        place_ = peers::place_of("postgres", {}, postgres_->name());
        place_.url = "postgres://" + place_.user + ":" + place_.password + "@localhost:" +
                     environment("MTDB_TEST_POSTGRES_PORT") + "/" + postgres_->name() + "?sslmode=disable";
    } else if (backend == Backend::mysql) {
        mysql_.emplace();
        place_ = peers::place_of("mariadb", {});
        place_.url = environment("MTDB_TEST_MYSQL_TCP");
    } else {
        place_ = peers::place_of("sqlite", tenants_.path());
    }
}

Names Grounds::make(char series, int64_t count) {
    Names names;
    for (int64_t i = 0; i < count; ++i) {
        const std::string name = std::string(1, series) + tenant_name(i);
        names.push_back(mysql_ ? mysql_->database_of(name) : name);
    }
    if (postgres_) {
        const auto connection = postgres_->connect();
        for (int64_t first = 0; first < count; first += schemas_per_batch) {
            std::string batch;
            for (int64_t i = first; i < std::min(first + schemas_per_batch, count); ++i)
                batch += "CREATE SCHEMA " + names[static_cast<std::size_t>(i)] + ";";
            postgres_exec(connection.get(), batch);
        }
    } else if (mysql_) {
        const auto connection = mysql_->connect();
        for (const std::string& name : names) mysql_exec(connection.get(), "CREATE DATABASE " + name);
    } else if (!names.empty()) {
        auto db = open();
        create_tenant(db.get(), names.front());
        close_db(std::move(db));
        for (std::size_t i = 1; i < names.size(); ++i) copy_file(file(names.front()), file(names[i]));
    }
    return names;
}

Owned<mtdb_db> Grounds::open() const {
    const std::string control = folder_.path("control.db");
    if (!postgres_ && !mysql_)
        return open_db(place_.url, {{"control", control},
                                    {"sqlite.journal", backend_ == Backend::sqlite_wal ? "wal" : "delete"}});
    const char* const tls = mysql_ ? "disable" : "auto";  // PostgreSQL's url says so itself
    return open_db(place_.url, {{"control", control}, {"pool.size_max", "16"}, {"tls.mode", tls}});
}

std::string write_scripts(Folder& folder, Layout layout, std::size_t count) {
    std::string path = folder.path((layout == Layout::flyway ? "flyway" : "golang") + std::to_string(count));
    std::filesystem::create_directory(path);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string version = std::to_string(i + 1), name = scripts[i].name;
        write(path + "/" + (layout == Layout::flyway ? "V" + version + "__" + name + ".sql"
                                                     : version + "_" + name + ".up.sql"),
              scripts[i].text);
    }
    return path;
}

// ---- the tools

namespace {

void require_all_done(mtdb_fleet* fleet, std::size_t tenants, const Run& run) {
    mtdb_result* rows = nullptr;
    MUST(mtdb_fleet_results(fleet, &rows, &bench_error));
    std::size_t done = 0;
    int64_t applied = 0;
    while (MUST(mtdb_result_next(rows, &bench_error)) == MTDB_OK) {
        int64_t size = 0;
        const char* const state = mtdb_value_text(rows, 2, &size);
        if (std::string_view(state, static_cast<std::size_t>(size)) == "done") ++done;
        applied += mtdb_value_int64(rows, 5);
    }
    mtdb_result_release(rows);
    if (done != tenants || applied != run.expected)
        fail("a fleet of " + std::to_string(tenants) + " ended with " + std::to_string(done) + " done and " +
             std::to_string(applied) + " scripts");
}

}  // namespace

// From an open db to a closed one, so that what was opened is also closed within the clock.
double fleet_of_mtdb(const Grounds& grounds, const Names& tenants, const Run& run) {
    const auto settings = make_options({{"migrate.source", run.scripts}});
    const auto options = make_options({{"fleet.workers", std::to_string(run.workers)},
                                       {"fleet.trust", run.trust ? "ledger" : "history"}});
    return timed([&] {
               auto db = grounds.open();
               mtdb_migrator* migrator = nullptr;
               mtdb_fleet* fleet = nullptr;
               MUST(mtdb_migrator_new(db.get(), settings.get(), &migrator, &bench_error));
               MUST(mtdb_fleet_new(db.get(), migrator, options.get(), &fleet, &bench_error));
               for (const std::string& tenant : tenants)
                   MUST(mtdb_fleet_add(fleet, tenant.data(), static_cast<int64_t>(tenant.size()), &bench_error));
               MUST(mtdb_fleet_run(fleet, MTDB_FOREVER, nullptr, nullptr, &bench_error));
               require_all_done(fleet, tenants.size(), run);
               mtdb_fleet_release(fleet);
               mtdb_migrator_release(migrator);
               close_db(std::move(db));
           }) /
           static_cast<double>(tenants.size()) / 1000;
}

std::string peers_folder() { return environment("MTDB_BENCH_PEERS"); }

std::vector<std::string> flyway_command() {
    const std::string folder = peers_folder() + "/flyway";
    return {"java", "-Xmx512m", "-cp", folder + "/classes:" + folder + "/lib/*", "Peer"};
}

std::vector<std::string> flyway_request(const peers::Place& place, const std::string& tenant,
                                        const std::string& scripts_folder) {
    std::vector<std::string> words = {"url=" + place.jdbc(tenant), "user=" + place.user, "password=" + place.password,
                                      "locations=filesystem:" + scripts_folder};
    if (place.backend == "postgres") words.push_back("schemas=" + tenant);
    return words;
}

namespace {

// What was asked took so long; the answer is one line.
double timed_request(peers::Process& process, const std::vector<std::string>& words, const std::string& expected) {
    peers::Process::Reply reply;
    const double spent = timed([&] { reply = process.ask(words); });
    if (!reply.error.empty()) fail(words.front() + ": " + reply.error);
    if (reply.lines != std::vector{expected}) fail(words.front() + ": not '" + expected + "'");
    return spent;
}

}  // namespace

Flyway::Flyway() : process_(flyway_command()) {}

double Flyway::migrate(Grounds& grounds, const Names& tenants, const Run& run) {
    std::vector<std::string> words = {"fleet", "threads=" + std::to_string(run.workers),
                                      "names=" + list_of(grounds, tenants)};
    for (std::string& word : flyway_request(grounds.place(), "{tenant}", run.scripts)) words.push_back(std::move(word));
    return timed_request(process_, words, "executed " + std::to_string(run.expected)) /
           static_cast<double>(tenants.size()) / 1000;
}

Golang::Golang() : process_({peers_folder() + "/golang-peer"}) {}

// It says how many tenants changed, not how many scripts ran.
double Golang::migrate(Grounds& grounds, const Names& tenants, const Run& run) {
    const std::vector<std::string> words = {"fleet", grounds.place().golang("{tenant}"), "file://" + run.scripts,
                                            std::to_string(run.workers), list_of(grounds, tenants)};
    return timed_request(process_, words, "changed " + std::to_string(run.expected > 0 ? tenants.size() : 0)) /
           static_cast<double>(tenants.size()) / 1000;
}

}  // namespace bench
