// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Mtdb;
using Mtdb.Data;
using NUnit.Framework;

[TestFixture, Leaks]
public sealed class LeakTest {
    /// <summary>Objects behind handles that are alive in this process: mtdb_unstable.h.</summary>
    [DllImport("libmtdb.so.0")]
    private static extern long mtdb_unstable_live_handles();

    /// <summary>Mono remarks on a scheduler that it does not know.</summary>
    private const string OwnWords = "mono_thread_internal_set_priority: unknown policy";

    /// <summary>Outlives what it was passed to.</summary>
    private static readonly CancellationTokenSource lasting = new CancellationTokenSource();

    /// <summary>Apart, so that the library is looked for when it is loaded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Alive() => mtdb_unstable_live_handles();

    [Test]
    public void NothingIsAliveAfterwards() {
        Library.Load();
        Settle();
        long native = Alive(), managed = Handle.Live;
        for (var round = 0; round < 20; round++) InAThread(Everything);
        Settle();
        Assert.AreEqual(native, Alive(), "objects of the library");
        Assert.AreEqual(managed, Handle.Live, "handles");
    }

    [Test]
    public void MemoryStaysWhereItWas() {
        InAThread(Everything);
        Settle();
        var before = Resident();
        for (var round = 0; round < 50; round++) InAThread(Everything);
        Settle();
        var grown = Resident() - before;
        Console.WriteLine("  grown by {0} KiB in 50 rounds", grown / 1024);
        Assert.That(grown, Is.LessThan(32 * 1024 * 1024));
    }

    [Test]
    public void AProcessThatEndsWithEverythingOpenEndsWell() {
        var program = Assembly.GetExecutingAssembly().Location;
        var info = new ProcessStartInfo("mono", "--debug \"" + program + "\" --leave-open") {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false
        };
        using (var process = Process.Start(info)) {
            var said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual("left open\n", string.Concat(said.Split('\n').Where(line => line.Length > 0
                && !line.Contains(OwnWords)).Select(line => line + "\n")));
            Assert.AreEqual(0, process.ExitCode);
        }
    }

    /// <summary>What the process of the test above does.</summary>
    internal static int LeaveOpen() {
        var db = Db.Open("sqlite::memory:");
        var lease = db.Create("acme").Acquire();
        lease.Execute("CREATE TABLE t(a)");
        lease.Begin();
        var rows = lease.Query("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c");
        rows.Read();
        var events = new Thread(() => db.Events().ToList()) { IsBackground = true };
        events.Start();
        var source = new CancellationTokenSource();
        Task.Run(() => db["acme"].Acquire(null, Timeout.InfiniteTimeSpan, source.Token).Scalar<int>("SELECT 1"));
        Task.Run(() => db.Create("beta").Scalar<long>(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"));
        Console.WriteLine("left open");
        return rows.GetInt64(0) == 1 && lease.TransactionState == TransactionState.Open ? 0 : 1;
    }

    private static void InAThread(ThreadStart work) {
        Exception failure = null;
        var thread = new Thread(() => {
            try {
                work();
            } catch (Exception exception) {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        if (failure != null) throw new Exception("in a thread", failure);
    }

    private static void Settle() {
        for (var round = 0; round < 5; round++) {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        // What finalizers gave up, a maintenance thread cleans.
        for (var wait = 0; wait < 1000 && Handle.Live > 0; wait++) Thread.Sleep(1);
    }

    private static long Resident() {
        var pages = long.Parse(System.IO.File.ReadAllText("/proc/self/statm").Split(' ')[1]);
        return pages * Environment.SystemPageSize;
    }

    /// <summary>Well-behaved use, forgotten things, exceptions in the middle, cancelled calls.</summary>
    private static void Everything() {
        // What is forgotten keeps its lease until the collector comes by: the end does not wait for it.
        var options = new DbOptions { PoolSizeMax = 100, ShutdownTimeout = TimeSpan.Zero };
        using (var db = Db.Open("sqlite::memory:", options)) {
            var tenant = db.Create("acme");
            tenant.Execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
            using (var lease = tenant.Acquire())
                lease.ExecuteMany("INSERT INTO t VALUES (?, ?)", Enumerable.Range(0, 5000).Select(
                    i => new object[] { i, "row " + i }));
            using (var migrator = db.NewMigrator().Add("1", "one", "CREATE TABLE one(a);")) {
                migrator.Run("status");
                using (var fleet = db.NewFleet(migrator)) fleet.Progress();
            }
            for (var i = 0; i < 10; i++) {
                Forgotten(db, tenant);
                Broken(tenant);
                Cancelled(tenant);
            }
            using (var connection = new MtdbConnection(db, "acme")) {
                connection.Open();
                var reader = new MtdbCommand("SELECT a, b FROM t", connection).ExecuteReader();
                reader.Read();
            }
            db.PollEvents();
        }
    }

    private static void Forgotten(Db db, Tenant tenant) {
        tenant.Query("SELECT a, b FROM t").Read();
        tenant.Query("SELECT a, b FROM t", new object[0], null, lasting.Token).Read();
        var lease = tenant.Acquire();
        lease.Prepare("SELECT a FROM t WHERE a = ?").Bind(1, 5).Query().Read();
        lease.Begin(new TransactionOptions { ReadOnly = true });
        new Batch().Add("SELECT 1");
        db.NewMigrator();
        db.NewQuiesce();
        var connection = new MtdbConnection(db, "acme");
        connection.Open();
        new MtdbCommand("SELECT a FROM t", connection).ExecuteReader().Read();
    }

    private static void Broken(Tenant tenant) {
        Assert.Throws<FormatException>(() => {
            using (var lease = tenant.Acquire())
            using (lease.Begin(new TransactionOptions { ReadOnly = true })) {
                foreach (var row in lease.Query("SELECT a FROM t")) throw new FormatException();
            }
        });
        Assert.Throws<MtdbException>(() => tenant.Query("SELECT nothing"));
        Assert.Throws<MtdbException>(() => tenant.Run(lease => { lease.Execute("INSERT INTO t VALUES (1, 1)"); }));
        Assert.Throws<ArgumentException>(() => tenant.Query("SELECT ?", new object()));
    }

    private static void Cancelled(Tenant tenant) {
        const string endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
        using (var source = new CancellationTokenSource()) {
            var running = tenant.QueryAsync(endless, null, null, source.Token);
            source.Cancel();
            Assert.Throws<AggregateException>(running.Wait);
        }
    }
}
