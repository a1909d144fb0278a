// SPDX-License-Identifier: MIT

using System;
using System.Runtime.CompilerServices;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The contract of golang-migrate's database drivers, for programs that bring their own migration engine:
    /// docs/driver.md. Serves one thread at a time.</summary>
    public sealed unsafe class Driver : IDisposable {
        private readonly DriverHandle handle;

        private Driver(IntPtr pointer) {
            handle = new DriverHandle(pointer);
        }

        /// <summary>Opens a driver by url, whose scheme picks it. Makes the version table if there is none.</summary>
        public static Driver Open(string url, DriverOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            Library.Load();
            return Opened(url, options, timeout, cancellation);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static Driver Opened(string url, DriverOptions options, TimeSpan? timeout,
            CancellationToken cancellation) {
            var target = Utf8.Required(url, nameof(url));
            var native = Options.Native(options);
            try {
                using (var wait = Wait.For(timeout, cancellation)) {
                    fixed (byte* at = target) {
                        var status = Native.mtdb_driver_open((IntPtr)at, target.Length, native, wait.Left, wait.Cancel,
                            out var made, out var error);
                        Failure.Check(status, error, wait.Token);
                        return new Driver(made);
                    }
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>Makes a driver of a lease, which stays the caller's.</summary>
        public static Driver Of(Lease lease, DriverOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            if (lease == null) throw new ArgumentNullException(nameof(lease));
            var native = Options.Native(options);
            try {
                using (var wait = Wait.For(timeout, cancellation)) {
                    var status = Native.mtdb_driver_from_conn(lease.Handle, native, wait.Left, wait.Cancel,
                        out var made,
                        out var error);
                    Failure.Check(status, error, wait.Token);
                    return new Driver(made);
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>Keeps all other migrators of this version table out.</summary>
        public void Lock(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
            Do(timeout, cancellation, Native.mtdb_driver_lock);

        /// <summary>Gives the lock back.</summary>
        public void Unlock() => Failure.Check(Native.mtdb_driver_unlock(handle, out var error), error);

        /// <summary>Runs a migration's text.</summary>
        public void Run(string text, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var script = Utf8.Required(text, nameof(text));
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* at = script) {
                    var status = Native.mtdb_driver_run(handle, (IntPtr)at, script.Length, wait.Left, wait.Cancel,
                        out var error);
                    Failure.Check(status, error, wait.Token);
                }
            }
        }

        /// <summary>Writes the version in place of the one before.</summary>
        /// <param name="version">-1: none</param>
        /// <param name="dirty">a migration to it has begun and not ended</param>
        /// <param name="timeout">null: option query_timeout_ms</param>
        /// <param name="cancellation">ends it</param>
        public void SetVersion(long version, bool dirty, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_driver_set_version(handle, version, dirty ? 1 : 0, wait.Left, wait.Cancel,
                    out var error);
                Failure.Check(status, error, wait.Token);
            }
        }

        /// <summary>Reads the version; -1: none.</summary>
        public (long Version, bool Dirty) Version(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_driver_version(handle, wait.Left, wait.Cancel, out var version, out var dirty,
                    out var error);
                Failure.Check(status, error, wait.Token);
                return (version, dirty != 0);
            }
        }

        /// <summary>Drops everything in the database or schema, the version table with it.</summary>
        public void Drop(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
            Do(timeout, cancellation, Native.mtdb_driver_drop);

        /// <summary>Gives back the lock if it is held, and what the driver opened itself.</summary>
        public void Dispose() {
            if (handle.IsClosed) return;
            Native.mtdb_driver_close(handle, out var error);
            Failure.Drop(error);
            handle.Dispose();
        }

        private delegate int Call(System.Runtime.InteropServices.SafeHandle driver, long left,
            System.Runtime.InteropServices.SafeHandle cancel, out IntPtr error);

        private void Do(TimeSpan? timeout, CancellationToken cancellation, Call call) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = call(handle, wait.Left, wait.Cancel, out var error);
                Failure.Check(status, error, wait.Token);
            }
        }
    }
}
