// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>

#include "migrate/lock.hpp"

using namespace mtdb::migrate;
using Texts = std::vector<std::string>;

namespace {

constexpr mtdb::db::LockDialect numbers{.keys = mtdb::db::LockDialect::Keys::numbers};
constexpr mtdb::db::LockDialect names{.keys = mtdb::db::LockDialect::Keys::names};

uint32_t id_of(std::initializer_list<std::string_view> parts) {
    return golang_id(std::vector<std::string_view>(parts));
}

}  // namespace

TEST_CASE("Flyway's locks are those that it takes itself") {
    CHECK(java_hash("\"public\".\"flyway_schema_history\"") == 2125624436);
    CHECK(java_hash("`fw1`.`flyway_schema_history`") == -1112249799);
    CHECK(flyway_number("public", "flyway_schema_history") == 77433833903597);
    CHECK(flyway_number("tenant_a", "flyway_schema_history") == 77432872662058);
    CHECK(flyway_name("fw1", "flyway_schema_history") == "Flyway--1112249799");
    CHECK(java_hash("\xC3\xA9\xF0\x9F\x98\x80") == (0xE9 * 31 + 0xD83D) * 31 + 0xDE00);  // UTF-16 units
    CHECK(flyway_number("a\"b", "t") == 77431708279161 + java_hash("\"a\"\"b\".\"t\""));
}

TEST_CASE("golang-migrate's ids are those that it makes itself") {
    CHECK(id_of({"database_name"}) == 1764327054u);
    CHECK(id_of({"schema_name_1", "database_name"}) == 2453313553u);
    CHECK(id_of({"schema_name_2", "database_name"}) == 235207038u);
    CHECK(id_of({"schema_name_1", "schema_name_2", "database_name"}) == 3743845847u);
    CHECK(id_of({"public", "schema_migrations", "/postgres"}) == 3280485947u);
    CHECK(id_of({"public", "schema_migrations", "postgres"}) == 143310882u);
    CHECK(id_of({"postgres"}) == 3057848503u);
    CHECK(id_of({"public:schema_migrations"}) == 2667365379u);
}

TEST_CASE("the keys of a history are its tool's") {
    CHECK(tool_keys(numbers, Format::flyway, {"postgres", "public"}, flyway_table) == Texts{"77433833903597"});
    CHECK(tool_keys(numbers, Format::golang, {"postgres", "public"}, golang_table) ==
          Texts{"143310882", "3280485947"});
    CHECK(tool_keys(names, Format::flyway, {"fw1", "fw1"}, flyway_table) == Texts{"'Flyway--1112249799'"});
    CHECK(tool_keys(names, Format::golang, {"public", "public"}, golang_table) == Texts{"'2667365379'"});
    CHECK(tool_keys({}, Format::flyway, {"a", "a"}, flyway_table).empty());
    CHECK(own_key(numbers, {"d", "a"}) != own_key(numbers, {"d", "b"}));
    CHECK(own_key(names, {"a", "a"}).size() <= 66);
}

TEST_CASE("the first words of a statement hold no value") {
    CHECK(first_words("CREATE INDEX CONCURRENTLY people_name ON people (name)") ==
          "CREATE INDEX CONCURRENTLY people_name");
    CHECK(first_words("  -- why\nUPDATE t SET a = 'secret'") == "UPDATE t SET a");
    CHECK(first_words("SELECT 'secret', more") == "SELECT");
    CHECK(first_words("").empty());
}
