// SPDX-License-Identifier: MIT
// MariaDB Connector/C, loaded at first use and never unloaded. It connects, authenticates, encrypts and frames
// packets; what is in the packets is this backend's own.
#pragma once

#include <mysql.h>

namespace mtdb::backends::mysql {

struct Library {
    decltype(&::mysql_init) init;
    decltype(&::mysql_close) close;
    decltype(&::mysql_options) options;
    decltype(&::mysql_options4) options4;
    decltype(&::mysql_real_connect) real_connect;
    decltype(&::mysql_errno) error_number;
    decltype(&::mysql_error) error_text;
    decltype(&::mysql_sqlstate) sqlstate;
    decltype(&::mysql_get_socket) socket;
    decltype(&::mysql_get_server_info) server_info;
    decltype(&::mysql_get_server_version) server_version;
    decltype(&::mysql_thread_id) thread_id;
    decltype(&::mysql_get_ssl_cipher) cipher;
    decltype(&::mariadb_connection) is_mariadb;
    decltype(&::mysql_net_read_packet) read_packet;
};

// Throws Error(unsupported) that names the Debian package when it is missing or too old. Thread-safe; SIGPIPE's
// disposition is the same before and after.
const Library& library();

}  // namespace mtdb::backends::mysql
