// SPDX-License-Identifier: MIT
#include "backends/echo/command.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace mtdb::backends::echo {
namespace {

using db::Carrier;
using db::Type;
using db::Value;

constexpr std::string_view type_names[db::type_count] = {
    "null",        "boolean", "int64", "uint64",   "float",   "double",
    "decimal",     "text",    "bytes", "date",     "time",    "timestamp",
    "timestamptz", "uuid",    "json",  "interval", "variant", "other",
};

constexpr int32_t parameters_max = 32766;
constexpr std::size_t columns_max = 1000;

struct Word {
    std::string_view text;
    Verb verb;
};
constexpr Word verbs[] = {
    {"echo", Verb::echo},       {"params", Verb::echo},         {"rows", Verb::rows},
    {"slow", Verb::slow},       {"text", Verb::text},           {"tenant", Verb::tenant},
    {"sleep", Verb::sleep},     {"write", Verb::write},         {"fail", Verb::fail},
    {"begin", Verb::begin},     {"commit", Verb::commit},       {"rollback", Verb::rollback},
    {"release", Verb::release}, {"savepoint", Verb::savepoint},
};

bool digit(char c) { return c >= '0' && c <= '9'; }
bool word_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || digit(c);
}

int hex_digit(char c) {
    if (digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class Parser {
public:
    explicit Parser(std::string_view sql) : sql_(sql) {}

    std::optional<Command> run(std::string_view& tail) {
        while (skip_blank(), peek() == ';') ++at_;
        tail = sql_.substr(at_);
        if (tail.empty()) return std::nullopt;
        statement();
        skip_blank();
        if (at_ < sql_.size() && peek() != ';') refuse("expected the end of the statement");
        tail = sql_.substr(std::min(at_ + 1, sql_.size()));
        return std::move(made_);
    }

private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }

    [[noreturn]] void refuse(const std::string& message) const {
        const base::Position position = base::position_of(sql_, at_);
        const std::string near = at_ < sql_.size()
                                     ? " near '" + base::excerpt(sql_.substr(at_), 20) + "'"
                                     : " at the end";
        throw Error(Code::sql_error, message + near)
            .with_native("echo", 1)
            .with_sqlstate("42601")
            .with_position(position.line, position.column);
    }

    void skip_blank() {
        while (at_ < sql_.size()) {
            if (sql_.substr(at_, 2) == "--") {
                at_ = std::min(sql_.find('\n', at_), sql_.size());
            } else if (sql_.substr(at_, 2) == "/*") {
                const std::size_t end = sql_.find("*/", at_ + 2);
                at_ = end == std::string_view::npos ? sql_.size() : end + 2;
            } else if (peek() == ' ' || (peek() >= '\t' && peek() <= '\r')) {
                ++at_;
            } else {
                return;
            }
        }
    }

    // The word that comes next, which stays.
    std::string_view word() {
        skip_blank();
        std::size_t end = at_;
        while (end < sql_.size() && word_part(sql_[end])) ++end;
        return sql_.substr(at_, end - at_);
    }

    bool accept(std::string_view wanted) {
        const std::string_view found = word();
        if (!base::equal_fold(found, wanted)) return false;
        at_ += found.size();
        return true;
    }

    bool accept(char wanted) {
        skip_blank();
        if (peek() != wanted) return false;
        ++at_;
        return true;
    }

    void statement() {
        const std::string_view first = word();
        const auto* verb = std::find_if(std::begin(verbs), std::end(verbs), [&](const Word& known) {
            return base::equal_fold(known.text, first);
        });
        if (verb == std::end(verbs)) refuse("expected a verb of the echo language");
        at_ += first.size();
        made_.verb = verb->verb;
        if (verb->text == "params") return params();
        switch (verb->verb) {
            case Verb::echo:
                return values();
            case Verb::rows:
                return rows();
            case Verb::slow:
                made_.count = number();
                made_.pause_ms = number();
                return;
            case Verb::text:
            case Verb::write:
                made_.count = number();
                return;
            case Verb::sleep:
                made_.pause_ms = number();
                return;
            case Verb::fail:
                return fail();
            case Verb::begin:
                return begin();
            case Verb::rollback:
                return rollback();
            case Verb::savepoint:
            case Verb::release:
                return name();
            default:
                return;
        }
    }

    void begin() {
        made_.read_only = accept("read");
        if (made_.read_only && !accept("only")) refuse("expected 'only'");
    }

    void rollback() {
        if (!accept("to")) return;
        made_.verb = Verb::rollback_to;
        name();
    }

    void name() {
        const std::string_view found = word();
        if (found.empty()) refuse("expected a name");
        made_.name = found;
        at_ += found.size();
    }

    void params() {
        const Operand count = number();
        if (count.parameter != 0 || count.slot < 1 || count.slot > int64_t{columns_max})
            refuse("expected a number from 1 to 1000");
        for (int64_t i = 0; i < count.slot; ++i)
            made_.values.push_back(parameter(made_.parameters + 1, {}));
    }

    void values() {
        do {
            if (made_.values.size() == columns_max) refuse("more than 1000 values");
            made_.values.push_back(value());
        } while (accept(','));
    }

    void rows() {
        made_.count = number();
        if (word().empty()) {
            made_.types = {Type::int64};
            return;
        }
        do {
            const std::string_view found = word();
            const auto* known =
                std::find_if(std::begin(type_names), std::end(type_names),
                             [&](std::string_view type) { return base::equal_fold(type, found); });
            if (known == std::end(type_names)) refuse("expected a type");
            if (made_.types.size() == columns_max) refuse("more than 1000 columns");
            made_.types.push_back(static_cast<Type>(known - std::begin(type_names)));
            at_ += found.size();
        } while (accept(','));
    }

    void fail() {
        constexpr int32_t last = MTDB_INTERNAL;
        skip_blank();
        const std::size_t begin = at_;
        const bool negative = accept('-');
        const std::string_view found = word();
        for (int32_t status = -1; status >= last; --status) {
            const bool by_number = negative && found == std::to_string(-status);
            if (by_number || (!negative && base::equal_fold(found, base::name_of(status))))
                made_.status = Code{status};
        }
        if (made_.status == Code::ok) {
            at_ = begin;
            refuse("expected the name or number of an error status");
        }
        at_ += found.size();
        skip_blank();
        if (peek() == '\'' || peek() == '?' || peek() == ':') made_.values.push_back(value());
        if (accept("after")) made_.count = number();
    }

    Operand parameter(int32_t index, std::string_view named) {
        if (index < 1 || index > parameters_max) refuse("a parameter's index is from 1 to 32766");
        made_.parameters = std::max(made_.parameters, index);
        const auto size = static_cast<std::size_t>(made_.parameters);
        if (made_.parameter_names.size() < size) made_.parameter_names.resize(size);
        if (!named.empty()) made_.parameter_names[static_cast<std::size_t>(index) - 1] = named;
        Operand made;
        made.parameter = index;
        return made;
    }

    std::optional<Operand> find_parameter() {
        skip_blank();
        if (peek() == '?') {
            ++at_;
            if (!digit(peek())) return parameter(made_.parameters + 1, {});
            const std::string_view digits = word();
            int32_t index = 0;
            const std::from_chars_result read =
                std::from_chars(digits.data(), digits.data() + digits.size(), index);
            if (read.ec != std::errc() || read.ptr != digits.data() + digits.size())
                refuse("not a parameter's index");
            at_ += digits.size();
            return parameter(index, {});
        }
        if (peek() != ':') return std::nullopt;
        ++at_;
        const std::string_view named = word_part(peek()) ? word() : std::string_view();
        if (named.empty()) refuse("expected a parameter's name");
        at_ += named.size();
        const auto& names = made_.parameter_names;
        const auto known = std::find(names.begin(), names.end(), named);
        const auto place = static_cast<int32_t>(known - names.begin()) + 1;
        return parameter(known == names.end() ? made_.parameters + 1 : place, named);
    }

    Operand number() {
        if (auto found = find_parameter()) return *found;
        Operand made = value();
        if (made.type != Type::int64 || made.slot < 0)
            refuse("expected a number of at least 0 before this");
        return made;
    }

    Operand value() {
        if (auto found = find_parameter()) return *found;
        if (peek() == '\'') return Operand::of(Value::text(quoted()));
        if (peek() == '-' || digit(peek())) return numeric();
        if ((peek() == 'x' || peek() == 'X') && peek(1) == '\'') {
            ++at_;
            return blob();
        }
        if (accept("null")) return {};
        if (accept("true")) return Operand::of(Value::integer(1, Type::boolean));
        if (accept("false")) return Operand::of(Value::integer(0, Type::boolean));
        refuse("expected a value");
    }

    std::string quoted() {
        std::string text;
        const std::size_t begin = at_++;
        while (at_ < sql_.size()) {
            if (peek() != '\'') {
                text += sql_[at_++];
            } else if (peek(1) == '\'') {
                text += '\'';
                at_ += 2;
            } else {
                ++at_;
                return text;
            }
        }
        at_ = begin;
        refuse("an open quote");
    }

    Operand blob() {
        const std::string digits = quoted();
        std::string bytes;
        if (digits.size() % 2 != 0) refuse("an odd number of hexadecimal digits before this");
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            const int high = hex_digit(digits[i]);
            const int low = hex_digit(digits[i + 1]);
            if (high < 0 || low < 0) refuse("something else than hexadecimal digits before this");
            bytes += static_cast<char>(high * 16 + low);
        }
        return Operand::of(Value::text(bytes, Type::bytes));
    }

    Operand numeric() {
        std::size_t end = at_ + 1;
        while (end < sql_.size() && (word_part(sql_[end]) || sql_[end] == '.' ||
                                     ((sql_[end] == '-' || sql_[end] == '+') &&
                                      (sql_[end - 1] == 'e' || sql_[end - 1] == 'E')))) {
            ++end;
        }
        const std::string_view text = sql_.substr(at_, end - at_);
        const char* const last = text.data() + text.size();
        const bool real = text.find_first_of(".eE") != std::string_view::npos;
        int64_t integer = 0;
        double fraction = 0;
        const std::from_chars_result read = real ? std::from_chars(text.data(), last, fraction)
                                                 : std::from_chars(text.data(), last, integer);
        if (read.ec == std::errc::result_out_of_range) refuse("a number that is out of range");
        if (read.ec != std::errc() || read.ptr != last) refuse("not a number");
        const Operand made = Operand::of(real ? Value::real(fraction) : Value::integer(integer));
        at_ = end;
        return made;
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    Command made_;
};

}  // namespace

Operand Operand::of(const Value& value) {
    Operand made;
    made.type = value.type;
    made.slot = value.slot;
    if (carrier_of(value.type) == Carrier::bytes && value.size > 0) made.bytes.assign(value.view());
    return made;
}

Value Operand::value() const {
    if (carrier_of(type) == Carrier::bytes) return Value::text(bytes, type);
    return {type, slot, nullptr, 0};
}

std::string_view type_name(Type type) noexcept {
    return type_names[static_cast<std::size_t>(type)];
}

std::optional<Command> parse(std::string_view sql, std::string_view& tail) {
    return Parser(sql).run(tail);
}

}  // namespace mtdb::backends::echo
