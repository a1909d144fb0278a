// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Raw;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;

/** The pause of one tenant in one db. It lasts until it is closed, or the db is: forgetting it does not end it. */
public final class Hold implements AutoCloseable {
    private final Db db;
    private final byte[] tenant;
    private final AtomicBoolean ended = new AtomicBoolean();

    Hold(Db db, byte[] tenant) {
        this.db = db;
        this.tenant = tenant;
    }

    /**
     * Ends the hold: those who wait are let in at once. Idempotent.
     *
     * @throws SQLException as the errors table says
     */
    @Override
    public void close() throws SQLException {
        if (ended.compareAndSet(false, true))
            db.call((address, error) -> Raw.mtdb_tenant_resume(address, tenant, error));
    }
}
