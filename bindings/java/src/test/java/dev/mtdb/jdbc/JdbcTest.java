// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.mtdb.MtdbError;
import dev.mtdb.Status;
import dev.mtdb.TenantScope;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class JdbcTest {
    private static String idColumn(Tenants tenants) {
        switch (tenants.name()) {
            case "postgres": return "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
            case "mysql": return "id BIGINT AUTO_INCREMENT PRIMARY KEY";
            default: return "id INTEGER PRIMARY KEY";
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void everySetterHasItsGetter(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); Connection connection = tenants.a().getConnection()) {
            try (Statement statement = connection.createStatement()) {
                assertFalse(statement.execute("CREATE TABLE v (i BIGINT, d DOUBLE PRECISION, n DECIMAL(20,4),"
                    + " t VARCHAR(50), e DATE, f TIMESTAMP NULL, b " + (name.equals("postgres") ? "BYTEA" : "BLOB")
                    + ")"));
            }
            Timestamp moment = Timestamp.valueOf("2024-02-29 12:30:05.123456");
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?)")) {
                insert.setLong(1, 42);
                insert.setDouble(2, 0.1);
                insert.setBigDecimal(3, new BigDecimal("1.5"));
                insert.setString(4, "gr\u00fcn");
                insert.setDate(5, Date.valueOf("2024-02-29"));
                insert.setTimestamp(6, name.equals("mysql") ? Timestamp.valueOf("2024-02-29 12:30:05") : moment);
                insert.setBytes(7, new byte[] {0, -1});
                assertEquals(1, insert.executeUpdate());
                for (int i = 1; i <= 7; i++) insert.setNull(i, Types.NULL);
                assertEquals(1, insert.executeUpdate());
            }
            try (PreparedStatement query = connection.prepareStatement("SELECT * FROM v WHERE i = ?")) {
                query.setInt(1, 42);
                try (ResultSet rows = query.executeQuery()) {
                    assertTrue(rows.next());
                    assertEquals(42, rows.getInt("I"));
                    assertEquals("42 0.1 gr\u00fcn", rows.getString(1) + " " + rows.getDouble("d") + " "
                        + rows.getString("t"));
                    assertEquals(0, new BigDecimal("1.5").compareTo(rows.getBigDecimal("n")));
                    assertEquals(Date.valueOf("2024-02-29"), rows.getDate("e"));
                    assertEquals(LocalDate.of(2024, 2, 29), rows.getObject("e", LocalDate.class));
                    assertEquals(moment.toLocalDateTime().withNano(0),
                        rows.getTimestamp("f").toLocalDateTime().withNano(0));
                    assertArrayEquals(new byte[] {0, -1}, rows.getBytes("b"));
                    assertFalse(rows.next());
                }
            }
            try (Statement statement = connection.createStatement();
                 ResultSet rows = statement.executeQuery("SELECT * FROM v WHERE i IS NULL")) {
                assertTrue(rows.next());
                assertEquals(0, rows.getLong(1));
                assertTrue(rows.wasNull());
                for (int i = 1; i <= 7; i++) assertNull(rows.getObject(i));
                assertNull(rows.getTimestamp(6));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void keysBatchesAndSavepoints(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); Connection connection = tenants.a().getConnection();
             Statement statement = connection.createStatement()) {
            statement.executeUpdate("CREATE TABLE k (" + idColumn(tenants) + ", t VARCHAR(50) UNIQUE)");
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO k (t) VALUES (?)",
                Statement.RETURN_GENERATED_KEYS)) {
                insert.setString(1, "one");
                insert.executeUpdate();
                assertEquals(List.of(1L), longs(insert.getGeneratedKeys()));
                for (String text : List.of("two", "three")) {
                    insert.setString(1, text);
                    insert.addBatch();
                }
                assertArrayEquals(new int[] {1, 1}, insert.executeBatch());
                assertEquals(List.of(2L, 3L), longs(insert.getGeneratedKeys()));
            }
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO k (t) VALUES (?)")) {
                for (String text : List.of("four", "one", "five")) {
                    insert.setString(1, text);
                    insert.addBatch();
                }
                assertThrows(BatchUpdateException.class, insert::executeBatch);
            }
            statement.addBatch("UPDATE k SET t = 'zwei' WHERE t = 'two'");
            statement.addBatch("DELETE FROM k WHERE t = 'three'");
            assertArrayEquals(new int[] {1, 1}, statement.executeBatch());
            connection.setAutoCommit(false);
            statement.executeUpdate("INSERT INTO k (t) VALUES ('kept')");
            Savepoint savepoint = connection.setSavepoint();
            statement.executeUpdate("INSERT INTO k (t) VALUES ('undone')");
            connection.rollback(savepoint);
            connection.commit();
            statement.executeUpdate("DELETE FROM k");
            connection.rollback();
            connection.setAutoCommit(true);
            List<String> left = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("SELECT t FROM k ORDER BY t")) {
                while (rows.next()) left.add(rows.getString(1));
            }
            assertEquals(List.of("kept", "one", "zwei"), left);
        }
    }

    private static List<Long> longs(ResultSet rows) throws SQLException {
        List<Long> numbers = new ArrayList<>();
        while (rows.next()) numbers.add(rows.getLong(1));
        return numbers;
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void theCatalogueIsTheTenantsOwn(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); Connection connection = tenants.a().getConnection()) {
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY)");
                statement.executeUpdate("CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, p INTEGER,"
                    + " FOREIGN KEY (p) REFERENCES parent (id))");
            }
            DatabaseMetaData meta = connection.getMetaData();
            assertEquals(List.of("child", "parent"), column(meta.getTables(null, null, "%", new String[] {"TABLE"}),
                "TABLE_NAME"));
            assertEquals(List.of("id", "p"), column(meta.getColumns(null, null, "child", "%"), "COLUMN_NAME"));
            assertEquals(List.of("id"), column(meta.getPrimaryKeys(null, null, "child"), "COLUMN_NAME"));
            assertEquals(List.of("parent"), column(meta.getImportedKeys(null, null, "child"), "PKTABLE_NAME"));
            assertTrue(column(meta.getIndexInfo(null, null, "child", false, false), "COLUMN_NAME").size() >= 0);
            assertEquals(List.of("TABLE", "VIEW"), column(meta.getTableTypes(), "TABLE_TYPE"));
            assertTrue(meta.getDatabaseMajorVersion() > 0);
            assertTrue(List.of("SQLite", "PostgreSQL", "MariaDB").contains(meta.getDatabaseProductName()));
            try (Connection other = tenants.b().getConnection()) {
                assertEquals(List.of(), column(other.getMetaData().getTables(null, null, "%", null), "TABLE_NAME"));
            }
            column(meta.getSchemas(), "TABLE_SCHEM");
            column(meta.getCatalogs(), "TABLE_CAT");
        }
    }

    private static List<String> column(ResultSet rows, String name) throws SQLException {
        try (rows) {
            List<String> values = new ArrayList<>();
            while (rows.next()) values.add(rows.getString(name));
            return values;
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void oneScopedConnectionServesEachTenantItsOwn(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); Connection connection = tenants.scoped().getConnection();
             PreparedStatement count = connection.prepareStatement("SELECT count(*) FROM s")) {
            assertEquals(Status.INVALID_STATE, status(count::executeQuery));
            for (String tenant : tenants.ids()) {
                try (TenantScope scope = TenantScope.enter(tenant);
                     Statement statement = connection.createStatement()) {
                    statement.executeUpdate("CREATE TABLE s (a INTEGER)");
                }
            }
            try (TenantScope a = TenantScope.enter(tenants.ids().get(0))) {
                connection.setAutoCommit(false);
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate("INSERT INTO s VALUES (1)");
                    try (TenantScope b = TenantScope.enter(tenants.ids().get(1))) {
                        assertEquals(Status.INVALID_STATE, status(count::executeQuery));
                    }
                }
                connection.commit();
                connection.setAutoCommit(true);
                assertEquals(List.of(1L), longs(count.executeQuery()));
            }
            try (TenantScope b = TenantScope.enter(tenants.ids().get(1))) {
                assertEquals(List.of(0L), longs(count.executeQuery()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.mtdb.jdbc.Tenants#all")
    void aScopedConnectionKeepsNoLeaseBetweenTransactions(String name) throws Exception {
        try (Tenants tenants = Tenants.open(name); Connection connection = tenants.scoped().getConnection();
             Statement statement = connection.createStatement()) {
            for (String tenant : tenants.ids()) {
                try (TenantScope scope = TenantScope.enter(tenant)) {
                    connection.setAutoCommit(false);
                    statement.executeUpdate("CREATE TABLE s (a INTEGER)");
                    connection.setAutoCommit(true);
                    // A tenant with a lease out cannot be dropped.
                    tenants.db().tenant(tenant).drop();
                    tenants.db().tenant(tenant).create();
                }
            }
        }
    }

    @Test
    void aConnectionThatAnotherThreadAbortsEndsItsRows() throws Exception {
        try (Tenants tenants = Tenants.open("sqlite")) {
            for (int round = 0; round < 100; round++) {
                MtdbDataSource source = round % 2 == 0 ? tenants.a() : tenants.scoped();
                Connection connection = source.getConnection();
                try (TenantScope scope = TenantScope.enter(tenants.ids().get(0))) {
                    ResultSet rows = connection.createStatement().executeQuery("WITH RECURSIVE c(n) AS (SELECT 1 UNION"
                        + " ALL SELECT n + 1 FROM c) SELECT n FROM c");
                    assertTrue(rows.next());
                    Thread aborter = new Thread(() -> {
                        try {
                            connection.abort(Runnable::run);
                        } catch (SQLException failure) {
                            throw new IllegalStateException(failure);
                        }
                    });
                    aborter.start();
                    Exception ended = assertThrows(Exception.class, () -> {
                        while (rows.next()) rows.getLong(1);
                    });
                    assertTrue(ended instanceof SQLException || MtdbError.of(ended).isPresent(), ended.toString());
                    aborter.join();
                }
                assertTrue(connection.isClosed());
            }
        }
    }

    private interface Call {
        Object run() throws Exception;
    }

    private static Status status(Call call) {
        return MtdbError.of(assertThrows(SQLException.class, call::run)).orElseThrow().status();
    }

    @Test
    void aStatementIsCancelledAndTimedOut() throws Exception {
        try (Tenants tenants = Tenants.open("sqlite")) {
            for (Connection connection : List.of(tenants.a().getConnection(), tenants.scoped().getConnection())) {
                try (connection; TenantScope scope = TenantScope.enter(tenants.ids().get(0));
                     Statement statement = connection.createStatement()) {
                    String endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)"
                        + " SELECT count(*) FROM c";
                    statement.setQueryTimeout(1);
                    assertThrows(SQLTimeoutException.class, () -> statement.executeQuery(endless).next());
                    statement.setQueryTimeout(0);
                    connection.setNetworkTimeout(Runnable::run, 50);
                    assertThrows(SQLTimeoutException.class, () -> statement.executeQuery(endless).next());
                    connection.setNetworkTimeout(Runnable::run, 0);
                    Thread canceller = new Thread(() -> {
                        while (!Thread.currentThread().isInterrupted()) {
                            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
                            try {
                                statement.cancel();
                            } catch (SQLException closed) {
                                return;
                            }
                        }
                    });
                    canceller.start();
                    assertEquals(Status.CANCELLED, status(() -> statement.executeQuery(endless).next()));
                    canceller.interrupt();
                    canceller.join();
                    try (ResultSet rows = statement.executeQuery("SELECT 7")) {
                        assertEquals(List.of(7L), longs(rows));
                    }
                    assertTrue(connection.isValid(1));
                }
            }
        }
    }

    @Test
    void anAbortedConnectionIsClosed() throws Exception {
        try (Tenants tenants = Tenants.open("sqlite")) {
            Connection connection = tenants.a().getConnection();
            connection.abort(Runnable::run);
            assertTrue(connection.isClosed());
            assertFalse(connection.isValid(0));
            assertThrows(SQLException.class, connection::createStatement);
        }
    }

    @Test
    void theDriverIsFoundByItsUrl() throws Exception {
        Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
        try (dev.mtdb.Db db = dev.mtdb.Db.open("sqlite:" + folder)) {
            db.tenant("acme").create();
        }
        String url = "jdbc:mtdb:sqlite:" + folder;
        try (Connection acme = DriverManager.getConnection(url + "?tenant=acme");
             Connection scoped = DriverManager.getConnection(url); Statement statement = acme.createStatement()) {
            statement.executeUpdate("CREATE TABLE t (a INTEGER, b VARCHAR(20))");
            try (TenantScope scope = TenantScope.enter("acme"); Statement other = scoped.createStatement();
                 ResultSet rows = other.executeQuery("SELECT a, b, a + 1 AS c FROM t")) {
                ResultSetMetaData meta = rows.getMetaData();
                assertEquals("3 a VARCHAR(20) 20 " + Types.BIGINT + " c", meta.getColumnCount() + " "
                    + meta.getColumnName(1) + " " + meta.getColumnTypeName(2) + " " + meta.getPrecision(2) + " "
                    + meta.getColumnType(1) + " " + meta.getColumnLabel(3));
            }
        }
        assertThrows(SQLException.class, () -> DriverManager.getConnection(url + "?tenant=ghost"));
        Tenants.delete(folder);
    }

    @Test
    void aForgottenConnectionOfTheDriverClosesItsDb() throws Exception {
        assertEquals(0, MtdbDriver.opened());
        forget();
        while (MtdbDriver.opened() > 0) {
            System.gc();
            Thread.sleep(5);
        }
    }

    private static void forget() throws SQLException {
        Connection connection = DriverManager.getConnection("jdbc:mtdb:sqlite::memory:");
        assertEquals(1, MtdbDriver.opened());
        assertTrue(connection.isValid(0));
    }

    @Test
    void aUrlShowsNoSecret() throws Exception {
        try (Connection connection = DriverManager.getConnection(
            "jdbc:mtdb:postgres://me:hush@localhost:1/db?password=hush")) {
            assertFalse(connection.getMetaData().getURL().contains("hush"), connection.getMetaData().getURL());
        }
    }

    @Test
    void sqliteDatesAreReadAsWhatTheyAre() throws Exception {
        try (Tenants tenants = Tenants.open("sqlite"); Connection connection = tenants.a().getConnection();
             Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("SELECT '2024-02-29 12:30:05.5', '2024-02-29', 'no date', 0,"
                 + " '2024-02-29T12:30:05Z'")) {
            assertTrue(rows.next());
            assertEquals(LocalDateTime.of(2024, 2, 29, 12, 30, 5, 500_000_000),
                rows.getObject(1, LocalDateTime.class));
            assertEquals(Date.valueOf("2024-02-29"), rows.getDate(2));
            assertThrows(java.sql.SQLDataException.class, () -> rows.getTimestamp(3));
            assertThrows(java.sql.SQLDataException.class, () -> rows.getInt(3));
            assertEquals(0, rows.getTimestamp(4).getTime());
            assertEquals(java.time.Instant.parse("2024-02-29T12:30:05Z"), rows.getTimestamp(5).toInstant());
        }
    }
}
