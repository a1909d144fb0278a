// SPDX-License-Identifier: MIT
#include "migrate/plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

struct StateNames {
    std::string_view display, name;
};
constexpr std::array<StateNames, 17> state_names = {{
    {"Pending", "pending"},
    {"Above Target", "above_target"},
    {"Below Baseline", "below_baseline"},
    {"Ignored (Baseline)", "ignored_baseline"},
    {"Baseline", "baseline"},
    {"Ignored", "ignored"},
    {"Missing", "missing"},
    {"Failed (Missing)", "failed_missing"},
    {"Success", "success"},
    {"Undone", "undone"},
    {"Failed", "failed"},
    {"Out of Order", "out_of_order"},
    {"Future", "future"},
    {"Failed (Future)", "failed_future"},
    {"Outdated", "outdated"},
    {"Superseded", "superseded"},
    {"Deleted", "deleted"},
}};

enum class RowKind { script, foreign, schema, baseline, deletion, undo };

// Liberal: a type that nobody knows is a script that somebody else applied.
RowKind kind_of(const Applied& row) {
    const std::string_view type = row.type;
    if (type == "SQL" || type == "SCRIPT") return RowKind::script;
    if (type == "SCHEMA") return RowKind::schema;
    if (type == "BASELINE" || type.ends_with("_BASELINE")) return RowKind::baseline;
    if (type == "DELETE") return RowKind::deletion;
    if (type.starts_with("UNDO_")) return RowKind::undo;
    return RowKind::foreign;
}

bool one_of(State state, std::initializer_list<State> states) {
    return std::ranges::find(states, state) != states.end();
}

bool failed_state(State state) {
    return one_of(state, {State::failed, State::failed_missing, State::failed_future});
}

// A Flyway history against the scripts: pairs rows with scripts, then gives each a state.
class Picture {
public:
    Picture(const Source& source, const HistoryView& view, const Target& target, const Rules& rules)
        : source_(source),
          target_(target),
          rules_(rules),
          applied_(source.scripts().size(), false),
          last_(source.last()) {
        for (const Applied& row : view.rows)
            lines_.push_back({&row, kind_of(row), nullptr, State::success, true});
        mark_undone();
        find_marks();
        pair();
        if (!any_applied_)
            for (const Script& script : source_.baselines())
                if (!above_target(script)) pending_baseline_ = script.version;
    }

    std::vector<Entry> entries() const {
        std::vector<Entry> below, out, after;
        for (const Line& line : lines_)
            if (line.listed) out.push_back({line.state, line.script, line.row});
        const auto add = [&](const Script& script) {
            if (applied_[static_cast<std::size_t>(&script - source_.scripts().data())]) return;
            const State state = state_of(script);
            const bool first = state == State::below_baseline || state == State::ignored_baseline;
            (first ? below : after).push_back({state, &script, nullptr});
        };
        auto baseline = source_.baselines().begin();
        const auto baselines = source_.baselines().end();
        for (const Script& script : source_.versioned()) {
            for (; baseline != baselines && baseline->version < script.version; ++baseline) add(*baseline);
            add(script);
        }
        for (; baseline != baselines; ++baseline) add(*baseline);
        for (const Script& script : source_.repeatables()) add(script);
        out.insert(out.begin(), below.begin(), below.end());
        out.insert(out.end(), after.begin(), after.end());
        return out;
    }

    const Version& baseline() const { return baseline_; }
    const Version& last_applied() const { return last_applied_; }
    const std::vector<const Applied*>& deleted_twice() const { return deleted_twice_; }

private:
    struct Line {
        const Applied* row;
        RowKind kind;
        const Script* script;
        State state;
        bool listed;
        bool gone = false;  // a later row deleted or undid it
        bool live() const { return !gone && kind != RowKind::deletion && kind != RowKind::undo; }
    };

    // A deletion takes back the latest earlier row of its version, or of its repeatable.
    void mark_undone() {
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            Line& line = lines_[i];
            if ((line.kind != RowKind::deletion && line.kind != RowKind::undo) || !line.row->success) continue;
            line.listed = line.kind == RowKind::undo || line.row->version.empty();
            for (std::size_t j = i; j-- > 0;) {
                Line& earlier = lines_[j];
                const bool real =
                    earlier.kind == RowKind::script || earlier.kind == RowKind::foreign ||
                    (earlier.kind == RowKind::baseline && earlier.row->type != "BASELINE");
                if (!real || earlier.row->version != line.row->version) continue;
                if (line.row->version.empty() && earlier.row->description != line.row->description) continue;
                if (earlier.gone) deleted_twice_.push_back(line.row);
                earlier.gone = true;
                earlier.state = line.kind == RowKind::undo ? State::undone : State::deleted;
                break;
            }
        }
    }

    void find_marks() {
        for (const Line& line : lines_) {
            if (line.row->version.empty()) {
                if (line.kind != RowKind::schema)
                    latest_run_[line.row->description] = line.row->rank;
                continue;
            }
            if (!line.live()) continue;
            any_applied_ = true;
            last_applied_ = std::max(last_applied_, line.row->version);
            if (line.kind == RowKind::baseline) baseline_ = std::max(baseline_, line.row->version);
        }
    }

    void pair() {
        Version running;
        for (Line& line : lines_) {
            const Applied& row = *line.row;
            if (line.kind == RowKind::script || line.kind == RowKind::foreign)
                line.script = row.version.empty() ? find_repeatable(row.description)
                                                  : source_.find(row.version);
            if (line.kind == RowKind::baseline && row.type != "BASELINE")
                line.script = source_.find_baseline(row.version);
            if (line.gone) continue;
            line.state = state_of(line, running);
            if (line.live() && !row.version.empty()) running = std::max(running, row.version);
            const bool counts =
                one_of(line.state, {State::success, State::out_of_order, State::failed, State::baseline});
            if (line.script != nullptr && counts)
                applied_[static_cast<std::size_t>(line.script - source_.scripts().data())] = true;
        }
    }

    State state_of(const Line& line, const Version& running) const {
        const Applied& row = *line.row;
        if (line.kind == RowKind::deletion || line.kind == RowKind::undo) return State::success;
        if (line.kind == RowKind::baseline) {
            if (row.success && (line.script != nullptr || row.type != "SQL_BASELINE")) return State::baseline;
            if (!row.success) return State::failed;
            return row.version > last_ ? State::future : State::missing;
        }
        if (line.kind == RowKind::schema) return row.success ? State::success : State::failed;
        const bool latest = !row.version.empty() || latest_run_.at(row.description) == row.rank;
        if (line.script == nullptr && latest && line.kind == RowKind::script) {
            const bool newer = !row.version.empty() && row.version > last_;
            if (newer) return row.success ? State::future : State::failed_future;
            return row.success ? State::missing : State::failed_missing;
        }
        if (!row.success) return State::failed;
        if (row.version.empty()) {
            if (!latest) return State::superseded;
            if (line.script == nullptr) return State::success;
            return line.script->matches(row.checksum) ? State::success : State::outdated;
        }
        return !running.empty() && row.version <= running ? State::out_of_order : State::success;
    }

    State state_of(const Script& script) const {
        if (script.kind == Kind::repeatable) return State::pending;
        const Version& base = any_applied_ ? baseline_ : pending_baseline_;
        const bool runs_as_base = script.kind == Kind::baseline && !any_applied_;
        if (!base.empty() && script.version < base) return State::below_baseline;
        if (!base.empty() && script.version == base && !runs_as_base) return State::ignored_baseline;
        if (above_target(script)) return State::above_target;
        if (script.kind == Kind::baseline && any_applied_) return State::ignored;
        if (script.version < last_applied_ && !rules_.out_of_order) return State::ignored;
        return State::pending;
    }

    bool above_target(const Script& script) const {
        return target_.kind == Target::Kind::nothing ||
               (target_.kind == Target::Kind::version && script.version > target_.version);
    }

    const Script* find_repeatable(const std::string& description) const {
        for (const Script& script : source_.repeatables())
            if (script.description == description) return &script;
        return nullptr;
    }

    const Source& source_;
    const Target& target_;
    const Rules& rules_;
    std::vector<Line> lines_;
    std::vector<bool> applied_;  // by the script's place in the source
    std::map<std::string, int64_t, std::less<>> latest_run_;
    Version last_;  // of all scripts
    Version last_applied_, baseline_, pending_baseline_;
    bool any_applied_ = false;
    std::vector<const Applied*> deleted_twice_;
};

std::string subject(const Entry& entry) {
    const Version& version = entry.script != nullptr ? entry.script->version : entry.row->version;
    const std::string& description =
        entry.script != nullptr ? entry.script->description : entry.row->description;
    return version.empty() ? "repeatable '" + description + "'" : "version " + version.text();
}

Problem problem(const Entry& entry, std::string code, const std::string& what,
                Code status = Code::migration_checksum) {
    Problem problem;
    problem.code = std::move(code);
    problem.version =
        entry.script != nullptr ? entry.script->version.text() : entry.row->version.text();
    problem.description =
        entry.script != nullptr ? entry.script->description : entry.row->description;
    problem.script = entry.script != nullptr ? entry.script->name() : entry.row->script;
    problem.message = subject(entry) + " " + what;
    problem.status = status;
    return problem;
}

std::string text_of(const std::optional<int32_t>& checksum) {
    return checksum ? std::to_string(*checksum) : "none";
}

std::optional<Problem> check_row_against_script(const Entry& entry) {
    const Applied& row = *entry.row;
    const Script& script = *entry.script;
    const auto aligned = [](Problem problem, const std::string& repair) {
        problem.repair = repair;
        return problem;
    };
    if (row.type != script.type())
        return aligned(problem(entry, "TYPE_MISMATCH",
                               "was applied as " + base::excerpt(row.type) + " but its script is " +
                                   std::string(script.type())),
                       "set its type to " + std::string(script.type()));
    if (row.checksum && script.checksum && row.checksum != script.checksum)
        return aligned(problem(entry, "CHECKSUM_MISMATCH",
                               "has checksum " + text_of(script.checksum) + " but was applied with " +
                                   text_of(row.checksum)),
                       "set its checksum to " + text_of(script.checksum));
    if (row.description != script.description)
        return aligned(problem(entry, "DESCRIPTION_MISMATCH",
                               "is '" + base::excerpt(script.description) + "' but was applied as '" +
                                   base::excerpt(row.description) + "'"),
                       "set its description to '" + base::excerpt(script.description) + "'");
    return std::nullopt;
}

// Flyway's checks of one entry, in Flyway's order: at most one problem.
std::optional<Problem> check_entry(const Entry& entry, const Version& baseline, const Rules& rules, Pending pending) {
    const bool versioned =
        !(entry.script != nullptr ? entry.script->version : entry.row->version).empty();
    const std::string infix = versioned ? "VERSIONED" : "REPEATABLE";
    if (one_of(entry.state, {State::above_target, State::deleted, State::undone}) || is_ignored(entry, rules))
        return std::nullopt;
    if (failed_state(entry.state)) {
        Problem failed = problem(
            entry, "FAILED_" + infix + "_MIGRATION",
            "is recorded as failed: make sure of its effects, then repair",
            Code::migration_dirty);
        failed.repair = "remove its row";
        return failed;
    }
    if (entry.state == State::missing || entry.state == State::future) {
        Problem missing = problem(entry, "APPLIED_" + infix + "_MIGRATION_NOT_RESOLVED",
                                  "was applied but has no script");
        missing.repair = "mark it as deleted";
        return missing;
    }
    if (entry.state == State::ignored && entry.script->kind != Kind::baseline)
        return problem(entry, "RESOLVED_" + infix + "_MIGRATION_NOT_APPLIED",
                       "is older than the newest applied one and was never applied (option "
                       "migrate.out_of_order runs it)");
    if (entry.state == State::pending && pending == Pending::reported)
        return problem(entry, "RESOLVED_" + infix + "_MIGRATION_NOT_APPLIED", "is not applied");
    if (entry.state == State::outdated && pending == Pending::reported)
        return problem(entry, "OUTDATED_REPEATABLE_MIGRATION", "has changed since it was applied");
    if (entry.row == nullptr || entry.script == nullptr || !versioned) return std::nullopt;
    if (!baseline.empty() && entry.row->version <= baseline) return std::nullopt;
    return check_row_against_script(entry);
}

std::vector<Problem> check_flyway(const Picture& picture, std::span<const Entry> entries, const Rules& rules,
                                  Pending pending) {
    std::vector<Problem> problems;
    for (const Applied* row : picture.deleted_twice())
        problems.push_back(problem({State::deleted, nullptr, row}, "DUPLICATE_DELETED_MIGRATION",
                                   "is deleted twice"));
    for (const Entry& entry : entries)
        if (auto found = check_entry(entry, picture.baseline(), rules, pending))
            problems.push_back(std::move(*found));
    return problems;
}

std::vector<Problem> check_golang(const Source& source, const HistoryView& view,
                                  const Rules& rules) {
    Problem problem;
    problem.version = std::to_string(view.version);
    if (view.dirty) {
        problem.code = "DIRTY";
        problem.status = Code::migration_dirty;
        problem.message = "version " + problem.version +
                          " is dirty: a migration stopped in it; repair tells what the database says of it, force "
                          "sets the version";
        problem.repair = "set the version where the tables show which one it is";
        return {problem};
    }
    if (view.version < 0 || source.find_number(view.version) != nullptr) return {};
    const bool newer = source.newest() == nullptr || view.version > source.newest()->number;
    if (newer && rules.newer) return {};
    problem.code = newer ? "NEWER_THAN_SOURCE" : "NOT_IN_SOURCE";
    problem.status = newer ? Code::tenant_newer : Code::not_found;
    problem.message =
        "version " + problem.version + (newer ? " is above every script" : " has no script");
    return {problem};
}

std::vector<Entry> describe_golang(const Source& source, const HistoryView& view,
                                   const Target& target) {
    std::vector<Entry> entries;
    for (const Script& script : source.versioned()) {
        const bool above =
            target.kind == Target::Kind::nothing ||
            (target.kind == Target::Kind::version && script.version > target.version);
        const State state = view.dirty && script.number == view.version ? State::failed
                            : script.number <= view.version ? State::success
                            : above                       ? State::above_target
                                                          : State::pending;
        entries.push_back({state, &script, nullptr});
    }
    return entries;
}

void require_known(const Source& source, const HistoryView& view, const Target& target) {
    if (target.kind != Target::Kind::version || target.may_be_none) return;
    if (source.find(target.version) != nullptr || source.find_baseline(target.version) != nullptr) return;
    if (view.format == Format::flyway &&
        std::ranges::find(view.rows, target.version, &Applied::version) != view.rows.end())
        return;
    throw Error(Code::not_found,
                "no script of version '" + base::excerpt(target.version.text()) + "'");
}

Applied row_for(const Script& script) {
    Applied row;
    row.version = script.version;
    row.description = script.description;
    row.type = script.type();
    row.script = script.name();
    row.checksum = script.checksum;
    row.success = true;
    return row;
}

// Steps and the present version as a version.
Target resolved(const Source& source, const HistoryView& view, const Target& target, const Rules& rules) {
    if (target.kind != Target::Kind::current && target.kind != Target::Kind::steps) return target;
    Target out;
    const Target latest;
    std::vector<Entry> entries;
    if (view.format == Format::flyway) {
        const Picture picture(source, view, latest, rules);
        out.version = picture.last_applied();
        entries = picture.entries();
    } else {
        if (view.version >= 0) out.version = Version::of(view.version);
        entries = describe_golang(source, view, latest);
    }
    int64_t left = target.kind == Target::Kind::steps ? target.steps : 0;
    for (const Entry& entry : entries) {
        if (left == 0) break;
        if (entry.state != State::pending || entry.script->kind == Kind::repeatable) continue;
        out.version = std::max(out.version, entry.script->version);
        --left;
    }
    out.kind = out.version.empty() ? Target::Kind::nothing : Target::Kind::version;
    out.may_be_none = true;
    return out;
}

void refuse_faulty(Plan& plan) {
    for (const Step& step : plan.steps) {
        if (step.body() == nullptr || !step.body()->fault) continue;
        Problem refused = problem({State::pending, step.script, nullptr}, "SCRIPT_REFUSED", "");
        refused.script = step.name();
        refused.message = step.body()->fault->message();
        refused.status = step.body()->fault->code();
        refused.cause = step.body()->fault;
        plan.problems.push_back(std::move(refused));
    }
}

Problem no_undo(const Script* script, const Applied* row) {
    return problem({State::success, script, row}, "NO_UNDO", "has no script that undoes it",
                   Code::not_found);
}

void add_undo_of_rows(Plan& plan, const Source& source, const HistoryView& view,
                      const Target& target) {
    const Target latest;
    const Rules rules;
    const Picture picture(source, view, latest, rules);
    std::vector<Entry> applied;
    for (const Entry& entry : picture.entries()) {
        if (entry.row == nullptr || entry.row->version.empty()) continue;
        if (failed_state(entry.state)) {
            if (auto found =
                    check_entry({State::failed, entry.script, entry.row}, {}, rules, Pending::ignored))
                plan.problems.push_back(std::move(*found));
        }
        const RowKind kind = kind_of(*entry.row);
        const bool live = one_of(
            entry.state, {State::success, State::out_of_order, State::missing, State::future});
        if (!live || (kind != RowKind::script && kind != RowKind::foreign)) continue;
        if (target.kind != Target::Kind::version || entry.row->version > target.version)
            applied.push_back(entry);
    }
    std::ranges::stable_sort(
        applied, [](const Entry& a, const Entry& b) { return a.row->version > b.row->version; });
    if (target.kind == Target::Kind::steps && static_cast<int64_t>(applied.size()) > target.steps)
        applied.resize(static_cast<std::size_t>(target.steps));
    for (const Entry& entry : applied) {
        if (entry.script == nullptr || !entry.script->down) {
            plan.problems.push_back(no_undo(entry.script, entry.row));
            continue;
        }
        Step step{entry.script, Direction::down, *entry.row, -1, false};
        step.row.type =
            "DELETE";  // as Flyway's repair writes it: Flyway sees the script as pending again
        plan.steps.push_back(std::move(step));
    }
}

void add_undo_of_version(Plan& plan, const Source& source, const HistoryView& view,
                         const Target& target) {
    const auto all = source.versioned();
    for (std::size_t i = all.size(); i-- > 0;) {
        const Script& script = all[i];
        if (script.number > view.version) continue;
        if (target.kind == Target::Kind::version && script.version <= target.version) break;
        if (target.kind == Target::Kind::steps && static_cast<int64_t>(plan.steps.size()) >= target.steps) break;
        // golang-migrate's own layout: a missing direction is an empty step.
        if (!script.down && source.layout() != Layout::golang) {
            plan.problems.push_back(no_undo(&script, nullptr));
            continue;
        }
        plan.steps.push_back({&script, Direction::down, {}, i == 0 ? -1 : all[i - 1].number, false});
    }
}

}  // namespace

std::string_view display_name(State state) {
    return state_names[static_cast<std::size_t>(state)].display;
}
std::string_view state_name(State state) {
    return state_names[static_cast<std::size_t>(state)].name;
}

std::string_view standing_name(Standing standing) {
    constexpr std::array<std::string_view, 4> names = {"up_to_date", "outdated", "newer",
                                                       "problem"};
    return names[static_cast<std::size_t>(standing)];
}

namespace {

// "5", or "5?".
Target version_target(std::string_view text) {
    Target target;
    target.kind = Target::Kind::version;
    target.may_be_none = text.ends_with('?');
    target.version = Version::parse(text.substr(0, text.size() - (target.may_be_none ? 1 : 0)));
    return target;
}

std::optional<Target> steps_target(std::string_view text, char sign) {
    if (text == "next") text = sign == '+' ? "+1" : "-1";
    if (text.size() < 2 || text.front() != sign) return std::nullopt;
    Target target;
    target.kind = Target::Kind::steps;
    const auto digits = text.substr(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), target.steps);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || target.steps < 1)
        throw Error(Code::invalid_argument, "'" + base::excerpt(text) + "' is not a number of steps");
    return target;
}

}  // namespace

Target Target::of_migrate(std::string_view text) {
    if (text.empty() || text == "latest") return latest();
    if (auto steps = steps_target(text, '+')) return *steps;
    if (text != "current") return version_target(text);
    Target target;
    target.kind = Kind::current;
    return target;
}

Target Target::of_undo(std::string_view text) {
    if (auto steps = steps_target(text, '-')) return *steps;
    if (text != "empty") return version_target(text);
    Target target;
    target.kind = Kind::nothing;
    return target;
}

Target Target::after(int64_t done) const noexcept {
    Target left = *this;
    if (kind == Kind::steps) left.steps = std::max<int64_t>(0, steps - done);
    return left;
}

std::string goal_of(const Plan& plan, const Source& source, const HistoryView& view) {
    Version newest, oldest;
    bool down = false;
    for (const Step& step : plan.steps) {
        down = down || step.direction == Direction::down;
        const Version& version = step.script->version;
        if (version.empty()) continue;
        newest = std::max(newest, version);
        if (oldest.empty() || version < oldest) oldest = version;
    }
    if (!down) return newest.empty() ? "current" : newest.text() + "?";
    Version stays;
    const auto consider = [&](const Version& version) {
        if (!version.empty() && version < oldest) stays = std::max(stays, version);
    };
    for (const Script& script : source.versioned()) consider(script.version);
    for (const Applied& row : view.rows) consider(row.version);
    return stays.empty() ? "empty" : stays.text() + "?";
}

std::vector<IgnorePattern> ignore_patterns(std::string_view text) {
    using Type = IgnorePattern::Type;
    using What = IgnorePattern::What;
    constexpr std::array<std::pair<std::string_view, Type>, 3> types = {
        {{"*", Type::any}, {"versioned", Type::versioned}, {"repeatable", Type::repeatable}}};
    constexpr std::array<std::pair<std::string_view, What>, 5> states = {{{"*", What::any},
                                                                          {"missing", What::missing},
                                                                          {"pending", What::pending},
                                                                          {"ignored", What::ignored},
                                                                          {"future", What::future}}};
    std::vector<IgnorePattern> patterns;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const std::string pattern = base::lower(base::trim(text.substr(0, comma)));
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (pattern.empty()) continue;
        const auto colon = std::min(pattern.find(':'), pattern.size());
        const std::string_view type = std::string_view(pattern).substr(0, colon);
        const std::string_view state = std::string_view(pattern).substr(std::min(colon + 1, pattern.size()));
        const auto* t = std::ranges::find(types, type, [](const auto& pair) { return pair.first; });
        const auto* w = std::ranges::find(states, state, [](const auto& pair) { return pair.first; });
        if (t == types.end() || w == states.end())
            throw Error(Code::invalid_argument,
                        "'" + base::excerpt(pattern) + "' is no pattern of scripts to ignore: *, versioned or "
                        "repeatable, a colon, then *, missing, pending, ignored or future");
        patterns.push_back({t->second, w->second});
    }
    return patterns;
}

bool is_ignored(const Entry& entry, const Rules& rules) {
    using What = IgnorePattern::What;
    const bool repeatable = (entry.script != nullptr ? entry.script->version : entry.row->version).empty();
    return std::ranges::any_of(rules.ignore, [&](const IgnorePattern& pattern) {
        if (pattern.type != IgnorePattern::Type::any &&
            (pattern.type == IgnorePattern::Type::repeatable) != repeatable)
            return false;
        switch (pattern.what) {
            case What::any:
                return true;
            case What::missing:
                return one_of(entry.state, {State::missing, State::failed_missing});
            case What::pending:
                // A changed repeatable only by what speaks of all that is pending, as with Flyway.
                return entry.state == State::pending ||
                       (entry.state == State::outdated && pattern.type == IgnorePattern::Type::any);
            case What::ignored:
                return entry.state == State::ignored;
            case What::future:
                return one_of(entry.state, {State::future, State::failed_future});
        }
        return false;
    });
}

Applied baseline_row(const Version& version, const std::string& description) {
    Applied row;
    row.version = version;
    row.description = stored_description(description);
    row.type = "BASELINE";
    row.script = stored_script(description);
    row.success = true;
    return row;
}

std::vector<Entry> describe(const Source& source, const HistoryView& view, const Target& target,
                            const Rules& rules) {
    const Target goal = resolved(source, view, target, rules);
    if (view.format == Format::golang) return describe_golang(source, view, goal);
    return Picture(source, view, goal, rules).entries();
}

std::vector<Problem> check(const Source& source, const HistoryView& view, const Rules& rules,
                           Pending pending) {
    const Target latest;
    if (view.format == Format::flyway) {
        const Picture picture(source, view, latest, rules);
        return check_flyway(picture, picture.entries(), rules, pending);
    }
    auto problems = check_golang(source, view, rules);
    if (pending == Pending::reported && problems.empty())
        for (const Entry& entry : describe_golang(source, view, latest))
            if (entry.state == State::pending)
                problems.push_back(
                    problem(entry, "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED", "is not applied"));
    return problems;
}

Plan plan_migrate(const Source& source, const HistoryView& now, const Target& asked, const Rules& rules) {
    HistoryView with_baseline;
    Plan plan;
    plan.format = now.format;
    const bool bare = now.format == Format::flyway && !now.exists && now.other_tables;
    if (bare && rules.baseline_on_migrate) {
        plan.baseline = baseline_row(Version::parse(rules.baseline_version), rules.baseline_description);
        plan.baseline->rank = 1;
        with_baseline.exists = true;
        with_baseline.rows.push_back(*plan.baseline);
    }
    const HistoryView& view = plan.baseline ? with_baseline : now;
    const Target target = resolved(source, view, asked, rules);
    require_known(source, view, target);
    std::vector<Entry> entries;
    if (view.format == Format::flyway) {
        const Picture picture(source, view, target, rules);
        entries = picture.entries();
        plan.problems = check_flyway(picture, entries, rules, Pending::ignored);
    } else {
        plan.problems = check_golang(source, view, rules);
        if (plan.problems.empty()) entries = describe_golang(source, view, target);
    }
    for (const Entry& entry : entries)
        if (entry.state == State::pending)
            plan.steps.push_back({entry.script, Direction::up, row_for(*entry.script), entry.script->number,
                                  rules.record_only});
    refuse_faulty(plan);
    if (bare && !plan.baseline && !plan.steps.empty()) {
        Problem full;
        full.code = "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE";
        full.status = Code::invalid_state;
        full.message =
            "there are tables but no history of them: it cannot be known what was applied (baseline says it)";
        plan.problems.push_back(std::move(full));
    }
    return plan;
}

Plan plan_undo(const Source& source, const HistoryView& view, const Target& target) {
    require_known(source, view, target);
    Plan plan;
    plan.format = view.format;
    if (view.format == Format::golang) {
        plan.problems = check_golang(source, view, Rules{});
        if (plan.problems.empty()) add_undo_of_version(plan, source, view, target);
    } else {
        add_undo_of_rows(plan, source, view, target);
    }
    refuse_faulty(plan);
    return plan;
}

void Plan::require_sound() const {
    if (problems.empty()) return;
    constexpr std::array gravest = {Code::migration_dirty, Code::invalid_state, Code::tenant_newer,
                                    Code::migration_checksum};
    const Problem* first = &problems.front();
    for (const Code code : gravest) {
        const auto found = std::ranges::find(problems, code, &Problem::status);
        if (found == problems.end()) continue;
        first = &*found;
        break;
    }
    if (problems.size() == 1 && first->cause) throw Error(*first->cause);
    constexpr std::size_t named_max = 5;
    std::string message =
        problems.size() == 1 ? "" : std::to_string(problems.size()) + " problems: ";
    for (std::size_t i = 0; i < problems.size() && i < named_max; ++i)
        message += (i == 0 ? "" : "; ") + problems[i].code + " " + problems[i].message;
    if (problems.size() > named_max) message += "; and others";
    const auto repairable = std::ranges::count_if(problems, [](const Problem& p) { return !p.repair.empty(); });
    if (repairable > 0 && problems.size() > 1)
        message += "; repair would change " + std::to_string(repairable) + " of them";
    else if (repairable > 0)
        message += "; repair would " + first->repair;
    Error error(first->status, std::move(message));
    if (first->cause) error = first->cause->with_message(error.message());
    throw error.with_script(first->script);
}

void Plan::require_one_transaction() const {
    for (const Step& step : steps) {
        const Body* body = step.body();
        if (body == nullptr || (!body->split.outside && !body->split.foreign_keys)) continue;
        throw Error(Code::migration_failed, "script '" + body->name + "' cannot share a transaction with others "
                                            "(option migrate.group)")
            .with_script(body->name);
    }
}

Status status_of(const Source& source, const HistoryView& view, const Rules& rules) {
    Status status;
    const Target latest;
    if (source.newest() != nullptr) status.target = source.newest()->version.text();
    const Plan plan = plan_migrate(source, view, latest, rules);
    status.pending = static_cast<int64_t>(plan.steps.size());
    bool newer = false;
    if (view.format == Format::golang) {
        if (view.version >= 0) status.current = std::to_string(view.version);
        newer = view.version >= 0 &&
                (source.newest() == nullptr || view.version > source.newest()->number);
    } else {
        const Picture picture(source, view, latest, rules);
        if (!picture.last_applied().empty()) status.current = picture.last_applied().text();
        for (const Entry& entry : picture.entries()) {
            newer = newer || entry.state == State::future || entry.state == State::failed_future;
            if (entry.row != nullptr && entry.row->version == picture.last_applied() &&
                !entry.row->version.empty() &&
                !one_of(entry.state, {State::deleted, State::undone}))
                status.applied_at = entry.row->installed_on;
        }
    }
    const auto real = std::ranges::find_if(
        plan.problems, [](const Problem& p) { return p.status != Code::tenant_newer; });
    if (real != plan.problems.end()) {
        status.problem = real->code + " " + real->message;
        status.problem_status = real->status;
    }
    status.standing = status.problem       ? Standing::problem
                      : newer              ? Standing::newer
                      : status.pending > 0 ? Standing::outdated
                                           : Standing::up_to_date;
    return status;
}

}  // namespace mtdb::migrate
