// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/sqlite/authorizer.hpp"
#include "db/connection.hpp"

namespace mtdb::db {
class Settings;
}

namespace mtdb::backends::sqlite {

// What every connection of one backend is opened with.
struct Config {
    static Config read(const db::Settings& settings);

    bool write_ahead_log = true;
    bool foreign_keys = true;
    std::string synchronous;  // empty: as compiled in
    bool full = true;         // what is committed survives a power cut
    int64_t cache_kib = 0;    // 0: as compiled in
    int64_t mmap_bytes = 0;
    int64_t length_max = 0;  // of a value or row, in bytes; 0: as compiled in
    int64_t log_bytes_max = 0;
    int64_t checkpoint_pages = 0;
};

enum class Storage { file, memory };

// An open sqlite3*, counted while it has a file open: a fork then refuses new ones in the child.
class Handle {
public:
    // Throws Error(forked) in a child of a process that had files open, and what SQLite says.
    // `vfs`: by whom it is opened; null: SQLite's own.
    Handle(const std::string& name, int flags, Storage storage, const char* vfs = nullptr);
    Handle(Handle&& other) noexcept
        : db_(std::exchange(other.db_, nullptr)), storage_(other.storage_) {}
    Handle& operator=(Handle&&) = delete;
    ~Handle();

    sqlite3* get() const noexcept { return db_; }
    // True when the name that it was opened by leads to another file now.
    bool has_moved() const noexcept;

private:
    sqlite3* db_ = nullptr;
    Storage storage_;
};

// A database that stands beside the tenant's own, read-only.
struct Shared {
    std::string name;
    std::string uri;
};

// What was so before a statement ran; decides what its failure did.
struct Attempt {
    bool writes = false;
    bool ends_transaction = false;
    bool in_transaction = false;
    int64_t changes = 0;
};

class Connection final : public db::Connection {
public:
    // Reads the schema, so that a file that is no database fails here. `place` names the database
    // in messages.
    Connection(Handle handle, std::shared_ptr<const Config> config, std::string place,
               const std::optional<Shared>& shared, const Wait& wait);
    ~Connection() override;

    std::unique_ptr<db::Statement> prepare(std::string_view sql, std::string_view* tail,
                                           const Wait& wait) override;
    std::unique_ptr<db::Statement> prepare_next(std::string_view script, std::string_view* tail,
                                                const Wait& wait) override;
    std::unique_ptr<db::Held> try_driver_lock() override;
    bool in_place() noexcept override {
        const bool moved = handle_.has_moved();
        damaged_ = damaged_ || moved;
        return !moved;
    }
    bool in_transaction() const override { return sqlite3_get_autocommit(db()) == 0; }
    void begin(const db::TransactionMode& mode, const Wait& wait) override;
    void commit(const Wait& wait) override;
    void rollback() override;
    void savepoint(std::string_view name) override;
    void rollback_to(std::string_view name) override;
    void release_savepoint(std::string_view name) override;

    int64_t insert_id() const override { return sqlite3_last_insert_rowid(db()); }
    void mark_lease() noexcept override { sqlite3_set_last_insert_rowid(db(), 0); }
    db::Reuse end_lease() noexcept override;
    int64_t memory_bytes() const override;
    void shed_memory() noexcept override { sqlite3_db_release_memory(db()); }
    int64_t log_pages() const noexcept override { return log_pages_; }

    // As db::Backend::checkpoint().
    bool checkpoint();
    // Copies what this connection sees into the empty file `target`.
    void copy_into(const std::string& target, const Wait& wait);

    sqlite3* db() const noexcept { return handle_.get(); }

    // While it lives, SQLite's waits and loops end when `wait` is over.
    class Operation {
    public:
        Operation(Connection& connection, const Wait& wait) noexcept : connection_(connection) {
            connection.wait_ = &wait;
            connection.stopped_ = false;
            connection.authorizer_.forget_refusal();
        }
        Operation(const Operation&) = delete;
        ~Operation() { connection_.wait_ = nullptr; }

    private:
        Connection& connection_;
    };

    // For statements.
    Attempt attempt(
        bool writes,
        db::Control control);  // throws Error(read_only) for a write in a read-only transaction
    Error failure(int result, const Attempt& attempt, const Wait& wait);
    void count_running(int change) noexcept { running_ += change; }
    void began_by_statement() noexcept { read_only_ = false; }
    int64_t length_max() const noexcept { return length_max_; }
    // The same pragma again, which acts as it is prepared. The caller owns it.
    sqlite3_stmt* act(sqlite3_stmt* held_back, const Wait& wait);

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };
    using Cached = std::unique_ptr<sqlite3_stmt, Finalize>;

    // `size`: bytes for SQLite, with or without a terminator.
    std::unique_ptr<db::Statement> compile(std::string_view sql, std::size_t size,
                                           std::string_view* tail, const Wait& wait);
    void configure(const std::optional<Shared>& shared);
    void execute(const std::string& sql);                 // throws with no effect told
    sqlite3_file* log_file() const noexcept;              // null: the file keeps no write-ahead log
    void keep_rollback();
    void checkpoint_main_only(Cached& statement, const Wait& wait);
    int step_cached(Cached& statement, const char* sql);  // to its end
    void run_savepoint(Cached& statement, const char* verb, std::string_view name);
    void settle_deferred_keys() noexcept;
    Effect effect_of(int result, const Attempt& attempt) const noexcept;

    static int on_progress(void* self) noexcept;
    static int on_busy(void* self, int count) noexcept;
    static int on_log_written(void* self, sqlite3* db, const char* name, int pages) noexcept;

    std::shared_ptr<const Config> config_;
    std::string place_;
    Authorizer authorizer_;
    const Wait* wait_ = nullptr;  // of the operation in progress
    int64_t log_pages_ = 0;
    int64_t length_max_ = 0;
    uint32_t jitter_;         // of the pauses while another connection holds the lock
    int running_ = 0;         // statements between their first step and their end
    int databases_ = 2;       // main, temp and what was attached at open
    bool stopped_ = false;    // a handler saw the operation's wait over
    bool read_only_ = false;  // the open transaction was begun so
    bool damaged_ = false;    // an error after which the handle is not trusted
    Handle handle_;           // closed after the cached statements below are gone
    Cached begin_, begin_immediate_, commit_, rollback_, snapshot_;
    std::string savepoint_name_;  // of the three that follow
    Cached savepoint_, rollback_to_, release_;
};

}  // namespace mtdb::backends::sqlite
