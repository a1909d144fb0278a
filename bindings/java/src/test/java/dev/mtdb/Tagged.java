// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Locale;

/** Values as the shared vectors write them: a tag, a colon, and the value. */
final class Tagged {
    private Tagged() {}

    /** The value; null for null. */
    static Value parse(Object tagged) {
        if (tagged == null) return null;
        String text = (String) tagged;
        String tag = text.substring(0, text.indexOf(':'));
        String rest = text.substring(tag.length() + 1);
        switch (tag) {
            case "bool": return Value.ofInteger(Type.BOOL, Long.parseLong(rest));
            case "int64": case "date": case "time": case "timestamp": case "timestamptz":
                return Value.ofInteger(type(tag), Long.parseLong(rest));
            case "uint64": return Value.ofInteger(Type.UINT64, Long.parseUnsignedLong(rest));
            case "float": return Value.ofReal(Type.FLOAT, (float) real(rest));
            case "double": return Value.ofReal(Type.DOUBLE, real(rest));
            case "decimal": case "text": case "json": case "other": return Value.ofText(type(tag), rest);
            case "text-hex": return Value.ofBytes(Type.TEXT, HexFormat.of().parseHex(rest));
            case "text-repeat": {
                int star = rest.indexOf('*');
                return Value.ofText(Type.TEXT, rest.substring(star + 1).repeat(Integer.parseInt(rest, 0, star, 10)));
            }
            case "bytes": case "uuid": return Value.ofBytes(type(tag), HexFormat.of().parseHex(rest));
            case "interval": return interval(rest.split(","));
            default: throw new IllegalArgumentException("no tag " + tag);
        }
    }

    private static double real(String text) {
        if (text.equals("inf")) return Double.POSITIVE_INFINITY;
        return text.equals("-inf") ? Double.NEGATIVE_INFINITY : Double.parseDouble(text);
    }

    private static Value interval(String[] parts) {
        ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(Integer.parseInt(parts[0])).putInt(Integer.parseInt(parts[1])).putLong(Long.parseLong(parts[2]));
        return Value.ofBytes(Type.INTERVAL, bytes.array());
    }

    static Type type(String tag) {
        return Type.valueOf(tag.toUpperCase(Locale.ROOT));
    }

    /** For messages. */
    static String shown(Value value) {
        if (value == null) return "null";
        byte[] bytes = value.bytes();
        String rest = bytes == null ? Long.toString(value.slot())
            : bytes.length > 40 ? bytes.length + " bytes" : HexFormat.of().formatHex(bytes);
        return value.type() + ":" + rest;
    }
}
