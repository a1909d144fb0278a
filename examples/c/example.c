// SPDX-License-Identifier: MIT
#define _XOPEN_SOURCE 700  // mkdtemp, nftw
#include "example.h"

#include <ftw.h>
#include <stdlib.h>

mtdb_error *err;
static char folder[256];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void remove_folder(void) {
    if (folder[0] != '\0') nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

static void give_up(void) {
    remove_folder();
    exit(EXIT_FAILURE);
}

mtdb_status example_check(mtdb_status status, const char *call, const char *file, int line) {
    if (status >= 0) return status;
    fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, call, mtdb_status_name(status), mtdb_error_message(err));
    mtdb_error_release(err);
    give_up();
    return status;
}

void example_expect(bool claim, const char *text, const char *file, int line) {
    if (claim) return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    give_up();
}

mtdb_db *example_open(int argc, char **argv, const mtdb_options *options) {
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL) temporary = "/tmp";
    snprintf(folder, sizeof folder, "%s/mtdb-example-XXXXXX", argc > 1 ? argv[1] : temporary);
    expect(mkdtemp(folder) != NULL);
    mtdb_db *db = NULL;
    check(mtdb_db_open(folder, -1, options, &db, &err));
    return db;
}

const char *example_folder(void) { return folder; }

int example_close(mtdb_db *owned) {
    check(mtdb_db_close(owned, MTDB_DEFAULT, NULL, NULL, &err));
    mtdb_db_release(owned);
    remove_folder();
    return EXIT_SUCCESS;
}
