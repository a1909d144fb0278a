// SPDX-License-Identifier: MIT

using System;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.CompilerServices;
using Mtdb.Raw;

[assembly: AssemblyTitle("Mtdb")]
[assembly: AssemblyDescription("Multi-tenant access to SQL databases")]
[assembly: AssemblyVersion("0.1.0.0")]
[assembly: InternalsVisibleTo("Mtdb.Tests")]
[assembly: InternalsVisibleTo("Mtdb.Conformance")]

namespace Mtdb {
    /// <summary>Facts about the native library that this assembly works with.</summary>
    public static class Library {
        private const string Shim = "libmtdb_csharp.so";
        private const int Now = 2;
        private const int Global = 0x100;

        private static readonly object gate = new object();
        private static bool loaded;

        /// <summary>The version of the native library, such as "0.1.0".</summary>
        public static string Version => Fact("version");

        /// <summary>One fact about the build: "version", "compiler", "backends", "sqlite.version" and others that
        /// mtdb_build_info() knows.</summary>
        /// <exception cref="MtdbException">There is no fact of that name.</exception>
        public static unsafe string Fact(string key) {
            Load();
            var name = Utf8.Required(key, nameof(key));
            return Utf8.Filled((IntPtr buffer, long capacity, out long needed, out IntPtr error) => {
                fixed (byte* at = name)
                    return Native.mtdb_build_info((IntPtr)at, name.Length, buffer, capacity, out needed, out error);
            });
        }

        /// <summary>Finds the native library and checks that it is of this version: before the first call. What calls
        /// the library next is a method of its own that is not inlined: the runtime looks for the library when it
        /// compiles a call.</summary>
        internal static void Load() {
            if (loaded) return;
            lock (gate) {
                if (loaded) return;
                Preload();
                Require();
                loaded = true;
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Require() {
            var status = Native.mtdb_abi_require(Native.MTDB_VERSION_MAJOR, Native.MTDB_VERSION_MINOR, out var error);
            Failure.Check(status, error);
            Ending.Watch();
        }

        /// <summary>A package has the native library beside its assembly or below runtimes/: a loader that knows
        /// neither finds what is loaded already. Else the system's own search path decides.</summary>
        private static void Preload() {
            const string native = "runtimes/linux-x64/native";
            foreach (var folder in new[] { Folder(), AppDomain.CurrentDomain.BaseDirectory }) {
                if (string.IsNullOrEmpty(folder)) continue;
                foreach (var below in new[] { "", native, "../../" + native }) {
                    var path = Path.GetFullPath(Path.Combine(folder, below, Shim));
                    if (File.Exists(path) && dlopen(path, Now | Global) != IntPtr.Zero) return;
                }
            }
        }

        private static string Folder() => Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);

        [DllImport("libdl.so.2")]
        private static extern IntPtr dlopen([MarshalAs(UnmanagedType.LPStr)] string path, int flags);
    }
}
