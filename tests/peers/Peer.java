// SPDX-License-Identifier: MIT
// Flyway's own library behind a pipe. A line is a command with its settings, separated by tabs:
//     migrate url=jdbc:... user=... schema=... locations=... outOfOrder=true placeholders.who=bob
// The answer is any number of lines, and one that is "ok" or "error TEXT".

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;

public final class Peer {
    private static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err);
        java.util.logging.LogManager.getLogManager().reset();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                run(line.split("\t"));
                out.println("ok");
            } catch (Exception error) {
                String text = String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
                out.println("error " + text);
            }
        }
    }

    private static Flyway flyway(String[] words) {
        Map<String, String> settings = new HashMap<>();
        String url = "", user = "", password = "";
        boolean sessionLock = false;
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            String key = words[i].substring(0, equals), value = words[i].substring(equals + 1);
            if (key.equals("url")) url = value;
            else if (key.equals("user")) user = value;
            else if (key.equals("password")) password = value;
            else if (key.equals("sessionLock")) sessionLock = true;
            else settings.put("flyway." + key, value);
        }
        FluentConfiguration configuration = Flyway.configure().dataSource(url, user, password);
        if (sessionLock)
            configuration.getConfigurationExtension(PostgreSQLConfigurationExtension.class).setTransactionalLock(false);
        return configuration.configuration(settings).load();
    }

    private static void run(String[] words) {
        Flyway flyway = flyway(words);
        switch (words[0]) {
            case "migrate":
                out.println("executed " + flyway.migrate().migrationsExecuted);
                break;
            case "validate":
                for (ValidateOutput problem : flyway.validateWithResult().invalidMigrations)
                    out.println("invalid " + (problem.version == null ? "" : problem.version) + " "
                        + problem.errorDetails.errorCode);
                break;
            case "repair":
                flyway.repair();
                break;
            case "baseline":
                flyway.baseline();
                break;
            case "info":
                for (MigrationInfo info : flyway.info().all())
                    out.println("info " + (info.getVersion() == null ? "-" : info.getVersion()) + "|"
                        + info.getDescription() + "|" + info.getType().name() + "|" + info.getState().getDisplayName()
                        + "|" + info.getChecksum());
                break;
            default:
                throw new IllegalArgumentException("no command " + words[0]);
        }
    }
}
