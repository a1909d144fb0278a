// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <stdlib.h>

static mtdb_options *options;

static void begin(void) {
    make_root();
    ok(mtdb_options_new(&options, &err));
}

static void end(void) {
    mtdb_options_release(options);
    close_db();
}

TestSuite(options, .init = begin, .fini = end, .timeout = 60);

static const char *value_of(const char *key) {
    static char value[256];
    int64_t needed = 0;
    ok(mtdb_options_get(options, key, -1, value, (int64_t)sizeof value - 1, &needed, &err));
    value[needed] = '\0';
    return value;
}

Test(options, an_unset_key_reads_as_its_default) {
    cr_assert_str_eq(value_of("pool.size_max"), "8");
    cr_assert_str_eq(value_of("sqlite.journal"), "wal");
    cr_assert_str_eq(value_of("sqlite.foreign_keys"), "true");
}

Test(options, what_is_set_reads_back_as_text) {
    ok(mtdb_options_set_int(options, "pool.size_max", -1, 3, &err));
    ok(mtdb_options_set_bool(options, "sqlite.foreign_keys", -1, 0, &err));
    ok(mtdb_options_set_str(options, "lease.tag", -1, "page 7", -1, &err));
    cr_assert_str_eq(value_of("pool.size_max"), "3");
    cr_assert_str_eq(value_of("sqlite.foreign_keys"), "false");
    cr_assert_str_eq(value_of("lease.tag"), "page 7");
}

Test(options, text_is_parsed_by_the_type_of_the_key) {
    ok(mtdb_options_set_str(options, "pool.size_max", -1, "12", -1, &err));
    ok(mtdb_options_set_str(options, "lease.read_only", -1, "1", -1, &err));
    cr_assert_str_eq(value_of("pool.size_max"), "12");
    cr_assert_str_eq(value_of("lease.read_only"), "true");
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_str(options, "pool.size_max", -1, "twelve", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_str(options, "pool.size_max", -1, "12 ", -1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_str(options, "pool.size_max", -1, "99999999999999999999", -1, &err));
}

Test(options, an_unknown_key_names_the_nearest_one) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_int(options, "pool.sizemax", -1, 3, &err));
    message_has("pool.sizemax");
    message_has("pool.size_max");
}

Test(options, a_value_out_of_range_is_refused_and_the_old_one_stays) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_int(options, "pool.size_max", -1, -5, &err));
    cr_assert_str_eq(value_of("pool.size_max"), "8");
}

Test(options, a_word_outside_the_list_is_refused) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_set_str(options, "sqlite.journal", -1, "memory", -1, &err));
}

Test(options, keys_and_values_have_lengths) {
    ok(mtdb_options_set_str(options, "lease.tagXXX", 9, "page 7XXX", 6, &err));
    cr_assert_str_eq(value_of("lease.tag"), "page 7");
}

Test(options, each_describes_itself) {
    const int32_t count = mtdb_options_count();
    cr_assert_gt(count, 40);
    for (int32_t i = 0; i < count; ++i) {
        static const char *const keys[] = {"\"key\"", "\"scope\"", "\"type\"", "\"default\"", "\"doc\""};
        char json[2048];
        int64_t needed = 0;
        ok(mtdb_options_describe(i, json, (int64_t)sizeof json - 1, &needed, &err));
        json[needed] = '\0';
        for (size_t k = 0; k < sizeof keys / sizeof *keys; ++k)
            cr_assert_not_null(strstr(json, keys[k]), "no %s in %s", keys[k], json);
    }
}

Test(options, there_is_none_beyond_the_last) {
    int64_t needed = 7;
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_describe(mtdb_options_count(), NULL, 0, &needed, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_options_describe(-1, NULL, 0, &needed, &err));
    cr_assert_eq(needed, 0);
}

Test(options, a_key_of_another_scope_is_refused_where_it_is_used) {
    ok(mtdb_options_set_bool(options, "tx.read_only", -1, 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_db_open(root, -1, options, &db, &err));
    message_has("tx.read_only");
}

Test(options, are_copied_where_they_are_used) {
    ok(mtdb_options_set_int(options, "pool.size_max", -1, 1, &err));
    ok(mtdb_db_open(root, -1, options, &db, &err));
    ok(mtdb_options_set_int(options, "pool.size_max", -1, 5, &err));
    create_tenant("acme");
    mtdb_conn *first = lease("acme");
    mtdb_conn *second = NULL;
    fails(MTDB_POOL_EXHAUSTED, mtdb_db_acquire(db, "acme", -1, NULL, 20, NULL, &second, &err));
    give_back(first);
}
