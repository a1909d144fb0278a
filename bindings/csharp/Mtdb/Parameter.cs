// SPDX-License-Identifier: MIT

using System;
using System.Globalization;

namespace Mtdb {
    /// <summary>One value on its way to the library: a type, and an integer, the bits of a double, or bytes.</summary>
    internal readonly struct Parameter {
        internal readonly MtdbType Type;
        internal readonly long Slot;
        internal readonly byte[] Bytes;

        private Parameter(MtdbType type, long slot, byte[] bytes) {
            Type = type;
            Slot = slot;
            Bytes = bytes;
        }

        private static Parameter Number(MtdbType type, long slot) => new Parameter(type, slot, null);

        private static Parameter Of(MtdbType type, byte[] bytes) => new Parameter(type, 0, bytes);

        private static Parameter Real(MtdbType type, double value) =>
            new Parameter(type, BitConverter.DoubleToInt64Bits(value), null);

        /// <exception cref="ArgumentException">There is no type for such a value.</exception>
        internal static Parameter From(object value) {
            if (value == null || value is DBNull) return default;
            if (value is string text) return Of(MtdbType.Text, Utf8.Bytes(text));
            if (value is long large) return Number(MtdbType.Int64, large);
            if (value is int middle) return Number(MtdbType.Int64, middle);
            if (value is double real) return Real(MtdbType.Double, real);
            if (value is bool flag) return Number(MtdbType.Boolean, flag ? 1 : 0);
            if (value is byte[] bytes) return Of(MtdbType.Bytes, bytes);
            if (value is decimal digits)
                return Of(MtdbType.Decimal, Utf8.Bytes(digits.ToString(CultureInfo.InvariantCulture)));
            if (value is DateTime time) return FromTime(time);
            if (value is Typed typed) return From(typed);
            if (value is Enum choice)
                return From(Convert.ChangeType(choice, Enum.GetUnderlyingType(choice.GetType())));
            return FromRare(value);
        }

        private static Parameter FromRare(object value) {
            if (value is short small) return Number(MtdbType.Int64, small);
            if (value is byte tiny) return Number(MtdbType.Int64, tiny);
            if (value is sbyte signed) return Number(MtdbType.Int64, signed);
            if (value is ushort unsigned) return Number(MtdbType.Int64, unsigned);
            if (value is uint number) return Number(MtdbType.Int64, number);
            if (value is ulong large) return Number(MtdbType.UInt64, unchecked((long)large));
            if (value is float real) return Real(MtdbType.Single, real);
            if (value is char letter) return Of(MtdbType.Text, Utf8.Bytes(letter.ToString()));
            if (value is Guid guid) return Of(MtdbType.Guid, Guids.Bytes(guid));
            if (value is DateTimeOffset moment) return Number(MtdbType.TimestampTz, Times.Microseconds(moment));
            if (value is TimeSpan time) return Number(MtdbType.Time, Times.Microseconds(time));
            if (value is Interval interval) return Of(MtdbType.Interval, Packed(interval));
            throw new ArgumentException($"a {value.GetType()} is no value for a parameter");
        }

        /// <summary>A time of UTC or of here is a moment; any other is what a clock showed somewhere.</summary>
        private static Parameter FromTime(DateTime time) {
            if (time.Kind == DateTimeKind.Unspecified)
                return Number(MtdbType.Timestamp, Times.Microseconds(time));
            return Number(MtdbType.TimestampTz, Times.Microseconds(time.ToUniversalTime()));
        }

        internal static void Check(Typed typed) => From(typed);

        private static Parameter From(Typed typed) {
            var value = typed.Value;
            if (value == null || value is DBNull) return default;
            switch (typed.Type) {
                case MtdbType.Decimal:
                case MtdbType.Text:
                case MtdbType.Json:
                case MtdbType.Other:
                    return Of(typed.Type, Utf8.Bytes(Convert.ToString(value, CultureInfo.InvariantCulture)));
                case MtdbType.Single:
                    return Real(typed.Type, Convert.ToSingle(value, CultureInfo.InvariantCulture));
                case MtdbType.Double:
                    return Real(typed.Type, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                case MtdbType.UInt64:
                    return Number(typed.Type, unchecked((long)Convert.ToUInt64(value, CultureInfo.InvariantCulture)));
                case MtdbType.Boolean:
                    return Number(typed.Type, Convert.ToBoolean(value, CultureInfo.InvariantCulture) ? 1 : 0);
                case MtdbType.Bytes:
                case MtdbType.Guid:
                case MtdbType.Interval: {
                    var own = From(value);
                    if (own.Type == typed.Type) return own;
                    break;
                }
                case MtdbType.Int64:
                case MtdbType.Date:
                case MtdbType.Time:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz:
                    return Number(typed.Type, Counted(typed.Type, value));
            }
            throw new ArgumentException($"a {value.GetType()} is no {typed.Type}");
        }

        /// <summary>Days or microseconds: a number as it is, a date or time converted.</summary>
        private static long Counted(MtdbType type, object value) {
            if (value is DateTime time) {
                if (type == MtdbType.Date) return Times.Days(time);
                return Times.Microseconds(type == MtdbType.TimestampTz ? time.ToUniversalTime() : time);
            }
            if (value is DateTimeOffset moment) return Times.Microseconds(moment);
            if (value is TimeSpan span) return Times.Microseconds(span);
            return Convert.ToInt64(value, CultureInfo.InvariantCulture);
        }

        private static byte[] Packed(Interval interval) {
            var bytes = new byte[16];
            Buffer.BlockCopy(BitConverter.GetBytes(interval.Months), 0, bytes, 0, 4);
            Buffer.BlockCopy(BitConverter.GetBytes(interval.Days), 0, bytes, 4, 4);
            Buffer.BlockCopy(BitConverter.GetBytes(interval.Microseconds), 0, bytes, 8, 8);
            return bytes;
        }
    }

    /// <summary>A Guid's bytes in the order that its text shows.</summary>
    internal static class Guids {
        private static readonly int[] order = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

        internal static byte[] Bytes(Guid guid) => Swapped(guid.ToByteArray());

        internal static Guid Of(byte[] bytes) => new Guid(Swapped(bytes));

        private static byte[] Swapped(byte[] bytes) {
            var swapped = new byte[16];
            for (var index = 0; index < 16; index++) swapped[index] = bytes[order[index]];
            return swapped;
        }
    }
}
