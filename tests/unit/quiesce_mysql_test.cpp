// SPDX-License-Identifier: MIT
// The flags on MariaDB: its own clock in UTC, whatever zone a session has.
#include <sstream>

#include "engine/flag_store.hpp"
#include "unit/mysql_fixture.hpp"
#include "unit/quiesce_claims.hpp"

using namespace quiesce_test;

namespace {

// A database of the test's own, and SQL as another program would run it.
class Database {
public:
    Database() {
        mtdb::test::MysqlSettings settings;
        const auto server = mtdb::backends::mysql::make(mtdb::db::Url::parse(mtdb::test::mysql_url()), settings);
        try {
            server->drop({"mtdb_control"}, soon());
        } catch (const Error&) {
            // None is left over.
        }
        server->create({"mtdb_control"}, soon());
        std::string url = mtdb::test::mysql_url();
        url.insert(url.find('?') == std::string::npos ? url.size() : url.find('?'), "mtdb_control");
        url_ = url;
        backend_ = mtdb::backends::mysql::make(mtdb::db::Url::parse(url_), settings);
        connection_ = backend_->open({}, soon());
    }
    ~Database() { run("DROP DATABASE mtdb_control"); }

    void run(const std::string& sql) { text(sql); }
    std::string text(const std::string& sql) {
        const auto statement = connection_->prepare(sql, nullptr, soon());
        std::string value;
        while (statement->next(soon()))
            if (mtdb::db::carrier_of(statement->value(0).type) == mtdb::db::Carrier::bytes)
                value = std::string(statement->value(0).view());
        return value;
    }
    std::shared_ptr<Store> store() const { return mtdb::engine::open_flag_store(url_, {}); }

private:
    std::string url_;
    std::unique_ptr<mtdb::db::Backend> backend_;
    std::unique_ptr<mtdb::db::Connection> connection_;
};

}  // namespace

TEST_CASE("flags on MariaDB") {
    const Database database;
    const auto store = database.store();
    CHECK(code_of([&] { store->read({}, soon()); }) == Code::not_found);
    store->create(soon());
    store->create(soon());
    keeps_flags(*store);
    keeps_announcements(*store);
    gives_a_flag_to_one([&] { return database.store(); });
}

TEST_CASE("a row written by hand is obeyed in any session's zone, belongs to nobody, and is continued") {
    Database database;
    const auto store = database.store();
    store->create(soon());
    database.run("SET time_zone = '+09:00'");
    database.run("INSERT INTO quiesce_flags (id, expires_at) VALUES ('global', UTC_TIMESTAMP(6) + INTERVAL 5 MINUTE)");
    REQUIRE(flag_in(*store));
    CHECK(state_in(*store) == FlagState::active);
    CHECK(flag_in(*store)->token.empty());
    const control::Snapshot snapshot = store->read("global", soon());
    CHECK(std::abs(snapshot.now - snapshot.find("global")->set_at) < 60'000'000);
    CHECK(code_of([&] { set_in(*store); }) == Code::exists);
    CHECK(code_of([&] { store->clear("global", {}, false, soon()); }) == Code::permission);
    database.run("UPDATE quiesce_flags SET cleared_at = UTC_TIMESTAMP(6)");
    const Flag mine = set_in(*store);
    database.run("UPDATE quiesce_flags SET set_by = 'somebody else'");
    CHECK(code_of([&] { store->clear("global", mine.token, false, soon()); }) == Code::permission);
    CHECK(code_of([&] { store->clear("global", mine.token, true, soon()); }) == Code::ok);
}
