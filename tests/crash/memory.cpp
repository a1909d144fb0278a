// SPDX-License-Identifier: MIT
// Memory ends at every point of the main paths, once or for good: each call answers NOMEM or succeeds, nothing is half
// done, and the same path works right afterwards.
#include <cjson/cJSON.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "shared.hpp"

using namespace harness;

namespace {

// ---- allocators that can fail ----

enum class Shortage { once, lasting };

// Only calls of the thread under test fail, and only between resume() and pause(): the test's own memory is safe.
struct Allocations {
    bool counted = false;
    int64_t left = -1;  // until the failure; negative: never
    bool failed = false;
    Shortage shortage = Shortage::once;
};
thread_local Allocations allocations;

bool fails() noexcept {
    Allocations& self = allocations;
    if (!self.counted || self.left < 0) return false;
    if (self.failed && self.shortage == Shortage::lasting) return true;
    if (self.failed || self.left-- > 0) return false;
    self.left = 0;
    self.failed = true;
    return true;
}

sqlite3_mem_methods engine_memory;

void* engine_malloc(int size) { return fails() ? nullptr : engine_memory.xMalloc(size); }
void* engine_realloc(void* old, int size) { return fails() ? nullptr : engine_memory.xRealloc(old, size); }

void* json_malloc(size_t size) { return fails() ? nullptr : std::malloc(size); }

void install_allocators() {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &engine_memory);
    sqlite3_mem_methods failing = engine_memory;
    failing.xMalloc = engine_malloc;
    failing.xRealloc = engine_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    cJSON_Hooks hooks{json_malloc, std::free};
    cJSON_InitHooks(&hooks);
}

void* take(std::size_t size) {
    void* memory = fails() ? nullptr : std::malloc(size > 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void* take_aligned(std::size_t size, std::align_val_t alignment) {
    const auto step = static_cast<std::size_t>(alignment);
    void* memory = fails() ? nullptr : std::aligned_alloc(step, (size + step - 1) / step * step);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return fails() ? nullptr : std::malloc(size > 0 ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return fails() ? nullptr : std::malloc(size > 0 ? size : 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) { return take_aligned(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return take_aligned(size, alignment); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

// ---- paths ----

// A call that failed for want of memory: ends the path, as a program would.
struct OutOfMemory {
    Answer answer;
};

// Runs one library call in which memory may end. Anything but success or NOMEM fails the test.
template <class Call>
mtdb_status lib(Call&& call) {
    mtdb_error* err = nullptr;
    allocations.counted = true;
    const mtdb_status status = call(&err);
    allocations.counted = false;
    const Answer answer = answer_of(status, err);
    if (status == MTDB_NOMEM) throw OutOfMemory{answer};
    must(answer);
    return status;
}

template <class T>
void release(T*& handle, void (*call)(T*)) {
    allocations.counted = true;
    call(handle);
    allocations.counted = false;
    handle = nullptr;
}

// Handles of a path, released while memory is short, too.
struct Own {
    mtdb_db* db = nullptr;
    mtdb_conn* conn = nullptr;
    mtdb_stmt* stmt = nullptr;
    mtdb_result* result = nullptr;
    mtdb_block* block = nullptr;
    mtdb_migrator* migrator = nullptr;
    mtdb_cancel* cancel = nullptr;
    mtdb_options* options = nullptr;
    Own() = default;
    Own(const Own&) = delete;
    ~Own() {
        release(result, mtdb_result_release);
        release(stmt, mtdb_stmt_release);
        release(conn, mtdb_conn_release);
        release(block, mtdb_block_release);
        release(migrator, mtdb_migrator_release);
        release(cancel, mtdb_cancel_release);
        release(options, mtdb_options_release);
        release(db, mtdb_db_release);
    }
};

struct World {
    Folder root{Folder::Kind::speedy};
    Db db;
    int64_t run = 0;   // names what this run makes
    int64_t rows = 0;  // that t must hold

    explicit World(Settings settings)
        : db(open_db(root.path(), settings)) {
        must(create(db.get(), "tenant"));
        must(exec(db.get(), "tenant", "CREATE TABLE t(v INTEGER, pad TEXT)"));
    }
    std::string fresh(const char* what) const { return std::string(what) + std::to_string(run); }
};

void open_and_close(World& world) {
    Own own;
    lib([&](mtdb_error** err) { return mtdb_options_new(&own.options, err); });
    lib([&](mtdb_error** err) { return mtdb_options_set_str(own.options, "threads", -1, "none", -1, err); });
    lib([&](mtdb_error** err) { return mtdb_options_set_int(own.options, "pool.size_max", -1, 3, err); });
    lib([&](mtdb_error** err) { return mtdb_db_open(world.root.path().c_str(), -1, own.options, &own.db, err); });
    lib([&](mtdb_error** err) { return mtdb_db_ping(own.db, "tenant", -1, plenty_ms, nullptr, err); });
    lib([&](mtdb_error** err) { return mtdb_db_close(own.db, plenty_ms, nullptr, nullptr, err); });
}

void create_tenant(World& world) {
    const std::string name = world.fresh("new");
    try {
        lib([&](mtdb_error** err) {
            return mtdb_tenant_create(world.db.get(), name.c_str(), -1, plenty_ms, nullptr, err);
        });
    } catch (const OutOfMemory&) {
        check(!exists(world.db.get(), name), "the tenant that could not be created is there");
        throw;
    }
    must(ping(world.db.get(), name));
}

void copy_and_drop(World& world) {
    const std::string name = world.fresh("copy");
    try {
        lib([&](mtdb_error** err) {
            return mtdb_tenant_copy(world.db.get(), "tenant", -1, name.c_str(), -1, plenty_ms, nullptr, err);
        });
    } catch (const OutOfMemory&) {
        check(!exists(world.db.get(), name), "the copy that could not be made is there");
        throw;
    }
    try {
        lib([&](mtdb_error** err) {
            return mtdb_tenant_drop(world.db.get(), name.c_str(), -1, plenty_ms, nullptr, err);
        });
    } catch (const OutOfMemory&) {
        must_be_one_of({MTDB_OK, MTDB_TENANT_UNKNOWN}, ask([&](mtdb_error** err) {
                           return mtdb_tenant_drop(world.db.get(), name.c_str(), -1, plenty_ms, nullptr, err);
                       }));
        throw;
    }
}

void lease_and_return(World& world) {
    Own own;
    lib([&](mtdb_error** err) {
        return mtdb_db_acquire(world.db.get(), "tenant", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
    });
    lib([&](mtdb_error** err) { return mtdb_conn_close(own.conn, err); });
    lib([&](mtdb_error** err) { return mtdb_db_maintain(world.db.get(), MTDB_FOREVER, err); });
}

void abandon(World& world) {
    {
        Own own;
        lib([&](mtdb_error** err) {
            return mtdb_db_acquire(world.db.get(), "tenant", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
        });
        lib([&](mtdb_error** err) { return mtdb_tx_begin(own.conn, nullptr, plenty_ms, nullptr, err); });
    }
    lib([&](mtdb_error** err) { return mtdb_db_maintain(world.db.get(), MTDB_FOREVER, err); });
}

void read_rows(World& world) {
    Own own;
    alignas(8) char block[8192];
    int64_t rows = 0;
    int64_t used = 0;
    int32_t count = 0;
    lib([&](mtdb_error** err) { return mtdb_cancel_new(&own.cancel, err); });
    lib([&](mtdb_error** err) {
        return mtdb_db_acquire(world.db.get(), "tenant", -1, nullptr, plenty_ms, own.cancel, &own.conn, err);
    });
    const std::string sql =
        "SELECT :a + 1 AS n, :b || 'x' AS s, 2.5 AS d, x'00ff' AS b, NULL AS z, '" + world.fresh("s") + "' AS own";
    lib([&](mtdb_error** err) {
        return mtdb_stmt_prepare(own.conn, sql.c_str(), -1, plenty_ms, own.cancel, &own.stmt, err);
    });
    lib([&](mtdb_error** err) { return mtdb_stmt_parameter_index(own.stmt, "b", -1, &count, err); });
    lib([&](mtdb_error** err) { return mtdb_stmt_bind_int64(own.stmt, 1, 41, err); });
    lib([&](mtdb_error** err) {
        return mtdb_stmt_bind_text(own.stmt, count, "a text of more than a few bytes", -1, err);
    });
    lib([&](mtdb_error** err) { return mtdb_stmt_execute(own.stmt, plenty_ms, own.cancel, &own.result, err); });
    lib([&](mtdb_error** err) { return mtdb_result_column_count(own.result, &count, err); });
    lib([&](mtdb_error** err) { return mtdb_result_column_name(own.result, 0, block, sizeof block, &used, err); });
    lib([&](mtdb_error** err) { return mtdb_result_fetch(own.result, block, sizeof block, 0, &rows, &used, err); });
    check(rows == 1, "a row is missing");
    release(own.result, mtdb_result_release);
    lib([&](mtdb_error** err) { return mtdb_stmt_execute(own.stmt, plenty_ms, nullptr, &own.result, err); });
    lib([&](mtdb_error** err) { return mtdb_result_next(own.result, err); });
    check(mtdb_value_int64(own.result, 0) == 42, "a value is wrong");
    lib([&](mtdb_error** err) { return mtdb_conn_close(own.conn, err); });
}

void one_shot_read(World& world) {
    Own own;
    lib([&](mtdb_error** err) {
        return mtdb_db_query(world.db.get(), "tenant", -1, "SELECT count(*), 'some text' FROM t", -1, nullptr, 0,
                             plenty_ms, nullptr, &own.result, err);
    });
    lib([&](mtdb_error** err) { return mtdb_result_next(own.result, err); });
    check(mtdb_value_int64(own.result, 0) == world.rows, "the count is wrong");
    check(mtdb_value_text(own.result, 1, nullptr) != nullptr, "a text is missing");
}

// After a failed write: what the error says of its effect must be true.
void settle(World& world, const Answer& answer, int64_t rows) {
    const int64_t held = int_in(world.db.get(), "tenant", "SELECT count(*) FROM t");
    if (answer.effect == MTDB_EFFECT_COMMITTED || (answer.effect == MTDB_EFFECT_UNKNOWN && held == world.rows + rows))
        world.rows += rows;
    check(held == world.rows,
          std::to_string(held) + " rows, not " + std::to_string(world.rows) + ", after " + answer.text());
}

void one_shot_write(World& world) {
    try {
        lib([&](mtdb_error** err) {
            return mtdb_db_exec(world.db.get(), "tenant", -1, "INSERT INTO t VALUES(1, hex(randomblob(100)))", -1,
                                nullptr, 0, plenty_ms, nullptr, nullptr, err);
        });
        ++world.rows;
    } catch (const OutOfMemory& failure) {
        settle(world, failure.answer, 1);
        throw;
    }
}

void transaction(World& world) {
    Own own;
    const auto run = [&](const char* sql) {
        lib([&](mtdb_error** err) {
            return mtdb_conn_exec(own.conn, sql, -1, nullptr, 0, plenty_ms, nullptr, nullptr, err);
        });
    };
    bool committing = false;
    try {
        lib([&](mtdb_error** err) {
            return mtdb_db_acquire(world.db.get(), "tenant", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
        });
        lib([&](mtdb_error** err) { return mtdb_tx_begin(own.conn, nullptr, plenty_ms, nullptr, err); });
        run("INSERT INTO t VALUES(2, 'two')");
        lib([&](mtdb_error** err) { return mtdb_tx_savepoint(own.conn, "a", -1, err); });
        run("INSERT INTO t VALUES(3, 'three')");
        lib([&](mtdb_error** err) { return mtdb_tx_rollback_to(own.conn, "a", -1, err); });
        lib([&](mtdb_error** err) { return mtdb_tx_release_savepoint(own.conn, "a", -1, err); });
        run("INSERT INTO t VALUES(4, hex(randomblob(3000)))");
        committing = true;
        lib([&](mtdb_error** err) { return mtdb_tx_commit(own.conn, plenty_ms, nullptr, err); });
        world.rows += 2;
    } catch (const OutOfMemory& failure) {
        if (own.conn != nullptr) {
            must(rollback(own.conn));
            must(give_back(own.conn));
        }
        settle(world, committing ? failure.answer : Answer{}, 2);
        throw;
    }
    lib([&](mtdb_error** err) { return mtdb_conn_close(own.conn, err); });
}

void many_rows(World& world) {
    Own own;
    const void* data = nullptr;
    int64_t bytes = 0;
    lib([&](mtdb_error** err) { return mtdb_block_new(&own.block, err); });
    for (int i = 0; i < 5; ++i) {
        lib([&](mtdb_error** err) { return mtdb_block_add_int64(own.block, i, err); });
        lib([&](mtdb_error** err) {
            return i == 2 ? mtdb_block_add_null(own.block, err) : mtdb_block_add_text(own.block, "some text", -1, err);
        });
        lib([&](mtdb_error** err) { return mtdb_block_end_row(own.block, err); });
    }
    lib([&](mtdb_error** err) { return mtdb_block_data(own.block, &data, &bytes, err); });
    try {
        lib([&](mtdb_error** err) {
            return mtdb_db_acquire(world.db.get(), "tenant", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
        });
        lib([&](mtdb_error** err) {
            return mtdb_stmt_prepare(own.conn, "INSERT INTO t VALUES(?, ?)", -1, plenty_ms, nullptr, &own.stmt, err);
        });
        lib([&](mtdb_error** err) { return mtdb_stmt_bind_block(own.stmt, data, bytes, err); });
        lib([&](mtdb_error** err) { return mtdb_stmt_execute(own.stmt, plenty_ms, nullptr, &own.result, err); });
        world.rows += 5;
    } catch (const OutOfMemory& failure) {
        settle(world, failure.answer, 5);
        throw;
    }
    lib([&](mtdb_error** err) { return mtdb_conn_close(own.conn, err); });
}

void write_returning(World& world) {
    Own own;
    try {
        lib([&](mtdb_error** err) {
            return mtdb_db_query(world.db.get(), "tenant", -1, "INSERT INTO t VALUES(5, 'five') RETURNING v, pad", -1,
                                 nullptr, 0, plenty_ms, nullptr, &own.result, err);
        });
        ++world.rows;
    } catch (const OutOfMemory& failure) {
        settle(world, failure.answer, 1);
        throw;
    }
    lib([&](mtdb_error** err) { return mtdb_result_next(own.result, err); });
}

void migrate_tenant(World& world) {
    const std::string name = world.fresh("moved");
    must(create(world.db.get(), name));
    Own own;
    const auto script = [&](const char* version, const char* up) {
        lib([&](mtdb_error** err) {
            return mtdb_migrator_add(own.migrator, version, -1, "step", -1, up, -1, "SELECT 1", -1, err);
        });
    };
    lib([&](mtdb_error** err) { return mtdb_migrator_new(world.db.get(), nullptr, &own.migrator, err); });
    script("1", "CREATE TABLE a(v); INSERT INTO a VALUES(1)");
    script("2", "CREATE TABLE b(v); INSERT INTO b VALUES(1)");
    int64_t applied = 0;
    try {
        lib([&](mtdb_error** err) {
            return mtdb_migrator_migrate(own.migrator, name.c_str(), -1, "latest", -1, plenty_ms, nullptr, &applied,
                                         err);
        });
    } catch (const OutOfMemory&) {
        int64_t rest = 0;
        must(migrate(own.migrator, name, "latest", &rest));
        check(text_in(world.db.get(), name, "SELECT (SELECT sum(v) FROM a) || (SELECT sum(v) FROM b)") == "11",
              "half-migrated");
        throw;
    }
    check(applied == 2, "a script was left out");
    for (const auto call : {mtdb_migrator_status, mtdb_migrator_validate}) {
        lib([&](mtdb_error** err) {
            return call(own.migrator, name.c_str(), -1, plenty_ms, nullptr, &own.result, err);
        });
        release(own.result, mtdb_result_release);
    }
    lib([&](mtdb_error** err) {
        return mtdb_migrator_plan(own.migrator, name.c_str(), -1, "", 0, plenty_ms, nullptr, &own.result, err);
    });
}

void run_over_tenants(World& world) {
    Own own;
    lib([&](mtdb_error** err) { return mtdb_migrator_new(world.db.get(), nullptr, &own.migrator, err); });
    lib([&](mtdb_error** err) {
        return mtdb_migrator_add(own.migrator, "1", -1, "step", -1, "CREATE TABLE a(v)", -1, nullptr, 0, err);
    });
    lib([&](mtdb_error** err) {
        return mtdb_migrator_run(own.migrator, "status", -1, "", 0, "tenant\nghost", -1, nullptr, plenty_ms, nullptr,
                                 &own.result, err);
    });
}

void figures_and_events(World& world) {
    Own own;
    alignas(8) char block[8192];
    int64_t rows = 0;
    int64_t used = 0;
    int64_t dropped = 0;
    {
        Conn conn = lease(world.db.get(), "tenant");  // an event: given back with an open transaction
        must(begin(conn.get()));
        lib([&](mtdb_error** err) { return mtdb_conn_close(conn.get(), err); });
    }
    lib([&](mtdb_error** err) {
        return mtdb_events_poll(world.db.get(), 0, nullptr, block, sizeof block, &rows, &used, &dropped, err);
    });
    for (const auto call : {mtdb_db_stats, mtdb_pool_stats}) {
        lib([&](mtdb_error** err) { return call(world.db.get(), &own.result, err); });
        lib([&](mtdb_error** err) { return mtdb_result_next(own.result, err); });
        release(own.result, mtdb_result_release);
    }
    lib([&](mtdb_error** err) { return mtdb_tenant_stats(world.db.get(), "tenant", -1, &own.result, err); });
    release(own.result, mtdb_result_release);
    lib([&](mtdb_error** err) { return mtdb_tenant_list(world.db.get(), plenty_ms, nullptr, &own.result, err); });
    lib([&](mtdb_error** err) { return mtdb_result_fetch(own.result, block, sizeof block, 0, &rows, &used, err); });
}

// A call that fails for a reason of its own: its error may give way to NOMEM, nothing else.
void failing_calls(World& world) {
    Own own;
    const auto fails_as = [&](mtdb_status expected, auto&& call) {
        mtdb_error* err = nullptr;
        allocations.counted = true;
        const mtdb_status status = call(&err);
        allocations.counted = false;
        char json[2048];
        int64_t needed = 0;
        mtdb_error_json(err, json, sizeof json, &needed);
        const Answer answer = answer_of(status, err);
        if (status == MTDB_NOMEM) throw OutOfMemory{answer};
        must_be(expected, answer);
    };
    fails_as(MTDB_TENANT_UNKNOWN, [&](mtdb_error** err) {
        return mtdb_db_acquire(world.db.get(), "ghost", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
    });
    fails_as(MTDB_INVALID_ARGUMENT, [&](mtdb_error** err) {
        return mtdb_db_acquire(world.db.get(), "../ghost", -1, nullptr, plenty_ms, nullptr, &own.conn, err);
    });
    fails_as(MTDB_SQL_ERROR, [&](mtdb_error** err) {
        return mtdb_db_exec(world.db.get(), "tenant", -1, "SELECT\n nothing", -1, nullptr, 0, plenty_ms, nullptr,
                            nullptr, err);
    });
    fails_as(MTDB_PERMISSION, [&](mtdb_error** err) {
        return mtdb_db_exec(world.db.get(), "tenant", -1, "ATTACH 'x' AS y", -1, nullptr, 0, plenty_ms, nullptr,
                            nullptr, err);
    });
}

void close_with_leases(World& world) {
    Own own;
    own.db = open_db(world.root.path(), {{"threads", "none"}}).release();
    own.conn = lease(own.db, "tenant").release();
    must(begin(own.conn));
    lib([&](mtdb_error** err) {
        return mtdb_stmt_prepare(own.conn, "SELECT 1", -1, plenty_ms, nullptr, &own.stmt, err);
    });
    lib([&](mtdb_error** err) { return mtdb_db_close(own.db, 0, nullptr, nullptr, err); });
}

struct Path {
    const char* name;
    void (*run)(World&);
};
constexpr Path paths[] = {
    {"open and close a db", open_and_close},
    {"create a tenant", create_tenant},
    {"copy and drop a tenant", copy_and_drop},
    {"acquire and give back", lease_and_return},
    {"abandon a lease", abandon},
    {"prepare, bind, execute, fetch", read_rows},
    {"query in one call", one_shot_read},
    {"write in one call", one_shot_write},
    {"begin, write, commit", transaction},
    {"bind and execute a block", many_rows},
    {"write and return rows", write_returning},
    {"migrate, plan, status, validate", migrate_tenant},
    {"run over tenants", run_over_tenants},
    {"poll events, read figures, list tenants", figures_and_events},
    {"fail for another reason", failing_calls},
    {"close over an open lease", close_with_leases},
};

struct Progress {
    std::atomic<int64_t> point{0};
    std::atomic<int64_t> failures{0};
};

// Fails the first allocation, then the second, ... until the path meets none that fails.
void fail_at_every_point(const Path& path, Shortage shortage, Settings settings, Progress& progress) {
    std::set_terminate([] {
        std::printf("  terminated\n");
        std::fflush(stdout);
        std::abort();
    });
    World world(settings);
    path.run(world);  // caches that last are warm
    for (int64_t point = 0;; ++point) {
        progress.point = point;
        ++world.run;
        allocations = {false, point, false, shortage};
        bool ended = false;
        try {
            path.run(world);
        } catch (const OutOfMemory&) {
            ended = true;
        }
        const bool failed = allocations.failed;
        allocations = {};
        if (ended) progress.failures.fetch_add(1);
        check(failed || !ended, "NOMEM without want of memory");
        if (!failed) break;
        ++world.run;
        try {
            path.run(world);
        } catch (const OutOfMemory& failure) {
            throw Failed("the next run fails too: " + failure.answer.text());
        }
    }
    check(text_in(world.db.get(), "tenant", "PRAGMA integrity_check") == "ok", "the file is damaged");
    check(int_in(world.db.get(), "tenant", "SELECT count(*) FROM t") == world.rows, "rows were lost or appeared");
    must(close_db(world.db.get()));
    world.db.reset();
    check(live_handles() == 0, std::to_string(live_handles()) + " handles are left over");
}

}  // namespace

// memory [PART]: only the cases whose name has PART.
int main(int argc, char** argv) {
    install_allocators();
    seed("crash.memory");
    struct Mode {
        const char* name;
        Shortage shortage;
        Settings settings;
    };
    const Mode modes[] = {
        {"once, warm pools", Shortage::once, {{"threads", "none"}, {"sqlite.synchronous", "off"}}},
        {"once, cold pools",
         Shortage::once,
         {{"threads", "none"}, {"sqlite.synchronous", "off"}, {"pool.idle_max", "0"}}},
        {"for good, cold pools",
         Shortage::lasting,
         {{"threads", "none"}, {"sqlite.synchronous", "off"}, {"pool.idle_max", "0"}}},
        {"for good, with a maintenance thread",
         Shortage::lasting,
         {{"sqlite.synchronous", "off"}, {"statement_cache", "2"}}},
    };
    int64_t failures = 0;
    for (const Path& path : paths) {
        for (const Mode& mode : modes) {
            const std::string name = std::string(path.name) + ": memory ends " + mode.name;
            if (argc > 1 && name.find(argv[1]) == std::string::npos) continue;
            const Shared<Progress> progress;
            try {
                // Thousands of runs: slow under a sanitizer on a busy machine.
                join(spawn([&] { fail_at_every_point(path, mode.shortage, mode.settings, *progress); },
                           Ending::handlers),
                     120'000);
                count(true, name);
            } catch (const Failed& error) {
                count(false, name, "at allocation " + std::to_string(progress->point + 1) + ": " + error.what());
            }
            failures += progress->failures;
        }
    }
    if (argc == 1)
        test("enough calls failed to mean something",
         [&] { check(failures > 500, std::to_string(failures) + " calls failed"); });
    std::printf("%lld calls answered NOMEM\n", static_cast<long long>(failures));
    return summary();
}
