// SPDX-License-Identifier: MIT
#include "engine/options.hpp"

#include <cjson/cJSON.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::engine {
namespace {

constexpr uint32_t in_db = static_cast<uint32_t>(Scope::db);
constexpr uint32_t in_migrator = static_cast<uint32_t>(Scope::migrator);
constexpr uint32_t in_lease = static_cast<uint32_t>(Scope::lease);
constexpr uint32_t in_tx = static_cast<uint32_t>(Scope::tx);
constexpr uint32_t in_run = static_cast<uint32_t>(Scope::run);
constexpr uint32_t in_fleet = static_cast<uint32_t>(Scope::fleet);
constexpr uint32_t in_driver = static_cast<uint32_t>(Scope::driver);
constexpr Scope every_scope[] = {Scope::db,  Scope::migrator, Scope::lease, Scope::tx,
                                 Scope::run, Scope::fleet,    Scope::quiesce, Scope::driver};
constexpr uint32_t in_quiesce = static_cast<uint32_t>(Scope::quiesce);

constexpr int64_t any_max = std::numeric_limits<int64_t>::max();
constexpr int64_t count_max = std::numeric_limits<int32_t>::max();
constexpr int64_t kib_max = std::numeric_limits<int32_t>::max();
constexpr int64_t ms_max = int64_t{1000} * 60 * 60 * 24 * 36525;  // a hundred years

struct Parsed {
    bool number = false;  // digits only, with or without a minus
    bool fits = false;
    int64_t value = 0;
};

constexpr Parsed parse_integer(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.remove_prefix(1);
    if (text.empty()) return {};
    Parsed parsed{true, true, 0};
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return {};
        const int64_t step = digit - '0';
        // Counted downwards: the smallest integer has no positive twin.
        if (parsed.value < (std::numeric_limits<int64_t>::min() + step) / 10) parsed.fits = false;
        if (parsed.fits) parsed.value = parsed.value * 10 - step;
    }
    if (!negative && parsed.value == std::numeric_limits<int64_t>::min()) parsed.fits = false;
    if (!negative && parsed.fits) parsed.value = -parsed.value;
    return parsed;
}

constexpr Option text(std::string_view key, uint32_t scopes, std::string_view fallback,
                      std::string_view doc) {
    return {key, scopes, Kind::text, fallback, 0, 0, {}, false, "0.1", doc, 0};
}
constexpr Option integer(std::string_view key, uint32_t scopes, std::string_view fallback,
                         int64_t min, int64_t max, std::string_view doc) {
    const int64_t value = parse_integer(fallback).value;
    return {key, scopes, Kind::integer, fallback, min, max, {}, false, "0.1", doc, value};
}
constexpr Option boolean(std::string_view key, uint32_t scopes, std::string_view fallback,
                         std::string_view doc) {
    const int64_t value = fallback == "true" ? 1 : 0;
    return {key, scopes, Kind::boolean, fallback, 0, 1, {}, false, "0.1", doc, value};
}
constexpr Option choice(std::string_view key, uint32_t scopes, std::string_view choices,
                        std::string_view fallback, std::string_view doc) {
    return {key, scopes, Kind::choice, fallback, 0, 0, choices, false, "0.1", doc, 0};
}

constexpr Option secret(std::string_view key, uint32_t scopes, std::string_view doc) {
    return {key, scopes, Kind::text, "", 0, 0, {}, true, "0.1", doc, 0};
}

constexpr Option table[] = {
    choice("tenancy", in_db, "auto|file|schema|database|server", "auto",
           "How tenants are kept apart; auto takes the backend's own way."),
    text("tenant.path", in_db, "{id}.db",
         "Where a tenant's file is below the root: {id}, and {hash:N} for N hexadecimal digits of "
         "the id's hash."),
    text("tenant.namespace", in_db, "{id}",
         "On a server, the name of a tenant's schema or database: {id}, and {hash:N} for N "
         "hexadecimal digits of the id's hash."),
    text("tenant.user", in_db, "",
         "On a server, the user that a tenant's connections log in as, with {id}: one pool per user, "
         "and the server's grants between the tenants; verbs on tenants stay the url's user's, "
         "and so does all when it is empty."),
    choice("tenant.routes", in_db, "template|map|resolver", "template",
           "Where routes come from: tenant.path, the tenant.map. entries, or the host's answers."),
    text("tenant.map.", in_db, "",
         "Where one tenant of a static map is: a path relative to the root, a namespace, or a URL."),
    choice("tenant.create", in_db, "explicit|on_first_use", "explicit",
           "Whether a tenant is made only by mtdb_tenant_create(), or also by its first lease."),
    text("tenant.shared", in_db, "",
         "Where the shared tables are: the id of the tenant whose file is attached read-only under "
         "that name, or on a server the schema or database, which no tenant may have; empty for "
         "none."),
    boolean("route.outside", in_db, "false",
            "Lets a map or an answer name a file that is not below the root."),
    integer("route.ttl_ms", in_db, "60000", 1, ms_max,
            "How long an answered or refused route is believed."),
    integer("route.request_ms", in_db, "30000", 1, ms_max,
            "How long a taken request may stay unanswered before it is open again."),
    choice("placeholders", in_db, "native|portable", "native",
           "Whether placeholders are the backend's own, or ? and :name on every backend."),
    choice("threads", in_db, "auto|none", "auto",
           "Whether a maintenance thread is started at first need, or the host calls "
           "mtdb_db_maintain()."),
    integer("acquire_timeout_ms", in_db, "30000", 0, ms_max,
            "How long a call waits for a lease when it gives no timeout."),
    integer("query_timeout_ms", in_db, "0", 0, ms_max,
            "How long a statement with its rows may take when the call gives no timeout; 0 for no "
            "end."),
    integer("shutdown_timeout_ms", in_db, "10000", 0, ms_max,
            "How long running work may take to end at mtdb_db_close() when it gives no timeout."),
    integer("pool.size_max", in_db, "8", 1, 1000,
            "Open connections per tenant, or per server where tenants share them."),
    integer("pool.idle_max", in_db, "8", 0, 1000,
            "Idle connections kept per tenant, or per server where tenants share them."),
    integer("pool.touched_max", in_db, "1000", 1, count_max,
            "Distinct tenants that one connection to a server serves before it is replaced."),
    integer("pool.idle_ms", in_db, "300000", 0, ms_max,
            "How long a connection may be idle before it is closed; 0 for ever."),
    integer("pool.lifetime_ms", in_db, "0", 0, ms_max,
            "How long a connection may live before it is replaced; 0 for ever."),
    integer("pool.jitter_percent", in_db, "10", 0, 100,
            "By how much a connection's lifetime varies, so that they do not end together."),
    integer("pool.sweep_ms", in_db, "5000", 1, ms_max,
            "How often maintenance looks for idle and expired connections."),
    integer("pool.tenants_max", in_db, "0", 0, count_max,
            "Tenants open at the same time, or servers where tenants share the connections; 0 for what "
            "files_max allows."),
    integer("connections_max", in_db, "0", 0, count_max,
            "Open connections of the whole db; 0 for what files_max allows."),
    integer("files_max", in_db, "0", 0, count_max,
            "File descriptors the db may hold; 0 for the process limit less files_reserve."),
    integer("files_reserve", in_db, "128", 0, count_max,
            "File descriptors that are always left to the rest of the process."),
    integer("memory_max_bytes", in_db, "0", 0, any_max,
            "Memory that the connections of the whole db may hold; 0 for no limit."),
    integer("tenant.memory_max_bytes", in_db, "0", 0, any_max,
            "Memory that the connections of one tenant may hold; 0 for no limit."),
    integer("tenant.leases_max", in_db, "0", 0, count_max,
            "Leases of one tenant out at the same time; 0 for no limit but pool.size_max."),
    integer("statement_cache", in_db, "256", 0, 10000,
            "Prepared statements kept per connection; 0 for none."),
    integer("result_buffer_max_bytes", in_db, "67108864", 4096, any_max,
            "Memory that one buffered result may take."),
    secret("password", in_db, "Password for the server, instead of one in the url."),
    text("password_file", in_db, "", "File whose first line is the password for the server."),
    text("password_env", in_db, "", "Environment variable that holds the password for the server."),
    integer("connect_timeout_ms", in_db, "0", 0, ms_max,
            "How long one host of a server may take to accept a connection; 0 for the url's time, else ten seconds."),
    text("application_name", in_db, "",
         "The name that a server shows for the connections; empty for the url's, else mtdb."),
    choice("tls.mode", in_db, "auto|disable|prefer|require|verify-ca|verify-full", "auto",
           "How a connection to a server is protected; auto takes the url's word or the client library's."),
    text("tls.ca", in_db, "", "File of the certificate authorities that a server's certificate is checked with."),
    text("tls.cert", in_db, "", "File of the client's certificate."),
    text("tls.key", in_db, "", "File of the client's private key."),
    integer("retry.max", in_db, "6", 0, 1000,
            "How often a transient failure of a verb on tenants, or of connecting, is tried again."),
    integer("retry.interval_ms", in_db, "100", 0, ms_max,
            "The wait before the first of these, doubled each time, with jitter."),
    integer("retry.interval_max_ms", in_db, "30000", 0, ms_max, "The longest of these waits."),
    integer("drop.batch", in_db, "100", 1, 100000,
            "Relations that one transaction drops when a tenant on a server is dropped."),
    choice("bulk", in_db, "flight|copy", "flight",
           "How a block of rows reaches PostgreSQL: executions in one flight, or COPY for a plain INSERT."),
    choice("zero_dates", in_db, "null|error|text", "error",
           "What a MySQL date of zeros is read as."),
    text("postgres.extensions", in_db, "",
         "Schemas of extensions that every tenant's search path gets, separated by commas."),
    choice("postgres.pooler", in_db, "auto|none|transaction|session", "auto",
           "What stands before PostgreSQL: found out, nothing, or a pooler that keeps transactions or "
           "sessions together."),
    choice("sqlite.journal", in_db, "wal|delete", "wal",
           "Journal mode that a tenant's file is created with."),
    choice(
        "sqlite.synchronous", in_db, "full|normal|extra|off", "full",
        "When SQLite syncs to disk; less than full may lose acknowledged commits at a power cut."),
    boolean("sqlite.foreign_keys", in_db, "true", "Whether foreign keys are enforced."),
    integer("sqlite.cache_kib", in_db, "2000", 0, kib_max, "Page cache per connection, in KiB."),
    integer("sqlite.mmap_bytes", in_db, "0", 0, any_max,
            "Bytes of a file read through a memory map; 0 for none."),
    integer("sqlite.length_max_bytes", in_db, "0", 0, count_max,
            "Bytes that one value or row may have, which also bounds a single call of an SQL "
            "function; 0 for what SQLite is built with."),
    integer("sqlite.wal_size_max_bytes", in_db, "67108864", 0, any_max,
            "Size that a write-ahead log is cut to after a checkpoint."),
    integer("sqlite.checkpoint_pages", in_db, "1000", 1, count_max,
            "Pages in a write-ahead log at which maintenance checkpoints it."),
    integer("events.queue", in_db, "4096", 16, 1048576, "Events kept until they are polled."),
    choice("events.level", in_db, "debug|info|warn|error", "info",
           "Lowest level of events that is kept; audit events always are."),
    choice("events.audit", in_db, "count|fail", "count",
           "What happens when the queue is full of audit events: count the lost ones, or fail the "
           "operation beforehand."),
    text("migrate.source", in_db | in_migrator, "", "Folder of the scripts."),
    choice("migrate.layout", in_db | in_migrator, "auto|flyway|golang", "auto",
           "Whose file names the scripts have; auto looks."),
    choice("migrate.history", in_db | in_migrator, "auto|flyway|golang", "auto",
           "Whose history table is written; auto takes the one that exists, else the layout's."),
    text("migrate.table", in_db | in_migrator, "",
         "Name of the history table; empty for the tool's own."),
    choice("migrate.mode", in_db | in_migrator, "manual|auto|check", "manual",
           "What a tenant's first lease does: nothing, migrate it, or refuse one that is not up to "
           "date."),
    boolean("migrate.newer", in_db | in_migrator, "false",
            "Lets tenants through whose history is newer than the scripts."),
    boolean("migrate.out_of_order", in_db | in_migrator, "false",
            "Runs scripts whose version is below the newest applied one."),
    text("migrate.encoding", in_db | in_migrator, "UTF-8",
         "Encoding of the scripts, as iconv names it; UTF-16 is known by its byte order mark."),
    boolean("migrate.placeholders", in_db | in_migrator, "true",
            "Replaces placeholders in scripts of Flyway's layout."),
    text("migrate.placeholder.", in_db | in_migrator, "",
         "The value of one placeholder; its name is the rest of the key, in any case."),
    text("migrate.placeholder_prefix", in_db | in_migrator, "${", "What a placeholder begins with."),
    text("migrate.placeholder_suffix", in_db | in_migrator, "}", "What a placeholder ends with."),
    text("migrate.placeholder_separator", in_db | in_migrator, ":",
         "What follows flyway in the names of built-in placeholders."),
    text("migrate.flyway.prefix", in_db | in_migrator, "V", "What names of versioned scripts begin with."),
    text("migrate.flyway.undo_prefix", in_db | in_migrator, "U", "What names of undo scripts begin with."),
    text("migrate.flyway.repeatable_prefix", in_db | in_migrator, "R",
         "What names of repeatable scripts begin with."),
    text("migrate.flyway.baseline_prefix", in_db | in_migrator, "B", "What names of baseline scripts begin with."),
    text("migrate.flyway.separator", in_db | in_migrator, "__",
         "What stands between version and description in a script's name."),
    text("migrate.flyway.suffixes", in_db | in_migrator, ".sql",
         "What names of scripts end with, separated by commas."),
    boolean("migrate.flyway.strict_names", in_db | in_migrator, "false",
            "Refuses a folder with .sql files whose names are no script's."),
    text("migrate.ignore", in_db | in_migrator, "*:future",
         "Patterns type:state, separated by commas, of what validate overlooks and repair leaves alone."),
    boolean("migrate.mixed", in_db | in_migrator, "false",
            "Lets a script have statements that cannot run in a transaction beside others; then none of them does."),
    boolean("migrate.group", in_db | in_migrator, "false",
            "Runs all scripts of a run in one transaction, where the database can."),
    boolean("migrate.transaction", in_db | in_migrator, "true",
            "Runs each script in a transaction, unless it is configured otherwise."),
    boolean("migrate.record_only", in_db | in_migrator, "false",
            "Writes the history as if scripts had run, without running them."),
    boolean("migrate.baseline_on_migrate", in_db | in_migrator, "false",
            "Begins the history of a tenant that has tables and none with a baseline."),
    text("migrate.baseline_version", in_db | in_migrator, "1", "The version of that baseline."),
    text("migrate.baseline_description", in_db | in_migrator, "<< Flyway Baseline >>",
         "The description of that baseline."),
    choice("migrate.drop", in_db | in_migrator, "refuse|allow", "refuse",
           "Whether mtdb_migrator_drop() may empty a tenant."),
    integer("migrate.backoff_ms", in_db | in_migrator, "1000", 1, 60000,
            "First wait after a failed automatic migration; it doubles up to a minute."),
    integer("migrate.timeout_ms", in_db | in_migrator, "0", 0, ms_max,
            "How long a tenant's automatic migration may take at its first lease; 0 for that "
            "lease's own time."),
    integer("migrate.lock_timeout_ms", in_db | in_migrator, "3000", 0, ms_max,
            "How long a statement of a script waits on a server for a lock of others; 0 for the server's own time. "
            "MariaDB and MySQL count whole seconds."),
    integer("migrate.lock_retries", in_db | in_migrator, "10", 0, 1000,
            "How often such a statement, or the script that it rolled back, is tried again."),
    text("driver.table", in_driver, "schema_migrations", "Name of a driver's version table."),
    boolean("driver.table_quoted", in_driver, "false",
            "On PostgreSQL, driver.table is written in double quotes, and may have a schema in front."),
    integer("driver.statement_timeout_ms", in_driver, "0", 0, ms_max,
            "How long a text may run, or each of its statements with driver.multi_statement; 0 for no end."),
    boolean("driver.multi_statement", in_driver, "false",
            "On PostgreSQL, runs the statements of a text one by one, each in a transaction of its own."),
    integer("driver.statement_size_max_bytes", in_driver, "10485760", 1, any_max,
            "Bytes that a statement of such a text may have."),
    choice("driver.lock", in_driver, "advisory|table|none", "advisory",
           "What keeps other migrators out: the server's locks or the file's, a row of a table, or nothing."),
    text("driver.lock_table", in_driver, "schema_lock", "Name of that table."),
    boolean("driver.no_tx_wrap", in_driver, "false",
            "On SQLite, runs a text without a transaction around it."),
    text("lease.tag", in_lease, "",
         "A name for the lease in events, such as the place that acquired it."),
    boolean("lease.read_only", in_lease, "false", "Refuses statements that write."),
    boolean("tx.read_only", in_tx, "false",
            "Begins a transaction that refuses to write and waits for no writer."),
    choice("tx.isolation", in_tx, "standard|read_committed|repeatable_read|serializable",
           "standard", "Isolation of the transaction; standard is the backend's own default."),
    boolean("tx.immediate", in_tx, "true",
            "Takes the write lock at begin, where the backend has one."),
    integer("run.workers", in_run, "1", 1, 64, "Threads that a run over many tenants uses."),
    text("control", in_db, "",
         "Where the control store is: the path of a SQLite file, or a server's url; empty for a file below a "
         "SQLite root, and none for servers."),
    text("control.namespace", in_db, "mtdb_control",
         "The schema or database of the control store on a server; made when it is not there."),
    choice("fleet.verb", in_fleet, "migrate|undo|info|validate|repair|baseline|sql", "migrate",
           "What a fleet run does to each tenant."),
    text("fleet.target", in_fleet, "",
         "The target of the verb, as mtdb_migrator_migrate() or _undo() takes it; of baseline: the version."),
    text("fleet.sql", in_fleet, "",
         "The script that verb sql runs; with mtdb_fleet_query() one statement."),
    boolean("fleet.write", in_fleet, "false", "Lets verb sql write."),
    text("fleet.run", in_fleet, "", "The run's name in the ledger; empty for a new one of its own."),
    choice("fleet.resume", in_fleet, "new|rest|failed|applied", "new",
           "Whether the run is a new one, or takes up one of the ledger: what it left undone, also what "
           "failed, or undoes what it applied."),
    choice("fleet.ledger", in_fleet, "on|off", "on",
           "Whether the run keeps a ledger in the control store; without one it cannot be taken up."),
    choice("fleet.trust", in_fleet, "history|ledger", "history",
           "What says that a tenant has nothing to do: its own history, or a ledger that saw it with the "
           "same scripts and an unchanged file."),
    integer("fleet.workers", in_fleet, "4", 1, 64, "Tenants that are worked on at the same time."),
    integer("fleet.server_workers", in_fleet, "0", 0, 64,
            "How many of these may be on one server; 0 for all. A server that refuses connections gets fewer "
            "until it proves to take more."),
    choice("fleet.on_failure", in_fleet, "stop|continue", "stop",
           "Whether a tenant that fails halts the run; what has begun is done to its end."),
    text("fleet.failures_max", in_fleet, "",
         "With fleet.on_failure=continue: how many tenants may fail, as a count or a share such as 5%, "
         "before the run halts; empty for any number."),
    integer("fleet.failures_in_row_max", in_fleet, "0", 0, count_max,
            "So many failures one after the other halt the run; 0 for any number."),
    text("fleet.canary", in_fleet, "0",
         "How many tenants, which share, or which ids (separated by commas) go first; one that fails there halts "
         "the run."),
    text("fleet.waves", in_fleet, "",
         "Sizes of the waves behind the canary, separated by commas; the last is repeated; empty for one wave."),
    integer("fleet.soak_ms", in_fleet, "0", 0, ms_max, "How long the run waits between two waves."),
    boolean("fleet.verdict", in_fleet, "false",
            "After each wave mtdb_fleet_run() returns NEEDS, and goes on once mtdb_fleet_decide() said so."),
    integer("fleet.retries_max", in_fleet, "2", 0, 100,
            "How often a tenant is tried again after a failure that may pass."),
    integer("fleet.retry_ms", in_fleet, "200", 0, ms_max, "The wait before the first such try; it doubles."),
    secret("migrate.quiesce_token", in_db | in_migrator | in_fleet,
           "Token of a quiesce flag's owner: the migrator's verbs pass that flag."),
    secret("quiesce.store", in_quiesce,
           "Where quiesce flags are kept: the url of a PostgreSQL or MySQL database, the path or url of an SQLite "
           "file; empty for this db's memory."),
    text("quiesce.table", in_quiesce, "",
         "Name of the table of the global flag, schema.name on PostgreSQL; empty for quiesce_flags. The library's own "
         "table is beside it: mtdb_quiesce, or mtdb_<name> for another name."),
    text("quiesce.scopes", in_quiesce, "",
         "Scopes that this process obeys besides global and each tenant's own, such as server:eu1,group:beta."),
    text("quiesce.process", in_quiesce, "",
         "The name that this process announces; empty for that of its program."),
    integer("quiesce.refresh_ms", in_quiesce, "1000", 10, 600000,
            "How often a db that obeys reads the flags and announces itself."),
    integer("quiesce.announce_ms", in_quiesce, "10000", 100, 3600000,
            "How long an announcement holds, and how long leases are granted on what was read; at least four times "
            "quiesce.refresh_ms."),
    choice("quiesce.on_error", in_quiesce, "auto|open|closed", "auto",
           "What happens while the flags cannot be read: leases and migrations go on, neither does, or with auto "
           "leases only."),
    choice("quiesce.leases", in_quiesce, "refuse|wait", "refuse",
           "Whether a lease is refused while a flag is set, or waits for the flag's end within its deadline."),
};
constexpr std::size_t table_size = std::size(table);

constexpr auto by_key = [] {
    std::array<uint8_t, table_size> order{};
    for (std::size_t i = 0; i < table_size; ++i) order[i] = static_cast<uint8_t>(i);
    std::sort(order.begin(), order.end(),
              [](uint8_t a, uint8_t b) { return table[a].key < table[b].key; });
    return order;
}();

const Option* find_option(std::string_view key) noexcept {
    // The last entry that is not above the key: itself, or its prefix (no other key begins as a
    // prefix key does).
    const auto above = std::upper_bound(
        by_key.begin(), by_key.end(), key,
        [](std::string_view wanted, uint8_t index) { return wanted < table[index].key; });
    if (above == by_key.begin()) return nullptr;
    const Option& option = table[*(above - 1)];
    if (option.key == key) return &option;
    return option.prefix() && key.starts_with(option.key) ? &option : nullptr;
}

const Option& option_of(std::string_view key) {
    if (const Option* option = find_option(key)) return *option;
    std::vector<std::string_view> keys;
    for (const Option& option : table) keys.push_back(option.key);
    std::string message = "unknown option '" + base::excerpt(key) + "'";
    const auto near = base::nearest(key, keys);
    if (near) message += "; did you mean '" + std::string(*near) + "'?";
    throw Error(Code::invalid_argument, std::move(message));
}

// The option of a value that is to be set: a prefix needs something behind it.
const Option& settable(std::string_view key) {
    const Option& option = option_of(key);
    if (option.prefix() && key == option.key) {
        throw Error(Code::invalid_argument,
                    "option '" + std::string(key) + "' needs a name behind its prefix");
    }
    return option;
}

std::string allowed(const Option& option) {
    switch (option.kind) {
        case Kind::integer: {
            if (option.max == any_max)
                return "an integer of at least " + std::to_string(option.min);
            return "an integer from " + std::to_string(option.min) + " to " +
                   std::to_string(option.max);
        }
        case Kind::boolean:
            return "true or false";
        case Kind::choice: {
            std::string list = "one of ";
            for (const char c : option.choices)
                list += c == '|' ? std::string(", ") : std::string(1, c);
            return list;
        }
        case Kind::text:
            break;
    }
    return "text";
}

Error refused(const Option& option, std::string_view given) {
    const std::string_view value = option.secret ? std::string_view("***") : given;
    return Error(Code::invalid_argument, "option '" + std::string(option.key) + "' takes " +
                                             allowed(option) + ", not '" + base::excerpt(value) +
                                             "'");
}

void check_range(const Option& option, int64_t value) {
    if (value < option.min || value > option.max) throw refused(option, std::to_string(value));
}

bool has_choice(std::string_view choices, std::string_view value) noexcept {
    for (std::size_t at = 0; at <= choices.size();) {
        const std::size_t end = std::min(choices.find('|', at), choices.size());
        if (choices.substr(at, end - at) == value) return true;
        at = end + 1;
    }
    return false;
}

std::optional<int64_t> find_boolean(std::string_view value) noexcept {
    if (value == "true" || value == "1") return 1;
    if (value == "false" || value == "0") return 0;
    return std::nullopt;
}

std::string scope_names(uint32_t scopes) {
    std::string names;
    for (const Scope scope : every_scope) {
        if ((scopes & static_cast<uint32_t>(scope)) == 0) continue;
        if (!names.empty()) names += ',';
        names += name_of(scope);
    }
    return names;
}

struct FreeJson {
    void operator()(cJSON* json) const noexcept { cJSON_Delete(json); }
    void operator()(char* printed) const noexcept { cJSON_free(printed); }
};

cJSON* made(cJSON* json) {
    if (json == nullptr) throw std::bad_alloc();
    return json;
}

void add_text(cJSON* object, const char* name, std::string_view value) {
    made(cJSON_AddStringToObject(object, name, std::string(value).c_str()));
}

// A double cannot carry every int64, so the digits go in as they are.
void add_integer(cJSON* object, const char* name, int64_t value) {
    made(cJSON_AddRawToObject(object, name, std::to_string(value).c_str()));
}

void add_default(cJSON* object, const Option& option) {
    switch (option.kind) {
        case Kind::integer:
            return add_integer(object, "default", option.fallback_integer);
        case Kind::boolean:
            made(cJSON_AddBoolToObject(object, "default", option.fallback_integer != 0));
            return;
        case Kind::text:
        case Kind::choice:
            return add_text(object, "default", shown(option, option.fallback));
    }
}

const char* name_of(Kind kind) noexcept {
    switch (kind) {
        case Kind::text:
            return "text";
        case Kind::integer:
            return "integer";
        case Kind::boolean:
            return "boolean";
        case Kind::choice:
            return "choice";
    }
    return "";
}

}  // namespace

std::string_view name_of(Scope scope) noexcept {
    switch (scope) {
        case Scope::db:
            return "db";
        case Scope::migrator:
            return "migrator";
        case Scope::lease:
            return "lease";
        case Scope::tx:
            return "tx";
        case Scope::run:
            return "run";
        case Scope::fleet:
            return "fleet";
        case Scope::driver:
            return "driver";
        case Scope::quiesce:
            return "quiesce";
    }
    return "";
}

std::span<const Option> options() noexcept { return table; }

std::string shown(const Option& option, std::string_view value) {
    return option.secret && !value.empty() ? "***" : std::string(value);
}

const Options::Value* Options::find(const Option& option) const noexcept {
    for (const Value& value : values_) {
        if (value.option == &option) return &value;
    }
    return nullptr;
}

void Options::put(const Option& option, std::string text, int64_t integer) {
    for (Value& value : values_) {
        if (value.option != &option) continue;
        value.text = std::move(text);
        value.integer = integer;
        return;
    }
    values_.push_back({&option, std::move(text), integer});
}

void Options::add(const Options& other) {
    for (const Value& value : other.values_) put(*value.option, value.text, value.integer);
    for (const auto& [key, value] : other.items_) items_.insert_or_assign(key, value);
}

void Options::set_text(std::string_view key, std::string_view value) {
    const Option& option = settable(key);
    if (option.kind == Kind::integer) {
        const Parsed parsed = parse_integer(value);
        if (!parsed.number || !parsed.fits) throw refused(option, value);
        check_range(option, parsed.value);
        return put(option, std::to_string(parsed.value), parsed.value);
    }
    if (option.kind == Kind::boolean) {
        const std::optional<int64_t> parsed = find_boolean(value);
        if (!parsed) throw refused(option, value);
        return put(option, *parsed != 0 ? "true" : "false", *parsed);
    }
    if (option.kind == Kind::choice && !has_choice(option.choices, value))
        throw refused(option, value);
    if (value.find('\0') != std::string_view::npos || !base::valid_utf8(value)) {
        throw Error(Code::invalid_argument,
                    "the value of option '" + base::excerpt(key) + "' is not UTF-8 without NUL");
    }
    if (!option.prefix()) return put(option, std::string(value), 0);
    items_.insert_or_assign(std::string(key), std::string(value));
}

void Options::set_integer(std::string_view key, int64_t value) {
    const Option& option = settable(key);
    if (option.kind == Kind::boolean && (value == 0 || value == 1))
        return set_boolean(key, value == 1);
    if (option.kind != Kind::integer) throw refused(option, std::to_string(value));
    check_range(option, value);
    put(option, std::to_string(value), value);
}

void Options::set_boolean(std::string_view key, bool value) {
    const Option& option = settable(key);
    if (option.kind != Kind::boolean) throw refused(option, value ? "true" : "false");
    put(option, value ? "true" : "false", value ? 1 : 0);
}

std::string Options::get_text(std::string_view key) const {
    return shown(option_of(key), text(key));
}

bool Options::has(std::string_view key) const {
    const Option& option = option_of(key);
    return option.prefix() ? items_.contains(key) : find(option) != nullptr;
}

void Options::check_scope(Scope scope) const {
    const auto check = [scope](const Option& option, std::string_view key) {
        if ((option.scopes & static_cast<uint32_t>(scope)) != 0) return;
        throw Error(Code::invalid_argument, "option '" + base::excerpt(key) + "' is of scope " +
                                                scope_names(option.scopes) + ", not of scope " +
                                                scope_names(static_cast<uint32_t>(scope)));
    };
    for (const Value& value : values_) check(*value.option, value.option->key);
    for (const auto& [key, value] : items_) check(option_of(key), key);
}

std::vector<std::pair<std::string_view, std::string_view>> Options::prefixed(
    std::string_view prefix) const {
    std::vector<std::pair<std::string_view, std::string_view>> found;
    for (auto item = items_.lower_bound(prefix);
         item != items_.end() && item->first.starts_with(prefix); ++item) {
        found.emplace_back(std::string_view(item->first).substr(prefix.size()), item->second);
    }
    return found;
}

std::string Options::text(std::string_view key) const {
    const Option& option = option_of(key);
    if (option.prefix()) {
        const auto item = items_.find(key);
        return item == items_.end() ? std::string() : item->second;
    }
    const Value* value = find(option);
    return value == nullptr ? std::string(option.fallback) : value->text;
}

int64_t Options::integer(std::string_view key) const {
    const Option& option = option_of(key);
    const Value* value = find(option);
    return value == nullptr ? option.fallback_integer : value->integer;
}

bool Options::boolean(std::string_view key) const { return integer(key) != 0; }

int32_t Options::count() noexcept { return static_cast<int32_t>(table_size); }

std::string Options::describe(int32_t index) {
    if (index < 0 || index >= count()) {
        throw Error(Code::invalid_argument, "no option has index " + std::to_string(index) +
                                                "; there are " + std::to_string(count()));
    }
    return describe(table[index]);
}

std::string Options::describe(const Option& option) {
    const std::unique_ptr<cJSON, FreeJson> json(made(cJSON_CreateObject()));
    cJSON* object = json.get();
    add_text(object, "key",
             option.prefix() ? std::string(option.key) + "<id>" : std::string(option.key));
    add_text(object, "scope", scope_names(option.scopes));
    add_text(object, "type", name_of(option.kind));
    add_default(object, option);
    if (option.kind == Kind::integer) {
        add_integer(object, "min", option.min);
        add_integer(object, "max", option.max);
    } else {
        made(cJSON_AddNullToObject(object, "min"));
        made(cJSON_AddNullToObject(object, "max"));
    }
    cJSON* values = made(cJSON_AddArrayToObject(object, "values"));
    for (std::size_t at = 0; !option.choices.empty() && at <= option.choices.size();) {
        const std::size_t end = std::min(option.choices.find('|', at), option.choices.size());
        cJSON* item =
            made(cJSON_CreateString(std::string(option.choices.substr(at, end - at)).c_str()));
        if (cJSON_AddItemToArray(values, item) == 0) {
            cJSON_Delete(item);
            throw std::bad_alloc();
        }
        at = end + 1;
    }
    made(cJSON_AddBoolToObject(object, "secret", option.secret));
    add_text(object, "since", option.since);
    add_text(object, "doc", option.doc);
    const std::unique_ptr<char, FreeJson> printed(cJSON_PrintUnformatted(object));
    if (printed == nullptr) throw std::bad_alloc();
    return printed.get();
}

}  // namespace mtdb::engine
