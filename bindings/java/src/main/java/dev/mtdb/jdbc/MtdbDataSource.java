// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Db;
import dev.mtdb.TenantScope;
import dev.mtdb.internal.Access;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * Connections of one tenant, or of the tenant in scope. The db pools already: a connection is a lease, and closing it
 * gives the lease back. A second pool before it is not needed; where a framework brings one, see the guide.
 */
public final class MtdbDataSource implements DataSource {
    private final Db db;
    private final String tenant;
    private PrintWriter log;

    private MtdbDataSource(Db db, String tenant) {
        if (db.engine().equals("postgres") && !db.portablePlaceholders())
            throw new IllegalArgumentException("JDBC needs the option placeholders=portable on PostgreSQL");
        this.db = db;
        this.tenant = tenant;
    }

    /**
     * Connections of one tenant. Each keeps its lease from the call to its close.
     *
     * @param db whose tenant; it stays the program's to close
     * @param tenant the id
     * @return the data source
     */
    public static MtdbDataSource of(Db db, String tenant) {
        if (tenant == null) throw new IllegalArgumentException("a tenant has an id");
        return new MtdbDataSource(db, tenant);
    }

    /**
     * Connections of the tenant that the calling thread's {@link TenantScope} names when a statement runs, or when a
     * transaction begins. Between those a connection holds no lease, so one pool of them can serve all tenants. In
     * auto-commit, what a statement changed of its session is gone with it.
     *
     * @param db whose tenants; it stays the program's to close
     * @return the data source
     */
    public static MtdbDataSource scoped(Db db) {
        return new MtdbDataSource(db, null);
    }

    @Override
    public Connection getConnection() throws SQLException {
        return new JdbcConnection(Access.of(db), "jdbc:mtdb:" + db.engine(), tenant, () -> {});
    }

    /** Refused: who may log in is the db's to know. */
    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException("credentials are options of the db");
    }

    @Override
    public PrintWriter getLogWriter() {
        return log;
    }

    @Override
    public void setLogWriter(PrintWriter writer) {
        log = writer;
    }

    /** Refused unless 0: how long a connection may take is option {@code acquire_timeout_ms} of the db. */
    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        if (seconds != 0) throw new SQLFeatureNotSupportedException("set acquire_timeout_ms of the db");
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("dev.mtdb");
    }

    @Override
    public <T> T unwrap(Class<T> wanted) throws SQLException {
        if (wanted.isInstance(this)) return wanted.cast(this);
        if (wanted.isInstance(db)) return wanted.cast(db);
        throw new SQLException("this is no " + wanted.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> wanted) {
        return wanted.isInstance(this) || wanted.isInstance(db);
    }
}
