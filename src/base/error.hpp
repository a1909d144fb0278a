// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "mtdb.h"

namespace mtdb::base {

// The numbers live in mtdb.h; this is the same list for the core.
enum class Code : int32_t {
    ok = MTDB_OK,
    needs = MTDB_NEEDS,
    invalid_argument = MTDB_INVALID_ARGUMENT,
    invalid_state = MTDB_INVALID_STATE,
    closed = MTDB_CLOSED,
    misuse = MTDB_MISUSE,
    not_found = MTDB_NOT_FOUND,
    exists = MTDB_EXISTS,
    constraint = MTDB_CONSTRAINT,
    serialization = MTDB_SERIALIZATION,
    busy = MTDB_BUSY,
    timeout = MTDB_TIMEOUT,
    cancelled = MTDB_CANCELLED,
    auth = MTDB_AUTH,
    permission = MTDB_PERMISSION,
    unavailable = MTDB_UNAVAILABLE,
    sql_error = MTDB_SQL_ERROR,
    disk_full = MTDB_DISK_FULL,
    io = MTDB_IO,
    read_only = MTDB_READ_ONLY,
    tx_lost = MTDB_TX_LOST,
    tenant_unknown = MTDB_TENANT_UNKNOWN,
    tenant_outdated = MTDB_TENANT_OUTDATED,
    tenant_newer = MTDB_TENANT_NEWER,
    tenant_held = MTDB_TENANT_HELD,
    pool_exhausted = MTDB_POOL_EXHAUSTED,
    migration_checksum = MTDB_MIGRATION_CHECKSUM,
    migration_failed = MTDB_MIGRATION_FAILED,
    migration_dirty = MTDB_MIGRATION_DIRTY,
    migration_locked = MTDB_MIGRATION_LOCKED,
    unsupported = MTDB_UNSUPPORTED,
    limit = MTDB_LIMIT,
    corrupt = MTDB_CORRUPT,
    nomem = MTDB_NOMEM,
    forked = MTDB_FORKED,
    internal = MTDB_INTERNAL,
};

enum class Effect : int32_t {
    none = MTDB_EFFECT_NONE,
    rolled_back = MTDB_EFFECT_ROLLED_BACK,
    committed = MTDB_EFFECT_COMMITTED,
    unknown = MTDB_EFFECT_UNKNOWN,
};

// The one exception of the core. Properties instead of a hierarchy; copying never throws.
class Error : public std::exception {
public:
    // The message: one line, lower case, no full stop, names the thing, never a secret or a whole
    // SQL text.
    Error(Code code, std::string message);

    const char* what() const noexcept override { return facts_->message.c_str(); }
    const std::string& message() const noexcept { return facts_->message; }
    Code code() const noexcept { return facts_->code; }
    // Always five characters: the engine's, else the one that docs/errors.md gives for the code.
    std::string_view sqlstate() const noexcept;
    int64_t native() const noexcept { return facts_->native; }
    std::string_view engine() const noexcept { return facts_->engine; }
    Effect effect() const noexcept { return facts_->effect; }
    // By its code, and only when nothing was written or all of it was undone.
    bool retryable() const noexcept;
    const std::string& tenant() const noexcept { return facts_->tenant; }
    const std::string& script() const noexcept { return facts_->script; }
    const std::string& limit() const noexcept { return facts_->limit; }
    int64_t statement() const noexcept { return facts_->statement; }
    int64_t line() const noexcept { return facts_->line; }
    int64_t column() const noexcept { return facts_->column; }

    // Each returns a copy with one fact more: throw Error(...).with_tenant(id).
    Error with_message(std::string message) const;
    Error with_code(Code code) const;
    Error with_sqlstate(std::string_view sqlstate) const;
    Error with_native(std::string_view engine, int64_t native) const;
    Error with_effect(Effect effect) const;
    Error with_tenant(std::string_view tenant) const;
    Error with_script(std::string_view script) const;
    Error with_limit(std::string_view option) const;
    Error with_statement(int64_t number) const;
    Error with_position(int64_t line, int64_t column) const;

private:
    struct Facts {
        Code code = Code::internal;
        Effect effect = Effect::none;
        int64_t native = 0;
        int64_t statement = 0;
        int64_t line = 0;
        int64_t column = 0;
        std::string message, sqlstate, engine = "mtdb", tenant, script, limit;
    };
    explicit Error(std::shared_ptr<const Facts> facts) noexcept : facts_(std::move(facts)) {}
    template <class Change>
    Error changed(Change&& change) const;

    std::shared_ptr<const Facts> facts_;
};

// "TENANT_UNKNOWN"; "UNKNOWN" for a number without a name. Static storage.
const char* name_of(int32_t status) noexcept;
// The SQLSTATE of a code when the engine gives none.
std::string_view default_sqlstate(Code code) noexcept;

}  // namespace mtdb::base

namespace mtdb {
using base::Code;
using base::Effect;
using base::Error;
}  // namespace mtdb
