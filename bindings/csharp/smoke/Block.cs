// SPDX-License-Identifier: MIT

using System;
using System.Text;
using Mtdb.Raw;

/// A row block as mtdb.h lays it out.
internal sealed class Block {
    private const int Header = 32;
    private const int Entry = 32;

    private readonly byte[] bytes;

    internal Block(byte[] bytes) {
        this.bytes = bytes;
    }

    internal int Columns => BitConverter.ToInt32(bytes, 8);
    internal int Rows => BitConverter.ToInt32(bytes, 12);
    internal int Type(int column) => BitConverter.ToInt32(bytes, Header + Entry * column);

    /// null, a long, a double, a string, or a byte[].
    internal object Value(int row, int column) {
        var entry = Header + Entry * column;
        var validity = (int)BitConverter.ToInt64(bytes, entry + 8);
        var data = (int)BitConverter.ToInt64(bytes, entry + 16);
        var heap = (int)BitConverter.ToInt64(bytes, entry + 24);
        if (validity != 0 && (bytes[validity + row / 8] >> (row % 8) & 1) == 0) return null;
        switch (Type(column)) {
            case Native.MTDB_TYPE_VARIANT: {
                var slot = BitConverter.ToInt64(bytes, data + (Rows + 7) / 8 * 8 + 8 * row);
                return Typed((sbyte)bytes[data + row], slot, heap + (int)(slot >> 32), (int)slot);
            }
            case Native.MTDB_TYPE_NULL:
                return null;
            case Native.MTDB_TYPE_INT64:
            case Native.MTDB_TYPE_DOUBLE:
                return Typed(Type(column), BitConverter.ToInt64(bytes, data + 8 * row), 0, 0);
            default: {
                var first = BitConverter.ToInt32(bytes, data + 4 * row);
                return Typed(Type(column), 0, heap + first, BitConverter.ToInt32(bytes, data + 4 * row + 4) - first);
            }
        }
    }

    private object Typed(int type, long slot, int offset, int length) {
        switch (type) {
            case Native.MTDB_TYPE_NULL:
                return null;
            case Native.MTDB_TYPE_INT64:
                return slot;
            case Native.MTDB_TYPE_DOUBLE:
                return BitConverter.Int64BitsToDouble(slot);
            case Native.MTDB_TYPE_TEXT:
                return Encoding.UTF8.GetString(bytes, offset, length);
            case Native.MTDB_TYPE_BYTES: {
                var copy = new byte[length];
                Buffer.BlockCopy(bytes, offset, copy, 0, length);
                return copy;
            }
            default:
                throw new InvalidOperationException("type " + type + " is not decoded here");
        }
    }
}
