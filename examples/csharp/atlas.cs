// SPDX-License-Identifier: MIT
// An atlas with one tenant per country: ISO 3166-1 makes the tenants, ISO 3166-2 their data. Creates, migrates, loads
// and reads them all, shows that none reaches another's rows, then brings every tenant up to a second release.
//
// Usage: atlas URL [DATA [SCRIPTS]]
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Mtdb;

static class Atlas {
    static void Main(string[] arguments) {
        var data = arguments.Length > 1 ? arguments[1] : "/usr/share/iso-codes/json";
        var scripts = arguments.Length > 2 ? arguments[2] : "examples/atlas/migrations";
        var countries = Read(Path.Combine(data, "iso_3166-1.json"), "alpha_2");
        var subdivisions = Read(Path.Combine(data, "iso_3166-2.json"), "code")
            .ToLookup(one => one["code"].Substring(0, 2));

        var options = new DbOptions { Placeholders = PlaceholdersChoice.Portable, PoolTenantsMax = 64 };
        using (var db = Db.Open(arguments[0], options)) {
            var tenants = countries.Select(country => country["alpha_2"].ToLowerInvariant()).ToList();
            var known = new HashSet<string>(tenants.Where(db.Exists));
            foreach (var tenant in tenants.Where(tenant => !known.Contains(tenant))) db.Create(tenant);
            Console.WriteLine("{0} countries, {1} new tenants", tenants.Count, tenants.Count - known.Count);

            var first = Run(db, Path.Combine(scripts, "release-1"), "migrate");
            Console.WriteLine("release 1: {0} scripts applied", first.Sum(one => one.Applied));
            var loaded = countries.Sum(country => Load(db, country, subdivisions[country["alpha_2"]]));
            Console.WriteLine("loaded {0} subdivisions", loaded);
            ReadAll(db, tenants, loaded);
            ShowIsolation(db);

            var behind = Run(db, scripts, "status").Count(one => one.State == "outdated");
            Console.WriteLine("release 2: {0} tenants behind", behind);
            Console.WriteLine("release 2: {0} scripts applied", Run(db, scripts, "migrate").Sum(one => one.Applied));
            foreach (var tenant in new[] { "fr", "jp" }) {
                var kinds = db[tenant].Query("SELECT subdivisions, name FROM kind ORDER BY subdivisions DESC");
                Console.WriteLine("  {0}: {1}", tenant, string.Join("; ", kinds.Select(row => row[0] + " x "
                    + row[1])));
            }
            foreach (var figure in db.Stats().Where(figure => figure.Value != 0).Take(3))
                Console.WriteLine("  {0} {1} {2}", figure.Name, figure.Value, figure.Unit);
        }
        Console.WriteLine("the atlas is complete: every country in its own tenant");
    }

    // One verb over all tenants; a tenant that fails ends the program.
    static IReadOnlyList<MigrationOutcome> Run(Db db, string folder, string verb) {
        using (var migrator = db.NewMigrator(new MigratorOptions { Source = folder, Newer = true })) {
            var outcomes = migrator.Run(verb, options: new RunOptions { Workers = 4 });
            var failed = outcomes.FirstOrDefault(one => one.Status != Status.Ok);
            if (failed != null) throw new InvalidOperationException(failed.Tenant + ": " + failed.Message);
            return outcomes;
        }
    }

    static long Load(Db db, Dictionary<string, string> country, IEnumerable<Dictionary<string, string>> subdivisions) =>
        db[country["alpha_2"].ToLowerInvariant()].Run(lease => {
            lease.Execute("DELETE FROM subdivision");
            lease.Execute("DELETE FROM country");
            lease.Execute("INSERT INTO country (code, name) VALUES (?, ?)", country["alpha_2"], country["name"]);
            return lease.ExecuteMany("INSERT INTO subdivision (code, name, kind, parent) VALUES (?, ?, ?, ?)",
                subdivisions.Select(one => new object[] { one["code"], one["name"], one["type"], Parent(one) }));
        });

    static string Parent(Dictionary<string, string> subdivision) =>
        subdivision.TryGetValue("parent", out var parent) ? parent : null;

    // Each task stands in its own country: no call names it.
    static void ReadAll(Db db, IEnumerable<string> tenants, long loaded) {
        var tasks = tenants.Select(tenant => Task.Run(() => {
            using (TenantScope.Use(tenant)) {
                var codes = db.Current.Query("SELECT code FROM subdivision").Select(row => row.GetString(0)).ToList();
                if (codes.Any(code => !code.StartsWith(tenant + "-", StringComparison.OrdinalIgnoreCase)))
                    throw new InvalidOperationException("a stranger in " + tenant);
                return codes.Count;
            }
        })).ToArray();
        var rows = Task.WhenAll(tasks).Result.Sum();
        if (rows != loaded) throw new InvalidOperationException("read " + rows + " of " + loaded);
        Console.WriteLine("read {0} subdivisions back in {1} tasks, each in its own country", rows, tasks.Length);
    }

    // France tries to look at Germany.
    static void ShowIsolation(Db db) {
        if (db["fr"].Scalar<int>("SELECT COUNT(*) FROM subdivision WHERE code LIKE 'DE-%'") != 0)
            throw new InvalidOperationException("France sees Germany");
        foreach (var sql in new[] { "ATTACH DATABASE 'de.db' AS de", "SELECT name FROM de.country" }) {
            try {
                db["fr"].Execute(sql);
                Console.WriteLine("in fr, {0}: the server answered, all tenants share one login", sql);
            } catch (MtdbException exception) {
                Console.WriteLine("in fr, {0}: {1}", sql, exception.Message);
            }
        }
    }

    // The lists are flat objects of texts: no more of JSON is needed.
    static List<Dictionary<string, string>> Read(string path, string key) =>
        Regex.Matches(File.ReadAllText(path), "\\{([^{}]*)\\}").Cast<Match>()
            .Select(one => Regex.Matches(one.Value, "\"([a-z_0-9]+)\": \"((?:[^\"\\\\]|\\\\.)*)\"").Cast<Match>()
                .ToDictionary(pair => pair.Groups[1].Value, pair => Regex.Unescape(pair.Groups[2].Value)))
            .Where(one => one.ContainsKey(key)).ToList();
}
