// SPDX-License-Identifier: MIT
#include "backends/mysql/errors.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace mtdb::backends::mysql {
namespace {

constexpr std::size_t message_max = 300;  // characters of the server's text that a message takes
constexpr std::size_t near_max = 24;      // of the statement's text that the server quotes

constexpr CodeRule listed[] = {
    {1005, Code::sql_error},
    {1007, Code::exists},
    {1008, Code::tenant_unknown},
    {1020, Code::serialization},
    {1021, Code::disk_full},
    {1022, Code::constraint},
    {1037, Code::nomem},
    {1038, Code::nomem},
    {1040, Code::unavailable},  // too many connections
    {1041, Code::nomem},
    {1042, Code::unavailable},
    {1043, Code::unavailable},
    {1044, Code::permission},
    {1045, Code::auth},
    {1047, Code::unavailable},  // a node that is not part of the cluster
    {1048, Code::constraint},
    {1049, Code::tenant_unknown},
    {1053, Code::unavailable},  // the server is shutting down
    {1062, Code::constraint},
    {1077, Code::unavailable},
    {1078, Code::unavailable},
    {1079, Code::unavailable},
    {1095, Code::permission},
    {1102, Code::invalid_argument},
    {1104, Code::limit},
    {1114, Code::disk_full},
    {1119, Code::limit},
    {1129, Code::unavailable},
    {1130, Code::auth},
    {1142, Code::permission},
    {1143, Code::permission},
    {1153, Code::limit},
    {1159, Code::unavailable},
    {1160, Code::unavailable},
    {1161, Code::unavailable},
    {1169, Code::constraint},
    {1180, Code::serialization, true},
    {1203, Code::unavailable},  // too many connections of one user
    {1205, Code::busy},         // a lock's wait ended
    {1206, Code::limit, true},
    {1207, Code::read_only},
    {1213, Code::serialization, true},  // deadlock
    {1216, Code::constraint},
    {1217, Code::constraint},
    {1226, Code::limit},
    {1227, Code::permission},
    {1251, Code::auth},
    {1264, Code::constraint},
    {1290, Code::read_only},
    {1317, Code::cancelled},
    {1364, Code::constraint},
    {1366, Code::constraint},
    {1370, Code::permission},
    {1390, Code::limit},
    {1406, Code::constraint},
    {1451, Code::constraint},
    {1452, Code::constraint},
    {1461, Code::limit},
    {1524, Code::auth},
    {1557, Code::constraint},
    {1586, Code::constraint},
    {1613, Code::serialization, true},
    {1614, Code::serialization, true},
    {1637, Code::limit},
    {1644, Code::constraint},  // SIGNAL of a trigger or routine
    {1690, Code::constraint},
    {1698, Code::auth},
    {1709, Code::limit},
    {1792, Code::read_only},
    {1820, Code::auth},
    {1836, Code::read_only},
    {1862, Code::auth},
    {1927, Code::unavailable},  // the connection was killed
    {1969, Code::timeout},
    {2002, Code::unavailable},
    {2003, Code::unavailable},
    {2005, Code::unavailable},
    {2006, Code::unavailable},
    {2012, Code::unavailable},
    {2013, Code::unavailable},
    {2020, Code::limit},
    {2026, Code::auth},
    {2027, Code::io},
    {2055, Code::unavailable},
    {2058, Code::auth},
    {2059, Code::auth},
    {2061, Code::auth},
    {3024, Code::timeout},
    {3100, Code::serialization, true},
    {3101, Code::serialization, true},
    {3118, Code::auth},
    {3159, Code::auth},  // plain, where TLS is demanded
    {3572, Code::busy},
    {3819, Code::constraint},
    {3955, Code::auth},
    {4025, Code::constraint},
    {4031, Code::unavailable},
    {4151, Code::auth},
};

struct ClassRule {
    std::string_view prefix;
    Code code;
};
constexpr ClassRule classes[] = {
    {"08", Code::unavailable}, {"22", Code::constraint},    {"23", Code::constraint}, {"25", Code::invalid_state},
    {"28", Code::auth},        {"40", Code::serialization}, {"44", Code::constraint}, {"45", Code::constraint},
    {"53", Code::limit},       {"70", Code::cancelled},
};

// What the server quotes after "near" begins at the place of the error and is the statement's own text: it is
// shortened, because it may hold values.
struct Near {
    std::size_t begin = 0, end = 0;  // in the message, of what stands between the quotes
};
std::optional<Near> find_near(std::string_view message) {
    constexpr std::string_view before = "near '";
    const std::size_t at = message.find(before);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t begin = at + before.size();
    const std::size_t end = message.rfind("' at line ");
    if (end == std::string_view::npos || end < begin) return std::nullopt;
    return Near{begin, end};
}

std::string told(std::string_view message) {
    std::string text(message);
    if (const auto near = find_near(message)) {
        const std::string_view quoted = message.substr(near->begin, near->end - near->begin);
        std::string_view shown = quoted.substr(0, std::min(quoted.find_first_of(" \t\r\n("), near_max));
        // Of a literal nothing but its quote.
        if (const std::size_t quote = shown.find_first_of("'\""); quote != std::string_view::npos)
            shown = shown.substr(0, quote + 1);
        text = std::string(message.substr(0, near->begin)) + base::excerpt(shown, near_max) +
               std::string(message.substr(near->end));
    }
    constexpr std::string_view manual = "; check the manual that corresponds to your ";
    if (const std::size_t at = text.find(manual); at != std::string::npos) {
        const std::size_t use = text.find(" to use near", at);
        if (use != std::string::npos) text.replace(at, use + 7 - at, "");
    }
    if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z' &&
        !(text.size() > 1 && text[1] >= 'A' && text[1] <= 'Z'))
        text.front() = static_cast<char>(text.front() - 'A' + 'a');
    while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
    return base::excerpt(text, message_max);
}

std::optional<base::Position> position_in(std::string_view sql, std::string_view message) {
    const auto near = find_near(message);
    if (!near || sql.empty()) return std::nullopt;
    const std::string_view quoted = message.substr(near->begin, near->end - near->begin);
    if (quoted.empty()) return base::position_of(sql, sql.size());
    const std::size_t at = sql.find(quoted);
    if (at == std::string_view::npos) return std::nullopt;
    return base::position_of(sql, at);
}

}  // namespace

std::span<const CodeRule> code_rules() noexcept { return listed; }

CodeRule rule_of(uint32_t number, std::string_view sqlstate) noexcept {
    const auto found = std::lower_bound(std::begin(listed), std::end(listed), number,
                                        [](const CodeRule& rule, uint32_t wanted) { return rule.number < wanted; });
    if (found != std::end(listed) && found->number == number) return *found;
    for (const ClassRule& rule : classes)
        if (sqlstate.starts_with(rule.prefix)) return {number, rule.code, rule.prefix == "40"};
    return {number, Code::sql_error};
}

bool is_lost(uint32_t number) noexcept {
    switch (number) {
        case 1053:  // shutdown
        case 1152:
        case 1158:
        case 1159:
        case 1160:
        case 1161:
        case 1184:
        case 1927:
        case 2006:
        case 2013:
        case 2027:
        case 2055:
        case 4031:
            return true;
        default:
            return false;
    }
}

Error server_error(const ServerError& said, std::string_view sql) {
    const CodeRule rule = rule_of(said.number, said.sqlstate);
    Error error(rule.code, said.message.empty() ? "error " + std::to_string(said.number) : told(said.message));
    error = error.with_native("mysql", said.number);
    if (said.sqlstate.size() == 5 && said.sqlstate != "HY000" && said.sqlstate != "00000")
        error = error.with_sqlstate(said.sqlstate);
    if (const auto at = position_in(sql, said.message)) error = error.with_position(at->line, at->column);
    return error;
}

namespace {

struct TlsRule {
    std::string_view part;
    std::string_view told;
};
// Parts of OpenSSL's, GnuTLS's and the client library's own texts.
constexpr TlsRule tls_rules[] = {
    {"expired", "the server's certificate has expired"},
    {"not yet valid", "the server's certificate is not valid yet"},
    {"ostname mismatch", "the server's certificate is for another host"},
    {"Validation of SSL server certificate failed", "the server's certificate is for another host"},
    {"does not match", "the server's certificate is for another host"},
    {"self signed", "the server's certificate is signed by itself or an authority that is not trusted"},
    {"self-signed", "the server's certificate is signed by itself or an authority that is not trusted"},
    {"unable to get", "the server's certificate is not from a trusted authority"},
    {"unable to verify", "the server's certificate is not from a trusted authority"},
    {"unknown ca", "the server's certificate is not from a trusted authority"},
    {"revoked", "the server's certificate is revoked"},
    {"does not support it", "the server does not offer TLS, which tls.mode requires"},
    {"No such file", "a TLS file of the options cannot be read"},
};

}  // namespace

Error connect_error(const ServerError& said, const std::string& where) {
    const CodeRule rule = rule_of(said.number, said.sqlstate);
    std::string what = told(said.message);
    Code code = rule.code;
    if (said.number == 2026) {
        for (const TlsRule& each : tls_rules) {
            if (said.message.find(each.part) == std::string::npos) continue;
            what = each.told;
            break;
        }
    } else if (said.number == 2002 || said.number == 2003) {
        what = said.message.find("(111)") != std::string::npos ? "connection refused"
               : said.message.find("(2)") != std::string::npos ? "there is no such socket"
                                                               : what;
    } else if (said.number == 2005) {
        what = "the host's name is not known";
    } else if (said.number == 1040) {
        what = "too many connections";
    } else if (said.number == 1045) {
        what = "the user or the password is wrong";
    }
    Error error(code, "cannot connect to " + where + ": " + what);
    error = error.with_native("mysql", said.number);
    if (said.sqlstate.size() == 5 && said.sqlstate != "HY000" && said.sqlstate != "00000")
        error = error.with_sqlstate(said.sqlstate);
    return error;
}

}  // namespace mtdb::backends::mysql
