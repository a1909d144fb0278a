// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.sql.SQLException;

/**
 * Work in a transaction.
 *
 * @param <T> what it makes
 * @param <E> what else it may throw
 */
@FunctionalInterface
public interface Work<T, E extends Exception> {
    /**
     * Does the work. It may be called again after a failure that another try can cure, so it should change nothing but
     * the tenant's data.
     *
     * @param lease where the transaction is open; it is committed and given back behind this call
     * @return what it made
     * @throws SQLException when a call fails; the transaction is then rolled back
     * @throws E what the work throws itself; the transaction is then rolled back
     */
    T run(Lease lease) throws SQLException, E;
}
