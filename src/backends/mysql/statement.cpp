// SPDX-License-Identifier: MIT
#include "backends/mysql/statement.hpp"

#include <algorithm>
#include <utility>

#include "db/lexer.hpp"

namespace mtdb::backends::mysql {
namespace {

constexpr uint32_t steps_per_look = 64;  // rows between two looks at the wait
constexpr uint32_t last_prepared = 0xffffffff;
constexpr std::size_t batch_bytes = 4 << 20;
constexpr base::milliseconds reset_patience(20);  // for rows nobody reads, before they are cancelled
constexpr uint32_t unknown_statement = 1243;
constexpr uint32_t unknown_savepoint = 1305;
constexpr std::string_view watch_savepoint = "mtdb_watch";
constexpr uint32_t not_preparable = 1295, too_many_prepared = 1461;
constexpr std::string_view rows_savepoint = "mtdb_rows";

bool changes_rows(std::string_view verb) noexcept {
    return verb == "INSERT" || verb == "UPDATE" || verb == "DELETE" || verb == "REPLACE";
}

}  // namespace

std::optional<Tuple> tuple_of(std::string_view sql, int32_t parameters) {
    db::Lexer lexer(sql, lexis);
    db::Token token = lexer.next();
    if (!token.is("INSERT") && !token.is("REPLACE")) return std::nullopt;
    int32_t depth = 0;
    for (; !token.is("VALUES") && !token.is("VALUE"); token = lexer.next()) {
        using Kind = db::Token::Kind;
        if (token.kind == Kind::end || token.kind == Kind::parameter || token.is("SELECT") || token.is("SET"))
            return std::nullopt;
    }
    token = lexer.next();
    if (!token.is('(')) return std::nullopt;
    const std::size_t begin = token.offset;
    int32_t seen = 0;
    for (;; token = lexer.next()) {
        if (token.kind == db::Token::Kind::end) return std::nullopt;
        if (token.kind == db::Token::Kind::parameter) ++seen;
        if (token.is('(')) ++depth;
        if (token.is(')') && --depth == 0) break;
    }
    const std::size_t end = lexer.offset();
    if (lexer.next().kind != db::Token::Kind::end || seen != parameters) return std::nullopt;
    return Tuple{sql.substr(0, begin), sql.substr(begin, end - begin)};
}

Statement::Statement(Connection& connection, std::string_view sql, const db::StatementFacts& facts,
                     base::Position at)
    : connection_(connection),
      link_(connection.link()),
      sql_(sql),
      facts_(facts),
      impact_(impact_of(sql_, facts)),
      at_(at),
      values_bound_(static_cast<std::size_t>(facts.parameters)),
      copies_(static_cast<std::size_t>(facts.parameters)) {}

Statement::~Statement() {
    if (link_->connection == nullptr) return;
    reset();
    try {
        forget_prepared();
    } catch (...) {  // then it stays on the server until the session is reset
    }
}

db::Column Statement::column(int32_t index) const {
    const Field& field = fields_[static_cast<std::size_t>(index)];
    return {field.name, field.declared, field.type, field.nullable};
}

// ---- parameters ---------------------------------------------------------------------------------

void Statement::bind(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    if (index < 1 || index > parameter_count())
        throw Error(Code::invalid_argument, "there is no parameter " + std::to_string(index) +
                                                "; the statement has " + std::to_string(parameter_count()));
    if (reading()) throw Error(Code::invalid_state, "the statement is being read: reset it before you bind");
    static_cast<void>(parameter_type(value));  // refuses what is no type
    const auto at = static_cast<std::size_t>(index - 1);
    db::Value& bound = values_bound_[at];
    bound = value;
    if (lifetime == db::Lifetime::copied && db::carrier_of(value.type) == db::Carrier::bytes) {
        copies_[at].assign(value.data == nullptr ? "" : value.data, static_cast<std::size_t>(value.size));
        bound.data = copies_[at].data();
    }
    state_ = State::idle;
}

void Statement::clear_bindings() noexcept {
    for (db::Value& value : values_bound_) value = db::Value::null();
    for (std::string& copy : copies_) copy.clear();
}

void Statement::set_order(const std::vector<int32_t>& order, int32_t parameters) {
    if (order.size() != placeholders())
        throw Error(Code::internal, "the order of " + std::to_string(order.size()) + " placeholders for " +
                                        std::to_string(placeholders()));
    order_ = order;
    values_bound_.assign(static_cast<std::size_t>(parameters), db::Value::null());
    copies_.assign(static_cast<std::size_t>(parameters), {});
}

int32_t Statement::column_of(std::size_t placeholder) const noexcept {
    return order_.empty() ? static_cast<int32_t>(placeholder) : order_[placeholder] - 1;
}

const db::Value& Statement::value_at(std::size_t placeholder) const noexcept {
    return values_bound_[static_cast<std::size_t>(column_of(placeholder))];
}

// The null bitmap, the types and the values.
void Statement::append_values(std::string& payload) const {
    const std::size_t count = placeholders();
    const std::size_t nulls = payload.size();
    payload.append((count + 7) / 8, '\0');
    payload += '\1';
    for (std::size_t i = 0; i < count; ++i) {
        const db::Value& value = value_at(i);
        if (value.type == db::Type::null)
            payload[nulls + i / 8] =
                static_cast<char>(static_cast<uint8_t>(payload[nulls + i / 8]) | 1U << (i % 8));
        append_fixed(payload, parameter_type(value), 2);
    }
    for (std::size_t i = 0; i < count; ++i) append_parameter(payload, value_at(i));
}

// ---- running ------------------------------------------------------------------------------------

Attempt Statement::attempt() const noexcept {
    return {!read_only(),
            facts_.control == db::Control::commit,
            connection_.in_transaction(),
            changes_rows(facts_.verb) || read_only(),
            sql_,
            at_,
            impact_.partly,
            facts_.calls};
}

bool Statement::is_prepared() const noexcept {
    return remote_ && remote_->epoch == connection_.epoch() && remote_->database == connection_.database();
}

void Statement::forget_prepared() {
    if (remote_ && remote_->epoch == connection_.epoch()) connection_.close_later(remote_->prepared.id);
    remote_.reset();
}

void Statement::prepare(Operation& operation) {
    if (is_prepared()) return;
    forget_prepared();
    Prepared prepared;
    session().send(Command::prepare, sql_);
    if (const auto error = session().read_prepared(prepared)) fail(operation, *error);
    remote_ = Remote{std::move(prepared), connection_.epoch(), connection_.database()};
    if (remote_->prepared.parameters == placeholders()) return;
    const std::string seen = std::to_string(remote_->prepared.parameters);
    operation.settle();
    throw Error(Code::invalid_argument, "the statement has " + seen + " placeholders for the server, " +
                                            std::to_string(placeholders()) + " by its text");
}

// Both in one trip; the server takes the last prepared statement for the id that is not known yet.
Reply Statement::execute_directly(Operation& operation, std::string& payload) {
    forget_prepared();
    {
        const Session::Together together(session());
        session().send(Command::prepare, sql_);
        session().send(Command::execute, payload);
    }
    Prepared prepared;
    const auto error = session().read_prepared(prepared);
    Reply reply = session().read_reply();
    if (error) {
        if (reply.kind != Reply::Kind::error) session().set_broken();  // something else ran
        const bool need_not = error->number == not_preparable || error->number == too_many_prepared;
        if (placeholders() > 0 || !need_not || session().broken()) fail(operation, *error);
        text_only_ = true;
        return run_text();
    }
    if (prepared.parameters != placeholders()) {
        session().set_broken();
        throw Error(Code::internal, "the server sees other placeholders than the text has")
            .with_effect(Effect::unknown);
    }
    remote_ = Remote{std::move(prepared), connection_.epoch(), connection_.database()};
    return reply;
}

Reply Statement::execute(Operation& operation) {
    std::string payload;
    std::size_t size = sql_.size() + 16 * placeholders();
    for (std::size_t i = 0; i < placeholders(); ++i) size += parameter_size(value_at(i));
    connection_.check_size(size);
    payload.reserve(size);
    append_fixed(payload, last_prepared, 4);
    append_fixed(payload, 0, 1);  // no cursor
    append_fixed(payload, 1, 4);  // once
    if (placeholders() > 0) append_values(payload);
    connection_.note(impact_);
    // Where a SET may have moved the quotes, the placeholders are counted by the server first.
    const bool direct = session().direct() && impact_.plain && !connection_.is_dirty();
    if (!is_prepared() && direct) {
        Reply reply = execute_directly(operation, payload);
        if (reply.kind != Reply::Kind::error || reply.error.number != unknown_statement) return reply;
        session().forbid_direct();
    }
    prepare(operation);
    std::string id;
    append_fixed(id, remote_->prepared.id, 4);
    payload.replace(0, 4, id);
    session().send(Command::execute, payload);
    return session().read_reply();
}

// Without parameters: what runs again in the same session. Its rows cost both sides less in binary.
bool Statement::worth_preparing() const noexcept {
    const bool can = facts_.verb == "SELECT" && read_only() && !text_only_ && session().direct();
    return can && !connection_.is_dirty() && (is_prepared() || text_epoch_ == connection_.epoch());
}

Reply Statement::run_text() {
    protocol_ = Protocol::text;
    connection_.note(impact_);
    if (session().send(Command::query, sql_)) return session().read_reply();
    return {.kind = Reply::Kind::error, .error = session().said()};
}

void Statement::start(Operation& operation, const Wait& wait) {
    connection_.enter(this, wait);
    affected_ = 0;
    rows_ = 0;
    steps_ = 0;
    pending_ = false;
    attempt_ = attempt();
    if (facts_.control == db::Control::begin && attempt_.in_transaction)  // which the server would commit
        throw Error(Code::invalid_state, "a transaction is open already");
    connection_.stand(operation);
    watch();
    Reply reply;
    if (placeholders() > 0 || worth_preparing()) {
        protocol_ = Protocol::binary;
        reply = execute(operation);
    } else {
        connection_.check_size(sql_.size());
        reply = run_text();
    }
    take(operation, std::move(reply));
}

void Statement::take(Operation& operation, Reply reply) {
    if (reply.kind == Reply::Kind::error) fail(operation, reply.error);
    if (reply.kind == Reply::Kind::rows) {
        if (!reply.fields.empty()) {
            fields_ = std::move(reply.fields);
            if (remote_ && protocol_ == Protocol::binary) remote_->prepared.fields = fields_;
            const auto rounded = [](const Field& each) { return each.rounded; };
            if (protocol_ == Protocol::text && std::none_of(fields_.begin(), fields_.end(), rounded))
                text_epoch_ = connection_.epoch();
        } else if (remote_ && protocol_ == Protocol::binary) {
            fields_ = remote_->prepared.fields;
        }
        state_ = State::rows;
        connection_.set_reading(this);
        return;
    }
    fields_.clear();
    connection_.note(reply);
    affected_ = read_only() ? 0 : static_cast<int64_t>(reply.affected);
    ServerError error;
    if (session().more_results() && session().drain_more(error) == Session::Row::error) fail(operation, error);
    done();
    operation.settle();
    if (!read_only()) connection_.fetch_warnings(reply.warnings);
    if (!check_watched()) throw exchanged();
}

// A routine may commit the transaction and begin another, which no state of the session tells. A savepoint is gone
// then.
void Statement::watch() {
    watched_ = attempt_.in_transaction && impact_.partly && facts_.control == db::Control::none &&
               session().run("SAVEPOINT " + std::string(watch_savepoint)).kind == Reply::Kind::ok;
}

// False: the transaction is another one; it was rolled back.
bool Statement::check_watched() {
    if (!std::exchange(watched_, false) || session().broken() || !connection_.in_transaction()) return true;
    const Reply released = session().run("RELEASE SAVEPOINT " + std::string(watch_savepoint));
    if (released.kind != Reply::Kind::error || released.error.number != unknown_savepoint) return true;
    connection_.rollback();
    return false;
}

Error Statement::exchanged() const {
    return Error(Code::tx_lost, "the statement ended the transaction and began another, which was rolled back")
        .with_effect(Effect::committed);
}

void Statement::done() noexcept {
    state_ = State::ended;
    pending_ = false;
    if (connection_.reading() == this) connection_.set_reading(nullptr);
}

void Statement::fail(Operation& operation, const ServerError& said) {
    done();
    state_ = State::idle;
    const Error error = connection_.failure(operation, said, attempt_);
    if (!check_watched()) throw error.with_effect(Effect::committed);
    throw error;
}

// The wait is over while rows are read: what is left of them is dropped.
void Statement::stop(Operation& operation) {
    operation.interrupt();
    ServerError error;
    const Session::Row row = session().drain(error);
    if (row == Session::Row::error) fail(operation, error);
    done();
    state_ = State::idle;
    operation.settle();
    const bool wrote = attempt_.writes && !attempt_.in_transaction;
    throw operation.error("the rows").with_effect(wrote ? Effect::committed : Effect::none);
}

// An operation whose wait was over has a kill under way: it is not left before that has settled.
void Statement::require_in_time(Operation& operation) {
    if (state_ == State::rows && operation.over()) stop(operation);
}

void Statement::end_rows(Operation& operation) {
    ServerError error;
    if (session().more_results() && session().drain_more(error) == Session::Row::error) fail(operation, error);
    if (facts_.returning) affected_ = rows_;
    done();
    operation.settle();
    if (!check_watched()) throw exchanged();
}

Statement::Step Statement::step(Operation& operation) {
    ServerError error;
    const Session::Row row = session().read_row(packet_, error);
    if (row == Session::Row::error) fail(operation, error);
    if (row == Session::Row::end) {
        end_rows(operation);
        return Step::end;
    }
    ++rows_;
    if (operation.over()) stop(operation);
    return Step::row;
}

bool Statement::next(const Wait& wait) {
    if (state_ == State::ended) return false;
    Operation operation(session(), wait, Operation::Kill::allowed);
    if (state_ == State::idle) start(operation, wait);
    if (state_ == State::ended) return false;
    if (!std::exchange(pending_, false)) {
        if (++steps_ % steps_per_look == 0 && wait.over()) stop(operation);
        if (step(operation) == Step::end) return false;
        require_in_time(operation);
    }
    // The packet is in the session's own buffer, which has one byte more.
    decoder().decode(const_cast<char*>(packet_.data()), packet_.size(), values_, store_);
    return true;
}

void Statement::settle_columns(const Wait& wait) {
    if (state_ != State::idle) return;
    Operation operation(session(), wait, Operation::Kill::allowed);
    start(operation, wait);
    require_in_time(operation);
}

db::Fill Statement::fill(db::BlockWriter& writer, const Wait& wait) {
    if (state_ == State::ended) return db::Fill::done;
    Operation operation(session(), wait, Operation::Kill::allowed);
    if (state_ == State::idle) start(operation, wait);
    if (state_ == State::ended) return db::Fill::done;
    if (writer.columns() != column_count()) {
        reset();
        throw Error(Code::serialization, "the columns of the result changed: run the statement again");
    }
    const RowDecoder decode = decoder();
    while (writer.has_room()) {
        if (!pending_) {
            if (++steps_ % steps_per_look == 0 && wait.over()) stop(operation);
            if (step(operation) == Step::end) return db::Fill::done;
        }
        writer.begin_row();
        decode.put(packet_, writer);
        pending_ = !writer.end_row();
        if (!pending_) continue;
        require_in_time(operation);
        return writer.rows() > 0 ? db::Fill::more : db::Fill::too_small;
    }
    require_in_time(operation);
    return db::Fill::more;
}

void Statement::run(const Wait& wait) {
    reset();
    Operation operation(session(), wait, Operation::Kill::allowed);
    start(operation, wait);
    while (state_ == State::rows) {
        if (++steps_ % steps_per_look == 0 && wait.over()) stop(operation);
        step(operation);
    }
}

void Statement::reset() noexcept {
    if (state_ == State::rows) {
        try {
            const Wait patience{Deadline::in(reset_patience), nullptr, nullptr};
            Operation operation(session(), patience, Operation::Kill::allowed);
            ServerError error;
            session().drain(error);
            operation.settle();
            if (attempt_.in_transaction && !session().broken() && error.number != 0) session().probe();
        } catch (...) {
            session().set_broken();
        }
        if (connection_.reading() == this) connection_.set_reading(nullptr);
    }
    state_ = State::idle;
    pending_ = false;
}

// ---- many rows ----------------------------------------------------------------------------------

bool Statement::can_run_rows(const db::BlockView& view) const noexcept {
    if (!impact_.plain || facts_.returning || placeholders() == 0 || !changes_rows(facts_.verb)) return false;
    if (!session().bulk() && !tuple_of(sql_, facts_.parameters)) return false;
    for (int32_t i = 0; i < view.columns(); ++i)
        if (view.column_type(i) == db::Type::variant) return false;
    return true;
}

// Every row fits into a packet, before the first one is sent.
void Statement::check_rows(const db::BlockView& view) const {
    for (int32_t row = 0; row < view.rows(); ++row) {
        std::size_t size = 16;
        for (std::size_t i = 0; i < placeholders(); ++i) size += parameter_size(view.at(row, column_of(i))) + 3;
        connection_.check_size(size);
    }
}

void Statement::append_row(std::string& payload, const db::BlockView& view, int32_t row) const {
    for (std::size_t i = 0; i < placeholders(); ++i) {
        const db::Value value = view.at(row, column_of(i));
        const bool null = value.type == db::Type::null;
        payload += null ? '\1' : '\0';
        if (!null) append_parameter(payload, value);
    }
}

int64_t Statement::run_batch(Operation& operation, Command command, std::string_view payload) {
    session().send(command, payload);
    const Reply reply = session().read_reply();
    if (reply.kind == Reply::Kind::error) fail(operation, reply.error);
    connection_.note(reply);
    if (operation.over()) {
        operation.settle();
        throw operation.error("the rows");
    }
    return static_cast<int64_t>(reply.affected);
}

// Rows of parameters in one command: MariaDB.
int64_t Statement::run_bulk(Operation& operation, const db::BlockView& view) {
    prepare(operation);
    std::string head;
    append_fixed(head, remote_->prepared.id, 4);
    append_fixed(head, 128, 2);  // the types follow
    for (std::size_t i = 0; i < placeholders(); ++i) {
        db::Value shape;
        shape.type = view.column_type(column_of(i));
        if (shape.type == db::Type::null) shape.type = db::Type::text;
        append_fixed(head, parameter_type(shape), 2);
    }
    const std::size_t full = std::min<std::size_t>(batch_bytes, session().packet_max() / 2);
    int64_t affected = 0;
    std::string payload = head;
    std::string row_bytes;
    for (int32_t row = 0; row < view.rows(); ++row) {
        row_bytes.clear();
        append_row(row_bytes, view, row);
        if (payload.size() > head.size() && payload.size() + row_bytes.size() > full) {
            affected += run_batch(operation, Command::execute_bulk, payload);
            payload.resize(head.size());
        }
        payload += row_bytes;
    }
    return affected + run_batch(operation, Command::execute_bulk, payload);
}

// Several rows of values in one INSERT: servers without bulk commands.
int64_t Statement::run_tuples(Operation& operation, const db::BlockView& view) {
    constexpr std::size_t parameters_max = 65535;
    constexpr std::size_t rows_max = 500;
    const Tuple tuple = *tuple_of(sql_, facts_.parameters);
    const std::size_t full = std::min<std::size_t>(batch_bytes, session().packet_max() / 2);
    const std::size_t most = std::max<std::size_t>(std::min(rows_max, parameters_max / placeholders()), 1);
    const auto size_of = [&](int32_t row) {
        std::size_t size = tuple.values.size() + 1;
        for (std::size_t i = 0; i < placeholders(); ++i) size += parameter_size(view.at(row, column_of(i))) + 3;
        return size;
    };
    int64_t affected = 0;
    Prepared prepared;
    std::size_t prepared_rows = 0;
    for (int32_t row = 0; row < view.rows();) {
        std::size_t count = 0;
        for (std::size_t size = 0; count < most && row + static_cast<int32_t>(count) < view.rows(); ++count) {
            size += size_of(row + static_cast<int32_t>(count));
            if (count > 0 && size > full) break;
        }
        if (count != prepared_rows) {
            if (prepared_rows != 0) connection_.close_later(prepared.id);
            std::string text(tuple.head);
            for (std::size_t i = 0; i < count; ++i) text.append(i > 0 ? "," : "").append(tuple.values);
            session().send(Command::prepare, text);
            if (const auto error = session().read_prepared(prepared)) fail(operation, *error);
            prepared_rows = count;
        }
        const std::size_t values = count * placeholders();
        std::string payload;
        append_fixed(payload, prepared.id, 4);
        append_fixed(payload, 0, 1);
        append_fixed(payload, 1, 4);
        const std::size_t nulls = payload.size();
        payload.append((values + 7) / 8, '\0');
        payload += '\1';
        std::string bytes;
        for (std::size_t i = 0; i < values; ++i) {
            const auto at = row + static_cast<int32_t>(i / placeholders());
            const db::Value value = view.at(at, column_of(i % placeholders()));
            append_fixed(payload, parameter_type(value), 2);
            char& mask = payload[nulls + i / 8];
            if (value.type == db::Type::null) mask = static_cast<char>(static_cast<uint8_t>(mask) | 1U << (i % 8));
            append_parameter(bytes, value);
        }
        affected += run_batch(operation, Command::execute, payload + bytes);
        row += static_cast<int32_t>(count);
    }
    connection_.close_later(prepared.id);
    return affected;
}

std::optional<int64_t> Statement::run_rows(const db::BlockView& view, const Wait& wait) {
    reset();
    if (!can_run_rows(view)) return std::nullopt;
    affected_ = 0;
    if (view.rows() == 0) return 0;
    check_rows(view);
    connection_.enter(this, wait);
    const bool nested = connection_.in_transaction();
    if (nested)
        connection_.savepoint(rows_savepoint);
    else
        connection_.begin({}, wait);
    try {
        Operation operation(session(), wait, Operation::Kill::allowed);
        connection_.stand(operation);
        connection_.note(impact_);
        attempt_ = attempt();
        affected_ = session().bulk() ? run_bulk(operation, view) : run_tuples(operation, view);
        operation.settle();
    } catch (const Error& error) {
        affected_ = 0;
        state_ = State::idle;
        if (!connection_.in_transaction()) {  // ended by the failure, or with the connection
            if (nested || !session().broken()) throw;
            throw error.with_effect(Effect::rolled_back);
        }
        if (nested) {
            connection_.rollback_to(rows_savepoint);
            connection_.release_savepoint(rows_savepoint);
        } else {
            connection_.rollback();
        }
        throw error.with_effect(nested ? Effect::none : Effect::rolled_back);
    } catch (const std::bad_alloc&) {
        session().set_broken();  // which undoes them
        throw;
    }
    if (nested)
        connection_.release_savepoint(rows_savepoint);
    else
        connection_.commit(wait);
    state_ = State::idle;
    return affected_;
}

}  // namespace mtdb::backends::mysql
