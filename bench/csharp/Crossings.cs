// SPDX-License-Identifier: MIT

using System;
using System.Globalization;
using Mtdb;
using Mtdb.Data;
using Mtdb.Raw;

/// <summary>crossings: calls of the library per 1,000 rows of 100,000, counted by a raw layer that counts
/// them.</summary>
internal static class Crossings {
    private const double Reach = 4;

    private static int Main() {
        using (var db = Db.Open("sqlite::memory:")) {
            Scan.Fill(db);
            using (var lease = db["acme"].Acquire())
            using (var connection = new MtdbConnection(db, "acme")) {
                connection.Open();
                var first = Print("C#, direct API", () => Scan.Direct(lease));
                return Print("C#, ADO.NET", () => Scan.AdoNet(connection)) && first ? 0 : 1;
            }
        }
    }

    private static bool Print(string name, Func<Scan.Sums> read) {
        Counter.Calls = 0;
        var rows = read().Rows;
        var calls = Counter.Calls;
        if (rows != Scan.Rows || calls == 0) throw new InvalidOperationException("nothing was counted");
        var ratio = calls * 1000.0 / rows;
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{\"name\":\"crossings\",\"case\":\"{0}\",\"unit\":\"calls/1000 rows\",\"ours\":{1:0.###},\"peer\":0,"
            + "\"ratio\":{1:0.###},\"reach\":\"<={2}\",\"ok\":{3}}}", name, ratio, Reach,
            ratio <= Reach ? "true" : "false"));
        return ratio <= Reach;
    }
}
