// SPDX-License-Identifier: MIT
import dev.mtdb.*;
import dev.mtdb.jdbc.MtdbDataSource;
import java.nio.file.Files;
import java.sql.*;
import javax.sql.DataSource;

/** JDBC for the tenant in scope: one data source serves all tenants. */
public class Jdbc {
    private static void order(DataSource source, String thing) throws SQLException {
        try (Connection connection = source.getConnection();
             PreparedStatement insert = connection.prepareStatement("INSERT INTO orders (thing) VALUES (?)")) {
            insert.setString(1, thing);
            insert.executeUpdate();
        }
    }

    public static void main(String[] args) throws Exception {
        try (Db db = Db.open("sqlite:" + Files.createTempDirectory("tenants"))) {
            DataSource source = MtdbDataSource.scoped(db);
            for (String id : new String[] {"acme", "globex"}) {
                db.tenant(id).create().exec("CREATE TABLE orders (thing TEXT)");
                try (TenantScope scope = TenantScope.enter(id)) {
                    order(source, "an anvil for " + id);
                }
            }
            try (TenantScope scope = TenantScope.enter("acme"); Connection connection = source.getConnection();
                 Statement query = connection.createStatement();
                 ResultSet rows = query.executeQuery("SELECT thing FROM orders")) {
                while (rows.next()) System.out.println(rows.getString("thing"));
            }
        }
    }
}
