// SPDX-License-Identifier: MIT
#include "engine/conn.hpp"
#include "engine/db.hpp"

namespace mtdb::engine {

Ref<Result> Result::of_rows(std::unique_ptr<db::Rows> rows, const Wait& wait, Ref<Cancel> cancel) {
    Ref<Result> result = Ref<Result>::adopt(new Result(Ref<Conn>()));
    result->kept_ = std::move(rows);
    result->wait_ = wait;
    result->cancel_ = std::move(cancel);
    return result;
}

// Enters whatever guards this result: its conn, or itself.
template <class Work>
decltype(auto) Result::reading(Work&& work) {
    // Rows in memory outlive their lease.
    if (conn_ && kept_ == nullptr && !done_) return conn_->entered(work);
    if (inside_.exchange(true, std::memory_order_acquire)) throw Error(Code::misuse, "another thread is using this result");
    struct Leave {
        std::atomic<bool>& inside;
        ~Leave() { inside.store(false, std::memory_order_release); }
    } leave{inside_};
    return work();
}

db::Rows& Result::rows() {
    if (closed_) throw Error(Code::closed, "the result was closed");
    if (kept_ != nullptr) return *kept_;
    if (stmt_) {
        if (stmt_->use_.compiled == nullptr) throw Error(Code::closed, "the statement was closed");
        if (stmt_->executions_ != execution_)
            throw Error(Code::invalid_state, "the statement was executed again, which ended this result");
        return stmt_->use_.statement();
    }
    if (use_.compiled == nullptr) throw Error(Code::closed, "the result's lease was given back");
    return use_.statement();
}

// Inside. The rows are read: the statement goes back, and with a one-shot call the lease too.
void Result::done() noexcept {
    done_ = true;
    on_row_ = false;
    if (kept_ != nullptr) return;
    end();
    if (conn_ && conn_->options_.one_shot && conn_->lease_) conn_->end_lease();
}

// Inside, or with nothing of the connection left.
void Result::end() noexcept {
    if (stmt_) {
        if (stmt_->use_.compiled != nullptr && stmt_->executions_ == execution_) stmt_->use_.statement().reset();
    } else if (use_.compiled != nullptr) {
        conn_->end_use(use_);
    }
}

int32_t Result::column_count() {
    if (done_ && kept_ == nullptr) return 0;
    return reading([&] { return rows().column_count(); });
}

db::Column Result::column(int32_t index) {
    return reading([&] {
        const int32_t count = done_ && kept_ == nullptr ? 0 : rows().column_count();
        if (index < 0 || index >= count)
            throw Error(Code::invalid_argument, "column " + std::to_string(index) + " of " + std::to_string(count));
        return rows().column(index);
    });
}

int32_t Result::fetch(void* buffer, int64_t capacity, int64_t rows_max, int64_t& rows_out, int64_t& used) {
    return reading([&]() -> int32_t {
        if (closed_) throw Error(Code::closed, "the result was closed");
        if (done_ && kept_ == nullptr) {
            db::BlockWriter writer(buffer, capacity, 0, 1);
            used = writer.finish();
            if (used != 0) return MTDB_DONE;
            used = db::BlockWriter::bytes_for_row(0, 0);
            return MTDB_TRUNCATED;
        }
        db::Rows& source = rows();
        if (conn_ && kept_ == nullptr) conn_->check_usable();
        on_row_ = false;
        const auto fill = [&] {
            db::BlockWriter writer(buffer, capacity, source.column_count(), rows_max, row_bytes_);
            const db::Fill filled = source.fill(writer, wait_);
            rows_out = writer.rows();
            if (rows_out > 0) row_bytes_ = writer.heap_used() / rows_out + 8;
            if (filled == db::Fill::too_small) {
                used = writer.needed();
                return MTDB_TRUNCATED;
            }
            used = writer.finish();
            if (used == 0) {  // no rows, and no room to say so
                used = db::BlockWriter::bytes_for_row(source.column_count(), 0);
                return MTDB_TRUNCATED;
            }
            return filled == db::Fill::done ? MTDB_DONE : MTDB_OK;
        };
        const int32_t status = conn_ && kept_ == nullptr ? conn_->tracked(db::Control::none, fill) : fill();
        if (status == MTDB_DONE) done();
        return status;
    });
}

bool Result::next() {
    return reading([&] {
        if (closed_) throw Error(Code::closed, "the result was closed");
        on_row_ = false;
        if (done_) return false;
        db::Rows& source = rows();
        if (conn_ && kept_ == nullptr) {
            conn_->check_usable();
            on_row_ = conn_->tracked(db::Control::none, [&] { return source.next(wait_); });
        } else {
            on_row_ = source.next(wait_);
        }
        if (!on_row_) done();
        return on_row_;
    });
}

db::Value Result::value(int32_t column) const noexcept {
    if (!on_row_ || closed_) return {};
    const db::Rows* source = kept_.get();
    if (source == nullptr) {
        const Use& use = stmt_ ? stmt_->use_ : use_;
        if (use.compiled == nullptr || (stmt_ && stmt_->executions_ != execution_)) return {};
        source = use.compiled->statement.get();
    }
    if (column < 0 || column >= source->column_count()) return {};
    return source->value(column);
}

bool Result::next_set() {
    return reading([&] {
        if (closed_) throw Error(Code::closed, "the result was closed");
        return false;
    });
}

void Result::close() {
    if (closed_) return;
    if (!conn_ || kept_ != nullptr || done_ || conn_->guard.load() >= pool::Holder::guard_claimed) {
        closed_ = true;
        kept_.reset();
        return;
    }
    if (!conn_->enter()) throw Error(Code::misuse, "another thread is using this lease, a statement or a result of it");
    closed_ = true;
    if (conn_->lease_) done();
    conn_->leave();
}

}  // namespace mtdb::engine
