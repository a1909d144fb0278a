// SPDX-License-Identifier: MIT
// Schemas of a private server that are gone afterwards, and short ways to talk to a connection. The server is
// the one that the environment variable MTDB_TEST_POSTGRES_SUPER (else MTDB_TEST_POSTGRES) leads to, as a superuser.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "backends/postgres/conninfo.hpp"
#include "backends/postgres/connection.hpp"
#include "backends/postgres/postgres.hpp"
#include "db/backend.hpp"

namespace postgres_test {

using mtdb::Code;
using mtdb::Deadline;
using mtdb::Effect;
using mtdb::Error;
using mtdb::Wait;
namespace db = mtdb::db;
namespace pg = mtdb::backends::postgres;
using namespace std::chrono_literals;

inline const Wait forever = Wait::forever();
inline Wait within(std::chrono::milliseconds time) { return Wait{Deadline::in(time), nullptr, nullptr}; }

struct Setting {
    const char* key;
    std::string value;
};

class Settings : public db::Settings {
public:
    Settings(std::initializer_list<Setting> changes = {}) {
        for (const Setting& change : changes) values_[change.key] = change.value;
    }
    std::string text(std::string_view key) const override { return values_.at(std::string(key)); }
    int64_t integer(std::string_view key) const override { return std::stoll(text(key)); }
    bool boolean(std::string_view key) const override { return text(key) == "true"; }

private:
    std::map<std::string, std::string> values_{
        {"password", ""},
        {"password_file", ""},
        {"password_env", ""},
        {"connect_timeout_ms", "0"},
        {"application_name", ""},
        {"tls.mode", "auto"},
        {"tls.ca", ""},
        {"tls.cert", ""},
        {"tls.key", ""},
        {"tenancy", "auto"},
        {"tenant.shared", "shared"},
        {"postgres.extensions", ""},
        {"postgres.pooler", "auto"},
        {"bulk", "flight"},
        {"drop.batch", "100"},
        {"retry.max", "6"},
        {"retry.interval_ms", "10"},
        {"retry.interval_max_ms", "1000"},
    };
};

// Never skipped: a missing server is a failure.
inline std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0')
        throw std::runtime_error(std::string(name) + " is not set: the tests need a private server, see tests/servers");
    return value;
}

// As a key/value string, so that more can be written behind it.
inline std::string conninfo_of(const pg::Keywords& keywords) {
    std::string text;
    for (const auto& [key, value] : keywords) text += key + "='" + value + "' ";
    return text;
}

inline std::string server() {
    const char* const super = std::getenv("MTDB_TEST_POSTGRES_SUPER");
    return conninfo_of(pg::parse_target(super != nullptr ? super : environment("MTDB_TEST_POSTGRES")));
}

inline std::unique_ptr<db::Backend> backend(std::initializer_list<Setting> changes = {},
                                            const std::string& more = "") {
    return pg::make({"postgres", server() + more, {}}, Settings(changes));
}

inline pg::Connection& of(db::Connection& connection) { return static_cast<pg::Connection&>(connection); }

inline std::unique_ptr<db::Statement> prepare(db::Connection& connection, std::string_view sql) {
    return connection.prepare(sql, nullptr, forever);
}

inline int64_t run(db::Connection& connection, std::string_view sql, const Wait& wait = forever) {
    const auto statement = connection.prepare(sql, nullptr, wait);
    statement->run(wait);
    return statement->affected();
}

inline std::string shown(const db::Value& value) {
    switch (db::carrier_of(value.type)) {
        case db::Carrier::none:
            return "NULL";
        case db::Carrier::integer:
            return std::to_string(value.slot);
        case db::Carrier::real:
            return std::to_string(value.real());
        case db::Carrier::bytes:
            break;
    }
    return std::string(value.view());
}

// The first row's first value as text; "NULL", or "none" without a row. Reads to the end.
inline std::string ask(db::Connection& connection, std::string_view sql, const Wait& wait = forever) {
    const auto statement = connection.prepare(sql, nullptr, wait);
    std::string answer = "none";
    for (bool first = true; statement->next(wait); first = false)
        if (first) answer = shown(statement->value(0));
    return answer;
}

template <class Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error");
    return Error(Code::ok, "none");
}

// A way around the library: a connection that stands on the server's own path, for what others do meanwhile.
class Outside {
public:
    Outside() : backend_(backend({{"tenancy", "server"}})), connection_(backend_->open({}, forever)) {}
    int64_t run(std::string_view sql) { return postgres_test::run(*connection_, sql); }
    std::string ask(std::string_view sql) { return postgres_test::ask(*connection_, sql); }
    db::Connection& connection() { return *connection_; }

private:
    std::unique_ptr<db::Backend> backend_;
    std::unique_ptr<db::Connection> connection_;
};

// Tenants a and b, each with a table `mark` of its own name, and `public` with one that nobody may see.
class World {
public:
    explicit World(std::initializer_list<Setting> changes = {}) : backend(postgres_test::backend(changes)) {
        clear();
        for (const std::string& name : {a, b}) {
            backend->create({name}, forever);
            outside.run("CREATE TABLE " + name + ".mark(id int PRIMARY KEY, who text)");
            outside.run("INSERT INTO " + name + ".mark VALUES(1, '" + name + "')");
        }
        outside.run("CREATE TABLE public.mark(id int PRIMARY KEY, who text)");
        outside.run("INSERT INTO public.mark VALUES(1, 'public')");
        outside.run("CREATE TABLE public.only_public(id int)");
    }
    ~World() {
        try {
            clear();
        } catch (const Error&) {
            // The next world clears it.
        }
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    std::unique_ptr<db::Connection> open() { return backend->open({}, forever); }
    std::unique_ptr<db::Connection> open(const std::string& tenant) {
        auto connection = open();
        connection->pin({tenant}, false);
        return connection;
    }
    // The lease ends and the next one is another tenant's (or the same one's).
    static void pass(db::Connection& connection, const std::string& tenant, bool another = true) {
        REQUIRE(connection.end_lease() == db::Reuse::clean);
        connection.pin({tenant}, another);
    }

    const std::string a = "ta_" + std::to_string(getpid());
    const std::string b = "tb_" + std::to_string(getpid());
    Outside outside;
    std::unique_ptr<db::Backend> backend;

private:
    void clear() {
        for (const std::string& name : {a, b, a + "_new"}) outside.run("DROP SCHEMA IF EXISTS " + name + " CASCADE");
        outside.run("DROP TABLE IF EXISTS public.mark, public.only_public");
    }
};

}  // namespace postgres_test
