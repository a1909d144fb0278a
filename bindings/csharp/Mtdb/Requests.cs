// SPDX-License-Identifier: MIT

using System;
using System.Runtime.ExceptionServices;
using Mtdb.Raw;

namespace Mtdb {
    public sealed unsafe partial class Db {
        /// <summary>Answers what the library asks behind NEEDS.</summary>
        /// <returns>true: make the call again</returns>
        internal bool Answered(int status, string tenant) {
            if (status != Native.MTDB_NEEDS) return false;
            if (resolver == null)
                throw new InvalidOperationException("tenant.routes=resolver, but the db was opened without a resolver");
            var buffer = new byte[64];
            Exception own = null;
            while (true) {
                long id, length;
                fixed (byte* at = buffer) {
                    var found = Native.mtdb_db_request(Handle, 0, Mtdb.Handle.None, out id, out _, (IntPtr)at,
                        buffer.Length, out length, out var error);
                    Failure.Check(found, error);
                    if (found != Native.MTDB_OK) break;
                }
                var asked = Utf8.Text(buffer, (int)length);
                var failed = Answer(id, asked);
                if (asked == tenant) own = failed;
            }
            if (own != null) ExceptionDispatchInfo.Capture(own).Throw();
            return true;
        }

        /// <summary>A request that was taken is answered or refused, whatever the resolver does.</summary>
        /// <returns>what the resolver threw</returns>
        private Exception Answer(long id, string tenant) {
            string route;
            try {
                route = resolver(tenant);
            } catch (Exception exception) {
                Refuse(id, "the resolver failed: " + exception.GetType().Name);
                return exception;
            }
            if (route == null) {
                Refuse(id, "the resolver knows no such tenant");
                return null;
            }
            var value = Utf8.Bytes(route);
            fixed (byte* at = value) {
                var status = Native.mtdb_db_answer(Handle, id, (IntPtr)at, value.Length, out var error);
                if (status != Native.MTDB_INVALID_ARGUMENT) {
                    Failure.Check(status, error);
                    return null;
                }
                Refuse(id, "the resolver's answer is no route");
                try {
                    Failure.Check(status, error);
                    return null;
                } catch (MtdbException exception) {
                    return exception;
                }
            }
        }

        private void Refuse(long id, string reason) {
            var value = Utf8.Bytes(reason);
            fixed (byte* at = value)
                Failure.Check(Native.mtdb_db_refuse(Handle, id, (IntPtr)at, value.Length, out var error), error);
        }
    }
}
