// SPDX-License-Identifier: MIT
#include "db/url.hpp"

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

std::string decode(std::string_view url, std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0) throw invalid(url, "has a % without two hexadecimal digits");
        if (high == 0 && low == 0) throw invalid(url, "has a NUL byte");
        decoded += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return decoded;
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
    std::string folder = decoded ? decode(url, rest) : std::string(rest);
    if (folder.empty()) throw invalid(url, "names no folder");
    return folder;
}

}  // namespace

Url Url::parse(std::string_view text) {
    if (text.empty()) throw Error(Code::invalid_argument, "the url is empty");
    if (text.find('\0') != std::string_view::npos) throw invalid(text, "has a NUL byte");
    if (text == ":memory:") return {"sqlite", ":memory:"};
    const std::string_view scheme = scheme_of(text);
    if (scheme.empty()) return {"sqlite", std::string(text)};
    Url url{base::lower(scheme), {}};
    const std::string_view rest = text.substr(scheme.size() + 1);
    if (url.scheme == "sqlite" || url.scheme == "file") {
        url.target = folder_of(text, rest, url.scheme == "file");
        url.scheme = "sqlite";
    } else {
        // Not quoted in a message: another backend's url may hold a password.
        if (url.scheme == "echo" && rest.find('?') != std::string_view::npos)
            throw invalid(text, "has a query part");
        url.target = rest;
    }
    return url;
}

}  // namespace mtdb::db
