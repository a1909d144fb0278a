// SPDX-License-Identifier: MIT
// Obeys a plan on one connection: each script commits together with its history row.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/backend.hpp"
#include "migrate/lock.hpp"
#include "migrate/plan.hpp"

namespace mtdb::migrate {

struct Options {
    HistoryOptions history;
    Rules rules;
    LockLimits locks = {};
};

// A tenant's history as it was before its verb began, read by somebody else: it is planned by, and counts if it is
// still so under the tenant's lock.
struct Known {
    HistoryView view;
    std::string database;  // that the tenant is in; empty: unknown
};

// What one verb did so far: kept up to date by it, also when it fails.
struct Progress {
    int64_t done = 0;         // scripts committed by this verb
    std::string last_script;  // the last of them
    bool want_status = false;
    std::optional<Status> status;  // if wanted, and the verb succeeded: where the tenant now stands
    std::optional<std::string> before;  // if wanted: the version that it stood at; empty: none
    std::optional<Known> known;         // taken by the verb
    std::string name;                   // of the namespace that the connection stands in; empty: unknown
    // If wanted, of a target in steps: one that means the same when some of them are done. Empty: of another one.
    std::string goal;
    // After each commit. Must not throw.
    std::function<void(const Step& step, int64_t execution_ms)> on_step;
    // Before each script that will write: what it returns is kept until that script has committed
    // or was rolled back.
    std::function<std::shared_ptr<void>(const Wait& wait)> enter_write;
    // A second connection to the tenant, given back when what it returns goes; on another thread, too. May be empty.
    std::function<std::shared_ptr<db::Connection>(const Wait& wait)> second;
};

// A line of mtdb_migrator_info().
struct InfoRow {
    std::string category;  // Flyway's: "Versioned", "Repeatable", "Baseline"; empty: a marker of the history
    std::string version;   // empty: none
    std::string description;
    std::string type;
    std::string script;
    std::string state;  // state_name()
    std::optional<int64_t> rank;
    std::optional<int32_t> checksum;
    std::string installed_on, installed_by;
    std::optional<int64_t> execution_ms;
    bool undoable = false;
};

// A line of mtdb_migrator_repair().
struct RepairRow {
    std::string action, version, description, script, detail;
};

// A line of mtdb_migrator_plan(): problems first, then steps in their order.
struct PlanRow {
    std::string version;  // empty: a repeatable
    std::string description;
    std::string script;
    std::string kind;  // "versioned", "repeatable", "undo"; empty: a problem of the whole history
    std::optional<int32_t> checksum;
    std::string state;    // state_name(), or "problem"
    std::string problem;  // empty: none
    bool transactional = true;
    int64_t statements = 0;
    std::string destructive;  // empty: nothing
};
std::vector<PlanRow> rows_of(const Plan& plan);

struct StatusRow {
    Status status;
    std::string history;  // the table's name
};

// Immutable; any thread, one connection per call. The connection stands outside a transaction, and
// is left there.
class Runner {
public:
    // Throws Error(invalid_argument) for options that contradict themselves.
    Runner(std::shared_ptr<const Source> source, Options options, const db::Dialect& dialect);

    const Source& source() const noexcept { return *source_; }
    const HistoryTexts& texts() const noexcept { return texts_; }
    const db::Dialect& dialect() const noexcept { return dialect_; }

    HistoryView read(db::Connection& connection, const Wait& wait) const {
        return History(texts_, connection).read(wait);
    }
    // Of a history that was read already.
    Plan plan(const HistoryView& view, const Target& target) const {
        return plan_migrate(*source_, view, target, options_.rules);
    }
    Status status(const HistoryView& view) const { return status_of(*source_, view, options_.rules); }
    std::vector<Problem> validate(const HistoryView& view) const {
        return check(*source_, view, options_.rules, Pending::reported);
    }
    // The same in every process for what leads to the same plans.
    std::string fingerprint() const;

    // These only read: no lock is taken.
    Plan plan(db::Connection& connection, const Wait& wait, const Target& target) const;
    Plan plan_undo(db::Connection& connection, const Wait& wait, const Target& target) const;
    StatusRow status(db::Connection& connection, const Wait& wait) const;
    std::vector<Problem> validate(db::Connection& connection, const Wait& wait) const;
    // As these two, with the callbacks of Flyway's verbs around them.
    std::vector<Problem> validate(db::Connection& connection, const Wait& wait, Progress& progress) const;
    std::vector<InfoRow> info(db::Connection& connection, const Wait& wait, const Target& target,
                              Progress& progress) const;

    // Errors as mtdb_migrator_migrate() and mtdb_migrator_undo(); `progress` says what was
    // committed before.
    void migrate(db::Connection& connection, const Wait& wait, const Target& target,
                 Progress& progress) const;
    void undo(db::Connection& connection, const Wait& wait, const Target& target,
              Progress& progress) const;

    // What would change, and changes it if told to.
    enum class Apply { no, yes };
    std::vector<RepairRow> repair(db::Connection& connection, const Wait& wait, Apply apply, Progress& progress) const;
    // Throws Error(invalid_state) where the history says something else already.
    void baseline(db::Connection& connection, const Wait& wait, const Version& version,
                  const std::string& description, Progress& progress) const;
    // golang-migrate's history only. Nothing: as if nothing had been applied.
    void force(db::Connection& connection, const Wait& wait, std::optional<int64_t> version, Progress& progress) const;
    // Everything in the tenant's namespace; returns how many objects it dropped.
    int64_t drop(db::Connection& connection, const Wait& wait, std::size_t batch, Progress& progress) const;

private:
    void note_before(Progress& progress, const HistoryView& view) const;
    static void note_goal(Progress& progress, const Target& target, const Plan& plan, const Source& source,
                          const HistoryView& view);
    // Of the tenant that the connection stands in.
    std::shared_ptr<const Source> scripts_of(db::Connection& connection, const Wait& wait) const;

    std::shared_ptr<const Source> source_;
    Options options_;
    db::Dialect dialect_;
    HistoryTexts texts_;
};

}  // namespace mtdb::migrate
