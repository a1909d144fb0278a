// SPDX-License-Identifier: MIT
#include "db/backend.hpp"

namespace mtdb::db {

void Backend::rename(const Place&, const Place&, const Wait&) {
    throw Error(Code::unsupported, std::string(dialect().name) + " tenants cannot be renamed");
}

}  // namespace mtdb::db
