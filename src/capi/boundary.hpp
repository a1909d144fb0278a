// SPDX-License-Identifier: MIT
// The edge between C and the core: handles, arguments, and the one place where exceptions become
// codes.
#pragma once

#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.hpp"
#include "engine/batch.hpp"
#include "engine/conn.hpp"
#include "engine/counted.hpp"
#include "engine/db.hpp"
#include "engine/driver.hpp"
#include "engine/fleet.hpp"
#include "engine/migrator.hpp"
#include "engine/options.hpp"
#include "engine/quiesce.hpp"
#include "mtdb.h"

namespace mtdb::capi {

// Options, block builders and batches in a program's hands: plain memory, usable after a fork too.
class OptionsHandle final : public engine::Counted {
public:
    engine::Options options;
};
class BlockHandle final : public engine::Counted {
public:
    db::BlockBuilder builder;
};
class BatchHandle final : public engine::Counted {
public:
    engine::Batch batch;
};

// The C handle of a core object is its address.
template <class Handle>
struct CoreOf;
template <>
struct CoreOf<mtdb_options> {
    using Type = OptionsHandle;
};
template <>
struct CoreOf<mtdb_block> {
    using Type = BlockHandle;
};
template <>
struct CoreOf<mtdb_batch> {
    using Type = BatchHandle;
};
template <>
struct CoreOf<mtdb_cancel> {
    using Type = engine::Cancel;
};
template <>
struct CoreOf<mtdb_db> {
    using Type = engine::Db;
};
template <>
struct CoreOf<mtdb_conn> {
    using Type = engine::Conn;
};
template <>
struct CoreOf<mtdb_stmt> {
    using Type = engine::Stmt;
};
template <>
struct CoreOf<mtdb_result> {
    using Type = engine::Result;
};
template <>
struct CoreOf<mtdb_migrator> {
    using Type = engine::Migrator;
};
template <>
struct CoreOf<mtdb_quiesce> {
    using Type = engine::Quiesce;
};

template <>
struct CoreOf<mtdb_fleet> {
    using Type = engine::Fleet;
};

template <>
struct CoreOf<mtdb_driver> {
    using Type = engine::Driver;
};

template <class Handle>
auto* core_of(Handle* handle) noexcept {
    using Core = typename CoreOf<std::remove_const_t<Handle>>::Type;
    return reinterpret_cast<Core*>(const_cast<std::remove_const_t<Handle>*>(handle));
}

// Writes *err (when asked) from the exception being handled, and returns its status. The only catch
// list of the library.
mtdb_status fail_with_current_exception(mtdb_error** err) noexcept;

// Runs a call's body, which returns a status. Outputs were nulled by the caller through cleared().
template <class Body>
mtdb_status boundary(mtdb_error** err, Body&& body) noexcept {
    if (err != nullptr) *err = nullptr;
    try {
        return body();
    } catch (...) {
        return fail_with_current_exception(err);
    }
}

// An output: nulled at once, so that a failure leaves nothing in it. Required: a NULL one is the
// caller's mistake.
template <class T>
void clear(T* out) noexcept {
    if (out != nullptr) *out = T{};
}
template <class T>
T& required(T* out, const char* name) {
    if (out == nullptr) throw Error(Code::invalid_argument, std::string(name) + " is NULL");
    return *out;
}

// The object behind a handle. Throws Error(invalid_argument) for NULL and Error(forked) for a
// parent's.
template <class Handle>
auto& live(Handle* handle, const char* name) {
    auto* core = core_of(handle);
    if (core == nullptr) throw Error(Code::invalid_argument, std::string(name) + " is NULL");
    using Core = std::remove_reference_t<decltype(*core)>;
    if constexpr (!std::is_same_v<Core, OptionsHandle> && !std::is_same_v<Core, BlockHandle> &&
                  !std::is_same_v<Core, BatchHandle>)
        if (core->inherited())
            throw Error(Code::forked, std::string("this ") + name +
                                          " was made before fork(): open the db in the child");
    return *core;
}

// A token that may be NULL.
engine::Ref<engine::Cancel> token(mtdb_cancel* cancel);
// Options that may be NULL, checked for their scope.
engine::Options options_of(const mtdb_options* options, engine::Scope scope);

// Text in: -1 means NUL-terminated; NULL with 0 is the empty text.
std::string_view text(const char* data, int64_t size, const char* name);
// The same where none is something else than the empty text: NULL with 0 is none.
std::optional<std::string_view> text_or_none(const char* data, int64_t size, const char* name);
// Bytes in: NULL with 0 is none.
std::string_view bytes(const void* data, int64_t size, const char* name);
// Buffer out, in two calls: OK, or TRUNCATED and nothing written but *needed.
mtdb_status give(std::string_view value, void* buf, int64_t cap, int64_t* needed);
// A buffer that is filled in one call.
void check_buffer(const void* buf, int64_t cap);

template <class Handle, class Core>
Handle* handle_of(engine::Ref<Core> object) noexcept {
    return reinterpret_cast<Handle*>(object.detach());
}

template <class Handle>
void release(Handle* handle) noexcept {
    if (auto* core = core_of(handle)) core->release();
}

}  // namespace mtdb::capi
