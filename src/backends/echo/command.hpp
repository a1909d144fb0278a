// SPDX-License-Identifier: MIT
// One statement of the echo language, parsed: echo.hpp has the grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "db/value.hpp"

namespace mtdb::backends::echo {

enum class Verb {
    echo,
    rows,
    slow,
    text,
    tenant,
    sleep,
    write,
    fail,
    begin,
    commit,
    rollback,
    savepoint,
    rollback_to,
    release
};

// A literal, or the parameter whose index is not 0. Owns its bytes.
struct Operand {
    int32_t parameter = 0;
    db::Type type = db::Type::null;
    int64_t slot = 0;
    std::string bytes;

    static Operand of(const db::Value& value);
    db::Value value() const;
};

struct Command {
    Verb verb = Verb::echo;
    std::vector<Operand> values;               // of echo; of fail: its text, if any
    Operand count;                             // N
    Operand pause_ms;                          // MS
    std::vector<db::Type> types;               // of rows
    Code status = Code::ok;                    // of fail
    std::string name;                          // of a savepoint
    bool read_only = false;                    // of begin
    int32_t parameters = 0;                    // the highest index
    std::vector<std::string> parameter_names;  // from index 1; empty: none
};

std::string_view type_name(db::Type type) noexcept;

// The first statement of `sql`, nothing when there is none; `tail` is what follows it. Throws
// Error(sql_error) with the position.
std::optional<Command> parse(std::string_view sql, std::string_view& tail);

}  // namespace mtdb::backends::echo
