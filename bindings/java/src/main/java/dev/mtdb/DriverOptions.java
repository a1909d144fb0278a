// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

import java.time.Duration;

/** Options of {@link MigrationDriver}. */
public final class DriverOptions extends Options<DriverOptions> {
    /** Makes an empty set. */
    public DriverOptions() {}

    /**
     * Name of a driver's version table. Option {@code driver.table}.
     *
     * @param value by default schema_migrations
     * @return this
     */
    public DriverOptions table(String value) {
        return set("driver.table", value);
    }

    /**
     * On PostgreSQL, driver.table is written in double quotes, and may have a schema in front. Option
     * {@code driver.table_quoted}.
     *
     * @param value by default false
     * @return this
     */
    public DriverOptions tableQuoted(boolean value) {
        return set("driver.table_quoted", String.valueOf(value));
    }

    /**
     * How long a text may run, or each of its statements with driver.multi_statement; 0 for no end. Option
     * {@code driver.statement_timeout_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public DriverOptions statementTimeout(Duration value) {
        return set("driver.statement_timeout_ms", value);
    }

    /**
     * On PostgreSQL, runs the statements of a text one by one, each in a transaction of its own. Option
     * {@code driver.multi_statement}.
     *
     * @param value by default false
     * @return this
     */
    public DriverOptions multiStatement(boolean value) {
        return set("driver.multi_statement", String.valueOf(value));
    }

    /**
     * Bytes that a statement of such a text may have. Option {@code driver.statement_size_max_bytes}.
     *
     * @param value by default 10485760
     * @return this
     */
    public DriverOptions statementSizeMaxBytes(long value) {
        return set("driver.statement_size_max_bytes", String.valueOf(value));
    }

    /** Values of {@code driver.lock}. */
    public enum Lock {
        /** {@code advisory}. */
        ADVISORY,
        /** {@code table}. */
        TABLE,
        /** {@code none}. */
        NONE
    }

    /**
     * What keeps other migrators out: the server's locks or the file's, a row of a table, or nothing. Option
     * {@code driver.lock}.
     *
     * @param value by default advisory
     * @return this
     */
    public DriverOptions lock(Lock value) {
        return set("driver.lock", value);
    }

    /**
     * Name of that table. Option {@code driver.lock_table}.
     *
     * @param value by default schema_lock
     * @return this
     */
    public DriverOptions lockTable(String value) {
        return set("driver.lock_table", value);
    }

    /**
     * On SQLite, runs a text without a transaction around it. Option {@code driver.no_tx_wrap}.
     *
     * @param value by default false
     * @return this
     */
    public DriverOptions noTxWrap(boolean value) {
        return set("driver.no_tx_wrap", String.valueOf(value));
    }
}
