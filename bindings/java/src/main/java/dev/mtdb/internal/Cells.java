// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Interval;
import dev.mtdb.Status;
import dev.mtdb.Type;
import dev.mtdb.Value;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.UUID;

/** The rows of one column on their way into a block: a type and a number or bytes for each. */
final class Cells {
    private static final int BYTES_CARRIED = 1 << Type.DECIMAL.ordinal() | 1 << Type.TEXT.ordinal()
        | 1 << Type.BYTES.ordinal() | 1 << Type.UUID.ordinal() | 1 << Type.JSON.ordinal()
        | 1 << Type.INTERVAL.ordinal() | 1 << Type.OTHER.ordinal();

    byte[] types;
    long[] slots;
    byte[][] texts;
    int mask;  // of the types that occur
    long heap;  // bytes of all texts

    Cells(int rows) {
        types = new byte[rows];
        slots = new long[rows];
    }

    static boolean inHeap(Type type) {
        return (BYTES_CARRIED >> type.ordinal() & 1) != 0;
    }

    /** The column's type: that of its values, VARIANT when they differ. */
    Type type() {
        int values = mask & ~1;
        if (values == 0) return Type.NULL;
        return (values & values - 1) != 0 ? Type.VARIANT : Type.of(Integer.numberOfTrailingZeros(values));
    }

    void put(int row, Object value) {
        if (value == null) {
            mask |= 1;
        } else if (value instanceof String) {
            putText(row, Type.TEXT, (String) value);
        } else if (value instanceof Long || value instanceof Integer || value instanceof Short
            || value instanceof Byte) {
            putSlot(row, Type.INT64, ((Number) value).longValue());
        } else if (value instanceof Double) {
            putSlot(row, Type.DOUBLE, Double.doubleToRawLongBits((Double) value));
        } else if (value instanceof Boolean) {
            putSlot(row, Type.BOOL, (Boolean) value ? 1 : 0);
        } else if (value instanceof byte[]) {
            putBytes(row, Type.BYTES, (byte[]) value);
        } else if (value instanceof Value) {
            putValue(row, (Value) value);
        } else if (!putNumber(row, value) && !putMoment(row, value) && !putOther(row, value)) {
            throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT,
                "no parameter can be a " + value.getClass().getName()));
        }
    }

    private void putSlot(int row, Type type, long slot) {
        types[row] = (byte) type.ordinal();
        slots[row] = slot;
        mask |= 1 << type.ordinal();
    }

    private void putBytes(int row, Type type, byte[] bytes) {
        if (texts == null) texts = new byte[types.length][];
        texts[row] = bytes;
        heap += bytes.length;
        putSlot(row, type, 0);
    }

    private void putText(int row, Type type, String text) {
        putBytes(row, type, text.getBytes(StandardCharsets.UTF_8));
    }

    private void putValue(int row, Value value) {
        if (inHeap(value.type())) putBytes(row, value.type(), value.bytes());
        else putSlot(row, value.type(), value.slot());
    }

    private boolean putNumber(int row, Object value) {
        if (value instanceof BigDecimal) {
            putText(row, Type.DECIMAL, ((BigDecimal) value).toPlainString());
        } else if (value instanceof BigInteger) {
            BigInteger number = (BigInteger) value;
            if (number.bitLength() < 64) putSlot(row, Type.INT64, number.longValue());
            else if (number.signum() > 0 && number.bitLength() == 64) putSlot(row, Type.UINT64, number.longValue());
            else putText(row, Type.DECIMAL, number.toString());
        } else if (value instanceof Float) {
            putSlot(row, Type.FLOAT, Double.doubleToRawLongBits((Float) value));
        } else {
            return false;
        }
        return true;
    }

    private boolean putMoment(int row, Object value) {
        if (value instanceof LocalDate) putSlot(row, Type.DATE, Moments.days((LocalDate) value));
        else if (value instanceof LocalTime) putSlot(row, Type.TIME, ((LocalTime) value).toNanoOfDay() / 1000);
        else if (value instanceof Duration) putSlot(row, Type.TIME, Moments.micros((Duration) value));
        else if (value instanceof LocalDateTime) putSlot(row, Type.TIMESTAMP, Moments.micros((LocalDateTime) value));
        else if (value instanceof Instant) putSlot(row, Type.TIMESTAMPTZ, Moments.micros((Instant) value));
        else if (value instanceof OffsetDateTime) putSlot(row, Type.TIMESTAMPTZ,
            Moments.micros((OffsetDateTime) value));
        else if (value instanceof ZonedDateTime) putSlot(row, Type.TIMESTAMPTZ,
            Moments.micros(((ZonedDateTime) value).toInstant()));
        else if (value instanceof java.sql.Date) putSlot(row, Type.DATE,
            ((java.sql.Date) value).toLocalDate().toEpochDay());
        else if (value instanceof java.sql.Time) putSlot(row, Type.TIME,
            ((java.sql.Time) value).toLocalTime().toNanoOfDay() / 1000);
        else if (value instanceof java.sql.Timestamp) putSlot(row, Type.TIMESTAMP,
            Moments.micros(((java.sql.Timestamp) value).toLocalDateTime()));
        else if (value instanceof java.util.Date) putSlot(row, Type.TIMESTAMP, Moments.micros(
            LocalDateTime.ofInstant(((java.util.Date) value).toInstant(), java.time.ZoneId.systemDefault())));
        else return false;
        return true;
    }

    private boolean putOther(int row, Object value) {
        if (value instanceof UUID) putValue(row, Value.of((UUID) value));
        else if (value instanceof Interval) putValue(row, Value.of((Interval) value));
        else if (value instanceof Character || value instanceof CharSequence) putText(row, Type.TEXT,
            value.toString());
        else if (value instanceof Enum) putText(row, Type.TEXT, ((Enum<?>) value).name());
        else return false;
        return true;
    }

}
