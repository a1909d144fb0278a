// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.CountDownLatch;

/** A program that ends with a db, a transaction, half-read rows, a fleet's too, events and a running call open. */
final class OpenHandles {
    private OpenHandles() {}

    public static void main(String[] folder) throws Exception {
        Db db = Db.open("sqlite:" + Path.of(folder[0]));
        Tenant tenant = db.tenant("acme").create();
        tenant.exec("CREATE TABLE t (a)");
        Lease lease = tenant.lease();
        Rows rows = tenant.query("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c");
        rows.next();
        lease.begin();
        lease.exec("INSERT INTO t VALUES (1)");
        Fleet fleet = db.fleet(null, new FleetOptions().verb(FleetOptions.Verb.SQL).ledger(FleetOptions.Ledger.OFF)
            .sql("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"));
        Rows fleetRows = fleet.add("acme").query(ChronoUnit.FOREVER.getDuration());
        fleetRows.next();
        CountDownLatch running = new CountDownLatch(1);
        Thread busy = new Thread(() -> {
            running.countDown();
            try {
                for (Event event : db.events()) event.name();
            } catch (IllegalStateException ended) {
                // With the process.
            }
        });
        busy.setDaemon(true);
        busy.start();
        Thread query = new Thread(() -> {
            try {
                tenant.exec("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c");
            } catch (SQLException ended) {
                // With the process.
            }
        });
        query.setDaemon(true);
        query.start();
        running.await();
        System.out.println("leaving " + rows.getLong(0) + " " + fleetRows.getString(0));
    }
}
