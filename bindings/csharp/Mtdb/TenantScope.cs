// SPDX-License-Identifier: MIT

using System;
using System.Threading;

namespace Mtdb {
    /// <summary>The tenant that code works for, where no call names one: it follows <c>await</c>, tasks and threads
    /// that are started inside. A tenant that is named explicitly, or in a connection string, wins.</summary>
    public static class TenantScope {
        private static readonly AsyncLocal<string> current = new AsyncLocal<string>();

        /// <summary>The tenant of the innermost scope; null outside of any.</summary>
        public static string Current => current.Value;

        /// <summary>Enters a tenant until the result is disposed.</summary>
        /// <example><code>using (TenantScope.Use("acme")) { … }</code></example>
        public static IDisposable Use(string tenant) {
            if (string.IsNullOrEmpty(tenant)) throw new ArgumentException("no tenant", nameof(tenant));
            var scope = new Scope(current.Value);
            current.Value = tenant;
            return scope;
        }

        internal static string Required() => Current ?? throw new InvalidOperationException(
            "no tenant: name one, or enter a TenantScope");

        private sealed class Scope : IDisposable {
            private readonly string before;
            private bool left;

            internal Scope(string before) {
                this.before = before;
            }

            public void Dispose() {
                if (left) return;
                left = true;
                current.Value = before;
            }
        }
    }
}
