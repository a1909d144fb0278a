// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import java.sql.*;

/** What changes rows through a ResultSet: none of it is supported. */
abstract class ReadOnlyRows extends Wrapping implements ResultSet {
    private static SQLFeatureNotSupportedException refused(String what) {
        // Without an SQLSTATE: pools take 0A000 for a broken connection.
        return new SQLFeatureNotSupportedException(what + " is not supported");
    }

    @Override
    public void cancelRowUpdates() throws SQLException {
        throw refused("cancelRowUpdates");
    }

    @Override
    public void deleteRow() throws SQLException {
        throw refused("deleteRow");
    }

    @Override
    public void insertRow() throws SQLException {
        throw refused("insertRow");
    }

    @Override
    public void moveToCurrentRow() throws SQLException {
        throw refused("moveToCurrentRow");
    }

    @Override
    public void moveToInsertRow() throws SQLException {
        throw refused("moveToInsertRow");
    }

    @Override
    public void updateArray(String a, Array b) throws SQLException {
        throw refused("updateArray");
    }

    @Override
    public void updateArray(int a, Array b) throws SQLException {
        throw refused("updateArray");
    }

    @Override
    public void updateAsciiStream(String a, java.io.InputStream b, int c) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateAsciiStream(String a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateAsciiStream(String a, java.io.InputStream b) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateAsciiStream(int a, java.io.InputStream b, int c) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateAsciiStream(int a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateAsciiStream(int a, java.io.InputStream b) throws SQLException {
        throw refused("updateAsciiStream");
    }

    @Override
    public void updateBigDecimal(String a, java.math.BigDecimal b) throws SQLException {
        throw refused("updateBigDecimal");
    }

    @Override
    public void updateBigDecimal(int a, java.math.BigDecimal b) throws SQLException {
        throw refused("updateBigDecimal");
    }

    @Override
    public void updateBinaryStream(String a, java.io.InputStream b, int c) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBinaryStream(String a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBinaryStream(String a, java.io.InputStream b) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBinaryStream(int a, java.io.InputStream b, int c) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBinaryStream(int a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBinaryStream(int a, java.io.InputStream b) throws SQLException {
        throw refused("updateBinaryStream");
    }

    @Override
    public void updateBlob(String a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBlob(String a, java.io.InputStream b) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBlob(String a, Blob b) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBlob(int a, java.io.InputStream b, long c) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBlob(int a, java.io.InputStream b) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBlob(int a, Blob b) throws SQLException {
        throw refused("updateBlob");
    }

    @Override
    public void updateBoolean(String a, boolean b) throws SQLException {
        throw refused("updateBoolean");
    }

    @Override
    public void updateBoolean(int a, boolean b) throws SQLException {
        throw refused("updateBoolean");
    }

    @Override
    public void updateByte(String a, byte b) throws SQLException {
        throw refused("updateByte");
    }

    @Override
    public void updateByte(int a, byte b) throws SQLException {
        throw refused("updateByte");
    }

    @Override
    public void updateBytes(String a, byte[] b) throws SQLException {
        throw refused("updateBytes");
    }

    @Override
    public void updateBytes(int a, byte[] b) throws SQLException {
        throw refused("updateBytes");
    }

    @Override
    public void updateCharacterStream(String a, java.io.Reader b, int c) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateCharacterStream(String a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateCharacterStream(String a, java.io.Reader b) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateCharacterStream(int a, java.io.Reader b, int c) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateCharacterStream(int a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateCharacterStream(int a, java.io.Reader b) throws SQLException {
        throw refused("updateCharacterStream");
    }

    @Override
    public void updateClob(String a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateClob(String a, java.io.Reader b) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateClob(String a, Clob b) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateClob(int a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateClob(int a, java.io.Reader b) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateClob(int a, Clob b) throws SQLException {
        throw refused("updateClob");
    }

    @Override
    public void updateDate(String a, Date b) throws SQLException {
        throw refused("updateDate");
    }

    @Override
    public void updateDate(int a, Date b) throws SQLException {
        throw refused("updateDate");
    }

    @Override
    public void updateDouble(String a, double b) throws SQLException {
        throw refused("updateDouble");
    }

    @Override
    public void updateDouble(int a, double b) throws SQLException {
        throw refused("updateDouble");
    }

    @Override
    public void updateFloat(String a, float b) throws SQLException {
        throw refused("updateFloat");
    }

    @Override
    public void updateFloat(int a, float b) throws SQLException {
        throw refused("updateFloat");
    }

    @Override
    public void updateInt(String a, int b) throws SQLException {
        throw refused("updateInt");
    }

    @Override
    public void updateInt(int a, int b) throws SQLException {
        throw refused("updateInt");
    }

    @Override
    public void updateLong(String a, long b) throws SQLException {
        throw refused("updateLong");
    }

    @Override
    public void updateLong(int a, long b) throws SQLException {
        throw refused("updateLong");
    }

    @Override
    public void updateNCharacterStream(String a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateNCharacterStream");
    }

    @Override
    public void updateNCharacterStream(String a, java.io.Reader b) throws SQLException {
        throw refused("updateNCharacterStream");
    }

    @Override
    public void updateNCharacterStream(int a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateNCharacterStream");
    }

    @Override
    public void updateNCharacterStream(int a, java.io.Reader b) throws SQLException {
        throw refused("updateNCharacterStream");
    }

    @Override
    public void updateNClob(String a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNClob(String a, java.io.Reader b) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNClob(String a, NClob b) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNClob(int a, java.io.Reader b, long c) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNClob(int a, java.io.Reader b) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNClob(int a, NClob b) throws SQLException {
        throw refused("updateNClob");
    }

    @Override
    public void updateNString(String a, String b) throws SQLException {
        throw refused("updateNString");
    }

    @Override
    public void updateNString(int a, String b) throws SQLException {
        throw refused("updateNString");
    }

    @Override
    public void updateNull(String a) throws SQLException {
        throw refused("updateNull");
    }

    @Override
    public void updateNull(int a) throws SQLException {
        throw refused("updateNull");
    }

    @Override
    public void updateObject(String a, Object b, int c) throws SQLException {
        throw refused("updateObject");
    }

    @Override
    public void updateObject(String a, Object b) throws SQLException {
        throw refused("updateObject");
    }

    @Override
    public void updateObject(int a, Object b, int c) throws SQLException {
        throw refused("updateObject");
    }

    @Override
    public void updateObject(int a, Object b) throws SQLException {
        throw refused("updateObject");
    }

    @Override
    public void updateRef(String a, Ref b) throws SQLException {
        throw refused("updateRef");
    }

    @Override
    public void updateRef(int a, Ref b) throws SQLException {
        throw refused("updateRef");
    }

    @Override
    public void updateRow() throws SQLException {
        throw refused("updateRow");
    }

    @Override
    public void updateRowId(String a, RowId b) throws SQLException {
        throw refused("updateRowId");
    }

    @Override
    public void updateRowId(int a, RowId b) throws SQLException {
        throw refused("updateRowId");
    }

    @Override
    public void updateSQLXML(String a, SQLXML b) throws SQLException {
        throw refused("updateSQLXML");
    }

    @Override
    public void updateSQLXML(int a, SQLXML b) throws SQLException {
        throw refused("updateSQLXML");
    }

    @Override
    public void updateShort(String a, short b) throws SQLException {
        throw refused("updateShort");
    }

    @Override
    public void updateShort(int a, short b) throws SQLException {
        throw refused("updateShort");
    }

    @Override
    public void updateString(String a, String b) throws SQLException {
        throw refused("updateString");
    }

    @Override
    public void updateString(int a, String b) throws SQLException {
        throw refused("updateString");
    }

    @Override
    public void updateTime(String a, Time b) throws SQLException {
        throw refused("updateTime");
    }

    @Override
    public void updateTime(int a, Time b) throws SQLException {
        throw refused("updateTime");
    }

    @Override
    public void updateTimestamp(String a, Timestamp b) throws SQLException {
        throw refused("updateTimestamp");
    }

    @Override
    public void updateTimestamp(int a, Timestamp b) throws SQLException {
        throw refused("updateTimestamp");
    }
}
