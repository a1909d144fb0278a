// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Batch;
import dev.mtdb.internal.Access;
import dev.mtdb.internal.Conn;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Result;

/** Runs a batch of different statements on a lease. */
final class Batches {
    private Batches() {}

    static Result run(Conn conn, Batch batch, long timeoutMs, Object owner) {
        Handle handle = Access.of(batch);
        long address = handle.enter();
        try {
            return conn.result(timeoutMs, owner, (lease, timeout, cancel, out, error) ->
                Raw.mtdb_conn_exec_batch(lease, address, timeout, cancel, out, error));
        } finally {
            handle.leave();
        }
    }
}
