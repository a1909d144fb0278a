/* SPDX-License-Identifier: MIT
 * The headers are strict C99, stand alone, and may be included twice. Compiled with -std=c99 -pedantic -Werror. */
#include "mtdb.h"
#include "mtdb.h"
#include "mtdb_callback.h"
#include "mtdb_callback.h"

#define MTDB_UNSTABLE
#include "mtdb_unstable.h"
#include "mtdb_unstable.h"

int main(void) {
    return mtdb_abi_version() == MTDB_VERSION_MAJOR * 1000 + MTDB_VERSION_MINOR ? 0 : 1;
}
