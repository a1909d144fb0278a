// SPDX-License-Identifier: MIT
// Routes for runs over many tenants: looked at and asked for before they are needed.
#include <utility>

#include "engine/db.hpp"

namespace mtdb::engine {

using State = tenant::Requests::State;

std::optional<db::Place> Db::place_of(std::string_view tenant) const {
    const tenant::Id id = id_of(tenant);
    const tenant::Route route = router_.locate(id);
    if (route.state == tenant::Route::State::found) return route.place;
    if (route.state != tenant::Route::State::ask) return std::nullopt;
    tenant::Requests::Answer answer = requests_.glance(id);
    if (answer.state != State::answered) return std::nullopt;
    try {
        return place_in(std::move(answer), id);
    } catch (const Error&) {
        return std::nullopt;  // its lease will say what is wrong with it
    }
}

State Db::ask_route(std::string_view tenant) {
    return host_routes() ? requests_.ask(id_of(tenant)) : State::answered;
}

State Db::glance_at_route(std::string_view tenant) const {
    return host_routes() ? requests_.glance(id_of(tenant)).state : State::answered;
}

std::optional<db::Place> Db::route_for_turn(std::string_view tenant, const Wait& wait) {
    if (!host_routes()) return std::nullopt;
    return locate(id_of(tenant), wait);
}

std::vector<Db::Located> Db::routes_for_run(std::span<const std::string> tenants, const Wait& wait) {
    check_open();
    std::vector<Located> located(tenants.size());
    if (!host_routes()) return located;
    std::vector<tenant::Id> ids;
    std::vector<std::size_t> places;  // of the ids in the list
    for (std::size_t i = 0; i < tenants.size(); ++i) {
        try {
            ids.push_back(id_of(tenants[i]));
            places.push_back(i);
        } catch (const Error& error) {
            located[i].failure = error;
        }
    }
    tenant::Requests::Answers answers;
    for (;;) {
        const uint64_t seen = requests_.settled();
        answers = requests_.find_all(ids);
        if (answers.state == State::needs) throw Error(Code::needs, "the host must answer");
        if (answers.state == State::answered) break;
        wait.check("the answers to the run's requests");
        requests_.await_settled(seen, wait);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        try {
            located[places[i]].place = place_in(std::move(answers.list[i]), ids[i]);
        } catch (const Error& error) {
            located[places[i]].failure = error;
        }
    }
    return located;
}

}  // namespace mtdb::engine
