// SPDX-License-Identifier: MIT
// What the bytes of a SQL text are, and sets of words that turn most other words away at one look: scripts of many
// megabytes are read byte by byte.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace mtdb::db {

namespace letters {
// inside: a word goes on. sign: it stands for itself, in every grammar.
constexpr unsigned char blank = 1, start = 2, digit = 4, inside = 8, sign = 16;
constexpr std::array<unsigned char, 256> kinds = [] {
    std::array<unsigned char, 256> made{};
    for (const char c : {' ', '\t', '\n', '\r', '\f', '\v'}) made[static_cast<unsigned char>(c)] = blank;
    for (int c = 'a'; c <= 'z'; ++c) made[static_cast<std::size_t>(c)] = made[static_cast<std::size_t>(c - 32)] = start;
    for (std::size_t c = '0'; c <= '9'; ++c) made[c] = digit;
    for (std::size_t c = 0x80; c < 256; ++c) made[c] = start;
    made['_'] = start;
    for (unsigned char& kind : made) kind |= (kind & (start | digit)) != 0 ? inside : 0;
    made['$'] = inside;
    for (const char c : std::string_view("(),.=<>*+:|!%&@^~{}]")) made[static_cast<unsigned char>(c)] = sign;
    return made;
}();
inline bool is(char c, unsigned char kind) noexcept { return (kinds[static_cast<unsigned char>(c)] & kind) != 0; }
}  // namespace letters

inline bool is_blank(char c) noexcept { return letters::is(c, letters::blank); }
inline bool is_digit(char c) noexcept { return letters::is(c, letters::digit); }
inline bool is_name_start(char c) noexcept { return letters::is(c, letters::start); }
inline bool is_name_part(char c) noexcept { return letters::is(c, letters::start | letters::digit); }
inline bool is_word_part(char c) noexcept { return letters::is(c, letters::inside); }
inline bool is_sign(char c) noexcept { return letters::is(c, letters::sign); }

// Words in upper case, asked for in any.
class WordFilter {
public:
    constexpr WordFilter(std::initializer_list<std::string_view> words) {
        for (const std::string_view word : words) by_size_[word.size()] |= bit(word.front());
    }
    // False: it is none of them.
    bool may_be(std::string_view word) const noexcept {
        return word.size() < by_size_.size() && !word.empty() && (by_size_[word.size()] & bit(word.front())) != 0;
    }

private:
    static constexpr uint32_t bit(char c) noexcept { return uint32_t{1} << (static_cast<unsigned char>(c) & 31); }
    std::array<uint32_t, 24> by_size_{};
};

}  // namespace mtdb::db
