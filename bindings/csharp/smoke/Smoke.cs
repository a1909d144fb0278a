// SPDX-License-Identifier: MIT

using System;
using System.Collections;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using Mtdb.Raw;

/// Runs libmtdb through the raw layer and checks what comes back.
internal static unsafe class Smoke {
    private const string Tenant = "acme";
    private const string Tricky = "a\0\ud83d\ude00z";
    private const string Endless =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
    private const long Forever = Native.MTDB_FOREVER;

    private static int passed;
    private static int failed;

    /// What a call left behind: its status, the position and message of its error.
    private struct Outcome {
        internal int Status;
        internal long Line;
        internal long Column;
        internal string Message;
    }

    private static string Show(object value) {
        if (value == null) return "null";
        if (value is string || !(value is IEnumerable)) return value.GetType().Name + " " + value;
        var text = new StringBuilder("[");
        foreach (var item in (IEnumerable)value) text.Append(Show(item)).Append(", ");
        return text.Append(']').ToString();
    }

    private static void Equal(string name, object got, object want) {
        if (Show(got) == Show(want)) {
            passed++;
            return;
        }
        failed++;
        Console.WriteLine("FAILED {0}: got {1}, want {2}", name, Show(got), Show(want));
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static Outcome Take(int status, IntPtr error) {
        var outcome = new Outcome { Status = status, Message = "" };
        using (var handle = new Handle(error, Native.mtdb_error_release)) {
            if (handle.IsInvalid) return outcome;
            outcome.Line = Native.mtdb_error_line(handle);
            outcome.Column = Native.mtdb_error_column(handle);
            var buffer = new byte[1024];
            fixed (byte* at = buffer) {
                Native.mtdb_error_text(handle, Native.MTDB_ERROR_MESSAGE, (IntPtr)at, buffer.Length, out var needed);
                outcome.Message = Encoding.UTF8.GetString(buffer, 0, (int)needed);
            }
        }
        return outcome;
    }

    private static void Ok(string name, int status, IntPtr error) {
        var outcome = Take(status, error);
        Equal(name + " " + outcome.Message, outcome.Status, Native.MTDB_OK);
    }

    private static Handle Open(string folder) {
        var url = Utf8("sqlite:" + folder);
        fixed (byte* at = url) {
            var status = Native.mtdb_db_open((IntPtr)at, url.Length, Handle.None, out var db, out var error);
            Ok("open", status, error);
            return new Handle(db, Native.mtdb_db_release);
        }
    }

    private static int Acquire(Handle db, string tenant, out IntPtr conn, out IntPtr error) {
        var id = Utf8(tenant);
        fixed (byte* at = id)
            return Native.mtdb_db_acquire(db, (IntPtr)at, id.Length, Handle.None, Forever, Handle.None, out conn,
                out error);
    }

    private static Handle Lease(Handle db) {
        var status = Acquire(db, Tenant, out var conn, out var error);
        Ok("acquire", status, error);
        return new Handle(conn, Native.mtdb_conn_release);
    }

    private static int Run(Handle conn, string sql, byte[] block, Handle cancel, out IntPtr result, out IntPtr error) {
        var text = Utf8(sql);
        fixed (byte* at = text, values = block)
            return Native.mtdb_conn_query(conn, (IntPtr)at, text.Length, (IntPtr)values,
                block == null ? 0 : block.Length, Forever, cancel, out result, out error);
    }

    private static Handle Query(Handle conn, string sql, byte[] block, Handle cancel) {
        var status = Run(conn, sql, block, cancel, out var result, out var error);
        Ok("query", status, error);
        return new Handle(result, Native.mtdb_result_release);
    }

    private static Outcome Fetch(Handle result, byte[] buffer, out long used) {
        fixed (byte* at = buffer) {
            var status = Native.mtdb_result_fetch(result, (IntPtr)at, buffer.Length, 0, out _, out used, out var error);
            return Take(status, error);
        }
    }

    private static Block Rows(Handle result) {
        var buffer = new byte[65536];
        var outcome = Fetch(result, buffer, out _);
        Equal("fetch " + outcome.Message, outcome.Status >= 0, true);
        return new Block(buffer);
    }

    private static void Version() {
        Ok("abi", Native.mtdb_abi_require(Native.MTDB_VERSION_MAJOR, Native.MTDB_VERSION_MINOR, out var error), error);
        var buffer = new byte[64];
        fixed (byte* at = buffer) {
            var status = Native.mtdb_status_text(Native.MTDB_TENANT_UNKNOWN, (IntPtr)at, 64, out var needed, out error);
            Ok("status", status, error);
            Equal("status text", Encoding.UTF8.GetString(buffer, 0, (int)needed), "TENANT_UNKNOWN");
            status = Native.mtdb_status_text(Native.MTDB_TENANT_UNKNOWN, (IntPtr)at, 3, out needed, out error);
            Equal("truncated", Take(status, error).Status, Native.MTDB_TRUNCATED);
            Equal("needed", needed, 14L);
        }
    }

    private static void Errors(Handle db, Handle conn) {
        const string sql = "SELECT 1\n /* \ud83d\ude00 */ FROM FROM";
        var status = Run(conn, sql, null, Handle.None, out var result, out var error);
        var syntax = Take(status, error);
        Equal("syntax error", new[] { syntax.Status, syntax.Line, syntax.Column },
            new long[] { Native.MTDB_SQL_ERROR, 2, 15 });
        Equal("no result", result, IntPtr.Zero);
        status = Acquire(db, "nobody", out _, out error);
        Equal("unknown tenant", Take(status, error).Status, Native.MTDB_TENANT_UNKNOWN);
        status = Run(Handle.None, "SELECT 1", null, Handle.None, out _, out error);
        Equal("no handle", Take(status, error).Status, Native.MTDB_INVALID_ARGUMENT);
    }

    private static byte[] Parameters() {
        Ok("block", Native.mtdb_block_new(out var made, out var error), error);
        using (var builder = new Handle(made, Native.mtdb_block_release)) {
            var tricky = Utf8(Tricky);
            fixed (byte* at = tricky)
                Ok("text cell", Native.mtdb_block_add_text(builder, (IntPtr)at, tricky.Length, out error), error);
            Ok("empty cell", Native.mtdb_block_add_text(builder, IntPtr.Zero, 0, out error), error);
            Ok("row", Native.mtdb_block_end_row(builder, out error), error);
            var status = Native.mtdb_block_copy(builder, IntPtr.Zero, 0, out var needed, out error);
            Equal("size", Take(status, error).Status, Native.MTDB_TRUNCATED);
            var block = new byte[needed];
            fixed (byte* at = block)
                Ok("copy", Native.mtdb_block_copy(builder, (IntPtr)at, block.Length, out needed, out error), error);
            return block;
        }
    }

    private static void Texts(Handle conn) {
        const string sql = "SELECT ?1, length(CAST(?1 AS BLOB)), ?2, typeof(?2)";
        using (var result = Query(conn, sql, Parameters(), Handle.None)) {
            var block = Rows(result);
            Equal("one row", block.Rows, 1);
            var row = new[] { block.Value(0, 0), block.Value(0, 1), block.Value(0, 2), block.Value(0, 3) };
            Equal("round trip", row, new object[] { Tricky, 7L, "", "text" });
        }
    }

    private static void Blocks(Handle conn) {
        const string sql = "SELECT 42 AS i, 1.5 AS d, 'gr\u00fcn \ud83d\ude00' AS \"t\ud83d\ude00\", NULL AS n,"
            + " 7 AS mixed, x'00ff' AS b UNION ALL SELECT -9223372036854775808, -0.25, '', NULL, 'seven', NULL";
        using (var result = Query(conn, sql, null, Handle.None)) {
            var name = new byte[64];
            long used;
            fixed (byte* at = name)
                Ok("name", Native.mtdb_result_column_name(result, 2, (IntPtr)at, 64, out used, out var error), error);
            Equal("column name", Encoding.UTF8.GetString(name, 0, (int)used), "t\ud83d\ude00");
            Equal("block too small", Fetch(result, new byte[40], out used).Status, Native.MTDB_TRUNCATED);
            Equal("its need", used > 40, true);
            var block = Rows(result);
            Equal("shape", new[] { block.Columns, block.Rows }, new[] { 6, 2 });
            var types = new int[6];
            object[] first = new object[6], second = new object[6];
            for (var column = 0; column < 6; column++) {
                types[column] = block.Type(column);
                first[column] = block.Value(0, column);
                second[column] = block.Value(1, column);
            }
            Equal("types", types, new[] { Native.MTDB_TYPE_INT64, Native.MTDB_TYPE_DOUBLE, Native.MTDB_TYPE_TEXT,
                Native.MTDB_TYPE_NULL, Native.MTDB_TYPE_VARIANT, Native.MTDB_TYPE_BYTES });
            Equal("first row", first,
                new object[] { 42L, 1.5, "gr\u00fcn \ud83d\ude00", null, 7L, new byte[] { 0, 255 } });
            Equal("second row", second, new object[] { long.MinValue, -0.25, "", null, "seven", null });
        }
    }

    private static void Cancels(Handle conn) {
        Ok("token", Native.mtdb_cancel_new(out var made, out var error), error);
        using (var token = new Handle(made, Native.mtdb_cancel_release)) {
            var canceller = new Thread(() => {
                Thread.Sleep(200);
                Native.mtdb_cancel_trigger(token, 0, out _);
            });
            var clock = Stopwatch.StartNew();
            canceller.Start();
            var outcome = Take(Run(conn, Endless, null, token, out made, out error), error);
            using (var result = new Handle(made, Native.mtdb_result_release)) {
                if (outcome.Status == Native.MTDB_OK) outcome = Fetch(result, new byte[65536], out _);
            }
            canceller.Join();
            Equal("cancelled", outcome.Status, Native.MTDB_CANCELLED);
            Equal("in time", clock.ElapsedMilliseconds < 20000, true);
            Ok("reset", Native.mtdb_cancel_reset(token, out var generation, out error), error);
            Equal("generation", generation, 2L);
            Equal("late trigger", Native.mtdb_cancel_trigger(token, 1, out error), Native.MTDB_DONE);
            using (var result = Query(conn, "SELECT 5", null, token)) Equal("next query", Rows(result).Value(0, 0), 5L);
        }
    }

    private static void WrongOrder(string folder) {
        var db = Open(folder);
        var conn = Lease(db);
        var result = Query(conn, "SELECT 1 UNION ALL SELECT 2", null, Handle.None);
        db.Dispose();
        conn.Dispose();
        var block = Rows(result);
        Equal("rows outlive their parents", new[] { block.Rows, block.Value(1, 0) }, new object[] { 2, 2L });
        result.Dispose();
        Native.mtdb_result_release(IntPtr.Zero);
    }

    private static void RunAll(string folder) {
        Version();
        using (var db = Open(folder)) {
            var id = Utf8(Tenant);
            IntPtr error;
            fixed (byte* at = id) {
                var made = Native.mtdb_tenant_create(db, (IntPtr)at, id.Length, Forever, Handle.None, out error);
                Ok("create", made, error);
            }
            using (var conn = Lease(db)) {
                Errors(db, conn);
                Texts(conn);
                Blocks(conn);
                Cancels(conn);
                WrongOrder(folder);

                Ok("give back", Native.mtdb_conn_close(conn, out error), error);
                var status = Native.mtdb_db_close(db, Native.MTDB_DEFAULT, Handle.None, out var forced, out error);
                Ok("close", status, error);
                Equal("forced", forced, 0L);
                status = Run(conn, "SELECT 1", null, Handle.None, out _, out error);
                Equal("use after close", Take(status, error).Status, Native.MTDB_CLOSED);
            }
        }
    }

    private static int Main() {
        var folder = Path.Combine(Path.GetTempPath(), "mtdb-csharp-smoke-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try {
            RunAll(folder);
        } finally {
            Directory.Delete(folder, true);
        }
        Console.WriteLine("{0} passed, {1} failed", passed, failed);
        return failed > 0 ? 1 : 0;
    }
}
