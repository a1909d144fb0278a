// SPDX-License-Identifier: MIT
#include "tenant/path_template.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using mtdb::Error;
using mtdb::tenant::Id;
using mtdb::tenant::PathTemplate;

TEST_CASE("a template expands to a path, and the path leads back") {
    struct Row {
        std::string_view text, id, path;
    };
    // The stable hash of "a" is af63dc4c8601ec8c, of "foobar" 85944171f73967e8.
    for (const Row& row : {
             Row{"{id}.db", "acme", "acme.db"},
             Row{"{hash:2}/{id}.db", "a", "af/a.db"},
             Row{"{hash:2}/{hash:2}/{id}.db", "foobar", "85/94/foobar.db"},
             Row{"{hash:8}/{hash:8}/{id}.db", "a", "af63dc4c/8601ec8c/a.db"},
             Row{"tenants/x-{hash:1}y/t_{id}-{hash:3}.v1.db", "a", "tenants/x-ay/t_a-f63.v1.db"},
         }) {
        CAPTURE(row.text);
        const PathTemplate made = PathTemplate::parse(row.text);
        CHECK(made.expand(Id::parse(row.id)) == row.path);
        CHECK(made.match(row.path) == Id::parse(row.id));
    }
    CHECK(PathTemplate::parse("{hash:2}/{id}.db").depth() == 1);
}

TEST_CASE("a path that no id expands to matches nothing") {
    const PathTemplate made = PathTemplate::parse("{hash:2}/{id}.db");
    for (const std::string_view path :
         {"", "a.db", "ae/a.db", "AF/a.db", "af/a.db-wal", "af/.db", "af/a.dbx", "af/a/b.db",
          "../a.db", "af/a..db", "af/con.db"}) {
        CAPTURE(path);
        CHECK_FALSE(made.match(path));
    }
}

TEST_CASE("a template that could mix tenants or leave the root is refused") {
    struct Row {
        std::string_view text;
        const char* problem;
    };
    const std::string long_name(200, 'n');
    const std::string component = long_name + "{id}.db";
    const std::string path = long_name + "/" + long_name + "/" + long_name + "/{id}.db";
    for (const Row& row : {
             Row{"tenant.db", "has no {id} in its last component"},
             Row{"{id}/x.db", "has {id} before its last component"},
             Row{"{id}/{id}.db", "has {id} before its last component"},
             Row{"{id}{id}.db", "has {id} twice"},
             Row{"{id}", "needs a '.' behind {id}, such as {id}.db"},
             Row{"{id}-wal", "needs a '.' behind {id}, such as {id}.db"},
             Row{"{id}.db-wal", "ends as a side file of the engine does"},
             Row{"/var/{id}.db", "has an empty component, or begins or ends with '/'"},
             Row{"a//{id}.db", "has an empty component, or begins or ends with '/'"},
             Row{"{id}.db/", "has {id} before its last component"},
             Row{"../{id}.db", "has a component that begins with '.'"},
             Row{"a/../{id}.db", "has a component that begins with '.'"},
             Row{".{id}.db", "has a component that begins with '.'"},
             Row{"a\\{id}.db", "has a control character or a backslash"},
             Row{std::string_view("a\0{id}.db", 9), "has a control character or a backslash"},
             Row{"{ID}.db", "has '{ID}'; the tokens are {id} and {hash:N} with N from 1 to 8"},
             Row{"{hash:9}/{id}.db",
                 "has '{hash:9}'; the tokens are {id} and {hash:N} with N from 1 to 8"},
             Row{"{hash:0}/{id}.db",
                 "has '{hash:0}'; the tokens are {id} and {hash:N} with N from 1 to 8"},
             Row{"{hash}/{id}.db",
                 "has '{hash}'; the tokens are {id} and {hash:N} with N from 1 to 8"},
             Row{"{hash:8}/{hash:8}/{hash:1}/{id}.db", "takes more than the 16 digits of the hash"},
             Row{"{id.db", "has a '{' without '}'"},
             Row{"id}.db", "has a '}' without '{'"},
             Row{component, "has a component of more than 240 bytes"},
             Row{path, "makes paths of more than 512 bytes"},
             Row{"\xff{id}.db", "is not UTF-8"},
         }) {
        CAPTURE(row.text);
        CHECK_THROWS_WITH_AS(PathTemplate::parse(row.text), doctest::Contains(row.problem), Error);
    }
    CHECK_THROWS_WITH_AS(PathTemplate::parse(""), "the path template is empty", Error);
}
