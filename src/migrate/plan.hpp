// SPDX-License-Identifier: MIT
// What would run: computed from scripts, history and target alone, with every problem at once.
// Touches nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/history.hpp"
#include "migrate/source.hpp"

namespace mtdb::migrate {

struct Target {
    enum class Kind { latest, version, nothing, current, steps };
    Kind kind = Kind::latest;
    Version version;
    int64_t steps = 0;         // versioned scripts; undo: those that are applied, newest first
    bool may_be_none = false;  // a version that is nowhere is no error: "5?"

    static Target latest() { return {}; }
    // Migrate: "" or "latest", "current", "next", "+2", a version, or a version and "?". Undo: "empty", "next", "-2", a
    // version, or a version and "?". Throw Error(invalid_argument).
    static Target of_migrate(std::string_view text);
    static Target of_undo(std::string_view text);

    // What is left of it once so many scripts are done: a plan that is made anew must not count them twice.
    Target after(int64_t done) const noexcept;
};

// Flyway's `type:state`: what validate takes no notice of, and repair leaves alone.
struct IgnorePattern {
    enum class Type { any, versioned, repeatable };
    enum class What { any, missing, pending, ignored, future };
    Type type = Type::any;
    What what = What::future;
};
// Separated by commas. Throws Error(invalid_argument).
std::vector<IgnorePattern> ignore_patterns(std::string_view text);

struct Rules {
    bool out_of_order = false;  // run scripts older than the newest applied one
    bool newer = false;  // golang-migrate's history: a version above all scripts is no problem
    std::vector<IgnorePattern> ignore = {IgnorePattern{}};
    bool group = false;      // all scripts of a run in one transaction
    bool record_only = false;  // write the rows, run nothing
    // Tables without a history: as if baseline() had been called first.
    bool baseline_on_migrate = false;
    std::string baseline_version = "1";
    std::string baseline_description = "<< Flyway Baseline >>";
};

enum class State {
    pending,
    above_target,
    below_baseline,
    ignored_baseline,
    baseline,
    ignored,
    missing,
    failed_missing,
    success,
    undone,
    failed,
    out_of_order,
    future,
    failed_future,
    outdated,
    superseded,
    deleted,
};
std::string_view display_name(State state);  // Flyway's: "Out of Order"
std::string_view state_name(State state);    // "out_of_order"

// One line of the whole picture: a row, a script, or both.
struct Entry {
    State state = State::pending;
    const Script* script = nullptr;
    const Applied* row = nullptr;
};
// In Flyway's order. The entries point into `source` and `view`. golang-migrate's history has no
// rows: only scripts.
std::vector<Entry> describe(const Source& source, const HistoryView& view, const Target& target,
                            const Rules& rules);
// Whether a pattern speaks of it.
bool is_ignored(const Entry& entry, const Rules& rules);

struct Problem {
    std::string code;  // Flyway's; golang-migrate's histories: DIRTY, NEWER_THAN_SOURCE,
                       // NOT_IN_SOURCE; ours: SCRIPT_REFUSED, NO_UNDO
    std::string version;
    std::string description;
    std::string script;
    std::string message;
    std::string repair;  // what repair would change; empty: nothing
    Code status = Code::migration_checksum;  // what migrate or undo fails with
    std::optional<Error> cause;              // SCRIPT_REFUSED: with statement and position
};
enum class Pending { ignored, reported };
// Flyway's validate; golang-migrate's history: only its version can be checked.
std::vector<Problem> check(const Source& source, const HistoryView& view, const Rules& rules,
                           Pending pending);

enum class Direction { up, down };

struct Step {
    const Script* script = nullptr;
    Direction direction = Direction::up;
    Applied row;                 // Flyway's history: the row to append, without its rank
    int64_t version_after = -1;  // golang-migrate's history: what its row says afterwards
    bool record_only = false;

    const Body* body() const {  // nullptr: an empty step
        if (record_only) return nullptr;
        const auto& body = direction == Direction::up ? script->up : script->down;
        return body ? &*body : nullptr;
    }
    const std::string& name() const { return body() != nullptr ? body()->name : script->name(); }
};

struct Plan {
    Format format = Format::flyway;
    std::vector<Step> steps;
    std::vector<Problem> problems;
    std::optional<Applied> baseline;  // Flyway's history begins with this row: it is written, then a new plan is due
    bool group = false;               // the steps are one transaction
    std::shared_ptr<const Source> scripts;  // of this tenant; keeps what the steps point to

    // Throws one Error for all problems: of the gravest one's status, naming the count and the
    // first ones.
    void require_sound() const;
    // Throws Error(migration_failed) for a step that cannot share a transaction.
    void require_one_transaction() const;
};

// Both throw Error(not_found) for a target that is nowhere.
Plan plan_migrate(const Source& source, const HistoryView& view, const Target& target,
                  const Rules& rules);
Plan plan_undo(const Source& source, const HistoryView& view, const Target& target);
// Where a plan's steps lead, as a target that means the same when some of them are done.
std::string goal_of(const Plan& plan, const Source& source, const HistoryView& view);
// The row of Flyway's baseline command.
Applied baseline_row(const Version& version, const std::string& description);

enum class Standing { up_to_date, outdated, newer, problem };
std::string_view standing_name(Standing standing);  // "up_to_date"

struct Status {
    std::optional<std::string> current;  // nothing: nothing applied
    std::optional<std::string> target;   // the newest script's version
    Standing standing = Standing::up_to_date;
    int64_t pending = 0;
    std::optional<std::string> applied_at;           // as the history has it
    std::optional<std::string> problem;              // the first
    Code problem_status = Code::migration_checksum;  // of that problem
};
Status status_of(const Source& source, const HistoryView& view, const Rules& rules);

}  // namespace mtdb::migrate
