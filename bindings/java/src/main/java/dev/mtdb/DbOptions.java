// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

import java.time.Duration;

/** Options of {@link Db#open}. */
public final class DbOptions extends Options<DbOptions> {
    private Resolver resolver;

    /**
     * Says where tenants live, and sets {@code tenant.routes} to resolver.
     *
     * @param resolver asked for each tenant that is not known yet
     * @return this
     */
    public DbOptions resolver(Resolver resolver) {
        this.resolver = resolver;
        return tenantRoutes(TenantRoutes.RESOLVER);
    }

    /** The resolver, or null. */
    Resolver resolver() {
        return resolver;
    }

    /** Makes an empty set. */
    public DbOptions() {}

    /** Values of {@code tenancy}. */
    public enum Tenancy {
        /** {@code auto}. */
        AUTO,
        /** {@code file}. */
        FILE,
        /** {@code schema}. */
        SCHEMA,
        /** {@code database}. */
        DATABASE,
        /** {@code server}. */
        SERVER
    }

    /**
     * How tenants are kept apart; auto takes the backend's own way. Option {@code tenancy}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions tenancy(Tenancy value) {
        return set("tenancy", value);
    }

    /**
     * Where a tenant's file is below the root: &#123;id&#125;, and &#123;hash:N&#125; for N hexadecimal digits of
     * the id's hash. Option {@code tenant.path}.
     *
     * @param value by default &#123;id&#125;.db
     * @return this
     */
    public DbOptions tenantPath(String value) {
        return set("tenant.path", value);
    }

    /**
     * On a server, the name of a tenant's schema or database: &#123;id&#125;, and &#123;hash:N&#125; for N
     * hexadecimal digits of the id's hash. Option {@code tenant.namespace}.
     *
     * @param value by default &#123;id&#125;
     * @return this
     */
    public DbOptions tenantNamespace(String value) {
        return set("tenant.namespace", value);
    }

    /**
     * On a server, the user that a tenant's connections log in as, with &#123;id&#125;: one pool per user, and the
     * server's grants between the tenants; verbs on tenants stay the url's user's, and so does all when it is
     * empty. Option {@code tenant.user}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions tenantUser(String value) {
        return set("tenant.user", value);
    }

    /** Values of {@code tenant.routes}. */
    public enum TenantRoutes {
        /** {@code template}. */
        TEMPLATE,
        /** {@code map}. */
        MAP,
        /** {@code resolver}. */
        RESOLVER
    }

    /**
     * Where routes come from: tenant.path, the tenant.map. entries, or the host's answers. Option
     * {@code tenant.routes}.
     *
     * @param value by default template
     * @return this
     */
    public DbOptions tenantRoutes(TenantRoutes value) {
        return set("tenant.routes", value);
    }

    /**
     * Where one tenant of a static map is: a path relative to the root, a namespace, or a URL. Option
     * {@code tenant.map.<id>}.
     *
     * @param name the rest of the key
     * @param value by default empty
     * @return this
     */
    public DbOptions tenantMap(String name, String value) {
        return set("tenant.map." + name, value);
    }

    /** Values of {@code tenant.create}. */
    public enum TenantCreate {
        /** {@code explicit}. */
        EXPLICIT,
        /** {@code on_first_use}. */
        ON_FIRST_USE
    }

    /**
     * Whether a tenant is made only by mtdb_tenant_create(), or also by its first lease. Option
     * {@code tenant.create}.
     *
     * @param value by default explicit
     * @return this
     */
    public DbOptions tenantCreate(TenantCreate value) {
        return set("tenant.create", value);
    }

    /**
     * Where the shared tables are: the id of the tenant whose file is attached read-only under that name, or on a
     * server the schema or database, which no tenant may have; empty for none. Option {@code tenant.shared}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions tenantShared(String value) {
        return set("tenant.shared", value);
    }

    /**
     * Lets a map or an answer name a file that is not below the root. Option {@code route.outside}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions routeOutside(boolean value) {
        return set("route.outside", String.valueOf(value));
    }

    /**
     * How long an answered or refused route is believed. Option {@code route.ttl_ms}.
     *
     * @param value by default 60000
     * @return this
     */
    public DbOptions routeTtl(Duration value) {
        return set("route.ttl_ms", value);
    }

    /**
     * How long a taken request may stay unanswered before it is open again. Option {@code route.request_ms}.
     *
     * @param value by default 30000
     * @return this
     */
    public DbOptions routeRequest(Duration value) {
        return set("route.request_ms", value);
    }

    /** Values of {@code placeholders}. */
    public enum Placeholders {
        /** {@code native}. */
        NATIVE,
        /** {@code portable}. */
        PORTABLE
    }

    /**
     * Whether placeholders are the backend's own, or ? and :name on every backend. Option {@code placeholders}.
     *
     * @param value by default native; Java takes portable
     * @return this
     */
    public DbOptions placeholders(Placeholders value) {
        return set("placeholders", value);
    }

    /** Values of {@code threads}. */
    public enum Threads {
        /** {@code auto}. */
        AUTO,
        /** {@code none}. */
        NONE
    }

    /**
     * Whether a maintenance thread is started at first need, or the host calls mtdb_db_maintain(). Option
     * {@code threads}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions threads(Threads value) {
        return set("threads", value);
    }

    /**
     * How long a call waits for a lease when it gives no timeout. Option {@code acquire_timeout_ms}.
     *
     * @param value by default 30000
     * @return this
     */
    public DbOptions acquireTimeout(Duration value) {
        return set("acquire_timeout_ms", value);
    }

    /**
     * How long a statement with its rows may take when the call gives no timeout; 0 for no end. Option
     * {@code query_timeout_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions queryTimeout(Duration value) {
        return set("query_timeout_ms", value);
    }

    /**
     * How long running work may take to end at mtdb_db_close() when it gives no timeout. Option
     * {@code shutdown_timeout_ms}.
     *
     * @param value by default 10000
     * @return this
     */
    public DbOptions shutdownTimeout(Duration value) {
        return set("shutdown_timeout_ms", value);
    }

    /**
     * Open connections per tenant, or per server where tenants share them. Option {@code pool.size_max}.
     *
     * @param value by default 8
     * @return this
     */
    public DbOptions poolSizeMax(long value) {
        return set("pool.size_max", String.valueOf(value));
    }

    /**
     * Idle connections kept per tenant, or per server where tenants share them. Option {@code pool.idle_max}.
     *
     * @param value by default 8
     * @return this
     */
    public DbOptions poolIdleMax(long value) {
        return set("pool.idle_max", String.valueOf(value));
    }

    /**
     * Distinct tenants that one connection to a server serves before it is replaced. Option
     * {@code pool.touched_max}.
     *
     * @param value by default 1000
     * @return this
     */
    public DbOptions poolTouchedMax(long value) {
        return set("pool.touched_max", String.valueOf(value));
    }

    /**
     * How long a connection may be idle before it is closed; 0 for ever. Option {@code pool.idle_ms}.
     *
     * @param value by default 300000
     * @return this
     */
    public DbOptions poolIdle(Duration value) {
        return set("pool.idle_ms", value);
    }

    /**
     * How long a connection may live before it is replaced; 0 for ever. Option {@code pool.lifetime_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions poolLifetime(Duration value) {
        return set("pool.lifetime_ms", value);
    }

    /**
     * By how much a connection's lifetime varies, so that they do not end together. Option
     * {@code pool.jitter_percent}.
     *
     * @param value by default 10
     * @return this
     */
    public DbOptions poolJitterPercent(long value) {
        return set("pool.jitter_percent", String.valueOf(value));
    }

    /**
     * How often maintenance looks for idle and expired connections. Option {@code pool.sweep_ms}.
     *
     * @param value by default 5000
     * @return this
     */
    public DbOptions poolSweep(Duration value) {
        return set("pool.sweep_ms", value);
    }

    /**
     * Tenants open at the same time, or servers where tenants share the connections; 0 for what files_max allows.
     * Option {@code pool.tenants_max}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions poolTenantsMax(long value) {
        return set("pool.tenants_max", String.valueOf(value));
    }

    /**
     * Open connections of the whole db; 0 for what files_max allows. Option {@code connections_max}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions connectionsMax(long value) {
        return set("connections_max", String.valueOf(value));
    }

    /**
     * File descriptors the db may hold; 0 for the process limit less files_reserve. Option {@code files_max}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions filesMax(long value) {
        return set("files_max", String.valueOf(value));
    }

    /**
     * File descriptors that are always left to the rest of the process. Option {@code files_reserve}.
     *
     * @param value by default 128
     * @return this
     */
    public DbOptions filesReserve(long value) {
        return set("files_reserve", String.valueOf(value));
    }

    /**
     * Memory that the connections of the whole db may hold; 0 for no limit. Option {@code memory_max_bytes}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions memoryMaxBytes(long value) {
        return set("memory_max_bytes", String.valueOf(value));
    }

    /**
     * Memory that the connections of one tenant may hold; 0 for no limit. Option {@code tenant.memory_max_bytes}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions tenantMemoryMaxBytes(long value) {
        return set("tenant.memory_max_bytes", String.valueOf(value));
    }

    /**
     * Leases of one tenant out at the same time; 0 for no limit but pool.size_max. Option
     * {@code tenant.leases_max}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions tenantLeasesMax(long value) {
        return set("tenant.leases_max", String.valueOf(value));
    }

    /**
     * Prepared statements kept per connection; 0 for none. Option {@code statement_cache}.
     *
     * @param value by default 256
     * @return this
     */
    public DbOptions statementCache(long value) {
        return set("statement_cache", String.valueOf(value));
    }

    /**
     * Memory that one buffered result may take. Option {@code result_buffer_max_bytes}.
     *
     * @param value by default 67108864
     * @return this
     */
    public DbOptions resultBufferMaxBytes(long value) {
        return set("result_buffer_max_bytes", String.valueOf(value));
    }

    /**
     * Password for the server, instead of one in the url. Option {@code password}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions password(String value) {
        return set("password", value);
    }

    /**
     * File whose first line is the password for the server. Option {@code password_file}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions passwordFile(String value) {
        return set("password_file", value);
    }

    /**
     * Environment variable that holds the password for the server. Option {@code password_env}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions passwordEnv(String value) {
        return set("password_env", value);
    }

    /**
     * How long one host of a server may take to accept a connection; 0 for the url's time, else ten seconds.
     * Option {@code connect_timeout_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions connectTimeout(Duration value) {
        return set("connect_timeout_ms", value);
    }

    /**
     * The name that a server shows for the connections; empty for the url's, else mtdb. Option
     * {@code application_name}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions applicationName(String value) {
        return set("application_name", value);
    }

    /** Values of {@code tls.mode}. */
    public enum TlsMode {
        /** {@code auto}. */
        AUTO,
        /** {@code disable}. */
        DISABLE,
        /** {@code prefer}. */
        PREFER,
        /** {@code require}. */
        REQUIRE,
        /** {@code verify-ca}. */
        VERIFY_CA,
        /** {@code verify-full}. */
        VERIFY_FULL
    }

    /**
     * How a connection to a server is protected; auto takes the url's word or the client library's. Option
     * {@code tls.mode}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions tlsMode(TlsMode value) {
        return set("tls.mode", value);
    }

    /**
     * File of the certificate authorities that a server's certificate is checked with. Option {@code tls.ca}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions tlsCa(String value) {
        return set("tls.ca", value);
    }

    /**
     * File of the client's certificate. Option {@code tls.cert}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions tlsCert(String value) {
        return set("tls.cert", value);
    }

    /**
     * File of the client's private key. Option {@code tls.key}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions tlsKey(String value) {
        return set("tls.key", value);
    }

    /**
     * How often a transient failure of a verb on tenants, or of connecting, is tried again. Option
     * {@code retry.max}.
     *
     * @param value by default 6
     * @return this
     */
    public DbOptions retryMax(long value) {
        return set("retry.max", String.valueOf(value));
    }

    /**
     * The wait before the first of these, doubled each time, with jitter. Option {@code retry.interval_ms}.
     *
     * @param value by default 100
     * @return this
     */
    public DbOptions retryInterval(Duration value) {
        return set("retry.interval_ms", value);
    }

    /**
     * The longest of these waits. Option {@code retry.interval_max_ms}.
     *
     * @param value by default 30000
     * @return this
     */
    public DbOptions retryIntervalMax(Duration value) {
        return set("retry.interval_max_ms", value);
    }

    /**
     * Relations that one transaction drops when a tenant on a server is dropped. Option {@code drop.batch}.
     *
     * @param value by default 100
     * @return this
     */
    public DbOptions dropBatch(long value) {
        return set("drop.batch", String.valueOf(value));
    }

    /** Values of {@code bulk}. */
    public enum Bulk {
        /** {@code flight}. */
        FLIGHT,
        /** {@code copy}. */
        COPY
    }

    /**
     * How a block of rows reaches PostgreSQL: executions in one flight, or COPY for a plain INSERT. Option
     * {@code bulk}.
     *
     * @param value by default flight
     * @return this
     */
    public DbOptions bulk(Bulk value) {
        return set("bulk", value);
    }

    /** Values of {@code zero_dates}. */
    public enum ZeroDates {
        /** {@code null}. */
        NULL,
        /** {@code error}. */
        ERROR,
        /** {@code text}. */
        TEXT
    }

    /**
     * What a MySQL date of zeros is read as. Option {@code zero_dates}.
     *
     * @param value by default error
     * @return this
     */
    public DbOptions zeroDates(ZeroDates value) {
        return set("zero_dates", value);
    }

    /**
     * Schemas of extensions that every tenant's search path gets, separated by commas. Option
     * {@code postgres.extensions}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions postgresExtensions(String value) {
        return set("postgres.extensions", value);
    }

    /** Values of {@code postgres.pooler}. */
    public enum PostgresPooler {
        /** {@code auto}. */
        AUTO,
        /** {@code none}. */
        NONE,
        /** {@code transaction}. */
        TRANSACTION,
        /** {@code session}. */
        SESSION
    }

    /**
     * What stands before PostgreSQL: found out, nothing, or a pooler that keeps transactions or sessions together.
     * Option {@code postgres.pooler}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions postgresPooler(PostgresPooler value) {
        return set("postgres.pooler", value);
    }

    /** Values of {@code sqlite.journal}. */
    public enum SqliteJournal {
        /** {@code wal}. */
        WAL,
        /** {@code delete}. */
        DELETE
    }

    /**
     * Journal mode that a tenant's file is created with. Option {@code sqlite.journal}.
     *
     * @param value by default wal
     * @return this
     */
    public DbOptions sqliteJournal(SqliteJournal value) {
        return set("sqlite.journal", value);
    }

    /** Values of {@code sqlite.synchronous}. */
    public enum SqliteSynchronous {
        /** {@code full}. */
        FULL,
        /** {@code normal}. */
        NORMAL,
        /** {@code extra}. */
        EXTRA,
        /** {@code off}. */
        OFF
    }

    /**
     * When SQLite syncs to disk; less than full may lose acknowledged commits at a power cut. Option
     * {@code sqlite.synchronous}.
     *
     * @param value by default full
     * @return this
     */
    public DbOptions sqliteSynchronous(SqliteSynchronous value) {
        return set("sqlite.synchronous", value);
    }

    /**
     * Whether foreign keys are enforced. Option {@code sqlite.foreign_keys}.
     *
     * @param value by default true
     * @return this
     */
    public DbOptions sqliteForeignKeys(boolean value) {
        return set("sqlite.foreign_keys", String.valueOf(value));
    }

    /**
     * Page cache per connection, in KiB. Option {@code sqlite.cache_kib}.
     *
     * @param value by default 2000
     * @return this
     */
    public DbOptions sqliteCacheKib(long value) {
        return set("sqlite.cache_kib", String.valueOf(value));
    }

    /**
     * Bytes of a file read through a memory map; 0 for none. Option {@code sqlite.mmap_bytes}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions sqliteMmapBytes(long value) {
        return set("sqlite.mmap_bytes", String.valueOf(value));
    }

    /**
     * Bytes that one value or row may have, which also bounds a single call of an SQL function; 0 for what SQLite
     * is built with. Option {@code sqlite.length_max_bytes}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions sqliteLengthMaxBytes(long value) {
        return set("sqlite.length_max_bytes", String.valueOf(value));
    }

    /**
     * Size that a write-ahead log is cut to after a checkpoint. Option {@code sqlite.wal_size_max_bytes}.
     *
     * @param value by default 67108864
     * @return this
     */
    public DbOptions sqliteWalSizeMaxBytes(long value) {
        return set("sqlite.wal_size_max_bytes", String.valueOf(value));
    }

    /**
     * Pages in a write-ahead log at which maintenance checkpoints it. Option {@code sqlite.checkpoint_pages}.
     *
     * @param value by default 1000
     * @return this
     */
    public DbOptions sqliteCheckpointPages(long value) {
        return set("sqlite.checkpoint_pages", String.valueOf(value));
    }

    /**
     * Events kept until they are polled. Option {@code events.queue}.
     *
     * @param value by default 4096
     * @return this
     */
    public DbOptions eventsQueue(long value) {
        return set("events.queue", String.valueOf(value));
    }

    /** Values of {@code events.level}. */
    public enum EventsLevel {
        /** {@code debug}. */
        DEBUG,
        /** {@code info}. */
        INFO,
        /** {@code warn}. */
        WARN,
        /** {@code error}. */
        ERROR
    }

    /**
     * Lowest level of events that is kept; audit events always are. Option {@code events.level}.
     *
     * @param value by default info
     * @return this
     */
    public DbOptions eventsLevel(EventsLevel value) {
        return set("events.level", value);
    }

    /** Values of {@code events.audit}. */
    public enum EventsAudit {
        /** {@code count}. */
        COUNT,
        /** {@code fail}. */
        FAIL
    }

    /**
     * What happens when the queue is full of audit events: count the lost ones, or fail the operation beforehand.
     * Option {@code events.audit}.
     *
     * @param value by default count
     * @return this
     */
    public DbOptions eventsAudit(EventsAudit value) {
        return set("events.audit", value);
    }

    /**
     * Folder of the scripts. Option {@code migrate.source}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions migrateSource(String value) {
        return set("migrate.source", value);
    }

    /** Values of {@code migrate.layout}. */
    public enum MigrateLayout {
        /** {@code auto}. */
        AUTO,
        /** {@code flyway}. */
        FLYWAY,
        /** {@code golang}. */
        GOLANG
    }

    /**
     * Whose file names the scripts have; auto looks. Option {@code migrate.layout}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions migrateLayout(MigrateLayout value) {
        return set("migrate.layout", value);
    }

    /** Values of {@code migrate.history}. */
    public enum MigrateHistory {
        /** {@code auto}. */
        AUTO,
        /** {@code flyway}. */
        FLYWAY,
        /** {@code golang}. */
        GOLANG
    }

    /**
     * Whose history table is written; auto takes the one that exists, else the layout's. Option
     * {@code migrate.history}.
     *
     * @param value by default auto
     * @return this
     */
    public DbOptions migrateHistory(MigrateHistory value) {
        return set("migrate.history", value);
    }

    /**
     * Name of the history table; empty for the tool's own. Option {@code migrate.table}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions migrateTable(String value) {
        return set("migrate.table", value);
    }

    /** Values of {@code migrate.mode}. */
    public enum MigrateMode {
        /** {@code manual}. */
        MANUAL,
        /** {@code auto}. */
        AUTO,
        /** {@code check}. */
        CHECK
    }

    /**
     * What a tenant's first lease does: nothing, migrate it, or refuse one that is not up to date. Option
     * {@code migrate.mode}.
     *
     * @param value by default manual
     * @return this
     */
    public DbOptions migrateMode(MigrateMode value) {
        return set("migrate.mode", value);
    }

    /**
     * Lets tenants through whose history is newer than the scripts. Option {@code migrate.newer}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateNewer(boolean value) {
        return set("migrate.newer", String.valueOf(value));
    }

    /**
     * Runs scripts whose version is below the newest applied one. Option {@code migrate.out_of_order}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateOutOfOrder(boolean value) {
        return set("migrate.out_of_order", String.valueOf(value));
    }

    /**
     * Encoding of the scripts, as iconv names it; UTF-16 is known by its byte order mark. Option
     * {@code migrate.encoding}.
     *
     * @param value by default UTF-8
     * @return this
     */
    public DbOptions migrateEncoding(String value) {
        return set("migrate.encoding", value);
    }

    /**
     * Replaces placeholders in scripts of Flyway's layout. Option {@code migrate.placeholders}.
     *
     * @param value by default true
     * @return this
     */
    public DbOptions migratePlaceholders(boolean value) {
        return set("migrate.placeholders", String.valueOf(value));
    }

    /**
     * The value of one placeholder; its name is the rest of the key, in any case. Option
     * {@code migrate.placeholder.<id>}.
     *
     * @param name the rest of the key
     * @param value by default empty
     * @return this
     */
    public DbOptions migratePlaceholder(String name, String value) {
        return set("migrate.placeholder." + name, value);
    }

    /**
     * What a placeholder begins with. Option {@code migrate.placeholder_prefix}.
     *
     * @param value by default $&#123;
     * @return this
     */
    public DbOptions migratePlaceholderPrefix(String value) {
        return set("migrate.placeholder_prefix", value);
    }

    /**
     * What a placeholder ends with. Option {@code migrate.placeholder_suffix}.
     *
     * @param value by default &#125;
     * @return this
     */
    public DbOptions migratePlaceholderSuffix(String value) {
        return set("migrate.placeholder_suffix", value);
    }

    /**
     * What follows flyway in the names of built-in placeholders. Option {@code migrate.placeholder_separator}.
     *
     * @param value by default :
     * @return this
     */
    public DbOptions migratePlaceholderSeparator(String value) {
        return set("migrate.placeholder_separator", value);
    }

    /**
     * What names of versioned scripts begin with. Option {@code migrate.flyway.prefix}.
     *
     * @param value by default V
     * @return this
     */
    public DbOptions migrateFlywayPrefix(String value) {
        return set("migrate.flyway.prefix", value);
    }

    /**
     * What names of undo scripts begin with. Option {@code migrate.flyway.undo_prefix}.
     *
     * @param value by default U
     * @return this
     */
    public DbOptions migrateFlywayUndoPrefix(String value) {
        return set("migrate.flyway.undo_prefix", value);
    }

    /**
     * What names of repeatable scripts begin with. Option {@code migrate.flyway.repeatable_prefix}.
     *
     * @param value by default R
     * @return this
     */
    public DbOptions migrateFlywayRepeatablePrefix(String value) {
        return set("migrate.flyway.repeatable_prefix", value);
    }

    /**
     * What names of baseline scripts begin with. Option {@code migrate.flyway.baseline_prefix}.
     *
     * @param value by default B
     * @return this
     */
    public DbOptions migrateFlywayBaselinePrefix(String value) {
        return set("migrate.flyway.baseline_prefix", value);
    }

    /**
     * What stands between version and description in a script's name. Option {@code migrate.flyway.separator}.
     *
     * @param value by default __
     * @return this
     */
    public DbOptions migrateFlywaySeparator(String value) {
        return set("migrate.flyway.separator", value);
    }

    /**
     * What names of scripts end with, separated by commas. Option {@code migrate.flyway.suffixes}.
     *
     * @param value by default .sql
     * @return this
     */
    public DbOptions migrateFlywaySuffixes(String value) {
        return set("migrate.flyway.suffixes", value);
    }

    /**
     * Refuses a folder with .sql files whose names are no script's. Option {@code migrate.flyway.strict_names}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateFlywayStrictNames(boolean value) {
        return set("migrate.flyway.strict_names", String.valueOf(value));
    }

    /**
     * Patterns type:state, separated by commas, of what validate overlooks and repair leaves alone. Option
     * {@code migrate.ignore}.
     *
     * @param value by default *:future
     * @return this
     */
    public DbOptions migrateIgnore(String value) {
        return set("migrate.ignore", value);
    }

    /**
     * Lets a script have statements that cannot run in a transaction beside others; then none of them does. Option
     * {@code migrate.mixed}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateMixed(boolean value) {
        return set("migrate.mixed", String.valueOf(value));
    }

    /**
     * Runs all scripts of a run in one transaction, where the database can. Option {@code migrate.group}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateGroup(boolean value) {
        return set("migrate.group", String.valueOf(value));
    }

    /**
     * Runs each script in a transaction, unless it is configured otherwise. Option {@code migrate.transaction}.
     *
     * @param value by default true
     * @return this
     */
    public DbOptions migrateTransaction(boolean value) {
        return set("migrate.transaction", String.valueOf(value));
    }

    /**
     * Writes the history as if scripts had run, without running them. Option {@code migrate.record_only}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateRecordOnly(boolean value) {
        return set("migrate.record_only", String.valueOf(value));
    }

    /**
     * Begins the history of a tenant that has tables and none with a baseline. Option
     * {@code migrate.baseline_on_migrate}.
     *
     * @param value by default false
     * @return this
     */
    public DbOptions migrateBaselineOnMigrate(boolean value) {
        return set("migrate.baseline_on_migrate", String.valueOf(value));
    }

    /**
     * The version of that baseline. Option {@code migrate.baseline_version}.
     *
     * @param value by default 1
     * @return this
     */
    public DbOptions migrateBaselineVersion(String value) {
        return set("migrate.baseline_version", value);
    }

    /**
     * The description of that baseline. Option {@code migrate.baseline_description}.
     *
     * @param value by default &lt;&lt; Flyway Baseline &gt;&gt;
     * @return this
     */
    public DbOptions migrateBaselineDescription(String value) {
        return set("migrate.baseline_description", value);
    }

    /** Values of {@code migrate.drop}. */
    public enum MigrateDrop {
        /** {@code refuse}. */
        REFUSE,
        /** {@code allow}. */
        ALLOW
    }

    /**
     * Whether mtdb_migrator_drop() may empty a tenant. Option {@code migrate.drop}.
     *
     * @param value by default refuse
     * @return this
     */
    public DbOptions migrateDrop(MigrateDrop value) {
        return set("migrate.drop", value);
    }

    /**
     * First wait after a failed automatic migration; it doubles up to a minute. Option {@code migrate.backoff_ms}.
     *
     * @param value by default 1000
     * @return this
     */
    public DbOptions migrateBackoff(Duration value) {
        return set("migrate.backoff_ms", value);
    }

    /**
     * How long a tenant's automatic migration may take at its first lease; 0 for that lease's own time. Option
     * {@code migrate.timeout_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public DbOptions migrateTimeout(Duration value) {
        return set("migrate.timeout_ms", value);
    }

    /**
     * How long a statement of a script waits on a server for a lock of others; 0 for the server's own time.
     * MariaDB and MySQL count whole seconds. Option {@code migrate.lock_timeout_ms}.
     *
     * @param value by default 3000
     * @return this
     */
    public DbOptions migrateLockTimeout(Duration value) {
        return set("migrate.lock_timeout_ms", value);
    }

    /**
     * How often such a statement, or the script that it rolled back, is tried again. Option
     * {@code migrate.lock_retries}.
     *
     * @param value by default 10
     * @return this
     */
    public DbOptions migrateLockRetries(long value) {
        return set("migrate.lock_retries", String.valueOf(value));
    }

    /**
     * Where the control store is: the path of a SQLite file, or a server's url; empty for a file below a SQLite
     * root, and none for servers. Option {@code control}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions control(String value) {
        return set("control", value);
    }

    /**
     * The schema or database of the control store on a server; made when it is not there. Option
     * {@code control.namespace}.
     *
     * @param value by default mtdb_control
     * @return this
     */
    public DbOptions controlNamespace(String value) {
        return set("control.namespace", value);
    }

    /**
     * Token of a quiesce flag's owner: the migrator's verbs pass that flag. Option {@code migrate.quiesce_token}.
     *
     * @param value by default empty
     * @return this
     */
    public DbOptions migrateQuiesceToken(String value) {
        return set("migrate.quiesce_token", value);
    }
}
