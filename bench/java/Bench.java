// SPDX-License-Identifier: MIT

import dev.mtdb.Db;
import dev.mtdb.DbOptions;
import dev.mtdb.Lease;
import dev.mtdb.Rows;
import dev.mtdb.Tenant;
import dev.mtdb.TenantScope;
import dev.mtdb.jdbc.MtdbDataSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Usage: Bench NAME... of java_scan, java_point, crossings. Both sides in turns within one process, on the same file or
 * server; the median of several rounds. One JSON object per case.
 */
public final class Bench {
    private static final int ROWS = 100_000;
    private static final int TENANTS = 100;
    private static final int READS = 20_000;
    private static final int ROUNDS = 9;
    private static final String SCAN = "SELECT i, d, t FROM s";
    private static final String POINT = "SELECT v FROM kv WHERE id = ?";

    private Bench() {}

    /** One backend: our url, and how its usual driver reaches the same tenants. */
    private record Place(String name, String url, String peer, double scan, double point) {
        /** The peer's connection that stands in a tenant. */
        Connection connect(String tenant) throws SQLException {
            switch (name) {
                case "sqlite": return DriverManager.getConnection("jdbc:sqlite:" + peer + "/" + tenant + ".db");
                case "postgres": return DriverManager.getConnection(peer + "&currentSchema=" + tenant);
                default: return DriverManager.getConnection(peer.replace("/?", "/" + tenant + "?"));
            }
        }
    }

    private static List<Place> places(Path folder) {
        List<Place> places = new ArrayList<>();
        places.add(new Place("sqlite", "sqlite:" + folder, folder.toString(), 2, 0.7));
        String host = System.getenv("MTDB_TEST_HOST");
        if (System.getenv("MTDB_TEST_POSTGRES_TCP") != null)
            places.add(new Place("postgres", System.getenv("MTDB_TEST_POSTGRES_TCP") + "?sslmode=disable",
                "jdbc:postgresql://" + host + ":" + System.getenv("MTDB_TEST_POSTGRES_PORT")
                    + "/app?user=app&password=app-secret&sslmode=disable", 0.8, 1));
        if (System.getenv("MTDB_TEST_MYSQL_TCP") != null)
            places.add(new Place("mariadb", System.getenv("MTDB_TEST_MYSQL_TCP") + "?tls=false",
                "jdbc:mariadb://" + host + ":" + System.getenv("MTDB_TEST_MYSQL_PORT")
                    + "/?user=app&password=app-secret&sslMode=disable", 1, 1));
        return places;
    }

    // ---- measuring ----

    /** One round; its nanoseconds. */
    private interface Side {
        void run() throws Exception;
    }

    private static double[] inTurns(Side... sides) throws Exception {
        double[][] times = new double[sides.length][ROUNDS];
        for (int round = -3; round < ROUNDS; round++) {
            for (int side = 0; side < sides.length; side++) {
                long start = System.nanoTime();
                sides[side].run();
                if (round >= 0) times[side][round] = System.nanoTime() - start;
            }
        }
        return Arrays.stream(times).mapToDouble(all -> {
            Arrays.sort(all);
            return all[ROUNDS / 2];
        }).toArray();
    }

    private static void print(String name, String text, String unit, double ours, double peer, double ratio,
                              boolean least, double reach) {
        System.out.printf(Locale.ROOT, "{\"name\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"peer\":%.6g,"
            + "\"ratio\":%.4g,\"reach\":\"%s%s\",\"ok\":%b}%n", name, text, unit, ours, peer, ratio,
            least ? ">=" : "<=", reach, least ? ratio >= reach : ratio <= reach);
    }

    private static long sum;  // what was read, so that no reading can be left out

    // ---- java_scan ----

    private static void fill(Tenant tenant) throws SQLException {
        tenant.exec("CREATE TABLE s (i BIGINT, d DOUBLE PRECISION, t VARCHAR(16))");
        List<Object[]> rows = new ArrayList<>();
        for (long i = 0; i < ROWS; i++) rows.add(new Object[] {i * 7919, i / 3.0, String.format("row %012d", i)});
        tenant.execRows("INSERT INTO s VALUES (?, ?, ?)", rows);
    }

    private static void scan(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(SCAN)) {
            int seen = 0;
            for (; rows.next(); seen++) sum += rows.getLong(1) + (long) rows.getDouble(2) + rows.getString(3).length();
            if (seen != ROWS) throw new IllegalStateException(seen + " rows");
        }
    }

    private static void scan(Lease lease) throws SQLException {
        try (Rows rows = lease.query(SCAN)) {
            int seen = 0;
            for (; rows.next(); seen++) sum += rows.getLong(0) + (long) rows.getDouble(1) + rows.getString(2).length();
            if (seen != ROWS) throw new IllegalStateException(seen + " rows");
        }
    }

    private static void javaScan(Place place) throws Exception {
        try (Db db = Db.open(place.url)) {
            Tenant tenant = db.tenant("bench_scan").create();
            try {
                fill(tenant);
                try (Connection peer = place.connect(tenant.id()); Lease lease = tenant.lease();
                     Connection ours = MtdbDataSource.of(db, tenant.id()).getConnection()) {
                    double[] times = inTurns(() -> scan(ours), () -> scan(lease), () -> scan(peer));
                    String[] ways = {"jdbc", "direct"};
                    for (int i = 0; i < 2; i++) print("java_scan", place.name + " " + ways[i] + ", against its driver",
                        "ns a row", times[i] / ROWS, times[2] / ROWS, times[2] / times[i], true, place.scan);
                }
            } finally {
                tenant.drop();
            }
        }
    }

    // ---- java_point ----

    private static void read(Connection connection, long id, String wanted) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(POINT)) {
            statement.setLong(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                if (!rows.next() || !rows.getString(1).equals(wanted)) throw new IllegalStateException("another's row");
            }
        }
    }

    private static void readOurs(Connection connection, String[] ids) throws SQLException {
        for (int i = 0; i < READS; i++) {
            try (TenantScope scope = TenantScope.enter(ids[i % TENANTS])) {
                read(connection, i % 10, ids[i % TENANTS]);
            }
        }
    }

    private static void readPeers(Connection[] connections, String[] ids) throws SQLException {
        for (int i = 0; i < READS; i++) read(connections[i % TENANTS], i % 10, ids[i % TENANTS]);
    }

    private static void javaPoint(Place place) throws Exception {
        DbOptions options = new DbOptions().poolSizeMax(place.name.equals("sqlite") ? 8 : TENANTS).poolIdleMax(TENANTS);
        String[] ids = new String[TENANTS];
        Connection[] peers = new Connection[TENANTS];
        Lease[] leases = new Lease[TENANTS];
        try (Db db = Db.open(place.url, options)) {
            try {
                for (int i = 0; i < TENANTS; i++) {
                    Tenant tenant = db.tenant(ids[i] = "bench_point_" + i).create();
                    tenant.exec("CREATE TABLE kv (id BIGINT PRIMARY KEY, v VARCHAR(32))");
                    List<Object[]> rows = new ArrayList<>();
                    for (long id = 0; id < 10; id++) rows.add(new Object[] {id, ids[i]});
                    tenant.execRows("INSERT INTO kv VALUES (?, ?)", rows);
                }
                // Both sides have a connection for each tenant.
                for (int i = 0; i < TENANTS; i++) {
                    leases[i] = db.tenant(ids[i]).lease();
                    leases[i].query("SELECT 1").close();
                    peers[i] = place.connect(ids[i]);
                }
                for (Lease lease : leases) lease.close();
                try (Connection ours = MtdbDataSource.scoped(db).getConnection()) {
                    double[] times = inTurns(() -> readOurs(ours, ids), () -> readPeers(peers, ids));
                    print("java_point", place.name + ", 100 tenants by scope, against a connection of its driver each",
                        "ns", times[0] / READS, times[1] / READS, times[0] / times[1], false, place.point);
                }
            } finally {
                for (Lease lease : leases) if (lease != null) lease.close();
                for (Connection peer : peers) if (peer != null) peer.close();
                for (String id : ids) if (id != null) db.tenant(id).drop();
            }
        }
    }

    // ---- crossings ----

    // The class is there only where the raw layer was compiled with its counter.
    private static long calls() throws ReflectiveOperationException {
        return Class.forName("dev.mtdb.internal.Raw").getField("calls").getLong(null);
    }

    private static void crossings(Path folder) throws Exception {
        try (Db db = Db.open("sqlite:" + folder)) {
            Tenant tenant = db.tenant("bench_calls").create();
            tenant.exec("CREATE TABLE s (i BIGINT, d DOUBLE PRECISION, t VARCHAR(16))");
            List<Object[]> rows = new ArrayList<>();
            for (long i = 0; i < 1000; i++) rows.add(new Object[] {i, i / 3.0, String.format("row %012d", i)});
            tenant.execRows("INSERT INTO s VALUES (?, ?, ?)", rows);
            try (TenantScope scope = TenantScope.enter(tenant.id());
                 Connection connection = MtdbDataSource.scoped(db).getConnection()) {
                for (String way : List.of("jdbc", "direct")) {
                    long before = calls();
                    int seen = way.equals("jdbc") ? count(connection) : count(tenant);
                    print("crossings", way + ", library calls per 1,000 rows", "calls", calls() - before, seen / 1000.0,
                        calls() - before, false, 4);
                }
            }
        }
    }

    private static int count(Connection connection) throws SQLException {
        int seen = 0;
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(SCAN)) {
            for (; rows.next(); seen++) sum += rows.getLong(1) + (long) rows.getDouble(2) + rows.getString(3).length();
        }
        return seen;
    }

    private static int count(Tenant tenant) throws SQLException {
        int seen = 0;
        try (Rows rows = tenant.query(SCAN)) {
            for (; rows.next(); seen++) sum += rows.getLong(0) + (long) rows.getDouble(1) + rows.getString(2).length();
        }
        return seen;
    }

    public static void main(String[] names) throws Exception {
        for (String name : names) {
            Path folder = Files.createTempDirectory("mtdb-bench-").toRealPath();
            try {
                switch (name) {
                    case "java_scan": for (Place place : places(folder)) javaScan(place); break;
                    case "java_point": for (Place place : places(folder)) javaPoint(place); break;
                    case "crossings": crossings(folder); break;
                    default: throw new IllegalArgumentException("no benchmark " + name);
                }
            } finally {
                try (var files = Files.walk(folder)) {
                    files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
                }
            }
        }
        if (sum == 42) System.err.println("what a chance");
    }
}
