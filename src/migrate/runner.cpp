// SPDX-License-Identifier: MIT
#include "migrate/runner.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "migrate/callbacks.hpp"
#include "migrate/empty.hpp"
#include "migrate/execute.hpp"
#include "migrate/journal.hpp"
#include "migrate/keep_code.hpp"
#include "migrate/repair.hpp"

namespace mtdb::migrate {

namespace {

// Foreign keys can only be switched outside a transaction: switched before, put back afterwards.
class ForeignKeys {
public:
    ForeignKeys(db::Connection& connection, const Body* body, const Wait& wait)
        : connection_(connection) {
        if (body == nullptr || !body->split.foreign_keys) return;
        const bool wanted = *body->split.foreign_keys;
        const bool present = enabled(wait);
        off_ = !wanted;
        if (present == wanted) return;
        set(wanted, wait);
        before_ = present;
        switched_ = true;
    }
    ForeignKeys(const ForeignKeys&) = delete;
    ForeignKeys& operator=(const ForeignKeys&) = delete;
    // Only where the caller is failing already: its error says more than one from here.
    ~ForeignKeys() {
        try {
            restore();
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    }

    void restore() {
        if (!switched_) return;
        switched_ = false;
        set(before_, Wait::forever());
    }

    // What was written while keys were off must satisfy them all the same.
    void require_kept(const Wait& wait) const {
        if (!off_) return;
        const auto check = connection_.prepare("PRAGMA foreign_key_check", nullptr, wait);
        if (check->next(wait))
            throw Error(Code::migration_failed, "a row of table '" + text_of(check->value(0)) +
                                                    "' refers to a missing row of '" +
                                                    text_of(check->value(2)) + "'");
    }

private:
    bool enabled(const Wait& wait) const {
        const auto pragma = connection_.prepare("PRAGMA foreign_keys", nullptr, wait);
        return pragma->next(wait) && truth_of(pragma->value(0));
    }
    void set(bool on, const Wait& wait) const {
        execute(connection_, on ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF", wait);
    }

    db::Connection& connection_;
    bool switched_ = false;
    bool before_ = false;
    bool off_ = false;
};

// One verb on one connection.
class Run {
public:
    static constexpr base::milliseconds unmark_grace{5000};
    using MakePlan = std::function<Plan(const HistoryView&)>;

    Run(const HistoryTexts& texts, const db::Dialect& dialect, const Source& source, const LockLimits& limits,
        db::Connection& connection, const Wait& wait, Progress& progress)
        : history_(texts, connection),
          dialect_(dialect),
          source_(source),
          connection_(connection),
          wait_(wait),
          progress_(progress),
          callbacks_(source.callbacks(), connection, dialect, progress.enter_write, wait),
          lock_(connection, dialect.locks, texts, limits),
          journal_(connection, dialect, texts, lock_) {
        lock_.set_place({{}, progress.name});
    }

    const Callbacks& callbacks() const noexcept { return callbacks_; }
    History& history() noexcept { return history_; }

    // One change of the history by itself, under the lock: `decide` looks at what the history says then, `write`
    // writes in the transaction.
    template <class Decide, class Write>
    void change(Decide&& decide, Write&& write) {
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        if (!dialect_.transactional_ddl) {
            name_history();
            lock_.take(wait_);
        }
        try {
            HistoryView view = dialect_.transactional_ddl ? read_locked() : history_.read(wait_);
            if (decide(view)) {
                history_.create(view, wait_);
                if (!dialect_.transactional_ddl) begin(db::Isolation::standard, wait_);
                write(view);
                if (keeps_journal() && view.journal) journal_.forget(wait_);
                commit(wait_);
            } else {
                roll_back();
            }
        } catch (...) {
            roll_back();
            throw;
        }
        lock_.release();
    }

    // Returns the history as it is afterwards. A script of direction `resumed` that broke off is taken on first, where
    // it is known how far it came.
    HistoryView obey(const MakePlan& make_plan, std::optional<Direction> resumed) {
        while (true) {
            HistoryView view = first_view(make_plan);
            lock_.set_format(view.format);
            Plan plan = make_plan(view);
            if (seems_stopped(plan) && has_locks()) {
                // Or somebody is at it right now: what the history says counts once nobody is.
                const bool session = take_alone();
                view = history_.read(wait_);
                plan = make_plan(view);
                if (session && resumed && seems_stopped(plan) && resume(view, *resumed)) continue;
                if (dialect_.transactional_ddl) lock_.release();
            }
            plan.require_sound();
            if (plan.baseline) {
                write_baseline(plan);
                continue;
            }
            if (!(plan.group ? run_group(plan, view) : run_all(plan, view))) continue;
            lock_.release();
            return view;
        }
    }

private:
    // What somebody read before, once, where it leads to scripts that can run: whatever else it says is read anew.
    HistoryView first_view(const MakePlan& make_plan) {
        if (auto known = std::exchange(progress_.known, std::nullopt)) {
            lock_.set_place({known->database, progress_.name});
            try {
                const Plan plan = make_plan(known->view);
                if (plan.problems.empty() && !plan.steps.empty() && !plan.baseline) return std::move(known->view);
            } catch (const Error&) {  // NOLINT(bugprone-empty-catch): said again, if it is so
            }
        }
        return history_.read(wait_);
    }

    static bool seems_stopped(const Plan& plan) {
        return std::ranges::any_of(plan.problems,
                                   [](const Problem& problem) { return problem.status == Code::migration_dirty; });
    }

    bool has_locks() const noexcept { return dialect_.locks.keys != db::LockDialect::Keys::none; }
    // Where it is known how far a script came that nothing undoes.
    bool keeps_journal() const noexcept { return !dialect_.journal.columns.empty(); }

    // Says whose locks are to be taken, where the history can be told.
    void name_history() {
        if (!has_locks()) return;
        try {
            lock_.set_format(history_.read(wait_).format);
        } catch (const Error& error) {
            if (error.code() != Code::invalid_state) throw;
        }
    }

    // Mostly the history is the preferred one: the lock that it asks for is taken before anything is read.
    HistoryView read_locked() {
        begin_locked();
        HistoryView view = history_.read(wait_);
        if (!has_locks() || view.format == lock_.format()) return view;
        roll_back();
        lock_.set_format(view.format);
        begin_locked();
        return history_.read(wait_);
    }

    // False: the session cannot hold a lock; nobody had it a moment ago.
    bool take_alone() {
        try {
            lock_.take(wait_);
            return lock_.held();
        } catch (const Error& error) {
            if (error.code() != Code::unsupported || !lock_.of_transaction()) throw;
        }
        begin_locked();
        roll_back();
        return false;
    }

    // The script that the journal speaks of, when the history says that it broke off.
    std::optional<Step> broken_step(const HistoryView& view, const JournalRow& left) const {
        const Direction direction = left.direction == "down" ? Direction::down : Direction::up;
        Step step;
        step.direction = direction;
        if (view.format == Format::golang) {
            if (!view.dirty || view.version != left.target) return std::nullopt;
            step.version_after = left.target;
        } else {
            const auto row = std::ranges::find(view.rows, left.target, &Applied::rank);
            if (row == view.rows.end() || row->success) return std::nullopt;
            step.row = *row;
            if (direction == Direction::down) {
                step.row.type = "DELETE";
                step.row.success = true;
            }
        }
        for (const Script& script : source_.scripts()) {
            step.script = &script;
            if (step.body() != nullptr && step.name() == left.script) return step;
        }
        return std::nullopt;
    }

    // True: a script that broke off is done. False: a person must look. Under the session's lock.
    bool resume(HistoryView& view, Direction direction) {
        auto left = view.journal ? journal_.read(view.format, wait_) : std::nullopt;
        const auto step = left && !left->script.empty() ? broken_step(view, *left) : std::nullopt;
        if (!step || step->direction != direction) return false;
        begun_ = false;
        marked_ = true;
        tell_phase(*step);
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        try {
            if (step->body()->fault) throw *step->body()->fault;
            begin(db::Isolation::standard, wait_);
            journal_.take_over(*left, wait_);
            commit(wait_);
            // Its last holder may have come further until then, and now cannot any more.
            left = journal_.read(view.format, wait_);
            if (!left) throw Error(Code::migration_dirty, "the journal of it is gone");
            const std::size_t first = journal_.continuation(
                *left, *step->body(), [&](std::size_t i) { run_one(*step->body(), i, Surroundings::any); }, wait_);
            run_rest(*step, view, left->target, first);
        } catch (const Error& error) {
            roll_back();
            journal_.let_go();
            turn.reset();
            callbacks_.fire_after_error(event(*step, "afterEachMigrateError", "afterEachUndoError"));
            throw failed(error, *step);
        }
        return true;
    }

    // False: a new plan is due, as somebody else wrote the history or the script is to be tried again.
    bool run_all(const Plan& plan, HistoryView& view) {
        for (const Step& step : plan.steps) {
            begun_ = marked_ = false;
            tell_phase(step);
            try {
                wait_.check("a migration's next script");
                if (!run_step(step, view)) return false;
                tries_ = 0;
            } catch (const Error& error) {
                const auto last = last_error(error, step);
                if (!last) return false;
                callbacks_.fire_after_error(event(step, "afterEachMigrateError", "afterEachUndoError"));
                throw Error(*last);
            }
        }
        return true;
    }

    // What the script fails with. Nothing: locks of others kept it from running, it was rolled back, and runs again.
    std::optional<Error> last_error(const Error& error, const Step& step) {
        if (marked_ || error.effect() == Effect::unknown) return failed(error, step);
        try {
            if (lock_.may_retry(error, tries_++, wait_)) return std::nullopt;
            return failed(error, step);
        } catch (const Error& last) {
            return failed(last, step);
        }
    }

    // All scripts and their rows in one transaction.
    bool run_group(const Plan& plan, HistoryView& view) {
        begun_ = marked_ = false;
        if (plan.steps.empty()) return true;
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        std::vector<int64_t> times;
        const Step* present = &plan.steps.front();
        try {
            begin_locked();
            if (history_.changed(view, wait_)) {
                roll_back();
                return false;
            }
            for (const Step& step : plan.steps) {
                present = &step;
                wait_.check("a migration's next script");
                const auto start = base::Clock::now();
                run_pieces(step, Surroundings::transaction);
                times.push_back(milliseconds_since(start));
                record(step, view, times.back(), wait_);
            }
            commit(wait_);
        } catch (const Error& error) {
            roll_back();
            turn.reset();
            const auto last = last_error(error, *present);
            if (!last) return false;
            callbacks_.fire_after_error("afterEachMigrateError");
            throw Error(*last);
        }
        for (std::size_t i = 0; i < plan.steps.size(); ++i) tell(plan.steps[i], plan.steps[i].name(), times[i]);
        return true;
    }

    void write_baseline(const Plan& plan) {
        change([](const HistoryView& view) { return !view.exists; },
               [&](HistoryView& view) {
                   Applied row = *plan.baseline;
                   row.rank = 1;
                   history_.append(view, row, 0, wait_);
               });
    }

public:
    // Nobody else migrates while `work` runs, where one session can see to that for longer than a transaction.
    template <class Work>
    void alone(Work&& work) {
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        name_history();
        if (has_locks()) take_alone();
        work();
        lock_.release();
    }

    // A run that ends well.
    void tell_end() {
        if (!repeatables_) callbacks_.fire("afterVersioned");
        if (progress_.done > 0) callbacks_.fire("afterMigrateApplied");
        callbacks_.fire("afterMigrate");
    }

private:
    static std::string_view event(const Step& step, std::string_view up, std::string_view down) {
        return step.direction == Direction::up ? up : down;
    }
    static int64_t milliseconds_since(base::Time start) {
        return std::chrono::duration_cast<base::milliseconds>(base::Clock::now() - start).count();
    }

    // Once per run, before the first repeatable.
    void tell_phase(const Step& step) {
        if (step.script->kind != Kind::repeatable || repeatables_) return;
        callbacks_.fire("afterVersioned");
        callbacks_.fire("beforeRepeatables");
        repeatables_ = true;
    }

    bool run_step(const Step& step, HistoryView& view) {
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        const Body* body = step.body();
        const bool outside = body != nullptr && body->split.outside;
        ForeignKeys foreign_keys(connection_, body, wait_);
        // A single VACUUM needs no mark: it may happen again.
        const bool counts = outside && (body->split.statements > 1 || body->rules.in_transaction);
        if (!dialect_.transactional_ddl || counts || (outside && lock_.of_session())) {
            const bool done = run_marked(step, view);
            foreign_keys.restore();
            return done;
        }
        const auto start = base::Clock::now();
        int64_t execution_ms = 0;
        std::string name;
        const auto run_body = [&] {
            run_pieces(step, outside ? Surroundings::none : Surroundings::transaction);
            execution_ms = milliseconds_since(start);
        };
        if (outside) run_body();
        try {
            begin_locked();
            if (history_.changed(view, wait_)) {
                connection_.rollback();
                foreign_keys.restore();
                return false;
            }
            if (!outside) run_body();
            foreign_keys.require_kept(wait_);
            record(step, view, execution_ms, wait_);
            name = step.name();  // now: nothing may fail once it is committed
            commit(wait_);
        } catch (...) {
            roll_back();
            throw;
        }
        tell(step, std::move(name), execution_ms);
        foreign_keys.restore();
        return true;
    }

    // Where nothing undoes the statements: the history says first that the script failed, and takes that back at
    // the end.
    bool run_marked(const Step& step, HistoryView& view) {
        lock_.take(wait_);
        try {
            const std::optional<int64_t> rank = mark(step, view);
            if (!rank) {
                lock_.release();
                return false;
            }
            marked_ = true;
            run_rest(step, view, *rank, 0);
        } catch (...) {
            roll_back();
            journal_.let_go();
            throw;
        }
        // Where every script needs it, it is kept to the end of the run.
        if (dialect_.transactional_ddl) lock_.release();
        return true;
    }

    // The pieces of a marked script from `first` on, and what the history says afterwards.
    void run_rest(const Step& step, HistoryView& view, int64_t rank, std::size_t first) {
        const auto start = base::Clock::now();
        std::string name = step.name();
        if (keeps_journal() && step.body() != nullptr)
            journal_.renew_with(progress_.second,
                                dialect_.transactional_ddl ? Journal::Reserve::now : Journal::Reserve::late, wait_);
        run_pieces(step, Surroundings::none, first);
        const int64_t execution_ms = milliseconds_since(start);
        unmark(step, view, rank, execution_ms);
        tell(step, std::move(name), execution_ms);
    }

    // The rank of the row that says so (golang-migrate's history: 0). Nothing: somebody else wrote the history.
    std::optional<int64_t> mark(const Step& step, HistoryView& view) {
        if (dialect_.transactional_ddl) begin_locked();
        if (!view.exists || (keeps_journal() && !view.journal)) {
            if (history_.changed(view, wait_)) {
                roll_back();
                return std::nullopt;
            }
            history_.create(view, wait_);
            if (keeps_journal()) journal_.create(view, wait_);
        }
        if (!dialect_.transactional_ddl) begin(db::Isolation::standard, wait_);
        // The history counts as it is now: a holder who lost the lock in its sleep must not write over its successor.
        if (keeps_journal()) journal_.claim(wait_);
        if (history_.changed(view, wait_)) {
            roll_back();
            return std::nullopt;
        }
        int64_t rank = 0;
        if (view.format == Format::golang) {
            history_.set_version(view, step.version_after, true, wait_);
        } else if (step.direction == Direction::down) {
            // Flyway takes no notice of a failed row that deletes: the one that is being undone is the one that
            // is neither there nor gone.
            rank = step.row.rank;
            history_.turn(view, rank, false, std::nullopt, std::nullopt, wait_);
        } else {
            Applied row = step.row;
            rank = row.rank = std::max<int64_t>(view.rank_max, 0) + 1;
            row.success = false;
            history_.append(view, row, 0, wait_);
        }
        if (keeps_journal()) note_beginning(step, view, rank);
        commit(wait_);
        return rank;
    }

    void note_beginning(const Step& step, const HistoryView& view, int64_t rank) {
        journal_.take(view.format, step.name(), step.direction == Direction::down ? "down" : "up",
                      view.format == Format::golang ? step.version_after : rank, wait_);
        // What a callback does before the first statement is not to be taken for what that one does.
        if (step.body() == nullptr || step.body()->split.pieces.empty() || !source_.callbacks().empty()) return;
        journal_.foresee(whole_text(*step.body(), step.body()->split.pieces.front()), wait_);
    }

    // Everything ran: a deadline or a cancel that comes now must not leave it for a failure.
    void unmark(const Step& step, HistoryView& view, int64_t rank, int64_t execution_ms) {
        const Deadline grace = Deadline::in(unmark_grace);
        const Wait wait{wait_.deadline.time() < grace.time() ? grace : wait_.deadline, nullptr, nullptr};
        journal_.stop_renewing();  // which would be a change behind the transaction's back
        begin(db::Isolation::standard, wait);
        if (view.format == Format::golang) {
            history_.set_version(view, step.version_after, false, wait);
        } else if (step.direction == Direction::down) {
            history_.turn(view, rank, true, std::nullopt, std::nullopt, wait);
            record(step, view, execution_ms, wait);
        } else {
            history_.turn(view, rank, true, execution_ms, step.script->checksum, wait);
        }
        if (keeps_journal()) journal_.finish(wait);
        commit(wait);
    }

    void commit(const Wait& wait) {
        require_place(Effect::rolled_back);
        connection_.commit(wait);
        require_place(Effect::unknown);
    }

    // Nothing may fail here: the step is committed.
    void tell(const Step& step, std::string name, int64_t execution_ms) {
        ++progress_.done;
        progress_.last_script = std::move(name);
        if (progress_.on_step) progress_.on_step(step, execution_ms);
    }

    void require_place(Effect effect) {
        if (connection_.in_place()) return;
        throw Error(Code::unavailable, "the tenant was dropped or replaced by another process")
            .with_effect(effect);
    }

    void begin(db::Isolation isolation, const Wait& wait) {
        try {
            connection_.begin({.read_only = false, .immediate = true, .isolation = isolation}, wait);
        } catch (const Error& error) {
            if (error.code() != Code::busy) throw;
            throw error.with_code(Code::migration_locked);
        }
    }

    // Where the transaction holds the lock, every attempt is a new one: it must see what was committed before the
    // lock was to be had.
    void begin_locked() {
        const bool locks = lock_.of_transaction();
        const auto isolation = locks ? db::Isolation::read_committed : db::Isolation::standard;
        for (base::milliseconds pause = Lock::pause_min;; pause = Lock::longer(pause)) {
            begin(isolation, wait_);
            if (!locks || lock_.try_take(wait_)) break;
            connection_.rollback();
            lock_.rest(pause, wait_);
        }
        begun_ = true;
    }

    // A connection that cannot even roll back is lost: whoever gets it back sees that; the first
    // error says why.
    void roll_back() noexcept {
        try {
            connection_.rollback();
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    }

    void record(const Step& step, HistoryView& view, int64_t execution_ms, const Wait& wait) {
        if (view.format == Format::golang) {
            history_.set_version(view, step.version_after, false, wait);
            return;
        }
        Applied row = step.row;
        row.rank = std::max<int64_t>(view.rank_max, 0) + 1;
        history_.append(view, row, step.direction == Direction::up ? execution_ms : 0, wait);
    }

    // From `first` on; in a marked script each with its place in the journal.
    void run_pieces(const Step& step, Surroundings surroundings, std::size_t first = 0) {
        callbacks_.fire_inside(event(step, "beforeEachMigrate", "beforeEachUndo"), surroundings);
        const Body* body = step.body();
        const std::size_t count = body != nullptr ? body->split.pieces.size() : 0;
        for (std::size_t i = first; i < count; ++i) {
            callbacks_.fire_inside(event(step, "beforeEachMigrateStatement", "beforeEachUndoStatement"), surroundings);
            run_one(*body, i, surroundings);
            callbacks_.fire_inside(event(step, "afterEachMigrateStatement", "afterEachUndoStatement"), surroundings);
        }
        callbacks_.fire_inside(event(step, "afterEachMigrate", "afterEachUndo"), surroundings);
    }

    // `any`: it ran in an earlier session, which the journal knows.
    void run_one(const Body& body, std::size_t index, Surroundings surroundings) {
        const Piece& piece = body.split.pieces[index];
        try {
            wait_.check("a migration's next statement");
            if (marked_ && keeps_journal() && surroundings != Surroundings::any)
                journal_.run(whole_text(body, piece), static_cast<int64_t>(index) + 1,
                             [&] { run_piece(connection_, body, piece, Surroundings::any, wait_); }, wait_);
            else
                run_piece(connection_, body, piece, surroundings, wait_);
        } catch (const Error& error) {
            const auto place = place_of(error, piece);
            throw error.with_statement(piece.number).with_position(place.line, place.column);
        }
    }

    Error failed(const Error& cause, const Step& step) const {
        std::string message = "script '" + step.name() + "'";
        if (cause.statement() > 0)
            message += " failed at statement " + std::to_string(cause.statement());
        message += ": " + cause.message();
        if (progress_.done > 0) message += "; last committed: '" + progress_.last_script + "'";
        Error error = cause.with_message(std::move(message)).with_script(step.name());
        // A statement's own wait for others has been told by its lock: this one was for what says where it stands.
        const bool waited = cause.code() == Code::busy && has_locks();
        if (!keeps_code(cause.code()))
            error = error.with_code(waited ? Code::migration_locked : Code::migration_failed);
        if (cause.effect() == Effect::unknown) return error;
        return error.with_effect(progress_.done > 0 || marked_ ? Effect::committed
                                 : begun_           ? Effect::rolled_back
                                                    : Effect::none);
    }

    History history_;
    const db::Dialect& dialect_;
    const Source& source_;
    db::Connection& connection_;
    const Wait& wait_;
    Progress& progress_;
    const Callbacks callbacks_;
    bool repeatables_ = false;  // they have begun
    bool begun_ = false;   // the present script's transaction
    bool marked_ = false;  // the present script is in the history as failed
    int64_t tries_ = 0;    // of the present script, which locks of others kept from running
    Lock lock_;
    Journal journal_;
};

}  // namespace

Runner::Runner(std::shared_ptr<const Source> source, Options options, const db::Dialect& dialect)
    : source_(std::move(source)),
      options_(std::move(options)),
      dialect_(dialect),
      texts_(*source_, options_.history, dialect_) {}

std::string Runner::fingerprint() const {
    const Rules& rules = options_.rules;
    const std::string text = std::to_string(source_->fingerprint()) + "|" + options_.history.table + "|" +
                             std::to_string(static_cast<int>(options_.history.choice)) +
                             (rules.out_of_order ? "|out_of_order" : "|") + (rules.newer ? "|newer" : "|") +
                             (rules.record_only ? "|record_only" : "|") +
                             (rules.baseline_on_migrate ? "|baseline " + rules.baseline_version : "|");
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (uint64_t hash = base::stable_hash64(text), i = 0; i < 16; ++i, hash >>= 4) hex += digits[hash & 15];
    return hex;
}

std::shared_ptr<const Source> Runner::scripts_of(db::Connection& connection, const Wait& wait) const {
    if (!source_->differs_by_tenant()) return source_;
    return source_->of_tenant(tenant_values(connection, dialect_, wait));
}

Plan Runner::plan(db::Connection& connection, const Wait& wait, const Target& target) const {
    const auto scripts = scripts_of(connection, wait);
    const HistoryView view = History(texts_, connection).read(wait);
    Plan plan = plan_migrate(*scripts, view, target, options_.rules);
    plan.scripts = scripts;
    return plan;
}

Plan Runner::plan_undo(db::Connection& connection, const Wait& wait, const Target& target) const {
    const auto scripts = scripts_of(connection, wait);
    const HistoryView view = History(texts_, connection).read(wait);
    Plan plan = migrate::plan_undo(*scripts, view, target);
    plan.scripts = scripts;
    return plan;
}

StatusRow Runner::status(db::Connection& connection, const Wait& wait) const {
    const auto scripts = scripts_of(connection, wait);
    const HistoryView view = History(texts_, connection).read(wait);
    return {status_of(*scripts, view, options_.rules), texts_.table(view.format)};
}

std::vector<Problem> Runner::validate(db::Connection& connection, const Wait& wait) const {
    const auto scripts = scripts_of(connection, wait);
    const HistoryView view = History(texts_, connection).read(wait);
    return check(*scripts, view, options_.rules, Pending::reported);
}

namespace {

// A verb with the callbacks that stand around it: "before" and "after" with its name, and "Error" behind that.
template <class Work>
void with_events(const Callbacks& callbacks, const std::string& verb, Work&& work) {
    callbacks.fire("afterConnect");
    callbacks.fire("before" + verb);
    try {
        work();
    } catch (...) {
        callbacks.fire_after_error("after" + verb + "Error");
        throw;
    }
    callbacks.fire("after" + verb);
}

RepairRow row_of(const Repair& repair) {
    RepairRow row;
    row.action = action_name(repair.action);
    row.detail = repair.detail;
    if (repair.action == Repair::Action::set || repair.action == Repair::Action::explain) {
        if (repair.version_after >= 0) row.version = std::to_string(repair.version_after);
        if (repair.script != nullptr) {
            row.description = repair.script->description;
            row.script = repair.script->name();
        }
        return row;
    }
    row.version = repair.row.version.text();
    row.description = repair.row.description;
    row.script = repair.row.script;
    return row;
}

void write_repair(History& history, HistoryView& view, const Repair& repair, const Wait& wait) {
    switch (repair.action) {
        case Repair::Action::remove:
            history.remove(repair.row.rank, wait);
            break;
        case Repair::Action::mark: {
            Applied row = repair.row;
            row.rank = std::max<int64_t>(view.rank_max, 0) + 1;
            history.append(view, row, 0, wait);
            break;
        }
        case Repair::Action::align:
            history.align(repair.row.rank, repair.row.description, repair.row.type, repair.row.checksum, wait);
            break;
        case Repair::Action::set:
            history.set_version(view, repair.version_after, false, wait);
            break;
        case Repair::Action::explain:
            break;
    }
}

InfoRow info_of(const Entry& entry) {
    InfoRow row;
    row.state = state_name(entry.state);
    if (entry.script != nullptr) {
        const Script& script = *entry.script;
        row.category = script.kind == Kind::versioned  ? "Versioned"
                       : script.kind == Kind::baseline ? "Baseline"
                                                       : "Repeatable";
        row.version = script.version.text();
        row.description = script.description;
        row.type = script.type();
        row.script = script.name();
        row.checksum = script.checksum;
        row.undoable = script.down.has_value();
    }
    if (entry.row == nullptr) return row;
    const Applied& applied = *entry.row;
    if (entry.script == nullptr && applied.type != "SCHEMA" && applied.type != "BASELINE")
        row.category = applied.version.empty() ? "Repeatable" : "Versioned";
    row.version = applied.version.text();
    row.description = applied.description;
    row.type = applied.type;
    row.script = applied.script;
    row.checksum = applied.checksum;
    row.rank = applied.rank;
    row.installed_on = applied.installed_on;
    row.installed_by = applied.installed_by;
    row.execution_ms = applied.execution_ms;
    return row;
}

}  // namespace

std::vector<Problem> Runner::validate(db::Connection& connection, const Wait& wait, Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    const Callbacks callbacks(scripts->callbacks(), connection, dialect_, progress.enter_write, wait);
    callbacks.fire("afterConnect");
    callbacks.fire("beforeValidate");
    const HistoryView view = History(texts_, connection).read(wait);
    auto problems = check(*scripts, view, options_.rules, Pending::reported);
    if (problems.empty())
        callbacks.fire("afterValidate");
    else
        callbacks.fire_after_error("afterValidateError");
    return problems;
}

std::vector<InfoRow> Runner::info(db::Connection& connection, const Wait& wait, const Target& target,
                                  Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    const Callbacks callbacks(scripts->callbacks(), connection, dialect_, progress.enter_write, wait);
    std::vector<InfoRow> rows;
    with_events(callbacks, "Info", [&] {
        const HistoryView view = History(texts_, connection).read(wait);
        for (const Entry& entry : describe(*scripts, view, target, options_.rules)) rows.push_back(info_of(entry));
    });
    return rows;
}

std::vector<RepairRow> Runner::repair(db::Connection& connection, const Wait& wait, Apply apply,
                                      Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    Run run(texts_, dialect_, *scripts, options_.locks, connection, wait, progress);
    const auto plan = [&](const HistoryView& view) {
        if (view.format == Format::flyway) return plan_repair(*scripts, view, options_.rules);
        if (!view.dirty) return std::vector<Repair>();
        return plan_repair_of_dirty(*scripts, view, {run.history().tables(wait), run.history().younger_tables(wait)},
                                    dialect_);
    };
    std::vector<Repair> repairs;
    if (apply == Apply::no)
        repairs = plan(run.history().read(wait));
    else
        with_events(run.callbacks(), "Repair", [&] {
            run.change(
                [&](const HistoryView& view) {
                    if (view.exists) repairs = plan(view);
                    return std::ranges::any_of(
                        repairs, [](const Repair& r) { return r.action != Repair::Action::explain; });
                },
                [&](HistoryView& view) {
                    for (const Repair& repair : repairs) write_repair(run.history(), view, repair, wait);
                });
        });
    std::vector<RepairRow> rows;
    for (const Repair& repair : repairs) rows.push_back(row_of(repair));
    return rows;
}

namespace {

// False: the history says it already.
bool wants_baseline(const HistoryView& view, const Version& version, const std::string& description) {
    if (view.format == Format::golang) {
        if (!version.number())
            throw Error(Code::invalid_argument, "'" + version.text() + "' is not one number, as this history needs");
        if (view.exists && view.version >= 0 && (view.version != *version.number() || view.dirty))
            throw Error(Code::invalid_state, "the tenant is at version " + std::to_string(view.version) +
                                                 " already: force changes it");
        return view.version < 0;
    }
    if (!view.exists) return true;
    for (const Applied& row : view.rows) {
        if (row.type == "SCHEMA") {
            if (version == Version::of(0))
                throw Error(Code::invalid_state, "version 0 cannot be the baseline of a schema that Flyway made");
            continue;
        }
        if (row.type == "BASELINE" && row.version == version && row.description == description) return false;
        throw Error(Code::invalid_state, row.type == "BASELINE"
                                             ? "the tenant has baseline " + row.version.text() + " already"
                                             : "scripts were applied already: a baseline comes first");
    }
    if (view.rows.empty())
        throw Error(Code::invalid_state, "there is an empty history table already: migrate, or drop it");
    return true;
}

}  // namespace

void Runner::baseline(db::Connection& connection, const Wait& wait, const Version& version,
                      const std::string& description, Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    Run run(texts_, dialect_, *scripts, options_.locks, connection, wait, progress);
    with_events(run.callbacks(), "Baseline", [&] {
        run.change([&](const HistoryView& view) { return wants_baseline(view, version, description); },
                   [&](HistoryView& view) {
                       if (view.format == Format::golang) {
                           run.history().set_version(view, *version.number(), false, wait);
                           return;
                       }
                       Applied row = baseline_row(version, description);
                       row.rank = std::max<int64_t>(view.rank_max, 0) + 1;
                       run.history().append(view, row, 0, wait);
                   });
    });
}

void Runner::force(db::Connection& connection, const Wait& wait, std::optional<int64_t> version,
                   Progress& progress) const {
    Run run(texts_, dialect_, *source_, options_.locks, connection, wait, progress);
    run.change(
        [&](const HistoryView& view) {
            if (view.format == Format::flyway)
                throw Error(Code::unsupported,
                            "force is for golang-migrate's history: repair puts Flyway's right, baseline begins one");
            return view.exists || version.has_value();
        },
        [&](HistoryView& view) { run.history().set_version(view, version.value_or(-1), false, wait); });
}

int64_t Runner::drop(db::Connection& connection, const Wait& wait, std::size_t batch, Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    Run run(texts_, dialect_, *scripts, options_.locks, connection, wait, progress);
    int64_t dropped = 0;
    with_events(run.callbacks(), "Clean", [&] { run.alone([&] {
        dropped = empty_namespace(connection, dialect_, batch, wait); }); });
    return dropped;
}

void Runner::note_before(Progress& progress, const HistoryView& view) const {
    if (progress.want_status && progress.done == 0) progress.before = status(view).current.value_or("");
}

// Until something is done: what comes after that leads to the same.
void Runner::note_goal(Progress& progress, const Target& target, const Plan& plan, const Source& source,
                       const HistoryView& view) {
    if (progress.want_status && target.kind == Target::Kind::steps && progress.done == 0)
        progress.goal = goal_of(plan, source, view);
}

void Runner::migrate(db::Connection& connection, const Wait& wait, const Target& target,
                     Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    Run run(texts_, dialect_, *scripts, options_.locks, connection, wait, progress);
    const auto make_plan = [&](const HistoryView& view) {
        note_before(progress, view);
        Plan plan = plan_migrate(*scripts, view, target.after(progress.done), options_.rules);
        note_goal(progress, target, plan, *scripts, view);
        plan.group = options_.rules.group && dialect_.transactional_ddl;
        if (plan.group) plan.require_one_transaction();
        return plan;
    };
    const Callbacks& callbacks = run.callbacks();
    if (!scripts->callbacks().empty()) {
        callbacks.fire("afterConnect");
        callbacks.fire("beforeValidate");
        try {
            make_plan(run.history().read(wait)).require_sound();
        } catch (const Error& error) {
            // Or somebody is at it right now, which obey() finds out.
            if (error.code() != Code::migration_dirty) {
                callbacks.fire_after_error("afterValidateError");
                throw;
            }
        }
        for (const auto event : {"afterValidate", "createSchema", "beforeCreateSchema", "beforeMigrate"})
            callbacks.fire(event);
    }
    HistoryView after;
    try {
        after = run.obey(make_plan, options_.rules.record_only ? std::nullopt : std::optional(Direction::up));
        run.tell_end();
    } catch (...) {
        callbacks.fire_after_error("afterMigrateError");
        throw;
    }
    if (progress.want_status) progress.status = status_of(*scripts, after, options_.rules);
}

void Runner::undo(db::Connection& connection, const Wait& wait, const Target& target,
                  Progress& progress) const {
    const auto scripts = scripts_of(connection, wait);
    Run run(texts_, dialect_, *scripts, options_.locks, connection, wait, progress);
    HistoryView after;
    with_events(run.callbacks(), "Undo", [&] {
        const auto make_plan = [&](const HistoryView& view) {
            note_before(progress, view);
            Plan plan = migrate::plan_undo(*scripts, view, target.after(progress.done));
            note_goal(progress, target, plan, *scripts, view);
            return plan;
        };
        after = run.obey(make_plan, Direction::down);
    });
    if (progress.want_status) progress.status = status_of(*scripts, after, options_.rules);
}

std::vector<PlanRow> rows_of(const Plan& plan) {
    std::vector<PlanRow> rows;
    for (const Problem& problem : plan.problems) {
        PlanRow row;
        row.version = problem.version;
        row.description = problem.description;
        row.script = problem.script;
        row.state = "problem";
        row.problem = problem.code + " " + problem.message;
        if (!problem.repair.empty()) row.problem += "; repair would " + problem.repair;
        rows.push_back(std::move(row));
    }
    for (const Step& step : plan.steps) {
        PlanRow row;
        row.version = step.script->version.text();
        row.description = step.script->description;
        row.script = step.name();
        row.kind = step.direction == Direction::down       ? "undo"
                   : step.script->kind == Kind::repeatable ? "repeatable"
                   : step.script->kind == Kind::baseline   ? "baseline"
                                                           : "versioned";
        row.checksum = step.script->checksum;
        row.state = state_name(step.direction == Direction::up ? State::pending : State::success);
        if (const Body* body = step.body()) {
            row.transactional = !body->split.outside;
            row.statements = body->split.statements;
            row.destructive = body->split.destructive;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace mtdb::migrate
