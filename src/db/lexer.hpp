// SPDX-License-Identifier: MIT
// The tokens of a SQL text, as one database's grammar quotes and comments. It never fails: what does not lex is
// a token to the end.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "db/placeholders.hpp"

namespace mtdb::db {

struct Token {
    enum class Kind {
        end,
        word,         // unquoted: keyword or name
        quoted_name,  // with its quotes
        string,       // with its quotes; dollar-quoted ones too
        number,
        parameter,  // "$1", or "?"
        semicolon,
        symbol  // one byte
    };
    Kind kind = Kind::end;
    std::string_view text;
    std::size_t offset = 0;
    bool closed = true;  // false: a quote or comment that runs to the end

    // Of a word, any case.
    bool is(std::string_view keyword) const noexcept {
        return kind == Kind::word && text.size() == keyword.size() && ((text.front() ^ keyword.front()) & 0xdf) == 0 &&
               base::equal_fold(text, keyword);
    }
    bool is(char symbol) const noexcept { return kind == Kind::symbol && text.front() == symbol; }
};

class Lexer {
public:
    Lexer(std::string_view sql, const Lexis& lexis) : sql_(sql), lexis_(&lexis) {}
    Lexer(std::string_view sql, const Lexis&& lexis) = delete;  // it is kept, not copied

    Token next();
    std::size_t offset() const noexcept { return at_; }
    // False once a comment ran to the end.
    bool closed() const noexcept { return closed_; }

private:
    void skip_blanks();
    bool skip_comment();
    Token token(Token::Kind kind, std::size_t end, bool closed = true);
    Token quoted(Token::Kind kind, char quote, bool backslashes, std::size_t prefix);
    Token word();
    Token dollar();
    Token number();
    char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }

    std::string_view sql_;
    const Lexis* lexis_;
    std::size_t at_ = 0;
    bool closed_ = true;
};

// Where the first token is that is no semicolon; the text's size when there is none.
std::size_t first_word(std::string_view sql, const Lexis& lexis);

}  // namespace mtdb::db
