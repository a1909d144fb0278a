// SPDX-License-Identifier: MIT

using System;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>Statuses become exceptions here, and nowhere else.</summary>
    internal static class Failure {
        /// <summary>Throws for a negative status; takes the error in any case.</summary>
        internal static void Check(int status, IntPtr error, CancellationToken cancellation = default) {
            if (status >= 0 && error == IntPtr.Zero) return;
            if (status == Native.MTDB_CANCELLED) Ending.Park();
            using (var handle = new ErrorHandle(error)) {
                if (status < 0) throw Made(status, handle, cancellation);
            }
        }

        /// <summary>Gives an error back that nobody asks for.</summary>
        internal static void Drop(IntPtr error) {
            if (error != IntPtr.Zero) Native.mtdb_error_release(error);
        }

        private static Exception Made(int status, ErrorHandle error, CancellationToken cancellation) {
            switch ((Status)status) {
                case Status.Timeout: {
                    var inner = new MtdbException(error, null);
                    return new MtdbException(error, new TimeoutException(inner.Message));
                }
                case Status.MigrationChecksum:
                case Status.MigrationFailed:
                case Status.MigrationDirty:
                case Status.MigrationLocked:
                    return new MtdbMigrationException(error);
            }
            var cause = new MtdbException(error, null);
            switch ((Status)status) {
                case Status.Closed:
                case Status.Forked:
                    return new ObjectDisposedException(cause.Message, cause);
                case Status.InvalidState:
                case Status.Misuse:
                case Status.TxLost:
                    return new InvalidOperationException(cause.Message, cause);
                case Status.Cancelled:
                    return new OperationCanceledException(cause.Message, cause,
                        cancellation.IsCancellationRequested ? cancellation : default);
                case Status.Unsupported:
                    return new NotSupportedException(cause.Message, cause);
                case Status.NoMemory:
                    return new OutOfMemoryException(cause.Message, cause);
                default:
                    return cause;
            }
        }
    }
}
