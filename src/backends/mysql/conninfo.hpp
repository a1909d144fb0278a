// SPDX-License-Identifier: MIT
// How to reach a server: read from a url and the options.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends::mysql {

enum class Tls { automatic, disable, prefer, require, verify_ca, verify_full };
enum class ZeroDates { null, error, text };

struct Host {
    std::string name;
    uint16_t port = 3306;
    bool operator==(const Host&) const = default;
};

struct Conninfo {
    std::vector<Host> hosts;  // tried in order; empty: the socket
    std::string socket;
    std::string user;
    std::string password;       // of the url or the option
    std::string password_file;  // read at each connect
    std::string password_env;
    std::string database;  // the url's own; empty: none
    Tls tls = Tls::automatic;
    std::string tls_ca, tls_cert, tls_key;
    std::string sql_mode;  // empty: the server's
    std::string application_name = "mtdb";
    std::chrono::milliseconds connect_timeout{10000};
    ZeroDates zero_dates = ZeroDates::null;

    // "mysql://user:password@host:port,host/database?key=value" (also "mariadb://"), and the form of Go's driver,
    // "user:password@tcp(host:port)/database?key=value", also behind "mysql://". A key that is not known is an
    // Error(invalid_argument) that names it; no message has more of the text.
    static Conninfo parse(std::string_view target);
    static Conninfo read(const db::Url& url, const db::Settings& settings);
    // With what a place's `server` says: "", "?key=value&...", or a url of its own.
    Conninfo changed(std::string_view server) const;
    // With that host alone.
    Conninfo only(std::size_t host) const;

    // What to connect with now. Throws Error(auth) when the file or the variable is not there.
    std::string secret() const;
    // For messages: "host:port" or the socket, never a user or a password.
    std::string where(std::size_t host = 0) const;
};

}  // namespace mtdb::backends::mysql
