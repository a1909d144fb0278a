// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Mtdb;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class FleetTest {
    private const int PerTenant = 500;

    private static FleetOptions Sql(string sql) =>
        new FleetOptions { Verb = FleetVerbChoice.Sql, Sql = sql, Ledger = FleetLedgerChoice.Off };

    /// <summary>Tenants whose rows all carry the tenant's own id.</summary>
    private static Tenant[] Filled(Backends backend, int count) {
        var tenants = Enumerable.Range(0, count).Select(i => backend.NewTenant()).ToArray();
        foreach (var tenant in tenants) {
            tenant.Execute("CREATE TABLE note(id INTEGER PRIMARY KEY, owner VARCHAR(60))");
            using (var lease = tenant.Acquire())
                lease.ExecuteMany("INSERT INTO note VALUES (?, ?)",
                    Enumerable.Range(1, PerTenant).Select(i => new object[] { i, tenant.Id }));
        }
        return tenants;
    }

    private static Fleet Over(Backends backend, FleetOptions options, IEnumerable<Tenant> tenants) {
        var fleet = backend.Db.NewFleet(null, options);
        foreach (var tenant in tenants) fleet.Add(tenant.Id);
        return fleet;
    }

    [Test]
    public void AQueryGivesTheRowsOfEachTenantUnderItsOwnId() {
        Backends.Each(backend => {
            var tenants = Filled(backend, 8);
            var next = tenants.ToDictionary(tenant => tenant.Id, tenant => 0L);
            using (var fleet = Over(backend, Sql("SELECT id, owner FROM note ORDER BY id"), tenants)) {
                using (var rows = fleet.Query()) {
                    Assert.AreEqual(3, rows.ColumnCount);
                    Assert.AreEqual("tenant", rows.Name(0));
                    while (rows.Read()) {
                        var tenant = rows.GetString(0);
                        Assert.AreEqual(tenant, rows.GetString(2), "whose row it is");
                        Assert.AreEqual(++next[tenant], rows.GetInt64(1), "the order of " + tenant);
                    }
                }
                Assert.That(next.Values.All(count => count == PerTenant));
                Assert.That(fleet.Results().All(outcome => outcome.State == "done"));
            }
        });
    }

    [Test]
    public void ATenantThatFailsIsNamedAndTheOthersGiveTheirRows() {
        Backends.Each(backend => {
            var tenants = Filled(backend, 4);
            tenants[2].Execute("DROP TABLE note");
            var options = Sql("SELECT owner FROM note");
            options.OnFailure = FleetOnFailureChoice.Continue;
            using (var fleet = Over(backend, options, tenants)) {
                var seen = fleet.Query().Select(row => row.GetString(0)).Distinct().OrderBy(id => id).ToArray();
                CollectionAssert.AreEquivalent(tenants.Where((tenant, i) => i != 2).Select(one => one.Id), seen);
                var failed = fleet.Results().Single(outcome => outcome.State == "failed");
                Assert.AreEqual(tenants[2].Id, failed.Tenant);
                Assert.AreEqual(Status.SqlError, failed.Status);
            }
        });
    }

    [Test]
    public void RowsThatAreLeftEarlyStopTheRunAndNothingRunsOn() {
        Backends.Each(backend => {
            var tenants = Filled(backend, 8);
            var options = Sql("SELECT a.id, b.owner FROM note a CROSS JOIN note b");
            options.Workers = 2;
            using (var fleet = Over(backend, options, tenants)) {
                foreach (var row in fleet.Query()) if (row.GetInt64(1) > 0) break;
                Assert.AreNotEqual("running", fleet.Progress().State);
                Assert.That(fleet.Results().Any(outcome => outcome.State == "pending"));
            }
            Settled.Wait("no lease is out", () => backend.Stat("leases.now") == 0);
        });
    }

    [Test]
    public void ATokenEndsAQueryWhileItsRowsAreRead() {
        Backends.Each(backend => {
            var tenants = Filled(backend, 4);
            using (var source = new CancellationTokenSource())
            using (var fleet = Over(backend, Sql("SELECT a.id, b.owner FROM note a CROSS JOIN note b"), tenants)) {
                Assert.Throws<OperationCanceledException>(() => {
                    foreach (var row in fleet.Query(null, source.Token)) source.Cancel();
                });
            }
            Assert.AreEqual(PerTenant, tenants[0].Scalar<int>("SELECT COUNT(*) FROM note"));
        });
    }

    [Test]
    public void AQueryThatWritesIsRefusedUnlessItMay() {
        using (var db = Db.Open("sqlite::memory:")) {
            db.Create("a").Execute("CREATE TABLE t(x)");
            using (var fleet = db.NewFleet(null, Sql("INSERT INTO t VALUES (1) RETURNING x")))
                Assert.AreEqual(Status.ReadOnly, Assert.Throws<MtdbException>(() => fleet.Query()).Code);
            var options = Sql("INSERT INTO t VALUES (1) RETURNING x");
            options.Write = true;
            using (var fleet = db.NewFleet(null, options)) Assert.AreEqual(1, fleet.Query().Count());
            using (var migrator = db.NewMigrator().Add("1", "one", "CREATE TABLE u(x);"))
            using (var fleet = db.NewFleet(migrator, new FleetOptions { Ledger = FleetLedgerChoice.Off }))
                Assert.AreEqual(Status.InvalidArgument, Assert.Throws<MtdbException>(() => fleet.Query()).Code);
        }
    }

    [Test]
    public void WavesByListGoBehindTheCanaryAndBeforeTheRest() {
        Backends.Each(backend => {
            var ids = Enumerable.Range(0, 6).Select(i => backend.NewTenant().Id).ToArray();
            var options = new FleetOptions { Canary = ids[4], Waves = "10", Ledger = FleetLedgerChoice.Off };
            using (var migrator = backend.Db.NewMigrator().Add("1", "one", "CREATE TABLE one(a INTEGER);"))
            using (var fleet = backend.Db.NewFleet(migrator, options)) {
                fleet.AddWave(new[] { ids[3], ids[1] }).AddWave(new[] { ids[0] });
                foreach (var i in new[] { 2, 4, 5 }) fleet.Add(ids[i]);
                Assert.AreEqual(0, fleet.Run());
                var waves = fleet.Results().ToDictionary(outcome => outcome.Tenant, outcome => outcome.Wave);
                CollectionAssert.AreEqual(new[] { 3, 2, 4, 2, 1, 4 }, ids.Select(id => waves[id]));
            }
        });
    }

    /// <summary>Not over MariaDB: there the library refuses to stand in the shared database.</summary>
    [Test]
    public void TheSharedTablesComeFirst() {
        Backends.Each(backend => {
            if (backend.Name == "mysql") return;
            var ids = Enumerable.Range(0, 3).Select(i => backend.NewTenant().Id).ToArray();
            var shared = backend.Shared;
            using (var common = backend.Db.NewMigrator().Add("1", "plans",
                "CREATE TABLE plan(name VARCHAR(20));\nINSERT INTO plan VALUES ('free');"))
            using (var migrator = backend.Db.NewMigrator().Add("1", "mine",
                $"CREATE TABLE mine AS SELECT name FROM {shared}.plan;")) {
                for (var turn = 0; turn < 2; turn++) {
                    using (var fleet = backend.Db.NewFleet(migrator,
                        new FleetOptions { Ledger = FleetLedgerChoice.Off })) {
                        fleet.Share(common);
                        foreach (var id in ids) fleet.Add(id);
                        Assert.AreEqual(0, fleet.Run());
                    }
                }
                foreach (var id in ids)
                    Assert.AreEqual("free", backend.Db[id].Scalar<string>("SELECT name FROM mine"));
                Assert.AreEqual(1, backend.Db[ids[0]].Scalar<int>($"SELECT COUNT(*) FROM {shared}.plan"));
            }
        }, Backends.WithShared);
    }

    [Test]
    public void AnEmptyListIsOfNoTenantsAndALineIsOneId() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var migrator = db.NewMigrator().Add("1", "one", "CREATE TABLE one(a);")) {
            db.Create("a");
            db.Create("b");
            Assert.AreEqual(0, migrator.Run("migrate", tenants: new string[0]).Count);
            Assert.AreEqual("outdated", migrator.Status("a").State);
            foreach (var id in new[] { "a\nb", "a\r", "", null }) {
                Assert.Throws<ArgumentException>(() => migrator.Run("migrate", tenants: new[] { id }));
                using (var fleet = db.NewFleet(migrator))
                    Assert.Throws<ArgumentException>(() => fleet.AddWave(new[] { id }));
            }
            Assert.AreEqual("outdated", migrator.Status("b").State);
            Assert.AreEqual(2, migrator.Run("migrate").Count);
        }
    }

    [Test]
    public void AFleetRunOverAResolverNeedsRoutesThatAreKnown() {
        var options = new DbOptions { TenantRoutes = TenantRoutesChoice.Resolver,
            TenantCreate = TenantCreateChoice.OnFirstUse };
        var folder = Backends.NewFolder();
        using (var db = Db.Open(folder, options, tenant => tenant + ".db")) {
            using (var fleet = db.NewFleet(null, Sql("SELECT 1")).Add("a"))
                Assert.Throws<NotSupportedException>(() => fleet.Query());
            using (var migrator = db.NewMigrator().Add("1", "one", "CREATE TABLE one(a);"))
            using (var fleet = db.NewFleet(migrator, new FleetOptions { Ledger = FleetLedgerChoice.Off }).Add("a"))
                Assert.Throws<NotSupportedException>(() => fleet.Run());
            db["a"].Execute("CREATE TABLE t(x)");
            using (var fleet = db.NewFleet(null, Sql("SELECT 1")).Add("a")) Assert.AreEqual(1, fleet.Query().Count());
        }
        System.IO.Directory.Delete(folder, true);
    }
}
