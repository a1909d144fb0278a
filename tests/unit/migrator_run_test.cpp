// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "engine/db.hpp"
#include "engine/migrator.hpp"
#include "sqlite_fixture.hpp"

using namespace mtdb;
using engine::Db;
using engine::Migrator;
using engine::Ref;

namespace {

// "STATUS applied version state" of the one tenant of a run.
std::string outcome(Migrator& migrator, std::string_view verb, std::string_view target = {}) {
    const auto result = migrator.run(verb, target, "t", engine::Options(), Wait::forever());
    REQUIRE(result->next());
    const auto text = [&](int32_t column) {
        const db::Value value = result->value(column);
        return value.type == db::Type::null ? std::string("-") : std::string(value.view());
    };
    return std::to_string(result->value(1).slot) + " " + std::to_string(result->value(2).slot) +
           " " + text(3) + " " + text(4);
}

}  // namespace

TEST_CASE("a run tells where each tenant stands afterwards, also when there was nothing to do") {
    const sqlite_test::Folder folder;
    const sqlite_test::fs::path scripts = folder.outside() / "scripts";
    sqlite_test::fs::create_directory(scripts);
    const auto write = [&](const char* name, const char* sql) {
        std::ofstream(scripts / name) << sql;
    };
    write("1_a.up.sql", "CREATE TABLE a(i)");
    write("1_a.down.sql", "DROP TABLE a");
    write("2_b.up.sql", "CREATE TABLE b(i)");
    write("2_b.down.sql", "DROP TABLE b");
    engine::Options db_options;
    db_options.set_text("tenant.create", "on_first_use");
    const Ref<Db> db = Db::open("sqlite:" + folder.root.string(), db_options);
    engine::Options options;
    options.set_text("migrate.source", scripts.string());
    const Ref<Migrator> migrator = Migrator::open(db, options);
    CHECK(outcome(*migrator, "migrate", "1") == "0 1 1 outdated");
    CHECK(outcome(*migrator, "migrate") == "0 1 2 up_to_date");
    CHECK(outcome(*migrator, "migrate") == "0 0 2 up_to_date");
    CHECK(outcome(*migrator, "status") == "0 0 2 up_to_date");
    CHECK(outcome(*migrator, "undo", "1") == "0 1 1 outdated");
    // Older scripts, which are let through: nothing to do is not the same as standing at the newest
    // script.
    CHECK(outcome(*migrator, "migrate") == "0 1 2 up_to_date");
    sqlite_test::fs::remove(scripts / "2_b.up.sql");
    sqlite_test::fs::remove(scripts / "2_b.down.sql");
    options.set_text("migrate.newer", "true");
    const Ref<Migrator> older = Migrator::open(db, options);
    CHECK(outcome(*older, "migrate") == "0 0 2 newer");
}
