// SPDX-License-Identifier: MIT
package dev.mtdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLDataException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OptionsTest {
    @Test
    void everyOptionOfTheLibraryHasItsMethod() throws Exception {
        Path folder = Path.of(System.getProperty("mtdb.sources"));
        for (Map.Entry<String, String> source : OptionSources.all().entrySet())
            assertEquals(source.getValue(), Files.readString(folder.resolve(source.getKey() + ".java")),
                source.getKey() + " is not what OptionSources makes");
    }

    @Test
    void valuesReachTheLibraryAsItTakesThem() throws Exception {
        DbOptions options = new DbOptions().poolSizeMax(3).acquireTimeout(Duration.ofSeconds(2))
            .sqliteForeignKeys(false).tlsMode(DbOptions.TlsMode.VERIFY_FULL).tenantMap("acme", "a.db");
        assertEquals(Map.of("pool.size_max", "3", "acquire_timeout_ms", "2000", "sqlite.foreign_keys", "false",
            "tls.mode", "verify-full", "tenant.map.acme", "a.db"), options.toMap());
        Db.open("echo:", options).close();
    }

    @Test
    void aWrongKeyNamesTheNearest() {
        SQLDataException failure = assertThrows(SQLDataException.class,
            () -> Db.open("echo:", new DbOptions().set("pool.size_maxx", "1")));
        assertTrue(failure.getMessage().contains("pool.size_max"), failure.getMessage());
    }

    @Test
    void aSecretIsNotShown() {
        assertFalse(new DbOptions().password("hush").toString().contains("hush"));
        assertFalse(Value.ofText(Type.TEXT, "hush").toString().contains("hush"));
    }
}
