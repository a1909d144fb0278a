// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Mtdb;
using Mtdb.Data;

/// <summary>csharp_scan: 100,000 rows (int64, double, 16 characters), every column of every row as its .NET type, by
/// the direct API and by ADO.NET; against a hand-written P/Invoke of sqlite3 that reads cell by cell, over the same
/// file in the same run.</summary>
internal static class Scan {
    internal const int Rows = 100000;
    internal const string Query = "SELECT id, price, name FROM item";
    private const int Rounds = 11;
    private const double Reach = 2;

    /// <summary>What was read, so that nothing is left out: each side must come to the same.</summary>
    internal struct Sums : IEquatable<Sums> {
        internal long Rows;
        internal long Ids;
        internal double Prices;
        internal long Letters;

        internal void Add(long id, double price, string name) {
            Rows++;
            Ids += id;
            Prices += price;
            Letters += name.Length + name[15];
        }

        public bool Equals(Sums other) =>
            Rows == other.Rows && Ids == other.Ids && Prices.Equals(other.Prices) && Letters == other.Letters;
    }

    private static int Main() {
        var folder = Path.Combine(Path.GetTempPath(), "mtdb-csharp-scan-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try {
            using (var db = Db.Open(folder)) {
                Fill(db);
                return Measure(db, folder) ? 0 : 1;
            }
        } finally {
            Directory.Delete(folder, true);
        }
    }

    internal static void Fill(Db db) {
        var tenant = db.Create("acme");
        tenant.Execute("CREATE TABLE item(id INTEGER PRIMARY KEY, price REAL NOT NULL, name TEXT NOT NULL)");
        tenant.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            + " INSERT INTO item SELECT i, i * 0.5, printf('name of %08d', i) FROM n");
    }

    private static bool Measure(Db db, string folder) {
        using (var lease = db["acme"].Acquire())
        using (var connection = new MtdbConnection(db, "acme"))
        using (var peer = new Sqlite(Path.Combine(folder, "acme.db"))) {
            connection.Open();
            var sides = new Func<Sums>[] { () => Direct(lease), () => AdoNet(connection), () => Peer(peer) };
            var want = sides[2]();
            if (want.Rows != Rows || sides.Any(side => !side().Equals(want)))
                throw new InvalidOperationException("the sides read different rows");
            var figures = sides.Select(side => new List<double>()).ToArray();
            for (var round = 0; round < Rounds; round++)
                for (var side = 0; side < sides.Length; side++) figures[side].Add(Nanoseconds(sides[side]));
            var middles = figures.Select(times => times.OrderBy(time => time).ElementAt(Rounds / 2)).ToArray();
            var first = Print("100000 rows, direct API", middles[0], middles[2]);
            return Print("100000 rows, ADO.NET", middles[1], middles[2]) && first;
        }
    }

    private static double Nanoseconds(Func<Sums> side) {
        GC.Collect();
        var clock = Stopwatch.StartNew();
        side();
        return clock.ElapsedTicks * 1e9 / Stopwatch.Frequency / Rows;
    }

    private static bool Print(string name, double ours, double peer) {
        var ratio = peer / ours;
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{\"name\":\"csharp_scan\",\"case\":\"{0}\",\"unit\":\"ns/row\",\"ours\":{1:0.##},\"peer\":{2:0.##},"
            + "\"ratio\":{3:0.###},\"reach\":\">={4}\",\"ok\":{5}}}", name, ours, peer, ratio, Reach,
            ratio >= Reach ? "true" : "false"));
        return ratio >= Reach;
    }

    internal static Sums Direct(Lease lease) {
        var sums = new Sums();
        using (var rows = lease.Query(Query)) {
            while (rows.Read()) sums.Add(rows.GetInt64(0), rows.GetDouble(1), rows.GetString(2));
        }
        return sums;
    }

    internal static Sums AdoNet(MtdbConnection connection) {
        var sums = new Sums();
        using (var command = new MtdbCommand(Query, connection))
        using (var reader = command.ExecuteReader()) {
            while (reader.Read()) sums.Add(reader.GetInt64(0), reader.GetDouble(1), reader.GetString(2));
        }
        return sums;
    }

    private static Sums Peer(Sqlite peer) {
        var sums = new Sums();
        using (var rows = peer.Prepare(Query)) {
            while (rows.Step()) sums.Add(rows.Int64(0), rows.Double(1), rows.Text(2));
        }
        return sums;
    }
}
