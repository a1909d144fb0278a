// SPDX-License-Identifier: MIT
#include "backends/sqlite/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "backends/sqlite/driver_lock.hpp"
#include "backends/sqlite/errors.hpp"
#include "backends/sqlite/statement.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr int progress_ops = 1000;  // virtual machine steps between two looks at the deadline
constexpr int copy_pages = 256;     // pages between two looks at the deadline
constexpr int64_t log_backlog =
    8;  // checkpoints that a commit lets pass before it makes one itself
constexpr base::milliseconds busy_pause_max{25};

// Ends a transaction that was opened for reading only, whatever happens.
class Snapshot {
public:
    explicit Snapshot(Connection& connection) noexcept : connection_(connection) {}
    Snapshot(const Snapshot&) = delete;
    ~Snapshot() {
        try {
            connection_.rollback();
        } catch (const Error&) {
            // The handle is marked as damaged and will not be used again.
        }
    }

private:
    Connection& connection_;
};

bool compiled_with(const char* option) { return sqlite3_compileoption_used(option) != 0; }

bool damages(int result) noexcept {
    switch (result & 0xff) {
        case SQLITE_IOERR:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_CANTOPEN:
        case SQLITE_INTERNAL:
        case SQLITE_PROTOCOL:
            return true;
        default:
            return result == SQLITE_READONLY_DBMOVED;
    }
}

std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += c;
        out += c;
    }
    return out += '"';
}

}  // namespace

Config Config::read(const db::Settings& settings) {
    Config config;
    config.write_ahead_log = settings.text("sqlite.journal") != "delete";
    config.foreign_keys = settings.boolean("sqlite.foreign_keys");
    config.mmap_bytes = settings.integer("sqlite.mmap_bytes");
    config.length_max = settings.integer("sqlite.length_max_bytes");
    config.log_bytes_max = settings.integer("sqlite.wal_size_max_bytes");
    config.checkpoint_pages = std::max<int64_t>(settings.integer("sqlite.checkpoint_pages"), 1);
    config.synchronous = settings.text("sqlite.synchronous");
    config.full = config.synchronous == "full";
    const bool full_by_default =
        compiled_with("DEFAULT_SYNCHRONOUS=2") && compiled_with("DEFAULT_WAL_SYNCHRONOUS=2");
    if (config.synchronous == "full" && full_by_default) config.synchronous.clear();
    config.cache_kib = settings.integer("sqlite.cache_kib");
    if (const int64_t budget = settings.integer("tenant.memory_max_bytes"); budget > 0) {
        constexpr int64_t cache_min =
            64;  // KiB: a handful of pages, else every query reads its own again
        const int64_t share =
            budget / 1024 / std::max<int64_t>(settings.integer("pool.size_max"), 1);
        config.cache_kib = std::min(config.cache_kib, std::max(share, cache_min));
    }
    if (config.cache_kib == 2000 && compiled_with("DEFAULT_CACHE_SIZE=-2000")) config.cache_kib = 0;
    return config;
}

Handle::Handle(const std::string& name, int flags, Storage storage, const char* vfs) : storage_(storage) {
    if (storage == Storage::file && base::inherited_open_files())
        throw Error(Code::forked,
                    "a process that forked with sqlite files open cannot open one in the child");
    if (storage == Storage::file) base::file_opened();  // before: a fork meanwhile inherits it
    const int result = sqlite3_open_v2(
        name.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (result == SQLITE_OK) return;
    struct Close {  // also when there is no memory for the error
        Handle& handle;
        ~Close() {
            sqlite3_close(handle.db_);
            if (handle.storage_ == Storage::file) base::file_closed();
        }
    } close{*this};
    const bool missing =
        (result & 0xff) == SQLITE_CANTOPEN && db_ != nullptr && sqlite3_system_errno(db_) == ENOENT;
    throw missing ? Error(Code::tenant_unknown, "there is no such file")
                  : engine_error(db_, result);
}

Handle::~Handle() {
    if (db_ == nullptr) return;
    // A statement that a handle of the caller still holds keeps it half open until it goes.
    sqlite3_close_v2(db_);
    if (storage_ == Storage::file) base::file_closed();
}

bool Handle::has_moved() const noexcept {
    int moved = 0;
    return sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

Connection::Connection(Handle handle, std::shared_ptr<const Config> config, std::string place,
                       const std::optional<Shared>& shared, const Wait& wait)
    : config_(std::move(config)),
      place_(std::move(place)),
      jitter_(static_cast<uint32_t>(reinterpret_cast<std::uintptr_t>(this) >> 4)),
      handle_(std::move(handle)) {
    const Operation operation(*this, wait);
    if (config_->length_max > 0)
        sqlite3_limit(db(), SQLITE_LIMIT_LENGTH, static_cast<int>(config_->length_max));
    length_max_ = sqlite3_limit(db(), SQLITE_LIMIT_LENGTH, -1);
    sqlite3_progress_handler(db(), progress_ops, &on_progress, this);
    sqlite3_busy_handler(db(), &on_busy, this);
    sqlite3_wal_hook(db(), &on_log_written,
                     this);  // also takes the place of SQLite's own checkpoints
    configure(shared);
    // Reads the header and the schema, which the first statement would read otherwise.
    const int result = sqlite3_table_column_metadata(db(), "main", "sqlite_master", nullptr,
                                                     nullptr, nullptr, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) throw failure(result, {}, wait);
    // Without a log a commit is the removal of the journal: durable only once the folder is synced,
    // which FULL leaves out.
    if (config_->full && log_file() == nullptr) execute("PRAGMA main.synchronous=extra");
    authorizer_.watch(db());
}

Connection::~Connection() = default;

void Connection::configure(const std::optional<Shared>& shared) {
    // Its free list has no lock here, and a value may be read while another thread releases a result.
    sqlite3_db_config(db(), SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_ENABLE_FKEY, config_->foreign_keys ? 1 : 0, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    if (!config_->synchronous.empty()) execute("PRAGMA main.synchronous=" + config_->synchronous);
    if (config_->cache_kib > 0)
        execute("PRAGMA main.cache_size=-" + std::to_string(config_->cache_kib));
    if (config_->mmap_bytes > 0)
        execute("PRAGMA main.mmap_size=" + std::to_string(config_->mmap_bytes));
    if (!shared) return;
    execute("ATTACH '" + shared->uri + "' AS " +
            quoted(shared->name));  // the URI is encoded: it holds no quote
    ++databases_;
}

void Connection::execute(const std::string& sql) {
    const int result = sqlite3_exec(db(), sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) throw failure(result, {}, Wait::forever());
}

// Before a transaction begins: its end must not depend on there being memory.
void Connection::keep_rollback() {
    if (rollback_) return;
    sqlite3_stmt* prepared = nullptr;
    const int result =
        sqlite3_prepare_v3(db(), "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (result != SQLITE_OK) throw failure(result, {}, Wait::forever());
    rollback_.reset(prepared);
}

int Connection::step_cached(Cached& statement, const char* sql) {
    if (!statement) {
        sqlite3_stmt* prepared = nullptr;
        const int result =
            sqlite3_prepare_v3(db(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
        if (result != SQLITE_OK) return result;
        statement.reset(prepared);
    }
    int result = sqlite3_step(statement.get());
    while (result == SQLITE_ROW) result = sqlite3_step(statement.get());
    const int reset = sqlite3_reset(statement.get());
    return result == SQLITE_DONE ? SQLITE_OK : reset;
}

std::unique_ptr<db::Statement> Connection::prepare(std::string_view sql, std::string_view* tail,
                                                   const Wait& wait) {
    if (const std::size_t nul = sql.find('\0'); nul != sql.npos) {
        // SQLite would silently drop what follows.
        const base::Position at = base::position_of(sql, nul);
        throw Error(Code::sql_error, "the sql text holds a NUL byte")
            .with_position(at.line, at.column);
    }
    return compile(sql, sql.size(), tail, wait);
}

// A text that ends in a terminator is not copied by SQLite.
std::unique_ptr<db::Statement> Connection::prepare_next(std::string_view script,
                                                        std::string_view* tail, const Wait& wait) {
    return compile(script, script.size() + 1, tail, wait);
}

std::unique_ptr<db::Statement> Connection::compile(std::string_view sql, std::size_t size,
                                                   std::string_view* tail, const Wait& wait) {
    if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw Error(Code::limit, "the sql text is longer than sqlite takes");
    const Operation operation(*this, wait);
    wait.check("the statement");
    authorizer_.forget_control();
    sqlite3_stmt* statement = nullptr;
    const char* end = nullptr;
    const int result =
        sqlite3_prepare_v3(db(), sql.data() == nullptr ? "" : sql.data(), static_cast<int>(size),
                           SQLITE_PREPARE_PERSISTENT, &statement, &end);
    if (result != SQLITE_OK) {
        Error error = failure(result, attempt(false, db::Control::none), wait);
        if (const int offset = sqlite3_error_offset(db()); offset >= 0) {
            const base::Position at = base::position_of(sql, static_cast<std::size_t>(offset));
            error = error.with_position(at.line, at.column);
        }
        throw error;
    }
    if (tail != nullptr)
        *tail = sql.empty() ? sql : sql.substr(static_cast<std::size_t>(end - sql.data()));
    if (statement == nullptr) return nullptr;
    Cached owned(statement);
    const bool explains = sqlite3_stmt_isexplain(statement) != 0;
    if (authorizer_.checkpoints_all() && databases_ > 2 && !explains)
        checkpoint_main_only(owned, wait);
    Nature nature;
    nature.calls_functions = authorizer_.calls_functions();
    if (!explains) {
        nature.control = authorizer_.control();
        nature.writes_unseen = authorizer_.writes_unseen();
        nature.held_back = authorizer_.held_back();
    }
    if (nature.control == db::Control::begin || nature.control == db::Control::savepoint)
        keep_rollback();
    auto made = std::make_unique<Statement>(*this, owned.get(), nature);
    owned.release();
    return made;
}

// The shared file is read-only: a checkpoint of all databases would fail there.
void Connection::checkpoint_main_only(Cached& statement, const Wait& wait) {
    const std::string sql =
        "PRAGMA main.wal_checkpoint=" + std::string(authorizer_.checkpoint_mode().empty()
                                                        ? "passive"
                                                        : authorizer_.checkpoint_mode());
    sqlite3_stmt* prepared = nullptr;
    const int result =
        sqlite3_prepare_v3(db(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (result != SQLITE_OK) throw failure(result, {}, wait);
    statement.reset(prepared);
}

sqlite3_stmt* Connection::act(sqlite3_stmt* held_back, const Wait& wait) {
    sqlite3_stmt* prepared = nullptr;
    authorizer_.let_flags_through(true);
    const int result = sqlite3_prepare_v3(db(), sqlite3_sql(held_back), -1,
                                          SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    authorizer_.let_flags_through(false);
    if (result != SQLITE_OK) throw failure(result, {}, wait);
    return prepared;
}

Attempt Connection::attempt(bool writes, db::Control control) {
    const bool open = in_transaction();
    if (!open) read_only_ = false;
    if (read_only_ && writes) throw Error(Code::read_only, "the transaction is read-only");
    const bool ends = control == db::Control::commit || control == db::Control::savepoint;
    return {writes, ends, open, sqlite3_total_changes64(db())};
}

Effect Connection::effect_of(int result, const Attempt& attempt) const noexcept {
    const bool open = in_transaction();
    if ((result & 0xff) == SQLITE_IOERR &&
        (attempt.ends_transaction || (attempt.writes && !attempt.in_transaction)))
        return Effect::unknown;  // the commit record may or may not have reached the file
    if (attempt.in_transaction) return open ? Effect::none : Effect::rolled_back;
    // INSERT OR FAIL keeps the rows before the failing one.
    return !open && sqlite3_total_changes64(db()) > attempt.changes ? Effect::committed
                                                                    : Effect::none;
}

Error Connection::failure(int result, const Attempt& attempt, const Wait& wait) {
    if (damages(result)) damaged_ = true;
    const Effect effect = effect_of(result, attempt);
    const int primary = result & 0xff;
    const auto about = [&](Code code, std::string message) {
        return Error(code, std::move(message)).with_native("sqlite", result).with_effect(effect);
    };
    const bool waited = primary == SQLITE_BUSY && result != SQLITE_BUSY_SNAPSHOT;
    if (stopped_ && (primary == SQLITE_INTERRUPT || waited)) {
        const bool deadline = !wait.cancelled() && !wait.shut_down();
        if (!deadline || !waited)
            return about(wait.error("the statement").code(), wait.error("the statement").message());
    }
    if (waited)
        return about(Code::busy,
                     "another connection holds the lock of '" + base::excerpt(place_, 200) + "'");
    if (result == SQLITE_BUSY_SNAPSHOT)
        return about(Code::serialization,
                     attempt.in_transaction
                         ? "another connection has written since this transaction read: roll back "
                           "and run it again, begun immediate"
                         : "another connection has written since an open result was begun: close "
                           "the result and run the statement again");
    // A refused function is SQLITE_ERROR, everything else SQLITE_AUTH.
    if ((primary == SQLITE_AUTH || primary == SQLITE_ERROR) && !authorizer_.refusal().empty())
        return about(Code::permission, std::string(authorizer_.refusal()));
    return engine_error(db(), result).with_effect(effect);
}

void Connection::begin(const db::TransactionMode& mode, const Wait& wait) {
    if (in_transaction()) throw Error(Code::invalid_state, "a transaction is open already");
    // One writer at a time and snapshots for readers: every isolation that can be asked for is met
    // by the only one there is.
    const Operation operation(*this, wait);
    wait.check("the transaction to begin");
    keep_rollback();
    const bool immediate = mode.immediate && !mode.read_only;
    const Attempt before = attempt(false, db::Control::begin);
    int result =
        immediate ? step_cached(begin_immediate_, "BEGIN IMMEDIATE") : step_cached(begin_, "BEGIN");
    if (result == SQLITE_OK && mode.read_only)
        result = step_cached(snapshot_, "PRAGMA main.user_version");
    if (result == SQLITE_OK) {
        read_only_ = mode.read_only;
        return;
    }
    struct End {  // also when there is no memory for the error
        Connection& connection;
        ~End() {
            if (connection.in_transaction()) connection.step_cached(connection.rollback_, "ROLLBACK");
        }
    } end{*this};
    throw failure(result, before, wait).with_effect(Effect::none);
}

void Connection::commit(const Wait& wait) {
    if (!in_transaction()) throw Error(Code::invalid_state, "no transaction is open");
    const Operation operation(*this, wait);
    wait.check("the commit");
    const Attempt before = attempt(false, db::Control::commit);
    const int result = step_cached(commit_, "COMMIT");
    if (result != SQLITE_OK) throw failure(result, before, wait);
    read_only_ = false;
}

void Connection::rollback() {
    if (!in_transaction()) return;
    const int result = step_cached(rollback_, "ROLLBACK");
    read_only_ = false;
    if (!in_transaction()) return;
    damaged_ = true;
    throw engine_error(db(), result).with_code(Code::io).with_effect(Effect::unknown);
}

void Connection::run_savepoint(Cached& statement, const char* verb, std::string_view name) {
    const Wait wait = Wait::forever();
    const Operation operation(*this, wait);
    const Attempt before = attempt(false, db::Control::savepoint);
    if (name != savepoint_name_) {
        for (Cached* each : {&savepoint_, &rollback_to_, &release_}) each->reset();
        savepoint_name_ = name;
    }
    const std::string sql = statement ? std::string() : verb + quoted(name);
    const int result = step_cached(statement, sql.c_str());
    if (result == SQLITE_OK) return;
    const Error error = failure(result, before, wait);
    if (result == SQLITE_ERROR)
        throw Error(Code::not_found, "no savepoint '" + base::excerpt(name) + "'");
    throw error;
}

void Connection::savepoint(std::string_view name) { run_savepoint(savepoint_, "SAVEPOINT ", name); }
void Connection::rollback_to(std::string_view name) {
    run_savepoint(rollback_to_, "ROLLBACK TO ", name);
}
void Connection::release_savepoint(std::string_view name) {
    run_savepoint(release_, "RELEASE ", name);
}

void Connection::settle_deferred_keys() noexcept {
    if (!authorizer_.deferred_keys()) return;
    // The pragma lasts until the next end of a transaction.
    sqlite3_exec(db(), "BEGIN;ROLLBACK", nullptr, nullptr, nullptr);
    authorizer_.forget_deferred_keys();
}

db::Reuse Connection::end_lease() noexcept {
    wait_ = nullptr;
    sqlite3_stmt* statement = nullptr;
    while (running_ > 0 && (statement = sqlite3_next_stmt(db(), statement)) != nullptr)
        if (sqlite3_stmt_busy(statement) != 0) sqlite3_reset(statement);
    if (in_transaction()) {
        step_cached(rollback_, "ROLLBACK");
        read_only_ = false;
    }
    settle_deferred_keys();
    const bool left_attached = sqlite3_db_name(db(), databases_) != nullptr;
    const bool clean =
        !in_transaction() && !damaged_ && !left_attached && !authorizer_.left_session_state();
    return clean ? db::Reuse::clean : db::Reuse::discard;
}

int64_t Connection::memory_bytes() const {
    int64_t sum = 0;
    for (const int part :
         {SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED, SQLITE_DBSTATUS_STMT_USED}) {
        int now = 0;
        int peak = 0;
        if (sqlite3_db_status(db(), part, &now, &peak, 0) == SQLITE_OK) sum += now;
    }
    return sum;
}

std::unique_ptr<db::Held> Connection::try_driver_lock() {
    const char* const name = sqlite3_db_filename(db(), "main");
    if (name == nullptr || *name == '\0') return std::make_unique<db::Held>();  // nobody else sees it
    sqlite3_vfs* vfs = nullptr;
    const bool in_memory = sqlite3_file_control(db(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs) == SQLITE_OK &&
                           vfs != nullptr && std::string_view(vfs->zName) == "memdb";
    return in_memory ? try_lock_memory(name) : try_lock_file(name);
}

sqlite3_file* Connection::log_file() const noexcept {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

bool Connection::checkpoint() {
    int log = -1;
    int written = -1;
    const int result =
        sqlite3_wal_checkpoint_v2(db(), "main", SQLITE_CHECKPOINT_PASSIVE, &log, &written);
    if (result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY)
        throw failure(result, {}, Wait::forever());
    log_pages_ = 0;
    if (written < log) return true;
    sqlite3_file* const file = log_file();
    sqlite3_int64 size = 0;
    if (log < 0 || file == nullptr) return false;
    if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size <= config_->log_bytes_max)
        return false;
    // Cuts it to nothing; a reader that still looks at its end is not waited for.
    const int cut =
        sqlite3_wal_checkpoint_v2(db(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    return (cut & 0xff) == SQLITE_BUSY;
}

void Connection::copy_into(const std::string& target, const Wait& wait) {
    const Operation operation(*this, wait);
    std::optional<Snapshot> snapshot;
    if (!in_transaction()) {
        begin({.read_only = true}, wait);
        snapshot.emplace(*this);
    }
    wait_ = &wait;
    const Handle copy(target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_URI,
                      target.starts_with("file:") ? Storage::memory : Storage::file);
    // Nobody sees it before it is whole and synced, so it needs no journal of its own.
    sqlite3_exec(copy.get(), "PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF", nullptr, nullptr,
                 nullptr);
    sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", db(), "main");
    if (backup == nullptr) throw engine_error(copy.get(), sqlite3_extended_errcode(copy.get()));
    int result = SQLITE_OK;
    while (result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY ||
           (result & 0xff) == SQLITE_LOCKED) {
        if (wait.over()) break;
        if (result != SQLITE_OK) wait.pause(base::milliseconds{1});
        result = sqlite3_backup_step(backup, copy_pages);
    }
    sqlite3_backup_finish(backup);
    if (result == SQLITE_DONE) return;
    wait.check("the copy");
    throw engine_error(copy.get(), result);
}

int Connection::on_progress(void* self) noexcept {
    Connection& connection = *static_cast<Connection*>(self);
    if (connection.wait_ == nullptr || !connection.wait_->over()) return 0;
    connection.stopped_ = true;
    return 1;
}

int Connection::on_busy(void* self, int count) noexcept {
    Connection& connection = *static_cast<Connection*>(self);
    if (connection.wait_ == nullptr) return 0;
    if (connection.wait_->over()) {
        connection.stopped_ = true;
        return 0;
    }
    try {
        // Doubles, and differs between waiters so that they do not come back together.
        const auto pause =
            std::min(busy_pause_max, base::milliseconds{1 << std::min(count / 2, 8)});
        connection.jitter_ = connection.jitter_ * 1'664'525 + 1'013'904'223;
        const auto jitter = base::milliseconds{(connection.jitter_ >> 16) %
                                               static_cast<uint32_t>(pause.count() + 1)};
        connection.wait_->pause(base::milliseconds{1} + (pause + jitter) / 2);
        return 1;
    } catch (...) {
        return 0;
    }
}

int Connection::on_log_written(void* self, sqlite3* db, const char* name, int pages) noexcept {
    Connection& connection = *static_cast<Connection*>(self);
    if (std::string_view(name) != "main") return SQLITE_OK;
    connection.log_pages_ = pages;
    if (pages < log_backlog * connection.config_->checkpoint_pages) return SQLITE_OK;
    int log = 0;
    int written = 0;
    const int result =
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, &log, &written);
    if (result == SQLITE_OK) connection.log_pages_ = log - written;
    return SQLITE_OK;  // the commit has succeeded, whatever became of the checkpoint
}

}  // namespace mtdb::backends::sqlite
