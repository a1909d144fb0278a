// SPDX-License-Identifier: MIT
// The rows of a block through one statement: a flight of executions, or COPY.
#include <algorithm>

#include "backends/postgres/connection.hpp"
#include "backends/postgres/statement.hpp"
#include "base/error.hpp"
#include "db/lexer.hpp"

namespace mtdb::backends::postgres {

namespace {

constexpr std::string_view block_savepoint = "mtdb_block";
constexpr std::size_t steps_per_flush = 32;
constexpr int32_t rows_together = 64;
constexpr int64_t together_bytes_max = 1 << 20;  // of one row
constexpr std::size_t copy_chunk = 65'536;

// "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)..."
std::string insert_of(const std::string& target, int32_t columns, int32_t rows) {
    std::string sql = "INSERT INTO " + target + " VALUES ";
    for (int32_t i = 0; i < columns * rows; ++i) {
        sql += i % columns != 0 ? ", $" : i == 0 ? "($" : "), ($";
        sql += std::to_string(i + 1);
    }
    return sql + ")";
}

class Tokens {
public:
    explicit Tokens(std::string_view sql) : lexer_(sql, lexis), token_(lexer_.next()) {}
    const db::Token& now() const noexcept { return token_; }
    bool take(std::string_view word) {
        const bool is = token_.is(word);
        if (is) token_ = lexer_.next();
        return is;
    }
    bool take(char symbol) {
        const bool is = token_.is(symbol);
        if (is) token_ = lexer_.next();
        return is;
    }
    bool take_name() {
        const bool is = token_.kind == db::Token::Kind::word || token_.kind == db::Token::Kind::quoted_name;
        if (is) token_ = lexer_.next();
        return is;
    }
    bool take_parameter(int number) {
        const bool is = token_.kind == db::Token::Kind::parameter && token_.text == "$" + std::to_string(number);
        if (is) token_ = lexer_.next();
        return is;
    }

private:
    db::Lexer lexer_;
    db::Token token_;
};

}  // namespace

std::string insert_target(std::string_view sql) {
    Tokens tokens(sql);
    if (!tokens.take("INSERT") || !tokens.take("INTO")) return {};
    const std::size_t begin = tokens.now().offset;
    if (!tokens.take_name() || (tokens.take('.') && !tokens.take_name())) return {};
    int columns = 0;
    if (tokens.take('(')) {
        do {
            if (!tokens.take_name()) return {};
            ++columns;
        } while (tokens.take(','));
        if (!tokens.take(')')) return {};
    }
    const std::size_t end = tokens.now().offset;
    if (!tokens.take("VALUES") || !tokens.take('(')) return {};
    int parameters = 0;
    do {
        if (!tokens.take_parameter(++parameters)) return {};
    } while (tokens.take(','));
    if (!tokens.take(')') || tokens.now().kind != db::Token::Kind::end) return {};
    // Without a list of columns only the server knows whether these are all of them.
    if (columns != parameters) return {};
    return std::string(sql.substr(begin, end - begin));
}

// All rows in one flight: outside a transaction its segment is one, inside a savepoint takes them back.
int64_t Connection::execute_rows(Statement& statement, const db::BlockView& rows, const Wait& wait) {
    check_ready(wait);
    refuse_behind_pooler(statement.facts_, statement.sql_);
    check_transaction(statement.facts_);
    const int32_t columns = rows.columns();
    if (rows.rows() == 0) return 0;
    int64_t widest = 0;
    for (int32_t row = 0; row < rows.rows(); ++row) {  // before anything is sent
        int64_t bytes = 0;
        for (int32_t i = 0; i < columns; ++i) {
            const db::Value value = rows.at(row, i);
            Parameters::check(i, value);
            bytes += value.size + 32;
        }
        widest = std::max(widest, bytes);
    }
    if (widest > value_bytes_max)
        throw Error(Code::limit,
                    "a row has " + std::to_string(widest) + " bytes; postgres takes messages below 1 GB");
    const int32_t together = widest < together_bytes_max ? rows_together : 1;
    if (config_->copy_rows && !statement.insert_target().empty()) return copy_rows(statement, rows, wait);
    for (int tries = 0;; ++tries) {
        start_flight(statement.sql_, true);
        const bool nested = in_transaction();
        queue_prefix(Guarded::yes);
        if (nested) {
            queue_text("SAVEPOINT " + std::string(block_savepoint), Part::control);
            savepoints_.emplace_back(block_savepoint);
        }
        queue_rows(statement, rows, together, wait);
        queue_place();  // a row's trigger may have moved the path: then none of them stays
        if (nested) queue_text("RELEASE SAVEPOINT " + std::string(block_savepoint), Part::control);
        queue_sync();
        send(wait);
        finish_flight(wait);
        if (!failure_) {
            if (nested) savepoints_.pop_back();
            return rows_affected_;
        }
        if (tries == 0 && may_resend(&statement)) continue;
        if (tx_ == Tx::failed && failure_->part != Part::guard && failure_->part != Part::pin) {
            const Error error = failure_->error.with_effect(Effect::none);
            failure_.reset();
            rollback_to(block_savepoint);
            release_savepoint(block_savepoint);
            throw error;
        }
        throw_failure();
    }
}

// Rows of a plain INSERT go many to a statement, which costs the server less; the rest one by one.
void Connection::queue_rows(Statement& statement, const db::BlockView& rows, int32_t together, const Wait& wait) {
    const int32_t columns = rows.columns();
    together = std::min(together, columns > 0 ? 65'535 / columns : 1);
    if (rows.rows() < 2 * together || statement.insert_target().empty()) together = 1;
    int32_t row = 0;
    try {
        if (together > 1) {
            const std::string sql = insert_of(statement.insert_target(), columns, together);
            queue_prepare("", sql.c_str(), {Part::setup_rows});
            Parameters parameters;
            parameters.resize(columns * together);
            for (; row + together <= rows.rows() && make_way(wait); row += together) {
                for (int32_t i = 0; i < columns * together; ++i)
                    parameters.set(i, rows.at(row + i / columns, i % columns), db::Lifetime::borrowed);
                queue_prepared("", parameters.view(), Format::text, Part::execute);
            }
        }
        const bool named = pooling_ != Pooling::transaction;
        if (named && row < rows.rows()) statement.queue_prepare();
        for (; row < rows.rows() && make_way(wait); ++row) {
            for (int32_t i = 0; i < columns; ++i)
                statement.parameters_.set(i, rows.at(row, i), db::Lifetime::borrowed);
            if (named)
                statement.queue_row();
            else
                queue_query(statement.sql_.c_str(), statement.parameters_.view(), Part::execute);
        }
    } catch (...) {
        if (!link_->lost()) undo_queued(wait);
        throw;
    }
    if (!stop_) return;
    flight_undone_ = true;  // nothing of half a block stays
    queue_text("SELECT 1 OPERATOR(pg_catalog./) 0", Part::execute);
}

// Sends what is queued and takes in what is answered, so that neither side's buffers fill. False: the rest of the
// rows is of no use any more.
bool Connection::make_way(const Wait& wait) {
    if (failure_ || stop_) return false;
    if (steps_.size() % steps_per_flush != 0) return true;
    return give_way(wait);
}

bool Connection::give_way(const Wait& wait) {
    while (link_->flush_some() == Link::Ready::over) {
        const Link::Ready ready = link_->flush_or_read(stop_ ? Wait{stop_->grace, nullptr, nullptr} : wait);
        if (ready == Link::Ready::lost) throw_lost();
        if (ready == Link::Ready::over) stop(wait);
        read_ready();
    }
    if (wait.over() && !stop_) stop(wait);
    return !failure_ && !stop_;
}

// What is queued so far must not be done.
void Connection::undo_queued(const Wait& wait) {
    queue_text("SELECT 1 OPERATOR(pg_catalog./) 0", Part::execute);
    queue_sync();
    send(wait);
    finish_flight(wait);
    failure_.reset();
    if (tx_ != Tx::failed) return;
    rollback_to(block_savepoint);
    release_savepoint(block_savepoint);
}

// ---- COPY ---------------------------------------------------------------------------------------

int64_t Connection::copy_rows(Statement& statement, const db::BlockView& rows, const Wait& wait) {
    const bool nested = in_transaction();
    if (nested)
        savepoint(block_savepoint);
    else
        begin({}, wait);
    try {
        stand(wait);
        const int64_t affected = send_copy(statement, rows, wait);
        if (nested)
            release_savepoint(block_savepoint);
        else
            commit(wait);
        return affected;
    } catch (const Error& error) {
        if (link_->lost() || !in_transaction()) throw;
        if (!nested) {
            rollback();
            throw error.with_effect(Effect::rolled_back);
        }
        rollback_to(block_savepoint);
        release_savepoint(block_savepoint);
        throw error.with_effect(Effect::none);
    }
}

void Connection::put_copy(std::string_view bytes, const Wait& wait) {
    for (;;) {
        const int put = pq_.PQputCopyData(link_->get(), bytes.data(), static_cast<int>(bytes.size()));
        if (put < 0) throw_lost();
        if (put > 0) break;
        if (link_->flush(wait) == Link::Ready::lost) throw_lost();
        wait.check("the rows to be copied");
    }
    const Link::Ready ready = link_->flush(wait);
    if (ready == Link::Ready::lost) throw_lost();
    wait.check("the rows to be copied");
}

int64_t Connection::send_copy(Statement& statement, const db::BlockView& rows, const Wait& wait) {
    // On its way out an exception ends the copy, whose failure is then the transaction's.
    const std::string sql = "COPY " + statement.insert_target() + " FROM STDIN";
    int64_t affected = 0;
    std::optional<Error> stopped;
    copies_ = [&] {
        std::string bytes;
        try {
            for (int32_t row = 0; row < rows.rows(); ++row) {
                for (int32_t i = 0; i < rows.columns(); ++i)
                    statement.parameters_.set(i, rows.at(row, i), db::Lifetime::borrowed);
                statement.parameters_.append_copy_row(bytes);
                if (bytes.size() < copy_chunk && row + 1 < rows.rows()) continue;
                put_copy(bytes, wait);
                bytes.clear();
            }
        } catch (const Error& error) {
            if (link_->lost()) throw;
            stopped = error;
        }
        if (pq_.PQputCopyEnd(link_->get(), stopped ? "the rows ended early" : nullptr) < 0) throw_lost();
    };
    struct Forget {
        std::function<void()>& work;
        ~Forget() { work = nullptr; }
    } forget{copies_};
    try {
        run_simple({}, sql, wait, [&](const PGresult* result) { affected += affected_of(result); });
    } catch (const Error& error) {
        if (stopped && !link_->lost()) throw *stopped;
        throw error.with_position(0, 0);
    }
    return affected;
}

}  // namespace mtdb::backends::postgres
