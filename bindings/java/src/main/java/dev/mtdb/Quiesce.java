// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Database;
import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;

/**
 * The quiesce flags of a store: while one is set, each db that obeys it grants no lease. A scope is "global" or empty,
 * "server:NAME", "group:NAME" or "tenant:NAME". What is guaranteed: the quiesce page of the docs. Any thread.
 */
public final class Quiesce implements AutoCloseable {
    private final Database db;
    private final Handle handle;
    private volatile long timeoutMs = Raw.MTDB_DEFAULT;

    Quiesce(Db db, Handle handle) {
        this.db = db.database();
        this.handle = handle;
    }

    /** The state of a flag. */
    public enum State {
        /** Never set. */
        NONE,
        /** It pauses its scope. */
        ACTIVE,
        /** Its time is over. */
        EXPIRED,
        /** It was cleared. */
        CLEARED
    }

    /**
     * A flag that was set.
     *
     * @param token its owner's; a secret
     * @param granted after which it expires
     */
    public record Flag(String token, Duration granted) {
        /** Without the token. */
        @Override
        public String toString() {
            return "a flag for " + granted;
        }
    }

    /**
     * What {@link #watch} saw.
     *
     * @param stamp for the next call
     * @param state of the flag
     * @param changed whether it changed within the time
     */
    public record Watched(long stamp, State state, boolean changed) {}

    /**
     * Sets how long each further call may take.
     *
     * @param timeout null: option {@code acquire_timeout_ms}
     * @return this
     */
    public Quiesce within(Duration timeout) {
        timeoutMs = Timeouts.of(timeout);
        return this;
    }

    private int waiting(Database.Waiting call) {
        return db.waiting(handle, timeoutMs, null, this, call);
    }

    /**
     * Makes the tables that are missing.
     *
     * @throws SQLException as the errors table says
     */
    public void create() throws SQLException {
        waiting(Raw::mtdb_quiesce_create);
    }

    /**
     * Makes the db obey the flags, until it is closed.
     *
     * @throws SQLException as the errors table says
     */
    public void enable() throws SQLException {
        waiting(Raw::mtdb_quiesce_enable);
    }

    /**
     * Sets the flag of a scope.
     *
     * @param scope the scope
     * @param by who; may be empty
     * @param reason why; may be empty
     * @param ttl after which it expires; null: 30 minutes
     * @param force takes over an active flag
     * @return the flag, with the token that renews and clears it
     * @throws SQLException EXISTS, and as the errors table says
     */
    public Flag set(String scope, String by, String reason, Duration ttl, boolean force) throws SQLException {
        ByteBuffer token = ByteBuffer.allocateDirect(256);
        long[] needed = new long[1];
        long[] granted = new long[1];
        long ttlMs = ttl == null ? 0 : ttl.toMillis();
        waiting((address, timeout, cancel, error) -> Raw.mtdb_quiesce_set(address, Texts.utf8(scope), Texts.utf8(by),
            Texts.utf8(reason), ttlMs, force ? 1 : 0, timeout, cancel, token, needed, granted, error));
        byte[] bytes = new byte[(int) needed[0]];
        token.get(0, bytes);
        return new Flag(new String(bytes, StandardCharsets.UTF_8), Duration.ofMillis(granted[0]));
    }

    /**
     * Moves the end of an active flag.
     *
     * @param scope the scope
     * @param token its owner's; empty: the one that this handle got
     * @param ttl from now on; null: 30 minutes
     * @return the time until it expires
     * @throws SQLException as the errors table says
     */
    public Duration renew(String scope, String token, Duration ttl) throws SQLException {
        long[] granted = new long[1];
        long ttlMs = ttl == null ? 0 : ttl.toMillis();
        waiting((address, timeout, cancel, error) -> Raw.mtdb_quiesce_renew(address, Texts.utf8(scope),
            Texts.utf8(token), ttlMs, timeout, cancel, granted, error));
        return Duration.ofMillis(granted[0]);
    }

    /**
     * Clears a flag.
     *
     * @param scope the scope
     * @param by who; may be empty
     * @param token its owner's; empty: the one that this handle got
     * @param force clears another's flag too
     * @throws SQLException as the errors table says
     */
    public void clear(String scope, String by, String token, boolean force) throws SQLException {
        waiting((address, timeout, cancel, error) -> Raw.mtdb_quiesce_clear(address, Texts.utf8(scope),
            Texts.utf8(by), Texts.utf8(token), force ? 1 : 0, timeout, cancel, error));
    }

    /**
     * Reads flags.
     *
     * @param scope empty: all uncleared ones, and global
     * @return a row each: scope, state, set_at, set_by, reason, expires_at, cleared_at, owner; close them
     * @throws SQLException as the errors table says
     */
    public Rows query(String scope) throws SQLException {
        return new Rows(db.query(handle, timeoutMs, this, (address, timeout, token, out, error) ->
            Raw.mtdb_quiesce_query(address, Texts.utf8(scope), timeout, token, out, error)));
    }

    /**
     * Waits until a flag has changed.
     *
     * @param scope the scope
     * @param since the stamp of the last call; 0: returns at once
     * @return what is there now
     * @throws SQLException as the errors table says
     */
    public Watched watch(String scope, long since) throws SQLException {
        long[] stamp = new long[1];
        int[] state = new int[1];
        int status = waiting((address, timeout, token, error) ->
            Raw.mtdb_quiesce_watch(address, Texts.utf8(scope), since, timeout, token, stamp, state, error));
        return new Watched(stamp[0], State.values()[state[0]], status == Raw.MTDB_OK);
    }

    /**
     * Waits until every process that obeys an active flag has parked.
     *
     * @param scope the scope
     * @return a row per process: process, host, pid, state; close them
     * @throws SQLException TIMEOUT, naming those that are not parked; and as the errors table says
     */
    public Rows waitParked(String scope) throws SQLException {
        return new Rows(db.query(handle, timeoutMs, this, (address, timeout, token, out, error) ->
            Raw.mtdb_quiesce_wait_parked(address, Texts.utf8(scope), timeout, token, out, error)));
    }

    /**
     * Ends the use of the handle; a db that was enabled goes on obeying. Idempotent.
     *
     * @throws SQLException as the errors table says
     */
    @Override
    public void close() throws SQLException {
        if (handle.closed()) return;
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(Raw.mtdb_quiesce_close(address, error), error);
        } finally {
            handle.leave();
            handle.close();
        }
    }
}
