// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Raw;
import dev.mtdb.jdbc.MtdbDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Counts calls of the library for 1,000 rows. Runs over a raw layer with a counter: bindings/java/crossings. */
final class Crossings {
    private static final long CALLS_MAX = 4;
    private static final String SQL = "SELECT i, d, t FROM r";

    private Crossings() {}

    private interface Reading {
        long rows() throws Exception;
    }

    private static long direct(Tenant tenant) throws SQLException {
        return tenant.query(SQL).list(row -> row.getLong(0) + row.getString(2)).size();
    }

    private static long jdbc(Connection connection) throws SQLException {
        long count = 0;
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(SQL)) {
            for (; rows.next(); count++) rows.getString(3);
        }
        return count;
    }

    private static int failed(String name, Reading reading) throws Exception {
        reading.rows(); // Tokens, buffers and the compiled statement are there afterwards.
        long before = Raw.class.getField("calls").getLong(null);
        long rows = reading.rows();
        long calls = Raw.class.getField("calls").getLong(null) - before;
        boolean well = rows == 1000 && calls > 0 && calls <= CALLS_MAX;
        System.out.println((well ? "" : "FAILED ") + name + ": " + calls + " calls for " + rows + " rows");
        return well ? 0 : 1;
    }

    public static void main(String[] none) throws Exception {
        try (Db db = Db.open("sqlite::memory:")) {
            Tenant tenant = db.tenant("acme").create();
            tenant.exec("CREATE TABLE r (i INTEGER, d DOUBLE, t TEXT)");
            List<Object[]> rows = new ArrayList<>();
            for (long i = 0; i < 1000; i++) rows.add(new Object[] {i, i / 2.0, "sixteen letters " + i});
            tenant.execRows("INSERT INTO r VALUES (?, ?, ?)", rows);
            int failed = failed("direct", () -> direct(tenant));
            try (Connection one = MtdbDataSource.of(db, "acme").getConnection();
                 Connection scoped = MtdbDataSource.scoped(db).getConnection()) {
                failed += failed("a tenant's connection", () -> jdbc(one));
                try (TenantScope scope = TenantScope.enter("acme")) {
                    failed += failed("a connection of the scope", () -> jdbc(scoped));
                }
            }
            System.out.println(3 - failed + " passed, " + failed + " failed");
            if (failed > 0) System.exit(1);
        }
    }
}
