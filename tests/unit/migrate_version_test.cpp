// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "migrate/version.hpp"

using mtdb::migrate::Version;

TEST_CASE("versions that differ only in zeros are equal") {
    for (const char* text : {"1", "1.0", "01", "1_0_0", "1.0.0.0", "+1"}) {
        CAPTURE(text);
        CHECK(Version::parse(text) == Version::parse("1"));
    }
}

TEST_CASE("versions order part by part as numbers") {
    const char* ascending[] = {"-2.6",
                               "0",
                               "0.0.1",
                               "1",
                               "1.9",
                               "1.10",
                               "2",
                               "2.0.1",
                               "2.10",
                               "10",
                               "20240101120000",
                               "99999999999999999999999998",
                               "99999999999999999999999999"};
    for (std::size_t i = 1; i < std::size(ascending); ++i) {
        CAPTURE(ascending[i]);
        CHECK(Version::parse(ascending[i - 1]) < Version::parse(ascending[i]));
    }
    CHECK(Version() < Version::parse("-5"));
    CHECK(Version() == Version());
}

TEST_CASE("a version's text keeps leading zeros and shows dots") {
    CHECK(Version::parse("01_2").text() == "01.2");
    CHECK(Version::parse("1.0").text() == "1.0");
}

TEST_CASE("any Unicode decimal digit counts") {
    CHECK(Version::parse("\u0663") == Version::parse("3"));
}

TEST_CASE("what is no version is refused") {
    for (const char* text :
         {"", "x", "1.7_single", "1-8", "2.9a", "2..1", "2.2.", "_2.3", "2 .4", "3.1-SNAPSHOT",
          "latest", "current", "next", ".", "-", "1.-2", "\xFF"}) {
        CAPTURE(text);
        CHECK_FALSE(Version::find(text));
    }
    CHECK_THROWS_AS(Version::parse("latest"), mtdb::Error);
}

TEST_CASE("only one non-negative part below 2^63 is a golang-migrate version") {
    CHECK(Version::parse("0007").number() == 7);
    CHECK(Version::parse("1.0").number() == 1);
    CHECK(Version::parse("0").number() == 0);
    CHECK(Version::parse("9223372036854775807").number() == INT64_MAX);
    CHECK_FALSE(Version::parse("9223372036854775808").number());
    CHECK_FALSE(Version::parse("1.2").number());
    CHECK_FALSE(Version::parse("-1").number());
}
