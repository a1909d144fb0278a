// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "backends/mysql/errors.hpp"
#include "backends/mysql/libmariadb.hpp"
#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;
using backends::mysql::Conninfo;
using backends::mysql::Host;
using backends::mysql::Tls;

TEST_CASE("mysql conninfo: urls as their users write them") {
    struct Row {
        const char* text;
        std::vector<Host> hosts;
        const char* socket;
        const char* user;
        const char* password;
        const char* database;
    };
    const std::vector<Row> rows = {
        {"mysql://u:p@h:3307/d", {{"h", 3307}}, "", "u", "p", "d"},
        {"MariaDB://u@h/d", {{"h", 3306}}, "", "u", "", "d"},
        {"mysql://h", {{"h", 3306}}, "", "", "", ""},
        {"mysql://u:p%40%2F%3A%3f@h:1/d%20e", {{"h", 1}}, "", "u", "p@/:?", "d e"},
        {"mysql://u:p@ss@h/d", {{"h", 3306}}, "", "u", "p@ss", "d"},
        {"mysql://u:100%@h/d", {{"h", 3306}}, "", "u", "100%", "d"},
        {"mysql://u:p@a:1,b:2,[::1]:3/d", {{"a", 1}, {"b", 2}, {"::1", 3}}, "", "u", "p", "d"},
        {"mysql://u:p@[fe80::1]/d", {{"fe80::1", 3306}}, "", "u", "p", "d"},
        {"mysql://u:p@h/d?socket=/run/x.sock", {}, "/run/x.sock", "u", "p", "d"},
        {"mysql://h/d?user=u&password=p%26q", {{"h", 3306}}, "", "u", "p&q", "d"},
        {"u:p@tcp(h:3307)/d?parseTime=true&charset=utf8mb4", {{"h", 3307}}, "", "u", "p", "d"},
        {"mysql://u:p@tcp(h:3307)/d", {{"h", 3307}}, "", "u", "p", "d"},
        {"app_user:p@ss/w:rd?x@tcp(127.0.0.1)/", {{"127.0.0.1", 3306}}, "", "app_user", "p@ss/w:rd?x", ""},
        {"mysql://u:p%40@tcp([::1]:5)/d", {{"::1", 5}}, "", "u", "p@", "d"},
        {"u:100%25@tcp(h)/d", {{"h", 3306}}, "", "u", "100%25", "d"},
        {"u:p@unix(/tmp/my.sock)/d", {}, "/tmp/my.sock", "u", "p", "d"},
        {"tcp(h)/d", {{"h", 3306}}, "", "", "", "d"},
        {"u:p@tcp/d", {{"127.0.0.1", 3306}}, "", "u", "p", "d"},
        {"u:p@/d", {{"127.0.0.1", 3306}}, "", "u", "p", "d"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Conninfo info = Conninfo::parse(row.text);
        CHECK(info.hosts == row.hosts);
        CHECK(info.socket == row.socket);
        CHECK(info.user == row.user);
        CHECK(info.password == row.password);
        CHECK(info.database == row.database);
    }
}

TEST_CASE("mysql conninfo: settings of the query") {
    CHECK(Conninfo::parse("mysql://h/d?tls=skip-verify").tls == Tls::require);
    CHECK(Conninfo::parse("mysql://h/d?tls=true").tls == Tls::verify_full);
    CHECK(Conninfo::parse("mysql://h/d?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem").tls == Tls::verify_ca);
    CHECK(Conninfo::parse("mysql://h/d?ssl-ca=/etc/ca.pem").tls_ca == "/etc/ca.pem");
    CHECK(Conninfo::parse("u@tcp(h)/d?timeout=1m30s").connect_timeout == std::chrono::seconds(90));
    CHECK(Conninfo::parse("u@tcp(h)/d?timeout=250ms").connect_timeout == milliseconds(250));
    CHECK(Conninfo::parse("mysql://h/d?connect_timeout=3").connect_timeout == std::chrono::seconds(3));
    CHECK(Conninfo::parse("mysql://h/d?host=a,b:7&port=5").hosts == std::vector<Host>{{"a", 5}, {"b", 5}});
}

TEST_CASE("mysql conninfo: what is not understood is an error that names the key and no secret") {
    for (const char* text :
         {"mysql://u:geheim@h/d?nonsense=1", "u:geheim@tcp(h)/d?sslmode=maybe", "mysql://u:geheim@h:99999/d",
          "mysql://u:geheim@h:x/d", "u:geheim@udp(h)/d", "u:geheim@h/d", "mysql://u:geheim@h/d?charset=latin1",
          "mysql://u:geheim@h/d?timeout=soon", "mysql://u:geheim@[::1/d", "mysql://u:geheim@h/d?x",
          "mysql://u:a?geheim=b@h/d"}) {
        CAPTURE(text);
        const Error error = error_of([&] { Conninfo::parse(text); });
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.message().find("geheim") == std::string::npos);
    }
    CHECK(error_of([] { Conninfo::parse("mysql://h/d?nonsense=1"); }).message().find("'nonsense'") !=
          std::string::npos);
}

TEST_CASE("mysql conninfo: a place changes settings or is a url of its own") {
    Conninfo base = Conninfo::parse("mysql://u:p@h:1/d?tls=require");
    CHECK(base.changed("").user == "u");
    CHECK(base.changed("?dbname=x").database == "x");
    CHECK(base.changed("?user=o&password=q%26").password == "q&");
    CHECK(base.changed("?host=other&port=9").hosts == std::vector<Host>{{"other", 9}});
    const Conninfo own = base.changed("mysql://v:w@i/e");
    CHECK(own.user == "v");
    CHECK(own.password == "w");
    CHECK(own.tls == Tls::require);
    CHECK(own.hosts == std::vector<Host>{{"i", 3306}});
    CHECK_THROWS_AS(base.changed("?nonsense=1"), Error);
}

TEST_CASE("mysql conninfo: passwords come from the option, a file, the environment, else the url") {
    MysqlSettings settings;
    const auto secret = [&] { return Conninfo::read({"mysql", "mysql://u:url@h/d"}, settings).secret(); };
    CHECK(secret() == "url");
    setenv("MTDB_TEST_SECRET", "from env", 1);
    settings.values["password_env"] = "MTDB_TEST_SECRET";
    CHECK(secret() == "from env");
    const std::string file = "/tmp/mtdb_secret_" + std::to_string(getpid());
    std::ofstream(file) << "from file\r\nand a comment\n";
    settings.values["password_file"] = file;
    CHECK(secret() == "from file");
    settings.values["password"] = "option";
    CHECK(secret() == "option");
    settings.values.erase("password");
    unlink(file.c_str());
    CHECK(error_of(secret).code() == Code::auth);
    settings.values.erase("password_file");
    unsetenv("MTDB_TEST_SECRET");
    CHECK(error_of(secret).code() == Code::auth);
}

TEST_CASE("mysql errors: numbers and states mean one code each") {
    using backends::mysql::code_rules;
    using backends::mysql::rule_of;
    uint32_t before = 0;
    for (const auto& rule : code_rules()) {
        CHECK(rule.number > before);
        before = rule.number;
    }
    CHECK(rule_of(1213, "40001").code == Code::serialization);
    CHECK(rule_of(1213, "40001").ends_transaction);
    CHECK(rule_of(1205, "HY000").code == Code::busy);
    CHECK(!rule_of(1205, "HY000").ends_transaction);
    CHECK(rule_of(1040, "08004").code == Code::unavailable);
    CHECK(rule_of(1045, "28000").code == Code::auth);
    CHECK(rule_of(1049, "42000").code == Code::tenant_unknown);
    CHECK(rule_of(1062, "23000").code == Code::constraint);
    CHECK(rule_of(1114, "HY000").code == Code::disk_full);
    CHECK(rule_of(1290, "HY000").code == Code::read_only);
    CHECK(rule_of(1969, "70100").code == Code::timeout);
    CHECK(rule_of(9999, "23000").code == Code::constraint);
    CHECK(rule_of(9999, "40001").code == Code::serialization);
    CHECK(rule_of(9999, "HY000").code == Code::sql_error);
}

TEST_CASE("mysql errors: a message has no more of the statement than the word at which it failed") {
    using backends::mysql::server_error;
    const std::string sql = "UPDATE t\nSET pw='geheim' WERE id=1";
    const Error error = server_error({1064, "42000",
                                      "You have an error in your SQL syntax; check the manual that corresponds to "
                                      "your MariaDB server version for "
                                      "the right syntax to use near 'WERE id=1' at line 2"},
                                     sql);
    CHECK(error.message() == "you have an error in your SQL syntax near 'WERE' at line 2");
    CHECK(error.line() == 2);
    CHECK(error.column() == 17);
    const Error literal = server_error({1064, "42000", "Syntax near ''geheim' WERE id=1' at line 2"}, sql);
    CHECK(literal.message().find("geheim") == std::string::npos);
    CHECK(literal.line() == 2);
    CHECK(server_error({1317, "70100", "Query execution was interrupted"}).code() == Code::cancelled);
    CHECK(server_error({1317, "70100", "Query execution was interrupted"}).sqlstate() == "70100");
}
