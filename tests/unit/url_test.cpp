// SPDX-License-Identifier: MIT
#include "db/url.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using mtdb::Error;
using mtdb::db::Url;

TEST_CASE("each form of url gives its scheme and target") {
    struct Row {
        std::string_view text, scheme, target;
    };
    for (const Row& row : {
             Row{"sqlite:data", "sqlite", "data"},
             Row{"SQLite:/var/data", "sqlite", "/var/data"},
             Row{"sqlite:a%20b", "sqlite", "a%20b"},
             Row{"sqlite:///var/a%20b", "sqlite", "/var/a b"},
             Row{"sqlite://localhost/var", "sqlite", "/var"},
             Row{"file:data%3F", "sqlite", "data?"},
             Row{"file:///x", "sqlite", "/x"},
             Row{"data/tenants", "sqlite", "data/tenants"},
             Row{"./a:b", "sqlite", "./a:b"},
             Row{"what?", "sqlite", "what?"},
             Row{"C:\\data", "sqlite", "C:\\data"},
             Row{"sqlite::memory:", "sqlite", ":memory:"},
             Row{":memory:", "sqlite", ":memory:"},
             Row{"echo:", "echo", ""},
             Row{"postgres://u:p@h/db?x=1", "postgres", "postgres://u:p@h/db?x=1"},
             Row{"PostgreSQL://h/db", "postgres", "PostgreSQL://h/db"},
             Row{"host=/run dbname = a password='it\\'s'", "postgres", "host=/run dbname = a password='it\\'s'"},
             Row{"mysql://u:p@h:3306/db", "mysql", "mysql://u:p@h:3306/db"},
             Row{"mariadb://h/db", "mysql", "mariadb://h/db"},
             Row{"app_user:p:w@tcp(h:3306)/db?tls=true", "mysql", "app_user:p:w@tcp(h:3306)/db?tls=true"},
             Row{"u@unix(/run/my.sock)/db", "mysql", "u@unix(/run/my.sock)/db"},
         }) {
        CAPTURE(row.text);
        const Url url = Url::parse(row.text);
        CHECK(url.scheme == row.scheme);
        CHECK(url.target == row.target);
    }
}

TEST_CASE("a url that cannot be meant is refused with the reason") {
    struct Row {
        std::string_view text;
        const char* message;
    };
    for (const Row& row : {
             Row{"", "the url is empty"},
             Row{"sqlite:", "url 'sqlite:' names no folder"},
             Row{"sqlite://", "url 'sqlite://' names no folder"},
             Row{std::string_view("sqlite:a\0b", 10), "the url has a NUL byte"},
             Row{"file:a%00b", "the url has a NUL byte"},
             Row{"file:a%2", "the url has a % without two hexadecimal digits"},
             Row{"file:a%zz", "the url has a % without two hexadecimal digits"},
             Row{"sqlite:data?mode=ro",
                 "url 'sqlite:data?mode=ro' has a query part; options are set by key"},
             Row{"file:///a#b", "url 'file:///a#b' has a fragment part"},
             Row{"echo:?x", "url 'echo:?x' has a query part"},
             Row{"sqlite://data",
                 "url 'sqlite://data' names a host; write sqlite:DIR, or sqlite:///DIR for an "
                 "absolute one"},
         }) {
        CAPTURE(row.text);
        CHECK_THROWS_WITH_AS(Url::parse(row.text), row.message, Error);
    }
}

TEST_CASE("keys of our own are taken out of a server's url, and only those") {
    const Url uri = Url::parse("postgres://h/db?gmt_max_retries=2&sslmode=require&mtdb_pool.size_max=4&x-a=b%20c+d");
    CHECK(uri.target == "postgres://h/db?sslmode=require");
    CHECK(uri.settings == std::vector<std::pair<std::string, std::string>>{
                              {"gmt_max_retries", "2"}, {"mtdb_pool.size_max", "4"}, {"x-a", "b c d"}});
    const Url keywords = Url::parse("host=h gmt_disable_retry=true  dbname=d");
    CHECK(keywords.target == "host=h dbname=d");
    CHECK(keywords.settings.size() == 1);
    const Url go = Url::parse("u:p@tcp(h)/d?x-migrations-table=m&charset=utf8");
    CHECK(go.target == "u:p@tcp(h)/d?charset=utf8");
    CHECK(go.settings.size() == 1);
}

TEST_CASE("an error about a server's url never quotes it") {
    for (const char* text : {"postgres:u:secret@h", "host=h password='secret", "mysql://u:secret@h/d?mtdb_x",
                             "postgres://u:secret@h/d?x-a=%zz"}) {
        try {
            Url::parse(text);
            FAIL("accepted: " << text);
        } catch (const Error& error) {
            CHECK(error.message().find("secret") == std::string::npos);
        }
    }
}
