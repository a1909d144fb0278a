// SPDX-License-Identifier: MIT
// Leases and transactions around a block. The borrowing, the block and the giving back are one C function each: no
// Timeout and no signal gets in between two of them.
#include "native.hpp"

namespace mtdb_native {

namespace {

VALUE needs;

VALUE yield_one(VALUE object) { return rb_yield(object); }

VALUE jump(VALUE state) { rb_jump_tag(FIX2INT(state)); }

// Goes on unwinding, after a clean-up. rb_ensure keeps what is on its way, whatever the clean-up runs.
[[noreturn]] void jump_after(int state, VALUE (*clean_up)(VALUE), VALUE argument) {
    rb_ensure(jump, INT2FIX(state), clean_up, argument);
    rb_bug("rb_jump_tag came back");
}

// Gives a lease back and forgets it; a lease that another thread uses stays as it is. Again does nothing.
VALUE close_handle(VALUE handle) {
    auto *conn = static_cast<mtdb_conn *>(open_pointer(handle));
    if (conn == nullptr) return Qnil;
    mtdb_status status = MTDB_OK;
    mtdb_error *error = nullptr;
    ++calls;
    const int state = insist(nullptr, [&] { status = mtdb_conn_close(conn, &error); });
    if (status != MTDB_MISUSE) release(handle);
    if (state != 0) {
        mtdb_error_release(error);
        rb_jump_tag(state);
    }
    raise_failure(status, error);
    return Qnil;
}

VALUE close_conn(VALUE, VALUE handle) {
    pointer_of(handle, Kind::conn);
    return close_handle(handle);
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
    if (conn != nullptr) fill(handle, conn);
    if (state != 0) {
        mtdb_error_release(error);
        jump_after(state, close_handle, handle);
    }
    raise_failure(status, error);
    if (status == MTDB_NEEDS) return needs;
    return rb_block_given_p() ? rb_ensure(yield_one, lease, close_handle, handle) : lease;
}

struct Transaction {
    VALUE lease;   // what the block gets
    VALUE handle;  // of the lease
    VALUE cancel;
    int64_t timeout_ms;
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

VALUE tell_owner(VALUE data) {
    const auto *transaction = reinterpret_cast<const Transaction *>(data);
    return rb_funcall(transaction->lease, rb_intern("end_transaction"), 1, transaction->commits ? Qtrue : Qfalse);
}

// Native.transact(owner) { ... }: then owner.end_transaction(whether the block was left in order).
VALUE transact(VALUE, VALUE owner) {
    Transaction transaction = {owner, Qnil, Qnil, MTDB_DEFAULT, false};
    return rb_ensure(run_block, reinterpret_cast<VALUE>(&transaction), tell_owner,
                     reinterpret_cast<VALUE>(&transaction));
}

VALUE roll_back(VALUE handle) {
    auto *conn = static_cast<mtdb_conn *>(open_pointer(handle));
    if (conn == nullptr) return Qnil;
    const int state = insist(nullptr, [&] { mtdb_tx_rollback(conn, nullptr); });
    if (state != 0) rb_jump_tag(state);
    return Qnil;
}

// Commits, or rolls back: what ended the block counts then, not a rollback that fails after it.
VALUE end_transaction(VALUE data) {
    const auto *transaction = reinterpret_cast<const Transaction *>(data);
    auto *conn = static_cast<mtdb_conn *>(open_pointer(transaction->handle));
    if (conn == nullptr) return Qnil;
    if (!transaction->commits) return roll_back(transaction->handle);
    mtdb_cancel *token = take_token();
    mtdb_status status = MTDB_CANCELLED;
    mtdb_error *error = nullptr;
    const int state = blocking(token, transaction->cancel,
                               [&] { status = mtdb_tx_commit(conn, transaction->timeout_ms, token, &error); });
    give_token_back(token);
    if (state != 0) {
        mtdb_error_release(error);
        if (status == MTDB_OK) rb_jump_tag(state);
        jump_after(state, roll_back, transaction->handle);
    }
    if (status < 0) roll_back(transaction->handle);
    raise_failure(status, error);
    return Qnil;
}

// Native.transaction(conn, options, timeout_ms, cancel, lease) { ... }: is what the block was.
VALUE transaction(VALUE, VALUE handle, VALUE options, VALUE timeout, VALUE cancel, VALUE lease) {
    auto *conn = static_cast<mtdb_conn *>(pointer_of(handle, Kind::conn));
    const mtdb_options *wishes =
        NIL_P(options) ? nullptr : static_cast<mtdb_options *>(pointer_of(options, Kind::options));
    Transaction transaction = {lease, handle, cancel, NIL_P(timeout) ? MTDB_DEFAULT : NUM2LL(timeout), false};
    mtdb_cancel *token = take_token();
    mtdb_status status = MTDB_CANCELLED;
    mtdb_error *error = nullptr;
    const int state = blocking(
        token, cancel, [&] { status = mtdb_tx_begin(conn, wishes, transaction.timeout_ms, token, &error); });
    give_token_back(token);
    RB_GC_GUARD(options);
    if (state != 0) {
        mtdb_error_release(error);
        if (status != MTDB_OK) rb_jump_tag(state);
        jump_after(state, roll_back, handle);
    }
    raise_failure(status, error);
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
    rb_define_singleton_method(native, "transaction", transaction, 5);
}

}  // namespace mtdb_native
