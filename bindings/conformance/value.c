/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum carrier { NOTHING, INTEGER, REAL, BYTES };

/* How a type travels: in a tag, and in a block with `width` bytes a value (0: offsets into the heap). */
static const struct type {
    const char *tag;
    enum carrier carrier;
    int32_t width;
} types[] = {
    [MTDB_TYPE_NULL] = {"null", NOTHING, 0},
    [MTDB_TYPE_BOOL] = {"bool", INTEGER, 1},
    [MTDB_TYPE_INT64] = {"int64", INTEGER, 8},
    [MTDB_TYPE_UINT64] = {"uint64", INTEGER, 8},
    [MTDB_TYPE_FLOAT] = {"float", REAL, 4},
    [MTDB_TYPE_DOUBLE] = {"double", REAL, 8},
    [MTDB_TYPE_DECIMAL] = {"decimal", BYTES, 0},
    [MTDB_TYPE_TEXT] = {"text", BYTES, 0},
    [MTDB_TYPE_BYTES] = {"bytes", BYTES, 0},
    [MTDB_TYPE_DATE] = {"date", INTEGER, 4},
    [MTDB_TYPE_TIME] = {"time", INTEGER, 8},
    [MTDB_TYPE_TIMESTAMP] = {"timestamp", INTEGER, 8},
    [MTDB_TYPE_TIMESTAMPTZ] = {"timestamptz", INTEGER, 8},
    [MTDB_TYPE_UUID] = {"uuid", BYTES, 16},
    [MTDB_TYPE_JSON] = {"json", BYTES, 0},
    [MTDB_TYPE_INTERVAL] = {"interval", BYTES, 16},
    [MTDB_TYPE_VARIANT] = {"variant", NOTHING, 0},
    [MTDB_TYPE_OTHER] = {"other", BYTES, 0},
};
static const int32_t type_count = (int32_t)(sizeof types / sizeof types[0]);

const char *type_name(int32_t type) {
    return type >= 0 && type < type_count ? types[type].tag : "unknown";
}

static void *allocate(int64_t size) {
    void *memory = calloc(1, (size_t)size + 1);
    if (memory == NULL) abort();
    return memory;
}

static void set_bytes(struct value *value, const void *bytes, int64_t size) {
    value->bytes = allocate(size);
    value->size = size;
    if (size > 0) memcpy(value->bytes, bytes, (size_t)size);
}

static int64_t bits_of(double number) {
    int64_t bits;
    memcpy(&bits, &number, 8);
    return bits;
}

static double number_of(int64_t bits) {
    double number;
    memcpy(&number, &bits, 8);
    return number;
}

static int parse_hex(const char *digits, struct value *value) {
    const size_t length = strlen(digits);
    if (length % 2 != 0) return 0;
    value->bytes = allocate((int64_t)length / 2);
    value->size = (int64_t)length / 2;
    for (size_t i = 0; i < length / 2; ++i) {
        const char pair[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
        char *end;
        value->bytes[i] = (char)strtol(pair, &end, 16);
        if (*end != '\0') return 0;
    }
    return 1;
}

/* COUNT*TEXT, for values too long to be written out. */
static int parse_repeat(const char *rest, struct value *value) {
    char *unit;
    const int64_t count = strtoll(rest, &unit, 10);
    if (count < 0 || *unit != '*') return 0;
    const size_t length = strlen(++unit);
    value->size = count * (int64_t)length;
    value->bytes = allocate(value->size);
    for (int64_t i = 0; i < count; ++i) memcpy(value->bytes + i * (int64_t)length, unit, length);
    return 1;
}

static int parse_interval(const char *rest, struct value *value) {
    char *at;
    const int32_t months = (int32_t)strtol(rest, &at, 10);
    if (*at != ',') return 0;
    const int32_t days = (int32_t)strtol(at + 1, &at, 10);
    if (*at != ',') return 0;
    const int64_t us = strtoll(at + 1, &at, 10);
    char packed[16];
    memcpy(packed, &months, 4);
    memcpy(packed + 4, &days, 4);
    memcpy(packed + 8, &us, 8);
    set_bytes(value, packed, 16);
    return *at == '\0';
}

static int parse_number(const char *rest, struct value *value) {
    char *end;
    errno = 0;
    if (types[value->type].carrier == REAL) {
        const double number = strtod(rest, &end);
        value->slot = bits_of(value->type == MTDB_TYPE_FLOAT ? (double)(float)number : number);
        return end != rest && *end == '\0';
    }
    value->slot = value->type == MTDB_TYPE_UINT64 ? (int64_t)strtoull(rest, &end, 10) : strtoll(rest, &end, 10);
    return end != rest && *end == '\0' && errno == 0;
}

int value_parse(const char *tagged, struct value *value) {
    memset(value, 0, sizeof *value);
    if (tagged == NULL) return 1;
    const char *colon = strchr(tagged, ':');
    if (colon == NULL) return 0;
    const size_t length = (size_t)(colon - tagged);
    const char *rest = colon + 1;
    if (strncmp(tagged, "text-hex:", 9) == 0 || strncmp(tagged, "text-repeat:", 12) == 0) {
        value->type = MTDB_TYPE_TEXT;
        return tagged[5] == 'h' ? parse_hex(rest, value) : parse_repeat(rest, value);
    }
    for (int32_t type = 1; type < type_count; ++type) {
        if (strlen(types[type].tag) != length || memcmp(types[type].tag, tagged, length) != 0) continue;
        value->type = type;
        if (type == MTDB_TYPE_BYTES || type == MTDB_TYPE_UUID) return parse_hex(rest, value);
        if (type == MTDB_TYPE_INTERVAL) return parse_interval(rest, value);
        if (types[type].carrier != BYTES) return parse_number(rest, value);
        set_bytes(value, rest, (int64_t)strlen(rest));
        return 1;
    }
    return 0;
}

static int64_t integer_at(const char *data, int32_t width, int32_t row) {
    int8_t small;
    int32_t middle;
    int64_t large;
    if (width == 1) return memcpy(&small, data + row, 1), small;
    if (width == 4) return memcpy(&middle, data + 4 * (int64_t)row, 4), middle;
    return memcpy(&large, data + 8 * (int64_t)row, 8), large;
}

static struct value variant_at(const char *data, const char *heap, int32_t rows, int32_t row) {
    struct value value = {(int32_t)(int8_t)data[row], 0, NULL, 0};
    const int64_t slot = integer_at(data + ((int64_t)rows + 7) / 8 * 8, 8, row);
    if (types[value.type].carrier == BYTES)
        set_bytes(&value, heap + (slot >> 32), slot & INT32_MAX);
    else if (value.type != MTDB_TYPE_NULL)
        value.slot = slot;
    return value;
}

struct value value_of_cell(const char *block, int32_t column, int32_t row) {
    mtdb_block_header header;
    mtdb_block_column entry;
    memcpy(&header, block, sizeof header);
    memcpy(&entry, block + sizeof header + (size_t)column * sizeof entry, sizeof entry);
    struct value value = {MTDB_TYPE_NULL, 0, NULL, 0};
    if (entry.validity != 0 && (block[entry.validity + row / 8] >> (row % 8) & 1) == 0) return value;
    const char *data = block + entry.data;
    if (entry.type == MTDB_TYPE_VARIANT) return variant_at(data, block + entry.heap, header.rows, row);
    const struct type *type = &types[entry.type];
    value.type = entry.type;
    if (type->carrier == INTEGER || entry.type == MTDB_TYPE_DOUBLE) {
        value.slot = integer_at(data, type->width, row);
    } else if (entry.type == MTDB_TYPE_FLOAT) {
        float number;
        memcpy(&number, data + 4 * (int64_t)row, 4);
        value.slot = bits_of((double)number);
    } else if (type->width != 0) {
        set_bytes(&value, data + type->width * (int64_t)row, type->width);
    } else if (type->carrier == BYTES) {
        const int64_t begin = integer_at(data, 4, row);
        set_bytes(&value, block + entry.heap + begin, integer_at(data, 4, row + 1) - begin);
    }
    return value;
}

mtdb_status value_add(mtdb_block *block, const struct value *value, mtdb_error **err) {
    switch (types[value->type].carrier) {
        case NOTHING: return mtdb_block_add_null(block, err);
        case REAL: return mtdb_block_add_double(block, number_of(value->slot), err);
        case INTEGER:
            if (value->type == MTDB_TYPE_INT64) return mtdb_block_add_int64(block, value->slot, err);
            return mtdb_block_add_integer(block, value->type, value->slot, err);
        default:
            if (value->type == MTDB_TYPE_TEXT) return mtdb_block_add_text(block, value->bytes, value->size, err);
            return mtdb_block_add_typed(block, value->type, value->bytes, value->size, err);
    }
}

mtdb_status value_bind(mtdb_stmt *stmt, int32_t index, const struct value *value, mtdb_error **err) {
    switch (types[value->type].carrier) {
        case NOTHING: return mtdb_stmt_bind_null(stmt, index, err);
        case REAL: return mtdb_stmt_bind_double(stmt, index, number_of(value->slot), err);
        case INTEGER:
            if (value->type == MTDB_TYPE_INT64) return mtdb_stmt_bind_int64(stmt, index, value->slot, err);
            return mtdb_stmt_bind_integer(stmt, index, value->type, value->slot, err);
        default:
            if (value->type == MTDB_TYPE_TEXT) return mtdb_stmt_bind_text(stmt, index, value->bytes, value->size, err);
            if (value->type == MTDB_TYPE_BYTES)
                return mtdb_stmt_bind_bytes(stmt, index, value->bytes, value->size, err);
            return mtdb_stmt_bind_typed(stmt, index, value->type, value->bytes, value->size, err);
    }
}

int value_equal(const struct value *a, const struct value *b) {
    return a->type == b->type && a->slot == b->slot && a->size == b->size &&
           (a->size == 0 || memcmp(a->bytes, b->bytes, (size_t)a->size) == 0);
}

void value_print(const struct value *value, char *buf, int64_t cap) {
    int used = snprintf(buf, (size_t)cap, "%s:", type_name(value->type));
    if (types[value->type].carrier == REAL) {
        snprintf(buf + used, (size_t)(cap - used), "%.17g", number_of(value->slot));
    } else if (types[value->type].carrier == INTEGER) {
        snprintf(buf + used, (size_t)(cap - used), "%lld", (long long)value->slot);
    } else {
        for (int64_t i = 0; i < value->size && used + 4 < cap; ++i)
            used += snprintf(buf + used, (size_t)(cap - used), "%02x", (unsigned char)value->bytes[i]);
    }
}

void value_drop(struct value *value) {
    free(value->bytes);
    value->bytes = NULL;
}
