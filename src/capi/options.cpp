// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;

extern "C" {

mtdb_status mtdb_options_new(mtdb_options** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_options*& handle = required(out, "out");
        handle = handle_of<mtdb_options>(engine::make<OptionsHandle>());
        return MTDB_OK;
    });
}

mtdb_status mtdb_options_set_str(mtdb_options* options, const char* key, int64_t key_len,
                                 const char* value, int64_t value_len, mtdb_error** err) {
    return boundary(err, [&] {
        live(options, "options")
            .options.set_text(text(key, key_len, "key"), text(value, value_len, "value"));
        return MTDB_OK;
    });
}

mtdb_status mtdb_options_set_int(mtdb_options* options, const char* key, int64_t key_len,
                                 int64_t value, mtdb_error** err) {
    return boundary(err, [&] {
        live(options, "options").options.set_integer(text(key, key_len, "key"), value);
        return MTDB_OK;
    });
}

mtdb_status mtdb_options_set_bool(mtdb_options* options, const char* key, int64_t key_len,
                                  int32_t value, mtdb_error** err) {
    return boundary(err, [&] {
        live(options, "options").options.set_boolean(text(key, key_len, "key"), value != 0);
        return MTDB_OK;
    });
}

mtdb_status mtdb_options_get(const mtdb_options* options, const char* key, int64_t key_len,
                             void* buf, int64_t cap, int64_t* needed, mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] {
        return give(live(options, "options").options.get_text(text(key, key_len, "key")), buf, cap,
                    needed);
    });
}

int32_t mtdb_options_count(void) { return engine::Options::count(); }

mtdb_status mtdb_options_describe(int32_t index, void* buf, int64_t cap, int64_t* needed,
                                  mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] { return give(engine::Options::describe(index), buf, cap, needed); });
}

void mtdb_options_release(mtdb_options* owned) { release(owned); }

}  // extern "C"
