// SPDX-License-Identifier: MIT
#include "backends/echo/statement.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/text.hpp"

namespace mtdb::backends::echo {
namespace {

using db::Type;
using db::Value;

constexpr int64_t rows_max = int64_t{1} << 40;
constexpr int64_t text_max = int64_t{1} << 30;
constexpr int64_t pause_max_ms = int64_t{1000} * 60 * 60 * 24;

// Row 0, 1 and 2 of `rows` hold these; then it is i in the type's unit.
struct Extremes {
    int64_t smallest;
    int64_t largest;
    int64_t unit;
};
Extremes extremes_of(Type type) {
    constexpr int64_t second = 1000000;
    switch (type) {
        case Type::int64:
            return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 1};
        case Type::uint64:
            return {0, -1, 1};  // -1: the bits of 2^64 - 1
        case Type::date:
            return {-719162, 2932896, 1};  // years 1 to 9999
        case Type::time:
            return {-3020399 * second, 3020399 * second, second};  // 838:59:59
        default:
            return {-62135596800 * second, 253402300799 * second + 999999,
                    second};  // years 1 to 9999
    }
}

Operand integer_of(Type type, int64_t i) {
    if (type == Type::boolean) return Operand::of(Value::integer(i % 2, type));
    const Extremes extremes = extremes_of(type);
    const int64_t value = i == 1   ? extremes.smallest
                          : i == 2 ? extremes.largest
                                   : i * extremes.unit;
    return Operand::of(Value::integer(value, type));
}

Operand real_of(Type type, int64_t i) {
    const double largest = type == Type::float32 ? double{std::numeric_limits<float>::max()}
                                                 : std::numeric_limits<double>::max();
    const auto usual =
        type == Type::float32 ? double{static_cast<float>(i) + 0.5F} : static_cast<double>(i) + 0.5;
    return Operand::of(Value::real(i == 0   ? 0
                                   : i == 1 ? -largest
                                   : i == 2 ? largest
                                            : usual,
                                   type));
}

std::string text_of(int64_t i) {
    using namespace std::string_literals;
    if (i == 1) return {};
    if (i == 2) return "\U0001F600 \u00e9\u4e16";
    if (i == 3) return "nul\0inside"s;
    return "row " + std::to_string(i);
}

std::string bytes_of(int64_t i) {
    return i == 1 ? std::string() : std::string{'\0', '\xff', static_cast<char>(i & 0xff)};
}

std::string uuid_of(int64_t i) {
    std::string bytes(16, '\0');
    bytes[6] = 0x40;
    bytes[8] = static_cast<char>(0x80);
    for (std::size_t at = 0; at < 6; ++at) bytes[15 - at] = static_cast<char>(i >> (8 * at) & 0xff);
    return bytes;
}

std::string interval_of(int64_t i) {
    std::string bytes(16, '\0');
    const auto months = static_cast<int32_t>(i);
    const int32_t days = -months;
    const int64_t us = i * 1000000;
    std::memcpy(bytes.data(), &months, 4);
    std::memcpy(bytes.data() + 4, &days, 4);
    std::memcpy(bytes.data() + 8, &us, 8);
    return bytes;
}

std::string decimal_of(int64_t i) {
    if (i == 0) return "0";
    if (i == 1) return "-99999999999999999999999999999999999.999";
    if (i == 2) return "99999999999999999999999999999999999.999";
    return std::to_string(i) + ".05";
}

Operand generated(Type type, int64_t i) {
    switch (type) {
        case Type::null:
            return {};
        case Type::float32:
        case Type::float64:
            return real_of(type, i);
        case Type::decimal:
            return Operand::of(Value::text(decimal_of(i), type));
        case Type::text:
            return Operand::of(Value::text(text_of(i)));
        case Type::bytes:
            return Operand::of(Value::text(bytes_of(i), type));
        case Type::uuid:
            return Operand::of(Value::text(uuid_of(i), type));
        case Type::json:
            return Operand::of(Value::text("{\"row\":" + std::to_string(i) + "}", type));
        case Type::interval:
            return Operand::of(Value::text(interval_of(i), type));
        case Type::other:
            return Operand::of(
                Value::text("(" + std::to_string(i) + "," + std::to_string(i) + ")", type));
        case Type::variant: {
            constexpr Type turns[] = {Type::int64, Type::float64, Type::text, Type::bytes};
            return generated(turns[i % 4], i);
        }
        default:
            return integer_of(type, i);
    }
}

bool makes_count_rows(const Command& command) {
    return command.verb == Verb::slow ||
           (command.verb == Verb::fail &&
            (command.count.type != Type::null || command.count.parameter != 0));
}

}  // namespace

Statement::Statement(Session& session, Command command)
    : session_(session),
      command_(std::move(command)),
      bound_(static_cast<std::size_t>(command_.parameters)) {
    name_columns();
}

void Statement::name_columns() {
    switch (command_.verb) {
        case Verb::tenant:
            names_.emplace_back("tenant");
            return;
        case Verb::text:
            names_.emplace_back("text");
            return;
        case Verb::echo:
        case Verb::rows: {
            const std::size_t count =
                command_.verb == Verb::echo ? command_.values.size() : command_.types.size();
            for (std::size_t i = 1; i <= count; ++i) names_.push_back("c" + std::to_string(i));
            return;
        }
        default:
            if (makes_count_rows(command_)) names_.emplace_back("c1");
    }
}

db::Column Statement::column(int32_t index) const {
    const auto at = static_cast<std::size_t>(index);
    Type type = Type::int64;
    if (command_.verb == Verb::rows) type = command_.types[at];
    if (command_.verb == Verb::tenant || command_.verb == Verb::text) type = Type::text;
    if (command_.verb == Verb::echo) {
        const Operand& value = command_.values[at];
        type = value.parameter != 0 ? Type::variant : value.type;
    }
    const std::string_view declared =
        type == Type::other ? std::string_view("point") : type_name(type);
    return {names_[at], declared, type, -1};
}

int32_t Statement::parameter_index(std::string_view name) const {
    if (name.starts_with(':')) name.remove_prefix(1);
    const auto& names = command_.parameter_names;
    const auto found = name.empty() ? names.end() : std::find(names.begin(), names.end(), name);
    return found == names.end() ? 0 : static_cast<int32_t>(found - names.begin()) + 1;
}

void Statement::bind(int32_t index, const Value& value, db::Lifetime) {
    if (index < 1 || index > command_.parameters) {
        throw Error(Code::invalid_argument, "no parameter " + std::to_string(index) +
                                                "; the statement has " +
                                                std::to_string(command_.parameters));
    }
    bound_[static_cast<std::size_t>(index) - 1] = Operand::of(value);
}

void Statement::clear_bindings() noexcept {
    for (Operand& value : bound_) value = Operand();
}

db::Control Statement::control() const {
    switch (command_.verb) {
        case Verb::begin:
            return db::Control::begin;
        case Verb::commit:
            return db::Control::commit;
        case Verb::rollback:
            return db::Control::rollback;
        case Verb::savepoint:
        case Verb::rollback_to:
        case Verb::release:
            return db::Control::savepoint;
        default:
            return db::Control::none;
    }
}

void Statement::reset() noexcept {
    stage_ = Stage::fresh;
    pending_ = false;
}

void Statement::run(const Wait& wait) {
    reset();
    while (next(wait)) {
    }
}

bool Statement::next(const Wait& wait) {
    if (stage_ == Stage::done) return false;
    try {
        if (stage_ == Stage::fresh) start(wait);
        stage_ = step(wait) ? Stage::reading : Stage::done;
    } catch (...) {
        stage_ = Stage::done;
        throw;
    }
    return stage_ == Stage::reading;
}

const Operand& Statement::resolved(const Operand& operand) const {
    return operand.parameter == 0 ? operand
                                  : bound_[static_cast<std::size_t>(operand.parameter) - 1];
}

int64_t Statement::number(const Operand& operand, const char* what, int64_t max) const {
    const Operand& value = resolved(operand);
    const bool whole = carrier_of(value.type) == db::Carrier::integer;
    if (whole && value.slot >= 0 && value.slot <= max) return value.slot;
    throw Error(Code::sql_error,
                std::string(what) + " is not a number from 0 to " + std::to_string(max))
        .with_native("echo", 2)
        .with_sqlstate("22003");
}

void Statement::start(const Wait& wait) {
    wait.check("echo");
    affected_ = 0;
    at_ = 0;
    rows_ = 0;
    pause_ms_ = 0;
    switch (command_.verb) {
        case Verb::echo:
        case Verb::tenant:
        case Verb::text:
            rows_ = 1;
            return;
        case Verb::rows:
            rows_ = number(command_.count, "the count of rows", rows_max);
            return;
        case Verb::slow:
            rows_ = number(command_.count, "the count of rows", rows_max);
            pause_ms_ = number(command_.pause_ms, "the pause", pause_max_ms);
            return;
        case Verb::sleep:
            pause_ms_ = number(command_.pause_ms, "the pause", pause_max_ms);
            return;
        case Verb::fail:
            if (makes_count_rows(command_))
                rows_ = number(command_.count, "the count of rows", rows_max);
            return;
        case Verb::write:
            if (session_.open && session_.read_only) {
                throw Error(Code::read_only, "the transaction is read-only")
                    .with_native("echo", MTDB_READ_ONLY);
            }
            affected_ = number(command_.count, "the count of rows", rows_max);
            session_.insert_id += affected_;
            if (affected_ > 0) session_.lease_insert_id = session_.insert_id;
            return;
        case Verb::begin:
            return session_.begin(command_.read_only);
        case Verb::commit:
            return session_.end("commit");
        case Verb::rollback:
            return session_.end("rollback");
        case Verb::savepoint:
            return session_.savepoint(command_.name);
        case Verb::rollback_to:
            return session_.rollback_to(command_.name);
        case Verb::release:
            return session_.release(command_.name);
    }
}

bool Statement::step(const Wait& wait) {
    if (wait.cancelled() || at_ % 256 == 0) wait.check("echo");
    const bool more = at_ < rows_;
    if (pause_ms_ > 0 && (more || command_.verb == Verb::sleep)) {
        const base::Time end = base::Clock::now() + base::milliseconds(pause_ms_);
        for (base::Time now = base::Clock::now(); now < end; now = base::Clock::now()) {
            wait.check("echo");
            wait.pause(std::chrono::ceil<base::milliseconds>(end - now));
        }
    }
    if (!more && command_.verb == Verb::fail) fail();
    if (more) make_row();
    return more;
}

void Statement::make_row() {
    row_.resize(names_.size());
    switch (command_.verb) {
        case Verb::echo:
            for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = resolved(command_.values[i]);
            break;
        case Verb::tenant:
            row_[0] = Operand::of(Value::text(session_.place));
            break;
        case Verb::text: {
            const auto size =
                static_cast<std::size_t>(number(command_.count, "the size of the text", text_max));
            row_[0].type = Type::text;
            row_[0].bytes.resize(size);
            for (std::size_t i = 0; i < size; ++i)
                row_[0].bytes[i] = static_cast<char>('a' + i % 26);
            break;
        }
        case Verb::rows:
            for (std::size_t i = 0; i < row_.size(); ++i) {
                const bool null = (at_ + static_cast<int64_t>(i)) % 7 == 6;
                row_[i] = null ? Operand() : generated(command_.types[i], at_);
            }
            break;
        default:
            row_[0] = Operand::of(Value::integer(at_));
            break;
    }
    ++at_;
}

void Statement::fail() {
    const auto status = static_cast<int32_t>(command_.status);
    std::string message = std::string("echo failed with ") + base::name_of(status);
    if (!command_.values.empty()) message = base::excerpt(resolved(command_.values[0]).bytes, 500);
    Error error = Error(command_.status, std::move(message)).with_native("echo", status);
    const bool ends = command_.status == Code::serialization || command_.status == Code::tx_lost;
    if (ends && session_.open) {
        session_.rollback();
        error = error.with_effect(Effect::rolled_back);
    }
    throw error;
}

}  // namespace mtdb::backends::echo
