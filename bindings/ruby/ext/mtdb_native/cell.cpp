// SPDX-License-Identifier: MIT
// Ruby values on their way into the library: docs/ruby.md has the table.
#include <cmath>
#include <vector>

#include "native.hpp"

namespace mtdb_native {

namespace {

enum class Carrier : int32_t { nothing, integer, real, bytes };

// A value as the library takes it. `text` keeps the bytes.
struct Cell {
    int32_t type;
    Carrier carrier;
    int64_t integer;
    double real;
    VALUE text;
};

Cell nothing() { return {MTDB_TYPE_NULL, Carrier::nothing, 0, 0, Qnil}; }
Cell integer(int32_t type, int64_t value) { return {type, Carrier::integer, value, 0, Qnil}; }
Cell bytes(int32_t type, VALUE text) { return {type, Carrier::bytes, 0, 0, text}; }

Cell cell_of_integer(VALUE value) {
    if (FIXNUM_P(value)) return integer(MTDB_TYPE_INT64, FIX2LONG(value));
    uint64_t bits = 0;
    const int sign = rb_integer_pack(value, &bits, 1, sizeof bits, 0, INTEGER_PACK_NATIVE_BYTE_ORDER);
    const uint64_t half = uint64_t{1} << 63;
    if (sign == 2 || sign == -2 || (sign < 0 && bits > half))
        raise_status(MTDB_INVALID_ARGUMENT, "an integer of more than 64 bits; use a BigDecimal");
    if (sign < 0) return integer(MTDB_TYPE_INT64, static_cast<int64_t>(uint64_t{0} - bits));
    return integer(bits < half ? MTDB_TYPE_INT64 : MTDB_TYPE_UINT64, static_cast<int64_t>(bits));
}

Cell cell_of_string(VALUE value) {
    if (rb_enc_get_index(value) == rb_ascii8bit_encindex()) return bytes(MTDB_TYPE_BYTES, value);
    return bytes(MTDB_TYPE_TEXT, text_of(value));
}

// Times, dates and the library's own types: Mtdb::Values.carry gives [type, Integer, Float or String].
Cell cell_of_object(VALUE value) {
    VALUE values = rb_const_get(rb_const_get(rb_cObject, rb_intern("Mtdb")), rb_intern("Values"));
    VALUE pair = rb_check_array_type(rb_funcall(values, rb_intern("carry"), 1, value));
    if (NIL_P(pair) || RARRAY_LEN(pair) != 2) rb_raise(rb_eTypeError, "Mtdb::Values.carry gives a type and a value");
    const int32_t type = NUM2INT(rb_ary_entry(pair, 0));
    VALUE carried = rb_ary_entry(pair, 1);
    if (NIL_P(carried)) return nothing();
    if (RB_FLOAT_TYPE_P(carried)) return {type, Carrier::real, 0, RFLOAT_VALUE(carried), Qnil};
    if (!RB_INTEGER_TYPE_P(carried)) return bytes(type, StringValue(carried));
    const Cell cell = cell_of_integer(carried);
    return integer(type, cell.integer);
}

Cell cell_of(VALUE value) {
    switch (rb_type(value)) {
        case T_NIL: return nothing();
        case T_TRUE: return integer(MTDB_TYPE_BOOL, 1);
        case T_FALSE: return integer(MTDB_TYPE_BOOL, 0);
        case T_FIXNUM:
        case T_BIGNUM: return cell_of_integer(value);
        case T_FLOAT: return {MTDB_TYPE_DOUBLE, Carrier::real, 0, RFLOAT_VALUE(value), Qnil};
        case T_STRING: return cell_of_string(value);
        case T_SYMBOL: return cell_of_string(rb_sym2str(value));
        default: return cell_of_object(value);
    }
}

mtdb_status add(mtdb_block *builder, const Cell &cell, mtdb_error **error) {
    switch (cell.carrier) {
        case Carrier::nothing: return mtdb_block_add_null(builder, error);
        case Carrier::integer: return mtdb_block_add_integer(builder, cell.type, cell.integer, error);
        case Carrier::real: return mtdb_block_add_double(builder, cell.real, error);
        default:
            return mtdb_block_add_typed(builder, cell.type, RSTRING_PTR(cell.text), RSTRING_LEN(cell.text), error);
    }
}

mtdb_status bind(mtdb_stmt *stmt, int32_t index, const Cell &cell, mtdb_error **error) {
    switch (cell.carrier) {
        case Carrier::nothing: return mtdb_stmt_bind_null(stmt, index, error);
        case Carrier::integer: return mtdb_stmt_bind_integer(stmt, index, cell.type, cell.integer, error);
        case Carrier::real: return mtdb_stmt_bind_double(stmt, index, cell.real, error);
        default:
            return mtdb_stmt_bind_typed(stmt, index, cell.type, RSTRING_PTR(cell.text), RSTRING_LEN(cell.text), error);
    }
}

// Idle builders keep their memory; with the GVL.
std::vector<mtdb_block *> &idle_builders() {
    static std::vector<mtdb_block *> *all = new std::vector<mtdb_block *>;
    return *all;
}

constexpr size_t idle_max = 16;
constexpr int64_t idle_size_max = 1 << 20;

mtdb_block *take_builder() {
    std::vector<mtdb_block *> &idle = idle_builders();
    mtdb_block *builder = nullptr;
    if (!idle.empty()) {
        builder = idle.back();
        idle.pop_back();
        return builder;
    }
    mtdb_error *error = nullptr;
    raise_failure(mtdb_block_new(&builder, &error), error);
    return builder;
}

struct Build {
    mtdb_block *builder;
    VALUE rows;
};

VALUE add_rows(VALUE data) {
    const Build *build = reinterpret_cast<const Build *>(data);
    mtdb_error *error = nullptr;
    for (long i = 0; i < RARRAY_LEN(build->rows); ++i) {
        VALUE row = rb_ary_entry(build->rows, i);
        Check_Type(row, T_ARRAY);
        for (long j = 0; j < RARRAY_LEN(row); ++j) {
            const Cell cell = cell_of(rb_ary_entry(row, j));
            raise_failure(add(build->builder, cell, &error), error);
            VALUE kept = cell.text;
            RB_GC_GUARD(kept);
        }
        raise_failure(mtdb_block_end_row(build->builder, &error), error);
    }
    return Qnil;
}

// Native.block(rows): the rows as a block's bytes, for raw calls; nil for no rows.
VALUE block_bytes(VALUE, VALUE rows) {
    mtdb_block *builder = build_rows(rows);
    if (builder == nullptr) return Qnil;
    const void *data = nullptr;
    int64_t size = 0;
    mtdb_error *error = nullptr;
    const mtdb_status status = mtdb_block_data(builder, &data, &size, &error);
    VALUE block = status == MTDB_OK ? rb_str_new(static_cast<const char *>(data), static_cast<long>(size)) : Qnil;
    give_builder_back(builder);
    raise_failure(status, error);
    return block;
}

}  // namespace

VALUE text_of(VALUE string) {
    StringValue(string);
    const int encoding = rb_enc_get_index(string);
    if (encoding != rb_utf8_encindex() && encoding != rb_usascii_encindex() && encoding != rb_ascii8bit_encindex())
        string = rb_str_encode(string, rb_enc_from_encoding(rb_utf8_encoding()), 0, Qnil);
    if (encoding != rb_ascii8bit_encindex() && rb_enc_str_coderange(string) == ENC_CODERANGE_BROKEN)
        raise_status(MTDB_INVALID_ARGUMENT, "a text that is not valid in its encoding");
    return rb_str_new_frozen(string);
}

mtdb_block *build_rows(VALUE rows) {
    if (NIL_P(rows)) return nullptr;
    Check_Type(rows, T_ARRAY);
    if (RARRAY_LEN(rows) == 0) return nullptr;
    Build build = {take_builder(), rows};
    int state = 0;
    rb_protect(add_rows, reinterpret_cast<VALUE>(&build), &state);
    RB_GC_GUARD(rows);
    if (state == 0) return build.builder;
    give_builder_back(build.builder);
    rb_jump_tag(state);
}

void give_builder_back(mtdb_block *builder, int64_t size) {
    if (builder == nullptr) return;
    std::vector<mtdb_block *> &idle = idle_builders();
    if (size <= idle_size_max && idle.size() < idle_max && mtdb_block_reset(builder, nullptr) == MTDB_OK)
        idle.push_back(builder);
    else
        mtdb_block_release(builder);
}

bool bind_cells(mtdb_stmt *stmt, VALUE values) {
    mtdb_error *error = nullptr;
    for (long i = 0; i < RARRAY_LEN(values); ++i) {
        const Cell cell = cell_of(rb_ary_entry(values, i));
        if (cell.type == MTDB_TYPE_UINT64) return false;
        raise_failure(bind(stmt, static_cast<int32_t>(i + 1), cell, &error), error);
        VALUE kept = cell.text;
        RB_GC_GUARD(kept);
    }
    return true;
}

void init_cell() { rb_define_singleton_method(native, "block", block_bytes, 1); }

}  // namespace mtdb_native
