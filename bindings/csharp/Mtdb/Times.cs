// SPDX-License-Identifier: MIT

using System;
using System.Globalization;

namespace Mtdb {
    /// <summary>Days and microseconds since 1970 as .NET's dates and times, and back.</summary>
    internal static class Times {
        private const long TicksPerMicrosecond = 10;
        private static readonly DateTime epoch = new DateTime(1970, 1, 1);
        private static readonly DateTime epochUtc = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

        private static readonly string[] naive = {
            "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm", "yyyy-MM-dd"
        };

        private static readonly string[] zoned = {
            "yyyy-MM-dd HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd HH:mm:ss.FFFFFFF'Z'",
            "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"
        };

        internal static long Days(DateTime day) => (day.Date.Ticks - epoch.Ticks) / TimeSpan.TicksPerDay;

        internal static long Microseconds(DateTime time) => Floor(time.Ticks - epoch.Ticks);

        internal static long Microseconds(DateTimeOffset time) => Floor(time.UtcTicks - epoch.Ticks);

        internal static long Microseconds(TimeSpan time) => Floor(time.Ticks);

        /// <exception cref="OverflowException">.NET has no such day, as of an infinite date.</exception>
        internal static DateTime Day(long days) {
            var ticks = epoch.Ticks + Scaled(days, TimeSpan.TicksPerDay);
            if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks) throw Outside("date");
            return new DateTime(ticks, DateTimeKind.Unspecified);
        }

        internal static DateTime Time(long microseconds, DateTimeKind kind) {
            var ticks = Scaled(microseconds, TicksPerMicrosecond);
            if (ticks < -epoch.Ticks || ticks > DateTime.MaxValue.Ticks - epoch.Ticks) throw Outside("time");
            return new DateTime(epoch.Ticks + ticks, kind);
        }

        internal static TimeSpan Span(long microseconds) => new TimeSpan(Scaled(microseconds, TicksPerMicrosecond));

        /// <summary>The forms that SQLite's own functions read and write.</summary>
        internal static DateTime Parse(string text) {
            const DateTimeStyles asUtc = DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal;
            if (DateTime.TryParseExact(text, naive, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
                return time;
            if (DateTime.TryParseExact(text, zoned, CultureInfo.InvariantCulture, asUtc, out time)) return time;
            throw new InvalidCastException("the text is no date or time");
        }

        /// <summary>[-]HH:MM:SS[.ffffff], where the hours may be more than a day's.</summary>
        internal static TimeSpan ParseSpan(string text) {
            var negative = text.StartsWith("-", StringComparison.Ordinal);
            var parts = (negative ? text.Substring(1) : text).Split(':');
            const NumberStyles digits = NumberStyles.None;
            if (parts.Length != 3
                || !long.TryParse(parts[0], digits, CultureInfo.InvariantCulture, out var hours)
                || !long.TryParse(parts[1], digits, CultureInfo.InvariantCulture, out var minutes)
                || !decimal.TryParse(parts[2], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var seconds))
                throw new InvalidCastException("the text is no time");
            var ticks = (long)((hours * 3600 + minutes * 60 + seconds) * TimeSpan.TicksPerSecond);
            return new TimeSpan(negative ? -ticks : ticks);
        }

        internal static DateTimeOffset Offset(DateTime time) =>
            new DateTimeOffset(time.Kind == DateTimeKind.Utc ? time : DateTime.SpecifyKind(time, DateTimeKind.Utc));

        internal static DateTime Utc(long microseconds) => Time(microseconds, epochUtc.Kind);

        private static long Floor(long ticks) =>
            ticks >= 0 ? ticks / TicksPerMicrosecond : -((-ticks + TicksPerMicrosecond - 1) / TicksPerMicrosecond);

        private static long Scaled(long count, long ticks) {
            try {
                return checked(count * ticks);
            } catch (OverflowException) {
                throw Outside("time");
            }
        }

        private static OverflowException Outside(string what) =>
            new OverflowException($"a {what} that .NET cannot hold: read its number with GetInt64");
    }
}
