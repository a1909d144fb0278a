// SPDX-License-Identifier: MIT
#include "tenant/id.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using mtdb::Error;
using mtdb::tenant::Id;
using mtdb::tenant::Reserved;

TEST_CASE("an id of the allowed bytes is kept as it is") {
    for (const std::string_view id :
         {"a", "Z", "0", "_", "_-", "acme", "ACME-2_x", "com", "com0", "com10", "lpt", "mains",
          "temporary", "sqlite", "consul", "nul-"}) {
        CAPTURE(id);
        CHECK(Id::parse(id).text() == id);
        CHECK(Id::find(id).has_value());
    }
    const std::string longest(63, 'x');
    CHECK(Id::parse(longest).text() == longest);
    CHECK(Id::parse("Acme") != Id::parse("acme"));
}

TEST_CASE("an id that breaks a rule is refused by that rule's name") {
    struct Row {
        std::string_view id;
        std::string message;
    };
    const std::string long_id(64, 'x');
    const std::string only = ": only A-Z, a-z, 0-9, _ and - are allowed";
    for (const Row& row : {
             Row{"", "the tenant id is empty"},
             Row{long_id, "tenant id '" + std::string(60, 'x') +
                              "...' has 64 bytes: at most 63 are allowed"},
             Row{"-a", "tenant id '-a' begins with '-'"},
             Row{"a/b", "tenant id 'a/b' has '/' at byte 2" + only},
             Row{"..", "tenant id '..' has '.' at byte 1" + only},
             Row{"/etc/passwd", "tenant id '/etc/passwd' has '/' at byte 1" + only},
             Row{"a b", "tenant id 'a b' has byte 0x20 at byte 2" + only},
             Row{std::string_view("a\0b", 3), "tenant id 'a b' has a NUL at byte 2" + only},
             Row{"a\n", "tenant id 'a ' has byte 0x0a at byte 2" + only},
             Row{"\u00e9", "tenant id '\u00e9' has byte 0xc3 at byte 1" + only},
             Row{"a\xff", "tenant id 'a?' has byte 0xff at byte 2" + only},
             Row{"con", "tenant id 'con' is reserved: a device of Windows"},
             Row{"NuL", "tenant id 'NuL' is reserved: a device of Windows"},
             Row{"COM1", "tenant id 'COM1' is reserved: a device of Windows"},
             Row{"lpt9", "tenant id 'lpt9' is reserved: a device of Windows"},
             Row{"Main", "tenant id 'Main' is reserved: a database name of the engine"},
             Row{"temp", "tenant id 'temp' is reserved: a database name of the engine"},
             Row{"SQLite_x",
                 "tenant id 'SQLite_x' is reserved: names that begin so are the engine's"},
             Row{"vacuum_db",
                 "tenant id 'vacuum_db' is reserved: names that begin so are the engine's"},
         }) {
        CAPTURE(row.id);
        CHECK_THROWS_WITH_AS(Id::parse(row.id), row.message.c_str(), Error);
        CHECK_FALSE(Id::find(row.id));
    }
}

TEST_CASE("every single byte but the alphabet is refused") {
    int accepted = 0;
    for (int byte = 0; byte < 256; ++byte) {
        const char text[] = {'a', static_cast<char>(byte)};
        accepted += Id::find(std::string_view(text, 2)).has_value() ? 1 : 0;
    }
    CHECK(accepted == 64);
}

TEST_CASE("a backend brings its own reserved names") {
    const Reserved own[] = {{"pg_", Reserved::Match::beginning, "the server's schemas"}};
    CHECK_THROWS_WITH_AS(Id::parse("PG_x", own),
                         "tenant id 'PG_x' is reserved: the server's schemas", Error);
    CHECK(Id::parse("con", own).text() == "con");
    const Reserved underscore[] = {{"_hidden", Reserved::Match::whole, "it is ours"}};
    CHECK_FALSE(Id::find("_HIDDEN", underscore));
    CHECK(Id::parse("main", {}).text() == "main");
}
