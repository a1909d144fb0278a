// SPDX-License-Identifier: MIT
// Values on their way out of a block (mtdb.h, "Results, row blocks"): every object is frozen, but
// Strings in the loose form.
#include <climits>
#include <cstring>

#include "native.hpp"

namespace mtdb_native {

namespace {

ID id_decimal, id_date, id_time_of_day, id_uuid, id_interval;

template <class T>
T read(const char *place) {
    T value;
    memcpy(&value, place, sizeof value);
    return value;
}

VALUE frozen(VALUE object) {
    RB_OBJ_FREEZE_RAW(object);
    return object;
}

VALUE text(const char *at, int64_t size, Form form) {
    VALUE string = rb_utf8_str_new(at, static_cast<long>(size));
    return form == Form::loose ? string : frozen(string);
}

VALUE binary(const char *at, int64_t size, Form form) {
    VALUE string = rb_str_new(at, static_cast<long>(size));
    return form == Form::loose ? string : frozen(string);
}

VALUE make(ID function, VALUE carried) {
    return rb_funcall(rb_const_get(rb_const_get(rb_cObject, rb_intern("Mtdb")), rb_intern("Values")), function, 1,
                      carried);
}

// The integer limits are what a server calls infinity.
VALUE time_of(int64_t microseconds) {
    if (microseconds == INT64_MAX) return rb_float_new(HUGE_VAL);
    if (microseconds == INT64_MIN) return rb_float_new(-HUGE_VAL);
    int64_t seconds = microseconds / 1000000;
    int64_t rest = microseconds % 1000000;
    if (rest < 0) {
        rest += 1000000;
        --seconds;
    }
    const struct timespec moment = {static_cast<time_t>(seconds), static_cast<long>(rest * 1000)};
    return frozen(rb_time_timespec_new(&moment, INT_MAX - 1));  // UTC
}

VALUE uuid(const char *at, Form form) {
    VALUE bytes = binary(at, 16, form);
    return form == Form::raw ? bytes : make(id_uuid, bytes);
}

VALUE interval(const char *at, Form form) {
    VALUE parts[3] = {INT2NUM(read<int32_t>(at)), INT2NUM(read<int32_t>(at + 4)), LL2NUM(read<int64_t>(at + 8))};
    VALUE triple = frozen(rb_ary_new_from_values(3, parts));
    return form == Form::raw ? triple : make(id_interval, triple);
}

VALUE carried_integer(int32_t type, int64_t value, Form form) {
    if (type == MTDB_TYPE_BOOL) return value != 0 ? Qtrue : Qfalse;
    if (type == MTDB_TYPE_UINT64) return ULL2NUM(static_cast<unsigned long long>(value));
    if (form != Form::raw) {
        if (type == MTDB_TYPE_TIMESTAMP || type == MTDB_TYPE_TIMESTAMPTZ) return time_of(value);
        if (type == MTDB_TYPE_DATE) return make(id_date, LL2NUM(value));
        if (type == MTDB_TYPE_TIME) return make(id_time_of_day, LL2NUM(value));
    }
    return LL2NUM(value);
}

VALUE carried_bytes(int32_t type, const char *at, int64_t size, Form form) {
    if (type == MTDB_TYPE_TEXT || type == MTDB_TYPE_JSON || type == MTDB_TYPE_OTHER) return text(at, size, form);
    if (type == MTDB_TYPE_DECIMAL)
        return form == Form::raw ? text(at, size, form) : make(id_decimal, text(at, size, form));
    return binary(at, size, form);
}

VALUE variant(const Column &column, int32_t row, Form form) {
    const int32_t type = read<int8_t>(column.data + row);
    const char *slot = column.data + (static_cast<int64_t>(column.rows) + 7) / 8 * 8 + 8 * static_cast<int64_t>(row);
    switch (type) {
        case MTDB_TYPE_NULL: return Qnil;
        case MTDB_TYPE_FLOAT:
        case MTDB_TYPE_DOUBLE: return rb_float_new(read<double>(slot));
        case MTDB_TYPE_BOOL:
        case MTDB_TYPE_INT64:
        case MTDB_TYPE_UINT64:
        case MTDB_TYPE_DATE:
        case MTDB_TYPE_TIME:
        case MTDB_TYPE_TIMESTAMP:
        case MTDB_TYPE_TIMESTAMPTZ: return carried_integer(type, read<int64_t>(slot), form);
        default: break;
    }
    const int64_t packed = read<int64_t>(slot);
    const char *at = column.heap + (packed >> 32);
    const int64_t size = packed & INT32_MAX;
    if (type == MTDB_TYPE_UUID) return uuid(at, form);
    if (type == MTDB_TYPE_INTERVAL) return interval(at, form);
    return carried_bytes(type, at, size, form);
}

// What is not among the three types that most columns have.
VALUE other(const Column &column, int32_t row, Form form) {
    const char *data = column.data;
    const int64_t at = row;
    switch (column.type) {
        case MTDB_TYPE_NULL: return Qnil;
        case MTDB_TYPE_VARIANT: return variant(column, row, form);
        case MTDB_TYPE_FLOAT: return rb_float_new(static_cast<double>(read<float>(data + 4 * at)));
        case MTDB_TYPE_BOOL: return carried_integer(column.type, read<int8_t>(data + at), form);
        case MTDB_TYPE_DATE: return carried_integer(column.type, read<int32_t>(data + 4 * at), form);
        case MTDB_TYPE_UINT64:
        case MTDB_TYPE_TIME:
        case MTDB_TYPE_TIMESTAMP:
        case MTDB_TYPE_TIMESTAMPTZ: return carried_integer(column.type, read<int64_t>(data + 8 * at), form);
        case MTDB_TYPE_UUID: return uuid(data + 16 * at, form);
        case MTDB_TYPE_INTERVAL: return interval(data + 16 * at, form);
        default: break;
    }
    const int32_t begin = read<int32_t>(data + 4 * at);
    const int32_t end = read<int32_t>(data + 4 * at + 4);
    return carried_bytes(column.type, column.heap + begin, end - begin, form);
}

}  // namespace

void find_columns(const char *block, Column *columns) {
    const auto *header = reinterpret_cast<const mtdb_block_header *>(block);
    const auto *entries = reinterpret_cast<const mtdb_block_column *>(header + 1);
    for (int32_t i = 0; i < header->columns; ++i) {
        const mtdb_block_column &entry = entries[i];
        columns[i].type = entry.type;
        columns[i].rows = header->rows;
        columns[i].validity =
            entry.validity == 0 ? nullptr : reinterpret_cast<const unsigned char *>(block + entry.validity);
        columns[i].data = block + entry.data;
        columns[i].heap = block + entry.heap;
    }
}

VALUE decode_cell(const Column &column, int32_t row, Form form) {
    if (column.validity != nullptr && (column.validity[row / 8] >> (row % 8) & 1) == 0) return Qnil;
    const int64_t at = row;
    switch (column.type) {
        case MTDB_TYPE_INT64: return LL2NUM(read<int64_t>(column.data + 8 * at));
        case MTDB_TYPE_DOUBLE: return rb_float_new(read<double>(column.data + 8 * at));
        case MTDB_TYPE_TEXT: {
            const int32_t begin = read<int32_t>(column.data + 4 * at);
            return text(column.heap + begin, read<int32_t>(column.data + 4 * at + 4) - begin, form);
        }
        default: return other(column, row, form);
    }
}

void init_decode() {
    id_decimal = rb_intern("decimal");
    id_date = rb_intern("date");
    id_time_of_day = rb_intern("time_of_day");
    id_uuid = rb_intern("uuid");
    id_interval = rb_intern("interval");
}

}  // namespace mtdb_native
