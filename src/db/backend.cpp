// SPDX-License-Identifier: MIT
#include "db/backend.hpp"

namespace mtdb::db {

void Backend::make_shared(const Place& place, const Wait& wait) {
    if (!exists(place, wait)) create(place, wait);
}

void Backend::rename(const Place&, const Place&, const Wait&) {
    throw Error(Code::unsupported, std::string(dialect().name) + " tenants cannot be renamed");
}

}  // namespace mtdb::db
