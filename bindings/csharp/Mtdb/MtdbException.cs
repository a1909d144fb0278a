// SPDX-License-Identifier: MIT

using System;
using System.Data.Common;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>A call of the library that failed. Where .NET has an exception of its own for the case
    /// (<see cref="OperationCanceledException"/>, <see cref="ObjectDisposedException"/>,
    /// <see cref="InvalidOperationException"/>, <see cref="NotSupportedException"/>), that one is thrown and this one
    /// is inside it: <see cref="From"/> finds it.</summary>
    public class MtdbException : DbException {
        internal MtdbException(ErrorHandle error, Exception inner)
            : base(Text(error, Native.MTDB_ERROR_MESSAGE), inner) {
            Code = (Status)Native.mtdb_error_status(error);
            SqlState = Text(error, Native.MTDB_ERROR_SQLSTATE);
            Engine = Text(error, Native.MTDB_ERROR_ENGINE);
            Tenant = Text(error, Native.MTDB_ERROR_TENANT);
            Limit = Text(error, Native.MTDB_ERROR_LIMIT);
            Script = Text(error, Native.MTDB_ERROR_SCRIPT);
            NativeCode = Native.mtdb_error_native(error);
            Effect = (Effect)Native.mtdb_error_effect(error);
            IsTransient = Native.mtdb_error_retryable(error) != 0;
            Line = Native.mtdb_error_line(error);
            Column = Native.mtdb_error_column(error);
            Statement = Native.mtdb_error_statement(error);
        }

        /// <summary>The error's class.</summary>
        public Status Code { get; }

        /// <summary>Five characters: the engine's own, else the class's.</summary>
#if NET5_0_OR_GREATER
        public override string SqlState { get; }
#else
        public string SqlState { get; }
#endif

        /// <summary>The same call may succeed later without a change, and nothing was written.</summary>
#if NET5_0_OR_GREATER
        public override bool IsTransient { get; }
#else
        public bool IsTransient { get; }
#endif

        /// <summary>What the failed call did to the data.</summary>
        public Effect Effect { get; }

        /// <summary>The tenant concerned, or empty.</summary>
        public string Tenant { get; }

        /// <summary>"sqlite", "postgres", "mysql", "echo"; "mtdb" when no engine was asked.</summary>
        public string Engine { get; }

        /// <summary>The engine's own number; 0 when it has none.</summary>
        public long NativeCode { get; }

        /// <summary>Line of the failing place in the SQL text or script, from 1; 0 when unknown.</summary>
        public long Line { get; }

        /// <summary>Column of the failing place, in characters from 1; 0 when unknown.</summary>
        public long Column { get; }

        /// <summary>Number of the failing statement of a script or batch, from 1; 0 when there was one or
        /// none.</summary>
        public long Statement { get; }

        /// <summary>The migration script, or empty.</summary>
        public string Script { get; }

        /// <summary>With <see cref="Status.PoolExhausted"/>: the option that was reached, or empty.</summary>
        public string Limit { get; }

        /// <summary>The library's error behind an exception: itself, or the nearest one inside of it; null when no
        /// call of the library failed.</summary>
        public static MtdbException From(Exception exception) {
            for (; exception != null; exception = exception.InnerException) {
                if (exception is MtdbException found) return found;
            }
            return null;
        }

        private static string Text(ErrorHandle error, int field) =>
            Utf8.Filled((IntPtr buffer, long capacity, out long needed, out IntPtr none) => {
                none = IntPtr.Zero;
                return Native.mtdb_error_text(error, field, buffer, capacity, out needed);
            });
    }

    /// <summary>A migration that failed, or may not run: <see cref="MtdbException.Script"/>,
    /// <see cref="MtdbException.Statement"/> and <see cref="MtdbException.Line"/> say where.</summary>
    public sealed class MtdbMigrationException : MtdbException {
        internal MtdbMigrationException(ErrorHandle error) : base(error, null) { }

        /// <summary>Scripts that the failed call had applied, or undone, before.</summary>
        public long Applied { get; internal set; }
    }
}
