// SPDX-License-Identifier: MIT

using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mtdb;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class MigrationTest {
    private static Migrator Scripts(Db db) => db.NewMigrator()
        .Add("1", "first", "CREATE TABLE one(a INTEGER);", "DROP TABLE one;")
        .Add("2", "second", "CREATE TABLE two(a INTEGER);", "DROP TABLE two;");

    [Test]
    public void ATenantIsPlannedMigratedAndUndone() {
        Backends.Each(backend => {
            var id = backend.NewTenant().Id;
            using (var migrator = Scripts(backend.Db)) {
                CollectionAssert.AreEqual(new[] { "1", "2" }, migrator.Plan(id).Select(step => step.Version));
                Assert.AreEqual(1, migrator.Migrate(id, "1"));
                Assert.AreEqual("outdated", migrator.Status(id).State);
                Assert.AreEqual(1, migrator.Migrate(id));
                Assert.AreEqual("2", migrator.Status(id).Current);
                Assert.AreEqual(0, migrator.Validate(id).Count);
                Assert.That(migrator.Info(id).All(entry => entry.State == "success"));
                Assert.AreEqual(0, migrator.Repair(id, false).Count);
                Assert.AreEqual(1, migrator.Undo(id, "1"));
                Assert.AreEqual("1", migrator.Status(id).Current);
            }
        });
    }

    [Test]
    public void AScriptThatFailsSaysWhere() {
        Backends.Each(backend => {
            var id = backend.NewTenant().Id;
            using (var migrator = Scripts(backend.Db)) {
                migrator.Add("3", "broken", "CREATE TABLE three(a INTEGER);\nCREATE NONSENSE;");
                var failure = Assert.Throws<MtdbMigrationException>(() => migrator.Migrate(id));
                Assert.AreEqual(Status.MigrationFailed, failure.Code);
                Assert.AreEqual(2, failure.Applied);
                Assert.AreEqual(2, failure.Statement);
                Assert.AreEqual(2, failure.Line);
                Assert.AreEqual(id, failure.Tenant);
                StringAssert.Contains("3", failure.Script);
            }
        });
    }

    [Test]
    public void AVerbOverManyTenantsTellsOfEach() {
        Backends.Each(backend => {
            var ids = Enumerable.Range(0, 5).Select(i => backend.NewTenant().Id).ToArray();
            using (var migrator = Scripts(backend.Db)) {
                var outcomes = migrator.Run("migrate", tenants: ids.Concat(new[] { "nobody" }),
                    options: new RunOptions { Workers = 2 });
                CollectionAssert.AreEqual(ids.Concat(new[] { "nobody" }), outcomes.Select(outcome => outcome.Tenant));
                Assert.That(outcomes.Take(5).All(outcome => outcome.Status == Status.Ok && outcome.Applied == 2));
                Assert.AreEqual(Status.TenantUnknown, outcomes[5].Status);
            }
        });
    }

    [Test]
    public void AFleetRunAsksForAVerdictAfterEachWave() {
        Backends.Each(backend => {
            var ids = Enumerable.Range(0, 6).Select(i => backend.NewTenant().Id).ToArray();
            using (var migrator = Scripts(backend.Db)) {
                var options = new FleetOptions { Canary = "1", Waves = "2", Verdict = true,
                    Ledger = FleetLedgerChoice.Off };
                var waves = 0;
                using (var fleet = backend.Db.NewFleet(migrator, options)) {
                    foreach (var id in ids) fleet.Add(id);
                    Assert.AreEqual(0, fleet.Run(progress => ++waves < 2));
                    Assert.AreEqual("halted", fleet.Progress().State);
                    Assert.AreEqual(3, fleet.Results().Count(outcome => outcome.State == "done"));
                }
                Assert.AreEqual(2, waves);
                using (var fleet = backend.Db.NewFleet(migrator, new FleetOptions { Ledger = FleetLedgerChoice.Off })) {
                    foreach (var id in ids) fleet.Add(id);
                    Assert.AreEqual(0, fleet.Run());
                    CollectionAssert.AreEqual(ids, fleet.Results().Select(outcome => outcome.Tenant));
                    Assert.AreEqual("done", fleet.Progress().State);
                }
            }
        });
    }

    /// <summary>The end of a flag is seen within quiesce.refresh_ms.</summary>
    private static bool Granted(Tenant tenant) {
        try {
            tenant.Acquire().Dispose();
            return true;
        } catch (MtdbException exception) when (exception.Code == Status.TenantHeld) {
            return false;
        }
    }

    [Test]
    public void AQuiesceFlagPausesWhoObeysIt() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            using (var quiesce = backend.Db.NewQuiesce(new QuiesceOptions { Refresh = TimeSpan.FromMilliseconds(20) }))
                {
                quiesce.Create();
                quiesce.Enable();
                var grant = quiesce.Set("global", "the test", "to see", TimeSpan.FromMinutes(1));
                Assert.AreEqual(32, grant.Token.Length);
                Assert.AreEqual(1, quiesce.WaitParked("global", TimeSpan.FromSeconds(20)).Count);
                Assert.AreEqual(Status.TenantHeld, Assert.Throws<MtdbException>(() => tenant.Acquire()).Code);
                var seen = quiesce.Watch("global").Value;
                Assert.AreEqual(QuiesceState.Active, seen.State);
                Assert.AreEqual("the test", quiesce.Query("global").Single().SetBy);
                Assert.That(quiesce.Renew("global", TimeSpan.FromMinutes(2)), Is.GreaterThan(TimeSpan.FromMinutes(1)));
                var changed = Task.Run(() => quiesce.Watch("tenant:none", 0));
                quiesce.Clear("global");
                Assert.AreEqual(QuiesceState.None, changed.Result.Value.State);
                while (!Granted(tenant)) Thread.Sleep(1);
            }
        });
    }

    [Test]
    public void ADriverKeepsGolangMigratesTable() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var lease = db.Create("acme").Acquire())
        using (var driver = Driver.Of(lease)) {
            driver.Lock();
            Assert.AreEqual((-1L, false), driver.Version());
            driver.SetVersion(7, true);
            driver.Run("CREATE TABLE t(a);");
            driver.SetVersion(7, false);
            driver.Unlock();
            Assert.AreEqual((7L, false), driver.Version());
            Assert.AreEqual(1, lease.Scalar<int>("SELECT count(*) FROM sqlite_master WHERE name = 't'"));
        }
    }
}
