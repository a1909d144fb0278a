// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends::sqlite {

// Tenants as files below the folder `url.target`, or in memory for ":memory:".
// Throws Error(not_found) when there is no such folder, Error(permission) when it cannot be read.
std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings);

}  // namespace mtdb::backends::sqlite
