// SPDX-License-Identifier: MIT
#include "db/placeholders.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::db {
namespace {

constexpr int32_t parameters_max = 32766;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool name_part(char c) { return name_start(c) || digit(c); }
bool word_part(char c) { return name_part(c) || c == '$'; }

class Rewriter {
public:
    Rewriter(std::string_view sql, const Lexis& lexis) : sql_(sql), lexis_(lexis) {
        made_.text.reserve(sql.size() + 16);
    }

    Portable run() {
        while (at_ < sql_.size()) step();
        return std::move(made_);
    }

private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }
    bool looking_at(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

    void copy(std::size_t size) {
        made_.text += sql_.substr(at_, size);
        at_ = std::min(at_ + size, sql_.size());
    }
    void copy_until(std::size_t end) { copy(std::min(end, sql_.size()) - at_); }

    [[noreturn]] void refuse(const std::string& message) const {
        const base::Position position = base::position_of(sql_, at_);
        throw Error(Code::invalid_argument, message + " at line " + std::to_string(position.line) +
                                                ", column " + std::to_string(position.column))
            .with_position(position.line, position.column);
    }

    void step() {
        const char c = peek();
        if (c == '\'' || c == '"') return copy_quoted(c, lexis_.backslash_escapes);
        if (c == '`' && lexis_.backtick_quotes) return copy_quoted(c, false);
        if (c == '[' || c == ']') return bracket(c);
        const bool dashes = looking_at("--") && (!lexis_.hash_comments || static_cast<uint8_t>(peek(2)) <= ' ');
        if (dashes || (c == '#' && lexis_.hash_comments))
            return copy_until(sql_.find_first_of(lexis_.return_ends_comments ? "\r\n" : "\n", at_));
        if (looking_at("/*")) return copy_comment();
        if (name_start(c) || digit(c)) return copy_word();
        if (c == '$') return dollar();
        if (c == '?') return question();
        if (c == ':') return colon();
        if (native_name(c))
            refuse("portable text takes ? and :name, not '" + std::string(1, c) + "name'");
        note(c);
        copy(1);
    }

    void note(char c) {
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') before_ = c;
    }

    bool native_name(char c) const {
        return lexis_.named_sigils.find(c) != std::string_view::npos && name_start(peek(1));
    }

    void copy_quoted(char quote, bool backslashes) {
        std::size_t end = at_ + 1;
        while (end < sql_.size()) {
            if (sql_[end] == '\\' && backslashes) {
                end += 2;
            } else if (sql_[end] != quote) {
                ++end;
            } else if (end + 1 < sql_.size() && sql_[end + 1] == quote) {
                end += 2;  // A doubled quote stands for itself.
            } else {
                break;
            }
        }
        before_ = quote;
        copy_until(end + 1);
    }

    void bracket(char c) {
        if (lexis_.bracket_quotes && c == '[') {
            const std::size_t end = sql_.find(']', at_);
            before_ = ']';
            return copy_until(end == std::string_view::npos ? end : end + 1);
        }
        depth_ = c == '[' ? depth_ + 1 : std::max(depth_ - 1, 0);
        before_ = c;
        copy(1);
    }

    void copy_comment() {
        std::size_t end = at_ + 2;
        int depth = 1;
        while (end < sql_.size() && depth > 0) {
            const std::string_view here = sql_.substr(end, 2);
            if (here == "*/") --depth;
            const bool opens = here == "/*" && lexis_.nested_comments;
            if (opens) ++depth;
            end += here == "*/" || opens ? 2 : 1;
        }
        copy_until(end);
    }

    void copy_word() {
        std::size_t end = at_;
        while (end < sql_.size() && word_part(sql_[end])) ++end;
        const bool escapes =
            lexis_.escape_strings && end == at_ + 1 && (peek() == 'e' || peek() == 'E');
        before_ = 'w';
        copy_until(end);
        if (escapes && peek() == '\'') copy_quoted('\'', true);
    }

    void dollar() {
        if (digit(peek(1))) refuse("portable text takes ? and :name, not '$1'");
        if (lexis_.dollar_quotes) {
            std::size_t end = at_ + 1;
            while (end < sql_.size() && name_part(sql_[end])) ++end;
            if (end < sql_.size() && sql_[end] == '$') {
                const std::string_view tag = sql_.substr(at_, end + 1 - at_);
                const std::size_t close = sql_.find(tag, end + 1);
                before_ = '\'';
                return copy_until(close == std::string_view::npos ? close : close + tag.size());
            }
        }
        if (native_name('$')) refuse("portable text takes ? and :name, not '$name'");
        before_ = '$';
        copy(1);
    }

    void question() {
        if (peek(1) == '?') {
            if (!lexis_.question_operators)
                refuse("'?\?' stands for an operator that this database does not have");
            before_ = '?';
            made_.changes.push_back({made_.text.size(), 1, 2});
            made_.text += '?';
            at_ += 2;
            return;
        }
        if (digit(peek(1))) refuse("portable text takes ? and :name, not '?1'");
        if (named_) refuse("'?' is mixed with ':name'");
        numbered_ = true;
        made_.names.emplace_back();
        place(add(), 1);
    }

    void colon() {
        // "::" is a cast, ":=" an assignment; in a subscript the colon behind a value makes
        // a slice.
        const bool behind_value =
            before_ == 'w' || before_ == ')' || before_ == ']' || before_ == '\'' || before_ == '"';
        if (peek(1) == ':' || peek(1) == '=') {
            before_ = ':';
            return copy(2);
        }
        if (!name_start(peek(1)) || (depth_ > 0 && behind_value)) {
            if (digit(peek(1)) && depth_ == 0) refuse("portable text takes ? and :name, not ':1'");
            before_ = ':';
            return copy(1);
        }
        if (numbered_) refuse("':name' is mixed with '?'");
        named_ = true;
        std::size_t end = at_ + 1;
        while (end < sql_.size() && name_part(sql_[end])) ++end;
        const std::string_view name = sql_.substr(at_ + 1, end - at_ - 1);
        int32_t index = made_.index_of(name);
        if (index == 0) {
            made_.names.emplace_back(name);
            index = add();
        }
        place(index, end - at_);
    }

    int32_t add() {
        if (made_.parameters == parameters_max) refuse("more than 32766 parameters");
        return ++made_.parameters;
    }

    void place(int32_t index, std::size_t size) {
        const std::size_t begin = made_.text.size();
        switch (lexis_.style) {
            case PlaceholderStyle::question_numbered:
                made_.text += '?' + std::to_string(index);
                break;
            case PlaceholderStyle::dollar:
                made_.text += '$' + std::to_string(index);
                break;
            case PlaceholderStyle::question:
                made_.text += '?';
                break;
        }
        made_.order.push_back(index);
        at_ += size;
        // "?" directly before a digit or a word was two tokens and must stay two.
        if (word_part(peek())) made_.text += ' ';
        made_.changes.push_back({begin, made_.text.size() - begin, size});
        before_ = 'w';
    }

    std::string_view sql_;
    const Lexis& lexis_;
    Portable made_;
    std::size_t at_ = 0;
    char before_ = '\0';  // the last byte that is no blank; 'w' for a word, a number or a parameter
    int depth_ = 0;       // of subscript brackets
    bool named_ = false;
    bool numbered_ = false;
};

}  // namespace

std::size_t Portable::original_offset(std::size_t offset) const noexcept {
    const auto after =
        std::upper_bound(changes.begin(), changes.end(), offset,
                         [](std::size_t at, const Change& change) { return at < change.at; });
    std::size_t made = 0;      // bytes of the changes before
    std::size_t replaced = 0;  // what they stand for
    for (auto change = changes.begin(); change != after; ++change) {
        if (offset < change->at + change->size) return change->at - made + replaced;
        made += change->size;
        replaced += change->of;
    }
    return offset - made + replaced;
}

int32_t Portable::index_of(std::string_view name) const noexcept {
    if (name.starts_with(':')) name.remove_prefix(1);
    if (name.empty()) return 0;
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? 0 : static_cast<int32_t>(found - names.begin()) + 1;
}

Portable rewrite_placeholders(std::string_view sql, const Lexis& lexis) {
    return Rewriter(sql, lexis).run();
}

}  // namespace mtdb::db
