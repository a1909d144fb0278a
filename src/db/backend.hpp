// SPDX-License-Identifier: MIT
// A kind of database: how to reach a tenant's place, make it, copy it, drop it. Differences between
// backends are data.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/wait.hpp"
#include "db/connection.hpp"
#include "db/place.hpp"
#include "db/placeholders.hpp"
#include "db/reserved.hpp"

namespace mtdb::db {

enum class Namespace { file, schema, database };

// Locks that a query takes and that are no table's: what keeps two migrators of one tenant apart. In the texts
// "{keys}" is replaced by one key, or by a list of them with commas.
struct LockDialect {
    enum class Keys {
        none,     // beginning a transaction that writes is the lock
        numbers,  // of 64 bits, per database
        names     // per server
    };
    Keys keys = Keys::none;
    // The database and the namespace that the session stands in: two columns, as the other tools' keys have them.
    std::string_view place_query = {};
    // Takes all keys for the rest of the transaction, never waiting: one column, true once they are ours; also bounds
    // the waits of the transaction's statements for other locks to "{ms}". "{taken}" is try_key of each "{key}", with
    // AND between them. Empty: there is no such lock.
    std::string_view try_transaction = {};
    std::string_view try_key = {};
    // Takes one key for the session, never waiting, and gives it back.
    std::string_view try_session = {};
    std::string_view release_session = {};
    // Bounds the waits of the session's statements for other locks to "{ms}", or "{s}" seconds.
    std::string_view bound_session = {};
    // Who holds one of the keys, and who stood in the way of a statement that waited for other locks: id, user, text.
    std::string_view holder_query = {};
    std::string_view blocker_query = {};
};

// The table beside a history that holds what neither tool's can: who is at work where nothing undoes a script, and how
// far it came.
struct JournalDialect {
    // The column list of its CREATE TABLE, in parentheses, with what follows it.
    std::string_view columns = {};
    // Behind a SELECT: nobody else writes the row until the transaction ends.
    std::string_view for_update = {};
    // Expressions over a history's row "h" which tell whether it is still the one that we wrote. Empty: nothing does.
    std::string_view flyway_origin = {};
    std::string_view golang_origin = {};
    // Expressions: this session as others can see it, and the server's clock "{ms}" milliseconds ahead.
    std::string_view holder = "''";
    std::string_view ahead = {};
    // A row of 'ON' at the end says that locks of sessions do not hold on the whole of the server. Empty: they do.
    std::string_view partial_locks_query = {};
    // Whether session "{holder}" is gone: true, false, or NULL where that cannot be seen.
    std::string_view gone_query = {};
    // The definition of "{kind}" (such as TABLE) "{name}" as it is now: all columns count.
    std::string_view show = {};
    // Those tables of the present namespace, and of "{more}" (literals, each behind a comma), whose rows no transaction
    // undoes; and what leads to a table without naming it: the names of views, routines and tables with triggers, and
    // their texts. Empty: there are none.
    std::string_view unsafe_tables_query = {};
    std::string_view detours_query = {};
    // Of indices that are built while others write: "valid", "invalid", or no row.
    std::string_view index_query = {};
    std::string_view drop_index = {};
    // The labels of an enumeration.
    std::string_view labels_query = {};
};

// How the history tables of the migration tools are written here, exactly as those tools do.
struct HistoryDialect {
    // The name that they print for the present namespace, such as "main"; empty: not printed.
    std::string_view current_namespace;
    // The names of all tables of the present namespace, one column.
    std::string_view tables_query;
    // Where that is dear: which of the tables '{names}' there are, and a row if there is any table at all.
    std::string_view probe_query = {};
    std::string_view any_table_query = {};
    // Which namespaces of the server have a table of a name: two columns, namespace and table, and what the name is
    // compared with follows. Empty: one namespace at a time.
    std::string_view histories_query = {};
    // Flyway: what stands in CREATE TABLE for these columns, and what follows it.
    std::string_view flyway_integer = "INT";
    std::string_view flyway_timestamp;  // type and default of installed_on
    bool flyway_primary_key_inline = true;  // else as a constraint "<table>_pk"
    // golang-migrate: the column list of its CREATE TABLE, in parentheses, and whether it makes an index besides.
    std::string_view golang_columns;
    bool golang_index = true;
    // What Flyway writes as installed_by: an expression.
    std::string_view flyway_user = "''";
    // Namespace, user and database where the session stands, three columns, as Flyway's placeholders have them. Empty:
    // current_namespace, nobody, none.
    std::string_view place_query = {};
    // The tables of the present namespace that were made after the row of golang-migrate's table "{history}" was
    // written. Empty: nothing tells.
    std::string_view younger_query = {};
    // What empties the present namespace: each query gives statements, one column, of which those of a batch run in one
    // transaction, until it gives none; before and after them a statement each, or none.
    std::span<const std::string_view> empty_queries = {};
    std::string_view before_empty = {};
    std::string_view after_empty = {};
};

// What golang-migrate's database driver contract takes of an engine. Of its queries each has as many parameters as it
// wants, all of them the namespace; table_query has the table's name as a last one.
struct DriverDialect {
    // One row: the names of the database and the namespace that the session stands in, NULL where there is none. Empty:
    // no tables, a version lives as long as its driver.
    std::string_view place_query = {};
    // A row where there is such a table.
    std::string_view table_query = {};
    // The namespace is written in front of the version table's name, and may be another one.
    bool schemas = false;
    // Tries to take a lock, and gives it back: one parameter, true or 1 where it worked. Empty:
    // Connection::try_driver_lock().
    std::string_view lock_query = {};
    std::string_view unlock_query = {};
    bool lock_id_is_text = false;
    // What the lock's number is made of, each a lock of its own, which golang-migrate takes one or the other of: %d is
    // the database, %s the namespace, %t the table, %0 a NUL byte.
    std::span<const std::string_view> lock_names = {};
    // The same for a row of a lock table.
    std::span<const std::string_view> lock_row_names = {};
    // A text is one transaction: begun here, where the engine does not do that by itself.
    bool wraps_texts = false;
    // Namespaces of the server's own: nothing is dropped in them.
    std::span<const std::string_view> protected_namespaces = {};
    // Rows are the statements that drop everything, with a table's name in a second column; then those that undo
    // `before_drop`.
    std::span<const std::string_view> drop_queries = {};
    std::string_view before_drop = {};
    std::string_view restore_query = {};
    bool drops_together = false;       // in one transaction
    std::string_view after_drop = {};  // gives space back; may fail
};

// What a backend can and how it is spelled: code asks this, never for a product.
struct Dialect {
    std::string_view name;
    char quote = '"';
    Namespace tenant_unit = Namespace::file;
    // A connection can be pinned to one tenant after another: tenants of one server share its pool.
    bool shares_connections = false;
    bool transactional_ddl = true;
    // One writing transaction per place at a time: the pool hands out writer turns.
    bool single_writer = false;
    // A script that runs in one go is one transaction: outside of one its statements run one by one.
    bool atomic_scripts = false;
    // Several statements of one connection may be read at once; else an open result is kept in memory when the
    // next statement runs.
    bool concurrent_results = true;
    // False: a place lives as long as its connections (in-memory): never evict.
    bool persistent = true;
    Lexis lexis = {};  // of its SQL; lexis.style is how it spells placeholders
    std::span<const Reserved> reserved = {};  // names that no tenant may have; none: those of files
    bool folds_names = false;                 // names that differ only in case are one name
    std::string_view ping = "SELECT 1";       // really reads
    HistoryDialect history = {};
    DriverDialect driver = {};
    LockDialect locks = {};
    JournalDialect journal = {};
};

// The options of scope "db", read by key. A key that does not exist is our own mistake.
class Settings {
public:
    virtual ~Settings() = default;
    virtual std::string text(std::string_view key) const = 0;
    virtual int64_t integer(std::string_view key) const = 0;
    virtual bool boolean(std::string_view key) const = 0;
};

// How many descriptors a place holds for a peak of so many connections.
struct FileCost {
    int32_t first = 3;
    int32_t further = 2;
    int64_t of(int32_t peak) const { return peak <= 0 ? 0 : first + int64_t{further} * (peak - 1); }
};

// A listing in constant memory.
class TenantCursor {
public:
    virtual ~TenantCursor() = default;
    virtual std::optional<std::string>
    next() = 0;  // the next path, relative to the root, of something that is a tenant's place
};

// A place that was opened for one look, without a lease and without leaving a trace in it.
class Glance {
public:
    virtual ~Glance() = default;
    virtual Connection& connection() = 0;
    // Once all is read: whether nobody can have written meanwhile. Else it was read for nothing.
    virtual bool held() = 0;
};

class Backend {
public:
    virtual ~Backend() = default;
    virtual const Dialect& dialect() const = 0;
    virtual FileCost file_cost() const = 0;
    virtual std::string_view place_suffix() const { return {}; }

    // TENANT_UNKNOWN when there is no such place; never creates one. Where connections are shared, only
    // `place.server` counts: the connection stands nowhere until Connection::pin().
    virtual std::unique_ptr<Connection> open(const Place& place, const Wait& wait) = 0;
    // Something that is another when anything in the place may have changed; empty: this backend cannot tell.
    virtual std::string identity(const Place&) { return {}; }
    // Null: somebody may be writing there, or this backend has no such look. Ends before the backend does.
    virtual std::unique_ptr<Glance> glance(const Place&, const Wait&) { return nullptr; }
    // Durable and whole, or Error(exists) and others.
    virtual void create(const Place& place, const Wait& wait) = 0;
    virtual bool exists(const Place& place, const Wait& wait) = 0;
    // The place of the shared tables, which create() may refuse as nobody's: there afterwards.
    virtual void make_shared(const Place& place, const Wait& wait);
    // Nobody of this process has it open.
    virtual void drop(const Place& place, const Wait& wait) = 0;
    // Nobody of this process has either open. Error(unsupported) where the backend cannot.
    virtual void rename(const Place& place, const Place& target, const Wait& wait);
    // A consistent snapshot of what `source` sees into a new place; durable and whole, or absent.
    virtual void copy(Connection& source, const Place& target, const Wait& wait) = 0;
    virtual std::unique_ptr<TenantCursor> list(const Wait& wait) = 0;
    // Writes back what the write-ahead log holds (without waiting for anyone) and cuts it to
    // `sqlite.wal_size_max_bytes`; true when a reader kept it from being written back whole.
    virtual bool checkpoint(Connection& connection) = 0;
};

}  // namespace mtdb::db
