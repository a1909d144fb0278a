// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "migrate/split.hpp"

using namespace mtdb::migrate;

namespace {

std::vector<std::string> pieces(const std::string& text) {
    std::vector<std::string> out;
    for (const Piece& piece : split(text).pieces)
        out.push_back(text.substr(piece.offset, piece.size));
    return out;
}

mtdb::Error error_of(const std::string& text) {
    try {
        split(text);
    } catch (const mtdb::Error& error) {
        return error;
    }
    FAIL("no error");
    return mtdb::Error(mtdb::Code::ok, "");
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("semicolons end statements only where they stand alone") {
    CHECK(pieces("SELECT 1; SELECT 2") == Texts{"SELECT 1", "SELECT 2"});
    CHECK(pieces(";; SELECT 1 ;;") == Texts{"SELECT 1"});
    CHECK(pieces("SELECT ';'; SELECT 'it''s;'") == Texts{"SELECT ';'", "SELECT 'it''s;'"});
    CHECK(pieces("SELECT \"a;\"\"b\"; SELECT `c;``d`; SELECT [e;f]") ==
          Texts{"SELECT \"a;\"\"b\"", "SELECT `c;``d`", "SELECT [e;f]"});
    CHECK(pieces("SELECT 1 -- a; b\n; SELECT 2 /* c; d */; -- e;") ==
          Texts{"SELECT 1", "SELECT 2"});
    CHECK(pieces("/* a /* b */ SELECT 1;") == Texts{"SELECT 1"});
    CHECK(pieces("SELECT (1; SELECT 2") == Texts{"SELECT (1", "SELECT 2"});
    CHECK(pieces("SELECT '\\'; SELECT 2") == Texts{"SELECT '\\'", "SELECT 2"});
    CHECK(pieces("").empty());
    CHECK(pieces(" -- nothing\n/* at all */").empty());
}

TEST_CASE("a trigger is one statement whatever its body holds") {
    const std::string trigger =
        "create temp trigger t after insert on a when case new.x when 1 then 1 else 0 end\n"
        "begin update a set x = case when y then 1 else 2 end; delete from b; select case z when 1 "
        "then 'END' end;\nend";
    CHECK(pieces(trigger + "; SELECT 1;") == Texts{trigger, "SELECT 1"});
    CHECK(pieces(trigger) == Texts{trigger});
    CHECK(pieces("EXPLAIN " + trigger + ";") == Texts{"EXPLAIN " + trigger});
    CHECK(pieces("SELECT CASE WHEN 1 THEN 2 END; SELECT 3").size() == 2);
    CHECK(pieces("CREATE TABLE begin_end(a); SELECT 1").size() == 2);
}

TEST_CASE("a statement has its byte offset, line and column") {
    const auto found =
        split("\xEF\xBB\xBFSELECT 1;\r\n\n  -- caf\u00E9\n  SELECT '\u00E9'; SELECT 3");
    REQUIRE(found.pieces.size() == 3);
    CHECK(found.pieces[0].offset == 3);
    CHECK(found.pieces[0].position == mtdb::base::Position{1, 1});
    CHECK(found.pieces[1].position == mtdb::base::Position{4, 3});
    CHECK(found.pieces[2].position == mtdb::base::Position{4, 15});
    CHECK(found.pieces[2].number == 3);
}

TEST_CASE("what is not closed is an error at its beginning") {
    const struct {
        const char* text;
        int64_t line, column;
    } vectors[] = {
        {"SELECT 1;\n 'abc", 2, 2},
        {"SELECT \"abc", 1, 8},
        {"SELECT `abc", 1, 8},
        {"SELECT [abc", 1, 8},
        {"SELECT 1;\n/* abc", 2, 1},
        {"SELECT 1;\n\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;", 3, 1},
    };
    for (const auto& vector : vectors) {
        CAPTURE(vector.text);
        const auto error = error_of(vector.text);
        CHECK(error.code() == mtdb::Code::migration_failed);
        CHECK(error.line() == vector.line);
        CHECK(error.column() == vector.column);
    }
    CHECK(error_of(std::string("SELECT 1;\0", 10)).message() == "the script holds a NUL byte");
}

TEST_CASE("transaction control is refused by name") {
    for (const char* word : {"BEGIN", "begin immediate", "COMMIT", "END TRANSACTION", "Rollback",
                             "SAVEPOINT a", "RELEASE a"}) {
        CAPTURE(word);
        const auto error = error_of("SELECT 1;\n" + std::string(word) + ";");
        CHECK(error.code() == mtdb::Code::migration_failed);
        CHECK(error.statement() == 2);
        CHECK(error.line() == 2);
        CHECK(error.message().find("is not allowed") != std::string::npos);
    }
}

TEST_CASE("destructive statements are named with their line") {
    CHECK(split("DROP TABLE a;\nDELETE FROM b;\nDELETE FROM c WHERE 1;").destructive ==
          "DROP TABLE (line 1), DELETE without WHERE (line 2)");
    CHECK(split("drop view v").destructive == "DROP VIEW (line 1)");
    CHECK(split("TRUNCATE a").destructive == "TRUNCATE (line 1)");
    CHECK(split("ALTER TABLE a DROP COLUMN b").destructive == "ALTER TABLE DROP COLUMN (line 1)");
    CHECK(split("WITH x AS (SELECT 1 WHERE 1) DELETE FROM a").destructive ==
          "DELETE without WHERE (line 1)");
    CHECK(split("WITH x AS (SELECT 1) DELETE FROM a WHERE b").destructive.empty());
    CHECK(split("DELETE FROM a WHERE b IN (SELECT 1)").destructive.empty());
    CHECK(split("INSERT INTO a VALUES ('DROP TABLE')").destructive.empty());
    CHECK(split("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END").destructive.empty());
}

TEST_CASE("foreign key pragmas are taken out and vacuum stands alone") {
    const auto found = split("PRAGMA foreign_keys = OFF; SELECT 1; pragma main.foreign_keys(on);");
    CHECK(found.foreign_keys == false);
    CHECK(found.pieces.size() == 1);
    CHECK(found.pieces[0].number == 2);
    CHECK(found.statements == 3);
    CHECK(split("PRAGMA foreign_keys=1").foreign_keys == true);
    CHECK(split("PRAGMA foreign_keys='yes'").foreign_keys == true);
    for (const char* quoted : {"PRAGMA [foreign_keys] = OFF", "PRAGMA \"foreign_keys\" = 0",
                               "PRAGMA `Foreign_Keys`(no)", "PRAGMA [main].'foreign_keys' = off"}) {
        CAPTURE(quoted);
        const auto taken = split(quoted);
        CHECK(taken.foreign_keys == false);
        CHECK(taken.pieces.empty());
    }
    CHECK_FALSE(split("PRAGMA foreign_keys").foreign_keys);
    CHECK_FALSE(split("PRAGMA foreign_key_check").foreign_keys);
    CHECK(split("VACUUM;").vacuum);
    CHECK_FALSE(split("SELECT 1").vacuum);
    CHECK(error_of("SELECT 1;\nVACUUM").line() == 2);
}
