// SPDX-License-Identifier: MIT
#include "base/error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mtdb;

namespace {

struct Row {
    Code code;
    const char* name;
    const char* sqlstate;
    bool retryable;
};

// Every class of errors: what docs/errors.md says of it.
constexpr Row rows[] = {
    {Code::invalid_argument, "INVALID_ARGUMENT", "22023", false},
    {Code::invalid_state, "INVALID_STATE", "08003", false},
    {Code::closed, "CLOSED", "08003", false},
    {Code::misuse, "MISUSE", "HY010", false},
    {Code::not_found, "NOT_FOUND", "42704", false},
    {Code::exists, "EXISTS", "42710", false},
    {Code::constraint, "CONSTRAINT", "23000", false},
    {Code::serialization, "SERIALIZATION", "40001", true},
    {Code::busy, "BUSY", "40001", true},
    {Code::timeout, "TIMEOUT", "57014", true},
    {Code::cancelled, "CANCELLED", "57014", false},
    {Code::auth, "AUTH", "28000", false},
    {Code::permission, "PERMISSION", "42501", false},
    {Code::unavailable, "UNAVAILABLE", "08006", true},
    {Code::sql_error, "SQL_ERROR", "42000", false},
    {Code::disk_full, "DISK_FULL", "53100", false},
    {Code::io, "IO", "58030", false},
    {Code::read_only, "READ_ONLY", "25006", false},
    {Code::tx_lost, "TX_LOST", "25P02", false},
    {Code::tenant_unknown, "TENANT_UNKNOWN", "3D000", false},
    {Code::tenant_outdated, "TENANT_OUTDATED", "55000", false},
    {Code::tenant_newer, "TENANT_NEWER", "55000", false},
    {Code::tenant_held, "TENANT_HELD", "57P03", true},
    {Code::pool_exhausted, "POOL_EXHAUSTED", "53300", true},
    {Code::migration_checksum, "MIGRATION_CHECKSUM", "55000", false},
    {Code::migration_failed, "MIGRATION_FAILED", "55000", false},
    {Code::migration_dirty, "MIGRATION_DIRTY", "55000", false},
    {Code::migration_locked, "MIGRATION_LOCKED", "55000", true},
    {Code::unsupported, "UNSUPPORTED", "0A000", false},
    {Code::limit, "LIMIT", "53400", false},
    {Code::corrupt, "CORRUPT", "XX001", false},
    {Code::nomem, "NOMEM", "53200", false},
    {Code::forked, "FORKED", "08003", false},
    {Code::internal, "INTERNAL", "XX000", false},
};

}  // namespace

TEST_CASE("each class has its name, its SQLSTATE and its rule for a retry") {
    CHECK(std::size(rows) == -MTDB_INTERNAL);
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const Error error(row.code, "what");
        CHECK(std::string(base::name_of(static_cast<int32_t>(row.code))) == row.name);
        CHECK(error.sqlstate() == row.sqlstate);
        CHECK(error.retryable() == row.retryable);
        CHECK(error.engine() == "mtdb");
        CHECK(error.effect() == Effect::none);
    }
}

TEST_CASE("a retry is offered only where nothing was written, or all of it undone") {
    const Error busy(Code::busy, "busy");
    CHECK(busy.with_effect(Effect::rolled_back).retryable());
    CHECK_FALSE(busy.with_effect(Effect::committed).retryable());
    CHECK_FALSE(busy.with_effect(Effect::unknown).retryable());
}

TEST_CASE("outcomes have names too, and a number without one is UNKNOWN") {
    CHECK(std::string(base::name_of(MTDB_OK)) == "OK");
    CHECK(std::string(base::name_of(MTDB_DONE)) == "DONE");
    CHECK(std::string(base::name_of(MTDB_MORE)) == "MORE");
    CHECK(std::string(base::name_of(MTDB_TRUNCATED)) == "TRUNCATED");
    CHECK(std::string(base::name_of(MTDB_NEEDS)) == "NEEDS");
    CHECK(std::string(base::name_of(99)) == "UNKNOWN");
    CHECK(std::string(base::name_of(-99)) == "UNKNOWN");
}

TEST_CASE("a fact is added to a copy, and an SQLSTATE that is none falls back to the class") {
    const Error plain(Code::constraint, "no");
    const Error full = plain.with_tenant("acme")
                           .with_sqlstate("23505")
                           .with_native("sqlite", 2067)
                           .with_script("V1__x.sql")
                           .with_statement(3)
                           .with_position(4, 5)
                           .with_limit("files_max")
                           .with_message("still no");
    CHECK(full.tenant() == "acme");
    CHECK(full.sqlstate() == "23505");
    CHECK(full.native() == 2067);
    CHECK(full.engine() == "sqlite");
    CHECK(full.script() == "V1__x.sql");
    CHECK(full.statement() == 3);
    CHECK(full.line() == 4);
    CHECK(full.column() == 5);
    CHECK(full.limit() == "files_max");
    CHECK(full.message() == "still no");
    CHECK(full.with_code(Code::io).sqlstate() == "23505");
    CHECK(plain.tenant().empty());
    CHECK(plain.message() == "no");
    CHECK(plain.with_sqlstate("12").sqlstate() == "23000");
}
