// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Interval;
import dev.mtdb.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * A row block in its buffer: numbers are read where they lie, a column's text is brought to the heap when the first of
 * it is asked for, and becomes a String one by one.
 */
final class Block {
    private static final int HEADER = 32;
    private static final int ENTRY = 32;
    private static final int NULL = 0;
    private static final int BOOL = 1;
    private static final int DATE = 9;
    private static final int FLOAT = 4;
    private static final int UUID_TYPE = 13;
    private static final int INTERVAL = 15;
    private static final int VARIANT = 16;

    private final ByteBuffer bytes;
    private int rows;
    private int columns;
    private int[] types = {};
    private int[] validity = {};
    private int[] data = {};
    private int[] heaps = {};
    private byte[][] texts = {};

    Block(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** Takes what a fetch has just written. */
    void read() {
        columns = bytes.getInt(8);
        rows = bytes.getInt(12);
        if (types.length != columns) {
            types = new int[columns];
            validity = new int[columns];
            data = new int[columns];
            heaps = new int[columns];
            texts = new byte[columns][];
        }
        for (int i = 0, at = HEADER; i < columns; i++, at += ENTRY) {
            types[i] = bytes.getInt(at);
            validity[i] = (int) bytes.getLong(at + 8);
            data[i] = (int) bytes.getLong(at + 16);
            heaps[i] = (int) bytes.getLong(at + 24);
            texts[i] = null;
        }
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int columnType(int column) {
        return types[column];
    }

    /** The type of a value; NULL for SQL NULL. */
    int type(int row, int column) {
        int valid = validity[column];
        if (valid != 0 && (bytes.get(valid + (row >> 3)) >> (row & 7) & 1) == 0) return NULL;
        int type = types[column];
        return type == VARIANT ? bytes.get(data[column] + row) : type;
    }

    /** What an integer carries, or the bits of a double. */
    long slot(int row, int column) {
        int at = data[column];
        switch (types[column]) {
            case BOOL: return bytes.get(at + row);
            case DATE: return bytes.getInt(at + 4 * row);
            case FLOAT: return Double.doubleToRawLongBits(bytes.getFloat(at + 4 * row));
            case VARIANT: return bytes.getLong(at + (rows + 7 & ~7) + 8 * row);
            default: return bytes.getLong(at + 8 * row);
        }
    }

    /** Text as a String. */
    String text(int row, int column) {
        byte[] heap = heap(column);
        if (types[column] == VARIANT) {
            long slot = slot(row, column);
            return new String(heap, (int) (slot >>> 32), (int) slot, StandardCharsets.UTF_8);
        }
        int at = data[column] + 4 * row;
        int first = bytes.getInt(at);
        return new String(heap, first, bytes.getInt(at + 4) - first, StandardCharsets.UTF_8);
    }

    /** The bytes of a value that bytes carry. */
    byte[] bytes(int row, int column) {
        int first;
        int size;
        if (types[column] == VARIANT) {
            long slot = slot(row, column);
            first = heaps[column] + (int) (slot >>> 32);
            size = (int) slot;
        } else if (types[column] == UUID_TYPE || types[column] == INTERVAL) {
            first = data[column] + 16 * row;
            size = 16;
        } else {
            int at = data[column] + 4 * row;
            first = heaps[column] + bytes.getInt(at);
            size = bytes.getInt(at + 4) + heaps[column] - first;
        }
        byte[] copy = new byte[size];
        bytes.get(first, copy);
        return copy;
    }

    UUID uuid(int row, int column) {
        ByteBuffer value = ByteBuffer.wrap(bytes(row, column));
        return new UUID(value.getLong(), value.getLong());
    }

    Interval interval(int row, int column) {
        ByteBuffer value = ByteBuffer.wrap(bytes(row, column)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        return new Interval(value.getInt(), value.getInt(), value.getLong());
    }

    // A column's text, from its heap's begin to the end of its last value.
    private byte[] heap(int column) {
        byte[] heap = texts[column];
        if (heap != null) return heap;
        int size = 0;
        if (types[column] == VARIANT) {
            for (int row = 0; row < rows; row++) {
                if (!Cells.inHeap(Type.of(bytes.get(data[column] + row)))) continue;
                long slot = slot(row, column);
                size = Math.max(size, (int) (slot >>> 32) + (int) slot);
            }
        } else {
            size = bytes.getInt(data[column] + 4 * rows);
        }
        heap = new byte[size];
        if (size > 0) bytes.get(heaps[column], heap);
        texts[column] = heap;
        return heap;
    }
}
