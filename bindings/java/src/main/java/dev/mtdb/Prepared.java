// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Params;
import dev.mtdb.internal.Stmt;
import java.sql.SQLException;
import java.util.List;

/** A prepared statement of a lease. Parameters count from 1, or go by name. */
public final class Prepared implements AutoCloseable {
    private final Lease lease;
    private final Stmt stmt;

    Prepared(Lease lease, Stmt stmt) {
        this.lease = lease;
        this.stmt = stmt;
    }

    /**
     * How many parameters it has.
     *
     * @return the highest index
     * @throws SQLException when it is closed
     */
    public int parameterCount() throws SQLException {
        return stmt.parameterCount();
    }

    /**
     * Binds one parameter; what is not bound is NULL.
     *
     * @param index from 1
     * @param value as for {@link Lease#query}
     * @return this
     * @throws SQLException as the errors table says
     */
    public Prepared bind(int index, Object value) throws SQLException {
        stmt.bind(index, value);
        return this;
    }

    /**
     * Binds one parameter by its name.
     *
     * @param name with or without its sigil
     * @param value as for {@link Lease#query}
     * @return this
     * @throws SQLException as the errors table says
     */
    public Prepared bind(String name, Object value) throws SQLException {
        return bind(stmt.parameterIndex(name), value);
    }

    /**
     * Binds many rows: the next run does them all, in one transaction, and returns no rows.
     *
     * @param rows the parameters of each
     * @return this
     * @throws SQLException as the errors table says
     */
    public Prepared bindRows(List<Object[]> rows) throws SQLException {
        stmt.bind(Params.rows(rows));
        return this;
    }

    /**
     * Forgets what is bound.
     *
     * @return this
     * @throws SQLException as the errors table says
     */
    public Prepared clear() throws SQLException {
        stmt.bind(null);
        return this;
    }

    /**
     * Runs it.
     *
     * @return its rows, also where there are none; close them
     * @throws SQLException as the errors table says
     */
    public Rows run() throws SQLException {
        return new Rows(stmt.execute(lease.timeoutMs(), lease));
    }

    /**
     * Ends it. Idempotent.
     *
     * @throws SQLException never but in misuse
     */
    @Override
    public void close() throws SQLException {
        stmt.close();
    }
}
