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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** One thing that is done to many tenants, in waves, with a ledger: see the fleets page of the docs. Any thread. */
public final class Fleet implements AutoCloseable {
    private final Db owner;
    private final Database db;
    private final Handle handle;
    private final Set<String> asked = new LinkedHashSet<>();  // guarded by itself

    Fleet(Db db, Handle handle) {
        this.owner = db;
        this.db = db.database();
        this.handle = handle;
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

    private Rows rows(Db.Figures call) {
        return new Rows(db.query(handle, 0, this, (address, timeout, token, out, error) ->
            call.at(address, out, error)));
    }

    /**
     * Adds a tenant to the run's list. A run without a list takes all tenants.
     *
     * @param tenant its id
     * @return this
     * @throws SQLException INVALID_STATE when the run has begun
     */
    public Fleet add(String tenant) throws SQLException {
        call((address, error) -> Raw.mtdb_fleet_add(address, Texts.utf8(tenant), error));
        note(List.of(tenant));
        return this;
    }

    /**
     * Adds tenants that are a wave of their own, in the order of the calls: behind the canary, before those of
     * {@link #add}.
     *
     * @param tenants their ids
     * @return this
     * @throws SQLException INVALID_STATE when the run has begun
     */
    public Fleet addWave(Collection<String> tenants) throws SQLException {
        byte[] ids = Texts.lines(tenants);
        call((address, error) -> Raw.mtdb_fleet_add_wave(address, ids, error));
        note(tenants);
        return this;
    }

    private void note(Collection<String> tenants) {
        if (!db.resolves()) return;
        synchronized (asked) {
            asked.addAll(tenants);
        }
    }

    private void askAhead() throws SQLException {
        List<String> ids;
        synchronized (asked) {
            ids = List.copyOf(asked);
            asked.clear();
        }
        owner.askAhead(ids);
    }

    /**
     * Gives the run the scripts of the shared tables, which run once before any tenant.
     *
     * @param scripts a migrator of the same db, with scripts that are not the tenants'
     * @return this
     * @throws SQLException INVALID_STATE when the run has begun, or the db has no option {@code tenant.shared}
     */
    public Fleet share(Migrator scripts) throws SQLException {
        long shared = scripts.handle().enter();
        try {
            call((address, error) -> Raw.mtdb_fleet_share(address, shared, error));
        } finally {
            scripts.handle().leave();
        }
        return this;
    }

    /**
     * Runs a query on each tenant, with {@code fleet.verb=sql}, and gives the rows as they come, in memory that does
     * not grow with them: a column tenant, then the query's own. Rows of one tenant keep their order; tenants come as
     * they answer. Rows of a tenant that fails afterwards were given: {@link #results} says which ones did. Closing the
     * rows before their end stops the run.
     *
     * @param timeout for all of it; {@code ChronoUnit.FOREVER.getDuration()}: no end
     * @return the rows; reading them fails with what {@link #run} would; close them
     * @throws SQLException INVALID_ARGUMENT for another verb, and as the errors table says
     */
    public Rows query(Duration timeout) throws SQLException {
        askAhead();
        return new Rows(db.query(handle, Timeouts.of(timeout), this, Raw::mtdb_fleet_query));
    }

    /**
     * Runs to the end.
     *
     * @param timeout for all of it; {@code ChronoUnit.FOREVER.getDuration()}: no end
     * @return how many tenants have failed
     * @throws SQLException what the first tenant failed with, when the run halted; and as the errors table says
     */
    public long run(Duration timeout) throws SQLException {
        return run(timeout, fleet -> true);
    }

    /**
     * Runs to the end; with option {@code fleet.verdict} it is asked after each wave but the last whether to go on.
     *
     * @param timeout for each stretch between two verdicts
     * @param verdict whether the run goes on; it can look at {@link #progress} and {@link #results}
     * @return how many tenants have failed
     * @throws SQLException what the first tenant failed with, when the run halted; and as the errors table says
     */
    public long run(Duration timeout, Predicate<Fleet> verdict) throws SQLException {
        askAhead();
        long[] failed = new long[1];
        int status = Raw.MTDB_NEEDS;
        while (status == Raw.MTDB_NEEDS) {
            status = db.waitingForVerdict(handle, Timeouts.of(timeout), this, (address, timeoutMs, token, error) ->
                Raw.mtdb_fleet_run(address, timeoutMs, token, failed, error));
            if (status != Raw.MTDB_NEEDS) break;
            if (!state().equals("verdict")) throw Errors.sneaky(Errors.failure(Status.INVALID_STATE,
                "the run has ended, because a route was needed that was not known when it began"));
            int goOn = verdict.test(this) ? 1 : 0;
            call((address, error) -> Raw.mtdb_fleet_decide(address, goOn, error));
        }
        return failed[0];
    }

    private String state() throws SQLException {
        return progress().list(row -> row.getString(row.column("state"))).get(0);
    }

    /**
     * Asks a run to stop: what has begun is done to its end. Any thread.
     *
     * @throws SQLException when it is closed
     */
    public void stop() throws SQLException {
        call(Raw::mtdb_fleet_stop);
    }

    /**
     * Where the run stands; while it runs too.
     *
     * @return one row: run, state, wave, waves, tenants, done, failed, left, elapsed_ms, rate, reason; close it
     * @throws SQLException when it is closed
     */
    public Rows progress() throws SQLException {
        return rows(Raw::mtdb_fleet_progress);
    }

    /**
     * What became of each tenant.
     *
     * @return a row each, in the order of the list: tenant, wave, state, status, attempts, applied, before, version,
     *     standing, duration_ms, message, error; close them
     * @throws SQLException INVALID_STATE while it runs
     */
    public Rows results() throws SQLException {
        return rows(Raw::mtdb_fleet_results);
    }

    /** Frees it; the ledger stays. Idempotent. */
    @Override
    public void close() {
        handle.close();
    }
}
