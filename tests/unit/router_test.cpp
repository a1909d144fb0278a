// SPDX-License-Identifier: MIT
#include "tenant/router.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::tenant;

namespace {

RouteRules map_of(std::vector<std::pair<std::string, std::string>> map) {
    RouteRules rules;
    rules.source = RouteSource::map;
    rules.map = std::move(map);
    return rules;
}

}  // namespace

TEST_CASE("a template locates every tenant and names the tenant of a path") {
    const Router router({.path_template = "{hash:2}/{id}.db"});
    const Route route = router.locate(Id::parse("a"));
    CHECK(route.state == Route::State::found);
    CHECK(route.place.path == "af/a.db");
    CHECK(router.match("af/a.db") == Id::parse("a"));
    CHECK_FALSE(router.match("ae/a.db"));
}

TEST_CASE("a map locates its tenants only, by path or url") {
    const Router router(map_of({{"a", "one.db"},
                                {"b", "sqlite:two/x.db"},
                                {"c", "file:three%20.db"},
                                {"d", ".//four.db"}}));
    CHECK(router.locate(Id::parse("a")).place.path == "one.db");
    CHECK(router.locate(Id::parse("b")).place.path == "two/x.db");
    CHECK(router.locate(Id::parse("c")).place.path == "three .db");
    CHECK(router.locate(Id::parse("d")).place.path == "four.db");
    CHECK(router.locate(Id::parse("e")).state == Route::State::unknown);
    CHECK(router.match("four.db") == Id::parse("d"));
    CHECK_FALSE(router.match("e.db"));
}

TEST_CASE("one place for two tenants is refused, however it is spelled") {
    CHECK_THROWS_WITH_AS(Router(map_of({{"a", "x.db"}, {"b", "x.db"}})),
                         "tenants 'a' and 'b' have the same place 'x.db'", Error);
    CHECK_THROWS_AS(Router(map_of({{"a", "x.db"}, {"b", ".//x.db"}})), Error);
    CHECK_THROWS_AS(Router(map_of({{"a", "x.db"}, {"b", "file:%78.db"}})), Error);
    RouteRules rules = map_of({{"a", "x.db"}, {"b", "/root/./x.db"}});
    rules.root = "/root";
    rules.outside = true;
    CHECK_THROWS_AS(Router{rules}, Error);
    CHECK_THROWS_AS(Router(map_of({{"a", "x.db"}, {"a", "y.db"}})), Error);
    CHECK_THROWS_AS(Router(map_of({{"a/b", "x.db"}})), Error);
}

TEST_CASE("a place that is not a file below the root is refused") {
    const Router router({.source = RouteSource::resolver, .root = "/root"});
    struct Row {
        std::string_view value;
        const char* problem;
    };
    for (const Row& row : {
             Row{"", "the route is empty"},
             Row{"../x.db", "has a '..' component"},
             Row{"a/../../x.db", "has a '..' component"},
             Row{"sqlite:../x.db", "has a '..' component"},
             Row{"file:%2e%2e/x.db", "has a '..' component"},
             Row{"/etc/passwd", "is not below the root"},
             Row{"/rootx/a.db", "is not below the root"},
             Row{"/root", "is not below the root"},
             Row{"sqlite:///etc/x.db", "is not below the root"},
             Row{"a/.hidden.db", "has a component that begins with '.'"},
             Row{"/root/.hidden.db", "has a component that begins with '.'"},
             Row{std::string_view("a\0b", 3), "has a NUL byte"},
             Row{"a%00", ""},
             Row{"file:a%00", "has a NUL byte"},
             Row{"\xff.db", "is not UTF-8"},
             Row{"a/", "names a folder"},
             Row{".", "names no file"},
             Row{":memory:", "names no file"},
             Row{"sqlite::memory:", "names no file"},
             Row{"postgres://u:secret@h/db", "a route names the backend 'postgres', not 'sqlite'"},
             Row{"a.db-wal", "names a side file of the engine"},
         }) {
        CAPTURE(row.value);
        if (*row.problem == '\0') {
            CHECK(router.place_of(row.value).path == row.value);
            continue;
        }
        CHECK_THROWS_WITH_AS(router.place_of(row.value), doctest::Contains(row.problem), Error);
    }
    CHECK(router.place_of("/root//a/./b.db").path == "a/b.db");
    CHECK_THROWS_AS(router.place_of(std::string(1100, 'x')), Error);
}

TEST_CASE("the host decides with a resolver, and places may be outside when the rules say so") {
    const Router router({.source = RouteSource::resolver, .outside = true});
    CHECK(router.locate(Id::parse("a")).state == Route::State::ask);
    CHECK(router.place_of("sqlite:///srv/.x/a.db").path == "/srv/.x/a.db");
    CHECK_THROWS_AS(router.place_of("/srv/../a.db"), Error);
    CHECK_THROWS_AS(router.match("a.db"), Error);
}

TEST_CASE("on a server a template names namespaces, or the databases that connections are opened on") {
    RouteRules rules;
    rules.scheme = "postgres";
    rules.name_template = "t_{id}";
    const Router schemas(rules);
    CHECK(schemas.locate(Id::parse("a")).place == db::Place{"t_a", ""});
    CHECK(schemas.match("t_a") == Id::parse("a"));
    CHECK_FALSE(schemas.match("a"));
    rules.name_is_database = true;
    rules.user_template = "{id}_app";
    CHECK(Router(rules).locate(Id::parse("a")).place == db::Place{"", "?dbname=t_a&user=a_app"});
}

TEST_CASE("a user per tenant is in each of its places, but not in one that has a url of its own, nor in a verb's") {
    RouteRules rules = map_of({{"a", "one"}, {"b", "postgres://h2/d?mtdb_namespace=two"}});
    rules.scheme = "postgres";
    rules.name_template = "{id}";
    rules.user_template = "{id}_app";
    const Router map(rules);
    CHECK(map.locate(Id::parse("a")).place == db::Place{"one", "?user=a_app"});
    CHECK(map.locate(Id::parse("b")).place == db::Place{"two", "postgres://h2/d"});
    for (const char* id : {"a", "b"}) {
        const db::Place place = map.locate(Id::parse(id)).place;
        CHECK(map.as_owner(place) == map.place_of(id[0] == 'a' ? "one" : "postgres://h2/d?mtdb_namespace=two"));
        CHECK(map.as_tenant(map.as_owner(place), Id::parse(id)) == place);
    }
    rules.source = RouteSource::path_template;
    rules.name_is_database = true;
    const Router databases(rules);
    CHECK(databases.as_owner(databases.locate(Id::parse("a")).place) == db::Place{"", "?dbname=a"});
}

TEST_CASE("the namespace of the shared tables is no tenant's, whatever id would lead there") {
    RouteRules rules;
    rules.scheme = "postgres";
    rules.name_template = "t_{id}";
    rules.shared = "t_Common";
    const Router exact(rules);
    CHECK(exact.leads_to_shared(Id::parse("Common")));
    CHECK_THROWS_AS(exact.locate(Id::parse("Common")), Error);
    CHECK_FALSE(exact.leads_to_shared(Id::parse("common")));
    CHECK_FALSE(exact.leads_to_shared(Id::parse("t_Common")));
    CHECK(exact.locate(Id::parse("t_Common")).place.path == "t_t_Common");
    CHECK_THROWS_AS(exact.place_of("t_Common"), Error);
    rules.shared_folds = true;
    const Router folding(rules);
    CHECK(folding.leads_to_shared(Id::parse("common")));
    CHECK_THROWS_AS(folding.place_of("T_COMMON"), Error);
}

TEST_CASE("a namespace that the server would cut is refused, not shared") {
    RouteRules rules;
    rules.scheme = "postgres";
    rules.name_template = "tenant_{id}";
    const Router router(rules);
    CHECK_NOTHROW(router.locate(Id::parse(std::string(56, 'a'))));
    CHECK_THROWS_AS(router.locate(Id::parse(std::string(57, 'a'))), Error);
}

TEST_CASE("a server's map takes namespaces and urls, one place for one tenant") {
    RouteRules rules = map_of({{"a", "one"}, {"b", "postgres://h2/d?mtdb_namespace=one"}});
    rules.scheme = "postgres";
    rules.name_template = "{id}";
    rules.shared = "common";
    const Router router(rules);
    CHECK(router.locate(Id::parse("a")).place == db::Place{"one", ""});
    CHECK(router.locate(Id::parse("b")).place == db::Place{"one", "postgres://h2/d"});
    CHECK_THROWS_AS(router.place_of("mysql://h/d"), Error);
    CHECK_THROWS_AS(router.place_of("common"), Error);
    CHECK_THROWS_AS(router.place_of("postgres://h/d?mtdb_other=1"), Error);
    rules.map.push_back({"c", "one"});
    CHECK_THROWS_AS(Router{rules}, Error);
}
