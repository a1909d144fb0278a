// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Status;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

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
        if (text == null) throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT, "a text is null"));
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Ids for a call that takes them by line. None would mean all: it is refused. */
    public static byte[] lines(Collection<String> ids) {
        if (ids.isEmpty()) throw Errors.sneaky(Errors.failure(Status.INVALID_ARGUMENT,
            "the list of tenants is empty; null means all tenants"));
        for (String id : ids) {
            if (id == null || id.isEmpty() || id.indexOf('\n') >= 0) throw Errors.sneaky(Errors.failure(
                Status.INVALID_ARGUMENT, "a tenant's id in the list is empty or has a line break"));
        }
        return utf8(String.join("\n", ids));
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
