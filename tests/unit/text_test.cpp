// SPDX-License-Identifier: MIT
#include "base/text.hpp"

#include <doctest/doctest.h>

using namespace mtdb::base;

TEST_CASE("a position counts lines at LF, CRLF and CR, and columns in characters") {
    const std::string_view text = "a\u00e9b\r\nc\rd\n\U0001F600x";
    CHECK(position_of(text, 0) == Position{1, 1});
    CHECK(position_of(text, 3) == Position{1, 3});
    CHECK(position_of(text, 2) == Position{1, 2});  // inside the two bytes of e acute
    CHECK(position_of(text, 4) == Position{1, 4});  // at the CR
    CHECK(position_of(text, 5) == Position{1, 4});  // at the LF of the pair
    CHECK(position_of(text, 6) == Position{2, 1});
    CHECK(position_of(text, 8) == Position{3, 1});
    CHECK(position_of(text, 10) == Position{4, 1});
    CHECK(position_of(text, 14) == Position{4, 2});
    CHECK(position_of(text, 999) == Position{4, 3});
    for (const std::size_t offset : {0U, 1U, 3U, 4U, 6U, 8U, 10U})
        CHECK(offset_of(text, position_of(text, offset)) == offset);
    CHECK(offset_of(text, {9, 9}) == text.size());
    CHECK(position_of("", 0) == Position{1, 1});
}

TEST_CASE("the nearest candidate is found for a slip and not for another word") {
    const std::string_view keys[] = {"pool.size_max", "pool.idle_max", "threads"};
    CHECK(nearest("pool.sizemax", keys) == "pool.size_max");
    CHECK(nearest("pool.max", keys) == "pool.size_max");
    CHECK(nearest("THREADS", keys) == "threads");
    CHECK(nearest("theads", keys) == "threads");
    CHECK(nearest("htreads", keys) == "threads");
    CHECK_FALSE(nearest("zzz", keys));
    CHECK_FALSE(nearest("", keys));
    CHECK_FALSE(nearest(std::string(1000, 'p'), keys));
}

TEST_CASE("an excerpt ends at a character's border and holds no control character") {
    CHECK(excerpt("short") == "short");
    CHECK(excerpt("a\nb\tc\x7f") == "a b c ");
    CHECK(excerpt(std::string_view("a\0b", 3)) == "a b");
    CHECK(excerpt("\u00e9\u00e9\u00e9", 2) == "\u00e9\u00e9...");
    CHECK(excerpt("\u00e9\u00e9", 2) == "\u00e9\u00e9");
    CHECK(excerpt("a\xff"
                  "b") == "a?b");
    CHECK(valid_utf8(excerpt("\xf0\x9f\x98")));
}

TEST_CASE("only well-formed UTF-8 is valid") {
    CHECK(valid_utf8(""));
    CHECK(valid_utf8("plain ascii that is longer than eight bytes"));
    CHECK(valid_utf8("12345678\u00e9 \u20ac \U0001F600"));
    CHECK(valid_utf8("\xf4\x8f\xbf\xbf"));
    for (const std::string_view bad :
         {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "12345678\xff", "\xe2\x82"}) {
        CHECK_FALSE(valid_utf8(bad));
    }
}

TEST_CASE("a last line end opens no line") {
    using Lines = std::vector<std::string_view>;
    CHECK(split_lines("") == Lines{});
    CHECK(split_lines("a") == Lines{"a"});
    CHECK(split_lines("a\n") == Lines{"a"});
    CHECK(split_lines("a\r\nb\rc\n\nd") == Lines{"a", "b", "c", "", "d"});
    CHECK(split_lines("\n") == Lines{""});
}

TEST_CASE("trim, folding and lower case know ASCII only") {
    CHECK(trim(" \t\r\na b\v\f ") == "a b");
    CHECK(trim("   ") == "");
    CHECK(equal_fold("WaL", "wAl"));
    CHECK_FALSE(equal_fold("wal", "wall"));
    CHECK_FALSE(equal_fold("\u00c9", "\u00e9"));
    CHECK(lower("A-Z[\u00c9") == "a-z[\u00c9");
}
