// SPDX-License-Identifier: MIT

using System;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mtdb {
    /// <summary>One value of a block, by view, and its conversions: none loses anything without being asked
    /// to.</summary>
    internal readonly unsafe ref struct Cell {
        private readonly byte* at;
        private readonly int length;
        private readonly long slot;

        internal readonly MtdbType Type;

        internal Cell(MtdbType type, long slot, byte* at, int length) {
            Type = type;
            this.slot = slot;
            this.at = at;
            this.length = length;
        }

        internal bool IsNull => Type == MtdbType.Null;

        private double Real => BitConverter.Int64BitsToDouble(slot);

        internal object Value() {
            switch (Type) {
                case MtdbType.Null:
                    return null;
                case MtdbType.Boolean:
                    return slot != 0;
                case MtdbType.Int64:
                    return slot;
                case MtdbType.UInt64:
                    return unchecked((ulong)slot);
                case MtdbType.Single:
                    return (float)Real;
                case MtdbType.Double:
                    return Real;
                case MtdbType.Decimal:
                    return Decimal();
                case MtdbType.Date:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz:
                    return DateTime();
                case MtdbType.Time:
                    return Times.Span(slot);
                case MtdbType.Guid:
                    return Guid();
                case MtdbType.Interval:
                    return Interval();
                case MtdbType.Text:
                case MtdbType.Json:
                case MtdbType.Other:
                    return Utf8.Text(at, length);
                default:
                    return Bytes();
            }
        }

        /// <summary>Whole numbers; of dates their days, of times their microseconds.</summary>
        internal long Int64() {
            switch (Type) {
                case MtdbType.Boolean:
                case MtdbType.Int64:
                case MtdbType.Date:
                case MtdbType.Time:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz:
                    return slot;
                case MtdbType.UInt64:
                    if (slot < 0) throw new OverflowException("the number is beyond Int64");
                    return slot;
                case MtdbType.Double:
                case MtdbType.Single:
                    if (Math.Floor(Real) != Real) throw Cannot("Int64");
                    return checked((long)Real);
                case MtdbType.Decimal:
                case MtdbType.Text:
                    if (long.TryParse(Utf8.Text(at, length), NumberStyles.AllowLeadingSign,
                            CultureInfo.InvariantCulture, out var number))
                        return number;
                    throw Cannot("Int64");
                default:
                    throw Cannot("Int64");
            }
        }

        internal ulong UInt64() => Type == MtdbType.UInt64 ? unchecked((ulong)slot) : checked((ulong)Int64());

        internal bool Boolean() {
            if (Type == MtdbType.Boolean || Type == MtdbType.Int64 && (slot == 0 || slot == 1)) return slot != 0;
            throw Cannot("Boolean");
        }

        internal double Double() {
            switch (Type) {
                case MtdbType.Double:
                case MtdbType.Single:
                    return Real;
                case MtdbType.Int64:
                    return slot;
                case MtdbType.UInt64:
                    return unchecked((ulong)slot);
                case MtdbType.Decimal:
                case MtdbType.Text:
                    if (double.TryParse(Utf8.Text(at, length), NumberStyles.Float, CultureInfo.InvariantCulture,
                            out var number))
                        return number;
                    throw Cannot("Double");
                default:
                    throw Cannot("Double");
            }
        }

        /// <exception cref="OverflowException">The number has more digits than a decimal holds.</exception>
        internal decimal Decimal() {
            switch (Type) {
                case MtdbType.Int64:
                    return slot;
                case MtdbType.UInt64:
                    return unchecked((ulong)slot);
                case MtdbType.Double:
                case MtdbType.Single:
                    return (decimal)Real;
                case MtdbType.Decimal:
                case MtdbType.Text:
                    return Exact(Utf8.Text(at, length));
                default:
                    throw Cannot("Decimal");
            }
        }

        /// <summary>decimal.Parse rounds what it cannot hold: the digits must come back.</summary>
        private decimal Exact(string digits) {
            const NumberStyles plain = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
            if (!decimal.TryParse(digits, plain, CultureInfo.InvariantCulture, out var number)) {
                if (Type == MtdbType.Text) throw Cannot("Decimal");
                throw new OverflowException("a number that a decimal cannot hold: read it with GetString");
            }
            var shown = number.ToString(CultureInfo.InvariantCulture).TrimStart('-').TrimStart('0');
            if (shown != digits.TrimStart('-', '+').TrimStart('0'))
                throw new OverflowException("a number of more digits than a decimal holds: read it with GetString");
            return number;
        }

        internal string Text() {
            switch (Type) {
                case MtdbType.Text:
                case MtdbType.Json:
                case MtdbType.Other:
                case MtdbType.Decimal:
                    return Utf8.Text(at, length);
                case MtdbType.Null:
                case MtdbType.Bytes:
                    throw Cannot("String");
                case MtdbType.Double:
                    return Real.ToString("R", CultureInfo.InvariantCulture);
                case MtdbType.Single:
                    return ((float)Real).ToString("R", CultureInfo.InvariantCulture);
                default:
                    return Convert.ToString(Value(), CultureInfo.InvariantCulture);
            }
        }

        /// <summary>The bytes of a value that bytes carry, text in UTF-8.</summary>
        internal byte[] Bytes() {
            if (at == null) throw Cannot("Byte[]");
            var copy = new byte[length];
            if (length > 0) Marshal.Copy((IntPtr)at, copy, 0, length);
            return copy;
        }

        internal DateTime DateTime() {
            switch (Type) {
                case MtdbType.Date:
                    return Times.Day(slot);
                case MtdbType.Timestamp:
                    return Times.Time(slot, DateTimeKind.Unspecified);
                case MtdbType.TimestampTz:
                    return Times.Utc(slot);
                case MtdbType.Text:
                    return Times.Parse(Utf8.Text(at, length));
                default:
                    throw Cannot("DateTime");
            }
        }

        internal TimeSpan TimeSpan() {
            if (Type == MtdbType.Time) return Times.Span(slot);
            if (Type == MtdbType.Text) return Times.ParseSpan(Utf8.Text(at, length));
            throw Cannot("TimeSpan");
        }

        internal Guid Guid() {
            if (Type == MtdbType.Guid || Type == MtdbType.Bytes && length == 16) return Guids.Of(Bytes());
            if (Type == MtdbType.Text && System.Guid.TryParse(Utf8.Text(at, length), out var guid)) return guid;
            throw Cannot("Guid");
        }

        internal Interval Interval() {
            if (Type != MtdbType.Interval) throw Cannot("Interval");
            return new Interval(*(int*)at, *(int*)(at + 4), *(long*)(at + 8));
        }

        private InvalidCastException Cannot(string what) => IsNull
            ? new InvalidCastException("the value is NULL: ask IsNull first")
            : new InvalidCastException($"a {Type} is no {what}");
    }
}
