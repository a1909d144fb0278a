// SPDX-License-Identifier: MIT
#include "db/lexer.hpp"

#include <algorithm>

#include "db/letters.hpp"

namespace mtdb::db {
namespace {

bool digit(char c) { return is_digit(c); }
bool name_start(char c) { return is_name_start(c); }
bool name_part(char c) { return is_name_part(c); }
bool opens_comment(char c) { return c == '-' || c == '/' || c == '#'; }

}  // namespace

Token Lexer::token(Token::Kind kind, std::size_t end, bool closed) {
    const Token made{kind, {sql_.data() + at_, end - at_}, at_, closed};
    at_ = end;
    return made;
}

// At a comment: passes it.
bool Lexer::skip_comment() {
    const std::string_view here = sql_.substr(at_);
    // MySQL and MariaDB take "--" for a comment only before a blank.
    const bool dashes = here.starts_with("--") &&
                        (!lexis_->hash_comments || here.size() == 2 || static_cast<unsigned char>(here[2]) <= ' ');
    if (dashes || (lexis_->hash_comments && here.starts_with('#'))) {
        at_ = std::min(sql_.find_first_of(lexis_->return_ends_comments ? "\r\n" : "\n", at_), sql_.size());
        return true;
    }
    if (!here.starts_with("/*")) return false;
    // "/*! ... */" is text that MySQL and MariaDB run.
    if (lexis_->hash_comments && (here.starts_with("/*!") || here.starts_with("/*M!"))) return false;
    int depth = 1;
    at_ += 2;
    while (at_ < sql_.size() && depth > 0) {
        const std::string_view two = sql_.substr(at_, 2);
        if (two == "*/") --depth;
        const bool opens = two == "/*" && lexis_->nested_comments;
        if (opens) ++depth;
        at_ += two == "*/" || opens ? 2 : 1;
    }
    closed_ = closed_ && depth == 0;
    return true;
}

void Lexer::skip_blanks() {
    for (; at_ < sql_.size();) {
        if (is_blank(sql_[at_]))
            ++at_;
        else if (!opens_comment(sql_[at_]) || !skip_comment())
            return;
    }
}

// `prefix`: bytes of the token before its opening quote.
Token Lexer::quoted(Token::Kind kind, char quote, bool backslashes, std::size_t prefix) {
    std::size_t end = at_ + prefix + 1;
    while (end < sql_.size()) {
        const std::size_t close = std::min(sql_.find(quote, end), sql_.size());
        const std::size_t escape = backslashes ? sql_.substr(end, close - end).find('\\') : std::string_view::npos;
        end = escape == std::string_view::npos ? close : end + escape;
        if (end == sql_.size()) break;
        if (sql_[end] == '\\' && backslashes) {
            end += 2;
        } else if (sql_[end] != quote) {
            ++end;
        } else if (end + 1 < sql_.size() && sql_[end + 1] == quote) {
            end += 2;
        } else {
            return token(kind, end + 1);
        }
    }
    return token(kind, sql_.size(), false);
}

Token Lexer::word() {
    std::size_t end = at_;
    while (end < sql_.size() && is_word_part(sql_[end])) ++end;
    const bool one = end == at_ + 1 && end < sql_.size() && sql_[end] == '\'';
    if (one && lexis_->escape_strings && (peek() == 'e' || peek() == 'E'))
        return quoted(Token::Kind::string, '\'', true, 1);
    return token(Token::Kind::word, end);
}

Token Lexer::number() {
    std::size_t end = at_;
    while (end < sql_.size() && (name_part(sql_[end]) || sql_[end] == '.')) ++end;
    return token(Token::Kind::number, end);
}

Token Lexer::dollar() {
    std::size_t end = at_ + 1;
    if (lexis_->style == PlaceholderStyle::dollar && digit(peek(1))) {
        while (end < sql_.size() && digit(sql_[end])) ++end;
        return token(Token::Kind::parameter, end);
    }
    if (lexis_->dollar_quotes && !digit(peek(1))) {
        while (end < sql_.size() && name_part(sql_[end])) ++end;
        if (end < sql_.size() && sql_[end] == '$') {
            const std::string_view tag = sql_.substr(at_, end + 1 - at_);
            const std::size_t close = sql_.find(tag, end + 1);
            const bool closed = close != std::string_view::npos;
            return token(Token::Kind::string, closed ? close + tag.size() : sql_.size(), closed);
        }
    }
    return token(Token::Kind::symbol, at_ + 1);
}

Token Lexer::next() {
    skip_blanks();
    if (at_ >= sql_.size()) return {Token::Kind::end, {}, sql_.size(), closed_};
    const char c = sql_[at_];
    if (name_start(c)) return word();
    if (is_sign(c)) return token(Token::Kind::symbol, at_ + 1);
    if (c == '\'') return quoted(Token::Kind::string, c, lexis_->backslash_escapes, 0);
    if (c == '"')  // a string where backslashes escape: MySQL and MariaDB without ANSI_QUOTES
        return quoted(lexis_->backslash_escapes ? Token::Kind::string : Token::Kind::quoted_name, c,
                      lexis_->backslash_escapes, 0);
    if (c == '`' && lexis_->backtick_quotes) return quoted(Token::Kind::quoted_name, c, false, 0);
    if (c == '[' && lexis_->bracket_quotes) {
        const std::size_t end = sql_.find(']', at_);
        const bool closed = end != std::string_view::npos;
        return token(Token::Kind::quoted_name, closed ? end + 1 : sql_.size(), closed);
    }
    if (digit(c)) return number();
    if (c == '$') return dollar();
    if (c == '?' && lexis_->style != PlaceholderStyle::dollar) {
        std::size_t end = at_ + 1;
        while (end < sql_.size() && digit(sql_[end])) ++end;
        return token(Token::Kind::parameter, end);
    }
    if (c == ';') return token(Token::Kind::semicolon, at_ + 1);
    return token(Token::Kind::symbol, at_ + 1);
}

std::size_t first_word(std::string_view sql, const Lexis& lexis) {
    Lexer lexer(sql, lexis);
    for (;;) {
        const Token token = lexer.next();
        if (token.kind == Token::Kind::end) return sql.size();
        if (token.kind != Token::Kind::semicolon) return token.offset;
    }
}

}  // namespace mtdb::db
