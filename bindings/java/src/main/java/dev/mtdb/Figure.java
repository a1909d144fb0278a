// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.sql.SQLException;
import java.util.List;

/**
 * One figure of a db or a tenant.
 *
 * @param name as the stats page of the docs has it
 * @param unit of the value
 * @param value the value
 */
public record Figure(String name, String unit, long value) {
    static List<Figure> list(Rows rows) throws SQLException {
        return rows.list(row -> new Figure(row.getString(0), row.getString(1), row.getLong(2)));
    }
}
