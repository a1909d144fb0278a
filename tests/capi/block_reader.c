// SPDX-License-Identifier: MIT
#include "block_reader.h"

#include <string.h>

static mtdb_block_header header_of(const void *block) {
    mtdb_block_header header;
    memcpy(&header, block, sizeof header);
    return header;
}

static mtdb_block_column column_of(const void *block, int32_t column) {
    mtdb_block_column described;
    const char *at = (const char *)block + sizeof(mtdb_block_header);
    memcpy(&described, at + (size_t)column * sizeof described, sizeof described);
    return described;
}

static bool has_offsets(int32_t type) {
    return type == MTDB_TYPE_TEXT || type == MTDB_TYPE_BYTES || type == MTDB_TYPE_DECIMAL || type == MTDB_TYPE_JSON ||
           type == MTDB_TYPE_OTHER;
}

static int64_t data_bytes(int32_t type, int64_t rows) {
    if (has_offsets(type)) return (rows + 1) * 4;
    switch (type) {
        case MTDB_TYPE_NULL: return 0;
        case MTDB_TYPE_BOOL: return rows;
        case MTDB_TYPE_FLOAT:
        case MTDB_TYPE_DATE: return rows * 4;
        case MTDB_TYPE_UUID:
        case MTDB_TYPE_INTERVAL: return rows * 16;
        case MTDB_TYPE_VARIANT: return (rows + 7) / 8 * 8 + rows * 8;
        default: return rows * 8;
    }
}

static bool inside(int64_t offset, int64_t bytes, int64_t total) {
    return offset % 8 == 0 && offset >= (int64_t)sizeof(mtdb_block_header) && bytes >= 0 && offset <= total - bytes;
}

bool block_is_sound(const void *block, int64_t size) {
    if (size < (int64_t)sizeof(mtdb_block_header)) return false;
    const mtdb_block_header header = header_of(block);
    if (header.magic != MTDB_BLOCK_MAGIC || header.version != MTDB_BLOCK_VERSION || header.total != size) return false;
    if (header.reserved != 0 || header.columns < 0 || header.rows < 0) return false;
    for (int32_t column = 0; column < header.columns; ++column) {
        const mtdb_block_column described = column_of(block, column);
        const int64_t bytes = data_bytes(described.type, header.rows);
        if (described.reserved != 0) return false;
        if (described.validity != 0 && !inside(described.validity, (header.rows + 7) / 8, size)) return false;
        if (header.rows > 0 && bytes > 0 && !inside(described.data, bytes, size)) return false;
        for (int32_t row = 0; row < header.rows; ++row) {
            int64_t len = 0;
            const char *text = cell_text(block, row, column, &len);
            const char *end = (const char *)block + size;
            if (text != NULL && (len < 0 || text < (const char *)block || text > end || len > end - text)) return false;
        }
    }
    return true;
}

int32_t block_rows(const void *block) { return header_of(block).rows; }
int32_t block_columns(const void *block) { return header_of(block).columns; }
int32_t block_column_type(const void *block, int32_t column) { return column_of(block, column).type; }

static int64_t slot_of(const void *block, const mtdb_block_column *column, int32_t row) {
    const int64_t tags = ((int64_t)header_of(block).rows + 7) / 8 * 8;
    const int64_t start = column->type == MTDB_TYPE_VARIANT ? column->data + tags : column->data;
    int64_t slot;
    memcpy(&slot, (const char *)block + start + (int64_t)row * 8, sizeof slot);
    return slot;
}

int32_t cell_type(const void *block, int32_t row, int32_t column) {
    const mtdb_block_column described = column_of(block, column);
    const unsigned char *bytes = block;
    if (described.validity != 0 && (bytes[described.validity + row / 8] >> (row % 8) & 1) == 0) return MTDB_TYPE_NULL;
    if (described.type == MTDB_TYPE_VARIANT) return (int8_t)bytes[described.data + row];
    return described.type;
}

int64_t cell_int64(const void *block, int32_t row, int32_t column) {
    const mtdb_block_column described = column_of(block, column);
    const char *data = (const char *)block + described.data;
    int32_t narrow;
    switch (described.type) {
        case MTDB_TYPE_BOOL: return (int8_t)data[row];
        case MTDB_TYPE_DATE: memcpy(&narrow, data + (int64_t)row * 4, sizeof narrow); return narrow;
        default: return slot_of(block, &described, row);
    }
}

double cell_double(const void *block, int32_t row, int32_t column) {
    const mtdb_block_column described = column_of(block, column);
    if (described.type == MTDB_TYPE_FLOAT) {
        float narrow;
        memcpy(&narrow, (const char *)block + described.data + (int64_t)row * 4, sizeof narrow);
        return (double)narrow;
    }
    const int64_t bits = slot_of(block, &described, row);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

const char *cell_text(const void *block, int32_t row, int32_t column, int64_t *len) {
    const mtdb_block_column described = column_of(block, column);
    const char *heap = (const char *)block + described.heap;
    const int32_t type = cell_type(block, row, column);
    *len = 0;
    if (type == MTDB_TYPE_UUID && described.type == MTDB_TYPE_UUID) {
        *len = 16;
        return (const char *)block + described.data + (int64_t)row * 16;
    }
    if (!has_offsets(type) && type != MTDB_TYPE_UUID) return NULL;
    if (described.type == MTDB_TYPE_VARIANT) {
        const uint64_t slot = (uint64_t)slot_of(block, &described, row);
        *len = (int64_t)(slot & 0xffffffffU);
        return heap + (slot >> 32);
    }
    int32_t offsets[2];
    memcpy(offsets, (const char *)block + described.data + (int64_t)row * 4, sizeof offsets);
    *len = offsets[1] - offsets[0];
    return heap + offsets[0];
}

bool cell_is(const void *block, int32_t row, int32_t column, const char *text) {
    int64_t len = 0;
    const char *bytes = cell_text(block, row, column, &len);
    return bytes != NULL && (size_t)len == strlen(text) && memcmp(bytes, text, (size_t)len) == 0;
}
