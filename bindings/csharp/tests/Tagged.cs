// SPDX-License-Identifier: MIT

using System;
using System.Globalization;
using System.Linq;
using System.Text;
using Mtdb;

/// <summary>The vectors' tagged values: from their text, to a parameter, and of a value that was read.</summary>
internal static class Tagged {
    private static readonly string[] tags = {
        "null", "bool", "int64", "uint64", "float", "double", "decimal", "text", "bytes", "date", "time", "timestamp",
        "timestamptz", "uuid", "json", "interval", "variant", "other"
    };

    internal static string Tag(MtdbType type) => tags[(int)type];

    /// <summary>A value as a parameter of its exact type.</summary>
    internal static object Parameter(string tagged) {
        if (tagged == null) return null;
        var rest = tagged.Substring(tagged.IndexOf(':') + 1);
        var tag = tagged.Substring(0, tagged.IndexOf(':'));
        switch (tag) {
            case "text": return rest;
            case "text-hex": return Encoding.UTF8.GetString(Hex(rest));
            case "text-repeat": return Repeat(rest);
            case "bytes": return Hex(rest);
            case "bool": return rest == "1";
            case "int64": return long.Parse(rest, CultureInfo.InvariantCulture);
            case "uint64": return ulong.Parse(rest, CultureInfo.InvariantCulture);
            case "double": return Real(rest);
            case "float": return (float)Real(rest);
            case "uuid": return new Guid(rest);
            case "interval": {
                var parts = rest.Split(',').Select(part => long.Parse(part, CultureInfo.InvariantCulture)).ToArray();
                return new Interval((int)parts[0], (int)parts[1], parts[2]);
            }
            case "decimal":
            case "json":
            case "other":
                return Typed.Of((MtdbType)Array.IndexOf(tags, tag), rest);
            default:
                return Typed.Of((MtdbType)Array.IndexOf(tags, tag), long.Parse(rest, CultureInfo.InvariantCulture));
        }
    }

    /// <summary>A vector's value and a value that was read have the same words when they are equal.</summary>
    internal static string Words(string tagged) {
        if (tagged == null) return "null";
        var value = Parameter(tagged);
        var tag = tagged.Substring(0, tagged.IndexOf(':'));
        if (value is string text) return "text:" + Shown(Encoding.UTF8.GetBytes(text));
        if (value is byte[] bytes) return "bytes:" + Shown(bytes);
        if (value is double real) return Bits(real);
        if (value is float single) return "float:" + Bits(single);
        if (value is Guid guid) return "uuid:" + guid.ToString("N");
        if (value is Interval interval) return "interval:" + interval;
        return tag + ":" + tagged.Substring(tag.Length + 1);
    }

    internal static string Words(Rows rows, int column) {
        var type = rows.GetMtdbType(column);
        switch (type) {
            case MtdbType.Null: return "null";
            case MtdbType.Text: return "text:" + Shown(rows.GetBytes(column));
            case MtdbType.Bytes: return "bytes:" + Shown(rows.GetBytes(column));
            case MtdbType.Double: return Bits(rows.GetDouble(column));
            case MtdbType.Single: return "float:" + Bits((float)rows.GetDouble(column));
            case MtdbType.Guid: return "uuid:" + rows.GetGuid(column).ToString("N");
            case MtdbType.Interval: return "interval:" + rows.GetInterval(column);
            case MtdbType.Boolean: return "bool:" + (rows.GetBoolean(column) ? 1 : 0);
            case MtdbType.UInt64: return "uint64:" + rows.GetUInt64(column).ToString(CultureInfo.InvariantCulture);
            case MtdbType.Decimal:
            case MtdbType.Json:
            case MtdbType.Other:
                return Tag(type) + ":" + rows.GetString(column);
            default:
                return Tag(type) + ":" + rows.GetInt64(column).ToString(CultureInfo.InvariantCulture);
        }
    }

    internal static byte[] Hex(string digits) =>
        Enumerable.Range(0, digits.Length / 2).Select(i => Convert.ToByte(digits.Substring(2 * i, 2), 16)).ToArray();

    private static string Repeat(string rest) {
        var star = rest.IndexOf('*');
        var count = int.Parse(rest.Substring(0, star), CultureInfo.InvariantCulture);
        return new StringBuilder().Insert(0, rest.Substring(star + 1), count).ToString();
    }

    /// <summary>Mono's own parser is not exact to the last bit: the C library's is.</summary>
    private static double Real(string text) => strtod(text, IntPtr.Zero);

    [System.Runtime.InteropServices.DllImport("libc.so.6")]
    private static extern double strtod(
        [System.Runtime.InteropServices.MarshalAs(System.Runtime.InteropServices.UnmanagedType.LPStr)] string text,
        IntPtr end);

    private static string Bits(double value) => "double:" + BitConverter.DoubleToInt64Bits(value).ToString("x");

    private static string Shown(byte[] bytes) => bytes.Length <= 64
        ? BitConverter.ToString(bytes)
        : bytes.Length + " bytes, " + BitConverter.ToString(
            System.Security.Cryptography.SHA256.Create().ComputeHash(bytes));
}
