// SPDX-License-Identifier: MIT
package dev.mtdb.jdbc;

import dev.mtdb.Db;
import dev.mtdb.DbOptions;
import dev.mtdb.internal.Access;
import dev.mtdb.internal.Handle;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Logger;

/**
 * Connections by url: {@code jdbc:mtdb:} and what {@link Db#open} takes, with the key {@code tenant} in the query or in
 * the properties: {@code jdbc:mtdb:sqlite:/var/tenants?tenant=acme}. Without it the tenant is that of the scope. Other
 * properties are options of the db. Connections of one url and properties share a db, which is closed with the last of
 * them.
 */
public final class MtdbDriver implements Driver {
    private static final String PREFIX = "jdbc:mtdb:";
    private static final Map<Map<String, String>, Shared> OPEN = new HashMap<>();

    static {
        try {
            DriverManager.registerDriver(new MtdbDriver());
        } catch (SQLException failure) {
            throw new ExceptionInInitializerError(failure);
        }
    }

    private static final class Shared {
        private final Db db;
        private int connections;

        Shared(Db db) {
            this.db = db;
        }
    }

    /** Makes a driver; the service loader does. */
    public MtdbDriver() {}

    @Override
    public boolean acceptsURL(String url) {
        return url != null && url.startsWith(PREFIX);
    }

    @Override
    public Connection connect(String url, Properties properties) throws SQLException {
        if (!acceptsURL(url)) return null;
        String[] parts = withoutTenant(url.substring(PREFIX.length()));
        Map<String, String> key = new TreeMap<>();
        if (properties != null)
            for (String name : properties.stringPropertyNames()) key.put(name, properties.getProperty(name));
        String named = key.remove("tenant");
        String tenant = named != null ? named : parts[1];
        String user = key.remove("user");
        if (user != null && !user.isEmpty())
            throw new SQLException("the user belongs into the url: postgres://USER@HOST/DATABASE", "22023");
        key.put("", parts[0]);
        Shared shared = share(key);
        try {
            return new JdbcConnection(Access.of(shared.db), shownUrl(parts[0]), tenant, share(key, shared));
        } catch (Throwable failure) {
            leave(key, shared);
            throw failure;
        }
    }

    // What a connection does at its end. One that is forgotten has its share given back when it is collected: by a
    // thread of its own, because closing a db may wait.
    private static Runnable share(Map<String, String> key, Shared shared) {
        AtomicBoolean closed = new AtomicBoolean();
        Handle share = new Handle(0, none -> {
            if (closed.get()) {
                leave(key, shared);
                return;
            }
            Thread closer = new Thread(() -> leave(key, shared), "mtdb-close");
            closer.setDaemon(true);
            closer.start();
        }, "connection");
        return () -> {
            closed.set(true);
            share.close();
        };
    }

    /** How many dbs are open. */
    static int opened() {
        synchronized (OPEN) {
            return OPEN.size();
        }
    }

    // No password, no query: what a url may show of itself.
    private static String shownUrl(String url) {
        String shown = url.replaceFirst("[?].*", "");
        return PREFIX + shown.replaceFirst("//[^/@]*@", "//");
    }

    // The url without its key tenant, and that key's value or null.
    private static String[] withoutTenant(String url) {
        int query = url.indexOf('?');
        if (query < 0) return new String[] {url, null};
        StringBuilder rest = new StringBuilder();
        String tenant = null;
        for (String pair : url.substring(query + 1).split("&")) {
            if (pair.startsWith("tenant=")) tenant = pair.substring("tenant=".length());
            else rest.append(rest.length() == 0 ? '?' : '&').append(pair);
        }
        return new String[] {url.substring(0, query) + rest, tenant};
    }

    private static Shared share(Map<String, String> key) throws SQLException {
        synchronized (OPEN) {
            Shared shared = OPEN.get(key);
            if (shared == null) {
                DbOptions options = new DbOptions();
                key.forEach((name, value) -> {
                    if (!name.isEmpty()) options.set(name, value);
                });
                shared = new Shared(Db.open(key.get(""), options));
                OPEN.put(key, shared);
            }
            shared.connections++;
            return shared;
        }
    }

    private static void leave(Map<String, String> key, Shared shared) {
        synchronized (OPEN) {
            if (--shared.connections > 0) return;
            OPEN.remove(key);
        }
        try {
            shared.db.close();
        } catch (SQLException failure) {
            // Nobody uses it any more; what is open in it goes with its last reference.
        }
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties properties) {
        DriverPropertyInfo tenant = new DriverPropertyInfo("tenant", null);
        tenant.description = "the tenant's id; without it that of the scope";
        return new DriverPropertyInfo[] {tenant};
    }

    @Override
    public int getMajorVersion() {
        return 0;
    }

    @Override
    public int getMinorVersion() {
        return 1;
    }

    /** Not all of JDBC is there: no callable statements, arrays, scrolling. */
    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("dev.mtdb");
    }
}
