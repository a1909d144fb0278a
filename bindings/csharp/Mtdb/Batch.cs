// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>Different statements that run together, all or none; PostgreSQL gets them in one trip. Bound to no
    /// lease: it can be run again.</summary>
    public sealed unsafe class Batch : IDisposable {
        private readonly BatchHandle handle;

        /// <summary>Makes an empty batch.</summary>
        public Batch() {
            Library.Load();
            handle = Made();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static BatchHandle Made() {
            Failure.Check(Native.mtdb_batch_new(out var made, out var error), error);
            return new BatchHandle(made);
        }

        /// <summary>Adds a statement behind those that the batch has.</summary>
        /// <returns>the batch itself</returns>
        public Batch Add(string sql, params object[] parameters) {
            byte[] text = Utf8.Required(sql, nameof(sql)), block = BlockWriter.Row(parameters);
            fixed (byte* of = text, values = block) {
                var status = Native.mtdb_batch_add(handle, (IntPtr)of, text.Length, (IntPtr)values, Utf8.Length(block),
                    out var error);
                Failure.Check(status, error);
            }
            return this;
        }

        /// <summary>Forgets all statements.</summary>
        public void Clear() => Failure.Check(Native.mtdb_batch_clear(handle, out var error), error);

        /// <summary>Runs the statements in their order, all or none. When one fails, the exception's
        /// <see cref="MtdbException.Statement"/> says which.</summary>
        /// <returns>what each statement did</returns>
        public IReadOnlyList<BatchOutcome> Run(Lease lease, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            if (lease == null) throw new ArgumentNullException(nameof(lease));
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_conn_exec_batch(lease.Handle, handle, wait.Left, wait.Cancel, out var made,
                    out var error);
                Failure.Check(status, error, wait.Token);
                return Table.All(new Rows(made, null), rows => new BatchOutcome(rows.GetInt64(1), rows.GetInt64(2)));
            }
        }

        /// <summary>Gives the batch back.</summary>
        public void Dispose() => handle.Dispose();
    }

    /// <summary>What one statement of a batch did.</summary>
    public readonly struct BatchOutcome {
        internal BatchOutcome(long affected, long insertId) {
            Affected = affected;
            InsertId = insertId;
        }

        /// <summary>Rows changed.</summary>
        public long Affected { get; }

        /// <summary>The key that it generated, or 0.</summary>
        public long InsertId { get; }
    }

    /// <summary>Results of the library's own calls, read whole.</summary>
    internal static class Table {
        internal static IReadOnlyList<T> All<T>(Rows rows, Func<Rows, T> make) {
            var all = new List<T>();
            using (rows) {
                while (rows.Read()) all.Add(make(rows));
            }
            return all;
        }

        internal static string Text(Rows rows, int column) => rows.IsNull(column) ? null : rows.GetString(column);

        internal static long? Number(Rows rows, int column) =>
            rows.IsNull(column) ? (long?)null : rows.GetInt64(column);

        internal static DateTime? Time(Rows rows, int column) =>
            rows.IsNull(column) ? (DateTime?)null : rows.GetDateTime(column);
    }
}
