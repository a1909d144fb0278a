// SPDX-License-Identifier: MIT

import dev.mtdb.internal.Raw;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A row block as mtdb.h lays it out. */
final class Block {
    private static final int HEADER = 32;
    private static final int ENTRY = 32;

    private final ByteBuffer bytes;

    Block(ByteBuffer buffer) {
        bytes = buffer.order(ByteOrder.LITTLE_ENDIAN);
    }

    int columns() {
        return bytes.getInt(8);
    }

    int rows() {
        return bytes.getInt(12);
    }

    int type(int column) {
        return bytes.getInt(HEADER + ENTRY * column);
    }

    /** Null, a Long, a Double, a String, or a byte[]. */
    Object value(int row, int column) {
        int entry = HEADER + ENTRY * column;
        int validity = (int) bytes.getLong(entry + 8);
        int data = (int) bytes.getLong(entry + 16);
        int heap = (int) bytes.getLong(entry + 24);
        if (validity != 0 && (bytes.get(validity + row / 8) >> (row % 8) & 1) == 0) return null;
        switch (type(column)) {
            case Raw.MTDB_TYPE_VARIANT: {
                long slot = bytes.getLong(data + (rows() + 7) / 8 * 8 + 8 * row);
                return typed(bytes.get(data + row), slot, heap + (int) (slot >> 32), (int) slot);
            }
            case Raw.MTDB_TYPE_NULL:
                return null;
            case Raw.MTDB_TYPE_INT64:
            case Raw.MTDB_TYPE_DOUBLE:
                return typed(type(column), bytes.getLong(data + 8 * row), 0, 0);
            default: {
                int first = bytes.getInt(data + 4 * row);
                return typed(type(column), 0, heap + first, bytes.getInt(data + 4 * row + 4) - first);
            }
        }
    }

    private Object typed(int type, long slot, int offset, int length) {
        switch (type) {
            case Raw.MTDB_TYPE_NULL:
                return null;
            case Raw.MTDB_TYPE_INT64:
                return slot;
            case Raw.MTDB_TYPE_DOUBLE:
                return Double.longBitsToDouble(slot);
            case Raw.MTDB_TYPE_TEXT:
                return new String(copy(offset, length), StandardCharsets.UTF_8);
            case Raw.MTDB_TYPE_BYTES:
                return copy(offset, length);
            default:
                throw new IllegalStateException("type " + type + " is not decoded here");
        }
    }

    private byte[] copy(int offset, int length) {
        byte[] copied = new byte[length];
        bytes.get(offset, copied);
        return copied;
    }
}
