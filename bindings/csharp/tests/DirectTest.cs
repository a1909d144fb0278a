// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mtdb;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class DirectTest {
    [Test]
    public void AScopeNamesTheTenantAndFollowsTasks() {
        Backends.Each(backend => {
            var tenants = Enumerable.Range(0, 8).Select(i => backend.NewTenant()).ToArray();
            foreach (var tenant in tenants) {
                tenant.Execute("CREATE TABLE who(name VARCHAR(60))");
                tenant.Execute("INSERT INTO who VALUES (?)", tenant.Id);
            }
            var tasks = Enumerable.Range(0, 100).Select(i => Task.Run(async () => {
                using (TenantScope.Use(tenants[i % 8].Id)) {
                    await Task.Yield();
                    var name = await Task.Run(() => backend.Db.Current.Scalar<string>("SELECT name FROM who"));
                    Assert.AreEqual(tenants[i % 8].Id, TenantScope.Current);
                    return name == tenants[i % 8].Id;
                }
            })).ToArray();
            Assert.IsTrue(Task.WhenAll(tasks).Result.All(right => right));
            Assert.Throws<InvalidOperationException>(() => backend.Db.Current.ToString());
        });
    }

    [Test]
    public void ScopesNestAndEndInAnyWay() {
        using (TenantScope.Use("a")) {
            using (TenantScope.Use("b")) Assert.AreEqual("b", TenantScope.Current);
            Assert.AreEqual("a", TenantScope.Current);
        }
        Assert.IsNull(TenantScope.Current);
        Assert.Throws<ArgumentException>(() => TenantScope.Use(""));
    }

    [Test]
    public void AScopeThatEndsOutOfTurnLeavesNobodyInATenantThatHasEnded() {
        var outer = TenantScope.Use("a");
        var inner = TenantScope.Use("b");
        outer.Dispose();
        Assert.AreEqual("b", TenantScope.Current);
        inner.Dispose();
        Assert.IsNull(TenantScope.Current);
        using (TenantScope.Use("c")) {
            outer.Dispose();
            inner.Dispose();
            Assert.AreEqual("c", TenantScope.Current);
            // Another flow, which stands in a tenant of its own, ends a scope that is not its own.
            using (var strange = TenantScope.Use("d"))
                Task.Run(() => {
                    using (TenantScope.Use("e")) {
                        strange.Dispose();
                        Assert.AreEqual("e", TenantScope.Current);
                    }
                }).Wait();
            Assert.AreEqual("c", TenantScope.Current);
        }
        Assert.IsNull(TenantScope.Current);
    }

    [Test]
    public void ValuesComeBackAsTheyWent() {
        var day = new DateTime(2024, 2, 29, 13, 14, 15, DateTimeKind.Utc).AddTicks(1234560);
        var values = new object[] {
            null, true, 42L, ulong.MaxValue, 1.5f, -0.25, 12.30m, "gr\u00fcn \ud83d\ude00\0z", new byte[] { 0, 255 },
                day,
            DateTime.SpecifyKind(day, DateTimeKind.Unspecified), TimeSpan.FromHours(-30), Guid.NewGuid(),
            new Interval(1, -2, 3)
        };
        using (var db = Db.Open("echo:"))
        using (var rows = db.Create("acme").Query("params " + values.Length, values)) {
            Assert.IsTrue(rows.Read());
            CollectionAssert.AreEqual(values, rows.ToArray());
            Assert.AreEqual(DateTimeKind.Utc, rows.GetDateTime(9).Kind);
            Assert.AreEqual("12.30", rows.GetString(6));
            Assert.AreEqual(new DateTimeOffset(day), rows.Get<DateTimeOffset>(9));
            Assert.IsNull(rows.Get<int?>(0));
            Assert.Throws<InvalidCastException>(() => rows.Get<int>(0));
            Assert.Throws<InvalidCastException>(() => rows.GetGuid(1));
            Assert.Throws<OverflowException>(() => rows.GetInt64(3));
            Assert.IsFalse(rows.Read());
        }
    }

    [Test]
    public void ADecimalThatDoesNotFitIsAnErrorAndItsTextIsThere() {
        const string digits = "0.12345678901234567890123456789012345";
        using (var db = Db.Open("echo:"))
        using (var rows = db.Create("acme").Query("echo ?", Typed.Decimal(digits))) {
            Assert.IsTrue(rows.Read());
            Assert.Throws<OverflowException>(() => rows.GetDecimal(0));
            Assert.AreEqual(digits, rows.GetString(0));
        }
    }

    [Test]
    public void ManyRowsTravelInBlocksBothWays() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            tenant.Execute("CREATE TABLE t(a BIGINT, b VARCHAR(40), c DOUBLE PRECISION)");
            const int count = 100000;
            using (var lease = tenant.Acquire()) {
                var values = Enumerable.Range(0, count).Select(i => new object[] {
                    (long)i, i % 7 == 0 ? null : "row \ud83d\ude00 " + i, i * 0.5
                });
                Assert.AreEqual(count, lease.ExecuteMany("INSERT INTO t VALUES (?, ?, ?)", values));
            }
            var next = 0L;
            using (var rows = tenant.Query("SELECT a, b, c FROM t ORDER BY a")) {
                while (rows.Read()) {
                    Assert.AreEqual(next, rows.GetInt64(0));
                    Assert.AreEqual(next % 7 == 0 ? null : "row \ud83d\ude00 " + next, rows[1]);
                    Assert.AreEqual(next * 0.5, rows.GetDouble(2));
                    next++;
                }
                Assert.AreEqual(count, next);
                Assert.That(rows.Blocks, Is.LessThan(200));
            }
        });
    }

    [Test]
    public void ARowThatHasPassedIsNoLongerThere() {
        using (var db = Db.Open("echo:")) {
            var kept = db.Create("acme").Query("rows 3").ToList();
            Assert.AreEqual(3, kept.Count);
            Assert.Throws<InvalidOperationException>(() => kept[0].GetInt64(0));
            var copied = db["acme"].Query("rows 3").Select(row => row.ToArray()).ToList();
            Assert.AreEqual(3, copied.Count);
        }
    }

    [Test]
    public void OutsideOfARowThereIsNothingToRead() {
        using (var db = Db.Open("echo:")) {
            var rows = db.Create("acme").Query("rows 2");
            foreach (var read in new Action[] {
                () => rows.GetInt64(0), () => rows.GetDouble(0), () => rows.GetString(0), () => rows.GetValue(0)
            }) Assert.Throws<InvalidOperationException>(() => read());
            Assert.IsTrue(rows.Read());
            foreach (var column in new[] { -1, 1, 99, int.MinValue }) {
                Assert.Throws<IndexOutOfRangeException>(() => rows.GetInt64(column));
                Assert.Throws<IndexOutOfRangeException>(() => rows.GetString(column));
                Assert.Throws<IndexOutOfRangeException>(() => rows.GetValue(column));
            }
            Assert.IsTrue(rows.Read());
            Assert.IsFalse(rows.Read());
            Assert.Throws<InvalidOperationException>(() => rows.GetInt64(0));
            rows.Dispose();
            Assert.Throws<ObjectDisposedException>(() => rows.GetInt64(0));
            Assert.Throws<ObjectDisposedException>(() => rows.Read());
        }
    }

    /// <summary>Rows that are disposed while another thread still waits for more of them: what then arrives must not
    /// lie in the memory of rows that were made meanwhile, which are another tenant's.</summary>
    [Test]
    public void RowsDisposedInTheMiddleOfAReadNeverShowUpInAnothersRows() {
        using (var db = Db.Open("echo:")) {
            Tenant first = db.Create("first"), second = db.Create("second");
            var met = 0;
            for (var round = 0; round < 5; round++) {
                var late = first.Query("slow 1 400");
                var reading = Task.Run(() => late.Read());
                Thread.Sleep(20);
                late.Dispose();
                using (var rows = second.Query("text 300")) {
                    Assert.IsTrue(rows.Read());
                    var before = rows.GetString(0);
                    try {
                        reading.Wait();
                    } catch (AggregateException exception) {
                        if (exception.InnerException is ObjectDisposedException) met++;
                        else throw;
                    } finally {
                        Assert.AreEqual(before, rows.GetString(0), "round " + round);
                    }
                }
            }
            Assert.That(met, Is.GreaterThan(0), "rounds in which the read was met");
        }
    }

    [Test]
    public void RowsThatTwoThreadsReadRefuseOneOrShowOnlyTheirOwn() {
        using (var db = Db.Open("sqlite::memory:")) {
            var tenant = db.Create("acme");
            const string sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200000) "
                + "SELECT n, 'row ' || n FROM c";
            using (var rows = tenant.Query(sql)) {
                Parallel.For(0, 4, i => {
                    try {
                        while (rows.Read()) {
                            Assert.That(rows.GetInt64(0), Is.GreaterThan(0));
                            Assert.IsNotNull(rows.GetString(1));
                        }
                    } catch (InvalidOperationException) {
                        // Refused, or the row was gone: no crash and nobody else's memory.
                    } catch (ArgumentException) {
                        // Text that was written over while it was read.
                    }
                });
            }
            Assert.AreEqual(1, tenant.Scalar<int>("SELECT 1"));
        }
    }

    [Test]
    public void LeavingALoopGivesTheLeaseBack() {
        using (var db = Db.Open("echo:", new DbOptions { PoolSizeMax = 1 })) {
            var tenant = db.Create("acme");
            for (var i = 0; i < 100; i++) {
                foreach (var row in tenant.Query("rows 100000")) if (row.GetInt64(0) == 0) break;
                Assert.Catch(() => { foreach (var row in tenant.Query("rows 100000")) throw new Exception("left"); });
            }
            Assert.AreEqual(0, db.Stats().Single(figure => figure.Name == "leases.now").Value);
        }
    }

    [Test]
    public void RowsOfParametersThatAreNoneWriteNothing() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var lease = db.Create("acme").Acquire()) {
            lease.Execute("CREATE TABLE t(a)");
            const string insert = "INSERT INTO t VALUES (?)";
            Assert.Throws<ArgumentException>(() => lease.ExecuteMany(insert, new[] { new object[] { 1 }, null }));
            Assert.Throws<ArgumentException>(() => lease.ExecuteMany(insert, new[] { new object[] { 1 },
                new object[] { 1, 2 } }));
            Assert.Throws<FormatException>(() => lease.ExecuteMany(insert, Enumerable.Range(0, 10).Select(
                i => i < 5 ? new object[] { i } : throw new FormatException())));
            Assert.AreEqual(0, lease.ExecuteMany(insert, new object[0][]));
            Assert.AreEqual(0, lease.Scalar<int>("SELECT count(*) FROM t"));
        }
    }

    [Test]
    public void NamedParametersOfAStatement() {
        Backends.Each(backend => {
            using (var lease = backend.NewTenant().Acquire())
            using (var statement = lease.Prepare("SELECT CAST(:a AS CHAR(5)), CAST(:b AS CHAR(5))")) {
                Assert.AreEqual(2, statement.ParameterCount);
                using (var rows = statement.Bind("b", "two").Bind(":a", "one").Query()) {
                    Assert.IsTrue(rows.Read());
                    Assert.AreEqual("one two", rows.GetString(0).Trim() + " " + rows.GetString(1).Trim());
                }
                Assert.AreEqual(Status.NotFound, Assert.Throws<MtdbException>(() => statement.Bind("c", 1)).Code);
            }
        });
    }

    [Test]
    public void ABatchIsAllOrNone() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            tenant.Execute("CREATE TABLE t(a INTEGER PRIMARY KEY)");
            using (var lease = tenant.Acquire())
            using (var batch = new Batch()) {
                batch.Add("INSERT INTO t VALUES (?)", 1).Add("INSERT INTO t VALUES (2), (3)");
                CollectionAssert.AreEqual(new[] { 1L, 2L }, batch.Run(lease).Select(outcome => outcome.Affected));
                batch.Clear();
                batch.Add("INSERT INTO t VALUES (4)").Add("INSERT INTO t VALUES (1)");
                var failure = Assert.Throws<MtdbException>(() => batch.Run(lease));
                Assert.AreEqual(2, failure.Statement);
                Assert.AreEqual(Status.Constraint, failure.Code);
                Assert.AreEqual(3, lease.Scalar<int>("SELECT COUNT(*) FROM t"));
            }
        });
    }

    [Test]
    public void TheResolverSaysWhereATenantLives() {
        var folder = Backends.NewFolder();
        var asked = new List<string>();
        var options = new DbOptions { TenantRoutes = TenantRoutesChoice.Resolver,
            TenantCreate = TenantCreateChoice.OnFirstUse };
        Func<string, string> resolver = tenant => {
            lock (asked) asked.Add(tenant);
            if (tenant == "broken") throw new TimeZoneNotFoundException("the directory is down");
            return tenant == "ghost" ? null : "gold/" + tenant + ".db";
        };
        using (var db = Db.Open(folder, options, resolver)) {
            db["acme"].Execute("CREATE TABLE t(a)");
            db["acme"].Execute("INSERT INTO t VALUES (1)");
            Assert.IsTrue(System.IO.File.Exists(System.IO.Path.Combine(folder, "gold", "acme.db")));
            CollectionAssert.AreEqual(new[] { "acme" }, asked);
            Assert.AreEqual(Status.TenantUnknown, Assert.Throws<MtdbException>(() => db["ghost"].Acquire()).Code);
            Assert.Throws<TimeZoneNotFoundException>(() => db["broken"].Query("SELECT 1"));
            Parallel.For(0, 32, i => db["many"].Scalar<long>("SELECT 1"));
            Assert.AreEqual(1, asked.Count(tenant => tenant == "many"));
        }
        System.IO.Directory.Delete(folder, true);
    }

    [Test]
    public void EventsAreReadUntilTheDbIsClosed() {
        var db = Db.Open("echo:");
        var names = Task.Run(() => db.Events().Select(one => one.Name + " " + one.Tenant).ToList());
        db.Create("acme");
        db.Drop("acme");
        db.Close();
        CollectionAssert.IsSubsetOf(new[] { "tenant.created acme", "tenant.dropped acme" }, names.Result);
        db.Dispose();
    }

    [Test]
    public void AHoldKeepsLeasesBackUntilItEnds() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            Task<int> waiting;
            using (backend.Db.Hold(tenant.Id)) {
                Assert.AreEqual(Status.TenantHeld, MtdbException.From(Assert.Catch(
                    () => tenant.Acquire(null, TimeSpan.FromMilliseconds(20)))).Code);
                waiting = Task.Run(() => tenant.Scalar<int>("SELECT 7"));
            }
            Assert.AreEqual(7, waiting.Result);
            using (backend.Db.Hold(tenant.Id, HoldMode.Refuse))
                Assert.AreEqual(Status.TenantHeld, Assert.Throws<MtdbException>(() => tenant.Acquire()).Code);
        });
    }

    [Test]
    public void TheVerbsOnTenants() {
        using (var db = Db.Open("sqlite::memory:")) {
            db.Create("a").Execute("CREATE TABLE t(x)");
            db.Copy("a", "b").Execute("INSERT INTO t VALUES (1)");
            Assert.AreEqual(0, db["a"].Scalar<int>("SELECT count(*) FROM t"));
            CollectionAssert.AreEquivalent(new[] { "a", "b" }, db.Tenants());
            Assert.AreEqual("a", db.CreateIfMissing("a").Id);
            db.Drop("a");
            Assert.IsFalse(db.Exists("a"));
            db.Ping("b");
            Assert.That(db["b"].Stats().Any(figure => figure.Value > 0));
            Assert.AreEqual(1, db.PoolStats().Count);
            db.Maintain();
        }
    }

    [Test]
    public void ALeaseThatTwoThreadsEnterRefusesTheSecondAndServesTheFirst() {
        using (var db = Db.Open("echo:"))
        using (var lease = db.Create("acme").Acquire())
        using (var source = new CancellationTokenSource()) {
            var first = Task.Run(() => {
                for (;;) {
                    try {
                        lease.Execute("sleep 60000", new object[0], null, source.Token);
                        return;
                    } catch (InvalidOperationException exception)
                        when (MtdbException.From(exception)?.Code == Status.Misuse) {
                        // The other one was in it.
                    }
                }
            });
            MtdbException refused = null;
            while (refused == null && !first.IsCompleted) {
                try {
                    lease.Execute("echo 1");
                } catch (InvalidOperationException exception) {
                    refused = MtdbException.From(exception);
                }
            }
            Assert.AreEqual(Status.Misuse, refused.Code);
            Assert.IsFalse(first.IsCompleted);
            source.Cancel();
            var ended = Assert.Throws<AggregateException>(first.Wait).InnerException;
            Assert.IsInstanceOf<OperationCanceledException>(ended);
            Assert.AreEqual(2, lease.Scalar<int>("echo 2"));
        }
    }

    [Test]
    public void ADisposedDbRefusesItsTenants() {
        var db = Db.Open("echo:");
        var tenant = db.Create("acme");
        var lease = tenant.Acquire();
        db.Close(TimeSpan.Zero);
        Assert.Throws<ObjectDisposedException>(() => lease.Query("echo 1"));
        db.Dispose();
        db.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tenant.Query("echo 1"));
        lease.Dispose();
        lease.Dispose();
    }
}
