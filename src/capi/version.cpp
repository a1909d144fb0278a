// SPDX-License-Identifier: MIT
#include <sqlite3.h>

#include "capi/boundary.hpp"
#define MTDB_UNSTABLE
#include "mtdb_unstable.h"

#define MTDB_TEXT_OF_(x) #x
#define MTDB_TEXT_OF(x) MTDB_TEXT_OF_(x)

using namespace mtdb;
using namespace mtdb::capi;

namespace {

constexpr const char* version_text = MTDB_TEXT_OF(MTDB_VERSION_MAJOR) "." MTDB_TEXT_OF(
    MTDB_VERSION_MINOR) "." MTDB_TEXT_OF(MTDB_VERSION_PATCH);

std::string fact(std::string_view key) {
    if (key == "version") return version_text;
    if (key == "compiler") return __VERSION__;
    if (key == "backends") return engine::backend_names();
    if (key == "sqlite.version") return sqlite3_libversion();
    if (key == "sqlite.source_id") return sqlite3_sourceid();
    if (key == "sqlite.threadsafe") return std::to_string(sqlite3_threadsafe());
    throw Error(Code::not_found,
                "no build fact of that name: version, compiler, backends, sqlite.version, "
                "sqlite.source_id, sqlite.threadsafe");
}

}  // namespace

extern "C" {

const char* mtdb_version(void) { return version_text; }

int32_t mtdb_abi_version(void) { return MTDB_VERSION_MAJOR * 1000 + MTDB_VERSION_MINOR; }

mtdb_status mtdb_abi_require(int32_t major, int32_t minor, mtdb_error** err) {
    return boundary(err, [&] {
        const bool serves =
            major == MTDB_VERSION_MAJOR &&
            (MTDB_VERSION_MAJOR == 0 ? minor == MTDB_VERSION_MINOR : minor <= MTDB_VERSION_MINOR);
        if (!serves)
            throw Error(Code::unsupported, "the program was built for mtdb " +
                                               std::to_string(major) + "." + std::to_string(minor) +
                                               ", the library is " + version_text);
        return MTDB_OK;
    });
}

mtdb_status mtdb_build_info(const char* key, int64_t key_len, void* buf, int64_t cap,
                            int64_t* needed, mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] { return give(fact(text(key, key_len, "key")), buf, cap, needed); });
}

int64_t mtdb_unstable_live_handles(void) { return engine::Counted::live(); }

}  // extern "C"
