// SPDX-License-Identifier: MIT
// The list of backends: explicit, because self-registering statics vanish from static libraries.
#pragma once

#include <memory>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends {

// Error(unsupported) for a scheme that nobody serves, naming those that are.
std::unique_ptr<db::Backend> open(const db::Url& url, const db::Settings& settings);
// Names, in the order of the list, separated by commas.
std::string names();

}  // namespace mtdb::backends
