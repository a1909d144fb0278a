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

constexpr std::string_view conf_suffix = ".conf";
constexpr std::array<std::string_view, 7> program_suffixes = {".cmd", ".bat",  ".ps1", ".py",
                                                              ".sh",  ".bash", ""};
constexpr std::array<std::string_view, 43> events = {
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

struct Prefix {
    std::string_view text;
    FileKind kind;
};

// The longest prefix that the name starts with, in its exact case.
Prefix prefix_of(std::string_view stem, const Naming& naming) {
    Prefix best{{}, FileKind::unrecognised};
    const auto offer = [&](std::string_view text, FileKind kind) {
        const bool better = best.kind == FileKind::unrecognised || text.size() > best.text.size();
        if (stem.starts_with(text) && better) best = {text, kind};
    };
    for (const auto event : events) offer(event, FileKind::callback);
    offer(naming.versioned, FileKind::versioned);
    offer(naming.undo, FileKind::undo);
    offer(naming.repeatable, FileKind::repeatable);
    offer(naming.baseline, FileKind::baseline);
    return best;
}

// The name without its suffix.
FlywayName parse_stem(std::string_view stem, const Naming& naming) {
    FlywayName name;
    const Prefix prefix = prefix_of(stem, naming);
    if (prefix.kind == FileKind::unrecognised) return name;
    const std::string_view rest = stem.substr(prefix.text.size());
    const auto separator = rest.find(naming.separator);
    const std::string_view version_text = rest.substr(0, separator);
    if (separator != std::string_view::npos) name.description = rest.substr(separator + naming.separator.size());
    std::ranges::replace(name.description, '_', ' ');
    name.kind = prefix.kind;
    if (prefix.kind == FileKind::callback || prefix.kind == FileKind::repeatable) {
        const bool repeatable = prefix.kind == FileKind::repeatable;
        if (prefix.kind == FileKind::callback)
            name.event = *std::ranges::find(events, prefix.text);
        if (version_text.empty() && (!repeatable || separator != std::string_view::npos)) return name;
        name.kind = FileKind::invalid;
        name.what = repeatable ? "a repeatable has no version" : "a callback has no version";
        return name;
    }
    if (const auto version = Version::find(version_text)) {
        name.version = version->text();
        return name;
    }
    name.kind = FileKind::invalid;
    name.what = "its version is not dotted numbers";
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

std::vector<std::string_view> callback_events() { return {events.begin(), events.end()}; }

Body make_body(const std::string& name, std::string text, const BodyRules& rules, const db::Dialect& dialect,
               const PlaceholderRules& placeholders, const TenantValues* tenant) {
    const int32_t checksum = flyway_checksum(text);
    Body body{stored_script(name), std::move(text), checksum, {}, std::nullopt, rules, false};
    try {
        if (rules.program) throw Error(Code::unsupported, "it is a program, and only SQL is run");
        if (rules.placeholders == Placeholders::replaced) {
            Replaced replaced = replace_placeholders(body.text, name, placeholders, tenant);
            body.of_tenant = replaced.of_tenant && tenant == nullptr;
            if (!body.of_tenant) body.text = std::move(replaced.text);
        }
        if (!body.of_tenant)
            body.split = split(body.text, dialect, rules.in_transaction ? Mixing::allowed : rules.mixing);
        if (rules.in_transaction) body.split.outside = !*rules.in_transaction || !dialect.transactional_ddl;
    } catch (const Error& error) {
        body.fault = error.with_message("script '" + body.name + "' cannot run: " + error.message())
                         .with_script(body.name);
    }
    return body;
}

Body body_of(const Body& body, const std::string& path, const db::Dialect& dialect,
             const PlaceholderRules& placeholders, const TenantValues& tenant) {
    return body.of_tenant ? make_body(path, body.text, body.rules, dialect, placeholders, &tenant) : body;
}

void Naming::check() const {
    const std::array prefixes = {&versioned, &undo, &repeatable, &baseline};
    for (std::size_t i = 0; i < prefixes.size(); ++i)
        for (std::size_t j = i + 1; j < prefixes.size(); ++j)
            if (*prefixes[i] == *prefixes[j])
                throw Error(Code::invalid_argument, "two kinds of script have the prefix '" + *prefixes[i] + "'");
    if (separator.empty()) throw Error(Code::invalid_argument, "the separator of a script's name cannot be empty");
    if (suffixes.empty()) throw Error(Code::invalid_argument, "scripts need a suffix");
}

FlywayName parse_flyway_name(std::string_view file, const Naming& naming) {
    if (ends_with_fold(file, conf_suffix)) {
        FlywayName name = parse_flyway_name(file.substr(0, file.size() - conf_suffix.size()), naming);
        if (name.kind == FileKind::unrecognised || name.kind == FileKind::invalid) return {};
        name.kind = FileKind::configuration;
        return name;
    }
    for (const std::string& suffix : naming.suffixes)
        if (ends_with_fold(file, suffix)) return parse_stem(file.substr(0, file.size() - suffix.size()), naming);
    for (const auto suffix : program_suffixes) {
        if (!ends_with_fold(file, suffix) ||
            (suffix.empty() && file.find('.', file.find(naming.separator)) != std::string_view::npos))
            continue;
        FlywayName name = parse_stem(file.substr(0, file.size() - suffix.size()), naming);
        if (name.kind == FileKind::unrecognised || name.kind == FileKind::invalid || name.kind == FileKind::undo)
            return {};
        name.program = true;
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
