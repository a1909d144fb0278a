// SPDX-License-Identifier: MIT

using System;
using System.Runtime.InteropServices;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>What the library gave out: kept alive during each call and given back once, in any order.</summary>
    internal abstract class Handle : SafeHandle {
        /// <summary>Stands for a handle that is not there: the marshaller refuses null.</summary>
        internal static readonly Handle None = new NoHandle();

        private static long live;

        protected Handle(IntPtr pointer) : base(IntPtr.Zero, true) {
            SetHandle(pointer);
            if (pointer != IntPtr.Zero) Interlocked.Increment(ref live);
        }

        /// <summary>How many were taken and not yet given back.</summary>
        internal static long Live => Interlocked.Read(ref live);

        public override bool IsInvalid => handle == IntPtr.Zero;

        protected abstract void Release(IntPtr owned);

        protected override bool ReleaseHandle() {
            Release(handle);
            Interlocked.Decrement(ref live);
            return true;
        }

        private sealed class NoHandle : Handle {
            internal NoHandle() : base(IntPtr.Zero) { }

            protected override void Release(IntPtr owned) { }
        }
    }

    internal sealed class ErrorHandle : Handle {
        internal ErrorHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_error_release(owned);
    }

    internal sealed class OptionsHandle : Handle {
        internal OptionsHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_options_release(owned);
    }

    internal sealed class CancelHandle : Handle {
        internal CancelHandle(IntPtr pointer) : base(pointer) { }

        /// <summary>What triggers it; ends with it, also when it was forgotten.</summary>
        internal CancellationTokenRegistration Registration { get; set; }

        /// <summary>The end of the process.</summary>
        internal CancellationTokenRegistration Ending { get; set; }

        protected override void Release(IntPtr owned) {
            Registration.Dispose();
            Ending.Dispose();
            Native.mtdb_cancel_release(owned);
        }
    }

    internal sealed class DbHandle : Handle {
        internal DbHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_db_release(owned);
    }

    internal sealed class LeaseHandle : Handle {
        internal LeaseHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_conn_release(owned);
    }

    internal sealed class StatementHandle : Handle {
        internal StatementHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_stmt_release(owned);
    }

    internal sealed class ResultHandle : Handle {
        internal ResultHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_result_release(owned);
    }

    internal sealed class BatchHandle : Handle {
        internal BatchHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_batch_release(owned);
    }

    internal sealed class MigratorHandle : Handle {
        internal MigratorHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_migrator_release(owned);
    }

    internal sealed class FleetHandle : Handle {
        internal FleetHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_fleet_release(owned);
    }

    internal sealed class DriverHandle : Handle {
        internal DriverHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_driver_release(owned);
    }

    internal sealed class QuiesceHandle : Handle {
        internal QuiesceHandle(IntPtr pointer) : base(pointer) { }

        protected override void Release(IntPtr owned) => Native.mtdb_quiesce_release(owned);
    }
}
