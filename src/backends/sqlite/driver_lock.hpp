// SPDX-License-Identifier: MIT
// The lock of migration drivers: SQLite's own locks end with a transaction, and a migration has
// several.
#pragma once

#include <memory>
#include <string>

#include "db/connection.hpp"

namespace mtdb::backends::sqlite {

// ".NAME.mtdb-lock" beside the database, locked as a whole by the kernel: it is there while
// somebody holds it, and one that a dead process left is nobody's. Null: another holder, of this
// process or another one.
std::unique_ptr<db::Held> try_lock_file(const std::string& database);
// For a database that only this process has.
std::unique_ptr<db::Held> try_lock_memory(const std::string& name);

}  // namespace mtdb::backends::sqlite
