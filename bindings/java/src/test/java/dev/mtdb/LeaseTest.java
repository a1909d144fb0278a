// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.api.Test;

class LeaseTest {
    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void valuesComeBackAsTheyWent(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE v (a BIGINT, b DOUBLE PRECISION, c VARCHAR(100), d DECIMAL(20,4), e DATE,"
                + " f TIMESTAMP, g CHAR(36))");
            UUID uuid = UUID.randomUUID();
            tenant.exec("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?)", Long.MIN_VALUE, 0.1, "gr\u00fcn \ud83d\ude00",
                new BigDecimal("12345.6789"), LocalDate.of(2024, 2, 29), LocalDateTime.of(2024, 2, 29, 12, 30, 5),
                uuid);
            tenant.exec("INSERT INTO v (a, c) VALUES (?, ?)", null, "");
            try (Rows rows = tenant.query("SELECT a, b, c, d, e, f, g FROM v ORDER BY c DESC")) {
                assertTrue(rows.next());
                assertEquals(Long.MIN_VALUE, rows.getLong(0));
                assertEquals(0.1, rows.getDouble(1));
                assertEquals("gr\u00fcn \ud83d\ude00", rows.getString(2));
                assertEquals(0, new BigDecimal("12345.6789").compareTo(rows.getDecimal(3)));
                assertEquals(LocalDate.of(2024, 2, 29), rows.getDate(4));
                assertEquals(LocalDateTime.of(2024, 2, 29, 12, 30, 5), rows.getDateTime(5));
                assertEquals(uuid, rows.getUuid(6));
                assertTrue(rows.next());
                assertTrue(rows.isNull(0));
                assertEquals(0, rows.getLong(0));
                assertEquals("", rows.getString(2));
                assertNull(rows.getObject(3));
                assertTrue(!rows.next());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aHundredThousandRowsArrive(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE n (i BIGINT, t VARCHAR(40))");
            List<Object[]> rows = new ArrayList<>();
            for (long i = 0; i < 100_000; i++) rows.add(new Object[] {i, i % 7 == 0 ? null : "text " + i});
            assertEquals(100_000, tenant.execRows("INSERT INTO n VALUES (?, ?)", rows));
            try (Rows read = tenant.query("SELECT i, t FROM n ORDER BY i")) {
                for (long i = 0; i < 100_000; i++) {
                    assertTrue(read.next());
                    if (read.getLong(0) != i) assertEquals(i, read.getLong(0));
                    String want = i % 7 == 0 ? null : "text " + i;
                    if (!java.util.Objects.equals(want, read.getString(1))) assertEquals(want, read.getString(1));
                }
                assertTrue(!read.next());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void workIsCommittedOrUndone(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE w (a BIGINT)");
            long made = tenant.transaction(lease -> lease.exec("INSERT INTO w VALUES (?)", 1));
            assertEquals(1, made);
            assertThrows(java.io.IOException.class, () -> tenant.transaction(lease -> {
                lease.exec("INSERT INTO w VALUES (2)");
                throw new java.io.IOException("the program's own");
            }));
            assertEquals(List.of(1L), tenant.query("SELECT a FROM w").list(row -> row.getLong(0)));
        }
    }

    @Test
    void workIsTriedAgainWhereThatCures() throws Exception {
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            AtomicInteger tries = new AtomicInteger();
            String made = tenant.transaction(lease -> {
                if (tries.incrementAndGet() < 3) lease.exec("fail SERIALIZATION");
                return "done";
            });
            assertEquals("done 3", made + " " + tries);
            tries.set(0);
            assertThrows(SQLException.class, () -> tenant.transaction(lease -> {
                tries.incrementAndGet();
                return lease.exec("fail CONSTRAINT");
            }));
            assertEquals(1, tries.get());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aBatchIsAllOrNone(String name) throws Exception {
        try (Backend backend = Backend.open(name); Batch batch = new Batch()) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE b (a BIGINT PRIMARY KEY)");
            batch.add("INSERT INTO b VALUES (?)", 1).add("INSERT INTO b VALUES (?)", 2);
            try (Lease lease = tenant.lease()) {
                assertEquals(List.of(1L, 1L), lease.exec(batch).list(row -> row.getLong(1)));
                batch.clear().add("INSERT INTO b VALUES (3)").add("INSERT INTO b VALUES (1)");
                Exception failure = assertThrows(SQLException.class, () -> lease.exec(batch));
                assertEquals(2, MtdbError.of(failure).orElseThrow().statement());
                assertEquals(List.of(2L), lease.query("SELECT COUNT(*) FROM b").list(row -> row.getLong(0)));
            }
        }
    }

    @Test
    void aScopeNamesTheTenantAndEnds() throws Exception {
        try (Db db = Db.open("echo:")) {
            db.tenant("a").create();
            db.tenant("b").create();
            assertThrows(SQLException.class, db::tenant);
            try (TenantScope a = TenantScope.enter("a")) {
                assertEquals("a", db.tenant().id());
                try (TenantScope b = TenantScope.enter("b")) {
                    assertEquals("b", db.tenant().id());
                    assertEquals("a", db.tenant("a").id());
                }
                java.util.concurrent.Callable<String> work = TenantScope.wrap(() -> db.tenant().id());
                String[] seen = new String[2];
                Thread thread = new Thread(() -> {
                    try {
                        seen[0] = work.call();
                        seen[1] = TenantScope.current().orElse("none");
                    } catch (Exception failure) {
                        seen[0] = failure.toString();
                    }
                });
                thread.start();
                thread.join();
                assertEquals("a none", seen[0] + " " + seen[1]);
            }
            assertTrue(TenantScope.current().isEmpty());
        }
    }

    @Test
    void aScopeThatIsForgottenEndsWithTheOneAroundIt() throws Exception {
        TenantScope a = TenantScope.enter("a");
        TenantScope b = TenantScope.enter("b");
        AtomicReference<Throwable> elsewhere = new AtomicReference<>();
        Thread thread = new Thread(a::close);
        thread.setUncaughtExceptionHandler((who, failure) -> elsewhere.set(failure));
        thread.start();
        thread.join();
        assertTrue(elsewhere.get() instanceof IllegalStateException);
        assertEquals("b", TenantScope.current().orElseThrow());
        TenantScope forgotten = TenantScope.enter("c");
        assertThrows(IllegalStateException.class, b::close);
        assertEquals("a", TenantScope.current().orElseThrow());
        forgotten.close();
        b.close();
        assertEquals("a", TenantScope.current().orElseThrow());
        a.close();
        assertTrue(TenantScope.current().isEmpty());
    }

    @Test
    void aTimeoutEndsACall() throws Exception {
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            assertThrows(java.sql.SQLTimeoutException.class,
                () -> tenant.within(Duration.ofMillis(30)).exec("sleep 60000"));
        }
    }
}
