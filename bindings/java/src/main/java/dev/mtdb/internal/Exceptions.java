// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Failure;
import dev.mtdb.MtdbError;
import dev.mtdb.MtdbException;
import dev.mtdb.MtdbMigrationException;
import java.sql.SQLDataException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLNonTransientException;
import java.sql.SQLSyntaxErrorException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransactionRollbackException;
import java.sql.SQLTransientConnectionException;
import java.sql.SQLTransientException;

/** Which class of java.sql a status is: the errors table of the guide, in code. */
final class Exceptions {
    private Exceptions() {}

    static Exception of(Failure failure) {
        switch (failure.status()) {
            case INVALID_ARGUMENT: return new Data(failure);
            case CLOSED: case INVALID_STATE: case FORKED: return new NonTransientConnection(failure);
            case MISUSE: return new Misuse(failure);
            case SQL_ERROR: return failure.sqlState().startsWith("42") ? new Syntax(failure) : new Base(failure);
            case NOT_FOUND: case EXISTS: case TENANT_UNKNOWN: case TENANT_OUTDATED: case TENANT_NEWER:
            case DISK_FULL: case IO: case READ_ONLY: return new NonTransient(failure);
            case TX_LOST: case SERIALIZATION: return new Rollback(failure);
            case LIMIT: case BUSY: case POOL_EXHAUSTED: case TENANT_HELD: return new Transient(failure);
            case CONSTRAINT: return new Constraint(failure);
            case TIMEOUT: return new Timeout(failure);
            case UNAVAILABLE: return new TransientConnection(failure);
            case AUTH: case PERMISSION: return new Authorization(failure);
            case MIGRATION_CHECKSUM: case MIGRATION_FAILED: case MIGRATION_DIRTY: case MIGRATION_LOCKED:
                return new MtdbMigrationException(failure);
            case UNSUPPORTED: return new Unsupported(failure);
            default: return new Base(failure);
        }
    }

    private static String message(Failure failure) {
        StringBuilder text = new StringBuilder(failure.message());
        if (failure.line() > 0) text.append(" (line ").append(failure.line()).append(", column ")
            .append(failure.column()).append(')');
        return text.toString();
    }

    private static int code(Failure failure) {
        return failure.nativeCode() != 0 ? (int) failure.nativeCode() : failure.number();
    }

    private static final class Base extends MtdbException {
        private static final long serialVersionUID = 1;

        Base(Failure failure) {
            super(failure);
        }
    }

    private static final class Data extends SQLDataException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Data(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class NonTransientConnection extends SQLNonTransientConnectionException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        NonTransientConnection(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Syntax extends SQLSyntaxErrorException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Syntax(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class NonTransient extends SQLNonTransientException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        NonTransient(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Rollback extends SQLTransactionRollbackException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Rollback(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Transient extends SQLTransientException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Transient(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Constraint extends SQLIntegrityConstraintViolationException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Constraint(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Timeout extends SQLTimeoutException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Timeout(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class TransientConnection extends SQLTransientConnectionException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        TransientConnection(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Authorization extends SQLInvalidAuthorizationSpecException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Authorization(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Unsupported extends SQLFeatureNotSupportedException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Unsupported(Failure failure) {
            super(message(failure), failure.sqlState(), code(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }

    private static final class Misuse extends IllegalStateException implements MtdbError {
        private static final long serialVersionUID = 1;
        private final transient Failure failure;

        Misuse(Failure failure) {
            super(message(failure));
            this.failure = failure;
        }

        @Override
        public Failure failure() {
            return failure;
        }
    }
}
