// SPDX-License-Identifier: MIT
// Flyway's own library behind a pipe. A line is a command with its settings, separated by tabs:
//     migrate url=jdbc:... user=... schemas=... locations=... outOfOrder=true placeholders.who=bob
//     fleet threads=4 names=FILE url=jdbc:.../{tenant} ...
// The second migrates each tenant that the file names, one a line; {tenant} in a setting becomes the name.
// The answer is any number of lines, and one that is "ok" or "error TEXT".

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

    // How many scripts it executed in all.
    private static long fleet(String[] words) throws Exception {
        int threads = Integer.parseInt(words[1].substring("threads=".length()));
        List<String> tenants = Files.readAllLines(Path.of(words[2].substring("names=".length())));
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<Integer>> runs = new ArrayList<>();
            for (String tenant : tenants) {
                String[] own = Arrays.stream(words).skip(2).map(w -> w.replace("{tenant}", tenant))
                    .toArray(String[]::new);
                runs.add(pool.submit(() -> flyway(own).migrate().migrationsExecuted));
            }
            long executed = 0;
            for (Future<Integer> run : runs) executed += run.get();
            return executed;
        } finally {
            pool.shutdownNow();
        }
    }

    private static void run(String[] words) throws Exception {
        if (words[0].equals("fleet")) {
            out.println("executed " + fleet(words));
            return;
        }
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
