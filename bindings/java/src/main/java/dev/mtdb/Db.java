// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Access;
import dev.mtdb.internal.Database;
import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Handle;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Timeouts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * The root of everything: one db serves all tenants, with their pools and budgets. Any thread may use it. Close it when
 * the program ends; a db that is forgotten is closed when it is collected.
 *
 * <p>Placeholders are {@code ?} and {@code :name} on every backend, unless the option {@code placeholders} says
 * otherwise.
 */
public final class Db implements AutoCloseable {
    private final Database db;
    private final boolean portable;

    static {
        Access.grant(Db::database, Lease::conn, Batch::handle);
    }

    private Db(Database db, boolean portable) {
        this.db = db;
        this.portable = portable;
    }

    /**
     * Opens a db. No tenant is opened, nothing is created.
     *
     * @param url where the tenants live: {@code sqlite:DIR} or a plain folder, {@code postgres://...},
     *     {@code mysql://...}, {@code sqlite::memory:}, {@code echo:}
     * @return the db
     * @throws SQLException as the errors table says
     */
    public static Db open(String url) throws SQLException {
        return open(url, new DbOptions());
    }

    /**
     * Opens a db.
     *
     * @param url where the tenants live
     * @param options its options; copied
     * @return the db
     * @throws SQLException as the errors table says
     */
    public static Db open(String url, DbOptions options) throws SQLException {
        Map<String, String> values = options.toMap();
        values.putIfAbsent("placeholders", "portable");
        return new Db(Database.open(url, values, options.resolver()),
            values.get("placeholders").equals("portable"));
    }

    Database database() {
        return db;
    }

    /**
     * What the url names.
     *
     * @return "sqlite", "postgres", "mysql" or "echo"
     */
    public String engine() {
        return db.engine();
    }

    /**
     * Whether {@code ?} and {@code :name} are placeholders on every backend.
     *
     * @return the option {@code placeholders}
     */
    public boolean portablePlaceholders() {
        return portable;
    }

    /**
     * A tenant by its id. Nothing is looked up.
     *
     * @param id the id
     * @return the tenant
     */
    public Tenant tenant(String id) {
        if (id == null) throw new IllegalArgumentException("a tenant has an id");
        return new Tenant(this, id, Raw.MTDB_DEFAULT);
    }

    /**
     * The tenant of the present {@link TenantScope}.
     *
     * @return the tenant
     * @throws SQLException INVALID_STATE outside of any scope
     */
    public Tenant tenant() throws SQLException {
        return tenant(TenantScope.current().orElseThrow(() -> Errors.sneaky(Errors.failure(Status.INVALID_STATE,
            "no tenant is named, and the thread is in no TenantScope"))));
    }

    /**
     * Checks an id by the rules of this db, without any I/O.
     *
     * @param id the id
     * @throws SQLException INVALID_ARGUMENT, naming the rule
     */
    public void checkTenant(String id) throws SQLException {
        call((address, error) -> Raw.mtdb_tenant_check(address, Texts.utf8(id), error));
    }

    /**
     * Lists the tenants, in no particular order and in constant memory.
     *
     * @return rows of one column, tenant; close them
     * @throws SQLException as the errors table says
     */
    public Rows tenants() throws SQLException {
        return new Rows(db.query(db.handle(), Raw.MTDB_DEFAULT, null, Raw::mtdb_tenant_list));
    }

    /**
     * Makes a migrator. With option {@code migrate.source} its scripts are read now.
     *
     * @param options its options
     * @return the migrator; close it
     * @throws SQLException as the errors table says
     */
    public Migrator migrator(MigratorOptions options) throws SQLException {
        return new Migrator(this, make(options, Raw::mtdb_migrator_new, Raw::mtdb_migrator_release, "migrator"));
    }

    /**
     * Makes a fleet run, or takes up one by its name.
     *
     * @param migrator of this db; may be null for {@code fleet.verb=sql}
     * @param options its options
     * @return the run; close it
     * @throws SQLException as the errors table says
     */
    public Fleet fleet(Migrator migrator, FleetOptions options) throws SQLException {
        long scripts = migrator == null ? 0 : migrator.handle().enter();
        try {
            return new Fleet(this, make(options, (address, set, out, error) ->
                Raw.mtdb_fleet_new(address, scripts, set, out, error), Raw::mtdb_fleet_release, "fleet run"));
        } finally {
            if (migrator != null) migrator.handle().leave();
        }
    }

    /**
     * Makes a handle to the quiesce flags of a store.
     *
     * @param options its options
     * @return the handle; close it
     * @throws SQLException as the errors table says
     */
    public Quiesce quiesce(QuiesceOptions options) throws SQLException {
        return new Quiesce(this, make(options, Raw::mtdb_quiesce_new, Raw::mtdb_quiesce_release, "quiesce handle"));
    }

    /**
     * What happens in the db, from now on. All readers of one db share one queue: an event reaches one of them.
     *
     * @return the events
     */
    public Events events() {
        return new Events(db);
    }

    /**
     * Figures of the whole db.
     *
     * @return one for each name of the stats page of the docs
     * @throws SQLException when the db is closed
     */
    public List<Figure> stats() throws SQLException {
        return Figure.list(result(Raw::mtdb_db_stats));
    }

    /**
     * Figures of each open pool.
     *
     * @return a row each: pool TEXT, then integers, as the stats page of the docs names them; close them
     * @throws SQLException when the db is closed
     */
    public Rows pools() throws SQLException {
        return result(Raw::mtdb_pool_stats);
    }

    /**
     * Does a share of the maintenance. Needed only with option {@code threads=none}.
     *
     * @param budget about how long it may take
     * @return whether there is more to do
     * @throws SQLException when the db is closed
     */
    public boolean maintain(Duration budget) throws SQLException {
        long budgetMs = Timeouts.of(budget);
        return call((address, error) -> Raw.mtdb_db_maintain(address, budgetMs, error)) == Raw.MTDB_MORE;
    }

    /** A call on the db that does not wait. */
    @FunctionalInterface
    interface Call {
        int at(long db, long[] error);
    }

    /** A call that makes something of options. */
    @FunctionalInterface
    interface Make {
        int at(long db, long options, long[] out, long[] error);
    }

    /** A call that makes a result without waiting. */
    @FunctionalInterface
    interface Figures {
        int at(long db, long[] out, long[] error);
    }

    // For a run over many tenants: the library's threads cannot ask the resolver.
    void askAhead(Collection<String> tenants) {
        if (!db.resolves()) return;
        for (String id : tenants) {
            try {
                tenant(id).exists();
            } catch (SQLException unknown) {
                // The run says it of that tenant.
            }
        }
    }

    int call(Call call) {
        long[] error = new long[1];
        long address = db.handle().enter();
        try {
            return Errors.check(call.at(address, error), error);
        } finally {
            db.handle().leave();
        }
    }

    private Handle make(Options<?> options, Make call, java.util.function.LongConsumer release, String noun) {
        long[] out = new long[1];
        long set = Database.options(options == null ? null : options.toMap());
        try {
            call((address, error) -> call.at(address, set, out, error));
        } finally {
            Raw.mtdb_options_release(set);
        }
        return new Handle(out[0], release, noun);
    }

    Rows result(Figures call) {
        return new Rows(db.query(db.handle(), 0, null, (address, timeout, token, out, error) ->
            call.at(address, out, error)));
    }

    /**
     * Shuts the db down: refuses new work, lets running work end, interrupts what is left at the deadline.
     *
     * @param timeout how long running work may take; null: option {@code shutdown_timeout_ms}
     * @return how many leases had to be interrupted
     * @throws SQLException as the errors table says
     */
    public long close(Duration timeout) throws SQLException {
        return db.close(Timeouts.of(timeout));
    }

    /**
     * Shuts the db down, within option {@code shutdown_timeout_ms}. Idempotent.
     *
     * @throws SQLException as the errors table says
     */
    @Override
    public void close() throws SQLException {
        close(null);
    }
}
