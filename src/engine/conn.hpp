// SPDX-License-Identifier: MIT
// A lease in a program's hands: statements, transactions and results over one pooled connection.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "db/connection.hpp"
#include "db/placeholders.hpp"
#include "engine/counted.hpp"
#include "pool/pools.hpp"

namespace mtdb::engine {

class Batch;
class Conn;
class Db;
class Result;
class TableRows;
enum class Patience : int;

// A cancel token in a program's hands.
class Cancel final : public Counted {
public:
    CancelToken token;
};

// A compiled statement while somebody uses it: listed with its conn, so that the end of the lease
// takes it away.
struct Use {
    pool::Compiled* compiled = nullptr;
    bool shown = false;  // a cursor stands on a row of it
    Use* previous = nullptr;
    Use* next = nullptr;
    db::Statement& statement() const noexcept { return *compiled->statement; }
};

// An object whose last reference may go on any thread, while another thread is inside its conn:
// whoever is inside ends it.
class Dependent : public Counted {
protected:
    friend class Conn;
    Dependent(Conn* conn, Ref<Counted> keeper) noexcept
        : Counted(conn == nullptr), conn_(conn), keeper_(std::move(keeper)) {}
    void last_release() noexcept final;
    virtual void end() noexcept = 0;  // inside the conn, if it is still open

    Conn* const conn_;  // null: a result without a lease
    Ref<Counted> keeper_;  // the conn, or what keeps it
    Dependent* deferred_ = nullptr;
    std::atomic<bool>* room_ = nullptr;  // of the memory that it lies in; null: its own
};

// Memory for one object within its conn: most leases have one statement and one result at a time.
template <class T>
struct Room {
    alignas(T) std::byte bytes[sizeof(T)];
    std::atomic<bool> taken{false};  // set inside the conn only
};

// A prepared statement in a program's hands.
class Stmt final : public Dependent {
public:
    static Ref<Stmt> prepare(Conn& conn, std::string_view sql, const Wait& wait);

    int32_t parameter_count();
    int32_t parameter_index(std::string_view name);
    void bind(int32_t index, const db::Value& value);
    void bind_block(const void* data, int64_t size);
    void clear();
    Ref<Result> execute(const Wait& wait, Ref<Cancel> cancel);
    void close();
    Conn& conn() const noexcept { return *conn_; }

private:
    friend class Conn;
    friend class Result;
    using Dependent::Dependent;
    void end() noexcept override;
    void check_open() const;
    void check_idle() const;

    Use use_;
    std::vector<char> block_;  // rows bound for the next execute
    uint64_t executions_ = 0;
};

// Rows in a program's hands.
class Result final : public Dependent {
public:
    // Rows that no lease stands behind.
    static Ref<Result> of_rows(std::unique_ptr<db::Rows> rows, const Wait& wait = {},
                               Ref<Cancel> cancel = {});

    struct ColumnFacts {
        std::string name;
        std::string declared;
        db::Type type;
        int32_t nullable;
    };

    int32_t column_count();
    ColumnFacts column(int32_t index);
    // What mtdb_result_fetch() says: OK, DONE or TRUNCATED.
    int32_t fetch(void* buffer, int64_t capacity, int64_t rows_max, int64_t& rows, int64_t& used);
    bool next();
    // Of the cursor's row; a NULL value without one. Not checked for concurrent use; shutdown
    // leaves a lease that shows a row.
    db::Value value(int32_t column) const noexcept;
    int64_t affected() const noexcept { return affected_; }
    int64_t insert_id() const noexcept { return insert_id_; }
    bool next_set();
    void close();

private:
    friend class Conn;
    friend class Stmt;
    using Dependent::Dependent;
    void end() noexcept override;
    class Entry;
    template <class Work>
    decltype(auto) reading(Work&& work);
    db::Rows& rows();
    bool on_conn() const noexcept { return conn_ && kept_ == nullptr && !rowless_; }
    void show(bool row) noexcept;
    void keep(const Wait& wait);
    const pool::Compiled* source() const noexcept { return stmt_ ? stmt_->use_.compiled : use_.compiled; }
    int32_t fill(db::Rows& source, void* buffer, int64_t capacity, int64_t rows_max,
                 int64_t& rows_out, int64_t& used);
    void done();
    void close_inside() noexcept;  // leaves the conn

    Use use_;                         // of a query without a Stmt
    Stmt* stmt_ = nullptr;            // of a prepared statement, which is then the keeper
    uint64_t execution_ = 0;          // the Stmt's, when this result was made
    std::unique_ptr<db::Rows> kept_;  // rows in memory
    Wait wait_;
    Ref<Cancel> cancel_;
    int64_t affected_ = 0;
    int64_t insert_id_ = 0;
    int64_t row_bytes_ = 32;  // heap that a row needs, as seen so far
    const char* lost_ = nullptr;  // why its rows are gone
    bool on_row_ = false;
    bool done_ = false;
    bool rowless_ = false;  // a statement without columns stands behind it, and it has been run
    bool closed_ = false;
    bool conn_guards_ = false;  // its rows are the conn's to the end: that guard is enough
    std::atomic<bool> inside_{false};  // else: the guard of what is above; taken before the conn's
};

enum class TxState : int32_t { none = 0, open = 1, lost = 2 };

// Around the rows of a block, a batch, or a statement that writes and returns rows, inside the caller's
// transaction: a failure undoes these, not the transaction.
constexpr std::string_view block_savepoint = "mtdb_block";

struct LeaseOptions {
    std::string tag;
    bool read_only = false;
    bool one_shot = false;         // given back when its result is done
    const void* origin = nullptr;  // the code that acquired it
};

class Conn final : public Counted, private pool::Holder {
public:
    Conn(Ref<Db> db, std::string_view tenant, LeaseOptions&& options);

    Db& db() const noexcept { return *db_; }
    const std::string& tenant() const noexcept { return tenant_; }
    pool::Holder* holder() noexcept { return this; }
    // As Db::wait(); a hold of the tenant that ends running leases ends what waits with it.
    Wait wait(int64_t timeout_ms, const Ref<Cancel>& cancel, Patience patience) const;
    // Ready for use: called once, with the lease that holder() was given to.
    void start(pool::Lease lease) noexcept;
    pool::Lease& lease() noexcept { return lease_; }

    // Everything below enters the conn: Error(misuse) when another thread is inside, Error(closed)
    // after the end.
    int64_t exec(std::string_view sql, const db::BlockView* parameters, const Wait& wait);
    Ref<Result> query(std::string_view sql, const db::BlockView* parameters, const Wait& wait,
                      Ref<Cancel> cancel);
    void exec_script(std::string_view text, int64_t& statements, const Wait& wait);
    Ref<Result> exec_batch(const Batch& batch, const Wait& wait);
    int64_t insert_id();
    // Another tenant for the same handle, and back to the first one.
    void use(std::string_view tenant, const Wait& wait);
    void reset(const Wait& wait);
    std::string current(const Wait& wait);
    void close();

    void begin(const db::TransactionMode& mode, const Wait& wait);
    void commit(const Wait& wait);
    void rollback();
    void savepoint(std::string_view name);
    void rollback_to(std::string_view name);
    void release_savepoint(std::string_view name);
    TxState tx_state();

    // Runs work on the connection itself, which may be used as one likes but for its lease. No transaction is open
    // before, and none may be afterwards. What was known of the tenant's schema is forgotten when it writes.
    // `term` is the term() of the lease that is meant: Error(closed) once use() has brought another one.
    enum class Writes { no, yes };
    void lend(Writes writes, int64_t term, const Wait& wait, const std::function<void(db::Connection&)>& work);
    int64_t term() const noexcept { return term_.load(); }
    // Locks of the session that a migration driver has taken, until the lease ends. Within lend(): the server would
    // give such a lock to the same session again.
    std::set<std::string, std::less<>>& driver_locks() noexcept { return driver_locks_; }

    // Marks the calling thread as inside; at the end it also ends what other threads released
    // meanwhile.
    class Inside {
    public:
        explicit Inside(Conn& conn) : conn_(conn) {
            if (!conn.enter(Holder::guard_inside)) [[unlikely]]
                conn.enter_late();
            if (!conn.lease_) [[unlikely]]
                conn.turn_away();
        }
        ~Inside() { conn_.leave(); }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

    private:
        Conn& conn_;
    };

private:
    friend class Dependent;
    friend class Stmt;
    friend class Result;

    template <class Work>
    decltype(auto) entered(Work&& work);

    // Inside only:
    template <class Made>
    Ref<Made> make_dependent(Room<Made>& room, Ref<Counted> keeper);
    void compile(Use& use, std::string_view sql, const Wait& wait);
    void end_use(Use& use) noexcept;
    void check_usable() const;
    void before(const db::Statement& statement, const Wait& wait);
    void check_may_write(const db::Statement& statement) const;
    void check_place();
    void confirm_place();
    // Where a connection reads one statement at a time: the rest of an open result moves into memory.
    void keep_open_rows(const Wait& wait) {
        if (open_rows_ != nullptr) [[unlikely]]
            open_rows_->keep(wait);
    }
    void open_rows(Result& result) noexcept;
    void drop_open_rows(const char* reason) noexcept;
    void forget_open_rows(const pool::Compiled* compiled) noexcept;
    void relay_notices() noexcept;
    void bind_to(std::string_view tenant, const Wait& wait);
    bool run_at_once(std::string_view text, int64_t& statements, const Wait& wait);
    // A statement was answered: the tenant and the connection are there.
    void prove() noexcept {
        if (!shared_) return;
        lease_.prove();
        answered_ = true;
    }
    bool replaceable(const Error& error) const noexcept;
    void replace(const Wait& wait);
    template <class Work>
    decltype(auto) on_living(const Wait& wait, Work&& work);
    // Runs work of a compiled statement; an error is placed in the text that the caller wrote.
    template <class Work>
    decltype(auto) placed(const Use& use, Work&& work) {
        try {
            return work();
        } catch (const Error& error) {
            if (!use.compiled->portable || error.line() == 0) throw;
            throw in_caller_text(error, *use.compiled);
        }
    }
    static Error in_caller_text(const Error& error, const db::Portable& portable, std::string_view sql);
    Error in_caller_text(const Error& error, const pool::Compiled& compiled) const;
    void check_single(const pool::Compiled& compiled, std::string_view tail) const;
    static std::optional<Error> drain(db::Statement& statement, TableRows& table,
                                      const Wait& wait);
    void after(db::Control control, bool succeeded) noexcept;
    template <class Work>
    decltype(auto) tracked(db::Control control, Work&& work);
    template <class Work>
    decltype(auto) read(Work&& work);
    void check_parameters(const db::Statement& statement, const db::BlockView& view) const;
    int64_t exec_compiled(db::Statement& statement, const db::BlockView* parameters, const Wait& wait);
    int64_t run(db::Statement& statement, const Wait& wait);
    int64_t run_rows(db::Statement& statement, const db::BlockView& view, const Wait& wait);
    bool undo_rows(db::Statement& statement, bool nested);
    class BatchRun;
    bool undo_savepoint();
    std::unique_ptr<db::Rows> kept_rows(db::Statement& statement, const Wait& wait);
    std::unique_ptr<db::Rows> run_returning(db::Statement& statement, const Wait& wait);
    void end_lease() noexcept;
    void lose() noexcept;
    db::Connection& connection() const noexcept { return lease_.connection(); }

    bool enter(int32_t as) noexcept {
        int32_t expected = Holder::guard_free;
        return guard.compare_exchange_strong(expected, as);
    }
    void enter_late();
    [[noreturn]] void turn_away();
    // Throws Error(misuse) when another thread is inside. False: shutdown has taken the lease.
    bool enter_for_use();
    void show(Use& use, bool row) noexcept;  // inside
    void leave() noexcept {
        guard.store(Holder::guard_free);
        if (deferred_.load() != nullptr) [[unlikely]]
            tidy();
    }
    void tidy() noexcept;
    void retire(Dependent* dependent) noexcept;
    static Ref<Counted> dispose(Dependent* dependent) noexcept;
    void end_deferred() noexcept;
    void surrender() noexcept override;
    bool shows_row() const noexcept override { return shown_ > 0; }
    void revoke() noexcept override { revoked_.store(true, std::memory_order_release); }
    void let_go() noexcept override { lease_.give_turn(); }
    [[noreturn]] void tell_gone() const;
    void last_release() noexcept override;
    std::string origin() const;
    std::string origin_or_unknown() const noexcept;

    Ref<Db> db_;
    std::string tenant_;
    std::unique_ptr<const std::string> home_;  // the tenant that it was acquired for, once another one is used
    LeaseOptions options_;
    pool::Lease lease_;
    const bool shared_;  // the connection is a server's, which other tenants use too
    bool unbound_ = false;   // without a lease, though not closed: a new one was not to be had
    bool answered_ = false;  // a statement of this lease, where connections are shared
    Use* uses_ = nullptr;
    Result* open_rows_ = nullptr;  // the result that is being read, where only one can be
    std::vector<std::string> savepoints_;
    std::set<std::string, std::less<>> driver_locks_;
    std::atomic<int64_t> term_{0};
    int64_t insert_id_ = 0;  // of the last INSERT of this lease
    TxState tx_ = TxState::none;
    bool tx_read_only_ = false;
    int32_t shown_ = 0;  // uses that a cursor shows a row of
    std::atomic<bool> revoked_{false};  // a hold ended the lease
    std::atomic<Dependent*> deferred_{nullptr};
    Room<Stmt> stmt_room_;
    Room<Result> result_room_;
};

template <class Made>
Ref<Made> Conn::make_dependent(Room<Made>& room, Ref<Counted> keeper) {
    if (room.taken.load(std::memory_order_acquire))
        return Ref<Made>::adopt(new Made(this, std::move(keeper)));
    auto* const made = new (room.bytes) Made(this, std::move(keeper));
    made->room_ = &room.taken;
    room.taken.store(true, std::memory_order_relaxed);
    return Ref<Made>::adopt(made);
}

// Runs work inside, and names the tenant in what goes wrong.
template <class Work>
decltype(auto) Conn::entered(Work&& work) {
    const Inside inside(*this);
    struct Relay {
        Conn& conn;
        ~Relay() {
            if (conn.shared_) conn.relay_notices();
        }
    } relay{*this};
    try {
        return work();
    } catch (const Error& error) {
        if (!error.tenant().empty()) throw;
        throw error.with_tenant(tenant_);
    }
}

// Runs the first statement of a lease; once more on another connection when this one turns out to be dead and
// nothing was sent.
template <class Work>
decltype(auto) Conn::on_living(const Wait& wait, Work&& work) {
    if (!shared_ || answered_) return work();
    try {
        return work();
    } catch (const Error& error) {
        if (!replaceable(error)) throw;
    }
    replace(wait);
    return work();
}

// As tracked(), for what only reads: nothing has changed unless it failed.
template <class Work>
decltype(auto) Conn::read(Work&& work) {
    try {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            prove();
            return;
        } else {
            auto result = work();
            prove();
            return result;
        }
    } catch (...) {
        after(db::Control::none, false);
        throw;
    }
}

// Runs work and then compares what the transaction should be with what the engine says it is.
template <class Work>
decltype(auto) Conn::tracked(db::Control control, Work&& work) {
    struct Settle {
        Conn& conn;
        db::Control control;
        bool succeeded = false;
        ~Settle() { conn.after(control, succeeded); }
    } settle{*this, control};
    if constexpr (std::is_void_v<decltype(work())>) {
        work();
        settle.succeeded = true;
    } else {
        auto result = work();
        settle.succeeded = true;
        return result;
    }
}

}  // namespace mtdb::engine
