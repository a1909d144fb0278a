// SPDX-License-Identifier: MIT

using System;

namespace Mtdb {
    public sealed unsafe partial class Rows {
        /// <summary>A value under its own .NET type; null for SQL NULL.</summary>
        public object this[int column] => GetValue(column);

        /// <summary>A value by its column's name.</summary>
        public object this[string name] => GetValue(Ordinal(name));

        /// <summary>The type of a value; <see cref="MtdbType.Null"/> for SQL NULL.</summary>
        public MtdbType GetMtdbType(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Type;
        }

        /// <summary>Whether a value is SQL NULL.</summary>
        public bool IsNull(int column) => GetMtdbType(column) == MtdbType.Null;

        /// <summary>A value under its own .NET type; null for SQL NULL.</summary>
        public object GetValue(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Value();
        }

        /// <summary>A whole number; of a date its days, of a time its microseconds.</summary>
        public long GetInt64(int column) {
            var here = page;
            var at = row;
            fixed (byte* block = here.Bytes) {
                if ((uint)at >= (uint)here.Rows) throw NoRow();
                ref var one = ref here.Columns[column];
                if (one.Whole == MtdbType.Int64) return ((long*)(block + one.Data))[at];
                return At(here, block, at, column).Int64();
            }
        }

        /// <summary>A floating-point number.</summary>
        public double GetDouble(int column) {
            var here = page;
            var at = row;
            fixed (byte* block = here.Bytes) {
                if ((uint)at >= (uint)here.Rows) throw NoRow();
                ref var one = ref here.Columns[column];
                if (one.Whole == MtdbType.Double) return ((double*)(block + one.Data))[at];
                return At(here, block, at, column).Double();
            }
        }

        /// <summary>A text; numbers and times in their invariant form.</summary>
        public string GetString(int column) {
            var here = page;
            var at = row;
            fixed (byte* block = here.Bytes) {
                if ((uint)at >= (uint)here.Rows) throw NoRow();
                ref var one = ref here.Columns[column];
                if (one.Whole != MtdbType.Text) return At(here, block, at, column).Text();
                var ends = (int*)(block + one.Data) + at;
                int from = ends[0], length = ends[1] - from;
                Within(here, one.Heap, from, length);
                return Utf8.Text(block + one.Heap + from, length);
            }
        }

        /// <summary>A whole number of 32 bits.</summary>
        public int GetInt32(int column) => checked((int)GetInt64(column));

        /// <summary>A whole number without a sign.</summary>
        public ulong GetUInt64(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).UInt64();
        }

        /// <summary>A boolean, or the numbers 0 and 1.</summary>
        public bool GetBoolean(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Boolean();
        }

        /// <summary>A decimal number.</summary>
        /// <exception cref="OverflowException">It has more digits than a decimal holds.</exception>
        public decimal GetDecimal(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Decimal();
        }

        /// <summary>The bytes of a value; of a text, its UTF-8.</summary>
        public byte[] GetBytes(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Bytes();
        }

        /// <summary>A date or time: of kind Utc where the column has a time zone, else of no kind.</summary>
        public DateTime GetDateTime(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).DateTime();
        }

        /// <summary>A time of day, or a duration.</summary>
        public TimeSpan GetTimeSpan(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).TimeSpan();
        }

        /// <summary>A UUID.</summary>
        public Guid GetGuid(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Guid();
        }

        /// <summary>A span of months, days and microseconds.</summary>
        public Interval GetInterval(int column) {
            var here = page;
            fixed (byte* block = here.Bytes) return At(here, block, row, column).Interval();
        }

        /// <summary>A value as a type of the caller's choice; SQL NULL as null, for types that have it.</summary>
        public T Get<T>(int column) => Conversion.To<T>(this, column);

        /// <summary>All values of the present row, in the order of the columns.</summary>
        public object[] ToArray() {
            var values = new object[ColumnCount];
            for (var column = 0; column < values.Length; column++) values[column] = GetValue(column);
            return values;
        }

        private Exception NoRow() => disposed
            ? new ObjectDisposedException(nameof(Rows))
            : (Exception)new InvalidOperationException("no row: call Read first");

        /// <summary>Offsets that another thread has written over lead nowhere.</summary>
        private static void Within(Page page, int heap, int from, int length) {
            if ((from | length) < 0 || (long)heap + from + length > page.Bytes.Length)
                throw new InvalidOperationException("the rows are read by another thread");
        }

        private Cell At(Page page, byte* block, int row, int column) {
            if ((uint)row >= (uint)page.Rows) throw NoRow();
            var here = page.Columns[column];
            if (here.Validity != 0 && (block[here.Validity + row / 8] >> (row % 8) & 1) == 0) return default;
            var data = block + here.Data;
            var heap = block + here.Heap;
            switch (here.Type) {
                case MtdbType.Null:
                    return default;
                case MtdbType.Boolean:
                    return new Cell(here.Type, ((sbyte*)data)[row], null, 0);
                case MtdbType.Date:
                    return new Cell(here.Type, ((int*)data)[row], null, 0);
                case MtdbType.Single:
                    return new Cell(here.Type, BitConverter.DoubleToInt64Bits(((float*)data)[row]), null, 0);
                case MtdbType.Int64:
                case MtdbType.UInt64:
                case MtdbType.Double:
                case MtdbType.Time:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz:
                    return new Cell(here.Type, ((long*)data)[row], null, 0);
                case MtdbType.Guid:
                case MtdbType.Interval:
                    return new Cell(here.Type, 0, data + 16 * row, 16);
                case MtdbType.Variant:
                    return Varying(page, here, data, row, heap);
                default: {
                    var ends = (int*)data + row;
                    int from = ends[0], length = ends[1] - from;
                    Within(page, here.Heap, from, length);
                    return new Cell(here.Type, 0, heap + from, length);
                }
            }
        }

        private static Cell Varying(Page page, in Column column, byte* data, int row, byte* heap) {
            var type = (MtdbType)((sbyte*)data)[row];
            var slot = ((long*)(data + (page.Rows + 7) / 8 * 8))[row];
            switch (type) {
                case MtdbType.Null:
                    return default;
                case MtdbType.Boolean:
                case MtdbType.Int64:
                case MtdbType.UInt64:
                case MtdbType.Single:
                case MtdbType.Double:
                case MtdbType.Date:
                case MtdbType.Time:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz:
                    return new Cell(type, slot, null, 0);
                default: {
                    int from = (int)(slot >> 32), length = (int)slot;
                    Within(page, column.Heap, from, length);
                    return new Cell(type, 0, heap + from, length);
                }
            }
        }
    }
}
