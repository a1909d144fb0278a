// SPDX-License-Identifier: MIT
#include "migrate/split.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "db/facts.hpp"
#include "db/letters.hpp"
#include "db/lexer.hpp"

namespace mtdb::migrate {

namespace {

enum class TokenKind { word, string, quoted, sign, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::size_t offset = 0;
    std::size_t size = 0;
    std::size_t stop() const { return offset + size; }
};

bool word_byte(char c) { return db::is_word_part(c); }

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::array<std::string_view, 6> transaction_words = {"begin",    "commit",    "end",
                                                               "rollback", "savepoint", "release"};
constexpr std::array<std::string_view, 3> true_words = {"on", "yes", "true"};

struct Statement {
    std::vector<Token> head;  // its first tokens
    std::size_t stop = 0;
    bool where = false;  // outside parentheses
    bool drops = false;
    bool deletes = false;
};

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    return out;
}

// A text that is being cut up, and what came of it.
class Cut {
protected:
    explicit Cut(std::string_view text) : text_(text) {
        if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
        cut_ = text.size() - text_.size();
    }
    Cut(const Cut&) = delete;
    Cut& operator=(const Cut&) = delete;
    ~Cut() = default;

    void require_no_nul() {
        if (const auto nul = text_.find('\0'); nul != std::string_view::npos)
            fail(nul, "the script holds a NUL byte");
    }

    [[noreturn]] void fail(std::size_t offset, const std::string& what) {
        const auto position = position_of(offset);
        throw Error(Code::migration_failed, what)
            .with_statement(out_.statements)
            .with_position(position.line, position.column);
    }

    [[noreturn]] void fail_control(std::size_t offset, std::string_view word) {
        fail(offset, upper(word) + " is not allowed: a script runs in one transaction of its own");
    }

    // Counts on from the last offset asked for, so a whole script costs one pass.
    base::Position position_of(std::size_t offset) {
        if (offset < seen_) return base::position_of(text_, offset);
        const auto more = base::position_of(text_.substr(seen_), offset - seen_);
        if (more.line == 1)
            at_seen_.column += more.column - 1;
        else
            at_seen_ = {at_seen_.line + more.line - 1, more.column};
        seen_ = offset;
        return at_seen_;
    }

    void add_piece(std::size_t offset, std::size_t size, const std::string& destroys) {
        const auto position = position_of(offset);
        if (!destroys.empty()) {
            if (!out_.destructive.empty()) out_.destructive += ", ";
            out_.destructive += destroys + " (line " + std::to_string(position.line) + ")";
        }
        out_.pieces.push_back({offset + cut_, size, out_.statements, position});
    }

    void mark_copy(std::size_t offset, std::size_t size) {
        Piece& piece = out_.pieces.back();
        piece.copy = true;
        piece.data_offset = offset + cut_;
        piece.data_size = size;
    }

    std::string_view text_;
    Split out_;

private:
    std::size_t cut_ = 0;  // bytes of the byte order mark
    std::size_t seen_ = 0;
    base::Position at_seen_;
};

class Splitter : Cut {
public:
    Splitter(std::string_view text, Mixing mixing) : Cut(text), mixing_(mixing) {}

    Split run() {
        require_no_nul();
        for (Token token = next(); token.kind != TokenKind::end; token = next()) {
            if (is_sign(token, ';')) continue;
            ++out_.statements;
            add(read_statement(token));
        }
        if (vacuums_ > 0 && vacuums_ < out_.statements && mixing_ == Mixing::refused)
            fail(vacuum_at_,
                 "VACUUM cannot share a script with other statements: it runs outside a "
                 "transaction (option migrate.mixed)");
        out_.outside = vacuums_ > 0;
        return std::move(out_);
    }

private:
    static constexpr std::size_t head_max = 8;

    std::string_view view(const Token& token) const {
        return text_.substr(token.offset, token.size);
    }
    bool is_sign(const Token& token, char sign) const {
        return token.kind == TokenKind::sign && text_[token.offset] == sign;
    }
    bool is_word(const Token& token, std::string_view word) const {
        return token.kind == TokenKind::word && token.size == word.size() &&
               ((text_[token.offset] ^ word.front()) & 0xdf) == 0 && base::equal_fold(view(token), word);
    }

    void skip_blank() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (db::is_blank(c)) {
                ++at_;
                continue;
            }
            if (c != '-' && c != '/') return;
            const std::string_view rest = text_.substr(at_, 2);
            if (rest == "--") {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (rest == "/*") {
                const auto close = text_.find("*/", at_ + 2);
                if (close == std::string_view::npos) fail(at_, "a comment is not closed");
                at_ = close + 2;
            } else {
                return;
            }
        }
    }

    Token next() {
        skip_blank();
        if (at_ >= text_.size()) return {TokenKind::end, text_.size(), 0};
        const std::size_t begin = at_;
        const char c = text_[begin];
        if (c == '\'') return quoted(TokenKind::string, c, "a string is not closed");
        if (c == '"' || c == '`')
            return quoted(TokenKind::quoted, c, "a quoted name is not closed");
        if (c == '[') {
            const auto close = text_.find(']', begin);
            if (close == std::string_view::npos) fail(begin, "a name in brackets is not closed");
            at_ = close + 1;
            return {TokenKind::quoted, begin, at_ - begin};
        }
        ++at_;
        if (!word_byte(c)) return {TokenKind::sign, begin, 1};
        while (at_ < text_.size() && word_byte(text_[at_])) ++at_;
        return {TokenKind::word, begin, at_ - begin};
    }

    Token quoted(TokenKind kind, char quote, const char* unclosed) {
        const std::size_t begin = at_++;
        while (true) {
            const auto close = text_.find(quote, at_);
            if (close == std::string_view::npos) fail(begin, unclosed);
            at_ = close + 1;
            if (at_ >= text_.size() || text_[at_] != quote) break;
            ++at_;
        }
        return {kind, begin, at_ - begin};
    }

    // CREATE [TEMP] TRIGGER, also after EXPLAIN [QUERY PLAN].
    bool opens_trigger(const Statement& statement) const {
        const auto& head = statement.head;
        std::size_t i = 0;
        while (i < head.size() && (is_word(head[i], "explain") || is_word(head[i], "query") ||
                                   is_word(head[i], "plan")))
            ++i;
        if (i >= head.size() || !is_word(head[i++], "create")) return false;
        if (i < head.size() && (is_word(head[i], "temp") || is_word(head[i], "temporary"))) ++i;
        return i < head.size() && is_word(head[i], "trigger");
    }

    // A trigger's body goes from BEGIN to the END that follows a semicolon: an END of a CASE never
    // does.
    Statement read_statement(Token token) {
        Statement statement;
        const std::size_t begin = token.offset;
        int64_t depth = 0;
        bool body = false;
        bool after_semicolon = false;
        for (; token.kind != TokenKind::end; token = next()) {
            if (is_sign(token, ';') && !body) break;
            statement.stop = token.stop();
            if (statement.head.size() < head_max) statement.head.push_back(token);
            if (is_sign(token, '(')) ++depth;
            if (is_sign(token, ')')) --depth;
            if (depth == 0 && !body) note(statement, token);
            if (!body && is_word(token, "begin"))
                body = opens_trigger(statement);
            else if (body && after_semicolon && is_word(token, "end"))
                body = false;
            after_semicolon = is_sign(token, ';');
        }
        if (body) fail(begin, "a trigger has no END");
        return statement;
    }

    void note(Statement& statement, const Token& token) const {
        statement.where = statement.where || is_word(token, "where");
        statement.drops = statement.drops || is_word(token, "drop");
        statement.deletes = statement.deletes || is_word(token, "delete");
    }

    void add(const Statement& statement) {
        const Token& first = statement.head.front();
        for (const auto word : transaction_words) {
            if (!is_word(first, word)) continue;
            fail_control(first.offset, view(first));
        }
        if (set_foreign_keys(statement)) return;
        if (is_word(first, "vacuum")) {
            ++vacuums_;
            vacuum_at_ = first.offset;
        }
        add_piece(first.offset, statement.stop - first.offset, destroys(statement));
    }

    // PRAGMA [schema.]foreign_keys = value, or (value).
    bool set_foreign_keys(const Statement& statement) {
        const auto& head = statement.head;
        if (!is_word(head.front(), "pragma")) return false;
        std::size_t name = 1;
        if (head.size() > 3 && is_sign(head[2], '.')) name = 3;
        if (head.size() < name + 3) return false;
        std::string_view pragma = view(head[name]);
        if (head[name].kind == TokenKind::quoted || head[name].kind == TokenKind::string)
            pragma = pragma.substr(1, pragma.size() - 2);
        if (!base::equal_fold(pragma, "foreign_keys")) return false;
        if (!is_sign(head[name + 1], '=') && !is_sign(head[name + 1], '(')) return false;
        std::string_view value = view(head[name + 2]);
        if (head[name + 2].kind == TokenKind::string || head[name + 2].kind == TokenKind::quoted)
            value = value.substr(1, value.size() - 2);
        const bool number =
            !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
        const bool on = number ? value.find_first_not_of('0') != std::string_view::npos
                               : std::ranges::any_of(true_words, [&](auto w) {
                                     return base::equal_fold(w, value);
                                 });
        out_.foreign_keys = out_.foreign_keys.value_or(true) && on;
        return true;
    }

    std::string destroys(const Statement& statement) const {
        const Token& first = statement.head.front();
        if (is_word(first, "drop"))
            return statement.head.size() > 1 ? "DROP " + upper(view(statement.head[1])) : "DROP";
        if (is_word(first, "truncate")) return "TRUNCATE";
        if (is_word(first, "alter") && statement.drops) return "ALTER TABLE DROP COLUMN";
        const bool deletes = is_word(first, "delete") || (is_word(first, "with") && statement.deletes);
        return deletes && !statement.where ? "DELETE without WHERE" : "";
    }

    const Mixing mixing_;
    std::size_t at_ = 0;
    int64_t vacuums_ = 0;
    std::size_t vacuum_at_ = 0;
};

// A server's script: db::Lexer knows what quotes and comments, db::facts_of() where a routine ends.
class ServerSplitter : Cut {
public:
    ServerSplitter(std::string_view text, const db::Dialect& dialect, Mixing mixing)
        : Cut(text),
          mixing_(mixing),
          lexis_(dialect.lexis),
          in_transaction_(dialect.transactional_ddl),
          client_delimiters_(dialect.lexis.hash_comments) {}

    Split run() {
        require_no_nul();
        while (skip_to_statement()) {
            ++out_.statements;
            if (delimiter_ == ";")
                read_statement();
            else
                read_delimited();
        }
        if (!alone_.empty() && out_.statements > alone_count_ && mixing_ == Mixing::refused) {
            out_.statements = alone_number_;
            fail(alone_at_, alone_ + " cannot share a script with other statements: it runs outside a transaction "
                                     "(option migrate.mixed)");
        }
        out_.outside = !in_transaction_ || !alone_.empty();
        return std::move(out_);
    }

private:
    using Token = db::Token;
    using Kind = db::Token::Kind;

    struct Words {
        std::vector<Token> first;
        std::string dropped;  // ALTER TABLE: what it drops that holds rows
        bool where = false;   // outside parentheses, as the next
        bool deletes = false;
        bool concurrently = false;
        bool is(std::size_t index, std::string_view word) const {
            return index < first.size() && first[index].is(word);
        }
    };

    // Leaves at_ at the first token of a statement; false at the end.
    bool skip_to_statement() {
        for (;;) {
            db::Lexer lexer(text_.substr(at_), lexis_);
            const Token token = lexer.next();
            if (token.kind == Kind::end) {
                if (!token.closed) fail_unclosed(at_);
                return false;
            }
            const std::size_t begin = at_ + token.offset;
            if (text_.substr(begin).starts_with(delimiter_)) {
                at_ = begin + delimiter_.size();
            } else if (token.kind == Kind::semicolon) {
                at_ = begin + 1;
            } else if (client_delimiters_ && token.is("DELIMITER")) {
                take_delimiter(begin + token.text.size());
            } else {
                at_ = begin;
                refuse_client_command(token, begin);
                return true;
            }
        }
    }

    // The rest of the line names it, up to a blank.
    void take_delimiter(std::size_t offset) {
        const std::size_t end = std::min(text_.find('\n', offset), text_.size());
        const std::string_view rest = base::trim(text_.substr(offset, end - offset));
        delimiter_ = rest.substr(0, rest.find_first_of(" \t"));
        if (delimiter_.empty()) fail(offset, "DELIMITER names none");
        at_ = end;
    }

    void refuse_client_command(const Token& token, std::size_t offset) {
        if (!token.is('\\')) return;
        const std::string_view rest = text_.substr(offset, 30);
        if (client_delimiters_ && rest.starts_with("\\N")) return;  // NULL
        fail(offset, "'" + base::excerpt(rest.substr(0, rest.find_first_of(" \t\r\n;"))) +
                         "' is a command of a client program, not SQL");
    }

    db::StatementFacts facts_at(std::size_t offset, std::size_t end) {
        try {
            return db::facts_of(text_.substr(offset, end - offset), lexis_);
        } catch (const Error&) {
            fail_unclosed(offset);
        }
    }

    // The first thing behind `offset` that runs to the end of the text.
    [[noreturn]] void fail_unclosed(std::size_t offset) {
        db::Lexer lexer(text_.substr(offset), lexis_);
        std::size_t behind = offset;  // the token before
        Token token = lexer.next();
        for (; token.kind != Kind::end && token.closed; token = lexer.next())
            behind = offset + token.offset + token.text.size();
        if (token.kind == Kind::end) fail(std::min(text_.find("/*", behind), text_.size()), "a comment is not closed");
        fail(offset + token.offset,
             token.kind == Kind::quoted_name ? "a quoted name is not closed" : "a string is not closed");
    }

    void read_statement() {
        const db::StatementFacts facts = facts_at(at_, text_.size());
        const std::size_t begin = at_ + facts.begin;
        add_piece(begin, facts.end - facts.begin, inspect(begin, at_ + facts.end, facts));
        at_ += facts.tail;
        if (copies_) read_data(begin);
    }

    // The lines behind COPY ... FROM STDIN, up to a line that is "\\." and nothing else.
    void read_data(std::size_t begin) {
        copies_ = false;
        const std::size_t line = std::min(text_.find('\n', at_), text_.size());
        if (!base::trim(text_.substr(at_, line - at_)).empty())
            fail(at_, "the data of COPY begins on a line of its own");
        const std::size_t data = std::min(line + 1, text_.size());
        for (std::size_t at = data; at < text_.size();) {
            const std::size_t end = std::min(text_.find('\n', at), text_.size());
            std::string_view row = text_.substr(at, end - at);
            if (row.ends_with('\r')) row.remove_suffix(1);
            if (row == "\\.") {
                mark_copy(data, at - data);
                at_ = std::min(end + 1, text_.size());
                return;
            }
            at = end + 1;
        }
        fail(begin, "the data of COPY has no end: a line that is \\.");
    }

    // Up to the client's delimiter, which may end a word too.
    void read_delimited() {
        const std::size_t begin = at_;
        db::Lexer lexer(text_.substr(begin), lexis_);
        std::size_t mark = text_.find(delimiter_, begin);
        std::size_t stop = begin;
        for (;;) {
            const Token token = lexer.next();
            if (!token.closed) fail_unclosed(begin);
            if (token.kind == Kind::end) {
                at_ = text_.size();
                break;
            }
            const std::size_t from = begin + token.offset, to = from + token.text.size();
            if (mark < from) mark = text_.find(delimiter_, from);
            if (mark < to && token.kind != Kind::string && token.kind != Kind::quoted_name) {
                if (mark > from) stop = mark;
                at_ = mark + delimiter_.size();
                break;
            }
            stop = to;
        }
        const std::size_t end = at_;
        std::string destroys;
        for (std::size_t part = begin; part < stop;) {
            const db::StatementFacts facts = facts_at(part, stop);
            if (facts.end == 0) break;
            std::string more = inspect(part + facts.begin, part + facts.end, facts);
            if (destroys.empty()) destroys = std::move(more);
            part += facts.tail;
        }
        at_ = end;
        add_piece(begin, stop - begin, destroys);
    }

    // Refuses what a script may not hold; returns what the statement destroys.
    std::string inspect(std::size_t begin, std::size_t end, const db::StatementFacts& facts) {
        if (facts.control != db::Control::none) fail_control(begin, facts.verb);
        // Of any other statement no word tells more than its facts do.
        static constexpr db::WordFilter telling{"DROP", "TRUNCATE", "ALTER", "DELETE", "WITH", "COPY", "SET"};
        const std::string_view text = text_.substr(begin, end - begin);
        if (!facts.alone && !telling.may_be(facts.verb) && text.find('\\') == std::string_view::npos) return {};
        static constexpr db::WordFilter noted{"WHERE", "DELETE", "CONCURRENTLY", "STDIN", "STDOUT", "AUTOCOMMIT"};
        Words words;
        words.first.reserve(first_max);
        db::Lexer lexer(text, lexis_);
        int64_t depth = 0;
        Token before;
        for (Token token = lexer.next(); token.kind != Kind::end; before = token, token = lexer.next()) {
            if (token.kind == Kind::symbol) {
                refuse_client_command(token, begin + token.offset);
                if (token.is('(')) ++depth;
                if (token.is(')')) --depth;
                continue;
            }
            if (token.kind != Kind::word && token.kind != Kind::quoted_name) continue;
            if (words.first.size() < first_max) words.first.push_back(token);
            if (!noted.may_be(token.text) && !before.is("DROP")) continue;
            if (depth == 0) note(words, before, token);
            refuse_words(words, begin, depth, before, token);
        }
        if (facts.alone && in_transaction_) ++alone_count_;
        if (facts.alone && in_transaction_ && alone_.empty()) {
            alone_ = facts.verb;
            if (words.first.size() > 1 && facts.verb != "VACUUM") alone_ += " " + upper(words.first[1].text);
            if (words.concurrently) alone_ += " CONCURRENTLY";
            alone_at_ = begin;
            alone_number_ = out_.statements;
        }
        return destroys(words);
    }

    // Or notes that the lines behind the statement are its data.
    void refuse_words(const Words& words, std::size_t begin, int64_t depth, const Token& before, const Token& token) {
        if (words.is(0, "COPY") && depth == 0 && token.is("STDIN") && before.is("FROM")) copies_ = true;
        if (words.is(0, "COPY") && depth == 0 && token.is("STDOUT") && before.is("TO"))
            fail(begin, "COPY TO STDOUT is not allowed: nobody reads what a script returns");
        // It would take the history's own row into a transaction that nobody commits.
        if (!in_transaction_ && words.is(0, "SET") && token.is("AUTOCOMMIT"))
            fail(begin, "SET AUTOCOMMIT is not allowed: the statements of a script commit one by one");
    }

    static void note(Words& words, const Token& before, const Token& token) {
        words.where = words.where || token.is("WHERE");
        words.deletes = words.deletes || token.is("DELETE");
        words.concurrently = words.concurrently || token.is("CONCURRENTLY");
        if (!before.is("DROP") || !words.is(0, "ALTER") || !words.is(1, "TABLE")) return;
        if (std::ranges::none_of(rowless, [&](auto name) { return token.is(name); }))
            words.dropped = token.is("PARTITION") ? "PARTITION" : "COLUMN";
    }

    static std::string destroys(const Words& words) {
        if (words.is(0, "DROP")) return words.first.size() > 1 ? "DROP " + upper(words.first[1].text) : "DROP";
        if (words.is(0, "TRUNCATE")) return "TRUNCATE";
        if (!words.dropped.empty()) return "ALTER TABLE DROP " + words.dropped;
        const bool deletes = words.is(0, "DELETE") || (words.is(0, "WITH") && words.deletes);
        return deletes && !words.where ? "DELETE without WHERE" : "";
    }

    static constexpr std::size_t first_max = 4;
    // What ALTER TABLE and ALTER COLUMN drop without losing a row's values.
    static constexpr std::array<std::string_view, 12> rowless = {"CONSTRAINT", "NOT",     "DEFAULT", "INDEX",
                                                                 "KEY",        "PRIMARY", "FOREIGN", "CHECK",
                                                                 "IDENTITY",   "EXPRESSION", "PERIOD", "SYSTEM"};

    const Mixing mixing_;
    const db::Lexis& lexis_;
    const bool in_transaction_;
    bool copies_ = false;           // the present statement takes the lines behind it
    const bool client_delimiters_;  // of the client whose scripts these are
    std::string delimiter_ = ";";
    std::size_t at_ = 0;
    std::string alone_;  // the first statement that cannot run in a transaction
    std::size_t alone_at_ = 0;
    int64_t alone_number_ = 0;
    int64_t alone_count_ = 0;
};

}  // namespace

Split split(std::string_view text, const db::Dialect& dialect, Mixing mixing) {
    // A grammar with names in brackets is that of files.
    return dialect.lexis.bracket_quotes ? Splitter(text, mixing).run() : ServerSplitter(text, dialect, mixing).run();
}

}  // namespace mtdb::migrate
