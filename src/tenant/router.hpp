// SPDX-License-Identifier: MIT
// Where a tenant lives: a pure function of its id, the template or the map, and the host's answers.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/backend.hpp"
#include "tenant/id.hpp"
#include "tenant/path_template.hpp"

namespace mtdb::tenant {

enum class RouteSource { path_template, map, resolver };

struct RouteRules {
    RouteSource source = RouteSource::path_template;
    std::string path_template = "{id}.db";
    std::vector<std::pair<std::string, std::string>> map =
        {};                         // tenant id and place, as in a host's answer
    std::string scheme = "sqlite";  // of the backend, for places given as a url
    std::string root =
        {};  // absolute and resolved, or empty: an absolute place below it is made relative to it
    bool outside = false;  // a place may be absolute
    // On a server.
    std::string name_template = {};  // not empty: places are namespaces, made by this
    std::string user_template = {};  // not empty: the user that a tenant's connections log in as
    bool name_is_database = false;   // a namespace is a database that connections are opened on
    std::span<const Reserved> reserved = file_reserved();
    std::string shared = {};   // the namespace of the shared tables, which is nobody's
    bool shared_folds = false;  // in any case of letters
};

struct Route {
    enum class State { found, unknown, ask };  // ask: the host decides
    State state = State::unknown;
    db::Place place;
};

// Constant once made: any thread.
class Router {
public:
    // Throws Error(invalid_argument): a bad template, id or place, or one place for two tenants
    // (both are named).
    explicit Router(RouteRules rules);

    Route locate(const Id& id) const;
    // The tenant that lives at a path of a listing. Throws Error(unsupported) when the host
    // decides.
    std::optional<Id> match(const std::string& path) const;
    // The place that a value names: a path relative to the root or a url; beneath the root,
    // unless the rules let it out. Spellings of one place ("a//b.db", "./a/b.db") give one
    // result. Throws Error(invalid_argument).
    // On a server: the name of a namespace, or a url of the backend with the namespace as mtdb_namespace.
    db::Place place_of(std::string_view value) const;
    RouteSource source() const noexcept { return rules_.source; }
    // On a server: the template makes the shared tables' namespace of this id, which is therefore no tenant's.
    bool leads_to_shared(const Id& id) const;
    // On a server: the place, a map's or an answer's too, as connections of this tenant reach it: with its own user,
    // unless the place has a url of its own.
    db::Place as_tenant(db::Place place, const Id& id) const;
    // The place that as_tenant() made, as the url's user reaches it.
    db::Place as_owner(db::Place place) const;

private:
    db::Place server_place(std::string name, const Id& id) const;
    db::Place server_place_of(std::string_view value) const;
    bool is_shared(std::string_view name) const;
    bool on_server() const noexcept { return !rules_.name_template.empty(); }

    RouteRules rules_;
    PathTemplate template_;
    std::optional<PathTemplate> user_;
    std::unordered_map<std::string, db::Place> places_;  // by id
    std::unordered_map<std::string, Id> tenants_;        // by path
};

}  // namespace mtdb::tenant
