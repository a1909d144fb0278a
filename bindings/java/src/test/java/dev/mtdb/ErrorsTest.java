// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLDataException;
import java.sql.SQLException;
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
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ErrorsTest {
    private static final Map<Status, Class<?>> CLASSES = new EnumMap<>(Status.class);

    private static void are(Class<?> type, Status... statuses) {
        for (Status status : statuses) CLASSES.put(status, type);
    }

    static {
        are(SQLDataException.class, Status.INVALID_ARGUMENT);
        are(SQLNonTransientConnectionException.class, Status.CLOSED, Status.INVALID_STATE, Status.FORKED);
        are(IllegalStateException.class, Status.MISUSE);
        are(SQLSyntaxErrorException.class, Status.SQL_ERROR);
        are(SQLNonTransientException.class, Status.NOT_FOUND, Status.EXISTS, Status.TENANT_UNKNOWN,
            Status.TENANT_OUTDATED, Status.TENANT_NEWER, Status.DISK_FULL, Status.IO, Status.READ_ONLY);
        are(SQLTransactionRollbackException.class, Status.TX_LOST, Status.SERIALIZATION);
        are(SQLTransientException.class, Status.LIMIT, Status.BUSY, Status.POOL_EXHAUSTED, Status.TENANT_HELD);
        are(SQLIntegrityConstraintViolationException.class, Status.CONSTRAINT);
        are(SQLTimeoutException.class, Status.TIMEOUT);
        are(SQLTransientConnectionException.class, Status.UNAVAILABLE);
        are(SQLInvalidAuthorizationSpecException.class, Status.AUTH, Status.PERMISSION);
        are(MtdbMigrationException.class, Status.MIGRATION_CHECKSUM, Status.MIGRATION_FAILED,
            Status.MIGRATION_DIRTY, Status.MIGRATION_LOCKED);
        are(SQLFeatureNotSupportedException.class, Status.UNSUPPORTED);
        are(SQLException.class, Status.CANCELLED, Status.CORRUPT, Status.INTERNAL, Status.NOMEM);
    }

    @Test
    void everyStatusHasItsClass() throws Exception {
        EnumSet<Status> errors = EnumSet.range(Status.INVALID_ARGUMENT, Status.INTERNAL);
        assertEquals(errors, CLASSES.keySet());
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            for (Status status : errors) {
                Exception failure = assertThrows(Exception.class, () -> {
                    try (Rows rows = tenant.query("fail " + status + " 'said so'")) {
                        rows.next();
                    }
                }, status.name());
                assertInstanceOf(CLASSES.get(status), failure);
                assertEquals(status, MtdbError.of(failure).orElseThrow().status());
                if (failure instanceof SQLException)
                    assertEquals(5, ((SQLException) failure).getSQLState().length());
            }
        }
    }

    @Test
    void aNumberOfANewerLibraryIsTheBaseClass() throws Exception {
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            Exception failure = assertThrows(Exception.class, () -> tenant.query("fail -77").next());
            Failure known = MtdbError.of(failure).orElseThrow();
            assertTrue(known.status() == Status.UNKNOWN || known.status() == Status.INVALID_ARGUMENT
                || known.status() == Status.SQL_ERROR, known.toString());
        }
    }

    @Test
    void aPlaceIsTold() throws Exception {
        try (Db db = Db.open("sqlite::memory:")) {
            Tenant tenant = db.tenant("acme").create();
            Failure known = MtdbError.of(assertThrows(SQLSyntaxErrorException.class,
                () -> tenant.exec("SELECT 1\n FROM FROM"))).orElseThrow();
            assertEquals("2:7 acme sqlite", known.line() + ":" + known.column() + " " + known.tenant() + " "
                + known.engine());
        }
    }

    @Test
    void useAfterCloseIsAnException() throws Exception {
        Db db = Db.open("echo:");
        Lease lease = db.tenant("acme").create().lease();
        Rows rows = lease.query("rows 3");
        assertTrue(rows.next());
        rows.close();
        assertThrows(SQLNonTransientConnectionException.class, rows::next);
        assertThrows(SQLNonTransientConnectionException.class, () -> rows.getLong(0));
        Rows open = lease.query("rows 3");
        lease.close();
        lease.close();
        assertThrows(SQLNonTransientConnectionException.class, open::next);
        open.close();
        assertThrows(SQLNonTransientConnectionException.class, () -> lease.exec("write 1"));
        db.close();
        db.close();
        assertThrows(SQLNonTransientConnectionException.class, () -> db.tenant("acme").ping());
    }
}
