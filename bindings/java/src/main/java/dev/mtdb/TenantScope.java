// SPDX-License-Identifier: MIT
package dev.mtdb;

import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * The tenant that a thread works for. {@code try (var scope = TenantScope.enter("acme")) { ... }}: within it, what
 * takes its tenant from the scope takes this one. A tenant that is named explicitly always wins. Scopes nest; a thread
 * that is started within one does not inherit it: pass the work through {@link #wrap}.
 */
public final class TenantScope implements AutoCloseable {
    private static final ThreadLocal<TenantScope> CURRENT = new ThreadLocal<>();

    private final String tenant;
    private final TenantScope outer;
    private final Thread thread = Thread.currentThread();
    private boolean closed;

    private TenantScope(String tenant, TenantScope outer) {
        this.tenant = tenant;
        this.outer = outer;
    }

    /**
     * From here on this thread works for a tenant.
     *
     * @param tenant its id
     * @return close it to end that
     */
    public static TenantScope enter(String tenant) {
        if (tenant == null || tenant.isEmpty()) throw new IllegalArgumentException("a scope needs a tenant");
        TenantScope scope = new TenantScope(tenant, CURRENT.get());
        CURRENT.set(scope);
        return scope;
    }

    /**
     * The tenant that this thread works for.
     *
     * @return its id; empty outside of any scope
     */
    public static Optional<String> current() {
        TenantScope scope = CURRENT.get();
        return scope == null ? Optional.empty() : Optional.of(scope.tenant);
    }

    /**
     * Work for another thread that is done in the scope of this one.
     *
     * @param <T> what the work makes
     * @param work the work
     * @return the same work, in the present scope, or in none
     */
    public static <T> Callable<T> wrap(Callable<T> work) {
        TenantScope now = CURRENT.get();
        String tenant = now == null ? null : now.tenant;
        return () -> {
            TenantScope before = CURRENT.get();
            CURRENT.set(tenant == null ? null : new TenantScope(tenant, before));
            try {
                return work.call();
            } finally {
                restore(before);
            }
        };
    }

    private boolean around(TenantScope inner) {
        for (TenantScope scope = inner; scope != null; scope = scope.outer) if (scope == this) return true;
        return false;
    }

    private static void restore(TenantScope scope) {
        if (scope == null) CURRENT.remove();
        else CURRENT.set(scope);
    }

    /**
     * Back to the scope outside. Idempotent. Scopes end in the thread that entered them, the inner one first. One that
     * is still open inside ends too, so that whatever the thread does next is not done for a forgotten tenant.
     *
     * @throws IllegalStateException in another thread, which ends nothing; or after a scope inside was still open
     */
    @Override
    public void close() {
        if (closed) return;
        if (Thread.currentThread() != thread) throw new IllegalStateException("a scope ends in its own thread");
        closed = true;
        TenantScope innermost = CURRENT.get();
        if (!around(innermost)) return;  // it has ended with one outside of it
        restore(outer);
        if (innermost != this) throw new IllegalStateException("the scope of tenant '" + tenant
            + "' ends before one inside of it, of tenant '" + innermost.tenant + "', which has ended too");
    }
}
