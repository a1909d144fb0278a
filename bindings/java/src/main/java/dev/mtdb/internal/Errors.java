// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Effect;
import dev.mtdb.Failure;
import dev.mtdb.Status;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Turns what a call left behind into an exception. */
public final class Errors {
    private Errors() {}

    /** The status of a call; throws what a failed one says, and gives its error back. */
    public static int check(int status, long[] error) {
        if (status >= 0) return status;
        throw sneaky(exception(status, error));
    }

    /** The exception for a failed call, whose error is given back. */
    public static Exception exception(int status, long[] error) {
        if (error == null || error[0] == 0) return Exceptions.of(plain(status, "no error object"));
        long address = error[0];
        error[0] = 0;
        try {
            return Exceptions.of(read(address));
        } finally {
            Raw.mtdb_error_release(address);
        }
    }

    /** For a use of something that was closed. */
    public static RuntimeException closed(String noun) {
        return sneaky(Exceptions.of(plain(Raw.MTDB_CLOSED, "the " + noun + " is closed")));
    }

    /** A failure that this layer found itself. */
    public static Exception failure(Status status, String message) {
        return Exceptions.of(plain(status.number(), message));
    }

    /**
     * Throws a checked exception where the signature has none: every public method that leads here declares
     * SQLException.
     */
    @SuppressWarnings("unchecked")
    public static <E extends Throwable> RuntimeException sneaky(Throwable failure) throws E {
        throw (E) failure;
    }

    private static Failure plain(int status, String message) {
        Status known = Status.of(status);
        String state = known == Status.CLOSED || known == Status.INVALID_STATE ? "08003" : "22023";
        return new Failure(known, status, state, 0, "mtdb", Effect.NONE, false, "", message, 0, 0, 0, "", "");
    }

    private static Failure read(long error) {
        int status = Raw.mtdb_error_status(error);
        return new Failure(Status.of(status), status, text(error, Raw.MTDB_ERROR_SQLSTATE),
            Raw.mtdb_error_native(error), text(error, Raw.MTDB_ERROR_ENGINE), Effect.of(Raw.mtdb_error_effect(error)),
            Raw.mtdb_error_retryable(error) != 0, text(error, Raw.MTDB_ERROR_TENANT),
            text(error, Raw.MTDB_ERROR_MESSAGE), Raw.mtdb_error_line(error), Raw.mtdb_error_column(error),
            Raw.mtdb_error_statement(error), text(error, Raw.MTDB_ERROR_SCRIPT), text(error, Raw.MTDB_ERROR_LIMIT));
    }

    private static String text(long error, int field) {
        long[] needed = new long[1];
        ByteBuffer buffer = ByteBuffer.allocateDirect(1024);
        if (Raw.mtdb_error_text(error, field, buffer, needed) == Raw.MTDB_TRUNCATED) {
            buffer = ByteBuffer.allocateDirect((int) needed[0]);
            Raw.mtdb_error_text(error, field, buffer, needed);
        }
        byte[] bytes = new byte[(int) needed[0]];
        buffer.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
