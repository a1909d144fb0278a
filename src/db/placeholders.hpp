// SPDX-License-Identifier: MIT
// Portable placeholders: `?` and `:name` in SQL text, rewritten to what a database takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mtdb::db {

// How a database spells its placeholders: "?1", "$1", or "?" in order of appearance.
enum class PlaceholderStyle { question_numbered, dollar, question };

// What of a database's grammar decides where text is quoted. The defaults are SQLite's and echo's.
struct Lexis {
    PlaceholderStyle style = PlaceholderStyle::question_numbered;
    bool backtick_quotes = true;
    bool bracket_quotes = true;    // [name]; else brackets hold subscripts, where "1:n" is a slice
    bool nested_comments = false;  // /* /* */ */
    bool dollar_quotes = false;    // $tag$ text $tag$
    bool escape_strings = false;   // E'it\'s'
    bool backslash_escapes = false;  // 'it\'s', "say \"hi\""
    bool hash_comments = false;      // # to the end of the line, and "--" only before a blank
    bool return_ends_comments = false;  // "--" runs to a carriage return, too
    bool question_operators =
        false;  // has operators of its own with '?'; portable text writes them "??", "??|", "??&"
    std::string_view named_sigils =
        "@$";  // further sigils that begin a native parameter, refused in portable text
};

struct Portable {
    std::string text;
    int32_t parameters = 0;
    std::vector<std::string> names;  // of the parameters from 1, without sigil; empty for `?`
    std::vector<int32_t>
        order;  // the parameter of each placeholder in the text, for PlaceholderStyle::question

    // What was put into `text` for something else: `size` bytes at `at`, for `of` bytes of the
    // original.
    struct Change {
        std::size_t at, size, of;
    };
    std::vector<Change> changes;  // in order
    // Where in the original text a byte of `text` comes from.
    std::size_t original_offset(std::size_t offset) const noexcept;

    // From 1; 0: none. With or without ':'.
    int32_t index_of(std::string_view name) const noexcept;
};

// Throws Error(invalid_argument) with the position: `?` mixed with `:name`, or a native
// placeholder. Text that does not lex (an open quote) is copied as it is: the database words that
// error.
Portable rewrite_placeholders(std::string_view sql, const Lexis& lexis = {});

}  // namespace mtdb::db
