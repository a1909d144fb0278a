// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LifecycleTest {
    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aThousandAbandonedLeasesAreGivenBackAndReported(String name) throws Exception {
        int leases = Backend.scaled(1000);
        DbOptions options = new DbOptions().poolSizeMax(8).eventsQueue(8192).acquireTimeout(Duration.ofSeconds(60));
        try (Backend backend = Backend.open(name, options)) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE t (a INTEGER)");
            tenant.exec("CREATE TABLE many (n BIGINT)");
            tenant.execRows("INSERT INTO many VALUES (?)", numbers(300));
            // The pool has eight: the others come only when the abandoned ones are given back.
            Thread collector = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    System.gc();
                    java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
                }
            });
            collector.setDaemon(true);
            collector.start();
            int reported = 0;
            try (Events events = backend.db.events()) {
                for (int i = 0; i < leases; i++) abandon(tenant, i);
                while (reported < leases) {
                    List<Event> some = events.poll(Duration.ofSeconds(30));
                    assertTrue(!some.isEmpty(), "only " + reported + " were reported");
                    for (Event event : some) if (event.name().equals("lease.abandoned")) reported++;
                }
            } finally {
                collector.interrupt();
                collector.join();
            }
            assertEquals(leases, reported);
            assertEquals(List.of(0L), tenant.query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
        }
    }

    private static List<Object[]> numbers(int count) {
        List<Object[]> rows = new ArrayList<>();
        for (long i = 0; i < count; i++) rows.add(new Object[] {i});
        return rows;
    }

    // Also with half-read rows and an open transaction.
    private static void abandon(Tenant tenant, int i) throws SQLException {
        Lease lease = tenant.lease(new LeaseOptions().tag("abandoned " + i));
        if (i % 3 == 0) {
            Rows rows = lease.query("SELECT a.n FROM many a, many b");
            assertTrue(rows.next());
        } else if (i % 50 == 1) {
            lease.begin();
            lease.exec("INSERT INTO t VALUES (?)", i);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void tenThousandCancelsHitTheirOwnCallOnly(String name) throws Exception {
        int rounds = Backend.scaled(10_000);
        try (Backend backend = Backend.open(name)) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE c (a BIGINT)");
            tenant.execRows("INSERT INTO c VALUES (?)", numbers(200));
            String slow = "SELECT count(*) FROM c x, c y";
            AtomicInteger ended = new AtomicInteger();
            ExecutorService canceller = Executors.newSingleThreadExecutor();
            try (Lease lease = tenant.lease()) {
                for (long round = 0; round < rounds; round++) {
                    end(lease, slow, round, canceller, ended);
                    assertEquals(List.of(round), lease.query("SELECT a + ? FROM c WHERE a = 0", round)
                        .list(row -> row.getLong(0)));
                }
            } finally {
                canceller.shutdownNow();
            }
            // How many came in time is the machine's affair.
            assertTrue(ended.get() > 0);
        }
    }

    // By cancel, by interrupt, by deadline, in turn.
    private static void end(Lease lease, String slow, long round, ExecutorService canceller, AtomicInteger ended)
            throws Exception {
        Thread me = Thread.currentThread();
        long pause = java.util.concurrent.ThreadLocalRandom.current().nextLong(1, 1_500_000);
        Future<?> pending = null;
        if (round % 3 == 2) lease.within(Duration.ofMillis(round % 2));
        else pending = canceller.submit(() -> {
            java.util.concurrent.locks.LockSupport.parkNanos(pause);
            if (round % 3 == 0) lease.cancel();
            else me.interrupt();
        });
        try (Rows rows = lease.query(slow)) {
            rows.next();
        } catch (SQLException failure) {
            Status want = round % 3 == 2 ? Status.TIMEOUT : Status.CANCELLED;
            assertEquals(want, MtdbError.of(failure).orElseThrow().status(), failure.toString());
            if (want == Status.CANCELLED) ended.incrementAndGet();
        }
        // What comes late must have come, and gone, before the next call is looked at.
        while (pending != null && !pending.isDone()) Thread.onSpinWait();
        Thread.interrupted();
        lease.within(null);
    }

    @Test
    void aCancelDuringAWaitForAConnectionEndsIt() throws Exception {
        try (Backend backend = Backend.open("sqlite", new DbOptions().poolSizeMax(1))) {
            Tenant tenant = backend.tenant();
            try (Lease only = tenant.lease()) {
                Thread waiter = Thread.currentThread();
                Thread interrupter = new Thread(() -> {
                    java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
                    waiter.interrupt();
                });
                interrupter.start();
                Exception failure = assertThrows(SQLException.class, tenant::lease);
                assertEquals(Status.CANCELLED, MtdbError.of(failure).orElseThrow().status());
                assertTrue(Thread.interrupted(), "the flag is kept");
                interrupter.join();
                assertEquals(1, only.query("SELECT 1").list(row -> row.getLong(0)).size());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aHundredThreadsOverMixedTenantsSeeTheirOwn(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            List<Tenant> tenants = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Tenant tenant = backend.tenant();
                tenant.exec("CREATE TABLE own (id VARCHAR(64))");
                tenant.exec("INSERT INTO own VALUES (?)", tenant.id());
                tenants.add(tenant);
            }
            ExecutorService threads = Executors.newFixedThreadPool(100);
            CountDownLatch start = new CountDownLatch(1);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int first = i;
                all.add(threads.submit(() -> {
                    start.await();
                    for (int round = 0; round < 20; round++) {
                        Tenant tenant = tenants.get((first + round) % tenants.size());
                        try (TenantScope scope = TenantScope.enter(tenant.id())) {
                            assertEquals(List.of(tenant.id()),
                                backend.db.tenant().query("SELECT id FROM own").list(row -> row.getString(0)));
                        }
                    }
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> one : all) one.get(120, TimeUnit.SECONDS);
            threads.shutdown();
        }
    }

    @Test
    void twoThreadsInOneLeaseAreMisuse() throws Exception {
        try (Db db = Db.open("echo:"); Lease lease = db.tenant("acme").create().lease()) {
            Thread sleeper = new Thread(() -> {
                for (boolean inside = false; !inside;) {
                    try {
                        inside = true;
                        lease.exec("sleep 60000");
                    } catch (IllegalStateException misuse) {
                        // The other one was in it.
                        inside = MtdbError.of(misuse).orElseThrow().status() != Status.MISUSE;
                    } catch (SQLException cancelled) {
                        // As it should be.
                    }
                }
            });
            sleeper.start();
            IllegalStateException misuse = null;
            while (misuse == null && sleeper.isAlive()) {
                try {
                    lease.insertId();
                } catch (IllegalStateException refused) {
                    misuse = refused;
                }
            }
            assertEquals(Status.MISUSE, MtdbError.of(misuse).orElseThrow().status());
            while (sleeper.isAlive()) {
                lease.cancel();
                sleeper.join(5);
            }
        }
    }

    @Test
    void aResolverIsAskedOncePerTenant() throws Exception {
        ConcurrentHashMap<String, AtomicInteger> asked = new ConcurrentHashMap<>();
        DbOptions options = new DbOptions().resolver(tenant -> {
            asked.computeIfAbsent(tenant, name -> new AtomicInteger()).incrementAndGet();
            if (tenant.equals("broken")) throw new java.io.IOException("the directory is down");
            return tenant.equals("ghost") ? null : tenant + "-place.db";
        });
        try (Backend backend = Backend.open("sqlite", options)) {
            Tenant acme = backend.db.tenant("acme").create();
            acme.exec("CREATE TABLE t (a)");
            assertEquals(List.of(0L), acme.query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
            assertEquals(1, asked.get("acme").get());
            Exception ghost = assertThrows(SQLException.class, () -> backend.db.tenant("ghost").ping());
            assertEquals(Status.TENANT_UNKNOWN, MtdbError.of(ghost).orElseThrow().status());
            Exception broken = assertThrows(SQLException.class, () -> backend.db.tenant("broken").ping());
            assertEquals(Status.TENANT_UNKNOWN, MtdbError.of(broken).orElseThrow().status());
            assertEquals("the directory is down", broken.getCause().getMessage());
            assertTrue(!broken.getMessage().contains("directory"), broken.getMessage());
        }
    }

    @Test
    void aProcessEndsWithOpenHandles() throws Exception {
        java.nio.file.Path folder = java.nio.file.Files.createTempDirectory("mtdb-java-").toRealPath();
        try {
            List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(), "-Xcheck:jni", "-Xmx128m"));
            String natives = System.getProperty("mtdb.native.dir");
            if (natives != null) command.add("-Dmtdb.native.dir=" + natives);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.mtdb.OpenHandles",
                folder.toString()));
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes());
            assertEquals("leaving 1 acme\n0", said + process.waitFor());
            try (Db db = Db.open("sqlite:" + folder)) {
                assertEquals(List.of(0L),
                    db.tenant("acme").query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
            }
        } finally {
            Backend.delete(folder);
        }
    }

    @Test
    void eventsAreALoopThatEndsWithTheDb() throws Exception {
        Db db = Db.open("sqlite::memory:");
        List<String> names = new ArrayList<>();
        Events events = db.events();
        Thread reader = new Thread(() -> {
            for (Event event : events) names.add(event.name() + " " + event.tenant());
        });
        reader.start();
        db.tenant("acme").create();
        db.close();
        reader.join(30_000);
        assertTrue(!reader.isAlive());
        assertTrue(names.contains("tenant.created acme"), names.toString());
    }
}
