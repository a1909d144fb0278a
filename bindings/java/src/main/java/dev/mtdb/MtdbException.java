// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.sql.SQLException;

/** A failure that java.sql has no class of its own for. */
public class MtdbException extends SQLException implements MtdbError {
    private static final long serialVersionUID = 1;
    /** All that is known. */
    private final transient Failure failure;

    /**
     * Makes the exception of a failure.
     *
     * @param failure all that is known
     */
    public MtdbException(Failure failure) {
        super(failure.message(), failure.sqlState(),
            failure.nativeCode() != 0 ? (int) failure.nativeCode() : failure.number());
        this.failure = failure;
    }

    @Override
    public Failure failure() {
        return failure;
    }
}
