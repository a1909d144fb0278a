// SPDX-License-Identifier: MIT
#include "base/checksum.hpp"

#include <doctest/doctest.h>

#include <string>
#include <unordered_set>

using namespace mtdb::base;

TEST_CASE("crc32 is zlib's, and a seed continues it") {
    CHECK(crc32("") == 0);
    CHECK(crc32("123456789") == 0xCBF43926U);
    CHECK(crc32("6789", crc32("12345")) == 0xCBF43926U);
    CHECK(crc32("", 42) == 42);
}

TEST_CASE("the stable hash is 64-bit FNV-1a") {
    CHECK(stable_hash64("") == 0xcbf29ce484222325U);
    CHECK(stable_hash64("a") == 0xaf63dc4c8601ec8cU);
    CHECK(stable_hash64("foobar") == 0x85944171f73967e8U);
}

TEST_CASE("the fast hash tells apart near texts of every length") {
    std::unordered_set<uint64_t> seen;
    std::size_t made = 0;
    for (std::size_t size = 0; size <= 80; ++size) {
        std::string text(size, 'x');
        seen.insert(hash64(text));
        ++made;
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = 'y';
            seen.insert(hash64(text));
            ++made;
            text[at] = 'x';
        }
    }
    CHECK(seen.size() == made);
    CHECK(hash64("same") == hash64(std::string("same")));
}
