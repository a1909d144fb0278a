// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "migrate/script.hpp"

using namespace mtdb::migrate;

TEST_CASE("checksums are Flyway's") {
    const struct {
        std::string text;
        int32_t checksum;
    } vectors[] = {
        {"", 0},
        {"\n\n", 0},
        {"\xEF\xBB\xBF", 0},
        {"SELECT 1;", 78787420},
        {"SELECT 1;\n", 78787420},
        {"SELECT 1;\r\n", 78787420},
        {"SELECT 1;\r", 78787420},
        {"\xEF\xBB\xBFSELECT 1;\n", 78787420},
        {"SELECT 1;\n\n\n", 78787420},
        {"\n\nSELECT 1;", 78787420},
        {"SELECT 1;\n\r", 78787420},
        {"SELECT 1; \n", -1951047511},
        {"\tSELECT 1;\n", -47946674},
        {"CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n", -287911070},
        {"CREATE TABLE b (id INT);\r\nINSERT INTO b VALUES (1);\r\n", 939312210},
        {"-- caf\u00E9 \u2603 \U0001F600\nSELECT 1;\n", -554270601},
        {"SELECT 1; -- a\u2028b\n", -530465576},
        {"SELECT 1; -- a\fb\vc\n", -1903537759},
        {"\xEF\xBB\xBF\xEF\xBB\xBF-- x\nSELECT 1;\n", -696436484},
        {"SELECT\n1;", -713821291},
        {"SELECT1;", -713821291},
        {"SELECT 'caf\u00E9';\n", 987117724},
        {"SELECT '${who}';\n", 1635467218},
        {"SELECT 'bob';\n", -193408118},
        {"-- a\n-- b\n-- x\nSELECT 1;", -926519039},
        {"${who}\n-- x\nSELECT 1;", -1753666309},
        {"\xEF\xBB\xBFSELECT '-- a\n-- b';\nSELECT '$${who}';\n", -1285002447},
        {"CREATE TABLE t (id INT);\n", 1556295178},
        {"CREATE TABLE t (id INT, x INT);\n", 678023354},
    };
    for (const auto& vector : vectors) {
        CAPTURE(vector.text);
        CHECK(flyway_checksum(vector.text) == vector.checksum);
    }
}

TEST_CASE("file names mean what they mean to Flyway") {
    using enum FileKind;
    const struct {
        const char* file;
        FileKind kind;
        const char* version;
        const char* description;
    } vectors[] = {
        {"V1__a.sql", versioned, "1", "a"},
        {"V1.5.sql", versioned, "1.5", ""},
        {"V1.6__.sql", versioned, "1.6", ""},
        {"V1.3__c.SQL", versioned, "1.3", "c"},
        {"V01_2__b.sql", versioned, "01.2", "b"},
        {"V1.9__a__b_c.sql", versioned, "1.9", "a  b c"},
        {"V2.8__ spaced  name_x.sql", versioned, "2.8", " spaced  name x"},
        {"V-2.6__x.sql", versioned, "-2.6", "x"},
        {"V+2.5__x.sql", versioned, "+2.5", "x"},
        {"V\u0663__x.sql", versioned, "\u0663", "x"},
        {"U1__x.sql", undo, "1", "x"},
        {"R__.sql", repeatable, "", ""},
        {"R__a_b.sql", repeatable, "", "a b"},
        {"V1.7_single.sql", invalid, "", ""},
        {"V__x.sql", invalid, "", "x"},
        {"V1-8__x.sql", invalid, "", "x"},
        {"V2.9a__x.sql", invalid, "", "x"},
        {"V2..1__x.sql", invalid, "", "x"},
        {"V2.2.__x.sql", invalid, "", "x"},
        {"V_2.3__x.sql", invalid, "", "x"},
        {"V2 .4__x.sql", invalid, "", "x"},
        {"V3.1-SNAPSHOT__x.sql", invalid, "", "x"},
        {"Vlatest__x.sql", invalid, "", "x"},
        {"R1__x.sql", invalid, "", "x"},
        {"R_single.sql", invalid, "", ""},
        {"v1__a.sql", unrecognised, "", ""},
        {"foo.sql", unrecognised, "", ""},
        {"beforeFoo.sql", unrecognised, "", ""},
        {".V7__x.sql", unrecognised, "", ""},
        {"README.md", unrecognised, "", ""},
        {"README", unrecognised, "", ""},
        {"B1__base.sql", baseline, "1", "base"},
        {"afterMigrate.sql", callback, "", ""},
        {"afterMigrate__grant_all.sql", callback, "", "grant all"},
        {"beforeEachMigrateStatement.sql", callback, "", ""},
        {"afterMigrate1__x.sql", invalid, "", "x"},
        {"V1__a.sql.conf", configuration, "1", "a"},
        {"V1__a.sh", versioned, "1", "a"},
        {"V1__a.py", versioned, "1", "a"},
        {"V1__a", versioned, "1", "a"},
    };
    for (const auto& vector : vectors) {
        CAPTURE(vector.file);
        const FlywayName name = parse_flyway_name(vector.file);
        CHECK(static_cast<int>(name.kind) == static_cast<int>(vector.kind));
        CHECK(name.version == vector.version);
        CHECK(name.description == vector.description);
    }
}

TEST_CASE("file names mean what they mean to golang-migrate") {
    const auto greedy = parse_golang_name("1_a.up.b.down.sql");
    REQUIRE(greedy);
    CHECK(greedy->identifier == "a.up.b");
    CHECK_FALSE(greedy->up);
    const auto zeros = parse_golang_name("0001_create_users.up.sql");
    REQUIRE(zeros);
    CHECK(zeros->version == 1);
    CHECK(zeros->identifier == "create_users");
    CHECK(zeros->up);
    CHECK(parse_golang_name("1_.up.sql"));
    CHECK(parse_golang_name("0_x.down."));
    CHECK(parse_golang_name("20240101120000_x.up.sql")->version == 20240101120000);
    for (const char* file : {"1.up.sql", "foobar.up.sql", "-1_x.up.sql", "1_x.sql", "1_x.up",
                             "18446744073709551616_x.up.sql"}) {
        CAPTURE(file);
        CHECK_FALSE(parse_golang_name(file));
    }
}

TEST_CASE("texts too long for the history are cut as Flyway cuts them") {
    CHECK(stored_description(std::string(200, 'd')) == std::string(200, 'd'));
    CHECK(stored_description(std::string(201, 'd')) == std::string(197, 'd') + "...");
    const std::string path = "abcdef" + std::string(1000, 'p');
    CHECK(stored_script(path) == "..." + path.substr(3, 997));
    CHECK(stored_script(std::string(1000, 'p')).size() == 1000);
}

TEST_CASE("repeatables order by UTF-16 code units") {
    CHECK(before_in_utf16("A", "a"));
    CHECK(before_in_utf16("a", "ab"));
    CHECK_FALSE(before_in_utf16("a", "a"));
    CHECK(before_in_utf16("\U0001F600", "\uFB01"));  // surrogates sort below U+E000 to U+FFFF
    CHECK(before_in_utf16("\u2603", "\U0001F600"));
}

namespace {

BodyRules program() {
    BodyRules rules;
    rules.program = true;
    return rules;
}

BodyRules replacing() {
    BodyRules rules;
    rules.placeholders = Placeholders::replaced;
    return rules;
}

}  // namespace

TEST_CASE("only what is not SQL is a program, and it never runs") {
    CHECK(parse_flyway_name("V1__a.sh").program);
    CHECK_FALSE(parse_flyway_name("V1__a.sql").program);
    const Body body = make_body("V1__a.sh", "rm -rf /", program(), {});
    REQUIRE(body.fault);
    CHECK(body.fault->code() == mtdb::Code::unsupported);
}

TEST_CASE("prefixes, separator and suffixes are what the naming says") {
    Naming naming;
    naming.versioned = "M";
    naming.separator = "--";
    naming.suffixes = {".ddl", ".pkb.sql"};
    CHECK(parse_flyway_name("M1--add_x.ddl", naming).description == "add x");
    CHECK(parse_flyway_name("M1--x.pkb.sql", naming).kind == FileKind::versioned);
    CHECK(parse_flyway_name("V1__x.sql", naming).kind == FileKind::unrecognised);
    naming.undo = "M";
    CHECK_THROWS_AS(naming.check(), mtdb::Error);
}

namespace {

PlaceholderRules rules_with(const std::string& who) {
    PlaceholderRules rules;
    rules.values["who"] = who;
    rules.table = "flyway_schema_history";
    return rules;
}

std::string replaced(const std::string& text, const PlaceholderRules& rules, const TenantValues* tenant = nullptr) {
    return replace_placeholders(text, "sub/R__a.sql", rules, tenant).text;
}

int32_t checksum_of_replaced(const std::string& text, const PlaceholderRules& rules) {
    return flyway_checksum(replaced(text, rules));
}

}  // namespace

TEST_CASE("checksums of texts with placeholders are Flyway's") {
    CHECK(flyway_checksum("SELECT '${who}';\n") == 1635467218);
    CHECK(checksum_of_replaced("SELECT '${who}';\n", rules_with("bob")) == -193408118);
    const auto two = rules_with("-- a\n-- b");
    CHECK(flyway_checksum("${who}\n-- x\nSELECT 1;") == -1753666309);
    CHECK(checksum_of_replaced("${who}\n-- x\nSELECT 1;", two) == -926519039);
    CHECK(checksum_of_replaced("\xEF\xBB\xBFSELECT '${who}';\nSELECT '$${who}';\n", two) == -1285002447);
    TenantValues values;
    values.schema = "main";
    PlaceholderRules rules = rules_with("");
    CHECK(flyway_checksum(replace_placeholders("SELECT '${flyway:filename} ${flyway:table} ${flyway:defaultSchema} "
                                               "[${flyway:user}] ${flyway:environment}';",
                                               "R__rep_fn.sql", rules, &values)
                              .text) == 1983530318);
}

TEST_CASE("placeholders are replaced everywhere, once, whatever the case of their names") {
    CHECK(replaced("'${WHO}' -- ${Who}", rules_with("${who}")) == "'${who}' -- ${who}");
    CHECK(replaced("$${who} $ {who} $", rules_with("x")) == "$${who} $ {who} $");
}

TEST_CASE("a placeholder without a value is an error with its place") {
    for (const char* text : {"SELECT 1;\n  SELECT ${none};", "SELECT 1;\n  SELECT ${ who };",
                             "SELECT 1;\n  SELECT ${who", "SELECT 1;\n  SELECT ${flyway:nothing};"}) {
        CAPTURE(text);
        const Body body = make_body("V1__a.sql", text, replacing(), {}, rules_with("x"));
        REQUIRE(body.fault);
        CHECK(body.fault->script() == "V1__a.sql");
        CHECK(body.fault->line() == 2);
        CHECK(body.fault->column() == 10);
    }
    CHECK_FALSE(make_body("V1__a.sql", "SELECT '${none}';", {}, {}).fault);
}

TEST_CASE("what differs from tenant to tenant waits for the tenant") {
    const Body body = make_body("V1__a.sql", "SELECT '${flyway:defaultSchema}';",
                                replacing(), {}, rules_with("x"));
    CHECK(body.of_tenant);
    CHECK_FALSE(body.fault);
    TenantValues values;
    values.schema = "acme";
    CHECK(body_of(body, body.name, {}, rules_with("x"), values).text == "SELECT 'acme';");
    CHECK(make_body("V1__a.sql", "${flyway:database}", replacing(), {}, rules_with("x"),
                    &values)
              .fault);
}
