// SPDX-License-Identifier: MIT
#include "migrate/script.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "base/checksum.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

constexpr std::string_view sql_suffix = ".sql";
constexpr std::string_view conf_suffix = ".sql.conf";
constexpr std::array<std::string_view, 7> program_suffixes = {".cmd", ".bat",  ".ps1", ".py",
                                                              ".sh",  ".bash", ""};
constexpr std::array<std::string_view, 43> callback_events = {
    "beforeConnect",
    "afterConnect",
    "createSchema",
    "beforeCreateSchema",
    "beforeValidate",
    "afterValidate",
    "afterValidateError",
    "beforeMigrate",
    "beforeEachMigrate",
    "beforeEachMigrateStatement",
    "afterEachMigrateStatement",
    "afterEachMigrateStatementError",
    "afterEachMigrate",
    "afterEachMigrateError",
    "afterVersioned",
    "beforeRepeatables",
    "afterMigrateApplied",
    "afterMigrate",
    "afterMigrateError",
    "beforeClean",
    "afterClean",
    "afterCleanError",
    "beforeBaseline",
    "afterBaseline",
    "afterBaselineError",
    "beforeRepair",
    "afterRepair",
    "afterRepairError",
    "beforeInfo",
    "afterInfo",
    "afterInfoError",
    "beforeUndo",
    "beforeEachUndo",
    "beforeEachUndoStatement",
    "afterEachUndoStatement",
    "afterEachUndoStatementError",
    "afterEachUndo",
    "afterEachUndoError",
    "afterUndo",
    "afterUndoError",
    "afterUndoApplied",
    "beforeVersionedUndo",
    "afterVersionedUndo",
};

bool ends_with_fold(std::string_view text, std::string_view suffix) {
    return text.size() >= suffix.size() &&
           base::equal_fold(text.substr(text.size() - suffix.size()), suffix);
}

// The longest prefix that the name starts with, in its exact case.
std::string_view prefix_of(std::string_view stem) {
    std::string_view best;
    for (const auto event : callback_events)
        if (stem.starts_with(event) && event.size() > best.size()) best = event;
    if (best.empty() && !stem.empty() &&
        std::string_view("VURB").find(stem.front()) != std::string_view::npos)
        best = stem.substr(0, 1);
    return best;
}

// The name without its suffix. `text_allowed` is false for what has no version.
FlywayName parse_stem(std::string_view stem) {
    FlywayName name;
    const auto prefix = prefix_of(stem);
    if (prefix.empty()) return name;
    const std::string_view rest = stem.substr(prefix.size());
    const auto separator = rest.find("__");
    const std::string_view version_text = rest.substr(0, separator);
    if (separator != std::string_view::npos) name.description = rest.substr(separator + 2);
    std::ranges::replace(name.description, '_', ' ');
    const bool versioned = prefix == "V" || prefix == "U" || prefix == "B";
    if (versioned) {
        const auto version = Version::find(version_text);
        name.kind = FileKind::invalid;
        if (!version) {
            name.what = "its version is not dotted numbers";
            return name;
        }
        name.version = version->text();
        name.kind = prefix == "V"   ? FileKind::versioned
                    : prefix == "U" ? FileKind::undo
                                    : FileKind::unsupported;
        name.what = prefix == "B" ? "a baseline migration" : "";
        return name;
    }
    if (!version_text.empty() || (prefix == "R" && separator == std::string_view::npos)) {
        name.kind = FileKind::invalid;
        name.what = prefix == "R" ? "a repeatable has no version" : "a callback has no version";
        return name;
    }
    name.kind = prefix == "R" ? FileKind::repeatable : FileKind::unsupported;
    name.what = prefix == "R" ? "" : "a callback";
    return name;
}

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// The byte offset of the character with that index.
std::size_t offset_of(std::string_view text, std::size_t character) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
        if (seen++ == character) return i;
    }
    return text.size();
}

// Flyway replaces `${name}` before it runs a script, save where a second `$` stands before it.
std::size_t find_placeholder(std::string_view text) {
    for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2))
        if (at == 0 || text[at - 1] != '$') return at;
    return std::string_view::npos;
}

}  // namespace

int32_t flyway_checksum(std::string_view text) noexcept {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    uint32_t crc = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of("\r\n"), text.size());
        if (end > 0) crc = base::crc32(text.substr(0, end), crc);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::bit_cast<int32_t>(crc);
}

std::string stored_description(std::string_view description) {
    if (count_characters(description) <= 200) return std::string(description);
    return std::string(description.substr(0, offset_of(description, 197))) + "...";
}

std::string stored_script(std::string_view name) {
    if (count_characters(name) <= 1000) return std::string(name);
    const auto begin = offset_of(name, 3);
    return "..." + std::string(name.substr(begin, offset_of(name, 1000) - begin));
}

bool before_in_utf16(std::string_view a, std::string_view b) noexcept {
    const auto [x, y] = std::ranges::mismatch(a, b);
    if (x == a.end() || y == b.end()) return a.size() < b.size();
    // Lead bytes 0xF0 and up become surrogates, which sort below U+E000 to U+FFFF (lead bytes 0xEE
    // and 0xEF).
    const auto weight = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0xF0 ? byte - 0x08 : byte >= 0xEE ? byte + 0x12 : static_cast<int>(byte);
    };
    return weight(*x) < weight(*y);
}

Body make_body(const std::string& name, std::string text, Placeholders placeholders,
               const db::Dialect& dialect) {
    Body body{stored_script(name), std::move(text), {}, std::nullopt};
    try {
        body.split = split(body.text, dialect);
        const auto placeholder = placeholders == Placeholders::refused ? find_placeholder(body.text)
                                                                       : std::string_view::npos;
        if (placeholder != std::string_view::npos) {
            const auto position = base::position_of(body.text, placeholder);
            throw Error(Code::unsupported, "a placeholder '" +
                                               base::excerpt(body.text.substr(placeholder), 30) +
                                               "' would run unreplaced")
                .with_position(position.line, position.column);
        }
    } catch (const Error& error) {
        body.fault = error.with_message("script '" + body.name + "' cannot run: " + error.message())
                         .with_script(body.name);
    }
    return body;
}

FlywayName parse_flyway_name(std::string_view file) {
    if (ends_with_fold(file, conf_suffix)) {
        FlywayName name = parse_stem(file.substr(0, file.size() - conf_suffix.size()));
        if (name.kind == FileKind::unrecognised || name.kind == FileKind::invalid) return {};
        name.kind = FileKind::unsupported;
        name.what = "a script's configuration";
        return name;
    }
    if (ends_with_fold(file, sql_suffix))
        return parse_stem(file.substr(0, file.size() - sql_suffix.size()));
    for (const auto suffix : program_suffixes) {
        if (!ends_with_fold(file, suffix) ||
            (suffix.empty() && file.find('.', file.find("__")) != std::string_view::npos))
            continue;
        FlywayName name = parse_stem(file.substr(0, file.size() - suffix.size()));
        if (name.kind == FileKind::unrecognised || name.kind == FileKind::invalid) return {};
        name.kind = FileKind::unsupported;
        name.what = "a migration that is a program";
        return name;
    }
    return {};
}

std::optional<GolangName> parse_golang_name(std::string_view file) {
    GolangName name;
    const auto digits = std::min(file.find_first_not_of("0123456789"), file.size());
    if (digits == 0 || digits == file.size() || file[digits] != '_') return std::nullopt;
    if (std::from_chars(file.data(), file.data() + digits, name.version).ec != std::errc{})
        return std::nullopt;
    const auto rest = file.substr(digits + 1);
    const auto up = rest.rfind(".up.");
    const auto down = rest.rfind(".down.");
    if (up == std::string_view::npos && down == std::string_view::npos) return std::nullopt;
    name.up = down == std::string_view::npos || (up != std::string_view::npos && up > down);
    name.identifier = rest.substr(0, name.up ? up : down);
    return name;
}

}  // namespace mtdb::migrate
