// SPDX-License-Identifier: MIT

using System;

namespace Mtdb {
    /// <summary>The present row of <see cref="Rows"/>, by view: copy what you keep with <see
    /// cref="ToArray"/>.</summary>
    /// <exception cref="InvalidOperationException">The rows have moved on.</exception>
    public readonly struct Row {
        private readonly Rows rows;
        private readonly int block;
        private readonly int position;

        internal Row(Rows rows) {
            this.rows = rows;
            block = rows.Block;
            position = rows.Position;
        }

        private Rows Here => rows != null && rows.Block == block && rows.Position == position
            ? rows
            : throw new InvalidOperationException("the rows have moved on: copy what you keep");

        /// <summary>A value under its own .NET type; null for SQL NULL.</summary>
        public object this[int column] => Here.GetValue(column);

        /// <summary>A value by its column's name.</summary>
        public object this[string name] => Here[name];

        /// <summary>Whether a value is SQL NULL.</summary>
        public bool IsNull(int column) => Here.IsNull(column);

        /// <summary>A value as a type of the caller's choice; SQL NULL as null, for types that have it.</summary>
        public T Get<T>(int column) => Here.Get<T>(column);

        /// <summary>A value by its column's name, as a type of the caller's choice.</summary>
        public T Get<T>(string name) => Here.Get<T>(Here.Ordinal(name));

        /// <summary>A whole number; of a date its days, of a time its microseconds.</summary>
        public long GetInt64(int column) => Here.GetInt64(column);

        /// <summary>A floating-point number.</summary>
        public double GetDouble(int column) => Here.GetDouble(column);

        /// <summary>A text; numbers and times in their invariant form.</summary>
        public string GetString(int column) => Here.GetString(column);

        /// <summary>All values of the row.</summary>
        public object[] ToArray() => Here.ToArray();
    }

    /// <summary>From a value to the type that a caller names.</summary>
    internal static class Conversion {
        internal static T To<T>(Rows rows, int column) {
            var type = typeof(T);
            if (rows.IsNull(column)) {
                if (default(T) == null) return default;
                throw new InvalidCastException($"the value of column {column} is NULL, which a {type.Name} is not");
            }
            return (T)As(rows, column, Nullable.GetUnderlyingType(type) ?? type);
        }

        private static object As(Rows rows, int column, Type type) {
            if (type == typeof(object)) return rows.GetValue(column);
            if (type == typeof(Guid)) return rows.GetGuid(column);
            if (type == typeof(TimeSpan)) return rows.GetTimeSpan(column);
            if (type == typeof(DateTimeOffset)) return Times.Offset(rows.GetDateTime(column));
            if (type == typeof(Interval)) return rows.GetInterval(column);
            if (type == typeof(byte[])) return rows.GetBytes(column);
            if (type.IsEnum) return Enum.ToObject(type, rows.GetInt64(column));
            switch (Type.GetTypeCode(type)) {
                case TypeCode.Boolean: return rows.GetBoolean(column);
                case TypeCode.Byte: return checked((byte)rows.GetInt64(column));
                case TypeCode.SByte: return checked((sbyte)rows.GetInt64(column));
                case TypeCode.Int16: return checked((short)rows.GetInt64(column));
                case TypeCode.UInt16: return checked((ushort)rows.GetInt64(column));
                case TypeCode.Int32: return rows.GetInt32(column);
                case TypeCode.UInt32: return checked((uint)rows.GetInt64(column));
                case TypeCode.Int64: return rows.GetInt64(column);
                case TypeCode.UInt64: return rows.GetUInt64(column);
                case TypeCode.Single: return (float)rows.GetDouble(column);
                case TypeCode.Double: return rows.GetDouble(column);
                case TypeCode.Decimal: return rows.GetDecimal(column);
                case TypeCode.DateTime: return rows.GetDateTime(column);
                case TypeCode.String: return rows.GetString(column);
                default: throw new InvalidCastException($"no value becomes a {type.Name}");
            }
        }
    }
}
