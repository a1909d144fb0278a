// SPDX-License-Identifier: MIT
// What every backend implements: a connection and its statements. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/wait.hpp"
#include "db/block.hpp"
#include "db/place.hpp"
#include "db/value.hpp"

namespace mtdb::db {

enum class Lifetime {
    copied,
    borrowed
};  // borrowed: the bytes stay until the statement has finished
enum class Isolation { standard, read_committed, repeatable_read, serializable };
enum class Fill {
    more,
    done,
    too_small
};  // too_small: not one row fits; the writer says what it needs
enum class Reuse { clean, discard };

struct TransactionMode {
    bool read_only = false;
    bool immediate = true;  // take the write lock at begin, where the backend has one
    Isolation isolation = Isolation::standard;
};

// What a statement does to the transaction, known once it is prepared.
enum class Control { none, begin, commit, rollback, savepoint };

struct Column {
    std::string_view name;
    std::string_view declared;  // in the engine's words; empty: none
    Type type = Type::variant;  // known before the values, or variant
    int32_t nullable = -1;
};

// Rows read forward, once. Cursor (next, value) and blocks (fill) read the same rows.
class Rows {
public:
    virtual ~Rows() = default;
    // Brings the rows to where column_count() and column() are final; no row is lost by it.
    virtual void settle_columns(const Wait&) {}
    virtual int32_t column_count() const = 0;
    virtual Column column(int32_t index) const = 0;  // views live until the rows end
    virtual bool next(const Wait& wait) = 0;         // false: no more rows
    virtual Value value(int32_t index)
        const = 0;  // of the present row; views live until the next call; text is NUL-terminated
    virtual Fill fill(BlockWriter& writer,
                      const Wait& wait);  // by default through next() and value()
    virtual void close() {}  // they are not read to their end; may wait for what makes them

protected:
    bool pending_ = false;  // the present row did not fit into the last block; false again when the
                            // rows start over
};

// What a server says besides its answer.
struct Notice {
    bool warning = false;
    std::string sqlstate;  // or the engine's number; may be empty
    std::string text;
};

class Statement : public Rows {
public:
    virtual int32_t parameter_count() const = 0;
    virtual int32_t parameter_index(
        std::string_view name) const = 0;  // with or without sigil; 0: none
    virtual void bind(int32_t index, const Value& value, Lifetime lifetime) = 0;
    // All parameters from a row of a block that has as many columns, borrowed.
    virtual void bind_row(const BlockView& view, int32_t row) {
        for (int32_t i = 0; i < view.columns(); ++i)
            bind(i + 1, view.at(row, i), Lifetime::borrowed);
    }
    virtual void clear_bindings() noexcept = 0;
    // For placeholders without numbers: the parameter of each placeholder in the text, when a parameter stands
    // in several places. Called once, right after prepare().
    virtual void set_order(const std::vector<int32_t>& order, int32_t parameters) {
        static_cast<void>(order);
        static_cast<void>(parameters);
    }

    virtual bool read_only() const = 0;  // takes no write lock
    virtual Control control() const = 0;
    // Starts over: the first next() or fill() runs it. A statement without rows is run to its end
    // by run().
    virtual void run(const Wait& wait) = 0;  // to the end; rows are dropped
    // Once per row of the block, all or nothing, in as few trips as the backend can; returns the rows affected.
    // Outside a transaction they are one; inside one a failure undoes these rows only, unless it ends the
    // transaction. nullopt: the backend has no better way than one by one, and nothing was done.
    virtual std::optional<int64_t> run_rows(const BlockView&, const Wait&) { return std::nullopt; }
    virtual int64_t affected() const = 0;    // by the last run to the end
    virtual void reset() noexcept = 0;       // ends reading; bindings stay
    virtual bool reading() const = 0;        // started and not at its end
};

// One of several statements that run together, and what came of it.
struct BatchItem {
    Statement* statement = nullptr;  // may stand in several items
    const BlockView* parameters = nullptr;  // one row, a column per parameter; null: none
    int64_t affected = 0;
    int64_t insert_id = 0;
};

// Gets the rows of tables that are read whole: fields are text as the engine writes it, or null, and live until it
// returns. What it throws is thrown once all is read.
using TableRow = std::function<void(std::size_t table, std::span<const Value> fields)>;

// Something that is given back at its end.
class Held {
public:
    virtual ~Held() = default;
};

class Connection {
public:
    virtual ~Connection() = default;

    // One statement; `tail` gets what follows it (may be null). A text without a statement gives
    // nullptr.
    virtual std::unique_ptr<Statement> prepare(std::string_view sql, std::string_view* tail,
                                               const Wait& wait) = 0;

    // The same for text that is known to hold no NUL and has one right behind it: then what follows
    // the statement costs nothing.
    virtual std::unique_ptr<Statement> prepare_next(std::string_view script, std::string_view* tail,
                                                    const Wait& wait) {
        return prepare(script, tail, wait);
    }

    // Where connections are shared: every statement from now on runs in this place or not at all
    // (TENANT_UNKNOWN). Sends nothing: the next flight takes it along. `another`: the tenant before was another
    // one, and nothing of its session may be seen. Nothing is open or being read.
    virtual void pin(const Place&, bool another) noexcept { static_cast<void>(another); }
    // The namespace that the session stands in, asked of the engine now, without pinning it first.
    virtual std::string standing(const Wait&) { return {}; }
    // One text of several statements, run in order in one go where the backend can: true and the statements that
    // ran, or an error with its position in the text. False: nothing was done, the caller runs them one by one.
    virtual bool run_script(std::string_view, int64_t&, const Wait&) { return false; }
    // Where connections are shared: whether anything went to the server since the lease began, which it may have run.
    virtual bool has_sent() const noexcept { return false; }
    // Statements of this connection, none of which controls the transaction, in order and all or nothing, as
    // Statement::run_rows() has it. An error names its statement (from 1) and the place in that statement's text.
    // False: the backend has no better way than one by one, and nothing was done.
    virtual bool run_batch(std::span<BatchItem>, const Wait&) { return false; }
    // Whole tables in one trip, without a plan for each. A text is a table's full name, then its columns in
    // parentheses. False: there is no better way than queries, and nothing was read.
    virtual bool read_tables(std::span<const std::string>, const TableRow&, const Wait&) { return false; }
    // Whether take_notices() has something; asked after each operation.
    virtual bool has_notices() const noexcept { return false; }
    virtual std::vector<Notice> take_notices() { return {}; }

    // Where the engine has no locks that outlive a transaction: the one lock of this database for the migration
    // drivers of all processes, free again when its holder has died. Null: somebody has it.
    virtual std::unique_ptr<Held> try_driver_lock() { return std::make_unique<Held>(); }

    // False: the place that this connection was opened on is somebody else's now, or gone. A
    // connection that said so is never clean again.
    virtual bool in_place() noexcept { return true; }
    virtual bool in_transaction() const = 0;  // as the engine says, now
    virtual void begin(const TransactionMode& mode, const Wait& wait) = 0;
    virtual void commit(const Wait& wait) = 0;
    virtual void
    rollback() = 0;  // nothing when none is open; throws Error(io) only when the connection is lost
    virtual void savepoint(std::string_view name) = 0;
    virtual void rollback_to(std::string_view name) = 0;
    virtual void release_savepoint(std::string_view name) = 0;

    virtual int64_t insert_id() const = 0;   // of the last successful INSERT since mark_lease()
    virtual void mark_lease() noexcept = 0;  // a new lease begins
    virtual Reuse
    end_lease() noexcept = 0;  // rolls back and cleans; discard: it cannot be proved clean
    virtual int64_t memory_bytes()
        const = 0;  // its caches, now; only by the thread that has the connection
    virtual void shed_memory() noexcept = 0;  // gives back what it can
    // Pages that the write-ahead log held after this connection's last commit; 0: none, or
    // checkpointed since.
    virtual int64_t log_pages() const noexcept = 0;
};

}  // namespace mtdb::db
