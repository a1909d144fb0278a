// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Failure;
import dev.mtdb.MtdbError;
import dev.mtdb.Status;
import dev.mtdb.TenantScope;
import dev.mtdb.internal.Conn;
import dev.mtdb.internal.Database;
import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Raw;
import dev.mtdb.internal.Result;
import dev.mtdb.internal.Texts;
import dev.mtdb.internal.Token;
import java.sql.Array;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.NClob;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLClientInfoException;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLWarning;
import java.sql.SQLXML;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Struct;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Executor;

/**
 * A connection of one tenant, which keeps its lease until it is closed; or of the tenant in scope, which takes one for
 * each transaction, and in auto-commit for each statement, so it never carries one tenant's lease into another's work.
 */
final class JdbcConnection extends Wrapping implements Connection {
    private final Database db;
    private final String url;
    private final Runnable onClose;
    private final String tenant;  // null: of the scope
    private final Dialect dialect;
    private final ArrayList<JdbcStatement> busy = new ArrayList<>();  // those with open results; guarded by itself
    private Token spare = Token.take();
    private volatile JdbcStatement current;  // the last that ran something
    private volatile Bound held;  // null: none. Taken under this, for good until it is given back
    private boolean autoCommit = true;
    private boolean open;  // a transaction is
    private boolean readOnly;
    private int isolation;  // 0: the engine's own
    private int networkTimeoutMs;
    private int savepoints;
    private volatile boolean broken;
    private volatile boolean closed;
    private Map<String, Class<?>> typeMap = new LinkedHashMap<>();
    private final Properties clientInfo = new Properties();

    /** A lease, and whose it is: never seen apart, also by threads that should not share a connection. */
    private record Bound(Conn conn, String tenant) {}

    JdbcConnection(Database db, String url, String tenant, Runnable onClose) throws SQLException {
        this.db = db;
        this.url = url;
        this.tenant = tenant;
        this.onClose = onClose;
        dialect = Dialect.of(db.engine());
        if (tenant == null) return;
        held = new Bound(db.acquire(tenant, null, Raw.MTDB_DEFAULT), tenant);
    }

    Dialect dialect() {
        return dialect;
    }

    String url() {
        return url;
    }

    void check() throws SQLException {
        if (closed) throw Errors.sneaky(Errors.failure(Status.CLOSED, "the connection is closed"));
    }

    // ---- running statements ----

    private String wanted() {
        if (tenant != null) return tenant;
        return TenantScope.current().orElseThrow(() -> Errors.sneaky(Errors.failure(Status.INVALID_STATE,
            "this connection takes its tenant from the scope, and the thread is in no TenantScope")));
    }

    // Whether a statement now takes a lease of its own.
    private boolean oneShot() {
        return tenant == null && autoCommit;
    }

    // The lease for a statement. Where the server would commit around it by itself, that is done in the open: the
    // transaction before it is committed, and the next one begins behind it.
    private Conn leaseFor(String sql) throws SQLException {
        if (autoCommit || dialect != Dialect.MYSQL || !Keys.commits(sql)) return lease();
        if (open) held().commit(timeout(0), this);
        open = false;
        autoCommit = true;
        try {
            return lease();
        } finally {
            autoCommit = false;
        }
    }

    private Conn lease() throws SQLException {
        String wanted = wanted();
        Bound now = held;
        if (now != null && !wanted.equals(now.tenant)) throw Errors.sneaky(Errors.failure(Status.INVALID_STATE,
            "the open transaction is of tenant '" + now.tenant + "', the scope says '" + wanted + "'"));
        if (now == null) now = take(new Bound(
            db.acquire(wanted, null, networkTimeoutMs > 0 ? networkTimeoutMs : Raw.MTDB_DEFAULT), wanted));
        if (!autoCommit && !open) {
            now.conn.begin(txOptions(), timeout(0), this);
            open = true;
        }
        return now.conn;
    }

    private Bound take(Bound mine) {
        boolean taken;
        synchronized (this) {
            taken = held == null && !closed;
            if (taken) held = mine;
        }
        if (taken) return mine;
        mine.conn.close();
        throw Errors.sneaky(Errors.failure(Status.MISUSE, "another thread uses this connection"));
    }

    private Conn held() {
        Bound now = held;
        if (now == null) throw Errors.sneaky(Errors.failure(Status.MISUSE, "another thread has ended the transaction"));
        return now.conn;
    }

    private Map<String, String> txOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        if (readOnly) options.put("tx.read_only", "true");
        switch (isolation) {
            case Connection.TRANSACTION_READ_UNCOMMITTED: case Connection.TRANSACTION_READ_COMMITTED:
                options.put("tx.isolation", "read_committed");
                break;
            case Connection.TRANSACTION_REPEATABLE_READ: options.put("tx.isolation", "repeatable_read"); break;
            case Connection.TRANSACTION_SERIALIZABLE: options.put("tx.isolation", "serializable"); break;
            default:
        }
        return options;
    }

    /** Milliseconds for a call, from a statement's own limit in seconds. */
    private long timeout(int seconds) {
        long own = seconds * 1000L;
        if (networkTimeoutMs > 0 && (own == 0 || own > networkTimeoutMs)) return networkTimeoutMs;
        return own == 0 ? Raw.MTDB_DEFAULT : own;
    }

    Result query(String sql, byte[] params, int seconds, Token token, JdbcStatement owner) throws SQLException {
        check();
        current = owner;
        try {
            if (oneShot())
                return db.query(Texts.utf8(wanted()), Texts.utf8(sql), params, timeout(seconds), token, owner);
            return leaseFor(sql).query(Texts.utf8(sql), params, timeout(seconds), owner);
        } catch (Exception failure) {
            throw noticed(failure);
        }
    }

    long exec(String sql, byte[] params, int seconds, Token token, JdbcStatement owner) throws SQLException {
        check();
        current = owner;
        try {
            if (oneShot())
                return db.exec(Texts.utf8(wanted()), Texts.utf8(sql), params, timeout(seconds), token, owner);
            return leaseFor(sql).exec(Texts.utf8(sql), params, timeout(seconds), owner);
        } catch (Exception failure) {
            throw noticed(failure);
        }
    }

    /** Different statements as one call; the rows that each changed. */
    long[] batch(List<String> sqls, int seconds, JdbcStatement owner) throws SQLException {
        check();
        boolean brief = held == null && oneShot();
        dev.mtdb.Batch batch = new dev.mtdb.Batch();
        try {
            for (String sql : sqls) batch.add(sql);
            Conn lease = lease();
            long[] affected = new long[sqls.size()];
            try (Result result = Batches.run(lease, batch, timeout(seconds), owner)) {
                dev.mtdb.internal.Fields fields = new dev.mtdb.internal.Fields(result);
                for (int i = 0; result.next(); i++) affected[i] = fields.getLong(1);
            }
            return affected;
        } catch (Exception failure) {
            throw noticed(failure);
        } finally {
            batch.close();
            if (brief) giveBack();
        }
    }

    /** The first column of a query's first row. */
    String single(String sql) throws SQLException {
        try (Statement statement = createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getString(1) : null;
        }
    }

    // Remembers that the connection is of no further use.
    private RuntimeException noticed(Exception failure) {
        Failure known = MtdbError.of(failure).orElse(null);
        if (known != null && tenant != null && known.effect() != null) {
            Status status = known.status();
            broken |= status == Status.UNAVAILABLE || status == Status.FORKED || status == Status.CLOSED;
        }
        return Errors.sneaky(failure);
    }

    void cancel(JdbcStatement owner) {
        Bound running = held;
        if (running != null) running.conn.cancel(owner);
    }

    /** A statement has a result that ends with its transaction, and with the connection. */
    void opened(JdbcStatement statement) {
        synchronized (busy) {
            busy.add(statement);
        }
    }

    /** It has none any more. */
    void settled(JdbcStatement statement) {
        synchronized (busy) {
            for (int i = busy.size() - 1; i >= 0; i--) {
                if (busy.get(i) != statement) continue;
                busy.remove(i);
                return;
            }
        }
    }

    private List<JdbcStatement> busyStatements() {
        synchronized (busy) {
            return new ArrayList<>(busy);
        }
    }

    /** A token for a statement: mostly the one that the statement before it had. */
    synchronized Token token() {
        Token token = spare;
        spare = null;
        return token != null ? token : Token.take();
    }

    /** The statement is closed. */
    synchronized void give(Token token) {
        if (spare == null && !closed) spare = token;
        else token.give();
    }

    private void giveBack() throws SQLException {
        if (tenant != null) return;
        Bound last;
        synchronized (this) {
            last = held;
            held = null;
        }
        open = false;
        if (last != null) last.conn.close();
    }

    // ---- transactions ----

    @Override
    public void setAutoCommit(boolean wanted) throws SQLException {
        check();
        if (wanted == autoCommit) return;
        if (wanted) commit();
        autoCommit = wanted;
    }

    @Override
    public boolean getAutoCommit() throws SQLException {
        check();
        return autoCommit;
    }

    private void needTransactions() throws SQLException {
        check();
        if (autoCommit) throw new SQLException("the connection is in auto-commit", "25000");
    }

    @Override
    public void commit() throws SQLException {
        needTransactions();
        for (JdbcStatement statement : busyStatements()) statement.closeResult();
        commitKeepingKeys();
    }

    /** Commits; what statements have in memory stays readable. */
    void commitKeepingKeys() throws SQLException {
        if (!open) {
            giveBack();
            return;
        }
        Conn conn = held();
        try {
            conn.commit(timeout(0), this);
            open = false;
        } catch (Exception failure) {
            open = !conn.closed() && stillOpen(conn);
            throw noticed(failure);
        }
        giveBack();
    }

    private static boolean stillOpen(Conn conn) {
        try {
            return conn.txState() != 0;
        } catch (RuntimeException unknown) {
            return false;
        } catch (Exception unknown) {
            return false;
        }
    }

    @Override
    public void rollback() throws SQLException {
        needTransactions();
        for (JdbcStatement statement : busyStatements()) statement.closeResult();
        if (!open) {
            giveBack();
            return;
        }
        open = false;
        try {
            held().rollback();
        } catch (Exception failure) {
            broken = tenant != null;
            throw Errors.sneaky(failure);
        } finally {
            giveBack();
        }
    }

    private static final class Mark implements Savepoint {
        private final String name;
        private final int id;

        Mark(String name, int id) {
            this.name = name;
            this.id = id;
        }

        @Override
        public int getSavepointId() throws SQLException {
            if (id == 0) throw new SQLException("the savepoint has a name");
            return id;
        }

        @Override
        public String getSavepointName() throws SQLException {
            if (id != 0) throw new SQLException("the savepoint has no name");
            return name;
        }
    }

    private interface SavepointCall {
        int at(long conn, byte[] name, long[] error);
    }

    private void savepoint(Savepoint savepoint, SavepointCall call) throws SQLException {
        needTransactions();
        if (!(savepoint instanceof Mark)) throw new SQLException("a savepoint of another driver");
        byte[] name = Texts.utf8(((Mark) savepoint).name);
        lease().call((address, error) -> call.at(address, name, error));
    }

    @Override
    public Savepoint setSavepoint() throws SQLException {
        int id = ++savepoints;
        Savepoint savepoint = new Mark("mtdb_" + id, id);
        savepoint(savepoint, Raw::mtdb_tx_savepoint);
        return savepoint;
    }

    @Override
    public Savepoint setSavepoint(String name) throws SQLException {
        Savepoint savepoint = new Mark(name, 0);
        savepoint(savepoint, Raw::mtdb_tx_savepoint);
        return savepoint;
    }

    @Override
    public void rollback(Savepoint savepoint) throws SQLException {
        savepoint(savepoint, Raw::mtdb_tx_rollback_to);
    }

    @Override
    public void releaseSavepoint(Savepoint savepoint) throws SQLException {
        savepoint(savepoint, Raw::mtdb_tx_release_savepoint);
    }

    @Override
    public void setReadOnly(boolean wanted) throws SQLException {
        check();
        if (open && wanted != readOnly) throw new SQLException("a transaction is open", "25001");
        readOnly = wanted;
    }

    @Override
    public boolean isReadOnly() throws SQLException {
        check();
        return readOnly;
    }

    @Override
    public void setTransactionIsolation(int level) throws SQLException {
        check();
        if (level != TRANSACTION_READ_UNCOMMITTED && level != TRANSACTION_READ_COMMITTED
            && level != TRANSACTION_REPEATABLE_READ && level != TRANSACTION_SERIALIZABLE)
            throw new SQLException("no such isolation: " + level, "22023");
        isolation = level;
    }

    @Override
    public int getTransactionIsolation() throws SQLException {
        check();
        return isolation != 0 ? isolation : dialect.isolation;
    }

    // ---- its end ----

    private synchronized boolean closesFirst() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    @Override
    public void close() throws SQLException {
        if (!closesFirst()) return;
        try {
            for (JdbcStatement statement : busyStatements()) statement.close();
            Bound last = held;
            if (last != null) last.conn.close();
        } finally {
            Token last = token();
            last.give();
            onClose.run();
        }
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    /** Ends what runs, then closes: at once, not by the executor. */
    @Override
    public void abort(Executor executor) throws SQLException {
        if (closed) return;
        broken = true;
        JdbcStatement statement = current;
        if (statement != null) statement.cancel();
        Bound running = held;
        if (running != null) running.conn.cancel(null);
        executor.execute(() -> {
            try {
                close();
            } catch (SQLException | IllegalStateException failure) {
                // The thread that was cancelled is still on its way out; the lease goes back when it is unreachable.
            }
        });
    }

    /** Whether the last call found it usable; asks nobody. */
    @Override
    public boolean isValid(int seconds) throws SQLException {
        if (seconds < 0) throw new SQLException("a negative time", "22023");
        return !closed && !broken;
    }

    @Override
    public void setNetworkTimeout(Executor executor, int milliseconds) throws SQLException {
        check();
        if (milliseconds < 0) throw new SQLException("a negative time", "22023");
        networkTimeoutMs = milliseconds;
    }

    @Override
    public int getNetworkTimeout() throws SQLException {
        check();
        return networkTimeoutMs;
    }

    // ---- statements ----

    @Override
    public Statement createStatement() throws SQLException {
        check();
        return new JdbcStatement(this);
    }

    @Override
    public Statement createStatement(int type, int concurrency) throws SQLException {
        return createStatement();
    }

    @Override
    public Statement createStatement(int type, int concurrency, int holdability) throws SQLException {
        return createStatement();
    }

    private JdbcPrepared prepare(String sql, boolean keys, String[] columns) throws SQLException {
        check();
        return new JdbcPrepared(this, sql, keys, columns);
    }

    @Override
    public PreparedStatement prepareStatement(String sql) throws SQLException {
        return prepare(sql, false, null);
    }

    @Override
    public PreparedStatement prepareStatement(String sql, int type, int concurrency) throws SQLException {
        return prepare(sql, false, null);
    }

    @Override
    public PreparedStatement prepareStatement(String sql, int type, int concurrency, int holdability)
            throws SQLException {
        return prepare(sql, false, null);
    }

    @Override
    public PreparedStatement prepareStatement(String sql, int keys) throws SQLException {
        return prepare(sql, keys == Statement.RETURN_GENERATED_KEYS, null);
    }

    @Override
    public PreparedStatement prepareStatement(String sql, int[] columns) throws SQLException {
        return prepare(sql, columns != null && columns.length > 0, null);
    }

    @Override
    public PreparedStatement prepareStatement(String sql, String[] columns) throws SQLException {
        return prepare(sql, columns != null && columns.length > 0, columns);
    }

    /** A native statement, to ask it something. */
    dev.mtdb.internal.Stmt describe(String sql) throws SQLException {
        check();
        if (oneShot()) throw new SQLFeatureNotSupportedException(
            "a connection of the tenant in scope tells this within a transaction only");
        return lease().prepare(Texts.utf8(sql), timeout(0), this);
    }

    @Override
    public DatabaseMetaData getMetaData() throws SQLException {
        check();
        return new JdbcMetaData(this);
    }

    @Override
    public String nativeSQL(String sql) throws SQLException {
        check();
        return sql;
    }

    // ---- names ----

    @Override
    public String getCatalog() throws SQLException {
        check();
        return dialect.catalogQuery == null ? null : single(dialect.catalogQuery);
    }

    @Override
    public String getSchema() throws SQLException {
        check();
        return dialect.schemaQuery == null ? null : single(dialect.schemaQuery);
    }

    /**
     * Whether a statement sets a search path that begins with the tenant's own schema, as tools do that are told to
     * work there. The path is set with every statement, and no other is let through: so that is answered, not run.
     */
    boolean stands(String sql, Object path) throws SQLException {
        if (dialect != Dialect.POSTGRES || !sql.equals("SELECT set_config('search_path', ?, false)")
            || !(path instanceof String)) return false;
        String first = ((String) path).split(",")[0].trim();
        return first.replaceAll("^\"(.*)\"$", "$1").replace("\"\"", "\"").equals(getSchema());
    }

    // The tenant decides where the connection stands: only what is so already can be set.
    private void stay(String what, String wanted, String now) throws SQLException {
        if (wanted != null && now != null && !wanted.equals(now))
            throw new SQLFeatureNotSupportedException("the tenant decides the " + what + ", which is '" + now + "'");
    }

    @Override
    public void setCatalog(String catalog) throws SQLException {
        stay("catalog", catalog, getCatalog());
    }

    @Override
    public void setSchema(String schema) throws SQLException {
        stay("schema", schema, getSchema());
    }

    // ---- the rest ----

    @Override
    public SQLWarning getWarnings() throws SQLException {
        check();
        return null;
    }

    @Override
    public void clearWarnings() throws SQLException {
        check();
    }

    @Override
    public Map<String, Class<?>> getTypeMap() throws SQLException {
        check();
        return typeMap;
    }

    @Override
    public void setTypeMap(Map<String, Class<?>> map) throws SQLException {
        check();
        typeMap = map;
    }

    @Override
    public void setHoldability(int holdability) throws SQLException {
        check();
    }

    @Override
    public int getHoldability() throws SQLException {
        check();
        return ResultSet.CLOSE_CURSORS_AT_COMMIT;
    }

    @Override
    public void setClientInfo(String name, String value) throws SQLClientInfoException {
        if (value == null) clientInfo.remove(name);
        else clientInfo.setProperty(name, value);
    }

    @Override
    public void setClientInfo(Properties properties) throws SQLClientInfoException {
        clientInfo.clear();
        clientInfo.putAll(properties);
    }

    @Override
    public String getClientInfo(String name) throws SQLException {
        check();
        return clientInfo.getProperty(name);
    }

    @Override
    public Properties getClientInfo() throws SQLException {
        check();
        return clientInfo;
    }

    private static SQLFeatureNotSupportedException refused(String what) {
        // Without an SQLSTATE: pools take 0A000 for a broken connection.
        return new SQLFeatureNotSupportedException(what + " is not supported");
    }

    @Override
    public CallableStatement prepareCall(String sql) throws SQLException {
        throw refused("prepareCall");
    }

    @Override
    public CallableStatement prepareCall(String sql, int type, int concurrency) throws SQLException {
        throw refused("prepareCall");
    }

    @Override
    public CallableStatement prepareCall(String sql, int type, int concurrency, int holdability)
            throws SQLException {
        throw refused("prepareCall");
    }

    @Override
    public Clob createClob() throws SQLException {
        throw refused("createClob");
    }

    @Override
    public Blob createBlob() throws SQLException {
        throw refused("createBlob");
    }

    @Override
    public NClob createNClob() throws SQLException {
        throw refused("createNClob");
    }

    @Override
    public SQLXML createSQLXML() throws SQLException {
        throw refused("createSQLXML");
    }

    @Override
    public Array createArrayOf(String type, Object[] elements) throws SQLException {
        throw refused("createArrayOf");
    }

    @Override
    public Struct createStruct(String type, Object[] attributes) throws SQLException {
        throw refused("createStruct");
    }
}
