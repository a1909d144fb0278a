// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

/** Options of a transaction. */
public final class TxOptions extends Options<TxOptions> {
    /** Makes an empty set. */
    public TxOptions() {}

    /**
     * Begins a transaction that refuses to write and waits for no writer. Option {@code tx.read_only}.
     *
     * @param value by default false
     * @return this
     */
    public TxOptions readOnly(boolean value) {
        return set("tx.read_only", String.valueOf(value));
    }

    /** Values of {@code tx.isolation}. */
    public enum Isolation {
        /** {@code standard}. */
        STANDARD,
        /** {@code read_committed}. */
        READ_COMMITTED,
        /** {@code repeatable_read}. */
        REPEATABLE_READ,
        /** {@code serializable}. */
        SERIALIZABLE
    }

    /**
     * Isolation of the transaction; standard is the backend's own default. Option {@code tx.isolation}.
     *
     * @param value by default standard
     * @return this
     */
    public TxOptions isolation(Isolation value) {
        return set("tx.isolation", value);
    }

    /**
     * Takes the write lock at begin, where the backend has one. Option {@code tx.immediate}.
     *
     * @param value by default true
     * @return this
     */
    public TxOptions immediate(boolean value) {
        return set("tx.immediate", String.valueOf(value));
    }
}
