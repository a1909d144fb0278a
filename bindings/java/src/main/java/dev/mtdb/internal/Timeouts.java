// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** Durations as the library takes them. */
public final class Timeouts {
    private Timeouts() {}

    /** Milliseconds, rounded up; null is the option's own value, {@code ChronoUnit.FOREVER} no end. */
    public static long of(Duration timeout) {
        if (timeout == null) return Raw.MTDB_DEFAULT;
        if (timeout.equals(ChronoUnit.FOREVER.getDuration())) return Raw.MTDB_FOREVER;
        if (timeout.isNegative()) return 0;
        return timeout.plusNanos(999_999).toMillis();
    }
}
