// SPDX-License-Identifier: MIT
/** JDBC over a db: {@link dev.mtdb.jdbc.MtdbDataSource} and {@link dev.mtdb.jdbc.MtdbDriver}. */
package dev.mtdb.jdbc;
