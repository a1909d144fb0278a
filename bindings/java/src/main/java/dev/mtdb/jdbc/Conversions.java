// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Value;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;

/** Parameters of which the program says what type they are to be. */
final class Conversions {
    private Conversions() {}

    static Object to(Object value, int type, int scale) {
        if (value == null) return null;
        switch (type) {
            case Types.BIT: case Types.BOOLEAN: return bool(value);
            case Types.TINYINT: case Types.SMALLINT: case Types.INTEGER: case Types.BIGINT:
                return value instanceof Boolean ? (Boolean) value ? 1L : 0L : integer(value);
            case Types.REAL: case Types.FLOAT: case Types.DOUBLE:
                return value instanceof Number ? ((Number) value).doubleValue() : Double.valueOf(value.toString());
            case Types.DECIMAL: case Types.NUMERIC:
                return decimal(value, scale);
            case Types.CHAR: case Types.VARCHAR: case Types.LONGVARCHAR: case Types.NCHAR: case Types.NVARCHAR:
            case Types.LONGNVARCHAR:
                return value instanceof java.io.Reader || value instanceof java.sql.Clob || value instanceof Value
                    ? value : value.toString();
            case Types.DATE: return value instanceof String ? LocalDate.parse((String) value) : day(value);
            case Types.TIME: return value instanceof String ? LocalTime.parse((String) value) : value;
            case Types.TIMESTAMP:
                return value instanceof String ? LocalDateTime.parse(((String) value).replace(' ', 'T')) : value;
            case Types.OTHER: return value instanceof String ? Value.other((String) value) : value;
            default: return value;
        }
    }

    private static Object bool(Object value) {
        if (value instanceof Number) return ((Number) value).doubleValue() != 0;
        return value instanceof Boolean ? value : Boolean.valueOf(value.toString().equals("1")
            || value.toString().equalsIgnoreCase("true") || value.toString().equalsIgnoreCase("t"));
    }

    private static Object integer(Object value) {
        if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte)
            return ((Number) value).longValue();
        BigDecimal number = new BigDecimal(value.toString()).setScale(0, RoundingMode.DOWN);
        return number.toBigIntegerExact();
    }

    private static Object decimal(Object value, int scale) {
        BigDecimal number = value instanceof BigDecimal ? (BigDecimal) value : new BigDecimal(value.toString());
        return scale > 0 && number.scale() > scale ? number.setScale(scale, RoundingMode.HALF_UP) : number;
    }

    private static Object day(Object value) {
        if (value instanceof java.sql.Timestamp) return ((java.sql.Timestamp) value).toLocalDateTime().toLocalDate();
        return value instanceof LocalDateTime ? ((LocalDateTime) value).toLocalDate() : value;
    }
}
