// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/error.hpp"

namespace mtdb::engine {

// The whole error as one JSON object, as mtdb_error_json() documents it.
std::string json_of(const Error& error);

}  // namespace mtdb::engine
