// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;
using System.Threading;
using System.Threading.Tasks;

namespace Mtdb.Data {
    /// <summary>A connection of one tenant: open, it has a lease. The library pools below it, so open it late and close
    /// it early. The tenant is the one given to the constructor, else the connection string's, else that of the
    /// <see cref="TenantScope"/> in which it is opened. Serves one thread at a time.</summary>
    public sealed class MtdbConnection : DbConnection {
        private readonly Db given;
        private readonly string tenant;
        private MtdbConnectionStringBuilder parts;
        private string shown;
        private readonly object gate = new object();
        private Lease lease;
        private Db db;
        private int closes;

        /// <summary>A connection without a connection string.</summary>
        public MtdbConnection() : this("") { }

        /// <summary>A connection by its string: see <see cref="MtdbConnectionStringBuilder"/>.</summary>
        public MtdbConnection(string connectionString) {
            ConnectionString = connectionString;
        }

        /// <summary>A connection of a db that the program opened, and closes.</summary>
        /// <param name="db">stays the caller's</param>
        /// <param name="tenant">null: that of the <see cref="TenantScope"/></param>
        public MtdbConnection(Db db, string tenant = null) : this("") {
            given = db ?? throw new ArgumentNullException(nameof(db));
            this.tenant = tenant;
        }

        /// <summary>What the connection is made from; without passwords once it was opened.</summary>
        public override string ConnectionString {
            get => shown;
            set {
                if (lease != null) throw new InvalidOperationException("the connection is open");
                parts = new MtdbConnectionStringBuilder(value ?? "");
                shown = value ?? "";
            }
        }

        /// <summary>The tenant; empty while the connection is closed and the <see cref="TenantScope"/> will
        /// decide.</summary>
        public override string Database => lease != null ? lease.Tenant : tenant ?? parts.Tenant;

        /// <summary>The url, without a password.</summary>
        public override string DataSource =>
            MtdbConnectionStringBuilder.WithoutPassword(given != null ? given.Url : parts.Url);

        /// <summary>The server's version in its own words; for SQLite that of its library.</summary>
        public override string ServerVersion {
            get {
                var url = given != null ? given.Url : parts.Url;
                return url.StartsWith("postgres", StringComparison.Ordinal) || url.Contains("mysql")
                    || url.Contains("mariadb")
                    ? Lease.Scalar<string>("SELECT version()")
                    : Library.Fact("sqlite.version");
            }
        }

        /// <summary>Open or closed.</summary>
        public override ConnectionState State => lease == null ? ConnectionState.Closed : ConnectionState.Open;

        /// <summary>The lease of an open connection: for all that ADO.NET has no call for.</summary>
        /// <exception cref="InvalidOperationException">The connection is closed.</exception>
        public Lease Lease => lease ?? throw new InvalidOperationException("the connection is not open");

        internal Db Db => db;

        /// <summary>The transaction that <see cref="DbConnection.BeginTransaction()"/> began and that has not
        /// ended.</summary>
        internal MtdbTransaction Pending { get; set; }

        /// <summary>The provider's factory.</summary>
        protected override DbProviderFactory DbProviderFactory => MtdbFactory.Instance;

        /// <summary>Takes a lease of the tenant.</summary>
        public override void Open() => Open(default, Named(), closes);

        /// <summary>Takes a lease, waiting on another thread; the token ends the wait.</summary>
        public override Task OpenAsync(CancellationToken cancellationToken) {
            var name = Named();
            var turn = closes;
            return Task.Run(() => Open(cancellationToken, name, turn), cancellationToken);
        }

        private string Named() =>
            tenant ?? (parts.Tenant.Length > 0 ? parts.Tenant : TenantScope.Required());

        /// <param name="cancellation">ends the wait</param>
        /// <param name="name">the tenant</param>
        /// <param name="turn">how often the connection had been closed when the opening was asked for</param>
        private void Open(CancellationToken cancellation, string name, int turn) {
            if (lease != null) throw new InvalidOperationException("the connection is open");
            var source = given ?? Sources.Of(parts);
            var options = new LeaseOptions { Tag = "MtdbConnection" };
            if (parts.ReadOnly) options.ReadOnly = true;
            var made = source[name].Acquire(options, null, cancellation);
            if (!Keep(made, turn)) {
                made.Dispose();
                throw new InvalidOperationException("the connection was closed, or opened, while it was being opened");
            }
            db = source;
            if (!parts.PersistSecurityInfo) shown = parts.Redacted();
            OnStateChange(new StateChangeEventArgs(ConnectionState.Closed, ConnectionState.Open));
        }

        private bool Keep(Lease made, int turn) {
            lock (gate) {
                if (lease != null || turn != closes) return false;
                lease = made;
                return true;
            }
        }

        /// <summary>Gives the lease back; an open transaction is rolled back. What opens it on another thread now will
        /// fail. Idempotent.</summary>
        public override void Close() {
            Lease ending;
            lock (gate) {
                closes++;
                ending = lease;
                lease = null;
                Pending = null;
            }
            if (ending == null) return;
            ending.Dispose();
            OnStateChange(new StateChangeEventArgs(ConnectionState.Open, ConnectionState.Closed));
        }

        /// <summary>Binds the open connection to another tenant.</summary>
        public override void ChangeDatabase(string databaseName) => Lease.Use(databaseName);

        /// <summary>Begins a transaction.</summary>
        /// <param name="options">of the transaction</param>
        public MtdbTransaction BeginTransaction(TransactionOptions options) {
            var level = options?.Isolation == TxIsolationChoice.Serializable ? IsolationLevel.Serializable
                : options?.Isolation == TxIsolationChoice.RepeatableRead ? IsolationLevel.RepeatableRead
                : options?.Isolation == TxIsolationChoice.ReadCommitted ? IsolationLevel.ReadCommitted
                : IsolationLevel.Unspecified;
            return Pending = new MtdbTransaction(this, Lease.Begin(options), level);
        }

        /// <summary>Begins a transaction of a level; Unspecified is the database's own. ReadUncommitted becomes
        /// ReadCommitted, Snapshot becomes RepeatableRead.</summary>
        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) {
            var options = new TransactionOptions();
            switch (isolationLevel) {
                case IsolationLevel.Unspecified:
                    break;
                case IsolationLevel.ReadUncommitted:
                case IsolationLevel.ReadCommitted:
                    options.Isolation = TxIsolationChoice.ReadCommitted;
                    break;
                case IsolationLevel.RepeatableRead:
                case IsolationLevel.Snapshot:
                    options.Isolation = TxIsolationChoice.RepeatableRead;
                    break;
                case IsolationLevel.Serializable:
                    options.Isolation = TxIsolationChoice.Serializable;
                    break;
                default:
                    throw new NotSupportedException($"isolation level {isolationLevel}");
            }
            return BeginTransaction(options);
        }

        /// <summary>A command of this connection.</summary>
        protected override DbCommand CreateDbCommand() => new MtdbCommand { Connection = this };

        /// <summary>Closes the db behind a connection string; the next connection opens a new one.</summary>
        public static void ClearPool(MtdbConnection connection) {
            if (connection == null) throw new ArgumentNullException(nameof(connection));
            Sources.Clear(connection.parts);
        }

        /// <summary>Closes the dbs behind all connection strings.</summary>
        public static void ClearAllPools() => Sources.ClearAll();

        /// <summary>Closes the connection.</summary>
        protected override void Dispose(bool disposing) {
            if (disposing) Close();
            base.Dispose(disposing);
        }
    }
}
