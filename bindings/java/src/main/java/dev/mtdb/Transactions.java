// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.sql.SQLException;
import java.util.concurrent.ThreadLocalRandom;

/** Work in a transaction, again where another try can cure what failed. */
final class Transactions {
    private static final int ATTEMPTS_MAX = 6;
    private static final long PAUSE_MS = 5;

    private Transactions() {}

    @SuppressWarnings("unchecked")
    static <T, E extends Exception> T run(Tenant tenant, TxOptions options, Work<T, E> work) throws SQLException, E {
        for (int attempt = 1;; attempt++) {
            try {
                return once(tenant, options, work);
            } catch (Exception failure) {
                if (attempt == ATTEMPTS_MAX || !curable(failure) || !paused(attempt)) throw (E) failure;
            }
        }
    }

    private static <T, E extends Exception> T once(Tenant tenant, TxOptions options, Work<T, E> work)
            throws SQLException, E {
        Lease lease = tenant.lease();
        boolean committed = false;
        try {
            lease.begin(options);
            T made = work.run(lease);
            lease.commit();
            committed = true;
            return made;
        } finally {
            end(lease, committed);
        }
    }

    // What ends a transaction never hides why it failed, nor makes committed work fail, which would be done again.
    // Closing rolls back what a failed rollback left.
    private static void end(Lease lease, boolean committed) {
        try {
            if (!committed) lease.rollback();
        } catch (SQLException | IllegalStateException again) {
            // The connection is in doubt: closing the lease drops it.
        }
        try {
            lease.close();
        } catch (SQLException | IllegalStateException again) {
            // The library has seen to it.
        }
    }

    // Not what another try would only make wait longer: deadlines, exhausted pools, holds.
    private static boolean curable(Exception failure) {
        Failure known = MtdbError.of(failure).orElse(null);
        if (known == null || !known.retryable()) return false;
        return known.status() == Status.SERIALIZATION || known.status() == Status.BUSY
            || known.status() == Status.UNAVAILABLE;
    }

    private static boolean paused(int attempt) {
        long most = PAUSE_MS << attempt;
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
