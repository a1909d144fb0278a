// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.util.Optional;

/**
 * What every exception of a failed call is, besides its class of java.sql: catch those as usual, and ask this for what
 * java.sql has no words for.
 */
public interface MtdbError {
    /**
     * All that is known of the failure.
     *
     * @return the failure
     */
    Failure failure();

    /**
     * The failure behind an exception, its causes included.
     *
     * @param exception may be null
     * @return the failure; empty when this library had no part in it
     */
    static Optional<Failure> of(Throwable exception) {
        for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof MtdbError) return Optional.of(((MtdbError) cause).failure());
        }
        return Optional.empty();
    }
}
