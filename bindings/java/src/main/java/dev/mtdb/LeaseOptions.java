// SPDX-License-Identifier: MIT
// Made by OptionSources from the library's own list of options; a test compares the two.
package dev.mtdb;

/** Options of {@link Tenant#lease}. */
public final class LeaseOptions extends Options<LeaseOptions> {
    /** Makes an empty set. */
    public LeaseOptions() {}

    /**
     * A name for the lease in events, such as the place that acquired it. Option {@code lease.tag}.
     *
     * @param value by default empty
     * @return this
     */
    public LeaseOptions tag(String value) {
        return set("lease.tag", value);
    }

    /**
     * Refuses statements that write. Option {@code lease.read_only}.
     *
     * @param value by default false
     * @return this
     */
    public LeaseOptions readOnly(boolean value) {
        return set("lease.read_only", String.valueOf(value));
    }
}
