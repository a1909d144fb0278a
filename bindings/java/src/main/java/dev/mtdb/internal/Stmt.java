// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

/** A prepared statement of a lease. */
public final class Stmt implements AutoCloseable {
    private final Conn conn;
    private final Handle handle;

    Stmt(Conn conn, long address) {
        this.conn = conn;
        handle = new Handle(address, Raw::mtdb_stmt_release, "statement");
    }

    /** A call that does not wait. */
    public int call(Conn.Call call) {
        long[] error = new long[1];
        long address = handle.enter();
        try {
            return Errors.check(call.at(address, error), error);
        } finally {
            handle.leave();
        }
    }

    /** How many parameters it has. */
    public int parameterCount() {
        int[] count = new int[1];
        call((stmt, error) -> Raw.mtdb_stmt_parameter_count(stmt, count, error));
        return count[0];
    }

    /** The index of a named parameter, from 1. */
    public int parameterIndex(String name) {
        int[] index = new int[1];
        call((stmt, error) -> Raw.mtdb_stmt_parameter_index(stmt, Texts.utf8(name), index, error));
        return index[0];
    }

    /** Binds rows; null forgets what is bound. */
    public void bind(byte[] block) {
        if (block == null) call(Raw::mtdb_stmt_clear);
        else call((stmt, error) -> Raw.mtdb_stmt_bind_block(stmt, block, error));
    }

    /** Binds one value. */
    public void bind(int index, Object value) {
        Cells cell = new Cells(1);
        cell.put(0, value);
        int type = cell.types[0];
        byte[] bytes = cell.texts == null ? null : cell.texts[0];
        long slot = cell.slots[0];
        call((stmt, error) -> {
            if (type == Raw.MTDB_TYPE_NULL) return Raw.mtdb_stmt_bind_null(stmt, index, error);
            if (bytes != null) return Raw.mtdb_stmt_bind_typed(stmt, index, type, bytes, error);
            if (type == Raw.MTDB_TYPE_DOUBLE || type == Raw.MTDB_TYPE_FLOAT)
                return Raw.mtdb_stmt_bind_double(stmt, index, Double.longBitsToDouble(slot), error);
            return Raw.mtdb_stmt_bind_integer(stmt, index, type, slot, error);
        });
    }

    /** Runs it. */
    public Result execute(long timeoutMs, Object owner) {
        return conn.result(handle, timeoutMs, owner, (stmt, timeout, cancel, out, error) ->
            Raw.mtdb_stmt_execute(stmt, timeout, cancel, out, error));
    }

    /** Ends it. Idempotent. */
    @Override
    public void close() {
        long address = handle.enterIfOpen();
        if (address == 0) return;
        long[] error = new long[1];
        try {
            Errors.check(Raw.mtdb_stmt_close(address, error), error);
        } finally {
            handle.leave();
            handle.close();
        }
    }
}
