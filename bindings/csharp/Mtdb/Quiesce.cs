// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The state of a quiesce flag.</summary>
    public enum QuiesceState {
        /// <summary>It was never set.</summary>
        None = Native.MTDB_QUIESCE_NONE,
        /// <summary>It pauses its scope.</summary>
        Active = Native.MTDB_QUIESCE_ACTIVE,
        /// <summary>Its time is over; it pauses nobody.</summary>
        Expired = Native.MTDB_QUIESCE_EXPIRED,
        /// <summary>It was cleared.</summary>
        Cleared = Native.MTDB_QUIESCE_CLEARED
    }

    /// <summary>Flags in a database that all processes of a deployment share: while one is set, a db that obeys it
    /// grants no lease: docs/quiesce.md. A scope is "global" or empty, "server:NAME", "group:NAME" or "tenant:NAME".
    /// Safe for all threads at once.</summary>
    public sealed unsafe class Quiesce : IDisposable {
        private readonly QuiesceHandle handle;

        internal Quiesce(IntPtr pointer) {
            handle = new QuiesceHandle(pointer);
        }

        /// <summary>Makes the tables that are missing.</summary>
        public void Create(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_quiesce_create(handle, wait.Left, wait.Cancel, out var error);
                Failure.Check(status, error, wait.Token);
            }
        }

        /// <summary>Makes the db obey the flags until it is closed.</summary>
        public void Enable(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_quiesce_enable(handle, wait.Left, wait.Cancel, out var error);
                Failure.Check(status, error, wait.Token);
            }
        }

        /// <summary>Sets the flag of a scope. One that is active already stays, unless forced.</summary>
        /// <param name="scope">"global" or empty, "server:NAME", "group:NAME" or "tenant:NAME"</param>
        /// <param name="by">who sets it</param>
        /// <param name="reason">why</param>
        /// <param name="lifetime">after which it expires; null: 30 minutes; at most 2 hours</param>
        /// <param name="force">takes over an active flag</param>
        /// <param name="timeout">for the store</param>
        /// <param name="cancellation">ends it</param>
        public QuiesceGrant Set(string scope, string by = "", string reason = "", TimeSpan? lifetime = null,
            bool force = false, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            byte[] where = Utf8.Bytes(scope ?? ""), who = Utf8.Bytes(by ?? ""), why = Utf8.Bytes(reason ?? "");
            var token = new byte[64];
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* a = where, b = who, c = why, to = token) {
                    var status = Native.mtdb_quiesce_set(handle, (IntPtr)a, where.Length, (IntPtr)b, who.Length,
                        (IntPtr)c,
                        why.Length, Lifetime(lifetime), force ? 1 : 0, wait.Left, wait.Cancel, (IntPtr)to, token.Length,
                        out var length, out var granted, out var error);
                    Failure.Check(status, error, wait.Token);
                    return new QuiesceGrant(Utf8.Text(token, (int)length), TimeSpan.FromMilliseconds(granted));
                }
            }
        }

        /// <summary>Moves the end of an active flag to a time from now.</summary>
        /// <param name="scope">as <see cref="Set"/> takes it</param>
        /// <param name="lifetime">as <see cref="Set"/> takes it</param>
        /// <param name="token">the owner's; empty: the one that this object got</param>
        /// <param name="timeout">for the store</param>
        /// <param name="cancellation">ends it</param>
        /// <returns>the time until it expires</returns>
        public TimeSpan Renew(string scope, TimeSpan? lifetime = null, string token = "", TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            byte[] where = Utf8.Bytes(scope ?? ""), mark = Utf8.Bytes(token ?? "");
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* a = where, b = mark) {
                    var status = Native.mtdb_quiesce_renew(handle, (IntPtr)a, where.Length, (IntPtr)b, mark.Length,
                        Lifetime(lifetime), wait.Left, wait.Cancel, out var granted, out var error);
                    Failure.Check(status, error, wait.Token);
                    return TimeSpan.FromMilliseconds(granted);
                }
            }
        }

        /// <summary>Clears a flag: an active one only with its owner's token, unless forced.</summary>
        public void Clear(string scope, string by = "", string token = "", bool force = false, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            byte[] where = Utf8.Bytes(scope ?? ""), who = Utf8.Bytes(by ?? ""), mark = Utf8.Bytes(token ?? "");
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* a = where, b = who, c = mark) {
                    var status = Native.mtdb_quiesce_clear(handle, (IntPtr)a, where.Length, (IntPtr)b, who.Length,
                        (IntPtr)c, mark.Length, force ? 1 : 0, wait.Left, wait.Cancel, out var error);
                    Failure.Check(status, error, wait.Token);
                }
            }
        }

        /// <summary>Reads one flag, or with an empty scope all uncleared ones and the global one.</summary>
        public IReadOnlyList<QuiesceFlag> Query(string scope = "", TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Result(scope, timeout, cancellation, Native.mtdb_quiesce_query), rows => new QuiesceFlag(rows));

        /// <summary>Waits until a flag has changed.</summary>
        /// <param name="scope">as <see cref="Set"/> takes it</param>
        /// <param name="since">the stamp of the last change seen; 0: returns at once</param>
        /// <param name="timeout">for the wait</param>
        /// <param name="cancellation">ends it</param>
        /// <returns>null: no change within the time</returns>
        public QuiesceChange? Watch(string scope, long since = 0, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            var where = Utf8.Bytes(scope ?? "");
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* at = where) {
                    var status = Native.mtdb_quiesce_watch(handle, (IntPtr)at, where.Length, since, wait.Left,
                        wait.Cancel, out var stamp, out var state, out var error);
                    Failure.Check(status, error, wait.Token);
                    if (status == Native.MTDB_DONE) return null;
                    return new QuiesceChange(stamp, (QuiesceState)state);
                }
            }
        }

        /// <summary>Waits until every process that obeys an active flag has parked.</summary>
        /// <exception cref="MtdbException">The time is over; the message names those that are not.</exception>
        public IReadOnlyList<ParkedProcess> WaitParked(string scope, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Result(scope, timeout, cancellation, Native.mtdb_quiesce_wait_parked),
                rows => new ParkedProcess(rows));

        /// <summary>Ends the use of this object; a db that was enabled with it goes on obeying.</summary>
        public void Dispose() {
            if (handle.IsClosed) return;
            Native.mtdb_quiesce_close(handle, out var error);
            Failure.Drop(error);
            handle.Dispose();
        }

        private delegate int Call(System.Runtime.InteropServices.SafeHandle quiesce, IntPtr scope, long length,
            long left,
            System.Runtime.InteropServices.SafeHandle cancel, out IntPtr made, out IntPtr error);

        private Rows Result(string scope, TimeSpan? timeout, CancellationToken cancellation, Call call) {
            var where = Utf8.Bytes(scope ?? "");
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* at = where) {
                    var status = call(handle, (IntPtr)at, where.Length, wait.Left, wait.Cancel, out var made,
                        out var error);
                    Failure.Check(status, error, wait.Token);
                    return new Rows(made, null);
                }
            }
        }

        private static long Lifetime(TimeSpan? lifetime) =>
            lifetime == null ? 0 : (long)Math.Ceiling(lifetime.Value.TotalMilliseconds);
    }

    /// <summary>A flag that was set.</summary>
    public readonly struct QuiesceGrant {
        internal QuiesceGrant(string token, TimeSpan granted) {
            Token = token;
            Granted = granted;
        }

        /// <summary>The owner's token: a secret.</summary>
        public string Token { get; }

        /// <summary>The time until it expires.</summary>
        public TimeSpan Granted { get; }
    }

    /// <summary>A flag as it is now.</summary>
    public readonly struct QuiesceChange {
        internal QuiesceChange(long stamp, QuiesceState state) {
            Stamp = stamp;
            State = state;
        }

        /// <summary>For the next <see cref="Quiesce.Watch"/>.</summary>
        public long Stamp { get; }

        /// <summary>The flag's state.</summary>
        public QuiesceState State { get; }
    }

    /// <summary>One quiesce flag.</summary>
    public sealed class QuiesceFlag {
        internal QuiesceFlag(Rows rows) {
            Scope = Table.Text(rows, 0);
            State = Table.Text(rows, 1);
            SetAt = Table.Time(rows, 2);
            SetBy = Table.Text(rows, 3);
            Reason = Table.Text(rows, 4);
            ExpiresAt = Table.Time(rows, 5);
            ClearedAt = Table.Time(rows, 6);
            Owner = Table.Text(rows, 7);
        }

        /// <summary>Its scope.</summary>
        public string Scope { get; }

        /// <summary>"none", "active", "expired" or "cleared".</summary>
        public string State { get; }

        /// <summary>When it was set, in UTC.</summary>
        public DateTime? SetAt { get; }

        /// <summary>By whom.</summary>
        public string SetBy { get; }

        /// <summary>Why.</summary>
        public string Reason { get; }

        /// <summary>When it expires; null: without end.</summary>
        public DateTime? ExpiresAt { get; }

        /// <summary>When it was cleared; null: it was not.</summary>
        public DateTime? ClearedAt { get; }

        /// <summary>"self", "other", or "none" for nobody's token.</summary>
        public string Owner { get; }
    }

    /// <summary>A process that has parked.</summary>
    public sealed class ParkedProcess {
        internal ParkedProcess(Rows rows) {
            Process = Table.Text(rows, 0);
            Host = Table.Text(rows, 1);
            Pid = rows.GetInt64(2);
            State = Table.Text(rows, 3);
        }

        /// <summary>The name that it announces.</summary>
        public string Process { get; }

        /// <summary>Its host.</summary>
        public string Host { get; }

        /// <summary>Its number there.</summary>
        public long Pid { get; }

        /// <summary>"parked", or "gone" when its announcement ended meanwhile.</summary>
        public string State { get; }
    }

    public sealed partial class Db {
        /// <summary>Makes a handle to the flags of a store. Nothing is opened yet, and the db obeys nothing
        /// yet.</summary>
        public Quiesce NewQuiesce(QuiesceOptions options = null) {
            var native = Options.Native(options);
            try {
                Failure.Check(Native.mtdb_quiesce_new(Handle, native, out var made, out var error), error);
                return new Quiesce(made);
            } finally {
                Options.Release(native);
            }
        }
    }
}
