// SPDX-License-Identifier: MIT
#include "tenant/router.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "db/url.hpp"

namespace mtdb::tenant {
namespace {

constexpr std::size_t path_size_max = 1024;
constexpr std::string_view user_key = "user=";

Error invalid(std::string_view value, const std::string& problem) {
    return Error(Code::invalid_argument, "route '" + base::excerpt(value) + "' " + problem);
}

// One spelling per place: no empty and no "." component. `inside`: nothing hidden either, where
// staging files live.
std::string normal(std::string_view value, std::string_view path, bool inside) {
    std::string made;
    const bool absolute = path.starts_with('/');
    while (!path.empty()) {
        const std::string_view component = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(component.size() + 1, path.size()));
        if (component.empty() || component == ".") continue;
        if (component == "..") throw invalid(value, "has a '..' component");
        if (inside && component.front() == '.')
            throw invalid(value, "has a component that begins with '.'");
        if (!made.empty() || absolute) made += '/';
        made += component;
    }
    return made;
}

}  // namespace

Router::Router(RouteRules rules)
    : rules_(std::move(rules)),
      template_(on_server() ? PathTemplate::parse_name(rules_.name_template)
                            : PathTemplate::parse(rules_.path_template)) {
    if (!rules_.user_template.empty()) user_ = PathTemplate::parse_name(rules_.user_template);
    for (const auto& [tenant, value] : rules_.map) {
        const Id id = Id::parse(tenant, rules_.reserved);
        const db::Place place = place_of(value);
        const auto [other, placed] = tenants_.try_emplace(place.server + '\0' + place.path, id);
        if (!placed && other->second != id) {
            throw Error(Code::invalid_argument, "tenants '" + other->second.text() + "' and '" +
                                                    tenant + "' have the same place '" +
                                                    base::excerpt(place.path) + "'");
        }
        if (on_server()) tenants_.try_emplace(place.path, id);
        if (!places_.try_emplace(tenant, place).second) {
            throw Error(Code::invalid_argument, "tenant '" + tenant + "' is twice in the map");
        }
    }
    rules_.map.clear();
}

Route Router::locate(const Id& id) const {
    switch (rules_.source) {
        case RouteSource::path_template:
            if (on_server()) return {Route::State::found, server_place(template_.expand(id), id)};
            return {Route::State::found, {template_.expand(id)}};
        case RouteSource::map: {
            const auto place = places_.find(id.text());
            if (place == places_.end()) return {Route::State::unknown, {}};
            return {Route::State::found, as_tenant(place->second, id)};
        }
        case RouteSource::resolver:
            break;
    }
    return {Route::State::ask, {}};
}

std::optional<Id> Router::match(const std::string& path) const {
    switch (rules_.source) {
        case RouteSource::path_template:
            return template_.match(path, rules_.reserved);
        case RouteSource::map: {
            const auto id = tenants_.find(on_server() ? path : '\0' + path);
            return id == tenants_.end() ? std::nullopt : std::optional<Id>(id->second);
        }
        case RouteSource::resolver:
            break;
    }
    throw Error(Code::unsupported, "tenants cannot be listed: their routes come from the host");
}

db::Place Router::place_of(std::string_view value) const {
    if (value.empty()) throw Error(Code::invalid_argument, "the route is empty");
    if (value.find('\0') != std::string_view::npos) throw invalid(value, "has a NUL byte");
    if (on_server()) return server_place_of(value);
    if (!base::valid_utf8(value)) throw invalid(value, "is not UTF-8");
    const std::size_t colon = value.find(':');
    const bool url = colon != std::string_view::npos && value.find('/') > colon;
    std::string path(value);
    if (url) {
        const db::Url parsed = db::Url::parse(value);
        // Its text is not quoted: another backend's url may hold a password.
        if (parsed.scheme != rules_.scheme) {
            throw Error(Code::invalid_argument, "a route names the backend '" +
                                                    base::excerpt(parsed.scheme) + "', not '" +
                                                    rules_.scheme + "'");
        }
        path = parsed.target;
    }
    if (path.empty() || path == ":memory:") throw invalid(value, "names no file");
    if (path.ends_with('/')) throw invalid(value, "names a folder");
    const bool absolute = path.starts_with('/');
    path = normal(value, path, !absolute);
    const bool below = absolute && !rules_.root.empty() && path.starts_with(rules_.root + "/");
    if (below) path = normal(value, std::string_view(path).substr(rules_.root.size() + 1), true);
    if (absolute && !below && !rules_.outside) throw invalid(value, "is not below the root");
    if (path.empty()) throw invalid(value, "names no file");
    if (path.size() > path_size_max) throw invalid(value, "has more than 1024 bytes");
    for (const std::string_view side : {"-wal", "-shm", "-journal"}) {
        if (path.ends_with(side)) throw invalid(value, "names a side file of the engine");
    }
    return {std::move(path)};
}

// ---- servers ------------------------------------------------------------------------------------

bool Router::is_shared(std::string_view name) const {
    if (rules_.shared.empty()) return false;
    return rules_.shared_folds ? base::equal_fold(name, rules_.shared) : name == rules_.shared;
}

bool Router::leads_to_shared(const Id& id) const {
    return on_server() && rules_.source == RouteSource::path_template && !rules_.shared.empty() &&
           is_shared(template_.expand(id));
}

db::Place Router::server_place(std::string name, const Id& id) const {
    db::Place place;
    if (is_shared(name))
        throw Error(Code::permission, "the route of tenant '" + id.text() + "' leads to the shared tables")
            .with_tenant(id.text());
    if (rules_.name_is_database)
        place.server = "?dbname=" + db::percent_encoded(name);
    else
        place.path = std::move(name);
    return as_tenant(std::move(place), id);
}

db::Place Router::as_tenant(db::Place place, const Id& id) const {
    if (!user_ || (!place.server.empty() && !place.server.starts_with('?'))) return place;
    place.server += place.server.empty() ? '?' : '&';
    place.server += user_key;
    place.server += db::percent_encoded(user_->expand(id));
    return place;
}

db::Place Router::as_owner(db::Place place) const {
    if (!user_ || !place.server.starts_with('?')) return place;
    place.server.erase(place.server.rfind(user_key) - 1);  // with the '?' or '&' in front of it
    return place;
}

// What a map or an answer says. Its text is not quoted: it may hold a password.
db::Place Router::server_place_of(std::string_view value) const {
    const bool url = value.find("://") != std::string_view::npos || value.find('@') != std::string_view::npos;
    db::Place place;
    std::string name(value);
    if (url) {
        db::Url parsed = db::Url::parse(value);
        if (parsed.scheme != rules_.scheme)
            throw Error(Code::invalid_argument, "a route names the backend '" + base::excerpt(parsed.scheme) +
                                                    "', not '" + rules_.scheme + "'");
        name.clear();
        for (const auto& [key, text] : parsed.settings) {
            if (key != "mtdb_namespace")
                throw Error(Code::invalid_argument, "a route's url has the unknown key '" + base::excerpt(key) + "'");
            name = text;
        }
        place.server = std::move(parsed.target);
    }
    if (name.size() > 63 || (name.empty() && !url) || !base::valid_utf8(name))
        throw Error(Code::invalid_argument, "a route's namespace must have 1 to 63 bytes of UTF-8");
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            throw Error(Code::invalid_argument, "a route's namespace has a control character");
    if (!name.empty() && is_shared(name))
        throw Error(Code::permission, "a route leads to the shared tables");
    if (!url && rules_.name_is_database)
        place.server = "?dbname=" + db::percent_encoded(name);
    else
        place.path = std::move(name);
    return place;
}

}  // namespace mtdb::tenant
