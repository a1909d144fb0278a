// SPDX-License-Identifier: MIT
#include "fixture.h"

TestSuite(version, .init = make_root, .fini = close_db, .timeout = 60);

Test(version, text_and_number_agree_with_the_header) {
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR, MTDB_VERSION_PATCH);
    cr_assert_str_eq(mtdb_version(), expected);
    cr_assert_eq(mtdb_abi_version(), MTDB_VERSION_MAJOR * 1000 + MTDB_VERSION_MINOR);
}

Test(version, this_header_is_served) { ok(mtdb_abi_require(MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR, &err)); }

Test(version, another_major_is_unsupported) {
    fails(MTDB_UNSUPPORTED, mtdb_abi_require(MTDB_VERSION_MAJOR + 1, 0, &err));
}

Test(version, another_minor_is_unsupported_before_1_0) {
    fails(MTDB_UNSUPPORTED, mtdb_abi_require(MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR + 1, &err));
}

Test(version, every_documented_build_fact_is_there) {
    static const char *const keys[] = {"version", "compiler", "backends", "sqlite.version", "sqlite.source_id",
                                       "sqlite.threadsafe"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        char text[512];
        int64_t needed = 0;
        ok(mtdb_build_info(keys[i], -1, text, (int64_t)sizeof text, &needed, &err));
        cr_assert_gt(needed, 0, "%s is empty", keys[i]);
    }
}

Test(version, an_unknown_build_fact_is_not_found) {
    int64_t needed = 99;
    fails(MTDB_NOT_FOUND, mtdb_build_info("colour", -1, NULL, 0, &needed, &err));
    cr_assert_eq(needed, 0);
}

Test(version, a_short_buffer_is_left_alone_and_told_its_size) {
    char text[64] = "untouched";
    int64_t needed = 0;
    returns(MTDB_TRUNCATED, mtdb_build_info("version", -1, text, 2, &needed, &err));
    cr_assert_str_eq(text, "untouched");
    cr_assert_eq(needed, (int64_t)strlen(mtdb_version()));
}
