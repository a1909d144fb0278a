// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Calls that write a text or a number. */
public final class Texts {
    private Texts() {}

    /** A call that writes a text into a buffer. */
    @FunctionalInterface
    public interface TextCall {
        /** Makes the call. */
        int at(ByteBuffer buffer, long[] needed, long[] error);
    }

    /** A call about a column that writes a text. */
    @FunctionalInterface
    interface ColumnCall {
        int at(long handle, int column, ByteBuffer buffer, long[] needed, long[] error);
    }

    /** A call that writes a number. */
    @FunctionalInterface
    interface NumberCall {
        int at(long handle, long[] number, long[] error);
    }

    /** Text for a call. Half a surrogate pair becomes a question mark, as Java does it. */
    public static byte[] utf8(String text) {
        if (text == null) throw Errors.sneaky(Errors.failure(dev.mtdb.Status.INVALID_ARGUMENT, "a text is null"));
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The text that a call writes. */
    public static String read(TextCall call) {
        long[] needed = new long[1];
        long[] error = new long[1];
        ByteBuffer buffer = Buffers.take(1);
        int status = Errors.check(call.at(buffer, needed, error), error);
        while (status == Raw.MTDB_TRUNCATED) {
            buffer = Buffers.take(needed[0]);
            status = Errors.check(call.at(buffer, needed, error), error);
        }
        byte[] bytes = new byte[(int) needed[0]];
        buffer.get(0, bytes);
        Buffers.give(buffer);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
