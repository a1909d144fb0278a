// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.internal.Result;
import dev.mtdb.internal.Token;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs SQL texts: each run is one call of the library, and one or two for up to a thousand rows. */
class JdbcStatement extends Wrapping implements Statement {
    private static final String[] KEY_NAMES = {"GENERATED_KEY"};

    final JdbcConnection connection;
    private final Token token;
    private boolean registered;
    private JdbcRows rows;
    private JdbcRows keys;
    private long updateCount = -1;
    private int timeoutSeconds;
    private long maxRows;
    private int fetchSize;
    private int maxFieldSize;
    private boolean poolable;
    private boolean closeOnCompletion;
    private volatile boolean closed;
    private final List<String> batch = new ArrayList<>();

    JdbcStatement(JdbcConnection connection) {
        this.connection = connection;
        token = connection.token();
    }

    void check() throws SQLException {
        if (closed) throw new SQLException("the statement is closed", "HY010");
        connection.check();
    }

    void closeResult() {
        settled();
        if (rows != null) rows.close();
        if (keys != null) keys.close();
        rows = null;
        keys = null;
        updateCount = -1;
    }

    // What has a result ends with its transaction and its connection, which therefore know of it.
    private JdbcRows opened(JdbcRows opened) {
        if (!registered) connection.opened(this);
        registered = true;
        return opened;
    }

    private void settled() {
        if (registered) connection.settled(this);
        registered = false;
    }

    /** A result set was closed by its user. */
    void completed() throws SQLException {
        settled();
        if (closeOnCompletion && !closed) close();
    }

    // ---- runs ----

    ResultSet rowsOf(String sql, byte[] params) throws SQLException {
        check();
        closeResult();
        // The caller's own rows, whatever another thread makes of this statement meanwhile.
        JdbcRows own = opened(new JdbcRows(this, connection.query(sql, params, timeoutSeconds, token, this), maxRows));
        rows = own;
        return own;
    }

    long update(String sql, byte[] params, boolean wantKeys, String[] columns) throws SQLException {
        check();
        closeResult();
        if (!wantKeys) updateCount = connection.exec(sql, params, timeoutSeconds, token, this);
        else updateWithKeys(sql, params, columns);
        return updateCount;
    }

    private void updateWithKeys(String sql, byte[] params, String[] columns) throws SQLException {
        boolean returning = connection.dialect() == Dialect.POSTGRES && Keys.canReturn(sql);
        String text = returning ? Keys.returning(sql, columns) : sql;
        Result result = connection.query(text, params, timeoutSeconds, token, this);
        updateCount = result.affected();
        if (result.columnCount() > 0) {
            keys = opened(new JdbcRows(this, result, 0));
            return;
        }
        List<Object[]> made = result.insertId() == 0 ? List.of() : List.<Object[]>of(new Object[] {result.insertId()});
        result.close();
        keys = new JdbcRows(this, Result.of(KEY_NAMES, made), 0);
    }

    boolean any(String sql, byte[] params, boolean wantKeys, String[] columns) throws SQLException {
        check();
        closeResult();
        if (wantKeys && Keys.writes(sql)) {
            updateWithKeys(sql, params, columns);
            return false;
        }
        Result result = connection.query(sql, params, timeoutSeconds, token, this);
        if (result.columnCount() > 0) {
            rows = opened(new JdbcRows(this, result, maxRows));
            return true;
        }
        updateCount = result.affected();
        result.close();
        return false;
    }

    @Override
    public ResultSet executeQuery(String sql) throws SQLException {
        return rowsOf(sql, null);
    }

    @Override
    public long executeLargeUpdate(String sql) throws SQLException {
        return update(sql, null, false, null);
    }

    @Override
    public long executeLargeUpdate(String sql, int wanted) throws SQLException {
        return update(sql, null, wanted == RETURN_GENERATED_KEYS, null);
    }

    @Override
    public long executeLargeUpdate(String sql, int[] columns) throws SQLException {
        return update(sql, null, columns != null && columns.length > 0, null);
    }

    @Override
    public long executeLargeUpdate(String sql, String[] columns) throws SQLException {
        return update(sql, null, columns != null && columns.length > 0, columns);
    }

    static int narrow(long count) {
        return count > Integer.MAX_VALUE ? SUCCESS_NO_INFO : (int) count;
    }

    @Override
    public int executeUpdate(String sql) throws SQLException {
        return narrow(executeLargeUpdate(sql));
    }

    @Override
    public int executeUpdate(String sql, int wanted) throws SQLException {
        return narrow(executeLargeUpdate(sql, wanted));
    }

    @Override
    public int executeUpdate(String sql, int[] columns) throws SQLException {
        return narrow(executeLargeUpdate(sql, columns));
    }

    @Override
    public int executeUpdate(String sql, String[] columns) throws SQLException {
        return narrow(executeLargeUpdate(sql, columns));
    }

    @Override
    public boolean execute(String sql) throws SQLException {
        return any(sql, null, false, null);
    }

    @Override
    public boolean execute(String sql, int wanted) throws SQLException {
        return any(sql, null, wanted == RETURN_GENERATED_KEYS, null);
    }

    @Override
    public boolean execute(String sql, int[] columns) throws SQLException {
        return any(sql, null, columns != null && columns.length > 0, null);
    }

    @Override
    public boolean execute(String sql, String[] columns) throws SQLException {
        return any(sql, null, columns != null && columns.length > 0, columns);
    }

    // ---- what came of it ----

    @Override
    public ResultSet getResultSet() throws SQLException {
        check();
        return rows;
    }

    @Override
    public long getLargeUpdateCount() throws SQLException {
        check();
        return updateCount;
    }

    @Override
    public int getUpdateCount() throws SQLException {
        check();
        return updateCount < 0 ? -1 : narrow(updateCount);
    }

    @Override
    public boolean getMoreResults() throws SQLException {
        return getMoreResults(CLOSE_CURRENT_RESULT);
    }

    @Override
    public boolean getMoreResults(int current) throws SQLException {
        check();
        if (rows != null && current != KEEP_CURRENT_RESULT) rows.close();
        rows = null;
        updateCount = -1;
        return false;
    }

    @Override
    public ResultSet getGeneratedKeys() throws SQLException {
        check();
        if (keys == null) keys = new JdbcRows(this, Result.of(KEY_NAMES, List.of()), 0);
        return keys;
    }

    /** Keys that a batch has gathered. */
    void keepKeys(String[] names, List<Object[]> made) {
        if (keys != null) keys.close();
        keys = new JdbcRows(this, Result.of(names, made), 0);
    }

    // ---- batches ----

    @Override
    public void addBatch(String sql) throws SQLException {
        check();
        batch.add(sql);
    }

    @Override
    public void clearBatch() throws SQLException {
        check();
        batch.clear();
    }

    @Override
    public long[] executeLargeBatch() throws SQLException {
        check();
        closeResult();
        List<String> sqls = new ArrayList<>(batch);
        batch.clear();
        if (sqls.isEmpty()) return new long[0];
        try {
            return connection.batch(sqls, timeoutSeconds, this);
        } catch (SQLException failure) {
            throw batchFailure(failure);
        }
    }

    // All or none: no statement of a failed batch has an effect.
    static BatchUpdateException batchFailure(SQLException failure) {
        return new BatchUpdateException(failure.getMessage(), failure.getSQLState(), failure.getErrorCode(),
            new int[0], failure);
    }

    @Override
    public int[] executeBatch() throws SQLException {
        return Arrays.stream(executeLargeBatch()).mapToInt(JdbcStatement::narrow).toArray();
    }

    // ---- limits and hints ----

    int timeoutSeconds() {
        return timeoutSeconds;
    }

    @Override
    public void setQueryTimeout(int seconds) throws SQLException {
        check();
        if (seconds < 0) throw new SQLException("a negative time", "22023");
        timeoutSeconds = seconds;
    }

    @Override
    public int getQueryTimeout() throws SQLException {
        check();
        return timeoutSeconds;
    }

    @Override
    public void cancel() throws SQLException {
        token.cancel(this);
        connection.cancel(this);
    }

    @Override
    public void setLargeMaxRows(long rowsMax) throws SQLException {
        check();
        if (rowsMax < 0) throw new SQLException("a negative number", "22023");
        maxRows = rowsMax;
    }

    @Override
    public long getLargeMaxRows() throws SQLException {
        check();
        return maxRows;
    }

    @Override
    public void setMaxRows(int rowsMax) throws SQLException {
        setLargeMaxRows(rowsMax);
    }

    @Override
    public int getMaxRows() throws SQLException {
        return (int) getLargeMaxRows();
    }

    /** A hint that is kept, and not followed: blocks are better at it. */
    @Override
    public void setFetchSize(int size) throws SQLException {
        check();
        fetchSize = Math.max(size, 0);
    }

    @Override
    public int getFetchSize() throws SQLException {
        check();
        return fetchSize;
    }

    @Override
    public void setFetchDirection(int direction) throws SQLException {
        check();
    }

    @Override
    public int getFetchDirection() throws SQLException {
        check();
        return ResultSet.FETCH_FORWARD;
    }

    @Override
    public void setMaxFieldSize(int size) throws SQLException {
        check();
        maxFieldSize = size;
    }

    @Override
    public int getMaxFieldSize() throws SQLException {
        check();
        return maxFieldSize;
    }

    @Override
    public void setEscapeProcessing(boolean wanted) throws SQLException {
        check();
    }

    @Override
    public void setCursorName(String name) throws SQLException {
        check();
    }

    @Override
    public int getResultSetConcurrency() throws SQLException {
        return ResultSet.CONCUR_READ_ONLY;
    }

    @Override
    public int getResultSetType() throws SQLException {
        return ResultSet.TYPE_FORWARD_ONLY;
    }

    @Override
    public int getResultSetHoldability() throws SQLException {
        return ResultSet.CLOSE_CURSORS_AT_COMMIT;
    }

    @Override
    public Connection getConnection() throws SQLException {
        check();
        return connection;
    }

    @Override
    public void setPoolable(boolean wanted) throws SQLException {
        check();
        poolable = wanted;
    }

    @Override
    public boolean isPoolable() throws SQLException {
        check();
        return poolable;
    }

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
    public void closeOnCompletion() throws SQLException {
        check();
        closeOnCompletion = true;
    }

    @Override
    public boolean isCloseOnCompletion() throws SQLException {
        check();
        return closeOnCompletion;
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    private synchronized boolean closesFirst() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    @Override
    public void close() throws SQLException {
        if (!closesFirst()) return;
        try {
            closeResult();
        } finally {
            connection.give(token);
        }
    }
}
