// SPDX-License-Identifier: MIT
#include "db/placeholders.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace mtdb;
using namespace mtdb::db;

namespace {

Lexis dollars() {
    Lexis lexis;
    lexis.style = PlaceholderStyle::dollar;
    lexis.backtick_quotes = false;
    lexis.bracket_quotes = false;
    lexis.nested_comments = true;
    lexis.dollar_quotes = true;
    lexis.escape_strings = true;
    lexis.question_operators = true;
    lexis.named_sigils = "";
    return lexis;
}

Lexis questions() {
    Lexis lexis;
    lexis.style = PlaceholderStyle::question;
    lexis.bracket_quotes = false;
    lexis.backslash_escapes = true;
    lexis.hash_comments = true;
    lexis.named_sigils = "";
    return lexis;
}

struct Row {
    std::string_view sql, text;
    int32_t parameters;
};

void check(const Lexis& lexis, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.sql);
        const Portable made = rewrite_placeholders(row.sql, lexis);
        CHECK(made.text == row.text);
        CHECK(made.parameters == row.parameters);
    }
}

}  // namespace

TEST_CASE(
    "numbered question marks: every ? and :name outside of quotes and comments is rewritten") {
    check({}, {
                  {"", "", 0},
                  {"SELECT 1", "SELECT 1", 0},
                  {"SELECT ?, ?", "SELECT ?1, ?2", 2},
                  {"SELECT :a, :b, :a", "SELECT ?1, ?2, ?1", 2},
                  {"SELECT :\u00e9_1", "SELECT ?1", 1},
                  {"SELECT '?', ':a', 'it''s ?', ?", "SELECT '?', ':a', 'it''s ?', ?1", 1},
                  {"SELECT \"?\", `:a`, [?], \"a\"\"?\"", "SELECT \"?\", `:a`, [?], \"a\"\"?\"", 0},
                  {"-- ? :a\nSELECT ?", "-- ? :a\nSELECT ?1", 1},
                  {"SELECT ? -- ?", "SELECT ?1 -- ?", 1},
                  {"/* ? /* :a */ SELECT ?", "/* ? /* :a */ SELECT ?1", 1},
                  {"SELECT 5-?-?", "SELECT 5-?1-?2", 2},
                  {"SELECT ?||'x', ?|1, ?&1", "SELECT ?1||'x', ?2|1, ?3&1", 3},
                  {"a$1 = ?", "a$1 = ?1", 1},
                  {"SELECT 'open ?", "SELECT 'open ?", 0},
                  {"SELECT [open ?", "SELECT [open ?", 0},
                  {"/* open ?", "/* open ?", 0},
                  {"VALUES(?,?),(?,?)", "VALUES(?1,?2),(?3,?4)", 4},
                  {"SELECT ?AS a", "SELECT ?1 AS a", 1},
                  {"SELECT 'back\\' || ?", "SELECT 'back\\' || ?1", 1},
              });
}

TEST_CASE(
    "dollars: casts, slices, dollar quotes, escape strings, nested comments and operators stay") {
    check(dollars(),
          {
              {"SELECT ?::int", "SELECT $1::int", 1},
              {"SELECT :a::text, x::b", "SELECT $1::text, x::b", 1},
              {"SELECT $$ ? $$, $t$ :a $$ $t$, ?", "SELECT $$ ? $$, $t$ :a $$ $t$, $1", 1},
              {"SELECT $$ open ?", "SELECT $$ open ?", 0},
              {"SELECT E'it\\'s ?', ?", "SELECT E'it\\'s ?', $1", 1},
              {"SELECT 'back\\', ?", "SELECT 'back\\', $1", 1},
              {"/* /* ? */ ? */ SELECT ?", "/* /* ? */ ? */ SELECT $1", 1},
              {"SELECT a ?? 'k', a ??| b, a ??& b", "SELECT a ? 'k', a ?| b, a ?& b", 0},
              {"SELECT a[1:n], a[:x], a[ i :n]", "SELECT a[1:n], a[$1], a[ i :n]", 1},
              {"SELECT a[b[1]:c]", "SELECT a[b[1]:c]", 0},
              {"f(a := :v)", "f(a := $1)", 1},
              {"SELECT @ x, @x, ?", "SELECT @ x, @x, $1", 1},
          });
}

TEST_CASE("portable text with native or mixed placeholders is refused with the position") {
    struct Refusal {
        std::string_view sql;
        const char* message;
    };
    for (const Refusal& row : {
             Refusal{"SELECT ?, :a", "':name' is mixed with '?' at line 1, column 11"},
             Refusal{"SELECT :a,\n  ?", "'?' is mixed with ':name' at line 2, column 3"},
             Refusal{"SELECT ?1", "portable text takes ? and :name, not '?1' at line 1, column 8"},
             Refusal{"SELECT $1", "portable text takes ? and :name, not '$1' at line 1, column 8"},
             Refusal{"SELECT :1", "portable text takes ? and :name, not ':1' at line 1, column 8"},
             Refusal{"SELECT @a",
                     "portable text takes ? and :name, not '@name' at line 1, column 8"},
             Refusal{"SELECT $a",
                     "portable text takes ? and :name, not '$name' at line 1, column 8"},
             Refusal{"a ?? b",
                     "'?\?' stands for an operator that this database does not have at line 1, "
                     "column 3"},
         }) {
        CAPTURE(row.sql);
        CHECK_THROWS_WITH_AS(rewrite_placeholders(row.sql), row.message, Error);
    }
    try {
        rewrite_placeholders("\u00e9\n ?9");
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.line() == 2);
        CHECK(error.column() == 2);
    }
}

TEST_CASE("a byte of the rewritten text leads back to the text that was given") {
    const Portable made = rewrite_placeholders("SELECT :name, :name AND x");
    REQUIRE(made.text == "SELECT ?1, ?1 AND x");
    for (const auto& [to, from] : {std::pair{0U, 0U},
                                   {6U, 6U},
                                   {7U, 7U},
                                   {8U, 7U},
                                   {9U, 12U},
                                   {11U, 14U},
                                   {12U, 14U},
                                   {13U, 19U},
                                   {18U, 24U},
                                   {19U, 25U}}) {
        CAPTURE(to);
        CHECK(made.original_offset(to) == from);
    }
    CHECK(rewrite_placeholders("SELECT 1").original_offset(7) == 7);
    const Portable apart = rewrite_placeholders("?AND ?");
    REQUIRE(apart.text == "?1 AND ?2");
    CHECK(apart.original_offset(2) == 0);
    CHECK(apart.original_offset(3) == 1);
}

TEST_CASE("plain question marks repeat a name, and the order says whose value goes where") {
    const Portable made =
        rewrite_placeholders("SELECT :b, :a, :b # :c ?\n, 'it\\'s :d'", questions());
    CHECK(made.text == "SELECT ?, ?, ? # :c ?\n, 'it\\'s :d'");
    CHECK(made.parameters == 2);
    CHECK(made.order == std::vector<int32_t>{1, 2, 1});
    CHECK(made.index_of("a") == 2);
    CHECK(made.index_of(":b") == 1);
    CHECK(made.index_of("c") == 0);
    CHECK(made.index_of("") == 0);
}
