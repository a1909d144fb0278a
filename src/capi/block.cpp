// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;
using db::Type;
using db::Value;

namespace {

mtdb_status add(mtdb_block* block, const Value& value) {
    live(block, "block").builder.add(value);
    return MTDB_OK;
}

Type type_of(int32_t type, db::Carrier carrier) {
    if (type < 0 || type >= db::type_count || db::carrier_of(static_cast<Type>(type)) != carrier ||
        type == MTDB_TYPE_INTERVAL)
        throw Error(Code::invalid_argument,
                    "type " + std::to_string(type) + " is not carried by this call");
    return static_cast<Type>(type);
}

}  // namespace

extern "C" {

mtdb_status mtdb_block_new(mtdb_block** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_block*& handle = required(out, "out");
        handle = handle_of<mtdb_block>(engine::make<BlockHandle>());
        return MTDB_OK;
    });
}

mtdb_status mtdb_block_add_null(mtdb_block* block, mtdb_error** err) {
    return boundary(err, [&] { return add(block, Value::null()); });
}

mtdb_status mtdb_block_add_integer(mtdb_block* block, int32_t type, int64_t value,
                                   mtdb_error** err) {
    return boundary(err, [&] {
        return add(block, Value::integer(value, type_of(type, db::Carrier::integer)));
    });
}

mtdb_status mtdb_block_add_int64(mtdb_block* block, int64_t value, mtdb_error** err) {
    return boundary(err, [&] { return add(block, Value::integer(value)); });
}

mtdb_status mtdb_block_add_double(mtdb_block* block, double value, mtdb_error** err) {
    return boundary(err, [&] { return add(block, Value::real(value)); });
}

mtdb_status mtdb_block_add_text(mtdb_block* block, const char* value, int64_t value_len,
                                mtdb_error** err) {
    return boundary(err, [&] { return add(block, Value::text(text(value, value_len, "value"))); });
}

mtdb_status mtdb_block_add_typed(mtdb_block* block, int32_t type, const void* value,
                                 int64_t value_len, mtdb_error** err) {
    return boundary(err, [&] {
        return add(block, Value::text(bytes(value, value_len, "value"),
                                      type_of(type, db::Carrier::bytes)));
    });
}

mtdb_status mtdb_block_end_row(mtdb_block* block, mtdb_error** err) {
    return boundary(err, [&] {
        live(block, "block").builder.end_row();
        return MTDB_OK;
    });
}

mtdb_status mtdb_block_data(mtdb_block* block, const void** data, int64_t* data_len,
                            mtdb_error** err) {
    clear(data);
    clear(data_len);
    return boundary(err, [&] {
        const auto& finished = live(block, "block").builder.finish();
        const void*& at = required(data, "data");
        required(data_len, "data_len") = static_cast<int64_t>(finished.size());
        at = finished.data();
        return MTDB_OK;
    });
}

mtdb_status mtdb_block_copy(mtdb_block* block, void* buf, int64_t cap, int64_t* needed,
                            mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] {
        const auto& finished = live(block, "block").builder.finish();
        return give({finished.data(), finished.size()}, buf, cap, needed);
    });
}

mtdb_status mtdb_block_reset(mtdb_block* block, mtdb_error** err) {
    return boundary(err, [&] {
        live(block, "block").builder.clear();
        return MTDB_OK;
    });
}

void mtdb_block_release(mtdb_block* owned) { release(owned); }

}  // extern "C"
