// SPDX-License-Identifier: MIT
#include "backends/mysql/libmariadb.hpp"

#include <dlfcn.h>
#include <signal.h>

#include <string>

#include "base/error.hpp"

namespace mtdb::backends::mysql {
namespace {

constexpr const char* file_name = "libmariadb.so.3";
constexpr unsigned long oldest = 30300;  // 3.3.0: waits through MARIADB_OPT_IO_WAIT

Error missing(const char* what) {
    return Error(Code::unsupported, std::string("mysql needs MariaDB Connector/C 3.3 (") + what +
                                        "): install the Debian package "
                                        "libmariadb3");
}

template <class Function>
void find(void* handle, const char* name, Function& function) {
    void* const symbol = dlsym(handle, name);
    if (symbol == nullptr) throw missing(name);
    function = reinterpret_cast<Function>(symbol);
}

// The library's first initialisation ignores SIGPIPE for the whole process.
class KeptSigpipe {
public:
    KeptSigpipe() noexcept : known_(sigaction(SIGPIPE, nullptr, &before_) == 0) {}
    KeptSigpipe(const KeptSigpipe&) = delete;
    ~KeptSigpipe() {
        if (known_) sigaction(SIGPIPE, &before_, nullptr);
    }

private:
    struct sigaction before_ = {};
    bool known_;
};

Library load() {
    const KeptSigpipe kept;
    void* const handle = dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw missing(file_name);
    decltype(&::mysql_server_init) initialise = nullptr;
    decltype(&::mysql_get_client_info) version = nullptr;
    find(handle, "mysql_server_init", initialise);
    find(handle, "mysql_get_client_info", version);
    Library found{};
    find(handle, "mysql_init", found.init);
    find(handle, "mysql_close", found.close);
    find(handle, "mysql_options", found.options);
    find(handle, "mysql_options4", found.options4);
    find(handle, "mysql_real_connect", found.real_connect);
    find(handle, "mysql_errno", found.error_number);
    find(handle, "mysql_error", found.error_text);
    find(handle, "mysql_sqlstate", found.sqlstate);
    find(handle, "mysql_get_socket", found.socket);
    find(handle, "mysql_get_server_info", found.server_info);
    find(handle, "mysql_get_server_version", found.server_version);
    find(handle, "mysql_thread_id", found.thread_id);
    find(handle, "mysql_get_ssl_cipher", found.cipher);
    find(handle, "mariadb_connection", found.is_mariadb);
    find(handle, "mysql_net_read_packet", found.read_packet);
    unsigned long number = 0;
    const std::string text = version();
    const std::size_t minor = text.find('.');
    if (minor != std::string::npos)
        number = std::strtoul(text.c_str(), nullptr, 10) * 10000 +
                 std::strtoul(text.c_str() + minor + 1, nullptr, 10) * 100;
    if (number < oldest || number >= 40000) throw missing(text.c_str());
    if (initialise(0, nullptr, nullptr) != 0) throw Error(Code::unsupported, "libmariadb does not initialise");
    return found;
}

}  // namespace

const Library& library() {
    static const Library loaded = load();
    return loaded;
}

}  // namespace mtdb::backends::mysql
