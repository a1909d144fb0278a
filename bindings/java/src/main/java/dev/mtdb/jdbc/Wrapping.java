// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import java.sql.SQLException;
import java.sql.Wrapper;

/** Unwraps to what the object is itself. */
abstract class Wrapping implements Wrapper {
    @Override
    public <T> T unwrap(Class<T> wanted) throws SQLException {
        if (wanted.isInstance(this)) return wanted.cast(this);
        throw new SQLException("this is no " + wanted.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> wanted) {
        return wanted.isInstance(this);
    }
}
