// SPDX-License-Identifier: MIT
#include "backends/postgres/conninfo.hpp"

#include <fstream>

#include "postgres_fixture.hpp"

using namespace postgres_test;
using pg::Keywords;

namespace {

pg::ConnectPlan plan(const std::string& url, std::initializer_list<Setting> settings = {},
                     pg::Startup startup = pg::Startup::parked) {
    return pg::plan_connect(pg::parse_target(url), pg::ConnectOptions::read(Settings(settings)), startup);
}

std::string keyword(const std::string& key, const std::string& url, std::initializer_list<Setting> settings = {}) {
    const Keywords keywords = plan(url, settings).attempts.at(0).keywords;
    const auto found = keywords.find(key);
    return found == keywords.end() ? "(none)" : found->second;
}

}  // namespace

TEST_CASE("postgres conninfo: both of libpq's forms are read, and what is neither is refused without quoting it") {
    CHECK(pg::parse_target("postgres://me:pw%40@h:77/db?sslmode=require") == Keywords{{"user", "me"},
                                                                                      {"password", "pw@"},
                                                                                      {"host", "h"},
                                                                                      {"port", "77"},
                                                                                      {"dbname", "db"},
                                                                                      {"sslmode", "require"}});
    CHECK(pg::parse_target("host=h dbname='a b'") == Keywords{{"host", "h"}, {"dbname", "a b"}});
    for (const char* bad : {"postgres://me:hidden@h/db?nonsense=1", "host=h password='hidden", "hidden hidden",
                            "postgres://%zz:hidden@h"}) {
        CAPTURE(std::string(bad));
        const Error error = error_of([&] { pg::parse_target(bad); });
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.message().find("hidden") == std::string::npos);
    }
    CHECK(error_of([&] { pg::parse_target("host=h nonsense=1"); }).message().find("nonsense") != std::string::npos);
}

TEST_CASE("postgres conninfo: a place's server changes some keywords of the url, or all") {
    const Keywords base = pg::parse_target("postgres://me:pw@h/db");
    CHECK(pg::for_server(base, "") == base);
    const Keywords changed = pg::for_server(base, "?dbname=t%201&user=app_t1");
    CHECK(changed.at("dbname") == "t 1");
    CHECK(changed.at("user") == "app_t1");
    CHECK(changed.at("host") == "h");
    CHECK(pg::for_server(base, "postgres://you@other/x") ==
          Keywords{{"user", "you"}, {"host", "other"}, {"dbname", "x"}});
    CHECK(error_of([&] { pg::for_server(base, "mysql://x"); }).code() == Code::invalid_argument);
    CHECK(error_of([&] { pg::for_server(base, "?dbname"); }).code() == Code::invalid_argument);
}

TEST_CASE("postgres conninfo: options become libpq's keywords") {
    CHECK(keyword("sslmode", "host=h", {{"tls.mode", "verify-full"}}) == "verify-full");
    CHECK(keyword("sslmode", "host=h sslmode=disable", {{"tls.mode", "auto"}}) == "disable");
    CHECK(keyword("sslmode", "host=h") == "(none)");
    CHECK(keyword("sslrootcert", "host=h", {{"tls.ca", "/ca"}}) == "/ca");
    CHECK(keyword("sslcert", "host=h", {{"tls.cert", "/c"}}) == "/c");
    CHECK(keyword("sslkey", "host=h", {{"tls.key", "/k"}}) == "/k");
    CHECK(keyword("application_name", "host=h", {{"application_name", "app"}}) == "app");
    CHECK(keyword("fallback_application_name", "host=h") == "mtdb");
    CHECK(keyword("client_encoding", "host=h client_encoding=LATIN1") == "UTF8");
    CHECK(keyword("keepalives_idle", "host=h") == "30");
    CHECK(keyword("keepalives_idle", "host=h keepalives_idle=5") == "5");
    CHECK(keyword("options", "host=h options='-c a=b'").starts_with("-c a=b -c search_path=mtdb_parking "));
    CHECK(plan("host=h", {}, pg::Startup::plain).attempts[0].keywords.at("options").find(
              "search_path=\"$user\",public,pg_temp") != std::string::npos);
    CHECK_FALSE(plan("host=h", {}, pg::Startup::bare).attempts[0].keywords.contains("options"));
}

TEST_CASE("postgres conninfo: a password comes from the option, a file or the environment, and else from the url") {
    CHECK(keyword("password", "host=h password=url") == "url");
    CHECK(keyword("password", "host=h", {{"password", "option"}}) == "option");
    const std::string path = "/tmp/mtdb-password-" + std::to_string(getpid());
    std::ofstream(path) << "of the file\r\nsecond line\n";
    CHECK(keyword("password", "host=h", {{"password_file", path}}) == "of the file");
    unlink(path.c_str());
    setenv("MTDB_TEST_PASSWORD", "of the environment", 1);
    CHECK(keyword("password", "host=h", {{"password_env", "MTDB_TEST_PASSWORD"}}) == "of the environment");
    unsetenv("MTDB_TEST_PASSWORD");
    CHECK(error_of([&] {
              keyword("password", "host=h", {{"password_env", "MTDB_TEST_PASSWORD"}});
          }).code() == Code::invalid_argument);
}

TEST_CASE("postgres conninfo: hosts are tried one by one, each within the time limit") {
    const pg::ConnectPlan two = plan("postgres://a:1,b:2/db?connect_timeout=7");
    REQUIRE(two.attempts.size() == 2);
    CHECK(two.attempts[0].keywords.at("host") == "a");
    CHECK(two.attempts[1].keywords.at("port") == "2");
    CHECK(two.attempts[1].where == "'b:2'");
    CHECK(two.timeout == 7s);
    CHECK(plan("host=h connect_timeout=7", {{"connect_timeout_ms", "1234"}}).timeout == 1234ms);
    CHECK(plan("host=h", {{"connect_timeout_ms", "1234"}}).timeout == 1234ms);
    CHECK(plan("host=a,b port=5433").attempts.at(1).keywords.at("port") == "5433");
    const pg::ConnectPlan standby = plan("host=a,b target_session_attrs=prefer-standby");
    REQUIRE(standby.attempts.size() == 4);
    CHECK(standby.attempts[1].keywords.at("target_session_attrs") == "standby");
    CHECK(standby.attempts[2].keywords.at("target_session_attrs") == "any");
    CHECK(plan("dbname=x").attempts.at(0).where == "the default server");
    CHECK(error_of([&] { plan("host=a,b,c port=1,2"); }).code() == Code::invalid_argument);
}
