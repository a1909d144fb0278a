// SPDX-License-Identifier: MIT
// Migrations, a fleet run, a quiesce flag, a resolver, events and figures.
using System;
using System.IO;
using System.Linq;
using Mtdb;

static class Control {
    static void Main(string[] arguments) {
        using (var db = Db.Open(arguments[0])) {
            foreach (var name in new[] { "acme", "beta" }) db.CreateIfMissing(name);
            Migrate(db);
            Pause(db);
            foreach (var one in db.PollEvents().Take(2)) Console.WriteLine("{0} {1}", one.Name, one.Tenant);
            Console.WriteLine(db.Stats().Single(figure => figure.Name == "leases.now").Value);
        }
        Resolve(Directory.CreateDirectory(Path.Combine(arguments[0], "homes")).FullName);
    }

    static void Migrate(Db db) {
        using (var migrator = db.NewMigrator()) {
            migrator.Add("1", "create item", "CREATE TABLE item(id INTEGER PRIMARY KEY);", "DROP TABLE item;");
            migrator.Migrate("acme");
            var options = new FleetOptions { Canary = "1", OnFailure = FleetOnFailureChoice.Continue };
            using (var fleet = db.NewFleet(migrator, options)) {
                fleet.Run();
                foreach (var tenant in fleet.Results()) Console.WriteLine("{0} {1}", tenant.Tenant, tenant.State);
            }
        }
        var one = new FleetOptions { Verb = FleetVerbChoice.Sql, Sql = "SELECT count(*) FROM item" };
        using (var fleet = db.NewFleet(null, one)) {
            // One result, the tenant in front; the run goes on while it is read.
            foreach (var row in fleet.Query()) Console.WriteLine("{0} has {1} items", row["tenant"], row[1]);
        }
    }

    static void Pause(Db db) {
        using (db.Hold("acme")) {
            // No lease of acme is out in this db, and none is given.
        }
        using (var quiesce = db.NewQuiesce()) {
            quiesce.Create();
            quiesce.Enable();
            quiesce.Set("global", by: "deploy", reason: "release 2", lifetime: TimeSpan.FromMinutes(5));
            quiesce.WaitParked("global", TimeSpan.FromSeconds(30));
            quiesce.Clear("global");
        }
    }

    static void Resolve(string folder) {
        var options = new DbOptions {
            TenantRoutes = TenantRoutesChoice.Resolver, TenantCreate = TenantCreateChoice.OnFirstUse
        };
        using (var db = Db.Open(folder, options, tenant => tenant == "gold" ? "gold/one.db" : null))
            Console.WriteLine(db["gold"].Scalar<string>("SELECT 'found'"));
    }
}
