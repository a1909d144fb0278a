// SPDX-License-Identifier: MIT
// The file beside a script that configures it: `V1__a.sql.conf`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "migrate/placeholders.hpp"

namespace mtdb::migrate {

struct ScriptConfig {
    std::optional<bool> in_transaction;
    std::optional<bool> replace;
    std::optional<std::string> encoding;
};

// Throws Error(invalid_argument) naming the file: another key, a boolean that is neither true nor false, a placeholder
// without a value; Error(unsupported): `shouldExecute`.
ScriptConfig parse_config(std::string_view text, const std::string& file, const PlaceholderRules& rules);

}  // namespace mtdb::migrate
