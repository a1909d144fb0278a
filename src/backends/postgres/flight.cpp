// SPDX-License-Identifier: MIT
// The flights of a connection: how they are put together, sent and read.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "backends/postgres/connection.hpp"
#include "backends/postgres/statement.hpp"
#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr base::milliseconds cancel_grace{5000};
constexpr base::milliseconds cancel_again_max{250};
constexpr base::milliseconds drain_max{20};    // rows that nobody reads are read for so long, then stopped
constexpr std::size_t closing_max = 32;        // statements closed by one flight

// Raises unless the session stands where it must; every name and operator in it is qualified, so that nothing of
// a tenant's can take its place. It gives no row, which would only have to travel.
constexpr std::string_view stands = "pg_catalog.current_schema() OPERATOR(pg_catalog.=) $1::pg_catalog.name";
// The whole path: behind the tenant's schema another one would show what the tenant does not have.
constexpr std::string_view has_path = " AND pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.=) $2";
constexpr std::string_view else_raise = " THEN 1 ELSE 0 END) OPERATOR(pg_catalog.=) 0";
// What a tenant may leave that no utility command takes back. One of it is never NULL.
constexpr std::string_view clean =
    "pg_catalog.set_config('session_authorization', NULL, false) IS NULL OR "
    "pg_catalog.set_config('role', 'none', false) IS NULL OR pg_catalog.pg_advisory_unlock_all() IS NULL";
// A transaction takes its properties from the settings that stood when it began: those of the tenant before.
constexpr std::string_view left_in_transaction =
    "pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>)"
    " pg_catalog.current_setting('default_transaction_isolation') OR "
    "pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.<>)"
    " pg_catalog.current_setting('default_transaction_read_only') THEN 0 WHEN ";
constexpr std::string_view raise_unless = "SELECT WHERE 1 OPERATOR(pg_catalog./) (CASE WHEN ";

int64_t number_of(const char* text) {
    int64_t number = 0;
    std::from_chars(text, text + std::strlen(text), number);
    return number;
}

}  // namespace

// The rows that a command wrote; reading ones write none, but CREATE TABLE AS says SELECT too.
int64_t affected_of(const PGresult* result) {
    auto* const asked = const_cast<PGresult*>(result);  // libpq only reads it
    const std::string_view tag = libpq().PQcmdStatus(asked);
    const bool reads = tag.starts_with("FETCH") || tag.starts_with("MOVE") ||
                       (tag.starts_with("SELECT") && libpq().PQnfields(result) > 0);
    return reads ? 0 : number_of(libpq().PQcmdTuples(asked));
}

// ---- our own statements -------------------------------------------------------------------------

// The pin is one statement with its guard: it sets the path, then looks. Behind a pooler it lasts as long as the
// transaction, and brings the settings that values are read under.
std::string Connection::own_sql(Own own) const {
    const std::string local = pooling_ == Pooling::transaction ? "true" : "false";
    const auto set = [&](const char* name, const char* value) {
        return std::string("pg_catalog.set_config('") + name + "', " + value + ", " + local + ") IS NULL";
    };
    switch (own) {
        case Own::guard:
            return std::string(raise_unless) + std::string(stands) + std::string(has_path) + std::string(else_raise);
        case Own::clean:
            return std::string(raise_unless) + std::string(clean) + " THEN 0 ELSE 1 END) OPERATOR(pg_catalog.=) 0";
        case Own::pin:
        case Own::clean_pin: {
            std::string sql(raise_unless);
            if (own == Own::clean_pin) sql += std::string(clean) + " OR ";
            if (!standard_startup_)
                sql += set("DateStyle", "'ISO'") + " OR " + set("IntervalStyle", "'postgres'") + " OR " +
                       set("extra_float_digits", "'3'") + " OR " + set("bytea_output", "'hex'") + " OR ";
            sql += set("search_path", "$2") + " THEN 0 WHEN ";
            if (own == Own::clean_pin) sql += std::string(left_in_transaction);
            return sql + std::string(stands) + std::string(else_raise);
        }
        case Own::close_all:
            return "CLOSE ALL";
        case Own::reset_all:
            return "RESET ALL";
        case Own::unlisten:
            return "UNLISTEN *";
        case Own::drop_temporary:
            return "DISCARD TEMP";
        case Own::drop_sequences:
            return "DISCARD SEQUENCES";
        case Own::begin:
            return "BEGIN";
        case Own::commit:
            return "COMMIT";
    }
    return {};
}

void Connection::forget_prepared() noexcept {
    prepared_.fill(false);
    ++names_->epoch;
    names_->closing.clear();
    foreign_prepared_ = true;  // what was prepared may still be there
}

// ---- queueing -----------------------------------------------------------------------------------

void Connection::sent(int result) {
    if (result != 1) throw_lost();
}

void Connection::queue_prepare(const char* name, const char* sql, Step step) {
    sent(pq_.PQsendPrepare(link_->get(), name, sql, 0, nullptr));
    steps_.push_back(step);
}

void Connection::queue_prepared(const char* name, const Parameters::View& parameters, Format results, Part part) {
    sent(pq_.PQsendQueryPrepared(link_->get(), name, parameters.count, parameters.values, parameters.lengths,
                                 parameters.formats, static_cast<int>(results)));
    steps_.push_back({part});
}

void Connection::queue_query(const char* sql, const Parameters::View& parameters, Part part) {
    sent(pq_.PQsendQueryParams(link_->get(), sql, parameters.count, nullptr, parameters.values, parameters.lengths,
                               parameters.formats, static_cast<int>(Format::text)));
    steps_.push_back({part});
}

void Connection::queue_text(const std::string& sql, Part part) {
    queue_query(sql.c_str(), {0, nullptr, nullptr, nullptr}, part);
}

void Connection::queue_own(Own own, Part part, std::initializer_list<const char*> values) {
    const Parameters::View parameters{static_cast<int>(values.size()), values.begin(), nullptr, nullptr};
    if (pooling_ == Pooling::transaction) return queue_query(own_sql(own).c_str(), parameters, part);
    const auto index = static_cast<std::size_t>(own);
    std::string& name = own_names_[index];
    if (!prepared_[index]) {
        name = "mtdb_" + std::to_string(index) + "_" + std::to_string(names_->epoch);
        queue_prepare(name.c_str(), own_sql(own).c_str(), {Part::setup, own});
        prepared_[index] = true;  // or end_step() takes it back
    }
    queue_prepared(name.c_str(), parameters, Format::text, part);
}

void Connection::queue_sync() {
    sent(pq_.PQpipelineSync(link_->get()));
    steps_.push_back({Part::sync});
}

void Connection::check_ready(const Wait& wait) {
    if (link_->lost())
        throw Error(Code::unavailable, "the connection to the server was lost").with_native("postgres", 0);
    wait.check("the statement");
    settle_flight(wait);
    if (!look_due_) return;
    look_due_ = false;
    if (!link_->closed_by_server()) return;
    link_->lose();
    throw Error(Code::unavailable, "the server closed the connection while it was idle").with_native("postgres", 0);
}

void Connection::start_flight(std::string_view sql, bool writes) {
    steps_.clear();
    step_ = 0;
    failure_.reset();
    flight_sql_ = sql;
    flight_prefix_ = 0;
    step_failed_ = false;
    rows_affected_ = 0;
    preparing_ = nullptr;
    batch_ = {};
    copying_ = false;
    flight_writes_ = writes;
    flight_commits_ = flight_may_commit_ = flight_calls_ = false;
    flight_moves_ = false;
    flight_in_tx_ = tx_ == Tx::open || tx_ == Tx::begun || tx_ == Tx::failed;
    flight_begins_ = tx_ == Tx::begun;
    if (flight_begins_) {
        begun_controls_ = queued_controls_;
        begun_savepoints_ = savepoints_;
    }
    flight_undone_ = queued_pin_ = queued_clean_ = false;
    segment_pins_ = segment_cleans_ = segment_failed_ = false;
    abandoned_ = false;
    flight_open_ = true;
}

// What stands in front of a statement.
void Connection::queue_prefix(Guarded guarded, const char* wrap) {
    if (rollback_due_) {
        queue_text("ROLLBACK", Part::control);
        queue_sync();
    }
    if (forget_due_ && tx_ != Tx::failed) {
        forget_prepared();
        queue_text("DEALLOCATE ALL", Part::forget);
        forget_due_ = false;
    }
    if (!server_in_transaction() && !names_->closing.empty()) queue_closing();
    if (tx_ == Tx::begun) {
        // In a segment of its own: a rollback must not bring back what was cleaned away, and the transaction's
        // isolation can only be set before its first query.
        if (pooling_ != Pooling::transaction && (clean_due_ || (placed() && !pinned_))) {
            queue_place();
            queue_sync();
        }
        queue_begin();
    }
    if (wrap != nullptr) queue_text(wrap, Part::control);
    for (const std::string& control : queued_controls_) queue_text(control, Part::control);
    if (guarded == Guarded::yes) queue_place();
}

void Connection::queue_closing() {
    std::vector<std::string>& closing = names_->closing;
    for (std::size_t count = std::min(closing.size(), closing_max); count > 0; --count) {
        queue_text("DEALLOCATE " + closing.back(), Part::close);
        closing.pop_back();
    }
    queue_sync();
}

// The clean-up if one is due, and the pin unless it stands; the guard always, in the pin or alone.
void Connection::queue_place() {
    if (clean_due_ && !server_in_transaction() && !queued_clean_) return queue_clean();
    if (!placed()) return;
    if (!pinned_ && !queued_pin_) {
        queued_pin_ = true;
        // Behind a pooler the session is whoever's was served last, and what its functions left may be there.
        if (pooling_ == Pooling::transaction && !server_in_transaction()) {
            queue_resets();
            queue_own(Own::clean, Part::clean);
        }
        return queue_own(Own::pin, Part::pin, {namespace_.c_str(), path_.c_str()});
    }
    queue_own(Own::guard, Part::guard, {namespace_.c_str(), path_.c_str()});
}

void Connection::queue_resets() {
    for (const Own own : {Own::reset_all, Own::close_all, Own::unlisten, Own::drop_temporary, Own::drop_sequences})
        queue_own(own, Part::clean);
}

// RESET ALL goes to the parking path, under which the pin was prepared: it is not analysed again.
void Connection::queue_clean() {
    queued_clean_ = true;
    queue_resets();
    if (placed() && !clean_apart_) {
        queued_pin_ = true;
        return queue_own(Own::clean_pin, Part::pin, {namespace_.c_str(), path_.c_str()});
    }
    queue_own(Own::clean, Part::clean);
    queue_sync();
    pinned_ = false;
    queue_place();
}

void Connection::queue_begin() {
    if (begin_sql_ == "BEGIN")
        queue_own(Own::begin, Part::control);
    else
        queue_text(begin_sql_, Part::control);
    steps_.back().own = Own::begin;
}

void Connection::send(const Wait& wait) {
    ++trips_;
    sent_ = true;
    for (;;) {
        switch (link_->flush(stop_ ? stop_->slice() : wait)) {
            case Link::Ready::yes:
                return;
            case Link::Ready::lost:
                throw_lost();
            case Link::Ready::over:
                stop(wait);
        }
    }
}

// ---- reading ------------------------------------------------------------------------------------

ResultHandle Connection::get(const Wait& wait) {
    for (;;) {
        switch (link_->await_result(stop_ ? stop_->slice() : wait)) {
            case Link::Ready::yes:
                return ResultHandle(pq_.PQgetResult(link_->get()));
            case Link::Ready::lost:
                throw_lost();
            case Link::Ready::over:
                stop(wait);
        }
    }
}

// The wait is over while the server works: asks it to stop, and goes on reading until it has.
void Connection::stop(const Wait& wait) {
    if (!stop_) {
        stop_.emplace(Stop{wait.error("the statement"), Deadline::in(cancel_grace), nullptr});
    } else if (stop_->grace.passed()) {
        const Error reason = stop_->reason;
        link_->lose();
        stop_.reset();
        flight_open_ = false;
        if (flight_commits_) end_transaction();
        throw reason.with_message(reason.message() + "; the server did not confirm its end in time")
            .with_effect(flight_commits_ || ((flight_writes_ || flight_calls_) && !flight_in_tx_) ? Effect::unknown
                         : flight_in_tx_                                       ? Effect::rolled_back
                                                                               : Effect::none);
    }
    stop_->again = std::min(2 * stop_->again, cancel_again_max);
    if (stop_->request == nullptr || stop_->request->finished())
        stop_->request = std::make_unique<CancelRequest>(link_->get(), config_->strays);
}

// The flight is over; a request still on its way must not meet the next one.
void Connection::settle_stop() noexcept {
    if (!stop_) return;
    if (stop_->request != nullptr && !stop_->request->settle(stop_->grace)) link_->lose();
    // A pooler passes a cancel on when it likes.
    if (pooling_ != Pooling::none) tainted_ = true;
    stop_.reset();
}

bool Connection::read_to_execute(const Wait& wait) {
    while (step_ < steps_.size()) {
        if (steps_[step_].part == Part::execute && !segment_failed_) {
            pq_.PQsetSingleRowMode(link_->get());
            return true;
        }
        read_step(wait);
    }
    flight_done();
    return false;
}

// The whole of one step.
void Connection::read_step(const Wait& wait) {
    for (const std::size_t step = step_; step_ == step;)
        if (take_result(get(wait))) end_step();
}

// What has arrived, without waiting.
void Connection::read_ready() {
    while (step_ < steps_.size() && pq_.PQisBusy(link_->get()) == 0)
        if (take_result(ResultHandle(pq_.PQgetResult(link_->get())))) end_step();
}

// True: it was the step's last one.
bool Connection::take_result(const ResultHandle& result) {
    const Part part = steps_[step_].part;
    if (result == nullptr) {
        if (link_->lost()) throw_lost();
        return part != Part::sync;
    }
    switch (pq_.PQresultStatus(result.get())) {
        case PGRES_PIPELINE_SYNC:
            return true;
        case PGRES_PIPELINE_ABORTED:
            step_failed_ = true;
            return false;
        case PGRES_FATAL_ERROR:
        case PGRES_BAD_RESPONSE:
            step_failed_ = true;
            note_failure(part, result.get());
            return false;
        case PGRES_COMMAND_OK:
            if (part == Part::execute) rows_affected_ += affected_of(result.get());
            [[fallthrough]];
        default:
            if (part == Part::execute) note_item(steps_[step_].item, result.get());
            return false;
    }
}

void Connection::end_step() {
    const Step step = steps_[step_++];
    const bool failed = std::exchange(step_failed_, false);
    if (step.part == Part::sync)
        segment_done();
    else if (!failed)
        step_done(step);
    else if (step.part == Part::setup)
        prepared_[static_cast<std::size_t>(step.own)] = false;
    if (!batch_.empty()) read_singly();
}

void Connection::note_failure(Part part, const PGresult* result) {
    if (link_->lost()) throw_lost();
    segment_failed_ = true;
    const std::string_view sqlstate = sqlstate_of(result);
    if (part == Part::close) {  // the tenant may have closed them all
        foreign_prepared_ = true;
        return;
    }
    const bool of_text = part == Part::prepare || part == Part::execute || part == Part::sync;
    if (failure_) return;  // behind a failed segment the next one fails at its guard: the first one is the cause
    const uint32_t item = step_ < steps_.size() ? steps_[step_].item : 0;
    const bool of_batch = item > 0 && item <= batch_.size();
    const std::string_view sql = of_batch ? std::string_view(batch_statement(item).sql_) : flight_sql_;
    failure_.emplace(Failure{part, std::string(sqlstate),
                             server_error(result, of_text ? sql : std::string_view(), flight_prefix_), item});
}

void Connection::step_done(const Step& step) {
    switch (step.part) {
        case Part::prepare:
            if (step.item > 0 && step.item <= batch_.size())
                batch_statement(step.item).made_ = true;
            else if (preparing_ != nullptr)
                preparing_->made_ = true;
            break;
        case Part::forget:
            foreign_prepared_ = others_prepared_ = false;
            break;
        case Part::clean:
            segment_cleans_ = true;
            break;
        case Part::pin:
            segment_pins_ = true;
            if (server_in_transaction()) {
                pinned_ = true;
                tx_moved_ = true;
            }
            break;
        case Part::control:
            if (step.own == Own::begin) {
                tx_ = Tx::open;
            } else if (rollback_due_) {
                rollback_due_ = false;
            } else if (!queued_controls_.empty()) {
                queued_controls_.erase(queued_controls_.begin());
            }
            break;
        default:
            break;
    }
}

// A segment outside a transaction has been committed, or all of it undone.
void Connection::segment_done() {
    if (!segment_failed_ && !server_in_transaction()) {
        if (segment_cleans_) {
            clean_due_ = clean_apart_ = false;
            pinned_ = false;
        }
        if (segment_pins_ && pooling_ != Pooling::transaction) pinned_ = true;
    }
    segment_pins_ = segment_cleans_ = segment_failed_ = false;
}

void Connection::finish_flight(const Wait& wait) {
    while (step_ < steps_.size()) read_step(wait);
    flight_done();
}

void Connection::flight_done() {
    flight_open_ = false;
    reader_ = nullptr;
    if (stop_ && failure_ && (failure_->sqlstate == state::cancelled || flight_undone_))
        failure_->error = stop_->reason.with_sqlstate(state::cancelled).with_native("postgres", 0);
    settle_stop();
    const Tx before = tx_;
    switch (pq_.PQtransactionStatus(link_->get())) {
        case PQTRANS_IDLE:
            end_transaction();
            break;
        case PQTRANS_INTRANS:
            tx_ = Tx::open;
            break;
        case PQTRANS_INERROR:
            tx_ = Tx::failed;
            queued_controls_.clear();
            if (savepoints_.empty() && !raw_savepoints_) give_up_transaction();
            break;
        default:
            link_->lose();
    }
    if (flight_moves_) {
        pinned_ = false;
        tx_moved_ = tx_moved_ || tx_ != Tx::none || before != Tx::none;
    }
}

void Connection::end_transaction() noexcept {
    if (tx_moved_ || (tx_ != Tx::none && pooling_ == Pooling::transaction)) pinned_ = false;
    tx_moved_ = false;
    tx_ = Tx::none;
    savepoints_.clear();
    queued_controls_.clear();
    raw_savepoints_ = false;
}

// It failed and there is no way back into it: over for us, and ended at the server in front of the next flight.
void Connection::give_up_transaction() noexcept {
    end_transaction();
    rollback_due_ = true;
}

// What nobody reads any more: outside a transaction the server is asked to stop, inside one that would end it.
void Connection::settle_flight(const Wait& wait) {
    if (!flight_open_) return;
    if (reader_ != nullptr) throw Error(Code::invalid_state, "another statement's rows are still being read");
    if (copying_) return settle_copy(wait);
    const Wait brief{wait.deadline.earlier(Deadline::in(drain_max)), nullptr, nullptr};
    while (abandoned_ && step_ < steps_.size() && steps_[step_].part == Part::execute) {
        if (!stop_ && !flight_in_tx_ && !flight_writes_) {
            const Link::Ready ready = link_->await_result(brief);
            if (ready == Link::Ready::lost) throw_lost();
            if (ready == Link::Ready::over || brief.over())
                stop(Wait{Deadline::in(base::milliseconds(0)), nullptr, nullptr});
        }
        if (take_result(get(wait))) end_step();
    }
    finish_flight(wait);
    if (failure_ && flight_in_tx_) throw_failure();
    failure_.reset();
}

void Connection::run_flight(const Wait& wait) {
    send(wait);
    finish_flight(wait);
    if (failure_) throw_failure();
}

// ---- failures -----------------------------------------------------------------------------------

Effect Connection::effect_of_failure() const noexcept {
    if (flight_in_tx_) return in_transaction() ? Effect::none : Effect::rolled_back;
    const bool ran = failure_->part == Part::execute || failure_->part == Part::sync;
    if (ran && flight_may_commit_) return Effect::unknown;
    return ran && flight_writes_ ? Effect::rolled_back : Effect::none;
}

void Connection::throw_failure() {
    const bool guarded =
        (failure_->part == Part::guard || failure_->part == Part::pin) && failure_->sqlstate == state::guard_failed;
    if (guarded && server_in_transaction()) give_up_transaction();
    const Effect effect = effect_of_failure();
    const Failure failure = std::move(*failure_);
    failure_.reset();
    if (guarded) {
        const std::string where = "namespace \"" + namespace_ + "\"";
        throw Error(Code::tenant_unknown, failure.part == Part::guard
                                              ? "the session left " + where +
                                                    " inside the transaction, or it is gone: nothing was run there"
                                              : "there is no " + where + ", or the user may not use it")
            .with_native("postgres", 0)
            .with_sqlstate(state::no_schema)
            .with_effect(effect);
    }
    if (failure.sqlstate == state::unknown_statement && failure.part != Part::execute)
        throw Error(Code::serialization, "the session's prepared statements were dropped: run the transaction again")
            .with_native("postgres", 0)
            .with_sqlstate(failure.sqlstate)
            .with_effect(effect);
    throw failure.error.with_effect(effect);
}

void Connection::throw_lost() {
    const bool written = step_ < steps_.size() || flight_open_;
    link_->lose();
    flight_open_ = false;
    reader_ = nullptr;
    Effect effect = Effect::none;
    if (flight_commits_) {
        effect = Effect::unknown;
        end_transaction();  // whatever became of it, there is nothing to roll back
    } else if (flight_in_tx_) {
        effect = Effect::rolled_back;
    } else if ((flight_writes_ || flight_calls_) && written) {
        effect = Effect::unknown;
    }
    if (stop_) {
        const Error reason = stop_->reason;
        stop_.reset();
        throw reason.with_effect(effect);
    }
    // Its last word, if it had one.
    if (failure_ && failure_->error.code() == Code::unavailable) throw failure_->error.with_effect(effect);
    throw Error(Code::unavailable, "the connection to the server was lost")
        .with_native("postgres", 0)
        .with_effect(effect);
}

// Whether what failed had not run, and another flight may mend it.
bool Connection::may_resend(Statement* statement) {
    if (!failure_ || (flight_in_tx_ && !flight_begins_) || link_->lost()) return false;
    if (!mends(*failure_, statement)) return false;
    if (flight_begins_) {
        tx_ = Tx::begun;
        queued_controls_ = begun_controls_;
        savepoints_ = begun_savepoints_;
    }
    return true;
}

bool Connection::mends(const Failure& failure, Statement* statement) {
    const bool unknown = failure.sqlstate == state::unknown_statement;
    switch (failure.part) {
        case Part::guard:
            // The path moved since it was pinned; if the namespace is gone, the next flight's pin will say so.
            pinned_ = false;
            if (failure.sqlstate == state::guard_failed) return true;
            [[fallthrough]];
        case Part::pin:
            // The clean-up found a transaction that began as the tenant before had set it. Or there is no such
            // namespace: then the next flight will say so.
            if (failure.sqlstate == state::guard_failed && queued_clean_ && !clean_apart_) return clean_apart_ = true;
            [[fallthrough]];
        case Part::clean:
        case Part::control:
            if (unknown) forget_prepared();
            return unknown;
        case Part::execute:
            if (statement == nullptr || !statement->was_prepared_before()) return false;
            if (!unknown && failure.sqlstate != state::result_changed) return false;
            statement->forget(!unknown);
            return true;
        default:
            return false;
    }
}

}  // namespace mtdb::backends::postgres
