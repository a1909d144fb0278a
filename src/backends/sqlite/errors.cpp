// SPDX-License-Identifier: MIT
#include "backends/sqlite/errors.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr std::size_t message_max = 300;  // characters of SQLite's text that a message takes

constexpr CodeRule listed[] = {
    {SQLITE_OK, Code::ok, "00000"},
    {SQLITE_OK_LOAD_PERMANENTLY, Code::ok, "00000"},
    {SQLITE_OK_SYMLINK, Code::ok, "00000"},
    {SQLITE_ERROR, Code::sql_error, "42000"},
    {SQLITE_ERROR_MISSING_COLLSEQ, Code::sql_error, "42704"},
    {SQLITE_ERROR_RETRY, Code::sql_error, "42000"},
    {SQLITE_ERROR_SNAPSHOT, Code::serialization, "40001"},
    {SQLITE_INTERNAL, Code::internal, "XX000"},
    {SQLITE_PERM, Code::permission, "42501"},
    {SQLITE_ABORT, Code::cancelled, "57014"},
    {SQLITE_ABORT_ROLLBACK, Code::tx_lost, "40000"},
    {SQLITE_BUSY, Code::busy, "55P03"},
    {SQLITE_BUSY_RECOVERY, Code::busy, "55P03"},
    {SQLITE_BUSY_SNAPSHOT, Code::serialization, "40001"},
    {SQLITE_BUSY_TIMEOUT, Code::busy, "55P03"},
    {SQLITE_LOCKED, Code::busy, "55006"},
    {SQLITE_LOCKED_SHAREDCACHE, Code::busy, "55006"},
    {SQLITE_LOCKED_VTAB, Code::busy, "55006"},
    {SQLITE_NOMEM, Code::nomem, "53200"},
    {SQLITE_READONLY, Code::read_only, "25006"},
    {SQLITE_READONLY_RECOVERY, Code::read_only, "25006"},
    {SQLITE_READONLY_CANTLOCK, Code::read_only, "25006"},
    {SQLITE_READONLY_ROLLBACK, Code::read_only, "25006"},
    {SQLITE_READONLY_DBMOVED, Code::unavailable, "08006"},
    {SQLITE_READONLY_CANTINIT, Code::read_only, "25006"},
    {SQLITE_READONLY_DIRECTORY, Code::read_only, "25006"},
    {SQLITE_INTERRUPT, Code::cancelled, "57014"},
    {SQLITE_IOERR, Code::io, "58030"},
    {SQLITE_IOERR_READ, Code::io, "58030"},
    {SQLITE_IOERR_SHORT_READ, Code::io, "58030"},
    {SQLITE_IOERR_WRITE, Code::io, "58030"},
    {SQLITE_IOERR_FSYNC, Code::io, "58030"},
    {SQLITE_IOERR_DIR_FSYNC, Code::io, "58030"},
    {SQLITE_IOERR_TRUNCATE, Code::io, "58030"},
    {SQLITE_IOERR_FSTAT, Code::io, "58030"},
    {SQLITE_IOERR_UNLOCK, Code::io, "58030"},
    {SQLITE_IOERR_RDLOCK, Code::io, "58030"},
    {SQLITE_IOERR_DELETE, Code::io, "58030"},
    {SQLITE_IOERR_BLOCKED, Code::io, "58030"},
    {SQLITE_IOERR_NOMEM, Code::nomem, "53200"},
    {SQLITE_IOERR_ACCESS, Code::io, "58030"},
    {SQLITE_IOERR_CHECKRESERVEDLOCK, Code::io, "58030"},
    {SQLITE_IOERR_LOCK, Code::io, "58030"},
    {SQLITE_IOERR_CLOSE, Code::io, "58030"},
    {SQLITE_IOERR_DIR_CLOSE, Code::io, "58030"},
    {SQLITE_IOERR_SHMOPEN, Code::io, "58030"},
    {SQLITE_IOERR_SHMSIZE, Code::io, "58030"},
    {SQLITE_IOERR_SHMLOCK, Code::io, "58030"},
    {SQLITE_IOERR_SHMMAP, Code::io, "58030"},
    {SQLITE_IOERR_SEEK, Code::io, "58030"},
    {SQLITE_IOERR_DELETE_NOENT, Code::io, "58030"},
    {SQLITE_IOERR_MMAP, Code::io, "58030"},
    {SQLITE_IOERR_GETTEMPPATH, Code::io, "58030"},
    {SQLITE_IOERR_CONVPATH, Code::io, "58030"},
    {SQLITE_IOERR_VNODE, Code::io, "58030"},
    {SQLITE_IOERR_AUTH, Code::permission, "42501"},
    {SQLITE_IOERR_BEGIN_ATOMIC, Code::io, "58030"},
    {SQLITE_IOERR_COMMIT_ATOMIC, Code::io, "58030"},
    {SQLITE_IOERR_ROLLBACK_ATOMIC, Code::io, "58030"},
    {SQLITE_IOERR_DATA, Code::corrupt, "XX001"},
    {SQLITE_IOERR_CORRUPTFS, Code::corrupt, "XX001"},
    {SQLITE_CORRUPT, Code::corrupt, "XX001"},
    {SQLITE_CORRUPT_VTAB, Code::corrupt, "XX001"},
    {SQLITE_CORRUPT_SEQUENCE, Code::corrupt, "XX001"},
    {SQLITE_CORRUPT_INDEX, Code::corrupt, "XX002"},
    {SQLITE_NOTFOUND, Code::unsupported, "0A000"},
    {SQLITE_FULL, Code::disk_full, "53100"},
    {SQLITE_CANTOPEN, Code::unavailable, "08001"},
    {SQLITE_CANTOPEN_NOTEMPDIR, Code::unavailable, "08001"},
    {SQLITE_CANTOPEN_ISDIR, Code::permission, "42501"},
    {SQLITE_CANTOPEN_FULLPATH, Code::unavailable, "08001"},
    {SQLITE_CANTOPEN_CONVPATH, Code::unavailable, "08001"},
    {SQLITE_CANTOPEN_DIRTYWAL, Code::unavailable, "08001"},
    {SQLITE_CANTOPEN_SYMLINK, Code::permission, "42501"},
    {SQLITE_PROTOCOL, Code::busy, "55P03"},
    {SQLITE_EMPTY, Code::internal, "XX000"},
    {SQLITE_SCHEMA, Code::serialization, "40001"},
    {SQLITE_TOOBIG, Code::limit, "54000"},
    {SQLITE_CONSTRAINT, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_CHECK, Code::constraint, "23514"},
    {SQLITE_CONSTRAINT_COMMITHOOK, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, Code::constraint, "23503"},
    {SQLITE_CONSTRAINT_FUNCTION, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_NOTNULL, Code::constraint, "23502"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, Code::constraint, "23505"},
    {SQLITE_CONSTRAINT_TRIGGER, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_UNIQUE, Code::constraint, "23505"},
    {SQLITE_CONSTRAINT_VTAB, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_ROWID, Code::constraint, "23505"},
    {SQLITE_CONSTRAINT_PINNED, Code::constraint, "23000"},
    {SQLITE_CONSTRAINT_DATATYPE, Code::constraint, "23000"},
    {SQLITE_MISMATCH, Code::sql_error, "42804"},
    {SQLITE_MISUSE, Code::internal, "XX000"},
    {SQLITE_NOLFS, Code::limit, "54000"},
    {SQLITE_AUTH, Code::permission, "42501"},
    {SQLITE_AUTH_USER, Code::permission, "42501"},
    {SQLITE_FORMAT, Code::corrupt, "XX001"},
    {SQLITE_RANGE, Code::invalid_argument, "07009"},
    {SQLITE_NOTADB, Code::corrupt, "XX001"},
    {SQLITE_NOTICE, Code::internal, "XX000"},
    {SQLITE_NOTICE_RECOVER_WAL, Code::internal, "XX000"},
    {SQLITE_NOTICE_RECOVER_ROLLBACK, Code::internal, "XX000"},
    {SQLITE_WARNING, Code::internal, "XX000"},
    {SQLITE_WARNING_AUTOINDEX, Code::internal, "XX000"},
    {SQLITE_ROW, Code::internal, "XX000"},
    {SQLITE_DONE, Code::internal, "XX000"},
};

constexpr auto rules = [] {
    auto table = std::to_array(listed);
    std::ranges::sort(table, {}, &CodeRule::result);
    return table;
}();

const CodeRule* find(int result) noexcept {
    const auto rule = std::ranges::lower_bound(rules, result, {}, &CodeRule::result);
    return rule != rules.end() && rule->result == result ? &*rule : nullptr;
}

}  // namespace

std::span<const CodeRule> code_rules() noexcept { return rules; }

const CodeRule& rule_of(int result) noexcept {
    if (const CodeRule* exact = find(result)) return *exact;
    if (const CodeRule* primary = find(result & 0xff)) return *primary;
    return *find(SQLITE_ERROR);
}

std::optional<Code> code_of_errno(int number) noexcept {
    switch (number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return Code::disk_full;
        case EMFILE:
        case ENFILE:
        case ENAMETOOLONG:
            return Code::limit;
        case EACCES:
        case EPERM:
        case ELOOP:
            return Code::permission;
        case EROFS:
            return Code::read_only;
        case ENOMEM:
            return Code::nomem;
        default:
            return std::nullopt;
    }
}

Error engine_error(int result, std::string message, int system_errno) {
    const CodeRule& rule = rule_of(result);
    const int primary = result & 0xff;
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
        if (const auto code = code_of_errno(system_errno)) {
            const std::string reason = std::generic_category().message(system_errno);
            return Error(*code, std::move(message) + ": " + base::lower(reason))
                .with_native("sqlite", result);
        }
    }
    return Error(rule.code, std::move(message))
        .with_sqlstate(rule.sqlstate)
        .with_native("sqlite", result);
}

namespace {

// SQLite's parser quotes where it stopped; a quoted text there may be somebody's value.
std::string without_values(std::string_view text) {
    if (text.starts_with("unrecognized token: ")) return "unrecognized token";
    constexpr std::string_view near = "near \"";
    const bool quotes_value = text.starts_with(near) && text.size() > near.size() &&
                              (text[near.size()] == '\'' || text[near.size()] == '"');
    return quotes_value ? "syntax error near a quoted text" : std::string(text);
}

}  // namespace

Error engine_error(sqlite3* db, int result) {
    if (db == nullptr) return engine_error(result, sqlite3_errstr(result));
    // The handle's text belongs to its last failure; another code's name is more honest than a
    // stale text.
    const bool own_text = (sqlite3_errcode(db) & 0xff) == (result & 0xff);
    const char* text = own_text ? sqlite3_errmsg(db) : sqlite3_errstr(result);
    return engine_error(result, base::excerpt(without_values(text), message_max),
                        sqlite3_system_errno(db));
}

Error system_error(std::string_view what, std::string_view name, int number) {
    const Code code = code_of_errno(number).value_or(number == ENOENT ? Code::not_found : Code::io);
    return Error(code, std::string(what) + " '" + base::excerpt(name, message_max) +
                           "': " + base::lower(std::generic_category().message(number)));
}

}  // namespace mtdb::backends::sqlite
