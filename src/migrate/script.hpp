// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "migrate/split.hpp"
#include "migrate/version.hpp"

namespace mtdb::migrate {

enum class Kind { versioned, repeatable };
enum class Layout { flyway, golang };
enum class Placeholders { literal, refused };  // what `${name}` in a text means

// One direction of a script, analysed once for all tenants.
struct Body {
    std::string name;  // as the history stores it
    std::string text;
    Split split;
    std::optional<Error> fault;  // why it cannot run; raised only when it would have to
};

struct Script {
    Kind kind = Kind::versioned;
    Version version;          // empty for a repeatable
    std::string description;  // as the history stores it
    std::optional<int32_t> checksum;
    std::optional<Body> up;  // golang-migrate layout: a missing direction is an empty step
    std::optional<Body> down;
    int64_t number = -1;  // versioned: as golang-migrate's table holds it; -1: it cannot

    const std::string& name() const { return up ? up->name : down->name; }
};

Body make_body(const std::string& name, std::string text, Placeholders placeholders,
               const db::Dialect& dialect = {});

// Flyway's checksum: CRC-32 over the lines without their ends, without one leading byte order mark.
int32_t flyway_checksum(std::string_view text) noexcept;
// At most 200 characters (197 and "...") and 1000 ("..." and the end), as Flyway stores them.
std::string stored_description(std::string_view description);
std::string stored_script(std::string_view name);
// Flyway's order of repeatables: by UTF-16 code units.
bool before_in_utf16(std::string_view a, std::string_view b) noexcept;

enum class FileKind { versioned, undo, repeatable, unsupported, invalid, unrecognised };

// What a file's name says in Flyway's layout (the name without folders).
struct FlywayName {
    FileKind kind = FileKind::unrecognised;
    std::string version;  // display text
    std::string description;
    std::string_view what;  // unsupported: what it is; invalid: what is wrong
};
FlywayName parse_flyway_name(std::string_view file);

struct GolangName {
    uint64_t version = 0;
    std::string identifier;
    bool up = false;
};
// Nothing: golang-migrate would skip the file.
std::optional<GolangName> parse_golang_name(std::string_view file);

}  // namespace mtdb::migrate
