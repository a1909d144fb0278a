// SPDX-License-Identifier: MIT
// Leases and transactions around a block. The borrowing, the block and the giving back are one C function each: no
// Timeout and no signal gets in between two of them.
#include "native.hpp"

namespace mtdb_native {

namespace {

VALUE needs;

VALUE yield_one(VALUE object) { return rb_yield(object); }

VALUE close_lease(VALUE lease) { return rb_funcall(lease, rb_intern("close"), 0); }

// Gives a lease back without the GVL, and forgets it; a lease that another thread uses stays as it is.
void close_handle(VALUE handle) {
    auto *conn = static_cast<mtdb_conn *>(pointer_of(handle, Kind::conn));
    mtdb_status status = MTDB_OK;
    mtdb_error *error = nullptr;
    ++calls;
    const int state = blocking(nullptr, Qnil, [&] { status = mtdb_conn_close(conn, &error); });
    if (status != MTDB_MISUSE) release(handle);
    if (state != 0) {
        mtdb_error_release(error);
        rb_jump_tag(state);
    }
    raise_failure(status, error);
}

VALUE close_conn(VALUE, VALUE handle) {
    close_handle(handle);
    return Qnil;
}

// Native.acquire(handle, db, tenant, options, timeout_ms, cancel, lease): fills the handle of a lease; with a block
// yields the lease, gives it back afterwards, and is what the block was. NEEDS when the library needs something first.
VALUE acquire(int count, VALUE *arguments, VALUE) {
    VALUE handle, db, tenant, options, timeout, cancel, lease;
    rb_scan_args(count, arguments, "70", &handle, &db, &tenant, &options, &timeout, &cancel, &lease);
    auto *target = static_cast<mtdb_db *>(pointer_of(db, Kind::db));
    const mtdb_options *wishes =
        NIL_P(options) ? nullptr : static_cast<mtdb_options *>(pointer_of(options, Kind::options));
    VALUE id = text_of(tenant);
    const int64_t timeout_ms = NIL_P(timeout) ? MTDB_DEFAULT : NUM2LL(timeout);
    mtdb_cancel *token = take_token();
    mtdb_conn *conn = nullptr;
    mtdb_status status = MTDB_OK;
    mtdb_error *error = nullptr;
    ++calls;
    const int state = blocking(token, cancel, [&] {
        status = mtdb_db_acquire(target, RSTRING_PTR(id), RSTRING_LEN(id), wishes, timeout_ms, token, &conn, &error);
    });
    give_token_back(token);
    RB_GC_GUARD(id);
    RB_GC_GUARD(options);
    if (state != 0) {
        // No Ruby code may run before the jump. A lease that nobody used goes back without I/O.
        mtdb_error_release(error);
        mtdb_conn_close(conn, nullptr);
        mtdb_conn_release(conn);
        rb_jump_tag(state);
    }
    if (conn != nullptr) fill(handle, conn);
    raise_failure(status, error);
    if (status == MTDB_NEEDS) return needs;
    return rb_block_given_p() ? rb_ensure(yield_one, lease, close_lease, lease) : lease;
}

struct Transaction {
    VALUE lease;
    bool commits;
};

// How a block was left, as rb_protect tells: these are its end, `return`, `break` and `next`. Behind them are an
// exception, a `throw` (which is what Timeout does) and the end of the thread.
constexpr int left_in_order_max = 3;

VALUE run_block(VALUE data) {
    auto *transaction = reinterpret_cast<Transaction *>(data);
    int state = 0;
    VALUE value = rb_protect(yield_one, transaction->lease, &state);
    transaction->commits = state <= left_in_order_max;
    if (state != 0) rb_jump_tag(state);
    return value;
}

VALUE end_transaction(VALUE data) {
    const auto *transaction = reinterpret_cast<const Transaction *>(data);
    return rb_funcall(transaction->lease, rb_intern("end_transaction"), 1, transaction->commits ? Qtrue : Qfalse);
}

// Native.transact(owner) { ... }: then owner.end_transaction(whether the block was left in order).
VALUE transact(VALUE, VALUE lease) {
    Transaction transaction = {lease, false};
    return rb_ensure(run_block, reinterpret_cast<VALUE>(&transaction), end_transaction,
                     reinterpret_cast<VALUE>(&transaction));
}

}  // namespace

void init_lease() {
    needs = rb_obj_freeze(rb_obj_alloc(rb_cObject));
    rb_define_const(native, "NEEDS", needs);
    rb_define_singleton_method(native, "acquire", acquire, -1);
    rb_define_singleton_method(native, "close_conn", close_conn, 1);
    rb_define_singleton_method(native, "transact", transact, 1);
}

}  // namespace mtdb_native
