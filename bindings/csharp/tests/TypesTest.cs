// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using Mtdb;
using Mtdb.Data;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class TypesTest {
    private static readonly DateTime moment = new DateTime(2024, 2, 29, 23, 59, 58, DateTimeKind.Utc).AddTicks(1234560);

    /// <summary>Per backend: a column's type, what is bound, and what is read.</summary>
    private static readonly Dictionary<string, (string Type, object Bound, object Read)[]> columns =
        new Dictionary<string, (string, object, object)[]> {
            { "sqlite", new (string, object, object)[] {
                ("INTEGER", long.MinValue, long.MinValue), ("REAL", 0.1, 0.1), ("TEXT", "gr\u00fcn\0z", "gr\u00fcn\0z"),
                ("BLOB", new byte[] { 0, 255 }, new byte[] { 0, 255 }), ("TEXT", 12.30m, "12.30"),
                ("TEXT", moment, "2024-02-29 23:59:58.123456+00:00"), ("TEXT", Typed.Date(moment), "2024-02-29"),
                ("TEXT", TimeSpan.FromMinutes(-90), "-01:30:00.000000"), ("TEXT", Guid.Empty,
                Guid.Empty.ToString()) } },
            { "postgres", new (string, object, object)[] {
                ("bigint", long.MaxValue, long.MaxValue), ("double precision", 0.1, 0.1), ("real", 1.5f, 1.5f),
                ("text", "gr\u00fcn \ud83d\ude00", "gr\u00fcn \ud83d\ude00"), ("boolean", true, true),
                ("bytea", new byte[] { 0, 255 }, new byte[] { 0, 255 }), ("numeric", 12.30m, 12.30m),
                ("timestamptz", moment, moment), ("timestamp", Plain(moment), Plain(moment)),
                ("date", Typed.Date(moment), moment.Date), ("time", moment.TimeOfDay, moment.TimeOfDay),
                ("uuid", Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
                    Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")),
                ("json", Typed.Json("{\"a\": 1}"), "{\"a\": 1}"), ("interval", new Interval(1, -2, 3), new Interval(1,
                -2, 3)) } },
            { "mysql", new (string, object, object)[] {
                ("BIGINT", long.MinValue, long.MinValue), ("BIGINT UNSIGNED", ulong.MaxValue, ulong.MaxValue),
                ("DOUBLE", 0.1, 0.1), ("VARCHAR(20) CHARACTER SET utf8mb4", "gr\u00fcn \ud83d\ude00",
                "gr\u00fcn \ud83d\ude00"),
                ("BLOB", new byte[] { 0, 255 }, new byte[] { 0, 255 }), ("DECIMAL(10,2)", 12.30m, 12.30m),
                ("DATETIME(6)", Plain(moment), Plain(moment)), ("DATE", Typed.Date(moment), moment.Date),
                ("TIME(6)", TimeSpan.FromHours(-100), TimeSpan.FromHours(-100)) } }
        };

    private static DateTime Plain(DateTime time) => DateTime.SpecifyKind(time, DateTimeKind.Unspecified);

    [Test]
    public void ValuesOfTheBackendsOwnTypesComeBack() {
        Backends.Each(backend => {
            var tenant = backend.NewTenant();
            var all = columns[backend.Name];
            tenant.Execute("CREATE TABLE t(" + string.Join(", ", all.Select((one, i) => "c" + i + " " + one.Type))
                + ")");
            var insert = "INSERT INTO t VALUES (" + string.Join(", ", all.Select(one => "?")) + ")";
            tenant.Execute(insert, all.Select(one => one.Bound).ToArray());
            tenant.Execute(insert, all.Select(one => (object)null).ToArray());
            using (var lease = tenant.Acquire())
                lease.ExecuteMany(insert, Enumerable.Repeat(all.Select(one => one.Bound).ToArray(), 3));
            using (var connection = new MtdbConnection(backend.Db, tenant.Id)) {
                connection.Open();
                using (var reader = new MtdbCommand("SELECT * FROM t", connection).ExecuteReader()) {
                    for (var row = 0; row < 5; row++) {
                        Assert.IsTrue(reader.Read());
                        for (var i = 0; i < all.Length; i++) {
                            var want = row == 1 ? DBNull.Value : all[i].Read;
                            Assert.AreEqual(want, reader.GetValue(i), all[i].Type);
                            if (row != 1) Assert.AreEqual(want.GetType(), reader.GetFieldType(i), all[i].Type);
                        }
                    }
                    Assert.IsFalse(reader.Read());
                }
            }
        });
    }

    [Test]
    public void TextThatSqliteKeepsIsReadBackAsWhatItWas() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var rows = db.Create("acme").Query("SELECT ?, ?, ?, ?, ?", moment, Plain(moment), Typed.Date(moment),
            TimeSpan.FromMinutes(-90), 12.30m)) {
            Assert.IsTrue(rows.Read());
            Assert.AreEqual(moment, rows.GetDateTime(0));
            Assert.AreEqual(DateTimeKind.Utc, rows.GetDateTime(0).Kind);
            Assert.AreEqual(Plain(moment), rows.GetDateTime(1));
            Assert.AreEqual(moment.Date, rows.GetDateTime(2));
            Assert.AreEqual(TimeSpan.FromMinutes(-90), rows.GetTimeSpan(3));
            Assert.AreEqual(12.30m, rows.GetDecimal(4));
        }
    }

    [Test]
    public void TextThatIsNoneIsAnErrorAndItsBytesAreThere() {
        using (var db = Db.Open("sqlite::memory:"))
        using (var rows = db.Create("acme").Query("SELECT CAST(x'61ff' AS TEXT)")) {
            Assert.IsTrue(rows.Read());
            Assert.Catch<ArgumentException>(() => rows.GetString(0));
            CollectionAssert.AreEqual(new byte[] { 0x61, 0xff }, rows.GetBytes(0));
            Assert.Catch<ArgumentException>(() => db["acme"].Query("SELECT ?", "\ud83d"));
        }
    }
}
