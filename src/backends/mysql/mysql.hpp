// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends::mysql {

// Tenants as databases of a MariaDB or MySQL server. Nothing is loaded or connected before the first use.
// Throws Error(invalid_argument) for what the url or the options do not say right.
std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings);

}  // namespace mtdb::backends::mysql
