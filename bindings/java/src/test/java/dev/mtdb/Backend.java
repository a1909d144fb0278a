// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Where a test's tenants live: SQLite in a folder of its own, and the servers that the environment names. */
final class Backend implements AutoCloseable {
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
    static Stream<String> all() {
        List<String> names = new ArrayList<>(List.of("sqlite"));
        if (System.getenv("MTDB_TEST_POSTGRES") != null) names.add("postgres");
        if (System.getenv("MTDB_TEST_MYSQL") != null) names.add("mysql");
        return names.stream();
    }

    static Backend open(String name) throws SQLException {
        return open(name, new DbOptions());
    }

    static Backend open(String name, DbOptions options) throws SQLException {
        if (!name.equals("sqlite"))
            return new Backend(name, System.getenv("MTDB_TEST_" + name.toUpperCase(java.util.Locale.ROOT)), null,
                options);
        try {
            Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
            return new Backend(name, "sqlite:" + folder, folder, options);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
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
