// SPDX-License-Identifier: MIT
#include "engine/table_rows.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace mtdb;
using engine::TableRows;

TEST_CASE("cells come back in rows, and their bytes are the table's own") {
    TableRows rows({{"id", "INT64", db::Type::int64}, {"name", "TEXT", db::Type::text}});
    std::string name = "first";
    rows.add_integer(1);
    rows.add_text(name);
    name = "other";
    rows.add_integer(2);
    rows.add_null();
    CHECK(rows.column_count() == 2);
    CHECK(rows.column(1).name == "name");
    CHECK(rows.column(1).declared == "TEXT");
    REQUIRE(rows.next(Wait::forever()));
    CHECK(rows.value(0).slot == 1);
    CHECK(rows.value(1).view() == "first");
    CHECK(rows.value(1).data[5] == '\0');
    REQUIRE(rows.next(Wait::forever()));
    CHECK(rows.value(1).type == db::Type::null);
    CHECK_FALSE(rows.next(Wait::forever()));
    CHECK_FALSE(rows.next(Wait::forever()));
}

TEST_CASE("a table without columns or rows has no row") {
    TableRows none({});
    CHECK_FALSE(none.next(Wait::forever()));
    TableRows empty({{"id", "", db::Type::int64}});
    CHECK_FALSE(empty.next(Wait::forever()));
}

TEST_CASE("rows past the limit are refused by the option's name") {
    TableRows rows({{"text", "TEXT", db::Type::text}});
    rows.limit(200);
    rows.add_text(std::string(100, 'x'));
    try {
        rows.add_text(std::string(100, 'x'));
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.code() == Code::limit);
        CHECK(error.limit() == "result_buffer_max_bytes");
    }
}
