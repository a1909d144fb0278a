// SPDX-License-Identifier: MIT
package dev.mtdb;

/**
 * All that is known of a failed call. Has no secret and no whole SQL text in it.
 *
 * @param status the class of the error
 * @param number its number, also where this class does not know it
 * @param sqlState five characters
 * @param nativeCode the engine's own code, or 0
 * @param engine "sqlite", "postgres", "mysql", "echo", or "mtdb" when no engine was asked
 * @param effect what became of the data
 * @param retryable the same call may succeed later, and no write happened
 * @param tenant the tenant, or empty
 * @param message one line
 * @param line line of the place in the SQL text or script, from 1; 0 when unknown
 * @param column its column, in characters from 1; 0 when unknown
 * @param statement number of the failing statement of a script or batch, from 1; 0 when there was one or none
 * @param script the migration script, or empty
 * @param limit the option that was reached, or empty
 */
public record Failure(Status status, int number, String sqlState, long nativeCode, String engine, Effect effect,
                      boolean retryable, String tenant, String message, long line, long column, long statement,
                      String script, String limit) {}
