// SPDX-License-Identifier: MIT
#include "fixture.h"

#include "block_reader.h"

static mtdb_block *builder;

static void begin(void) {
    make_root();
    ok(mtdb_block_new(&builder, &err));
}

static void end(void) {
    mtdb_block_release(builder);
    close_db();
}

TestSuite(blocks, .init = begin, .fini = end, .timeout = 60);

static const void *data_of(void) {
    const void *data = NULL;
    int64_t data_len = 0;
    ok(mtdb_block_data(builder, &data, &data_len, &err));
    cr_assert(block_is_sound(data, data_len));
    return data;
}

Test(blocks, an_empty_builder_makes_a_block_without_columns) {
    const void *data = data_of();
    cr_assert_eq(block_rows(data), 0);
    cr_assert_eq(block_columns(data), 0);
}

Test(blocks, cells_come_back_as_they_were_added) {
    ok(mtdb_block_add_int64(builder, -7, &err));
    ok(mtdb_block_add_double(builder, 0.5, &err));
    ok(mtdb_block_add_text(builder, "a\0b", 3, &err));
    ok(mtdb_block_add_integer(builder, MTDB_TYPE_BOOL, 1, &err));
    ok(mtdb_block_add_integer(builder, MTDB_TYPE_DATE, -719162, &err));
    ok(mtdb_block_add_typed(builder, MTDB_TYPE_UUID, "0123456789abcdef", 16, &err));
    ok(mtdb_block_add_typed(builder, MTDB_TYPE_DECIMAL, "1.10", 4, &err));
    ok(mtdb_block_end_row(builder, &err));
    const void *data = data_of();
    int64_t len = 0;
    cr_assert_eq(cell_int64(data, 0, 0), -7);
    cr_assert(cell_double(data, 0, 1) == 0.5);
    cr_assert_eq(memcmp(cell_text(data, 0, 2, &len), "a\0b", 3), 0);
    cr_assert_eq(len, 3);
    cr_assert_eq(block_column_type(data, 3), MTDB_TYPE_BOOL);
    cr_assert_eq(cell_int64(data, 0, 3), 1);
    cr_assert_eq(cell_int64(data, 0, 4), -719162);
    cr_assert(cell_is(data, 0, 5, "0123456789abcdef"));
    cr_assert(cell_is(data, 0, 6, "1.10"));
}

Test(blocks, a_column_of_two_types_is_variant) {
    ok(mtdb_block_add_int64(builder, 1, &err));
    ok(mtdb_block_end_row(builder, &err));
    ok(mtdb_block_add_text(builder, "two", -1, &err));
    ok(mtdb_block_end_row(builder, &err));
    ok(mtdb_block_add_null(builder, &err));
    ok(mtdb_block_end_row(builder, &err));
    const void *data = data_of();
    cr_assert_eq(block_column_type(data, 0), MTDB_TYPE_VARIANT);
    cr_assert_eq(cell_int64(data, 0, 0), 1);
    cr_assert(cell_is(data, 1, 0, "two"));
    cr_assert_eq(cell_type(data, 2, 0), MTDB_TYPE_NULL);
}

Test(blocks, the_first_row_decides_the_number_of_columns) {
    ok(mtdb_block_add_int64(builder, 1, &err));
    ok(mtdb_block_add_int64(builder, 2, &err));
    ok(mtdb_block_end_row(builder, &err));
    ok(mtdb_block_add_int64(builder, 3, &err));
    fails(MTDB_INVALID_STATE, mtdb_block_end_row(builder, &err));
    ok(mtdb_block_add_int64(builder, 4, &err));
    fails(MTDB_INVALID_STATE, mtdb_block_add_int64(builder, 5, &err));
    ok(mtdb_block_end_row(builder, &err));
    cr_assert_eq(block_rows(data_of()), 2);
}

Test(blocks, an_unfinished_row_keeps_the_data_back) {
    const void *data = GARBAGE;
    int64_t data_len = 9;
    ok(mtdb_block_add_int64(builder, 1, &err));
    fails(MTDB_INVALID_STATE, mtdb_block_data(builder, &data, &data_len, &err));
    cr_assert_null(data);
    cr_assert_eq(data_len, 0);
}

Test(blocks, a_wrong_type_is_refused) {
    fails(MTDB_INVALID_ARGUMENT, mtdb_block_add_integer(builder, MTDB_TYPE_TEXT, 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_block_add_integer(builder, 99, 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_block_add_typed(builder, MTDB_TYPE_INT64, "x", 1, &err));
    fails(MTDB_INVALID_ARGUMENT, mtdb_block_add_typed(builder, MTDB_TYPE_UUID, "short", 5, &err));
}

Test(blocks, reset_forgets_cells_and_columns) {
    ok(mtdb_block_add_int64(builder, 1, &err));
    ok(mtdb_block_end_row(builder, &err));
    ok(mtdb_block_reset(builder, &err));
    ok(mtdb_block_add_text(builder, "a", -1, &err));
    ok(mtdb_block_add_text(builder, "b", -1, &err));
    ok(mtdb_block_end_row(builder, &err));
    const void *data = data_of();
    cr_assert_eq(block_rows(data), 1);
    cr_assert_eq(block_columns(data), 2);
}

Test(blocks, a_copy_equals_the_data) {
    char copy[512];
    int64_t needed = 0;
    ok(mtdb_block_add_text(builder, "same", -1, &err));
    ok(mtdb_block_end_row(builder, &err));
    returns(MTDB_TRUNCATED, mtdb_block_copy(builder, copy, 8, &needed, &err));
    const int64_t size = needed;
    ok(mtdb_block_copy(builder, copy, (int64_t)sizeof copy, &needed, &err));
    cr_assert_eq(needed, size);
    cr_assert_eq(memcmp(copy, data_of(), (size_t)size), 0);
}

Test(blocks, many_rows_of_every_kind_round_trip) {
    enum { rows = 3000 };
    for (int64_t i = 0; i < rows; ++i) {
        char text[32];
        snprintf(text, sizeof text, "row %" PRId64, i);
        ok(mtdb_block_add_int64(builder, i, &err));
        ok(i % 7 == 0 ? mtdb_block_add_null(builder, &err) : mtdb_block_add_text(builder, text, -1, &err));
        ok(mtdb_block_end_row(builder, &err));
    }
    const void *data = data_of();
    cr_assert_eq(block_rows(data), rows);
    cr_assert_eq(cell_int64(data, rows - 1, 0), rows - 1);
    cr_assert(cell_is(data, rows - 1, 1, "row 2999"));
    cr_assert_eq(cell_type(data, 2996, 1), MTDB_TYPE_NULL);
}
