// SPDX-License-Identifier: MIT
#include "fixture.h"

#include "block_reader.h"

static _Alignas(8) char block[1 << 16];

TestSuite(events, .init = open_db, .fini = close_db, .timeout = 60);

static mtdb_status poll_events(int64_t timeout_ms, int64_t cap, int64_t *rows, int64_t *used, int64_t *dropped) {
    drop_error();
    return mtdb_events_poll(db, timeout_ms, NULL, block, cap, rows, used, dropped, &err);
}

static void drain(void) {
    int64_t rows = 0, used = 0, dropped = 0;
    while (poll_events(0, (int64_t)sizeof block, &rows, &used, &dropped) == MTDB_OK) continue;
}

Test(events, without_one_a_poll_is_done_at_its_deadline) {
    int64_t rows = 9, used = 9, dropped = 9;
    drain();
    const int64_t start = now_ms();
    cr_assert_eq(poll_events(60, (int64_t)sizeof block, &rows, &used, &dropped), MTDB_DONE);
    cr_assert_geq(now_ms() - start, 59);
    cr_assert_eq(rows, 0);
    cr_assert_eq(dropped, 0);
}

Test(events, each_is_a_row_of_eight_columns) {
    int64_t rows = 0, used = 0, dropped = 0;
    create_tenant("acme");
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    cr_assert_eq(poll_events(3000, (int64_t)sizeof block, &rows, &used, &dropped), MTDB_OK);
    cr_assert(block_is_sound(block, used));
    cr_assert_eq(block_columns(block), 8);
    cr_assert_gt(rows, 0);
    cr_assert_eq(block_column_type(block, 0), MTDB_TYPE_INT64);
    cr_assert_eq(block_column_type(block, 1), MTDB_TYPE_TIMESTAMPTZ);
    cr_assert_eq(block_column_type(block, 7), MTDB_TYPE_JSON);
}

Test(events, are_numbered_without_a_gap_when_none_is_dropped) {
    int64_t rows = 0, used = 0, dropped = 0, last = 0;
    for (int i = 0; i < 20; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%d", i);
        create_tenant(id);
    }
    while (poll_events(0, (int64_t)sizeof block, &rows, &used, &dropped) == MTDB_OK) {
        for (int32_t row = 0; row < rows; ++row) {
            const int64_t seq = cell_int64(block, row, 0);
            cr_assert(last == 0 || seq == last + 1, "%" PRId64 " follows %" PRId64, seq, last);
            last = seq;
        }
        cr_assert_eq(dropped, 0);
    }
    cr_assert_gt(last, 0);
}

Test(events, creating_and_dropping_a_tenant_are_told_with_its_name) {
    create_tenant("acme");
    cr_assert(event_comes("tenant.created", 3000, NULL, 0));
    ok(mtdb_tenant_drop(db, "acme", -1, PLENTY_MS, NULL, &err));
    cr_assert(event_comes("tenant.dropped", 3000, NULL, 0));
}

Test(events, a_full_queue_drops_and_counts) {
    reopen(NULL, OPTIONS("events.queue", "16"));
    int64_t rows = 0, used = 0, dropped = 0, lost = 0;
    for (int i = 0; i < 100; ++i) {
        char id[16];
        snprintf(id, sizeof id, "t%d", i);
        create_tenant(id);
    }
    while (poll_events(0, (int64_t)sizeof block, &rows, &used, &dropped) == MTDB_OK) lost += dropped;
    cr_assert_gt(lost, 0);
}

Test(events, a_short_buffer_loses_nothing_and_tells_the_size) {
    int64_t rows = 9, used = 0, dropped = 0;
    drain();
    create_tenant("acme");
    cr_assert_eq(poll_events(3000, 64, &rows, &used, &dropped), MTDB_TRUNCATED);
    cr_assert_eq(rows, 0);
    cr_assert_gt(used, 64);
    const int64_t needed = used;
    cr_assert_eq(poll_events(0, needed, &rows, &used, &dropped), MTDB_OK, "%" PRId64, needed);
    cr_assert_geq(rows, 1);
}

Test(events, a_cancel_ends_the_wait) {
    mtdb_cancel *cancel = NULL;
    int64_t rows = 0, used = 0, dropped = 0;
    drain();
    ok(mtdb_cancel_new(&cancel, &err));
    trigger *other = trigger_after(cancel, 50);
    const int64_t cap = (int64_t)sizeof block;
    fails(MTDB_CANCELLED, mtdb_events_poll(db, PLENTY_MS, cancel, block, cap, &rows, &used, &dropped, &err));
    trigger_join(other);
    mtdb_cancel_release(cancel);
}

Test(events, what_is_queued_can_be_read_after_close) {
    int64_t rows = 0, used = 0, dropped = 0;
    create_tenant("acme");
    ok(mtdb_db_close(db, PLENTY_MS, NULL, NULL, &err));
    cr_assert_eq(poll_events(0, (int64_t)sizeof block, &rows, &used, &dropped), MTDB_OK);
    mtdb_status status;
    while ((status = poll_events(0, (int64_t)sizeof block, &rows, &used, &dropped)) == MTDB_OK) continue;
    cr_assert_eq(status, MTDB_CLOSED);
}
