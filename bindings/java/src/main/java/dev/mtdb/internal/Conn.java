// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.util.Map;

/**
 * A lease. Serves one thread at a time, but for {@link #cancel}. One that nobody can reach any more is given back by
 * the library's maintenance, and an event says so.
 */
public final class Conn implements AutoCloseable {
    private final Database db;
    private final Handle handle;
    private final Token token;

    Conn(Database db, long address, Token token) {
        this.db = db;
        this.token = token;
        // Once, when no call is inside any more: until then the token is nobody else's.
        handle = new Handle(address, conn -> {
            Raw.mtdb_conn_release(conn);
            token.give();
        }, "lease");
    }

    /** The lease's handle. */
    public Handle handle() {
        return handle;
    }

    /** A call that may wait. */
    public int waiting(long timeoutMs, Object owner, Database.Waiting call) {
        return db.waiting(handle, timeoutMs, token, owner, call);
    }

    /** A call that does not wait, or that nothing may end. */
    public int call(Call call) {
        long[] error = new long[1];
        long address = handle.enter();
        try {
            return Errors.check(call.at(address, error), error);
        } finally {
            handle.leave();
        }
    }

    /** A call on the lease. */
    @FunctionalInterface
    public interface Call {
        /** Makes the call. */
        int at(long handle, long[] error);
    }

    /** One statement without rows; the rows that it changed. */
    public long exec(byte[] sql, byte[] params, long timeoutMs, Object owner) {
        long[] affected = new long[1];
        waiting(timeoutMs, owner, (conn, timeout, cancel, error) ->
            Raw.mtdb_conn_exec(conn, sql, params, timeout, cancel, affected, error));
        return affected[0];
    }

    /** One statement with its rows. */
    public Result query(byte[] sql, byte[] params, long timeoutMs, Object owner) {
        return result(timeoutMs, owner, (conn, timeout, cancel, out, error) ->
            Raw.mtdb_conn_query(conn, sql, params, timeout, cancel, out, error));
    }

    /** A call that makes a result. */
    public Result result(long timeoutMs, Object owner, Database.ResultCall call) {
        return result(handle, timeoutMs, owner, call);
    }

    Result result(Handle target, long timeoutMs, Object owner, Database.ResultCall call) {
        long[] out = new long[1];
        db.waiting(target, timeoutMs, token, owner,
            (address, timeout, cancel, error) -> call.at(address, timeout, cancel, out, error));
        return new Result(out[0], handle, token, owner, null);
    }

    /** A prepared statement. */
    public Stmt prepare(byte[] sql, long timeoutMs, Object owner) {
        long[] out = new long[1];
        waiting(timeoutMs, owner, (conn, timeout, cancel, error) ->
            Raw.mtdb_stmt_prepare(conn, sql, timeout, cancel, out, error));
        return new Stmt(this, out[0]);
    }

    /** A text of several statements; how many ran, also when one failed: then ran[0] says so. */
    public void script(byte[] text, long timeoutMs, Object owner, long[] ran) {
        waiting(timeoutMs, owner, (conn, timeout, cancel, error) ->
            Raw.mtdb_conn_exec_script(conn, text, timeout, cancel, ran, error));
    }

    /** Begins a transaction. */
    public void begin(Map<String, String> options, long timeoutMs, Object owner) {
        long set = Database.options(options);
        try {
            waiting(timeoutMs, owner, (conn, timeout, cancel, error) ->
                Raw.mtdb_tx_begin(conn, set, timeout, cancel, error));
        } finally {
            Raw.mtdb_options_release(set);
        }
    }

    /** Commits. */
    public void commit(long timeoutMs, Object owner) {
        waiting(timeoutMs, owner, (conn, timeout, cancel, error) ->
            Raw.mtdb_tx_commit(conn, timeout, cancel, error));
    }

    /** Rolls back. */
    public void rollback() {
        call(Raw::mtdb_tx_rollback);
    }

    /** 0 without a transaction, 1 with an open one, 2 with a lost one. */
    public int txState() {
        int[] state = new int[1];
        call((conn, error) -> Raw.mtdb_tx_state(conn, state, error));
        return state[0];
    }

    /** The key that the last INSERT generated, or 0. */
    public long insertId() {
        long[] id = new long[1];
        call((conn, error) -> Raw.mtdb_conn_insert_id(conn, id, error));
        return id[0];
    }

    /** The tenant that the lease is bound to. */
    public String tenant() {
        long address = handle.enter();
        try {
            return Texts.read((buffer, needed, error) -> Raw.mtdb_conn_tenant(address, buffer, needed, error));
        } finally {
            handle.leave();
        }
    }

    /** Ends what runs now; of one owner only, unless null. Any thread; nothing after the close. */
    public void cancel(Object owner) {
        if (handle.enterIfOpen() == 0) return;
        try {
            token.cancel(owner);
        } finally {
            handle.leave();
        }
    }

    /** Whether it was given back. */
    public boolean closed() {
        return handle.closed();
    }

    /** Gives the lease back, rolling back what is open. Idempotent. */
    @Override
    public void close() {
        long address = handle.enterIfOpen();
        if (address == 0) return;
        long[] error = new long[1];
        try {
            Errors.check(Raw.mtdb_conn_close(address, error), error);
        } finally {
            handle.leave();
            handle.close();
        }
    }
}
