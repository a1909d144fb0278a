// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

import java.time.Duration;

/** Options of {@link Db#quiesce}. */
public final class QuiesceOptions extends Options<QuiesceOptions> {
    /** Makes an empty set. */
    public QuiesceOptions() {}

    /**
     * Where quiesce flags are kept: the url of a PostgreSQL or MySQL database, the path or url of an SQLite file;
     * empty for this db's memory. Option {@code quiesce.store}.
     *
     * @param value by default empty
     * @return this
     */
    public QuiesceOptions store(String value) {
        return set("quiesce.store", value);
    }

    /**
     * Name of the table of the global flag, schema.name on PostgreSQL; empty for quiesce_flags. The library's own
     * table is beside it: mtdb_quiesce, or mtdb_&lt;name&gt; for another name. Option {@code quiesce.table}.
     *
     * @param value by default empty
     * @return this
     */
    public QuiesceOptions table(String value) {
        return set("quiesce.table", value);
    }

    /**
     * Scopes that this process obeys besides global and each tenant's own, such as server:eu1,group:beta. Option
     * {@code quiesce.scopes}.
     *
     * @param value by default empty
     * @return this
     */
    public QuiesceOptions scopes(String value) {
        return set("quiesce.scopes", value);
    }

    /**
     * The name that this process announces; empty for that of its program. Option {@code quiesce.process}.
     *
     * @param value by default empty
     * @return this
     */
    public QuiesceOptions process(String value) {
        return set("quiesce.process", value);
    }

    /**
     * How often a db that obeys reads the flags and announces itself. Option {@code quiesce.refresh_ms}.
     *
     * @param value by default 1000
     * @return this
     */
    public QuiesceOptions refresh(Duration value) {
        return set("quiesce.refresh_ms", value);
    }

    /**
     * How long an announcement holds, and how long leases are granted on what was read; at least four times
     * quiesce.refresh_ms. Option {@code quiesce.announce_ms}.
     *
     * @param value by default 10000
     * @return this
     */
    public QuiesceOptions announce(Duration value) {
        return set("quiesce.announce_ms", value);
    }

    /** Values of {@code quiesce.on_error}. */
    public enum OnError {
        /** {@code auto}. */
        AUTO,
        /** {@code open}. */
        OPEN,
        /** {@code closed}. */
        CLOSED
    }

    /**
     * What happens while the flags cannot be read: leases and migrations go on, neither does, or with auto leases
     * only. Option {@code quiesce.on_error}.
     *
     * @param value by default auto
     * @return this
     */
    public QuiesceOptions onError(OnError value) {
        return set("quiesce.on_error", value);
    }

    /** Values of {@code quiesce.leases}. */
    public enum Leases {
        /** {@code refuse}. */
        REFUSE,
        /** {@code wait}. */
        WAIT
    }

    /**
     * Whether a lease is refused while a flag is set, or waits for the flag's end within its deadline. Option
     * {@code quiesce.leases}.
     *
     * @param value by default refuse
     * @return this
     */
    public QuiesceOptions leases(Leases value) {
        return set("quiesce.leases", value);
    }
}
