// SPDX-License-Identifier: MIT
#pragma once

#include "db/backend.hpp"

namespace mtdb::migrate {

// Drops everything in the namespace that the connection stands in, so many objects in one transaction; returns how
// many. What is dropped stays dropped when it stops half way.
int64_t empty_namespace(db::Connection& connection, const db::Dialect& dialect, std::size_t batch, const Wait& wait);

}  // namespace mtdb::migrate
