// SPDX-License-Identifier: MIT
// A decoder of row blocks, written from the comment in mtdb.h alone: the second opinion on the library's writer.
#ifndef MTDB_TESTS_CAPI_BLOCK_READER_H
#define MTDB_TESTS_CAPI_BLOCK_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "mtdb.h"

bool block_is_sound(const void *block, int64_t size);  // magic, version, every offset inside, 8-aligned
int32_t block_rows(const void *block);
int32_t block_columns(const void *block);
int32_t block_column_type(const void *block, int32_t column);

int32_t cell_type(const void *block, int32_t row, int32_t column);  // MTDB_TYPE_NULL for NULL; the tag of a VARIANT
int64_t cell_int64(const void *block, int32_t row, int32_t column);
double cell_double(const void *block, int32_t row, int32_t column);
const char *cell_text(const void *block, int32_t row, int32_t column, int64_t *len);  // not NUL-terminated
bool cell_is(const void *block, int32_t row, int32_t column, const char *text);       // text of these bytes

#endif
