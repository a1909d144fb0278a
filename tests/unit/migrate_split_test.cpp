// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "migrate/split.hpp"

using namespace mtdb::migrate;

namespace {

// As the two kinds of server have it.
constexpr mtdb::db::Dialect dollars{
    .name = "dollars",
    .lexis = {.style = mtdb::db::PlaceholderStyle::dollar,
              .backtick_quotes = false,
              .bracket_quotes = false,
              .nested_comments = true,
              .dollar_quotes = true,
              .escape_strings = true,
              .question_operators = true,
              .named_sigils = ""},
};
constexpr mtdb::db::Dialect backslashes{
    .name = "backslashes",
    .transactional_ddl = false,
    .lexis = {.style = mtdb::db::PlaceholderStyle::question,
              .bracket_quotes = false,
              .backslash_escapes = true,
              .hash_comments = true,
              .named_sigils = ""},
};

std::vector<std::string> pieces(const std::string& text, const mtdb::db::Dialect& dialect = {}) {
    std::vector<std::string> out;
    for (const Piece& piece : split(text, dialect).pieces)
        out.push_back(text.substr(piece.offset, piece.size));
    return out;
}

mtdb::Error error_of(const std::string& text, const mtdb::db::Dialect& dialect = {}) {
    try {
        split(text, dialect);
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
    CHECK(split("VACUUM;").outside);
    CHECK_FALSE(split("SELECT 1").outside);
    CHECK(error_of("SELECT 1;\nVACUUM").line() == 2);
}

TEST_CASE("a server's script is split by its own quotes and comments") {
    CHECK(pieces("SELECT $$;$$; SELECT $a$ $$; $a$; SELECT E'it\\';'", dollars) ==
          Texts{"SELECT $$;$$", "SELECT $a$ $$; $a$", "SELECT E'it\\';'"});
    CHECK(pieces("SELECT 1 /* a; /* b; */ c; */; SELECT a[1:2] -- d;\n", dollars) ==
          Texts{"SELECT 1", "SELECT a[1:2]"});
    CHECK(pieces("SELECT 'it\\'; SELECT 2", dollars) == Texts{"SELECT 'it\\'", "SELECT 2"});
    CHECK(pieces("SELECT 'it\\';'; # a;\nSELECT \"b\\\";\"; SELECT `c;`", backslashes) ==
          Texts{"SELECT 'it\\';'", "SELECT \"b\\\";\"", "SELECT `c;`"});
    CHECK(pieces("/*!40101 SET NAMES utf8 */; SELECT 1", backslashes) ==
          Texts{"/*!40101 SET NAMES utf8 */", "SELECT 1"});
    CHECK(pieces(";; -- nothing\n", dollars).empty());
    CHECK(pieces("", backslashes).empty());
    const auto found = split("\xEF\xBB\xBFSELECT 1;\n\n  SELECT 2", dollars);
    REQUIRE(found.pieces.size() == 2);
    CHECK(found.pieces[1].position == mtdb::base::Position{3, 3});
    CHECK(found.pieces[1].offset == 16);
    CHECK(found.pieces[1].number == 2);
}

TEST_CASE("a routine of a server is one statement whatever its body holds") {
    const std::string atomic =
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
    CHECK(pieces(atomic + "; SELECT 1", dollars) == Texts{atomic, "SELECT 1"});
    const std::string dollar = "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $f$ SELECT 1; SELECT 2; $f$";
    CHECK(pieces(dollar + "; SELECT 1;", dollars) == Texts{dollar, "SELECT 1"});
    const std::string procedure =
        "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; WHILE 0 DO SELECT 2; END WHILE; END";
    CHECK(pieces(procedure + "; SELECT 3", backslashes) == Texts{procedure, "SELECT 3"});
}

TEST_CASE("the delimiters of a client's script end its statements") {
    const std::string procedure = "CREATE PROCEDURE p()\nBEGIN\n  SELECT '//'; -- //\n  SELECT 2;\nEND";
    CHECK(pieces("SELECT 0;\nDELIMITER //\n" + procedure + "//\nSELECT 1 //\ndelimiter ;\nSELECT 2;", backslashes) ==
          Texts{"SELECT 0", procedure, "SELECT 1", "SELECT 2"});
    CHECK(pieces("DELIMITER $$\n" + procedure + "$$\nDELIMITER ;\nSELECT 1", backslashes) ==
          Texts{procedure, "SELECT 1"});
    CHECK(pieces("DELIMITER ;;\n" + procedure + ";;\n;;\nDELIMITER ;", backslashes) == Texts{procedure});
    CHECK(pieces("DELIMITER //\nSELECT 1", backslashes) == Texts{"SELECT 1"});
    CHECK(error_of("DELIMITER\nSELECT 1", backslashes).message() == "DELIMITER names none");
    CHECK(error_of("DELIMITER //\nSELECT 1;\nCOMMIT //", backslashes).message().starts_with("COMMIT is not allowed"));
}

TEST_CASE("a server's script holds no transaction control and nothing of a client's") {
    for (const char* text : {"BEGIN", "START TRANSACTION", "COMMIT", "END", "ABORT", "ROLLBACK", "SAVEPOINT a",
                             "PREPARE TRANSACTION 'a'"}) {
        CAPTURE(text);
        const auto error = error_of("SELECT 1;\n" + std::string(text) + ";", dollars);
        CHECK(error.code() == mtdb::Code::migration_failed);
        CHECK(error.statement() == 2);
        CHECK(error.line() == 2);
        CHECK(error.message().find("is not allowed") != std::string::npos);
    }
    CHECK(error_of("SELECT 1;\n\\echo it's\nSELECT 2;", dollars).message() ==
          "'\\echo' is a command of a client program, not SQL");
    CHECK(error_of("\\i other.sql", dollars).line() == 1);
    CHECK(error_of("SELECT 1 \\G", backslashes).message() == "'\\G' is a command of a client program, not SQL");
    CHECK(pieces("SELECT \\N", backslashes).size() == 1);
    CHECK(error_of("COPY (SELECT 1) TO STDOUT", dollars).message().starts_with("COPY TO STDOUT is not allowed"));
    CHECK(pieces("COPY a FROM '/a/file'", dollars).size() == 1);
    CHECK(error_of("SET @@session.autocommit = 0", backslashes).message().starts_with("SET AUTOCOMMIT is not allowed"));
}

TEST_CASE("what a server cannot run in a transaction is a script of its own") {
    CHECK(split("CREATE INDEX CONCURRENTLY i ON a (b);", dollars).outside);
    CHECK(split("VACUUM a", dollars).outside);
    CHECK_FALSE(split("CREATE INDEX i ON a (b)", dollars).outside);
    const auto error = error_of("CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY i ON a (b);\nSELECT 1", dollars);
    CHECK(error.message() == "CREATE INDEX CONCURRENTLY cannot share a script with other statements: it runs outside a "
                             "transaction (option migrate.mixed)");
    CHECK(error.statement() == 2);
    CHECK(error.line() == 2);
    CHECK(split("VACUUM a; CREATE INDEX CONCURRENTLY i ON a (b)", dollars).outside);
    CHECK(split("SELECT 1; VACUUM", dollars, Mixing::allowed).outside);
    for (const char* text : {"REINDEX (VERBOSE) SCHEMA s", "REINDEX SCHEMA s", "DISCARD ALL", "CLUSTER",
                             "ALTER SYSTEM SET a = 1", "DROP DATABASE d", "CREATE TABLESPACE t LOCATION 'x'",
                             "ALTER TABLE a DETACH PARTITION p CONCURRENTLY", "REINDEX TABLE CONCURRENTLY a"}) {
        CAPTURE(text);
        CHECK(split(text, dollars).outside);
    }
    for (const char* text : {"CLUSTER a", "DISCARD TEMP", "REINDEX TABLE a", "ALTER TYPE a ADD VALUE 'b'"}) {
        CAPTURE(text);
        CHECK_FALSE(split(text, dollars).outside);
    }
    CHECK(split("SELECT 1", backslashes).outside);
    CHECK(split("CREATE DATABASE a; SELECT 1", backslashes).outside);
}

TEST_CASE("the data of a COPY are the lines behind it") {
    const std::string text = "SELECT 1;\nCOPY a (b) FROM stdin WITH (FORMAT csv);\nit's;\n\\N\n\\.\nSELECT 2;";
    const auto found = split(text, dollars);
    REQUIRE(found.pieces.size() == 3);
    const Piece& copy = found.pieces[1];
    CHECK(copy.copy);
    CHECK(text.substr(copy.offset, copy.size) == "COPY a (b) FROM stdin WITH (FORMAT csv)");
    CHECK(text.substr(copy.data_offset, copy.data_size) == "it's;\n\\N\n");
    CHECK(found.pieces[2].position == mtdb::base::Position{6, 1});
    CHECK(split("COPY a FROM STDIN;\r\n\\.\r\n", dollars).pieces[0].data_size == 0);
    CHECK(error_of("SELECT 1;\nCOPY a FROM stdin;\n1\n", dollars).message().starts_with("the data of COPY has no end"));
    CHECK(error_of("COPY a FROM stdin; SELECT 1", dollars).message().starts_with("the data of COPY begins"));
}

TEST_CASE("a block that is a statement is one") {
    const std::string block = "BEGIN NOT ATOMIC DECLARE x INT; IF 1 THEN SET x = 1; END IF; SELECT 2; END";
    CHECK(pieces(block + "; SELECT 3", backslashes) == Texts{block, "SELECT 3"});
    const std::string procedure = "CREATE OR REPLACE PROCEDURE p() BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END";
    CHECK(pieces(procedure + "; SELECT 3", backslashes) == Texts{procedure, "SELECT 3"});
    const std::string definer = "CREATE OR REPLACE DEFINER = `a`@`b` FUNCTION f() RETURNS INT BEGIN RETURN 1; END";
    CHECK(pieces(definer + "; SELECT 3", backslashes) == Texts{definer, "SELECT 3"});
}

TEST_CASE("what a server's script does not close is an error at its beginning") {
    const struct {
        const char* text;
        const mtdb::db::Dialect& dialect;
        int64_t line, column;
        const char* message;
    } vectors[] = {
        {"SELECT 1;\n 'abc", dollars, 2, 2, "a string is not closed"},
        {"SELECT 1, $a$ b; $$", dollars, 1, 11, "a string is not closed"},
        {"SELECT \"abc", dollars, 1, 8, "a quoted name is not closed"},
        {"SELECT 1;\n/* a /* b */", dollars, 2, 1, "a comment is not closed"},
        {"SELECT 1 /* a", dollars, 1, 10, "a comment is not closed"},
        {"SELECT `abc", backslashes, 1, 8, "a quoted name is not closed"},
        {"DELIMITER //\nSELECT 1; SELECT 'a//", backslashes, 2, 18, "a string is not closed"},
    };
    for (const auto& vector : vectors) {
        CAPTURE(vector.text);
        const auto error = error_of(vector.text, vector.dialect);
        CHECK(error.code() == mtdb::Code::migration_failed);
        CHECK(error.message() == vector.message);
        CHECK(error.line() == vector.line);
        CHECK(error.column() == vector.column);
    }
}

TEST_CASE("destructive statements of a server's script are named with their line") {
    CHECK(split("DROP TABLE a;\nTRUNCATE b;\nDELETE FROM c;\nDELETE FROM d WHERE e", dollars).destructive ==
          "DROP TABLE (line 1), TRUNCATE (line 2), DELETE without WHERE (line 3)");
    CHECK(split("ALTER TABLE a DROP COLUMN b", dollars).destructive == "ALTER TABLE DROP COLUMN (line 1)");
    CHECK(split("ALTER TABLE a ADD c int, DROP `b`", backslashes).destructive == "ALTER TABLE DROP COLUMN (line 1)");
    CHECK(split("ALTER TABLE a DROP PARTITION p", backslashes).destructive == "ALTER TABLE DROP PARTITION (line 1)");
    CHECK(split("ALTER TABLE a ALTER b DROP NOT NULL, DROP CONSTRAINT c", dollars).destructive.empty());
    CHECK(split("ALTER TABLE a DROP INDEX b", backslashes).destructive.empty());
    CHECK(split("INSERT INTO a VALUES ('DROP TABLE b')", dollars).destructive.empty());
    CHECK(split("DELIMITER //\nDROP TABLE a //", backslashes).destructive == "DROP TABLE (line 2)");
}
