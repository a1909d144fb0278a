// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "migrate/script.hpp"

using namespace mtdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    const auto name = fuzz::text_of(data, size);
    fuzz::may_refuse([&] {
        const auto flyway = migrate::parse_flyway_name(name);
        const bool versioned = flyway.kind == migrate::FileKind::versioned;
        fuzz::claim(!versioned || !flyway.version.empty(), "a versioned script has a version");
    });
    fuzz::may_refuse([&] {
        const auto golang = migrate::parse_golang_name(name);
        fuzz::claim(!golang || name.find(golang->identifier) != name.npos, "an identifier is part of the name");
    });
    fuzz::may_refuse([&] {
        fuzz::claim(migrate::stored_script(name).size() <= name.size() + 3, "a stored name is no longer than the name");
        migrate::stored_description(name);
        migrate::flyway_checksum(name);
    });
    return 0;
}
