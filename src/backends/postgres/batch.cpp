// SPDX-License-Identifier: MIT
// Different statements in one flight.
#include "backends/postgres/connection.hpp"
#include "backends/postgres/statement.hpp"
#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr std::string_view batch_savepoint = "mtdb_block";
constexpr std::size_t items_per_flush = 16;
constexpr uint32_t results_per_look = 256;  // of an answer that never makes us wait

}  // namespace

Statement& Connection::batch_statement(uint32_t item) const noexcept {
    return static_cast<Statement&>(*batch_[item - 1].statement);
}

// Before anything is sent: each of them may stand in a flight with the others.
void Connection::check_batch(std::span<const db::BatchItem> items) const {
    for (uint32_t item = 1; item <= items.size(); ++item) {
        const db::BatchItem& each = items[item - 1];
        const auto refuse = [&](Code code, const std::string& message) {
            throw Error(code, message).with_statement(item);
        };
        const auto* const statement = dynamic_cast<const Statement*>(each.statement);
        if (statement == nullptr) refuse(Code::unsupported, "COPY does not go into a batch");
        const db::StatementFacts& facts = statement->facts_;
        if (facts.alone)
            refuse(Code::invalid_state, facts.verb + " cannot run inside a transaction");
        // What the flight itself relies on would be gone.
        if (facts.verb == "DISCARD" || facts.verb == "DEALLOCATE")
            refuse(Code::invalid_argument, facts.verb + " does not go into a batch");
        try {
            refuse_behind_pooler(facts, statement->sql_);
            check_transaction(facts);
            if (each.parameters == nullptr) continue;
            Parameters parameters;
            parameters.resize(each.parameters->columns());
            for (int32_t i = 0; i < each.parameters->columns(); ++i)
                parameters.set(i, each.parameters->at(0, i), db::Lifetime::borrowed);
            parameters.check_total();
        } catch (const Error& error) {
            throw error.with_statement(item);
        }
    }
}

// Outside a transaction the segment is one, inside one a savepoint takes it back.
bool Connection::run_batch(std::span<db::BatchItem> items, const Wait& wait) {
    check_ready(wait);
    check_batch(items);
    struct Forget {
        std::span<db::BatchItem>& batch;
        ~Forget() { batch = {}; }
    } forget{batch_};
    bool writes = false;
    bool session = false;
    for (const db::BatchItem& item : items) {
        auto& statement = static_cast<Statement&>(*item.statement);
        statement.reset();
        writes = writes || !statement.facts_.read_only;
        session = session || statement.facts_.session;
        if (statement.uses_prepared_ && others_prepared_ && pooling_ != Pooling::transaction)
            forget_due_ = true;
    }
    for (int tries = 0;; ++tries) {
        start_flight({}, writes);
        batch_ = items;
        for (db::BatchItem& item : items) item.affected = 0;
        flight_moves_ = session;
        const bool nested = in_transaction();
        // A procedure must not commit what stands before it, which outside of a block it could.
        const bool wrapped = session && !nested;
        queue_prefix(Guarded::yes, wrapped ? "BEGIN" : nullptr);
        if (nested) {
            queue_text("SAVEPOINT " + std::string(batch_savepoint), Part::control);
            savepoints_.emplace_back(batch_savepoint);
        }
        queue_batch(wait);
        if (nested) queue_text("RELEASE SAVEPOINT " + std::string(batch_savepoint), Part::control);
        if (wrapped) queue_text("COMMIT", Part::control);
        queue_sync();
        note_batch();
        send(wait);
        finish_batch(wait);
        if (!failure_) {
            if (nested) savepoints_.pop_back();
            for (const db::BatchItem& item : items) {
                auto& statement = static_cast<Statement&>(*item.statement);
                statement.affected_ = item.affected;
                if (!statement.worth_a_name() && !statement.facts_.read_only) ++shape_epoch_;
            }
            return true;
        }
        Statement* const failed = failure_->item > 0 ? &batch_statement(failure_->item) : nullptr;
        const bool ran = failure_->part == Part::guard &&
                         failure_->item > 1;  // nothing mends what a statement moved
        if (tries == 0 && !ran && may_resend(failed)) continue;
        fail_batch();
    }
}

// What its statements may leave in the session.
void Connection::note_batch() {
    for (const db::BatchItem& item : batch_) {
        const auto& statement = static_cast<const Statement&>(*item.statement);
        session_dirty_ = session_dirty_ || statement.facts_.session;
        listens_ = listens_ || statement.mentions_listen_;
        holds_ = holds_ || statement.holds_;
        flight_calls_ = flight_calls_ || statement.facts_.calls;
        foreign_prepared_ = foreign_prepared_ || statement.prepares_;
    }
}

// A guard in front of each: any of them may have moved the session where no parser sees it.
void Connection::queue_item(std::size_t index) {
    const db::BatchItem& item = batch_[index];
    auto& statement = static_cast<Statement&>(*item.statement);
    const auto number = static_cast<uint32_t>(index) + 1;
    if (index > 0 && placed()) {
        queue_place();
        steps_.back().item = number;
    }
    if (item.parameters != nullptr)
        for (int32_t i = 0; i < item.parameters->columns(); ++i)
            statement.parameters_.set(i, item.parameters->at(0, i), db::Lifetime::borrowed);
    if (!statement.worth_a_name()) {
        queue_query(statement.sql_.c_str(), statement.parameters_.view(), Part::execute);
    } else {
        if (statement.batch_flight_ != trips_) {
            const std::size_t before = steps_.size();
            statement.queue_prepare();
            if (steps_.size() > before) steps_.back().item = number;
            statement.batch_flight_ = trips_;
        }
        statement.queue_row();
    }
    steps_.back().item = number;
    read_singly();
    if (item.parameters != nullptr) statement.parameters_.clear();
}

void Connection::queue_batch(const Wait& wait) {
    try {
        for (const db::BatchItem& item : batch_)
            static_cast<Statement&>(*item.statement).batch_flight_ = -1;
        for (std::size_t i = 0; i < batch_.size(); ++i) {
            if (failure_ || stop_) break;
            queue_item(i);
            if (i % items_per_flush == items_per_flush - 1) give_way(wait);
        }
        preparing_ = nullptr;
    } catch (...) {
        if (!link_->lost()) undo_queued(wait);
        throw;
    }
    if (!stop_) return;
    flight_undone_ = true;  // nothing of half a batch stays
    queue_text("SELECT 1 OPERATOR(pg_catalog./) 0", Part::execute);
}

void Connection::note_item(uint32_t item, const PGresult* result) noexcept {
    if (item > 0 && item <= batch_.size()) batch_[item - 1].affected += affected_of(result);
}

// Rows of the statement that is answered now come one by one: they are dropped, and need no memory.
void Connection::read_singly() noexcept {
    if (step_ < steps_.size() && steps_[step_].part == Part::execute)
        pq_.PQsetSingleRowMode(link_->get());
}

void Connection::finish_batch(const Wait& wait) {
    for (uint32_t results = 1; step_ < steps_.size(); ++results) {
        if (results % results_per_look == 0 && wait.over()) stop(wait);
        if (take_result(get(wait))) end_step();
    }
    flight_done();
}

void Connection::fail_batch() {
    const int64_t item = failure_->item;
    try {
        if (tx_ == Tx::failed && failure_->part != Part::guard && failure_->part != Part::pin) {
            const Error error = failure_->error.with_effect(Effect::none);
            failure_.reset();
            rollback_to(batch_savepoint);
            release_savepoint(batch_savepoint);
            throw error;
        }
        throw_failure();
    } catch (const Error& error) {
        throw error.with_statement(item);
    }
}

}  // namespace mtdb::backends::postgres
