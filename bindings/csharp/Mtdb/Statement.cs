// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>A prepared statement of a lease. Parameters count from 1. Serves one thread at a time.</summary>
    public sealed unsafe class Statement : IDisposable {
        private readonly StatementHandle handle;

        internal Statement(IntPtr pointer) {
            handle = new StatementHandle(pointer);
        }

        /// <summary>How many parameters it has.</summary>
        public int ParameterCount {
            get {
                Failure.Check(Native.mtdb_stmt_parameter_count(handle, out var count, out var error), error);
                return count;
            }
        }

        /// <summary>The index of a named parameter, with or without its sigil.</summary>
        /// <exception cref="MtdbException">There is no such name.</exception>
        public int IndexOf(string name) {
            var text = Utf8.Required(name, nameof(name));
            fixed (byte* at = text) {
                var status = Native.mtdb_stmt_parameter_index(handle, (IntPtr)at, text.Length, out var index,
                    out var error);
                Failure.Check(status, error);
                return index;
            }
        }

        /// <summary>Binds a value to a named parameter.</summary>
        public Statement Bind(string name, object value) => Bind(IndexOf(name), value);

        /// <summary>Binds a value: it stays bound until another one is.</summary>
        public Statement Bind(int index, object value) {
            var parameter = Parameter.From(value);
            var type = (int)parameter.Type;
            var bytes = parameter.Bytes;
            int status;
            IntPtr error;
            fixed (byte* at = bytes) {
                switch (parameter.Type) {
                    case MtdbType.Null:
                        status = Native.mtdb_stmt_bind_null(handle, index, out error);
                        break;
                    case MtdbType.Single:
                    case MtdbType.Double:
                        status = Native.mtdb_stmt_bind_double(handle, index,
                            BitConverter.Int64BitsToDouble(parameter.Slot), out error);
                        break;
                    default:
                        status = bytes == null
                            ? Native.mtdb_stmt_bind_integer(handle, index, type, parameter.Slot, out error)
                            : Native.mtdb_stmt_bind_typed(handle, index, type, (IntPtr)at, bytes.Length, out error);
                        break;
                }
            }
            Failure.Check(status, error);
            return this;
        }

        /// <summary>Binds many rows at once: the next <see cref="Execute"/> runs the statement once per row, all in one
        /// transaction.</summary>
        public Statement BindRows(IEnumerable<object[]> rows) {
            var block = BlockWriter.Rows(rows as IReadOnlyList<object[]> ?? new List<object[]>(rows));
            fixed (byte* at = block) {
                var status = Native.mtdb_stmt_bind_block(handle, (IntPtr)at, block.Length, out var error);
                Failure.Check(status, error);
            }
            return this;
        }

        /// <summary>Sets every parameter to NULL and forgets bound rows.</summary>
        public void Clear() => Failure.Check(Native.mtdb_stmt_clear(handle, out var error), error);

        /// <summary>Runs the statement and returns its rows. Running it again ends the earlier ones.</summary>
        public Rows Query(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var wait = Wait.For(timeout, cancellation);
            try {
                var status = Native.mtdb_stmt_execute(handle, wait.Left, wait.Cancel, out var made, out var error);
                return Rows.Of(status, made, error, wait);
            } catch {
                wait.Dispose();
                throw;
            }
        }

        /// <summary>Runs the statement and drops its rows.</summary>
        /// <returns>rows changed</returns>
        public long Execute(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            using (var rows = Query(timeout, cancellation)) return rows.Affected;
        }

        /// <summary>Ends the statement.</summary>
        public void Dispose() {
            if (handle.IsClosed) return;
            Native.mtdb_stmt_close(handle, out var error);
            Failure.Drop(error);
            handle.Dispose();
        }
    }
}
