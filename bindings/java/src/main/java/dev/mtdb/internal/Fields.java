// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Interval;
import dev.mtdb.Status;
import dev.mtdb.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.UUID;

/**
 * The values of a result's present row, each as the Java type that is asked for. What cannot be converted without a
 * loss is an error; SQL NULL is null, and 0 or false for what cannot be null.
 */
public final class Fields {
    private final Result result;

    /** The fields of a result. */
    public Fields(Result result) {
        this.result = result;
    }

    /** The type of a value; NULL for SQL NULL. */
    public Type type(int column) {
        return Type.of(code(column));
    }

    private int code(int column) {
        int row = result.row();
        Block block = result.block();
        if (column < 0 || column >= block.columns()) throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT,
            "there is no column " + column + ", only " + block.columns()));
        return block.type(row, column);
    }

    private long slot(int column) {
        int row = result.row();
        return result.block().slot(row, column);
    }

    private double real(int column) {
        return Double.longBitsToDouble(slot(column));
    }

    private String text(int column) {
        int row = result.row();
        return result.block().text(row, column);
    }

    private RuntimeException unfit(int column, String wanted) {
        return Errors.sneaky(new java.sql.SQLDataException("column " + (column + 1) + ": a value of type "
            + type(column) + " is no " + wanted, "22018"));
    }

    /** Whether the value is SQL NULL. */
    public boolean isNull(int column) {
        return code(column) == 0;
    }

    /** The value as an integer of 64 bits. */
    public long getLong(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_INT64: case Raw.MTDB_TYPE_BOOL: return slot(column);
            case Raw.MTDB_TYPE_NULL: return 0;
            case Raw.MTDB_TYPE_UINT64:
                if (slot(column) < 0) throw unfit(column, "long");
                return slot(column);
            case Raw.MTDB_TYPE_FLOAT: case Raw.MTDB_TYPE_DOUBLE: return fromDouble(column);
            case Raw.MTDB_TYPE_DECIMAL: case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_OTHER: return parsed(column);
            case Raw.MTDB_TYPE_BYTES: case Raw.MTDB_TYPE_JSON: case Raw.MTDB_TYPE_UUID: case Raw.MTDB_TYPE_INTERVAL:
                throw unfit(column, "number");
            default: return slot(column);
        }
    }

    private long fromDouble(int column) {
        double value = real(column);
        if (value >= -0x1p63 && value < 0x1p63) return (long) value;
        throw unfit(column, "long");
    }

    private long parsed(int column) {
        try {
            return new BigDecimal(text(column).trim()).setScale(0, RoundingMode.DOWN).longValueExact();
        } catch (ArithmeticException | NumberFormatException noNumber) {
            throw unfit(column, "long");
        }
    }

    /** The value as an integer between two bounds. */
    public long getWithin(int column, long least, long most) {
        long value = getLong(column);
        if (value >= least && value <= most) return value;
        throw Errors.sneaky(new java.sql.SQLDataException("column " + (column + 1)
            + ": the number does not fit the type that was asked for", "22003"));
    }

    /** The value as a double. */
    public double getDouble(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_DOUBLE: case Raw.MTDB_TYPE_FLOAT: return real(column);
            case Raw.MTDB_TYPE_NULL: return 0;
            case Raw.MTDB_TYPE_INT64: case Raw.MTDB_TYPE_BOOL: return slot(column);
            case Raw.MTDB_TYPE_UINT64: return getDecimal(column).doubleValue();
            case Raw.MTDB_TYPE_DECIMAL: case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_OTHER:
                try {
                    return Double.parseDouble(text(column).trim());
                } catch (NumberFormatException noNumber) {
                    throw unfit(column, "double");
                }
            default: throw unfit(column, "double");
        }
    }

    /** The value as a decimal number. */
    public BigDecimal getDecimal(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_INT64: case Raw.MTDB_TYPE_BOOL: return BigDecimal.valueOf(slot(column));
            case Raw.MTDB_TYPE_UINT64: return new BigDecimal(unsigned(slot(column)));
            default:
        }
        try {
            return type(column) == Type.DOUBLE || type(column) == Type.FLOAT ? BigDecimal.valueOf(real(column))
                : new BigDecimal(text(column).trim());
        } catch (NumberFormatException noNumber) {
            throw unfit(column, "decimal number");
        }
    }

    private static BigInteger unsigned(long bits) {
        return new BigInteger(Long.toUnsignedString(bits));
    }

    /** The value as a boolean: numbers other than 0 are true, texts are t, true, y, yes, on, 1 and their opposites. */
    public boolean getBoolean(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_BOOL: case Raw.MTDB_TYPE_INT64: case Raw.MTDB_TYPE_UINT64: return slot(column) != 0;
            case Raw.MTDB_TYPE_NULL: return false;
            case Raw.MTDB_TYPE_DOUBLE: case Raw.MTDB_TYPE_FLOAT: return real(column) != 0;
            default:
        }
        switch (getString(column).trim().toLowerCase(java.util.Locale.ROOT)) {
            case "t": case "true": case "y": case "yes": case "on": case "1": return true;
            case "f": case "false": case "n": case "no": case "off": case "0": return false;
            default: throw unfit(column, "boolean");
        }
    }

    /** The value as text; bytes are read as UTF-8. */
    public String getString(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_DECIMAL: case Raw.MTDB_TYPE_JSON: case Raw.MTDB_TYPE_OTHER:
                return text(column);
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_INT64: return Long.toString(slot(column));
            case Raw.MTDB_TYPE_BYTES:
                return new String(getBytes(column), java.nio.charset.StandardCharsets.UTF_8);
            case Raw.MTDB_TYPE_FLOAT: return Float.toString((float) real(column));
            case Raw.MTDB_TYPE_TIME: return clock(slot(column));
            case Raw.MTDB_TYPE_TIMESTAMP: return shown(Moments.local(slot(column)));
            case Raw.MTDB_TYPE_TIMESTAMPTZ: return shown(Moments.local(slot(column))) + "+00:00";
            case Raw.MTDB_TYPE_INTERVAL: return shown(getInterval(column));
            default: return getObject(column).toString();
        }
    }

    private static String clock(long micros) {
        long whole = Math.abs(micros) / 1_000_000;
        String text = String.format(java.util.Locale.ROOT, "%s%02d:%02d:%02d", micros < 0 ? "-" : "", whole / 3600,
            whole / 60 % 60, whole % 60);
        long rest = Math.abs(micros) % 1_000_000;
        return rest == 0 ? text : text + String.format(java.util.Locale.ROOT, ".%06d", rest);
    }

    private static String shown(LocalDateTime moment) {
        if (moment.equals(LocalDateTime.MAX)) return "infinity";
        if (moment.equals(LocalDateTime.MIN)) return "-infinity";
        long micros = Moments.micros(Duration.ofNanos(moment.toLocalTime().toNanoOfDay()));
        return moment.toLocalDate() + " " + clock(micros);
    }

    private static String shown(Interval interval) {
        return "P" + interval.months() + "M" + interval.days() + "DT"
            + BigDecimal.valueOf(interval.microseconds(), 6).stripTrailingZeros().toPlainString() + "S";
    }

    /** The value as bytes; text as its UTF-8. */
    public byte[] getBytes(int column) {
        int code = code(column);
        if (code == 0) return null;
        if (Cells.inHeap(Type.of(code))) return result.block().bytes(result.row(), column);
        throw unfit(column, "array of bytes");
    }

    /** The value as a UUID; text is parsed. */
    public UUID getUuid(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_UUID: return result.block().uuid(result.row(), column);
            default:
        }
        try {
            return UUID.fromString(getString(column));
        } catch (IllegalArgumentException noUuid) {
            throw unfit(column, "UUID");
        }
    }

    /** The value as an interval. */
    public Interval getInterval(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_INTERVAL: return result.block().interval(result.row(), column);
            default: throw unfit(column, "interval");
        }
    }

    /** The value as a duration: a TIME of any length. */
    public Duration getDuration(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_TIME: return Moments.duration(slot(column));
            default: return Duration.ofNanos(getTime(column).toNanoOfDay());
        }
    }

    /** The value as a day. */
    public LocalDate getDate(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_DATE: return Moments.date(slot(column));
            default: return getDateTime(column).toLocalDate();
        }
    }

    /** The value as a time of day. */
    public LocalTime getTime(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_TIME: return Moments.time(slot(column));
            case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_OTHER:
                if (text(column).indexOf('-') < 0) return parsedTime(column);
                break;
            default:
        }
        return getDateTime(column).toLocalTime();
    }

    private LocalTime parsedTime(int column) {
        try {
            return LocalTime.parse(text(column).trim());
        } catch (java.time.DateTimeException noTime) {
            throw unfit(column, "time");
        }
    }

    /** The value as a moment without a zone. A TIMESTAMPTZ is shown in the zone of the JVM. */
    public LocalDateTime getDateTime(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_TIMESTAMP: return Moments.local(slot(column));
            case Raw.MTDB_TYPE_DATE: return Moments.date(slot(column)).atStartOfDay();
            case Raw.MTDB_TYPE_TIMESTAMPTZ: case Raw.MTDB_TYPE_INT64:
                return LocalDateTime.ofInstant(getInstant(column), java.time.ZoneId.systemDefault());
            case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_OTHER: return parsedMoment(column);
            default: throw unfit(column, "date or time");
        }
    }

    // As SQLite writes them: a day, or a day and a time with a blank or a T between, perhaps with an offset.
    private LocalDateTime parsedMoment(int column) {
        String text = text(column).trim();
        try {
            if (text.length() <= 10) return LocalDate.parse(text).atStartOfDay();
            String moment = text.replace(' ', 'T');
            if (!zoned(moment)) return LocalDateTime.parse(moment);
            return OffsetDateTime.parse(moment).atZoneSameInstant(java.time.ZoneId.systemDefault())
                .toLocalDateTime();
        } catch (java.time.DateTimeException noMoment) {
            throw unfit(column, "date or time");
        }
    }

    private static boolean zoned(String moment) {
        return moment.endsWith("Z") || moment.indexOf('+') > 0 || moment.lastIndexOf('-') > 9;
    }

    /** The value as a moment. An INT64 counts milliseconds since 1970; what has no zone is in that of the JVM. */
    public Instant getInstant(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_INT64: return Instant.ofEpochMilli(slot(column));
            case Raw.MTDB_TYPE_TIMESTAMPTZ: return Moments.moment(slot(column)).toInstant();
            default: return getDateTime(column).atZone(java.time.ZoneId.systemDefault()).toInstant();
        }
    }

    /** The value as a moment in UTC. */
    public OffsetDateTime getMoment(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_TIMESTAMPTZ: return Moments.moment(slot(column));
            default: return getInstant(column).atOffset(ZoneOffset.UTC);
        }
    }

    /** The value as the Java class that is nearest to its type. */
    public Object getObject(int column) {
        switch (code(column)) {
            case Raw.MTDB_TYPE_NULL: return null;
            case Raw.MTDB_TYPE_BOOL: return slot(column) != 0;
            case Raw.MTDB_TYPE_INT64: return slot(column);
            case Raw.MTDB_TYPE_UINT64: return unsigned(slot(column));
            case Raw.MTDB_TYPE_FLOAT: return (float) real(column);
            case Raw.MTDB_TYPE_DOUBLE: return real(column);
            case Raw.MTDB_TYPE_DECIMAL: return decimalOrText(column);
            case Raw.MTDB_TYPE_TEXT: case Raw.MTDB_TYPE_JSON: case Raw.MTDB_TYPE_OTHER: return text(column);
            case Raw.MTDB_TYPE_DATE: return Moments.date(slot(column));
            case Raw.MTDB_TYPE_TIME:
                return Moments.ofDay(slot(column)) ? getTime(column) : getDuration(column);
            case Raw.MTDB_TYPE_TIMESTAMP: return Moments.local(slot(column));
            case Raw.MTDB_TYPE_TIMESTAMPTZ: return Moments.moment(slot(column));
            case Raw.MTDB_TYPE_UUID: return getUuid(column);
            case Raw.MTDB_TYPE_INTERVAL: return getInterval(column);
            default: return getBytes(column);
        }
    }

    // PostgreSQL's numeric has NaN and infinities, which BigDecimal has not.
    private Object decimalOrText(int column) {
        String text = text(column);
        char last = text.charAt(text.length() - 1);
        return Character.isDigit(last) ? new BigDecimal(text) : Double.valueOf(text);
    }

    /** The number that carries a value, or the bits of a double: for those who want the exact value. */
    public long getSlot(int column) {
        code(column);
        return slot(column);
    }
}
