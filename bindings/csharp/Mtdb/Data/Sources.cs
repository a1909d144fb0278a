// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;

namespace Mtdb.Data {
    /// <summary>The dbs behind connection strings: one for all strings that differ in the tenant only.</summary>
    internal static class Sources {
        private static readonly Dictionary<string, Db> open = new Dictionary<string, Db>(StringComparer.Ordinal);

        internal static Db Of(MtdbConnectionStringBuilder parts) {
            if (parts.Url.Length == 0) throw new InvalidOperationException("the connection string has no Url");
            lock (open) {
                if (open.TryGetValue(parts.Shared, out var db)) return db;
                var options = new DbOptions();
                foreach (var pair in parts.Options) options[pair.Key] = pair.Value;
                return open[parts.Shared] = Db.Open(parts.Url, options);
            }
        }

        internal static void Clear(MtdbConnectionStringBuilder parts) {
            Db db;
            lock (open) {
                if (!open.TryGetValue(parts.Shared, out db)) return;
                open.Remove(parts.Shared);
            }
            db.Dispose();
        }

        internal static void ClearAll() {
            List<Db> all;
            lock (open) {
                all = new List<Db>(open.Values);
                open.Clear();
            }
            foreach (var db in all) db.Dispose();
        }
    }
}
