// SPDX-License-Identifier: MIT
#include "migrate/act.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "db/facts.hpp"
#include "db/lexer.hpp"
#include "migrate/history.hpp"
#include "migrate/lock.hpp"

namespace mtdb::migrate {

namespace {

using db::Token;

// The tokens of one statement, read from left to right.
class Words {
public:
    Words(std::string_view sql, const db::Lexis& lexis) {
        db::Lexer lexer(sql, lexis);
        for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
            // What stands before the first word: "(" of a query, "/*!40101" around a statement.
            const bool opens = tokens_.empty() && token.kind != Token::Kind::word;
            if (token.kind != Token::Kind::semicolon && !opens) tokens_.push_back(token);
        }
    }

    const Token& at(std::size_t ahead = 0) const { return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead] : end_; }
    bool is(std::string_view word) const { return at().is(word); }
    bool over() const { return at_ >= tokens_.size(); }
    void skip() { ++at_; }
    bool take(std::string_view word) {
        if (!is(word)) return false;
        ++at_;
        return true;
    }
    // IF EXISTS or IF NOT EXISTS.
    bool take_if() {
        if (!take("IF")) return false;
        take("NOT");
        take("EXISTS");
        return true;
    }
    // name or name.name, as it is written. Empty: there is none.
    std::string take_name() {
        const auto named = [](const Token& token) {
            return token.kind == Token::Kind::word || token.kind == Token::Kind::quoted_name;
        };
        if (!named(at())) return {};
        std::string name(at().text);
        for (skip(); at().is('.') && named(at(1)); at_ += 2) name.append(".").append(at(1).text);
        return name;
    }
    // To behind the next such word outside parentheses; false: there is none.
    bool seek(std::string_view word) {
        int depth = 0;
        for (; !over(); ++at_) {
            if (at().is('(')) ++depth;
            if (at().is(')')) --depth;
            if (depth == 0 && is(word)) {
                ++at_;
                return true;
            }
        }
        return false;
    }
    bool has(std::string_view word) const {
        return std::ranges::any_of(tokens_, [&](const Token& token) { return token.is(word); });
    }
    bool has_symbol(char symbol) const {
        return std::ranges::any_of(tokens_, [&](const Token& token) { return token.is(symbol); });
    }

private:
    std::vector<Token> tokens_;
    Token end_;
    std::size_t at_ = 0;
};

void add(Act& act, std::string_view kind, std::string name) {
    if (!name.empty()) act.objects.push_back({std::string(kind), std::move(name)});
}

constexpr std::array<std::string_view, 6> routine_kinds = {"TRIGGER", "PROCEDURE", "FUNCTION",
                                                           "EVENT",   "SEQUENCE",  "DATABASE"};
std::string_view routine_kind(const Words& words) {
    if (words.is("SCHEMA")) return "DATABASE";
    const auto* const kind = std::ranges::find_if(routine_kinds, [&](auto word) { return words.is(word); });
    return kind == routine_kinds.end() ? std::string_view() : *kind;
}

// Behind CREATE, ALTER or DROP: what kind of object, and which.
void read_objects(Words& words, Act& act) {
    while (!words.over() && !words.is("TABLE") && !words.is("TABLES") && !words.is("VIEW") && !words.is("INDEX") &&
           routine_kind(words).empty())
        words.skip();  // ONLINE, UNIQUE, DEFINER = ..., ALGORITHM = ...
    if (words.take("INDEX")) {
        act.again = words.take_if() || act.again;
        if (words.seek("ON")) add(act, "TABLE", words.take_name());
        return;
    }
    const std::string_view routine = routine_kind(words);
    const bool table = words.is("TABLE") || words.is("TABLES") || words.is("VIEW");
    if (!table && routine.empty()) return;
    words.skip();
    act.again = words.take_if() || act.again;
    do add(act, table ? "TABLE" : routine, words.take_name());
    while (words.at().is(',') && (words.skip(), true));
}

void read_alter_table(Words& words, Act& act) {
    // Rows that move, and files: no definition tells.
    if (words.has("EXCHANGE") || words.has("DISCARD") || words.has("IMPORT") || words.has("TRUNCATE"))
        act.objects.clear();
}

void read_definition(Words& words, Act& act) {
    const bool create = words.is("CREATE");
    const bool drop = words.is("DROP");
    const bool alter = words.is("ALTER");
    words.skip();
    if (words.take("OR")) act.again = words.take("REPLACE");
    read_objects(words, act);
    if (alter) read_alter_table(words, act);
    if (alter && words.has("RESTART")) act.objects.clear();  // a sequence, which others have used since
    // The list of DROP TABLE; those of CREATE and ALTER have one name each, what follows is columns.
    if (!drop && act.objects.size() > 1) act.objects.resize(1);
    if (create && words.has("TEMPORARY")) act.objects.clear();
}

void read_rename(Words& words, Act& act) {
    words.skip();
    if (!words.take("TABLE") && !words.take("TABLES")) return;
    std::vector<std::string> from, to;
    while (!words.over()) {
        words.take_if();
        from.push_back(words.take_name());
        add(act, "TABLE", from.back());
        if (words.take("TO")) to.push_back(words.take_name());
        if (from.size() == to.size()) add(act, "TABLE", to.back());
        if (!words.at().is(',')) break;
        words.skip();
    }
    act.whole = true;
    act.circular = std::ranges::all_of(from, [&](const auto& name) { return std::ranges::find(to, name) != to.end(); });
}

// What others wrote meanwhile must not go as well.
void read_truncate(Words& words, Act& act) {
    words.take("TABLE");
    add(act, "ROWS", words.take_name());
}

bool starts_with_one_of(const Words& words, std::initializer_list<std::string_view> list) {
    return std::ranges::any_of(list, [&](std::string_view word) { return words.is(word); });
}

void read_session(Words& words, Act& act) {
    if (words.is("SET")) {
        act.session = true;
        // A variable of a program's own, or what a query finds, would be another one now.
        act.repeated = !words.has_symbol('@') && !words.has("SELECT") && !words.has("GLOBAL") && !words.has("PERSIST");
    }
    if (starts_with_one_of(words, {"PREPARE", "USE", "DEALLOCATE", "EXECUTE", "HANDLER"}) ||
        (words.is("CREATE") && words.has("TEMPORARY")) || (words.is("SELECT") && words.has("INTO")))
        act.session = true;
}

// Where definitions commit by themselves.
void read_committing(Words& words, Act& act) {
    read_session(words, act);
    act.transactional = starts_with_one_of(words, {"INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "DO",
                                                   "VALUES", "LOAD", "TABLE", "PREPARE", "DEALLOCATE"});
    const bool flush = words.is("FLUSH");
    act.locks_tables = words.is("LOCK") || (flush && (words.has("READ") || words.has("EXPORT")));
    act.unlocks_tables = words.is("UNLOCK");
    act.again = starts_with_one_of(words, {"ANALYZE", "OPTIMIZE", "CHECK", "REPAIR", "GRANT"}) ||
                (flush && !act.locks_tables);
    if (words.is("RENAME"))
        read_rename(words, act);
    else if (words.take("TRUNCATE"))
        read_truncate(words, act);
    else if (starts_with_one_of(words, {"CREATE", "ALTER", "DROP"}))
        read_definition(words, act);
}

// Where only some statements cannot be in a transaction.
void read_alone(Words& words, Act& act) {
    act.concurrently = words.has("CONCURRENTLY");
    act.again = starts_with_one_of(words, {"VACUUM", "REINDEX", "ANALYZE", "CLUSTER", "CHECKPOINT"}) ||
                (words.is("ALTER") && words.at(1).is("SYSTEM"));
    const bool drop = words.is("DROP");
    if ((drop || words.is("CREATE")) && words.has("INDEX") && act.concurrently) {
        words.seek("CONCURRENTLY");
        words.take_if();
        if (!words.is("ON")) act.index = words.take_name();
        act.index_dropped = drop;
        return;
    }
    if (words.is("ALTER") && words.at(1).is("TYPE") && words.has("VALUE")) {
        words.skip();
        words.skip();
        act.enumeration = words.take_name();
        words.seek("VALUE");
        act.again = words.take_if();
        act.label = words.at().text;
    }
}

// A definition as it counts: without the number that the next row gets.
std::string plain(std::string text) {
    constexpr std::string_view counter = " AUTO_INCREMENT=";
    if (const auto at = text.find(counter); at != std::string::npos)
        text.erase(at, std::min(text.find_first_not_of("0123456789", at + counter.size()), text.size()) - at);
    return text;
}

std::string hex(uint64_t value) {
    std::array<char, 17> out{};
    std::snprintf(out.data(), out.size(), "%016llx", static_cast<unsigned long long>(value));
    return out.data();
}

std::string definition(const Act::Object& object, db::Connection& connection, const db::Dialect& dialect,
                       const Wait& wait) {
    const bool rows_count = object.kind == "ROWS";
    const std::string_view query = rows_count ? std::string_view("SELECT * FROM {name} LIMIT 1") : dialect.journal.show;
    std::string text;
    try {
        const auto rows =
            connection.prepare(with_value(with_value(query, "kind", object.kind), "name", object.name), nullptr, wait);
        while (rows->next(wait))
            for (int32_t i = 0; i < rows->column_count(); ++i) text += plain(text_of(rows->value(i))) + '\n';
        rows->reset();
        if (rows_count && text.empty()) return "empty";
    } catch (const Error& error) {
        if (error.code() != Code::sql_error && error.code() != Code::not_found && error.code() != Code::tenant_unknown)
            throw;
    }
    return text.empty() ? "absent" : hex(base::stable_hash64(text));
}

std::string first_cells(const std::string& query, db::Connection& connection, const Wait& wait) {
    std::string out;
    const auto rows = connection.prepare(query, nullptr, wait);
    while (rows->next(wait)) out += (out.empty() ? "" : ",") + text_of(rows->value(0));
    rows->reset();
    return out.empty() ? "absent" : out;
}

std::string as_literal(std::string_view name) {
    std::string out;
    for (const char c : name) out.append(c == '\'' ? 2 : 1, c);
    return out;
}

std::vector<std::string_view> parts_of(std::string_view evidence) {
    std::vector<std::string_view> parts;
    while (!evidence.empty()) {
        const auto end = std::min(evidence.find(", "), evidence.size());
        parts.push_back(evidence.substr(0, end));
        evidence.remove_prefix(std::min(end + 2, evidence.size()));
    }
    return parts;
}

// Whether what an enumeration has now, which is its labels with commas between them, holds the one that it was to get.
bool has_label(const Act& act, std::string_view now) {
    const std::size_t name = std::string_view("TYPE ").size() + act.enumeration.size() + 1;
    if (now.size() < name || act.label.size() < 2) return false;
    const std::string label = "," + act.label.substr(1, act.label.size() - 2) + ",";
    return ("," + std::string(now.substr(name)) + ",").find(label) != std::string::npos;
}

}  // namespace

Act act_of(std::string_view sql, const db::Dialect& dialect) {
    Act act;
    Words words(sql, dialect.lexis);
    if (!dialect.transactional_ddl) {
        read_committing(words, act);
        return act;
    }
    const db::StatementFacts facts = db::facts_of(sql, dialect.lexis);
    const bool label = facts.verb == "ALTER" && words.at(1).is("TYPE") && words.has("VALUE");
    act.transactional = !facts.alone && !label && facts.verb != "CALL" && facts.verb != "DO" && facts.verb != "SET";
    if (facts.verb == "SET") {
        act.session = act.repeated = true;
    } else if (!act.transactional) {
        read_alone(words, act);
    }
    act.session = act.session || words.has("SET_CONFIG") ||
                  (words.is("CREATE") && (words.at(1).is("TEMP") || words.at(1).is("TEMPORARY"))) ||
                  starts_with_one_of(words, {"PREPARE", "DEALLOCATE", "RESET", "LISTEN", "LOAD", "DISCARD"});
    return act;
}

std::string evidence_of(const Act& act, db::Connection& connection, const db::Dialect& dialect, const Wait& wait) {
    const db::JournalDialect& texts = dialect.journal;
    if (!act.index.empty() && !texts.index_query.empty())
        return "INDEX " + act.index + " " +
               first_cells(with_value(texts.index_query, "name", as_literal(act.index)), connection, wait);
    if (!act.enumeration.empty() && !texts.labels_query.empty())
        return "TYPE " + act.enumeration + " " +
               first_cells(with_value(texts.labels_query, "name", as_literal(act.enumeration)), connection, wait);
    std::string out;
    if (texts.show.empty()) return out;
    for (const Act::Object& object : act.objects)
        out += (out.empty() ? "" : ", ") + object.kind + " " + object.name + " " +
               definition(object, connection, dialect, wait);
    return out;
}

Verdict verdict(const Act& act, std::string_view before, std::string_view now) {
    if (before == now) {
        if (act.circular) return Verdict::unknown;
        return act.again || !now.empty() ? Verdict::not_started : Verdict::unknown;
    }
    if (!act.index.empty())
        return now.ends_with(act.index_dropped ? " absent" : " valid") ? Verdict::done : Verdict::not_started;
    if (!act.enumeration.empty()) return has_label(act, now) ? Verdict::done : Verdict::unknown;
    if (act.objects.size() == 1 && act.objects[0].kind == "ROWS")
        return now.ends_with(" empty") ? Verdict::done : Verdict::unknown;
    const auto old_parts = parts_of(before);
    const auto new_parts = parts_of(now);
    if (old_parts.size() != new_parts.size()) return Verdict::unknown;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < old_parts.size(); ++i) changed += old_parts[i] != new_parts[i] ? 1 : 0;
    if (changed == old_parts.size() || (act.whole && changed > 0)) return Verdict::done;
    return act.again ? Verdict::not_started : Verdict::unknown;  // one of several: IF EXISTS takes the rest
}

}  // namespace mtdb::migrate
