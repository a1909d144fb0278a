/* SPDX-License-Identifier: MIT
 * Values of the shared vectors: tagged strings, cells of a row block, parameters. */
#ifndef MTDB_CONFORMANCE_VALUE_H
#define MTDB_CONFORMANCE_VALUE_H

#include <stdint.h>

#include "mtdb.h"

/* What an integer or a double carries is in `slot` (the bits of a double); the rest is in `bytes`, which is owned. */
struct value {
    int32_t type;
    int64_t slot;
    char *bytes;
    int64_t size;
};

/* From a tagged string, NULL for SQL NULL. Returns 0 when the tag or what follows is unknown. */
int value_parse(const char *tagged, struct value *value);

/* From a cell of a block that the library made. */
struct value value_of_cell(const char *block, int32_t column, int32_t row);

/* A BOOL, a date, a text...: the builder's call that fits. */
mtdb_status value_add(mtdb_block *block, const struct value *value, mtdb_error **err);
mtdb_status value_bind(mtdb_stmt *stmt, int32_t index, const struct value *value, mtdb_error **err);

int value_equal(const struct value *a, const struct value *b);

/* For messages; cut to `cap`. */
void value_print(const struct value *value, char *buf, int64_t cap);

void value_drop(struct value *value);

const char *type_name(int32_t type);

#endif
