// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.time.Instant;

/**
 * Something that happened in a db. The names are on the events page of the docs.
 *
 * @param sequence counts the events of the db
 * @param at when
 * @param kind "log", "metric", "audit" or "progress"
 * @param level "debug", "info", "warn" or "error"
 * @param name what
 * @param tenant whose, or null
 * @param message one line
 * @param fields the details, as JSON
 */
public record Event(long sequence, Instant at, String kind, String level, String name, String tenant, String message,
                    String fields) {}
