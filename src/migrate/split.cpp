// SPDX-License-Identifier: MIT
#include "migrate/split.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace mtdb::migrate {

namespace {

enum class TokenKind { word, string, quoted, sign, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::size_t offset = 0;
    std::size_t size = 0;
    std::size_t stop() const { return offset + size; }
};

bool word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool space_byte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

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

class Splitter {
public:
    explicit Splitter(std::string_view text) : text_(text) {
        if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
        cut_ = text.size() - text_.size();
    }

    Split run() {
        if (const auto nul = text_.find('\0'); nul != std::string_view::npos)
            fail(nul, "the script holds a NUL byte");
        for (Token token = next(); token.kind != TokenKind::end; token = next()) {
            if (is_sign(token, ';')) continue;
            ++out_.statements;
            add(read_statement(token));
        }
        if (vacuums_ > 0 && vacuums_ < out_.statements)
            fail(vacuum_at_,
                 "VACUUM cannot share a script with other statements: it runs outside a "
                 "transaction");
        out_.vacuum = vacuums_ > 0;
        return std::move(out_);
    }

private:
    static constexpr std::size_t head_max = 8;

    [[noreturn]] void fail(std::size_t offset, const std::string& what) {
        const auto position = position_of(offset);
        throw Error(Code::migration_failed, what)
            .with_statement(out_.statements)
            .with_position(position.line, position.column);
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

    std::string_view view(const Token& token) const {
        return text_.substr(token.offset, token.size);
    }
    bool is_sign(const Token& token, char sign) const {
        return token.kind == TokenKind::sign && text_[token.offset] == sign;
    }
    bool is_word(const Token& token, std::string_view word) const {
        return token.kind == TokenKind::word && base::equal_fold(view(token), word);
    }

    void skip_blank() {
        while (at_ < text_.size()) {
            const std::string_view rest = text_.substr(at_);
            if (space_byte(rest.front())) {
                ++at_;
            } else if (rest.starts_with("--")) {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (rest.starts_with("/*")) {
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
            fail(first.offset, upper(view(first)) +
                                   " is not allowed: a script runs in one transaction of its own");
        }
        if (set_foreign_keys(statement)) return;
        if (is_word(first, "vacuum")) {
            ++vacuums_;
            vacuum_at_ = first.offset;
        }
        const auto position = position_of(first.offset);
        note_destructive(statement, position.line);
        out_.pieces.push_back(
            {first.offset + cut_, statement.stop - first.offset, out_.statements, position});
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

    void note_destructive(const Statement& statement, int64_t line) {
        const Token& first = statement.head.front();
        std::string what;
        if (is_word(first, "drop")) {
            what = statement.head.size() > 1 ? "DROP " + upper(view(statement.head[1])) : "DROP";
        } else if (is_word(first, "truncate")) {
            what = "TRUNCATE";
        } else if (is_word(first, "alter") && statement.drops) {
            what = "ALTER TABLE DROP COLUMN";
        } else if ((is_word(first, "delete") || (is_word(first, "with") && statement.deletes)) &&
                   !statement.where) {
            what = "DELETE without WHERE";
        }
        if (what.empty()) return;
        if (!out_.destructive.empty()) out_.destructive += ", ";
        out_.destructive += what + " (line " + std::to_string(line) + ")";
    }

    static std::string upper(std::string_view text) {
        std::string out(text);
        std::ranges::transform(out, out.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        });
        return out;
    }

    std::string_view text_;
    std::size_t cut_ = 0;  // bytes of the byte order mark
    std::size_t at_ = 0;
    std::size_t seen_ = 0;
    base::Position at_seen_;
    int64_t vacuums_ = 0;
    std::size_t vacuum_at_ = 0;
    Split out_;
};

}  // namespace

Split split(std::string_view text) { return Splitter(text).run(); }

}  // namespace mtdb::migrate
