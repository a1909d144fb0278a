// SPDX-License-Identifier: MIT
// The extension's entry: Mtdb::Native, for the files of lib/mtdb only.
#include "native.hpp"

namespace mtdb_native {

VALUE native = Qnil;

}  // namespace mtdb_native

extern "C" __attribute__((visibility("default"))) void Init_mtdb_native() {
    using namespace mtdb_native;
    mtdb_error *error = nullptr;
    const mtdb_status status = mtdb_abi_require(MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR, &error);
    mtdb_error_release(error);
    if (status != MTDB_OK) rb_raise(rb_eLoadError, "this gem is built for another libmtdb than %s", mtdb_version());
    native = rb_define_module_under(rb_define_module("Mtdb"), "Native");
    rb_gc_register_mark_object(native);
    init_handle();
    init_failure();
    init_token();
    init_cell();
    init_decode();
    init_result();
    init_lease();
}
