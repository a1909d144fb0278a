// SPDX-License-Identifier: MIT
#include "engine/options.hpp"

#include <cjson/cJSON.h>
#include <doctest/doctest.h>

#include <set>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::engine;

TEST_CASE("the table is consistent: keys once, defaults allowed, one sentence of doc each") {
    std::set<std::string_view> keys;
    for (const Option& option : options()) {
        CAPTURE(option.key);
        CHECK(keys.insert(option.key).second);
        CHECK(option.scopes != 0);
        CHECK(option.doc.ends_with('.'));
        if (option.prefix()) {
            for (const Option& other : options())
                CHECK((&other == &option || !other.key.starts_with(option.key)));
            continue;
        }
        Options set;
        CHECK_NOTHROW(set.set_text(option.key, option.fallback));
        CHECK(set.get_text(option.key) == option.fallback);
        CHECK(Options().text(option.key) == option.fallback);
        if (option.kind == Kind::integer)
            CHECK(std::to_string(Options().integer(option.key)) == option.fallback);
        if (option.kind == Kind::boolean)
            CHECK(Options().boolean(option.key) == (option.fallback == "true"));
    }
}

TEST_CASE("an unknown key names the nearest one") {
    Options set;
    CHECK_THROWS_WITH_AS(set.set_text("pool.sizemax", "1"),
                         "unknown option 'pool.sizemax'; did you mean 'pool.size_max'?", Error);
    CHECK_THROWS_WITH_AS(set.get_text("thread"), "unknown option 'thread'; did you mean 'threads'?",
                         Error);
    CHECK_THROWS_WITH_AS(set.set_integer("", 1), "unknown option ''", Error);
    CHECK_THROWS_AS(set.set_text("tenant.map", "x"), Error);
    CHECK_THROWS_AS(set.set_text("pool.size_max.", "1"), Error);
}

TEST_CASE("a value that is not allowed names the key and what is") {
    struct Row {
        std::string_view key, value;
        const char* message;
    };
    for (const Row& row : {
             Row{"pool.size_max", "eight",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not 'eight'"},
             Row{"pool.size_max", "8x",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not '8x'"},
             Row{"pool.size_max", " 8",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not ' 8'"},
             Row{"pool.size_max", "",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not ''"},
             Row{"pool.size_max", "-",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not '-'"},
             Row{"pool.size_max", "0",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not '0'"},
             Row{"pool.size_max", "1001",
                 "option 'pool.size_max' takes an integer from 1 to 1000, not '1001'"},
             Row{"memory_max_bytes", "9223372036854775808",
                 "option 'memory_max_bytes' takes an integer of at least 0, not "
                 "'9223372036854775808'"},
             Row{"memory_max_bytes", "-9223372036854775808",
                 "option 'memory_max_bytes' takes an integer of at least 0, not "
                 "'-9223372036854775808'"},
             Row{"memory_max_bytes", "-99999999999999999999",
                 "option 'memory_max_bytes' takes an integer of at least 0, not "
                 "'-99999999999999999999'"},
             Row{"route.outside", "yes", "option 'route.outside' takes true or false, not 'yes'"},
             Row{"threads", "two", "option 'threads' takes one of auto, none, not 'two'"},
             Row{"threads", "", "option 'threads' takes one of auto, none, not ''"},
             Row{"threads", "auto|none",
                 "option 'threads' takes one of auto, none, not 'auto|none'"},
             Row{"tenant.shared", std::string_view("a\0b", 3),
                 "the value of option 'tenant.shared' is not UTF-8 without NUL"},
             Row{"lease.tag", "\xff", "the value of option 'lease.tag' is not UTF-8 without NUL"},
             Row{"tenant.map.", "x", "option 'tenant.map.' needs a name behind its prefix"},
         }) {
        CAPTURE(row.key);
        CAPTURE(row.value);
        Options set;
        CHECK_THROWS_WITH_AS(set.set_text(row.key, row.value), row.message, Error);
        if (row.key != "tenant.map.") CHECK_FALSE(set.has(row.key));
    }
    Options set;
    CHECK_THROWS_WITH_AS(set.set_integer("threads", 2),
                         "option 'threads' takes one of auto, none, not '2'", Error);
    CHECK_THROWS_WITH_AS(set.set_integer("lease.tag", 2), "option 'lease.tag' takes text, not '2'",
                         Error);
    CHECK_THROWS_AS(set.set_integer("run.workers", 65), Error);
    CHECK_THROWS_AS(set.set_integer("route.outside", 2), Error);
    CHECK_THROWS_AS(set.set_boolean("run.workers", true), Error);
}

TEST_CASE("each setter is read back by each getter, and the last one wins") {
    Options set;
    set.set_text("pool.size_max", "0016");
    CHECK(set.integer("pool.size_max") == 16);
    CHECK(set.get_text("pool.size_max") == "16");
    set.set_integer("pool.size_max", 3);
    CHECK(set.integer("pool.size_max") == 3);
    set.set_text("route.outside", "1");
    CHECK(set.boolean("route.outside"));
    CHECK(set.get_text("route.outside") == "true");
    set.set_integer("route.outside", 0);
    CHECK_FALSE(set.boolean("route.outside"));
    set.set_integer("memory_max_bytes", INT64_MAX);
    CHECK(set.get_text("memory_max_bytes") == "9223372036854775807");
    const Options copy = set;
    set.set_integer("pool.size_max", 4);
    CHECK(copy.integer("pool.size_max") == 3);
    CHECK(copy.has("pool.size_max"));
    CHECK_FALSE(copy.has("pool.idle_max"));
}

TEST_CASE("an option of another scope is refused by name") {
    Options set;
    set.set_boolean("tx.read_only", true);
    CHECK_NOTHROW(set.check_scope(Scope::tx));
    CHECK_THROWS_WITH_AS(set.check_scope(Scope::db),
                         "option 'tx.read_only' is of scope tx, not of scope db", Error);
    Options both;
    both.set_text("migrate.source", "scripts");
    CHECK_NOTHROW(both.check_scope(Scope::db));
    CHECK_NOTHROW(both.check_scope(Scope::migrator));
    CHECK_THROWS_WITH_AS(both.check_scope(Scope::run),
                         "option 'migrate.source' is of scope db,migrator, not of scope run",
                         Error);
    Options map;
    map.set_text("tenant.map.acme", "a.db");
    CHECK_THROWS_WITH_AS(map.check_scope(Scope::lease),
                         "option 'tenant.map.acme' is of scope db, not of scope lease", Error);
}

TEST_CASE("a prefix key keeps one value per name") {
    Options set;
    set.set_text("tenant.map.b", "two.db");
    set.set_text("tenant.map.a", "one.db");
    set.set_text("tenant.map.b", "three.db");
    using Items = std::vector<std::pair<std::string_view, std::string_view>>;
    CHECK(set.prefixed("tenant.map.") == Items{{"a", "one.db"}, {"b", "three.db"}});
    CHECK(set.get_text("tenant.map.a") == "one.db");
    CHECK(set.get_text("tenant.map.c").empty());
    CHECK(set.has("tenant.map.a"));
    CHECK_FALSE(set.has("tenant.map.c"));
}

TEST_CASE("a secret is never shown") {
    const Option secret{"password", 1, Kind::text, "", 0, 0, {}, true, "0.1", "A secret.", 0};
    CHECK(shown(secret, "hunter2") == "***");
    CHECK(shown(secret, "").empty());
    CHECK(shown(options()[0], "auto") == "auto");
    CHECK(Options::describe(secret).find("\"secret\":true") != std::string::npos);
}

TEST_CASE("every option is described as JSON with the same members") {
    for (int32_t index = 0; index < Options::count(); ++index) {
        const std::string text = Options::describe(index);
        CAPTURE(text);
        cJSON* json = cJSON_Parse(text.c_str());
        REQUIRE(json != nullptr);
        CHECK(cJSON_GetArraySize(json) == 10);
        for (const char* member : {"key", "scope", "type", "default", "min", "max", "values",
                                   "secret", "since", "doc"}) {
            CHECK(cJSON_HasObjectItem(json, member));
        }
        cJSON_Delete(json);
    }
    CHECK(
        Options::describe(0) ==
        R"({"key":"tenancy","scope":"db","type":"choice","default":"auto","min":null,"max":null,"values":["auto",)"
        R"("file","schema","database","server"],"secret":false,"since":"0.1",)"
        R"("doc":"How tenants are kept apart; auto takes the backend's own way."})");
    CHECK_THROWS_AS(Options::describe(-1), Error);
    CHECK_THROWS_AS(Options::describe(Options::count()), Error);
}
