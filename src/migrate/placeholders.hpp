// SPDX-License-Identifier: MIT
// Flyway's placeholders, `${name}` in a script, replaced exactly as Flyway does: checksums of repeatables depend on it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mtdb::migrate {

struct PlaceholderRules {
    bool replace = true;
    std::string prefix = "${";
    std::string suffix = "}";
    std::string separator = ":";                // in the names of built-in ones
    std::map<std::string, std::string> values;  // by lower-case name
    std::string table;                          // what `flyway:table` says

    // Throws Error(invalid_argument): an empty prefix or suffix, a name of `flyway:`.
    void check() const;
};

// The values that differ from tenant to tenant.
struct TenantValues {
    std::string schema;
    std::string user;
    std::optional<std::string> database;  // nothing: it has no name, and a script that asks for it is an error
    std::string timestamp;                // "yyyy-MM-dd HH:mm:ss", local
};

struct Replaced {
    std::string text;
    bool of_tenant = false;  // it asks for a tenant's values; without them the text is not to be used
};

// The text of script `name` with its placeholders replaced. A prefix is not recognised where the scan that looks for
// it has just given up on its first byte: `$${a}` stays as it is. Throws Error(invalid_argument) with position for a
// name without a value and for one that is not closed. `tenant` may be null.
Replaced replace_placeholders(std::string_view text, std::string_view name, const PlaceholderRules& rules,
                              const TenantValues* tenant);

}  // namespace mtdb::migrate
