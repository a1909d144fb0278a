// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A value with its exact type, for parameters whose Java class leaves it open: JSON and a text are both String. Where
 * the class says enough, pass the object itself.
 */
public final class Value {
    private final Type type;
    private final long slot;
    private final byte[] bytes;

    private Value(Type type, long slot, byte[] bytes) {
        this.type = type;
        this.slot = slot;
        this.bytes = bytes;
    }

    /**
     * JSON.
     *
     * @param text the document
     * @return the value
     */
    public static Value json(String text) {
        return ofText(Type.JSON, text);
    }

    /**
     * A value of a type of the engine's own, as its text: an array, a range, an address.
     *
     * @param text as the engine writes it
     * @return the value
     */
    public static Value other(String text) {
        return ofText(Type.OTHER, text);
    }

    /**
     * A value that an integer carries.
     *
     * @param type BOOL, INT64, UINT64 (its bits), DATE (days since 1970), TIME, TIMESTAMP or TIMESTAMPTZ (microseconds)
     * @param number the integer
     * @return the value
     */
    public static Value ofInteger(Type type, long number) {
        switch (type) {
            case BOOL: case INT64: case UINT64: case DATE: case TIME: case TIMESTAMP: case TIMESTAMPTZ:
                return new Value(type, number, null);
            default: throw new IllegalArgumentException(type + " is carried by no integer");
        }
    }

    /**
     * A FLOAT or a DOUBLE.
     *
     * @param type FLOAT or DOUBLE
     * @param number the number
     * @return the value
     */
    public static Value ofReal(Type type, double number) {
        if (type != Type.FLOAT && type != Type.DOUBLE) throw new IllegalArgumentException(type + " is no float");
        return new Value(type, Double.doubleToRawLongBits(number), null);
    }

    /**
     * A value that text carries.
     *
     * @param type TEXT, DECIMAL, JSON or OTHER
     * @param text the text
     * @return the value
     */
    public static Value ofText(Type type, String text) {
        return ofBytes(type, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * A value that bytes carry.
     *
     * @param type TEXT, DECIMAL, JSON or OTHER (UTF-8), BYTES, UUID or INTERVAL (16 bytes)
     * @param bytes the bytes; copied
     * @return the value
     */
    public static Value ofBytes(Type type, byte[] bytes) {
        switch (type) {
            case TEXT: case DECIMAL: case JSON: case OTHER: case BYTES:
                return new Value(type, 0, bytes.clone());
            case UUID: case INTERVAL:
                if (bytes.length != 16) throw new IllegalArgumentException(type + " takes 16 bytes");
                return new Value(type, 0, bytes.clone());
            default: throw new IllegalArgumentException(type + " is not carried by bytes");
        }
    }

    /**
     * An interval.
     *
     * @param interval its parts
     * @return the value
     */
    public static Value of(Interval interval) {
        ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(interval.months()).putInt(interval.days()).putLong(interval.microseconds());
        return new Value(Type.INTERVAL, 0, bytes.array());
    }

    /**
     * A UUID.
     *
     * @param uuid the UUID
     * @return the value
     */
    public static Value of(java.util.UUID uuid) {
        ByteBuffer bytes = ByteBuffer.allocate(16);
        bytes.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
        return new Value(Type.UUID, 0, bytes.array());
    }

    /**
     * The exact type.
     *
     * @return the type
     */
    public Type type() {
        return type;
    }

    /**
     * The integer, or the bits of the double.
     *
     * @return 0 when bytes carry the value
     */
    public long slot() {
        return slot;
    }

    /**
     * The bytes of a value that text or bytes carry.
     *
     * @return a copy; null when an integer or a double carries it
     */
    public byte[] bytes() {
        return bytes == null ? null : bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Value && ((Value) other).type == type && ((Value) other).slot == slot
            && Arrays.equals(((Value) other).bytes, bytes);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * type.hashCode() + Long.hashCode(slot)) + Arrays.hashCode(bytes);
    }

    /** Without the value, which may be a secret. */
    @Override
    public String toString() {
        return "a value of type " + type;
    }
}
