// SPDX-License-Identifier: MIT
#include "base/error.hpp"

#include <array>
#include <utility>

namespace mtdb::base {
namespace {

struct CodeRow {
    int32_t status;
    const char* name;
    std::string_view sqlstate;
    bool transient;  // may succeed later without a change
};

constexpr std::array code_rows = {
    CodeRow{MTDB_OK, "OK", "00000", false},
    CodeRow{MTDB_DONE, "DONE", "02000", false},
    CodeRow{MTDB_MORE, "MORE", "00000", false},
    CodeRow{MTDB_TRUNCATED, "TRUNCATED", "01004", false},
    CodeRow{MTDB_NEEDS, "NEEDS", "00000", false},
    CodeRow{MTDB_INVALID_ARGUMENT, "INVALID_ARGUMENT", "22023", false},
    CodeRow{MTDB_INVALID_STATE, "INVALID_STATE", "08003", false},
    CodeRow{MTDB_CLOSED, "CLOSED", "08003", false},
    CodeRow{MTDB_MISUSE, "MISUSE", "HY010", false},
    CodeRow{MTDB_NOT_FOUND, "NOT_FOUND", "42704", false},
    CodeRow{MTDB_EXISTS, "EXISTS", "42710", false},
    CodeRow{MTDB_CONSTRAINT, "CONSTRAINT", "23000", false},
    CodeRow{MTDB_SERIALIZATION, "SERIALIZATION", "40001", true},
    CodeRow{MTDB_BUSY, "BUSY", "40001", true},
    CodeRow{MTDB_TIMEOUT, "TIMEOUT", "57014", true},
    CodeRow{MTDB_CANCELLED, "CANCELLED", "57014", false},
    CodeRow{MTDB_AUTH, "AUTH", "28000", false},
    CodeRow{MTDB_PERMISSION, "PERMISSION", "42501", false},
    CodeRow{MTDB_UNAVAILABLE, "UNAVAILABLE", "08006", true},
    CodeRow{MTDB_SQL_ERROR, "SQL_ERROR", "42000", false},
    CodeRow{MTDB_DISK_FULL, "DISK_FULL", "53100", false},
    CodeRow{MTDB_IO, "IO", "58030", false},
    CodeRow{MTDB_READ_ONLY, "READ_ONLY", "25006", false},
    CodeRow{MTDB_TX_LOST, "TX_LOST", "25P02", false},
    CodeRow{MTDB_TENANT_UNKNOWN, "TENANT_UNKNOWN", "3D000", false},
    CodeRow{MTDB_TENANT_OUTDATED, "TENANT_OUTDATED", "55000", false},
    CodeRow{MTDB_TENANT_NEWER, "TENANT_NEWER", "55000", false},
    CodeRow{MTDB_TENANT_HELD, "TENANT_HELD", "57P03", true},
    CodeRow{MTDB_POOL_EXHAUSTED, "POOL_EXHAUSTED", "53300", true},
    CodeRow{MTDB_MIGRATION_CHECKSUM, "MIGRATION_CHECKSUM", "55000", false},
    CodeRow{MTDB_MIGRATION_FAILED, "MIGRATION_FAILED", "55000", false},
    CodeRow{MTDB_MIGRATION_DIRTY, "MIGRATION_DIRTY", "55000", false},
    CodeRow{MTDB_MIGRATION_LOCKED, "MIGRATION_LOCKED", "55000", true},
    CodeRow{MTDB_UNSUPPORTED, "UNSUPPORTED", "0A000", false},
    CodeRow{MTDB_LIMIT, "LIMIT", "53400", false},
    CodeRow{MTDB_CORRUPT, "CORRUPT", "XX001", false},
    CodeRow{MTDB_NOMEM, "NOMEM", "53200", false},
    CodeRow{MTDB_FORKED, "FORKED", "08003", false},
    CodeRow{MTDB_INTERNAL, "INTERNAL", "XX000", false},
};

const CodeRow* find_row(int32_t status) noexcept {
    for (const CodeRow& row : code_rows)
        if (row.status == status) return &row;
    return nullptr;
}

}  // namespace

const char* name_of(int32_t status) noexcept {
    const CodeRow* row = find_row(status);
    return row != nullptr ? row->name : "UNKNOWN";
}

std::string_view default_sqlstate(Code code) noexcept {
    const CodeRow* row = find_row(static_cast<int32_t>(code));
    return row != nullptr ? row->sqlstate : "HY000";
}

Error::Error(Code code, std::string message) {
    auto facts = std::make_shared<Facts>();
    facts->code = code;
    facts->message = std::move(message);
    facts_ = std::move(facts);
}

std::string_view Error::sqlstate() const noexcept {
    return facts_->sqlstate.size() == 5 ? std::string_view(facts_->sqlstate)
                                        : default_sqlstate(code());
}

bool Error::retryable() const noexcept {
    const CodeRow* row = find_row(static_cast<int32_t>(code()));
    return row != nullptr && row->transient &&
           (effect() == Effect::none || effect() == Effect::rolled_back);
}

template <class Change>
Error Error::changed(Change&& change) const {
    auto facts = std::make_shared<Facts>(*facts_);
    change(*facts);
    return Error(std::shared_ptr<const Facts>(std::move(facts)));
}

Error Error::with_message(std::string message) const {
    return changed([&](Facts& facts) { facts.message = std::move(message); });
}
Error Error::with_code(Code code) const {
    return changed([&](Facts& facts) { facts.code = code; });
}
Error Error::with_sqlstate(std::string_view sqlstate) const {
    return changed([&](Facts& facts) { facts.sqlstate = sqlstate; });
}
Error Error::with_native(std::string_view engine, int64_t native) const {
    return changed([&](Facts& facts) {
        facts.engine = engine;
        facts.native = native;
    });
}
Error Error::with_effect(Effect effect) const {
    return changed([&](Facts& facts) { facts.effect = effect; });
}
Error Error::with_tenant(std::string_view tenant) const {
    return changed([&](Facts& facts) { facts.tenant = tenant; });
}
Error Error::with_script(std::string_view script) const {
    return changed([&](Facts& facts) { facts.script = script; });
}
Error Error::with_limit(std::string_view option) const {
    return changed([&](Facts& facts) { facts.limit = option; });
}
Error Error::with_statement(int64_t number) const {
    return changed([&](Facts& facts) { facts.statement = number; });
}
Error Error::with_position(int64_t line, int64_t column) const {
    return changed([&](Facts& facts) {
        facts.line = line;
        facts.column = column;
    });
}

}  // namespace mtdb::base
