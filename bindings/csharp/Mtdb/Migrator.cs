// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>One ordered set of scripts, and the verbs that bring a tenant to a version: docs/migrations.md. Safe
    /// for all threads at once.</summary>
    public sealed unsafe class Migrator : IDisposable {
        private readonly Db db;

        internal Migrator(Db db, IntPtr pointer) {
            this.db = db;
            Handle = new MigratorHandle(pointer);
        }

        internal MigratorHandle Handle { get; }

        /// <summary>Adds one inline script, before the first verb.</summary>
        /// <param name="version">dotted numbers, such as "3" or "2024.1.7"</param>
        /// <param name="description">of a few words</param>
        /// <param name="up">the statements</param>
        /// <param name="down">the statements that undo them, or null</param>
        /// <returns>the migrator itself</returns>
        public Migrator Add(string version, string description, string up, string down = null) {
            byte[] number = Utf8.Required(version, nameof(version)), words = Utf8.Bytes(description ?? ""),
                forth = Utf8.Required(up, nameof(up)), back = Utf8.Bytes(down);
            fixed (byte* a = number, b = words, c = forth, d = back) {
                var status = Native.mtdb_migrator_add(Handle, (IntPtr)a, number.Length, (IntPtr)b, words.Length,
                    (IntPtr)c,
                    forth.Length, (IntPtr)d, Utf8.Length(back), out var error);
                Failure.Check(status, error);
            }
            return this;
        }

        /// <summary>Makes the db ask this migrator at each tenant's first lease, in its option migrate.mode.</summary>
        public void Enable() => Failure.Check(Native.mtdb_migrator_enable(Handle, out var error), error);

        /// <summary>What would run, touching nothing; problems come first.</summary>
        public IReadOnlyList<MigrationStep> Plan(string tenant, string target = "latest", TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Result(tenant, target, timeout, cancellation, Native.mtdb_migrator_plan),
                rows => new MigrationStep(rows));

        /// <summary>Migrates one tenant. Each script commits together with its history row; a cancel stops between
        /// scripts.</summary>
        /// <param name="tenant">its id</param>
        /// <param name="target">a version, "latest", "current", "next", "+2"</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">stops between two scripts</param>
        /// <returns>scripts applied</returns>
        public long Migrate(string tenant, string target = "latest", TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Counted(tenant, target, timeout, cancellation, Native.mtdb_migrator_migrate);

        /// <summary>Undoes applied scripts above a target, newest first.</summary>
        /// <param name="tenant">its id</param>
        /// <param name="target">the version to stay at, "empty" to undo all, "next" or "-2" for the newest</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">stops between two scripts</param>
        /// <returns>scripts undone</returns>
        public long Undo(string tenant, string target, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Counted(tenant, target, timeout, cancellation, Native.mtdb_migrator_undo);

        /// <summary>The whole picture: a row per entry of the history and per script that is not applied.</summary>
        public IReadOnlyList<MigrationEntry> Info(string tenant, string target = "latest", TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Result(tenant, target, timeout, cancellation, Native.mtdb_migrator_info),
                rows => new MigrationEntry(rows));

        /// <summary>Puts a history right.</summary>
        /// <param name="tenant">its id</param>
        /// <param name="apply">false: only tells what it would change</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">ends it</param>
        public IReadOnlyList<MigrationRepair> Repair(string tenant, bool apply = true, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) =>
                    Native.mtdb_migrator_repair(Handle, id, length, apply ? 1 : 0, left, cancel, out made, out error)),
                rows => new MigrationRepair(rows));

        /// <summary>Says that a tenant without a history stands at a version: scripts up to it never run.</summary>
        public void Baseline(string tenant, string version = "", string description = "", TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            byte[] number = Utf8.Bytes(version ?? ""), words = Utf8.Bytes(description ?? "");
            Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) => {
                    made = IntPtr.Zero;
                    fixed (byte* a = number, b = words)
                        return Native.mtdb_migrator_baseline(Handle, id, length, (IntPtr)a, number.Length, (IntPtr)b,
                            words.Length, left, cancel, out error);
                }).Dispose();
        }

        /// <summary>Sets the version of golang-migrate's history, not dirty, whatever it is now.</summary>
        /// <param name="tenant">its id</param>
        /// <param name="version">a number, or "empty" for none</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">ends it</param>
        public void Force(string tenant, string version, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            var number = Utf8.Required(version, nameof(version));
            Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) => {
                    made = IntPtr.Zero;
                    fixed (byte* a = number)
                        return Native.mtdb_migrator_force(Handle, id, length, (IntPtr)a, number.Length, left, cancel,
                            out error);
                }).Dispose();
        }

        /// <summary>Drops all that is in a tenant's namespace, the history too; the tenant stays. Needs option
        /// migrate.drop=allow.</summary>
        /// <returns>objects dropped</returns>
        public long Drop(string tenant, TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var dropped = 0L;
            Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) => {
                    made = IntPtr.Zero;
                    return Native.mtdb_migrator_drop(Handle, id, length, left, cancel, out dropped, out error);
                }).Dispose();
            return dropped;
        }

        /// <summary>Where a tenant stands.</summary>
        public MigrationStatus Status(string tenant, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) =>
                    Native.mtdb_migrator_status(Handle, id, length, left, cancel, out made, out error)),
                rows => new MigrationStatus(rows)).Single();

        /// <summary>Compares a tenant's history with the scripts: every problem; none when all is well.</summary>
        public IReadOnlyList<MigrationProblem> Validate(string tenant, TimeSpan? timeout = null,
            CancellationToken cancellation = default) =>
            Table.All(Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) =>
                    Native.mtdb_migrator_validate(Handle, id, length, left, cancel, out made, out error)),
                rows => new MigrationProblem(rows));

        /// <summary>Runs one verb over many tenants, goes on after a failure, and tells what became of each, in the
        /// order of the list.</summary>
        /// <param name="verb">"migrate", "undo", "status" (or "info"), "validate", "repair" or "baseline"</param>
        /// <param name="target">as the verb takes it, for baseline the version</param>
        /// <param name="tenants">null: all there are; an empty list is of none</param>
        /// <param name="options">how many threads; may be null</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">ends it between two scripts</param>
        public IReadOnlyList<MigrationOutcome> Run(string verb, string target = "latest",
            IEnumerable<string> tenants = null, RunOptions options = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            byte[] word = Utf8.Required(verb, nameof(verb)), to = Utf8.Bytes(target ?? ""),
                list = Utf8.Lines(tenants, nameof(tenants));
            var native = Options.Native(options);
            try {
                using (var wait = Wait.For(timeout, cancellation)) {
                    int status;
                    IntPtr made, error;
                    do {
                        fixed (byte* a = word, b = to, c = list)
                            status = Native.mtdb_migrator_run(Handle, (IntPtr)a, word.Length, (IntPtr)b, to.Length,
                                (IntPtr)c, Utf8.Length(list), native, wait.Left, wait.Cancel, out made, out error);
                    } while (db.Answered(status, null));
                    Failure.Check(status, error, wait.Token);
                    return Table.All(new Rows(made, null), rows => new MigrationOutcome(rows));
                }
            } finally {
                Options.Release(native);
            }
        }

        /// <summary>Gives the migrator back; a db that was enabled with it keeps it.</summary>
        public void Dispose() => Handle.Dispose();

        private delegate int Call(IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made,
            out IntPtr error);

        private delegate int Aimed(SafeHandle migrator, IntPtr id, long length, IntPtr target, long targetLength,
            long left,
            SafeHandle cancel, out IntPtr made, out IntPtr error);

        private delegate int Counting(SafeHandle migrator, IntPtr id, long length, IntPtr target, long targetLength,
            long left, SafeHandle cancel, out long count, out IntPtr error);

        /// <summary>The result of a call about one tenant; empty when it makes none.</summary>
        private Rows Made(string tenant, TimeSpan? timeout, CancellationToken cancellation, Call call) {
            var id = Utf8.Required(tenant, nameof(tenant));
            using (var wait = Wait.For(timeout, cancellation)) {
                int status;
                IntPtr made, error;
                do {
                    fixed (byte* at = id)
                        status = call((IntPtr)at, id.Length, wait.Left, wait.Cancel, out made, out error);
                } while (db.Answered(status, tenant));
                Failure.Check(status, error, wait.Token);
                return new Rows(made, null);
            }
        }

        private Rows Result(string tenant, string target, TimeSpan? timeout, CancellationToken cancellation,
            Aimed call) {
            var to = Utf8.Bytes(target ?? "");
            return Made(tenant, timeout, cancellation,
                (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) => {
                    fixed (byte* at = to)
                        return call(Handle, id, length, (IntPtr)at, to.Length, left, cancel, out made, out error);
                });
        }

        private long Counted(string tenant, string target, TimeSpan? timeout, CancellationToken cancellation,
            Counting call) {
            var to = Utf8.Bytes(target ?? "");
            var count = 0L;
            try {
                Made(tenant, timeout, cancellation,
                    (IntPtr id, long length, long left, SafeHandle cancel, out IntPtr made, out IntPtr error) => {
                        made = IntPtr.Zero;
                        fixed (byte* at = to)
                            return call(Handle, id, length, (IntPtr)at, to.Length, left, cancel, out count, out error);
                    }).Dispose();
            } catch (MtdbMigrationException exception) {
                exception.Applied = count;
                throw;
            }
            return count;
        }
    }

    public sealed partial class Db {
        /// <summary>Makes a migrator. With option migrate.source its scripts are read now; else add them.</summary>
        public Migrator NewMigrator(MigratorOptions options = null) {
            var native = Options.Native(options);
            try {
                Failure.Check(Native.mtdb_migrator_new(Handle, native, out var made, out var error), error);
                return new Migrator(this, made);
            } finally {
                Options.Release(native);
            }
        }
    }
}
