// SPDX-License-Identifier: MIT
import dev.mtdb.*;

public class Hello {
    public static void main(String[] args) throws Exception {
        try (Db db = Db.open("sqlite::memory:")) {
            Tenant acme = db.tenant("acme").create();
            acme.exec("CREATE TABLE greeting (text TEXT)");
            acme.exec("INSERT INTO greeting VALUES (?)", "hello, acme");
            System.out.println(acme.query("SELECT text FROM greeting").list(row -> row.getString(0)));
        }
    }
}
