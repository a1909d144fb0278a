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
             Row{"postgres://u:p@h/db?x=1", "postgres", "//u:p@h/db?x=1"},
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
             Row{std::string_view("sqlite:a\0b", 10), "url 'sqlite:a b' has a NUL byte"},
             Row{"file:a%00b", "url 'file:a%00b' has a NUL byte"},
             Row{"file:a%2", "url 'file:a%2' has a % without two hexadecimal digits"},
             Row{"file:a%zz", "url 'file:a%zz' has a % without two hexadecimal digits"},
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
