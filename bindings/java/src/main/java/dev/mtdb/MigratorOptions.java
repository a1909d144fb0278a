// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

import java.time.Duration;

/** Options of {@link Db#migrator}. */
public final class MigratorOptions extends Options<MigratorOptions> {
    /** Makes an empty set. */
    public MigratorOptions() {}

    /**
     * Folder of the scripts. Option {@code migrate.source}.
     *
     * @param value by default empty
     * @return this
     */
    public MigratorOptions source(String value) {
        return set("migrate.source", value);
    }

    /** Values of {@code migrate.layout}. */
    public enum Layout {
        /** {@code auto}. */
        AUTO,
        /** {@code flyway}. */
        FLYWAY,
        /** {@code golang}. */
        GOLANG
    }

    /**
     * Whose file names the scripts have; auto looks. Option {@code migrate.layout}.
     *
     * @param value by default auto
     * @return this
     */
    public MigratorOptions layout(Layout value) {
        return set("migrate.layout", value);
    }

    /** Values of {@code migrate.history}. */
    public enum History {
        /** {@code auto}. */
        AUTO,
        /** {@code flyway}. */
        FLYWAY,
        /** {@code golang}. */
        GOLANG
    }

    /**
     * Whose history table is written; auto takes the one that exists, else the layout's. Option
     * {@code migrate.history}.
     *
     * @param value by default auto
     * @return this
     */
    public MigratorOptions history(History value) {
        return set("migrate.history", value);
    }

    /**
     * Name of the history table; empty for the tool's own. Option {@code migrate.table}.
     *
     * @param value by default empty
     * @return this
     */
    public MigratorOptions table(String value) {
        return set("migrate.table", value);
    }

    /** Values of {@code migrate.mode}. */
    public enum Mode {
        /** {@code manual}. */
        MANUAL,
        /** {@code auto}. */
        AUTO,
        /** {@code check}. */
        CHECK
    }

    /**
     * What a tenant's first lease does: nothing, migrate it, or refuse one that is not up to date. Option
     * {@code migrate.mode}.
     *
     * @param value by default manual
     * @return this
     */
    public MigratorOptions mode(Mode value) {
        return set("migrate.mode", value);
    }

    /**
     * Lets tenants through whose history is newer than the scripts. Option {@code migrate.newer}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions newer(boolean value) {
        return set("migrate.newer", String.valueOf(value));
    }

    /**
     * Runs scripts whose version is below the newest applied one. Option {@code migrate.out_of_order}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions outOfOrder(boolean value) {
        return set("migrate.out_of_order", String.valueOf(value));
    }

    /**
     * Encoding of the scripts, as iconv names it; UTF-16 is known by its byte order mark. Option
     * {@code migrate.encoding}.
     *
     * @param value by default UTF-8
     * @return this
     */
    public MigratorOptions encoding(String value) {
        return set("migrate.encoding", value);
    }

    /**
     * Replaces placeholders in scripts of Flyway's layout. Option {@code migrate.placeholders}.
     *
     * @param value by default true
     * @return this
     */
    public MigratorOptions placeholders(boolean value) {
        return set("migrate.placeholders", String.valueOf(value));
    }

    /**
     * The value of one placeholder; its name is the rest of the key, in any case. Option
     * {@code migrate.placeholder.<id>}.
     *
     * @param name the rest of the key
     * @param value by default empty
     * @return this
     */
    public MigratorOptions placeholder(String name, String value) {
        return set("migrate.placeholder." + name, value);
    }

    /**
     * What a placeholder begins with. Option {@code migrate.placeholder_prefix}.
     *
     * @param value by default $&#123;
     * @return this
     */
    public MigratorOptions placeholderPrefix(String value) {
        return set("migrate.placeholder_prefix", value);
    }

    /**
     * What a placeholder ends with. Option {@code migrate.placeholder_suffix}.
     *
     * @param value by default &#125;
     * @return this
     */
    public MigratorOptions placeholderSuffix(String value) {
        return set("migrate.placeholder_suffix", value);
    }

    /**
     * What follows flyway in the names of built-in placeholders. Option {@code migrate.placeholder_separator}.
     *
     * @param value by default :
     * @return this
     */
    public MigratorOptions placeholderSeparator(String value) {
        return set("migrate.placeholder_separator", value);
    }

    /**
     * What names of versioned scripts begin with. Option {@code migrate.flyway.prefix}.
     *
     * @param value by default V
     * @return this
     */
    public MigratorOptions flywayPrefix(String value) {
        return set("migrate.flyway.prefix", value);
    }

    /**
     * What names of undo scripts begin with. Option {@code migrate.flyway.undo_prefix}.
     *
     * @param value by default U
     * @return this
     */
    public MigratorOptions flywayUndoPrefix(String value) {
        return set("migrate.flyway.undo_prefix", value);
    }

    /**
     * What names of repeatable scripts begin with. Option {@code migrate.flyway.repeatable_prefix}.
     *
     * @param value by default R
     * @return this
     */
    public MigratorOptions flywayRepeatablePrefix(String value) {
        return set("migrate.flyway.repeatable_prefix", value);
    }

    /**
     * What names of baseline scripts begin with. Option {@code migrate.flyway.baseline_prefix}.
     *
     * @param value by default B
     * @return this
     */
    public MigratorOptions flywayBaselinePrefix(String value) {
        return set("migrate.flyway.baseline_prefix", value);
    }

    /**
     * What stands between version and description in a script's name. Option {@code migrate.flyway.separator}.
     *
     * @param value by default __
     * @return this
     */
    public MigratorOptions flywaySeparator(String value) {
        return set("migrate.flyway.separator", value);
    }

    /**
     * What names of scripts end with, separated by commas. Option {@code migrate.flyway.suffixes}.
     *
     * @param value by default .sql
     * @return this
     */
    public MigratorOptions flywaySuffixes(String value) {
        return set("migrate.flyway.suffixes", value);
    }

    /**
     * Refuses a folder with .sql files whose names are no script's. Option {@code migrate.flyway.strict_names}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions flywayStrictNames(boolean value) {
        return set("migrate.flyway.strict_names", String.valueOf(value));
    }

    /**
     * Patterns type:state, separated by commas, of what validate overlooks and repair leaves alone. Option
     * {@code migrate.ignore}.
     *
     * @param value by default *:future
     * @return this
     */
    public MigratorOptions ignore(String value) {
        return set("migrate.ignore", value);
    }

    /**
     * Lets a script have statements that cannot run in a transaction beside others; then none of them does. Option
     * {@code migrate.mixed}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions mixed(boolean value) {
        return set("migrate.mixed", String.valueOf(value));
    }

    /**
     * Runs all scripts of a run in one transaction, where the database can. Option {@code migrate.group}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions group(boolean value) {
        return set("migrate.group", String.valueOf(value));
    }

    /**
     * Runs each script in a transaction, unless it is configured otherwise. Option {@code migrate.transaction}.
     *
     * @param value by default true
     * @return this
     */
    public MigratorOptions transaction(boolean value) {
        return set("migrate.transaction", String.valueOf(value));
    }

    /**
     * Writes the history as if scripts had run, without running them. Option {@code migrate.record_only}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions recordOnly(boolean value) {
        return set("migrate.record_only", String.valueOf(value));
    }

    /**
     * Begins the history of a tenant that has tables and none with a baseline. Option
     * {@code migrate.baseline_on_migrate}.
     *
     * @param value by default false
     * @return this
     */
    public MigratorOptions baselineOnMigrate(boolean value) {
        return set("migrate.baseline_on_migrate", String.valueOf(value));
    }

    /**
     * The version of that baseline. Option {@code migrate.baseline_version}.
     *
     * @param value by default 1
     * @return this
     */
    public MigratorOptions baselineVersion(String value) {
        return set("migrate.baseline_version", value);
    }

    /**
     * The description of that baseline. Option {@code migrate.baseline_description}.
     *
     * @param value by default &lt;&lt; Flyway Baseline &gt;&gt;
     * @return this
     */
    public MigratorOptions baselineDescription(String value) {
        return set("migrate.baseline_description", value);
    }

    /** Values of {@code migrate.drop}. */
    public enum Drop {
        /** {@code refuse}. */
        REFUSE,
        /** {@code allow}. */
        ALLOW
    }

    /**
     * Whether mtdb_migrator_drop() may empty a tenant. Option {@code migrate.drop}.
     *
     * @param value by default refuse
     * @return this
     */
    public MigratorOptions drop(Drop value) {
        return set("migrate.drop", value);
    }

    /**
     * First wait after a failed automatic migration; it doubles up to a minute. Option {@code migrate.backoff_ms}.
     *
     * @param value by default 1000
     * @return this
     */
    public MigratorOptions backoff(Duration value) {
        return set("migrate.backoff_ms", value);
    }

    /**
     * How long a tenant's automatic migration may take at its first lease; 0 for that lease's own time. Option
     * {@code migrate.timeout_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public MigratorOptions timeout(Duration value) {
        return set("migrate.timeout_ms", value);
    }

    /**
     * How long a statement of a script waits on a server for a lock of others; 0 for the server's own time.
     * MariaDB and MySQL count whole seconds. Option {@code migrate.lock_timeout_ms}.
     *
     * @param value by default 3000
     * @return this
     */
    public MigratorOptions lockTimeout(Duration value) {
        return set("migrate.lock_timeout_ms", value);
    }

    /**
     * How often such a statement, or the script that it rolled back, is tried again. Option
     * {@code migrate.lock_retries}.
     *
     * @param value by default 10
     * @return this
     */
    public MigratorOptions lockRetries(long value) {
        return set("migrate.lock_retries", String.valueOf(value));
    }

    /**
     * Token of a quiesce flag's owner: the migrator's verbs pass that flag. Option {@code migrate.quiesce_token}.
     *
     * @param value by default empty
     * @return this
     */
    public MigratorOptions quiesceToken(String value) {
        return set("migrate.quiesce_token", value);
    }
}
