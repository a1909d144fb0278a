// SPDX-License-Identifier: MIT
#include "engine/driver_sql.hpp"
#include "engine/driver_url.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::engine;
using namespace std::string_literals;

namespace {

DriverTarget target_of(const std::string& url) {
    const auto target = driver_target(driver_scheme(url), {});
    REQUIRE(target.has_value());
    return *target;
}

std::string refusal_of(const std::string& url) {
    try {
        driver_target(driver_scheme(url), {});
    } catch (const Error& error) {
        CHECK(error.code() == Code::invalid_argument);
        return error.message();
    }
    FAIL("accepted");
    return {};
}

}  // namespace

TEST_CASE("lock numbers are golang-migrate's") {
    CHECK(driver_lock_id("database_name") == 1764327054);
    CHECK(driver_lock_id("schema_name_1\0database_name"s) == 2453313553);
    CHECK(driver_lock_id("schema_name_2\0database_name"s) == 235207038);
    CHECK(driver_lock_id("schema_name_1\0schema_name_2\0database_name"s) == 3743845847);
    CHECK(driver_lock_id("public\0schema_migrations\0/postgres"s) == 3280485947);
    CHECK(driver_lock_id("public\0schema_migrations\0postgres"s) == 143310882);
    CHECK(driver_lock_id("postgres") == 3057848503);
    CHECK(driver_lock_id("public:schema_migrations") == 2667365379);
}

TEST_CASE("a scheme is what stands before the first colon, without mtdb+") {
    CHECK(driver_scheme("postgres://a:b@c/d").name == "postgres");
    CHECK(driver_scheme("mtdb+mysql://a:b@tcp(c)/d").name == "mysql");
    CHECK(driver_scheme("mtdb+mysql://a:b@tcp(c)/d").url == "mysql://a:b@tcp(c)/d");
    CHECK(driver_scheme("PGX5://c").name == "pgx5");
    for (const char* const each : {"", "nothing", ":", "://x"})
        CHECK_THROWS_AS(driver_scheme(each), Error);
    CHECK_FALSE(driver_target(driver_scheme("oracle://x"), {}).has_value());
}

TEST_CASE("a sqlite url names a file, as it stands unless it begins with file:") {
    CHECK(target_of("sqlite3:///nowhere/x.db").url.target == "/nowhere");
    CHECK(target_of("sqlite3:///nowhere/x.db").place.path == "x.db");
    CHECK(target_of("sqlite3://x.db").url.target == ".");
    CHECK(target_of("sqlite://sub/x.db").url.target == "sub");
    CHECK(target_of("sqlite3:///nowhere/a%20b.db").place.path == "a%20b.db");
    CHECK(target_of("sqlite3://file:/nowhere/a%20b.db").place.path == "a b.db");
    CHECK(target_of("sqlite://:memory:").url.target == ":memory:");
    CHECK(refusal_of("sqlite3://").find("no file") != std::string::npos);
}

TEST_CASE("a sqlite url has what golang-migrate's users have, unless it says otherwise") {
    const Options usual = target_of("sqlite3://x.db").options;
    CHECK_FALSE(usual.boolean("sqlite.foreign_keys"));
    CHECK(usual.text("sqlite.journal") == "delete");
    const Options other =
        target_of("sqlite3://x.db?_fk=1&_journal_mode=WAL&_busy_timeout=5&x-no-tx-wrap=t").options;
    CHECK(other.boolean("sqlite.foreign_keys"));
    CHECK(other.text("sqlite.journal") == "wal");
    CHECK(other.boolean("driver.no_tx_wrap"));
    CHECK(refusal_of("sqlite3://x.db?mode=ro").find("'mode'") != std::string::npos);
    CHECK(refusal_of("sqlite3://x.db?x-no-tx-wrap=maybe").find("'x-no-tx-wrap'") !=
          std::string::npos);
}

TEST_CASE("what libpq does not know in a postgres url is a setting of the session") {
    CHECK(target_of("pgx5://u@h/d?sslmode=disable&search_path=a").url.target ==
          "postgres://u@h/d?sslmode=disable&options=%20-c%20search_path%3Da");
    CHECK(target_of("postgres://h/d?search_path=a%20b,c&options=-c%20x%3D1").url.target ==
          "postgres://h/d?options=-c%20x%3D1%20-c%20search_path%3Da%5C%20b%2Cc");
    CHECK(target_of("pgx://h/d?pool_max_conns=4").url.target == "postgres://h/d");
    CHECK(target_of("postgresql://h/d").options.text("tenancy") == "server");
}

TEST_CASE("golang-migrate's keys become options, and each driver reads its own only") {
    const Options options = target_of(
                                "postgres://h/"
                                "d?x-migrations-table=%22s%22.%22t%22&x-migrations-table-quoted=1&"
                                "x-statement-timeout=5&"
                                "x-multi-statement=true&x-multi-statement-max-size=100&x-lock-"
                                "strategy=table&x-lock-table=l&x-unknown=1")
                                .options;
    CHECK(options.text("driver.table") == "\"s\".\"t\"");
    CHECK(options.boolean("driver.table_quoted"));
    CHECK(options.integer("driver.statement_timeout_ms") == 5);
    CHECK(options.boolean("driver.multi_statement"));
    CHECK(options.integer("driver.statement_size_max_bytes") == 100);
    CHECK(options.text("driver.lock") == "table");
    CHECK(options.text("driver.lock_table") == "l");
    CHECK(target_of("postgres://h/d?x-multi-statement-max-size=-1")
              .options.integer("driver.statement_size_max_bytes") == 10485760);
    CHECK(target_of("mysql://u@tcp(h)/d?x-no-lock=true").options.text("driver.lock") == "none");
    CHECK_FALSE(target_of("mysql://u@tcp(h)/d?x-multi-statement=true")
                    .options.boolean("driver.multi_statement"));
    CHECK(
        target_of("mysql://u@tcp(h)/d?x-tls-insecure-skip-verify=true").options.text("tls.mode") ==
        "require");
    CHECK(refusal_of("mysql://u@tcp(h)/d?x-tls-cert=c").find("'x-tls-cert'") != std::string::npos);
    CHECK(refusal_of("postgres://h/d?x-lock-strategy=x").find("'x-lock-strategy'") !=
          std::string::npos);
    CHECK(refusal_of("postgres://h/d?mtdb_no=1").find("'mtdb_no'") != std::string::npos);
}
