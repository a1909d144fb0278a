// SPDX-License-Identifier: MIT
// Cuts a script into statements and says what kind of work it is, once per script.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "db/backend.hpp"

namespace mtdb::migrate {

// Whether statements that run in a transaction may share a script with those that cannot: then none of them does.
enum class Mixing { refused, allowed };

// One statement of a script: without its semicolon, from its first token on.
struct Piece {
    std::size_t offset = 0;
    std::size_t size = 0;
    int64_t number = 0;  // its place among the script's statements, from 1
    base::Position position;
    // COPY ... FROM STDIN: the lines that follow it, up to the one that ends them.
    std::size_t data_offset = 0;
    std::size_t data_size = 0;
    bool copy = false;
};

struct Split {
    std::vector<Piece> pieces;         // what runs, in order; without `PRAGMA foreign_keys = ...`
    int64_t statements = 0;            // all of them
    std::optional<bool> foreign_keys;  // the script sets them: off when any of its settings says so
    bool outside = false;              // it does not run in a transaction: it cannot, or nothing here would
    std::string destructive;  // what it destroys, such as "DROP TABLE (line 3)"; empty: nothing
};

// Throws Error(migration_failed) with statement and position: an unterminated string, comment or
// trigger, transaction control, what runs outside a transaction among other statements (unless mixing is allowed), what
// only a client program understands, a NUL byte.
Split split(std::string_view text, const db::Dialect& dialect = {}, Mixing mixing = Mixing::refused);

}  // namespace mtdb::migrate
