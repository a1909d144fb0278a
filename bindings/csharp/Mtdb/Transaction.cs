// SPDX-License-Identifier: MIT

using System;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>What has become of a lease's transaction.</summary>
    public enum TransactionState {
        /// <summary>There is none.</summary>
        None = 0,
        /// <summary>It is open.</summary>
        Open = 1,
        /// <summary>It ended behind the caller's back: only a rollback is allowed.</summary>
        Lost = 2
    }

    /// <summary>The open transaction of a lease: rolled back when it is disposed without a commit.</summary>
    public sealed unsafe class Transaction : IDisposable {
        private readonly Lease lease;
        private bool ended;

        internal Transaction(Lease lease) {
            this.lease = lease;
        }

        /// <summary>The transaction of a lease, whether or not one is open: the library answers for it.</summary>
        internal static Transaction Of(Lease lease) => new Transaction(lease) { ended = true };

        /// <summary>Commits. When it fails, <see cref="MtdbException.Effect"/> says what became of it.</summary>
        public void Commit(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_tx_commit(lease.Handle, wait.Left, wait.Cancel, out var error);
                Failure.Check(status, error, wait.Token);
            }
            ended = true;
        }

        /// <summary>Rolls back; also ends a lost transaction.</summary>
        public void Rollback() {
            Failure.Check(Native.mtdb_tx_rollback(lease.Handle, out var error), error);
            ended = true;
        }

        /// <summary>Sets a savepoint.</summary>
        public void Save(string name) => Savepoint(name, Native.mtdb_tx_savepoint);

        /// <summary>Undoes everything after a savepoint, which stays.</summary>
        public void RollbackTo(string name) => Savepoint(name, Native.mtdb_tx_rollback_to);

        /// <summary>Forgets a savepoint and those after it; what was done since stays.</summary>
        public void Release(string name) => Savepoint(name, Native.mtdb_tx_release_savepoint);

        /// <summary>Rolls back what was not committed.</summary>
        public void Dispose() {
            if (ended || lease.Handle.IsClosed) return;
            ended = true;
            Native.mtdb_tx_rollback(lease.Handle, out var error);
            Failure.Drop(error);
        }

        private delegate int Call(System.Runtime.InteropServices.SafeHandle lease, IntPtr name, long length,
            out IntPtr error);

        private void Savepoint(string name, Call call) {
            var text = Utf8.Required(name, nameof(name));
            fixed (byte* at = text) {
                var status = call(lease.Handle, (IntPtr)at, text.Length, out var error);
                Failure.Check(status, error);
            }
        }
    }
}
