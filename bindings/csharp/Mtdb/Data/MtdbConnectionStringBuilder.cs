// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Data.Common;
using System.Linq;
using System.Text.RegularExpressions;

namespace Mtdb.Data {
    /// <summary>A connection string: Url, Tenant, Read Only, Persist Security Info, and any option of a db under its
    /// own key, as in <c>Url=sqlite:/var/lib/app;Tenant=acme;pool.size_max=4</c>.</summary>
    public sealed class MtdbConnectionStringBuilder : DbConnectionStringBuilder {
        private const string UrlKey = "url";
        private const string TenantKey = "tenant";
        private const string ReadOnlyKey = "read only";
        private const string PersistKey = "persist security info";
        private static readonly string[] own = { UrlKey, TenantKey, ReadOnlyKey, PersistKey };

        /// <summary>An empty one.</summary>
        public MtdbConnectionStringBuilder() { }

        /// <summary>Takes a string apart.</summary>
        /// <exception cref="ArgumentException">It is no connection string.</exception>
        public MtdbConnectionStringBuilder(string text) {
            ConnectionString = text;
        }

        /// <summary>Where the tenants live, as <see cref="Db.Open"/> takes it.</summary>
        public string Url {
            get => Text(UrlKey);
            set => this[UrlKey] = value;
        }

        /// <summary>The tenant; empty: that of the <see cref="TenantScope"/>.</summary>
        public string Tenant {
            get => Text(TenantKey);
            set => this[TenantKey] = value;
        }

        /// <summary>Refuses statements that write.</summary>
        public bool ReadOnly {
            get => Flag(ReadOnlyKey);
            set => this[ReadOnlyKey] = value;
        }

        /// <summary>Keeps passwords in <see cref="MtdbConnection.ConnectionString"/> after it was opened.</summary>
        public bool PersistSecurityInfo {
            get => Flag(PersistKey);
            set => this[PersistKey] = value;
        }

        /// <summary>The options of the db among the keys.</summary>
        internal IEnumerable<KeyValuePair<string, string>> Options => Keys.Cast<string>()
            .Where(key => !own.Contains(key, StringComparer.OrdinalIgnoreCase))
            .OrderBy(key => key, StringComparer.Ordinal)
            .Select(key => new KeyValuePair<string, string>(key, Text(key)));

        /// <summary>What connections that share a db have in common.</summary>
        internal string Shared => Url + "\n" + string.Join("\n", Options.Select(pair => pair.Key + "=" + pair.Value));

        /// <summary>The string without its secrets.</summary>
        internal string Redacted() {
            var shown = new MtdbConnectionStringBuilder(ConnectionString);
            foreach (var key in new[] { "password", "migrate.quiesce_token" }) shown.Remove(key);
            shown.Url = WithoutPassword(Url);
            return shown.ConnectionString;
        }

        /// <summary>A url without the password before its host, or among its keys.</summary>
        internal static string WithoutPassword(string url) {
            url = Regex.Replace(url, "(://[^/@:?]*):[^/?]*@", "$1@");
            return Regex.Replace(url, "([?&])(password|passwd)=[^&]*&?", "$1", RegexOptions.IgnoreCase).TrimEnd('?',
                '&');
        }

        private string Text(string key) => TryGetValue(key, out var value) ? Convert.ToString(value) : "";

        private bool Flag(string key) {
            var text = Text(key);
            return text == "1" || string.Equals(text, "true", StringComparison.OrdinalIgnoreCase)
                || string.Equals(text, "yes", StringComparison.OrdinalIgnoreCase);
        }
    }
}
