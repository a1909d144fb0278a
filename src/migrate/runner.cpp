// SPDX-License-Identifier: MIT
#include "migrate/runner.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"

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

// These say what stopped the work and keep their code; all others become MIGRATION_FAILED.
bool keeps_code(Code code) {
    switch (code) {
        case Code::cancelled:
        case Code::timeout:
        case Code::disk_full:
        case Code::io:
        case Code::read_only:
        case Code::corrupt:
        case Code::unavailable:
        case Code::nomem:
        case Code::forked:
        case Code::closed:
        case Code::internal:
        case Code::migration_locked:
            return true;
        default:
            return false;
    }
}

// The position of an error inside a statement, as a position in its script.
base::Position place_of(const Error& error, const Piece& piece) {
    if (error.line() < 1) return piece.position;
    const int64_t column = std::max<int64_t>(error.column(), 1);
    if (error.line() == 1) return {piece.position.line, piece.position.column + column - 1};
    return {piece.position.line + error.line() - 1, column};
}

// The lock of a tenant's migrations where a query takes it. Polled, never waited for inside the server: who waits
// there can block what the holder runs.
class Lock {
public:
    Lock(db::Connection& connection, const db::HistoryDialect& dialect)
        : connection_(connection), dialect_(dialect) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    // Only where the caller is failing already; a session that keeps the lock is not used again.
    ~Lock() {
        try {
            release();
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    }

    bool of_session() const noexcept { return !dialect_.unlock_query.empty(); }
    bool of_transaction() const noexcept { return !dialect_.lock_query.empty() && !of_session(); }

    bool try_take(const Wait& wait) {
        const auto query = connection_.prepare(dialect_.lock_query, nullptr, wait);
        const bool taken = query->next(wait) && truth_of(query->value(0));
        query->reset();
        return taken;
    }

    // Where the session holds it: returns once it does. Else nothing.
    void take(const Wait& wait) {
        if (!of_session() || held_) return;
        for (base::milliseconds pause = pause_min; !try_take(wait); pause = longer(pause)) rest(pause, wait);
        held_ = true;
    }

    void release() {
        if (!std::exchange(held_, false)) return;
        execute(connection_, std::string(dialect_.unlock_query), {Deadline::in(grace), nullptr, nullptr});
    }

    static base::milliseconds longer(base::milliseconds pause) { return std::min(pause * 2, pause_max); }
    // Half of it at least. Throws Error(migration_locked) at the deadline.
    static void rest(base::milliseconds pause, const Wait& wait) {
        std::minstd_rand jitter(static_cast<uint32_t>(base::Clock::now().time_since_epoch().count()));
        const int64_t half = pause.count() / 2;
        wait.pause(base::milliseconds(half + static_cast<int64_t>(jitter()) % (half + 1)));
        if (wait.deadline.passed() && !wait.cancelled() && !wait.shut_down())
            throw Error(Code::migration_locked, "another process is migrating the tenant");
        wait.check("the lock of the tenant's migrations");
    }

    static constexpr base::milliseconds pause_min{10};

private:
    static constexpr base::milliseconds pause_max{500}, grace{5000};

    db::Connection& connection_;
    const db::HistoryDialect& dialect_;
    bool held_ = false;
};

// One verb on one connection.
class Run {
public:
    static constexpr base::milliseconds unmark_grace{5000};
    using MakePlan = std::function<Plan(const HistoryView&)>;

    Run(const HistoryTexts& texts, const db::Dialect& dialect, db::Connection& connection, const Wait& wait,
        Progress& progress)
        : history_(texts, connection),
          dialect_(dialect),
          connection_(connection),
          wait_(wait),
          progress_(progress),
          lock_(connection, dialect.history) {}

    // Returns the history as it is afterwards.
    HistoryView obey(const MakePlan& make_plan) {
        while (true) {
            HistoryView view = history_.read(wait_);
            Plan plan = make_plan(view);
            if (lock_.of_session() && seems_stopped(plan)) {
                // Or somebody is at it right now: what the history says counts once nobody is.
                lock_.take(wait_);
                view = history_.read(wait_);
                plan = make_plan(view);
                lock_.release();
            }
            plan.require_sound();
            if (run_all(plan, view)) return view;
        }
    }

private:
    static bool seems_stopped(const Plan& plan) {
        return std::ranges::any_of(plan.problems,
                                   [](const Problem& problem) { return problem.status == Code::migration_dirty; });
    }

    // False: somebody else wrote the history, and a new plan is due.
    bool run_all(const Plan& plan, HistoryView& view) {
        for (const Step& step : plan.steps) {
            begun_ = marked_ = false;
            try {
                wait_.check("a migration's next script");
                if (!run_step(step, view)) return false;
            } catch (const Error& error) {
                throw failed(error, step);
            }
        }
        return true;
    }

    bool run_step(const Step& step, HistoryView& view) {
        std::shared_ptr<void> turn;
        if (progress_.enter_write) turn = progress_.enter_write(wait_);
        const Body* body = step.body();
        const bool outside = body != nullptr && body->split.outside;
        if (!dialect_.transactional_ddl || (outside && lock_.of_transaction())) return run_marked(step, view);
        ForeignKeys foreign_keys(connection_, body, wait_);
        const auto start = base::Clock::now();
        int64_t execution_ms = 0;
        std::string name;
        const auto run_body = [&] {
            if (body != nullptr) run_pieces(*body);
            execution_ms =
                std::chrono::duration_cast<base::milliseconds>(base::Clock::now() - start).count();
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
        const auto start = base::Clock::now();
        std::string name = step.name();
        int64_t execution_ms = 0;
        try {
            const std::optional<int64_t> rank = mark(step, view);
            if (!rank) {
                lock_.release();
                return false;
            }
            marked_ = true;
            if (step.body() != nullptr) run_pieces(*step.body());
            execution_ms = std::chrono::duration_cast<base::milliseconds>(base::Clock::now() - start).count();
            unmark(step, view, *rank, execution_ms);
        } catch (...) {
            roll_back();
            throw;
        }
        tell(step, std::move(name), execution_ms);
        lock_.release();
        return true;
    }

    // The rank of the row that says so (golang-migrate's history: 0). Nothing: somebody else wrote the history.
    std::optional<int64_t> mark(const Step& step, HistoryView& view) {
        if (dialect_.transactional_ddl) begin_locked();
        if (history_.changed(view, wait_)) {
            roll_back();
            return std::nullopt;
        }
        history_.create(view, wait_);
        if (!dialect_.transactional_ddl) begin(db::Isolation::standard, wait_);
        int64_t rank = 0;
        if (view.format == Format::golang) {
            history_.set_version(view, step.version_after, true, wait_);
        } else if (step.direction == Direction::down) {
            // Flyway takes no notice of a failed row that deletes: the one that is being undone is the one that
            // is neither there nor gone.
            rank = step.row.rank;
            history_.turn(view, rank, false, std::nullopt, wait_);
        } else {
            Applied row = step.row;
            rank = row.rank = std::max<int64_t>(view.rank_max, 0) + 1;
            row.success = false;
            history_.append(view, row, 0, wait_);
        }
        commit(wait_);
        return rank;
    }

    // Everything ran: a deadline or a cancel that comes now must not leave it for a failure.
    void unmark(const Step& step, HistoryView& view, int64_t rank, int64_t execution_ms) {
        const Deadline grace = Deadline::in(unmark_grace);
        const Wait wait{wait_.deadline.time() < grace.time() ? grace : wait_.deadline, nullptr, nullptr};
        begin(db::Isolation::standard, wait);
        if (view.format == Format::golang) {
            history_.set_version(view, step.version_after, false, wait);
        } else if (step.direction == Direction::down) {
            history_.turn(view, rank, true, std::nullopt, wait);
            record(step, view, execution_ms, wait);
        } else {
            history_.turn(view, rank, true, execution_ms, wait);
        }
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
            Lock::rest(pause, wait_);
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

    void run_pieces(const Body& body) {
        for (const Piece& piece : body.split.pieces) {
            try {
                wait_.check("a migration's next statement");
                run_piece(std::string_view(body.text).substr(piece.offset, piece.size),
                          marked_ || body.split.outside);
            } catch (const Error& error) {
                const auto place = place_of(error, piece);
                throw error.with_statement(piece.number).with_position(place.line, place.column);
            }
        }
    }

    // The engine may see more statements in a piece than the splitter did: all of them run.
    void run_piece(std::string_view sql, bool outside) {
        while (!sql.empty()) {
            std::string_view tail;
            const auto statement = connection_.prepare(sql, &tail, wait_);
            if (statement == nullptr) return;
            if (statement->control() != db::Control::none)
                throw Error(Code::migration_failed, "the script would end its own transaction");
            statement->run(wait_);
            if (!outside && !connection_.in_transaction())
                throw Error(Code::tx_lost, "the statement ended the script's transaction");
            if (outside && connection_.in_transaction())
                throw Error(Code::tx_lost, "the statement left a transaction open");
            sql = tail;
        }
    }

    Error failed(const Error& cause, const Step& step) const {
        std::string message = "script '" + step.name() + "'";
        if (cause.statement() > 0)
            message += " failed at statement " + std::to_string(cause.statement());
        message += ": " + cause.message();
        if (progress_.done > 0) message += "; last committed: '" + progress_.last_script + "'";
        Error error = cause.with_message(std::move(message)).with_script(step.name());
        if (!keeps_code(cause.code())) error = error.with_code(Code::migration_failed);
        if (cause.effect() == Effect::unknown) return error;
        return error.with_effect(progress_.done > 0 || marked_ ? Effect::committed
                                 : begun_           ? Effect::rolled_back
                                                    : Effect::none);
    }

    History history_;
    const db::Dialect& dialect_;
    db::Connection& connection_;
    const Wait& wait_;
    Progress& progress_;
    bool begun_ = false;   // the present script's transaction
    bool marked_ = false;  // the present script is in the history as failed
    Lock lock_;
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
                             (rules.out_of_order ? "|out_of_order" : "|") + (rules.newer ? "|newer" : "|");
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (uint64_t hash = base::stable_hash64(text), i = 0; i < 16; ++i, hash >>= 4) hex += digits[hash & 15];
    return hex;
}

Plan Runner::plan(db::Connection& connection, const Wait& wait, const Target& target) const {
    const HistoryView view = History(texts_, connection).read(wait);
    return plan_migrate(*source_, view, target, options_.rules);
}

Plan Runner::plan_undo(db::Connection& connection, const Wait& wait, const Target& target) const {
    const HistoryView view = History(texts_, connection).read(wait);
    return migrate::plan_undo(*source_, view, target);
}

StatusRow Runner::status(db::Connection& connection, const Wait& wait) const {
    const HistoryView view = History(texts_, connection).read(wait);
    return {status_of(*source_, view, options_.rules), texts_.table(view.format)};
}

std::vector<Problem> Runner::validate(db::Connection& connection, const Wait& wait) const {
    const HistoryView view = History(texts_, connection).read(wait);
    return check(*source_, view, options_.rules, Pending::reported);
}

void Runner::note_before(Progress& progress, const HistoryView& view) const {
    if (progress.want_status && !progress.before) progress.before = status(view).current.value_or("");
}

void Runner::migrate(db::Connection& connection, const Wait& wait, const Target& target,
                     Progress& progress) const {
    const HistoryView after =
        Run(texts_, dialect_, connection, wait, progress).obey([&](const HistoryView& view) {
            note_before(progress, view);
            return plan_migrate(*source_, view, target, options_.rules);
        });
    if (progress.want_status) progress.status = status_of(*source_, after, options_.rules);
}

void Runner::undo(db::Connection& connection, const Wait& wait, const Target& target,
                  Progress& progress) const {
    const HistoryView after =
        Run(texts_, dialect_, connection, wait, progress).obey([&](const HistoryView& view) {
            note_before(progress, view);
            return migrate::plan_undo(*source_, view, target);
        });
    if (progress.want_status) progress.status = status_of(*source_, after, options_.rules);
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
        rows.push_back(std::move(row));
    }
    for (const Step& step : plan.steps) {
        PlanRow row;
        row.version = step.script->version.text();
        row.description = step.script->description;
        row.script = step.name();
        row.kind = step.direction == Direction::down       ? "undo"
                   : step.script->kind == Kind::repeatable ? "repeatable"
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
