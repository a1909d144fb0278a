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
            fixed (byte* block = buffer) return At(block, column).Type;
        }

        /// <summary>Whether a value is SQL NULL.</summary>
        public bool IsNull(int column) => GetMtdbType(column) == MtdbType.Null;

        /// <summary>A value under its own .NET type; null for SQL NULL.</summary>
        public object GetValue(int column) {
            fixed (byte* block = buffer) return At(block, column).Value();
        }

        /// <summary>A whole number; of a date its days, of a time its microseconds.</summary>
        public long GetInt64(int column) {
            fixed (byte* block = buffer) {
                ref var here = ref columns[column];
                if (here.Whole == MtdbType.Int64 && (uint)row < (uint)rows) return ((long*)(block + here.Data))[row];
                return At(block, column).Int64();
            }
        }

        /// <summary>A floating-point number.</summary>
        public double GetDouble(int column) {
            fixed (byte* block = buffer) {
                ref var here = ref columns[column];
                if (here.Whole == MtdbType.Double && (uint)row < (uint)rows) return ((double*)(block + here.Data))[row];
                return At(block, column).Double();
            }
        }

        /// <summary>A text; numbers and times in their invariant form.</summary>
        public string GetString(int column) {
            fixed (byte* block = buffer) {
                ref var here = ref columns[column];
                if (here.Whole == MtdbType.Text && (uint)row < (uint)rows) {
                    var ends = (int*)(block + here.Data) + row;
                    return Utf8.Text(block + here.Heap + ends[0], ends[1] - ends[0]);
                }
                return At(block, column).Text();
            }
        }

        /// <summary>A whole number of 32 bits.</summary>
        public int GetInt32(int column) => checked((int)GetInt64(column));

        /// <summary>A whole number without a sign.</summary>
        public ulong GetUInt64(int column) {
            fixed (byte* block = buffer) return At(block, column).UInt64();
        }

        /// <summary>A boolean, or the numbers 0 and 1.</summary>
        public bool GetBoolean(int column) {
            fixed (byte* block = buffer) return At(block, column).Boolean();
        }

        /// <summary>A decimal number.</summary>
        /// <exception cref="OverflowException">It has more digits than a decimal holds.</exception>
        public decimal GetDecimal(int column) {
            fixed (byte* block = buffer) return At(block, column).Decimal();
        }

        /// <summary>The bytes of a value; of a text, its UTF-8.</summary>
        public byte[] GetBytes(int column) {
            fixed (byte* block = buffer) return At(block, column).Bytes();
        }

        /// <summary>A date or time: of kind Utc where the column has a time zone, else of no kind.</summary>
        public DateTime GetDateTime(int column) {
            fixed (byte* block = buffer) return At(block, column).DateTime();
        }

        /// <summary>A time of day, or a duration.</summary>
        public TimeSpan GetTimeSpan(int column) {
            fixed (byte* block = buffer) return At(block, column).TimeSpan();
        }

        /// <summary>A UUID.</summary>
        public Guid GetGuid(int column) {
            fixed (byte* block = buffer) return At(block, column).Guid();
        }

        /// <summary>A span of months, days and microseconds.</summary>
        public Interval GetInterval(int column) {
            fixed (byte* block = buffer) return At(block, column).Interval();
        }

        /// <summary>A value as a type of the caller's choice; SQL NULL as null, for types that have it.</summary>
        public T Get<T>(int column) => Conversion.To<T>(this, column);

        /// <summary>All values of the present row, in the order of the columns.</summary>
        public object[] ToArray() {
            var values = new object[ColumnCount];
            for (var column = 0; column < values.Length; column++) values[column] = GetValue(column);
            return values;
        }

        private Cell At(byte* block, int column) {
            if ((uint)row >= (uint)rows) {
                Throw(disposed);
                throw new InvalidOperationException("no row: call Read first");
            }
            var here = columns[column];
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
                    return Varying(data, heap);
                default: {
                    var ends = (int*)data + row;
                    return new Cell(here.Type, 0, heap + ends[0], ends[1] - ends[0]);
                }
            }
        }

        private Cell Varying(byte* data, byte* heap) {
            var type = (MtdbType)((sbyte*)data)[row];
            var slot = ((long*)(data + (rows + 7) / 8 * 8))[row];
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
                default:
                    return new Cell(type, 0, heap + (slot >> 32), (int)slot);
            }
        }
    }
}
