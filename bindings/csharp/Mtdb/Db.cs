// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The root: one db serves all tenants. It owns the connections. Safe for all threads at once.</summary>
    public sealed unsafe partial class Db : IDisposable {
        private readonly Func<string, string> resolver;

        private Db(DbHandle handle, Func<string, string> resolver, string url) {
            Handle = handle;
            this.resolver = resolver;
            Url = url;
        }

        internal DbHandle Handle { get; }

        internal string Url { get; }

        /// <summary>What an untimed statement may take: the option query_timeout_ms; null: no end.</summary>
        internal TimeSpan? QueryTimeout { get; private set; }

        /// <summary>Opens a db. No tenant is opened, nothing is created.</summary>
        /// <param name="url">"sqlite:DIR" or a plain folder, "sqlite::memory:", "postgres://…", "mysql://…",
        /// "echo:"</param>
        /// <param name="options">may be null</param>
        /// <param name="resolver">with option tenant.routes=resolver: says where a tenant lives, on the thread of a
        /// call that needs to know; null as its answer means that there is no such tenant</param>
        public static Db Open(string url, DbOptions options = null, Func<string, string> resolver = null) {
            Library.Load();
            return Opened(url, options, resolver);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static Db Opened(string url, DbOptions options, Func<string, string> resolver) {
            var target = Utf8.Required(url, nameof(url));
            var native = Options.Native(options);
            try {
                fixed (byte* at = target) {
                    var status = Native.mtdb_db_open((IntPtr)at, target.Length, native, out var made, out var error);
                    Failure.Check(status, error);
                    var limit = options?.QueryTimeout;
                    return new Db(new DbHandle(made), resolver, url) {
                        QueryTimeout = limit == TimeSpan.Zero ? null : limit
                    };
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>A tenant by its id. Nothing is asked: whether it exists shows at the first call.</summary>
        public Tenant this[string id] => new Tenant(this, id);

        /// <summary>The tenant of the <see cref="TenantScope"/> that the caller is in.</summary>
        /// <exception cref="InvalidOperationException">It is in none.</exception>
        public Tenant Current => new Tenant(this, TenantScope.Required());

        /// <summary>Creates a tenant: durable when this returns, never half-made.</summary>
        public Tenant Create(string id, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            Name(id, timeout, cancellation, Native.mtdb_tenant_create);
            return this[id];
        }

        /// <summary>Creates a tenant, unless it is there.</summary>
        public Tenant CreateIfMissing(string id, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            try {
                return Create(id, timeout, cancellation);
            } catch (MtdbException exception) when (exception.Code == Status.Exists) {
                return this[id];
            }
        }

        /// <summary>Whether a tenant exists.</summary>
        public bool Exists(string id) {
            var name = Utf8.Required(id, nameof(id));
            int status, found;
            IntPtr error;
            do {
                fixed (byte* at = name)
                    status = Native.mtdb_tenant_exists(Handle, (IntPtr)at, name.Length, out found, out error);
            } while (Answered(status, id));
            Failure.Check(status, error);
            return found != 0;
        }

        /// <summary>Checks an id by the rules of this db, without any I/O.</summary>
        /// <exception cref="MtdbException">It breaks one: the message names it.</exception>
        public void Check(string id) {
            var name = Utf8.Required(id, nameof(id));
            fixed (byte* at = name)
                Failure.Check(Native.mtdb_tenant_check(Handle, (IntPtr)at, name.Length, out var error), error);
        }

        /// <summary>The ids of all tenants, in no particular order, in constant memory.</summary>
        public IEnumerable<string> Tenants(CancellationToken cancellation = default) {
            using (var rows = List(cancellation)) {
                while (rows.Read()) yield return rows.GetString(0);
            }
        }

        private Rows List(CancellationToken cancellation) {
            var wait = Wait.For(null, cancellation);
            try {
                var status = Native.mtdb_tenant_list(Handle, wait.Left, wait.Cancel, out var made, out var error);
                return Rows.Of(status, made, error, wait);
            } catch {
                wait.Dispose();
                throw;
            }
        }

        /// <summary>Drops a tenant with all its data. Refused while any lease of it is out.</summary>
        public void Drop(string id, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
            Name(id, timeout, cancellation, Native.mtdb_tenant_drop);

        /// <summary>Opens and reads one existing tenant; never creates one.</summary>
        public void Ping(string id, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
            Name(id, timeout, cancellation, Native.mtdb_db_ping);

        /// <summary>Copies a live tenant to a new one: complete or absent.</summary>
        public Tenant Copy(string id, string target, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Pair(id, target, timeout, cancellation, Native.mtdb_tenant_copy);

        /// <summary>Gives a tenant another id; its data stay. Refused while any lease of either is out.</summary>
        public Tenant Rename(string id, string target, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Pair(id, target, timeout, cancellation, Native.mtdb_tenant_rename);

        /// <summary>Holds one tenant in this db: no new lease of it, and none out when this returns. Other processes
        /// are not held: see <see cref="Quiesce"/>.</summary>
        /// <param name="id">the tenant</param>
        /// <param name="mode">what new leases do meanwhile</param>
        /// <param name="cancelRunning">ends what leases run when the time is over; else they are only waited
        /// for</param>
        /// <param name="timeout">for the leases that are out</param>
        /// <param name="cancellation">ends the wait; the tenant is then not held</param>
        /// <returns>ends the hold when it is disposed</returns>
        public Hold Hold(string id, HoldMode mode = HoldMode.Wait, bool cancelRunning = false, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            var name = Utf8.Required(id, nameof(id));
            using (var wait = Wait.For(timeout, cancellation)) {
                fixed (byte* at = name) {
                    var status = Native.mtdb_tenant_hold(Handle, (IntPtr)at, name.Length, (int)mode,
                        cancelRunning ? 1 : 0, wait.Left, wait.Cancel, out var error);
                    Failure.Check(status, error, wait.Token);
                }
            }
            return new Hold(this, id);
        }

        /// <summary>Ends the hold of a tenant: those who wait are let in at once.</summary>
        public void Resume(string id) {
            var name = Utf8.Required(id, nameof(id));
            fixed (byte* at = name)
                Failure.Check(Native.mtdb_tenant_resume(Handle, (IntPtr)at, name.Length, out var error), error);
        }

        /// <summary>Does a share of the maintenance; needed only with option threads=none.</summary>
        /// <param name="budget">stop after about this time; null: do all that is due</param>
        /// <returns>whether there is more to do</returns>
        public bool Maintain(TimeSpan? budget = null) {
            var wait = Wait.For(budget ?? Timeout.InfiniteTimeSpan, default(CancellationToken));
            var status = Native.mtdb_db_maintain(Handle, wait.Left, out var error);
            Failure.Check(status, error);
            return status == Native.MTDB_MORE;
        }

        /// <summary>Shuts the db down: refuses new work, lets running work end until the time is over, interrupts what
        /// is left. Idempotent.</summary>
        /// <returns>how many leases had to be interrupted</returns>
        public long Close(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                var status = Native.mtdb_db_close(Handle, wait.Left, wait.Cancel, out var forced, out var error);
                Failure.Check(status, error, wait.Token);
                return forced;
            }
        }

        /// <summary><see cref="Close"/> with the time of option shutdown_timeout_ms.</summary>
        public void Dispose() {
            if (Handle.IsClosed) return;
            try {
                Close();
            } finally {
                Handle.Dispose();
            }
        }

        private delegate int Named(System.Runtime.InteropServices.SafeHandle db, IntPtr id, long length, long timeout,
            System.Runtime.InteropServices.SafeHandle cancel, out IntPtr error);

        private delegate int Paired(System.Runtime.InteropServices.SafeHandle db, IntPtr id, long length, IntPtr target,
            long targetLength, long timeout, System.Runtime.InteropServices.SafeHandle cancel, out IntPtr error);

        private void Name(string id, TimeSpan? timeout, CancellationToken cancellation, Named call) {
            var name = Utf8.Required(id, nameof(id));
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                IntPtr error;
                do {
                    fixed (byte* at = name)
                        status = call(Handle, (IntPtr)at, name.Length, wait.Left, wait.Cancel, out error);
                } while (Answered(status, id));
                Failure.Check(status, error, wait.Token);
            }
        }

        private Tenant Pair(string id, string target, TimeSpan? timeout, CancellationToken cancellation, Paired call) {
            byte[] name = Utf8.Required(id, nameof(id)), other = Utf8.Required(target, nameof(target));
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                IntPtr error;
                do {
                    fixed (byte* at = name, to = other)
                        status = call(Handle, (IntPtr)at, name.Length, (IntPtr)to, other.Length, wait.Left, wait.Cancel,
                            out error);
                } while (Answered(status, id));
                Failure.Check(status, error, wait.Token);
            }
            return this[target];
        }
    }
}
