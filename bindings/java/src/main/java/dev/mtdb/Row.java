// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.UUID;

/** A row under a cursor: columns count from 0. SQL NULL is null, and 0 or false for what cannot be null. */
public interface Row {
    /**
     * Whether the value is SQL NULL.
     *
     * @param column from 0
     * @return true for NULL
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    boolean isNull(int column) throws SQLException;

    /**
     * The exact type of the value.
     *
     * @param column from 0
     * @return the type; NULL for SQL NULL
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    Type type(int column) throws SQLException;

    /**
     * The value as an integer.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    long getLong(int column) throws SQLException;

    /**
     * The value as a double.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    double getDouble(int column) throws SQLException;

    /**
     * The value as a boolean.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    boolean getBoolean(int column) throws SQLException;

    /**
     * The value as text.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    String getString(int column) throws SQLException;

    /**
     * The value as bytes.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    byte[] getBytes(int column) throws SQLException;

    /**
     * The value as a decimal number.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    BigDecimal getDecimal(int column) throws SQLException;

    /**
     * The value as a UUID.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    UUID getUuid(int column) throws SQLException;

    /**
     * The value as a day; PostgreSQL's infinities are MAX and MIN.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    LocalDate getDate(int column) throws SQLException;

    /**
     * The value as a time of day.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    LocalTime getTime(int column) throws SQLException;

    /**
     * The value as a duration: a TIME of any length.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    Duration getDuration(int column) throws SQLException;

    /**
     * The value as a moment without a zone.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    LocalDateTime getDateTime(int column) throws SQLException;

    /**
     * The value as a moment.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    Instant getInstant(int column) throws SQLException;

    /**
     * The value as an interval.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    Interval getInterval(int column) throws SQLException;

    /**
     * The value as the Java class that is nearest to its type.
     *
     * @param column from 0
     * @return the value
     * @throws SQLException when there is no such column, or the value is of another kind
     */
    Object getObject(int column) throws SQLException;

    /**
     * The number of a column.
     *
     * @param name its name; letters of either case
     * @return its number, from 0
     * @throws SQLException when no column has that name
     */
    int column(String name) throws SQLException;

    /**
     * The exact value, in no conversion.
     *
     * @param column from 0
     * @return the value; null for SQL NULL
     * @throws SQLException when there is no such column
     */
    Value getValue(int column) throws SQLException;
}
