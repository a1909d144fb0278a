// SPDX-License-Identifier: MIT
#include "place.hpp"

#include <cstdlib>
#include <stdexcept>

namespace peers {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: run by tests/servers/run");
    return value;
}

}  // namespace

Place place_of(const std::string& backend, const std::string& root, const std::string& database) {
    Place place;
    place.backend = backend;
    if (backend == "sqlite") {
        place.url = "sqlite:" + root;
        place.jdbc = [root](const std::string& tenant) { return "jdbc:sqlite:" + root + "/" + tenant + ".db"; };
        place.golang = [root](const std::string& tenant) { return "sqlite3://" + root + "/" + tenant + ".db"; };
        return place;
    }
    place.user = environment("MTDB_TEST_APP_USER");
    place.password = environment("MTDB_TEST_APP_PASSWORD");
    const std::string login = place.user + ":" + place.password;
    if (backend == "postgres") {
        place.url = environment("MTDB_TEST_POSTGRES");
        const std::string server = "localhost:" + environment("MTDB_TEST_POSTGRES_PORT") + "/" + database;
        place.jdbc = [server](const std::string&) { return "jdbc:postgresql://" + server + "?sslmode=disable"; };
        place.golang = [server, login](const std::string& tenant) {
            return "postgres://" + login + "@" + server + "?sslmode=disable&search_path=" + tenant;
        };
    } else {
        place.url = environment("MTDB_TEST_MYSQL");
        const std::string port = environment("MTDB_TEST_MYSQL_PORT");
        place.jdbc = [port](const std::string& tenant) { return "jdbc:mariadb://localhost:" + port + "/" + tenant; };
        place.golang = [port, login](const std::string& tenant) {
            return "mysql://" + login + "@tcp(localhost:" + port + ")/" + tenant;
        };
    }
    return place;
}

}  // namespace peers
