// SPDX-License-Identifier: MIT
package dev.mtdb;

/**
 * Says where a tenant lives. Asked by the thread that needs it, once for all that wait for the same tenant; the answer
 * is believed for option {@code route.ttl_ms}.
 */
@FunctionalInterface
public interface Resolver {
    /**
     * The place of a tenant.
     *
     * @param tenant its id
     * @return a path below the root, a namespace, or a URL; null when there is no such tenant
     * @throws Exception when it cannot be said; callers then fail with TENANT_UNKNOWN, and the one that asked has this
     *     as the cause
     */
    String route(String tenant) throws Exception;
}
