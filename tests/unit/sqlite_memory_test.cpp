// SPDX-License-Identifier: MIT
#include "backends/sqlite/memory.hpp"

#include "sqlite_fixture.hpp"

using namespace sqlite_test;

namespace {

std::unique_ptr<db::Backend> memory(std::initializer_list<Setting> changes = {}) {
    return mtdb::backends::sqlite::make({"sqlite", ":memory:"}, Settings(changes));
}

}  // namespace

TEST_CASE("sqlite memory: a place lives without connections until it is dropped") {
    const auto backend = memory();
    CHECK_FALSE(backend->dialect().persistent);
    CHECK(backend->file_cost().of(8) == 0);
    CHECK(error_of([&] { backend->open({"a.db"}, forever); }).code() == Code::tenant_unknown);
    backend->create({"a.db"}, forever);
    CHECK(error_of([&] { backend->create({"a.db"}, forever); }).code() == Code::exists);
    run(*backend->open({"a.db"}, forever), "CREATE TABLE t(x)");
    const auto connection = backend->open({"a.db"}, forever);
    CHECK(ask(*connection, "SELECT count(*) FROM t") == "0");
    CHECK(ask(*connection, "PRAGMA foreign_keys") == "1");
    CHECK_FALSE(backend->checkpoint(*connection));
    backend->drop({"a.db"}, forever);
    CHECK_FALSE(backend->exists({"a.db"}, {}));
    CHECK(error_of([&] { backend->drop({"a.db"}, forever); }).code() == Code::tenant_unknown);
    backend->create({"a.db"}, forever);
    CHECK(ask(*backend->open({"a.db"}, forever), "SELECT count(*) FROM sqlite_master") == "0");
}

TEST_CASE("sqlite memory: two backends do not share a place") {
    const auto one = memory();
    const auto two = memory();
    one->create({"a.db"}, forever);
    CHECK_FALSE(two->exists({"a.db"}, {}));
    two->create({"a.db"}, forever);
    run(*one->open({"a.db"}, forever), "CREATE TABLE t(x)");
    CHECK(ask(*two->open({"a.db"}, forever), "SELECT count(*) FROM sqlite_master") == "0");
}

TEST_CASE("sqlite memory: places are listed in order and copied whole") {
    const auto backend = memory();
    for (const char* path : {"b.db", "a.db"}) backend->create({path}, forever);
    const auto source = backend->open({"a.db"}, forever);
    run(*source, "CREATE TABLE t(x)");
    run(*source, "INSERT INTO t VALUES('copied')");
    backend->copy(*source, {"c.db"}, forever);
    CHECK(ask(*backend->open({"c.db"}, forever), "SELECT x FROM t") == "copied");
    CHECK(all(*backend->list({})) == std::vector<std::string>{"a.db", "b.db", "c.db"});
    CHECK(error_of([&] { backend->copy(*source, {"c.db"}, forever); }).code() == Code::exists);
}

TEST_CASE("sqlite memory: the shared place is read and not written") {
    const auto backend = memory({{"tenant.shared", "plans"}});
    for (const char* path : {"plans.db", "a.db"}) backend->create({path}, forever);
    const auto shared = backend->open({"plans.db"}, forever);
    run(*shared, "CREATE TABLE t(x)");
    run(*shared, "INSERT INTO t VALUES(1)");
    const auto tenant = backend->open({"a.db"}, forever);
    CHECK(ask(*tenant, "SELECT x FROM plans.t") == "1");
    CHECK(error_of([&] { run(*tenant, "INSERT INTO plans.t VALUES(2)"); }).code() ==
          Code::read_only);
}

TEST_CASE("sqlite memory: transactions and errors are those of a file") {
    const auto backend = memory();
    backend->create({"a.db"}, forever);
    const auto connection = backend->open({"a.db"}, forever);
    const auto other = backend->open({"a.db"}, forever);
    run(*connection, "CREATE TABLE t(a UNIQUE)");
    connection->begin({}, forever);
    run(*connection, "INSERT INTO t VALUES(1)");
    CHECK(error_of([&] { run(*connection, "INSERT INTO t VALUES(1)"); }).code() ==
          Code::constraint);
    connection->commit(forever);
    connection->begin({}, forever);
    CHECK(error_of([&] { other->begin({}, Wait{Deadline::in(5ms)}); }).code() == Code::busy);
    connection->rollback();
    CHECK(ask(*other, "SELECT count(*) FROM t") == "1");
}
