// SPDX-License-Identifier: MIT
// COPY between the server and the program. libpq has it in no pipeline: it is a simple query, in
// which the guard stands in front.
#include "backends/postgres/copy.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "db/lexer.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr std::string_view copy_savepoint = "mtdb_block";
constexpr std::size_t message_bytes = 65'536;
constexpr uint32_t rows_per_look = 256;      // of a stream that never makes us wait
constexpr base::milliseconds drain_max{20};  // what nobody reads is read for so long, then stopped

bool writes_rows(std::string_view sql) {
    return mentions(sql, "insert") || mentions(sql, "update") || mentions(sql, "delete") ||
           mentions(sql, "merge");
}

Error no_data() {
    return Error(Code::invalid_argument,
                 "COPY FROM STDIN takes its data as rows of one TEXT or BYTES value each");
}

}  // namespace

CopyWay copy_way(std::string_view sql, const db::StatementFacts& facts) {
    if (facts.verb != "COPY") return CopyWay::none;
    db::Lexer lexer(sql.substr(facts.begin, facts.end - facts.begin), lexis);
    int32_t depth = 0;
    db::Token before;
    for (db::Token token = lexer.next(); token.kind != db::Token::Kind::end; token = lexer.next()) {
        if (token.is('(')) ++depth;
        if (token.is(')')) --depth;
        if (depth == 0 && (token.is("STDIN") || token.is("STDOUT"))) {
            if (before.is("FROM")) return CopyWay::in;
            if (before.is("TO")) return CopyWay::out;
        }
        before = token;
    }
    return CopyWay::none;
}

// ---- the statement ------------------------------------------------------------------------------

CopyStatement::CopyStatement(Connection& connection, std::string_view sql, db::StatementFacts facts,
                             CopyWay way)
    : connection_(connection),
      names_(connection.names_),
      sql_(sql),
      facts_(std::move(facts)),
      way_(way),
      writes_(writes_rows(sql)),
      binary_(mentions(sql, "binary")),
      other_encoding_(mentions(sql, "encoding")) {}

CopyStatement::~CopyStatement() {
    if (state_ == State::reading && names_->open) reset();
}

int32_t CopyStatement::parameter_index(std::string_view name) const {
    return way_ == CopyWay::in && (name == "1" || name == "$1") ? 1 : 0;
}

void CopyStatement::bind(int32_t index, const db::Value& value, db::Lifetime) {
    if (index != 1 || way_ != CopyWay::in ||
        (value.type != db::Type::text && value.type != db::Type::bytes))
        throw no_data();
    data_.emplace(value.view());
}

db::Column CopyStatement::column(int32_t) const {
    return {"copy", "", binary_ || other_encoding_ ? db::Type::bytes : db::Type::text, 0};
}

void CopyStatement::start(const Wait& wait) {
    affected_ = 0;
    state_ = State::idle;
    connection_.open_copy(*this, wait);
    state_ = State::reading;
    first_ = advance(wait);
}

void CopyStatement::feed(const Wait& wait) {
    if (!data_) throw no_data();
    affected_ = connection_.feed_copy(
        *this, {1, [this](int32_t) { return std::string_view(*data_); }}, wait);
    data_.reset();
    state_ = State::ended;
}

bool CopyStatement::advance(const Wait& wait) {
    try {
        if (++steps_ % rows_per_look == 0 && wait.over()) connection_.stop(wait);
        if (connection_.read_copy(*this, wait)) return true;
        state_ = State::ended;
    } catch (...) {
        reset();
        throw;
    }
    row_.reset();
    return false;
}

void CopyStatement::settle_columns(const Wait& wait) {
    if (state_ != State::idle) return;
    if (way_ == CopyWay::out) return start(wait);
    feed(wait);
    settled_ = true;
}

bool CopyStatement::next(const Wait& wait) {
    if (way_ == CopyWay::in) {
        if (state_ == State::idle) feed(wait);
        return false;
    }
    if (state_ == State::idle) start(wait);
    if (state_ == State::ended) return false;
    if (first_ || pending_) {
        first_ = pending_ = false;
        return true;
    }
    return advance(wait);
}

db::Value CopyStatement::value(int32_t) const {
    if (row_ == nullptr) return db::Value::null();
    return db::Value::text({row_.get(), static_cast<std::size_t>(row_size_)}, column(0).type);
}

void CopyStatement::run(const Wait& wait) {
    if (settled_) {  // settle_columns() had to run it
        settled_ = false;
        return;
    }
    reset();
    while (next(wait)) {
    }
}

std::optional<int64_t> CopyStatement::run_rows(const db::BlockView& rows, const Wait& wait) {
    if (way_ != CopyWay::in) return std::nullopt;
    reset();
    for (int32_t row = 0; row < rows.rows(); ++row) {
        const db::Type type = rows.at(row, 0).type;
        if (type != db::Type::text && type != db::Type::bytes) throw no_data();
    }
    affected_ = connection_.feed_copy(
        *this, {rows.rows(), [&](int32_t row) { return rows.at(row, 0).view(); }}, wait);
    return affected_;
}

void CopyStatement::reset() noexcept {
    if (state_ == State::reading) connection_.abandon(*this);
    state_ = State::idle;
    settled_ = first_ = pending_ = false;
    row_.reset();
}

// ---- the connection: both ways ------------------------------------------------------------------

void Connection::leave_pipeline() {
    if (pq_.PQexitPipelineMode(link_->get()) != 1) throw_lost();
}

void Connection::enter_pipeline() {
    if (link_->lost() || pq_.PQenterPipelineMode(link_->get()) != 1) link_->lose();
}

// Brings the session to where it must stand. Behind a pooler the COPY's own text does, unless a
// transaction holds the server's session.
void Connection::place_copy(const Wait& wait) {
    const bool alone = pooling_ == Pooling::transaction && tx_ == Tx::none;
    const bool stands = (alone || pinned_ || !placed()) && !clean_due_ && !forget_due_ &&
                        !rollback_due_ && tx_ != Tx::begun && queued_controls_.empty();
    if (!stands) stand(wait);
}

Connection::Prefix Connection::copy_prefix() const {
    if (!placed()) return {};
    if (pooling_ != Pooling::transaction || tx_ != Tx::none) return {guard_text(), 1};
    // As queue_place() has it: the session is whoever's was served last.
    Prefix prefix;
    for (const Own own : {Own::reset_all, Own::close_all, Own::unlisten, Own::drop_temporary, Own::drop_sequences,
                          Own::clean, Own::pin}) {
        std::string sql = own_sql(own);
        for (const auto& [parameter, value] : {std::pair("$1", namespace_), std::pair("$2", path_)})
            for (std::size_t at; (at = sql.find(parameter)) != sql.npos;) sql.replace(at, 2, literal(value));
        prefix.text += sql + ";";
        ++prefix.statements;
    }
    return prefix;
}

// ---- TO STDOUT ----------------------------------------------------------------------------------

void Connection::open_copy(CopyStatement& statement, const Wait& wait) {
    check_ready(wait);
    refuse_behind_pooler(statement.facts_, statement.sql_);
    check_transaction(statement.facts_);
    listens_ = listens_ || mentions(statement.sql_, "listen");
    holds_ = holds_ || takes_session_lock(statement.sql_);
    for (int tries = 0;; ++tries) {
        place_copy(wait);
        const Prefix prefix = copy_prefix();
        leave_pipeline();
        MidCopy middle(*link_);
        send_simple(prefix.text, statement.sql_, !statement.read_only(), wait);
        flight_calls_ = statement.facts_.calls;
        int32_t guards = prefix.statements;
        while (const ResultHandle result = get(wait)) {
            const ExecStatusType status = pq_.PQresultStatus(result.get());
            if (status == PGRES_COPY_OUT) {
                statement.binary_ = pq_.PQbinaryTuples(result.get()) == 1;
                reader_ = &statement;
                copying_ = true;
                middle.ended();
                return;
            }
            if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
                note_failure(Part::execute, result.get());
            else
                guards = std::max(guards - 1, 0);
        }
        middle.ended();
        enter_pipeline();
        flight_done();
        if (!failure_) throw Error(Code::internal, "a COPY TO STDOUT ended without its data");
        const bool misplaced = guards > 0 && failure_->sqlstate == state::guard_failed;
        if (!misplaced || !may_resend_script() || tries > 0) throw_failure();
    }
}

// The size of the next row, or -1 at the end of them.
int Connection::next_copy(char** data, const Wait& wait) {
    for (;;) {
        const int size = pq_.PQgetCopyData(link_->get(), data, 1);
        if (size > 0 || size == -1) return size;
        if (size < 0) throw_lost();
        switch (link_->await_input(stop_ ? stop_->slice() : wait)) {
            case Link::Ready::yes:
                break;
            case Link::Ready::lost:
                throw_lost();
            case Link::Ready::over:
                stop(wait);
        }
    }
}

// False: there are no more. Rows that come after the wait is over are dropped.
bool Connection::read_copy(CopyStatement& statement, const Wait& wait) {
    for (;;) {
        char* data = nullptr;
        const int size = next_copy(&data, wait);
        if (size < 0) break;
        statement.row_.reset(data);
        statement.row_size_ = size;
        if (!stop_) return true;
    }
    const std::optional<Error> reason = stop_ ? std::optional(stop_->reason) : std::nullopt;
    end_copy(wait);
    if (failure_) throw_failure();
    if (reason)
        throw reason->with_effect(flight_writes_ && !in_transaction() ? Effect::committed
                                                                      : Effect::none);
    return false;
}

void Connection::end_copy(const Wait& wait) {
    while (const ResultHandle result = get(wait)) {
        const ExecStatusType status = pq_.PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            note_failure(Part::execute, result.get());
    }
    copying_ = false;
    enter_pipeline();
    flight_done();
}

// As settle_flight() does it for other rows that nobody reads.
void Connection::settle_copy(const Wait& wait) {
    const Wait brief{wait.deadline.earlier(Deadline::in(drain_max)), nullptr, nullptr};
    const bool stoppable = !flight_in_tx_ && !flight_writes_;
    for (uint32_t rows = 1;; ++rows) {
        const Wait& patience = stoppable && !stop_ ? brief : wait;
        if (rows % rows_per_look == 0 && !stop_ && patience.over()) stop(patience);
        char* data = nullptr;
        if (next_copy(&data, patience) < 0) break;
        pq_.PQfreemem(data);
    }
    end_copy(wait);
    if (failure_ && flight_in_tx_) throw_failure();
    failure_.reset();
}

// ---- FROM STDIN ---------------------------------------------------------------------------------

int64_t Connection::feed_copy(CopyStatement& statement, const CopyRows& rows, const Wait& wait) {
    check_ready(wait);
    refuse_behind_pooler(statement.facts_, statement.sql_);
    check_transaction(statement.facts_);
    const bool nested = in_transaction();
    if (nested) savepoint(copy_savepoint);
    try {
        const int64_t affected = feed_guarded(statement, rows, wait);
        if (nested) release_savepoint(copy_savepoint);
        return affected;
    } catch (const Error& error) {
        if (!nested || link_->lost() || !in_transaction()) throw;
        rollback_to(copy_savepoint);
        release_savepoint(copy_savepoint);
        throw error.with_effect(Effect::none);
    }
}

int64_t Connection::feed_guarded(CopyStatement& statement, const CopyRows& rows, const Wait& wait) {
    std::optional<Error> stopped;
    copies_ = [&] {
        try {
            put_rows(rows, wait);
        } catch (const Error& error) {
            if (link_->lost()) throw;
            stopped = error;
        }
        if (pq_.PQputCopyEnd(link_->get(), stopped ? "the rows ended early" : nullptr) < 0)
            throw_lost();
    };
    struct Forget {
        std::function<void()>& work;
        ~Forget() { work = nullptr; }
    } forget{copies_};
    int64_t affected = 0;
    for (int tries = 0;; ++tries) {
        place_copy(wait);
        try {
            run_simple(copy_prefix(), statement.sql_, wait,
                       [&](const PGresult* result) { affected += affected_of(result); });
        } catch (const Error& error) {
            if (stopped && !link_->lost()) throw stopped->with_effect(error.effect());
            throw;
        }
        if (!failure_) return affected;
        if (!may_resend_script() || tries > 0) throw_failure();
    }
}

// As messages of one size: where a row ends says nothing to the server.
void Connection::put_rows(const CopyRows& rows, const Wait& wait) {
    std::string message;
    for (int32_t row = 0; row < rows.count; ++row) {
        for (std::string_view left = rows.at(row); !left.empty();) {
            const std::string_view part = left.substr(0, message_bytes - message.size());
            message += part;
            left.remove_prefix(part.size());
            if (message.size() < message_bytes) continue;
            put_copy(message, wait);
            message.clear();
        }
    }
    if (!message.empty()) put_copy(message, wait);
}

}  // namespace mtdb::backends::postgres
