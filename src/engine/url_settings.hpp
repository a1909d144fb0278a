// SPDX-License-Identifier: MIT
// What the keys of ours in a server's url stand for: mtdb_<option>, gmt_* of gorm-multitenancy, x-* of golang-migrate.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/options.hpp"

namespace mtdb::engine {

// The options of a url's settings (db::Url::settings) with the program's own over them. Of a key that is given twice
// the last counts; mtdb_<option> wins over another tool's key for the same option, wherever it stands.
// Throws Error(invalid_argument), which names the key: an unknown one, a bad value, or what has no equal here.
Options with_url_settings(const Options& own, const std::vector<std::pair<std::string, std::string>>& settings);

// A key's value as Go's strconv.ParseBool reads it. Throws Error(invalid_argument), which names the key.
bool url_flag(std::string_view key, std::string_view value);

}  // namespace mtdb::engine
