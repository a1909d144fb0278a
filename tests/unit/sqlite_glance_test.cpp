// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sqlite_fixture.hpp"

using namespace sqlite_test;

namespace {

// As if nobody had written for an hour.
void age(const std::string& file) {
    struct stat info {};
    REQUIRE(stat(file.c_str(), &info) == 0);
    const timespec times[2] = {info.st_atim, {info.st_mtim.tv_sec - 3600, 0}};
    REQUIRE(utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

std::string make_resting(Folder& folder, const char* name) {
    {
        const auto connection = folder.make(name);
        run(*connection, "CREATE TABLE t(x)");
        run(*connection, "INSERT INTO t VALUES (7)");
    }
    const std::string file = (folder.root / name).string();
    age(file);
    return file;
}

}  // namespace

TEST_CASE("sqlite glance: a file that rests is read in either mode, and nothing appears beside it") {
    for (const char* journal : {"wal", "delete"}) {
        CAPTURE(journal);
        Folder folder{{"sqlite.journal", journal}};
        const std::string file = make_resting(folder, "a.db");
        const auto glance = folder.backend->glance({"a.db"}, forever);
        REQUIRE(glance);
        CHECK(ask(glance->connection(), "SELECT x FROM t") == "7");
        CHECK(error_of([&] { run(glance->connection(), "INSERT INTO t VALUES (8)"); }).code() == Code::read_only);
        CHECK_FALSE(fs::exists(file + "-wal"));
        CHECK_FALSE(fs::exists(file + "-shm"));
        CHECK(glance->held());
    }
}

TEST_CASE("sqlite glance: what stands in the log is never overlooked") {
    Folder folder;
    make_resting(folder, "a.db");
    const auto writer = folder.backend->open({"a.db"}, forever);
    run(*writer, "INSERT INTO t VALUES (8)");
    CHECK_FALSE(folder.backend->glance({"a.db"}, forever));
}

TEST_CASE("sqlite glance: a file with a log that was written lately is left to a lease") {
    Folder folder;
    { const auto connection = folder.make("a.db"); }
    CHECK_FALSE(folder.backend->glance({"a.db"}, forever));
}

TEST_CASE("sqlite glance: a commit meanwhile shows, in the log or written back") {
    Folder folder;
    make_resting(folder, "a.db");
    const auto glance = folder.backend->glance({"a.db"}, forever);
    REQUIRE(glance);
    CHECK(ask(glance->connection(), "SELECT x FROM t") == "7");
    auto writer = folder.backend->open({"a.db"}, forever);
    run(*writer, "INSERT INTO t VALUES (8)");
    CHECK_FALSE(glance->held());
    run(*writer, "PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK_FALSE(glance->held());
}

TEST_CASE("sqlite glance: another file in its place shows") {
    Folder folder;
    const std::string file = make_resting(folder, "a.db");
    make_resting(folder, "b.db");
    const auto glance = folder.backend->glance({"a.db"}, forever);
    REQUIRE(glance);
    fs::rename(folder.root / "b.db", file);
    CHECK_FALSE(glance->held());
}

TEST_CASE("sqlite glance: its end leaves the locks of other connections of the process alone") {
    Folder folder{{"sqlite.journal", "delete"}};
    const std::string file = make_resting(folder, "a.db");
    const auto writer = folder.backend->open({"a.db"}, forever);
    writer->begin({.read_only = false, .immediate = true}, forever);
    const auto locked_for_others = [&] {
        const pid_t child = fork();
        if (child == 0) {
            const int own = open(file.c_str(), O_RDWR);
            struct flock lock {};
            lock.l_type = F_WRLCK;
            lock.l_whence = SEEK_SET;
            lock.l_start = 0x40000001;  // SQLite's byte of those who will write
            lock.l_len = 1;
            _exit(own >= 0 && fcntl(own, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 1 : 0);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        return WEXITSTATUS(status) == 1;
    };
    REQUIRE(locked_for_others());
    {
        const auto glance = folder.backend->glance({"a.db"}, forever);
        REQUIRE(glance);
        CHECK(ask(glance->connection(), "SELECT x FROM t") == "7");
    }
    CHECK(locked_for_others());
    writer->rollback();
}

TEST_CASE("sqlite glance: a link is not followed, and what is not there has no look") {
    Folder folder{{"sqlite.journal", "delete"}};
    make_resting(folder, "a.db");
    fs::create_symlink(folder.root / "a.db", folder.root / "b.db");
    CHECK(error_of([&] { folder.backend->glance({"b.db"}, forever); }).code() == Code::permission);
    CHECK_FALSE(folder.backend->glance({"c.db"}, forever));
}
