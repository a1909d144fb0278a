// SPDX-License-Identifier: MIT
#include "engine/url_settings.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace mtdb;
using mtdb::engine::Options;
using mtdb::engine::with_url_settings;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

Options read(const Settings& settings) { return with_url_settings({}, settings); }

std::string refusal_of(const Settings& settings) {
    try {
        read(settings);
    } catch (const Error& error) {
        CHECK(error.code() == Code::invalid_argument);
        return error.message();
    }
    FAIL("accepted");
    return {};
}

}  // namespace

TEST_CASE("gorm-multitenancy's numbers are values, not floors") {
    const Options options =
        read({{"gmt_max_retries", "2"}, {"gmt_retry_interval", "50ms"}, {"gmt_retry_max_interval", "1m30s"}});
    CHECK(options.integer("retry.max") == 2);
    CHECK(options.integer("retry.interval_ms") == 50);
    CHECK(options.integer("retry.interval_max_ms") == 90000);
    CHECK(read({{"gmt_max_retries", "0"}}).integer("retry.max") == 0);
}

TEST_CASE("gmt_disable_retry wins over gmt_max_retries, in whatever order they stand") {
    CHECK(read({{"gmt_disable_retry", "true"}, {"gmt_max_retries", "9"}}).integer("retry.max") == 0);
    CHECK(read({{"gmt_max_retries", "9"}, {"gmt_disable_retry", "true"}}).integer("retry.max") == 0);
    CHECK(read({{"gmt_disable_retry", "false"}, {"gmt_max_retries", "9"}}).integer("retry.max") == 9);
    CHECK_FALSE(read({{"gmt_disable_retry", "false"}}).has("retry.max"));
}

TEST_CASE("truth is spelled as Go spells it, and anything else is refused by the key's name") {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        CAPTURE(yes);
        CHECK(read({{"gmt_disable_retry", yes}}).integer("retry.max") == 0);
    }
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
        CAPTURE(no);
        CHECK_FALSE(read({{"gmt_disable_retry", no}}).has("retry.max"));
    }
    for (const char* neither : {"", "yes", "on", "tRUE", "2", " true"}) {
        CAPTURE(neither);
        CHECK(refusal_of({{"gmt_disable_retry", neither}}) ==
              "the url's key 'gmt_disable_retry' takes true or false, not '" + std::string(neither) + "'");
    }
}

TEST_CASE("durations are Go's, in milliseconds, a part of one as one") {
    struct Row {
        const char* text;
        int64_t milliseconds;
    };
    for (const Row& row :
         {Row{"2s", 2000}, Row{"500ms", 500}, Row{"1.5s", 1500}, Row{".5s", 500}, Row{"1.s", 1000},
          Row{"1h2m3s4ms", 3723004}, Row{"0", 0}, Row{"0s", 0}, Row{"1us", 1}, Row{"1001\u00B5s", 2},
          Row{"2000\u03BCs", 2}, Row{"1ns", 1}, Row{"0.1s", 100}, Row{"1.001s", 1001}, Row{"876600h", 3155760000000}}) {
        CAPTURE(row.text);
        CHECK(read({{"gmt_retry_interval", row.text}}).integer("retry.interval_ms") == row.milliseconds);
    }
    for (const char* text : {"", "2", "s", ".s", "-2s", "2 s", "2S", "1d", "1..5s", "1e3s", "2s3", "inf", "0x1s",
                             "99999999999999999999s", "2562047h"}) {
        CAPTURE(text);
        CHECK(refusal_of({{"gmt_retry_interval", text}}).starts_with("the url's key 'gmt_retry_interval' "));
    }
}

TEST_CASE("a number that is none, or out of range, is refused by the key's name") {
    for (const char* text : {"", "two", "-1", "1001", "1.5"}) {
        CAPTURE(text);
        CHECK(refusal_of({{"gmt_max_retries", text}}) ==
              "the url's key 'gmt_max_retries' is refused: option 'retry.max' takes an integer from 0 to 1000, not '" +
                  std::string(text) + "'");
    }
}

TEST_CASE("of a key that is given twice the last counts") {
    CHECK(read({{"gmt_max_retries", "2"}, {"gmt_max_retries", "3"}}).integer("retry.max") == 3);
    CHECK_FALSE(read({{"gmt_disable_retry", "true"}, {"gmt_disable_retry", "false"}}).has("retry.max"));
    CHECK(read({{"mtdb_pool.size_max", "4"}, {"mtdb_pool.size_max", "5"}}).integer("pool.size_max") == 5);
}

TEST_CASE("our own key wins over another tool's for the same option, and the program over both") {
    for (const Settings& settings : {Settings{{"mtdb_retry.max", "4"}, {"gmt_disable_retry", "true"}},
                                     Settings{{"gmt_max_retries", "7"}, {"mtdb_retry.max", "4"}}})
        CHECK(read(settings).integer("retry.max") == 4);
    Options own;
    own.set_text("retry.max", "1");
    CHECK(with_url_settings(own, {{"mtdb_retry.max", "4"}, {"gmt_disable_retry", "true"}}).integer("retry.max") == 1);
    CHECK(with_url_settings(own, {{"mtdb_pool.size_max", "4"}}).integer("pool.size_max") == 4);
}

TEST_CASE("where the program says a password is from, the url's own word of it is not asked") {
    for (const char* option : {"password", "password_file", "password_env"}) {
        Options own;
        own.set_text(option, "program");
        const Options merged = with_url_settings(
            own, {{"mtdb_password", "url"}, {"mtdb_password_file", "url"}, {"mtdb_password_env", "url"}});
        CHECK(merged.text(option) == "program");
        for (const char* other : {"password", "password_file", "password_env"})
            if (std::string_view(other) != option) CHECK_FALSE(merged.has(other));
    }
    CHECK(read({{"mtdb_password", "url"}}).text("password") == "url");
}

TEST_CASE("golang-migrate's keys set the option that means the same") {
    const Options options = read({{"x-migrations-table", "a.b"}, {"x-statement-timeout", "250"}});
    CHECK(options.text("migrate.table") == "a.b");
    CHECK(options.integer("query_timeout_ms") == 250);
    const Options tls = read({{"x-tls-ca", "/ca"}, {"x-tls-cert", "/cert"}, {"x-tls-key", "/key"}});
    CHECK(tls.text("tls.mode") == "verify-full");
    CHECK(tls.text("tls.ca") == "/ca");
    CHECK(tls.text("tls.cert") == "/cert");
    CHECK(tls.text("tls.key") == "/key");
    CHECK(read({{"x-tls-insecure-skip-verify", "true"}, {"x-tls-ca", "/ca"}}).text("tls.mode") == "require");
    CHECK_FALSE(read({{"x-tls-insecure-skip-verify", "false"}}).has("tls.mode"));
    CHECK(refusal_of({{"x-tls-cert", "/cert"}}) == "the url's key 'x-tls-cert' is given without 'x-tls-key'");
    CHECK(refusal_of({{"x-tls-key", "/key"}}) == "the url's key 'x-tls-key' is given without 'x-tls-cert'");
}

TEST_CASE("a quoted table is one name, in whatever order the two keys stand") {
    CHECK(read({{"x-migrations-table-quoted", "1"}, {"x-migrations-table", "\"My.History\""}}).text("migrate.table") ==
          "My.History");
    CHECK(read({{"x-migrations-table", "\"m\""}, {"x-migrations-table-quoted", "true"}}).text("migrate.table") == "m");
    CHECK(read({{"x-migrations-table", "\"m\""}, {"x-migrations-table-quoted", "false"}}).text("migrate.table") ==
          "\"m\"");
    CHECK_FALSE(read({{"x-migrations-table-quoted", "true"}}).has("migrate.table"));
    struct Row {
        const char* table;
        const char* problem;
    };
    for (const Row& row : {Row{"m", "takes a name in double quotes"}, Row{"\"\"", "takes a name in double quotes"},
                           Row{"\"s\".\"m\"", "names a schema"}, Row{"\"a\".\"b\".\"c\"", "names a schema"},
                           Row{"\"a\"b\"", "has a double quote"}}) {
        CAPTURE(row.table);
        CHECK(refusal_of({{"x-migrations-table-quoted", "true"}, {"x-migrations-table", row.table}})
                  .starts_with(std::string("the url's key 'x-migrations-table' ") + row.problem));
    }
}

TEST_CASE("what has no equal here is refused with the reason, unless it asks for what is done anyway") {
    for (const auto& setting : Settings{{"x-multi-statement-max-size", "1"},
                                        {"x-lock-strategy", "table"},
                                        {"x-lock-table", "locks"},
                                        {"x-no-lock", "1"}}) {
        CAPTURE(setting.first);
        CHECK(refusal_of({setting}).starts_with("the url's key '" + setting.first + "' has no equal: "));
    }
    CHECK_NOTHROW(read({{"x-lock-strategy", "advisory"},
                        {"x-no-lock", "f"},
                        {"x-lock-table", ""}}));
    CHECK(refusal_of({{"x-no-lock", "never"}}) == "the url's key 'x-no-lock' takes true or false, not 'never'");
}

TEST_CASE("an unknown key is refused by its name, an unknown option with the nearest one") {
    for (const char* key : {"gmt_retries", "x-schema", "x-", "gmt_"})
        CHECK(refusal_of({{key, "1"}}) == "the url has the unknown key '" + std::string(key) + "'");
    CHECK(refusal_of({{"mtdb_pool.sizemax", "1"}}) ==
          "the url's key 'mtdb_pool.sizemax' is refused: unknown option 'pool.sizemax'; did you mean 'pool.size_max'?");
}
