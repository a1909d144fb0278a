// SPDX-License-Identifier: MIT
// What repair would change: computed from scripts and history, touching nothing.
#pragma once

#include <string>
#include <vector>

#include "migrate/plan.hpp"

namespace mtdb::migrate {

struct Repair {
    enum class Action {
        remove,   // Flyway: the row of a failed script goes
        mark,     // Flyway: a row of type DELETE is appended for a script that is no more
        align,    // Flyway: description, type and checksum become the script's
        set,      // golang-migrate: the version that the tables show, not dirty
        explain,  // golang-migrate: nothing is changed, a person decides
    };
    Action action = Action::explain;
    Applied row;              // Flyway: as it is; mark: the row to append, without its rank
    const Script* script = nullptr;
    int64_t version_after = -1;  // set
    std::string detail;          // what changes, or why nothing does
};
std::string_view action_name(Repair::Action action);  // "remove"

// In the order in which Flyway's repair does them.
std::vector<Repair> plan_repair(const Source& source, const HistoryView& view, const Rules& rules);
// The names of all tables of a tenant, and of those that are known to be younger than golang-migrate's version.
struct Tables {
    std::vector<std::string> all;
    std::vector<std::string> younger;
};
// golang-migrate's history: at most one.
std::vector<Repair> plan_repair_of_dirty(const Source& source, const HistoryView& view, const Tables& tables,
                                         const db::Dialect& dialect);

}  // namespace mtdb::migrate
