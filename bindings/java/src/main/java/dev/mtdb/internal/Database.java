// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Resolver;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One open db: the calls that wait, with their interrupts, their deadlines, and the answers of a resolver. */
public final class Database {
    private static final String RESOLVER_FAILED = "the resolver failed: ";

    /** A call that may wait. */
    @FunctionalInterface
    public interface Waiting {
        /** Makes the call with native handles; a token of 0 is none. */
        int at(long handle, long timeoutMs, long token, long[] error);
    }

    private final Handle handle;
    private final Resolver resolver;
    private final String url;

    private Database(Handle handle, String url, Resolver resolver) {
        this.handle = handle;
        this.url = url;
        this.resolver = resolver;
    }

    /** Opens a db. */
    public static Database open(String url, Map<String, String> options, Resolver resolver) {
        NativeLoader.load();
        long[] out = new long[1];
        long[] error = new long[1];
        long set = options(options);
        try {
            Errors.check(Raw.mtdb_db_open(Texts.utf8(url), set, out, error), error);
        } finally {
            Raw.mtdb_options_release(set);
        }
        return new Database(new Handle(out[0], Raw::mtdb_db_release, "db"), url, resolver);
    }

    /** A native set of options, the caller's to release; 0 for none. */
    public static long options(Map<String, String> options) {
        if (options == null || options.isEmpty()) return 0;
        NativeLoader.load();
        long[] out = new long[1];
        long[] error = new long[1];
        Errors.check(Raw.mtdb_options_new(out, error), error);
        try {
            for (Map.Entry<String, String> option : options.entrySet()) {
                Errors.check(Raw.mtdb_options_set_str(out[0], Texts.utf8(option.getKey()),
                    Texts.utf8(option.getValue()), error), error);
            }
        } catch (Throwable failure) {
            Raw.mtdb_options_release(out[0]);
            throw failure;
        }
        return out[0];
    }

    /** The db's handle. */
    public Handle handle() {
        return handle;
    }

    /** The engine that the url names: "sqlite", "postgres", "mysql" or "echo". */
    public String engine() {
        if (url.matches("(?s)(postgres|postgresql)://.*|(host|hostaddr|port|dbname|user|sslmode|service)=.*"))
            return "postgres";
        if (url.matches("(?s)(mysql|mariadb|mysqlx)://.*|.*@(tcp|unix)\\(.*")) return "mysql";
        return url.startsWith("echo:") ? "echo" : "sqlite";
    }

    /**
     * Makes a call that may wait, until it has what it needs.
     *
     * @param target whose handle the call gets
     * @param token ends the call; null: only an interrupt does
     */
    public int waiting(Handle target, long timeoutMs, Token token, Object owner, Waiting call) {
        Token used = token != null ? token : Token.take();
        try {
            int status = once(target, timeoutMs, used, owner, call);
            if (status == Raw.MTDB_NEEDS && resolver != null) status = resolved(target, timeoutMs, used, owner, call);
            return status;
        } finally {
            if (token == null) used.give();
        }
    }

    /** Whether tenants' routes are asked of the program. */
    public boolean resolves() {
        return resolver != null;
    }

    /** A call of a fleet run, whose NEEDS is a verdict. */
    public int waitingForVerdict(Handle target, long timeoutMs, Object owner, Waiting call) {
        Token token = Token.take();
        try {
            return once(target, timeoutMs, token, owner, call);
        } finally {
            token.give();
        }
    }

    private static int once(Handle target, long timeoutMs, Token token, Object owner, Waiting call) {
        long[] error = new long[1];
        long address = target.enter();
        try {
            long native_ = token.begin(owner);
            try {
                return Errors.check(call.at(address, timeoutMs, native_, error), error);
            } finally {
                token.end();
            }
        } finally {
            target.leave();
        }
    }

    // The whole of it shares one deadline; with the option's own each round has it anew, which nobody can notice but
    // by a resolver that takes longer than the option.
    private int resolved(Handle target, long timeoutMs, Token token, Object owner, Waiting call) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Math.max(timeoutMs, 0));
        int status = Raw.MTDB_NEEDS;
        Exception cause = null;
        try {
            while (status == Raw.MTDB_NEEDS) {
                Exception failure = answer();
                cause = failure != null ? failure : cause;
                long left = timeoutMs < 0 ? timeoutMs
                    : Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
                status = once(target, left, token, owner, call);
            }
        } catch (RuntimeException failed) {
            throw failed;
        } catch (Exception failed) {
            if (cause != null && failed.getCause() == null) failed.initCause(cause);
            throw Errors.sneaky(failed);
        }
        return status;
    }

    // Takes one open request, if another thread has not done so, and answers it. What the resolver threw is returned.
    private Exception answer() {
        long[] id = new long[1];
        long[] needed = new long[1];
        long[] error = new long[1];
        ByteBuffer buffer = ByteBuffer.allocateDirect(256);
        long address = handle.enter();
        try {
            int status = Errors.check(
                Raw.mtdb_db_request(address, 0, 0, id, new int[1], buffer, needed, error), error);
            if (status != Raw.MTDB_OK) return null;
            byte[] bytes = new byte[(int) needed[0]];
            buffer.get(0, bytes);
            return answer(address, id[0], new String(bytes, StandardCharsets.UTF_8), error);
        } finally {
            handle.leave();
        }
    }

    private Exception answer(long address, long id, String tenant, long[] error) {
        String reason = "the resolver knows no such tenant";
        Exception cause = null;
        try {
            String place = resolver.route(tenant);
            if (place != null) {
                int status = Raw.mtdb_db_answer(address, id, Texts.utf8(place), error);
                if (status >= 0) return null;
                cause = Errors.exception(status, error);
                reason = RESOLVER_FAILED + cause.getMessage();
            }
        } catch (Throwable failure) {
            // Its message may have anything in it; the class says enough to whoever has no cause.
            reason = RESOLVER_FAILED + failure.getClass().getName();
            cause = failure instanceof Exception ? (Exception) failure : new IllegalStateException(failure);
        }
        Raw.mtdb_db_refuse(address, id, Texts.utf8(reason), null);
        return cause;
    }

    /** A call that may wait and makes a result. */
    public Result query(Handle target, long timeoutMs, Object owner, ResultCall call) {
        Token token = Token.take();
        long[] out = new long[1];
        boolean made = false;
        try {
            int status = waiting(target, timeoutMs, token, owner,
                (address, timeout, cancel, error) -> call.at(address, timeout, cancel, out, error));
            made = status != Raw.MTDB_NEEDS;
            if (!made) throw unanswered();
            return new Result(out[0], null, token, owner, token::give);
        } finally {
            if (!made) token.give();
        }
    }

    /** One statement in a tenant, with its rows, under a token that the caller keeps until they are closed. */
    public Result query(byte[] tenant, byte[] sql, byte[] params, long timeoutMs, Token token, Object owner) {
        long[] out = new long[1];
        done(waiting(handle, timeoutMs, token, owner, (db, timeout, cancel, error) ->
            Raw.mtdb_db_query(db, tenant, sql, params, timeout, cancel, out, error)));
        return new Result(out[0], null, token, owner, null);
    }

    /** For NEEDS, where there is no resolver. */
    public static RuntimeException unanswered() {
        return Errors.sneaky(Errors.failure(dev.mtdb.Status.INVALID_STATE,
            "tenant.routes is resolver, but the db was opened without one"));
    }

    /** A call that may wait and makes a result. */
    @FunctionalInterface
    public interface ResultCall {
        /** Makes the call. */
        int at(long handle, long timeoutMs, long token, long[] out, long[] error);
    }

    /** One statement in a tenant, with its rows. */
    public Result query(byte[] tenant, byte[] sql, byte[] params, long timeoutMs, Object owner) {
        return query(handle, timeoutMs, owner, (db, timeout, token, out, error) ->
            Raw.mtdb_db_query(db, tenant, sql, params, timeout, token, out, error));
    }

    /** One statement in a tenant; the rows that it changed. */
    public long exec(byte[] tenant, byte[] sql, byte[] params, long timeoutMs, Token token, Object owner) {
        long[] affected = new long[1];
        done(waiting(handle, timeoutMs, token, owner, (db, timeout, cancel, error) ->
            Raw.mtdb_db_exec(db, tenant, sql, params, timeout, cancel, affected, error)));
        return affected[0];
    }

    /** The outcome of a call that may not stay unanswered. */
    public static int done(int status) {
        if (status == Raw.MTDB_NEEDS) throw unanswered();
        return status;
    }

    /** Borrows a connection of a tenant. */
    public Conn acquire(String tenant, Map<String, String> options, long timeoutMs) {
        Token token = Token.take();
        long[] out = new long[1];
        byte[] id = Texts.utf8(tenant);
        long set = 0;
        boolean made = false;
        try {
            set = options(options);
            long chosen = set;
            done(waiting(handle, timeoutMs, token, null, (db, timeout, cancel, error) ->
                Raw.mtdb_db_acquire(db, id, chosen, timeout, cancel, out, error)));
            made = true;
            return new Conn(this, out[0], token);
        } finally {
            Raw.mtdb_options_release(set);
            if (!made) token.give();
        }
    }

    /** Shuts the db down; how many leases had to be interrupted. */
    public long close(long timeoutMs) {
        if (handle.closed()) return 0;
        long[] forced = new long[1];
        try {
            waiting(handle, timeoutMs, null, null, (db, timeout, cancel, error) ->
                Raw.mtdb_db_close(db, timeout, cancel, forced, error));
        } finally {
            handle.close();
        }
        return forced[0];
    }
}
