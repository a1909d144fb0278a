// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Mtdb;

/// <summary>The databases that a test runs over, each with tenants of its own.</summary>
internal sealed class Backends : IDisposable {
    private readonly string folder;
    private readonly Db db;
    private readonly bool hasShared;
    private readonly List<string> made = new List<string>();
    private static int counter;
    private static string shared;

    private Backends(string name, string url, string folder, DbOptions options) {
        Name = name;
        this.folder = folder;
        Url = url;
        options = options ?? new DbOptions();
        hasShared = options.TenantShared != null;
        if (hasShared && folder == null) MakeShared();
        options.Placeholders = PlaceholdersChoice.Portable;
        db = Db.Open(url, options);
    }

    internal long Stat(string name) => db.Stats().Single(figure => figure.Name == name).Value;

    internal static bool WithServers { get; set; }

    internal string Name { get; }

    internal string Url { get; }

    internal Db Db => db;

    /// <summary>With <see cref="WithShared"/>: where the shared tables are.</summary>
    internal string Shared => shared;

    internal static DbOptions WithShared() {
        shared = "csshared" + System.Diagnostics.Process.GetCurrentProcess().Id;
        return new DbOptions { TenantShared = shared };
    }

    /// <summary>SQLite always; the servers when they are asked for, and then they must be there.</summary>
    internal static void Each(Action<Backends> test, Func<DbOptions> options = null) {
        var names = WithServers ? new[] { "sqlite", "postgres", "mysql" } : new[] { "sqlite" };
        foreach (var name in names) {
            using (var backend = Open(name, options?.Invoke())) {
                try {
                    test(backend);
                } catch (Exception exception) {
                    throw new Exception("over " + name + ": " + exception.Message, exception);
                }
            }
        }
    }

    internal static Backends Open(string name, DbOptions options = null) {
        if (name == "sqlite") {
            var folder = NewFolder();
            return new Backends(name, folder, folder, options);
        }
        var variable = "MTDB_TEST_" + name.ToUpperInvariant();
        var url = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(url)) throw new InvalidOperationException(variable + " is not set");
        return new Backends(name, url, null, options);
    }

    internal static string NewFolder() {
        var folder = Path.Combine(Path.GetTempPath(), "mtdb-csharp-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>A new tenant, dropped at the end.</summary>
    internal Tenant NewTenant() {
        var id = "cs" + System.Diagnostics.Process.GetCurrentProcess().Id + "_"
            + System.Threading.Interlocked.Increment(ref counter);
        made.Add(id);
        return db.Create(id);
    }

    public void Dispose() {
        foreach (var id in made.Where(db.Exists)) {
            try {
                db.Drop(id);
            } catch (MtdbException exception) {
                // A failed test may have left a lease: what it failed with is what counts.
                Console.WriteLine("  not dropped: " + exception.Message);
            }
        }
        db.Dispose();
        if (folder != null) Directory.Delete(folder, true);
        else if (hasShared) DropShared();
    }

    /// <summary>To a db without shared tables they are a tenant.</summary>
    private void MakeShared() {
        using (var plain = Db.Open(Url)) plain.CreateIfMissing(shared);
    }

    private void DropShared() {
        using (var plain = Db.Open(Url)) if (plain.Exists(shared)) plain.Drop(shared);
    }
}

/// <summary>What maintenance does a moment later.</summary>
internal static class Settled {
    internal static void Wait(string what, Func<bool> holds) {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!holds()) {
            if (clock.Elapsed > TimeSpan.FromMinutes(2)) throw new TimeoutException("in vain: " + what);
            System.Threading.Thread.Sleep(1);
        }
    }
}
