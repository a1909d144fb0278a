// SPDX-License-Identifier: MIT
// What the server's and the client library's error numbers mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mtdb::backends::mysql {

struct CodeRule {
    uint32_t number;
    Code code;
    bool ends_transaction = false;  // the server has rolled the whole transaction back
};

// Ascending by number.
std::span<const CodeRule> code_rules() noexcept;
// The rule of the number, else of the SQLSTATE's class.
CodeRule rule_of(uint32_t number, std::string_view sqlstate) noexcept;

// An error packet, or what the client library says of a connection that is gone.
struct ServerError {
    uint32_t number = 0;
    std::string sqlstate;
    std::string message;
};

// Whether the connection is gone with it.
bool is_lost(uint32_t number) noexcept;

// The error with the server's text. `sql` gives its position; it may be empty.
Error server_error(const ServerError& said, std::string_view sql = {});
// The error of a connection that could not be made: `where` names the server.
Error connect_error(const ServerError& said, const std::string& where);

}  // namespace mtdb::backends::mysql
