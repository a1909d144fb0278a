// SPDX-License-Identifier: MIT
#include "backends/sqlite/values.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::backends::sqlite;

namespace {

std::string interval(int32_t months, int32_t days, int64_t micros) {
    std::string bytes(16, '\0');
    std::memcpy(bytes.data(), &months, 4);
    std::memcpy(bytes.data() + 4, &days, 4);
    std::memcpy(bytes.data() + 8, &micros, 8);
    return std::string(interval_text(bytes).view());
}

}  // namespace

TEST_CASE("sqlite values: dates follow the calendar from year 0 to 9999") {
    CHECK(date_text(0).view() == "1970-01-01");
    CHECK(date_text(-1).view() == "1969-12-31");
    CHECK(date_text(19'782).view() == "2024-02-29");
    CHECK(date_text(19'783).view() == "2024-03-01");
    CHECK(date_text(11'016).view() == "2000-02-29");
    CHECK(date_text(-25'509).view() == "1900-02-28");
    CHECK(date_text(-25'508).view() == "1900-03-01");
    CHECK(date_text(-719'528).view() == "0000-01-01");
    CHECK(date_text(2'932'896).view() == "9999-12-31");
    CHECK_THROWS_AS(date_text(2'932'897), Error);
    CHECK_THROWS_AS(date_text(-719'529), Error);
}

TEST_CASE("sqlite values: times keep their sign and microseconds") {
    CHECK(time_text(0).view() == "00:00:00.000000");
    CHECK(time_text(86'399'999'999).view() == "23:59:59.999999");
    CHECK(time_text(-1).view() == "-00:00:00.000001");
    CHECK(time_text(3'020'399'000'000).view() == "838:59:59.000000");
    CHECK(time_text(std::numeric_limits<int64_t>::min()).view() == "-2562047788:00:54.775808");
}

TEST_CASE("sqlite values: timestamps before 1970 count back from midnight") {
    CHECK(timestamp_text(0, "").view() == "1970-01-01 00:00:00.000000");
    CHECK(timestamp_text(-1, "+00:00").view() == "1969-12-31 23:59:59.999999+00:00");
    CHECK_THROWS_AS(timestamp_text(std::numeric_limits<int64_t>::max(), ""), Error);
}

TEST_CASE("sqlite values: a uuid is 36 lower-case characters") {
    CHECK(uuid_text(std::string_view(
                        "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16))
              .view() == "01234567-89ab-cdef-0123-456789abcdef");
    CHECK_THROWS_AS(uuid_text("short"), Error);
}

TEST_CASE("sqlite values: an interval is an iso 8601 duration, each part with its sign") {
    CHECK(interval(0, 0, 0) == "PT0S");
    CHECK(interval(14, 3, 14'706'500'000) == "P1Y2M3DT4H5M6.5S");
    CHECK(interval(-14, -3, -500'000) == "P-1Y-2M-3DT-0.5S");
    CHECK(interval(1, 0, 0) == "P1M");
    CHECK(interval(0, 0, 3'600'000'000) == "PT1H");
    CHECK(interval(0, 1, 1) == "P1DT0.000001S");
    CHECK_THROWS_AS(interval_text("short"), Error);
}
