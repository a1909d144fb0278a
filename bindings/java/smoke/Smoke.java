// SPDX-License-Identifier: MIT

import dev.mtdb.internal.Raw;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Runs libmtdb through the raw layer and checks what comes back. */
public final class Smoke {
    private static final byte[] TENANT = utf8("acme");
    private static final String TRICKY = "a\0\ud83d\ude00z";
    private static final String ENDLESS =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
    private static final long NONE = 0;

    private static int passed;
    private static int failed;

    private Smoke() {}

    /** What a call left behind: its status, the position and message of its error. */
    private record Outcome(int status, long line, long column, String message) {}

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void equal(String name, Object got, Object want) {
        if (Arrays.deepEquals(new Object[] {got}, new Object[] {want})) {
            passed++;
            return;
        }
        failed++;
        System.out.println("FAILED " + name + ": got " + Arrays.deepToString(new Object[] {got}) + ", want "
            + Arrays.deepToString(new Object[] {want}));
    }

    private static String text(ByteBuffer buffer, long[] needed) {
        byte[] bytes = new byte[(int) needed[0]];
        buffer.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Outcome outcome(int status, long[] error) {
        if (error[0] == NONE) return new Outcome(status, 0, 0, "");
        ByteBuffer buffer = ByteBuffer.allocateDirect(1024);
        long[] needed = new long[1];
        Raw.mtdb_error_text(error[0], Raw.MTDB_ERROR_MESSAGE, buffer, needed);
        Outcome outcome = new Outcome(status, Raw.mtdb_error_line(error[0]), Raw.mtdb_error_column(error[0]),
            text(buffer, needed));
        Raw.mtdb_error_release(error[0]);
        return outcome;
    }

    private static void ok(String name, int status, long[] error) {
        Outcome outcome = outcome(status, error);
        equal(name + " " + outcome.message(), outcome.status(), Raw.MTDB_OK);
    }

    private static long open(Path folder) {
        long[] db = new long[1];
        long[] error = new long[1];
        ok("open", Raw.mtdb_db_open(utf8("sqlite:" + folder), NONE, db, error), error);
        return db[0];
    }

    private static long lease(long db) {
        long[] conn = new long[1];
        long[] error = new long[1];
        ok("acquire", Raw.mtdb_db_acquire(db, TENANT, NONE, Raw.MTDB_FOREVER, NONE, conn, error), error);
        return conn[0];
    }

    private static long query(long conn, String sql, byte[] params, long cancel) {
        long[] result = new long[1];
        long[] error = new long[1];
        ok("query", Raw.mtdb_conn_query(conn, utf8(sql), params, Raw.MTDB_FOREVER, cancel, result, error), error);
        return result[0];
    }

    private static Outcome fetch(long result, ByteBuffer buffer, long[] used) {
        long[] error = new long[1];
        return outcome(Raw.mtdb_result_fetch(result, buffer, 0, new long[1], used, error), error);
    }

    private static Block block(long result) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(65536);
        Outcome outcome = fetch(result, buffer, new long[1]);
        equal("fetch " + outcome.message(), outcome.status() >= 0, true);
        return new Block(buffer);
    }

    private static void version() {
        long[] error = new long[1];
        ok("abi", Raw.mtdb_abi_require(Raw.MTDB_VERSION_MAJOR, Raw.MTDB_VERSION_MINOR, error), error);
        ByteBuffer buffer = ByteBuffer.allocateDirect(64);
        long[] needed = new long[1];
        ok("status", Raw.mtdb_status_text(Raw.MTDB_TENANT_UNKNOWN, buffer, needed, error), error);
        equal("status text", text(buffer, needed), "TENANT_UNKNOWN");
        ByteBuffer small = ByteBuffer.allocateDirect(3);
        equal("truncated", Raw.mtdb_status_text(Raw.MTDB_TENANT_UNKNOWN, small, needed, null), Raw.MTDB_TRUNCATED);
        equal("needed", needed[0], 14L);
        ByteBuffer heap = ByteBuffer.allocate(64);
        equal("heap buffer", Raw.mtdb_status_text(Raw.MTDB_TENANT_UNKNOWN, heap, needed, null),
            Raw.MTDB_INVALID_ARGUMENT);
    }

    private static void errors(long db, long conn) {
        long[] result = new long[1];
        long[] error = new long[1];
        byte[] sql = utf8("SELECT 1\n /* \ud83d\ude00 */ FROM FROM");
        Outcome syntax = outcome(Raw.mtdb_conn_query(conn, sql, null, Raw.MTDB_FOREVER, NONE, result, error), error);
        equal("syntax error", List.of((long) syntax.status(), syntax.line(), syntax.column()),
            List.of((long) Raw.MTDB_SQL_ERROR, 2L, 15L));
        equal("no result", result[0], NONE);
        int status = Raw.mtdb_db_acquire(db, utf8("nobody"), NONE, Raw.MTDB_FOREVER, NONE, result, error);
        equal("unknown tenant", outcome(status, error).status(), Raw.MTDB_TENANT_UNKNOWN);
        status = Raw.mtdb_conn_exec(NONE, utf8("SELECT 1"), null, 0, NONE, null, error);
        equal("no handle", outcome(status, error).status(), Raw.MTDB_INVALID_ARGUMENT);
        equal("no output", Raw.mtdb_conn_query(conn, utf8("SELECT 1"), null, 0, NONE, null, null),
            Raw.MTDB_INVALID_ARGUMENT);
    }

    private static void texts(long conn) {
        long[] builder = new long[1];
        long[] error = new long[1];
        String tall = "\ud83d\ude00".repeat(300);
        ok("block", Raw.mtdb_block_new(builder, error), error);
        ok("text cell", Raw.mtdb_block_add_text(builder[0], utf8(TRICKY), error), error);
        ok("empty cell", Raw.mtdb_block_add_text(builder[0], new byte[0], error), error);
        ok("long cell", Raw.mtdb_block_add_text(builder[0], utf8(tall), error), error);
        ok("row", Raw.mtdb_block_end_row(builder[0], error), error);
        ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
        long[] needed = new long[1];
        ok("copy", Raw.mtdb_block_copy(builder[0], buffer, needed, error), error);
        Raw.mtdb_block_release(builder[0]);
        byte[] params = new byte[(int) needed[0]];
        buffer.get(0, params);

        long result = query(conn, "SELECT ?1, length(CAST(?1 AS BLOB)), ?2, typeof(?2), ?3", params, NONE);
        Block block = block(result);
        equal("one row", block.rows(), 1);
        Object[] row = {block.value(0, 0), block.value(0, 1), block.value(0, 2), block.value(0, 3), block.value(0, 4)};
        equal("round trip", row, new Object[] {TRICKY, 7L, "", "text", tall});
        Raw.mtdb_result_release(result);
    }

    private static void blocks(long conn) {
        long result = query(conn, "SELECT 42 AS i, 1.5 AS d, 'gr\u00fcn \ud83d\ude00' AS \"t\ud83d\ude00\", NULL AS n,"
            + " 7 AS mixed, x'00ff' AS b UNION ALL"
            + " SELECT -9223372036854775808, -0.25, '', NULL, 'seven', NULL", null, NONE);
        long[] used = new long[1];
        ByteBuffer name = ByteBuffer.allocateDirect(64);
        long[] error = new long[1];
        ok("name", Raw.mtdb_result_column_name(result, 2, name, used, error), error);
        equal("column name", text(name, used), "t\ud83d\ude00");
        equal("block too small", fetch(result, ByteBuffer.allocateDirect(40), used).status(), Raw.MTDB_TRUNCATED);
        equal("its need", used[0] > 40, true);
        Block block = block(result);
        equal("shape", List.of(block.columns(), block.rows()), List.of(6, 2));
        Object[] types = new Object[6];
        Object[] first = new Object[6];
        Object[] second = new Object[6];
        for (int column = 0; column < 6; column++) {
            types[column] = block.type(column);
            first[column] = block.value(0, column);
            second[column] = block.value(1, column);
        }
        equal("types", types, new Object[] {Raw.MTDB_TYPE_INT64, Raw.MTDB_TYPE_DOUBLE, Raw.MTDB_TYPE_TEXT,
            Raw.MTDB_TYPE_NULL, Raw.MTDB_TYPE_VARIANT, Raw.MTDB_TYPE_BYTES});
        equal("first row", first,
            new Object[] {42L, 1.5, "gr\u00fcn \ud83d\ude00", null, 7L, new byte[] {0, (byte) 255}});
        equal("second row", second, new Object[] {Long.MIN_VALUE, -0.25, "", null, "seven", null});
        Raw.mtdb_result_release(result);
    }

    private static void cancels(long conn) throws InterruptedException {
        long[] token = new long[1];
        long[] error = new long[1];
        ok("token", Raw.mtdb_cancel_new(token, error), error);
        Thread canceller = new Thread(() -> {
            try {
                Thread.sleep(200);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
            Raw.mtdb_cancel_trigger(token[0], 0, null);
        });
        long started = System.nanoTime();
        canceller.start();
        long[] result = new long[1];
        int status = Raw.mtdb_conn_query(conn, utf8(ENDLESS), null, Raw.MTDB_FOREVER, token[0], result, error);
        Outcome outcome = outcome(status, error);
        if (status == Raw.MTDB_OK) outcome = fetch(result[0], ByteBuffer.allocateDirect(65536), new long[1]);
        canceller.join();
        equal("cancelled", outcome.status(), Raw.MTDB_CANCELLED);
        equal("in time", System.nanoTime() - started < 20_000_000_000L, true);
        Raw.mtdb_result_release(result[0]);

        long[] generation = new long[1];
        ok("reset", Raw.mtdb_cancel_reset(token[0], generation, error), error);
        equal("generation", generation[0], 2L);
        equal("late trigger", Raw.mtdb_cancel_trigger(token[0], 1, null), Raw.MTDB_DONE);
        long next = query(conn, "SELECT 5", null, token[0]);
        equal("next query", block(next).value(0, 0), 5L);
        Raw.mtdb_result_release(next);
        Raw.mtdb_cancel_release(token[0]);
    }

    private static void wrongOrder(Path folder) {
        long db = open(folder);
        long conn = lease(db);
        long result = query(conn, "SELECT 1 UNION ALL SELECT 2", null, NONE);
        Raw.mtdb_db_release(db);
        Raw.mtdb_conn_release(conn);
        Block block = block(result);
        equal("rows outlive their parents", new Object[] {block.rows(), block.value(1, 0)}, new Object[] {2, 2L});
        Raw.mtdb_result_release(result);
        Raw.mtdb_result_release(NONE);
    }

    private static void run(Path folder) throws InterruptedException {
        version();
        long db = open(folder);
        long[] error = new long[1];
        ok("create", Raw.mtdb_tenant_create(db, TENANT, Raw.MTDB_FOREVER, NONE, error), error);
        long conn = lease(db);
        errors(db, conn);
        texts(conn);
        blocks(conn);
        cancels(conn);
        wrongOrder(folder);

        ok("give back", Raw.mtdb_conn_close(conn, error), error);
        long[] forced = new long[1];
        ok("close", Raw.mtdb_db_close(db, Raw.MTDB_DEFAULT, NONE, forced, error), error);
        equal("forced", forced[0], 0L);
        int status = Raw.mtdb_conn_exec(conn, utf8("SELECT 1"), null, 0, NONE, null, error);
        equal("use after close", outcome(status, error).status(), Raw.MTDB_CLOSED);
        Raw.mtdb_conn_release(conn);
        Raw.mtdb_db_release(db);
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        System.loadLibrary("mtdb_jni");
        Path folder = Files.createTempDirectory("mtdb-java-smoke-").toRealPath();
        run(folder);
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }
}
