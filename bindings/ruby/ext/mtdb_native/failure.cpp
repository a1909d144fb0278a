// SPDX-License-Identifier: MIT
// Failures: a status and its error object become the exception of the table in lib/mtdb/errors.rb.
#include "native.hpp"

namespace mtdb_native {

namespace {

VALUE utf8(const char *text, int64_t length) { return rb_utf8_str_new(text, static_cast<long>(length)); }

VALUE text_field(const mtdb_error *error, int32_t field) {
    char buf[1024];
    int64_t needed = 0;
    if (mtdb_error_text(error, field, buf, sizeof buf, &needed) == MTDB_OK) return utf8(buf, needed);
    VALUE text = rb_utf8_str_new(nullptr, static_cast<long>(needed));
    mtdb_error_text(error, field, RSTRING_PTR(text), needed, &needed);
    return text;
}

void put(VALUE fields, const char *name, VALUE value) { rb_hash_aset(fields, ID2SYM(rb_intern(name)), value); }

VALUE fields_of(const mtdb_error *error) {
    VALUE fields = rb_hash_new();
    put(fields, "message", text_field(error, MTDB_ERROR_MESSAGE));
    put(fields, "sqlstate", text_field(error, MTDB_ERROR_SQLSTATE));
    put(fields, "engine", text_field(error, MTDB_ERROR_ENGINE));
    put(fields, "tenant", text_field(error, MTDB_ERROR_TENANT));
    put(fields, "script", text_field(error, MTDB_ERROR_SCRIPT));
    put(fields, "limit", text_field(error, MTDB_ERROR_LIMIT));
    put(fields, "native", LL2NUM(mtdb_error_native(error)));
    put(fields, "effect", INT2NUM(mtdb_error_effect(error)));
    put(fields, "retryable", mtdb_error_retryable(error) != 0 ? Qtrue : Qfalse);
    put(fields, "line", LL2NUM(mtdb_error_line(error)));
    put(fields, "column", LL2NUM(mtdb_error_column(error)));
    put(fields, "statement", LL2NUM(mtdb_error_statement(error)));
    return fields;
}

VALUE failure(mtdb_status status, VALUE fields) {
    VALUE errors = rb_const_get(rb_const_get(rb_cObject, rb_intern("Mtdb")), rb_intern("Errors"));
    return rb_funcall(errors, rb_intern("build"), 2, INT2NUM(status), fields);
}

// Native.check(status, error): the status of a raw call, unless it is a failure.
VALUE check(VALUE, VALUE status, VALUE error) {
    raise_failure(NUM2INT(status), reinterpret_cast<mtdb_error *>(NUM2ULL(error)));
    return status;
}

}  // namespace

void raise_failure(mtdb_status status, mtdb_error *error) {
    if (status >= 0) return;
    VALUE fields = fields_of(error);
    mtdb_error_release(error);
    // What ended the call is raised, not that it was ended.
    if (status == MTDB_CANCELLED) rb_thread_check_ints();
    rb_exc_raise(failure(status, fields));
}

void raise_status(mtdb_status status, const char *message) {
    VALUE fields = rb_hash_new();
    put(fields, "message", rb_utf8_str_new_cstr(message));
    rb_exc_raise(failure(status, fields));
}

void init_failure() { rb_define_singleton_method(native, "check", check, 2); }

}  // namespace mtdb_native
