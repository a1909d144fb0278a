// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace mtdb::db {

// Where one tenant lives. `path`: its file, relative to the backend's root unless it is absolute; on a server
// the name of its schema or database, empty where the connection's own database is the tenant's.
// `server`: which connections reach it. Empty: those of the db's url; "?key=value&...": those of the url with
// these settings changed (percent-encoded); else a url of its own. It may hold a password: never in a message.
struct Place {
    std::string path;
    std::string server = {};
    bool operator==(const Place&) const = default;
};

}  // namespace mtdb::db
