// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Database;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.Params;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * One tenant of a db: a value that any thread may use. Its statements each take a lease and give it back; several that
 * belong together go through {@link #transaction} or a {@link #lease}.
 */
public final class Tenant {
    private final Db owner;
    private final Database db;
    private final String id;
    private final byte[] utf8;
    private final long timeoutMs;

    Tenant(Db owner, String id, long timeoutMs) {
        this.owner = owner;
        this.db = owner.database();
        this.id = id;
        this.utf8 = Texts.utf8(id);
        this.timeoutMs = timeoutMs;
    }

    /**
     * The id.
     *
     * @return the id
     */
    public String id() {
        return id;
    }

    /**
     * The same tenant, with another limit on each call.
     *
     * @param timeout for all of a call, the reading of its rows included; null: the db's options
     * @return the tenant
     */
    public Tenant within(Duration timeout) {
        return new Tenant(owner, id, Timeouts.of(timeout));
    }

    private int waiting(Database.Waiting call) {
        return Database.done(db.waiting(db.handle(), timeoutMs, null, this, call));
    }

    /**
     * Creates the tenant: durable when this returns.
     *
     * @return this
     * @throws SQLException EXISTS, and as the errors table says
     */
    public Tenant create() throws SQLException {
        waiting((address, timeout, token, error) -> Raw.mtdb_tenant_create(address, utf8, timeout, token, error));
        return this;
    }

    /**
     * Whether the tenant exists.
     *
     * @return whether it does
     * @throws SQLException as the errors table says
     */
    public boolean exists() throws SQLException {
        int[] found = new int[1];
        waiting((address, timeout, token, error) -> Raw.mtdb_tenant_exists(address, utf8, found, error));
        return found[0] != 0;
    }

    /**
     * Opens and reads the tenant; never creates it.
     *
     * @throws SQLException TENANT_UNKNOWN, and as the errors table says
     */
    public void ping() throws SQLException {
        waiting((address, timeout, token, error) -> Raw.mtdb_db_ping(address, utf8, timeout, token, error));
    }

    /**
     * Copies the tenant to a new one: a consistent snapshot.
     *
     * @param target the new id
     * @return the new tenant
     * @throws SQLException as the errors table says
     */
    public Tenant copyTo(String target) throws SQLException {
        waiting((address, timeout, token, error) ->
            Raw.mtdb_tenant_copy(address, utf8, Texts.utf8(target), timeout, token, error));
        return new Tenant(owner, target, timeoutMs);
    }

    /**
     * Gives the tenant another id.
     *
     * @param target the new id
     * @return the tenant by its new id
     * @throws SQLException as the errors table says
     */
    public Tenant rename(String target) throws SQLException {
        waiting((address, timeout, token, error) ->
            Raw.mtdb_tenant_rename(address, utf8, Texts.utf8(target), timeout, token, error));
        return new Tenant(owner, target, timeoutMs);
    }

    /**
     * Drops the tenant with all its data.
     *
     * @throws SQLException BUSY while it is leased, and as the errors table says
     */
    public void drop() throws SQLException {
        waiting((address, timeout, token, error) -> Raw.mtdb_tenant_drop(address, utf8, timeout, token, error));
    }

    /** What new leases of a held tenant do. */
    public enum HoldMode {
        /** They wait for the end of the hold. */
        WAIT,
        /** They fail at once. */
        REFUSE
    }

    /**
     * Holds the tenant in this db: no new lease of it, and none out when this returns.
     *
     * @param mode what new leases do
     * @param cancelRunning whether running leases are ended at the timeout, or only waited for
     * @return close it to end the hold
     * @throws SQLException as the errors table says; then the tenant is not held
     */
    public Hold hold(HoldMode mode, boolean cancelRunning) throws SQLException {
        waiting((address, timeout, token, error) -> Raw.mtdb_tenant_hold(address, utf8, mode.ordinal(),
            cancelRunning ? 1 : 0, timeout, token, error));
        return new Hold(owner, utf8);
    }

    /**
     * Figures of the tenant since the db was opened.
     *
     * @return one for each name of the stats page of the docs
     * @throws SQLException when the db is closed
     */
    public List<Figure> stats() throws SQLException {
        return Figure.list(owner.result((address, out, error) ->
            Raw.mtdb_tenant_stats(address, utf8, out, error)));
    }

    /**
     * Runs one statement without rows.
     *
     * @param sql the statement
     * @param params one for each placeholder, as for {@link Lease}
     * @return the rows that it changed
     * @throws SQLException as the errors table says
     */
    public long exec(String sql, Object... params) throws SQLException {
        return db.exec(utf8, Texts.utf8(sql), Params.row(params), timeoutMs, null, this);
    }

    /**
     * Runs one statement once for each row of parameters, all in one transaction and one call.
     *
     * @param sql the statement
     * @param rows the parameters of each run
     * @return the rows that all of them changed
     * @throws SQLException as the errors table says; then nothing is changed
     */
    public long execRows(String sql, List<Object[]> rows) throws SQLException {
        if (rows.isEmpty()) return 0;
        return db.exec(utf8, Texts.utf8(sql), Params.rows(rows), timeoutMs, null, this);
    }

    /**
     * Runs one statement and reads its rows. Its lease goes back when they are read to the end, or closed.
     *
     * @param sql the statement
     * @param params one for each placeholder, as for {@link Lease}
     * @return the rows; close them
     * @throws SQLException as the errors table says
     */
    public Rows query(String sql, Object... params) throws SQLException {
        return new Rows(db.query(utf8, Texts.utf8(sql), Params.row(params), timeoutMs, this));
    }

    /**
     * Borrows a connection.
     *
     * @return the lease; close it
     * @throws SQLException as the errors table says
     */
    public Lease lease() throws SQLException {
        return lease(null);
    }

    /**
     * Borrows a connection.
     *
     * @param options may be null
     * @return the lease; close it
     * @throws SQLException as the errors table says
     */
    public Lease lease(LeaseOptions options) throws SQLException {
        return new Lease(db.acquire(id, options == null ? null : options.toMap(), timeoutMs));
    }

    /**
     * Does work in a transaction: commits when it returns, rolls back when it throws, and does it all again, with a
     * pause, when the failure is one that another try can cure and nothing was written.
     *
     * @param <T> what the work makes
     * @param <E> what else the work may throw
     * @param work the work
     * @return what the work made
     * @throws SQLException as the errors table says
     * @throws E what the work threw
     */
    public <T, E extends Exception> T transaction(Work<T, E> work) throws SQLException, E {
        return transaction(null, work);
    }

    /**
     * Does work in a transaction, as {@link #transaction(Work)}.
     *
     * @param <T> what the work makes
     * @param <E> what else the work may throw
     * @param options may be null
     * @param work the work
     * @return what the work made
     * @throws SQLException as the errors table says
     * @throws E what the work threw
     */
    public <T, E extends Exception> T transaction(TxOptions options, Work<T, E> work) throws SQLException, E {
        return Transactions.run(this, options, work);
    }

    Handle dbHandle() {
        return db.handle();
    }

    /** The id. */
    @Override
    public String toString() {
        return id;
    }
}
