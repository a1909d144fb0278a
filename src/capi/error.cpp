// SPDX-License-Identifier: MIT
#include <atomic>
#include <new>
#include <system_error>

#include "capi/boundary.hpp"
#include "engine/error_json.hpp"

// Immutable once made; counted by its holders.
struct mtdb_error {
    explicit mtdb_error(mtdb::Error e) : error(std::move(e)) {}
    mtdb::Error error;
    std::atomic<int64_t> references{1};
    bool immortal = false;
};

namespace mtdb::capi {
namespace {

// Made while there is memory; it is what a caller gets when there is none.
mtdb_error* no_memory() noexcept {
    static mtdb_error* const error = [] {
        // Nobody can say how far the call had come.
        auto* made =
            new mtdb_error(Error(Code::nomem, "out of memory").with_effect(Effect::unknown));
        made->immortal = true;
        return made;
    }();
    return error;
}
[[maybe_unused]] const mtdb_error* const made_at_load = no_memory();

mtdb_status fail(mtdb_error** err, const Error& error) noexcept {
    if (err != nullptr) {
        *err = new (std::nothrow) mtdb_error(error);
        if (*err == nullptr) *err = no_memory();
    }
    return static_cast<mtdb_status>(error.code());
}

mtdb_status fail_no_memory(mtdb_error** err) noexcept {
    if (err != nullptr) *err = no_memory();
    return MTDB_NOMEM;
}

mtdb_status fail_internal(mtdb_error** err, const char* what) noexcept {
    try {
        return fail(err, Error(Code::internal, what));
    } catch (...) {
        return fail_no_memory(err);
    }
}

}  // namespace

mtdb_status fail_with_current_exception(mtdb_error** err) noexcept {
    try {
        throw;
    } catch (const Error& error) {
        if (error.code() == Code::needs) return MTDB_NEEDS;
        return fail(err, error);
    } catch (const std::bad_alloc&) {
        return fail_no_memory(err);
    } catch (const std::system_error& error) {
        return error.code() == std::errc::resource_unavailable_try_again
                   ? fail_no_memory(err)
                   : fail_internal(err, error.what());
    } catch (const std::exception& error) {
        return fail_internal(err, error.what());
    } catch (...) {
        return fail_internal(err, "unknown exception");
    }
}

engine::Ref<engine::Cancel> token(mtdb_cancel* cancel) {
    if (cancel == nullptr) return {};
    return engine::Ref<engine::Cancel>::share(&live(cancel, "cancel"));
}

engine::Options options_of(const mtdb_options* options, engine::Scope scope) {
    if (options == nullptr) return {};
    engine::Options copy = live(options, "options").options;
    copy.check_scope(scope);
    return copy;
}

std::string_view text(const char* data, int64_t size, const char* name) {
    if (data == nullptr && size == 0) return {};
    if (data == nullptr) throw Error(Code::invalid_argument, std::string(name) + " is NULL");
    if (size < -1)
        throw Error(Code::invalid_argument, std::string(name) + " has a negative length");
    return {data, size == -1 ? std::strlen(data) : static_cast<std::size_t>(size)};
}

std::optional<std::string_view> text_or_none(const char* data, int64_t size, const char* name) {
    if (data == nullptr && size == 0) return std::nullopt;
    return text(data, size, name);
}

std::string_view bytes(const void* data, int64_t size, const char* name) {
    if (size < 0) throw Error(Code::invalid_argument, std::string(name) + " has a negative length");
    return text(static_cast<const char*>(data), size, name);
}

void check_buffer(const void* buf, int64_t cap) {
    if (cap < 0) throw Error(Code::invalid_argument, "cap is negative");
    if (buf == nullptr && cap > 0) throw Error(Code::invalid_argument, "buf is NULL");
}

mtdb_status give(std::string_view value, void* buf, int64_t cap, int64_t* needed) {
    check_buffer(buf, cap);
    const auto size = static_cast<int64_t>(value.size());
    required(needed, "needed") = size;
    if (size > cap) return MTDB_TRUNCATED;
    if (size > 0) std::memcpy(buf, value.data(), value.size());
    return MTDB_OK;
}

namespace {

// For the accessors of an error, which have no error of their own to return.
mtdb_status give_plain(std::string_view value, void* buf, int64_t cap, int64_t* needed) noexcept {
    if (needed == nullptr || cap < 0 || (buf == nullptr && cap > 0)) return MTDB_INVALID_ARGUMENT;
    *needed = static_cast<int64_t>(value.size());
    if (*needed > cap) return MTDB_TRUNCATED;
    if (!value.empty()) std::memcpy(buf, value.data(), value.size());
    return MTDB_OK;
}

}  // namespace
}  // namespace mtdb::capi

using namespace mtdb;
using namespace mtdb::capi;

extern "C" {

const char* mtdb_status_name(mtdb_status status) { return base::name_of(status); }

mtdb_status mtdb_status_text(mtdb_status status, void* buf, int64_t cap, int64_t* needed,
                             mtdb_error** err) {
    clear(needed);
    return boundary(err, [&] { return give(base::name_of(status), buf, cap, needed); });
}

mtdb_status mtdb_error_status(const mtdb_error* error) {
    return error != nullptr ? static_cast<mtdb_status>(error->error.code()) : MTDB_OK;
}

int64_t mtdb_error_native(const mtdb_error* error) {
    return error != nullptr ? error->error.native() : 0;
}

int32_t mtdb_error_effect(const mtdb_error* error) {
    return error != nullptr ? static_cast<int32_t>(error->error.effect()) : MTDB_EFFECT_NONE;
}

int32_t mtdb_error_retryable(const mtdb_error* error) {
    return error != nullptr && error->error.retryable() ? 1 : 0;
}

int64_t mtdb_error_line(const mtdb_error* error) {
    return error != nullptr ? error->error.line() : 0;
}

int64_t mtdb_error_column(const mtdb_error* error) {
    return error != nullptr ? error->error.column() : 0;
}

int64_t mtdb_error_statement(const mtdb_error* error) {
    return error != nullptr ? error->error.statement() : 0;
}

const char* mtdb_error_message(const mtdb_error* error) {
    return error != nullptr ? error->error.what() : "";
}

mtdb_status mtdb_error_text(const mtdb_error* error, int32_t field, void* buf, int64_t cap,
                            int64_t* needed) {
    clear(needed);
    std::string_view value;
    if (error != nullptr) {
        switch (field) {
            case MTDB_ERROR_MESSAGE:
                value = error->error.message();
                break;
            case MTDB_ERROR_SQLSTATE:
                value = error->error.sqlstate();
                break;
            case MTDB_ERROR_ENGINE:
                value = error->error.engine();
                break;
            case MTDB_ERROR_TENANT:
                value = error->error.tenant();
                break;
            case MTDB_ERROR_SCRIPT:
                value = error->error.script();
                break;
            case MTDB_ERROR_LIMIT:
                value = error->error.limit();
                break;
            default:
                return MTDB_INVALID_ARGUMENT;
        }
    } else if (field < MTDB_ERROR_MESSAGE || field > MTDB_ERROR_LIMIT) {
        return MTDB_INVALID_ARGUMENT;
    }
    return give_plain(value, buf, cap, needed);
}

mtdb_status mtdb_error_json(const mtdb_error* error, void* buf, int64_t cap, int64_t* needed) {
    clear(needed);
    if (needed == nullptr) return MTDB_INVALID_ARGUMENT;
    return boundary(nullptr, [&] {
        return give(error != nullptr ? engine::json_of(error->error)
                                     : std::string("{\"status\":0,\"name\":\"OK\"}"),
                    buf, cap, needed);
    });
}

void mtdb_error_retain(mtdb_error* error) {
    if (error != nullptr && !error->immortal)
        error->references.fetch_add(1, std::memory_order_relaxed);
}

void mtdb_error_release(mtdb_error* owned) {
    if (owned == nullptr || owned->immortal) return;
    if (owned->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete owned;
}

}  // extern "C"
