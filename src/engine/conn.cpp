// SPDX-License-Identifier: MIT
#include "engine/conn.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "db/facts.hpp"
#include "db/lexer.hpp"
#include "db/placeholders.hpp"
#include "engine/db.hpp"
#include "engine/script_place.hpp"
#include "engine/table_rows.hpp"

namespace mtdb::engine {
namespace {

Error closed_lease() { return Error(Code::closed, "the lease was given back"); }

void check_savepoint(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), allowed))
        throw Error(Code::invalid_argument,
                    "a savepoint's name takes 1 to 63 letters, digits and _");
}

// The innermost savepoint of a name; engines fold its case.
auto innermost(std::vector<std::string>& savepoints, std::string_view name) {
    return std::find_if(savepoints.rbegin(), savepoints.rend(),
                        [&](const std::string& each) { return base::equal_fold(each, name); });
}

// Once for the whole of it, before anything runs.
void check_script(std::string_view text) {
    const std::size_t nul = text.find('\0');
    if (nul == std::string_view::npos) return;
    const base::Position at = base::position_of(text, nul);
    throw Error(Code::sql_error, "the script has a NUL byte").with_position(at.line, at.column);
}

}  // namespace

// ---- entering -----------------------------------------------------------------------------------

Conn::Conn(Ref<Db> db, std::string_view tenant, LeaseOptions&& options)
    : db_(std::move(db)),
      tenant_(tenant),
      options_(std::move(options)),
      shared_(db_->dialect().shares_connections) {}

void Conn::start(pool::Lease lease) noexcept {
    lease_ = std::move(lease);
    guard.store(Holder::guard_free, std::memory_order_release);
}

bool Conn::enter_for_use() {
    while (!enter(Holder::guard_inside)) {
        const int32_t state = guard.load();
        if (state == Holder::guard_inside)
            throw Error(Code::misuse,
                        "another thread is using this lease, a statement or a result of it");
        if (state >= Holder::guard_claimed) return false;
        std::this_thread::yield();  // another thread ends what it released: that is no use of the
                                    // lease
    }
    return true;
}

// What another thread released meanwhile is ended by whoever gets in first.
void Conn::tidy() noexcept {
    while (deferred_.load() != nullptr && enter(Holder::guard_tidying)) {
        end_deferred();
        guard.store(Holder::guard_free);
    }
}

void Conn::enter_late() {
    if (!enter_for_use()) tell_gone();
}

void Conn::tell_gone() const {
    if (revoked_.load(std::memory_order_acquire))
        throw Error(Code::tenant_held, "the lease was ended by a hold of its tenant: close it and acquire a new one")
            .with_tenant(tenant_);
    throw Error(Code::closed, "the db was closed");
}

Wait Conn::wait(int64_t timeout_ms, const Ref<Cancel>& cancel, Patience patience) const {
    Wait wait = db_->wait(timeout_ms, cancel, patience);
    wait.revoked = &revoked_;
    return wait;
}

void Conn::turn_away() {
    const bool bound_to_nobody = unbound_;
    leave();
    if (!bound_to_nobody) throw closed_lease();
    throw Error(Code::unavailable, "the lease lost its connection and got no other: close it and acquire a new one");
}

void Dependent::last_release() noexcept {
    if (conn_ != nullptr)
        conn_->retire(this);
    else
        delete this;
}

// What it kept may be the last reference of the conn: the caller lets go of that when it has left.
Ref<Counted> Conn::dispose(Dependent* dependent) noexcept {
    Ref<Counted> keeper = std::move(dependent->keeper_);
    std::atomic<bool>* const room = dependent->room_;
    if (room == nullptr) {
        delete dependent;
    } else {
        dependent->~Dependent();
        room->store(false, std::memory_order_release);
    }
    return keeper;
}

void Conn::retire(Dependent* dependent) noexcept {
    if (enter(Holder::guard_tidying)) {
        dependent->end();
        const Ref<Counted> keeper = dispose(dependent);
        leave();
        return;
    }
    const Ref<Conn> self = Ref<Conn>::share(this);  // once it is listed, it may go at any time
    Dependent* head = deferred_.load();
    do {
        dependent->deferred_ = head;
    } while (!deferred_.compare_exchange_weak(head, dependent));
    while (deferred_.load() != nullptr) {
        if (enter(Holder::guard_tidying)) {
            end_deferred();
            guard.store(Holder::guard_free);
            continue;
        }
        const int32_t state = guard.load();
        if (state == Holder::guard_inside || state == Holder::guard_tidying)
            return;  // it will be seen by whoever leaves
        if (state == Holder::guard_claimed) {
            std::this_thread::yield();
            continue;
        }
        if (state == Holder::guard_dead) return end_deferred();
    }
}

// Inside, or dead: then nothing of the connection is touched.
void Conn::end_deferred() noexcept {
    Dependent* each = deferred_.exchange(nullptr);
    while (each != nullptr) {
        Dependent* const next = each->deferred_;
        each->end();
        dispose(each);
        each = next;
    }
}

// ---- the end of a lease -------------------------------------------------------------------------

void Conn::end_use(Use& use) noexcept {
    if (use.compiled == nullptr) return;
    show(use, false);
    forget_open_rows(use.compiled);
    (use.previous != nullptr ? use.previous->next : uses_) = use.next;
    if (use.next != nullptr) use.next->previous = use.previous;
    lease_.slot().statements.give_back(use.compiled);
    use = {};
}

void Conn::show(Use& use, bool row) noexcept {
    if (use.compiled == nullptr || use.shown == row) return;
    use.shown = row;
    shown_ += row ? 1 : -1;
}

void Conn::end_lease() noexcept {
    while (uses_ != nullptr) end_use(*uses_);
    open_rows_ = nullptr;
    savepoints_.clear();
    driver_locks_.clear();
    ++term_;
    tx_ = TxState::none;
    if (lease_.give_back())
        db_->note(telemetry::Level::warn, "lease.rolled_back", tenant_,
                  {"a lease was given back with an open transaction: rolled back"});
}

// Called by shutdown, which has claimed the guard: nobody is inside.
void Conn::surrender() noexcept {
    while (uses_ != nullptr) end_use(*uses_);
}

void Conn::close() {
    if (!enter_for_use()) return;
    unbound_ = false;
    if (lease_) end_lease();
    leave();
}

bool Conn::replaceable(const Error& error) const noexcept {
    return error.code() == Code::unavailable && error.effect() == Effect::none && !answered_ && tx_ == TxState::none &&
           uses_ == nullptr && lease_ && !connection().in_place() && !connection().has_sent();
}

void Conn::replace(const Wait& wait) {
    unbound_ = true;
    lease_.give_back();
    revoked_.store(false, std::memory_order_release);  // that was about the other connection
    lease_ = db_->lease_anew(tenant_, wait, holder());
    unbound_ = false;
}

// Inside, without a lease.
void Conn::bind_to(std::string_view tenant, const Wait& wait) {
    if (home_ == nullptr) home_ = std::make_unique<const std::string>(tenant_);
    std::string next(tenant);
    unbound_ = true;
    revoked_.store(false, std::memory_order_release);  // that was about the lease that was given back
    pool::Lease lease = db_->lease_for(tenant, wait, holder());
    lease_ = std::move(lease);
    tenant_ = std::move(next);
    answered_ = unbound_ = false;
}

void Conn::use(std::string_view tenant, const Wait& wait) {
    if (!enter_for_use()) tell_gone();
    struct Leave {
        Conn& conn;
        ~Leave() { conn.leave(); }
    } leave_at_end{*this};
    if (options_.one_shot || (!lease_ && !unbound_)) throw closed_lease();
    db_->check_tenant(tenant);
    if (lease_ && (tx_ != TxState::none || connection().in_transaction()))
        throw Error(Code::invalid_state,
                    "a transaction is open: end it before the lease changes its tenant")
            .with_tenant(tenant_);
    if (lease_) end_lease();
    bind_to(tenant, wait);
}

void Conn::reset(const Wait& wait) { use(home_ != nullptr ? *home_ : tenant_, wait); }

std::string Conn::current(const Wait& wait) {
    return entered([&] {
        check_usable();
        if (!shared_ || !db_->tenants_are_namespaces()) return tenant_;
        keep_open_rows(wait);
        // A lease that has sent nothing still stands where the one before it stood.
        if (!answered_) {
            const auto first = connection().prepare(db_->dialect().ping, nullptr, wait);
            tracked(db::Control::none, [&] { first->run(wait); });
        }
        const std::string place = tracked(db::Control::none, [&] { return connection().standing(wait); });
        const std::optional<std::string> tenant = db_->tenant_at(place);
        if (!tenant) throw Error(Code::tenant_unknown, "the session stands in no tenant's place");
        return *tenant;
    });
}

// Nobody refers to it any more. An unclosed lease is left to maintenance: this may be a finalizer's
// thread.
void Conn::last_release() noexcept {
    while (!enter(Holder::guard_inside)) {
        if (guard.load() == Holder::guard_dead) break;
        std::this_thread::yield();
    }
    if (lease_) {
        const bool quiet = options_.one_shot && guard.load() == Holder::guard_inside &&
                           !connection().in_transaction();
        if (quiet)
            lease_.give_back();
        else
            lease_.abandon(options_.one_shot ? std::string() : origin_or_unknown());
    }
    delete this;
}

// Without memory for the whole of it the event tells less.
std::string Conn::origin_or_unknown() const noexcept {
    try {
        return origin();
    } catch (const std::bad_alloc&) {
        return "unknown code";
    }
}

std::string Conn::origin() const {
    if (!options_.tag.empty()) return options_.tag;
    Dl_info info{};
    if (options_.origin == nullptr || dladdr(options_.origin, &info) == 0 ||
        info.dli_fname == nullptr)
        return "unknown code";
    const std::string_view file = info.dli_fname;
    const auto* base =
        static_cast<const char*>(info.dli_sname != nullptr ? info.dli_saddr : info.dli_fbase);
    const auto offset = static_cast<const char*>(options_.origin) - base;
    return std::string(file.substr(file.rfind('/') + 1)) + "(" +
           (info.dli_sname != nullptr ? info.dli_sname : "") + "+" + std::to_string(offset) + ")";
}

// ---- statements ---------------------------------------------------------------------------------

void Conn::check_usable() const {
    if (tx_ == TxState::lost)
        throw Error(Code::tx_lost,
                    "the transaction was ended by an earlier failure: roll back, then begin again")
            .with_tenant(tenant_);
    if (db_->shutting_down()) throw Error(Code::closed, "the db is closed");
}

void Conn::check_single(const pool::Compiled& compiled, std::string_view tail) const {
    if (compiled.statement == nullptr)
        throw Error(Code::invalid_argument, "the text has no statement");
    if (!tail.empty() && db::first_word(tail, db_->dialect().lexis) != tail.size())
        throw Error(Code::invalid_argument,
                    "the text has more than one statement: use mtdb_conn_exec_script()")
            .with_statement(2);
}

void Conn::compile(Use& use, std::string_view sql, const Wait& wait) {
    pool::StatementCache& cache = lease_.statements();
    const uint64_t hash = base::hash64(sql);
    pool::Compiled* compiled = cache.take(sql, hash, lease_.scope());
    if (compiled == nullptr) {
        if (sql.find('\0') != std::string_view::npos)
            throw Error(Code::invalid_argument, "the statement has a NUL byte");
        auto fresh = std::make_unique<pool::Compiled>();
        fresh->sql = sql;
        fresh->hash = hash;
        std::string_view tail;
        if (db_->portable()) {
            db::Portable portable = db::rewrite_placeholders(sql, db_->dialect().lexis);
            fresh->portable = true;
            fresh->names = std::move(portable.names);
            try {
                fresh->statement = connection().prepare(portable.text, &tail, wait);
            } catch (const Error& error) {
                throw in_caller_text(error, portable, sql);
            }
            check_single(*fresh, tail);
            if (db_->dialect().lexis.style == db::PlaceholderStyle::question)
                fresh->statement->set_order(portable.order, portable.parameters);
        } else {
            fresh->statement = connection().prepare(sql, &tail, wait);
            check_single(*fresh, tail);
        }
        compiled = cache.add(std::move(fresh), lease_.scope());
    }
    use.compiled = compiled;
    use.next = uses_;
    if (uses_ != nullptr) uses_->previous = &use;
    uses_ = &use;
}

// An error of the rewritten text, placed in what the caller wrote.
Error Conn::in_caller_text(const Error& error, const db::Portable& portable, std::string_view sql) {
    if (error.line() == 0) return error;
    const std::size_t offset = base::offset_of(portable.text, {error.line(), error.column()});
    const base::Position at = base::position_of(sql, portable.original_offset(offset));
    return error.with_position(at.line, at.column);
}

Error Conn::in_caller_text(const Error& error, const pool::Compiled& compiled) const {
    if (!compiled.portable || error.line() == 0) return error;
    return in_caller_text(error, db::rewrite_placeholders(compiled.sql, db_->dialect().lexis), compiled.sql);
}

// Its rows may leave the conn at any time: then its own guard counts.
void Conn::open_rows(Result& result) noexcept {
    open_rows_ = &result;
    result.conn_guards_ = false;
}

void Conn::drop_open_rows(const char* reason) noexcept {
    if (open_rows_ == nullptr) return;
    open_rows_->lost_ = reason;
    open_rows_->end();
}

void Conn::forget_open_rows(const pool::Compiled* compiled) noexcept {
    if (open_rows_ != nullptr && open_rows_->source() == compiled) open_rows_ = nullptr;
}

// What the server said besides its answers.
void Conn::relay_notices() noexcept {
    if (!lease_ || !connection().has_notices()) return;
    try {
        for (const db::Notice& notice : connection().take_notices()) {
            const char* const separator = notice.sqlstate.empty() ? "" : ": ";
            if (notice.warning)
                db_->note(telemetry::Level::warn, "server.warning", tenant_,
                          {notice.sqlstate, separator, notice.text});
            else
                db_->note(telemetry::Level::info, "server.notice", tenant_,
                          {notice.sqlstate, separator, notice.text});
        }
    } catch (const std::bad_alloc&) {
        // An event is not worth failing the work that it tells of.
    }
}

// What must be true before a statement runs; a writing one gets the tenant's writer turn.
void Conn::before(const db::Statement& statement, const Wait& wait) {
    check_usable();
    keep_open_rows(wait);
    if (statement.read_only()) return;
    check_may_write(statement);
    if (db_->dialect().single_writer) lease_.take_turn(wait);
    check_place();
    connection().mark_lease();  // so that a generated key is this statement's
}

void Conn::check_may_write(const db::Statement& statement) const {
    if (statement.read_only()) return;
    if (options_.read_only || (tx_ == TxState::open && tx_read_only_))
        throw Error(Code::read_only,
                    options_.read_only ? "the lease is read-only" : "the transaction is read-only");
}

// A write into a file that another process dropped or replaced would be acknowledged and lost.
void Conn::check_place() {
    if (db_->dialect().tenant_unit != db::Namespace::file || connection().in_place()) return;
    if (!connection().in_transaction()) lease_.give_turn();
    throw Error(Code::unavailable,
                "the tenant was dropped or replaced by another process: acquire a new lease");
}

// After a write: it may have gone into a file that was dropped while it ran.
void Conn::confirm_place() {
    if (db_->dialect().tenant_unit != db::Namespace::file || connection().in_transaction()) return;
    if (connection().in_place()) return;
    throw Error(Code::unavailable,
                "the tenant was dropped or replaced by another process while this was written")
        .with_effect(Effect::unknown);
}

// Compares what the transaction should be with what the engine says it is.
void Conn::after(db::Control control, bool succeeded) noexcept {
    const bool open = connection().in_transaction();
    if (succeeded) prove();
    if (const int64_t id = connection().insert_id(); id != 0) insert_id_ = id;
    const bool ended_by_caller =
        succeeded && (control == db::Control::commit || control == db::Control::rollback ||
                      control == db::Control::savepoint);
    if (tx_ == TxState::open && !open && !ended_by_caller)
        lose();
    else if (tx_ != TxState::lost)
        tx_ = open ? TxState::open : TxState::none;
    if (!open) {
        tx_read_only_ = false;
        savepoints_.clear();
        lease_.give_turn();
    }
}

void Conn::lose() noexcept {
    tx_ = TxState::lost;
    db_->note(telemetry::Level::warn, "tx.lost", tenant_,
              {"a failure ended the transaction; everything but rollback is refused"});
}

void Conn::check_parameters(const db::Statement& statement, const db::BlockView& view) const {
    if (view.columns() != statement.parameter_count())
        throw Error(Code::invalid_argument, "the statement takes " +
                                                std::to_string(statement.parameter_count()) +
                                                " parameters, the block has " +
                                                std::to_string(view.columns()) + " columns");
}

// Runs a statement to its end, rows dropped.
int64_t Conn::run(db::Statement& statement, const Wait& wait) {
    before(statement, wait);
    return tracked(statement.control(), [&] {
        statement.run(wait);
        if (!statement.read_only() || statement.control() == db::Control::commit) confirm_place();
        return statement.affected();
    });
}

// Takes back the rows of a block that failed. False: the failure itself ended the transaction.
bool Conn::undo_rows(db::Statement& statement, bool nested) {
    statement.reset();
    statement.clear_bindings();
    if (nested) return undo_savepoint();
    if (!connection().in_transaction()) return false;
    connection().rollback();
    return true;
}

bool Conn::undo_savepoint() {
    if (!connection().in_transaction()) return false;
    connection().rollback_to(block_savepoint);
    connection().release_savepoint(block_savepoint);
    return true;
}

// Once per row of a block, all or nothing.
int64_t Conn::run_rows(db::Statement& statement, const db::BlockView& view, const Wait& wait) {
    check_parameters(statement, view);
    if (statement.control() != db::Control::none)
        throw Error(Code::invalid_argument,
                    "a statement that controls the transaction takes no rows");
    before(statement, wait);
    return tracked(db::Control::none, [&] {
        if (const std::optional<int64_t> affected = statement.run_rows(view, wait)) return *affected;
        const bool nested = connection().in_transaction();
        const bool own = !statement.read_only();
        if (nested)
            connection().savepoint(block_savepoint);
        else if (own)
            connection().begin({}, wait);
        int64_t affected = 0;
        try {
            for (int32_t row = 0; row < view.rows(); ++row) {
                statement.bind_row(view, row);
                statement.run(wait);
                affected += statement.affected();
            }
            statement.clear_bindings();
            if (nested)
                connection().release_savepoint(block_savepoint);
            else if (own)
                connection().commit(wait);
            confirm_place();
        } catch (const Error& error) {
            if (!undo_rows(statement, nested)) throw;
            throw error.with_effect(nested ? Effect::none : Effect::rolled_back);
        } catch (const std::bad_alloc&) {
            undo_rows(statement, nested);
            throw;
        }
        return affected;
    });
}

// A writing statement that returns rows is run to its end before its first row is shown: what is
// acknowledged is done.
std::unique_ptr<db::Rows> Conn::run_returning(db::Statement& statement, const Wait& wait) {
    before(statement, wait);
    return tracked(statement.control(), [&]() -> std::unique_ptr<db::Rows> {
        const bool nested =
            connection().in_transaction() && statement.column_count() > 0 && !statement.read_only();
        if (!nested) return kept_rows(statement, wait);
        connection().savepoint(block_savepoint);
        try {
            auto rows = kept_rows(statement, wait);
            connection().release_savepoint(block_savepoint);
            return rows;
        } catch (...) {  // rows that cannot be shown were not written
            statement.reset();
            undo_savepoint();
            throw;
        }
    });
}

std::unique_ptr<db::Rows> Conn::kept_rows(db::Statement& statement, const Wait& wait) {
    statement.settle_columns(wait);
    if (statement.column_count() == 0) {
        if (!shared_) statement.run(wait);  // a server ran it to tell its columns
        while (shared_ && statement.next(wait)) {
        }
        return nullptr;
    }
    auto table = std::make_unique<TableRows>(headings_of(statement));
    table->limit(db_->result_buffer_max());
    const std::optional<Error> too_many = drain(statement, *table, wait);
    confirm_place();
    if (too_many)
        throw too_many->with_effect(connection().in_transaction() ? Effect::none
                                                                  : Effect::committed);
    return table;
}

// Reads a writing statement's rows to their end, which completes it; those that do not fit are
// dropped.
std::optional<Error> Conn::drain(db::Statement& statement, TableRows& table, const Wait& wait) {
    std::optional<Error> too_many;
    while (statement.next(wait)) {
        if (too_many) continue;
        try {
            for (int32_t i = 0; i < statement.column_count(); ++i) table.add(statement.value(i));
        } catch (const Error& error) {
            if (error.code() != Code::limit) throw;
            too_many = error;
        }
    }
    return too_many;
}

int64_t Conn::exec_compiled(db::Statement& statement, const db::BlockView* parameters, const Wait& wait) {
    if (parameters == nullptr) {
        if (statement.parameter_count() > 0)
            throw Error(Code::invalid_argument, "the statement's parameters are not given");
        return run(statement, wait);
    }
    if (parameters->rows() != 1) return run_rows(statement, *parameters, wait);
    check_parameters(statement, *parameters);
    statement.bind_row(*parameters, 0);
    return run(statement, wait);
}

int64_t Conn::exec(std::string_view sql, const db::BlockView* parameters, const Wait& wait) {
    return entered([&] {
        return on_living(wait, [&] {
            check_usable();
            Use use;
            compile(use, sql, wait);
            struct End {
                Conn& conn;
                Use& use;
                ~End() { conn.end_use(use); }
            } end{*this, use};
            return placed(use, [&] { return exec_compiled(use.statement(), parameters, wait); });
        });
    });
}

Ref<Result> Conn::query(std::string_view sql, const db::BlockView* parameters, const Wait& wait,
                        Ref<Cancel> cancel) {
    return entered([&] {
        return on_living(wait, [&] {
            check_usable();
            Ref<Result> result = make_dependent(result_room_, Ref<Counted>::share(this));
            struct Undo {  // still inside: the result must not enter again to end
                Result* result;
                ~Undo() {
                    if (result != nullptr) result->end();
                }
            } undo{result.get()};
            compile(result->use_, sql, wait);
            db::Statement& statement = result->use_.statement();
            if (parameters != nullptr) {
                if (parameters->rows() != 1)
                    throw Error(Code::invalid_argument, "a query takes one row of parameters");
                check_parameters(statement, *parameters);
                for (int32_t i = 0; i < parameters->columns(); ++i)
                    statement.bind(i + 1, parameters->at(0, i), db::Lifetime::copied);
            } else if (statement.parameter_count() > 0) {
                throw Error(Code::invalid_argument, "the statement's parameters are not given");
            }
            result->wait_ = wait;
            result->cancel_ = cancel;
            if (statement.read_only() && statement.control() == db::Control::none) {
                before(statement, wait);
                placed(result->use_, [&] { read([&] { statement.settle_columns(wait); }); });
                result->conn_guards_ = !options_.one_shot;
                if (!db_->dialect().concurrent_results) open_rows(*result);
            } else {
                result->kept_ = placed(result->use_, [&] { return run_returning(statement, wait); });
                result->affected_ = statement.affected();
                result->insert_id_ = connection().insert_id();
                end_use(result->use_);
                if (result->kept_ == nullptr) result->done_ = result->rowless_ = true;
                if (options_.one_shot) end_lease();
            }
            undo.result = nullptr;
            return result;
        });
    });
}

// False: the backend has no such way. An error tells which statement it is about, as far as its place tells.
bool Conn::run_at_once(std::string_view text, int64_t& statements, const Wait& wait) {
    if (db_->dialect().atomic_scripts && !connection().in_transaction()) return false;
    try {
        return tracked(db::Control::none, [&] { return connection().run_script(text, statements, wait); });
    } catch (const Error& error) {
        if (error.statement() > 0 || error.line() <= 0) throw;
        const std::size_t place = base::offset_of(text, {error.line(), error.column()});
        int64_t number = 0;
        for (std::size_t end = 0; end <= place && end < text.size(); ++number)
            end += db::facts_of(text.substr(end), db_->dialect().lexis).tail;
        throw error.with_statement(number);
    }
}

void Conn::exec_script(std::string_view text, int64_t& statements, const Wait& wait) {
    return entered([&] {
        check_usable();
        statements = 0;
        check_script(text);
        keep_open_rows(wait);
        if (run_at_once(text, statements, wait)) return;
        const std::string script(text);  // has a NUL behind it
        bool committed = false;          // by a statement before
        std::string_view rest = script;
        while (!rest.empty()) {
            try {
                std::string_view tail;
                const std::unique_ptr<db::Statement> statement =
                    connection().prepare_next(rest, &tail, wait);
                if (statement != nullptr) {
                    if (statement->parameter_count() > 0)
                        throw Error(Code::invalid_argument, "a script takes no parameters");
                    run(*statement, wait);
                    ++statements;
                    const bool wrote =
                        !statement->read_only() || statement->control() == db::Control::commit;
                    committed = committed || (wrote && !connection().in_transaction());
                }
                rest = tail;
            } catch (const Error& error) {
                const base::Position at = position_in(script, rest, error, db_->dialect().lexis);
                const bool partly = committed && error.effect() != Effect::unknown;
                throw error.with_statement(statements + 1)
                    .with_position(at.line, at.column)
                    .with_effect(partly ? Effect::committed : error.effect());
            }
        }
    });
}

void Conn::lend(Writes writes, int64_t term, const Wait& wait, const std::function<void(db::Connection&)>& work) {
    return entered([&] {
        return on_living(wait, [&] {
            check_usable();
            if (term != term_) throw closed_lease();
            if (tx_ != TxState::none || connection().in_transaction())
                throw Error(Code::invalid_state, "a transaction is open: end it before the lease is used otherwise");
            keep_open_rows(wait);
            if (writes == Writes::no) return tracked(db::Control::none, [&] { work(connection()); });
            if (options_.read_only) throw Error(Code::read_only, "the lease is read-only");
            if (db_->dialect().single_writer) lease_.take_turn(wait);
            check_place();
            struct Forget {
                Conn& conn;
                ~Forget() { conn.db_->forget_schema(conn.lease_); }
            } forget{*this};
            tracked(db::Control::none, [&] {
                work(connection());
                confirm_place();
            });
        });
    });
}

int64_t Conn::insert_id() {
    return entered([&] { return insert_id_; });
}

// ---- transactions -------------------------------------------------------------------------------

void Conn::begin(const db::TransactionMode& mode, const Wait& wait) {
    return entered([&] {
        check_usable();
        if (tx_ == TxState::open)
            throw Error(Code::invalid_state, "a transaction is open already; savepoints nest");
        keep_open_rows(wait);
        db::TransactionMode asked = mode;
        asked.read_only = asked.read_only || options_.read_only;
        if (asked.immediate && !asked.read_only && db_->dialect().single_writer)
            lease_.take_turn(wait);
        tracked(db::Control::begin, [&] {
            connection().begin(asked, wait);
            if (db_->dialect().tenant_unit != db::Namespace::file || connection().in_place()) return;
            connection().rollback();
            throw Error(Code::unavailable, "the tenant was dropped or replaced by another process");
        });
        tx_read_only_ = asked.read_only;
    });
}

void Conn::commit(const Wait& wait) {
    return entered([&] {
        check_usable();
        if (tx_ != TxState::open) throw Error(Code::invalid_state, "no transaction is open");
        keep_open_rows(wait);
        tracked(db::Control::commit, [&] {
            if (db_->dialect().tenant_unit == db::Namespace::file && !connection().in_place()) {
                connection().rollback();
                throw Error(Code::unavailable,
                            "the tenant was dropped or replaced by another process")
                    .with_effect(Effect::rolled_back);
            }
            connection().commit(wait);
            confirm_place();
        });
    });
}

void Conn::rollback() {
    return entered([&] {
        drop_open_rows("the transaction that they were read in was rolled back");
        tx_ = connection().in_transaction() ? TxState::open : TxState::none;
        tracked(db::Control::rollback, [&] { connection().rollback(); });
    });
}

void Conn::savepoint(std::string_view name) {
    return entered([&] {
        check_savepoint(name);
        check_usable();
        if (tx_ != TxState::open) throw Error(Code::invalid_state, "no transaction is open");
        keep_open_rows(wait(MTDB_DEFAULT, {}, Patience::query));
        tracked(db::Control::none, [&] { connection().savepoint(name); });
        savepoints_.emplace_back(name);
    });
}

void Conn::rollback_to(std::string_view name) {
    return entered([&] {
        check_savepoint(name);
        check_usable();
        if (tx_ != TxState::open) throw Error(Code::invalid_state, "no transaction is open");
        const auto found = innermost(savepoints_, name);
        if (found == savepoints_.rend())
            throw Error(Code::not_found, "no savepoint '" + std::string(name) + "'");
        keep_open_rows(wait(MTDB_DEFAULT, {}, Patience::query));
        tracked(db::Control::none, [&] { connection().rollback_to(name); });
        savepoints_.erase(found.base(), savepoints_.end());
    });
}

void Conn::release_savepoint(std::string_view name) {
    return entered([&] {
        check_savepoint(name);
        check_usable();
        if (tx_ != TxState::open) throw Error(Code::invalid_state, "no transaction is open");
        const auto found = innermost(savepoints_, name);
        if (found == savepoints_.rend())
            throw Error(Code::not_found, "no savepoint '" + std::string(name) + "'");
        keep_open_rows(wait(MTDB_DEFAULT, {}, Patience::query));
        tracked(db::Control::none, [&] { connection().release_savepoint(name); });
        savepoints_.erase(std::prev(found.base()), savepoints_.end());
    });
}

TxState Conn::tx_state() {
    return entered([&] { return tx_; });
}

}  // namespace mtdb::engine
