// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Text;

namespace Mtdb {
    /// <summary>Text on its way in and out of the library. Nothing is replaced: what is no text is an
    /// exception.</summary>
    internal static unsafe class Utf8 {
        private static readonly Encoding strict = new UTF8Encoding(false, true);
        private static readonly char[] breaks = { '\r', '\n' };

        /// <summary>The bytes of a text; none for null.</summary>
        internal static byte[] Bytes(string text) => text == null ? null : strict.GetBytes(text);

        internal static byte[] Required(string text, string name) {
            if (text == null) throw new ArgumentNullException(name);
            return strict.GetBytes(text);
        }

        /// <summary>A list of ids, a line each; null for none. Never of length 0, which the library takes for all
        /// tenants.</summary>
        internal static byte[] Lines(IEnumerable<string> ids, string name) {
            if (ids == null) return null;
            var text = new StringBuilder();
            foreach (var id in ids) {
                if (string.IsNullOrEmpty(id) || id.IndexOfAny(breaks) >= 0)
                    throw new ArgumentException("an id that is null, empty or of several lines", name);
                text.Append(id).Append('\n');
            }
            return strict.GetBytes(text.Length == 0 ? "\n" : text.ToString());
        }

        internal static int Length(byte[] bytes) => bytes == null ? 0 : bytes.Length;

        internal static string Text(byte* at, int length) {
            if (length == 0) return "";
            var text = new string('\0', length);
            fixed (char* to = text) {
                if (Widen(at, to, length)) return text;
            }
            return strict.GetString(at, length);
        }

        internal static string Text(byte[] bytes, int length) => strict.GetString(bytes, 0, length);

        /// <summary>Copies ASCII into a string that nobody has seen yet; false at the first other byte.</summary>
        private static bool Widen(byte* at, char* to, int length) {
            var index = 0;
            for (; index + 8 <= length; index += 8) {
                var eight = *(ulong*)(at + index);
                if ((eight & 0x8080808080808080UL) != 0) return false;
                *(ulong*)(to + index) = Spread((uint)eight);
                *(ulong*)(to + index + 4) = Spread((uint)(eight >> 32));
            }
            for (; index < length; index++) {
                if (at[index] >= 0x80) return false;
                to[index] = (char)at[index];
            }
            return true;
        }

        /// <summary>Four bytes as four characters.</summary>
        private static ulong Spread(uint four) {
            var wide = (four | ((ulong)four << 16)) & 0x0000ffff0000ffffUL;
            return (wide | (wide << 8)) & 0x00ff00ff00ff00ffUL;
        }

        internal delegate int Fill(IntPtr buffer, long capacity, out long needed, out IntPtr error);

        /// <summary>A text that a call writes to a buffer of the caller, however long it is.</summary>
        internal static string Filled(Fill fill) {
            var buffer = new byte[256];
            while (true) {
                int status;
                long needed;
                IntPtr error;
                fixed (byte* at = buffer) status = fill((IntPtr)at, buffer.Length, out needed, out error);
                if (status != Raw.Native.MTDB_TRUNCATED) {
                    Failure.Check(status, error);
                    return Text(buffer, (int)needed);
                }
                buffer = new byte[needed];
            }
        }
    }
}
