// SPDX-License-Identifier: MIT

using System;
using System.Collections;
using System.Data;
using System.Data.Common;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Mtdb.Data {
    /// <summary>Rows, read forward: from the library in blocks of thousands. On SQLite a column's type is that of the
    /// values in the present block; everywhere else it is known from the start.</summary>
    public sealed partial class MtdbDataReader : DbDataReader {
        private readonly Rows rows;
        private readonly MtdbConnection connection;
        private readonly CommandBehavior behavior;
        private readonly Cancellation cancellation;
        private readonly bool limited;
        private bool closed;
        private bool stepped;

        internal MtdbDataReader(Rows rows, MtdbConnection connection, CommandBehavior behavior,
            Cancellation cancellation) {
            this.rows = rows;
            this.connection = connection;
            this.behavior = behavior;
            limited = (behavior & (CommandBehavior.SchemaOnly | CommandBehavior.SingleRow)) != 0;
            this.cancellation = cancellation;
        }

        /// <summary>The rows behind the reader, for what ADO.NET has no call for.</summary>
        public Rows Rows => rows;

        /// <summary>0: rows do not nest.</summary>
        public override int Depth => 0;

        /// <summary>How many columns there are; 0 for a statement without rows.</summary>
        public override int FieldCount => Open().ColumnCount;

        /// <summary>Whether there is a row at all.</summary>
        public override bool HasRows => (behavior & CommandBehavior.SchemaOnly) == 0 && (Open().Peek() || stepped);

        /// <summary>Whether it was closed.</summary>
        public override bool IsClosed => closed;

        /// <summary>Rows changed; -1 for a statement that reads.</summary>
        public override int RecordsAffected {
            get {
                if (!closed) records = Changed();
                return records;
            }
        }

        private int records = -1;

        /// <summary>A connection that was closed first has nothing to tell.</summary>
        private int Changed() {
            try {
                var affected = rows.Affected;
                return affected == 0 && rows.ColumnCount > 0 ? -1 : (int)Math.Min(int.MaxValue, affected);
            } catch (ObjectDisposedException) {
                return -1;
            }
        }

        /// <summary>Moves to the next row.</summary>
        public override bool Read() {
            if (limited && ((behavior & CommandBehavior.SchemaOnly) != 0 || stepped)) return false;
            var found = Open().Read();
            stepped |= found;
            return found;
        }

        /// <summary>Moves to the next row; waits for the next block on another thread, until the token ends the
        /// statement.</summary>
        public override Task<bool> ReadAsync(CancellationToken cancellationToken) {
            if (cancellationToken.IsCancellationRequested) return Task.FromCanceled<bool>(cancellationToken);
            if (Open().HasNext) return Task.FromResult(Read());
            return Task.Run(() => Read(cancellationToken), cancellationToken);
        }

        private bool Read(CancellationToken token) {
            try {
                using (token.Register(cancellation.Trigger)) return Read();
            } catch (OperationCanceledException exception) when (token.IsCancellationRequested) {
                throw new OperationCanceledException(exception.Message, exception, token);
            }
        }

        /// <summary>Moves to the next result set of the same statement.</summary>
        public override bool NextResult() {
            stepped = false;
            return Open().NextSet();
        }

        /// <summary>Ends the reading; rows not read are dropped.</summary>
        public override void Close() {
            if (closed) return;
            records = Changed();
            closed = true;
            rows.Dispose();
            if ((behavior & CommandBehavior.CloseConnection) != 0) connection.Close();
        }

        /// <summary>Closes the reader.</summary>
        protected override void Dispose(bool disposing) {
            if (disposing) Close();
            base.Dispose(disposing);
        }

        /// <summary>The rows as records.</summary>
        public override IEnumerator GetEnumerator() => new DbEnumerator(this, false);

        /// <summary>A value; <see cref="DBNull"/> for SQL NULL.</summary>
        public override object this[int ordinal] => GetValue(ordinal);

        /// <summary>A value by its column's name.</summary>
        public override object this[string name] => GetValue(GetOrdinal(name));

        /// <summary>A value; <see cref="DBNull"/> for SQL NULL.</summary>
        public override object GetValue(int ordinal) => Open().GetValue(ordinal) ?? DBNull.Value;

        /// <summary>The values of the row.</summary>
        /// <returns>how many were written</returns>
        public override int GetValues(object[] values) {
            var count = Math.Min(values.Length, FieldCount);
            for (var ordinal = 0; ordinal < count; ordinal++) values[ordinal] = GetValue(ordinal);
            return count;
        }

        /// <summary>Whether a value is SQL NULL.</summary>
        public override bool IsDBNull(int ordinal) => Open().IsNull(ordinal);

        /// <summary>A boolean, or the numbers 0 and 1.</summary>
        public override bool GetBoolean(int ordinal) => Open().GetBoolean(ordinal);

        /// <summary>A whole number of 8 bits.</summary>
        public override byte GetByte(int ordinal) => checked((byte)Open().GetInt64(ordinal));

        /// <summary>A whole number of 16 bits.</summary>
        public override short GetInt16(int ordinal) => checked((short)Open().GetInt64(ordinal));

        /// <summary>A whole number of 32 bits.</summary>
        public override int GetInt32(int ordinal) => Open().GetInt32(ordinal);

        /// <summary>A whole number; of a date its days, of a time its microseconds.</summary>
        public override long GetInt64(int ordinal) => Open().GetInt64(ordinal);

        /// <summary>A floating-point number of 32 bits.</summary>
        public override float GetFloat(int ordinal) => (float)Open().GetDouble(ordinal);

        /// <summary>A floating-point number.</summary>
        public override double GetDouble(int ordinal) => Open().GetDouble(ordinal);

        /// <summary>A decimal number.</summary>
        public override decimal GetDecimal(int ordinal) => Open().GetDecimal(ordinal);

        /// <summary>A text; numbers and times in their invariant form.</summary>
        public override string GetString(int ordinal) => Open().GetString(ordinal);

        /// <summary>A text of one character.</summary>
        public override char GetChar(int ordinal) {
            var text = GetString(ordinal);
            return text.Length == 1 ? text[0] : throw new InvalidCastException("the text is not one character");
        }

        /// <summary>A UUID.</summary>
        public override Guid GetGuid(int ordinal) => Open().GetGuid(ordinal);

        /// <summary>A date or time.</summary>
        public override DateTime GetDateTime(int ordinal) => Open().GetDateTime(ordinal);

        /// <summary>A time of day, or a duration.</summary>
        public TimeSpan GetTimeSpan(int ordinal) => Open().GetTimeSpan(ordinal);

        /// <summary>A value as a type of the caller's choice.</summary>
        public override T GetFieldValue<T>(int ordinal) {
            if (typeof(T) == typeof(object)) return (T)GetValue(ordinal);
            if (typeof(T) == typeof(Stream)) return (T)(object)new MemoryStream(Open().GetBytes(ordinal), false);
            return Open().Get<T>(ordinal);
        }

        /// <summary>Copies a part of the bytes of a value.</summary>
        /// <returns>how many were copied; without a buffer, how many there are</returns>
        public override long GetBytes(int ordinal, long dataOffset, byte[] buffer, int bufferOffset, int length) =>
            Part(Open().GetBytes(ordinal), dataOffset, buffer, bufferOffset, length);

        /// <summary>Copies a part of the characters of a value.</summary>
        /// <returns>how many were copied; without a buffer, how many there are</returns>
        public override long GetChars(int ordinal, long dataOffset, char[] buffer, int bufferOffset, int length) =>
            Part(GetString(ordinal).ToCharArray(), dataOffset, buffer, bufferOffset, length);

        private static long Part<T>(T[] all, long offset, T[] buffer, int bufferOffset, int length) {
            if (buffer == null) return all.Length;
            if (offset < 0 || offset > all.Length) throw new ArgumentOutOfRangeException(nameof(offset));
            var count = Math.Min(Math.Min(length, buffer.Length - bufferOffset), all.Length - offset);
            Array.Copy(all, offset, buffer, bufferOffset, count);
            return count;
        }

        private Rows Open() => closed ? throw new InvalidOperationException("the reader is closed") : rows;
    }
}
