// SPDX-License-Identifier: MIT
// Handles: what the library gave out, held by a Ruby object whose finalizer gives it back.
#include <pthread.h>

#include "native.hpp"

namespace mtdb_native {

int32_t forks = 0;

namespace {

template <class T>
void release_as(void *pointer, void (*function)(T *)) {
    function(static_cast<T *>(pointer));
}

struct KindRow {
    const char *name;
    void (*release)(void *pointer);
};

// In the order of Kind.
const KindRow kinds[] = {
    {"batch", [](void *p) { release_as(p, mtdb_batch_release); }},
    {"conn", [](void *p) { release_as(p, mtdb_conn_release); }},
    {"db", [](void *p) { release_as(p, mtdb_db_release); }},
    {"driver", [](void *p) { release_as(p, mtdb_driver_release); }},
    {"fleet", [](void *p) { release_as(p, mtdb_fleet_release); }},
    {"migrator", [](void *p) { release_as(p, mtdb_migrator_release); }},
    {"options", [](void *p) { release_as(p, mtdb_options_release); }},
    {"quiesce", [](void *p) { release_as(p, mtdb_quiesce_release); }},
    {"stmt", [](void *p) { release_as(p, mtdb_stmt_release); }},
};

// What the parent of a fork gave out is never released here: it is not ours.
void drop(Handle *handle) {
    if (handle->pointer != nullptr && handle->born == forks)
        kinds[static_cast<int32_t>(handle->kind)].release(handle->pointer);
    handle->pointer = nullptr;
}

void free_handle(void *data) {
    drop(static_cast<Handle *>(data));
    ruby_xfree(data);
}

size_t size_of_handle(const void *) { return sizeof(Handle); }

const rb_data_type_t handle_type = {
    "Mtdb::Native::Handle", {nullptr, free_handle, size_of_handle, nullptr, {}}, nullptr, nullptr,
    RUBY_TYPED_FREE_IMMEDIATELY};

Handle *handle_of(VALUE self) { return static_cast<Handle *>(rb_check_typeddata(self, &handle_type)); }

VALUE allocate(VALUE type) {
    Handle *handle = nullptr;
    VALUE self = TypedData_Make_Struct(type, Handle, &handle_type, handle);
    handle->born = forks;
    return self;
}

VALUE initialize(VALUE self, VALUE name) {
    const char *wanted = rb_id2name(rb_sym2id(name));
    for (int32_t i = 0; i < static_cast<int32_t>(sizeof kinds / sizeof kinds[0]); ++i) {
        if (strcmp(kinds[i].name, wanted) != 0) continue;
        handle_of(self)->kind = static_cast<Kind>(i);
        return self;
    }
    rb_raise(rb_eArgError, "no kind of handle '%s'", wanted);
}

// The address, for the raw calls: they take whatever is an integer by to_int, and so keep the object alive.
VALUE to_int(VALUE self) {
    return ULL2NUM(reinterpret_cast<uintptr_t>(pointer_of(self, handle_of(self)->kind)));
}

// What a raw call gave out.
VALUE fill_from(VALUE self, VALUE address) {
    fill(self, reinterpret_cast<void *>(NUM2ULL(address)));
    return self;
}

VALUE release_now(VALUE self) {
    release(self);
    return Qnil;
}

VALUE is_open(VALUE self) { return handle_of(self)->pointer != nullptr ? Qtrue : Qfalse; }

VALUE inspect(VALUE self) {
    const Handle *handle = handle_of(self);
    return rb_sprintf("#<Mtdb::Native::Handle %s%s>", kinds[static_cast<int32_t>(handle->kind)].name,
                      handle->pointer == nullptr ? " released" : "");
}

}  // namespace

void *pointer_of(VALUE self, Kind kind) {
    const Handle *handle = handle_of(self);
    if (handle->kind != kind) rb_raise(rb_eTypeError, "a handle of another kind");
    if (handle->born != forks) raise_status(MTDB_FORKED, "the handle belongs to the parent process");
    if (handle->pointer == nullptr) raise_status(MTDB_CLOSED, "it is closed");
    return handle->pointer;
}

void *open_pointer(VALUE self) {
    const Handle *handle = handle_of(self);
    return handle->born == forks ? handle->pointer : nullptr;
}

void fill(VALUE self, void *pointer) {
    Handle *handle = handle_of(self);
    drop(handle);
    handle->pointer = pointer;
    handle->born = forks;
}

void release(VALUE self) { drop(handle_of(self)); }

void init_handle() {
    pthread_atfork(nullptr, nullptr, [] { ++forks; });
    VALUE type = rb_define_class_under(native, "Handle", rb_cObject);
    rb_define_alloc_func(type, allocate);
    rb_define_method(type, "initialize", initialize, 1);
    rb_define_method(type, "fill", fill_from, 1);
    rb_define_method(type, "to_int", to_int, 0);
    rb_define_method(type, "release", release_now, 0);
    rb_define_method(type, "open?", is_open, 0);
    rb_define_method(type, "inspect", inspect, 0);
    rb_undef_method(type, "initialize_copy");
}

}  // namespace mtdb_native
