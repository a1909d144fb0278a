// SPDX-License-Identifier: MIT
// TLS and passwords over TCP, on the addresses that tests/servers gives.
#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

std::string ca() { return environment("MTDB_TEST_CA"); }

bool encrypted(const std::string& url, std::initializer_list<Setting> settings) {
    const auto backend = pg::make({"postgres", url, {}}, Settings(settings));
    const auto connection = backend->open({}, within(10s));
    return ask(*connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "1";
}

Error refusal(const std::string& url, std::initializer_list<Setting> settings) {
    const auto backend = pg::make({"postgres", url, {}}, Settings(settings));
    const Error error = error_of([&] { backend->open({}, within(10s)); });
    CHECK(error.message().find("secret") == std::string::npos);
    CHECK(error.effect() == Effect::none);
    return error;
}

}  // namespace

TEST_CASE("postgres tls: a trusted server is reached in every mode, encrypted in all but disable") {
    const std::string url = environment("MTDB_TEST_POSTGRES_TCP");
    for (const char* mode : {"auto", "prefer", "require", "verify-ca", "verify-full"}) {
        CAPTURE(std::string(mode));
        CHECK(encrypted(url, {{"tls.mode", mode}, {"tls.ca", ca()}}));
    }
    CHECK_FALSE(encrypted(url, {{"tls.mode", "disable"}}));
}

TEST_CASE("postgres tls: a server that is not who it says is refused, and the option that refuses it is named") {
    const std::string wrong_host = environment("MTDB_TEST_POSTGRES_HOST_WRONG");
    CHECK(encrypted(wrong_host, {{"tls.mode", "verify-ca"}, {"tls.ca", ca()}}));
    Error error = refusal(wrong_host, {{"tls.mode", "verify-full"}, {"tls.ca", ca()}});
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("tls.mode") != std::string::npos);
    const std::string expired = environment("MTDB_TEST_POSTGRES_EXPIRED");
    error = refusal(expired, {{"tls.mode", "verify-full"}, {"tls.ca", ca()}});
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("expired") != std::string::npos);
    const std::string url = environment("MTDB_TEST_POSTGRES_TCP");
    error = refusal(url, {{"tls.mode", "verify-ca"}, {"tls.ca", environment("MTDB_TEST_CA_OTHER")}});
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("tls.ca") != std::string::npos);
    error = refusal(url, {{"tls.mode", "verify-full"}, {"tls.ca", "/nowhere/ca.pem"}});
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("tls.ca") != std::string::npos);
}

TEST_CASE("postgres tls: a server that wants it refuses plain connections") {
    const std::string url = environment("MTDB_TEST_POSTGRES_TLS_ONLY");
    CHECK(refusal(url, {{"tls.mode", "disable"}}).code() == Code::auth);
}

TEST_CASE("postgres tls: a wrong password is refused as such, and other hosts are not tried with it") {
    const std::string url = environment("MTDB_TEST_POSTGRES_TCP");
    const Error error = refusal(url, {{"password", "another-secret"}});
    CHECK(error.code() == Code::auth);
    CHECK(error.sqlstate() == "28P01");
    CHECK_FALSE(error.retryable());
    setenv("MTDB_TEST_PASSWORD", environment("MTDB_TEST_APP_PASSWORD").c_str(), 1);
    CHECK(encrypted(url, {{"password_env", "MTDB_TEST_PASSWORD"}}));
    unsetenv("MTDB_TEST_PASSWORD");
}
