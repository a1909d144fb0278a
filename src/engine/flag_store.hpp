// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "control/quiesce.hpp"

namespace mtdb::engine {

// Flags in the database that a url or a path names. Opens nothing yet. Throws Error(invalid_argument), and
// Error(not_found) for an SQLite file in a folder that is not there.
std::shared_ptr<control::Store> open_flag_store(std::string_view url, std::string_view table);

}  // namespace mtdb::engine
