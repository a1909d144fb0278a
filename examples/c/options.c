// SPDX-License-Identifier: MIT
// Options are keys and values; the library knows and describes them all.
#include "example.h"

int main(int argc, char **argv) {
    mtdb_options *options = NULL;
    char text[512];
    int64_t len = 0;

    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_int(options, "pool.size_max", -1, 4, &err));
    check(mtdb_options_set_str(options, "sqlite.synchronous", -1, "normal", -1, &err));
    check(mtdb_options_set_bool(options, "sqlite.foreign_keys", -1, 1, &err));

    // A slip of the pen is caught at once, and the error names the key that was meant.
    expect(mtdb_options_set_int(options, "pool.sizemax", -1, 4, &err) == MTDB_INVALID_ARGUMENT);
    printf("%s\n", mtdb_error_message(err));
    expect(strstr(mtdb_error_message(err), "pool.size_max") != NULL);
    mtdb_error_release(err);

    check(mtdb_options_get(options, "pool.size_max", -1, text, sizeof text, &len, &err));
    expect(len == 1 && text[0] == '4');
    check(mtdb_options_get(options, "pool.idle_ms", -1, text, sizeof text, &len, &err));
    printf("pool.idle_ms is %.*s unless it is set\n", (int)len, text);

    for (int32_t i = 0; i < mtdb_options_count(); ++i) {
        expect(check(mtdb_options_describe(i, text, sizeof text, &len, &err)) == MTDB_OK);
        printf("%.*s\n", (int)len, text);
    }

    // A db takes a copy: the set may change, or go, right afterwards.
    mtdb_db *db = example_open(argc, argv, options);
    mtdb_options_release(options);
    return example_close(db);
}
