// SPDX-License-Identifier: MIT
package dev.mtdb;

/** The types that a value can have; the order is that of the library's numbers. */
public enum Type {
    /** SQL NULL, or a column without any value in a block. */
    NULL,
    /** Boolean. */
    BOOL,
    /** Integer, 64 bit. */
    INT64,
    /** Integer without sign, 64 bit. */
    UINT64,
    /** Floating point, 32 bit. */
    FLOAT,
    /** Floating point, 64 bit. */
    DOUBLE,
    /** Decimal number, digit for digit. */
    DECIMAL,
    /** Text. */
    TEXT,
    /** Bytes. */
    BYTES,
    /** A day. */
    DATE,
    /** A time of day, or on MariaDB a duration. */
    TIME,
    /** A moment without a zone. */
    TIMESTAMP,
    /** A moment. */
    TIMESTAMPTZ,
    /** Sixteen bytes. */
    UUID,
    /** JSON as text. */
    JSON,
    /** Months, days, microseconds. */
    INTERVAL,
    /** Values of this column differ in type. */
    VARIANT,
    /** Text of a type of the engine's own. */
    OTHER;

    private static final Type[] ALL = values();

    /**
     * The type with a number.
     *
     * @param number the library's
     * @return the type; BYTES for a number of a newer library
     */
    public static Type of(int number) {
        return number >= 0 && number < ALL.length ? ALL[number] : BYTES;
    }
}
