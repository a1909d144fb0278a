// SPDX-License-Identifier: MIT

using System;
using System.Collections;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The rows of a result, read forward. They come from the library in blocks of thousands; reading a value
    /// calls nothing. Dispose it, or read it in a <c>foreach</c>, which does. Serves one thread at a time.</summary>
    public sealed unsafe partial class Rows : IEnumerable<Row>, IDisposable {
        private const int Header = 32;
        private const int Entry = 32;
        private const int BufferFirst = 4 * 1024;
        private const int BufferMost = 1024 * 1024;
        private static readonly Task<bool> yes = Task.FromResult(true);

        private readonly ResultHandle result;
        private readonly Cancellation cancellation;
        private Page page = Page.None;
        private byte[] buffer;
        private string[] names;
        private int row = -1;
        private int busy;
        private bool ended;
        private volatile bool disposed;
        private int bufferBytes = BufferFirst;

        /// <summary>A block and where things are in it. Who reads it looks at one page from beginning to end, whatever
        /// another thread does meanwhile; its bytes are these rows' own, and never another result's.</summary>
        private sealed class Page {
            internal static readonly Page None = new Page(new byte[0], 0, new Column[0]);
            internal readonly byte[] Bytes;
            internal readonly int Rows;
            internal readonly Column[] Columns;

            internal Page(byte[] bytes, int rows, Column[] columns) {
                Bytes = bytes;
                Rows = rows;
                Columns = columns;
            }
        }

        /// <summary>Where the values of a column lie in the present block.</summary>
        private struct Column {
            internal MtdbType Type;
            /// <summary>The type, if no value is NULL; else Null.</summary>
            internal MtdbType Whole;
            internal int Validity;
            internal int Data;
            internal int Heap;
        }

        internal Rows(IntPtr result, Cancellation cancellation) {
            this.result = new ResultHandle(result);
            this.cancellation = cancellation;
        }

        /// <summary>A block that is there already; it has no result behind it.</summary>
        internal static Rows OfBlock(byte[] block, int rows) {
            var made = new Rows(IntPtr.Zero, null) { ended = true };
            made.Enter(block, rows);
            return made;
        }

        /// <summary>Whether something runs on behind the result that its end must wait for.</summary>
        internal bool Closes { get; set; }

        /// <summary>Called once when the rows are disposed.</summary>
        internal Action Ended { get; set; }

        /// <summary>Counts the blocks: a <see cref="Row"/> knows by it that its row has passed.</summary>
        internal int Block { get; private set; }

        internal int Position => row;

        /// <summary>Whether the next row is here already.</summary>
        internal bool HasNext => row + 1 < page.Rows;

        /// <summary>The first buffer's size in bytes; it grows while there is more to read. Set it before the first
        /// <see cref="Read"/>.</summary>
        public int BufferBytes {
            get => bufferBytes;
            set => bufferBytes = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
        }

        /// <summary>How many blocks were fetched.</summary>
        public int Blocks => Block;

        /// <summary>At most so many rows are fetched at a time; 0: as many as fit.</summary>
        public int BlockRowsMax { get; set; }

        /// <summary>How many columns there are; 0 for a statement without rows.</summary>
        public int ColumnCount {
            get {
                if (names != null) return names.Length;
                if (page.Columns.Length > 0) return page.Columns.Length;
                Failure.Check(Native.mtdb_result_column_count(result, out var count, out var error), error);
                return count;
            }
        }

        /// <summary>Rows that the statement changed; 0 for one that reads.</summary>
        public long Affected {
            get {
                Failure.Check(Native.mtdb_result_affected(result, out var affected, out var error), error);
                return affected;
            }
        }

        /// <summary>The key that the statement generated; 0 for none.</summary>
        public long InsertId {
            get {
                Failure.Check(Native.mtdb_result_insert_id(result, out var id, out var error), error);
                return id;
            }
        }

        /// <summary>A column's name.</summary>
        public string Name(int column) {
            Describe();
            return names[column];
        }

        /// <summary>The index of a column: its exact name, else the name in any case.</summary>
        /// <exception cref="IndexOutOfRangeException">There is no such column.</exception>
        public int Ordinal(string name) {
            Describe();
            var found = Array.IndexOf(names, name);
            if (found < 0)
                found = Array.FindIndex(names, other => string.Equals(other, name, StringComparison.OrdinalIgnoreCase));
            if (found < 0) throw new IndexOutOfRangeException($"no column '{name}'");
            return found;
        }

        /// <summary>A column's declared type in the engine's words; empty for an expression. It changes no
        /// value.</summary>
        public string Declared(int column) =>
            Utf8.Filled((IntPtr buf, long capacity, out long needed, out IntPtr error) =>
                Native.mtdb_result_column_declared(result, column, buf, capacity, out needed, out error));

        /// <summary>What is known of a column before its values: <see cref="MtdbType.Variant"/> where each value has a
        /// type of its own, as on SQLite.</summary>
        public MtdbType ColumnType(int column) => ColumnType(column, out _);

        internal MtdbType ColumnType(int column, out bool? nullable) {
            Failure.Check(Native.mtdb_result_column_type(result, column, out var type, out var may, out var error),
                error);
            nullable = may < 0 ? (bool?)null : may != 0;
            return (MtdbType)type;
        }

        /// <summary>A column's type in the block that the present row is in.</summary>
        public MtdbType BlockType(int column) => page.Columns[column].Type;

        /// <summary>Moves to the next row.</summary>
        /// <returns>false: there is none</returns>
        public bool Read() => ++row < page.Rows || NextBlock();

        /// <summary>As <see cref="Read"/>; waits for the next block on another thread.</summary>
        /// <param name="token">looked at before; what ends a running statement is the token it was started with</param>
        public Task<bool> ReadAsync(CancellationToken token = default) {
            if (token.IsCancellationRequested) return Task.FromCanceled<bool>(token);
            if (row + 1 >= page.Rows) return Task.Run(() => Read());
            row++;
            return yes;
        }

        /// <summary>Fetches the first rows, if that is not done, so that <see cref="BlockType"/> is known.</summary>
        /// <returns>whether there is a row ahead, or was one</returns>
        internal bool Peek() {
            while (page.Rows == 0 && !ended) Fetch();
            return page.Rows > 0;
        }

        internal bool IsLastBlock => ended;

        /// <summary>Moves to the next result set of the same call.</summary>
        public bool NextSet() {
            Throw(disposed);
            var status = Native.mtdb_result_next_set(result, out var error);
            Failure.Check(status, error, Token);
            row = -1;
            page = Page.None;
            ended = status == Native.MTDB_DONE;
            names = null;
            return !ended;
        }

        /// <summary>Ends the reading; rows not read are dropped. A wait for them on another thread ends, where they
        /// have a token.</summary>
        public void Dispose() {
            if (disposed) return;
            disposed = true;
            if (Volatile.Read(ref busy) != 0) cancellation?.Trigger();
            Finish();
            row = -1;
            if (Closes) Close();
            result.Dispose();
            cancellation?.Dispose();
            Ended?.Invoke();
        }

        private void Close() {
            Native.mtdb_result_close(result, out var error);
            Failure.Drop(error);
        }

        /// <summary>Reads what is left; disposes the rows at the end, or when the reading breaks off.</summary>
        public IEnumerator<Row> GetEnumerator() {
            using (this) {
                while (Read()) yield return new Row(this);
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private CancellationToken Token => cancellation == null ? default : cancellation.Token;

        private static void Throw(bool disposed) {
            if (disposed) throw new ObjectDisposedException(nameof(Rows));
        }

        private bool NextBlock() {
            Throw(disposed);
            row = 0;
            while (!ended) {
                Fetch();
                if (page.Rows > 0) return true;
            }
            Finish();
            return false;
        }

        private void Finish() {
            buffer = null;
            page = page.Columns.Length == 0 ? Page.None : new Page(Page.None.Bytes, 0, page.Columns);
        }

        /// <summary>One thread at a time; a second one is refused, as the library refuses it.</summary>
        private void Fetch() {
            if (Interlocked.Exchange(ref busy, 1) != 0)
                throw new InvalidOperationException("the rows are read by another thread");
            try {
                Throw(disposed);
                Fill();
            } finally {
                Volatile.Write(ref busy, 0);
            }
        }

        private void Fill() {
            var target = buffer;
            if (target == null) target = new byte[bufferBytes];
            else if (Block > 0 && BlockRowsMax == 0 && target.Length < BufferMost) target = new byte[target.Length * 4];
            while (true) {
                int status;
                long count, used;
                IntPtr error;
                fixed (byte* at = target)
                    status = Native.mtdb_result_fetch(result, (IntPtr)at, target.Length, BlockRowsMax, out count,
                        out used, out error);
                if (status == Native.MTDB_TRUNCATED) {
                    target = new byte[used];
                    continue;
                }
                if (status < 0) Finish();
                Failure.Check(status, error, Token);
                Throw(disposed);
                buffer = target;
                ended = status == Native.MTDB_DONE;
                Enter(target, (int)count);
                return;
            }
        }

        private void Enter(byte[] bytes, int count) {
            Block++;
            fixed (byte* block = bytes) {
                var columns = new Column[((int*)block)[2]];
                for (var column = 0; column < columns.Length; column++) {
                    var entry = block + Header + Entry * column;
                    var type = (MtdbType)(*(int*)entry);
                    var validity = (int)*(long*)(entry + 8);
                    columns[column] = new Column {
                        Type = type,
                        Whole = validity == 0 ? type : MtdbType.Null,
                        Validity = validity,
                        Data = (int)*(long*)(entry + 16),
                        Heap = (int)*(long*)(entry + 24)
                    };
                }
                page = new Page(bytes, count, columns);
            }
        }

        private void Describe() {
            if (names != null) return;
            Failure.Check(Native.mtdb_result_column_count(result, out var count, out var problem), problem);
            var described = new string[count];
            for (var column = 0; column < count; column++) {
                var index = column;
                described[column] = Utf8.Filled((IntPtr buf, long capacity, out long needed, out IntPtr error) =>
                    Native.mtdb_result_column_name(result, index, buf, capacity, out needed, out error));
            }
            names = described;
        }

        internal static Rows Of(int status, IntPtr result, IntPtr error, Wait wait) {
            Failure.Check(status, error, wait.Token);
            return new Rows(result, wait.Cancellation);
        }
    }
}
