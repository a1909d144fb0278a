// SPDX-License-Identifier: MIT
// A private MariaDB or MySQL server, named by the environment variable MTDB_TEST_MYSQL (a mysql:// url of a user
// who may create databases). Without it every test that needs one fails.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/mysql/backend.hpp"
#include "backends/mysql/connection.hpp"
#include "backends/mysql/mysql.hpp"

namespace mtdb::test {

using base::milliseconds;

class MysqlSettings final : public db::Settings {
public:
    std::map<std::string, std::string, std::less<>> values;
    std::string text(std::string_view key) const override {
        const auto found = values.find(key);
        if (found != values.end()) return found->second;
        if (key == "tls.mode") return "auto";
        if (key == "zero_dates") return "null";
        return {};
    }
    int64_t integer(std::string_view key) const override {
        const auto found = values.find(key);
        if (found != values.end()) return std::stoll(found->second);
        return key == "drop.batch" ? 100 : 0;
    }
    bool boolean(std::string_view key) const override { return text(key) == "true"; }
};

inline std::string mysql_url() {
    const char* url = std::getenv("MTDB_TEST_MYSQL_SUPER");
    if (url == nullptr) url = std::getenv("MTDB_TEST_MYSQL");
    REQUIRE_MESSAGE(url != nullptr, "MTDB_TEST_MYSQL names no server: start one, it is not optional");
    return url;
}

inline Wait within(int64_t ms = 20'000) { return {Deadline::in(milliseconds(ms)), nullptr, nullptr}; }

// A backend and databases of the test's own, dropped at its end.
class Mysql {
public:
    explicit Mysql(MysqlSettings options = {}) : settings(std::move(options)) {
        backend = backends::mysql::make({"mysql", mysql_url()}, settings);
    }
    ~Mysql() {
        for (const std::string& name : names_) {
            try {
                backend->drop({name}, within());
            } catch (const Error&) {  // the test dropped it
            }
        }
    }

    // A new database with a table t(v) that holds the name.
    std::string tenant() {
        const std::string name = fresh_name();
        backend->create({name}, within());
        const auto conn = at(name);
        run(*conn, "CREATE TABLE t(id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))");
        run(*conn, "INSERT INTO t(v) VALUES('" + name + "')");
        return name;
    }
    std::string fresh_name() {
        static std::atomic<int> count{0};
        names_.push_back("mt_" + std::to_string(getpid()) + "_" + std::to_string(++count));
        return names_.back();
    }
    std::unique_ptr<db::Connection> open() { return backend->open({"x"}, within()); }
    std::unique_ptr<db::Connection> at(const std::string& name) {
        auto conn = open();
        conn->pin({name}, false);
        return conn;
    }

    static int64_t run(db::Connection& conn, std::string_view sql, const std::vector<db::Value>& values = {},
                       const Wait& wait = within()) {
        const auto statement = conn.prepare(sql, nullptr, wait);
        REQUIRE(statement != nullptr);
        bind(*statement, values);
        statement->run(wait);
        return statement->affected();
    }
    static void bind(db::Statement& statement, const std::vector<db::Value>& values) {
        for (std::size_t i = 0; i < values.size(); ++i)
            statement.bind(static_cast<int32_t>(i + 1), values[i], db::Lifetime::copied);
    }
    // The first column of all rows, as text; NULL is "NULL".
    static std::vector<std::string> column(db::Connection& conn, std::string_view sql,
                                           const std::vector<db::Value>& values = {}, const Wait& wait = within()) {
        const auto statement = conn.prepare(sql, nullptr, wait);
        REQUIRE(statement != nullptr);
        bind(*statement, values);
        std::vector<std::string> out;
        while (statement->next(wait)) out.push_back(shown(statement->value(0)));
        return out;
    }
    static std::string one(db::Connection& conn, std::string_view sql, const std::vector<db::Value>& values = {},
                           const Wait& wait = within()) {
        const auto all = column(conn, sql, values, wait);
        REQUIRE(all.size() == 1);
        return all.front();
    }
    static std::string shown(const db::Value& value) {
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
    static backends::mysql::Session& session(db::Connection& conn) {
        return static_cast<backends::mysql::Connection&>(conn).session();
    }

    MysqlSettings settings;
    std::unique_ptr<db::Backend> backend;

private:
    std::vector<std::string> names_;
};

// The error that `work` throws; the test fails when it throws none.
template <class Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return Error(Code::internal, "nothing was thrown");
}

}  // namespace mtdb::test
