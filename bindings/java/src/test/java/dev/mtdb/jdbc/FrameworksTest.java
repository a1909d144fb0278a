// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.mtdb.TenantScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.support.GeneratedKeyHolder;
import org.springframework.transaction.support.TransactionTemplate;

/** Other people's programs over our connections: each with two tenants at once, which never see each other. */
class FrameworksTest {
    private static HikariDataSource pooled(DataSource source, int size) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(source);
        config.setMaximumPoolSize(size);
        return new HikariDataSource(config);
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void hikariOverTheScopeServesBothTenantsFromOnePool(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); HikariDataSource pool = pooled(tenants.scoped(), 3)) {
            JdbcTemplate jdbc = new JdbcTemplate(pool);
            TransactionTemplate transactions = new TransactionTemplate(new DataSourceTransactionManager(pool));
            for (String tenant : tenants.ids()) inScope(tenant, () -> {
                jdbc.execute("CREATE TABLE own (id VARCHAR(64), n INTEGER)");
                return null;
            });
            ExecutorService threads = Executors.newFixedThreadPool(6);
            List<Future<?>> all = new java.util.ArrayList<>();
            for (int i = 0; i < 60; i++) {
                String tenant = tenants.ids().get(i % 2);
                int number = i;
                all.add(threads.submit(() -> inScope(tenant, () -> transactions.execute(status -> {
                    jdbc.update("INSERT INTO own VALUES (?, ?)", tenant, number);
                    assertEquals(List.of(tenant),
                        jdbc.queryForList("SELECT DISTINCT id FROM own", String.class));
                    return null;
                }))));
            }
            for (Future<?> one : all) one.get(120, TimeUnit.SECONDS);
            threads.shutdown();
            for (String tenant : tenants.ids()) inScope(tenant, () -> {
                assertEquals(30, jdbc.queryForObject("SELECT count(*) FROM own WHERE id = ?", Integer.class, tenant));
                assertEquals(30, jdbc.queryForObject("SELECT count(*) FROM own", Integer.class));
                return null;
            });
        }
    }

    private static <T> T inScope(String tenant, Callable<T> work) throws Exception {
        try (TenantScope scope = TenantScope.enter(tenant)) {
            return work.call();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void hikariPerTenantKeepsThemApart(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); HikariDataSource a = pooled(tenants.a(), 2);
             HikariDataSource b = pooled(tenants.b(), 2)) {
            JdbcTemplate one = new JdbcTemplate(a);
            JdbcTemplate other = new JdbcTemplate(b);
            one.execute("CREATE TABLE only_a (x INTEGER)");
            assertThrows(org.springframework.dao.DataAccessException.class,
                () -> other.queryForObject("SELECT count(*) FROM only_a", Integer.class));
            assertEquals(0, one.queryForObject("SELECT count(*) FROM only_a", Integer.class));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void jdbcTemplateReadsWritesAndTranslates(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name)) {
            JdbcTemplate a = new JdbcTemplate(tenants.a());
            JdbcTemplate b = new JdbcTemplate(tenants.b());
            String id = name.equals("postgres") ? "BIGINT GENERATED ALWAYS AS IDENTITY"
                : name.equals("mysql") ? "BIGINT AUTO_INCREMENT" : "INTEGER";
            for (JdbcTemplate each : List.of(a, b))
                each.execute("CREATE TABLE p (id " + id + ", name VARCHAR(50) NOT NULL UNIQUE, PRIMARY KEY (id))");
            GeneratedKeyHolder keys = new GeneratedKeyHolder();
            a.update(connection -> {
                java.sql.PreparedStatement insert = connection.prepareStatement("INSERT INTO p (name) VALUES (?)",
                    new String[] {"id"});
                insert.setString(1, "ada");
                return insert;
            }, keys);
            assertEquals(1, keys.getKey().longValue());
            int[] counts = a.batchUpdate("INSERT INTO p (name) VALUES (?)",
                List.of(new Object[] {"bob"}, new Object[] {"cleo"}));
            assertEquals(2, counts.length);
            List<Map<String, Object>> rows = a.queryForList("SELECT name, id FROM p ORDER BY id");
            assertEquals("[{name=ada, id=1}, {name=bob, id=2}, {name=cleo, id=3}]", rows.toString());
            assertEquals(0, b.queryForObject("SELECT count(*) FROM p", Long.class));
            RuntimeException twice = assertThrows(DataIntegrityViolationException.class,
                () -> a.update("INSERT INTO p (name) VALUES ('ada')"));
            assertTrue(twice instanceof DuplicateKeyException || name.equals("sqlite"), twice.toString());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void flywayMigratesBothTenantsThroughOurDataSource(String name) throws Exception {
        Path scripts = Files.createTempDirectory("mtdb-java-flyway-");
        Files.writeString(scripts.resolve("V1__first.sql"),
            "CREATE TABLE person (id INTEGER PRIMARY KEY, n VARCHAR(9));\n"
            + "INSERT INTO person VALUES (1, 'a;b');\n");
        Files.writeString(scripts.resolve("V2__second.sql"), "ALTER TABLE person ADD COLUMN age INTEGER;");
        try (Tenants tenants = Tenants.open(name)) {
            for (MtdbDataSource source : List.of(tenants.a(), tenants.b())) {
                Flyway flyway = Flyway.configure().dataSource(source).locations("filesystem:" + scripts).load();
                assertEquals(2, flyway.migrate().migrationsExecuted);
                assertEquals(0, flyway.migrate().migrationsExecuted);
                flyway.validate();
                assertEquals("2", flyway.info().current().getVersion().getVersion());
            }
            // The same history is ours: nothing is left to do, and each tenant has its own.
            JdbcTemplate a = new JdbcTemplate(tenants.a());
            a.update("DELETE FROM person");
            assertEquals(1, new JdbcTemplate(tenants.b()).queryForObject("SELECT count(*) FROM person", Integer.class));
            try (dev.mtdb.Migrator ours = tenants.db().migrator(
                new dev.mtdb.MigratorOptions().source(scripts.toString()))) {
                for (String tenant : tenants.ids()) assertEquals(0, ours.migrate(tenant, "latest"));
            }
        } finally {
            Tenants.delete(scripts);
        }
    }
}
