// SPDX-License-Identifier: MIT
// Which library is this, and does it serve the header we were built with?
#include "example.h"

int main(void) {
    static const char *const facts[] = {"version", "compiler", "backends", "sqlite.version", "sqlite.threadsafe"};

    check(mtdb_abi_require(MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR, &err));
    printf("mtdb %s, ABI %d\n", mtdb_version(), (int)mtdb_abi_version());

    for (size_t i = 0; i < sizeof facts / sizeof *facts; ++i) {
        char text[128];
        int64_t len = 0;
        expect(check(mtdb_build_info(facts[i], -1, text, sizeof text, &len, &err)) == MTDB_OK);
        printf("  %-18s %.*s\n", facts[i], (int)len, text);
    }

    // A buffer that is too small is told the size it should have.
    int64_t needed = 0;
    expect(check(mtdb_build_info("version", -1, NULL, 0, &needed, &err)) == MTDB_TRUNCATED);
    expect((size_t)needed == strlen(mtdb_version()));
}
