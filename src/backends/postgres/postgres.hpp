// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends::postgres {

// Connects to nothing yet. Throws Error(unsupported) when libpq cannot be loaded, Error(invalid_argument) for a url
// that libpq does not read.
std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings);

}  // namespace mtdb::backends::postgres
