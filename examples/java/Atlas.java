// SPDX-License-Identifier: MIT
import dev.mtdb.*;
import java.io.IOException;
import java.nio.file.*;
import java.sql.SQLException;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;

/**
 * An atlas with one tenant per country: ISO 3166-1 makes the tenants, ISO 3166-2 their data. Creates, migrates, loads
 * and reads them all, shows that none reaches another's rows, then brings every tenant up to a second release.
 *
 * <p>Usage: Atlas URL SCRIPTS [DATA], with the folders of release-1 and release-2, and of iso_3166-1.json.
 */
public class Atlas {
    private static final Pattern ENTRY = Pattern.compile("\\{([^{}]*)\\}");
    private static final Pattern FIELD = Pattern.compile("\"(\\w+)\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final Db db;
    private final Map<String, Map<String, String>> countries = new TreeMap<>(); // by tenant
    private final Map<String, List<Object[]>> subdivisions = new HashMap<>();

    private Atlas(Db db) {
        this.db = db;
    }

    // The files are lists of flat objects.
    private static List<Map<String, String>> read(Path file) throws IOException {
        List<Map<String, String>> entries = new ArrayList<>();
        for (Matcher entry = ENTRY.matcher(Files.readString(file)); entry.find();) {
            Map<String, String> fields = new HashMap<>();
            Matcher field = FIELD.matcher(entry.group(1));
            while (field.find()) fields.put(field.group(1), field.group(2));
            entries.add(fields);
        }
        return entries;
    }

    private void readWorld(Path data) throws IOException {
        for (Map<String, String> country : read(data.resolve("iso_3166-1.json")))
            countries.put(country.get("alpha_2").toLowerCase(Locale.ROOT), country);
        for (Map<String, String> part : read(data.resolve("iso_3166-2.json")))
            subdivisions.computeIfAbsent(part.get("code").substring(0, 2).toLowerCase(Locale.ROOT),
                tenant -> new ArrayList<>()).add(new Object[] {part.get("code"), part.get("name"), part.get("type"),
                    part.get("parent")});
    }

    private int create() throws SQLException {
        int created = 0;
        for (String tenant : countries.keySet()) {
            if (db.tenant(tenant).exists()) continue; // from an earlier run
            db.tenant(tenant).create();
            created++;
        }
        return created;
    }

    private long migrate(Path scripts) throws SQLException {
        MigratorOptions options = new MigratorOptions().source(scripts.toString()).newer(true);
        try (Migrator migrator = db.migrator(options);
             Rows outcomes = migrator.run("migrate", "latest", null, new RunOptions().workers(4))) {
            long applied = 0;
            for (; outcomes.next(); applied += outcomes.getLong(2))
                if (outcomes.getLong(1) != 0) throw new SQLException(outcomes.getString(5));
            return applied;
        }
    }

    private long load(String tenant) throws SQLException {
        Map<String, String> country = countries.get(tenant);
        List<Object[]> parts = subdivisions.getOrDefault(tenant, List.of());
        return db.tenant(tenant).transaction(lease -> {
            lease.exec("DELETE FROM subdivision");
            lease.exec("DELETE FROM country");
            lease.exec("INSERT INTO country (code, name) VALUES (?, ?)", country.get("alpha_2"), country.get("name"));
            return lease.execRows("INSERT INTO subdivision (code, name, kind, parent) VALUES (?, ?, ?, ?)", parts);
        });
    }

    private long readAll() throws Exception {
        ExecutorService readers = Executors.newFixedThreadPool(4);
        List<Future<Long>> counts = new ArrayList<>();
        for (String tenant : countries.keySet()) counts.add(readers.submit(() -> {
            String own = tenant.toUpperCase(Locale.ROOT) + "-";
            List<String> codes = db.tenant(tenant).query("SELECT code FROM subdivision").list(row -> row.getString(0));
            if (!codes.stream().allMatch(code -> code.startsWith(own))) throw new SQLException("a stranger");
            return (long) codes.size();
        }));
        long rows = 0;
        for (Future<Long> count : counts) rows += count.get();
        readers.shutdown();
        return rows;
    }

    public static void main(String[] args) throws Exception {
        Path data = Path.of(args.length > 2 ? args[2] : "/usr/share/iso-codes/json");
        try (Db db = Db.open(args[0], new DbOptions().poolTenantsMax(64))) {
            Atlas atlas = new Atlas(db);
            atlas.readWorld(data);
            System.out.println(atlas.countries.size() + " countries, " + atlas.create() + " new tenants");
            System.out.println("release 1: " + atlas.migrate(Path.of(args[1], "release-1")) + " scripts applied");
            long rows = 0;
            for (String tenant : atlas.countries.keySet()) rows += atlas.load(tenant);
            System.out.println("loaded " + rows + " subdivisions");
            System.out.println("read " + atlas.readAll() + " back in 4 threads, each in its own country");
            try {
                db.tenant("fr").exec("ATTACH DATABASE 'de.db' AS de");
                throw new IllegalStateException("France reached Germany");
            } catch (SQLException refused) {
                System.out.println("in fr, ATTACH: " + refused.getMessage());
            }
            System.out.println("release 2: " + atlas.migrate(Path.of(args[1])) + " scripts applied");
            System.out.println("fr: " + db.tenant("fr").query("SELECT name, subdivisions FROM kind ORDER BY 2 DESC")
                .list(row -> row.getLong(1) + " x " + row.getString(0)));
            System.out.println("the atlas is complete: every country in its own tenant");
        }
    }
}
