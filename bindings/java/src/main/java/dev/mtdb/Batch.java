// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.NativeLoader;
import dev.mtdb.internal.Params;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import java.sql.SQLException;

/** Different statements that run together: {@link Lease#exec(Batch)}. Bound to no lease. */
public final class Batch implements AutoCloseable {
    private final Handle handle;

    /**
     * Makes an empty batch.
     *
     * @throws SQLException when there is no memory
     */
    public Batch() throws SQLException {
        NativeLoader.load();
        long[] out = new long[1];
        long[] error = new long[1];
        Errors.check(Raw.mtdb_batch_new(out, error), error);
        handle = new Handle(out[0], Raw::mtdb_batch_release, "batch");
    }

    Handle handle() {
        return handle;
    }

    /**
     * Adds a statement.
     *
     * @param sql one statement
     * @param params one for each placeholder
     * @return this
     * @throws SQLException as the errors table says
     */
    public Batch add(String sql, Object... params) throws SQLException {
        long[] error = new long[1];
        byte[] block = Params.row(params);
        long address = handle.enter();
        try {
            Errors.check(Raw.mtdb_batch_add(address, Texts.utf8(sql), block, error), error);
        } finally {
            handle.leave();
        }
        return this;
    }

    /**
     * Forgets all statements.
     *
     * @return this
     * @throws SQLException when it is closed
     */
    public Batch clear() throws SQLException {
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(Raw.mtdb_batch_clear(address, error), error);
        } finally {
            handle.leave();
        }
        return this;
    }

    /** Frees it. Idempotent. */
    @Override
    public void close() {
        handle.close();
    }
}
