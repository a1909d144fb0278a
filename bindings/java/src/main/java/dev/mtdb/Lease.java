// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Conn;
import dev.mtdb.internal.Database;
import dev.mtdb.internal.Params;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * A connection that is borrowed for one tenant until it is closed. Serves one thread at a time; only {@link #cancel}
 * may come from another. Parameters are Java objects: numbers, String, byte[], boolean, java.time, UUID, or a
 * {@link Value} where the exact type matters.
 */
public final class Lease implements AutoCloseable {
    private final Conn conn;
    private long timeoutMs = Raw.MTDB_DEFAULT;

    Lease(Conn conn) {
        this.conn = conn;
    }

    Conn conn() {
        return conn;
    }

    long timeoutMs() {
        return timeoutMs;
    }

    /**
     * Sets how long each further call may take, the reading of its rows included.
     *
     * @param timeout null: the db's option; {@code ChronoUnit.FOREVER.getDuration()}: no end
     * @return this
     */
    public Lease within(Duration timeout) {
        timeoutMs = Timeouts.of(timeout);
        return this;
    }

    /**
     * The tenant that the lease is bound to.
     *
     * @return its id
     * @throws SQLException when the lease is closed
     */
    public String tenant() throws SQLException {
        return conn.tenant();
    }

    /**
     * Runs one statement without rows.
     *
     * @param sql the statement
     * @param params one for each placeholder
     * @return the rows that it changed
     * @throws SQLException as the errors table says
     */
    public long exec(String sql, Object... params) throws SQLException {
        return conn.exec(Texts.utf8(sql), Params.row(params), timeoutMs, this);
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
        return conn.exec(Texts.utf8(sql), Params.rows(rows), timeoutMs, this);
    }

    /**
     * Runs one statement and reads its rows.
     *
     * @param sql the statement
     * @param params one for each placeholder
     * @return the rows; close them
     * @throws SQLException as the errors table says
     */
    public Rows query(String sql, Object... params) throws SQLException {
        return new Rows(conn.query(Texts.utf8(sql), Params.row(params), timeoutMs, this));
    }

    /**
     * Prepares a statement, for a closer look at it or for parameters by name. For speed it is not needed: every
     * statement's compiled form is kept.
     *
     * @param sql one statement
     * @return the statement; close it
     * @throws SQLException as the errors table says
     */
    public Prepared prepare(String sql) throws SQLException {
        return new Prepared(this, conn.prepare(Texts.utf8(sql), timeoutMs, this));
    }

    /**
     * Runs a text of several statements, up to the first that fails. Each commits by itself unless a transaction is
     * open.
     *
     * @param text statements separated by semicolons
     * @return how many ran
     * @throws SQLException as the errors table says; its failure names statement, line and column
     */
    public long script(String text) throws SQLException {
        long[] ran = new long[1];
        conn.script(Texts.utf8(text), timeoutMs, this, ran);
        return ran[0];
    }

    /**
     * Runs different statements together, all or none; PostgreSQL gets them in one trip.
     *
     * @param batch the statements; it can be run again
     * @return a row per statement: statement (from 1), affected, insert_id
     * @throws SQLException as the errors table says; its failure names the statement
     */
    public Rows exec(Batch batch) throws SQLException {
        long address = batch.handle().enter();
        try {
            return new Rows(conn.result(timeoutMs, this, (lease, timeout, cancel, out, error) ->
                Raw.mtdb_conn_exec_batch(lease, address, timeout, cancel, out, error)));
        } finally {
            batch.handle().leave();
        }
    }

    /**
     * The key that the last INSERT generated.
     *
     * @return 0 when there was none
     * @throws SQLException when the lease is closed
     */
    public long insertId() throws SQLException {
        return conn.insertId();
    }

    /**
     * Begins a transaction.
     *
     * @param options may be null
     * @throws SQLException as the errors table says
     */
    public void begin(TxOptions options) throws SQLException {
        conn.begin(options == null ? null : options.toMap(), timeoutMs, this);
    }

    /**
     * Begins a transaction.
     *
     * @throws SQLException as the errors table says
     */
    public void begin() throws SQLException {
        begin(null);
    }

    /**
     * Commits.
     *
     * @throws SQLException as the errors table says; the failure's effect says what became of the transaction
     */
    public void commit() throws SQLException {
        conn.commit(timeoutMs, this);
    }

    /**
     * Rolls back; ends a lost transaction too.
     *
     * @throws SQLException as the errors table says
     */
    public void rollback() throws SQLException {
        conn.rollback();
    }

    /** What became of a transaction. */
    public enum TransactionState {
        /** There is none. */
        NONE,
        /** It is open. */
        OPEN,
        /** It ended behind the program's back: roll back. */
        LOST
    }

    /**
     * The state of the transaction.
     *
     * @return the state
     * @throws SQLException when the lease is closed
     */
    public TransactionState transactionState() throws SQLException {
        return TransactionState.values()[conn.txState()];
    }

    /**
     * Sets a savepoint.
     *
     * @param name letters, digits and _
     * @throws SQLException as the errors table says
     */
    public void savepoint(String name) throws SQLException {
        conn.call((lease, error) -> Raw.mtdb_tx_savepoint(lease, Texts.utf8(name), error));
    }

    /**
     * Undoes all behind a savepoint, which stays.
     *
     * @param name its name
     * @throws SQLException as the errors table says
     */
    public void rollbackTo(String name) throws SQLException {
        conn.call((lease, error) -> Raw.mtdb_tx_rollback_to(lease, Texts.utf8(name), error));
    }

    /**
     * Forgets a savepoint; what was done since stays.
     *
     * @param name its name
     * @throws SQLException as the errors table says
     */
    public void releaseSavepoint(String name) throws SQLException {
        conn.call((lease, error) -> Raw.mtdb_tx_release_savepoint(lease, Texts.utf8(name), error));
    }

    /**
     * Binds the lease to another tenant, as if it were given back and acquired anew.
     *
     * @param tenant its id
     * @throws SQLException as the errors table says
     */
    public void use(String tenant) throws SQLException {
        byte[] id = Texts.utf8(tenant);
        Database.done(conn.waiting(timeoutMs, this, (lease, timeout, cancel, error) ->
            Raw.mtdb_conn_use(lease, id, timeout, cancel, error)));
    }

    /**
     * Binds the lease to the tenant again that it was acquired for.
     *
     * @throws SQLException as the errors table says
     */
    public void reset() throws SQLException {
        Database.done(conn.waiting(timeoutMs, this, Raw::mtdb_conn_reset));
    }

    /**
     * The tenant that the session stands in, asked of the server.
     *
     * @return its id
     * @throws SQLException as the errors table says
     */
    public String current() throws SQLException {
        String[] tenant = new String[1];
        conn.waiting(timeoutMs, this, (lease, timeout, cancel, error) -> {
            java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocateDirect(1024);
            long[] needed = new long[1];
            int status = Raw.mtdb_conn_current(lease, timeout, cancel, buffer, needed, error);
            if (status != Raw.MTDB_OK) return status;
            byte[] bytes = new byte[(int) needed[0]];
            buffer.get(0, bytes);
            tenant[0] = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
            return status;
        });
        return tenant[0];
    }

    /** Ends the call that runs on this lease now, if one does; it fails with CANCELLED. Any thread; never waits. */
    public void cancel() {
        conn.cancel(null);
    }

    /**
     * Gives the lease back, rolling back what is open. Idempotent.
     *
     * @throws SQLException when the connection is in doubt; it is given back all the same
     */
    @Override
    public void close() throws SQLException {
        conn.close();
    }
}
