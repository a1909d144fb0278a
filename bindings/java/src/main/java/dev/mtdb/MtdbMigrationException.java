// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.sql.SQLException;

/** A migration that did not go well; the failure names script, statement and line where they are known. */
public final class MtdbMigrationException extends SQLException implements MtdbError {
    private static final long serialVersionUID = 1;
    /** All that is known. */
    private final transient Failure failure;

    /**
     * Makes the exception of a failure.
     *
     * @param failure all that is known
     */
    public MtdbMigrationException(Failure failure) {
        super(failure.message(), failure.sqlState(),
            failure.nativeCode() != 0 ? (int) failure.nativeCode() : failure.number());
        this.failure = failure;
    }

    @Override
    public Failure failure() {
        return failure;
    }
}
