// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Status;
import dev.mtdb.Type;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The rows of one call: fetched as blocks into one buffer, which grows from 64 KiB to 1 MiB. Serves one thread at a
 * time.
 */
public final class Result implements AutoCloseable {
    private final Handle handle;
    private final Handle parent;
    private final Token token;
    private final Object owner;
    private ByteBuffer buffer;
    private Block block;
    private int row = -1;
    private boolean last;
    private boolean closed;
    private Thread reader;  // who was in the buffer last
    private boolean shared;  // others were too and may still be: no buffer becomes another result's; under this
    private long maxRows;
    private String[] names;
    private long before;  // rows in blocks before this one

    /**
     * Takes over a native result.
     *
     * @param parent the lease whose token it is, or null: nothing is fetched once that is closed
     * @param token what it was started with
     * @param owner for {@link Token#cancel}
     * @param atEnd runs once, when the result is closed and no call is in it; may be null
     */
    Result(long address, Handle parent, Token token, Object owner, Runnable atEnd) {
        handle = new Handle(address, result -> {
            Raw.mtdb_result_release(result);
            if (atEnd != null) atEnd.run();
        }, "result");
        this.parent = parent;
        this.token = token;
        this.owner = owner;
    }

    private Result(String[] names, List<Object[]> rows) {
        handle = null;
        parent = null;
        token = null;
        owner = null;
        last = true;
        this.names = names;
        byte[] block = Params.rows(rows);
        if (block == null) return;
        this.block = new Block(ByteBuffer.wrap(block).order(java.nio.ByteOrder.LITTLE_ENDIAN));
        this.block.read();
    }

    /** Rows that this layer makes itself. */
    public static Result of(String[] names, List<Object[]> rows) {
        return new Result(names, rows);
    }

    /** At most so many rows come in one block; 0: as many as fit. */
    public void maxRows(long rows) {
        maxRows = rows;
    }

    /** The first buffer has this many bytes; only before the first row. */
    public void buffer(int bytes) {
        buffer = ByteBuffer.allocateDirect(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        block = new Block(buffer);
    }

    /** On to the next row. */
    public boolean next() {
        if (closed) throw Errors.closed("result");
        if (reader != Thread.currentThread()) enterBuffer();
        if (block != null && ++row < block.rows()) return true;
        while (!last) {
            fetch();
            row = 0;
            if (block.rows() > 0) return true;
        }
        row = block == null ? 0 : block.rows();
        return false;
    }

    // Nobody reads before this has seen that thread, so a buffer that only one has seen may be used again.
    private synchronized void enterBuffer() {
        if (closed) throw Errors.closed("result");
        shared |= reader != null;
        reader = Thread.currentThread();
    }

    /** Whether the cursor stands on the first row of a block. */
    public boolean atBlockStart() {
        return row == 0 && onRow();
    }

    /** Whether the cursor stands on a row. */
    public boolean onRow() {
        return block != null && row >= 0 && row < block.rows();
    }

    /** The number of the present row, from 1; 0 when there is none. */
    public long rowNumber() {
        return onRow() ? before + row + 1 : 0;
    }

    private void fetch() {
        if (block == null) replace(Buffers.SMALL);
        else {
            before += block.rows();
            if (buffer.capacity() == Buffers.SMALL && block.rows() > 0) replace(Buffers.LARGE);
        }
        long[] rows = new long[1];
        long[] used = new long[1];
        int status = fetchOnce(rows, used);
        while (status == Raw.MTDB_TRUNCATED) {
            replace(Math.max(used[0], buffer.capacity() + 1L));
            status = fetchOnce(rows, used);
        }
        // What another status left in the buffer is no block of this result.
        if (status != Raw.MTDB_OK && status != Raw.MTDB_DONE) throw status == Raw.MTDB_NEEDS ? Database.unanswered()
            : Errors.sneaky(Errors.failure(Status.INTERNAL, "fetching rows came to status " + status));
        last = status == Raw.MTDB_DONE;
        block.read();
    }

    private int fetchOnce(long[] rows, long[] used) {
        if (parent != null) parent.enter();
        try {
            return fetchInParent(rows, used);
        } finally {
            if (parent != null) parent.leave();
        }
    }

    private int fetchInParent(long[] rows, long[] used) {
        long[] error = new long[1];
        long address = handle.enter();
        try {
            token.begin(owner);
            try {
                return Errors.check(Raw.mtdb_result_fetch(address, buffer, maxRows, rows, used, error), error);
            } finally {
                token.end();
            }
        } finally {
            handle.leave();
        }
    }

    private synchronized void replace(long size) {
        if (buffer != null && !shared) Buffers.give(buffer);
        buffer = Buffers.take(size);
        block = new Block(buffer);
    }

    /** The columns of the present block; null before the first row. */
    Block block() {
        return block;
    }

    /** The cursor's row in the block. */
    int row() {
        if (reader != Thread.currentThread()) enterBuffer();
        if (onRow() && !closed) return row;
        throw Errors.sneaky(Errors.failure(Status.INVALID_STATE,
            closed ? "the result is closed" : "the cursor stands on no row"));
    }

    // ---- what is known of the columns ----

    /** How many columns there are; 0 for a statement without rows. */
    public int columnCount() {
        if (handle == null) return names.length;
        if (block != null && block.columns() > 0) return block.columns();
        int[] count = new int[1];
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(Raw.mtdb_result_column_count(address, count, error), error);
            return count[0];
        } finally {
            handle.leave();
        }
    }

    /** The names of the columns; not to be changed. */
    public String[] columnNames() {
        if (names != null) return names;
        String[] read = new String[columnCount()];
        for (int i = 0; i < read.length; i++) read[i] = text(i, Raw::mtdb_result_column_name);
        names = read;
        return read;
    }

    /** A column's declared type, in the engine's words. */
    public String columnDeclared(int column) {
        return handle == null ? "" : text(column, Raw::mtdb_result_column_declared);
    }

    private String text(int column, Texts.ColumnCall call) {
        long address = handle.enter();
        try {
            return Texts.read((buf, needed, error) -> call.at(address, column, buf, needed, error));
        } finally {
            handle.leave();
        }
    }

    /** What is known of a column before its values: its type, and 1, 0 or -1 for nullable, not, unknown. */
    public Type columnType(int column, int[] nullable) {
        if (handle == null) {
            nullable[0] = -1;
            return Type.VARIANT;
        }
        int[] type = new int[1];
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(Raw.mtdb_result_column_type(address, column, type, nullable, error), error);
            return Type.of(type[0]);
        } finally {
            handle.leave();
        }
    }

    /** The type of a column in the present block; NULL without one. */
    public Type blockType(int column) {
        return block == null || block.columns() == 0 ? Type.NULL : Type.of(block.columnType(column));
    }

    // ---- what the statement did ----

    /** Rows that it changed. */
    public long affected() {
        return number(Raw::mtdb_result_affected);
    }

    /** The key that it generated, or 0. */
    public long insertId() {
        return number(Raw::mtdb_result_insert_id);
    }

    private long number(Texts.NumberCall call) {
        long[] number = new long[1];
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(call.at(address, number, error), error);
            return number[0];
        } finally {
            handle.leave();
        }
    }

    /** Whether it is closed. */
    public boolean closed() {
        return closed;
    }

    private synchronized void forget() {
        if (shared || (reader != null && reader != Thread.currentThread())) return;
        if (buffer != null) Buffers.give(buffer);
        buffer = null;
        block = null;
    }

    private synchronized boolean closesFirst() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    /**
     * Drops the rows that are left. Idempotent, from any thread: the buffer becomes another result's only when no other
     * thread can be reading in it.
     */
    @Override
    public void close() {
        if (!closesFirst()) return;
        long address = last ? 0 : handle.enterIfOpen();
        if (address != 0) {
            try {
                // A failure to drop rows concerns the lease, which says so itself.
                Raw.mtdb_result_close(address, null);
            } finally {
                handle.leave();
            }
        }
        if (handle != null) handle.close();
        forget();
    }
}
