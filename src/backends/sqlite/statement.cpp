// SPDX-License-Identifier: MIT
#include "backends/sqlite/statement.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "backends/sqlite/errors.hpp"
#include "backends/sqlite/values.hpp"
#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

// Rows of a cursor between two looks at the deadline; a power of 2.
constexpr uint32_t steps_per_look = 64;

std::string_view text_of(const char* text) noexcept {
    return text == nullptr ? std::string_view{} : text;
}

sqlite3_destructor_type destructor_of(db::Lifetime lifetime) noexcept {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
    return lifetime == db::Lifetime::borrowed ? SQLITE_STATIC : SQLITE_TRANSIENT;
#pragma GCC diagnostic pop
}

}  // namespace

Statement::Statement(Connection& connection, sqlite3_stmt* statement, const Nature& nature) noexcept
    : connection_(connection),
      statement_(statement),
      parameters_(sqlite3_bind_parameter_count(statement)),
      control_(nature.control),
      read_only_(sqlite3_stmt_readonly(statement) != 0 && !nature.writes_unseen),
      held_back_(nature.held_back),
      look_mask_(nature.calls_functions ? 0 : steps_per_look - 1) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

db::Column Statement::column(int32_t index) const {
    return {text_of(sqlite3_column_name(statement_, index)),
            text_of(sqlite3_column_decltype(statement_, index))};
}

int32_t Statement::parameter_index(std::string_view name) const {
    const bool sigil =
        !name.empty() && std::string_view(":@$?").find(name.front()) != std::string_view::npos;
    const int32_t count = parameter_count();
    for (int32_t i = 1; i <= count; ++i) {
        const std::string_view own = text_of(sqlite3_bind_parameter_name(statement_, i));
        if (own.empty()) continue;
        if (own == name || (!sigil && own.substr(1) == name)) return i;
    }
    return 0;
}

int Statement::bind_text(int32_t index, std::string_view text, sqlite3_destructor_type lifetime) {
    // A null pointer would bind NULL.
    const char* data = text.data() == nullptr ? "" : text.data();
    return sqlite3_bind_text64(statement_, index, data, text.size(), lifetime, SQLITE_UTF8);
}

int Statement::bind_value(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    using db::Type;
    switch (value.type) {
        case Type::null:
            return sqlite3_bind_null(statement_, index);
        case Type::int64:
            return sqlite3_bind_int64(statement_, index, value.slot);
        case Type::float64:
            // SQLite would store NULL.
            if (std::isnan(value.real())) throw Error(Code::invalid_argument, "sqlite has no NaN");
            return sqlite3_bind_double(statement_, index, value.real());
        case Type::text:
            return bind_text(index, value.view(), destructor_of(lifetime));
        default:
            return bind_converted(index, value, lifetime);
    }
}

// The types that SQLite does not have itself.
int Statement::bind_converted(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    using db::Type;
    const auto copied = destructor_of(db::Lifetime::copied);
    switch (value.type) {
        case Type::boolean:
            return sqlite3_bind_int64(statement_, index, value.slot != 0 ? 1 : 0);
        case Type::uint64:
            if (value.slot < 0)
                throw Error(Code::limit,
                            "an unsigned integer above 2^63 - 1 is more than sqlite takes");
            return sqlite3_bind_int64(statement_, index, value.slot);
        case Type::float32:
            if (std::isnan(value.real())) throw Error(Code::invalid_argument, "sqlite has no NaN");
            return sqlite3_bind_double(statement_, index, value.real());
        case Type::decimal:
        case Type::json:
        case Type::other:
            return bind_text(index, value.view(), destructor_of(lifetime));
        case Type::bytes:
            return sqlite3_bind_blob64(statement_, index, value.size == 0 ? "" : value.data,
                                       static_cast<sqlite3_uint64>(value.size),
                                       destructor_of(lifetime));
        case Type::date:
            return bind_text(index, date_text(value.slot).view(), copied);
        case Type::time:
            return bind_text(index, time_text(value.slot).view(), copied);
        case Type::timestamp:
            return bind_text(index, timestamp_text(value.slot, "").view(), copied);
        case Type::timestamptz:
            return bind_text(index, timestamp_text(value.slot, "+00:00").view(), copied);
        case Type::uuid:
            return bind_text(index, uuid_text(value.view()).view(), copied);
        case Type::interval:
            return bind_text(index, interval_text(value.view()).view(), copied);
        default:
            throw Error(Code::invalid_argument, "a value cannot be of type variant");
    }
}

void Statement::bind(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    if (index < 1 || index > parameters_)
        throw Error(Code::invalid_argument, "there is no parameter " + std::to_string(index) +
                                                "; the statement has " +
                                                std::to_string(parameters_));
    check_bindable();
    ended_ = false;
    bind_checked(index, value, lifetime);
}

void Statement::bind_row(const db::BlockView& view, int32_t row) {
    check_bindable();
    ended_ = false;
    const int32_t count = std::min(view.columns(), parameters_);
    for (int32_t i = 0; i < count; ++i)
        bind_checked(i + 1, view.at(row, i), db::Lifetime::borrowed);
}

void Statement::check_bindable() const {
    if (reading())
        throw Error(Code::invalid_state, "the statement is being read: reset it before you bind");
}

void Statement::refuse_length(int32_t index, int64_t size) const {
    throw Error(Code::limit, "parameter " + std::to_string(index) + " has " +
                                 std::to_string(size) + " bytes, more than the " +
                                 std::to_string(connection_.length_max()) + " that sqlite takes");
}

void Statement::bind_checked(int32_t index, const db::Value& value, db::Lifetime lifetime) {
    if (value.size > connection_.length_max()) refuse_length(index, value.size);
    const int result = bind_value(index, value, lifetime);
    if (result != SQLITE_OK) throw engine_error(connection_.db(), result);
}

void Statement::reset() noexcept {
    if (running_) sqlite3_reset(statement_);  // else it is reset
    ended_ = false;
    pending_ = false;
    set_running(false);
}

void Statement::set_running(bool running) noexcept {
    if (std::exchange(running_, running) != running) connection_.count_running(running ? 1 : -1);
}

void Statement::start(const Wait& wait) {
    wait.check("the statement");
    attempt_ = connection_.attempt(!read_only_, control_);
    affected_ = 0;
    steps_ = 0;
    pending_ = false;
    if (held_back_) {
        sqlite3_stmt* const acted = connection_.act(statement_, wait);
        sqlite3_finalize(std::exchange(statement_, acted));
    }
    set_running(true);
}

void Statement::finish() noexcept {
    // A statement that changes no rows leaves the count of the one before it.
    const bool changed = sqlite3_total_changes64(connection_.db()) > attempt_.changes;
    affected_ = changed && !read_only_ ? sqlite3_changes64(connection_.db()) : 0;
    if (control_ == db::Control::begin) connection_.began_by_statement();
    sqlite3_reset(statement_);  // ready for new bindings
    ended_ = true;
    set_running(false);
}

Statement::Step Statement::step(const Wait& wait) {
    if (!reading()) start(wait);
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return Step::row;
    end_or_throw(result, wait);
    return Step::end;
}

void Statement::end_or_throw(int result, const Wait& wait) {
    if (result == SQLITE_DONE && !stale(wait)) return finish();
    if (result == SQLITE_DONE) {
        reset();
        throw wait.error("the statement");
    }
    const Error error = connection_.failure(result, attempt_, wait);
    reset();
    throw error;
}

bool Statement::next(const Wait& wait) {
    if (ended_) return false;
    const Connection::Operation operation(connection_, wait);
    if (pending_ && reading()) {
        pending_ = false;
        return true;
    }
    // Not for one that writes: ending it between two rows would commit it. There the progress handler
    // ends it, which takes it back.
    if (read_only_ && (++steps_ & look_mask_) == 0 && wait.over()) {
        reset();
        throw wait.error("the rows");
    }
    return step(wait) == Step::row;
}

void Statement::settle_columns(const Wait& wait) {
    if (reading() || ended_ || (column_count() == 0 && !held_back_)) return;
    pending_ = next(wait);
    if (pending_ && stale(wait)) {
        reset();
        throw wait.error("the rows");
    }
}

// One long call of a function cannot be ended; what only reads has then come too late. What writes
// is done, and says so.
bool Statement::stale(const Wait& wait) const {
    return read_only_ && !held_back_ && control_ == db::Control::none && wait.over();
}

db::Value Statement::value(int32_t index) const {
    using db::Type;
    sqlite3_value* const cell = sqlite3_column_value(statement_, index);  // as in put_row()
    switch (sqlite3_value_type(cell)) {
        case SQLITE_INTEGER:
            return db::Value::integer(sqlite3_value_int64(cell));
        case SQLITE_FLOAT:
            return db::Value::real(sqlite3_value_double(cell));
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(cell));
            if (text == nullptr) throw Error(Code::nomem, "out of memory");
            return {Type::text, 0, text, sqlite3_value_bytes(cell)};
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_value_blob(cell));
            const int size = sqlite3_value_bytes(cell);
            if (bytes == nullptr && size > 0) throw Error(Code::nomem, "out of memory");
            return {Type::bytes, 0, bytes == nullptr ? "" : bytes, size};
        }
        default:
            return db::Value::null();
    }
}

// False when there was no memory to convert a text (UTF-16 files) or to write a zeroblob out.
bool Statement::put_row(db::BlockWriter& writer, int32_t columns) const noexcept {
    using db::Type;
    for (int32_t i = 0; i < columns; ++i) {
        // One look-up of the cell; its accessors are then direct. The value stays on this thread,
        // unshared.
        sqlite3_value* const cell = sqlite3_column_value(statement_, i);
        switch (sqlite3_value_type(cell)) {
            case SQLITE_INTEGER:
                writer.put_slot(i, Type::int64, sqlite3_value_int64(cell));
                break;
            case SQLITE_FLOAT:
                writer.put_slot(i, Type::float64,
                                std::bit_cast<int64_t>(sqlite3_value_double(cell)));
                break;
            case SQLITE_TEXT: {
                const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(cell));
                if (text == nullptr) return false;
                writer.put_bytes(i, Type::text, text, sqlite3_value_bytes(cell));
                break;
            }
            case SQLITE_BLOB: {
                const auto* bytes = static_cast<const char*>(sqlite3_value_blob(cell));
                const int size = sqlite3_value_bytes(cell);
                if (bytes == nullptr && size > 0) return false;
                writer.put_bytes(i, Type::bytes, bytes == nullptr ? "" : bytes, size);
                break;
            }
            default:
                writer.put_null(i);
                break;
        }
    }
    return true;
}

db::Fill Statement::fill(db::BlockWriter& writer, const Wait& wait) {
    if (ended_) return db::Fill::done;
    const Connection::Operation operation(connection_, wait);
    const bool begun = reading();
    if (!begun) {
        start(wait);
    } else if (wait.over()) {
        reset();
        throw wait.error("the rows");
    }
    pending_ = pending_ && begun;
    int32_t columns = pending_ ? checked_columns(writer) : -1;
    while (writer.has_room()) {
        if (!pending_) {
            const int result = sqlite3_step(statement_);
            if (result != SQLITE_ROW) {
                end_or_throw(result, wait);
                return db::Fill::done;
            }
            if (look_mask_ == 0 && stale(wait)) {
                reset();
                throw wait.error("the rows");
            }
            if (columns < 0) columns = checked_columns(writer);
        }
        writer.begin_row();
        if (!put_row(writer, columns)) {
            reset();
            throw Error(Code::nomem, "out of memory");
        }
        pending_ = !writer.end_row();
        if (pending_) return writer.rows() > 0 ? db::Fill::more : db::Fill::too_small;
    }
    return db::Fill::more;
}

int32_t Statement::checked_columns(const db::BlockWriter& writer) {
    const int32_t columns = column_count();
    if (columns == writer.columns()) return columns;
    // Another connection changed the schema between prepare and the first step.
    reset();
    throw Error(Code::serialization, "the columns of the result changed: run the statement again");
}

void Statement::run(const Wait& wait) {
    reset();
    const Connection::Operation operation(connection_, wait);
    while (step(wait) == Step::row) {
    }
}

}  // namespace mtdb::backends::sqlite
