// SPDX-License-Identifier: MIT
// Files that are damaged, folders that are read-only or gone, descriptors that are used up: a typed error, nothing
// lost, and the next call works.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

constexpr uid_t nobody = 65534;

// A tenant of many pages, whole in its file.
void make_tenant(const std::string& root, const std::string& name) {
    const Db db = open_db(root);
    must(create(db.get(), name));
    must(exec(db.get(), name, "CREATE TABLE t(id INTEGER PRIMARY KEY, pad TEXT)"));
    must(exec(db.get(), name,
              "INSERT INTO t(pad) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200)"
              " SELECT hex(randomblob(500)) FROM n"));
    must(close_db(db.get()));
}

// Damaged: CORRUPT for it, wherever that comes to light, and no harm to its neighbour.
void must_be_corrupt(const std::string& root, const std::string& name) {
    const Db db = open_db(root);
    std::string out;
    const Answer read = query(db.get(), name, "SELECT sum(length(pad)) FROM t", out);
    must_be(MTDB_CORRUPT, read);
    check(read.effect == MTDB_EFFECT_NONE, read.text());
    const Answer written = exec(db.get(), name, "UPDATE t SET pad = pad || 'x'");
    must_be(MTDB_CORRUPT, written);
    check(written.untouched(), written.text());
    check(int_in(db.get(), "healthy", "SELECT count(*) FROM t") == 200, "the neighbour suffers");
    must(close_db(db.get()));
}

void damaged_files() {
    const Folder root;
    make_tenant(root.path(), "healthy");
    make_tenant(root.path(), "victim");
    const std::string whole = read_file(root / "victim.db");
    const auto test_bytes = [&](const char* name, const std::string& bytes) {
        test(name, [&] {
            write_file(root / "victim.db", bytes);
            must_be_corrupt(root.path(), "victim");
            check(read_file(root / "victim.db") == bytes, "a damaged file was written to");
            write_file(root / "victim.db", whole);
            const Db db = open_db(root.path());
            check(int_in(db.get(), "victim", "SELECT count(*) FROM t") == 200, "the restored file is not read");
        });
    };
    test_bytes("an empty file is CORRUPT", "");
    test_bytes("half a page is CORRUPT", whole.substr(0, 2048));
    test_bytes("half of the pages are CORRUPT", whole.substr(0, whole.size() / 8192 * 4096));
    test_bytes("a text file is CORRUPT", std::string(20000, 'x'));
    std::string scrambled = whole;
    for (std::size_t at = 4096; at + 64 < scrambled.size(); at += 512)
        scrambled.replace(at, 64, std::string(64, '\xa5'));
    test_bytes("scrambled pages are CORRUPT", scrambled);
}

// A user that may only read: in a child, because there is no way back from it.
void as_reader(const Folder& root, const std::function<void()>& body) {
    chmod(root.path().c_str(), 0555);
    for (const auto& entry : std::filesystem::directory_iterator(root.path())) chmod(entry.path().c_str(), 0444);
    in_child([&] {
        if (getuid() == 0) {
            check(setgid(nobody) == 0 && setuid(nobody) == 0, "cannot become nobody");
        }
        body();
    });
    chmod(root.path().c_str(), 0755);
    for (const auto& entry : std::filesystem::directory_iterator(root.path())) chmod(entry.path().c_str(), 0644);
}

void read_only_folder() {
    const Folder root;
    make_tenant(root.path(), "tenant");
    as_reader(root, [&] {
        const Db db = open_db(root.path());
        must_be_one_of({MTDB_PERMISSION, MTDB_READ_ONLY}, create(db.get(), "other"));
        must_be_one_of({MTDB_PERMISSION, MTDB_READ_ONLY}, exec(db.get(), "tenant", "INSERT INTO t(pad) VALUES('x')"));
        must(close_db(db.get()));
        check(live_handles() == 1, "handles are left over");
    });
    const Db db = open_db(root.path());
    check(!exists(db.get(), "other"), "a tenant was made in a read-only folder");
    check(int_in(db.get(), "tenant", "SELECT count(*) FROM t") == 200, "rows were lost");
    must(exec(db.get(), "tenant", "INSERT INTO t(pad) VALUES('x')"));
}

void vanished_folder() {
    const Folder place;
    const std::string root = place / "root";
    const std::string away = place / "away";
    mkdir(root.c_str(), 0700);
    make_tenant(root, "tenant");
    const Db db = open_db(root, {{"pool.idle_max", "0"}});  // each lease opens its file
    must(exec(db.get(), "tenant", "INSERT INTO t(pad) VALUES('before')"));
    const Conn held = lease(db.get(), "tenant");
    check(rename(root.c_str(), away.c_str()) == 0, "cannot rename");
    must_be(MTDB_UNAVAILABLE, ping(db.get(), "tenant"));
    must_be(MTDB_UNAVAILABLE, create(db.get(), "other"));
    Conn conn;
    must_be(MTDB_UNAVAILABLE, acquire(db.get(), "other", conn));
    // What was open may go on or fail, but not pretend.
    const Answer written = exec(held.get(), "INSERT INTO t(pad) VALUES('during')");
    must_be_one_of({MTDB_OK, MTDB_IO, MTDB_READ_ONLY, MTDB_UNAVAILABLE}, written);
    mkdir(root.c_str(), 0700);
    must_be(MTDB_UNAVAILABLE, ping(db.get(), "tenant"));  // another folder of that name is not the same
    rmdir(root.c_str());
    check(rename(away.c_str(), root.c_str()) == 0, "cannot rename back");
    must(give_back(held.get()));
    must(ping(db.get(), "tenant"));
    must(create(db.get(), "other"));
    const int64_t during = int_in(db.get(), "tenant", "SELECT count(*) FROM t WHERE pad='during'");
    check(during == (written.ok() ? 1 : 0), "the write during the absence was answered wrongly: " + written.text());
    check(int_in(db.get(), "tenant", "SELECT count(*) FROM t WHERE pad='before'") == 1, "a row was lost");
}

void removed_file() {
    const Folder root;
    make_tenant(root.path(), "tenant");
    const std::string whole = read_file(root / "tenant.db");
    const Db db = open_db(root.path(), {{"pool.idle_max", "0"}});
    must(ping(db.get(), "tenant"));
    std::filesystem::remove(root / "tenant.db");
    must_be(MTDB_TENANT_UNKNOWN, ping(db.get(), "tenant"));
    must_be(MTDB_TENANT_UNKNOWN, exec(db.get(), "tenant", "SELECT 1"));
    write_file(root / "tenant.db", whole);
    check(int_in(db.get(), "tenant", "SELECT count(*) FROM t") == 200, "the restored file is not read");
}

// Takes every descriptor but `left`, by which the library cannot know that they are gone.
std::vector<int> take_descriptors(int left) {
    std::vector<int> taken;
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
    for (; left > 0 && !taken.empty(); --left) {
        close(taken.back());
        taken.pop_back();
    }
    return taken;
}

void used_up_descriptors() {
    const Folder root;
    for (int i = 0; i < 4; ++i) make_tenant(root.path(), "tenant" + std::to_string(i));
    in_child(
        [&] {
            const rlimit limit{200, 200};
            check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "cannot set RLIMIT_NOFILE");
            for (int left = 0; left <= 8; ++left) {
                const Db db = open_db(root.path());
                const std::vector<int> taken = take_descriptors(left);
                std::vector<Conn> held(4);
                int failures = 0;
                for (int i = 0; i < 4; ++i) {
                    const Answer answer =
                        acquire(db.get(), "tenant" + std::to_string(i), held[static_cast<std::size_t>(i)]);
                    if (!answer.ok()) ++failures;
                    must_be_one_of({MTDB_OK, MTDB_LIMIT, MTDB_UNAVAILABLE, MTDB_IO, MTDB_POOL_EXHAUSTED}, answer);
                    if (!answer.ok()) check(answer.effect == MTDB_EFFECT_NONE, answer.text());
                    must_be_one_of({MTDB_OK, MTDB_LIMIT, MTDB_UNAVAILABLE, MTDB_IO, MTDB_POOL_EXHAUSTED},
                                   exec(db.get(), "tenant" + std::to_string(i), "INSERT INTO t(pad) VALUES('x')"));
                }
                check(failures > 0, "4 files were opened with " + std::to_string(left) + " descriptors");
                const Answer made = create(db.get(), "late" + std::to_string(left));
                must_be_one_of({MTDB_OK, MTDB_LIMIT, MTDB_UNAVAILABLE, MTDB_IO}, made);
                for (const int fd : taken) close(fd);
                check(exists(db.get(), "late" + std::to_string(left)) == made.ok(), "half-created");
                held.clear();
                for (int i = 0; i < 4; ++i) {
                    must(exec(db.get(), "tenant" + std::to_string(i), "INSERT INTO t(pad) VALUES('after')"));
                    check(text_in(db.get(), "tenant" + std::to_string(i), "PRAGMA integrity_check") == "ok", "damaged");
                }
                must(close_db(db.get()));
            }
            check(live_handles() == 0, "handles are left over");
        },
        Ending::handlers);
}

int open_descriptors() {
    int open = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) open += entry.exists() ? 1 : 0;
    return open;
}

void budget_of_descriptors() {
    const Folder root;
    for (int i = 0; i < 40; ++i) {
        const Db db = open_db(root.path());
        must(create(db.get(), "tenant" + std::to_string(i)));
    }
    const int before = open_descriptors();
    const Db db = open_db(root.path(), {{"files_max", "30"}});
    std::vector<Conn> held;
    Answer answer;
    while (held.size() < 40) {
        Conn conn;
        answer = acquire(db.get(), "tenant" + std::to_string(held.size()), conn, 50);
        if (!answer.ok()) break;
        must(exec(conn.get(), "CREATE TABLE t(v)"));
        held.push_back(std::move(conn));
    }
    must_be(MTDB_POOL_EXHAUSTED, answer);
    check(answer.limit == "files_max", "the limit is named '" + answer.limit + "'");
    check(held.size() >= 5, std::to_string(held.size()) + " leases fitted");
    check(open_descriptors() - before <= 32, std::to_string(open_descriptors() - before) + " descriptors are open");
    must(give_back(held.back().get()));
    held.pop_back();
    Conn conn;
    must(acquire(db.get(), "tenant39", conn));
    must(exec(conn.get(), "CREATE TABLE t(v)"));
}

}  // namespace

int main() {
    seed("crash.files");
    damaged_files();
    test("a read-only folder is refused and not harmed", read_only_folder);
    test("a folder that vanishes is UNAVAILABLE until it is back", vanished_folder);
    test("a file that vanishes is TENANT_UNKNOWN until it is back", removed_file);
    test("a process without descriptors gets typed errors and works again", used_up_descriptors);
    test("the descriptor budget is kept and named", budget_of_descriptors);
    test("nothing is left over", [] { check(live_handles() == 0, std::to_string(live_handles()) + " handles"); });
    return summary();
}
