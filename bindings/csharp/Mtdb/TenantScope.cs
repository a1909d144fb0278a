// SPDX-License-Identifier: MIT

using System;
using System.Threading;

namespace Mtdb {
    /// <summary>The tenant that code works for, where no call names one: it follows <c>await</c>, tasks and threads
    /// that are started inside. A tenant that is named explicitly, or in a connection string, wins.</summary>
    public static class TenantScope {
        private static readonly AsyncLocal<Scope> current = new AsyncLocal<Scope>();

        /// <summary>The tenant of the innermost scope; null outside of any.</summary>
        public static string Current => current.Value?.Tenant;

        /// <summary>Enters a tenant until the result is disposed.</summary>
        /// <example><code>using (TenantScope.Use("acme")) { … }</code></example>
        public static IDisposable Use(string tenant) {
            if (string.IsNullOrEmpty(tenant)) throw new ArgumentException("no tenant", nameof(tenant));
            return current.Value = new Scope(tenant, current.Value);
        }

        internal static string Required() => Current ?? throw new InvalidOperationException(
            "no tenant: name one, or enter a TenantScope");

        private sealed class Scope : IDisposable {
            internal readonly string Tenant;
            private readonly Scope before;
            private volatile bool left;

            internal Scope(string tenant, Scope before) {
                Tenant = tenant;
                this.before = before;
            }

            /// <summary>Back to the nearest scope around it that has not ended. Ended out of turn, or by code that does
            /// not stand in it, it moves nobody: who is inside of another scope stays there.</summary>
            public void Dispose() {
                left = true;
                if (current.Value != this) return;
                var outer = before;
                while (outer != null && outer.left) outer = outer.before;
                current.Value = outer;
            }
        }
    }
}
