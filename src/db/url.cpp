// SPDX-License-Identifier: MIT
#include "db/url.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::db {
namespace {

Error invalid(std::string_view url, const std::string& problem) {
    return Error(Code::invalid_argument, "url '" + base::excerpt(url) + "' " + problem);
}

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// What stands before the colon, or empty for a plain folder. One letter is a drive, not a scheme.
std::string_view scheme_of(std::string_view url) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::size_t end = 0;
    while (
        end < url.size() &&
        (letter(url[end]) || (end > 0 && ((url[end] >= '0' && url[end] <= '9') || url[end] == '+' ||
                                          url[end] == '-' || url[end] == '.')))) {
        ++end;
    }
    return end >= 2 && end < url.size() && url[end] == ':' ? url.substr(0, end)
                                                           : std::string_view();
}

// The folder of "sqlite:" and "file:" urls.
std::string folder_of(std::string_view url, std::string_view rest, bool decoded) {
    const bool hierarchical = rest.starts_with("//");
    if (hierarchical) {
        rest.remove_prefix(2);
        const std::string_view host = rest.substr(0, rest.find('/'));
        if (!host.empty() && !base::equal_fold(host, "localhost")) {
            throw invalid(url,
                          "names a host; write sqlite:DIR, or sqlite:///DIR for an absolute one");
        }
        rest.remove_prefix(host.size());
    }
    if (rest.find('?') != std::string_view::npos)
        throw invalid(url, "has a query part; options are set by key");
    decoded = decoded || hierarchical;
    if (decoded && rest.find('#') != std::string_view::npos)
        throw invalid(url, "has a fragment part");
    std::string folder = decoded ? percent_decoded(rest) : std::string(rest);
    if (folder.empty()) throw invalid(url, "names no folder");
    return folder;
}

// ---- servers ------------------------------------------------------------------------------------

// Not more of a server's url than this goes into a message: the rest may hold a password.
Error invalid_server(std::string_view scheme, const std::string& problem) {
    return Error(Code::invalid_argument, "the " + std::string(scheme) + " url " + problem);
}

bool is_own_key(std::string_view key) {
    return key.starts_with("mtdb_") || key.starts_with("gmt_") || key.starts_with("x-");
}

// Takes our own keys out of "?a=b&c=d".
void take_from_query(Url& url, std::string_view text) {
    const std::size_t question = text.find('?');
    url.target = text.substr(0, question);
    if (question == std::string_view::npos) return;
    std::string_view query = text.substr(question + 1);
    char separator = '?';
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        if (is_own_key(pair.substr(0, equals))) {
            if (equals == std::string_view::npos)
                throw invalid_server(url.scheme, "has '" + base::excerpt(pair) + "' without a value");
            url.settings.emplace_back(pair.substr(0, equals), percent_decoded(pair.substr(equals + 1), true));
            continue;
        }
        url.target += separator;
        url.target += pair;
        separator = '&';
    }
}

// One "key = value" of libpq's other form, with its quotes; `text` is cut behind it.
struct Keyword {
    std::string_view key, raw;
    std::string value;
};
std::optional<Keyword> take_keyword(std::string_view& text) {
    const auto blanks = [&] {
        while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos)
            text.remove_prefix(1);
    };
    blanks();
    if (text.empty()) return std::nullopt;
    const std::string_view whole = text;
    const std::size_t end = text.find_first_of("= \t\r\n");
    Keyword word{text.substr(0, end), {}, {}};
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    blanks();
    if (!text.starts_with('=')) throw invalid_server("postgres", "has a keyword without '='");
    text.remove_prefix(1);
    blanks();
    const bool quoted = text.starts_with('\'');
    if (quoted) text.remove_prefix(1);
    while (!text.empty()) {
        char c = text.front();
        if (quoted ? c == '\'' : std::string_view(" \t\r\n").find(c) != std::string_view::npos) break;
        if (c == '\\' && text.size() > 1) {
            text.remove_prefix(1);
            c = text.front();
        }
        word.value += c;
        text.remove_prefix(1);
    }
    if (quoted && text.empty()) throw invalid_server("postgres", "has a quote that is not closed");
    if (quoted) text.remove_prefix(1);
    word.raw = whole.substr(0, whole.size() - text.size());
    return word;
}

Url keywords(std::string_view text) {
    Url url{"postgres", {}};
    while (const auto word = take_keyword(text)) {
        if (is_own_key(word->key)) {
            url.settings.emplace_back(word->key, word->value);
        } else {
            if (!url.target.empty()) url.target += ' ';
            url.target += word->raw;
        }
    }
    return url;
}

// "host=... dbname=..." and "key = value": a word of letters and '_' before the first '='.
bool has_keywords(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view key = base::trim(text.substr(0, equals));
    constexpr std::string_view known[] = {"host",    "hostaddr", "port",        "dbname",  "user",
                                          "sslmode", "service",  "passfile",    "password", "application_name"};
    return std::find(std::begin(known), std::end(known), key) != std::end(known);
}

// "user:password@tcp(host:port)/database", as Go's driver has it.
bool has_go_address(std::string_view text) {
    const std::size_t at = text.rfind('@', text.find(")/"));
    return text.find(")/") != std::string_view::npos && at != std::string_view::npos &&
           (text.substr(at + 1).starts_with("tcp(") || text.substr(at + 1).starts_with("unix("));
}

std::string backend_of(const std::string& scheme) {
    if (scheme == "postgresql") return "postgres";
    if (scheme == "mariadb" || scheme == "mysqlx") return "mysql";
    return scheme;
}

int hex_value(std::string_view text, std::size_t at) {
    if (at + 1 >= text.size()) return -1;
    const int high = hex_digit(text[at]);
    const int low = hex_digit(text[at + 1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::string percent_decoded(std::string_view text, bool plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%') {
            const int value = hex_value(text, at + 1);
            if (value < 0)
                throw Error(Code::invalid_argument, "the url has a % without two hexadecimal digits");
            if (value == 0) throw Error(Code::invalid_argument, "the url has a NUL byte");
            decoded += static_cast<char>(value);
            at += 2;
        } else {
            decoded += plus && text[at] == '+' ? ' ' : text[at];
        }
    }
    return decoded;
}

std::string percent_encoded(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        if (plain) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

Url Url::parse(std::string_view text) {
    if (text.empty()) throw Error(Code::invalid_argument, "the url is empty");
    if (text.find('\0') != std::string_view::npos) throw Error(Code::invalid_argument, "the url has a NUL byte");
    if (text == ":memory:") return {"sqlite", ":memory:"};
    const std::string_view scheme = scheme_of(text);
    const bool hierarchical = !scheme.empty() && text.substr(scheme.size() + 1).starts_with("//");
    if (!hierarchical && has_go_address(text)) {
        Url url{"mysql", {}};
        take_from_query(url, text);
        return url;
    }
    if (scheme.empty() && has_keywords(text)) return keywords(text);
    if (scheme.empty()) return {"sqlite", std::string(text)};
    Url url{backend_of(base::lower(scheme)), {}};
    const std::string_view rest = text.substr(scheme.size() + 1);
    if (url.scheme == "sqlite" || url.scheme == "file") {
        url.target = folder_of(text, rest, url.scheme == "file");
        url.scheme = "sqlite";
    } else if (url.scheme == "postgres" || url.scheme == "mysql") {
        if (!hierarchical) throw invalid_server(url.scheme, "has no // after its scheme");
        take_from_query(url, text);
    } else {
        // Not quoted in a message: another backend's url may hold a password.
        if (url.scheme == "echo" && rest.find('?') != std::string_view::npos)
            throw invalid(text, "has a query part");
        url.target = rest;
    }
    return url;
}

}  // namespace mtdb::db
