// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.mtdb.internal.Token;
import dev.mtdb.jdbc.MtdbDataSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What programs do wrong: nobody else may notice. */
class MisuseTest {
    private static final int ROUNDS = 300;

    @Test
    void aCancelOfAClosedLeaseHitsNobody() throws Exception {
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            Lease closed = tenant.lease();
            closed.close();
            try (Lease lease = tenant.lease()) {
                AtomicReference<Exception> hit = new AtomicReference<>();
                Thread busy = new Thread(() -> {
                    try {
                        lease.exec("sleep 300");
                    } catch (SQLException failure) {
                        hit.set(failure);
                    }
                });
                busy.start();
                while (busy.isAlive()) {
                    closed.cancel();
                    busy.join(1);
                }
                assertNull(hit.get());
            }
        }
    }

    @Test
    void aLeaseThatIsClosedTwiceAtOnceIsGivenBackOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (Db db = Db.open("echo:")) {
            Tenant tenant = db.tenant("acme").create();
            CyclicBarrier together = new CyclicBarrier(2);
            for (int round = 0; round < 10 * ROUNDS; round++) {
                Lease lease = tenant.lease();
                Rows rows = lease.query("rows 3");
                Rows own = tenant.query("rows 3");
                List<Future<?>> closers = new ArrayList<>();
                for (int i = 0; i < 2; i++) closers.add(threads.submit(() -> {
                    together.await();
                    own.close();
                    rows.close();
                    try {
                        lease.close();
                    } catch (IllegalStateException misuse) {
                        // The other one is in it.
                    }
                    return null;
                }));
                for (Future<?> closer : closers) closer.get();
            }
            // No token has two owners.
            Set<Token> tokens = Collections.newSetFromMap(new IdentityHashMap<>());
            for (int i = 0; i < ROUNDS; i++) assertTrue(tokens.add(Token.take()));
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void rowsThatAnotherThreadClosesBecomeNobodyElses() throws Exception {
        String numbers = "WITH RECURSIVE c(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM c LIMIT 20000) SELECT n FROM c";
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Backend backend = Backend.open("sqlite")) {
            Tenant mine = backend.tenant();
            Tenant other = backend.tenant();
            for (int round = 0; round < ROUNDS; round++) {
                Rows rows = mine.query(numbers, 1_000_000L);
                Future<Long> reader = threads.submit(() -> strangers(rows));
                rows.close();
                for (int i = 0; i < 3; i++) try (Rows others = other.query(numbers, 2_000_000L)) {
                    assertTrue(others.next());
                }
                assertEquals(0, reader.get());
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void rowsThatTwoThreadsReadAreNobodyElses() throws Exception {
        String numbers = "WITH RECURSIVE c(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM c LIMIT 60000) SELECT n FROM c";
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try (Backend backend = Backend.open("sqlite")) {
            Tenant mine = backend.tenant();
            Tenant other = backend.tenant();
            for (int round = 0; round < ROUNDS / 3; round++) {
                try (Rows rows = mine.query(numbers, 1_000_000L)) {
                    Future<Integer> noise = threads.submit(() ->
                        other.query(numbers, 2_000_000L).list(row -> row.getLong(0)).size());
                    List<Future<Long>> readers = new ArrayList<>();
                    for (int i = 0; i < 2; i++) readers.add(threads.submit(() -> strangersAmongBroken(rows)));
                    for (Future<Long> reader : readers) assertEquals(0, reader.get());
                    assertEquals(60_000, noise.get());
                }
            }
        } finally {
            threads.shutdown();
        }
    }

    // Two who read at once may break each other's reading, but not with the rows of a third.
    private static long strangersAmongBroken(Rows rows) throws SQLException {
        long strangers = 0;
        try {
            while (rows.next()) for (int again = 0; again < 3; again++) if (rows.getLong(0) >= 2_000_000) strangers++;
        } catch (SQLException | RuntimeException broken) {
            // As they ask for.
        }
        return strangers;
    }

    private static long strangers(Rows rows) {
        long strangers = 0;
        try {
            while (rows.next())
                for (int again = 0; again < 20; again++) if (rows.getLong(0) >= 2_000_000) strangers++;
        } catch (SQLException | IllegalStateException ended) {
            assertTrue(MtdbError.of(ended).isPresent(), ended.toString());
        }
        return strangers;
    }

    @Test
    void aStatementInTwoScopesAtOnceGivesEachItsOwnRows() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (Backend backend = Backend.open("sqlite")) {
            List<Tenant> tenants = List.of(backend.tenant(), backend.tenant());
            for (Tenant tenant : tenants) {
                tenant.exec("CREATE TABLE own (id TEXT)");
                tenant.exec("INSERT INTO own VALUES (?)", tenant.id());
            }
            MtdbDataSource source = MtdbDataSource.scoped(backend.db);
            try (Connection connection = source.getConnection(); Statement shared = connection.createStatement()) {
                List<Future<Long>> readers = new ArrayList<>();
                for (Tenant tenant : tenants) readers.add(threads.submit(() -> strangers(shared, tenant.id())));
                for (Future<Long> reader : readers) assertEquals(0, reader.get());
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void aConnectionInTwoTransactionsAtOnceGivesEachItsOwnRows() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (Backend backend = Backend.open("sqlite")) {
            List<Tenant> tenants = List.of(backend.tenant(), backend.tenant());
            for (Tenant tenant : tenants) {
                tenant.exec("CREATE TABLE own (id TEXT)");
                tenant.exec("INSERT INTO own VALUES (?)", tenant.id());
            }
            try (Connection shared = MtdbDataSource.scoped(backend.db).getConnection()) {
                shared.setReadOnly(true);
                shared.setAutoCommit(false);
                List<Future<Long>> readers = new ArrayList<>();
                for (Tenant tenant : tenants) readers.add(threads.submit(() -> strangers(shared, tenant.id())));
                for (Future<Long> reader : readers) assertEquals(0, reader.get());
                shared.rollback();
            }
        } finally {
            threads.shutdown();
        }
    }

    private static long strangers(Connection shared, String tenant) {
        long strangers = 0;
        for (int round = 0; round < 20 * ROUNDS; round++) {
            try (TenantScope scope = TenantScope.enter(tenant)) {
                try (Statement statement = shared.createStatement();
                     ResultSet rows = statement.executeQuery("SELECT id FROM own")) {
                    if (rows.next() && !tenant.equals(rows.getString(1))) strangers++;
                }
                shared.commit();
            } catch (SQLException | RuntimeException refused) {
                // The other one's transaction is open, or has ended this one.
            }
        }
        return strangers;
    }

    private static long strangers(Statement shared, String tenant) {
        long strangers = 0;
        for (int round = 0; round < 20 * ROUNDS; round++) {
            try (TenantScope scope = TenantScope.enter(tenant);
                 ResultSet rows = shared.executeQuery("SELECT id FROM own")) {
                if (rows.next() && !tenant.equals(rows.getString(1))) strangers++;
            } catch (SQLException | RuntimeException refused) {
                // The other one is in it, or has closed the rows.
            }
        }
        return strangers;
    }

    @Test
    void anExceptionAmongTheRowsGivesTheLeaseBack() throws Exception {
        try (Backend backend = Backend.open("sqlite", new DbOptions().poolSizeMax(1))) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE t (a)");
            for (int round = 0; round < 20; round++) {
                assertThrows(IllegalArgumentException.class, () -> tenant.query("SELECT 1 UNION ALL SELECT 2")
                    .list(row -> {
                        throw new IllegalArgumentException("the program's own");
                    }));
                assertThrows(StackOverflowError.class, () -> tenant.transaction(lease -> {
                    lease.exec("INSERT INTO t VALUES (1)");
                    assertTrue(lease.query("SELECT a FROM t").next());
                    throw new StackOverflowError();
                }));
            }
            assertEquals(List.of(0L), tenant.query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
        }
    }

    @Test
    void whatIsForgottenTogetherIsFreedInAnyOrder() throws Exception {
        Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
        try {
            for (int round = 0; round < 20; round++) forgetAll(folder, round);
            while (openFiles(folder) > 0) {
                System.gc();
                Thread.sleep(5);
            }
            try (Db db = Db.open("sqlite:" + folder)) {
                for (int round = 0; round < 20; round++) assertEquals(List.of(0L),
                    db.tenant("t" + round).query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
            }
        } finally {
            Backend.delete(folder);
        }
    }

    private static void forgetAll(Path folder, int round) throws SQLException {
        Db db = Db.open("sqlite:" + folder);
        Tenant tenant = db.tenant("t" + round).create();
        tenant.exec("CREATE TABLE t (a)");
        Lease lease = tenant.lease();
        lease.begin();
        lease.exec("INSERT INTO t VALUES (1)");
        assertTrue(lease.query("SELECT a FROM t UNION ALL SELECT 2").next());
        lease.prepare("SELECT ?").bind(1, "x");
        assertTrue(tenant.query("SELECT 1 UNION ALL SELECT 2").next());
        db.migrator(null);
        db.fleet(null, new FleetOptions().verb(FleetOptions.Verb.SQL).sql("SELECT 1"));
        db.events();
    }

    private static long openFiles(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(file -> {
                try {
                    return Files.readSymbolicLink(file).startsWith(folder);
                } catch (java.io.IOException closed) {
                    return false;
                }
            }).count();
        }
    }
}
