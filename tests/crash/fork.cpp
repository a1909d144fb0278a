// SPDX-License-Identifier: MIT
// A fork in the middle of work: the child is refused, even for a fresh open, until it runs another program; the
// parent's work goes on and its data stays whole.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <thread>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

// One of each handle, in use.
struct Handles {
    Db db;
    Conn conn;
    Stmt stmt;
    Result result;
    Migrator migrator;
    Cancel cancel;

    explicit Handles(const std::string& root) : db(open_db(root)) {
        must(create(db.get(), "tenant"));
        migrator = new_migrator(db.get());
        add_script(migrator.get(), 1, "CREATE TABLE t(v)");
        add_script(migrator.get(), 2, "CREATE TABLE m(v)");
        must(migrate(migrator.get(), "tenant", "1"));
        must(exec(db.get(), "tenant", "INSERT INTO t VALUES(1),(2),(3)"));
        conn = lease(db.get(), "tenant");
        mtdb_stmt* prepared = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_stmt_prepare(conn.get(), "SELECT v FROM t WHERE v > ?", -1, plenty_ms, nullptr, &prepared, err);
        });
        stmt.reset(prepared);
        ok([&](mtdb_error** err) { return mtdb_stmt_bind_int64(prepared, 1, 0, err); });
        mtdb_result* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_stmt_execute(prepared, plenty_ms, nullptr, &made, err); });
        result.reset(made);
        ok([&](mtdb_error** err) { return mtdb_result_next(made, err); });
        cancel = new_cancel();
    }
};

// Every call that takes a handle which could do I/O.
#define FORKED(call) must_be(MTDB_FORKED, ask([&](mtdb_error** err) { return call; }))
void connections_must_be_forked(const Handles& own) {
    mtdb_db* const db = own.db.get();
    mtdb_conn* const conn = own.conn.get();
    mtdb_stmt* const stmt = own.stmt.get();
    mtdb_result* const result = own.result.get();
    alignas(8) char buf[4096];
    const int64_t cap = sizeof buf;
    int64_t number = 0;
    int64_t other = 0;
    int32_t small = 0;
    mtdb_result* out = nullptr;
    mtdb_conn* lease_out = nullptr;
    mtdb_stmt* stmt_out = nullptr;
    FORKED(mtdb_db_close(db, 0, nullptr, &number, err));
    FORKED(mtdb_db_ping(db, "tenant", -1, 0, nullptr, err));
    FORKED(mtdb_db_maintain(db, 0, err));
    FORKED(mtdb_db_request(db, 0, nullptr, &number, &small, buf, cap, &other, err));
    FORKED(mtdb_db_answer(db, 1, "x", -1, err));
    FORKED(mtdb_db_refuse(db, 1, "x", -1, err));
    FORKED(mtdb_db_acquire(db, "tenant", -1, nullptr, 0, nullptr, &lease_out, err));
    FORKED(mtdb_db_exec(db, "tenant", -1, "DELETE FROM t", -1, nullptr, 0, 0, nullptr, &number, err));
    FORKED(mtdb_db_query(db, "tenant", -1, "SELECT 1", -1, nullptr, 0, 0, nullptr, &out, err));
    FORKED(mtdb_tenant_check(db, "tenant", -1, err));
    FORKED(mtdb_tenant_create(db, "other", -1, 0, nullptr, err));
    FORKED(mtdb_tenant_exists(db, "tenant", -1, &small, err));
    FORKED(mtdb_tenant_list(db, 0, nullptr, &out, err));
    FORKED(mtdb_tenant_copy(db, "tenant", -1, "other", -1, 0, nullptr, err));
    FORKED(mtdb_tenant_drop(db, "tenant", -1, 0, nullptr, err));
    FORKED(mtdb_conn_tenant(conn, buf, cap, &number, err));
    FORKED(mtdb_conn_exec(conn, "DELETE FROM t", -1, nullptr, 0, 0, nullptr, &number, err));
    FORKED(mtdb_conn_query(conn, "SELECT 1", -1, nullptr, 0, 0, nullptr, &out, err));
    FORKED(mtdb_conn_exec_script(conn, "DELETE FROM t", -1, 0, nullptr, &number, err));
    FORKED(mtdb_conn_insert_id(conn, &number, err));
    FORKED(mtdb_conn_close(conn, err));
    FORKED(mtdb_stmt_prepare(conn, "SELECT 1", -1, 0, nullptr, &stmt_out, err));
    FORKED(mtdb_stmt_parameter_count(stmt, &small, err));
    FORKED(mtdb_stmt_bind_int64(stmt, 1, 1, err));
    FORKED(mtdb_stmt_clear(stmt, err));
    FORKED(mtdb_stmt_execute(stmt, 0, nullptr, &out, err));
    FORKED(mtdb_stmt_close(stmt, err));
    FORKED(mtdb_result_column_count(result, &small, err));
    FORKED(mtdb_result_column_name(result, 0, buf, cap, &number, err));
    FORKED(mtdb_result_fetch(result, buf, cap, 0, &number, &other, err));
    FORKED(mtdb_result_next(result, err));
    FORKED(mtdb_result_next_set(result, err));
    FORKED(mtdb_result_affected(result, &number, err));
    FORKED(mtdb_result_close(result, err));
}

void the_rest_must_be_forked(const Handles& own) {
    mtdb_db* const db = own.db.get();
    mtdb_conn* const conn = own.conn.get();
    mtdb_result* const result = own.result.get();
    mtdb_migrator* const migrator = own.migrator.get();
    alignas(8) char buf[4096];
    const int64_t cap = sizeof buf;
    int64_t number = 0;
    int64_t other = 0;
    int64_t third = 0;
    int32_t small = 0;
    mtdb_result* out = nullptr;
    mtdb_migrator* migrator_out = nullptr;
    FORKED(mtdb_tx_begin(conn, nullptr, 0, nullptr, err));
    FORKED(mtdb_tx_commit(conn, 0, nullptr, err));
    FORKED(mtdb_tx_rollback(conn, err));
    FORKED(mtdb_tx_savepoint(conn, "a", -1, err));
    FORKED(mtdb_tx_state(conn, &small, err));
    FORKED(mtdb_migrator_new(db, nullptr, &migrator_out, err));
    FORKED(mtdb_migrator_add(migrator, "2", -1, "x", -1, "SELECT 1", -1, nullptr, 0, err));
    FORKED(mtdb_migrator_enable(migrator, err));
    FORKED(mtdb_migrator_plan(migrator, "tenant", -1, "", 0, 0, nullptr, &out, err));
    FORKED(mtdb_migrator_migrate(migrator, "tenant", -1, "", 0, 0, nullptr, &number, err));
    FORKED(mtdb_migrator_undo(migrator, "tenant", -1, "empty", -1, 0, nullptr, &number, err));
    FORKED(mtdb_migrator_status(migrator, "tenant", -1, 0, nullptr, &out, err));
    FORKED(mtdb_migrator_validate(migrator, "tenant", -1, 0, nullptr, &out, err));
    FORKED(mtdb_migrator_run(migrator, "status", -1, "", 0, nullptr, 0, nullptr, 0, nullptr, &out, err));
    FORKED(mtdb_events_poll(db, 0, nullptr, buf, cap, &number, &other, &third, err));
    FORKED(mtdb_db_stats(db, &out, err));
    FORKED(mtdb_pool_stats(db, &out, err));
    FORKED(mtdb_tenant_stats(db, "tenant", -1, &out, err));
    check(mtdb_value_type(result, 0) == MTDB_TYPE_NULL && mtdb_value_int64(result, 0) == 0,
          "a cursor shows its parent's row");
}
#undef FORKED

void must_all_be_forked(const Handles& own) {
    connections_must_be_forked(own);
    the_rest_must_be_forked(own);
}

// Opening may be refused, or each use of what was opened.
void must_not_open(const std::string& root) {
    mtdb_db* made = nullptr;
    const Answer opened = ask([&](mtdb_error** err) { return mtdb_db_open(root.c_str(), -1, nullptr, &made, err); });
    const Db db(made);
    if (!opened.ok()) return must_be(MTDB_FORKED, opened);
    must_be(MTDB_FORKED, exec(db.get(), "tenant", "INSERT INTO t VALUES(99)"));
    must_be(MTDB_FORKED, ping(db.get(), "tenant"));
}

void must_open(const std::string& root) {
    const Db db = open_db(root);
    must(exec(db.get(), "tenant", "INSERT INTO t VALUES(7)"));
    must(close_db(db.get()));
}

// What a child releases it leaks on purpose; from here a leak checker can reach it.
const void* leaked[6];

void release_all(Handles& own) {
    const void* const all[] = {own.result.get(),   own.stmt.get(),   own.conn.get(),
                               own.migrator.get(), own.cancel.get(), own.db.get()};
    std::copy(std::begin(all), std::end(all), leaked);
    own.result.reset();
    own.stmt.reset();
    own.conn.reset();
    own.migrator.reset();
    own.cancel.reset();
    own.db.reset();
}

// Exits cleanly within a time, whatever the library's threads were doing.
void run_child(Handles& own, const std::string& root, Ending ending, bool releases) {
    in_child(
        [&] {
            must_all_be_forked(own);
            must_not_open(root);
            if (releases) release_all(own);
            must_not_open(root);
            // A grandchild has the same descriptors.
            in_child([&] { must_not_open(root); }, ending);
        },
        ending);
}

void busy_parent() {
    const Folder root;
    Handles own(root.path());
    const int64_t before = int_in(own.db.get(), "tenant", "SELECT count(*) FROM t");
    std::atomic<bool> over{false};
    std::atomic<int64_t> written{0};
    std::atomic<bool> failed{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!over) {
                if (exec(own.db.get(), "tenant", "INSERT INTO t VALUES(5)").ok())
                    written.fetch_add(1);
                else
                    failed = true;
            }
        });
    const int64_t forks = scaled(20);
    std::string failure;
    try {
        for (int64_t i = 0; i < forks; ++i) {
            in_child([&] {
                must_all_be_forked(own);
                must_not_open(root.path());
            });
            sleep_ms(1);
        }
    } catch (const Failed& error) {
        failure = error.what();
    }
    over = true;
    for (auto& thread : threads) thread.join();
    check(failure.empty(), failure);
    check(!failed, "the parent's writes failed");
    check(written > 0, "the parent did not write");
    check(int_in(own.db.get(), "tenant", "SELECT count(*) FROM t") == before + written, "the parent lost rows");
    check(text_in(own.db.get(), "tenant", "PRAGMA integrity_check") == "ok", "the parent's file is damaged");
}

void parent_goes_on(Handles& own) {
    must(begin(own.conn.get()));
    must(exec(own.conn.get(), "INSERT INTO t VALUES(4)"));
    must(commit(own.conn.get()));
    must(migrate(own.migrator.get(), "tenant"));
    check(text_in(own.db.get(), "tenant", "PRAGMA integrity_check") == "ok", "the parent's file is damaged");
    check(int_in(own.db.get(), "tenant", "SELECT count(*) FROM t WHERE v=99") == 0, "a child wrote");
}

void inside_a_transaction() {
    const Folder root;
    Handles own(root.path());
    own.result.reset();
    must(begin(own.conn.get()));
    must(exec(own.conn.get(), "INSERT INTO t VALUES(8)"));
    in_child([&] {
        must_not_open(root.path());
        release_all(own);
    }, Ending::handlers);
    must(commit(own.conn.get()));
    check(int_in(own.db.get(), "tenant", "SELECT count(*) FROM t WHERE v=8") == 1, "the transaction was lost");
}

// Another program may open: nothing of this one is left in it.
void after_exec(const char* program) {
    const Folder root;
    Handles own(root.path());
    const int64_t before = int_in(own.db.get(), "tenant", "SELECT count(*) FROM t");
    const pid_t child = fork();
    if (child == 0) {
        execl(program, program, "open", root.path().c_str(), static_cast<char*>(nullptr));
        _exit(3);
    }
    join(child);
    check(int_in(own.db.get(), "tenant", "SELECT count(*) FROM t") == before + 1, "the other program did not write");
    // Its snapshot is older than that write.
    ok([&](mtdb_error** err) { return mtdb_result_close(own.result.get(), err); });
    parent_goes_on(own);
}

void without_open_files() {
    const Folder root;
    {
        Handles own(root.path());
        must(give_back(own.conn.get()));
        must(close_db(own.db.get()));
    }
    in_child([&] { must_open(root.path()); }, Ending::handlers);
    const Db db = open_db(root.path());  // no tenant opened yet
    in_child([&] {
        must_be(MTDB_FORKED, ping(db.get(), "tenant"));
        must_open(root.path());
        in_child([&] { must_open(root.path()); });
    });
    must(exec(db.get(), "tenant", "INSERT INTO t VALUES(6)"));
    check(int_in(db.get(), "tenant", "SELECT count(*) FROM t WHERE v=7") == 3, "a child's write is missing");
    must(close_db(db.get()));
    in_child([&] { must_open(root.path()); });  // all closed again
}

void memory_tenants() {
    const Db db = open_db("sqlite::memory:");
    must(create(db.get(), "tenant"));
    must(exec(db.get(), "tenant", "CREATE TABLE t(v)"));
    in_child([&] {
        must_be(MTDB_FORKED, exec(db.get(), "tenant", "INSERT INTO t VALUES(1)"));
        const Db own = open_db("sqlite::memory:");
        must(create(own.get(), "tenant"));
        must(exec(own.get(), "tenant", "CREATE TABLE t(v)"));
    });
    must(exec(db.get(), "tenant", "INSERT INTO t VALUES(1)"));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "open") == 0) {
        try {
            must_open(argv[2]);
            return 0;
        } catch (const Failed& error) {
            std::printf("  after exec: %s\n", error.what());
            return 1;
        }
    }
    seed("crash.fork");
    for (const bool releases : {false, true}) {
        const std::string how = releases ? ", which releases all" : "";
        test("a child" + how + " is refused and ends by _exit", [&] {
            const Folder root;
            Handles own(root.path());
            run_child(own, root.path(), Ending::at_once, releases);
            parent_goes_on(own);
        });
        test("a child" + how + " is refused and ends by exit", [&] {
            const Folder root;
            Handles own(root.path());
            run_child(own, root.path(), Ending::handlers, releases);
            parent_goes_on(own);
        });
    }
#if defined(__SANITIZE_ADDRESS__)
    // The sanitizer's allocator takes its locks into the child when threads of the parent are
    // allocating: malloc there can wait for ever. Builds without it run this claim.
    std::puts("only in builds whose allocator survives fork: children of a busy parent are refused and do it no harm");
    static_cast<void>(busy_parent);
#else
    test("children of a busy parent are refused and do it no harm", busy_parent);
#endif
    test("a child leaves its parent's transaction alone", inside_a_transaction);
    test("a child that runs another program may open",
         [&] { after_exec(std::filesystem::read_symlink("/proc/self/exe").c_str()); });
    test("a child of a parent without open files may open", without_open_files);
    test("tenants in memory need no refusal", memory_tenants);
    test("nothing is left over", [] { check(live_handles() == 0, std::to_string(live_handles()) + " handles"); });
    return summary();
}
