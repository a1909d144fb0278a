// SPDX-License-Identifier: MIT
// What a statement does where nothing undoes it, as its words tell: what to look at to see whether it was done, and
// whether it may run again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/backend.hpp"

namespace mtdb::migrate {

struct Act {
    // Its own transaction: it commits together with what is said about it.
    bool transactional = false;
    // It sets something of the session that later statements may need. Repeated: it may simply be set again.
    bool session = false;
    bool repeated = false;
    bool locks_tables = false, unlocks_tables = false;
    // It may run a second time when nothing tells that it ran: IF [NOT] EXISTS, OR REPLACE, and what only tidies.
    bool again = false;
    // Of several objects all or none are changed. Circular: each gets another one's name, so that nothing may show.
    bool whole = false, circular = false;
    // The objects whose definitions it changes, as it names them, quotes and all. None: nothing can be seen.
    struct Object {
        std::string kind;  // "TABLE", "TRIGGER", ...; "ROWS": of a table that is emptied
        std::string name;
    };
    std::vector<Object> objects;
    // PostgreSQL: an index that is built or dropped while others write; a label that an enumeration gets.
    std::string index;
    bool index_dropped = false;
    bool concurrently = false;
    std::string enumeration, label;
};
Act act_of(std::string_view sql, const db::Dialect& dialect);

// What can be seen of it now: "TABLE `a` 9f01.., TABLE b absent". Empty: nothing.
std::string evidence_of(const Act& act, db::Connection& connection, const db::Dialect& dialect, const Wait& wait);

enum class Verdict { not_started, done, unknown };
// Of a statement that was begun when there was `before`, and `now` is.
Verdict verdict(const Act& act, std::string_view before, std::string_view now);

}  // namespace mtdb::migrate
