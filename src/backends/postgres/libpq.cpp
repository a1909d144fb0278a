// SPDX-License-Identifier: MIT
#include "backends/postgres/libpq.hpp"

#include <dlfcn.h>

#include <string>

#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr const char* library_name = "libpq.so.5";

void* symbol_of(void* library, const char* name) {
    if (void* const found = dlsym(library, name)) return found;
    throw Error(Code::unsupported, std::string(library_name) + " has no function " + name +
                                       ": install the Debian package libpq5, version 14 or newer");
}

Libpq load() {
    // Local: its symbols must not meet those of a libpq that the program brought along. Never unloaded: what it
    // registered with the process could not be taken back.
    void* const library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw Error(Code::unsupported, std::string("the PostgreSQL client library ") + library_name +
                                           " cannot be loaded: install the Debian package libpq5");
    Libpq table{};
#define MTDB_LIBPQ_LOAD(name) table.name = reinterpret_cast<decltype(table.name)>(symbol_of(library, #name));
    MTDB_LIBPQ_FUNCTIONS(MTDB_LIBPQ_LOAD)
#undef MTDB_LIBPQ_LOAD
    return table;
}

}  // namespace

const Libpq& libpq() {
    static const Libpq table = load();  // a failed load throws and is tried again by the next caller
    return table;
}

void ClearResult::operator()(PGresult* result) const noexcept {
    if (result != nullptr) libpq().PQclear(result);
}

}  // namespace mtdb::backends::postgres
