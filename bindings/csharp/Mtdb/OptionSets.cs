// SPDX-License-Identifier: MIT
// Made by bindings/csharp/generate-options. DO NOT EDIT.

using System;

namespace Mtdb {
    /// <summary>Values of the option tenancy.</summary>
    public enum TenancyChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"file".</summary>
        File,
        /// <summary>"schema".</summary>
        Schema,
        /// <summary>"database".</summary>
        Database,
        /// <summary>"server".</summary>
        Server
    }

    /// <summary>Values of the option tenant.routes.</summary>
    public enum TenantRoutesChoice {
        /// <summary>"template".</summary>
        Template,
        /// <summary>"map".</summary>
        Map,
        /// <summary>"resolver".</summary>
        Resolver
    }

    /// <summary>Values of the option tenant.create.</summary>
    public enum TenantCreateChoice {
        /// <summary>"explicit".</summary>
        Explicit,
        /// <summary>"on_first_use".</summary>
        OnFirstUse
    }

    /// <summary>Values of the option placeholders.</summary>
    public enum PlaceholdersChoice {
        /// <summary>"native".</summary>
        Native,
        /// <summary>"portable".</summary>
        Portable
    }

    /// <summary>Values of the option threads.</summary>
    public enum ThreadsChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"none".</summary>
        None
    }

    /// <summary>Values of the option tls.mode.</summary>
    public enum TlsModeChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"disable".</summary>
        Disable,
        /// <summary>"prefer".</summary>
        Prefer,
        /// <summary>"require".</summary>
        Require,
        /// <summary>"verify-ca".</summary>
        VerifyCa,
        /// <summary>"verify-full".</summary>
        VerifyFull
    }

    /// <summary>Values of the option bulk.</summary>
    public enum BulkChoice {
        /// <summary>"flight".</summary>
        Flight,
        /// <summary>"copy".</summary>
        Copy
    }

    /// <summary>Values of the option zero_dates.</summary>
    public enum ZeroDatesChoice {
        /// <summary>"null".</summary>
        Null,
        /// <summary>"error".</summary>
        Error,
        /// <summary>"text".</summary>
        Text
    }

    /// <summary>Values of the option postgres.pooler.</summary>
    public enum PostgresPoolerChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"none".</summary>
        None,
        /// <summary>"transaction".</summary>
        Transaction,
        /// <summary>"session".</summary>
        Session
    }

    /// <summary>Values of the option sqlite.journal.</summary>
    public enum SqliteJournalChoice {
        /// <summary>"wal".</summary>
        Wal,
        /// <summary>"delete".</summary>
        Delete
    }

    /// <summary>Values of the option sqlite.synchronous.</summary>
    public enum SqliteSynchronousChoice {
        /// <summary>"full".</summary>
        Full,
        /// <summary>"normal".</summary>
        Normal,
        /// <summary>"extra".</summary>
        Extra,
        /// <summary>"off".</summary>
        Off
    }

    /// <summary>Values of the option events.level.</summary>
    public enum EventsLevelChoice {
        /// <summary>"debug".</summary>
        Debug,
        /// <summary>"info".</summary>
        Info,
        /// <summary>"warn".</summary>
        Warn,
        /// <summary>"error".</summary>
        Error
    }

    /// <summary>Values of the option events.audit.</summary>
    public enum EventsAuditChoice {
        /// <summary>"count".</summary>
        Count,
        /// <summary>"fail".</summary>
        Fail
    }

    /// <summary>Values of the option migrate.layout.</summary>
    public enum MigrateLayoutChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"flyway".</summary>
        Flyway,
        /// <summary>"golang".</summary>
        Golang
    }

    /// <summary>Values of the option migrate.history.</summary>
    public enum MigrateHistoryChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"flyway".</summary>
        Flyway,
        /// <summary>"golang".</summary>
        Golang
    }

    /// <summary>Values of the option migrate.mode.</summary>
    public enum MigrateModeChoice {
        /// <summary>"manual".</summary>
        Manual,
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"check".</summary>
        Check
    }

    /// <summary>Values of the option migrate.drop.</summary>
    public enum MigrateDropChoice {
        /// <summary>"refuse".</summary>
        Refuse,
        /// <summary>"allow".</summary>
        Allow
    }

    /// <summary>Values of the option driver.lock.</summary>
    public enum DriverLockChoice {
        /// <summary>"advisory".</summary>
        Advisory,
        /// <summary>"table".</summary>
        Table,
        /// <summary>"none".</summary>
        None
    }

    /// <summary>Values of the option tx.isolation.</summary>
    public enum TxIsolationChoice {
        /// <summary>"standard".</summary>
        Standard,
        /// <summary>"read_committed".</summary>
        ReadCommitted,
        /// <summary>"repeatable_read".</summary>
        RepeatableRead,
        /// <summary>"serializable".</summary>
        Serializable
    }

    /// <summary>Values of the option fleet.verb.</summary>
    public enum FleetVerbChoice {
        /// <summary>"migrate".</summary>
        Migrate,
        /// <summary>"undo".</summary>
        Undo,
        /// <summary>"info".</summary>
        Info,
        /// <summary>"validate".</summary>
        Validate,
        /// <summary>"repair".</summary>
        Repair,
        /// <summary>"baseline".</summary>
        Baseline,
        /// <summary>"sql".</summary>
        Sql
    }

    /// <summary>Values of the option fleet.resume.</summary>
    public enum FleetResumeChoice {
        /// <summary>"new".</summary>
        New,
        /// <summary>"rest".</summary>
        Rest,
        /// <summary>"failed".</summary>
        Failed,
        /// <summary>"applied".</summary>
        Applied
    }

    /// <summary>Values of the option fleet.ledger.</summary>
    public enum FleetLedgerChoice {
        /// <summary>"on".</summary>
        On,
        /// <summary>"off".</summary>
        Off
    }

    /// <summary>Values of the option fleet.trust.</summary>
    public enum FleetTrustChoice {
        /// <summary>"history".</summary>
        History,
        /// <summary>"ledger".</summary>
        Ledger
    }

    /// <summary>Values of the option fleet.on_failure.</summary>
    public enum FleetOnFailureChoice {
        /// <summary>"stop".</summary>
        Stop,
        /// <summary>"continue".</summary>
        Continue
    }

    /// <summary>Values of the option quiesce.on_error.</summary>
    public enum QuiesceOnErrorChoice {
        /// <summary>"auto".</summary>
        Auto,
        /// <summary>"open".</summary>
        Open,
        /// <summary>"closed".</summary>
        Closed
    }

    /// <summary>Values of the option quiesce.leases.</summary>
    public enum QuiesceLeasesChoice {
        /// <summary>"refuse".</summary>
        Refuse,
        /// <summary>"wait".</summary>
        Wait
    }

    /// <summary>How the library spells the values above, in their order.</summary>
    internal static class Choices {
        internal static readonly string[] Tenancy = { "auto", "file", "schema", "database", "server" };
        internal static readonly string[] TenantRoutes = { "template", "map", "resolver" };
        internal static readonly string[] TenantCreate = { "explicit", "on_first_use" };
        internal static readonly string[] Placeholders = { "native", "portable" };
        internal static readonly string[] Threads = { "auto", "none" };
        internal static readonly string[] TlsMode = {
            "auto", "disable", "prefer", "require", "verify-ca", "verify-full"
        };
        internal static readonly string[] Bulk = { "flight", "copy" };
        internal static readonly string[] ZeroDates = { "null", "error", "text" };
        internal static readonly string[] PostgresPooler = { "auto", "none", "transaction", "session" };
        internal static readonly string[] SqliteJournal = { "wal", "delete" };
        internal static readonly string[] SqliteSynchronous = { "full", "normal", "extra", "off" };
        internal static readonly string[] EventsLevel = { "debug", "info", "warn", "error" };
        internal static readonly string[] EventsAudit = { "count", "fail" };
        internal static readonly string[] MigrateLayout = { "auto", "flyway", "golang" };
        internal static readonly string[] MigrateHistory = { "auto", "flyway", "golang" };
        internal static readonly string[] MigrateMode = { "manual", "auto", "check" };
        internal static readonly string[] MigrateDrop = { "refuse", "allow" };
        internal static readonly string[] DriverLock = { "advisory", "table", "none" };
        internal static readonly string[] TxIsolation = {
            "standard", "read_committed", "repeatable_read", "serializable"
        };
        internal static readonly string[] FleetVerb = {
            "migrate", "undo", "info", "validate", "repair", "baseline", "sql"
        };
        internal static readonly string[] FleetResume = { "new", "rest", "failed", "applied" };
        internal static readonly string[] FleetLedger = { "on", "off" };
        internal static readonly string[] FleetTrust = { "history", "ledger" };
        internal static readonly string[] FleetOnFailure = { "stop", "continue" };
        internal static readonly string[] QuiesceOnError = { "auto", "open", "closed" };
        internal static readonly string[] QuiesceLeases = { "refuse", "wait" };
    }

    /// <summary>Options of a db: <see cref="Db.Open"/>.</summary>
    public sealed class DbOptions : Options {
        /// <summary>How tenants are kept apart; auto takes the backend's own way. Default: auto.</summary>
        [Option("tenancy")]
        public TenancyChoice? Tenancy {
            get => (TenancyChoice?)GetChoice("tenancy", Choices.Tenancy);
            set => SetChoice("tenancy", (int?)value, Choices.Tenancy);
        }

        /// <summary>Where a tenant's file is below the root: {id}, and {hash:N} for N hexadecimal digits of the id's
        /// hash. Default: {id}.db.</summary>
        [Option("tenant.path")]
        public string TenantPath { get => this["tenant.path"]; set => this["tenant.path"] = value; }

        /// <summary>On a server, the name of a tenant's schema or database: {id}, and {hash:N} for N hexadecimal
        /// digits of the id's hash. Default: {id}.</summary>
        [Option("tenant.namespace")]
        public string TenantNamespace { get => this["tenant.namespace"]; set => this["tenant.namespace"] = value; }

        /// <summary>On a server, the user that a tenant's connections log in as, with {id}: one pool per user, and
        /// the server's grants between the tenants; verbs on tenants stay the url's user's, and so does all when it
        /// is empty. Default: empty.</summary>
        [Option("tenant.user")]
        public string TenantUser { get => this["tenant.user"]; set => this["tenant.user"] = value; }

        /// <summary>Where routes come from: tenant.path, the tenant.map. entries, or the host's answers. Default:
        /// template.</summary>
        [Option("tenant.routes")]
        public TenantRoutesChoice? TenantRoutes {
            get => (TenantRoutesChoice?)GetChoice("tenant.routes", Choices.TenantRoutes);
            set => SetChoice("tenant.routes", (int?)value, Choices.TenantRoutes);
        }

        /// <summary>Where one tenant of a static map is: a path relative to the root, a namespace, or a URL. Default:
        /// empty.</summary>
        [Option("tenant.map.<id>")]
        public void TenantMap(string name, string value) => this["tenant.map." + name] = value;

        /// <summary>Whether a tenant is made only by mtdb_tenant_create(), or also by its first lease. Default:
        /// explicit.</summary>
        [Option("tenant.create")]
        public TenantCreateChoice? TenantCreate {
            get => (TenantCreateChoice?)GetChoice("tenant.create", Choices.TenantCreate);
            set => SetChoice("tenant.create", (int?)value, Choices.TenantCreate);
        }

        /// <summary>Where the shared tables are: the id of the tenant whose file is attached read-only under that
        /// name, or on a server the schema or database, which no tenant may have; empty for none. Default:
        /// empty.</summary>
        [Option("tenant.shared")]
        public string TenantShared { get => this["tenant.shared"]; set => this["tenant.shared"] = value; }

        /// <summary>Lets a map or an answer name a file that is not below the root. Default: false.</summary>
        [Option("route.outside")]
        public bool? RouteOutside { get => GetBoolean("route.outside"); set => SetBoolean("route.outside", value); }

        /// <summary>How long an answered or refused route is believed. Default: 60000.</summary>
        [Option("route.ttl_ms")]
        public TimeSpan? RouteTtl { get => GetTime("route.ttl_ms"); set => SetTime("route.ttl_ms", value); }

        /// <summary>How long a taken request may stay unanswered before it is open again. Default: 30000.</summary>
        [Option("route.request_ms")]
        public TimeSpan? RouteRequest { get => GetTime("route.request_ms"); set => SetTime("route.request_ms", value); }

        /// <summary>Whether placeholders are the backend's own, or ? and :name on every backend. Default:
        /// native.</summary>
        [Option("placeholders")]
        public PlaceholdersChoice? Placeholders {
            get => (PlaceholdersChoice?)GetChoice("placeholders", Choices.Placeholders);
            set => SetChoice("placeholders", (int?)value, Choices.Placeholders);
        }

        /// <summary>Whether a maintenance thread is started at first need, or the host calls mtdb_db_maintain().
        /// Default: auto.</summary>
        [Option("threads")]
        public ThreadsChoice? Threads {
            get => (ThreadsChoice?)GetChoice("threads", Choices.Threads);
            set => SetChoice("threads", (int?)value, Choices.Threads);
        }

        /// <summary>How long a call waits for a lease when it gives no timeout. Default: 30000.</summary>
        [Option("acquire_timeout_ms")]
        public TimeSpan? AcquireTimeout {
            get => GetTime("acquire_timeout_ms");
            set => SetTime("acquire_timeout_ms", value);
        }

        /// <summary>How long a statement with its rows may take when the call gives no timeout; 0 for no end.
        /// Default: 0.</summary>
        [Option("query_timeout_ms")]
        public TimeSpan? QueryTimeout { get => GetTime("query_timeout_ms"); set => SetTime("query_timeout_ms", value); }

        /// <summary>How long running work may take to end at mtdb_db_close() when it gives no timeout. Default:
        /// 10000.</summary>
        [Option("shutdown_timeout_ms")]
        public TimeSpan? ShutdownTimeout {
            get => GetTime("shutdown_timeout_ms");
            set => SetTime("shutdown_timeout_ms", value);
        }

        /// <summary>Open connections per tenant, or per server where tenants share them. Default: 8.</summary>
        [Option("pool.size_max")]
        public int? PoolSizeMax { get => (int?)GetNumber("pool.size_max"); set => SetNumber("pool.size_max", value); }

        /// <summary>Idle connections kept per tenant, or per server where tenants share them. Default: 8.</summary>
        [Option("pool.idle_max")]
        public int? PoolIdleMax { get => (int?)GetNumber("pool.idle_max"); set => SetNumber("pool.idle_max", value); }

        /// <summary>Distinct tenants that one connection to a server serves before it is replaced. Default:
        /// 1000.</summary>
        [Option("pool.touched_max")]
        public int? PoolTouchedMax {
            get => (int?)GetNumber("pool.touched_max");
            set => SetNumber("pool.touched_max", value);
        }

        /// <summary>How long a connection may be idle before it is closed; 0 for ever. Default: 300000.</summary>
        [Option("pool.idle_ms")]
        public TimeSpan? PoolIdle { get => GetTime("pool.idle_ms"); set => SetTime("pool.idle_ms", value); }

        /// <summary>How long a connection may live before it is replaced; 0 for ever. Default: 0.</summary>
        [Option("pool.lifetime_ms")]
        public TimeSpan? PoolLifetime { get => GetTime("pool.lifetime_ms"); set => SetTime("pool.lifetime_ms", value); }

        /// <summary>By how much a connection's lifetime varies, so that they do not end together. Default:
        /// 10.</summary>
        [Option("pool.jitter_percent")]
        public int? PoolJitterPercent {
            get => (int?)GetNumber("pool.jitter_percent");
            set => SetNumber("pool.jitter_percent", value);
        }

        /// <summary>How often maintenance looks for idle and expired connections. Default: 5000.</summary>
        [Option("pool.sweep_ms")]
        public TimeSpan? PoolSweep { get => GetTime("pool.sweep_ms"); set => SetTime("pool.sweep_ms", value); }

        /// <summary>Tenants open at the same time, or servers where tenants share the connections; 0 for what
        /// files_max allows. Default: 0.</summary>
        [Option("pool.tenants_max")]
        public int? PoolTenantsMax {
            get => (int?)GetNumber("pool.tenants_max");
            set => SetNumber("pool.tenants_max", value);
        }

        /// <summary>Open connections of the whole db; 0 for what files_max allows. Default: 0.</summary>
        [Option("connections_max")]
        public int? ConnectionsMax {
            get => (int?)GetNumber("connections_max");
            set => SetNumber("connections_max", value);
        }

        /// <summary>File descriptors the db may hold; 0 for the process limit less files_reserve. Default:
        /// 0.</summary>
        [Option("files_max")]
        public int? FilesMax { get => (int?)GetNumber("files_max"); set => SetNumber("files_max", value); }

        /// <summary>File descriptors that are always left to the rest of the process. Default: 128.</summary>
        [Option("files_reserve")]
        public int? FilesReserve { get => (int?)GetNumber("files_reserve"); set => SetNumber("files_reserve", value); }

        /// <summary>Memory that the connections of the whole db may hold; 0 for no limit. Default: 0.</summary>
        [Option("memory_max_bytes")]
        public long? MemoryMaxBytes {
            get => GetNumber("memory_max_bytes");
            set => SetNumber("memory_max_bytes", value);
        }

        /// <summary>Memory that the connections of one tenant may hold; 0 for no limit. Default: 0.</summary>
        [Option("tenant.memory_max_bytes")]
        public long? TenantMemoryMaxBytes {
            get => GetNumber("tenant.memory_max_bytes");
            set => SetNumber("tenant.memory_max_bytes", value);
        }

        /// <summary>Leases of one tenant out at the same time; 0 for no limit but pool.size_max. Default:
        /// 0.</summary>
        [Option("tenant.leases_max")]
        public int? TenantLeasesMax {
            get => (int?)GetNumber("tenant.leases_max");
            set => SetNumber("tenant.leases_max", value);
        }

        /// <summary>Prepared statements kept per connection; 0 for none. Default: 256.</summary>
        [Option("statement_cache")]
        public int? StatementCache {
            get => (int?)GetNumber("statement_cache");
            set => SetNumber("statement_cache", value);
        }

        /// <summary>Memory that one buffered result may take. Default: 67108864.</summary>
        [Option("result_buffer_max_bytes")]
        public long? ResultBufferMaxBytes {
            get => GetNumber("result_buffer_max_bytes");
            set => SetNumber("result_buffer_max_bytes", value);
        }

        /// <summary>Password for the server, instead of one in the url. Default: empty.</summary>
        [Option("password")]
        public string Password { get => this["password"]; set => this["password"] = value; }

        /// <summary>File whose first line is the password for the server. Default: empty.</summary>
        [Option("password_file")]
        public string PasswordFile { get => this["password_file"]; set => this["password_file"] = value; }

        /// <summary>Environment variable that holds the password for the server. Default: empty.</summary>
        [Option("password_env")]
        public string PasswordEnv { get => this["password_env"]; set => this["password_env"] = value; }

        /// <summary>How long one host of a server may take to accept a connection; 0 for the url's time, else ten
        /// seconds. Default: 0.</summary>
        [Option("connect_timeout_ms")]
        public TimeSpan? ConnectTimeout {
            get => GetTime("connect_timeout_ms");
            set => SetTime("connect_timeout_ms", value);
        }

        /// <summary>The name that a server shows for the connections; empty for the url's, else mtdb. Default:
        /// empty.</summary>
        [Option("application_name")]
        public string ApplicationName { get => this["application_name"]; set => this["application_name"] = value; }

        /// <summary>How a connection to a server is protected; auto takes the url's word or the client library's.
        /// Default: auto.</summary>
        [Option("tls.mode")]
        public TlsModeChoice? TlsMode {
            get => (TlsModeChoice?)GetChoice("tls.mode", Choices.TlsMode);
            set => SetChoice("tls.mode", (int?)value, Choices.TlsMode);
        }

        /// <summary>File of the certificate authorities that a server's certificate is checked with. Default:
        /// empty.</summary>
        [Option("tls.ca")]
        public string TlsCa { get => this["tls.ca"]; set => this["tls.ca"] = value; }

        /// <summary>File of the client's certificate. Default: empty.</summary>
        [Option("tls.cert")]
        public string TlsCert { get => this["tls.cert"]; set => this["tls.cert"] = value; }

        /// <summary>File of the client's private key. Default: empty.</summary>
        [Option("tls.key")]
        public string TlsKey { get => this["tls.key"]; set => this["tls.key"] = value; }

        /// <summary>How often a transient failure of a verb on tenants, or of connecting, is tried again. Default:
        /// 6.</summary>
        [Option("retry.max")]
        public int? RetryMax { get => (int?)GetNumber("retry.max"); set => SetNumber("retry.max", value); }

        /// <summary>The wait before the first of these, doubled each time, with jitter. Default: 100.</summary>
        [Option("retry.interval_ms")]
        public TimeSpan? RetryInterval {
            get => GetTime("retry.interval_ms");
            set => SetTime("retry.interval_ms", value);
        }

        /// <summary>The longest of these waits. Default: 30000.</summary>
        [Option("retry.interval_max_ms")]
        public TimeSpan? RetryIntervalMax {
            get => GetTime("retry.interval_max_ms");
            set => SetTime("retry.interval_max_ms", value);
        }

        /// <summary>Relations that one transaction drops when a tenant on a server is dropped. Default:
        /// 100.</summary>
        [Option("drop.batch")]
        public int? DropBatch { get => (int?)GetNumber("drop.batch"); set => SetNumber("drop.batch", value); }

        /// <summary>How a block of rows reaches PostgreSQL: executions in one flight, or COPY for a plain INSERT.
        /// Default: flight.</summary>
        [Option("bulk")]
        public BulkChoice? Bulk {
            get => (BulkChoice?)GetChoice("bulk", Choices.Bulk);
            set => SetChoice("bulk", (int?)value, Choices.Bulk);
        }

        /// <summary>What a MySQL date of zeros is read as. Default: error.</summary>
        [Option("zero_dates")]
        public ZeroDatesChoice? ZeroDates {
            get => (ZeroDatesChoice?)GetChoice("zero_dates", Choices.ZeroDates);
            set => SetChoice("zero_dates", (int?)value, Choices.ZeroDates);
        }

        /// <summary>Schemas of extensions that every tenant's search path gets, separated by commas. Default:
        /// empty.</summary>
        [Option("postgres.extensions")]
        public string PostgresExtensions {
            get => this["postgres.extensions"];
            set => this["postgres.extensions"] = value;
        }

        /// <summary>What stands before PostgreSQL: found out, nothing, or a pooler that keeps transactions or
        /// sessions together. Default: auto.</summary>
        [Option("postgres.pooler")]
        public PostgresPoolerChoice? PostgresPooler {
            get => (PostgresPoolerChoice?)GetChoice("postgres.pooler", Choices.PostgresPooler);
            set => SetChoice("postgres.pooler", (int?)value, Choices.PostgresPooler);
        }

        /// <summary>Journal mode that a tenant's file is created with. Default: wal.</summary>
        [Option("sqlite.journal")]
        public SqliteJournalChoice? SqliteJournal {
            get => (SqliteJournalChoice?)GetChoice("sqlite.journal", Choices.SqliteJournal);
            set => SetChoice("sqlite.journal", (int?)value, Choices.SqliteJournal);
        }

        /// <summary>When SQLite syncs to disk; less than full may lose acknowledged commits at a power cut. Default:
        /// full.</summary>
        [Option("sqlite.synchronous")]
        public SqliteSynchronousChoice? SqliteSynchronous {
            get => (SqliteSynchronousChoice?)GetChoice("sqlite.synchronous", Choices.SqliteSynchronous);
            set => SetChoice("sqlite.synchronous", (int?)value, Choices.SqliteSynchronous);
        }

        /// <summary>Whether foreign keys are enforced. Default: true.</summary>
        [Option("sqlite.foreign_keys")]
        public bool? SqliteForeignKeys {
            get => GetBoolean("sqlite.foreign_keys");
            set => SetBoolean("sqlite.foreign_keys", value);
        }

        /// <summary>Page cache per connection, in KiB. Default: 2000.</summary>
        [Option("sqlite.cache_kib")]
        public int? SqliteCacheKib {
            get => (int?)GetNumber("sqlite.cache_kib");
            set => SetNumber("sqlite.cache_kib", value);
        }

        /// <summary>Bytes of a file read through a memory map; 0 for none. Default: 0.</summary>
        [Option("sqlite.mmap_bytes")]
        public long? SqliteMmapBytes {
            get => GetNumber("sqlite.mmap_bytes");
            set => SetNumber("sqlite.mmap_bytes", value);
        }

        /// <summary>Bytes that one value or row may have, which also bounds a single call of an SQL function; 0 for
        /// what SQLite is built with. Default: 0.</summary>
        [Option("sqlite.length_max_bytes")]
        public int? SqliteLengthMaxBytes {
            get => (int?)GetNumber("sqlite.length_max_bytes");
            set => SetNumber("sqlite.length_max_bytes", value);
        }

        /// <summary>Size that a write-ahead log is cut to after a checkpoint. Default: 67108864.</summary>
        [Option("sqlite.wal_size_max_bytes")]
        public long? SqliteWalSizeMaxBytes {
            get => GetNumber("sqlite.wal_size_max_bytes");
            set => SetNumber("sqlite.wal_size_max_bytes", value);
        }

        /// <summary>Pages in a write-ahead log at which maintenance checkpoints it. Default: 1000.</summary>
        [Option("sqlite.checkpoint_pages")]
        public int? SqliteCheckpointPages {
            get => (int?)GetNumber("sqlite.checkpoint_pages");
            set => SetNumber("sqlite.checkpoint_pages", value);
        }

        /// <summary>Events kept until they are polled. Default: 4096.</summary>
        [Option("events.queue")]
        public int? EventsQueue { get => (int?)GetNumber("events.queue"); set => SetNumber("events.queue", value); }

        /// <summary>Lowest level of events that is kept; audit events always are. Default: info.</summary>
        [Option("events.level")]
        public EventsLevelChoice? EventsLevel {
            get => (EventsLevelChoice?)GetChoice("events.level", Choices.EventsLevel);
            set => SetChoice("events.level", (int?)value, Choices.EventsLevel);
        }

        /// <summary>What happens when the queue is full of audit events: count the lost ones, or fail the operation
        /// beforehand. Default: count.</summary>
        [Option("events.audit")]
        public EventsAuditChoice? EventsAudit {
            get => (EventsAuditChoice?)GetChoice("events.audit", Choices.EventsAudit);
            set => SetChoice("events.audit", (int?)value, Choices.EventsAudit);
        }

        /// <summary>Folder of the scripts. Default: empty.</summary>
        [Option("migrate.source")]
        public string MigrateSource { get => this["migrate.source"]; set => this["migrate.source"] = value; }

        /// <summary>Whose file names the scripts have; auto looks. Default: auto.</summary>
        [Option("migrate.layout")]
        public MigrateLayoutChoice? MigrateLayout {
            get => (MigrateLayoutChoice?)GetChoice("migrate.layout", Choices.MigrateLayout);
            set => SetChoice("migrate.layout", (int?)value, Choices.MigrateLayout);
        }

        /// <summary>Whose history table is written; auto takes the one that exists, else the layout's. Default:
        /// auto.</summary>
        [Option("migrate.history")]
        public MigrateHistoryChoice? MigrateHistory {
            get => (MigrateHistoryChoice?)GetChoice("migrate.history", Choices.MigrateHistory);
            set => SetChoice("migrate.history", (int?)value, Choices.MigrateHistory);
        }

        /// <summary>Name of the history table; empty for the tool's own. Default: empty.</summary>
        [Option("migrate.table")]
        public string MigrateTable { get => this["migrate.table"]; set => this["migrate.table"] = value; }

        /// <summary>What a tenant's first lease does: nothing, migrate it, or refuse one that is not up to date.
        /// Default: manual.</summary>
        [Option("migrate.mode")]
        public MigrateModeChoice? MigrateMode {
            get => (MigrateModeChoice?)GetChoice("migrate.mode", Choices.MigrateMode);
            set => SetChoice("migrate.mode", (int?)value, Choices.MigrateMode);
        }

        /// <summary>Lets tenants through whose history is newer than the scripts. Default: false.</summary>
        [Option("migrate.newer")]
        public bool? MigrateNewer { get => GetBoolean("migrate.newer"); set => SetBoolean("migrate.newer", value); }

        /// <summary>Runs scripts whose version is below the newest applied one. Default: false.</summary>
        [Option("migrate.out_of_order")]
        public bool? MigrateOutOfOrder {
            get => GetBoolean("migrate.out_of_order");
            set => SetBoolean("migrate.out_of_order", value);
        }

        /// <summary>Encoding of the scripts, as iconv names it; UTF-16 is known by its byte order mark. Default:
        /// UTF-8.</summary>
        [Option("migrate.encoding")]
        public string MigrateEncoding { get => this["migrate.encoding"]; set => this["migrate.encoding"] = value; }

        /// <summary>Replaces placeholders in scripts of Flyway's layout. Default: true.</summary>
        [Option("migrate.placeholders")]
        public bool? MigratePlaceholders {
            get => GetBoolean("migrate.placeholders");
            set => SetBoolean("migrate.placeholders", value);
        }

        /// <summary>The value of one placeholder; its name is the rest of the key, in any case. Default:
        /// empty.</summary>
        [Option("migrate.placeholder.<id>")]
        public void MigratePlaceholder(string name, string value) => this["migrate.placeholder." + name] = value;

        /// <summary>What a placeholder begins with. Default: ${.</summary>
        [Option("migrate.placeholder_prefix")]
        public string MigratePlaceholderPrefix {
            get => this["migrate.placeholder_prefix"];
            set => this["migrate.placeholder_prefix"] = value;
        }

        /// <summary>What a placeholder ends with. Default: }.</summary>
        [Option("migrate.placeholder_suffix")]
        public string MigratePlaceholderSuffix {
            get => this["migrate.placeholder_suffix"];
            set => this["migrate.placeholder_suffix"] = value;
        }

        /// <summary>What follows flyway in the names of built-in placeholders. Default: :.</summary>
        [Option("migrate.placeholder_separator")]
        public string MigratePlaceholderSeparator {
            get => this["migrate.placeholder_separator"];
            set => this["migrate.placeholder_separator"] = value;
        }

        /// <summary>What names of versioned scripts begin with. Default: V.</summary>
        [Option("migrate.flyway.prefix")]
        public string MigrateFlywayPrefix {
            get => this["migrate.flyway.prefix"];
            set => this["migrate.flyway.prefix"] = value;
        }

        /// <summary>What names of undo scripts begin with. Default: U.</summary>
        [Option("migrate.flyway.undo_prefix")]
        public string MigrateFlywayUndoPrefix {
            get => this["migrate.flyway.undo_prefix"];
            set => this["migrate.flyway.undo_prefix"] = value;
        }

        /// <summary>What names of repeatable scripts begin with. Default: R.</summary>
        [Option("migrate.flyway.repeatable_prefix")]
        public string MigrateFlywayRepeatablePrefix {
            get => this["migrate.flyway.repeatable_prefix"];
            set => this["migrate.flyway.repeatable_prefix"] = value;
        }

        /// <summary>What names of baseline scripts begin with. Default: B.</summary>
        [Option("migrate.flyway.baseline_prefix")]
        public string MigrateFlywayBaselinePrefix {
            get => this["migrate.flyway.baseline_prefix"];
            set => this["migrate.flyway.baseline_prefix"] = value;
        }

        /// <summary>What stands between version and description in a script's name. Default: __.</summary>
        [Option("migrate.flyway.separator")]
        public string MigrateFlywaySeparator {
            get => this["migrate.flyway.separator"];
            set => this["migrate.flyway.separator"] = value;
        }

        /// <summary>What names of scripts end with, separated by commas. Default: .sql.</summary>
        [Option("migrate.flyway.suffixes")]
        public string MigrateFlywaySuffixes {
            get => this["migrate.flyway.suffixes"];
            set => this["migrate.flyway.suffixes"] = value;
        }

        /// <summary>Refuses a folder with .sql files whose names are no script's. Default: false.</summary>
        [Option("migrate.flyway.strict_names")]
        public bool? MigrateFlywayStrictNames {
            get => GetBoolean("migrate.flyway.strict_names");
            set => SetBoolean("migrate.flyway.strict_names", value);
        }

        /// <summary>Patterns type:state, separated by commas, of what validate overlooks and repair leaves alone.
        /// Default: *:future.</summary>
        [Option("migrate.ignore")]
        public string MigrateIgnore { get => this["migrate.ignore"]; set => this["migrate.ignore"] = value; }

        /// <summary>Lets a script have statements that cannot run in a transaction beside others; then none of them
        /// does. Default: false.</summary>
        [Option("migrate.mixed")]
        public bool? MigrateMixed { get => GetBoolean("migrate.mixed"); set => SetBoolean("migrate.mixed", value); }

        /// <summary>Runs all scripts of a run in one transaction, where the database can. Default: false.</summary>
        [Option("migrate.group")]
        public bool? MigrateGroup { get => GetBoolean("migrate.group"); set => SetBoolean("migrate.group", value); }

        /// <summary>Runs each script in a transaction, unless it is configured otherwise. Default: true.</summary>
        [Option("migrate.transaction")]
        public bool? MigrateTransaction {
            get => GetBoolean("migrate.transaction");
            set => SetBoolean("migrate.transaction", value);
        }

        /// <summary>Writes the history as if scripts had run, without running them. Default: false.</summary>
        [Option("migrate.record_only")]
        public bool? MigrateRecordOnly {
            get => GetBoolean("migrate.record_only");
            set => SetBoolean("migrate.record_only", value);
        }

        /// <summary>Begins the history of a tenant that has tables and none with a baseline. Default:
        /// false.</summary>
        [Option("migrate.baseline_on_migrate")]
        public bool? MigrateBaselineOnMigrate {
            get => GetBoolean("migrate.baseline_on_migrate");
            set => SetBoolean("migrate.baseline_on_migrate", value);
        }

        /// <summary>The version of that baseline. Default: 1.</summary>
        [Option("migrate.baseline_version")]
        public string MigrateBaselineVersion {
            get => this["migrate.baseline_version"];
            set => this["migrate.baseline_version"] = value;
        }

        /// <summary>The description of that baseline. Default: &lt;&lt; Flyway Baseline &gt;&gt;.</summary>
        [Option("migrate.baseline_description")]
        public string MigrateBaselineDescription {
            get => this["migrate.baseline_description"];
            set => this["migrate.baseline_description"] = value;
        }

        /// <summary>Whether mtdb_migrator_drop() may empty a tenant. Default: refuse.</summary>
        [Option("migrate.drop")]
        public MigrateDropChoice? MigrateDrop {
            get => (MigrateDropChoice?)GetChoice("migrate.drop", Choices.MigrateDrop);
            set => SetChoice("migrate.drop", (int?)value, Choices.MigrateDrop);
        }

        /// <summary>First wait after a failed automatic migration; it doubles up to a minute. Default:
        /// 1000.</summary>
        [Option("migrate.backoff_ms")]
        public TimeSpan? MigrateBackoff {
            get => GetTime("migrate.backoff_ms");
            set => SetTime("migrate.backoff_ms", value);
        }

        /// <summary>How long a tenant's automatic migration may take at its first lease; 0 for that lease's own time.
        /// Default: 0.</summary>
        [Option("migrate.timeout_ms")]
        public TimeSpan? MigrateTimeout {
            get => GetTime("migrate.timeout_ms");
            set => SetTime("migrate.timeout_ms", value);
        }

        /// <summary>How long a statement of a script waits on a server for a lock of others; 0 for the server's own
        /// time. MariaDB and MySQL count whole seconds. Default: 3000.</summary>
        [Option("migrate.lock_timeout_ms")]
        public TimeSpan? MigrateLockTimeout {
            get => GetTime("migrate.lock_timeout_ms");
            set => SetTime("migrate.lock_timeout_ms", value);
        }

        /// <summary>How often such a statement, or the script that it rolled back, is tried again. Default:
        /// 10.</summary>
        [Option("migrate.lock_retries")]
        public int? MigrateLockRetries {
            get => (int?)GetNumber("migrate.lock_retries");
            set => SetNumber("migrate.lock_retries", value);
        }

        /// <summary>Where the control store is: the path of a SQLite file, or a server's url; empty for a file below
        /// a SQLite root, and none for servers. Default: empty.</summary>
        [Option("control")]
        public string Control { get => this["control"]; set => this["control"] = value; }

        /// <summary>The schema or database of the control store on a server; made when it is not there. Default:
        /// mtdb_control.</summary>
        [Option("control.namespace")]
        public string ControlNamespace { get => this["control.namespace"]; set => this["control.namespace"] = value; }

        /// <summary>Token of a quiesce flag's owner: the migrator's verbs pass that flag. Default: empty.</summary>
        [Option("migrate.quiesce_token")]
        public string MigrateQuiesceToken {
            get => this["migrate.quiesce_token"];
            set => this["migrate.quiesce_token"] = value;
        }
    }

    /// <summary>Options of a migrator: <see cref="Db.NewMigrator"/>.</summary>
    public sealed class MigratorOptions : Options {
        /// <summary>Folder of the scripts. Default: empty.</summary>
        [Option("migrate.source")]
        public string Source { get => this["migrate.source"]; set => this["migrate.source"] = value; }

        /// <summary>Whose file names the scripts have; auto looks. Default: auto.</summary>
        [Option("migrate.layout")]
        public MigrateLayoutChoice? Layout {
            get => (MigrateLayoutChoice?)GetChoice("migrate.layout", Choices.MigrateLayout);
            set => SetChoice("migrate.layout", (int?)value, Choices.MigrateLayout);
        }

        /// <summary>Whose history table is written; auto takes the one that exists, else the layout's. Default:
        /// auto.</summary>
        [Option("migrate.history")]
        public MigrateHistoryChoice? History {
            get => (MigrateHistoryChoice?)GetChoice("migrate.history", Choices.MigrateHistory);
            set => SetChoice("migrate.history", (int?)value, Choices.MigrateHistory);
        }

        /// <summary>Name of the history table; empty for the tool's own. Default: empty.</summary>
        [Option("migrate.table")]
        public string Table { get => this["migrate.table"]; set => this["migrate.table"] = value; }

        /// <summary>What a tenant's first lease does: nothing, migrate it, or refuse one that is not up to date.
        /// Default: manual.</summary>
        [Option("migrate.mode")]
        public MigrateModeChoice? Mode {
            get => (MigrateModeChoice?)GetChoice("migrate.mode", Choices.MigrateMode);
            set => SetChoice("migrate.mode", (int?)value, Choices.MigrateMode);
        }

        /// <summary>Lets tenants through whose history is newer than the scripts. Default: false.</summary>
        [Option("migrate.newer")]
        public bool? Newer { get => GetBoolean("migrate.newer"); set => SetBoolean("migrate.newer", value); }

        /// <summary>Runs scripts whose version is below the newest applied one. Default: false.</summary>
        [Option("migrate.out_of_order")]
        public bool? OutOfOrder {
            get => GetBoolean("migrate.out_of_order");
            set => SetBoolean("migrate.out_of_order", value);
        }

        /// <summary>Encoding of the scripts, as iconv names it; UTF-16 is known by its byte order mark. Default:
        /// UTF-8.</summary>
        [Option("migrate.encoding")]
        public string Encoding { get => this["migrate.encoding"]; set => this["migrate.encoding"] = value; }

        /// <summary>Replaces placeholders in scripts of Flyway's layout. Default: true.</summary>
        [Option("migrate.placeholders")]
        public bool? Placeholders {
            get => GetBoolean("migrate.placeholders");
            set => SetBoolean("migrate.placeholders", value);
        }

        /// <summary>The value of one placeholder; its name is the rest of the key, in any case. Default:
        /// empty.</summary>
        [Option("migrate.placeholder.<id>")]
        public void Placeholder(string name, string value) => this["migrate.placeholder." + name] = value;

        /// <summary>What a placeholder begins with. Default: ${.</summary>
        [Option("migrate.placeholder_prefix")]
        public string PlaceholderPrefix {
            get => this["migrate.placeholder_prefix"];
            set => this["migrate.placeholder_prefix"] = value;
        }

        /// <summary>What a placeholder ends with. Default: }.</summary>
        [Option("migrate.placeholder_suffix")]
        public string PlaceholderSuffix {
            get => this["migrate.placeholder_suffix"];
            set => this["migrate.placeholder_suffix"] = value;
        }

        /// <summary>What follows flyway in the names of built-in placeholders. Default: :.</summary>
        [Option("migrate.placeholder_separator")]
        public string PlaceholderSeparator {
            get => this["migrate.placeholder_separator"];
            set => this["migrate.placeholder_separator"] = value;
        }

        /// <summary>What names of versioned scripts begin with. Default: V.</summary>
        [Option("migrate.flyway.prefix")]
        public string FlywayPrefix {
            get => this["migrate.flyway.prefix"];
            set => this["migrate.flyway.prefix"] = value;
        }

        /// <summary>What names of undo scripts begin with. Default: U.</summary>
        [Option("migrate.flyway.undo_prefix")]
        public string FlywayUndoPrefix {
            get => this["migrate.flyway.undo_prefix"];
            set => this["migrate.flyway.undo_prefix"] = value;
        }

        /// <summary>What names of repeatable scripts begin with. Default: R.</summary>
        [Option("migrate.flyway.repeatable_prefix")]
        public string FlywayRepeatablePrefix {
            get => this["migrate.flyway.repeatable_prefix"];
            set => this["migrate.flyway.repeatable_prefix"] = value;
        }

        /// <summary>What names of baseline scripts begin with. Default: B.</summary>
        [Option("migrate.flyway.baseline_prefix")]
        public string FlywayBaselinePrefix {
            get => this["migrate.flyway.baseline_prefix"];
            set => this["migrate.flyway.baseline_prefix"] = value;
        }

        /// <summary>What stands between version and description in a script's name. Default: __.</summary>
        [Option("migrate.flyway.separator")]
        public string FlywaySeparator {
            get => this["migrate.flyway.separator"];
            set => this["migrate.flyway.separator"] = value;
        }

        /// <summary>What names of scripts end with, separated by commas. Default: .sql.</summary>
        [Option("migrate.flyway.suffixes")]
        public string FlywaySuffixes {
            get => this["migrate.flyway.suffixes"];
            set => this["migrate.flyway.suffixes"] = value;
        }

        /// <summary>Refuses a folder with .sql files whose names are no script's. Default: false.</summary>
        [Option("migrate.flyway.strict_names")]
        public bool? FlywayStrictNames {
            get => GetBoolean("migrate.flyway.strict_names");
            set => SetBoolean("migrate.flyway.strict_names", value);
        }

        /// <summary>Patterns type:state, separated by commas, of what validate overlooks and repair leaves alone.
        /// Default: *:future.</summary>
        [Option("migrate.ignore")]
        public string Ignore { get => this["migrate.ignore"]; set => this["migrate.ignore"] = value; }

        /// <summary>Lets a script have statements that cannot run in a transaction beside others; then none of them
        /// does. Default: false.</summary>
        [Option("migrate.mixed")]
        public bool? Mixed { get => GetBoolean("migrate.mixed"); set => SetBoolean("migrate.mixed", value); }

        /// <summary>Runs all scripts of a run in one transaction, where the database can. Default: false.</summary>
        [Option("migrate.group")]
        public bool? Group { get => GetBoolean("migrate.group"); set => SetBoolean("migrate.group", value); }

        /// <summary>Runs each script in a transaction, unless it is configured otherwise. Default: true.</summary>
        [Option("migrate.transaction")]
        public bool? Transaction {
            get => GetBoolean("migrate.transaction");
            set => SetBoolean("migrate.transaction", value);
        }

        /// <summary>Writes the history as if scripts had run, without running them. Default: false.</summary>
        [Option("migrate.record_only")]
        public bool? RecordOnly {
            get => GetBoolean("migrate.record_only");
            set => SetBoolean("migrate.record_only", value);
        }

        /// <summary>Begins the history of a tenant that has tables and none with a baseline. Default:
        /// false.</summary>
        [Option("migrate.baseline_on_migrate")]
        public bool? BaselineOnMigrate {
            get => GetBoolean("migrate.baseline_on_migrate");
            set => SetBoolean("migrate.baseline_on_migrate", value);
        }

        /// <summary>The version of that baseline. Default: 1.</summary>
        [Option("migrate.baseline_version")]
        public string BaselineVersion {
            get => this["migrate.baseline_version"];
            set => this["migrate.baseline_version"] = value;
        }

        /// <summary>The description of that baseline. Default: &lt;&lt; Flyway Baseline &gt;&gt;.</summary>
        [Option("migrate.baseline_description")]
        public string BaselineDescription {
            get => this["migrate.baseline_description"];
            set => this["migrate.baseline_description"] = value;
        }

        /// <summary>Whether mtdb_migrator_drop() may empty a tenant. Default: refuse.</summary>
        [Option("migrate.drop")]
        public MigrateDropChoice? Drop {
            get => (MigrateDropChoice?)GetChoice("migrate.drop", Choices.MigrateDrop);
            set => SetChoice("migrate.drop", (int?)value, Choices.MigrateDrop);
        }

        /// <summary>First wait after a failed automatic migration; it doubles up to a minute. Default:
        /// 1000.</summary>
        [Option("migrate.backoff_ms")]
        public TimeSpan? Backoff { get => GetTime("migrate.backoff_ms"); set => SetTime("migrate.backoff_ms", value); }

        /// <summary>How long a tenant's automatic migration may take at its first lease; 0 for that lease's own time.
        /// Default: 0.</summary>
        [Option("migrate.timeout_ms")]
        public TimeSpan? Timeout { get => GetTime("migrate.timeout_ms"); set => SetTime("migrate.timeout_ms", value); }

        /// <summary>How long a statement of a script waits on a server for a lock of others; 0 for the server's own
        /// time. MariaDB and MySQL count whole seconds. Default: 3000.</summary>
        [Option("migrate.lock_timeout_ms")]
        public TimeSpan? LockTimeout {
            get => GetTime("migrate.lock_timeout_ms");
            set => SetTime("migrate.lock_timeout_ms", value);
        }

        /// <summary>How often such a statement, or the script that it rolled back, is tried again. Default:
        /// 10.</summary>
        [Option("migrate.lock_retries")]
        public int? LockRetries {
            get => (int?)GetNumber("migrate.lock_retries");
            set => SetNumber("migrate.lock_retries", value);
        }

        /// <summary>Token of a quiesce flag's owner: the migrator's verbs pass that flag. Default: empty.</summary>
        [Option("migrate.quiesce_token")]
        public string QuiesceToken {
            get => this["migrate.quiesce_token"];
            set => this["migrate.quiesce_token"] = value;
        }
    }

    /// <summary>Options of a driver: <see cref="Driver.Open"/>.</summary>
    public sealed class DriverOptions : Options {
        /// <summary>Name of a driver's version table. Default: schema_migrations.</summary>
        [Option("driver.table")]
        public string Table { get => this["driver.table"]; set => this["driver.table"] = value; }

        /// <summary>On PostgreSQL, driver.table is written in double quotes, and may have a schema in front. Default:
        /// false.</summary>
        [Option("driver.table_quoted")]
        public bool? TableQuoted {
            get => GetBoolean("driver.table_quoted");
            set => SetBoolean("driver.table_quoted", value);
        }

        /// <summary>How long a text may run, or each of its statements with driver.multi_statement; 0 for no end.
        /// Default: 0.</summary>
        [Option("driver.statement_timeout_ms")]
        public TimeSpan? StatementTimeout {
            get => GetTime("driver.statement_timeout_ms");
            set => SetTime("driver.statement_timeout_ms", value);
        }

        /// <summary>On PostgreSQL, runs the statements of a text one by one, each in a transaction of its own.
        /// Default: false.</summary>
        [Option("driver.multi_statement")]
        public bool? MultiStatement {
            get => GetBoolean("driver.multi_statement");
            set => SetBoolean("driver.multi_statement", value);
        }

        /// <summary>Bytes that a statement of such a text may have. Default: 10485760.</summary>
        [Option("driver.statement_size_max_bytes")]
        public long? StatementSizeMaxBytes {
            get => GetNumber("driver.statement_size_max_bytes");
            set => SetNumber("driver.statement_size_max_bytes", value);
        }

        /// <summary>What keeps other migrators out: the server's locks or the file's, a row of a table, or nothing.
        /// Default: advisory.</summary>
        [Option("driver.lock")]
        public DriverLockChoice? Lock {
            get => (DriverLockChoice?)GetChoice("driver.lock", Choices.DriverLock);
            set => SetChoice("driver.lock", (int?)value, Choices.DriverLock);
        }

        /// <summary>Name of that table. Default: schema_lock.</summary>
        [Option("driver.lock_table")]
        public string LockTable { get => this["driver.lock_table"]; set => this["driver.lock_table"] = value; }

        /// <summary>On SQLite, runs a text without a transaction around it. Default: false.</summary>
        [Option("driver.no_tx_wrap")]
        public bool? NoTxWrap { get => GetBoolean("driver.no_tx_wrap"); set => SetBoolean("driver.no_tx_wrap", value); }
    }

    /// <summary>Options of quiesce flags: <see cref="Db.NewQuiesce"/>.</summary>
    public sealed class QuiesceOptions : Options {
        /// <summary>Where quiesce flags are kept: the url of a PostgreSQL or MySQL database, the path or url of an
        /// SQLite file; empty for this db's memory. Default: empty.</summary>
        [Option("quiesce.store")]
        public string Store { get => this["quiesce.store"]; set => this["quiesce.store"] = value; }

        /// <summary>Name of the table of the global flag, schema.name on PostgreSQL; empty for quiesce_flags. The
        /// library's own table is beside it: mtdb_quiesce, or mtdb_&lt;name&gt; for another name. Default:
        /// empty.</summary>
        [Option("quiesce.table")]
        public string Table { get => this["quiesce.table"]; set => this["quiesce.table"] = value; }

        /// <summary>Scopes that this process obeys besides global and each tenant's own, such as
        /// server:eu1,group:beta. Default: empty.</summary>
        [Option("quiesce.scopes")]
        public string Scopes { get => this["quiesce.scopes"]; set => this["quiesce.scopes"] = value; }

        /// <summary>The name that this process announces; empty for that of its program. Default: empty.</summary>
        [Option("quiesce.process")]
        public string Process { get => this["quiesce.process"]; set => this["quiesce.process"] = value; }

        /// <summary>How often a db that obeys reads the flags and announces itself. Default: 1000.</summary>
        [Option("quiesce.refresh_ms")]
        public TimeSpan? Refresh { get => GetTime("quiesce.refresh_ms"); set => SetTime("quiesce.refresh_ms", value); }

        /// <summary>How long an announcement holds, and how long leases are granted on what was read; at least four
        /// times quiesce.refresh_ms. Default: 10000.</summary>
        [Option("quiesce.announce_ms")]
        public TimeSpan? Announce {
            get => GetTime("quiesce.announce_ms");
            set => SetTime("quiesce.announce_ms", value);
        }

        /// <summary>What happens while the flags cannot be read: leases and migrations go on, neither does, or with
        /// auto leases only. Default: auto.</summary>
        [Option("quiesce.on_error")]
        public QuiesceOnErrorChoice? OnError {
            get => (QuiesceOnErrorChoice?)GetChoice("quiesce.on_error", Choices.QuiesceOnError);
            set => SetChoice("quiesce.on_error", (int?)value, Choices.QuiesceOnError);
        }

        /// <summary>Whether a lease is refused while a flag is set, or waits for the flag's end within its deadline.
        /// Default: refuse.</summary>
        [Option("quiesce.leases")]
        public QuiesceLeasesChoice? Leases {
            get => (QuiesceLeasesChoice?)GetChoice("quiesce.leases", Choices.QuiesceLeases);
            set => SetChoice("quiesce.leases", (int?)value, Choices.QuiesceLeases);
        }
    }

    /// <summary>Options of a fleet run: <see cref="Db.NewFleet"/>.</summary>
    public sealed class FleetOptions : Options {
        /// <summary>What a fleet run does to each tenant. Default: migrate.</summary>
        [Option("fleet.verb")]
        public FleetVerbChoice? Verb {
            get => (FleetVerbChoice?)GetChoice("fleet.verb", Choices.FleetVerb);
            set => SetChoice("fleet.verb", (int?)value, Choices.FleetVerb);
        }

        /// <summary>The target of the verb, as mtdb_migrator_migrate() or _undo() takes it; of baseline: the version.
        /// Default: empty.</summary>
        [Option("fleet.target")]
        public string Target { get => this["fleet.target"]; set => this["fleet.target"] = value; }

        /// <summary>The script that verb sql runs; with mtdb_fleet_query() one statement. Default: empty.</summary>
        [Option("fleet.sql")]
        public string Sql { get => this["fleet.sql"]; set => this["fleet.sql"] = value; }

        /// <summary>Lets verb sql write. Default: false.</summary>
        [Option("fleet.write")]
        public bool? Write { get => GetBoolean("fleet.write"); set => SetBoolean("fleet.write", value); }

        /// <summary>The run's name in the ledger; empty for a new one of its own. Default: empty.</summary>
        [Option("fleet.run")]
        public string Run { get => this["fleet.run"]; set => this["fleet.run"] = value; }

        /// <summary>Whether the run is a new one, or takes up one of the ledger: what it left undone, also what
        /// failed, or undoes what it applied. Default: new.</summary>
        [Option("fleet.resume")]
        public FleetResumeChoice? Resume {
            get => (FleetResumeChoice?)GetChoice("fleet.resume", Choices.FleetResume);
            set => SetChoice("fleet.resume", (int?)value, Choices.FleetResume);
        }

        /// <summary>Whether the run keeps a ledger in the control store; without one it cannot be taken up. Default:
        /// on.</summary>
        [Option("fleet.ledger")]
        public FleetLedgerChoice? Ledger {
            get => (FleetLedgerChoice?)GetChoice("fleet.ledger", Choices.FleetLedger);
            set => SetChoice("fleet.ledger", (int?)value, Choices.FleetLedger);
        }

        /// <summary>What says that a tenant has nothing to do: its own history, or a ledger that saw it with the same
        /// scripts and an unchanged file. Default: history.</summary>
        [Option("fleet.trust")]
        public FleetTrustChoice? Trust {
            get => (FleetTrustChoice?)GetChoice("fleet.trust", Choices.FleetTrust);
            set => SetChoice("fleet.trust", (int?)value, Choices.FleetTrust);
        }

        /// <summary>Tenants that are worked on at the same time. Default: 4.</summary>
        [Option("fleet.workers")]
        public int? Workers { get => (int?)GetNumber("fleet.workers"); set => SetNumber("fleet.workers", value); }

        /// <summary>How many of these may be on one server; 0 for all. A server that refuses connections gets fewer
        /// until it proves to take more. Default: 0.</summary>
        [Option("fleet.server_workers")]
        public int? ServerWorkers {
            get => (int?)GetNumber("fleet.server_workers");
            set => SetNumber("fleet.server_workers", value);
        }

        /// <summary>Whether a tenant that fails halts the run; what has begun is done to its end. Default:
        /// stop.</summary>
        [Option("fleet.on_failure")]
        public FleetOnFailureChoice? OnFailure {
            get => (FleetOnFailureChoice?)GetChoice("fleet.on_failure", Choices.FleetOnFailure);
            set => SetChoice("fleet.on_failure", (int?)value, Choices.FleetOnFailure);
        }

        /// <summary>With fleet.on_failure=continue: how many tenants may fail, as a count or a share such as 5%,
        /// before the run halts; empty for any number. Default: empty.</summary>
        [Option("fleet.failures_max")]
        public string FailuresMax { get => this["fleet.failures_max"]; set => this["fleet.failures_max"] = value; }

        /// <summary>So many failures one after the other halt the run; 0 for any number. Default: 0.</summary>
        [Option("fleet.failures_in_row_max")]
        public int? FailuresInRowMax {
            get => (int?)GetNumber("fleet.failures_in_row_max");
            set => SetNumber("fleet.failures_in_row_max", value);
        }

        /// <summary>How many tenants, which share, or which ids (separated by commas) go first; one that fails there
        /// halts the run. Default: 0.</summary>
        [Option("fleet.canary")]
        public string Canary { get => this["fleet.canary"]; set => this["fleet.canary"] = value; }

        /// <summary>Sizes of the waves behind the canary, separated by commas; the last is repeated; empty for one
        /// wave. Default: empty.</summary>
        [Option("fleet.waves")]
        public string Waves { get => this["fleet.waves"]; set => this["fleet.waves"] = value; }

        /// <summary>How long the run waits between two waves. Default: 0.</summary>
        [Option("fleet.soak_ms")]
        public TimeSpan? Soak { get => GetTime("fleet.soak_ms"); set => SetTime("fleet.soak_ms", value); }

        /// <summary>After each wave mtdb_fleet_run() returns NEEDS, and goes on once mtdb_fleet_decide() said so.
        /// Default: false.</summary>
        [Option("fleet.verdict")]
        public bool? Verdict { get => GetBoolean("fleet.verdict"); set => SetBoolean("fleet.verdict", value); }

        /// <summary>How often a tenant is tried again after a failure that may pass. Default: 2.</summary>
        [Option("fleet.retries_max")]
        public int? RetriesMax {
            get => (int?)GetNumber("fleet.retries_max");
            set => SetNumber("fleet.retries_max", value);
        }

        /// <summary>The wait before the first such try; it doubles. Default: 200.</summary>
        [Option("fleet.retry_ms")]
        public TimeSpan? Retry { get => GetTime("fleet.retry_ms"); set => SetTime("fleet.retry_ms", value); }

        /// <summary>Token of a quiesce flag's owner: the migrator's verbs pass that flag. Default: empty.</summary>
        [Option("migrate.quiesce_token")]
        public string MigrateQuiesceToken {
            get => this["migrate.quiesce_token"];
            set => this["migrate.quiesce_token"] = value;
        }
    }

    /// <summary>Options of a lease: <see cref="Tenant.Acquire"/>.</summary>
    public sealed class LeaseOptions : Options {
        /// <summary>A name for the lease in events, such as the place that acquired it. Default: empty.</summary>
        [Option("lease.tag")]
        public string Tag { get => this["lease.tag"]; set => this["lease.tag"] = value; }

        /// <summary>Refuses statements that write. Default: false.</summary>
        [Option("lease.read_only")]
        public bool? ReadOnly { get => GetBoolean("lease.read_only"); set => SetBoolean("lease.read_only", value); }
    }

    /// <summary>Options of a transaction: <see cref="Lease.Begin"/>.</summary>
    public sealed class TransactionOptions : Options {
        /// <summary>Begins a transaction that refuses to write and waits for no writer. Default: false.</summary>
        [Option("tx.read_only")]
        public bool? ReadOnly { get => GetBoolean("tx.read_only"); set => SetBoolean("tx.read_only", value); }

        /// <summary>Isolation of the transaction; standard is the backend's own default. Default: standard.</summary>
        [Option("tx.isolation")]
        public TxIsolationChoice? Isolation {
            get => (TxIsolationChoice?)GetChoice("tx.isolation", Choices.TxIsolation);
            set => SetChoice("tx.isolation", (int?)value, Choices.TxIsolation);
        }

        /// <summary>Takes the write lock at begin, where the backend has one. Default: true.</summary>
        [Option("tx.immediate")]
        public bool? Immediate { get => GetBoolean("tx.immediate"); set => SetBoolean("tx.immediate", value); }
    }

    /// <summary>Options of a verb over many tenants: <see cref="Migrator.Run"/>.</summary>
    public sealed class RunOptions : Options {
        /// <summary>Threads that a run over many tenants uses. Default: 1.</summary>
        [Option("run.workers")]
        public int? Workers { get => (int?)GetNumber("run.workers"); set => SetNumber("run.workers", value); }
    }
}
