// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

import java.time.Duration;

/** Options of {@link Db#fleet}. */
public final class FleetOptions extends Options<FleetOptions> {
    /** Makes an empty set. */
    public FleetOptions() {}

    /** Values of {@code fleet.verb}. */
    public enum Verb {
        /** {@code migrate}. */
        MIGRATE,
        /** {@code undo}. */
        UNDO,
        /** {@code info}. */
        INFO,
        /** {@code validate}. */
        VALIDATE,
        /** {@code repair}. */
        REPAIR,
        /** {@code baseline}. */
        BASELINE,
        /** {@code sql}. */
        SQL
    }

    /**
     * What a fleet run does to each tenant. Option {@code fleet.verb}.
     *
     * @param value by default migrate
     * @return this
     */
    public FleetOptions verb(Verb value) {
        return set("fleet.verb", value);
    }

    /**
     * The target of the verb, as mtdb_migrator_migrate() or _undo() takes it; of baseline: the version. Option
     * {@code fleet.target}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions target(String value) {
        return set("fleet.target", value);
    }

    /**
     * The script that verb sql runs; with mtdb_fleet_query() one statement. Option {@code fleet.sql}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions sql(String value) {
        return set("fleet.sql", value);
    }

    /**
     * Lets verb sql write. Option {@code fleet.write}.
     *
     * @param value by default false
     * @return this
     */
    public FleetOptions write(boolean value) {
        return set("fleet.write", String.valueOf(value));
    }

    /**
     * The run's name in the ledger; empty for a new one of its own. Option {@code fleet.run}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions run(String value) {
        return set("fleet.run", value);
    }

    /** Values of {@code fleet.resume}. */
    public enum Resume {
        /** {@code new}. */
        NEW,
        /** {@code rest}. */
        REST,
        /** {@code failed}. */
        FAILED,
        /** {@code applied}. */
        APPLIED
    }

    /**
     * Whether the run is a new one, or takes up one of the ledger: what it left undone, also what failed, or
     * undoes what it applied. Option {@code fleet.resume}.
     *
     * @param value by default new
     * @return this
     */
    public FleetOptions resume(Resume value) {
        return set("fleet.resume", value);
    }

    /** Values of {@code fleet.ledger}. */
    public enum Ledger {
        /** {@code on}. */
        ON,
        /** {@code off}. */
        OFF
    }

    /**
     * Whether the run keeps a ledger in the control store; without one it cannot be taken up. Option
     * {@code fleet.ledger}.
     *
     * @param value by default on
     * @return this
     */
    public FleetOptions ledger(Ledger value) {
        return set("fleet.ledger", value);
    }

    /** Values of {@code fleet.trust}. */
    public enum Trust {
        /** {@code history}. */
        HISTORY,
        /** {@code ledger}. */
        LEDGER
    }

    /**
     * What says that a tenant has nothing to do: its own history, or a ledger that saw it with the same scripts
     * and an unchanged file. Option {@code fleet.trust}.
     *
     * @param value by default history
     * @return this
     */
    public FleetOptions trust(Trust value) {
        return set("fleet.trust", value);
    }

    /**
     * Tenants that are worked on at the same time. Option {@code fleet.workers}.
     *
     * @param value by default 4
     * @return this
     */
    public FleetOptions workers(long value) {
        return set("fleet.workers", String.valueOf(value));
    }

    /**
     * How many of these may be on one server; 0 for all. A server that refuses connections gets fewer until it
     * proves to take more. Option {@code fleet.server_workers}.
     *
     * @param value by default 0
     * @return this
     */
    public FleetOptions serverWorkers(long value) {
        return set("fleet.server_workers", String.valueOf(value));
    }

    /** Values of {@code fleet.on_failure}. */
    public enum OnFailure {
        /** {@code stop}. */
        STOP,
        /** {@code continue}. */
        CONTINUE
    }

    /**
     * Whether a tenant that fails halts the run; what has begun is done to its end. Option
     * {@code fleet.on_failure}.
     *
     * @param value by default stop
     * @return this
     */
    public FleetOptions onFailure(OnFailure value) {
        return set("fleet.on_failure", value);
    }

    /**
     * With fleet.on_failure=continue: how many tenants may fail, as a count or a share such as 5%, before the run
     * halts; empty for any number. Option {@code fleet.failures_max}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions failuresMax(String value) {
        return set("fleet.failures_max", value);
    }

    /**
     * So many failures one after the other halt the run; 0 for any number. Option
     * {@code fleet.failures_in_row_max}.
     *
     * @param value by default 0
     * @return this
     */
    public FleetOptions failuresInRowMax(long value) {
        return set("fleet.failures_in_row_max", String.valueOf(value));
    }

    /**
     * How many tenants, which share, or which ids (separated by commas) go first; one that fails there halts the
     * run. Option {@code fleet.canary}.
     *
     * @param value by default 0
     * @return this
     */
    public FleetOptions canary(String value) {
        return set("fleet.canary", value);
    }

    /**
     * Sizes of the waves behind the canary, separated by commas; the last is repeated; empty for one wave. Option
     * {@code fleet.waves}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions waves(String value) {
        return set("fleet.waves", value);
    }

    /**
     * How long the run waits between two waves. Option {@code fleet.soak_ms}.
     *
     * @param value by default 0
     * @return this
     */
    public FleetOptions soak(Duration value) {
        return set("fleet.soak_ms", value);
    }

    /**
     * After each wave mtdb_fleet_run() returns NEEDS, and goes on once mtdb_fleet_decide() said so. Option
     * {@code fleet.verdict}.
     *
     * @param value by default false
     * @return this
     */
    public FleetOptions verdict(boolean value) {
        return set("fleet.verdict", String.valueOf(value));
    }

    /**
     * How often a tenant is tried again after a failure that may pass. Option {@code fleet.retries_max}.
     *
     * @param value by default 2
     * @return this
     */
    public FleetOptions retriesMax(long value) {
        return set("fleet.retries_max", String.valueOf(value));
    }

    /**
     * The wait before the first such try; it doubles. Option {@code fleet.retry_ms}.
     *
     * @param value by default 200
     * @return this
     */
    public FleetOptions retry(Duration value) {
        return set("fleet.retry_ms", value);
    }

    /**
     * Token of a quiesce flag's owner: the migrator's verbs pass that flag. Option {@code migrate.quiesce_token}.
     *
     * @param value by default empty
     * @return this
     */
    public FleetOptions migrateQuiesceToken(String value) {
        return set("migrate.quiesce_token", value);
    }
}
