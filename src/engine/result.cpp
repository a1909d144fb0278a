// SPDX-License-Identifier: MIT
#include "engine/conn.hpp"
#include "engine/db.hpp"
#include "engine/table_rows.hpp"

namespace mtdb::engine {

Ref<Result> Result::of_rows(std::unique_ptr<db::Rows> rows, const Wait& wait, Ref<Cancel> cancel) {
    Ref<Result> result = Ref<Result>::adopt(new Result(nullptr, {}));
    result->kept_ = std::move(rows);
    result->wait_ = wait;
    result->cancel_ = std::move(cancel);
    return result;
}

// The calling thread is the only one in the result.
class Result::Entry {
public:
    explicit Entry(Result& result) : inside_(result.inside_) {
        if (inside_.exchange(true, std::memory_order_acquire))
            throw Error(Code::misuse, "another thread is using this result");
    }
    ~Entry() { inside_.store(false, std::memory_order_release); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

private:
    std::atomic<bool>& inside_;
};

// Enters the result, and the conn whose rows it reads. Rows in memory outlive their lease.
template <class Work>
decltype(auto) Result::reading(Work&& work) {
    if (conn_guards_) return conn_->entered(work);
    const Entry entry(*this);
    if (on_conn()) return conn_->entered(work);
    return work();
}

// Inside. While a row is shown, nobody takes the connection away.
void Result::show(bool row) noexcept {
    on_row_ = row;
    if (!on_conn() || (stmt_ && stmt_->executions_ != execution_)) return;
    conn_->show(stmt_ ? stmt_->use_ : use_, row);
}

db::Rows& Result::rows() {
    if (closed_) throw Error(Code::closed, "the result was closed");
    if (lost_ != nullptr) throw Error(Code::invalid_state, std::string("the result's rows are gone: ") + lost_);
    if (kept_ != nullptr) return *kept_;
    if (stmt_) {
        if (stmt_->use_.compiled == nullptr) throw Error(Code::closed, "the statement was closed");
        if (stmt_->executions_ != execution_)
            throw Error(Code::invalid_state,
                        "the statement was executed again, which ended this result");
        return stmt_->use_.statement();
    }
    if (use_.compiled == nullptr) throw Error(Code::closed, "the result's lease was given back");
    return use_.statement();
}

// Inside. The rows are read: nothing is held open in the engine any more. A one-shot call gives its
// lease back, and keeps what its columns were called.
void Result::done() {
    done_ = true;
    show(false);
    if (kept_ != nullptr || rowless_) return;
    if (conn_->open_rows_ == this) conn_->open_rows_ = nullptr;
    db::Rows& read = rows();
    if (conn_->options_.one_shot && conn_->lease_) {
        kept_ = std::make_unique<TableRows>(headings_of(read));
        end();
        conn_->end_lease();
    } else {
        static_cast<db::Statement&>(read).reset();
    }
}

// Inside: what is unread moves into memory, so that the connection is free for the next statement.
void Result::keep(const Wait& wait) {
    db::Rows& source = rows();
    auto table = std::make_unique<TableRows>(headings_of(source));
    table->limit(conn_->db().result_buffer_max());
    const auto add_row = [&] {
        for (int32_t i = 0; i < source.column_count(); ++i) table->add(source.value(i));
    };
    const bool shown = on_row_;
    try {
        if (shown) add_row();
        conn_->tracked(db::Control::none, [&] {
            while (source.next(wait)) add_row();
        });
    } catch (const Error& error) {
        if (error.code() != Code::limit) throw;
        lost_ = "they did not fit result_buffer_max_bytes when another statement ran";
        show(false);
        end();
        throw Error(Code::invalid_state,
                    "the rows of an open result do not fit result_buffer_max_bytes: read them or close it first")
            .with_limit("result_buffer_max_bytes");
    }
    if (shown) table->next(wait);
    show(false);
    end();
    kept_ = std::move(table);
    on_row_ = shown;
}

// Inside, or with nothing of the connection left.
void Result::end() noexcept {
    if (conn_ && conn_->open_rows_ == this) conn_->open_rows_ = nullptr;
    if (stmt_) {
        if (stmt_->use_.compiled != nullptr && stmt_->executions_ == execution_)
            stmt_->use_.statement().reset();
    } else if (use_.compiled != nullptr) {
        conn_->end_use(use_);
    }
}

int32_t Result::column_count() {
    return reading([&] { return rowless_ ? 0 : rows().column_count(); });
}

Result::ColumnFacts Result::column(int32_t index) {
    return reading([&] {
        const int32_t count = rowless_ ? 0 : rows().column_count();
        if (index < 0 || index >= count)
            throw Error(Code::invalid_argument,
                        "column " + std::to_string(index) + " of " + std::to_string(count));
        const db::Column column = rows().column(index);
        return ColumnFacts{std::string(column.name), std::string(column.declared), column.type,
                           column.nullable};
    });
}

// One block of what is left; TRUNCATED when not one row fits.
int32_t Result::fill(db::Rows& source, void* buffer, int64_t capacity, int64_t rows_max,
                     int64_t& rows_out, int64_t& used) {
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
}

int32_t Result::fetch(void* buffer, int64_t capacity, int64_t rows_max, int64_t& rows_out,
                      int64_t& used) {
    return reading([&]() -> int32_t {
        if (closed_) throw Error(Code::closed, "the result was closed");
        if (rowless_) {
            TableRows none({});
            return fill(none, buffer, capacity, rows_max, rows_out, used);
        }
        db::Rows& source = rows();
        if (on_conn()) conn_->check_usable();
        show(false);
        const auto work = [&] {
            const int32_t status = fill(source, buffer, capacity, rows_max, rows_out, used);
            // The cells of the rows that were planned for may have taken the room of this one's
            // text.
            if (status != MTDB_TRUNCATED || rows_max == 1 || used > capacity) return status;
            return fill(source, buffer, capacity, 1, rows_out, used);
        };
        const int32_t status = on_conn() ? conn_->read(work) : work();
        if (status == MTDB_DONE) done();
        return status;
    });
}

bool Result::next() {
    return reading([&] {
        if (closed_) throw Error(Code::closed, "the result was closed");
        show(false);
        if (done_) return false;
        db::Rows& source = rows();
        if (on_conn()) {
            conn_->check_usable();
            show(conn_->read([&] { return source.next(wait_); }));
        } else {
            show(source.next(wait_));
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
    if (conn_guards_ && conn_->enter_for_use()) return close_inside();
    const Entry entry(*this);
    if (closed_) return;
    if (!on_conn() || conn_guards_ || !conn_->enter_for_use()) {
        closed_ = true;
        if (kept_ != nullptr) kept_->close();
        kept_.reset();
        return;
    }
    close_inside();
}

void Result::close_inside() noexcept {
    if (!std::exchange(closed_, true)) {
        show(false);
        if (conn_->lease_) {
            end();
            if (conn_->options_.one_shot) conn_->end_lease();
        }
    }
    conn_->leave();
}

}  // namespace mtdb::engine
