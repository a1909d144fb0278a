// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backends/sqlite/files.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::sqlite {

// The regular files below the root, at exactly `depth` folders below it, but hidden ones and
// sidecars. The memory it takes is that of `depth` open folders. The root must outlive it.
std::unique_ptr<db::TenantCursor> list_places(const Root& root, int depth);

}  // namespace mtdb::backends::sqlite
