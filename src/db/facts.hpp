// SPDX-License-Identifier: MIT
// What the words of a statement say about it before a server has seen it. Where the words cannot decide, the
// answer is the careful one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "db/connection.hpp"
#include "db/placeholders.hpp"

namespace mtdb::db {

struct StatementFacts {
    std::string verb;  // the first word in upper case; empty: no statement
    Control control = Control::none;
    int32_t parameters = 0;
    bool read_only = false;   // only reads, as far as words say: functions it calls may still write
    bool calls = false;       // a function that is not known to only read
    bool locking = false;     // SELECT ... FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE
    bool alone = false;       // cannot run inside a transaction block
    bool session = false;     // may change state of the session that outlives it
    bool returning = false;   // has a RETURNING clause
    std::size_t begin = 0;    // of the first statement's first token
    std::size_t end = 0;      // behind its last token, without the semicolon
    std::size_t tail = 0;     // what follows the semicolon
};

// Of the first statement in `sql`. Throws Error(invalid_argument), with its position, for a quote or comment that
// is not closed.
StatementFacts facts_of(std::string_view sql, const Lexis& lexis);

}  // namespace mtdb::db
