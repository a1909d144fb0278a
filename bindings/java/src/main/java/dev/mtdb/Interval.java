// SPDX-License-Identifier: MIT
package dev.mtdb;

/**
 * An interval as PostgreSQL keeps it: parts that have no fixed length in each other.
 *
 * @param months whole months
 * @param days whole days
 * @param microseconds the rest
 */
public record Interval(int months, int days, long microseconds) {}
