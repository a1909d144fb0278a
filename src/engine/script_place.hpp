// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "db/lexer.hpp"

namespace mtdb::engine {

// Where in a script an error is: the engine counts from the beginning of `rest`, or knows no place;
// then it is the statement's first word.
inline base::Position position_in(std::string_view text, std::string_view rest, const Error& error,
                                  const db::Lexis& lexis) {
    const auto offset = static_cast<std::size_t>(rest.data() - text.data());
    if (error.line() == 0) {
        const std::size_t word = db::first_word(rest, lexis);
        return base::position_of(text, offset + (word == rest.size() ? 0 : word));
    }
    const base::Position begin = base::position_of(text, offset);
    return {begin.line + error.line() - 1,
            error.line() == 1 ? begin.column + error.column() - 1 : error.column()};
}

}  // namespace mtdb::engine
