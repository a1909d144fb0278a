// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Where a test's tenants live: SQLite in a folder of its own, and the servers that the environment names. */
public final class Backend implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    final String name;
    final Db db;
    private final Path folder;
    private final List<Tenant> tenants = new ArrayList<>();

    private Backend(String name, String url, Path folder, DbOptions options) throws SQLException {
        this.name = name;
        this.folder = folder;
        db = Db.open(url, options);
    }

    /** The names of the backends: each is one more run of a test. */
    public static Stream<String> all() {
        return Boolean.getBoolean("mtdb.servers") ? Stream.of("sqlite", "postgres", "mysql") : Stream.of("sqlite");
    }

    /** The address of a server, which has to be there. */
    public static String url(String name) {
        String variable = "MTDB_TEST_" + name.toUpperCase(Locale.ROOT);
        String url = System.getenv(variable);
        if (url == null) throw new IllegalStateException("no server: " + variable + " is not set");
        return url;
    }

    /** Options for a machine that is busy with other things. */
    public static DbOptions patient(DbOptions options) {
        return options.connectTimeout(Duration.ofMinutes(2)).acquireTimeout(Duration.ofMinutes(2));
    }

    /** A count of a long test, multiplied by MTDB_SCALE. */
    static int scaled(int count) {
        String scale = System.getenv("MTDB_SCALE");
        return (int) Math.max(10, count * (scale == null ? 1 : Double.parseDouble(scale)));
    }

    static Backend open(String name) throws SQLException {
        return open(name, new DbOptions());
    }

    static Backend open(String name, DbOptions options) throws SQLException {
        patient(options);
        if (!name.equals("sqlite")) return new Backend(name, url(name), null, options);
        try {
            Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
            return new Backend(name, "sqlite:" + folder, folder, options);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** Where SQLite's files are. */
    Path folder() {
        return folder;
    }

    /** A new tenant, dropped at the end. */
    Tenant tenant() throws SQLException {
        Tenant tenant = db.tenant("j" + ProcessHandle.current().pid() + "_" + COUNT.incrementAndGet()).create();
        tenants.add(tenant);
        return tenant;
    }

    @Override
    public void close() throws SQLException {
        try {
            if (folder == null) for (Tenant tenant : tenants) tenant.drop();
        } finally {
            db.close();
            if (folder != null) delete(folder);
        }
    }

    static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
