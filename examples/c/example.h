// SPDX-License-Identifier: MIT
// The little that the examples share: every call checked, and a folder of their own that is gone afterwards.
#ifndef MTDB_EXAMPLE_H
#define MTDB_EXAMPLE_H

#include <mtdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern mtdb_error *err;  // of the last checked call

// Ends the program when a call fails; else gives its status: MTDB_OK, or an outcome such as MTDB_DONE.
#define check(call) example_check((call), #call, __FILE__, __LINE__)
mtdb_status example_check(mtdb_status status, const char *call, const char *file, int line);

// Ends the program when something is not as it should be.
#define expect(claim) example_expect((claim), #claim, __FILE__, __LINE__)
void example_expect(bool claim, const char *text, const char *file, int line);

// A db in a new folder below argv[1], or else below the system's temporary folder.
mtdb_db *example_open(int argc, char **argv, const mtdb_options *options);
const char *example_folder(void);
int example_close(mtdb_db *owned);  // closes the db, removes the folder, gives main's answer

#endif
