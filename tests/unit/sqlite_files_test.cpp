// SPDX-License-Identifier: MIT
#include "backends/sqlite/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <thread>

#include "backends/sqlite/provision.hpp"
#include "sqlite_fixture.hpp"

using namespace sqlite_test;
using namespace mtdb::backends::sqlite;

namespace {

Code code_of_open(Folder& folder, const std::string& path) {
    return error_of([&] { folder.open(path); }).code();
}

}  // namespace

TEST_CASE("sqlite files: nothing outside the root is opened") {
    Folder folder;
    folder.make("a.db");
    fs::copy(folder.root / "a.db", folder.outside() / "b.db");
    fs::create_directory(folder.outside() / "sub");
    fs::copy(folder.root / "a.db", folder.outside() / "sub" / "c.db");

    CHECK(code_of_open(folder, "../b.db") == Code::permission);
    CHECK(code_of_open(folder, "x/../../b.db") == Code::permission);
    CHECK(code_of_open(folder, (folder.outside() / "b.db").string()) == Code::permission);
    CHECK(code_of_open(folder, std::string("a.db\0.db", 8)) == Code::invalid_argument);
    CHECK(code_of_open(folder, "") == Code::invalid_argument);
    CHECK(code_of_open(folder, ".") == Code::invalid_argument);
    CHECK(code_of_open(folder, "./a.db") == Code::invalid_argument);
    CHECK(code_of_open(folder, "a.db/") == Code::invalid_argument);

    fs::create_symlink(folder.outside() / "b.db", folder.root / "link.db");
    CHECK(code_of_open(folder, "link.db") == Code::permission);
    fs::create_symlink("a.db", folder.root / "inner.db");
    CHECK(code_of_open(folder, "inner.db") == Code::permission);
    fs::create_directory_symlink(folder.outside() / "sub", folder.root / "dir");
    CHECK(code_of_open(folder, "dir/c.db") == Code::permission);
    fs::create_symlink("nowhere", folder.root / "dangling.db");
    CHECK(code_of_open(folder, "dangling.db") == Code::permission);

    fs::create_hard_link(folder.outside() / "b.db", folder.root / "hard.db");
    CHECK(code_of_open(folder, "hard.db") == Code::permission);
    REQUIRE(mkfifo((folder.root / "fifo.db").c_str(), 0600) == 0);
    CHECK(code_of_open(folder, "fifo.db") == Code::permission);
    fs::create_directory(folder.root / "folder.db");
    CHECK(code_of_open(folder, "folder.db") == Code::permission);
}

TEST_CASE("sqlite files: a side file that is a link or has a second name is not followed") {
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
        CAPTURE(suffix);
        Folder folder;
        folder.make("a.db");
        const fs::path victim = folder.outside() / "victim";
        std::ofstream(victim) << "precious";
        fs::create_symlink(victim, folder.root / (std::string("a.db") + suffix));
        CHECK(code_of_open(folder, "a.db") == Code::permission);
        fs::remove(folder.root / (std::string("a.db") + suffix));
        fs::create_hard_link(victim, folder.root / (std::string("a.db") + suffix));
        CHECK(code_of_open(folder, "a.db") == Code::permission);
        CHECK(fs::file_size(victim) == 8);
    }
}

TEST_CASE("sqlite files: creating and dropping stay below the root, too") {
    Folder folder;
    fs::create_directory(folder.outside() / "sub");
    fs::create_directory_symlink(folder.outside() / "sub", folder.root / "dir");
    CHECK(error_of([&] { folder.backend->create({"../x.db"}, forever); }).code() ==
          Code::permission);
    CHECK(error_of([&] { folder.backend->create({"dir/x.db"}, forever); }).code() ==
          Code::permission);
    CHECK(error_of([&] { folder.backend->create({"dir/deep/x.db"}, forever); }).code() ==
          Code::permission);
    CHECK(error_of([&] { folder.backend->create({"a.db-wal"}, forever); }).code() ==
          Code::invalid_argument);
    CHECK(error_of([&] { folder.backend->create({".hidden"}, forever); }).code() ==
          Code::invalid_argument);
    CHECK(error_of([&] { folder.backend->create({std::string(300, 'x')}, forever); }).code() ==
          Code::limit);
    CHECK(fs::is_empty(folder.outside() / "sub"));
    fs::create_symlink(folder.outside() / "sub", folder.root / "link.db");
    CHECK(error_of([&] { folder.backend->create({"link.db"}, forever); }).code() == Code::exists);
    CHECK(error_of([&] { folder.backend->drop({"link.db"}, forever); }).code() == Code::permission);
    CHECK(error_of([&] { folder.backend->exists({"link.db"}, {}); }).code() == Code::permission);
}

TEST_CASE("sqlite files: an absolute place needs the option, and is held as closely") {
    Folder folder{{"route.outside", "true"}};
    const std::string path = (folder.outside() / "elsewhere.db").string();
    folder.backend->create({path}, forever);
    CHECK(folder.backend->exists({path}, {}));
    CHECK(ask(*folder.open(path), "SELECT 1") == "1");
    fs::create_symlink(path, folder.outside() / "link.db");
    CHECK(code_of_open(folder, (folder.outside() / "link.db").string()) == Code::permission);
    CHECK(code_of_open(folder, std::string("/tmp/a\0b", 8)) == Code::invalid_argument);
    CHECK(code_of_open(folder, "../elsewhere.db") == Code::permission);
    folder.backend->drop({path}, forever);
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("sqlite files: the root itself may be a link") {
    Folder folder;
    folder.make("a.db");
    fs::create_directory_symlink(folder.root, folder.outside() / "alias");
    const auto backend =
        mtdb::backends::sqlite::make({"sqlite", (folder.outside() / "alias").string()}, Settings());
    CHECK(backend->open({"a.db"}, forever) != nullptr);
}

TEST_CASE("sqlite files: a folder that is not there is not found") {
    const auto open = [](const char* path) {
        return error_of([&] { mtdb::backends::sqlite::make({"sqlite", path}, Settings()); }).code();
    };
    CHECK(open("/nonexistent/folder") == Code::not_found);
    CHECK(open("/dev/null") == Code::not_found);
    CHECK(open("") == Code::invalid_argument);
}

TEST_CASE("sqlite files: a folder that vanished is unavailable, and serves again when it is back") {
    Folder folder;
    folder.make("a.db");
    const fs::path moved = folder.outside() / "moved";
    fs::rename(folder.root, moved);
    CHECK(code_of_open(folder, "a.db") == Code::unavailable);
    CHECK(error_of([&] { folder.backend->create({"b.db"}, forever); }).code() == Code::unavailable);
    CHECK(error_of([&] { folder.backend->list({}); }).code() == Code::unavailable);
    fs::create_directory(folder.root);
    CHECK(code_of_open(folder, "b.db") == Code::unavailable);
    fs::remove(folder.root);
    fs::rename(moved, folder.root);
    CHECK(folder.open("a.db") != nullptr);
}

TEST_CASE("sqlite files: a bad file fails when it is opened") {
    Folder folder;
    folder.write("empty.db", "");
    folder.write("text.db", std::string(8192, 'x'));
    folder.write("short.db", "SQLite format 3");
    {
        const auto connection = folder.make("cut.db");
        run(*connection, "CREATE TABLE t(x)");
        run(*connection, "INSERT INTO t VALUES(zeroblob(100000))");
    }
    fs::resize_file(folder.root / "cut.db", 5000);
    for (const char* path : {"empty.db", "text.db", "short.db", "cut.db"}) {
        CAPTURE(path);
        CHECK(code_of_open(folder, path) == Code::corrupt);
    }
    CHECK(code_of_open(folder, "ghost.db") == Code::tenant_unknown);
    CHECK(code_of_open(folder, "no/such/folder.db") == Code::tenant_unknown);
    CHECK_FALSE(fs::exists(folder.root / "ghost.db"));
}

TEST_CASE("sqlite files: a file that must not be read is a permission error") {
    if (geteuid() == 0) return;  // root reads everything
    Folder folder;
    folder.make("a.db");
    fs::permissions(folder.root / "a.db", fs::perms::none);
    CHECK(code_of_open(folder, "a.db") == Code::permission);
}

TEST_CASE("sqlite files: the walk by components refuses what openat2 refuses") {
    Folder folder;
    fs::create_directories(folder.root / "x" / "y");
    folder.write("x/y/f", "1");
    fs::create_directory_symlink("x", folder.root / "l");
    fs::create_symlink("f", folder.root / "x" / "y" / "g");
    const Fd root(open(folder.root.c_str(), O_PATH | O_DIRECTORY));
    for (const auto opener : {&open_beneath, &open_by_component}) {
        CHECK(Fd(opener(root.get(), "x/y/f", O_RDONLY, 0)));
        CHECK_FALSE(Fd(opener(root.get(), "l/y/f", O_RDONLY, 0)));
        CHECK(errno == ELOOP);
        CHECK_FALSE(Fd(opener(root.get(), "x/y/g", O_RDONLY, 0)));
        CHECK(errno == ELOOP);
        CHECK_FALSE(Fd(opener(root.get(), "x/../../root/x/y/f", O_RDONLY, 0)));
        CHECK(errno == EXDEV);
        CHECK_FALSE(Fd(opener(root.get(), "x/z/f", O_RDONLY, 0)));
        CHECK(errno == ENOENT);
    }
}

TEST_CASE("sqlite files: a name is found in exactly its case") {
    Folder folder;
    folder.write("Acme.db", "x");
    const Fd root(open(folder.root.c_str(), O_RDONLY | O_DIRECTORY));
    CHECK(lists_name(root.get(), "Acme.db"));
    CHECK_FALSE(lists_name(root.get(), "acme.db"));
}

TEST_CASE("sqlite files: a listing walks the template's folders and skips what is no tenant") {
    Folder folder{{"tenant.path", "{hash:2}/{id}.db"}};
    for (const char* path : {"ab/one.db", "ab/two.db", "cd/three.db"})
        folder.backend->create({path}, forever);
    const auto open = folder.open("ab/one.db");
    run(*open, "CREATE TABLE t(x)");
    folder.write("top.db", "x");
    folder.write("ab/.mtdb-new-1", "x");
    fs::create_directory(folder.root / "ab" / "deeper");
    folder.write("ab/deeper/four.db", "x");
    fs::create_symlink("one.db", folder.root / "ab" / "link.db");
    CHECK(all(*folder.backend->list({})) ==
          std::vector<std::string>{"ab/one.db", "ab/two.db", "cd/three.db"});
    CHECK((fs::status(folder.root / "ab").permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("sqlite files: twenty threads create one place once") {
    Folder folder{{"tenant.path", "{hash:1}/{id}.db"}};
    std::atomic<int> made{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i)
        threads.emplace_back([&] {
            try {
                folder.backend->create({"a/x.db"}, forever);
                ++made;
            } catch (const Error& error) {
                if (error.code() == Code::exists) ++refused;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(made == 1);
    CHECK(refused == 19);
    CHECK(std::distance(fs::directory_iterator(folder.root / "a"), {}) == 1);
}

TEST_CASE("sqlite files: creates and drops of one name leave a whole file or none") {
    Folder folder;
    std::atomic<int> created{0};
    std::atomic<int> dropped{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < 20; ++round) {
                try {
                    if (i % 2 == 0)
                        folder.backend->create({"x.db"}, forever), ++created;
                    else
                        folder.backend->drop({"x.db"}, forever), ++dropped;
                } catch (const Error& error) {
                    if (error.code() != Code::exists && error.code() != Code::tenant_unknown)
                        ++wrong;
                }
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(created - dropped == (fs::exists(folder.root / "x.db") ? 1 : 0));
    CHECK(std::distance(fs::directory_iterator(folder.root), {}) == (created - dropped));
}

TEST_CASE("sqlite files: a new tenant never meets the log of an older one") {
    Folder folder;
    {
        const auto connection = folder.make("a.db");
        run(*connection, "CREATE TABLE secret(x)");
        run(*connection, "INSERT INTO secret VALUES('old')");
        for (const char* suffix : {"-wal", "-shm"})
            fs::copy(folder.root / (std::string("a.db") + suffix),
                     folder.outside() / (std::string("kept") + suffix));
    }
    folder.backend->drop({"a.db"}, forever);
    CHECK(fs::is_empty(folder.root));
    for (const char* suffix : {"-wal", "-shm"})
        fs::copy(folder.outside() / (std::string("kept") + suffix),
                 folder.root / (std::string("a.db") + suffix));
    folder.write("a.db-journal", "old");
    const auto connection = folder.make("a.db");
    CHECK(ask(*connection, "SELECT count(*) FROM sqlite_master") == "0");
    CHECK_FALSE(fs::exists(folder.root / "a.db-journal"));
}

TEST_CASE("sqlite files: what killed processes left behind is removed a day after, not before") {
    Folder folder;
    folder.make("a.db");
    for (const char* name : {".mtdb-new-1", ".mtdb-new-1-journal", ".mtdb-dropped-2", ".other"})
        folder.write(name, "x");
    folder.backend->create({"b.db"}, forever);
    const Fd root(open(folder.root.c_str(), O_RDONLY | O_DIRECTORY));
    const auto count = [&] { return std::distance(fs::directory_iterator(folder.root), {}); };
    sweep_leftovers(root.get(), std::time(nullptr) + 23 * 60 * 60);
    CHECK(count() == 6);
    sweep_leftovers(root.get(), std::time(nullptr) + 25 * 60 * 60);
    CHECK(count() == 3);
    CHECK(fs::exists(folder.root / ".other"));
}

TEST_CASE("sqlite files: a lock that another holds is waited for until the deadline") {
    Folder folder;
    const Root root = Root::resolve(folder.root.string());
    const Fd held = root.lock(forever);
    const Wait wait{Deadline::in(5ms)};
    CHECK(error_of([&] { folder.backend->create({"a.db"}, wait); }).code() == Code::timeout);
    CHECK(std::distance(fs::directory_iterator(folder.root), {}) == 0);
}
