// SPDX-License-Identifier: MIT
// What the server says went wrong, as our errors.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mtdb::backends::postgres {

// SQLSTATEs that decide what the backend does next.
namespace state {
constexpr std::string_view guard_failed = "22012";  // division by zero, where a guard stood
constexpr std::string_view unknown_statement = "26000";
constexpr std::string_view result_changed = "0A000";  // "cached plan must not change result type"
constexpr std::string_view cancelled = "57014";
constexpr std::string_view in_failed_transaction = "25P02";
constexpr std::string_view duplicate_schema = "42P06";
constexpr std::string_view duplicate_database = "42P04";
constexpr std::string_view no_database = "3D000";
constexpr std::string_view no_schema = "3F000";
}  // namespace state

Code code_of(std::string_view sqlstate) noexcept;

// The five characters; empty when the client library made the error up.
std::string_view sqlstate_of(const PGresult* result) noexcept;

// A failed result. `sql` is the text that positions count in, behind `prefix` characters of our own; empty: no
// position. Only the primary message: details hold values.
Error server_error(const PGresult* result, std::string_view sql, int64_t prefix = 0);

// A connection that did not come about, from libpq's text in verbose form; nothing of it is quoted but what the
// server said.
Error connect_error(std::string_view text, std::string_view where);

// Without what may be somebody's value.
std::string without_values(std::string_view sqlstate, std::string_view message);

// Line and column of the server's position, which counts characters from 1.
Error at_character(const Error& error, std::string_view sql, int64_t character);

}  // namespace mtdb::backends::postgres
