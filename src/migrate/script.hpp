// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "migrate/placeholders.hpp"
#include "migrate/split.hpp"
#include "migrate/version.hpp"

namespace mtdb::migrate {

enum class Kind { versioned, baseline, repeatable };
enum class Layout { flyway, golang };
enum class Placeholders { literal, replaced };  // what `${name}` in a text means

// How a text becomes what runs.
struct BodyRules {
    Placeholders placeholders = Placeholders::literal;
    Mixing mixing = Mixing::refused;
    std::optional<bool> in_transaction;  // nothing: as its statements need
    bool program = false;                // it is a program and not SQL: never run
};

// One direction of a script, analysed once for all tenants that have the same values for its placeholders.
struct Body {
    std::string name;  // as the history stores it
    std::string text;  // what runs
    int32_t checksum = 0;  // of the text as it was before its placeholders were replaced
    Split split;
    std::optional<Error> fault;  // why it cannot run; raised only when it would have to
    BodyRules rules;
    bool of_tenant = false;  // `text` still has its placeholders: their values differ from tenant to tenant
};

struct Script {
    Kind kind = Kind::versioned;
    Version version;          // empty for a repeatable
    std::string description;  // as the history stores it
    std::optional<int32_t> checksum;
    std::optional<int32_t> raw_checksum;  // of a repeatable, over its text with placeholders, where that differs
    std::optional<Body> up;  // golang-migrate layout: a missing direction is an empty step
    std::optional<Body> down;
    int64_t number = -1;  // versioned: as golang-migrate's table holds it; -1: it cannot

    const std::string& name() const { return up ? up->name : down->name; }
    // As Flyway's history has it.
    std::string_view type() const {
        if (up && up->rules.program) return "SCRIPT";
        return kind == Kind::baseline ? "SQL_BASELINE" : "SQL";
    }
    bool matches(const std::optional<int32_t>& applied) const {
        return applied == checksum || (raw_checksum && applied == raw_checksum);
    }
};

// What runs at an event of a verb.
struct Callback {
    std::string_view event;  // one of callback_events()
    std::string description;
    Body body;
};
std::vector<std::string_view> callback_events();

// `table` and values of tenants come from `placeholders`; a `tenant` may be null.
Body make_body(const std::string& name, std::string text, const BodyRules& rules, const db::Dialect& dialect,
               const PlaceholderRules& placeholders = {}, const TenantValues* tenant = nullptr);
// The same body for one tenant.
Body body_of(const Body& body, const std::string& path, const db::Dialect& dialect,
             const PlaceholderRules& placeholders, const TenantValues& tenant);

// Flyway's checksum: CRC-32 over the lines without their ends, without one leading byte order mark.
int32_t flyway_checksum(std::string_view text) noexcept;
// At most 200 characters (197 and "...") and 1000 ("..." and the end), as Flyway stores them.
std::string stored_description(std::string_view description);
std::string stored_script(std::string_view name);
// Flyway's order of repeatables: by UTF-16 code units.
bool before_in_utf16(std::string_view a, std::string_view b) noexcept;

// How Flyway's layout names files.
struct Naming {
    std::string versioned = "V";
    std::string undo = "U";
    std::string repeatable = "R";
    std::string baseline = "B";
    std::string separator = "__";
    std::vector<std::string> suffixes = {".sql"};

    void check() const;  // throws Error(invalid_argument): two prefixes alike, an empty separator
};

enum class FileKind { versioned, undo, repeatable, baseline, callback, configuration, invalid, unrecognised };

// What a file's name says in Flyway's layout (the name without folders).
struct FlywayName {
    FileKind kind = FileKind::unrecognised;
    std::string version;  // display text
    std::string description;
    std::string_view event;  // of a callback
    std::string_view what;   // invalid: what is wrong
    bool program = false;    // not SQL: `.sh`, `.py` and the like
};
FlywayName parse_flyway_name(std::string_view file, const Naming& naming = {});

struct GolangName {
    uint64_t version = 0;
    std::string identifier;
    bool up = false;
};
// Nothing: golang-migrate would skip the file.
std::optional<GolangName> parse_golang_name(std::string_view file);

}  // namespace mtdb::migrate
