// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.SQLException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FleetTest {
    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();
    private static final int ROWS = 3000;

    private static FleetOptions sql(String text) {
        return new FleetOptions().verb(FleetOptions.Verb.SQL).sql(text).ledger(FleetOptions.Ledger.OFF);
    }

    private static List<Tenant> filled(Backend backend, int count) throws SQLException {
        List<Tenant> tenants = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Tenant tenant = backend.tenant();
            tenant.exec("CREATE TABLE own (id VARCHAR(64), n BIGINT)");
            List<Object[]> rows = new ArrayList<>();
            for (long n = 0; n < ROWS; n++) rows.add(new Object[] {tenant.id(), n});
            tenant.execRows("INSERT INTO own VALUES (?, ?)", rows);
            tenants.add(tenant);
        }
        return tenants;
    }

    private static Fleet over(Backend backend, FleetOptions options, List<Tenant> tenants) throws SQLException {
        Fleet fleet = backend.db.fleet(null, options);
        for (Tenant tenant : tenants) fleet.add(tenant.id());
        return fleet;
    }

    private static Map<String, String> states(Fleet fleet) throws SQLException {
        Map<String, String> states = new HashMap<>();
        try (Rows rows = fleet.results()) {
            while (rows.next()) states.put(rows.getString(0), rows.getString(rows.column("state")));
        }
        return states;
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void rowsComeByBlockWithTheirOwnTenant(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            List<Tenant> tenants = filled(backend, 5);
            try (Fleet fleet = over(backend, sql("SELECT id, n FROM own ORDER BY n").workers(4), tenants);
                 Rows rows = fleet.query(FOREVER)) {
                Map<String, Long> next = new HashMap<>();
                assertEquals(List.of("tenant", "id", "n"),
                    List.of(rows.columnName(0), rows.columnName(1), rows.columnName(2)));
                while (rows.next()) {
                    assertEquals(rows.getString(0), rows.getString(1));
                    assertEquals(next.getOrDefault(rows.getString(0), 0L), rows.getLong(2));
                    next.merge(rows.getString(0), 1L, Long::sum);
                }
                assertEquals(5, next.size());
                for (Tenant tenant : tenants) assertEquals(ROWS, next.get(tenant.id()));
                assertEquals(5, states(fleet).values().stream().filter("done"::equals).count());
            }
        }
    }


    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void aTenantThatFailsIsNamedAndTheRowsOfOthersAreGiven(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            List<Tenant> tenants = filled(backend, 2);
            Tenant poor = backend.tenant();
            tenants.add(1, poor);
            FleetOptions options = sql("SELECT id, n FROM own").onFailure(FleetOptions.OnFailure.CONTINUE);
            try (Fleet fleet = over(backend, options, tenants); Rows rows = fleet.query(FOREVER)) {
                assertEquals(2 * ROWS, rows.list(row -> row.getString(0)).stream()
                    .filter(tenant -> !tenant.equals(poor.id())).count());
                Map<String, String> states = states(fleet);
                assertEquals("failed", states.remove(poor.id()));
                assertEquals(List.of("done", "done"), List.copyOf(states.values()));
            }
            // One that halts says why, with the tenant's name.
            try (Fleet fleet = over(backend, sql("SELECT id, n FROM own"), List.of(poor))) {
                Failure failure = MtdbError.of(assertThrows(SQLException.class, () -> {
                    try (Rows rows = fleet.query(FOREVER)) {
                        rows.next();
                    }
                })).orElseThrow();
                assertEquals(Status.SQL_ERROR + " " + poor.id(), failure.status() + " " + failure.tenant());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void rowsThatAreClosedEarlyStopTheRun(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            List<Tenant> tenants = filled(backend, 4);
            FleetOptions options = sql("SELECT a.id, a.n FROM own a, own b").workers(2);
            try (Fleet fleet = over(backend, options, tenants)) {
                Rows rows = fleet.query(FOREVER);
                assertTrue(rows.next());
                rows.close();
                assertEquals(List.of("stopped"), fleet.progress().list(row -> row.getString(row.column("state"))));
                assertTrue(states(fleet).values().stream().noneMatch("running"::equals));
            }
            for (Tenant tenant : tenants) tenant.drop();
            for (Tenant tenant : tenants) tenant.create();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void anInterruptOrADeadlineEndsTheReading(String name) throws Exception {
        try (Backend backend = Backend.open(name)) {
            List<Tenant> tenants = filled(backend, 2);
            FleetOptions options = sql("SELECT a.id, a.n FROM own a, own b");
            try (Fleet fleet = over(backend, options, tenants); Rows rows = fleet.query(FOREVER)) {
                assertTrue(rows.next());
                Thread.currentThread().interrupt();
                Exception failure = assertThrows(SQLException.class, () -> {
                    while (rows.next()) rows.getLong(2);
                });
                assertTrue(Thread.interrupted());
                assertEquals(Status.CANCELLED, MtdbError.of(failure).orElseThrow().status());
            }
            try (Fleet fleet = over(backend, options, tenants)) {
                Exception failure = assertThrows(SQLException.class, () -> {
                    try (Rows rows = fleet.query(Duration.ofMillis(50))) {
                        while (rows.next()) rows.getLong(2);
                    }
                });
                assertEquals(Status.TIMEOUT, MtdbError.of(failure).orElseThrow().status());
            }
            assertEquals(List.of((long) ROWS),
                tenants.get(0).query("SELECT count(*) FROM own").list(row -> row.getLong(0)));
        }
    }

    @Test
    void rowsThatAreForgottenStopTheRun() throws Exception {
        try (Backend backend = Backend.open("sqlite")) {
            List<Tenant> tenants = filled(backend, 2);
            try (Fleet fleet = over(backend, sql("SELECT a.id, a.n FROM own a, own b"), tenants)) {
                forget(fleet);
                // It runs for as long as somebody might read it.
                while (!fleet.progress().list(row -> row.getString(row.column("state"))).equals(List.of("stopped"))) {
                    System.gc();
                    Thread.sleep(5);
                }
            }
        }
    }

    @Test
    void rowsOutliveTheirRun() throws Exception {
        try (Backend backend = Backend.open("sqlite")) {
            Fleet fleet = over(backend, sql("SELECT n FROM own"), filled(backend, 3));
            Rows rows = fleet.query(FOREVER);
            fleet.close();
            assertEquals(3 * ROWS, rows.list(row -> row.getLong(1)).size());
        }
    }

    private static void forget(Fleet fleet) throws SQLException {
        assertTrue(fleet.query(FOREVER).next());
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.Backend#all")
    void wavesGoByList(String name) throws Exception {
        try (Backend backend = Backend.open(name); Migrator scripts = backend.db.migrator(null)) {
            scripts.add("1", "mine", "CREATE TABLE mine (plan INTEGER)", null);
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 4; i++) ids.add(backend.tenant().id());
            try (Fleet fleet = backend.db.fleet(scripts, new FleetOptions().ledger(FleetOptions.Ledger.OFF))) {
                fleet.addWave(List.of(ids.get(2), ids.get(3))).addWave(List.of(ids.get(1))).add(ids.get(0));
                assertEquals(0, fleet.run(FOREVER));
                Map<String, Long> waves = new HashMap<>();
                try (Rows rows = fleet.results()) {
                    while (rows.next()) waves.put(rows.getString(0), rows.getLong(1));
                }
                assertEquals(Map.of(ids.get(2), 1L, ids.get(3), 1L, ids.get(1), 2L, ids.get(0), 3L), waves);
            }
        }
    }

    // On MariaDB the library refuses scripts of the shared tables.
    static Stream<String> withShared() {
        return Backend.all().filter(name -> !name.equals("mysql"));
    }

    @ParameterizedTest
    @MethodSource("withShared")
    void sharedScriptsComeFirst(String name) throws Exception {
        String shared = "jshared" + ProcessHandle.current().pid();
        try (Backend plain = Backend.open(name)) {
            // On a server it is the program's to make.
            if (!name.equals("sqlite")) plain.db.tenant(shared).create();
            try {
                share(name, shared);
            } finally {
                if (!name.equals("sqlite")) plain.db.tenant(shared).drop();
            }
        }
    }

    private static void share(String name, String shared) throws Exception {
        try (Backend backend = Backend.open(name, new DbOptions().tenantShared(shared));
             Migrator scripts = backend.db.migrator(null); Migrator common = backend.db.migrator(null)) {
            common.add("1", "plans", "CREATE TABLE plans (id INTEGER); INSERT INTO plans VALUES (7)", null);
            scripts.add("1", "mine", "CREATE TABLE mine (plan INTEGER); INSERT INTO mine SELECT id FROM " + shared
                + ".plans", null);
            Tenant tenant = backend.tenant();
            try (Fleet fleet = backend.db.fleet(scripts, new FleetOptions().ledger(FleetOptions.Ledger.OFF))) {
                assertEquals(0, fleet.share(common).add(tenant.id()).run(FOREVER));
            }
            assertEquals(List.of(7L), tenant.query("SELECT plan FROM mine").list(row -> row.getLong(0)));
        }
    }

    @Test
    void aListThatIsNoListIsRefused() throws Exception {
        try (Backend backend = Backend.open("sqlite"); Migrator migrator = backend.db.migrator(null);
             Fleet fleet = backend.db.fleet(migrator.add("1", "one", "CREATE TABLE t (a)", null), null)) {
            Tenant tenant = backend.tenant();
            // None is not all, and one id is never two.
            for (List<String> wrong : List.of(List.<String>of(), List.of(tenant.id() + "\nother"), List.of(""))) {
                assertEquals(Status.INVALID_ARGUMENT, MtdbError.of(assertThrows(SQLException.class,
                    () -> fleet.addWave(wrong))).orElseThrow().status());
                assertEquals(Status.INVALID_ARGUMENT, MtdbError.of(assertThrows(SQLException.class,
                    () -> migrator.run("migrate", "", wrong, null))).orElseThrow().status());
            }
            assertEquals(List.of("outdated"),
                migrator.status(tenant.id()).list(row -> row.getString(3)));
        }
    }

    @Test
    void aRunAsksTheResolver() throws Exception {
        ConcurrentHashMap<String, Integer> asked = new ConcurrentHashMap<>();
        DbOptions options = new DbOptions().resolver(tenant -> {
            asked.merge(tenant, 1, Integer::sum);
            return tenant + "-place.db";
        });
        try (Backend backend = Backend.open("sqlite", options)) {
            List<Tenant> tenants = new ArrayList<>();
            for (int i = 0; i < 3; i++) tenants.add(backend.tenant());
            try (Db other = Db.open("sqlite:" + backend.folder(), options); Migrator migrator = other.migrator(null)) {
                asked.clear();
                migrator.add("1", "one", "CREATE TABLE t (a)", null);
                FleetOptions plain = new FleetOptions().ledger(FleetOptions.Ledger.OFF);
                try (Fleet fleet = other.fleet(migrator, plain)) {
                    for (Tenant tenant : tenants) fleet.add(tenant.id());
                    assertEquals(0, fleet.run(FOREVER));
                    assertEquals(3, states(fleet).values().stream().filter("done"::equals).count());
                }
                assertEquals(3, asked.size());
            }
            try (Db other = Db.open("sqlite:" + backend.folder(), options); Migrator migrator = other.migrator(null)) {
                migrator.add("1", "one", "CREATE TABLE t (a)", null);
                assertEquals(List.of(0L, 0L, 0L), migrator.run("validate", "",
                    tenants.stream().map(Tenant::id).toList(), null).list(row -> row.getLong(1)));
                for (Tenant tenant : tenants) assertEquals(List.of(0L),
                    tenant.query("SELECT count(*) FROM t").list(row -> row.getLong(0)));
            }
            try (Db other = Db.open("sqlite:" + backend.folder(), options);
                 Fleet fleet = other.fleet(null, sql("SELECT count(*) FROM t"))) {
                for (Tenant tenant : tenants) fleet.add(tenant.id());
                try (Rows rows = fleet.query(FOREVER)) {
                    assertEquals(3, rows.list(row -> row.getString(0)).size());
                }
            }
        }
    }
}
