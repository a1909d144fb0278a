// SPDX-License-Identifier: MIT
// From a db's url, a place's server and the options to what libpq connects with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/wait.hpp"
#include "db/backend.hpp"
#include "db/place.hpp"

namespace mtdb::backends::postgres {

// libpq's keywords and their values. May hold a password: never in a message.
using Keywords = std::map<std::string, std::string, std::less<>>;

// A libpq URI or key/value string. Throws Error(invalid_argument) without the text.
Keywords parse_target(std::string_view target);
// The url's keywords as a place's server changes them: "" not, "?key=value&..." some, a url all.
Keywords for_server(const Keywords& base, const std::string& server);

// A schema that exists nowhere: where a connection stands that belongs to no tenant.
constexpr std::string_view parking_schema = "mtdb_parking";

struct ConnectOptions {
    static ConnectOptions read(const db::Settings& settings);
    bool has_password() const noexcept;

    std::string password, password_file, password_env;
    std::string application_name;
    std::string tls_mode, tls_ca, tls_cert, tls_key;
    base::milliseconds timeout{10000};  // for one host
    bool own_timeout = false;           // it was asked for: the url's does not count
};

enum class Startup {
    parked,  // with a search path that leads nowhere
    plain,   // with the server's own search path
    bare     // behind a pooler that takes no settings at start
};

// One host to try.
struct Attempt {
    Keywords keywords;
    std::string where;  // for messages
};

struct ConnectPlan {
    std::vector<Attempt> attempts;  // in order
    base::milliseconds timeout{0};  // for each; 0: none
};

// Reads the password's source where the keywords have none. Throws Error(invalid_argument) that names the option.
ConnectPlan plan_connect(Keywords keywords, const ConnectOptions& options, Startup startup);

}  // namespace mtdb::backends::postgres
