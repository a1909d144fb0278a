// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Status;
import dev.mtdb.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Writes rows of parameters as one block, in Java: no call of the library is made for a cell. */
public final class Params {
    private static final int HEADER = 32;
    private static final int ENTRY = 32;
    private static final Object[] NONE = {};

    private Params() {}

    /** One row as a block; null for no parameters. */
    public static byte[] row(Object... values) {
        Object[] row = values == null ? NONE : values;
        if (row.length == 0) return null;
        Cells[] columns = new Cells[row.length];
        for (int i = 0; i < row.length; i++) {
            columns[i] = new Cells(1);
            columns[i].put(0, row[i]);
        }
        return block(columns, 1);
    }

    /** Many rows as a block. */
    public static byte[] rows(List<Object[]> rows) {
        int width = rows.isEmpty() ? 0 : rows.get(0).length;
        if (width == 0) return null;
        Cells[] columns = new Cells[width];
        for (int i = 0; i < width; i++) columns[i] = new Cells(rows.size());
        for (int row = 0; row < rows.size(); row++) {
            Object[] values = rows.get(row);
            if (values.length != width) throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT,
                "row " + (row + 1) + " has " + values.length + " parameters, the first has " + width));
            for (int i = 0; i < width; i++) columns[i].put(row, values[i]);
        }
        return block(columns, rows.size());
    }

    private static long padded(long size) {
        return size + 7 & ~7L;
    }

    private static long width(Type type) {
        switch (type) {
            case BOOL: return 1;
            case DATE: case FLOAT: return 4;
            case UUID: case INTERVAL: return 16;
            default: return 8;
        }
    }

    private static long dataSize(Type type, int rows) {
        if (type == Type.NULL) return 0;
        if (type == Type.VARIANT) return padded(rows) + 8L * rows;
        if (Cells.inHeap(type) && width(type) != 16) return padded(4L * (rows + 1));
        return padded(width(type) * rows);
    }

    private static boolean hasHeap(Type type) {
        return type == Type.VARIANT || (Cells.inHeap(type) && width(type) != 16);
    }

    private static boolean hasNulls(Cells cells, Type type) {
        return type != Type.NULL && (cells.mask & 1) != 0;
    }

    private static byte[] block(Cells[] columns, int rows) {
        long total = HEADER + (long) ENTRY * columns.length;
        for (Cells cells : columns) {
            Type type = cells.type();
            total += dataSize(type, rows) + (hasNulls(cells, type) ? padded((rows + 7) / 8) : 0)
                + (hasHeap(type) ? padded(cells.heap) : 0);
        }
        if (total > Integer.MAX_VALUE - 16)
            throw Errors.sneaky(Errors.failure(Status.LIMIT, "the parameters are beyond 2 GiB"));
        ByteBuffer out = ByteBuffer.wrap(new byte[(int) total]).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(0, Raw.MTDB_BLOCK_MAGIC).putInt(4, Raw.MTDB_BLOCK_VERSION);
        out.putInt(8, columns.length).putInt(12, rows).putLong(16, total);
        int at = HEADER + ENTRY * columns.length;
        for (int i = 0; i < columns.length; i++) at = putColumn(out, HEADER + ENTRY * i, at, columns[i], rows);
        return out.array();
    }

    private static int putColumn(ByteBuffer out, int entry, int begin, Cells cells, int rows) {
        Type type = cells.type();
        int at = begin;
        out.putInt(entry, type.ordinal());
        if (type == Type.NULL) return at;
        if (hasNulls(cells, type)) {
            out.putLong(entry + 8, at);
            for (int row = 0; row < rows; row++) {
                int bit = cells.types[row] != 0 ? 1 << (row & 7) : 0;
                out.put(at + row / 8, (byte) (out.get(at + row / 8) | bit));
            }
            at += (int) padded((rows + 7) / 8);
        }
        out.putLong(entry + 16, at);
        int data = at;
        at += (int) dataSize(type, rows);
        if (!hasHeap(type)) {
            for (int row = 0; row < rows; row++) putFixed(out, data, type, cells, row);
            return at;
        }
        out.putLong(entry + 24, at);
        if (type == Type.VARIANT) putVariants(out, data, at, cells, rows);
        else putTexts(out, data, at, cells, rows);
        return at + (int) padded(cells.heap);
    }

    private static void putFixed(ByteBuffer out, int data, Type type, Cells cells, int row) {
        switch (type) {
            case BOOL: out.put(data + row, (byte) cells.slots[row]); break;
            case DATE: out.putInt(data + 4 * row, (int) cells.slots[row]); break;
            case FLOAT: out.putFloat(data + 4 * row, (float) Double.longBitsToDouble(cells.slots[row])); break;
            case UUID: case INTERVAL:
                if (cells.texts[row] != null) out.put(data + 16 * row, cells.texts[row]);
                break;
            default: out.putLong(data + 8 * row, cells.slots[row]);
        }
    }

    private static void putTexts(ByteBuffer out, int data, int heap, Cells cells, int rows) {
        int end = 0;
        for (int row = 0; row < rows; row++) {
            out.putInt(data + 4 * row, end);
            byte[] text = cells.texts[row];
            if (text == null) continue;
            out.put(heap + end, text);
            end += text.length;
        }
        out.putInt(data + 4 * rows, end);
    }

    private static void putVariants(ByteBuffer out, int data, int heap, Cells cells, int rows) {
        int slots = data + (int) padded(rows);
        long end = 0;
        for (int row = 0; row < rows; row++) {
            out.put(data + row, cells.types[row]);
            byte[] text = cells.texts == null ? null : cells.texts[row];
            if (text == null) {
                out.putLong(slots + 8 * row, cells.slots[row]);
                continue;
            }
            out.put(heap + (int) end, text);
            out.putLong(slots + 8 * row, end << 32 | text.length);
            end += text.length;
        }
    }
}
