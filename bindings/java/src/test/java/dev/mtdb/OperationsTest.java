// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OperationsTest {
    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    private static Migrator migrator(Db db) throws SQLException {
        return db.migrator(new MigratorOptions()).add("1", "first", "CREATE TABLE one (a INTEGER)", "DROP TABLE one")
            .add("2", "second", "CREATE TABLE two (a INTEGER)", "DROP TABLE two");
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aTenantIsMigratedAndUndone(String name) throws Exception {
        try (Backend backend = Backend.open(name); Migrator migrator = migrator(backend.db)) {
            String tenant = backend.tenant().id();
            assertEquals(List.of("1", "2"), migrator.plan(tenant, "latest").list(row -> row.getString(0)));
            assertEquals(2, migrator.migrate(tenant, "latest"));
            assertEquals(0, migrator.migrate(tenant, "latest"));
            assertEquals(List.of("2 up_to_date"),
                migrator.status(tenant).list(row -> row.getString(1) + " " + row.getString(3)));
            assertEquals(List.of(), migrator.validate(tenant).list(row -> row.getString(0)));
            assertEquals(1, migrator.undo(tenant, "next"));
            assertEquals(List.of("outdated"), migrator.run("status", "", List.of(tenant), new RunOptions())
                .list(row -> row.getString(4)));
        }
    }

    @Test
    void aFailedScriptIsNamed() throws Exception {
        try (Backend backend = Backend.open("sqlite"); Migrator migrator = backend.db.migrator(null)) {
            migrator.add("1", "broken", "CREATE TABLE x (a);\nNONSENSE", null);
            Failure failure = MtdbError.of(assertThrows(MtdbMigrationException.class,
                () -> migrator.migrate(backend.tenant().id(), ""))).orElseThrow();
            assertEquals(Status.MIGRATION_FAILED, failure.status());
            assertEquals(2, failure.line());
            assertTrue(failure.script().contains("1"), failure.script());
        }
    }

    @Test
    void aFleetRunsInWavesAndAsksForAVerdict() throws Exception {
        try (Backend backend = Backend.open("sqlite"); Migrator migrator = migrator(backend.db)) {
            for (int i = 0; i < 6; i++) backend.tenant();
            FleetOptions options = new FleetOptions().canary("1").waves("2").verdict(true)
                .ledger(FleetOptions.Ledger.OFF);
            try (Fleet fleet = backend.db.fleet(migrator, options)) {
                int[] asked = new int[1];
                assertEquals(0, fleet.run(FOREVER, run -> ++asked[0] > 0));
                assertTrue(asked[0] >= 2, "asked " + asked[0] + " times");
                assertEquals(List.of("done", "done", "done", "done", "done", "done"),
                    fleet.results().list(row -> row.getString(row.column("state"))));
                assertEquals(List.of("done 6"), fleet.progress().list(row -> row.getString(row.column("state")) + " "
                    + row.getLong(row.column("done"))));
            }
        }
    }

    @Test
    void aFlagPausesADbAndAHoldATenant() throws Exception {
        Path store = Files.createTempDirectory("mtdb-java-");
        try (Backend backend = Backend.open("sqlite", new DbOptions().acquireTimeout(Duration.ofSeconds(10)));
             Quiesce quiesce = backend.db.quiesce(new QuiesceOptions().store(store.resolve("flags.db").toString()))) {
            Tenant tenant = backend.tenant();
            quiesce.create();
            quiesce.enable();
            Quiesce.Flag flag = quiesce.set("global", "tests", "why not", Duration.ofMinutes(1), false);
            assertTrue(!flag.toString().contains(flag.token()));
            assertEquals(1, quiesce.waitParked("global").list(row -> row.getString(3)).size());
            assertEquals(Status.TENANT_HELD, status(tenant::lease));
            assertEquals(Quiesce.State.ACTIVE, quiesce.watch("global", 0).state());
            assertEquals(Duration.ofMinutes(2), quiesce.renew("global", flag.token(), Duration.ofMinutes(2)));
            quiesce.clear("global", "tests", "", false);
            untilGranted(tenant);
            try (Hold hold = tenant.hold(Tenant.HoldMode.REFUSE, false)) {
                assertEquals(Status.TENANT_HELD, status(tenant::lease));
            }
            tenant.lease().close();
        } finally {
            Backend.delete(store);
        }
    }

    // A db sees the end of a flag at its next look.
    private static void untilGranted(Tenant tenant) throws Exception {
        for (;;) {
            try {
                tenant.lease().close();
                return;
            } catch (java.sql.SQLTransientException held) {
                assertEquals(Status.TENANT_HELD, MtdbError.of(held).orElseThrow().status());
                Thread.sleep(20);
            }
        }
    }

    private interface Refused {
        AutoCloseable call() throws Exception;
    }

    private static Status status(Refused call) {
        return MtdbError.of(assertThrows(SQLException.class, () -> call.call().close())).orElseThrow().status();
    }

    @Test
    void aMigrationDriverKeepsItsContract() throws Exception {
        Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
        String url = "sqlite3://" + folder.resolve("d.db");
        try (MigrationDriver driver = MigrationDriver.open(url, null);
             MigrationDriver other = MigrationDriver.open(url, null).within(Duration.ZERO)) {
            assertEquals(new MigrationDriver.Version(-1, false), driver.version());
            driver.lock();
            assertEquals(Status.MIGRATION_LOCKED, status(() -> {
                other.lock();
                return other;
            }));
            driver.setVersion(1, true);
            driver.run("CREATE TABLE a (b)");
            driver.setVersion(1, false);
            driver.unlock();
            assertEquals(new MigrationDriver.Version(1, false), driver.version());
        } finally {
            Backend.delete(folder);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void tenantsAreMadeListedAndDropped(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            Tenant tenant = backend.tenant();
            assertTrue(tenant.exists());
            assertTrue(backend.db.tenants().list(row -> row.getString(0)).contains(tenant.id()));
            assertEquals(Status.EXISTS, status(() -> {
                tenant.create();
                return null;
            }));
            Tenant gone = backend.db.tenant(tenant.id() + "x").create();
            gone.exec("CREATE TABLE t (a INTEGER)");
            gone.drop();
            assertTrue(!gone.exists());
            assertEquals(Status.TENANT_UNKNOWN, status(() -> {
                gone.exec("INSERT INTO t VALUES (1)");
                return null;
            }));
        }
    }

    @Test
    void figuresCountWhatIsDone() throws Exception {
        try (Backend backend = Backend.open("sqlite")) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE t (a)");
            assertTrue(backend.db.stats().stream().anyMatch(figure -> figure.value() > 0));
            assertTrue(tenant.stats().stream().anyMatch(figure -> figure.value() > 0));
            assertEquals(1, backend.db.pools().list(row -> row.getString(0)).size());
            backend.db.maintain(Duration.ofMillis(100));
        }
    }

    @Test
    void aTenantIsCopied() throws Exception {
        try (Backend backend = Backend.open("sqlite")) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE t (a)");
            tenant.exec("INSERT INTO t VALUES (7)");
            Tenant copy = tenant.copyTo("copy");
            tenant.exec("DELETE FROM t");
            assertEquals(List.of(7L), copy.query("SELECT a FROM t").list(row -> row.getLong(0)));
        }
    }
}
