// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Backend;
import dev.mtdb.Db;
import dev.mtdb.DbOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Two tenants of one db, as data sources. */
final class Tenants implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String name;
    private final Db db;
    private final Path folder;
    private final List<String> ids;

    private Tenants(String name, Db db, Path folder) throws SQLException {
        this.name = name;
        this.db = db;
        this.folder = folder;
        String id = "d" + ProcessHandle.current().pid() + "_" + COUNT.incrementAndGet();
        ids = List.of(id + "a", id + "b");
        for (String each : ids) db.tenant(each).create();
    }

    static Stream<String> all() {
        return Backend.all();
    }

    static Tenants open(String name) throws SQLException, IOException {
        DbOptions options = Backend.patient(new DbOptions());
        if (!name.equals("sqlite")) return new Tenants(name, Db.open(Backend.url(name), options), null);
        Path folder = Files.createTempDirectory("mtdb-java-").toRealPath();
        return new Tenants(name, Db.open("sqlite:" + folder, options), folder);
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
    }

    String name() {
        return name;
    }

    Db db() {
        return db;
    }

    List<String> ids() {
        return ids;
    }

    MtdbDataSource a() {
        return MtdbDataSource.of(db, ids.get(0));
    }

    MtdbDataSource b() {
        return MtdbDataSource.of(db, ids.get(1));
    }

    MtdbDataSource scoped() {
        return MtdbDataSource.scoped(db);
    }

    @Override
    public void close() throws SQLException, IOException {
        try {
            if (folder == null) for (String id : ids) db.tenant(id).drop();
        } finally {
            db.close();
            if (folder != null) delete(folder);
        }
    }
}
