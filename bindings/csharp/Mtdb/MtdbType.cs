// SPDX-License-Identifier: MIT

using System;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The type of a value. A column's type belongs to the block of rows that was fetched.</summary>
    public enum MtdbType {
        /// <summary>SQL NULL; of a column: all its values are.</summary>
        Null = Native.MTDB_TYPE_NULL,
        /// <summary><see cref="bool"/>.</summary>
        Boolean = Native.MTDB_TYPE_BOOL,
        /// <summary><see cref="long"/>.</summary>
        Int64 = Native.MTDB_TYPE_INT64,
        /// <summary><see cref="ulong"/>.</summary>
        UInt64 = Native.MTDB_TYPE_UINT64,
        /// <summary><see cref="float"/>.</summary>
        Single = Native.MTDB_TYPE_FLOAT,
        /// <summary><see cref="double"/>.</summary>
        Double = Native.MTDB_TYPE_DOUBLE,
        /// <summary><see cref="decimal"/> where it fits; its text always does.</summary>
        Decimal = Native.MTDB_TYPE_DECIMAL,
        /// <summary><see cref="string"/>.</summary>
        Text = Native.MTDB_TYPE_TEXT,
        /// <summary>An array of <see cref="byte"/>.</summary>
        Bytes = Native.MTDB_TYPE_BYTES,
        /// <summary><see cref="DateTime"/> at midnight; as a number, days since 1970-01-01.</summary>
        Date = Native.MTDB_TYPE_DATE,
        /// <summary><see cref="TimeSpan"/>; as a number, microseconds.</summary>
        Time = Native.MTDB_TYPE_TIME,
        /// <summary><see cref="DateTime"/> of no zone; as a number, microseconds since 1970.</summary>
        Timestamp = Native.MTDB_TYPE_TIMESTAMP,
        /// <summary><see cref="DateTime"/> in UTC; as a number, microseconds since 1970.</summary>
        TimestampTz = Native.MTDB_TYPE_TIMESTAMPTZ,
        /// <summary><see cref="System.Guid"/>.</summary>
        Guid = Native.MTDB_TYPE_UUID,
        /// <summary><see cref="string"/>.</summary>
        Json = Native.MTDB_TYPE_JSON,
        /// <summary><see cref="Mtdb.Interval"/>.</summary>
        Interval = Native.MTDB_TYPE_INTERVAL,
        /// <summary>Of a column only: its values differ in type within this block.</summary>
        Variant = Native.MTDB_TYPE_VARIANT,
        /// <summary><see cref="string"/>: the engine's text of a type of its own.</summary>
        Other = Native.MTDB_TYPE_OTHER
    }

    /// <summary>A span of months, days and microseconds, which do not convert into each other.</summary>
    public readonly struct Interval : IEquatable<Interval> {
        /// <summary>Makes a span of its three parts.</summary>
        public Interval(int months, int days, long microseconds) {
            Months = months;
            Days = days;
            Microseconds = microseconds;
        }

        /// <summary>Whole months.</summary>
        public int Months { get; }

        /// <summary>Whole days.</summary>
        public int Days { get; }

        /// <summary>Microseconds.</summary>
        public long Microseconds { get; }

        /// <summary>All three parts are equal.</summary>
        public bool Equals(Interval other) =>
            Months == other.Months && Days == other.Days && Microseconds == other.Microseconds;

        /// <summary>An interval with three equal parts.</summary>
        public override bool Equals(object other) => other is Interval interval && Equals(interval);

        /// <summary>Of all three parts.</summary>
        public override int GetHashCode() => (Months * 397 ^ Days) * 397 ^ Microseconds.GetHashCode();

        /// <summary>"M months D days U us".</summary>
        public override string ToString() => $"{Months} months {Days} days {Microseconds} us";
    }

    /// <summary>A parameter with a type of its own choice, where that of the .NET value is not meant: JSON, a decimal
    /// of any length, a count of days or microseconds.</summary>
    public sealed class Typed {
        private Typed(MtdbType type, object value) {
            Type = type;
            Value = value;
        }

        /// <summary>The type it is bound with.</summary>
        public MtdbType Type { get; }

        internal object Value { get; }

        /// <summary>A value under a type: a text for <see cref="MtdbType.Decimal"/>, <see cref="MtdbType.Text"/>,
        /// <see cref="MtdbType.Json"/> and <see cref="MtdbType.Other"/>, a number as <see cref="MtdbType"/> says for
        /// dates and times, else the type's own .NET type; null is SQL NULL.</summary>
        /// <exception cref="ArgumentException">The value does not fit the type.</exception>
        public static Typed Of(MtdbType type, object value) {
            var made = new Typed(type, value);
            Parameter.Check(made);
            return made;
        }

        /// <summary>A JSON text.</summary>
        public static Typed Json(string text) => Of(MtdbType.Json, text);

        /// <summary>A decimal number of any length, as text.</summary>
        public static Typed Decimal(string digits) => Of(MtdbType.Decimal, digits);

        /// <summary>The day of a <see cref="DateTime"/>.</summary>
        public static Typed Date(DateTime day) => Of(MtdbType.Date, Times.Days(day));
    }
}
