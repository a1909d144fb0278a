// SPDX-License-Identifier: MIT
#include "backends/sqlite/errors.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <string>

using namespace mtdb;
using namespace mtdb::backends::sqlite;

namespace {

const CodeRule* exact(int result) {
    for (const CodeRule& rule : code_rules())
        if (rule.result == result) return &rule;
    return nullptr;
}

// sqlite3_errstr() knows only primary codes, so the header's list stands here; a newer header's additions fall back.
#define CODE(name) \
{ name, #name }
const struct {
    int code;
    const char* name;
} codes[] = {
    CODE(SQLITE_ERROR_MISSING_COLLSEQ),
    CODE(SQLITE_ERROR_RETRY),
    CODE(SQLITE_ERROR_SNAPSHOT),
    CODE(SQLITE_IOERR_READ),
    CODE(SQLITE_IOERR_SHORT_READ),
    CODE(SQLITE_IOERR_WRITE),
    CODE(SQLITE_IOERR_FSYNC),
    CODE(SQLITE_IOERR_DIR_FSYNC),
    CODE(SQLITE_IOERR_TRUNCATE),
    CODE(SQLITE_IOERR_FSTAT),
    CODE(SQLITE_IOERR_UNLOCK),
    CODE(SQLITE_IOERR_RDLOCK),
    CODE(SQLITE_IOERR_DELETE),
    CODE(SQLITE_IOERR_BLOCKED),
    CODE(SQLITE_IOERR_NOMEM),
    CODE(SQLITE_IOERR_ACCESS),
    CODE(SQLITE_IOERR_CHECKRESERVEDLOCK),
    CODE(SQLITE_IOERR_LOCK),
    CODE(SQLITE_IOERR_CLOSE),
    CODE(SQLITE_IOERR_DIR_CLOSE),
    CODE(SQLITE_IOERR_SHMOPEN),
    CODE(SQLITE_IOERR_SHMSIZE),
    CODE(SQLITE_IOERR_SHMLOCK),
    CODE(SQLITE_IOERR_SHMMAP),
    CODE(SQLITE_IOERR_SEEK),
    CODE(SQLITE_IOERR_DELETE_NOENT),
    CODE(SQLITE_IOERR_MMAP),
    CODE(SQLITE_IOERR_GETTEMPPATH),
    CODE(SQLITE_IOERR_CONVPATH),
    CODE(SQLITE_IOERR_VNODE),
    CODE(SQLITE_IOERR_AUTH),
    CODE(SQLITE_IOERR_BEGIN_ATOMIC),
    CODE(SQLITE_IOERR_COMMIT_ATOMIC),
    CODE(SQLITE_IOERR_ROLLBACK_ATOMIC),
    CODE(SQLITE_IOERR_DATA),
    CODE(SQLITE_IOERR_CORRUPTFS),
    CODE(SQLITE_LOCKED_SHAREDCACHE),
    CODE(SQLITE_LOCKED_VTAB),
    CODE(SQLITE_BUSY_RECOVERY),
    CODE(SQLITE_BUSY_SNAPSHOT),
    CODE(SQLITE_BUSY_TIMEOUT),
    CODE(SQLITE_CANTOPEN_NOTEMPDIR),
    CODE(SQLITE_CANTOPEN_ISDIR),
    CODE(SQLITE_CANTOPEN_FULLPATH),
    CODE(SQLITE_CANTOPEN_CONVPATH),
    CODE(SQLITE_CANTOPEN_DIRTYWAL),
    CODE(SQLITE_CANTOPEN_SYMLINK),
    CODE(SQLITE_CORRUPT_VTAB),
    CODE(SQLITE_CORRUPT_SEQUENCE),
    CODE(SQLITE_CORRUPT_INDEX),
    CODE(SQLITE_READONLY_RECOVERY),
    CODE(SQLITE_READONLY_CANTLOCK),
    CODE(SQLITE_READONLY_ROLLBACK),
    CODE(SQLITE_READONLY_DBMOVED),
    CODE(SQLITE_READONLY_CANTINIT),
    CODE(SQLITE_READONLY_DIRECTORY),
    CODE(SQLITE_ABORT_ROLLBACK),
    CODE(SQLITE_CONSTRAINT_CHECK),
    CODE(SQLITE_CONSTRAINT_COMMITHOOK),
    CODE(SQLITE_CONSTRAINT_FOREIGNKEY),
    CODE(SQLITE_CONSTRAINT_FUNCTION),
    CODE(SQLITE_CONSTRAINT_NOTNULL),
    CODE(SQLITE_CONSTRAINT_PRIMARYKEY),
    CODE(SQLITE_CONSTRAINT_TRIGGER),
    CODE(SQLITE_CONSTRAINT_UNIQUE),
    CODE(SQLITE_CONSTRAINT_VTAB),
    CODE(SQLITE_CONSTRAINT_ROWID),
    CODE(SQLITE_CONSTRAINT_PINNED),
    CODE(SQLITE_CONSTRAINT_DATATYPE),
    CODE(SQLITE_NOTICE_RECOVER_WAL),
    CODE(SQLITE_NOTICE_RECOVER_ROLLBACK),
    CODE(SQLITE_WARNING_AUTOINDEX),
    CODE(SQLITE_AUTH_USER),
    CODE(SQLITE_OK_LOAD_PERMANENTLY),
    CODE(SQLITE_OK_SYMLINK),
};
#undef CODE

}  // namespace

TEST_CASE("sqlite errors: every extended code has a rule of its own") {
    for (const auto& code : codes) {
        CAPTURE(code.name);
        CHECK(exact(code.code) != nullptr);
    }
    for (int primary = SQLITE_OK; primary <= SQLITE_WARNING; ++primary) {
        CAPTURE(primary);
        CHECK(exact(primary) != nullptr);
    }
}

TEST_CASE("sqlite errors: the list above is all that the installed header of 3.40 defines") {
    std::ifstream header("/usr/include/sqlite3.h");
    if (!header || SQLITE_VERSION_NUMBER / 1000 != 3040) return;
    int extended = 0;
    for (std::string line; std::getline(header, line);)
        if (line.starts_with("#define SQLITE_") && line.find("<<8)") != line.npos &&
            line.find("(SQLITE_") != line.npos)
            ++extended;
    int rules = 0;
    for (const CodeRule& rule : code_rules()) rules += rule.result > 0xff ? 1 : 0;
    CHECK(rules == extended);
}

TEST_CASE("sqlite errors: every rule has a state of five characters and stands once") {
    std::set<int> seen;
    for (const CodeRule& rule : code_rules()) {
        CAPTURE(rule.result);
        CHECK(rule.sqlstate.size() == 5);
        CHECK(seen.insert(rule.result).second);
    }
}

TEST_CASE("sqlite errors: an unknown extended code falls back to its primary code") {
    CHECK(rule_of(SQLITE_CONSTRAINT | (200 << 8)).code == Code::constraint);
    CHECK(rule_of(77).code == Code::sql_error);
    CHECK(rule_of(SQLITE_BUSY_SNAPSHOT).code == Code::serialization);
    CHECK(rule_of(SQLITE_CONSTRAINT_UNIQUE).sqlstate == "23505");
}

TEST_CASE("sqlite errors: the operating system's reason is more precise than an i/o error") {
    CHECK(engine_error(SQLITE_IOERR_WRITE, "disk i/o error", EFBIG).code() == Code::disk_full);
    CHECK(engine_error(SQLITE_CANTOPEN, "unable to open", EACCES).code() == Code::permission);
    CHECK(engine_error(SQLITE_CANTOPEN, "unable to open", EMFILE).code() == Code::limit);
    CHECK(engine_error(SQLITE_IOERR_READ, "disk i/o error", EIO).code() == Code::io);
    CHECK(engine_error(SQLITE_ERROR, "x", EFBIG).code() == Code::sql_error);
}
