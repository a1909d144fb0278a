// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Errors;
import dev.mtdb.internal.Fields;
import dev.mtdb.internal.Result;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The rows of a query, read from the first to the last by one thread. They come in blocks: a thousand rows take a call
 * or two of the library. Close it; what is read to its end has already given back what it held.
 */
public final class Rows implements Row, AutoCloseable {
    private final Result result;
    private final Fields fields;

    Rows(Result result) {
        this.result = result;
        fields = new Fields(result);
    }

    /** Makes something of a row. */
    @FunctionalInterface
    public interface Mapper<T> {
        /**
         * Makes it.
         *
         * @param row the row; only during this call
         * @return what the row becomes
         * @throws SQLException when a value is of another kind
         */
        T map(Row row) throws SQLException;
    }

    /**
     * On to the next row.
     *
     * @return false behind the last one
     * @throws SQLException when the rows cannot be read on
     */
    public boolean next() throws SQLException {
        return result.next();
    }

    /**
     * Reads all rows that are left, and closes.
     *
     * @param <T> what a row becomes
     * @param mapper makes it
     * @return what the rows became, in order
     * @throws SQLException when the rows cannot be read
     */
    public <T> List<T> list(Mapper<? extends T> mapper) throws SQLException {
        try (Rows rows = this) {
            List<T> list = new ArrayList<>();
            while (rows.next()) list.add(mapper.map(rows));
            return list;
        }
    }

    /**
     * How many columns there are.
     *
     * @return 0 for a statement without rows
     * @throws SQLException when the rows are closed
     */
    public int columnCount() throws SQLException {
        return result.columnCount();
    }

    /**
     * A column's name.
     *
     * @param column from 0
     * @return its name
     * @throws SQLException when there is no such column
     */
    public String columnName(int column) throws SQLException {
        String[] names = result.columnNames();
        if (column >= 0 && column < names.length) return names[column];
        throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT, "there is no column " + column));
    }

    /**
     * A column's type as it was declared, in the engine's words. It never changes a value.
     *
     * @param column from 0
     * @return its type; empty for an expression
     * @throws SQLException when there is no such column
     */
    public String columnDeclared(int column) throws SQLException {
        return result.columnDeclared(column);
    }

    /**
     * The rows that the statement changed.
     *
     * @return 0 for one that reads
     * @throws SQLException when the rows are closed
     */
    public long affected() throws SQLException {
        return result.affected();
    }

    /**
     * The key that the statement generated.
     *
     * @return 0 when it generated none
     * @throws SQLException when the rows are closed
     */
    public long insertId() throws SQLException {
        return result.insertId();
    }

    Result result() {
        return result;
    }

    @Override
    public int column(String name) throws SQLException {
        String[] names = result.columnNames();
        for (int i = 0; i < names.length; i++) if (names[i].equalsIgnoreCase(name)) return i;
        throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT, "there is no column '" + name + "'"));
    }

    @Override
    public Value getValue(int column) throws SQLException {
        Type type = fields.type(column);
        switch (type) {
            case NULL: return null;
            case DECIMAL: case TEXT: case BYTES: case UUID: case JSON: case INTERVAL: case OTHER:
                return Value.ofBytes(type, fields.getBytes(column));
            case FLOAT: case DOUBLE: return Value.ofReal(type, fields.getDouble(column));
            default: return Value.ofInteger(type, fields.getSlot(column));
        }
    }

    @Override
    public boolean isNull(int column) throws SQLException {
        return fields.isNull(column);
    }

    @Override
    public Type type(int column) throws SQLException {
        return fields.type(column);
    }

    @Override
    public long getLong(int column) throws SQLException {
        return fields.getLong(column);
    }

    @Override
    public double getDouble(int column) throws SQLException {
        return fields.getDouble(column);
    }

    @Override
    public boolean getBoolean(int column) throws SQLException {
        return fields.getBoolean(column);
    }

    @Override
    public String getString(int column) throws SQLException {
        return fields.getString(column);
    }

    @Override
    public byte[] getBytes(int column) throws SQLException {
        return fields.getBytes(column);
    }

    @Override
    public BigDecimal getDecimal(int column) throws SQLException {
        return fields.getDecimal(column);
    }

    @Override
    public UUID getUuid(int column) throws SQLException {
        return fields.getUuid(column);
    }

    @Override
    public LocalDate getDate(int column) throws SQLException {
        return fields.getDate(column);
    }

    @Override
    public LocalTime getTime(int column) throws SQLException {
        return fields.getTime(column);
    }

    @Override
    public Duration getDuration(int column) throws SQLException {
        return fields.getDuration(column);
    }

    @Override
    public LocalDateTime getDateTime(int column) throws SQLException {
        return fields.getDateTime(column);
    }

    @Override
    public Instant getInstant(int column) throws SQLException {
        return fields.getInstant(column);
    }

    @Override
    public Interval getInterval(int column) throws SQLException {
        return fields.getInterval(column);
    }

    @Override
    public Object getObject(int column) throws SQLException {
        return fields.getObject(column);
    }

    /** Drops the rows that are left. Idempotent. */
    @Override
    public void close() {
        result.close();
    }
}
