// SPDX-License-Identifier: MIT
// The decisions as tables, the parking of one process, and the stores that need no server.
#include <stdlib.h>

#include <filesystem>
#include <map>

#include "control/quiesce_memory.hpp"
#include "control/quiesce_sql.hpp"
#include "engine/flag_store.hpp"
#include "unit/quiesce_claims.hpp"
#include "unit/quiesce_sqlite.hpp"

using namespace quiesce_test;
using control::MemoryStore;
using control::Parking;
using control::Snapshot;

namespace {

Flag flag_at(control::Micros set_at, control::Micros expires_at, std::string token = {}) {
    Flag flag;
    flag.scope = "global";
    flag.set_at = set_at;
    flag.set_by = "deploy-7";
    flag.expires_at = expires_at;
    flag.token = std::move(token);
    return flag;
}

Flag cleared(Flag flag) {
    flag.cleared_at = flag.set_at + 1;
    return flag;
}

Snapshot seeing(control::Micros now, std::vector<Flag> flags) { return {now, std::move(flags)}; }

Announcement newcomer() {
    Announcement self = process("p");
    self.seen.clear();
    self.parked.clear();
    return self;
}

const auto nobody_out = [](const Flag&) -> int64_t { return 0; };
const auto one_out = [](const Flag&) -> int64_t { return 1; };

}  // namespace

TEST_CASE("a flag is active until its last moment, and then neither active nor cleared") {
    CHECK(control::state_of(std::nullopt, 10) == FlagState::none);
    CHECK(control::state_of(flag_at(1, 10), 9) == FlagState::active);
    CHECK(control::state_of(flag_at(1, 10), 10) == FlagState::expired);
    CHECK(control::state_of(cleared(flag_at(1, 10)), 5) == FlagState::cleared);
    CHECK(control::state_of(cleared(flag_at(1, 10)), 50) == FlagState::cleared);
    CHECK(control::state_of(flag_at(1, control::no_end), INT64_MAX) == FlagState::active);
}

TEST_CASE("a time to live is half an hour by default, two hours at most, and says when it was cut") {
    struct Row {
        int64_t asked, ms;
        bool clamped;
    };
    for (const Row& row : {Row{0, 1'800'000, false}, Row{1, 1, false}, Row{7'200'000, 7'200'000, false},
                           Row{7'200'001, 7'200'000, true}, Row{INT64_MAX, 7'200'000, true}}) {
        CAPTURE(row.asked);
        CHECK(control::ttl_of(row.asked).ms == row.ms);
        CHECK(control::ttl_of(row.asked).clamped == row.clamped);
    }
    CHECK(code_of([] { control::ttl_of(-1); }) == Code::invalid_argument);
}

TEST_CASE("a scope is global, or a kind and a name") {
    CHECK(control::scope_of("") == "global");
    CHECK(control::scope_of("global") == "global");
    CHECK(control::scope_of("server:eu-1.example") == "server:eu-1.example");
    CHECK(control::tenant_of("tenant:acme") == "acme");
    CHECK(control::tenant_of("server:acme").empty());
    for (const char* bad : {"Global", "server", "server:", "region:eu", "tenant:a b", "tenant:a,b", "tenant:a@1"}) {
        CAPTURE(bad);
        CHECK(code_of([&] { control::scope_of(bad); }) == Code::invalid_argument);
    }
    CHECK(code_of([] { control::scope_of("group:" + std::string(123, 'x')); }) == Code::invalid_argument);
}

TEST_CASE("a table's name has at most two parts, which are plain identifiers and keep their case") {
    db::Dialect dialect;
    CHECK(control::table_name("quiesce_flags", dialect) == "\"quiesce_flags\"");
    CHECK(control::table_name("Ops.Flags", dialect) == "\"Ops\".\"Flags\"");
    dialect.quote = '`';
    CHECK(control::table_name("a.b", dialect) == "`a`.`b`");
    for (const char* bad : {"a..b", ".a", "a.", "a.b.c", "1a", "a-b", "a\"b", "a b", ""}) {
        CAPTURE(bad);
        CHECK(code_of([&] { control::table_name(bad, dialect); }) == Code::invalid_argument);
    }
    CHECK(code_of([&] { control::table_name(std::string(64, 'x'), dialect); }) == Code::invalid_argument);
}

TEST_CASE("who may set, renew and clear is a matter of state and token") {
    const std::optional<Flag> none, mine = flag_at(1, 10, "aa"), others = flag_at(1, 10, "bb"),
                                    nobodys = flag_at(1, 10);
    struct Row {
        const std::optional<Flag>& flag;
        control::Micros now;
        Code set, renew, clear;
    };
    const std::optional<Flag> over = cleared(flag_at(1, 10, "aa"));
    for (const Row& row : {Row{none, 5, Code::ok, Code::not_found, Code::not_found},
                           Row{mine, 5, Code::exists, Code::ok, Code::ok},
                           Row{others, 5, Code::exists, Code::permission, Code::permission},
                           Row{nobodys, 5, Code::exists, Code::permission, Code::permission},
                           Row{mine, 10, Code::ok, Code::invalid_state, Code::ok},
                           Row{others, 10, Code::ok, Code::permission, Code::ok},
                           Row{nobodys, 10, Code::ok, Code::permission, Code::ok},
                           Row{over, 5, Code::ok, Code::not_found, Code::not_found}}) {
        CHECK(code_of([&] { control::check_set(row.flag, row.now, false); }) == row.set);
        CHECK(code_of([&] { control::check_renew(row.flag, row.now, "aa"); }) == row.renew);
        CHECK(code_of([&] { control::check_clear(row.flag, row.now, "aa", false); }) == row.clear);
    }
    CHECK(code_of([&] { control::check_set(others, 5, true); }) == Code::ok);
    CHECK(code_of([&] { control::check_clear(others, 5, {}, true); }) == Code::ok);
    CHECK(code_of([&] { control::check_clear(nobodys, 5, {}, false); }) == Code::permission);
}

TEST_CASE("a principal has at most 255 characters, whatever they take") {
    std::string text;
    for (int i = 0; i < 255; ++i) text += "é";
    CHECK(code_of([&] { control::check_principal(text); }) == Code::ok);
    CHECK(code_of([&] { control::check_principal(text + "x"); }) == Code::invalid_argument);
}

TEST_CASE("times are told in UTC with nine digits, and tokens are 128 random bits") {
    CHECK(control::time_text(1'700'000'000'123'456) == "2023-11-14T22:13:20.123456000Z");
    CHECK(control::time_text(0) == "1970-01-01T00:00:00.000000000Z");
    CHECK(control::time_text(control::no_end) == "never");
    CHECK(control::new_token().size() == 32);
    CHECK(control::new_token() != control::new_token());
}

// ---- parking ------------------------------------------------------------------------------------

TEST_CASE("a process parks when its leases are back, and says so once") {
    Parking parking(newcomer());
    parking.written();
    CHECK(parking.note(seeing(5, {flag_at(1, 10)})));
    CHECK(parking.held().size() == 1);
    parking.look(one_out);
    CHECK_FALSE(parking.parked());
    CHECK(parking.has_news());  // what it has seen
    parking.written();
    parking.look(nobody_out);
    CHECK(parking.parked());
    CHECK(parking.has_news());
    parking.written();
    parking.look(one_out);  // a lease that will be given back ungranted
    CHECK(parking.parked());
    CHECK_FALSE(parking.has_news());
}

TEST_CASE("what was called parked is let go only after a write has taken that back") {
    Parking parking(newcomer());
    parking.note(seeing(5, {flag_at(1, 10)}));
    parking.look(nobody_out);
    parking.written();
    CHECK_FALSE(parking.note(seeing(10, {flag_at(1, 10)})));  // expired
    CHECK(parking.held().size() == 1);
    CHECK(parking.announcement().parked.empty());
    parking.written();
    SUBCASE("and is then open") {
        CHECK(parking.note(seeing(11, {flag_at(1, 10)})));
        CHECK(parking.held().empty());
    }
    SUBCASE("or held again, when a renewal arrived meanwhile") {
        CHECK(parking.note(seeing(11, {flag_at(1, 20)})));
        CHECK(parking.held().size() == 1);
        CHECK_FALSE(parking.parked());
    }
}

TEST_CASE("a flag that was set anew is parked for anew") {
    Parking parking(newcomer());
    parking.note(seeing(5, {flag_at(1, 10)}));
    parking.look(nobody_out);
    parking.written();
    parking.note(seeing(6, {flag_at(6, 20)}));
    CHECK_FALSE(parking.parked());
    CHECK_FALSE(control::parked_for(parking.announcement(), flag_at(6, 20)));
    parking.look(nobody_out);
    CHECK(control::parked_for(parking.announcement(), flag_at(6, 20)));
}

TEST_CASE("a process obeys global, every tenant's scope, and those that it names") {
    Announcement self = newcomer();
    CHECK(control::obeys(self, "global"));
    CHECK(control::obeys(self, "tenant:anyone"));
    CHECK(control::obeys(self, "server:eu1"));
    CHECK_FALSE(control::obeys(self, "server:us1"));
    Parking parking(self);
    Flag elsewhere = flag_at(1, 10);
    elsewhere.scope = "server:us1";
    parking.note(seeing(5, {elsewhere}));
    CHECK(parking.held().empty());
}

// ---- stores -------------------------------------------------------------------------------------

TEST_CASE("flags in memory") {
    MemoryStore store;
    keeps_flags(store);
    keeps_announcements(store);
}

TEST_CASE("flags in a file") {
    const SqliteFile file;
    const auto store = engine::open_flag_store(file.path(), {});
    CHECK(code_of([&] { store->read({}, soon()); }) == Code::not_found);
    store->create(soon());
    store->create(soon());
    keeps_flags(*store);
    keeps_announcements(*store);
    gives_a_flag_to_one([&] { return engine::open_flag_store(file.path(), {}); });
}

TEST_CASE("a file without the tables says what makes them") {
    const SqliteFile file;
    file.run("CREATE TABLE t(v)");
    const auto store = engine::open_flag_store(file.path(), {});
    try {
        store->read({}, soon());
        FAIL("it was read");
    } catch (const Error& error) {
        CHECK(error.code() == Code::not_found);
        CHECK(error.message().find("mtdb_quiesce_create") != std::string::npos);
    }
}

TEST_CASE("rows of another program in a file are obeyed, nobody's, and continued") {
    const SqliteFile file;
    const auto store = engine::open_flag_store(file.path(), {});
    store->create(soon());
    file.run("INSERT INTO quiesce_flags(id, set_by, expires_at) VALUES('global', 'by hand',"
             " datetime('now', '+1 hour'))");
    REQUIRE(flag_in(*store));
    CHECK(state_in(*store) == FlagState::active);
    CHECK(flag_in(*store)->token.empty());
    CHECK(code_of([&] { store->clear("global", {}, false, soon()); }) == Code::permission);
    const Flag mine = set_in(*store, "global", 60'000, true);
    file.run("UPDATE quiesce_flags SET reason = 'no longer as we wrote it'");
    CHECK(flag_in(*store)->token.empty());
    CHECK(code_of([&] { store->renew("global", mine.token, 1000, soon()); }) == Code::permission);
    CHECK(code_of([&] { store->clear("global", mine.token, false, soon()); }) == Code::permission);
    CHECK(code_of([&] { store->clear("global", mine.token, true, soon()); }) == Code::ok);
}

TEST_CASE("flags in a table of another name have their own table beside them") {
    const SqliteFile file;
    const auto store = engine::open_flag_store(file.path(), "ops_flags");
    store->create(soon());
    set_in(*store);
    CHECK(file.text("SELECT group_concat(name) FROM (SELECT name FROM sqlite_master WHERE type='table' ORDER BY 1)") ==
          "mtdb_ops_flags,ops_flags");
}

TEST_CASE("a store's address is checked when it is given") {
    CHECK(code_of([] { engine::open_flag_store(":memory:", {}); }) == Code::invalid_argument);
    CHECK(code_of([] { engine::open_flag_store("/no/such/folder/flags.db", {}); }) == Code::not_found);
    CHECK(code_of([] { engine::open_flag_store("echo:", {}); }) == Code::unsupported);
    const SqliteFile file;
    CHECK(code_of([&] { engine::open_flag_store(file.path(), "a.b.c"); }) == Code::invalid_argument);
}
