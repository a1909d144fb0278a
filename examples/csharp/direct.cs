// SPDX-License-Identifier: MIT
// The direct API: scopes, leases, transactions, blocks of rows, cancels, errors.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mtdb;

static class Direct {
    static void Main() {
        using (var db = Db.Open("sqlite::memory:", new DbOptions { PoolSizeMax = 4 })) {
            db.Create("acme").Execute("CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)");
            Scope(db);
            Lease(db["acme"]);
            Transaction(db["acme"]);
            Cancel(db["acme"]).Wait();
            Errors(db);
        }
    }

    static void Scope(Db db) {
        // Follows await, tasks and threads that are started inside.
        using (TenantScope.Use("acme")) {
            db.Current.Execute("INSERT INTO account VALUES (1, 1000), (2, 0)");
        }
    }

    static void Lease(Tenant tenant) {
        using (var lease = tenant.Acquire()) {
            // A thousand rows, one call.
            var accounts = Enumerable.Range(3, 1000).Select(id => new object[] { id, 5 });
            lease.ExecuteMany("INSERT INTO account VALUES (?, ?)", accounts);
            using (var rows = lease.Query("SELECT id, cents FROM account")) {
                var sum = 0L;
                while (rows.Read()) sum += rows.GetInt64(1);
                Console.WriteLine("all accounts: {0}", sum);
            }
        }
    }

    static void Transaction(Tenant tenant) {
        // Committed when it returns, rolled back when it throws, repeated when it may succeed later.
        var left = tenant.Run(lease => {
            lease.Execute("UPDATE account SET cents = cents - 300 WHERE id = 1");
            lease.Execute("UPDATE account SET cents = cents + 300 WHERE id = 2");
            return lease.Scalar<long>("SELECT cents FROM account WHERE id = 1");
        });
        Console.WriteLine("left: {0}", left);
    }

    static async Task Cancel(Tenant tenant) {
        using (var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50))) {
            try {
                await tenant.QueryAsync("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)"
                    + " SELECT count(*) FROM c", null, null, source.Token);
            } catch (OperationCanceledException) {
                Console.WriteLine("cancelled");
            }
        }
    }

    static void Errors(Db db) {
        try {
            db["ghost"].Query("SELECT 1");
        } catch (MtdbException exception) when (exception.Code == Status.TenantUnknown) {
            Console.WriteLine("{0}, SQLSTATE {1}, transient: {2}", exception.Message, exception.SqlState,
                exception.IsTransient);
        }
    }
}
