// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>One tenant of a db. Its calls take a lease and give it back; <see cref="Acquire"/> keeps one. Safe for
    /// all threads at once.</summary>
    public sealed unsafe class Tenant {
        private readonly byte[] id;

        internal Tenant(Db db, string id) {
            this.id = Utf8.Required(id, nameof(id));
            Db = db;
            Id = id;
        }

        /// <summary>The db that it belongs to.</summary>
        public Db Db { get; }

        /// <summary>Its id.</summary>
        public string Id { get; }

        /// <summary>Runs one statement; rows that it returns are dropped.</summary>
        /// <returns>rows changed</returns>
        public long Execute(string sql, params object[] parameters) => Execute(sql, parameters, null);

        /// <summary>Runs one statement within a time.</summary>
        /// <param name="sql">one statement</param>
        /// <param name="parameters">its values, in the order of its placeholders; empty for none</param>
        /// <param name="timeout">for all of it; null: the options' values</param>
        /// <param name="cancellation">ends it</param>
        /// <returns>rows changed</returns>
        public long Execute(string sql, object[] parameters, TimeSpan? timeout,
            CancellationToken cancellation = default) {
            byte[] text = Utf8.Required(sql, nameof(sql)), block = BlockWriter.Row(parameters);
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                long affected;
                IntPtr error;
                do {
                    fixed (byte* at = id, of = text, values = block)
                        status = Native.mtdb_db_exec(Db.Handle, (IntPtr)at, id.Length, (IntPtr)of, text.Length,
                            (IntPtr)values, Utf8.Length(block), wait.Left, wait.Cancel, out affected, out error);
                } while (Db.Answered(status, Id));
                Failure.Check(status, error, wait.Token);
                return affected;
            }
        }

        /// <summary>Runs one statement and returns its rows. The lease goes back when they are read to the end, or
        /// disposed.</summary>
        public Rows Query(string sql, params object[] parameters) => Query(sql, parameters, null);

        /// <summary>Runs one statement within a time that covers the reading of its rows too.</summary>
        public Rows Query(string sql, object[] parameters, TimeSpan? timeout,
            CancellationToken cancellation = default) {
            byte[] text = Utf8.Required(sql, nameof(sql)), block = BlockWriter.Row(parameters);
            var wait = Wait.For(timeout, cancellation);
            try {
                int status;
                IntPtr made, error;
                do {
                    fixed (byte* at = id, of = text, values = block)
                        status = Native.mtdb_db_query(Db.Handle, (IntPtr)at, id.Length, (IntPtr)of, text.Length,
                            (IntPtr)values, Utf8.Length(block), wait.Left, wait.Cancel, out made, out error);
                } while (Db.Answered(status, Id));
                return Rows.Of(status, made, error, wait);
            } catch {
                wait.Dispose();
                throw;
            }
        }

        /// <summary>The first value of the first row; default(T) when there is no row.</summary>
        public T Scalar<T>(string sql, params object[] parameters) => Lease.First<T>(Query(sql, parameters));

        /// <summary>As <see cref="Execute(string, object[])"/>, on another thread.</summary>
        public Task<long> ExecuteAsync(string sql, object[] parameters = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Task.Run(() => Execute(sql, parameters ?? new object[0], timeout, cancellation), cancellation);

        /// <summary>As <see cref="Query(string, object[])"/>, on another thread.</summary>
        public Task<Rows> QueryAsync(string sql, object[] parameters = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Task.Run(() => Query(sql, parameters ?? new object[0], timeout, cancellation), cancellation);

        /// <summary>Borrows a connection bound to this tenant. Dispose the lease to give it back.</summary>
        /// <param name="options">may be null; without a tag, the lease gets the caller's place as one</param>
        /// <param name="timeout">null: option acquire_timeout_ms</param>
        /// <param name="cancellation">ends the wait</param>
        /// <param name="member">filled in by the compiler</param>
        /// <param name="file">filled in by the compiler</param>
        /// <param name="line">filled in by the compiler</param>
        public Lease Acquire(LeaseOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default, [CallerMemberName] string member = "",
            [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) {
            var tagged = options;
            if (options?.Tag == null) {
                tagged = new LeaseOptions { Tag = $"{member} in {Path.GetFileName(file)}:{line}" };
                if (options != null) tagged.ReadOnly = options.ReadOnly;
            }
            return Lease.Acquire(this, id, tagged, timeout, cancellation);
        }

        /// <summary>As <see cref="Acquire"/>, waiting on another thread.</summary>
        public Task<Lease> AcquireAsync(LeaseOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default, [CallerMemberName] string member = "",
            [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
            Task.Run(() => Acquire(options, timeout, cancellation, member, file, line), cancellation);

        /// <summary>Runs work in one transaction, which is committed when it returns and rolled back when it throws.
        /// What may succeed later, and has written nothing, is run again as a whole, on a lease of its own.</summary>
        /// <param name="work">may run several times</param>
        /// <param name="options">of the transaction; may be null</param>
        /// <param name="attemptsMax">how often it is run at most</param>
        /// <param name="cancellation">ends the wait for a lease, and between two attempts</param>
        public T Run<T>(Func<Lease, T> work, TransactionOptions options = null, int attemptsMax = 5,
            CancellationToken cancellation = default) => Retry.Run(attemptsMax, cancellation, () => {
                using (var lease = Acquire(null, null, cancellation))
                    return Retry.Once(lease, work, options, cancellation);
            });

        /// <summary>As <see cref="Run{T}"/>, for work without a result.</summary>
        public void Run(Action<Lease> work, TransactionOptions options = null, int attemptsMax = 5,
            CancellationToken cancellation = default) =>
            Run(lease => { work(lease); return true; }, options, attemptsMax, cancellation);

        /// <summary>Figures of this tenant since the db was opened: docs/stats.md has the names.</summary>
        public IReadOnlyList<Figure> Stats() {
            fixed (byte* at = id) {
                var status = Native.mtdb_tenant_stats(Db.Handle, (IntPtr)at, id.Length, out var made, out var error);
                Failure.Check(status, error);
                return Figure.All(new Rows(made, null));
            }
        }

        /// <summary>The tenant's id.</summary>
        public override string ToString() => Id;
    }
}
