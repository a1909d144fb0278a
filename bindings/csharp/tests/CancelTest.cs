// SPDX-License-Identifier: MIT

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Mtdb;
using NUnit.Framework;

[TestFixture, Cancel]
public sealed class CancelTest {
    /// <summary>At MTDB_SCALE 1: over each backend.</summary>
    private const int Cancels = 10000;

    private static readonly Dictionary<string, string> busy = new Dictionary<string, string> {
        { "sqlite", "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000) SELECT n FROM c" },
        { "postgres", "SELECT generate_series(1, 3000)" },
        { "mysql", "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 900) SELECT n FROM c" }
    };

    /// <summary>Triggers tokens after some turns of a loop, on a thread of its own.</summary>
    private sealed class Canceller : IDisposable {
        private readonly BlockingCollection<(CancellationTokenSource Source, int Turns)> queue =
            new BlockingCollection<(CancellationTokenSource, int)>();
        private readonly Thread thread;

        internal Canceller() {
            thread = new Thread(() => {
                foreach (var one in queue.GetConsumingEnumerable()) {
                    Thread.SpinWait(one.Turns);
                    one.Source.Cancel();
                }
            });
            thread.Start();
        }

        internal void After(CancellationTokenSource source, int turns) => queue.Add((source, turns));

        public void Dispose() {
            queue.CompleteAdding();
            thread.Join();
        }
    }

    [Test]
    public void AfterEachOfTenThousandCancelsTheNextCallGetsItsOwnRows() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            var random = new Random(17);
            var count = Runner.Scaled(Cancels);
            int ended = 0, whole = 0;
            using (var lease = tenant.Acquire())
            using (var canceller = new Canceller()) {
                for (var i = 0; i < count; i++) {
                    if (Ended(lease, tenant, busy[backend.Name], canceller, random, i)) ended++;
                    else whole++;
                    Assert.AreEqual(i, lease.Scalar<int>("SELECT " + i), "call " + i);
                }
            }
            Assert.That(ended, Is.GreaterThan(count / 20), "cancelled");
            Console.WriteLine("  {0}: {1} ended early, {2} came whole", backend.Name, ended, whole);
            Assert.AreEqual(0, backend.Db.Stats().Single(figure => figure.Name == "leases.now").Value);
        });
    }

    /// <summary>By turns: a token on the lease, a token on a one-shot call, a deadline.</summary>
    private static bool Ended(Lease lease, Tenant tenant, string sql, Canceller canceller, Random random, int i) {
        var source = new CancellationTokenSource();
        TimeSpan? limit = null;
        if (i % 3 == 2) limit = TimeSpan.FromMilliseconds(random.Next(3));
        else canceller.After(source, 1 << random.Next(18));
        try {
            using (var rows = i % 3 == 1
                ? tenant.Query(sql, new object[0], limit, source.Token)
                : lease.Query(sql, new object[0], limit, source.Token)) {
                rows.BlockRowsMax = 50;
                var next = 1L;
                while (rows.Read()) Assert.AreEqual(next++, rows.GetInt64(0));
            }
            return false;
        } catch (OperationCanceledException) {
            return true;
        } catch (MtdbException exception) when (exception.Code == Status.Timeout || Exhausted(exception)) {
            return true;
        }
    }

    /// <summary>A wait for a connection that has no time at all.</summary>
    private static bool Exhausted(MtdbException exception) => exception.Code == Status.PoolExhausted;

    [Test]
    public void AThousandForgottenLeasesComeBackAndAreReported() {
        const int count = 1000;
        using (var db = Db.Open("echo:", new DbOptions { PoolSizeMax = count })) {
            var tenant = db.Create("acme");
            // A thread's end leaves nothing on a stack that could keep a lease alive.
            var thread = new Thread(() => Forget(tenant, count));
            thread.Start();
            thread.Join();
            var reported = new List<Event>();
            while (reported.Count < count) {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                reported.AddRange(db.PollEvents(TimeSpan.FromSeconds(30)).Where(one => one.Name == "lease.abandoned"));
            }
            Assert.AreEqual(count, reported.Count);
            Assert.That(reported.All(one => one.Tenant == "acme" && one.Message.Contains("CancelTest.cs:")),
                reported[0].Message);
            Assert.AreEqual(0, db.Stats().Single(figure => figure.Name == "leases.now").Value);
            Assert.AreEqual(count, db.Stats().Single(figure => figure.Name == "leases.abandoned").Value);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(Tenant tenant, int count) {
        for (var i = 0; i < count; i++) {
            var lease = tenant.Acquire();
            if (i % 3 == 0) lease.Query("rows 100000").Read();
            if (i % 5 == 0) lease.Begin();
        }
    }
}
