// SPDX-License-Identifier: MIT
// ADO.NET: the tenant in the connection string, or in the scope.
using System;
using System.Data;
using Mtdb;
using Mtdb.Data;

static class AdoNet {
    static void Main(string[] arguments) {
        using (var db = Db.Open(arguments[0])) db.CreateIfMissing("acme");

        using (var connection = new MtdbConnection("Url=" + arguments[0] + ";Tenant=acme;pool.size_max=4")) {
            connection.Open();
            new MtdbCommand("DROP TABLE IF EXISTS person", connection).ExecuteNonQuery();
            new MtdbCommand("CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT)", connection).ExecuteNonQuery();
            using (var transaction = connection.BeginTransaction()) {
                var insert = new MtdbCommand("INSERT INTO person(name) VALUES (@name)", connection);
                var name = insert.Parameters.AddWithValue("@name", null);
                foreach (var value in new[] { "Ada", "Grace" }) {
                    name.Value = value;
                    insert.ExecuteNonQuery();
                }
                transaction.Commit();
            }
        }

        using (TenantScope.Use("acme"))
        using (var connection = new MtdbConnection("Url=" + arguments[0] + ";pool.size_max=4")) {
            connection.Open();
            var table = new DataTable();
            using (var reader = new MtdbCommand("SELECT id, name FROM person", connection).ExecuteReader())
                table.Load(reader);
            foreach (DataRow row in table.Rows) Console.WriteLine("{0} {1}", row["id"], row["name"]);
        }
    }
}
