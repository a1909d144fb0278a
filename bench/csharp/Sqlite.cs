// SPDX-License-Identifier: MIT

using System;
using System.Runtime.InteropServices;
using System.Text;

/// <summary>sqlite3 as one writes it by hand: a call of the library per row and cell.</summary>
internal sealed unsafe class Sqlite : IDisposable {
    private const int Row = 100;
    private readonly IntPtr db;

    internal Sqlite(string path) {
        Check(sqlite3_open(Encoding.UTF8.GetBytes(path + "\0"), out db));
    }

    internal Statement Prepare(string sql) {
        Check(sqlite3_prepare_v2(db, Encoding.UTF8.GetBytes(sql + "\0"), -1, out var statement, IntPtr.Zero));
        return new Statement(statement);
    }

    public void Dispose() => sqlite3_close(db);

    private static void Check(int code) {
        if (code != 0) throw new InvalidOperationException("sqlite3: " + code);
    }

    internal sealed class Statement : IDisposable {
        private readonly IntPtr statement;

        internal Statement(IntPtr statement) {
            this.statement = statement;
        }

        internal bool Step() => sqlite3_step(statement) == Row;

        internal long Int64(int column) => sqlite3_column_int64(statement, column);

        internal double Double(int column) => sqlite3_column_double(statement, column);

        internal string Text(int column) {
            var at = sqlite3_column_text(statement, column);
            return Encoding.UTF8.GetString(at, sqlite3_column_bytes(statement, column));
        }

        public void Dispose() => sqlite3_finalize(statement);
    }

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_open(byte[] path, out IntPtr db);

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_close(IntPtr db);

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_prepare_v2(IntPtr db, byte[] sql, int length, out IntPtr statement, IntPtr tail);

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_step(IntPtr statement);

    [DllImport("libsqlite3.so.0")]
    private static extern long sqlite3_column_int64(IntPtr statement, int column);

    [DllImport("libsqlite3.so.0")]
    private static extern double sqlite3_column_double(IntPtr statement, int column);

    [DllImport("libsqlite3.so.0")]
    private static extern byte* sqlite3_column_text(IntPtr statement, int column);

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_column_bytes(IntPtr statement, int column);

    [DllImport("libsqlite3.so.0")]
    private static extern int sqlite3_finalize(IntPtr statement);
}
