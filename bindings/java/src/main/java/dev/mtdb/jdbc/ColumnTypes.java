// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Type;
import dev.mtdb.internal.Result;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;

/**
 * What is known of the columns of a result. Where each value has a type of its own (SQLite), the type is that of the
 * values at hand, else the declared one.
 */
final class ColumnTypes extends Wrapping implements ResultSetMetaData {
    private final String[] names;
    private final Type[] types;
    private final int[] nullable;
    private final String[] declared;

    ColumnTypes(Result result, Dialect dialect) {
        names = result.columnNames();
        types = new Type[names.length];
        nullable = new int[names.length];
        declared = new String[names.length];
        for (int i = 0; i < names.length; i++) {
            int[] can = {-1};
            types[i] = result.columnType(i, can);
            nullable[i] = can[0];
            declared[i] = result.columnDeclared(i);
            if (types[i] == Type.VARIANT) types[i] = seen(result, i, dialect);
        }
    }

    private Type seen(Result result, int column, Dialect dialect) {
        Type type = result.blockType(column);
        if (type != Type.NULL && type != Type.VARIANT) return type;
        return dialect == Dialect.SQLITE ? Dialect.declared(declared[column]) : type;
    }

    private int at(int column) throws SQLException {
        if (column >= 1 && column <= names.length) return column - 1;
        throw new SQLException("there is no column " + column, "42703");
    }

    @Override
    public int getColumnCount() {
        return names.length;
    }

    @Override
    public String getColumnLabel(int column) throws SQLException {
        return names[at(column)];
    }

    @Override
    public String getColumnName(int column) throws SQLException {
        return names[at(column)];
    }

    @Override
    public int getColumnType(int column) throws SQLException {
        Type type = types[at(column)];
        return type == Type.VARIANT ? Types.OTHER : Dialect.sqlType(type);
    }

    @Override
    public String getColumnTypeName(int column) throws SQLException {
        String name = declared[at(column)];
        return name.isEmpty() ? types[column - 1].name() : name;
    }

    @Override
    public String getColumnClassName(int column) throws SQLException {
        return Dialect.className(types[at(column)]);
    }

    @Override
    public int isNullable(int column) throws SQLException {
        int can = nullable[at(column)];
        return can < 0 ? columnNullableUnknown : can == 0 ? columnNoNulls : columnNullable;
    }

    @Override
    public boolean isSigned(int column) throws SQLException {
        switch (types[at(column)]) {
            case INT64: case FLOAT: case DOUBLE: case DECIMAL: return true;
            default: return false;
        }
    }

    // "varchar(20)", "DECIMAL(10,2)": the numbers in the declared type.
    private int number(int column, int which) throws SQLException {
        String name = declared[at(column)];
        int open = name.indexOf('(');
        if (open < 0 || !name.endsWith(")")) return 0;
        String[] parts = name.substring(open + 1, name.length() - 1).split(",");
        if (which >= parts.length || !parts[which].trim().matches("\\d{1,9}")) return 0;
        return Integer.parseInt(parts[which].trim());
    }

    @Override
    public int getPrecision(int column) throws SQLException {
        return number(column, 0);
    }

    @Override
    public int getScale(int column) throws SQLException {
        return number(column, 1);
    }

    @Override
    public int getColumnDisplaySize(int column) throws SQLException {
        int size = number(column, 0);
        return size == 0 ? Integer.MAX_VALUE : size;
    }

    @Override
    public boolean isCaseSensitive(int column) throws SQLException {
        return types[at(column)] == Type.TEXT;
    }

    @Override
    public boolean isSearchable(int column) throws SQLException {
        return at(column) >= 0;
    }

    @Override
    public boolean isAutoIncrement(int column) throws SQLException {
        return at(column) < 0;
    }

    @Override
    public boolean isCurrency(int column) throws SQLException {
        return at(column) < 0;
    }

    @Override
    public boolean isReadOnly(int column) throws SQLException {
        return at(column) >= 0;
    }

    @Override
    public boolean isWritable(int column) throws SQLException {
        return at(column) < 0;
    }

    @Override
    public boolean isDefinitelyWritable(int column) throws SQLException {
        return at(column) < 0;
    }

    @Override
    public String getSchemaName(int column) throws SQLException {
        at(column);
        return "";
    }

    @Override
    public String getTableName(int column) throws SQLException {
        at(column);
        return "";
    }

    @Override
    public String getCatalogName(int column) throws SQLException {
        at(column);
        return "";
    }
}
