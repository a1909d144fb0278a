// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Database;
import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;

/**
 * One ordered set of migrations, and the verbs on it. The history is Flyway's or golang-migrate's own, so either tool
 * can take over at any time. Any thread. A target is a version, "latest", "current", "next" or "+2"; empty is "latest".
 */
public final class Migrator implements AutoCloseable {
    private final Db owner;
    private final Database db;
    private final Handle handle;
    private volatile long timeoutMs = Raw.MTDB_DEFAULT;

    Migrator(Db db, Handle handle) {
        owner = db;
        this.db = db.database();
        this.handle = handle;
    }

    Handle handle() {
        return handle;
    }

    /**
     * Sets how long each further verb may take.
     *
     * @param timeout null: the db's options
     * @return this
     */
    public Migrator within(Duration timeout) {
        timeoutMs = Timeouts.of(timeout);
        return this;
    }

    private void call(Db.Call call) {
        long[] error = new long[1];
        long address = handle.enter();
        try {
            Errors.check(call.at(address, error), error);
        } finally {
            handle.leave();
        }
    }

    private void verb(Database.Waiting call) {
        Database.done(db.waiting(handle, timeoutMs, null, this, call));
    }

    private Rows rows(Database.ResultCall call) {
        return new Rows(db.query(handle, timeoutMs, this, call));
    }

    /**
     * Adds one inline script. Not after a verb has run.
     *
     * @param version dotted numbers
     * @param description what it does
     * @param up its statements
     * @param down the statements that undo them; null or empty for none
     * @return this
     * @throws SQLException EXISTS, and as the errors table says
     */
    public Migrator add(String version, String description, String up, String down) throws SQLException {
        call((address, error) -> Raw.mtdb_migrator_add(address, Texts.utf8(version), Texts.utf8(description),
            Texts.utf8(up), down == null ? null : Texts.utf8(down), error));
        return this;
    }

    /**
     * Makes the db ask this migrator at each tenant's first lease, in its {@code migrate.mode}.
     *
     * @throws SQLException as the errors table says
     */
    public void enable() throws SQLException {
        call(Raw::mtdb_migrator_enable);
    }

    /**
     * What would run, touching nothing.
     *
     * @param tenant its id
     * @param target where to
     * @return a row per step: version, description, script, kind, checksum, state, problem, transactional, statements,
     *     destructive; close them
     * @throws SQLException as the errors table says
     */
    public Rows plan(String tenant, String target) throws SQLException {
        return rows((address, timeout, token, out, error) -> Raw.mtdb_migrator_plan(address, Texts.utf8(tenant),
            Texts.utf8(target), timeout, token, out, error));
    }

    /**
     * Migrates one tenant. Each script commits together with its history row.
     *
     * @param tenant its id
     * @param target where to
     * @return how many scripts were applied
     * @throws SQLException as the errors table says; its failure names script, statement and line
     */
    public long migrate(String tenant, String target) throws SQLException {
        long[] applied = new long[1];
        verb((address, timeout, token, error) -> Raw.mtdb_migrator_migrate(address, Texts.utf8(tenant),
            Texts.utf8(target), timeout, token, applied, error));
        return applied[0];
    }

    /**
     * Undoes applied scripts above a target, newest first.
     *
     * @param tenant its id
     * @param target the version to stay at, "empty", "next" or "-2"
     * @return how many scripts were undone
     * @throws SQLException as the errors table says
     */
    public long undo(String tenant, String target) throws SQLException {
        long[] undone = new long[1];
        verb((address, timeout, token, error) -> Raw.mtdb_migrator_undo(address, Texts.utf8(tenant),
            Texts.utf8(target), timeout, token, undone, error));
        return undone[0];
    }

    /**
     * The whole picture of a tenant.
     *
     * @param tenant its id
     * @param target where to
     * @return a row per entry of its history and per script; close them
     * @throws SQLException as the errors table says
     */
    public Rows info(String tenant, String target) throws SQLException {
        return rows((address, timeout, token, out, error) -> Raw.mtdb_migrator_info(address, Texts.utf8(tenant),
            Texts.utf8(target), timeout, token, out, error));
    }

    /**
     * Puts a history right.
     *
     * @param tenant its id
     * @param apply whether to change it, or only to tell
     * @return a row per change: action, version, description, script, detail; close them
     * @throws SQLException as the errors table says
     */
    public Rows repair(String tenant, boolean apply) throws SQLException {
        return rows((address, timeout, token, out, error) -> Raw.mtdb_migrator_repair(address, Texts.utf8(tenant),
            apply ? 1 : 0, timeout, token, out, error));
    }

    /**
     * Says that a tenant without a history stands at a version.
     *
     * @param tenant its id
     * @param version empty: option {@code migrate.baseline_version}
     * @param description empty: option {@code migrate.baseline_description}
     * @throws SQLException as the errors table says
     */
    public void baseline(String tenant, String version, String description) throws SQLException {
        verb((address, timeout, token, error) -> Raw.mtdb_migrator_baseline(address, Texts.utf8(tenant),
            Texts.utf8(version), Texts.utf8(description), timeout, token, error));
    }

    /**
     * Sets the version of golang-migrate's history, not dirty, whatever it is now.
     *
     * @param tenant its id
     * @param version a number, or "empty"
     * @throws SQLException as the errors table says
     */
    public void force(String tenant, String version) throws SQLException {
        verb((address, timeout, token, error) -> Raw.mtdb_migrator_force(address, Texts.utf8(tenant),
            Texts.utf8(version), timeout, token, error));
    }

    /**
     * Drops all that is in a tenant's namespace. Needs {@code migrate.drop=allow}.
     *
     * @param tenant its id
     * @return how many objects were dropped
     * @throws SQLException as the errors table says
     */
    public long drop(String tenant) throws SQLException {
        long[] dropped = new long[1];
        verb((address, timeout, token, error) ->
            Raw.mtdb_migrator_drop(address, Texts.utf8(tenant), timeout, token, dropped, error));
        return dropped[0];
    }

    /**
     * Where a tenant stands.
     *
     * @param tenant its id
     * @return one row: tenant, current, target, state, pending, applied_at, history, problem; close it
     * @throws SQLException as the errors table says
     */
    public Rows status(String tenant) throws SQLException {
        return rows((address, timeout, token, out, error) ->
            Raw.mtdb_migrator_status(address, Texts.utf8(tenant), timeout, token, out, error));
    }

    /**
     * Compares a tenant's history with the scripts.
     *
     * @param tenant its id
     * @return a row per problem: code, version, description, script, message, repair; close them
     * @throws SQLException as the errors table says
     */
    public Rows validate(String tenant) throws SQLException {
        return rows((address, timeout, token, out, error) ->
            Raw.mtdb_migrator_validate(address, Texts.utf8(tenant), timeout, token, out, error));
    }

    /**
     * Runs one verb over many tenants, and goes on after a failure.
     *
     * @param verb "migrate", "undo", "status", "validate", "repair" or "baseline"
     * @param target as the verb takes it, for baseline the version; may be empty
     * @param tenants their ids, at least one; null: all
     * @param options may be null
     * @return a row per tenant, in order: tenant, status, applied, version, state, message, error; close them
     * @throws SQLException as the errors table says
     */
    public Rows run(String verb, String target, Collection<String> tenants, RunOptions options) throws SQLException {
        byte[] ids = tenants == null ? null : Texts.lines(tenants);
        if (tenants != null) owner.askAhead(tenants);
        long set = Database.options(options == null ? null : options.toMap());
        try {
            return rows((address, timeout, token, out, error) -> Raw.mtdb_migrator_run(address, Texts.utf8(verb),
                Texts.utf8(target), ids, set, timeout, token, out, error));
        } finally {
            Raw.mtdb_options_release(set);
        }
    }

    /** Frees it; a db that it was enabled in goes on asking it. Idempotent. */
    @Override
    public void close() {
        handle.close();
    }
}
