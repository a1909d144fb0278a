// SPDX-License-Identifier: MIT
#include "db/facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <iterator>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "db/letters.hpp"
#include "db/lexer.hpp"

namespace mtdb::db {
namespace {

using Words = std::initializer_list<std::string_view>;

// What may stand in front of "(" in a text that only reads: keywords, and functions that do no more.
constexpr std::string_view harmless[] = {
    "ABS", "ALL", "AND", "ANY", "ARRAY", "ARRAY_AGG", "AS", "AVG", "BETWEEN", "BIT_LENGTH", "BTRIM", "BY",
    "CAST", "CEIL", "CEILING", "CHAR", "CHARACTER_LENGTH", "CHAR_LENGTH", "COALESCE", "CONCAT", "CONCAT_WS",
    "CONVERT", "COUNT", "CUBE", "CURRENT_DATABASE", "CURRENT_SCHEMA", "CURRENT_SETTING", "DATABASE", "DATE",
    "DATE_FORMAT", "DATE_TRUNC", "DECIMAL", "DENSE_RANK", "DISTINCT", "ELSE", "EXCEPT", "EXISTS", "EXTRACT",
    "FILTER", "FIRST_VALUE", "FLOOR", "FROM", "GENERATE_SERIES", "GREATEST", "GROUP_CONCAT", "HAVING", "HEX",
    "IF", "IFNULL", "IN", "INTERSECT", "ISNULL", "JOIN", "JSONB_AGG", "JSON_AGG", "JSON_EXTRACT", "LAG",
    "LAST_VALUE", "LATERAL", "LEAD", "LEAST", "LEFT", "LENGTH", "LIKE", "LIMIT", "LOCATE", "LOWER", "LPAD",
    "LTRIM", "MATERIALIZED", "MAX", "MD5", "MIN", "MOD", "NOT", "NOW", "NTILE", "NULLIF", "NUMERIC", "OFFSET",
    "ON", "OR", "OVER", "PG_SLEEP", "POSITION", "POWER", "RANK", "REPEAT", "REPLACE", "REVERSE", "RIGHT",
    "ROLLUP", "ROUND", "ROW", "ROW_NUMBER", "RPAD", "RTRIM", "SELECT", "SETS", "SLEEP", "SOME", "STRING_AGG",
    "SUBSTR", "SUBSTRING", "SUM", "THEN", "TO_CHAR", "TO_DATE", "TO_TIMESTAMP", "TRIM", "TRUNC", "UNHEX",
    "UNION", "UNNEST", "UPPER", "USING", "VALUES", "VARCHAR", "VERSION", "WHEN", "WHERE", "WITHIN",
};
static_assert(std::is_sorted(std::begin(harmless), std::end(harmless)));

bool is_harmless(const Token& token) {
    std::array<char, 24> upper{};
    if (token.text.size() > upper.size()) return false;
    std::transform(token.text.begin(), token.text.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return std::binary_search(std::begin(harmless), std::end(harmless),
                              std::string_view(upper.data(), token.text.size()));
}
bool any_of(const Token& token, Words words) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return token.is(word); });
}

// What is asked of the words inside a statement, collected in one pass.
struct Seen {
    std::vector<Token> first;  // the first words, for what a statement is
    bool writing = false;
    bool into = false;
    bool analyze = false;
    bool concurrently = false;
    bool temporary = false;
    bool local = false;
    bool routine = false;  // CREATE FUNCTION, PROCEDURE, TRIGGER, EVENT, whose body may be statements
    int32_t depth = 0;     // of BEGIN and CASE inside that body

    bool at(std::size_t index, std::string_view word) const {
        return index < first.size() && first[index].is(word);
    }
};

constexpr std::size_t first_max = 6;

// BEGIN NOT ATOMIC ... END: a body by itself.
bool is_compound(const Seen& seen) {
    return seen.at(0, "BEGIN") && seen.at(1, "NOT") && seen.at(2, "ATOMIC");
}

void note_word(const Token& token, const Token& before, Seen& seen, StatementFacts& facts) {
    static constexpr WordFilter noted{"INSERT", "UPDATE", "DELETE",  "MERGE",   "REPLACE",   "SHARE",     "INTO",
                                      "LOCAL",  "TEMP",   "ANALYZE", "ANALYSE", "TEMPORARY", "RETURNING",
                                      "CONCURRENTLY"};
    if (seen.first.size() < first_max) seen.first.push_back(token);
    if (!noted.may_be(token.text) || before.is('.')) return;  // a column's or a function's name
    if (any_of(token, {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})) seen.writing = true;
    if ((token.is("UPDATE") || token.is("SHARE")) && (before.is("FOR") || before.is("KEY"))) facts.locking = true;
    if (token.is("SHARE") && before.is("IN")) facts.locking = true;
    if (token.is("INTO")) seen.into = true;
    if (any_of(token, {"ANALYZE", "ANALYSE"})) seen.analyze = true;
    if (token.is("CONCURRENTLY")) seen.concurrently = true;
    if (any_of(token, {"TEMP", "TEMPORARY"})) seen.temporary = true;
    if (token.is("LOCAL")) seen.local = true;
    if (token.is("RETURNING")) facts.returning = true;
}

// A routine's body: BEGIN ... END, with CASE ... END [CASE] in it; "END IF" and the like close what is not counted.
void note_body(const Token& token, const Token& before, Seen& seen) {
    static constexpr WordFilter creatures{"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT"};
    if (creatures.may_be(token.text) && seen.at(0, "CREATE") &&
        any_of(token, {"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT"}))
        seen.routine = true;
    if (seen.first.size() == 3 && is_compound(seen)) {
        seen.routine = true;
        seen.depth = 1;
    }
    if (!seen.routine || before.is('.')) return;
    if (before.is("END")) {
        if (any_of(token, {"IF", "LOOP", "WHILE", "REPEAT", "FOR"})) ++seen.depth;  // that END closed none of ours
        return;
    }
    if (token.is("BEGIN") || token.is("CASE")) ++seen.depth;
    if (token.is("END") && seen.depth > 0) --seen.depth;
}

void note_parameter(const Token& token, StatementFacts& facts) {
    const std::string_view digits = token.text.substr(1);
    int32_t number = facts.parameters + 1;
    if (!digits.empty()) std::from_chars(digits.data(), digits.data() + digits.size(), number);
    facts.parameters = std::max(facts.parameters, number);
}

Control control_of(const Seen& seen) {
    if (seen.at(0, "BEGIN")) return is_compound(seen) ? Control::none : Control::begin;
    if (seen.at(0, "START")) return seen.at(1, "TRANSACTION") ? Control::begin : Control::none;
    if (seen.at(0, "COMMIT") || seen.at(0, "END")) return Control::commit;
    if (seen.at(0, "SAVEPOINT") || seen.at(0, "RELEASE")) return Control::savepoint;
    if (seen.at(0, "ABORT")) return Control::rollback;
    if (seen.at(0, "PREPARE") && seen.at(1, "TRANSACTION")) return Control::commit;
    if (!seen.at(0, "ROLLBACK")) return Control::none;
    const bool to = seen.at(1, "TO") || seen.at(2, "TO");
    return to ? Control::savepoint : Control::rollback;
}

bool reads_only(const Seen& seen, const StatementFacts& facts) {
    if (seen.first.empty()) return true;
    if (any_of(seen.first[0], {"SHOW", "DESCRIBE", "DESC", "VALUES", "TABLE"})) return !seen.into;
    if (seen.at(0, "EXPLAIN")) return !seen.analyze;
    if (seen.at(0, "SELECT") || seen.at(0, "WITH"))
        return !seen.writing && !seen.into && !facts.locking;
    return false;
}

bool runs_alone(const Seen& seen) {
    if (seen.at(0, "VACUUM") || (seen.at(0, "ALTER") && seen.at(1, "SYSTEM"))) return true;
    if (seen.at(0, "DISCARD") && seen.at(1, "ALL")) return true;
    const std::size_t words = seen.at(1, "VERBOSE") ? 2 : 1;
    if (seen.at(0, "CLUSTER") && seen.first.size() == words) return true;
    if (seen.concurrently && any_of(seen.first[0], {"CREATE", "DROP", "REINDEX", "ALTER"})) return true;
    if ((seen.at(0, "CREATE") || seen.at(0, "DROP")) &&
        any_of(seen.first.size() > 1 ? seen.first[1] : Token{}, {"DATABASE", "TABLESPACE", "SUBSCRIPTION"}))
        return true;
    return seen.at(0, "REINDEX") &&
           (any_of(seen.first.size() > 1 ? seen.first[1] : Token{}, {"DATABASE", "SYSTEM", "SCHEMA"}) ||
            any_of(seen.first.size() > 2 ? seen.first[2] : Token{}, {"DATABASE", "SYSTEM", "SCHEMA"}));
}

bool changes_session(const Seen& seen) {
    if (seen.first.empty()) return false;
    if (any_of(seen.first[0], {"SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "DEALLOCATE", "EXECUTE", "DECLARE",
                               "DISCARD", "LOAD", "DO", "CALL", "LOCK", "UNLOCK", "USE", "HANDLER", "BEGIN", "FLUSH"}))
        return !seen.at(0, "BEGIN") || is_compound(seen);
    return (seen.at(0, "CREATE") || seen.into) && seen.temporary;
}

[[noreturn]] void unclosed(std::string_view sql, std::size_t offset) {
    const base::Position at = base::position_of(sql, offset);
    throw Error(Code::invalid_argument, "a quote or comment is not closed").with_position(at.line, at.column);
}

}  // namespace

StatementFacts facts_of(std::string_view sql, const Lexis& lexis) {
    StatementFacts facts;
    Seen seen;
    seen.first.reserve(first_max);
    Lexer lexer(sql, lexis);
    Token before;
    for (;;) {
        const Token token = lexer.next();
        if (!token.closed) unclosed(sql, token.offset);
        if (token.kind == Token::Kind::end) {
            facts.tail = sql.size();
            break;
        }
        if (token.kind == Token::Kind::semicolon) {
            facts.tail = lexer.offset();
            before = token;
            if (facts.end != 0 && seen.depth == 0) break;
            continue;  // nothing before it yet, or inside a routine's body
        }
        if (facts.end == 0) facts.begin = token.offset;
        facts.end = lexer.offset();
        if (token.kind == Token::Kind::word) {
            note_word(token, before, seen, facts);
            note_body(token, before, seen);
        }
        if (token.kind == Token::Kind::parameter) note_parameter(token, facts);
        if (token.is('(') && !facts.calls)
            facts.calls = before.kind == Token::Kind::quoted_name ||
                          (before.kind == Token::Kind::word && !is_harmless(before));
        before = token;
    }
    if (!seen.first.empty()) {
        facts.verb = seen.first[0].text;
        std::transform(facts.verb.begin(), facts.verb.end(), facts.verb.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
        facts.control = control_of(seen);
        facts.read_only = reads_only(seen, facts);
        facts.alone = runs_alone(seen);
        facts.session = changes_session(seen);
    }
    return facts;
}

}  // namespace mtdb::db
