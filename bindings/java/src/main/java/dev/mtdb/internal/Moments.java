// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Status;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** Days and microseconds since 1970, and java.time. The limits of a slot are the infinities, and MAX and MIN here. */
public final class Moments {
    private static final long MICROS = 1_000_000L;
    private static final long DAY = 86_400 * MICROS;

    private Moments() {}

    static long days(LocalDate date) {
        if (date.equals(LocalDate.MAX)) return Integer.MAX_VALUE;
        if (date.equals(LocalDate.MIN)) return Integer.MIN_VALUE;
        return date.toEpochDay();
    }

    static long micros(Duration time) {
        return seconds(time.getSeconds(), time.getNano());
    }

    static long micros(LocalDateTime moment) {
        if (moment.equals(LocalDateTime.MAX)) return Long.MAX_VALUE;
        if (moment.equals(LocalDateTime.MIN)) return Long.MIN_VALUE;
        return seconds(moment.toEpochSecond(ZoneOffset.UTC), moment.getNano());
    }

    static long micros(Instant moment) {
        if (moment.equals(Instant.MAX)) return Long.MAX_VALUE;
        if (moment.equals(Instant.MIN)) return Long.MIN_VALUE;
        return seconds(moment.getEpochSecond(), moment.getNano());
    }

    static long micros(OffsetDateTime moment) {
        if (moment.equals(OffsetDateTime.MAX)) return Long.MAX_VALUE;
        if (moment.equals(OffsetDateTime.MIN)) return Long.MIN_VALUE;
        return seconds(moment.toEpochSecond(), moment.getNano());
    }

    private static long seconds(long seconds, int nanos) {
        try {
            return Math.addExact(Math.multiplyExact(seconds, MICROS), nanos / 1000);
        } catch (ArithmeticException beyond) {
            throw Errors.sneaky(Errors.failure(Status.LIMIT, "the moment is beyond 64 bits of microseconds"));
        }
    }

    /** The day with a number. */
    public static LocalDate date(long days) {
        if (days == Integer.MAX_VALUE) return LocalDate.MAX;
        if (days == Integer.MIN_VALUE) return LocalDate.MIN;
        return LocalDate.ofEpochDay(days);
    }

    /** The moment without a zone. */
    public static LocalDateTime local(long micros) {
        if (micros == Long.MAX_VALUE) return LocalDateTime.MAX;
        if (micros == Long.MIN_VALUE) return LocalDateTime.MIN;
        return LocalDateTime.ofEpochSecond(Math.floorDiv(micros, MICROS), (int) Math.floorMod(micros, MICROS) * 1000,
            ZoneOffset.UTC);
    }

    /** The moment. */
    public static OffsetDateTime moment(long micros) {
        if (micros == Long.MAX_VALUE) return OffsetDateTime.MAX;
        if (micros == Long.MIN_VALUE) return OffsetDateTime.MIN;
        return local(micros).atOffset(ZoneOffset.UTC);
    }

    /** Whether a TIME is one of day, and no longer duration. */
    public static boolean ofDay(long micros) {
        return micros >= 0 && micros < DAY;
    }

    /** The time of day. */
    public static LocalTime time(long micros) {
        if (ofDay(micros)) return LocalTime.ofNanoOfDay(micros * 1000);
        throw Errors.sneaky(Errors.failure(Status.LIMIT, "this TIME is no time of day: read it as a Duration"));
    }

    /** The duration. */
    public static Duration duration(long micros) {
        return Duration.ofSeconds(Math.floorDiv(micros, MICROS), Math.floorMod(micros, MICROS) * 1000);
    }
}
