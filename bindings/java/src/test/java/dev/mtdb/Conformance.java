// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Access;
import dev.mtdb.internal.Raw;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Runs the shared vectors through the direct API, says what differs, and ends with {@code N passed, N failed}. Usage:
 * Conformance FILE...
 */
public final class Conformance {
    /** What Java cannot say; the guide has the reasons. */
    private static final List<String> SKIPPED = List.of("a length below -1 is refused");
    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    private String file;
    private String test;
    private Map<String, Object> step;
    private int number;
    private int passed;
    private int failed;
    private int wrong;
    private Db db;
    private Lease lease;
    private String tenant;

    private Conformance() {}

    public static void main(String[] files) throws Exception {
        Conformance run = new Conformance();
        for (String file : files) run.file(Path.of(file));
        System.out.println(run.passed + " passed, " + run.failed + " failed, " + SKIPPED.size() + " skipped");
        System.exit(run.failed > 0 || run.passed == 0 ? 1 : 0);
    }

    private void expect(String what, Object got, Object want) {
        if (java.util.Objects.equals(got, want)) return;
        wrong++;
        System.out.println("FAILED " + file + ": " + test + ": step " + number + ": " + what + ": got " + got
            + ", want " + want);
    }

    // ---- steps ----

    /** What a step does; its failure is compared. */
    private interface Call {
        void run() throws Exception;
    }

    @SuppressWarnings("unchecked")
    private void outcome(Call call) {
        String status = "OK";
        Failure failure = null;
        try {
            call.run();
        } catch (Exception thrown) {
            failure = MtdbError.of(thrown).orElseThrow(() -> new IllegalStateException(thrown));
            status = failure.status().name();
        }
        Object want = step.getOrDefault("status", "OK");
        expect("status" + (failure == null ? "" : " (" + failure.message() + ")"), status, want);
        if (failure == null || !status.equals(want)) return;
        Map<String, Object> fields = (Map<String, Object>) step.getOrDefault("error", Map.of());
        for (Map.Entry<String, Object> field : fields.entrySet())
            expect(field.getKey(), field(failure, field.getKey()), field.getValue());
    }

    private static Object field(Failure failure, String name) {
        switch (name) {
            case "message": return failure.message();
            case "sqlstate": return failure.sqlState();
            case "engine": return failure.engine();
            case "tenant": return failure.tenant();
            case "native": return failure.nativeCode();
            case "line": return failure.line();
            case "column": return failure.column();
            case "statement": return failure.statement();
            case "effect": return failure.effect().name().toLowerCase(Locale.ROOT);
            case "retryable": return failure.retryable();
            default: return "a field that the runner does not know";
        }
    }

    private String sql() {
        String sql = (String) step.get("sql");
        long length = number("sql_len", -1);
        if (sql == null || length < 0) return sql;
        return new String(Arrays.copyOf(sql.getBytes(StandardCharsets.UTF_8), (int) length), StandardCharsets.UTF_8);
    }

    private long number(String key, long otherwise) {
        return step.containsKey(key) ? (Long) step.get(key) : otherwise;
    }

    private void expectNumber(String key, long got) {
        if (step.containsKey(key)) expect(key, got, step.get(key));
    }

    private static Object[] row(Object list) {
        return ((List<?>) list).stream().map(Tagged::parse).toArray();
    }

    @SuppressWarnings("unchecked")
    private List<Object[]> paramRows() {
        List<Object[]> rows = new ArrayList<>();
        for (Object row : (List<Object>) step.getOrDefault("params_rows", List.of())) rows.add(row(row));
        if (step.containsKey("params")) rows.add(row(step.get("params")));
        return rows;
    }

    private byte[] params() {
        return dev.mtdb.internal.Params.rows(paramRows());
    }

    private Duration timeout() {
        return step.containsKey("timeout_ms") ? Duration.ofMillis(number("timeout_ms", 0)) : FOREVER;
    }

    private void query() throws Exception {
        lease.within(timeout());
        byte[] sql = dev.mtdb.internal.Texts.utf8(sql());
        read(() -> new Rows(Access.of(lease).query(sql, params(), lease.timeoutMs(), lease)));
    }

    private void dbQuery() throws Exception {
        Tenant named = db.tenant((String) step.getOrDefault("tenant", tenant)).within(timeout());
        read(() -> named.query(sql(), step.containsKey("params") ? row(step.get("params")) : new Object[0]));
    }

    /** Makes the rows of a step. */
    private interface Query {
        Rows run() throws Exception;
    }

    // Rows that came before a failure are compared too.
    private void read(Query query) throws Exception {
        List<List<Value>> values = new ArrayList<>();
        List<List<String>> types = new ArrayList<>();
        try (Rows rows = query.run()) {
            columns(rows);
            rows.result().maxRows(number("max_rows", 0));
            if (step.containsKey("buffer")) rows.result().buffer((int) number("buffer", 0));
            try {
                readAll(rows, values, types);
            } finally {
                expectNumber("affected", rows.affected());
                expectNumber("insert_id", rows.insertId());
                compare(values, types);
            }
        }
    }

    private static void readAll(Rows rows, List<List<Value>> values, List<List<String>> types) throws Exception {
        while (rows.next()) {
            List<Value> row = new ArrayList<>();
            for (int i = 0; i < rows.columnCount(); i++) row.add(rows.getValue(i));
            values.add(row);
            if (!rows.result().atBlockStart()) continue;
            List<String> block = new ArrayList<>();
            for (int i = 0; i < rows.columnCount(); i++)
                block.add(rows.result().blockType(i).name().toLowerCase(Locale.ROOT));
            types.add(block);
        }
    }

    private void columns(Rows rows) throws Exception {
        List<?> names = (List<?>) step.getOrDefault("columns", List.of());
        for (int i = 0; i < names.size(); i++) expect("column name", rows.columnName(i), names.get(i));
        List<?> declared = (List<?>) step.getOrDefault("declared", List.of());
        for (int i = 0; i < declared.size(); i++) expect("declared type", rows.columnDeclared(i), declared.get(i));
    }

    private void compare(List<List<Value>> values, List<List<String>> types) {
        if (step.containsKey("types")) expect("types", types.isEmpty() ? List.of() : types.get(0), step.get("types"));
        if (step.containsKey("blocks")) expect("blocks", types, step.get("blocks"));
        if (!step.containsKey("rows")) return;
        List<?> want = (List<?>) step.get("rows");
        expect("rows", values.size(), want.size());
        for (int row = 0; row < Math.min(values.size(), want.size()); row++) {
            List<Value> cells = Arrays.stream(row(want.get(row))).map(Value.class::cast).toList();
            if (!values.get(row).equals(cells)) expect("row " + row,
                values.get(row).stream().map(Tagged::shown).toList(), cells.stream().map(Tagged::shown).toList());
        }
    }

    @SuppressWarnings("unchecked")
    private void statement() throws Exception {
        try (Prepared statement = lease.within(FOREVER).prepare(sql())) {
            expectNumber("parameters", statement.parameterCount());
            for (Map.Entry<String, Object> value : ((Map<String, Object>) step.getOrDefault("bind", Map.of()))
                .entrySet()) {
                if (value.getKey().matches("\\d+"))
                    statement.bind(Integer.parseInt(value.getKey()), Tagged.parse(value.getValue()));
                else statement.bind(value.getKey(), Tagged.parse(value.getValue()));
            }
            if (step.containsKey("params_rows")) statement.bindRows(paramRows());
            read(statement::run);
        }
    }

    private void exec() throws Exception {
        byte[] sql = dev.mtdb.internal.Texts.utf8(sql());
        long timeoutMs = dev.mtdb.internal.Timeouts.of(timeout());
        expectNumber("affected", Access.of(lease).exec(sql, params(), timeoutMs, lease));
    }

    private void script() throws Exception {
        long[] ran = new long[1];
        try {
            Access.of(lease).script(dev.mtdb.internal.Texts.utf8(sql()), Raw.MTDB_FOREVER, lease, ran);
        } finally {
            expectNumber("statements", ran[0]);
        }
    }

    @SuppressWarnings("unchecked")
    private void begin() throws Exception {
        TxOptions options = new TxOptions();
        ((Map<String, String>) step.getOrDefault("options", Map.of())).forEach(options::set);
        lease.begin(options);
    }

    private void option() throws Exception {
        dev.mtdb.internal.Raw.mtdb_options_release(dev.mtdb.internal.Database.options(
            Map.of((String) step.get("key"), (String) step.get("value"))));
    }

    /** Reads all rows and keeps none. */
    private void scan() throws Exception {
        String phase = (String) step.getOrDefault("cancel", "");
        Thread canceller = phase.equals("running") ? cancelling() : null;
        if (phase.equals("before")) Thread.currentThread().interrupt();
        long count = 0;
        long sum = 0;
        try (Rows rows = lease.within(timeout()).query(sql())) {
            while (rows.next()) {
                if (!rows.isNull(0)) sum += rows.getLong(0);
                if (++count == 1 && phase.equals("rows")) Thread.currentThread().interrupt();
            }
        } finally {
            if (canceller != null) {
                canceller.interrupt();
                canceller.join();
            }
            Thread.interrupted();
            if (phase.equals("rows")) expect("rows before the cancel", count > 0, true);
            expectNumber("rows_count", count);
            if (step.containsKey("rows_sum")) expect("rows_sum", Long.toString(sum), step.get("rows_sum"));
        }
    }

    /** Cancels what runs on the lease after 50 ms, and again should nothing have run yet, until it is interrupted. */
    private Thread cancelling() {
        Lease running = lease;
        Thread thread = new Thread(() -> {
            try {
                while (true) {
                    Thread.sleep(50);
                    running.cancel();
                }
            } catch (InterruptedException ended) {
                // The call has ended.
            }
        });
        thread.start();
        return thread;
    }

    /** Each thread goes from tenant to tenant: it writes there, and counts rows of others. */
    private void parallel() throws Exception {
        int tenants = (int) number("tenants", 1);
        int threads = (int) number("threads", 1);
        long rounds = number("rounds", 1);
        for (int i = 0; i < tenants; i++) {
            Tenant anew = db.tenant(tenant + "x" + i);
            if (anew.exists()) anew.drop();
            anew.create().exec((String) step.get("create"));
        }
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Future<Long>> others = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int first = i;
            others.add(pool.submit(() -> {
                long met = 0;
                for (int round = 0; round < rounds; round++)
                    met += writeAndCount(tenant + "x" + (first + round) % tenants);
                return met;
            }));
        }
        pool.shutdown();
        long met = 0;
        for (Future<Long> one : others) met += one.get();
        expect("rows of others", met, 0L);
        for (int i = 0; i < tenants; i++)
            expect("rows", first(db.tenant(tenant + "x" + i), (String) step.get("all")), threads * rounds / tenants);
    }

    private long writeAndCount(String id) throws Exception {
        try (TenantScope scope = TenantScope.enter(id)) {
            Tenant current = db.tenant().within(FOREVER);
            current.exec((String) step.get("write"), id);
            return first(current, (String) step.get("others"), id);
        }
    }

    private static long first(Tenant tenant, String sql, Object... params) throws Exception {
        return tenant.query(sql, params).list(row -> row.getLong(0)).get(0);
    }

    /** Takes events until the one that is looked for. */
    private void event() throws Exception {
        Object whose = step.getOrDefault("tenant", tenant);
        boolean found = false;
        try (Events events = db.events()) {
            List<Event> some;
            do {
                some = events.poll(Duration.ofSeconds(10));
                for (Event one : some) found |= one.name().equals(step.get("name")) && whose.equals(one.tenant());
            } while (!found && !some.isEmpty());
        }
        expect("event " + step.get("name") + " of " + whose, found, true);
    }

    private void acquire() throws Exception {
        db.tenant((String) step.getOrDefault("tenant", tenant)).lease().close();
    }

    private void run(String call) throws Exception {
        String name = (String) step.get("name");
        switch (call) {
            case "query": query(); break;
            case "db_query": dbQuery(); break;
            case "statement": statement(); break;
            case "exec": exec(); break;
            case "script": script(); break;
            case "bad_block":
                Access.of(lease).exec(dev.mtdb.internal.Texts.utf8(sql()), Tagged.parse(step.get("block")).bytes(),
                    Raw.MTDB_FOREVER, lease);
                break;
            case "insert_id": expectNumber("insert_id", lease.insertId()); break;
            case "begin": begin(); break;
            case "commit": lease.commit(); break;
            case "rollback": lease.rollback(); break;
            case "close": lease.close(); break;
            case "savepoint": lease.savepoint(name); break;
            case "rollback_to": lease.rollbackTo(name); break;
            case "release_savepoint": lease.releaseSavepoint(name); break;
            case "state": expect("state", lease.transactionState().name().toLowerCase(Locale.ROOT),
                step.getOrDefault("state", "none")); break;
            case "scan": scan(); break;
            case "parallel": parallel(); break;
            case "event": event(); break;
            case "acquire": acquire(); break;
            case "create": db.tenant((String) step.getOrDefault("tenant", tenant)).create(); break;
            case "check_tenant": db.checkTenant(
                new String(Tagged.parse(step.get("id")).bytes(), StandardCharsets.UTF_8)); break;
            case "option": option(); break;
            case "status_name": expect("name", Status.of((int) number("number", 0)).name(), name); break;
            default: expect("call", call, "a call that the runner knows");
        }
    }

    @SuppressWarnings("unchecked")
    private void test(Map<String, Object> vector, int count) throws Exception {
        test = (String) vector.get("name");
        if (SKIPPED.contains(test)) return;
        wrong = 0;
        number = 0;
        tenant = "t" + count;
        Tenant anew = db.tenant(tenant);
        if (anew.exists()) anew.drop(); // A server keeps the tenants of the run before.
        lease = anew.create().lease();
        for (Object each : (List<Object>) vector.get("steps")) {
            step = (Map<String, Object>) each;
            number++;
            outcome(() -> run((String) step.get("call")));
        }
        lease.close();
        if (wrong == 0 && number > 0) passed++;
        else failed++;
    }

    @SuppressWarnings("unchecked")
    private void file(Path path) throws Exception {
        file = path.getFileName().toString();
        Map<String, Object> vectors = Json.object(Files.readString(path));
        DbOptions options = new DbOptions().placeholders(DbOptions.Placeholders.NATIVE);
        String url = (String) vectors.get("url");
        if (url.startsWith("env:")) url = System.getenv(url.substring(4));
        if (url == null) throw new IllegalStateException(file + ": no server: " + vectors.get("url") + " is not set");
        try (Db opened = Db.open(url, options)) {
            db = opened;
            int count = 0;
            for (Object vector : (List<Object>) vectors.get("tests")) test((Map<String, Object>) vector, ++count);
        }
    }
}
