// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mtdb;
using Mtdb.Data;
using NUnit.Framework;

[TestFixture, AdoNet]
public sealed class DataTest {
    private const string Endless =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

    private static DbConnection Connection(Backends backend, string tenant) {
        var connection = MtdbFactory.Instance.CreateConnection();
        connection.ConnectionString = $"Url={backend.Url};Tenant={tenant};placeholders=portable";
        return connection;
    }

    private static DbCommand Command(DbConnection connection, string sql, params object[] values) {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var value in values) {
            var parameter = command.CreateParameter();
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private static void Each(Action<Backends, string> test) => Backends.Each(backend => {
        var tenant = backend.NewTenant();
        tenant.Execute("CREATE TABLE person(id INTEGER PRIMARY KEY, name VARCHAR(40), size DOUBLE PRECISION)");
        try {
            test(backend, tenant.Id);
        } finally {
            MtdbConnection.ClearAllPools();
        }
    });

    [Test]
    public void ThroughTheFactoryAlone() => Each((backend, tenant) => {
        using (var connection = Connection(backend, tenant)) {
            connection.Open();
            Assert.AreEqual(ConnectionState.Open, connection.State);
            Assert.AreEqual(tenant, connection.Database);
            Assert.That(connection.ServerVersion, Is.Not.Empty);
            using (var insert = Command(connection, "INSERT INTO person VALUES (?, ?, ?)", 1, "Ada", 1.7))
                Assert.AreEqual(1, insert.ExecuteNonQuery());
            using (var select = Command(connection, "SELECT id, name, size FROM person"))
            using (var reader = select.ExecuteReader()) {
                Assert.IsTrue(reader.HasRows);
                Assert.AreEqual(3, reader.FieldCount);
                Assert.AreEqual(typeof(long), reader.GetFieldType(0));
                Assert.IsTrue(reader.Read());
                Assert.AreEqual("Ada", reader["NAME"]);
                Assert.AreEqual(1, reader.GetInt32(reader.GetOrdinal("id")));
                Assert.AreEqual(1.7, reader.GetFieldValue<double>(2));
                Assert.IsFalse(reader.Read());
                Assert.AreEqual(-1, reader.RecordsAffected);
            }
            using (var none = Command(connection, "SELECT name FROM person WHERE id = ?", 99))
                Assert.IsNull(none.ExecuteScalar());
            using (var nothing = Command(connection, "SELECT name FROM person WHERE name = ?", DBNull.Value))
                Assert.IsNull(nothing.ExecuteScalar());
        }
    });

    [Test]
    public void NamesFindTheirPlaceholders() => Each((backend, tenant) => {
        using (var connection = new MtdbConnection(backend.Db, tenant)) {
            connection.Open();
            for (var round = 0; round < 3; round++) {
                var insert = new MtdbCommand("INSERT INTO person VALUES (:id, :name, :size)", connection);
                insert.Parameters.AddWithValue("@name", "n" + round);
                insert.Parameters.AddWithValue("$size", (double)round);
                insert.Parameters.AddWithValue("id", round);
                Assert.AreEqual(1, insert.ExecuteNonQuery());
            }
            var select = new MtdbCommand("SELECT name FROM person WHERE size = :a", connection);
            select.Parameters.AddWithValue(":a", 2);
            Assert.AreEqual("n2", select.ExecuteScalar());
            select.Parameters[0].ParameterName = "other";
            select.Parameters.AddWithValue("a", 2);
            StringAssert.Contains("other", Assert.Throws<InvalidOperationException>(() =>
                select.ExecuteScalar()).Message);
            var missing = new MtdbCommand("SELECT name FROM person WHERE size = :a AND id = :b", connection);
            missing.Parameters.AddWithValue("a", 2);
            Assert.Throws<InvalidOperationException>(() => missing.ExecuteScalar());
        }
    });

    [Test]
    public void ATransactionEndsByCommitOnly() => Each((backend, tenant) => {
        using (var connection = Connection(backend, tenant)) {
            connection.Open();
            using (var transaction = connection.BeginTransaction(IsolationLevel.Serializable)) {
                var insert = Command(connection, "INSERT INTO person VALUES (1, 'a', 0)");
                insert.Transaction = transaction;
                insert.ExecuteNonQuery();
                Assert.AreSame(connection, transaction.Connection);
                transaction.Rollback();
                Assert.IsNull(transaction.Connection);
                Assert.Throws<InvalidOperationException>(() => insert.ExecuteNonQuery());
            }
            using (connection.BeginTransaction())
                Command(connection, "INSERT INTO person VALUES (2, 'b', 0)").ExecuteNonQuery();
            using (var transaction = (MtdbTransaction)connection.BeginTransaction()) {
                Command(connection, "INSERT INTO person VALUES (3, 'c', 0)").ExecuteNonQuery();
                transaction.Save("one");
                Command(connection, "INSERT INTO person VALUES (4, 'd', 0)").ExecuteNonQuery();
                transaction.Rollback("one");
                transaction.Commit();
            }
            Assert.AreEqual(3, Convert.ToInt32(Command(connection, "SELECT SUM(id) FROM person").ExecuteScalar()));
        }
    });

    [Test]
    public void TheConnectionStringWinsOverTheScope() => Each((backend, tenant) => {
        var other = backend.NewTenant().Id;
        using (TenantScope.Use(other)) {
            using (var connection = Connection(backend, tenant)) {
                connection.Open();
                Assert.AreEqual(tenant, connection.Database);
                connection.ChangeDatabase(other);
                Assert.AreEqual(other, connection.Database);
            }
            using (var connection = Connection(backend, "")) {
                connection.OpenAsync().Wait();
                Assert.AreEqual(other, connection.Database);
            }
        }
        using (var connection = Connection(backend, ""))
            Assert.Throws<InvalidOperationException>(() => connection.Open());
    });

    [Test]
    public void ADataTableLoadsAndAnAdapterWritesBackTwoTenantsApart() => Each((backend, first) => {
        var second = backend.NewTenant();
        second.Execute("CREATE TABLE person(id INTEGER PRIMARY KEY, name VARCHAR(40), size DOUBLE PRECISION)");
        foreach (var tenant in new[] { first, second.Id }) {
            using (var connection = new MtdbConnection(backend.Db, tenant)) {
                var table = new DataTable("person");
                var adapter = Adapter(connection);
                adapter.Fill(table);
                Assert.AreEqual(0, table.Rows.Count);
                for (var id = 1; id <= 50; id++) table.Rows.Add(id, tenant + " " + id,
                    id % 5 == 0 ? (object)DBNull.Value : id / 2.0);
                Assert.AreEqual(50, adapter.Update(table));
                table.Rows[0]["name"] = "changed by " + tenant;
                table.Rows[1].Delete();
                Assert.AreEqual(2, adapter.Update(table));
            }
        }
        foreach (var tenant in new[] { first, second.Id }) {
            using (var connection = new MtdbConnection(backend.Db, tenant)) {
                connection.Open();
                var table = new DataTable();
                var select = Command(connection, "SELECT id, name, size FROM person ORDER BY id");
                using (var reader = select.ExecuteReader()) table.Load(reader);
                Assert.AreEqual(49, table.Rows.Count);
                Assert.AreEqual("changed by " + tenant, table.Rows[0]["name"]);
                Assert.That(table.Rows.Cast<DataRow>().Skip(1).All(row => ((string)row["name"]).StartsWith(tenant
                    + " ")));
                Assert.AreEqual(DBNull.Value, table.Rows[3]["size"]);
                Assert.AreEqual(new[] { typeof(long), typeof(string), typeof(double) },
                    table.Columns.Cast<DataColumn>().Select(column => column.DataType).ToArray());
            }
        }
    });

    private static DbDataAdapter Adapter(MtdbConnection connection) {
        var adapter = new MtdbDataAdapter("SELECT id, name, size FROM person ORDER BY id", connection);
        var insert = new MtdbCommand("INSERT INTO person VALUES (:id, :name, :size)", connection);
        var update = new MtdbCommand("UPDATE person SET name = :name, size = :size WHERE id = :id", connection);
        var delete = new MtdbCommand("DELETE FROM person WHERE id = :id", connection);
        foreach (var command in new[] { insert, update, delete }) {
            if (command != delete) {
                command.Parameters.Add(new MtdbParameter("name", DbType.String, "name"));
                command.Parameters.Add(new MtdbParameter("size", DbType.Double, "size"));
            }
            command.Parameters.Add(new MtdbParameter("id", DbType.Int64, "id"));
        }
        adapter.InsertCommand = insert;
        adapter.UpdateCommand = update;
        adapter.DeleteCommand = delete;
        return adapter;
    }

    [Test]
    public void AsyncCallsRunAsideAndTheirTokenEndsTheStatement() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var connection = new MtdbConnection(db, db.Create("acme").Id)) {
            connection.OpenAsync().Wait();
            var source = new CancellationTokenSource();
            var running = new MtdbCommand(Endless, connection).ExecuteScalarAsync(source.Token);
            Assert.IsFalse(running.IsCompleted);
            source.Cancel();
            var ended = Assert.Throws<AggregateException>(running.Wait).InnerException;
            Assert.IsInstanceOf<OperationCanceledException>(ended);
            Assert.AreEqual(5L, new MtdbCommand("SELECT 5", connection).ExecuteScalarAsync().Result);
            var command = new MtdbCommand(Endless, connection);
            var blocked = Task.Run(() => command.ExecuteScalar());
            while (!blocked.IsCompleted) command.Cancel();
            var cancelled = Assert.Throws<AggregateException>(blocked.Wait).InnerException;
            Assert.AreEqual(Status.Cancelled, MtdbException.From(cancelled).Code);
            command.CommandTimeout = 1;
            var late = Assert.Throws<MtdbException>(() => command.ExecuteScalar());
            Assert.AreEqual(Status.Timeout, late.Code);
            Assert.AreEqual(6L, new MtdbCommand("SELECT 6", connection).ExecuteScalar());
        }
    }

    [Test]
    public void AConnectionThatIsDisposedWhileItOpensKeepsNoLease() {
        using (var db = Db.Open("sqlite::memory:")) {
            var connection = new MtdbConnection(db, db.Create("acme").Id);
            Task opening;
            using (db.Hold("acme")) {
                opening = connection.OpenAsync();
                connection.Dispose();
            }
            Assert.IsInstanceOf<InvalidOperationException>(
                Assert.Throws<AggregateException>(opening.Wait).InnerException);
            Assert.AreEqual(ConnectionState.Closed, connection.State);
            Assert.AreEqual(0, db.Stats().Single(figure => figure.Name == "leases.now").Value);
            connection.Open();
            Assert.Throws<InvalidOperationException>(() => connection.Open());
            connection.Close();
        }
    }

    [Test]
    public void ReadAsyncIsEndedByItsToken() {
        using (var db = Db.Open("echo:"))
        using (var connection = new MtdbConnection(db, db.Create("acme").Id)) {
            connection.Open();
            using (var reader = new MtdbCommand("slow 1000 60000", connection).ExecuteReader()) {
                var source = new CancellationTokenSource();
                var reading = reader.ReadAsync(source.Token);
                source.Cancel();
                var thrown = Assert.Throws<AggregateException>(() => reading.Wait()).InnerException;
                Assert.IsInstanceOf<OperationCanceledException>(thrown);
                Assert.IsTrue(reading.IsCanceled);
            }
            Assert.AreEqual(1L, new MtdbCommand("echo 1", connection).ExecuteScalar());
        }
    }

    [Test]
    public void APasswordIsNotShownOnceTheConnectionWasOpened() {
        var connection = new MtdbConnection("Url=echo:;Tenant=acme;password=hush;tenant.create=on_first_use");
        StringAssert.Contains("hush", connection.ConnectionString);
        connection.Open();
        StringAssert.DoesNotContain("hush", connection.ConnectionString);
        connection.Close();
        MtdbConnection.ClearAllPools();
        Assert.AreEqual("postgres://me@host/db?a=1",
            MtdbConnectionStringBuilder.WithoutPassword("postgres://me:hu%40sh@host/db?a=1&password=hush"));
        Assert.AreEqual("mysql://me@host/?b=2",
            MtdbConnectionStringBuilder.WithoutPassword("mysql://me:hush@host/?password=hush&b=2"));
    }

    [Test]
    public void ConnectionsOfOneStringShareTheirDb() => Each((backend, tenant) => {
        for (var i = 0; i < 20; i++) {
            using (var connection = (MtdbConnection)Connection(backend, tenant)) {
                connection.Open();
                Assert.AreEqual(1, connection.Lease.Scalar<int>("SELECT 1"));
                var opened = connection.Db.Stats().Single(figure => figure.Name == "connections.opened").Value;
                Assert.AreEqual(1, opened);
            }
        }
    });

    [Test]
    public void TheReadersSmallPromises() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var connection = new MtdbConnection(db, db.Create("acme").Id)) {
            connection.Open();
            var command = new MtdbCommand("SELECT x'010203' AS b, 'text' AS t, NULL AS n", connection);
            using (var reader = command.ExecuteReader(CommandBehavior.CloseConnection)) {
                Assert.IsTrue(reader.Read());
                var bytes = new byte[2];
                Assert.AreEqual(3, reader.GetBytes(0, 0, null, 0, 0));
                Assert.AreEqual(2, reader.GetBytes(0, 1, bytes, 0, 2));
                CollectionAssert.AreEqual(new byte[] { 2, 3 }, bytes);
                Assert.AreEqual(2, reader.GetChars(1, 2, new char[9], 0, 9));
                Assert.IsTrue(reader.IsDBNull(2));
                Assert.AreEqual(DBNull.Value, reader[2]);
                Assert.Throws<IndexOutOfRangeException>(() => reader.GetOrdinal("nothing"));
                Assert.IsFalse(reader.NextResult());
            }
            Assert.AreEqual(ConnectionState.Closed, connection.State);
            Assert.Throws<InvalidOperationException>(() => command.ExecuteReader());
            Assert.Throws<NotSupportedException>(() => command.CommandType = CommandType.StoredProcedure);
        }
    }
}
