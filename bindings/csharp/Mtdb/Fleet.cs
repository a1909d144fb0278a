// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>One thing done to many tenants: a canary first, then waves, with a budget of failures and a ledger from
    /// which a killed run is taken up: docs/fleets.md. Safe for all threads at once.</summary>
    public sealed unsafe class Fleet : IDisposable {
        private readonly FleetHandle handle;

        internal Fleet(IntPtr pointer) {
            handle = new FleetHandle(pointer);
        }

        /// <summary>Adds a tenant to the run's list. A run without a list takes all tenants.</summary>
        /// <returns>the fleet itself</returns>
        public Fleet Add(string tenant) {
            var id = Utf8.Required(tenant, nameof(tenant));
            fixed (byte* at = id)
                Failure.Check(Native.mtdb_fleet_add(handle, (IntPtr)at, id.Length, out var error), error);
            return this;
        }

        /// <summary>Adds tenants that are a wave of their own, in the order of the calls: behind the canary, before
        /// those of <see cref="Add"/>, which go in waves by size.</summary>
        /// <returns>the fleet itself</returns>
        public Fleet AddWave(IEnumerable<string> tenants) {
            if (tenants == null) throw new ArgumentNullException(nameof(tenants));
            var list = Utf8.Lines(tenants, nameof(tenants));
            fixed (byte* at = list)
                Failure.Check(Native.mtdb_fleet_add_wave(handle, (IntPtr)at, list.Length, out var error), error);
            return this;
        }

        /// <summary>Gives the run the scripts of the shared tables: they run once, before any tenant, where option
        /// tenant.shared of the db says. If they fail the run halts before it touches a tenant.</summary>
        /// <param name="migrator">of this db: its scripts are not the tenants'</param>
        /// <returns>the fleet itself</returns>
        public Fleet Share(Migrator migrator) {
            if (migrator == null) throw new ArgumentNullException(nameof(migrator));
            Failure.Check(Native.mtdb_fleet_share(handle, migrator.Handle, out var error), error);
            return this;
        }

        /// <summary>Runs the one statement of option fleet.sql on each tenant, with fleet.verb=sql, and gives the rows
        /// as they come: a column "tenant", then the statement's own. The run goes on while they are read, a few blocks
        /// ahead, so the memory is the same for any number of tenants. Rows that are disposed early stop the run, and
        /// wait for what has begun. Which tenants failed: <see cref="Results"/>.</summary>
        /// <param name="timeout">for all of it, the reading too</param>
        /// <param name="cancellation">ends the run</param>
        public Rows Query(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var wait = Wait.For(timeout, cancellation);
            try {
                var status = Native.mtdb_fleet_query(handle, wait.Left, wait.Cancel, out var made, out var error);
                if (status == Native.MTDB_NEEDS) throw Unasked();
                var rows = Rows.Of(status, made, error, wait);
                rows.Closes = true;
                return rows;
            } catch {
                wait.Dispose();
                throw;
            }
        }

        /// <summary>Runs until the run has ended. What has begun is done to its end, never killed.</summary>
        /// <param name="verdict">with option fleet.verdict: asked after each wave but the last; false halts the run.
        /// Without it the run goes on</param>
        /// <param name="timeout">for all of it</param>
        /// <param name="cancellation">ends it: tenants stop between two scripts and stay due</param>
        /// <returns>tenants that have failed</returns>
        public long Run(Func<FleetProgress, bool> verdict = null, TimeSpan? timeout = null,
            CancellationToken cancellation = default) {
            using (var wait = Wait.For(timeout, cancellation)) {
                while (true) {
                    var status = Native.mtdb_fleet_run(handle, wait.Left, wait.Cancel, out var failed, out var error);
                    if (status != Native.MTDB_NEEDS) {
                        Failure.Check(status, error, wait.Token);
                        return failed;
                    }
                    var progress = Progress();
                    if (progress.State != "verdict") throw Unasked();
                    var goOn = verdict == null || verdict(progress);
                    Decide(goOn);
                    if (!goOn) return failed;
                }
            }
        }

        /// <summary>Asks the run to stop: what has begun is done to its end, nothing else is begun.</summary>
        public void Stop() => Failure.Check(Native.mtdb_fleet_stop(handle, out var error), error);

        /// <summary>Where the run stands; also while it runs.</summary>
        public FleetProgress Progress() {
            Failure.Check(Native.mtdb_fleet_progress(handle, out var made, out var error), error);
            return Table.All(new Rows(made, null), rows => new FleetProgress(rows)).Single();
        }

        /// <summary>What became of each tenant, in the order of the list.</summary>
        public IReadOnlyList<FleetOutcome> Results() {
            Failure.Check(Native.mtdb_fleet_results(handle, out var made, out var error), error);
            return Table.All(new Rows(made, null), rows => new FleetOutcome(rows));
        }

        /// <summary>Gives the run back.</summary>
        public void Dispose() => handle.Dispose();

        private static Exception Unasked() => new NotSupportedException(
            "a fleet run does not ask the resolver: use each tenant once before, so that its route is known");

        private void Decide(bool goOn) =>
            Failure.Check(Native.mtdb_fleet_decide(handle, goOn ? 1 : 0, out var error), error);
    }

    /// <summary>Where a fleet run stands.</summary>
    public sealed class FleetProgress {
        internal FleetProgress(Rows rows) {
            Run = Table.Text(rows, 0);
            State = Table.Text(rows, 1);
            Wave = rows.GetInt64(2);
            Waves = rows.GetInt64(3);
            Tenants = rows.GetInt64(4);
            Done = rows.GetInt64(5);
            Failed = rows.GetInt64(6);
            Left = rows.GetInt64(7);
            Elapsed = TimeSpan.FromMilliseconds(rows.GetInt64(8));
            Rate = rows.GetDouble(9);
            Reason = Table.Text(rows, 10);
        }

        /// <summary>The run's name.</summary>
        public string Run { get; }

        /// <summary>"fresh", "running", "verdict", "halted", "stopped" or "done".</summary>
        public string State { get; }

        /// <summary>The present wave, from 1.</summary>
        public long Wave { get; }

        /// <summary>How many there are.</summary>
        public long Waves { get; }

        /// <summary>Tenants of the run.</summary>
        public long Tenants { get; }

        /// <summary>Of these, done.</summary>
        public long Done { get; }

        /// <summary>Of these, failed.</summary>
        public long Failed { get; }

        /// <summary>Of these, still due.</summary>
        public long Left { get; }

        /// <summary>How long it has run.</summary>
        public TimeSpan Elapsed { get; }

        /// <summary>Tenants a second.</summary>
        public double Rate { get; }

        /// <summary>Why it halted, or null.</summary>
        public string Reason { get; }
    }

    /// <summary>What a fleet run did to one tenant.</summary>
    public sealed class FleetOutcome {
        internal FleetOutcome(Rows rows) {
            Tenant = Table.Text(rows, 0);
            Wave = rows.GetInt64(1);
            State = Table.Text(rows, 2);
            Status = (Status)rows.GetInt64(3);
            Attempts = rows.GetInt64(4);
            Applied = rows.GetInt64(5);
            Before = Table.Text(rows, 6);
            Version = Table.Text(rows, 7);
            Standing = Table.Text(rows, 8);
            Duration = TimeSpan.FromMilliseconds(Table.Number(rows, 9) ?? 0);
            Message = Table.Text(rows, 10);
            Error = Table.Text(rows, 11);
        }

        /// <summary>The tenant.</summary>
        public string Tenant { get; }

        /// <summary>Its wave, from 1.</summary>
        public long Wave { get; }

        /// <summary>"pending", "running", "done" or "failed".</summary>
        public string State { get; }

        /// <summary><see cref="Mtdb.Status.Ok"/>, or what it failed with.</summary>
        public Status Status { get; }

        /// <summary>How often it was tried.</summary>
        public long Attempts { get; }

        /// <summary>Scripts applied, or undone.</summary>
        public long Applied { get; }

        /// <summary>The version it stood at, or null.</summary>
        public string Before { get; }

        /// <summary>The version it stands at.</summary>
        public string Version { get; }

        /// <summary>"up_to_date", "outdated", "newer" or "problem".</summary>
        public string Standing { get; }

        /// <summary>How long it took.</summary>
        public TimeSpan Duration { get; }

        /// <summary>Of a failure, or null.</summary>
        public string Message { get; }

        /// <summary>The failure whole, as a JSON object, or null.</summary>
        public string Error { get; }
    }

    public sealed partial class Db {
        /// <summary>Makes a fleet run, or takes up one by its name. Nothing is done before <see
        /// cref="Fleet.Run"/>.</summary>
        /// <param name="migrator">of this db; may be null for fleet.verb=sql</param>
        /// <param name="options">may be null</param>
        public Fleet NewFleet(Migrator migrator, FleetOptions options = null) {
            var native = Options.Native(options);
            try {
                var scripts = migrator == null ? Mtdb.Handle.None : migrator.Handle;
                Failure.Check(Native.mtdb_fleet_new(Handle, scripts, native, out var made, out var error), error);
                return new Fleet(made);
            } finally {
                Options.Release(native);
            }
        }
    }
}
