// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Batch;
import dev.mtdb.Db;
import dev.mtdb.Lease;
import java.util.function.Function;

/** What the public classes show to the library's other packages only. */
public final class Access {
    private static volatile Function<Db, Database> databases;
    private static volatile Function<Lease, Conn> conns;
    private static volatile Function<Batch, Handle> batches;

    private Access() {}

    /** Called once, by the class that has the secrets. */
    public static void grant(Function<Db, Database> database, Function<Lease, Conn> conn,
                             Function<Batch, Handle> batch) {
        databases = database;
        conns = conn;
        batches = batch;
    }

    /** What is behind a db. */
    public static Database of(Db db) {
        return databases.apply(db);
    }

    /** What is behind a lease. */
    public static Conn of(Lease lease) {
        return conns.apply(lease);
    }

    /** What is behind a batch. */
    public static Handle of(Batch batch) {
        return batches.apply(batch);
    }
}
