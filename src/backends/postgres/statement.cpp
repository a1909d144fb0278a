// SPDX-License-Identifier: MIT
#include "backends/postgres/statement.hpp"

#include <algorithm>
#include <charconv>
#include <new>

#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr uint32_t rows_per_look = 256;  // of a stream that never makes us wait
constexpr int32_t parameters_max = 65'535;

}  // namespace

Statement::Statement(Connection& connection, std::string_view sql, db::StatementFacts facts)
    : connection_(connection),
      names_(connection.names_),
      sql_(sql),
      facts_(std::move(facts)),
      prepares_(mentions(sql, "prepare")),
      uses_prepared_(uses_prepared(sql)),
      mentions_listen_(mentions(sql, "listen")),
      may_commit_(facts_.verb == "CALL" ||
                  (facts_.verb == "DO" &&
                   (mentions(sql, "commit") || mentions(sql, "call") || mentions(sql, "execute")))),
      holds_(takes_session_lock(sql)),
      discards_all_(facts_.verb == "DISCARD" && second_word(sql_, facts_) == "ALL") {
    if (facts_.parameters > parameters_max)
        throw Error(Code::limit, "a statement takes " + std::to_string(parameters_max) + " parameters");
    parameters_.resize(facts_.parameters);
}

Statement::~Statement() {
    if (state_ == State::reading && names_->open) reset();
    forget(true);
}

void Statement::forget(bool still_there) noexcept {
    if (made_ && still_there && epoch_ == names_->epoch) {
        try {
            names_->closing.push_back(std::move(name_));
        } catch (const std::bad_alloc&) {
            // It stays at the server until the session ends.
        }
    }
    name_.clear();
    made_ = false;
}

// ---- parameters ---------------------------------------------------------------------------------

int32_t Statement::parameter_index(std::string_view name) const {
    if (name.starts_with('$')) name.remove_prefix(1);
    int32_t index = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool whole = end.ec == std::errc() && end.ptr == name.data() + name.size();
    return whole && index >= 1 && index <= facts_.parameters ? index : 0;
}

void Statement::bind(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    if (index < 1 || index > facts_.parameters)
        throw Error(Code::invalid_argument, "parameter " + std::to_string(index) + " is not between 1 and " +
                                                std::to_string(facts_.parameters));
    parameters_.set(index - 1, value, lifetime);
}

// ---- flights ------------------------------------------------------------------------------------

// One that runs once, such as DDL, is not worth a name at the server.
bool Statement::worth_a_name() const noexcept {
    if (connection_.pooling_ == Pooling::transaction || facts_.control != db::Control::none) return false;
    for (const std::string_view verb : {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "TABLE", "MERGE"})
        if (facts_.verb == verb) return true;
    return false;
}

void Statement::queue_prepare() {
    const bool stands = made_ && epoch_ == names_->epoch && shape_epoch_ == connection_.shape_epoch_;
    fresh_ = !stands;
    if (stands) return;
    forget(true);
    name_ = "s" + std::to_string(++names_->last);
    epoch_ = names_->epoch;
    shape_epoch_ = connection_.shape_epoch_;
    connection_.queue_prepare(name_.c_str(), sql_.c_str(), {Connection::Part::prepare});
    connection_.preparing_ = this;
}

void Statement::queue() {
    row_.reset();
    first_ = pending_ = false;
    // A name costs the server memory and a statement that closes it: the first run goes without.
    if (!worth_a_name() || !ran_) {
        fresh_ = true;
        format_ = Format::text;
        connection_.queue_query(sql_.c_str(), parameters_.view(), Connection::Part::execute);
        return;
    }
    queue_prepare();
    const bool binary = !fresh_ && !columns_.empty() &&
                        std::all_of(columns_.begin(), columns_.end(),
                                    [](const ColumnFacts& column) { return has_binary(*column.rule); });
    format_ = binary ? Format::binary : Format::text;
    connection_.queue_prepared(name_.c_str(), parameters_.view(), format_, Connection::Part::execute);
}

void Statement::queue_row() {
    connection_.queue_prepared(name_.c_str(), parameters_.view(), Format::text, Connection::Part::execute);
}

void Statement::take_columns(const PGresult* result) {
    const Libpq& pq = connection_.pq_;
    columns_.clear();
    const int count = pq.PQnfields(result);
    for (int i = 0; i < count; ++i) {
        const Oid oid = pq.PQftype(result, i);
        columns_.push_back({pq.PQfname(result, i), &rule_of(oid), oid});
    }
}

void Statement::take_end(const PGresult* result) {
    affected_ = affected_of(result);
    tag_ = connection_.pq_.PQcmdStatus(const_cast<PGresult*>(result));  // libpq only reads it
    // Results may look different from here on.
    if (!worth_a_name() && facts_.control == db::Control::none && !facts_.read_only) ++connection_.shape_epoch_;
    if (facts_.verb == "DISCARD" || facts_.verb == "DEALLOCATE") connection_.forget_prepared();
}

void Statement::take_first(ResultHandle result, const Wait& wait) {
    const ExecStatusType status = connection_.pq_.PQresultStatus(result.get());
    ran_ = true;
    // The columns of a prepared statement cannot change.
    if (fresh_ || columns_.empty()) take_columns(result.get());
    state_ = State::reading;
    if (status == PGRES_SINGLE_TUPLE) {
        row_ = std::move(result);
        first_ = true;
        if (connection_.stopping()) end_stopped(wait);
        return;
    }
    take_end(result.get());
    advance(wait);
}

// ---- running ------------------------------------------------------------------------------------

void Statement::start(const Wait& wait) {
    settled_ = false;
    affected_ = 0;
    tag_.clear();
    try {
        connection_.execute(*this, wait);
    } catch (...) {
        state_ = State::idle;
        row_.reset();
        throw;
    }
}

bool Statement::advance(const Wait& wait) {
    try {
        for (;;) {
            if (++steps_ % rows_per_look == 0 && wait.over()) connection_.stop(wait);
            ResultHandle result = connection_.next_row(wait);
            if (result == nullptr) break;
            if (connection_.pq_.PQresultStatus(result.get()) == PGRES_SINGLE_TUPLE) {
                row_ = std::move(result);
                scratch_.clear();
                if (connection_.stopping()) end_stopped(wait);
                return true;
            }
            take_end(result.get());
        }
        row_.reset();
        state_ = State::ended;
        check_commit();
        return false;
    } catch (...) {
        row_.reset();
        state_ = State::idle;
        throw;
    }
}

// The wait ended among the rows: what is left of them is dropped.
void Statement::end_stopped(const Wait& wait) {
    const Error reason = connection_.stop_->reason;
    while (connection_.next_row(wait) != nullptr) {
    }
    state_ = State::idle;
    row_.reset();
    const bool done = !facts_.read_only && !connection_.in_transaction();
    throw reason.with_effect(done ? Effect::committed : Effect::none);
}

void Statement::check_commit() const {
    if (facts_.control != db::Control::commit || tag_ != "ROLLBACK") return;
    throw Error(Code::tx_lost, "the transaction had failed: it was rolled back")
        .with_native("postgres", 0)
        .with_effect(Effect::rolled_back);
}

bool Statement::writes_without_rows() const noexcept {
    return !facts_.returning && (facts_.verb == "INSERT" || facts_.verb == "UPDATE" || facts_.verb == "DELETE");
}

void Statement::settle_columns(const Wait& wait) {
    if (state_ != State::idle || writes_without_rows()) return;
    start(wait);
    settled_ = state_ == State::ended && columns_.empty();
}

void Statement::run(const Wait& wait) {
    if (settled_) {  // settle_columns() had to run it
        settled_ = false;
        return;
    }
    reset();
    start(wait);
    if (state_ == State::ended) return;
    while (advance(wait)) {
    }
}

void Statement::reset() noexcept {
    if (state_ == State::reading) connection_.abandon(*this);
    state_ = State::idle;
    settled_ = first_ = pending_ = false;
    row_.reset();
}

// ---- rows ---------------------------------------------------------------------------------------

db::Column Statement::column(int32_t index) const {
    const ColumnFacts& column = columns_[static_cast<std::size_t>(index)];
    std::string_view declared = column.rule->name;
    if (declared.empty()) {
        if (column.user_type.empty() && connection_.config_->type_name)
            column.user_type = connection_.config_->type_name(connection_.server_, column.oid);
        declared = column.user_type;
    }
    return {column.name, declared, column.rule->type};
}

bool Statement::next(const Wait& wait) {
    values_.clear();
    if (!to_row(wait)) return false;
    const int32_t columns = column_count();
    for (int32_t i = 0; i < columns; ++i) values_.push_back(cell(i));
    return true;
}

bool Statement::to_row(const Wait& wait) {
    if (state_ == State::idle) start(wait);
    if (state_ == State::ended) return false;
    if (first_) {
        first_ = false;
        return true;
    }
    if (pending_) {
        pending_ = false;
        return true;
    }
    return advance(wait);
}

db::Value Statement::cell(int32_t index) const {
    const Libpq& pq = connection_.pq_;
    const PGresult* const row = row_.get();
    if (pq.PQgetisnull(row, 0, index) != 0) return db::Value::null();
    return decode(*columns_[static_cast<std::size_t>(index)].rule, format_, pq.PQgetvalue(row, 0, index),
                  pq.PQgetlength(row, 0, index), scratch_);
}

db::Value Statement::value(int32_t index) const {
    const auto at = static_cast<std::size_t>(index);
    return row_ == nullptr || at >= values_.size() ? db::Value::null() : values_[at];
}

// As cell(), without the way over a value where the bytes can be taken as they are.
void Statement::put_cell(db::BlockWriter& writer, int32_t index) const {
    const Libpq& pq = connection_.pq_;
    const PGresult* const row = row_.get();
    const TypeRule& rule = *columns_[static_cast<std::size_t>(index)].rule;
    const int size = pq.PQgetlength(row, 0, index);
    if (size == 0 && pq.PQgetisnull(row, 0, index) != 0) return writer.put_null(index);
    const char* const data = pq.PQgetvalue(row, 0, index);
    if (rule.decoder == Decoder::text) {
        writer.put_bytes(index, rule.type, data, size);
    } else if (format_ == Format::binary && rule.decoder == Decoder::int64 && size == 8) {
        writer.put_slot(index, db::Type::int64, big_endian_int64(data));
    } else if (format_ == Format::binary && rule.decoder == Decoder::int32 && size == 4) {
        writer.put_slot(index, db::Type::int64, big_endian_int32(data));
    } else {
        writer.put_value(index, decode(rule, format_, data, size, scratch_));
        scratch_.clear();
    }
}

db::Fill Statement::fill(db::BlockWriter& writer, const Wait& wait) {
    if (state_ == State::idle) start(wait);
    if (state_ == State::ended) return db::Fill::done;
    const int32_t columns = column_count();
    if (columns != writer.columns()) {
        reset();
        throw Error(Code::serialization, "the columns of the result changed: run the statement again");
    }
    while (writer.has_room()) {
        if (first_ || pending_)
            first_ = pending_ = false;
        else if (!advance(wait))
            return db::Fill::done;
        writer.begin_row();
        for (int32_t i = 0; i < columns; ++i) put_cell(writer, i);
        pending_ = !writer.end_row();
        if (pending_) return writer.rows() > 0 ? db::Fill::more : db::Fill::too_small;
    }
    return db::Fill::more;
}

const std::string& Statement::insert_target() {
    if (!insert_target_) insert_target_ = postgres::insert_target(sql_);
    return *insert_target_;
}

std::optional<int64_t> Statement::run_rows(const db::BlockView& rows, const Wait& wait) {
    if (!worth_a_name() && connection_.pooling_ != Pooling::transaction) return std::nullopt;
    if (facts_.read_only || facts_.returning || facts_.control != db::Control::none) return std::nullopt;
    reset();
    affected_ = connection_.execute_rows(*this, rows, wait);
    parameters_.clear();
    return affected_;
}

}  // namespace mtdb::backends::postgres
