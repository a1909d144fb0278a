// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>Keys and values for a call of the library. They are copied where they are used. Times are whole
    /// milliseconds there; what is smaller is rounded up.</summary>
    public abstract class Options {
        private readonly SortedDictionary<string, string> values =
            new SortedDictionary<string, string>(StringComparer.Ordinal);

        internal Options() { }

        /// <summary>Any option under its own key, as text; null: not set. The library knows keys and values: a wrong
        /// one fails where the options are used, with the nearest key.</summary>
        public string this[string key] {
            get => values.TryGetValue(key, out var value) ? value : null;
            set {
                if (value == null) values.Remove(key);
                else values[key] = value;
            }
        }

        internal IEnumerable<KeyValuePair<string, string>> Values => values;

        internal long? GetNumber(string key) {
            var text = this[key];
            return text == null ? (long?)null : long.Parse(text, CultureInfo.InvariantCulture);
        }

        internal void SetNumber(string key, long? value) =>
            this[key] = value?.ToString(CultureInfo.InvariantCulture);

        internal bool? GetBoolean(string key) {
            var text = this[key];
            return text == null ? (bool?)null : text == "true" || text == "1";
        }

        internal void SetBoolean(string key, bool? value) =>
            this[key] = value == null ? null : value.Value ? "true" : "false";

        internal TimeSpan? GetTime(string key) {
            var number = GetNumber(key);
            return number == null ? (TimeSpan?)null : TimeSpan.FromMilliseconds(number.Value);
        }

        internal void SetTime(string key, TimeSpan? value) => SetNumber(key,
            value == null ? (long?)null : (long)Math.Ceiling(value.Value.TotalMilliseconds));

        internal int? GetChoice(string key, string[] choices) {
            var found = Array.IndexOf(choices, this[key]);
            return found < 0 ? (int?)null : found;
        }

        internal void SetChoice(string key, int? value, string[] choices) =>
            this[key] = value == null ? null : choices[value.Value];

        /// <summary>For one call; <see cref="Handle.None"/> for no options.</summary>
        internal static Handle Native(Options options) {
            if (options == null || options.values.Count == 0) return Handle.None;
            Library.Load();
            return Made(options);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static OptionsHandle Made(Options options) {
            Failure.Check(Raw.Native.mtdb_options_new(out var made, out var error), error);
            var handle = new OptionsHandle(made);
            try {
                foreach (var pair in options.values) Set(handle, pair.Key, pair.Value);
            } catch {
                handle.Dispose();
                throw;
            }
            return handle;
        }

        internal static unsafe void Set(OptionsHandle options, string key, string value) {
            byte[] name = Utf8.Bytes(key), text = Utf8.Bytes(value);
            fixed (byte* at = name, of = text) {
                var status = Raw.Native.mtdb_options_set_str(options, (IntPtr)at, name.Length, (IntPtr)of, text.Length,
                    out var error);
                Failure.Check(status, error);
            }
        }

        /// <summary>Gives back what <see cref="Native"/> made.</summary>
        internal static void Release(Handle options) {
            if (options != Handle.None) options.Dispose();
        }
    }

    /// <summary>Says which option of the library a property is.</summary>
    [AttributeUsage(AttributeTargets.Property | AttributeTargets.Method)]
    public sealed class OptionAttribute : Attribute {
        /// <summary>Names the option.</summary>
        public OptionAttribute(string key) {
            Key = key;
        }

        /// <summary>The option's name in the library, where &lt;id&gt; stands for a part of its own.</summary>
        public string Key { get; }
    }
}
