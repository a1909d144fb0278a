// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Type;
import java.sql.Connection;
import java.sql.Types;

/** What differs between the engines, as far as JDBC asks for it. */
enum Dialect {
    SQLITE("SQLite", "\"", "SELECT sqlite_version()", null, null, Connection.TRANSACTION_SERIALIZABLE, true),
    POSTGRES("PostgreSQL", "\"", "SHOW server_version", "SELECT current_database()", "SELECT current_schema()",
        Connection.TRANSACTION_READ_COMMITTED, true),
    MYSQL("MySQL", "`", "SELECT VERSION()", "SELECT DATABASE()", null, Connection.TRANSACTION_REPEATABLE_READ, false),
    ECHO("echo", "\"", "echo '0.1'", null, null, Connection.TRANSACTION_SERIALIZABLE, true);

    final String product;
    final String quote;
    final String versionQuery;
    final String catalogQuery;
    final String schemaQuery;
    final int isolation;
    final boolean transactionalDdl;

    Dialect(String product, String quote, String versionQuery, String catalogQuery, String schemaQuery, int isolation,
            boolean transactionalDdl) {
        this.product = product;
        this.quote = quote;
        this.versionQuery = versionQuery;
        this.catalogQuery = catalogQuery;
        this.schemaQuery = schemaQuery;
        this.isolation = isolation;
        this.transactionalDdl = transactionalDdl;
    }

    static Dialect of(String engine) {
        switch (engine) {
            case "postgres": return POSTGRES;
            case "mysql": return MYSQL;
            case "echo": return ECHO;
            default: return SQLITE;
        }
    }

    /** The number of java.sql.Types for a value's type. */
    static int sqlType(Type type) {
        switch (type) {
            case NULL: return Types.NULL;
            case BOOL: return Types.BOOLEAN;
            case INT64: case UINT64: return Types.BIGINT;
            case FLOAT: return Types.REAL;
            case DOUBLE: return Types.DOUBLE;
            case DECIMAL: return Types.NUMERIC;
            case BYTES: return Types.VARBINARY;
            case DATE: return Types.DATE;
            case TIME: return Types.TIME;
            case TIMESTAMP: return Types.TIMESTAMP;
            case TIMESTAMPTZ: return Types.TIMESTAMP_WITH_TIMEZONE;
            case UUID: case INTERVAL: case OTHER: return Types.OTHER;
            default: return Types.VARCHAR;
        }
    }

    /** The class that getObject() makes of a type. */
    static String className(Type type) {
        switch (type) {
            case BOOL: return "java.lang.Boolean";
            case INT64: return "java.lang.Long";
            case UINT64: return "java.math.BigInteger";
            case FLOAT: return "java.lang.Float";
            case DOUBLE: return "java.lang.Double";
            case DECIMAL: return "java.math.BigDecimal";
            case BYTES: return "[B";
            case DATE: return "java.sql.Date";
            case TIME: return "java.sql.Time";
            case TIMESTAMP: case TIMESTAMPTZ: return "java.sql.Timestamp";
            case UUID: return "java.util.UUID";
            case INTERVAL: return "dev.mtdb.Interval";
            case NULL: case VARIANT: return "java.lang.Object";
            default: return "java.lang.String";
        }
    }

    /** SQLite's declared types by its own rules of affinity; VARIANT where they say nothing. */
    static Type declared(String declaration) {
        String text = declaration.toUpperCase(java.util.Locale.ROOT);
        if (text.contains("INT")) return Type.INT64;
        if (text.contains("CHAR") || text.contains("CLOB") || text.contains("TEXT")) return Type.TEXT;
        if (text.contains("BLOB")) return Type.BYTES;
        if (text.contains("REAL") || text.contains("FLOA") || text.contains("DOUB")) return Type.DOUBLE;
        return Type.VARIANT;
    }
}
