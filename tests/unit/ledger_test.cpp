// SPDX-License-Identifier: MIT
// The ledger of fleet runs, on every database that can be a control store.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "control/ledger.hpp"
#include "engine/control_store.hpp"

using namespace mtdb::control;
using mtdb::Code;
using mtdb::Deadline;
using mtdb::Error;
using mtdb::Wait;
using mtdb::engine::ControlStore;

namespace {

Wait soon() { return Wait{Deadline::in(mtdb::base::milliseconds(20000)), nullptr, nullptr}; }

std::string server(const char* name) {
    const char* const url = std::getenv(name);
    REQUIRE_MESSAGE(url != nullptr, "the variable names no server: start one, it is not optional");
    return url;
}

template <class Work>
Code code_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return Code::ok;
}

ItemRecord item(int64_t number, const char* tenant) {
    ItemRecord record;
    record.number = number;
    record.tenant = tenant;
    record.wave = 1;
    return record;
}

RunRecord run(const std::string& name) {
    RunRecord record;
    record.run = name;
    record.verb = "migrate";
    record.state = "running";
    return record;
}

void keeps_names_apart(Ledger& ledger, const std::string& tag) {
    const ItemRecord twins[] = {item(0, "acme"), item(1, "ACME")};
    ledger.begin(run("x" + tag), twins, soon());
    CHECK(code_of([&] { ledger.begin(run("x" + tag), twins, soon()); }) == Code::exists);
    ledger.begin(run("X" + tag), {twins, 1}, soon());
    CHECK(ledger.items("x" + tag, soon()).size() == 2);
    CHECK(ledger.items("X" + tag, soon()).size() == 1);
    const Seen seen[] = {{"acme", tag, "1", "1", "up_to_date"}, {"ACME", tag, "2", "1", "up_to_date"}};
    for (int turn = 0; turn < 2; ++turn) ledger.save_seen(seen, soon());
    CHECK(ledger.seen(tag, soon()).size() == 2);
}

void belongs_to_who_took_it(Ledger& first, Ledger& second, const std::string& tag) {
    ItemRecord one[] = {item(0, "acme")};
    first.begin(run("turn" + tag), one, soon());
    one[0].before = "1";
    one[0].goal = "3?";
    one[0].state = ItemState::running;
    first.save("turn" + tag, one, soon());
    CHECK_FALSE(second.take("nowhere" + tag, soon()));
    CHECK(second.take("turn" + tag, soon()));
    CHECK(second.items("turn" + tag, soon()).front().goal == "3?");
    one[0].before = "2";
    CHECK(code_of([&] { first.save("turn" + tag, one, soon()); }) == Code::invalid_state);
    RunRecord done = run("turn" + tag);
    done.state = "done";
    CHECK(code_of([&] { first.save(done, soon()); }) == Code::invalid_state);
    CHECK(second.items("turn" + tag, soon()).front().before == "1");
    CHECK(second.find("turn" + tag, soon())->state == "running");
    second.save("turn" + tag, one, soon());
    second.save(done, soon());
    CHECK(first.find("turn" + tag, soon())->state == "done");
    CHECK(first.items("turn" + tag, soon()).front().before == "2");
}

void keeps_runs(const std::string& url) {
    const std::string tag = std::to_string(getpid());
    ControlStore store(url, "mtdb_ledger_test", soon());
    Ledger first(store.connect(soon()), store.dialect(), soon());
    Ledger second(store.connect(soon()), store.dialect(), soon());
    keeps_names_apart(first, tag);
    belongs_to_who_took_it(first, second, tag);
}

}  // namespace

TEST_CASE("ledger: names are compared byte for byte, and a run belongs to who took it up last") {
    SUBCASE("SQLite") {
        const auto file = std::filesystem::temp_directory_path() / ("mtdb-ledger-" + std::to_string(getpid()) + ".db");
        keeps_runs(file.string());
        for (const char* const tail : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + tail);
    }
    SUBCASE("PostgreSQL") { keeps_runs(server("MTDB_TEST_POSTGRES_SUPER")); }
    SUBCASE("MariaDB") { keeps_runs(server("MTDB_TEST_MYSQL_SUPER")); }
}
