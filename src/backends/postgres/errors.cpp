// SPDX-License-Identifier: MIT
#include "backends/postgres/errors.hpp"

#include <array>
#include <charconv>

#include "backends/postgres/libpq.hpp"
#include "base/text.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr std::size_t message_max = 300;  // characters of the server's text that a message takes

struct StateRule {
    std::string_view prefix;
    Code code;
};
constexpr StateRule state_rules[] = {
    // Whole states before their class.
    {"08", Code::unavailable},
    {"0A", Code::unsupported},
    {"23", Code::constraint},
    {"25006", Code::read_only},
    {"25P02", Code::tx_lost},
    {"25P03", Code::unavailable},
    {"28", Code::auth},
    {"3D000", Code::not_found},
    {"40001", Code::serialization},
    {"40P01", Code::serialization},
    {"40002", Code::constraint},
    {"40003", Code::unavailable},
    {"40", Code::tx_lost},
    {"42501", Code::permission},
    {"42P04", Code::exists},
    {"42P06", Code::exists},
    {"44", Code::constraint},
    {"53100", Code::disk_full},
    {"53200", Code::nomem},
    {"53300", Code::unavailable},
    {"53", Code::limit},
    {"54", Code::limit},
    {"55006", Code::busy},
    {"55P03", Code::busy},
    {"57014", Code::cancelled},
    {"57P01", Code::unavailable},
    {"57P02", Code::unavailable},
    {"57P03", Code::unavailable},
    {"57P04", Code::unavailable},
    {"57P05", Code::unavailable},
    {"58", Code::io},
    {"72000", Code::serialization},
    {"XX001", Code::corrupt},
    {"XX002", Code::corrupt},
};

std::string_view field(const PGresult* result, int code) noexcept {
    const char* const text = libpq().PQresultErrorField(result, code);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view first_line(std::string_view text) noexcept { return base::trim(text.substr(0, text.find('\n'))); }

bool is_state(std::string_view text) noexcept {
    if (text.size() != 5) return false;
    for (const char c : text)
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))) return false;
    return true;
}

// "FATAL:  28P01: password ..." has a state behind its first ":  "; libpq's own messages have none.
struct Said {
    std::string_view sqlstate;
    std::string_view text;
};
Said last_said(std::string_view text) {
    Said said;
    for (std::size_t at = 0; (at = text.find(":  ", at)) != text.npos; at += 3) {
        const std::string_view behind = text.substr(at + 3);
        if (behind.size() < 7 || !is_state(behind.substr(0, 5)) || behind.substr(5, 2) != ": ") continue;
        said = {behind.substr(0, 5), first_line(behind.substr(7))};
    }
    return said;
}

bool contains(std::string_view text, std::string_view part) noexcept { return text.find(part) != text.npos; }

// What libpq itself words, which has no number: the cause by its English text. Unknown ones are unavailable.
struct OwnRule {
    std::string_view part;
    Code code;
    std::string_view message;
};
constexpr OwnRule own_rules[] = {
    {"root certificate file", Code::auth, "the certificate authority of option tls.ca (sslrootcert) cannot be used"},
    {"certificate verify failed", Code::auth,
     "the server's certificate is not trusted: see option tls.ca (sslrootcert); it may have expired"},
    {"does not match host name", Code::auth,
     "the server's certificate is for another host: see option tls.mode (sslmode)"},
    {"could not read certificate file", Code::auth, "the certificate of option tls.cert (sslcert) cannot be read"},
    {"certificate file", Code::auth, "the certificate of option tls.cert (sslcert) cannot be used"},
    {"private key file", Code::auth, "the key of option tls.key (sslkey) cannot be used"},
    {"server does not support SSL", Code::unavailable,
     "the server does not speak TLS, which option tls.mode (sslmode) asks for"},
    {"sslmode value", Code::unsupported, "this libpq was built without TLS"},
    {"SSL error", Code::unavailable, "the TLS handshake failed: see the options tls.*"},
    {"no password supplied", Code::auth, "the server asks for a password and none is given"},
    {"could not translate host name", Code::unavailable, "the host's name is not known"},
    {"Connection refused", Code::unavailable, "the connection was refused"},
    {"No such file or directory", Code::unavailable, "the connection was refused: there is no such socket"},
    {"Permission denied", Code::unavailable, "the socket may not be used"},
    {"No route to host", Code::unavailable, "there is no route to the host"},
    {"Network is unreachable", Code::unavailable, "the network is unreachable"},
    {"timeout expired", Code::unavailable, "the server did not answer in time"},
    {"timed out", Code::unavailable, "the server did not answer in time"},
    {"session is read-only", Code::unavailable, "no host is as target_session_attrs asks"},
    {"session is not read-only", Code::unavailable, "no host is as target_session_attrs asks"},
    {"server is in hot standby mode", Code::unavailable, "no host is as target_session_attrs asks"},
    {"server is not in hot standby mode", Code::unavailable, "no host is as target_session_attrs asks"},
    {"server closed the connection", Code::unavailable, "the server closed the connection"},
    {"too many clients", Code::unavailable, "the server has too many connections"},
};

}  // namespace

Code code_of(std::string_view sqlstate) noexcept {
    for (const StateRule& rule : state_rules)
        if (rule.prefix.size() == 5 && sqlstate == rule.prefix) return rule.code;
    for (const StateRule& rule : state_rules)
        if (rule.prefix.size() == 2 && sqlstate.starts_with(rule.prefix)) return rule.code;
    return Code::sql_error;
}

std::string_view sqlstate_of(const PGresult* result) noexcept { return field(result, PG_DIAG_SQLSTATE); }

std::string without_values(std::string_view sqlstate, std::string_view message) {
    // The scanner quotes where it stopped, which may be a literal.
    constexpr std::string_view near = " at or near \"";
    if (const std::size_t at = message.find(near); at != message.npos) {
        const std::string_view quoted = message.substr(at + near.size());
        const std::size_t quote = quoted.find_first_of("'$");
        if (quote != quoted.npos && quote <= 2) return std::string(message.substr(0, at)) + " near a quoted text";
    }
    // "invalid input syntax for type integer: "..."" quotes the value.
    if (sqlstate.starts_with("22"))
        if (const std::size_t at = message.find(": \""); at != message.npos)
            return std::string(message.substr(0, at));
    return std::string(message);
}

Error at_character(const Error& error, std::string_view sql, int64_t character) {
    if (character < 1) return error;
    std::size_t offset = 0;
    for (int64_t passed = 1; passed < character && offset < sql.size(); ++passed) {
        ++offset;
        while (offset < sql.size() && (static_cast<unsigned char>(sql[offset]) & 0xC0) == 0x80) ++offset;
    }
    const base::Position at = base::position_of(sql, offset);
    return error.with_position(at.line, at.column);
}

Error server_error(const PGresult* result, std::string_view sql, int64_t prefix) {
    const std::string_view sqlstate = sqlstate_of(result);
    std::string_view message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message.empty()) message = "the server gave no message";
    Code code = code_of(sqlstate);
    if (sqlstate == state::cancelled && contains(message, "timeout")) code = Code::timeout;
    Error error = Error(code, base::excerpt(without_values(sqlstate, message), message_max))
                      .with_sqlstate(sqlstate)
                      .with_native("postgres", 0);
    const std::string_view position = field(result, PG_DIAG_STATEMENT_POSITION);
    int64_t character = 0;
    std::from_chars(position.data(), position.data() + position.size(), character);
    return sql.empty() || character <= prefix ? error : at_character(error, sql, character - prefix);
}

Error connect_error(std::string_view text, std::string_view where) {
    const std::string cannot = "cannot connect to " + std::string(where) + ": ";
    if (const Said said = last_said(text); !said.sqlstate.empty())
        return Error(code_of(said.sqlstate), cannot + base::excerpt(said.text, message_max))
            .with_sqlstate(said.sqlstate)
            .with_native("postgres", 0);
    for (const OwnRule& rule : own_rules)
        if (contains(text, rule.part))
            return Error(rule.code, cannot + std::string(rule.message)).with_native("postgres", 0);
    return Error(Code::unavailable, cannot + "the server cannot be reached").with_native("postgres", 0);
}

}  // namespace mtdb::backends::postgres
