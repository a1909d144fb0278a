// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

/** Queries of the engines' catalogues in the columns that JDBC names. Only the tenant's own namespace is looked at. */
final class Catalogue {
    private static final String PG_TABLE = "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        + " ON n.oid = c.relnamespace AND n.nspname = current_schema()";

    private Catalogue() {}

    /** Kinds of tables as a list in SQL; what is none is left out. */
    static String listed(String[] types) {
        StringBuilder list = new StringBuilder("''");
        for (String type : types)
            if (type.matches("[A-Z ]+")) list.append(", '").append(type).append('\'');
        return list.toString();
    }

    // Columns in the dialect's quotes: "a AS NAME, ..." where PostgreSQL would fold NAME.
    private static String quoted(Dialect dialect, String text) {
        return text.replaceAll("AS ([A-Z_]+)(?=[, ]|$)", "AS " + dialect.quote + "$1" + dialect.quote);
    }

    static String tables(Dialect dialect, String kinds) {
        String rest = ", NULL AS REMARKS, NULL AS TYPE_CAT, NULL AS TYPE_SCHEM, NULL AS TYPE_NAME,"
            + " NULL AS SELF_REFERENCING_COL_NAME, NULL AS REF_GENERATION ";
        switch (dialect) {
            case POSTGRES: return quoted(dialect, "SELECT * FROM (SELECT current_database() AS TABLE_CAT,"
                + " n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE WHEN c.relkind IN ('v', 'm') THEN 'VIEW'"
                + " ELSE 'TABLE' END AS TABLE_TYPE" + rest) + PG_TABLE + " WHERE c.relkind IN ('r',"
                + " 'p', 'v', 'm', 'f'))"
                + " t WHERE \"TABLE_NAME\" LIKE ? AND \"TABLE_TYPE\" IN (" + kinds + ") ORDER BY 4, 3";
            case MYSQL: return "SELECT * FROM (SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME,"
                + " CASE TABLE_TYPE WHEN 'BASE TABLE' THEN 'TABLE' ELSE TABLE_TYPE END AS TABLE_TYPE" + rest
                + "FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()) t WHERE TABLE_NAME LIKE ?"
                + " AND TABLE_TYPE IN (" + kinds + ") ORDER BY 4, 3";
            default: return "SELECT * FROM (SELECT NULL AS TABLE_CAT, NULL AS TABLE_SCHEM, name AS TABLE_NAME,"
                + " upper(type) AS TABLE_TYPE" + rest + "FROM sqlite_master WHERE type IN ('table', 'view')"
                + " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\') WHERE TABLE_NAME LIKE ? ESCAPE '\\' AND TABLE_TYPE IN ("
                + kinds + ") ORDER BY 4, 3";
        }
    }

    // The number of java.sql.Types for a type's name, in SQL.
    private static String typeNumber(String name) {
        return "CASE WHEN " + name + " LIKE '%int%' AND " + name + " NOT LIKE 'interval%' THEN -5"
            + " WHEN " + name + " LIKE '%bool%' THEN 16 WHEN " + name + " LIKE '%num%' OR " + name
            + " LIKE '%dec%' THEN 2 WHEN " + name + " LIKE '%double%' OR " + name + " LIKE '%real%' OR " + name
            + " LIKE '%float%' THEN 8 WHEN " + name + " LIKE '%blob%' OR " + name + " LIKE '%bytea%' OR " + name
            + " LIKE '%binary%' THEN -3 WHEN " + name + " LIKE 'timestamp%' OR " + name
            + " LIKE 'datetime%' THEN 93 WHEN " + name + " LIKE 'date%' THEN 91 WHEN " + name
            + " LIKE 'time%' THEN 92 ELSE 12 END";
    }

    static String columns(Dialect dialect) {
        String rest = " NULL AS SQL_DATA_TYPE, NULL AS SQL_DATETIME_SUB, NULL AS CHAR_OCTET_LENGTH,";
        switch (dialect) {
            case POSTGRES: return quoted(dialect, "SELECT current_database() AS TABLE_CAT, n.nspname AS TABLE_SCHEM,"
                + " c.relname AS TABLE_NAME, a.attname AS COLUMN_NAME, "
                + typeNumber("pg_catalog.format_type(a.atttypid, NULL)")
                + " AS DATA_TYPE, pg_catalog.format_type(a.atttypid, a.atttypmod) AS TYPE_NAME,"
                + " greatest(a.atttypmod - 4, 0) AS COLUMN_SIZE, NULL AS BUFFER_LENGTH, 0 AS DECIMAL_DIGITS,"
                + " 10 AS NUM_PREC_RADIX, CASE WHEN a.attnotnull THEN 0 ELSE 1 END AS NULLABLE, NULL AS REMARKS,"
                + " pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS COLUMN_DEF," + rest
                + " a.attnum AS ORDINAL_POSITION, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS IS_NULLABLE,"
                + " CASE WHEN a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'"
                + " THEN 'YES' ELSE 'NO' END AS IS_AUTOINCREMENT ") + PG_TABLE
                + " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                + " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
                + " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname LIKE ? AND a.attname LIKE ?"
                + " ORDER BY c.relname, a.attnum";
            case MYSQL: return "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, "
                + typeNumber("DATA_TYPE") + " AS DATA_TYPE, COLUMN_TYPE AS TYPE_NAME,"
                + " coalesce(CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, 0) AS COLUMN_SIZE, NULL AS BUFFER_LENGTH,"
                + " coalesce(NUMERIC_SCALE, 0) AS DECIMAL_DIGITS, 10 AS NUM_PREC_RADIX,"
                + " IF(IS_NULLABLE = 'YES', 1, 0) AS NULLABLE, COLUMN_COMMENT AS REMARKS, COLUMN_DEFAULT AS COLUMN_DEF,"
                + rest + " ORDINAL_POSITION, IS_NULLABLE, IF(EXTRA LIKE '%auto_increment%', 'YES', 'NO') AS"
                + " IS_AUTOINCREMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
                + " AND TABLE_NAME LIKE ? AND COLUMN_NAME LIKE ? ORDER BY TABLE_NAME, ORDINAL_POSITION";
            default: return "SELECT NULL AS TABLE_CAT, NULL AS TABLE_SCHEM, m.name AS TABLE_NAME,"
                + " p.name AS COLUMN_NAME,"
                + " " + typeNumber("p.type") + " AS DATA_TYPE, p.type AS TYPE_NAME, 0 AS COLUMN_SIZE,"
                + " NULL AS BUFFER_LENGTH, 0 AS DECIMAL_DIGITS, 10 AS NUM_PREC_RADIX, 1 - p.\"notnull\" AS NULLABLE,"
                + " NULL AS REMARKS, p.dflt_value AS COLUMN_DEF," + rest + " p.cid + 1 AS ORDINAL_POSITION,"
                + " CASE p.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS IS_NULLABLE, '' AS IS_AUTOINCREMENT"
                + " FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view')"
                + " AND m.name LIKE ? ESCAPE '\\' AND p.name LIKE ? ESCAPE '\\' ORDER BY m.name, p.cid";
        }
    }

    static String primaryKeys(Dialect dialect) {
        switch (dialect) {
            case POSTGRES: return quoted(dialect, "SELECT current_database() AS TABLE_CAT, n.nspname AS TABLE_SCHEM,"
                + " c.relname AS TABLE_NAME, a.attname AS COLUMN_NAME, k.place AS KEY_SEQ, x.conname AS PK_NAME ")
                + PG_TABLE + " JOIN pg_catalog.pg_constraint x ON x.conrelid = c.oid AND x.contype = 'p'"
                + " CROSS JOIN LATERAL unnest(x.conkey) WITH ORDINALITY AS k(number, place)"
                + " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number"
                + " WHERE c.relname = ? ORDER BY 4";
            case MYSQL: return "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME,"
                + " ORDINAL_POSITION AS KEY_SEQ, CONSTRAINT_NAME AS PK_NAME FROM information_schema.KEY_COLUMN_USAGE"
                + " WHERE TABLE_SCHEMA = DATABASE() AND CONSTRAINT_NAME = 'PRIMARY' AND TABLE_NAME = ? ORDER BY 4";
            default: return "SELECT NULL AS TABLE_CAT, NULL AS TABLE_SCHEM, m.name AS TABLE_NAME,"
                + " p.name AS COLUMN_NAME,"
                + " p.pk AS KEY_SEQ, NULL AS PK_NAME FROM sqlite_master m JOIN pragma_table_info(m.name) p"
                + " WHERE m.type = 'table' AND p.pk > 0 AND m.name = ? ORDER BY 4";
        }
    }

    static String indexes(Dialect dialect, boolean unique) {
        String rest = " AS NON_UNIQUE, NULL AS INDEX_QUALIFIER,";
        String end = " NULL AS ASC_OR_DESC, 0 AS CARDINALITY, 0 AS PAGES, NULL AS FILTER_CONDITION ";
        switch (dialect) {
            case POSTGRES: return quoted(dialect, "SELECT current_database() AS TABLE_CAT, n.nspname AS TABLE_SCHEM,"
                + " c.relname AS TABLE_NAME, NOT i.indisunique" + rest + " x.relname AS INDEX_NAME, 3 AS TYPE,"
                + " k.place AS ORDINAL_POSITION, a.attname AS COLUMN_NAME," + end) + PG_TABLE
                + " JOIN pg_catalog.pg_index i ON i.indrelid = c.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
                + " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)"
                + " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number"
                + " WHERE c.relname = ?" + (unique ? " AND i.indisunique" : "") + " ORDER BY 4, 6, 8";
            case MYSQL: return "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, NON_UNIQUE,"
                + " NULL AS INDEX_QUALIFIER, INDEX_NAME, 3 AS TYPE, SEQ_IN_INDEX AS ORDINAL_POSITION, COLUMN_NAME,"
                + end + "FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
                + (unique ? " AND NON_UNIQUE = 0" : "") + " ORDER BY 4, 6, 8";
            default: return "SELECT NULL AS TABLE_CAT, NULL AS TABLE_SCHEM, m.name AS TABLE_NAME, 1 - l.\"unique\""
                + rest + " l.name AS INDEX_NAME, 3 AS TYPE, x.seqno + 1 AS ORDINAL_POSITION, x.name AS COLUMN_NAME,"
                + end + "FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) x"
                + " WHERE m.type = 'table' AND m.name = ?" + (unique ? " AND l.\"unique\" = 1" : "")
                + " ORDER BY 4, 6, 8";
        }
    }

    static String importedKeys(Dialect dialect) {
        String end = " 3 AS UPDATE_RULE, 3 AS DELETE_RULE,";
        switch (dialect) {
            case POSTGRES: return quoted(dialect, "SELECT current_database() AS PKTABLE_CAT,"
                + " n.nspname AS PKTABLE_SCHEM,"
                + " f.relname AS PKTABLE_NAME, b.attname AS PKCOLUMN_NAME, current_database() AS FKTABLE_CAT,"
                + " n.nspname AS FKTABLE_SCHEM, c.relname AS FKTABLE_NAME, a.attname AS FKCOLUMN_NAME,"
                + " k.place AS KEY_SEQ," + end + " x.conname AS FK_NAME, NULL AS PK_NAME, 7 AS DEFERRABILITY ")
                + PG_TABLE + " JOIN pg_catalog.pg_constraint x ON x.conrelid = c.oid AND x.contype = 'f'"
                + " JOIN pg_catalog.pg_class f ON f.oid = x.confrelid"
                + " CROSS JOIN LATERAL unnest(x.conkey, x.confkey) WITH ORDINALITY AS k(here, there, place)"
                + " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.here"
                + " JOIN pg_catalog.pg_attribute b ON b.attrelid = f.oid AND b.attnum = k.there"
                + " WHERE c.relname = ? ORDER BY 3, 9";
            case MYSQL: return "SELECT REFERENCED_TABLE_SCHEMA AS PKTABLE_CAT, NULL AS PKTABLE_SCHEM,"
                + " REFERENCED_TABLE_NAME AS PKTABLE_NAME, REFERENCED_COLUMN_NAME AS PKCOLUMN_NAME,"
                + " TABLE_SCHEMA AS FKTABLE_CAT, NULL AS FKTABLE_SCHEM, TABLE_NAME AS FKTABLE_NAME,"
                + " COLUMN_NAME AS FKCOLUMN_NAME, ORDINAL_POSITION AS KEY_SEQ," + end + " CONSTRAINT_NAME AS FK_NAME,"
                + " NULL AS PK_NAME, 7 AS DEFERRABILITY FROM information_schema.KEY_COLUMN_USAGE"
                + " WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_NAME = ?"
                + " ORDER BY 3, 9";
            default: return "SELECT NULL AS PKTABLE_CAT, NULL AS PKTABLE_SCHEM, p.\"table\" AS PKTABLE_NAME,"
                + " p.\"to\" AS PKCOLUMN_NAME, NULL AS FKTABLE_CAT, NULL AS FKTABLE_SCHEM, m.name AS FKTABLE_NAME,"
                + " p.\"from\" AS FKCOLUMN_NAME, p.seq + 1 AS KEY_SEQ," + end + " NULL AS FK_NAME, NULL AS PK_NAME,"
                + " 7 AS DEFERRABILITY FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) p"
                + " WHERE m.type = 'table' AND m.name = ? ORDER BY 3, 9";
        }
    }
}
