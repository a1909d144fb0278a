// SPDX-License-Identifier: MIT
// TLS over TCP, with the addresses and certificates of tests/servers: MTDB_TEST_MYSQL_TCP (the certificate's host),
// _HOST_WRONG (another name of the same server), _EXPIRED, _TLS_ONLY (a user who must use it), MTDB_TEST_CA and
// MTDB_TEST_CA_OTHER.
#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;

namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    REQUIRE_MESSAGE(value != nullptr, "no " << name << ": start the servers, they are not optional");
    return value;
}

// A database of the test's own on that server, and a connection that stands in it.
class Tls {
public:
    Tls(const std::string& mode, const char* url, const std::string& ca) {
        settings_.values["tls.mode"] = mode;
        settings_.values["tls.ca"] = ca;
        backend_ = backends::mysql::make({"mysql", environment(url)}, settings_);
        static int count = 0;
        const std::string name = "mtls_" + std::to_string(getpid()) + "_" + std::to_string(++count);
        backend_->create({name}, within());
        name_ = name;
        conn = backend_->open({name}, within());
        conn->pin({name}, false);
    }
    ~Tls() {
        conn.reset();
        if (!name_.empty()) backend_->drop({name_}, within());
    }

    std::unique_ptr<db::Connection> conn;

private:
    MysqlSettings settings_;
    std::unique_ptr<db::Backend> backend_;
    std::string name_;
};

// The cipher that the connection got; empty: none.
std::string connect(const std::string& mode, const char* url = "MTDB_TEST_MYSQL_TCP",
                    const std::string& ca = environment("MTDB_TEST_CA")) {
    const Tls tls(mode, url, ca);
    const auto status = tls.conn->prepare("SHOW SESSION STATUS LIKE 'Ssl_cipher'", nullptr, within());
    REQUIRE(status->next(within()));
    return std::string(status->value(1).view());
}

}  // namespace

TEST_CASE("mysql tls: a trusted server is reached in every mode, encrypted in all but disable") {
    for (const char* mode : {"auto", "prefer", "require", "verify-ca", "verify-full"}) {
        CAPTURE(mode);
        CHECK(!connect(mode).empty());
    }
    CHECK(connect("disable").empty());
}

TEST_CASE("mysql tls: a certificate of another host passes verify-ca and fails verify-full, and says so") {
    CHECK(!connect("require", "MTDB_TEST_MYSQL_HOST_WRONG").empty());
    CHECK(!connect("verify-ca", "MTDB_TEST_MYSQL_HOST_WRONG").empty());
    const Error error = error_of([] { connect("verify-full", "MTDB_TEST_MYSQL_HOST_WRONG"); });
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("for another host") != std::string::npos);
}

TEST_CASE("mysql tls: an expired certificate fails verify-ca and verify-full, and says so") {
    CHECK(!connect("require", "MTDB_TEST_MYSQL_EXPIRED").empty());
    for (const char* mode : {"verify-ca", "verify-full"}) {
        const Error error = error_of([&] { connect(mode, "MTDB_TEST_MYSQL_EXPIRED"); });
        CHECK(error.code() == Code::auth);
        CHECK(error.message().find("expired") != std::string::npos);
    }
}

TEST_CASE("mysql tls: an authority that is not trusted, or cannot be read, is an error of its own") {
    const std::string other = environment("MTDB_TEST_CA_OTHER");
    const Error error = error_of([&] { connect("verify-full", "MTDB_TEST_MYSQL_TCP", other); });
    CHECK(error.code() == Code::auth);
    CHECK(error.message().find("trusted") != std::string::npos);
    CHECK_THROWS_AS(connect("verify-full", "MTDB_TEST_MYSQL_TCP", "/nowhere/ca.pem"), Error);
}

TEST_CASE("mysql tls: plain is refused where the server demands encryption") {
    const Error error = error_of([] { connect("disable", "MTDB_TEST_MYSQL_TLS_ONLY"); });
    // Let in with encryption: what it may not do then is another matter.
    CHECK(error_of([] { connect("require", "MTDB_TEST_MYSQL_TLS_ONLY"); }).code() == Code::permission);
    INFO(error.message());
    CHECK((error.code() == Code::auth || error.code() == Code::permission));
    CHECK(error.message().find("secure transport") != std::string::npos);
}

TEST_CASE("mysql tls: deadlines and a lost peer are as without") {
    const Tls tls("require", "MTDB_TEST_MYSQL_TCP", environment("MTDB_TEST_CA"));
    db::Connection* const conn = tls.conn.get();
    Mysql my;
    CHECK(error_of([&] { my.one(*conn, "SELECT SLEEP(30)", {}, within(200)); }).code() == Code::timeout);
    const std::string big(3'000'000, 'x');
    CHECK(my.one(*conn, "SELECT LENGTH(?)", {db::Value::text(big)}) == "3000000");
    my.run(*my.at(my.tenant()), "KILL " + std::to_string(Mysql::session(*conn).id()));
    usleep(50'000);
    CHECK(error_of([&] { my.one(*conn, "SELECT LENGTH(?)", {db::Value::text(big)}); }).code() == Code::unavailable);
    conn->end_lease();
}
