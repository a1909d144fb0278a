// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Database;
import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.NativeLoader;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import dev.mtdb.internal.Token;
import java.sql.SQLException;
import java.time.Duration;

/**
 * The contract of golang-migrate's database drivers, for programs that bring their own migration engine: lock, version,
 * run, set the version, unlock. Serves one thread at a time.
 */
public final class MigrationDriver implements AutoCloseable {
    private final Handle handle;
    private long timeoutMs = Raw.MTDB_DEFAULT;

    private MigrationDriver(long address) {
        handle = new Handle(address, Raw::mtdb_driver_release, "driver");
    }

    /**
     * A version.
     *
     * @param version -1: none
     * @param dirty whether a migration to it has begun and not ended
     */
    public record Version(long version, boolean dirty) {}

    /**
     * Opens a driver by its url.
     *
     * @param url {@code sqlite3://PATH}, {@code postgres://...}, {@code mysql://...}
     * @param options may be null
     * @return the driver; close it
     * @throws SQLException as the errors table says
     */
    public static MigrationDriver open(String url, DriverOptions options) throws SQLException {
        NativeLoader.load();
        long[] out = new long[1];
        long set = Database.options(options == null ? null : options.toMap());
        try {
            waiting((token, error) -> Raw.mtdb_driver_open(Texts.utf8(url), set, Raw.MTDB_DEFAULT, token, out, error));
        } finally {
            Raw.mtdb_options_release(set);
        }
        return new MigrationDriver(out[0]);
    }

    /**
     * Makes a driver of a lease, which stays the program's.
     *
     * @param lease the lease
     * @param options may be null
     * @return the driver; close it
     * @throws SQLException as the errors table says
     */
    public static MigrationDriver of(Lease lease, DriverOptions options) throws SQLException {
        long[] out = new long[1];
        long set = Database.options(options == null ? null : options.toMap());
        try {
            lease.conn().waiting(lease.timeoutMs(), lease, (conn, timeout, token, error) ->
                Raw.mtdb_driver_from_conn(conn, set, timeout, token, out, error));
        } finally {
            Raw.mtdb_options_release(set);
        }
        return new MigrationDriver(out[0]);
    }

    @FunctionalInterface
    private interface TokenCall {
        int at(long token, long[] error);
    }

    private static void waiting(TokenCall call) {
        long[] error = new long[1];
        Token token = Token.take();
        try {
            long native_ = token.begin(call);
            try {
                Errors.check(call.at(native_, error), error);
            } finally {
                token.end();
            }
        } finally {
            token.give();
        }
    }

    private void entered(Database.Waiting call) {
        long address = handle.enter();
        try {
            waiting((token, error) -> call.at(address, timeoutMs, token, error));
        } finally {
            handle.leave();
        }
    }

    /**
     * Sets how long each further call may take.
     *
     * @param timeout null: the options
     * @return this
     */
    public MigrationDriver within(Duration timeout) {
        timeoutMs = Timeouts.of(timeout);
        return this;
    }

    /**
     * Keeps all other migrators of this version table out.
     *
     * @throws SQLException MIGRATION_LOCKED, and as the errors table says
     */
    public void lock() throws SQLException {
        entered(Raw::mtdb_driver_lock);
    }

    /**
     * Gives the lock back.
     *
     * @throws SQLException as the errors table says
     */
    public void unlock() throws SQLException {
        entered((address, timeout, token, error) -> Raw.mtdb_driver_unlock(address, error));
    }

    /**
     * Runs a migration's text.
     *
     * @param text the statements
     * @throws SQLException as the errors table says
     */
    public void run(String text) throws SQLException {
        entered((address, timeout, token, error) ->
            Raw.mtdb_driver_run(address, Texts.utf8(text), timeout, token, error));
    }

    /**
     * Writes the version.
     *
     * @param version -1 or more
     * @param dirty whether a migration to it has begun and not ended
     * @throws SQLException as the errors table says
     */
    public void setVersion(long version, boolean dirty) throws SQLException {
        entered((address, timeout, token, error) ->
            Raw.mtdb_driver_set_version(address, version, dirty ? 1 : 0, timeout, token, error));
    }

    /**
     * Reads the version.
     *
     * @return the version
     * @throws SQLException as the errors table says
     */
    public Version version() throws SQLException {
        long[] version = new long[1];
        int[] dirty = new int[1];
        entered((address, timeout, token, error) ->
            Raw.mtdb_driver_version(address, timeout, token, version, dirty, error));
        return new Version(version[0], dirty[0] != 0);
    }

    /**
     * Drops everything in the database or schema.
     *
     * @throws SQLException as the errors table says
     */
    public void drop() throws SQLException {
        entered(Raw::mtdb_driver_drop);
    }

    /**
     * Gives back the lock if it is held, and what the driver opened itself. Idempotent.
     *
     * @throws SQLException as the errors table says
     */
    @Override
    public void close() throws SQLException {
        if (handle.closed()) return;
        try {
            entered((address, timeout, token, error) -> Raw.mtdb_driver_close(address, error));
        } finally {
            handle.close();
        }
    }
}
