// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>A connection bound to one tenant until it is given back: dispose it. One that is forgotten is cleaned
    /// up and reported by the event lease.abandoned. Serves one thread at a time.</summary>
    public sealed unsafe class Lease : IDisposable {
        private readonly Db db;

        private Lease(Db db, IntPtr pointer) {
            this.db = db;
            Handle = new LeaseHandle(pointer);
        }

        internal LeaseHandle Handle { get; }

        internal static Lease Acquire(Tenant tenant, byte[] id, LeaseOptions options, TimeSpan? timeout,
            CancellationToken cancellation) {
            var native = Options.Native(options);
            try {
                using (var wait = Wait.For(timeout, cancellation)) {
                    int status;
                    IntPtr made, error;
                    do {
                        fixed (byte* at = id)
                            status = Native.mtdb_db_acquire(tenant.Db.Handle, (IntPtr)at, id.Length, native, wait.Left,
                                wait.Cancel, out made, out error);
                    } while (tenant.Db.Answered(status, tenant.Id));
                    Failure.Check(status, error, wait.Token);
                    return new Lease(tenant.Db, made);
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>The tenant that the lease is bound to.</summary>
        public string Tenant => Utf8.Filled((IntPtr buffer, long capacity, out long needed, out IntPtr error) =>
            Native.mtdb_conn_tenant(Handle, buffer, capacity, out needed, out error));

        /// <summary>Runs one statement; rows that it returns are dropped.</summary>
        /// <returns>rows changed</returns>
        public long Execute(string sql, params object[] parameters) => Execute(sql, parameters, null);

        /// <summary>Runs one statement within a time.</summary>
        /// <param name="sql">one statement</param>
        /// <param name="parameters">its values, in the order of its placeholders; empty for none</param>
        /// <param name="timeout">null: option query_timeout_ms</param>
        /// <param name="cancellation">ends it</param>
        /// <returns>rows changed</returns>
        public long Execute(string sql, object[] parameters, TimeSpan? timeout,
            CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) return Execute(sql, BlockWriter.Row(parameters), wait);
        }

        /// <summary>Runs one statement once per row of values, all in one transaction and one call.</summary>
        /// <returns>rows changed by all of them</returns>
        public long ExecuteMany(string sql, IEnumerable<object[]> rows, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            var all = rows as IReadOnlyList<object[]> ?? new List<object[]>(rows);
            if (all.Count == 0) return 0;
            using (var wait = Wait.For(timeout, cancellation)) return Execute(sql, BlockWriter.Rows(all), wait);
        }

        internal long Execute(string sql, byte[] block, Wait wait) {
            var text = Utf8.Required(sql, nameof(sql));
            fixed (byte* of = text, values = block) {
                var status = Native.mtdb_conn_exec(Handle, (IntPtr)of, text.Length, (IntPtr)values, Utf8.Length(block),
                    wait.Left, wait.Cancel, out var affected, out var error);
                Failure.Check(status, error, wait.Token);
                return affected;
            }
        }

        /// <summary>Runs one statement and returns its rows.</summary>
        public Rows Query(string sql, params object[] parameters) => Query(sql, parameters, null);

        /// <summary>Runs one statement within a time that covers the reading of its rows too.</summary>
        public Rows Query(string sql, object[] parameters, TimeSpan? timeout,
            CancellationToken cancellation = default) {
            var wait = Wait.For(timeout, cancellation);
            try {
                return Query(sql, BlockWriter.Row(parameters), wait);
            } catch {
                wait.Dispose();
                throw;
            }
        }

        internal Rows Query(string sql, byte[] block, Wait wait) {
            var text = Utf8.Required(sql, nameof(sql));
            fixed (byte* of = text, values = block) {
                var status = Native.mtdb_conn_query(Handle, (IntPtr)of, text.Length, (IntPtr)values, Utf8.Length(block),
                    wait.Left, wait.Cancel, out var made, out var error);
                return Rows.Of(status, made, error, wait);
            }
        }

        /// <summary>The first value of the first row; default(T) when there is no row.</summary>
        public T Scalar<T>(string sql, params object[] parameters) => First<T>(Query(sql, parameters));

        internal static T First<T>(Rows rows) {
            using (rows) return rows.Read() ? rows.Get<T>(0) : default;
        }

        /// <summary>As <see cref="Execute(string, object[])"/>, on another thread.</summary>
        public Task<long> ExecuteAsync(string sql, object[] parameters = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Task.Run(() => Execute(sql, parameters ?? new object[0], timeout, cancellation), cancellation);

        /// <summary>As <see cref="Query(string, object[])"/>, on another thread.</summary>
        public Task<Rows> QueryAsync(string sql, object[] parameters = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Task.Run(() => Query(sql, parameters ?? new object[0], timeout, cancellation), cancellation);

        /// <summary>Runs a text of several statements in order; stops at the first failure, which names statement, line
        /// and column. Each commits by itself unless a transaction is open.</summary>
        /// <returns>how many ran</returns>
        public long ExecuteScript(string text, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var script = Utf8.Required(text, nameof(text));
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* at = script) {
                    var status = Native.mtdb_conn_exec_script(Handle, (IntPtr)at, script.Length, wait.Left, wait.Cancel,
                        out var statements, out var error);
                    Failure.Check(status, error, wait.Token);
                    return statements;
                }
            }
        }

        /// <summary>Prepares one statement.</summary>
        public Statement Prepare(string sql, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var text = Utf8.Required(sql, nameof(sql));
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* of = text) {
                    var status = Native.mtdb_stmt_prepare(Handle, (IntPtr)of, text.Length, wait.Left, wait.Cancel,
                        out var made, out var error);
                    Failure.Check(status, error, wait.Token);
                    return new Statement(made);
                }
            }
        }

        /// <summary>The key that the last successful INSERT of this lease generated; 0 when there was none.</summary>
        public long InsertId {
            get {
                Failure.Check(Native.mtdb_conn_insert_id(Handle, out var id, out var error), error);
                return id;
            }
        }

        /// <summary>Begins a transaction, which is rolled back when it is disposed without a commit.</summary>
        public Transaction Begin(TransactionOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            var native = Options.Native(options);
            try {
                using (var wait = Wait.For(timeout, cancellation)) {
                    var status = Native.mtdb_tx_begin(Handle, native, wait.Left, wait.Cancel, out var error);
                    Failure.Check(status, error, wait.Token);
                    return new Transaction(this);
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>Runs work in one transaction of this lease, which is committed when it returns and rolled back when
        /// it throws. What may succeed later, and has written nothing, is run again as a whole.</summary>
        public T Run<T>(Func<Lease, T> work, TransactionOptions options = null, int attemptsMax = 5,
            CancellationToken cancellation = default) =>
            Retry.Run(attemptsMax, cancellation, () => Retry.Once(this, work, options, cancellation));

        /// <summary>The state of the lease's transaction.</summary>
        public TransactionState TransactionState {
            get {
                Failure.Check(Native.mtdb_tx_state(Handle, out var state, out var error), error);
                return (TransactionState)state;
            }
        }

        /// <summary>Binds the lease to another tenant, as if it were given back and acquired anew.</summary>
        public void Use(string tenant, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var id = Utf8.Required(tenant, nameof(tenant));
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                IntPtr error;
                do {
                    fixed (byte* at = id)
                        status = Native.mtdb_conn_use(Handle, (IntPtr)at, id.Length, wait.Left, wait.Cancel, out error);
                } while (db.Answered(status, tenant));
                Failure.Check(status, error, wait.Token);
            }
        }

        /// <summary>Binds the lease to the tenant again that it was acquired for.</summary>
        public void Reset(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                IntPtr error;
                do {
                    status = Native.mtdb_conn_reset(Handle, wait.Left, wait.Cancel, out error);
                } while (db.Answered(status, null));
                Failure.Check(status, error, wait.Token);
            }
        }

        /// <summary>The tenant that the session stands in now, asked of the server.</summary>
        public string Current(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                long left = wait.Left;
                var cancel = wait.Cancel;
                return Utf8.Filled((IntPtr buffer, long capacity, out long needed, out IntPtr error) =>
                    Native.mtdb_conn_current(Handle, left, cancel, buffer, capacity, out needed, out error));
            }
        }

        /// <summary>Gives the lease back: rolls back what is open. Idempotent; later calls fail.</summary>
        public void Close() => Failure.Check(Native.mtdb_conn_close(Handle, out var error), error);

        /// <summary><see cref="Close"/>; a lease that cannot be given back cleanly is given up by the
        /// library.</summary>
        public void Dispose() {
            if (Handle.IsClosed) return;
            Native.mtdb_conn_close(Handle, out var error);
            Failure.Drop(error);
            Handle.Dispose();
        }
    }
}
