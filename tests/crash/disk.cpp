// SPDX-License-Identifier: MIT
// The disk is full in the middle of each kind of write: a typed error that tells its effect truly, earlier data whole,
// and once there is room again the same call works.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "harness.hpp"

using namespace harness;

namespace {

class Disk {
public:
    virtual ~Disk() = default;
    virtual std::string path() const = 0;
    virtual void fill(int64_t left_bytes) = 0;
    virtual void make_room() = 0;
};

// A file system of its own, in this process's mount namespace only.
class SmallDisk final : public Disk {
public:
    static bool mount_at(const std::string& path) {
        if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
        return mount("mtdb", path.c_str(), "tmpfs", 0, "size=6m,mode=0777") == 0;
    }
    explicit SmallDisk(std::string path) : path_(std::move(path)) { mkdir((path_ + "/root").c_str(), 0700); }
    std::string path() const override { return path_ + "/root"; }
    void fill(int64_t left_bytes) override {
        const auto free_bytes = static_cast<int64_t>(std::filesystem::space(path_).available);
        if (free_bytes <= left_bytes) return;
        write_file(path_ + "/ballast", std::string(static_cast<std::size_t>(free_bytes - left_bytes), 'b'));
    }
    void make_room() override { unlink((path_ + "/ballast").c_str()); }

private:
    std::string path_;
};

// No file may become larger than a bound: what a quota does, and needs no privilege.
class BoundedFiles final : public Disk {
public:
    BoundedFiles() { std::signal(SIGXFSZ, SIG_IGN); }
    std::string path() const override { return folder_.path(); }
    void fill(int64_t left_bytes) override {
        int64_t largest = 0;
        for (const auto& entry : std::filesystem::directory_iterator(path()))
            if (entry.is_regular_file() && left_bytes > 0 && entry.path().extension() != ".db-shm")
                largest = std::max(largest, static_cast<int64_t>(entry.file_size()));
        set(static_cast<rlim_t>(largest + left_bytes));
    }
    void make_room() override { set(RLIM_INFINITY); }

private:
    static void set(rlim_t bytes) {
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = std::min(bytes, limit.rlim_max);
        check(setrlimit(RLIMIT_FSIZE, &limit) == 0, "cannot set RLIMIT_FSIZE");
    }
    Folder folder_;
};

const std::string insert = "INSERT INTO t(mark, pad) VALUES('a', randomblob(60000))";

void must_be_full(const Answer& answer) { must_be_one_of({MTDB_DISK_FULL, MTDB_IO}, answer); }

// Rows and health, seen by a fresh connection.
void must_hold(mtdb_db* db, const std::string& tenant, int64_t rows) {
    check(int_in(db, tenant, "SELECT count(*) FROM t WHERE mark='a' AND length(pad)>0") == rows,
          "rows were lost or appeared");
    check(text_in(db, tenant, "PRAGMA integrity_check") == "ok", "the file is damaged");
}

Db with_tenant(const Disk& disk) {
    Db db = open_db(disk.path());
    must(create(db.get(), "full"));
    must(exec(db.get(), "full", "CREATE TABLE t(id INTEGER PRIMARY KEY, mark TEXT, pad BLOB)"));
    return db;
}

void single_writes(Disk& disk) {
    const Db db = with_tenant(disk);
    must(exec(db.get(), "full", insert));
    disk.fill(300000);
    int64_t rows = 1;
    Answer answer = exec(db.get(), "full", insert);
    for (; answer.ok() && rows < 100; ++rows) answer = exec(db.get(), "full", insert);
    must_be_full(answer);
    check(rows > 1, "not one write fitted");
    const int64_t held = int_in(db.get(), "full", "SELECT count(*) FROM t");
    check(held == rows || (answer.effect == MTDB_EFFECT_UNKNOWN && held == rows + 1),
          std::to_string(rows) + " writes were acknowledged, there are " + std::to_string(held) + "; " + answer.text());
    check(answer.status != MTDB_DISK_FULL || answer.untouched(), answer.text());
    disk.make_room();
    must(exec(db.get(), "full", insert));
    must_hold(db.get(), "full", held + 1);
}

void long_transaction(Disk& disk) {
    const Db db = with_tenant(disk);
    must(exec(db.get(), "full", insert));
    disk.fill(300000);
    const Conn conn = lease(db.get(), "full");
    must(begin(conn.get()));
    Answer answer;
    for (int i = 0; i < 100 && answer.ok(); ++i) answer = exec(conn.get(), insert);  // more than the page cache holds
    must_be_full(answer);
    check(answer.untouched(), answer.text());
    must_be_one_of({MTDB_TX_LOST, MTDB_DISK_FULL, MTDB_IO}, exec(conn.get(), insert));
    must(rollback(conn.get()));
    disk.make_room();
    must(exec(conn.get(), insert));
    must(give_back(conn.get()));
    must_hold(db.get(), "full", 2);
}

void commit_of_a_transaction(Disk& disk) {
    const Db db = with_tenant(disk);
    must(exec(db.get(), "full", insert));
    const Conn conn = lease(db.get(), "full");
    must(begin(conn.get()));
    for (int i = 0; i < 5; ++i) must(exec(conn.get(), insert));
    disk.fill(30000);
    const Answer answer = commit(conn.get());
    must_be_full(answer);
    check(answer.status != MTDB_DISK_FULL || answer.untouched(), answer.text());
    must_be(MTDB_TX_LOST, exec(conn.get(), insert));
    must(rollback(conn.get()));
    disk.make_room();
    const int64_t held = int_in(db.get(), "full", "SELECT count(*) FROM t");
    check(held == 1 || (answer.effect == MTDB_EFFECT_UNKNOWN && held == 6),
          std::to_string(held) + " rows after " + answer.text());
    must(exec(conn.get(), insert));
    must(give_back(conn.get()));
    must_hold(db.get(), "full", held + 1);
}

void migration(Disk& disk) {
    const Db db = open_db(disk.path());
    must(create(db.get(), "full"));
    const Migrator migrator = new_migrator(db.get());
    add_script(migrator.get(), 1, "CREATE TABLE first(v);INSERT INTO first VALUES(1)");
    add_script(migrator.get(), 2, "CREATE TABLE second(v)");
    add_script(migrator.get(), 3,
               "CREATE TABLE large(pad);INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
               "WHERE i<40)"
               " SELECT randomblob(10000) FROM n;CREATE INDEX large_pad ON large(pad)");
    int64_t applied = -1;
    must(migrate(migrator.get(), "full", "1", &applied));
    disk.fill(200000);
    const Answer answer = migrate(migrator.get(), "full", "latest", &applied);
    must_be_full(answer);
    check(applied == 1, std::to_string(applied) + " scripts are said to be applied");
    check(answer.effect == MTDB_EFFECT_COMMITTED || answer.status == MTDB_IO,
          "the second script is committed: " + answer.text());
    check(text_in(db.get(), "full",
                  "SELECT group_concat(name) FROM sqlite_master WHERE name IN ('first','second','large')") ==
              "first,second",
          "half a script was committed");
    check(text_in(db.get(), "full", "SELECT group_concat(version) FROM flyway_schema_history") == "1,2",
          "the history is wrong");
    disk.make_room();
    must(migrate(migrator.get(), "full", "latest", &applied));
    check(applied == 1, "the third script did not run");
    check(int_in(db.get(), "full", "SELECT count(*) FROM large") == 40, "the third script is not whole");
    check(text_in(db.get(), "full", "PRAGMA integrity_check") == "ok", "the file is damaged");
}

void new_tenants(Disk& disk) {
    const Db db = with_tenant(disk);
    for (int i = 0; i < 20; ++i) must(exec(db.get(), "full", insert));
    disk.fill(0);
    must_be_full(create(db.get(), "late"));
    check(!exists(db.get(), "late"), "a tenant is there that could not be created");
    const auto copy = [&] {
        return ask([&](mtdb_error** err) {
            return mtdb_tenant_copy(db.get(), "full", -1, "copy", -1, plenty_ms, nullptr, err);
        });
    };
    must_be_full(copy());
    check(!exists(db.get(), "copy"), "a tenant is there that could not be copied");
    disk.make_room();
    for (const auto& entry : std::filesystem::directory_iterator(disk.path()))
        check(!entry.path().filename().string().starts_with(".mtdb-"), "a failed create left " + entry.path().string());
    must(create(db.get(), "late"));
    must(ping(db.get(), "late"));
    must(copy());
    must_hold(db.get(), "copy", 20);
}

struct Case {
    const char* name;
    void (*body)(Disk&);
};
constexpr Case cases[] = {
    {"single writes survive a full disk", single_writes},
    {"a transaction that fills the disk leaves nothing", long_transaction},
    {"a commit that fills the disk leaves all or nothing", commit_of_a_transaction},
    {"a migration that fills the disk leaves whole scripts", migration},
    {"a tenant is not half-created on a full disk", new_tenants},
};

bool can_mount(const std::string& path) {
    const pid_t child = fork();
    if (child == 0) _exit(SmallDisk::mount_at(path) ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
}

}  // namespace

int main() {
    seed("crash.disk");
    const Folder place;
    // A mount needs root or a user namespace: where neither may be had, bounded files stand alone.
    const bool mountable = can_mount(place.path());
    if (!mountable) std::printf("a small file system cannot be mounted here: only bounded files are tested\n");
    for (const Case& each : cases) {
        test(std::string(each.name) + " (bounded files)", [&] {
            in_child(
                [&] {
                    BoundedFiles disk;
                    each.body(disk);
                    check(live_handles() == 0, "handles are left over");
                },
                Ending::handlers);
        });
        if (!mountable) continue;
        test(std::string(each.name) + " (small file system)", [&] {
            in_child(
                [&] {
                    check(SmallDisk::mount_at(place.path()), "no mount");
                    SmallDisk disk(place.path());
                    each.body(disk);
                    check(live_handles() == 0, "handles are left over");
                },
                Ending::handlers);
        });
    }
    return summary();
}
