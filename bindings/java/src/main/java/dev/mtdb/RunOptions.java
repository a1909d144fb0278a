// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

/** Options of {@link Migrator#run}. */
public final class RunOptions extends Options<RunOptions> {
    /** Makes an empty set. */
    public RunOptions() {}

    /**
     * Threads that a run over many tenants uses. Option {@code run.workers}.
     *
     * @param value by default 1
     * @return this
     */
    public RunOptions workers(long value) {
        return set("run.workers", String.valueOf(value));
    }
}
