// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Value;
import dev.mtdb.internal.Params;
import dev.mtdb.internal.Stmt;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.math.BigDecimal;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Blob;
import java.sql.Clob;
import java.sql.Date;
import java.sql.NClob;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.Ref;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.RowId;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLXML;
import java.sql.Time;
import java.sql.Timestamp;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;

/** A text with parameters. The compiled form is kept by the library, by text: making one of these costs nothing. */
final class JdbcPrepared extends JdbcStatement implements PreparedStatement {
    private static final Object UNSET = new Object();
    private static final int PARAMETERS_MAX = 65_535;

    private final String sql;
    private final boolean keys;
    private final String[] keyColumns;
    private Object[] values = new Object[4];
    private int count;
    private final List<Object[]> rows = new ArrayList<>();

    JdbcPrepared(JdbcConnection connection, String sql, boolean keys, String[] keyColumns) {
        super(connection);
        this.sql = sql;
        this.keys = keys;
        this.keyColumns = keyColumns;
    }

    private void set(int index, Object value) throws SQLException {
        check();
        if (index < 1 || index > PARAMETERS_MAX) throw new SQLException("no parameter " + index, "22023");
        if (index > values.length) values = Arrays.copyOf(values, Math.max(index, 2 * values.length));
        while (count < index) values[count++] = UNSET;
        values[index - 1] = value;
    }

    private Object[] row() throws SQLException {
        for (int i = 0; i < count; i++)
            if (values[i] == UNSET) throw new SQLException("parameter " + (i + 1) + " is not set", "07001");
        return Arrays.copyOf(values, count);
    }

    private byte[] params() throws SQLException {
        check();
        return Params.row(row());
    }

    @Override
    public ResultSet executeQuery() throws SQLException {
        return rowsOf(sql, params());
    }

    @Override
    public long executeLargeUpdate() throws SQLException {
        return update(sql, params(), keys, keyColumns);
    }

    @Override
    public int executeUpdate() throws SQLException {
        return narrow(executeLargeUpdate());
    }

    @Override
    public boolean execute() throws SQLException {
        byte[] params = params();
        return any(connection.stands(sql, count == 1 ? values[0] : null) ? "SELECT CAST(? AS text)" : sql, params,
            keys, keyColumns);
    }

    @Override
    public void addBatch() throws SQLException {
        check();
        rows.add(row());
    }

    @Override
    public void clearBatch() throws SQLException {
        super.clearBatch();
        rows.clear();
    }

    /** All rows are one call and one transaction: one row of them is as much as the count of each can be told. */
    @Override
    public long[] executeLargeBatch() throws SQLException {
        if (rows.isEmpty()) return super.executeLargeBatch();
        check();
        List<Object[]> batch = new ArrayList<>(rows);
        rows.clear();
        try {
            if (keys) return oneByOne(batch);
            long affected = update(sql, Params.rows(batch), false, null);
            long[] counts = new long[batch.size()];
            Arrays.fill(counts, batch.size() == affected ? 1 : batch.size() == 1 ? affected : SUCCESS_NO_INFO);
            return counts;
        } catch (SQLException failure) {
            throw batchFailure(failure);
        }
    }

    // Each row's keys are wanted. All or none as ever.
    private long[] oneByOne(List<Object[]> batch) throws SQLException {
        boolean alone = connection.getAutoCommit();
        if (alone) connection.setAutoCommit(false);
        try {
            long[] counts = new long[batch.size()];
            List<Object[]> made = new ArrayList<>();
            String[] names = null;
            for (int i = 0; i < counts.length; i++) {
                counts[i] = update(sql, Params.row(batch.get(i)), true, keyColumns);
                names = ((JdbcRows) getGeneratedKeys()).drainTo(made);
            }
            keepKeys(names, made);
            if (alone) connection.commitKeepingKeys();
            return counts;
        } catch (SQLException failure) {
            if (alone) connection.rollback();
            throw failure;
        } finally {
            if (alone) connection.setAutoCommit(true);
        }
    }

    @Override
    public void clearParameters() throws SQLException {
        check();
        count = 0;
    }

    // ---- what it is ----

    @Override
    public ResultSetMetaData getMetaData() throws SQLException {
        check();
        return null;
    }

    @Override
    public ParameterMetaData getParameterMetaData() throws SQLException {
        check();
        try (Stmt stmt = connection.describe(sql)) {
            return new ParameterTypes(stmt.parameterCount());
        }
    }

    // ---- setters ----

    @Override
    public void setNull(int index, int type) throws SQLException {
        set(index, null);
    }

    @Override
    public void setNull(int index, int type, String name) throws SQLException {
        set(index, null);
    }

    @Override
    public void setBoolean(int index, boolean value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setByte(int index, byte value) throws SQLException {
        set(index, (long) value);
    }

    @Override
    public void setShort(int index, short value) throws SQLException {
        set(index, (long) value);
    }

    @Override
    public void setInt(int index, int value) throws SQLException {
        set(index, (long) value);
    }

    @Override
    public void setLong(int index, long value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setFloat(int index, float value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setDouble(int index, double value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setBigDecimal(int index, BigDecimal value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setString(int index, String value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setNString(int index, String value) throws SQLException {
        set(index, value);
    }

    @Override
    public void setBytes(int index, byte[] value) throws SQLException {
        set(index, value == null ? null : value.clone());
    }

    @Override
    public void setDate(int index, Date value) throws SQLException {
        set(index, value == null ? null : value.toLocalDate());
    }

    @Override
    public void setDate(int index, Date value, Calendar zone) throws SQLException {
        set(index, value == null ? null : local(value, zone).toLocalDate());
    }

    @Override
    public void setTime(int index, Time value) throws SQLException {
        set(index, value == null ? null : LocalDateTime.ofInstant(
            java.time.Instant.ofEpochMilli(value.getTime()), java.time.ZoneId.systemDefault()).toLocalTime());
    }

    @Override
    public void setTime(int index, Time value, Calendar zone) throws SQLException {
        set(index, value == null ? null : local(value, zone).toLocalTime());
    }

    @Override
    public void setTimestamp(int index, Timestamp value) throws SQLException {
        set(index, value == null ? null : value.toLocalDateTime());
    }

    @Override
    public void setTimestamp(int index, Timestamp value, Calendar zone) throws SQLException {
        set(index, value == null ? null : zone == null ? value.toLocalDateTime()
            : local(value, zone).withNano(value.getNanos()));
    }

    private static LocalDateTime local(java.util.Date value, Calendar zone) {
        return LocalDateTime.ofInstant(java.time.Instant.ofEpochMilli(value.getTime()),
            zone == null ? java.time.ZoneId.systemDefault() : zone.getTimeZone().toZoneId());
    }

    @Override
    public void setObject(int index, Object value) throws SQLException {
        if (value instanceof Blob) setBlob(index, (Blob) value);
        else if (value instanceof Clob) setClob(index, (Clob) value);
        else if (value instanceof InputStream) setBinaryStream(index, (InputStream) value);
        else if (value instanceof Reader) setCharacterStream(index, (Reader) value);
        else set(index, value instanceof byte[] ? ((byte[]) value).clone() : value);
    }

    @Override
    public void setObject(int index, Object value, int type) throws SQLException {
        setObject(index, value, type, 0);
    }

    @Override
    public void setObject(int index, Object value, int type, int scale) throws SQLException {
        Object wanted = value;
        try {
            wanted = Conversions.to(value, type, scale);
        } catch (RuntimeException unfit) {
            throw new java.sql.SQLDataException("parameter " + index + ": a " + value.getClass().getName()
                + " cannot be sent as type " + type, "22018", unfit);
        }
        setObject(index, wanted);
    }

    private static long bounded(long length) throws SQLException {
        if (length < 0) throw new SQLException("a negative length", "22023");
        return length;
    }

    private void setStream(int index, InputStream stream, long length, boolean text) throws SQLException {
        if (stream == null) {
            set(index, null);
            return;
        }
        try {
            byte[] bytes = length < 0 ? stream.readAllBytes() : stream.readNBytes(Math.toIntExact(length));
            set(index, text ? new String(bytes, StandardCharsets.US_ASCII) : bytes);
        } catch (IOException failure) {
            throw new SQLException("the stream of parameter " + index + " cannot be read", failure);
        }
    }

    private void setReader(int index, Reader reader, long length) throws SQLException {
        if (reader == null) {
            set(index, null);
            return;
        }
        try {
            StringBuilder text = new StringBuilder();
            char[] part = new char[8192];
            long left = length < 0 ? Long.MAX_VALUE : length;
            for (int got; left > 0 && (got = reader.read(part, 0, (int) Math.min(left, part.length))) >= 0; left -= got)
                text.append(part, 0, got);
            set(index, text.toString());
        } catch (IOException failure) {
            throw new SQLException("the reader of parameter " + index + " cannot be read", failure);
        }
    }

    @Override
    public void setAsciiStream(int index, InputStream stream) throws SQLException {
        setStream(index, stream, -1, true);
    }

    @Override
    public void setAsciiStream(int index, InputStream stream, int length) throws SQLException {
        setStream(index, stream, bounded(length), true);
    }

    @Override
    public void setAsciiStream(int index, InputStream stream, long length) throws SQLException {
        setStream(index, stream, bounded(length), true);
    }

    @Override
    public void setBinaryStream(int index, InputStream stream) throws SQLException {
        setStream(index, stream, -1, false);
    }

    @Override
    public void setBinaryStream(int index, InputStream stream, int length) throws SQLException {
        setStream(index, stream, bounded(length), false);
    }

    @Override
    public void setBinaryStream(int index, InputStream stream, long length) throws SQLException {
        setStream(index, stream, bounded(length), false);
    }

    @Override
    public void setCharacterStream(int index, Reader reader) throws SQLException {
        setReader(index, reader, -1);
    }

    @Override
    public void setCharacterStream(int index, Reader reader, int length) throws SQLException {
        setReader(index, reader, bounded(length));
    }

    @Override
    public void setCharacterStream(int index, Reader reader, long length) throws SQLException {
        setReader(index, reader, bounded(length));
    }

    @Override
    public void setNCharacterStream(int index, Reader reader) throws SQLException {
        setReader(index, reader, -1);
    }

    @Override
    public void setNCharacterStream(int index, Reader reader, long length) throws SQLException {
        setReader(index, reader, bounded(length));
    }

    @Override
    public void setBlob(int index, InputStream stream) throws SQLException {
        setStream(index, stream, -1, false);
    }

    @Override
    public void setBlob(int index, InputStream stream, long length) throws SQLException {
        setStream(index, stream, bounded(length), false);
    }

    @Override
    public void setBlob(int index, Blob value) throws SQLException {
        set(index, value == null ? null : value.getBytes(1, Math.toIntExact(value.length())));
    }

    @Override
    public void setClob(int index, Reader reader) throws SQLException {
        setReader(index, reader, -1);
    }

    @Override
    public void setClob(int index, Reader reader, long length) throws SQLException {
        setReader(index, reader, bounded(length));
    }

    @Override
    public void setClob(int index, Clob value) throws SQLException {
        set(index, value == null ? null : value.getSubString(1, Math.toIntExact(value.length())));
    }

    @Override
    public void setNClob(int index, Reader reader) throws SQLException {
        setReader(index, reader, -1);
    }

    @Override
    public void setNClob(int index, Reader reader, long length) throws SQLException {
        setReader(index, reader, bounded(length));
    }

    @Override
    public void setNClob(int index, NClob value) throws SQLException {
        setClob(index, value);
    }

    @Override
    public void setURL(int index, URL value) throws SQLException {
        set(index, value == null ? null : value.toString());
    }

    @Override
    public void setSQLXML(int index, SQLXML value) throws SQLException {
        set(index, value == null ? null : value.getString());
    }

    /** An array travels as the text that the engine knows it by. */
    @Override
    public void setArray(int index, Array value) throws SQLException {
        set(index, value == null ? null : Value.other(value.toString()));
    }

    @Override
    public void setRef(int index, Ref value) throws SQLException {
        throw new SQLFeatureNotSupportedException("setRef is not supported");
    }

    @Override
    public void setRowId(int index, RowId value) throws SQLException {
        throw new SQLFeatureNotSupportedException("setRowId is not supported");
    }

    @Override
    @Deprecated
    public void setUnicodeStream(int index, InputStream stream, int length) throws SQLException {
        throw new SQLFeatureNotSupportedException("setUnicodeStream is not supported");
    }

    @Override
    public void close() throws SQLException {
        rows.clear();
        super.close();
    }

}
