// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.internal.Result;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.RowIdLifetime;
import java.sql.SQLException;
import java.util.List;

/** What tools ask of a connection. Names of tables and columns come from the engine's own catalogue. */
final class JdbcMetaData extends PlainMetaData {
    private final JdbcConnection connection;
    private final Dialect dialect;
    private String version;

    JdbcMetaData(JdbcConnection connection) {
        this.connection = connection;
        dialect = connection.dialect();
    }

    @Override
    ResultSet none() throws SQLException {
        return new JdbcRows((JdbcStatement) connection.createStatement(),
            Result.of(new String[] {"NONE"}, List.of()), 0);
    }

    private ResultSet catalogue(String sql, Object... params) throws SQLException {
        JdbcPrepared statement = (JdbcPrepared) connection.prepareStatement(sql);
        statement.closeOnCompletion();
        for (int i = 0; i < params.length; i++) statement.setObject(i + 1, params[i]);
        return statement.executeQuery();
    }

    // ---- the product ----

    private String version() throws SQLException {
        if (version == null) version = connection.single(dialect.versionQuery);
        return version;
    }

    @Override
    public String getDatabaseProductName() throws SQLException {
        return dialect == Dialect.MYSQL && version().contains("MariaDB") ? "MariaDB" : dialect.product;
    }

    @Override
    public String getDatabaseProductVersion() throws SQLException {
        return version();
    }

    private int versionPart(int which) throws SQLException {
        String[] parts = version().split("[^0-9]+");
        return which < parts.length && !parts[which].isEmpty() ? Integer.parseInt(parts[which]) : 0;
    }

    @Override
    public int getDatabaseMajorVersion() throws SQLException {
        return versionPart(0);
    }

    @Override
    public int getDatabaseMinorVersion() throws SQLException {
        return versionPart(1);
    }

    @Override
    public String getDriverName() {
        return "mtdb";
    }

    @Override
    public String getDriverVersion() {
        return "0.1.0";
    }

    @Override
    public int getDriverMajorVersion() {
        return 0;
    }

    @Override
    public int getDriverMinorVersion() {
        return 1;
    }

    @Override
    public int getJDBCMajorVersion() {
        return 4;
    }

    @Override
    public int getJDBCMinorVersion() {
        return 3;
    }

    @Override
    public String getURL() {
        return connection.url();
    }

    @Override
    public String getUserName() {
        return "";
    }

    @Override
    public Connection getConnection() {
        return connection;
    }

    // ---- what it can ----

    @Override
    public String getIdentifierQuoteString() {
        return dialect.quote;
    }

    @Override
    public String getSearchStringEscape() {
        return "\\";
    }

    @Override
    public String getCatalogTerm() {
        return "database";
    }

    @Override
    public String getSchemaTerm() {
        return "schema";
    }

    @Override
    public String getCatalogSeparator() {
        return ".";
    }

    @Override
    public boolean isCatalogAtStart() {
        return true;
    }

    @Override
    public boolean supportsTransactions() {
        return true;
    }

    @Override
    public boolean supportsSavepoints() {
        return true;
    }

    @Override
    public boolean supportsBatchUpdates() {
        return true;
    }

    @Override
    public boolean supportsGetGeneratedKeys() {
        return true;
    }

    @Override
    public boolean generatedKeyAlwaysReturned() {
        return false;
    }

    @Override
    public boolean supportsResultSetType(int type) {
        return type == ResultSet.TYPE_FORWARD_ONLY;
    }

    @Override
    public boolean supportsResultSetConcurrency(int type, int concurrency) {
        return type == ResultSet.TYPE_FORWARD_ONLY && concurrency == ResultSet.CONCUR_READ_ONLY;
    }

    @Override
    public boolean supportsResultSetHoldability(int holdability) {
        return holdability == ResultSet.CLOSE_CURSORS_AT_COMMIT;
    }

    @Override
    public int getResultSetHoldability() {
        return ResultSet.CLOSE_CURSORS_AT_COMMIT;
    }

    @Override
    public boolean supportsTransactionIsolationLevel(int level) {
        return dialect == Dialect.SQLITE ? level == Connection.TRANSACTION_SERIALIZABLE
            : level == Connection.TRANSACTION_READ_COMMITTED || level == Connection.TRANSACTION_REPEATABLE_READ
                || level == Connection.TRANSACTION_SERIALIZABLE;
    }

    @Override
    public int getDefaultTransactionIsolation() {
        return dialect.isolation;
    }

    @Override
    public boolean supportsDataDefinitionAndDataManipulationTransactions() {
        return dialect.transactionalDdl;
    }

    @Override
    public boolean dataDefinitionCausesTransactionCommit() {
        return !dialect.transactionalDdl;
    }

    @Override
    public boolean supportsMultipleOpenResults() {
        return false;
    }

    @Override
    public boolean supportsSchemasInTableDefinitions() {
        return dialect == Dialect.POSTGRES;
    }

    @Override
    public boolean supportsSchemasInDataManipulation() {
        return dialect == Dialect.POSTGRES;
    }

    @Override
    public boolean supportsCatalogsInDataManipulation() {
        return dialect == Dialect.MYSQL;
    }

    @Override
    public boolean supportsMixedCaseIdentifiers() {
        return dialect == Dialect.MYSQL;
    }

    @Override
    public boolean storesLowerCaseIdentifiers() {
        return dialect == Dialect.POSTGRES;
    }

    @Override
    public boolean storesMixedCaseIdentifiers() {
        return dialect != Dialect.POSTGRES;
    }

    @Override
    public boolean supportsMixedCaseQuotedIdentifiers() {
        return dialect != Dialect.SQLITE;
    }

    @Override
    public boolean supportsOuterJoins() {
        return true;
    }

    @Override
    public boolean supportsSubqueriesInExists() {
        return true;
    }

    @Override
    public boolean supportsUnion() {
        return true;
    }

    @Override
    public boolean supportsUnionAll() {
        return true;
    }

    @Override
    public boolean supportsGroupBy() {
        return true;
    }

    @Override
    public boolean supportsColumnAliasing() {
        return true;
    }

    @Override
    public boolean supportsNonNullableColumns() {
        return true;
    }

    @Override
    public boolean nullsAreSortedLow() {
        return dialect != Dialect.POSTGRES;
    }

    @Override
    public boolean nullsAreSortedHigh() {
        return dialect == Dialect.POSTGRES;
    }

    @Override
    public int getSQLStateType() {
        return DatabaseMetaData.sqlStateSQL;
    }

    @Override
    public RowIdLifetime getRowIdLifetime() {
        return RowIdLifetime.ROWID_UNSUPPORTED;
    }

    // ---- the catalogue ----

    @Override
    public ResultSet getCatalogs() throws SQLException {
        return catalogue(dialect == Dialect.MYSQL ? "SELECT DATABASE() AS TABLE_CAT"
            : dialect == Dialect.POSTGRES ? "SELECT current_database() AS \"TABLE_CAT\""
            : "SELECT NULL AS TABLE_CAT WHERE 0");
    }

    @Override
    public ResultSet getSchemas() throws SQLException {
        return getSchemas(null, null);
    }

    @Override
    public ResultSet getSchemas(String catalog, String pattern) throws SQLException {
        if (dialect != Dialect.POSTGRES)
            return catalogue("SELECT NULL AS TABLE_SCHEM, NULL AS TABLE_CATALOG FROM (SELECT 1 AS x) AS one"
                + " WHERE x = 0");
        return catalogue("SELECT nspname AS \"TABLE_SCHEM\", current_database() AS \"TABLE_CATALOG\""
            + " FROM pg_catalog.pg_namespace WHERE nspname = current_schema() AND nspname LIKE ?",
            pattern == null ? "%" : pattern);
    }

    @Override
    public ResultSet getTableTypes() throws SQLException {
        return catalogue("SELECT 'TABLE' AS " + alias("TABLE_TYPE") + " UNION ALL SELECT 'VIEW'");
    }

    private String alias(String name) {
        return dialect.quote + name + dialect.quote;
    }

    @Override
    public ResultSet getTables(String catalog, String schema, String name, String[] types) throws SQLException {
        String kinds = types == null ? "'TABLE', 'VIEW'" : Catalogue.listed(types);
        return catalogue(Catalogue.tables(dialect, kinds), name == null ? "%" : name);
    }

    @Override
    public ResultSet getColumns(String catalog, String schema, String table, String column) throws SQLException {
        return catalogue(Catalogue.columns(dialect), table == null ? "%" : table, column == null ? "%" : column);
    }

    @Override
    public ResultSet getPrimaryKeys(String catalog, String schema, String table) throws SQLException {
        return catalogue(Catalogue.primaryKeys(dialect), table);
    }

    @Override
    public ResultSet getIndexInfo(String catalog, String schema, String table, boolean unique, boolean approximate)
            throws SQLException {
        return catalogue(Catalogue.indexes(dialect, unique), table);
    }

    @Override
    public ResultSet getImportedKeys(String catalog, String schema, String table) throws SQLException {
        return catalogue(Catalogue.importedKeys(dialect), table);
    }
}
