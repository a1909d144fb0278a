// SPDX-License-Identifier: MIT
using System;
using Mtdb;

static class Hello {
    static void Main(string[] arguments) {
        using (var db = Db.Open(arguments[0])) {
            db.CreateIfMissing("acme").Execute("CREATE TABLE IF NOT EXISTS note(text TEXT)");
            db["acme"].Execute("INSERT INTO note VALUES (?)", "only acme's");
            foreach (var row in db["acme"].Query("SELECT text FROM note")) Console.WriteLine(row["text"]);
        }
    }
}
