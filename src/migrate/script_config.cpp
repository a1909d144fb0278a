// SPDX-License-Identifier: MIT
#include "migrate/script_config.hpp"

#include <charconv>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

[[noreturn]] void refuse(const std::string& file, const std::string& what, Code code = Code::invalid_argument) {
    throw Error(code, "'" + file + "': " + what).with_script(file);
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

void append_utf8(std::string& out, uint32_t point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0U | point >> 6);
        out += static_cast<char>(0x80U | (point & 0x3FU));
    } else {
        out += static_cast<char>(0xE0U | point >> 12);
        out += static_cast<char>(0x80U | (point >> 6 & 0x3FU));
        out += static_cast<char>(0x80U | (point & 0x3FU));
    }
}

// The lines as Java's properties have them: joined where a backslash ends one, without comments and indentation.
std::vector<std::string> logical_lines(std::string_view text) {
    std::vector<std::string> lines;
    std::string line;
    bool more = false;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of("\r\n"), text.size());
        std::string_view natural = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!natural.empty() && blank(natural.front())) natural.remove_prefix(1);
        if (!more && (natural.empty() || natural.front() == '#' || natural.front() == '!')) continue;
        std::size_t slashes = 0;
        while (slashes < natural.size() && natural[natural.size() - 1 - slashes] == '\\') ++slashes;
        more = slashes % 2 == 1;
        line += natural.substr(0, natural.size() - (more ? 1 : 0));
        if (more) continue;
        lines.push_back(std::move(line));
        line.clear();
    }
    if (!line.empty()) lines.push_back(std::move(line));
    return lines;
}

// Up to `end` of the line, escapes resolved; `at` moves there.
std::string unescaped(std::string_view line, std::size_t& at, bool key, const std::string& file) {
    std::string out;
    for (; at < line.size(); ++at) {
        const char c = line[at];
        if (key && (blank(c) || c == '=' || c == ':')) break;
        if (c != '\\' || at + 1 == line.size()) {
            out += c;
            continue;
        }
        const char escaped = line[++at];
        if (escaped == 'u') {
            uint32_t point = 0;
            const std::string_view digits = line.substr(at + 1, 4);
            const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
            if (read.ec != std::errc{} || read.ptr != digits.data() + 4) refuse(file, "a malformed \\u escape");
            append_utf8(out, point);
            at += 4;
        } else {
            constexpr std::string_view letters = "tnrf", meanings = "\t\n\r\f";
            const auto letter = letters.find(escaped);
            out += letter == std::string_view::npos ? escaped : meanings[letter];
        }
    }
    return out;
}

bool boolean_of(const std::string& key, const std::string& value, const std::string& file) {
    if (base::equal_fold(value, "true")) return true;
    if (base::equal_fold(value, "false")) return false;
    refuse(file, key + " is '" + base::excerpt(value) + "', neither true nor false");
}

}  // namespace

ScriptConfig parse_config(std::string_view text, const std::string& file, const PlaceholderRules& rules) {
    ScriptConfig config;
    for (const std::string& line : logical_lines(text)) {
        std::size_t at = 0;
        const std::string key = unescaped(line, at, true, file);
        while (at < line.size() && blank(line[at])) ++at;
        if (at < line.size() && (line[at] == '=' || line[at] == ':')) ++at;
        while (at < line.size() && blank(line[at])) ++at;
        std::string value = unescaped(line, at, false, file);
        try {
            if (rules.replace) value = replace_placeholders(value, file, rules, nullptr).text;
        } catch (const Error& error) {
            refuse(file, key + ": " + error.message());
        }
        if (key == "executeInTransaction")
            config.in_transaction = boolean_of(key, value, file);
        else if (key == "placeholderReplacement")
            config.replace = boolean_of(key, value, file);
        else if (key == "encoding")
            config.encoding = value;
        else if (key == "shouldExecute")
            refuse(file, "shouldExecute is not supported: neither does the open edition of Flyway", Code::unsupported);
        else
            refuse(file, "no key '" + base::excerpt(key) +
                             "': executeInTransaction, placeholderReplacement or encoding");
    }
    return config;
}

}  // namespace mtdb::migrate
