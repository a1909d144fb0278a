// SPDX-License-Identifier: MIT
#include "db/facts.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "db/lexer.hpp"

namespace mtdb::db {
namespace {

const Lexis postgres{.style = PlaceholderStyle::dollar,
                     .backtick_quotes = false,
                     .bracket_quotes = false,
                     .nested_comments = true,
                     .dollar_quotes = true,
                     .escape_strings = true,
                     .return_ends_comments = true,
                     .question_operators = true};
const Lexis mysql{.style = PlaceholderStyle::question,
                  .bracket_quotes = false,
                  .backslash_escapes = true,
                  .hash_comments = true};

StatementFacts pg(std::string_view sql) { return facts_of(sql, postgres); }
StatementFacts my(std::string_view sql) { return facts_of(sql, mysql); }

}  // namespace

TEST_CASE("facts: parameters are counted outside of strings, names and comments") {
    CHECK(pg("SELECT $1, $3, '$9', \"$8\", $q$ $7 $q$ -- $6\n, $2 /* $5 /* $4 */ $10 */").parameters == 3);
    CHECK(pg("SELECT E'it\\'s $1', a ? 'b'").parameters == 0);
    CHECK(my("SELECT ?, '?', \"?\", `?`, 'it\\'s ?' # ?\n, ? -- ?\n").parameters == 2);
    CHECK(my("SELECT 1--1, ?").parameters == 1);  // no comment without a blank behind it
}

TEST_CASE("facts: the first statement ends at its semicolon, which is found outside of quotes") {
    const std::string_view text = " ; SELECT ';' ; SELECT 2";
    const StatementFacts facts = pg(text);
    CHECK(text.substr(facts.begin, facts.end - facts.begin) == "SELECT ';'");
    CHECK(text.substr(facts.tail) == " SELECT 2");
    CHECK(pg("-- nothing\n ;").verb.empty());
}

TEST_CASE("lexer: a tail holds a statement or only blanks, semicolons and comments, as the dialect has them") {
    CHECK(first_word(" ;\n-- x\n /* y */ ; SELECT", postgres) == 19);
    for (const char* nothing : {"", " ; ;", "-- x", "/* a /* b */ c */", "/* open"})
        CHECK_MESSAGE(first_word(nothing, postgres) == std::string_view(nothing).size(), nothing);
    CHECK(first_word("# x\n;", mysql) == 5);
    CHECK(first_word("# x\n;", postgres) == 0);
    CHECK(first_word("--x", mysql) == 0);
    CHECK(first_word("/*!40101 SET x = 1 */", mysql) == 0);
    CHECK(first_word("/* a /* b */ c */", mysql) == 13);
}

TEST_CASE("facts: a comment of two dashes ends where the server ends it") {
    CHECK(pg("-- head\rINSERT INTO t VALUES(1)").verb == "INSERT");
    CHECK(my("-- head\rINSERT INTO t VALUES(1)").verb.empty());
}

TEST_CASE("facts: a routine's body is one statement") {
    const std::string_view function =
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3";
    CHECK(function.substr(pg(function).tail) == " SELECT 3");
    const std::string_view procedure =
        "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; WHILE 0 DO SELECT 2; END WHILE; END; SELECT 3";
    CHECK(procedure.substr(my(procedure).tail) == " SELECT 3");
    const std::string_view block =
        "BEGIN NOT ATOMIC INSERT INTO t VALUES(1); IF 1 THEN SELECT 2; END IF; END; SELECT 3";
    CHECK(block.substr(my(block).tail) == " SELECT 3");
    CHECK(my(block).control == Control::none);
    const std::string_view begin = "BEGIN NOT DEFERRABLE; SELECT 1";
    CHECK(begin.substr(pg(begin).tail) == " SELECT 1");
    CHECK(pg(begin).control == Control::begin);
}

TEST_CASE("facts: what only reads is told from what may write") {
    for (const char* reads : {"SELECT 1", "values (1)", "TABLE t", "SHOW search_path", "EXPLAIN UPDATE t SET a = 1",
                              "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT t.update FROM t"})
        CHECK_MESSAGE(pg(reads).read_only, reads);
    for (const char* writes : {"SELECT 1 FOR UPDATE", "SELECT 1 FOR NO KEY UPDATE", "SELECT 1 FOR KEY SHARE",
                               "SELECT * INTO t FROM u", "EXPLAIN ANALYZE DELETE FROM t", "INSERT INTO t VALUES (1)",
                               "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "CALL p()", "DO $$ $$"})
        CHECK_FALSE_MESSAGE(pg(writes).read_only, writes);
    CHECK_FALSE(my("SELECT 1 LOCK IN SHARE MODE").read_only);
}

TEST_CASE("facts: a call of a function that may write is told from those that only read") {
    for (const char* reads : {"SELECT count(*) FROM t WHERE a IN (1, 2)", "SELECT coalesce(a, (SELECT 1)) FROM t",
                              "SELECT row_number() OVER (ORDER BY a) FROM t"})
        CHECK_FALSE_MESSAGE(pg(reads).calls, reads);
    for (const char* calls : {"SELECT pay()", "SELECT count(*), billing.pay(1) FROM t", "SELECT * FROM \"pay\" (1)",
                              "SELECT nextval('s')"})
        CHECK_MESSAGE(pg(calls).calls, calls);
}

TEST_CASE("facts: transaction control is recognised") {
    CHECK(pg("begin").control == Control::begin);
    CHECK(pg("START TRANSACTION READ ONLY").control == Control::begin);
    CHECK(pg("END").control == Control::commit);
    CHECK(pg("PREPARE TRANSACTION 'x'").control == Control::commit);
    CHECK(pg("ROLLBACK WORK TO SAVEPOINT a").control == Control::savepoint);
    CHECK(pg("ABORT").control == Control::rollback);
    CHECK(my("BEGIN NOT ATOMIC SELECT 1").control == Control::none);
}

TEST_CASE("facts: what cannot run in a transaction, and what changes the session") {
    for (const char* alone : {"VACUUM t", "CREATE DATABASE a", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)",
                              "DROP INDEX CONCURRENTLY i", "ALTER SYSTEM SET a = 1", "REINDEX DATABASE d"})
        CHECK_MESSAGE(pg(alone).alone, alone);
    CHECK_FALSE(pg("CREATE INDEX i ON t (a)").alone);
    for (const char* session : {"SET a = 1", "LISTEN x", "DECLARE c CURSOR FOR SELECT 1", "CREATE TEMP TABLE t (a int)",
                                "DISCARD ALL", "SELECT 1 INTO TEMPORARY t"})
        CHECK_MESSAGE(pg(session).session, session);
    CHECK_FALSE(pg("CREATE TABLE t (a int)").session);
}

TEST_CASE("facts: an open quote is refused where it stands") {
    try {
        pg("SELECT 1,\n  'abc");
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.line() == 2);
        CHECK(error.column() == 3);
    }
}

}  // namespace mtdb::db
