// SPDX-License-Identifier: MIT

using System;
using System.Globalization;
using System.Linq;
using System.Threading;
using Mtdb;
using Step = System.Collections.Generic.Dictionary<string, object>;

internal sealed partial class Steps {
    /// <summary>Reads all rows and keeps none; a token ends it before, while the statement runs, or after the first
    /// row.</summary>
    private void Scan(Step step, string sql) {
        var phase = Text(step, "cancel", "");
        long count = 0, sum = 0;
        using (var source = new CancellationTokenSource()) {
            if (phase == "before") source.Cancel();
            if (phase == "running") source.CancelAfter(50);
            try {
                using (var rows = lease.Query(sql, new object[0], Limit(step), source.Token)) {
                    while (rows.Read()) {
                        if (!rows.IsNull(0)) sum += rows.GetInt64(0);
                        if (++count == 1 && phase == "rows") source.Cancel();
                    }
                }
            } finally {
                if (phase == "rows") Equal("rows before the cancel", count > 0, true);
                Equal("rows_count", count, Number(step, "rows_count", count));
                var digits = sum.ToString(CultureInfo.InvariantCulture);
                Equal("rows_sum", digits, Text(step, "rows_sum", digits));
            }
        }
    }

    /// <summary>Each thread goes from tenant to tenant: it writes there, and counts rows of others.</summary>
    private void Parallel(Step step) {
        var tenants = Enumerable.Range(0, (int)Number(step, "tenants", 1)).Select(i => tenant + "x" + i).ToArray();
        var rounds = (int)Number(step, "rounds", 1);
        foreach (var id in tenants) {
            if (db.Exists(id)) db.Drop(id);
            db.Create(id).Execute(Text(step, "create", ""));
        }
        long others = 0;
        var failures = 0;
        var threads = Enumerable.Range(0, (int)Number(step, "threads", 1)).Select(first => new Thread(() => {
            try {
                for (var round = 0; round < rounds; round++)
                    Interlocked.Add(ref others, WriteAndCount(step, tenants[(first + round) % tenants.Length]));
            } catch (Exception exception) {
                Interlocked.Increment(ref failures);
                Console.WriteLine(exception);
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Equal("threads that failed", failures, 0);
        Equal("rows of others", others, 0L);
        foreach (var id in tenants)
            Equal("rows of " + id, db[id].Scalar<long>(Text(step, "all", "")),
                (long)threads.Length * rounds / tenants.Length);
    }

    private long WriteAndCount(Step step, string id) {
        using (TenantScope.Use(id)) {
            var parameters = new object[] { id };
            db.Current.Execute(Text(step, "write", ""), parameters, Timeout.InfiniteTimeSpan);
            using (var rows = db.Current.Query(Text(step, "others", ""), parameters, Timeout.InfiniteTimeSpan))
                return rows.Read() ? rows.GetInt64(0) : throw new InvalidOperationException("no count");
        }
    }

    /// <summary>Takes events until the one that is looked for.</summary>
    private void Event(Step step) {
        var name = Text(step, "name", "");
        var whose = Text(step, "tenant", tenant);
        var found = false;
        int count;
        do {
            var some = db.PollEvents(TimeSpan.FromSeconds(10));
            count = some.Count;
            found = some.Any(one => one.Name == name && one.Tenant == whose);
        } while (!found && count > 0);
        Equal("event " + name + " of " + whose, found, true);
    }
}
