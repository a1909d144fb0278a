// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Interval;
import dev.mtdb.Type;
import dev.mtdb.internal.Fields;
import dev.mtdb.internal.Result;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Blob;
import java.sql.Clob;
import java.sql.Date;
import java.sql.NClob;
import java.sql.Ref;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.RowId;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLWarning;
import java.sql.SQLXML;
import java.sql.Statement;
import java.sql.Time;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Calendar;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

/** Rows from the first to the last, read only. Numbers are read out of the block; a String is made when asked for. */
final class JdbcRows extends ReadOnlyRows {
    private final JdbcStatement statement;
    private final Result result;
    private final Fields fields;
    private final long maxRows;
    private Map<String, Integer> columns;
    private boolean wasNull;
    private boolean afterLast;
    private boolean closed;

    JdbcRows(JdbcStatement statement, Result result, long maxRows) {
        this.statement = statement;
        this.result = result;
        this.maxRows = maxRows;
        fields = new Fields(result);
    }

    private void check() throws SQLException {
        if (closed) throw new SQLException("the result set is closed", "24000");
    }

    // The column, counted from 0; notes whether its value is NULL.
    private int at(int column) throws SQLException {
        check();
        wasNull = fields.isNull(column - 1);
        return column - 1;
    }

    private int at(String label) throws SQLException {
        return findColumn(label);
    }

    /** Adds all rows to a list, and tells the names of their columns. */
    String[] drainTo(List<Object[]> rows) throws SQLException {
        while (next()) {
            Object[] row = new Object[result.columnCount()];
            for (int i = 0; i < row.length; i++) row[i] = fields.getObject(i);
            rows.add(row);
        }
        return result.columnNames();
    }

    // ---- the cursor ----

    @Override
    public boolean next() throws SQLException {
        check();
        if (maxRows > 0 && result.rowNumber() == maxRows) {
            afterLast = true;
            return false;
        }
        boolean row = !afterLast && result.next();
        afterLast = !row;
        return row;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        result.close();
        try {
            statement.completed();
        } catch (SQLException failure) {
            // The statement is closed all the same.
        }
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public boolean wasNull() {
        return wasNull;
    }

    @Override
    public int getRow() throws SQLException {
        check();
        return afterLast ? 0 : (int) Math.min(result.rowNumber(), Integer.MAX_VALUE);
    }

    @Override
    public boolean isBeforeFirst() throws SQLException {
        check();
        return !result.onRow() && !afterLast;
    }

    @Override
    public boolean isAfterLast() throws SQLException {
        check();
        return afterLast && !result.onRow();
    }

    @Override
    public boolean isFirst() throws SQLException {
        check();
        return result.rowNumber() == 1;
    }

    @Override
    public boolean isLast() throws SQLException {
        throw forwardOnly();
    }

    private static SQLException forwardOnly() {
        return new SQLException("the result set is of type TYPE_FORWARD_ONLY", "HY106");
    }

    @Override
    public void beforeFirst() throws SQLException {
        throw forwardOnly();
    }

    @Override
    public void afterLast() throws SQLException {
        throw forwardOnly();
    }

    @Override
    public boolean first() throws SQLException {
        throw forwardOnly();
    }

    @Override
    public boolean last() throws SQLException {
        throw forwardOnly();
    }

    @Override
    public boolean absolute(int row) throws SQLException {
        throw forwardOnly();
    }

    @Override
    public boolean relative(int rows) throws SQLException {
        throw forwardOnly();
    }

    @Override
    public boolean previous() throws SQLException {
        throw forwardOnly();
    }

    @Override
    public int findColumn(String label) throws SQLException {
        check();
        if (columns == null) {
            Map<String, Integer> found = new HashMap<>();
            String[] names = result.columnNames();
            for (int i = 0; i < names.length; i++) found.putIfAbsent(names[i].toLowerCase(Locale.ROOT), i + 1);
            columns = found;
        }
        Integer column = label == null ? null : columns.get(label);
        if (column == null && label != null) column = columns.get(label.toLowerCase(Locale.ROOT));
        if (column == null) throw new SQLException("there is no column '" + label + "'", "42703");
        return column;
    }

    @Override
    public ResultSetMetaData getMetaData() throws SQLException {
        check();
        return new ColumnTypes(result, statement.connection.dialect());
    }

    // ---- values ----

    @Override
    public long getLong(int column) throws SQLException {
        return fields.getLong(at(column));
    }

    @Override
    public int getInt(int column) throws SQLException {
        return (int) fields.getWithin(at(column), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    @Override
    public short getShort(int column) throws SQLException {
        return (short) fields.getWithin(at(column), Short.MIN_VALUE, Short.MAX_VALUE);
    }

    @Override
    public byte getByte(int column) throws SQLException {
        return (byte) fields.getWithin(at(column), Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    @Override
    public double getDouble(int column) throws SQLException {
        return fields.getDouble(at(column));
    }

    @Override
    public float getFloat(int column) throws SQLException {
        return (float) fields.getDouble(at(column));
    }

    @Override
    public boolean getBoolean(int column) throws SQLException {
        return fields.getBoolean(at(column));
    }

    @Override
    public String getString(int column) throws SQLException {
        return fields.getString(at(column));
    }

    @Override
    public String getNString(int column) throws SQLException {
        return getString(column);
    }

    @Override
    public byte[] getBytes(int column) throws SQLException {
        return fields.getBytes(at(column));
    }

    @Override
    public BigDecimal getBigDecimal(int column) throws SQLException {
        return fields.getDecimal(at(column));
    }

    @Override
    @Deprecated
    public BigDecimal getBigDecimal(int column, int scale) throws SQLException {
        BigDecimal value = getBigDecimal(column);
        return value == null ? null : value.setScale(scale, RoundingMode.HALF_UP);
    }

    @Override
    public Date getDate(int column) throws SQLException {
        LocalDate value = fields.getDate(at(column));
        return value == null ? null : Date.valueOf(value);
    }

    @Override
    public Date getDate(int column, Calendar zone) throws SQLException {
        LocalDate value = fields.getDate(at(column));
        return value == null ? null : new Date(value.atStartOfDay(zone(zone)).toInstant().toEpochMilli());
    }

    @Override
    public Time getTime(int column) throws SQLException {
        return getTime(column, null);
    }

    @Override
    public Time getTime(int column, Calendar zone) throws SQLException {
        LocalTime value = fields.getTime(at(column));
        return value == null ? null
            : new Time(value.atDate(LocalDate.EPOCH).atZone(zone(zone)).toInstant().toEpochMilli());
    }

    @Override
    public Timestamp getTimestamp(int column) throws SQLException {
        LocalDateTime value = fields.getDateTime(at(column));
        return value == null ? null : Timestamp.valueOf(value);
    }

    @Override
    public Timestamp getTimestamp(int column, Calendar zone) throws SQLException {
        if (zone == null || fields.type(at(column)) == Type.TIMESTAMPTZ) return getTimestamp(column);
        LocalDateTime value = fields.getDateTime(at(column));
        return value == null ? null : Timestamp.from(value.atZone(zone(zone)).toInstant());
    }

    private static ZoneId zone(Calendar zone) {
        return zone == null ? ZoneId.systemDefault() : zone.getTimeZone().toZoneId();
    }

    @Override
    public Object getObject(int column) throws SQLException {
        switch (fields.type(at(column))) {
            case DATE: return getDate(column);
            case TIMESTAMP: case TIMESTAMPTZ: return getTimestamp(column);
            case TIME: {
                Object value = fields.getObject(column - 1);
                return value instanceof LocalTime ? getTime(column) : value;
            }
            default: return fields.getObject(column - 1);
        }
    }

    @Override
    public Object getObject(int column, Map<String, Class<?>> map) throws SQLException {
        return getObject(column);
    }

    @Override
    public <T> T getObject(int column, Class<T> wanted) throws SQLException {
        int index = at(column);
        if (wasNull) return null;
        Object value = number(index, wanted);
        if (value == null) value = moment(column, index, wanted);
        if (value == null) value = other(column, index, wanted);
        if (value == null) throw new java.sql.SQLDataException("column " + column + ": a value of type "
            + fields.type(index) + " is no " + wanted.getName(), "22018");
        return wanted.cast(value);
    }

    private Object number(int index, Class<?> wanted) {
        if (wanted == Long.class) return fields.getLong(index);
        if (wanted == Integer.class) return (int) fields.getWithin(index, Integer.MIN_VALUE, Integer.MAX_VALUE);
        if (wanted == Short.class) return (short) fields.getWithin(index, Short.MIN_VALUE, Short.MAX_VALUE);
        if (wanted == Byte.class) return (byte) fields.getWithin(index, Byte.MIN_VALUE, Byte.MAX_VALUE);
        if (wanted == Double.class) return fields.getDouble(index);
        if (wanted == Float.class) return (float) fields.getDouble(index);
        if (wanted == Boolean.class) return fields.getBoolean(index);
        if (wanted == BigDecimal.class) return fields.getDecimal(index);
        if (wanted == BigInteger.class) return fields.getDecimal(index).toBigInteger();
        return null;
    }

    private Object moment(int column, int index, Class<?> wanted) throws SQLException {
        if (wanted == LocalDate.class) return fields.getDate(index);
        if (wanted == LocalTime.class) return fields.getTime(index);
        if (wanted == LocalDateTime.class) return fields.getDateTime(index);
        if (wanted == Instant.class) return fields.getInstant(index);
        if (wanted == OffsetDateTime.class) return fields.getMoment(index);
        if (wanted == ZonedDateTime.class) return fields.getMoment(index).toZonedDateTime();
        if (wanted == Duration.class) return fields.getDuration(index);
        if (wanted == Date.class) return getDate(column);
        if (wanted == Time.class) return getTime(column);
        if (wanted == Timestamp.class || wanted == java.util.Date.class) return getTimestamp(column);
        return null;
    }

    private Object other(int column, int index, Class<?> wanted) throws SQLException {
        if (wanted == String.class) return fields.getString(index);
        if (wanted == byte[].class) return fields.getBytes(index);
        if (wanted == UUID.class) return fields.getUuid(index);
        if (wanted == Interval.class) return fields.getInterval(index);
        Object value = getObject(column);
        return wanted.isInstance(value) ? value : null;
    }

    @Override
    public InputStream getBinaryStream(int column) throws SQLException {
        byte[] value = getBytes(column);
        return value == null ? null : new ByteArrayInputStream(value);
    }

    @Override
    public InputStream getAsciiStream(int column) throws SQLException {
        String value = getString(column);
        return value == null ? null : new ByteArrayInputStream(value.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public Reader getCharacterStream(int column) throws SQLException {
        String value = getString(column);
        return value == null ? null : new StringReader(value);
    }

    @Override
    public Reader getNCharacterStream(int column) throws SQLException {
        return getCharacterStream(column);
    }

    @Override
    public Blob getBlob(int column) throws SQLException {
        byte[] value = getBytes(column);
        return value == null ? null : new javax.sql.rowset.serial.SerialBlob(value);
    }

    @Override
    public Clob getClob(int column) throws SQLException {
        String value = getString(column);
        return value == null ? null : new javax.sql.rowset.serial.SerialClob(value.toCharArray());
    }

    private static SQLException refused(String what) {
        return new SQLFeatureNotSupportedException(what + " is not supported");
    }

    @Override
    @Deprecated
    public InputStream getUnicodeStream(int column) throws SQLException {
        throw refused("getUnicodeStream");
    }

    @Override
    public NClob getNClob(int column) throws SQLException {
        throw refused("getNClob");
    }

    @Override
    public Ref getRef(int column) throws SQLException {
        throw refused("getRef");
    }

    @Override
    public Array getArray(int column) throws SQLException {
        throw refused("getArray");
    }

    @Override
    public URL getURL(int column) throws SQLException {
        throw refused("getURL");
    }

    @Override
    public RowId getRowId(int column) throws SQLException {
        throw refused("getRowId");
    }

    @Override
    public SQLXML getSQLXML(int column) throws SQLException {
        throw refused("getSQLXML");
    }

    // ---- the same by label ----

    @Override
    public String getString(String label) throws SQLException {
        return getString(at(label));
    }

    @Override
    public String getNString(String label) throws SQLException {
        return getNString(at(label));
    }

    @Override
    public boolean getBoolean(String label) throws SQLException {
        return getBoolean(at(label));
    }

    @Override
    public byte getByte(String label) throws SQLException {
        return getByte(at(label));
    }

    @Override
    public short getShort(String label) throws SQLException {
        return getShort(at(label));
    }

    @Override
    public int getInt(String label) throws SQLException {
        return getInt(at(label));
    }

    @Override
    public long getLong(String label) throws SQLException {
        return getLong(at(label));
    }

    @Override
    public float getFloat(String label) throws SQLException {
        return getFloat(at(label));
    }

    @Override
    public double getDouble(String label) throws SQLException {
        return getDouble(at(label));
    }

    @Override
    public BigDecimal getBigDecimal(String label) throws SQLException {
        return getBigDecimal(at(label));
    }

    @Override
    public byte[] getBytes(String label) throws SQLException {
        return getBytes(at(label));
    }

    @Override
    public Date getDate(String label) throws SQLException {
        return getDate(at(label));
    }

    @Override
    public Time getTime(String label) throws SQLException {
        return getTime(at(label));
    }

    @Override
    public Timestamp getTimestamp(String label) throws SQLException {
        return getTimestamp(at(label));
    }

    @Override
    public Object getObject(String label) throws SQLException {
        return getObject(at(label));
    }

    @Override
    public InputStream getAsciiStream(String label) throws SQLException {
        return getAsciiStream(at(label));
    }

    @Override
    public InputStream getBinaryStream(String label) throws SQLException {
        return getBinaryStream(at(label));
    }

    @Override
    public Reader getCharacterStream(String label) throws SQLException {
        return getCharacterStream(at(label));
    }

    @Override
    public Reader getNCharacterStream(String label) throws SQLException {
        return getNCharacterStream(at(label));
    }

    @Override
    public Blob getBlob(String label) throws SQLException {
        return getBlob(at(label));
    }

    @Override
    public Clob getClob(String label) throws SQLException {
        return getClob(at(label));
    }

    @Override
    public NClob getNClob(String label) throws SQLException {
        return getNClob(at(label));
    }

    @Override
    public Ref getRef(String label) throws SQLException {
        return getRef(at(label));
    }

    @Override
    public Array getArray(String label) throws SQLException {
        return getArray(at(label));
    }

    @Override
    public URL getURL(String label) throws SQLException {
        return getURL(at(label));
    }

    @Override
    public RowId getRowId(String label) throws SQLException {
        return getRowId(at(label));
    }

    @Override
    public SQLXML getSQLXML(String label) throws SQLException {
        return getSQLXML(at(label));
    }

    @Override
    @Deprecated
    public BigDecimal getBigDecimal(String label, int scale) throws SQLException {
        return getBigDecimal(at(label), scale);
    }

    @Override
    @Deprecated
    public InputStream getUnicodeStream(String label) throws SQLException {
        return getUnicodeStream(at(label));
    }

    @Override
    public Date getDate(String label, Calendar zone) throws SQLException {
        return getDate(at(label), zone);
    }

    @Override
    public Time getTime(String label, Calendar zone) throws SQLException {
        return getTime(at(label), zone);
    }

    @Override
    public Timestamp getTimestamp(String label, Calendar zone) throws SQLException {
        return getTimestamp(at(label), zone);
    }

    @Override
    public Object getObject(String label, Map<String, Class<?>> map) throws SQLException {
        return getObject(at(label), map);
    }

    @Override
    public <T> T getObject(String label, Class<T> wanted) throws SQLException {
        return getObject(at(label), wanted);
    }

    // ---- the rest ----

    @Override
    public Statement getStatement() throws SQLException {
        check();
        return statement;
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
    public String getCursorName() throws SQLException {
        throw refused("getCursorName");
    }

    @Override
    public void setFetchDirection(int direction) throws SQLException {
        check();
    }

    @Override
    public int getFetchDirection() throws SQLException {
        check();
        return FETCH_FORWARD;
    }

    @Override
    public void setFetchSize(int rows) throws SQLException {
        check();
    }

    @Override
    public int getFetchSize() throws SQLException {
        check();
        return 0;
    }

    @Override
    public int getType() throws SQLException {
        check();
        return TYPE_FORWARD_ONLY;
    }

    @Override
    public int getConcurrency() throws SQLException {
        check();
        return CONCUR_READ_ONLY;
    }

    @Override
    public int getHoldability() throws SQLException {
        check();
        return ResultSet.CLOSE_CURSORS_AT_COMMIT;
    }

    @Override
    public boolean rowUpdated() {
        return false;
    }

    @Override
    public boolean rowInserted() {
        return false;
    }

    @Override
    public boolean rowDeleted() {
        return false;
    }

    @Override
    public void refreshRow() throws SQLException {
        throw refused("refreshRow");
    }
}
